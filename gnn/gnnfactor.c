/*
   The factor: assembled from the network's output, applied by rows of G^T.
*/
#include "gnnfactor.h"
#include "gnnnet.h"

PetscErrorCode GNNFactorCreate(GNNGraph g, PetscBool single, GNNFactor *factor)
{
  GNNFactor f;

  PetscFunctionBegin;
  PetscCall(PetscNew(&f));
  f->b      = g->b;
  f->n      = g->n;
  f->single = single;
  PetscCall(PetscMalloc3(g->n + 1, &f->i, g->nz, &f->j, g->nz, &f->v));
  PetscCall(PetscMalloc3(g->n * g->b, &f->s, g->n * g->b, &f->shift, g->n, &f->work));
  if (single) PetscCall(PetscMalloc1(g->nz, &f->vs));
  *factor = f;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNFactorDestroy(GNNFactor *factor)
{
  PetscFunctionBegin;
  if (*factor == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree3((*factor)->i, (*factor)->j, (*factor)->v));
  PetscCall(PetscFree3((*factor)->s, (*factor)->shift, (*factor)->work));
  PetscCall(PetscFree((*factor)->vs));
  PetscCall(PetscFree(*factor));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNFactorSlots(GNNModel m, GNNGraph g, const GNNReal net[], PetscScalar gt[], PetscInt *replaced)
{
  const GNNConfig *config = &m->config;

  PetscFunctionBegin;
  *replaced = 0;
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      const PetscBool diagonal = p == g->diag[i] ? PETSC_TRUE : PETSC_FALSE;
      PetscScalar     by_c0, by_c1;

      gt[p] = 0.0;
      if (g->keep[p] == 0 || !GNNPatternHas(config->pattern, i, g->j[p])) continue;
      GNNFactorStartTerms(config->output, config->pattern, diagonal, g->at[g->rev[p]], &by_c0, &by_c1);
      gt[p] = m->net->c[0] * by_c0 + m->net->c[1] * by_c1 + net[GNNGraphOutput(g, i, p)];
      if (PetscIsInfOrNanScalar(gt[p])) {
        gt[p] = diagonal ? 1.0 : 0.0;
        (*replaced)++;
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows of G^T from the slots that are kept and in the pattern */
static void FactorFill_Private(GNNFactor f, GNNGraph g, GNNPattern pattern, const PetscScalar gt[])
{
  PetscInt k = 0;

  for (PetscInt i = 0; i < g->n; i++) {
    f->i[i] = k;
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      if (g->keep[p] == 0 || !GNNPatternHas(pattern, i, g->j[p])) continue;
      f->j[k]   = g->j[p];
      f->v[k++] = gt[p];
    }
  }
  f->i[g->n] = k;
}

/* G = D^-1/2 of the scaled system: M^-1 is Jacobi's */
static void FactorFillJacobi_Private(GNNFactor f, GNNGraph g)
{
  PetscInt k = 0;

  for (PetscInt i = 0; i < g->n; i++) {
    f->i[i] = k;
    if (g->decoupled[i]) continue;
    f->j[k]   = i;
    f->v[k++] = 1.0 / PetscSqrtScalar(g->at[g->diag[i]]);
  }
  f->i[g->n] = k;
}

/* What M^-1 has beside S G G^T S^T. Decoupled rows couple to each other only, if at all: inside an isolated node */
static void FactorShift_Private(GNNFactor f, GNNGraph g, PetscReal epsilon)
{
  const PetscInt b = f->b;

  for (PetscInt i = 0; i < f->n / b; i++) {
    const PetscScalar *S = g->s + i * b * b, *inverse = g->inverse + i * b * b;

    for (PetscInt k = 0; k < b * b; k++) {
      const PetscInt  r = k / b, c = k % b;
      const PetscBool decoupled = g->decoupled[i * b + r] || g->decoupled[i * b + c] ? PETSC_TRUE : PETSC_FALSE;

      f->s[i * b * b + k]     = S[k];
      f->shift[i * b * b + k] = decoupled ? inverse[k] : GNNBlockShift(b, epsilon, S, r, c);
    }
  }
}

PetscErrorCode GNNFactorAssemble(GNNFactor f, GNNModel m, GNNGraph g, const GNNReal net[], PetscReal epsilon, PetscBool guard)
{
  PetscScalar *gt;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(g->nz, &gt));
  PetscCall(GNNFactorSlots(m, g, net, gt, &f->replaced));
  f->alpha = f->damping = 1.0;
  if (guard) PetscCall(GNNGuardChoose(&m->config, g, gt, epsilon, &f->alpha, &f->damping));
  if (f->alpha == GNN_GUARD_JACOBI) FactorFillJacobi_Private(f, g);
  else FactorFill_Private(f, g, m->config.pattern, gt);
  PetscCall(PetscFree(gt));
  FactorShift_Private(f, g, f->alpha == GNN_GUARD_JACOBI ? 0.0 : epsilon);
  if (f->single) {
    for (PetscInt k = 0; k < f->i[f->n]; k++) f->vs[k] = (float)PetscRealPart(f->v[k]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x = S^T r */
static void FactorScaleBefore_Private(GNNFactor f, const PetscScalar r[], PetscScalar x[])
{
  const PetscInt b = f->b;

  if (b == 1) {
    for (PetscInt i = 0; i < f->n; i++) x[i] = f->s[i] * r[i];
  } else {
    for (PetscInt i = 0; i < f->n; i += b) GNNBlockTransposeTimes(b, f->s + i * b, r + i, x + i);
  }
}

/* z = S z + B r, B the shift */
static void FactorScaleAfter_Private(GNNFactor f, const PetscScalar r[], PetscScalar z[])
{
  const PetscInt b = f->b;

  if (b == 1) {
    for (PetscInt i = 0; i < f->n; i++) z[i] = f->s[i] * z[i] + f->shift[i] * r[i];
  } else {
    for (PetscInt i = 0; i < f->n; i += b) GNNBlockTimesAdd(b, f->s + i * b, f->shift + i * b, r + i, z + i);
  }
}

PetscErrorCode GNNFactorApply(GNNFactor f, const PetscScalar r[], PetscScalar z[])
{
  PetscScalar *x = f->work;

  PetscFunctionBegin;
  FactorScaleBefore_Private(f, r, x);
  PetscCall(PetscArrayzero(z, f->n));
  if (f->single) GNN_FACTOR_PRODUCT(float, f->n, f->i, f->j, f->vs, x, z)
  else GNN_FACTOR_PRODUCT(PetscScalar, f->n, f->i, f->j, f->v, x, z)
  FactorScaleAfter_Private(f, r, z);
  PetscFunctionReturn(PETSC_SUCCESS);
}
