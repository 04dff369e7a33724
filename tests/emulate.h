/*
   CUDA on the host, as much as kernels/ needs: each thread of a block is a coroutine, blocks run one after the other. A barrier of a
   block or of a warp lets every other coroutine run until all have come. This tests the kernels' arithmetic, indices and barriers on a
   machine without a GPU; it finds neither races within a warp's step nor anything about speed.
*/
#pragma once

#include <math.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <functional>
#include <map>
#include <string>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)

typedef int   cudaError_t;
typedef void *cudaStream_t;
enum {
  cudaSuccess                = 0,
  cudaErrorMemoryAllocation  = 2,
  cudaMemcpyHostToDevice     = 1,
  cudaMemcpyDeviceToHost     = 2,
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrMaxSharedMemoryPerBlockOptin = 97,
  cudaFuncAttributeMaxDynamicSharedMemorySize = 8
};

/* Launches by kernel, copies by direction with their bytes, waits: printed at exit where EMULATE_COUNT is set */
struct EmulateCounts {
  struct Count {
    long long times, bytes;
  };
  std::map<std::string, Count> of;

  void add(const char *what, size_t bytes)
  {
    of[what].times++;
    of[what].bytes += bytes;
  }

  ~EmulateCounts()
  {
    if (!getenv("EMULATE_COUNT")) return;
    for (const auto &c : of) fprintf(stderr, "emulate: %8lld times, %12lld bytes: %s\n", c.second.times, c.second.bytes, c.first.c_str());
  }
};

inline EmulateCounts emulate_counts;

static inline int cudaMalloc(void **p, size_t bytes)
{
  *p = malloc(bytes);
  if (*p) memset(*p, 0xFF, bytes); /* NaN: what a kernel forgot to write shows */
  return *p ? cudaSuccess : cudaErrorMemoryAllocation;
}

static inline int cudaFree(void *p)
{
  free(p);
  return cudaSuccess;
}

#define cudaMallocHost cudaMalloc
#define cudaFreeHost   cudaFree

static inline int cudaMemcpyAsync(void *to, const void *from, size_t bytes, int direction, cudaStream_t)
{
  emulate_counts.add(direction == cudaMemcpyDeviceToHost ? "copied to the host" : "copied to the device", bytes);
  memcpy(to, from, bytes);
  return cudaSuccess;
}

static inline int cudaMemsetAsync(void *p, int byte, size_t bytes, cudaStream_t)
{
  memset(p, byte, bytes);
  return cudaSuccess;
}

static inline int cudaStreamSynchronize(cudaStream_t)
{
  emulate_counts.add("waited for the stream", 0);
  return cudaSuccess;
}

static inline int cudaGetLastError(void)
{
  return cudaSuccess;
}

static inline const char *cudaGetErrorString(cudaError_t)
{
  return "out of memory";
}

static inline int cudaGetDeviceCount(int *count)
{
  *count = 1;
  return cudaSuccess;
}

static inline int cudaGetDevice(int *device)
{
  *device = 0;
  return cudaSuccess;
}

static inline int cudaDeviceGetAttribute(int *value, int attribute, int)
{
  *value = attribute == cudaDevAttrMultiProcessorCount ? 2 : 96 * 1024; /* few processors, so that blocks take several tiles */
  return cudaSuccess;
}

static inline int cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *, int, size_t)
{
  *blocks = 1;
  return cudaSuccess;
}

static inline int cudaFuncSetAttribute(const void *, int, int)
{
  return cudaSuccess;
}

struct float2 {
  float x, y;
};

struct float4 {
  float x, y, z, w;
};

static inline float2 make_float2(float x, float y)
{
  return {x, y};
}

/* ---- threads ---- */

struct EmulateDim {
  int x;
};

#define EMULATE_MAX_THREADS 1024
#define EMULATE_STACK       (256 * 1024)

struct EmulateBarrier {
  int waiting, generation;
};

struct Emulate {
  int                   nthreads, running, alive;
  ucontext_t            host, context[EMULATE_MAX_THREADS]; /* to start a coroutine on its stack */
  jmp_buf               at[EMULATE_MAX_THREADS];            /* to go on with it: without the system call that a ucontext costs */
  bool                  started[EMULATE_MAX_THREADS], done[EMULATE_MAX_THREADS];
  char                 *stack[EMULATE_MAX_THREADS];
  EmulateBarrier        block, warp[EMULATE_MAX_THREADS / 32];
  unsigned              parity[EMULATE_MAX_THREADS];
  uint64_t              slot[2][EMULATE_MAX_THREADS];
  std::function<void()> body;
  char                 *shared;
};

inline Emulate   emulate;
inline EmulateDim threadIdx, blockIdx, blockDim, gridDim;

static inline void EmulateNext(void)
{
  const int from = emulate.running;
  int       to   = from;

  do to = (to + 1) % emulate.nthreads;
  while (emulate.done[to] && to != from);
  if (to == from) return;
  if (_setjmp(emulate.at[from]) == 0) {
    emulate.running = threadIdx.x = to;
    if (emulate.started[to]) _longjmp(emulate.at[to], 1);
    setcontext(&emulate.context[to]);
  }
  emulate.running = threadIdx.x = from;
}

/* All size threads must come; a thread that has returned would be waited for in vain, which is the error it is on a GPU too */
static inline void EmulateWait(EmulateBarrier &b, int size)
{
  const int generation = b.generation;
  long      spins      = 0;

  if (++b.waiting == size) {
    b.waiting = 0;
    b.generation++;
    return;
  }
  while (b.generation == generation) {
    if (++spins > 100000) {
      fprintf(stderr, "emulate: a barrier that not all threads reach\n");
      abort();
    }
    EmulateNext();
  }
}

