static char help[] = "G in 16 bits: how far its entries are off, what the product makes of them, numbers of all sizes, rows that reach far.\n\n";

#include "../../gnn/factor.h"
#include "../testpc.h"

/* ---- factors made by hand ---- */

/* The column of entry k in row i of n, ascending in k; -1: there are no more, -2: not this one */
typedef PetscInt (*ColumnFn)(PetscInt n, PetscInt i, PetscInt k);

/* 0 to 8 entries, on both sides of the diagonal, some rows empty */
static PetscInt Band(PetscInt n, PetscInt i, PetscInt k)
{
  const PetscInt count = i % 9, j = i + 3 * k - 6;

  return k < count && j < n ? PetscMax(j, k - 6) < 0 ? -2 : j : -1;
}

static PetscInt Diagonal(PETSC_UNUSED PetscInt n, PetscInt i, PetscInt k)
{
  return k == 0 ? i : -1;
}

/* Upper triangular: every 1000th row reaches one column farther than 16 bits tell, the row behind it just as far */
static PetscInt Upper(PetscInt n, PetscInt i, PetscInt k)
{
  const PetscInt reach = i % 1000 == 7 ? 65536 : i % 1000 == 8 ? 65535 : 5, j = k == 0 ? i : k == 1 ? i + 1 : i + reach;

  return k < 3 && j < n ? j : -1;
}

/* Columns before and behind: half as far each. The first and the last row among the wide ones */
static PetscInt Arrow(PetscInt n, PetscInt i, PetscInt k)
{
  const PetscInt wide[] = {0, n / 2, n - 1}, near[] = {i - 32768, i, i + 32767};

  if (k > 2) return -1;
  if (i == 0 || i == n - 1 || i % 5000 == 1) return wide[k];
  return near[k] < 0 || near[k] >= n ? -2 : near[k];
}

/* Numbers in (-1, 1) over eight orders of magnitude; the scaling: scale times up to spread, blocks upper triangular */
static PetscErrorCode FactorCreate(PetscInt b, PetscInt n, ColumnFn column, PetscReal scale, PetscReal spread, GNNFactor *factor)
{
  struct _n_GNNGraph g = {.b = b, .n = n, .nz = 9 * n}; /* all that is asked of it */
  PetscRandom        random;
  PetscReal          x[2];
  GNNFactor          f;
  PetscInt           j, to = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscRandomCreate(PETSC_COMM_SELF, &random));
  PetscCall(PetscRandomSetType(random, PETSCRANDER48));
  PetscCall(GNNFactorCreate(&g, &f));
  for (PetscInt i = 0; i < n; i++) {
    f->i[i] = to;
    for (PetscInt k = 0; (j = column(n, i, k)) != -1; k++) {
      if (j < 0) continue;
      for (int l = 0; l < 2; l++) PetscCall(PetscRandomGetValueReal(random, &x[l]));
      f->j[to]   = j;
      f->v[to++] = (2 * x[0] - 1) * PetscPowReal(10.0, -8.0 * x[1]);
    }
  }
  f->i[n] = to;
  for (PetscInt k = 0; k < n * b; k++) {
    PetscCall(PetscRandomGetValueReal(random, &x[0]));
    f->s[k]     = k / b % b > k % b ? 0.0 : scale * PetscPowReal(spread, x[0]);
    f->shift[k] = k / b % b == k % b ? 0.01 * scale * scale : 0.0;
  }
  PetscCall(PetscRandomDestroy(&random));
  *factor = f;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* S is in the numbers that are stored where that is said */
static PetscScalar Scaling(GNNFactor f, PetscInt k)
{
  return f->folded ? f->s[f->j[k]] : 1.0;
}

/* Values become what 16 bits make of them; off: by how much, of what they may be off */
static void Round(GNNFactor f, PetscReal *off)
{
  *off = 0.0;
  for (PetscInt i = 0; i < f->n; i++) {
    PetscReal largest = 0.0, d;

    for (PetscInt k = f->i[i]; k < f->i[i + 1]; k++) largest = PetscMax(largest, PetscAbsScalar(f->v[k] * Scaling(f, k)));
    d = GNNHalfScale(largest);
    for (PetscInt k = f->i[i]; k < f->i[i + 1]; k++) {
      const PetscScalar v = f->v[k] * Scaling(f, k), rounded = d * GNNHalfNumber(v, d);

      *off    = PetscMax(*off, PetscAbsScalar(rounded - v) / (d / 2));
      f->v[k] = rounded / Scaling(f, k);
    }
  }
}

/* Largest |x - y|, over the largest |y|; infinite where one is not finite */
static PetscReal Difference(PetscInt n, const PetscScalar x[], const PetscScalar y[])
{
  PetscReal difference = 0.0, largest = 0.0;

  for (PetscInt i = 0; i < n; i++) {
    if (PetscIsInfOrNanScalar(x[i]) || PetscIsInfOrNanScalar(y[i])) return PETSC_INFINITY;
    difference = PetscMax(difference, PetscAbsScalar(x[i] - y[i]));
    largest    = PetscMax(largest, PetscAbsScalar(y[i]));
  }
  return largest > 0.0 ? difference / largest : difference;
}

