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
  PetscCall(GNNFactorFill(f, g, pattern, filter, gt));
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

/* A row of G^T S^T, or of G^T if S is apart, columns and values unless NULL; returns how many. Of each block that G^T has entries in there are the columns up to
   the last of them, so that a triangle stays one */
static int FoldRow_Private(GNNFactor f, PetscBool apart, PetscInt row, int j[], double v[])
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
      v[nz] = PetscRealPart(apart ? g[c] : GNNBlockFolded((int)b, g, f->s + first * b, (int)c));
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

PetscErrorCode GNNDevicePutMat(PetscInt n, const int i[], const int j[], GNNStream stream, GNNKernelMat *m)
{
  int longest = 0;

  PetscFunctionBegin;
  for (PetscInt row = 0; row < n; row++) longest = PetscMax(longest, i[row + 1] - i[row]);
  m->nz = i[n];
  GNNCallKernel(GNNKernelToDevice((void *)m->i, i, (size_t)(n + 1) * sizeof(int), stream));
  GNNCallKernel(GNNKernelToDevice((void *)m->j, j, (size_t)i[n] * sizeof(int), stream));
  GNNKernelSetTiles(m, longest);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Numbers of rows of G^T become those of 16 bits, with the rows' scales */
static void RoundRows_Private(PetscInt n, const int i[], double v[], double scale[])
{
  for (PetscInt row = 0; row < n; row++) {
    double largest = 0.0;

    for (int k = i[row]; k < i[row + 1]; k++) largest = PetscMax(largest, fabs(v[k]));
    scale[row] = GNNHalfScale(largest);
    for (int k = i[row]; k < i[row + 1]; k++) v[k] = GNNHalfNumber(v[k], scale[row]);
  }
}

/* v in the precision of a matrix, whose tiles are then made: in 16 bits they add the columns */
static PetscErrorCode DevicePutValues_Private(const double v[], GNNKernelMat *m, GNNStream stream)
{
  const size_t nz = (size_t)m->nz;
  union
  {
    float    single;
    unsigned word;
  } * x;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(nz, &x));
  for (size_t k = 0; k < nz; k++) {
    if (m->precision == GNN_HALF) x[k].word = GNNWord((int)v[k], 0);
    else x[k].single = (float)v[k];
  }
  if (m->precision == GNN_DOUBLE) GNNCallKernel(GNNKernelToDevice(m->v, v, nz * sizeof(double), stream));
  else GNNCallKernel(GNNKernelToDevice(m->v, x, nz * sizeof(*x), stream));
  GNNCallKernel(GNNKernelTiles(*m, stream));
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the host has not multiplied S into 16 bits, nor does the device */
static PetscErrorCode PutScaling_Private(GNNDevice d, GNNFactor f, GNNStream stream)
{
  const size_t bytes = (size_t)f->n * f->b * sizeof(double);

  PetscFunctionBegin;
  PetscCall(GNNDeviceSetApart(d, f->precision == GNN_HALF && !f->folded ? PETSC_TRUE : PETSC_FALSE, &d->classical));
  if (!d->classical.apart) PetscFunctionReturn(PETSC_SUCCESS);
  if (d->graph.s == NULL) PetscCall(GNNDeviceTake(d, bytes, &d->graph.s));
  GNNCallKernel(GNNKernelToDevice(d->graph.s, f->s, bytes, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceUpload(GNNDevice d, GNNFactor f, GNNStream stream)
{
  const PetscInt n  = f->n;
  GNNKernelMat  *gt = &d->classical.gt.mat, *gm = &d->classical.g.mat;
  PetscInt       nz;
  int           *i, *j, *ti, *tj, *to;
  double        *v, *tv, *scale;
  PetscBool      apart;

  PetscFunctionBegin;
  PetscCall(PutScaling_Private(d, f, stream));
  apart = d->classical.apart;
  PetscCall(PetscMalloc2(n + 1, &i, n + 1, &ti));
  i[0] = 0;
  for (PetscInt row = 0; row < n; row++) i[row + 1] = i[row] + FoldRow_Private(f, apart, row, NULL, NULL);
  nz = i[n];
  PetscCall(PetscMalloc6(nz, &j, nz, &tj, nz, &to, nz, &v, nz, &tv, n, &scale));
  for (PetscInt row = 0; row < n; row++) FoldRow_Private(f, apart, row, j + i[row], v + i[row]);
  if (d->precision == GNN_HALF) RoundRows_Private(n, i, v, scale);
  GNNDeviceTranspose(n, n, i, j, ti, tj, to);
  for (PetscInt k = 0; k < nz; k++) tv[to[k]] = v[k];
  PetscCall(GNNDeviceFactorCreate(n, nz, d->precision, PETSC_FALSE, &d->classical));
  PetscCall(GNNDevicePutMat(n, i, j, stream, gt));
  PetscCall(GNNDevicePutMat(n, ti, tj, stream, gm));
  PetscCall(DevicePutValues_Private(v, gt, stream));
  PetscCall(DevicePutValues_Private(tv, gm, stream));
  if (gt->scale) GNNCallKernel(GNNKernelToDevice(gt->scale, scale, (size_t)n * sizeof(double), stream));
  PetscCall(PetscFree6(j, tj, to, v, tv, scale));
  PetscCall(PetscFree2(i, ti));
  GNNCallKernel(GNNKernelToDevice(d->shift, f->shift, (size_t)n * f->b * sizeof(double), stream));
  d->product = &d->classical;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Work of the product for so many vectors, which stays */
static PetscErrorCode ReserveColumns_Private(GNNDevice d, PetscInt count)
{
  const size_t bytes = (size_t)d->graph.n * GNN_DEVICE_COLUMNS * sizeof(double);

  PetscFunctionBegin;
  PetscCheck(count <= GNN_DEVICE_COLUMNS, PETSC_COMM_SELF, PETSC_ERR_PLIB, "There is room for less");
  if (d->us == NULL) PetscCall(GNNDeviceTake(d, bytes, &d->us));
  if (d->xs == NULL && d->product->apart) PetscCall(GNNDeviceTake(d, bytes, &d->xs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceApplyColumns(GNNDevice d, PetscInt count, const double r[], PetscInt ldr, double z[], PetscInt ldz, GNNStream stream)
{
  const GNNDeviceFactor *f = d->product;
  const long long        n = d->graph.n;
  double                *u = d->u, *x = d->x;

  PetscFunctionBegin;
  if (count > 1) {
    PetscCall(ReserveColumns_Private(d, count));
    u = d->us;
    x = d->xs;
  }
  if (f->apart) {
    GNNCallKernel(GNNKernelScaleBefore(d->graph, (GNNKernelSide){(int)count, n, ldr, 0}, r, x, stream));
    GNNCallKernel(GNNKernelMultiply(f->gt.mat, (GNNKernelSide){(int)count, n, 0, n}, x, u, stream));
    GNNCallKernel(GNNKernelMultiply(f->g.mat, (GNNKernelSide){(int)count, n, 0, ldz}, u, z, stream));
    GNNCallKernel(GNNKernelScaleAfter(d->graph, (GNNKernelSide){(int)count, 0, ldr, ldz}, d->shift, r, z, stream));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  GNNCallKernel(GNNKernelMultiply(f->gt.mat, (GNNKernelSide){(int)count, ldr, 0, n}, r, u, stream));
  GNNCallKernel(GNNKernelMultiplyShift(f->g.mat, (GNNKernelSide){(int)count, n, ldr, ldz}, u, d->graph.b, d->shift, r, z, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceApply(GNNDevice d, const double r[], double z[], GNNStream stream)
{
  PetscFunctionBegin;
  PetscCall(GNNDeviceApplyColumns(d, 1, r, 0, z, 0, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt GNNDeviceEntries(GNNDevice d)
{
  return d->product->gt.mat.nz;
}
