/* Sums of many numbers in a fixed order: up to GNN_KERNEL_PARTIALS blocks write a partial sum each, and the one that comes last adds them up */
#pragma once

#include "common.cuh"

#define BLOCK 256

/* Has this block come last, so that it can read what the others have written? */
__device__ __forceinline__ int IsLast(GNNKernelStatus *status)
{
  GNN_SHARED(int, before);
  int last;

  if (threadIdx.x == 0) {
    Fence();
    *before = AtomicAdd(&status->arrived, 1);
    Fence();
  }
  __syncthreads();
  last = *before == (int)gridDim.x - 1;
  __syncthreads();
  return last;
}

/* The sum of the x of all threads, for the one of them where it returns 1; shared memory: GRID_SUM */
#define GRID_SUM (BLOCK / 32 * sizeof(double))
__device__ __forceinline__ int GridSum(double x, double *partials, GNNKernelStatus *status, double *sum)
{
  const volatile double *written = partials;

  x = BlockSum<BLOCK>(x);
  if (threadIdx.x == 0) partials[blockIdx.x] = x;
  if (!IsLast(status)) return 0;
  x = 0.0;
  for (int k = threadIdx.x; k < (int)gridDim.x; k += BLOCK) x += written[k];
  *sum = BlockSum<BLOCK>(x);
  if (threadIdx.x != 0) return 0;
  AtomicAdd(&status->arrived, -(int)gridDim.x);
  return 1;
}

/* Blocks for so many threads */
static inline int Partials(long long threads)
{
  const int blocks = Blocks(threads, BLOCK);

  return blocks < GNN_KERNEL_PARTIALS ? blocks : GNN_KERNEL_PARTIALS;
}
