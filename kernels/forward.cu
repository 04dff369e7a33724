/* The network, for use */
#include "forward.cuh"

int GNNKernelForward(GNNKernelGraph g, GNNKernelNet net, GNNKernelStart start, double *gt, GNNKernelStatus *status, GNNStream stream)
{
  return net.config.tf32 ? ForwardOfWidth<true, false>(g, net, start, gt, status, stream) : ForwardOfWidth<false, false>(g, net, start, gt, status, stream);
}
