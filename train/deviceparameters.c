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
  MapProducts     *map; /* in the order of the list, gnn/maps.h */
} Products;

static MapProducts *MapOf_Private(const Products *p, GNNMapKind kind, int layer)
{
  return p->map + GNNMapNumber(p->d->net.config.layers, kind, layer);
}

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
static void ProductsParts_Private(Products *p, const GNNMap *m, MapProducts *map, int t, int half, const float *dpre, const float *norm)
{
  const TrainDevice d = p->d;
  const size_t      n = d->net.tape.n, nz = d->net.tape.nz;
  const int         w = p->width;
  const float      *x = d->net.x + t * n * w, *e = d->net.e + t * nz * w;

  map->lift[m->part_i]                  = ProductsAdd_Private(p, 0, x, w, w, d->adjoint.part_i + t * n * 2 * w + half * w, 2 * w, w);
  map->lift[m->part_j]                  = ProductsAdd_Private(p, 0, x, w, w, d->adjoint.part_j + t * n * 2 * w + half * w, 2 * w, w);
  map->lift[m->part_e]                  = ProductsAdd_Private(p, 1, e, w, w, dpre, w, w);
  p->product[map->lift[m->part_e]].norm = norm ? norm + t * nz * 2 : NULL;
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
  MapProducts            *msg = MapOf_Private(p, GNN_MAP_MSG, t), *node = MapOf_Private(p, GNN_MAP_NODE, t), *edge = MapOf_Private(p, GNN_MAP_EDGE, t);

  ProductsParts_Private(p, &GNNNetMsg(net, t)->map, msg, t, 0, HiddenLayer_Private(p, a->pre.msg, 1, t), a->norm_msg);
  ProductsTail_Private(p, msg, 1, t, tape->pre.msg, a->pre.msg, NULL, 0);
  msg->proj                      = ProductsAdd_Private(p, 0, tape->sum + t * n * w, (int)w, (int)w, a->agg + t * n * w, (int)w, (int)w); /* agg_i = W sum_i + kappa_i degree_i b */
  p->product[msg->proj].norm     = d->batch.kappa;
  node->lift[0]                  = ProductsAdd_Private(p, 0, tape->agg + t * n * w, (int)w, (int)w, HiddenLayer_Private(p, a->pre.node, 0, t), (int)w, (int)w);
  p->product[node->lift[0]].norm = a->norm_node ? a->norm_node + t * n * 2 : NULL;
  ProductsTail_Private(p, node, 0, t, tape->pre.node, a->pre.node, a->x + (t + 1) * n * w, (int)w);
  ProductsParts_Private(p, &GNNNetEdge(net, t)->map, edge, t, 1, HiddenLayer_Private(p, a->pre.edge, 1, t), a->norm_edge);
  ProductsTail_Private(p, edge, 1, t, tape->pre.edge, a->pre.edge, a->e + (t + 1) * nz * w, (int)w);
}

