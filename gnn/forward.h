/*
   The network on the host for training: forward and backward. Without a gradient it is inference.h that runs.
*/
#pragma once

#include "graph.h"
#include "gemm.h"

/* Activations, all of which the backward pass reads */
typedef struct _n_GNNActs *GNNActs;
struct _n_GNNActs {
  PetscInt n, nz, dp, layers, hidden;
  GNNReal *node, *edge;             /* features (n, node size), (nz, edge size) */
  GNNReal *x[GNN_MAX_LAYERS + 1];   /* (n, dp) node states before layer t; [layers] after the last */
  GNNReal *e[GNN_MAX_LAYERS + 1];   /* (nz, dp) edge states */
  GNNReal *sum[GNN_MAX_LAYERS];     /* (n, dp) kappa_i times the sum of the messages' last hidden rows, before msg_mlp's proj */
  GNNReal *agg[GNN_MAX_LAYERS];     /* (n, dp) aggregated messages */
  GNNReal *pre_msg[GNN_MAX_LAYERS]; /* (hidden, nz, dp) what each GELU reads */
  GNNReal *pre_edge[GNN_MAX_LAYERS];
  GNNReal *pre_node[GNN_MAX_LAYERS]; /* (hidden, n, dp) */
  GNNReal *pre_nenc, *pre_eenc;      /* (hidden, n | nz, dp) */
  GNNReal *pre_dec;                  /* (hidden, nz, dp) */
  GNNReal *proj_i, *proj_j;          /* (n, 2 dp) node parts of two first linears: as receiver, as sender */
  GNNReal *moment, *momentsq;        /* (n) sum and sum of squares of x, for LayerNorm */
  /* adjoints; each beside its forward array */
  GNNReal *dx, *de, *dsum, *dagg, *dproj_i, *dproj_j, *dmoment, *dmomentsq;
  GNNReal *memory; /* one block, owned */
  size_t   capacity;
};

PETSC_INTERN PetscErrorCode GNNActsCreate(GNNModel, GNNActs *);
PETSC_INTERN PetscErrorCode GNNActsSetSizes(GNNModel, PetscInt n, PetscInt nz, GNNActs); /* memory grows, never shrinks */
PETSC_INTERN PetscErrorCode GNNActsDestroy(GNNActs *);
PETSC_INTERN PetscErrorCode GNNForward(GNNModel, GNNGraph, GNNActs, GNNReal[]);                /* out (nz, b^2): 0 in slots that are not kept */
PETSC_INTERN PetscErrorCode GNNBackward(GNNModel, GNNGraph, GNNActs, const GNNReal[], GNNNet); /* dout (nz, b^2); dnet += gradient, after GNNForward() with the same activations */
/* G^T by slots (nz), start + alpha (network - start), from the network's output: 0 outside the pattern; what is not finite of the network becomes delta_ij and is counted */
PETSC_INTERN void           GNNSlots(GNNModel, GNNGraph, const GNNReal out[], PetscReal alpha, PetscReal damping, PetscScalar slots[], PetscInt *replaced);
PETSC_INTERN PetscLogDouble GNNForwardFlops(GNNModel, PetscInt n, PetscInt nz);

/* ---- shared by forward and backward ---- */

/* kappa_i of Agg_j m_ij = kappa_i sum_j m_ij */
static inline GNNReal GNNAggregationFactor(const GNNConfig *c, GNNReal degree)
{
  return GNNAggregationScale(c->aggregation == GNN_AGGREGATION_MEAN, (GNNReal)c->aggregation_scale, degree);
}

/* A tile of consecutive slots and the rows they belong to */
typedef struct {
  PetscInt        start, nt;
  PetscInt        row[GNN_TILE];
  const PetscInt *col;
} GNNTile;

/* The next tile of slots, starting in row *row; false at the end */
static inline PetscBool GNNTileNext(GNNGraph g, PetscInt *row, GNNTile *tile)
{
  tile->start += tile->nt;
  tile->nt  = PetscMin(GNN_TILE, g->slots - tile->start);
  tile->col = g->bj + tile->start;
  for (PetscInt t = 0; t < tile->nt; t++) {
    while (tile->start + t >= g->bi[*row + 1]) (*row)++;
    tile->row[t] = *row;
  }
  return tile->nt > 0 ? PETSC_TRUE : PETSC_FALSE;
}

/* y (nt, dp) = gelu(x) */
static inline void GNNRowsGelu(PetscInt nt, PetscInt dp, const GNNReal *x, GNNReal *y)
{
  for (PetscInt k = 0; k < nt * dp; k++) {
    GNNReal unused;

    y[k] = GNNGelu(x[k], &unused);
  }
}

static inline void GNNRowsGeluGradient(PetscInt nt, PetscInt dp, const GNNReal *x, GNNReal *y, GNNReal *g)
{
  for (PetscInt k = 0; k < nt * dp; k++) y[k] = GNNGelu(x[k], &g[k]);
}
