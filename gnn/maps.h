/*
   The maps of a network in order, and where the weights of each stand: the one list that the tensor table, the host's copy, the device's and
   training on the device are made from. Weights lie in two arrays:

     theta    a model's parameters, tensor after tensor as in its file, matrices (out, in) by rows, nothing padded
     packed   what the kernels of a device read: stage after stage (encode, each layer, decode), and in a stage map after map; sizes are
              padded to multiples of eight, with zeros

   C99 and C++11 only; no PETSc, no allocation.
*/
#pragma once

#include "math.h"

#define GNN_MAX_WIDTH  64
#define GNN_MAX_LAYERS 32
#define GNN_MAX_HIDDEN 8

/* Numbers in a row of k, padded */
#define GNNPad(k) (((k) + 7) / 8 * 8)

/* All that the layouts depend on */
typedef struct {
  int width, layers, hidden; /* hidden: layers of each map */
  int node, edge, out;       /* numbers of a node's and of an edge's features, of the decoder's output */
  int norm, residual;        /* LayerNorm before the maps of a layer? c0 and c1 behind all maps? */
} GNNShape;

typedef enum {
  GNN_MAP_NODE_ENC,
  GNN_MAP_EDGE_ENC,
  GNN_MAP_MSG, /* of a layer, likewise the next two */
  GNN_MAP_NODE,
  GNN_MAP_EDGE,
  GNN_MAP_DEC
} GNNMapKind;

/* FF(in -> out): a first linear, the lift, from one or three parts of the input, further hidden layers, and a last linear, proj */
typedef struct {
  GNNMapKind kind;
  int        layer;
  int        width, hidden, norm;
  int        nparts, in, out;        /* numbers of a part, and of the output */
  int        part_i, part_j, part_e; /* which part is x_i, x_j, e_ij; 0 where there is one part */
  int        theta;                  /* where its tensors begin; GNNMapTheta() has them one by one */
  int        packed;                 /* where its packed weights begin, GNNMapPacked(), without the parts that are applied once per node, */
  int        lift[3];                /* and where each part's matrix of the lift does, (width, in) */
  int        group;                  /* outputs of proj that stand together: all, but of the decoder eight */
} GNNMap;

GNN_FN int GNNShapeMaps(const GNNShape *s)
{
  return 3 + 3 * s->layers;
}

/* Place in the list of GNNShapeList() */
GNN_FN int GNNMapNumber(int layers, GNNMapKind kind, int layer)
{
  return kind <= GNN_MAP_EDGE_ENC ? (int)kind : kind == GNN_MAP_DEC ? 2 + 3 * layers : 2 + 3 * layer + (int)kind - GNN_MAP_MSG;
}

/* ---- theta ---- */

/* Where a map's tensors stand; each further hidden layer is a matrix and a bias. gamma and beta are a norm's */
typedef struct {
  int gamma, beta, lift, bias, body, proj, projbias, end;
} GNNTheta;

/* A further hidden layer: its matrix, and behind it its bias */
GNN_FN int GNNBodySize(int width)
{
  return width * width + width;
}

GNN_FN GNNTheta GNNMapTheta(const GNNMap *m)
{
  const int in = m->nparts * m->in;
  GNNTheta  t;

  t.gamma    = m->theta;
  t.beta     = t.gamma + (m->norm ? in : 0);
  t.lift     = t.beta + (m->norm ? in : 0);
  t.bias     = t.lift + m->width * in;
  t.body     = t.bias + m->width;
  t.proj     = t.body + (m->hidden - 1) * GNNBodySize(m->width);
  t.projbias = t.proj + m->width * m->out;
  t.end      = t.projbias + m->out;
  return t;
}

/* ---- packed ---- */

/* Where the packed weights of a map stand from its first on: the lift (width, in), its bias, its row sums, further hidden layers, proj */
typedef struct {
  int lift, bias, rowsum, body, proj, projbias, end;
} GNNPacked;

/* For padded sizes, which are the kernels' constants */
GNN_FN GNNPacked GNNPackedSizes(int width, int hidden, int in, int out)
{
  GNNPacked p;

  p.lift     = 0;
  p.bias     = width * in;
  p.rowsum   = p.bias + width;
  p.body     = p.rowsum + width;
  p.proj     = p.body + (hidden - 1) * GNNBodySize(width);
  p.projbias = p.proj + width * out;
  p.end      = p.projbias + out;
  return p;
}

GNN_FN GNNPacked GNNMapPacked(const GNNMap *m)
{
  return GNNPackedSizes(GNNPad(m->width), m->hidden, GNNPad(m->in), GNNPad(m->out));
}

/* Where the maps of a stage begin; parts: matrices (width, width) of the maps that read the node states next, as receivers, then as many as
   senders; behind them in the first layer edge_enc */
typedef struct {
  int msg, edge, node, parts, enc, end;
} GNNStage;

/* node_enc, as node, and the parts of layer 0 */
GNN_FN GNNStage GNNStageEncode(const GNNShape *s)
{
  const int d = GNNPad(s->width);
  GNNStage  g = {0, 0, 0, 0, 0, 0};

  g.parts = GNNPackedSizes(d, s->hidden, GNNPad(s->node), d).end;
  g.enc = g.end = g.parts + 4 * d * d;
  return g;
}

/* Those of the layer, and the parts of the next one, or of edge_dec */
GNN_FN GNNStage GNNStageLayer(const GNNShape *s, int layer)
{
  const int d = GNNPad(s->width), size = GNNPackedSizes(d, s->hidden, d, d).end;
  GNNStage  g = {0, 0, 0, 0, 0, 0};

  g.edge  = size;
  g.node  = 2 * size;
  g.parts = 3 * size;
  g.enc   = g.parts + (layer + 1 < s->layers ? 4 : 2) * d * d;
  g.end   = g.enc + (layer == 0 ? GNNPackedSizes(d, s->hidden, GNNPad(s->edge), d).end : 0);
  return g;
}

