/*
   G by the classical factor: a factorised sparse approximate inverse of the matrix alone.
*/
#include "fsairows.h" /* GNN_FSAI_NONE */
#include "source.h"

static PetscErrorCode Write_Fsai(GNNPlace at, const GNNSettings *settings, const GNNChoice *choice)
{
  PetscFunctionBegin;
  PetscCall(at->ops->fsai(at, choice->kind == GNN_CHOICE_JACOBI ? GNN_FSAI_NONE : settings->threshold, settings->grow));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_Fsai(const GNNSettings *settings, const char use[], PetscViewer viewer)
{
  PetscFunctionBegin;
  if (settings->threshold == 0.0) PetscCall(PetscViewerASCIIPrintf(viewer, "%s: fsai on the lower triangle of A\n", use));
  else PetscCall(PetscViewerASCIIPrintf(viewer, "%s: fsai, grown by a threshold of %g\n", use, (double)settings->threshold));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const GNNSource GNNSourceFsai = {"fsai", Write_Fsai, View_Fsai};
