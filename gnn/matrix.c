/*
   What the preconditioner asks of PETSc's matrices: their entries, as AIJ, whatever their type.
*/
#include "matrix.h"

PetscErrorCode GNNMatBlocks(Mat A, Mat *diagonal, Mat *other, const PetscInt **columns)
{
  PetscBool mpi;

  PetscFunctionBegin;
  PetscCall(PetscObjectBaseTypeCompare((PetscObject)A, MATMPIAIJ, &mpi));
  *diagonal = A;
  *other    = NULL;
  if (mpi) PetscCall(MatMPIAIJGetSeqAIJ(A, diagonal, other, columns));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Are there entries that MatConvert() can read? Of a matrix that is nothing but a product it would take one for each column */
static PetscErrorCode HasEntries_Private(Mat A, PetscBool *has)
{
  static const char *const prefixes[] = {"", "seq", "mpi"};
  MatType                  type;
  PetscBool                shell, transpose;
  Mat                      inner;

  PetscFunctionBegin;
  PetscCall(MatGetType(A, &type));
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATSHELL, &shell));
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATTRANSPOSEVIRTUAL, &transpose));
  PetscCall(PetscObjectBaseTypeCompareAny((PetscObject)A, has, MATSEQAIJ, MATMPIAIJ, ""));
  for (size_t k = 0; !*has && !shell && k < PETSC_STATIC_ARRAY_LENGTH(prefixes); k++) {
    char name[256];
    void (*convert)(void);

    PetscCall(PetscSNPrintf(name, sizeof(name), "MatConvert_%s_%saij_C", type, prefixes[k]));
    PetscCall(PetscObjectQueryFunction((PetscObject)A, name, &convert));
    *has = convert ? PETSC_TRUE : PETSC_FALSE;
  }
  if (transpose) {
    PetscCall(MatTransposeGetMat(A, &inner));
    PetscCall(HasEntries_Private(inner, has));
  } else if (!*has && !shell) PetscCall(MatHasOperation(A, MATOP_GET_ROW, has));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same of all blocks, where the matrix is made of such */
PetscErrorCode GNNMatHasEntries(Mat A, PetscBool *have)
{
  PetscInt  m, n;
  PetscBool nest;
  Mat     **blocks;

  PetscFunctionBegin;
  PetscCall(HasEntries_Private(A, have));
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATNEST, &nest));
  if (!nest) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatNestGetSubMats(A, &m, &n, &blocks));
  for (PetscInt k = 0; *have && k < m * n; k++) {
    if (blocks[k / n][k % n]) PetscCall(GNNMatHasEntries(blocks[k / n][k % n], have));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SamePatternSeq_Private(Mat A, Mat B, PetscBool *same)
{
  Mat             mats[2] = {A, B};
  PetscInt        n[2];
  const PetscInt *i[2], *j[2];
  PetscBool       done;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < 2; k++) PetscCall(MatGetRowIJ(mats[k], 0, PETSC_FALSE, PETSC_FALSE, &n[k], &i[k], &j[k], &done));
  *same = n[0] == n[1] ? PETSC_TRUE : PETSC_FALSE;
  if (*same && n[0] > 0) PetscCall(PetscArraycmp(i[0], i[1], n[0] + 1, same));
  if (*same && n[0] > 0) PetscCall(PetscArraycmp(j[0], j[1], i[0][n[0]], same));
  for (PetscInt k = 0; k < 2; k++) PetscCall(MatRestoreRowIJ(mats[k], 0, PETSC_FALSE, PETSC_FALSE, &n[k], &i[k], &j[k], &done));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of two AIJ matrices with the same layout, on every rank */
static PetscErrorCode SamePattern_Private(Mat A, Mat B, PetscBool *same)
{
  Mat             diagonal[2], other[2];
  const PetscInt *columns[2];
  PetscInt        n[2];
  int             all;

  PetscFunctionBegin;
  PetscCall(GNNMatBlocks(A, &diagonal[0], &other[0], &columns[0]));
  PetscCall(GNNMatBlocks(B, &diagonal[1], &other[1], &columns[1]));
  PetscCall(SamePatternSeq_Private(diagonal[0], diagonal[1], same));
  if (other[0]) {
    for (PetscInt k = 0; k < 2; k++) PetscCall(MatGetLocalSize(other[k], NULL, &n[k]));
    if (n[0] != n[1]) *same = PETSC_FALSE;
    if (*same) PetscCall(SamePatternSeq_Private(other[0], other[1], same));
    if (*same) PetscCall(PetscArraycmp(columns[0], columns[1], n[0], same));
  }
  all = *same ? 1 : 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, PetscObjectComm((PetscObject)A)));
  *same = all ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* It is converted anew each time, since a converter may drop zeros, or fail to reuse */
