/*
   The device: kernels on the arrays of PETSc's matrices and vectors, on PETSc's stream. Scalars stay there until they are read.
*/
#include "device.h"
#include "events.h"
#include "forward.h"
#include "matrix.h"
#include "place.h"

static GNNStream captured; /* GNNDeviceCapture() */

#if !defined(GNN_EMULATE)
  #include <petscdevice_cuda.h>

static PetscErrorCode CurrentStream_Private(GNNStream *stream)
{
  cudaStream_t current;

  PetscFunctionBegin;
  PetscCall(PetscGetCurrentCUDAStream(&current));
  *stream = (GNNStream)current;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNMatOnDevice(Mat A, PetscBool *device)
{
  PetscBool bound;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATSEQAIJCUSPARSE, device));
  PetscCall(MatBoundToCPU(A, &bound));
  if (bound) *device = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNMatToDevice(Mat *A)
{
  PetscFunctionBegin;
  PetscCall(MatConvert(*A, MATAIJCUSPARSE, MAT_INPLACE_MATRIX, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNVecsOnDevice(Vec r, Vec z, PetscBool *device)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)r, device, VECSEQCUDA, VECMPICUDA, ""));
  if (*device) PetscCall(PetscObjectTypeCompareAny((PetscObject)z, device, VECSEQCUDA, VECMPICUDA, ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MatDenseOnDevice_Private(Mat A, PetscBool *device)
{
  PetscBool bound;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)A, device, MATSEQDENSECUDA, MATMPIDENSECUDA, ""));
  PetscCall(MatBoundToCPU(A, &bound));
  if (bound) *device = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNMatsOnDevice(Mat R, Mat Z, PetscBool *device)
{
  PetscFunctionBegin;
  PetscCall(MatDenseOnDevice_Private(R, device));
  if (*device) PetscCall(MatDenseOnDevice_Private(Z, device));
  PetscFunctionReturn(PETSC_SUCCESS);
}
#else
  /* For the tests: the device's memory is the host's, and every matrix is on it while GNNDeviceEmulate is true */
  #define MatSeqAIJCUSPARSEGetArrayRead     MatSeqAIJGetArrayRead
  #define MatSeqAIJCUSPARSERestoreArrayRead MatSeqAIJRestoreArrayRead
  #define VecCUDAGetArrayRead               VecGetArrayRead
  #define VecCUDARestoreArrayRead           VecRestoreArrayRead
  #define VecCUDAGetArrayWrite              VecGetArrayWrite
  #define VecCUDARestoreArrayWrite          VecRestoreArrayWrite
  #define MatDenseCUDAGetArrayRead          MatDenseGetArrayRead
  #define MatDenseCUDARestoreArrayRead      MatDenseRestoreArrayRead
  #define MatDenseCUDAGetArrayWrite         MatDenseGetArrayWrite
  #define MatDenseCUDARestoreArrayWrite     MatDenseRestoreArrayWrite

PetscBool GNNDeviceEmulate = PETSC_FALSE;

static PetscErrorCode CurrentStream_Private(GNNStream *stream)
{
  *stream = NULL;
  return PETSC_SUCCESS;
}

PetscErrorCode GNNMatOnDevice(PETSC_UNUSED Mat A, PetscBool *device)
{
  *device = GNNDeviceEmulate;
  return PETSC_SUCCESS;
}

PetscErrorCode GNNMatToDevice(PETSC_UNUSED Mat *A)
{
  return PETSC_SUCCESS;
}

PetscErrorCode GNNVecsOnDevice(PETSC_UNUSED Vec r, PETSC_UNUSED Vec z, PetscBool *device)
{
  *device = GNNDeviceEmulate;
  return PETSC_SUCCESS;
}

PetscErrorCode GNNMatsOnDevice(PETSC_UNUSED Mat R, PETSC_UNUSED Mat Z, PetscBool *device)
{
  *device = GNNDeviceEmulate;
  return PETSC_SUCCESS;
}
#endif

