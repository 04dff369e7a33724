/*
   From the rows that the passes kept to the parameters: the weights' gradients as products of tall matrices, the gradient in the model's
   order, AdamW, and the weights packed again for the kernels.
*/
#include "common.cuh"
#include "train.h"

#define BLOCK GNN_TRAIN_BLOCK /* a thread for each partial sum */

/* ---- weights ---- */

#define ROWS    64       /* in shared memory at once */
#define COLUMNS (32 + 4) /* of f(x), and the norm's two beside them */

/* Four numbers from column c on of row r of [f(x), norm, 0, 0] */
__device__ __forceinline__ float4 LeftQuad(const GNNTrainProduct &p, size_t r, int c)
{
  float4 v = {1.0f, 0.0f, 0.0f, 0.0f};
  float  unused;

  if (c == p.in) {
    if (p.norm) v.x = p.norm[2 * r], v.y = p.norm[2 * r + 1];
    return v;
  }
  v = *(const float4 *)(p.x + r * p.ldx + c);
  if (p.gelu) v = {GNNGelu(v.x, &unused), GNNGelu(v.y, &unused), GNNGelu(v.z, &unused), GNNGelu(v.w, &unused)};
  return v;
}

/* The same of dz, which has one column or a multiple of four */
__device__ __forceinline__ float4 RightQuad(const GNNTrainProduct &p, size_t r, int c)
{
  float4 v = {0.0f, 0.0f, 0.0f, 0.0f};

  if (p.out == 1) v.x = p.dz[r];
  else v = *(const float4 *)(p.dz + r * p.ldz + c);
  return v;
}

/* Rows first ... first + ROWS - 1 of both, 0 from row end on */
__device__ static void LoadRows(const GNNTrainProduct &p, int first, int end, float *x, float *dz)
{
  const int    left = p.in / 4 + 1, right = GNNTrainPad(p.out) / 4;
  const float4 zero = {0.0f, 0.0f, 0.0f, 0.0f};

  for (int k = threadIdx.x; k < ROWS * left; k += BLOCK) ((float4 *)x)[k] = first + k / left < end ? LeftQuad(p, first + k / left, k % left * 4) : zero;
  for (int k = threadIdx.x; k < ROWS * right; k += BLOCK) ((float4 *)dz)[k] = first + k / right < end ? RightQuad(p, first + k / right, k % right * 4) : zero;
}

/* Partial sums of one product over a range of rows. Each thread has 4 x 4 results; groups of threads, as many as there are, share the rows */
__device__ static void PartialProduct(const GNNTrainProduct &p, int begin, int end, float *shared, float *to)
{
  const int in = p.in + 4, out = GNNTrainPad(p.out), tiles = in / 4 * (out / 4), groups = BLOCK / tiles;
  const int group = threadIdx.x / tiles, r = threadIdx.x % tiles / (out / 4) * 4, c = threadIdx.x % (out / 4) * 4;
  float    *x = shared, *dz = shared + ROWS * COLUMNS, sum[4][4] = {{0.0f}};

  for (int first = begin; first < end; first += ROWS) {
    __syncthreads();
    LoadRows(p, first, end, x, dz);
    __syncthreads();
    for (int k = group; group < groups && k < ROWS; k += groups) {
      const float4 a = *(const float4 *)(x + k * in + r), b = *(const float4 *)(dz + k * out + c);
      const float  as[4] = {a.x, a.y, a.z, a.w}, bs[4] = {b.x, b.y, b.z, b.w};

#pragma unroll
      for (int l = 0; l < 4; l++) {
#pragma unroll
        for (int m = 0; m < 4; m++) sum[l][m] += as[l] * bs[m];
      }
    }
  }
  __syncthreads();
  for (int l = 0; group < groups && l < 16; l++) shared[l * BLOCK + threadIdx.x] = sum[l / 4][l % 4];
  __syncthreads();
  for (int k = threadIdx.x; k < (p.in + 2) * out; k += BLOCK) {
    const int row = k / out, column = k % out, l = row % 4 * 4 + column % 4, thread = row / 4 * (out / 4) + column / 4;
    float     total = 0.0f;

    for (int q = 0; q < groups; q++) total += shared[l * BLOCK + q * tiles + thread];
    to[k] = total;
  }
}

