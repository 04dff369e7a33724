/* The differences between PETSc 3.18 and 3.26 that this project meets, in one place */
#pragma once

#include <petscversion.h>
#include <petscsys.h>

#if PETSC_VERSION_LT(3, 18, 0)
  #error "gnnspai needs PETSc >= 3.18"
#endif
#if defined(PETSC_USE_COMPLEX)
  #error "gnnspai needs real scalars: configure PETSc with --with-scalar-type=real"
#endif

#if PETSC_VERSION_LT(3, 19, 0)
  #define PETSC_SUCCESS ((PetscErrorCode)0)
#endif

#if PETSC_VERSION_LT(3, 20, 0)
  #define PetscAssertPointer(p, arg) PetscValidPointer(p, arg)
#endif

/* 3.23 made PetscOptionItems itself the pointer */
#if PETSC_VERSION_LT(3, 23, 0)
typedef PetscOptionItems *GNNOptionItems;
#else
typedef PetscOptionItems GNNOptionItems;
#endif

/* PCMatApplyTranspose() came with 3.24 */
#define GNN_HAS_MATAPPLYTRANSPOSE PETSC_VERSION_GE(3, 24, 0)
