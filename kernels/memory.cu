/* Memory, streams and graphs of the device, for host code that knows no header of the GPU's */
#include "common.cuh"

int GNNKernelDevices(void)
{
  return GPUDevices();
}

int GNNKernelMalloc(void **p, size_t bytes)
{
  return GPUMalloc(p, bytes > 0 ? bytes : 1);
}

int GNNKernelFree(void *p)
{
  return GPUFree(p);
}

int GNNKernelMallocHost(void **p, size_t bytes)
{
  return GPUMallocHost(p, bytes);
}

int GNNKernelFreeHost(void *p)
{
  return GPUFreeHost(p);
}

int GNNKernelToDevice(void *to, const void *from, size_t bytes, GNNStream stream)
{
  return GPUToDevice(to, from, bytes, stream);
}

int GNNKernelToHost(void *to, const void *from, size_t bytes, GNNStream stream)
{
  const int error = GPUToHost(to, from, bytes, stream);

  return error ? error : GPUWait(stream);
}

const char *GNNKernelErrorString(int error)
{
  return GPUErrorString(error);
}

int GNNKernelStreamCreate(GNNStream *stream)
{
  return GPUStreamCreate(stream);
}

int GNNKernelStreamDestroy(GNNStream stream)
{
  return GPUStreamDestroy(stream);
}

int GNNKernelCaptureBegin(GNNStream stream)
{
  return GPUCaptureBegin(stream);
}

int GNNKernelCaptureEnd(GNNStream stream, void **graph)
{
  return GPUCaptureEnd(stream, graph);
}

int GNNKernelGraphLaunch(void *graph, GNNStream stream)
{
  return GPUGraphLaunch(graph, stream);
}

int GNNKernelGraphDestroy(void *graph)
{
  return GPUGraphDestroy(graph);
}
