/*
   Rows of the classical factor. LANES neighbouring lanes share a row, whose dense problem lies in shared memory. No sum is split among
   the lanes, so that the bits do not depend on their number, and are the host's but for fused multiplications.

   A row that has more columns, or sees more neighbours while it grows, than its lanes have room for, is late: it goes to the second pass,
   to a whole warp with room for GNN_FSAI_MAX columns. The neighbours are added up in a hash table; where that is full, in several goes, each
   for its share of the columns, so that rows and neighbourhoods may be of any size.

   A loop with a barrier or a shuffle runs as often as the warp's slowest row needs it: all 32 lanes come to each.
*/
#include "common.cuh"
#include "../gnn/fsairow.h"

/* ---- the matrix with a unit diagonal ---- */

#define BLOCK       256
#define SCALE_LANES 8

__global__ static void Units(GNNKernelGraph g, GNNKernelFsai f)
{
  const int i = blockIdx.x * BLOCK + threadIdx.x;

  if (i < g.n) f.unit[i] = IsCoupled(g, g.b, i / g.b, i % g.b) ? GNNFsaiUnit(g.at[g.diag[i]]) : 0.0;
}

__global__ static void ScaleRows(GNNKernelGraph g, GNNKernelFsai f)
{
  const int i = (blockIdx.x * BLOCK + threadIdx.x) / SCALE_LANES, lane = threadIdx.x % SCALE_LANES;

  if (i >= g.n) return;
  for (int p = g.i[i] + lane; p < g.i[i + 1]; p += SCALE_LANES) {
    const int j = g.j[p];

    f.as[p] = j == i ? 1.0 : GNNFsaiScaled(f.unit[i], g.at[p], f.unit[j]);
  }
}

int GNNKernelFsaiScale(GNNKernelGraph g, GNNKernelFsai f, GNNStream stream)
{
  GNN_LAUNCH(Units, Blocks(g.n, BLOCK), BLOCK, 0, stream, g, f);
  GNN_LAUNCH(ScaleRows, Blocks((long long)g.n * SCALE_LANES, BLOCK), BLOCK, 0, stream, g, f);
  return GPUError();
}

/* Is entry p, in the row of a coupled unknown, in a slot that is kept, and its column coupled? */
__device__ __forceinline__ int Kept(const GNNKernelGraph &g, const GNNKernelFsai &f, int p)
{
  return g.b == 1 ? g.keep[p] : g.rev[p] >= 0 && f.unit[g.j[p]] != 0.0;
}

/* ---- one row ---- */

#define TRIANGLE(r, c) ((r) * ((r) + 1) / 2 + (c)) /* entry (r, c), c <= r, of a lower triangle stored by rows */

/* What the lanes of a row hold in common; the arrays lie in shared memory */
struct Row {
  int                i, lane;   /* row, -1: none; place among its lanes */
  int                cap, size; /* room for columns and, a power of 2, for neighbours */
  int                m;         /* columns J; -1 at a decoupled node, where the row is empty */
  int                found;     /* columns next */
  int                on;        /* is there work to do? */
  int                late;      /* left to the second pass */
  int                length;    /* of its row of A */
  double             largest;   /* |As_ij| off the diagonal */
  int               *J, *next;  /* (cap) */
  int               *node;      /* (size) neighbours, -1: free */
  double            *T, *x;     /* triangle of cap + 1 rows; (cap + 1) the row, its diagonal last */
  double            *score, *r; /* (cap) of next; (size) gradient at the neighbours */
  unsigned long long flops;
};

__host__ __device__ static int RowDoubles(int cap, int size)
{
  return (TRIANGLE(cap + 1, 0) + 2 * cap + 1 + size + (2 * cap + size + 1) / 2) | 1; /* odd: rows begin in different memory banks */
}

__device__ static void RowPlace(Row &w, double *memory, int cap, int size)
{
  w.cap   = cap;
  w.size  = size;
  w.T     = memory;
  w.x     = w.T + TRIANGLE(cap + 1, 0);
  w.score = w.x + cap + 1;
  w.r     = w.score + cap;
  w.J     = (int *)(w.r + size);
  w.next  = w.J + cap;
  w.node  = w.next + cap;
}

