/*
   The factor and its products. A block takes a tile of consecutive rows: its entries are read side by side and multiplied into shared
   memory, then each row is summed there, by the more lanes the fewer rows there are: memory is read in one sweep, and no thread has much more to add
   than the others, whatever the rows' lengths.
*/
#include "common.cuh"

#define BLOCK 256

/* ---- values ---- */

/* Entry k: (i, j) of G^T S^T, at its own place in that matrix or at (j, i) of S G. A block's row of G^T lies together; apart: without S */
template <bool BLOCKS>
__device__ __forceinline__ double Value(const GNNKernelMat &m, int k, const double *slots, int apart, const GNNKernelGraph &g)
{
  const int b = BlockSize<BLOCKS>(g), p = m.slot[k], j = g.j[p], c = j % b;

  return apart ? slots[p] : GNNBlockFolded(b, slots + p - c, g.s + (j - c) * b, c);
}

#define LANES 8 /* that share a row */

template <bool BLOCKS>
__global__ static void RowScales(GNNKernelMat gt, const double *slots, int apart, GNNKernelGraph g)
{
  const int i = (blockIdx.x * BLOCK + threadIdx.x) / LANES, lane = threadIdx.x % LANES, end = i < gt.n ? gt.i[i + 1] : 0;
  double    largest = 0.0;

  for (int k = i < gt.n ? gt.i[i] + lane : end; k < end; k += LANES) largest = fmax(largest, fabs(Value<BLOCKS>(gt, k, slots, apart, g)));
  largest = GroupMax<LANES>(largest);
  if (i < gt.n && lane == 0) gt.scale[i] = GNNHalfScale(largest);
}

template <class T, bool BLOCKS>
__global__ static void FillValues(GNNKernelMat m, T *v, const double *scale, const double *slots, int apart, GNNKernelGraph g)
{
  const int k = blockIdx.x * BLOCK + threadIdx.x;

  if (k < m.i[m.n]) PutNumber(v + k, Value<BLOCKS>(m, k, slots, apart, g), scale ? scale[g.j[g.rev[m.slot[k]]]] : 1.0);
}

template <class T>
static int LaunchFill(GNNKernelMat gt, GNNKernelMat gm, const double *slots, int apart, GNNKernelGraph g, GNNStream stream)
{
  const GNNKernelMat m[] = {gt, gm};

  if (gt.scale) GNN_LAUNCH_BLOCKS(g.b, RowScales, Blocks((long long)g.n * LANES, BLOCK), BLOCK, 0, stream, gt, slots, apart, g);
  for (int k = 0; k < 2; k++) {
    if (g.b > 1) GNN_LAUNCH((FillValues<T, true>), Blocks(m[k].nz, BLOCK), BLOCK, 0, stream, m[k], (T *)m[k].v, gt.scale, slots, apart, g);
    else GNN_LAUNCH((FillValues<T, false>), Blocks(m[k].nz, BLOCK), BLOCK, 0, stream, m[k], (T *)m[k].v, gt.scale, slots, apart, g);
  }
  return GPUError();
}

int GNNKernelFill(GNNKernelMat gt, GNNKernelMat gm, const double *slots, int apart, GNNKernelGraph g, GNNStream stream)
{
  if (gt.precision == GNN_HALF) return LaunchFill<unsigned>(gt, gm, slots, apart, g, stream);
  return gt.precision == GNN_SINGLE ? LaunchFill<float>(gt, gm, slots, apart, g, stream) : LaunchFill<double>(gt, gm, slots, apart, g, stream);
}

/* A coupled and a decoupled unknown of a node have 0 either way */
template <bool BLOCKS>
__global__ static void ShiftRows(GNNKernelGraph g, double epsilon, double *shift)
{
  const int b = BlockSize<BLOCKS>(g), row = blockIdx.x * BLOCK + threadIdx.x, i = row / b, r = row % b;

  if (row >= g.n) return;
  for (int c = 0; c < b; c++) shift[row * b + c] = IsCoupled(g, b, i, r) ? GNNBlockShift(b, epsilon, g.s + i * b * b, r, c) : g.inverse[row * b + c];
}

int GNNKernelShift(GNNKernelGraph g, double epsilon, double *shift, GNNStream stream)
{
  GNN_LAUNCH_BLOCKS(g.b, ShiftRows, Blocks(g.n, BLOCK), BLOCK, 0, stream, g, epsilon, shift);
  return GPUError();
}

/* ---- products ---- */

/* Where product k of a tile lies: a gap after every sixteen keeps rows of equal length out of each other's memory banks */
__device__ __forceinline__ int Spread(int k)
{
  return k + k / 16;
}

#define MINE (GNN_KERNEL_CHUNK / BLOCK) /* entries of a chunk that are a thread's: every BLOCK-th */

