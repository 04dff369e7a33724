/*
   The steps of KSPCGGRAPH: many at a time, by somebody who waits for none of them. cggraph.c follows by what they found.
*/
#pragma once

#include "../cgsteps.h"
#include "../compat.h"
#include <petscksp.h>

/* What is to be solved; borrowed */
typedef struct {
  Mat A;
  PC  pc;
  Vec x, r, p, z; /* solution, residual; work, but z = M^-1 r at first */
} GNNCGSystem;

typedef struct _n_GNNCGSteps *GNNCGSteps;

typedef struct {
  PetscErrorCode (*supports)(const GNNCGSystem *, const char **why);             /* NULL, or why it cannot do them */
  PetscErrorCode (*begin)(GNNCGSteps *, const GNNCGSystem *, const GNNCG *);     /* made where it is NULL */
  PetscErrorCode (*run)(GNNCGSteps, PetscInt wanted, GNNCG *, PetscReal norm[]); /* about as many, at least one and at most GNN_CG_NORMS; how it stands, and the norms */
  PetscErrorCode (*view)(GNNCGSteps, PetscViewer);                               /* how the last ones were done */
  PetscErrorCode (*destroy)(GNNCGSteps *);
} GNNCGOps;

#if defined(GNN_CUDA) || defined(GNN_EMULATE)
PETSC_INTERN const GNNCGOps GNNCGDeviceOps;
  #define GNN_CG_OPS &GNNCGDeviceOps
#else
  #define GNN_CG_OPS NULL
#endif

PETSC_INTERN PetscErrorCode KSPCreate_CGGraph(KSP);
PETSC_INTERN PetscErrorCode KSPCGGraphSetOps_Private(KSP, const GNNCGOps *); /* for tests */
