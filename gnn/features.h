/*
   What the network reads of a matrix, each formula once, for the host and (as inline device functions) for CUDA. A feature is an entry of
   its enum, a formula here, and its name in model.c.

   C99 and C++11 only; no PETSc, no allocation.
*/
#pragma once

#include "math.h"

#define GNN_MAX_FEATURES 8 /* of edges or nodes */

typedef enum {
  GNN_EDGE_VALUE,   /* b^2 numbers of At_ji, row-major */
  GNN_EDGE_DIAGONAL /* 1 if i = j else 0 */
} GNNEdgeFeature;

typedef enum {
  GNN_NODE_ROWABS, /* b numbers: 1/4 of the sum of |at| over a scalar row; bounded but where the scaling is by the mean */
  GNN_NODE_ROWSUM, /* b numbers: sum of at over a scalar row, bounded likewise */
  GNN_NODE_DEGREE, /* kept blocks of the row / 16, bounded in any scaling */
  GNN_NODE_MASK,   /* b numbers: 1 for a decoupled component */
  GNN_NODE_USER    /* user_size numbers given by the user; the last one: those before it are the matrix's */
} GNNNodeFeature;

/* Numbers of a feature: b the block size */
GNN_FN int GNNEdgeFeatureSize(GNNEdgeFeature feature, int b)
{
  return feature == GNN_EDGE_VALUE ? b * b : 1;
}

GNN_FN int GNNNodeFeatureSize(GNNNodeFeature feature, int b, int user_size)
{
  if (feature == GNN_NODE_USER) return user_size;
  return feature == GNN_NODE_DEGREE ? 1 : b;
}

/* ---- of an edge ---- */

/* A number of slot (i, j), by the entry of At_ji that belongs to it */
GNN_FN GNNReal GNNEdgeFeatureOf(GNNEdgeFeature feature, int diagonal, double at)
{
  return feature == GNN_EDGE_DIAGONAL ? (GNNReal)(diagonal ? 1 : 0) : (GNNReal)at;
}

/* ---- of a node ---- */

/* Over the entries of a scalar row of At: zeros at first. On the device several lanes share a row, and their sums are merged; only doubles stand here */
typedef struct {
  double sumabs, sum;
} GNNRowSums;

GNN_FN void GNNRowAdd(GNNRowSums *row, double at)
{
  row->sumabs += fabs(at);
  row->sum += at;
}

GNN_FN void GNNRowMerge(GNNRowSums *row, const GNNRowSums *other)
{
  row->sumabs += other->sumabs;
  row->sum += other->sum;
}

/* What the features of a scalar row are made of */
typedef struct {
  GNNRowSums sums;
  double     degree;  /* kept blocks of its node, diagonal included */
  int        coupled; /* is the unknown? */
  int        mean;    /* At is scaled by the mean, so that its rows may have any size */
} GNNRow;

/* A number in the range that models see in training (degree/16, and sums over a row of a matrix with a unit diagonal): a row coupled to all
   others would drive the states of all its neighbours out of it */
#define GNN_FEATURE_BOUND 8.0
GNN_FN double GNNBoundedFeature(double x)
{
  return x > GNN_FEATURE_BOUND ? GNN_FEATURE_BOUND : x < -GNN_FEATURE_BOUND ? -GNN_FEATURE_BOUND : x; /* a NaN stays one */
}

GNN_FN double GNNRowFeature(double x, const GNNRow *row)
{
  return row->mean ? x : GNNBoundedFeature(x);
}

/* The row's number of a feature of the matrix */
GNN_FN GNNReal GNNNodeFeatureOf(GNNNodeFeature feature, const GNNRow *row)
{
  switch (feature) {
  case GNN_NODE_ROWABS:
    return (GNNReal)GNNRowFeature(0.25 * row->sums.sumabs, row);
  case GNN_NODE_ROWSUM:
    return (GNNReal)GNNRowFeature(row->sums.sum, row);
  case GNN_NODE_DEGREE:
    return (GNNReal)GNNBoundedFeature(row->degree / 16.0);
  case GNN_NODE_MASK:
    return row->coupled ? 0 : 1;
  default:
    return 0;
  }
}