/* Row or column k of the dense problem */
__device__ __forceinline__ int RowNode(const Row &w, int k)
{
  return k < w.m ? w.J[k] : w.i;
}

/* ---- columns ---- */

/* Column c into a list of the GNN_FSAI_MAX best, by a warp, which is two columns a lane */
__device__ static void Insert(Row &w, int c, double score)
{
  int worst = w.lane;

  __syncwarp();
  if (w.found < w.cap) worst = w.found++;
  else {
    if (GNNFsaiBetter(w.next[worst], w.score[worst], w.next[worst + 32], w.score[worst + 32])) worst += 32;
    for (int d = 16; d > 0; d /= 2) {
      const int other = ShuffleXor(worst, d);

      if (GNNFsaiBetter(w.next[worst], w.score[worst], w.next[other], w.score[other])) worst = other;
    }
    if (!GNNFsaiBetter(c, score, w.next[worst], w.score[worst])) return;
  }
  __syncwarp();
  if (w.lane == 0) {
    w.next[worst]  = c;
    w.score[worst] = score;
  }
}

/* next takes the columns c of the lanes that have one */
template <int LANES>
__device__ static void Take(Row &w, int has, int c, double score)
{
  const unsigned lanes = GroupBallot<LANES>(has);

  if (w.found + CountBits(lanes) <= w.cap) {
    const int k = w.found + CountBits(lanes & ((1u << w.lane) - 1));

    if (has) {
      w.next[k]  = c;
      w.score[k] = score;
    }
    w.found += CountBits(lanes);
  } else if (LANES < 32) w.late = 1;
  else {
    for (unsigned left = lanes; left; left &= left - 1) {
      const int lane = FirstBit(left) - 1;

      Insert(w, Shuffle(c, lane), Shuffle(score, lane));
    }
  }
}

/* Is next another set of columns than J, and not empty? After TakeNeighbours(), which waits for all that went into next */
template <int LANES>
__device__ static int Differs(const Row &w)
{
  int differs = w.found > 0 && w.found != w.m;

  for (int k = w.lane; k < w.found; k += LANES) differs |= GNNFsaiFind(w.J, 0, w.m, w.next[k]) < 0;
  return GroupBallot<LANES>(differs) != 0;
}

/* J = next, ascending */
template <int LANES>
__device__ static void Adopt(Row &w)
{
  __syncwarp();
  if (w.on) {
    for (int k = w.lane; k < w.found; k += LANES) {
      int place = 0;

      for (int l = 0; l < w.found; l++) place += w.next[l] < w.next[k];
      w.J[place] = w.next[k];
    }
    w.m = w.found;
  }
  __syncwarp();
}

/* J from the row of A: above the threshold, or all where that is 0 */
template <int LANES>
__device__ static void Seed(const GNNKernelGraph &g, const GNNKernelFsai &f, Row &w)
{
  const int start = w.on ? g.i[w.i] : 0, length = w.on ? g.i[w.i + 1] - start : 0, most = GroupMax<32>(length);
  double    threshold, largest = 0.0;

  for (int p = start + w.lane; p < start + length; p += LANES) largest = g.j[p] == w.i ? largest : fmax(largest, fabs(f.as[p]));
  w.length  = length;
  w.largest = GroupMax<LANES>(largest);
  threshold = GNNFsaiThreshold(f.threshold, w.largest, length);
  w.found   = 0;
  for (int first = 0; first < most; first += LANES) {
    const int    p = start + first + w.lane, in = first + w.lane < length, c = in ? g.j[p] : 0;
    const double score = in ? fabs(f.as[p]) : 0.0;

    Take<LANES>(w, in && (threshold == 0.0 || score > threshold) && Kept(g, f, p) && c < w.i, c, score);
  }
  w.on = w.on && !w.late;
  Adopt<LANES>(w);
}

