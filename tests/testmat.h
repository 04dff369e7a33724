/*
   Small matrices for the tests.
*/
#pragma once

#include <petscksp.h>
#include "../gnn/compat.h"

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

/* All rows are the last rank's, but for one of the first */
static inline PetscErrorCode TestMatCreateUneven(MPI_Comm comm, PetscInt n, Mat *A)
{
  PetscMPIInt rank, size;
  PetscInt    start, end;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  end = size == 1 ? n : (rank == 0 ? 1 : (rank == size - 1 ? n - 1 : 0));
  PetscCall(MatCreateAIJ(comm, end, end, n, n, 5, NULL, 5, NULL, A));
  PetscCall(MatGetOwnershipRange(*A, &start, &end));
  for (PetscInt i = start; i < end; i++) {
    PetscCall(MatSetValue(*A, i, i, 4.1, INSERT_VALUES));
    for (PetscInt k = 1; k <= 5; k += 4) {
      if (i >= k) PetscCall(MatSetValue(*A, i, i - k, -1.0, INSERT_VALUES));
      if (i + k < n) PetscCall(MatSetValue(*A, i, i + k, -1.0, INSERT_VALUES));
    }
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Diagonal n, first row and column full, the last rows isolated */
static inline PetscErrorCode TestMatCreateArrow(PetscInt n, PetscInt isolated, Mat *A)
{
  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, n, n, n, NULL, A));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(MatSetValue(*A, i, i, i ? 2.0 : (PetscReal)n, INSERT_VALUES));
    if (i == 0 || i >= n - isolated) continue;
    PetscCall(MatSetValue(*A, 0, i, -1.0, INSERT_VALUES));
    PetscCall(MatSetValue(*A, i, 0, -1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* First row and column of nodes full, the last ones isolated; blocks d (I + 0.3 1 1^T) on the diagonal, no symmetric ones off it */
static inline PetscErrorCode TestMatCreateArrowBlocks(PetscInt b, PetscInt nodes, PetscInt isolated, Mat *A)
{
  PetscScalar D[64], B[64], Bt[64];
  PetscInt   *nnz;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(b * nodes, &nnz));
  for (PetscInt row = 0; row < b * nodes; row++) nnz[row] = row < b ? b * nodes : 2 * b;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, b * nodes, b * nodes, 0, nnz, A));
  PetscCall(MatSetBlockSize(*A, b));
  for (PetscInt i = 0; i < nodes; i++) {
    for (PetscInt r = 0; r < b; r++) {
      for (PetscInt c = 0; c < b; c++) {
        D[r * b + c] = (i ? 2.0 : (PetscReal)nodes) * (r == c ? 1.3 : 0.3);
        B[r * b + c] = Bt[c * b + r] = -1.0 / (PetscReal)(b + r + 2 * c);
      }
    }
    PetscCall(MatSetValuesBlocked(*A, 1, &i, 1, &i, D, INSERT_VALUES));
    if (i == 0 || i >= nodes - isolated) continue;
    PetscCall(MatSetValuesBlocked(*A, 1, (PetscInt[]){0}, 1, &i, B, INSERT_VALUES));
    PetscCall(MatSetValuesBlocked(*A, 1, &i, 1, (PetscInt[]){0}, Bt, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(PetscFree(nnz));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows first to end - 1 are full, and these columns */
static inline PetscErrorCode TestMatCreateFullRows(PetscInt n, PetscInt first, PetscInt end, Mat *A)
{
  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, n, n, n, NULL, A));
  for (PetscInt i = 0; i < n; i++) {
    const PetscBool full = first <= i && i < end ? PETSC_TRUE : PETSC_FALSE;

    for (PetscInt j = 0; j < n; j++) {
      if (full || (first <= j && j < end)) PetscCall(MatSetValue(*A, i, j, -1.0, INSERT_VALUES));
    }
    PetscCall(MatSetValue(*A, i, i, full ? n : 2.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
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

/* K = w (0.2 I + v v^T) with w and v random */
static inline PetscErrorCode TestSpring_Private(PetscRandom random, PetscInt b, PetscScalar K[])
{
  PetscReal w, v[8];

  PetscFunctionBeginUser;
  PetscCall(PetscRandomGetValueReal(random, &w));
  for (PetscInt r = 0; r < b; r++) PetscCall(PetscRandomGetValueReal(random, &v[r]));
  for (PetscInt r = 0; r < b; r++) {
    for (PetscInt c = 0; c < b; c++) K[r * b + c] = (0.05 + w) * ((r == c ? 0.2 : 0.0) + (2 * v[r] - 1) * (2 * v[c] - 1));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Adds factor s_i s_j K, with s = 0.3 + node mod 7 the scales, to block (i, j), where this rank has row i and the type stores it */
static inline PetscErrorCode TestAddBlock_Private(Mat A, PetscInt b, PetscInt i, PetscInt j, PetscReal factor, const PetscScalar K[])
{
  PetscScalar block[64];
  PetscInt    start, end;

  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRange(A, &start, &end));
  if (b * i < start || b * i >= end) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt k = 0; k < b * b; k++) block[k] = factor * (0.3 + i % 7) * (0.3 + j % 7) * K[k];
  PetscCall(MatSetValuesBlocked(A, 1, &i, 1, &j, block, ADD_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Springs between nodes of b unknowns in a sparse random graph, and a weak one from each node to the ground: SPD with full blocks and block size b,
   of type AIJ, BAIJ or SBAIJ */
static inline PetscErrorCode TestMatCreateBlocks(MPI_Comm comm, MatType type, PetscInt b, PetscInt nodes, PetscInt seed, Mat *A)
{
  PetscRandom random;

  PetscFunctionBeginUser;
  PetscCall(PetscRandomCreate(PETSC_COMM_SELF, &random));
  PetscCall(PetscRandomSetType(random, PETSCRANDER48));
  PetscCall(PetscRandomSetSeed(random, (unsigned long)(54321 + seed)));
  PetscCall(PetscRandomSeed(random));
  PetscCall(MatCreate(comm, A));
  PetscCall(MatSetSizes(*A, PETSC_DECIDE, PETSC_DECIDE, b * nodes, b * nodes));
  PetscCall(MatSetBlockSize(*A, b));
  PetscCall(MatSetType(*A, type));
  PetscCall(MatSetUp(*A));
  PetscCall(MatSetOption(*A, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  if (strcmp(type, MATSBAIJ) == 0) PetscCall(MatSetOption(*A, MAT_IGNORE_LOWER_TRIANGULAR, PETSC_TRUE));
  for (PetscInt i = 0; i < nodes; i++) { /* every rank draws the same numbers and inserts its own rows */
    PetscScalar K[64] = {0};

    PetscCall(TestSpring_Private(random, b, K));
    PetscCall(TestAddBlock_Private(*A, b, i, i, 0.05, K));
    for (PetscInt k = 0; k < 2; k++) {
      PetscReal u;
      PetscInt  j;

      PetscCall(PetscRandomGetValueReal(random, &u));
      PetscCall(TestSpring_Private(random, b, K));
      j = (i + 1 + (PetscInt)(u * PetscMin(nodes, 12))) % nodes;
      if (j == i) continue;
      PetscCall(TestAddBlock_Private(*A, b, i, i, 1.0, K));
      PetscCall(TestAddBlock_Private(*A, b, j, j, 1.0, K));
      PetscCall(TestAddBlock_Private(*A, b, i, j, -1.0, K));
      PetscCall(TestAddBlock_Private(*A, b, j, i, -1.0, K));
    }
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(PetscRandomDestroy(&random));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Node 3, and the last unknown of nodes 5, 10, 15 become decoupled: explicit zeros stay in the pattern */
static inline PetscErrorCode TestMatClamp(Mat A)
{
  PetscInt rows[16], start, end, b, n = 0;

  PetscFunctionBeginUser;
  PetscCall(MatGetBlockSize(A, &b));
  PetscCall(MatGetOwnershipRange(A, &start, &end));
  for (PetscInt row = start; row < end; row++) {
    const PetscInt node = row / b;

    if (node == 3 || ((node == 5 || node == 10 || node == 15) && row % b == b - 1)) rows[n++] = row;
  }
  PetscCall(MatZeroRowsColumns(A, n, rows, 2.0, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The 5-point stencil on m x m points */
static inline PetscErrorCode TestMatCreateLaplacian(PetscInt m, Mat *A)
{
  PetscInt start, end;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, m * m, m * m, 5, NULL, 4, NULL, A));
  PetscCall(MatGetOwnershipRange(*A, &start, &end));
  for (PetscInt row = start; row < end; row++) {
    const PetscInt i = row / m, j = row % m;

    PetscCall(MatSetValue(*A, row, row, 4.0, INSERT_VALUES));
    if (i > 0) PetscCall(MatSetValue(*A, row, row - m, -1.0, INSERT_VALUES));
    if (i < m - 1) PetscCall(MatSetValue(*A, row, row + m, -1.0, INSERT_VALUES));
    if (j > 0) PetscCall(MatSetValue(*A, row, row - 1, -1.0, INSERT_VALUES));
    if (j < m - 1) PetscCall(MatSetValue(*A, row, row + 1, -1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatSetOption(*A, MAT_SPD, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A coefficient of cell or node k: 1, or with contrast > 1 from 1 to contrast in no order */
static inline PetscReal TestCoefficient_Private(PetscInt k, PetscReal contrast)
{
  return PetscPowReal(contrast, (PetscReal)(k * 7919 % 101) / 100.0);
}

/* 27 points on m x m x m: conductances to all 26 neighbours, zero Dirichlet values outside */
static inline PetscErrorCode TestMatCreate27(PetscInt m, PetscReal contrast, Mat *A)
{
  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, m * m * m, m * m * m, 27, NULL, A));
  for (PetscInt i = 0; i < m * m * m; i++) {
    PetscReal sum = 0.0;

    for (PetscInt k = 0; k < 27; k++) {
      const PetscInt  x = i % m + k % 3 - 1, y = i / m % m + k / 3 % 3 - 1, z = i / m / m + k / 9 - 1, j = x + m * (y + m * z);
      const PetscBool inside = x >= 0 && x < m && y >= 0 && y < m && z >= 0 && z < m ? PETSC_TRUE : PETSC_FALSE;
      const PetscReal w      = inside ? PetscSqrtReal(TestCoefficient_Private(i, contrast) * TestCoefficient_Private(j, contrast)) : TestCoefficient_Private(i, contrast);

      if (k == 13) continue;
      sum += w;
      if (inside) PetscCall(MatSetValue(*A, i, j, -w, INSERT_VALUES));
    }
    PetscCall(MatSetValue(*A, i, i, sum, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatSetOption(*A, MAT_SPD, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Over the unit cube, of trilinear functions a and b: the integral of their derivatives by x_p and x_q */
static inline PetscReal TestHexIntegral_Private(PetscInt a, PetscInt b, PetscInt p, PetscInt q)
{
  PetscReal product = 1.0;

  for (PetscInt d = 0; d < 3; d++) {
    const PetscInt s = a >> d & 1, t = b >> d & 1;

    if (d == p && d == q) product *= s == t ? 1.0 : -1.0;
    else if (d == p) product *= s ? 0.5 : -0.5;
    else if (d == q) product *= t ? 0.5 : -0.5;
    else product *= s == t ? 1.0 / 3.0 : 1.0 / 6.0;
  }
  return product;
}

/* Entry of a cell's matrix: Laplace for b = 1, isotropic elasticity, lambda = mu = 1, for b = 3 */
static inline PetscReal TestHexEntry_Private(PetscInt b, PetscInt u, PetscInt r, PetscInt v, PetscInt c)
{
  PetscReal sum = 0.0;

  for (PetscInt d = 0; d < 3 && r == c; d++) sum += TestHexIntegral_Private(u, v, d, d);
  return b == 1 ? sum : sum + TestHexIntegral_Private(u, v, r, c) + TestHexIntegral_Private(u, v, c, r);
}

/* Trilinear finite elements on (m + 1)^3 hexahedra, m^3 nodes of b = 1 or 3 unknowns inside, zero Dirichlet values around */
static inline PetscErrorCode TestMatCreateHex(PetscInt m, PetscInt b, PetscReal contrast, Mat *A)
{
  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, b * m * m * m, b * m * m * m, 27 * b, NULL, A));
  PetscCall(MatSetBlockSize(*A, b));
  for (PetscInt k = 0; k < (m + 1) * (m + 1) * (m + 1); k++) {
    PetscInt rows[24];

    for (PetscInt u = 0; u < 8; u++) {
      const PetscInt x = k % (m + 1) - 1 + (u & 1), y = k / (m + 1) % (m + 1) - 1 + (u >> 1 & 1), z = k / (m + 1) / (m + 1) - 1 + (u >> 2);

      for (PetscInt r = 0; r < b; r++) rows[u * b + r] = x >= 0 && x < m && y >= 0 && y < m && z >= 0 && z < m ? b * (x + m * (y + m * z)) + r : -1;
    }
    for (PetscInt s = 0; s < 8 * b; s++) {
      for (PetscInt t = 0; t < 8 * b; t++) PetscCall(MatSetValue(*A, rows[s], rows[t], TestCoefficient_Private(k, contrast) * TestHexEntry_Private(b, s / b, s % b, t / b, t % b), ADD_VALUES));
    }
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatSetOption(*A, MAT_SPD, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}
