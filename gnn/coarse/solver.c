/*
   The solver with A_c: a KSP with its own options prefix, of the ranks together or of each for itself. On one rank with a device a small A_c is factored,
   or inverted, as a dense matrix.
*/
#include "coarse.h"

/* Triangular solves are serial, so that on a device the explicit inverse is the default. What several ranks have together is factored on each of them
   where it is small, and else too large for that */
static PetscErrorCode SetSolverDefaults_Private(GNNCoarse c)
{
  const PCType several = c->repeated ? PCREDUNDANT : PCGAMG;
  PC           inner;
  PetscMPIInt  size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)c->ksp), &size));
  PetscCall(KSPSetType(c->ksp, KSPPREONLY));
  PetscCall(KSPGetPC(c->ksp, &inner));
  PetscCall(PCSetType(inner, size > 1 ? several : (c->device ? PCMAT : PCCHOLESKY)));
  if (size == 1 && !c->device) PetscCall(PCFactorSetMatOrderingType(inner, MATORDERINGND));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCoarseCreateKSP(PetscObject parent, const char prefix[], MPI_Comm comm, KSP *ksp)
{
  PetscOptions database;
  const char  *before;

  PetscFunctionBegin;
  PetscCall(KSPCreate(comm, ksp));
  PetscCall(PetscObjectIncrementTabLevel((PetscObject)*ksp, parent, 1));
  PetscCall(PetscObjectGetOptionsPrefix(parent, &before));
  PetscCall(KSPSetOptionsPrefix(*ksp, before));
  PetscCall(KSPAppendOptionsPrefix(*ksp, prefix));
  PetscCall(PetscObjectGetOptions(parent, &database));
  PetscCall(PetscObjectSetOptions((PetscObject)*ksp, database));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCoarseSolverCreate(GNNCoarse c)
{
  MPI_Comm    comm = PetscObjectComm(c->pc);
  PetscMPIInt size, before;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (c->host && size > 1) comm = PETSC_COMM_SELF;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (c->ksp) {
    PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)c->ksp), &before));
    if (before == size) PetscFunctionReturn(PETSC_SUCCESS);
    PetscCall(KSPDestroy(&c->ksp));
  }
  PetscCall(GNNCoarseCreateKSP(c->pc, "pc_gnnspai_coarse_", comm, &c->ksp));
  PetscCall(SetSolverDefaults_Private(c));
  PetscCall(KSPSetFromOptions(c->ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A_c with its shift, scaled to a unit diagonal, in its place */
static PetscErrorCode ScaleSparse_Private(GNNCoarse c)
{
  PetscFunctionBegin;
  PetscCall(MatDiagonalSet(c->Ac, c->shift, ADD_VALUES));
  PetscCall(MatDiagonalScale(c->Ac, c->unit, c->unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same as a dense matrix; where A_c is on a device and is to be inverted, there */
static PetscErrorCode SetDense_Private(GNNCoarse c, PetscBool inverted)
{
  PetscBool device;

  PetscFunctionBegin;
  PetscCall(GNNCoarseOnDevice(c->Ac, &device));
  if (device && inverted) PetscCall(GNNCoarseFillDense(c));
  else {
    PetscCall(ScaleSparse_Private(c));
    PetscCall(MatConvert(c->Ac, MATSEQDENSE, c->dense ? MAT_REUSE_MATRIX : MAT_INITIAL_MATRIX, &c->dense));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateInverse_Private(GNNCoarse c)
{
  PetscFunctionBegin;
  PetscCall(MatDuplicate(c->dense, MAT_COPY_VALUES, &c->inverse));
  PetscCall(MatDuplicate(c->dense, MAT_COPY_VALUES, &c->factor));
  PetscCall(MatDuplicate(c->dense, MAT_COPY_VALUES, &c->identity));
  PetscCall(MatZeroEntries(c->identity));
  PetscCall(MatShift(c->identity, 1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The explicit inverse of the dense matrix, where that lies: factored in place, since PETSc fills a factor of its own on the host. On a device
   it has a factorisation only for what is said to be SPD, and does not ask whether a pivot was wrong, so that the inverse is tried */
static PetscErrorCode Invert_Private(GNNCoarse c, PetscBool *failed)
{
  PetscBool host;
  PetscReal error;

  PetscFunctionBegin;
  if (c->inverse == NULL) PetscCall(CreateInverse_Private(c));
  PetscCall(PetscObjectTypeCompare((PetscObject)c->factor, MATSEQDENSE, &host));
  PetscCall(MatSetUnfactored(c->factor));
  PetscCall(MatCopy(c->dense, c->factor, SAME_NONZERO_PATTERN));
  PetscCall(MatSetOption(c->factor, MAT_SPD, host ? PETSC_FALSE : PETSC_TRUE));
  PetscCall(MatCholeskyFactor(c->factor, NULL, NULL));
  PetscCall(MatMatSolve(c->factor, c->identity, c->inverse));
  PetscCall(VecSet(c->xc, 1.0));
  PetscCall(MatMult(c->inverse, c->xc, c->rc));
  PetscCall(MatMult(c->dense, c->rc, c->xc));
  PetscCall(VecShift(c->xc, -1.0));
  PetscCall(VecNorm(c->xc, NORM_2, &error));
  *failed = error < 0.5 ? PETSC_FALSE : PETSC_TRUE; /* a NaN as well */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCoarseSolverSetUpKSP(GNNCoarse c, Mat A, Mat P, PetscBool *failed)
{
  PC             inner;
  PCFailedReason reason;

  PetscFunctionBegin;
  PetscCall(KSPSetOperators(c->ksp, A, P));
  PetscCall(KSPSetUp(c->ksp));
  PetscCall(KSPGetPC(c->ksp, &inner));
  PetscCall(PCGetFailedReason(inner, &reason));
  if (reason != PC_NOERROR) *failed = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where it may be, and a solver that does the same was not told to do otherwise: applied, the inverse costs as much as two solves with sparse
   factors at some 700 rows, but takes far longer to make from some hundred on */
PetscErrorCode GNNCoarseSolverInverts(GNNCoarse c, PetscBool *inverts)
{
  PC        inner;
  PetscBool cholesky, mat, preonly;

  PetscFunctionBegin;
  PetscCall(KSPGetPC(c->ksp, &inner));
  PetscCall(PetscObjectTypeCompare((PetscObject)inner, PCCHOLESKY, &cholesky));
  PetscCall(PetscObjectTypeCompare((PetscObject)inner, PCMAT, &mat));
  PetscCall(PetscObjectTypeCompare((PetscObject)c->ksp, KSPPREONLY, &preonly));
  *inverts = preonly && (mat || (cholesky && c->size <= GNN_COARSE_INVERSE)) ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One rank with a small A_c and a solver that takes a dense matrix: the matrix is made dense, and inverted for PCMAT */
PetscErrorCode GNNCoarseSolverSetUp(GNNCoarse c, PetscBool *failed)
{
  PC          inner;
  PetscBool   cholesky, mat;
  PetscMPIInt size;

  PetscFunctionBegin;
  *failed = PETSC_FALSE;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)c->Ac), &size));
  PetscCall(KSPGetPC(c->ksp, &inner));
  PetscCall(PetscObjectTypeCompare((PetscObject)inner, PCCHOLESKY, &cholesky));
  PetscCall(PetscObjectTypeCompare((PetscObject)inner, PCMAT, &mat));
  PetscCheck(!mat || size == 1, PetscObjectComm((PetscObject)c->ksp), PETSC_ERR_SUP, "-pc_gnnspai_coarse_pc_type mat, the explicit inverse, is for one rank: leave it out");
  if (size == 1 && (mat || (cholesky && c->size <= GNN_COARSE_DENSE))) {
    PetscCall(SetDense_Private(c, mat));
    if (mat) PetscCall(Invert_Private(c, failed));
    PetscCall(GNNCoarseSolverSetUpKSP(c, c->dense, mat ? c->inverse : c->dense, failed));
  } else {
    PetscCall(ScaleSparse_Private(c));
    PetscCall(GNNCoarseSolverSetUpKSP(c, c->Ac, c->Ac, failed));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
