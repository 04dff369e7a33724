/*
   Tables for training on the device: which rows give which weight's gradient, and how parameters, in the model's order, become packed
   weights and get their gradient.
*/
#include "deviceimpl.h"

/* Of a map: which products are its linears' gradients */
typedef struct {
  int lift[3], body[GNN_MAX_HIDDEN], proj;
} MapProducts;

typedef struct {
  TrainDevice      d;
  int              count, width;
  GNNTrainProduct *product;
  MapProducts     *map; /* in the order of GNNNet's */
} Products;

/* ---- products ---- */

static int ProductsAdd_Private(Products *p, int edges, const float *x, int ldx, int in, const float *dz, int ldz, int out)
{
  const GNNTrainProduct product = {.x = x, .dz = dz, .in = in, .out = out, .ldx = ldx, .ldz = ldz, .edges = edges};

  p->product[p->count] = product;
  return p->count++;
}

/* Layer t of an array beside the GELUs, and what the last of its GELUs read */
static const float *HiddenLayer_Private(const Products *p, const float *array, int edges, int t)
{
  const GNNKernelTape *tape = &p->d->net.tape;

  return array + (size_t)t * p->d->net.config.hidden * (edges ? tape->nz : tape->n) * p->width;
}

static const float *HiddenLast_Private(const Products *p, const float *array, int edges, int t)
{
  return HiddenLayer_Private(p, array, edges, t + 1) - (edges ? p->d->net.tape.nz : p->d->net.tape.n) * p->width;
}

/* The hidden layers after the first, and the last linear unless dy is NULL */
static void ProductsTail_Private(Products *p, MapProducts *map, int edges, int t, const float *pre, const float *dpre, const float *dy, int out)
{
  const size_t stride = (edges ? p->d->net.tape.nz : p->d->net.tape.n) * p->width;
  const int    w      = p->width;

  for (int k = 0; k + 1 < p->d->net.config.hidden; k++) {
    map->body[k]                  = ProductsAdd_Private(p, edges, HiddenLayer_Private(p, pre, edges, t) + k * stride, w, w, HiddenLayer_Private(p, dpre, edges, t) + (k + 1) * stride, w, w);
    p->product[map->body[k]].gelu = 1;
  }
  if (dy == NULL) return;
  map->proj                  = ProductsAdd_Private(p, edges, HiddenLast_Private(p, pre, edges, t), w, w, dy, out, out);
  p->product[map->proj].gelu = 1;
}

/* The first linear of a map over [x_i, x_j, e_ij] in layer t, whose node parts are in that half */
static void ProductsParts_Private(Products *p, const GNNFF *ff, MapProducts *map, int t, int half, const float *dpre, const float *norm)
{
  const TrainDevice d = p->d;
  const size_t      n = d->net.tape.n, nz = d->net.tape.nz;
  const int         w = p->width;
  const float      *x = d->net.x + t * n * w, *e = d->net.e + t * nz * w;

  map->lift[ff->part_i]                  = ProductsAdd_Private(p, 0, x, w, w, d->adjoint.part_i + t * n * 2 * w + half * w, 2 * w, w);
  map->lift[ff->part_j]                  = ProductsAdd_Private(p, 0, x, w, w, d->adjoint.part_j + t * n * 2 * w + half * w, 2 * w, w);
  map->lift[ff->part_e]                  = ProductsAdd_Private(p, 1, e, w, w, dpre, w, w);
  p->product[map->lift[ff->part_e]].norm = norm ? norm + t * nz * 2 : NULL;
}

static void ProductsEncode_Private(Products *p, MapProducts *map, int edges, const float *features, int in, const float *pre, const float *dpre, const float *dy)
{
  map->lift[0] = ProductsAdd_Private(p, edges, features, in, in, dpre, p->width, p->width);
  ProductsTail_Private(p, map, edges, 0, pre, dpre, dy, p->width);
}

