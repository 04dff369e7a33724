/*
   Rows that MatZeroRows() set, solved for beside a symmetric preconditioner M of the rest.
*/
#pragma once

#include "compat.h"
#include <petscmat.h>

typedef struct _n_GNNRows *GNNRows;

PETSC_INTERN PetscErrorCode GNNRowsCreate(Mat, GNNRows *); /* NULL where there are none with values in their columns; AIJ */
PETSC_INTERN PetscErrorCode GNNRowsDestroy(GNNRows *);
/* z = u + M^-1 t, t = r - A u, u = D r: what M is applied to, and what comes to its z */
PETSC_INTERN PetscErrorCode GNNRowsBefore(GNNRows, Vec, Vec *);
PETSC_INTERN PetscErrorCode GNNRowsAfter(GNNRows, Vec);
/* Its transpose: z = y + D (r - A^T y), y = M^-1 t, t the other rows' r */
PETSC_INTERN PetscErrorCode GNNRowsTransposeBefore(GNNRows, Vec, Vec *);
PETSC_INTERN PetscErrorCode GNNRowsTransposeAfter(GNNRows, Vec r, Vec z); /* r, z */