/* edge_dec */
GNN_FN GNNStage GNNStageDecode(const GNNShape *s)
{
  const int d = GNNPad(s->width);
  GNNStage  g = {0, 0, 0, 0, 0, 0};

  g.end = GNNPackedSizes(d, s->hidden, d, GNNPad(s->out)).end;
  return g;
}

/* Stage 0 encodes, stage 1 + t is layer t, the last one decodes */
GNN_FN GNNStage GNNShapeStage(const GNNShape *s, int stage)
{
  return stage == 0 ? GNNStageEncode(s) : stage <= s->layers ? GNNStageLayer(s, stage - 1) : GNNStageDecode(s);
}

/* Where a stage's weights begin */
GNN_FN int GNNStageBegin(const GNNShape *s, int stage)
{
  int begin = 0;

  for (int k = 0; k < stage; k++) begin += GNNShapeStage(s, k).end;
  return begin;
}

GNN_FN int GNNShapePacked(const GNNShape *s)
{
  return GNNStageBegin(s, s->layers + 2);
}

typedef enum {
  GNN_PACK_COLUMNS, /* what the kernels read in single precision */
  GNN_PACK_BLOCKS,  /* of 8 x 8: on the tensor cores */
  GNN_PACK_ROWS     /* backwards */
} GNNPackOrder;

/* Entry (o, c) of a packed matrix with in columns, of which a group of outputs stand together */
GNN_FN int GNNPackedEntry(GNNPackOrder order, int group, int in, int o, int c)
{
  const int first = o / group * group * in, r = o % group;

  if (order == GNN_PACK_BLOCKS) return first + 8 * (r / 8 * in + c / 8 * 8 + r % 8) + c % 8;
  return first + (order == GNN_PACK_ROWS ? r * in + c : c * group + r);
}

/* ---- the list ---- */

/* Kind, layer and sizes of map number f */
GNN_FN GNNMap GNNShapeMap(const GNNShape *s, int f)
{
  const int    layer = f < 2 ? 0 : (f - 2) / 3;
  const int    kind  = f < 2 ? f : f == 2 + 3 * s->layers ? GNN_MAP_DEC : GNN_MAP_MSG + (f - 2) % 3;
  const int    three = kind == GNN_MAP_MSG || kind == GNN_MAP_EDGE || kind == GNN_MAP_DEC; /* [x_i, x_j, e_ij], edge_dec [e_ij, x_j, x_i] */
  const GNNMap zero  = {
     GNN_MAP_NODE_ENC, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {0, 0, 0},
                  0
  };
  GNNMap m = zero;

  m.kind   = (GNNMapKind)kind;
  m.layer  = layer;
  m.width  = s->width;
  m.hidden = s->hidden;
  m.norm   = s->norm && (kind == GNN_MAP_MSG || kind == GNN_MAP_NODE || kind == GNN_MAP_EDGE);
  m.nparts = three ? 3 : 1;
  m.in     = kind == GNN_MAP_NODE_ENC ? s->node : kind == GNN_MAP_EDGE_ENC ? s->edge : s->width;
  m.out    = kind == GNN_MAP_DEC ? s->out : s->width;
  m.part_i = three && kind == GNN_MAP_DEC ? 2 : 0;
  m.part_j = three ? 1 : 0;
  m.part_e = three && kind != GNN_MAP_DEC ? 2 : 0;
  m.group  = kind == GNN_MAP_DEC ? 8 : GNNPad(s->width);
  return m;
}

/* Which stage has a map's weights, and where in there */
GNN_FN int GNNMapPlace(const GNNShape *s, const GNNMap *m)
{
  const int      stage = m->kind == GNN_MAP_NODE_ENC ? 0 : m->kind == GNN_MAP_DEC ? s->layers + 1 : m->layer + 1;
  const GNNStage g     = GNNShapeStage(s, stage);

  return GNNStageBegin(s, stage) + (m->kind == GNN_MAP_NODE ? g.node : m->kind == GNN_MAP_EDGE ? g.edge : m->kind == GNN_MAP_EDGE_ENC ? g.enc : 0);
}

/* The part of a map with three that is applied once per node, as receiver or as sender: in the stage that computes the node states it reads */
GNN_FN int GNNMapPartPlace(const GNNShape *s, const GNNMap *m, int sender)
{
  const int d = GNNPad(s->width), stage = m->kind == GNN_MAP_DEC ? s->layers : m->layer, halves = m->kind == GNN_MAP_DEC ? 1 : 2, half = m->kind == GNN_MAP_EDGE;

  return GNNStageBegin(s, stage) + GNNShapeStage(s, stage).parts + (sender * halves + half) * d * d;
}

/* All maps in order; returns the number of parameters, of which c0 and c1 are the last */
GNN_FN int GNNShapeList(const GNNShape *s, GNNMap map[])
{
  int theta = 0;

  for (int f = 0; f < GNNShapeMaps(s); f++) {
    GNNMap *m = &map[f];

    *m        = GNNShapeMap(s, f);
    m->theta  = theta;
    theta     = GNNMapTheta(m).end;
    m->packed = GNNMapPlace(s, m);
    if (m->nparts > 1) {
      m->lift[m->part_i] = GNNMapPartPlace(s, m, 0);
      m->lift[m->part_j] = GNNMapPartPlace(s, m, 1);
    }
    m->lift[m->part_e] = m->packed;
  }
  return theta + (s->residual ? 2 : 0);
}
