/*
   The guard: before G is used it is tried, so that a matrix outside the trained range is not worse off.

   First the SAI loss ||(At M^-1 - I) w||^2 on fixed probes w picks alpha in G = base + alpha (network - base), where the base is the
   damped start 3/2 I - t/2 At with t = min(1, 2.4/lambda_max): undamped, it is nearly singular where lambda(At) is near 3, which that
   loss hardly sees. G is linear in alpha, hence the residual is y0 + alpha y1 + alpha^2 y2, and one set of products serves every alpha.
   Then ten steps of CG on one probe with that G, with the base and with Jacobi: the one that lowers the energy norm of the error fastest
   is taken, the network's only if the symmetric part of its G is positive definite. The steps with Jacobi also estimate lambda_max.
   Without a residual form the base is 0 and alpha is 1.

   A choice within 2 % is no choice: what comes first of network, classical factor, start, Jacobi is kept, and the larger alpha, so that
   rounding, hence compiler, processor and number of ranks, decides nothing.

   All this costs about as much as 80 products with G G^T. The classical factor, where it comes first, is tried for less: CG with it
   for as much work as a few of Jacobi's steps took has to get as far as those.

   What was chosen is kept for new values in the same pattern as long as the couplings of At stay near what they were. They are compared by their trace
   t = sum_j w_j GNNStrength(At_ij) with random signs w, one product: ||t - t'||^2 is about the squared distance. A network's choice also has to
   keep its loss on one probe, two products more (choose.c).
*/
#include "guard.h"

#define NDOT     6                           /* dot products that wait to be read */
#define MOVED    0.04                        /* distance of the couplings beyond which it chooses again */
#define MIN_RITZ 0.17                        /* least Ritz value of the symmetric part of G */
#define TIE      1.02                        /* costs that differ by less are alike */
#define SOLVED   1e4 * PETSC_MACHINE_EPSILON /* share of the error's squared energy norm that is no longer looked at */

struct _n_GNNGuard {
  GNNPlace     at;           /* borrowed */
  PetscScalar *W;            /* (n, GNN_PROBES) probes */
  PetscScalar *u, *v, *z[3]; /* (n, GNN_PROBES) work */
  PetscScalar *w, *y;        /* (n) the first probe by itself, work */
  PetscScalar *base, *delta; /* (nz) slots of G^T = base + alpha delta */
  PetscScalar *trace;        /* (n) of the couplings when it chose */
  PetscReal   *dots;         /* (NDOT) dot products, where the vectors are */
  GNNSteps    *steps;        /* those that are being done, there, too */
  PetscBool    traced;       /* is the trace there? Not where a choice of before goes on, whose arrays are gone */
  GNNSteps     chosen;       /* with what was chosen */
  PetscReal    fall;         /* r^T M^-1 r of the last steps over the first */
  PetscBool    narrow;       /* was it, at the last trial, only because it is named first? */
};

