/*
   From the pieces that the rows of the classical factor were left in to the CSR of G^T S, and of its transpose S G; with blocks to that of
   G^T and G. The places of the entries of a row of G are taken by atomics, in whatever order, and then sorted: every run gives the same bits.
*/
#include "offsets.cuh"

#define LANES 8
#define LONG  256 /* entries from which on a row is sorted by the whole block */

/* ---- rows ---- */

/* Number of a piece as it is stored */
__device__ __forceinline__ double Piece(const GNNKernelGraph &g, const GNNKernelFsai &f, int from)
{
  return f.v[from] * (f.apart ? 1.0 : g.s[f.j[from]]);
}

/* Row by row to its place; counts the entries of the columns */
template <class T>
__global__ static void Pack(GNNKernelGraph g, GNNKernelFsai f, GNNKernelMat gt, int *j, T *v)
{
  const int i = (blockIdx.x * BLOCK + threadIdx.x) / LANES, lane = threadIdx.x % LANES, count = i < g.n ? f.count[i] : 0, start = count ? f.start[i] : 0;
  double    d = 1.0;

  if (gt.scale) {
    double largest = 0.0;

    for (int l = lane; l < count; l += LANES) largest = fmax(largest, fabs(Piece(g, f, start + l)));
    d = GNNHalfScale(GroupMax<LANES>(largest));
    if (i < g.n && lane == 0) gt.scale[i] = d;
  }
  for (int l = lane; l < count; l += LANES) {
    const int k = gt.i[i] + l, c = f.j[start + l];

    j[k] = c;
    PutNumber(v + k, Piece(g, f, start + l), d);
    f.row[k] = i;
    AtomicAdd(&f.columns[c], 1);
  }
}

/* ---- transpose ---- */

__global__ static void Scatter(int nz, const int *j, const int *offset, int *columns, int *from)
{
  const int k = blockIdx.x * BLOCK + threadIdx.x;

  if (k < nz) from[offset[j[k]] + AtomicAdd(&columns[j[k]], -1) - 1] = k;
}

/* a[0 .. n) ascending, by WIDTH neighbouring threads that share the row and make as many steps as the longest row of all that wait for each
   other, most, needs. Batcher's sort without padding: what is missing at the end would stay there */
template <int WIDTH>
__device__ static void Sort(int *a, int n, int most, int lane)
{
  for (unsigned length = 2; length / 2 < (unsigned)most; length *= 2) {
    for (unsigned step = length / 2; step > 0; step /= 2) {
      for (int k = lane; k < n; k += WIDTH) {
        const int l = (int)((unsigned)k ^ (step == length / 2 ? length - 1 : step)), ak = a[k];

        if (l > k && l < n && a[l] < ak) {
          a[k] = a[l];
          a[l] = ak;
        }
      }
      if (WIDTH > 32) __syncthreads();
      else __syncwarp();
    }
  }
}

/* The rows of G in the order of those of G^T, and their columns and values; a block has BLOCK / LANES rows */
template <class T>
__global__ static void SortRows(GNNKernelFsai f, int n, const int *offset, int *j, T *v, const T *vt)
{
  const int first = blockIdx.x * (BLOCK / LANES), last = first + BLOCK / LANES < n ? first + BLOCK / LANES : n;
  const int i = first + threadIdx.x / LANES, length = i < n ? offset[i + 1] - offset[i] : 0, here = length < LONG ? length : 0;

  Sort<LANES>(f.from + (here ? offset[i] : 0), here, GroupMax<32>(here), threadIdx.x % LANES);
  __syncthreads();
  for (int r = first; r < last; r++) {
    const int most = offset[r + 1] - offset[r];

    if (most >= LONG) Sort<BLOCK>(f.from + offset[r], most, most, threadIdx.x);
  }
  for (int k = offset[first] + threadIdx.x; k < offset[last]; k += BLOCK) {
    j[k] = f.row[f.from[k]];
    v[k] = vt[f.from[k]];
  }
}

template <class T>
static int Store(GNNKernelGraph g, GNNKernelFsai f, GNNKernelMat gt, GNNKernelMat gm, GNNStream stream)
{
  const int rows  = Blocks((long long)g.n * LANES, BLOCK);
  int      *i[2]  = {(int *)gt.i, (int *)gm.i};
  int       error = GPUZero(f.columns, (size_t)g.n * sizeof(int), stream);

  if (error) return error;
  Scan(g.n, f.count, f.sums, i[0], stream);
  GNN_LAUNCH((Pack<T>), rows, BLOCK, 0, stream, g, f, gt, (int *)gt.j, (T *)gt.v);
  Scan(g.n, f.columns, f.sums, i[1], stream);
  GNN_LAUNCH(Scatter, Blocks(gt.nz, BLOCK), BLOCK, 0, stream, gt.nz, gt.j, gm.i, f.columns, f.from);
  GNN_LAUNCH((SortRows<T>), rows, BLOCK, 0, stream, f, g.n, gm.i, (int *)gm.j, (T *)gm.v, (const T *)gt.v);
  error = GNNKernelTiles(gt, stream);
  return error ? error : GNNKernelTiles(gm, stream);
}

int GNNKernelFsaiStore(GNNKernelGraph g, GNNKernelFsai f, GNNKernelMat gt, GNNKernelMat gm, GNNStream stream)
{
  if (gt.precision == GNN_HALF) return Store<unsigned>(g, f, gt, gm, stream);
  return gt.precision == GNN_SINGLE ? Store<float>(g, f, gt, gm, stream) : Store<double>(g, f, gt, gm, stream);
}
