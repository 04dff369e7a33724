static char help[] = "KSPCGGRAPH on the device against KSPCG there: histories, ends, launches of an iteration, new values, and what it does without graphs.\n";

#include "testdevice.h"
#include "../testcg.h"

#if defined(GNN_EMULATE)
extern long long EmulateCounted(const char *); /* of the emulated device */
  #define COUNTS 1
#else
  #define EmulateCounted(what) 0
  #define COUNTS               0
#endif

/* A sum in another order: the same after the few steps that these systems need */
#define ROUNDING 1e-12

/* In Jacobi's step one launch does what two do in others; most launches of a step are */
typedef struct {
  const char *name, *options;
  PetscInt    most;  /* launches */
  PetscBool   graph; /* is it captured? */
} Preconditioner;

static const Preconditioner preconditioners[] = {
  {"Jacobi",          "-pc_type jacobi",                                                                                              3, PETSC_TRUE },
  {"none",            "-pc_type none",                                                                                                3, PETSC_TRUE },
  {"classical",       "-pc_type gnnspai -pc_gnnspai_values fsai -pc_gnnspai_guard none",                                              6, PETSC_TRUE },
  {"in double",       "-pc_type gnnspai -pc_gnnspai_values fsai -pc_gnnspai_guard none -pc_gnnspai_precision double",                 6, PETSC_TRUE },
  {"network's",       "-pc_type gnnspai -pc_gnnspai_values network -pc_gnnspai_guard none",                                           6, PETSC_TRUE },
  {"coarse space",    "-pc_type gnnspai -pc_gnnspai_values fsai -pc_gnnspai_guard none -pc_gnnspai_coarse 12",                        9, PETSC_TRUE },
  {"in half",         "-pc_type gnnspai -pc_gnnspai_values fsai -pc_gnnspai_guard none -pc_gnnspai_precision half",                   6, PETSC_TRUE },
  {"incomplete",      "-pc_type icc",                                                                                                 4, PETSC_FALSE},
};