PetscErrorCode GNNGuardCreate(GNNPlace at, GNNGuard *guard)
{
  const size_t bytes = (size_t)at->g->n * sizeof(PetscScalar), slots = (size_t)at->g->nz * sizeof(PetscScalar);
  GNNGuard     w;

  PetscFunctionBegin;
  if (*guard) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscNew(&w));
  w->at                = at;
  PetscScalar **wide[] = {&w->W, &w->u, &w->v, &w->z[0], &w->z[1], &w->z[2]}, **narrow[] = {&w->w, &w->y, &w->trace};
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(wide); k++) PetscCall(at->ops->create(at, bytes * GNN_PROBES, wide[k]));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(narrow); k++) PetscCall(at->ops->create(at, bytes, narrow[k]));
  PetscCall(at->ops->create(at, slots, &w->base));
  PetscCall(at->ops->create(at, slots, &w->delta));
  PetscCall(at->ops->create(at, NDOT * sizeof(PetscReal), &w->dots));
  PetscCall(at->ops->create(at, sizeof(GNNSteps), &w->steps));
  *guard = w;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNGuardDestroy(GNNGuard *guard)
{
  GNNGuard w = *guard;

  PetscFunctionBegin;
  if (w == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscScalar **arrays[] = {&w->W, &w->u, &w->v, &w->z[0], &w->z[1], &w->z[2], &w->w, &w->y, &w->trace, &w->base, &w->delta};
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(arrays); k++) PetscCall(w->at->ops->free(arrays[k]));
  PetscCall(w->at->ops->free(&w->dots));
  PetscCall(w->at->ops->free(&w->steps));
  PetscCall(PetscFree(*guard));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* t = the trace of the couplings that At has now, less before where that is given; works in delta */
static PetscErrorCode Trace_Private(GNNGuard w, const PetscScalar before[], PetscScalar t[])
{
  PetscFunctionBegin;
  PetscCall(w->at->ops->probe(w->at, 1, w->w));
  PetscCall(w->at->ops->strengths(w->at, w->delta));
  PetscCall(w->at->ops->multiply(w->at, 1.0, 0.0, w->delta, 1, w->w, before ? -1.0 : 0.0, before, t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of residual y0 + alpha y1 + alpha^2 y2, by the dot products of the y: 00, 10, 11, 20, 21, 22 */
static PetscReal Loss_Private(const PetscReal dot[], PetscReal alpha)
{
  const PetscReal a[3] = {1.0, alpha, alpha * alpha};
  PetscReal       sum  = 0.0;

  for (PetscInt k = 0; k < 3; k++) {
    for (PetscInt l = 0; l < 3; l++) {
      const PetscInt high = PetscMax(k, l);

      sum += a[k] * a[l] * dot[high * (high + 1) / 2 + PetscMin(k, l)];
    }
  }
  return sum;
}

/* SAI losses of base + alpha delta for the given alphas */
static PetscErrorCode LossesOfAlpha_Private(GNNGuard w, PetscReal epsilon, PetscInt nalpha, const PetscReal alpha[], PetscReal loss[])
{
  const GNNPlace at   = w->at;
  PetscScalar   *y[3] = {w->u, w->v, w->z[0]}; /* each is free by the time it is written */
  PetscReal     *next = w->dots, dot[NDOT];

  PetscFunctionBegin;
  /* z[0], z[1], z[2]: the coefficients of alpha in (base + alpha delta)(base + alpha delta)^T W + eps W */
  PetscCall(at->ops->multiply(at, 1.0, 0.0, w->base, GNN_PROBES, w->W, 0.0, NULL, w->u));
  PetscCall(at->ops->multiply(at, 1.0, 0.0, w->delta, GNN_PROBES, w->W, 0.0, NULL, w->v));
  PetscCall(at->ops->multiply(at, 0.0, 1.0, w->base, GNN_PROBES, w->u, epsilon, w->W, w->z[0]));
  PetscCall(at->ops->multiply(at, 0.0, 1.0, w->base, GNN_PROBES, w->v, 0.0, NULL, w->z[1]));
  PetscCall(at->ops->multiply(at, 0.0, 1.0, w->delta, GNN_PROBES, w->u, 1.0, w->z[1], w->z[1]));
  PetscCall(at->ops->multiply(at, 0.0, 1.0, w->delta, GNN_PROBES, w->v, 0.0, NULL, w->z[2]));
  for (PetscInt k = 0; k < 3; k++) PetscCall(at->ops->multiply(at, 1.0, 0.0, at->matrix, GNN_PROBES, w->z[k], k ? 0.0 : -1.0, w->W, y[k]));
  for (PetscInt k = 0; k < 3; k++) {
    for (PetscInt l = 0; l <= k; l++) PetscCall(at->ops->dot(at, at->g->n * GNN_PROBES, y[k], y[l], next++));
  }
  PetscCall(at->ops->read(at, sizeof(dot), w->dots, dot));
  for (PetscInt k = 0; k < nalpha; k++) loss[k] = Loss_Private(dot, alpha[k]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z = M^-1 r in the scaled system; works in y */
static inline PetscErrorCode Precondition_Private(GNNGuard w, const GNNTrial *M, const PetscScalar r[], PetscScalar z[])
{
  const GNNPlace at = w->at;

  PetscFunctionBegin;
  if (M->slots) {
    PetscCall(at->ops->multiply(at, 1.0, 0.0, M->slots, 1, r, 0.0, NULL, w->y));
    PetscCall(at->ops->multiply(at, 0.0, 1.0, M->slots, 1, w->y, M->epsilon, r, z));
  } else if (M->factor) PetscCall(at->ops->factor(at, M->epsilon, r, z));
  else PetscCall(at->ops->jacobi(at, r, z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At most that many steps of CG for (plain m + transposed m^T) x = w from x = 0, m slots of the graph, w the first probe. Works in u. Read at the end:
   a place that could tell only by waiting does all of them */
static PetscErrorCode StepsRun_Private(GNNGuard w, PetscInt most, PetscReal plain, PetscReal transposed, const PetscScalar m[], const GNNTrial *M, GNNSteps *s)
{
  const GNNPlace at = w->at;
  const PetscInt n  = at->g->n;
  PetscScalar   *r = w->u, *z = w->u + n, *p = w->u + 2 * n, *q = w->u + 3 * n;
  PetscBool      ended = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(at->ops->axpby(at, n, 1.0, w->w, 0.0, NULL, r));
  for (PetscInt k = 0;; k++) {
    PetscCall(Precondition_Private(w, M, r, z));
    PetscCall(at->ops->step(at, k ? GNN_STEPS_NEXT : GNN_STEPS_BEGIN, n, r, z, w->steps, &ended));
    if (k == most || ended) break;
    PetscCall(at->ops->update(at, n, w->steps->direction, z, p));
    PetscCall(at->ops->multiply(at, plain, transposed, m, 1, p, 0.0, NULL, q));
    PetscCall(at->ops->step(at, GNN_STEPS_LENGTH, n, p, q, w->steps, &ended));
    if (ended) break;
    PetscCall(at->ops->update(at, n, w->steps->residual, q, r));
  }
  PetscCall(at->ops->read(at, sizeof(*s), w->steps, s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same for At, and how far they got */
static PetscErrorCode Trial_Private(GNNGuard w, PetscInt most, const GNNTrial *M, GNNSteps *s)
{
  PetscFunctionBegin;
  PetscCall(StepsRun_Private(w, most, 1.0, 0.0, w->at->matrix, M, s));
  w->fall = s->first > 0.0 ? s->rz / s->first : 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Eigenvalues below x of CG's tridiagonal matrix, with diagonal 1/a_k + b_{k-1}/a_{k-1} and sqrt(b_k)/a_k beside it: signs of its Sturm sequence */
static PetscInt StepsCountBelow_Private(const GNNSteps *s, PetscReal x)
{
  PetscReal d     = 1.0;
  PetscInt  below = 0;

  for (PetscInt k = 0; k < s->n; k++) {
    d = 1.0 / s->a[k] - x + (k ? s->b[k - 1] / s->a[k - 1] * (1.0 - 1.0 / (s->a[k - 1] * d)) : 0.0);
    if (d < 0.0) below++;
  }
  return below;
}

/* The k-th Ritz value, k = 1 the smallest, by bisection; Gershgorin bounds the largest */
static PetscReal StepsRitz_Private(const GNNSteps *s, PetscInt k)
{
  PetscReal low = 0.0, high = 0.0;

  for (PetscInt l = 0; l < s->n; l++) high = PetscMax(high, 1.0 / s->a[l] + PetscSqrtReal(s->b[l]) / s->a[l] + (l ? (s->b[l - 1] + PetscSqrtReal(s->b[l - 1])) / s->a[l - 1] : 0.0));
  for (PetscInt it = 0; it < 50; it++) {
    const PetscReal x = 0.5 * (low + high);

    if (StepsCountBelow_Private(s, x) >= k) high = x;
    else low = x;
  }
  return high;
}

/* Is the symmetric part of G positive definite, by its smallest Ritz value? Where it is not, G is nearly singular for some vector, which
   neither loss nor energy sees in time. The factors of good networks have 0.19 and more, the base 0.3; At has a unit diagonal here */
PetscErrorCode GNNGuardIsPositive(GNNGuard w, const PetscScalar gt[], PetscBool *positive)
{
  const GNNTrial jacobi = {NULL, PETSC_FALSE, 0.0};
  GNNSteps       steps;

  PetscFunctionBegin;
  PetscCall(StepsRun_Private(w, GNN_STEPS, 0.5, 0.5, gt, &jacobi, &steps));
  *positive = !steps.indefinite && (steps.n == 0 || StepsRitz_Private(&steps, 1) > MIN_RITZ) ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The 2 % rule, the only place for it: is the one named first kept, by their costs? */
static PetscBool Kept_Private(PetscReal first, PetscReal second)
{
  return second * TIE < first ? PETSC_FALSE : PETSC_TRUE;
}

/* The squared energy norm of the first error: what the steps sum to by Aitken's extrapolation from the last four, far away where that does not settle */
static PetscReal StepsTotal_Private(const GNNSteps *s)
{
  const PetscReal *e = s->energy + s->n;
  PetscReal        last, before;

  if (s->n < GNN_STEPS || s->next <= SOLVED * e[0]) return e[0];
  last   = e[0] - e[-2];
  before = e[-2] - e[-4];
  return before > last ? PetscMin(1e6 * e[0], e[0] + PetscSqr(last) / (before - last)) : 1e6 * e[0];
}

/* Iterations, but for a factor: steps, all or until an error of that total is gone, by the logarithm of what they leave of it */
static PetscReal StepsCost_Private(const GNNSteps *s, PetscReal total)
{
  PetscReal left = 1.0;
  PetscInt  k    = 0;

  while (k < s->n && left > SOLVED) left = 1.0 - s->energy[++k] / total;
  return -k / PetscLogReal(PetscMax(left, SOLVED));
}

static PetscBool StepsWork_Private(const GNNSteps *s)
{
  return s->energy[s->n] > 0.0 && !PetscIsInfOrNanReal(s->energy[s->n]) ? PETSC_TRUE : PETSC_FALSE;
}

/* Of two that were tried, is the one named first kept? The first error is as large as either says, unless that is less than what the other has done */
static PetscBool StepsKept_Private(const GNNSteps *first, const GNNSteps *second)
{
  const GNNSteps *further = second->energy[second->n] > first->energy[first->n] ? second : first;
  const PetscReal least   = PetscMin(StepsTotal_Private(first), StepsTotal_Private(second));
  const PetscReal total   = least > further->energy[further->n] ? least : StepsTotal_Private(further);

  if (!StepsWork_Private(first)) return PETSC_FALSE;
  if (!StepsWork_Private(second)) return PETSC_TRUE;
  return Kept_Private(StepsCost_Private(first, total), StepsCost_Private(second, total));
}

PetscErrorCode GNNGuardTry(GNNGuard w, const GNNTrial *M, PetscBool first, PetscBool *better)
{
  GNNSteps steps;

  PetscFunctionBegin;
  PetscCall(Trial_Private(w, GNN_STEPS, M, &steps));
  w->narrow = StepsKept_Private(&w->chosen, &steps);
  if (first) *better = StepsKept_Private(&steps, &w->chosen);
  else *better = StepsKept_Private(&w->chosen, &steps) ? PETSC_FALSE : PETSC_TRUE;
  if (*better) w->chosen = steps;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After how many steps the energy has fallen by so much, linear in between; more than there are where it has not */
static PetscReal StepsReach_Private(const GNNSteps *s, PetscReal energy)
{
  PetscInt k = 0;

  while (k < s->n && !(s->energy[k + 1] >= energy)) k++;
  return k == s->n ? 2.0 * GNN_STEPS : k + (energy - s->energy[k]) / (s->energy[k + 1] - s->energy[k]);
}

/* All but a millionth of what Jacobi's steps did is the mark, so that rounding decides nothing where they solve the system */
PetscErrorCode GNNGuardPays(GNNGuard w, const GNNTrial *M, PetscReal work, PetscBool *pays)
{
  const GNNSteps *jacobi = &w->chosen;
  const PetscReal mark = (1.0 - 1e-6) * jacobi->energy[jacobi->n], most = TIE * StepsReach_Private(jacobi, mark) / work;
  GNNSteps        steps;

  PetscFunctionBegin;
  *pays = StepsWork_Private(jacobi) ? PETSC_FALSE : PETSC_TRUE;
  if (*pays) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Trial_Private(w, PetscMin((PetscInt)PetscCeilReal(most), GNN_STEPS), M, &steps));
  *pays = StepsReach_Private(&steps, mark) <= most ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNGuardRun(GNNGuard w, const GNNTrial *M, PetscInt most)
{
  GNNSteps steps;

  PetscFunctionBegin;
  PetscCall(Trial_Private(w, most, M, &steps));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscReal GNNGuardFall(GNNGuard w)
{
  return w->fall;
}

PetscBool GNNGuardIsNarrow(GNNGuard w)
{
  return w->narrow;
}

PetscErrorCode GNNGuardBegin(GNNGuard w, PetscReal *largest)
{
  const GNNTrial jacobi = {NULL, PETSC_FALSE, 0.0};
  GNNSteps      *steps  = &w->chosen;

  PetscFunctionBegin;
  PetscCall(Trace_Private(w, NULL, w->trace));
  w->traced = PETSC_TRUE;
  PetscCall(w->at->ops->probe(w->at, GNN_PROBES, w->W));
  PetscCall(Trial_Private(w, GNN_STEPS, &jacobi, steps));
  if (largest) *largest = steps->n > 0 ? StepsRitz_Private(steps, steps->n) : 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNGuardShare(GNNGuard w, const GNNConfig *config, PetscReal damping, PetscReal epsilon, PetscReal *alpha)
{
  const GNNPlace  at       = w->at;
  const PetscReal alphas[] = {1.0, 0.5, 0.25, 0.0};
  const PetscInt  nalpha   = config->output == GNN_OUTPUT_RESIDUAL ? 4 : 1;
  PetscReal       loss[4];
  PetscInt        least = 0;

  PetscFunctionBegin;
  PetscCall(at->ops->start(at, config, damping, w->base));
  PetscCall(at->ops->axpby(at, at->g->nz, -1.0, w->base, 1.0, at->slots, w->delta));
  PetscCall(LossesOfAlpha_Private(w, epsilon, nalpha, alphas, loss));
  for (PetscInt k = 1; k < nalpha; k++) {
    if (!Kept_Private(loss[least], loss[k])) least = k;
  }
  *alpha = alphas[least];
  if (*alpha != 1.0) PetscCall(at->ops->axpby(at, at->g->nz, 1.0, w->base, *alpha, w->delta, at->slots));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const PetscScalar *GNNGuardStart(GNNGuard w)
{
  return w->base;
}

PetscErrorCode GNNGuardIsNear(GNNGuard w, PetscBool *near)
{
  const GNNPlace at = w->at;
  PetscReal      dot[2]; /* the trace's distance from what it was, and that, both squared */

  PetscFunctionBegin;
  *near = PETSC_TRUE;
  if (!w->traced) {
    PetscCall(Trace_Private(w, NULL, w->trace));
    w->traced = PETSC_TRUE;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Trace_Private(w, w->trace, w->y));
  PetscCall(at->ops->dot(at, at->g->n, w->y, w->y, &w->dots[0]));
  PetscCall(at->ops->dot(at, at->g->n, w->trace, w->trace, &w->dots[1]));
  PetscCall(at->ops->read(at, sizeof(dot), w->dots, dot));
  *near = dot[0] <= MOVED * MOVED * dot[1] ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
