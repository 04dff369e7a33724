/*
   Sparse matrices by rows, on the host of one rank: what makes A_c.

   PETSc's products find a pattern first, sort it, keep much beside it, and allocate for each: at 6,000 rows they took most of a refresh. Here a
   product is one pass with the place of each column of the row, pattern and values together, since P and A P have a few entries a row.
*/
#include "coarse.h"

PetscErrorCode GNNCSRCreate(PetscInt n, PetscInt m, PetscInt nz, GNNCSR *A)
{
  PetscFunctionBegin;
  *A = (GNNCSR){.n = n, .m = m};
  PetscCall(PetscMalloc1(n + 1, &A->i));
  PetscCall(PetscMalloc1(nz, &A->j));
  PetscCall(PetscMalloc1(nz, &A->v));
  A->i[0] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCSRDestroy(GNNCSR *A)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(A->i));
  PetscCall(PetscFree(A->j));
  PetscCall(PetscFree(A->v));
  *A = (GNNCSR){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Its rows' columns are sorted, whatever those of A */
PetscErrorCode GNNCSRTranspose(const GNNCSR *A, GNNCSR *T)
{
  const PetscInt nz = A->i[A->n];
  PetscInt      *next;

  PetscFunctionBegin;
  PetscCall(GNNCSRCreate(A->m, A->n, nz, T));
  PetscCall(PetscCalloc1(A->m + 1, &next));
  for (PetscInt p = 0; p < nz; p++) next[A->j[p] + 1]++;
  for (PetscInt k = 0; k < A->m; k++) next[k + 1] += next[k];
  PetscCall(PetscArraycpy(T->i, next, A->m + 1));
  for (PetscInt i = 0; i < A->n; i++) {
    for (PetscInt p = A->i[i]; p < A->i[i + 1]; p++) {
      const PetscInt q = next[A->j[p]]++;

      T->j[q] = i;
      T->v[q] = A->v[p];
    }
  }
  PetscCall(PetscFree(next));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Adds s B_row to a row of C that begins at start and ends at nz; at[column] is where an entry stands that is there already, else before start */
static inline PetscInt AddRow_Private(PetscScalar s, const GNNCSR *B, PetscInt row, PetscInt start, PetscInt nz, PetscInt at[], PetscInt j[], PetscScalar v[])
{
  for (PetscInt p = B->i[row]; p < B->i[row + 1]; p++) {
    const PetscInt column = B->j[p], q = at[column];

    if (q >= start) v[q] += s * B->v[p];
    else {
      at[column] = nz;
      j[nz]      = column;
      v[nz++]    = s * B->v[p];
    }
  }
  return nz;
}

/* C = S + diag(s) A B; without S and s, A B */
PetscErrorCode GNNCSRMultiply(const GNNCSR *S, const PetscScalar s[], const GNNCSR *A, const GNNCSR *B, GNNCSR *C)
{
  PetscInt nz = 0, room = 2 * A->n, *at;

  PetscFunctionBegin;
  PetscCall(GNNCSRCreate(A->n, B->m, room, C));
  PetscCall(PetscMalloc1(B->m, &at));
  for (PetscInt k = 0; k < B->m; k++) at[k] = -1;
  for (PetscInt i = 0; i < A->n; i++) {
    PetscInt most = S ? S->i[i + 1] - S->i[i] : 0;

    for (PetscInt p = A->i[i]; p < A->i[i + 1]; p++) most += B->i[A->j[p] + 1] - B->i[A->j[p]];
    if (nz + PetscMin(most, B->m) > room) {
      room = nz + PetscMin(most, B->m) + room / 2;
      PetscCall(PetscRealloc(room * sizeof(PetscInt), &C->j));
      PetscCall(PetscRealloc(room * sizeof(PetscScalar), &C->v));
    }
    if (S) nz = AddRow_Private(1.0, S, i, C->i[i], nz, at, C->j, C->v);
    for (PetscInt p = A->i[i]; p < A->i[i + 1]; p++) nz = AddRow_Private(s ? s[i] * A->v[p] : A->v[p], B, A->j[p], C->i[i], nz, at, C->j, C->v);
    C->i[i + 1] = nz;
  }
  PetscCall(PetscFree(at));
  PetscCall(PetscLogFlops(2.0 * A->i[A->n]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
