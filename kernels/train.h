/*
   Training on the device: plain C launchers as in kernels.h, of which one step is

     batch     GNNTrainDraw, GNNTrainForward, GNNTrainLoss, GNNTrainBackward     the matrices drawn become one graph; tape, loss, adjoints
     network   GNNTrainWeights, GNNTrainGradient                                products of the rows kept, gradient in the model's order
     optimiser GNNTrainAdamW, GNNTrainPack                                      parameters, and their copies for the kernels

   Nothing is read back but what the caller asks for. Sums run in a fixed order, so that every run gives the same bits.
*/
#pragma once

#include "kernels.h"

#if defined(__cplusplus)
extern "C" {
#endif

#define GNN_TRAIN_BLOCK 256 /* threads of a block that leaves a partial sum */

/* Partial sums of that many numbers, of which one block later takes one a thread */
static inline int GNNTrainPartials(int count)
{
  const int blocks = count / GNN_TRAIN_BLOCK + 1;

  return blocks < GNN_TRAIN_BLOCK ? blocks : GNN_TRAIN_BLOCK;
}

/* ---- the batch ---- */

/* Where a training matrix lies in the arrays of all of them */
typedef struct {
  int    n, nz, ntiles, ncoupled;
  int    row, slot, tile; /* its first; row offsets have one number more for each matrix before it */
  double factor;          /* of At in the loss: ||A|| with loss plain, else 1 */
} GNNTrainMatrix;

/* All training matrices, indices counted from the beginning of each */
typedef struct {
  int                   count;
  const GNNTrainMatrix *matrix;
  GNNKernelGraph        graph; /* without 1/a_ii */
  const GNNKernelTile  *tile;  /* of the network */
} GNNTrainMatrices;

/* A matrix that is drawn, where it begins in the batch, and the key of its random numbers */
typedef struct {
  int                matrix, row, slot, tile;
  unsigned long long key;
} GNNTrainMember;

#define GNN_TRAIN_MEMBERS 64 /* in one launch */
typedef struct {
  int            first, count; /* which of the batch's these are */
  GNNTrainMember member[GNN_TRAIN_MEMBERS];
} GNNTrainMembers;

/* The matrices drawn, one after the other, as one graph, and the vectors of the loss */
typedef struct {
  int            count, probes;
  GNNKernelGraph graph; /* without 1/a_ii */
  GNNKernelTile *tile;
  int           *start;                  /* (count + 1) first row of each */
  int           *member;                 /* (n) whose row it is */
  float         *kappa;                  /* (n, 2) kappa_i degree_i, 0: what msg_mlp's last bias is multiplied by */
  double        *factor, *scale, *twice; /* (count) of At; 1/(probes times coupled rows) of the loss; twice the product of both */
  double        *w, *u, *z, *y, *q, *t;  /* (n, probes) as in train/loss.c */
  double        *gt;                     /* (nz) G^T by slots */
  double        *sai;                    /* (count) */
  float         *dout;                   /* (nz) gradient to the network's output */
  double        *dc;                     /* (GNN_TRAIN_BLOCK, 2) partial sums of that to c0, c1 */
} GNNTrainBatch;

typedef struct {
  int    logarithm; /* of each matrix' loss */
  int    matrices;  /* that the mean is over, on all ranks */
  double epsilon;
} GNNTrainLossConfig;

int GNNTrainDraw(GNNTrainMatrices, GNNTrainMembers, GNNTrainBatch, GNNKernelConfig, GNNStream);
int GNNTrainForward(GNNTrainBatch, GNNKernelNet, GNNStart, GNNKernelStatus *, GNNStream);
int GNNTrainLoss(GNNTrainBatch, GNNTrainLossConfig, GNNStart, GNNStream); /* sai, dout, dc */

/* ---- backward ---- */

/* Gradients, each beside its forward array. Layers have the tape's room */
typedef struct {
  size_t          transposed;      /* from the weights to the same stored (out, in) */
  float          *x, *e;           /* (layers + 1, n or nz, width) */
  float          *part_i, *part_j; /* (layers + 1, n, 2 width) */
  float          *sum, *agg;       /* (n, width) before kappa; (layers, n, width) */
  GNNKernelHidden pre;
  float          *moments, *node_moments;           /* (nz, 2), (n, 2) sum and sum of squares, of both maps' norms */
  float          *norm_node, *norm_msg, *norm_edge; /* (layers, n or nz, 2) deviation, -mean: what a first bias and the row sums get of the rows of pre; with norm only */
} GNNKernelAdjoint;

int GNNTrainBackward(GNNTrainBatch, GNNKernelNet, GNNKernelAdjoint, GNNStream);

/* ---- from rows to parameters ---- */

/* Of a linear y = W f(x) + b: dW^T = f(x)^T dz (in, out), and below it norm^T dz (2, out) */
typedef struct {
  const float *x, *dz, *norm;           /* (rows, in), (rows, out), (rows, 2) or NULL: 1, 0 */
  int          in, out, ldx, ldz, gelu; /* in and out at most 32, multiples of 4, or out 1; f is GELU or the identity */
  int          edges, to;               /* rows are edges'? Where its (in + 2, GNNTrainPad(out)) results begin */
} GNNTrainProduct;

#define GNNTrainPad(k)   (((k) + 3) / 4 * 4)
#define GNN_TRAIN_SPLITS 64 /* partial sums of a product at most */

typedef struct {
  int                    nedge, nnode; /* products over edges, which come first, and over nodes */
  const GNNTrainProduct *product;
  int                    edge_size, size; /* results of the products over edges, of all; behind them c0, c1 */
  float                 *partials;        /* (GNN_TRAIN_SPLITS, size) */
  double                *results;         /* (size + 2) */
} GNNTrainProducts;

int GNNTrainWeights(GNNTrainBatch, GNNTrainProducts, GNNStream);

typedef enum {
  GNN_TRAIN_PLAIN,  /* c0, c1, and linears without a norm before them */
  GNN_TRAIN_WEIGHT, /* of a linear behind a norm: packed times gamma */
  GNN_TRAIN_BIAS,   /* packed plus W beta, and beside it the row sum W gamma */
  GNN_TRAIN_NORM_GAMMA,
  GNN_TRAIN_NORM_BETA
} GNNTrainKind;

/* A number of theta: its places among the weights for the kernels (in, out) and (out, in), and where its gradient comes from */
typedef struct {
  int kind, to[2], rowsum[2];
  int d, r, b;          /* results: of W', of the row sums, of the bias. gamma, beta: the first of count numbers */
  int gamma, beta;      /* theta: of this column, of the first column for a bias */
  int w, stride, count; /* theta: bias: its row of W; gamma, beta: their column */
} GNNTrainParameter;

/* One flat array each, as train.c has them on the host */
typedef struct {
  int                      n;
  const GNNTrainParameter *parameter;
  double                  *theta, *gradient, *m, *v; /* gradient (n + 1): behind it the mean loss */
  double                  *partials;                 /* (GNN_TRAIN_BLOCK) */
  float                   *packed;
} GNNTrainParameters;

/* Read by the host now and then */
typedef struct {
  double loss, sum; /* of the last step; of the steps since it was cleared */
  int    steps;     /* these */
  int    failed;    /* 1 + the first step whose loss or gradient was not finite, 0: none. From then on nothing changes */
} GNNTrainStatus;

typedef struct {
  double lr, beta1, beta2, correct1, correct2, weight_decay, clip;
  int    step;
} GNNTrainAdamWConfig;

int GNNTrainGradient(GNNTrainBatch, GNNTrainLossConfig, GNNTrainProducts, GNNTrainParameters, GNNStream);
int GNNTrainAdamW(GNNTrainParameters, GNNTrainAdamWConfig, GNNTrainStatus *, GNNStream); /* clips the gradient */
int GNNTrainPack(GNNTrainParameters, GNNStream);

#if defined(__cplusplus)
}
#endif
