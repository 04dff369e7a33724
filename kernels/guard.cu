/*
   What the guard does with a factor: the probe on a refresh, and the operations of gnn/guardops.h for a first choice. Vectors are (n), or K of them
   side by side, (n, K); slots those of the graph (nz). LANES neighbouring lanes share a row.
*/
#include "sums.cuh"

#define LANES 8

/* ---- the guard's probe on a refresh: the first vector w of signs, r = S^-T w ---- */

template <bool BLOCKS>
__global__ static void ProbeNodes(GNNKernelGraph g, double *w, double *r)
{
  const int b = BlockSize<BLOCKS>(g), i = blockIdx.x * BLOCK + threadIdx.x;

  if (i >= g.nodes) return;
  for (int k = 0; k < b; k++) r[i * b + k] = w[i * b + k] = IsCoupled(g, b, i, k) ? GNNProbeSign((unsigned long long)(i * b + k) * GNN_KERNEL_PROBES) : 0.0;
  GNNBlockTransposeSolve(b, g.s + i * b * b, r + i * b);
}

int GNNKernelProbe(GNNKernelGraph g, double *w, double *r, GNNStream stream)
{
  GNN_LAUNCH_BLOCKS(g.b, ProbeNodes, Blocks(g.nodes, BLOCK), BLOCK, 0, stream, g, w, r);
  return GPUError();
}

/* z = S^-1 r, or S^-T r; r may be z */
template <bool BLOCKS>
__global__ static void UnscaleNodes(GNNKernelGraph g, int transposed, const double *r, double *z)
{
  const int b = BlockSize<BLOCKS>(g), i = blockIdx.x * BLOCK + threadIdx.x;

  if (i >= g.nodes) return;
  for (int k = 0; k < b; k++) z[i * b + k] = r[i * b + k];
  if (transposed) GNNBlockTransposeSolve(b, g.s + i * b * b, z + i * b);
  else GNNBlockSolve(b, g.s + i * b * b, z + i * b);
}

int GNNKernelUnscale(GNNKernelGraph g, int transposed, const double *r, double *z, GNNStream stream)
{
  GNN_LAUNCH_BLOCKS(g.b, UnscaleNodes, Blocks(g.nodes, BLOCK), BLOCK, 0, stream, g, transposed, r, z);
  return GPUError();
}

/* ||At x - w||^2 */
__global__ static void Residual(GNNKernelGraph g, const double *x, const double *w, double *partials, GNNKernelStatus *status)
{
  const int groups = BLOCK / LANES, lane = threadIdx.x % LANES;
  double    sum = 0.0, loss;

  for (int first = blockIdx.x * groups; first < g.n; first += groups * gridDim.x) {
    const int i = first + threadIdx.x / LANES;
    double    y = 0.0;

    if (i < g.n) {
      for (int p = g.i[i] + lane; p < g.i[i + 1]; p += LANES) y += g.at[p] * x[g.j[p]];
    }
    y = GroupSum<LANES>(y);
    if (i < g.n && lane == 0) sum += (y - w[i]) * (y - w[i]);
  }
  if (GridSum(sum, partials, status, &loss)) status->loss = loss;
}

int GNNKernelResidual(GNNKernelGraph g, double *z, const double *w, double *partials, GNNKernelStatus *status, GNNStream stream)
{
  const int error = GNNKernelUnscale(g, 0, z, z, stream);

  if (error) return error;
  GNN_LAUNCH(Residual, Partials((long long)g.n * LANES), BLOCK, GRID_SUM, stream, g, z, w, partials, status);
  return GPUError();
}

/* ---- operations ---- */

/* Entry i of the first of K probes and of those beside it: signs from a hash, 0 at decoupled unknowns */
__global__ static void ProbeSigns(GNNKernelGraph g, int K, double *W)
{
  const int i = blockIdx.x * BLOCK + threadIdx.x;

  if (i >= g.n) return;
  for (int k = 0; k < K; k++) W[(size_t)i * K + k] = IsCoupled(g, g.b, i / g.b, i % g.b) ? GNNProbeSign((unsigned long long)i * GNN_KERNEL_PROBES + k) : 0.0;
}

int GNNKernelSigns(GNNKernelGraph g, int K, double *W, GNNStream stream)
{
  GNN_LAUNCH(ProbeSigns, Blocks(g.n, BLOCK), BLOCK, 0, stream, g, K, W);
  return GPUError();
}

