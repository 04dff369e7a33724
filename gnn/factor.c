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
  PetscCall(PetscFree((*factor)->block));
  PetscCall(PetscFree((*factor)->jacobi));
  PetscCall(PetscFree2((*factor)->js, (*factor)->vs));
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
void GNNFactorFill(GNNFactor f, GNNGraph g, GNNPattern pattern, PetscReal filter, const PetscScalar gt[])
{
  PetscScalar *t = f->work;
  PetscInt     k = 0;

  FactorFilters_Private(g, filter, gt, t);
  for (PetscInt i = 0; i < g->n; i++) {
    f->i[i] = k;
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      const PetscInt j = g->j[p];

      f->j[k] = j;
      f->v[k] = gt[p];
      k += (g->keep[p] != 0) & GNNPatternHas(pattern == GNN_PATTERN_LOWER, i, j) & ((filter == 0.0) | GNNEntryStays(PetscRealPart(gt[p]), PetscRealPart(t[i]), PetscRealPart(t[j])));
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

static PetscErrorCode FactorReserveSingle_Private(GNNFactor f)
{
  PetscInt blocks = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < f->n; i++) blocks += (f->i[i + 1] - f->i[i] + GNN_FACTOR_BLOCK - 1) / GNN_FACTOR_BLOCK;
  PetscCheck(f->n < PETSC_MPI_INT_MAX && blocks < PETSC_MPI_INT_MAX, PETSC_COMM_SELF, PETSC_ERR_SUP, "The local factor has %" PetscInt_FMT " nonzeros: in single precision its offsets are 32-bit, use more ranks, or -pc_gnnspai_precision double", f->i[f->n]);
  if (f->block == NULL) PetscCall(PetscMalloc1(f->n + 1, &f->block));
  if (f->vs && blocks * GNN_FACTOR_BLOCK <= f->room) PetscFunctionReturn(PETSC_SUCCESS);
  f->room = (blocks + blocks / 8) * GNN_FACTOR_BLOCK; /* other values may leave a few more */
  PetscCall(PetscFree2(f->js, f->vs));
  PetscCall(PetscMalloc2(f->room, &f->js, f->room, &f->vs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* May S be multiplied into numbers in single precision: is it one number a row, and far from the ends of their range? */
static PetscBool FactorFolds_Private(GNNFactor f)
{
  PetscBool folds = f->b == 1 ? PETSC_TRUE : PETSC_FALSE;

  for (PetscInt i = 0; f->b == 1 && i < f->n; i++) {
    const PetscReal s = PetscAbsScalar(f->s[i]);

    if (s != 0.0 && !(s > 1e-16 && s < 1e16)) folds = PETSC_FALSE;
  }
  return folds;
}

/* Entry k, in column j, of G^T S^T as a product with b = 1 has it */
static inline PetscScalar FactorEntry_Private(GNNFactor f, PetscInt k, PetscInt j)
{
  if (f->precision == GNN_DOUBLE) return f->v[k] * f->s[j];
  return f->folded ? (PetscScalar)(float)PetscRealPart(f->v[k] * f->s[j]) : (PetscScalar)(float)PetscRealPart(f->v[k]) * f->s[j];
}

/* Is G a diagonal, as Jacobi's is? Rows of G^T are then empty, or that */
static PetscBool FactorIsDiagonal_Private(GNNFactor f)
{
  for (PetscInt i = 0; i < f->n; i++) {
    if (f->i[i + 1] > f->i[i] + 1 || (f->i[i + 1] > f->i[i] && f->j[f->i[i]] != i)) return PETSC_FALSE;
  }
  return f->b == 1 ? PETSC_TRUE : PETSC_FALSE;
}

static PetscErrorCode FactorStoreDiagonal_Private(GNNFactor f)
{
  PetscFunctionBegin;
  if (f->jacobi == NULL) PetscCall(PetscMalloc1(f->n, &f->jacobi));
  for (PetscInt i = 0; i < f->n; i++) f->jacobi[i] = f->shift[i] + (f->i[i + 1] > f->i[i] ? PetscSqr(f->v[f->i[i]] * f->s[i]) : 0.0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What fills up the last block of a row is 0, in the row's last column */
static PetscErrorCode FactorStoreSingle_Private(GNNFactor f)
{
  int to = 0;

  PetscFunctionBegin;
  PetscCall(FactorReserveSingle_Private(f));
  f->folded = FactorFolds_Private(f);
  for (PetscInt i = 0; i < f->n; i++) {
    f->block[i] = to / GNN_FACTOR_BLOCK;
    for (PetscInt k = f->i[i]; k < f->i[i + 1]; k++, to++) {
      f->js[to] = (int)f->j[k];
      f->vs[to] = (float)PetscRealPart(f->folded ? f->v[k] * f->s[f->j[k]] : f->v[k]);
    }
    for (; to % GNN_FACTOR_BLOCK; to++) {
      f->js[to] = f->js[to - 1];
      f->vs[to] = 0.0f;
    }
  }
  f->block[f->n] = to / GNN_FACTOR_BLOCK;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNFactorStore(GNNFactor f, GNNPrecision precision)
{
  const PetscBool diagonal = FactorIsDiagonal_Private(f);

  PetscFunctionBegin;
  f->precision = diagonal ? GNN_DOUBLE : precision;
  if (diagonal) PetscCall(FactorStoreDiagonal_Private(f));
  else PetscCall(PetscFree(f->jacobi));
  if (f->precision == GNN_SINGLE) PetscCall(FactorStoreSingle_Private(f));
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

/* GNN_FACTOR_PRODUCT() by blocks */
static void FactorProductSingle_Private(GNNFactor f, const PetscScalar x[], PetscScalar z[])
{
  for (PetscInt i = 0; i < f->n; i++) {
    const int   first = GNN_FACTOR_BLOCK * f->block[i], last = GNN_FACTOR_BLOCK * f->block[i + 1];
    PetscScalar u[GNN_FACTOR_BLOCK] = {0}, sum;

    for (int k = first; k < last; k += GNN_FACTOR_BLOCK) {
#pragma GCC unroll 8
      for (int l = 0; l < GNN_FACTOR_BLOCK; l++) u[l] += (PetscScalar)f->vs[k + l] * x[f->js[k + l]];
    }
    sum = (u[0] + u[1]) + (u[2] + u[3]);
    for (int k = first; k < last; k += GNN_FACTOR_BLOCK) {
#pragma GCC unroll 8
      for (int l = 0; l < GNN_FACTOR_BLOCK; l++) z[f->js[k + l]] += (PetscScalar)f->vs[k + l] * sum;
    }
  }
}

void GNNFactorApply(GNNFactor f, const PetscScalar r[], PetscScalar z[])
{
  if (f->jacobi) {
    for (PetscInt i = 0; i < f->n; i++) z[i] = f->jacobi[i] * r[i];
    return;
  }
  if (f->precision == GNN_SINGLE && f->folded) {
    for (PetscInt i = 0; i < f->n; i++) z[i] = f->shift[i] * r[i];
    FactorProductSingle_Private(f, r, z);
    return;
  }
  FactorScaleBefore_Private(f, r, f->work);
  for (PetscInt i = 0; i < f->n; i++) z[i] = 0.0;
  if (f->precision == GNN_SINGLE) FactorProductSingle_Private(f, f->work, z);
  else GNN_FACTOR_PRODUCT(PetscScalar, f->n, f->i, f->j, f->v, f->work, z)
  FactorScaleAfter_Private(f, r, z);
}

PetscErrorCode GNNFactorApplyHalf(GNNFactor f, PetscBool left, const PetscScalar x[], PetscScalar y[])
{
  PetscFunctionBegin;
  PetscCheck(f->b == 1, PETSC_COMM_SELF, PETSC_ERR_PLIB, "Blocks have a shift");
  for (PetscInt i = 0; i < f->n; i++) y[i] = PetscSqrtScalar(f->shift[i]) * x[i];
  for (PetscInt i = 0; i < f->n; i++) {
    for (PetscInt k = f->i[i]; k < f->i[i + 1]; k++) {
      const PetscInt    j = f->j[k];
      const PetscScalar v = FactorEntry_Private(f, k, j);

      if (left) y[i] += v * x[j];
      else y[j] += v * x[i];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
