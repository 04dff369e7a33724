/*
   The device's operations: plain C launchers over device pointers, no PETSc inside. They are queued on the given stream and return
   cudaSuccess (0) or CUDA's error code, of which GNNKernelErrorString() tells the meaning.

   Sums run in a fixed order, so that every run gives the same bits. Rows of any length; offsets are 32-bit.
*/
#pragma once

#if defined(__cplusplus)
extern "C" {
#endif

typedef void *GNNStream; /* cudaStream_t */

/* ---- device and memory ---- */

int         GNNKernelDevices(void); /* how many there are */
int         GNNKernelMalloc(void **, size_t);
int         GNNKernelFree(void *);
int         GNNKernelMallocHost(void **, size_t); /* page-locked, for the read-back */
int         GNNKernelFreeHost(void *);
int         GNNKernelToDevice(void *, const void *, size_t, GNNStream);
int         GNNKernelToHost(void *, const void *, size_t, GNNStream); /* returns when the host has it */
const char *GNNKernelErrorString(int);

/* ---- the graph of a matrix; arrays on the device, as GNNGraph has them on the host ---- */

typedef struct {
  int                  n, nz;
  const int           *i, *j, *row, *rev, *diag; /* row (nz): of each slot */
  double              *s;                        /* (n) scaling S, 0 at decoupled nodes */
  double              *inverse;                  /* (n) 1/a_ii */
  double              *at;                       /* (nz) S A S, 0 in slots that are not kept */
  unsigned char       *keep;                     /* (nz) */
  float               *degree, *rowabs, *rowsum; /* (n) features of nodes */
} GNNKernelGraph;

/* What a set-up reports, read back once */
enum {
  GNN_KERNEL_NOT_FINITE  = 1, /* the matrix holds a NaN or an infinity */
  GNN_KERNEL_NOT_POSITIVE = 2, /* a diagonal entry is not positive */
  GNN_KERNEL_UNSYMMETRIC = 4  /* a nonzero (i, j) without a stored (j, i) */
};
typedef struct {
  int    flags, row; /* row: the least at fault */
  int    replaced;   /* entries of G that were not finite */
  int    decoupled;  /* nodes */
  double norm;       /* mean |a| */
  double loss;       /* of the probe */
} GNNKernelStatus;

#define GNN_KERNEL_PARTIALS 256 /* partial sums of a reduction */

int GNNKernelStatusClear(GNNKernelStatus *, GNNStream);
int GNNKernelScale(GNNKernelGraph, const double *, int, double *, GNNKernelStatus *, GNNStream); /* values of A, 1: by the mean or 0: by the diagonal, partials, status */

/* ---- the network ---- */

typedef enum {
  GNN_KERNEL_ROWABS, /* as GNNNodeFeature */
  GNN_KERNEL_ROWSUM,
  GNN_KERNEL_DEGREE,
  GNN_KERNEL_MASK,
  GNN_KERNEL_USER
} GNNKernelFeature;

#define GNN_KERNEL_FEATURES 24
#define GNN_KERNEL_LAYERS   32

typedef struct {
  int width, layers, hidden, norm; /* padded: 16, 24 or 32; hidden layers of each map; norm: 0, or the width that LayerNorm divides by */
  int tf32;                        /* products on the tensor cores, weights stored (out, in), else (in, out) */
  int mean;                        /* aggregation */
  float aggregation_scale;
  int nedge, nnode;                /* numbers per edge and node */
  int edge[GNN_KERNEL_FEATURES], node[GNN_KERNEL_FEATURES];          /* edge: 1 if the number is the diagonal flag, 0 the value; node: GNNKernelFeature of each number */
  int user[GNN_KERNEL_FEATURES];                   /* for GNN_KERNEL_USER, which of the user's numbers */
  int user_size;
} GNNKernelConfig;

/* Numbers in a row of k, padded */
#define GNNKernelPad(k) (((k) + 7) / 8 * 8)

/* Size of a map's weights. The maps of a stage stand one after the other: lift (width x in), bias, row sums of the lift,
   then for each further hidden layer a matrix and a bias, then proj (out x width) and its bias */
static inline int GNNKernelMapSize(const GNNKernelConfig *c, int in, int out)
{
  return c->width * in + 2 * c->width + (c->hidden - 1) * (c->width * c->width + c->width) + c->width * out + out;
}

/* An array beside each map's GELUs, rows of width numbers */
typedef struct {
  float *node_enc, *edge_enc, *edge_dec; /* (hidden, n or nz) */
  float *node, *msg, *edge;              /* (layers, hidden, n or nz) */
} GNNKernelHidden;

/* What training keeps of a forward pass. Each layer of an array has room for n nodes or nz edges */
typedef struct {
  size_t          n, nz;
  float          *node, *edge; /* (n, padded nnode), (nz, padded nedge): features */
  float          *sum, *agg;   /* (layers, n, width) kappa_i times the sum of the messages' last hidden rows; the aggregated messages */
  GNNKernelHidden pre;         /* what each GELU reads */
  const float    *c;           /* (2) c0, c1, instead of the start's */
} GNNKernelTape;

typedef struct {
  GNNKernelConfig config;
  int             ntiles;
  const int      *tile;             /* (ntiles + 1) first rows of tiles of at most GNN_KERNEL_ROWS rows */
  const float    *user;             /* (n, user_size) or NULL */
  const float    *encode;           /* weights of the stages: node_enc, parts of layer 0 */
  const float    *layer[GNN_KERNEL_LAYERS];        /* msg_mlp, edge_mlp, node_mlp, parts of the next layer (or of edge_dec), and for layer 0 edge_enc */
  const float    *decode;           /* edge_dec */
  float          *x;                /* (n, width); with a tape (layers + 1, n, width) */
  float          *e;                /* (nz, width); with a tape (layers + 1, nz, width) */
  float          *part_i;           /* (n, 2 width) node parts of two first linears, as receiver */
  float          *part_j[2];        /* as sender: read and written in turn */
  float          *moments[2];       /* (n, 2) sum and sum of squares of x, with norm only; with a tape (layers + 1, n, 2) the first */
  GNNKernelTape   tape;             /* for GNNKernelTapeForward() */
} GNNKernelNet;

#define GNN_KERNEL_ROWS 16

/* From at to the network's output, written as G^T: gt = (1 - alpha)(by_c0 + damping by_c1) + alpha (c0 by_c0 + c1 by_c1 + out), with
   the derivatives of the start as in gnnfactor.h; G = D^-1/2 if jacobi */
typedef struct {
  double alpha, damping, c[2];
  int    residual, lower, jacobi;
} GNNKernelStart;

int GNNKernelForward(GNNKernelGraph, GNNKernelNet, GNNKernelStart, double *, GNNKernelStatus *, GNNStream); /* gt (nz) */

/* ---- the factor ---- */

typedef struct {
  int        n, nz, ntiles;
  const int *i, *j, *slot; /* CSR; slot of G^T each value comes from, or NULL */
  const int *tile;         /* (ntiles + 1) first rows of tiles of at most GNN_KERNEL_CHUNK entries, or of one row */
  int        single;
  void      *v;            /* (nz) float if single, else double */
} GNNKernelMat;

#define GNN_KERNEL_CHUNK 1024

int GNNKernelFill(GNNKernelMat, const double *, GNNKernelGraph, GNNStream);                      /* v_k = gt[slot_k] s_j, j the column of that slot: G^T S, or S G */
int GNNKernelShift(GNNKernelGraph, double, double *, GNNStream);                                  /* shift = eps s^2, 1/a_ii at decoupled nodes */
int GNNKernelMultiply(GNNKernelMat, const double *, double *, GNNStream);                         /* y = M x */
int GNNKernelMultiplyShift(GNNKernelMat, const double *, const double *, const double *, double *, GNNStream); /* z = M u + shift r: u, shift, r, z */

/* ---- the guard's probe on a refresh: loss ||At (G G^T + eps I) w - w||^2 for one vector w of signs ---- */

int GNNKernelProbe(GNNKernelGraph, double *, double *, GNNStream); /* w, 0 at decoupled nodes, and r = S^-1 w */
int GNNKernelResidual(GNNKernelGraph, const double *, const double *, double *, GNNKernelStatus *, GNNStream); /* z = M^-1 r, w, partials; loss in status */

#if defined(__cplusplus)
}
#endif
