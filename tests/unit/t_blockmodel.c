static char help[] = "Which model is used for a matrix of block size b > 1, and node features of the user's with blocks.\n\n";

#include "../testpc.h"
#include "../testtext.h"

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
    PetscCall(OkView(pc, k == 1 ? "model: small" : "block size 3", k == 1 ? "a pattern with holes" : "a pattern of full blocks"));
  }
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two numbers for each block row, all 0 or all 1 */
static PetscErrorCode TestFeatures(Mat A)
{
  GNNConfig config;
  GNNModel  model;
  PC        pc;
  Vec       features, z[2];
  PetscReal difference;
  PetscInt  n;

  PetscFunctionBeginUser;
  PetscCall(TestConfig(&config));
  config.block_size                             = 3;
  config.node_features[config.nnode_features++] = GNN_NODE_USER;
  config.user_size                              = 2;
  PetscCall(TestModelCreate(&config, 1.0, 1, &model));
  PetscCall(TestPCCreate(A, model, PETSC_FALSE, &pc));
  PetscCall(MatGetLocalSize(A, &n, NULL));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, 2 * n / 3, PETSC_DETERMINE, &features));
  PetscCall(VecSetBlockSize(features, 2));
  for (int k = 0; k < 2; k++) {
    PetscCall(VecSet(features, k));
    PetscCall(PCGNNSPAISetNodeFeatures(pc, features));
    PetscCall(TestApplied(pc, &z[k]));
  }
  PetscCall(TestDifference(z[0], 1.0, z[1], &difference));
  Ok(difference > 1e-5, "node features: two numbers for each block row take effect (%.1e)", (double)difference);
  for (int k = 0; k < 2; k++) PetscCall(VecDestroy(&z[k]));
  PetscCall(VecDestroy(&features));
  PetscCall(PCDestroy(&pc));
  PetscCall(GNNModelDestroy(&model));
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
  PetscCall(TestModelBlocks(3, &model));
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
  PetscCall(TestFallback(five, NULL, "small", "model: small", "blocks of 5, asked for"));
  PetscCall(TestFallback(holes, model, NULL, "because not all blocks of size 3 of the matrix are full", "blocks with holes"));
  PetscCall(TestNewPattern(full, holes, model));
  PetscCall(TestFeatures(full));
  PetscCall(MatDestroy(&full));
  PetscCall(MatDestroy(&five));
  PetscCall(MatDestroy(&holes));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The default of a block size, where there is one, has that block size */
static PetscErrorCode TestDefaults(void)
{
  PetscFunctionBeginUser;
  for (PetscInt b = 1; b <= GNN_MAX_BLOCK; b++) {
    const char *name;
    GNNModel    model;

    PetscCall(GNNBuiltinDefault(b, &name));
    if (b == 1) Ok(name != NULL && strcmp(name, "small") == 0, "the default for block size 1 is small");
    if (name == NULL) continue;
    PetscCall(GNNModelLoad(PETSC_COMM_WORLD, name, &model));
    Ok(model->config.block_size == b, "%s has block size %d", name, (int)b);
    PetscCall(GNNModelDestroy(&model));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  int failed;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PCGNNSPAIRegister());
  PetscCall(TestDefaults());
  PetscCall(TestChoice());
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
