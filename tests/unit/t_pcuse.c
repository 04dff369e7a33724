static char help[] = "The preconditioner in use: options and view, matrix types and small matrices, inside other preconditioners, log events.\n\n";

#include "../caught.h"
#include "../testpc.h"
#include "../testtext.h"

/* ---- options and view ---- */

static PetscErrorCode OkSettings(PC pc, PetscReal epsilon, PCGNNSPAIGuard guard, PCGNNSPAIPrecision precision, const char expected[], const char what[])
{
  PetscReal          e;
  PetscBool          same;
  PCGNNSPAIGuard     g;
  PCGNNSPAIPrecision p;
  const char        *model;

  PetscFunctionBeginUser;
  PetscCall(PCGNNSPAIGetEpsilon(pc, &e));
  PetscCall(PCGNNSPAIGetGuard(pc, &g));
  PetscCall(PCGNNSPAIGetPrecision(pc, &p));
  PetscCall(PCGNNSPAIGetModel(pc, &model));
  PetscCall(PetscStrcmp(model, expected, &same));
  Ok(e == epsilon && g == guard && p == precision && same, "%s: the getters agree", what);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestOptions(Mat A)
{
  PetscOptions options;
  PC           pc;
  PetscInt     unused;
  Text         text;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsCreate(&options));
  PetscCall(PetscOptionsInsertString(options, "-foo_pc_gnnspai_epsilon 0.125 -foo_pc_gnnspai_guard none -foo_pc_gnnspai_precision double -foo_pc_gnnspai_model heat -pc_gnnspai_epsilon 0.5"));
  PetscCall(PetscOptionsPush(options));
  PetscCall(PCCreate(PETSC_COMM_WORLD, &pc));
  PetscCall(PCSetType(pc, PCGNNSPAI));
  PetscCall(OkSettings(pc, (PetscReal)PETSC_DEFAULT, PC_GNNSPAI_GUARD_FSAI, PC_GNNSPAI_SINGLE, "small", "defaults"));
  PetscCall(PCSetOptionsPrefix(pc, "foo_"));
  PetscCall(PCSetFromOptions(pc));
  PetscCall(OkSettings(pc, 0.125, PC_GNNSPAI_GUARD_NONE, PC_GNNSPAI_DOUBLE, "heat", "options with a prefix"));
  PetscCall(PetscOptionsAllUsed(options, &unused));
  Ok(unused == 1, "the option without the prefix is not read");
  PetscCall(PetscOptionsPop());
  PetscCall(PetscOptionsDestroy(&options));
  PetscCall(TextOpen(&text));
  PetscCall(PCView(pc, text.viewer));
  PetscCall(PCSetOperators(pc, A, A));
  PetscCall(TextClose(&text));
  PetscCall(OkText(&text, "values: auto, model: heat, not set up yet", "PCView() before the set-up"));
  free(text.text);
  PetscCall(PCGNNSPAISetEpsilon(pc, 0.0625));
  PetscCall(PCGNNSPAISetGuard(pc, PC_GNNSPAI_GUARD_BEST));
  PetscCall(PCGNNSPAISetPrecision(pc, PC_GNNSPAI_SINGLE));
  PetscCall(OkSettings(pc, 0.0625, PC_GNNSPAI_GUARD_BEST, PC_GNNSPAI_SINGLE, "heat", "setters"));
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestView(Mat A)
{
  const char *const expected[] = {"type: gnnspai", "model: small (hash ", "epsilon = 0.125", "single precision", "nnz(G)/nnz(A) = ", "decoupled rows 6", "guard: "};
  PC                pc;
  Text              text;

  PetscFunctionBeginUser;
  PetscCall(TestPCCreate(A, NULL, PETSC_TRUE, &pc));
  PetscCall(PCGNNSPAISetEpsilon(pc, 0.125));
  PetscCall(PCGNNSPAISetPrecision(pc, PC_GNNSPAI_SINGLE));
  PetscCall(PCSetUp(pc));
  PetscCall(TextOpen(&text));
  PetscCall(PCView(pc, text.viewer));
  PetscCall(TextClose(&text));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(expected); k++) PetscCall(OkText(&text, expected[k], "PCView()"));
  free(text.text);
  PetscCall(PCGNNSPAISetGuard(pc, PC_GNNSPAI_GUARD_NONE));
  PetscCall(PCSetUp(pc));
  PetscCall(TextOpen(&text));
  PetscCall(PCView(pc, text.viewer));
  PetscCall(TextClose(&text));
  PetscCall(OkText(&text, "guard: off", "PCView()"));
  free(text.text);
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- user's features ---- */

static PetscErrorCode FeaturesCreate(Mat A, PetscInt size, PetscScalar factor, Vec *features)
{
  PetscInt n, start, end;

  PetscFunctionBeginUser;
  PetscCall(MatGetLocalSize(A, &n, NULL));
  PetscCall(VecCreate(PETSC_COMM_WORLD, features));
  PetscCall(VecSetSizes(*features, size * n, PETSC_DETERMINE));
  PetscCall(VecSetBlockSize(*features, size));
  PetscCall(VecSetType(*features, VECSTANDARD));
  PetscCall(VecGetOwnershipRange(*features, &start, &end));
  for (PetscInt k = start; k < end; k++) PetscCall(VecSetValue(*features, k, factor * (k % 11), INSERT_VALUES));
  PetscCall(VecAssemblyBegin(*features));
  PetscCall(VecAssemblyEnd(*features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestFeatures(Mat A)
{
  GNNConfig config;
  GNNModel  model;
  PC        pc;
  Vec       features[2], got[2], z[3];
  PetscBool same[2];

  PetscFunctionBeginUser;
  PetscCall(TestConfig(&config));
  config.node_features[config.nnode_features++] = GNN_NODE_USER;
  config.user_size                              = 2;
  PetscCall(TestModelCreate(&config, 1.0, 1, &model));
  PetscCall(TestPCCreate(A, model, PETSC_FALSE, &pc));
  for (int k = 0; k < 2; k++) PetscCall(FeaturesCreate(A, 2, 1.0 + k, &features[k]));
  PetscCall(PCGNNSPAIGetNodeFeatures(pc, &got[0]));
  for (int k = 0; k < 3; k++) {
    PetscCall(PCGNNSPAISetNodeFeatures(pc, features[k % 2]));
    PetscCall(TestApplied(pc, &z[k]));
  }
  PetscCall(PCGNNSPAIGetNodeFeatures(pc, &got[1]));
  Ok(got[0] == NULL && got[1] == features[0], "PCGNNSPAIGetNodeFeatures()");
  PetscCall(VecEqual(z[0], z[1], &same[0]));
  PetscCall(VecEqual(z[0], z[2], &same[1]));
  Ok(!same[0] && same[1], "M depends on the user's features, and on nothing left over");
  for (int k = 0; k < 3; k++) PetscCall(VecDestroy(&z[k]));
  for (int k = 0; k < 2; k++) PetscCall(VecDestroy(&features[k]));
  PetscCall(PCDestroy(&pc));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- matrices ---- */

/* Block tridiagonal with full 2 x 2 blocks, in any type */
static PetscErrorCode BlockMat(MatType type, PetscInt nblocks, Mat *A)
{
  const PetscScalar middle[] = {2.5, 0.3, 0.3, 2.0}, upper[] = {-1.0, -0.1, -0.2, -0.9}, lower[] = {-1.0, -0.2, -0.1, -0.9};
  PetscInt          start, end, size;

  PetscFunctionBeginUser;
  PetscCall(MatCreate(PETSC_COMM_WORLD, A));
  PetscCall(MatSetSizes(*A, 2 * nblocks, 2 * nblocks, PETSC_DETERMINE, PETSC_DETERMINE));
  PetscCall(MatSetBlockSize(*A, 2));
  PetscCall(MatSetType(*A, type));
  PetscCall(MatSetUp(*A));
  if (strcmp(type, MATSBAIJ) == 0) PetscCall(MatSetOption(*A, MAT_IGNORE_LOWER_TRIANGULAR, PETSC_TRUE));
  PetscCall(MatGetOwnershipRange(*A, &start, &end));
  PetscCall(MatGetSize(*A, &size, NULL));
  for (PetscInt i = start / 2; i < end / 2; i++) {
    const PetscInt next = i + 1, previous = i - 1;

    PetscCall(MatSetValuesBlocked(*A, 1, &i, 1, &i, middle, INSERT_VALUES));
    if (next < size / 2) PetscCall(MatSetValuesBlocked(*A, 1, &i, 1, &next, upper, INSERT_VALUES));
    if (previous >= 0) PetscCall(MatSetValuesBlocked(*A, 1, &i, 1, &previous, lower, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Another type gives the M of AIJ, at first and with new values */
static PetscErrorCode TestType(MatType type)
{
  GNNModel  model;
  Mat       A[2];
  PC        pc[2];
  Vec       z[2];
  PetscBool same;

  PetscFunctionBeginUser;
  PetscCall(TestModel(1, &model));
  PetscCall(BlockMat(MATAIJ, 9, &A[0]));
  PetscCall(BlockMat(type, 9, &A[1]));
  for (int k = 0; k < 2; k++) PetscCall(TestPCCreate(A[k], model, PETSC_TRUE, &pc[k]));
  for (int step = 0; step < 2; step++) {
    for (int k = 0; k < 2; k++) {
      PetscCall(TestApplied(pc[k], &z[k]));
      PetscCall(MatShift(A[k], 0.5));
    }
    PetscCall(VecEqual(z[0], z[1], &same));
    Ok(same, "%s, %s: the same M as AIJ", type, step ? "new values" : "first set-up");
    for (int k = 0; k < 2; k++) PetscCall(VecDestroy(&z[k]));
  }
  for (int k = 0; k < 2; k++) {
    PetscCall(PCDestroy(&pc[k]));
    PetscCall(MatDestroy(&A[k]));
  }
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same of matrices that MatConvert() made; a nest has one block, and a transpose is virtual */
static PetscErrorCode Converted(Mat A, MatType type, Mat *B)
{
  PetscFunctionBeginUser;
  if (strcmp(type, MATNEST) == 0) PetscCall(MatCreateNest(PETSC_COMM_WORLD, 1, NULL, 1, NULL, &A, B));
  else if (strcmp(type, MATTRANSPOSEVIRTUAL) == 0) PetscCall(MatCreateTranspose(A, B));
  else PetscCall(MatConvert(A, type, MAT_INITIAL_MATRIX, B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestConverted(MatType type, PetscInt coarse)
{
  Mat       A, B;
  KSP       ksp[2];
  PC        pc;
  Vec       z[2];
  PetscReal difference[2];
  PetscBool same = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(BlockMat(MATAIJ, 9, &A));
  PetscCall(Converted(A, type, &B));
  PetscCall(MatSetBlockSizesFromMats(B, A, A)); /* which some converters forget */
  for (int k = 0; k < 2; k++) {
    PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp[k]));
    PetscCall(KSPSetOperators(ksp[k], k ? B : A, k ? B : A));
    PetscCall(KSPGetPC(ksp[k], &pc));
    PetscCall(PCSetType(pc, PCGNNSPAI));
    PetscCall(PCGNNSPAISetCoarse(pc, coarse));
  }
  for (int step = 0; step < 2; step++) {
    for (int k = 0; k < 2; k++) {
      PetscCall(KSPGetPC(ksp[k], &pc));
      PetscCall(TestApplied(pc, &z[k]));
    }
    PetscCall(TestDifference(z[0], 1.0, z[1], &difference[step]));
    for (int k = 0; k < 2; k++) PetscCall(VecDestroy(&z[k]));
    PetscCall(MatScale(A, 2.0));
    PetscCall(PetscObjectTypeCompareAny((PetscObject)B, &same, MATNEST, MATTRANSPOSEVIRTUAL, ""));
    if (same) { /* it is made of A, and told */
      PetscCall(MatAssemblyBegin(B, MAT_FINAL_ASSEMBLY));
      PetscCall(MatAssemblyEnd(B, MAT_FINAL_ASSEMBLY));
    } else PetscCall(MatScale(B, 2.0));
  }
  Ok(difference[0] < 1e-10 && difference[1] < 1e-10, "%s, coarse %d: the same M as AIJ, %.1e, and with new values %.1e", type, (int)coarse, (double)difference[0], (double)difference[1]);
  for (int k = 0; k < 2; k++) PetscCall(KSPDestroy(&ksp[k]));
  PetscCall(MatDestroy(&A));
  PetscCall(MatDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DenseFill(Mat A, PetscScalar far)
{
  PetscInt start, end, n;

  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRange(A, &start, &end));
  PetscCall(MatGetSize(A, &n, NULL));
  for (PetscInt i = start; i < end; i++) {
    PetscCall(MatSetValue(A, i, i, 4.2, INSERT_VALUES));
    if (i > 0) PetscCall(MatSetValue(A, i, i - 1, -0.99, INSERT_VALUES));
    if (i < n - 1) PetscCall(MatSetValue(A, i, i + 1, -0.99, INSERT_VALUES));
    if (i > 6) PetscCall(MatSetValue(A, i, i - 7, far, INSERT_VALUES));
    if (i < n - 7) PetscCall(MatSetValue(A, i, i + 7, far, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Zeros of a dense matrix that come and go are another pattern, though PETSc does not say so */
static PetscErrorCode TestMovingZeros(PCGNNSPAIValues values, PetscInt coarse)
{
  Mat       A;
  PC        pc, fresh;
  Vec       z[2];
  PetscReal difference;

  PetscFunctionBeginUser;
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, 60, 60, NULL, &A));
  PetscCall(PCCreate(PETSC_COMM_WORLD, &pc));
  PetscCall(TestPCSetPlain(pc));
  PetscCall(PCSetOperators(pc, A, A));
  PetscCall(PCGNNSPAISetValues(pc, values));
  PetscCall(PCGNNSPAISetCoarse(pc, coarse));
  for (int step = 0; step < 3; step++) {
    PetscCall(DenseFill(A, step % 2 ? -0.99 : 0.0));
    PetscCall(TestApplied(pc, &z[0]));
    PetscCall(TestPCCreate(A, NULL, PETSC_TRUE, &fresh));
    PetscCall(PCGNNSPAISetValues(fresh, values));
    PetscCall(PCGNNSPAISetCoarse(fresh, coarse));
    PetscCall(TestApplied(fresh, &z[1]));
    PetscCall(TestDifference(z[0], 1.0, z[1], &difference));
    Ok(difference < 1e-10, "a dense matrix with other zeros, %s, coarse %d, step %d: the M of a new PC, %.1e", PCGNNSPAIValuesTypes[values], (int)coarse, step, (double)difference);
    PetscCall(PCDestroy(&fresh));
    for (int k = 0; k < 2; k++) PetscCall(VecDestroy(&z[k]));
  }
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tridiagonal (off, 3 + i, off), n rows on this rank; off = 0: diagonal */
static PetscErrorCode LineMat(PetscInt n, PetscScalar off, Mat *A)
{
  PetscInt start, end, size;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, n, n, PETSC_DETERMINE, PETSC_DETERMINE, 3, NULL, 2, NULL, A));
  PetscCall(MatGetOwnershipRange(*A, &start, &end));
  PetscCall(MatGetSize(*A, &size, NULL));
  for (PetscInt i = start; i < end; i++) {
    PetscCall(MatSetValue(*A, i, i, 3.0 + i % 3, INSERT_VALUES));
    if (off != 0.0 && i > 0) PetscCall(MatSetValue(*A, i, i - 1, off, INSERT_VALUES));
    if (off != 0.0 && i < size - 1) PetscCall(MatSetValue(*A, i, i + 1, off, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Solves with a random right-hand side: reason, iterations and true residual */
static PetscErrorCode Solve(KSP ksp, Mat A, KSPConvergedReason *reason, PetscInt *its, PetscReal *residual)
{
  Vec       b, x, r;
  PetscReal norm;

  PetscFunctionBeginUser;
  PetscCall(TestVecRandom(A, 5, &b));
  PetscCall(VecDuplicate(b, &x));
  PetscCall(VecDuplicate(b, &r));
  PetscCall(KSPSolve(ksp, b, x));
  PetscCall(KSPGetConvergedReason(ksp, reason));
  PetscCall(KSPGetIterationNumber(ksp, its));
  PetscCall(MatMult(A, x, r));
  PetscCall(VecAYPX(r, -1.0, b));
  PetscCall(VecNorm(r, NORM_2, residual));
  PetscCall(VecNorm(b, NORM_2, &norm));
  if (norm > 0.0) *residual /= norm;
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode KSPMake(Mat A, KSP *ksp)
{
  PC pc;

  PetscFunctionBeginUser;
  PetscCall(KSPCreate(PETSC_COMM_WORLD, ksp));
  PetscCall(KSPSetType(*ksp, KSPCG));
  PetscCall(KSPSetTolerances(*ksp, 1e-10, PETSC_DEFAULT, PETSC_DEFAULT, 500));
  PetscCall(KSPGetPC(*ksp, &pc));
  PetscCall(PCSetType(pc, PCGNNSPAI));
  PetscCall(KSPSetOperators(*ksp, A, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestSmall(PetscInt n, PetscScalar off, PetscInt most, const char what[])
{
  Mat                A;
  KSP                ksp;
  KSPConvergedReason reason;
  PetscInt           its;
  PetscReal          residual;
  Text               text;

  PetscFunctionBeginUser;
  PetscCall(LineMat(n, off, &A));
  PetscCall(KSPMake(A, &ksp));
  PetscCall(Solve(ksp, A, &reason, &its, &residual));
  Ok(reason > 0 && its <= most && residual < 1e-9, "%s: solved in %d iterations", what, (int)its);
  PetscCall(TextOpen(&text));
  PetscCall(KSPView(ksp, text.viewer));
  PetscCall(TextClose(&text));
  PetscCall(OkText(&text, "nnz(G)/nnz(A)", what));
  free(text.text);
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One KSP, matrices of three sizes and types */
static PetscErrorCode TestOtherMatrix(Mat A)
{
  Mat                B[2];
  KSP                ksp;
  KSPConvergedReason reason[4];
  PetscInt           its[4];
  PetscReal          residual[4];

  PetscFunctionBeginUser;
  PetscCall(LineMat(17, -1.0, &B[0]));
  PetscCall(BlockMat(MATBAIJ, 9, &B[1]));
  PetscCall(KSPMake(A, &ksp));
  for (int k = 0; k < 4; k++) {
    Mat M = k == 1 || k == 2 ? B[k - 1] : A;

    PetscCall(KSPReset(ksp));
    PetscCall(KSPSetOperators(ksp, M, M));
    PetscCall(Solve(ksp, M, &reason[k], &its[k], &residual[k]));
    Ok(reason[k] > 0 && residual[k] < 1e-8, "matrix %d of another size or type in the same KSP: %d iterations", k, (int)its[k]);
  }
  Ok(its[0] == its[3], "the first again: the same iterations");
  PetscCall(KSPDestroy(&ksp));
  for (int k = 0; k < 2; k++) PetscCall(MatDestroy(&B[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- inside other preconditioners ---- */

static const char *const composed[][2] = {
  {"alone",                    "-pc_type gnnspai"                                                               },
  {"alone, GMRES",             "-ksp_type gmres -pc_type gnnspai"                                               },
  {"block Jacobi, two blocks", "-pc_type bjacobi -pc_bjacobi_blocks 2 -sub_pc_type gnnspai"                     },
  {"additive Schwarz",         "-pc_type asm -pc_asm_type basic -sub_pc_type gnnspai"                           },
  {"restricted Schwarz",       "-ksp_type fgmres -pc_type asm -sub_pc_type gnnspai"                             },
  {"composite",                "-pc_type composite -pc_composite_type additive -pc_composite_pcs jacobi,gnnspai"},
  {"multigrid smoother",       "-pc_type gamg -mg_levels_pc_type gnnspai"                                       }
};

static PetscErrorCode TestComposed(const char name[], const char arguments[], Mat A)
{
  PetscOptions       options;
  KSP                ksp;
  KSPConvergedReason reason;
  PetscInt           its, unused;
  PetscReal          residual;
  Text               text;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsCreate(&options));
  PetscCall(PetscOptionsInsertString(options, arguments));
  PetscCall(PetscOptionsPush(options));
  PetscCall(KSPMake(A, &ksp));
  PetscCall(KSPSetFromOptions(ksp));
  PetscCall(Solve(ksp, A, &reason, &its, &residual));
  PetscCall(TextOpen(&text));
  PetscCall(KSPView(ksp, text.viewer));
  PetscCall(TextClose(&text));
  PetscCall(PetscOptionsAllUsed(options, &unused));
  Ok(reason > 0 && residual < 1e-6 && unused == 0, "%s: %d iterations", name, (int)its);
  PetscCall(OkText(&text, "type: gnnspai", name));
  free(text.text);
  PetscCall(PetscOptionsPop());
  PetscCall(PetscOptionsDestroy(&options));
  PetscCall(KSPDestroy(&ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- costs ---- */

static PetscErrorCode TestNoAllocation(Mat A)
{
  PC             pc;
  Vec            r, z;
  PetscLogDouble before, after, most;

  PetscFunctionBeginUser;
  PetscCall(TestPCCreate(A, NULL, PETSC_TRUE, &pc));
  PetscCall(TestVecRandom(A, 1, &r));
  PetscCall(VecDuplicate(r, &z));
  PetscCall(PCSetUp(pc));
  PetscCall(PCApply(pc, r, z));
  PetscCall(PetscMallocGetCurrentUsage(&before));
  LogMemory(PETSC_TRUE);
  PetscCall(PetscMallocPushMaximumUsage(0));
  for (int k = 0; k < 10; k++) PetscCall(PCApply(pc, r, z));
  PetscCall(PetscMallocPopMaximumUsage(0, &most));
  LogMemory(PETSC_FALSE);
  PetscCall(PetscMallocGetCurrentUsage(&after));
  Ok(before > 0.0 && most <= before && after == before, "PCApply() allocates nothing: %g bytes before, %g at most", before, most);
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&z));
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What has run before, so that PETSc's own first-time allocations are made */
static PetscErrorCode TestNoLoss(void)
{
  PetscLogDouble before, after;

  PetscFunctionBeginUser;
  PetscCall(PetscMallocGetCurrentUsage(&before));
  PetscCall(TestType(MATSBAIJ));
  PetscCall(PetscMallocGetCurrentUsage(&after));
  Ok(before > 0.0 && after == before, "nothing stays allocated: %g bytes before, %g after", before, after);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OkEvent(const char name[], PetscBool flops)
{
  PetscLogEvent      event;
  PetscEventPerfInfo info;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventGetId(name, &event));
  PetscCall(PetscLogEventGetPerfInfo(0, event, &info));
  Ok(event > 0 && info.count >= 1 && (info.flops > 0.0 || !flops), "event %s: %d times, %g flops", name, info.count, info.flops);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestEvents(Mat A)
{
  KSP                ksp;
  PC                 pc;
  KSPConvergedReason reason;
  PetscInt           its;
  PetscReal          residual;

  PetscFunctionBeginUser;
  if (!PetscDefined(USE_LOG)) {
    Skip("PETSc without logging", "log events");
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscLogDefaultBegin());
  PetscCall(KSPMake(A, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCGNNSPAISetValues(pc, PC_GNNSPAI_VALUES_NETWORK));
  PetscCall(Solve(ksp, A, &reason, &its, &residual));
  PetscCall(OkEvent("GNNSPAIGraph", PETSC_FALSE));
  PetscCall(OkEvent("GNNSPAIForward", PETSC_TRUE));
  PetscCall(OkEvent("GNNSPAIAssemble", PETSC_FALSE));
  PetscCall(OkEvent("GNNSPAIApply", PETSC_TRUE));
  PetscCall(KSPDestroy(&ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- one-sided entries ---- */

/* Rows of the boundary of the m x m grid are set by MatZeroRows(), the zeros stored or not */
static PetscErrorCode OneSidedMat(PetscInt m, PetscBool stored, Mat *A)
{
  PetscInt start, end, n = 0, rows[1024];

  PetscFunctionBeginUser;
  PetscCall(TestMatCreateLaplacian(m, A));
  PetscCall(MatSetOption(*A, MAT_SPD, PETSC_FALSE));
  PetscCall(MatSetOption(*A, MAT_KEEP_NONZERO_PATTERN, stored));
  PetscCall(MatGetOwnershipRange(*A, &start, &end));
  for (PetscInt row = start; row < end; row++) {
    const PetscInt i = row / m, j = row % m;

    if (i == 0 || j == 0 || i == m - 1 || j == m - 1) rows[n++] = row;
  }
  PetscCall(MatZeroRows(*A, n, rows, 4.0, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y^T M x = (M^T y)^T x */
static PetscErrorCode OkTranspose(PC pc, Mat A, const char what[])
{
  Vec         x, y, z;
  PetscScalar forward, backward;

  PetscFunctionBeginUser;
  PetscCall(TestVecRandom(A, 3, &x));
  PetscCall(TestVecRandom(A, 4, &y));
  PetscCall(VecDuplicate(x, &z));
  PetscCall(PCApply(pc, x, z));
  PetscCall(VecDot(z, y, &forward));
  PetscCall(PCApplyTranspose(pc, y, z));
  PetscCall(VecDot(z, x, &backward));
  Ok(PetscAbsScalar(forward - backward) <= 1e-10 * PetscAbsScalar(forward), "%s: PCApplyTranspose() is the transpose", what);
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* CG, whose residual does not vanish in those rows at first, takes no more iterations than with Jacobi, and as many whether the zeros are stored or not */
static PetscErrorCode TestOneSided(PCGNNSPAIValues values, PetscInt coarse)
{
  Mat                A;
  KSP                ksp;
  PC                 pc;
  PetscInt           jacobi, its[2];
  KSPConvergedReason reason;
  PetscReal          residual;
  char               what[128];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(what, sizeof(what), "rows set by MatZeroRows(), %s, coarse %d", PCGNNSPAIValuesTypes[values], (int)coarse));
  for (int stored = 0; stored < 2; stored++) {
    PetscCall(OneSidedMat(16, stored ? PETSC_TRUE : PETSC_FALSE, &A));
    PetscCall(KSPMake(A, &ksp));
    PetscCall(KSPGetPC(ksp, &pc));
    PetscCall(PCSetType(pc, PCJACOBI));
    PetscCall(Solve(ksp, A, &reason, &jacobi, &residual));
    PetscCall(PCSetType(pc, PCGNNSPAI));
    PetscCall(PCGNNSPAISetValues(pc, values));
    PetscCall(PCGNNSPAISetCoarse(pc, coarse));
    PetscCall(Solve(ksp, A, &reason, &its[stored], &residual));
    Ok(reason > 0 && residual < 1e-8 && its[stored] <= jacobi, "%s, zeros stored %d: CG converges in %d iterations, with Jacobi in %d", what, stored, (int)its[stored], (int)jacobi);
    PetscCall(OkTranspose(pc, A, what));
    PetscCall(OkView(pc, "the matrix is not symmetric (relative difference", what));
    PetscCall(KSPDestroy(&ksp));
    PetscCall(MatDestroy(&A));
  }
  Ok(its[0] == its[1], "%s: the same iterations whether the zeros are stored or not, %d and %d", what, (int)its[0], (int)its[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A penalty holds every fourth unknown: M is symmetric, and CG, which watches the unpreconditioned residual, needs no more iterations than with Jacobi */
static PetscErrorCode TestPenalty(PetscInt b, PetscReal penalty)
{
  Mat                A;
  KSP                ksp;
  PC                 pc;
  PetscInt           start, end, jacobi, its;
  KSPConvergedReason reason;
  PetscReal          residual;
  char               what[64];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(what, sizeof(what), "a penalty of %g, blocks of %d", (double)penalty, (int)b));
  PetscCall(TestMatCreateBlocks(PETSC_COMM_WORLD, MATAIJ, b, 240 / b, 2, &A));
  PetscCall(MatGetOwnershipRange(A, &start, &end));
  for (PetscInt i = start; i < end; i++) {
    if (i % 4 == 0) PetscCall(MatSetValue(A, i, i, penalty, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(KSPMake(A, &ksp));
  PetscCall(KSPSetNormType(ksp, KSP_NORM_UNPRECONDITIONED));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(Solve(ksp, A, &reason, &jacobi, &residual));
  PetscCall(PCSetType(pc, PCGNNSPAI));
  PetscCall(Solve(ksp, A, &reason, &its, &residual));
  Ok(reason > 0 && its <= jacobi, "%s: CG converges in %d iterations, with Jacobi in %d", what, (int)its, (int)jacobi);
  PetscCall(OkTranspose(pc, A, what));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One field times a factor: said. A symmetric matrix, and one with what rounding leaves: not */
static PetscErrorCode TestAsymmetry(Mat A)
{
  const PetscReal scales[] = {1.0, 1.0 + 1e-13, 10.0};
  PetscInt        start, end;

  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRange(A, &start, &end));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(scales); k++) {
    Mat         B;
    PC          pc;
    Vec         d;
    Text        text;
    PetscMPIInt rank;

    PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
    PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &B));
    PetscCall(MatCreateVecs(B, NULL, &d));
    PetscCall(VecSet(d, 1.0));
    for (PetscInt i = start; i < end; i++) PetscCall(VecSetValue(d, i, i % 2 ? scales[k] : 1.0, INSERT_VALUES));
    PetscCall(VecAssemblyBegin(d));
    PetscCall(VecAssemblyEnd(d));
    PetscCall(MatDiagonalScale(B, d, NULL));
    PetscCall(TestPCCreate(B, NULL, PETSC_TRUE, &pc));
    PetscCall(PCSetUp(pc));
    PetscCall(TextOpen(&text));
    PetscCall(PCView(pc, text.viewer));
    PetscCall(TextClose(&text));
    Ok(rank != 0 || (strstr(text.text, "not symmetric") != NULL) == (scales[k] == 10.0), "every other row times 1 + %g: PCView() says %s", (double)(scales[k] - 1.0), scales[k] == 10.0 ? "that A is not symmetric" : "nothing of it");
    free(text.text);
    PetscCall(VecDestroy(&d));
    PetscCall(PCDestroy(&pc));
    PetscCall(MatDestroy(&B));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- halves ---- */

static PetscErrorCode TestHalves(Mat A, PCGNNSPAIPrecision precision)
{
  PC          pc;
  Vec         r, left, z, half;
  PetscReal   difference, energy, norm;
  PetscScalar dot;

  PetscFunctionBeginUser;
  PetscCall(TestPCCreate(A, NULL, PETSC_TRUE, &pc));
  PetscCall(PCGNNSPAISetValues(pc, PC_GNNSPAI_VALUES_FSAI));
  PetscCall(PCGNNSPAISetPrecision(pc, precision));
  PetscCall(TestApplied(pc, &z));
  PetscCall(TestVecRandom(A, 1, &r)); /* that of TestApplied() */
  PetscCall(VecDuplicate(r, &left));
  PetscCall(VecDuplicate(r, &half));
  PetscCall(PCApplySymmetricLeft(pc, r, left));
  PetscCall(PCApplySymmetricRight(pc, left, half));
  PetscCall(TestDifference(z, 1.0, half, &difference));
  PetscCall(VecDot(r, z, &dot));
  energy = PetscRealPart(dot);
  PetscCall(VecNorm(left, NORM_2, &norm));
  Ok(difference < 1e-12 && PetscAbsReal(norm * norm - energy) < 1e-12 * energy, "%s: the right half of the left half is M^-1 r, %.1e, and they are transposes", PCGNNSPAIPrecisions[precision], (double)difference);
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&left));
  PetscCall(VecDestroy(&half));
  PetscCall(VecDestroy(&z));
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestNoHalves(Mat A, PCGNNSPAIValues values, PetscInt coarse)
{
  PC             pc;
  Vec            r, z;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(TestPCCreate(A, NULL, PETSC_TRUE, &pc));
  PetscCall(PCGNNSPAISetValues(pc, values));
  PetscCall(PCGNNSPAISetCoarse(pc, coarse));
  PetscCall(TestApplied(pc, &z));
  PetscCall(VecDuplicate(z, &r));
  Caught(ierr, PCApplySymmetricLeft(pc, z, r));
  Ok(ierr == PETSC_ERR_SUP && (!message[0] || strstr(message, "-pc_gnnspai_values fsai") != NULL), "%s, coarse %d: no halves, and what to do", PCGNNSPAIValuesTypes[values], (int)coarse);
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&z));
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Mat         A, decoupled, blocked;
  PetscMPIInt rank, size;
  int         failed;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsSetValue(NULL, "-malloc_dump", NULL)); /* PETSc counts bytes only then; with -malloc_debug it would check all of them at every call */
  PetscCall(PetscOptionsSetValue(NULL, "-checkstack", "false"));
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PCGNNSPAIRegister());
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(TestMatCreateLaplacian(16, &A));
  PetscCall(TestMatCreateRandom(PETSC_COMM_WORLD, 240, 1, &decoupled));
  PetscCall(TestMatDecouple(decoupled, 6));
  PetscCall(BlockMat(MATAIJ, 9, &blocked));
  PetscCall(TestOptions(A));
  PetscCall(TestView(decoupled));
  PetscCall(TestFeatures(A));
  PetscCall(TestType(MATBAIJ));
  PetscCall(TestType(MATSBAIJ));
  PetscCall(TestConverted(MATDENSE, 0));
  PetscCall(TestConverted(MATDENSE, 3));
  PetscCall(TestConverted(MATSELL, 3));
  PetscCall(TestConverted(MATIS, 3));
  PetscCall(TestConverted(MATBAIJ, 3));
  PetscCall(TestConverted(MATNEST, 3));
  PetscCall(TestConverted(MATTRANSPOSEVIRTUAL, 0));
#if defined(PETSC_HAVE_HYPRE)
  PetscCall(TestConverted(MATHYPRE, 3));
#endif
  PetscCall(TestMovingZeros(PC_GNNSPAI_VALUES_NETWORK, 0));
  PetscCall(TestMovingZeros(PC_GNNSPAI_VALUES_FSAI, 4));
  for (PetscInt b = 1; b <= 3; b += 2) {
    PetscCall(TestPenalty(b, 1e8));
    PetscCall(TestPenalty(b, 1e30));
  }
  PetscCall(TestOneSided(PC_GNNSPAI_VALUES_NETWORK, 0));
  PetscCall(TestOneSided(PC_GNNSPAI_VALUES_FSAI, 8));
  PetscCall(TestAsymmetry(A));
  PetscCall(TestHalves(decoupled, PC_GNNSPAI_DOUBLE));
  PetscCall(TestHalves(decoupled, PC_GNNSPAI_SINGLE));
  PetscCall(TestHalves(decoupled, PC_GNNSPAI_HALF));
  PetscCall(TestNoHalves(A, PC_GNNSPAI_VALUES_NETWORK, 0));
  PetscCall(TestNoHalves(A, PC_GNNSPAI_VALUES_FSAI, 4));
  PetscCall(TestSmall(rank == 0 ? 1 : 0, 0.0, 1, "1 x 1 matrix"));
  PetscCall(TestSmall(7, 0.0, 1, "diagonal matrix"));
  PetscCall(TestSmall(0, 0.0, 0, "0 x 0 matrix"));
  PetscCall(TestSmall(rank == size - 1 && size > 1 ? 0 : 12, -1.0, 40, "an empty rank"));
  PetscCall(TestOtherMatrix(A));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(composed); k++) PetscCall(TestComposed(composed[k][0], composed[k][1], A));
  PetscCall(TestComposed("fieldsplit", "-pc_type fieldsplit -pc_fieldsplit_block_size 2 -pc_fieldsplit_type additive -fieldsplit_pc_type gnnspai", blocked));
  PetscCall(TestNoAllocation(A));
  PetscCall(TestNoLoss());
  PetscCall(TestEvents(A));
  PetscCall(MatDestroy(&A));
  PetscCall(MatDestroy(&decoupled));
  PetscCall(MatDestroy(&blocked));
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
