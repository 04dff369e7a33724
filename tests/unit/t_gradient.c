static char help[] = "Derivatives against central differences, in double: row functions, and the whole loss for every variant of the network.\n";

#include "../../train/train.h"
#include "../tap.h"
#include "../testmat.h"

#if !defined(GNN_USE_DOUBLE)
  #error "compile with -DGNN_USE_DOUBLE"
#endif

static void TestGelu(void)
{
  double worst = 0;

  for (double x = -6; x <= 6; x += 0.01) {
    double d, unused, h = 1e-6;

    (void)GNNGelu(x, &d);
    worst = PetscMax(worst, fabs(d - (GNNGelu(x + h, &unused) - GNNGelu(x - h, &unused)) / (2 * h)));
  }
  Ok(worst < 1e-8, "gelu': largest difference %.1e", worst);
}

/* One direction per tensor: g . delta against (L(theta + h delta) - L(theta - h delta))/(2 h) */
typedef struct {
  GNNModel    model;
  GNNActs     acts;
  TrainLoss   loss;
  TrainSample sample;
  PetscRandom random;
} Case;

static PetscErrorCode CaseLoss(Case *c, PetscReal *loss, GNNNet dnet)
{
  PetscFunctionBeginUser;
  PetscCall(PetscRandomSetSeed(c->random, 77)); /* the same probes every time */
  PetscCall(PetscRandomSeed(c->random));
  PetscCall(GNNModelPack(c->model));
  PetscCall(TrainSampleLoss(c->model, c->acts, c->loss, 2, c->random, &c->sample, loss, dnet));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CaseTensorError(Case *c, const GNNTensor *tensor, const PetscScalar *dtheta, PetscReal *error)
{
  const PetscInt  size     = tensor->rows * PetscMax(tensor->cols, 1);
  const PetscReal h        = 1e-5;
  GNNReal        *theta    = c->model->theta + tensor->offset, *saved, *delta;
  PetscReal       expected = 0.0, norm = 0.0, plus, minus;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(size, &saved, size, &delta));
  for (PetscInt k = 0; k < size; k++) {
    saved[k] = theta[k];
    delta[k] = dtheta[tensor->offset + k]; /* along the gradient itself: no cancellation */
    norm += delta[k] * delta[k];
  }
  norm = PetscSqrtReal(norm);
  for (PetscInt k = 0; k < size; k++) {
    delta[k] = norm > 0.0 ? delta[k] / norm : 1.0;
    expected += delta[k] * dtheta[tensor->offset + k];
    theta[k] = saved[k] + h * delta[k];
  }
  PetscCall(CaseLoss(c, &plus, NULL));
  for (PetscInt k = 0; k < size; k++) theta[k] = saved[k] - h * delta[k];
  PetscCall(CaseLoss(c, &minus, NULL));
  for (PetscInt k = 0; k < size; k++) theta[k] = saved[k];
  *error = PetscAbsReal(expected - (plus - minus) / (2 * h)) / (PetscAbsReal(expected) + 1e-3);
  PetscCall(PetscFree2(saved, delta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestCase(const char name[], const GNNConfig *config, TrainLoss loss, Mat A)
{
  Case         c;
  GNNNet       dnet;
  PetscScalar *dtheta;
  PetscReal    value, worst = 0.0;
  const char  *where = "", *zero = NULL;

  PetscFunctionBeginUser;
  c.loss = loss;
  PetscCall(PetscRandomCreate(PETSC_COMM_SELF, &c.random));
  PetscCall(PetscRandomSetType(c.random, PETSCRANDER48));
  PetscCall(GNNModelCreate(config, &c.model));
  PetscCall(GNNModelInitialize(c.model, c.random));
  for (PetscInt k = 0; k < c.model->nparams; k++) { /* away from the special values of the start */
    PetscReal u;

    PetscCall(PetscRandomGetValueReal(c.random, &u));
    c.model->theta[k] += 0.2 * (u - 0.5);
  }
  PetscCall(GNNActsCreate(c.model, &c.acts));
  PetscCall(TrainSampleCreate(config, loss, A, name, &c.sample));
  PetscCall(GNNNetCreate(&c.model->net->shape, &dnet));
  PetscCall(PetscMalloc1(c.model->nparams, &dtheta));
  PetscCall(CaseLoss(&c, &value, dnet));
  PetscCall(GNNNetUnpackGradient(dnet, c.model->theta, dtheta));
  for (PetscInt t = 0; t < c.model->ntensors; t++) {
    const GNNTensor *tensor = c.model->tensors + t;
    PetscReal        error = 0.0, norm = 0.0;

    for (PetscInt k = 0; k < tensor->rows * PetscMax(tensor->cols, 1); k++) norm += PetscAbsScalar(dtheta[tensor->offset + k]);
    if (norm == 0.0) zero = tensor->name;
    PetscCall(CaseTensorError(&c, tensor, dtheta, &error));
    if (error > worst) {
      worst = error;
      where = tensor->name;
    }
  }
  Ok(worst < 2e-7 && PetscIsNormalReal(value), "%s: loss %.4g, gradient off by %.1e (%s)", name, (double)value, (double)worst, where);
  Ok(zero == NULL, "%s: every tensor has a gradient%s%s", name, zero ? ", but not " : "", zero ? zero : "");
  PetscCall(PetscFree(dtheta));
  PetscCall(GNNNetDestroy(&dnet));
  PetscCall(GNNActsDestroy(&c.acts));
  PetscCall(TrainSampleDestroy(&c.sample));
  PetscCall(GNNModelDestroy(&c.model));
  PetscCall(PetscRandomDestroy(&c.random));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* tr(At K)/n - log det(K)/n with K = G G^T + eps I, dense: n is small */
static PetscReal KaporinNumber(const TrainSample *s, const PetscScalar *gt)
{
  const GNNGraph g         = s->graph;
  const PetscInt n         = g->n;
  PetscReal      K[60][60] = {{0}}, value = 0.0;

  for (PetscInt i = 0; i < n; i++) {
    K[i][i] += s->epsilon;
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      for (PetscInt q = g->i[i]; q < g->i[i + 1]; q++) K[g->j[p]][g->j[q]] += gt[p] * gt[q];
    }
  }
  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) value += g->at[p] * K[i][g->j[p]] / n;
  }
  for (PetscInt k = 0; k < n; k++) { /* Cholesky */
    value -= PetscLogReal(K[k][k]) / n;
    for (PetscInt i = k + 1; i < n; i++) {
      for (PetscInt j = k + 1; j <= i; j++) K[i][j] -= K[i][k] * K[j][k] / K[k][k];
    }
  }
  return value;
}

/* With all unit vectors as probes the estimate is the gradient itself */
static PetscErrorCode TestKaporin(const GNNConfig *config, Mat A, const char what[])
{
  TrainSample  s;
  PetscRandom  random;
  PetscScalar *gt;
  PetscReal    worst = 0.0;

  PetscFunctionBeginUser;
  PetscCall(PetscRandomCreate(PETSC_COMM_SELF, &random));
  PetscCall(TrainSampleCreate(config, TRAIN_LOSS_KAPORIN, A, "kaporin", &s));
  PetscCall(MatSeqAIJGetArray(s.Gt, &gt));
  for (PetscInt p = 0; p < s.graph->nz; p++) {
    PetscReal u;

    PetscCall(PetscRandomGetValueReal(random, &u));
    gt[p] = (u - 0.5) * 0.4 - 0.5 * s.graph->at[p];
  }
  for (PetscInt i = 0; i < s.graph->n; i++) gt[s.graph->diag[i]] += 1.5;
  PetscCall(MatSeqAIJRestoreArray(s.Gt, &gt));
  for (PetscInt pass = 0; pass < 2; pass++) { /* the first makes the solver, whose tolerance is then tightened */
    PetscCall(PetscArrayzero(s.dgt, s.graph->nz));
    for (PetscInt i = 0; i < s.graph->n; i++) {
      PetscCall(VecZeroEntries(s.w));
      PetscCall(VecSetValue(s.w, i, 1.0, INSERT_VALUES));
      PetscCall(VecAssemblyBegin(s.w));
      PetscCall(VecAssemblyEnd(s.w));
      PetscCall(TrainSampleProbeGradient(&s, TRAIN_LOSS_KAPORIN, 1.0 / s.graph->n));
    }
    PetscCall(KSPSetTolerances(s.solve, 1e-13, 0.0, PETSC_DEFAULT, 1000));
  }
  for (PetscInt p = 0; p < s.graph->nz; p++) {
    const PetscReal   h     = 1e-5;
    const PetscScalar saved = s.gt[p];
    PetscReal         plus, minus;

    s.gt[p] = saved + h;
    plus    = KaporinNumber(&s, s.gt);
    s.gt[p] = saved - h;
    minus   = KaporinNumber(&s, s.gt);
    s.gt[p] = saved;
    worst   = PetscMax(worst, PetscAbsReal((plus - minus) / (2 * h) - s.dgt[p]));
  }
  Ok(worst < 1e-8, "kaporin%s: gradient to the slots off by %.1e", what, (double)worst);
  PetscCall(TrainSampleDestroy(&s));
  PetscCall(PetscRandomDestroy(&random));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* b x b blocks, some of their unknowns decoupled */
static PetscErrorCode TestBlocks(const GNNConfig *base)
{
  GNNConfig c = *base;
  Mat       A[2];

  PetscFunctionBeginUser;
  for (PetscInt b = 2; b <= 3; b++) {
    PetscCall(TestMatCreateBlocks(PETSC_COMM_SELF, MATAIJ, b, 18, b, &A[b - 2]));
    PetscCall(TestMatClamp(A[b - 2]));
  }
  c.block_size                        = 3;
  c.node_features[c.nnode_features++] = GNN_NODE_MASK;
  PetscCall(TestCase("blocks of 3", &c, TRAIN_LOSS_SAI, A[1]));
  PetscCall(TestCase("blocks of 3, log-sai", &c, TRAIN_LOSS_LOG_SAI, A[1]));
  c.pattern = GNN_PATTERN_LOWER;
  c.norm    = GNN_NORM_LAYER;
  PetscCall(TestCase("blocks of 3, pattern lower", &c, TRAIN_LOSS_SAI, A[1]));
  c.block_size = 2;
  PetscCall(TestCase("blocks of 2, pattern lower", &c, TRAIN_LOSS_SAI, A[0]));
  c.pattern = GNN_PATTERN_A;
  c.output  = GNN_OUTPUT_DIRECT;
  c.scaling = GNN_SCALING_MEAN;
  PetscCall(TestCase("blocks of 2, scaling mean, plain loss", &c, TRAIN_LOSS_PLAIN, A[0]));
  PetscCall(MatDestroy(&A[1]));
  PetscCall(TestMatCreateBlocks(PETSC_COMM_SELF, MATAIJ, 3, 16, 4, &A[1]));
  c            = *base;
  c.block_size = 3;
  PetscCall(TestKaporin(&c, A[1], ", blocks of 3"));
  for (int k = 0; k < 2; k++) PetscCall(MatDestroy(&A[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  GNNConfig base, c;
  Mat       A;
  int       failed;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  TestGelu();
  PetscCall(TestMatCreateRandom(PETSC_COMM_SELF, 45, 1, &A));
  PetscCall(TestMatDecouple(A, 3));
  PetscCall(GNNConfigSetDefaults(&base));
  base.width  = 12; /* padded to 16 */
  base.layers = 2;

  c = base;
  PetscCall(TestCase("residual", &c, TRAIN_LOSS_SAI, A));
  PetscCall(TestCase("log-sai", &c, TRAIN_LOSS_LOG_SAI, A));
  c.norm = GNN_NORM_LAYER;
  PetscCall(TestCase("LayerNorm", &c, TRAIN_LOSS_SAI, A));
  c               = base;
  c.hidden_layers = 3;
  PetscCall(TestCase("three hidden layers", &c, TRAIN_LOSS_SAI, A));
  c         = base;
  c.pattern = GNN_PATTERN_LOWER;
  PetscCall(TestCase("pattern lower", &c, TRAIN_LOSS_SAI, A));
  c.output = GNN_OUTPUT_DIRECT;
  PetscCall(TestCase("pattern lower, direct", &c, TRAIN_LOSS_SAI, A));
  c               = base;
  c.width         = 24;
  c.layers        = 1;
  c.hidden_layers = 2;
  c.scaling       = GNN_SCALING_MEAN;
  c.output        = GNN_OUTPUT_DIRECT;
  c.aggregation   = GNN_AGGREGATION_SUM;
  c.norm          = GNN_NORM_LAYER;
  PetscCall(TestCase("the paper's form", &c, TRAIN_LOSS_SAI, A));
  PetscCall(TestCase("the paper's form, plain loss", &c, TRAIN_LOSS_PLAIN, A));
  PetscCall(MatDestroy(&A));
  PetscCall(TestMatCreateRandom(PETSC_COMM_SELF, 40, 2, &A));
  PetscCall(TestKaporin(&base, A, ""));
  PetscCall(MatDestroy(&A));
  PetscCall(TestBlocks(&base));
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
