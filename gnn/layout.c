/*
   Packing of the parameters for the host kernels, and its adjoint.
*/
#include "layout.h"

/* Take size numbers of the packed array; a first pass with base = NULL counts them */
static GNNReal *NetTake_Private(GNNNet net, GNNReal *base, PetscInt size)
{
  GNNReal *array = base != NULL ? base + net->size : NULL;

  net->size += (size_t)size;
  return array;
}

static void NetLayoutLinear_Private(GNNNet net, GNNReal *base, PetscInt in, PetscInt out, GNNLinear *L)
{
  L->in  = in;
  L->out = out;
  L->ldi = GNNPad(in);
  L->ldo = GNNPad(out);
  L->Wt  = NetTake_Private(net, base, in * L->ldo);
  L->W   = NetTake_Private(net, base, out * L->ldi);
  L->b   = NetTake_Private(net, base, L->ldo);
  L->r   = NetTake_Private(net, base, L->ldo);
}

static void NetLayoutFF_Private(GNNNet net, GNNReal *base, const GNNConfig *c, PetscInt nparts, PetscInt in, PetscInt out, PetscBool norm, GNNFF *ff)
{
  ff->nparts = nparts;
  ff->part_i = 0;
  ff->part_j = 1;
  ff->part_e = 2;
  ff->norm   = norm;
  ff->nbody  = c->hidden_layers - 1;
  for (PetscInt q = 0; q < nparts; q++) NetLayoutLinear_Private(net, base, in / nparts, c->width, &ff->lift[q]);
  for (PetscInt k = 0; k < ff->nbody; k++) NetLayoutLinear_Private(net, base, c->width, c->width, &ff->body[k]);
  NetLayoutLinear_Private(net, base, c->width, out, &ff->proj);
}

static void NetLayout_Private(GNNNet net, GNNReal *base, const GNNConfig *c)
{
  const PetscInt  d = c->width, out = c->block_size * c->block_size;
  const PetscBool norm = c->norm == GNN_NORM_LAYER ? PETSC_TRUE : PETSC_FALSE;

  net->size = 0;
  NetLayoutFF_Private(net, base, c, 1, GNNConfigNodeSize(c), d, PETSC_FALSE, GNNNetNodeEnc(net));
  NetLayoutFF_Private(net, base, c, 1, GNNConfigEdgeSize(c), d, PETSC_FALSE, GNNNetEdgeEnc(net));
  for (PetscInt t = 0; t < c->layers; t++) {
    NetLayoutFF_Private(net, base, c, 3, 3 * d, d, norm, GNNNetMsg(net, t));
    NetLayoutFF_Private(net, base, c, 1, d, d, norm, GNNNetNode(net, t));
    NetLayoutFF_Private(net, base, c, 3, 3 * d, d, norm, GNNNetEdge(net, t));
  }
  NetLayoutFF_Private(net, base, c, 3, 3 * d, out, PETSC_FALSE, GNNNetDec(net));
  GNNNetDec(net)->part_e = 0; /* edge_dec reads [e_ij, x_j, x_i] */
  GNNNetDec(net)->part_i = 2;
}

