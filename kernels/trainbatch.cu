/*
   A batch: the matrices drawn as one graph, and the loss of all of them at once. Vectors of the loss are (n, probes): LANES neighbouring
   lanes share a row, a lane has every LANES-th probe.
*/
#include "common.cuh"
#include "train.h"

#define BLOCK GNN_TRAIN_BLOCK
#define LANES 8

/* ---- draw ---- */

#define PARTS 32 /* blocks that share a matrix */

/* The rows of a member. What is copied without change are the numbers, indices are shifted to where they stand in the batch */
__device__ static void DrawRows(const GNNTrainMatrices &all, const GNNTrainMatrix &m, const GNNTrainMember &at, int member, const GNNTrainBatch &b, const GNNKernelConfig &c, int first, int step)
{
  const GNNKernelGraph &from = all.graph, &to = b.graph;
  int                  *i = (int *)to.i, *diag = (int *)to.diag;

  for (int r = first; r < m.n; r += step) {
    const int k = m.row + r, l = at.row + r;

    i[l]                       = at.slot + from.i[k + at.matrix];
    diag[l]                    = at.slot + from.diag[k];
    to.s[l]                    = from.s[k];
    to.degree[l]               = from.degree[k];
    b.member[l]                = member;
    b.kappa[2 * (size_t)l]     = GNNAggregationScale(c.mean, c.aggregation_scale, from.degree[k]) * from.degree[k];
    b.kappa[2 * (size_t)l + 1] = 0.0f;
    for (int f = 0; f < GNN_NODE_USER; f++) to.features[(size_t)l * GNN_NODE_USER + f] = from.features[(size_t)k * GNN_NODE_USER + f];
  }
  for (int r = first; r < m.ntiles; r += step) {
    const GNNKernelTile t = all.tile[m.tile + r];

    b.tile[at.tile + r] = {at.row + t.first, at.row + t.last, at.slot + t.begin, at.slot + t.end};
  }
}

__device__ static void DrawSlots(const GNNTrainMatrices &all, const GNNTrainMatrix &m, const GNNTrainMember &at, const GNNTrainBatch &b, int first, int step)
{
  const GNNKernelGraph &from = all.graph, &to = b.graph;
  int                  *j = (int *)to.j, *row = (int *)to.brow, *rev = (int *)to.rev;

  for (int p = first; p < m.nz; p += step) {
    const int k = m.slot + p, l = at.slot + p;

    j[l]       = at.row + from.j[k];
    row[l]     = at.row + from.brow[k];
    rev[l]     = from.rev[k] < 0 ? -1 : at.slot + from.rev[k];
    to.at[l]   = from.at[k];
    to.keep[l] = from.keep[k];
  }
}

/* w ~ N(0, I) on the coupled rows, 0 on the others */
__device__ static void DrawProbes(const GNNTrainMatrices &all, const GNNTrainMatrix &m, const GNNTrainMember &at, const GNNTrainBatch &b, int first, int step)
{
  const long long size = (long long)m.n * b.probes;
  double         *w    = b.w + (size_t)at.row * b.probes;

  for (long long k = first; 2 * k < size; k += step) {
    double x[2];

    GNNRandomNormals(at.key, k, x);
    for (int l = 0; l < 2 && 2 * k + l < size; l++) w[2 * k + l] = all.graph.s[m.row + (2 * k + l) / b.probes] != 0.0 ? x[l] : 0.0;
  }
}

__global__ static void DrawMembers(GNNTrainMatrices all, GNNTrainMembers members, GNNTrainBatch b, GNNKernelConfig c)
{
  const int             k = blockIdx.x / PARTS, member = members.first + k, first = blockIdx.x % PARTS * BLOCK + threadIdx.x, step = PARTS * BLOCK;
  const GNNTrainMember &at = members.member[k];
  const GNNTrainMatrix  m  = all.matrix[at.matrix];

  DrawRows(all, m, at, member, b, c, first, step);
  DrawSlots(all, m, at, b, first, step);
  DrawProbes(all, m, at, b, first, step);
  if (first > 0) return;
  b.start[member]  = at.row;
  b.factor[member] = m.factor;
  b.scale[member]  = 1.0 / ((double)b.probes * m.ncoupled);
  b.twice[member]  = 2.0 * b.scale[member] * m.factor;
  if (member + 1 < b.count) return;
  b.start[b.count]              = b.graph.n;
  ((int *)b.graph.i)[b.graph.n] = b.graph.nz;
}

int GNNTrainDraw(GNNTrainMatrices all, GNNTrainMembers members, GNNTrainBatch b, GNNKernelConfig c, GNNStream stream)
{
  GNN_LAUNCH(DrawMembers, members.count * PARTS, BLOCK, 0, stream, all, members, b, c);
  return GPUError();
}

/* ---- loss ---- */

