static char help[] = "KSPCGGRAPH against KSPCG, its steps done by PETSc's operations in blocks that end anywhere: the same bits. On the host it is KSPCG.\n";

#include "../testcg.h"
#include "../testtext.h"

/* ---- steps as the device does them, by the same scalars; sums in PETSc's order ---- */

struct _n_GNNCGSteps {
  GNNCGSystem system;
  GNNCG       cg;
  GNNCGRecord record[GNN_CG_RECORDS];
};

static PetscErrorCode Supports(PETSC_UNUSED const GNNCGSystem *s, PETSC_UNUSED const char **why)
{
  return PETSC_SUCCESS;
}

static PetscErrorCode Begin(GNNCGSteps *steps, const GNNCGSystem *system, const GNNCG *cg)
{
  PetscFunctionBeginUser;
  if (*steps == NULL) PetscCall(PetscNew(steps));
  (*steps)->system = *system;
  (*steps)->cg     = *cg;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step(GNNCGSteps steps)
{
  const GNNCGSystem *s      = &steps->system;
  GNNCG             *cg     = &steps->cg;
  GNNCGRecord       *record = &steps->record[cg->step % GNN_CG_RECORDS];
  Vec                w;
  PetscScalar        dpi, beta;
  PetscReal          norm;

  PetscFunctionBeginUser;
  if (cg->ended) PetscFunctionReturn(PETSC_SUCCESS);
  if (cg->step == 0) PetscCall(VecCopy(s->z, s->p));
  else PetscCall(VecAYPX(s->p, cg->b, s->z));
  w = s->z;
  PetscCall(MatMult(s->A, s->p, w));
  PetscCall(VecTDot(s->p, w, &dpi));
  GNNCGCurvature(cg, dpi, record);
  if (cg->ended) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecAXPY(s->x, cg->a, s->p));
  PetscCall(VecAXPY(s->r, -cg->a, w));
  PetscCall(PCApply(s->pc, s->r, s->z));
  PetscCall(VecTDot(s->z, s->r, &beta));
  PetscCall(VecNorm(cg->norm == GNN_CG_PRECONDITIONED ? s->z : s->r, NORM_2, &norm));
  GNNCGFinish(cg, beta, norm * norm, record);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A number that has nothing to do with the wanted one, but for the most that may be */
static PetscErrorCode Run(GNNCGSteps steps, PetscInt wanted, GNNCG *cg, GNNCGRecord record[])
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < (wanted == GNN_CG_RECORDS ? wanted : 7); k++) PetscCall(Step(steps));
  *cg = steps->cg;
  PetscCall(PetscArraycpy(record, steps->record, GNN_CG_RECORDS));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View(PETSC_UNUSED GNNCGSteps steps, PetscViewer viewer)
{
  return PetscViewerASCIIPrintf(viewer, "  in sevens\n");
}

static PetscErrorCode Destroy(GNNCGSteps *steps)
{
  return PetscFree(*steps);
}

static const GNNCGOps sevens = {Supports, Begin, Run, View, Destroy};

/* ---- tests ---- */

/* A norm that is squared and rooted again is off by a bit */
#define BITS 1e-15

static PetscErrorCode TestMats(void)
{
  static const char *const pcs[] = {"none", "jacobi", "icc", "gnnspai"};
  const char *name;
  char        options[256];
  Mat         A;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < TEST_CG_MATS; k++) {
    PetscCall(TestCGMat(k, &name, &A));
    for (size_t o = 0; o < PETSC_STATIC_ARRAY_LENGTH(test_cg_options); o++) {
      const char *pc = pcs[(k + (PetscInt)o) % (k < 8 ? 4 : 2)];

      PetscCall(PetscSNPrintf(options, sizeof(options), "-pc_type %s %s", pc, test_cg_options[o]));
      PetscCall(TestCGCompare(A, name, options, &sevens, BITS));
    }
    PetscCall(MatDestroy(&A));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestEnds(Mat A)
{
  char options[256];

  PetscFunctionBeginUser;
  for (size_t o = 0; o < PETSC_STATIC_ARRAY_LENGTH(test_cg_ends); o++) {
    PetscCall(PetscSNPrintf(options, sizeof(options), "-pc_type jacobi %s", test_cg_ends[o]));
    PetscCall(TestCGCompare(A, "27 points", options, &sevens, BITS));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Mat         A;
  int         failed;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PCGNNSPAIRegister());
  PetscCall(TestMats());
  PetscCall(TestMatCreate27(6, 100.0, &A));
  PetscCall(TestEnds(A));
  PetscCall(MatDestroy(&A));
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
