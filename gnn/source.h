/*
   Who writes G: one line here, one file, one value of PCGNNSPAIValues in pcgnnspai.h. A source fills the place's factor or asks the place to: what is
   to run on a device, too, is an operation of the place.
*/
#pragma once

#include "choice.h"
#include "place.h"

/* X(name of the option's value, source), in the order of PCGNNSPAIValues */
#define GNN_SOURCES(X) \
  X(network, GNNSourceNetwork) \
  X(fsai, GNNSourceFsai)

/* What of an entry counts as small where no threshold was set, by measurement */
#define GNN_FSAI_THRESHOLD 0.07
#define GNN_NETWORK_FILTER 0.05

/* What they are made from */
typedef struct {
  GNNModel  model;     /* of the network, borrowed; NULL where it does not write */
  PetscReal filter;    /* of the network's factor, and the start's */
  PetscReal threshold; /* of the classical factor: rows grow by entries above it, 0: on the lower triangle of A */
  PetscBool grow;      /* its columns are chosen anew; PETSC_FALSE: it keeps those that it has, if any */
} GNNSettings;

typedef struct {
  const char *name;
  PetscErrorCode (*write)(GNNPlace, const GNNSettings *, const GNNChoice *); /* the factor but for its shift; the network's by the choice */
  PetscErrorCode (*view)(const GNNSettings *, const char use[], PetscViewer);
} GNNSource;

#define GNN_SOURCE_COUNT(name, source) +1
#define GNN_SOURCES_AUTO               (0 GNN_SOURCES(GNN_SOURCE_COUNT)) /* the option's last value: whichever suits */

#define GNN_SOURCE_DECLARE(name, source) PETSC_INTERN const GNNSource source;
GNN_SOURCES(GNN_SOURCE_DECLARE)

/* ---- the network, network.c ---- */

/* The model for a pattern of block size bs: the given one, or, where that is NULL, the built-in one of the block size; that of block size 1 where
   there is none, or not all blocks are full on all ranks: then the reason says so. The model in use goes in, another may come out */
PETSC_INTERN PetscErrorCode GNNNetworkModel(MPI_Comm, GNNModel given, PetscInt bs, PetscInt n, const PetscInt ia[], const PetscInt ja[], GNNModel *, char reason[], size_t);
