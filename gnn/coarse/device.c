/*
   The coarse space's kernels on A, P and A_c where they lie; vectors and matrices are PETSc's own on the device.

   The product with Q reads copies of P U, U = diag(unit), of its transpose and of the inverse: three launches on one stream and nothing else, where
   PETSc's operations are many, on streams of their own. P U and its transpose hold the same numbers, and the inverse is symmetric as it is rounded,
   so that Q is.
*/
#include "coarse.h"
#include "../device.h"
#include "../place.h"

#if !defined(GNN_EMULATE)
  #include <petscdevice_cuda.h>
  #define DEVICE_DENSE MATSEQDENSECUDA
#else
  #define DEVICE_DENSE                 MATSEQDENSE
  #define VecCUDAGetArray              VecGetArray
  #define VecCUDARestoreArray          VecRestoreArray
  #define VecCUDAGetArrayRead          VecGetArrayRead
  #define VecCUDARestoreArrayRead      VecRestoreArrayRead
  #define VecCUDAGetArrayWrite         VecGetArrayWrite
  #define VecCUDARestoreArrayWrite     VecRestoreArrayWrite
  #define MatDenseCUDAGetArray         MatDenseGetArray
  #define MatDenseCUDARestoreArray     MatDenseRestoreArray
  #define MatDenseCUDAGetArrayRead     MatDenseGetArrayRead
  #define MatDenseCUDARestoreArrayRead MatDenseRestoreArrayRead
#endif

#define ROUNDING 6e-8 /* of single precision */
#define ROUNDED  0.01 /* most by which that may move the inverse's eigenvalues, whose least is above 1/2 on meshes */

struct _n_GNNCoarseDevice {
  PetscInt     n, m, nz;  /* of P */
  GNNDeviceMat P, PT;     /* P U and its transpose in single precision */
  int         *to;        /* (nz) where each entry of P goes in its transpose */
  double      *rc, *xc;   /* (m, GNN_DEVICE_COLUMNS) work */
  void        *W;         /* (m, m) the inverse less w w^T, NULL before there is one */
  GNNPrecision precision; /* of W */
  Vec          w;         /* (m) */
};

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

/* ---- the product ---- */

