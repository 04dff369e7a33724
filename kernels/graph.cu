/* Value work of the graph of a matrix, as GNNGraphSetValues() does it on the host: LANES neighbouring lanes share a row */
#include "sums.cuh"

#define LANES 8

__global__ static void StatusClear(GNNKernelStatus *status)
{
  status->arrived   = 0;
  status->flags     = 0;
  status->row       = 0x7FFFFFFF;
  status->replaced  = 0;
  status->decoupled = 0;
  status->failed    = 0;
  status->late      = 0;
  status->changed   = 0;
  status->entries   = 0;
  status->flops     = 0;
  status->asymmetry = 0;
  status->norm      = 0.0;
  status->loss      = 0.0;
}

int GNNKernelStatusClear(GNNKernelStatus *status, GNNStream stream)
{
  GNN_LAUNCH(StatusClear, 1, 1, 0, stream, status);
  return GPUError();
}

__global__ static void MeanAbs(int nz, const double *a, double *partials, GNNKernelStatus *status)
{
  double sum = 0.0, norm;

  for (int p = blockIdx.x * BLOCK + threadIdx.x; p < nz; p += BLOCK * gridDim.x) sum += fabs(a[p]) / nz;
  if (GridSum(sum, partials, status, &norm)) status->norm = norm;
}

__device__ static void Report(GNNKernelStatus *status, int flag, int row)
{
  AtomicOr(&status->flags, flag);
  AtomicMin(&status->row, row);
}

/* Is one of a_ij and a_ji zero or not stored, and the other not zero? */
__device__ __forceinline__ int IsOneSided(const GNNKernelGraph &g, const double *a, int p)
{
  return (a[p] != 0.0) != (g.rev[p] >= 0 && a[g.rev[p]] != 0.0);
}

/* Keeps the largest: floats that are not negative are ordered as their bits */
__device__ static void ReportAsymmetry(GNNKernelStatus *status, double difference)
{
  union
  {
    float value;
    int   bits;
  } x = {(float)difference};

  if (x.value > 0.0f && -x.bits < LoadRelaxed(&status->asymmetry)) AtomicMin(&status->asymmetry, -x.bits); /* not where it is a NaN */
}

/* What row r of node i couples to: bit r is set if to anything, bit b if to another node. Without blocks it says of each slot whether its
   partner is like it, in keep, for now */
template <bool BLOCKS>
__device__ static int Couplings(const GNNKernelGraph &g, const double *a, int i, int r, int lane, GNNKernelStatus *status)
{
  const int b = BlockSize<BLOCKS>(g), row = i * b + r;
  double    all = 0.0, off = 0.0;

  for (int p = i < g.nodes ? g.i[row] + lane : 0; i < g.nodes && p < g.i[row + 1]; p += LANES) {
    const double ap = a[p], partner = g.rev[p] >= 0 ? a[g.rev[p]] : 0.0;
    const int    j = g.j[p], onesided = (ap != 0.0) != (partner != 0.0);

    if (!(fabs(ap) < INFINITY)) Report(status, GNN_KERNEL_NOT_FINITE, row);
    if (!BLOCKS) g.keep[p] = (unsigned char)(g.rev[p] >= 0 && !onesided);
    else if (onesided && !(LoadRelaxed(&status->flags) & GNN_KERNEL_ONE_SIDED)) AtomicOr(&status->flags, GNN_KERNEL_ONE_SIDED);
    if (j == row) continue;
    if (ap != partner) ReportAsymmetry(status, GNNBlockAsymmetry(ap, partner, a[g.diag[row]], a[g.diag[j]]));
    const double coupling = GNNBlockCoupling(ap, partner, 1.0 / sqrt(a[g.diag[row]]), 1.0 / sqrt(a[g.diag[j]]));

    if (coupling > GNN_DECOUPLED && a[g.diag[row]] > GNN_HALF_SPREAD * a[g.diag[j]] && !(LoadRelaxed(&status->flags) & GNN_KERNEL_JUMPS)) AtomicOr(&status->flags, GNN_KERNEL_JUMPS);
    all += coupling;
    if (j < i * b || j >= i * b + b) off += coupling;
  }
  all = GroupSum<LANES>(all);
  off = GroupSum<LANES>(off);
  return all <= GNN_DECOUPLED ? 0 : 1 << r | !(off <= GNN_DECOUPLED) << b;
}

/* S and the inverse of the diagonal block of node i; bit r of coupled is set where unknown r is */
template <bool BLOCKS>
__device__ static void ScaleNode(const GNNKernelGraph &g, const double *a, int i, int coupled, int mean, GNNKernelStatus *status)
{
  const int b = BlockSize<BLOCKS>(g);
  double   *D = g.inverse + i * b * b, *S = g.s + i * b * b;
  int       decoupled = 0;

  GNNBlockDiagonal(b, a + g.diag[i * b], GNNBlockStride(b, g.bi[i], g.bi[i + 1]), D);
  GNNBlockDecouple(b, D, coupled);
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
  if (decoupled) AtomicAdd(&status->decoupled, decoupled);
}

