/*
   A set-up: matrix -> graph -> choice -> coarse space, each one call, and only as far as something has changed.
*/
#pragma once

#include "choose.h"
#include "coarse/coarse.h"
#include "failure.h"
#include "zerorows.h"

/* What has changed since the last set-up, beside what GNNChoose() asks for */
enum {
  GNN_STALE_PATTERN = 64, /* of the matrix, or a setting on which the pattern's work depends */
  GNN_STALE_COARSE  = 128
};

/* What G is made for; as PCGNNSPAIScope */
typedef enum {
  GNN_SCOPE_LOCAL,  /* each rank's diagonal block */
  GNN_SCOPE_GLOBAL, /* the whole matrix */
  GNN_SCOPE_AUTO    /* that, where much of it is between ranks, and they do not have to know too much of each other's rows */
} GNNScope;

typedef struct {
  /* settings */
  unsigned  values;     /* which of the sources writes G, or has it first; GNN_SOURCES_AUTO: see GNNSetUp.source */
  unsigned  guard;      /* GNNGuardPolicy */
  unsigned  precision;  /* of G: GNNPrecision */
  unsigned  scope;      /* GNNScope */
  PetscReal epsilon;    /* PETSC_DEFAULT: the model's; 0 of the classical factor */
  PetscReal threshold;  /* growth of the classical factor, filter of the network's; PETSC_DEFAULT: each its own */
  PetscInt  aggregates; /* of the coarse space; 0: none, or PETSC_DECIDE */
  char     *model_name; /* owned */
  PetscBool automatic;  /* no model was asked for: the built-in one of the matrix's block size */
  GNNModel  given;      /* the model asked for, owned: loaded at the first set-up, or in memory; else NULL */
  Vec       features;   /* user's node features, referenced, or NULL */
  PetscBool tf32;       /* the network's products on a device */
  /* what was set up from */
  PetscInt         stale;
  PetscObjectId    id; /* of the matrix; its states and the features' */
  PetscObjectState nonzerostate, state, featurestate;
  const GNNSource *source; /* by values, or else the network where a model is named or the matrix is on a device, the classical factor on the host; NULL before a set-up */
  /* what was set up, owned */
  Mat        aij;         /* AIJ copy of the matrix where that is of another type, else NULL */
  PetscInt   steps;       /* how far around the rank's rows are those that its rows of G are made from, if its block is not enough */
  PetscReal  crossing;    /* share of the matrix that is between ranks, where local scope was not asked for */
  IS         around;      /* with global scope on several ranks, these rows, */
  Mat       *square;      /* their matrix, */
  GNNHalo    halo;        /* and its nodes; else NULL */
  GNNModel   model;       /* in use, chosen for each new pattern */
  char       reason[128]; /* why it is one of block size 1, or empty */
  GNNGraph   graph;
  GNNFactor  factor;
  GNNPlace   place;
  GNNChooser chooser;
  GNNCoarse  coarse;    /* NULL where no coarse space is wanted */
  GNNRows    rows;      /* those that MatZeroRows() set, or NULL */
  Mat        G;         /* the factor as a Mat, made on demand */
  GNNFailure failure;   /* of the last set-up, the same on every rank */
  PetscReal  asymmetry; /* of the matrix, over all ranks' diagonal blocks */
  PetscBool  told;      /* -info has said that the matrix is not symmetric */
} GNNSetUp;

PETSC_INTERN const GNNSource *const GNNSources[]; /* by values */

/* For a PC, whose name they speak under, and its matrix. The second says whether the matrix can be used, on every rank: then failure.reason is 0 */
PETSC_INTERN PetscErrorCode GNNSetUpGraph(GNNSetUp *, PetscObject pc, Mat);
PETSC_INTERN PetscErrorCode GNNSetUpChoice(GNNSetUp *, PetscObject pc, Mat);
PETSC_INTERN PetscErrorCode GNNSetUpCoarse(GNNSetUp *, PetscObject pc, Mat);
PETSC_INTERN PetscErrorCode GNNSetUpReset(GNNSetUp *); /* all that was set up but the model, and what the next set-up of the same pattern may keep */

/* z = M^-1 r, apply.c, where no rows are set: of a vector, and of the columns of dense matrices */
PETSC_INTERN PetscErrorCode GNNSetUpApply(GNNSetUp *, Vec r, Vec z);
PETSC_INTERN PetscErrorCode GNNSetUpApplyFactor(void *, Vec, Vec); /* the factor's part by itself, of the set-up */
PETSC_INTERN PetscErrorCode GNNSetUpApplyMat(GNNSetUp *, Mat R, Mat Z);

PETSC_INTERN PetscErrorCode GNNSetUpFetch(GNNSetUp *, Mat);      /* graph and factor to the host; the PC's matrix */
PETSC_INTERN GNNSettings    GNNSetUpSettings(const GNNSetUp *);  /* of the sources */
PETSC_INTERN PetscReal      GNNSetUpEpsilon(const GNNSetUp *);   /* the one in use; PETSC_DEFAULT where it is not known yet */
PETSC_INTERN PetscReal      GNNSetUpAsymmetry(const GNNSetUp *); /* 0 where what there is may be rounding */

#define GNN_UNSYMMETRIC "the matrix is not symmetric (relative difference %.2g): CG may not converge; use GMRES, BiCGStab or the like, or where rows were set by MatZeroRows(), MatZeroRowsColumns()"
