/*
   Linked to tests/cli/app.c: a PETSc that answers as another would. OTHER is VERSION, INTEGER, COMPLEX or SINGLE.
*/
#include <petscsys.h>

#define VERSION 1
#define INTEGER 2
#define COMPLEX 3
#define SINGLE  4

#if defined(PETSC_USE_64BIT_INDICES)
typedef int OtherInt;
#else
typedef PetscInt64 OtherInt;
#endif

#if OTHER == VERSION || OTHER == INTEGER
PetscErrorCode PetscGetVersionNumber(PetscInt *major, PetscInt *minor, PetscInt *subminor, PetscInt *release)
{
  #if OTHER == INTEGER
  *(OtherInt *)major    = PETSC_VERSION_MAJOR;
  *(OtherInt *)minor    = PETSC_VERSION_MINOR;
  *(OtherInt *)subminor = *(OtherInt *)release = 0;
  #else
  *major    = 3;
  *minor    = 99;
  *subminor = *release = 0;
  #endif
  return 0;
}
#elif OTHER == COMPLEX
PetscErrorCode     PetscOptionsStringToScalar(const char name[], PetscScalar *a)
{
  (void)name;
  ((PetscReal *)a)[0] = 1.0;
  ((PetscReal *)a)[1] = 0.0;
  return 0;
}
#else
PetscErrorCode PetscOptionsStringToReal(const char name[], PetscReal *a)
{
  (void)name;
  *(float *)a = 1.0;
  return 0;
}

PetscErrorCode PetscOptionsStringToScalar(const char name[], PetscScalar *a)
{
  return PetscOptionsStringToReal(name, (PetscReal *)a);
}
#endif
