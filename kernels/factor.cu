/* The factor and its products */
#include "product.cuh"

/* ---- values ---- */

/* Entry k: (i, j) of G^T S^T, at its own place in that matrix or at (j, i) of S G. A block's row of G^T lies together; apart: without S */
template <bool BLOCKS>
__device__ __forceinline__ double Value(const GNNKernelMat &m, int k, const double *slots, int apart, const GNNKernelGraph &g)
{
  const int b = BlockSize<BLOCKS>(g), p = m.slot[k], j = g.j[p], c = j % b;

  return apart ? slots[p] : GNNBlockFolded(b, slots + p - c, g.s + (j - c) * b, c);
}

#define LANES 8 /* that share a row */

template <bool BLOCKS>
__global__ static void RowScales(GNNKernelMat gt, const double *slots, int apart, GNNKernelGraph g)
{
  const int i = (blockIdx.x * BLOCK + threadIdx.x) / LANES, lane = threadIdx.x % LANES, end = i < gt.n ? gt.i[i + 1] : 0;
  double    largest = 0.0;

  for (int k = i < gt.n ? gt.i[i] + lane : end; k < end; k += LANES) largest = fmax(largest, fabs(Value<BLOCKS>(gt, k, slots, apart, g)));
  largest = GroupMax<LANES>(largest);
  if (i < gt.n && lane == 0) gt.scale[i] = GNNHalfScale(largest);
}

template <class T, bool BLOCKS>
__global__ static void FillValues(GNNKernelMat m, T *v, const double *scale, const double *slots, int apart, GNNKernelGraph g)
{
  const int k = blockIdx.x * BLOCK + threadIdx.x;

  if (k < m.i[m.n]) PutNumber(v + k, Value<BLOCKS>(m, k, slots, apart, g), scale ? scale[g.j[g.rev[m.slot[k]]]] : 1.0);
}

template <class T>
static int LaunchFill(GNNKernelMat gt, GNNKernelMat gm, const double *slots, int apart, GNNKernelGraph g, GNNStream stream)
{
  const GNNKernelMat m[] = {gt, gm};

  if (gt.scale) GNN_LAUNCH_BLOCKS(g.b, RowScales, Blocks((long long)g.n * LANES, BLOCK), BLOCK, 0, stream, gt, slots, apart, g);
  for (int k = 0; k < 2; k++) {
    if (g.b > 1) GNN_LAUNCH((FillValues<T, true>), Blocks(m[k].nz, BLOCK), BLOCK, 0, stream, m[k], (T *)m[k].v, gt.scale, slots, apart, g);
    else GNN_LAUNCH((FillValues<T, false>), Blocks(m[k].nz, BLOCK), BLOCK, 0, stream, m[k], (T *)m[k].v, gt.scale, slots, apart, g);
  }
  return GPUError();
}

