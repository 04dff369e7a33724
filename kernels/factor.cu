/* The factor and its products */
#include "product.cuh"

/* ---- values ---- */

/* Entry (i, j) of G^T S^T, at its own place in that matrix or at (j, i) of S G. A block's row of G^T lies together; apart: without S */
template <class T, bool BLOCKS>
__global__ static void FillValues(GNNKernelMat m, T *v, const double *gt, int apart, GNNKernelGraph g)
{
  const int b = BlockSize<BLOCKS>(g), k = blockIdx.x * BLOCK + threadIdx.x;

  if (k >= m.i[m.n]) return;
  const int p = m.slot[k], j = g.j[p], c = j % b;

  v[k] = (T)(apart ? gt[p] : GNNBlockFolded(b, gt + p - c, g.s + (j - c) * b, c));
}

template <class T>
static void LaunchFill(GNNKernelMat m, const double *gt, int apart, GNNKernelGraph g, GNNStream stream)
{
  if (g.b > 1) GNN_LAUNCH((FillValues<T, true>), Blocks(m.nz, BLOCK), BLOCK, 0, stream, m, (T *)m.v, gt, apart, g);
  else GNN_LAUNCH((FillValues<T, false>), Blocks(m.nz, BLOCK), BLOCK, 0, stream, m, (T *)m.v, gt, apart, g);
}

int GNNKernelFill(GNNKernelMat m, const double *gt, int apart, GNNKernelGraph g, GNNStream stream)
{
  if (m.precision == GNN_SINGLE) LaunchFill<float>(m, gt, apart, g, stream);
  else LaunchFill<double>(m, gt, apart, g, stream);
  return GPUError();
}

/* A coupled and a decoupled unknown of a node have 0 either way */
template <bool BLOCKS>
__global__ static void ShiftRows(GNNKernelGraph g, double epsilon, double *shift)
{
  const int b = BlockSize<BLOCKS>(g), row = blockIdx.x * BLOCK + threadIdx.x, i = row / b, r = row % b;

  if (row >= g.n) return;
  for (int c = 0; c < b; c++) shift[row * b + c] = IsCoupled(g, b, i, r) ? GNNBlockShift(b, epsilon, g.s + i * b * b, r, c) : g.inverse[row * b + c];
}

int GNNKernelShift(GNNKernelGraph g, double epsilon, double *shift, GNNStream stream)
{
  GNN_LAUNCH_BLOCKS(g.b, ShiftRows, Blocks(g.n, BLOCK), BLOCK, 0, stream, g, epsilon, shift);
  return GPUError();
}

/* ---- products ---- */

/* What a product adds: nothing, r, or shift r with blocks of one number or of b x b */
enum Shift {
  SHIFT_NONE,
  SHIFT_ONE,
  SHIFT_NUMBERS,
  SHIFT_BLOCKS
};

/* sum + (shift r)_i */
template <Shift SHIFT>
__device__ __forceinline__ double AddShift(double sum, int b, const double *shift, const double *r, int i)
{
  if (SHIFT == SHIFT_ONE) sum += r[i];
  if (SHIFT == SHIFT_NUMBERS) sum += shift[i] * r[i];
  if (SHIFT == SHIFT_BLOCKS) {
    for (int c = 0; c < b; c++) sum += shift[i * b + c] * r[i - i % b + c];
  }
  return sum;
}

/* y = M x + shift r */
template <Shift SHIFT>
struct Shifted {
  int           b;
  const double *shift, *r;
  double       *y;

  __device__ __forceinline__ void operator()(int i, double sum) { y[i] = AddShift<SHIFT>(sum, b, shift, r, i); }
};

template <class T, Shift SHIFT>
__global__ static void __launch_bounds__(BLOCK) Multiply(GNNKernelMat m, const double *x, int b, const double *shift, const double *r, double *y)
{
  Shifted<SHIFT> take = {b, shift, r, y};

  MultiplyTile<T>(m, x, take);
}

template <class T, Shift SHIFT>
static int LaunchMultiply(GNNKernelMat m, const double *x, int b, const double *shift, const double *r, double *y, GNNStream stream)
{
  if (m.ntiles > 0) GNN_LAUNCH((Multiply<T, SHIFT>), m.ntiles, BLOCK, PRODUCT_SHARED, stream, m, x, b, shift, r, y);
  return GPUError();
}

template <Shift SHIFT>
static int LaunchMultiplyOfType(GNNKernelMat m, const double *x, int b, const double *shift, const double *r, double *y, GNNStream stream)
{
  return m.precision == GNN_SINGLE ? LaunchMultiply<float, SHIFT>(m, x, b, shift, r, y, stream) : LaunchMultiply<double, SHIFT>(m, x, b, shift, r, y, stream);
}

int GNNKernelMultiply(GNNKernelMat m, const double *x, double *y, GNNStream stream)
{
  return LaunchMultiplyOfType<SHIFT_NONE>(m, x, 1, NULL, NULL, y, stream);
}

int GNNKernelMultiplyAdd(GNNKernelMat m, const double *x, double *y, GNNStream stream)
{
  return LaunchMultiplyOfType<SHIFT_ONE>(m, x, 1, NULL, y, y, stream);
}

int GNNKernelMultiplyShift(GNNKernelMat m, const double *u, int b, const double *shift, const double *r, double *z, GNNStream stream)
{
  return b > 1 ? LaunchMultiplyOfType<SHIFT_BLOCKS>(m, u, b, shift, r, z, stream) : LaunchMultiplyOfType<SHIFT_NUMBERS>(m, u, b, shift, r, z, stream);
}

/* ---- S beside a factor that it is not folded into ---- */

__global__ static void ScaleBefore(GNNKernelGraph g, const double *r, double *x)
{
  const int i = blockIdx.x * BLOCK + threadIdx.x;

  if (i < g.nodes) GNNBlockTransposeTimes(g.b, g.s + i * g.b * g.b, r + i * g.b, x + i * g.b);
}

int GNNKernelScaleBefore(GNNKernelGraph g, const double *r, double *x, GNNStream stream)
{
  GNN_LAUNCH(ScaleBefore, Blocks(g.nodes, BLOCK), BLOCK, 0, stream, g, r, x);
  return GPUError();
}

__global__ static void ScaleAfter(GNNKernelGraph g, const double *shift, const double *r, double *z)
{
  const int i = blockIdx.x * BLOCK + threadIdx.x;

  if (i < g.nodes) GNNBlockTimesAdd(g.b, g.s + i * g.b * g.b, shift + i * g.b * g.b, r + i * g.b, z + i * g.b);
}

int GNNKernelScaleAfter(GNNKernelGraph g, const double *shift, const double *r, double *z, GNNStream stream)
{
  GNN_LAUNCH(ScaleAfter, Blocks(g.nodes, BLOCK), BLOCK, 0, stream, g, shift, r, z);
  return GPUError();
}
