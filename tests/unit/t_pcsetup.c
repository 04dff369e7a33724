static char help[] = "The preconditioner from one set-up to the next: new values, patterns, sizes, settings and networks.\n\n";

#include "../testpc.h"

#include <unistd.h>

/* By a new PC with the same matrix and settings */
static PetscErrorCode AppliedFresh(PC pc, GNNModel model, Vec *z)
{
  Mat                A;
  PC                 fresh;
  PetscReal          epsilon;
  PCGNNSPAIGuard     guard;
  PCGNNSPAIPrecision precision;

  PetscFunctionBeginUser;
  PetscCall(PCGetOperators(pc, NULL, &A));
  PetscCall(PCGNNSPAIGetEpsilon(pc, &epsilon));
  PetscCall(PCGNNSPAIGetGuard(pc, &guard));
  PetscCall(PCGNNSPAIGetPrecision(pc, &precision));
  PetscCall(TestPCCreate(A, model, PETSC_TRUE, &fresh));
  PetscCall(PCGNNSPAISetGuard(fresh, guard));
  PetscCall(PCGNNSPAISetEpsilon(fresh, epsilon));
  PetscCall(PCGNNSPAISetPrecision(fresh, precision));
  PetscCall(TestApplied(fresh, z));
  PetscCall(PCDestroy(&fresh));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* M is no more what *z shows, and is bit for bit what a new PC makes; *z then shows it */
static PetscErrorCode OkRefreshed(PC pc, GNNModel model, Vec *z, const char what[])
{
  Vec       now, fresh;
  PetscBool old, same;

  PetscFunctionBeginUser;
  PetscCall(TestApplied(pc, &now));
  PetscCall(AppliedFresh(pc, model, &fresh));
  PetscCall(VecEqual(now, *z, &old));
  PetscCall(VecEqual(now, fresh, &same));
  Ok(!old && same, "%s: takes effect, bit for bit as in a new PC", what);
  PetscCall(VecDestroy(&fresh));
  PetscCall(VecDestroy(z));
  *z = now;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Without the guard, which keeps a choice from one set-up to the next; see t_fallback */
static PetscErrorCode TestValues(Mat A)
{
  GNNModel  model;
  Mat       B, decoupled;
  PC        pc;
  Vec       z, again;
  PetscBool same;

  PetscFunctionBeginUser;
  PetscCall(TestModel(1, &model));
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &B));
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &decoupled));
  PetscCall(TestMatDecouple(decoupled, 6));
  PetscCall(TestPCCreate(B, model, PETSC_FALSE, &pc));
  PetscCall(TestApplied(pc, &z));
  PetscCall(AppliedFresh(pc, model, &again));
  PetscCall(VecEqual(z, again, &same));
  Ok(same, "two set-ups give the same bits");
  PetscCall(MatShift(B, 0.5));
  PetscCall(OkRefreshed(pc, model, &z, "new values"));
  PetscCall(MatCopy(decoupled, B, SAME_NONZERO_PATTERN));
  PetscCall(OkRefreshed(pc, model, &z, "rows decoupled in the same pattern"));
  PetscCall(MatCopy(A, B, SAME_NONZERO_PATTERN));
  PetscCall(OkRefreshed(pc, model, &z, "rows coupled again"));
  PetscCall(PCSetReusePreconditioner(pc, PETSC_TRUE));
  PetscCall(MatScale(B, 3.0));
  PetscCall(VecDestroy(&again));
  PetscCall(TestApplied(pc, &again));
  PetscCall(VecEqual(z, again, &same));
  Ok(same, "PCSetReusePreconditioner(): new values change nothing");
  PetscCall(PCSetReusePreconditioner(pc, PETSC_FALSE));
  PetscCall(OkRefreshed(pc, model, &z, "values again after PCSetReusePreconditioner(false)"));
  PetscCall(VecDestroy(&again));
  PetscCall(VecDestroy(&z));
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&B));
  PetscCall(MatDestroy(&decoupled));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestPatterns(Mat A)
{
  GNNModel model;
  Mat      B, small;
  PC       pc;
  Vec      z;

  PetscFunctionBeginUser;
  PetscCall(TestModel(1, &model));
  PetscCall(TestMatCreateRandom(PETSC_COMM_WORLD, 240, 5, &B));
  PetscCall(TestMatCreateRandom(PETSC_COMM_WORLD, 101, 6, &small));
  PetscCall(TestPCCreate(A, model, PETSC_TRUE, &pc));
  PetscCall(TestApplied(pc, &z));
  PetscCall(PCSetOperators(pc, B, B));
  PetscCall(OkRefreshed(pc, model, &z, "new pattern"));
  PetscCall(PCReset(pc));
  PetscCall(PCSetOperators(pc, A, A));
  PetscCall(OkRefreshed(pc, model, &z, "PCReset() and second use"));
  PetscCall(PCReset(pc));
  PetscCall(PCSetOperators(pc, small, small));
  PetscCall(OkRefreshed(pc, model, &z, "PCReset() and a smaller matrix"));
  PetscCall(VecDestroy(&z));
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&B));
  PetscCall(MatDestroy(&small));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is printed, -info's lines */
