/*
   The tentative prolongator: on each aggregate an orthonormal basis of the near-null space, restricted to its coupled rows.
*/
#include "coarse.h"

/* The near-null space (rows, ncols) row-major: the one attached to the matrix, else a constant for each component of a block */
static PetscErrorCode NearNull_Private(Mat A, PetscInt b, PetscInt *ncols, PetscScalar **N)
{
  MatNullSpace       nullspace;
  PetscBool          constant = PETSC_FALSE;
  const Vec         *vecs;
  const PetscScalar *v;
  PetscInt           rows, nvecs = 0, k = 0;

  PetscFunctionBegin;
  PetscCall(MatGetLocalSize(A, &rows, NULL));
  PetscCall(MatGetNearNullSpace(A, &nullspace));
  if (nullspace) PetscCall(MatNullSpaceGetVecs(nullspace, &constant, &nvecs, &vecs));
  *ncols = nvecs + (constant ? 1 : 0);
  if (*ncols == 0) {
    PetscCall(PetscCalloc1(rows * b, N));
    for (PetscInt i = 0; i < rows; i++) (*N)[i * b + i % b] = 1.0;
    *ncols = b;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(rows * *ncols, N));
  if (constant) {
    for (PetscInt i = 0; i < rows; i++) (*N)[i * *ncols] = 1.0;
    k = 1;
  }
  for (PetscInt l = 0; l < nvecs; l++, k++) {
    PetscCall(VecGetArrayRead(vecs[l], &v));
    for (PetscInt i = 0; i < rows; i++) (*N)[i * *ncols + k] = v[i];
    PetscCall(VecRestoreArrayRead(vecs[l], &v));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscScalar Dot_Private(PetscInt n, const PetscScalar x[], const PetscScalar y[])
{
  PetscScalar sum = 0.0;

  for (PetscInt k = 0; k < n; k++) sum += x[k] * y[k];
  return sum;
}

/* Gram-Schmidt, twice, on the columns of Q (n, ncols) column-major; a column that depends on the others is left out. Returns how many are kept */
static PetscInt Orthonormalize_Private(PetscInt n, PetscInt ncols, PetscScalar Q[])
{
  PetscInt kept = 0;

  for (PetscInt k = 0; k < ncols; k++) {
    PetscScalar    *q      = Q + kept * n;
    const PetscReal before = PetscSqrtReal(PetscRealPart(Dot_Private(n, Q + k * n, Q + k * n)));
    PetscReal       after;

    for (PetscInt i = 0; i < n; i++) q[i] = Q[k * n + i];
    for (PetscInt l = 0; l < 2 * kept; l++) {
      const PetscScalar *p   = Q + (l % kept) * n;
      const PetscScalar  dot = Dot_Private(n, p, q);

      for (PetscInt i = 0; i < n; i++) q[i] -= dot * p[i];
    }
    after = PetscSqrtReal(PetscRealPart(Dot_Private(n, q, q)));
    if (!(after > PETSC_SQRT_MACHINE_EPSILON * before)) continue;
    for (PetscInt i = 0; i < n; i++) q[i] /= after;
    kept++;
  }
  return kept;
}

/* The coupled rows listed by aggregate: those of aggregate a are list[start[a]..start[a + 1]) */
static void RowsByAggregate_Private(PetscInt rows, PetscInt b, const PetscScalar coupled[], PetscInt naggregates, const PetscInt aggregate[], PetscInt start[], PetscInt list[])
{
  for (PetscInt a = 0; a <= naggregates; a++) start[a] = 0;
  for (PetscInt i = 0; i < rows; i++) {
    if (coupled[i] && aggregate[i / b] >= 0) start[aggregate[i / b] + 1]++;
  }
  for (PetscInt a = 0; a < naggregates; a++) start[a + 1] += start[a];
  for (PetscInt i = 0; i < rows; i++) {
    if (coupled[i] && aggregate[i / b] >= 0) list[start[aggregate[i / b]]++] = i;
  }
  for (PetscInt a = naggregates; a > 0; a--) start[a] = start[a - 1];
  start[0] = 0;
}

/* Appends the entries of one aggregate with the given rows; Q work */
static void TentativeAppend_Private(GNNTentative t, PetscInt n, const PetscInt list[], PetscInt ncols, const PetscScalar N[], PetscScalar Q[])
{
  PetscInt kept;

  for (PetscInt k = 0; k < ncols; k++) {
    for (PetscInt i = 0; i < n; i++) Q[k * n + i] = N[list[i] * ncols + k];
  }
  kept = Orthonormalize_Private(n, ncols, Q);
  for (PetscInt k = 0; k < kept; k++) {
    for (PetscInt i = 0; i < n; i++) {
      if (Q[k * n + i] == 0.0) continue;
      t->rows[t->n]     = list[i];
      t->cols[t->n]     = t->ncols + k;
      t->values[t->n++] = Q[k * n + i];
    }
  }
  t->ncols += kept;
}

PetscErrorCode GNNTentativeCreate(Mat A, PetscInt b, const PetscScalar coupled[], PetscInt naggregates, const PetscInt aggregate[], GNNTentative *tentative)
{
  GNNTentative t;
  PetscInt     rows, ncols = 0, *start, *list, most = 0;
  PetscScalar *N, *Q;

  PetscFunctionBegin;
  PetscCall(MatGetLocalSize(A, &rows, NULL));
  PetscCall(NearNull_Private(A, b, &ncols, &N));
  PetscCall(PetscMalloc2(naggregates + 1, &start, rows, &list));
  RowsByAggregate_Private(rows, b, coupled, naggregates, aggregate, start, list);
  for (PetscInt a = 0; a < naggregates; a++) most = PetscMax(most, start[a + 1] - start[a]);
  PetscCall(PetscMalloc1(most * ncols, &Q));
  PetscCall(PetscNew(&t));
  PetscCall(PetscMalloc3(rows * ncols, &t->rows, rows * ncols, &t->cols, rows * ncols, &t->values));
  for (PetscInt a = 0; a < naggregates; a++) TentativeAppend_Private(t, start[a + 1] - start[a], list + start[a], ncols, N, Q);
  PetscCall(PetscFree(Q));
  PetscCall(PetscFree2(start, list));
  PetscCall(PetscFree(N));
  *tentative = t;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNTentativeDestroy(GNNTentative *t)
{
  PetscFunctionBegin;
  if (*t == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree3((*t)->rows, (*t)->cols, (*t)->values));
  PetscCall(PetscFree(*t));
  PetscFunctionReturn(PETSC_SUCCESS);
}
