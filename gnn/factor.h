/*
   From the network's output to the factor G of M^-1 = S (G G^T + eps I) S^T, and its product with a vector on the host.
*/
#pragma once

#include "ops.h"

/* What the guard may choose instead of a share alpha of the network's G: G = D^-1/2 */
#define GNN_GUARD_JACOBI (-1.0)
#define GNN_GUARD_FSAI   (-2.0) /* the classical factor */
#define GNN_GUARD_DRIFT  0.1    /* change of the loss beyond which it chooses again */
#define GNN_GUARD_MOVED  0.04   /* distance of the couplings beyond which it does, too */

typedef struct _n_GNNFsai  *GNNFsai;  /* work of the classical factor, fsai.c */
typedef struct _n_GNNGuard *GNNGuard; /* work of the guard, guard.c */

struct _n_GNNFactor {
  PetscInt     b, n;        /* block size and rows */
  PetscInt     size;        /* of the arrays j, v, vs; GNNFactorReserve() */
  PetscInt    *i, *j;       /* CSR of G^T, columns ascending, owned; of the network: the kept entries that are in the pattern */
  PetscScalar *v;           /* values of G^T */
  float       *vs;          /* the same in single precision */
  PetscScalar *s;           /* (n/b, b, b) scaling S, upper triangular */
  PetscScalar *shift;       /* (n/b, b, b) eps S S^T; the inverse of the diagonal block at decoupled rows, where rows and columns of G are empty */
  PetscScalar *work;        /* (n) */
  PetscBool    single;      /* the product reads vs */
  PetscReal    alpha;       /* share of the network's output, or GNN_GUARD_JACOBI, or GNN_GUARD_FSAI */
  PetscReal    damping;     /* of At in the start that has the share 1 - alpha */
  PetscInt     replaced;    /* entries that were not finite */
  PetscInt     rows_failed; /* rows of the classical factor that are Jacobi's */
  PetscReal    loss;        /* GNNGuardLoss() when the guard chose; negative where there is no choice to keep */
  PetscScalar *slots;       /* (nz of the graph) the network's G^T, owned, NULL before the first */
  GNNGuard     guard;       /* owned, NULL before the first choice */
  GNNFsai      fsai;        /* owned, NULL before the first classical factor */
};

PETSC_INTERN PetscErrorCode GNNFactorCreate(GNNGraph, PetscBool, GNNFactor *);                                       /* single precision? */
PETSC_INTERN PetscErrorCode GNNFactorAssemble(GNNFactor, GNNModel, GNNGraph, const GNNReal[], PetscReal, PetscBool); /* out (nz), eps, guard */
PETSC_INTERN PetscErrorCode GNNFactorFetch(GNNFactor, GNNModel, GNNGraph, GNNDevice, PetscReal);                     /* the factor by its alpha, from the device; eps. The model is not read if it is the classical one */
PETSC_INTERN void           GNNFactorFill(GNNFactor, GNNGraph, GNNPattern, const PetscScalar[]);                     /* i, j, v from the slots of G^T (nz) */
PETSC_INTERN PetscErrorCode GNNFactorAssembleFsai(GNNFactor, GNNGraph, PetscReal, PetscReal);                        /* the classical one; threshold, eps */
/* After GNNFactorAssemble() where alpha <= 0: the classical factor if it is better than what the guard chose; threshold, eps */
PETSC_INTERN PetscErrorCode GNNFactorFallback(GNNFactor, GNNModel, GNNGraph, PetscReal, PetscReal);
/* New values in the same pattern: the factor by the last choice, and whether that may stay; out is not read where alpha <= 0; threshold, eps */
PETSC_INTERN PetscErrorCode GNNFactorRefresh(GNNFactor, GNNModel, GNNGraph, const GNNReal[], PetscReal, PetscReal, PetscBool *);
PETSC_INTERN PetscErrorCode GNNFactorReserve(GNNFactor, PetscInt, PetscInt);                              /* entries to keep, entries to have room for */
PETSC_INTERN PetscErrorCode GNNFactorApply(GNNFactor, const PetscScalar[], PetscScalar[]);                /* z = M^-1 r */
PETSC_INTERN PetscErrorCode GNNFactorApplyHalf(GNNFactor, PetscBool, const PetscScalar[], PetscScalar[]); /* y = (S G)^T x, or y = S G x; b = 1, for a shift that is 0 at coupled rows */
PETSC_INTERN PetscErrorCode GNNFactorDestroy(GNNFactor *);

/* The network's G^T = start + out at the places of A, 0 outside the pattern; entries that are not finite become delta_ij and are counted */
PETSC_INTERN PetscErrorCode GNNFactorSlots(GNNModel, GNNGraph, const GNNReal[], PetscScalar[], PetscInt *); /* the network's output, G^T (nz), count */

/* ---- guard, guard.c; made by its first choice ---- */

PETSC_INTERN PetscErrorCode GNNGuardCreate(GNNGuard *, GNNGraph, GNNDevice); /* where there is none, to go on with a choice of before */
/* From the network's G^T (nz) to the one to use: alpha in {1, 1/2, 1/4} of it, or 0 for the damped start, or GNN_GUARD_JACOBI (G^T is then
   undefined). With a device that has the graph's values everything happens there, and G^T is its; eps, alpha, damping */
PETSC_INTERN PetscErrorCode GNNGuardChoose(GNNGuard *, const GNNConfig *, GNNGraph, GNNDevice, PetscScalar[], PetscReal, PetscReal *, PetscReal *);
PETSC_INTERN PetscBool      GNNGuardIsNarrow(GNNGuard, PetscReal);                                            /* did it choose the network, but only a share of it, alpha < 1, or within 2 % of what comes after it? */
PETSC_INTERN PetscErrorCode GNNGuardRepeat(GNNGuard, const GNNConfig *, PetscReal, PetscReal, PetscScalar[]); /* the same from a choice, alpha >= 0 and damping */
PETSC_INTERN PetscErrorCode GNNGuardBetter(GNNGuard, GNNFactor, PetscReal, PetscBool *);                      /* is the classical factor to be taken instead of the choice? eps */
PETSC_INTERN PetscErrorCode GNNGuardLoss(GNNGuard, GNNFactor, PetscReal, PetscReal *);                        /* ||(At M^-1 - I) w||^2 on one probe w; eps */
PETSC_INTERN PetscErrorCode GNNGuardMayKeep(GNNFactor, PetscReal, PetscBool *);                               /* may the last choice stay, now that the loss is this one? */
PETSC_INTERN PetscErrorCode GNNGuardDestroy(GNNGuard *);

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

/* GNNStartTerms() in PETSc's types */
static inline void GNNFactorStartTerms(GNNOutput output, GNNPattern pattern, PetscBool diagonal, PetscScalar at, PetscScalar *by_c0, PetscScalar *by_c1)
{
  double c0, c1;

  GNNStartTerms(output == GNN_OUTPUT_RESIDUAL, pattern == GNN_PATTERN_LOWER, diagonal, (double)PetscRealPart(at), &c0, &c1);
  *by_c0 = c0;
  *by_c1 = c1;
}
