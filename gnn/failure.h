/*
   Why a set-up cannot go on. A matrix that cannot be used is no error: as with a factorization of PETSc's, the PC's failed reason says so on
   every rank, and the solve ends with KSP_DIVERGED_PC_FAILED.
*/
#pragma once

#include "place.h"
#include <petscpc.h>

typedef struct {
  PCFailedReason reason;
  PetscBool      wrong;     /* not the matrix's numbers or pattern, but how we were called: an error, on every rank */
  char           text[448]; /* the same on every rank, or empty */
} GNNFailure;

PETSC_INTERN PetscErrorCode GNNFailureSet(GNNFailure *, PCFailedReason, PetscBool wrong, const char text[]); /* on this rank */
PETSC_INTERN PetscErrorCode GNNFailureReport(GNNFailure *, GNNGraph, GNNGraphStatus, PetscInt row);          /* the same, if the status says that the matrix cannot be used; row over all ranks */
/* The worst reason on every rank, since KSPSetUp() reads the local one only, the text of the least rank that failed, and the largest of x. No rank may
   go on to the next collective work where another has failed */
PETSC_INTERN PetscErrorCode GNNFailureAgree(MPI_Comm, GNNFailure *, PetscReal *x);
