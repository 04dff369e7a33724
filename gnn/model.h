/*
   The graph neural network that writes a sparse approximate inverse factor: model, graph of a matrix,
   forward, backward, factor. Data flows one way: matrix -> graph -> network -> G -> apply.

   Source: "Learning Sparse Approximate Inverse Preconditioners for Conjugate Gradient Solvers on GPUs", arXiv 2510.27517.
*/
#pragma once

#include <petscmat.h>
#define GNN_SCALAR PetscScalar
#define GNN_INDEX  PetscInt
#include "block.h"
#include "compat.h"
#include "features.h"
#include "layout.h"
#include "start.h"

#define GNN_MAX_USER 16

/* ---- model: configuration, parameters, file ---- */

typedef enum {
  GNN_SCALING_MEAN,    /* At = A/||A||, ||A|| = mean |a| over the stored scalars */
  GNN_SCALING_DIAGONAL /* At_ij = L_i^-1 A_ij L_j^-T with D_i = L_i L_i^T the diagonal blocks: D^-1/2 A D^-1/2 for block size 1 */
} GNNScaling;
typedef enum {
  GNN_OUTPUT_DIRECT,  /* G = out */
  GNN_OUTPUT_RESIDUAL /* G = 3/2 c0 I - 1/2 c1 At + out; with pattern lower c0 I - c1 strict(At) + out */
} GNNOutput;
typedef enum {
  GNN_PATTERN_A,    /* G on the full pattern of A */
  GNN_PATTERN_LOWER /* G^T lower triangular */
} GNNPattern;
typedef enum {
  GNN_AGGREGATION_SUM, /* sum of messages */
  GNN_AGGREGATION_MEAN /* (aggregation_scale/degree) times the sum */
} GNNAggregation;
typedef enum {
  GNN_NORM_NONE,
  GNN_NORM_LAYER /* LayerNorm before msg_mlp, node_mlp and edge_mlp */
} GNNNorm;
/* Names of the enums' values, as PetscOptionsEnum() and PetscEnumFind() want them */
PETSC_INTERN const char *const GNNScalings[], *const GNNOutputs[], *const GNNPatterns[], *const GNNAggregations[], *const GNNNorms[], *const GNNEdgeFeatures[], *const GNNNodeFeatures[];

typedef struct {
  PetscInt       block_size, width, layers, hidden_layers;
  GNNNorm        norm;
  GNNAggregation aggregation;
  PetscReal      aggregation_scale;
  GNNScaling     scaling;
  GNNOutput      output;
  GNNPattern     pattern;
  PetscReal      epsilon;
  PetscInt       nedge_features, nnode_features; /* entries used in the lists below */
  GNNEdgeFeature edge_features[GNN_MAX_FEATURES];
  GNNNodeFeature node_features[GNN_MAX_FEATURES];
  PetscInt       user_size; /* k of user:k, 0 if absent */
} GNNConfig;

/* One tensor of the flat parameter array, as PyTorch keeps it: weights (rows = out, cols = in) row-major, vectors with cols = 0 */
typedef struct {
  char     name[48];
  PetscInt rows, cols;
  PetscInt offset;
} GNNTensor;

typedef struct _n_GNNModel *GNNModel;
struct _n_GNNModel {
  PetscInt   refct;
  GNNConfig  config;
  PetscInt   ntensors, nparams;
  GNNTensor *tensors;
  GNNReal   *theta;      /* (nparams), owned; call GNNModelPack() after changing it */
  GNNNet     net;        /* owned: theta packed for the host's kernels, and the list of the maps */
  char      *name;       /* file or built-in name, or NULL */
  char      *provenance; /* owned or NULL: JSON object of free string metadata (trained_on, seed, ...) */
};

PETSC_INTERN PetscErrorCode GNNConfigSetDefaults(GNNConfig *);
PETSC_INTERN PetscErrorCode GNNConfigCheck(const GNNConfig *, const char *); /* error naming the given source if a value is out of range */
PETSC_INTERN PetscInt       GNNConfigEdgeSize(const GNNConfig *);            /* numbers per edge */
PETSC_INTERN PetscInt       GNNConfigNodeSize(const GNNConfig *);            /* numbers per node */
PETSC_INTERN GNNShape       GNNConfigShape(const GNNConfig *);
PETSC_INTERN GNNStart       GNNConfigStart(const GNNConfig *); /* G^T is the network's, with c0 = c1 = 1 */

PETSC_INTERN PetscErrorCode GNNModelCreate(const GNNConfig *, GNNModel *); /* parameters zero */
PETSC_INTERN PetscErrorCode GNNModelReference(GNNModel);
PETSC_INTERN PetscErrorCode GNNModelDestroy(GNNModel *);
PETSC_INTERN PetscErrorCode GNNModelInitialize(GNNModel, PetscRandom); /* PyTorch's Linear default; last decoder linear 0.1x if residual */
PETSC_INTERN PetscErrorCode GNNModelPack(GNNModel);
PETSC_INTERN GNNStart       GNNModelStart(GNNModel);                                       /* GNNConfigStart() with the model's c0, c1 */
PETSC_INTERN PetscErrorCode GNNModelGetHash(GNNModel, char[17]);                           /* FNV-1a of the parameters' bits, hexadecimal */
PETSC_INTERN PetscErrorCode GNNModelGetTensor(GNNModel, const char[], const GNNTensor **); /* NULL if there is none of that name */
PETSC_INTERN PetscErrorCode GNNModelView(GNNModel, PetscViewer);

/* safetensors, file.c */
PETSC_INTERN PetscErrorCode GNNModelParse(const char source[], const unsigned char bytes[], size_t length, GNNModel *);        /* source: for messages */
PETSC_INTERN PetscErrorCode GNNModelLoad(MPI_Comm, const char[], GNNModel *);                                                  /* file or built-in name; rank 0 reads and broadcasts */
PETSC_INTERN PetscErrorCode GNNModelSave(GNNModel, const char[]);                                                              /* to a temporary name, then renamed */
PETSC_INTERN PetscErrorCode GNNBuiltinGet(const char name[], const unsigned char **bytes, size_t *length, const char **names); /* bytes NULL if none is so named; the names there are, for messages */
PETSC_INTERN PetscErrorCode GNNBuiltinDefault(PetscInt, const char **);                                                        /* name of the default for a block size, NULL if there is none */