void GNNDeviceCapture(GNNStream stream)
{
  captured = stream;
}

PetscErrorCode GNNDeviceStream(GNNStream *stream)
{
  PetscFunctionBegin;
  *stream = captured;
  if (captured == NULL) PetscCall(CurrentStream_Private(stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Times are taken by events, and a wait for them */
PetscErrorCode GNNDeviceTimeBegin(void)
{
  PetscFunctionBegin;
  if (captured == NULL) PetscCall(PetscLogGpuTimeBegin());
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceTimeEnd(void)
{
  PetscFunctionBegin;
  if (captured == NULL) PetscCall(PetscLogGpuTimeEnd());
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define CALL(name, ...) \
  do { \
    GNNStream stream_ = NULL; \
\
    PetscFunctionBegin; \
    PetscCall(GNNDeviceStream(&stream_)); \
    GNNCallKernel(name(__VA_ARGS__, stream_)); \
    PetscFunctionReturn(PETSC_SUCCESS); \
  } while (0)

/* ---- a set-up ---- */

static PetscErrorCode Values_Device(GNNPlace at, Mat A, GNNScaling scaling)
{
  GNNDevice     d = at->device;
  const double *a;
  GNNStream     stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNDeviceStream(&stream));
  PetscCall(GNNDeviceCreateGraph(d, at->g, stream));
  PetscCall(MatSeqAIJCUSPARSEGetArrayRead(A, &a));
  PetscCall(PetscLogGpuTimeBegin());
  PetscCall(GNNDeviceValues(d, a, scaling, stream));
  PetscCall(PetscLogGpuTimeEnd());
  PetscCall(MatSeqAIJCUSPARSERestoreArrayRead(A, &a));
  at->matrix        = d->graph.at;
  at->report.status = GNN_GRAPH_OK; /* as far as is known */
  d->A              = A;
  d->told           = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Forward_Device(GNNPlace at, GNNModel m, PetscReal alpha, PetscReal damping)
{
  GNNDevice d      = at->device;
  GNNStream stream = NULL;

  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(GNN_Forward, 0, 0, 0, 0));
  PetscCall(GNNDeviceStream(&stream));
  PetscCall(GNNDeviceCreateNet(d, m, at->g, at->tf32, stream));
  PetscCall(PetscLogGpuTimeBegin());
  PetscCall(GNNDeviceForward(d, m, at->g, alpha, damping, stream));
  PetscCall(PetscLogGpuTimeEnd());
  PetscCall(PetscLogGpuFlops(GNNForwardFlops(m, at->g->nodes, at->g->slots)));
  PetscCall(PetscLogEventEnd(GNN_Forward, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Start_Device(GNNPlace at, const GNNConfig *config, PetscReal damping, PetscScalar start[])
{
  GNNStart s = GNNConfigStart(config);

  s.damping = damping;
  CALL(GNNKernelStartSlots, at->device->graph, s, 0, start);
}

static PetscErrorCode Fill_Device(GNNPlace at, GNNPattern pattern)
{
  GNNStream stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNDeviceStream(&stream));
  PetscCall(GNNDeviceFill(at->device, at->g, pattern, at->filter, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Diagonal_Device(GNNPlace at, GNNPattern pattern)
{
  const GNNStart s      = {.lower = pattern == GNN_PATTERN_LOWER};
  GNNStream      stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNDeviceStream(&stream));
  GNNCallKernel(GNNKernelStartSlots(at->device->graph, s, 1, at->slots, stream));
  PetscCall(GNNDeviceFill(at->device, at->g, pattern, at->filter, stream));
  at->device->diagonal = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is wrong with A in the host's words; by a rounding it finds nothing */
static PetscErrorCode Explain_Private(GNNPlace at, PetscInt row)
{
  const PetscScalar *a;

  PetscFunctionBegin;
  PetscCall(MatSeqAIJGetArrayRead(at->device->A, &a));
  PetscCall(GNNGraphSetValues(at->g, at->device->scaling, a, &at->report.status));
  PetscCall(MatSeqAIJRestoreArrayRead(at->device->A, &a));
  at->report.row = at->g->row;
  if (at->report.status != GNN_GRAPH_OK) PetscFunctionReturn(PETSC_SUCCESS);
  at->report.status = GNN_GRAPH_BLOCK_NOT_POSITIVE;
  at->report.row    = row;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What it says of A is there at the first time only: later counts begin anew */
static PetscErrorCode Report_Device(GNNPlace at)
{
  GNNDevice       d      = at->device;
  GNNStream       stream = NULL;
  GNNKernelStatus status;

  PetscFunctionBegin;
  if (!d->unread) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GNNDeviceStream(&stream));
  PetscCall(GNNDeviceReadStatus(d, stream, &status));
  at->report.replaced = PetscMax(at->report.replaced, status.replaced);
  at->report.loss     = status.loss;
  d->last             = status;
  d->unread           = PETSC_FALSE;
  if (!d->counted) PetscCall(GNNDeviceTrim(d, status.entries, stream));
  if (d->told) PetscFunctionReturn(PETSC_SUCCESS);
  at->report.coupled   = at->g->n - status.decoupled;
  at->report.asymmetry = GNNKernelAsymmetry(&status);
  d->told              = PETSC_TRUE;
  d->jumps             = status.flags & GNN_KERNEL_JUMPS && d->scaling == GNN_SCALING_DIAGONAL ? PETSC_TRUE : PETSC_FALSE;
  if (d->jumps && d->precision == GNN_HALF && d->product == &d->network && !d->network.apart) PetscCall(GNNDeviceStore(d, at->g, d->precision, stream)); /* it was filled before that was known */
  if (status.flags & GNN_KERNEL_WRONG) PetscCall(Explain_Private(at, status.row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows of the classical factor, counted; how many failed */
static PetscErrorCode FsaiRows_Private(GNNPlace at, PetscReal threshold, PetscBool grow, PetscInt *failed)
{
  GNNDevice d      = at->device;
  GNNStream stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNDeviceStream(&stream));
  PetscCall(PetscLogGpuTimeBegin());
  PetscCall(GNNDeviceFsaiRows(d, at->g, threshold, grow, stream));
  PetscCall(PetscLogGpuTimeEnd());
  PetscCall(Report_Device(at));
  if (d->fsai.kept && d->last.changed > 0) {
    PetscCall(FsaiRows_Private(at, threshold, PETSC_TRUE, failed));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  *failed = (PetscInt)d->last.failed;
  if (!d->fsai.kept) d->grown = *failed == 0 ? threshold : -1.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* As on the host: all rows are Jacobi's where most are spoiled, which has to be known before the factor is stored */
static PetscErrorCode Fsai_Device(GNNPlace at, PetscReal threshold, PetscBool grow)
{
  GNNDevice d      = at->device;
  GNNStream stream = NULL;
  PetscInt  failed, none;

  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(GNN_Fsai, 0, 0, 0, 0));
  PetscCall(FsaiRows_Private(at, threshold, grow, &failed));
  if (at->report.status == GNN_GRAPH_OK && GNNFsaiSpoiled(failed, at->report.coupled)) {
    PetscCall(FsaiRows_Private(at, GNN_FSAI_NONE, PETSC_TRUE, &none));
    failed = at->report.coupled;
  }
  if (at->report.status == GNN_GRAPH_OK) {
    PetscCall(GNNDeviceStream(&stream));
    PetscCall(PetscLogGpuTimeBegin());
    PetscCall(GNNDeviceFsaiStore(d, at->g, d->last.entries, stream));
    PetscCall(PetscLogGpuTimeEnd());
    PetscCall(PetscLogGpuFlops(4.0 * at->g->nz + d->last.flops));
    at->report.failed = failed;
  }
  PetscCall(PetscLogEventEnd(GNN_Fsai, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Finish_Device(GNNPlace at, PetscReal epsilon, PetscBool loss)
{
  GNNStream stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNDeviceStream(&stream));
  PetscCall(PetscLogGpuTimeBegin());
  PetscCall(GNNDeviceFinish(at->device, epsilon, loss, stream));
  PetscCall(PetscLogGpuTimeEnd());
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the product ---- */

static PetscErrorCode Store_Device(GNNPlace at, GNNPrecision precision)
{
  GNNStream stream = NULL;

  PetscFunctionBegin;
  if (precision == at->device->precision) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GNNDeviceStream(&stream));
  PetscCall(GNNDeviceStore(at->device, at->g, precision, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Vectors on the host, of a program that put only the matrix on the device, pass through the probe's vectors */
static PetscErrorCode ApplyHost_Private(GNNDevice d, const PetscScalar r[], PetscScalar z[], GNNStream stream)
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

static inline PetscLogDouble ApplyFlops_Private(GNNDevice d)
{
  return 4.0 * GNNDeviceEntries(d) + 2.0 * d->graph.b * d->graph.n;
}

static PetscErrorCode Apply_Device(GNNPlace at, Vec r, Vec z)
{
  GNNDevice          d = at->device;
  PetscBool          cuda;
  const PetscScalar *rarray;
  PetscScalar       *zarray;
  GNNStream          stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNDeviceStream(&stream));
  PetscCall(GNNVecsOnDevice(r, z, &cuda));
  if (cuda) {
    PetscCall(VecCUDAGetArrayRead(r, &rarray));
    PetscCall(VecCUDAGetArrayWrite(z, &zarray));
    PetscCall(GNNDeviceTimeBegin());
    PetscCall(GNNDeviceApply(d, rarray, zarray, stream));
    PetscCall(GNNDeviceTimeEnd());
    PetscCall(VecCUDARestoreArrayRead(r, &rarray));
    PetscCall(VecCUDARestoreArrayWrite(z, &zarray));
  } else {
    PetscCall(VecGetArrayRead(r, &rarray));
    PetscCall(VecGetArrayWrite(z, &zarray));
    PetscCall(ApplyHost_Private(d, rarray, zarray, stream));
    PetscCall(VecRestoreArrayRead(r, &rarray));
    PetscCall(VecRestoreArrayWrite(z, &zarray));
  }
  PetscCall(PetscLogGpuFlops(ApplyFlops_Private(d)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ApplyColumn_Private(void *context, Vec r, Vec z)
{
  PetscFunctionBegin;
  PetscCall(Apply_Device((GNNPlace)context, r, z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of matrices that lie there; others pass through the probe's vectors, column by column */
static PetscErrorCode ApplyMat_Device(GNNPlace at, Mat R, Mat Z)
{
  GNNDevice          d = at->device;
  PetscBool          cuda;
  PetscInt           count, ldr, ldz;
  const PetscScalar *r;
  PetscScalar       *z;
  GNNStream          stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNMatsOnDevice(R, Z, &cuda));
  if (!cuda) {
    PetscCall(GNNMatForColumns(R, Z, 0, ApplyColumn_Private, at));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(MatGetSize(R, NULL, &count));
  PetscCall(MatDenseGetLDA(R, &ldr));
  PetscCall(MatDenseGetLDA(Z, &ldz));
  PetscCall(GNNDeviceStream(&stream));
  PetscCall(MatDenseCUDAGetArrayRead(R, &r));
  PetscCall(MatDenseCUDAGetArrayWrite(Z, &z));
  PetscCall(GNNDeviceTimeBegin());
  for (PetscInt c = 0; c < count; c += GNN_DEVICE_COLUMNS) PetscCall(GNNDeviceApplyColumns(d, PetscMin(count - c, GNN_DEVICE_COLUMNS), r + (size_t)c * ldr, ldr, z + (size_t)c * ldz, ldz, stream));
  PetscCall(GNNDeviceTimeEnd());
  PetscCall(MatDenseCUDARestoreArrayRead(R, &r));
  PetscCall(MatDenseCUDARestoreArrayWrite(Z, &z));
  PetscCall(PetscLogGpuFlops(count * ApplyFlops_Private(d)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The host has not seen them yet */
static PetscErrorCode Fetch_Device(GNNPlace at, Mat A)
{
  GNNDevice          d      = at->device;
  GNNStream          stream = NULL;
  const PetscScalar *a;
  GNNGraphStatus     status;

  PetscFunctionBegin;
  if (d->fetched) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GNNDeviceStream(&stream));
  PetscCall(MatSeqAIJGetArrayRead(A, &a));
  PetscCall(GNNGraphSetValues(at->g, d->scaling, a, &status));
  PetscCall(MatSeqAIJRestoreArrayRead(A, &a));
  PetscCall(GNNDeviceGetFactor(d, at->g, at->f, stream));
  GNNFactorShift(at->f, at->g, d->epsilon);
  PetscCall(GNNFactorStore(at->f, d->precision));
  d->fetched = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscInt Entries_Device(GNNPlace at)
{
  return GNNDeviceEntries(at->device);
}

static PetscErrorCode Destroy_Device(GNNPlace at)
{
  PetscFunctionBegin;
  PetscCall(GNNDeviceDestroy(&at->device));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what the guard computes with ---- */

static PetscErrorCode Create_Device(PETSC_UNUSED GNNPlace at, size_t bytes, void *array)
{
  PetscFunctionBegin;
  GNNCallKernel(GNNKernelMalloc((void **)array, bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceFree(void *array)
{
  void **p = (void **)array;

  PetscFunctionBegin;
  if (*p) GNNCallKernel(GNNKernelFree(*p));
  *p = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Read_Device(GNNPlace at, size_t bytes, const void *from, void *to)
{
  GNNStream stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNDeviceStream(&stream));
  PetscCall(GNNDeviceRead(at->device, bytes, from, to, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Probe_Device(GNNPlace at, PetscInt K, PetscScalar W[])
{
  CALL(GNNKernelSigns, at->device->graph, (int)K, W);
}

static PetscErrorCode Strengths_Device(GNNPlace at, PetscScalar m[])
{
  CALL(GNNKernelStrengths, at->device->graph, m);
}

static PetscErrorCode Jacobi_Device(GNNPlace at, const PetscScalar r[], PetscScalar z[])
{
  CALL(GNNKernelJacobi, at->device->graph, r, z);
}

static PetscErrorCode Multiply_Device(GNNPlace at, PetscReal plain, PetscReal transposed, const PetscScalar m[], PetscInt K, const PetscScalar x[], PetscReal beta, const PetscScalar v[], PetscScalar y[])
{
  CALL(GNNKernelMultiplySlots, at->device->graph, (int)at->device->longest, plain, transposed, m, (int)K, x, beta, v, y);
}

static PetscErrorCode Dot_Device(GNNPlace at, PetscInt size, const PetscScalar x[], const PetscScalar y[], PetscReal *dot)
{
  CALL(GNNKernelDot, size, x, y, at->device->partials, at->device->status, dot);
}

static PetscErrorCode AXPBY_Device(PETSC_UNUSED GNNPlace at, PetscInt size, PetscReal a, const PetscScalar x[], PetscReal b, const PetscScalar v[], PetscScalar y[])
{
  CALL(GNNKernelAXPBY, size, a, x, b, v, y);
}

static PetscErrorCode Step_Device(GNNPlace at, GNNStepsStage stage, PetscInt size, const PetscScalar x[], const PetscScalar y[], GNNSteps *steps, PetscBool *ended)
{
  *ended = PETSC_FALSE;
  CALL(GNNKernelStep, stage, size, x, y, at->device->partials, at->device->status, steps);
}

static PetscErrorCode Update_Device(PETSC_UNUSED GNNPlace at, PetscInt size, const double c[2], const PetscScalar x[], PetscScalar y[])
{
  CALL(GNNKernelUpdate, size, c, x, y);
}

/* S^-1 M^-1 S^-T r: the product that the device has, epsilon in it */
static PetscErrorCode Factor_Device(GNNPlace at, PETSC_UNUSED PetscReal epsilon, const PetscScalar r[], PetscScalar z[])
{
  GNNDevice d      = at->device;
  GNNStream stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNDeviceStream(&stream));
  GNNCallKernel(GNNKernelUnscale(d->graph, 1, r, d->r, stream));
  PetscCall(GNNDeviceApply(d, d->r, z, stream));
  GNNCallKernel(GNNKernelUnscale(d->graph, 0, z, z, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const GNNPlaceOps GNNDeviceOps = {
  .values    = Values_Device,
  .forward   = Forward_Device,
  .start     = Start_Device,
  .fill      = Fill_Device,
  .diagonal  = Diagonal_Device,
  .fsai      = Fsai_Device,
  .finish    = Finish_Device,
  .report    = Report_Device,
  .store     = Store_Device,
  .apply     = Apply_Device,
  .applymat  = ApplyMat_Device,
  .fetch     = Fetch_Device,
  .entries   = Entries_Device,
  .destroy   = Destroy_Device,
  .create    = Create_Device,
  .free      = GNNDeviceFree,
  .read      = Read_Device,
  .probe     = Probe_Device,
  .strengths = Strengths_Device,
  .jacobi    = Jacobi_Device,
  .multiply  = Multiply_Device,
  .dot       = Dot_Device,
  .axpby     = AXPBY_Device,
  .step      = Step_Device,
  .update    = Update_Device,
  .factor    = Factor_Device,
};

/* ---- the product only ---- */

static PetscErrorCode Store_Uploaded(GNNPlace at, GNNPrecision precision)
{
  GNNDevice d      = at->device;
  GNNStream stream = NULL;

  PetscFunctionBegin;
  d->precision = precision;
  PetscCall(GNNHaloUse(at->g->halo, at->f->i, at->f->j));
  PetscCall(GNNFactorStore(at->f, precision));
  PetscCall(GNNDeviceStream(&stream));
  PetscCall(GNNDeviceUpload(d, at->f, stream));
  PetscCall(PetscLogCpuToGpu((PetscLogDouble)GNNDeviceEntries(d) * (2 * (precision == GNN_DOUBLE ? sizeof(double) : sizeof(float)) + 2 * sizeof(int))));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Uploaded(GNNPlace at)
{
  PetscFunctionBegin;
  PetscCall(GNNHostOps.destroy(at));
  PetscCall(GNNDeviceDestroy(&at->device));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceCreatePlace(GNNPlace at, PetscBool product, GNNModel m, GNNPrecision precision)
{
  static GNNPlaceOps uploaded;
  GNNStream          stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNDeviceStream(&stream));
  PetscCall(GNNDeviceCreate(at->g, precision, &at->device));
  at->applied = "device";
  if (product) {
    uploaded          = GNNHostOps;
    uploaded.store    = Store_Uploaded;
    uploaded.apply    = Apply_Device;
    uploaded.applymat = ApplyMat_Device;
    uploaded.entries  = Entries_Device;
    uploaded.destroy  = Destroy_Uploaded;
    at->ops           = &uploaded;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  at->ops  = &GNNDeviceOps;
  at->made = m ? (at->tf32 ? "device in tf32" : "device in fp32") : "device";
  if (m) PetscCall(GNNDeviceReserveSlots(at->device, at->g));
  at->slots = at->device->slots;
  PetscFunctionReturn(PETSC_SUCCESS);
}
