/*
   What the tests of KSPCGGRAPH share: matrices of many kinds, what may be asked of a KSP, and whether it ends as KSPCG does.
*/
#pragma once

#include "testmat.h"
#include "testpc.h"
#include "testtext.h"
#include "../gnn/cg/cg.h"

#define TEST_CG_MATS 12

/* Rows that are each other's copies, with a change: of a diagonal matrix, 0 off the diagonal */
static inline PetscErrorCode TestCGDiagonal(PetscInt n, PetscScalar (*entry)(PetscInt), Mat *A)
{
  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, n, n, 1, NULL, A));
  for (PetscInt i = 0; i < n; i++) PetscCall(MatSetValue(*A, i, i, entry(i), INSERT_VALUES));
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscScalar TestCGFew(PetscInt i)
{
  return 1.0 + i % 4;
}

static inline PetscScalar TestCGOne(PETSC_UNUSED PetscInt i)
{
  return 3.0;
}

static inline PetscScalar TestCGBothSigns(PetscInt i)
{
  return i % 5 ? 1.0 + i % 3 : -0.01;
}

static inline PetscScalar TestCGZero(PETSC_UNUSED PetscInt i)
{
  return 0.0;
}

static inline PetscScalar TestCGHuge(PETSC_UNUSED PetscInt i)
{
  return 1e200; /* so that p^T A p overflows */
}

