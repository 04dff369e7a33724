/*
   The steps of KSPCGGRAPH on a device: queued, many of them as one graph, and read back together.
*/
#include "cg.h"
#include "../device.h"
#include "../place.h"
#include "../register.h"
#include "../../pcgnnspai.h"

#if !defined(GNN_EMULATE)
  #include <petscdevice_cuda.h>
#else
  #define VecCUDAGetArray     VecGetArray
  #define VecCUDARestoreArray VecRestoreArray
#endif

#define STEPS 10 /* of a graph */

struct _n_GNNCGSteps {
  GNNCGSystem      system;
  GNNKernelCG      cg;      /* what the kernels take */
  PetscObjectId    id;      /* of the matrix that they are ready for, */
  PetscObjectState nonzero; /* and its pattern's */
  int             *i, *tile;
  Vec              diagonal, ones; /* M^-1 where that is a diagonal; else NULL */
  GNNKernelSteps  *read;           /* page-locked, on the host */
  GNNStream        stream;         /* that is captured; nothing runs on it */
  void            *graph;          /* of STEPS steps, NULL where they cannot be captured */
  PetscBool        captures;       /* are they done as a graph? */
  PetscLogDouble   flops;          /* of the preconditioner in a step */
  PetscInt         logged;         /* steps whose flops are */
};

/* ---- what is supported ---- */

