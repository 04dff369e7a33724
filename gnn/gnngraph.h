/*
   The graph of a matrix: node i = block row i, slot p = stored b x b block (i, j) in CSR order, diagonal included. All stored blocks are
   full, so that entry (r, c) of a slot has its place in the CSR of the matrix by arithmetic, GNNGraphSlotStart(), and the two patterns
   are one where b = 1.
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
  PetscInt  b;     /* block size */
  PetscInt  n, nz; /* rows and stored numbers of the matrix */
  PetscInt *i, *j; /* its CSR, columns ascending */
  PetscInt *rev;   /* (nz) place of (j, i), -1 where it is not stored */
  PetscInt *diag;  /* (n) place of (i, i) */
  PetscInt  nodes, slots, *bi, *bj, *brev, *bdiag; /* the same of the blocks: n/b, nz/b^2 and so on; the arrays above where b = 1 */
  /* of the values, owned; GNNGraphSetValues() */
  PetscReal    norm;      /* ||A|| = mean |a| over the stored numbers */
  GNNScaling   scaling;   /* that at has */
  PetscScalar *s;         /* (nodes, b, b) scaling S, upper triangular; M^-1 = S (G G^T + eps I) S^T */
  PetscScalar *at;        /* (nz) scaled matrix S^T A S, 0 in slots that are not kept */
  PetscScalar *inverse;   /* (nodes, b, b) of the diagonal blocks */
  PetscBool   *decoupled; /* (n) no (i, j) off the diagonal has a_ij and a_ji nonzero, or the node is isolated */
  PetscBool   *isolated;  /* (nodes) the same for blocks off the diagonal; decoupled where b = 1 */
  GNNReal     *keep;      /* (nz) 1 if both ends are coupled and (j, i) is stored, else 0 */
  GNNReal     *bkeep;     /* (slots) the same of the blocks: neither end is isolated; keep where b = 1 */
  GNNReal     *degree;    /* (nodes) kept slots of the node, diagonal included */
  PetscInt     ncoupled;  /* rows that are not decoupled */
  /* given by the user, owned; GNNGraphSetUserFeatures() */
  PetscInt     user_size;
  PetscScalar *user; /* (nodes, user_size) */
};

PETSC_INTERN PetscErrorCode GNNGraphBlocksFull(PetscInt, PetscInt, const PetscInt[], const PetscInt[], PetscBool *);       /* b, n, row offsets, columns: are all b x b blocks full? */
PETSC_INTERN PetscErrorCode GNNGraphCreate(PetscInt, PetscInt, const PetscInt[], const PetscInt[], GNNGraph *); /* the same: copied */
PETSC_INTERN PetscErrorCode GNNGraphSetValues(GNNGraph, GNNScaling, const PetscScalar[], GNNGraphStatus *);
PETSC_INTERN PetscErrorCode GNNGraphSetUserFeatures(GNNGraph, PetscInt, const PetscScalar[]);
PETSC_INTERN PetscErrorCode GNNGraphGetFeatures(GNNGraph, const GNNConfig *, GNNReal[], GNNReal[]); /* node (nodes, node size), edge (slots, edge size) */
PETSC_INTERN PetscErrorCode GNNGraphDestroy(GNNGraph *);

/* GNNBlockStart() and GNNBlockStride() of slot p of node i */
static inline PetscInt GNNGraphSlotStart(GNNGraph g, PetscInt i, PetscInt p)
{
  return GNNBlockStart((int)g->b, g->bi[i], p);
}

static inline PetscInt GNNGraphSlotStride(GNNGraph g, PetscInt i)
{
  return GNNBlockStride((int)g->b, g->bi[i], g->bi[i + 1]);
}

/* Which number of the network's output stands at place p, in row i, of G^T: slot (i, j) holds the block G_ji row-major */
static inline PetscInt GNNGraphOutput(GNNGraph g, PetscInt i, PetscInt p)
{
  const PetscInt b = g->b, k = p - g->i[i];

  return b == 1 ? p : ((g->bi[i / b] + k / b) * b + k % b) * b + i % b;
}