PetscErrorCode GNNNetCreate(GNNModel m, GNNNet *net)
{
  PetscFunctionBegin;
  PetscCall(PetscNew(net));
  (*net)->dp     = GNNPad(m->config.width);
  (*net)->layers = m->config.layers;
  (*net)->nff    = 3 + 3 * m->config.layers;
  PetscCall(PetscCalloc1((*net)->nff, &(*net)->ff));
  NetLayout_Private(*net, NULL, &m->config);
  PetscCall(PetscCalloc1((*net)->size, &(*net)->data));
  NetLayout_Private(*net, (*net)->data, &m->config);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNNetDestroy(GNNNet *net)
{
  PetscFunctionBegin;
  if (*net == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*net)->ff));
  PetscCall(PetscFree((*net)->data));
  PetscCall(PetscFree(*net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A linear's weight and bias, read as the next two tensors of the table */
static void PackLinear_Private(const GNNReal theta[], const GNNTensor **t, GNNLinear *L)
{
  const GNNReal *W = theta + (*t)->offset, *b = theta + (*t + 1)->offset;

  for (PetscInt o = 0; o < L->out; o++) {
    for (PetscInt c = 0; c < L->in; c++) L->Wt[c * L->ldo + o] = L->W[o * L->ldi + c] = W[o * L->in + c];
    L->b[o] = b[o];
  }
  *t += 2;
}

/* W' = W diag gamma, b' = b + W beta, r = W' 1; without norm gamma = 1, beta = 0 */
static void PackLift_Private(const GNNReal theta[], const GNNTensor **t, GNNFF *ff)
{
  const GNNReal   *gamma = ff->norm ? theta + (*t)->offset : NULL, *beta = ff->norm ? theta + (*t + 1)->offset : NULL;
  const GNNTensor *lift = ff->norm ? *t + 2 : *t;
  const GNNReal   *W = theta + lift->offset, *b = theta + (lift + 1)->offset;

  for (PetscInt o = 0; o < lift->rows; o++) {
    GNNReal bias = b[o], rowsum = 0;

    for (PetscInt c = 0; c < lift->cols; c++) {
      const PetscInt k = c % ff->lift[0].in; /* column of its part */
      GNNLinear     *L = &ff->lift[c / ff->lift[0].in];
      const GNNReal  w = W[o * lift->cols + c], wg = gamma ? w * gamma[c] : w;

      L->Wt[k * L->ldo + o] = L->W[o * L->ldi + k] = wg;
      if (beta) bias += w * beta[c];
      rowsum += wg;
    }
    ff->lift[0].b[o] = bias;
    ff->lift[0].r[o] = rowsum;
  }
  *t = lift + 2;
}

PetscErrorCode GNNNetPack(GNNModel m, GNNNet net)
{
  const GNNTensor *t = m->tensors;

  PetscFunctionBegin;
  for (PetscInt f = 0; f < net->nff; f++) {
    PackLift_Private(m->theta, &t, &net->ff[f]);
    for (PetscInt k = 0; k < net->ff[f].nbody; k++) PackLinear_Private(m->theta, &t, &net->ff[f].body[k]);
    PackLinear_Private(m->theta, &t, &net->ff[f].proj);
  }
  if (m->config.output == GNN_OUTPUT_RESIDUAL) {
    net->c[0] = m->theta[t->offset];
    net->c[1] = m->theta[t->offset + 1];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void UnpackLinear_Private(const GNNTensor **t, const GNNLinear *dL, PetscScalar dtheta[])
{
  PetscScalar *dW = dtheta + (*t)->offset, *db = dtheta + (*t + 1)->offset;

  for (PetscInt o = 0; o < dL->out; o++) {
    for (PetscInt c = 0; c < dL->in; c++) dW[o * dL->in + c] = dL->Wt[c * dL->ldo + o];
    db[o] = dL->b[o];
  }
  *t += 2;
}

/* In PackLift_Private() this was W' = W diag gamma, b' = b + W beta, r = W' 1, so now with D = dW' + dr 1^T:
   dW = D diag gamma + db' beta^T, dgamma_c = sum_o D_oc W_oc, dbeta = W^T db' */
static void UnpackLift_Private(const GNNReal theta[], const GNNTensor **t, const GNNFF *dff, PetscScalar dtheta[])
{
  const PetscInt   gamma = (*t)->offset, beta = (*t + 1)->offset;
  const GNNTensor *lift = dff->norm ? *t + 2 : *t;
  const GNNReal   *W    = theta + lift->offset;
  PetscScalar     *dW = dtheta + lift->offset, *db = dtheta + (lift + 1)->offset;

  for (PetscInt o = 0; o < lift->rows; o++) {
    db[o] = dff->lift[0].b[o];
    for (PetscInt c = 0; c < lift->cols; c++) {
      const GNNLinear  *dL = &dff->lift[c / dff->lift[0].in];
      const PetscScalar D  = dL->Wt[c % dL->in * dL->ldo + o] + dff->lift[0].r[o];
      const PetscInt    k  = o * lift->cols + c;

      if (dff->norm) {
        dW[k] = D * theta[gamma + c] + db[o] * theta[beta + c];
        dtheta[gamma + c] += D * W[k];
        dtheta[beta + c] += db[o] * W[k];
      } else dW[k] = D;
    }
  }
  *t = lift + 2;
}

PetscErrorCode GNNNetUnpackGradient(GNNModel m, GNNNet dnet, PetscScalar dtheta[])
{
  const GNNTensor *t = m->tensors;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(dtheta, m->nparams));
  for (PetscInt f = 0; f < dnet->nff; f++) {
    UnpackLift_Private(m->theta, &t, &dnet->ff[f], dtheta);
    for (PetscInt k = 0; k < dnet->ff[f].nbody; k++) UnpackLinear_Private(&t, &dnet->ff[f].body[k], dtheta);
    UnpackLinear_Private(&t, &dnet->ff[f].proj, dtheta);
  }
  if (m->config.output == GNN_OUTPUT_RESIDUAL) {
    dtheta[t->offset]     = dnet->c[0];
    dtheta[t->offset + 1] = dnet->c[1];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
