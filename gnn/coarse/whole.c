/*
   Aggregates of the whole graph, the same on every rank and as on one, where the ranks' own graphs are no good for them: a matrix whose rows lie on the
   ranks as they were numbered, and not by where they are on the mesh, has most of its couplings between ranks. Each rank has the whole matrix for a while.
*/
#include "coarse.h"
#include "../matrix.h"

#define MOST 4e6 /* entries that a rank takes from the others */

PetscErrorCode GNNWholeWanted(GNNCoarse c, PetscBool *wanted)
{
  PetscReal share, all;

  PetscFunctionBegin;
  PetscCall(GNNMatCrossing(c->A, &share, &all));
  *wanted = !c->device && share > 0.0 && (c->whole || share > GNN_MAT_TORN) && all <= MOST ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All of a vector, on each rank */
static PetscErrorCode Gather_Private(Vec v, Vec *all)
{
  VecScatter scatter;

  PetscFunctionBegin;
  PetscCall(VecScatterCreateToAll(v, &scatter, all));
  PetscCall(VecScatterBegin(scatter, v, *all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, v, *all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterDestroy(&scatter));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The near-null space of A for all of it */
static PetscErrorCode GatherNearNull_Private(Mat A, Mat all)
{
  MatNullSpace nearnull, whole;
  const Vec   *vecs;
  Vec         *v;
  PetscBool    constant;
  PetscInt     n;

  PetscFunctionBegin;
  PetscCall(MatGetNearNullSpace(A, &nearnull));
  if (nearnull == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatNullSpaceGetVecs(nearnull, &constant, &n, &vecs));
  PetscCall(PetscMalloc1(n, &v));
  for (PetscInt k = 0; k < n; k++) PetscCall(Gather_Private(vecs[k], &v[k]));
  PetscCall(MatNullSpaceCreate(PETSC_COMM_SELF, constant, n, v, &whole));
  PetscCall(MatSetNearNullSpace(all, whole));
  PetscCall(MatNullSpaceDestroy(&whole));
  for (PetscInt k = 0; k < n; k++) PetscCall(VecDestroy(&v[k]));
  PetscCall(PetscFree(v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNWholeCreate(GNNCoarse c, Mat *all, Vec *coupled)
{
  Mat     *copy;
  PetscInt n;
  IS       is;

  PetscFunctionBegin;
  PetscCall(MatGetSize(c->A, &n, NULL));
  PetscCall(ISCreateStride(PETSC_COMM_SELF, n, 0, 1, &is));
  PetscCall(MatCreateSubMatrices(c->A, 1, &is, &is, MAT_INITIAL_MATRIX, &copy));
  PetscCall(ISDestroy(&is));
  *all = copy[0];
  PetscCall(PetscObjectReference((PetscObject)*all));
  PetscCall(MatDestroySubMatrices(1, &copy));
  PetscCall(GatherNearNull_Private(c->A, *all));
  PetscCall(Gather_Private(c->coupled, coupled));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNWholeRestrict(GNNCoarse c, GNNTentative t)
{
  PetscInt first, end, n = 0;

  PetscFunctionBegin;
  PetscCall(MatGetOwnershipRange(c->A, &first, &end));
  for (PetscInt k = 0; k < t->n; k++) {
    if (t->rows[k] < first || t->rows[k] >= end) continue;
    t->rows[n]     = t->rows[k] - first;
    t->cols[n]     = t->cols[k];
    t->values[n++] = t->values[k];
  }
  t->n = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}
