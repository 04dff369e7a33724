/*
   From the network's output to the factor G of M^-1 = S (G G^T + eps I) S^T, and its product with a vector on the host.
*/
#pragma once

#include "gnngraph.h"

/* What the guard may choose instead of a share alpha of the network's G: G = D^-1/2 */
#define GNN_GUARD_JACOBI (-1.0)
/* Of a factor that is the classical one */
#define GNN_GUARD_FSAI (-2.0)

typedef struct _n_GNNFsai        *GNNFsai;        /* work of the classical factor, gnnfsai.c */
typedef struct _n_GNNFsaiOptions  GNNFsaiOptions; /* gnnfsai.h */

typedef struct _n_GNNFactor *GNNFactor;
struct _n_GNNFactor {
  PetscInt     b, n;     /* block size and rows */
  PetscInt     size;     /* of the arrays j, v, vs; GNNFactorReserve() */
  PetscInt    *i, *j;    /* CSR of G^T, columns ascending, owned. Of the network: the kept entries that are in the pattern */
  PetscScalar *v;        /* values of G^T */
  float       *vs;       /* the same in single precision */
  PetscScalar *s;        /* (n/b, b, b) scaling S, upper triangular */
  PetscScalar *shift;    /* (n/b, b, b) eps S S^T; the inverse of the diagonal block at decoupled rows, where rows and columns of G are empty */
  PetscScalar *work;     /* (n) */
  PetscBool    single;   /* the product reads vs */
  PetscReal    alpha;    /* share of the network's output, or GNN_GUARD_JACOBI, or GNN_GUARD_FSAI */
  PetscReal    damping;  /* of At in the start that has the share 1 - alpha */
  PetscInt     replaced; /* entries that were not finite */
  PetscInt     rows_failed; /* rows of the classical factor that are Jacobi's */
  GNNFsai      fsai;        /* owned, NULL before the first classical factor */
  PetscLogDouble flops;     /* of making the factor, added up; the caller sets it to 0 and logs it */
};

PETSC_INTERN PetscErrorCode GNNFactorCreate(GNNGraph, PetscBool, GNNFactor *);                                           /* single precision? */
PETSC_INTERN PetscErrorCode GNNFactorAssemble(GNNFactor, GNNModel, GNNGraph, const GNNReal[], PetscReal, PetscBool);      /* out (nz), eps, guard */
PETSC_INTERN PetscErrorCode GNNFactorAssembleFsai(GNNFactor, GNNGraph, const GNNFsaiOptions *, PetscReal);               /* eps */
PETSC_INTERN PetscErrorCode GNNFactorReserve(GNNFactor, PetscInt, PetscInt);                                              /* entries to keep, entries to have room for */
PETSC_INTERN PetscErrorCode GNNFactorApply(GNNFactor, const PetscScalar[], PetscScalar[]);                                /* z = M^-1 r */
PETSC_INTERN PetscErrorCode GNNFactorDestroy(GNNFactor *);

/* The network's G^T = start + out at the places of A, 0 outside the pattern; entries that are not finite become delta_ij and are counted */
PETSC_INTERN PetscErrorCode GNNFactorSlots(GNNModel, GNNGraph, const GNNReal[], PetscScalar[], PetscInt *); /* the network's output, G^T (nz), count */
/* From the network's G^T (nz) to the one to use: alpha in {1, 1/2, 1/4} of it, or 0 for the damped start, or GNN_GUARD_JACOBI (G^T is then
   undefined); eps, alpha, damping */
PETSC_INTERN PetscErrorCode GNNGuardChoose(const GNNConfig *, GNNGraph, PetscScalar[], PetscReal, PetscReal *, PetscReal *);

/* z += G G^T x = sum over the rows g_i of G^T, in CSR (n, ia, ja, values of the given type), of g_i (g_i^T x): each row is read once for both products */
#define GNN_FACTOR_PRODUCT(Type, n, ia, ja, values, x, z) \
  for (PetscInt i_ = 0; i_ < (n); i_++) { \
    const Type *g_ = (values); \
    PetscScalar u_ = 0.0; \
\
    for (PetscInt k_ = (ia)[i_]; k_ < (ia)[i_ + 1]; k_++) u_ += g_[k_] * (x)[(ja)[k_]]; \
    for (PetscInt k_ = (ia)[i_]; k_ < (ia)[i_ + 1]; k_++) (z)[(ja)[k_]] += g_[k_] * u_; \
  }

/* Is slot (i, j) in the pattern of G^T? */
static inline PetscBool GNNPatternHas(GNNPattern pattern, PetscInt i, PetscInt j)
{
  return pattern == GNN_PATTERN_A || j <= i ? PETSC_TRUE : PETSC_FALSE;
}

/* Derivatives of the start to (c0, c1): 3/2 I - 1/2 At, or I - strict(At) where the pattern is lower */
static inline void GNNFactorStartTerms(GNNOutput output, GNNPattern pattern, PetscBool diagonal, PetscScalar at, PetscScalar *by_c0, PetscScalar *by_c1)
{
  *by_c0 = *by_c1 = 0.0;
  if (output == GNN_OUTPUT_DIRECT) return;
  if (pattern == GNN_PATTERN_A) {
    *by_c0 = diagonal ? 1.5 : 0.0;
    *by_c1 = -0.5 * at;
  } else {
    *by_c0 = diagonal ? 1.0 : 0.0;
    *by_c1 = diagonal ? 0.0 : -at;
  }
}
