/*
   Sixteen rows of numbers spread over a warp, and the operations of the network on them.

   A warp's lane = 4 g + t holds columns 8 k + 2 t and 8 k + 2 t + 1 of rows g and g + 8, for k = 0 ... NB - 1: the layout of mma.m16n8k8's
   accumulators. Read as mma's A operand the same registers hold the same rows with columns renumbered within each eight (t is 2 t, t + 4 is
   2 t + 1); the weights are read in that order, so that one product feeds the next without a shuffle.
*/
#pragma once

#include "common.cuh"

template <int NB>
struct Rows {
  float v[NB][4]; /* row g: [0], [1]; row g + 8: [2], [3] */
};

__device__ __forceinline__ int LaneRow()
{
  return (threadIdx.x & 31) >> 2;
}

__device__ __forceinline__ int LaneColumn()
{
  return 2 * (threadIdx.x & 3);
}

/* Every row = b */
template <int NB>
__device__ __forceinline__ void RowsSet(Rows<NB> &y, const float *b)
{
#pragma unroll
  for (int k = 0; k < NB; k++) {
    const float2 bk = *(const float2 *)(b + 8 * k + LaneColumn());

    y.v[k][0] = y.v[k][2] = bk.x;
    y.v[k][1] = y.v[k][3] = bk.y;
  }
}

/* Every row += b */
template <int NB>
__device__ __forceinline__ void RowsAdd(Rows<NB> &y, const float *b)
{
  RowsLoadAdd(y, b, b);
}

template <int NB>
__device__ __forceinline__ void RowsZero(Rows<NB> &y)
{
#pragma unroll
  for (int k = 0; k < NB; k++) y.v[k][0] = y.v[k][1] = y.v[k][2] = y.v[k][3] = 0.0f;
}

/* y += the rows at p (row g) and q (row g + 8), which may be NULL */
template <int NB>
__device__ __forceinline__ void RowsLoadAdd(Rows<NB> &y, const float *p, const float *q)
{
#pragma unroll
  for (int k = 0; k < NB; k++) {
    if (p) {
      const float2 x = *(const float2 *)(p + 8 * k + LaneColumn());

      y.v[k][0] += x.x;
      y.v[k][1] += x.y;
    }
    if (q) {
      const float2 x = *(const float2 *)(q + 8 * k + LaneColumn());

      y.v[k][2] += x.x;
      y.v[k][3] += x.y;
    }
  }
}

template <int NB>
__device__ __forceinline__ void RowsStore(const Rows<NB> &x, float *p, float *q)
{
#pragma unroll
  for (int k = 0; k < NB; k++) {
    if (p) *(float2 *)(p + 8 * k + LaneColumn()) = make_float2(x.v[k][0], x.v[k][1]);
    if (q) *(float2 *)(q + 8 * k + LaneColumn()) = make_float2(x.v[k][2], x.v[k][3]);
  }
}

/* Row g times a, row g + 8 times b */
template <int NB>
__device__ __forceinline__ void RowsScale(Rows<NB> &x, float a, float b)
{
#pragma unroll
  for (int k = 0; k < NB; k++) {
    x.v[k][0] *= a;
    x.v[k][1] *= a;
    x.v[k][2] *= b;
    x.v[k][3] *= b;
  }
}

template <int NB>
__device__ __forceinline__ void RowsGelu(Rows<NB> &x)
{
#pragma unroll
  for (int k = 0; k < NB; k++) {
#pragma unroll
    for (int l = 0; l < 4; l++) {
      float unused;

      x.v[k][l] = GNNGelu(x.v[k][l], &unused);
    }
  }
}

