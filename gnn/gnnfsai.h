/*
   The classical factor: a factorised sparse approximate inverse (FSAI) L = G^T, L^T L = G G^T, from the values of the matrix alone, no
   training. Static: the pattern is the lower triangle of A. Grown by a threshold: each row finds its own pattern.
*/
#pragma once

#include "gnnfactor.h"

struct _n_GNNFsaiOptions {
  PetscReal      threshold; /* 0: static */
  PetscInt       stages;    /* of growth */
  PCGNNSPAIOrder order;     /* row i may use the columns before i */
};

PETSC_INTERN PetscErrorCode GNNFsaiFill(GNNFactor, GNNGraph, const GNNFsaiOptions *); /* i, j, v and rows_failed of the factor */
PETSC_INTERN PetscErrorCode GNNFsaiDestroy(GNNFsai *);