static void ProductsLayer_Private(Products *p, GNNNet net, int t)
{
  const TrainDevice       d    = p->d;
  const GNNKernelTape    *tape = &d->net.tape;
  const GNNKernelAdjoint *a    = &d->adjoint;
  const size_t            n = tape->n, nz = tape->nz, w = (size_t)p->width;
  MapProducts            *msg = p->map + 2 + 3 * t, *node = msg + 1, *edge = msg + 2;

  ProductsParts_Private(p, GNNNetMsg(net, t), msg, t, 0, HiddenLayer_Private(p, a->pre.msg, 1, t), a->norm_msg);
  ProductsTail_Private(p, msg, 1, t, tape->pre.msg, a->pre.msg, NULL, 0);
  msg->proj                      = ProductsAdd_Private(p, 0, tape->sum + t * n * w, (int)w, (int)w, a->agg + t * n * w, (int)w, (int)w); /* agg_i = W sum_i + kappa_i degree_i b */
  p->product[msg->proj].norm     = d->batch.kappa;
  node->lift[0]                  = ProductsAdd_Private(p, 0, tape->agg + t * n * w, (int)w, (int)w, HiddenLayer_Private(p, a->pre.node, 0, t), (int)w, (int)w);
  p->product[node->lift[0]].norm = a->norm_node ? a->norm_node + t * n * 2 : NULL;
  ProductsTail_Private(p, node, 0, t, tape->pre.node, a->pre.node, a->x + (t + 1) * n * w, (int)w);
  ProductsParts_Private(p, GNNNetEdge(net, t), edge, t, 1, HiddenLayer_Private(p, a->pre.edge, 1, t), a->norm_edge);
  ProductsTail_Private(p, edge, 1, t, tape->pre.edge, a->pre.edge, a->e + (t + 1) * nz * w, (int)w);
}

static void ProductsFill_Private(Products *p, GNNNet net)
{
  const TrainDevice       d    = p->d;
  const GNNKernelConfig  *c    = &d->net.config;
  const GNNKernelTape    *tape = &d->net.tape;
  const GNNKernelAdjoint *a    = &d->adjoint;
  MapProducts            *dec  = p->map + net->nff - 1;

  ProductsEncode_Private(p, p->map, 0, tape->node, GNNKernelPad(c->node.size), tape->pre.node_enc, a->pre.node_enc, a->x);
  ProductsEncode_Private(p, p->map + 1, 1, tape->edge, GNNKernelPad(c->edge.size), tape->pre.edge_enc, a->pre.edge_enc, a->e);
  for (int t = 0; t < c->layers; t++) ProductsLayer_Private(p, net, t);
  ProductsParts_Private(p, GNNNetDec(net), dec, c->layers, 0, a->pre.edge_dec, NULL);
  ProductsTail_Private(p, dec, 1, 0, tape->pre.edge_dec, a->pre.edge_dec, d->batch.dout, 1);
}

/* Places of the results, edges' first, and the products in that order */
static void ProductsOrder_Private(Products *p, GNNTrainProduct ordered[], GNNTrainProducts *all)
{
  int count = 0;

  all->size = 0;
  for (int edges = 1; edges >= 0; edges--) {
    for (int k = 0; k < p->count; k++) {
      GNNTrainProduct *product = &p->product[k];

      if (product->edges != edges) continue;
      product->to = all->size;
      all->size += (product->in + 2) * GNNTrainPad(product->out);
      ordered[count++] = *product;
    }
    if (edges) {
      all->nedge     = count;
      all->edge_size = all->size;
    }
  }
  all->nnode = count - all->nedge;
}

/* ---- parameters ---- */

