/*
   The network on the host where no gradient is wanted: GNNForward(), which training differentiates, in a form that is made for speed.
*/
#pragma once

#include "graph.h"

typedef struct _n_GNNInference *GNNInference; /* work for one model and one pattern */

PETSC_INTERN PetscErrorCode GNNInferenceCreate(GNNModel, GNNGraph, GNNInference *);
PETSC_INTERN PetscErrorCode GNNInferenceDestroy(GNNInference *);
PETSC_INTERN PetscErrorCode GNNInferenceRun(GNNInference, GNNModel, GNNGraph, GNNReal out[]); /* out (slots, b^2): 0 in slots that are not kept */
