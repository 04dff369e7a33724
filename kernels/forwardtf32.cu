/* The network for use, with its products on the tensor cores */
#include "forward.cuh"

int ForwardTF32(GNNKernelGraph g, GNNKernelNet net, GNNKernelStart start, double *gt, GNNKernelStatus *status, GNNStream stream)
{
  return ForwardOfWidth<true, false>(g, net, start, gt, status, stream);
}
