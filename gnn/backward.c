/*
   Backward pass on the host: the adjoint of forward.c, function by function, in reverse order. Gradients accumulate with +=;
   a gradient of v is dv. Scatters to the sender's node run in slot order, so results are repeatable.
*/
#include "forward.h"

#define MAX_ROW (GNN_MAX_WIDTH)

/* Adjoint of FFHidden: given dh (nt, dp) of the last hidden rows, replaces it by the gradient of what the first GELU read.
   h, g (nt, dp) are work space; on entry h = gelu and g = gelu' of what the last GELU read */
static void FFHiddenBackward_Private(const GNNFF *ff, const GNNFF *dff, PetscInt nt, PetscInt dp, const GNNReal *pre, size_t stride, GNNReal *h, GNNReal *g, GNNReal *dh)
{
  for (PetscInt k = ff->nbody; k > 0; k--) {
    GNNReal dz[GNN_TILE * MAX_ROW];

    for (PetscInt l = 0; l < nt * dp; l++) dz[l] = dh[l] * g[l];
    GNNRowsGeluGradient(nt, dp, pre + (size_t)(k - 1) * stride, h, g);
    memset(dh, 0, (size_t)(nt * dp) * sizeof(GNNReal));
    GNNRowsSum(nt, dp, dz, dp, dff->body[k - 1].b);
    GNNLinearBackward(&ff->body[k - 1], &dff->body[k - 1], nt, h, dp, dz, dp, dh, dp);
  }
  for (PetscInt l = 0; l < nt * dp; l++) dh[l] *= g[l];
}

/* In the forward pass this was y = h W^T + b with h the last hidden rows, so now from dy (nt, ldo) the gradient dz of what the first GELU read */
static void FFTailBackward_Private(const GNNFF *ff, const GNNFF *dff, PetscInt nt, PetscInt dp, const GNNReal *pre, size_t stride, const GNNReal *dy, GNNReal *dz)
{
  GNNReal h[GNN_TILE * MAX_ROW], g[GNN_TILE * MAX_ROW];

  GNNRowsGeluGradient(nt, dp, pre + (size_t)ff->nbody * stride, h, g);
  for (PetscInt l = 0; l < nt * dp; l++) dz[l] = 0;
  GNNRowsSum(nt, ff->proj.ldo, dy, ff->proj.ldo, dff->proj.b);
  GNNLinearBackward(&ff->proj, &dff->proj, nt, h, dp, dy, ff->proj.ldo, dz, dp);
  FFHiddenBackward_Private(ff, dff, nt, dp, pre, stride, h, g, dz);
}

/* In the forward pass this was pre = inv (z - mean r) + b, inv = (var + eps)^-1/2, mean = sum/m, var = sumsq/m - mean^2.
   On entry dz holds dpre, on return the gradient of z; dsum and dsumsq are those of the moments */
static void NormRowBackward_Private(const GNNFF *ff, const GNNFF *dff, PetscInt dp, PetscInt m, GNNReal sum, GNNReal sumsq, const GNNReal *pre, GNNReal *dz, GNNReal *dsum, GNNReal *dsumsq)
{
  const GNNLinear *lift = &ff->lift[0];
  GNNReal          mean;
  const GNNReal    inv = GNNInverseDeviation(sum, sumsq, (GNNReal)m, &mean);

  GNNNormGradient(sum, sumsq, (GNNReal)m, GNNRowDot(dp, dz, lift->r), GNNRowDot(dp, dz, pre) - GNNRowDot(dp, dz, lift->b), dsum, dsumsq);
  GNNRowAXPY(dp, 1, dz, dff->lift[0].b);
  GNNRowAXPY(dp, -inv * mean, dz, dff->lift[0].r);
  for (PetscInt o = 0; o < dp; o++) dz[o] *= inv;
}

/* Adjoint of the moments: dx += dsum + 2 dsumsq x, over the d numbers that are not padding */
static inline void MomentsBackward_Private(PetscInt d, const GNNReal *x, GNNReal dsum, GNNReal dsumsq, GNNReal *dx)
{
  for (PetscInt k = 0; k < d; k++) dx[k] += dsum + 2 * dsumsq * x[k];
}

