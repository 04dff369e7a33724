/*
   Where it happens: decided here, by the type of the matrix.
*/
#include "place.h"

PetscErrorCode GNNPlaceCreate(Mat local, GNNModel m, GNNGraph g, GNNFactor f, GNNPrecision precision, PetscBool tf32, GNNPlace *place)
{
  PetscBool ondevice, supports = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(PetscNew(place));
  (*place)->g    = g;
  (*place)->f    = f;
  (*place)->tf32 = tf32;
  PetscCall(GNNMatOnDevice(local, &ondevice));
  if (sizeof(PetscScalar) != sizeof(double)) ondevice = PETSC_FALSE;
  if (ondevice && m) PetscCall(GNNDeviceSupports(m, &supports));
  if (g->halo) supports = PETSC_FALSE;
  if (!ondevice || !supports) PetscCall(GNNHostCreate(*place, m ? PETSC_TRUE : PETSC_FALSE));
  if (ondevice) PetscCall(GNNDeviceCreatePlace(*place, supports ? PETSC_FALSE : PETSC_TRUE, m, precision));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNPlaceDestroy(GNNPlace *place)
{
  PetscFunctionBegin;
  if (*place == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall((*place)->ops->destroy(*place));
  PetscCall(PetscFree(*place));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNPlaceApply(GNNPlace at, Vec r, Vec z)
{
  Vec x, y;

  PetscFunctionBegin;
  if (at->g->halo == NULL) PetscCall(at->ops->apply(at, r, z));
  else {
    PetscCall(GNNHaloBefore(at->g->halo, r, &x, &y));
    PetscCall(at->ops->apply(at, x, y));
    PetscCall(GNNHaloAfter(at->g->halo, z));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FinishMat_Private(GNNPlace at, Mat Gt, Mat *G)
{
  PetscFunctionBegin;
  PetscCall(MatTranspose(Gt, MAT_INITIAL_MATRIX, G));
  PetscCall(MatDestroy(&Gt));
  if (at->device) PetscCall(GNNMatToDevice(G));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNPlaceGetMat(GNNPlace at, Mat *G)
{
  const GNNFactor f = at->f;
  Mat             Gt;

  PetscFunctionBegin;
  PetscCall(MatCreateSeqAIJWithArrays(PETSC_COMM_SELF, f->n, f->n, f->i, f->j, f->v, &Gt));
  PetscCall(FinishMat_Private(at, Gt, G));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNPlaceGetMatOverall(GNNPlace at, Mat A, Mat *G)
{
  const GNNGraph  g     = at->g;
  const GNNFactor f     = at->f;
  const PetscInt  first = g->first * g->b, m = GNNGraphRows(g);
  PetscInt       *j, start;
  Mat             Gt;

  PetscFunctionBegin;
  PetscCall(MatGetOwnershipRange(A, &start, NULL));
  PetscCall(PetscMalloc1(f->i[f->n], &j));
  for (PetscInt k = 0; k < f->i[f->n]; k++) j[k] = f->j[k] + start;
  if (g->halo) PetscCall(GNNHaloNumber(g->halo, f->i[f->n], f->j, j));
  PetscCall(MatCreateMPIAIJWithArrays(PetscObjectComm((PetscObject)A), m, m, PETSC_DETERMINE, PETSC_DETERMINE, f->i + first, j, f->v, &Gt));
  PetscCall(PetscFree(j));
  PetscCall(FinishMat_Private(at, Gt, G));
  PetscFunctionReturn(PETSC_SUCCESS);
}
