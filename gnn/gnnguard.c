/*
   The guard: before G is used, the SAI loss ||(At M^-1 - I) w||^2 of a few candidates on fixed probes w, and the best is taken,
   so that a matrix outside the trained range is not worse off. G = start + alpha out is linear in alpha, hence the residual is
   y0 + alpha y1 + alpha^2 y2, and one set of products serves every alpha.
*/
#include "gnnfactor.h"

#define NPROBE 4 /* probes, handled side by side */

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

/* z[0], z[1], z[2]: the coefficients of alpha in (start + alpha out)(start + alpha out)^T W + eps W; u, v (n, NPROBE) work */
static void FactorProducts_Private(GNNGraph g, const PetscScalar start[], const PetscScalar out[], PetscReal epsilon, const PetscScalar W[], PetscScalar u[], PetscScalar v[], PetscScalar *z[3])
{
  const PetscInt N = g->n * NPROBE;

  for (PetscInt k = 0; k < N; k++) {
    z[0][k] = epsilon * W[k];
    z[1][k] = z[2][k] = 0.0;
  }
  Multiply_Private(g, start, W, u);
  Multiply_Private(g, out, W, v);
  MultiplyTransposeAdd_Private(g, start, u, z[0]);
  MultiplyTransposeAdd_Private(g, start, v, z[1]);
  MultiplyTransposeAdd_Private(g, out, u, z[1]);
  MultiplyTransposeAdd_Private(g, out, v, z[2]);
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

PetscErrorCode GNNGuardChoose(GNNGraph g, GNNOutput output, const PetscScalar start[], const PetscScalar out[], PetscReal epsilon, PetscReal *alpha)
{
  const PetscReal candidates[] = {1.0, 0.5, 0.25, 0.0};
  const PetscInt  ncandidates = output == GNN_OUTPUT_DIRECT ? 1 : 4, N = g->n * NPROBE;
  PetscScalar    *W, *u, *v, *z[3], *y[3];
  PetscReal       c[3][3], best;

  PetscFunctionBegin;
  PetscCall(PetscMalloc6(N, &W, N, &u, N, &v, N, &z[0], N, &z[1], N, &z[2]));
  Probes_Private(g, W);
  FactorProducts_Private(g, start, out, epsilon, W, u, v, z);
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
  /* Jacobi: At D^-1 W - W */
  for (PetscInt k = 0; k < N; k++) z[1][k] = g->decoupled[k / NPROBE] ? 0.0 : W[k] / g->at[g->diag[k / NPROBE]];
  Multiply_Private(g, g->at, z[1], z[2]);
  for (PetscInt k = 0; k < N; k++) z[2][k] -= W[k];
  best   = Dot_Private(N, z[2], z[2]);
  *alpha = GNN_GUARD_JACOBI;
  for (PetscInt k = 0; k < ncandidates; k++) {
    const PetscReal loss = Loss_Private(c, candidates[k]);

    if (loss < best) {
      best   = loss;
      *alpha = candidates[k];
    }
  }
  PetscCall(PetscFree6(W, u, v, z[0], z[1], z[2]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
