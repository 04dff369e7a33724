static char help[] = "PCMatApply() and its transpose: columns of dense matrices are what PCApply() makes of each, in one pass.\n\n";

#include "../../gnn/compat.h"
#include "../testpc.h"

#define LARGEST 40

static PetscErrorCode TestColumns(PC pc, Mat A, PetscInt K, const char what[])
{
  Mat       X, Y;
  PetscReal difference;

  PetscFunctionBeginUser;
  PetscCall(TestDenseCreate(A, MATDENSE, K, &X));
  PetscCall(TestDenseCreate(A, MATDENSE, K, &Y));
  PetscCall(PCMatApply(pc, X, Y));
  PetscCall(TestColumnsDifference(pc, PCApply, X, Y, &difference));
  Ok(difference < 1e-13, "%s: %d columns are those of PCApply(), %.1e", what, (int)K, (double)difference);
#if GNN_HAS_MATAPPLYTRANSPOSE
  PetscCall(PCMatApplyTranspose(pc, X, Y));
  PetscCall(TestColumnsDifference(pc, PCApplyTranspose, X, Y, &difference));
  Ok(difference < 1e-13, "%s: %d columns of the transpose, %.1e", what, (int)K, (double)difference);
#endif
  PetscCall(MatDestroy(&X));
  PetscCall(MatDestroy(&Y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCMake(Mat A, const char arguments[], PC *pc)
{
  PetscOptions options;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsCreate(&options));
  PetscCall(PetscOptionsInsertString(options, arguments));
  PetscCall(PetscOptionsPush(options));
  PetscCall(PCCreate(PetscObjectComm((PetscObject)A), pc));
  PetscCall(PCSetType(*pc, PCGNNSPAI));
  PetscCall(PCSetOperators(*pc, A, A));
  PetscCall(PCSetFromOptions(*pc));
  PetscCall(PCSetUp(*pc));
  PetscCall(PetscOptionsPop());
  PetscCall(PetscOptionsDestroy(&options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestStorage(Mat A, const char arguments[])
{
  const PetscInt K[] = {1, 2, 3, 4, 16, LARGEST};
  PC             pc;

  PetscFunctionBeginUser;
  PetscCall(PCMake(A, arguments, &pc));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(K); k++) PetscCall(TestColumns(pc, A, K[k], arguments));
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One PC, whose factor is stored anew, and is that of a matrix of another size */
static PetscErrorCode TestChanges(Mat A, Mat B)
{
  PC pc;

  PetscFunctionBeginUser;
  PetscCall(PCMake(A, "-pc_gnnspai_coarse 6 -pc_gnnspai_guard none -pc_gnnspai_precision double", &pc));
  PetscCall(TestColumns(pc, A, 7, "one PC"));
  PetscCall(PCGNNSPAISetPrecision(pc, PC_GNNSPAI_HALF));
  PetscCall(TestColumns(pc, A, 7, "another precision"));
  PetscCall(MatScale(A, 3.0));
  PetscCall(TestColumns(pc, A, 7, "other values"));
  PetscCall(PCReset(pc));
  PetscCall(PCSetOperators(pc, B, B));
  PetscCall(TestColumns(pc, B, 7, "another matrix"));
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestKSP(Mat A)
{
  KSP       ksp;
  PC        pc;
  Mat       B, X;
  PetscReal difference;

  PetscFunctionBeginUser;
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)A), &ksp));
  PetscCall(KSPSetType(ksp, KSPPREONLY));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCGNNSPAI));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(TestDenseCreate(A, MATDENSE, 16, &B));
  PetscCall(TestDenseCreate(A, MATDENSE, 16, &X));
  PetscCall(KSPMatSolve(ksp, B, X));
  PetscCall(TestColumnsDifference(pc, PCApply, B, X, &difference));
  Ok(difference < 1e-13, "KSPMatSolve() of KSPPREONLY, %.1e", (double)difference);
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&B));
  PetscCall(MatDestroy(&X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows that MatZeroRows() set: M^-1 is not symmetric there */
static PetscErrorCode TestZeroRows(Mat A)
{
  const PetscInt rows[] = {3, 11, 12, 100};
  PetscMPIInt    rank;
  Mat            B;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &B));
  PetscCall(MatZeroRows(B, rank == 0 ? PETSC_STATIC_ARRAY_LENGTH(rows) : 0, rows, 2.0, NULL, NULL));
  PetscCall(TestStorage(B, "-pc_gnnspai_coarse 0 -pc_gnnspai_values fsai"));
  PetscCall(MatDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A set-up that failed: PCApply() gives infinities, and this must not give less */
static PetscErrorCode TestFailed(Mat A)
{
  Mat         B, X, Y;
  PC          pc;
  PetscReal   norm;
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &B));
  if (rank == 0) PetscCall(MatSetValue(B, 5, 5, NAN, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(B, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(B, MAT_FINAL_ASSEMBLY));
  PetscCall(PCMake(B, "", &pc));
  PetscCall(TestDenseCreate(A, MATDENSE, 4, &X));
  PetscCall(TestDenseCreate(A, MATDENSE, 4, &Y));
  PetscCall(PCMatApply(pc, X, Y));
  PetscCall(MatNorm(Y, NORM_FROBENIUS, &norm));
  Ok(PetscIsInfReal(norm), "after a set-up that failed every column is infinite");
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&B));
  PetscCall(MatDestroy(&X));
  PetscCall(MatDestroy(&Y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The events of one vector, once, with the flops of all */
static PetscErrorCode TestEvents(Mat A)
{
  PetscEventPerfInfo info[3], coarse[2];
  PC                 pc;
  Mat                X, Y;
  Vec                z;
  PetscLogDouble     one, many;

  PetscFunctionBeginUser;
  if (!PetscDefined(USE_LOG)) {
    Skip("PETSc without logging", "log events");
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscLogDefaultBegin());
  PetscCall(PCMake(A, "-pc_gnnspai_coarse 6 -pc_gnnspai_guard none", &pc));
  PetscCall(TestDenseCreate(A, MATDENSE, 16, &X));
  PetscCall(TestDenseCreate(A, MATDENSE, 16, &Y));
  PetscCall(TestEventGet("GNNSPAIApply", &info[0]));
  PetscCall(TestApplied(pc, &z));
  PetscCall(TestEventGet("GNNSPAIApply", &info[1]));
  PetscCall(TestEventGet("GNNSPAICoarseApply", &coarse[0]));
  PetscCall(PCMatApply(pc, X, Y));
  PetscCall(TestEventGet("GNNSPAICoarseApply", &coarse[1]));
  PetscCall(TestEventGet("GNNSPAIApply", &info[2]));
  one  = info[1].flops - info[0].flops;
  many = info[2].flops - info[1].flops;
  Ok(one > 0.0 && PetscAbsReal(many - 16.0 * one) < 1e-9 * many && info[2].count == info[1].count + 1, "one event, %g flops of 16 columns, %g of a vector", many, one);
  Ok(coarse[1].flops > coarse[0].flops && coarse[1].count - coarse[0].count < 16, "with a coarse space, which is not added to each column for itself");
  PetscCall(VecDestroy(&z));
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&X));
  PetscCall(MatDestroy(&Y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestNoAllocation(Mat A, const char arguments[])
{
  PC             pc;
  Mat            X, Y;
  PetscLogDouble before, after, most;

  PetscFunctionBeginUser;
  PetscCall(PCMake(A, arguments, &pc));
  PetscCall(TestDenseCreate(A, MATDENSE, LARGEST, &X));
  PetscCall(TestDenseCreate(A, MATDENSE, LARGEST, &Y));
  PetscCall(PCMatApply(pc, X, Y));
  PetscCall(PetscMallocGetCurrentUsage(&before));
  LogMemory(PETSC_TRUE);
  PetscCall(PetscMallocPushMaximumUsage(0));
  for (int k = 0; k < 3; k++) PetscCall(PCMatApply(pc, X, Y));
  PetscCall(PetscMallocPopMaximumUsage(0, &most));
  LogMemory(PETSC_FALSE);
  PetscCall(PetscMallocGetCurrentUsage(&after));
  Ok(before > 0.0 && most <= before && after == before, "%s: but for the first one PCMatApply() allocates nothing: %g bytes before, %g at most", arguments, before, most);
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&X));
  PetscCall(MatDestroy(&Y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* D A D, where every third entry of D is a thousand: in 16 bits S is then not multiplied into G */
static PetscErrorCode TestScaled(Mat A)
{
  PetscInt start, end;
  Mat      B;
  Vec      d;

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &B));
  PetscCall(MatCreateVecs(B, &d, NULL));
  PetscCall(VecGetOwnershipRange(d, &start, &end));
  for (PetscInt i = start; i < end; i++) PetscCall(VecSetValue(d, i, i % 3 ? 1.0 : 1000.0, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(d));
  PetscCall(VecAssemblyEnd(d));
  PetscCall(MatDiagonalScale(B, d, d));
  PetscCall(TestStorage(B, "-pc_gnnspai_precision half -pc_gnnspai_coarse 0"));
  PetscCall(VecDestroy(&d));
  PetscCall(MatDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* In each precision; the coarse space inverted and solved with */
/* On several ranks the first one has a row alone, whose factor is a diagonal, but the coarse space in common with the others */
static PetscErrorCode TestUneven(void)
{
  Mat A;

  PetscFunctionBeginUser;
  PetscCall(TestMatCreateUneven(PETSC_COMM_WORLD, 40, &A));
  PetscCall(TestStorage(A, "-pc_gnnspai_scope local -pc_gnnspai_guard none -pc_gnnspai_coarse 4"));
  PetscCall(TestStorage(A, "-pc_gnnspai_scope global -pc_gnnspai_guard none -pc_gnnspai_coarse 4"));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestStorages(Mat A, Mat blocks, Mat diagonal)
{
  PetscFunctionBeginUser;
  PetscCall(TestStorage(A, "-pc_gnnspai_precision double -pc_gnnspai_coarse 0"));
  PetscCall(TestStorage(A, "-pc_gnnspai_precision single -pc_gnnspai_coarse 0"));
  PetscCall(TestStorage(A, "-pc_gnnspai_precision half -pc_gnnspai_coarse 0"));
  PetscCall(TestStorage(A, "-pc_gnnspai_values network -pc_gnnspai_guard none"));
  PetscCall(TestStorage(A, "-pc_gnnspai_coarse 6 -pc_gnnspai_guard none"));
  PetscCall(TestStorage(A, "-pc_gnnspai_coarse 6 -pc_gnnspai_guard none -pc_gnnspai_coarse_ksp_type cg -pc_gnnspai_coarse_pc_type jacobi -pc_gnnspai_coarse_ksp_max_it 5 -pc_gnnspai_coarse_ksp_norm_type none"));
  PetscCall(TestStorage(blocks, "-pc_gnnspai_precision double -pc_gnnspai_values network -pc_gnnspai_guard none"));
  PetscCall(TestStorage(blocks, "-pc_gnnspai_precision single -pc_gnnspai_values network -pc_gnnspai_guard none"));
  PetscCall(TestStorage(blocks, "-pc_gnnspai_precision half -pc_gnnspai_values network -pc_gnnspai_guard none"));
  PetscCall(TestStorage(blocks, "-pc_gnnspai_coarse 4 -pc_gnnspai_guard none"));
  PetscCall(TestStorage(diagonal, ""));
  PetscCall(TestScaled(A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Mat         A, blocks, diagonal;
  PetscMPIInt size;
  int         failed;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsSetValue(NULL, "-malloc_dump", NULL)); /* PETSc counts bytes only then; with -malloc_debug it would check all of them at every call */
  PetscCall(PetscOptionsSetValue(NULL, "-checkstack", "false"));
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PCGNNSPAIRegister());
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(TestMatCreateLaplacian(20, &A));
  PetscCall(TestMatDecouple(A, 6));
  PetscCall(TestMatCreateBlocks(PETSC_COMM_WORLD, MATAIJ, 3, 50, 1, &blocks));
  PetscCall(MatDuplicate(blocks, MAT_DO_NOT_COPY_VALUES, &diagonal));
  PetscCall(MatShift(diagonal, 2.0));
  PetscCall(TestStorages(A, blocks, diagonal));
  PetscCall(TestUneven());
  PetscCall(TestZeroRows(A));
  PetscCall(TestFailed(A));
  PetscCall(TestKSP(A));
  PetscCall(TestEvents(A));
  PetscCall(TestNoAllocation(A, "-pc_gnnspai_coarse 0"));
  if (size == 1) PetscCall(TestNoAllocation(A, "-pc_gnnspai_coarse 6 -pc_gnnspai_guard none"));
  PetscCall(TestChanges(A, blocks));
  PetscCall(MatDestroy(&A));
  PetscCall(MatDestroy(&blocks));
  PetscCall(MatDestroy(&diagonal));
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
