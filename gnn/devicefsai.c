/*
   The classical factor on the device. Its static pattern is that of slots of A, once per pattern; a grown one depends on
   the values: the rows come in pieces, of which the CSR is made anew at every set-up, in memory that is kept and only grows.
*/
#include "device.h"
#define GNN_INDEX PetscInt
#include "fsairow.h" /* GNN_FSAI_MAX */

/* Lanes by the mean length of the rows of A */
static int FsaiLanes_Private(GNNGraph g)
{
  if (g->nz / 10 <= g->n) return 8;
  return g->nz / 20 <= g->n ? 16 : 32;
}

/* Most columns before it that a row may begin with */
static PetscInt FsaiLongest_Private(GNNGraph g)
{
  PetscInt longest = 0;

  for (PetscInt i = 0; i < g->n; i++) longest = PetscMax(longest, g->diag[i] - g->i[i]);
  return longest;
}

/* Room for the pieces of the rows, and for the factor; what was there is lost */
static PetscErrorCode FsaiReserve_Private(GNNDevice d, PetscInt room)
{
  GNNKernelFsai *k = &d->fsai;

  PetscFunctionBegin;
  if (d->pieces) GNNCallKernel(GNNKernelFree(d->pieces));
  GNNCallKernel(GNNKernelMalloc(&d->pieces, (size_t)room * (sizeof(double) + 3 * sizeof(int))));
  k->room = (int)room;
  k->v    = (double *)d->pieces;
  k->j    = (int *)(k->v + room);
  k->row  = k->j + room;
  k->from = k->row + room;
  PetscCall(GNNDeviceFactorCreate(d->graph.n, room, d->precision, PETSC_FALSE, &d->classical));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All that depends on the pattern of A, and on whether rows grow */
static PetscErrorCode FsaiCreate_Private(GNNDevice d, GNNGraph g, PetscBool grown)
{
  GNNKernelFsai *k       = &d->fsai;
  const PetscInt longest = FsaiLongest_Private(g);

  PetscFunctionBegin;
  k->lanes   = FsaiLanes_Private(g);
  k->longest = (int)longest;
  d->grown   = -1.0;
  PetscCall(GNNDeviceTake(d, g->n * sizeof(double), &k->unit));
  PetscCall(GNNDeviceTake(d, g->nz * sizeof(double), &k->as));
  PetscCall(GNNDeviceTake(d, g->n * sizeof(int), &k->late));
  if (g->b == 1 && !grown && longest <= GNN_FSAI_MAX) {
    PetscCall(GNNDeviceTake(d, g->nz * sizeof(double), &k->slots));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(GNNDeviceTake(d, g->n * sizeof(int), &k->start));
  PetscCall(GNNDeviceTake(d, g->n * sizeof(int), &k->count));
  PetscCall(GNNDeviceTake(d, g->n * sizeof(int), &k->columns));
  PetscCall(GNNDeviceTake(d, GNNKernelSums((size_t)g->n) * sizeof(int), &k->sums));
  PetscCall(FsaiReserve_Private(d, g->nz));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceFsaiRows(GNNDevice d, GNNGraph g, PetscReal threshold, PetscBool grow, GNNStream stream)
{
  PetscFunctionBegin;
  if (d->fsai.unit == NULL) PetscCall(FsaiCreate_Private(d, g, threshold > 0.0 ? PETSC_TRUE : PETSC_FALSE));
  PetscCall(GNNDeviceCount(d, stream));
  d->fsai.threshold = threshold;
  d->fsai.kept      = !grow && d->fsai.slots == NULL && d->grown == threshold ? 1 : 0;
  GNNCallKernel(GNNKernelFsaiScale(d->graph, d->fsai, stream));
  GNNCallKernel(GNNKernelFsaiRows(d->graph, d->fsai, d->status, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Room for all entries, in the precision at hand. Where the pieces did not fit, they are made again, with room for them and some more */
static PetscErrorCode FsaiFit_Private(GNNDevice d, unsigned long long entries, GNNStream stream)
{
  const unsigned long long most = GNN_KERNEL_MOST_ENTRIES;

  PetscFunctionBegin;
  PetscCheck(entries <= most, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "The local factor has %llu nonzeros: the device's offsets are 32-bit, use more ranks, or a larger -pc_gnnspai_threshold", entries);
  if (entries > (unsigned long long)d->fsai.room) {
    PetscCall(FsaiReserve_Private(d, (PetscInt)PetscMin(entries + entries / 8, most)));
    GNNCallKernel(GNNKernelStatusClear(d->status, stream));
    GNNCallKernel(GNNKernelFsaiRows(d->graph, d->fsai, d->status, stream));
  }
  if (d->classical.gt.mat.precision != d->precision) PetscCall(GNNDeviceFactorCreate(d->graph.n, d->fsai.room, d->precision, PETSC_FALSE, &d->classical));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceFsaiStore(GNNDevice d, GNNGraph g, unsigned long long entries, GNNStream stream)
{
  GNNKernelMat *gt = &d->classical.gt.mat, *gm = &d->classical.g.mat;

  PetscFunctionBegin;
  if (d->fsai.slots) {
    PetscCall(GNNDeviceFillSlots(d, g, GNN_PATTERN_LOWER, 0.0, d->fsai.slots, stream, &d->classical));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(FsaiFit_Private(d, entries, stream));
  gt->nz = gm->nz = (int)entries;
  GNNKernelSetTiles(gt, PETSC_MPI_INT_MAX); /* the longest row of G is not known */
  GNNKernelSetTiles(gm, PETSC_MPI_INT_MAX);
  PetscCall(GNNDeviceSetApart(d, g->b > 1 ? PETSC_TRUE : PETSC_FALSE, &d->classical));
  d->fsai.apart = d->classical.apart ? 1 : 0;
  GNNCallKernel(GNNKernelFsaiStore(d->graph, d->fsai, *gt, *gm, stream));
  d->product = &d->classical;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rows' pieces, one after the other */
PetscErrorCode GNNDeviceGetFsai(GNNDevice d, GNNFactor f, GNNStream stream)
{
  const GNNKernelFsai *k  = &d->fsai;
  const PetscInt       nz = d->classical.gt.mat.nz;
  int                 *start, *count, *j;
  double              *v;

  PetscFunctionBegin;
  PetscCall(GNNFactorReserve(f, 0, nz));
  PetscCall(PetscMalloc4(f->n, &start, f->n, &count, nz, &j, nz, &v));
  GNNCallKernel(GNNKernelToHost(start, k->start, f->n * sizeof(int), stream));
  GNNCallKernel(GNNKernelToHost(count, k->count, f->n * sizeof(int), stream));
  GNNCallKernel(GNNKernelToHost(j, k->j, nz * sizeof(int), stream));
  GNNCallKernel(GNNKernelToHost(v, k->v, nz * sizeof(double), stream));
  f->i[0] = 0;
  for (PetscInt i = 0; i < f->n; i++) {
    f->i[i + 1] = f->i[i] + count[i];
    for (PetscInt l = 0; l < count[i]; l++) {
      f->j[f->i[i] + l] = j[start[i] + l];
      f->v[f->i[i] + l] = v[start[i] + l];
    }
  }
  PetscCall(PetscFree4(start, count, j, v));
  PetscCall(PetscLogGpuToCpu((PetscLogDouble)nz * (sizeof(double) + sizeof(int))));
  PetscFunctionReturn(PETSC_SUCCESS);
}