/* Where parameters are among the packed weights: those of a model whose parameters are their own numbers, packed, tell */
static PetscErrorCode ParametersPlaces_Private(const GNNConfig *config, int layout, GNNTrainParameter parameter[])
{
  GNNKernelConfig c;
  GNNModel        m;
  float          *packed;
  size_t          size, offset[GNN_KERNEL_LAYERS + 2];

  PetscFunctionBegin;
  GNNDeviceConfig(config, PETSC_FALSE, &c);
  size = GNNDevicePackSize(&c, 1);
  PetscCall(PetscCalloc1(size, &packed));
  PetscCall(GNNModelCreate(config, &m));
  for (PetscInt l = 0; l < m->ntensors; l++) {
    const GNNTensor *t    = &m->tensors[l];
    const PetscBool  norm = strstr(t->name, "pre_norm") ? PETSC_TRUE : PETSC_FALSE, gamma = strstr(t->name, "weight") ? PETSC_TRUE : PETSC_FALSE;

    for (PetscInt k = 0; k < t->rows * PetscMax(t->cols, 1); k++) m->theta[t->offset + k] = norm ? (gamma ? 1 : 0) : (GNNReal)(t->offset + k + 1);
  }
  PetscCall(GNNModelPack(m));
  for (PetscInt f = 0; f < m->net->nff; f++) PetscCall(PetscArrayzero(m->net->ff[f].lift[0].r, m->net->ff[f].lift[0].ldo));
  GNNDevicePack(&c, layout ? GNN_PACK_ROWS : GNN_PACK_COLUMNS, m->net, packed, offset);
  for (size_t k = 0; k < size; k++) {
    if (packed[k] != 0) parameter[(int)packed[k] - 1].to[layout] = (int)(layout * size + k);
  }
  PetscCall(GNNModelDestroy(&m));
  PetscCall(PetscFree(packed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A linear without a norm before it, the next two tensors */
static void ParametersLinear_Private(const GNNTensor **t, const GNNTrainProduct *product, GNNTrainParameter parameter[])
{
  const GNNTensor *W = *t, *b = *t + 1;
  const int        out = GNNTrainPad(product->out);

  for (PetscInt o = 0; o < W->rows; o++) {
    for (PetscInt c = 0; c < W->cols; c++) parameter[W->offset + o * W->cols + c].d = product->to + (int)(c * out + o);
    parameter[b->offset + o].d = product->to + product->in * out + (int)o;
  }
  *t += 2;
}

/* Output o of a first linear behind a norm: its weights, its bias */
static void ParametersNormRow_Private(const GNNTensor *gamma, const GNNTensor *beta, const GNNTensor *W, PetscInt o, int rowsum, int width, GNNTrainParameter parameter[])
{
  GNNTrainParameter *b = &parameter[W[1].offset + o];

  b->kind  = GNN_TRAIN_BIAS;
  b->gamma = (int)gamma->offset;
  b->beta  = (int)beta->offset;
  b->w     = (int)(W->offset + o * W->cols);
  b->count = (int)W->cols;
  for (int l = 0; l < 2; l++) b->rowsum[l] = b->to[l] + width;
  for (PetscInt c = 0; c < W->cols; c++) {
    GNNTrainParameter *w = &parameter[b->w + c];

    w->kind  = GNN_TRAIN_WEIGHT;
    w->r     = rowsum + (int)o;
    w->b     = b->d;
    w->gamma = b->gamma + (int)c;
    w->beta  = b->beta + (int)c;
  }
}

/* The norm's own parameters of column c, from those of its first weight */
static void ParametersNormColumn_Private(const GNNTensor *gamma, const GNNTensor *beta, const GNNTensor *W, PetscInt c, GNNTrainParameter parameter[])
{
  GNNTrainParameter p = parameter[W->offset + c];

  p.w                          = (int)(W->offset + c);
  p.stride                     = (int)W->cols;
  p.count                      = (int)W->rows;
  p.kind                       = GNN_TRAIN_NORM_GAMMA;
  parameter[gamma->offset + c] = p;
  p.kind                       = GNN_TRAIN_NORM_BETA;
  parameter[beta->offset + c]  = p;
}

/* A first linear: its bias, and what belongs to its row sums, is a result of the part that reads e_ij, or of the only one */
static void ParametersLift_Private(const Products *p, const GNNFF *ff, const MapProducts *map, const GNNTensor **t, GNNTrainParameter parameter[])
{
  const GNNTensor       *W   = ff->norm ? *t + 2 : *t;
  const GNNTrainProduct *all = &p->product[map->lift[ff->nparts > 1 ? ff->part_e : 0]];
  const int              out = GNNTrainPad(all->out), bias = all->to + all->in * out;

  for (PetscInt o = 0; o < W->rows; o++) {
    for (PetscInt c = 0; c < W->cols; c++) parameter[W->offset + o * W->cols + c].d = p->product[map->lift[c / ff->lift[0].in]].to + (int)(c % ff->lift[0].in * out + o);
    parameter[W[1].offset + o].d = bias + (int)o;
    if (ff->norm) ParametersNormRow_Private(*t, *t + 1, W, o, bias + out, p->width, parameter);
  }
  for (PetscInt c = 0; ff->norm && c < W->cols; c++) ParametersNormColumn_Private(*t, *t + 1, W, c, parameter);
  *t = W + 2;
}

static PetscErrorCode ParametersFill_Private(const Products *p, GNNModel m, int results, GNNTrainParameter parameter[])
{
  const GNNTensor *t    = m->tensors;
  const int        size = (int)GNNDevicePackSize(&p->d->net.config, 1);

  PetscFunctionBegin;
  for (int layout = 0; layout < 2; layout++) PetscCall(ParametersPlaces_Private(&m->config, layout, parameter));
  for (PetscInt f = 0; f < m->net->nff; f++) {
    const MapProducts *map = &p->map[f];

    ParametersLift_Private(p, &m->net->ff[f], map, &t, parameter);
    for (PetscInt k = 0; k < m->net->ff[f].nbody; k++) ParametersLinear_Private(&t, &p->product[map->body[k]], parameter);
    ParametersLinear_Private(&t, &p->product[map->proj], parameter);
  }
  for (int k = 0; m->config.output == GNN_OUTPUT_RESIDUAL && k < 2; k++) {
    GNNTrainParameter *c = &parameter[t->offset + k];

    c->d     = results + k;
    c->to[0] = c->to[1] = 2 * size + k;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- memory ---- */

static void ParametersLayout_Private(TrainDevice d, TrainBlock *block)
{
  GNNTrainParameters *p = &d->parameters;
  GNNTrainProducts   *r = &d->products;
  const size_t        n = (size_t)p->n, size = GNNDevicePackSize(&d->net.config, 1);

  p->packed    = TrainBlockTake(block, 2 * size + 2, sizeof(float)); /* zero where no parameter is: uploaded */
  p->parameter = TrainBlockTake(block, n, sizeof(*p->parameter));
  r->product   = TrainBlockTake(block, r->nedge + r->nnode, sizeof(*r->product));
  p->theta     = TrainBlockTake(block, n, sizeof(double));
  p->m         = TrainBlockTake(block, n, sizeof(double));
  p->v         = TrainBlockTake(block, n, sizeof(double));
  p->gradient  = TrainBlockTake(block, n + 1, sizeof(double));
  p->partials  = TrainBlockTake(block, GNN_KERNEL_PARTIALS, sizeof(double));
  r->partials  = TrainBlockTake(block, (size_t)GNN_TRAIN_SPLITS * r->size, sizeof(float));
  r->results   = TrainBlockTake(block, r->size + 2, sizeof(double));
  d->train     = TrainBlockTake(block, 1, sizeof(*d->train));
}

/* The stages' weights lie in the packed ones as GNNDevicePack() has them, those transposed after all of them, then c0, c1 */
static PetscErrorCode ParametersPointers_Private(TrainDevice d, GNNModel m)
{
  const GNNKernelConfig *c    = &d->net.config;
  const size_t           size = GNNDevicePackSize(c, 1);
  size_t                 offset[GNN_KERNEL_LAYERS + 2];
  float                 *zeros;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(2 * size + 2, &zeros));
  GNNDevicePack(c, GNN_PACK_COLUMNS, m->net, zeros, offset);
  PetscCall(PetscArrayzero(zeros, size));
  GNNCallKernel(GNNKernelToDevice(d->parameters.packed, zeros, (2 * size + 2) * sizeof(float), d->stream));
  PetscCall(PetscFree(zeros));
  d->net.encode = d->parameters.packed;
  for (int t = 0; t < c->layers; t++) d->net.layer[t] = d->parameters.packed + offset[1 + t];
  d->net.decode         = d->parameters.packed + offset[1 + c->layers];
  d->net.tape.c         = d->parameters.packed + 2 * size;
  d->adjoint.transposed = size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainDeviceCreateParameters(TrainDevice d, GNNModel m)
{
  const PetscInt     most = m->net->nff * (3 + d->net.config.hidden);
  Products           p    = {.d = d, .width = d->net.config.width};
  GNNTrainProduct   *ordered;
  GNNTrainParameter *parameter;
  TrainBlock         block = {NULL, 0};

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(most, &p.product, most, &ordered, m->net->nff, &p.map));
  PetscCall(PetscCalloc1(m->nparams, &parameter));
  ProductsFill_Private(&p, m->net);
  ProductsOrder_Private(&p, ordered, &d->products);
  PetscCall(ParametersFill_Private(&p, m, d->products.size, parameter));
  d->parameters.n = (int)m->nparams;
  ParametersLayout_Private(d, &block);
  GNNCallKernel(GNNKernelMalloc(&d->memory[2], block.size));
  block = (TrainBlock){d->memory[2], 0};
  ParametersLayout_Private(d, &block);
  PetscCall(ParametersPointers_Private(d, m));
  GNNCallKernel(GNNKernelToDevice((void *)d->products.product, ordered, p.count * sizeof(*ordered), d->stream));
  GNNCallKernel(GNNKernelToDevice((void *)d->parameters.parameter, parameter, m->nparams * sizeof(*parameter), d->stream));
  GNNCallKernel(GNNKernelMallocHost((void **)&d->host, (m->nparams + 1) * sizeof(double)));
  PetscCall(PetscFree3(p.product, ordered, p.map));
  PetscCall(PetscFree(parameter));
  PetscFunctionReturn(PETSC_SUCCESS);
}