PetscErrorCode GNNCoarseDeviceDestroy(GNNCoarseDevice *product)
{
  GNNCoarseDevice d = *product;

  PetscFunctionBegin;
  if (d == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GNNDeviceMatDestroy(&d->P));
  PetscCall(GNNDeviceMatDestroy(&d->PT));
  PetscCall(VecDestroy(&d->w));
  GNNCallKernel(GNNKernelFree(d->to));
  GNNCallKernel(GNNKernelFree(d->rc));
  GNNCallKernel(GNNKernelFree(d->xc));
  GNNCallKernel(GNNKernelFree(d->W));
  PetscCall(PetscFree(*product));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool GNNCoarseDeviceSingle(GNNCoarseDevice d)
{
  return d->precision == GNN_SINGLE ? PETSC_TRUE : PETSC_FALSE;
}

/* P twice, and the inverse */
PetscReal GNNCoarseDeviceBytes(GNNCoarseDevice d)
{
  return 16.0 * d->nz + 4.0 * (d->n + d->m) + (d->precision == GNN_SINGLE ? 4.0 : 8.0) * d->m * d->m;
}

/* Are P and inverse on the device? */
static PetscErrorCode HasProduct_Private(GNNCoarse c, PetscBool *has)
{
  MatInfo info;

  PetscFunctionBegin;
  *has = PETSC_FALSE;
  if (c->inverse == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GNNCoarseOnDevice(c->P, has));
  PetscCall(MatGetInfo(c->P, MAT_LOCAL, &info));
  if (info.nz_used > GNN_KERNEL_MOST_ENTRIES) *has = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PutMat_Private(PetscInt n, const int i[], const int j[], GNNStream stream, GNNDeviceMat *m)
{
  PetscFunctionBegin;
  PetscCall(GNNDeviceMatCreate(n, i[n], GNN_SINGLE, PETSC_FALSE, PETSC_FALSE, m));
  PetscCall(GNNDevicePutMat(n, i, j, stream, &m->mat));
  GNNCallKernel(GNNKernelTiles(m->mat, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* P's pattern, once: the host has it, too */
static PetscErrorCode CreateProduct_Private(GNNCoarse c, GNNStream stream, GNNCoarseDevice *product)
{
  const PetscInt *i, *j;
  PetscInt        n;
  int            *ti, *tj, *to;
  PetscBool       done;
  GNNCoarseDevice d;

  PetscFunctionBegin;
  PetscCall(PetscNew(&d));
  *product = d;
  d->m     = c->size;
  PetscCall(MatGetRowIJ(c->P, 0, PETSC_FALSE, PETSC_FALSE, &n, &i, &j, &done));
  PetscCheck(done, PETSC_COMM_SELF, PETSC_ERR_SUP, "MatGetRowIJ() failed for the prolongator");
  d->n  = n;
  d->nz = i[n];
  PetscCall(PetscMalloc3(d->m + 1, &ti, d->nz, &tj, d->nz, &to));
  GNNDeviceTranspose(d->n, d->m, (const int *)i, (const int *)j, ti, tj, to);
  PetscCall(PutMat_Private(d->n, (const int *)i, (const int *)j, stream, &d->P));
  PetscCall(PutMat_Private(d->m, ti, tj, stream, &d->PT));
  PetscCall(MatRestoreRowIJ(c->P, 0, PETSC_FALSE, PETSC_FALSE, &n, &i, &j, &done));
  GNNCallKernel(GNNKernelMalloc((void **)&d->to, (size_t)d->nz * sizeof(int)));
  GNNCallKernel(GNNKernelMalloc((void **)&d->rc, (size_t)d->m * GNN_DEVICE_COLUMNS * sizeof(double)));
  GNNCallKernel(GNNKernelMalloc((void **)&d->xc, (size_t)d->m * GNN_DEVICE_COLUMNS * sizeof(double)));
  GNNCallKernel(GNNKernelToDevice(d->to, to, (size_t)d->nz * sizeof(int), stream));
  PetscCall(PetscLogCpuToGpu((PetscLogDouble)(3 * d->nz + d->n + d->m + 2) * sizeof(int)));
  PetscCall(PetscFree3(ti, tj, to));
  PetscCall(VecDuplicate(c->xc, &d->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode StoreProlongator_Private(GNNCoarse c, GNNCoarseDevice d, GNNStream stream)
{
  const PetscInt    *i, *j;
  const PetscScalar *unit;
  PetscScalar       *a;
  PetscMemType       unused;

  PetscFunctionBegin;
  PetscCall(MatSeqAIJGetCSRAndMemType(c->P, &i, &j, &a, &unused));
  PetscCall(VecCUDAGetArrayRead(c->unit, &unit));
  PetscCall(PetscLogGpuTimeBegin());
  GNNCallKernel(GNNKernelProlong((int)d->nz, (const int *)j, a, unit, d->to, (float *)d->P.mat.v, (float *)d->PT.mat.v, stream));
  PetscCall(PetscLogGpuTimeEnd());
  PetscCall(VecCUDARestoreArrayRead(c->unit, &unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* w = inverse x / sqrt(x^T inverse x): inverse - w w^T is positive semidefinite. For an x near the eigenvector of the largest eigenvalue what is left is
   large only if others are */
static PetscErrorCode TakeLargest_Private(GNNCoarse c, Vec w)
{
  PetscScalar dot;

  PetscFunctionBegin;
  PetscCall(VecSet(c->xc, 1.0));
  PetscCall(MatMult(c->inverse, c->xc, c->rc));
  PetscCall(VecNormalize(c->rc, NULL));
  PetscCall(MatMult(c->inverse, c->rc, w));
  PetscCall(VecDot(c->rc, w, &dot));
  PetscCall(VecScale(w, PetscRealPart(dot) > 0.0 ? 1.0 / PetscSqrtReal(PetscRealPart(dot)) : 0.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* In single precision if that is near enough: an error of a part e of each entry moves no eigenvalue of the whole by more than e times W's trace, since
   |W_ij|^2 <= W_ii W_jj. An A_c that is almost singular has an inverse whose small eigenvalues would be lost beside its largest */
static PetscErrorCode Precision_Private(GNNCoarseDevice d, const double inverse[], GNNStream stream, GNNPrecision *precision)
{
  PetscScalar largest;
  double      trace;

  PetscFunctionBegin;
  GNNCallKernel(GNNKernelTrace((int)d->m, inverse, d->rc, stream));
  GNNCallKernel(GNNKernelToHost(&trace, d->rc, sizeof(trace), stream));
  PetscCall(PetscLogGpuToCpu((PetscLogDouble)sizeof(trace)));
  PetscCall(VecDot(d->w, d->w, &largest));
  *precision = (trace - PetscRealPart(largest)) * ROUNDING <= ROUNDED ? GNN_SINGLE : GNN_DOUBLE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode StoreInverse_Private(GNNCoarse c, GNNCoarseDevice d, GNNStream stream)
{
  const PetscScalar *inverse, *w;
  GNNPrecision       precision = GNN_DOUBLE;

  PetscFunctionBegin;
  PetscCall(TakeLargest_Private(c, d->w));
  PetscCall(MatDenseCUDAGetArrayRead(c->inverse, &inverse));
  PetscCall(Precision_Private(d, inverse, stream, &precision));
  if (d->W && precision != d->precision) {
    GNNCallKernel(GNNKernelFree(d->W));
    d->W = NULL;
  }
  d->precision = precision;
  if (d->W == NULL) GNNCallKernel(GNNKernelMalloc(&d->W, (size_t)d->m * d->m * (precision == GNN_SINGLE ? sizeof(float) : sizeof(double))));
  PetscCall(VecCUDAGetArrayRead(d->w, &w));
  PetscCall(PetscLogGpuTimeBegin());
  GNNCallKernel(GNNKernelSymmetric((int)d->m, inverse, w, precision, d->W, stream));
  PetscCall(PetscLogGpuTimeEnd());
  PetscCall(VecCUDARestoreArrayRead(d->w, &w));
  PetscCall(MatDenseCUDARestoreArrayRead(c->inverse, &inverse));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCoarseDeviceSetUp(GNNCoarse c, PetscBool inverts)
{
  GNNStream stream = NULL;
  PetscBool has;

  PetscFunctionBegin;
  PetscCall(HasProduct_Private(c, &has));
  if (!has || !inverts) {
    PetscCall(GNNCoarseDeviceDestroy(&c->product));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(GNNDeviceStream(&stream));
  if (c->product == NULL) PetscCall(CreateProduct_Private(c, stream, &c->product));
  PetscCall(StoreProlongator_Private(c, c->product, stream));
  PetscCall(StoreInverse_Private(c, c->product, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z += Q r of some vectors */
static PetscErrorCode Launch_Private(GNNCoarseDevice d, PetscInt count, const double r[], PetscInt ldr, double z[], PetscInt ldz, GNNStream stream)
{
  const PetscScalar *w;

  PetscFunctionBegin;
  PetscCall(VecCUDAGetArrayRead(d->w, &w));
  PetscCall(GNNDeviceTimeBegin());
  GNNCallKernel(GNNKernelMultiply(d->PT.mat, (GNNKernelSide){(int)count, ldr, 0, d->m}, r, d->rc, stream));
  GNNCallKernel(GNNKernelMultiplySymmetric((int)d->m, d->W, d->precision, w, (GNNKernelSide){(int)count, d->m, 0, d->m}, d->rc, d->xc, stream));
  GNNCallKernel(GNNKernelMultiplyAdd(d->P.mat, (GNNKernelSide){(int)count, d->m, ldz, ldz}, d->xc, z, stream));
  PetscCall(GNNDeviceTimeEnd());
  PetscCall(VecCUDARestoreArrayRead(d->w, &w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Vectors on the host pass through the fine work vectors */
static PetscErrorCode AddHost_Private(GNNCoarse c, Vec r, Vec z, GNNStream stream)
{
  const size_t       bytes = (size_t)c->product->n * sizeof(double);
  const PetscScalar *rarray;
  PetscScalar       *zarray, *x, *t;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(r, &rarray));
  PetscCall(VecGetArray(z, &zarray));
  PetscCall(VecCUDAGetArrayWrite(c->x, &x));
  PetscCall(VecCUDAGetArrayWrite(c->t, &t));
  GNNCallKernel(GNNKernelToDevice(x, rarray, bytes, stream));
  GNNCallKernel(GNNKernelToDevice(t, zarray, bytes, stream));
  PetscCall(Launch_Private(c->product, 1, x, 0, t, 0, stream));
  GNNCallKernel(GNNKernelToHost(zarray, t, bytes, stream));
  PetscCall(PetscLogCpuToGpu((PetscLogDouble)(2 * bytes)));
  PetscCall(PetscLogGpuToCpu((PetscLogDouble)bytes));
  PetscCall(VecCUDARestoreArrayWrite(c->t, &t));
  PetscCall(VecCUDARestoreArrayWrite(c->x, &x));
  PetscCall(VecRestoreArray(z, &zarray));
  PetscCall(VecRestoreArrayRead(r, &rarray));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscLogDouble Flops_Private(GNNCoarseDevice d)
{
  return 4.0 * d->nz + 2.0 * d->m * d->m;
}

PetscErrorCode GNNCoarseDeviceAdd(GNNCoarse c, Vec r, Vec z)
{
  const GNNCoarseDevice d = c->product;
  const PetscScalar    *rarray;
  PetscScalar          *zarray;
  PetscBool             device;
  GNNStream             stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNDeviceStream(&stream));
  PetscCall(GNNVecsOnDevice(r, z, &device));
  if (device) {
    PetscCall(VecCUDAGetArrayRead(r, &rarray));
    PetscCall(VecCUDAGetArray(z, &zarray));
    PetscCall(Launch_Private(d, 1, rarray, 0, zarray, 0, stream));
    PetscCall(VecCUDARestoreArray(z, &zarray));
    PetscCall(VecCUDARestoreArrayRead(r, &rarray));
  } else PetscCall(AddHost_Private(c, r, z, stream));
  PetscCall(PetscLogGpuFlops(Flops_Private(d)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCoarseDeviceAddMat(GNNCoarse c, Mat R, Mat Z, PetscBool *added)
{
  const GNNCoarseDevice d = c->product;
  const PetscScalar    *r;
  PetscScalar          *z;
  PetscInt              count, ldr, ldz;
  GNNStream             stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNMatsOnDevice(R, Z, added));
  if (!*added) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GNNDeviceStream(&stream));
  PetscCall(MatGetSize(R, NULL, &count));
  PetscCall(MatDenseGetLDA(R, &ldr));
  PetscCall(MatDenseGetLDA(Z, &ldz));
  PetscCall(MatDenseCUDAGetArrayRead(R, &r));
  PetscCall(MatDenseCUDAGetArray(Z, &z));
  for (PetscInt k = 0; k < count; k += GNN_DEVICE_COLUMNS) PetscCall(Launch_Private(d, PetscMin(count - k, GNN_DEVICE_COLUMNS), r + (size_t)k * ldr, ldr, z + (size_t)k * ldz, ldz, stream));
  PetscCall(MatDenseCUDARestoreArray(Z, &z));
  PetscCall(MatDenseCUDARestoreArrayRead(R, &r));
  PetscCall(PetscLogGpuFlops(count * Flops_Private(d)));
  PetscFunctionReturn(PETSC_SUCCESS);
}
