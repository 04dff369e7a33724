/*
   The network for a width of 8 NB, in TF32 or single precision, in training with a TAPE: forwardwidth.cu, of which each combination is a
   compilation of its own.
*/
#pragma once

#include "common.cuh"

template <bool TF32, bool TAPE, int NB>
int ForwardOfShape(GNNKernelGraph, GNNKernelNet, GNNStart, double *, GNNKernelStatus *, GNNStream);

template <bool TF32, bool TAPE>
static int ForwardOfWidth(GNNKernelGraph g, GNNKernelNet net, GNNStart start, double *gt, GNNKernelStatus *status, GNNStream stream)
{
  switch (net.config.width) {
  case 8:
    return ForwardOfShape<TF32, TAPE, 1>(g, net, start, gt, status, stream);
  case 16:
    return ForwardOfShape<TF32, TAPE, 2>(g, net, start, gt, status, stream);
  case 24:
    return ForwardOfShape<TF32, TAPE, 3>(g, net, start, gt, status, stream);
  default:
    return ForwardOfShape<TF32, TAPE, 4>(g, net, start, gt, status, stream);
  }
}