/* Adjoint of FFRows: dout (n, ldo); din (n, ldin) is added to, or NULL */
static void FFRowsBackward_Private(const GNNFF *ff, const GNNFF *dff, PetscInt n, PetscInt dp, const GNNReal *in, PetscInt ldin, const GNNReal *pre, const GNNReal *dout, GNNReal *din)
{
  const GNNLinear *lift = &ff->lift[0];
  GNNReal          dz[GNN_TILE * MAX_ROW];

  for (PetscInt start = 0; start < n; start += GNN_TILE) {
    const PetscInt nt = PetscMin(GNN_TILE, n - start);
    const GNNReal *x = in + (size_t)start * ldin, *z = pre + (size_t)start * dp;
    GNNReal       *dx = din != NULL ? din + (size_t)start * ldin : NULL;

    FFTailBackward_Private(ff, dff, nt, dp, z, (size_t)n * dp, dout + (size_t)start * ff->proj.ldo, dz);
    if (ff->map.norm) {
      GNNReal sum[GNN_TILE], sumsq[GNN_TILE], dsum, dsumsq;

      GNNRowsMoments(nt, ldin, x, sum, sumsq);
      for (PetscInt t = 0; t < nt; t++) {
        NormRowBackward_Private(ff, dff, dp, lift->in, sum[t], sumsq[t], z + t * dp, dz + t * dp, &dsum, &dsumsq);
        MomentsBackward_Private(lift->in, x + t * ldin, dsum, dsumsq, dx + t * ldin);
      }
    } else GNNRowsSum(nt, dp, dz, dp, dff->lift[0].b);
    GNNLinearBackward(lift, &dff->lift[0], nt, x, ldin, dz, dp, dx, ldin);
  }
}

/* Adjoint of EdgeLift, from dz (nt, dp) of what the first GELU read: dproj_i, dproj_j, de (nt, dp) and the moments' adjoints */
static void EdgeLiftBackward_Private(const GNNFF *ff, const GNNFF *dff, GNNActs a, const GNNTile *tile, PetscInt half, const GNNReal *e, const GNNReal *moment, const GNNReal *momentsq, const GNNReal *pre, GNNReal *dz, GNNReal *de)
{
  const PetscInt dp = a->dp, d = ff->lift[0].in;

  for (PetscInt t = 0; t < tile->nt; t++) {
    const PetscInt i = tile->row[t], j = tile->col[t];

    if (ff->map.norm) {
      GNNReal dsum, dsumsq;

      NormRowBackward_Private(ff, dff, dp, 3 * d, a->moment[i] + a->moment[j] + moment[t], a->momentsq[i] + a->momentsq[j] + momentsq[t], pre + t * dp, dz + t * dp, &dsum, &dsumsq);
      a->dmoment[i] += dsum;
      a->dmoment[j] += dsum;
      a->dmomentsq[i] += dsumsq;
      a->dmomentsq[j] += dsumsq;
      MomentsBackward_Private(d, e + t * dp, dsum, dsumsq, de + t * dp);
    }
    GNNRowAXPY(dp, 1, dz + t * dp, a->dproj_i + (size_t)i * 2 * dp + half);
    GNNRowAXPY(dp, 1, dz + t * dp, a->dproj_j + (size_t)j * 2 * dp + half);
  }
  GNNLinearBackward(&ff->lift[ff->map.part_e], &dff->lift[ff->map.part_e], tile->nt, e, dp, dz, dp, de, dp);
}

/* Adjoint of NodeParts: the bias rode with the receiver */
static void NodePartsBackward_Private(const GNNFF *ff, const GNNFF *dff, PetscInt n, PetscInt dp, const GNNReal *x, const GNNReal *dproj_i, const GNNReal *dproj_j, GNNReal *dx)
{
  if (!ff->map.norm) GNNRowsSum(n, dp, dproj_i, 2 * dp, dff->lift[0].b);
  GNNLinearBackward(&ff->lift[ff->map.part_i], &dff->lift[ff->map.part_i], n, x, dp, dproj_i, 2 * dp, dx, dp);
  GNNLinearBackward(&ff->lift[ff->map.part_j], &dff->lift[ff->map.part_j], n, x, dp, dproj_j, 2 * dp, dx, dp);
}