/* Loads values and columns of a thread's entries */
template <class T>
__device__ __forceinline__ void Load(const T *v, const int *j, int base, int count, T value[MINE], int column[MINE])
{
  (void)base;
#pragma unroll
  for (int c = 0; c < MINE; c++) {
    const int k = threadIdx.x + c * BLOCK;

    value[c]  = k < count ? LoadOnce(v + k) : 0;
    column[c] = k < count ? LoadOnce(j + k) : 0;
  }
}

__device__ __forceinline__ void Load(const unsigned *v, const int *j, int base, int count, unsigned word[MINE], int column[MINE])
{
#pragma unroll
  for (int c = 0; c < MINE; c++) word[c] = threadIdx.x + c * BLOCK < count ? LoadOnce(v + threadIdx.x + c * BLOCK) : 0;
#pragma unroll
  for (int c = 0; c < MINE; c++) column[c] = base + (int)GNNWordOffset(word[c]);
  if (base != GNN_KERNEL_WIDE) return;
#pragma unroll
  for (int c = 0; c < MINE; c++) column[c] = threadIdx.x + c * BLOCK < count ? LoadOnce(j + threadIdx.x + c * BLOCK) : 0;
}

template <class T>
__device__ __forceinline__ double Number(T value)
{
  return value;
}

template <>
__device__ __forceinline__ double Number(unsigned word)
{
  return GNNWordNumber(word);
}

/* A thread's entries of a chunk times those of x, which wait for memory together; 0 where there are no more */
template <class T>
__device__ __forceinline__ void Products(const T *v, const int *j, int base, int count, const double *x, double product[MINE])
{
  T   value[MINE];
  int column[MINE];

  Load(v, j, base, count, value, column);
#pragma unroll
  for (int c = 0; c < MINE; c++) product[c] = threadIdx.x + c * BLOCK < count ? x[column[c]] : 0.0;
#pragma unroll
  for (int c = 0; c < MINE; c++) product[c] *= Number(value[c]);
}

/* Dot product of a row that does not fit into a chunk; the whole block, in a fixed order; valid in thread 0 */
template <class T>
__device__ static double LongRow(const T *v, const int *j, int base, int count, const double *x, double *shared)
{
  double sum = 0.0;

  for (int k = 0; k < count; k += GNN_KERNEL_CHUNK) {
    double product[MINE];

    Products(v + k, j + k, base, count - k, x, product);
    for (int c = 0; c < MINE; c++) sum += product[c];
  }
  sum = GroupSum<32>(sum);
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = sum;
  __syncthreads();
  sum = 0.0;
  for (int w = 0; w < BLOCK / 32; w++) sum += shared[w];
  return sum;
}

/* As many lanes sum up a row, as a power of 2, as the block has for each of a tile's */
__device__ __forceinline__ int RowLanes(int rows)
{
  int power = 0;

  while (power < 5 && rows << (power + 1) <= BLOCK) power++;
  return power;
}

/* What a product adds: nothing, r, or shift r with blocks of one number or of b x b */
enum Shift {
  SHIFT_NONE,
  SHIFT_ONE,
  SHIFT_NUMBERS,
  SHIFT_BLOCKS
};

/* (shift r)_i */
template <Shift SHIFT>
__device__ __forceinline__ double Shifted(int b, const double *shift, const double *r, int i)
{
  double sum = 0.0;

  if (SHIFT == SHIFT_ONE) sum = r[i];
  if (SHIFT == SHIFT_NUMBERS) sum = shift[i] * r[i];
  if (SHIFT == SHIFT_BLOCKS) {
    for (int c = 0; c < b; c++) sum += shift[i * b + c] * r[i - i % b + c];
  }
  return sum;
}

