/*
   What the files of training on the device share.
*/
#pragma once

#include "../gnn/device.h"
#include "device.h"

/* Pointers are to the device's memory unless said otherwise */
struct _n_TrainDevice {
  GNNStream          stream;
  GNNTrainMatrix    *matrix; /* (all.count) on the host */
  GNNTrainMatrices   all;
  PetscInt           members, n, nz; /* room for a batch */
  GNNTrainBatch      batch;
  GNNKernelNet       net;
  GNNStart           start;
  GNNKernelStatus   *status;
  GNNTrainLossConfig loss;
  GNNKernelAdjoint   adjoint;
  GNNTrainProducts   products;
  GNNTrainParameters parameters;
  GNNTrainStatus    *train;
  double            *host;      /* (parameters + 1) on the host, page-locked */
  void              *memory[3]; /* of matrices, of a batch, of the parameters */
};

/* A block of memory that is handed out in order: with base = NULL its size is counted */
typedef struct {
  char  *base;
  size_t size;
} TrainBlock;

static inline void *TrainBlockTake(TrainBlock *b, size_t count, size_t size)
{
  void *array = b->base ? b->base + b->size : NULL;

  b->size += (count * size + 255) / 256 * 256;
  return array;
}

PETSC_INTERN PetscErrorCode TrainDeviceCreateParameters(TrainDevice, GNNModel); /* deviceparameters.c: products, parameters; after the batch's arrays */