/* J that the row has. It is not used where a row is coupled that was not, or the other way round */
template <int LANES>
__device__ static void Keep(const GNNKernelFsai &f, Row &w, GNNKernelStatus *status)
{
  const int count = w.i >= 0 ? f.count[w.i] : 0;

  if (w.i >= 0 && w.lane == 0 && w.on != (count > 0)) AtomicAdd(&status->changed, 1);
  w.late = w.on && count - 1 > w.cap;
  w.on   = w.on && count > 0 && !w.late;
  if (w.on) w.m = count - 1;
  for (int k = w.lane; k < w.m; k += LANES) w.J[k] = f.j[f.start[w.i] + k];
  __syncwarp();
}

/* ---- values ---- */

__device__ static double Entry(const GNNKernelGraph &g, const GNNKernelFsai &f, int i, int j)
{
  const int p = i == j ? g.diag[i] : GNNFsaiFind(g.j, g.i[i], g.i[i + 1], j);

  return p >= 0 ? f.as[p] : 0.0;
}

/* T = As on J + {i}, by rows what the host has by columns, entry by entry: a node that is coupled to all others costs no more than the others */
template <int LANES>
__device__ static void Gather(const GNNKernelGraph &g, const GNNKernelFsai &f, const Row &w)
{
  int r = 0;

  for (int c = w.lane; w.on; c += LANES) {
    while (r <= w.m && c > r) c -= ++r;
    if (r > w.m) break;
    w.T[TRIANGLE(r, c)] = Entry(g, f, RowNode(w, c), RowNode(w, r));
  }
  __syncwarp();
}

/* As GNNFsaiFactor(), by columns c, the lanes side by side in a column. T keeps v, and l in the rows that are done; 1/d in x; returns d of the last, or 0 */
template <int LANES>
__device__ static double Factor(const Row &w, int m, int most)
{
  double d = 1.0;

  for (int c = 0; c <= most; c++) {
    double *Tc = &w.T[TRIANGLE(c, 0)];

    for (int r = c + w.lane; r <= m; r += LANES) {
      double *Tr = &w.T[TRIANGLE(r, 0)], sum = Tr[c];

      for (int k = 0; k < c; k++) sum -= Tc[k] * w.x[k] * Tr[k];
      Tr[c] = sum;
    }
    __syncwarp();
    if (c <= m && d > 0.0) d = Tc[c] > GNN_FSAI_PIVOT ? Tc[c] : 0.0; /* a NaN as well */
    for (int k = w.lane; k < c && c <= m; k += LANES) Tc[k] *= w.x[k];
    if (c <= m && w.lane == 0) w.x[c] = 1.0 / Tc[c];
    __syncwarp();
  }
  return d;
}

/* As GNNFsaiSubstitute() */
template <int LANES>
__device__ static void Substitute(const Row &w, int m, int most, double pivot)
{
  const double scale = 1.0 / sqrt(pivot);

  for (int k = w.lane; k <= m; k += LANES) w.x[k] = k == m ? 1.0 : 0.0;
  __syncwarp();
  for (int r = most; r > 0; r--) {
    const double *Tr = &w.T[TRIANGLE(r, 0)];

    for (int k = w.lane; k < r && r <= m; k += LANES) w.x[k] -= w.x[r] * Tr[k];
    __syncwarp();
  }
  for (int k = w.lane; k <= m; k += LANES) w.x[k] *= scale;
  __syncwarp();
}

/* The row on J; 0 if As on J + {i} is not positive definite, or rounding spoils it */
template <int LANES>
__device__ static int Solve(const GNNKernelGraph &g, const GNNKernelFsai &f, Row &w)
{
  const int m = w.on ? w.m : -1, most = GroupMax<32>(m);
  double    pivot;

  Gather<LANES>(g, f, w);
  pivot = Factor<LANES>(w, m, most);
  Substitute<LANES>(w, m, most, pivot);
  if (w.on && w.lane == 0) w.flops += (unsigned long long)GNNFsaiSolveFlops(m);
  return pivot > 0.0 && GNNFsaiSound(m, w.x);
}

/* ---- growth ---- */

#define TRIES 32 /* places of the table that a neighbour looks at */

