/*
   The guard's measurements, guard.c: a few steps of CG and a loss, for whatever is to be chosen from, wherever the arrays are. choose.c decides.
*/
#pragma once

#include "place.h"

typedef struct _n_GNNGuard *GNNGuard;

/* What the steps of CG are preconditioned by; Jacobi where it is neither */
typedef struct {
  const PetscScalar *slots;  /* of G^T, or NULL: then */
  PetscBool          factor; /* the place's factor as it stands */
  PetscReal          epsilon;
} GNNTrial;

PETSC_INTERN PetscErrorCode GNNGuardCreate(GNNPlace, GNNGuard *); /* where there is none */
PETSC_INTERN PetscErrorCode GNNGuardDestroy(GNNGuard *);

PETSC_INTERN PetscErrorCode GNNGuardBegin(GNNGuard, PetscReal *largest); /* Jacobi's steps, which are the first to be chosen, and their largest Ritz value, unless NULL */
PETSC_INTERN PetscErrorCode GNNGuardPays(GNNGuard, const GNNTrial *, PetscReal work, PetscBool *pays); /* do steps with it get as far as Jacobi's did, by less work? One of them is that many of Jacobi's */
/* The network's slots become start + alpha (network - start), alpha in {1, 1/2, 1/4, 0} by the loss; always 1 without a residual form */
PETSC_INTERN PetscErrorCode     GNNGuardShare(GNNGuard, const GNNConfig *, PetscReal damping, PetscReal epsilon, PetscReal *alpha);
PETSC_INTERN const PetscScalar *GNNGuardStart(GNNGuard);                                                      /* the slots of that start */
PETSC_INTERN PetscErrorCode     GNNGuardIsPositive(GNNGuard, const PetscScalar slots[], PetscBool *positive); /* the symmetric part of G? */
PETSC_INTERN PetscErrorCode     GNNGuardTry(GNNGuard, const GNNTrial *, PetscBool first, PetscBool *better);  /* is it to be chosen instead of what was? It comes first of both in the order, or not */
PETSC_INTERN PetscErrorCode     GNNGuardRun(GNNGuard, const GNNTrial *, PetscInt steps);                      /* so many, for GNNGuardFall() */
PETSC_INTERN PetscReal          GNNGuardFall(GNNGuard);                                                       /* r^T M^-1 r of the last steps over the first */
PETSC_INTERN PetscBool          GNNGuardIsNarrow(GNNGuard);                                                   /* at the last trial, did what was chosen before stay within 2 %, or better? */
PETSC_INTERN PetscErrorCode     GNNGuardIsNear(GNNGuard, PetscBool *near);                                    /* are the couplings of At about what they were when it chose? */
