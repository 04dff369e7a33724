/*
   The graph of a matrix: node i = block row i, slot p = stored b x b block (i, j) in CSR order, diagonal included. All stored blocks are
   full, so that entry (r, c) of a slot has its place in the CSR of the matrix by arithmetic, GNNGraphSlotStart(), and the two patterns
   are one where b = 1.
*/
#pragma once

#include "halo.h"
#include "model.h"

/* Why a matrix cannot be used; GNNGraphExplain() says it in words */
typedef enum {
  GNN_GRAPH_OK,
  GNN_GRAPH_NOT_FINITE,         /* it holds a NaN or an infinity */
  GNN_GRAPH_NO_DIAGONAL,        /* a diagonal entry is not stored */
  GNN_GRAPH_NOT_POSITIVE,       /* a diagonal entry is not positive; 0 is, in a decoupled row */
  GNN_GRAPH_BLOCK_NOT_POSITIVE, /* a diagonal block is not positive definite */
  GNN_GRAPH_UNSORTED,           /* columns of a row are not ascending: no matter of numbers, but a wrong call */
  GNN_GRAPH_ELSEWHERE           /* one of these on another rank, whose graph this one reaches into */
} GNNGraphStatus;

typedef struct _n_GNNGraph *GNNGraph;
struct _n_GNNGraph {
  /* of the pattern, owned; GNNGraphCreate() */
  PetscInt       b;                                     /* block size */
  PetscInt       n, nz;                                 /* rows and stored numbers of the matrix */
  PetscInt      *i, *j;                                 /* its CSR, columns ascending */
  PetscInt      *rev;                                   /* (nz) place of (j, i), -1 where it is not stored; NULL before the first values, since the device finds its own */
  PetscInt      *diag;                                  /* (n) place of (i, i) */
  PetscInt       nodes, slots, *bi, *bj, *brev, *bdiag; /* the same of the blocks: n/b, nz/b^2 and so on; the arrays above where b = 1 */
  GNNHalo        halo;                                  /* which nodes are other ranks', borrowed, or NULL; */
  PetscInt       first, last, offset;                   /* the own ones, whose rows of G^T are made: 0 to nodes; from a row here to its number over all ranks, or 0 */
  GNNGraphStatus pattern;                               /* what is wrong with the pattern, if anything: GNNGraphSetValues() reports it */
  PetscInt       row;                                   /* the first row at fault, of the pattern or of the last values, */
  PetscReal      value;                                 /* and its diagonal entry, if that is what is wrong */
  /* of the values, owned; GNNGraphSetValues() */
  PetscReal    norm;      /* ||A|| = mean |a| over the stored numbers */
  GNNScaling   scaling;   /* that at has */
  PetscScalar *s;         /* (nodes, b, b) scaling S, upper triangular; M^-1 = S (G G^T + eps I) S^T */
  PetscScalar *at;        /* (nz) scaled matrix S^T A S, 0 in slots that are not kept */
  PetscScalar *inverse;   /* (nodes, b, b) of the diagonal blocks */
  PetscBool   *decoupled; /* (n) the pairs a_ij, a_ji off the diagonal are 0, or next to it (GNNBlockCoupling()), or the node is isolated */
  PetscBool   *isolated;  /* (nodes) the same for blocks off the diagonal; decoupled where b = 1 */
  GNNReal     *keep;      /* (nz) 1 if both ends are coupled, (j, i) is stored and, b = 1, not one of a_ij, a_ji alone is 0; 0 if the block is not kept */
  GNNReal     *bkeep;     /* (slots) the same of the blocks: neither end is isolated, and not all pairs of nonzeros are one-sided; keep where b = 1 */
  GNNReal     *degree;    /* (nodes) kept slots of the node, diagonal included */
  PetscInt     ncoupled;  /* own rows that are not decoupled */
  PetscReal    asymmetry; /* largest |a_ij - a_ji| / (a_ii a_jj)^1/2, what is not stored being 0 */
  /* given by the user, owned; GNNGraphSetUserFeatures() */
  PetscInt     user_size;
  PetscScalar *user; /* (nodes, user_size) */
};

PETSC_INTERN PetscErrorCode GNNGraphBlocksFull(PetscInt b, PetscInt n, const PetscInt ia[], const PetscInt ja[], PetscBool *); /* b, n, row offsets, columns: are all b x b blocks full? */
PETSC_INTERN PetscErrorCode GNNGraphCreate(PetscInt b, PetscInt n, const PetscInt ia[], const PetscInt ja[], GNNGraph *);      /* the same: copied */
PETSC_INTERN PetscErrorCode GNNGraphSetValues(GNNGraph, GNNScaling, const PetscScalar[], GNNGraphStatus *);                    /* where the status is not OK, the graph has no values */
PETSC_INTERN PetscErrorCode GNNGraphExplain(GNNGraph, GNNGraphStatus, PetscInt, char[], size_t);                               /* the status in words; row over all ranks */
PETSC_INTERN PetscErrorCode GNNGraphSetHalo(GNNGraph, GNNHalo);                                                                /* before the first values */
PETSC_INTERN PetscErrorCode GNNGraphSetUserFeatures(GNNGraph, PetscInt, const PetscScalar[]);                                  /* of the own nodes */
PETSC_INTERN PetscErrorCode GNNGraphGetFeatures(GNNGraph, const GNNConfig *, GNNReal node[], GNNReal edge[]); /* node (nodes, node size), edge (slots, edge size), or NULL */
PETSC_INTERN void           GNNGraphSlotFeatures(GNNGraph, const GNNConfig *, PetscInt start, PetscInt count, const PetscInt row[], PetscInt stride, GNNReal x[]); /* of consecutive slots in rows row[]; a slot's number k goes to x[k stride + its place] */
PETSC_INTERN PetscErrorCode GNNGraphDestroy(GNNGraph *);

/* The own rows, and the stored numbers in them */
static inline PetscInt GNNGraphRows(GNNGraph g)
{
  return (g->last - g->first) * g->b;
}

static inline PetscInt GNNGraphEntries(GNNGraph g)
{
  return g->i[g->last * g->b] - g->i[g->first * g->b];
}

static inline PetscBool GNNGraphIsOwn(GNNGraph g, PetscInt node)
{
  return node >= g->first && node < g->last ? PETSC_TRUE : PETSC_FALSE;
}

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
