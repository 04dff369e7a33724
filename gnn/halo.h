/*
   The nodes of a graph that reaches beyond a rank's own rows: these, which are consecutive, and around them those of other ranks that its rows of G
   are made from. All ascend by their numbers over all ranks, so that a row comes from the same numbers in the same order on any number of ranks.

   Arrays of nodes are 0 outside the own ones, but where it says otherwise: what is summed over all of them is the sum over the own. All is collective,
   and does nothing where the halo is NULL: then all nodes are the rank's own.
*/
#pragma once

#include "compat.h"
#include <petscmat.h>
#include <petscsf.h>

typedef struct _n_GNNHalo *GNNHalo;

/* For a matrix over all ranks, nodes of b of its rows each, rows[] those of the nodes; vectors of the product have the type of the matrix's */
PETSC_INTERN PetscErrorCode GNNHaloCreate(Mat, PetscInt b, PetscInt n, const PetscInt rows[], GNNHalo *);
PETSC_INTERN PetscErrorCode GNNHaloDestroy(GNNHalo *);
PETSC_INTERN PetscErrorCode GNNHaloGetRange(GNNHalo, PetscInt *first, PetscInt *last, PetscInt *offset); /* of the own nodes; from a row here to its number over all ranks */

PETSC_INTERN PetscErrorCode GNNHaloNumber(GNNHalo, PetscInt n, const PetscInt rows[], PetscInt numbers[]); /* of the graph's rows over all ranks */

/* ---- a set-up ---- */

PETSC_INTERN PetscErrorCode GNNHaloSum(GNNHalo, PetscMPIInt n, PetscReal x[]);                                    /* over the ranks */
PETSC_INTERN PetscErrorCode GNNHaloShare(GNNHalo, size_t bytes, void *array);                                     /* others' entries, of so many bytes a node, become what these have */
PETSC_INTERN PetscErrorCode GNNHaloRead(GNNHalo, PetscInt K, const PetscScalar x[], const PetscScalar *shared[]); /* (rows, K) x with others' entries; until the next call */
PETSC_INTERN PetscErrorCode GNNHaloAdd(GNNHalo, PetscInt K, PetscScalar y[]);                                     /* others' entries are added to what these have, and 0 then */

/* ---- the product ---- */

PETSC_INTERN PetscErrorCode GNNHaloUse(GNNHalo, const PetscInt i[], const PetscInt j[]); /* with rows of the graph, in CSR, that reach so far */
PETSC_INTERN PetscErrorCode GNNHaloBefore(GNNHalo, Vec r, Vec *x, Vec *y);               /* x = r with others' entries; room for y = M^-1 x */
PETSC_INTERN PetscErrorCode GNNHaloAfter(GNNHalo, Vec z);                                /* z = y, and what others' y add to it */
