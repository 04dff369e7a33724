/*
   What the product reads, and the product: by rows of G^T, each of which is read once.
*/
#include "factor.h"

#define REACH 65535 /* columns from its base on that 16 bits tell */

PetscErrorCode GNNFactorFreeStored(GNNFactor f)
{
  PetscFunctionBegin;
  PetscCall(PetscFree7(f->block, f->vs, f->q, f->d, f->near, f->wide, f->js));
  f->room = f->wideroom = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Room for entries, those of wide rows among them, whole blocks; other values may leave a few more */
static PetscErrorCode FactorReserveStored_Private(GNNFactor f, PetscInt size, PetscInt wide)
{
  const PetscBool half = f->precision == GNN_HALF ? PETSC_TRUE : PETSC_FALSE;

  PetscFunctionBegin;
  if (f->block && (f->q != NULL) == half && size <= f->room && wide <= f->wideroom) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GNNFactorFreeStored(f));
  f->room     = size + PetscMin(size / 8, PETSC_MPI_INT_MAX - size);
  f->wideroom = wide + PetscMin(wide / 8, PETSC_MPI_INT_MAX - wide);
  PetscCall(PetscMalloc7(f->n + 1, &f->block, half ? 0 : f->room, &f->vs, half ? f->room : 0, &f->q, half ? f->n : 0, &f->d, half ? f->room : 0, &f->near, half ? f->wideroom / GNN_FACTOR_BLOCK : 0, &f->wide, f->wideroom, &f->js));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscInt FactorPadded_Private(GNNFactor f, PetscInt i)
{
  return (f->i[i + 1] - f->i[i] + GNN_FACTOR_BLOCK - 1) / GNN_FACTOR_BLOCK * GNN_FACTOR_BLOCK;
}

/* The column that offsets of row i count from: the row itself where G^T is upper triangular, else as many columns may lie below it as beyond */
static inline PetscInt FactorBase_Private(GNNFactor f, PetscInt i)
{
  return PetscMax(i - f->below, 0);
}

static PetscBool FactorIsWide_Private(GNNFactor f, PetscInt i)
{
  const PetscInt base = FactorBase_Private(f, i);

  return f->i[i] < f->i[i + 1] && (f->j[f->i[i]] < base || f->j[f->i[i + 1] - 1] - base > REACH) ? PETSC_TRUE : PETSC_FALSE;
}

static void FactorSetBase_Private(GNNFactor f)
{
  f->below = 0;
  for (PetscInt i = 0; i < f->n; i++) {
    if (f->i[i] < f->i[i + 1] && f->j[f->i[i]] < i) f->below = (REACH + 1) / 2;
  }
}

static PetscErrorCode FactorReserve_Private(GNNFactor f)
{
  PetscInt size = 0, wide = 0;

  PetscFunctionBegin;
  FactorSetBase_Private(f);
  for (PetscInt i = 0; i < f->n; i++) {
    const PetscInt row = FactorPadded_Private(f, i);

    PetscCheck(row < PETSC_MPI_INT_MAX - size && f->n < PETSC_MPI_INT_MAX, PETSC_COMM_SELF, PETSC_ERR_SUP, "The local factor has %" PetscInt_FMT " nonzeros: in %s precision its offsets are 32-bit, use more ranks, or -pc_gnnspai_precision double", f->i[f->n], f->precision == GNN_HALF ? "half" : "single");
    size += row;
    if (f->precision == GNN_SINGLE || FactorIsWide_Private(f, i)) wide += row;
  }
  PetscCall(FactorReserveStored_Private(f, size, wide));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* May S be multiplied into numbers in single precision: is it far from the ends of their range? */
static PetscBool FactorFoldsSingle_Private(GNNFactor f)
{
  for (PetscInt i = 0; i < f->n; i++) {
    const PetscReal s = PetscAbsScalar(f->s[i]);

    if (s != 0.0 && !(s > 1e-16 && s < 1e16)) return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

/* And into 16 bits, whose range is that of their row: is it nearly one number in each? */
static PetscBool FactorFoldsHalf_Private(GNNFactor f)
{
  for (PetscInt i = 0; i < f->n; i++) {
    PetscReal least = PETSC_MAX_REAL, most = 0.0;

    for (PetscInt k = f->i[i]; k < f->i[i + 1]; k++) {
      const PetscReal s = PetscAbsScalar(f->s[f->j[k]]);

      least = PetscMin(least, s);
      most  = PetscMax(most, s);
    }
    if (most > GNN_HALF_SPREAD * least) return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

/* S is one number a row where b = 1 */
static PetscBool FactorFolds_Private(GNNFactor f)
{
  if (f->b > 1) return PETSC_FALSE;
  return f->precision == GNN_HALF ? FactorFoldsHalf_Private(f) : FactorFoldsSingle_Private(f);
}

/* Entry k of what is stored in fewer bits */
static inline PetscReal FactorNumber_Private(GNNFactor f, PetscInt k)
{
  return PetscRealPart(f->folded ? f->v[k] * f->s[f->j[k]] : f->v[k]);
}

/* Entry k, in row i, of G^T S^T as a product with b = 1 has it */
static inline PetscScalar FactorEntry_Private(GNNFactor f, PetscInt i, PetscInt k)
{
  const PetscScalar s = f->s[f->j[k]];
  PetscScalar       v;

  if (f->precision == GNN_DOUBLE) return f->v[k] * s;
  v = f->precision == GNN_SINGLE ? (float)FactorNumber_Private(f, k) : f->d[i] * GNNHalfNumber(FactorNumber_Private(f, k), f->d[i]);
  return f->folded ? v : v * s;
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
static int FactorStoreRowSingle_Private(GNNFactor f, PetscInt i, int to)
{
  for (PetscInt k = f->i[i]; k < f->i[i + 1]; k++, to++) {
    f->js[to] = (int)f->j[k];
    f->vs[to] = (float)FactorNumber_Private(f, k);
  }
  for (; to % GNN_FACTOR_BLOCK; to++) {
    f->js[to] = f->js[to - 1];
    f->vs[to] = 0.0f;
  }
  return to;
}

/* The same; *wide: where the columns of a wide row go. Its offsets say nothing */
static int FactorStoreRowHalf_Private(GNNFactor f, PetscInt i, int to, int *wide)
{
  const PetscInt base = FactorBase_Private(f, i), first = f->i[i], size = FactorPadded_Private(f, i);
  PetscReal      largest = 0.0;
  double         d;

  for (PetscInt k = first; k < f->i[i + 1]; k++) largest = PetscMax(largest, PetscAbsReal(FactorNumber_Private(f, k)));
  d = f->d[i] = GNNHalfScale(largest);
  for (PetscInt k = first; k < f->i[i + 1]; k++, to++) {
    f->q[to]    = GNNHalfNumber(FactorNumber_Private(f, k), d);
    f->near[to] = (unsigned short)(f->j[k] - base);
  }
  for (; to % GNN_FACTOR_BLOCK; to++) {
    f->q[to]    = 0;
    f->near[to] = f->near[to - 1];
  }
  if (FactorIsWide_Private(f, i)) {
    f->wide[f->nwide++] = (int)i;
    for (PetscInt l = 0; l < size; l++) f->js[(*wide)++] = (int)f->j[PetscMin(first + l, f->i[i + 1] - 1)];
  }
  return to;
}

static PetscErrorCode FactorStoreRows_Private(GNNFactor f)
{
  int to = 0, wide = 0;

  PetscFunctionBegin;
  PetscCall(FactorReserve_Private(f));
  f->folded = FactorFolds_Private(f);
  f->nwide  = 0;
  for (PetscInt i = 0; i < f->n; i++) {
    f->block[i] = to / GNN_FACTOR_BLOCK;
    to          = f->precision == GNN_HALF ? FactorStoreRowHalf_Private(f, i, to, &wide) : FactorStoreRowSingle_Private(f, i, to);
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
  if (f->precision != GNN_DOUBLE) PetscCall(FactorStoreRows_Private(f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define ENTRIES(l) _Pragma("GCC unroll 8") for (int l = 0; l < GNN_FACTOR_BLOCK; l++)

#define NUMBER   PetscScalar
#define OF(name) name##One_Private
#include "product.h"

#define NUMBER   GNNColumns
#define OF(name) name##Columns_Private
#include "product.h"

void GNNFactorApply(GNNFactor f, const PetscScalar r[], PetscScalar z[])
{
  FactorApplyOne_Private(f, r, f->work, z);
}

PetscErrorCode GNNFactorGetColumns(GNNFactor f, GNNColumns **r, GNNColumns **z)
{
  PetscFunctionBegin;
  if (f->columns == NULL) PetscCall(GNNColumnsCreate(3 * f->n, &f->memory, &f->columns));
  *r = f->columns;
  *z = f->columns + f->n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void GNNFactorApplyColumns(GNNFactor f, const GNNColumns r[], GNNColumns z[])
{
  FactorApplyColumns_Private(f, r, f->columns + 2 * f->n, z);
}

PetscErrorCode GNNFactorApplyHalf(GNNFactor f, PetscBool left, const PetscScalar x[], PetscScalar y[])
{
  PetscFunctionBegin;
  PetscCheck(f->b == 1, PETSC_COMM_SELF, PETSC_ERR_PLIB, "Blocks have a shift");
  for (PetscInt i = 0; i < f->n; i++) y[i] = PetscSqrtScalar(f->shift[i]) * x[i];
  for (PetscInt i = 0; i < f->n; i++) {
    for (PetscInt k = f->i[i]; k < f->i[i + 1]; k++) {
      const PetscInt    j = f->j[k];
      const PetscScalar v = FactorEntry_Private(f, i, k);

      if (left) y[i] += v * x[j];
      else y[j] += v * x[i];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
