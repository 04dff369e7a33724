/*
   AdamW on flat PETSc vectors.
*/
#include "train.h"

PetscErrorCode TrainAdamWCreate(Vec theta, TrainAdamW *adam)
{
  PetscFunctionBegin;
  adam->beta1        = 0.9;
  adam->beta2        = 0.999;
  adam->weight_decay = 1e-4;
  adam->clip         = 1.0;
  adam->step         = 0;
  PetscCall(VecDuplicate(theta, &adam->m));
  PetscCall(VecDuplicate(theta, &adam->v));
  PetscCall(VecZeroEntries(adam->m));
  PetscCall(VecZeroEntries(adam->v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainAdamWDestroy(TrainAdamW *adam)
{
  PetscFunctionBegin;
  PetscCall(VecDestroy(&adam->m));
  PetscCall(VecDestroy(&adam->v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* GNNAdamW() for each parameter, after clipping */
PetscErrorCode TrainAdamWStep(TrainAdamW *adam, PetscReal lr, Vec gradient, Vec theta)
{
  const PetscReal    b1 = adam->beta1, b2 = adam->beta2;
  PetscReal          norm, correct1, correct2;
  const PetscScalar *g;
  PetscScalar       *m, *v, *x;
  PetscInt           n;

  PetscFunctionBegin;
  PetscCall(VecNorm(gradient, NORM_2, &norm));
  if (adam->clip > 0.0 && norm > adam->clip) PetscCall(VecScale(gradient, adam->clip / norm));
  adam->step++;
  correct1 = 1.0 - PetscPowReal(b1, adam->step);
  correct2 = 1.0 - PetscPowReal(b2, adam->step);
  PetscCall(VecGetLocalSize(theta, &n));
  PetscCall(VecGetArrayRead(gradient, &g));
  PetscCall(VecGetArray(adam->m, &m));
  PetscCall(VecGetArray(adam->v, &v));
  PetscCall(VecGetArray(theta, &x));
  for (PetscInt k = 0; k < n; k++) {
    double mk = m[k], vk = v[k]; /* PetscScalar may be single */

    x[k] = GNNAdamW(x[k], g[k], &mk, &vk, lr, b1, b2, correct1, correct2, adam->weight_decay);
    m[k] = mk;
    v[k] = vk;
  }
  PetscCall(VecRestoreArrayRead(gradient, &g));
  PetscCall(VecRestoreArray(adam->m, &m));
  PetscCall(VecRestoreArray(adam->v, &v));
  PetscCall(VecRestoreArray(theta, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}