static char info[65536];

static PetscErrorCode CaptureInfo(FILE *file, const char format[], va_list args)
{
  const size_t length = strlen(info);

  (void)file;
  (void)vsnprintf(info + length, sizeof(info) - length, format, args);
  return PETSC_SUCCESS;
}

/* PCReset() forgets the data, but the guard's choice is tried first, if pattern and settings are the same */
static PetscErrorCode TestVerdict(Mat A, Mat other)
{
  const PetscBool expected[] = {PETSC_FALSE, PETSC_TRUE, PETSC_FALSE, PETSC_FALSE, PETSC_TRUE};
  const char     *whats[]    = {"the first set-up", "PCReset(), the same pattern", "PCReset(), another pattern", "PCReset(), another setting", "PCReset(), the same again"};
  PetscMPIInt     rank;
  PC              pc;
  Vec             z[5];
  PetscReal       difference;
  PetscErrorCode (*print)(FILE *, const char[], va_list) = PetscVFPrintf;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank)); /* 0 alone prints */
  PetscCall(TestPCCreate(A, NULL, PETSC_TRUE, &pc));
  for (int k = 0; k < 5; k++) {
    const char *said = rank ? "" : info;

    if (k > 0) PetscCall(PCReset(pc));
    if (k == 3) PetscCall(PCGNNSPAISetEpsilon(pc, 2e-4));
    PetscCall(PCSetOperators(pc, k == 2 ? other : A, k == 2 ? other : A));
    info[0]       = '\0';
    PetscVFPrintf = CaptureInfo;
    PetscCall(PetscInfoAllow(PETSC_TRUE));
    PetscCall(TestApplied(pc, &z[k]));
    PetscCall(PetscInfoAllow(PETSC_FALSE));
    PetscVFPrintf = print;
    Ok(rank > 0 || (strstr(said, "guard: ") && !!strstr(said, "kept from an earlier set-up") == expected[k]), "%s: the guard %s", whats[k], expected[k] ? "keeps its choice" : "chooses anew");
  }
  PetscCall(TestDifference(z[0], 1.0, z[1], &difference));
  Ok(difference < 1e-12, "the same M, %.1e", (double)difference);
  for (int k = 0; k < 5; k++) PetscCall(VecDestroy(&z[k]));
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestSettings(Mat A)
{
  GNNConfig config;
  GNNModel  model, lower;
  PC        pc;
  Vec       z;

  PetscFunctionBeginUser;
  PetscCall(TestModel(1, &model));
  PetscCall(TestConfig(&config));
  config.pattern = GNN_PATTERN_LOWER;
  config.width   = 12;
  PetscCall(TestModelCreate(&config, 10.0, 2, &lower)); /* wild: the guard steps in */
  PetscCall(TestPCCreate(A, model, PETSC_TRUE, &pc));
  PetscCall(TestApplied(pc, &z));
  PetscCall(PCGNNSPAISetEpsilon(pc, 0.25));
  PetscCall(OkRefreshed(pc, model, &z, "epsilon"));
  PetscCall(PCGNNSPAISetPrecision(pc, PC_GNNSPAI_SINGLE));
  PetscCall(OkRefreshed(pc, model, &z, "single precision"));
  PetscCall(PCGNNSPAISetPrecision(pc, PC_GNNSPAI_HALF));
  PetscCall(OkRefreshed(pc, model, &z, "half precision"));
  PetscCall(PCGNNSPAISetPrecision(pc, PC_GNNSPAI_DOUBLE));
  PetscCall(OkRefreshed(pc, model, &z, "double precision"));
  PetscCall(PCGNNSPAISetPrecision(pc, PC_GNNSPAI_HALF));
  PetscCall(OkRefreshed(pc, model, &z, "half precision again"));
  PetscCall(PCGNNSPAISetPrecision(pc, PC_GNNSPAI_SINGLE));
  PetscCall(OkRefreshed(pc, model, &z, "single precision again"));
  PetscCall(PCGNNSPAISetNetwork_Private(pc, lower));
  PetscCall(OkRefreshed(pc, lower, &z, "another network"));
  PetscCall(PCGNNSPAISetGuard(pc, PC_GNNSPAI_GUARD_NONE));
  PetscCall(OkRefreshed(pc, lower, &z, "no guard"));
  for (PetscInt k = 0; k < lower->nparams; k++) lower->theta[k] *= 0.5f;
  PetscCall(GNNModelPack(lower));
  PetscCall(PCGNNSPAISetNetwork_Private(pc, lower));
  PetscCall(OkRefreshed(pc, lower, &z, "the network with other parameters"));
  PetscCall(PCGNNSPAISetModel(pc, "small"));
  PetscCall(OkRefreshed(pc, NULL, &z, "PCGNNSPAISetModel() after a network"));
  PetscCall(VecDestroy(&z));
  PetscCall(PCDestroy(&pc));
  PetscCall(GNNModelDestroy(&model));
  PetscCall(GNNModelDestroy(&lower));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A model file, written by rank 0, by its name */
static PetscErrorCode TestModelFile(Mat A)
{
  char        file[] = "build/t_pcsetup-XXXXXX";
  GNNModel    model;
  PC          pc;
  Vec         z;
  PetscMPIInt rank;
  const char *name;
  PetscBool   same;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(TestModel(3, &model));
  if (rank == 0) {
    PetscCheck(close(mkstemp(file)) == 0, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s", file);
    PetscCall(GNNModelSave(model, file));
  }
  PetscCallMPI(MPI_Bcast(file, (PetscMPIInt)sizeof(file), MPI_CHAR, 0, PETSC_COMM_WORLD));
  PetscCall(TestPCCreate(A, NULL, PETSC_FALSE, &pc));
  PetscCall(TestApplied(pc, &z));
  PetscCall(PCGNNSPAISetModel(pc, file));
  PetscCall(OkRefreshed(pc, model, &z, "a model file"));
  PetscCall(PCGNNSPAIGetModel(pc, &name));
  PetscCall(PetscStrcmp(name, file, &same));
  Ok(same, "PCGNNSPAIGetModel()");
  if (rank == 0) (void)unlink(file);
  PetscCall(VecDestroy(&z));
  PetscCall(PCDestroy(&pc));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A setting that changes: only what hangs on it is done again. Pattern's part and values, network, trials and factor, coarse space */
static PetscErrorCode OkStale(PC pc, const int expected[4], const char what[])
{
  const char *const  events[4] = {"GNNSPAIGraph", "GNNSPAIForward", "GNNSPAIAssemble", "GNNSPAICoarse"};
  PetscEventPerfInfo before[4], after[4];
  PetscBool          as = PETSC_TRUE;

  PetscFunctionBeginUser;
  for (int k = 0; k < 4; k++) PetscCall(TestEventGet(events[k], &before[k]));
  PetscCall(PCSetUp(pc));
  for (int k = 0; k < 4; k++) {
    PetscCall(TestEventGet(events[k], &after[k]));
    if ((after[k].count > before[k].count) != expected[k]) as = PETSC_FALSE;
  }
  Ok(as, "%s: graph %d, network %d, trials and factor %d, coarse space %d times", what, after[0].count - before[0].count, after[1].count - before[1].count, after[2].count - before[2].count, after[3].count - before[3].count);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestStale(Mat A, PCGNNSPAIValues values)
{
  const int         network = values == PC_GNNSPAI_VALUES_NETWORK;
  const char *const name    = network ? "network" : "fsai";
  GNNModel          model;
  PC                pc, fresh;
  Vec               z, again;
  PetscReal         difference;
  PetscMPIInt       size;
  char              what[64];

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(TestModel(1, &model));
  PetscCall(TestPCCreate(A, model, PETSC_TRUE, &pc));
  PetscCall(PCGNNSPAISetValues(pc, values));
  PetscCall(PCGNNSPAISetCoarse(pc, 4));
  PetscCall(PetscSNPrintf(what, sizeof(what), "%s: the first set-up", name));
  PetscCall(OkStale(pc, (const int[]){1, network, 1, 1}, what));
  PetscCall(PCGNNSPAISetEpsilon(pc, 0.01));
  PetscCall(PetscSNPrintf(what, sizeof(what), "%s: another epsilon", name));
  PetscCall(OkStale(pc, (const int[]){0, 0, 1, 0}, what));
  PetscCall(PCGNNSPAISetPrecision(pc, PC_GNNSPAI_SINGLE));
  PetscCall(PetscSNPrintf(what, sizeof(what), "%s: another precision", name));
  PetscCall(OkStale(pc, (const int[]){0, 0, 0, 0}, what));
  PetscCall(PCGNNSPAISetCoarse(pc, 5));
  PetscCall(PetscSNPrintf(what, sizeof(what), "%s: another coarse space", name));
  PetscCall(OkStale(pc, (const int[]){0, 0, 0, 1}, what));
  PetscCall(TestApplied(pc, &z));
  PetscCall(TestPCCreate(A, model, PETSC_TRUE, &fresh));
  PetscCall(PCGNNSPAISetValues(fresh, values));
  PetscCall(PCGNNSPAISetEpsilon(fresh, 0.01));
  PetscCall(PCGNNSPAISetPrecision(fresh, PC_GNNSPAI_SINGLE));
  PetscCall(PCGNNSPAISetCoarse(fresh, 5));
  PetscCall(TestApplied(fresh, &again));
  PetscCall(TestDifference(again, 1.0, z, &difference)); /* on several ranks PETSc's products add what others send as it arrives */
  Ok(difference <= (size > 1 ? 1e-14 : 0.0), "%s: after all that, as in a new PC, off by %.1e", name, (double)difference);
  PetscCall(PCGNNSPAISetThreshold(pc, 0.1));
  PetscCall(PetscSNPrintf(what, sizeof(what), "%s: another threshold", name));
  PetscCall(OkStale(pc, (const int[]){1, network, 1, 1}, what));
  PetscCall(VecDestroy(&z));
  PetscCall(VecDestroy(&again));
  PetscCall(PCDestroy(&fresh));
  PetscCall(PCDestroy(&pc));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Bytes by PetscMalloc() and of the process */
static PetscErrorCode MemoryNow(PetscLogDouble *allocated, PetscLogDouble *resident)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMallocGetCurrentUsage(allocated));
  PetscCall(PetscMemoryGetCurrentUsage(resident));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A thousand refreshes, other values each time and another pattern after every 50: what is allocated is the same after 100, 500 and 1000 */
static PetscErrorCode TestMemory(const Mat A[], PCGNNSPAIValues values)
{
  PetscLogDouble allocated[3], resident[3];
  PetscInt       nat = 0;
  Mat            B[2];
  PC             pc;
  Vec            r, z;

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) PetscCall(MatDuplicate(A[k], MAT_COPY_VALUES, &B[k]));
  PetscCall(TestVecRandom(A[0], 1, &r));
  PetscCall(VecDuplicate(r, &z));
  PetscCall(PCCreate(PETSC_COMM_WORLD, &pc));
  PetscCall(PCSetType(pc, PCGNNSPAI));
  PetscCall(PCGNNSPAISetValues(pc, values));
  PetscCall(PCGNNSPAISetCoarse(pc, 8));
  for (PetscInt k = 1; k <= 1000; k++) {
    const PetscInt which = (k / 50) % 2;

    PetscCall(MatCopy(A[which], B[which], SAME_NONZERO_PATTERN));
    PetscCall(MatShift(B[which], 0.1 * (PetscReal)(k % 10)));
    PetscCall(PCSetOperators(pc, B[which], B[which]));
    PetscCall(PCSetUp(pc));
    PetscCall(PCApply(pc, r, z));
    if (k == 100 || k == 500 || k == 1000) {
      PetscCall(MemoryNow(&allocated[nat], &resident[nat]));
      nat++;
    }
  }
  Ok(allocated[0] > 0.0 && allocated[0] == allocated[1] && allocated[0] == allocated[2], "%s: %g, %g, %g bytes after 100, 500, 1000 refreshes", PCGNNSPAIValuesTypes[values], allocated[0], allocated[1], allocated[2]);
  Ok(resident[2] - resident[0] <= 1e6, "%s: the process has %g, %g, %g", PCGNNSPAIValuesTypes[values], resident[0], resident[1], resident[2]);
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&z));
  PetscCall(PCDestroy(&pc));
  for (int k = 0; k < 2; k++) PetscCall(MatDestroy(&B[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Mat A, B;
  int failed;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsSetValue(NULL, "-malloc_dump", NULL)); /* PETSc counts bytes only then; with -malloc_debug it would check all of them at every call */
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PCGNNSPAIRegister());
  PetscCall(PetscLogDefaultBegin());
  PetscCall(TestMatCreateRandom(PETSC_COMM_WORLD, 240, 1, &A));
  PetscCall(TestStale(A, PC_GNNSPAI_VALUES_NETWORK));
  PetscCall(TestStale(A, PC_GNNSPAI_VALUES_FSAI));
  PetscCall(TestValues(A));
  PetscCall(TestPatterns(A));
  PetscCall(TestMatCreateRandom(PETSC_COMM_WORLD, 240, 5, &B));
  PetscCall(TestVerdict(A, B));
  PetscCall(TestMemory((const Mat[]){A, B}, PC_GNNSPAI_VALUES_FSAI));
  PetscCall(TestMemory((const Mat[]){A, B}, PC_GNNSPAI_VALUES_NETWORK));
  PetscCall(MatDestroy(&B));
  PetscCall(TestSettings(A));
  PetscCall(TestModelFile(A));
  PetscCall(MatDestroy(&A));
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