/* y = factor V x + shift w, V by rows: the values v of the slots, or those of their reverse, which is the transpose; a factor for each matrix, or NULL */
template <bool REVERSE>
__global__ static void __launch_bounds__(BLOCK) Multiply(GNNTrainBatch b, const double *v, const double *x, const double *factor, double shift, double *y)
{
  const GNNKernelGraph &g = b.graph;
  const int             i = (blockIdx.x * BLOCK + threadIdx.x) / LANES;

  if (i >= g.n) return;
  const int    begin = g.i[i], end = g.i[i + 1];
  const double alpha = factor ? factor[b.member[i]] : 1.0;

  for (int c = threadIdx.x % LANES; c < b.probes; c += LANES) {
    const size_t at  = (size_t)i * b.probes + c;
    double       sum = 0.0;

#pragma unroll 4
    for (int p = begin; p < end; p++) {
      const int from = REVERSE ? g.rev[p] : p;

      if (from >= 0) sum += v[from] * x[(size_t)g.j[p] * b.probes + c];
    }
    y[at] = alpha * sum + shift * b.w[at];
  }
}

template <bool REVERSE>
static void LaunchMultiply(const GNNTrainBatch &b, const double *v, const double *x, const double *factor, double shift, double *y, GNNStream stream)
{
  GNN_LAUNCH((Multiply<REVERSE>), Blocks((long long)b.graph.n * LANES, BLOCK), BLOCK, 0, stream, b, v, x, factor, shift, y);
}

#define SUM_BLOCK 512

/* ||y||^2 times the scale, a block for each matrix */
__global__ static void __launch_bounds__(SUM_BLOCK) SumLoss(GNNTrainBatch b)
{
  const int    m     = blockIdx.x;
  const size_t begin = (size_t)b.start[m] * b.probes, end = (size_t)b.start[m + 1] * b.probes;
  double       sum = 0.0;

#pragma unroll 4
  for (size_t k = begin + threadIdx.x; k < end; k += SUM_BLOCK) sum += b.y[k] * b.y[k];
  sum = BlockSum<SUM_BLOCK>(sum);
  if (threadIdx.x == 0) b.sai[m] = b.scale[m] * sum;
}

/* The gradient to slot (i, j), which holds G_ji: q_j u_i + w_j t_i, from there to the network's output, and to c0, c1 */
__global__ static void __launch_bounds__(BLOCK) SlotGradient(GNNTrainBatch b, GNNTrainLossConfig c, GNNStart start)
{
  const GNNKernelGraph &g     = b.graph;
  double                dc[2] = {0.0, 0.0};

  for (int p = blockIdx.x * BLOCK + threadIdx.x; p < g.nz; p += BLOCK * gridDim.x) {
    const int     i = g.brow[p], j = g.j[p];
    const double *ui = b.u + (size_t)i * b.probes, *ti = b.t + (size_t)i * b.probes, *qj = b.q + (size_t)j * b.probes, *wj = b.w + (size_t)j * b.probes;
    double        d = 0.0, by_c0, by_c1;

    if (g.keep[p] && GNNPatternHas(start.lower, i, j)) {
      for (int k = 0; k < b.probes; k++) d += qj[k] * ui[k] + wj[k] * ti[k];
      d /= c.matrices * (c.logarithm ? b.sai[b.member[i]] : 1.0);
      GNNStartTerms(&start, i == j, g.at[g.rev[p]], &by_c0, &by_c1);
      dc[0] += d * by_c0;
      dc[1] += d * by_c1;
    }
    b.dout[p] = (float)d;
  }
  for (int k = 0; k < 2; k++) {
    const double sum = BlockSum<BLOCK>(dc[k]);

    if (threadIdx.x == 0) b.dc[2 * blockIdx.x + k] = sum;
  }
}

/* u = G^T w, z = G u + eps w, y = At z - w, q = 2 scale At^T y, t = G^T q */
int GNNTrainLoss(GNNTrainBatch b, GNNTrainLossConfig c, GNNStart start, GNNStream stream)
{
  const double *at = b.graph.at;

  LaunchMultiply<false>(b, b.gt, b.w, NULL, 0.0, b.u, stream);
  LaunchMultiply<true>(b, b.gt, b.u, NULL, c.epsilon, b.z, stream);
  LaunchMultiply<false>(b, at, b.z, b.factor, -1.0, b.y, stream);
  GNN_LAUNCH(SumLoss, b.count, SUM_BLOCK, SUM_BLOCK / 32 * sizeof(double), stream, b);
  LaunchMultiply<true>(b, at, b.y, b.twice, 0.0, b.q, stream);
  LaunchMultiply<false>(b, b.gt, b.q, NULL, 0.0, b.t, stream);
  GNN_LAUNCH(SlotGradient, GNNTrainPartials(b.graph.nz), BLOCK, BLOCK / 32 * sizeof(double), stream, b, c, start);
  return GPUError();
}
