/*
   What gnnspai-train is made of: samples (a matrix and what the loss needs of it), the loss, AdamW, validation.
*/
#pragma once

#include <petscksp.h>
#include "../gnn/factor.h"
#include "../gnn/forward.h"
#include "files.h"

typedef enum {
  TRAIN_LOSS_SAI,     /* ||(At M^-1 - I) w||^2/n, the paper's scale-invariant loss */
  TRAIN_LOSS_PLAIN,   /* with A in place of At = A/||A||: the paper's ablation, scaling mean only */
  TRAIN_LOSS_LOG_SAI, /* its logarithm: families of unlike loss weigh alike */
  TRAIN_LOSS_KAPORIN  /* gradient of tr(At M^-1)/n - log det(M^-1)/n, plus sai_weight SAI; log SAI is reported */
} TrainLoss;
PETSC_INTERN const char *const TrainLosses[];

/* A training matrix. The loss is evaluated with PETSc's own Mats and Vecs, in PetscScalar */
typedef struct {
  char        *name;
  GNNGraph     graph;
  Mat          At;               /* scaled matrix (plain loss: the matrix) on the kept slots, over the graph's arrays */
  Mat          Gt;               /* G^T on the graph's slots, over gt */
  PetscScalar *at, *gt, *dgt;    /* (nz) the values of At and Gt, the gradient of the loss to those of Gt */
  GNNReal     *net, *dnet;       /* (nz) the network's output and the gradient to it */
  Vec          w, u, z, y, q, t; /* (n) */
  PetscReal    epsilon;
  PetscReal    sai_weight; /* kaporin: weight of the SAI loss added to it, 0 at first */
  KSP          solve;      /* with K = G G^T + eps I, preconditioned by At; made when kaporin asks first */
} TrainSample;

PETSC_INTERN PetscErrorCode TrainSampleCreate(const GNNConfig *, TrainLoss, Mat, const char[], TrainSample *); /* matrix, name for messages */
PETSC_INTERN PetscErrorCode TrainSampleDestroy(TrainSample *);
PETSC_INTERN PetscErrorCode TrainSampleFactor(GNNModel, GNNActs, TrainSample *);                      /* the network's output into net and Gt */
PETSC_INTERN PetscErrorCode TrainSampleProbeLoss(TrainSample *, PetscReal, PetscReal *);              /* SAI loss of the probe in w: scale, loss added to */
PETSC_INTERN PetscErrorCode TrainSampleProbeGradient(TrainSample *, TrainLoss, PetscReal);            /* after it: dgt += scale times the gradient to G (sai, not its logarithm) */
PETSC_INTERN PetscErrorCode TrainSampleBackward(GNNModel, GNNActs, TrainSample *, PetscReal, GNNNet); /* dnet += factor times the gradient that dgt makes, after TrainSampleFactor() */
/* Mean over probes of the loss, w from N(0, I); where dnet is given, dnet += its gradient to the parameters */
PETSC_INTERN PetscErrorCode TrainSampleLoss(GNNModel, GNNActs, TrainLoss, PetscInt, PetscRandom, TrainSample *, PetscReal *, GNNNet);
PETSC_INTERN PetscErrorCode TrainRandomNormal(PetscRandom, PetscInt, PetscScalar[]);

/* AdamW (Loshchilov and Hutter, arXiv 1711.05101) with clipping by the gradient's norm */
typedef struct {
  PetscReal beta1, beta2, weight_decay, clip; /* clip 0: off */
  PetscInt  step;
  Vec       m, v; /* moments */
} TrainAdamW;

PETSC_INTERN PetscErrorCode TrainAdamWCreate(Vec, TrainAdamW *);                              /* moments like the given parameters */
PETSC_INTERN PetscErrorCode TrainAdamWStep(TrainAdamW *, PetscReal, Vec gradient, Vec theta); /* learning rate, gradient (clipped in place), parameters */
PETSC_INTERN PetscErrorCode TrainAdamWDestroy(TrainAdamW *);

/* Validation by what counts: iterations of CG */
typedef struct {
  PetscInt  n;
  Mat      *A;
  Vec      *features; /* of the nodes, NULL where there are none */
  char    **name;
  PetscInt *jacobi, *icc, *gnn; /* iterations, summed over both right-hand sides */
} TrainValidation;

PETSC_INTERN PetscErrorCode TrainValidationCreate(PetscInt, char **, Mat *, TrainValidation *);                       /* takes the names and matrices; counts Jacobi's and ICC's iterations */
PETSC_INTERN PetscErrorCode TrainValidationRun(TrainValidation *, GNNModel, PetscReal *to_jacobi, PetscReal *to_icc); /* geometric means of gnn/jacobi, gnn/icc */
PETSC_INTERN PetscErrorCode TrainValidationDestroy(TrainValidation *);
