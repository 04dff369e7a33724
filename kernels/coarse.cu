/* What a refresh of the coarse space does beside PETSc's products: LANES neighbouring lanes share a row */
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

__global__ static void SumPartials(int count, const double *partials, double *sum)
{
  double total = 0.0;

  for (int k = threadIdx.x; k < count; k += BLOCK) total += partials[k];
  total = BlockSum<BLOCK>(total);
  if (threadIdx.x == 0) *sum = total;
}

int GNNKernelCouple(GNNKernelCouplings c, double *partials, double *total, GNNStream stream)
{
  const int blocks = Partials((long long)c.n * LANES);

  GNN_LAUNCH(CoupleRows, blocks, BLOCK, BLOCK / 32 * sizeof(double), stream, c, partials);
  for (int k = 0; k < 3; k++) GNN_LAUNCH(SumPartials, 1, BLOCK, BLOCK / 32 * sizeof(double), stream, blocks, partials + k * GNN_KERNEL_PARTIALS, total + k);
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