int GNNKernelFill(GNNKernelMat gt, GNNKernelMat gm, const double *slots, int apart, GNNKernelGraph g, GNNStream stream)
{
  if (gt.precision == GNN_HALF) return LaunchFill<unsigned>(gt, gm, slots, apart, g, stream);
  return gt.precision == GNN_SINGLE ? LaunchFill<float>(gt, gm, slots, apart, g, stream) : LaunchFill<double>(gt, gm, slots, apart, g, stream);
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

/* (shift r)_i */
template <Shift SHIFT>
__device__ __forceinline__ double Shifted(int b, const double *shift, const double *r, int i)
{
  double sum = 0.0;

  if (SHIFT == SHIFT_ONE) sum = r[i];
  if (SHIFT == SHIFT_NUMBERS) sum = shift[i] * r[i];
  if (SHIFT == SHIFT_BLOCKS) {
    for (int c = 0; c < b; c++) sum += shift[i * b + c] * r[i - i % b + c];
  }
  return sum;
}

/* y = M x + shift r of some vectors */
struct Vectors {
  GNNKernelSide n;
  const double *x;
  int           b;
  const double *shift, *r;
  double       *y;
};

template <Shift SHIFT>
struct ShiftedRow {
  const Vectors &v;

  __device__ __forceinline__ double Read(int i, int c) const { return Shifted<SHIFT>(v.b, v.shift, v.r + c * v.n.r, i); }
  __device__ __forceinline__ void   Take(int i, int c, double sum, double read) { v.y[c * v.n.y + i] = sum + read; }
};

template <class T, Shift SHIFT, bool SEVERAL>
__global__ static void __launch_bounds__(BLOCK) Multiply(GNNKernelMat m, Vectors v)
{
  ShiftedRow<SHIFT> row = {v};

  MultiplyTile<T, SEVERAL>(m, v.n, v.x, row);
}

template <class T, Shift SHIFT>
static int LaunchMultiply(GNNKernelMat m, Vectors v, GNNStream stream)
{
  if (m.ntiles > 0 && v.n.count > 1) GNN_LAUNCH((Multiply<T, SHIFT, true>), m.ntiles, BLOCK, PRODUCT_SHARED, stream, m, v);
  else if (m.ntiles > 0) GNN_LAUNCH((Multiply<T, SHIFT, false>), m.ntiles, BLOCK, PRODUCT_SHARED, stream, m, v);
  return GPUError();
}

template <Shift SHIFT>
static int LaunchMultiplyOfType(GNNKernelMat m, Vectors v, GNNStream stream)
{
  if (m.precision == GNN_HALF) return LaunchMultiply<unsigned, SHIFT>(m, v, stream);
  return m.precision == GNN_SINGLE ? LaunchMultiply<float, SHIFT>(m, v, stream) : LaunchMultiply<double, SHIFT>(m, v, stream);
}

int GNNKernelMultiply(GNNKernelMat m, GNNKernelSide n, const double *x, double *y, GNNStream stream)
{
  const Vectors v = {n, x, 1, NULL, NULL, y};

  return LaunchMultiplyOfType<SHIFT_NONE>(m, v, stream);
}

int GNNKernelMultiplyAdd(GNNKernelMat m, GNNKernelSide n, const double *x, double *y, GNNStream stream)
{
  const Vectors v = {n, x, 1, NULL, y, y};

  return LaunchMultiplyOfType<SHIFT_ONE>(m, v, stream);
}

int GNNKernelMultiplyShift(GNNKernelMat m, GNNKernelSide n, const double *u, int b, const double *shift, const double *r, double *z, GNNStream stream)
{
  const Vectors v = {n, u, b, shift, r, z};

  return b > 1 ? LaunchMultiplyOfType<SHIFT_BLOCKS>(m, v, stream) : LaunchMultiplyOfType<SHIFT_NUMBERS>(m, v, stream);
}

/* ---- S beside a factor that it is not folded into ---- */

__global__ static void ScaleBefore(GNNKernelGraph g, GNNKernelSide n, const double *r, double *x)
{
  const int i = blockIdx.x * BLOCK + threadIdx.x;

  for (int c = 0; i < g.nodes && c < n.count; c++) GNNBlockTransposeTimes(g.b, g.s + i * g.b * g.b, r + c * n.r + i * g.b, x + c * n.x + i * g.b);
}

int GNNKernelScaleBefore(GNNKernelGraph g, GNNKernelSide n, const double *r, double *x, GNNStream stream)
{
  GNN_LAUNCH(ScaleBefore, Blocks(g.nodes, BLOCK), BLOCK, 0, stream, g, n, r, x);
  return GPUError();
}

__global__ static void ScaleAfter(GNNKernelGraph g, GNNKernelSide n, const double *shift, const double *r, double *z)
{
  const int i = blockIdx.x * BLOCK + threadIdx.x;

  for (int c = 0; i < g.nodes && c < n.count; c++) GNNBlockTimesAdd(g.b, g.s + i * g.b * g.b, shift + i * g.b * g.b, r + c * n.r + i * g.b, z + c * n.y + i * g.b);
}

int GNNKernelScaleAfter(GNNKernelGraph g, GNNKernelSide n, const double *shift, const double *r, double *z, GNNStream stream)
{
  GNN_LAUNCH(ScaleAfter, Blocks(g.nodes, BLOCK), BLOCK, 0, stream, g, n, shift, r, z);
  return GPUError();
}
