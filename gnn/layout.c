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

static void NetLayout_Private(GNNNet net, GNNReal *base)
{
  net->size = 0;
  for (PetscInt f = 0; f < net->nff; f++) {
    GNNFF        *ff = &net->ff[f];
    const GNNMap *m  = &ff->map;

    ff->nbody = m->hidden - 1;
    for (PetscInt q = 0; q < m->nparts; q++) NetLayoutLinear_Private(net, base, m->in, m->width, &ff->lift[q]);
    for (PetscInt k = 0; k < ff->nbody; k++) NetLayoutLinear_Private(net, base, m->width, m->width, &ff->body[k]);
    NetLayoutLinear_Private(net, base, m->width, m->out, &ff->proj);
  }
}

PetscErrorCode GNNNetCreate(const GNNShape *shape, GNNNet *network)
{
  GNNMap *map;
  GNNNet  net;

  PetscFunctionBegin;
  PetscCall(PetscNew(&net));
  *network   = net;
  net->shape = *shape;
  net->dp    = GNNPad(shape->width);
  net->nff   = GNNShapeMaps(shape);
  PetscCall(PetscCalloc1(net->nff, &net->ff));
  PetscCall(PetscMalloc1(net->nff, &map));
  net->nparams = GNNShapeList(shape, map);
  for (PetscInt f = 0; f < net->nff; f++) net->ff[f].map = map[f];
  PetscCall(PetscFree(map));
  NetLayout_Private(net, NULL);
  PetscCall(PetscCalloc1(net->size, &net->data));
  NetLayout_Private(net, net->data);
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

/* From a linear's weight and bias */
static void PackLinear_Private(const GNNReal W[], const GNNReal b[], GNNLinear *L)
{
  for (PetscInt o = 0; o < L->out; o++) {
    for (PetscInt c = 0; c < L->in; c++) L->Wt[c * L->ldo + o] = L->W[o * L->ldi + c] = W[o * L->in + c];
    L->b[o] = b[o];
  }
}

/* W' = W diag gamma, b' = b + W beta, r = W' 1; without norm gamma = 1, beta = 0 */
static void PackLift_Private(const GNNReal theta[], const GNNTheta *t, GNNFF *ff)
{
  const PetscInt in = ff->map.in, cols = ff->map.nparts * in;

  for (PetscInt o = 0; o < ff->map.width; o++) {
    GNNReal bias = theta[t->bias + o], rowsum = 0;

    for (PetscInt c = 0; c < cols; c++) {
      const PetscInt k = c % in; /* column of its part */
      GNNLinear     *L = &ff->lift[c / in];
      const GNNReal  w = theta[t->lift + o * cols + c], wg = ff->map.norm ? w * theta[t->gamma + c] : w;

      L->Wt[k * L->ldo + o] = L->W[o * L->ldi + k] = wg;
      if (ff->map.norm) bias += w * theta[t->beta + c];
      rowsum += wg;
    }
    ff->lift[0].b[o] = bias;
    ff->lift[0].r[o] = rowsum;
  }
}

PetscErrorCode GNNNetPack(GNNNet net, const GNNReal theta[])
{
  PetscFunctionBegin;
  for (PetscInt f = 0; f < net->nff; f++) {
    GNNFF         *ff = &net->ff[f];
    const GNNTheta t  = GNNMapTheta(&ff->map);
    const GNNReal *W  = theta + t.body;

    PackLift_Private(theta, &t, ff);
    for (PetscInt k = 0; k < ff->nbody; k++, W += GNNBodySize(ff->map.width)) PackLinear_Private(W, W + ff->map.width * ff->map.width, &ff->body[k]);
    PackLinear_Private(theta + t.proj, theta + t.projbias, &ff->proj);
  }
  for (PetscInt k = 0; k < 2 && net->shape.residual; k++) net->c[k] = theta[net->nparams - 2 + k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void UnpackLinear_Private(const GNNLinear *dL, PetscScalar dW[], PetscScalar db[])
{
  for (PetscInt o = 0; o < dL->out; o++) {
    for (PetscInt c = 0; c < dL->in; c++) dW[o * dL->in + c] = dL->Wt[c * dL->ldo + o];
    db[o] = dL->b[o];
  }
}

/* In PackLift_Private() this was W' = W diag gamma, b' = b + W beta, r = W' 1, so now with D = dW' + dr 1^T:
   dW = D diag gamma + db' beta^T, dgamma_c = sum_o D_oc W_oc, dbeta = W^T db' */
static void UnpackLift_Private(const GNNReal theta[], const GNNTheta *t, const GNNFF *dff, PetscScalar dtheta[])
{
  const PetscInt in = dff->map.in, cols = dff->map.nparts * in;
  const GNNReal *W  = theta + t->lift;
  PetscScalar   *dW = dtheta + t->lift, *db = dtheta + t->bias;

  for (PetscInt o = 0; o < dff->map.width; o++) {
    db[o] = dff->lift[0].b[o];
    for (PetscInt c = 0; c < cols; c++) {
      const GNNLinear  *dL = &dff->lift[c / in];
      const PetscScalar D  = dL->Wt[c % in * dL->ldo + o] + dff->lift[0].r[o];
      const PetscInt    k  = o * cols + c;

      if (dff->map.norm) {
        dW[k] = D * theta[t->gamma + c] + db[o] * theta[t->beta + c];
        dtheta[t->gamma + c] += D * W[k];
        dtheta[t->beta + c] += db[o] * W[k];
      } else dW[k] = D;
    }
  }
}

PetscErrorCode GNNNetUnpackGradient(GNNNet dnet, const GNNReal theta[], PetscScalar dtheta[])
{
  PetscFunctionBegin;
  PetscCall(PetscArrayzero(dtheta, dnet->nparams));
  for (PetscInt f = 0; f < dnet->nff; f++) {
    const GNNFF   *dff = &dnet->ff[f];
    const GNNTheta t   = GNNMapTheta(&dff->map);
    PetscScalar   *dW  = dtheta + t.body;

    UnpackLift_Private(theta, &t, dff, dtheta);
    for (PetscInt k = 0; k < dff->nbody; k++, dW += GNNBodySize(dff->map.width)) UnpackLinear_Private(&dff->body[k], dW, dW + dff->map.width * dff->map.width);
    UnpackLinear_Private(&dff->proj, dtheta + t.proj, dtheta + t.projbias);
  }
  for (PetscInt k = 0; k < 2 && dnet->shape.residual; k++) dtheta[dnet->nparams - 2 + k] = dnet->c[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}
