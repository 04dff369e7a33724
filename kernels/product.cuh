/*
   The product of a sparse matrix with a vector. A block takes a tile of consecutive rows: its entries are read side by side and multiplied into shared
   memory, then each row is summed there, by the more lanes the fewer rows there are: memory is read in one sweep, and no thread has much more to add
   than the others, whatever the rows' lengths.
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

#define MINE (GNN_KERNEL_CHUNK / BLOCK) /* entries of a chunk that are a thread's: every BLOCK-th */

/* Loads values and columns of a thread's entries */
template <class T>
__device__ __forceinline__ void Load(const T *v, const int *j, int base, int count, T value[MINE], int column[MINE])
{
  (void)base;
#pragma unroll
  for (int c = 0; c < MINE; c++) {
    const int k = threadIdx.x + c * BLOCK;

    value[c]  = k < count ? LoadOnce(v + k) : 0;
    column[c] = k < count ? LoadOnce(j + k) : 0;
  }
}

__device__ __forceinline__ void Load(const unsigned *v, const int *j, int base, int count, unsigned word[MINE], int column[MINE])
{
#pragma unroll
  for (int c = 0; c < MINE; c++) word[c] = threadIdx.x + c * BLOCK < count ? LoadOnce(v + threadIdx.x + c * BLOCK) : 0;
#pragma unroll
  for (int c = 0; c < MINE; c++) column[c] = base + (int)GNNWordOffset(word[c]);
  if (base != GNN_KERNEL_WIDE) return;
#pragma unroll
  for (int c = 0; c < MINE; c++) column[c] = threadIdx.x + c * BLOCK < count ? LoadOnce(j + threadIdx.x + c * BLOCK) : 0;
}

template <class T>
__device__ __forceinline__ double Number(T value)
{
  return value;
}

template <>
__device__ __forceinline__ double Number(unsigned word)
{
  return GNNWordNumber(word);
}

/* A thread's entries of a chunk times those of x, which wait for memory together; 0 where there are no more */
template <class T>
__device__ __forceinline__ void Products(const T value[MINE], const int column[MINE], int count, const double *x, double product[MINE])
{
#pragma unroll
  for (int c = 0; c < MINE; c++) product[c] = threadIdx.x + c * BLOCK < count ? x[column[c]] : 0.0;
#pragma unroll
  for (int c = 0; c < MINE; c++) product[c] *= Number(value[c]);
}

/* Dot product of a row that does not fit into a chunk; the whole block, in a fixed order; valid in thread 0 */
template <class T>
__device__ static double LongRow(const T *v, const int *j, int base, int count, const double *x, double *shared)
{
  double sum = 0.0;

  for (int k = 0; k < count; k += GNN_KERNEL_CHUNK) {
    T      value[MINE];
    int    column[MINE];
    double product[MINE];

    Load(v + k, j + k, base, count - k, value, column);
    Products(value, column, count - k, x, product);
    for (int c = 0; c < MINE; c++) sum += product[c];
  }
  sum = GroupSum<32>(sum);
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = sum;
  __syncthreads();
  sum = 0.0;
  for (int w = 0; w < BLOCK / 32; w++) sum += shared[w];
  return sum;
}

/* As many lanes sum up a row, as a power of 2, as the block has for each of a tile's */
__device__ __forceinline__ int RowLanes(int rows)
{
  int power = 0;

  while (power < 5 && rows << (power + 1) <= BLOCK) power++;
  return power;
}

/* For each row i of the block's tile, and each of some vectors x, or one unless SEVERAL, take.Take(i, c, row i of M times x_c, take.Read(i, c)), by one thread.
   What Read() loads is mostly waited for with the entries */
template <class T, bool SEVERAL, class Taker>
__device__ __forceinline__ void MultiplyTile(const GNNKernelMat &m, const GNNKernelSide &n, const double *x, Taker &take)
{
  GNN_SHARED(double, products);
  const T  *v     = (const T *)m.v;
  const int first = m.tile[blockIdx.x], end = m.tile[blockIdx.x + 1], begin = m.i[first], base = m.base ? m.base[blockIdx.x] : 0, vectors = SEVERAL ? n.count : 1;
  const int power = RowLanes(end - first), lanes = 1 << power, lane = threadIdx.x & (lanes - 1), number = threadIdx.x >> power;
  const int mine = first + number < end ? first + number : end - 1, start = m.i[mine], stop = m.i[mine + 1]; /* of this thread's first row, read ahead */
  int       last = end, count = m.i[last] - begin;
  T         value[MINE];
  int       column[MINE];

  if (count > GNN_KERNEL_CHUNK) { /* for its last row, which is done first */
    const int row = --last, from = m.i[row];

    for (int c = 0; c < vectors; c++) {
      const double sum = LongRow(v + from, m.j + from, base, begin + count - from, x + c * n.x, products), d = m.scale ? m.scale[row] : 1.0;

      if (threadIdx.x == 0) take.Take(row, c, sum * d * d, take.Read(row, c));
      __syncthreads();
    }
    if (row == first) return;
    count = from - begin;
  }
  Load(v + begin, m.j + begin, base, count, value, column);
  for (int c = 0; c < vectors; c++) {
    double product[MINE];

    Products(value, column, count, x + c * n.x, product);
    const double scale = m.scale ? m.scale[mine] : 1.0, read = take.Read(mine, c); /* likewise */

    if (c > 0) __syncthreads(); /* the vector before is done */
#pragma unroll
    for (int k = 0; k < MINE; k++) {
      if (threadIdx.x + k * BLOCK < count) products[Spread(threadIdx.x + k * BLOCK)] = product[k];
    }
    __syncthreads();
    for (int row = first; row < last; row += BLOCK >> power) {
      const int    i = row + number, here = i < last, ahead = i == mine;
      const int    from = ahead ? start : here ? m.i[i] : 0, to = ahead ? stop : here ? m.i[i + 1] : 0;
      const double d   = ahead || !here || !m.scale ? scale : m.scale[i];
      double       sum = 0.0;

      for (int k = from - begin + lane; here && k < to - begin; k += lanes) sum += products[Spread(k)];
      for (int step = lanes / 2; step > 0; step /= 2) sum += ShuffleXor(sum, step);
      if (here && lane == 0) take.Take(i, c, sum * d * d, ahead ? read : take.Read(i, c));
    }
  }
}
