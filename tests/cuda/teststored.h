/* What the products on the device read of a factor, on the host */
#pragma once

#include "testdevice.h"
#include "../../gnn/model.h"
#include "../tap.h"

/* Rows of a matrix of the device, on the host: of one in 16 bits the whole numbers, with the columns by which these are multiplied, and the tiles' bases */
typedef struct {
  int    *i, *j, *base;
  double *v;
  int     wide; /* tiles */
} TestRows;

static inline PetscErrorCode TestRowsUnpack(const GNNKernelMat *m, const unsigned word[], TestRows *rows)
{
  int *tile;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(m->ntiles + 1, &tile));
  GNNCallKernel(GNNKernelToHost(tile, m->tile, (m->ntiles + 1) * sizeof(int), NULL));
  GNNCallKernel(GNNKernelToHost(rows->base, m->base, m->ntiles * sizeof(int), NULL));
  for (int t = 0; t < m->ntiles; t++) {
    rows->wide += rows->base[t] == GNN_KERNEL_WIDE;
    for (int k = rows->i[tile[t]]; k < rows->i[tile[t + 1]]; k++) {
      if (rows->base[t] != GNN_KERNEL_WIDE) rows->j[k] = rows->base[t] + (int)GNNWordOffset(word[k]);
      rows->v[k] = GNNWordNumber(word[k]);
    }
  }
  PetscCall(PetscFree(tile));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode TestRowsFetch(const GNNKernelMat *m, TestRows *rows)
{
  float    *single;
  unsigned *word;

  PetscFunctionBeginUser;
  rows->wide = 0;
  PetscCall(PetscMalloc4(m->n + 1, &rows->i, m->nz, &rows->j, m->nz, &rows->v, m->ntiles, &rows->base));
  PetscCall(PetscMalloc2(m->nz, &single, m->nz, &word));
  GNNCallKernel(GNNKernelToHost(rows->i, m->i, (m->n + 1) * sizeof(int), NULL));
  GNNCallKernel(GNNKernelToHost(rows->j, m->j, m->nz * sizeof(int), NULL));
  if (m->precision == GNN_DOUBLE) GNNCallKernel(GNNKernelToHost(rows->v, m->v, m->nz * sizeof(double), NULL));
  if (m->precision == GNN_SINGLE) {
    GNNCallKernel(GNNKernelToHost(single, m->v, m->nz * sizeof(float), NULL));
    for (int k = 0; k < m->nz; k++) rows->v[k] = single[k];
  }
  if (m->precision == GNN_HALF) {
    GNNCallKernel(GNNKernelToHost(word, m->v, m->nz * sizeof(unsigned), NULL));
    PetscCall(TestRowsUnpack(m, word, rows));
  }
  PetscCall(PetscFree2(single, word));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode TestRowsFree(TestRows *rows)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree4(rows->i, rows->j, rows->v, rows->base));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is G the transpose of G^T, entry by entry in the order of the rows? */
static inline PetscErrorCode TestTransposed(int n, const TestRows *gt, const TestRows *g, PetscBool *same)
{
  int *at;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &at));
  PetscCall(PetscArraycpy(at, g->i, n));
  *same = gt->i[n] == g->i[n] ? PETSC_TRUE : PETSC_FALSE;
  for (int r = 0; r < n && *same; r++) {
    for (int k = gt->i[r]; k < gt->i[r + 1] && *same; k++) {
      const int next = at[gt->j[k]]++; /* of its row */

      if (next >= g->i[n] || g->j[next] != r || g->v[next] != gt->v[k]) *same = PETSC_FALSE;
    }
  }
  PetscCall(PetscFree(at));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* By how much a stored number is off from that of f, at most: 1 is what may be, half a step of the row's, or a rounding to single precision. With blocks where S is apart */
