/*
   The device's copy of the network: its shape, its weights in the order the kernels read them, the tiles of its nodes.
*/
#include "device.h"

/* Slots of a tile, which is one warp's, unless one row has more: as few as give work to a few thousand warps */
static PetscInt TileSlots_Private(PetscInt slots)
{
  return PetscMax(48, PetscMin(256, slots / 2048));
}

PetscErrorCode GNNDeviceSupports(GNNModel m, PetscBool *supports)
{
  const GNNConfig *c = &m->config;
  GNNKernelConfig  k;

  PetscFunctionBegin;
  *supports = c->width <= 32 && sizeof(PetscScalar) == sizeof(double) ? PETSC_TRUE : PETSC_FALSE;
  if (!*supports) PetscFunctionReturn(PETSC_SUCCESS);
  GNNDeviceConfig(c, PETSC_FALSE, &k);
  *supports = GNNKernelFits(&k, (int)c->block_size) ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Adds one of size numbers */
static void FeaturesAdd_Private(GNNKernelFeatures *f, int kind, PetscInt size)
{
  f->kind[f->count]    = kind;
  f->first[f->count++] = f->size;
  f->size += (int)size;
}

void GNNDeviceConfig(const GNNConfig *c, PetscBool tf32, GNNKernelConfig *k)
{
  *k                   = (GNNKernelConfig){0};
  k->width             = GNNPad((int)c->width);
  k->layers            = (int)c->layers;
  k->hidden            = (int)c->hidden_layers;
  k->norm              = c->norm == GNN_NORM_LAYER ? (int)c->width : 0;
  k->tf32              = tf32 ? 1 : 0;
  k->mean              = c->aggregation == GNN_AGGREGATION_MEAN;
  k->aggregation_scale = (float)c->aggregation_scale;
  k->user_size         = (int)c->user_size;
  for (PetscInt f = 0; f < c->nedge_features; f++) FeaturesAdd_Private(&k->edge, (int)c->edge_features[f], GNNEdgeFeatureSize(c->edge_features[f], (int)c->block_size));
  for (PetscInt f = 0; f < c->nnode_features; f++) FeaturesAdd_Private(&k->node, (int)c->node_features[f], GNNNodeFeatureSize(c->node_features[f], (int)c->block_size, (int)c->user_size));
}

/* W at the places of a packed matrix with in columns */
static void PackMatrix_Private(const GNNLinear *L, GNNPackOrder order, int group, int in, float *w)
{
  for (int o = 0; o < L->out; o++) {
    for (int c = 0; c < L->in; c++) w[GNNPackedEntry(order, group, in, o, c)] = (float)L->W[o * L->ldi + c];
  }
}

static void PackVector_Private(PetscInt n, const GNNReal b[], float *w)
{
  for (PetscInt k = 0; k < n; k++) w[k] = (float)b[k];
}

static void PackMap_Private(const GNNFF *ff, GNNPackOrder order, float packed[])
{
  const GNNMap   *m = &ff->map;
  const GNNPacked p = GNNMapPacked(m);
  const int       d = GNNPad(m->width);
  float          *w = packed + m->packed;

  for (int q = 0; q < m->nparts; q++) PackMatrix_Private(&ff->lift[q], order, d, GNNPad(m->in), packed + m->lift[q]);
  PackVector_Private(m->width, ff->lift[0].b, w + p.bias);
  PackVector_Private(m->width, ff->lift[0].r, w + p.rowsum);
  for (int k = 0; k < ff->nbody; k++) {
    PackMatrix_Private(&ff->body[k], order, d, d, w + p.body + k * GNNBodySize(d));
    PackVector_Private(m->width, ff->body[k].b, w + p.body + k * GNNBodySize(d) + d * d);
  }
  PackMatrix_Private(&ff->proj, order, m->group, d, w + p.proj);
  PackVector_Private(m->out, ff->proj.b, w + p.projbias);
}

void GNNDeviceSetWeights(const GNNShape *shape, const float packed[], GNNKernelNet *k)
{
  k->encode = packed;
  for (int t = 0; t < shape->layers; t++) k->layer[t] = packed + GNNStageBegin(shape, 1 + t);
  k->decode = packed + GNNStageBegin(shape, 1 + shape->layers);
}

/* To tf32, whose mantissa has 10 bits, as cvt.rna does: to the nearest, ties away from zero */
static void RoundToTF32_Private(size_t n, float w[])
{
  for (size_t k = 0; k < n; k++) {
    union
    {
      float    f;
      uint32_t i;
    } x = {.f = w[k]};

    x.i  = (x.i + 0x1000) & 0xFFFFE000;
    w[k] = x.f;
  }
}

/* For the tensor cores all are rounded here, biases too, rather than the matrices at every product */
static PetscErrorCode DeviceUploadWeights_Private(GNNDevice d, GNNModel m, GNNStream stream)
{
  const GNNShape *shape = &m->net->shape;
  const size_t    size  = (size_t)GNNShapePacked(shape);
  const PetscBool tf32  = d->net.config.tf32 ? PETSC_TRUE : PETSC_FALSE;
  float          *host, *device;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(size, &host));
  for (PetscInt f = 0; f < m->net->nff; f++) PackMap_Private(&m->net->ff[f], tf32 ? GNN_PACK_BLOCKS : GNN_PACK_COLUMNS, host);
  if (tf32) RoundToTF32_Private(size, host);
  PetscCall(GNNDevicePut(d, host, size * sizeof(float), stream, &device));
  PetscCall(PetscFree(host));
  GNNDeviceSetWeights(shape, device, &d->net);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int GNNDeviceNetTiles(PetscInt n, const PetscInt i[], PetscInt most, PetscInt longest, GNNKernelTile tile[])
{
  int count = 0;

  for (PetscInt row = 0; row < n; row++) {
    if (i[row + 1] - i[row] <= longest) continue;
    for (PetscInt p = i[row]; p < i[row + 1]; p += longest) tile[count++] = (GNNKernelTile){(int)row, (int)row, (int)p, (int)PetscMin(p + longest, i[row + 1])};
  }
  for (PetscInt row = 0; row < n;) {
    const PetscInt first = row++;

    if (i[row] - i[first] > longest) continue;
    while (row < n && row - first < GNN_KERNEL_ROWS && i[row + 1] - i[first] <= PetscMin(most, longest)) row++;
    tile[count++] = (GNNKernelTile){(int)first, (int)row, (int)i[first], (int)i[row]};
  }
  return count;
}

static PetscErrorCode DeviceCreateTiles_Private(GNNDevice d, GNNGraph g, GNNStream stream)
{
  GNNKernelNet  *k = &d->net;
  GNNKernelTile *tile;
  int           *hub, nparts = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(g->nodes + g->slots / GNN_KERNEL_HUB, &tile, g->slots / GNN_KERNEL_HUB + 1, &hub));
  k->ntiles = GNNDeviceNetTiles(g->nodes, g->bi, TileSlots_Private(g->slots), GNN_KERNEL_HUB, tile);
  for (; nparts < k->ntiles && tile[nparts].last == tile[nparts].first; nparts++) {
    if (tile[nparts].begin == g->bi[tile[nparts].first]) hub[k->nhubs++] = nparts;
  }
  hub[k->nhubs] = nparts;
  PetscCall(GNNDevicePut(d, tile, k->ntiles * sizeof(*tile), stream, &k->tile));
  PetscCall(GNNDevicePut(d, hub, (k->nhubs + 1) * sizeof(*hub), stream, &k->hub));
  PetscCall(GNNDeviceTake(d, (size_t)nparts * k->config.width * sizeof(float), &k->partsum));
  PetscCall(PetscFree2(tile, hub));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceCreateNet(GNNDevice d, GNNModel m, GNNGraph g, PetscBool tf32, GNNStream stream)
{
  GNNKernelNet *k = &d->net;

  PetscFunctionBegin;
  if (k->x) PetscFunctionReturn(PETSC_SUCCESS);
  GNNDeviceConfig(&m->config, tf32, &k->config);
  PetscCall(DeviceUploadWeights_Private(d, m, stream));
  PetscCall(DeviceCreateTiles_Private(d, g, stream));
  PetscCall(GNNDeviceTake(d, (size_t)g->nodes * k->config.width * sizeof(float), &k->x));
  PetscCall(GNNDeviceTake(d, (size_t)g->slots * k->config.width * sizeof(float), &k->e));
  PetscCall(GNNDeviceTake(d, (size_t)g->nodes * k->config.width * 2 * sizeof(float), &k->part_i));
  for (int l = 0; l < 2; l++) PetscCall(GNNDeviceTake(d, (size_t)g->nodes * k->config.width * 2 * sizeof(float), &k->part_j[l]));
  if (k->config.norm) {
    for (int l = 0; l < 2; l++) PetscCall(GNNDeviceTake(d, (size_t)g->nodes * 2 * sizeof(float), &k->moments[l]));
  }
  if (k->config.user_size) PetscCall(GNNDeviceTake(d, (size_t)g->nodes * k->config.user_size * sizeof(float), &d->user));
  k->user = d->user;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNDeviceUploadUserFeatures(GNNDevice d, GNNGraph g, GNNStream stream)
{
  const PetscInt size = d->net.config.user_size;
  float         *user;

  PetscFunctionBegin;
  if (size == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(size == g->user_size, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE, "The model reads %" PetscInt_FMT " user features a node, %" PetscInt_FMT " were given: pass a Vec of that block size to PCGNNSPAISetNodeFeatures()", size, g->user_size);
  PetscCall(PetscMalloc1(g->nodes * size, &user));
  for (PetscInt k = 0; k < g->nodes * size; k++) user[k] = (float)PetscRealPart(g->user[k]);
  GNNCallKernel(GNNKernelToDevice(d->user, user, (size_t)g->nodes * size * sizeof(float), stream));
  PetscCall(PetscFree(user));
  PetscFunctionReturn(PETSC_SUCCESS);
}
