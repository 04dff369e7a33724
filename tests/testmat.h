/*
   Small matrices for the tests.
*/
#pragma once

#include <petscksp.h>
#include "../gnn/gnncompat.h"

/* Random SPD matrix of a sparse irregular graph, rows of uneven scale: D (L + 0.05 I) D, about six nonzeros a row */
static inline PetscErrorCode TestMatCreateRandom(MPI_Comm comm, PetscInt n, PetscInt seed, Mat *A)
{
  PetscRandom random;
  Vec         d;
  PetscInt    start, end;

  PetscFunctionBeginUser;
  PetscCall(PetscRandomCreate(PETSC_COMM_SELF, &random));
  PetscCall(PetscRandomSetType(random, PETSCRANDER48));
  PetscCall(PetscRandomSetSeed(random, (unsigned long)(12345 + seed)));
  PetscCall(PetscRandomSeed(random));
  PetscCall(MatCreateAIJ(comm, PETSC_DECIDE, PETSC_DECIDE, n, n, 40, NULL, 40, NULL, A));
  PetscCall(MatSetOption(*A, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  PetscCall(MatGetOwnershipRange(*A, &start, &end));
  for (PetscInt i = 0; i < n; i++) { /* every rank draws the same numbers and inserts its own rows */
    PetscReal u[6];

    for (PetscInt k = 0; k < 6; k++) PetscCall(PetscRandomGetValueReal(random, &u[k]));
    if (i >= start && i < end) PetscCall(MatSetValue(*A, i, i, 0.05, ADD_VALUES));
    for (PetscInt k = 0; k < 3; k++) {
      const PetscInt  j = (i + 1 + (PetscInt)(u[k] * PetscMin(n, 30))) % n;
      const PetscReal w = 0.05 + u[3 + k];

      if (j == i) continue;
      if (i >= start && i < end) {
        PetscCall(MatSetValue(*A, i, i, w, ADD_VALUES));
        PetscCall(MatSetValue(*A, i, j, -w, ADD_VALUES));
      }
      if (j >= start && j < end) {
        PetscCall(MatSetValue(*A, j, j, w, ADD_VALUES));
        PetscCall(MatSetValue(*A, j, i, -w, ADD_VALUES));
      }
    }
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatCreateVecs(*A, &d, NULL));
  for (PetscInt i = start; i < end; i++) PetscCall(VecSetValue(d, i, 0.3 + (PetscReal)(i % 7), INSERT_VALUES));
  PetscCall(VecAssemblyBegin(d));
  PetscCall(VecAssemblyEnd(d));
  PetscCall(MatDiagonalScale(*A, d, d));
  PetscCall(MatSetOption(*A, MAT_SPD, PETSC_TRUE));
  PetscCall(VecDestroy(&d));
  PetscCall(PetscRandomDestroy(&random));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows 0, 5, 10, ... below count * 5 become identity rows: explicit zeros stay in the pattern */
static inline PetscErrorCode TestMatDecouple(Mat A, PetscInt count)
{
  PetscInt rows[64], start, end, n = 0;

  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRange(A, &start, &end));
  for (PetscInt k = 0; k < PetscMin(count, 64); k++) {
    if (5 * k >= start && 5 * k < end) rows[n++] = 5 * k;
  }
  PetscCall(MatZeroRowsColumns(A, n, rows, 2.0, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}
