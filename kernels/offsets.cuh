/* Row offsets from counts */
#pragma once

#include "common.cuh"

#define BLOCK 256

/* Sum of the x of the threads before this one, and in *all that of the block */
__device__ static int BlockScan(int x, int *all)
{
  GNN_SHARED(int, warps);
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  int       sum = x, before = 0;

  for (int d = 1; d < 32; d *= 2) {
    const int other = Shuffle(sum, (lane + 32 - d) % 32);

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

/* out[k] = in[0] + ... + in[k - 1], k = 0 ... n; out may be in */
static void Scan(int n, const int *in, int *sums, int *out, GNNStream stream)
{
  const int blocks = Blocks(n, GNN_KERNEL_SCAN), shared = BLOCK / 32 * (int)sizeof(int);

  GNN_LAUNCH(ScanSums, blocks, BLOCK, shared, stream, n, in, sums);
  GNN_LAUNCH(ScanOffsets, 1, BLOCK, shared, stream, blocks, sums, out + n);
  GNN_LAUNCH(ScanWrite, blocks, BLOCK, shared, stream, n, in, sums, out);
}