/* S, the inverses, and what is wrong with the values. An unknown is coupled if its node is and it is to anything */
template <bool BLOCKS>
__global__ static void ScaleNodes(GNNKernelGraph g, const double *a, int mean, GNNKernelStatus *status)
{
  const int b = BlockSize<BLOCKS>(g), i = (blockIdx.x * BLOCK + threadIdx.x) / LANES, lane = threadIdx.x % LANES;
  int       coupled = 0;

  for (int r = 0; r < b; r++) coupled |= Couplings<BLOCKS>(g, a, i, r, lane, status);
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

/* Entry (r, c) of S_i^T A S_j where one-sided entries of the block, which starts at the given place, count as 0 */
__device__ static double TwoSidedEntry(const GNNKernelGraph &g, const double *a, int start, int stride, int i, int j, int r, int c)
{
  const int b = g.b;
  double    A[GNN_MAX_BLOCK * GNN_MAX_BLOCK];

  for (int k = 0; k < b * b; k++) {
    const int e = start + k / b * stride + k % b;

    A[k] = IsOneSided(g, a, e) ? 0.0 : a[e];
  }
  return GNNBlockScaled(b, g.s + i * b * b, A, b, g.s + j * b * b, r, c);
}

/* Entry of S^T A S at place e, in the given row; a decoupled unknown has its diagonal entry, scaled by itself */
template <bool BLOCKS>
__device__ __forceinline__ double ScaledEntry(const GNNKernelGraph &g, const double *a, int row, int e, int mean, const GNNKernelStatus *status)
{
  const int b = BlockSize<BLOCKS>(g), i = row / b, r = row % b, j = g.j[e] / b, c = g.j[e] % b, stride = g.i[row + 1] - g.i[row], start = e - r * stride - c;

  if (BLOCKS && e == g.diag[row] && !IsCoupled(g, b, i, r)) return a[e] * (mean ? 1.0 / status->norm : g.inverse[row * b + r]);
  if (BLOCKS && status->flags & GNN_KERNEL_ONE_SIDED) return TwoSidedEntry(g, a, start, stride, i, j, r, c);
  return GNNBlockScaled(b, g.s + i * b * b, a + start, stride, g.s + j * b * b, r, c);
}

/* Does the block at the given place have a pair of nonzeros, or nothing one-sided? */
__device__ static int BlockCouples(const GNNKernelGraph &g, const double *a, int start, int stride)
{
  int couples = 1;

  for (int k = 0; k < g.b * g.b; k++) {
    const int e = start + k / g.b * stride + k % g.b;

    if (g.rev[e] < 0 || IsOneSided(g, a, e)) couples = 0;
    else if (a[e] != 0.0) return 1;
  }
  return couples;
}

/* May the slot of entry e, in the given row, couple? */
template <bool BLOCKS>
__device__ __forceinline__ int Couples(const GNNKernelGraph &g, const double *a, int row, int e, const GNNKernelStatus *status)
{
  const int stride = g.i[row + 1] - g.i[row];

  if (!BLOCKS) return g.keep[e];
  if (!(status->flags & GNN_KERNEL_ONE_SIDED)) return g.rev[e] >= 0;
  return BlockCouples(g, a, e - row % g.b * stride - g.j[e] % g.b, stride);
}

/* The sums over the lanes of a row; every lane gets them */
__device__ __forceinline__ void MergeRow(GNNRowSums &sums)
{
  for (int d = LANES / 2; d > 0; d /= 2) {
    const GNNRowSums other = ShuffleXorDoubles(sums, d);

    GNNRowMerge(&sums, &other);
  }
}

/* At = S^T A S in the slots that are kept, and what the nodes' features need of it */
template <bool BLOCKS>
__global__ static void ScaleRows(GNNKernelGraph g, const double *a, int mean, const GNNKernelStatus *status)
{
  const int b = BlockSize<BLOCKS>(g), row = (blockIdx.x * BLOCK + threadIdx.x) / LANES, lane = threadIdx.x % LANES, i = row / b;
  int       kept = 0;
  GNNRow    r    = {};

  if (row < g.n) {
    const int begin = g.i[row], coupled = NodeIsCoupled<BLOCKS>(g, i);

    for (int e = begin + lane; e < g.i[row + 1]; e += LANES) {
      const int    j = g.j[e] / b, keep = coupled && NodeIsCoupled<BLOCKS>(g, j) && Couples<BLOCKS>(g, a, row, e, status);
      const double at = keep ? ScaledEntry<BLOCKS>(g, a, row, e, mean, status) : 0.0;

      g.at[e] = at;
      GNNRowAdd(&r.sums, at);
      if (g.j[e] != j * b || row != i * b) continue; /* once a block */
      g.keep[g.bi[i] + (e - begin) / b] = (unsigned char)keep;
      kept += keep;
    }
  }
  kept = GroupSum<LANES>(kept);
  MergeRow(r.sums);
  if (row >= g.n || lane > 0) return;
  if (row == i * b) g.degree[i] = (float)kept;
  r.degree  = kept; /* of a node's first row, as the feature is */
  r.coupled = IsCoupled(g, b, i, row - i * b);
  r.mean    = mean;
  for (int f = 0; g.features && f < GNN_NODE_USER; f++) g.features[row * GNN_NODE_USER + f] = GNNNodeFeatureOf((GNNNodeFeature)f, &r);
}

int GNNKernelScale(GNNKernelGraph g, const double *a, int mean, double *partials, GNNKernelStatus *status, GNNStream stream)
{
  if (mean) GNN_LAUNCH(MeanAbs, Partials(g.nz), BLOCK, GRID_SUM, stream, g.nz, a, partials, status);
  GNN_LAUNCH_BLOCKS(g.b, ScaleNodes, Blocks((long long)g.nodes * LANES, BLOCK), BLOCK, 0, stream, g, a, mean, status);
  GNN_LAUNCH_BLOCKS(g.b, ScaleRows, Blocks((long long)g.n * LANES, BLOCK), BLOCK, 0, stream, g, a, mean, status);
  return GPUError();
}