/* SPD but for the last four, with which CG fails: in a step, at the first one, by an infinity, by a NaN */
static inline PetscErrorCode TestCGMat(PetscInt k, const char **name, Mat *A)
{
  static const char *const names[TEST_CG_MATS] = {"random", "one row", "few eigenvalues", "blocks", "27 points", "an arrow", "decoupled rows", "hexahedra", "both signs", "zero", "huge", "a NaN"};

  PetscFunctionBeginUser;
  *name = names[k];
  switch (k) {
  case 0:
  case 6:
  case 11:
    PetscCall(TestMatCreateRandom(PETSC_COMM_SELF, 200, 3 + k, A));
    if (k == 6) PetscCall(TestMatDecouple(*A, 7));
    if (k == 11) PetscCall(MatSetValue(*A, 5, 5, NAN, INSERT_VALUES));
    PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
    break;
  case 3:
    PetscCall(TestMatCreateBlocks(PETSC_COMM_SELF, MATAIJ, 3, 50, 2, A));
    break;
  case 4:
    PetscCall(TestMatCreate27(5, 10.0, A));
    break;
  case 5:
    PetscCall(TestMatCreateArrow(1500, 3, A));
    break;
  case 7:
    PetscCall(TestMatCreateHex(3, 3, 10.0, A));
    break;
  default:
    PetscCall(TestCGDiagonal(k == 1 ? 1 : 60, k == 1 ? TestCGOne : k == 2 ? TestCGFew : k == 8 ? TestCGBothSigns : k == 9 ? TestCGZero : TestCGHuge, A));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  PetscInt           its, count;
  PetscReal         *history; /* (count) owned */
  PetscReal          rnorm;
  KSPConvergedReason reason;
  Vec                x;
  KSP                ksp;
} TestCGRun;

#define TEST_CG_HISTORY 400

/* -ksp_type is the options' to say, and ops theirs who do the steps; a random right-hand side, and a random guess if that is wanted */
static inline PetscErrorCode TestCGSolve(Mat A, const char options[], const GNNCGOps *ops, TestCGRun *run)
{
  const PetscReal *history;
  PetscBool        graph, guess;
  Vec              b;
  PC               pc;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsClear(NULL));
  PetscCall(PetscOptionsInsertString(NULL, "-pc_gnnspai_coarse 0"));
  PetscCall(PetscOptionsInsertString(NULL, options));
  PetscCall(KSPCreate(PETSC_COMM_SELF, &run->ksp));
  PetscCall(KSPSetOperators(run->ksp, A, A));
  PetscCall(KSPSetResidualHistory(run->ksp, NULL, TEST_CG_HISTORY, PETSC_TRUE));
  PetscCall(KSPSetFromOptions(run->ksp));
  PetscCall(KSPGetPC(run->ksp, &pc));
  PetscCall(PCGNNSPAISetTF32_Private(pc, PETSC_FALSE));
  PetscCall(PetscObjectTypeCompare((PetscObject)run->ksp, KSPCGGRAPH, &graph));
  if (graph && ops) PetscCall(KSPCGGraphSetOps_Private(run->ksp, ops));
  PetscCall(TestVecRandom(A, 3, &b));
  PetscCall(TestVecRandom(A, 4, &run->x));
  PetscCall(KSPGetInitialGuessNonzero(run->ksp, &guess));
  if (!guess) PetscCall(VecSet(run->x, 0.0));
  PetscCall(KSPSolve(run->ksp, b, run->x));
  PetscCall(KSPGetIterationNumber(run->ksp, &run->its));
  PetscCall(KSPGetConvergedReason(run->ksp, &run->reason));
  PetscCall(KSPGetResidualNorm(run->ksp, &run->rnorm));
  PetscCall(KSPGetResidualHistory(run->ksp, &history, &run->count));
  PetscCall(PetscMalloc1(TEST_CG_HISTORY, &run->history));
  PetscCall(PetscArraycpy(run->history, history, run->count));
  PetscCall(VecDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode TestCGRunDestroy(TestCGRun *run)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(run->history));
  PetscCall(VecDestroy(&run->x));
  PetscCall(KSPDestroy(&run->ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Largest difference of the histories, relative to their first norm; 0 where both are the same bits, NaNs too */
static inline PetscReal TestCGHistories(const TestCGRun *one, const TestCGRun *other)
{
  PetscReal worst = 0.0;

  if (one->count != other->count) return PETSC_INFINITY;
  for (PetscInt k = 0; k < one->count; k++) {
    const PetscReal a = one->history[k], b = other->history[k];

    if (a == b || (a != a && b != b)) continue;
    worst = PetscMax(worst, PetscAbsReal(a - b) / one->history[0]);
    if (a - b != a - b) worst = PETSC_INFINITY;
  }
  return worst;
}

/* Of the solutions, likewise */
static inline PetscErrorCode TestCGSolutions(const TestCGRun *one, const TestCGRun *other, PetscReal *worst)
{
  const PetscScalar *x, *y;
  PetscReal          size = 0.0;
  PetscInt           n;

  PetscFunctionBeginUser;
  *worst = 0.0;
  PetscCall(VecGetLocalSize(one->x, &n));
  PetscCall(VecGetArrayRead(one->x, &x));
  PetscCall(VecGetArrayRead(other->x, &y));
  for (PetscInt i = 0; i < n; i++) {
    size = PetscMax(size, PetscAbsScalar(x[i]));
    if (x[i] != y[i] && !(x[i] != x[i] && y[i] != y[i])) *worst = PetscAbsScalar(x[i] - y[i]) > *worst || x[i] - y[i] != x[i] - y[i] ? PetscAbsScalar(x[i] - y[i]) : *worst;
  }
  PetscCall(VecRestoreArrayRead(one->x, &x));
  PetscCall(VecRestoreArrayRead(other->x, &y));
  if (*worst > 0.0) *worst /= size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does cggraph do what cg does, up to the tolerance in history and solution, and with the same end? */
static inline PetscErrorCode TestCGCompare(Mat A, const char name[], const char options[], const GNNCGOps *ops, PetscReal tolerance)
{
  char      both[2][512];
  TestCGRun run[2];
  PetscReal histories, solutions;

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    PetscCall(PetscSNPrintf(both[k], sizeof(both[k]), "%s -ksp_type %s", options, k == 0 ? KSPCG : KSPCGGRAPH));
    PetscCall(TestCGSolve(A, both[k], ops, &run[k]));
  }
  histories = TestCGHistories(&run[0], &run[1]);
  PetscCall(TestCGSolutions(&run[0], &run[1], &solutions));
  Ok(run[0].its == run[1].its && run[0].reason == run[1].reason && histories <= tolerance && solutions <= tolerance, "%s, %s: %d iterations (%d), %s (%s), histories differ by %.1e, solutions by %.1e", name, options, (int)run[1].its, (int)run[0].its,
     KSPConvergedReasons[run[1].reason], KSPConvergedReasons[run[0].reason], (double)histories, (double)solutions);
  for (int k = 0; k < 2; k++) PetscCall(TestCGRunDestroy(&run[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Without a preconditioner the residual of the random matrix grows at first */
#define TEST_CG_GROWS "-pc_type none -ksp_norm_type unpreconditioned -ksp_divtol 1.05"

/* What may end CG, and where it may begin */
static const char *const test_cg_options[] = {
  "-ksp_norm_type preconditioned -ksp_rtol 1e-6",
  "-ksp_norm_type unpreconditioned -ksp_rtol 1e-6",
  "-ksp_norm_type natural -ksp_rtol 1e-6",
  "-ksp_norm_type none -ksp_max_it 9",
};

static const char *const test_cg_ends[] = {
  "-ksp_max_it 1",
  "-ksp_max_it 10 -ksp_rtol 1e-12",
  "-ksp_max_it 11 -ksp_rtol 1e-12 -ksp_converged_maxits",
  "-ksp_max_it 0",
  "-ksp_atol 1e-4 -ksp_rtol 0",
  "-ksp_initial_guess_nonzero -ksp_rtol 1e-6",
  "-ksp_initial_guess_nonzero -ksp_converged_use_initial_residual_norm -ksp_rtol 1e-6 -ksp_norm_type natural",
  "-ksp_convergence_test skip -ksp_max_it 13",
  "-ksp_atol 1e6",
};

/* On the 27-point matrix */
static inline PetscErrorCode TestCGEnds(Mat A, const GNNCGOps *ops, PetscReal tolerance)
{
  char options[256];

  PetscFunctionBeginUser;
  for (size_t o = 0; o < PETSC_STATIC_ARRAY_LENGTH(test_cg_ends); o++) {
    PetscCall(PetscSNPrintf(options, sizeof(options), "-pc_type jacobi %s", test_cg_ends[o]));
    PetscCall(TestCGCompare(A, "27 points", options, ops, tolerance));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What it says of itself */
static inline PetscErrorCode TestCGView(KSP ksp, const char expected[], const char what[])
{
  Text t;

  PetscFunctionBeginUser;
  PetscCall(TextOpen(&t));
  PetscCall(KSPView(ksp, t.viewer));
  PetscCall(OkText(&t, expected, what));
  PetscCall(TextClose(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}
