/*
   The device's operations: plain C launchers over device pointers, no PETSc inside. They are queued on the given stream and return
   0 or the error code of the GPU's runtime, of which GNNKernelErrorString() tells the meaning.

   Sums run in a fixed order, so that every run gives the same bits. Rows of any length; offsets are 32-bit.
*/
#pragma once

#include "../gnn/cgsteps.h"
#include "../gnn/features.h"
#include "../gnn/maps.h"
#include "../gnn/start.h"
#include "../gnn/storage.h"
#include "../gnn/steps.h"

#if defined(__cplusplus)
extern "C" {
#endif

typedef void *GNNStream; /* PETSc's, of the GPU's language */

/* ---- device and memory ---- */

int         GNNKernelDevices(void); /* how many there are */
int         GNNKernelMalloc(void **, size_t);
int         GNNKernelFree(void *);
int         GNNKernelMallocHost(void **, size_t); /* page-locked, for the read-back */
int         GNNKernelFreeHost(void *);
int         GNNKernelToDevice(void *to, const void *from, size_t bytes, GNNStream);
int         GNNKernelToHost(void *to, const void *from, size_t bytes, GNNStream); /* returns when the host has it */
const char *GNNKernelErrorString(int);

/* ---- the graph of a matrix; arrays on the device, as GNNGraph has them on the host ---- */

/* 128 bytes: a kernel's parameter that is larger costs the network registers */
typedef struct {
  int            b, n, nz, nodes;    /* block size; rows and stored numbers of the matrix; block rows */
  const int     *i, *j, *rev, *diag; /* CSR of the matrix; places of (j, i) and (i, i) */
  const int     *bi, *bj, *brow;     /* CSR of its blocks, that of the matrix where b = 1, and the node of each slot; slots = nz/b^2 */
  double        *s;                  /* (nodes, b, b) scaling S, upper triangular, 0 in rows and columns of decoupled unknowns */
  double        *inverse;            /* (nodes, b, b) of the diagonal blocks */
  double        *at;                 /* (nz) S^T A S, 0 in slots that are not kept */
  unsigned char *keep;               /* (slots) */
  float         *degree;             /* (nodes) kept blocks of the node */
  float         *features;           /* (n, GNN_NODE_USER) the matrix's features of each row, all but the user's; NULL where no network reads them */
} GNNKernelGraph;

/* What a set-up reports, read back once */
enum {
  GNN_KERNEL_NOT_FINITE   = 1, /* the matrix holds a NaN or an infinity */
  GNN_KERNEL_NOT_POSITIVE = 2, /* a diagonal block is not positive definite */
  GNN_KERNEL_ONE_SIDED    = 4, /* with blocks: of some a_ij, a_ji one is zero, or not stored, and the other is not; nothing is wrong with that */
  GNN_KERNEL_JUMPS        = 8  /* of two unknowns that couple one has a diagonal entry of more than GNN_HALF_SPREAD times the other's; likewise */
};
#define GNN_KERNEL_WRONG (GNN_KERNEL_NOT_FINITE | GNN_KERNEL_NOT_POSITIVE)
typedef struct {
  int                arrived;        /* blocks of a sum; 0 again when all have */
  int                flags, row;     /* row: the least at fault, of a block its first */
  int                replaced;       /* entries of G that were not finite */
  int                decoupled;      /* rows */
  int                failed;         /* rows of the classical factor that are Jacobi's */
  int                late;           /* rows of it that were left to the second pass */
  int                changed;        /* rows that have no columns to keep, or are decoupled now */
  int                asymmetry;      /* minus the bits, as a float, of the largest |a_ij - a_ji| / (a_ii a_jj)^1/2; GNNKernelAsymmetry() */
  unsigned long long entries, flops; /* of it: in its rows, or in those of a filtered factor, and to make them */
  double             norm;           /* mean |a| */
  double             loss;           /* of the probe */
} GNNKernelStatus;

static inline double GNNKernelAsymmetry(const GNNKernelStatus *status)
{
  union
  {
    int   bits;
    float value;
  } x = {-status->asymmetry};

  return x.value;
}

#define GNN_KERNEL_PARTIALS 1024 /* partial sums of a reduction */

/* Most stored numbers of a matrix, so that an offset behind the last one by the threads of a launch that takes them in turn is still 32-bit, and
   most rows, of each of which eight lanes are numbered by 32 bits */
#define GNN_KERNEL_MOST_ENTRIES (0x7FFFFFFF - GNN_KERNEL_PARTIALS * 256)
#define GNN_KERNEL_MOST_ROWS    (1 << 28)

int GNNKernelPattern(GNNKernelGraph, GNNStream); /* rev, diag and brow from the CSRs, whose columns ascend */
int GNNKernelStatusClear(GNNKernelStatus *, GNNStream);
int GNNKernelScale(GNNKernelGraph, const double *a, int mean, double *partials, GNNKernelStatus *, GNNStream); /* a: values of A; by the mean, or by the diagonal blocks */

/* ---- the network ---- */

/* The features of edges or nodes, one after the other in rows of size numbers */
typedef struct {
  int count, size;
  int kind[GNN_MAX_FEATURES], first[GNN_MAX_FEATURES]; /* GNNEdgeFeature or GNNNodeFeature; number of the first */
} GNNKernelFeatures;

typedef struct {
  int               width, layers, hidden, norm; /* padded: 8, 16, 24 or 32; hidden layers of each map; norm: 0, or the width that LayerNorm divides by */
  int               tf32;                        /* products on the tensor cores, weights in GNN_PACK_BLOCKS, else GNN_PACK_COLUMNS */
  int               mean;                        /* aggregation */
  float             aggregation_scale;
  GNNKernelFeatures edge, node;
  int               user_size;
} GNNKernelConfig;

/* b: block size */
GNN_FN GNNShape GNNKernelShape(const GNNKernelConfig *c, int b)
{
  const GNNShape s = {c->width, c->layers, c->hidden, c->node.size, c->edge.size, b * b, c->norm, 0};

  return s;
}

#define GNN_KERNEL_WARPS             4                                     /* of a block */
#define GNN_KERNEL_LAYER_WORK(width) (2 * GNN_KERNEL_WARPS * 16 * (width)) /* numbers that a layer's kernel works in */

int GNNKernelFits(const GNNKernelConfig *, int b); /* do the weights of each stage fit into the device's shared memory? */

/* An array beside each map's GELUs, rows of width numbers */
typedef struct {
  float *node_enc, *edge_enc, *edge_dec; /* (hidden, n or nz) */
  float *node, *msg, *edge;              /* (layers, hidden, n or nz) */
} GNNKernelHidden;

/* What training keeps of a forward pass. Each layer of an array has room for n nodes or nz edges */
typedef struct {
  size_t          n, nz;
  float          *node, *edge; /* (n, padded size), (nz, padded size): features */
  float          *sum, *agg;   /* (layers, n, width) kappa_i times the sum of the messages' last hidden rows; the aggregated messages */
  GNNKernelHidden pre;         /* what each GELU reads */
  const float    *c;           /* (2) c0, c1, instead of the start's */
} GNNKernelTape;

/* What one warp takes of a layer: nodes first to last - 1 and their slots, begin to end - 1; where last is first, a part of the slots of node first */
typedef struct {
  int first, last, begin, end;
} GNNKernelTile;

typedef struct {
  GNNKernelConfig      config;
  int                  ntiles, nhubs; /* no hubs with a tape */
  const GNNKernelTile *tile;          /* (ntiles) of at most GNN_KERNEL_ROWS nodes; first the parts of long rows, in order */
  const int           *hub;           /* (nhubs + 1) the first part of each long row, behind the last */
  float               *partsum;       /* (hub[nhubs], width) sums of the messages' last hidden rows over each part */
  const float         *user;          /* (nodes, user_size) or NULL */
  const float         *encode;        /* packed weights of the stages, maps.h */
  const float         *layer[GNN_MAX_LAYERS];
  const float         *decode;
  float               *x;          /* (nodes, width); with a tape (layers + 1, nodes, width) */
  float               *e;          /* (slots, width); with a tape (layers + 1, slots, width) */
  float               *part_i;     /* (nodes, 2 width) node parts of two first linears, as receiver */
  float               *part_j[2];  /* as sender: read and written in turn */
  float               *moments[2]; /* (nodes, 2) sum and sum of squares of x, with norm only; with a tape (layers + 1, nodes, 2) the first */
  GNNKernelTape        tape;       /* for GNNKernelTapeForward() */
} GNNKernelNet;

#define GNN_KERNEL_ROWS 16
#define GNN_KERNEL_HUB  512 /* slots; a row of more is cut into parts of so many, for as many warps */

/* From at to the network's output, written as G^T: GNNFactorEntry() in slots that are kept and in the pattern, else 0 */
int GNNKernelForward(GNNKernelGraph, GNNKernelNet, GNNStart, double *gt, GNNKernelStatus *, GNNStream); /* gt (nz) */

/* ---- the factor ---- */

typedef struct {
  int          n, nz, ntiles;
  int          share;        /* entries that the rows of a tile begin in */
  const int   *i, *j, *slot; /* CSR; slot of G^T each value comes from, or NULL */
  const int   *tile;         /* (ntiles + 1) first rows of tiles, which have at most GNN_KERNEL_CHUNK entries before their last row */
  GNNPrecision precision;    /* of v */
  void        *v;            /* (nz) float or double, or where that is GNN_HALF GNNWord(), with these: */
  int         *base;         /* (ntiles) what the columns' offsets count from, or GNN_KERNEL_WIDE, whose columns are j's; else NULL */
  double      *scale;        /* (n) of the rows of G^T; NULL for G and else */
} GNNKernelMat;

#define GNN_KERNEL_CHUNK 1024
#define GNN_KERNEL_WIDE  -1

/* Each tile has the rows that begin in its share of the entries, which is such that rows of a common length, or of the longest where that is
   known, still fit into a chunk with it */
static inline void GNNKernelSetTiles(GNNKernelMat *m, int longest)
{
  m->share  = m->nz < 300000 ? GNN_KERNEL_CHUNK / 2 : GNN_KERNEL_CHUNK - (longest < 128 ? longest : 128);
  m->ntiles = m->n == 0 ? 0 : m->nz == 0 ? 1 : (m->nz + m->share - 1) / m->share;
}

int GNNKernelTiles(GNNKernelMat, GNNStream); /* tile, from i, for what GNNKernelSetTiles() has set, and in 16 bits the offsets, from j */

#define GNN_KERNEL_SCAN  1024 /* numbers that a block sums up */
#define GNNKernelSums(n) ((n) / GNN_KERNEL_SCAN + 1)

/* A matrix with the slots of A that have a partner, of its lower triangle or all, and stay by the filter, if there is one: first the places among its
   entries, the number of those last, from which follow nz, the tiles and the arrays, then all of these but the values. nz may be too large */
int GNNKernelRowFilters(GNNKernelGraph, const double *gt, double tau, double *filter, GNNStream);                                         /* filter (n) of rows of G^T, whose slots are gt */
int GNNKernelPlaces(GNNKernelGraph, int lower, int transposed, const double *gt, const double *filter, int *place, int *sums, GNNStream); /* of G, not G^T, if transposed; filter NULL: all stay, and gt is not read; place (nz + 1), sums (GNNKernelSums(nz)) */
int GNNKernelEntries(GNNKernelGraph, const int *place, GNNKernelStatus *, GNNStream);                                                     /* their number into the status */
int GNNKernelPlaced(GNNKernelGraph, int transposed, const int *place, GNNKernelMat, GNNStream);
int GNNKernelFill(GNNKernelMat gt, GNNKernelMat gm, const double *slots, int apart, GNNKernelGraph, GNNStream);               /* their v: G^T S^T and S G, from the values of G^T by slots; apart: G^T and G */
int GNNKernelShift(GNNKernelGraph, double epsilon, double *shift, GNNStream);                                                 /* shift (nodes, b, b) = eps S S^T, the inverse of the diagonal block at decoupled unknowns */

/* So many vectors that are multiplied at once, and by how much each x, r, y (or z) is behind the one before */
typedef struct {
  int       count;
  long long x, r, y;
} GNNKernelSide;

int GNNKernelMultiply(GNNKernelMat, GNNKernelSide, const double *x, double *y, GNNStream);                                                   /* y = M x */
int GNNKernelMultiplyAdd(GNNKernelMat, GNNKernelSide, const double *x, double *y, GNNStream);                                                /* y += M x */
int GNNKernelScaleBefore(GNNKernelGraph, GNNKernelSide, const double *r, double *x, GNNStream);                                              /* x = S^T r */
int GNNKernelScaleAfter(GNNKernelGraph, GNNKernelSide, const double *shift, const double *r, double *z, GNNStream);                          /* z = S z + shift r */
int GNNKernelMultiplyShift(GNNKernelMat, GNNKernelSide, const double *u, int b, const double *shift, const double *r, double *z, GNNStream); /* z = M u + shift r */

/* ---- the classical factor: the rows of G^T = L, each for itself; gnn/fsairow.h ---- */

typedef struct {
  double  threshold;     /* 0: on the lower triangle */
  int     kept;          /* rows keep the columns that they have: j, start, count */
  int     apart;         /* are they stored without S, as they always are with blocks? */
  int     lanes;         /* that share a row in the first pass: 8, 16 or 32 */
  int     longest;       /* most columns before it that a row of A has */
  double *unit, *as;     /* (n), (nz) As = diag(unit) At diag(unit), with a unit diagonal; unit is 0 at decoupled nodes */
  int    *late;          /* (n) rows left to the second pass */
  double *slots;         /* (nz) the rows by slots of A, where those of its lower triangle are the pattern; else NULL, and they go into */
  int     room;          /* entries that there is room for */
  int    *j;             /* (room) their columns */
  double *v;             /* (room) values of G^T */
  int    *start, *count; /* (n) where a row begins, columns ascending, and its entries; 0 at decoupled nodes */
  int    *row, *from;    /* (room) row of an entry of G^T; which one an entry of G is */
  int    *columns;       /* (n) entries of the columns of G^T */
  int    *sums;          /* (GNNKernelSums(n)) */
} GNNKernelFsai;

int GNNKernelFsaiScale(GNNKernelGraph, GNNKernelFsai, GNNStream);                                   /* unit, as; after GNNKernelScale() */
int GNNKernelFsaiRows(GNNKernelGraph, GNNKernelFsai, GNNKernelStatus *, GNNStream);                 /* slots, or j, v, start, count; entries beyond the room are counted only */
int GNNKernelFsaiStore(GNNKernelGraph, GNNKernelFsai, GNNKernelMat gt, GNNKernelMat gm, GNNStream); /* from j, v, start, count to G^T S and S G, with blocks to G^T and G, whose nz and ntiles are set: their arrays */

/* ---- the guard ---- */

#define GNN_KERNEL_PROBES 4 /* side by side, (n, K) */

/* Its probe on a refresh: loss ||At (G G^T + eps I) w - w||^2 for one vector w of signs */
int GNNKernelProbe(GNNKernelGraph, double *w, double *r, GNNStream);                                               /* w, 0 at decoupled unknowns, and r = S^-T w */
int GNNKernelResidual(GNNKernelGraph, double *z, const double *w, double *partials, GNNKernelStatus *, GNNStream); /* z = M^-1 r, becomes S^-1 z; loss in status */

/* The operations of its first choice; m and start by slots (nz) */
int GNNKernelSigns(GNNKernelGraph, int K, double *W, GNNStream);                                                                                                          /* K probes */
int GNNKernelStartSlots(GNNKernelGraph, GNNStart, int jacobi, double *start, GNNStream);                                                                                  /* G^T where the network has no share: the start, damped, or GNNJacobiEntry() */
int GNNKernelStrengths(GNNKernelGraph, double *m, GNNStream);                                                                                                             /* GNNStrength() of At off the diagonal */
int GNNKernelJacobi(GNNKernelGraph, const double *r, double *z, GNNStream);                                                                                               /* z = D^-1 r, D the diagonal of At */
int GNNKernelUnscale(GNNKernelGraph, int transposed, const double *r, double *z, GNNStream);                                                                              /* z = S^-1 r, or S^-T r; r may be z */
int GNNKernelMultiplySlots(GNNKernelGraph, int longest, double a, double b, const double *m, int K, const double *x, double beta, const double *v, double *y, GNNStream); /* y = (a m + b m^T) x + beta v, K = 1 or GNN_KERNEL_PROBES; longest row; v may be y */
int GNNKernelAXPBY(long long n, double a, const double *x, double b, const double *v, double *y, GNNStream);                                                              /* y = a x + b v; v may be y */
int GNNKernelDot(long long n, const double *x, const double *y, double *partials, GNNKernelStatus *, double *dot, GNNStream);                                             /* dot on the device */
int GNNKernelStep(GNNStepsStage, long long n, const double *x, const double *y, double *partials, GNNKernelStatus *, GNNSteps *, GNNStream);                              /* the same into the steps, as that stage */
int GNNKernelUpdate(long long n, const double *c, const double *x, double *y, GNNStream);                                                                                 /* y = c0 x + c1 y, c on the device */

/* ---- the coarse space ---- */

/* The rows of a matrix, D^-1/2 of it, and what its aggregates were made from, gnn/coupling.h */
typedef struct {
  int           n;
  const int    *i, *j;
  const double *a, *scale;        /* scale (n) */
  const double *coupled, *before; /* (n) which rows were coupled, 1 or 0, and their traces; NULL where there are no aggregates */
  double       *sum, *trace;      /* (n) of these values */
} GNNKernelCouplings;

int GNNKernelCouple(GNNKernelCouplings, double *partials, double *total, GNNStream);                                                       /* partials (3 GNN_KERNEL_PARTIALS), total (3) of GNNCouplingCompare() */
int GNNKernelDense(int n, const int *i, const int *j, const double *a, const double *shift, const double *unit, double *dense, GNNStream); /* diag(unit) (A + diag(shift)) diag(unit), shift and unit (n), dense by columns, zero before */
int GNNKernelProlong(int nz, const int *j, const double *a, const double *unit, const int *to, float *p, float *pt, GNNStream); /* p = P diag(unit) from P's columns and values, and the same numbers where they go in its transpose, all (nz) */
int GNNKernelTrace(int n, const double *dense, double *trace, GNNStream);                                                       /* trace on the device */
int GNNKernelSymmetric(int n, const double *dense, const double *w, GNNPrecision, void *W, GNNStream);                          /* W = (dense + dense^T)/2 - w w^T, symmetric as rounded to double or float */
int GNNKernelMultiplySymmetric(int n, const void *W, GNNPrecision, const double *w, GNNKernelSide, const double *x, double *y, GNNStream); /* y = (W + w w^T) x */

/* ---- steps of CG, gnn/cgsteps.h ---- */

/* On the device: read back as a whole */
typedef struct {
  GNNCG  cg;
  double norm[GNN_CG_NORMS];
  int    arrived; /* blocks of a sum; 0 again when all have */
} GNNKernelSteps;

typedef struct {
  GNNKernelMat    A;             /* with values in double precision */
  const double   *diagonal;      /* M^-1, where that is a diagonal, or NULL */
  double         *x, *r, *p, *z; /* (n) solution, residual, direction; M^-1 r, and A p between them */
  double         *partials;      /* (GNN_KERNEL_CG_PARTIALS(A)) */
  GNNKernelSteps *steps;
} GNNKernelCG;

#define GNN_KERNEL_CG_PARTIALS(A) ((A).ntiles + 2 * GNN_KERNEL_PARTIALS)

/* A step: these one after the other, and the preconditioner before the last one, which is not there where M^-1 is a diagonal */
int GNNKernelCGDirection(GNNKernelCG, GNNStream); /* p = z + b p */
int GNNKernelCGProduct(GNNKernelCG, GNNStream);   /* z = A p, p^T A p */
int GNNKernelCGUpdate(GNNKernelCG, GNNStream);    /* x, r; with a diagonal z, and the end of the step */
int GNNKernelCGFinish(GNNKernelCG, GNNStream);    /* the end of the step */

/* Launches on a stream of its own that are kept instead of done, and are then done by one launch. CaptureEnd makes *graph, or renews it; it fails where something was
   called that cannot be kept */
int GNNKernelStreamCreate(GNNStream *);
int GNNKernelStreamDestroy(GNNStream);
int GNNKernelCaptureBegin(GNNStream);
int GNNKernelCaptureEnd(GNNStream, void **graph);
int GNNKernelGraphLaunch(void *graph, GNNStream);
int GNNKernelGraphDestroy(void *graph);

#if defined(__cplusplus)
}
#endif
