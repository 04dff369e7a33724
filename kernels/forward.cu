/* The network, for use */
#include "forward.cuh"

int GNNKernelFits(const GNNKernelConfig *c, int b)
{
  const GNNShape s     = GNNKernelShape(c, b);
  const int      layer = GNN_KERNEL_LAYER_WORK(c->width) + GNNStageLayer(&s, 0).end, encode = GNNStageEncode(&s).end, decode = GNNStageDecode(&s).end;
  const int      most = layer > encode ? layer : encode;

  return (most > decode ? most : decode) * (int)sizeof(float) <= GPUSharedLimit();
}

int GNNKernelForward(GNNKernelGraph g, GNNKernelNet net, GNNStart start, double *gt, GNNKernelStatus *status, GNNStream stream)
{
  return net.config.tf32 ? ForwardOfWidth<true, false>(g, net, start, gt, status, stream) : ForwardOfWidth<false, false>(g, net, start, gt, status, stream);
}
