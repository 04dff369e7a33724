static char help[] = "What the preconditioner refuses, and what the message says; NaN and infinity end the solve on every rank, and nothing more.\n\n";

#include "../caught.h"
#include "../testpc.h"
#include "../testtext.h"

/* Ranks fail one by one on their own block, so matrices that are refused live on PETSC_COMM_SELF: every rank meets the same error */

static PetscErrorCode OkSetUpRefused(PC pc, const char name[], const char expected[], const char what[])
{
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  Caught(ierr, PCSetUp(pc));
  PetscCall(OkMessage(ierr, name, expected, what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A solve with b = 1 */
static PetscErrorCode Reason(KSP ksp, KSPConvergedReason *reason)
{
  Mat A;
  Vec b, x;

  PetscFunctionBeginUser;
  PetscCall(KSPGetOperators(ksp, &A, NULL));
  PetscCall(MatCreateVecs(A, &x, &b));
  PetscCall(VecSet(b, 1.0));
  PetscCall(KSPSolve(ksp, b, x));
  PetscCall(KSPGetConvergedReason(ksp, reason));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode KSPMake(Mat A, KSP *ksp)
{
  PC pc;

  PetscFunctionBeginUser;
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)A), ksp));
  PetscCall(KSPSetType(*ksp, KSPCG));
  PetscCall(KSPSetTolerances(*ksp, 1e-8, PETSC_DEFAULT, PETSC_DEFAULT, 1000));
  PetscCall(KSPGetPC(*ksp, &pc));
  PetscCall(PCSetType(pc, PCGNNSPAI));
  PetscCall(KSPSetOperators(*ksp, A, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- matrices ---- */

/* 3 x 3, values by rows; stored: x in the pattern, . not */
typedef struct {
  const char *what;
  PetscScalar value[9];
  const char *stored, *expected;
} Small;

static const Small refused[] = {
  {"a diagonal that is not stored", {4, -1, 0, -1, 0, -1, 0, -1, 4},   "xx.x.x.xx", "Row 1 of the matrix has no stored diagonal"},
  {"an empty row",                  {4, -1, 0, -1, 4, 0, 0, 0, 0},     "xx.xx....", "Row 2 of the matrix has no stored diagonal"},
  {"a zero diagonal",               {4, -1, 0, -1, 0, -1, 0, -1, 4},   "xx.xxx.xx", "Diagonal entry 1 of the matrix is 0"       },
  {"a negative diagonal",           {4, -1, 0, -1, 4, -1, 0, -1, -4},  "xx.xxx.xx", "Diagonal entry 2 of the matrix is -4"      },
  {"a NaN",                         {4, -1, 0, -1, 4, NAN, 0, NAN, 4}, "xx.xxx.xx", "Row 1 of the matrix holds a NaN"           },
  {"a decoupled negative diagonal", {-4, 0, 0, 0, 4, -1, 0, -1, 4},    "x...xx.xx", "if A is negative definite, solve with -A"  }
};
static const Small accepted[] = {
  {"a value without its partner",         {4, -1, -1, 0, 4, -1, -1, -1, 4}, "xxx.xxxxx", NULL},
  {"a row that MatZeroRows() set",        {4, -1, 0, -1, 4, -1, 0, 0, 4},   "xx.xxx..x", NULL},
  {"a stored zero without its partner",   {4, -1, 0, -1, 4, -1, 0, -1, 4},  "xxxxxx.xx", NULL},
  {"decoupled rows with one-sided zeros", {4, 0, 0, 0, 4, -1, 0, -1, 4},    "xxx.xx.xx", NULL}
};

static PetscErrorCode SmallMat(const Small *s, Mat *A)
{
  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, 3, 3, 3, NULL, A));
  for (PetscInt k = 0; k < 9; k++) {
    if (s->stored[k] == 'x') PetscCall(MatSetValue(*A, k / 3, k % 3, s->value[k], INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does the solve end with the PC failed, and PCView() on PETSC_COMM_WORLD say why? */
static PetscErrorCode OkFails(KSP ksp, const char expected[], const char what[])
{
  KSPConvergedReason reason;
  PCFailedReason     failed;
  PC                 pc;

  PetscFunctionBeginUser;
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(Reason(ksp, &reason));
  PetscCall(PCGetFailedReason(pc, &failed));
  Ok(reason == KSP_DIVERGED_PC_FAILED && failed != PC_NOERROR, "%s: no error, the solve ends with the PC failed", what);
  if (expected) PetscCall(OkView(pc, expected, what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OkSolves(KSP ksp, Mat A, const char what[])
{
  KSPConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(Reason(ksp, &reason));
  Ok(reason > 0, "%s: then a good matrix is solved", what);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After a good matrix or before it, twice; then a good one. And an error where KSPSetErrorIfNotConverged() asks for it */
static PetscErrorCode TestRefused(const Small *s, PCGNNSPAIValues values)
{
  Mat A, good;
  KSP ksp;
  PC  pc;

  PetscFunctionBeginUser;
  PetscCall(SmallMat(s, &A));
  PetscCall(SmallMat(&accepted[2], &good));
  PetscCall(KSPMake(A, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCGNNSPAISetValues(pc, values));
  PetscCall(OkFails(ksp, NULL, s->what));
  PetscCall(OkFails(ksp, NULL, s->what));
  PetscCall(OkSolves(ksp, good, s->what));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(OkFails(ksp, NULL, s->what));
  PetscCall(OkSolves(ksp, good, s->what));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(PCSetErrorIfFailure(pc, PETSC_TRUE));
  PetscCall(OkSetUpRefused(pc, "matrix", s->expected, s->what));
  PetscCall(OkSetUpRefused(pc, "matrix", s->expected, s->what));
  PetscCall(PCSetErrorIfFailure(pc, PETSC_FALSE));
  PetscCall(OkSolves(ksp, good, s->what));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscCall(MatDestroy(&good));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestAccepted(const Small *s)
{
  Mat                A;
  KSP                ksp;
  KSPConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(SmallMat(s, &A));
  PetscCall(KSPMake(A, &ksp));
  PetscCall(KSPSetType(ksp, KSPGMRES)); /* one-sided values */
  PetscCall(Reason(ksp, &reason));
  Ok(reason > 0, "%s is accepted", s->what);
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestUnsorted(const PetscInt second, const char what[])
{
  PetscInt    i[] = {0, 2, 4}, j[] = {1, second, 0, 1};
  PetscScalar a[] = {-1, 4, -1, 4};
  Mat         A;
  PC          pc;

  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqAIJWithArrays(PETSC_COMM_SELF, 2, 2, i, j, a, &A));
  PetscCall(TestPCCreate(A, NULL, PETSC_TRUE, &pc));
  PetscCall(OkSetUpRefused(pc, "Row 0", "unsorted or repeated columns", what));
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Wider than high: a column that is no row */
static PetscErrorCode TestRectangular(void)
{
  Mat A;
  PC  pc;

  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, 2, 2000, 2, NULL, &A));
  for (PetscInt i = 0; i < 2; i++) {
    PetscCall(MatSetValue(A, i, i, 4.0, INSERT_VALUES));
    PetscCall(MatSetValue(A, i, 1999, -1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(TestPCCreate(A, NULL, PETSC_TRUE, &pc));
  PetscCall(OkSetUpRefused(pc, "", "square", "a matrix that is not square"));
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestDense(void)
{
  Mat                A, dense;
  KSP                ksp;
  KSPConvergedReason reason[2];

  PetscFunctionBeginUser;
  PetscCall(TestMatCreateRandom(PETSC_COMM_SELF, 30, 1, &A));
  PetscCall(MatConvert(A, MATDENSE, MAT_INITIAL_MATRIX, &dense));
  PetscCall(KSPMake(dense, &ksp));
  PetscCall(Reason(ksp, &reason[0]));
  PetscCall(MatShift(dense, 0.5));
  PetscCall(Reason(ksp, &reason[1]));
  Ok(reason[0] > 0 && reason[1] > 0, "a dense matrix is converted, and again when its values change");
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscCall(MatDestroy(&dense));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- values that are no numbers ---- */

/* Puts a value at (row, row), or at (row, row + 1), and its mirror */
static PetscErrorCode Put(Mat A, PetscInt row, PetscInt column, PetscScalar value)
{
  PetscInt start, end;

  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRange(A, &start, &end));
  if (row >= start && row < end) PetscCall(MatSetValue(A, row, column, value, INSERT_VALUES));
  if (column != row && column >= start && column < end) PetscCall(MatSetValue(A, column, row, value, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -1, 3, -1 */
static PetscErrorCode LineMat(PetscInt n, Mat *A)
{
  PetscInt start, end;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, n, n, 3, NULL, 2, NULL, A));
  PetscCall(MatGetOwnershipRange(*A, &start, &end));
  for (PetscInt i = start; i < end; i++) {
    PetscCall(MatSetValue(*A, i, i, 3.0, INSERT_VALUES));
    if (i > 0) PetscCall(MatSetValue(*A, i, i - 1, -1.0, INSERT_VALUES));
    if (i < n - 1) PetscCall(MatSetValue(*A, i, i + 1, -1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestNotFinite(PetscScalar bad, PetscInt offset, PetscBool first, const char what[])
{
  const PetscInt     n = 60; /* the bad entry is the last rank's */
  Mat                A;
  KSP                ksp;
  PC                 pc;
  PCFailedReason     failed;
  KSPConvergedReason before = KSP_CONVERGED_RTOL, reason, after;

  PetscFunctionBeginUser;
  PetscCall(LineMat(n, &A));
  PetscCall(KSPMake(A, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  if (!first) PetscCall(Reason(ksp, &before));
  PetscCall(Put(A, n - 1 - offset, n - 1, bad));
  PetscCall(Reason(ksp, &reason));
  PetscCall(PCGetFailedReason(pc, &failed));
  Ok(before > 0 && reason == KSP_DIVERGED_PC_FAILED && failed != PC_NOERROR, "%s: the solve ends on every rank, PC failed", what);
  PetscCall(Put(A, n - 1 - offset, n - 1, offset ? -1.0 : 3.0));
  PetscCall(Reason(ksp, &after));
  PetscCall(PCGetFailedReason(pc, &failed));
  if (after < 0) PetscCall(Reason(ksp, &after)); /* the methods of PETSc 3.18 begin with the reason of the last solve: once more infinity */
  Ok(after > 0 && failed == PC_NOERROR, "%s: repaired, the next solve converges", what);
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- models, settings, features ---- */

static PetscErrorCode TestModelName(const char name[])
{
  Mat                A;
  KSP                ksp;
  PC                 pc;
  KSPConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(LineMat(60, &A));
  PetscCall(KSPMake(A, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCGNNSPAISetModel(pc, name));
  PetscCall(OkSetUpRefused(pc, name, "built-in models: general ", "a model that is not there"));
  PetscCall(PCGNNSPAISetModel(pc, "heat"));
  PetscCall(Reason(ksp, &reason));
  Ok(reason > 0, "%s: another model can be set after the error", name);
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestSettings(void)
{
  const PetscReal epsilons[] = {0.0, -1.0, 1.5, NAN, INFINITY};
  PC              pc;
  Mat             G;
  PetscReal       value;
  PetscErrorCode  ierr;

  PetscFunctionBeginUser;
  PetscCall(PCCreate(PETSC_COMM_WORLD, &pc));
  PetscCall(PCSetType(pc, PCGNNSPAI));
  PetscCall(PCGNNSPAISetEpsilon(pc, 0.25));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(epsilons); k++) {
    char what[32];

    Caught(ierr, PCGNNSPAISetEpsilon(pc, epsilons[k]));
    PetscCall(PetscSNPrintf(what, sizeof(what), "epsilon %g", (double)epsilons[k]));
    PetscCall(OkMessage(ierr, "-pc_gnnspai_epsilon", "(0, 1]", what));
  }
  PetscCall(PCGNNSPAIGetEpsilon(pc, &value));
  Ok(value == 0.25, "a value that is refused changes nothing");
  Caught(ierr, PCGNNSPAIGetFactor(pc, &G));
  PetscCall(OkMessage(ierr, "", "PCSetUp()", "the factor before the set-up"));
  Caught(ierr, PCGNNSPAIGetChoice(pc, NULL, &value));
  PetscCall(OkMessage(ierr, "", "PCSetUp()", "the guard's choice before the set-up"));
  Caught(ierr, PCGNNSPAISetValues(pc, (PCGNNSPAIValues)5));
  PetscCall(OkMessage(ierr, "5", "PCGNNSPAIValues", "what is no value of an enum: values"));
  Caught(ierr, PCGNNSPAISetGuard(pc, (PCGNNSPAIGuard)-1));
  PetscCall(OkMessage(ierr, "-1", "PCGNNSPAIGuard", "what is no value of an enum: guard"));
  Caught(ierr, PCGNNSPAISetPrecision(pc, (PCGNNSPAIPrecision)3));
  PetscCall(OkMessage(ierr, "3", "PCGNNSPAIPrecision", "what is no value of an enum: precision"));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(PCGNNSPAISetEpsilon(pc, -1.0));
  Caught(ierr, PCGNNSPAIGetEpsilon(pc, &value));
  PetscCall(OkMessage(ierr, "PCGNNSPAIGetEpsilon", "", "another type: setters are ignored, getters refused"));
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestFeatures(PetscInt size, PetscInt length, const char expected[], const char what[])
{
  GNNConfig config;
  GNNModel  model;
  Mat       A;
  PC        pc;
  Vec       features = NULL;

  PetscFunctionBeginUser;
  PetscCall(TestMatCreateRandom(PETSC_COMM_SELF, 30, 1, &A));
  PetscCall(TestConfig(&config));
  config.node_features[config.nnode_features++] = GNN_NODE_USER;
  config.user_size                              = 2;
  PetscCall(TestModelCreate(&config, 1.0, 1, &model));
  PetscCall(TestPCCreate(A, model, PETSC_TRUE, &pc));
  if (size > 0) {
    PetscCall(VecCreateSeq(PETSC_COMM_SELF, length, &features));
    PetscCall(VecSetBlockSize(features, size));
    PetscCall(PCGNNSPAISetNodeFeatures(pc, features));
  }
  PetscCall(OkSetUpRefused(pc, "", expected, what));
  PetscCall(VecDestroy(&features));
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&A));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestBlockModel(PetscInt block_size, const char expected[], const char what[])
{
  GNNConfig config;
  GNNModel  model;
  Mat       A;
  PC        pc;

  PetscFunctionBeginUser;
  PetscCall(TestMatCreateBlocks(PETSC_COMM_SELF, MATAIJ, block_size, 12, 1, &A));
  PetscCall(TestConfig(&config));
  config.block_size = 3;
  PetscCall(GNNModelCreate(&config, &model));
  PetscCall(TestPCCreate(A, model, PETSC_TRUE, &pc));
  PetscCall(OkSetUpRefused(pc, "block size 3", expected, what));
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&A));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Positive diagonal entries, but no positive definite block: of the last node, which is the last rank's */
static PetscErrorCode TestIndefiniteBlock(void)
{
  const PetscInt    node    = 11;
  const PetscScalar block[] = {1, 2, 0, 2, 1, 0, 0, 0, 1};
  GNNModel          model;
  Mat               A;
  KSP               ksp;
  PC                pc;
  PetscInt          start, end;

  PetscFunctionBeginUser;
  PetscCall(TestMatCreateBlocks(PETSC_COMM_WORLD, MATAIJ, 3, 12, 1, &A));
  PetscCall(MatGetOwnershipRange(A, &start, &end));
  if (3 * node >= start && 3 * node < end) PetscCall(MatSetValuesBlocked(A, 1, &node, 1, &node, block, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(TestModelBlocks(3, &model));
  PetscCall(KSPMake(A, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCGNNSPAISetNetwork_Private(pc, model));
  PetscCall(OkFails(ksp, "The diagonal block of rows 33 to 35 of the matrix is not positive definite", "a diagonal block that is not positive definite"));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- one rank's matrix is bad ---- */

/* What is wrong with the last row, if the value at its diagonal is this one; NULL: nothing is stored there */
typedef struct {
  const char *what, *expected;
  PetscScalar value;
  PetscBool   stored;
} Last;

static const Last last[] = {
  {"not stored", "has no stored diagonal", 0.0,  PETSC_FALSE},
  {"zero",       "of the matrix is 0",     0.0,  PETSC_TRUE },
  {"negative",   "of the matrix is -3",    -3.0, PETSC_TRUE },
  {"not finite", "a NaN or an infinity",   NAN,  PETSC_TRUE }
};

static PetscErrorCode LastMat(PetscInt n, const Last *l, Mat *A)
{
  PetscInt start, end;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, n, n, 3, NULL, 2, NULL, A));
  PetscCall(MatGetOwnershipRange(*A, &start, &end));
  for (PetscInt i = start; i < end; i++) {
    if (i < n - 1 || l == NULL || l->stored) PetscCall(MatSetValue(*A, i, i, i < n - 1 || l == NULL ? 3.0 : l->value, INSERT_VALUES));
    if (i > 0) PetscCall(MatSetValue(*A, i, i - 1, -1.0, INSERT_VALUES));
    if (i < n - 1) PetscCall(MatSetValue(*A, i, i + 1, -1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The others must not wait for it: with the guard and without, with a coarse space */
static PetscErrorCode TestLast(const Last *l, PCGNNSPAIValues values, PCGNNSPAIGuard guard, PetscInt coarse)
{
  const PetscInt n = 40;
  Mat            A, good;
  KSP            ksp;
  PC             pc;
  char           what[128], row[128];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(what, sizeof(what), "the last diagonal entry is %s, %s, guard %s, coarse %d", l->what, PCGNNSPAIValuesTypes[values], PCGNNSPAIGuards[guard], (int)coarse));
  PetscCall(PetscSNPrintf(row, sizeof(row), l->value == 0.0 && !l->stored ? "Row 39 of the matrix %s" : "39 of the matrix", l->expected));
  PetscCall(LastMat(n, l, &A));
  PetscCall(LastMat(n, NULL, &good));
  PetscCall(KSPMake(A, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCGNNSPAISetValues(pc, values));
  PetscCall(PCGNNSPAISetGuard(pc, guard));
  PetscCall(PCGNNSPAISetCoarse(pc, coarse));
  PetscCall(OkFails(ksp, l->expected, what));
  PetscCall(OkView(pc, row, what));
  PetscCall(OkSolves(ksp, good, what));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(OkFails(ksp, l->expected, what));
  PetscCall(OkSolves(ksp, good, what));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscCall(MatDestroy(&good));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same matrix, good, bad and good again in its values */
static PetscErrorCode TestValues(PCGNNSPAIValues values, PetscInt coarse)
{
  const PetscInt     n = 40;
  Mat                A;
  KSP                ksp;
  PC                 pc;
  KSPConvergedReason reason[2];

  PetscFunctionBeginUser;
  PetscCall(LineMat(n, &A));
  PetscCall(KSPMake(A, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCGNNSPAISetValues(pc, values));
  PetscCall(PCGNNSPAISetCoarse(pc, coarse));
  PetscCall(Reason(ksp, &reason[0]));
  PetscCall(Put(A, n - 1, n - 1, -3.0));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(OkFails(ksp, "Diagonal entry 39 of the matrix is -3", "a value that becomes bad"));
  PetscCall(Put(A, n - 1, n - 1, 3.0));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(Reason(ksp, &reason[1]));
  Ok(reason[0] > 0 && reason[1] > 0, "%s, coarse %d: before it is bad and after it, the matrix is solved", PCGNNSPAIValuesTypes[values], (int)coarse);
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Wrong calls are errors, on every rank, even where only the last one sees it; and the PC can be used again */
static PetscErrorCode TestWrongOnOneRank(void)
{
  Mat            A, good;
  KSP            ksp;
  PC             pc;
  Vec            features;
  PetscMPIInt    rank, size;
  PetscInt       i[] = {0, 2, 4}, j[] = {0, 1, 0, 1};
  PetscScalar    a[] = {4, -1, -1, 4};
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(LineMat(40, &good));
  for (int k = 0; k < 4; k++) j[k] += 2 * rank;
  PetscCall(MatCreateMPIAIJWithArrays(PETSC_COMM_WORLD, 2, 2, PETSC_DETERMINE, PETSC_DETERMINE, i, j, a, &A));
  PetscCall(KSPMake(A, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, rank == size - 1 ? 5 : 2, PETSC_DETERMINE, &features));
  PetscCall(PCGNNSPAISetNodeFeatures(pc, features));
  Caught(ierr, KSPSetUp(ksp));
  Ok(ierr != PETSC_SUCCESS && (rank > 0 || strstr(message, "local size 5, expected 2") != NULL), "features of a wrong size on the last rank: an error on all");
  PetscCall(PCGNNSPAISetNodeFeatures(pc, NULL));
  PetscCall(OkSolves(ksp, A, "features of a wrong size"));
  PetscCall(VecDestroy(&features));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscCall(MatDestroy(&good));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A matrix without entries: one product, or none, before the error that says what to do */
static PetscInt products;

static PetscErrorCode ShellMult(Mat S, Vec x, Vec y)
{
  Mat A;

  PetscFunctionBeginUser;
  products++;
  PetscCall(MatShellGetContext(S, &A));
  PetscCall(MatMult(A, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestShell(void)
{
  Mat            A, S;
  KSP            ksp;
  PetscInt       n, N;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(LineMat(200, &A));
  PetscCall(MatGetLocalSize(A, &n, NULL));
  PetscCall(MatGetSize(A, &N, NULL));
  PetscCall(MatCreateShell(PETSC_COMM_WORLD, n, n, N, N, A, &S));
  PetscCall(MatShellSetOperation(S, MATOP_MULT, (void (*)(void))ShellMult));
  PetscCall(KSPMake(S, &ksp));
  Caught(ierr, KSPSetUp(ksp));
  Ok(ierr != PETSC_SUCCESS && products <= 1, "a MATSHELL is an error on every rank, after %d products", (int)products);
  PetscCall(OkMessage(ierr, "", strlen(message) ? "KSPSetOperators(ksp, A, P)" : "", "it names the remedy"));
  PetscCall(KSPSetOperators(ksp, S, A));
  Caught(ierr, KSPSetUp(ksp));
  Ok(ierr == PETSC_SUCCESS, "which is one");
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&S));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  int failed;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsSetValue(NULL, "-checkstack", "false"));
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PCGNNSPAIRegister());
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(refused); k++) {
    PetscCall(TestRefused(refused + k, PC_GNNSPAI_VALUES_NETWORK));
    PetscCall(TestRefused(refused + k, PC_GNNSPAI_VALUES_FSAI));
  }
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(accepted); k++) PetscCall(TestAccepted(accepted + k));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(last); k++) {
    PetscCall(TestLast(last + k, PC_GNNSPAI_VALUES_NETWORK, PC_GNNSPAI_GUARD_FSAI, 0));
    PetscCall(TestLast(last + k, PC_GNNSPAI_VALUES_NETWORK, PC_GNNSPAI_GUARD_NONE, 4));
    PetscCall(TestLast(last + k, PC_GNNSPAI_VALUES_FSAI, PC_GNNSPAI_GUARD_FSAI, 4));
  }
  PetscCall(TestValues(PC_GNNSPAI_VALUES_NETWORK, 4));
  PetscCall(TestValues(PC_GNNSPAI_VALUES_FSAI, 0));
  PetscCall(TestWrongOnOneRank());
  PetscCall(TestShell());
  PetscCall(TestUnsorted(0, "unsorted columns"));
  PetscCall(TestUnsorted(1, "repeated columns"));
  PetscCall(TestRectangular());
  PetscCall(TestDense());
  PetscCall(TestNotFinite(NAN, 0, PETSC_TRUE, "NaN on a diagonal"));
  PetscCall(TestNotFinite(INFINITY, 0, PETSC_FALSE, "infinity on a diagonal, after a good solve"));
  PetscCall(TestNotFinite(NAN, 1, PETSC_FALSE, "NaN beside a diagonal, after a good solve"));
  PetscCall(TestNotFinite(-INFINITY, 1, PETSC_TRUE, "infinity beside a diagonal"));
  PetscCall(TestModelName("haet"));
  PetscCall(TestModelName("nowhere/heat.safetensors"));
  PetscCall(TestSettings());
  PetscCall(TestFeatures(0, 0, "PCGNNSPAISetNodeFeatures()", "user features that were not given"));
  PetscCall(TestFeatures(3, 90, "PCGNNSPAISetNodeFeatures()", "user features of another block size"));
  PetscCall(TestFeatures(2, 40, "local size 40, expected 30 rows times block size 2", "user features of another length"));
  PetscCall(TestBlockModel(1, "the matrix has block size 1: call MatSetBlockSize(A, 3)", "a model of blocks, a matrix without"));
  PetscCall(TestBlockModel(2, "the matrix has block size 2", "a matrix of other blocks"));
  PetscCall(TestIndefiniteBlock());
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
