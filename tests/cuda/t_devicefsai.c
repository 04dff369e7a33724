static char help[] = "The classical factor made on the device against the host's: pattern, values, product, the guard's probe; awkward rows, refresh.\n\
Linked with the CUDA kernels it runs on a GPU; without a GPU it is linked with the same kernels compiled for tests/cuda/emulate.h.\n";

#include "teststored.h"
#include "../../gnn/fsairow.h"
#include "../testpc.h"

#if defined(GNN_EMULATE)
  #define POINTS 7
#else
  #define POINTS 70 /* more rows than one block sums up in one go */
#endif

static const PetscReal all[] = {0.0, 0.07, 0.01}; /* thresholds */

/* ---- both factors of a matrix ---- */

typedef struct {
  PetscInt     n, nz;
  GNNGraph     graph;
  GNNScaling   scaling;
  PetscReal    threshold;
  GNNFactor    host, fetched; /* the device's, brought back */
  GNNPlace     place[2];      /* host, device */
  GNNDevice    device;        /* of that */
  Mat          D;
  GNNPrecision precision;
  PetscBool    keep;  /* the columns that the factors have, if any? */
  double      *x, *z; /* on the device */
  PetscScalar *hx, *hz, *dz;
} Both;

#define EPSILON 1e-3

static PetscErrorCode BothCreate(Mat A, PetscReal threshold, GNNScaling scaling, GNNPrecision precision, Both *b)
{
  const PetscInt *ia, *ja;
  PetscBool       done;

  PetscFunctionBeginUser;
  b->threshold = threshold;
  b->scaling   = scaling;
  b->precision = precision;
  PetscCall(MatGetRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &b->n, &ia, &ja, &done));
  PetscCall(GNNGraphCreate(1, b->n, ia, ja, &b->graph));
  PetscCall(MatRestoreRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &b->n, &ia, &ja, &done));
  b->n  = b->graph->n;
  b->nz = b->graph->nz;
  PetscCall(GNNFactorCreate(b->graph, &b->host));
  PetscCall(GNNFactorCreate(b->graph, &b->fetched));
  PetscCall(TestPlacesCreate(A, NULL, b->graph, b->host, b->fetched, precision, PETSC_FALSE, &b->D, b->place));
  b->device = b->place[1]->device;
  PetscCall(PetscMalloc3(b->n, &b->hx, b->n, &b->hz, b->n, &b->dz));
  for (PetscInt i = 0; i < b->n; i++) b->hx[i] = PetscSinReal(1.0 + (PetscReal)i);
  GNNCallKernel(GNNKernelMalloc((void **)&b->x, b->n * sizeof(double)));
  GNNCallKernel(GNNKernelMalloc((void **)&b->z, b->n * sizeof(double)));
  GNNCallKernel(GNNKernelToDevice(b->x, b->hx, b->n * sizeof(double), NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BothDestroy(Both *b)
{
  PetscFunctionBeginUser;
  GNNCallKernel(GNNKernelFree(b->x));
  GNNCallKernel(GNNKernelFree(b->z));
  for (int k = 0; k < 2; k++) PetscCall(GNNPlaceDestroy(&b->place[k]));
  PetscCall(MatDestroy(&b->D));
  PetscCall(GNNFactorDestroy(&b->host));
  PetscCall(GNNFactorDestroy(&b->fetched));
  PetscCall(GNNGraphDestroy(&b->graph));
  PetscCall(PetscFree3(b->hx, b->hz, b->dz));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The factor at a place, for the values of a matrix there */
static PetscErrorCode RunPlace(GNNPlace at, Mat A, const Both *b, GNNPrecision precision, PetscBool loss)
{
  PetscFunctionBeginUser;
  PetscCall(at->ops->values(at, A, b->scaling));
  PetscCall(at->ops->fsai(at, b->threshold, b->keep ? PETSC_FALSE : PETSC_TRUE));
  PetscCall(at->ops->finish(at, EPSILON, loss));
  PetscCall(at->ops->report(at));
  PetscCall(at->ops->store(at, precision));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The device's alone: set-up, product, factor */
static PetscErrorCode BothRunDevice(Both *b, PetscBool loss)
{
  PetscFunctionBeginUser;
  PetscCall(RunPlace(b->place[1], b->D, b, b->precision, loss));
  PetscCall(GNNDeviceApply(b->device, b->x, b->z, NULL));
  GNNCallKernel(GNNKernelToHost(b->dz, b->z, b->n * sizeof(double), NULL));
  PetscCall(b->place[1]->ops->fetch(b->place[1], b->D));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BothRun(Both *b, Mat A)
{
  PetscFunctionBeginUser;
  PetscCall(MatCopy(A, b->D, SAME_NONZERO_PATTERN));
  PetscCall(RunPlace(b->place[0], A, b, GNN_DOUBLE, PETSC_TRUE));
  GNNFactorApply(b->host, b->hx, b->hz);
  PetscCall(BothRunDevice(b, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- comparisons ---- */

/* Stored zeros of rows that are Jacobi's are dropped, where the pattern is that of slots */
static void DropZeros(GNNFactor f)
{
  PetscInt k = 0;

  for (PetscInt i = 0, p = 0; i < f->n; i++) {
    for (; p < f->i[i + 1]; p++) {
      if (f->v[p] == 0.0) continue;
      f->j[k]   = f->j[p];
      f->v[k++] = f->v[p];
    }
    f->i[i + 1] = k;
  }
}

/* Same entries; largest difference of their values relative to the largest of all */
static PetscReal FactorDifference(GNNFactor x, GNNFactor y)
{
  if (memcmp(x->i, y->i, (y->n + 1) * sizeof(PetscInt)) || memcmp(x->j, y->j, y->i[y->n] * sizeof(PetscInt))) return PETSC_INFINITY;
  return TestArrayDifference(y->i[y->n], x->v, y->v);
}

/* Factor, product and report of both */
static PetscErrorCode OkBoth(Both *b, const char what[])
{
  const PetscReal  tolerance = PetscMax(1e-12, TestRounding(b->precision));
  const GNNReport *host = &b->place[0]->report, *device = &b->place[1]->report;
  PetscReal        factor, product, loss = 0.0;

  PetscFunctionBeginUser;
  PetscCall(TestProbeLoss(b->graph, b->host->i, b->host->j, b->host->v, EPSILON, &loss));
  if (device->failed > 0) DropZeros(b->fetched);
  factor  = FactorDifference(b->fetched, b->host);
  product = TestArrayDifference(b->n, b->dz, b->hz);
  Ok(factor <= 1e-12, "%s: the same entries of G, largest difference %.1e (%s)", what, (double)factor, WHERE);
  Ok(product <= tolerance, "%s: M^-1 x, %.1e", what, (double)product);
  PetscCall(TestStored(what, b->device, b->fetched, b->hx, b->dz));
  Ok(device->status == GNN_GRAPH_OK && device->failed == host->failed && device->coupled == host->coupled && PetscAbsReal(device->loss - loss) <= 10.0 * tolerance * PetscMax(loss, 1.0) && PetscAbsReal(host->loss - loss) <= 1e-12 * PetscMax(loss, 1.0), "%s: report, %d rows failed, %d coupled, loss %g against %g", what,
     (int)device->failed, (int)device->coupled, (double)device->loss, (double)loss);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Again, and with every number of lanes that may share a row: the same bits */
static PetscErrorCode OkBits(Both *b, const char what[])
{
  const int    lanes[] = {b->device->fsai.lanes, 8, 16, 32};
  PetscBool    same    = PETSC_TRUE;
  PetscInt     nz      = b->fetched->i[b->n];
  PetscScalar *v, *z;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(nz, &v, b->n, &z));
  PetscCall(PetscArraycpy(v, b->fetched->v, nz));
  PetscCall(PetscArraycpy(z, b->dz, b->n));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(lanes); k++) {
    b->device->fsai.lanes = lanes[k];
    PetscCall(BothRunDevice(b, PETSC_FALSE)); /* whose partial sums take an emulation long */
    if (b->place[1]->report.failed > 0) DropZeros(b->fetched);
    if (b->fetched->i[b->n] != nz || memcmp(v, b->fetched->v, nz * sizeof(*v)) || memcmp(z, b->dz, b->n * sizeof(*z))) same = PETSC_FALSE;
  }
  Ok(same, "%s: the same bits every time, by 8, 16 and 32 lanes", what);
  b->device->fsai.lanes = lanes[0];
  PetscCall(PetscFree2(v, z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestCase(const char name[], Mat A, PetscReal threshold, GNNScaling scaling, GNNPrecision precision, Both *kept)
{
  char what[128];
  Both b = {0};

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(what, sizeof(what), "%s, threshold %g%s, %s", name, (double)threshold, scaling == GNN_SCALING_MEAN ? ", mean scaling" : "", TestPrecisions[precision]));
  PetscCall(BothCreate(A, threshold, scaling, precision, &b));
  PetscCall(BothRun(&b, A));
  PetscCall(OkBoth(&b, what));
  PetscCall(OkBits(&b, what));
  if (precision != GNN_DOUBLE) PetscCall(TestPrecisionChanges(what, b.place[1], b.n, b.hx));
  if (kept) *kept = b;
  else PetscCall(BothDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestMatrix(const char name[], Mat *A)
{
  PetscFunctionBeginUser;
  PetscCall(TestCase(name, *A, all[0], GNN_SCALING_DIAGONAL, GNN_HALF, NULL));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(all); k++) PetscCall(TestCase(name, *A, all[k], GNN_SCALING_DIAGONAL, GNN_DOUBLE, NULL));
  PetscCall(MatDestroy(A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- matrices ---- */

/* Rows coupled to the reach rows before and behind, each weight another, of about w / reach times the diagonal */
static PetscErrorCode BandMat(PetscInt n, PetscInt reach, PetscReal w, Mat *A)
{
  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, n, n, 2 * reach + 1, NULL, A));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(MatSetValue(*A, i, i, 1.0 + 0.1 * (i % 3), INSERT_VALUES));
    for (PetscInt j = PetscMax(0, i - reach); j < i; j++) {
      const PetscReal value = -w / reach * (0.5 + PetscAbsReal(PetscSinReal((PetscReal)(i + 3 * i * j))));

      PetscCall(MatSetValue(*A, i, j, value, INSERT_VALUES));
      PetscCall(MatSetValue(*A, j, i, value, INSERT_VALUES));
    }
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Row and column of the hub are full, other rows are coupled to reach before and behind; As_hub,i is just above the least threshold */
static PetscErrorCode ArrowMat(PetscInt n, PetscInt hub, PetscInt reach, Mat *A)
{
  PetscInt *length;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &length));
  for (PetscInt i = 0; i < n; i++) length[i] = i == hub ? n : 2 + 2 * reach;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, n, n, 0, length, A));
  PetscCall(PetscFree(length));
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal w = -0.012 - 0.002 * PetscSinReal((PetscReal)i), chain = -0.1 - 0.01 * PetscCosReal((PetscReal)i);

    PetscCall(MatSetValue(*A, i, i, 1.0, INSERT_VALUES));
    if (i == hub) continue;
    PetscCall(MatSetValue(*A, i, hub, w, INSERT_VALUES));
    PetscCall(MatSetValue(*A, hub, i, w, INSERT_VALUES));
    for (PetscInt k = 1; k <= reach && i - k >= 0; k++) {
      if (i - k == hub) continue;
      PetscCall(MatSetValue(*A, i, i - k, chain / (PetscReal)k, INSERT_VALUES));
      PetscCall(MatSetValue(*A, i - k, i, chain / (PetscReal)k, INSERT_VALUES));
    }
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 7-point Laplacian of k^3 points: all its entries are ties */
static PetscErrorCode LaplacianMat(PetscInt k, Mat *A)
{
  const PetscInt n = k * k * k, step[] = {1, k, k * k};

  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, n, n, 7, NULL, A));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(MatSetValue(*A, i, i, 6.0, INSERT_VALUES));
    for (PetscInt d = 0; d < 3; d++) {
      if (i / step[d] % k == k - 1) continue;
      PetscCall(MatSetValue(*A, i, i + step[d], -1.0, INSERT_VALUES));
      PetscCall(MatSetValue(*A, i + step[d], i, -1.0, INSERT_VALUES));
    }
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- tests ---- */

/* Rows with 0, 1, 31, 33, the cap's and more columns before them, and such that grow beyond the cap */
static PetscErrorCode TestLengths(void)
{
  const PetscInt reach[] = {1, 31, 33, GNN_FSAI_MAX, GNN_FSAI_MAX + 11};
  PetscInt       full    = 0;
  char           name[64];
  Mat            A;
  Both           b;

  PetscFunctionBeginUser;
  PetscCall(BandMat(0, 0, 0.0, &A));
  PetscCall(TestMatrix("no row", &A));
  PetscCall(BandMat(1, 0, 0.0, &A));
  PetscCall(TestMatrix("one row", &A));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(reach); k++) {
    const PetscReal half = 0.35 / reach[k]; /* what about half of the entries are above */

    PetscCall(BandMat(130, reach[k], 0.35, &A));
    PetscCall(PetscSNPrintf(name, sizeof(name), "%d columns a row", (int)reach[k]));
    PetscCall(TestCase(name, A, all[0], GNN_SCALING_DIAGONAL, GNN_DOUBLE, NULL));
    PetscCall(TestCase(name, A, half, GNN_SCALING_DIAGONAL, GNN_DOUBLE, NULL));
    PetscCall(MatDestroy(&A));
  }
  PetscCall(BandMat(130, 40, 0.35, &A));
  PetscCall(TestCase("rows that grow", A, 1e-3, GNN_SCALING_DIAGONAL, GNN_DOUBLE, &b));
  for (PetscInt i = 0; i < b.n; i++) full += b.host->i[i + 1] - b.host->i[i] == GNN_FSAI_MAX + 1;
  Ok(full > 10, "rows that grow: %d to the cap", (int)full);
  PetscCall(BothDestroy(&b));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A row longer than any table: of its columns the best are taken. The same node at the start: it is in the pattern of all behind it, whose
   neighbours are then all nodes; its row of G is longer than a tile */
static PetscErrorCode TestHub(void)
{
  const PetscReal grown = 0.009;
  Mat             A;
  Both            b;

  PetscFunctionBeginUser;
  PetscCall(ArrowMat(2000, 1999, 1, &A));
  PetscCall(TestCase("a last row of 2000", A, all[0], GNN_SCALING_DIAGONAL, GNN_DOUBLE, NULL));
  PetscCall(MatDestroy(&A));
  PetscCall(ArrowMat(2000, 0, 1, &A));
  PetscCall(TestCase("a first row of 2000", A, all[0], GNN_SCALING_DIAGONAL, GNN_DOUBLE, NULL));
  PetscCall(TestCase("a first row of 2000", A, all[0], GNN_SCALING_DIAGONAL, GNN_HALF, NULL));
  PetscCall(MatDestroy(&A));
  PetscCall(ArrowMat(2000, 100, 1, &A));
  PetscCall(TestCase("an early row of 2000", A, grown, GNN_SCALING_DIAGONAL, GNN_HALF, &b));
  Ok(b.device->last.late == 0 && b.fetched->i[b.n] > 2 * b.n, "an early row of 2000, which no row of 4 walks: %d rows in the second pass, %d entries", b.device->last.late, (int)b.fetched->i[b.n]);
  PetscCall(BothDestroy(&b));
  PetscCall(MatDestroy(&A));
  PetscCall(ArrowMat(700, 20, 5, &A));
  PetscCall(TestCase("an early row of 700", A, grown, GNN_SCALING_DIAGONAL, GNN_DOUBLE, &b));
  Ok(b.device->last.late > 100 && b.fetched->i[b.n] > 2 * b.n, "an early row of 700, which rows of 12 walk: %d rows in the second pass, %d entries", b.device->last.late, (int)b.fetched->i[b.n]);
  PetscCall(BothDestroy(&b));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows from the given one on are Jacobi's; all are where they are more than half */
static PetscErrorCode TestIndefinite(const char name[], PetscInt first)
{
  Mat  A;
  Both b;

  PetscFunctionBeginUser;
  PetscCall(BandMat(60, 3, 0.35, &A));
  for (PetscInt i = first; i < 60; i++) {
    PetscCall(MatSetValue(A, i, i - 1, -2.0, INSERT_VALUES));
    PetscCall(MatSetValue(A, i - 1, i, -2.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(all); k++) {
    PetscCall(TestCase(name, A, all[k], GNN_SCALING_DIAGONAL, GNN_DOUBLE, &b));
    Ok(b.place[1]->report.failed > 0 && (b.place[1]->report.failed == b.n) == (first < 30), "%s: %d rows are Jacobi's", name, (int)b.place[1]->report.failed);
    PetscCall(BothDestroy(&b));
  }
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A grown factor follows the values; its memory is made once more where it does not suffice, and then stays */
static PetscErrorCode TestRefresh(GNNPrecision precision)
{
  const PetscReal grown = 0.003;
  char            what[64];
  void           *pieces, *gt;
  Mat             few, many;
  Both            b = {0};

  PetscFunctionBeginUser;
  PetscCall(BandMat(150, 2, 0.05, &few));
  PetscCall(BandMat(150, 2, 0.45, &many));
  PetscCall(BothCreate(few, grown, GNN_SCALING_DIAGONAL, precision, &b));
  PetscCall(BothRun(&b, few));
  PetscCall(PetscSNPrintf(what, sizeof(what), "%s, few entries", TestPrecisions[precision]));
  PetscCall(OkBoth(&b, what));
  Ok(b.device->fsai.room == b.nz && b.fetched->i[b.n] < b.nz, "%s: they fit", what);
  PetscCall(BothRun(&b, many));
  PetscCall(PetscSNPrintf(what, sizeof(what), "%s, more than A has", TestPrecisions[precision]));
  PetscCall(OkBoth(&b, what));
  Ok(b.device->fsai.room > b.fetched->i[b.n] && b.fetched->i[b.n] > b.nz, "%s: %d of %d", what, (int)b.fetched->i[b.n], (int)b.nz);
  pieces = b.device->pieces;
  gt     = b.device->classical.gt.memory;
  PetscCall(BothRun(&b, few));
  PetscCall(PetscSNPrintf(what, sizeof(what), "%s, few again", TestPrecisions[precision]));
  PetscCall(OkBoth(&b, what));
  PetscCall(BothRun(&b, many));
  PetscCall(PetscSNPrintf(what, sizeof(what), "%s, many again", TestPrecisions[precision]));
  PetscCall(OkBoth(&b, what));
  Ok(pieces == b.device->pieces && gt == b.device->classical.gt.memory, "%s: in the memory that there is", what);
  PetscCall(BothDestroy(&b));
  PetscCall(MatDestroy(&few));
  PetscCall(MatDestroy(&many));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* D A D with a third of the diagonal larger, so that it is another matrix with a unit diagonal, too */
static PetscErrorCode RunOther(Both *b, Mat A)
{
  Mat B;
  Vec d;

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &B));
  PetscCall(MatCreateVecs(A, NULL, &d));
  for (PetscInt i = 0; i < b->n; i++) PetscCall(VecSetValue(d, i, 1.0 + 0.3 * PetscSinReal((PetscReal)i), INSERT_VALUES));
  PetscCall(MatDiagonalScale(B, d, d));
  for (PetscInt i = 0; i < b->n; i += 3) PetscCall(MatSetValue(B, i, i, 0.5, ADD_VALUES));
  PetscCall(MatAssemblyBegin(B, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(B, MAT_FINAL_ASSEMBLY));
  PetscCall(BothRun(b, B));
  PetscCall(VecDestroy(&d));
  PetscCall(MatDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns that are kept: with equal values the bits of growth, with others the same columns; grown where there are none, or rows are decoupled that were not */
static PetscErrorCode TestKept(const char name[], Mat A, PetscReal threshold)
{
  char         what[128];
  PetscInt     nz;
  PetscInt    *j;
  PetscScalar *v;
  Both         b = {.keep = PETSC_TRUE};

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(what, sizeof(what), "%s, columns kept, threshold %g", name, (double)threshold));
  PetscCall(BothCreate(A, threshold, GNN_SCALING_DIAGONAL, GNN_DOUBLE, &b));
  PetscCall(BothRun(&b, A));
  PetscCall(OkBoth(&b, what));
  Ok(!b.device->fsai.kept, "%s: there are none at first", what);
  nz = b.fetched->i[b.n];
  PetscCall(PetscMalloc2(nz, &j, nz, &v));
  PetscCall(PetscArraycpy(j, b.fetched->j, nz));
  PetscCall(PetscArraycpy(v, b.fetched->v, nz));
  PetscCall(BothRun(&b, A));
  PetscCall(OkBoth(&b, what));
  Ok(b.device->fsai.kept && b.fetched->i[b.n] == nz && !memcmp(j, b.fetched->j, nz * sizeof(*j)) && !memcmp(v, b.fetched->v, nz * sizeof(*v)), "%s: with equal values the same bits", what);
  PetscCall(OkBits(&b, what));
  PetscCall(RunOther(&b, A));
  PetscCall(OkBoth(&b, what));
  Ok(b.device->fsai.kept && b.fetched->i[b.n] == nz && !memcmp(j, b.fetched->j, nz * sizeof(*j)) && memcmp(v, b.fetched->v, nz * sizeof(*v)), "%s: with others the same columns", what);
  b.keep = PETSC_FALSE;
  PetscCall(RunOther(&b, A));
  b.keep = PETSC_TRUE;
  Ok(b.fetched->i[b.n] != nz || memcmp(j, b.fetched->j, nz * sizeof(*j)), "%s: which growth would not choose", what);
  PetscCall(PetscFree2(j, v));
  PetscCall(TestMatDecouple(A, 9));
  PetscCall(BothRun(&b, A));
  PetscCall(OkBoth(&b, what));
  Ok(!b.device->fsai.kept, "%s: grown anew where rows are decoupled", what);
  PetscCall(BothDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A row that fails in the columns it has is Jacobi's, on both sides; where one has failed there are none to keep */
static PetscErrorCode TestKeptFails(void)
{
  Mat  A;
  Both b = {.keep = PETSC_TRUE};

  PetscFunctionBeginUser;
  PetscCall(BandMat(60, 3, 0.35, &A));
  PetscCall(BothCreate(A, all[1], GNN_SCALING_DIAGONAL, GNN_DOUBLE, &b));
  PetscCall(BothRun(&b, A));
  for (PetscInt i = 44; i < 60; i++) {
    PetscCall(MatSetValue(A, i, i - 1, -2.0, INSERT_VALUES));
    PetscCall(MatSetValue(A, i - 1, i, -2.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(BothRun(&b, A));
  PetscCall(OkBoth(&b, "kept columns that fail"));
  Ok(b.device->fsai.kept && b.place[1]->report.failed > 0, "kept columns that fail: %d rows are Jacobi's", (int)b.place[1]->report.failed);
  b.keep = PETSC_FALSE;
  PetscCall(BothRun(&b, A));
  b.keep = PETSC_TRUE;
  PetscCall(BothRun(&b, A));
  PetscCall(OkBoth(&b, "growth that failed"));
  Ok(!b.device->fsai.kept && b.place[1]->report.failed > 0, "growth that failed leaves no columns to keep");
  PetscCall(BothDestroy(&b));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is wrong with the values is reported */
static PetscErrorCode TestStatus(Mat A)
{
  PetscScalar *values;

  PetscFunctionBeginUser;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(all); k++) {
    Both             b      = {0};
    const GNNReport *report = NULL;

    PetscCall(BothCreate(A, all[k], GNN_SCALING_DIAGONAL, GNN_DOUBLE, &b));
    report = &b.place[1]->report;
    for (int wrong = 0; wrong < 2; wrong++) {
      PetscCall(MatCopy(A, b.D, SAME_NONZERO_PATTERN));
      PetscCall(MatSeqAIJGetArray(b.D, &values));
      values[b.graph->diag[7]] = wrong ? -1.0 : (PetscScalar)NAN;
      PetscCall(MatSeqAIJRestoreArray(b.D, &values));
      PetscCall(b.place[1]->ops->values(b.place[1], b.D, b.scaling));
      PetscCall(b.place[1]->ops->fsai(b.place[1], b.threshold, PETSC_TRUE));
      Ok(report->status == (wrong ? GNN_GRAPH_NOT_POSITIVE : GNN_GRAPH_NOT_FINITE) && report->row == 7, "threshold %g: a diagonal entry that is %s is reported", (double)all[k], wrong ? "negative" : "a NaN");
    }
    PetscCall(BothDestroy(&b));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every kernel once: growth, rows to the cap and beyond it, a second pass, a row of G that a whole block sorts */
static PetscErrorCode TestFew(void)
{
  Mat A;

  PetscFunctionBeginUser;
  PetscCall(LaplacianMat(4, &A));
  PetscCall(TestMatrix("Laplacian", &A));
  PetscCall(BandMat(GNN_FSAI_MAX + 26, GNN_FSAI_MAX + 11, 0.35, &A));
  PetscCall(TestCase("longer than the cap", A, all[0], GNN_SCALING_DIAGONAL, GNN_DOUBLE, NULL));
  PetscCall(MatDestroy(&A));
  PetscCall(BandMat(80, 40, 0.35, &A));
  PetscCall(TestCase("rows that grow", A, 1e-3, GNN_SCALING_MEAN, GNN_HALF, NULL));
  PetscCall(MatDestroy(&A));
  PetscCall(ArrowMat(300, 0, 1, &A));
  PetscCall(TestCase("a first row of 300", A, all[0], GNN_SCALING_DIAGONAL, GNN_DOUBLE, NULL));
  PetscCall(MatDestroy(&A));
  PetscCall(ArrowMat(300, 20, 5, &A));
  PetscCall(TestCase("an early row of 300", A, 0.009, GNN_SCALING_DIAGONAL, GNN_DOUBLE, NULL));
  PetscCall(MatDestroy(&A));
  PetscCall(TestIndefinite("indefinite", 44));
  PetscCall(TestIndefinite("indefinite at most rows", 1));
  PetscCall(TestKeptFails());
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestAll(void)
{
  Mat A;

  PetscFunctionBeginUser;
  PetscCall(TestMatCreateRandom(PETSC_COMM_SELF, 150, 5, &A));
  PetscCall(TestMatDecouple(A, 6));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(all); k++) PetscCall(TestCase("random, decoupled rows", A, all[k], GNN_SCALING_DIAGONAL, k == 1 ? GNN_SINGLE : GNN_HALF, NULL));
  PetscCall(TestCase("random, decoupled rows", A, all[0], GNN_SCALING_MEAN, GNN_DOUBLE, NULL));
  PetscCall(TestCase("random, decoupled rows", A, all[2], GNN_SCALING_MEAN, GNN_DOUBLE, NULL));
  PetscCall(TestStatus(A));
  PetscCall(TestMatrix("random, decoupled rows", &A));
  PetscCall(TestMatCreateRandom(PETSC_COMM_SELF, 150, 5, &A));
  PetscCall(TestKept("random", A, all[1]));
  PetscCall(MatDestroy(&A));
  PetscCall(BandMat(150, 40, 0.35, &A));
  PetscCall(TestKept("a band", A, 1e-3));
  PetscCall(MatDestroy(&A));
  PetscCall(TestKeptFails());
  PetscCall(LaplacianMat(POINTS, &A));
  PetscCall(TestMatrix("Laplacian", &A));
  PetscCall(TestMatCreateHex(5, 1, 10.0, &A));
  PetscCall(TestMatrix("hexahedra", &A));
  PetscCall(TestLengths());
  PetscCall(TestHub());
  PetscCall(TestIndefinite("indefinite", 44));
  PetscCall(TestIndefinite("indefinite at most rows", 1));
  PetscCall(TestRefresh(GNN_DOUBLE));
  PetscCall(TestRefresh(GNN_SINGLE));
  PetscCall(TestRefresh(GNN_HALF));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  int failed;

  if (TestSkipped()) return 0;
  PetscFunctionBeginUser;
  PetscCall(TestInitialize(&argc, &argv, help));
  if (TestSmall()) PetscCall(TestFew());
  else PetscCall(TestAll());
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
