/*
   Inference's vectors: rows of a tile, of slots or nodes, lie side by side in the lanes, a vector to each of their numbers. So a product with a small
   matrix is multiply-adds of vectors by single weights, whatever the width, and no number is moved between lanes but where rows are gathered.
*/
#pragma once

#include "gemm.h"

/* Lanes: those of the widest vectors that the processor has, and of no wider ones, which the compiler would keep in memory. Of two vectors, the lanes
   that go to the first and to the second where one bit of the vector's number changes places with the same bit of the lane's */
#if defined(__AVX512F__)
  #define GNN_SIDE   16
  #define GNN_LOW_4  0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
  #define GNN_HIGH_4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
  #define GNN_LOW_2  0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
  #define GNN_HIGH_2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
  #define GNN_LOW_1  0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
  #define GNN_HIGH_1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31
#else
  #define GNN_SIDE   8
  #define GNN_LOW_4  0, 1, 2, 3, 8, 9, 10, 11
  #define GNN_HIGH_4 4, 5, 6, 7, 12, 13, 14, 15
  #define GNN_LOW_2  0, 1, 8, 9, 4, 5, 12, 13
  #define GNN_HIGH_2 2, 3, 10, 11, 6, 7, 14, 15
  #define GNN_LOW_1  0, 8, 2, 10, 4, 12, 6, 14
  #define GNN_HIGH_1 1, 9, 3, 11, 5, 13, 7, 15
#endif

typedef GNNReal GNNLanes __attribute__((vector_size(GNN_SIDE * sizeof(GNNReal)), may_alias));

/* y += W x */
static inline void GNNLanesLinear(const GNNLinear *L, const GNNLanes *x, GNNLanes *y)
{
  for (PetscInt o = 0; o < L->ldo; o += GNN_LANES) {
    GNNLanes acc[GNN_LANES];

#pragma GCC unroll 8
    for (int k = 0; k < GNN_LANES; k++) acc[k] = y[o + k];
    for (PetscInt c = 0; c < L->in; c++) {
      const GNNReal *w = L->Wt + c * L->ldo + o;

#pragma GCC unroll 8
      for (int k = 0; k < GNN_LANES; k++) acc[k] += w[k] * x[c];
    }
#pragma GCC unroll 8
    for (int k = 0; k < GNN_LANES; k++) y[o + k] = acc[k];
  }
}

/* y = b, one number to a vector */
static inline void GNNLanesSet(PetscInt m, const GNNReal *b, GNNLanes *y)
{
  for (PetscInt o = 0; o < m; o++) y[o] = b[o] - (GNNLanes){0};
}

/* y = gelu(x) */
static inline void GNNLanesGelu(PetscInt m, const GNNLanes *x, GNNLanes *y)
{
  const GNNReal *from = (const GNNReal *)x;
  GNNReal       *to   = (GNNReal *)y;

  for (PetscInt k = 0; k < m * GNN_SIDE; k++) {
    GNNReal unused;

    to[k] = GNNGelu(from[k], &unused);
  }
}

/* Sum and sum of squares of each lane's row of m numbers */
static inline void GNNLanesMoments(PetscInt m, const GNNLanes *x, GNNLanes *sum, GNNLanes *sumsq)
{
  *sum = *sumsq = (GNNLanes){0};
  for (PetscInt c = 0; c < m; c++) {
    *sum += x[c];
    *sumsq += x[c] * x[c];
  }
}

/* pre = (W' v - mean r)/deviation + b' of rows v of m numbers with the given moments, where pre holds W' v */
static inline void GNNLanesNorm(const GNNFF *ff, PetscInt dp, PetscInt m, const GNNLanes *sum, const GNNLanes *sumsq, GNNLanes *pre)
{
  GNNLanes mean = {0}, inv = {0};

  for (int t = 0; t < GNN_SIDE; t++) {
    GNNReal mean_t;

    inv[t]  = GNNInverseDeviation((*sum)[t], (*sumsq)[t], (GNNReal)m, &mean_t);
    mean[t] = mean_t;
  }
  for (PetscInt o = 0; o < dp; o++) pre[o] = inv * (pre[o] - mean * ff->lift[0].r[o]) + ff->lift[0].b[o];
}

/* From what the first GELU reads, pre, which is overwritten, to the last hidden rows h */
static inline void GNNLanesHidden(const GNNFF *ff, PetscInt dp, GNNLanes *pre, GNNLanes *h)
{
  for (PetscInt k = 0; k < ff->nbody; k++) {
    GNNLanesGelu(dp, pre, h);
    GNNLanesSet(dp, ff->body[k].b, pre);
    GNNLanesLinear(&ff->body[k], h, pre);
  }
  GNNLanesGelu(dp, pre, h);
}

/* ---- rows of GNN_LANES numbers in memory, and lanes ---- */

#if defined(__clang__)
  #define GNN_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
  #define GNN_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (GNNLaneNumbers){__VA_ARGS__})
#endif
#if defined(GNN_USE_DOUBLE)
typedef long long GNNLaneNumbers __attribute__((vector_size(GNN_SIDE * sizeof(long long))));
#else
typedef int GNNLaneNumbers __attribute__((vector_size(GNN_SIDE * sizeof(int))));
#endif

/* By that bit */
#define GNN_EXCHANGE(a, b, bit) \
  do { \
    const GNNLanes low_ = GNN_SHUFFLE(a, b, GNN_LOW_##bit), high_ = GNN_SHUFFLE(a, b, GNN_HIGH_##bit); \
\
    (a) = low_; \
    (b) = high_; \
  } while (0)

/* v[k] with row k, and k + 8 behind it if there are as many lanes, becomes number k of all rows, and back again */
static inline void GNNLanesTranspose(GNNLanes v[GNN_LANES])
{
  for (int k = 0; k < 4; k++) GNN_EXCHANGE(v[k], v[k + 4], 4);
  for (int k = 0; k < 8; k += 1 + 2 * (k & 1)) GNN_EXCHANGE(v[k], v[k + 2], 2);
  for (int k = 0; k < 8; k += 2) GNN_EXCHANGE(v[k], v[k + 1], 1);
}

/* Row t of eight numbers in what GNNLanesTranspose() takes or leaves */
static inline GNNVec *GNNLanesRow(GNNLanes v[GNN_LANES], int t)
{
  return (GNNVec *)&v[t % GNN_LANES] + t / GNN_LANES;
}
