/*
   Where it happens: decided here, by the type of the matrix.
*/
#include "place.h"

PetscErrorCode GNNPlaceCreate(Mat local, GNNModel m, GNNGraph g, GNNFactor f, PetscBool single, GNNPlace *place)
{
  PetscBool ondevice, supports = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(PetscNew(place));
  (*place)->g = g;
  (*place)->f = f;
  PetscCall(GNNMatOnDevice(local, &ondevice));
  if (sizeof(PetscScalar) != sizeof(double)) ondevice = PETSC_FALSE;
  if (ondevice && m) PetscCall(GNNDeviceSupports(m, &supports));
  if (!ondevice || !supports) PetscCall(GNNHostCreate(*place, m ? PETSC_TRUE : PETSC_FALSE));
  if (ondevice) PetscCall(GNNDeviceCreatePlace(*place, supports ? PETSC_FALSE : PETSC_TRUE, m, single));
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
