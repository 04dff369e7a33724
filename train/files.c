/*
   Files of matrices, PETSc binary format.
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

static PetscErrorCode ReadMat_Private(const char name[], Mat *A)
{
  PetscViewer viewer;

  PetscFunctionBegin;
  PetscCall(PetscViewerBinaryOpen(PETSC_COMM_SELF, name, FILE_MODE_READ, &viewer));
  PetscCall(MatCreate(PETSC_COMM_SELF, A));
  PetscCall(MatSetType(*A, MATSEQAIJ));
  PetscCall(MatLoad(*A, viewer));
  PetscCall(PetscViewerDestroy(&viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FilesLoadMat(const char name[], Mat *A)
{
  char           given[16];
  PetscBool      isgiven;
  PetscInt       rows, cols;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(PetscOptionsGetString(NULL, NULL, "-matload_block_size", given, sizeof(given), &isgiven));
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  failed = ReadMat_Private(name, A);
  PetscCall(PetscPopErrorHandler());
  PetscCheck(!failed, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "Cannot read a matrix from %s; a PETSc program writes one with -ksp_view_mat binary:FILE", name);
  /* FILE.info puts its block size into the options database, where it would also hold for the files that follow: put back what was there */
  if (isgiven) PetscCall(PetscOptionsSetValue(NULL, "-matload_block_size", given));
  else PetscCall(PetscOptionsClearValue(NULL, "-matload_block_size"));
  PetscCall(MatGetSize(*A, &rows, &cols));
  PetscCheck(rows == cols, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "The matrix in %s is not square: %" PetscInt_FMT " x %" PetscInt_FMT, name, rows, cols);
  PetscCall(MatSetOption(*A, MAT_SPD, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}
