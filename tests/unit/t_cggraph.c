static char help[] = "KSPCGGRAPH against KSPCG, its steps done by PETSc's operations in blocks that end anywhere: the same bits. On the host it is KSPCG.\n";

#include "../caught.h"
#include "../testcg.h"

/* ---- steps as the device does them, by the same scalars; sums in PETSc's order ---- */

struct _n_GNNCGSteps {
  GNNCGSystem system;
  GNNCG       cg;
  PetscReal   norm[GNN_CG_NORMS];
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
  const GNNCGSystem *s  = &steps->system;
  GNNCG             *cg = &steps->cg;
  PetscReal         *at = &steps->norm[cg->step % GNN_CG_NORMS];
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
  GNNCGCurvature(cg, dpi);
  if (cg->ended) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecAXPY(s->x, cg->a, s->p));
  PetscCall(VecAXPY(s->r, -cg->a, w));
  PetscCall(PCApply(s->pc, s->r, s->z));
  PetscCall(VecTDot(s->z, s->r, &beta));
  PetscCall(VecNorm(cg->norm == GNN_CG_PRECONDITIONED ? s->z : s->r, NORM_2, &norm));
  *at = GNNCGFinish(cg, beta, norm * norm);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A number that has nothing to do with the wanted one, but for the most that may be */
