/*
   What the tests of the device share. Linked with the CUDA kernels they run on a GPU, else with the same kernels compiled for emulate.h.
*/
#pragma once

#include "../gnn/gnndevice.h"

#if defined(GNN_EMULATE)
  #define WHERE "emulated"
#else
  #define WHERE "on the device"
#endif

/* Largest difference, relative to the largest of y; infinite where x is not finite */
static inline PetscReal TestArrayDifference(PetscInt n, const PetscScalar x[], const PetscScalar y[])
{
  PetscReal diff = 0.0, size = 0.0;

  for (PetscInt k = 0; k < n; k++) {
    diff = PetscIsInfOrNanScalar(x[k]) ? PETSC_INFINITY : PetscMax(diff, PetscAbsScalar(x[k] - y[k]));
    size = PetscMax(size, PetscAbsScalar(y[k]));
  }
  return size > 0.0 ? diff / size : diff;
}
