/*
   The coarse space's kernels on A and A_c where they lie; vectors and matrices are PETSc's own on the device.
*/
#include "coarse.h"
#include "../device.h"
#include "../place.h"

#if !defined(GNN_EMULATE)
  #include <petscdevice_cuda.h>
  #define DEVICE_DENSE MATSEQDENSECUDA
#else
  #define DEVICE_DENSE             MATSEQDENSE
  #define VecCUDAGetArrayRead      VecGetArrayRead
  #define VecCUDARestoreArrayRead  VecRestoreArrayRead
  #define VecCUDAGetArrayWrite     VecGetArrayWrite
  #define VecCUDARestoreArrayWrite VecRestoreArrayWrite
  #define MatDenseCUDAGetArray     MatDenseGetArray
  #define MatDenseCUDARestoreArray MatDenseRestoreArray
#endif

/* All rows: PETSc leaves out empty ones there, but A and A_c have their diagonals */
PetscErrorCode GNNCoarseOnDevice(Mat A, PetscBool *has)
{
  PetscBool sequential;

  PetscFunctionBegin;
  PetscCall(GNNMatOnDevice(A, has));
  PetscCall(PetscObjectBaseTypeCompare((PetscObject)A, MATSEQAIJ, &sequential));
  if (!sequential || sizeof(PetscInt) != sizeof(int)) *has = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Three sums, and behind them the partial ones */
static PetscErrorCode CreatePartials_Private(GNNCoarse c)
{
  VecType type;

  PetscFunctionBegin;
  PetscCall(VecGetType(c->dinv, &type));
  PetscCall(VecCreate(PETSC_COMM_SELF, &c->partials));
  PetscCall(VecSetSizes(c->partials, 3 + 3 * GNN_KERNEL_PARTIALS, PETSC_DETERMINE));
  PetscCall(VecSetType(c->partials, type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCoarseCouple(GNNCoarse c, PetscReal total[])
{
  GNNKernelCouplings rows = {0};
  const PetscInt    *i, *j;
  PetscInt           n;
  PetscScalar       *a, *sums;
  PetscMemType       unused;
  GNNStream          stream = NULL;

  PetscFunctionBegin;
  if (c->partials == NULL) PetscCall(CreatePartials_Private(c));
  PetscCall(GNNDeviceStream(&stream));
  PetscCall(MatSeqAIJGetCSRAndMemType(c->A, &i, &j, &a, &unused));
  PetscCall(VecGetLocalSize(c->scale, &n));
  rows.n = (int)n;
  rows.i = (const int *)i;
  rows.j = (const int *)j;
  rows.a = a;
  PetscCall(VecCUDAGetArrayRead(c->scale, &rows.scale));
  if (c->coupled) PetscCall(VecCUDAGetArrayRead(c->coupled, &rows.coupled));
  if (c->coupled) PetscCall(VecCUDAGetArrayRead(c->trace, &rows.before));
  PetscCall(VecCUDAGetArrayWrite(c->x, &rows.sum));
  PetscCall(VecCUDAGetArrayWrite(c->t, &rows.trace));
  PetscCall(VecCUDAGetArrayWrite(c->partials, &sums));
  PetscCall(PetscLogGpuTimeBegin());
  GNNCallKernel(GNNKernelCouple(rows, sums + 3, sums, stream));
  PetscCall(PetscLogGpuTimeEnd());
  GNNCallKernel(GNNKernelToHost(total, sums, 3 * sizeof(double), stream));
  PetscCall(PetscLogGpuToCpu((PetscLogDouble)(3 * sizeof(double))));
  PetscCall(VecCUDARestoreArrayWrite(c->partials, &sums));
  PetscCall(VecCUDARestoreArrayWrite(c->t, &rows.trace));
  PetscCall(VecCUDARestoreArrayWrite(c->x, &rows.sum));
  if (c->coupled) PetscCall(VecCUDARestoreArrayRead(c->trace, &rows.before));
  if (c->coupled) PetscCall(VecCUDARestoreArrayRead(c->coupled, &rows.coupled));
  PetscCall(VecCUDARestoreArrayRead(c->scale, &rows.scale));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateDense_Private(Mat Ac, Mat *dense)
{
  PetscInt n;

  PetscFunctionBegin;
  PetscCall(MatGetSize(Ac, &n, NULL));
  PetscCall(MatCreate(PetscObjectComm((PetscObject)Ac), dense));
  PetscCall(MatSetSizes(*dense, n, n, n, n));
  PetscCall(MatSetType(*dense, DEVICE_DENSE));
  PetscCall(MatSetUp(*dense));
  PetscCall(MatAssemblyBegin(*dense, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*dense, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCoarseFillDense(GNNCoarse c)
{
  const PetscInt    *i, *j;
  const PetscScalar *shift, *unit;
  PetscScalar       *a, *dense;
  PetscMemType       unused;
  GNNStream          stream = NULL;

  PetscFunctionBegin;
  if (c->dense == NULL) PetscCall(CreateDense_Private(c->Ac, &c->dense));
  PetscCall(GNNDeviceStream(&stream));
  PetscCall(MatZeroEntries(c->dense));
  PetscCall(MatSeqAIJGetCSRAndMemType(c->Ac, &i, &j, &a, &unused));
  PetscCall(VecCUDAGetArrayRead(c->shift, &shift));
  PetscCall(VecCUDAGetArrayRead(c->unit, &unit));
  PetscCall(MatDenseCUDAGetArray(c->dense, &dense));
  PetscCall(PetscLogGpuTimeBegin());
  GNNCallKernel(GNNKernelDense((int)c->size, (const int *)i, (const int *)j, a, shift, unit, dense, stream));
  PetscCall(PetscLogGpuTimeEnd());
  PetscCall(MatDenseCUDARestoreArray(c->dense, &dense));
  PetscCall(VecCUDARestoreArrayRead(c->unit, &unit));
  PetscCall(VecCUDARestoreArrayRead(c->shift, &shift));
  PetscFunctionReturn(PETSC_SUCCESS);
}
