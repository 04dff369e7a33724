/*
   The guard's operations on the device: kernels on PETSc's stream; scalars stay there until they are read.
*/
#include "device.h"
#include "guardops.h"

#define CALL(name, ...) \
  do { \
    GNNStream stream_ = NULL; \
\
    PetscFunctionBegin; \
    PetscCall(GNNOpsStream(&stream_)); \
    GNNCallKernel(name(__VA_ARGS__, stream_)); \
    PetscFunctionReturn(PETSC_SUCCESS); \
  } while (0)

static PetscErrorCode Create_Private(PETSC_UNUSED GuardPlace at, size_t bytes, void *array)
{
  PetscFunctionBegin;
  GNNCallKernel(GNNKernelMalloc((void **)array, bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Private(void *array)
{
  void **p = (void **)array;

  PetscFunctionBegin;
  if (*p) GNNCallKernel(GNNKernelFree(*p));
  *p = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Read_Private(GuardPlace at, size_t bytes, const void *from, void *to)
{
  GNNStream stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNOpsStream(&stream));
  PetscCall(GNNDeviceRead(at.d, bytes, from, to, stream));
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
  GNNStart s = GNNConfigStart(config);

  s.damping = damping;
  CALL(GNNKernelStartSlots, at.d->graph, s, 0, start);
}

static PetscErrorCode Strengths_Private(GuardPlace at, PetscScalar m[])
{
  CALL(GNNKernelStrengths, at.d->graph, m);
}

static PetscErrorCode Jacobi_Private(GuardPlace at, const PetscScalar r[], PetscScalar z[])
{
  CALL(GNNKernelJacobi, at.d->graph, r, z);
}

static PetscErrorCode Multiply_Private(GuardPlace at, PetscReal plain, PetscReal transposed, const PetscScalar m[], PetscInt K, const PetscScalar x[], PetscReal beta, const PetscScalar v[], PetscScalar y[])
{
  CALL(GNNKernelMultiplySlots, at.d->graph, (int)at.d->longest, plain, transposed, m, (int)K, x, beta, v, y);
}

static PetscErrorCode Dot_Private(GuardPlace at, PetscInt size, const PetscScalar x[], const PetscScalar y[], PetscReal *dot)
{
  CALL(GNNKernelDot, size, x, y, at.d->partials, at.d->status, dot);
}

static PetscErrorCode AXPBY_Private(PETSC_UNUSED GuardPlace at, PetscInt size, PetscReal a, const PetscScalar x[], PetscReal b, const PetscScalar v[], PetscScalar y[])
{
  CALL(GNNKernelAXPBY, size, a, x, b, v, y);
}

static PetscErrorCode Step_Private(GuardPlace at, GNNStepsStage stage, PetscInt size, const PetscScalar x[], const PetscScalar y[], GNNSteps *steps, PetscBool *ended)
{
  *ended = PETSC_FALSE;
  CALL(GNNKernelStep, stage, size, x, y, at.d->partials, at.d->status, steps);
}

static PetscErrorCode Update_Private(PETSC_UNUSED GuardPlace at, PetscInt size, const double c[2], const PetscScalar x[], PetscScalar y[])
{
  CALL(GNNKernelUpdate, size, c, x, y);
}

/* S^-1 M^-1 S^-T r: the product that the device has, epsilon in it */
static PetscErrorCode Factor_Private(GuardPlace at, PETSC_UNUSED GNNFactor f, PETSC_UNUSED PetscReal epsilon, const PetscScalar r[], PetscScalar z[])
{
  GNNDevice d      = at.d;
  GNNStream stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNOpsStream(&stream));
  GNNCallKernel(GNNKernelUnscale(d->graph, 1, r, d->r, stream));
  PetscCall(GNNDeviceApply(d, d->r, z, stream));
  GNNCallKernel(GNNKernelUnscale(d->graph, 0, z, z, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const GuardOps GuardDevice = {Create_Private, Destroy_Private,  Read_Private, Matrix_Private, Probe_Private, Start_Private,  Strengths_Private,
                                     Jacobi_Private, Multiply_Private, Dot_Private,  AXPBY_Private,  Step_Private,  Update_Private, Factor_Private};

const struct _GuardOps *GNNOpsGuard(void)
{
  return &GuardDevice;
}