__global__ static void __launch_bounds__(BLOCK) PartialProducts(GNNTrainProducts all, int n, int nz, int chunk, int edge_splits, int node_splits)
{
  GNN_SHARED(float, shared);
  const int             edge_blocks = all.nedge * edge_splits, edges = (int)blockIdx.x < edge_blocks, splits = edges ? edge_splits : node_splits, block = edges ? blockIdx.x : blockIdx.x - edge_blocks;
  const int             split = block % splits, rows = edges ? nz : n, begin = split * chunk;
  const GNNTrainProduct p = all.product[block / splits + (edges ? 0 : all.nedge)];

  PartialProduct(p, begin, rows - begin < chunk ? rows : begin + chunk, shared, all.partials + (size_t)split * all.size + p.to);
}

/* The sums of the partial ones, and in the last block those of c0, c1 */
__global__ static void __launch_bounds__(BLOCK) SumProducts(GNNTrainProducts all, const double *dc, int partials, int edge_splits, int node_splits)
{
  const int k = blockIdx.x * BLOCK + threadIdx.x;

  if (blockIdx.x == gridDim.x - 1) {
    for (int l = 0; l < 2; l++) {
      const double sum = BlockSum<BLOCK>((int)threadIdx.x < partials ? dc[2 * threadIdx.x + l] : 0.0);

      if (threadIdx.x == 0) all.results[all.size + l] = sum;
    }
    return;
  }
  if (k >= all.size) return;
  const int splits = k < all.edge_size ? edge_splits : node_splits;
  double    sum    = 0.0;

#pragma unroll 8
  for (int s = 0; s < splits; s++) sum += all.partials[(size_t)s * all.size + k];
  all.results[k] = sum;
}

int GNNTrainWeights(GNNTrainBatch b, GNNTrainProducts all, GNNStream stream)
{
  const int n = b.graph.n, nz = b.graph.nz, even = (nz + GNN_TRAIN_SPLITS - 1) / GNN_TRAIN_SPLITS, chunk = even < 4 * ROWS ? 4 * ROWS : (even + ROWS - 1) / ROWS * ROWS;
  const int edge_splits = Blocks(nz, chunk), node_splits = Blocks(n, chunk), shared = ROWS * (COLUMNS + 32) * (int)sizeof(float);

  GNN_LAUNCH(PartialProducts, all.nedge * edge_splits + all.nnode * node_splits, BLOCK, shared, stream, all, n, nz, chunk, edge_splits, node_splits);
  GNN_LAUNCH(SumProducts, Blocks(all.size, BLOCK) + 1, BLOCK, BLOCK / 32 * sizeof(double), stream, all, b.dc, GNNTrainPartials(nz), edge_splits, node_splits);
  return GPUError();
}

/* ---- gradient ---- */

/* Of a norm's gamma_c = sum over o of dW'_oc W_oc, dW' with the row sums' part, or of beta_c = sum over o of db_o W_oc */
__device__ static double NormGradient(const GNNTrainParameter &p, const double *results, const double *theta, int gamma)
{
  double sum = 0.0;

  for (int o = 0; o < p.count; o++) sum += (gamma ? results[p.d + o] + results[p.r + o] : results[p.b + o]) * theta[p.w + o * p.stride];
  return sum;
}

/* W' = W diag gamma, b' = b + W beta, r = W' 1: as UnpackLift_Private() in layout.c has it */
__device__ static double Gradient(const GNNTrainParameter &p, const double *results, const double *theta)
{
  switch (p.kind) {
  case GNN_TRAIN_WEIGHT:
    return (results[p.d] + results[p.r]) * theta[p.gamma] + results[p.b] * theta[p.beta];
  case GNN_TRAIN_NORM_GAMMA:
    return NormGradient(p, results, theta, 1);
  case GNN_TRAIN_NORM_BETA:
    return NormGradient(p, results, theta, 0);
  default:
    return results[p.d];
  }
}

/* The mean loss of the batch goes behind the gradient */
__global__ static void __launch_bounds__(BLOCK) GradientOfParameters(GNNTrainBatch b, GNNTrainLossConfig c, const double *results, GNNTrainParameters all)
{
  const int k = blockIdx.x * BLOCK + threadIdx.x;

  if (k < all.n) all.gradient[k] = Gradient(all.parameter[k], results, all.theta);
  if (k == all.n) {
    double loss = 0.0;

    for (int m = 0; m < b.count; m++) loss += (c.logarithm ? log(b.sai[m]) : b.sai[m]) / c.matrices;
    all.gradient[k] = loss;
  }
}

