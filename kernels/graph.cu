/* Value work of the graph of a matrix, as GNNGraphSetValues() does it on the host: LANES neighbouring lanes share a row */
#include "sums.cuh"

#define LANES 8

__global__ static void StatusClear(GNNKernelStatus *status)
{
  status->flags     = 0;
  status->row       = 0x7FFFFFFF;
  status->replaced  = 0;
  status->decoupled = 0;
  status->failed    = 0;
  status->late      = 0;
  status->entries   = 0;
  status->flops     = 0;
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

  for (int p = blockIdx.x * BLOCK + threadIdx.x; p < nz; p += BLOCK * gridDim.x) sum += fabs(a[p]) / nz;
  sum = BlockSum<BLOCK>(sum);
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

__device__ static void Report(GNNKernelStatus *status, int flag, int row)
{
  atomicOr(&status->flags, flag);
  atomicMin(&status->row, row);
}

/* What row r of node i couples to by pairs a_ij, a_ji of nonzeros: bit r is set if to anything, bit b if to another node */
template <bool BLOCKS>
__device__ static int Couplings(const GNNKernelGraph &g, const double *a, int i, int r, int lane, GNNKernelStatus *status)
{
  const int b = BlockSize<BLOCKS>(g), row = i * b + r;
  int       coupled = 0;

  for (int p = g.i[row] + lane; p < g.i[row + 1]; p += LANES) {
    const double ap = a[p];
    const int    j = g.j[p];

    if (!(fabs(ap) < INFINITY)) Report(status, GNN_KERNEL_NOT_FINITE, row);
    if (ap == 0.0 || j == row) continue;
    if (g.rev[p] < 0) Report(status, GNN_KERNEL_UNSYMMETRIC, row);
    else if (a[g.rev[p]] != 0.0) coupled |= 1 << r | (j < i * b || j >= i * b + b) << b;
  }
  return coupled;
}

/* S and the inverse of the diagonal block of node i; bit r of coupled is set where unknown r is */
template <bool BLOCKS>
__device__ static void ScaleNode(const GNNKernelGraph &g, const double *a, int i, int coupled, int mean, GNNKernelStatus *status)
{
  const int b = BlockSize<BLOCKS>(g);
  double   *D = g.inverse + i * b * b, *S = g.s + i * b * b;
  int       decoupled = 0;

  GNNBlockDiagonal(b, a + g.diag[i * b], GNNBlockStride(b, g.bi[i], g.bi[i + 1]), D);
  if (!GNNBlockScaling(b, D, S)) {
    Report(status, GNN_KERNEL_NOT_POSITIVE, i * b);
    coupled = 0;
  }
  GNNBlockInvert(b, D);
  for (int r = 0; r < b; r++) {
    decoupled += !(coupled >> r & 1);
    for (int c = 0; c < b; c++) {
      if (mean) S[r * b + c] = r == c ? 1.0 / sqrt(status->norm) : 0.0;
      if (!(coupled >> r & coupled >> c & 1)) S[r * b + c] = 0.0;
    }
  }
  if (decoupled) atomicAdd(&status->decoupled, decoupled);
}

/* S, the inverses, and what is wrong with the values. An unknown is coupled if its node is and it is to anything */
template <bool BLOCKS>
__global__ static void ScaleNodes(GNNKernelGraph g, const double *a, int mean, GNNKernelStatus *status)
{
  const int b = BlockSize<BLOCKS>(g), i = (blockIdx.x * BLOCK + threadIdx.x) / LANES, lane = threadIdx.x % LANES;
  int       coupled = 0;

  for (int r = 0; i < g.nodes && r < b; r++) coupled |= Couplings<BLOCKS>(g, a, i, r, lane, status);
  for (int d = LANES / 2; d > 0; d /= 2) coupled |= __shfl_xor_sync(ALL_LANES, coupled, d);
  if (i < g.nodes && lane == 0) ScaleNode<BLOCKS>(g, a, i, coupled >> b ? coupled : 0, mean, status);
}

template <bool BLOCKS>
__device__ __forceinline__ int NodeIsCoupled(const GNNKernelGraph &g, int i)
{
  const int b = BlockSize<BLOCKS>(g);

  for (int r = 0; r < b; r++) {
    if (IsCoupled(g, b, i, r)) return 1;
  }
  return 0;
}

/* Entry of S^T A S at place e, in the given row; a decoupled unknown has its diagonal entry, scaled by itself */
template <bool BLOCKS>
__device__ __forceinline__ double ScaledEntry(const GNNKernelGraph &g, const double *a, int row, int e, int mean, const GNNKernelStatus *status)
{
  const int b = BlockSize<BLOCKS>(g), i = row / b, r = row % b, j = g.j[e] / b, c = g.j[e] % b, stride = g.i[row + 1] - g.i[row];

  if (BLOCKS && e == g.diag[row] && !IsCoupled(g, b, i, r)) return a[e] * (mean ? 1.0 / status->norm : g.inverse[row * b + r]);
  return GNNBlockScaled(b, g.s + i * b * b, a + e - r * stride - c, stride, g.s + j * b * b, r, c);
}

/* At = S^T A S in the slots that are kept, and what the nodes' features need of it */
template <bool BLOCKS>
__global__ static void ScaleRows(GNNKernelGraph g, const double *a, int mean, const GNNKernelStatus *status)
{
  const int b = BlockSize<BLOCKS>(g), row = (blockIdx.x * BLOCK + threadIdx.x) / LANES, lane = threadIdx.x % LANES, i = row / b;
  int       kept = 0;
  double    sumabs = 0.0, sum = 0.0;

  if (row < g.n) {
    const int begin = g.i[row], coupled = NodeIsCoupled<BLOCKS>(g, i);

    for (int e = begin + lane; e < g.i[row + 1]; e += LANES) {
      const int    j = g.j[e] / b, keep = coupled && NodeIsCoupled<BLOCKS>(g, j) && g.rev[e] >= 0;
      const double at = keep ? ScaledEntry<BLOCKS>(g, a, row, e, mean, status) : 0.0;

      g.at[e] = at;
      sumabs += fabs(at);
      sum += at;
      if (g.j[e] != j * b || row != i * b) continue; /* once a block */
      g.keep[g.bi[i] + (e - begin) / b] = (unsigned char)keep;
      kept += keep;
    }
  }
  kept   = GroupSum<LANES>(kept);
  sumabs = GroupSum<LANES>(sumabs);
  sum    = GroupSum<LANES>(sum);
  if (row < g.n && lane == 0) {
    if (row == i * b) g.degree[i] = (float)kept;
    g.rowabs[row] = (float)(mean ? 0.25 * sumabs : GNNBoundedFeature(0.25 * sumabs));
    g.rowsum[row] = (float)(mean ? sum : GNNBoundedFeature(sum));
  }
}

int GNNKernelScale(GNNKernelGraph g, const double *a, int mean, double *partials, GNNKernelStatus *status, GNNStream stream)
{
  if (mean) {
    GNN_LAUNCH(AbsPartials, Partials(g.nz), BLOCK, BLOCK / 32 * sizeof(double), stream, g.nz, a, partials);
    GNN_LAUNCH(SumPartials, 1, BLOCK, BLOCK / 32 * sizeof(double), stream, Partials(g.nz), partials, &status->norm);
  }
  GNN_LAUNCH_BLOCKS(g.b, ScaleNodes, Blocks((long long)g.nodes * LANES, BLOCK), BLOCK, 0, stream, g, a, mean, status);
  GNN_LAUNCH_BLOCKS(g.b, ScaleRows, Blocks((long long)g.n * LANES, BLOCK), BLOCK, 0, stream, g, a, mean, status);
  return cudaGetLastError();
}
