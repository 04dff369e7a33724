/*
   Files of matrices and of their node features, PETSc binary format.
*/
#include "files.h"
#include <glob.h>

PetscErrorCode FilesGlob(const char pattern[], PetscInt *n, char ***names)
{
  glob_t found;

  PetscFunctionBegin;
  PetscCheck(glob(pattern, 0, NULL, &found) == 0, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "No file matches '%s'; make matrices with gnnspai-data, or dump an application's with -ksp_view_mat binary:A.dat", pattern);
  *n = (PetscInt)found.gl_pathc;
  PetscCall(PetscMalloc1(*n, names));
  for (PetscInt k = 0; k < *n; k++) PetscCall(PetscStrallocpy(found.gl_pathv[k], &(*names)[k]));
  globfree(&found);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FilesDestroy(PetscInt n, char ***names)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < n; k++) PetscCall(PetscFree((*names)[k]));
  PetscCall(PetscFree(*names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A matrix, or a vector where A is NULL */
static PetscErrorCode Read_Private(const char name[], PetscViewer *viewer, Mat *A, Vec *v)
{
  PetscFunctionBegin;
  PetscCall(PetscViewerBinaryOpen(PETSC_COMM_SELF, name, FILE_MODE_READ, viewer));
  if (A) {
    PetscCall(MatCreate(PETSC_COMM_SELF, A));
    PetscCall(MatSetType(*A, MATSEQAIJ));
    PetscCall(MatLoad(*A, *viewer));
  } else {
    PetscCall(VecCreate(PETSC_COMM_SELF, v));
    PetscCall(VecSetType(*v, VECSEQ));
    PetscCall(VecLoad(*v, *viewer));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same without PETSc's own messages. FILE.info puts the block size into the options database, where it would also hold for the files that
   follow: what was there is put back */
static PetscErrorCode Try_Private(const char name[], const char option[], Mat *A, Vec *v, PetscBool *good)
{
  char           given[16];
  PetscBool      isgiven;
  PetscViewer    viewer = NULL;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(PetscOptionsGetString(NULL, NULL, option, given, sizeof(given), &isgiven));
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  failed = Read_Private(name, &viewer, A, v);
  PetscCall(PetscPopErrorHandler());
  PetscCall(PetscViewerDestroy(&viewer));
  if (isgiven) PetscCall(PetscOptionsSetValue(NULL, option, given));
  else PetscCall(PetscOptionsClearValue(NULL, option));
  if (failed && A) PetscCall(MatDestroy(A));
  if (failed && v) PetscCall(VecDestroy(v));
  *good = failed ? PETSC_FALSE : PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Number k of big-endian integers of some size */
static uint64_t Integer(const unsigned char bytes[], int size, int k)
{
  uint64_t value = 0;

  for (int byte = 0; byte < size; byte++) value = value << 8 | bytes[k * size + byte];
  return value;
}

/* A file does not say what its numbers are: of a PETSc with other scalars it can be read as a matrix, of nonsense. But it begins with class
   id, rows, columns and nonzeros, and its length tells the rest: a row length for each row, a column and a scalar for each nonzero */
static PetscErrorCode CheckNumbers_Private(const char name[])
{
  const char *const kinds[]  = {"single precision", "double precision", "complex numbers"};
  unsigned char     head[32] = {0};
  uint64_t          length   = 0;
  FILE             *f        = fopen(name, "rb");

  PetscFunctionBegin;
  if (f == NULL) PetscFunctionReturn(PETSC_SUCCESS); /* said by who reads the matrix */
  if (fread(head, 1, sizeof(head), f) == sizeof(head) && fseek(f, 0, SEEK_END) == 0) length = (uint64_t)ftell(f);
  fclose(f);
  for (int size = 4; size <= 8; size += 4) {
    const uint64_t rows = Integer(head, size, 1), nonzeros = Integer(head, size, 3);

    if (length == 0 || nonzeros == 0 || Integer(head, size, 0) != MAT_FILE_CLASSID) continue;
    PetscCheck(size == (int)sizeof(PetscInt), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "The matrix in %s was written by a PETSc with %d-bit integers, this one has %d-bit integers: write it with one like this", name, 8 * size, 8 * (int)sizeof(PetscInt));
    for (int k = 0; k < 3; k++) PetscCheck(sizeof(PetscScalar) == (size_t)4 << k || length != size * (4 + rows + nonzeros) + ((uint64_t)4 << k) * nonzeros, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "The matrix in %s has scalars in %s, this PETSc has %s: write it with one like this", name, kinds[k], kinds[sizeof(PetscScalar) / 8]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FilesLoadMat(const char name[], Mat *A)
{
  PetscInt  rows, cols;
  PetscBool good;

  PetscFunctionBegin;
  *A = NULL;
  PetscCall(CheckNumbers_Private(name));
  PetscCall(Try_Private(name, "-matload_block_size", A, NULL, &good));
  PetscCheck(good, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "Cannot read a matrix from %s; a PETSc program writes one with -ksp_view_mat binary:FILE", name);
  PetscCall(MatGetSize(*A, &rows, &cols));
  PetscCheck(rows == cols, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "The matrix in %s is not square: %" PetscInt_FMT " x %" PetscInt_FMT, name, rows, cols);
  PetscCall(MatSetOption(*A, MAT_SPD, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FilesLoadFeatures(const char name[], Mat A, Vec *features)
{
  char      file[PETSC_MAX_PATH_LEN];
  PetscInt  rows, block_size, length, size;
  PetscBool good;

  PetscFunctionBegin;
  *features = NULL;
  PetscCall(PetscSNPrintf(file, sizeof(file), "%s" FILES_FEATURES, name));
  PetscCall(PetscTestFile(file, 'r', &good));
  if (!good) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Try_Private(file, "-vecload_block_size", NULL, features, &good));
  PetscCheck(good, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "Cannot read a vector from %s; write one with VecView() and a binary viewer, its block size the numbers of a node", file);
  PetscCall(MatGetSize(A, &rows, NULL));
  PetscCall(MatGetBlockSize(A, &block_size));
  PetscCall(VecGetSize(*features, &length));
  PetscCall(VecGetBlockSize(*features, &size));
  PetscCheck(length == rows / block_size * size, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "The vector in %s has %" PetscInt_FMT " numbers, expected %" PetscInt_FMT ": its block size %" PetscInt_FMT " (FILE.info says so) times the %" PetscInt_FMT " nodes of the matrix", file, length, rows / block_size * size, size, rows / block_size);
  PetscFunctionReturn(PETSC_SUCCESS);
}