/* y^T M x, for x and y as they come; size: of M, so that nothing overflows */
static PetscReal Dot(PetscInt n, const PetscScalar x[], const PetscScalar y[], PetscReal size)
{
  PetscReal dot = 0.0;

  for (PetscInt i = 0; i < n; i++) dot += PetscRealPart(x[i] / size * y[i]);
  return dot;
}

/* x and y in turn, side by side: how far from mx and my are they when multiplied? */
static PetscErrorCode ColumnsDifference(GNNFactor f, const PetscScalar x[], const PetscScalar y[], const PetscScalar mx[], const PetscScalar my[], PetscReal *difference)
{
  PetscScalar *column;
  GNNColumns  *r, *z;

  PetscFunctionBeginUser;
  PetscCall(GNNFactorGetColumns(f, &r, &z));
  PetscCall(PetscMalloc1(f->n, &column));
  for (PetscInt i = 0; i < f->n; i++) {
    for (int c = 0; c < GNN_COLUMNS; c++) r[i][c] = c % 2 ? y[i] : x[i];
  }
  GNNFactorApplyColumns(f, r, z);
  *difference = 0.0;
  for (int c = 0; c < GNN_COLUMNS; c++) {
    for (PetscInt i = 0; i < f->n; i++) column[i] = z[i][c];
    *difference = PetscMax(*difference, Difference(f->n, column, c % 2 ? my : mx));
  }
  PetscCall(PetscFree(column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestFactor(PetscInt b, PetscInt n, ColumnFn column, PetscReal scale, PetscReal spread, PetscBool folded, PetscInt wide, const char what[])
{
  const PetscReal size = scale * scale, unit = scale < 1.0 ? 1e4 : 1e-8; /* of the vectors: M^-1 is as small or as large as numbers may be */
  PetscScalar    *x, *y, *mx, *my, *exact;
  PetscReal       off, rough, difference, columns = 0.0, forms[3];
  PetscRandom     random;
  GNNFactor       f;

  PetscFunctionBeginUser;
  PetscCall(FactorCreate(b, n, column, scale, spread, &f));
  PetscCall(PetscMalloc5(n, &x, n, &y, n, &mx, n, &my, n, &exact));
  PetscCall(PetscRandomCreate(PETSC_COMM_SELF, &random));
  PetscCall(PetscRandomSetType(random, PETSCRANDER48));
  for (PetscInt i = 0; i < 2 * n; i++) {
    PetscReal r;

    PetscCall(PetscRandomGetValueReal(random, &r));
    (i < n ? x : y)[i % n] = unit * (2 * r - 1);
  }
  PetscCall(GNNFactorStore(f, GNN_DOUBLE));
  GNNFactorApply(f, x, exact);
  PetscCall(GNNFactorStore(f, GNN_HALF));
  GNNFactorApply(f, x, mx);
  GNNFactorApply(f, y, my);
  rough    = Difference(n, mx, exact);
  forms[0] = Dot(n, mx, y, size);
  forms[1] = Dot(n, my, x, size);
  forms[2] = Dot(n, mx, x, size);
  Ok(f->folded == folded && f->nwide == wide, "%s: S %s, %d wide rows", what, folded ? "multiplied in" : "apart", (int)wide);
  PetscCall(ColumnsDifference(f, x, y, mx, my, &columns));
  Ok(columns < 1e-14, "%s: columns side by side, %.1e", what, (double)columns);
  Round(f, &off);
  PetscCall(GNNFactorStore(f, GNN_DOUBLE));
  GNNFactorApply(f, x, exact);
  difference = Difference(n, mx, exact);
  Ok(off > 0.5 && off < 1.0 + 1e-9, "%s: each entry is off by half a unit at most", what);
  Ok(difference < 1e-13, "%s: the product is that of the rounded entries, but for %.1e", what, (double)difference);
  Ok(rough > 1e-8 && rough < 1e-3, "%s: and near that in double precision, %.1e", what, (double)rough);
  Ok(PetscAbsReal(forms[0] - forms[1]) < 1e-12 * PetscAbsReal(forms[2]) && forms[2] > 0.0, "%s: symmetric and positive", what);
  PetscCall(PetscRandomDestroy(&random));
  PetscCall(PetscFree5(x, y, mx, my, exact));
  PetscCall(GNNFactorDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* n = 1 and all diagonals are one number a row, in double precision */
static PetscErrorCode TestDiagonal(PetscInt n)
{
  const PetscScalar r[] = {1.0, 2.0, 3.0};
  PetscScalar       z[2][3];
  GNNFactor         f;

  PetscFunctionBeginUser;
  PetscCall(FactorCreate(1, n, Diagonal, 1.0, 1.0, &f));
  for (int k = 0; k < 2; k++) {
    PetscCall(GNNFactorStore(f, k == 0 ? GNN_DOUBLE : GNN_HALF));
    GNNFactorApply(f, r, z[k]);
  }
  Ok(Difference(n, z[1], z[0]) == 0.0, "a diagonal of %d rows is not rounded", (int)n);
  PetscCall(GNNFactorDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- scaled matrices ---- */

/* D = 10^exponent, or of both signs of the exponent */
static PetscErrorCode MatScaleBy(Mat A, PetscReal exponent, PetscBool mixed, Vec d)
{
  PetscScalar *array;
  PetscInt     n;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(d, &n));
  PetscCall(VecGetArrayWrite(d, &array));
  for (PetscInt i = 0; i < n; i++) array[i] = PetscPowReal(10.0, mixed ? exponent * PetscSinReal((PetscReal)(i + 1)) : exponent);
  PetscCall(VecRestoreArrayWrite(d, &array));
  PetscCall(MatDiagonalScale(A, d, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* CG in the natural norm does the same whatever D is */
static PetscErrorCode Iterations(PetscInt b, PCGNNSPAIValues values, PetscReal exponent, PetscBool mixed, PCGNNSPAIPrecision precision, PetscInt *its)
{
  KSPConvergedReason reason;
  Mat                A;
  Vec                x, d;
  KSP                ksp;
  PC                 pc;

  PetscFunctionBeginUser;
  PetscCall(TestMatCreateHex(9, b, 10.0, &A));
  PetscCall(TestVecRandom(A, 1, &x));
  PetscCall(VecDuplicate(x, &d));
  PetscCall(MatScaleBy(A, exponent, mixed, d));
  PetscCall(VecPointwiseMult(x, x, d));
  PetscCall(KSPCreate(PETSC_COMM_SELF, &ksp));
  PetscCall(KSPSetType(ksp, KSPCG));
  PetscCall(KSPSetNormType(ksp, KSP_NORM_NATURAL));
  PetscCall(KSPSetTolerances(ksp, 1e-8, PETSC_DEFAULT, PETSC_DEFAULT, 1000));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCGNNSPAI));
  PetscCall(PCGNNSPAISetValues(pc, values));
  PetscCall(PCGNNSPAISetCoarse(pc, 0));
  PetscCall(PCGNNSPAISetGuard(pc, PC_GNNSPAI_GUARD_NONE)); /* which goes on with Jacobi on matrices that are easy */
  PetscCall(PCGNNSPAISetPrecision(pc, precision));
  PetscCall(KSPSolve(ksp, x, d));
  PetscCall(KSPGetConvergedReason(ksp, &reason));
  PetscCall(KSPGetIterationNumber(ksp, its));
  if (reason <= 0) *its = 100000;
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestScaled(PetscInt b, PCGNNSPAIValues values)
{
  const PetscReal exponents[] = {0.0, 145.0, -145.0, 145.0, 2.0};
  PetscInt        plain, half;

  PetscFunctionBeginUser;
  PetscCall(Iterations(b, values, 0.0, PETSC_FALSE, PC_GNNSPAI_DOUBLE, &plain));
  for (int k = 0; k < 5; k++) {
    PetscCall(Iterations(b, values, exponents[k], k > 2 ? PETSC_TRUE : PETSC_FALSE, PC_GNNSPAI_HALF, &half));
    Ok(PetscAbsInt(half - plain) <= 2 && plain > 10, "%s, blocks of %d, D A D with D = 1e%s%g: %d iterations, in double precision without D %d", PCGNNSPAIValuesTypes[values], (int)b, k > 2 ? "+-" : "", (double)exponents[k], (int)half, (int)plain);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  int failed;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PCGNNSPAIRegister());
  PetscCall(TestFactor(1, 300, Band, 1.0, 1.0, PETSC_TRUE, 0, "a band"));
  PetscCall(TestFactor(1, 300, Band, 1.0, 10.0, PETSC_TRUE, 0, "S over one order"));
  PetscCall(TestFactor(1, 300, Band, 1.0, 1e8, PETSC_FALSE, 0, "S over eight"));
  PetscCall(TestFactor(1, 300, Band, 1e-152, 1.0, PETSC_TRUE, 0, "S = 1e-152")); /* d^2 would have few digits */
  PetscCall(TestFactor(1, 300, Band, 1e150, 1.0, PETSC_TRUE, 0, "S = 1e150"));
  PetscCall(TestFactor(3, 300, Band, 1.0, 10.0, PETSC_FALSE, 0, "blocks of 3"));
  PetscCall(TestFactor(1, 70000, Upper, 1.0, 1.0, PETSC_TRUE, 5, "upper triangular"));
  PetscCall(TestFactor(1, 70000, Arrow, 1.0, 1.0, PETSC_TRUE, 16, "arrow"));
  PetscCall(TestFactor(1, 70000, Arrow, 1.0, 1e8, PETSC_FALSE, 16, "arrow, S over eight orders"));
  PetscCall(TestDiagonal(1));
  PetscCall(TestDiagonal(3));
  for (PetscInt b = 1; b <= 3; b += 2) {
    PetscCall(TestScaled(b, PC_GNNSPAI_VALUES_FSAI));
    PetscCall(TestScaled(b, PC_GNNSPAI_VALUES_NETWORK));
  }
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
