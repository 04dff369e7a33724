/*
   Kernels with one fault each, for the emulated device to find: faults NAME. Ends with 0 where nothing was found, and the result is right.
*/
#include "../../../kernels/rows.cuh"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 64

/* a[t] = 1 + 2 + ... + 64, as the others need it: a barrier before and behind what is written, and a shuffle by all lanes */
__global__ static void Sound(int *a)
{
  GNN_SHARED(int, shared);
  int sum = 0;

  shared[threadIdx.x] = GroupSum<32>(threadIdx.x + 1);
  __syncthreads();
  for (int w = 0; w < THREADS / 32; w++) sum += shared[32 * w];
  a[threadIdx.x] = sum;
}

__global__ static void BehindEnd(int *a)
{
  a[threadIdx.x == THREADS - 1 ? THREADS : threadIdx.x] = 0;
}

__global__ static void BeforeBegin(int *a)
{
  a[(int)threadIdx.x - 1] = 0;
}

__global__ static void BehindShared(int *a)
{
  GNN_SHARED(int, shared);

  shared[threadIdx.x + 1] = 0;
  a[threadIdx.x]          = 0;
}

__global__ static void DivergentShuffle(int *a)
{
  int x = threadIdx.x;

  if (threadIdx.x % 2) x = Shuffle(x, 1);
  a[threadIdx.x] = x;
}

__global__ static void TwoShuffles(int *a)
{
  int x = threadIdx.x;

  if (threadIdx.x % 2) x = Shuffle(x, 1);
  else x = Shuffle(x, 0);
  a[threadIdx.x] = x;
}

__global__ static void PartOfBlock(int *a)
{
  if (threadIdx.x < 32) __syncthreads();
  a[threadIdx.x] = 0;
}

/* The shuffle orders nothing */
__global__ static void OrderedByShuffle(int *a)
{
  GNN_SHARED(int, shared);
  int sum = 0;

  shared[threadIdx.x] = threadIdx.x + 1;
  (void)Shuffle(sum, 0);
  for (int t = 0; t < 32; t++) sum += shared[threadIdx.x / 32 * 32 + t];
  a[threadIdx.x] = sum;
}

/* Both blocks write a */
__global__ static void BetweenBlocks(int *a)
{
  a[threadIdx.x] = blockIdx.x;
}

/* A GPU loads two floats at once from multiples of 8 bytes only */
__global__ static void Misaligned(int *a)
{
  GNN_SHARED(float, shared);

  shared[threadIdx.x] = 1.0f;
  __syncthreads();
  a[threadIdx.x] = (int)((const float2 *)(shared + 1))[threadIdx.x % 4].x;
}

/* Shared memory that nobody wrote, on the tensor cores */
__global__ static void Unwritten(int *a)
{
  GNN_SHARED(float, shared);
  const unsigned x = ToTF32(shared[threadIdx.x]), left[4] = {x, x, x, x}, right[2] = {x, x};
  float          c[4] = {0.0f, 0.0f, 0.0f, 0.0f};

  MMA(c, left, right);
  a[threadIdx.x] = (int)Bits(c[0]);
}

static const struct {
  const char *name;
  void (*kernel)(int *);
  int blocks, shared = THREADS * (int)sizeof(int);
} faults[] = {{"nothing", Sound, 1}, {"a write behind the end", BehindEnd, 1}, {"a write before the beginning", BeforeBegin, 1}, {"a write behind shared memory", BehindShared, 1}, {"a shuffle in a branch", DivergentShuffle, 1}, {"a shuffle in either branch", TwoShuffles, 1}, {"a barrier in half a block", PartOfBlock, 1}, {"a shuffle as a barrier", OrderedByShuffle, 1}, {"blocks that write to one place", BetweenBlocks, 2}, {"a load that is not aligned", Misaligned, 1}, {"memory that nobody wrote", Unwritten, 1}, {"a launch without blocks", Sound, 0}, {"too much shared memory", Sound, 1, 48 * 1024 + 16}};

int main(int argc, char **argv)
{
  int *a, host[THREADS];

  for (const auto &fault : faults) {
    if (argc != 2 || strcmp(argv[1], fault.name)) continue;
    if (GPUMalloc((void **)&a, sizeof(host))) return 2;
    GNN_LAUNCH(fault.kernel, fault.blocks, THREADS, fault.shared, NULL, a);
    GPUToHost(host, a, sizeof(host), NULL);
    if (host[0] != -1) printf("a copy is there before it is waited for\n");
    GPUWait(NULL);
    GPUFree(a);
    if (fault.kernel == Unwritten && EmulateFromBits((unsigned)host[0]) != EmulateFromBits((unsigned)host[0])) {
      printf("no number\n");
      return 1;
    }
    return fault.kernel == Sound && host[0] != THREADS * (THREADS + 1) / 2;
  }
  fprintf(stderr, "no such fault\n");
  return 2;
}
