/*
   All of CUDA that the kernels need, by names of ours: what a port to another GPU language rewrites. The tests' emulated device is another such
   header, which the makefile includes first and which defines GNN_GPU_H.

   What stays CUDA's by name are the words __global__, __device__, __host__, __forceinline__, __launch_bounds__, #pragma unroll, threadIdx,
   blockIdx, blockDim, gridDim, of which .x is used, the types float2 and float4, and the barriers __syncthreads() and __syncwarp(). A warp has 32
   lanes, which all come to each shuffle and vote.
*/
#if !defined(GNN_GPU_H)
  #define GNN_GPU_H

  #include <cuda_runtime.h>

/* ---- launches ---- */

  #define GNN_LAUNCH(kernel, grid, block, shared, stream, ...) kernel<<<(grid), (block), (shared), (cudaStream_t)(stream)>>>(__VA_ARGS__)

  /* Shared memory of the size that the launch has given, one array a kernel */
  #define GNN_SHARED(Type, name) extern __shared__ __align__(16) Type name[]

/* Of the last launches, 0 if there is none */
static inline int GPUError(void)
{
  return cudaGetLastError();
}

static inline const char *GPUErrorString(int error)
{
  return cudaGetErrorString((cudaError_t)error);
}

static inline int GPUAttribute(cudaDeviceAttr attribute, int otherwise)
{
  int device = 0, value = otherwise;

  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&value, attribute, device);
  return value;
}

static inline int GPUProcessors(void)
{
  return GPUAttribute(cudaDevAttrMultiProcessorCount, 1);
}

/* Most bytes of shared memory that a block may have; more than 48 KB where its kernel has asked for them */
static inline int GPUSharedLimit(void)
{
  return GPUAttribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, 0);
}

static inline int GPUAllowShared(const void *kernel, int bytes)
{
  return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
}

/* Blocks of so many threads that a processor has room for */
static inline int GPUResident(const void *kernel, int block, int shared)
{
  int resident = 1;

  cudaOccupancyMaxActiveBlocksPerMultiprocessor(&resident, kernel, block, shared);
  return resident;
}

/* ---- memory; host memory is page-locked ---- */

static inline int GPUDevices(void)
{
  int count = 0;

  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

static inline int GPUMalloc(void **p, size_t bytes)
{
  return cudaMalloc(p, bytes);
}

static inline int GPUFree(void *p)
{
  return cudaFree(p);
}

static inline int GPUMallocHost(void **p, size_t bytes)
{
  return cudaMallocHost(p, bytes);
}

static inline int GPUFreeHost(void *p)
{
  return cudaFreeHost(p);
}

static inline int GPUToDevice(void *to, const void *from, size_t bytes, void *stream)
{
  return cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, (cudaStream_t)stream);
}

/* The host has it when it has waited */
static inline int GPUToHost(void *to, const void *from, size_t bytes, void *stream)
{
  return cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, (cudaStream_t)stream);
}

static inline int GPUZero(void *p, size_t bytes, void *stream)
{
  return cudaMemsetAsync(p, 0, bytes, (cudaStream_t)stream);
}

static inline int GPUWait(void *stream)
{
  return cudaStreamSynchronize((cudaStream_t)stream);
}

/* ---- graphs: launches that are kept, and then done by one launch ---- */

/* Not the default stream, which nothing may use while this one is captured */
static inline int GPUStreamCreate(void **stream)
{
  return cudaStreamCreate((cudaStream_t *)stream);
}

static inline int GPUStreamDestroy(void *stream)
{
  return cudaStreamDestroy((cudaStream_t)stream);
}

static inline int GPUCaptureBegin(void *stream)
{
  return cudaStreamBeginCapture((cudaStream_t)stream, cudaStreamCaptureModeThreadLocal);
}

static inline int GPUGraphDestroy(void *graph)
{
  return cudaGraphExecDestroy((cudaGraphExec_t)graph);
}

