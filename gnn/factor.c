/*
   The factor: filled from slots.
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
  PetscCall(PetscFree((*factor)->jacobi));
  PetscCall(PetscFree((*factor)->memory));
  PetscCall(GNNFactorFreeStored(*factor));
  PetscCall(PetscFree(*factor));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The filters of the rows */
static void FactorFilters_Private(GNNGraph g, PetscReal filter, const PetscScalar gt[], PetscScalar t[])
{
  for (PetscInt i = 0; i < g->n; i++) {
    PetscReal largest = 0.0;

    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) largest = p != g->diag[i] && PetscAbsScalar(gt[p]) > largest ? PetscAbsScalar(gt[p]) : largest;
    t[i] = GNNRowFilter(filter, PetscRealPart(gt[g->diag[i]]), largest);
  }
}

/* Rows of G^T from its slots that are kept, in the pattern, and stay by the filter. No branch, which would be mispredicted: the next entry may take the place of
   one that does not */
PetscErrorCode GNNFactorFill(GNNFactor f, GNNGraph g, GNNPattern pattern, PetscReal filter, const PetscScalar gt[])
{
  PetscScalar *t = f->work;
  PetscInt     k = 0;

  PetscFunctionBegin;
  FactorFilters_Private(g, filter, gt, t);
  PetscCall(GNNHaloShare(g->halo, (size_t)g->b * sizeof(*t), t));
  GNNFactorBegin(f, g);
  for (PetscInt i = g->first * g->b; i < g->last * g->b; i++) {
    f->i[i] = k;
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      const PetscInt j = g->j[p];

      f->j[k] = j;
      f->v[k] = gt[p];
      k += (g->keep[p] != 0) & GNNPatternHas(pattern == GNN_PATTERN_LOWER, i, j) & ((filter == 0.0) | GNNEntryStays(PetscRealPart(gt[p]), PetscRealPart(t[i]), PetscRealPart(t[j])));
    }
  }
  GNNFactorEnd(f, g, k);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void GNNFactorFillJacobi(GNNFactor f, GNNGraph g)
{
  PetscInt k = 0;

  GNNFactorBegin(f, g);
  for (PetscInt i = g->first * g->b; i < g->last * g->b; i++) {
    f->i[i] = k;
    if (g->decoupled[i]) continue;
    f->j[k]   = i;
    f->v[k++] = GNNJacobiEntry(1, (double)PetscRealPart(g->at[g->diag[i]]));
  }
  GNNFactorEnd(f, g, k);
}

/* What M^-1 has beside S G G^T S^T, in the own rows. Decoupled rows couple to each other only, if at all: inside an isolated node */
void GNNFactorShift(GNNFactor f, GNNGraph g, PetscReal epsilon)
{
  const PetscInt b = f->b;

  for (PetscInt i = 0; i < f->n / b; i++) {
    const PetscScalar *S = g->s + i * b * b, *inverse = g->inverse + i * b * b;

    for (PetscInt k = 0; k < b * b; k++) {
      const PetscInt  r = k / b, c = k % b;
      const PetscBool decoupled = g->decoupled[i * b + r] || g->decoupled[i * b + c] ? PETSC_TRUE : PETSC_FALSE;

      f->s[i * b * b + k]     = S[k];
      f->shift[i * b * b + k] = !GNNGraphIsOwn(g, i) ? 0.0 : (decoupled ? inverse[k] : GNNBlockShift(b, epsilon, S, r, c));
    }
  }
}