/* r_c += x, by one lane for this c; 0 where the table is full, or nearly so */
__device__ static int TableAdd(const Row &w, int c, double x)
{
  unsigned at = (unsigned)c * 2654435769u >> 15;

  for (int k = 0; k < TRIES; k++, at++) {
    int      *node = &w.node[at & (w.size - 1)];
    const int old  = AtomicCAS(node, -1, c);

    if (old != -1 && old != c) continue;
    w.r[node - w.node] += x;
    return 1;
  }
  return 0;
}

__device__ __forceinline__ int Walks(const GNNKernelGraph &g, int k, int i)
{
  return GNNFsaiWalks(g.i[k + 1] - g.i[k], g.i[i + 1] - g.i[i]);
}

/* r = As L_i^T on the columns before i that are part modulo parts: row after row of As, so that every sum has its order; 0 if they were too many */
template <int LANES>
__device__ static int Neighbours(const GNNKernelGraph &g, const GNNKernelFsai &f, const Row &w, int parts, int part)
{
  const int m = w.on ? w.m : -1, most = GroupMax<32>(m);
  int       full = 0;

  for (int k = w.lane; k < w.size; k += LANES) {
    w.node[k] = -1;
    w.r[k]    = 0.0;
  }
  __syncwarp();
  for (int k = 0; k <= most; k++) {
    const int row = k <= m ? RowNode(w, k) : -1, begin = row >= 0 ? g.i[row] : 0, end = row >= 0 && Walks(g, row, w.i) ? g.i[row + 1] : begin;

    for (int p = begin + w.lane; p < end && !full; p += LANES) {
      const int c = g.j[p];

      if ((c & (parts - 1)) == part && c < w.i) full = !TableAdd(w, c, w.x[k] * f.as[p]);
    }
    __syncwarp();
  }
  return !GroupBallot<LANES>(full);
}

/* Of growth: L's entries count as well */
template <int LANES>
__device__ static double Threshold(const GNNKernelFsai &f, const Row &w)
{
  double largest = w.largest;

  for (int k = w.lane; w.on && k < w.m; k += LANES) largest = fmax(largest, fabs(w.x[k]));
  return GNNFsaiThreshold(f.threshold, GroupMax<LANES>(largest), w.length);
}

/* next takes the columns of J, or the neighbours beside them, above the threshold */
template <int LANES>
__device__ static void TakeColumns(double threshold, Row &w)
{
  const int m = w.on ? w.m : 0, most = GroupMax<32>(m);

  for (int first = 0; first < most; first += LANES) {
    const int    k     = first + w.lane;
    const double score = k < m ? fabs(w.x[k]) : 0.0;

    Take<LANES>(w, score > threshold, k < m ? w.J[k] : 0, score);
  }
}

template <int LANES>
__device__ static void TakeNeighbours(double threshold, Row &w)
{
  for (int k = w.lane; k < w.size; k += LANES) {
    const double score = fabs(w.r[k]);

    Take<LANES>(w, w.on && score > threshold && GNNFsaiFind(w.J, 0, w.m, w.node[k]) < 0, w.node[k], score);
  }
  __syncwarp();
}

/* next = columns of J and their neighbours that are above the threshold */
template <int LANES>
__device__ static void Grow(const GNNKernelGraph &g, const GNNKernelFsai &f, Row &w, int second)
{
  const double threshold = Threshold<LANES>(f, w);
  int          fits      = 0;

  for (int parts = 1; !fits; parts *= 2) {
    w.found = 0;
    TakeColumns<LANES>(threshold, w);
    fits = 1;
    for (int part = 0; part < parts && (fits || !second); part++) {
      fits = Neighbours<LANES>(g, f, w, parts, part);
      TakeNeighbours<LANES>(threshold, w);
    }
    if (second) continue;
    if (!fits) w.late = 1;
    break;
  }
  for (int k = w.lane; w.on && k <= w.m; k += LANES) w.flops += Walks(g, RowNode(w, k), w.i) ? 2 * (unsigned long long)(g.i[RowNode(w, k) + 1] - g.i[RowNode(w, k)]) : 0;
}

