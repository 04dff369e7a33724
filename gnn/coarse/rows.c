/*
   What the aggregates are kept by: which rows are coupled, how strong their couplings are, and the near-null space.

   All of it is measured on As = D^-1/2 A D^-1/2. A row with little off the diagonal there is all but decoupled: in a vector of small energy
   its entry is that much smaller than its neighbours'; Dirichlet values held by a penalty are such rows. The couplings of row i leave a
   trace, t_i = sum_j w_j GNNStrength(As_ij) with random signs w, so that ||t - t'||^2 is about the squared distance of two matrices' couplings; by
   their roots, since aggregates depend on their order of magnitude.
*/
#include "coarse.h"
#include "../coupling.h"
#include "../matrix.h"
#include <petsc/private/petscimpl.h> /* PetscObjectStateGet() */

#define DRIFT 0.04 /* relative distance from the couplings that the aggregates were made from */

static PetscErrorCode CreateScale_Private(GNNCoarse c)
{
  Mat             diagonal, other;
  const PetscInt *columns;
  PetscInt        n;
  IS              is;

  PetscFunctionBegin;
  PetscCall(MatCreateVecs(c->A, &c->dinv, NULL));
  PetscCall(VecDuplicate(c->dinv, &c->scale));
  PetscCall(VecDuplicate(c->dinv, &c->x));
  PetscCall(VecDuplicate(c->dinv, &c->t));
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
  PetscFunctionBegin;
  if (c->dinv == NULL) PetscCall(CreateScale_Private(c));
  PetscCall(MatGetDiagonal(c->A, c->dinv));
  PetscCall(VecReciprocal(c->dinv));
  PetscCall(VecCopy(c->dinv, c->scale));
  PetscCall(VecSqrtAbs(c->scale));
  if (c->scatter == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecScatterBegin(c->scatter, c->scale, c->ghost, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(c->scatter, c->scale, c->ghost, INSERT_VALUES, SCATTER_FORWARD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Adds a block's |As_ij| off A's diagonal to the rows' sums, and its part to the traces, unless NULL. Columns' global numbers, or NULL: from first, and
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
  for (PetscInt i = 0; i < n && trace == NULL; i++) {
    for (PetscInt p = ia[i]; p < ia[i + 1]; p++) sum[i] += columns || ja[p] != i ? PetscAbsScalar(si[i] * a[p] * sj[ja[p]]) : 0.0;
  }
  for (PetscInt i = 0; i < n && trace; i++) {
    for (PetscInt p = ia[i]; p < ia[i + 1]; p++) {
      if (columns || ja[p] != i) GNNCouplingAdd(si[i], a[p], sj[ja[p]], (unsigned long long)(columns ? columns[ja[p]] : first + ja[p]), &sum[i], &trace[i]);
    }
  }
  PetscCall(VecRestoreArrayRead(colscale, &sj));
  PetscCall(VecRestoreArrayRead(rowscale, &si));
  PetscCall(MatSeqAIJRestoreArrayRead(block, &a));
  PetscCall(MatRestoreRowIJ(block, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sums and traces of the rows into x and t, and the totals of GNNCouplingCompare(), 0 without aggregates. Where the couplings are known to be near what
   they were, on one rank, the traces are not computed again */
static PetscErrorCode Couple_Private(GNNCoarse c, PetscBool near, PetscReal total[])
{
  const PetscInt    *columns = NULL;
  const PetscScalar *coupled, *before;
  PetscScalar       *sum, *trace;
  PetscInt           n, first;
  Mat                diagonal, other;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(c->scale, &n));
  PetscCall(VecGetOwnershipRange(c->scale, &first, NULL));
  PetscCall(GNNMatBlocks(c->A, &diagonal, &other, &columns));
  PetscCall(VecGetArrayWrite(c->x, &sum));
  PetscCall(VecGetArrayWrite(c->t, &trace));
  PetscCall(PetscArrayzero(sum, n));
  PetscCall(PetscArrayzero(trace, n));
  near = near && c->coupled && !other ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(AddRows_Private(diagonal, c->scale, c->scale, NULL, first, sum, near ? NULL : trace));
  if (other) PetscCall(AddRows_Private(other, c->scale, c->ghost, columns, 0, sum, trace));
  if (c->coupled) {
    PetscCall(VecGetArrayRead(c->coupled, &coupled));
    PetscCall(VecGetArrayRead(c->trace, &before));
    if (near) PetscCall(PetscArraycpy(trace, before, n));
    for (PetscInt i = 0; i < n; i++) GNNCouplingCompare(coupled[i], before[i], sum[i], trace[i], total);
    PetscCall(VecRestoreArrayRead(c->trace, &before));
    PetscCall(VecRestoreArrayRead(c->coupled, &coupled));
  }
  PetscCall(VecRestoreArrayWrite(c->t, &trace));
  PetscCall(VecRestoreArrayWrite(c->x, &sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which rows are coupled, by the sums in x, and their traces from t: what new aggregates are made from */
static PetscErrorCode TakeRows_Private(GNNCoarse c)
{
  const PetscScalar *sum;
  PetscScalar       *coupled;
  PetscInt           n;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(c->x, &n));
  PetscCall(VecDuplicate(c->x, &c->coupled));
  PetscCall(VecDuplicate(c->t, &c->trace));
  PetscCall(VecCopy(c->t, c->trace));
  PetscCall(VecGetArrayRead(c->x, &sum));
  PetscCall(VecGetArrayWrite(c->coupled, &coupled));
  for (PetscInt i = 0; i < n; i++) coupled[i] = sum[i] > GNN_COUPLED ? 1.0 : 0.0;
  PetscCall(VecRestoreArrayWrite(c->coupled, &coupled));
  PetscCall(VecRestoreArrayRead(c->x, &sum));
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

PetscErrorCode GNNCoarseCompare(GNNCoarse c, Mat A, PetscBool near, PetscBool *changed)
{
  MatNullSpace     nearnull;
  PetscObjectState nearstate;
  PetscReal        total[3] = {0.0, 0.0, 0.0}; /* squared distance, squared couplings, differences of another kind */
  PetscBool        device;

  PetscFunctionBegin;
  PetscCall(NearNullState_Private(A, &nearnull, &nearstate));
  PetscCall(GNNCoarseOnDevice(c->A, &device));
  if (device) PetscCall(GNNCoarseCouple(c, total));
  else PetscCall(Couple_Private(c, near, total));
  if (c->coupled == NULL || c->nearnull != nearnull || c->nearstate != nearstate) total[2] += 1.0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, total, 3, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)c->A)));
  *changed = total[2] > 0.0 || total[0] > DRIFT * DRIFT * total[1] ? PETSC_TRUE : PETSC_FALSE;
  if (!*changed) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GNNCoarseReset(c));
  PetscCall(TakeRows_Private(c));
  if (nearnull) PetscCall(PetscObjectReference((PetscObject)nearnull));
  c->nearnull  = nearnull;
  c->nearstate = nearstate;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCoarseReset(GNNCoarse c)
{
  PetscFunctionBegin;
  c->judged  = PETSC_FALSE;
  c->refused = NULL;
  c->damping = 0.0;
  PetscCall(GNNCoarseHostDestroy(&c->host));
  PetscCall(GNNCoarseDeviceDestroy(&c->product));
  PetscCall(VecDestroy(&c->coupled));
  PetscCall(VecDestroy(&c->trace));
  PetscCall(VecDestroy(&c->slow));
  PetscCall(MatNullSpaceDestroy(&c->nearnull));
  PetscCall(MatDestroy(&c->P0));
  PetscCall(MatDestroy(&c->P));
  PetscCall(MatDestroy(&c->padded));
  PetscCall(MatDestroy(&c->squares));
  PetscCall(MatDestroy(&c->Ac));
  PetscCall(MatDestroy(&c->dense));
  PetscCall(MatDestroy(&c->inverse));
  PetscCall(MatDestroy(&c->factor));
  PetscCall(MatDestroy(&c->identity));
  PetscCall(VecDestroy(&c->shift));
  PetscCall(VecDestroy(&c->unit));
  PetscCall(VecDestroy(&c->rc));
  PetscCall(VecDestroy(&c->xc));
  if (c->ksp) PetscCall(KSPReset(c->ksp)); /* another A_c may have another size */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCoarseProbe(GNNCoarse c, Vec b)
{
  const PetscScalar *scale, *coupled;
  PetscScalar       *array;
  PetscInt           first, end;

  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(b, &first, &end));
  PetscCall(VecGetArrayRead(c->scale, &scale));
  PetscCall(VecGetArrayRead(c->coupled, &coupled));
  PetscCall(VecGetArrayWrite(b, &array));
  for (PetscInt i = 0; i < end - first; i++) array[i] = coupled[i] != 0.0 ? GNNProbeSign((unsigned long long)(first + i)) / scale[i] : 0.0;
  PetscCall(VecRestoreArrayWrite(b, &array));
  PetscCall(VecRestoreArrayRead(c->coupled, &coupled));
  PetscCall(VecRestoreArrayRead(c->scale, &scale));
  PetscFunctionReturn(PETSC_SUCCESS);
}
