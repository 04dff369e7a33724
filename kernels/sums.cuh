/* Sums of many numbers in a fixed order: up to GNN_KERNEL_PARTIALS blocks write a partial sum each, one block adds them up */
#pragma once

#include "cuda.cuh"

#define BLOCK 256

__global__ static void SumPartials(int count, const double *partials, double *sum)
{
  double total = 0.0;

  for (int k = threadIdx.x; k < count; k += BLOCK) total += partials[k];
  total = BlockSum<BLOCK>(total);
  if (threadIdx.x == 0) *sum = total;
}

/* Blocks for so many threads */
static inline int Partials(long long threads)
{
  const int blocks = Blocks(threads, BLOCK);

  return blocks < GNN_KERNEL_PARTIALS ? blocks : GNN_KERNEL_PARTIALS;
}
