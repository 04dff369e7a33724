/*
   What every .cu file of this directory starts with: CUDA, or for the tests on machines without a GPU its emulation, where a warp is 32
   coroutines.
*/
#pragma once

#include <stddef.h>
#if defined(GNN_EMULATE)
  #include "../tests/emulate.h"
#else
  #include <cuda_runtime.h>
  #define GNN_SHARED(Type, name)                              extern __shared__ __align__(16) Type name[]
  #define GNN_LAUNCH(kernel, grid, block, shared, stream, ...) kernel<<<(grid), (block), (shared), (cudaStream_t)(stream)>>>(__VA_ARGS__)
#endif
#include "kernels.h"
#include "../gnn/gnnmath.h"

#define ALL_LANES 0xFFFFFFFFu

/* Sum over groups of L neighbouring lanes, L a power of 2; every lane gets it */
template <int L, class T>
__device__ __forceinline__ T GroupSum(T x)
{
  for (int d = L / 2; d > 0; d /= 2) x += __shfl_xor_sync(ALL_LANES, x, d);
  return x;
}

/* Sum of the x of a block of that many threads in a fixed order, in the lanes of its first warp; shared memory: a double for each warp */
template <int BLOCK>
__device__ __forceinline__ double BlockSum(double x)
{
  GNN_SHARED(double, warps);

  x = GroupSum<32>(x);
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = x;
  __syncthreads();
  x = threadIdx.x < BLOCK / 32 ? warps[threadIdx.x] : 0.0;
  __syncthreads(); /* it may be called again */
  return GroupSum<32>(x);
}

static inline int Blocks(long long threads, int block)
{
  const long long blocks = (threads + block - 1) / block;

  return (int)(blocks < 1 ? 1 : blocks);
}
