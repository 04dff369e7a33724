/*
   Registration, and before it two questions: does the processor know the instructions that the library was compiled to, and is the PETSc that
   answers the one that it was compiled for? A wrong answer is an error with a sentence; without it the program would die of SIGILL, or of
   integers of another size.

   Calls go to the PETSc that the linker found first, which is the program's own if the program or a library that it names was linked to it. Where the
   program loaded it otherwise (Python), it is the one this library was linked to, perhaps a second one, which nobody initialized: then the first is looked for.

   The makefile compiles this file for any processor. Until both are answered only calls are made that no PETSc is upset by: pointers are
   passed, and what is written behind them is looked at byte by byte.
*/
#if defined(__linux__)
  #if !defined(_GNU_SOURCE)
    #define _GNU_SOURCE /* dl_iterate_phdr() */
  #endif
  #include <dlfcn.h>
  #include <link.h>
#endif
#include "cg/cg.h"
#include "register.h"
#include "../pcgnnspai.h" /*I "pcgnnspai.h" I*/

/* ---- the processor ---- */

#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
static PetscBool ProcessorMissing_Private(char missing[], size_t size)
{
  PetscInt k = 0;

  missing[0] = '\0';
  __builtin_cpu_init();
  #define MISSING(macro, name) \
    if (GNNProcessorBuilt[k++][0] == '1' && !__builtin_cpu_supports(name)) snprintf(missing + strlen(missing), size - strlen(missing), " %s", name);
  GNN_PROCESSOR_FEATURES(MISSING)
  #undef MISSING
  return missing[0] != '\0' ? PETSC_TRUE : PETSC_FALSE;
}
#else
static PetscBool ProcessorMissing_Private(PETSC_UNUSED char missing[], PETSC_UNUSED size_t size)
{
  return PETSC_FALSE;
}
#endif

const char *GNNProcessorLacks(void)
{
  static char sentence[512];
  char        missing[256];

  if (!ProcessorMissing_Private(missing, sizeof(missing))) return NULL;
  snprintf(sentence, sizeof(sentence), "gnnspai was built for another processor, this one lacks%s: build it on this machine, or for older ones, too, by make OPTFLAGS='-O3 -march=x86-64-v2'", missing);
  return sentence;
}

/* ---- PETSc ---- */

/* As many bytes as a call wrote over those that were there */
#define UNWRITTEN 0xA5
static int BytesWritten_Private(const unsigned char bytes[], int size)
{
  while (size > 0 && bytes[size - 1] == UNWRITTEN) size--;
  return size;
}

/* What is called of a PETSc */
typedef struct {
  PetscErrorCode (*version)(PetscInt *, PetscInt *, PetscInt *, PetscInt *);
  PetscErrorCode (*real)(const char[], PetscReal *);
  PetscErrorCode (*scalar)(const char[], PetscScalar *);
  PetscErrorCode (*error)(MPI_Comm, int, const char *, const char *, PetscErrorCode, PetscErrorType, const char *, ...);
} Petsc;

static const Petsc linked = {PetscGetVersionNumber, PetscOptionsStringToReal, PetscOptionsStringToScalar, PetscError};

#if defined(__linux__)
  #define MAX_OBJECTS 8
typedef struct {
  int         n;
  const char *name[MAX_OBJECTS];
} Objects;

static int ListObject_Private(struct dl_phdr_info *info, PETSC_UNUSED size_t size, void *ctx)
{
  Objects *o = (Objects *)ctx;

  if (o->n < MAX_OBJECTS && strstr(info->dlpi_name, "libpetsc")) o->name[o->n++] = info->dlpi_name;
  return 0;
}

/* The PETSc of this process that is initialized */
static PetscBool FindInitialized_Private(Petsc *petsc)
{
  Objects o = {0};

  (void)dl_iterate_phdr(ListObject_Private, &o);
  for (int k = 0; k < o.n; k++) {
    void     *handle = dlopen(o.name[k], RTLD_LAZY | RTLD_NOLOAD);
    MPI_Comm *world  = handle ? (MPI_Comm *)dlsym(handle, "PETSC_COMM_WORLD") : NULL;

    if (world == NULL || *world == MPI_COMM_NULL) continue;
    *(void **)&petsc->version = dlsym(handle, "PetscGetVersionNumber");
    *(void **)&petsc->real    = dlsym(handle, "PetscOptionsStringToReal");
    *(void **)&petsc->scalar  = dlsym(handle, "PetscOptionsStringToScalar");
    *(void **)&petsc->error   = dlsym(handle, "PetscError");
    return petsc->version && petsc->real && petsc->scalar && petsc->error ? PETSC_TRUE : PETSC_FALSE;
  }
  return PETSC_FALSE;
}
#else
static PetscBool FindInitialized_Private(PETSC_UNUSED Petsc *petsc)
{
  return PETSC_FALSE;
}
#endif

/* What it says; the second line is known only where the version is ours */
typedef struct {
  int major, minor, integer;
  int real, scalar;
} Answers;

