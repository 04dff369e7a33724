/*
   What gnnspai-bench prints, and its JSON.

   {
    "schema": 2,
    "device", "system", "petsc", "compiler", "commit": strings; "mat_type": "" for aij
    "repeat", "seconds": -bench_repeat, -bench_seconds
    "copy_GBps": a long VecCopy(), bytes read and written; null where it was not measured
    "matrices": [{
      "matrix", "n", "nonzeros", "block_size",
      "own_rhs": "random" is the vector beside the matrix's file
      "fastest": {"1", "10", "100"}: {"pc", "regret": the total of gnnspai over the least; null where it did not run or converge}; null where nobody converged
      "results": [{
        "pc": name in -bench_pc, "options": without its prefix,
        "skipped" or "failed": why, and no more; or
        "setup_ms", "refresh_ms": a spread, {"min", "median", "max", "runs"}
        "solves": [{"rtol", "mode": default | natural | single_reduction, "rhs": ones | random, "iterations",
                    "converged": KSP says so, and the residual is at most 3 rtol, "reason": KSP's,
                    "residual": ||b - A x||/||b||, null where it is no number, "solve_ms": a spread}],
        "total_ms": {"1", "10", "100"}: for so many systems, at the last rtol, right-hand sides averaged: a set-up, a solve each, a refresh before each but
          the first; null where one did not converge
        "profile": numbers of one more solve at the last rtol and right-hand side, null where not known:
          "lowest", "highest": eigenvalues of M^-1 A by Lanczos, "condition": their ratio;
          "kspsolve_ms", "pcapply_ms", "matmult_ms": PETSc's log of that solve; matmult also has what the preconditioner does;
          "apply_ms", "apply_flops", "apply_bytes": one PCApply();
          "columns_ms": the shortest PCMatApply() of as many columns as -bench_columns says, "columns_applies": over the shortest PCApply()
      }]
    }]
   }
*/
#include "bench.h"
#include <sys/utsname.h>

/* The solve of a mode, tolerance and right-hand side, or NULL */
static const Solve *Find(const Result *r, BenchMode mode, PetscReal rtol, BenchRhs rhs)
{
  for (PetscInt k = 0; k < r->nsolve; k++) {
    const Solve *s = &r->solve[k];

    if (s->mode == mode && s->rtol == rtol && s->rhs == rhs) return s;
  }
  return NULL;
}

