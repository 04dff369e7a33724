/*
   Failures of a set-up, and what all ranks say of them.
*/
#include "failure.h"

PetscErrorCode GNNFailureSet(GNNFailure *f, PCFailedReason reason, PetscBool wrong, const char text[])
{
  PetscFunctionBegin;
  f->reason = reason;
  f->wrong  = wrong;
  PetscCall(PetscStrncpy(f->text, text, sizeof(f->text)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNFailureReport(GNNFailure *f, GNNGraph g, GNNGraphStatus status, PetscInt row)
{
  static const PCFailedReason reasons[] = {
    [GNN_GRAPH_NOT_FINITE] = PC_FACTOR_OTHER, [GNN_GRAPH_NO_DIAGONAL] = PC_FACTOR_STRUCT_ZEROPIVOT, [GNN_GRAPH_NOT_POSITIVE] = PC_FACTOR_NUMERIC_ZEROPIVOT, [GNN_GRAPH_BLOCK_NOT_POSITIVE] = PC_FACTOR_NUMERIC_ZEROPIVOT,
    [GNN_GRAPH_UNSORTED] = PC_FACTOR_OTHER,
  };
  char text[400];

  PetscFunctionBegin;
  if (status == GNN_GRAPH_OK || status == GNN_GRAPH_ELSEWHERE) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GNNGraphExplain(g, status, row, text, sizeof(text)));
  PetscCall(GNNFailureSet(f, reasons[status], status == GNN_GRAPH_UNSORTED ? PETSC_TRUE : PETSC_FALSE, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNFailureAgree(MPI_Comm comm, GNNFailure *f, PetscReal *x)
{
  PetscMPIInt rank, size, least;
  PetscReal   worst[4];

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  worst[0] = (PetscReal)f->reason;
  worst[1] = f->wrong ? 1.0 : 0.0;
  worst[2] = f->reason ? (PetscReal)(size - rank) : 0.0;
  worst[3] = *x;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, worst, 4, MPIU_REAL, MPIU_MAX, comm));
  f->reason = (PCFailedReason)worst[0];
  f->wrong  = worst[1] > 0.0 ? PETSC_TRUE : PETSC_FALSE;
  *x        = worst[3];
  if (f->reason == PC_NOERROR) PetscFunctionReturn(PETSC_SUCCESS);
  least = size - (PetscMPIInt)worst[2];
  PetscCallMPI(MPI_Bcast(f->text, (PetscMPIInt)sizeof(f->text), MPI_CHAR, least, comm));
  if (size > 1) {
    char text[sizeof(f->text)];

    PetscCall(PetscStrncpy(text, f->text, sizeof(text)));
    PetscCall(PetscSNPrintf(f->text, sizeof(f->text), "Rank %d: %s", least, text));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