/* Adjoint of LayerEdges: de goes from e[t+1]'s to e[t]'s in place; dsum is the gradient of the sum before kappa */
static void LayerEdgesBackward_Private(GNNNet net, GNNNet dnet, GNNGraph g, GNNActs a, PetscInt layer)
{
  const GNNFF   *msg = GNNNetMsg(net, layer), *edge = GNNNetEdge(net, layer), *dmsg = GNNNetMsg(dnet, layer), *dedge = GNNNetEdge(dnet, layer);
  const PetscInt dp     = a->dp;
  const size_t   stride = (size_t)a->nz * dp;
  GNNReal        dz[GNN_TILE * MAX_ROW], h[GNN_TILE * MAX_ROW], gh[GNN_TILE * MAX_ROW], moment[GNN_TILE], momentsq[GNN_TILE];
  GNNTile        tile = {0, 0, {0}, NULL};
  PetscInt       row  = 0;

  while (GNNTileNext(g, &row, &tile)) {
    const size_t   at = (size_t)tile.start * dp;
    const GNNReal *e = a->e[layer] + at, *pre = a->pre_edge[layer] + at;
    GNNReal       *de = a->de + at;

    if (msg->map.norm) GNNRowsMoments(tile.nt, dp, e, moment, momentsq);
    FFTailBackward_Private(edge, dedge, tile.nt, dp, pre, stride, de, dz);
    EdgeLiftBackward_Private(edge, dedge, a, &tile, dp, e, moment, momentsq, pre, dz, de);

    /* in the forward pass this was sum_i += keep h */
    pre = a->pre_msg[layer] + at;
    for (PetscInt t = 0; t < tile.nt; t++) {
      for (PetscInt v = 0; v < dp; v += GNN_LANES) *(GNNVec *)(dz + t * dp + v) = g->bkeep[tile.start + t] * *(const GNNVec *)(a->dsum + (size_t)tile.row[t] * dp + v);
    }
    GNNRowsGeluGradient(tile.nt, dp, pre + (size_t)msg->nbody * stride, h, gh);
    FFHiddenBackward_Private(msg, dmsg, tile.nt, dp, pre, stride, h, gh, dz);
    EdgeLiftBackward_Private(msg, dmsg, a, &tile, 0, e, moment, momentsq, pre, dz, de);
  }
}

/* Adjoint of LayerNodes: dx stays (x_i += ...), dsum is set */
static void LayerNodesBackward_Private(GNNModel m, GNNNet dnet, GNNGraph g, GNNActs a, PetscInt layer)
{
  const GNNLinear *proj = &GNNNetMsg(m->net, layer)->proj, *dproj = &GNNNetMsg(dnet, layer)->proj;
  const PetscInt   dp   = a->dp;
  const size_t     size = (size_t)a->n * dp;

  memset(a->dagg, 0, size * sizeof(GNNReal));
  memset(a->dsum, 0, size * sizeof(GNNReal));
  FFRowsBackward_Private(GNNNetNode(m->net, layer), GNNNetNode(dnet, layer), a->n, dp, a->agg[layer], dp, a->pre_node[layer], a->dx, a->dagg);
  GNNLinearBackward(proj, dproj, a->n, a->sum[layer], dp, a->dagg, dp, a->dsum, dp);
  for (PetscInt i = 0; i < a->n; i++) {
    const GNNReal kappa = GNNAggregationFactor(&m->config, g->degree[i]);

    GNNRowAXPY(dp, kappa * g->degree[i], a->dagg + (size_t)i * dp, dproj->b);
    for (PetscInt o = 0; o < dp; o++) a->dsum[(size_t)i * dp + o] *= kappa;
  }
}

