/*
   The coarse space's use: Q r = P A_c^-1 P^T r.
*/
#include "coarse.h"
#include "../matrix.h"

PetscBool GNNCoarseLaunches(GNNCoarse c)
{
  return c->size == 0 || c->refused || c->product ? PETSC_TRUE : PETSC_FALSE;
}

PetscErrorCode GNNCoarseAdd(GNNCoarse c, Vec r, Vec z)
{
  PetscFunctionBegin;
  if (c->size == 0 || c->refused) PetscFunctionReturn(PETSC_SUCCESS);
  if (c->host) {
    PetscCall(GNNCoarseHostAdd(c, r, z));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (c->product) {
    PetscCall(GNNCoarseDeviceAdd(c, r, z));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(MatMultTranspose(c->P, r, c->rc));
  PetscCall(VecPointwiseMult(c->rc, c->unit, c->rc));
  PetscCall(KSPSolve(c->ksp, c->rc, c->xc));
  PetscCall(VecPointwiseMult(c->xc, c->unit, c->xc));
  PetscCall(MatMultAdd(c->P, c->xc, z, z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddColumn_Private(void *c, Vec r, Vec z)
{
  PetscFunctionBegin;
  PetscCall(GNNCoarseAdd((GNNCoarse)c, r, z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCoarseAddMat(GNNCoarse c, Mat R, Mat Z)
{
  PetscBool added = PETSC_FALSE;

  PetscFunctionBegin;
  if (c->size == 0 || c->refused) PetscFunctionReturn(PETSC_SUCCESS);
  if (c->product) PetscCall(GNNCoarseDeviceAddMat(c, R, Z, &added));
  if (!added) PetscCall(GNNMatForColumns(R, Z, 0, AddColumn_Private, c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool GNNCoarseAddsColumns(GNNCoarse c)
{
  return c->size == 0 || c->refused || c->host ? PETSC_TRUE : PETSC_FALSE;
}

PetscErrorCode GNNCoarseAddColumns(GNNCoarse c, PetscInt count, const GNNColumns r[], GNNColumns z[])
{
  PetscFunctionBegin;
  if (c->size > 0 && !c->refused) PetscCall(GNNCoarseHostAddColumns(c, count, r, z));
  PetscFunctionReturn(PETSC_SUCCESS);
}
