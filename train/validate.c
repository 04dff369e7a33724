/*
   Validation by iterations of CG.
*/
#include "../pcgnnspai.h"
#include "train.h"
#include "../gnn/register.h"
#include "../pcgnnspai.h"

/* CG to a relative residual of 1e-8 in the unpreconditioned norm from x = 0, for b = A 1 and a random b (fixed seed); iterations added up,
   counted as the maximum where CG does not converge. Where the guard refuses the network there is no classical factor in its stead, lest a network
   win by being refused */
static PetscErrorCode Iterations_Private(Mat A, Vec features, PCType type, GNNModel model, PetscInt *iterations)
{
  KSP         ksp;
  PC          pc;
  Vec         x, b;
  PetscRandom random;

  PetscFunctionBegin;
  PetscCall(MatCreateVecs(A, &x, &b));
  PetscCall(PetscRandomCreate(PETSC_COMM_SELF, &random));
  PetscCall(PetscRandomSetType(random, PETSCRANDER48));
  PetscCall(PetscRandomSetInterval(random, -1.0, 1.0));
  PetscCall(KSPCreate(PETSC_COMM_SELF, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetType(ksp, KSPCG));
  PetscCall(KSPSetNormType(ksp, KSP_NORM_UNPRECONDITIONED));
  PetscCall(KSPSetTolerances(ksp, 1e-8, 0.0, PETSC_DEFAULT, 20000));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, type));
  if (model) {
    PetscCall(PCGNNSPAISetNetwork_Private(pc, model));
    PetscCall(PCGNNSPAISetNodeFeatures(pc, features));
    PetscCall(PCGNNSPAISetGuard(pc, PC_GNNSPAI_GUARD_JACOBI));
    PetscCall(PCGNNSPAISetCoarse(pc, 0)); /* it is the network that is to be seen */
  }
  *iterations = 0;
  for (PetscInt rhs = 0; rhs < 2; rhs++) {
    PetscInt its;

    if (rhs == 0) {
      PetscCall(VecSet(x, 1.0));
      PetscCall(MatMult(A, x, b));
    } else PetscCall(VecSetRandom(b, random));
    PetscCall(KSPSolve(ksp, b, x));
    PetscCall(KSPGetIterationNumber(ksp, &its));
    *iterations += its;
  }
  PetscCall(KSPDestroy(&ksp));
  PetscCall(PetscRandomDestroy(&random));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainValidationCreate(PetscInt n, char **names, Mat *A, TrainValidation *v)
{
  PetscFunctionBegin;
  v->n    = n;
  v->name = names;
  v->A    = A;
  PetscCall(PetscMalloc4(n, &v->jacobi, n, &v->icc, n, &v->gnn, n, &v->features));
  for (PetscInt k = 0; k < n; k++) {
    PetscCall(FilesLoadFeatures(names[k], A[k], &v->features[k]));
    PetscCall(Iterations_Private(A[k], NULL, PCJACOBI, NULL, &v->jacobi[k]));
    PetscCall(Iterations_Private(A[k], NULL, PCICC, NULL, &v->icc[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainValidationRun(TrainValidation *v, GNNModel model, PetscReal *to_jacobi, PetscReal *to_icc)
{
  PetscReal logj = 0.0, logi = 0.0;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < v->n; k++) {
    PetscCall(Iterations_Private(v->A[k], v->features[k], PCGNNSPAI, model, &v->gnn[k]));
    logj += PetscLogReal((PetscReal)v->gnn[k] / (PetscReal)PetscMax(v->jacobi[k], 1));
    logi += PetscLogReal((PetscReal)v->gnn[k] / (PetscReal)PetscMax(v->icc[k], 1));
  }
  *to_jacobi = PetscExpReal(logj / v->n);
  *to_icc    = PetscExpReal(logi / v->n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainValidationDestroy(TrainValidation *v)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < v->n; k++) {
    PetscCall(MatDestroy(&v->A[k]));
    PetscCall(VecDestroy(&v->features[k]));
  }
  PetscCall(FilesDestroy(v->n, &v->name));
  PetscCall(PetscFree(v->A));
  PetscCall(PetscFree4(v->jacobi, v->icc, v->gnn, v->features));
  PetscFunctionReturn(PETSC_SUCCESS);
}
