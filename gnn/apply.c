/*
   The symmetric M^-1, factor and coarse space: of a vector, and of some, the columns of dense matrices, GNN_COLUMNS of them side by side where it is
   done on the host.
*/
#include "events.h"
#include "matrix.h"
#include "setup.h"

PetscErrorCode GNNSetUpApply(GNNSetUp *s, Vec r, Vec z)
{
  PetscFunctionBegin;
  PetscCall(GNNPlaceApply(s->place, r, z));
  if (s->coarse == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscLogEventBegin(GNN_CoarseApply, r, z, 0, 0));
  PetscCall(GNNCoarseAdd(s->coarse, r, z));
  PetscCall(PetscLogEventEnd(GNN_CoarseApply, r, z, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ApplyColumn_Private(void *s, Vec r, Vec z)
{
  PetscFunctionBegin;
  PetscCall(GNNSetUpApply((GNNSetUp *)s, r, z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNSetUpApplyFactor(void *s, Vec r, Vec z)
{
  PetscFunctionBegin;
  PetscCall(GNNPlaceApply(((GNNSetUp *)s)->place, r, z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* So many columns; the others are the last one again */
static PetscErrorCode ApplySide_Private(GNNSetUp *s, PetscInt count, PetscScalar *const from[], PetscScalar *const to[])
{
  const GNNGraph g = s->graph;
  const PetscInt first = g->first * g->b, n = GNNGraphRows(g);
  GNNColumns    *r, *z;

  PetscFunctionBegin;
  PetscCall(GNNFactorGetColumns(s->factor, &r, &z));
  for (PetscInt i = 0; i < n; i++) r[first + i] = GNNColumnsGet(from, i);
  PetscCall(GNNHaloShare(g->halo, (size_t)g->b * sizeof(*r), r));
  PetscCall(s->place->ops->columns(s->place, count, r, z));
  PetscCall(GNNHaloAdd(g->halo, GNN_COLUMNS, (PetscScalar *)z));
  if (s->coarse && GNNCoarseAddsColumns(s->coarse)) {
    PetscCall(PetscLogEventBegin(GNN_CoarseApply, 0, 0, 0, 0));
    PetscCall(GNNCoarseAddColumns(s->coarse, count, r + first, z + first));
    PetscCall(PetscLogEventEnd(GNN_CoarseApply, 0, 0, 0, 0));
  }
  for (PetscInt i = 0; i < n; i++) GNNColumnsPut(to, i, z[first + i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns before the given one, which are all, or all but a few that are not worth it */
static PetscErrorCode ApplySides_Private(GNNSetUp *s, Mat R, Mat Z, PetscInt *end)
{
  PetscScalar *r, *z, *from[GNN_COLUMNS], *to[GNN_COLUMNS];
  PetscInt     ldr, ldz, count, done = 0;

  PetscFunctionBegin;
  PetscCall(MatGetSize(R, NULL, &count));
  PetscCall(MatDenseGetLDA(R, &ldr));
  PetscCall(MatDenseGetLDA(Z, &ldz));
  PetscCall(MatDenseGetArrayRead(R, (const PetscScalar **)&r));
  PetscCall(MatDenseGetArrayWrite(Z, &z));
  for (; count - done >= GNN_COLUMNS_LEAST; done += PetscMin(count - done, GNN_COLUMNS)) {
    GNNColumnsSet(count - done, r + (size_t)done * ldr, ldr, from);
    GNNColumnsSet(count - done, z + (size_t)done * ldz, ldz, to);
    PetscCall(ApplySide_Private(s, PetscMin(count - done, GNN_COLUMNS), from, to));
  }
  PetscCall(MatDenseRestoreArrayWrite(Z, &z));
  PetscCall(MatDenseRestoreArrayRead(R, (const PetscScalar **)&r));
  *end = done;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The coarse space is added side by side with the factor, or apart from it to all at once. Where G reaches into other ranks' rows, on a device all is
   column by column */
PetscErrorCode GNNSetUpApplyMat(GNNSetUp *s, Mat R, Mat Z)
{
  const GNNPlaceOps *ops   = s->place->ops;
  const PetscBool    there = s->halo == NULL && ops->applymat ? PETSC_TRUE : PETSC_FALSE;
  const PetscBool    apart = s->coarse && (there || !GNNCoarseAddsColumns(s->coarse)) ? PETSC_TRUE : PETSC_FALSE;
  PetscInt           end   = 0;

  PetscFunctionBegin;
  if (there) PetscCall(ops->applymat(s->place, R, Z));
  else {
    if (ops->columns && !ops->applymat) PetscCall(ApplySides_Private(s, R, Z, &end));
    PetscCall(GNNMatForColumns(R, Z, end, apart ? GNNSetUpApplyFactor : ApplyColumn_Private, s));
  }
  if (apart) {
    PetscCall(PetscLogEventBegin(GNN_CoarseApply, R, Z, 0, 0));
    PetscCall(GNNCoarseAddMat(s->coarse, R, Z));
    PetscCall(PetscLogEventEnd(GNN_CoarseApply, R, Z, 0, 0));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
