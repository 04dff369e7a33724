/* Sums of many numbers in a fixed order: up to GNN_KERNEL_PARTIALS blocks write a partial sum each, and the one that comes last adds them up */
#pragma once

#include "common.cuh"

#define BLOCK 256

/* Has this block come last, so that it can read what the others have written? */
__device__ __forceinline__ int IsLast(int *arrived)
{
  GNN_SHARED(int, before);
  int last;

  if (threadIdx.x == 0) {
    Fence();
    *before = AtomicAdd(arrived, 1);
    Fence();
  }
  __syncthreads();
  last = *before == (int)gridDim.x - 1;
  __syncthreads();
  return last;
}

/* The sums of the COUNT numbers x of all threads, for the one of them where it returns 1; partials (COUNT, blocks), arrived is 0 between launches; shared memory: GRID_SUM */
#define GRID_SUM (BLOCK / 32 * sizeof(double))
template <int COUNT>
__device__ __forceinline__ int GridSums(const double *x, double *partials, int *arrived, double *sum)
{
  const volatile double *written = partials;
  const int              blocks  = gridDim.x;

  for (int c = 0; c < COUNT; c++) {
    const double part = BlockSum<BLOCK>(x[c]);

    if (threadIdx.x == 0) partials[c * blocks + blockIdx.x] = part;
  }
  if (!IsLast(arrived)) return 0;
  for (int c = 0; c < COUNT; c++) {
    double part = 0.0;

    for (int k = threadIdx.x; k < blocks; k += BLOCK) part += written[c * blocks + k];
    sum[c] = BlockSum<BLOCK>(part);
  }
  if (threadIdx.x != 0) return 0;
  AtomicAdd(arrived, -blocks);
  return 1;
}

__device__ __forceinline__ int GridSum(double x, double *partials, GNNKernelStatus *status, double *sum)
{
  return GridSums<1>(&x, partials, &status->arrived, sum);
}

/* Blocks for so many threads */
static inline int Partials(long long threads)
{
  const int blocks = Blocks(threads, BLOCK);

  return blocks < GNN_KERNEL_PARTIALS ? blocks : GNN_KERNEL_PARTIALS;
}
