/*
   Registration, and before it two questions: does the processor know the instructions that the library was compiled to, and is the PETSc that
   answers the one that it was compiled for? A wrong answer is an error with a sentence; without it the program would die of SIGILL, or of
   integers of another size.

   The makefile compiles this file for any processor. Until both are answered only calls are made that no PETSc is upset by: pointers are
   passed, and what is written behind them is looked at byte by byte.
*/
#include "gnncompat.h"
#include "gnnregister.h"
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

/* Of the PETSc that answers; the second half is known only where the version is ours */
typedef struct {
  PetscBool initialized;
  int       major, minor, integer;
  int       real, scalar;
} Running;

static PetscErrorCode RunningVersion_Private(Running *running)
{
  unsigned char  bytes[4][16];
  PetscErrorCode ierr;

  running->initialized = PETSC_COMM_WORLD != MPI_COMM_NULL ? PETSC_TRUE : PETSC_FALSE; /* PetscInitialized() says no while PetscInitialize() appends libraries */
  memset(bytes, UNWRITTEN, sizeof(bytes));
  ierr = PetscGetVersionNumber((PetscInt *)bytes[0], (PetscInt *)bytes[1], (PetscInt *)bytes[2], (PetscInt *)bytes[3]);
  if (ierr) return ierr;
  running->integer = BytesWritten_Private(bytes[0], 16);
  running->major   = PetscMax(bytes[0][0], bytes[0][running->integer - 1]); /* a number below 256, in either byte order */
  running->minor   = PetscMax(bytes[1][0], bytes[1][running->integer - 1]);
  return PETSC_SUCCESS;
}

static PetscErrorCode RunningScalar_Private(Running *running)
{
  unsigned char  real[64], scalar[64];
  PetscErrorCode ierr;

  memset(real, UNWRITTEN, sizeof(real));
  memset(scalar, UNWRITTEN, sizeof(scalar));
  ierr = PetscOptionsStringToReal("1", (PetscReal *)real);
  if (ierr) return ierr;
  ierr = PetscOptionsStringToScalar("1", (PetscScalar *)scalar);
  if (ierr) return ierr;
  running->real   = BytesWritten_Private(real, sizeof(real));
  running->scalar = BytesWritten_Private(scalar, sizeof(scalar));
  return PETSC_SUCCESS;
}

static void Describe_Private(const Running *r, char text[], size_t size)
{
  int n = snprintf(text, size, "PETSc %d.%d with %d-bit integers", r->major, r->minor, 8 * r->integer);

  if (r->real > 0) snprintf(text + n, size - n, " and %s scalars of %d bits", r->scalar == r->real ? "real" : "complex", 8 * r->real);
}

/* PETSC_ERR_LIB, with a sentence, where the PETSc that answers is not like ours */
static PetscErrorCode CheckPetsc_Private(void)
{
  const Running  ours    = {PETSC_TRUE, PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR, sizeof(PetscInt), sizeof(PetscReal), sizeof(PetscScalar)};
  Running        running = {0};
  char           built[128], runs[128];
  PetscErrorCode ierr = RunningVersion_Private(&running);

  if (ierr) return ierr;
  Describe_Private(&ours, built, sizeof(built));
  if (!running.initialized) { /* hence PetscError() cannot speak */
    fprintf(stderr, "gnnspai was built for %s, and that one is not initialized: either PetscInitialize() is still to be called, or this program runs another PETSc, for which gnnspai must be built anew, by make PETSC_DIR=... PETSC_ARCH=...\n", built);
    return PETSC_ERR_LIB;
  }
  if (running.major == ours.major && running.minor == ours.minor) {
    ierr = RunningScalar_Private(&running);
    if (ierr) return ierr;
    if (running.integer == ours.integer && running.real == ours.real && running.scalar == ours.scalar) return PETSC_SUCCESS;
  }
  Describe_Private(&running, runs, sizeof(runs));
  SETERRQ(PETSC_COMM_SELF, PETSC_ERR_LIB, "gnnspai was built for %s, this program runs %s: build gnnspai for that one, by make PETSC_DIR=... PETSC_ARCH=...", built, runs);
}

/*@
  PCGNNSPAIRegister - Makes the preconditioner type `PCGNNSPAI` known, after `PetscInitialize()`

  Not Collective; No Fortran Support

  Level: beginner

  Notes:
  A program that was never linked to this library gets the type by `-dll_append path/libgnnspai.so` instead. Both at once, and
  again after another `PetscInitialize()`, do no harm.

  It is an error if the program runs another PETSc than the library was built for, by version, integers or scalars, or if the processor lacks
  instructions that the library was compiled to.

.seealso: `PCGNNSPAI`, `PCRegister()`, `PCSetType()`
@*/
PetscErrorCode PCGNNSPAIRegister(void)
{
  const char    *lacks = GNNProcessorLacks();
  PetscErrorCode ierr  = CheckPetsc_Private();

  if (ierr) return ierr;
  if (lacks) SETERRQ(PETSC_COMM_SELF, PETSC_ERR_SUP, "%s", lacks);
  return PCGNNSPAIRegister_Private();
}

/* Called by -dll_append .../libgnnspai.so; the name is fixed by PETSc */
PETSC_EXTERN PetscErrorCode PetscDLLibraryRegister_gnnspai(void)
{
  return PCGNNSPAIRegister();
}
