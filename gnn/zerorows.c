/*
   Rows with nothing but their diagonal whose columns are not empty, as MatZeroRows() leaves them. M^-1 solves for them first: z = u + M^-1 (r - A u)
   with u = D r, D = 1/a_ii there and 0 elsewhere. The rest is then symmetric, and CG converges as well as if the columns had been eliminated,
   too; a symmetric M^-1 alone can be much worse than Jacobi.
*/
#include "matrix.h"
#include "zerorows.h"

struct _n_GNNRows {
  Mat A;
  Vec d;      /* the diagonal of D */
  Vec others; /* 1 in the other rows, 0 in those */
  Vec u, t;   /* work */
};

/* d_i = 0 where row i of the block has a value off the (block's own) diagonal */
static PetscErrorCode MarkRows_Private(Mat block, PetscBool own_diagonal, PetscScalar d[])
{
  const PetscInt    *ia, *ja;
  const PetscScalar *a;
  PetscInt           n;
  PetscBool          done;

  PetscFunctionBegin;
  PetscCall(MatGetRowIJ(block, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCall(MatSeqAIJGetArrayRead(block, &a));
  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt p = ia[i]; p < ia[i + 1]; p++) {
      if (a[p] != 0.0 && !(own_diagonal && ja[p] == i)) d[i] = 0.0;
    }
  }
  PetscCall(MatSeqAIJRestoreArrayRead(block, &a));
  PetscCall(MatRestoreRowIJ(block, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsFind_Private(GNNRows w)
{
  const PetscInt *columns;
  PetscScalar    *d, *others;
  PetscInt        n;
  Mat             diagonal, other;

  PetscFunctionBegin;
  PetscCall(MatGetDiagonal(w->A, w->d));
  PetscCall(VecReciprocal(w->d));
  PetscCall(GNNMatBlocks(w->A, &diagonal, &other, &columns));
  PetscCall(VecGetArray(w->d, &d));
  PetscCall(MarkRows_Private(diagonal, PETSC_TRUE, d));
  if (other) PetscCall(MarkRows_Private(other, PETSC_FALSE, d));
  PetscCall(VecGetArrayWrite(w->others, &others));
  PetscCall(VecGetLocalSize(w->others, &n));
  for (PetscInt i = 0; i < n; i++) others[i] = d[i] == 0.0 ? 1.0 : 0.0;
  PetscCall(VecRestoreArrayWrite(w->others, &others));
  PetscCall(VecRestoreArray(w->d, &d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNRowsCreate(Mat A, GNNRows *rows)
{
  PetscReal reach;
  GNNRows   w;

  PetscFunctionBegin;
  PetscCall(PetscNew(&w));
  PetscCall(PetscObjectReference((PetscObject)A));
  w->A = A;
  PetscCall(MatCreateVecs(A, &w->d, &w->t));
  PetscCall(VecDuplicate(w->d, &w->u));
  PetscCall(VecDuplicate(w->d, &w->others));
  PetscCall(RowsFind_Private(w));
  PetscCall(MatMult(A, w->d, w->t)); /* what do their columns reach? */
  PetscCall(VecPointwiseMult(w->t, w->others, w->t));
  PetscCall(VecNorm(w->t, NORM_INFINITY, &reach));
  *rows = w;
  if (reach == 0.0) PetscCall(GNNRowsDestroy(rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNRowsDestroy(GNNRows *rows)
{
  GNNRows w = *rows;

  PetscFunctionBegin;
  if (w == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatDestroy(&w->A));
  PetscCall(VecDestroy(&w->d));
  PetscCall(VecDestroy(&w->others));
  PetscCall(VecDestroy(&w->u));
  PetscCall(VecDestroy(&w->t));
  PetscCall(PetscFree(*rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNRowsBefore(GNNRows w, Vec r, Vec *t)
{
  PetscFunctionBegin;
  PetscCall(VecPointwiseMult(w->u, w->d, r));
  PetscCall(MatMult(w->A, w->u, w->t));
  PetscCall(VecAYPX(w->t, -1.0, r));
  *t = w->t;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNRowsAfter(GNNRows w, Vec z)
{
  PetscFunctionBegin;
  PetscCall(VecAXPY(z, 1.0, w->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNRowsTransposeBefore(GNNRows w, Vec r, Vec *t)
{
  PetscFunctionBegin;
  PetscCall(VecPointwiseMult(w->t, w->others, r));
  *t = w->t;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNRowsTransposeAfter(GNNRows w, Vec r, Vec z)
{
  PetscFunctionBegin;
  PetscCall(MatMultTranspose(w->A, z, w->u));
  PetscCall(VecAYPX(w->u, -1.0, r));
  PetscCall(VecPointwiseMult(w->t, w->d, w->u));
  PetscCall(VecAXPY(z, 1.0, w->t));
  PetscFunctionReturn(PETSC_SUCCESS);
}
