/*
   What the stages of the network's forward and backward pass share: a stage's weights, the arrays of states and of the tape, the launch.
*/
#pragma once

#include "rows.cuh"

#define WARPS GNN_KERNEL_WARPS
#define BLOCK (32 * WARPS)

/* One map's weights within a stage */
struct Map {
  const float *lift, *bias, *rowsum, *body, *proj, *projbias;
};

/* From the first one on, for maps with so many hidden layers */
template <int NB>
__device__ __forceinline__ Map MapAt(const float *w, int hidden, int in, int out)
{
  const GNNPacked p = GNNPackedSizes(8 * NB, hidden, in, out);
  const Map       m = {w + p.lift, w + p.bias, w + p.rowsum, w + p.body, w + p.proj, w + p.projbias};

  return m;
}

template <int NB>
__device__ __forceinline__ Map MapAt(const float *w, int hidden)
{
  return MapAt<NB>(w, hidden, 8 * NB, 8 * NB);
}

/* What the compiler knows of the network's shape is known of its layouts */
template <int NB>
__device__ __forceinline__ GNNShape ShapeOf(const GNNKernelConfig &c, int hidden, int b)
{
  const GNNShape s = {8 * NB, c.layers, hidden, c.node.size, c.edge.size, b * b, c.norm, 0};

  return s;
}

/* The stage's weights, a multiple of 8 numbers, in shared memory: they fit, GNNKernelFits() */
__device__ __forceinline__ const float *Stage(const float *weights, int size, float *shared)
{
#pragma unroll 4
  for (int k = threadIdx.x; k < size / 4; k += BLOCK) ((float4 *)shared)[k] = ((const float4 *)weights)[k];
  __syncthreads();
  return shared;
}

/* ---- states ---- */

/* Rows of node (edge) states before a layer; without a tape all layers share one array */
template <bool TAPE, int NB>
__device__ __forceinline__ float *NodeStates(const GNNKernelNet &net, int layer)
{
  return net.x + (TAPE ? layer * net.tape.n * 8 * NB : 0);
}

template <bool TAPE, int NB>
__device__ __forceinline__ float *EdgeStates(const GNNKernelNet &net, int layer)
{
  return net.e + (TAPE ? layer * net.tape.nz * 8 * NB : 0);
}

template <bool TAPE>
__device__ __forceinline__ float *NodeMoments(const GNNKernelNet &net, int layer)
{
  return TAPE ? net.moments[0] + layer * net.tape.n * 2 : net.moments[layer % 2];
}

/* A row of an array, or NULL */
__device__ __forceinline__ float *RowAt(float *array, int row, int size)
{
  return row >= 0 ? array + (size_t)row * size : NULL;
}

/* Moments of [x_i, x_j, e_ij] from those of the nodes and of e, for slots a and b */
__device__ __forceinline__ Moments EdgeMoments(const GNNKernelGraph &g, const float *nodes, int a, int b, const Moments &e)
{
  const int at[2] = {a, b};
  Moments   all   = e;

  for (int l = 0; l < 2; l++) {
    if (at[l] < 0) continue;
    const float *mi = nodes + 2 * (size_t)g.brow[at[l]], *mj = nodes + 2 * (size_t)g.bj[at[l]];

    all.sum[l] += mi[0] + mj[0];
    all.sumsq[l] += mi[1] + mj[1];
  }
  return all;
}

/* ---- tape ---- */

/* Where the tape has rows a and b of what a map's GELUs read, NULL if there is no such row; the next GELU's are stride further */
struct Taped {
  float *a, *b;
  size_t stride;
};

/* For an array of so many rows per GELU (GNNKernelHidden) and one layer of it */
template <int NB>
__device__ __forceinline__ Taped TapedRows(const GNNKernelConfig &c, float *array, size_t rows, int layer, int a, int b)
{
  const size_t stride = rows * 8 * NB;
  float       *base   = array + layer * c.hidden * stride;
  const Taped  t      = {a >= 0 ? base + (size_t)a * 8 * NB : NULL, b >= 0 ? base + (size_t)b * 8 * NB : NULL, stride};

  return t;
}

template <int NB>
__device__ __forceinline__ void TapedStore(const Taped &t, int k, const Rows<NB> &x)
{
  RowsStore(x, t.a ? t.a + k * t.stride : NULL, t.b ? t.b + k * t.stride : NULL);
}

/* ---- launches ---- */

/* Blocks that fill the device, at most one a tile per warp; each takes several tiles, so that it copies the weights once */
static int Grid(const void *kernel, int shared, long long tiles)
{
  const int       resident = GPUResident(kernel, BLOCK, shared);
  const long long most = (long long)GPUProcessors() * (resident > 0 ? resident : 1), want = (tiles + WARPS - 1) / WARPS;

  return (int)(want < 1 ? 1 : want < most ? want : most);
}

/* Bytes of shared memory for so many numbers; a kernel must ask for more than 48 KB */
static int Shared(const void *kernel, int numbers)
{
  const int bytes = numbers * (int)sizeof(float);

  GPUAllowShared(kernel, bytes);
  return bytes;
}
