/*
   The tile kernels of the host: dense products by vectors of GNN_LANES numbers, and sums over padded rows.
*/
#pragma once

#include "layout.h"

#define GNN_TILE 64 /* rows handled at once: a few tiles of the default width fit the first-level cache */

typedef GNNReal GNNVec __attribute__((vector_size(GNN_LANES * sizeof(GNNReal)), aligned(sizeof(GNNReal)), may_alias));

/* C (m, 8 nv) += A (m, k) B (k, 8 nv), m <= 4 rows held in registers; A's element (i, p) is A[i * rs + p * cs] */
static inline __attribute__((always_inline)) void GNNGemmBlock_Private(const int m, const int nv, PetscInt k, const GNNReal *A, PetscInt rs, PetscInt cs, const GNNReal *B, PetscInt ldb, GNNReal *C, PetscInt ldc)
{
  GNNVec acc[4][3];

#pragma GCC unroll 4
  for (int i = 0; i < m; i++) {
#pragma GCC unroll 4
    for (int v = 0; v < nv; v++) acc[i][v] = *(const GNNVec *)(C + i * ldc + v * GNN_LANES);
  }
  for (PetscInt p = 0; p < k; p++) {
#pragma GCC unroll 4
    for (int i = 0; i < m; i++) {
      const GNNReal a = A[i * rs + p * cs];

#pragma GCC unroll 4
      for (int v = 0; v < nv; v++) acc[i][v] += a * *(const GNNVec *)(B + p * ldb + v * GNN_LANES);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < m; i++) {
#pragma GCC unroll 4
    for (int v = 0; v < nv; v++) *(GNNVec *)(C + i * ldc + v * GNN_LANES) = acc[i][v];
  }
}

static inline __attribute__((always_inline)) void GNNGemmPanel_Private(const int nv, PetscInt m, PetscInt k, const GNNReal *A, PetscInt rs, PetscInt cs, const GNNReal *B, PetscInt ldb, GNNReal *C, PetscInt ldc)
{
  PetscInt i = 0;

  for (; i + 4 <= m; i += 4) GNNGemmBlock_Private(4, nv, k, A + i * rs, rs, cs, B, ldb, C + i * ldc, ldc);
  for (; i < m; i++) GNNGemmBlock_Private(1, nv, k, A + i * rs, rs, cs, B, ldb, C + i * ldc, ldc);
}

/* C (m, n) += A (m, k) B (k, n), n a multiple of GNN_LANES, by panels of up to three vectors */
static inline void GNNGemm(PetscInt m, PetscInt n, PetscInt k, const GNNReal *A, PetscInt rs, PetscInt cs, const GNNReal *B, PetscInt ldb, GNNReal *C, PetscInt ldc)
{
  for (PetscInt p = 0; p < n; p += 3 * GNN_LANES) {
    switch (PetscMin((n - p) / GNN_LANES, 3)) {
    case 1:
      GNNGemmPanel_Private(1, m, k, A, rs, cs, B + p, ldb, C + p, ldc);
      break;
    case 2:
      GNNGemmPanel_Private(2, m, k, A, rs, cs, B + p, ldb, C + p, ldc);
      break;
    default:
      GNNGemmPanel_Private(3, m, k, A, rs, cs, B + p, ldb, C + p, ldc);
    }
  }
}

/* y (nt, ldo) += x (nt, in) Wt */
static inline void GNNLinearForward(const GNNLinear *L, PetscInt nt, const GNNReal *x, PetscInt ldx, GNNReal *y, PetscInt ldy)
{
  GNNGemm(nt, L->ldo, L->in, x, ldx, 1, L->Wt, L->ldo, y, ldy);
}

/* In the forward pass this was y += x Wt, so now dx (nt, ldi) += dy W; dx may be NULL; dWt += x^T dy */
static inline void GNNLinearBackward(const GNNLinear *L, const GNNLinear *dL, PetscInt nt, const GNNReal *x, PetscInt ldx, const GNNReal *dy, PetscInt ldy, GNNReal *dx, PetscInt lddx)
{
  GNNGemm(L->in, L->ldo, nt, x, 1, ldx, dy, ldy, dL->Wt, L->ldo);
  if (dx != NULL) GNNGemm(nt, L->ldi, L->out, dy, ldy, 1, L->W, L->ldi, dx, lddx);
}

/* y (m) += alpha x (m), m a multiple of GNN_LANES */
static inline void GNNRowAXPY(PetscInt m, GNNReal alpha, const GNNReal *x, GNNReal *y)
{
  for (PetscInt v = 0; v < m; v += GNN_LANES) *(GNNVec *)(y + v) += alpha * *(const GNNVec *)(x + v);
}

/* Every row of y (nt, m) = x (m) */
static inline void GNNRowsSet(PetscInt nt, PetscInt m, const GNNReal *x, GNNReal *y, PetscInt ldy)
{
  for (PetscInt t = 0; t < nt; t++) {
    for (PetscInt v = 0; v < m; v += GNN_LANES) *(GNNVec *)(y + t * ldy + v) = *(const GNNVec *)(x + v);
  }
}

/* s (m) += sum of the rows of x (nt, m) */
static inline void GNNRowsSum(PetscInt nt, PetscInt m, const GNNReal *x, PetscInt ldx, GNNReal *s)
{
  for (PetscInt t = 0; t < nt; t++) GNNRowAXPY(m, 1, x + t * ldx, s);
}

static inline GNNReal GNNRowDot(PetscInt m, const GNNReal *x, const GNNReal *y)
{
  GNNVec  acc = {0};
  GNNReal sum = 0;

  for (PetscInt v = 0; v < m; v += GNN_LANES) acc += *(const GNNVec *)(x + v) * *(const GNNVec *)(y + v);
  for (int k = 0; k < GNN_LANES; k++) sum += acc[k];
  return sum;
}

/* Sum and sum of squares of each row of x (n, ld); padding is zero and adds nothing */
static inline void GNNRowsMoments(PetscInt n, PetscInt m, const GNNReal *x, GNNReal *sum, GNNReal *sumsq)
{
  for (PetscInt k = 0; k < n; k++) {
    GNNVec s = {0}, q = {0};

    for (PetscInt v = 0; v < m; v += GNN_LANES) {
      const GNNVec xv = *(const GNNVec *)(x + k * m + v);

      s += xv;
      q += xv * xv;
    }
    sum[k] = sumsq[k] = 0;
    for (int l = 0; l < GNN_LANES; l++) {
      sum[k] += s[l];
      sumsq[k] += q[l];
    }
  }
}
