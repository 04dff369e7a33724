static char help[] = "gnnspai-bench: preconditioners side by side: same matrix, same right-hand sides, KSPCG, unpreconditioned norm.\n\
\n\
  gnnspai-bench -bench_matrices 'A*.dat'\n\
  gnnspai-bench -bench_matrices A.dat -bench_pc jacobi,icc,mine,gnnspai -mine_pc_type sor -bench_json out.json\n\
  gnnspai-bench -bench_laplacian 100,100,100 -bench_pc all -bench_rtol 1e-2,1e-8 -bench_modes default,natural\n\
\n\
A name in -bench_pc is one of those in bench/peers.c, or a new one whose options are given with its prefix.\n\n";

#include "bench.h"
#include "../train/files.h"
#include "../pcgnnspai.h"

/* From the names that were given, or the default ones */
static PetscErrorCode SetPCs(Options *o, PetscInt n, char *given[])
{
  PetscFunctionBeginUser;
  if (n == 0) {
    PetscCall(PeersAdd("jacobi", &o->npc, o->pc));
    PetscCall(PeersAdd("icc", &o->npc, o->pc));
    PetscCall(PeersAdd("gnnspai", &o->npc, o->pc));
  }
  for (PetscInt k = 0; k < n; k++) {
    PetscCall(PeersAdd(given[k], &o->npc, o->pc));
    PetscCall(PetscFree(given[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptionsDefaults(Options *o)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(o, sizeof(*o)));
  o->nlaplacian = MAX_POINTS;
  o->nrtol      = MAX_RTOL;
  o->nmode      = MODE_COUNT;
  o->nrhs       = 2;
  o->rhs[1]     = RHS_RANDOM;
  o->repeat     = 5;
  o->max_it     = 20000;
  o->seconds    = 10.0;
  o->profile    = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptionsCheck(const Options *o, PetscBool have)
{
  PetscFunctionBeginUser;
  PetscCheck(have || o->nlaplacian, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "Give -bench_matrices 'GLOB' or -bench_laplacian M[,N[,P]] (see -help)");
  PetscCheck(o->repeat > 0 && o->repeat <= MAX_REPEAT, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "-bench_repeat must be in 1..%d", MAX_REPEAT);
  PetscCheck(o->nlaplacian <= 3 || o->nlaplacian % 3 == 0, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "-bench_laplacian wants one to three numbers of points, or three for each of several grids");
  for (PetscInt k = 0; k < o->nlaplacian; k++) PetscCheck(o->laplacian[k] > 0, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "-bench_laplacian wants positive numbers of points");
  for (PetscInt k = 1; k < o->nrtol; k++) PetscCheck(o->rtol[k] < o->rtol[k - 1], PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "-bench_rtol must fall from one to the next, as in 1e-2,1e-4,1e-8");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptionsGet(Options *o)
{
  PetscBool pcs, rtols, modes, rhss, have, laplacian, help;
  PetscInt  npc = MAX_PC;
  char     *pc[MAX_PC];

  PetscFunctionBeginUser;
  PetscCall(OptionsDefaults(o));
  PetscOptionsBegin(PETSC_COMM_SELF, NULL, "Comparison of preconditioners", NULL);
  PetscCall(PetscOptionsString("-bench_matrices", "Glob of matrices (PETSc binary)", NULL, o->matrices, o->matrices, sizeof(o->matrices), &have));
  PetscCall(PetscOptionsIntArray("-bench_laplacian", "Points of a 3-, 5- or 7-point Laplacian; several 7-point ones one after the other", NULL, o->laplacian, &o->nlaplacian, &laplacian));
  PetscCall(PetscOptionsString("-bench_mat_type", "Matrix type, such as aijcusparse; default aij", NULL, o->mat_type, o->mat_type, sizeof(o->mat_type), NULL));
  PetscCall(PetscOptionsString("-bench_vec_type", "Vector type, such as cuda; default: the matrix's", NULL, o->vec_type, o->vec_type, sizeof(o->vec_type), NULL));
  PetscCall(PetscOptionsStringArray("-bench_pc", "Preconditioners; all: every one that is known by name", NULL, pc, &npc, &pcs));
  PetscCall(PetscOptionsRealArray("-bench_rtol", "Relative residuals to reach, falling; default 1e-8", NULL, o->rtol, &o->nrtol, &rtols));
  PetscCall(PetscOptionsEnumArray("-bench_modes", "Norm modes of CG", NULL, BenchModes, (PetscEnum *)o->mode, &o->nmode, &modes));
  PetscCall(PetscOptionsEnumArray("-bench_rhs", "Right-hand sides: A 1; random, or what lies in FILE.rhs beside a matrix", NULL, BenchRhss, (PetscEnum *)o->rhs, &o->nrhs, &rhss));
  PetscCall(PetscOptionsInt("-bench_repeat", "Timed runs after one warm-up; medians are shown", NULL, o->repeat, &o->repeat, NULL));
  PetscCall(PetscOptionsReal("-bench_seconds", "Fewer runs of what takes longer than this in all", NULL, o->seconds, &o->seconds, NULL));
  PetscCall(PetscOptionsInt("-bench_max_it", "Most iterations", NULL, o->max_it, &o->max_it, NULL));
  PetscCall(PetscOptionsBool("-bench_profile", "One more solve for condition number, split times and bytes", NULL, o->profile, &o->profile, NULL));
  PetscCall(PetscOptionsInt("-bench_columns", "With the profile PCMatApply() of so many columns, too", NULL, o->columns, &o->columns, NULL));
  PetscCall(PetscOptionsString("-bench_json", "File for the numbers; until all are there they are in FILE.part", NULL, o->json, o->json, sizeof(o->json), NULL));
  PetscCall(PetscOptionsString("-bench_history", "File for the residual norms of the profiled solves (CSV)", NULL, o->history, o->history, sizeof(o->history), NULL));
  PetscCall(PetscOptionsString("-bench_commit", "Commit to note in the JSON", NULL, o->commit, o->commit, sizeof(o->commit), NULL));
  PetscCall(PetscOptionsString("-bench_device", "Device to note in the JSON; default: the processor", NULL, o->device, o->device, sizeof(o->device), NULL));
  PetscOptionsEnd();
  if (!laplacian) o->nlaplacian = 0;
  if (!rtols) o->rtol[0] = 1e-8, o->nrtol = 1;
  if (!modes) o->mode[0] = MODE_DEFAULT, o->nmode = 1;
  if (!rhss) o->rhs[0] = RHS_ONES, o->rhs[1] = RHS_RANDOM, o->nrhs = 2;
  PetscCall(SetPCs(o, pcs ? npc : 0, pc));
  PetscCall(OptionsRefuseWords(1));
  PetscCall(OptionsRefuseUnknown("gnnspai-bench", "bench_"));
  PetscCall(PetscOptionsHasHelp(NULL, &help));
  if (!help || have || laplacian) PetscCall(OptionsCheck(o, have));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What goes through the matrices */
typedef struct {
  Options   o;
  json_t   *matrices;
  Regret   *regrets;
  PetscInt  nregrets;
  FILE     *history;
  PetscReal copy; /* GB/s; -1: not measured */
  PetscInt  failed;
} Bench;

static PetscErrorCode RunProblem(Bench *bench, const Problem *p)
{
  const Options *o = &bench->o;
  Result        *results;
  Regret        *regret;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(o->npc, &results));
  if (o->json[0] && o->profile && bench->copy < 0.0) PetscCall(TimeCopy(o, p, &bench->copy));
  PetscCall(PrintProblem(p));
  for (PetscInt k = 0; k < o->npc; k++) {
    results[k].name = o->pc[k];
    PetscCall(TimeResult(o, p, bench->history, &results[k]));
    PetscCall(PrintResult(&results[k]));
    if (results[k].failed) bench->failed++;
  }
  PetscCall(PetscRealloc((bench->nregrets + 1) * sizeof(*regret), &bench->regrets));
  regret = &bench->regrets[bench->nregrets++];
  RegretOf(o, p, results, regret);
  if (o->npc > 1) PetscCall(PrintFastest(regret));
  PetscCall(AddJSON(p, results, o->npc, regret, bench->matrices));
  if (o->json[0]) PetscCall(WriteJSON(o, bench->copy, bench->matrices, PETSC_FALSE)); /* after each matrix: what comes later may fail */
  PetscCall(PetscFree(results));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunAll(Bench *bench)
{
  Problem  p;
  char   **names;
  PetscInt n;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < bench->o.nlaplacian; k += 3) {
    PetscCall(ProblemLaplacian(&bench->o, PetscMin(bench->o.nlaplacian, 3), &bench->o.laplacian[k], &p));
    PetscCall(RunProblem(bench, &p));
    PetscCall(ProblemDestroy(&p));
  }
  if (!bench->o.matrices[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FilesGlob(bench->o.matrices, &n, &names));
  for (PetscInt k = 0; k < n; k++) {
    PetscCall(ProblemLoad(&bench->o, names[k], &p));
    PetscCall(RunProblem(bench, &p));
    PetscCall(ProblemDestroy(&p));
  }
  PetscCall(FilesDestroy(n, &names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BenchRun(Bench *bench)
{
  const Options *o = &bench->o;

  PetscFunctionBeginUser;
  bench->matrices = json_array();
  if (o->json[0]) PetscCall(WriteJSON(o, bench->copy, bench->matrices, PETSC_FALSE)); /* a name that cannot be written is told before anything is measured */
  if (o->history[0]) {
    PetscCall(PetscFOpen(PETSC_COMM_SELF, o->history, "w", &bench->history));
    PetscCall(PetscFPrintf(PETSC_COMM_SELF, bench->history, "matrix,pc,iteration,residual\n"));
  }
  PetscCall(RunAll(bench));
  if (o->json[0]) PetscCall(WriteJSON(o, bench->copy, bench->matrices, PETSC_TRUE));
  if (bench->history) PetscCall(PetscFClose(PETSC_COMM_SELF, bench->history));
  if (o->npc > 1) PetscCall(PrintRegrets(bench->nregrets, bench->regrets));
  PetscCall(PetscFree(bench->regrets));
  json_decref(bench->matrices);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Ends with 1 if a preconditioner failed by an error; one that was skipped is no failure */
int main(int argc, char **argv)
{
  Bench       bench = {.copy = -1.0};
  PetscMPIInt size;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCheck(size == 1, PETSC_COMM_WORLD, PETSC_ERR_WRONG_MPI_SIZE, "Run on one process");
  PetscCall(PCGNNSPAIRegister());
  PetscCall(TimingBegin());
  PetscCall(OptionsGet(&bench.o));
  if (bench.o.matrices[0] || bench.o.nlaplacian > 0) PetscCall(BenchRun(&bench)); /* not with -help alone */
  for (PetscInt k = 0; k < bench.o.npc; k++) PetscCall(PetscFree(bench.o.pc[k]));
  PetscCall(PetscFinalize());
  return bench.failed > 0;
}
