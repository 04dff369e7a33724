/*
   The host's sparse matrices where rows are spread over ranks: rows of A with the columns [own | ghost], the ghost columns' rows of a matrix that is as
   long as A has columns, and sums over the ranks of small matrices that all of them keep.
*/
#include "coarse.h"
#include "../matrix.h"

/* ---- rows of A ---- */

/* Appends the entries of row i, columns from shift on */
static PetscInt AppendRow_Private(const GNNCSR *B, PetscInt i, PetscInt shift, PetscInt nz, GNNCSR *A)
{
  for (PetscInt p = B->i[i]; p < B->i[i + 1]; p++, nz++) {
    A->j[nz] = shift + B->j[p];
    A->v[nz] = B->v[p];
  }
  return nz;
}

/* The arrays of a SeqAIJ matrix, borrowed */
static PetscErrorCode Borrow_Private(Mat A, GNNCSR *B)
{
  PetscScalar *a;
  PetscBool    done;

  PetscFunctionBegin;
  PetscCall(MatGetLocalSize(A, NULL, &B->m));
  PetscCall(MatGetRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &B->n, (const PetscInt **)&B->i, (const PetscInt **)&B->j, &done));
  PetscCheck(done, PETSC_COMM_SELF, PETSC_ERR_SUP, "MatGetRowIJ() failed for the local matrix");
  PetscCall(MatSeqAIJGetArrayRead(A, (const PetscScalar **)&a));
  B->v = a;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Return_Private(Mat A, GNNCSR *B)
{
  PetscBool done;

  PetscFunctionBegin;
  PetscCall(MatSeqAIJRestoreArrayRead(A, (const PetscScalar **)&B->v));
  PetscCall(MatRestoreRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &B->n, (const PetscInt **)&B->i, (const PetscInt **)&B->j, &done));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCSRGetRows(Mat M, GNNCSR *A)
{
  const PetscInt *columns;
  PetscInt        nz = 0;
  Mat             diagonal, other;
  GNNCSR          D, O;

  PetscFunctionBegin;
  PetscCall(GNNMatBlocks(M, &diagonal, &other, &columns));
  if (other == NULL) {
    PetscCall(Borrow_Private(diagonal, A));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Borrow_Private(diagonal, &D));
  PetscCall(Borrow_Private(other, &O));
  PetscCall(GNNCSRCreate(D.n, D.m + O.m, D.n > 0 ? D.i[D.n] + O.i[D.n] : 0, A));
  for (PetscInt i = 0; i < D.n; i++) {
    nz          = AppendRow_Private(&D, i, 0, nz, A);
    nz          = AppendRow_Private(&O, i, D.m, nz, A);
    A->i[i + 1] = nz;
  }
  PetscCall(Return_Private(other, &O));
  PetscCall(Return_Private(diagonal, &D));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCSRRestoreRows(Mat M, GNNCSR *A)
{
  const PetscInt *columns;
  Mat             diagonal, other;

  PetscFunctionBegin;
  PetscCall(GNNMatBlocks(M, &diagonal, &other, &columns));
  if (other) PetscCall(GNNCSRDestroy(A));
  else PetscCall(Return_Private(diagonal, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the ghost columns' rows ---- */

PetscErrorCode GNNGhostsCreateSF(Mat A, PetscSF *sf)
{
  const PetscInt *columns;
  PetscInt        n;
  PetscLayout     layout;
  Mat             diagonal, other;

  PetscFunctionBegin;
  PetscCall(GNNMatBlocks(A, &diagonal, &other, &columns));
  PetscCall(MatGetLocalSize(other, NULL, &n));
  PetscCall(MatGetLayouts(A, NULL, &layout));
  PetscCall(PetscSFCreate(PetscObjectComm((PetscObject)A), sf));
  PetscCall(PetscSFSetGraphLayout(*sf, layout, n, NULL, PETSC_OWN_POINTER, columns));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Bcast_Private(PetscSF sf, MPI_Datatype type, const void *root, void *leaf)
{
  PetscFunctionBegin;
  PetscCall(PetscSFBcastBegin(sf, type, root, leaf, MPI_REPLACE));
  PetscCall(PetscSFBcastEnd(sf, type, root, leaf, MPI_REPLACE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the entries of each ghost row are on the rank that owns it */
static PetscErrorCode CreateEntriesSF_Private(PetscSF sf, const GNNCSR *own, const PetscInt start[], const GNNCSR *rows, PetscSF *entries)
{
  const PetscSFNode *owner;
  PetscSFNode       *remote;

  PetscFunctionBegin;
  PetscCall(PetscSFGetGraph(sf, NULL, NULL, NULL, &owner));
  PetscCall(PetscMalloc1(rows->i[rows->n], &remote));
  for (PetscInt k = 0; k < rows->n; k++) {
    for (PetscInt p = rows->i[k]; p < rows->i[k + 1]; p++) {
      remote[p].rank  = owner[k].rank;
      remote[p].index = start[k] + p - rows->i[k];
    }
  }
  PetscCall(PetscSFCreate(PetscObjectComm((PetscObject)sf), entries));
  PetscCall(PetscSFSetGraph(*entries, own->i[own->n], rows->i[rows->n], NULL, PETSC_OWN_POINTER, remote, PETSC_OWN_POINTER));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNGhostsCreate(PetscSF sf, const GNNCSR *own, GNNGhosts *ghosts)
{
  GNNCSR   *rows = &ghosts->rows;
  PetscInt *length, *start, n, nz = 0;

  PetscFunctionBegin;
  PetscCall(PetscSFGetGraph(sf, NULL, &n, NULL, NULL));
  PetscCall(PetscMalloc2(2 * own->n, &length, 2 * n, &start));
  for (PetscInt i = 0; i < own->n; i++) {
    length[2 * i]     = own->i[i];
    length[2 * i + 1] = own->i[i + 1] - own->i[i];
  }
  PetscCall(Bcast_Private(sf, MPIU_2INT, length, start));
  for (PetscInt k = 0; k < n; k++) nz += start[2 * k + 1];
  PetscCall(GNNCSRCreate(n, own->m, nz, rows));
  for (PetscInt k = 0; k < n; k++) {
    rows->i[k + 1] = rows->i[k] + start[2 * k + 1];
    start[k]       = start[2 * k];
  }
  PetscCall(CreateEntriesSF_Private(sf, own, start, rows, &ghosts->sf));
  PetscCall(PetscFree2(length, start));
  PetscCall(Bcast_Private(ghosts->sf, MPIU_INT, own->j, rows->j));
  PetscCall(GNNGhostsUpdate(ghosts, own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNGhostsUpdate(GNNGhosts *ghosts, const GNNCSR *own)
{
  PetscFunctionBegin;
  PetscCall(Bcast_Private(ghosts->sf, MPIU_SCALAR, own->v, ghosts->rows.v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNGhostsDestroy(GNNGhosts *ghosts)
{
  PetscFunctionBegin;
  PetscCall(PetscSFDestroy(&ghosts->sf));
  PetscCall(GNNCSRDestroy(&ghosts->rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNGhostsAppend(const GNNGhosts *ghosts, GNNCSR *own)
{
  const GNNCSR  *rows = &ghosts->rows;
  const PetscInt nz   = own->i[own->n];

  PetscFunctionBegin;
  PetscCall(PetscRealloc((own->n + rows->n + 1) * sizeof(PetscInt), &own->i));
  PetscCall(PetscRealloc((nz + rows->i[rows->n]) * sizeof(PetscInt), &own->j));
  PetscCall(PetscRealloc((nz + rows->i[rows->n]) * sizeof(PetscScalar), &own->v));
  for (PetscInt k = 1; k <= rows->n; k++) own->i[own->n + k] = nz + rows->i[k];
  PetscCall(PetscArraycpy(own->j + nz, rows->j, rows->i[rows->n]));
  PetscCall(PetscArraycpy(own->v + nz, rows->v, rows->i[rows->n]));
  own->n += rows->n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- sums ---- */

typedef struct {
  PetscScalar row, column, value; /* numbers that a double holds exactly: one type, hence one message */
} Entry;

/* All entries of all ranks in the ranks' order, the same on each; allocated here */
static PetscErrorCode Gather_Private(MPI_Comm comm, const GNNCSR *T, PetscInt *nz, Entry **all)
{
  PetscMPIInt size, mine, *count, *start, total = 0;
  Entry      *entries;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PetscMalloc3(T->i[T->n], &entries, size, &count, size, &start));
  for (PetscInt i = 0; i < T->n; i++) {
    for (PetscInt p = T->i[i]; p < T->i[i + 1]; p++) entries[p] = (Entry){i, T->j[p], T->v[p]};
  }
  PetscCall(PetscMPIIntCast(3 * T->i[T->n], &mine));
  PetscCallMPI(MPI_Allgather(&mine, 1, MPI_INT, count, 1, MPI_INT, comm));
  for (PetscMPIInt r = 0; r < size; r++) {
    start[r] = total;
    total += count[r];
  }
  *nz = total / 3;
  PetscCall(PetscMalloc1(*nz, all));
  PetscCallMPI(MPI_Allgatherv(entries, mine, MPIU_SCALAR, *all, count, start, MPIU_SCALAR, comm));
  PetscCall(PetscFree3(entries, count, start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Entries of the same place stay apart */
static PetscErrorCode FromEntries_Private(PetscInt n, PetscInt m, PetscInt nz, const Entry entries[], GNNCSR *A)
{
  PetscInt *next;

  PetscFunctionBegin;
  PetscCall(GNNCSRCreate(n, m, nz, A));
  PetscCall(PetscArrayzero(A->i, n + 1));
  for (PetscInt p = 0; p < nz; p++) A->i[(PetscInt)entries[p].row + 1]++;
  for (PetscInt i = 0; i < n; i++) A->i[i + 1] += A->i[i];
  PetscCall(PetscMalloc1(n, &next));
  PetscCall(PetscArraycpy(next, A->i, n));
  for (PetscInt p = 0; p < nz; p++) {
    const PetscInt q = next[(PetscInt)entries[p].row]++;

    A->j[q] = (PetscInt)entries[p].column;
    A->v[q] = entries[p].value;
  }
  PetscCall(PetscFree(next));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Identity_Private(PetscInt n, GNNCSR *E)
{
  PetscFunctionBegin;
  PetscCall(GNNCSRCreate(n, n, n, E));
  for (PetscInt k = 0; k < n; k++) {
    E->i[k + 1] = k + 1;
    E->j[k]     = k;
    E->v[k]     = 1.0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCSRSum(MPI_Comm comm, GNNCSR *T)
{
  const PetscInt n = T->n, m = T->m;
  PetscInt       nz;
  Entry         *entries;
  GNNCSR         all, identity;

  PetscFunctionBegin;
  PetscCall(Gather_Private(comm, T, &nz, &entries));
  PetscCall(GNNCSRDestroy(T));
  PetscCall(FromEntries_Private(n, m, nz, entries, &all));
  PetscCall(PetscFree(entries));
  PetscCall(Identity_Private(m, &identity));
  PetscCall(GNNCSRMultiply(NULL, NULL, &all, &identity, T)); /* which adds up what has the same place */
  PetscCall(GNNCSRDestroy(&identity));
  PetscCall(GNNCSRDestroy(&all));
  PetscFunctionReturn(PETSC_SUCCESS);
}
