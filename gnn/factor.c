/*
   The factor: filled from slots, applied by rows of G^T.
*/
#include "factor.h"

PetscErrorCode GNNFactorReserve(GNNFactor f, PetscInt kept, PetscInt size)
{
  PetscInt    *j;
  PetscScalar *v;

  PetscFunctionBegin;
  if (size <= f->size) PetscFunctionReturn(PETSC_SUCCESS);
  f->size = PetscMax(size, f->size + f->size / 2);
  PetscCall(PetscMalloc2(f->size, &j, f->size, &v));
  PetscCall(PetscArraycpy(j, f->j, kept));
  PetscCall(PetscArraycpy(v, f->v, kept));
  PetscCall(PetscFree2(f->j, f->v));
  f->j = j;
  f->v = v;
  PetscCall(PetscFree(f->vs)); /* GNNFactorStore() comes after this */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNFactorCreate(GNNGraph g, GNNFactor *factor)
{
  GNNFactor f;

  PetscFunctionBegin;
  PetscCall(PetscNew(&f));
  f->b = g->b;
  f->n = g->n;
  PetscCall(PetscMalloc4(g->n + 1, &f->i, g->n * g->b, &f->s, g->n * g->b, &f->shift, g->n, &f->work));
  PetscCall(GNNFactorReserve(f, 0, g->nz));
  *factor = f;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNFactorDestroy(GNNFactor *factor)
{
  PetscFunctionBegin;
  if (*factor == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree4((*factor)->i, (*factor)->s, (*factor)->shift, (*factor)->work));
  PetscCall(PetscFree2((*factor)->j, (*factor)->v));
  PetscCall(PetscFree((*factor)->vs));
  PetscCall(PetscFree(*factor));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows of G^T from its slots that are kept, in the pattern, and stay by the filter */
void GNNFactorFill(GNNFactor f, GNNGraph g, GNNPattern pattern, PetscReal filter, const PetscScalar gt[])
{
  PetscReal *diagonal = (PetscReal *)f->work;
  PetscInt   k        = 0;

  for (PetscInt i = 0; i < g->n; i++) diagonal[i] = PetscRealPart(gt[g->diag[i]]);
  for (PetscInt i = 0; i < g->n; i++) {
    f->i[i] = k;
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      const PetscInt j = g->j[p];

      if (g->keep[p] == 0 || !GNNPatternHas(pattern == GNN_PATTERN_LOWER, i, j) || !GNNEntryStays(filter, PetscRealPart(gt[p]), diagonal[i], diagonal[j])) continue;
      f->j[k]   = j;
      f->v[k++] = gt[p];
    }
  }
  f->i[g->n] = k;
}

void GNNFactorFillJacobi(GNNFactor f, GNNGraph g)
{
  PetscInt k = 0;

  for (PetscInt i = 0; i < g->n; i++) {
    f->i[i] = k;
    if (g->decoupled[i]) continue;
    f->j[k]   = i;
    f->v[k++] = GNNJacobiEntry(1, (double)PetscRealPart(g->at[g->diag[i]]));
  }
  f->i[g->n] = k;
}

/* What M^-1 has beside S G G^T S^T. Decoupled rows couple to each other only, if at all: inside an isolated node */
void GNNFactorShift(GNNFactor f, GNNGraph g, PetscReal epsilon)
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

PetscErrorCode GNNFactorStore(GNNFactor f, PetscBool single)
{
  PetscFunctionBegin;
  f->single = single;
  if (!single) PetscCall(PetscFree(f->vs));
  if (single && f->vs == NULL) PetscCall(PetscMalloc1(f->size, &f->vs));
  for (PetscInt k = 0; single && k < f->i[f->n]; k++) f->vs[k] = (float)PetscRealPart(f->v[k]);
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

void GNNFactorApply(GNNFactor f, const PetscScalar r[], PetscScalar z[])
{
  PetscScalar *x = f->work;

  FactorScaleBefore_Private(f, r, x);
  for (PetscInt i = 0; i < f->n; i++) z[i] = 0.0;
  if (f->single) GNN_FACTOR_PRODUCT(float, f->n, f->i, f->j, f->vs, x, z)
  else GNN_FACTOR_PRODUCT(PetscScalar, f->n, f->i, f->j, f->v, x, z)
  FactorScaleAfter_Private(f, r, z);
}

PetscErrorCode GNNFactorApplyHalf(GNNFactor f, PetscBool left, const PetscScalar x[], PetscScalar y[])
{
  PetscScalar *w = f->work;

  PetscFunctionBegin;
  PetscCheck(f->b == 1, PETSC_COMM_SELF, PETSC_ERR_PLIB, "Blocks have a shift");
  for (PetscInt i = 0; i < f->n; i++) w[i] = left ? f->s[i] * x[i] : 0.0;
  for (PetscInt i = 0; i < f->n; i++) {
    if (left) y[i] = PetscSqrtScalar(f->shift[i]) * x[i];
    for (PetscInt k = f->i[i]; k < f->i[i + 1]; k++) {
      const PetscScalar v = f->single ? (PetscScalar)f->vs[k] : f->v[k];

      if (left) y[i] += v * w[f->j[k]];
      else w[f->j[k]] += v * x[i];
    }
  }
  for (PetscInt i = 0; i < f->n && !left; i++) y[i] = f->s[i] * w[i] + PetscSqrtScalar(f->shift[i]) * x[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}
