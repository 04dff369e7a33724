static char help[] = "Models of block size b > 1: matrix types, M against its definition, decoupled unknowns, the guard.\n\n";

#include "../testpc.h"
#include "../testtext.h"
#include "../../gnn/factor.h"

/* M of two matrices is the same bit for bit, at first and with new values; without the guard, whose choice depends on whether the pattern counts as new */
static PetscErrorCode TestSame(Mat A[2], GNNModel model, const char what[])
{
  PC        pc[2];
  Vec       z[2];
  PetscBool same;

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) PetscCall(TestPCCreate(A[k], model, PETSC_FALSE, &pc[k]));
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
    PetscCall(TestModelBlocks(b, &model));
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
  PetscCall(TestModelBlocks(2, &model));
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

/* The network's factor, or where the guard refuses that of a bad network, the classical one */
static PetscErrorCode TestDefinition(PetscInt b, GNNPattern pattern, PCGNNSPAIPrecision precision, PetscBool bad)
{
  const PetscReal tolerances[] = {1e-13, 1e-6, 1e-3}; /* by precision */
  GNNConfig       config;
  GNNModel        model;
  Mat             A, G;
  PC              pc;
  Vec             r, z, u, y;
  PetscReal       difference;
  PCGNNSPAIChoice kind;

  PetscFunctionBeginUser;
  PetscCall(TestConfig(&config));
  config.block_size = b;
  config.pattern    = pattern;
  if (bad) config.output = GNN_OUTPUT_DIRECT;
  PetscCall(TestModelCreate(&config, bad ? 100.0 : 1.0, 1, &model));
  PetscCall(TestMatCreateBlocks(PETSC_COMM_SELF, MATAIJ, b, 20, 2, &A));
  PetscCall(TestPCCreate(A, model, bad, &pc));
  PetscCall(PCGNNSPAISetEpsilon(pc, 0.01));
  PetscCall(PCGNNSPAISetPrecision(pc, precision));
  PetscCall(TestApplied(pc, &z));
  PetscCall(PCGNNSPAIGetFactor(pc, &G));
  PetscCall(TestVecRandom(A, 1, &r));
  PetscCall(MatCreateVecs(G, &u, &y));
  PetscCall(SolveBlocks(A, b, PETSC_FALSE, r));
  PetscCall(MatMultTranspose(G, r, u));
  PetscCall(MatMult(G, u, y));
  PetscCall(VecAXPY(y, 0.01, r));
  PetscCall(SolveBlocks(A, b, PETSC_TRUE, y));
  PetscCall(TestDifference(z, 1.0, y, &difference));
  PetscCall(PCGNNSPAIGetChoice(pc, &kind, NULL));
  Ok(kind == (bad ? PC_GNNSPAI_CHOICE_FSAI : PC_GNNSPAI_CHOICE_NETWORK) && difference < tolerances[precision], "blocks of %d, pattern %s, %s%s: M is S (G G^T + eps I) S^T up to %.1e", (int)b, GNNPatterns[pattern], PCGNNSPAIPrecisions[precision], bad ? ", classical factor" : "", (double)difference);
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
  PetscCall(TestModelBlocks(3, &model));
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
  PetscReal         distance, worst                                  = 0.0;
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

/* One node: M is A^-1; other ranks have no rows */
static PetscErrorCode TestOneBlock(void)
{
  GNNModel  model;
  Mat       A;
  PC        pc;
  Vec       r, z, y;
  PetscReal difference;

  PetscFunctionBeginUser;
  PetscCall(TestModelBlocks(3, &model));
  PetscCall(TestMatCreateBlocks(PETSC_COMM_WORLD, MATAIJ, 3, 1, 1, &A));
  PetscCall(TestPCCreate(A, model, PETSC_TRUE, &pc));
  PetscCall(TestApplied(pc, &z));
  PetscCall(TestVecRandom(A, 1, &r));
  PetscCall(VecDuplicate(r, &y));
  PetscCall(MatMult(A, z, y));
  PetscCall(TestDifference(r, 1.0, y, &difference));
  Ok(difference < 1e-13, "a matrix of one block: M is its inverse up to %.1e", (double)difference);
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&z));
  PetscCall(VecDestroy(&y));
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&A));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The guard's last resort is PETSc's point-block Jacobi */
static PetscErrorCode TestGuard(void)
{
  GNNConfig       config;
  GNNModel        model;
  Mat             A;
  PC              pc, jacobi;
  Vec             z, zj;
  PetscReal       difference;
  PCGNNSPAIChoice kind;

  PetscFunctionBeginUser;
  PetscCall(TestConfig(&config));
  config.block_size = 3;
  config.output     = GNN_OUTPUT_DIRECT;
  PetscCall(TestModelCreate(&config, 100.0, 1, &model));
  PetscCall(TestMatCreateBlocks(PETSC_COMM_WORLD, MATAIJ, 3, 20, 1, &A));
  PetscCall(TestPCCreate(A, model, PETSC_TRUE, &pc));
  PetscCall(PCGNNSPAISetGuard(pc, PC_GNNSPAI_GUARD_JACOBI));
  PetscCall(TestApplied(pc, &z));
  PetscCall(PCGNNSPAIGetChoice(pc, &kind, NULL));
  PetscCall(PCCreate(PETSC_COMM_WORLD, &jacobi));
  PetscCall(PCSetType(jacobi, PCPBJACOBI));
  PetscCall(PCSetOperators(jacobi, A, A));
  PetscCall(TestApplied(jacobi, &zj));
  PetscCall(TestDifference(z, 1.0, zj, &difference));
  Ok(kind == PC_GNNSPAI_CHOICE_JACOBI && difference < 1e-13, "a bad network: the guard takes point-block Jacobi, PETSc's up to %.1e", (double)difference);
  PetscCall(OkView(pc, "guard: point-block Jacobi,", "-pc_view"));
  PetscCall(VecDestroy(&z));
  PetscCall(VecDestroy(&zj));
  PetscCall(PCDestroy(&pc));
  PetscCall(PCDestroy(&jacobi));
  PetscCall(MatDestroy(&A));
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
    PetscCall(TestDefinition(b, GNN_PATTERN_A, PC_GNNSPAI_DOUBLE, PETSC_FALSE));
    PetscCall(TestDefinition(b, GNN_PATTERN_LOWER, PC_GNNSPAI_DOUBLE, PETSC_FALSE));
  }
  PetscCall(TestDefinition(3, GNN_PATTERN_A, PC_GNNSPAI_SINGLE, PETSC_FALSE));
  PetscCall(TestDefinition(3, GNN_PATTERN_A, PC_GNNSPAI_HALF, PETSC_FALSE));
  PetscCall(TestDefinition(3, GNN_PATTERN_A, PC_GNNSPAI_DOUBLE, PETSC_TRUE));
  PetscCall(TestClamped(PETSC_TRUE));
  PetscCall(TestClamped(PETSC_FALSE));
  PetscCall(TestIsolated(GNN_SCALING_DIAGONAL));
  PetscCall(TestIsolated(GNN_SCALING_MEAN));
  PetscCall(TestGuard());
  PetscCall(TestOneBlock());
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
