/*
   Files of matrices, PETSc binary format.
*/
#pragma once

#include <petscmat.h>
#include "../gnn/gnncompat.h"

PETSC_INTERN PetscErrorCode FilesGlob(const char[], PetscInt *, char ***); /* names that match a pattern, sorted; error if there is none */
PETSC_INTERN PetscErrorCode FilesDestroy(PetscInt, char ***);
PETSC_INTERN PetscErrorCode FilesLoadMat(const char[], Mat *); /* square, PETSC_COMM_SELF, SeqAIJ, marked SPD; errors name the file */