static inline PetscReal TestRoundingOf(const GNNKernelMat *m, const TestRows *gt, const double scale[], PetscBool apart, GNNFactor f)
{
  PetscReal worst = 0.0;

  for (int i = 0; i < m->n; i++) {
    PetscInt p = f->i[i];

    for (int k = gt->i[i]; k < gt->i[i + 1]; k++) {
      const int j        = gt->j[k];
      PetscReal expected = 0.0, most;

      for (; p < f->i[i + 1] && f->j[p] < j; p++) continue;
      if (p < f->i[i + 1] && f->j[p] == j) expected = f->v[p] * (apart ? 1.0 : f->s[j]);
      most  = 1e-13 * PetscAbsReal(expected) + (m->precision == GNN_SINGLE ? 6e-8 * PetscAbsReal(expected) : 0.5 * scale[i]) + PETSC_MACHINE_EPSILON * PETSC_MACHINE_EPSILON;
      worst = PetscMax(worst, PetscAbsReal(gt->v[k] * (m->precision == GNN_HALF ? scale[i] : 1.0) - expected) / most);
    }
  }
  return worst;
}

/* z = M^-1 x with the stored numbers */
static inline PetscErrorCode TestStoredApply(GNNDevice d, const TestRows *gt, const double scale[], const PetscScalar x[], PetscScalar z[])
{
  const int n = d->graph.n, b = d->graph.b, apart = d->product->apart;
  double   *shift, *s, *y;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(n * b, &shift, n * b, &s, n, &y));
  GNNCallKernel(GNNKernelToHost(shift, d->shift, (size_t)n * b * sizeof(double), NULL));
  if (apart) GNNCallKernel(GNNKernelToHost(s, d->graph.s, (size_t)n * b * sizeof(double), NULL));
  for (int i = 0; i < n * b; i++) s[i] = apart ? s[i] : i / b % b == i % b;
  for (int i = 0; i < n; i += b) GNNBlockTransposeTimes(b, s + i * b, x + i, y + i);
  for (int i = 0; i < n; i++) z[i] = 0.0;
  for (int i = 0; i < n; i++) {
    double u = 0.0;

    for (int k = gt->i[i]; k < gt->i[i + 1]; k++) u += gt->v[k] * y[gt->j[k]];
    if (d->product->gt.mat.precision == GNN_HALF) u *= scale[i] * scale[i];
    for (int k = gt->i[i]; k < gt->i[i + 1]; k++) z[gt->j[k]] += gt->v[k] * u;
  }
  for (int i = 0; i < n; i += b) GNNBlockTimesAdd(b, s + i * b, shift + i * b, x + i, z + i);
  PetscCall(PetscFree3(shift, s, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define TEST_COLUMNS 3

/* x times powers of 2, several at once and apart in memory: z times those, to the bit, and nothing written between them */
static inline PetscErrorCode TestStoredColumns(const char what[], GNNDevice d, const PetscScalar x[], const PetscScalar z[])
{
  const int    n = d->graph.n, ldr = n + 3, ldz = n + 5;
  PetscScalar *r, *y;
  double      *dr, *dz;
  int          differing = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc2(TEST_COLUMNS * ldr, &r, TEST_COLUMNS * ldz, &y));
  for (int c = 0; c < TEST_COLUMNS; c++) {
    for (int i = 0; i < n; i++) r[c * ldr + i] = ldexp(1.0, c) * x[i];
  }
  for (int i = 0; i < TEST_COLUMNS * ldz; i++) y[i] = 77.0;
  GNNCallKernel(GNNKernelMalloc((void **)&dr, TEST_COLUMNS * ldr * sizeof(double)));
  GNNCallKernel(GNNKernelMalloc((void **)&dz, TEST_COLUMNS * ldz * sizeof(double)));
  GNNCallKernel(GNNKernelToDevice(dr, r, TEST_COLUMNS * ldr * sizeof(double), NULL));
  GNNCallKernel(GNNKernelToDevice(dz, y, TEST_COLUMNS * ldz * sizeof(double), NULL));
  PetscCall(GNNDeviceApplyColumns(d, TEST_COLUMNS, dr, ldr, dz, ldz, NULL));
  GNNCallKernel(GNNKernelToHost(y, dz, TEST_COLUMNS * ldz * sizeof(double), NULL));
  for (int c = 0; c < TEST_COLUMNS; c++) {
    for (int i = 0; i < ldz; i++) differing += y[c * ldz + i] != (i < n ? ldexp(1.0, c) * z[i] : 77.0);
  }
  Ok(differing == 0, "%s: several vectors at once, %d numbers differ", what, differing);
  GNNCallKernel(GNNKernelFree(dr));
  GNNCallKernel(GNNKernelFree(dz));
  PetscCall(PetscFree2(r, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Both products of a factor that has been applied, z = M^-1 x, read the same numbers, which are those of f, where it is given, but for their rounding */
static inline PetscErrorCode TestStored(const char what[], GNNDevice d, GNNFactor f, const PetscScalar x[], const PetscScalar z[])
{
  const GNNDeviceFactor *p = d->product;
  const int              n = d->graph.n;
  PetscReal              off, product;
  PetscBool              same = PETSC_FALSE;
  TestRows               gt, g;
  double                *scale, *stored;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc2(n, &scale, n, &stored));
  PetscCall(TestRowsFetch(&p->gt.mat, &gt));
  PetscCall(TestRowsFetch(&p->g.mat, &g));
  if (p->gt.mat.scale) GNNCallKernel(GNNKernelToHost(scale, p->gt.mat.scale, n * sizeof(double), NULL));
  PetscCall(TestTransposed(n, &gt, &g, &same));
  PetscCall(TestStoredApply(d, &gt, scale, x, stored));
  off     = f ? TestRoundingOf(&p->gt.mat, &gt, scale, p->apart, f) : 0.0;
  product = TestArrayDifference(n, z, stored);
  Ok(same && off <= 1.0 && product <= 1e-13, "%s: stored in %s, rounded by %.2f of what may be; G is the transpose of G^T, the product is theirs, %.1e", what, TestPrecisions[p->gt.mat.precision], (double)off, (double)product);
  PetscCall(TestStoredColumns(what, d, x, z));
  PetscCall(TestRowsFree(&gt));
  PetscCall(TestRowsFree(&g));
  PetscCall(PetscFree2(scale, stored));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Stored in every precision, and then again as at first: the same product, to the bit */
static inline PetscErrorCode TestPrecisionChanges(const char what[], GNNPlace at, PetscInt n, const PetscScalar x[])
{
  const GNNPrecision order[] = {GNN_HALF, GNN_DOUBLE, GNN_SINGLE, GNN_HALF, GNN_DOUBLE};
  PetscReal          worst   = 0.0;
  PetscScalar       *z[5];
  double            *dx, *dz;

  PetscFunctionBeginUser;
  GNNCallKernel(GNNKernelMalloc((void **)&dx, n * sizeof(double)));
  GNNCallKernel(GNNKernelMalloc((void **)&dz, n * sizeof(double)));
  GNNCallKernel(GNNKernelToDevice(dx, x, n * sizeof(double), NULL));
  for (int k = 0; k < 5; k++) {
    PetscCall(PetscMalloc1(n, &z[k]));
    PetscCall(at->ops->store(at, order[k]));
    PetscCall(GNNDeviceApply(at->device, dx, dz, NULL));
    GNNCallKernel(GNNKernelToHost(z[k], dz, n * sizeof(double), NULL));
    PetscCheck(at->device->product->g.mat.precision == order[k], PETSC_COMM_SELF, PETSC_ERR_PLIB, "It is not stored so");
  }
  for (int k = 0; k < 4; k++) worst = PetscMax(worst, TestArrayDifference(n, z[k], z[4]) / TestRounding(order[k]));
  Ok(worst <= 1.0 && !memcmp(z[0], z[3], n * sizeof(**z)) && !memcmp(z[1], z[4], n * sizeof(**z)) && (n < 100 || memcmp(z[3], z[4], n * sizeof(**z))), "%s: stored in other precisions, and again: the same bits; differences of %.2g of what may be", what, (double)worst);
  for (int k = 0; k < 5; k++) PetscCall(PetscFree(z[k]));
  GNNCallKernel(GNNKernelFree(dx));
  GNNCallKernel(GNNKernelFree(dz));
  PetscFunctionReturn(PETSC_SUCCESS);
}