/* Adjoint of Decode: sets de and dx */
static void DecodeBackward_Private(GNNNet net, GNNNet dnet, GNNGraph g, GNNActs a, const GNNReal dout[])
{
  const GNNFF   *dec = GNNNetDec(net), *ddec = GNNNetDec(dnet);
  const PetscInt dp = a->dp, ldo = dec->proj.ldo, nout = dec->proj.out;
  GNNReal        dz[GNN_TILE * MAX_ROW], dy[GNN_TILE * MAX_ROW];
  GNNTile        tile = {0, 0, {0}, NULL};
  PetscInt       row  = 0;

  memset(dy, 0, sizeof(dy));
  while (GNNTileNext(g, &row, &tile)) {
    const size_t at = (size_t)tile.start * dp;

    for (PetscInt t = 0; t < tile.nt; t++) {
      for (PetscInt k = 0; k < nout; k++) dy[t * ldo + k] = g->bkeep[tile.start + t] * dout[(tile.start + t) * nout + k];
    }
    FFTailBackward_Private(dec, ddec, tile.nt, dp, a->pre_dec + at, (size_t)a->nz * dp, dy, dz);
    EdgeLiftBackward_Private(dec, ddec, a, &tile, 0, a->e[a->layers] + at, NULL, NULL, a->pre_dec + at, dz, a->de + at);
  }
  NodePartsBackward_Private(dec, ddec, a->n, dp, a->x[a->layers], a->dproj_i, a->dproj_j, a->dx);
}

static void ZeroNodeAdjoints_Private(GNNActs a)
{
  memset(a->dproj_i, 0, 2 * (size_t)a->n * a->dp * sizeof(GNNReal));
  memset(a->dproj_j, 0, 2 * (size_t)a->n * a->dp * sizeof(GNNReal));
  memset(a->dmoment, 0, a->n * sizeof(GNNReal));
  memset(a->dmomentsq, 0, a->n * sizeof(GNNReal));
}

PetscErrorCode GNNBackward(GNNModel m, GNNGraph g, GNNActs a, const GNNReal dout[], GNNNet dnet)
{
  const PetscInt dp = a->dp;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(a->dx, (size_t)a->n * dp));
  PetscCall(PetscArrayzero(a->de, (size_t)a->nz * dp));
  ZeroNodeAdjoints_Private(a);
  DecodeBackward_Private(m->net, dnet, g, a, dout);
  for (PetscInt t = a->layers - 1; t >= 0; t--) {
    const GNNFF *msg = GNNNetMsg(m->net, t);

    ZeroNodeAdjoints_Private(a);
    if (msg->map.norm) GNNRowsMoments(a->n, dp, a->x[t], a->moment, a->momentsq);
    LayerNodesBackward_Private(m, dnet, g, a, t);
    LayerEdgesBackward_Private(m->net, dnet, g, a, t);
    NodePartsBackward_Private(msg, GNNNetMsg(dnet, t), a->n, dp, a->x[t], a->dproj_i, a->dproj_j, a->dx);
    NodePartsBackward_Private(GNNNetEdge(m->net, t), GNNNetEdge(dnet, t), a->n, dp, a->x[t], a->dproj_i + dp, a->dproj_j + dp, a->dx);
    for (PetscInt i = 0; msg->map.norm && i < a->n; i++) MomentsBackward_Private(m->config.width, a->x[t] + (size_t)i * dp, a->dmoment[i], a->dmomentsq[i], a->dx + (size_t)i * dp);
  }
  FFRowsBackward_Private(GNNNetEdgeEnc(m->net), GNNNetEdgeEnc(dnet), a->nz, dp, a->edge, GNNConfigEdgeSize(&m->config), a->pre_eenc, a->de, NULL);
  FFRowsBackward_Private(GNNNetNodeEnc(m->net), GNNNetNodeEnc(dnet), a->n, dp, a->node, GNNConfigNodeSize(&m->config), a->pre_nenc, a->dx, NULL);
  PetscFunctionReturn(PETSC_SUCCESS);
}
