static char help[] = "gnnspai-bench: preconditioners side by side: same matrix, same right-hand sides, KSPCG, unpreconditioned norm.\n\
\n\
  gnnspai-bench -bench_matrices 'A*.dat'\n\
  gnnspai-bench -bench_matrices A.dat -bench_pc jacobi,icc,mine,gnnspai -mine_pc_type sor -bench_json out.json\n\
\n\
A name in -bench_pc is one of those below, or a new one whose options are given with its prefix.\n\n";

#include <petscksp.h>
#include <petsctime.h>
#include <jansson.h>
#include <sys/utsname.h>
#include "../gnn/gnncompat.h"
#include "../train/files.h"
#include "../pcgnnspai.h"

#define MAX_PC     16
#define MAX_REPEAT 101

/* Names with ready options; parasails is hypre's sparse approximate inverse on the pattern of tril(A), the classical optimum of its kind */
static const struct {
  const char *name, *options;
} peers[] = {
  {"none",      "-none_pc_type none"                                                                                                                                                                         },
  {"jacobi",    "-jacobi_pc_type jacobi"                                                                                                                                                                     },
  {"pbjacobi",  "-pbjacobi_pc_type pbjacobi"                                                                                                                                                                 },
  {"icc",       "-icc_pc_type icc"                                                                                                                                                                           },
  {"sor",       "-sor_pc_type sor -sor_pc_sor_symmetric"                                                                                                                                                     },
  {"gamg",      "-gamg_pc_type gamg"                                                                                                                                                                         },
  {"boomeramg", "-boomeramg_pc_type hypre -boomeramg_pc_hypre_type boomeramg"                                                                                                                                },
  {"parasails", "-parasails_pc_type hypre -parasails_pc_hypre_type parasails -parasails_pc_hypre_parasails_nlevels 0 -parasails_pc_hypre_parasails_thresh 0 -parasails_pc_hypre_parasails_filter 0 -parasails_pc_hypre_parasails_sym SPD"},
  {"gnnspai",   "-gnnspai_pc_type gnnspai"                                                                                                                                                                   },
};

typedef struct {
  char      matrices[PETSC_MAX_PATH_LEN], json[PETSC_MAX_PATH_LEN], commit[64];
  char     *pc[MAX_PC];
  PetscInt  npc, repeat, max_it;
  PetscReal rtol;
} Options;

typedef struct {
  PetscReal min, median, max;
} Spread;

/* One preconditioner on one matrix */
typedef struct {
  Spread    setup, refresh, solve[2]; /* ms; b = A 1, b random */
  PetscInt  its[2];
  PetscReal residual[2]; /* ||b - A x||/||b|| */
  PetscBool converged;
} Result;

