/*
   PETSc's side of the device: its stream, and the arrays of its matrices and vectors.
*/
#include "device.h"
#include "forward.h"

#if !defined(GNN_EMULATE)
  #include <petscdevice_cuda.h>

PetscErrorCode GNNOpsStream(GNNStream *stream)
{
  cudaStream_t current;

  PetscFunctionBegin;
  PetscCall(PetscGetCurrentCUDAStream(&current));
  *stream = (GNNStream)current;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNOpsOnDevice(Mat A, PetscBool *device)
{
  PetscBool bound;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATSEQAIJCUSPARSE, device));
  PetscCall(MatBoundToCPU(A, &bound));
  if (bound) *device = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNOpsToDevice(Mat *A)
{
  PetscFunctionBegin;
  PetscCall(MatConvert(*A, MATSEQAIJCUSPARSE, MAT_INPLACE_MATRIX, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OpsVecsOnDevice_Private(Vec r, Vec z, PetscBool *device)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)r, device, VECSEQCUDA, VECMPICUDA, ""));
  if (*device) PetscCall(PetscObjectTypeCompareAny((PetscObject)z, device, VECSEQCUDA, VECMPICUDA, ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}
#else
  /* For the tests: the device's memory is the host's, and every matrix is on it while GNNOpsEmulate is true */
  #define MatSeqAIJCUSPARSEGetArrayRead     MatSeqAIJGetArrayRead
  #define MatSeqAIJCUSPARSERestoreArrayRead MatSeqAIJRestoreArrayRead
  #define VecCUDAGetArrayRead               VecGetArrayRead
  #define VecCUDARestoreArrayRead           VecRestoreArrayRead
  #define VecCUDAGetArrayWrite              VecGetArrayWrite
  #define VecCUDARestoreArrayWrite          VecRestoreArrayWrite

PetscBool GNNOpsEmulate = PETSC_FALSE;

PetscErrorCode GNNOpsStream(GNNStream *stream)
{
  *stream = NULL;
  return PETSC_SUCCESS;
}

PetscErrorCode GNNOpsOnDevice(PETSC_UNUSED Mat A, PetscBool *device)
{
  *device = GNNOpsEmulate;
  return PETSC_SUCCESS;
}

PetscErrorCode GNNOpsToDevice(PETSC_UNUSED Mat *A)
{
  return PETSC_SUCCESS;
}

static PetscErrorCode OpsVecsOnDevice_Private(PETSC_UNUSED Vec r, PETSC_UNUSED Vec z, PetscBool *device)
{
  *device = GNNOpsEmulate;
  return PETSC_SUCCESS;
}
#endif

PetscErrorCode GNNOpsCreate(GNNModel m, GNNGraph g, PetscBool single, PetscBool tf32, GNNDevice *d)
{
  GNNStream stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNOpsStream(&stream));
  PetscCall(GNNDeviceCreate(m, g, single, tf32, stream, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNOpsSetUp(GNNDevice d, GNNModel m, GNNGraph g, Mat A, PetscReal epsilon, PetscReal alpha, PetscReal damping, PetscBool probe, GNNKernelStatus *status)
{
  const PetscScalar *a;
  GNNStream          stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNOpsStream(&stream));
  PetscCall(MatSeqAIJCUSPARSEGetArrayRead(A, &a));
  PetscCall(PetscLogGpuTimeBegin());
  PetscCall(GNNDeviceSetUp(d, m, g, a, epsilon, alpha, damping, probe, stream, status));
  PetscCall(PetscLogGpuTimeEnd());
  PetscCall(PetscLogGpuFlops(GNNForwardFlops(m, g->nodes, g->slots)));
  PetscCall(MatSeqAIJCUSPARSERestoreArrayRead(A, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNOpsSetUpFsai(GNNDevice d, GNNGraph g, Mat A, PetscReal threshold, GNNScaling scaling, PetscReal epsilon, PetscBool probe, GNNKernelStatus *status)
{
  const PetscScalar *a;
  GNNStream          stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNOpsStream(&stream));
  PetscCall(MatSeqAIJCUSPARSEGetArrayRead(A, &a));
  PetscCall(PetscLogGpuTimeBegin());
  PetscCall(GNNDeviceSetUpFsai(d, g, a, threshold, scaling, epsilon, probe, stream, status));
  PetscCall(PetscLogGpuTimeEnd());
  PetscCall(PetscLogGpuFlops(4.0 * g->nz + status->flops));
  PetscCall(MatSeqAIJCUSPARSERestoreArrayRead(A, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNOpsGetSlots(GNNDevice d, GNNGraph g, PetscScalar gt[])
{
  GNNStream stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNOpsStream(&stream));
  PetscCall(GNNDeviceGetSlots(d, g, gt, stream));
  PetscCall(PetscLogGpuToCpu((PetscLogDouble)g->nz * sizeof(PetscScalar)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNOpsGetFsai(GNNDevice d, GNNGraph g, GNNFactor f)
{
  GNNStream stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNOpsStream(&stream));
  PetscCall(GNNDeviceGetFsai(d, g, f, stream));
  PetscCall(PetscLogGpuToCpu((PetscLogDouble)f->i[f->n] * (sizeof(PetscScalar) + sizeof(int))));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNOpsUpload(GNNDevice d, GNNFactor f)
{
  GNNStream stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNOpsStream(&stream));
  PetscCall(GNNDeviceUpload(d, f, stream));
  PetscCall(PetscLogCpuToGpu((PetscLogDouble)GNNDeviceEntries(d) * (2 * (f->single ? sizeof(float) : sizeof(double)) + 2 * sizeof(int))));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Vectors on the host, of a program that put only the matrix on the device, pass through the probe's vectors */
static PetscErrorCode OpsApplyHost_Private(GNNDevice d, const PetscScalar r[], PetscScalar z[], GNNStream stream)
{
  const size_t bytes = (size_t)d->graph.n * sizeof(double);

  PetscFunctionBegin;
  GNNCallKernel(GNNKernelToDevice(d->r, r, bytes, stream));
  PetscCall(GNNDeviceApply(d, d->r, d->z, stream));
  GNNCallKernel(GNNKernelToHost(z, d->z, bytes, stream));
  PetscCall(PetscLogCpuToGpu((PetscLogDouble)bytes));
  PetscCall(PetscLogGpuToCpu((PetscLogDouble)bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNOpsApply(GNNDevice d, Vec r, Vec z)
{
  PetscBool          cuda;
  const PetscScalar *rarray;
  PetscScalar       *zarray;
  GNNStream          stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNOpsStream(&stream));
  PetscCall(OpsVecsOnDevice_Private(r, z, &cuda));
  if (cuda) {
    PetscCall(VecCUDAGetArrayRead(r, &rarray));
    PetscCall(VecCUDAGetArrayWrite(z, &zarray));
    PetscCall(PetscLogGpuTimeBegin());
    PetscCall(GNNDeviceApply(d, rarray, zarray, stream));
    PetscCall(PetscLogGpuTimeEnd());
    PetscCall(VecCUDARestoreArrayRead(r, &rarray));
    PetscCall(VecCUDARestoreArrayWrite(z, &zarray));
  } else {
    PetscCall(VecGetArrayRead(r, &rarray));
    PetscCall(VecGetArrayWrite(z, &zarray));
    PetscCall(OpsApplyHost_Private(d, rarray, zarray, stream));
    PetscCall(VecRestoreArrayRead(r, &rarray));
    PetscCall(VecRestoreArrayWrite(z, &zarray));
  }
  PetscCall(PetscLogGpuFlops(4.0 * GNNDeviceEntries(d) + 2.0 * d->graph.b * d->graph.n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscScalar *GNNOpsSlots(GNNDevice d)
{
  return d->slots;
}