PetscErrorCode PrintProblem(const Problem *p)
{
  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "%s: n = %" PetscInt_FMT ", %.0f nonzeros; iterations and solve for b = A 1 | b %s; times in ms; total: so many systems, refreshed between\n", p->name, p->n, p->nonzeros, p->own_rhs ? "its own" : "random"));
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "  %-14s %6s %6s %9s %9s %9s %9s   %9s %9s %9s   %-15s %8s  %s\n", "pc", "its", "its", "set-up", "refresh", "solve", "solve", "total 1", "total 10", "total 100", "true residuals", "cond", "rtol"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One mode and tolerance, by right-hand side; NULL: not solved */
static PetscErrorCode PrintRow(const Result *r, const Solve *const s[2])
{
  const Solve *one        = s[0] ? s[0] : s[1];
  char         its[2][16] = {"-", "-"}, ms[2][16] = {"-", "-"}, residual[2][16] = {"-", "-"}, condition[16] = "-";
  PetscReal    sum = 0.0;
  double       total[BENCH_NSYSTEMS];
  const char  *converged = "";

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    if (!s[k]) continue;
    PetscCall(PetscSNPrintf(its[k], sizeof(its[k]), "%" PetscInt_FMT, s[k]->its));
    PetscCall(PetscSNPrintf(ms[k], sizeof(ms[k]), "%.2f", (double)s[k]->time.median));
    PetscCall(PetscSNPrintf(residual[k], sizeof(residual[k]), "%.0e", (double)s[k]->residual));
    sum += s[k]->time.median;
    if (s[k]->reason <= 0) converged = "  not converged";
    else if (!s[k]->converged && !converged[0]) converged = "  not converged: the true residual is larger than KSP's";
  }
  for (int k = 0; k < BENCH_NSYSTEMS; k++) total[k] = (double)SystemsTime(r, sum / ((s[0] != NULL) + (s[1] != NULL)), BenchSystems[k]);
  if (r->profile.lowest > 0.0) PetscCall(PetscSNPrintf(condition, sizeof(condition), "%.3g", (double)(r->profile.highest / r->profile.lowest)));
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "  %-14s %6s %6s %9.2f %9.2f %9s %9s", r->name, its[0], its[1], (double)r->setup.median, (double)r->refresh.median, ms[0], ms[1]));
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "   %9.2f %9.2f %9.2f   %5s %5s     %8s  %.0e", total[0], total[1], total[2], residual[0], residual[1], condition, (double)one->rtol));
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "%s%s%s\n", one->mode == MODE_DEFAULT ? "" : " ", one->mode == MODE_DEFAULT ? "" : BenchModes[one->mode], converged));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PrintResult(const Result *r)
{
  PetscFunctionBeginUser;
  if (r->failed) PetscCall(PetscPrintf(PETSC_COMM_SELF, "  %-14s failed: %s\n", r->name, r->why));
  else if (r->why[0]) PetscCall(PetscPrintf(PETSC_COMM_SELF, "  %-14s skipped: %s\n", r->name, r->why));
  for (PetscInt k = 0; k < r->nsolve && !r->failed; k++) {
    const Solve *s      = &r->solve[k];
    const Solve *row[2] = {Find(r, s->mode, s->rtol, RHS_ONES), Find(r, s->mode, s->rtol, RHS_RANDOM)};

    if (s == row[0] || row[0] == NULL) PetscCall(PrintRow(r, row));
  }
  if (r->profile.columns_ms > 0.0) PetscCall(PetscPrintf(PETSC_COMM_SELF, "  %-14s PCMatApply() %.3f ms, as long as %.2f PCApply()\n", r->name, (double)r->profile.columns_ms, (double)r->profile.columns_applies));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static json_t *JSONSpread(Spread s)
{
  return json_pack("{s:f, s:f, s:f, s:I}", "min", (double)s.min, "median", (double)s.median, "max", (double)s.max, "runs", (json_int_t)s.runs);
}

static json_t *JSONKnown(PetscReal x)
{
  return x < 0.0 ? json_null() : json_real((double)x);
}

static json_t *JSONFinite(PetscReal x)
{
  return PetscIsInfOrNanReal(x) ? json_null() : json_real((double)x);
}

static json_t *JSONSolve(const Solve *s)
{
  return json_pack("{s:f, s:s, s:s, s:I, s:b, s:s, s:o, s:o}", "rtol", (double)s->rtol, "mode", BenchModes[s->mode], "rhs", BenchRhss[s->rhs], "iterations", (json_int_t)s->its, "converged", (int)s->converged, "reason", KSPConvergedReasons[s->reason], "residual", JSONFinite(s->residual), "solve_ms", JSONSpread(s->time));
}

static json_t *JSONProfile(const Profile *f)
{
  json_t *j = json_pack("{s:o, s:o, s:o}", "lowest", JSONKnown(f->lowest), "highest", JSONKnown(f->highest), "condition", JSONKnown(f->lowest > 0.0 ? f->highest / f->lowest : -1.0));

  json_object_set_new(j, "kspsolve_ms", JSONKnown(f->solve_ms));
  json_object_set_new(j, "pcapply_ms", JSONKnown(f->pc_ms));
  json_object_set_new(j, "matmult_ms", JSONKnown(f->mult_ms));
  json_object_set_new(j, "apply_ms", JSONKnown(f->apply_ms));
  json_object_set_new(j, "apply_flops", JSONKnown(f->apply_flops));
  json_object_set_new(j, "apply_bytes", JSONKnown(f->apply_bytes));
  json_object_set_new(j, "columns_ms", JSONKnown(f->columns_ms));
  json_object_set_new(j, "columns_applies", JSONKnown(f->columns_applies));
  return j;
}

/* By the number of systems */
static json_t *JSONSystems(json_t *const of[])
{
  json_t *j = json_object();
  char    key[16];

  for (int s = 0; s < BENCH_NSYSTEMS; s++) {
    (void)snprintf(key, sizeof(key), "%d", (int)BenchSystems[s]);
    json_object_set_new(j, key, of[s]);
  }
  return j;
}

static json_t *JSONFastest(const Regret *regret)
{
  json_t *of[BENCH_NSYSTEMS];

  for (int s = 0; s < BENCH_NSYSTEMS; s++) of[s] = regret->fastest[s] ? json_pack("{s:s, s:o}", "pc", regret->fastest[s], "regret", JSONFinite(regret->over[s])) : json_null();
  return JSONSystems(of);
}

static json_t *JSONResult(const Result *r)
{
  json_t *j = json_pack("{s:s, s:s}", "pc", r->name, "options", r->options), *solves, *total[BENCH_NSYSTEMS];

  if (r->why[0] || r->failed) {
    json_object_set_new(j, r->failed ? "failed" : "skipped", json_string(r->why));
    return j;
  }
  solves = json_array();
  for (PetscInt k = 0; k < r->nsolve; k++) json_array_append_new(solves, JSONSolve(&r->solve[k]));
  json_object_set_new(j, "setup_ms", JSONSpread(r->setup));
  json_object_set_new(j, "refresh_ms", JSONSpread(r->refresh));
  json_object_set_new(j, "solves", solves);
  for (int s = 0; s < BENCH_NSYSTEMS; s++) total[s] = JSONFinite(r->total[s]);
  json_object_set_new(j, "total_ms", JSONSystems(total));
  json_object_set_new(j, "profile", JSONProfile(&r->profile));
  return j;
}

PetscErrorCode AddJSON(const Problem *p, const Result results[], PetscInt n, const Regret *regret, json_t *matrices)
{
  json_t *list = json_array();

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < n; k++) json_array_append_new(list, JSONResult(&results[k]));
  json_array_append_new(matrices, json_pack("{s:s, s:I, s:I, s:I, s:b, s:o, s:o}", "matrix", p->name, "n", (json_int_t)p->n, "nonzeros", (json_int_t)p->nonzeros, "block_size", (json_int_t)p->block_size, "own_rhs", (int)p->own_rhs, "fastest", JSONFastest(regret), "results", list));
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

/* What an earlier run left stays until all is there */
PetscErrorCode WriteJSON(const Options *o, PetscReal copy, json_t *matrices, PetscBool all)
{
  char           processor[256], version[256], part[PETSC_MAX_PATH_LEN + 8], temporary[PETSC_MAX_PATH_LEN + 8];
  struct utsname system;
  json_t        *root;
  int            failed;

  PetscFunctionBeginUser;
  uname(&system);
  GetProcessor(processor, sizeof(processor));
  PetscCall(PetscGetVersion(version, sizeof(version)));
  root = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:f, s:o, s:O}", "schema", 2, "device", o->device[0] ? o->device : processor, "system", system.sysname, "petsc", version, "compiler", __VERSION__, "commit", o->commit, "mat_type", o->mat_type, "repeat",
                   (json_int_t)o->repeat, "seconds", (double)o->seconds, "copy_GBps", JSONKnown(copy), "matrices", matrices);
  PetscCall(PetscSNPrintf(part, sizeof(part), "%s.part", o->json));
  PetscCall(PetscSNPrintf(temporary, sizeof(temporary), "%s.tmp", o->json));
  failed = json_dump_file(root, temporary, JSON_INDENT(1) | JSON_REAL_PRECISION(5)) || rename(temporary, part) || (all && rename(part, o->json));
  json_decref(root);
  PetscCheck(!failed, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "Cannot write -bench_json %s", o->json);
  PetscFunctionReturn(PETSC_SUCCESS);
}
