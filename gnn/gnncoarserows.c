/*
   What the aggregates are kept by: which rows are coupled, how strong their couplings are, and the near-null space.

   All of it is measured on As = D^-1/2 A D^-1/2. A row with little off the diagonal there is all but decoupled: in a vector of small energy
   its entry is that much smaller than its neighbours'; Dirichlet values held by a penalty are such rows. The couplings of row i leave a
   trace, t_i = sum_j w_j GNNStrength(As_ij) with random signs w, so that ||t - t'||^2 is about the squared distance of two matrices' couplings; by
   their roots, since aggregates depend on their order of magnitude.
*/
#include "gnncoarse.h"
#include "gnnmatrix.h"
#include "gnnmath.h"
#include <petsc/private/petscimpl.h> /* PetscObjectStateGet() */

#define COUPLED 0.2 /* sum of |As_ij| off the diagonal */
#define DRIFT   0.04 /* relative distance from the couplings that the aggregates were made from */

/* Vectors on the host, since they are read entry by entry */
static PetscErrorCode CreateScale_Private(GNNCoarse c)
{
  Mat             diagonal, other;
  const PetscInt *columns;
  PetscInt        rows, n;
  IS              is;

  PetscFunctionBegin;
  PetscCall(MatCreateVecs(c->A, &c->dinv, NULL));
  PetscCall(VecGetLocalSize(c->dinv, &rows));
  PetscCall(VecCreateMPI(PetscObjectComm((PetscObject)c->A), rows, PETSC_DETERMINE, &c->scale));
  PetscCall(GNNMatBlocks(c->A, &diagonal, &other, &columns));
  if (other == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatGetLocalSize(other, NULL, &n));
  PetscCall(ISCreateGeneral(PETSC_COMM_SELF, n, columns, PETSC_COPY_VALUES, &is));
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, n, &c->ghost));
  PetscCall(VecScatterCreate(c->scale, is, c->ghost, NULL, &c->scatter));
  PetscCall(ISDestroy(&is));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCoarseScale(GNNCoarse c)
{
  const PetscScalar *dinv;
  PetscScalar       *scale;
  PetscInt           n;

  PetscFunctionBegin;
  if (c->dinv == NULL) PetscCall(CreateScale_Private(c));
  PetscCall(MatGetDiagonal(c->A, c->dinv));
  PetscCall(VecReciprocal(c->dinv));
  PetscCall(VecGetLocalSize(c->dinv, &n));
  PetscCall(VecGetArrayRead(c->dinv, &dinv));
  PetscCall(VecGetArrayWrite(c->scale, &scale));
  for (PetscInt i = 0; i < n; i++) scale[i] = PetscSqrtReal(PetscAbsScalar(dinv[i]));
  PetscCall(VecRestoreArrayWrite(c->scale, &scale));
  PetscCall(VecRestoreArrayRead(c->dinv, &dinv));
  if (c->scatter == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecScatterBegin(c->scatter, c->scale, c->ghost, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(c->scatter, c->scale, c->ghost, INSERT_VALUES, SCATTER_FORWARD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Adds a block's |As_ij| off A's diagonal to the rows' sums, and its part to the traces. Columns' global numbers, or NULL: from first, and
   row i has its diagonal there */
static PetscErrorCode AddRows_Private(Mat block, Vec rowscale, Vec colscale, const PetscInt columns[], PetscInt first, PetscReal sum[], PetscReal trace[])
{
  const PetscInt    *ia, *ja;
  const PetscScalar *a, *si, *sj;
  PetscInt           n;
  PetscBool          done;

  PetscFunctionBegin;
  PetscCall(MatGetRowIJ(block, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCheck(done, PETSC_COMM_SELF, PETSC_ERR_SUP, "MatGetRowIJ() failed for the local matrix");
  PetscCall(MatSeqAIJGetArrayRead(block, &a));
  PetscCall(VecGetArrayRead(rowscale, &si));
  PetscCall(VecGetArrayRead(colscale, &sj));
  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt p = ia[i]; p < ia[i + 1]; p++) {
      const PetscReal as = PetscAbsScalar(si[i] * a[p] * sj[ja[p]]);

      if (columns == NULL && ja[p] == i) continue;
      sum[i] += as;
      trace[i] += GNNProbeSign((unsigned long long)(columns ? columns[ja[p]] : first + ja[p])) * GNNStrength(as);
    }
  }
  PetscCall(VecRestoreArrayRead(colscale, &sj));
  PetscCall(VecRestoreArrayRead(rowscale, &si));
  PetscCall(MatSeqAIJRestoreArrayRead(block, &a));
  PetscCall(MatRestoreRowIJ(block, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The near-null space of the matrix, and a number that grows with every change of its vectors */
static PetscErrorCode NearNullState_Private(Mat A, MatNullSpace *nearnull, PetscObjectState *state)
{
  PetscInt   n;
  PetscBool  constant;
  const Vec *vecs;

  PetscFunctionBegin;
  *state = 0;
  PetscCall(MatGetNearNullSpace(A, nearnull));
  if (*nearnull == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatNullSpaceGetVecs(*nearnull, &constant, &n, &vecs));
  for (PetscInt k = 0; k < n; k++) {
    PetscObjectState one;

    PetscCall(PetscObjectStateGet((PetscObject)vecs[k], &one));
    *state += one;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is a row coupled? One that was, or was not, stays so while the sum is near the bound: a small change of values is no reason for new aggregates */
static PetscBool IsCoupled_Private(GNNCoarse c, PetscInt i, PetscReal sum)
{
  if (c->coupled == NULL) return sum > COUPLED ? PETSC_TRUE : PETSC_FALSE;
  return sum > (c->coupled[i] ? 0.5 : 2.0) * COUPLED ? PETSC_TRUE : PETSC_FALSE;
}

PetscErrorCode GNNCoarseCompare(GNNCoarse c, Mat A, PetscBool *changed)
{
  const PetscInt  *columns = NULL;
  Mat              diagonal, other;
  MatNullSpace     nearnull;
  PetscObjectState nearstate;
  PetscInt         n, first;
  PetscReal       *sum, *trace, total[3] = {0.0, 0.0, 0.0}; /* squared distance, squared couplings, differences of another kind */

  PetscFunctionBegin;
  PetscCall(NearNullState_Private(A, &nearnull, &nearstate));
  PetscCall(VecGetLocalSize(c->scale, &n));
  PetscCall(VecGetOwnershipRange(c->scale, &first, NULL));
  PetscCall(PetscCalloc2(n, &sum, n, &trace));
  PetscCall(GNNMatBlocks(c->A, &diagonal, &other, &columns));
  PetscCall(AddRows_Private(diagonal, c->scale, c->scale, NULL, first, sum, trace));
  if (other) PetscCall(AddRows_Private(other, c->scale, c->ghost, columns, 0, sum, trace));
  if (c->coupled == NULL || c->nearnull != nearnull || c->nearstate != nearstate) total[2] = 1.0;
  for (PetscInt i = 0; i < n && c->coupled; i++) {
    total[0] += PetscSqr(trace[i] - c->trace[i]);
    total[1] += PetscSqr(trace[i]);
    if (IsCoupled_Private(c, i, sum[i]) != c->coupled[i]) total[2] += 1.0;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, total, 3, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)c->A)));
  *changed = total[2] > 0.0 || total[0] > DRIFT * DRIFT * total[1] ? PETSC_TRUE : PETSC_FALSE;
  if (*changed) {
    PetscCall(GNNCoarseReset(c));
    PetscCall(PetscMalloc2(n, &c->coupled, n, &c->trace));
    for (PetscInt i = 0; i < n; i++) c->coupled[i] = sum[i] > COUPLED ? PETSC_TRUE : PETSC_FALSE;
    PetscCall(PetscArraycpy(c->trace, trace, n));
    if (nearnull) PetscCall(PetscObjectReference((PetscObject)nearnull));
    c->nearnull  = nearnull;
    c->nearstate = nearstate;
  }
  PetscCall(PetscFree2(sum, trace));
  PetscFunctionReturn(PETSC_SUCCESS);
}
