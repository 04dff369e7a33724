static char help[] = "Models of block size b > 1: matrix types, M against its definition, decoupled unknowns, which model is chosen.\n\n";

#include "testpc.h"
#include "testtext.h"

static PetscErrorCode BlockModel(PetscInt b, PetscInt seed, GNNModel *model)
{
  GNNConfig config;

  PetscFunctionBeginUser;
  PetscCall(TestConfig(&config));
  config.block_size                             = b;
  config.node_features[config.nnode_features++] = GNN_NODE_MASK;
  PetscCall(TestModelCreate(&config, 1.0, seed, model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* M of two matrices is the same bit for bit, at first and with new values */
static PetscErrorCode TestSame(Mat A[2], GNNModel model, const char what[])
{
  PC        pc[2];
  Vec       z[2];
  PetscBool same;

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) PetscCall(TestPCCreate(A[k], model, PETSC_TRUE, &pc[k]));
  for (int step = 0; step < 2; step++) {
    for (int k = 0; k < 2; k++) {
      PetscCall(TestApplied(pc[k], &z[k]));
      PetscCall(MatShift(A[k], 0.5));
    }
    PetscCall(VecEqual(z[0], z[1], &same));
    Ok(same, "%s, %s: the same M", what, step ? "new values" : "first set-up");
    for (int k = 0; k < 2; k++) PetscCall(VecDestroy(&z[k]));
  }
  for (int k = 0; k < 2; k++) PetscCall(PCDestroy(&pc[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestTypes(void)
{
  const MatType types[] = {MATBAIJ, MATSBAIJ};
  GNNModel      model;
  Mat           A[2];
  char          what[64];

  PetscFunctionBeginUser;
  for (PetscInt b = 2; b <= 8; b += 3) { /* 2, 5, 8 */
    PetscCall(BlockModel(b, 1, &model));
    for (int t = 0; t < 2; t++) {
      PetscCall(TestMatCreateBlocks(PETSC_COMM_WORLD, MATAIJ, b, 20, 1, &A[0]));
      PetscCall(TestMatCreateBlocks(PETSC_COMM_WORLD, types[t], b, 20, 1, &A[1]));
      PetscCall(PetscSNPrintf(what, sizeof(what), "AIJ and %s, blocks of %" PetscInt_FMT, types[t], b));
      PetscCall(TestSame(A, model, what));
      for (int k = 0; k < 2; k++) PetscCall(MatDestroy(&A[k]));
    }
    PetscCall(GNNModelDestroy(&model));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A model of block size 2 where the matrix has 4 */
static PetscErrorCode TestDivides(void)
{
  GNNModel model;
  Mat      A[2];

  PetscFunctionBeginUser;
  PetscCall(BlockModel(2, 1, &model));
  PetscCall(TestMatCreateBlocks(PETSC_COMM_WORLD, MATAIJ, 4, 20, 1, &A[0]));
  PetscCall(MatDuplicate(A[0], MAT_COPY_VALUES, &A[1]));
  PetscCall(MatSetBlockSize(A[1], 2));
  PetscCall(TestSame(A, model, "block size 4 and 2 with a model of 2"));
  for (int k = 0; k < 2; k++) PetscCall(MatDestroy(&A[k]));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- M = S (G G^T + eps I) S^T with S_i = L_i^-T ---- */

/* L, lower triangular, of D = L L^T, one diagonal block of the local matrix */
static PetscErrorCode Factor(Mat local, PetscInt b, PetscInt node, PetscReal L[8][8])
{
  PetscFunctionBeginUser;
  for (PetscInt r = 0; r < b; r++) {
    for (PetscInt c = 0; c <= r; c++) {
      const PetscInt row = node * b + r, col = node * b + c;
      PetscScalar    d;

      PetscCall(MatGetValues(local, 1, &row, 1, &col, &d));
      for (PetscInt k = 0; k < c; k++) d -= L[r][k] * L[c][k];
      L[r][c] = r == c ? PetscSqrtReal(PetscRealPart(d)) : PetscRealPart(d) / L[c][c];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x = L^-1 x, or L^-T x, block by block */
static PetscErrorCode SolveBlocks(Mat local, PetscInt b, PetscBool transpose, Vec x)
{
  PetscScalar *a;
  PetscInt     n;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(x, &n));
  PetscCall(VecGetArray(x, &a));
  for (PetscInt node = 0; node < n / b; node++, a += b) {
    PetscReal L[8][8];

    PetscCall(Factor(local, b, node, L));
    for (PetscInt k = 0; k < b; k++) {
      const PetscInt r = transpose ? b - 1 - k : k;

      a[r] /= L[r][r];
      for (PetscInt c = 0; c < b; c++) {
        if (transpose ? c < r : c > r) a[c] -= (transpose ? L[r][c] : L[c][r]) * a[r];
      }
    }
  }
  a -= n;
  PetscCall(VecRestoreArray(x, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestDefinition(PetscInt b, GNNPattern pattern, PCGNNSPAIPrecision precision)
{
  GNNConfig config;
  GNNModel  model;
  Mat       A, G;
  PC        pc;
  Vec       r, z, u, y;
  PetscReal difference;

  PetscFunctionBeginUser;
  PetscCall(TestConfig(&config));
  config.block_size = b;
  config.pattern    = pattern;
  PetscCall(TestModelCreate(&config, 1.0, 1, &model));
  PetscCall(TestMatCreateBlocks(PETSC_COMM_SELF, MATAIJ, b, 20, 2, &A));
  PetscCall(TestPCCreate(A, model, PETSC_FALSE, &pc));
  PetscCall(PCGNNSPAISetEpsilon(pc, 0.3));
  PetscCall(PCGNNSPAISetPrecision(pc, precision));
  PetscCall(TestApplied(pc, &z));
  PetscCall(PCGNNSPAIGetFactor(pc, &G));
  PetscCall(TestVecRandom(A, 1, &r));
  PetscCall(MatCreateVecs(G, &u, &y));
  PetscCall(SolveBlocks(A, b, PETSC_FALSE, r));
  PetscCall(MatMultTranspose(G, r, u));
  PetscCall(MatMult(G, u, y));
  PetscCall(VecAXPY(y, 0.3, r));
  PetscCall(SolveBlocks(A, b, PETSC_TRUE, y));
  PetscCall(TestDifference(z, 1.0, y, &difference));
  Ok(difference < (precision == PC_GNNSPAI_DOUBLE ? 1e-13 : 1e-6), "blocks of %d, pattern %s, %s: M is S (G G^T + eps I) S^T up to %.1e", (int)b, GNNPatterns[pattern], PCGNNSPAIPrecisions[precision], (double)difference);
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&z));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&y));
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&A));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- decoupled unknowns ---- */

/* M e_row, and how far it is from the vector with the given numbers at start, start + 1, ..., 0 elsewhere */
static PetscErrorCode ColumnDistance(PC pc, Mat A, PetscInt row, PetscInt start, PetscInt count, const PetscScalar expected[], PetscReal *distance)
{
  Vec      e, z;
  PetscInt from, to;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(A, &e, &z));
  PetscCall(VecGetOwnershipRange(e, &from, &to));
  if (row >= from && row < to) PetscCall(VecSetValue(e, row, 1.0, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(e));
  PetscCall(VecAssemblyEnd(e));
  PetscCall(PCApply(pc, e, z));
  for (PetscInt k = 0; k < count; k++) {
    if (start + k >= from && start + k < to) PetscCall(VecSetValue(z, start + k, -expected[k], ADD_VALUES));
  }
  PetscCall(VecAssemblyBegin(z));
  PetscCall(VecAssemblyEnd(z));
  PetscCall(VecNorm(z, NORM_INFINITY, distance));
  PetscCall(VecDestroy(&e));
  PetscCall(VecDestroy(&z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* TestMatClamp() leaves 2 on the diagonals of node 3 and of one unknown of nodes 5, 10, 15 */
static PetscErrorCode TestClamped(PetscBool guard)
{
  const PetscInt    clamped[] = {9, 10, 11, 17, 32, 47};
  const PetscScalar half      = 0.5;
  PetscReal         distance, worst = 0.0, other;
  GNNModel          model;
  Mat               A;
  PC                pc;
  PetscMPIInt       size;

  PetscFunctionBeginUser;
  PetscCall(BlockModel(3, 1, &model));
  PetscCall(TestMatCreateBlocks(PETSC_COMM_WORLD, MATAIJ, 3, 20, 1, &A));
  PetscCall(TestMatClamp(A));
  PetscCall(TestPCCreate(A, model, guard, &pc));
  PetscCall(PCSetUp(pc));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(clamped); k++) {
    PetscCall(ColumnDistance(pc, A, clamped[k], clamped[k], 1, &half, &distance));
    worst = PetscMax(worst, distance);
  }
  Ok(worst == 0.0, "decoupled unknowns, guard %s: M is 1/a_ii there, exactly", guard ? "on" : "off");
  PetscCall(ColumnDistance(pc, A, 16, 16, 1, &half, &other));
  Ok(other > 0.01, "the other unknowns of such a node take part");
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  if (size == 1) PetscCall(OkView(pc, "decoupled rows 6", "-pc_view")); /* on more, rows that couple to other ranks alone are decoupled too */
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&A));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nodes that are coupled within, and to no other: the inverse of the block, with both scalings */
static PetscErrorCode TestIsolated(GNNScaling scaling)
{
  const PetscScalar block[] = {4, 1, 0, 1, 2, 0, 0, 0, 5}, inverse[] = {2.0 / 7, -1.0 / 7, 0, -1.0 / 7, 4.0 / 7, 0, 0, 0, 0.2};
  PetscReal         distance, worst = 0.0;
  GNNConfig         config;
  GNNModel          model;
  Mat               A;
  PC                pc;
  PetscInt          start, end;

  PetscFunctionBeginUser;
  PetscCall(TestConfig(&config));
  config.block_size = 3;
  config.scaling    = scaling;
  config.output     = GNN_OUTPUT_DIRECT;
  PetscCall(TestModelCreate(&config, 1.0, 1, &model));
  PetscCall(TestMatCreateBlocks(PETSC_COMM_WORLD, MATAIJ, 3, 20, 1, &A));
  PetscCall(TestMatClamp(A));
  PetscCall(MatGetOwnershipRange(A, &start, &end));
  if (start <= 9 && 9 < end) PetscCall(MatSetValuesBlocked(A, 1, (PetscInt[]){3}, 1, (PetscInt[]){3}, block, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(TestPCCreate(A, model, PETSC_TRUE, &pc));
  PetscCall(PCSetUp(pc));
  for (PetscInt r = 0; r < 3; r++) {
    PetscCall(ColumnDistance(pc, A, 9 + r, 9, 3, inverse + 3 * r, &distance));
    worst = PetscMax(worst, distance);
  }
  Ok(worst < 1e-15, "a block that couples to no other, scaling %s: M is its inverse up to %.1e", GNNScalings[scaling], (double)worst);
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&A));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The guard's last resort is PETSc's point-block Jacobi */
static PetscErrorCode TestGuard(void)
{
  GNNConfig config;
  GNNModel  model;
  Mat       A;
  PC        pc, jacobi;
  Vec       z, zj;
  PetscReal alpha, difference;

  PetscFunctionBeginUser;
  PetscCall(TestConfig(&config));
  config.block_size = 3;
  config.output     = GNN_OUTPUT_DIRECT;
  PetscCall(TestModelCreate(&config, 100.0, 1, &model));
  PetscCall(TestMatCreateBlocks(PETSC_COMM_WORLD, MATAIJ, 3, 20, 1, &A));
  PetscCall(TestPCCreate(A, model, PETSC_TRUE, &pc));
  PetscCall(PCGNNSPAISetFallback(pc, PC_GNNSPAI_FALLBACK_JACOBI));
  PetscCall(TestApplied(pc, &z));
  PetscCall(PCGNNSPAIGetGuardAlpha(pc, &alpha));
  PetscCall(PCCreate(PETSC_COMM_WORLD, &jacobi));
  PetscCall(PCSetType(jacobi, PCPBJACOBI));
  PetscCall(PCSetOperators(jacobi, A, A));
  PetscCall(TestApplied(jacobi, &zj));
  PetscCall(TestDifference(z, 1.0, zj, &difference));
  Ok(alpha == -1.0 && difference < 1e-13, "a bad network: the guard takes point-block Jacobi, PETSc's up to %.1e", (double)difference);
  PetscCall(OkView(pc, "guard: point-block Jacobi,", "-pc_view"));
  PetscCall(VecDestroy(&z));
  PetscCall(VecDestroy(&zj));
  PetscCall(PCDestroy(&pc));
  PetscCall(PCDestroy(&jacobi));
  PetscCall(MatDestroy(&A));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- which model ---- */

/* A matrix, and whether its M is that of the built-in model of block size 1 */
static PetscErrorCode TestFallback(Mat A, GNNModel model, const char name[], const char expected[], const char what[])
{
  Mat       B;
  PC        pc, general;
  Vec       z, zg;
  PetscBool same;

  PetscFunctionBeginUser;
  PetscCall(TestPCCreate(A, model, PETSC_TRUE, &pc));
  if (name != NULL) PetscCall(PCGNNSPAISetModel(pc, name));
  PetscCall(TestApplied(pc, &z));
  PetscCall(MatConvert(A, MATAIJ, MAT_INITIAL_MATRIX, &B));
  PetscCall(MatSetBlockSize(B, 1));
  PetscCall(TestPCCreate(B, NULL, PETSC_TRUE, &general));
  PetscCall(TestApplied(general, &zg));
  PetscCall(VecEqual(z, zg, &same));
  Ok(same, "%s: M of the built-in model of block size 1", what);
  PetscCall(OkView(pc, expected, what));
  PetscCall(VecDestroy(&z));
  PetscCall(VecDestroy(&zg));
  PetscCall(PCDestroy(&pc));
  PetscCall(PCDestroy(&general));
  PetscCall(MatDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The model is chosen anew for a new pattern */
static PetscErrorCode TestNewPattern(Mat full, Mat holes, GNNModel model)
{
  Mat A[] = {full, holes, full};
  PC  pc;

  PetscFunctionBeginUser;
  PetscCall(TestPCCreate(full, model, PETSC_TRUE, &pc));
  for (int k = 0; k < 3; k++) {
    PetscCall(PCSetOperators(pc, A[k], A[k]));
    PetscCall(OkView(pc, k == 1 ? "model: general" : "block size 3", k == 1 ? "a pattern with holes" : "a pattern of full blocks"));
  }
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestChoice(void)
{
  const PetscInt last = 59;
  GNNModel       model;
  Mat            full, five, holes;
  PetscMPIInt    rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(BlockModel(3, 1, &model));
  PetscCall(TestMatCreateBlocks(PETSC_COMM_WORLD, MATAIJ, 3, 20, 1, &full));
  PetscCall(TestMatCreateBlocks(PETSC_COMM_WORLD, MATAIJ, 5, 12, 1, &five));
  PetscCall(MatDuplicate(full, MAT_COPY_VALUES, &holes)); /* one more block, not full, on the last rank alone */
  PetscCall(MatSetOption(holes, MAT_NEW_NONZERO_LOCATION_ERR, PETSC_FALSE));
  PetscCall(MatSetOption(holes, MAT_NEW_NONZERO_LOCATIONS, PETSC_TRUE));
  if (rank == size - 1) {
    PetscCall(MatSetValue(holes, last, last - 12, -1e-3, ADD_VALUES));
    PetscCall(MatSetValue(holes, last - 12, last, -1e-3, ADD_VALUES));
  }
  PetscCall(MatAssemblyBegin(holes, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(holes, MAT_FINAL_ASSEMBLY));
  PetscCall(TestFallback(five, NULL, NULL, "because there is no built-in model of the matrix's block size 5", "blocks of 5"));
  PetscCall(TestFallback(five, NULL, "general", "model: general", "blocks of 5, asked for"));
  PetscCall(TestFallback(holes, model, NULL, "because not all blocks of size 3 of the matrix are full", "blocks with holes"));
  PetscCall(TestNewPattern(full, holes, model));
  PetscCall(MatDestroy(&full));
  PetscCall(MatDestroy(&five));
  PetscCall(MatDestroy(&holes));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  int failed;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PCGNNSPAIRegister());
  PetscCall(TestTypes());
  PetscCall(TestDivides());
  for (PetscInt b = 2; b <= 3; b++) {
    PetscCall(TestDefinition(b, GNN_PATTERN_A, PC_GNNSPAI_DOUBLE));
    PetscCall(TestDefinition(b, GNN_PATTERN_LOWER, PC_GNNSPAI_DOUBLE));
  }
  PetscCall(TestDefinition(3, GNN_PATTERN_A, PC_GNNSPAI_SINGLE));
  PetscCall(TestClamped(PETSC_TRUE));
  PetscCall(TestClamped(PETSC_FALSE));
  PetscCall(TestIsolated(GNN_SCALING_DIAGONAL));
  PetscCall(TestIsolated(GNN_SCALING_MEAN));
  PetscCall(TestGuard());
  PetscCall(TestChoice());
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
