/*
   What every .cu file of this directory starts with: CUDA, or for the tests on machines without a GPU its emulation, where a warp is 32
   coroutines.
*/
#pragma once

#include <stddef.h>
#if defined(GNN_EMULATE)
  #include "../tests/cuda/emulate.h"
#else
  #include <cuda_runtime.h>
  #define GNN_SHARED(Type, name)                               extern __shared__ __align__(16) Type name[]
  #define GNN_LAUNCH(kernel, grid, block, shared, stream, ...) kernel<<<(grid), (block), (shared), (cudaStream_t)(stream)>>>(__VA_ARGS__)
#endif
#include "kernels.h"
#define GNN_SCALAR double
#define GNN_INDEX  int
#include "../gnn/block.h"

#define ALL_LANES 0xFFFFFFFFu

/* A number that this kernel reads once: what is read often stays in the cache */
template <class T>
__device__ __forceinline__ T LoadOnce(const T *p)
{
#if defined(GNN_EMULATE)
  return *p;
#else
  return __ldcs(p);
#endif
}

/* A number that other threads change meanwhile, by atomics */
template <class T>
__device__ __forceinline__ T LoadRelaxed(const T *p)
{
#if defined(GNN_EMULATE)
  return EmulateLoadRelaxed(p);
#else
  return *(const volatile T *)p;
#endif
}

/* Sum over groups of L neighbouring lanes, L a power of 2; every lane gets it */
template <int L, class T>
__device__ __forceinline__ T GroupSum(T x)
{
  for (int d = L / 2; d > 0; d /= 2) x += __shfl_xor_sync(ALL_LANES, x, d);
  return x;
}

static_assert(sizeof(GNNKernelGraph) <= 128, "See GNNKernelGraph");

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
    const T y = __shfl_xor_sync(ALL_LANES, x, d);

    x = x > y ? x : y;
  }
  return x;
}

/* Which lanes of the group say yes, its first lane the lowest bit */
template <int L>
__device__ __forceinline__ unsigned GroupBallot(int yes)
{
  return (__ballot_sync(ALL_LANES, yes) >> (threadIdx.x % 32 / L * L)) & (ALL_LANES >> (32 - L));
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

static inline int Blocks(long long threads, int block)
{
  const long long blocks = (threads + block - 1) / block;

  return (int)(blocks < 1 ? 1 : blocks);
}