static inline void __syncthreads(void)
{
  EmulateWait(emulate.block, emulate.nthreads);
}

static inline void __syncwarp(void)
{
  EmulateWait(emulate.warp[emulate.running / 32], 32);
}

/* Every lane leaves x; *all is where the warp's values lie until the next exchange but one */
static inline uint64_t *EmulateExchange(uint64_t x)
{
  const int t = emulate.running;
  uint64_t *slot = emulate.slot[emulate.parity[t]++ % 2];

  slot[t] = x;
  __syncwarp();
  return slot + t / 32 * 32;
}

template <class T>
static inline T __shfl_sync(unsigned, T x, int lane)
{
  uint64_t bits = 0;

  memcpy(&bits, &x, sizeof(T));
  bits = EmulateExchange(bits)[lane & 31];
  memcpy(&x, &bits, sizeof(T));
  return x;
}

template <class T>
static inline T __shfl_xor_sync(unsigned mask, T x, int d)
{
  return __shfl_sync(mask, x, (emulate.running & 31) ^ d);
}

static inline unsigned __ballot_sync(unsigned, int yes)
{
  const uint64_t *all  = EmulateExchange(yes != 0);
  unsigned        bits = 0;

  for (int lane = 0; lane < 32; lane++) bits |= (unsigned)all[lane] << lane;
  return bits;
}

static inline int __any_sync(unsigned mask, int yes)
{
  return __ballot_sync(mask, yes) != 0;
}

static inline int __popc(unsigned bits)
{
  return __builtin_popcount(bits);
}

static inline int __ffs(unsigned bits)
{
  return __builtin_ffs((int)bits);
}

static inline int atomicOr(int *p, int x)
{
  const int old = *p;

  *p |= x;
  return old;
}

static inline int atomicMin(int *p, int x)
{
  const int old = *p;

  if (x < old) *p = x;
  return old;
}

template <class T>
static inline T atomicAdd(T *p, T x)
{
  const T old = *p;

  *p += x;
  return old;
}

static inline int atomicCAS(int *p, int expected, int x)
{
  const int old = *p;

  if (old == expected) *p = x;
  return old;
}

/* ---- tensor cores: mma.m16n8k8 on TF32 ---- */

static inline unsigned EmulateToTF32(float x)
{
  unsigned bits;

  memcpy(&bits, &x, 4);
  return (bits + 0x1000) & 0xFFFFE000u; /* to nearest, ties away */
}

static inline float EmulateFromBits(unsigned bits)
{
  float x;

  memcpy(&x, &bits, 4);
  return x;
}

static inline void EmulateMMA(float c[4], const unsigned a[4], const unsigned b[2])
{
  const int g = (emulate.running & 31) / 4, t = emulate.running & 3;
  uint64_t  regs[6][32];

  for (int k = 0; k < 6; k++) memcpy(regs[k], EmulateExchange(k < 4 ? a[k] : b[k - 4]), sizeof(regs[k]));
  for (int l = 0; l < 4; l++) {
    const int row = l < 2 ? g : g + 8, col = 2 * t + l % 2;

    for (int k = 0; k < 8; k++) c[l] += EmulateFromBits((unsigned)regs[(k >= 4) * 2 + (row >= 8)][row % 8 * 4 + k % 4]) * EmulateFromBits((unsigned)regs[4 + (k >= 4)][col * 4 + k % 4]);
  }
}

/* ---- launches ---- */

static void EmulateThread(void)
{
  const int me = emulate.running;

  emulate.started[me] = true;
  emulate.body();
  emulate.done[me] = true;
  if (--emulate.alive == 0) setcontext(&emulate.host);
  EmulateNext();
}

static inline void EmulateBlock(int nthreads, size_t shared, std::function<void()> body)
{
  emulate.nthreads = emulate.alive = nthreads;
  emulate.body                     = body;
  emulate.block                    = {0, 0};
  emulate.shared                   = (char *)malloc(shared > 0 ? shared : 1);
  memset(emulate.shared, 0xFF, shared);
  for (int t = 0; t < nthreads; t++) {
    if (!emulate.stack[t]) emulate.stack[t] = (char *)malloc(EMULATE_STACK);
    emulate.started[t] = emulate.done[t] = false;
    emulate.parity[t]  = 0;
    emulate.warp[t / 32] = {0, 0};
    getcontext(&emulate.context[t]);
    emulate.context[t].uc_stack.ss_sp   = emulate.stack[t];
    emulate.context[t].uc_stack.ss_size = EMULATE_STACK;
    emulate.context[t].uc_link          = &emulate.host;
    makecontext(&emulate.context[t], EmulateThread, 0);
  }
  emulate.running = threadIdx.x = 0;
  swapcontext(&emulate.host, &emulate.context[0]);
  free(emulate.shared);
}

#define GNN_SHARED(Type, name) Type *name = (Type *)emulate.shared
#define GNN_LAUNCH(kernel, grid, block, shared, stream, ...) \
  do { \
    (void)(stream); \
    emulate_counts.add("launch of " #kernel, 0); \
    gridDim.x  = (grid); \
    blockDim.x = (block); \
    for (blockIdx.x = 0; blockIdx.x < gridDim.x; blockIdx.x++) EmulateBlock(blockDim.x, (shared), [=] { kernel(__VA_ARGS__); }); \
  } while (0)
