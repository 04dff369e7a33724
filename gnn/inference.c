/*
   Inference on the host: one pass over the slots for each layer, and one for the decoder; nodes between them. What a pass needs of a tile of slots
   stays in the first-level cache from what is gathered to what is stored: the edge states, the sums of the messages, or G. The sums run in
   CSR order, as in training.
*/
#include "inference.h"
#include "forward.h"
#include "lanes.h"

struct _n_GNNInference {
  PetscInt  nodes, slots, dp;
  GNNReal  *feature; /* (nodes, node size) */
  GNNLanes *x, *e;   /* (tiles of nodes or slots, dp) states */
  GNNReal  *sum;     /* (nodes, dp) of the messages' last hidden rows */
  GNNReal  *part[2]; /* (nodes, 2 dp) of two first linears: as receiver, as sender */
  GNNReal  *moment;  /* (nodes, 2) sum and sum of squares of x, with a norm only */
  void     *memory;  /* of x and e */
};

static inline PetscInt Tiles_Private(PetscInt n)
{
  return (n + GNN_SIDE - 1) / GNN_SIDE;
}

PetscErrorCode GNNInferenceCreate(GNNModel m, GNNGraph g, GNNInference *inference)
{
  const PetscInt dp = m->net->dp;
  const size_t   nx = (size_t)Tiles_Private(g->nodes) * dp, ne = (size_t)Tiles_Private(g->slots) * dp;
  GNNInference   w;

  PetscFunctionBegin;
  PetscCall(PetscNew(&w));
  w->nodes = g->nodes;
  w->slots = g->slots;
  w->dp    = dp;
  PetscCall(PetscMalloc5(w->nodes * GNNConfigNodeSize(&m->config), &w->feature, w->nodes * dp, &w->sum, w->nodes * 2 * dp, &w->part[0], w->nodes * 2 * dp, &w->part[1], w->nodes * 2, &w->moment));
  PetscCall(PetscMalloc((nx + ne + 1) * sizeof(GNNLanes), &w->memory));
  w->x       = (GNNLanes *)(((uintptr_t)w->memory / sizeof(GNNLanes) + 1) * sizeof(GNNLanes)); /* a vector that straddles two lines of the cache is loaded twice */
  w->e       = w->x + nx;
  *inference = w;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNInferenceDestroy(GNNInference *inference)
{
  GNNInference w = *inference;

  PetscFunctionBegin;
  if (w == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree5(w->feature, w->sum, w->part[0], w->part[1], w->moment));
  PetscCall(PetscFree(w->memory));
  PetscCall(PetscFree(*inference));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- nodes ---- */

/* y = FF(x), or y += */
static inline void Map_Private(const GNNFF *ff, PetscInt dp, const GNNLanes *x, PetscBool add, GNNLanes *y)
{
  const PetscInt ldo = ff->proj.ldo;
  GNNLanes       pre[GNN_MAX_WIDTH], h[GNN_MAX_WIDTH], sum, sumsq;

  if (ff->map.norm) {
    for (PetscInt o = 0; o < dp; o++) pre[o] = (GNNLanes){0};
    GNNLanesMoments(ff->map.in, x, &sum, &sumsq);
    GNNLanesLinear(&ff->lift[0], x, pre);
    GNNLanesNorm(ff, dp, ff->map.in, &sum, &sumsq, pre);
  } else {
    GNNLanesSet(dp, ff->lift[0].b, pre);
    GNNLanesLinear(&ff->lift[0], x, pre);
  }
  GNNLanesHidden(ff, dp, pre, h);
  for (PetscInt o = 0; o < ldo; o++) y[o] = add ? y[o] + ff->proj.b[o] : ff->proj.b[o] - (GNNLanes){0};
  GNNLanesLinear(&ff->proj, h, y);
}

/* One of the two parts of a first linear that read node states, to half of their rows; the bias rides with the receiver, unless a norm comes between */
static inline void Part_Private(GNNInference w, const GNNFF *ff, PetscInt first, PetscInt nt, const GNNLanes *x, int sender, PetscInt half)
{
  const PetscInt dp = w->dp;
  GNNLanes       y[GNN_MAX_WIDTH];

  for (PetscInt o = 0; o < dp; o++) y[o] = (sender || ff->map.norm ? 0 : ff->lift[0].b[o]) - (GNNLanes){0};
  GNNLanesLinear(&ff->lift[sender ? ff->map.part_j : ff->map.part_i], x, y);
  for (PetscInt o = 0; o < dp; o += GNN_LANES) {
    GNNLanesTranspose(y + o);
    for (int t = 0; t < nt; t++) *(GNNVec *)(w->part[sender] + (size_t)(first + t) * 2 * dp + half + o) = *GNNLanesRow(y + o, t);
  }
}

/* What the maps of layer t, or the decoder, read of the nodes of a tile */
static inline void Parts_Private(GNNInference w, GNNNet net, PetscInt t, PetscInt first, PetscInt nt, const GNNLanes *x)
{
  const PetscBool last = t == net->shape.layers ? PETSC_TRUE : PETSC_FALSE;
  GNNLanes        sum, sumsq;

  for (int sender = 0; sender < 2; sender++) {
    Part_Private(w, last ? GNNNetDec(net) : GNNNetMsg(net, t), first, nt, x, sender, 0);
    if (!last) Part_Private(w, GNNNetEdge(net, t), first, nt, x, sender, w->dp);
  }
  if (last || !GNNNetMsg(net, t)->map.norm) return;
  GNNLanesMoments(w->dp, x, &sum, &sumsq);
  for (PetscInt k = 0; k < nt; k++) {
    w->moment[2 * (first + k)]     = sum[k];
    w->moment[2 * (first + k) + 1] = sumsq[k];
  }
}

/* x = node_enc(features) */
static inline void EncodeNodes_Private(GNNInference w, GNNNet net, PetscInt first, PetscInt nt, GNNLanes *x)
{
  const GNNFF   *enc  = GNNNetNodeEnc(net);
  const PetscInt size = enc->map.in;
  GNNLanes       f[GNN_MAX_WIDTH];

  for (PetscInt c = 0; c < size; c++) {
    for (PetscInt t = 0; t < GNN_SIDE; t++) f[c][t] = t < nt ? w->feature[(size_t)(first + t) * size + c] : 0;
  }
  Map_Private(enc, w->dp, f, PETSC_FALSE, x);
}

/* agg_i = kappa_i (W sum_i + degree_i b), x_i += node_mlp(agg_i) */
static inline void UpdateNodes_Private(GNNInference w, GNNModel m, GNNGraph g, PetscInt layer, PetscInt first, PetscInt nt, GNNLanes *x)
{
  const GNNLinear *proj = &GNNNetMsg(m->net, layer)->proj;
  const PetscInt   dp   = w->dp;
  GNNLanes         sum[GNN_MAX_WIDTH], agg[GNN_MAX_WIDTH], kappa = {0}, degree = {0};

  for (PetscInt t = 0; t < nt; t++) {
    degree[t] = g->degree[first + t];
    kappa[t]  = GNNAggregationFactor(&m->config, degree[t]);
  }
  for (PetscInt o = 0; o < dp; o += GNN_LANES) {
    for (int t = 0; t < GNN_SIDE; t++) *GNNLanesRow(sum + o, t) = *(const GNNVec *)(w->sum + (size_t)(first + (t < nt ? t : 0)) * dp + o);
    GNNLanesTranspose(sum + o);
  }
  for (PetscInt o = 0; o < dp; o++) {
    sum[o] *= kappa;
    agg[o] = kappa * degree * proj->b[o];
  }
  GNNLanesLinear(proj, sum, agg);
  Map_Private(GNNNetNode(m->net, layer), dp, agg, PETSC_TRUE, x);
}

/* The states behind layer - 1, the features' at first, and the parts of them that layer reads, also of other ranks' nodes */
static PetscErrorCode Nodes_Private(GNNInference w, GNNModel m, GNNGraph g, PetscInt layer)
{
  PetscFunctionBegin;
  for (PetscInt first = g->first / GNN_SIDE * GNN_SIDE; first < g->last; first += GNN_SIDE) {
    const PetscInt nt = PetscMin(GNN_SIDE, w->nodes - first);
    GNNLanes      *x  = w->x + first / GNN_SIDE * w->dp;

    if (layer == 0) EncodeNodes_Private(w, m->net, first, nt, x);
    else UpdateNodes_Private(w, m, g, layer - 1, first, nt, x);
    Parts_Private(w, m->net, layer, first, nt, x);
  }
  PetscCall(GNNHaloShare(g->halo, (size_t)(2 * w->dp) * sizeof(GNNReal), w->part[1]));
  PetscCall(GNNHaloShare(g->halo, 2 * sizeof(GNNReal), w->moment));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- slots ---- */

/* Consecutive slots with their rows, and where the parts of row and column begin; the last tile is filled up with its first slot */
typedef struct {
  PetscInt start, nt, row[GNN_SIDE], col[GNN_SIDE];
  size_t   receiver[GNN_SIDE], sender[GNN_SIDE];
} Tile;

/* The first is the one before that of the first own slot */
static inline Tile TileBegin_Private(GNNGraph g)
{
  return (Tile){.start = g->bi[g->first] / GNN_SIDE * GNN_SIDE};
}

static inline PetscBool TileNext_Private(GNNGraph g, PetscInt dp, PetscInt *row, Tile *tile)
{
  tile->start += tile->nt;
  tile->nt = tile->start < g->bi[g->last] ? PetscMin(GNN_SIDE, g->slots - tile->start) : 0;
  for (PetscInt t = 0; t < tile->nt; t++) {
    while (tile->start + t >= g->bi[*row + 1]) (*row)++;
    tile->row[t] = *row;
    tile->col[t] = g->bj[tile->start + t];
  }
  for (PetscInt t = PetscMax(1, tile->nt); t < GNN_SIDE; t++) {
    tile->row[t] = tile->row[0];
    tile->col[t] = tile->col[0];
  }
  for (PetscInt t = 0; t < GNN_SIDE; t++) {
    tile->receiver[t] = (size_t)tile->row[t] * 2 * dp;
    tile->sender[t]   = (size_t)tile->col[t] * 2 * dp;
  }
  return tile->nt > 0 ? PETSC_TRUE : PETSC_FALSE;
}

/* pre = first linear of [x_i, x_j, e_ij]; half = 0 or dp picks the node parts */
static inline void Lift_Private(GNNInference w, const GNNFF *ff, const Tile *tile, PetscInt half, const GNNLanes *e, GNNLanes *pre)
{
  const PetscInt dp = w->dp;
  GNNLanes       sum, sumsq;

  for (PetscInt o = 0; o < dp; o += GNN_LANES) {
    const GNNReal *receiver = w->part[0] + half + o, *sender = w->part[1] + half + o;

#pragma GCC unroll 16
    for (int t = 0; t < GNN_SIDE; t++) *GNNLanesRow(pre + o, t) = *(const GNNVec *)(receiver + tile->receiver[t]) + *(const GNNVec *)(sender + tile->sender[t]);
    GNNLanesTranspose(pre + o);
  }
  GNNLanesLinear(&ff->lift[ff->map.part_e], e, pre);
  if (!ff->map.norm) return;
  GNNLanesMoments(dp, e, &sum, &sumsq);
  for (int t = 0; t < GNN_SIDE; t++) {
    sum[t] += w->moment[2 * tile->row[t]] + w->moment[2 * tile->col[t]];
    sumsq[t] += w->moment[2 * tile->row[t] + 1] + w->moment[2 * tile->col[t] + 1];
  }
  GNNLanesNorm(ff, dp, 3 * ff->map.in, &sum, &sumsq, pre);
}

/* The messages' last hidden rows, of kept slots, are added to the sums of their nodes */
static inline void SumMessages_Private(GNNInference w, GNNGraph g, const Tile *tile, GNNLanes *h)
{
  const PetscInt dp = w->dp;

  for (PetscInt o = 0; o < dp; o += GNN_LANES) {
    PetscInt row = tile->row[0];
    GNNVec   sum = *(GNNVec *)(w->sum + (size_t)row * dp + o);

    GNNLanesTranspose(h + o);
    for (int t = 0; t < tile->nt; t++) {
      if (tile->row[t] != row) {
        *(GNNVec *)(w->sum + (size_t)row * dp + o) = sum;
        row                                        = tile->row[t];
        sum                                        = *(GNNVec *)(w->sum + (size_t)row * dp + o);
      }
      sum += g->bkeep[tile->start + t] * *GNNLanesRow(h + o, t);
    }
    *(GNNVec *)(w->sum + (size_t)row * dp + o) = sum;
  }
}

/* One pass over the slots: messages are summed, edge states updated; before the first layer they are encoded */
static void Edges_Private(GNNInference w, GNNModel m, GNNGraph g, PetscInt layer)
{
  const GNNFF   *msg = GNNNetMsg(m->net, layer), *edge = GNNNetEdge(m->net, layer), *enc = GNNNetEdgeEnc(m->net);
  const PetscInt dp = w->dp;
  GNNLanes       f[GNN_MAX_WIDTH], pre[GNN_MAX_WIDTH], h[GNN_MAX_WIDTH];
  Tile           tile = TileBegin_Private(g);
  PetscInt       row  = 0;

  while (TileNext_Private(g, dp, &row, &tile)) {
    GNNLanes *e = w->e + (size_t)(tile.start / GNN_SIDE) * dp;

    if (layer == 0) {
      GNNGraphSlotFeatures(g, &m->config, tile.start, tile.nt, tile.row, GNN_SIDE, (GNNReal *)f);
      Map_Private(enc, dp, f, PETSC_FALSE, e);
    }
    Lift_Private(w, msg, &tile, 0, e, pre);
    GNNLanesHidden(msg, dp, pre, h);
    SumMessages_Private(w, g, &tile, h);
    Lift_Private(w, edge, &tile, dp, e, pre);
    GNNLanesHidden(edge, dp, pre, h);
    for (PetscInt o = 0; o < dp; o++) e[o] += edge->proj.b[o];
    GNNLanesLinear(&edge->proj, h, e);
  }
}

/* out (slots, b^2) = edge_dec([e_ij, x_j, x_i]) */
static void Decode_Private(GNNInference w, GNNNet net, GNNGraph g, GNNReal out[])
{
  const GNNFF   *dec = GNNNetDec(net);
  const PetscInt dp = w->dp, nout = dec->proj.out;
  GNNLanes       pre[GNN_MAX_WIDTH], h[GNN_MAX_WIDTH], y[GNN_MAX_WIDTH];
  Tile           tile = TileBegin_Private(g);
  PetscInt       row  = 0;

  while (TileNext_Private(g, dp, &row, &tile)) {
    Lift_Private(w, dec, &tile, 0, w->e + (size_t)(tile.start / GNN_SIDE) * dp, pre);
    GNNLanesHidden(dec, dp, pre, h);
    GNNLanesSet(dec->proj.ldo, dec->proj.b, y);
    GNNLanesLinear(&dec->proj, h, y);
    for (PetscInt k = 0; k < nout; k++) {
      for (PetscInt t = 0; t < tile.nt; t++) out[(tile.start + t) * nout + k] = g->bkeep[tile.start + t] != 0 ? y[k][t] : 0;
    }
  }
}

PetscErrorCode GNNInferenceRun(GNNInference w, GNNModel m, GNNGraph g, GNNReal out[])
{
  PetscFunctionBegin;
  PetscCall(GNNGraphGetFeatures(g, &m->config, w->feature, NULL));
  for (PetscInt t = 0; t < m->config.layers; t++) {
    PetscCall(Nodes_Private(w, m, g, t));
    PetscCall(PetscArrayzero(w->sum, (size_t)w->nodes * w->dp));
    Edges_Private(w, m, g, t);
  }
  PetscCall(Nodes_Private(w, m, g, m->config.layers));
  Decode_Private(w, m->net, g, out);
  PetscFunctionReturn(PETSC_SUCCESS);
}