static void ProductsFill_Private(Products *p, GNNNet net)
{
  const TrainDevice       d    = p->d;
  const GNNKernelConfig  *c    = &d->net.config;
  const GNNKernelTape    *tape = &d->net.tape;
  const GNNKernelAdjoint *a    = &d->adjoint;
  MapProducts            *dec  = MapOf_Private(p, GNN_MAP_DEC, 0);

  ProductsEncode_Private(p, MapOf_Private(p, GNN_MAP_NODE_ENC, 0), 0, tape->node, GNNPad(c->node.size), tape->pre.node_enc, a->pre.node_enc, a->x);
  ProductsEncode_Private(p, MapOf_Private(p, GNN_MAP_EDGE_ENC, 0), 1, tape->edge, GNNPad(c->edge.size), tape->pre.edge_enc, a->pre.edge_enc, a->e);
  for (int t = 0; t < c->layers; t++) ProductsLayer_Private(p, net, t);
  ProductsParts_Private(p, &GNNNetDec(net)->map, dec, c->layers, 0, a->pre.edge_dec, NULL);
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

/* Where entry (o, c) of a matrix stands among the packed weights, and among those stored backwards behind all, size, of them */
static void ParameterPlace_Private(int size, int matrix, int group, int in, int o, int c, GNNTrainParameter *p)
{
  p->to[0] = matrix + GNNPackedEntry(GNN_PACK_COLUMNS, group, in, o, c);
  p->to[1] = size + matrix + GNNPackedEntry(GNN_PACK_ROWS, group, in, o, c);
}

static void ParameterPlaceVector_Private(int size, int at, GNNTrainParameter *p)
{
  p->to[0] = at;
  p->to[1] = size + at;
}

/* A linear without a norm before it: (out, in) of W, then b in theta; packed at matrix, its bias at vector */
static void ParametersLinear_Private(int size, const GNNTrainProduct *product, int out, int in, int group, int matrix, int vector, GNNTrainParameter W[], GNNTrainParameter b[])
{
  const int ld = GNNTrainPad(product->out);

  for (int o = 0; o < out; o++) {
    for (int c = 0; c < in; c++) {
      ParameterPlace_Private(size, matrix, group, GNNPad(in), o, c, &W[o * in + c]);
      W[o * in + c].d = product->to + c * ld + o;
    }
    ParameterPlaceVector_Private(size, vector + o, &b[o]);
    b[o].d = product->to + product->in * ld + o;
  }
}

/* Output o of a first linear behind a norm: its weights, its bias; rowsum: its place among the results */
static void ParametersNormRow_Private(const GNNMap *map, const GNNTheta *t, int o, int rowsum, GNNTrainParameter parameter[])
{
  const int          cols = map->nparts * map->in;
  GNNTrainParameter *b    = &parameter[t->bias + o];

  b->kind  = GNN_TRAIN_BIAS;
  b->gamma = t->gamma;
  b->beta  = t->beta;
  b->w     = t->lift + o * cols;
  b->count = cols;
  for (int l = 0; l < 2; l++) b->rowsum[l] = b->to[l] + GNNMapPacked(map).rowsum - GNNMapPacked(map).bias;
  for (int c = 0; c < cols; c++) {
    GNNTrainParameter *w = &parameter[b->w + c];

    w->kind  = GNN_TRAIN_WEIGHT;
    w->r     = rowsum;
    w->b     = b->d;
    w->gamma = b->gamma + c;
    w->beta  = b->beta + c;
  }
}

/* The norm's own parameters of column c, from those of its first weight */
static void ParametersNormColumn_Private(const GNNMap *map, const GNNTheta *t, int c, GNNTrainParameter parameter[])
{
  GNNTrainParameter p = parameter[t->lift + c];

  p.w                     = t->lift + c;
  p.stride                = map->nparts * map->in;
  p.count                 = map->width;
  p.kind                  = GNN_TRAIN_NORM_GAMMA;
  parameter[t->gamma + c] = p;
  p.kind                  = GNN_TRAIN_NORM_BETA;
  parameter[t->beta + c]  = p;
}

/* A first linear: its bias, and what belongs to its row sums, is a result of the part that reads e_ij, or of the only one */
static void ParametersLift_Private(const Products *p, int size, const GNNMap *map, const MapProducts *made, GNNTrainParameter parameter[])
{
  const GNNTheta         t    = GNNMapTheta(map);
  const int              cols = map->nparts * map->in, d = GNNPad(map->width);
  const GNNTrainProduct *all = &p->product[made->lift[map->part_e]];
  const int              out = GNNTrainPad(all->out), bias = all->to + all->in * out;

  for (int o = 0; o < map->width; o++) {
    for (int c = 0; c < cols; c++) {
      const int          part = c / map->in, k = c % map->in;
      GNNTrainParameter *w = &parameter[t.lift + o * cols + c];

      ParameterPlace_Private(size, map->lift[part], d, GNNPad(map->in), o, k, w);
      w->d = p->product[made->lift[part]].to + k * out + o;
    }
    ParameterPlaceVector_Private(size, map->packed + GNNMapPacked(map).bias + o, &parameter[t.bias + o]);
    parameter[t.bias + o].d = bias + o;
    if (map->norm) ParametersNormRow_Private(map, &t, o, bias + out + o, parameter);
  }
  for (int c = 0; map->norm && c < cols; c++) ParametersNormColumn_Private(map, &t, c, parameter);
}

static void ParametersMap_Private(const Products *p, int size, const GNNMap *map, const MapProducts *made, GNNTrainParameter parameter[])
{
  const GNNTheta  t = GNNMapTheta(map);
  const GNNPacked q = GNNMapPacked(map);
  const int       w = map->width, d = GNNPad(w), square = w * w;

  ParametersLift_Private(p, size, map, made, parameter);
  for (int k = 0; k < map->hidden - 1; k++) {
    GNNTrainParameter *W    = &parameter[t.body + k * GNNBodySize(w)];
    const int          body = map->packed + q.body + k * GNNBodySize(d);

    ParametersLinear_Private(size, &p->product[made->body[k]], w, w, d, body, body + d * d, W, W + square);
  }
  ParametersLinear_Private(size, &p->product[made->proj], map->out, w, map->group, map->packed + q.proj, map->packed + q.projbias, &parameter[t.proj], &parameter[t.projbias]);
}

static void ParametersFill_Private(const Products *p, GNNModel m, int results, GNNTrainParameter parameter[])
{
  const int size = GNNShapePacked(&m->net->shape);

  for (PetscInt f = 0; f < m->net->nff; f++) ParametersMap_Private(p, size, &m->net->ff[f].map, &p->map[f], parameter);
  for (int k = 0; m->net->shape.residual && k < 2; k++) {
    GNNTrainParameter *c = &parameter[m->nparams - 2 + k];

    c->d = results + k;
    ParameterPlaceVector_Private(0, 2 * size + k, c);
  }
}

/* ---- memory ---- */

static void ParametersLayout_Private(TrainDevice d, size_t packed, TrainBlock *block)
{
  GNNTrainParameters *p = &d->parameters;
  GNNTrainProducts   *r = &d->products;
  const size_t        n = (size_t)p->n;

  p->packed    = TrainBlockTake(block, packed, sizeof(float)); /* zero where no parameter is: uploaded */
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

/* The packed weights, those stored backwards behind all of them, then c0, c1 */
static PetscErrorCode ParametersPointers_Private(TrainDevice d, const GNNShape *shape)
{
  const size_t size = (size_t)GNNShapePacked(shape);
  float       *zeros;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(2 * size + 2, &zeros));
  GNNCallKernel(GNNKernelToDevice(d->parameters.packed, zeros, (2 * size + 2) * sizeof(float), d->stream));
  PetscCall(PetscFree(zeros));
  GNNDeviceSetWeights(shape, d->parameters.packed, &d->net);
  d->net.tape.c         = d->parameters.packed + 2 * size;
  d->adjoint.transposed = size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainDeviceCreateParameters(TrainDevice d, GNNModel m)
{
  const GNNShape    *shape = &m->net->shape;
  const PetscInt     most  = m->net->nff * (3 + d->net.config.hidden);
  Products           p     = {.d = d, .width = d->net.config.width};
  GNNTrainProduct   *ordered;
  GNNTrainParameter *parameter;
  TrainBlock         block = {NULL, 0};

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(most, &p.product, most, &ordered, m->net->nff, &p.map));
  PetscCall(PetscCalloc1(m->nparams, &parameter));
  ProductsFill_Private(&p, m->net);
  ProductsOrder_Private(&p, ordered, &d->products);
  ParametersFill_Private(&p, m, d->products.size, parameter);
  d->parameters.n = (int)m->nparams;
  ParametersLayout_Private(d, 2 * (size_t)GNNShapePacked(shape) + 2, &block);
  GNNCallKernel(GNNKernelMalloc(&d->memory[2], block.size));
  block = (TrainBlock){d->memory[2], 0};
  ParametersLayout_Private(d, 2 * (size_t)GNNShapePacked(shape) + 2, &block);
  PetscCall(ParametersPointers_Private(d, shape));
  GNNCallKernel(GNNKernelToDevice((void *)d->products.product, ordered, p.count * sizeof(*ordered), d->stream));
  GNNCallKernel(GNNKernelToDevice((void *)d->parameters.parameter, parameter, m->nparams * sizeof(*parameter), d->stream));
  GNNCallKernel(GNNKernelMallocHost((void **)&d->host, (m->nparams + 1) * sizeof(double)));
  PetscCall(PetscFree3(p.product, ordered, p.map));
  PetscCall(PetscFree(parameter));
  PetscFunctionReturn(PETSC_SUCCESS);
}
