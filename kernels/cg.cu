/*
   A step of CG. What is summed up goes to the scalars of the method at once, by the block that comes last: nothing is read back. Where the method has
   ended each kernel returns.
*/
#include "product.cuh"
#include "sums.cuh"

/* p is not read in the first step, where it may be anything */
__global__ static void Direction(GNNKernelCG s)
{
  const int    i = blockIdx.x * BLOCK + threadIdx.x;
  const double b = s.steps->cg.b;

  if (s.steps->cg.ended || i >= s.A.n) return;
  s.p[i] = s.z[i] + (s.steps->cg.step > 0 ? b * s.p[i] : 0.0);
}

/* z = A p, and p^T z of the rows that a thread takes */
struct Curvature {
  const double *p;
  double       *z, sum;

  __device__ __forceinline__ double Read(int i, int) const { return p[i]; }

  __device__ __forceinline__ void Take(int i, int, double zi, double pi)
  {
    z[i] = zi;
    sum += pi * zi;
  }
};

__global__ static void __launch_bounds__(BLOCK) Product(GNNKernelCG s)
{
  Curvature c = {s.p, s.z, 0.0};
  double    dpi;

  if (s.steps->cg.ended) return;
  MultiplyTile<double, false>(s.A, {}, s.p, c);
  __syncthreads(); /* the sums take the same shared memory */
  if (GridSums<1>(&c.sum, s.partials, &s.steps->arrived, &dpi)) GNNCGCurvature(&s.steps->cg, dpi);
}

/* Adds what ends a step: z^T r and the norm's square */
__device__ __forceinline__ void AddNorms(GNNCGNorm norm, double z, double r, double *part)
{
  part[0] += z * r;
  part[1] += norm == GNN_CG_PRECONDITIONED ? z * z : r * r;
}

__device__ __forceinline__ void SumNorms(const GNNKernelCG &s, const double *part)
{
  const int at = s.steps->cg.step % GNN_CG_NORMS;
  double    sum[2];

  if (GridSums<2>(part, s.partials, &s.steps->arrived, sum)) s.steps->norm[at] = GNNCGFinish(&s.steps->cg, sum[0], sum[1]);
}

template <bool DIAGONAL>
__global__ static void Update(GNNKernelCG s)
{
  const GNNCGNorm norm    = s.steps->cg.norm;
  const double    a       = s.steps->cg.a;
  double          part[2] = {0.0, 0.0};

  if (s.steps->cg.ended) return;
  for (int i = blockIdx.x * BLOCK + threadIdx.x; i < s.A.n; i += BLOCK * gridDim.x) {
    const double r = s.r[i] - a * s.z[i];

    s.x[i] += a * s.p[i];
    s.r[i] = r;
    if (DIAGONAL) AddNorms(norm, s.z[i] = s.diagonal[i] * r, r, part);
  }
  if (DIAGONAL) SumNorms(s, part);
}

__global__ static void Finish(GNNKernelCG s)
{
  const GNNCGNorm norm    = s.steps->cg.norm;
  double          part[2] = {0.0, 0.0};

  if (s.steps->cg.ended) return;
  for (int i = blockIdx.x * BLOCK + threadIdx.x; i < s.A.n; i += BLOCK * gridDim.x) AddNorms(norm, s.z[i], s.r[i], part);
  SumNorms(s, part);
}

int GNNKernelCGDirection(GNNKernelCG s, GNNStream stream)
{
  GNN_LAUNCH(Direction, Blocks(s.A.n, BLOCK), BLOCK, 0, stream, s);
  return GPUError();
}

int GNNKernelCGProduct(GNNKernelCG s, GNNStream stream)
{
  GNN_LAUNCH(Product, s.A.ntiles, BLOCK, PRODUCT_SHARED, stream, s);
  return GPUError();
}

int GNNKernelCGUpdate(GNNKernelCG s, GNNStream stream)
{
  if (s.diagonal) GNN_LAUNCH((Update<true>), Partials(s.A.n), BLOCK, GRID_SUM, stream, s);
  else GNN_LAUNCH((Update<false>), Partials(s.A.n), BLOCK, 0, stream, s);
  return GPUError();
}

int GNNKernelCGFinish(GNNKernelCG s, GNNStream stream)
{
  GNN_LAUNCH(Finish, Partials(s.A.n), BLOCK, GRID_SUM, stream, s);
  return GPUError();
}
