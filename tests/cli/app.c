static char help[] = "A program that knows nothing of gnnspai: Laplacian, -m by -n by -l points, CG unless the options say otherwise.\n\n";

#include <petscksp.h>
#if defined(LINKED)
  #include <pcgnnspai.h>
#endif

static PetscErrorCode Laplacian(PetscInt m, PetscInt n, PetscInt l, Mat *A)
{
  PetscInt start, end;

  PetscFunctionBeginUser;
  PetscCall(MatCreate(PETSC_COMM_WORLD, A));
  PetscCall(MatSetSizes(*A, PETSC_DECIDE, PETSC_DECIDE, m * n * l, m * n * l));
  PetscCall(MatSetFromOptions(*A));
  PetscCall(MatMPIAIJSetPreallocation(*A, 7, NULL, 2, NULL));
  PetscCall(MatSeqAIJSetPreallocation(*A, 7, NULL));
  PetscCall(MatSetUp(*A));
  PetscCall(MatGetOwnershipRange(*A, &start, &end));
  for (PetscInt row = start; row < end; row++) {
    const PetscInt i = row / (n * l), j = row / l % n, k = row % l;

    PetscCall(MatSetValue(*A, row, row, l > 1 ? 6.0 : 4.0, INSERT_VALUES));
    if (i > 0) PetscCall(MatSetValue(*A, row, row - n * l, -1.0, INSERT_VALUES));
    if (i < m - 1) PetscCall(MatSetValue(*A, row, row + n * l, -1.0, INSERT_VALUES));
    if (j > 0) PetscCall(MatSetValue(*A, row, row - l, -1.0, INSERT_VALUES));
    if (j < n - 1) PetscCall(MatSetValue(*A, row, row + l, -1.0, INSERT_VALUES));
    if (k > 0) PetscCall(MatSetValue(*A, row, row - 1, -1.0, INSERT_VALUES));
    if (k < l - 1) PetscCall(MatSetValue(*A, row, row + 1, -1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  Mat                A;
  Vec                x, b, exact;
  KSP                ksp;
  PC                 pc;
  PCType             type;
  KSPConvergedReason reason;
  PetscInt           m = 30, n = 31, l = 1, its;
  PetscReal          error;

  PetscFunctionBeginUser;
#if defined(EARLY)
  if (PCGNNSPAIRegister()) return 1;
#endif
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
#if defined(LINKED)
  PetscCall(PCGNNSPAIRegister());
#endif
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-m", &m, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-n", &n, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-l", &l, NULL));
  PetscCall(Laplacian(m, n, l, &A));
  PetscCall(MatCreateVecs(A, &x, &b));
  PetscCall(VecDuplicate(x, &exact));
  PetscCall(VecSet(exact, 1.0));
  PetscCall(MatMult(A, exact, b));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetType(ksp, KSPCG));
  PetscCall(KSPSetTolerances(ksp, 1e-8, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetFromOptions(ksp));
  PetscCall(KSPSolve(ksp, b, x));
  PetscCall(KSPGetConvergedReason(ksp, &reason));
  PetscCall(KSPGetIterationNumber(ksp, &its));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCGetType(pc, &type));
  PetscCall(VecAXPY(x, -1.0, exact));
  PetscCall(VecNorm(x, NORM_INFINITY, &error));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "pc %s: %s after %d iterations, error %s 1e-4\n", type, reason > 0 ? "converged" : "diverged", (int)its, error < 1e-4 ? "<" : ">="));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&exact));
  PetscCall(MatDestroy(&A));
  PetscCall(PetscFinalize());
  return reason > 0 && error < 1e-4 ? 0 : 1;
}