static PetscErrorCode Run(GNNCGSteps steps, PetscInt wanted, GNNCG *cg, PetscReal norm[])
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < (wanted == GNN_CG_NORMS ? wanted : 7); k++) PetscCall(Step(steps));
  *cg = steps->cg;
  PetscCall(PetscArraycpy(norm, steps->norm, GNN_CG_NORMS));
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
  const char              *name;
  char                     options[256];
  Mat                      A;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < TEST_CG_MATS; k++) {
    PetscCall(TestCGMat(k, &name, &A));
    for (size_t o = 0; o < PETSC_STATIC_ARRAY_LENGTH(test_cg_options); o++) {
      const char *pc = pcs[(k + (PetscInt)o) % (k < 8 ? 4 : 2)];

      PetscCall(PetscSNPrintf(options, sizeof(options), "-pc_type %s %s", pc, test_cg_options[o]));
      PetscCall(TestCGCompare(A, name, options, &sevens, BITS));
    }
    if (k == 0) PetscCall(TestCGCompare(A, name, TEST_CG_GROWS, &sevens, BITS));
    PetscCall(MatDestroy(&A));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestView(Mat A, const char options[], const GNNCGOps *ops, const char expected[])
{
  char      all[512];
  TestCGRun run;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(all, sizeof(all), "-ksp_type cggraph -pc_type jacobi -ksp_rtol 1e-6 %s", options));
  PetscCall(TestCGSolve(A, all, ops, &run));
  PetscCall(TestCGView(run.ksp, expected, options));
  PetscCall(TestCGRunDestroy(&run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where it is plain CG, and that it is not elsewhere */
static PetscErrorCode TestViews(Mat A)
{
  MatNullSpace null;

  PetscFunctionBeginUser;
  PetscCall(TestView(A, "", &sevens, "in sevens"));
  PetscCall(TestView(A, "-ksp_monitor ascii:/dev/null", &sevens, "in sevens"));
  PetscCall(TestView(A, "-ksp_cg_single_reduction 0", &sevens, "in sevens"));
  PetscCall(TestView(A, "", NULL, "as plain CG: the matrix is not on a device"));
  PetscCall(TestView(A, "-ksp_monitor_true_residual ascii:/dev/null", &sevens, "as plain CG: a monitor may look at the solution"));
  PetscCall(TestView(A, "-ksp_compute_singularvalues", &sevens, "as plain CG: eigenvalues are wanted"));
  PetscCall(TestView(A, "-ksp_check_norm_iteration 3", &sevens, "as plain CG: norms are left out"));
  PetscCall(TestView(A, "-ksp_cg_single_reduction", &sevens, "as plain CG: a variant of it was asked for"));
  PetscCall(MatNullSpaceCreate(PETSC_COMM_SELF, PETSC_TRUE, 0, NULL, &null));
  PetscCall(MatSetNullSpace(A, null));
  PetscCall(TestView(A, "", &sevens, "as plain CG: the matrix has a null space attached"));
  PetscCall(MatSetNullSpace(A, NULL));
  PetscCall(MatNullSpaceDestroy(&null));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Its iterations, the norm of the residual that it has, and how far that is from b - A x */
static PetscErrorCode SolveOnce(KSP ksp, Mat A, PetscInt *its, PetscReal *residual, PetscReal *error)
{
  Vec       b, x, r;
  PetscReal size;

  PetscFunctionBeginUser;
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(TestVecRandom(A, 5, &b));
  PetscCall(VecDuplicate(b, &x));
  PetscCall(KSPSolve(ksp, b, x));
  PetscCall(KSPGetIterationNumber(ksp, its));
  PetscCall(KSPBuildResidual(ksp, NULL, NULL, &r));
  PetscCall(VecNorm(r, NORM_2, residual));
  PetscCall(VecNorm(b, NORM_2, &size));
  PetscCall(VecAXPY(b, -1.0, r));
  PetscCall(MatMult(A, x, r));
  PetscCall(VecAXPY(b, -1.0, r));
  PetscCall(VecNorm(b, NORM_2, error));
  *error /= size;
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One KSP over types, resets, sizes and values; a fresh KSPCG beside it */
static PetscErrorCode TestReuse(Mat small, Mat large)
{
  const char *const types[] = {KSPCGGRAPH, KSPCG, KSPCGGRAPH, KSPCGGRAPH, KSPCGGRAPH};
  KSP               ksp, plain;
  PetscInt          its[2];
  PetscReal         residual[2], error[2];

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsClear(NULL));
  PetscCall(KSPCreate(PETSC_COMM_SELF, &ksp));
  for (PetscInt k = 0; k < 5; k++) {
    Mat A = k < 3 ? small : large;
    PC  pc;

    PetscCall(KSPSetType(ksp, types[k]));
    if (types[k][2] == 'g') PetscCall(KSPCGGraphSetOps_Private(ksp, &sevens));
    PetscCall(KSPGetPC(ksp, &pc));
    PetscCall(PCSetType(pc, PCJACOBI));
    if (k == 3) PetscCall(KSPReset(ksp));
    if (k == 4) PetscCall(MatScale(A, 2.0));
    PetscCall(SolveOnce(ksp, A, &its[0], &residual[0], &error[0]));
    PetscCall(KSPCreate(PETSC_COMM_SELF, &plain));
    PetscCall(KSPSetType(plain, KSPCG));
    PetscCall(KSPGetPC(plain, &pc));
    PetscCall(PCSetType(pc, PCJACOBI));
    PetscCall(SolveOnce(plain, A, &its[1], &residual[1], &error[1]));
    Ok(its[0] == its[1] && residual[0] == residual[1] && error[0] < 1e-12, "solve %d with one KSP: %d iterations (%d), residual %g (%g), true to %.0e", (int)k + 1, (int)its[0], (int)its[1], (double)residual[0], (double)residual[1], (double)error[0]);
    PetscCall(KSPDestroy(&plain));
  }
  PetscCall(KSPDestroy(&ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With a failed preconditioner, and where a failure is to be an error */
static PetscErrorCode TestFailures(void)
{
  const char    *name;
  KSP            ksp;
  Mat            A;
  Vec            b, x;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(TestCGMat(11, &name, &A));
  PetscCall(TestCGCompare(A, name, "-pc_type gnnspai", &sevens, BITS));
  PetscCall(MatDestroy(&A));
  PetscCall(TestCGMat(8, &name, &A));
  PetscCall(TestVecRandom(A, 5, &b));
  PetscCall(VecDuplicate(b, &x));
  PetscCall(PetscOptionsInsertString(NULL, "-ksp_type cggraph -pc_type none -ksp_error_if_not_converged"));
  PetscCall(KSPCreate(PETSC_COMM_SELF, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetFromOptions(ksp));
  PetscCall(KSPCGGraphSetOps_Private(ksp, &sevens));
  Caught(ierr, KSPSolve(ksp, b, x));
  PetscCall(OkMessage(ierr, "indefinite", "matrix", "-ksp_error_if_not_converged with an indefinite matrix"));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Mat A, small;
  int failed;

  PetscFunctionBeginUser;
  (void)setenv("PETSC_OPTIONS", "-checkstack false", 1);
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PCGNNSPAIRegister());
  PetscCall(TestMats());
  PetscCall(TestMatCreate27(6, 100.0, &A));
  PetscCall(TestCGEnds(A, &sevens, BITS));
  PetscCall(TestViews(A));
  PetscCall(TestMatCreateRandom(PETSC_COMM_SELF, 150, 8, &small));
  PetscCall(TestReuse(small, A));
  PetscCall(TestFailures());
  PetscCall(MatDestroy(&small));
  PetscCall(MatDestroy(&A));
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
