/*
   Forward pass of training on the host, tile by tile. The first linear of a map over [x_i, x_j, e_ij] is split: its node parts are applied once
   per node and gathered; the last linear of a message is applied after the sum. About 8k multiply-adds per slot at the default size.
*/
#include "forward.h"

#define MAX_ROW (GNN_MAX_WIDTH) /* GNN_MAX_WIDTH is a multiple of GNN_LANES: the longest padded row */

static inline GNNReal *ActsTake_Private(GNNReal *base, size_t *size, size_t want)
{
  GNNReal *array = base != NULL ? base + *size : NULL;

  *size += want;
  return array;
}

/* Hand out the arrays from base; with base = NULL only count */
static void ActsLayout_Private(GNNModel m, GNNActs a, GNNReal *base, size_t *size)
{
  const size_t nodes = (size_t)a->n * a->dp, edges = (size_t)a->nz * a->dp, hidden = (size_t)a->hidden;

  *size   = 0;
  a->node = ActsTake_Private(base, size, (size_t)a->n * GNNConfigNodeSize(&m->config));
  a->edge = ActsTake_Private(base, size, (size_t)a->nz * GNNConfigEdgeSize(&m->config));
  for (PetscInt t = 0; t <= a->layers; t++) {
    a->x[t] = ActsTake_Private(base, size, nodes);
    a->e[t] = ActsTake_Private(base, size, edges);
  }
  for (PetscInt t = 0; t < a->layers; t++) {
    a->sum[t]      = ActsTake_Private(base, size, nodes);
    a->agg[t]      = ActsTake_Private(base, size, nodes);
    a->pre_msg[t]  = ActsTake_Private(base, size, hidden * edges);
    a->pre_edge[t] = ActsTake_Private(base, size, hidden * edges);
    a->pre_node[t] = ActsTake_Private(base, size, hidden * nodes);
  }
  a->pre_nenc  = ActsTake_Private(base, size, hidden * nodes);
  a->pre_eenc  = ActsTake_Private(base, size, hidden * edges);
  a->pre_dec   = ActsTake_Private(base, size, hidden * edges);
  a->proj_i    = ActsTake_Private(base, size, 2 * nodes);
  a->proj_j    = ActsTake_Private(base, size, 2 * nodes);
  a->moment    = ActsTake_Private(base, size, a->n);
  a->momentsq  = ActsTake_Private(base, size, a->n);
  a->dx        = ActsTake_Private(base, size, nodes);
  a->de        = ActsTake_Private(base, size, edges);
  a->dsum      = ActsTake_Private(base, size, nodes);
  a->dagg      = ActsTake_Private(base, size, nodes);
  a->dproj_i   = ActsTake_Private(base, size, 2 * nodes);
  a->dproj_j   = ActsTake_Private(base, size, 2 * nodes);
  a->dmoment   = ActsTake_Private(base, size, a->n);
  a->dmomentsq = ActsTake_Private(base, size, a->n);
}

