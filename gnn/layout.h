/*
   A model's parameters packed for the host's kernels, gemm.h.

   Rows of d numbers are padded with zeros to dp = a multiple of GNN_LANES, so that every inner loop is over whole vectors;
   padding stays zero through every operation (zero weights, gelu(0) = 0).
*/
#pragma once

#include <petscsys.h>
#include "compat.h"
#include "maps.h"

#define GNN_LANES 8 /* what GNNPad() pads to */

/* y = x Wt + b for rows x (in), y (out) */
typedef struct {
  PetscInt in, out, ldi, ldo; /* sizes and padded sizes */
  GNNReal *Wt;                /* (in, ldo) */
  GNNReal *W;                 /* (out, ldi), for the backward product dx = dy W */
  GNNReal *b;                 /* (ldo) */
  GNNReal *r;                 /* (ldo) row sums of W, with LayerNorm only */
} GNNLinear;

/* A map. Over [x_i, x_j, e_ij] the first linear is kept in three parts, so that the node parts are applied once per node;
   LayerNorm's affine part is folded in: W (gamma v + beta) = (W diag gamma) v + W beta */
typedef struct {
  GNNMap    map;
  PetscInt  nbody;   /* hidden layers after the first */
  GNNLinear lift[3]; /* b and r belong to the whole: lift[0].b, lift[0].r */
  GNNLinear body[GNN_MAX_HIDDEN];
  GNNLinear proj;
} GNNFF;

typedef struct _n_GNNNet *GNNNet;
struct _n_GNNNet {
  GNNShape shape;
  PetscInt dp; /* padded width */
  PetscInt nff, nparams;
  GNNFF   *ff; /* in the order of the list, maps.h */
  GNNReal  c[2];
  GNNReal *data; /* all arrays above */
  size_t   size;
};

static inline GNNFF *GNNNetMap(GNNNet net, GNNMapKind kind, PetscInt layer)
{
  return net->ff + GNNMapNumber(net->shape.layers, kind, (int)layer);
}

static inline GNNFF *GNNNetNodeEnc(GNNNet net)
{
  return GNNNetMap(net, GNN_MAP_NODE_ENC, 0);
}

static inline GNNFF *GNNNetEdgeEnc(GNNNet net)
{
  return GNNNetMap(net, GNN_MAP_EDGE_ENC, 0);
}

static inline GNNFF *GNNNetMsg(GNNNet net, PetscInt layer)
{
  return GNNNetMap(net, GNN_MAP_MSG, layer);
}

static inline GNNFF *GNNNetNode(GNNNet net, PetscInt layer)
{
  return GNNNetMap(net, GNN_MAP_NODE, layer);
}

static inline GNNFF *GNNNetEdge(GNNNet net, PetscInt layer)
{
  return GNNNetMap(net, GNN_MAP_EDGE, layer);
}

static inline GNNFF *GNNNetDec(GNNNet net)
{
  return GNNNetMap(net, GNN_MAP_DEC, 0);
}

PETSC_INTERN PetscErrorCode GNNNetCreate(const GNNShape *, GNNNet *); /* zeros: for the parameters, or for their gradient */
PETSC_INTERN PetscErrorCode GNNNetDestroy(GNNNet *);
PETSC_INTERN PetscErrorCode GNNNetPack(GNNNet net, const GNNReal theta[]);
PETSC_INTERN PetscErrorCode GNNNetUnpackGradient(GNNNet dnet, const GNNReal theta[], PetscScalar dtheta[]); /* dtheta (nparams) is overwritten */
