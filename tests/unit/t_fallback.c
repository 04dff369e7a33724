static char help[] = "What happens where the guard refuses the network's factor, and what a refresh costs while its choice is kept.\n\n";

#include "../../gnn/model.h"
#include "../caught.h"
#include "../testpc.h"
#include "../testtext.h"

static GNNModel wild; /* whose factor the guard refuses */

/* ---- order of the choices ---- */

/* n / size rows a rank, each coupled to all others of the rank by -1, the diagonal d: two eigenvalues, so that CG solves in two steps with the network's factor,
   the start, and Jacobi; what is chosen between them hung on rounding */
static PetscErrorCode TestTie(PetscInt rows, PetscReal d)
{
  Mat       A;
  PC        pc;
  PetscReal alpha;
  PetscInt  start, end;

  PetscFunctionBeginUser;
  PetscCall(MatCreate(PETSC_COMM_WORLD, &A));
  PetscCall(MatSetSizes(A, rows, rows, PETSC_DETERMINE, PETSC_DETERMINE));
  PetscCall(MatSetType(A, MATAIJ));
  PetscCall(MatSetUp(A));
  PetscCall(MatGetOwnershipRange(A, &start, &end));
  for (PetscInt i = start; i < end; i++) {
    for (PetscInt j = start; j < end; j++) PetscCall(MatSetValue(A, i, j, i == j ? d : -1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(TestPCCreate(A, NULL, PETSC_TRUE, &pc));
  PetscCall(PCSetUp(pc));
  PetscCall(PCGNNSPAIGetGuardAlpha(pc, &alpha));
  Ok(alpha > 0.0, "%d rows coupled to all others, all are alike: the network is named first, alpha %g", (int)rows, (double)alpha);
  PetscCall(PCGNNSPAISetFallback(pc, PC_GNNSPAI_FALLBACK_BEST));
  PetscCall(PCSetUp(pc));
  PetscCall(PCGNNSPAIGetGuardAlpha(pc, &alpha));
  Ok(alpha > 0.0, "%d rows, best: it is kept, alpha %g", (int)rows, (double)alpha);
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- policies ---- */

static PetscErrorCode RefusedCreate(Mat A, PCGNNSPAIFallback fallback, PC *pc)
{
  PetscFunctionBeginUser;
  PetscCall(TestPCCreate(A, wild, PETSC_TRUE, pc));
  PetscCall(PCGNNSPAISetFallback(*pc, fallback));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SameFactors(PC a, PC b, PetscBool *same)
{
  Mat Ga, Gb;

  PetscFunctionBeginUser;
  PetscCall(PCSetUp(a));
  PetscCall(PCSetUp(b));
  PetscCall(PCGNNSPAIGetFactor(a, &Ga));
  PetscCall(PCGNNSPAIGetFactor(b, &Gb));
  PetscCall(MatEqual(Ga, Gb, same));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* best: the classical factor against one of the network's that the guard accepts */
static PetscErrorCode TestBest(Mat A)
{
  PC          best, network;
  PetscReal   alpha[3];
  PetscBool   same;
  PetscMPIInt size; /* on several ranks the network's factor may be the better one on some */

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(TestPCCreate(A, NULL, PETSC_TRUE, &best));
  PetscCall(TestPCCreate(A, NULL, PETSC_TRUE, &network));
  PetscCall(PCGNNSPAISetFallback(network, PC_GNNSPAI_FALLBACK_JACOBI));
  PetscCall(PCSetUp(network));
  PetscCall(PCGNNSPAIGetGuardAlpha(network, &alpha[0]));
  PetscCall(PCGNNSPAISetFallback(best, PC_GNNSPAI_FALLBACK_BEST));
  PetscCall(PCSetUp(best));
  PetscCall(PCGNNSPAIGetGuardAlpha(best, &alpha[1]));
  PetscCall(PCGNNSPAISetThreshold(best, 0.999)); /* a diagonal G */
  PetscCall(SameFactors(best, network, &same));
  PetscCall(PCGNNSPAIGetGuardAlpha(best, &alpha[2]));
  Ok(alpha[0] > 0.0 && (alpha[1] == -2.0 || (size > 1 && alpha[1] == alpha[0])), "best: the classical factor in place of the network's, alpha %g in place of %g", (double)alpha[1], (double)alpha[0]);
  Ok(same && alpha[2] == alpha[0], "best: the network's factor where that is better, alpha %g", (double)alpha[2]);
  PetscCall(PCDestroy(&best));
  PetscCall(PCDestroy(&network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On the 5-point Laplacian the network is no better than the start: the guard takes it only for the order, so that the classical factor is tried, too */
static PetscErrorCode TestNarrow(void)
{
  const PetscInt m = 60;
  PetscReal      alpha[2];
  Mat            A;

  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, m * m, m * m, 5, NULL, &A));
  for (PetscInt i = 0; i < m * m; i++) {
    PetscCall(MatSetValue(A, i, i, 4.0, INSERT_VALUES));
    if (i % m > 0) PetscCall(MatSetValue(A, i, i - 1, -1.0, INSERT_VALUES));
    if (i % m < m - 1) PetscCall(MatSetValue(A, i, i + 1, -1.0, INSERT_VALUES));
    if (i >= m) PetscCall(MatSetValue(A, i, i - m, -1.0, INSERT_VALUES));
    if (i < m * m - m) PetscCall(MatSetValue(A, i, i + m, -1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  for (int k = 0; k < 2; k++) {
    PC pc;

    PetscCall(TestPCCreate(A, NULL, PETSC_TRUE, &pc));
    PetscCall(PCGNNSPAISetFallback(pc, k ? PC_GNNSPAI_FALLBACK_FSAI : PC_GNNSPAI_FALLBACK_JACOBI));
    PetscCall(PCSetUp(pc));
    PetscCall(PCGNNSPAIGetGuardAlpha(pc, &alpha[k]));
    PetscCall(PCDestroy(&pc));
  }
  Ok(alpha[0] > 0.0 && alpha[1] == -2.0, "a network no better than the start has to be as good as the classical factor: alpha %g, %g", (double)alpha[0], (double)alpha[1]);
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestPolicies(Mat A)
{
  PC        fsai, jacobi, classical;
  PetscReal alpha;
  PetscBool same;

  PetscFunctionBeginUser;
  PetscCall(RefusedCreate(A, PC_GNNSPAI_FALLBACK_FSAI, &fsai));
  PetscCall(RefusedCreate(A, PC_GNNSPAI_FALLBACK_JACOBI, &jacobi));
  PetscCall(TestPCCreate(A, NULL, PETSC_TRUE, &classical));
  PetscCall(PCGNNSPAISetValues(classical, PC_GNNSPAI_VALUES_FSAI));
  PetscCall(SameFactors(fsai, classical, &same));
  PetscCall(PCGNNSPAIGetGuardAlpha(fsai, &alpha));
  Ok(same && alpha == -2.0, "fsai: the classical factor, alpha %g", (double)alpha);
  PetscCall(OkView(fsai, "guard: the classical factor, alpha = 0", "-pc_view"));
  PetscCall(OkView(fsai, "fallback: fsai, grown in 2 stages, threshold 0.07", "-pc_view"));
  PetscCall(SameFactors(jacobi, classical, &same));
  PetscCall(PCGNNSPAIGetGuardAlpha(jacobi, &alpha));
  Ok(!same && alpha == 0.0, "jacobi: the damped start, alpha %g", (double)alpha);
  PetscCall(OkView(jacobi, "guard: the damped start, alpha = 0", "-pc_view"));
  PetscCall(PCGNNSPAISetThreshold(fsai, 0.999)); /* a diagonal G, which the start beats */
  PetscCall(SameFactors(fsai, jacobi, &same));
  PetscCall(PCGNNSPAIGetGuardAlpha(fsai, &alpha));
  Ok(same && alpha == 0.0, "fsai, threshold 0.999: the start is better and stays, alpha %g", (double)alpha);
  PetscCall(PCGNNSPAISetGuard(fsai, PETSC_FALSE));
  PetscCall(PCSetUp(fsai));
  PetscCall(PCGNNSPAIGetGuardAlpha(fsai, &alpha));
  Ok(alpha == 1.0, "no guard, no fallback: alpha %g", (double)alpha);
  PetscCall(PCGNNSPAISetFallback(fsai, PC_GNNSPAI_FALLBACK_BEST));
  PetscCall(PCSetUp(fsai));
  PetscCall(PCGNNSPAIGetGuardAlpha(fsai, &alpha));
  Ok(alpha == 1.0, "no guard, best: alpha %g", (double)alpha);
  PetscCall(PCDestroy(&fsai));
  PetscCall(PCDestroy(&jacobi));
  PetscCall(PCDestroy(&classical));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Reason(KSP ksp, Mat A, KSPConvergedReason *reason)
{
  Vec b, x;

  PetscFunctionBeginUser;
  PetscCall(TestVecRandom(A, 1, &b));
  PetscCall(VecDuplicate(b, &x));
  PetscCall(KSPSolve(ksp, b, x));
  PetscCall(KSPGetConvergedReason(ksp, reason));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestError(Mat A)
{
  KSP                ksp;
  PC                 pc;
  KSPConvergedReason reason;
  PCFailedReason     failed;

  PetscFunctionBeginUser;
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)A), &ksp));
  PetscCall(KSPSetType(ksp, KSPCG));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCGNNSPAI));
  PetscCall(PCGNNSPAISetNetwork(pc, wild));
  PetscCall(PCGNNSPAISetFallback(pc, PC_GNNSPAI_FALLBACK_ERROR));
  PetscCall(Reason(ksp, A, &reason));
  PetscCall(PCGetFailedReason(pc, &failed));
  Ok(reason == KSP_DIVERGED_PC_FAILED && failed == PC_FACTOR_OTHER, "error: the solve ends with KSP_DIVERGED_PC_FAILED");
  PetscCall(MatScale(A, 1.0));
  PetscCall(MatShift(A, 0.0));
  PetscCall(Reason(ksp, A, &reason));
  Ok(reason == KSP_DIVERGED_PC_FAILED, "error: and again after a refresh");
  PetscCall(PCGNNSPAISetFallback(pc, PC_GNNSPAI_FALLBACK_FSAI));
  PetscCall(Reason(ksp, A, &reason));
  if (reason < 0) PetscCall(Reason(ksp, A, &reason)); /* what a failed solve left in the work vectors of 3.18's CG */
  Ok(reason > 0, "error, then fsai: converges, reason %d", (int)reason);
  PetscCall(KSPDestroy(&ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestErrorIfFailure(Mat A)
{
  PetscErrorCode ierr;
  PC             pc;

  PetscFunctionBeginUser;
  PetscCall(RefusedCreate(A, PC_GNNSPAI_FALLBACK_ERROR, &pc));
  PetscCall(PCSetErrorIfFailure(pc, PETSC_TRUE));
  Caught(ierr, PCSetUp(pc));
  PetscCall(OkMessage(ierr, "-pc_gnnspai_fallback fsai", "gnnspai-train", "PCSetErrorIfFailure(): the message says what to do"));
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nothing to choose is no refusal */
static PetscErrorCode TestDiagonal(void)
{
  Mat                A;
  KSP                ksp;
  PC                 pc;
  KSPConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, 9, 9, 1, NULL, 0, NULL, &A));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatShift(A, 3.0));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCGNNSPAI));
  PetscCall(PCGNNSPAISetFallback(pc, PC_GNNSPAI_FALLBACK_ERROR));
  PetscCall(Reason(ksp, A, &reason));
  Ok(reason > 0, "a diagonal matrix is no reason to fail");
  PetscCall(OkView(pc, "guard: nothing to choose", "-pc_view"));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestOptions(Mat A)
{
  PetscOptions      options;
  PCGNNSPAIFallback before, after;
  PC                pc;

  PetscFunctionBeginUser;
  PetscCall(PCCreate(PetscObjectComm((PetscObject)A), &pc));
  PetscCall(PCSetType(pc, PCGNNSPAI));
  PetscCall(PCGNNSPAIGetFallback(pc, &before));
  PetscCall(PetscOptionsCreate(&options));
  PetscCall(PetscOptionsInsertString(options, "-pc_gnnspai_fallback error"));
  PetscCall(PetscOptionsPush(options));
  PetscCall(PCSetFromOptions(pc));
  PetscCall(PetscOptionsPop());
  PetscCall(PetscOptionsDestroy(&options));
  PetscCall(PCGNNSPAIGetFallback(pc, &after));
  Ok(before == PC_GNNSPAI_FALLBACK_FSAI && after == PC_GNNSPAI_FALLBACK_ERROR, "-pc_gnnspai_fallback");
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- refresh ---- */

/* What the last set-up did: flops beside the network's forward pass and the classical factor, forward passes, bytes more at its height */
typedef struct {
  double flops, memory;
  int    forwards;
} Cost;

static PetscErrorCode EventGet(const char name[], PetscEventPerfInfo *info)
{
  PetscLogEvent event;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventGetId(name, &event));
  PetscCall(PetscLogEventGetPerfInfo(0, event, info));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUpCost(PC pc, Cost *cost)
{
  PetscEventPerfInfo assemble[2], fsai[2], forward[2];
  PetscLogDouble     before, most;

  PetscFunctionBeginUser;
  PetscCall(EventGet("GNNSPAIAssemble", &assemble[0]));
  PetscCall(EventGet("GNNSPAIFsai", &fsai[0]));
  PetscCall(EventGet("GNNSPAIForward", &forward[0]));
  PetscCall(PetscMallocGetCurrentUsage(&before));
  LogMemory(PETSC_TRUE);
  PetscCall(PetscMallocPushMaximumUsage(0));
  PetscCall(PCSetUp(pc));
  PetscCall(PetscMallocPopMaximumUsage(0, &most));
  LogMemory(PETSC_FALSE);
  PetscCall(EventGet("GNNSPAIAssemble", &assemble[1]));
  PetscCall(EventGet("GNNSPAIFsai", &fsai[1]));
  PetscCall(EventGet("GNNSPAIForward", &forward[1]));
  cost->flops    = (assemble[1].flops - assemble[0].flops) - (fsai[1].flops - fsai[0].flops);
  cost->forwards = forward[1].count - forward[0].count;
  cost->memory   = most - before;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ApplyFlops(PC pc, PetscLogDouble *flops)
{
  PetscEventPerfInfo before, after;
  Vec                z;

  PetscFunctionBeginUser;
  PetscCall(EventGet("GNNSPAIApply", &before));
  PetscCall(TestApplied(pc, &z));
  PetscCall(EventGet("GNNSPAIApply", &after));
  *flops = after.flops - before.flops;
  PetscCall(VecDestroy(&z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* B = A + shift I in B's pattern; MatShift() on a parallel matrix is taken for a new one */
static PetscErrorCode Shifted(Mat A, PetscScalar shift, Mat B)
{
  Mat C;

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &C));
  PetscCall(MatShift(C, shift));
  PetscCall(MatCopy(C, B, SAME_NONZERO_PATTERN));
  PetscCall(MatDestroy(&C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The guard's choice: first set-up, refresh with values near by, refresh with others */
static PetscErrorCode TestRefresh(Mat A, GNNModel model, PCGNNSPAIFallback fallback, PetscReal expected, const char what[])
{
  Mat            B;
  PC             pc;
  PetscReal      alpha[3];
  PetscLogDouble apply = 0.0;
  Cost           first, near, other;

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &B));
  PetscCall(TestPCCreate(B, model, PETSC_TRUE, &pc));
  PetscCall(PCGNNSPAISetFallback(pc, fallback));
  PetscCall(SetUpCost(pc, &first));
  PetscCall(PCGNNSPAIGetGuardAlpha(pc, &alpha[0]));
  PetscCall(ApplyFlops(pc, &apply));
  PetscCall(Shifted(A, 1e-3, B));
  PetscCall(SetUpCost(pc, &near));
  PetscCall(PCGNNSPAIGetGuardAlpha(pc, &alpha[1]));
  PetscCall(Shifted(A, 20.0, B));
  PetscCall(SetUpCost(pc, &other));
  PetscCall(PCGNNSPAIGetGuardAlpha(pc, &alpha[2]));
  Ok(alpha[0] == expected && alpha[1] == expected, "%s: chosen, and kept on a refresh: alpha %g, %g", what, (double)alpha[0], (double)alpha[1]);
  Ok(first.flops > 30.0 * apply, "%s: the first choice costs %g applies", what, first.flops / apply);
  Ok(near.flops > 0.0 && near.flops < 5.0 * apply, "%s: a refresh costs %g applies", what, near.flops / apply);
  Ok(near.forwards == (expected > 0.0 ? 1 : 0), "%s: a refresh runs the network only where it has a share", what);
  Ok(other.flops > 30.0 * apply && other.forwards == 1, "%s: values far off: chosen anew for %g applies, alpha %g", what, other.flops / apply, (double)alpha[2]);
  Ok(first.memory > 0.0 && near.memory <= 0.0, "%s: a refresh allocates nothing: %g bytes, %g at first", what, near.memory, first.memory);
  Ok(other.memory <= 0.0 || expected > 0.0, "%s: nor does another choice, but for the first classical factor: %g bytes", what, other.memory);
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  GNNConfig   config;
  Mat         A;
  PetscMPIInt size;
  int         failed;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsSetValue(NULL, "-checkstack", "false"));
  PetscCall(PetscOptionsSetValue(NULL, "-malloc_dump", NULL)); /* PETSc counts bytes only then; with -malloc_debug it would check all of them at every call */
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscLogDefaultBegin());
  PetscCall(PCGNNSPAIRegister());
  PetscCall(TestConfig(&config));
  PetscCall(TestModelCreate(&config, 10.0, 2, &wild));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(TestMatCreateRandom(PETSC_COMM_WORLD, 240 * size, 1, &A));
  for (PetscInt rows = 3; rows <= 12; rows *= 2) PetscCall(TestTie(rows, 2.0 * rows));
  PetscCall(TestPolicies(A));
  PetscCall(TestBest(A));
  PetscCall(TestError(A));
  PetscCall(TestDiagonal());
  PetscCall(TestOptions(A));
  PetscCall(TestNarrow());
  PetscCall(TestRefresh(A, NULL, PC_GNNSPAI_FALLBACK_JACOBI, 0.5, "network"));
  PetscCall(TestRefresh(A, wild, PC_GNNSPAI_FALLBACK_JACOBI, 0.0, "damped start"));
  PetscCall(TestRefresh(A, wild, PC_GNNSPAI_FALLBACK_FSAI, -2.0, "classical factor"));
  PetscCall(TestErrorIfFailure(A)); /* leaves events begun */
  PetscCall(MatDestroy(&A));
  PetscCall(GNNModelDestroy(&wild));
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