PetscErrorCode GNNActsCreate(GNNModel m, GNNActs *acts)
{
  PetscFunctionBegin;
  PetscCall(PetscNew(acts));
  (*acts)->dp     = m->net->dp;
  (*acts)->layers = m->config.layers;
  (*acts)->hidden = m->config.hidden_layers;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNActsSetSizes(GNNModel m, PetscInt n, PetscInt nz, GNNActs a)
{
  size_t size;

  PetscFunctionBegin;
  a->n  = n;
  a->nz = nz;
  ActsLayout_Private(m, a, NULL, &size);
  if (size > a->capacity) {
    PetscCall(PetscFree(a->memory));
    PetscCall(PetscMalloc(size * sizeof(GNNReal), &a->memory));
    a->capacity = size;
  }
  ActsLayout_Private(m, a, a->memory, &size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNActsDestroy(GNNActs *acts)
{
  PetscFunctionBegin;
  if (*acts == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*acts)->memory));
  PetscCall(PetscFree(*acts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From what the first GELU reads, pre (nt, dp), to the last hidden rows h (nt, dp). What GELU k reads is kept at pre + k * stride */
static inline void FFHidden_Private(const GNNFF *ff, PetscInt nt, PetscInt dp, GNNReal *pre, size_t stride, GNNReal *h)
{
  for (PetscInt k = 0; k < ff->nbody; k++) {
    GNNRowsGelu(nt, dp, pre, h);
    pre += stride;
    GNNRowsSet(nt, dp, ff->body[k].b, pre, dp);
    GNNLinearForward(&ff->body[k], nt, h, dp, pre, dp);
  }
  GNNRowsGelu(nt, dp, pre, h);
}

/* pre = (W' v - mean r)/deviation + b' of rows v of m numbers with the given moments, where pre holds W' v */
static inline void NormRow_Private(const GNNFF *ff, PetscInt dp, PetscInt m, GNNReal sum, GNNReal sumsq, GNNReal *pre)
{
  GNNReal       mean;
  const GNNReal inv = GNNInverseDeviation(sum, sumsq, (GNNReal)m, &mean);

  for (PetscInt o = 0; o < dp; o++) pre[o] = inv * (pre[o] - mean * ff->lift[0].r[o]) + ff->lift[0].b[o];
}

/* out (n, ldo) = FF(in (n, ldin)), or += where add; pre (hidden, n, dp) is kept */
static void FFRows_Private(const GNNFF *ff, PetscInt n, PetscInt dp, const GNNReal *in, PetscInt ldin, GNNReal *out, PetscBool add, GNNReal *pre)
{
  const GNNLinear *lift = &ff->lift[0], *proj = &ff->proj;
  GNNReal          h[GNN_TILE * MAX_ROW];

  for (PetscInt start = 0; start < n; start += GNN_TILE) {
    const PetscInt nt = PetscMin(GNN_TILE, n - start);
    GNNReal       *z = pre + (size_t)start * dp, *y = out + (size_t)start * proj->ldo;
    const GNNReal *x = in + (size_t)start * ldin;

    if (ff->map.norm) {
      GNNReal sum[GNN_TILE], sumsq[GNN_TILE];

      GNNRowsMoments(nt, ldin, x, sum, sumsq);
      for (PetscInt k = 0; k < nt * dp; k++) z[k] = 0;
      GNNLinearForward(lift, nt, x, ldin, z, dp);
      for (PetscInt t = 0; t < nt; t++) NormRow_Private(ff, dp, lift->in, sum[t], sumsq[t], z + t * dp);
    } else {
      GNNRowsSet(nt, dp, lift->b, z, dp);
      GNNLinearForward(lift, nt, x, ldin, z, dp);
    }
    FFHidden_Private(ff, nt, dp, z, (size_t)n * dp, h);
    if (add) {
      for (PetscInt t = 0; t < nt; t++) GNNRowAXPY(proj->ldo, 1, proj->b, y + t * proj->ldo);
    } else GNNRowsSet(nt, proj->ldo, proj->b, y, proj->ldo);
    GNNLinearForward(proj, nt, h, dp, y, proj->ldo);
  }
}

/* Node parts of a first linear into half of proj_i and proj_j; the bias rides with the receiver, unless a norm comes between */
static void NodeParts_Private(const GNNFF *ff, PetscInt n, PetscInt dp, const GNNReal *x, GNNReal *proj_i, GNNReal *proj_j)
{
  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt o = 0; o < dp; o++) {
      proj_i[(size_t)i * 2 * dp + o] = ff->map.norm ? 0 : ff->lift[0].b[o];
      proj_j[(size_t)i * 2 * dp + o] = 0;
    }
  }
  GNNLinearForward(&ff->lift[ff->map.part_i], n, x, dp, proj_i, 2 * dp);
  GNNLinearForward(&ff->lift[ff->map.part_j], n, x, dp, proj_j, 2 * dp);
}

/* pre (nt, dp) = first linear of [x_i, x_j, e_ij] for a tile of slots; half = 0 or dp picks the node parts; e (nt, dp) */
static inline void EdgeLift_Private(const GNNFF *ff, GNNActs a, const GNNTile *tile, PetscInt half, const GNNReal *e, const GNNReal *moment, const GNNReal *momentsq, GNNReal *pre)
{
  const PetscInt dp = a->dp;

  for (PetscInt t = 0; t < tile->nt; t++) {
    const GNNReal *pi = a->proj_i + (size_t)tile->row[t] * 2 * dp + half, *pj = a->proj_j + (size_t)tile->col[t] * 2 * dp + half;

    for (PetscInt v = 0; v < dp; v += GNN_LANES) *(GNNVec *)(pre + t * dp + v) = *(const GNNVec *)(pi + v) + *(const GNNVec *)(pj + v);
  }
  GNNLinearForward(&ff->lift[ff->map.part_e], tile->nt, e, dp, pre, dp);
  if (!ff->map.norm) return;
  for (PetscInt t = 0; t < tile->nt; t++) {
    const PetscInt i = tile->row[t], j = tile->col[t];

    NormRow_Private(ff, dp, 3 * ff->lift[0].in, a->moment[i] + a->moment[j] + moment[t], a->momentsq[i] + a->momentsq[j] + momentsq[t], pre + t * dp);
  }
}

/* One pass over the slots: messages are summed into sum[t], edge states go from e[t] to e[t+1] */
static void LayerEdges_Private(GNNNet net, GNNGraph g, GNNActs a, PetscInt layer)
{
  const GNNFF   *msg = GNNNetMsg(net, layer), *edge = GNNNetEdge(net, layer);
  const PetscInt dp     = a->dp;
  const size_t   stride = (size_t)a->nz * dp;
  GNNReal        h[GNN_TILE * MAX_ROW], moment[GNN_TILE], momentsq[GNN_TILE];
  GNNTile        tile = {0, 0, {0}, NULL};
  PetscInt       row  = 0;

  while (GNNTileNext(g, &row, &tile)) {
    const size_t   at   = (size_t)tile.start * dp;
    const GNNReal *e    = a->e[layer] + at;
    GNNReal       *enew = a->e[layer + 1] + at, *pre;

    if (msg->map.norm) GNNRowsMoments(tile.nt, dp, e, moment, momentsq);
    pre = a->pre_msg[layer] + at;
    EdgeLift_Private(msg, a, &tile, 0, e, moment, momentsq, pre);
    FFHidden_Private(msg, tile.nt, dp, pre, stride, h);
    for (PetscInt t = 0; t < tile.nt; t++) GNNRowAXPY(dp, g->bkeep[tile.start + t], h + t * dp, a->sum[layer] + (size_t)tile.row[t] * dp);

    pre = a->pre_edge[layer] + at;
    EdgeLift_Private(edge, a, &tile, dp, e, moment, momentsq, pre);
    FFHidden_Private(edge, tile.nt, dp, pre, stride, h);
    for (PetscInt t = 0; t < tile.nt; t++) {
      for (PetscInt v = 0; v < dp; v += GNN_LANES) *(GNNVec *)(enew + t * dp + v) = *(const GNNVec *)(e + t * dp + v) + *(const GNNVec *)(edge->proj.b + v);
    }
    GNNLinearForward(&edge->proj, tile.nt, h, dp, enew, dp);
  }
}

/* agg_i = kappa_i (W sum_i + degree_i b), x_i += node_mlp(agg_i) */
static void LayerNodes_Private(GNNModel m, GNNGraph g, GNNActs a, PetscInt layer)
{
  const GNNLinear *proj = &GNNNetMsg(m->net, layer)->proj;
  const PetscInt   dp   = a->dp;

  for (PetscInt i = 0; i < a->n; i++) {
    const GNNReal kappa = GNNAggregationFactor(&m->config, g->degree[i]);
    GNNReal      *sum = a->sum[layer] + (size_t)i * dp, *agg = a->agg[layer] + (size_t)i * dp;

    for (PetscInt o = 0; o < dp; o++) {
      sum[o] *= kappa;
      agg[o] = kappa * g->degree[i] * proj->b[o];
    }
  }
  GNNLinearForward(proj, a->n, a->sum[layer], dp, a->agg[layer], dp);
  memcpy(a->x[layer + 1], a->x[layer], (size_t)a->n * dp * sizeof(GNNReal));
  FFRows_Private(GNNNetNode(m->net, layer), a->n, dp, a->agg[layer], dp, a->x[layer + 1], PETSC_TRUE, a->pre_node[layer]);
}

/* out (nz, b^2) = edge_dec([e_ij, x_j, x_i]), 0 in slots that are not kept */
static void Decode_Private(GNNNet net, GNNGraph g, GNNActs a, GNNReal out[])
{
  const GNNFF   *dec = GNNNetDec(net);
  const PetscInt dp = a->dp, ldo = dec->proj.ldo, nout = dec->proj.out;
  const size_t   stride = (size_t)a->nz * dp;
  GNNReal        h[GNN_TILE * MAX_ROW], y[GNN_TILE * MAX_ROW];
  GNNTile        tile = {0, 0, {0}, NULL};
  PetscInt       row  = 0;

  NodeParts_Private(dec, a->n, dp, a->x[a->layers], a->proj_i, a->proj_j);
  while (GNNTileNext(g, &row, &tile)) {
    const size_t at  = (size_t)tile.start * dp;
    GNNReal     *pre = a->pre_dec + at;

    EdgeLift_Private(dec, a, &tile, 0, a->e[a->layers] + at, NULL, NULL, pre);
    FFHidden_Private(dec, tile.nt, dp, pre, stride, h);
    GNNRowsSet(tile.nt, ldo, dec->proj.b, y, ldo);
    GNNLinearForward(&dec->proj, tile.nt, h, dp, y, ldo);
    for (PetscInt t = 0; t < tile.nt; t++) {
      for (PetscInt k = 0; k < nout; k++) out[(tile.start + t) * nout + k] = g->bkeep[tile.start + t] != 0 ? y[t * ldo + k] : 0;
    }
  }
}

PetscErrorCode GNNForward(GNNModel m, GNNGraph g, GNNActs a, GNNReal out[])
{
  const PetscInt dp = a->dp;

  PetscFunctionBegin;
  PetscCall(GNNGraphGetFeatures(g, &m->config, a->node, a->edge));
  FFRows_Private(GNNNetNodeEnc(m->net), a->n, dp, a->node, GNNConfigNodeSize(&m->config), a->x[0], PETSC_FALSE, a->pre_nenc);
  FFRows_Private(GNNNetEdgeEnc(m->net), a->nz, dp, a->edge, GNNConfigEdgeSize(&m->config), a->e[0], PETSC_FALSE, a->pre_eenc);
  for (PetscInt t = 0; t < a->layers; t++) {
    NodeParts_Private(GNNNetMsg(m->net, t), a->n, dp, a->x[t], a->proj_i, a->proj_j);
    NodeParts_Private(GNNNetEdge(m->net, t), a->n, dp, a->x[t], a->proj_i + dp, a->proj_j + dp);
    if (GNNNetMsg(m->net, t)->map.norm) GNNRowsMoments(a->n, dp, a->x[t], a->moment, a->momentsq);
    PetscCall(PetscArrayzero(a->sum[t], (size_t)a->n * dp));
    LayerEdges_Private(m->net, g, a, t);
    LayerNodes_Private(m, g, a, t);
  }
  Decode_Private(m->net, g, a, out);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two per multiply-add of the dense products; GELUs are not counted, as PETSc counts no function calls */
PetscLogDouble GNNForwardFlops(GNNModel m, PetscInt n, PetscInt nz)
{
  const PetscLogDouble d = m->config.width, L = m->config.layers, body = (m->config.hidden_layers - 1) * d * d;
  const PetscLogDouble per_node = GNNConfigNodeSize(&m->config) * d + d * d + body + L * (7.0 * d * d + body) + 2.0 * d * d;
  const PetscLogDouble per_edge = GNNConfigEdgeSize(&m->config) * d + d * d + body + L * (3.0 * d * d + 2.0 * body) + d * d + body + d * m->config.block_size * m->config.block_size;

  return 2.0 * (n * per_node + nz * per_edge);
}

void GNNSlots(GNNModel m, GNNGraph g, const GNNReal out[], PetscReal alpha, PetscReal damping, PetscScalar slots[], PetscInt *replaced)
{
  GNNStart s     = GNNModelStart(m);
  int      count = 0;

  s.alpha   = (double)alpha;
  s.damping = (double)damping;
  for (PetscInt p = 0; p < g->i[g->first * g->b]; p++) slots[p] = 0.0;
  for (PetscInt p = g->i[g->last * g->b]; p < g->nz; p++) slots[p] = 0.0;
  for (PetscInt i = g->first * g->b; i < g->last * g->b; i++) {
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      const PetscBool has = g->keep[p] != 0 && GNNPatternHas(s.lower, i, g->j[p]) ? PETSC_TRUE : PETSC_FALSE;

      slots[p] = has ? GNNFactorEntry(&s, p == g->diag[i], (double)PetscRealPart(g->at[g->rev[p]]), (double)out[GNNGraphOutput(g, i, p)], &count) : 0.0;
    }
  }
  *replaced = count;
}
