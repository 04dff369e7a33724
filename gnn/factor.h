/*
   The factor G of M^-1 = S (G G^T + eps I) S^T on the host, and its product with a vector.
*/
#pragma once

#include "columns.h"
#include "graph.h"
#include "storage.h"

typedef struct _n_GNNFactor *GNNFactor;
struct _n_GNNFactor {
  PetscInt     b, n;  /* block size and rows */
  PetscInt     size;  /* of the arrays j, v; GNNFactorReserve() */
  PetscInt    *i, *j; /* CSR of G^T, columns ascending, owned */
  PetscScalar *v;     /* values of G^T */
  /* what the product reads in single or half precision, GNNFactorStore(): rows that are filled up to whole blocks of entries; owned, NULL before */
  PetscInt        room, wideroom; /* entries of vs or q, and of js */
  int            *block;          /* (n + 1) of a row */
  float          *vs;             /* values in single precision */
  short          *q;              /* in half, storage.h, */
  double         *d;              /* (n) their scale, and */
  unsigned short *near;           /* their columns, as GNNFactorBase() says, but for */
  PetscInt        below, nwide;
  int            *wide, *js; /* (nwide) rows that reach too far, ascending. Columns: of these rows in half precision, of all in single */
  PetscScalar    *s;         /* (n/b, b, b) scaling S, upper triangular */
  PetscScalar    *shift;     /* (n/b, b, b) eps S S^T; the inverse of the diagonal block at decoupled rows, where rows and columns of G are empty */
  PetscScalar    *work;      /* (n) */
  GNNPrecision    precision; /* that the product reads */
  PetscBool       folded;    /* which have S in them */
  PetscScalar    *jacobi;    /* (n) M^-1, where that is a diagonal, owned; else NULL */
  void           *memory;    /* of columns, owned; */
  GNNColumns     *columns;   /* (3, n) work, NULL before GNNFactorGetColumns() */
};

PETSC_INTERN PetscErrorCode GNNFactorCreate(GNNGraph, GNNFactor *);
PETSC_INTERN PetscErrorCode GNNFactorDestroy(GNNFactor *);
PETSC_INTERN PetscErrorCode GNNFactorReserve(GNNFactor, PetscInt kept, PetscInt size); /* room for so many entries; the first stay */
/* i, j, v of the own rows, the others being empty: from the slots of G^T (nz) that stay by the filter, or G = D^-1/2 of the scaled system, by which
   M^-1 is Jacobi's */
PETSC_INTERN PetscErrorCode GNNFactorFill(GNNFactor, GNNGraph, GNNPattern, PetscReal filter, const PetscScalar slots[]);
PETSC_INTERN void           GNNFactorFillJacobi(GNNFactor, GNNGraph);
PETSC_INTERN void           GNNFactorShift(GNNFactor, GNNGraph, PetscReal epsilon); /* s and shift */
PETSC_INTERN PetscErrorCode GNNFactorStore(GNNFactor, GNNPrecision);                /* what the product reads: M^-1 where it is a diagonal, else what that precision has, from v */
PETSC_INTERN PetscErrorCode GNNFactorFreeStored(GNNFactor);
PETSC_INTERN void           GNNFactorApply(GNNFactor, const PetscScalar r[], PetscScalar z[]);      /* z = M^-1 r */
PETSC_INTERN PetscErrorCode GNNFactorGetColumns(GNNFactor, GNNColumns **r, GNNColumns **z);         /* (n) work of the factor's */
PETSC_INTERN void           GNNFactorApplyColumns(GNNFactor, const GNNColumns r[], GNNColumns z[]); /* z = M^-1 r with these, where M^-1 is no diagonal */
/* y = (S G)^T x, the left half, or y = S G x; b = 1, for a shift that is 0 at coupled rows */
PETSC_INTERN PetscErrorCode GNNFactorApplyHalf(GNNFactor, PetscBool left, const PetscScalar x[], PetscScalar y[]);

/* No rows before the first own one; none behind the last, at k entries */
static inline void GNNFactorBegin(GNNFactor f, GNNGraph g)
{
  for (PetscInt i = 0; i < g->first * g->b; i++) f->i[i] = 0;
}

static inline void GNNFactorEnd(GNNFactor f, GNNGraph g, PetscInt k)
{
  for (PetscInt i = g->last * g->b; i <= g->n; i++) f->i[i] = k;
}

#define GNN_FACTOR_BLOCK 4 /* entries: rows are short, and mostly of a few different lengths in blocks, which processors predict */

/* z += G G^T x = sum over the rows g_i of G^T, in CSR (n, ia, ja, values), of g_i (g_i^T x): each row is read once for both products. x and z are of the given
   type */
#define GNN_FACTOR_PRODUCT(Number, n, ia, ja, values, x, z) \
  for (PetscInt i_ = 0; i_ < (n); i_++) { \
    const PetscScalar *g_ = (values); \
    Number             u_ = {0}; \
\
    for (PetscInt k_ = (ia)[i_]; k_ < (ia)[i_ + 1]; k_++) u_ += g_[k_] * (x)[(ja)[k_]]; \
    for (PetscInt k_ = (ia)[i_]; k_ < (ia)[i_ + 1]; k_++) (z)[(ja)[k_]] += g_[k_] * u_; \
  }