/* J and the row; 0 if it is Jacobi's */
template <int LANES>
__device__ static int Run(const GNNKernelGraph &g, const GNNKernelFsai &f, Row &w, int second)
{
  int positive = 1;

  for (int stage = 0; Any(w.on); stage++) {
    const int solved = Solve<LANES>(g, f, w);

    if (w.on) positive = solved;
    w.on = w.on && solved && !f.kept && stage < GNNFsaiStages(f.threshold) && w.m < GNN_FSAI_MAX;
    if (!Any(w.on)) break;
    Grow<LANES>(g, f, w, second);
    w.on = w.on && !w.late;
    if (!Differs<LANES>(w)) w.on = 0;
    Adopt<LANES>(w);
  }
  return positive;
}

/* ---- results ---- */

/* By slots of A: 0 outside the row's pattern */
template <int LANES>
__device__ static void StoreSlots(const GNNKernelGraph &g, const GNNKernelFsai &f, const Row &w)
{
  for (int p = g.i[w.i] + w.lane; p < g.i[w.i + 1]; p += LANES) {
    const int c = g.j[p], k = c == w.i ? w.m : GNNFsaiFind(w.J, 0, w.m, c);

    f.slots[p] = k >= 0 ? w.x[k] * f.unit[c] : 0.0;
  }
}

/* The entries of its row at start, the diagonal last */
template <int LANES>
__device__ static void StorePiece(const GNNKernelFsai &f, const Row &w, int count, unsigned long long start)
{
  if (start + count > (unsigned long long)f.room) return;
  for (int k = w.lane; k < count; k += LANES) {
    const int c = RowNode(w, k), at = (int)start + k;

    f.j[at] = c;
    f.v[at] = w.x[k] * f.unit[c];
  }
  if (w.lane == 0 && count > 0 && !f.kept) f.start[w.i] = (int)start; /* else it is there, and read by others */
}

#define WARPS 8 /* most of a block */

/* What the warps of a block have in common, in shared memory: so few atomics are needed */
struct Common {
  unsigned long long entries_start, flops[WARPS];
  int                late_start, entries[WARPS], late[WARPS], failed[WARPS];
};

/* Places for each warp's entries and late rows behind those that are there, the block's in one piece: where its begin in the piece */
__device__ static void Place(Common *all, int entries, int late, GNNKernelStatus *status)
{
  __syncthreads(); /* the places of the rows before have been read */
  if (threadIdx.x % 32 == 0) {
    all->entries[threadIdx.x / 32] = entries;
    all->late[threadIdx.x / 32]    = late;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    int sum[2] = {0, 0};

    for (int warp = 0; warp < (int)blockDim.x / 32; warp++) {
      const int count[2] = {all->entries[warp], all->late[warp]};

      all->entries[warp] = sum[0];
      all->late[warp]    = sum[1];
      sum[0] += count[0];
      sum[1] += count[1];
    }
    if (sum[0]) all->entries_start = AtomicAdd(&status->entries, (unsigned long long)sum[0]);
    if (sum[1]) all->late_start = AtomicAdd(&status->late, sum[1]);
  }
  __syncthreads();
}

template <int LANES>
__device__ static void Store(const GNNKernelGraph &g, const GNNKernelFsai &f, Row &w, int positive, Common *all, GNNKernelStatus *status)
{
  const int here = w.i >= 0 && !w.late, warp = threadIdx.x / 32, group = threadIdx.x % 32 / LANES;
  int       count = 0, before = 0, entries = 0;

  if (here && !positive) { /* Jacobi's row, which others read behind Place(); in columns that are kept */
    if (!f.kept) w.m = 0;
    for (int k = w.lane; k <= w.m; k += LANES) w.x[k] = k == w.m ? 1.0 : 0.0;
  }
  if (here && !f.slots) count = w.m + 1;
  for (int k = 0; k < 32 / LANES; k++) {
    const int other = Shuffle(count, k * LANES);

    if (k < group) before += other;
    entries += other;
  }
  const unsigned late = GroupBallot<32>(w.late && w.lane == 0);

  Place(all, entries, CountBits(late), status);
  if (w.late && w.lane == 0) f.late[all->late_start + all->late[warp] + CountBits(late & ((1u << group * LANES) - 1))] = w.i;
  if (!f.slots) {
    if (here && w.lane == 0) f.count[w.i] = count;
    StorePiece<LANES>(f, w, count, f.kept && count > 0 ? f.start[w.i] : all->entries_start + all->entries[warp] + before);
  } else if (here) StoreSlots<LANES>(g, f, w);
}

