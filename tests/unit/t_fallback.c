static char help[] = "What the guard goes on with, its option and those that are gone, and what a refresh costs while its choice is kept.\n\n";

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
  Mat             A;
  PC              pc;
  PCGNNSPAIChoice kind;
  PetscInt        start, end;

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
  PetscCall(PCGNNSPAIGetChoice(pc, &kind, NULL));
  Ok(kind == PC_GNNSPAI_CHOICE_NETWORK, "%d rows coupled to all others, all are alike: the network is named first, %s", (int)rows, PCGNNSPAIChoices[kind]);
  PetscCall(PCGNNSPAISetGuard(pc, PC_GNNSPAI_GUARD_BEST));
  PetscCall(PCSetUp(pc));
  PetscCall(PCGNNSPAIGetChoice(pc, &kind, NULL));
  Ok(kind == PC_GNNSPAI_CHOICE_NETWORK, "%d rows, best: it is kept, %s", (int)rows, PCGNNSPAIChoices[kind]);
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- guards ---- */

static PetscErrorCode RefusedCreate(Mat A, PCGNNSPAIGuard guard, PC *pc)
{
  PetscFunctionBeginUser;
  PetscCall(TestPCCreate(A, wild, PETSC_TRUE, pc));
  PetscCall(PCGNNSPAISetGuard(*pc, guard));
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
  PC              best, network;
  PCGNNSPAIChoice kind[3];
  PetscReal       alpha[2];
  PetscBool       same;
  PetscMPIInt     size; /* on several ranks the network's factor may be the better one on some */

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(TestPCCreate(A, NULL, PETSC_TRUE, &best));
  PetscCall(TestPCCreate(A, NULL, PETSC_TRUE, &network));
  PetscCall(PCGNNSPAISetGuard(network, PC_GNNSPAI_GUARD_JACOBI));
  PetscCall(PCSetUp(network));
  PetscCall(PCGNNSPAIGetChoice(network, &kind[0], &alpha[0]));
  PetscCall(PCGNNSPAISetGuard(best, PC_GNNSPAI_GUARD_BEST));
  PetscCall(PCSetUp(best));
  PetscCall(PCGNNSPAIGetChoice(best, &kind[1], NULL));
  PetscCall(PCGNNSPAISetThreshold(best, 0.999)); /* a diagonal G */
  PetscCall(PCGNNSPAISetThreshold(network, 0.999));
  PetscCall(SameFactors(best, network, &same));
  PetscCall(PCGNNSPAIGetChoice(best, &kind[2], &alpha[1]));
  Ok(kind[0] == PC_GNNSPAI_CHOICE_NETWORK && (kind[1] == PC_GNNSPAI_CHOICE_FSAI || (size > 1 && kind[1] == kind[0])), "best: the classical factor in place of the network's, %s in place of %s", PCGNNSPAIChoices[kind[1]], PCGNNSPAIChoices[kind[0]]);
  Ok(same && kind[2] == kind[0] && alpha[1] == alpha[0], "best: the network's factor where that is better, a share of %g", (double)alpha[1]);
  PetscCall(PCDestroy(&best));
  PetscCall(PCDestroy(&network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On the 5-point Laplacian the network is no better than the start: the guard takes it only for the order, so that the classical factor is tried, too */
static PetscErrorCode TestNarrow(void)
{
  const PetscInt  m = 60;
  PCGNNSPAIChoice kind[2];
  Mat             A;

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
    PetscCall(PCGNNSPAISetGuard(pc, k ? PC_GNNSPAI_GUARD_FSAI : PC_GNNSPAI_GUARD_JACOBI));
    PetscCall(PCSetUp(pc));
    PetscCall(PCGNNSPAIGetChoice(pc, &kind[k], NULL));
    PetscCall(PCDestroy(&pc));
  }
  Ok(kind[0] == PC_GNNSPAI_CHOICE_NETWORK && kind[1] == PC_GNNSPAI_CHOICE_FSAI, "a network no better than the start has to be as good as the classical factor: %s, %s", PCGNNSPAIChoices[kind[0]], PCGNNSPAIChoices[kind[1]]);
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With no setting */
static PetscErrorCode DefaultCreate(Mat A, PC *pc)
{
  PetscFunctionBeginUser;
  PetscCall(PCCreate(PetscObjectComm((PetscObject)A), pc));
  PetscCall(PCSetType(*pc, PCGNNSPAI));
  PetscCall(PCSetOperators(*pc, A, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Who writes G where nobody says so: on the host the classical factor, unless a model is named */
static PetscErrorCode TestDefault(Mat A)
{
  PC              pc;
  PCGNNSPAIChoice kind;
  PCGNNSPAIValues values;

  PetscFunctionBeginUser;
  PetscCall(DefaultCreate(A, &pc));
  PetscCall(PCGNNSPAIGetValues(pc, &values));
  PetscCall(PCSetUp(pc));
  PetscCall(PCGNNSPAIGetChoice(pc, &kind, NULL));
  Ok(values == PC_GNNSPAI_VALUES_AUTO && kind == PC_GNNSPAI_CHOICE_FSAI, "by default: the classical factor on the host, %s", PCGNNSPAIChoices[kind]);
  PetscCall(OkView(pc, "guard: the classical factor, tried against Jacobi", "-pc_view"));
  PetscCall(PCGNNSPAISetModel(pc, "general"));
  PetscCall(PCGNNSPAISetGuard(pc, PC_GNNSPAI_GUARD_NONE));
  PetscCall(PCSetUp(pc));
  PetscCall(PCGNNSPAIGetChoice(pc, &kind, NULL));
  Ok(kind == PC_GNNSPAI_CHOICE_NETWORK, "a model that is named writes G, %s", PCGNNSPAIChoices[kind]);
  PetscCall(OkView(pc, "model: general", "-pc_view"));
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows all but decoupled: Jacobi needs a few steps, and nothing pays beside it. With couplings that are strong the classical factor does */
static PetscErrorCode TestWeak(void)
{
  const PetscInt  n = 400;
  Mat             A;
  PC              pc;
  PCGNNSPAIChoice kind[3];

  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, n, n, 3, NULL, &A));
  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt j = PetscMax(i - 1, 0); j < PetscMin(i + 2, n); j++) PetscCall(MatSetValue(A, i, j, i == j ? 2.0 : -1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(DefaultCreate(A, &pc));
  PetscCall(MatShift(A, 100.0));
  PetscCall(PCSetUp(pc));
  PetscCall(PCGNNSPAIGetChoice(pc, &kind[0], NULL));
  PetscCall(OkView(pc, "guard: Jacobi, by work", "-pc_view"));
  PetscCall(MatScale(A, 2.0));
  PetscCall(PCSetUp(pc));
  PetscCall(PCGNNSPAIGetChoice(pc, &kind[1], NULL));
  PetscCall(MatShift(A, -200.0));
  PetscCall(PCSetUp(pc));
  PetscCall(PCGNNSPAIGetChoice(pc, &kind[2], NULL));
  Ok(kind[0] == PC_GNNSPAI_CHOICE_JACOBI && kind[1] == kind[0] && kind[2] == PC_GNNSPAI_CHOICE_FSAI, "weak couplings, these twice, strong ones: %s, %s, %s", PCGNNSPAIChoices[kind[0]], PCGNNSPAIChoices[kind[1]], PCGNNSPAIChoices[kind[2]]);
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A diagonal that falls by little makes an easy matrix a hard one, whose couplings are near what they were: the choice is that of a new PC, after PCReset(), too */
static PetscErrorCode TestEasyThenHard(void)
{
  const PetscInt  m = 40, n = m * m;
  Mat             A;
  PC              pc;
  PCGNNSPAIChoice kind[4];

  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, n, n, 5, NULL, &A));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(MatSetValue(A, i, i, 4.0, INSERT_VALUES));
    if (i % m) PetscCall(MatSetValue(A, i, i - 1, -1.0, INSERT_VALUES));
    if ((i + 1) % m) PetscCall(MatSetValue(A, i, i + 1, -1.0, INSERT_VALUES));
    if (i >= m) PetscCall(MatSetValue(A, i, i - m, -1.0, INSERT_VALUES));
    if (i < n - m) PetscCall(MatSetValue(A, i, i + m, -1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(DefaultCreate(A, &pc));
  for (int k = 0; k < 4; k++) {
    if (k == 3) PetscCall(PCReset(pc));
    if (k == 3) PetscCall(PCSetOperators(pc, A, A));
    PetscCall(MatShift(A, k % 2 ? -0.3 : 0.3));
    PetscCall(PCSetUp(pc));
    PetscCall(PCGNNSPAIGetChoice(pc, &kind[k], NULL));
    if (k < 2) PetscCall(OkView(pc, k ? " aggregates, A_c of size" : "coarse space: none, since CG needs few steps without it", k ? "hard, now" : "easy"));
  }
  Ok(kind[0] == PC_GNNSPAI_CHOICE_JACOBI && kind[1] == PC_GNNSPAI_CHOICE_FSAI && kind[3] == kind[1], "easy, hard, easy, hard after PCReset(): %s, %s, %s, %s", PCGNNSPAIChoices[kind[0]], PCGNNSPAIChoices[kind[1]], PCGNNSPAIChoices[kind[2]], PCGNNSPAIChoices[kind[3]]);
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestGuards(Mat A)
{
  PC              fsai, jacobi, classical;
  PCGNNSPAIChoice kind;
  PetscReal       alpha;
  PetscBool       same;

  PetscFunctionBeginUser;
  PetscCall(RefusedCreate(A, PC_GNNSPAI_GUARD_FSAI, &fsai));
  PetscCall(RefusedCreate(A, PC_GNNSPAI_GUARD_JACOBI, &jacobi));
  PetscCall(TestPCCreate(A, NULL, PETSC_TRUE, &classical));
  PetscCall(PCGNNSPAISetValues(classical, PC_GNNSPAI_VALUES_FSAI));
  PetscCall(SameFactors(fsai, classical, &same));
  PetscCall(PCGNNSPAIGetChoice(fsai, &kind, &alpha));
  Ok(same && kind == PC_GNNSPAI_CHOICE_FSAI && alpha == 0.0, "fsai: the classical factor, %s", PCGNNSPAIChoices[kind]);
  PetscCall(OkView(fsai, "guard: the classical factor, alpha = 0", "-pc_view"));
  PetscCall(OkView(fsai, "classical factor: fsai, grown by a threshold of 0.07", "-pc_view"));
  PetscCall(SameFactors(jacobi, classical, &same));
  PetscCall(PCGNNSPAIGetChoice(jacobi, &kind, &alpha));
  Ok(!same && kind == PC_GNNSPAI_CHOICE_START && alpha == 0.0, "jacobi: the damped start, %s", PCGNNSPAIChoices[kind]);
  PetscCall(OkView(jacobi, "guard: the damped start, alpha = 0", "-pc_view"));
  PetscCall(PCGNNSPAISetThreshold(fsai, 0.999)); /* a diagonal G, which the start beats */
  PetscCall(PCGNNSPAISetThreshold(jacobi, 0.999));
  PetscCall(SameFactors(fsai, jacobi, &same));
  PetscCall(PCGNNSPAIGetChoice(fsai, &kind, &alpha));
  Ok(same && kind == PC_GNNSPAI_CHOICE_START && alpha == 0.0, "fsai, threshold 0.999: the start is better and stays, %s", PCGNNSPAIChoices[kind]);
  PetscCall(PCGNNSPAISetGuard(fsai, PC_GNNSPAI_GUARD_NONE));
  PetscCall(PCSetUp(fsai));
  PetscCall(PCGNNSPAIGetChoice(fsai, &kind, &alpha));
  Ok(kind == PC_GNNSPAI_CHOICE_NETWORK && alpha == 1.0, "none: the network's factor, a share of %g", (double)alpha);
  PetscCall(PCGNNSPAIGetChoice(classical, &kind, &alpha));
  Ok(kind == PC_GNNSPAI_CHOICE_FSAI && alpha == 0.0, "-pc_gnnspai_values fsai: %s", PCGNNSPAIChoices[kind]);
  PetscCall(PCDestroy(&fsai));
  PetscCall(PCDestroy(&jacobi));
  PetscCall(PCDestroy(&classical));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A diagonal matrix */
static PetscErrorCode TestDiagonal(void)
{
  Mat A;
  PC  pc;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, 9, 9, 1, NULL, 0, NULL, &A));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatShift(A, 3.0));
  PetscCall(TestPCCreate(A, NULL, PETSC_TRUE, &pc));
  PetscCall(OkView(pc, "guard: nothing to choose", "-pc_view"));
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The option, with a prefix or without; an error where the text has both words, else the guard */
static PetscErrorCode TestOption(const char arguments[], const char name[], const char expected[], PCGNNSPAIGuard guard)
{
  PetscOptions   options;
  PCGNNSPAIGuard before, after;
  PetscErrorCode ierr;
  PC             pc;

  PetscFunctionBeginUser;
  PetscCall(PCCreate(PETSC_COMM_WORLD, &pc));
  PetscCall(PCSetOptionsPrefix(pc, "foo_"));
  PetscCall(PCSetType(pc, PCGNNSPAI));
  PetscCall(PCGNNSPAIGetGuard(pc, &before));
  PetscCall(PetscOptionsCreate(&options));
  PetscCall(PetscOptionsInsertString(options, arguments));
  PetscCall(PetscOptionsPush(options));
  Caught(ierr, PCSetFromOptions(pc));
  PetscCall(PetscOptionsPop());
  PetscCall(PetscOptionsDestroy(&options));
  if (expected) PetscCall(OkMessage(ierr, name, expected, arguments));
  else {
    PetscCall(PCGNNSPAIGetGuard(pc, &after));
    Ok(!ierr && before == PC_GNNSPAI_GUARD_FSAI && after == guard, "%s", arguments);
    PetscCall(PCDestroy(&pc)); /* not where an error has left it between begin and end */
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Options that there were are refused, each with what to use instead; so is a guard from when that was a boolean */
static PetscErrorCode TestOptions(void)
{
  static const char *const gone[][3] = {
    {"-foo_pc_gnnspai_fallback jacobi",      "-foo_pc_gnnspai_fallback",      "-pc_gnnspai_guard"                          },
    {"-foo_pc_gnnspai_stages 3",             "-foo_pc_gnnspai_stages",        "-pc_gnnspai_threshold"                      },
    {"-foo_pc_gnnspai_order rowsum",         "-foo_pc_gnnspai_order",         "MatPermute()"                               },
    {"-foo_pc_gnnspai_coarse_type balanced", "-foo_pc_gnnspai_coarse_type",   "-pc_composite_type symmetric_multiplicative"},
    {"-foo_pc_gnnspai_coarse_smooth 0",      "-foo_pc_gnnspai_coarse_smooth", "always smoothed"                            },
    {"-foo_pc_gnnspai_math fp32",            "-foo_pc_gnnspai_math",          "TF32"                                       },
    {"-foo_pc_gnnspai_guard 0",              "-foo_pc_gnnspai_guard '0'",     "none, jacobi, fsai (the default), best"     },
    {"-foo_pc_gnnspai_guard",                "-foo_pc_gnnspai_guard ''",      "none, jacobi, fsai (the default), best"     },
  };

  PetscFunctionBeginUser;
  PetscCall(TestOption("", NULL, NULL, PC_GNNSPAI_GUARD_FSAI));
  PetscCall(TestOption("-foo_pc_gnnspai_guard best", NULL, NULL, PC_GNNSPAI_GUARD_BEST));
  PetscCall(TestOption("-foo_pc_gnnspai_guard none -pc_gnnspai_order rowsum", NULL, NULL, PC_GNNSPAI_GUARD_NONE));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(gone); k++) PetscCall(TestOption(gone[k][0], gone[k][1], gone[k][2], PC_GNNSPAI_GUARD_FSAI));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- refresh ---- */

/* What the last set-up did: flops beside the network's forward pass and the classical factor, forward passes, bytes more at its height */
typedef struct {
  double flops, memory;
  int    forwards;
} Cost;

static PetscErrorCode SetUpCost(PC pc, Cost *cost)
{
  PetscEventPerfInfo assemble[2], forward[2];
  PetscLogDouble     before, most;

  PetscFunctionBeginUser;
  PetscCall(TestEventGet("GNNSPAIAssemble", &assemble[0]));
  PetscCall(TestEventGet("GNNSPAIForward", &forward[0]));
  PetscCall(PetscMallocGetCurrentUsage(&before));
  LogMemory(PETSC_TRUE);
  PetscCall(PetscMallocPushMaximumUsage(0));
  PetscCall(PCSetUp(pc));
  PetscCall(PetscMallocPopMaximumUsage(0, &most));
  LogMemory(PETSC_FALSE);
  PetscCall(TestEventGet("GNNSPAIAssemble", &assemble[1]));
  PetscCall(TestEventGet("GNNSPAIForward", &forward[1]));
  cost->flops    = assemble[1].flops - assemble[0].flops;
  cost->forwards = forward[1].count - forward[0].count;
  cost->memory   = most - before;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ApplyFlops(PC pc, PetscLogDouble *flops)
{
  PetscEventPerfInfo before, after;
  Vec                z;

  PetscFunctionBeginUser;
  PetscCall(TestEventGet("GNNSPAIApply", &before));
  PetscCall(TestApplied(pc, &z));
  PetscCall(TestEventGet("GNNSPAIApply", &after));
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
static PetscErrorCode TestRefresh(Mat A, GNNModel model, PCGNNSPAIGuard guard, PCGNNSPAIChoice expected, const char what[])
{
  Mat             B;
  PC              pc;
  PCGNNSPAIChoice kind[3];
  PetscReal       alpha[2];
  PetscLogDouble  apply = 0.0;
  Cost            first, near, other;

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &B));
  PetscCall(TestPCCreate(B, model, PETSC_TRUE, &pc));
  PetscCall(PCGNNSPAISetGuard(pc, guard));
  PetscCall(SetUpCost(pc, &first));
  PetscCall(PCGNNSPAIGetChoice(pc, &kind[0], &alpha[0]));
  PetscCall(ApplyFlops(pc, &apply));
  PetscCall(Shifted(A, 1e-3, B));
  PetscCall(SetUpCost(pc, &near));
  PetscCall(PCGNNSPAIGetChoice(pc, &kind[1], &alpha[1]));
  PetscCall(Shifted(A, 20.0, B));
  PetscCall(SetUpCost(pc, &other));
  PetscCall(PCGNNSPAIGetChoice(pc, &kind[2], NULL));
  Ok(kind[0] == expected && kind[1] == expected && alpha[0] == alpha[1], "%s: chosen, and kept on a refresh, the network's share %g, %g", what, (double)alpha[0], (double)alpha[1]);
  Ok(first.flops > 30.0 * apply, "%s: the first choice costs %g applies", what, first.flops / apply);
  Ok(near.flops > 0.0 && near.flops < 5.0 * apply, "%s: a refresh costs %g applies", what, near.flops / apply);
  Ok(near.forwards == (expected == PC_GNNSPAI_CHOICE_NETWORK ? 1 : 0), "%s: a refresh runs the network only where it has a share", what);
  Ok(other.flops > 30.0 * apply && other.forwards == 1, "%s: values far off: chosen anew for %g applies, %s", what, other.flops / apply, PCGNNSPAIChoices[kind[2]]);
  Ok(first.memory > 0.0 && near.memory <= 0.0, "%s: a refresh allocates nothing: %g bytes, %g at first", what, near.memory, first.memory);
  Ok(other.memory <= 0.0 || expected == PC_GNNSPAI_CHOICE_NETWORK, "%s: nor does another choice, but for the first classical factor: %g bytes", what, other.memory);
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
  PetscCall(TestDefault(A));
  PetscCall(TestWeak());
  PetscCall(TestEasyThenHard());
  PetscCall(TestGuards(A));
  PetscCall(TestBest(A));
  PetscCall(TestDiagonal());
  PetscCall(TestNarrow());
  PetscCall(TestRefresh(A, NULL, PC_GNNSPAI_GUARD_JACOBI, PC_GNNSPAI_CHOICE_NETWORK, "network"));
  PetscCall(TestRefresh(A, wild, PC_GNNSPAI_GUARD_JACOBI, PC_GNNSPAI_CHOICE_START, "damped start"));
  PetscCall(TestRefresh(A, wild, PC_GNNSPAI_GUARD_FSAI, PC_GNNSPAI_CHOICE_FSAI, "classical factor"));
  PetscCall(TestOptions());
  PetscCall(MatDestroy(&A));
  PetscCall(GNNModelDestroy(&wild));
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
