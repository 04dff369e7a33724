static char help[] = "Global scope: on any number of ranks the preconditioner is the one that one rank makes of the whole matrix.\n\n";

#include "../testpc.h"
#include "../testtext.h"

/* A preconditioner over all ranks, and one of each rank by itself for the same matrix */
typedef struct {
  Mat A, whole;
  PC  pc, alone;
} Pair;

/* What is the same in both */
#define BOTH(pair, call) \
  do { \
    PC both_[2] = {(pair)->pc, (pair)->alone}; \
    for (int k_ = 0; k_ < 2; k_++) { \
      PC p = both_[k_]; \
      PetscCall(call); \
    } \
  } while (0)

typedef PetscErrorCode (*MatFn)(MPI_Comm, PetscInt n, Mat *);

static PetscErrorCode Create(MatFn create, PetscInt n, Pair *pair)
{
  PetscFunctionBeginUser;
  PetscCall(create(PETSC_COMM_WORLD, n, &pair->A));
  PetscCall(create(PETSC_COMM_SELF, n, &pair->whole));
  PetscCall(PCCreate(PETSC_COMM_WORLD, &pair->pc));
  PetscCall(PCCreate(PETSC_COMM_SELF, &pair->alone));
  PetscCall(PCSetOperators(pair->pc, pair->A, pair->A));
  PetscCall(PCSetOperators(pair->alone, pair->whole, pair->whole));
  BOTH(pair, TestPCSetPlain(p));
  BOTH(pair, PCGNNSPAISetScope(p, PC_GNNSPAI_SCOPE_GLOBAL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Pair *pair)
{
  PetscFunctionBeginUser;
  PetscCall(PCDestroy(&pair->pc));
  PetscCall(PCDestroy(&pair->alone));
  PetscCall(MatDestroy(&pair->A));
  PetscCall(MatDestroy(&pair->whole));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z = M^-1 r for a fixed r */
static PetscErrorCode Applied(PC pc, Vec *z)
{
  PetscInt start, end;
  Mat      A;
  Vec      r;

  PetscFunctionBeginUser;
  PetscCall(PCGetOperators(pc, NULL, &A));
  PetscCall(MatCreateVecs(A, z, &r));
  PetscCall(VecGetOwnershipRange(r, &start, &end));
  for (PetscInt i = start; i < end; i++) PetscCall(VecSetValue(r, i, PetscSinReal(1.0 + 3.0 * i), INSERT_VALUES));
  PetscCall(VecAssemblyBegin(r));
  PetscCall(VecAssemblyEnd(r));
  PetscCall(PCSetUp(pc));
  PetscCall(PCApply(pc, r, *z));
  PetscCall(VecDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The largest difference over all ranks, and that against the largest number */
static PetscErrorCode Difference(Pair *pair, PetscReal *difference)
{
  const PetscScalar *x, *y;
  PetscReal          most[2] = {0.0, 0.0};
  PetscInt           start, end;
  Vec                z, w;

  PetscFunctionBeginUser;
  PetscCall(Applied(pair->pc, &z));
  PetscCall(Applied(pair->alone, &w));
  PetscCall(VecGetOwnershipRange(z, &start, &end));
  PetscCall(VecGetArrayRead(z, &x));
  PetscCall(VecGetArrayRead(w, &y));
  for (PetscInt i = start; i < end; i++) {
    most[0] = PetscMax(most[0], PetscAbsScalar(x[i - start] - y[i]));
    most[1] = PetscMax(most[1], PetscAbsScalar(y[i]));
    if (PetscIsInfOrNanScalar(x[i - start])) most[0] = PETSC_MAX_REAL;
  }
  PetscCall(VecRestoreArrayRead(z, &x));
  PetscCall(VecRestoreArrayRead(w, &y));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, 2, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  *difference = most[0] / most[1];
  PetscCall(VecDestroy(&z));
  PetscCall(VecDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* In fewer bits, how G is stored depends on what of it a rank has: what is a diagonal there stays in double */
static PetscErrorCode OkSame(Pair *pair, const char what[])
{
  const PetscReal    tolerances[] = {1e-13, 1e-7, 1e-4}; /* by precision */
  PCGNNSPAIPrecision precision;
  PetscReal          difference, alpha[2];
  PCGNNSPAIChoice    kind[2];
  int                same;

  PetscFunctionBeginUser;
  PetscCall(PCGNNSPAIGetPrecision(pair->pc, &precision));
  PetscCall(Difference(pair, &difference));
  PetscCall(PCGNNSPAIGetChoice(pair->pc, &kind[0], &alpha[0]));
  PetscCall(PCGNNSPAIGetChoice(pair->alone, &kind[1], &alpha[1]));
  same = kind[0] == kind[1] && alpha[0] == alpha[1];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &same, 1, MPI_INT, MPI_MIN, PETSC_COMM_WORLD));
  Ok(difference <= tolerances[precision] && same, "%s: %.1e from one rank's, which chose %s, %g", what, (double)difference, PCGNNSPAIChoices[kind[1]], (double)alpha[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- matrices ---- */

/* Irregular, with rows that MatZeroRowsColumns() set */
static PetscErrorCode RandomMat(MPI_Comm comm, PetscInt n, Mat *A)
{
  PetscFunctionBeginUser;
  PetscCall(TestMatCreateRandom(comm, n, 1, A));
  PetscCall(TestMatDecouple(*A, (n + 4) / 5 / 2));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Blocks of 3 with clamped nodes */
static PetscErrorCode BlocksMat(MPI_Comm comm, PetscInt n, Mat *A)
{
  PetscFunctionBeginUser;
  PetscCall(TestMatCreateBlocks(comm, MATAIJ, 3, n, 1, A));
  PetscCall(TestMatClamp(*A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SymmetricBlocksMat(MPI_Comm comm, PetscInt n, Mat *A)
{
  PetscFunctionBeginUser;
  PetscCall(TestMatCreateBlocks(comm, MATSBAIJ, 3, n, 1, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A chain of blocks in which each third coupling is too weak to tell a rank that sees no other of a node, from where the chain goes on, that this is not decoupled */
static PetscErrorCode ChainOfBlocks(MPI_Comm comm, PetscInt b, PetscInt n, Mat *A)
{
  PetscInt start, end;

  PetscFunctionBeginUser;
  PetscCall(MatCreate(comm, A));
  PetscCall(MatSetSizes(*A, PETSC_DECIDE, PETSC_DECIDE, b * n, b * n));
  PetscCall(MatSetBlockSize(*A, b));
  PetscCall(MatSetType(*A, MATAIJ));
  PetscCall(MatSetUp(*A));
  PetscCall(MatSetOption(*A, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  PetscCall(MatGetOwnershipRange(*A, &start, &end));
  for (PetscInt i = start / b; i < end / b; i++) {
    for (PetscInt j = PetscMax(i - 1, 0); j <= PetscMin(i + 1, n - 1); j++) {
      for (PetscInt k = 0; k < b * b; k++) {
        const PetscScalar coupling = PetscMax(i, j) % 3 ? -0.9 : -0.004, inside = k % (b + 1) ? 0.1 : 2.0;

        PetscCall(MatSetValue(*A, i * b + k / b, j * b + k % b, j == i ? inside : (k % (b + 1) ? 0.0 : coupling), INSERT_VALUES));
      }
    }
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ChainMat(MPI_Comm comm, PetscInt n, Mat *A)
{
  PetscFunctionBeginUser;
  PetscCall(ChainOfBlocks(comm, 1, n, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BlockChainMat(MPI_Comm comm, PetscInt n, Mat *A)
{
  PetscFunctionBeginUser;
  PetscCall(ChainOfBlocks(comm, 3, n, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows 2 k and 2 k + 1 are coupled, and a third of these pairs is not */
static PetscErrorCode PairsMat(MPI_Comm comm, PetscInt n, Mat *A)
{
  PetscInt start, end;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(comm, PETSC_DECIDE, PETSC_DECIDE, n, n, 2, NULL, 1, NULL, A));
  PetscCall(MatGetOwnershipRange(*A, &start, &end));
  for (PetscInt i = start; i < end; i++) {
    PetscCall(MatSetValue(*A, i, i, 2.0 + i % 5, INSERT_VALUES));
    if (i / 2 % 3) PetscCall(MatSetValue(*A, i, i ^ 1, -1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each row is coupled to others from everywhere */
static PetscErrorCode FarMat(MPI_Comm comm, PetscInt n, Mat *A)
{
  PetscInt start, end;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(comm, PETSC_DECIDE, PETSC_DECIDE, n, n, 9, NULL, 9, NULL, A));
  PetscCall(MatGetOwnershipRange(*A, &start, &end));
  for (PetscInt i = start; i < end; i++) {
    PetscCall(MatSetValue(*A, i, i, 5.0, INSERT_VALUES));
    for (PetscInt k = n / 3; k < n; k += n / 4) {
      PetscCall(MatSetValue(*A, i, (i + k) % n, -0.4, INSERT_VALUES));
      PetscCall(MatSetValue(*A, i, (i + n - k) % n, -0.4, INSERT_VALUES));
    }
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the same preconditioner ---- */

static PetscErrorCode TestClassical(MatFn create, PetscInt n, const char what[])
{
  const PetscReal thresholds[] = {0.0, PETSC_DEFAULT, 0.002};
  Pair            pair;
  char            text[128];

  PetscFunctionBeginUser;
  PetscCall(Create(create, n, &pair));
  BOTH(&pair, PCGNNSPAISetValues(p, PC_GNNSPAI_VALUES_FSAI));
  BOTH(&pair, PCGNNSPAISetGuard(p, PC_GNNSPAI_GUARD_NONE));
  for (int k = 0; k < 9; k++) {
    BOTH(&pair, PCGNNSPAISetThreshold(p, thresholds[k % 3]));
    BOTH(&pair, PCGNNSPAISetPrecision(p, (PCGNNSPAIPrecision)(k / 3)));
    PetscCall(PetscSNPrintf(text, sizeof(text), "%s, fsai, threshold %g, %s", what, (double)thresholds[k % 3], PCGNNSPAIPrecisions[k / 3]));
    PetscCall(OkSame(&pair, text));
  }
  BOTH(&pair, PCGNNSPAISetGuard(p, PC_GNNSPAI_GUARD_FSAI));
  PetscCall(OkSame(&pair, "the same with a guard"));
  PetscCall(Destroy(&pair));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestNetwork(const char what[], GNNModel model, MatFn create, PetscInt n)
{
  Pair pair;
  char text[128];

  PetscFunctionBeginUser;
  PetscCall(Create(create, n, &pair));
  if (model) BOTH(&pair, PCGNNSPAISetNetwork_Private(p, model));
  for (int k = 0; k < 4; k++) {
    BOTH(&pair, PCGNNSPAISetGuard(p, (PCGNNSPAIGuard)k));
    PetscCall(PetscSNPrintf(text, sizeof(text), "%s, guard %s", what, PCGNNSPAIGuards[k]));
    PetscCall(OkSame(&pair, text));
  }
  PetscCall(Destroy(&pair));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestModels(void)
{
  GNNConfig config;
  GNNModel  model;

  PetscFunctionBeginUser;
  PetscCall(TestNetwork("the built-in model", NULL, RandomMat, 150));
  PetscCall(TestNetwork("the built-in model, a chain", NULL, ChainMat, 63));
  PetscCall(TestNetwork("the built-in model, a chain of blocks", NULL, BlockChainMat, 63));
  PetscCall(TestNetwork("the built-in model, blocks", NULL, BlocksMat, 60));
  PetscCall(TestNetwork("the built-in model, MATSBAIJ", NULL, SymmetricBlocksMat, 60));
  PetscCall(TestNetwork("the built-in model, uneven rows", NULL, TestMatCreateUneven, 40));
  PetscCall(TestConfig(&config));
  config.scaling     = GNN_SCALING_MEAN;
  config.output      = GNN_OUTPUT_DIRECT;
  config.norm        = GNN_NORM_LAYER;
  config.aggregation = GNN_AGGREGATION_SUM;
  PetscCall(TestModelCreate(&config, 1.0, 1, &model));
  PetscCall(TestNetwork("mean norm, LayerNorm, sums", model, RandomMat, 150));
  PetscCall(GNNModelDestroy(&model));
  PetscCall(TestModelBlocks(3, &model));
  PetscCall(TestNetwork("random weights, blocks", model, BlocksMat, 60));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Numbers of the application at each node */
static PetscErrorCode TestFeatures(void)
{
  GNNConfig config;
  GNNModel  model;
  Pair      pair;

  PetscFunctionBeginUser;
  PetscCall(TestConfig(&config));
  config.node_features[config.nnode_features++] = GNN_NODE_USER;
  config.user_size                              = 2;
  PetscCall(TestModelCreate(&config, 1.0, 1, &model));
  PetscCall(Create(RandomMat, 100, &pair));
  BOTH(&pair, PCGNNSPAISetNetwork_Private(p, model));
  BOTH(&pair, PCGNNSPAISetGuard(p, PC_GNNSPAI_GUARD_NONE));
  for (int k = 0; k < 2; k++) {
    PetscInt start, end;
    Vec      features;
    PC       p = k ? pair.alone : pair.pc;

    PetscCall(MatGetOwnershipRange(k ? pair.whole : pair.A, &start, &end));
    PetscCall(VecCreate(PetscObjectComm((PetscObject)p), &features));
    PetscCall(VecSetSizes(features, 2 * (end - start), PETSC_DETERMINE));
    PetscCall(VecSetBlockSize(features, 2));
    PetscCall(VecSetFromOptions(features));
    for (PetscInt i = 2 * start; i < 2 * end; i++) PetscCall(VecSetValue(features, i, PetscSinReal((PetscReal)i), INSERT_VALUES));
    PetscCall(VecAssemblyBegin(features));
    PetscCall(VecAssemblyEnd(features));
    PetscCall(PCGNNSPAISetNodeFeatures(p, features));
    PetscCall(VecDestroy(&features));
  }
  PetscCall(OkSame(&pair, "node features"));
  PetscCall(Destroy(&pair));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- from one set-up to the next ---- */

static PetscErrorCode Scale(Pair *pair, PetscScalar factor, PetscScalar shift)
{
  PetscFunctionBeginUser;
  PetscCall(MatScale(pair->A, factor));
  PetscCall(MatScale(pair->whole, factor));
  PetscCall(MatShift(pair->A, shift));
  PetscCall(MatShift(pair->whole, shift));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestSetUps(PCGNNSPAIValues values, MatFn create)
{
  Pair pair;
  Mat  other[2];

  PetscFunctionBeginUser;
  PetscCall(Create(create, 150, &pair));
  BOTH(&pair, PCGNNSPAISetValues(p, values));
  PetscCall(OkSame(&pair, PCGNNSPAIValuesTypes[values]));
  PetscCall(Scale(&pair, 1.01, 0.0));
  PetscCall(OkSame(&pair, "new values"));
  PetscCall(Scale(&pair, 2.0, 30.0));
  PetscCall(OkSame(&pair, "other values"));
  BOTH(&pair, PCGNNSPAISetScope(p, PC_GNNSPAI_SCOPE_LOCAL));
  PetscCall(PCSetUp(pair.pc));
  BOTH(&pair, PCGNNSPAISetScope(p, PC_GNNSPAI_SCOPE_GLOBAL));
  PetscCall(OkSame(&pair, "after local scope"));
  PetscCall(create(PETSC_COMM_WORLD, 90, &other[0]));
  PetscCall(create(PETSC_COMM_SELF, 90, &other[1]));
  PetscCall(PCReset(pair.pc));
  PetscCall(PCReset(pair.alone));
  PetscCall(PCSetOperators(pair.pc, other[0], other[0]));
  PetscCall(PCSetOperators(pair.alone, other[1], other[1]));
  PetscCall(OkSame(&pair, "another matrix"));
  PetscCall(MatDestroy(&other[0]));
  PetscCall(MatDestroy(&other[1]));
  PetscCall(Destroy(&pair));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- G, and CG ---- */

/* G has the layout of A, and its rows are those of one rank's */
static PetscErrorCode TestFactor(MatFn create, PetscInt n, const char what[])
{
  Pair        pair;
  Mat         G, whole;
  PetscInt    start, end, first, last, wrong = 0;
  PetscMPIInt size;

  PetscFunctionBeginUser;
  PetscCall(Create(create, n, &pair));
  PetscCall(PCSetUp(pair.pc));
  PetscCall(PCSetUp(pair.alone));
  PetscCall(PCGNNSPAIGetFactor(pair.pc, &G));
  PetscCall(PCGNNSPAIGetFactor(pair.alone, &whole));
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)G), &size));
  PetscCall(MatGetOwnershipRange(pair.A, &start, &end));
  PetscCall(MatGetOwnershipRange(G, &first, &last));
  for (PetscInt i = first; i < last; i++) {
    const PetscScalar *v[2];
    const PetscInt    *j[2];
    PetscInt           k[2];
    PetscBool          columns, values = PETSC_TRUE;

    PetscCall(MatGetRow(G, i, &k[0], &j[0], &v[0]));
    PetscCall(MatGetRow(whole, i, &k[1], &j[1], &v[1]));
    columns = k[0] == k[1] ? PETSC_TRUE : PETSC_FALSE;
    if (columns) PetscCall(PetscArraycmp(j[0], j[1], k[0], &columns));
    for (PetscInt l = 0; columns && l < k[0]; l++) values = values && PetscAbsScalar(v[0][l] - v[1][l]) <= 1e-13 * PetscAbsScalar(v[1][l]) ? PETSC_TRUE : PETSC_FALSE;
    if (!columns || !values) wrong++;
    PetscCall(MatRestoreRow(G, i, &k[0], &j[0], &v[0]));
    PetscCall(MatRestoreRow(whole, i, &k[1], &j[1], &v[1]));
  }
  if (first != start || last != end) wrong++;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &wrong, 1, MPIU_INT, MPI_SUM, PETSC_COMM_WORLD));
  Ok(wrong == 0, "%s: the rows of G on %d ranks, %d of them others than one rank's", what, (int)size, (int)wrong);
  PetscCall(Destroy(&pair));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Iterations(PC pc, PetscInt *its)
{
  KSP ksp;
  Mat A;
  Vec b, x;

  PetscFunctionBeginUser;
  PetscCall(PCGetOperators(pc, NULL, &A));
  PetscCall(MatCreateVecs(A, &x, &b));
  PetscCall(VecSet(x, 1.0));
  PetscCall(MatMult(A, x, b));
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)A), &ksp));
  PetscCall(KSPSetType(ksp, KSPCG));
  PetscCall(KSPSetTolerances(ksp, 1e-8, PETSC_DEFAULT, PETSC_DEFAULT, 1000));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetPC(ksp, pc));
  PetscCall(KSPSolve(ksp, b, x));
  PetscCall(KSPGetIterationNumber(ksp, its));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestIterations(PCGNNSPAIValues values)
{
  PetscMPIInt size;
  PetscInt    its[2];
  Pair        pair;
  Text        text;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(Create(RandomMat, 600, &pair));
  BOTH(&pair, PCGNNSPAISetValues(p, values));
  PetscCall(Iterations(pair.pc, &its[0]));
  PetscCall(Iterations(pair.alone, &its[1]));
  Ok(PetscAbsInt(its[0] - its[1]) <= 1 && its[1] > 5, "%s: %d iterations, one rank's are %d", PCGNNSPAIValuesTypes[values], (int)its[0], (int)its[1]);
  PetscCall(TextOpen(&text));
  PetscCall(PCView(pair.pc, text.viewer));
  PetscCall(TextClose(&text));
  PetscCall(OkText(&text, size == 1 ? "diagonal blocks" : "over all ranks", "PCView() says what it is made for"));
  free(text.text);
  PetscCall(Destroy(&pair));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What it is made for by itself; on more than eight ranks each would need all rows of a matrix that is coupled all over */
static PetscErrorCode TestAuto(MatFn create, PetscInt n, const char few[], const char many[], const char what[])
{
  PetscMPIInt size;
  Pair        pair;
  Text        text;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(Create(create, n, &pair));
  PetscCall(PCGNNSPAISetScope(pair.pc, PC_GNNSPAI_SCOPE_AUTO));
  PetscCall(PCSetUp(pair.pc));
  PetscCall(TextOpen(&text));
  PetscCall(PCView(pair.pc, text.viewer));
  PetscCall(TextClose(&text));
  if (size > 1) PetscCall(OkText(&text, size > 8 ? many : few, what));
  else Ok(strstr(text.text, "scope") == NULL, "%s, on one rank: nothing to say", what);
  free(text.text);
  PetscCall(Destroy(&pair));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- failures ---- */

/* On every rank, whichever has the row; and then again with a matrix that can be used */
static PetscErrorCode TestFailure(PetscInt row, PetscScalar value, const char expected[])
{
  PCFailedReason reason;
  Pair           pair;
  Text           text;
  PetscScalar    before = 0.0;
  PetscInt       start, end;
  PetscReal      difference;

  PetscFunctionBeginUser;
  PetscCall(Create(TestMatCreateUneven, 40, &pair));
  PetscCall(MatGetOwnershipRange(pair.A, &start, &end));
  for (int k = 0; k < 2; k++) {
    if (row >= start && row < end) {
      if (k == 0) PetscCall(MatGetValue(pair.A, row, row, &before));
      PetscCall(MatSetValue(pair.A, row, row, k ? before : value, INSERT_VALUES));
    }
    PetscCall(MatAssemblyBegin(pair.A, MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(pair.A, MAT_FINAL_ASSEMBLY));
    PetscCall(PCSetUp(pair.pc));
    PetscCall(PCGetFailedReason(pair.pc, &reason));
    if (k) break;
    PetscCall(TextOpen(&text));
    PetscCall(PCView(pair.pc, text.viewer));
    PetscCall(TextClose(&text));
    Ok(reason != PC_NOERROR, "row %d is %g: failed", (int)row, (double)PetscRealPart(value));
    PetscCall(OkText(&text, expected, "and PCView() says where"));
    free(text.text);
  }
  PetscCall(Difference(&pair, &difference));
  Ok(reason == PC_NOERROR && difference <= 1e-13, "row %d is mended: %.1e", (int)row, (double)difference);
  PetscCall(Destroy(&pair));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscMPIInt size;
  int         failed;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PCGNNSPAIRegister());
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(TestClassical(RandomMat, 150, "random"));
  PetscCall(TestClassical(ChainMat, 63, "chain"));
  PetscCall(TestClassical(BlocksMat, 60, "blocks"));
  PetscCall(TestClassical(TestMatCreateUneven, 40, "uneven rows"));
  PetscCall(TestClassical(TestMatCreateUneven, 2, "two rows"));
  PetscCall(TestClassical(PairsMat, 12 * size, "nothing between ranks"));
  PetscCall(TestModels());
  PetscCall(TestNetwork("the built-in model, nothing between ranks", NULL, PairsMat, 12 * size));
  PetscCall(TestFeatures());
  PetscCall(TestSetUps(PC_GNNSPAI_VALUES_FSAI, BlocksMat));
  PetscCall(TestSetUps(PC_GNNSPAI_VALUES_NETWORK, RandomMat));
  PetscCall(TestFactor(RandomMat, 150, "random"));
  PetscCall(TestFactor(BlocksMat, 60, "blocks"));
  PetscCall(TestFactor(TestMatCreateUneven, 40, "uneven rows"));
  PetscCall(TestIterations(PC_GNNSPAI_VALUES_FSAI));
  PetscCall(TestIterations(PC_GNNSPAI_VALUES_NETWORK));
  PetscCall(TestAuto(ChainMat, 300, "scope: local, ", "scope: local, ", "a chain"));
  PetscCall(TestAuto(FarMat, 300, "scope: global, ", "scope: local, ", "a matrix that is coupled all over"));
  PetscCall(TestFailure(17, NAN, "Row 17 of the matrix holds a NaN"));
  PetscCall(TestFailure(0, -4.0, "Diagonal entry 0 of the matrix is -4"));
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
