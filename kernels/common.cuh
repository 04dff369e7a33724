/*
   What every .cu file of this directory starts with: the GPU's language, the operations, and sums over lanes and blocks.
*/
#pragma once

#include <stddef.h>
#include "gpu.h"
#define GNN_SCALAR double
#define GNN_INDEX  int
#include "kernels.h"
#include "../gnn/block.h"

/* Sum over groups of L neighbouring lanes, L a power of 2; every lane gets it */
template <int L, class T>
__device__ __forceinline__ T GroupSum(T x)
{
  for (int d = L / 2; d > 0; d /= 2) x += ShuffleXor(x, d);
  return x;
}

/* The other lane's x, a struct of doubles */
template <class T>
__device__ __forceinline__ T ShuffleXorDoubles(const T &x, int d)
{
  T other;

  static_assert(sizeof(T) % sizeof(double) == 0, "Doubles only");
  for (size_t k = 0; k < sizeof(T) / sizeof(double); k++) ((double *)&other)[k] = ShuffleXor(((const double *)&x)[k], d);
  return other;
}

static_assert(sizeof(GNNKernelGraph) <= 128, "See GNNKernelGraph");
static_assert((long long)GNN_KERNEL_MOST_ROWS * GNN_NODE_USER <= 0x7FFFFFFF, "Offsets are 32-bit");

/* Kernels that know of the blocks exist for b = 1, where the compiler drops the loops over a block, and for any b */
template <bool BLOCKS>
__device__ __forceinline__ int BlockSize(const GNNKernelGraph &g)
{
  return BLOCKS ? g.b : 1;
}

#define GNN_LAUNCH_BLOCKS(b, kernel, ...) \
  do { \
    if ((b) > 1) GNN_LAUNCH((kernel<true>), __VA_ARGS__); \
    else GNN_LAUNCH((kernel<false>), __VA_ARGS__); \
  } while (0)

/* Is unknown r of node i coupled to others? */
__device__ __forceinline__ int IsCoupled(const GNNKernelGraph &g, int b, int i, int r)
{
  return g.s[(i * b + r) * b + r] != 0.0;
}

/* The largest x of the group */
template <int L, class T>
__device__ __forceinline__ T GroupMax(T x)
{
  for (int d = L / 2; d > 0; d /= 2) {
    const T y = ShuffleXor(x, d);

    x = x > y ? x : y;
  }
  return x;
}

/* Which lanes of the group say yes, its first lane the lowest bit */
template <int L>
__device__ __forceinline__ unsigned GroupBallot(int yes)
{
  return (Ballot(yes) >> (threadIdx.x % 32 / L * L)) & (0xFFFFFFFFu >> (32 - L));
}

/* Sum of the x of a block of that many threads in a fixed order, in the lanes of its first warp; shared memory: a double for each warp */
template <int BLOCK>
__device__ __forceinline__ double BlockSum(double x)
{
  GNN_SHARED(double, warp_sums);

  x = GroupSum<32>(x);
  if (threadIdx.x % 32 == 0) warp_sums[threadIdx.x / 32] = x;
  __syncthreads();
  x = threadIdx.x < BLOCK / 32 ? warp_sums[threadIdx.x] : 0.0;
  __syncthreads(); /* it may be called again */
  return GroupSum<32>(x);
}

/* x as a product reads it, d of its row of G^T; the column in a word stays */
template <class T>
__device__ __forceinline__ void PutNumber(T *v, double x, double d)
{
  (void)d;
  *v = (T)x;
}

__device__ __forceinline__ void PutNumber(unsigned *v, double x, double d)
{
  *v = GNNWord(GNNHalfNumber(x, d), GNNWordOffset(*v));
}

static inline int Blocks(long long threads, int block)
{
  const long long blocks = (threads + block - 1) / block;

  return (int)(blocks < 1 ? 1 : blocks);
}
