/*
   The guard: before G is used it is tried, so that a matrix outside the trained range is not worse off.

   First the SAI loss ||(At M^-1 - I) w||^2 on fixed probes w picks alpha in G = base + alpha (network - base), where the base is the
   damped start 3/2 I - t/2 At with t = min(1, 2.4/lambda_max): undamped, it is nearly singular where lambda(At) is near 3, which that
   loss hardly sees. G is linear in alpha, hence the residual is y0 + alpha y1 + alpha^2 y2, and one set of products serves every alpha.
   Then ten steps of CG on one probe with that G, with the base and with Jacobi: the one that lowers the energy norm of the error most
   is taken, the network's only if the symmetric part of its G is positive definite. The steps with Jacobi also estimate lambda_max.
   Without a residual form the base is 0 and alpha is 1.

   All this costs about 70 products with A. What was chosen is kept for new values in the same pattern as long as the loss of the factor
   on one probe stays near the one it had then: two products, GNNGuardLoss().
*/
#include "gnnfactor.h"

#define NPROBE   4    /* probes, handled side by side */
#define NSTEP    10   /* steps of CG */
#define MIN_RITZ 0.17 /* least Ritz value of the symmetric part of G */

struct _n_GNNGuard {
  PetscScalar *W;            /* (n, NPROBE) probes */
  PetscScalar *u, *v, *z[3]; /* (n, NPROBE) work */
  PetscScalar *base, *delta; /* (nz) slots of G^T = base + alpha delta */
  PetscReal    energy;       /* of the steps with what was chosen */
};

static PetscErrorCode GuardCreate_Private(GNNGraph g, GNNGuard *guard)
{
  const PetscInt N = g->n * NPROBE;
  GNNGuard       w;

  PetscFunctionBegin;
  PetscCall(PetscNew(&w));
  PetscCall(PetscMalloc6(N, &w->W, N, &w->u, N, &w->v, N, &w->z[0], N, &w->z[1], N, &w->z[2]));
  PetscCall(PetscMalloc2(g->nz, &w->base, g->nz, &w->delta));
  *guard = w;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNGuardDestroy(GNNGuard *guard)
{
  GNNGuard w = *guard;

  PetscFunctionBegin;
  if (w == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree6(w->W, w->u, w->v, w->z[0], w->z[1], w->z[2]));
  PetscCall(PetscFree2(w->base, w->delta));
  PetscCall(PetscFree(*guard));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Y (n, NPROBE) = M X for slots m of the graph */
static void Multiply_Private(GNNGraph g, const PetscScalar m[], const PetscScalar X[], PetscScalar Y[])
{
  for (PetscInt i = 0; i < g->n; i++) {
    PetscScalar y[NPROBE] = {0};

    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      for (PetscInt k = 0; k < NPROBE; k++) y[k] += m[p] * X[g->j[p] * NPROBE + k];
    }
    for (PetscInt k = 0; k < NPROBE; k++) Y[i * NPROBE + k] = y[k];
  }
}

/* Y (n, NPROBE) += M^T X */
static void MultiplyTransposeAdd_Private(GNNGraph g, const PetscScalar m[], const PetscScalar X[], PetscScalar Y[])
{
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      for (PetscInt k = 0; k < NPROBE; k++) Y[g->j[p] * NPROBE + k] += m[p] * X[i * NPROBE + k];
    }
  }
}

/* Entry i of probe k: signs from a hash, 0 at decoupled nodes */
static PetscScalar Probe_Private(GNNGraph g, PetscInt i, PetscInt k)
{
  return g->decoupled[i] ? 0.0 : GNNProbeSign((unsigned long long)(i * NPROBE + k));
}

static PetscReal Dot_Private(PetscInt n, const PetscScalar x[], const PetscScalar y[])
{
  PetscReal sum = 0.0;

  for (PetscInt k = 0; k < n; k++) sum += PetscRealPart(x[k] * y[k]);
  return sum;
}

