/*
   What all else on the device is made of: memory, the graph, matrices with the slots of a pattern, the status.
*/
#include "device.h"

/* ---- memory ---- */

PetscErrorCode GNNDeviceTake(GNNDevice d, size_t bytes, void *array)
{
  PetscFunctionBegin;
  PetscCheck(d->nmemory < (PetscInt)PETSC_STATIC_ARRAY_LENGTH(d->memory), PETSC_COMM_SELF, PETSC_ERR_PLIB, "Too many arrays");
  GNNCallKernel(GNNKernelMalloc((void **)array, bytes));
  d->memory[d->nmemory++] = *(void **)array;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDevicePut(GNNDevice d, const void *from, size_t bytes, GNNStream stream, void *array)
{
  PetscFunctionBegin;
  PetscCall(GNNDeviceTake(d, bytes, array));
  GNNCallKernel(GNNKernelToDevice(*(void **)array, from, bytes, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An array of PetscInt, narrowed where they are long */
static PetscErrorCode DevicePutInts_Private(GNNDevice d, PetscInt n, const PetscInt from[], GNNStream stream, const int **array)
{
  int *narrow;

  PetscFunctionBegin;
  if (sizeof(PetscInt) == sizeof(int)) {
    PetscCall(GNNDevicePut(d, from, (size_t)n * sizeof(int), stream, array));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(n, &narrow));
  for (PetscInt k = 0; k < n; k++) narrow[k] = (int)from[k];
  PetscCall(GNNDevicePut(d, narrow, (size_t)n * sizeof(int), stream, array));
  PetscCall(PetscFree(narrow));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceMatDestroy(GNNDeviceMat *m)
{
  PetscFunctionBegin;
  if (m->memory) GNNCallKernel(GNNKernelFree(m->memory));
  m->memory = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DeviceFactorDestroy_Private(GNNDeviceFactor *f)
{
  PetscFunctionBegin;
  PetscCall(GNNDeviceMatDestroy(&f->gt));
  PetscCall(GNNDeviceMatDestroy(&f->g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceDestroy(GNNDevice *device)
{
  GNNDevice d = *device;

  PetscFunctionBegin;
  if (d == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt k = 0; k < d->nmemory; k++) GNNCallKernel(GNNKernelFree(d->memory[k]));
  PetscCall(DeviceFactorDestroy_Private(&d->network));
  PetscCall(DeviceFactorDestroy_Private(&d->classical));
  if (d->pieces) GNNCallKernel(GNNKernelFree(d->pieces));
  if (d->read) GNNCallKernel(GNNKernelFreeHost(d->read));
  PetscCall(PetscFree(*device));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- graph ---- */

/* CSR of the matrix and of its blocks, which is the same where b = 1, and what follows from it */
static PetscErrorCode DevicePutPattern_Private(GNNDevice d, GNNGraph g, GNNStream stream)
{
  GNNKernelGraph *k = &d->graph;

  PetscFunctionBegin;
  PetscCall(DevicePutInts_Private(d, g->n + 1, g->i, stream, &k->i));
  PetscCall(DevicePutInts_Private(d, g->nz, g->j, stream, &k->j));
  k->bi = k->i;
  k->bj = k->j;
  if (g->b > 1) {
    PetscCall(DevicePutInts_Private(d, g->nodes + 1, g->bi, stream, &k->bi));
    PetscCall(DevicePutInts_Private(d, g->slots, g->bj, stream, &k->bj));
  }
  PetscCall(GNNDeviceTake(d, g->nz * sizeof(int), &k->rev));
  PetscCall(GNNDeviceTake(d, g->n * sizeof(int), &k->diag));
  PetscCall(GNNDeviceTake(d, g->slots * sizeof(int), &k->brow));
  GNNCallKernel(GNNKernelPattern(*k, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceCreateGraph(GNNDevice d, GNNGraph g, GNNStream stream)
{
  GNNKernelGraph *k = &d->graph;

  PetscFunctionBegin;
  if (k->i) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < g->n; i++) d->longest = PetscMax(d->longest, g->i[i + 1] - g->i[i]);
  PetscCall(DevicePutPattern_Private(d, g, stream));
  PetscCall(GNNDeviceTake(d, g->n * g->b * sizeof(double), &k->s));
  PetscCall(GNNDeviceTake(d, g->n * g->b * sizeof(double), &k->inverse));
  PetscCall(GNNDeviceTake(d, g->nz * sizeof(double), &k->at));
  PetscCall(GNNDeviceTake(d, g->slots, &k->keep));
  PetscCall(GNNDeviceTake(d, g->nodes * sizeof(float), &k->degree));
  PetscCall(GNNDeviceTake(d, g->n * sizeof(double), &d->w));
  PetscCall(GNNDeviceTake(d, GNN_KERNEL_PARTIALS * sizeof(double), &d->partials));
  PetscCall(GNNDeviceTake(d, sizeof(GNNKernelStatus), &d->status));
  GNNCallKernel(GNNKernelMallocHost(&d->read, GNN_DEVICE_READ));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- factor ---- */

/* A scale where it is of G^T in 16 bits; a word of these is as long as a float */
PetscErrorCode GNNDeviceMatCreate(PetscInt n, PetscInt room, GNNPrecision precision, PetscBool slots, PetscBool transposed, GNNDeviceMat *m)
{
  const PetscBool half  = precision == GNN_HALF ? PETSC_TRUE : PETSC_FALSE;
  const size_t    scale = half && transposed ? (size_t)n * sizeof(double) : 0, bytes = scale + (size_t)room * (precision == GNN_DOUBLE ? sizeof(double) : sizeof(float));
  const size_t    tiles = (size_t)room / (GNN_KERNEL_CHUNK / 2) + 3, ints = (slots ? 2 : 1) * (size_t)room + (size_t)n + 1 + (half ? 2 : 1) * tiles;
  char           *at;

  PetscFunctionBegin;
  PetscCall(GNNDeviceMatDestroy(m));
  GNNCallKernel(GNNKernelMalloc(&m->memory, bytes + ints * sizeof(int)));
  at               = (char *)m->memory;
  m->mat.n         = (int)n;
  m->mat.precision = precision;
  m->mat.scale     = scale > 0 ? (double *)at : NULL;
  m->mat.v         = at + scale;
  m->mat.j         = (int *)(at + bytes);
  m->mat.i         = m->mat.j + room;
  m->mat.tile      = m->mat.i + n + 1;
  m->mat.base      = half ? (int *)m->mat.tile + tiles : NULL;
  m->mat.slot      = slots ? m->mat.tile + (half ? 2 : 1) * tiles : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceFactorCreate(PetscInt n, PetscInt room, GNNPrecision precision, PetscBool slots, GNNDeviceFactor *f)
{
  PetscFunctionBegin;
  PetscCall(GNNDeviceMatCreate(n, room, precision, slots, PETSC_TRUE, &f->gt));
  PetscCall(GNNDeviceMatCreate(n, room, precision, slots, PETSC_FALSE, &f->g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* G^T or G, whose places are known, has so many entries; or at most so many, what is behind them being empty */
static PetscErrorCode DevicePlace_Private(GNNDevice d, PetscInt nz, int transposed, const int *place, GNNStream stream, GNNDeviceMat *m)
{
  PetscFunctionBegin;
  m->mat.nz = (int)nz;
  GNNKernelSetTiles(&m->mat, (int)d->longest);
  GNNCallKernel(GNNKernelPlaced(d->graph, transposed, place, m->mat, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* G^T has the slots of the pattern, G the same by rows of G: row j of G takes, in ascending i, the slots (i, j) of G^T */
static PetscErrorCode DeviceCreateSlots_Private(GNNDevice d, GNNGraph g, GNNPattern pattern, GNNStream stream, GNNDeviceFactor *f)
{
  int *place, nz = 0;

  PetscFunctionBegin;
  GNNCallKernel(GNNKernelMalloc((void **)&place, ((size_t)g->nz + 1 + GNNKernelSums((size_t)g->nz)) * sizeof(int)));
  for (int transposed = 0; transposed < 2; transposed++) {
    GNNCallKernel(GNNKernelPlaces(d->graph, pattern == GNN_PATTERN_LOWER, transposed, NULL, NULL, place, place + g->nz + 1, stream));
    if (!transposed) {
      PetscCall(GNNDeviceRead(d, sizeof(nz), place + g->nz, &nz, stream));
      PetscCall(GNNDeviceFactorCreate(g->n, nz, d->precision, PETSC_TRUE, f));
    }
    PetscCall(DevicePlace_Private(d, nz, transposed, place, stream, transposed ? &f->g : &f->gt));
  }
  GNNCallKernel(GNNKernelFree(place));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Room for all slots */
static PetscErrorCode DeviceReserveFiltered_Private(GNNDevice d, GNNGraph g, GNNDeviceFactor *f)
{
  PetscFunctionBegin;
  PetscCall(GNNDeviceFactorCreate(g->n, g->nz, d->precision, PETSC_TRUE, f));
  if (d->place == NULL) PetscCall(GNNDeviceTake(d, ((size_t)g->nz + 1 + GNNKernelSums((size_t)g->nz)) * sizeof(int), &d->place));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Those that stay, in room for all. How many they are goes to the status, so that nothing waits for it */
static PetscErrorCode DeviceFilterSlots_Private(GNNDevice d, GNNGraph g, GNNPattern pattern, const double slots[], GNNStream stream, GNNDeviceFactor *f)
{
  PetscFunctionBegin;
  GNNCallKernel(GNNKernelRowFilters(d->graph, slots, f->filter, d->u, stream)); /* before the product needs that */
  for (int transposed = 0; transposed < 2; transposed++) {
    GNNCallKernel(GNNKernelPlaces(d->graph, pattern == GNN_PATTERN_LOWER, transposed, slots, d->u, d->place, d->place + g->nz + 1, stream));
    PetscCall(DevicePlace_Private(d, g->nz, transposed, d->place, stream, transposed ? &f->g : &f->gt));
  }
  GNNCallKernel(GNNKernelEntries(d->graph, d->place, d->status, stream));
  d->counted = PETSC_FALSE;
  d->unread  = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceTrim(GNNDevice d, unsigned long long entries, GNNStream stream)
{
  GNNKernelMat *mat[] = {&d->network.gt.mat, &d->network.g.mat};

  PetscFunctionBegin;
  for (int k = 0; k < 2; k++) {
    mat[k]->nz = (int)entries;
    GNNKernelSetTiles(mat[k], (int)d->longest);
    GNNCallKernel(GNNKernelTiles(*mat[k], stream));
  }
  d->counted = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DeviceCreateVectors_Private(GNNDevice d, PetscInt n, PetscInt b)
{
  PetscFunctionBegin;
  PetscCall(GNNDeviceTake(d, n * b * sizeof(double), &d->shift));
  PetscCall(GNNDeviceTake(d, n * sizeof(double), &d->u));
  PetscCall(GNNDeviceTake(d, n * sizeof(double), &d->r));
  PetscCall(GNNDeviceTake(d, n * sizeof(double), &d->z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceCreate(GNNGraph g, GNNPrecision precision, GNNDevice *device)
{
  GNNDevice d;

  PetscFunctionBegin;
  PetscCheck(g->nz <= GNN_KERNEL_MOST_ENTRIES && g->n <= GNN_KERNEL_MOST_ROWS, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "The local matrix has %" PetscInt_FMT " rows and %" PetscInt_FMT " nonzeros: the device's offsets are 32-bit, use more ranks", g->n, g->nz);
  PetscCall(PetscNew(&d));
  *device        = d;
  d->precision   = precision;
  d->graph.b     = (int)g->b;
  d->graph.n     = (int)g->n;
  d->graph.nz    = (int)g->nz;
  d->graph.nodes = (int)g->nodes;
  d->counted     = PETSC_TRUE;
  PetscCall(DeviceCreateVectors_Private(d, g->n, g->b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceSetApart(GNNDevice d, PetscBool apart, GNNDeviceFactor *f)
{
  PetscFunctionBegin;
  f->apart = apart || (d->precision == GNN_HALF && d->jumps) ? PETSC_TRUE : PETSC_FALSE;
  if (f->apart && d->x == NULL) PetscCall(GNNDeviceTake(d, d->graph.n * sizeof(double), &d->x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceReserveSlots(GNNDevice d, GNNGraph g)
{
  PetscFunctionBegin;
  PetscCall(GNNDeviceTake(d, (size_t)g->nz * sizeof(double), &d->slots));
  PetscCall(GNNDeviceTake(d, (size_t)g->n * GNN_NODE_USER * sizeof(float), &d->graph.features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* S apart where it would fill in what the filter has taken out of a block */
PetscErrorCode GNNDeviceFillSlots(GNNDevice d, GNNGraph g, GNNPattern pattern, PetscReal filter, const double slots[], GNNStream stream, GNNDeviceFactor *f)
{
  const PetscBool made = f->gt.memory && f->filter == filter && f->gt.mat.precision == d->precision ? PETSC_TRUE : PETSC_FALSE;

  PetscFunctionBegin;
  f->filter = filter;
  if (filter == 0.0 && !made) PetscCall(DeviceCreateSlots_Private(d, g, pattern, stream, f));
  if (filter > 0.0 && !made) PetscCall(DeviceReserveFiltered_Private(d, g, f));
  if (filter > 0.0) PetscCall(DeviceFilterSlots_Private(d, g, pattern, slots, stream, f));
  PetscCall(GNNDeviceSetApart(d, filter > 0.0 && g->b > 1 ? PETSC_TRUE : PETSC_FALSE, f));
  GNNCallKernel(GNNKernelFill(f->gt.mat, f->g.mat, slots, f->apart ? 1 : 0, d->graph, stream));
  d->product = f;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- values and status ---- */

PetscErrorCode GNNDeviceRead(GNNDevice d, size_t bytes, const void *from, void *to, GNNStream stream)
{
  PetscFunctionBegin;
  PetscCheck(bytes <= GNN_DEVICE_READ, PETSC_COMM_SELF, PETSC_ERR_PLIB, "Too much to read: %zu bytes", bytes);
  GNNCallKernel(GNNKernelToHost(d->read, from, bytes, stream));
  PetscCall(PetscMemcpy(to, d->read, bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceReadStatus(GNNDevice d, GNNStream stream, GNNKernelStatus *status)
{
  PetscFunctionBegin;
  PetscCall(GNNDeviceRead(d, sizeof(*status), d->status, status, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceValues(GNNDevice d, const double a[], GNNScaling scaling, GNNStream stream)
{
  PetscFunctionBegin;
  GNNCallKernel(GNNKernelStatusClear(d->status, stream));
  GNNCallKernel(GNNKernelScale(d->graph, a, scaling == GNN_SCALING_MEAN, d->partials, d->status, stream));
  d->scaling = scaling;
  d->unread  = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceCount(GNNDevice d, GNNStream stream)
{
  PetscFunctionBegin;
  if (!d->unread) GNNCallKernel(GNNKernelStatusClear(d->status, stream));
  d->unread = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
