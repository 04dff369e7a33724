/*
   Regret: how many times the time of the fastest preconditioner of the run the default takes, for 1, 10 and 100 systems with one pattern.
*/
#include "bench.h"
#include <math.h>

#define DEFAULT "gnnspai" /* in -bench_pc: no option but the type */

const PetscInt BenchSystems[BENCH_NSYSTEMS] = {1, 10, 100};

/* A solve each, and every system but the first has new values */
PetscReal SystemsTime(const Result *r, PetscReal solve, PetscInt systems)
{
  return r->setup.median + systems * solve + (systems - 1) * r->refresh.median;
}

/* The mean of the right-hand sides; infinity where one of them is not solved */
static PetscReal SolveTime(const Result *r, PetscReal rtol)
{
  PetscReal sum = 0.0;
  PetscInt  n   = 0;

  for (PetscInt k = 0; k < r->nsolve && !r->failed; k++) {
    const Solve *s = &r->solve[k];

    if (s->mode != MODE_DEFAULT || s->rtol != rtol) continue;
    sum += s->converged ? s->time.median : INFINITY;
    n++;
  }
  return n ? sum / n : INFINITY;
}

/* The totals of one result, and whether it is the fastest so far */
static void Compare(Result *r, PetscReal rtol, Regret *regret)
{
  const PetscReal solve = SolveTime(r, rtol);

  for (int s = 0; s < BENCH_NSYSTEMS; s++) {
    r->total[s] = SystemsTime(r, solve, BenchSystems[s]);
    if (r->total[s] >= regret->least[s]) continue;
    regret->least[s]   = r->total[s];
    regret->fastest[s] = r->name;
  }
}

void RegretOf(const Options *o, const Problem *p, Result results[], Regret *regret)
{
  const Result *ours = NULL;

  (void)snprintf(regret->name, sizeof(regret->name), "%s", p->name);
  for (int s = 0; s < BENCH_NSYSTEMS; s++) regret->fastest[s] = NULL, regret->least[s] = INFINITY;
  for (PetscInt k = 0; k < o->npc; k++) {
    Compare(&results[k], o->rtol[o->nrtol - 1], regret);
    if (!strcmp(results[k].name, DEFAULT)) ours = &results[k];
  }
  for (int s = 0; s < BENCH_NSYSTEMS; s++) regret->over[s] = ours && regret->fastest[s] ? ours->total[s] / regret->least[s] : NAN;
}

/* Infinite: it did not converge, as another did; NaN: it did not run, or nobody converged */
static const char *Text(PetscReal over, char text[16])
{
  if (PetscIsNanReal(over)) (void)snprintf(text, 16, "-");
  else if (PetscIsInfReal(over)) (void)snprintf(text, 16, "never");
  else (void)snprintf(text, 16, "%.2f", (double)over);
  return text;
}

PetscErrorCode PrintFastest(const Regret *regret)
{
  const char *const *fastest = regret->fastest;
  char               text[BENCH_NSYSTEMS][16];

  PetscFunctionBeginUser;
  if (fastest[0]) PetscCall(PetscPrintf(PETSC_COMM_SELF, "  fastest for 1, 10, 100 systems: %s, %s, %s", fastest[0], fastest[1], fastest[2]));
  else PetscCall(PetscPrintf(PETSC_COMM_SELF, "  nobody converged"));
  if (!PetscIsNanReal(regret->over[0])) PetscCall(PetscPrintf(PETSC_COMM_SELF, "; " DEFAULT " takes %s, %s, %s times as long", Text(regret->over[0], text[0]), Text(regret->over[1], text[1]), Text(regret->over[2], text[2])));
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintLine(const char name[], const PetscReal over[])
{
  char text[16];

  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "  %-30s", name));
  for (int s = 0; s < BENCH_NSYSTEMS; s++) PetscCall(PetscPrintf(PETSC_COMM_SELF, " %11s", Text(over[s], text)));
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the matrices where it is known, which may be none: NaN */
static PetscErrorCode MedianAndWorst(PetscInt n, const Regret regrets[], int s, PetscReal *median, PetscReal *worst)
{
  PetscReal *known;
  PetscInt   nknown = 0;

  PetscFunctionBeginUser;
  *median = *worst = NAN;
  PetscCall(PetscMalloc1(n, &known));
  for (PetscInt k = 0; k < n; k++) {
    if (!PetscIsNanReal(regrets[k].over[s])) known[nknown++] = regrets[k].over[s];
  }
  if (nknown) {
    const Spread spread = SpreadOf(known, nknown);

    *median = spread.median;
    *worst  = spread.max;
  }
  PetscCall(PetscFree(known));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PrintRegrets(PetscInt n, const Regret regrets[])
{
  PetscReal median[BENCH_NSYSTEMS], worst[BENCH_NSYSTEMS];

  PetscFunctionBeginUser;
  for (int s = 0; s < BENCH_NSYSTEMS; s++) PetscCall(MedianAndWorst(n, regrets, s, &median[s], &worst[s]));
  if (n < 2 || PetscIsNanReal(median[0])) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "The time that " DEFAULT " takes over that of the fastest, for 1, 10, 100 systems\n"));
  for (PetscInt k = 0; k < n; k++) PetscCall(PrintLine(regrets[k].name, regrets[k].over));
  PetscCall(PrintLine("median", median));
  PetscCall(PrintLine("worst", worst));
  PetscFunctionReturn(PETSC_SUCCESS);
}
