static char help[] = "Two PetscInitialize() in one process: the type, its events and its citation are registered each time.\n\n";

#include "../testpc.h"

/* PetscLogEventGetId() finds an event only in the log of the present PetscInitialize() */
static PetscErrorCode TestRound(int round)
{
  Mat                A;
  KSP                ksp;
  PC                 pc;
  Vec                x, b;
  KSPConvergedReason reason;
  PetscLogEvent      event;

  PetscFunctionBeginUser;
  PetscCall(PCGNNSPAIRegister());
  PetscCall(PCGNNSPAIRegister());
  PetscCall(PetscLogEventGetId("GNNSPAIApply", &event));
  Ok(event > 0, "round %d: the events are there", round);
  PetscCall(TestMatCreateRandom(PETSC_COMM_WORLD, 60, 1, &A));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetType(ksp, KSPCG));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCGNNSPAI));
  PetscCall(TestVecRandom(A, 1, &b));
  PetscCall(VecDuplicate(b, &x));
  PetscCall(KSPSolve(ksp, b, x));
  PetscCall(KSPGetConvergedReason(ksp, &reason));
  Ok(reason > 0, "round %d: solved", round);
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  int failed = 0;

  if (MPI_Init(&argc, &argv) != MPI_SUCCESS) return 1; /* or PetscFinalize() would end MPI */
  for (int round = 1; round <= 2; round++) {
    if (PetscInitialize(&argc, &argv, NULL, help) != PETSC_SUCCESS) return 1;
    if (TestRound(round) != PETSC_SUCCESS) return 1;
    if (round == 2) failed = TapDone();
    if (PetscFinalize() != PETSC_SUCCESS) return 1;
  }
  (void)MPI_Finalize();
  return failed;
}