__global__ static void StartRows(GNNKernelGraph g, GNNStart s, int jacobi, double *start)
{
  const int row = (blockIdx.x * BLOCK + threadIdx.x) / LANES;

  if (row >= g.n) return;
  for (int p = g.i[row] + threadIdx.x % LANES; p < g.i[row + 1]; p += LANES) {
    const int    j = g.j[p], kept = g.rev[p] >= 0 && IsCoupled(g, g.b, row / g.b, row % g.b) && IsCoupled(g, g.b, j / g.b, j % g.b);
    const double at = kept ? g.at[g.rev[p]] : 0.0;

    start[p] = !kept || !GNNPatternHas(s.lower, row, j) ? 0.0 : jacobi ? GNNJacobiEntry(j == row, at) : GNNStartEntry(&s, j == row, at);
  }
}

int GNNKernelStartSlots(GNNKernelGraph g, GNNStart s, int jacobi, double *start, GNNStream stream)
{
  GNN_LAUNCH(StartRows, Blocks((long long)g.n * LANES, BLOCK), BLOCK, 0, stream, g, s, jacobi, start);
  return GPUError();
}

/* m = GNNStrength(At), 0 on the diagonal */
__global__ static void StrengthRows(GNNKernelGraph g, double *m)
{
  const int row = (blockIdx.x * BLOCK + threadIdx.x) / LANES;

  if (row >= g.n) return;
  for (int p = g.i[row] + threadIdx.x % LANES; p < g.i[row + 1]; p += LANES) m[p] = g.j[p] == row ? 0.0 : GNNStrength(g.at[p]);
}

int GNNKernelStrengths(GNNKernelGraph g, double *m, GNNStream stream)
{
  GNN_LAUNCH(StrengthRows, Blocks((long long)g.n * LANES, BLOCK), BLOCK, 0, stream, g, m);
  return GPUError();
}

/* z = D^-1 r, D the diagonal of At; 0 at decoupled unknowns */
__global__ static void DivideByDiagonal(GNNKernelGraph g, const double *r, double *z)
{
  const int i = blockIdx.x * BLOCK + threadIdx.x;

  if (i < g.n) z[i] = IsCoupled(g, g.b, i / g.b, i % g.b) ? r[i] / g.at[g.diag[i]] : 0.0;
}

int GNNKernelJacobi(GNNKernelGraph g, const double *r, double *z, GNNStream stream)
{
  GNN_LAUNCH(DivideByDiagonal, Blocks(g.n, BLOCK), BLOCK, 0, stream, g, r, z);
  return GPUError();
}

#define LONG 1024 /* entries beyond which a row is the whole block's */

/* sum += (plain m + transposed m^T) x over every step-th entry of a row from begin on, for K vectors side by side */
template <int K>
__device__ __forceinline__ void AddEntries(const GNNKernelGraph &g, double plain, double transposed, const double *m, const double *x, int begin, int end, int step, double *sum)
{
  for (int p = begin; p < end; p += step) {
    const int     q  = g.rev[p];
    const double  mp = (plain != 0.0 ? plain * m[p] : 0.0) + (transposed != 0.0 && q >= 0 ? transposed * m[q] : 0.0);
    const double *xj = x + (size_t)g.j[p] * K;

    for (int k = 0; k < K; k++) sum[k] += mp * xj[k];
  }
}

/* y = sum + beta v in that row; v may be y */
template <int K>
__device__ __forceinline__ void WriteRow(int row, const double *sum, double beta, const double *v, double *y)
{
  for (size_t k = 0, at = (size_t)row * K; k < K; k++, at++) y[at] = sum[k] + (beta != 0.0 ? beta * v[at] : 0.0);
}

template <int K>
__global__ static void MultiplyRows(GNNKernelGraph g, double plain, double transposed, const double *m, const double *x, double beta, const double *v, double *y)
{
  const int row = (blockIdx.x * BLOCK + threadIdx.x) / LANES, lane = threadIdx.x % LANES;
  const int begin = row < g.n ? g.i[row] : 0, end = row < g.n ? g.i[row + 1] : 0, here = row < g.n && end - begin <= LONG;
  double    sum[K] = {0};

  if (here) AddEntries<K>(g, plain, transposed, m, x, begin + lane, end, LANES, sum);
  for (int k = 0; k < K; k++) sum[k] = GroupSum<LANES>(sum[k]);
  if (here && lane == 0) WriteRow<K>(row, sum, beta, v, y);
}