/* Sums over the block */
__device__ static void Count(Common *all, unsigned long long flops, int failed, GNNKernelStatus *status)
{
  flops  = GroupSum<32>(flops);
  failed = GroupSum<32>(failed);
  if (threadIdx.x % 32 == 0) {
    all->flops[threadIdx.x / 32]  = flops;
    all->failed[threadIdx.x / 32] = failed;
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int warp = 1; warp < (int)blockDim.x / 32; warp++) {
    flops += all->flops[warp];
    failed += all->failed[warp];
  }
  if (flops) AtomicAdd(&status->flops, flops);
  if (failed) AtomicAdd(&status->failed, failed);
}

/* ---- launches ---- */

#define SECOND_SIZE   1024 /* room for neighbours in the second pass, and its most blocks */
#define SECOND_BLOCKS 1024

template <int LANES>
__global__ static void Rows(GNNKernelGraph g, GNNKernelFsai f, int cap, int size, int second, GNNKernelStatus *status)
{
  GNN_SHARED(double, shared);
  const int rows = blockDim.x / LANES, group = threadIdx.x / LANES, number = second ? status->late : g.n;
  Common   *all    = (Common *)shared;
  int       failed = 0;
  Row       w;

  RowPlace(w, shared + sizeof(Common) / sizeof(double) + group * RowDoubles(cap, size), cap, size);
  w.lane  = threadIdx.x % LANES;
  w.flops = 0;
  for (int first = blockIdx.x * rows; first < number; first += gridDim.x * rows) {
    const int at = first + group;
    int       positive;

    w.i    = at >= number ? -1 : second ? f.late[at] : at;
    w.on   = w.i >= 0 && f.unit[w.i] != 0.0;
    w.m    = -1;
    w.late = 0;
    if (f.kept) Keep<LANES>(f, w, status);
    else Seed<LANES>(g, f, w);
    positive = Run<LANES>(g, f, w, second);
    Store<LANES>(g, f, w, positive, all, status);
    failed += w.lane == 0 && w.i >= 0 && !positive && !w.late;
  }
  Count(all, w.flops, failed, status);
}

template <int LANES>
static void LaunchRows(GNNKernelGraph g, GNNKernelFsai f, int cap, int size, int second, GNNKernelStatus *status, GNNStream stream)
{
  const int warp = 32 / LANES * RowDoubles(cap, size) * (int)sizeof(double), fit = (48 * 1024 - (int)sizeof(Common)) / warp;
  const int warps = second || fit < 1 ? 1 : fit < WARPS ? fit : WARPS;
  const int grid  = second ? (g.n < SECOND_BLOCKS ? Blocks(g.n, 1) : SECOND_BLOCKS) : Blocks((long long)g.n * LANES, 32 * warps);

  GNN_LAUNCH((Rows<LANES>), grid, 32 * warps, (int)sizeof(Common) + warps * warp, stream, g, f, cap, size, second, status);
}

int GNNKernelFsaiRows(GNNKernelGraph g, GNNKernelFsai f, GNNKernelStatus *status, GNNStream stream)
{
  const int grown = GNNFsaiStages(f.threshold) > 0, most = grown || f.longest > GNN_FSAI_MAX ? GNN_FSAI_MAX : f.longest;
  const int cap = most < 2 * f.lanes ? most : 2 * f.lanes, grow = grown && !f.kept, size = grow ? 16 * f.lanes : 0;

  if (f.lanes == 8) LaunchRows<8>(g, f, cap, size, 0, status, stream);
  else if (f.lanes == 16) LaunchRows<16>(g, f, cap, size, 0, status, stream);
  else LaunchRows<32>(g, f, cap, size, 0, status, stream);
  if (cap < most || size > 0) LaunchRows<32>(g, f, GNN_FSAI_MAX, grow ? SECOND_SIZE : 0, 1, status, stream);
  return GPUError();
}