/* z[0], z[1], z[2]: the coefficients of alpha in (base + alpha delta)(base + alpha delta)^T W + eps W; u, v (n, NPROBE) work */
static void FactorProducts_Private(GNNGraph g, const PetscScalar base[], const PetscScalar delta[], PetscReal epsilon, const PetscScalar W[], PetscScalar u[], PetscScalar v[], PetscScalar *z[3])
{
  const PetscInt N = g->n * NPROBE;

  for (PetscInt k = 0; k < N; k++) {
    z[0][k] = epsilon * W[k];
    z[1][k] = z[2][k] = 0.0;
  }
  Multiply_Private(g, base, W, u);
  Multiply_Private(g, delta, W, v);
  MultiplyTransposeAdd_Private(g, base, u, z[0]);
  MultiplyTransposeAdd_Private(g, base, v, z[1]);
  MultiplyTransposeAdd_Private(g, delta, u, z[1]);
  MultiplyTransposeAdd_Private(g, delta, v, z[2]);
}

/* Of residual y0 + alpha y1 + alpha^2 y2 */
static PetscReal Loss_Private(PetscReal c[3][3], PetscReal alpha)
{
  const PetscReal a[3] = {1.0, alpha, alpha * alpha};
  PetscReal       sum  = 0.0;

  for (PetscInt k = 0; k < 3; k++) {
    for (PetscInt l = 0; l < 3; l++) sum += a[k] * a[l] * c[k][l];
  }
  return sum;
}

/* SAI losses of base + alpha delta for the given alphas */
static PetscErrorCode LossesOfAlpha_Private(GNNGuard w, GNNGraph g, PetscReal epsilon, PetscInt nalpha, const PetscReal alpha[], PetscReal loss[])
{
  const PetscInt N = g->n * NPROBE;
  PetscScalar   *y[3];
  PetscReal      c[3][3];

  PetscFunctionBegin;
  FactorProducts_Private(g, w->base, w->delta, epsilon, w->W, w->u, w->v, w->z);
  y[0] = w->u; /* the work space is free again */
  y[1] = w->v;
  y[2] = w->z[0];
  for (PetscInt k = 0; k < 3; k++) Multiply_Private(g, g->at, w->z[k], y[k]);
  for (PetscInt k = 0; k < N; k++) y[0][k] -= w->W[k];
  for (PetscInt k = 0; k < 3; k++) {
    for (PetscInt l = 0; l < 3; l++) c[k][l] = Dot_Private(N, y[k], y[l]);
  }
  for (PetscInt k = 0; k < nalpha; k++) loss[k] = Loss_Private(c, alpha[k]);
  PetscCall(PetscLogFlops(NPROBE * (18.0 * g->nz + 20.0 * g->n))); /* nine products and nine dot products */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* G^T in CSR: slots of the graph, or a factor's */
typedef struct {
  const PetscInt    *i, *j;
  const PetscScalar *v;
} Rows;

/* z = M r in the scaled system: (G G^T + eps I) r for the rows of G^T, or D^-1 r where they are NULL */
static void Precondition_Private(GNNGraph g, const Rows *gt, PetscReal epsilon, const PetscScalar r[], PetscScalar z[])
{
  for (PetscInt i = 0; i < g->n; i++) z[i] = gt ? epsilon * r[i] : (g->decoupled[i] ? 0.0 : r[i] / g->at[g->diag[i]]);
  if (gt) GNN_FACTOR_PRODUCT(PetscScalar, g->n, gt->i, gt->j, gt->v, r, z)
}

/* q = (m + m^T)/2 p for slots m */
static void MultiplySymmetric_Private(GNNGraph g, const PetscScalar m[], const PetscScalar p[], PetscScalar q[])
{
  for (PetscInt i = 0; i < g->n; i++) q[i] = 0.0;
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt k = g->i[i]; k < g->i[i + 1]; k++) {
      q[i] += 0.5 * m[k] * p[g->j[k]];
      q[g->j[k]] += 0.5 * m[k] * p[i];
    }
  }
}

/* What a few steps of CG tell */
typedef struct {
  PetscInt  n;                   /* steps done: fewer than NSTEP where the residual vanishes */
  PetscBool indefinite;          /* p^T A p <= 0 was met */
  PetscReal energy;              /* sum of a_k r_k^T z_k, by which the squared energy norm of the error has fallen */
  PetscReal a[NSTEP], b[NSTEP];  /* coefficients */
} Steps;

