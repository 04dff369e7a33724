/*
   The guard's operations on the host.
*/
#include "guardops.h"

static PetscErrorCode Create_Private(PETSC_UNUSED GuardPlace at, size_t bytes, void *array)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc(bytes, (void **)array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Private(void *array)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(*(void **)array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Read_Private(PETSC_UNUSED GuardPlace at, size_t bytes, const void *from, void *to)
{
  PetscFunctionBegin;
  PetscCall(PetscMemcpy(to, from, bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const PetscScalar *Matrix_Private(GuardPlace at)
{
  return at.g->at;
}

static PetscErrorCode Probe_Private(GuardPlace at, PetscInt K, PetscScalar W[])
{
  const GNNGraph g = at.g;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt k = 0; k < K; k++) W[i * K + k] = g->decoupled[i] ? 0.0 : GNNProbeSign((unsigned long long)(i * GUARD_PROBES + k));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Start_Private(GuardPlace at, const GNNConfig *config, PetscReal damping, PetscScalar start[])
{
  const GNNGraph g = at.g;
  GNNStart       s = GNNConfigStart(config);

  PetscFunctionBegin;
  s.damping = (double)damping;
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) start[p] = g->keep[p] != 0 && GNNPatternHas(s.lower, i, g->j[p]) ? GNNStartEntry(&s, p == g->diag[i], (double)PetscRealPart(g->at[g->rev[p]])) : 0.0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Strengths_Private(GuardPlace at, PetscScalar m[])
{
  const GNNGraph g = at.g;

  PetscFunctionBegin;
  for (PetscInt p = 0; p < g->nz; p++) m[p] = GNNStrength(PetscRealPart(g->at[p]));
  for (PetscInt i = 0; i < g->n; i++) m[g->diag[i]] = 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobi_Private(GuardPlace at, const PetscScalar r[], PetscScalar z[])
{
  const GNNGraph g = at.g;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < g->n; i++) z[i] = g->decoupled[i] ? 0.0 : r[i] / g->at[g->diag[i]];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* For a K that the compiler knows. Row i gathers m x, and scatters its share of m^T x */
static inline void MultiplyRows_Private(GNNGraph g, PetscReal plain, PetscReal transposed, const PetscScalar m[], PetscInt K, const PetscScalar x[], PetscScalar y[])
{
  for (PetscInt i = 0; i < g->n; i++) {
    PetscScalar sum[GUARD_PROBES] = {0};

    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      const PetscScalar *xj = x + g->j[p] * K;
      PetscScalar       *yj = y + g->j[p] * K;

      if (plain != 0.0) {
        for (PetscInt k = 0; k < K; k++) sum[k] += m[p] * xj[k];
      }
      if (transposed != 0.0) {
        for (PetscInt k = 0; k < K; k++) yj[k] += transposed * m[p] * x[i * K + k];
      }
    }
    for (PetscInt k = 0; plain != 0.0 && k < K; k++) y[i * K + k] += plain * sum[k];
  }
}

static PetscErrorCode Multiply_Private(GuardPlace at, PetscReal plain, PetscReal transposed, const PetscScalar m[], PetscInt K, const PetscScalar x[], PetscReal beta, const PetscScalar v[], PetscScalar y[])
{
  const GNNGraph g = at.g;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < g->n * K; k++) y[k] = beta == 0.0 ? 0.0 : beta * v[k];
  if (transposed == 0.0 && K == 1) MultiplyRows_Private(g, plain, 0.0, m, 1, x, y);
  else if (transposed == 0.0) MultiplyRows_Private(g, plain, 0.0, m, GUARD_PROBES, x, y);
  else if (plain == 0.0 && K == 1) MultiplyRows_Private(g, 0.0, transposed, m, 1, x, y);
  else if (plain == 0.0) MultiplyRows_Private(g, 0.0, transposed, m, GUARD_PROBES, x, y);
  else MultiplyRows_Private(g, plain, transposed, m, K, x, y);
  PetscCall(PetscLogFlops((plain != 0.0 && transposed != 0.0 ? 5.0 : 2.0) * K * g->nz));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Dot_Private(PETSC_UNUSED GuardPlace at, PetscInt size, const PetscScalar x[], const PetscScalar y[], PetscReal *dot)
{
  PetscReal sum = 0.0;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < size; k++) sum += PetscRealPart(x[k] * y[k]);
  *dot = sum;
  PetscCall(PetscLogFlops(2.0 * size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AXPBY_Private(PETSC_UNUSED GuardPlace at, PetscInt size, PetscReal a, const PetscScalar x[], PetscReal b, const PetscScalar v[], PetscScalar y[])
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < size; k++) y[k] = a * x[k] + (b == 0.0 ? 0.0 : b * v[k]);
  PetscCall(PetscLogFlops(b == 0.0 ? 1.0 * size : 3.0 * size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step_Private(GuardPlace at, GNNStepsStage stage, PetscInt size, const PetscScalar x[], const PetscScalar y[], GNNSteps *steps, PetscBool *ended)
{
  PetscReal dot;

  PetscFunctionBegin;
  PetscCall(Dot_Private(at, size, x, y, &dot));
  GNNStepsTake(steps, stage, dot);
  *ended = steps->ended ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Update_Private(GuardPlace at, PetscInt size, const double c[2], const PetscScalar x[], PetscScalar y[])
{
  PetscFunctionBegin;
  PetscCall(AXPBY_Private(at, size, c[0], x, c[1], y, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Factor_Private(PETSC_UNUSED GuardPlace at, GNNFactor f, PetscReal epsilon, const PetscScalar r[], PetscScalar z[])
{
  PetscFunctionBegin;
  for (PetscInt i = 0; i < f->n; i++) z[i] = epsilon * r[i];
  GNN_FACTOR_PRODUCT(PetscScalar, f->n, f->i, f->j, f->v, r, z)
  PetscCall(PetscLogFlops(4.0 * f->i[f->n] + f->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const GuardOps GuardHost = {Create_Private, Destroy_Private, Read_Private, Matrix_Private, Probe_Private, Start_Private, Strengths_Private, Jacobi_Private, Multiply_Private, Dot_Private, AXPBY_Private, Step_Private, Update_Private, Factor_Private};
