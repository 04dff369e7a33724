/* Value work of the graph of a matrix, as GNNGraphSetValues() does it on the host: LANES neighbouring lanes share a row */
#include "cuda.cuh"

#define BLOCK 256
#define LANES 8

__global__ static void StatusClear(GNNKernelStatus *status)
{
  status->flags     = 0;
  status->row       = 0x7FFFFFFF;
  status->replaced  = 0;
  status->decoupled = 0;
  status->norm      = 0.0;
  status->loss      = 0.0;
}

int GNNKernelStatusClear(GNNKernelStatus *status, GNNStream stream)
{
  GNN_LAUNCH(StatusClear, 1, 1, 0, stream, status);
  return cudaGetLastError();
}

__global__ static void AbsPartials(int nz, const double *a, double *partials)
{
  double sum = 0.0;

  for (int p = blockIdx.x * BLOCK + threadIdx.x; p < nz; p += BLOCK * GNN_KERNEL_PARTIALS) sum += fabs(a[p]) / nz;
  sum = BlockSum<BLOCK>(sum);
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

__global__ static void SumPartials(const double *partials, double *sum)
{
  const double total = BlockSum<BLOCK>(partials[threadIdx.x]); /* BLOCK == GNN_KERNEL_PARTIALS */

  if (threadIdx.x == 0) *sum = total;
}

__device__ static void Report(GNNKernelStatus *status, int flag, int row)
{
  atomicOr(&status->flags, flag);
  atomicMin(&status->row, row);
}

/* S, 1/a_ii, and what is wrong with the values */
__global__ static void ScaleRows(GNNKernelGraph g, const double *a, int mean, GNNKernelStatus *status)
{
  const int i = (blockIdx.x * BLOCK + threadIdx.x) / LANES, lane = threadIdx.x % LANES;
  int       flags = 0, coupled = 0;

  if (i < g.n) {
    for (int p = g.i[i] + lane; p < g.i[i + 1]; p += LANES) {
      const double ap = a[p];

      if (!(fabs(ap) < INFINITY)) flags |= GNN_KERNEL_NOT_FINITE;
      if (ap == 0.0 || g.j[p] == i) continue;
      if (g.rev[p] < 0) flags |= GNN_KERNEL_UNSYMMETRIC;
      else if (a[g.rev[p]] != 0.0) coupled = 1;
    }
  }
  for (int d = LANES / 2; d > 0; d /= 2) {
    flags |= __shfl_xor_sync(ALL_LANES, flags, d);
    coupled |= __shfl_xor_sync(ALL_LANES, coupled, d);
  }
  if (i < g.n && lane == 0) {
    const double d = a[g.diag[i]];

    if (d <= 0.0) flags |= GNN_KERNEL_NOT_POSITIVE;
    if (flags) Report(status, flags, i);
    if (!coupled) atomicAdd(&status->decoupled, 1);
    g.inverse[i] = 1.0 / d;
    g.s[i]       = coupled ? 1.0 / sqrt(mean ? status->norm : d) : 0.0;
  }
}

/* At = S A S in the slots that are kept, and what the nodes' features need of it */
__global__ static void ScaleSlots(GNNKernelGraph g, const double *a)
{
  const int i = (blockIdx.x * BLOCK + threadIdx.x) / LANES, lane = threadIdx.x % LANES;
  int       kept = 0;
  double    sumabs = 0.0, sum = 0.0;

  if (i < g.n) {
    for (int p = g.i[i] + lane; p < g.i[i + 1]; p += LANES) {
      const double si = g.s[i], sj = g.s[g.j[p]];
      const int    keep = si != 0.0 && sj != 0.0 && g.rev[p] >= 0;

      g.keep[p] = (unsigned char)keep;
      g.at[p]   = keep ? (si * a[p]) * sj : 0.0;
      kept += keep;
      sumabs += fabs(g.at[p]);
      sum += g.at[p];
    }
  }
  kept   = GroupSum<LANES>(kept);
  sumabs = GroupSum<LANES>(sumabs);
  sum    = GroupSum<LANES>(sum);
  if (i < g.n && lane == 0) {
    g.degree[i] = (float)kept;
    g.rowabs[i] = (float)(0.25 * sumabs);
    g.rowsum[i] = (float)sum;
  }
}

int GNNKernelScale(GNNKernelGraph g, const double *a, int mean, double *partials, GNNKernelStatus *status, GNNStream stream)
{
  const int blocks = Blocks((long long)g.n * LANES, BLOCK);

  if (mean) {
    GNN_LAUNCH(AbsPartials, GNN_KERNEL_PARTIALS, BLOCK, BLOCK / 32 * sizeof(double), stream, g.nz, a, partials);
    GNN_LAUNCH(SumPartials, 1, BLOCK, BLOCK / 32 * sizeof(double), stream, partials, &status->norm);
  }
  GNN_LAUNCH(ScaleRows, blocks, BLOCK, 0, stream, g, a, mean, status);
  GNN_LAUNCH(ScaleSlots, blocks, BLOCK, 0, stream, g, a);
  return cudaGetLastError();
}

/* ---- the guard's probe on a refresh: one vector w of signs, r = S^-1 w ---- */

__global__ static void ProbeRows(GNNKernelGraph g, double *w, double *r)
{
  const int i = blockIdx.x * BLOCK + threadIdx.x;

  if (i >= g.n) return;
  w[i] = g.s[i] != 0.0 ? GNNProbeSign(i) : 0.0;
  r[i] = g.s[i] != 0.0 ? w[i] / g.s[i] : 0.0;
}

int GNNKernelProbe(GNNKernelGraph g, double *w, double *r, GNNStream stream)
{
  GNN_LAUNCH(ProbeRows, Blocks(g.n, BLOCK), BLOCK, 0, stream, g, w, r);
  return cudaGetLastError();
}

/* y_i = (At x)_i - w_i for x = S^-1 z, as S A z - w */
__global__ static void ResidualPartials(GNNKernelGraph g, const double *z, const double *w, double *partials)
{
  const int groups = BLOCK / LANES, lane = threadIdx.x % LANES;
  double    sum = 0.0;

  for (int first = blockIdx.x * groups; first < g.n; first += groups * GNN_KERNEL_PARTIALS) {
    const int i = first + threadIdx.x / LANES;
    double    y = 0.0;

    if (i < g.n) {
      for (int p = g.i[i] + lane; p < g.i[i + 1]; p += LANES) {
        const int j = g.j[p];

        if (g.keep[p]) y += g.at[p] * (z[j] / g.s[j]);
      }
    }
    y = GroupSum<LANES>(y);
    if (i < g.n && lane == 0) sum += (y - w[i]) * (y - w[i]);
  }
  sum = BlockSum<BLOCK>(sum);
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

int GNNKernelResidual(GNNKernelGraph g, const double *z, const double *w, double *partials, GNNKernelStatus *status, GNNStream stream)
{
  GNN_LAUNCH(ResidualPartials, GNN_KERNEL_PARTIALS, BLOCK, BLOCK / 32 * sizeof(double), stream, g, z, w, partials);
  GNN_LAUNCH(SumPartials, 1, BLOCK, BLOCK / 32 * sizeof(double), stream, partials, &status->loss);
  return cudaGetLastError();
}
