/*
   Random networks in memory, preconditioners made with them, and what these are compared by, for the tests.
*/
#pragma once

#include "../gnn/model.h"
#include "../gnn/register.h"
#include "../pcgnnspai.h"
#include "tap.h"
#include "testmat.h"

/* PyTorch's start, times the given factor: 1e8 overflows in the network */
static inline PetscErrorCode TestModelCreate(const GNNConfig *config, PetscReal factor, PetscInt seed, GNNModel *model)
{
  PetscRandom random;

  PetscFunctionBeginUser;
  PetscCall(PetscRandomCreate(PETSC_COMM_SELF, &random));
  PetscCall(PetscRandomSetType(random, PETSCRANDER48));
  PetscCall(PetscRandomSetSeed(random, (unsigned long)(77 + seed))); /* the same on every rank */
  PetscCall(PetscRandomSeed(random));
  PetscCall(GNNModelCreate(config, model));
  PetscCall(GNNModelInitialize(*model, random));
  for (PetscInt k = 0; k < (*model)->nparams; k++) (*model)->theta[k] *= (GNNReal)factor;
  PetscCall(GNNModelPack(*model));
  PetscCall(PetscRandomDestroy(&random));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode TestConfig(GNNConfig *config)
{
  PetscFunctionBeginUser;
  PetscCall(GNNConfigSetDefaults(config));
  config->width  = 8;
  config->layers = 2;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode TestModel(PetscInt seed, GNNModel *model)
{
  GNNConfig config;

  PetscFunctionBeginUser;
  PetscCall(TestConfig(&config));
  PetscCall(TestModelCreate(&config, 1.0, seed, model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of b x b blocks, with the mask among its features */
static inline PetscErrorCode TestModelBlocks(PetscInt b, GNNModel *model)
{
  GNNConfig config;

  PetscFunctionBeginUser;
  PetscCall(TestConfig(&config));
  config.block_size                             = b;
  config.node_features[config.nnode_features++] = GNN_NODE_MASK;
  PetscCall(TestModelCreate(&config, 1.0, 1, model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The network's factor of each rank's block by itself, in double precision */
static inline PetscErrorCode TestPCSetPlain(PC pc)
{
  PetscFunctionBeginUser;
  PetscCall(PCSetType(pc, PCGNNSPAI));
  PetscCall(PCGNNSPAISetValues(pc, PC_GNNSPAI_VALUES_NETWORK));
  PetscCall(PCGNNSPAISetCoarse(pc, 0));
  PetscCall(PCGNNSPAISetScope(pc, PC_GNNSPAI_SCOPE_LOCAL));
  PetscCall(PCGNNSPAISetPrecision(pc, PC_GNNSPAI_DOUBLE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode TestPCCreate(Mat A, GNNModel model, PetscBool guard, PC *pc)
{
  PetscFunctionBeginUser;
  PetscCall(PCCreate(PetscObjectComm((PetscObject)A), pc));
  PetscCall(TestPCSetPlain(*pc));
  if (model != NULL) PetscCall(PCGNNSPAISetNetwork_Private(*pc, model));
  PetscCall(PCGNNSPAISetGuard(*pc, guard ? PC_GNNSPAI_GUARD_FSAI : PC_GNNSPAI_GUARD_NONE));
  PetscCall(PCGNNSPAISetTF32_Private(*pc, PETSC_FALSE)); /* a device is compared with the host */
  PetscCall(PCSetOperators(*pc, A, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode TestVecRandom(Mat A, unsigned long seed, Vec *x)
{
  PetscRandom random;
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)A), &rank));
  PetscCall(PetscRandomCreate(PETSC_COMM_SELF, &random));
  PetscCall(PetscRandomSetType(random, PETSCRANDER48));
  PetscCall(PetscRandomSetInterval(random, -1.0, 1.0));
  PetscCall(PetscRandomSetSeed(random, 100 * seed + (unsigned long)rank));
  PetscCall(PetscRandomSeed(random));
  PetscCall(MatCreateVecs(A, x, NULL));
  PetscCall(VecSetRandom(*x, random));
  PetscCall(PetscRandomDestroy(&random));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z = M^-1 times one fixed random vector: what M is compared by */
static inline PetscErrorCode TestApplied(PC pc, Vec *z)
{
  Mat A;
  Vec r;

  PetscFunctionBeginUser;
  PetscCall(PCGetOperators(pc, NULL, &A));
  PetscCall(TestVecRandom(A, 1, &r));
  PetscCall(VecDuplicate(r, z));
  PetscCall(PCSetUp(pc));
  PetscCall(PCApply(pc, r, *z));
  PetscCall(VecDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |x - factor y| / |x| */
static inline PetscErrorCode TestDifference(Vec x, PetscScalar factor, Vec y, PetscReal *difference)
{
  Vec       d;
  PetscReal norm;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(x, &d));
  PetscCall(VecWAXPY(d, -factor, y, x));
  PetscCall(VecNorm(d, NORM_2, difference));
  PetscCall(VecNorm(x, NORM_2, &norm));
  *difference /= norm;
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Random columns of A's layout, with a leading dimension that is larger than it has to be */
static inline PetscErrorCode TestDenseCreate(Mat A, MatType type, PetscInt K, Mat *X)
{
  PetscInt n, N;

  PetscFunctionBeginUser;
  PetscCall(MatGetLocalSize(A, &n, NULL));
  PetscCall(MatGetSize(A, &N, NULL));
  PetscCall(MatCreate(PetscObjectComm((PetscObject)A), X));
  PetscCall(MatSetSizes(*X, n, PETSC_DECIDE, N, K));
  PetscCall(MatSetType(*X, type));
  PetscCall(MatDenseSetLDA(*X, n + 5));
  PetscCall(MatSetUp(*X));
  for (PetscInt k = 0; k < K; k++) {
    Vec x, column;

    PetscCall(TestVecRandom(A, (unsigned long)(k + 1), &x));
    PetscCall(MatDenseGetColumnVecWrite(*X, k, &column));
    PetscCall(VecCopy(x, column));
    PetscCall(MatDenseRestoreColumnVecWrite(*X, k, &column));
    PetscCall(VecDestroy(&x));
  }
  PetscCall(MatAssemblyBegin(*X, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*X, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The largest difference of a column of Y from what apply() makes of that of X */
static inline PetscErrorCode TestColumnsDifference(PC pc, PetscErrorCode (*apply)(PC, Vec, Vec), Mat X, Mat Y, PetscReal *largest)
{
  PetscInt K;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(X, NULL, &K));
  *largest = 0.0;
  for (PetscInt k = 0; k < K; k++) {
    Vec       x, y, z;
    PetscReal difference = 0.0;

    PetscCall(MatDenseGetColumnVecRead(X, k, &x));
    PetscCall(VecDuplicate(x, &z));
    PetscCall(apply(pc, x, z));
    PetscCall(MatDenseRestoreColumnVecRead(X, k, &x));
    PetscCall(MatDenseGetColumnVecRead(Y, k, &y));
    PetscCall(TestDifference(z, 1.0, y, &difference));
    PetscCall(MatDenseRestoreColumnVecRead(Y, k, &y));
    PetscCall(VecDestroy(&z));
    if (!(difference <= *largest)) *largest = difference;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* So far, where PetscLogDefaultBegin() was called */
static inline PetscErrorCode TestEventGet(const char name[], PetscEventPerfInfo *info)
{
  PetscLogEvent event;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventGetId(name, &event));
  PetscCall(PetscLogEventGetPerfInfo(0, event, info));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PETSc keeps a maximum only while it logs memory */
static inline void LogMemory(PetscBool on)
{
#if defined(PETSC_USE_LOG)
  PetscLogMemory = on;
#else
  (void)on;
#endif
}
