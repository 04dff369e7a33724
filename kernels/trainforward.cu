/* The network in training: single precision, with a tape */
#include "forward.cuh"
#include "train.h"

int GNNTrainForward(GNNTrainBatch b, GNNKernelNet net, GNNStart start, GNNKernelStatus *status, GNNStream stream)
{
  return ForwardOfWidth<false, true>(b.graph, net, start, b.gt, status, stream);
}
