/*
   The device's copy of the network: its shape, its weights in the order the kernels read them, the tiles of its nodes.
*/
#include "device.h"
#include "layout.h"

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
  *supports = c->width <= 32 && c->layers <= GNN_KERNEL_LAYERS && sizeof(PetscScalar) == sizeof(double) ? PETSC_TRUE : PETSC_FALSE;
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
  k->width             = (int)GNNPad(c->width);
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

/* Where entry (o, c) of a matrix (out, in) stands */
static int PackPlace_Private(GNNPackOrder order, int out, int in, int o, int c)
{
  if (order == GNN_PACK_BLOCKS) return 8 * (o / 8 * in + c / 8 * 8 + o % 8) + c % 8;
  return order == GNN_PACK_ROWS ? o * in + c : c * out + o;
}

/* out rows from first on of W, padded */
static void PackRows_Private(const GNNLinear *L, PetscInt first, int in, int out, GNNPackOrder order, float **w)
{
  for (PetscInt o = 0; o < PetscMin(L->out - first, out); o++) {
    for (PetscInt c = 0; c < L->in; c++) (*w)[PackPlace_Private(order, out, in, (int)o, (int)c)] = (float)L->W[(first + o) * L->ldi + c];
  }
  *w += in * out;
}

static void PackMatrix_Private(const GNNLinear *L, int in, int out, GNNPackOrder order, float **w)
{
  PackRows_Private(L, 0, in, out, order, w);
}

static void PackVector_Private(PetscInt n, const GNNReal b[], int size, float **w)
{
  for (PetscInt k = 0; k < n; k++) (*w)[k] = (float)b[k];
  *w += size;
}

/* In the order of GNNKernelMapSize(), the last matrix by groups of outputs */
static void PackMap_Private(const GNNKernelConfig *c, GNNPackOrder order, const GNNFF *ff, PetscInt part, int in, int out, int group, float **w)
{
  PackMatrix_Private(&ff->lift[part], in, c->width, order, w);
  PackVector_Private(ff->lift[0].out, ff->lift[0].b, c->width, w);
  PackVector_Private(ff->lift[0].out, ff->lift[0].r, c->width, w);
  for (PetscInt k = 0; k < ff->nbody; k++) {
    PackMatrix_Private(&ff->body[k], c->width, c->width, order, w);
    PackVector_Private(ff->body[k].out, ff->body[k].b, c->width, w);
  }
  for (PetscInt first = 0; first < out; first += group) PackRows_Private(&ff->proj, first, c->width, group, order, w);
  PackVector_Private(ff->proj.out, ff->proj.b, out, w);
}

/* Node parts of the maps that read the node states before layer t: msg_mlp's and edge_mlp's, or after the last layer edge_dec's */
static void PackParts_Private(const GNNKernelConfig *c, GNNPackOrder order, GNNNet net, PetscInt t, float **w)
{
  const GNNFF   *ff[2] = {t < c->layers ? GNNNetMsg(net, t) : GNNNetDec(net), t < c->layers ? GNNNetEdge(net, t) : NULL};
  const PetscInt count = ff[1] ? 2 : 1;

  for (PetscInt k = 0; k < count; k++) PackMatrix_Private(&ff[k]->lift[ff[k]->part_i], c->width, c->width, order, w);
  for (PetscInt k = 0; k < count; k++) PackMatrix_Private(&ff[k]->lift[ff[k]->part_j], c->width, c->width, order, w);
}

/* All stages' weights in one array; where each begins goes to offset: encode, layers, decode */
void GNNDevicePack(const GNNKernelConfig *c, GNNPackOrder order, GNNNet net, float *w, size_t offset[])
{
  const float *base = w;
  const int    d    = c->width;

  offset[0] = 0;
  PackMap_Private(c, order, GNNNetNodeEnc(net), 0, GNNKernelPad(c->node.size), d, d, &w);
  PackParts_Private(c, order, net, 0, &w);
  for (PetscInt t = 0; t < c->layers; t++) {
    const GNNFF *msg = GNNNetMsg(net, t), *edge = GNNNetEdge(net, t);

    offset[1 + t] = (size_t)(w - base);
    PackMap_Private(c, order, msg, msg->part_e, d, d, d, &w);
    PackMap_Private(c, order, edge, edge->part_e, d, d, d, &w);
    PackMap_Private(c, order, GNNNetNode(net, t), 0, d, d, d, &w);
    PackParts_Private(c, order, net, t + 1, &w);
    if (t == 0) PackMap_Private(c, order, GNNNetEdgeEnc(net), 0, GNNKernelPad(c->edge.size), d, d, &w);
  }
  offset[1 + c->layers] = (size_t)(w - base);
  PackMap_Private(c, order, GNNNetDec(net), GNNNetDec(net)->part_e, d, GNNKernelPad((int)GNNNetDec(net)->proj.out), 8, &w);
}

size_t GNNDevicePackSize(const GNNKernelConfig *c, int out)
{
  const int d = c->width, square = GNNKernelMapSize(c, d, d);

  return (size_t)GNNKernelMapSize(c, GNNKernelPad(c->node.size), d) + GNNKernelMapSize(c, GNNKernelPad(c->edge.size), d) + GNNKernelMapSize(c, d, GNNKernelPad(out)) + (size_t)c->layers * (3 * square + 4 * d * d) + 2 * d * d;
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
  const GNNKernelConfig *c    = &d->net.config;
  const size_t           size = GNNDevicePackSize(c, (int)GNNNetDec(m->net)->proj.out);
  size_t                 offset[GNN_KERNEL_LAYERS + 2];
  float                 *host, *device;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(size, &host));
  GNNDevicePack(c, c->tf32 ? GNN_PACK_BLOCKS : GNN_PACK_COLUMNS, m->net, host, offset);
  if (c->tf32) RoundToTF32_Private(size, host);
  PetscCall(GNNDevicePut(d, host, size * sizeof(float), stream, &device));
  PetscCall(PetscFree(host));
  d->net.encode = device;
  for (PetscInt t = 0; t < c->layers; t++) d->net.layer[t] = device + offset[1 + t];
  d->net.decode = device + offset[1 + c->layers];
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
  PetscCall(GNNDeviceTake(d, (size_t)g->n * GNN_NODE_USER * sizeof(float), &d->graph.features));
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