/* y = M x + shift r */
template <class T, Shift SHIFT>
__global__ static void __launch_bounds__(BLOCK) Multiply(GNNKernelMat m, const double *x, int b, const double *shift, const double *r, double *y)
{
  GNN_SHARED(double, products);
  const T  *v     = (const T *)m.v;
  const int first = m.tile[blockIdx.x], end = m.tile[blockIdx.x + 1], begin = m.i[first], base = m.base ? m.base[blockIdx.x] : 0;
  const int power = RowLanes(end - first), lanes = 1 << power, lane = threadIdx.x & (lanes - 1), number = threadIdx.x >> power;
  const int mine = first + number < end ? first + number : end - 1, start = m.i[mine], stop = m.i[mine + 1]; /* of this thread's first row, read ahead */
  int       last = end, count = m.i[last] - begin;
  double    product[MINE];

  if (count > GNN_KERNEL_CHUNK) { /* for its last row, which is done first */
    const int    row = --last, from = m.i[row];
    const double sum = LongRow(v + from, m.j + from, base, begin + count - from, x, products), d = m.scale ? m.scale[row] : 1.0;

    if (threadIdx.x == 0) y[row] = sum * d * d + Shifted<SHIFT>(b, shift, r, row);
    if (row == first) return;
    count = from - begin;
    __syncthreads();
  }
  Products(v + begin, m.j + begin, base, count, x, product);
  const double scale = m.scale ? m.scale[mine] : 1.0, shifted = Shifted<SHIFT>(b, shift, r, mine); /* likewise */
#pragma unroll
  for (int c = 0; c < MINE; c++) {
    if (threadIdx.x + c * BLOCK < count) products[Spread(threadIdx.x + c * BLOCK)] = product[c];
  }
  __syncthreads();
  for (int row = first; row < last; row += BLOCK >> power) {
    const int    i = row + number, here = i < last, ahead = i == mine;
    const int    from = ahead ? start : here ? m.i[i] : 0, to = ahead ? stop : here ? m.i[i + 1] : 0;
    const double d   = ahead || !here || !m.scale ? scale : m.scale[i];
    double       sum = 0.0;

    for (int k = from - begin + lane; here && k < to - begin; k += lanes) sum += products[Spread(k)];
    for (int step = lanes / 2; step > 0; step /= 2) sum += ShuffleXor(sum, step);
    if (here && lane == 0) y[i] = sum * d * d + (ahead ? shifted : Shifted<SHIFT>(b, shift, r, i));
  }
}

template <class T, Shift SHIFT>
static int LaunchMultiply(GNNKernelMat m, const double *x, int b, const double *shift, const double *r, double *y, GNNStream stream)
{
  const int shared = (GNN_KERNEL_CHUNK + GNN_KERNEL_CHUNK / 16) * (int)sizeof(double);

  if (m.ntiles > 0) GNN_LAUNCH((Multiply<T, SHIFT>), m.ntiles, BLOCK, shared, stream, m, x, b, shift, r, y);
  return GPUError();
}

template <Shift SHIFT>
static int LaunchMultiplyOfType(GNNKernelMat m, const double *x, int b, const double *shift, const double *r, double *y, GNNStream stream)
{
  if (m.precision == GNN_HALF) return LaunchMultiply<unsigned, SHIFT>(m, x, b, shift, r, y, stream);
  return m.precision == GNN_SINGLE ? LaunchMultiply<float, SHIFT>(m, x, b, shift, r, y, stream) : LaunchMultiply<double, SHIFT>(m, x, b, shift, r, y, stream);
}

int GNNKernelMultiply(GNNKernelMat m, const double *x, double *y, GNNStream stream)
{
  return LaunchMultiplyOfType<SHIFT_NONE>(m, x, 1, NULL, NULL, y, stream);
}

int GNNKernelMultiplyAdd(GNNKernelMat m, const double *x, double *y, GNNStream stream)
{
  return LaunchMultiplyOfType<SHIFT_ONE>(m, x, 1, NULL, y, y, stream);
}

int GNNKernelMultiplyShift(GNNKernelMat m, const double *u, int b, const double *shift, const double *r, double *z, GNNStream stream)
{
  return b > 1 ? LaunchMultiplyOfType<SHIFT_BLOCKS>(m, u, b, shift, r, z, stream) : LaunchMultiplyOfType<SHIFT_NUMBERS>(m, u, b, shift, r, z, stream);
}

/* ---- S beside a factor that it is not folded into ---- */

__global__ static void ScaleBefore(GNNKernelGraph g, const double *r, double *x)
{
  const int i = blockIdx.x * BLOCK + threadIdx.x;

  if (i < g.nodes) GNNBlockTransposeTimes(g.b, g.s + i * g.b * g.b, r + i * g.b, x + i * g.b);
}

int GNNKernelScaleBefore(GNNKernelGraph g, const double *r, double *x, GNNStream stream)
{
  GNN_LAUNCH(ScaleBefore, Blocks(g.nodes, BLOCK), BLOCK, 0, stream, g, r, x);
  return GPUError();
}

__global__ static void ScaleAfter(GNNKernelGraph g, const double *shift, const double *r, double *z)
{
  const int i = blockIdx.x * BLOCK + threadIdx.x;

  if (i < g.nodes) GNNBlockTimesAdd(g.b, g.s + i * g.b * g.b, shift + i * g.b * g.b, r + i * g.b, z + i * g.b);
}

int GNNKernelScaleAfter(GNNKernelGraph g, const double *shift, const double *r, double *z, GNNStream stream)
{
  GNN_LAUNCH(ScaleAfter, Blocks(g.nodes, BLOCK), BLOCK, 0, stream, g, shift, r, z);
  return GPUError();
}
