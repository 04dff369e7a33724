/*
   Times of one preconditioner on one problem.
*/
#include "bench.h"
#include <time.h>
#include "../pcgnnspai.h"
#include <petscdevice.h>
#include <petsctime.h>

const char *const BenchModes[] = {"default", "graph", "natural", "single_reduction", "BenchMode", "MODE_", NULL};
const char *const BenchRhss[]  = {"ones", "random", "BenchRhs", "RHS_", NULL};

#define APPLIES 20

static PetscLogStage stage_silent, stage_solve, stage_apply;

/* A measurement under way */
typedef struct {
  const Options *o;
  const Problem *p;
  Result        *result;
  FILE          *history;
  KSP            ksp;    /* owns the preconditioner; default mode */
  KSP            solver; /* what SolveOnce() runs: ksp, or one of another mode that shares the preconditioner; borrowed */
  Vec            b, x;
} Run;
typedef PetscErrorCode (*RunFn)(Run *);

/* PETSc's log counts in the last two stages only: it shall cost the timed runs nothing */
PetscErrorCode TimingBegin(void)
{
  PetscFunctionBeginUser;
  PetscCall(PetscLogDefaultBegin());
  PetscCall(PetscLogStageRegister("Timed", &stage_silent));
  PetscCall(PetscLogStageRegister("Profiled solve", &stage_solve));
  PetscCall(PetscLogStageRegister("PCApply", &stage_apply));
  PetscCall(PetscLogStageSetActive(stage_silent, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool OnDevice(void)
{
  return PetscDeviceInitialized(PETSC_DEVICE_CUDA) || PetscDeviceInitialized(PETSC_DEVICE_HIP) ? PETSC_TRUE : PETSC_FALSE;
}

/* What a device is still working on counts */
static PetscErrorCode Now(PetscLogDouble *t)
{
  PetscFunctionBeginUser;
  if (OnDevice()) {
    PetscDeviceContext context;

    PetscCall(PetscDeviceContextGetCurrentContext(&context));
    PetscCall(PetscDeviceContextSynchronize(context));
  }
  PetscCall(PetscTime(t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int CompareReal(const void *a, const void *b)
{
  const PetscReal x = *(const PetscReal *)a, y = *(const PetscReal *)b;

  return (x > y) - (x < y);
}

/* Median of an even number: the mean of the middle two */
Spread SpreadOf(PetscReal t[], PetscInt n)
{
  qsort(t, (size_t)n, sizeof(*t), CompareReal);
  return (Spread){.min = t[0], .median = 0.5 * (t[(n - 1) / 2] + t[n / 2]), .max = t[n - 1], .runs = n};
}

/* A warm-up, then -bench_repeat runs, fewer where they take more than -bench_seconds; a warm-up that alone takes as long is the measurement */
static PetscErrorCode Measure(Run *run, RunFn before, RunFn timed, Spread *spread)
{
  const PetscReal enough = 1e3 * run->o->seconds;
  PetscReal       t[MAX_REPEAT], sum = 0.0;
  PetscInt        n = 0;

  PetscFunctionBeginUser;
  for (PetscInt k = -1; k < run->o->repeat && (n == 0 || sum < enough); k++) {
    PetscLogDouble start, end;
    PetscReal      ms;

    if (before) PetscCall(before(run));
    PetscCall(Now(&start));
    PetscCall(timed(run));
    PetscCall(Now(&end));
    ms = 1e3 * (end - start);
    sum += ms;
    if (k >= 0 || sum >= enough) t[n++] = ms;
  }
  *spread = SpreadOf(t, n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool StopsAtNorm(BenchMode mode)
{
  return mode == MODE_DEFAULT || mode == MODE_GRAPH ? PETSC_TRUE : PETSC_FALSE;
}

/* A solver; with pc one that uses this preconditioner as it stands */
static PetscErrorCode CreateKSP(const Run *run, PC pc, BenchMode mode, KSP *ksp)
{
  char prefix[64];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(prefix, sizeof(prefix), "%s_", run->result->name));
  PetscCall(KSPCreate(PETSC_COMM_SELF, ksp));
  if (pc) {
    PetscCall(KSPSetPC(*ksp, pc));
    PetscCall(KSPSetSkipPCSetFromOptions(*ksp, PETSC_TRUE));
  }
  PetscCall(KSPSetOperators(*ksp, run->p->A, run->p->A));
  PetscCall(KSPSetType(*ksp, mode == MODE_GRAPH ? KSPCGGRAPH : KSPCG));
  PetscCall(KSPSetNormType(*ksp, StopsAtNorm(mode) ? KSP_NORM_UNPRECONDITIONED : KSP_NORM_NATURAL));
  if (mode == MODE_SINGLE_REDUCTION) PetscCall(KSPCGUseSingleReduction(*ksp, PETSC_TRUE));
  PetscCall(KSPSetOptionsPrefix(*ksp, prefix));
  PetscCall(KSPSetFromOptions(*ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NewKSP(Run *run)
{
  PC pc;

  PetscFunctionBeginUser;
  PetscCall(KSPDestroy(&run->ksp));
  PetscCall(CreateKSP(run, NULL, MODE_DEFAULT, &run->ksp));
  PetscCall(KSPGetPC(run->ksp, &pc));
  PetscCall(PCGNNSPAISetNodeFeatures(pc, run->p->features)); /* nothing to other types */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same values, known as new ones to the matrix (on whichever side they lie) and to the preconditioner */
static PetscErrorCode NewValues(Run *run)
{
  PetscFunctionBeginUser;
  PetscCall(MatScale(run->p->A, -1.0));
  PetscCall(MatScale(run->p->A, -1.0));
  PetscCall(KSPSetOperators(run->ksp, run->p->A, run->p->A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp(Run *run)
{
  PetscFunctionBeginUser;
  PetscCall(KSPSetUp(run->ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SolveOnce(Run *run)
{
  PetscFunctionBeginUser;
  PetscCall(KSPSolve(run->solver, run->b, run->x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrueResidual(const Run *run, PetscReal *residual)
{
  PetscReal bnorm, rnorm;
  Vec       r;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(run->b, &r));
  PetscCall(MatMult(run->p->A, run->x, r));
  PetscCall(VecAYPX(r, -1.0, run->b));
  PetscCall(VecNorm(r, NORM_2, &rnorm));
  PetscCall(VecNorm(run->b, NORM_2, &bnorm));
  PetscCall(VecDestroy(&r));
  *residual = bnorm > 0.0 ? rnorm / bnorm : rnorm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* When to stop: at s->rtol, or the modes with another norm after its many iterations */
static PetscErrorCode SetStop(const Run *run, const Solve *s, PetscInt its)
{
  KSP ksp = run->solver;

  PetscFunctionBeginUser;
  if (StopsAtNorm(s->mode)) PetscCall(KSPSetTolerances(ksp, s->rtol, 0.0, PETSC_DEFAULT, run->o->max_it));
  else {
    PetscCall(KSPSetTolerances(ksp, PETSC_DEFAULT, 0.0, PETSC_DEFAULT, its));
    PetscCall(KSPSetConvergenceTest(ksp, KSPConvergedSkip, NULL, NULL));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The next entry of result->solve; its: where the mode is not the default one */
static PetscErrorCode TimeSolve(Run *run, PetscReal rtol, BenchMode mode, BenchRhs rhs, PetscInt its)
{
  Solve *s = &run->result->solve[run->result->nsolve++];

  PetscFunctionBeginUser;
  *s     = (Solve){.rtol = rtol, .mode = mode, .rhs = rhs};
  run->b = run->p->b[rhs];
  PetscCall(SetStop(run, s, its));
  PetscCall(Measure(run, NULL, SolveOnce, &s->time));
  PetscCall(KSPGetIterationNumber(run->solver, &s->its));
  PetscCall(KSPGetConvergedReason(run->solver, &s->reason));
  PetscCall(TrueResidual(run, &s->residual));
  s->converged = s->reason > 0 && s->residual <= RESIDUAL_SLACK * rtol ? PETSC_TRUE : PETSC_FALSE; /* a NaN is not */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every right-hand side and tolerance in the default mode; in the others the smallest tolerance, with the count it took */
static PetscErrorCode TimeSolves(Run *run, PC pc)
{
  const Options *o = run->o;
  Result        *r = run->result;
  PetscInt       n;

  PetscFunctionBeginUser;
  run->solver = run->ksp;
  for (PetscInt k = 0; k < o->nrtol; k++) {
    for (PetscInt rhs = 0; rhs < o->nrhs; rhs++) PetscCall(TimeSolve(run, o->rtol[k], MODE_DEFAULT, o->rhs[rhs], 0));
  }
  n = r->nsolve;
  for (PetscInt m = 0; m < o->nmode; m++) {
    if (o->mode[m] == MODE_DEFAULT) continue;
    PetscCall(CreateKSP(run, pc, o->mode[m], &run->solver));
    for (PetscInt k = 0; k < n; k++) {
      const Solve *s = &r->solve[k];

      if (s->converged && s->rtol == o->rtol[o->nrtol - 1]) PetscCall(TimeSolve(run, s->rtol, o->mode[m], s->rhs, s->its));
    }
    PetscCall(KSPDestroy(&run->solver));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EventInfo(PetscLogStage stage, const char name[], PetscEventPerfInfo *info)
{
  PetscLogEvent event;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventGetId(name, &event));
  PetscCall(PetscLogEventGetPerfInfo(stage, event, info));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteHistory(const Run *run, KSP ksp)
{
  const PetscReal *norm;
  PetscInt         n;

  PetscFunctionBeginUser;
  PetscCall(KSPGetResidualHistory(ksp, &norm, &n));
  for (PetscInt k = 0; k < n; k++) PetscCall(PetscFPrintf(PETSC_COMM_SELF, run->history, "%s,%s,%" PetscInt_FMT ",%.3e\n", run->p->name, run->result->name, k, (double)(norm[k] / norm[0])));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One more solve with everything on that the timed ones are spared: Lanczos, residual history, PETSc's log. The log times the host, so it
   is not used where a device works */
static PetscErrorCode ProfileSolve(Run *run, PC pc)
{
  const char *const  names[3] = {"KSPSolve", "PCApply", "MatMult"};
  Profile           *f        = &run->result->profile;
  PetscReal         *ms[3]    = {&f->solve_ms, &f->pc_ms, &f->mult_ms};
  PetscEventPerfInfo before[3], after;
  KSP                ksp;

  PetscFunctionBeginUser;
  PetscCall(CreateKSP(run, pc, MODE_DEFAULT, &ksp));
  PetscCall(KSPSetTolerances(ksp, run->o->rtol[run->o->nrtol - 1], 0.0, PETSC_DEFAULT, run->o->max_it));
  PetscCall(KSPSetComputeSingularValues(ksp, PETSC_TRUE));
  if (run->history) PetscCall(KSPSetResidualHistory(ksp, NULL, run->o->max_it + 1, PETSC_TRUE));
  for (int k = 0; k < 3; k++) PetscCall(EventInfo(stage_solve, names[k], &before[k]));
  PetscCall(PetscLogStagePush(stage_solve));
  PetscCall(KSPSolve(ksp, run->b, run->x));
  PetscCall(PetscLogStagePop());
  for (int k = 0; k < 3 && !OnDevice(); k++) {
    PetscCall(EventInfo(stage_solve, names[k], &after));
    *ms[k] = 1e3 * (after.time - before[k].time);
  }
  PetscCall(KSPComputeExtremeSingularValues(ksp, &f->highest, &f->lowest));
  if (run->history) PetscCall(WriteHistory(run, ksp));
  PetscCall(KSPDestroy(&ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ProfileApply(Run *run, PC pc)
{
  Profile           *f = &run->result->profile;
  PetscEventPerfInfo before, after;
  PetscLogDouble     start, end;

  PetscFunctionBeginUser;
  PetscCall(EventInfo(stage_apply, "PCApply", &before));
  PetscCall(PetscLogStagePush(stage_apply));
  PetscCall(Now(&start));
  for (int k = 0; k < APPLIES; k++) PetscCall(PCApply(pc, run->b, run->x));
  PetscCall(Now(&end));
  PetscCall(PetscLogStagePop());
  PetscCall(EventInfo(stage_apply, "PCApply", &after));
  f->apply_ms    = 1e3 * (end - start) / APPLIES;
  f->apply_flops = (after.flops - before.flops) / APPLIES;
  PetscCall(PeerApplyBytes(pc, run->p, &f->apply_bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateColumns(Run *run, Mat *X)
{
  PetscInt  n;
  PetscBool cuda;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(run->b, &n));
  PetscCall(PetscObjectTypeCompare((PetscObject)run->b, VECSEQCUDA, &cuda));
  PetscCall(MatCreate(PETSC_COMM_SELF, X));
  PetscCall(MatSetSizes(*X, n, run->o->columns, n, run->o->columns));
  PetscCall(MatSetType(*X, cuda ? MATSEQDENSECUDA : MATSEQDENSE));
  PetscCall(MatSetUp(*X));
  PetscCall(MatSetRandom(*X, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On a host the processor's own time, which says something where it has other work, too */
static PetscErrorCode Spent(PetscLogDouble *t)
{
  struct timespec spent;

  PetscFunctionBeginUser;
  PetscCall(Now(t));
  if (!OnDevice() && clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent) == 0) *t = (PetscLogDouble)spent.tv_sec + 1e-9 * (PetscLogDouble)spent.tv_nsec;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* In turn with a vector */
static PetscErrorCode ProfileColumns(Run *run, PC pc)
{
  Profile       *f   = &run->result->profile;
  PetscLogDouble one = PETSC_MAX_REAL, all = PETSC_MAX_REAL, times[3];
  Mat            X, Y;

  PetscFunctionBeginUser;
  PetscCall(CreateColumns(run, &X));
  PetscCall(MatDuplicate(X, MAT_COPY_VALUES, &Y));
  for (int k = 0; k < APPLIES; k++) {
    PetscCall(Spent(&times[0]));
    PetscCall(PCApply(pc, run->b, run->x));
    PetscCall(Spent(&times[1]));
    PetscCall(PCMatApply(pc, X, Y));
    PetscCall(Spent(&times[2]));
    one = PetscMin(one, times[1] - times[0]);
    all = PetscMin(all, times[2] - times[1]);
  }
  f->columns_ms      = 1e3 * all;
  f->columns_applies = all / one;
  PetscCall(MatDestroy(&X));
  PetscCall(MatDestroy(&Y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TimeAll(Run *run)
{
  Result *r = run->result;
  PC      pc;

  PetscFunctionBeginUser;
  PetscCall(NewKSP(run));
  PetscCall(PeerCheckOptions(r->name, r->why, sizeof(r->why)));
  if (!r->why[0]) {
    PetscCall(Measure(run, NewKSP, SetUp, &r->setup));
    PetscCall(Measure(run, NewValues, SetUp, &r->refresh));
    PetscCall(KSPGetPC(run->ksp, &pc));
    PetscCall(VecDuplicate(run->p->b[0], &run->x));
    PetscCall(TimeSolves(run, pc));
    if (run->o->profile && r->solve[0].converged) {
      PetscCall(ProfileSolve(run, pc));
      PetscCall(ProfileApply(run, pc));
      if (run->o->columns > 0) PetscCall(ProfileColumns(run, pc));
    }
    PetscCall(VecDestroy(&run->x));
  }
  PetscCall(KSPDestroy(&run->ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Error handler: the message becomes the reason why there are no numbers */
static PetscErrorCode KeepMessage(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code, PetscErrorType type, const char *text, void *why)
{
  (void)comm, (void)line, (void)function, (void)file;
  if (type == PETSC_ERROR_INITIAL) (void)snprintf((char *)why, sizeof(((Result *)NULL)->why), "%s", text);
  return code;
}

PetscErrorCode TimeResult(const Options *o, const Problem *p, FILE *history, Result *r)
{
  Run            run = {.o = o, .p = p, .result = r, .history = history};
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  r->profile = (Profile){-1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
  PetscCall(PeerPrepare(r->name, p, r->why, sizeof(r->why)));
  PetscCall(PeerGetOptions(r->name, r->options, sizeof(r->options)));
  if (r->why[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscLogStagePush(stage_silent));
  PetscCall(PetscPushErrorHandler(KeepMessage, r->why));
  ierr = TimeAll(&run);
  PetscCall(PetscPopErrorHandler());
  PetscCall(PetscLogStagePop());
  r->failed = ierr ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TimeCopy(const Options *o, const Problem *p, PetscReal *rate)
{
  const PetscInt n = 1 << 24;
  PetscReal      t[MAX_REPEAT];
  VecType        type;
  Vec            x, y;

  PetscFunctionBeginUser;
  PetscCall(VecGetType(p->b[0], &type));
  PetscCall(VecCreate(PETSC_COMM_SELF, &x));
  PetscCall(VecSetSizes(x, n, n));
  PetscCall(VecSetType(x, type));
  PetscCall(VecSet(x, 1.0));
  PetscCall(VecDuplicate(x, &y));
  PetscCall(VecCopy(x, y));
  for (PetscInt k = 0; k < o->repeat; k++) {
    PetscLogDouble start, end;

    PetscCall(Now(&start));
    PetscCall(VecCopy(x, y));
    PetscCall(Now(&end));
    t[k] = end - start;
  }
  *rate = 1e-9 * 2 * n * sizeof(PetscScalar) / SpreadOf(t, o->repeat).median;
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscFunctionReturn(PETSC_SUCCESS);
}