PetscErrorCode GNNMatConvert(Mat A, Mat *aij, PetscBool *changed)
{
  PetscBool    is, same = PETSC_FALSE;
  Mat          B;
  MatNullSpace near;

  PetscFunctionBegin;
  *changed = PETSC_FALSE;
  PetscCall(PetscObjectBaseTypeCompareAny((PetscObject)A, &is, MATSEQAIJ, MATMPIAIJ, ""));
  if (is) {
    PetscCall(MatDestroy(aij));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(MatConvert(A, MATAIJ, MAT_INITIAL_MATRIX, &B));
  if (*aij) PetscCall(SamePattern_Private(B, *aij, &same));
  if (same) {
    PetscCall(MatCopy(B, *aij, SAME_NONZERO_PATTERN));
    PetscCall(MatDestroy(&B));
  } else {
    PetscCall(MatDestroy(aij));
    *aij = B;
    PetscCall(MatSetBlockSizesFromMats(*aij, A, A));
    *changed = PETSC_TRUE;
  }
  PetscCall(MatGetNearNullSpace(A, &near));
  PetscCall(MatSetNearNullSpace(*aij, near));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNMatCrossing(Mat A, PetscReal *share, PetscReal *all)
{
  Mat             blocks[2];
  const PetscInt *columns;
  PetscReal       entries[2] = {0.0, 0.0};

  PetscFunctionBegin;
  PetscCall(GNNMatBlocks(A, &blocks[0], &blocks[1], &columns));
  for (int k = 0; k < 2 && blocks[k]; k++) {
    MatInfo info;

    PetscCall(MatGetInfo(blocks[k], MAT_LOCAL, &info));
    entries[k] = (PetscReal)info.nz_used;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, entries, 2, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)A)));
  *all   = entries[0] + entries[1];
  *share = entries[1] / PetscMax(*all, 1.0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How many times the matrix's rows all ranks have together */
static PetscErrorCode AroundTimes_Private(Mat A, IS rows, PetscReal *times)
{
  PetscInt  n, all;
  PetscReal sum;

  PetscFunctionBegin;
  PetscCall(ISGetLocalSize(rows, &n));
  PetscCall(MatGetSize(A, &all, NULL));
  sum = (PetscReal)n;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)A)));
  *times = sum / PetscMax((PetscReal)all, 1.0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNMatAround(Mat A, PetscInt steps, PetscReal times, IS *rows)
{
  PetscInt  first, last;
  PetscReal now = 0.0;

  PetscFunctionBegin;
  PetscCall(MatGetOwnershipRange(A, &first, &last));
  PetscCall(ISCreateStride(PETSC_COMM_SELF, last - first, first, 1, rows));
  for (PetscInt k = 0; k < steps && now <= times; k++) {
    PetscCall(MatIncreaseOverlap(A, 1, rows, 1));
    PetscCall(AroundTimes_Private(A, *rows, &now));
  }
  if (now <= times) PetscCall(ISSort(*rows));
  else PetscCall(ISDestroy(rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNMatSquare(Mat A, IS rows, Mat **square)
{
  PetscFunctionBegin;
  PetscCall(MatCreateSubMatrices(A, 1, &rows, &rows, *square ? MAT_REUSE_MATRIX : MAT_INITIAL_MATRIX, square));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNMatCheck(Mat A)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)A);
  PetscInt       rows, cols, here[2];
  int            all;
  PetscBool      good;
  MatType        type;

  PetscFunctionBegin;
  PetscCall(MatGetSize(A, &rows, &cols));
  PetscCheck(rows == cols, comm, PETSC_ERR_ARG_SIZ, "The matrix is %" PetscInt_FMT " x %" PetscInt_FMT ": gnnspai needs a square one", rows, cols);
  PetscCall(MatGetLocalSize(A, &here[0], &here[1]));
  all = here[0] == here[1] ? 1 : 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, comm));
  PetscCheck(all, comm, PETSC_ERR_ARG_SIZ, "The ranks have other columns than rows of the matrix: gnnspai needs the same layout of both");
  PetscCall(GNNMatHasEntries(A, &good));
  PetscCall(MatGetType(A, &type));
  PetscCheck(good, comm, PETSC_ERR_SUP, "gnnspai reads the entries of the matrix, and a matrix of type %s has none to read: give an assembled matrix to make the preconditioner from, KSPSetOperators(ksp, A, P)", type);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNMatForColumns(Mat R, Mat Z, PetscInt first, GNNColumnFn apply, void *context)
{
  PetscInt count;
  Vec      r, z;

  PetscFunctionBegin;
  PetscCall(MatGetSize(R, NULL, &count));
  for (PetscInt c = first; c < count; c++) {
    PetscCall(MatDenseGetColumnVecRead(R, c, &r));
    PetscCall(MatDenseGetColumnVec(Z, c, &z));
    PetscCall(apply(context, r, z));
    PetscCall(MatDenseRestoreColumnVec(Z, c, &z));
    PetscCall(MatDenseRestoreColumnVecRead(R, c, &r));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
