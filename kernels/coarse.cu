/* What a refresh of the coarse space does beside PETSc's products, LANES neighbouring lanes sharing a row, and the product with its inverse */
#include "sums.cuh"
#include "../gnn/coupling.h"

#define LANES 8

/* Sums and traces of the rows, and three partial sums of what GNNCouplingCompare() adds up: those of one number stand together */
__global__ static void CoupleRows(GNNKernelCouplings c, double *partials)
{
  const int groups = BLOCK / LANES, lane = threadIdx.x % LANES;
  double    total[3] = {0.0, 0.0, 0.0};

  for (int first = blockIdx.x * groups; first < c.n; first += groups * gridDim.x) {
    const int row = first + threadIdx.x / LANES;
    double    sum = 0.0, trace = 0.0;

    for (int p = row < c.n ? c.i[row] + lane : 0; row < c.n && p < c.i[row + 1]; p += LANES) {
      if (c.j[p] != row) GNNCouplingAdd(c.scale[row], c.a[p], c.scale[c.j[p]], (unsigned long long)c.j[p], &sum, &trace);
    }
    sum   = GroupSum<LANES>(sum);
    trace = GroupSum<LANES>(trace);
    if (row >= c.n || lane > 0) continue;
    c.sum[row]   = sum;
    c.trace[row] = trace;
    if (c.coupled) GNNCouplingCompare(c.coupled[row], c.before[row], sum, trace, total);
  }
  for (int k = 0; k < 3; k++) {
    const double sum = BlockSum<BLOCK>(total[k]);

    if (threadIdx.x == 0) partials[k * GNN_KERNEL_PARTIALS + blockIdx.x] = sum;
  }
}

/* Of every stride-th number; one block */
__global__ static void SumStrided(int count, const double *x, size_t stride, double *sum)
{
  double total = 0.0;

  for (int k = threadIdx.x; k < count; k += BLOCK) total += x[k * stride];
  total = BlockSum<BLOCK>(total);
  if (threadIdx.x == 0) *sum = total;
}

int GNNKernelCouple(GNNKernelCouplings c, double *partials, double *total, GNNStream stream)
{
  const int blocks = Partials((long long)c.n * LANES);

  GNN_LAUNCH(CoupleRows, blocks, BLOCK, BLOCK / 32 * sizeof(double), stream, c, partials);
  for (int k = 0; k < 3; k++) GNN_LAUNCH(SumStrided, 1, BLOCK, BLOCK / 32 * sizeof(double), stream, blocks, partials + k * GNN_KERNEL_PARTIALS, (size_t)1, total + k);
  return GPUError();
}

__global__ static void DenseRows(int n, const int *i, const int *j, const double *a, const double *shift, const double *unit, double *dense)
{
  const int row = (blockIdx.x * BLOCK + threadIdx.x) / LANES;

  if (row >= n) return;
  for (int p = i[row] + threadIdx.x % LANES; p < i[row + 1]; p += LANES) { dense[row + (size_t)j[p] * n] = unit[row] * (a[p] + (j[p] == row ? shift[row] : 0.0)) * unit[j[p]]; }
}

int GNNKernelDense(int n, const int *i, const int *j, const double *a, const double *shift, const double *unit, double *dense, GNNStream stream)
{
  GNN_LAUNCH(DenseRows, Blocks((long long)n * LANES, BLOCK), BLOCK, 0, stream, n, i, j, a, shift, unit, dense);
  return GPUError();
}

/* ---- the product's numbers ---- */

__global__ static void ProlongEntries(int nz, const int *j, const double *a, const double *unit, const int *to, float *p, float *pt)
{
  const int k = blockIdx.x * BLOCK + threadIdx.x;

  if (k < nz) p[k] = pt[to[k]] = (float)(a[k] * unit[j[k]]);
}

int GNNKernelProlong(int nz, const int *j, const double *a, const double *unit, const int *to, float *p, float *pt, GNNStream stream)
{
  GNN_LAUNCH(ProlongEntries, Blocks(nz, BLOCK), BLOCK, 0, stream, nz, j, a, unit, to, p, pt);
  return GPUError();
}

int GNNKernelTrace(int n, const double *dense, double *trace, GNNStream stream)
{
  GNN_LAUNCH(SumStrided, 1, BLOCK, BLOCK / 32 * sizeof(double), stream, n, dense, (size_t)n + 1, trace);
  return GPUError();
}

/* A warp has a row here and below: n^2 is more than 32 bits hold */
template <class T>
__global__ static void SymmetricRows(int n, const double *dense, const double *w, T *W)
{
  const int row = (blockIdx.x * BLOCK + threadIdx.x) / 32;

  if (row >= n) return;
  for (int k = threadIdx.x % 32; k < n; k += 32) W[k + (size_t)row * n] = (T)(0.5 * (dense[k + (size_t)row * n] + dense[row + (size_t)k * n]) - w[row] * w[k]);
}

int GNNKernelSymmetric(int n, const double *dense, const double *w, GNNPrecision precision, void *W, GNNStream stream)
{
  const int blocks = Blocks((long long)n * 32, BLOCK);

  if (precision == GNN_SINGLE) GNN_LAUNCH((SymmetricRows<float>), blocks, BLOCK, 0, stream, n, dense, w, (float *)W);
  else GNN_LAUNCH((SymmetricRows<double>), blocks, BLOCK, 0, stream, n, dense, w, (double *)W);
  return GPUError();
}

/* ---- the product with the inverse ---- */

template <class T>
__global__ static void __launch_bounds__(BLOCK) MultiplyRows(int n, const T *W, const double *w, GNNKernelSide side, const double *x, double *y)
{
  const int    row = (blockIdx.x * BLOCK + threadIdx.x) / 32;
  const T     *Wi  = W + (size_t)row * n;
  const double wi  = row < n ? w[row] : 0.0;

  for (int c = 0; row < n && c < side.count; c++) {
    double sum = 0.0;

#pragma unroll 8
    for (int k = threadIdx.x % 32; k < n; k += 32) sum += (Wi[k] + wi * w[k]) * x[c * side.x + k];
    sum = GroupSum<32>(sum);
    if (threadIdx.x % 32 == 0) y[c * side.y + row] = sum;
  }
}

int GNNKernelMultiplySymmetric(int n, const void *W, GNNPrecision precision, const double *w, GNNKernelSide side, const double *x, double *y, GNNStream stream)
{
  const int blocks = Blocks((long long)n * 32, BLOCK);

  if (precision == GNN_SINGLE) GNN_LAUNCH((MultiplyRows<float>), blocks, BLOCK, 0, stream, n, (const float *)W, w, side, x, y);
  else GNN_LAUNCH((MultiplyRows<double>), blocks, BLOCK, 0, stream, n, (const double *)W, w, side, x, y);
  return GPUError();
}
