static char help[] = "The coarse space: exact on what its prolongator spans, symmetric positive definite, refreshed, singular and odd cases, solvers.\n\n";

#include "../../gnn/coarse/coarse.h"
#include "../testpc.h"

#include <stdio.h>
#include <stdlib.h>

/* On several ranks, whose set-ups take long where ranks share cores, what can differ there and no more */
static PetscBool serial;

/* A preconditioner with a small random network, options "-pc_gnnspai_..." given as text. Without guard, which may refuse the coarse space */
static PetscErrorCode Create(Mat A, const char arguments[], PC *pc)
{
  PetscOptions options;
  GNNModel     model;
  PetscInt     unused;

  PetscFunctionBeginUser;
  PetscCall(TestModel(1, &model));
  PetscCall(PetscOptionsCreate(&options));
  PetscCall(PetscOptionsInsertString(options, arguments));
  PetscCall(PetscOptionsPush(options));
  PetscCall(TestPCCreate(A, model, PETSC_FALSE, pc));
  PetscCall(PCSetFromOptions(*pc));
  PetscCall(PCSetUp(*pc));
  PetscCall(PetscOptionsAllUsed(options, &unused));
  if (unused) Ok(PETSC_FALSE, "%d unused options in %s", (int)unused, arguments);
  PetscCall(PetscOptionsPop());
  PetscCall(PetscOptionsDestroy(&options));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x = (I - Q A) v, with Q = M - B and B the same preconditioner without coarse space: 0 for v in the range of P */
static PetscErrorCode Rest(Mat A, PC pc, PC local, Vec v, Vec x)
{
  Vec av, z;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(v, &av));
  PetscCall(VecDuplicate(v, &z));
  PetscCall(MatMult(A, v, av));
  PetscCall(PCApply(pc, av, z));
  PetscCall(PCApply(local, av, x));
  PetscCall(VecAYPX(x, -1.0, z));
  PetscCall(VecAYPX(x, -1.0, v));
  PetscCall(VecDestroy(&av));
  PetscCall(VecDestroy(&z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v is in the range of P_0, hence v - omega D^-1 A v in that of P, which is rounded to single precision: what Q leaves of v is omega times what it leaves of D^-1 A v, whatever omega is */
static PetscErrorCode TestExact(Mat A, const char number[], Vec v, const char what[])
{
  char        arguments[64];
  PC          pc, local;
  Vec         d, x, y;
  PetscScalar xy, yy;
  PetscReal   error, norm;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(arguments, sizeof(arguments), "-pc_gnnspai_coarse %s", number));
  PetscCall(Create(A, "", &local));
  PetscCall(Create(A, arguments, &pc));
  PetscCall(VecDuplicate(v, &d));
  PetscCall(VecDuplicate(v, &x));
  PetscCall(VecDuplicate(v, &y));
  PetscCall(MatMult(A, v, x));
  PetscCall(MatGetDiagonal(A, d));
  PetscCall(VecPointwiseDivide(d, x, d));
  PetscCall(Rest(A, pc, local, v, x));
  PetscCall(Rest(A, pc, local, d, y));
  PetscCall(VecDot(x, y, &xy));
  PetscCall(VecDot(y, y, &yy));
  PetscCall(VecAXPY(x, -xy / yy, y));
  PetscCall(VecNorm(x, NORM_2, &error));
  PetscCall(VecNorm(v, NORM_2, &norm));
  Ok(error < 1e-5 * norm, "%s: exact, off by %.1e, omega %.3g", what, (double)(error / norm), (double)PetscRealPart(xy / yy));
  PetscCall(VecDestroy(&d));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(PCDestroy(&local));
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 1 in coupled rows, 0 in those of TestMatDecouple() */
static PetscErrorCode CoupledOnes(Mat A, PetscInt count, Vec *v)
{
  PetscInt start, end;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(A, v, NULL));
  PetscCall(VecSet(*v, 1.0));
  PetscCall(VecGetOwnershipRange(*v, &start, &end));
  for (PetscInt k = 0; k < count; k++) {
    if (5 * k >= start && 5 * k < end) PetscCall(VecSetValue(*v, 5 * k, 0.0, INSERT_VALUES));
  }
  PetscCall(VecAssemblyBegin(*v));
  PetscCall(VecAssemblyEnd(*v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestRange(Mat A, Mat decoupled)
{
  Vec v;

  PetscFunctionBeginUser;
  PetscCall(CoupledOnes(A, 0, &v));
  if (serial) PetscCall(TestExact(A, "12", v, "a constant"));
  PetscCall(TestExact(A, "1", v, "a constant, one aggregate"));
  PetscCall(VecDestroy(&v));
  PetscCall(TestVecRandom(A, 3, &v));
  PetscCall(TestExact(A, "100000", v, "any vector, more aggregates than rows"));
  PetscCall(VecDestroy(&v));
  PetscCall(CoupledOnes(decoupled, 6, &v));
  PetscCall(TestExact(decoupled, "14", v, "a constant beside decoupled rows"));
  PetscCall(VecDestroy(&v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Three near-null vectors, constant included: more than small aggregates can hold */
static PetscErrorCode TestNearNull(Mat A)
{
  const char *const numbers[] = {"5", "200"};
  MatNullSpace      nullspace;
  Mat               B;
  Vec               v[2];

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &B));
  for (int k = 0; k < 2; k++) {
    PetscCall(TestVecRandom(B, (unsigned long)(7 + k), &v[k]));
    PetscCall(VecNormalize(v[k], NULL));
  }
  PetscCall(MatNullSpaceCreate(PETSC_COMM_WORLD, PETSC_FALSE, 2, v, &nullspace));
  PetscCall(MatSetNearNullSpace(B, nullspace));
  PetscCall(MatNullSpaceDestroy(&nullspace));
  for (int n = serial ? 0 : 1; n < 2; n++) {
    for (int k = 0; k < (serial ? 2 : 1); k++) PetscCall(TestExact(B, numbers[n], v[k], n ? "near-null vector, aggregates of one or two rows" : "near-null vector"));
  }
  for (int k = 0; k < 2; k++) PetscCall(VecDestroy(&v[k]));
  PetscCall(MatDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- symmetric positive definite ---- */

static const char *const variants[] = {"-pc_gnnspai_coarse 12", "-pc_gnnspai_coarse 14 -pc_gnnspai_precision single", "-pc_gnnspai_coarse 60 -pc_gnnspai_coarse_pc_type gamg -pc_gnnspai_coarse_mg_levels_ksp_type richardson -pc_gnnspai_coarse_mg_levels_pc_type jacobi"};

static PetscErrorCode TestSPD(Mat A, const char arguments[])
{
  PC          pc;
  Vec         x, y, mx, my, w;
  PetscScalar xmy, ymx, xmx;
  PetscReal   nx, nmy, transpose;

  PetscFunctionBeginUser;
  PetscCall(Create(A, arguments, &pc));
  PetscCall(TestVecRandom(A, 5, &x));
  PetscCall(TestVecRandom(A, 6, &y));
  PetscCall(VecDuplicate(x, &mx));
  PetscCall(VecDuplicate(x, &my));
  PetscCall(VecDuplicate(x, &w));
  PetscCall(PCApply(pc, x, mx));
  PetscCall(PCApply(pc, y, my));
  PetscCall(PCApplyTranspose(pc, y, w));
  PetscCall(VecDot(x, my, &xmy));
  PetscCall(VecDot(y, mx, &ymx));
  PetscCall(VecDot(x, mx, &xmx));
  PetscCall(VecNorm(x, NORM_2, &nx));
  PetscCall(VecNorm(my, NORM_2, &nmy));
  PetscCall(TestDifference(my, 1.0, w, &transpose));
  Ok(PetscAbsScalar(xmy - ymx) <= 1e-11 * nx * nmy && transpose == 0.0, "%s: symmetric, %.1e", arguments, (double)(PetscAbsScalar(xmy - ymx) / (nx * nmy)));
  Ok(PetscRealPart(xmx) > 0.0, "%s: positive, %.2g", arguments, (double)PetscRealPart(xmx));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&mx));
  PetscCall(VecDestroy(&my));
  PetscCall(VecDestroy(&w));
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All eigenvalues of M^-1 A, as a dense matrix, on one rank */
static PetscErrorCode TestSpectrum(Mat A)
{
  KSP       ksp;
  PC        pc;
  PetscReal real[240], imaginary[240], least = PETSC_MAX_REAL, turned = 0.0;

  PetscFunctionBeginUser;
  PetscCall(Create(A, variants[0], &pc));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetPC(ksp, pc));
  PetscCall(KSPSetUp(ksp));
  PetscCall(KSPComputeEigenvaluesExplicitly(ksp, 240, real, imaginary));
  for (int l = 0; l < 240; l++) {
    least  = PetscMin(least, real[l]);
    turned = PetscMax(turned, PetscAbsReal(imaginary[l]));
  }
  Ok(least > 0.0 && turned < 1e-8, "%s: eigenvalues of M A are real and at least %.2g", variants[0], (double)least);
  PetscCall(KSPDestroy(&ksp));
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- new values ---- */

/* S A S with S of many sizes: D^-1 A is similar to what it was, and the scaled matrix is the same */
static PetscErrorCode ScaleRows(Mat A)
{
  PetscInt start, end;
  Vec      s;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(A, &s, NULL));
  PetscCall(VecGetOwnershipRange(s, &start, &end));
  for (PetscInt i = start; i < end; i++) PetscCall(VecSetValue(s, i, 300.0 * (PetscReal)(1 + i % 7), INSERT_VALUES));
  PetscCall(VecAssemblyBegin(s));
  PetscCall(VecAssemblyEnd(s));
  PetscCall(MatDiagonalScale(A, s, s));
  PetscCall(VecDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After new values, and after other rows became decoupled in the same pattern, M is that of a new preconditioner */
static PetscErrorCode TestRefresh(Mat A, const char arguments[])
{
  Mat       B;
  PC        pc, fresh;
  Vec       z, w;
  PetscReal difference;

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &B));
  PetscCall(MatSetOption(B, MAT_KEEP_NONZERO_PATTERN, PETSC_TRUE));
  PetscCall(Create(B, arguments, &pc));
  for (int step = 0; step < (serial ? 3 : 2); step++) {
    if (step == 0) PetscCall(ScaleRows(B)); /* aggregates and damping made anew are the same */
    if (step == 1) PetscCall(TestMatDecouple(B, 9));
    if (step == 2) PetscCall(MatCopy(A, B, SAME_NONZERO_PATTERN));
    PetscCall(Create(B, arguments, &fresh));
    PetscCall(TestApplied(pc, &z));
    PetscCall(TestApplied(fresh, &w));
    PetscCall(TestDifference(w, 1.0, z, &difference));
    Ok(difference < 1e-12, "%s: step %d, the M of a new preconditioner, off by %.1e", arguments, step, (double)difference);
    PetscCall(VecDestroy(&z));
    PetscCall(VecDestroy(&w));
    PetscCall(PCDestroy(&fresh));
  }
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Another matrix, which cannot be used at first, and another number of aggregates: when it can, the coarse space is not that of the one before */
static PetscErrorCode TestFailed(Mat A, const char arguments[])
{
  Mat       B, good;
  PC        pc, fresh;
  Vec       z, w;
  PetscInt  first;
  PetscReal difference;

  PetscFunctionBeginUser;
  PetscCall(TestMatCreateRandom(PETSC_COMM_WORLD, 240, 9, &B));
  PetscCall(MatDuplicate(B, MAT_COPY_VALUES, &good));
  PetscCall(MatGetOwnershipRange(B, &first, NULL));
  PetscCall(MatSetValue(B, first, first, (PetscScalar)NAN, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(B, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(B, MAT_FINAL_ASSEMBLY));
  PetscCall(Create(A, arguments, &pc));
  PetscCall(PCSetUp(pc));
  PetscCall(PCSetOperators(pc, B, B));
  PetscCall(PCGNNSPAISetCoarse(pc, 20));
  PetscCall(PCSetUp(pc));
  PetscCall(MatCopy(good, B, SAME_NONZERO_PATTERN));
  PetscCall(Create(B, arguments, &fresh));
  PetscCall(PCGNNSPAISetCoarse(fresh, 20));
  PetscCall(TestApplied(pc, &z));
  PetscCall(TestApplied(fresh, &w));
  PetscCall(TestDifference(w, 1.0, z, &difference));
  Ok(difference < 1e-12, "%s: after a matrix that could not be used, the M of a new preconditioner, off by %.1e", arguments, (double)difference);
  PetscCall(VecDestroy(&z));
  PetscCall(VecDestroy(&w));
  PetscCall(PCDestroy(&fresh));
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&good));
  PetscCall(MatDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From setters: 0, 10, 0, 20 aggregates give what a new preconditioner gives */
static PetscErrorCode TestSetters(Mat A)
{
  const PetscInt numbers[] = {0, 10, 0, 20};
  PC             pc, fresh;
  Vec            z, w;
  PetscReal      difference;
  PetscInt       number;
  char           arguments[64];

  PetscFunctionBeginUser;
  PetscCall(Create(A, "", &pc));
  for (int k = 0; k < 4; k++) {
    PetscCall(PCGNNSPAISetCoarse(pc, numbers[k]));
    PetscCall(PCGNNSPAIGetCoarse(pc, &number));
    PetscCall(PetscSNPrintf(arguments, sizeof(arguments), "-pc_gnnspai_coarse %d", (int)number));
    PetscCall(Create(A, arguments, &fresh));
    PetscCall(TestApplied(pc, &z));
    PetscCall(TestApplied(fresh, &w));
    PetscCall(TestDifference(w, 1.0, z, &difference));
    Ok(number == numbers[k] && difference < 1e-12, "set: %s", arguments);
    PetscCall(VecDestroy(&z));
    PetscCall(VecDestroy(&w));
    PetscCall(PCDestroy(&fresh));
  }
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Laplacians: iterations, singular matrices, other solvers and types ---- */

/* 2-D Laplacian, m x m, b equal components; Dirichlet: 4 on the diagonal everywhere, else row sums of 0; no rows on the last of several ranks if asked */
static PetscErrorCode Laplacian(MatType mtype, PetscInt m, PetscInt b, PetscBool dirichlet, PetscBool empty, Mat *A)
{
  PetscInt    start, end, rows = m * m, local = PETSC_DECIDE;
  PetscMPIInt size, rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (empty && size > 1) local = rank == size - 1 ? 0 : rows / (size - 1) + (rank < rows % (size - 1));
  if (local == PETSC_DECIDE) PetscCall(PetscSplitOwnership(PETSC_COMM_WORLD, &local, &rows));
  PetscCall(MatCreate(PETSC_COMM_WORLD, A));
  PetscCall(MatSetSizes(*A, b * local, b * local, PETSC_DETERMINE, PETSC_DETERMINE));
  PetscCall(MatSetBlockSize(*A, b));
  PetscCall(MatSetType(*A, mtype));
  PetscCall(MatSetUp(*A));
  PetscCall(MatSetOption(*A, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  if (strcmp(mtype, MATSBAIJ) == 0) PetscCall(MatSetOption(*A, MAT_IGNORE_LOWER_TRIANGULAR, PETSC_TRUE));
  PetscCall(MatGetOwnershipRange(*A, &start, &end));
  for (PetscInt row = start; row < end; row++) {
    const PetscInt node = row / b, i = node / m, j = node % m;
    const PetscInt other[]  = {i > 0 ? row - m * b : -1, i < m - 1 ? row + m * b : -1, j > 0 ? row - b : -1, j < m - 1 ? row + b : -1};
    PetscScalar    diagonal = dirichlet ? 4.0 : 0.0;

    for (int k = 0; k < 4; k++) {
      if (other[k] < 0) continue;
      PetscCall(MatSetValue(*A, row, other[k], -1.0, INSERT_VALUES));
      if (!dirichlet) diagonal += 1.0;
    }
    PetscCall(MatSetValue(*A, row, row, diagonal, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The text of -ksp_view, to be freed; empty but on rank 0 */
static PetscErrorCode View(KSP ksp, char **view)
{
  PetscViewer viewer;
  FILE       *file;
  size_t      length;

  PetscFunctionBeginUser;
  file = open_memstream(view, &length);
  PetscCheck(file != NULL, PETSC_COMM_SELF, PETSC_ERR_MEM, "open_memstream()");
  PetscCall(PetscViewerASCIIOpenWithFILE(PETSC_COMM_WORLD, file, &viewer));
  PetscCall(KSPView(ksp, viewer));
  PetscCall(PetscViewerDestroy(&viewer));
  (void)fclose(file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Solves with -pc_type gnnspai and the options; iterations, or -1 where it fails; the text of -ksp_view on rank 0, to be freed */
static PetscErrorCode Solve(Mat A, const char arguments[], PetscInt *its, char **view)
{
  PetscOptions       options;
  KSP                ksp;
  KSPConvergedReason reason;
  Vec                x, b;
  PetscInt           unused;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsCreate(&options));
  PetscCall(PetscOptionsInsertString(options, arguments));
  PetscCall(PetscOptionsPush(options));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetType(ksp, KSPCG));
  PetscCall(KSPSetNormType(ksp, KSP_NORM_UNPRECONDITIONED));
  PetscCall(KSPSetTolerances(ksp, 1e-8, 0.0, PETSC_DEFAULT, 300));
  PetscCall(KSPSetFromOptions(ksp));
  PetscCall(TestVecRandom(A, 8, &x));
  PetscCall(VecDuplicate(x, &b));
  PetscCall(MatMult(A, x, b));
  PetscCall(KSPSolve(ksp, b, x));
  PetscCall(KSPGetConvergedReason(ksp, &reason));
  PetscCall(KSPGetIterationNumber(ksp, its));
  if (reason <= 0) *its = -1;
  PetscCall(View(ksp, view));
  PetscCall(PetscOptionsAllUsed(options, &unused));
  if (unused) Ok(PETSC_FALSE, "%d unused options in %s", (int)unused, arguments);
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&b));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(PetscOptionsPop());
  PetscCall(PetscOptionsDestroy(&options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At most so many iterations, and the view has the text */
static PetscErrorCode TestSolve(Mat A, const char arguments[], PetscInt most, const char expected[], const char what[])
{
  PetscInt    its;
  PetscMPIInt rank;
  char       *view;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(Solve(A, arguments, &its, &view));
  Ok(its >= 0 && its <= most, "%s: %d iterations", what, (int)its);
  if (!Ok(rank != 0 || strstr(view, expected) != NULL, "%s: -ksp_view shows '%s'", what, expected)) PetscCall(PetscPrintf(PETSC_COMM_WORLD, "# in: %s\n", view));
  free(view);
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define COARSE "-pc_type gnnspai -pc_gnnspai_coarse 32 "
#define FSAI   "-pc_type gnnspai -pc_gnnspai_values fsai"

static PetscErrorCode TestSolves(void)
{
  Mat A, blocked;

  PetscFunctionBeginUser;
  PetscCall(Laplacian(MATAIJ, 32, 1, PETSC_TRUE, PETSC_FALSE, &A));
  PetscCall(TestSolve(A, "-pc_type gnnspai", 60, "type: gnnspai", "without coarse space"));
  PetscCall(TestSolve(A, COARSE, 38, "coarse space: 32 aggregates, A_c of size 32", "with one"));
  PetscCall(TestSolve(A, COARSE "-pc_gnnspai_coarse_pc_type gamg", 38, "type: gamg", "GAMG solves with A_c"));
  PetscCall(TestSolve(A, "-pc_type bjacobi -pc_bjacobi_blocks 4 -sub_pc_type gnnspai -sub_pc_gnnspai_guard none -sub_pc_gnnspai_coarse 8", 60, "(sub_pc_gnnspai_coarse_)", "in block Jacobi"));
  if (serial) {
    PetscCall(TestSolve(A, COARSE "-pc_gnnspai_coarse_ksp_type richardson -pc_gnnspai_coarse_ksp_max_it 3 -pc_gnnspai_coarse_pc_type gamg", 40, "type: richardson", "three steps of GAMG with A_c"));
    PetscCall(TestSolve(A, "-ksp_type fcg " COARSE "-pc_gnnspai_coarse_ksp_type cg -pc_gnnspai_coarse_pc_type jacobi", 38, "type: jacobi", "CG solves with A_c"));
    PetscCall(TestSolve(A, COARSE "-pc_gnnspai_coarse_pc_type redundant", 38, "type: redundant", "redundant Cholesky"));
    PetscCall(TestSolve(A, COARSE "-pc_gnnspai_coarse_pc_type mat", 38, "A_c of size 32, inverted", "explicit inverse"));
    PetscCall(TestSolve(A, "-pc_type composite -pc_composite_pcs jacobi,gnnspai -sub_1_pc_gnnspai_coarse 32", 40, "32 aggregates", "in a composite"));
    PetscCall(TestSolve(A, "-pc_type composite -pc_composite_type symmetric_multiplicative -pc_composite_pcs gamg,gnnspai", 10, "type: gnnspai", "between two steps of GAMG"));
    PetscCall(TestSolve(A, "-pc_type gamg -mg_levels_pc_type gnnspai", 10, "type: gnnspai", "in GAMG"));
  }
  PetscCall(MatScale(A, 1e-18)); /* numbers far below PETSc's least pivot */
  PetscCall(TestSolve(A, COARSE, 38, "A_c of size 32", "small numbers"));
  PetscCall(MatDestroy(&A));
  PetscCall(Laplacian(MATAIJ, 16, 2, PETSC_TRUE, PETSC_TRUE, &blocked));
  PetscCall(TestSolve(blocked, COARSE, 25, "32 aggregates, A_c of size 64", "two components"));
  PetscCall(TestSolve(blocked, "-pc_type fieldsplit -pc_fieldsplit_type additive -pc_fieldsplit_block_size 2 -fieldsplit_ksp_type preonly -fieldsplit_pc_type gnnspai -fieldsplit_pc_gnnspai_guard none -fieldsplit_pc_gnnspai_coarse 16", 30, "(fieldsplit_1_pc_gnnspai_coarse_)", "in a field split"));
  PetscCall(MatDestroy(&blocked));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The iterations of AIJ, but for one: with blocks the network sees zeros that AIJ does not store */
static PetscErrorCode TestTypes(void)
{
  const MatType types[] = {MATBAIJ, MATAIJPERM, MATAIJCRL, MATSBAIJ};
  PetscInt      its[2];
  Mat           A;
  char         *view;

  PetscFunctionBeginUser;
  PetscCall(Laplacian(MATAIJ, 12, 2, PETSC_TRUE, PETSC_FALSE, &A));
  PetscCall(Solve(A, COARSE "-pc_gnnspai_guard none", &its[0], &view));
  PetscCall(MatDestroy(&A));
  free(view);
  for (size_t k = serial ? 0 : PETSC_STATIC_ARRAY_LENGTH(types) - 1; k < PETSC_STATIC_ARRAY_LENGTH(types); k++) {
    PetscCall(Laplacian(types[k], 12, 2, PETSC_TRUE, PETSC_FALSE, &A));
    PetscCall(Solve(A, COARSE "-pc_gnnspai_guard none", &its[1], &view));
    Ok(PetscAbsInt(its[0] - its[1]) <= 1 && its[0] > 0, "%s: %d iterations, AIJ %d", types[k], (int)its[1], (int)its[0]);
    PetscCall(MatDestroy(&A));
    free(view);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A_c is singular: the constants are in the range of P and in A's null space */
static PetscErrorCode TestSingular(void)
{
  const char *const numbers[] = {"-pc_gnnspai_coarse 1", "-pc_gnnspai_coarse 16", "-pc_gnnspai_coarse 16 -pc_gnnspai_coarse_pc_type gamg"};
  MatNullSpace      nullspace;
  Mat               A;
  char              arguments[256];

  PetscFunctionBeginUser;
  PetscCall(Laplacian(MATAIJ, 20, 1, PETSC_FALSE, PETSC_TRUE, &A));
  for (int attached = 0; attached < 2; attached++) {
    for (size_t k = serial ? 0 : 1 + attached; k < PETSC_STATIC_ARRAY_LENGTH(numbers); k++) {
      PetscCall(PetscSNPrintf(arguments, sizeof(arguments), "-pc_type gnnspai %s", numbers[k]));
      PetscCall(TestSolve(A, arguments, 50, "coarse space", attached ? "pure Neumann, null space attached" : "pure Neumann"));
    }
    PetscCall(MatNullSpaceCreate(PETSC_COMM_WORLD, PETSC_TRUE, 0, NULL, &nullspace));
    PetscCall(MatSetNullSpace(A, nullspace));
    PetscCall(MatNullSpaceDestroy(&nullspace));
  }
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Constants are never taken away from x again, so that rounding must not bring them in */
static PetscErrorCode TestSingularDeep(void)
{
  Mat A;

  PetscFunctionBeginUser;
  PetscCall(Laplacian(MATAIJ, 40, 1, PETSC_FALSE, PETSC_FALSE, &A));
  PetscCall(TestSolve(A, COARSE "-pc_gnnspai_values fsai -ksp_rtol 1e-12", 80, "32 aggregates", "pure Neumann, no null space attached, 12 digits"));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the guard ---- */

/* 2-D Laplacian, m x n, with weights in x and y; Dirichlet, or Neumann with a penalty on the first and the last node of each row */
static PetscErrorCode Grid(PetscInt m, PetscInt n, PetscReal kx, PetscReal ky, PetscReal penalty, Mat *A)
{
  PetscInt start, end;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, m * n, m * n, 5, NULL, 2, NULL, A));
  PetscCall(MatGetOwnershipRange(*A, &start, &end));
  for (PetscInt row = start; row < end; row++) {
    const PetscInt  x = row % m, y = row / m;
    const PetscInt  other[]  = {x > 0 ? row - 1 : -1, x < m - 1 ? row + 1 : -1, y > 0 ? row - m : -1, y < n - 1 ? row + m : -1};
    const PetscReal weight[] = {kx, kx, ky, ky};
    PetscReal       diagonal = penalty > 0.0 && (x == 0 || x == m - 1) ? penalty : 0.0;

    for (int k = 0; k < 4; k++) {
      if (other[k] >= 0) PetscCall(MatSetValue(*A, row, other[k], -weight[k], INSERT_VALUES));
      if (other[k] >= 0 || penalty == 0.0) diagonal += weight[k];
    }
    PetscCall(MatSetValue(*A, row, row, diagonal, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With the options, for more than one solve */
static PetscErrorCode CreateKSP(Mat A, const char arguments[], KSP *ksp)
{
  PetscOptions options;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsCreate(&options));
  PetscCall(PetscOptionsInsertString(options, arguments));
  PetscCall(PetscOptionsPush(options));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, ksp));
  PetscCall(KSPSetOperators(*ksp, A, A));
  PetscCall(KSPSetType(*ksp, KSPCG));
  PetscCall(KSPSetNormType(*ksp, KSP_NORM_NATURAL));
  PetscCall(KSPSetTolerances(*ksp, 1e-8, 0.0, PETSC_DEFAULT, 2000));
  PetscCall(KSPSetFromOptions(*ksp));
  PetscCall(KSPSetUp(*ksp));
  PetscCall(PetscOptionsPop());
  PetscCall(PetscOptionsDestroy(&options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Iterations, or the most there may be where it fails */
static PetscErrorCode SolveKSP(KSP ksp, Mat A, PetscInt *its)
{
  KSPConvergedReason reason;
  MatNullSpace       nullspace;
  Vec                b, x;

  PetscFunctionBeginUser;
  PetscCall(TestVecRandom(A, 8, &b));
  PetscCall(MatGetNullSpace(A, &nullspace));
  if (nullspace) PetscCall(MatNullSpaceRemove(nullspace, b));
  PetscCall(VecDuplicate(b, &x));
  PetscCall(KSPSolve(ksp, b, x));
  PetscCall(KSPGetConvergedReason(ksp, &reason));
  PetscCall(KSPGetIterationNumber(ksp, its));
  if (reason <= 0) *its = 2000;
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Not more iterations than without the coarse space, for a right-hand side of one size everywhere, and is the coarse space refused? */
static PetscErrorCode TestNotWorse(Mat A, const char arguments[], PetscBool refused, const char what[])
{
  char     with[256], *view;
  PetscInt its[2];
  KSP      ksp;

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    PetscCall(PetscSNPrintf(with, sizeof(with), "%s -pc_gnnspai_coarse %d", arguments, k ? 16 : 0));
    PetscCall(CreateKSP(A, with, &ksp));
    PetscCall(SolveKSP(ksp, A, &its[k]));
    if (k == 1) PetscCall(View(ksp, &view));
    PetscCall(KSPDestroy(&ksp));
  }
  Ok(its[1] <= its[0] + its[0] / 20 && its[1] < 2000, "%s, %s: %d iterations, without coarse space %d", what, arguments, (int)its[1], (int)its[0]);
  Ok(*view == '\0' || (strstr(view, "coarse space refused") != NULL) == refused, "%s: %s", what, refused ? "refused" : "not refused");
  free(view);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Values for which A_c cannot be factored say nothing of those that come after them */
static PetscErrorCode TestFactoredAgain(void)
{
  PetscInt its[2];
  KSP      ksp;
  PC       pc;
  Mat      A;
  char    *view;

  PetscFunctionBeginUser;
  PetscCall(Laplacian(MATAIJ, 45, 1, PETSC_TRUE, PETSC_FALSE, &A));
  PetscCall(MatSetBlockSize(A, 3));
  PetscCall(CreateKSP(A, "-pc_type gnnspai", &ksp));
  PetscCall(SolveKSP(ksp, A, &its[0]));
  PetscCall(MatShift(A, -0.2)); /* indefinite */
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetUp(pc));
  PetscCall(View(ksp, &view));
  Ok(strstr(view, "refused, it is not applied: A_c could not be factored") != NULL, "an indefinite matrix: A_c could not be factored");
  free(view);
  PetscCall(MatShift(A, 0.2));
  PetscCall(SolveKSP(ksp, A, &its[1]));
  PetscCall(View(ksp, &view));
  Ok(its[0] > 0 && PetscAbsInt(its[1] - its[0]) <= 2 && strstr(view, "refused") == NULL, "and the matrix of before: %d iterations, at first %d", (int)its[1], (int)its[0]);
  free(view);
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Pure Neumann, with coefficients that jump: rows that are all but decoupled, and yet belong to the null space */
static PetscErrorCode TestJumps(void)
{
  const PetscInt m = 30;
  PetscInt       start, end;
  MatNullSpace   nullspace;
  Mat            A;

  PetscFunctionBeginUser;
  PetscCall(Laplacian(MATAIJ, m, 1, PETSC_FALSE, PETSC_FALSE, &A));
  PetscCall(MatGetOwnershipRange(A, &start, &end));
  for (PetscInt row = start; row < end; row++) {
    const PetscInt other[]  = {row >= m ? row - m : -1, row < m * (m - 1) ? row + m : -1, row % m ? row - 1 : -1, (row + 1) % m ? row + 1 : -1};
    PetscScalar    diagonal = 0.0;

    for (int k = 0; k < 4; k++) {
      const PetscReal weight = other[k] < 0 ? 0.0 : 2.0 / (PetscPowReal(10.0, 2.0 * PetscSinReal(9.0 * row * row)) + PetscPowReal(10.0, 2.0 * PetscSinReal(9.0 * other[k] * other[k])));

      if (other[k] >= 0) PetscCall(MatSetValue(A, row, other[k], -weight, INSERT_VALUES));
      diagonal += weight;
    }
    PetscCall(MatSetValue(A, row, row, diagonal, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatNullSpaceCreate(PETSC_COMM_WORLD, PETSC_TRUE, 0, NULL, &nullspace));
  PetscCall(MatSetNullSpace(A, nullspace));
  PetscCall(MatNullSpaceDestroy(&nullspace));
  PetscCall(TestNotWorse(A, FSAI, PETSC_FALSE, "pure Neumann, coefficients that jump"));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two Laplacians side by side, b = 2, the second with a penalty on a side: the nodes there are no farther than others */
static PetscErrorCode TestPenaltyBlock(void)
{
  const PetscInt m = 40;
  PetscInt       start, end;
  Mat            A;

  PetscFunctionBeginUser;
  PetscCall(Laplacian(MATAIJ, m, 2, PETSC_TRUE, PETSC_FALSE, &A));
  PetscCall(MatGetOwnershipRange(A, &start, &end));
  for (PetscInt row = start; row < end; row++) {
    if (row % 2 == 1 && row / 2 % m == 0) PetscCall(MatSetValue(A, row, row, 1e20, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(TestNotWorse(A, FSAI " -ksp_norm_type unpreconditioned", PETSC_FALSE, "penalty on one of two components"));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Penalties: the rows that have them take no aggregates. Lines that are all but decoupled, more of them than aggregates: the coarse space is refused */
static PetscErrorCode TestGuard(void)
{
  const PetscReal penalties[] = {1e4, 1e8, 1e30};
  Mat             A;

  PetscFunctionBeginUser;
  for (size_t k = serial ? 0 : 2; k < PETSC_STATIC_ARRAY_LENGTH(penalties); k++) {
    PetscCall(Grid(40, 40, 1.0, 1.0, penalties[k], &A));
    PetscCall(TestNotWorse(A, FSAI " -ksp_norm_type unpreconditioned", PETSC_FALSE, "penalty"));
    PetscCall(MatDestroy(&A));
  }
  PetscCall(Grid(48, 48, 1.0, 1e-6, 0.0, &A));
  PetscCall(TestNotWorse(A, FSAI, PETSC_TRUE, "decoupled lines"));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All but singular: rounding spoils rows of the classical factor, and A_c */
static PetscErrorCode TestHilbert(void)
{
  static const char *const variants[] = {"-pc_type gnnspai", "-pc_type gnnspai -pc_gnnspai_values fsai", COARSE, COARSE "-pc_gnnspai_values fsai"};
  const PetscInt           n          = 48;
  PetscInt                 jacobi;
  Mat                      A;
  char                    *view;

  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, n, n, n, NULL, &A));
  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt j = 0; j < n; j++) PetscCall(MatSetValue(A, i, j, 1.0 / (PetscReal)(i + j + 1), INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(Solve(A, "-pc_type jacobi", &jacobi, &view));
  free(view);
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(variants); k++) PetscCall(TestSolve(A, variants[k], 2 * jacobi, k % 2 ? "fsai: 48 rows are Jacobi's" : "gnnspai", "Hilbert matrix"));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- on several ranks what it is on one ---- */

/* Two Laplacians that are said to have the near-null space of elasticity: P has as many entries as A, and is worth them */
static PetscErrorCode TestHeavy(void)
{
  const PetscInt m = 50;
  PetscInt       start, end;
  MatNullSpace   nullspace;
  Vec            v[3];
  Mat            A;

  PetscFunctionBeginUser;
  PetscCall(Laplacian(MATAIJ, m, 2, PETSC_TRUE, PETSC_FALSE, &A));
  PetscCall(MatGetOwnershipRange(A, &start, &end));
  for (int k = 0; k < 3; k++) {
    PetscCall(MatCreateVecs(A, &v[k], NULL));
    for (PetscInt row = start; row < end; row++) {
      const PetscInt x = row / 2 % m, y = row / 2 / m;

      PetscCall(VecSetValue(v[k], row, k == 2 ? (row % 2 ? x : -y) : (row % 2 == k), INSERT_VALUES));
    }
    PetscCall(VecAssemblyBegin(v[k]));
    PetscCall(VecAssemblyEnd(v[k]));
  }
  PetscCall(MatNullSpaceCreate(PETSC_COMM_WORLD, PETSC_FALSE, 3, v, &nullspace));
  PetscCall(MatSetNearNullSpace(A, nullspace));
  PetscCall(MatNullSpaceDestroy(&nullspace));
  for (int k = 0; k < 3; k++) PetscCall(VecDestroy(&v[k]));
  PetscCall(TestSolve(A, "-pc_type gnnspai", 36, "prolongator smoothed", "more entries in P than in A, taken"));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* In the plane as many aggregates as on one rank. More rows of A_c than each rank wants to have: PETSc's products, and a KSP of all ranks */
static PetscErrorCode TestRanks(void)
{
  Mat A;

  PetscFunctionBeginUser;
  PetscCall(Laplacian(MATAIJ, 100, 1, PETSC_TRUE, PETSC_FALSE, &A));
  PetscCall(TestSolve(A, "-pc_type gnnspai", 50, "coarse space: 200 aggregates, A_c of size 200, inverted", "in the plane"));
  PetscCall(TestSolve(A, "-pc_type gnnspai -pc_gnnspai_coarse 300", 40, "type: cholesky", "A_c on each rank"));
  if (!serial) PetscCall(TestSolve(A, "-pc_type gnnspai -pc_gnnspai_coarse 2100", 45, "type: gamg", "A_c on all ranks together"));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Aggregates of the whole graph: this rank's rows of Q r are what a coarse space on one rank gives, here of a copy of all of A */
static PetscErrorCode TestWhole(MatNullSpace nearnull, Mat A, const char what[])
{
  PetscMPIInt size;
  PetscInt    first, end, b, wrong = 0;
  PC          pc;
  Mat         copy;
  GNNCoarse   c[2];
  VecScatter  scatter;
  Vec         r[2], z[2];
  PetscReal   norm;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(MatSetNearNullSpace(A, nearnull));
  PetscCall(PCCreate(PETSC_COMM_WORLD, &pc));
  PetscCall(GNNCoarseCreate((PetscObject)pc, A, 32, &c[0]));
  c[0]->whole = PETSC_TRUE;
  PetscCall(GNNCoarseSetUp(c[0], A, PETSC_FALSE));
  PetscCall(TestVecRandom(A, 3, &r[0]));
  PetscCall(VecDuplicate(r[0], &z[0]));
  PetscCall(GNNCoarseAdd(c[0], r[0], z[0]));
  PetscCall(GNNWholeCreate(c[0], &copy, &r[1]));
  PetscCall(VecDestroy(&r[1]));
  PetscCall(MatGetBlockSize(A, &b));
  PetscCall(MatSetBlockSize(copy, b));
  PetscCall(PCDestroy(&pc));
  PetscCall(PCCreate(PETSC_COMM_SELF, &pc));
  PetscCall(GNNCoarseCreate((PetscObject)pc, copy, 32, &c[1]));
  PetscCall(GNNCoarseSetUp(c[1], copy, PETSC_FALSE));
  PetscCall(VecScatterCreateToAll(r[0], &scatter, &r[1]));
  PetscCall(VecScatterBegin(scatter, r[0], r[1], INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, r[0], r[1], INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterDestroy(&scatter));
  PetscCall(VecDuplicate(r[1], &z[1]));
  PetscCall(GNNCoarseAdd(c[1], r[1], z[1]));
  PetscCall(VecNorm(z[1], NORM_INFINITY, &norm));
  PetscCall(VecGetOwnershipRange(z[0], &first, &end));
  for (PetscInt i = first; i < end; i++) {
    PetscScalar v[2];

    PetscCall(VecGetValues(z[0], 1, &i, &v[0]));
    PetscCall(VecGetValues(z[1], 1, &i, &v[1]));
    if (!(PetscAbsScalar(v[0] - v[1]) <= 1e-5 * norm)) wrong++;
  }
  Ok(wrong == 0 && norm > 0.0 && c[0]->aggregates == c[1]->aggregates && c[0]->size == c[1]->size, "%s on %d ranks: %d rows of Q r differ from those on one", what, (int)size, (int)wrong);
  for (int k = 0; k < 2; k++) {
    PetscCall(GNNCoarseDestroy(&c[k]));
    PetscCall(VecDestroy(&r[k]));
    PetscCall(VecDestroy(&z[k]));
  }
  PetscCall(MatDestroy(&copy));
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestWholes(void)
{
  MatNullSpace nearnull;
  Mat          A;
  Vec          v;

  PetscFunctionBeginUser;
  PetscCall(TestMatCreateRandom(PETSC_COMM_WORLD, 240, 5, &A));
  PetscCall(TestWhole(NULL, A, "aggregates of the whole graph"));
  PetscCall(TestVecRandom(A, 6, &v));
  PetscCall(VecNormalize(v, NULL));
  PetscCall(MatNullSpaceCreate(PETSC_COMM_WORLD, PETSC_FALSE, 1, &v, &nearnull));
  PetscCall(TestWhole(nearnull, A, "with a near-null space"));
  PetscCall(MatNullSpaceDestroy(&nearnull));
  PetscCall(VecDestroy(&v));
  PetscCall(MatDestroy(&A));
  PetscCall(Laplacian(MATAIJ, 20, 2, PETSC_TRUE, PETSC_TRUE, &A)); /* a rank without rows */
  PetscCall(TestWhole(NULL, A, "with a rank without rows"));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A matrix that lies on the ranks as if numbered at random */
static PetscErrorCode TestTorn(void)
{
  const PetscInt m = 60, n = m * m;
  PetscInt       start, end;
  Mat            A;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, n, n, 5, NULL, 5, NULL, &A));
  PetscCall(MatGetOwnershipRange(A, &start, &end));
  for (PetscInt row = start; row < end; row++) {
    const PetscInt node = (PetscInt)(((long long)row * 1777) % n), x = node % m, y = node / m; /* row = 2113 node mod n */
    const PetscInt other[] = {x > 0 ? node - 1 : -1, x < m - 1 ? node + 1 : -1, y > 0 ? node - m : -1, y < m - 1 ? node + m : -1};

    for (int k = 0; k < 4; k++) {
      if (other[k] >= 0) PetscCall(MatSetValue(A, row, (PetscInt)(((long long)other[k] * 2113) % n), -1.0, INSERT_VALUES));
    }
    PetscCall(MatSetValue(A, row, row, 4.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(TestSolve(A, "-pc_type gnnspai", 75, "coarse space: 79 aggregates", "rows dealt out to the ranks"));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what is kept ---- */

/* A near-null space that is attached later counts from the next set-up on, and so does its being taken away */
static PetscErrorCode TestNearNullLater(Mat A)
{
  static const char arguments[] = "-pc_gnnspai_coarse 12";
  MatNullSpace      nullspace;
  Mat               B;
  PC                pc, fresh;
  Vec               v, z, w;
  PetscReal         difference;

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &B));
  PetscCall(TestVecRandom(B, 7, &v));
  PetscCall(VecNormalize(v, NULL));
  PetscCall(Create(B, arguments, &pc));
  for (int step = 0; step < 2; step++) {
    PetscCall(MatNullSpaceCreate(PETSC_COMM_WORLD, PETSC_FALSE, 1, &v, &nullspace));
    PetscCall(MatSetNearNullSpace(B, step == 0 ? nullspace : NULL));
    PetscCall(MatNullSpaceDestroy(&nullspace));
    PetscCall(MatScale(B, 2.0));
    PetscCall(Create(B, arguments, &fresh));
    PetscCall(TestApplied(pc, &z));
    PetscCall(TestApplied(fresh, &w));
    PetscCall(TestDifference(w, 1.0, z, &difference));
    Ok(difference < 1e-12, "near-null space %s after the first set-up: the M of a new preconditioner, off by %.1e", step == 0 ? "attached" : "taken away", (double)difference);
    PetscCall(VecDestroy(&z));
    PetscCall(VecDestroy(&w));
    PetscCall(PCDestroy(&fresh));
  }
  PetscCall(PCDestroy(&pc));
  PetscCall(VecDestroy(&v));
  PetscCall(MatDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The strong direction turns from x to y, slowly: never more than 1.25 times the iterations of a new preconditioner */
static PetscErrorCode TestDrift(PetscInt n, const char arguments[])
{
  PetscReal worst = 0.0;
  Mat       A     = NULL;
  KSP       ksp;

  PetscFunctionBeginUser;
  for (int step = 8; step >= -8; step -= serial ? 1 : 8) {
    const PetscReal ratio = PetscPowReal(10.0, 0.25 * step);
    PetscInt        its, fresh;
    KSP             other;
    Mat             B;

    PetscCall(Grid(32, n, ratio, 1.0 / ratio, 0.0, &B));
    if (A == NULL) {
      PetscCall(MatDuplicate(B, MAT_COPY_VALUES, &A));
      PetscCall(CreateKSP(A, arguments, &ksp));
    } else PetscCall(MatCopy(B, A, SAME_NONZERO_PATTERN));
    PetscCall(SolveKSP(ksp, A, &its));
    PetscCall(CreateKSP(B, arguments, &other));
    PetscCall(SolveKSP(other, B, &fresh));
    worst = PetscMax(worst, (PetscReal)its / (PetscReal)fresh);
    PetscCall(KSPDestroy(&other));
    PetscCall(MatDestroy(&B));
  }
  Ok(worst <= 1.25, "%s: %.2f times the iterations of new ones in a drift", arguments, (double)worst);
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The inner solvers read nothing of the user's own solver's, but what has their prefix */
static PetscErrorCode TestPrefix(Mat A)
{
  static const char *const arguments[] = {"-ksp_converged_reason -ksp_monitor -ksp_view -ksp_max_it 1 -pc_type none -pc_factor_shift_type nonzero",
                                          "-pc_gnnspai_coarse_ksp_type preonly -pc_gnnspai_coarse_estimate_ksp_max_it 8 -pc_gnnspai_coarse_estimate_ksp_monitor_cancel"};

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    PetscOptions options;
    PetscInt     all, left;
    Vec          z;
    PC           pc;

    PetscCall(PetscOptionsCreate(&options));
    PetscCall(PetscOptionsInsertString(options, arguments[k]));
    PetscCall(PetscOptionsAllUsed(options, &all));
    PetscCall(PetscOptionsPush(options));
    PetscCall(TestPCCreate(A, NULL, PETSC_FALSE, &pc));
    PetscCall(PCGNNSPAISetValues(pc, PC_GNNSPAI_VALUES_FSAI));
    PetscCall(PCGNNSPAISetCoarse(pc, 12));
    PetscCall(TestApplied(pc, &z));
    PetscCall(PetscOptionsAllUsed(options, &left));
    Ok(left == (k == 0 ? all : 0), "inner solvers, %s: %d of %d options are not read", arguments[k], (int)left, (int)all);
    PetscCall(VecDestroy(&z));
    PetscCall(PCDestroy(&pc));
    PetscCall(PetscOptionsPop());
    PetscCall(PetscOptionsDestroy(&options));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nothing to aggregate: a diagonal matrix, a matrix without rows */
static PetscErrorCode TestNothing(void)
{
  Mat A;

  PetscFunctionBeginUser;
  PetscCall(Laplacian(MATAIJ, 1, 1, PETSC_TRUE, PETSC_TRUE, &A));
  PetscCall(TestSolve(A, COARSE, 1, "0 aggregates, A_c of size 0", "1 x 1 matrix"));
  PetscCall(MatDestroy(&A));
  PetscCall(Laplacian(MATAIJ, 0, 1, PETSC_TRUE, PETSC_FALSE, &A));
  PetscCall(TestSolve(A, COARSE, 0, "0 aggregates", "0 x 0 matrix"));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- aggregates ---- */

/* Distances by Bellman and Ford over all edges, and the farthest node, the first in the nodes' order: what GNNNodesAggregate() says it does */
static PetscErrorCode BruteAggregate(GNNNodes g, PetscInt wanted, PetscInt aggregate[])
{
  PetscReal *d;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(g->n, &d));
  for (PetscInt i = 0; i < g->n; i++) {
    d[i]                 = g->coupled[i] ? PETSC_MAX_REAL : 0.0;
    aggregate[g->row[i]] = -1;
  }
  for (PetscInt k = 0; k < wanted; k++) {
    PetscInt  centre = 0;
    PetscBool moved  = PETSC_TRUE;

    for (PetscInt i = 0; i < g->n; i++) centre = d[i] > d[centre] ? i : centre;
    d[centre]                 = 0.0;
    aggregate[g->row[centre]] = k;
    while (moved) {
      moved = PETSC_FALSE;
      for (PetscInt i = 0; i < g->n; i++) {
        for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
          if (aggregate[g->row[i]] != k || d[i] + g->length[p] >= d[g->j[p]]) continue;
          d[g->j[p]]                 = d[i] + g->length[p];
          aggregate[g->row[g->j[p]]] = k;
          moved                      = PETSC_TRUE;
        }
      }
    }
  }
  PetscCall(PetscFree(d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On random graphs of more nodes than are looked at together, in pieces, with nodes that are not coupled; all but some are reached by a centre */
static PetscErrorCode TestAggregates(PetscInt n, unsigned long seed, PetscInt wanted)
{
  const PetscScalar *v;
  PetscScalar       *coupled;
  PetscInt          *aggregate, *brute, count, missed = 0, different = 0, last = -1;
  GNNNodes           g;
  Vec                random;
  Mat                A;

  PetscFunctionBeginUser;
  PetscCall(TestMatCreateRandom(PETSC_COMM_SELF, n, seed, &A));
  PetscCall(TestVecRandom(A, seed, &random));
  PetscCall(PetscMalloc3(n, &coupled, n, &aggregate, n, &brute));
  PetscCall(VecGetArrayRead(random, &v));
  for (PetscInt i = 0; i < n; i++) coupled[i] = PetscAbsScalar(v[i]) > 0.05 ? 1.0 : 0.0;
  PetscCall(VecRestoreArrayRead(random, &v));
  PetscCall(GNNNodesCreate(A, 1, coupled, &g));
  PetscCall(GNNNodesAggregate(g, wanted, aggregate, &count));
  PetscCall(BruteAggregate(g, wanted, brute));
  for (PetscInt i = 0; i < n; i++) {
    last = PetscMax(last, aggregate[i]);
    if ((coupled[i] != 0.0) != (aggregate[i] >= 0)) missed++;
    if (aggregate[i] != (coupled[i] != 0.0 && brute[i] < 0 ? wanted : brute[i])) different++;
  }
  Ok(missed == 0 && different == 0 && count == last + 1, "%d aggregates of %d nodes: %d differ from those by brute force, %d coupled nodes have none", (int)count, (int)n, (int)different, (int)missed);
  PetscCall(GNNNodesDestroy(&g));
  PetscCall(PetscFree3(coupled, aggregate, brute));
  PetscCall(VecDestroy(&random));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- on the host of one rank ---- */

static PetscErrorCode CreateCoarse(Mat A, PetscInt wanted, PC *pc, GNNCoarse *c)
{
  PetscFunctionBeginUser;
  PetscCall(PCCreate(PETSC_COMM_SELF, pc)); /* for its prefix */
  PetscCall(GNNCoarseCreate((PetscObject)*pc, A, wanted, c));
  PetscCall(GNNCoarseSetUp(*c, A, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Q by its columns: symmetric to the last bits of double precision, though P and W are rounded, and not indefinite, also where A_c is all but
   singular; and it is P A_c^-1 P^T: Q A Q = Q, but for single precision times the root of A_c's condition */
static PetscErrorCode TestQ(PetscInt wanted, PetscReal neumann)
{
  const PetscInt m = 12, n = m * m;
  PC             pc;
  GNNCoarse      c;
  Mat            A, Q, AQ, QAQ, QT;
  Vec            e, column;
  PetscReal      asymmetry, error, norm, least;
  PetscScalar    dot;

  PetscFunctionBeginUser;
  PetscCall(Laplacian(MATAIJ, m, 1, neumann > 0.0 ? PETSC_FALSE : PETSC_TRUE, PETSC_FALSE, &A));
  if (neumann > 0.0) PetscCall(MatShift(A, neumann));
  PetscCall(CreateCoarse(A, wanted, &pc, &c));
  PetscCall(MatCreateSeqDense(PETSC_COMM_SELF, n, n, NULL, &Q));
  PetscCall(MatCreateVecs(A, &e, NULL));
  for (PetscInt k = 0; k < n; k++) {
    PetscCall(VecSet(e, 0.0));
    PetscCall(VecSetValue(e, k, 1.0, INSERT_VALUES));
    PetscCall(VecAssemblyBegin(e));
    PetscCall(VecAssemblyEnd(e));
    PetscCall(MatDenseGetColumnVecWrite(Q, k, &column));
    PetscCall(VecSet(column, 0.0));
    PetscCall(GNNCoarseAdd(c, e, column));
    PetscCall(MatDenseRestoreColumnVecWrite(Q, k, &column));
  }
  PetscCall(MatNorm(Q, NORM_FROBENIUS, &norm));
  PetscCall(MatMatMult(A, Q, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &AQ));
  PetscCall(MatMatMult(Q, AQ, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &QAQ));
  PetscCall(MatAXPY(QAQ, -1.0, Q, SAME_NONZERO_PATTERN));
  PetscCall(MatNorm(QAQ, NORM_FROBENIUS, &error));
  PetscCall(MatTranspose(Q, MAT_INITIAL_MATRIX, &QT));
  PetscCall(MatAXPY(QT, -1.0, Q, SAME_NONZERO_PATTERN));
  PetscCall(MatNorm(QT, NORM_FROBENIUS, &asymmetry));
  least = norm;
  for (unsigned long seed = 1; seed < 20; seed++) {
    Vec x, y;

    PetscCall(TestVecRandom(A, seed, &x)); /* A x has little of the large eigenvectors of Q: a rounded inverse would be indefinite there */
    PetscCall(VecDuplicate(x, &y));
    PetscCall(MatMult(A, x, e));
    PetscCall(MatMult(Q, e, y));
    PetscCall(VecDot(e, y, &dot));
    least = PetscMin(least, PetscRealPart(dot));
    PetscCall(VecDestroy(&x));
    PetscCall(VecDestroy(&y));
  }
  Ok(asymmetry <= 1e-13 * norm && least > 0.0, "Q of %d aggregates: asymmetry %.1e, x^T Q x >= %.2g", (int)wanted, (double)(asymmetry / norm), (double)least);
  Ok(error <= (neumann > 0.0 ? 0.1 : 1e-4) * norm, "Q of %d aggregates: a projection but for %.1e", (int)wanted, (double)(error / norm));
  PetscCall(MatDestroy(&Q));
  PetscCall(MatDestroy(&AQ));
  PetscCall(MatDestroy(&QAQ));
  PetscCall(MatDestroy(&QT));
  PetscCall(VecDestroy(&e));
  PetscCall(GNNCoarseDestroy(&c));
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The number of -1: none for few rows, one for 50 nodes in the plane, but not with a third dimension */
static PetscErrorCode TestNumber(PetscInt m, PetscInt layers, PetscInt expected)
{
  const PetscInt n = m * m * layers;
  PC             pc;
  GNNCoarse      c;
  Mat            A;

  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, n, n, 7, NULL, &A));
  for (PetscInt row = 0; row < n; row++) {
    const PetscInt x = row % m, y = row / m % m, z = row / m / m;
    const PetscInt other[] = {x > 0 ? row - 1 : -1, x < m - 1 ? row + 1 : -1, y > 0 ? row - m : -1, y < m - 1 ? row + m : -1, z > 0 ? row - m * m : -1, z < layers - 1 ? row + m * m : -1};

    for (int k = 0; k < 6; k++) {
      if (other[k] >= 0) PetscCall(MatSetValue(A, row, other[k], -1.0, INSERT_VALUES));
    }
    PetscCall(MatSetValue(A, row, row, 6.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(CreateCoarse(A, PETSC_DECIDE, &pc, &c));
  Ok(c->aggregates == expected, "-1: %d aggregates for %d x %d x %d nodes", (int)c->aggregates, (int)m, (int)m, (int)layers);
  PetscCall(GNNCoarseDestroy(&c));
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestHost(void)
{
  PetscFunctionBeginUser;
  PetscCall(TestAggregates(300, 3, 40));
  PetscCall(TestAggregates(1000, 4, 7));
  PetscCall(TestAggregates(1000, 5, 200));
  PetscCall(TestQ(20, 0.0));
  PetscCall(TestQ(20, 1e-9));
  PetscCall(TestQ(144, 0.0));
  PetscCall(TestNumber(38, 1, 0));
  PetscCall(TestNumber(80, 1, 128));
  PetscCall(TestNumber(25, 25, 209));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- costs ---- */

/* But for the 16 bytes in which PETSc keeps the floating point trap around LAPACK */
static PetscErrorCode TestNoAllocation(Mat A, const char arguments[])
{
  PC             pc;
  Vec            r, z;
  PetscLogDouble before, after, most;

  PetscFunctionBeginUser;
  PetscCall(Create(A, arguments, &pc));
  PetscCall(TestVecRandom(A, 1, &r));
  PetscCall(VecDuplicate(r, &z));
  PetscCall(PCApply(pc, r, z));
  PetscCall(PetscMallocGetCurrentUsage(&before));
  LogMemory(PETSC_TRUE);
  PetscCall(PetscMallocPushMaximumUsage(0));
  for (int k = 0; k < 10; k++) PetscCall(PCApply(pc, r, z));
  PetscCall(PetscMallocPopMaximumUsage(0, &most));
  LogMemory(PETSC_FALSE);
  PetscCall(PetscMallocGetCurrentUsage(&after));
  Ok(before > 0.0 && most <= before + 64 && after == before, "%s: PCApply() allocates no work space: %g bytes before, %g at most", arguments, before, most);
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&z));
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Mat         A, decoupled;
  PetscMPIInt size;
  int         failed;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsSetValue(NULL, "-malloc_dump", NULL)); /* PETSc counts bytes only then; with -malloc_debug it would check all of them at every call */
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  serial = size == 1 ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(PCGNNSPAIRegister());
  PetscCall(TestMatCreateRandom(PETSC_COMM_WORLD, 240, 1, &A));
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &decoupled));
  PetscCall(MatSetOption(decoupled, MAT_KEEP_NONZERO_PATTERN, PETSC_TRUE));
  PetscCall(TestMatDecouple(decoupled, 6));
  PetscCall(TestRange(A, decoupled));
  PetscCall(TestNearNull(A));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(variants); k += serial ? 1 : 3) PetscCall(TestSPD(decoupled, variants[k]));
  if (serial) PetscCall(TestSpectrum(A));
  PetscCall(TestRefresh(A, "-pc_gnnspai_coarse 12"));
  if (serial) PetscCall(TestRefresh(A, "-pc_gnnspai_coarse 12 -pc_gnnspai_coarse_pc_type mat"));
  PetscCall(TestFailed(A, "-pc_gnnspai_coarse 12"));
  if (serial) PetscCall(TestSetters(A));
  PetscCall(TestSolves());
  PetscCall(TestTypes());
  PetscCall(TestSingular());
  PetscCall(TestSingularDeep());
  PetscCall(TestGuard());
  PetscCall(TestPenaltyBlock());
  PetscCall(TestJumps());
  if (serial) PetscCall(TestFactoredAgain());
  if (serial) PetscCall(TestHilbert());
  PetscCall(TestHeavy());
  PetscCall(TestRanks());
  PetscCall(TestWholes());
  PetscCall(TestTorn());
  PetscCall(TestNearNullLater(A));
  if (serial) PetscCall(TestDrift(16, "-pc_type gnnspai"));
  if (serial) PetscCall(TestDrift(32, COARSE));
  PetscCall(TestDrift(32, COARSE "-pc_gnnspai_values fsai"));
  PetscCall(TestPrefix(A));
  if (serial) PetscCall(TestHost());
  PetscCall(TestNothing());
  PetscCall(TestNoAllocation(A, "-pc_gnnspai_coarse 12"));
  PetscCall(MatDestroy(&A));
  PetscCall(MatDestroy(&decoupled));
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