/* Do the launches of captured become those of the graph? Where they are as many, of the same kernels */
static inline int GPUGraphRenew(void *graph, cudaGraph_t captured)
{
  #if CUDART_VERSION >= 12000
  cudaGraphExecUpdateResultInfo info;
  const cudaError_t             error = cudaGraphExecUpdate((cudaGraphExec_t)graph, captured, &info);
  #else
  cudaGraphNode_t           node;
  cudaGraphExecUpdateResult info;
  const cudaError_t         error = cudaGraphExecUpdate((cudaGraphExec_t)graph, captured, &node, &info);
  #endif

  if (error != cudaSuccess) cudaGetLastError(); /* the next one to ask is not to be told of it */
  return error == cudaSuccess;
}

/* A graph, NULL before, that fails to be made is NULL */
static inline int GPUCaptureEnd(void *stream, void **graph)
{
  cudaGraph_t captured = NULL;
  cudaError_t error    = cudaStreamEndCapture((cudaStream_t)stream, &captured);

  if (error == cudaSuccess && !(*graph && GPUGraphRenew(*graph, captured))) {
    if (*graph) GPUGraphDestroy(*graph);
    *graph = NULL;
    error  = cudaGraphInstantiateWithFlags((cudaGraphExec_t *)graph, captured, 0);
  }
  if (captured) cudaGraphDestroy(captured);
  if (error != cudaSuccess) cudaGetLastError();
  return error;
}

static inline int GPUGraphLaunch(void *graph, void *stream)
{
  return cudaGraphLaunch((cudaGraphExec_t)graph, (cudaStream_t)stream);
}

/* ---- lanes of a warp ---- */

/* The x of a lane, or of the one whose number differs by the bits d */
template <class T>
__device__ __forceinline__ T Shuffle(T x, int lane)
{
  return __shfl_sync(0xFFFFFFFFu, x, lane);
}

template <class T>
__device__ __forceinline__ T ShuffleXor(T x, int d)
{
  return __shfl_xor_sync(0xFFFFFFFFu, x, d);
}

/* Which lanes say yes, by bits; does any? */
__device__ __forceinline__ unsigned Ballot(int yes)
{
  return __ballot_sync(0xFFFFFFFFu, yes);
}

__device__ __forceinline__ int Any(int yes)
{
  return __any_sync(0xFFFFFFFFu, yes);
}

__device__ __forceinline__ int CountBits(unsigned bits)
{
  return __popc(bits);
}

/* 1 + the number of the lowest bit that is set, 0 if none is */
__device__ __forceinline__ int FirstBit(unsigned bits)
{
  return __ffs((int)bits);
}

/* ---- memory of the device ---- */

/* A number that a kernel reads once: what is read often stays in the cache */
template <class T>
__device__ __forceinline__ T LoadOnce(const T *p)
{
  return __ldcs(p);
}

/* A number that other threads change meanwhile, by atomics */
template <class T>
__device__ __forceinline__ T LoadRelaxed(const T *p)
{
  return *(const volatile T *)p;
}

/* On both sides of an atomic: what a thread of one block wrote before its own, a thread of another that finds that done can read after its own */
__device__ __forceinline__ void Fence(void)
{
  __threadfence();
}

/* Each returns what was there; they order nothing */
template <class T>
__device__ __forceinline__ T AtomicAdd(T *p, T x)
{
  return atomicAdd(p, x);
}

__device__ __forceinline__ int AtomicOr(int *p, int x)
{
  return atomicOr(p, x);
}

__device__ __forceinline__ int AtomicMin(int *p, int x)
{
  return atomicMin(p, x);
}

__device__ __forceinline__ int AtomicCAS(int *p, int expected, int x)
{
  return atomicCAS(p, expected, x);
}

/* ---- tensor cores ---- */

__device__ __forceinline__ unsigned Bits(float x)
{
  return __float_as_uint(x);
}

/* Rounded to nearest, ties away from zero */
__device__ __forceinline__ unsigned ToTF32(float x)
{
  unsigned y;

  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(y) : "f"(x));
  return y;
}

/* c (16, 8) += a (16, 8) b (8, 8) by a warp: the layouts are those of mma.m16n8k8 for TF32 */
__device__ __forceinline__ void MMA(float c[4], const unsigned a[4], const unsigned b[2])
{
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

#endif
