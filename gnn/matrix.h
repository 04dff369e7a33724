/*
   What the preconditioner asks of PETSc's matrices.
*/
#pragma once

#include "compat.h"
#include <petscmat.h>

/* The rank's diagonal block of an AIJ matrix, and the rest of its rows with their columns' global numbers, NULL where it is sequential; borrowed */
PETSC_INTERN PetscErrorCode GNNMatBlocks(Mat, Mat *diagonal, Mat *other, const PetscInt **);
PETSC_INTERN PetscErrorCode GNNMatHasEntries(Mat, PetscBool *); /* that MatConvert() can read? */
/* An AIJ copy of the matrix, NULL if it is one itself: the same object as long as its pattern is the same, as the coarse space's products want it;
   and whether the pattern changed */
PETSC_INTERN PetscErrorCode GNNMatConvert(Mat, Mat *, PetscBool *);
/* Of the entries of an AIJ matrix, the share that is between ranks, and how many entries there are. From that share on, the rows lie on the ranks as they were numbered, not by
   where they are on a mesh: what is made for each rank's own rows is no good */
#define GNN_MAT_TORN 0.25
PETSC_INTERN PetscErrorCode GNNMatCrossing(Mat, PetscReal *share, PetscReal *all);
/* Of an AIJ matrix over ranks: the rows of other ranks that these many steps from the own ones in its graph lead to, and these, ascending; NULL on all ranks if
   they are together more than that many times the matrix's rows. Then the square matrix of them, made anew where there is none, or its values. Collective */
PETSC_INTERN PetscErrorCode GNNMatAround(Mat, PetscInt steps, PetscReal times, IS *rows);
PETSC_INTERN PetscErrorCode GNNMatSquare(Mat, IS rows, Mat **square);
/* Errors, on every rank, if no preconditioner of this kind could use the matrix */
PETSC_INTERN PetscErrorCode GNNMatCheck(Mat);
/* Columns of two dense matrices, from the given one on, as vectors one after the other */
typedef PetscErrorCode (*GNNColumnFn)(void *, Vec r, Vec z);
PETSC_INTERN PetscErrorCode GNNMatForColumns(Mat R, Mat Z, PetscInt first, GNNColumnFn, void *);
