/*
   The matrices of gnnspai-bench, of the type that is asked for, and their right-hand sides.
*/
#include "bench.h"
#include "../train/files.h"

static PetscErrorCode MarkSPD(Mat A)
{
  PetscFunctionBeginUser;
  PetscCall(MatSetOption(A, MAT_SPD, PETSC_TRUE));
  PetscCall(MatSetOption(A, MAT_SPD_ETERNAL, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Types that need a device fail where there is none, with an error that says nothing of it */
static PetscErrorCode ConvertMat(const Options *o, Mat *A)
{
  PetscErrorCode failed;

  PetscFunctionBeginUser;
  PetscCall(MarkSPD(*A));
  if (o->mat_type[0]) {
    PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
    failed = MatConvert(*A, o->mat_type, MAT_INPLACE_MATRIX, A);
    PetscCall(PetscPopErrorHandler());
    PetscCheck(!failed, PETSC_COMM_SELF, PETSC_ERR_SUP, "Cannot use -bench_mat_type %s: there is no GPU here, or this PETSc cannot make a matrix of that type", o->mat_type);
  }
  if (o->vec_type[0]) PetscCall(MatSetVecType(*A, o->vec_type));
  PetscCall(MarkSPD(*A)); /* a conversion may forget */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* FILE.rhs instead of random numbers */
static PetscErrorCode LoadRightHandSide(const char file[], Problem *p)
{
  char        rhs[PETSC_MAX_PATH_LEN];
  PetscViewer viewer;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(rhs, sizeof(rhs), "%s.rhs", file));
  PetscCall(PetscTestFile(rhs, 'r', &p->own_rhs));
  if (!p->own_rhs) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerCreate(PETSC_COMM_SELF, &viewer));
  PetscCall(PetscViewerSetType(viewer, PETSCVIEWERBINARY));
  PetscCall(PetscViewerBinarySetSkipInfo(viewer, PETSC_TRUE)); /* FILE.rhs.info would set options for all that is read later */
  PetscCall(PetscViewerFileSetMode(viewer, FILE_MODE_READ));
  PetscCall(PetscViewerFileSetName(viewer, rhs));
  PetscCall(VecLoad(p->b[RHS_RANDOM], viewer));
  PetscCall(PetscViewerDestroy(&viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateRightHandSides(Problem *p)
{
  PetscRandom random;
  Vec         one;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(p->A, &one, &p->b[RHS_ONES]));
  PetscCall(VecDuplicate(p->b[RHS_ONES], &p->b[RHS_RANDOM]));
  PetscCall(VecSet(one, 1.0));
  PetscCall(MatMult(p->A, one, p->b[RHS_ONES]));
  PetscCall(PetscRandomCreate(PETSC_COMM_SELF, &random));
  PetscCall(PetscRandomSetType(random, PETSCRANDER48));
  PetscCall(PetscRandomSetInterval(random, -1.0, 1.0));
  PetscCall(VecSetRandom(p->b[RHS_RANDOM], random));
  PetscCall(PetscRandomDestroy(&random));
  PetscCall(VecDestroy(&one));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From p->A as a SeqAIJ matrix */
static PetscErrorCode Complete(const Options *o, Problem *p)
{
  MatInfo info;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(p->A, &p->n, NULL));
  PetscCall(MatGetBlockSize(p->A, &p->block_size));
  PetscCall(MatGetInfo(p->A, MAT_LOCAL, &info));
  p->nonzeros = info.nz_used;
  PetscCall(ConvertMat(o, &p->A));
  PetscCall(CreateRightHandSides(p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProblemLoad(const Options *o, const char file[], Problem *p)
{
  const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file, *end = strrchr(base, '.');

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(p->name, sizeof(p->name), "%.*s", (int)(end ? end - base : (ptrdiff_t)strlen(base)), base));
  PetscCall(FilesLoadMat(file, &p->A));
  PetscCall(FilesLoadFeatures(file, p->A, &p->features));
  PetscCall(Complete(o, p));
  PetscCall(LoadRightHandSide(file, p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -1 for each neighbour in the grid, 2 d on the diagonal: zero Dirichlet values outside */
PetscErrorCode ProblemLaplacian(const Options *o, PetscInt d, const PetscInt points[], Problem *p)
{
  PetscInt n = 1, stride[3];
  size_t   length;

  PetscFunctionBeginUser;
  p->features = NULL;
  p->own_rhs  = PETSC_FALSE;
  PetscCall(PetscSNPrintf(p->name, sizeof(p->name), "laplacian"));
  for (PetscInt k = 0; k < d; k++) {
    stride[k] = n;
    n *= points[k];
    PetscCall(PetscStrlen(p->name, &length));
    PetscCall(PetscSNPrintf(p->name + length, sizeof(p->name) - length, "%c%" PetscInt_FMT, k ? 'x' : '_', points[k]));
  }
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, n, n, 2 * d + 1, NULL, &p->A));
  for (PetscInt row = 0; row < n; row++) {
    PetscCall(MatSetValue(p->A, row, row, 2.0 * d, INSERT_VALUES));
    for (PetscInt k = 0; k < d; k++) {
      const PetscInt at = row / stride[k] % points[k];

      if (at > 0) PetscCall(MatSetValue(p->A, row, row - stride[k], -1.0, INSERT_VALUES));
      if (at < points[k] - 1) PetscCall(MatSetValue(p->A, row, row + stride[k], -1.0, INSERT_VALUES));
    }
  }
  PetscCall(MatAssemblyBegin(p->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(p->A, MAT_FINAL_ASSEMBLY));
  PetscCall(Complete(o, p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProblemDestroy(Problem *p)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < 2; k++) PetscCall(VecDestroy(&p->b[k]));
  PetscCall(VecDestroy(&p->features));
  PetscCall(MatDestroy(&p->A));
  PetscFunctionReturn(PETSC_SUCCESS);
}
