/*
   The graph of a matrix: node i = row i, slot p = stored nonzero (i, j) in CSR order, diagonal included.
*/
#pragma once

#include "gnn.h"

typedef enum {
  GNN_GRAPH_OK,
  GNN_GRAPH_NOT_FINITE /* the matrix holds a NaN or an infinity */
} GNNGraphStatus;

typedef struct _n_GNNGraph *GNNGraph;
struct _n_GNNGraph {
  /* of the pattern, owned; GNNGraphCreate() */
  PetscInt  n, nz;
  PetscInt *i, *j; /* CSR, columns ascending */
  PetscInt *rev;   /* (nz) slot of (j, i), -1 where it is not stored */
  PetscInt *diag;  /* (n) slot of (i, i) */
  /* of the values, owned; GNNGraphSetValues() */
  PetscReal    norm;      /* ||A|| = mean |a| over the stored numbers */
  PetscScalar *s;         /* (n) scaling S; M^-1 = S (G G^T + eps I) S */
  PetscScalar *at;        /* (nz) scaled matrix S A S, 0 in slots that are not kept */
  PetscScalar *inverse;   /* (n) 1/a_ii */
  PetscBool   *decoupled; /* (n) no (i, j) off the diagonal has a_ij and a_ji nonzero */
  GNNReal     *keep;      /* (nz) 1 if both ends are coupled and (j, i) is stored, else 0 */
  GNNReal     *degree;    /* (n) kept slots of the row, diagonal included */
  PetscInt     ncoupled;
  /* given by the user, owned; GNNGraphSetUserFeatures() */
  PetscInt     user_size;
  PetscScalar *user; /* (n, user_size) */
};

PETSC_INTERN PetscErrorCode GNNGraphCreate(PetscInt, const PetscInt[], const PetscInt[], GNNGraph *); /* n, row offsets, columns: copied */
PETSC_INTERN PetscErrorCode GNNGraphSetValues(GNNGraph, GNNScaling, const PetscScalar[], GNNGraphStatus *);
PETSC_INTERN PetscErrorCode GNNGraphSetUserFeatures(GNNGraph, PetscInt, const PetscScalar[]);
PETSC_INTERN PetscErrorCode GNNGraphGetFeatures(GNNGraph, const GNNConfig *, GNNReal[], GNNReal[]); /* node (n, node size), edge (nz, edge size) */
PETSC_INTERN PetscErrorCode GNNGraphDestroy(GNNGraph *);