/* NSTEP steps of CG for (m + m^T)/2 x = w from x = 0, m slots of the graph, preconditioned as above; w the first probe. Works in u */
static PetscErrorCode StepsRun_Private(GNNGuard w, GNNGraph g, const PetscScalar m[], const Rows *gt, PetscReal epsilon, Steps *s)
{
  const PetscInt n = g->n;
  PetscScalar   *r = w->u, *z = w->u + n, *p = w->u + 2 * n, *q = w->u + 3 * n;
  PetscReal      rz, start;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; i++) r[i] = w->W[i * NPROBE];
  Precondition_Private(g, gt, epsilon, r, z);
  PetscCall(PetscArraycpy(p, z, n));
  start         = rz = Dot_Private(n, r, z);
  s->energy     = 0.0;
  s->indefinite = PETSC_FALSE;
  for (s->n = 0; s->n < NSTEP && rz > 1e-20 * start; s->n++) {
    PetscReal pq, rznew;

    MultiplySymmetric_Private(g, m, p, q);
    pq            = Dot_Private(n, p, q);
    s->indefinite = pq > 0.0 ? PETSC_FALSE : PETSC_TRUE;
    if (s->indefinite) break;
    s->a[s->n] = rz / pq;
    s->energy += s->a[s->n] * rz;
    for (PetscInt i = 0; i < n; i++) r[i] -= s->a[s->n] * q[i];
    Precondition_Private(g, gt, epsilon, r, z);
    rznew      = Dot_Private(n, r, z);
    s->b[s->n] = rznew / rz;
    for (PetscInt i = 0; i < n; i++) p[i] = z[i] + s->b[s->n] * p[i];
    rz = rznew;
  }
  PetscCall(PetscLogFlops((s->n + 1.0) * (6.0 * g->nz + (gt ? 4.0 * gt->i[n] : 0.0) + 12.0 * n)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Eigenvalues below x of CG's tridiagonal matrix, with diagonal 1/a_k + b_{k-1}/a_{k-1} and sqrt(b_k)/a_k beside it: signs of its Sturm sequence */
static PetscInt StepsCountBelow_Private(const Steps *s, PetscReal x)
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
static PetscReal StepsRitz_Private(const Steps *s, PetscInt k)
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

/* Slots of the start, damped */
static void DampedStart_Private(GNNGraph g, GNNOutput output, GNNPattern pattern, PetscReal damping, PetscScalar damped[])
{
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      PetscScalar by_c0, by_c1;

      damped[p] = 0.0;
      if (g->keep[p] == 0 || !GNNPatternHas(pattern, i, g->j[p])) continue;
      GNNFactorStartTerms(output, pattern, p == g->diag[i] ? PETSC_TRUE : PETSC_FALSE, g->at[g->rev[p]], &by_c0, &by_c1);
      damped[p] = by_c0 + damping * by_c1;
    }
  }
}

/* Is the symmetric part of G positive definite, by its smallest Ritz value? Where it is not, G is nearly singular for some vector, which
   neither loss nor energy sees in time. The factors of good networks have 0.19 and more, the base 0.3; At has a unit diagonal here */
