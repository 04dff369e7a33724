/*
   Pattern work, once per pattern: what GNNGraph has beside the CSR, and a factor that has slots of A. A thread has an entry, so that rows may
   be of any length.
*/
#include "offsets.cuh"
#include "../gnn/fsairow.h"

/* The first of n offsets that is not below least; n if there is none */
__device__ __forceinline__ int FirstFrom(int n, const int *offset, long long least)
{
  int low = 0, high = n;

  while (low < high) {
    const int middle = low + (high - low) / 2;

    if (offset[middle] < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* Row of entry p */
__device__ __forceinline__ int RowOf(int n, const int *offset, int p)
{
  return FirstFrom(n, offset, (long long)p + 1) - 1;
}

__global__ static void Partners(GNNKernelGraph g, int *rev, int *diag)
{
  const int p = blockIdx.x * BLOCK + threadIdx.x;

  if (p >= g.nz) return;
  const int i = RowOf(g.n, g.i, p), j = g.j[p];

  rev[p] = GNNFsaiFind(g.j, g.i[j], g.i[j + 1], i);
  if (i == j) diag[i] = p;
}

__global__ static void NodesOfSlots(GNNKernelGraph g, int slots, int *brow)
{
  const int p = blockIdx.x * BLOCK + threadIdx.x;

  if (p < slots) brow[p] = RowOf(g.nodes, g.bi, p);
}

int GNNKernelPattern(GNNKernelGraph g, GNNStream stream)
{
  const int slots = g.nz / (g.b * g.b);

  GNN_LAUNCH(Partners, Blocks(g.nz, BLOCK), BLOCK, 0, stream, g, (int *)g.rev, (int *)g.diag);
  GNN_LAUNCH(NodesOfSlots, Blocks(slots, BLOCK), BLOCK, 0, stream, g, slots, (int *)g.brow);
  return GPUError();
}

/* ---- a factor ---- */

/* Tile t begins with the first row that begins at or behind its share of the entries */
__global__ static void Tiles(GNNKernelMat m, int *tile)
{
  const int t = blockIdx.x * BLOCK + threadIdx.x;

  if (t <= m.ntiles) tile[t] = t == m.ntiles ? m.n : FirstFrom(m.n, m.i, (long long)t * m.share);
}

/* The largest x of the block; shared memory: a number for each warp */
__device__ static int BlockMax(int x)
{
  GNN_SHARED(int, warps);

  x = GroupMax<32>(x);
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = x;
  __syncthreads();
  for (int w = 0; w < BLOCK / 32; w++) x = x > warps[w] ? x : warps[w];
  __syncthreads();
  return x;
}

/* Columns of a tile as offsets from the least one, unless they do not reach the last; the numbers in the words stay */
__global__ static void Offsets(GNNKernelMat m, unsigned *v)
{
  const int begin = m.i[m.tile[blockIdx.x]] + threadIdx.x, end = m.i[m.tile[blockIdx.x + 1]];
  int       least = m.n, most = 0;

  for (int k = begin; k < end; k += BLOCK) {
    least = m.j[k] < least ? m.j[k] : least;
    most  = m.j[k] > most ? m.j[k] : most;
  }
  least          = -BlockMax(-least);
  most           = BlockMax(most);
  const int wide = most - least > (int)GNN_HALF_REACH;

  if (threadIdx.x == 0) m.base[blockIdx.x] = wide ? GNN_KERNEL_WIDE : least;
  for (int k = begin; k < end && !wide; k += BLOCK) v[k] = GNNWord(GNNWordNumber(v[k]), (unsigned)(m.j[k] - least));
}

int GNNKernelTiles(GNNKernelMat m, GNNStream stream)
{
  GNN_LAUNCH(Tiles, Blocks(m.ntiles + 1, BLOCK), BLOCK, 0, stream, m, (int *)m.tile);
  if (m.precision == GNN_HALF && m.ntiles > 0) GNN_LAUNCH(Offsets, m.ntiles, BLOCK, BLOCK / 32 * (int)sizeof(int), stream, m, (unsigned *)m.v);
  return GPUError();
}

#define LANES 8 /* that share a row */

__global__ static void RowFilters(GNNKernelGraph g, const double *gt, double tau, double *filter)
{
  const int i = (blockIdx.x * BLOCK + threadIdx.x) / LANES, lane = threadIdx.x % LANES;
  double    largest = 0.0;

  for (int p = i < g.n ? g.i[i] + lane : g.nz; p < (i < g.n ? g.i[i + 1] : 0); p += LANES) {
    if (p != g.diag[i] && fabs(gt[p]) > largest) largest = fabs(gt[p]);
  }
  largest = GroupMax<LANES>(largest);
  if (i < g.n && lane == 0) filter[i] = GNNRowFilter(tau, gt[g.diag[i]], largest);
}

int GNNKernelRowFilters(GNNKernelGraph g, const double *gt, double tau, double *filter, GNNStream stream)
{
  GNN_LAUNCH(RowFilters, Blocks((long long)g.n * LANES, BLOCK), BLOCK, 0, stream, g, gt, tau, filter);
  return GPUError();
}

/* Is slot p, (i, j), in the pattern of G^T, or as an entry (i, j) in that of G, and does it stay there? */
__global__ static void InPattern(GNNKernelGraph g, int lower, int transposed, const double *gt, const double *filter, int *in)
{
  const int p = blockIdx.x * BLOCK + threadIdx.x;

  if (p >= g.nz) return;
  const int q = g.rev[p], i = q >= 0 ? g.j[q] : -1, j = g.j[p];

  in[p] = q >= 0 && (transposed ? GNNPatternHas(lower, j, i) : GNNPatternHas(lower, i, j)) && (!filter || GNNEntryStays(gt[transposed ? q : p], filter[i], filter[j]));
}

int GNNKernelPlaces(GNNKernelGraph g, int lower, int transposed, const double *gt, const double *filter, int *place, int *sums, GNNStream stream)
{
  GNN_LAUNCH(InPattern, Blocks(g.nz, BLOCK), BLOCK, 0, stream, g, lower, transposed, gt, filter, place);
  Scan(g.nz, place, sums, place, stream);
  return GPUError();
}

__global__ static void CountEntries(const int *total, GNNKernelStatus *status)
{
  status->entries = (unsigned long long)*total;
}

int GNNKernelEntries(GNNKernelGraph g, const int *place, GNNKernelStatus *status, GNNStream stream)
{
  GNN_LAUNCH(CountEntries, 1, 1, 0, stream, place + g.nz, status);
  return GPUError();
}

__global__ static void PlaceRows(GNNKernelGraph g, const int *place, int *i)
{
  const int row = blockIdx.x * BLOCK + threadIdx.x;

  if (row <= g.n) i[row] = place[g.i[row]];
}

__global__ static void PlaceEntries(GNNKernelGraph g, int transposed, const int *place, int *j, int *slot)
{
  const int p = blockIdx.x * BLOCK + threadIdx.x;

  if (p >= g.nz || place[p] == place[p + 1]) return;
  j[place[p]]    = g.j[p];
  slot[place[p]] = transposed ? g.rev[p] : p;
}

int GNNKernelPlaced(GNNKernelGraph g, int transposed, const int *place, GNNKernelMat m, GNNStream stream)
{
  GNN_LAUNCH(PlaceRows, Blocks(g.n + 1, BLOCK), BLOCK, 0, stream, g, place, (int *)m.i);
  GNN_LAUNCH(PlaceEntries, Blocks(g.nz, BLOCK), BLOCK, 0, stream, g, transposed, place, (int *)m.j, (int *)m.slot);
  return GNNKernelTiles(m, stream);
}
