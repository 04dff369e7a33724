/*
   The solver with A_c: a KSP with its own options prefix. On one rank a small A_c is factored, or inverted, as a dense matrix.
*/
#include "gnncoarse.h"

/* Triangular solves are serial, so that on a device the explicit inverse is the default */
static PetscErrorCode SetSolverDefaults_Private(GNNCoarse c)
{
  PC          inner;
  PetscMPIInt size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)c->ksp), &size));
  PetscCall(KSPSetType(c->ksp, KSPPREONLY));
  PetscCall(KSPGetPC(c->ksp, &inner));
  PetscCall(PCSetType(inner, size > 1 ? PCREDUNDANT : (c->device ? PCMAT : PCCHOLESKY)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCoarseCreateKSP(PetscObject parent, const char prefix[], KSP *ksp)
{
  PetscOptions database;
  const char  *before;

  PetscFunctionBegin;
  PetscCall(KSPCreate(PetscObjectComm(parent), ksp));
  PetscCall(PetscObjectIncrementTabLevel((PetscObject)*ksp, parent, 1));
  PetscCall(PetscObjectGetOptionsPrefix(parent, &before));
  PetscCall(KSPSetOptionsPrefix(*ksp, before));
  PetscCall(KSPAppendOptionsPrefix(*ksp, prefix));
  PetscCall(PetscObjectGetOptions(parent, &database));
  PetscCall(PetscObjectSetOptions((PetscObject)*ksp, database));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCoarseSolverCreate(PetscObject pc, GNNCoarse c)
{
  PetscFunctionBegin;
  PetscCall(GNNCoarseCreateKSP(pc, "pc_gnnspai_coarse_", &c->ksp));
  PetscCall(SetSolverDefaults_Private(c));
  PetscCall(KSPSetFromOptions(c->ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The explicit inverse of the dense SPD matrix, of the given type */
static PetscErrorCode Invert_Private(Mat M, MatType type, Mat *inverse)
{
  Mat factor, identity;

  PetscFunctionBegin;
  PetscCall(MatDestroy(inverse));
  PetscCall(MatDuplicate(M, MAT_DO_NOT_COPY_VALUES, inverse));
  PetscCall(MatDuplicate(M, MAT_DO_NOT_COPY_VALUES, &identity));
  PetscCall(MatShift(identity, 1.0));
  PetscCall(MatGetFactor(M, MATSOLVERPETSC, MAT_FACTOR_CHOLESKY, &factor));
  PetscCall(MatCholeskyFactorSymbolic(factor, M, NULL, NULL));
  PetscCall(MatCholeskyFactorNumeric(factor, M, NULL));
  PetscCall(MatMatSolve(factor, identity, *inverse));
  PetscCall(MatDestroy(&factor));
  PetscCall(MatDestroy(&identity));
  PetscCall(MatConvert(*inverse, type, MAT_INPLACE_MATRIX, inverse));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One rank with a small A_c and a solver that takes a dense matrix: the matrix is made dense, and inverted for PCMAT */
PetscErrorCode GNNCoarseSolverSetUp(GNNCoarse c)
{
  PC          inner;
  PetscBool   cholesky, mat;
  PetscInt    n;
  PetscMPIInt size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)c->Ac), &size));
  PetscCall(MatGetSize(c->Ac, &n, NULL));
  PetscCall(KSPGetPC(c->ksp, &inner));
  PetscCall(PetscObjectTypeCompare((PetscObject)inner, PCCHOLESKY, &cholesky));
  PetscCall(PetscObjectTypeCompare((PetscObject)inner, PCMAT, &mat));
  if (size > 1 || !(mat || (cholesky && n <= GNN_COARSE_DENSE))) {
    PetscCheck(!mat, PetscObjectComm((PetscObject)c->ksp), PETSC_ERR_SUP, "-pc_gnnspai_coarse_pc_type mat, the explicit inverse, is for one rank: leave it out");
    PetscCall(KSPSetOperators(c->ksp, c->Ac, c->Ac));
  } else {
    PetscCall(MatConvert(c->Ac, MATSEQDENSE, c->dense ? MAT_REUSE_MATRIX : MAT_INITIAL_MATRIX, &c->dense));
    PetscCall(MatSetOption(c->dense, MAT_SPD, PETSC_TRUE));
    if (mat) PetscCall(Invert_Private(c->dense, c->device ? MATSEQDENSECUDA : MATSEQDENSE, &c->inverse));
    PetscCall(KSPSetOperators(c->ksp, c->dense, mat ? c->inverse : c->dense));
  }
  PetscCall(KSPSetUp(c->ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}
