/*
   The guard: before G is used it is tried, so that a matrix outside the trained range is not worse off.

   First the SAI loss ||(At M^-1 - I) w||^2 on fixed probes w picks alpha in G = base + alpha (network - base), where the base is the
   damped start 3/2 I - t/2 At with t = min(1, 2.4/lambda_max): undamped, it is nearly singular where lambda(At) is near 3, which that
   loss hardly sees. G is linear in alpha, hence the residual is y0 + alpha y1 + alpha^2 y2, and one set of products serves every alpha.
   Then ten steps of CG on one probe with that G, with the base and with Jacobi: the one that lowers the energy norm of the error most
   is taken, the network's only if the symmetric part of its G is positive definite. The steps with Jacobi also estimate lambda_max.
   Without a residual form the base is 0 and alpha is 1.
*/
#include "gnnfactor.h"

#define NPROBE   4    /* probes, handled side by side */
#define NSTEP    10   /* steps of CG */
#define MIN_RITZ 0.17 /* least Ritz value of the symmetric part of G */

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

/* Signs from a hash of (row, probe), 0 at decoupled nodes */
static void Probes_Private(GNNGraph g, PetscScalar W[])
{
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt k = 0; k < NPROBE; k++) {
      unsigned long long h = ((unsigned long long)i * NPROBE + k + 1) * 0x9E3779B97F4A7C15ULL;

      h = (h ^ (h >> 31)) * 0xBF58476D1CE4E5B9ULL;
      W[i * NPROBE + k] = g->decoupled[i] ? 0.0 : ((h >> 40) & 1 ? 1.0 : -1.0);
    }
  }
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

/* SAI losses of base + alpha delta for the given alphas; W (n, NPROBE) probes */
static PetscErrorCode LossesOfAlpha_Private(GNNGraph g, const PetscScalar base[], const PetscScalar delta[], PetscReal epsilon, const PetscScalar W[], PetscInt nalpha, const PetscReal alpha[], PetscReal loss[])
{
  const PetscInt N = g->n * NPROBE;
  PetscScalar   *u, *v, *z[3], *y[3];
  PetscReal      c[3][3];

  PetscFunctionBegin;
  PetscCall(PetscMalloc5(N, &u, N, &v, N, &z[0], N, &z[1], N, &z[2]));
  FactorProducts_Private(g, base, delta, epsilon, W, u, v, z);
  y[0] = u; /* the work space is free again */
  y[1] = v;
  y[2] = z[0];
  Multiply_Private(g, g->at, z[0], y[0]);
  Multiply_Private(g, g->at, z[1], y[1]);
  Multiply_Private(g, g->at, z[2], y[2]);
  for (PetscInt k = 0; k < N; k++) y[0][k] -= W[k];
  for (PetscInt k = 0; k < 3; k++) {
    for (PetscInt l = 0; l < 3; l++) c[k][l] = Dot_Private(N, y[k], y[l]);
  }
  for (PetscInt k = 0; k < nalpha; k++) loss[k] = Loss_Private(c, alpha[k]);
  PetscCall(PetscFree5(u, v, z[0], z[1], z[2]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z = M r in the scaled system: (G G^T + eps I) r for slots gt of G^T, or D^-1 r where gt is NULL */
static void Precondition_Private(GNNGraph g, const PetscScalar gt[], PetscReal epsilon, const PetscScalar r[], PetscScalar z[])
{
  for (PetscInt i = 0; i < g->n; i++) z[i] = gt ? epsilon * r[i] : (g->decoupled[i] ? 0.0 : r[i] / g->at[g->diag[i]]);
  if (gt) GNN_FACTOR_PRODUCT(PetscScalar, g->n, g->i, g->j, gt, r, z)
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

/* NSTEP steps of CG for (m + m^T)/2 x = w from x = 0, m slots of the graph, preconditioned as above; w the first probe */
static PetscErrorCode StepsRun_Private(GNNGraph g, const PetscScalar m[], const PetscScalar gt[], PetscReal epsilon, const PetscScalar W[], Steps *s)
{
  const PetscInt n = g->n;
  PetscScalar   *r, *z, *p, *q;
  PetscReal      rz, start;

  PetscFunctionBegin;
  PetscCall(PetscMalloc4(n, &r, n, &z, n, &p, n, &q));
  for (PetscInt i = 0; i < n; i++) r[i] = W[i * NPROBE];
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
  PetscCall(PetscFree4(r, z, p, q));
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
static PetscErrorCode IsPositive_Private(GNNGraph g, const PetscScalar gt[], const PetscScalar W[], PetscBool *positive)
{
  Steps steps;

  PetscFunctionBegin;
  PetscCall(StepsRun_Private(g, gt, NULL, 0.0, W, &steps));
  *positive = !steps.indefinite && (steps.n == 0 || StepsRitz_Private(&steps, 1) > MIN_RITZ) ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNGuardChoose(const GNNConfig *config, GNNGraph g, PetscScalar gt[], PetscReal epsilon, PetscReal *alpha, PetscReal *damping)
{
  const PetscReal alphas[] = {1.0, 0.5, 0.25, 0.0};
  const PetscBool residual = config->output == GNN_OUTPUT_RESIDUAL ? PETSC_TRUE : PETSC_FALSE;
  const PetscInt  nalpha   = residual ? 4 : 1;
  PetscBool       positive = PETSC_TRUE;
  PetscScalar    *W, *base, *delta;
  PetscReal       loss[4], best;
  PetscInt        least = 0;
  Steps           steps;

  PetscFunctionBegin;
  *alpha   = GNN_GUARD_JACOBI;
  *damping = 1.0;
  PetscCall(PetscMalloc3(g->n * NPROBE, &W, g->nz, &base, g->nz, &delta));
  Probes_Private(g, W);
  PetscCall(StepsRun_Private(g, g->at, NULL, epsilon, W, &steps)); /* Jacobi */
  best = steps.energy;
  if (steps.n > 0) *damping = PetscMin(1.0, 2.4 / StepsRitz_Private(&steps, steps.n));
  DampedStart_Private(g, config->output, config->pattern, *damping, base);
  for (PetscInt p = 0; p < g->nz; p++) delta[p] = gt[p] - base[p];
  PetscCall(LossesOfAlpha_Private(g, base, delta, epsilon, W, nalpha, alphas, loss));
  for (PetscInt k = 1; k < nalpha; k++) {
    if (loss[k] < loss[least]) least = k;
  }
  if (residual) {
    PetscCall(StepsRun_Private(g, g->at, base, epsilon, W, &steps));
    if (steps.energy > best) {
      best   = steps.energy;
      *alpha = 0.0;
    }
  }
  for (PetscInt p = 0; p < g->nz; p++) gt[p] = base[p] + alphas[least] * delta[p];
  if (residual) PetscCall(IsPositive_Private(g, gt, W, &positive));
  if (positive && alphas[least] > 0.0) {
    PetscCall(StepsRun_Private(g, g->at, gt, epsilon, W, &steps));
    if (steps.energy > best) *alpha = alphas[least];
  }
  if (*alpha == 0.0) PetscCall(PetscArraycpy(gt, base, g->nz));
  PetscCall(PetscFree3(W, base, delta));
  PetscFunctionReturn(PETSC_SUCCESS);
}
