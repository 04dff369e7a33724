/*
   Training on the device: what gnnspai-train does with -mat_type aijcusparse. The matrices are uploaded once; a step draws its batch, runs
   forward, loss and backward, and AdamW there, and nothing comes back but what the functions named Get fetch. Without CUDA
   TrainDeviceCheck() says so, and nothing else here is ever called.
*/
#pragma once

#include "train.h"
#include "../kernels/train.h"

typedef struct _n_TrainDevice *TrainDevice;

typedef struct {
  TrainLoss loss;
  PetscInt  probes, batch; /* matrices per step here */
  PetscInt  matrices;      /* that the mean is over: batch times ranks */
} TrainDeviceOptions;

#if defined(GNN_CUDA) || defined(GNN_EMULATE)
PETSC_INTERN PetscErrorCode TrainDeviceCheck(GNNModel, TrainLoss); /* error where the device cannot train this */
PETSC_INTERN PetscErrorCode TrainDeviceCreate(GNNModel, const TrainDeviceOptions *, PetscInt, const TrainSample[], TrainDevice *);
PETSC_INTERN PetscErrorCode TrainDeviceDestroy(TrainDevice *);
PETSC_INTERN PetscErrorCode TrainDeviceSet(TrainDevice, Vec, const TrainAdamW *); /* parameters and moments from the host */
PETSC_INTERN PetscErrorCode TrainDeviceGet(TrainDevice, Vec, TrainAdamW *);       /* and back */
PETSC_INTERN PetscErrorCode TrainDeviceSetLoss(TrainDevice, PetscReal);           /* the sum that the losses of the steps are added to */
PETSC_INTERN PetscErrorCode TrainDeviceGetStatus(TrainDevice, GNNTrainStatus *);
PETSC_INTERN PetscErrorCode TrainDeviceGradient(TrainDevice, const PetscInt[], const unsigned long long[]); /* which matrices (batch), keys of their probes; the mean loss goes with the gradient */
PETSC_INTERN PetscErrorCode TrainDeviceGetGradient(TrainDevice, Vec, PetscReal *);
PETSC_INTERN PetscErrorCode TrainDeviceReduce(TrainDevice, MPI_Comm);                    /* sum of gradients and losses over the ranks */
PETSC_INTERN PetscErrorCode TrainDeviceStep(TrainDevice, const TrainAdamW *, PetscReal); /* with the step counted already; learning rate */
#else
static inline PetscErrorCode TrainDeviceCheck(PETSC_UNUSED GNNModel m, PETSC_UNUSED TrainLoss loss)
{
  SETERRQ(PETSC_COMM_WORLD, PETSC_ERR_SUP_SYS, "Training on the device needs a PETSc with CUDA (make petsc-cuda), and gnnspai built for it: leave out -mat_type aijcusparse to train on the host");
}

static inline PetscErrorCode TrainDeviceCreate(PETSC_UNUSED GNNModel m, PETSC_UNUSED const TrainDeviceOptions *o, PETSC_UNUSED PetscInt n, PETSC_UNUSED const TrainSample s[], PETSC_UNUSED TrainDevice *d)
{
  return PETSC_ERR_SUP;
}

static inline PetscErrorCode TrainDeviceDestroy(PETSC_UNUSED TrainDevice *d)
{
  return PETSC_SUCCESS;
}

static inline PetscErrorCode TrainDeviceSet(PETSC_UNUSED TrainDevice d, PETSC_UNUSED Vec theta, PETSC_UNUSED const TrainAdamW *adam)
{
  return PETSC_ERR_SUP;
}

static inline PetscErrorCode TrainDeviceGet(PETSC_UNUSED TrainDevice d, PETSC_UNUSED Vec theta, PETSC_UNUSED TrainAdamW *adam)
{
  return PETSC_ERR_SUP;
}

static inline PetscErrorCode TrainDeviceSetLoss(PETSC_UNUSED TrainDevice d, PETSC_UNUSED PetscReal sum)
{
  return PETSC_ERR_SUP;
}

static inline PetscErrorCode TrainDeviceGetStatus(PETSC_UNUSED TrainDevice d, PETSC_UNUSED GNNTrainStatus *status)
{
  return PETSC_ERR_SUP;
}

static inline PetscErrorCode TrainDeviceGradient(PETSC_UNUSED TrainDevice d, PETSC_UNUSED const PetscInt which[], PETSC_UNUSED const unsigned long long key[])
{
  return PETSC_ERR_SUP;
}

static inline PetscErrorCode TrainDeviceReduce(PETSC_UNUSED TrainDevice d, PETSC_UNUSED MPI_Comm comm)
{
  return PETSC_ERR_SUP;
}

static inline PetscErrorCode TrainDeviceStep(PETSC_UNUSED TrainDevice d, PETSC_UNUSED const TrainAdamW *adam, PETSC_UNUSED PetscReal lr)
{
  return PETSC_ERR_SUP;
}
#endif