/* A vector's array on the device */
static PetscErrorCode Array_Private(Vec x, double **array)
{
  PetscScalar *a;

  PetscFunctionBegin;
  PetscCall(VecCUDAGetArray(x, &a));
  *array = a;
  PetscCall(VecCUDARestoreArray(x, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Supports_Device(const GNNCGSystem *s, const char **why)
{
  PetscBool device, vectors;
  PetscInt  n;

  PetscFunctionBegin;
  PetscCall(GNNMatOnDevice(s->A, &device));
  PetscCall(GNNVecsOnDevice(s->x, s->r, &vectors));
  PetscCall(VecGetLocalSize(s->x, &n));
  if (!device || sizeof(PetscScalar) != sizeof(double) || sizeof(PetscInt) != sizeof(int)) *why = "the matrix is not on a device, as " MATSEQAIJCUSPARSE " with 32-bit integers and doubles";
  else if (!vectors) *why = "the vectors are not on the device";
  else if (n == 0 || n > GNN_KERNEL_MOST_ROWS) *why = "there are no rows, or too many";
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- ready for a matrix ---- */

static PetscErrorCode Malloc_Private(size_t bytes, void *array)
{
  PetscFunctionBegin;
  PetscCall(GNNDeviceFree(array));
  GNNCallKernel(GNNKernelMalloc((void **)array, bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PETSc's row offsets on a device may leave out empty rows */
static PetscErrorCode Pattern_Private(GNNCGSteps s, GNNStream stream)
{
  GNNKernelMat   *m = &s->cg.A;
  const PetscInt *i;
  const PetscInt *unused;
  PetscInt        n;
  int             longest = 0;
  PetscBool       done;

  PetscFunctionBegin;
  PetscCall(MatGetRowIJ(s->system.A, 0, PETSC_FALSE, PETSC_FALSE, &n, &i, &unused, &done));
  PetscCheck(done, PETSC_COMM_SELF, PETSC_ERR_SUP, "No row offsets");
  for (PetscInt row = 0; row < n; row++) longest = PetscMax(longest, (int)(i[row + 1] - i[row]));
  m->n         = (int)n;
  m->nz        = (int)i[n];
  m->precision = GNN_DOUBLE;
  GNNKernelSetTiles(m, longest);
  PetscCall(Malloc_Private((size_t)(n + 1) * sizeof(int), &s->i));
  PetscCall(Malloc_Private((size_t)(m->ntiles + 1) * sizeof(int), &s->tile));
  PetscCall(Malloc_Private((size_t)GNN_KERNEL_CG_PARTIALS(*m) * sizeof(double), &s->cg.partials));
  m->i    = s->i;
  m->tile = s->tile;
  GNNCallKernel(GNNKernelToDevice(s->i, i, (size_t)(n + 1) * sizeof(int), stream));
  GNNCallKernel(GNNKernelTiles(*m, stream));
  PetscCall(MatRestoreRowIJ(s->system.A, 0, PETSC_FALSE, PETSC_FALSE, &n, &i, &unused, &done));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Matrix_Private(GNNCGSteps s, GNNStream stream)
{
  const PetscInt  *j;
  PetscScalar     *v;
  PetscMemType     unused;
  PetscObjectId    id;
  PetscObjectState nonzero;

  PetscFunctionBegin;
  PetscCall(PetscObjectGetId((PetscObject)s->system.A, &id));
  PetscCall(MatGetNonzeroState(s->system.A, &nonzero));
  if (id != s->id || nonzero != s->nonzero) PetscCall(Pattern_Private(s, stream));
  s->id      = id;
  s->nonzero = nonzero;
  PetscCall(MatSeqAIJGetCSRAndMemType(s->system.A, NULL, &j, &v, &unused));
  s->cg.A.j = (const int *)j;
  s->cg.A.v = v;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Jacobi's M^-1, of whatever kind, is what it makes of ones */
static PetscErrorCode Diagonal_Private(GNNCGSteps s)
{
  PetscBool is;
  double   *array = NULL;

  PetscFunctionBegin;
  s->cg.diagonal = NULL;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)s->system.pc, &is, PCJACOBI, PCNONE, ""));
  if (!is) PetscFunctionReturn(PETSC_SUCCESS);
  if (s->diagonal == NULL) {
    PetscCall(VecDuplicate(s->system.r, &s->diagonal));
    PetscCall(VecDuplicate(s->system.r, &s->ones));
    PetscCall(VecSet(s->ones, 1.0));
  }
  PetscCall(PCApply(s->system.pc, s->ones, s->diagonal));
  PetscCall(Array_Private(s->diagonal, &array));
  s->cg.diagonal = array;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Arrays_Private(GNNCGSteps s)
{
  PetscFunctionBegin;
  PetscCall(Array_Private(s->system.x, &s->cg.x));
  PetscCall(Array_Private(s->system.r, &s->cg.r));
  PetscCall(Array_Private(s->system.p, &s->cg.p));
  PetscCall(Array_Private(s->system.z, &s->cg.z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- steps ---- */

/* A preconditioner may work on the host: PETSc is told that r has changed here, and brings z back */
static PetscErrorCode Precondition_Private(GNNCGSteps s)
{
  PetscFunctionBegin;
  PetscCall(Array_Private(s->system.r, &s->cg.r));
  PetscCall(PCApply(s->system.pc, s->system.r, s->system.z));
  PetscCall(Array_Private(s->system.z, &s->cg.z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step_Private(GNNCGSteps s, GNNStream stream)
{
  PetscFunctionBegin;
  GNNCallKernel(GNNKernelCGDirection(s->cg, stream));
  GNNCallKernel(GNNKernelCGProduct(s->cg, stream));
  GNNCallKernel(GNNKernelCGUpdate(s->cg, stream));
  if (s->cg.diagonal) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Precondition_Private(s));
  GNNCallKernel(GNNKernelCGFinish(s->cg, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Steps_Private(GNNCGSteps s, GNNStream stream)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < STEPS; k++) PetscCall(Step_Private(s, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A product that ended in an error has left its vector locked */
static PetscErrorCode Unlock_Private(PETSC_UNUSED Vec r)
{
  PetscInt state;

  PetscFunctionBegin;
  PetscCall(VecLockGet(r, &state));
  for (; state > 0; state--) PetscCall(VecLockReadPop(r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The launches may be others than those of the last solve: arguments are, where the matrix or the preconditioner has changed. A graph that is there is renewed.
   Where something cannot be captured, which is seen as an error here or at the end, it goes on without */
static PetscErrorCode Capture_Private(GNNCGSteps s)
{
  PetscLogDouble before, after;
  PetscErrorCode ierr;
  int            error;

  PetscFunctionBegin;
  PetscCall(PetscGetFlops(&before));
  if (s->stream == NULL) GNNCallKernel(GNNKernelStreamCreate(&s->stream));
  GNNCallKernel(GNNKernelCaptureBegin(s->stream));
  GNNDeviceCapture(s->stream);
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  ierr = Steps_Private(s, s->stream);
  PetscCall(PetscPopErrorHandler());
  GNNDeviceCapture(NULL);
  error = GNNKernelCaptureEnd(s->stream, &s->graph);
  if (ierr || error) s->captures = PETSC_FALSE;
  if (ierr) PetscCall(Unlock_Private(s->system.r));
  PetscCall(PetscGetFlops(&after));
  s->flops = (after - before) / STEPS;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Begin_Device(GNNCGSteps *steps, const GNNCGSystem *system, const GNNCG *cg)
{
  GNNStream  stream = NULL;
  GNNCGSteps s;

  PetscFunctionBegin;
  PetscCall(GNNDeviceStream(&stream));
  if (*steps == NULL) {
    PetscCall(PetscNew(steps));
    GNNCallKernel(GNNKernelMalloc((void **)&(*steps)->cg.steps, sizeof(GNNKernelSteps)));
    GNNCallKernel(GNNKernelMallocHost((void **)&(*steps)->read, sizeof(GNNKernelSteps)));
  }
  s         = *steps;
  s->system = *system;
  PetscCall(Matrix_Private(s, stream));
  PetscCall(Diagonal_Private(s));
  PetscCall(Arrays_Private(s));
  memset(s->read, 0, sizeof(*s->read));
  s->read->cg = *cg;
  GNNCallKernel(GNNKernelToDevice(s->cg.steps, s->read, sizeof(*s->read), stream));
  s->logged   = 0;
  s->flops    = 0.0;
  s->captures = PETSC_TRUE;
  if (s->cg.diagonal == NULL) PetscCall(PCGNNSPAICaptures_Private(system->pc, &s->captures));
  if (s->captures) PetscCall(Capture_Private(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The preconditioner's, which has logged its own once for each step that was captured */
static PetscErrorCode LogFlops_Private(GNNCGSteps s)
{
  const PetscInt done = s->read->cg.step, again = s->captures ? PetscMax(0, done - PetscMax(s->logged, STEPS)) : 0;

  PetscFunctionBegin;
  (void)again; /* where PETSc has no device */
  PetscCall(PetscLogGpuFlops((done - s->logged) * (2.0 * s->cg.A.nz + (s->cg.diagonal ? 13.0 : 12.0) * s->cg.A.n) + again * s->flops));
  s->logged = done;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* As many as there is room for */
static PetscErrorCode Launch_Private(GNNCGSteps s, PetscInt wanted, GNNStream stream)
{
  PetscFunctionBegin;
  PetscCall(PetscLogGpuTimeBegin());
  for (PetscInt k = 0; k == 0 || (k < wanted && k + STEPS <= GNN_CG_NORMS); k += STEPS) GNNCallKernel(GNNKernelGraphLaunch(s->graph, stream));
  PetscCall(PetscLogGpuTimeEnd());
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Without a graph one: a preconditioner that nobody has looked into may be dear, and its last products wasted */
static PetscErrorCode Run_Device(GNNCGSteps s, PetscInt wanted, GNNCG *cg, PetscReal norm[])
{
  GNNStream stream = NULL;

  PetscFunctionBegin;
  PetscCall(GNNDeviceStream(&stream));
  if (s->captures) PetscCall(Launch_Private(s, wanted, stream));
  else PetscCall(Step_Private(s, stream));
  GNNCallKernel(GNNKernelToHost(s->read, s->cg.steps, sizeof(*s->read), stream));
  PetscCall(PetscLogGpuToCpu((PetscLogDouble)sizeof(*s->read)));
  PetscCall(Array_Private(s->system.x, &s->cg.x)); /* which have changed */
  PetscCall(Array_Private(s->system.r, &s->cg.r));
  PetscCall(LogFlops_Private(s));
  *cg = s->read->cg;
  PetscCall(PetscArraycpy(norm, s->read->norm, GNN_CG_NORMS));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_Device(GNNCGSteps s, PetscViewer viewer)
{
  PetscFunctionBegin;
  if (s->captures) PetscCall(PetscViewerASCIIPrintf(viewer, "  graphs of %d iterations\n", STEPS));
  else PetscCall(PetscViewerASCIIPrintf(viewer, "  without graphs: what the preconditioner does cannot be captured\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Device(GNNCGSteps *steps)
{
  GNNCGSteps s = *steps;

  PetscFunctionBegin;
  if (s->graph) GNNCallKernel(GNNKernelGraphDestroy(s->graph));
  if (s->stream) GNNCallKernel(GNNKernelStreamDestroy(s->stream));
  PetscCall(GNNDeviceFree(&s->i));
  PetscCall(GNNDeviceFree(&s->tile));
  PetscCall(GNNDeviceFree(&s->cg.partials));
  PetscCall(GNNDeviceFree(&s->cg.steps));
  GNNCallKernel(GNNKernelFreeHost(s->read));
  PetscCall(VecDestroy(&s->diagonal));
  PetscCall(VecDestroy(&s->ones));
  PetscCall(PetscFree(*steps));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const GNNCGOps GNNCGDeviceOps = {Supports_Device, Begin_Device, Run_Device, View_Device, Destroy_Device};
