/*
   The device's copy of graph, network and factor: what is uploaded once per pattern, and the order of the launches.
*/
#include "gnndevice.h"
#include "gnnnet.h"

#define TILE_SLOTS 256 /* slots of a tile of the network, unless one row has more */

PetscErrorCode GNNDeviceSupports(GNNModel m, PetscBool *supports)
{
  const GNNConfig *c = &m->config;

  PetscFunctionBegin;
  *supports = c->block_size == 1 && c->width <= 32 && c->layers <= GNN_KERNEL_LAYERS && GNNConfigNodeSize(c) <= GNN_KERNEL_FEATURES && sizeof(PetscScalar) == sizeof(double) ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- memory ---- */

static PetscErrorCode DeviceTake_Private(GNNDevice d, size_t bytes, void *array)
{
  PetscFunctionBegin;
  PetscCheck(d->nmemory < (PetscInt)PETSC_STATIC_ARRAY_LENGTH(d->memory), PETSC_COMM_SELF, PETSC_ERR_PLIB, "Too many arrays");
  GNNCallKernel(GNNKernelMalloc((void **)array, bytes));
  d->memory[d->nmemory++] = *(void **)array;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DevicePut_Private(GNNDevice d, const void *from, size_t bytes, GNNStream stream, void *array)
{
  PetscFunctionBegin;
  PetscCall(DeviceTake_Private(d, bytes, array));
  GNNCallKernel(GNNKernelToDevice(*(void **)array, from, bytes, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An array of PetscInt, narrowed */
static PetscErrorCode DevicePutInts_Private(GNNDevice d, PetscInt n, const PetscInt from[], GNNStream stream, const int **array)
{
  int *narrow;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &narrow));
  for (PetscInt k = 0; k < n; k++) narrow[k] = (int)from[k];
  PetscCall(DevicePut_Private(d, narrow, (size_t)n * sizeof(int), stream, array));
  PetscCall(PetscFree(narrow));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DeviceMatDestroy_Private(GNNDeviceMat *m)
{
  PetscFunctionBegin;
  if (m->memory) GNNCallKernel(GNNKernelFree(m->memory));
  m->memory = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceDestroy(GNNDevice *device)
{
  GNNDevice d = *device;

  PetscFunctionBegin;
  if (d == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt k = 0; k < d->nmemory; k++) GNNCallKernel(GNNKernelFree(d->memory[k]));
  PetscCall(DeviceMatDestroy_Private(&d->gt));
  PetscCall(DeviceMatDestroy_Private(&d->g));
  PetscCall(DeviceMatDestroy_Private(&d->up_gt));
  PetscCall(DeviceMatDestroy_Private(&d->up_g));
  if (d->read) GNNCallKernel(GNNKernelFreeHost(d->read));
  PetscCall(PetscFree(*device));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* First rows of tiles of at most most_rows rows with at most most entries, or of one row; returns how many */
int GNNDeviceTiles(PetscInt n, const int i[], PetscInt most_rows, PetscInt most, int tile[])
{
  int count = 0;

  for (PetscInt row = 0; row < n;) {
    const PetscInt first = row++;

    tile[count++] = (int)first;
    while (row < n && row - first < most_rows && i[row + 1] - i[first] <= most) row++;
  }
  tile[count] = (int)n;
  return count;
}

/* ---- graph ---- */

static PetscErrorCode DeviceCreateGraph_Private(GNNDevice d, GNNGraph g, GNNStream stream)
{
  GNNKernelGraph *k = &d->graph;
  PetscInt       *row;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(g->nz, &row));
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) row[p] = i;
  }
  PetscCall(DevicePutInts_Private(d, g->n + 1, g->i, stream, &k->i));
  PetscCall(DevicePutInts_Private(d, g->nz, g->j, stream, &k->j));
  PetscCall(DevicePutInts_Private(d, g->nz, g->rev, stream, &k->rev));
  PetscCall(DevicePutInts_Private(d, g->n, g->diag, stream, &k->diag));
  PetscCall(DevicePutInts_Private(d, g->nz, row, stream, &k->row));
  PetscCall(PetscFree(row));
  PetscCall(DeviceTake_Private(d, g->n * sizeof(double), &k->s));
  PetscCall(DeviceTake_Private(d, g->n * sizeof(double), &k->inverse));
  PetscCall(DeviceTake_Private(d, g->nz * sizeof(double), &k->at));
  PetscCall(DeviceTake_Private(d, g->nz, &k->keep));
  PetscCall(DeviceTake_Private(d, g->n * sizeof(float), &k->degree));
  PetscCall(DeviceTake_Private(d, g->n * sizeof(float), &k->rowabs));
  PetscCall(DeviceTake_Private(d, g->n * sizeof(float), &k->rowsum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- network ---- */

void GNNDeviceConfig(const GNNConfig *c, PetscBool tf32, GNNKernelConfig *k)
{
  k->width             = (int)PetscMax(16, GNNPad(c->width));
  k->layers            = (int)c->layers;
  k->hidden            = (int)c->hidden_layers;
  k->norm              = c->norm == GNN_NORM_LAYER ? (int)c->width : 0;
  k->tf32              = tf32 ? 1 : 0;
  k->mean              = c->aggregation == GNN_AGGREGATION_MEAN;
  k->aggregation_scale = (float)c->aggregation_scale;
  k->nedge             = (int)c->nedge_features;
  k->nnode             = (int)GNNConfigNodeSize(c);
  k->user_size         = (int)c->user_size;
  for (PetscInt f = 0; f < c->nedge_features; f++) k->edge[f] = c->edge_features[f] == GNN_EDGE_DIAGONAL;
  for (PetscInt f = 0, at = 0; f < c->nnode_features; f++) {
    const PetscInt size = c->node_features[f] == GNN_NODE_USER ? c->user_size : 1;

    for (PetscInt l = 0; l < size; l++, at++) {
      k->node[at] = (int)c->node_features[f]; /* GNNKernelFeature lists them in the same order */
      k->user[at] = (int)l;
    }
  }
}

/* W (out, in), padded; transposed unless the tensor cores read it */
static void PackMatrix_Private(const GNNLinear *L, int in, int out, int tf32, float **w)
{
  for (PetscInt o = 0; o < L->out; o++) {
    for (PetscInt c = 0; c < L->in; c++) (*w)[tf32 ? o * in + c : c * out + o] = (float)L->W[o * L->ldi + c];
  }
  *w += in * out;
}

static void PackVector_Private(PetscInt n, const GNNReal b[], int size, float **w)
{
  for (PetscInt k = 0; k < n; k++) (*w)[k] = (float)b[k];
  *w += size;
}

/* In the order of GNNKernelMapSize() */
static void PackMap_Private(const GNNKernelConfig *c, const GNNFF *ff, PetscInt part, int in, int out, float **w)
{
  PackMatrix_Private(&ff->lift[part], in, c->width, c->tf32, w);
  PackVector_Private(ff->lift[0].out, ff->lift[0].b, c->width, w);
  PackVector_Private(ff->lift[0].out, ff->lift[0].r, c->width, w);
  for (PetscInt k = 0; k < ff->nbody; k++) {
    PackMatrix_Private(&ff->body[k], c->width, c->width, c->tf32, w);
    PackVector_Private(ff->body[k].out, ff->body[k].b, c->width, w);
  }
  PackMatrix_Private(&ff->proj, c->width, out, c->tf32, w);
  PackVector_Private(ff->proj.out, ff->proj.b, out, w);
}

/* Node parts of the maps that read the node states before layer t: msg_mlp's and edge_mlp's, or after the last layer edge_dec's */
static void PackParts_Private(const GNNKernelConfig *c, GNNNet net, PetscInt t, float **w)
{
  const GNNFF   *ff[2] = {t < c->layers ? GNNNetMsg(net, t) : GNNNetDec(net), t < c->layers ? GNNNetEdge(net, t) : NULL};
  const PetscInt count = ff[1] ? 2 : 1;

  for (PetscInt k = 0; k < count; k++) PackMatrix_Private(&ff[k]->lift[ff[k]->part_i], c->width, c->width, c->tf32, w);
  for (PetscInt k = 0; k < count; k++) PackMatrix_Private(&ff[k]->lift[ff[k]->part_j], c->width, c->width, c->tf32, w);
}

/* All stages' weights in one array; where each begins goes to offset: encode, layers, decode */
void GNNDevicePack(const GNNKernelConfig *c, GNNNet net, float *w, size_t offset[])
{
  const float *base = w;
  const int    d    = c->width;

  offset[0] = 0;
  PackMap_Private(c, GNNNetNodeEnc(net), 0, GNNKernelPad(c->nnode), d, &w);
  PackParts_Private(c, net, 0, &w);
  for (PetscInt t = 0; t < c->layers; t++) {
    const GNNFF *msg = GNNNetMsg(net, t), *edge = GNNNetEdge(net, t);

    offset[1 + t] = (size_t)(w - base);
    PackMap_Private(c, msg, msg->part_e, d, d, &w);
    PackMap_Private(c, edge, edge->part_e, d, d, &w);
    PackMap_Private(c, GNNNetNode(net, t), 0, d, d, &w);
    PackParts_Private(c, net, t + 1, &w);
    if (t == 0) PackMap_Private(c, GNNNetEdgeEnc(net), 0, GNNKernelPad(c->nedge), d, &w);
  }
  offset[1 + c->layers] = (size_t)(w - base);
  PackMap_Private(c, GNNNetDec(net), GNNNetDec(net)->part_e, d, 8, &w);
}

size_t GNNDevicePackSize(const GNNKernelConfig *c)
{
  const int d = c->width, square = GNNKernelMapSize(c, d, d);

  return (size_t)GNNKernelMapSize(c, GNNKernelPad(c->nnode), d) + GNNKernelMapSize(c, GNNKernelPad(c->nedge), d) + GNNKernelMapSize(c, d, 8) + (size_t)c->layers * (3 * square + 4 * d * d) + 2 * d * d;
}

static PetscErrorCode DeviceUploadWeights_Private(GNNDevice d, GNNModel m, GNNStream stream)
{
  const GNNKernelConfig *c = &d->net.config;
  const size_t size = GNNDevicePackSize(c);
  size_t       offset[GNN_KERNEL_LAYERS + 2];
  float       *host, *device;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(size, &host));
  GNNDevicePack(c, m->net, host, offset);
  PetscCall(DevicePut_Private(d, host, size * sizeof(float), stream, &device));
  PetscCall(PetscFree(host));
  d->net.encode = device;
  for (PetscInt t = 0; t < c->layers; t++) d->net.layer[t] = device + offset[1 + t];
  d->net.decode = device + offset[1 + c->layers];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DeviceCreateNet_Private(GNNDevice d, GNNModel m, GNNGraph g, const int i[], PetscBool tf32, GNNStream stream)
{
  GNNKernelNet *k = &d->net;
  int          *tile;

  PetscFunctionBegin;
  GNNDeviceConfig(&m->config, tf32, &k->config);
  PetscCall(DeviceUploadWeights_Private(d, m, stream));
  PetscCall(PetscMalloc1(g->n + 1, &tile));
  k->ntiles = GNNDeviceTiles(g->n, i, GNN_KERNEL_ROWS, TILE_SLOTS, tile);
  PetscCall(DevicePut_Private(d, tile, (k->ntiles + 1) * sizeof(int), stream, &k->tile));
  PetscCall(PetscFree(tile));
  PetscCall(DeviceTake_Private(d, (size_t)g->n * k->config.width * sizeof(float), &k->x));
  PetscCall(DeviceTake_Private(d, (size_t)g->nz * k->config.width * sizeof(float), &k->e));
  PetscCall(DeviceTake_Private(d, (size_t)g->n * k->config.width * 2 * sizeof(float), &k->part_i));
  for (int l = 0; l < 2; l++) PetscCall(DeviceTake_Private(d, (size_t)g->n * k->config.width * 2 * sizeof(float), &k->part_j[l]));
  if (k->config.norm) {
    for (int l = 0; l < 2; l++) PetscCall(DeviceTake_Private(d, (size_t)g->n * 2 * sizeof(float), &k->moments[l]));
  }
  if (k->config.user_size) PetscCall(DeviceTake_Private(d, (size_t)g->n * k->config.user_size * sizeof(float), &d->user));
  k->user = d->user;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DeviceUploadUserFeatures_Private(GNNDevice d, GNNGraph g, GNNStream stream)
{
  const PetscInt size = d->net.config.user_size;
  float         *user;

  PetscFunctionBegin;
  if (size == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(size == g->user_size, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE, "The model reads %" PetscInt_FMT " user features a node, %" PetscInt_FMT " were given: pass a Vec of that block size to PCGNNSPAISetNodeFeatures()", size, g->user_size);
  PetscCall(PetscMalloc1(g->n * size, &user));
  for (PetscInt k = 0; k < g->n * size; k++) user[k] = (float)PetscRealPart(g->user[k]);
  GNNCallKernel(GNNKernelToDevice(d->user, user, (size_t)g->n * size * sizeof(float), stream));
  PetscCall(PetscFree(user));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- factor ---- */

/* A matrix of n rows with the given CSR, and for each entry the slot its value comes from, or NULL */
static PetscErrorCode DeviceMatCreate_Private(PetscInt n, const int i[], const int j[], const int slot[], PetscBool single, GNNStream stream, GNNDeviceMat *m)
{
  const size_t nz = (size_t)i[n], rows = (size_t)n + 1, value = single ? sizeof(float) : sizeof(double), bytes = nz * value;
  char        *at;
  int         *tile;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(rows, &tile));
  m->mat.n      = (int)n;
  m->mat.nz     = (int)nz;
  m->mat.single = single ? 1 : 0;
  m->mat.ntiles = GNNDeviceTiles(n, i, PETSC_MAX_INT, nz < 300000 ? GNN_KERNEL_CHUNK / 2 : GNN_KERNEL_CHUNK, tile);
  GNNCallKernel(GNNKernelMalloc(&m->memory, bytes + (2 * rows + (slot ? 2 : 1) * nz) * sizeof(int)));
  at          = (char *)m->memory;
  m->mat.v    = at;
  m->mat.i    = (int *)(at + bytes);
  m->mat.tile = m->mat.i + rows;
  m->mat.j    = m->mat.tile + rows;
  m->mat.slot = slot ? m->mat.j + nz : NULL;
  GNNCallKernel(GNNKernelToDevice((void *)m->mat.i, i, rows * sizeof(int), stream));
  GNNCallKernel(GNNKernelToDevice((void *)m->mat.tile, tile, (m->mat.ntiles + 1) * sizeof(int), stream));
  GNNCallKernel(GNNKernelToDevice((void *)m->mat.j, j, nz * sizeof(int), stream));
  if (slot) GNNCallKernel(GNNKernelToDevice((void *)m->mat.slot, slot, nz * sizeof(int), stream));
  PetscCall(PetscFree(tile));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* G^T has the slots of the pattern, G the same by rows of G: row j of G takes, in ascending i, the slots (i, j) of G^T */
static PetscErrorCode DeviceCreateFactor_Private(GNNDevice d, GNNGraph g, GNNPattern pattern, PetscBool single, GNNStream stream)
{
  int *i, *j, *slot, k = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(g->n + 1, &i, g->nz, &j, g->nz, &slot));
  for (int transposed = 0; transposed < 2; transposed++) {
    k = 0;
    for (PetscInt r = 0; r < g->n; r++) {
      i[r] = k;
      for (PetscInt p = g->i[r]; p < g->i[r + 1]; p++) {
        const PetscInt from = transposed ? g->rev[p] : p;

        if (g->rev[p] < 0 || !(transposed ? GNNPatternHas(pattern, g->j[p], r) : GNNPatternHas(pattern, r, g->j[p]))) continue;
        j[k]      = (int)g->j[p];
        slot[k++] = (int)from;
      }
    }
    i[g->n] = k;
    PetscCall(DeviceMatCreate_Private(g->n, i, j, slot, single, stream, transposed ? &d->g : &d->gt));
  }
  PetscCall(PetscFree3(i, j, slot));
  PetscCall(DeviceTake_Private(d, g->nz * sizeof(double), &d->slots));
  PetscCall(DeviceTake_Private(d, g->n * sizeof(double), &d->w));
  PetscCall(DeviceTake_Private(d, GNN_KERNEL_PARTIALS * sizeof(double), &d->partials));
  PetscCall(DeviceTake_Private(d, sizeof(GNNKernelStatus), &d->status));
  GNNCallKernel(GNNKernelMallocHost((void **)&d->read, sizeof(GNNKernelStatus)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DeviceCreateVectors_Private(GNNDevice d, PetscInt n)
{
  PetscFunctionBegin;
  PetscCall(DeviceTake_Private(d, n * sizeof(double), &d->shift));
  PetscCall(DeviceTake_Private(d, n * sizeof(double), &d->u));
  PetscCall(DeviceTake_Private(d, n * sizeof(double), &d->r));
  PetscCall(DeviceTake_Private(d, n * sizeof(double), &d->z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DeviceCreateNetwork_Private(GNNDevice d, GNNModel m, GNNGraph g, PetscBool single, PetscBool tf32, GNNStream stream)
{
  int *i;

  PetscFunctionBegin;
  PetscCall(DeviceCreateGraph_Private(d, g, stream));
  PetscCall(PetscMalloc1(g->n + 1, &i));
  for (PetscInt k = 0; k <= g->n; k++) i[k] = (int)g->i[k];
  PetscCall(DeviceCreateNet_Private(d, m, g, i, tf32, stream));
  PetscCall(PetscFree(i));
  PetscCall(DeviceCreateFactor_Private(d, g, m->config.pattern, single, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceCreate(GNNModel m, GNNGraph g, PetscBool single, PetscBool tf32, GNNStream stream, GNNDevice *device)
{
  GNNDevice d;

  PetscFunctionBegin;
  PetscCheck(g->nz < PETSC_MPI_INT_MAX - GNN_KERNEL_CHUNK, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "The local matrix has %" PetscInt_FMT " nonzeros: the device's offsets are 32-bit, use more ranks", g->nz);
  PetscCall(PetscNew(&d));
  *device     = d;
  d->graph.n  = (int)g->n;
  d->graph.nz = (int)g->nz;
  PetscCall(DeviceCreateVectors_Private(d, g->n));
  if (m) PetscCall(DeviceCreateNetwork_Private(d, m, g, single, tf32, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- values ---- */

PetscErrorCode GNNDeviceSetUp(GNNDevice d, GNNModel m, GNNGraph g, const double a[], PetscReal epsilon, PetscReal alpha, PetscReal damping, PetscBool probe, GNNStream stream, GNNKernelStatus *status)
{
  const GNNConfig *c = &m->config;
  GNNKernelStart   s = {0};

  PetscFunctionBegin;
  s.alpha    = alpha;
  s.damping  = damping;
  s.c[0]     = m->net->c[0];
  s.c[1]     = m->net->c[1];
  s.residual = c->output == GNN_OUTPUT_RESIDUAL;
  s.lower    = c->pattern == GNN_PATTERN_LOWER;
  s.jacobi   = alpha == GNN_GUARD_JACOBI;
  d->uploaded = PETSC_FALSE;
  PetscCall(DeviceUploadUserFeatures_Private(d, g, stream));
  GNNCallKernel(GNNKernelStatusClear(d->status, stream));
  GNNCallKernel(GNNKernelScale(d->graph, a, c->scaling == GNN_SCALING_MEAN, d->partials, d->status, stream));
  GNNCallKernel(GNNKernelForward(d->graph, d->net, s, d->slots, d->status, stream));
  GNNCallKernel(GNNKernelFill(d->gt.mat, d->slots, d->graph, stream));
  GNNCallKernel(GNNKernelFill(d->g.mat, d->slots, d->graph, stream));
  GNNCallKernel(GNNKernelShift(d->graph, s.jacobi ? 0.0 : epsilon, d->shift, stream));
  if (probe) {
    GNNCallKernel(GNNKernelProbe(d->graph, d->w, d->r, stream));
    PetscCall(GNNDeviceApply(d, d->r, d->z, stream));
    GNNCallKernel(GNNKernelResidual(d->graph, d->z, d->w, d->partials, d->status, stream));
  }
  GNNCallKernel(GNNKernelToHost(d->read, d->status, sizeof(*d->status), stream));
  *status = *d->read;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceGetSlots(GNNDevice d, GNNGraph g, PetscScalar gt[], GNNStream stream)
{
  PetscFunctionBegin;
  GNNCallKernel(GNNKernelToHost(gt, d->slots, g->nz * sizeof(double), stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The values of a factor, S folded in, in the order of its rows or, by the map to, of its columns */
static PetscErrorCode DevicePutValues_Private(GNNFactor f, const int to[], GNNDeviceMat *m, GNNStream stream)
{
  const PetscInt nz     = f->i[f->n];
  double        *values = NULL;
  float         *single = NULL;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(nz, &values, f->single ? nz : 0, &single));
  for (PetscInt k = 0; k < nz; k++) values[to ? to[k] : k] = PetscRealPart(f->v[k] * f->s[f->j[k]]);
  if (f->single) {
    for (PetscInt k = 0; k < nz; k++) single[k] = (float)values[k];
  }
  GNNCallKernel(GNNKernelToDevice(m->mat.v, f->single ? (void *)single : (void *)values, nz * (f->single ? sizeof(float) : sizeof(double)), stream));
  PetscCall(PetscFree2(values, single));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Row offsets and columns of G from those of G^T, and where each entry of G^T goes, by counting */
static void TransposeCSR_Private(PetscInt n, const int i[], const int j[], int ti[], int tj[], int to[])
{
  for (PetscInt k = 0; k <= n; k++) ti[k] = 0;
  for (PetscInt k = 0; k < i[n]; k++) ti[j[k] + 1]++;
  for (PetscInt k = 0; k < n; k++) ti[k + 1] += ti[k];
  for (PetscInt r = 0; r < n; r++) {
    for (PetscInt k = i[r]; k < i[r + 1]; k++) {
      to[k]     = ti[j[k]]++;
      tj[to[k]] = (int)r;
    }
  }
  for (PetscInt k = n; k > 0; k--) ti[k] = ti[k - 1];
  ti[0] = 0;
}

PetscErrorCode GNNDeviceUpload(GNNDevice d, GNNFactor f, GNNStream stream)
{
  const PetscInt n = f->n, nz = f->i[n];
  int           *i, *j, *ti, *tj, *to;

  PetscFunctionBegin;
  PetscCheck(f->b == 1, PETSC_COMM_SELF, PETSC_ERR_SUP, "Block size %" PetscInt_FMT, f->b);
  PetscCall(DeviceMatDestroy_Private(&d->up_gt));
  PetscCall(DeviceMatDestroy_Private(&d->up_g));
  PetscCall(PetscMalloc5(n + 1, &i, nz, &j, n + 1, &ti, nz, &tj, nz, &to));
  for (PetscInt k = 0; k <= n; k++) i[k] = (int)f->i[k];
  for (PetscInt k = 0; k < nz; k++) j[k] = (int)f->j[k];
  TransposeCSR_Private(n, i, j, ti, tj, to);
  PetscCall(DeviceMatCreate_Private(n, i, j, NULL, f->single, stream, &d->up_gt));
  PetscCall(DeviceMatCreate_Private(n, ti, tj, NULL, f->single, stream, &d->up_g));
  PetscCall(DevicePutValues_Private(f, NULL, &d->up_gt, stream));
  PetscCall(DevicePutValues_Private(f, to, &d->up_g, stream));
  PetscCall(PetscFree5(i, j, ti, tj, to));
  GNNCallKernel(GNNKernelToDevice(d->shift, f->shift, n * sizeof(double), stream));
  d->uploaded = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceApply(GNNDevice d, const double r[], double z[], GNNStream stream)
{
  PetscFunctionBegin;
  GNNCallKernel(GNNKernelMultiply(d->uploaded ? d->up_gt.mat : d->gt.mat, r, d->u, stream));
  GNNCallKernel(GNNKernelMultiplyShift(d->uploaded ? d->up_g.mat : d->g.mat, d->u, d->shift, r, z, stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt GNNDeviceEntries(GNNDevice d)
{
  return d->uploaded ? d->up_gt.mat.nz : d->gt.mat.nz;
}
