/* Memory of the device, for host code that knows no CUDA header */
#include "cuda.cuh"

int GNNKernelDevices(void)
{
  int count = 0;

  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

int GNNKernelMalloc(void **p, size_t bytes)
{
  return cudaMalloc(p, bytes > 0 ? bytes : 1);
}

int GNNKernelFree(void *p)
{
  return cudaFree(p);
}

int GNNKernelMallocHost(void **p, size_t bytes)
{
  return cudaMallocHost(p, bytes);
}

int GNNKernelFreeHost(void *p)
{
  return cudaFreeHost(p);
}

int GNNKernelToDevice(void *to, const void *from, size_t bytes, GNNStream stream)
{
  return cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, (cudaStream_t)stream);
}

int GNNKernelToHost(void *to, const void *from, size_t bytes, GNNStream stream)
{
  const int error = cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, (cudaStream_t)stream);

  return error ? error : cudaStreamSynchronize((cudaStream_t)stream);
}

const char *GNNKernelErrorString(int error)
{
  return cudaGetErrorString((cudaError_t)error);
}
