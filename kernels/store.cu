/*
   From the pieces that the rows of the classical factor were left in to the CSR of G^T S, and of its transpose S G; with blocks to that of
   G^T and G. The places of the
   entries of a row of G are taken by atomics, in whatever order, and then sorted: every run gives the same bits.
*/
#include "cuda.cuh"

#define BLOCK 256
#define LANES 8
#define LONG  256 /* entries from which on a row is sorted by the whole block */

/* ---- offsets from counts ---- */

/* Sum of the x of the threads before this one, and in *all that of the block */
__device__ static int BlockScan(int x, int *all)
{
  GNN_SHARED(int, warps);
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  int       sum = x, before = 0;

  for (int d = 1; d < 32; d *= 2) {
    const int other = __shfl_sync(ALL_LANES, sum, (lane + 32 - d) % 32);

    if (lane >= d) sum += other;
  }
  if (lane == 31) warps[warp] = sum;
  __syncthreads();
  *all = 0;
  for (int w = 0; w < BLOCK / 32; w++) {
    if (w < warp) before += warps[w];
    *all += warps[w];
  }
  __syncthreads();
  return before + sum - x;
}

__global__ static void ScanSums(int n, const int *in, int *sums)
{
  int x = 0, all;

  for (int k = threadIdx.x; k < GNN_KERNEL_SCAN; k += BLOCK) {
    const int at = blockIdx.x * GNN_KERNEL_SCAN + k;

    if (at < n) x += in[at];
  }
  (void)BlockScan(x, &all);
  if (threadIdx.x == 0) sums[blockIdx.x] = all;
}

/* In place, by one block; the sum of all goes to total */
__global__ static void ScanOffsets(int n, int *sums, int *total)
{
  int start = 0;

  for (int first = 0; first < n; first += BLOCK) {
    const int k = first + threadIdx.x;
    int       all;
    const int before = BlockScan(k < n ? sums[k] : 0, &all);

    if (k < n) sums[k] = start + before;
    start += all;
  }
  if (threadIdx.x == 0) *total = start;
}

__global__ static void ScanWrite(int n, const int *in, const int *sums, int *out)
{
  int start = sums[blockIdx.x];

  for (int k = threadIdx.x; k < GNN_KERNEL_SCAN; k += BLOCK) {
    const int at = blockIdx.x * GNN_KERNEL_SCAN + k;
    int       all;
    const int before = BlockScan(at < n ? in[at] : 0, &all);

    if (at < n) out[at] = start + before;
    start += all;
  }
}

/* out[k] = in[0] + ... + in[k - 1], k = 0 ... n */
static void Scan(int n, const int *in, int *sums, int *out, GNNStream stream)
{
  const int blocks = Blocks(n, GNN_KERNEL_SCAN), shared = BLOCK / 32 * (int)sizeof(int);

  GNN_LAUNCH(ScanSums, blocks, BLOCK, shared, stream, n, in, sums);
  GNN_LAUNCH(ScanOffsets, 1, BLOCK, shared, stream, blocks, sums, out + n);
  GNN_LAUNCH(ScanWrite, blocks, BLOCK, shared, stream, n, in, sums, out);
}

/* ---- rows ---- */

/* Row by row to its place; counts the entries of the columns */
template <class T>
__global__ static void Pack(GNNKernelGraph g, GNNKernelFsai f, const int *offset, int *j, T *v)
{
  const int i = (blockIdx.x * BLOCK + threadIdx.x) / LANES, lane = threadIdx.x % LANES;

  if (i >= g.n) return;
  for (int l = lane; l < f.count[i]; l += LANES) {
    const int from = f.start[i] + l, k = offset[i] + l, c = f.j[from];

    j[k]     = c;
    v[k]     = (T)(f.v[from] * (g.b == 1 ? g.s[c] : 1.0));
    f.row[k] = i;
    atomicAdd(&f.columns[c], 1);
  }
}

/* Tile t begins with the first row that begins at or behind its share of the entries */
__global__ static void Tiles(int n, int ntiles, int share, const int *offset, int *tile)
{
  const int t = blockIdx.x * BLOCK + threadIdx.x;
  int       low = 0, high = n;

  if (t > ntiles) return;
  while (low < high) {
    const int middle = low + (high - low) / 2;

    if (offset[middle] < (long long)t * share) low = middle + 1;
    else high = middle;
  }
  tile[t] = t == ntiles ? n : low;
}

/* ---- transpose ---- */

__global__ static void Scatter(int nz, const int *j, const int *offset, int *columns, int *from)
{
  const int k = blockIdx.x * BLOCK + threadIdx.x;

  if (k < nz) from[offset[j[k]] + atomicAdd(&columns[j[k]], -1) - 1] = k;
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
  const int rows  = Blocks((long long)g.n * LANES, BLOCK), tiles = Blocks(gt.ntiles + 1, BLOCK), share = GNNKernelTileShare(gt.nz);
  int      *i[2]  = {(int *)gt.i, (int *)gm.i};
  const int error = cudaMemsetAsync(f.columns, 0, (size_t)g.n * sizeof(int), (cudaStream_t)stream);

  if (error) return error;
  Scan(g.n, f.count, f.sums, i[0], stream);
  GNN_LAUNCH((Pack<T>), rows, BLOCK, 0, stream, g, f, gt.i, (int *)gt.j, (T *)gt.v);
  Scan(g.n, f.columns, f.sums, i[1], stream);
  GNN_LAUNCH(Scatter, Blocks(gt.nz, BLOCK), BLOCK, 0, stream, gt.nz, gt.j, gm.i, f.columns, f.from);
  GNN_LAUNCH((SortRows<T>), rows, BLOCK, 0, stream, f, g.n, gm.i, (int *)gm.j, (T *)gm.v, (const T *)gt.v);
  GNN_LAUNCH(Tiles, tiles, BLOCK, 0, stream, g.n, gt.ntiles, share, gt.i, (int *)gt.tile);
  GNN_LAUNCH(Tiles, tiles, BLOCK, 0, stream, g.n, gm.ntiles, share, gm.i, (int *)gm.tile);
  return cudaGetLastError();
}

int GNNKernelFsaiStore(GNNKernelGraph g, GNNKernelFsai f, GNNKernelMat gt, GNNKernelMat gm, GNNStream stream)
{
  return gt.single ? Store<float>(g, f, gt, gm, stream) : Store<double>(g, f, gt, gm, stream);
}
