/*
   kernels/gpu.h on the host, for machines without a GPU and stricter than one: the makefile includes it in front of the kernels. emulate.cc runs the
   threads of a block as coroutines, blocks one after the other, in an order that the standard does not promise otherwise:

   - EMULATE_SCHEDULE: random (the default: whoever can go on may be next, after every operation that threads meet at), shuffled (each block
     has an order of its own, the first that can goes on as far as it can) or descending; EMULATE_SEED (default 1) repeats a run. The first
     launch prints both. A shuffle or a vote hands over registers and orders no memory: a lane that has its value may run on before the others.
   - All lanes of a warp must meet at the same operation in the same line, all threads of a block at the same barrier;
     who waits for a thread that has returned, waits in vain. All of this ends the run, with what and where.
   - An access outside an array or shared memory hits a page that is not there: behind its end (up to a multiple of 16) or before its
     beginning, as the seed has it; what is written on the other side is found when it is freed. Memory starts as NaN; so does what is copied
     to the host, until somebody waits for the stream.
   - A pointer that is not aligned to what it points to, a launch without blocks, or with more shared memory than the kernel has asked for, ends
     the run, too.
   - Compiled by -fsanitize=thread (make test-race) every thread is one to ThreadSanitizer, which reports two accesses to an address that
     nothing orders, whatever the schedule: within a launch only __syncwarp() and __syncthreads() order anything.
   - EMULATE_COUNT: launches by kernel, copies and allocations with their bytes, waits, printed at exit.

   It says nothing of speed, of a GPU's rounding, or of what nvcc makes of the code.
*/
#pragma once

#define GNN_GPU_H

#include <math.h>
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <functional>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)

extern "C" long long EmulateCounted(const char *); /* times so far of all that EMULATE_COUNT would print whose name begins so */

/* ---- memory, stream, device ---- */

int GPUMalloc(void **, size_t);
int GPUFree(void *);
int GPUToDevice(void *, const void *, size_t, void *);
int GPUToHost(void *, const void *, size_t, void *);
int GPUWait(void *);
int GPUAllowShared(const void *, int);

/* Launches while a stream is captured are kept with their arguments; whatever else is asked for then ends the run. EMULATE_NO_GRAPH: that fails, at its end, or by what says 'launch' at the first one */
int GPUStreamCreate(void **);
int GPUStreamDestroy(void *);
int GPUCaptureBegin(void *);
int GPUCaptureEnd(void *, void **);
int GPUGraphLaunch(void *, void *);
int GPUGraphDestroy(void *);

#define GPUMallocHost GPUMalloc
#define GPUFreeHost   GPUFree

int GPUZero(void *, size_t, void *);

int GPUError(void);

static inline const char *GPUErrorString(int)
{
  return "out of memory";
}

static inline int GPUDevices(void)
{
  return 1;
}

/* Few, so that blocks take several tiles */
static inline int GPUProcessors(void)
{
  return 2;
}

static inline int GPUSharedLimit(void)
{
  return 96 * 1024;
}

static inline int GPUResident(const void *, int, int)
{
  return 1;
}

struct alignas(8) float2 {
  float x, y;
};