static PetscErrorCode IsPositive_Private(GNNGuard w, GNNGraph g, const PetscScalar gt[], PetscBool *positive)
{
  Steps steps;

  PetscFunctionBegin;
  PetscCall(StepsRun_Private(w, g, gt, NULL, 0.0, &steps));
  *positive = !steps.indefinite && (steps.n == 0 || StepsRitz_Private(&steps, 1) > MIN_RITZ) ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* gt = base + delta, the base damped */
static void Split_Private(GNNGuard w, const GNNConfig *config, GNNGraph g, PetscReal damping, const PetscScalar gt[])
{
  DampedStart_Private(g, config->output, config->pattern, damping, w->base);
  for (PetscInt p = 0; p < g->nz; p++) w->delta[p] = gt[p] - w->base[p];
}

/* gt = base + alpha delta */
static void Mix_Private(GNNGuard w, GNNGraph g, PetscReal alpha, PetscScalar gt[])
{
  for (PetscInt p = 0; p < g->nz; p++) gt[p] = w->base[p] + alpha * w->delta[p];
}

/* Do the rows of G^T do better in the steps than what was tried before? Then they are what the next ones are compared with */
static PetscErrorCode Better_Private(GNNGuard w, GNNGraph g, const Rows *rows, PetscReal epsilon, PetscBool *better)
{
  Steps steps;

  PetscFunctionBegin;
  PetscCall(StepsRun_Private(w, g, g->at, rows, epsilon, &steps));
  *better = steps.energy > w->energy ? PETSC_TRUE : PETSC_FALSE;
  if (*better) w->energy = steps.energy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* alpha = share if the slots of G^T do better */
static PetscErrorCode Try_Private(GNNGuard w, GNNGraph g, const PetscScalar gt[], PetscReal epsilon, PetscReal share, PetscReal *alpha)
{
  const Rows rows = {g->i, g->j, gt};
  PetscBool  better;

  PetscFunctionBegin;
  PetscCall(Better_Private(w, g, &rows, epsilon, &better));
  if (better) *alpha = share;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNGuardChoose(GNNGuard *guard, const GNNConfig *config, GNNGraph g, PetscScalar gt[], PetscReal epsilon, PetscReal *alpha, PetscReal *damping)
{
  const PetscReal alphas[] = {1.0, 0.5, 0.25, 0.0};
  const PetscBool residual = config->output == GNN_OUTPUT_RESIDUAL ? PETSC_TRUE : PETSC_FALSE;
  const PetscInt  nalpha   = residual ? 4 : 1;
  PetscBool       positive = PETSC_TRUE;
  PetscReal       loss[4];
  PetscInt        least = 0;
  GNNGuard        w;
  Steps           jacobi;

  PetscFunctionBegin;
  if (*guard == NULL) PetscCall(GuardCreate_Private(g, guard));
  w = *guard;
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt k = 0; k < NPROBE; k++) w->W[i * NPROBE + k] = Probe_Private(g, i, k);
  }
  PetscCall(StepsRun_Private(w, g, g->at, NULL, epsilon, &jacobi));
  w->energy = jacobi.energy;
  *alpha    = GNN_GUARD_JACOBI;
  *damping  = jacobi.n > 0 ? PetscMin(1.0, 2.4 / StepsRitz_Private(&jacobi, jacobi.n)) : 1.0;
  Split_Private(w, config, g, *damping, gt);
  PetscCall(LossesOfAlpha_Private(w, g, epsilon, nalpha, alphas, loss));
  for (PetscInt k = 1; k < nalpha; k++) {
    if (loss[k] < loss[least]) least = k;
  }
  if (residual) PetscCall(Try_Private(w, g, w->base, epsilon, 0.0, alpha));
  Mix_Private(w, g, alphas[least], gt);
  if (residual) PetscCall(IsPositive_Private(w, g, gt, &positive));
  if (positive && alphas[least] > 0.0) PetscCall(Try_Private(w, g, gt, epsilon, alphas[least], alpha));
  if (*alpha == 0.0) PetscCall(PetscArraycpy(gt, w->base, g->nz));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNGuardRepeat(GNNGuard w, const GNNConfig *config, GNNGraph g, PetscReal alpha, PetscReal damping, PetscScalar gt[])
{
  PetscFunctionBegin;
  if (alpha == 0.0) DampedStart_Private(g, config->output, config->pattern, damping, gt);
  else {
    Split_Private(w, config, g, damping, gt);
    Mix_Private(w, g, alpha, gt);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the factor better than what GNNGuardChoose() chose? By the same steps of CG */
PetscErrorCode GNNGuardBetter(GNNGuard w, GNNFactor f, GNNGraph g, PetscReal epsilon, PetscBool *better)
{
  const Rows rows = {f->i, f->j, f->v};

  PetscFunctionBegin;
  PetscCall(Better_Private(w, g, &rows, epsilon, better));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNGuardLoss(GNNGuard w, GNNFactor f, GNNGraph g, PetscReal epsilon, PetscReal *loss)
{
  const Rows   rows = {f->i, f->j, f->v};
  PetscScalar *x = w->u, *z = w->u + g->n;

  PetscFunctionBegin;
  *loss = 0.0;
  for (PetscInt i = 0; i < g->n; i++) x[i] = Probe_Private(g, i, 0);
  Precondition_Private(g, &rows, f->alpha == GNN_GUARD_JACOBI ? 0.0 : epsilon, x, z);
  for (PetscInt i = 0; i < g->n; i++) {
    PetscScalar y = -x[i];

    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) y += g->at[p] * z[g->j[p]];
    *loss += PetscRealPart(y * y);
  }
  PetscCall(PetscLogFlops(2.0 * g->nz + 4.0 * f->i[f->n] + 4.0 * g->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}
