/* Sums of many numbers in a fixed order: up to GNN_KERNEL_PARTIALS blocks write a partial sum each, one block adds them up */
#pragma once

#include "cuda.cuh"

#define BLOCK GNN_KERNEL_PARTIALS

__global__ static void SumPartials(int count, const double *partials, double *sum)
{
  const double total = BlockSum<BLOCK>(threadIdx.x < count ? partials[threadIdx.x] : 0.0);

  if (threadIdx.x == 0) *sum = total;
}

/* Blocks for so many threads */
static inline int Partials(long long threads)
{
  const int blocks = Blocks(threads, BLOCK);

  return blocks < GNN_KERNEL_PARTIALS ? blocks : GNN_KERNEL_PARTIALS;
}
