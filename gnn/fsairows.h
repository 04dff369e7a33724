/*
   The classical factor: a factorised sparse approximate inverse (FSAI) L = G^T, L^T L = G G^T, from the values of the matrix alone, no
   training. Static: the pattern is the lower triangle of A. Grown by a threshold: each row finds its own pattern.
*/
#pragma once

#include "factor.h"

typedef struct _n_GNNFsai *GNNFsai; /* work of the rows */

/* i, j, v of the factor, and how many rows had to be Jacobi's; threshold 0: static. The work is made where there is none. grow = PETSC_FALSE: in
   the columns of the last growth, where that was by the same threshold, no row failed, and the same rows are coupled; else they grow anew */
PETSC_INTERN PetscErrorCode GNNFsaiFill(GNNFsai *, GNNFactor, GNNGraph, PetscReal threshold, PetscBool grow, PetscInt *failed);
PETSC_INTERN PetscErrorCode GNNFsaiDestroy(GNNFsai *);

/* How far from its own a row reads rows of the matrix, in steps of its graph */
PETSC_INTERN PetscInt GNNFsaiReach(PetscReal threshold);

#define GNN_FSAI_NONE 1e6 /* a threshold above all |As_ij| of a positive definite matrix: every row is Jacobi's */

/* More than half of the rows spoiled: what is left is noise, and amplifies what A does to it. Then all rows are to be Jacobi's */
static inline PetscBool GNNFsaiSpoiled(PetscInt failed, PetscInt coupled)
{
  return 2 * failed > coupled ? PETSC_TRUE : PETSC_FALSE;
}
