#include "gnnguardops.h"

PetscErrorCode GuardNew(PETSC_UNUSED GuardOps ops, PetscInt size, PetscScalar **x)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(size, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GuardFree(PETSC_UNUSED GuardOps ops, PetscScalar **x)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(*x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const PetscScalar *GuardMatrix(GuardOps ops)
{
  return ops.g->at;
}

PetscErrorCode GuardProbe(GuardOps ops, PetscInt K, PetscScalar W[])
{
  const GNNGraph g = ops.g;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt k = 0; k < K; k++) W[i * K + k] = g->decoupled[i] ? 0.0 : GNNProbeSign((unsigned long long)(i * GUARD_PROBES + k));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GuardStart(GuardOps ops, const GNNConfig *config, PetscReal damping, PetscScalar start[])
{
  const GNNGraph g = ops.g;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      PetscScalar by_c0, by_c1;

      start[p] = 0.0;
      if (g->keep[p] == 0 || !GNNPatternHas(config->pattern, i, g->j[p])) continue;
      GNNFactorStartTerms(config->output, config->pattern, p == g->diag[i] ? PETSC_TRUE : PETSC_FALSE, g->at[g->rev[p]], &by_c0, &by_c1);
      start[p] = by_c0 + damping * by_c1;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GuardJacobi(GuardOps ops, const PetscScalar r[], PetscScalar z[])
{
  const GNNGraph g = ops.g;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < g->n; i++) z[i] = g->decoupled[i] ? 0.0 : r[i] / g->at[g->diag[i]];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* For a K that the compiler knows. Row i gathers m x, and scatters its share of m^T x */
static inline void Multiply_Private(GNNGraph g, PetscReal gather, PetscReal scatter, const PetscScalar m[], PetscInt K, const PetscScalar x[], PetscScalar y[])
{
  for (PetscInt i = 0; i < g->n; i++) {
    PetscScalar sum[GUARD_PROBES] = {0};

    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      const PetscScalar *xj = x + g->j[p] * K;
      PetscScalar       *yj = y + g->j[p] * K;

      if (gather != 0.0) {
        for (PetscInt k = 0; k < K; k++) sum[k] += m[p] * xj[k];
      }
      if (scatter != 0.0) {
        for (PetscInt k = 0; k < K; k++) yj[k] += scatter * m[p] * x[i * K + k];
      }
    }
    if (gather != 0.0) {
      for (PetscInt k = 0; k < K; k++) y[i * K + k] += gather * sum[k];
    }
  }
}

static inline void MultiplyAs_Private(GNNGraph g, GuardProduct product, const PetscScalar m[], PetscInt K, const PetscScalar x[], PetscScalar y[])
{
  if (product == GUARD_PLAIN) Multiply_Private(g, 1.0, 0.0, m, K, x, y);
  else if (product == GUARD_TRANSPOSED) Multiply_Private(g, 0.0, 1.0, m, K, x, y);
  else Multiply_Private(g, 0.5, 0.5, m, K, x, y);
}

PetscErrorCode GuardMultiply(GuardOps ops, GuardProduct product, const PetscScalar m[], PetscInt K, const PetscScalar x[], PetscReal beta, PetscScalar y[])
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < ops.g->n * K; k++) y[k] = beta == 0.0 ? 0.0 : beta * y[k];
  if (K == 1) MultiplyAs_Private(ops.g, product, m, 1, x, y);
  else MultiplyAs_Private(ops.g, product, m, GUARD_PROBES, x, y);
  PetscCall(PetscLogFlops((product == GUARD_SYMMETRIC ? 6.0 : 2.0) * K * ops.g->nz));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GuardDot(PETSC_UNUSED GuardOps ops, PetscInt size, const PetscScalar x[], const PetscScalar y[], PetscReal *dot)
{
  PetscReal sum = 0.0;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < size; k++) sum += PetscRealPart(x[k] * y[k]);
  *dot = sum;
  PetscCall(PetscLogFlops(2.0 * size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GuardAXPBY(PETSC_UNUSED GuardOps ops, PetscInt size, PetscReal a, const PetscScalar x[], PetscReal b, PetscScalar y[])
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < size; k++) y[k] = a * x[k] + (b == 0.0 ? 0.0 : b * y[k]);
  PetscCall(PetscLogFlops(b == 0.0 ? 1.0 * size : 3.0 * size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GuardFactor(PETSC_UNUSED GuardOps ops, GNNFactor f, PetscReal epsilon, const PetscScalar r[], PetscScalar z[])
{
  PetscFunctionBegin;
  for (PetscInt i = 0; i < f->n; i++) z[i] = epsilon * r[i];
  GNN_FACTOR_PRODUCT(PetscScalar, f->n, f->i, f->j, f->v, r, z)
  PetscCall(PetscLogFlops(4.0 * f->i[f->n] + f->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}
