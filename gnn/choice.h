/*
   What G is made by: the verdict of a set-up.
*/
#pragma once

#include <petscsys.h>

/* What comes first of network, fsai, start, jacobi is kept where others are no better */
typedef enum {
  GNN_CHOICE_NETWORK, /* start + alpha (network - start) */
  GNN_CHOICE_START,   /* what the network adds to, damped */
  GNN_CHOICE_JACOBI,  /* D^-1/2 */
  GNN_CHOICE_FSAI     /* the classical factor */
} GNNChoiceKind;

typedef struct {
  GNNChoiceKind kind;
  PetscReal     alpha;   /* the network's share, in (0, 1]; 0 without it */
  PetscReal     damping; /* of At in the start */
  PetscReal     loss;    /* ||(At M^-1 - I) w||^2 on one probe w when it was chosen */
} GNNChoice;
