/*
   The guard's operations: on the host, or on a device that has the graph's values. Arrays live where the operations are: slots (nz) of the graph,
   vectors (n), or K vectors side by side, (n, K).
*/
#pragma once

#include "gnnfactor.h"

#define GUARD_PROBES 4 /* handled side by side */

typedef struct {
  GNNGraph  g;
  GNNDevice d; /* NULL: on the host */
} GuardOps;

typedef enum {
  GUARD_PLAIN,      /* m x */
  GUARD_TRANSPOSED, /* m^T x */
  GUARD_SYMMETRIC   /* (m + m^T)/2 x */
} GuardProduct;

PETSC_INTERN PetscErrorCode     GuardNew(GuardOps, PetscInt, PetscScalar **); /* an array of that size */
PETSC_INTERN PetscErrorCode     GuardFree(GuardOps, PetscScalar **);
PETSC_INTERN const PetscScalar *GuardMatrix(GuardOps);                                  /* slots of At */
PETSC_INTERN PetscErrorCode     GuardProbe(GuardOps, PetscInt, PetscScalar[]); /* K probes: signs from a hash, 0 at decoupled nodes */
PETSC_INTERN PetscErrorCode     GuardStart(GuardOps, const GNNConfig *, PetscReal, PetscScalar[]); /* slots of the start with At damped */
PETSC_INTERN PetscErrorCode     GuardJacobi(GuardOps, const PetscScalar[], PetscScalar[]); /* z = D^-1 r, 0 at decoupled nodes */
PETSC_INTERN PetscErrorCode     GuardMultiply(GuardOps, GuardProduct, const PetscScalar[], PetscInt, const PetscScalar[], PetscReal, PetscScalar[]); /* product, m, K, x, beta, y = product + beta y */
PETSC_INTERN PetscErrorCode     GuardDot(GuardOps, PetscInt, const PetscScalar[], const PetscScalar[], PetscReal *);
PETSC_INTERN PetscErrorCode     GuardAXPBY(GuardOps, PetscInt, PetscReal, const PetscScalar[], PetscReal, PetscScalar[]); /* a, x, b, y = a x + b y; y is not read if b = 0 */
PETSC_INTERN PetscErrorCode     GuardFactor(GuardOps, GNNFactor, PetscReal, const PetscScalar[], PetscScalar[]); /* eps, r, z = (G G^T + eps I) r with the factor as it stands */