/* The long ones of the block's share of the rows */
template <int K>
__global__ static void MultiplyLongRows(GNNKernelGraph g, double plain, double transposed, const double *m, const double *x, double beta, const double *v, double *y)
{
  const int first = blockIdx.x * BLOCK, last = first + BLOCK < g.n ? first + BLOCK : g.n;

  for (int row = first; row < last; row++) {
    const int begin = g.i[row], end = g.i[row + 1];
    double    sum[K] = {0};

    if (end - begin <= LONG) continue;
    AddEntries<K>(g, plain, transposed, m, x, begin + threadIdx.x, end, BLOCK, sum);
    for (int k = 0; k < K; k++) sum[k] = BlockSum<BLOCK>(sum[k]);
    if (threadIdx.x == 0) WriteRow<K>(row, sum, beta, v, y);
  }
}

template <int K>
static int LaunchMultiply(GNNKernelGraph g, int longest, double plain, double transposed, const double *m, const double *x, double beta, const double *v, double *y, GNNStream stream)
{
  GNN_LAUNCH((MultiplyRows<K>), Blocks((long long)g.n * LANES, BLOCK), BLOCK, 0, stream, g, plain, transposed, m, x, beta, v, y);
  if (longest > LONG) GNN_LAUNCH((MultiplyLongRows<K>), Blocks(g.n, BLOCK), BLOCK, BLOCK / 32 * sizeof(double), stream, g, plain, transposed, m, x, beta, v, y);
  return GPUError();
}

int GNNKernelMultiplySlots(GNNKernelGraph g, int longest, double plain, double transposed, const double *m, int K, const double *x, double beta, const double *v, double *y, GNNStream stream)
{
  if (K == 1) return LaunchMultiply<1>(g, longest, plain, transposed, m, x, beta, v, y, stream);
  return LaunchMultiply<GNN_KERNEL_PROBES>(g, longest, plain, transposed, m, x, beta, v, y, stream);
}

/* y = a x + b v */
__device__ __forceinline__ void Combine(long long n, double a, const double *x, double b, const double *v, double *y)
{
  const long long k = (long long)blockIdx.x * BLOCK + threadIdx.x;

  if (k < n) y[k] = a * x[k] + (b != 0.0 ? b * v[k] : 0.0);
}

__global__ static void AXPBY(long long n, double a, const double *x, double b, const double *v, double *y)
{
  Combine(n, a, x, b, v, y);
}

int GNNKernelAXPBY(long long n, double a, const double *x, double b, const double *v, double *y, GNNStream stream)
{
  GNN_LAUNCH(AXPBY, Blocks(n, BLOCK), BLOCK, 0, stream, n, a, x, b, v, y);
  return GPUError();
}

/* ---- scalars that stay on the device ---- */

__device__ static int GridDot(long long n, const double *x, const double *y, double *partials, GNNKernelStatus *status, double *dot)
{
  double sum = 0.0;

  for (long long k = blockIdx.x * BLOCK + threadIdx.x; k < n; k += (long long)BLOCK * gridDim.x) sum += x[k] * y[k];
  return GridSum(sum, partials, status, dot);
}

__global__ static void Dot(long long n, const double *x, const double *y, double *partials, GNNKernelStatus *status, double *to)
{
  double dot;

  if (GridDot(n, x, y, partials, status, &dot)) *to = dot;
}

int GNNKernelDot(long long n, const double *x, const double *y, double *partials, GNNKernelStatus *status, double *dot, GNNStream stream)
{
  GNN_LAUNCH(Dot, Partials(n), BLOCK, GRID_SUM, stream, n, x, y, partials, status, dot);
  return GPUError();
}

__global__ static void Step(GNNStepsStage stage, long long n, const double *x, const double *y, double *partials, GNNKernelStatus *status, GNNSteps *steps)
{
  double dot;

  if (GridDot(n, x, y, partials, status, &dot)) GNNStepsTake(steps, stage, dot);
}

int GNNKernelStep(GNNStepsStage stage, long long n, const double *x, const double *y, double *partials, GNNKernelStatus *status, GNNSteps *steps, GNNStream stream)
{
  GNN_LAUNCH(Step, Partials(n), BLOCK, GRID_SUM, stream, stage, n, x, y, partials, status, steps);
  return GPUError();
}

__global__ static void Update(long long n, const double *c, const double *x, double *y)
{
  Combine(n, c[0], x, c[1], y, y);
}

int GNNKernelUpdate(long long n, const double *c, const double *x, double *y, GNNStream stream)
{
  GNN_LAUNCH(Update, Blocks(n, BLOCK), BLOCK, 0, stream, n, c, x, y);
  return GPUError();
}
