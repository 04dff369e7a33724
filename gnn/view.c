/*
   What was chosen, in words: over all ranks for PCView(), on this one for -info.
*/
#include "choose.h"

static const char *const kinds[] = {"the network's factor", "the damped start", "Jacobi", "the classical factor"};

PetscErrorCode GNNChoiceInfo(PetscObject pc, const GNNChooser *c, GNNPlace at)
{
  const GNNChoice *choice    = &c->choice;
  const PetscBool  damped    = choice->damping < 1.0 && (choice->kind == GNN_CHOICE_START || (choice->kind == GNN_CHOICE_NETWORK && choice->alpha < 1.0)) ? PETSC_TRUE : PETSC_FALSE;
  char             share[64] = "";

  PetscFunctionBegin;
  if (c->source == &GNNSourceFsai)
    PetscCall(PetscInfo(pc, "%s: %" PetscInt_FMT " entries in %" PetscInt_FMT " rows, %" PetscInt_FMT " rows are Jacobi's\n", c->source->name, at->ops->entries(at), GNNGraphRows(at->g), at->report.failed));
  if (choice->kind == GNN_CHOICE_NETWORK && choice->alpha < 1.0) PetscCall(PetscSNPrintf(share, sizeof(share), ", a share of %g beside the start", (double)choice->alpha));
  PetscCall(
    PetscInfo(pc, "guard: %s%s%s, %s, entries replaced %" PetscInt_FMT "\n", kinds[choice->kind], share, damped ? ", damped" : "", c->policy == GNN_GUARD_NONE ? "not checked" : (c->kept ? "kept from an earlier set-up" : "newly chosen"), at->report.replaced));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The ranks that had something to choose: how many there are of each kind, where they differ; the least and the largest share */
static PetscErrorCode ViewChoice_Private(const GNNChooser *c, GNNPlace at, MPI_Comm comm, PetscViewer viewer)
{
  const PetscBool blocks   = at->g->b > 1 && c->settings.model->config.scaling == GNN_SCALING_DIAGONAL ? PETSC_TRUE : PETSC_FALSE;
  PetscReal       count[4] = {0.0}, least[2] = {PETSC_MAX_REAL, PETSC_MAX_REAL}; /* of alpha and of -alpha */
  char            text[256] = "guard: ", part[64];

  PetscFunctionBegin;
  if (at->report.coupled > 0) {
    count[c->choice.kind] = 1.0;
    least[0]              = c->choice.alpha;
    least[1]              = -c->choice.alpha;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, count, 4, MPIU_REAL, MPIU_SUM, comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, least, 2, MPIU_REAL, MPIU_MIN, comm));
  for (PetscInt k = 0; k < 4; k++) {
    if (count[k] == 0.0) continue;
    PetscCall(PetscSNPrintf(part, sizeof(part), count[k] == count[0] + count[1] + count[2] + count[3] ? "%s, " : "%s on %.0f ranks, ", k == GNN_CHOICE_JACOBI && blocks ? "point-block Jacobi" : kinds[k], (double)count[k]));
    PetscCall(PetscStrlcat(text, part, sizeof(text)));
  }
  if (least[0] == PETSC_MAX_REAL) PetscCall(PetscSNPrintf(part, sizeof(part), "nothing to choose"));
  else if (c->source != &GNNSourceNetwork) PetscCall(PetscSNPrintf(part, sizeof(part), "%s", count[GNN_CHOICE_JACOBI] > 0.0 ? "by work" : "tried against Jacobi"));
  else if (least[0] == -least[1]) PetscCall(PetscSNPrintf(part, sizeof(part), "alpha = %g", (double)least[0]));
  else PetscCall(PetscSNPrintf(part, sizeof(part), "alpha from %g to %g", (double)least[0], (double)-least[1]));
  PetscCall(PetscViewerASCIIPrintf(viewer, "%s%s\n", text, part));
  if (count[GNN_CHOICE_FSAI] > 0.0 && c->source == &GNNSourceNetwork) PetscCall(GNNSourceFsai.view(&c->settings, "classical factor", viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sums over the ranks */
PetscErrorCode GNNChooserView(const GNNChooser *c, GNNPlace at, MPI_Comm comm, PetscViewer viewer)
{
  PetscReal here[] = {at->ops->entries(at), GNNGraphEntries(at->g), at->report.replaced, GNNGraphRows(at->g) - at->report.coupled, at->report.failed}, sum[5];

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(here, sum, 5, MPIU_REAL, MPIU_SUM, comm));
  PetscCall(PetscViewerASCIIPrintf(viewer, "nnz(G)/nnz(A) = %.3g (%s), decoupled rows %.0f, entries replaced %.0f\n", (double)(sum[0] / PetscMax(sum[1], 1.0)), at->g->halo ? "over all ranks" : "diagonal blocks", (double)sum[3], (double)sum[2]));
  if (sum[4] > 0.0) PetscCall(PetscViewerASCIIPrintf(viewer, "fsai: %.0f rows are Jacobi's, the matrix is not positive definite there\n", (double)sum[4]));
  if (c->policy == GNN_GUARD_NONE) PetscCall(PetscViewerASCIIPrintf(viewer, "guard: off\n"));
  else PetscCall(ViewChoice_Private(c, at, comm, viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}
