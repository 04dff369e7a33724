/*
   The product of a sparse matrix with a vector. A block takes a tile of consecutive rows: its entries are read side by side and multiplied into shared
   memory, then each row is summed there in CSR order, so that memory is read in one sweep whatever the rows' lengths.
*/
#pragma once

#include "common.cuh"

#define BLOCK 256

/* Where product k of a tile lies: a gap after every sixteen keeps rows of equal length out of each other's memory banks */
__device__ __forceinline__ int Spread(int k)
{
  return k + k / 16;
}
#define PRODUCT_SHARED ((GNN_KERNEL_CHUNK + GNN_KERNEL_CHUNK / 16) * (int)sizeof(double)) /* bytes */

/* Dot product of a row that does not fit into a chunk; the whole block, in a fixed order; valid in thread 0 */
template <class T>
__device__ static double LongRow(const T *v, const int *j, int begin, int end, const double *x, double *shared)
{
  double sum = 0.0;

  for (int k = begin + threadIdx.x; k < end; k += BLOCK) sum += v[k] * x[j[k]];
  sum = GroupSum<32>(sum);
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = sum;
  __syncthreads();
  sum = 0.0;
  for (int w = 0; w < BLOCK / 32; w++) sum += shared[w];
  return sum;
}

/* take(i, sum) for each row i of the block's tile, by one thread, with row i of M times x */
template <class T, class Take>
__device__ __forceinline__ void MultiplyTile(const GNNKernelMat &m, const double *x, Take &take)
{
  GNN_SHARED(double, products);
  const T  *v     = (const T *)m.v;
  const int first = m.tile[blockIdx.x], end = m.tile[blockIdx.x + 1], begin = m.i[first], mine = first + threadIdx.x < end ? first + threadIdx.x : end - 1;
  const int start = m.i[mine], stop = m.i[mine + 1]; /* of this thread's first row, read ahead */
  int       last = end, count = m.i[last] - begin;

  if (count > GNN_KERNEL_CHUNK) { /* for its last row, which is done first */
    const int    row = --last, from = m.i[row];
    const double sum = LongRow(v, m.j, from, begin + count, x, products);

    if (threadIdx.x == 0) take(row, sum);
    if (row == first) return;
    count = from - begin;
    __syncthreads();
  }
#pragma unroll 8
  for (int k = threadIdx.x; k < count; k += BLOCK) products[Spread(k)] = LoadOnce(v + begin + k) * x[LoadOnce(m.j + begin + k)];
  __syncthreads();
  for (int i = first + threadIdx.x; i < last; i += BLOCK) {
    const int from = i == mine ? start : m.i[i], to = i == mine ? stop : m.i[i + 1];
    double    sum = 0.0;

    for (int k = from - begin; k < to - begin; k++) sum += products[Spread(k)];
    take(i, sum);
  }
}
