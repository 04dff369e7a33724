/*
   Who wins: the one place that decides by what G is made, the same for host and device.

   A pattern's first values, where the network comes first: it writes; a share of it, the start that it adds to, Jacobi and the classical factor
   are tried as far as the policy says (guard.h), in the order of preference network, classical, start, Jacobi. Where the classical factor comes
   first, Jacobi is all that it is tried against, and on a matrix that is easy for Jacobi it is not made. New values: what was chosen stays as long as the couplings, and a network's loss, are near what they
   were; only what it is made from is written then, the classical factor in the pattern that it has.
*/
#pragma once

#include "guard.h"
#include "source.h"

/* Where the network's factor is refused; as PCGNNSPAIGuard. The classical one, where it comes first, is tried against Jacobi by all but the first */
typedef enum {
  GNN_GUARD_NONE,   /* nothing is tried */
  GNN_GUARD_JACOBI, /* a start near Jacobi, or Jacobi */
  GNN_GUARD_FSAI,   /* the classical factor, if that is better than these */
  GNN_GUARD_BEST    /* the classical factor wherever it is better, also than a network's that is not refused */
} GNNGuardPolicy;

/* What a set-up finds changed, and with it what comes behind it; the last by itself */
enum {
  GNN_STALE_VALUES  = 1, /* of the matrix */
  GNN_STALE_SOURCE  = 2, /* settings of who writes G */
  GNN_STALE_CHOICE  = 4, /* what a choice is made by */
  GNN_STALE_SHIFT   = 8, /* epsilon */
  GNN_STALE_STORAGE = 16
};

/* How to choose, and what was chosen, over set-ups and resets */
typedef struct {
  const GNNSource   *source;   /* who writes G, or has it first */
  GNNSettings        settings; /* of all sources */
  GNNGuardPolicy     policy;
  PetscReal          epsilon;
  PetscBool          alone;     /* is what is measured the whole matrix? */
  GNNPrecision       precision; /* that G is stored in */
  GNNChoice          choice;
  PetscBool          easy;    /* does CG need few steps with it? Where the whole matrix is measured */
  PetscBool          made;    /* is it one that new values may keep? */
  PetscBool          kept;    /* did the last set-up keep it? */
  unsigned long long pattern; /* that it was made for, where GNNChooserReset() has forgotten the rest */
  GNNGuard           guard;   /* owned; NULL before it measures */
} GNNChooser;

PETSC_INTERN PetscErrorCode GNNChoose(GNNChooser *, GNNPlace, Mat local, PetscInt stale); /* the factor, ready for the product, unless the place's report says why not */
PETSC_INTERN PetscErrorCode GNNChooserReset(GNNChooser *, GNNGraph);                      /* before the place is destroyed; the pattern at hand, or NULL */
PETSC_INTERN PetscErrorCode GNNChooserRecall(GNNChooser *, GNNGraph);                     /* a new pattern: is it the one that the choice was made for? */

/* view.c */
PETSC_INTERN PetscErrorCode GNNChoiceInfo(PetscObject pc, const GNNChooser *, GNNPlace);
PETSC_INTERN PetscErrorCode GNNChooserView(const GNNChooser *, GNNPlace, MPI_Comm, PetscViewer); /* collective */