static PetscErrorCode OptionsGet(Options *o)
{
  const char *defaults[] = {"jacobi", "icc", "gnnspai"};
  PetscBool   set, have;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(o, sizeof(*o)));
  o->npc    = MAX_PC;
  o->repeat = 5;
  o->rtol   = 1e-8;
  o->max_it = 20000;
  PetscOptionsBegin(PETSC_COMM_SELF, NULL, "Comparison of preconditioners", NULL);
  PetscCall(PetscOptionsString("-bench_matrices", "Glob of matrices (PETSc binary)", NULL, o->matrices, o->matrices, sizeof(o->matrices), &have));
  PetscCall(PetscOptionsStringArray("-bench_pc", "Preconditioners", NULL, o->pc, &o->npc, &set));
  PetscCall(PetscOptionsInt("-bench_repeat", "Timed runs after one warm-up; medians are shown", NULL, o->repeat, &o->repeat, NULL));
  PetscCall(PetscOptionsReal("-bench_rtol", "Relative residual to reach", NULL, o->rtol, &o->rtol, NULL));
  PetscCall(PetscOptionsInt("-bench_max_it", "Most iterations", NULL, o->max_it, &o->max_it, NULL));
  PetscCall(PetscOptionsString("-bench_json", "File for the numbers", NULL, o->json, o->json, sizeof(o->json), NULL));
  PetscCall(PetscOptionsString("-bench_commit", "Commit to note in the JSON", NULL, o->commit, o->commit, sizeof(o->commit), NULL));
  PetscOptionsEnd();
  PetscCheck(have, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "Give -bench_matrices 'GLOB' (see -help)");
  PetscCheck(o->repeat > 0 && o->repeat <= MAX_REPEAT, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "-bench_repeat must be in 1..%d", MAX_REPEAT);
  if (!set) {
    for (o->npc = 0; o->npc < (PetscInt)PETSC_STATIC_ARRAY_LENGTH(defaults); o->npc++) PetscCall(PetscStrallocpy(defaults[o->npc], &o->pc[o->npc]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The ready options of a name, put before the user's own, which win */
static PetscErrorCode InsertPeerOptions(const char name[])
{
  char      key[64];
  PetscBool known = PETSC_FALSE, given;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(key, sizeof(key), "-%s_pc_type", name));
  PetscCall(PetscOptionsHasName(NULL, NULL, key, &given));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(peers) && !given && !known; k++) {
    PetscCall(PetscStrcmp(name, peers[k].name, &known));
    if (known) PetscCall(PetscOptionsInsertString(NULL, peers[k].options));
  }
  PetscCheck(known || given, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "-bench_pc: no preconditioner called '%s'; give its options, -%s_pc_type ...", name, name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int CompareReal(const void *a, const void *b)
{
  const PetscReal x = *(const PetscReal *)a, y = *(const PetscReal *)b;

  return (x > y) - (x < y);
}

static Spread SpreadOf(PetscReal t[], PetscInt n)
{
  Spread s;

  qsort(t, (size_t)n, sizeof(*t), CompareReal);
  s.min    = t[0];
  s.median = t[n / 2];
  s.max    = t[n - 1];
  return s;
}

static PetscErrorCode CreateKSP(const Options *o, const char name[], Mat A, KSP *ksp)
{
  char prefix[64];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(prefix, sizeof(prefix), "%s_", name));
  PetscCall(KSPCreate(PETSC_COMM_SELF, ksp));
  PetscCall(KSPSetOperators(*ksp, A, A));
  PetscCall(KSPSetType(*ksp, KSPCG));
  PetscCall(KSPSetNormType(*ksp, KSP_NORM_UNPRECONDITIONED));
  PetscCall(KSPSetTolerances(*ksp, o->rtol, 0.0, PETSC_DEFAULT, o->max_it));
  PetscCall(KSPSetOptionsPrefix(*ksp, prefix));
  PetscCall(KSPSetFromOptions(*ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* First set-up, from nothing, each time with a new KSP */
static PetscErrorCode TimeSetup(const Options *o, const char name[], Mat A, Spread *setup)
{
  PetscReal t[MAX_REPEAT];

  PetscFunctionBeginUser;
  for (PetscInt k = -1; k < o->repeat; k++) {
    PetscLogDouble start, end;
    KSP            ksp;

    PetscCall(CreateKSP(o, name, A, &ksp));
    PetscCall(PetscTime(&start));
    PetscCall(KSPSetUp(ksp));
    PetscCall(PetscTime(&end));
    if (k >= 0) t[k] = 1e3 * (end - start);
    PetscCall(KSPDestroy(&ksp));
  }
  *setup = SpreadOf(t, o->repeat);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Set-up again after new values in the same pattern */
static PetscErrorCode TimeRefresh(const Options *o, KSP ksp, Mat A, Spread *refresh)
{
  PetscReal t[MAX_REPEAT];

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < o->repeat; k++) {
    PetscLogDouble start, end;
    PetscScalar   *a;

    PetscCall(MatSeqAIJGetArray(A, &a)); /* the values count as new */
    PetscCall(MatSeqAIJRestoreArray(A, &a));
    PetscCall(KSPSetOperators(ksp, A, A));
    PetscCall(PetscTime(&start));
    PetscCall(KSPSetUp(ksp));
    PetscCall(PetscTime(&end));
    t[k] = 1e3 * (end - start);
  }
  *refresh = SpreadOf(t, o->repeat);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TimeSolve(const Options *o, KSP ksp, Mat A, Vec b, Result *result, PetscInt rhs)
{
  PetscReal          t[MAX_REPEAT], bnorm, rnorm;
  KSPConvergedReason reason;
  Vec                x, r;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(b, &x));
  PetscCall(VecDuplicate(b, &r));
  for (PetscInt k = -1; k < o->repeat; k++) {
    PetscLogDouble start, end;

    PetscCall(PetscTime(&start));
    PetscCall(KSPSolve(ksp, b, x));
    PetscCall(PetscTime(&end));
    if (k >= 0) t[k] = 1e3 * (end - start);
  }
  result->solve[rhs] = SpreadOf(t, o->repeat);
  PetscCall(KSPGetIterationNumber(ksp, &result->its[rhs]));
  PetscCall(KSPGetConvergedReason(ksp, &reason));
  if (reason < 0) result->converged = PETSC_FALSE;
  PetscCall(MatMult(A, x, r));
  PetscCall(VecAYPX(r, -1.0, b));
  PetscCall(VecNorm(r, NORM_2, &rnorm));
  PetscCall(VecNorm(b, NORM_2, &bnorm));
  result->residual[rhs] = bnorm > 0.0 ? rnorm / bnorm : rnorm;
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunPC(const Options *o, const char name[], Mat A, Vec b[2], Result *result)
{
  KSP ksp;

  PetscFunctionBeginUser;
  result->converged = PETSC_TRUE;
  PetscCall(InsertPeerOptions(name));
  PetscCall(TimeSetup(o, name, A, &result->setup));
  PetscCall(CreateKSP(o, name, A, &ksp));
  PetscCall(KSPSetUp(ksp));
  PetscCall(TimeRefresh(o, ksp, A, &result->refresh));
  for (PetscInt rhs = 0; rhs < 2; rhs++) PetscCall(TimeSolve(o, ksp, A, b[rhs], result, rhs));
  PetscCall(KSPDestroy(&ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static json_t *JSONSpread(Spread s)
{
  return json_pack("{s:f, s:f, s:f}", "min", (double)s.min, "median", (double)s.median, "max", (double)s.max);
}

static json_t *JSONResult(const char name[], const Result *r)
{
  return json_pack("{s:s, s:o, s:o, s:[o, o], s:[I, I], s:[f, f], s:b}", "pc", name, "setup_ms", JSONSpread(r->setup), "refresh_ms", JSONSpread(r->refresh), "solve_ms", JSONSpread(r->solve[0]), JSONSpread(r->solve[1]), "iterations", (json_int_t)r->its[0], (json_int_t)r->its[1], "residual", (double)r->residual[0], (double)r->residual[1], "converged", (int)r->converged);
}

static PetscErrorCode PrintResult(const char name[], const Result *r)
{
  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "  %-10s %6" PetscInt_FMT " %6" PetscInt_FMT " %9.2f %9.2f %9.2f %9.2f %9.2f   %.0e %.0e%s\n", name, r->its[0], r->its[1], (double)r->setup.median, (double)r->refresh.median, (double)r->solve[0].median, (double)r->solve[1].median,
                        (double)(r->setup.median + r->solve[0].median), (double)r->residual[0], (double)r->residual[1], r->converged ? "" : "  not converged"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* b = A 1 and b random, of fixed seed */
static PetscErrorCode CreateRightHandSides(Mat A, Vec b[2])
{
  PetscRandom random;
  Vec         one;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(A, &one, &b[0]));
  PetscCall(VecDuplicate(b[0], &b[1]));
  PetscCall(VecSet(one, 1.0));
  PetscCall(MatMult(A, one, b[0]));
  PetscCall(PetscRandomCreate(PETSC_COMM_SELF, &random));
  PetscCall(PetscRandomSetType(random, PETSCRANDER48));
  PetscCall(PetscRandomSetInterval(random, -1.0, 1.0));
  PetscCall(VecSetRandom(b[1], random));
  PetscCall(PetscRandomDestroy(&random));
  PetscCall(VecDestroy(&one));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunMatrix(const Options *o, const char file[], json_t *matrices)
{
  json_t  *results = json_array();
  Mat      A;
  MatInfo  info;
  Vec      b[2];
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCall(FilesLoadMat(file, &A));
  PetscCall(MatGetSize(A, &n, NULL));
  PetscCall(MatGetInfo(A, MAT_LOCAL, &info));
  PetscCall(CreateRightHandSides(A, b));
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "%s: n = %" PetscInt_FMT ", %.0f nonzeros, rtol %g; iterations and solve for b = A 1 | b random, ms\n", file, n, (double)info.nz_used, (double)o->rtol));
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "  %-10s %6s %6s %9s %9s %9s %9s %9s   %s\n", "pc", "its", "its", "set-up", "refresh", "solve", "solve", "total", "true residuals"));
  for (PetscInt k = 0; k < o->npc; k++) {
    Result result;

    PetscCall(RunPC(o, o->pc[k], A, b, &result));
    PetscCall(PrintResult(o->pc[k], &result));
    json_array_append_new(results, JSONResult(o->pc[k], &result));
  }
  json_array_append_new(matrices, json_pack("{s:s, s:I, s:f, s:o}", "matrix", file, "n", (json_int_t)n, "nonzeros", (double)info.nz_used, "results", results));
  PetscCall(VecDestroy(&b[0]));
  PetscCall(VecDestroy(&b[1]));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* First "model name" of /proc/cpuinfo */
static void GetProcessor(char name[], size_t size)
{
  char  line[256];
  FILE *file = fopen("/proc/cpuinfo", "r");

  snprintf(name, size, "unknown");
  while (file && fgets(line, sizeof(line), file)) {
    char *colon = strchr(line, ':');

    if (strncmp(line, "model name", 10) || !colon) continue;
    colon[strcspn(colon, "\n")] = '\0';
    snprintf(name, size, "%s", colon + 2);
    break;
  }
  if (file) fclose(file);
}

static PetscErrorCode WriteJSON(const Options *o, json_t *matrices)
{
  char           processor[256], version[256], temporary[PETSC_MAX_PATH_LEN];
  struct utsname system;
  json_t        *root;
  int            failed;

  PetscFunctionBeginUser;
  uname(&system);
  GetProcessor(processor, sizeof(processor));
  PetscCall(PetscGetVersion(version, sizeof(version)));
  root = json_pack("{s:s, s:s, s:s, s:s, s:s, s:f, s:I, s:O}", "device", processor, "system", system.sysname, "petsc", version, "compiler", __VERSION__, "commit", o->commit, "rtol", (double)o->rtol, "repeat", (json_int_t)o->repeat, "matrices", matrices);
  PetscCall(PetscSNPrintf(temporary, sizeof(temporary), "%s.tmp", o->json));
  failed = json_dump_file(root, temporary, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) || rename(temporary, o->json);
  json_decref(root);
  PetscCheck(!failed, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "Cannot write -bench_json %s", o->json);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Options  o;
  json_t  *matrices = json_array();
  char   **names;
  PetscInt n;
  PetscMPIInt size;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCheck(size == 1, PETSC_COMM_WORLD, PETSC_ERR_WRONG_MPI_SIZE, "Run on one process");
  PetscCall(PCGNNSPAIRegister());
  PetscCall(OptionsGet(&o));
  PetscCall(FilesGlob(o.matrices, &n, &names));
  for (PetscInt k = 0; k < n; k++) PetscCall(RunMatrix(&o, names[k], matrices));
  PetscCall(FilesDestroy(n, &names));
  if (o.json[0]) PetscCall(WriteJSON(&o, matrices));
  json_decref(matrices);
  for (PetscInt k = 0; k < o.npc; k++) PetscCall(PetscFree(o.pc[k]));
  PetscCall(PetscFinalize());
  return 0;
}