int GNNTrainGradient(GNNTrainBatch b, GNNTrainLossConfig c, GNNTrainProducts products, GNNTrainParameters all, GNNStream stream)
{
  GNN_LAUNCH(GradientOfParameters, Blocks(all.n + 1, BLOCK), BLOCK, 0, stream, b, c, products.results, all);
  return GPUError();
}

/* ---- optimiser ---- */

__global__ static void __launch_bounds__(BLOCK) SquarePartials(GNNTrainParameters all)
{
  double sum = 0.0;

  for (int k = blockIdx.x * BLOCK + threadIdx.x; k < all.n; k += BLOCK * gridDim.x) sum += all.gradient[k] * all.gradient[k];
  sum = BlockSum<BLOCK>(sum);
  if (threadIdx.x == 0) all.partials[blockIdx.x] = sum;
}

/* Every block adds up the partial sums for itself */
__device__ static double GradientNorm(const GNNTrainParameters &all, int partials)
{
  GNN_SHARED(double, warps);
  const double sum = BlockSum<BLOCK>((int)threadIdx.x < partials ? all.partials[threadIdx.x] : 0.0);

  if (threadIdx.x == 0) warps[0] = sqrt(sum);
  __syncthreads();
  return warps[0];
}

__device__ static void Report(GNNTrainStatus *status, double loss, int finite, int step)
{
  if (!finite && !status->failed) status->failed = step;
  if (status->failed) return;
  status->loss = loss;
  status->sum += loss;
  status->steps++;
}

/* Clipping and the step; nothing where the loss or the gradient is not finite, now or in a step before */
__global__ static void __launch_bounds__(BLOCK) StepParameters(GNNTrainParameters all, GNNTrainAdamWConfig c, int partials, GNNTrainStatus *status)
{
  const int    k    = blockIdx.x * BLOCK + threadIdx.x;
  const double norm = GradientNorm(all, partials), loss = all.gradient[all.n], clip = c.clip > 0.0 && norm > c.clip ? c.clip / norm : 1.0;
  const int    finite = fabs(loss) + norm < INFINITY;

  if (k == 0) Report(status, loss, finite, c.step);
  if (k >= all.n || !finite || status->failed) return; /* in this order: where not finite, it is written meanwhile */
  all.theta[k] = GNNAdamW(all.theta[k], clip * all.gradient[k], &all.m[k], &all.v[k], c.lr, c.beta1, c.beta2, c.correct1, c.correct2, c.weight_decay);
}

int GNNTrainAdamW(GNNTrainParameters all, GNNTrainAdamWConfig c, GNNTrainStatus *status, GNNStream stream)
{
  const int shared = BLOCK / 32 * sizeof(double), partials = GNNTrainPartials(all.n);

  GNN_LAUNCH(SquarePartials, partials, BLOCK, shared, stream, all);
  GNN_LAUNCH(StepParameters, Blocks(all.n, BLOCK), BLOCK, shared, stream, all, c, partials, status);
  return GPUError();
}

/* ---- weights for the kernels ---- */

/* The bias behind a norm, and the row sum: for output o, of W's row there */
__device__ static void PackBias(const GNNTrainParameter &p, const double *theta, double bias, float *packed)
{
  float b = (float)bias, rowsum = 0.0f;

  for (int c = 0; c < p.count; c++) {
    const float w = (float)theta[p.w + c];

    b += w * (float)theta[p.beta + c];
    rowsum += w * (float)theta[p.gamma + c];
  }
  for (int l = 0; l < 2; l++) {
    packed[p.to[l]]     = b;
    packed[p.rowsum[l]] = rowsum;
  }
}

__global__ static void __launch_bounds__(BLOCK) PackParameters(GNNTrainParameters all)
{
  const int k = blockIdx.x * BLOCK + threadIdx.x;

  if (k >= all.n) return;
  const GNNTrainParameter &p = all.parameter[k];

  if (p.kind == GNN_TRAIN_BIAS) PackBias(p, all.theta, all.theta[k], all.packed);
  if (p.kind == GNN_TRAIN_PLAIN || p.kind == GNN_TRAIN_WEIGHT) {
    const float x = (float)all.theta[k], gamma = p.kind == GNN_TRAIN_WEIGHT ? (float)all.theta[p.gamma] : 1.0f;

    for (int l = 0; l < 2; l++) all.packed[p.to[l]] = x * gamma;
  }
}

int GNNTrainPack(GNNTrainParameters all, GNNStream stream)
{
  GNN_LAUNCH(PackParameters, Blocks(all.n, BLOCK), BLOCK, 0, stream, all);
  return GPUError();
}
