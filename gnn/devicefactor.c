/*
   The factor on the device: the order of the launches, from the slots to the product; a factor that was made on the host.
*/
#include "device.h"

PetscErrorCode GNNDeviceFill(GNNDevice d, GNNGraph g, GNNPattern pattern, PetscReal filter, GNNStream stream)
{
  PetscFunctionBegin;
  PetscCall(GNNDeviceFillSlots(d, g, pattern, filter, d->slots, stream, &d->network));
  d->pattern  = pattern;
  d->filter   = filter;
  d->diagonal = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceStore(GNNDevice d, GNNGraph g, GNNPrecision precision, GNNStream stream)
{
  PetscFunctionBegin;
  d->precision = precision;
  if (d->product == &d->network) PetscCall(GNNDeviceFillSlots(d, g, d->pattern, d->filter, d->slots, stream, &d->network));
  else PetscCall(GNNDeviceFsaiStore(d, g, (unsigned long long)d->classical.gt.mat.nz, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceFinish(GNNDevice d, PetscReal epsilon, PetscBool probe, GNNStream stream)
{
  PetscFunctionBegin;
  GNNCallKernel(GNNKernelShift(d->graph, epsilon, d->shift, stream));
  d->epsilon = epsilon;
  d->fetched = PETSC_FALSE;
  if (!probe) PetscFunctionReturn(PETSC_SUCCESS);
  GNNCallKernel(GNNKernelProbe(d->graph, d->w, d->r, stream));
  PetscCall(GNNDeviceApply(d, d->r, d->z, stream));
  GNNCallKernel(GNNKernelResidual(d->graph, d->z, d->w, d->partials, d->status, stream));
  d->unread = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceForward(GNNDevice d, GNNModel m, GNNGraph g, PetscReal alpha, PetscReal damping, GNNStream stream)
{
  GNNStart s = GNNModelStart(m);

  PetscFunctionBegin;
  s.alpha   = alpha;
  s.damping = damping;
  PetscCall(GNNDeviceCount(d, stream));
  PetscCall(GNNDeviceUploadUserFeatures(d, g, stream));
  GNNCallKernel(GNNKernelForward(d->graph, d->net, s, d->slots, d->status, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DeviceGetSlots_Private(GNNGraph g, GNNPattern pattern, PetscReal filter, const double slots[], GNNFactor f, GNNStream stream)
{
  PetscScalar *gt;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(g->nz, &gt));
  GNNCallKernel(GNNKernelToHost(gt, slots, g->nz * sizeof(double), stream));
  GNNFactorFill(f, g, pattern, filter, gt);
  PetscCall(PetscFree(gt));
  PetscCall(PetscLogGpuToCpu((PetscLogDouble)g->nz * sizeof(double)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceGetFactor(GNNDevice d, GNNGraph g, GNNFactor f, GNNStream stream)
{
  PetscFunctionBegin;
  if (d->product == &d->classical && d->fsai.slots) PetscCall(DeviceGetSlots_Private(g, GNN_PATTERN_LOWER, 0.0, d->fsai.slots, f, stream));
  else if (d->product == &d->classical) PetscCall(GNNDeviceGetFsai(d, f, stream));
  else if (d->diagonal) GNNFactorFillJacobi(f, g);
  else PetscCall(DeviceGetSlots_Private(g, d->pattern, d->filter, d->slots, f, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a factor made on the host ---- */

/* A row of G^T S^T, columns and values unless NULL; returns how many. Of each block that G^T has entries in there are the columns up to
   the last of them, so that a triangle stays one */
static int FoldRow_Private(GNNFactor f, PetscInt row, int j[], double v[])
{
  const PetscInt b  = f->b;
  int            nz = 0;

  for (PetscInt k = f->i[row]; k < f->i[row + 1];) {
    const PetscInt first            = f->j[k] / b * b;
    PetscScalar    g[GNN_MAX_BLOCK] = {0};
    PetscInt       size             = 0;

    for (; k < f->i[row + 1] && f->j[k] < first + b; k++) {
      size        = f->j[k] - first + 1;
      g[size - 1] = f->v[k];
    }
    for (PetscInt c = 0; c < size; c++, nz++) {
      if (j == NULL) continue;
      j[nz] = (int)(first + c);
      v[nz] = PetscRealPart(GNNBlockFolded((int)b, g, f->s + first * b, (int)c));
    }
  }
  return nz;
}

/* By counting */
void GNNDeviceTranspose(PetscInt n, PetscInt m, const int i[], const int j[], int ti[], int tj[], int to[])
{
  for (PetscInt k = 0; k <= m; k++) ti[k] = 0;
  for (PetscInt k = 0; k < i[n]; k++) ti[j[k] + 1]++;
  for (PetscInt k = 0; k < m; k++) ti[k + 1] += ti[k];
  for (PetscInt r = 0; r < n; r++) {
    for (PetscInt k = i[r]; k < i[r + 1]; k++) {
      to[k]     = ti[j[k]]++;
      tj[to[k]] = (int)r;
    }
  }
  for (PetscInt k = m; k > 0; k--) ti[k] = ti[k - 1];
  ti[0] = 0;
}

PetscErrorCode GNNDevicePutMat(PetscInt n, const int i[], const int j[], GNNPrecision precision, GNNStream stream, GNNDeviceMat *m)
{
  int longest = 0;

  PetscFunctionBegin;
  for (PetscInt row = 0; row < n; row++) longest = PetscMax(longest, i[row + 1] - i[row]);
  PetscCall(GNNDeviceMatCreate(n, i[n], precision, PETSC_FALSE, m));
  m->mat.nz = i[n];
  GNNCallKernel(GNNKernelToDevice((void *)m->mat.i, i, (size_t)(n + 1) * sizeof(int), stream));
  GNNCallKernel(GNNKernelToDevice((void *)m->mat.j, j, (size_t)i[n] * sizeof(int), stream));
  GNNKernelSetTiles(&m->mat, longest);
  GNNCallKernel(GNNKernelTiles(m->mat, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DevicePutValues_Private(PetscInt nz, const double v[], GNNDeviceMat *m, GNNStream stream)
{
  float *single;

  PetscFunctionBegin;
  if (m->mat.precision == GNN_DOUBLE) {
    GNNCallKernel(GNNKernelToDevice(m->mat.v, v, nz * sizeof(double), stream));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(nz, &single));
  for (PetscInt k = 0; k < nz; k++) single[k] = (float)v[k];
  GNNCallKernel(GNNKernelToDevice(m->mat.v, single, nz * sizeof(float), stream));
  PetscCall(PetscFree(single));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceUpload(GNNDevice d, GNNFactor f, GNNStream stream)
{
  const PetscInt n = f->n;
  PetscInt       nz;
  int           *i, *j, *ti, *tj, *to;
  double        *v, *tv;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(n + 1, &i, n + 1, &ti));
  i[0] = 0;
  for (PetscInt row = 0; row < n; row++) i[row + 1] = i[row] + FoldRow_Private(f, row, NULL, NULL);
  nz = i[n];
  PetscCall(PetscMalloc5(nz, &j, nz, &tj, nz, &to, nz, &v, nz, &tv));
  for (PetscInt row = 0; row < n; row++) FoldRow_Private(f, row, j + i[row], v + i[row]);
  GNNDeviceTranspose(n, n, i, j, ti, tj, to);
  for (PetscInt k = 0; k < nz; k++) tv[to[k]] = v[k];
  PetscCall(GNNDevicePutMat(n, i, j, d->precision, stream, &d->classical.gt));
  PetscCall(GNNDevicePutMat(n, ti, tj, d->precision, stream, &d->classical.g));
  PetscCall(DevicePutValues_Private(nz, v, &d->classical.gt, stream));
  PetscCall(DevicePutValues_Private(nz, tv, &d->classical.g, stream));
  PetscCall(PetscFree5(j, tj, to, v, tv));
  PetscCall(PetscFree2(i, ti));
  GNNCallKernel(GNNKernelToDevice(d->shift, f->shift, (size_t)n * f->b * sizeof(double), stream));
  d->product = &d->classical;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceApply(GNNDevice d, const double r[], double z[], GNNStream stream)
{
  PetscFunctionBegin;
  if (d->product->apart) {
    GNNCallKernel(GNNKernelScaleBefore(d->graph, r, d->x, stream));
    GNNCallKernel(GNNKernelMultiply(d->product->gt.mat, d->x, d->u, stream));
    GNNCallKernel(GNNKernelMultiply(d->product->g.mat, d->u, z, stream));
    GNNCallKernel(GNNKernelScaleAfter(d->graph, d->shift, r, z, stream));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  GNNCallKernel(GNNKernelMultiply(d->product->gt.mat, r, d->u, stream));
  GNNCallKernel(GNNKernelMultiplyShift(d->product->g.mat, d->u, d->graph.b, d->shift, r, z, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt GNNDeviceEntries(GNNDevice d)
{
  return d->product->gt.mat.nz;
}
