/*
   The factor and its products. A block takes a tile of consecutive rows: its entries are read side by side and multiplied into shared
   memory, then each row is summed there in CSR order, so that memory is read in one sweep whatever the rows' lengths.
*/
#include "cuda.cuh"

#define BLOCK 256

/* ---- values ---- */

/* Slot (i, j) of G^T goes to entry (i, j) of G^T S, or (j, i) of S G: times s_j either way */
template <class T>
__global__ static void FillValues(GNNKernelMat m, T *v, const double *gt, GNNKernelGraph g)
{
  const int k = blockIdx.x * BLOCK + threadIdx.x;

  if (k < m.nz) v[k] = (T)(gt[m.slot[k]] * g.s[g.j[m.slot[k]]]);
}

int GNNKernelFill(GNNKernelMat m, const double *gt, GNNKernelGraph g, GNNStream stream)
{
  if (m.single) GNN_LAUNCH((FillValues<float>), Blocks(m.nz, BLOCK), BLOCK, 0, stream, m, (float *)m.v, gt, g);
  else GNN_LAUNCH((FillValues<double>), Blocks(m.nz, BLOCK), BLOCK, 0, stream, m, (double *)m.v, gt, g);
  return cudaGetLastError();
}

__global__ static void ShiftRows(GNNKernelGraph g, double epsilon, double *shift)
{
  const int i = blockIdx.x * BLOCK + threadIdx.x;

  if (i < g.n) shift[i] = g.s[i] != 0.0 ? epsilon * g.s[i] * g.s[i] : g.inverse[i];
}

int GNNKernelShift(GNNKernelGraph g, double epsilon, double *shift, GNNStream stream)
{
  GNN_LAUNCH(ShiftRows, Blocks(g.n, BLOCK), BLOCK, 0, stream, g, epsilon, shift);
  return cudaGetLastError();
}

/* ---- products ---- */

/* Where product k of a tile lies: a gap after every sixteen keeps rows of equal length out of each other's memory banks */
__device__ __forceinline__ int Spread(int k)
{
  return k + k / 16;
}

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

/* y = M x, or y = M x + shift r */
template <class T, bool SHIFT>
__global__ static void __launch_bounds__(BLOCK) Multiply(GNNKernelMat m, const double *x, const double *shift, const double *r, double *y)
{
  GNN_SHARED(double, products);
  const T  *v     = (const T *)m.v;
  const int first = m.tile[blockIdx.x], begin = m.i[first];
  int       last = m.tile[blockIdx.x + 1], count = m.i[last] - begin;

  if (count > GNN_KERNEL_CHUNK) { /* for its last row, which is done first */
    const int    row = --last, start = m.i[row];
    const double sum = LongRow(v, m.j, start, begin + count, x, products);

    if (threadIdx.x == 0) y[row] = SHIFT ? sum + shift[row] * r[row] : sum;
    if (row == first) return;
    count = start - begin;
    __syncthreads();
  }
#pragma unroll 4
  for (int k = threadIdx.x; k < count; k += BLOCK) products[Spread(k)] = v[begin + k] * x[m.j[begin + k]];
  __syncthreads();
  for (int i = first + threadIdx.x; i < last; i += BLOCK) {
    double sum = 0.0;

    for (int k = m.i[i] - begin; k < m.i[i + 1] - begin; k++) sum += products[Spread(k)];
    y[i] = SHIFT ? sum + shift[i] * r[i] : sum;
  }
}

template <class T, bool SHIFT>
static int LaunchMultiply(GNNKernelMat m, const double *x, const double *shift, const double *r, double *y, GNNStream stream)
{
  const int shared = (GNN_KERNEL_CHUNK + GNN_KERNEL_CHUNK / 16) * (int)sizeof(double);

  if (m.ntiles > 0) GNN_LAUNCH((Multiply<T, SHIFT>), m.ntiles, BLOCK, shared, stream, m, x, shift, r, y);
  return cudaGetLastError();
}

int GNNKernelMultiply(GNNKernelMat m, const double *x, double *y, GNNStream stream)
{
  return m.single ? LaunchMultiply<float, false>(m, x, NULL, NULL, y, stream) : LaunchMultiply<double, false>(m, x, NULL, NULL, y, stream);
}

int GNNKernelMultiplyShift(GNNKernelMat m, const double *u, const double *shift, const double *r, double *z, GNNStream stream)
{
  return m.single ? LaunchMultiply<float, true>(m, u, shift, r, z, stream) : LaunchMultiply<double, true>(m, u, shift, r, z, stream);
}
