/*
   The guard's operations on the device: kernels on PETSc's stream; only dot products come back.
*/
#include "gnndevice.h"
#include "gnnguardops.h"

#define CALL(name, ...) \
  do { \
    GNNStream stream_ = NULL; \
\
    PetscFunctionBegin; \
    PetscCall(GNNOpsStream(&stream_)); \
    GNNCallKernel(name(__VA_ARGS__, stream_)); \
    PetscFunctionReturn(PETSC_SUCCESS); \
  } while (0)

static PetscErrorCode Create_Private(PETSC_UNUSED GuardPlace at, PetscInt size, PetscScalar **x)
{
  PetscFunctionBegin;
  GNNCallKernel(GNNKernelMalloc((void **)x, (size_t)size * sizeof(double)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Private(PetscScalar **x)
{
  PetscFunctionBegin;
  if (*x) GNNCallKernel(GNNKernelFree(*x));
  *x = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const PetscScalar *Matrix_Private(GuardPlace at)
{
  return at.d->graph.at;
}

static PetscErrorCode Probe_Private(GuardPlace at, PetscInt K, PetscScalar W[])
{
  CALL(GNNKernelSigns, at.d->graph, (int)K, W);
}

static PetscErrorCode Start_Private(GuardPlace at, const GNNConfig *config, PetscReal damping, PetscScalar start[])
{
  const GNNKernelStart s = {.damping = damping, .residual = config->output == GNN_OUTPUT_RESIDUAL, .lower = config->pattern == GNN_PATTERN_LOWER};

  CALL(GNNKernelStartSlots, at.d->graph, s, start);
}

static PetscErrorCode Strengths_Private(GuardPlace at, PetscScalar m[])
{
  CALL(GNNKernelStrengths, at.d->graph, m);
}

static PetscErrorCode Jacobi_Private(GuardPlace at, const PetscScalar r[], PetscScalar z[])
{
  CALL(GNNKernelJacobi, at.d->graph, r, z);
}

static PetscErrorCode Multiply_Private(GuardPlace at, PetscReal plain, PetscReal transposed, const PetscScalar m[], PetscInt K, const PetscScalar x[], PetscReal beta, PetscScalar y[])
{
  CALL(GNNKernelMultiplySlots, at.d->graph, plain, transposed, m, (int)K, x, beta, y);
}

static PetscErrorCode Dot_Private(GuardPlace at, PetscInt size, const PetscScalar x[], const PetscScalar y[], PetscReal *dot)
{
  GNNDevice d      = at.d;
  GNNStream stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNOpsStream(&stream));
  GNNCallKernel(GNNKernelDot(size, x, y, d->partials, &d->status->loss, stream));
  GNNCallKernel(GNNKernelToHost(&d->read->loss, &d->status->loss, sizeof(double), stream));
  *dot = d->read->loss;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AXPBY_Private(PETSC_UNUSED GuardPlace at, PetscInt size, PetscReal a, const PetscScalar x[], PetscReal b, PetscScalar y[])
{
  CALL(GNNKernelAXPBY, size, a, x, b, y);
}

/* S^-1 M^-1 S^-T r: the product that the device has, epsilon in it */
static PetscErrorCode Factor_Private(GuardPlace at, PETSC_UNUSED GNNFactor f, PETSC_UNUSED PetscReal epsilon, const PetscScalar r[], PetscScalar z[])
{
  GNNDevice d      = at.d;
  GNNStream stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNOpsStream(&stream));
  GNNCallKernel(GNNKernelAXPBY(d->graph.n, 1.0, r, 0.0, d->r, stream));
  GNNCallKernel(GNNKernelUnscale(d->graph, 1, d->r, stream));
  PetscCall(GNNDeviceApply(d, d->r, z, stream));
  GNNCallKernel(GNNKernelUnscale(d->graph, 0, z, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const GuardOps GuardDevice = {Create_Private, Destroy_Private, Matrix_Private, Probe_Private, Start_Private, Strengths_Private, Jacobi_Private, Multiply_Private, Dot_Private, AXPBY_Private, Factor_Private};

const struct _GuardOps *GNNOpsGuard(void)
{
  return &GuardDevice;
}
