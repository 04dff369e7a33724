static char help[] = "The device's operations against the host's, on random and awkward matrices: whole G, product, the guard's probe, failures.\n\
Linked with the CUDA kernels it runs on a GPU; without a GPU it is linked with the same kernels compiled for tests/cuda/emulate.h.\n";

#include "../../gnn/forward.h"
#include "teststored.h"
#include "../../gnn/choose.h"
#include "../testpc.h"

/* ---- arrays on the device ---- */

static PetscErrorCode Put(PetscInt n, const PetscScalar host[], double **device)
{
  PetscFunctionBeginUser;
  GNNCallKernel(GNNKernelMalloc((void **)device, n * sizeof(double)));
  GNNCallKernel(GNNKernelToDevice(*device, host, n * sizeof(double), NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Take(PetscInt n, double **device, PetscScalar host[])
{
  PetscFunctionBeginUser;
  if (host) GNNCallKernel(GNNKernelToHost(host, *device, n * sizeof(double), NULL));
  GNNCallKernel(GNNKernelFree(*device));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a matrix and a model at both places ---- */

typedef struct {
  GNNGraph     graph;
  GNNFactor    host, fetched; /* the device's, brought back */
  GNNPlace     place[2];      /* host, device */
  GNNDevice    device;        /* of that */
  Mat          D;             /* there */
  PetscScalar *gt, *z;        /* on the host: G^T by slots; M^-1 x */
  PetscReal    loss;          /* of the probe, sum of squares */
} Both;

/* The network's factor at a place: slots, factor, report */
static PetscErrorCode RunPlace(GNNPlace at, Mat A, GNNModel m, GNNPrecision precision)
{
  PetscFunctionBeginUser;
  PetscCall(at->ops->values(at, A, m->config.scaling));
  PetscCall(at->ops->forward(at, m, 1.0, 1.0));
  PetscCall(at->ops->fill(at, m->config.pattern));
  PetscCall(at->ops->finish(at, m->config.epsilon, PETSC_TRUE));
  PetscCall(at->ops->report(at));
  PetscCall(at->ops->store(at, precision));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BothCreate(GNNModel m, Mat A, GNNPrecision precision, PetscBool tf32, const PetscScalar user[], Both *b)
{
  const PetscInt *ia, *ja;
  PetscInt        n;
  PetscBool       done;

  PetscFunctionBeginUser;
  PetscCall(MatGetRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCall(GNNGraphCreate(m->config.block_size, n, ia, ja, &b->graph));
  PetscCall(MatRestoreRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  if (user) PetscCall(GNNGraphSetUserFeatures(b->graph, m->config.user_size, user));
  PetscCall(GNNFactorCreate(b->graph, &b->host));
  PetscCall(GNNFactorCreate(b->graph, &b->fetched));
  PetscCall(TestPlacesCreate(A, m, b->graph, b->host, b->fetched, precision, tf32, &b->D, b->place));
  b->device = b->place[1]->device;
  PetscCall(PetscMalloc2(b->graph->nz, &b->gt, b->graph->n, &b->z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The host's results; x or NULL */
static PetscErrorCode BothRunHost(Both *b, GNNModel m, Mat A, const PetscScalar x[])
{
  PetscFunctionBeginUser;
  PetscCall(RunPlace(b->place[0], A, m, GNN_DOUBLE));
  PetscCall(PetscArraycpy(b->gt, b->place[0]->slots, b->graph->nz));
  if (x) GNNFactorApply(b->host, x, b->z);
  PetscCall(TestProbeLoss(b->graph, b->graph->i, b->graph->j, b->gt, m->config.epsilon, &b->loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BothDestroy(Both *b)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(b->gt, b->z));
  for (int k = 0; k < 2; k++) PetscCall(GNNPlaceDestroy(&b->place[k]));
  PetscCall(MatDestroy(&b->D));
  PetscCall(GNNFactorDestroy(&b->host));
  PetscCall(GNNFactorDestroy(&b->fetched));
  PetscCall(GNNGraphDestroy(&b->graph));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetSlots(const Both *b, PetscScalar gt[])
{
  PetscFunctionBeginUser;
  GNNCallKernel(GNNKernelToHost(gt, b->place[1]->slots, b->graph->nz * sizeof(double), NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- cases ---- */

/* Numbers of the device's that are not the host's */
static PetscErrorCode Differing(PetscInt n, const int device[], const PetscInt host[], PetscInt *differing)
{
  int *x;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &x));
  GNNCallKernel(GNNKernelToHost(x, device, (size_t)n * sizeof(int), NULL));
  for (PetscInt k = 0; k < n; k++) *differing += x[k] != host[k];
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the device finds in the CSR: partners, diagonals, nodes of the slots */
static PetscErrorCode TestPattern(const char name[], GNNGraph g, GNNDevice device)
{
  const GNNKernelGraph *k = &device->graph;
  PetscInt             *node, differing = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(g->slots, &node));
  for (PetscInt i = 0; i < g->nodes; i++) {
    for (PetscInt p = g->bi[i]; p < g->bi[i + 1]; p++) node[p] = i;
  }
  PetscCall(Differing(g->nz, k->rev, g->rev, &differing));
  PetscCall(Differing(g->n, k->diag, g->diag, &differing));
  PetscCall(Differing(g->slots, k->brow, node, &differing));
  Ok(differing == 0, "%s: the pattern's partners, diagonals, nodes; %d differ", name, (int)differing);
  PetscCall(PetscFree(node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Device against host for one model and matrix; tolerance relative to the largest entry */
static PetscErrorCode TestCase(const char name[], GNNModel m, Mat A, PetscBool tf32, GNNPrecision precision, PetscReal tolerance)
{
  const PetscInt   size = m->config.user_size;
  PetscInt         n, nuser;
  PetscScalar     *x, *user, *gt, *z;
  double          *dx, *dz;
  const GNNReport *report;
  Both             b = {0};

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(A, &n, NULL));
  nuser = n / m->config.block_size * size;
  PetscCall(PetscMalloc2(n, &x, nuser, &user));
  for (PetscInt i = 0; i < n; i++) x[i] = PetscSinReal(1.0 + (PetscReal)i);
  for (PetscInt i = 0; i < nuser; i++) user[i] = PetscCosReal((PetscReal)i);
  PetscCall(BothCreate(m, A, precision, tf32, size ? user : NULL, &b));
  PetscCall(BothRunHost(&b, m, A, x));
  PetscCall(PetscMalloc2(b.graph->nz, &gt, n, &z));
  PetscCall(Put(n, x, &dx));
  PetscCall(Put(n, x, &dz));
  PetscCall(RunPlace(b.place[1], b.D, m, precision));
  PetscCall(TestPattern(name, b.graph, b.device));
  report = &b.place[1]->report;
  PetscCall(GetSlots(&b, gt));
  PetscCall(GNNDeviceApply(b.device, dx, dz, NULL));
  PetscCall(Take(n, &dz, z));
  PetscCall(b.place[1]->ops->fetch(b.place[1], b.D));
  Ok(TestArrayDifference(b.graph->nz, gt, b.gt) <= tolerance, "%s: G, largest difference %.1e (%s)", name, (double)TestArrayDifference(b.graph->nz, gt, b.gt), WHERE);
  Ok(TestArrayDifference(n, z, b.z) <= 4.0 * tolerance, "%s: M^-1 x, %.1e", name, (double)TestArrayDifference(n, z, b.z));
  PetscCall(TestStored(name, b.device, b.graph->b == 1 ? b.fetched : NULL, x, z));
  Ok(b.fetched->i[n] == b.host->i[n] && TestArrayDifference(b.host->i[n], b.fetched->v, b.host->v) <= tolerance, "%s: the factor that is fetched, %d entries", name, (int)b.fetched->i[n]);
  Ok(report->status == GNN_GRAPH_OK && PetscAbsReal(report->asymmetry - b.graph->asymmetry) <= 1e-6 * b.graph->asymmetry && report->coupled == b.graph->ncoupled && PetscAbsReal(report->loss - b.loss) <= 10.0 * PetscMax(tolerance, TestRounding(precision)) * PetscMax(b.loss, 1.0), "%s: report, %d coupled, asymmetry %g, loss %g against %g", name,
     (int)report->coupled, (double)report->asymmetry, (double)report->loss, (double)b.loss);
  PetscCall(Take(n, &dx, NULL));
  if (precision != GNN_DOUBLE) PetscCall(TestPrecisionChanges(name, b.place[1], n, x));
  PetscCall(BothDestroy(&b));
  PetscCall(PetscFree2(gt, z));
  PetscCall(PetscFree2(x, user));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscScalar Dot(PetscInt n, const PetscScalar x[], const PetscScalar y[])
{
  PetscScalar sum = 0.0;

  for (PetscInt i = 0; i < n; i++) sum += x[i] * y[i];
  return sum;
}

/* The filtered factor there, of two fillings, against the host's from the same slots, where rounding cannot drop another entry; M^-1 is symmetric positive definite */
static PetscErrorCode TestFilter(const char name[], GNNModel m, Mat A, GNNPrecision precision, PetscReal filter)
{
  PetscInt     n, all = 0, dropped;
  PetscReal    loss = 0.0, worst = 0.0;
  PetscScalar *x[2], *z[2], *gt, *host;
  double      *dx, *dz;
  Both         b = {0};

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(A, &n, NULL));
  PetscCall(BothCreate(m, A, precision, PETSC_FALSE, NULL, &b));
  PetscCall(PetscMalloc6(n, &x[0], n, &x[1], n, &z[0], n, &z[1], n, &host, b.graph->nz, &gt));
  PetscCall(BothRunHost(&b, m, A, NULL)); /* the graph's values */
  for (PetscInt p = 0; p < b.graph->nz; p++) all += b.graph->keep[p] != 0;
  Ok(b.host->i[n] == all, "%s: filter 0 drops none of %d entries", name, (int)all);
  b.place[1]->filter = 0.5 * filter;
  PetscCall(RunPlace(b.place[1], b.D, m, precision));
  b.place[1]->filter = filter;
  PetscCall(RunPlace(b.place[1], b.D, m, precision));
  PetscCall(GetSlots(&b, gt));
  PetscCall(GNNFactorFill(b.host, b.graph, m->config.pattern, filter, gt));
  PetscCall(TestProbeLoss(b.graph, b.host->i, b.host->j, b.host->v, m->config.epsilon, &loss));
  for (int k = 0; k < 2; k++) {
    for (PetscInt i = 0; i < n; i++) x[k][i] = PetscSinReal(1.0 + k + (PetscReal)(i * (k + 1)));
    PetscCall(Put(n, x[k], &dx));
    PetscCall(Put(n, x[k], &dz));
    PetscCall(GNNDeviceApply(b.device, dx, dz, NULL));
    PetscCall(Take(n, &dz, z[k]));
    PetscCall(Take(n, &dx, NULL));
    GNNFactorApply(b.host, x[k], host);
    worst = PetscMax(worst, TestArrayDifference(n, z[k], host));
    PetscCall(TestStored(name, b.device, b.graph->b == 1 || b.device->product->apart ? b.host : NULL, x[k], z[k]));
  }
  dropped = all - b.host->i[n];
  Ok(dropped > 0 && b.place[1]->ops->entries(b.place[1]) == b.host->i[n], "%s: filter %g drops %d of %d, on the device %d stay", name, (double)filter, (int)dropped, (int)all, (int)b.place[1]->ops->entries(b.place[1]));
  Ok(worst <= TestRounding(precision), "%s: M^-1 x with what stays, %.1e", name, (double)worst);
  Ok(PetscAbsReal(b.place[1]->report.loss - loss) <= 100.0 * TestRounding(precision) * PetscMax(loss, 1.0), "%s: the loss is the filtered factor's, %g against %g", name, (double)b.place[1]->report.loss, (double)loss);
  Ok(PetscAbsScalar(Dot(n, x[0], z[1]) - Dot(n, x[1], z[0])) <= 1e-13 * PetscSqrtReal(Dot(n, x[0], z[0]) * Dot(n, x[1], z[1])) && Dot(n, x[0], z[0]) > 0.0 && Dot(n, x[1], z[1]) > 0.0, "%s: M^-1 is symmetric positive definite", name);
  PetscCall(PetscFree6(x[0], x[1], z[0], z[1], host, gt));
  PetscCall(BothDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The state machine at both places: first values, the same again, others, and the classical factor */
static PetscErrorCode TestChoose(const char name[], GNNModel m, Mat A, GNNGuardPolicy policy)
{
  const char *const  whats[] = {"first", "the same again", "others"};
  GNNChooser         c[2]    = {0};
  PetscEventPerfInfo before, after;
  int                forwards[2];
  Mat                B;
  Both               b = {0};

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &B));
  PetscCall(BothCreate(m, A, GNN_DOUBLE, PETSC_FALSE, NULL, &b));
  for (int step = 0; step < 3; step++) {
    if (step == 2) PetscCall(MatShift(B, 20.0));
    PetscCall(MatCopy(B, b.D, SAME_NONZERO_PATTERN));
    for (int k = 0; k < 2; k++) {
      c[k].source   = &GNNSourceNetwork;
      c[k].settings = (GNNSettings){.model = m, .threshold = 0.07};
      c[k].policy   = policy;
      c[k].epsilon  = m->config.epsilon;
      PetscCall(TestEventGet("GNNSPAIForward", &before));
      PetscCall(GNNChoose(&c[k], b.place[k], k ? b.D : B, GNN_STALE_VALUES));
      PetscCall(TestEventGet("GNNSPAIForward", &after));
      forwards[k] = after.count - before.count;
    }
    Ok(c[0].choice.kind == c[1].choice.kind && c[0].choice.alpha == c[1].choice.alpha && c[0].kept == c[1].kept && PetscAbsReal(c[0].choice.damping - c[1].choice.damping) <= 1e-6 &&
         PetscAbsReal(c[0].choice.loss - c[1].choice.loss) <= 1e-4 * PetscMax(c[0].choice.loss, 1.0),
       "%s, %s values: the same choice, %d and %d, alpha %g, damping %.6f and %.6f, loss %g and %g%s", name, whats[step], (int)c[0].choice.kind, (int)c[1].choice.kind, (double)c[0].choice.alpha, (double)c[0].choice.damping, (double)c[1].choice.damping,
       (double)c[0].choice.loss, (double)c[1].choice.loss, c[0].kept ? ", kept" : "");
    if (c[0].kept) Ok(forwards[0] == (c[0].choice.kind == GNN_CHOICE_NETWORK) && forwards[1] == forwards[0], "%s: then the network runs only where it has a share, %d and %d times", name, forwards[0], forwards[1]);
  }
  for (int k = 0; k < 2; k++) PetscCall(GNNChooserReset(&c[k], NULL));
  PetscCall(BothDestroy(&b));
  PetscCall(MatDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestGuard(const char name[], GNNModel m, Mat A)
{
  PetscFunctionBeginUser;
  PetscCall(TestChoose(name, m, A, GNN_GUARD_JACOBI));
  PetscCall(TestChoose(name, m, A, GNN_GUARD_BEST));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestConfigs(Mat A)
{
  Mat       arrow;
  GNNConfig config;
  GNNModel  m;

  PetscFunctionBeginUser;
  PetscCall(GNNConfigSetDefaults(&config));
  config.layers = 2;
  PetscCall(TestModelCreate(&config, 2.0, 1, &m));
  PetscCall(TestCase("default", m, A, PETSC_FALSE, GNN_DOUBLE, 1e-5));
  PetscCall(TestCase("single precision storage", m, A, PETSC_FALSE, GNN_SINGLE, 1e-5));
  PetscCall(TestCase("half precision storage", m, A, PETSC_FALSE, GNN_HALF, 5e-5));
  PetscCall(TestCase("tf32", m, A, PETSC_TRUE, GNN_DOUBLE, 5e-3));
  PetscCall(GNNModelDestroy(&m));
  PetscCall(TestModelCreate(&config, 0.5, 1, &m)); /* with a diagonal that the others do not exceed */
  PetscCall(TestFilter("filter", m, A, GNN_DOUBLE, 0.3));
  PetscCall(TestFilter("filter, single precision storage", m, A, GNN_SINGLE, 0.2));
  PetscCall(TestFilter("filter, half precision storage", m, A, GNN_HALF, 0.3));
  PetscCall(GNNModelDestroy(&m));
  /* the paper's form */
  config.width       = 10;
  config.norm        = GNN_NORM_LAYER;
  config.aggregation = GNN_AGGREGATION_SUM;
  config.scaling     = GNN_SCALING_MEAN;
  config.output      = GNN_OUTPUT_DIRECT;
  PetscCall(TestModelCreate(&config, 1.0, 2, &m));
  PetscCall(TestCase("mean scaling, LayerNorm, sum, direct, width 10", m, A, PETSC_FALSE, GNN_DOUBLE, 2e-5));
  PetscCall(TestCase("the same, tf32", m, A, PETSC_TRUE, GNN_DOUBLE, 1e-2));
  PetscCall(TestMatCreateArrow(700, 0, &arrow));
  PetscCall(TestCase("the same, a row in parts", m, arrow, PETSC_FALSE, GNN_DOUBLE, 2e-5));
  PetscCall(MatDestroy(&arrow));
  PetscCall(GNNModelDestroy(&m));
  PetscCall(GNNConfigSetDefaults(&config));
  config.width            = 32;
  config.layers           = 1;
  config.hidden_layers    = 2;
  config.pattern          = GNN_PATTERN_LOWER;
  config.nnode_features   = 3;
  config.node_features[0] = GNN_NODE_MASK;
  config.node_features[1] = GNN_NODE_USER;
  config.node_features[2] = GNN_NODE_ROWSUM;
  config.user_size        = 9;
  PetscCall(TestModelCreate(&config, 1.0, 3, &m));
  PetscCall(TestCase("lower, two hidden layers, one layer, user features", m, A, PETSC_FALSE, GNN_DOUBLE, 1e-5));
  PetscCall(GNNModelDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Widths, patterns, precisions with b x b blocks */
static PetscErrorCode TestBlockConfigs(PetscInt b, Mat A)
{
  char      name[80];
  GNNConfig config;
  GNNModel  m;

  PetscFunctionBeginUser;
  PetscCall(TestModelBlocks(b, &m));
  PetscCall(PetscSNPrintf(name, sizeof(name), "blocks of %d", (int)b));
  PetscCall(TestCase(name, m, A, PETSC_FALSE, GNN_DOUBLE, 1e-5));
  PetscCall(PetscSNPrintf(name, sizeof(name), "blocks of %d, tf32, single precision storage", (int)b));
  PetscCall(TestCase(name, m, A, PETSC_TRUE, GNN_SINGLE, 5e-3));
  PetscCall(PetscSNPrintf(name, sizeof(name), "blocks of %d, half precision storage", (int)b));
  PetscCall(TestCase(name, m, A, PETSC_FALSE, GNN_HALF, 5e-5));
  for (int k = 0; k < 3; k++) {
    PetscCall(PetscSNPrintf(name, sizeof(name), "blocks of %d, filter, %s", (int)b, TestPrecisions[k]));
    PetscCall(TestFilter(name, m, A, (GNNPrecision)k, 0.1));
  }
  PetscCall(GNNModelDestroy(&m));
  PetscCall(GNNConfigSetDefaults(&config));
  config.block_size       = b;
  config.layers           = 2;
  config.pattern          = GNN_PATTERN_LOWER;
  config.nnode_features   = 3;
  config.node_features[0] = GNN_NODE_MASK;
  config.node_features[1] = GNN_NODE_USER;
  config.node_features[2] = GNN_NODE_ROWSUM;
  config.user_size        = 5;
  config.nedge_features   = 2;
  config.edge_features[0] = GNN_EDGE_DIAGONAL;
  config.edge_features[1] = GNN_EDGE_VALUE;
  PetscCall(TestModelCreate(&config, 1.0, 3, &m));
  PetscCall(PetscSNPrintf(name, sizeof(name), "blocks of %d, lower, user features", (int)b));
  PetscCall(TestCase(name, m, A, PETSC_FALSE, GNN_DOUBLE, 1e-5));
  PetscCall(GNNModelDestroy(&m));
  config.width   = 32;
  config.norm    = GNN_NORM_LAYER;
  config.scaling = GNN_SCALING_MEAN;
  config.output  = GNN_OUTPUT_DIRECT;
  config.pattern = GNN_PATTERN_A;
  PetscCall(TestModelCreate(&config, 1.0, 2, &m));
  PetscCall(PetscSNPrintf(name, sizeof(name), "blocks of %d, mean scaling, LayerNorm, direct", (int)b));
  PetscCall(TestCase(name, m, A, PETSC_FALSE, GNN_DOUBLE, 2e-5));
  PetscCall(GNNModelDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows of 1, 31, 33 and 2000 blocks, isolated nodes, no rows at all */
static PetscErrorCode TestAwkward(GNNModel m)
{
  const PetscInt n[] = {0, 1, 31, 33, 2000}, isolated[] = {0, 0, 0, 8, 500}, b = m->config.block_size;
  char           name[64];
  Mat            A;

  PetscFunctionBeginUser;
  for (int k = 0; k < (TestSmall() && b > 1 ? 4 : 5); k++) {
    PetscCall(TestMatCreateArrowBlocks(b, n[k], isolated[k], &A));
    PetscCall(PetscSNPrintf(name, sizeof(name), "arrow of %d nodes, %d isolated, b = %d", (int)n[k], (int)isolated[k], (int)b));
    PetscCall(TestCase(name, m, A, PETSC_FALSE, GNN_DOUBLE, 1e-5));
    if (!TestSmall() || isolated[k]) PetscCall(TestCase(name, m, A, PETSC_FALSE, GNN_HALF, 5e-5));
    PetscCall(TestGuard(name, m, A));
    PetscCall(MatDestroy(&A));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A block of explicit zeros at (i, j), none at (j, i) */
static PetscErrorCode AddOneSidedZeros(Mat A, PetscInt i, PetscInt j)
{
  const PetscScalar zeros[64] = {0};

  PetscFunctionBeginUser;
  PetscCall(MatSetOption(A, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  PetscCall(MatSetOption(A, MAT_NEW_NONZERO_LOCATIONS, PETSC_TRUE));
  PetscCall(MatSetValuesBlocked(A, 1, &i, 1, &j, zeros, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A penalty on every seventh unknown, and on all of node 5 */
static PetscErrorCode AddPenalty(Mat A)
{
  PetscInt n, b;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(A, &n, NULL));
  PetscCall(MatGetBlockSize(A, &b));
  for (PetscInt i = 0; i < n; i++) {
    if (i % 7 == 0 || i / b == 5) PetscCall(MatSetValue(A, i, i, 1e9, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Random blocks, with decoupled nodes and single unknowns, explicit zeros on one side, and nonzeros on one side that MatZeroRows() left */
static PetscErrorCode BlockMat(PetscInt b, Mat *A)
{
  const PetscInt row = 22 * b + b - 1;

  PetscFunctionBeginUser;
  PetscCall(TestMatCreateBlocks(PETSC_COMM_SELF, MATAIJ, b, 40, 5, A));
  PetscCall(AddOneSidedZeros(*A, 11, 31));
  PetscCall(TestMatClamp(*A));
  PetscCall(MatSetOption(*A, MAT_KEEP_NONZERO_PATTERN, PETSC_TRUE));
  PetscCall(MatZeroRows(*A, 1, &row, 2.0, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Values of one side are 0: whole blocks, and entries of others; and a row that is empty but for zeros */
static PetscErrorCode MakeOneSided(Mat A)
{
  const PetscInt *ia, *ja;
  PetscScalar    *a;
  PetscInt        n, b;
  PetscBool       done;

  PetscFunctionBeginUser;
  PetscCall(MatGetBlockSize(A, &b));
  PetscCall(MatGetRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCall(MatSeqAIJGetArray(A, &a));
  for (PetscInt r = 0; r < n; r++) {
    for (PetscInt p = ia[r]; p < ia[r + 1]; p++) {
      const PetscInt i = r / b, j = ja[p] / b;

      if ((i < j && (i + j) % 5 == 0) || (i != j && (r + 2 * ja[p]) % 7 == 0) || r == n - 1) a[p] = 0.0;
    }
  }
  PetscCall(MatSeqAIJRestoreArray(A, &a));
  PetscCall(MatRestoreRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A share of the network, the start alone, Jacobi: by the choice, as at a refresh */
static PetscErrorCode TestBlend(GNNModel m, Mat A)
{
  const GNNChoice   choices[] = {{GNN_CHOICE_NETWORK, 0.25, 0.8, 0.0}, {GNN_CHOICE_START, 0.0, 0.8, 0.0}, {GNN_CHOICE_JACOBI, 0.0, 0.8, 0.0}};
  const GNNSettings settings  = {.model = m};
  GNNStart          start     = GNNConfigStart(&m->config);
  PetscScalar      *gt;
  Both              b = {0};

  PetscFunctionBeginUser;
  start.damping = 0.8;
  PetscCall(BothCreate(m, A, GNN_DOUBLE, PETSC_FALSE, NULL, &b));
  PetscCall(BothRunHost(&b, m, A, NULL));
  PetscCall(PetscMalloc1(b.graph->nz, &gt));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(choices); k++) {
    GNNGraph  g     = b.graph;
    PetscReal worst = 0.0;

    PetscCall(b.place[1]->ops->values(b.place[1], b.D, m->config.scaling));
    PetscCall(GNNSourceNetwork.write(b.place[1], &settings, &choices[k]));
    PetscCall(GetSlots(&b, gt));
    for (PetscInt i = 0; i < g->n; i++) {
      for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
        const PetscBool diagonal = g->j[p] == i ? PETSC_TRUE : PETSC_FALSE;
        double          expected = 0.0;

        if (choices[k].kind == GNN_CHOICE_JACOBI) expected = diagonal && g->keep[p] != 0 ? 1.0 : 0.0;
        else if (g->keep[p] != 0) expected = (1.0 - choices[k].alpha) * GNNStartEntry(&start, diagonal, g->at[g->rev[p]]) + choices[k].alpha * b.gt[p];
        worst = PetscMax(worst, PetscAbsScalar(gt[p] - expected));
      }
    }
    Ok(worst < 1e-5, "b = %d, choice %d, alpha %g: largest difference %.1e", (int)g->b, (int)choices[k].kind, (double)choices[k].alpha, (double)worst);
  }
  PetscCall(PetscFree(gt));
  PetscCall(BothDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Values of A with something wrong in them; returns in which row it is to be reported */
static PetscInt Spoil(GNNGraph g, GNNGraphStatus wrong, PetscScalar a[])
{
  if (wrong == GNN_GRAPH_NOT_FINITE) {
    a[g->i[9]] = NAN;
    return 9;
  }
  a[g->diag[7]] = -1.0;
  return 7;
}

/* What is wrong with the values is reported, and the same bits come every time */
static PetscErrorCode TestStatus(GNNModel m, Mat A)
{
  const GNNGraphStatus wrongs[] = {GNN_GRAPH_NOT_FINITE, GNN_GRAPH_NOT_POSITIVE, GNN_GRAPH_OK, GNN_GRAPH_OK};
  const char *const    names[]  = {"a NaN", "a negative diagonal entry"};
  PetscScalar         *values, *gt[2];
  PetscInt             nz, row;
  const GNNReport     *report;
  Both                 b = {0};

  PetscFunctionBeginUser;
  PetscCall(BothCreate(m, A, GNN_DOUBLE, PETSC_FALSE, NULL, &b));
  report = &b.place[1]->report;
  nz     = b.graph->nz;
  PetscCall(PetscMalloc2(nz, &gt[0], nz, &gt[1]));
  for (int k = 0; k < 4; k++) {
    PetscCall(MatCopy(A, b.D, SAME_NONZERO_PATTERN));
    if (wrongs[k] != GNN_GRAPH_OK) {
      PetscCall(MatSeqAIJGetArray(b.D, &values));
      row = Spoil(b.graph, wrongs[k], values);
      PetscCall(MatSeqAIJRestoreArray(b.D, &values));
    }
    PetscCall(RunPlace(b.place[1], b.D, m, GNN_DOUBLE));
    if (wrongs[k] != GNN_GRAPH_OK) Ok(report->status == wrongs[k] && report->row == row, "b = %d: %s in row %d is reported, row %d", (int)b.graph->b, names[k], (int)row, (int)report->row);
    else PetscCall(GetSlots(&b, gt[k - 2]));
  }
  Ok(memcmp(gt[0], gt[1], nz * sizeof(PetscScalar)) == 0, "b = %d: the same bits at every set-up", (int)b.graph->b);
  PetscCall(PetscFree2(gt[0], gt[1]));
  PetscCall(BothDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A factor made on the host: the network's, or the classical one, whose rows end inside a block */
static PetscErrorCode TestUpload(GNNModel m, Mat A, PetscBool fsai, GNNPrecision precision)
{
  PetscScalar *x, *z;
  double      *dx, *dz;
  PetscInt     n;
  GNNDevice    device;
  Both         b = {0};

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(A, &n, NULL));
  PetscCall(PetscMalloc2(n, &x, n, &z));
  for (PetscInt i = 0; i < n; i++) x[i] = PetscSinReal(1.0 + (PetscReal)i);
  PetscCall(BothCreate(m, A, precision, PETSC_FALSE, NULL, &b));
  PetscCall(BothRunHost(&b, m, A, x));
  if (fsai) {
    PetscCall(b.place[0]->ops->fsai(b.place[0], 0.02, PETSC_TRUE));
    GNNFactorShift(b.host, b.graph, 1e-3);
    GNNFactorApply(b.host, x, b.z);
  }
  PetscCall(GNNDeviceCreate(b.graph, precision, &device));
  PetscCall(GNNDeviceUpload(device, b.host, NULL));
  PetscCall(Put(n, x, &dx));
  PetscCall(Put(n, x, &dz));
  PetscCall(GNNDeviceApply(device, dx, dz, NULL));
  PetscCall(Take(n, &dx, NULL));
  PetscCall(Take(n, &dz, z));
  Ok(TestArrayDifference(n, z, b.z) <= TestRounding(precision), "b = %d, the host's %s factor, %s: M^-1 x, %.1e", (int)b.graph->b, fsai ? "classical" : "network's", TestPrecisions[precision], (double)TestArrayDifference(n, z, b.z));
  PetscCall(GNNDeviceDestroy(&device));
  PetscCall(BothDestroy(&b));
  PetscCall(PetscFree2(x, z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Products with a long row behind short ones in a tile, and with more tiles than rows */
static PetscErrorCode TestLongRows(void)
{
  const PetscInt n[] = {1100, 540}, first[] = {5, 0}, end[] = {6, 540};
  GNNConfig      config;
  GNNModel       m;
  Mat            A;

  PetscFunctionBeginUser;
  PetscCall(GNNConfigSetDefaults(&config));
  config.width  = 8;
  config.layers = 1;
  PetscCall(TestModelCreate(&config, 1.0, 5, &m));
  for (int k = 0; k < (TestSmall() ? 1 : 2); k++) {
    PetscCall(TestMatCreateFullRows(n[k], first[k], end[k], &A));
    PetscCall(TestUpload(m, A, PETSC_FALSE, GNN_DOUBLE));
    PetscCall(TestUpload(m, A, PETSC_FALSE, GNN_HALF));
    PetscCall(MatDestroy(&A));
  }
  PetscCall(GNNModelDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A diagonal and (row, column) beside it, as a factor made on the host */
static PetscErrorCode FarFactor(PetscInt n, PetscInt row, PetscInt column, GNNGraph *g, GNNFactor *factor)
{
  PetscInt *i, *j;
  GNNFactor f;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n + 1, &i, n, &j));
  for (PetscInt k = 0; k <= n; k++) i[k] = k;
  for (PetscInt k = 0; k < n; k++) j[k] = k;
  PetscCall(GNNGraphCreate(1, n, i, j, g));
  PetscCall(PetscFree2(i, j));
  PetscCall(GNNFactorCreate(*g, factor));
  f = *factor;
  PetscCall(GNNFactorReserve(f, 0, n + 1));
  for (PetscInt k = 0, nz = 0; k < n; k++) {
    f->i[k]     = nz;
    f->s[k]     = 1.0;
    f->shift[k] = 0.0;
    if (k == row) f->j[nz] = column, f->v[nz++] = 0.25 * PetscSinReal((PetscReal)k);
    f->j[nz]    = k;
    f->v[nz++]  = 1.0 + 0.5 * PetscSinReal((PetscReal)k);
    f->i[k + 1] = nz;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Largest distance of two columns of the tile that has the row */
static PetscErrorCode TileReach(const GNNKernelMat *m, const TestRows *rows, PetscInt row, PetscInt *tile, int *reach)
{
  int *first, least = m->n, most = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(m->ntiles + 1, &first));
  GNNCallKernel(GNNKernelToHost(first, m->tile, (m->ntiles + 1) * sizeof(int), NULL));
  for (*tile = 0; first[*tile + 1] <= row; ++*tile) continue;
  for (int k = rows->i[first[*tile]]; k < rows->i[first[*tile + 1]]; k++) {
    least = PetscMin(least, rows->j[k]);
    most  = PetscMax(most, rows->j[k]);
  }
  *reach = most - least;
  PetscCall(PetscFree(first));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The product where the tile of the row with a far column reaches so far: 65535 is the most that offsets of 16 bits do. Other tiles are narrow, but that of the column in G */
static PetscErrorCode TestReach(PetscInt n, PetscInt row, PetscInt column, int expected)
{
  PetscScalar *x, *z;
  PetscInt     tile = 0;
  double      *dx, *dz;
  int          reach = 0;
  GNNGraph     g;
  GNNFactor    f;
  GNNDevice    d;
  TestRows     rows, transposed;

  PetscFunctionBeginUser;
  PetscCall(FarFactor(n, row, column, &g, &f));
  PetscCall(GNNDeviceCreate(g, GNN_HALF, &d));
  PetscCall(GNNDeviceUpload(d, f, NULL));
  PetscCall(PetscMalloc2(n, &x, n, &z));
  for (PetscInt i = 0; i < n; i++) x[i] = PetscCosReal((PetscReal)i);
  PetscCall(Put(n, x, &dx));
  PetscCall(Put(n, x, &dz));
  PetscCall(GNNDeviceApply(d, dx, dz, NULL));
  PetscCall(Take(n, &dx, NULL));
  PetscCall(Take(n, &dz, z));
  PetscCall(TestStored("columns far away", d, f, x, z));
  PetscCall(TestRowsFetch(&d->product->gt.mat, &rows));
  PetscCall(TestRowsFetch(&d->product->g.mat, &transposed));
  PetscCall(TileReach(&d->product->gt.mat, &rows, row, &tile, &reach));
  Ok(reach == expected && (rows.base[tile] == GNN_KERNEL_WIDE) == (reach > 65535) && rows.wide == (reach > 65535) && transposed.wide == 1, "columns far away: a tile that reaches %d is %s, %d wide of %d, of G %d", reach, rows.base[tile] == GNN_KERNEL_WIDE ? "wide" : "narrow",
     rows.wide, d->product->gt.mat.ntiles, transposed.wide);
  PetscCall(TestRowsFree(&rows));
  PetscCall(TestRowsFree(&transposed));
  PetscCall(PetscFree2(x, z));
  PetscCall(GNNDeviceDestroy(&d));
  PetscCall(GNNFactorDestroy(&f));
  PetscCall(GNNGraphDestroy(&g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestOfModel(GNNModel m, Mat A)
{
  PetscFunctionBeginUser;
  PetscCall(TestAwkward(m));
  PetscCall(TestBlend(m, A));
  PetscCall(TestStatus(m, A));
  for (int k = 0; k < 6; k++) PetscCall(TestUpload(m, A, k % 2 ? PETSC_TRUE : PETSC_FALSE, (GNNPrecision)(k / 2)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const PetscInt b[] = {2, 3, 8};
  GNNModel       m;
  Mat            A;
  int            failed;

  if (TestSkipped()) return 0;
  PetscFunctionBeginUser;
  PetscCall(TestInitialize(&argc, &argv, help));
  PetscCall(PetscLogDefaultBegin());
  PetscCall(TestMatCreate27(TestSmall() ? 3 : 5, 10.0, &A));
  PetscCall(GNNModelLoad(PETSC_COMM_SELF, "general", &m));
  PetscCall(TestGuard("a network that is good", m, A));
  PetscCall(GNNModelDestroy(&m));
  PetscCall(MatDestroy(&A));
  PetscCall(TestMatCreateRandom(PETSC_COMM_SELF, 150, 5, &A));
  PetscCall(AddOneSidedZeros(A, 31, 106));
  PetscCall(TestMatDecouple(A, 6));
  PetscCall(TestConfigs(A));
  PetscCall(TestLongRows());
  for (int k = 0; k < (TestSmall() ? 0 : 2); k++) PetscCall(TestReach(66048, 66000, 66046 - 65535 - k, 65535 + k)); /* the last row but one is in that tile */
  PetscCall(TestModel(4, &m));
  PetscCall(TestOfModel(m, A));
  PetscCall(MakeOneSided(A));
  PetscCall(TestCase("one-sided values", m, A, PETSC_FALSE, GNN_DOUBLE, 1e-5));
  PetscCall(AddPenalty(A));
  PetscCall(TestCase("rows held by a penalty", m, A, PETSC_FALSE, GNN_DOUBLE, 1e-5));
  PetscCall(GNNModelDestroy(&m));
  PetscCall(MatDestroy(&A));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(b); k++) {
    PetscCall(BlockMat(b[k], &A));
    PetscCall(TestBlockConfigs(b[k], A));
    PetscCall(TestModelBlocks(b[k], &m));
    if (b[k] == 3) PetscCall(TestOfModel(m, A));
    PetscCall(MakeOneSided(A));
    PetscCall(TestCase("one-sided values of blocks", m, A, PETSC_FALSE, GNN_DOUBLE, 1e-5));
    PetscCall(AddPenalty(A));
    PetscCall(TestCase("unknowns of blocks held by a penalty", m, A, PETSC_FALSE, GNN_DOUBLE, 1e-5));
    PetscCall(GNNModelDestroy(&m));
    PetscCall(MatDestroy(&A));
  }
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