struct alignas(16) float4 {
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

/* Where in the source */
struct EmulatePlace {
  const char *file;
  int         line;
};

#define EMULATE_CALLER const char *file = __builtin_FILE(), int line = __builtin_LINE() /* as last parameters */

#define EMULATE_MAX_THREADS 1024
#define EMULATE_MAX_WORDS   6

extern EmulateDim threadIdx, blockIdx, blockDim, gridDim;
extern char      *emulate_shared; /* the block's shared memory */

/* All threads of the block come, or all lanes of the warp. Lanes hand over words: word k of a lane is at [k * EMULATE_MAX_THREADS + lane] of
   what comes back, until the next exchange but one */
void            EmulateBarrier(EmulatePlace);
void            EmulateWarpBarrier(EmulatePlace);
const uint64_t *EmulateExchange(int, const uint64_t[], const char *, EmulatePlace);
void            EmulateYield(void); /* another thread may go on, or not */
void            EmulateLaunch(const char *, const void *, int, int, size_t, void *, std::function<void()>);

#define GNN_SHARED(Type, name) Type *name = (Type *)emulate_shared
#define GNN_LAUNCH(kernel, grid, block, shared, stream, ...) \
  do { \
    EmulateLaunch(#kernel, (const void *)kernel, (grid), (block), (shared), (stream), [=] { kernel(__VA_ARGS__); }); \
  } while (0)

static inline void __syncthreads(EMULATE_CALLER)
{
  EmulateBarrier({file, line});
}

static inline void __syncwarp(EMULATE_CALLER)
{
  EmulateWarpBarrier({file, line});
}

template <class T>
static inline T Shuffle(T x, int lane, EMULATE_CALLER)
{
  uint64_t mine = 0;

  memcpy(&mine, &x, sizeof(T));
  memcpy(&x, EmulateExchange(1, &mine, "a shuffle", {file, line}) + (lane & 31), sizeof(T));
  return x;
}

template <class T>
static inline T ShuffleXor(T x, int d, EMULATE_CALLER)
{
  return Shuffle(x, (threadIdx.x & 31) ^ d, file, line);
}

static inline unsigned Ballot(int yes, EMULATE_CALLER)
{
  const uint64_t mine = yes != 0, *all = EmulateExchange(1, &mine, "a vote", {file, line});
  unsigned       bits = 0;

  for (int lane = 0; lane < 32; lane++) bits |= (unsigned)all[lane] << lane;
  return bits;
}

static inline int Any(int yes, EMULATE_CALLER)
{
  return Ballot(yes, file, line) != 0;
}

static inline int CountBits(unsigned bits)
{
  return __builtin_popcount(bits);
}

static inline int FirstBit(unsigned bits)
{
  return __builtin_ffs((int)bits);
}

/* ---- memory that others use; atomics are relaxed, as CUDA's are ---- */

template <class T>
static inline T LoadOnce(const T *p)
{
  return *p;
}

template <class T>
static inline T LoadRelaxed(const T *p)
{
  EmulateYield();
  return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline void Fence(void)
{
  static int order;

  __atomic_fetch_add(&order, 0, __ATOMIC_ACQ_REL); /* which ThreadSanitizer understands, as it does no fence */
}

static inline int AtomicOr(int *p, int x)
{
  EmulateYield();
  return __atomic_fetch_or(p, x, __ATOMIC_RELAXED);
}

template <class T>
static inline T AtomicAdd(T *p, T x)
{
  EmulateYield();
  return __atomic_fetch_add(p, x, __ATOMIC_RELAXED);
}

static inline int AtomicCAS(int *p, int expected, int x)
{
  EmulateYield();
  __atomic_compare_exchange_n(p, &expected, x, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return expected;
}

static inline int AtomicMin(int *p, int x)
{
  int old = LoadRelaxed(p);

  while (x < old && !__atomic_compare_exchange_n(p, &old, x, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) continue;
  return old;
}

/* ---- tensor cores: mma.m16n8k8 on TF32 ---- */

static inline unsigned Bits(float x)
{
  unsigned bits;

  memcpy(&bits, &x, 4);
  return bits;
}

static inline unsigned ToTF32(float x)
{
  if (x != x) return 0x7FFFFFFFu;          /* rounding would carry into its sign, and make a 0 of memory that nobody wrote */
  return (Bits(x) + 0x1000) & 0xFFFFE000u; /* to nearest, ties away */
}

static inline float EmulateFromBits(unsigned bits)
{
  float x;

  memcpy(&x, &bits, 4);
  return x;
}

static inline void MMA(float c[4], const unsigned a[4], const unsigned b[2], EMULATE_CALLER)
{
  const int      g = (threadIdx.x & 31) / 4, t = threadIdx.x & 3;
  const uint64_t mine[EMULATE_MAX_WORDS] = {a[0], a[1], a[2], a[3], b[0], b[1]}, *all = EmulateExchange(EMULATE_MAX_WORDS, mine, "mma", {file, line});

  for (int l = 0; l < 4; l++) {
    const int row = l < 2 ? g : g + 8, col = 2 * t + l % 2;

    for (int k = 0; k < 8; k++) {
      const uint64_t *ak = all + ((k >= 4) * 2 + (row >= 8)) * EMULATE_MAX_THREADS, *bk = all + (4 + (k >= 4)) * EMULATE_MAX_THREADS;

      c[l] += EmulateFromBits((unsigned)ak[row % 8 * 4 + k % 4]) * EmulateFromBits((unsigned)bk[col * 4 + k % 4]);
    }
  }
}