static PetscErrorCode TestMats(void)
{
  const char *name;
  char        options[512];
  Mat         A;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < TEST_CG_MATS; k++) {
    PetscCall(TestCGMat(k, &name, &A));
    PetscCall(GNNMatToDevice(&A));
    for (size_t o = 0; o < PETSC_STATIC_ARRAY_LENGTH(test_cg_options); o++) {
      const Preconditioner *p = &preconditioners[k < 8 ? (k + (PetscInt)o) % 8 : (k + (PetscInt)o) % 2];

      if (TestSmall() && o % 2) continue;
      if (k == 0 || k == 3 || k == 5 || k == 6) p = &preconditioners[o % 2 ? 2 : 4]; /* others need hundreds of steps, or magnify the rounding */
      PetscCall(PetscSNPrintf(options, sizeof(options), "%s %s", p->options, test_cg_options[o]));
      PetscCall(TestCGCompare(A, name, options, NULL, ROUNDING));
    }
    if (k == 0) PetscCall(TestCGCompare(A, name, TEST_CG_GROWS, NULL, ROUNDING));
    PetscCall(MatDestroy(&A));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Launches and waits of a solve of so many steps */
static PetscErrorCode Count(Mat A, const Preconditioner *p, PetscInt steps, long long *launches, long long *waits)
{
  char      options[512];
  TestCGRun run;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(options, sizeof(options), "-ksp_type cggraph %s -ksp_norm_type unpreconditioned -ksp_convergence_test skip -ksp_max_it %d", p->options, (int)steps));
  *launches = -EmulateCounted("launch of");
  *waits    = -EmulateCounted("waited");
  PetscCall(TestCGSolve(A, options, NULL, &run));
  *launches += EmulateCounted("launch of");
  *waits += EmulateCounted("waited");
  if (steps == 40) PetscCall(TestCGView(run.ksp, p->graph ? "graphs of 10 iterations" : "without graphs", p->name));
  PetscCall(TestCGRunDestroy(&run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Twenty steps more are that many launches more, and with a graph no wait more: they are known to be wanted */
static PetscErrorCode TestLaunches(Mat A)
{
  PetscFunctionBeginUser;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(preconditioners); k++) {
    const Preconditioner *p           = &preconditioners[k];
    long long             launches[2] = {0}, waits[2] = {0};

    PetscCall(Count(A, p, 20, &launches[0], &waits[0]));
    PetscCall(Count(A, p, 40, &launches[1], &waits[1]));
    if (!COUNTS) continue;
    Ok(launches[1] - launches[0] == 20 * p->most && waits[1] - waits[0] == (p->graph ? 0 : 20), "%s: %g launches and %g waits an iteration", p->name, (double)(launches[1] - launches[0]) / 20.0, (double)(waits[1] - waits[0]) / 20.0);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* New values, another preconditioner, another matrix: the graph is renewed. In between KSPCG with the same PC */
static PetscErrorCode TestRefresh(Mat A, Mat B)
{
  const char *const types[] = {"classical", "new values", "Jacobi", "another matrix", "back"};
  KSP               ksp, plain;
  PC                pc;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsClear(NULL));
  PetscCall(PetscOptionsInsertString(NULL, "-pc_type gnnspai -pc_gnnspai_values fsai -pc_gnnspai_coarse 0 -pc_gnnspai_guard none -ksp_rtol 1e-8"));
  PetscCall(KSPCreate(PETSC_COMM_SELF, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetFromOptions(ksp));
  PetscCall(KSPSetType(ksp, KSPCGGRAPH));
  for (int k = 0; k < 5; k++) {
    Mat       M = k == 3 ? B : A;
    Vec       b, x, y;
    PetscInt  its[2];
    PetscReal difference;

    if (k == 1) PetscCall(MatScale(A, 3.0));
    PetscCall(KSPGetPC(ksp, &pc));
    if (k == 2) PetscCall(PCSetType(pc, PCJACOBI));
    if (k == 3) PetscCall(KSPReset(ksp));
    if (k == 4) PetscCall(KSPReset(ksp));
    if (k == 4) PetscCall(PCSetType(pc, PCGNNSPAI));
    if (k == 4) PetscCall(PCSetFromOptions(pc));
    PetscCall(TestVecRandom(M, 5, &b));
    PetscCall(VecDuplicate(b, &x));
    PetscCall(VecDuplicate(b, &y));
    PetscCall(KSPSetOperators(ksp, M, M));
    PetscCall(KSPSolve(ksp, b, x));
    PetscCall(KSPGetIterationNumber(ksp, &its[0]));
    PetscCall(KSPCreate(PETSC_COMM_SELF, &plain));
    PetscCall(KSPSetType(plain, KSPCG));
    PetscCall(KSPSetPC(plain, pc));
    PetscCall(KSPSetTolerances(plain, 1e-8, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
    PetscCall(KSPSolve(plain, b, y));
    PetscCall(KSPGetIterationNumber(plain, &its[1]));
    PetscCall(TestDifference(x, 1.0, y, &difference));
    Ok(its[0] == its[1] && its[0] > 3 && difference < ROUNDING, "%s: %d iterations (%d), solutions differ by %.1e", types[k], (int)its[0], (int)its[1], (double)difference);
    PetscCall(KSPDestroy(&plain));
    PetscCall(VecDestroy(&b));
    PetscCall(VecDestroy(&x));
    PetscCall(VecDestroy(&y));
  }
  PetscCall(KSPDestroy(&ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A device that refuses the graph: the same without it */
static PetscErrorCode TestWithout(Mat A, const char when[])
{
  TestCGRun run;

  PetscFunctionBeginUser;
  (void)setenv("EMULATE_NO_GRAPH", when, 1);
  PetscCall(TestCGCompare(A, when, "-pc_type gnnspai -pc_gnnspai_guard none -ksp_rtol 1e-6", NULL, ROUNDING));
  PetscCall(TestCGSolve(A, "-ksp_type cggraph -pc_type jacobi -ksp_rtol 1e-6", NULL, &run));
  PetscCall(TestCGView(run.ksp, "without graphs", when));
  PetscCall(TestCGRunDestroy(&run));
  (void)unsetenv("EMULATE_NO_GRAPH");
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Mat A, B;
  int failed;

  if (TestSkipped()) return 0;
  PetscFunctionBeginUser;
  PetscCall(TestInitialize(&argc, &argv, help));
#if defined(GNN_EMULATE)
  GNNDeviceEmulate = PETSC_TRUE;
#endif
  PetscCall(TestMats());
  PetscCall(TestMatCreate27(TestSmall() ? 4 : 6, 100.0, &A));
  PetscCall(GNNMatToDevice(&A));
  PetscCall(TestMatCreate27(4, 10.0, &B));
  PetscCall(GNNMatToDevice(&B));
  PetscCall(TestCGEnds(A, NULL, ROUNDING));
  PetscCall(TestLaunches(B));
  PetscCall(TestRefresh(A, B));
  if (COUNTS) PetscCall(TestWithout(A, "end"));
  if (COUNTS) PetscCall(TestWithout(A, "launch"));
  PetscCall(MatDestroy(&A));
  PetscCall(MatDestroy(&B));
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
