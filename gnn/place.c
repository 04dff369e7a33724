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

PetscErrorCode GNNPlaceGetMat(GNNPlace at, Mat *G)
{
  const GNNFactor f = at->f;
  Mat             Gt;

  PetscFunctionBegin;
  PetscCall(MatCreateSeqAIJWithArrays(PETSC_COMM_SELF, f->n, f->n, f->i, f->j, f->v, &Gt));
  PetscCall(MatTranspose(Gt, MAT_INITIAL_MATRIX, G));
  PetscCall(MatDestroy(&Gt));
  if (at->device) PetscCall(GNNMatToDevice(G));
  PetscFunctionReturn(PETSC_SUCCESS);
}