static PetscErrorCode AskVersion_Private(const Petsc *petsc, Answers *a)
{
  unsigned char  bytes[4][16];
  PetscErrorCode ierr;

  memset(bytes, UNWRITTEN, sizeof(bytes));
  ierr = petsc->version((PetscInt *)bytes[0], (PetscInt *)bytes[1], (PetscInt *)bytes[2], (PetscInt *)bytes[3]);
  if (ierr) return ierr;
  a->integer = BytesWritten_Private(bytes[0], 16);
  a->major   = PetscMax(bytes[0][0], bytes[0][a->integer - 1]); /* a number below 256, in either byte order */
  a->minor   = PetscMax(bytes[1][0], bytes[1][a->integer - 1]);
  return PETSC_SUCCESS;
}

static PetscErrorCode AskScalar_Private(const Petsc *petsc, Answers *a)
{
  unsigned char  real[64], scalar[64];
  PetscErrorCode ierr;

  memset(real, UNWRITTEN, sizeof(real));
  memset(scalar, UNWRITTEN, sizeof(scalar));
  ierr = petsc->real("1", (PetscReal *)real);
  if (ierr) return ierr;
  ierr = petsc->scalar("1", (PetscScalar *)scalar);
  if (ierr) return ierr;
  a->real   = BytesWritten_Private(real, sizeof(real));
  a->scalar = BytesWritten_Private(scalar, sizeof(scalar));
  return PETSC_SUCCESS;
}

static void Describe_Private(const Answers *a, char text[], size_t size)
{
  int n = snprintf(text, size, "PETSc %d.%d with %d-bit integers", a->major, a->minor, 8 * a->integer);

  if (a->real > 0) snprintf(text + n, size - n, " and %s scalars of %d bits", a->scalar == a->real ? "real" : "complex", 8 * a->real);
}

/* PETSC_ERR_LIB, with a sentence, where the PETSc of the program is not like ours, or not the one that the library calls */
static PetscErrorCode CheckPetsc_Private(void)
{
  const Answers  ours  = {PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR, sizeof(PetscInt), sizeof(PetscReal), sizeof(PetscScalar)};
  Answers        runs  = {0};
  Petsc          petsc = linked;
  PetscBool      first = PETSC_COMM_WORLD != MPI_COMM_NULL ? PETSC_TRUE : PETSC_FALSE; /* PetscInitialized() says no while PetscInitialize() appends libraries */
  char           text[2][128];
  PetscErrorCode ierr;

  Describe_Private(&ours, text[0], sizeof(text[0]));
  if (!first && !FindInitialized_Private(&petsc)) { /* hence PetscError() cannot speak */
    fprintf(stderr, "gnnspai was built for %s, and that one is not initialized: either PetscInitialize() is still to be called, or this program runs another PETSc, for which gnnspai must be built anew, by make PETSC_DIR=... PETSC_ARCH=...\n", text[0]);
    return PETSC_ERR_LIB;
  }
  ierr = AskVersion_Private(&petsc, &runs);
  if (!ierr && runs.major == ours.major && runs.minor == ours.minor) ierr = AskScalar_Private(&petsc, &runs);
  if (ierr) return ierr;
  if (first && !memcmp(&ours, &runs, sizeof(ours))) return PETSC_SUCCESS;
  Describe_Private(&runs, text[1], sizeof(text[1]));
  return petsc.error(PETSC_COMM_SELF, __LINE__, PETSC_FUNCTION_NAME, __FILE__, PETSC_ERR_LIB, PETSC_ERROR_INITIAL, "gnnspai was built for %s, this program runs %s%s: build gnnspai for that one, by make PETSC_DIR=... PETSC_ARCH=...", text[0], memcmp(&ours, &runs, sizeof(ours)) ? "" : "another ", text[1]);
}

const char PCGNNSPAIVersion[] = PCGNNSPAI_VERSION;

/*@
  PCGNNSPAIRegister - Makes the preconditioner type `PCGNNSPAI`, and the Krylov method `KSPCGGRAPH`, known, after `PetscInitialize()`

  Not Collective; No Fortran Support

  Level: beginner

  Notes:
  A program that was never linked to this library gets the type by `-dll_append path/libgnnspai.so` instead. Both at once, and
  again after another `PetscInitialize()`, do no harm.

  It is an error if the program runs another PETSc than the library was built for, by version, integers or scalars, or if the processor lacks
  instructions that the library was compiled to.

.seealso: `PCGNNSPAI`, `KSPCGGRAPH`, `PCRegister()`, `PCSetType()`
@*/
PetscErrorCode PCGNNSPAIRegister(void)
{
  const char    *lacks = GNNProcessorLacks();
  PetscErrorCode ierr  = CheckPetsc_Private();

  if (ierr) return ierr;
  if (lacks) SETERRQ(PETSC_COMM_SELF, PETSC_ERR_SUP, "%s", lacks);
  ierr = PCGNNSPAIRegister_Private();
  if (ierr) return ierr;
  ierr = PetscInfo(NULL, "gnnspai %s\n", PCGNNSPAIVersion);
  if (ierr) return ierr;
  return KSPRegister(KSPCGGRAPH, KSPCreate_CGGraph);
}

/* Called by -dll_append .../libgnnspai.so; the name is fixed by PETSc */
PETSC_EXTERN PetscErrorCode PetscDLLibraryRegister_gnnspai(void)
{
  return PCGNNSPAIRegister();
}
