static char help[] = "The device's operations against the host's, on random and awkward matrices: whole G, product, the guard's probe, failures.\n\
Linked with the CUDA kernels it runs on a GPU; without a GPU it is linked with the same kernels compiled for tests/emulate.h.\n";

#include "../gnn/fsai.h"
#include "../gnn/forward.h"
#include "testdevice.h"
#include "testpc.h"

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

/* ---- the host's results ---- */

typedef struct {
  GNNGraph     graph;
  GNNFactor    factor;
  PetscScalar *gt, *z; /* by slots; M^-1 x */
  PetscReal    loss;   /* of the device's probe, sum of squares */
} Host;

static PetscErrorCode HostRun(GNNModel m, Mat A, const PetscScalar a[], const PetscScalar x[], PetscInt user_size, const PetscScalar user[], Host *h)
{
  const PetscInt *ia, *ja;
  PetscInt        n, replaced;
  PetscBool       done;
  GNNActs         acts;
  GNNReal        *out;
  GNNGraphStatus  status;

  PetscFunctionBeginUser;
  PetscCall(MatGetRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCall(GNNGraphCreate(m->config.block_size, n, ia, ja, &h->graph));
  PetscCall(MatRestoreRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCall(GNNGraphSetValues(h->graph, m->config.scaling, a, &status));
  if (user) PetscCall(GNNGraphSetUserFeatures(h->graph, user_size, user));
  PetscCall(GNNActsCreate(m, PETSC_FALSE, &acts));
  PetscCall(GNNActsSetSizes(m, h->graph->nodes, h->graph->slots, acts));
  PetscCall(PetscMalloc1(h->graph->nz, &out));
  PetscCall(PetscMalloc2(h->graph->nz, &h->gt, h->graph->n, &h->z));
  PetscCall(GNNForward(m, h->graph, acts, out));
  PetscCall(GNNFactorSlots(m, h->graph, out, h->gt, &replaced));
  PetscCall(GNNFactorCreate(h->graph, PETSC_FALSE, &h->factor));
  PetscCall(GNNFactorAssemble(h->factor, m, h->graph, out, m->config.epsilon, PETSC_FALSE));
  PetscCall(GNNFactorApply(h->factor, x, h->z));
  PetscCall(TestProbeLoss(h->graph, h->graph->i, h->graph->j, h->gt, m->config.epsilon, &h->loss));
  PetscCall(PetscFree(out));
  PetscCall(GNNActsDestroy(&acts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode HostDestroy(Host *h)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(h->gt, h->z));
  PetscCall(GNNFactorDestroy(&h->factor));
  PetscCall(GNNGraphDestroy(&h->graph));
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
static PetscErrorCode TestCase(const char name[], GNNModel m, Mat A, PetscBool tf32, PetscBool single, PetscReal tolerance)
{
  const PetscInt     size = m->config.user_size;
  PetscInt           n, nuser;
  const PetscScalar *a;
  PetscScalar       *x, *user, *gt, *z;
  double            *da, *dx, *dz;
  GNNKernelStatus    status;
  GNNDevice          device;
  Host               h = {0};

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(A, &n, NULL));
  nuser = n / m->config.block_size * size;
  PetscCall(PetscMalloc2(n, &x, nuser, &user));
  for (PetscInt i = 0; i < n; i++) x[i] = PetscSinReal(1.0 + (PetscReal)i);
  for (PetscInt i = 0; i < nuser; i++) user[i] = PetscCosReal((PetscReal)i);
  PetscCall(MatSeqAIJGetArrayRead(A, &a));
  PetscCall(HostRun(m, A, a, x, size, size ? user : NULL, &h));
  PetscCall(PetscMalloc2(h.graph->nz, &gt, n, &z));
  PetscCall(Put(h.graph->nz, a, &da));
  PetscCall(Put(n, x, &dx));
  PetscCall(Put(n, x, &dz));
  PetscCall(GNNDeviceCreate(m, h.graph, single, tf32, NULL, &device));
  PetscCall(TestPattern(name, h.graph, device));
  PetscCall(GNNDeviceSetUp(device, m, h.graph, da, m->config.epsilon, 1.0, 1.0, PETSC_TRUE, NULL, &status));
  PetscCall(GNNDeviceGetSlots(device, h.graph, gt, NULL));
  PetscCall(GNNDeviceApply(device, dx, dz, NULL));
  PetscCall(Take(n, &dz, z));
  Ok(TestArrayDifference(h.graph->nz, gt, h.gt) <= tolerance, "%s: G, largest difference %.1e (%s)", name, (double)TestArrayDifference(h.graph->nz, gt, h.gt), WHERE);
  Ok(TestArrayDifference(n, z, h.z) <= 4.0 * tolerance, "%s: M^-1 x, %.1e", name, (double)TestArrayDifference(n, z, h.z));
  Ok(!(status.flags & GNN_KERNEL_WRONG) && PetscAbsReal(GNNKernelAsymmetry(&status) - h.graph->asymmetry) <= 1e-6 * h.graph->asymmetry && status.decoupled == h.graph->n - h.graph->ncoupled && PetscAbsReal(status.loss - h.loss) <= 10.0 * tolerance * PetscMax(h.loss, 1.0), "%s: status, %d decoupled, asymmetry %g, loss %g against %g", name,
     status.decoupled, GNNKernelAsymmetry(&status), status.loss, (double)h.loss);
  PetscCall(GNNDeviceDestroy(&device));
  PetscCall(Take(n, &dx, NULL));
  PetscCall(Take(n, &da, NULL));
  PetscCall(MatSeqAIJRestoreArrayRead(A, &a));
  PetscCall(HostDestroy(&h));
  PetscCall(PetscFree2(gt, z));
  PetscCall(PetscFree2(x, user));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The guard's first choice from the slots of G^T; the loss is that of the factor at hand, which is the network's whole one */
static PetscErrorCode Choose(GNNModel m, Host *h, GNNDevice device, PetscScalar gt[], PetscReal *alpha, PetscReal *damping, PetscReal *loss)
{
  GNNGuard guard = NULL;

  PetscFunctionBeginUser;
  PetscCall(GNNGuardChoose(&guard, &m->config, h->graph, device, gt, m->config.epsilon, alpha, damping));
  PetscCall(GNNGuardLoss(guard, h->factor, m->config.epsilon, loss));
  PetscCall(GNNGuardDestroy(&guard));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A matrix set up on the host, and a device that has its values da */
static PetscErrorCode BothCreate(GNNModel m, Mat A, Host *h, double **da, GNNDevice *device)
{
  const PetscScalar *a;
  PetscScalar       *x;
  PetscInt           n;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(A, &n, NULL));
  PetscCall(PetscCalloc1(n, &x));
  PetscCall(MatSeqAIJGetArrayRead(A, &a));
  PetscCall(HostRun(m, A, a, x, 0, NULL, h));
  PetscCall(Put(h->graph->nz, a, da));
  PetscCall(MatSeqAIJRestoreArrayRead(A, &a));
  PetscCall(PetscFree(x));
  PetscCall(GNNDeviceCreate(m, h->graph, PETSC_FALSE, PETSC_FALSE, NULL, device));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BothDestroy(Host *h, double **da, GNNDevice *device)
{
  PetscFunctionBeginUser;
  PetscCall(GNNDeviceDestroy(device));
  PetscCall(Take(h->graph->n, da, NULL));
  PetscCall(HostDestroy(h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestGuard(const char name[], GNNModel m, Mat A)
{
  PetscReal       alpha[2], damping[2], loss[2];
  double         *da;
  GNNKernelStatus status;
  GNNDevice       device;
  Host            h = {0};

  PetscFunctionBeginUser;
  PetscCall(BothCreate(m, A, &h, &da, &device));
  PetscCall(GNNDeviceSetUp(device, m, h.graph, da, m->config.epsilon, 1.0, 1.0, PETSC_FALSE, NULL, &status));
  PetscCall(Choose(m, &h, NULL, h.gt, &alpha[0], &damping[0], &loss[0]));
  PetscCall(Choose(m, &h, device, device->slots, &alpha[1], &damping[1], &loss[1]));
  Ok(alpha[1] == alpha[0] && PetscAbsReal(damping[1] - damping[0]) <= 1e-6 && PetscAbsReal(loss[1] - loss[0]) <= 1e-4 * PetscMax(loss[0], 1.0), "%s: the guard chooses %g, damping %.6f against %g, %.6f, loss %g against %g", name, (double)alpha[1], (double)damping[1], (double)alpha[0], (double)damping[0], (double)loss[1], (double)loss[0]);
  PetscCall(BothDestroy(&h, &da, &device));
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
  PetscCall(TestCase("default", m, A, PETSC_FALSE, PETSC_FALSE, 1e-5));
  PetscCall(TestCase("single precision storage", m, A, PETSC_FALSE, PETSC_TRUE, 1e-5));
  PetscCall(TestCase("tf32", m, A, PETSC_TRUE, PETSC_FALSE, 5e-3));
  PetscCall(GNNModelDestroy(&m));
  /* the paper's form */
  config.width       = 10;
  config.norm        = GNN_NORM_LAYER;
  config.aggregation = GNN_AGGREGATION_SUM;
  config.scaling     = GNN_SCALING_MEAN;
  config.output      = GNN_OUTPUT_DIRECT;
  PetscCall(TestModelCreate(&config, 1.0, 2, &m));
  PetscCall(TestCase("mean scaling, LayerNorm, sum, direct, width 10", m, A, PETSC_FALSE, PETSC_FALSE, 2e-5));
  PetscCall(TestCase("the same, tf32", m, A, PETSC_TRUE, PETSC_FALSE, 1e-2));
  PetscCall(TestMatCreateArrow(700, 0, &arrow));
  PetscCall(TestCase("the same, a row in parts", m, arrow, PETSC_FALSE, PETSC_FALSE, 2e-5));
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
  PetscCall(TestCase("lower, two hidden layers, one layer, user features", m, A, PETSC_FALSE, PETSC_FALSE, 1e-5));
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
  PetscCall(TestCase(name, m, A, PETSC_FALSE, PETSC_FALSE, 1e-5));
  PetscCall(PetscSNPrintf(name, sizeof(name), "blocks of %d, tf32, single precision storage", (int)b));
  PetscCall(TestCase(name, m, A, PETSC_TRUE, PETSC_TRUE, 5e-3));
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
  PetscCall(TestCase(name, m, A, PETSC_FALSE, PETSC_FALSE, 1e-5));
  PetscCall(GNNModelDestroy(&m));
  config.width   = 32;
  config.norm    = GNN_NORM_LAYER;
  config.scaling = GNN_SCALING_MEAN;
  config.output  = GNN_OUTPUT_DIRECT;
  config.pattern = GNN_PATTERN_A;
  PetscCall(TestModelCreate(&config, 1.0, 2, &m));
  PetscCall(PetscSNPrintf(name, sizeof(name), "blocks of %d, mean scaling, LayerNorm, direct", (int)b));
  PetscCall(TestCase(name, m, A, PETSC_FALSE, PETSC_FALSE, 2e-5));
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
    PetscCall(TestCase(name, m, A, PETSC_FALSE, PETSC_FALSE, 1e-5));
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

/* The guard's blend on the device: (1 - alpha)(by_c0 + damping by_c1) + alpha G^T, and Jacobi */
static PetscErrorCode TestBlend(GNNModel m, Mat A)
{
  const PetscReal alphas[] = {0.25, 0.0, GNN_GUARD_JACOBI}, damping = 0.8;
  PetscScalar    *gt;
  double         *da;
  GNNKernelStatus status;
  GNNDevice       device;
  Host            h = {0};

  PetscFunctionBeginUser;
  PetscCall(BothCreate(m, A, &h, &da, &device));
  PetscCall(PetscMalloc1(h.graph->nz, &gt));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(alphas); k++) {
    GNNGraph  g     = h.graph;
    PetscReal worst = 0.0;

    PetscCall(GNNDeviceSetUp(device, m, g, da, 1e-4, alphas[k], damping, PETSC_TRUE, NULL, &status));
    PetscCall(GNNDeviceGetSlots(device, g, gt, NULL));
    for (PetscInt i = 0; i < g->n; i++) {
      for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
        const PetscBool diagonal = g->j[p] == i ? PETSC_TRUE : PETSC_FALSE;
        PetscScalar     c0 = 0.0, c1 = 0.0, expected;

        if (g->keep[p] != 0) GNNFactorStartTerms(GNN_OUTPUT_RESIDUAL, GNN_PATTERN_A, diagonal, g->at[g->rev[p]], &c0, &c1);
        if (alphas[k] == GNN_GUARD_JACOBI) expected = diagonal && g->keep[p] != 0 ? 1.0 : 0.0;
        else expected = (1.0 - alphas[k]) * (c0 + damping * c1) + alphas[k] * h.gt[p];
        worst = PetscMax(worst, PetscAbsScalar(gt[p] - expected));
      }
    }
    Ok(worst < 1e-5, "b = %d, alpha %g: largest difference %.1e", (int)g->b, (double)alphas[k], (double)worst);
  }
  PetscCall(PetscFree(gt));
  PetscCall(BothDestroy(&h, &da, &device));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Values of A with something wrong in them; returns what is to be reported, and the row */
static PetscErrorCode Spoil(GNNGraph g, int kind, PetscScalar a[], PetscInt *row)
{
  PetscInt p = 0;

  PetscFunctionBeginUser;
  switch (kind) {
  case GNN_KERNEL_NOT_FINITE:
    p    = g->i[9];
    *row = 9;
    a[p] = NAN;
    break;
  case GNN_KERNEL_NOT_POSITIVE:
    p    = g->diag[7];
    *row = 7 - 7 % g->b;
    a[p] = -1.0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is wrong with the values is reported, and the same bits come every time */
static PetscErrorCode TestStatus(GNNModel m, Mat A)
{
  const int          kinds[] = {GNN_KERNEL_NOT_FINITE, GNN_KERNEL_NOT_POSITIVE, 0, 0};
  const char *const  names[] = {"a NaN", "a negative diagonal entry"};
  const PetscScalar *a;
  PetscScalar       *values, *x, *gt[2];
  double            *da;
  PetscInt           n, nz, row = 0;
  GNNKernelStatus    status;
  GNNDevice          device;
  Host               h = {0};

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(A, &n, NULL));
  PetscCall(PetscCalloc1(n, &x));
  PetscCall(MatSeqAIJGetArrayRead(A, &a));
  PetscCall(HostRun(m, A, a, x, 0, NULL, &h));
  nz = h.graph->nz;
  PetscCall(PetscMalloc3(nz, &values, nz, &gt[0], nz, &gt[1]));
  PetscCall(GNNDeviceCreate(m, h.graph, PETSC_FALSE, PETSC_FALSE, NULL, &device));
  for (int k = 0; k < 4; k++) {
    PetscCall(PetscArraycpy(values, a, nz));
    PetscCall(Spoil(h.graph, kinds[k], values, &row));
    PetscCall(Put(nz, values, &da));
    PetscCall(GNNDeviceSetUp(device, m, h.graph, da, 1e-4, 1.0, 1.0, PETSC_TRUE, NULL, &status));
    if (kinds[k]) Ok((status.flags & kinds[k]) && status.row == row, "b = %d: %s in row %d is reported, row %d", (int)h.graph->b, names[k], (int)row, status.row);
    else PetscCall(GNNDeviceGetSlots(device, h.graph, gt[k - 2], NULL));
    PetscCall(Take(nz, &da, NULL));
  }
  Ok(memcmp(gt[0], gt[1], nz * sizeof(PetscScalar)) == 0, "b = %d: the same bits at every set-up", (int)h.graph->b);
  PetscCall(GNNDeviceDestroy(&device));
  PetscCall(MatSeqAIJRestoreArrayRead(A, &a));
  PetscCall(HostDestroy(&h));
  PetscCall(PetscFree3(values, gt[0], gt[1]));
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A factor made on the host: the network's, or the classical one, whose rows end inside a block */
static PetscErrorCode TestUpload(GNNModel m, Mat A, PetscBool fsai, PetscBool single)
{
  const PetscReal    tolerance = single ? 1e-6 : 1e-13;
  const PetscScalar *a;
  PetscScalar       *x, *z;
  double            *dx, *dz;
  PetscInt           n;
  GNNDevice          device;
  Host               h = {0};

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(A, &n, NULL));
  PetscCall(PetscMalloc2(n, &x, n, &z));
  for (PetscInt i = 0; i < n; i++) x[i] = PetscSinReal(1.0 + (PetscReal)i);
  PetscCall(MatSeqAIJGetArrayRead(A, &a));
  PetscCall(HostRun(m, A, a, x, 0, NULL, &h));
  PetscCall(MatSeqAIJRestoreArrayRead(A, &a));
  if (fsai) PetscCall(GNNFactorAssembleFsai(h.factor, h.graph, 0.02, 1e-3));
  PetscCall(GNNFactorApply(h.factor, x, h.z));
  h.factor->single = single;
  PetscCall(GNNDeviceCreate(NULL, h.graph, single, PETSC_FALSE, NULL, &device));
  PetscCall(GNNDeviceUpload(device, h.factor, NULL));
  PetscCall(Put(n, x, &dx));
  PetscCall(Put(n, x, &dz));
  PetscCall(GNNDeviceApply(device, dx, dz, NULL));
  PetscCall(Take(n, &dx, NULL));
  PetscCall(Take(n, &dz, z));
  Ok(TestArrayDifference(n, z, h.z) <= tolerance, "b = %d, the host's %s factor, %s: M^-1 x, %.1e", (int)h.graph->b, fsai ? "classical" : "network's", single ? "single" : "double", (double)TestArrayDifference(n, z, h.z));
  PetscCall(GNNDeviceDestroy(&device));
  PetscCall(HostDestroy(&h));
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
    PetscCall(TestUpload(m, A, PETSC_FALSE, PETSC_FALSE));
    PetscCall(MatDestroy(&A));
  }
  PetscCall(GNNModelDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestOfModel(GNNModel m, Mat A)
{
  PetscFunctionBeginUser;
  PetscCall(TestAwkward(m));
  PetscCall(TestBlend(m, A));
  PetscCall(TestStatus(m, A));
  for (int k = 0; k < 4; k++) PetscCall(TestUpload(m, A, k % 2 ? PETSC_TRUE : PETSC_FALSE, k / 2 ? PETSC_TRUE : PETSC_FALSE));
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
  PetscCall(TestMatCreateRandom(PETSC_COMM_SELF, 150, 5, &A));
  PetscCall(AddOneSidedZeros(A, 31, 106));
  PetscCall(TestMatDecouple(A, 6));
  PetscCall(TestConfigs(A));
  PetscCall(TestLongRows());
  PetscCall(TestModel(4, &m));
  PetscCall(TestOfModel(m, A));
  PetscCall(MakeOneSided(A));
  PetscCall(TestCase("one-sided values", m, A, PETSC_FALSE, PETSC_FALSE, 1e-5));
  PetscCall(AddPenalty(A));
  PetscCall(TestCase("rows held by a penalty", m, A, PETSC_FALSE, PETSC_FALSE, 1e-5));
  PetscCall(GNNModelDestroy(&m));
  PetscCall(MatDestroy(&A));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(b); k++) {
    PetscCall(BlockMat(b[k], &A));
    PetscCall(TestBlockConfigs(b[k], A));
    PetscCall(TestModelBlocks(b[k], &m));
    if (b[k] == 3) PetscCall(TestOfModel(m, A));
    PetscCall(MakeOneSided(A));
    PetscCall(TestCase("one-sided values of blocks", m, A, PETSC_FALSE, PETSC_FALSE, 1e-5));
    PetscCall(AddPenalty(A));
    PetscCall(TestCase("unknowns of blocks held by a penalty", m, A, PETSC_FALSE, PETSC_FALSE, 1e-5));
    PetscCall(GNNModelDestroy(&m));
    PetscCall(MatDestroy(&A));
  }
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
