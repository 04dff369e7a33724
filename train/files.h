/*
   Files of matrices and of their node features, PETSc binary format. The features of the nodes of a matrix in FILE are a vector in FILE.features,
   its block size the numbers of a node. And what else the programs share: the command line.
*/
#pragma once

#include <petscmat.h>

#define FILES_FEATURES ".features"

#include "../gnn/compat.h"

PETSC_INTERN PetscErrorCode FilesGlob(const char[], PetscInt *, char ***); /* names that match a pattern, sorted; error if there is none */
PETSC_INTERN PetscErrorCode FilesDestroy(PetscInt, char ***);
PETSC_INTERN PetscErrorCode OptionsRefuseUnknown(const char program[], const char prefix[]); /* program and its options' prefix: after all have been read, an error that names one that was not */
PETSC_INTERN PetscErrorCode OptionsRefuseWords(int);                                         /* an error that names a word of the command line from that one on that is neither option nor value */
PETSC_INTERN PetscErrorCode FilesLoadMat(const char[], Mat *);                               /* square, PETSC_COMM_SELF, SeqAIJ, marked SPD, lengths and columns checked; errors name the file */
PETSC_INTERN PetscErrorCode FilesLoadFeatures(const char[], Mat, Vec *);                     /* of the matrix from that file, or NULL where it has none; errors name the file */