/* y += x W^T in single precision: W is stored (in, out), ld = out. The lanes of a row hand each other its numbers */
template <int NBO, int NBI>
__device__ __forceinline__ void MultiplyAddSingle(Rows<NBO> &y, const Rows<NBI> &x, const float *W, int ld)
{
  const int quad = threadIdx.x & 28;

#pragma unroll
  for (int k = 0; k < NBI; k++) {
#pragma unroll
    for (int c = 0; c < 8; c++) {
      const float  x0 = Shuffle(x.v[k][c & 1], quad | (c >> 1)), x1 = Shuffle(x.v[k][2 + (c & 1)], quad | (c >> 1));
      const float *w = W + (8 * k + c) * ld + LaneColumn();

#pragma unroll
      for (int n = 0; n < NBO; n++) {
        const float2 wn = *(const float2 *)(w + 8 * n);

        y.v[n][0] += x0 * wn.x;
        y.v[n][1] += x0 * wn.y;
        y.v[n][2] += x1 * wn.x;
        y.v[n][3] += x1 * wn.y;
      }
    }
  }
}

/* y += x W^T on the tensor cores: W is stored by blocks of 8 outputs and 8 inputs, ld = in, which no width reads with bank conflicts */
template <int NBO, int NBI>
__device__ __forceinline__ void MultiplyAddTF32(Rows<NBO> &y, const Rows<NBI> &x, const float *W, int ld)
{
#pragma unroll
  for (int k = 0; k < NBI; k++) {
    const unsigned a[4] = {ToTF32(x.v[k][0]), ToTF32(x.v[k][2]), ToTF32(x.v[k][1]), ToTF32(x.v[k][3])};

#pragma unroll
    for (int n = 0; n < NBO; n++) {
      const float2   w    = *(const float2 *)(W + 8 * (n * ld + 8 * k + LaneRow()) + LaneColumn());
      const unsigned b[2] = {Bits(w.x), Bits(w.y)}; /* rounded when they were packed */

      MMA(y.v[n], a, b);
    }
  }
}

/* y += x W^T for W (8 NBO, 8 NBI), the part from column first on of a matrix with in columns */
template <bool TF32, int NBO, int NBI>
__device__ __forceinline__ void MultiplyAdd(Rows<NBO> &y, const Rows<NBI> &x, const float *W, int in, int first = 0)
{
  if (TF32) MultiplyAddTF32(y, x, W + 8 * first, in);
  else MultiplyAddSingle(y, x, W + first * 8 * NBO, 8 * NBO);
}

/* Sums and sums of squares over each row, for rows g and g + 8 */
struct Moments {
  float sum[2], sumsq[2];
};

template <int NB>
__device__ __forceinline__ Moments RowsMoments(const Rows<NB> &x)
{
  Moments m = {
    {0, 0},
    {0, 0}
  };

#pragma unroll
  for (int k = 0; k < NB; k++) {
#pragma unroll
    for (int l = 0; l < 4; l++) {
      m.sum[l / 2] += x.v[k][l];
      m.sumsq[l / 2] += x.v[k][l] * x.v[k][l];
    }
  }
  for (int l = 0; l < 2; l++) {
    m.sum[l]   = GroupSum<4>(m.sum[l]);
    m.sumsq[l] = GroupSum<4>(m.sumsq[l]);
  }
  return m;
}

/* pre = (W' v - mean r)/deviation + b' of rows v of m numbers with the given moments, where pre holds W' v */
template <int NB>
__device__ __forceinline__ void RowsNorm(Rows<NB> &pre, const Moments &mom, float m, const float *r, const float *b)
{
  float mean[2], inv[2];

  for (int l = 0; l < 2; l++) inv[l] = GNNInverseDeviation(mom.sum[l], mom.sumsq[l], m, &mean[l]);
#pragma unroll
  for (int k = 0; k < NB; k++) {
    const float2 rk = *(const float2 *)(r + 8 * k + LaneColumn()), bk = *(const float2 *)(b + 8 * k + LaneColumn());

#pragma unroll
    for (int l = 0; l < 2; l++) {
      pre.v[k][2 * l]     = inv[l] * (pre.v[k][2 * l] - mean[l] * rk.x) + bk.x;
      pre.v[k][2 * l + 1] = inv[l] * (pre.v[k][2 * l + 1] - mean[l] * rk.y) + bk.y;
    }
  }
}
