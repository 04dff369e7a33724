static char help[] = "Training on the device against the host's, on equal probes: loss, every parameter's gradient, steps of AdamW, the same bits.\n\
Linked with the CUDA kernels it runs on a GPU; without a GPU it is linked with the same kernels compiled for tests/cuda/emulate.h.\n";

#include "../../train/device.h"
#include "../caught.h"
#include "testdevice.h"
#include "../testpc.h"

/* A model, its matrices, and what both sides compute from them */
typedef struct {
  GNNModel           model;
  TrainDeviceOptions options;
  PetscInt           count;
  TrainSample       *samples;
  TrainDevice        device;
  GNNActs            acts;
  GNNNet             dnet;
  Vec                theta, gradient, expected;
  TrainAdamW         adam;
} Case;

static PetscErrorCode CaseCreate(const GNNConfig *config, PetscReal factor, TrainLoss loss, PetscInt probes, PetscInt batch, PetscInt count, const Mat A[], Case *c)
{
  PetscScalar *x;

  PetscFunctionBeginUser;
  PetscCall(TestModelCreate(config, factor, 5, &c->model));
  for (PetscInt l = 0; l < c->model->ntensors; l++) { /* a start of norms that is not 1 and 0 */
    const GNNTensor *t = &c->model->tensors[l];

    for (PetscInt k = 0; strstr(t->name, "pre_norm") && k < t->rows; k++) c->model->theta[t->offset + k] += (GNNReal)(0.3 * PetscSinReal((PetscReal)(k + l)));
  }
  PetscCall(GNNModelPack(c->model));
  c->options = (TrainDeviceOptions){loss, probes, batch, batch};
  c->count   = count;
  PetscCall(PetscMalloc1(count, &c->samples));
  for (PetscInt k = 0; k < count; k++) PetscCall(TrainSampleCreate(config, loss, A[k], "test", &c->samples[k]));
  PetscCall(TrainDeviceCreate(c->model, &c->options, count, c->samples, &c->device));
  PetscCall(GNNActsCreate(c->model, &c->acts));
  PetscCall(GNNNetCreate(&c->model->net->shape, &c->dnet));
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, c->model->nparams, &c->theta));
  PetscCall(VecDuplicate(c->theta, &c->gradient));
  PetscCall(VecDuplicate(c->theta, &c->expected));
  PetscCall(TrainAdamWCreate(c->theta, &c->adam));
  PetscCall(VecGetArrayWrite(c->theta, &x));
  for (PetscInt k = 0; k < c->model->nparams; k++) x[k] = c->model->theta[k];
  PetscCall(VecRestoreArrayWrite(c->theta, &x));
  PetscCall(TrainDeviceSet(c->device, c->theta, &c->adam));
  PetscCall(TrainDeviceSetLoss(c->device, 0.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CaseDestroy(Case *c)
{
  PetscFunctionBeginUser;
  PetscCall(TrainDeviceDestroy(&c->device));
  for (PetscInt k = 0; k < c->count; k++) PetscCall(TrainSampleDestroy(&c->samples[k]));
  PetscCall(PetscFree(c->samples));
  PetscCall(TrainAdamWDestroy(&c->adam));
  PetscCall(VecDestroy(&c->theta));
  PetscCall(VecDestroy(&c->gradient));
  PetscCall(VecDestroy(&c->expected));
  PetscCall(GNNNetDestroy(&c->dnet));
  PetscCall(GNNActsDestroy(&c->acts));
  PetscCall(GNNModelDestroy(&c->model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the host's loss and gradient on the device's probes ---- */

static PetscErrorCode HostProbe(TrainSample *s, unsigned long long key, PetscInt probes, PetscInt c)
{
  PetscScalar *w;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayWrite(s->w, &w));
  for (PetscInt i = 0; i < s->graph->n; i++) {
    const PetscInt at = i * probes + c;
    double         x[2];

    GNNRandomNormals(key, (unsigned long long)(at / 2), x);
    w[i] = s->graph->decoupled[i] ? 0.0 : x[at % 2];
  }
  PetscCall(VecRestoreArrayWrite(s->w, &w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode HostSample(Case *c, TrainSample *s, unsigned long long key, PetscReal *loss)
{
  const PetscInt  probes = c->options.probes;
  const PetscReal scale  = 1.0 / ((PetscReal)probes * s->graph->ncoupled);
  PetscReal       sai    = 0.0;

  PetscFunctionBeginUser;
  PetscCall(TrainSampleFactor(c->model, c->acts, s));
  PetscCall(PetscArrayzero(s->dgt, s->graph->nz));
  for (PetscInt k = 0; k < probes; k++) {
    PetscCall(HostProbe(s, key, probes, k));
    PetscCall(TrainSampleProbeLoss(s, scale, &sai));
    PetscCall(TrainSampleProbeGradient(s, c->options.loss, scale));
  }
  *loss += (c->options.loss == TRAIN_LOSS_LOG_SAI ? PetscLogReal(sai) : sai) / c->options.batch;
  PetscCall(TrainSampleBackward(c->model, c->acts, s, (c->options.loss == TRAIN_LOSS_LOG_SAI ? 1.0 / sai : 1.0) / c->options.batch, c->dnet));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode HostGradient(Case *c, const PetscInt which[], const unsigned long long key[], PetscReal *loss)
{
  PetscScalar *g;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(c->dnet->data, c->dnet->size));
  c->dnet->c[0] = c->dnet->c[1] = 0;
  *loss                         = 0.0;
  for (PetscInt k = 0; k < c->options.batch; k++) PetscCall(HostSample(c, &c->samples[which[k]], key[k], loss));
  PetscCall(VecGetArrayWrite(c->expected, &g));
  PetscCall(GNNNetUnpackGradient(c->dnet, c->model->theta, g));
  PetscCall(VecRestoreArrayWrite(c->expected, &g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- comparison ---- */

/* The largest difference of a tensor's gradient over its largest number, and whose that is. Where a tensor's gradient is nothing but rounding, that of all counts */
static PetscErrorCode Worst(Case *c, PetscReal *worst, const char **name)
{
  const PetscScalar *x, *y;
  PetscReal          all;

  PetscFunctionBeginUser;
  PetscCall(VecNorm(c->expected, NORM_INFINITY, &all));
  PetscCall(VecGetArrayRead(c->gradient, &x));
  PetscCall(VecGetArrayRead(c->expected, &y));
  *worst = 0.0;
  *name  = "none";
  for (PetscInt l = 0; l < c->model->ntensors; l++) {
    const GNNTensor *t          = &c->model->tensors[l];
    PetscReal        difference = 0.0, size = 1e-3 * all;

    for (PetscInt k = t->offset; k < t->offset + t->rows * PetscMax(t->cols, 1); k++) {
      difference = PetscIsInfOrNanScalar(x[k]) ? PETSC_INFINITY : PetscMax(difference, PetscAbsScalar(x[k] - y[k]));
      size       = PetscMax(size, PetscAbsScalar(y[k]));
    }
    if (difference <= *worst * size) continue;
    *worst = difference / size;
    *name  = t->name;
  }
  PetscCall(VecRestoreArrayRead(c->gradient, &x));
  PetscCall(VecRestoreArrayRead(c->expected, &y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One batch of all matrices in turn */
static PetscErrorCode TestGradient(const char name[], const GNNConfig *config, TrainLoss loss, PetscInt probes, PetscInt batch, PetscInt count, const Mat A[], PetscReal tolerance)
{
  PetscInt           *which;
  unsigned long long *key;
  PetscReal           device, host, worst = PETSC_INFINITY;
  const char         *where = NULL;
  Case                c;

  PetscFunctionBeginUser;
  PetscCall(CaseCreate(config, 1.5, loss, probes, batch, count, A, &c));
  PetscCall(PetscMalloc2(batch, &which, batch, &key));
  for (PetscInt k = 0; k < batch; k++) {
    which[k] = (k + 1) % count;
    key[k]   = GNNHash((unsigned long long)(k + 1));
  }
  PetscCall(TrainDeviceGradient(c.device, which, key));
  PetscCall(TrainDeviceGetGradient(c.device, c.gradient, &device));
  PetscCall(HostGradient(&c, which, key, &host));
  PetscCall(Worst(&c, &worst, &where));
  Ok(PetscAbsReal(device - host) <= 1e-6 * PetscMax(1.0, PetscAbsReal(host)), "%s: loss %.9g, the host's %.9g (%s)", name, (double)device, (double)host, WHERE);
  Ok(worst <= tolerance, "%s: gradient, largest difference %.1e (%s)", name, (double)worst, where);
  PetscCall(PetscFree2(which, key));
  PetscCall(CaseDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Matrices that a batch is made of: rows that are decoupled with their zeros stored; a full row, isolated ones and a zero stored without its
   transpose; two rows; a long row */
enum {
  RANDOM,
  ARROW,
  PAIR,
  LONG,
  NMATRICES
};

static PetscErrorCode MatricesCreate(Mat A[])
{
  PetscFunctionBeginUser;
  PetscCall(TestMatCreateRandom(PETSC_COMM_SELF, 60, 5, &A[RANDOM]));
  PetscCall(TestMatDecouple(A[RANDOM], 6));
  PetscCall(TestMatCreateArrow(40, 8, &A[ARROW]));
  PetscCall(MatSetOption(A[ARROW], MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  PetscCall(MatSetValue(A[ARROW], 5, 7, 0.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(A[ARROW], MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A[ARROW], MAT_FINAL_ASSEMBLY));
  PetscCall(TestMatCreateArrow(2, 0, &A[PAIR]));
  PetscCall(TestMatCreateArrow(2000, 500, &A[LONG]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestConfigs(const Mat A[])
{
  GNNConfig config;

  PetscFunctionBeginUser;
  PetscCall(GNNConfigSetDefaults(&config));
  config.layers = 2;
  PetscCall(TestGradient("default, log-sai, three matrices", &config, TRAIN_LOSS_LOG_SAI, 8, 3, 3, A, 1e-4));
  PetscCall(TestGradient("sai, one of them, nine probes", &config, TRAIN_LOSS_SAI, 9, 1, 1, A, 1e-4));
  config.layers = 1;
  if (!TestSmall()) PetscCall(TestGradient("a row of 1500, one layer, one probe", &config, TRAIN_LOSS_LOG_SAI, 1, 1, 1, A + LONG, 1e-4));
  /* the paper's form */
  config.layers      = 2;
  config.width       = 20;
  config.norm        = GNN_NORM_LAYER;
  config.aggregation = GNN_AGGREGATION_SUM;
  config.scaling     = GNN_SCALING_MEAN;
  config.output      = GNN_OUTPUT_DIRECT;
  PetscCall(TestGradient("LayerNorm, sum, direct, width 20, sai", &config, TRAIN_LOSS_SAI, 4, 3, 3, A, 2e-4));
  if (!TestSmall()) PetscCall(TestGradient("the same, loss plain", &config, TRAIN_LOSS_PLAIN, 4, 2, 2, A, 2e-4));
  PetscCall(GNNConfigSetDefaults(&config));
  config.width                                  = 32;
  config.layers                                 = 2;
  config.hidden_layers                          = 2;
  config.pattern                                = GNN_PATTERN_LOWER;
  config.node_features[config.nnode_features++] = GNN_NODE_MASK;
  PetscCall(TestGradient("lower, width 32, two hidden layers, mask", &config, TRAIN_LOSS_LOG_SAI, 8, 2, 2, A, 1e-4));
  config.width         = 16;
  config.hidden_layers = 3;
  config.norm          = GNN_NORM_LAYER;
  config.pattern       = GNN_PATTERN_A;
  PetscCall(TestGradient("LayerNorm, width 16, three hidden layers", &config, TRAIN_LOSS_LOG_SAI, 8, 2, 2, A, 2e-4));
  config.layers         = 1;
  config.hidden_layers  = 1;
  config.nedge_features = 1;
  config.width          = 8;
  if (!TestSmall()) PetscCall(TestGradient("width 8, one edge feature, a batch of 70", &config, TRAIN_LOSS_LOG_SAI, 2, 70, 2, A + ARROW, 2e-4));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- batches ---- */

static PetscErrorCode GradientOf(Case *c, const PetscInt which[], const unsigned long long key[], Vec gradient, PetscReal *loss)
{
  PetscFunctionBeginUser;
  PetscCall(TrainDeviceGradient(c->device, which, key));
  PetscCall(TrainDeviceGetGradient(c->device, gradient, loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A batch's loss and gradient are the means of those of its matrices; and every time the same bits */
static PetscErrorCode TestBatch(const Mat A[])
{
  const PetscInt           which[] = {1, 0, 2, 0};
  const unsigned long long key[]   = {7, 8, 9, 10};
  const PetscScalar       *x, *y;
  GNNConfig                config;
  Case                     one, all;
  Vec                      sum;
  PetscReal                loss, again, mean = 0.0, difference, norm;

  PetscFunctionBeginUser;
  PetscCall(TestConfig(&config));
  PetscCall(CaseCreate(&config, 1.0, TRAIN_LOSS_LOG_SAI, 4, 4, 3, A, &all));
  PetscCall(CaseCreate(&config, 1.0, TRAIN_LOSS_LOG_SAI, 4, 1, 3, A, &one));
  PetscCall(VecDuplicate(one.theta, &sum));
  PetscCall(VecSet(sum, 0.0));
  for (int k = 0; k < 4; k++) {
    PetscCall(GradientOf(&one, which + k, key + k, one.gradient, &loss));
    PetscCall(VecAXPY(sum, 0.25, one.gradient));
    mean += 0.25 * loss;
  }
  PetscCall(GradientOf(&all, which, key, all.gradient, &loss));
  PetscCall(VecAXPY(sum, -1.0, all.gradient));
  PetscCall(VecNorm(sum, NORM_2, &difference));
  PetscCall(VecNorm(all.gradient, NORM_2, &norm));
  Ok(PetscAbsReal(loss - mean) < 1e-12 && difference < 1e-5 * norm, "a batch of four: loss %.12g and the mean of single ones %.12g, gradients differ by %.1e", (double)loss, (double)mean, (double)(difference / norm));
  PetscCall(GradientOf(&one, which + 1, key, one.gradient, &again)); /* something else in between */
  PetscCall(GradientOf(&all, which, key, all.expected, &again));
  PetscCall(VecGetArrayRead(all.gradient, &x));
  PetscCall(VecGetArrayRead(all.expected, &y));
  Ok(loss == again && memcmp(x, y, all.model->nparams * sizeof(*x)) == 0, "the same bits every time");
  PetscCall(VecRestoreArrayRead(all.gradient, &x));
  PetscCall(VecRestoreArrayRead(all.expected, &y));
  PetscCall(VecDestroy(&sum));
  PetscCall(CaseDestroy(&one));
  PetscCall(CaseDestroy(&all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- steps ---- */

static PetscErrorCode HostSetParameters(Case *c)
{
  const PetscScalar *x;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(c->theta, &x));
  for (PetscInt k = 0; k < c->model->nparams; k++) c->model->theta[k] = (GNNReal)x[k];
  PetscCall(VecRestoreArrayRead(c->theta, &x));
  PetscCall(GNNModelPack(c->model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |x - y| / |y| */
static PetscErrorCode VecDifference(Vec x, Vec y, PetscReal *difference)
{
  PetscReal norm;

  PetscFunctionBeginUser;
  PetscCall(VecNorm(y, NORM_2, &norm));
  PetscCall(VecAXPY(x, -1.0, y));
  PetscCall(VecNorm(x, NORM_2, difference));
  *difference /= norm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Ten steps on both sides, of which the first are clipped: the losses, then the parameters and moments */
static PetscErrorCode TestSteps(const char name[], const GNNConfig *config, const Mat A[])
{
  const PetscInt  steps = TestSmall() ? 2 : 10;
  const PetscReal lr    = 1e-2;
  PetscReal       worst = 0.0, first = 0.0, last = 0.0, sum = 0.0, dtheta, dm, dv;
  GNNTrainStatus  status;
  TrainAdamW      adam;
  Vec             theta;
  Case            c;

  PetscFunctionBeginUser;
  PetscCall(CaseCreate(config, 1.0, TRAIN_LOSS_LOG_SAI, 4, 2, 3, A, &c));
  c.adam.clip = 0.5;
  for (PetscInt step = 0; step < steps; step++) {
    const PetscInt           which[] = {step % 3, (step + 1) % 3};
    const unsigned long long key[]   = {GNNHash(2 * step + 1), GNNHash(2 * step + 2)};
    PetscReal                host;

    PetscCall(HostGradient(&c, which, key, &host));
    PetscCall(TrainAdamWStep(&c.adam, lr, c.expected, c.theta));
    PetscCall(HostSetParameters(&c));
    PetscCall(TrainDeviceGradient(c.device, which, key));
    PetscCall(TrainDeviceStep(c.device, &c.adam, lr)); /* step is counted by the host's */
    PetscCall(TrainDeviceGetStatus(c.device, &status));
    worst = PetscMax(worst, PetscAbsReal((PetscReal)status.loss - host));
    sum += host;
    if (step == 0) first = host;
    last = host;
  }
  Ok(worst < 1e-4 && status.steps == steps && !status.failed && PetscAbsReal((PetscReal)status.sum - sum) < 1e-3, "%s: %d steps, from loss %.4f to %.4f, the largest difference %.1e (%s)", name, (int)steps, (double)first, (double)last, (double)worst, WHERE);
  PetscCall(VecDuplicate(c.theta, &theta));
  PetscCall(TrainAdamWCreate(theta, &adam));
  PetscCall(TrainDeviceGet(c.device, theta, &adam));
  PetscCall(VecDifference(theta, c.theta, &dtheta));
  PetscCall(VecDifference(adam.m, c.adam.m, &dm));
  PetscCall(VecDifference(adam.v, c.adam.v, &dv));
  Ok(dtheta < 1e-3 && dm < 1e-3 && dv < 1e-3, "%s: parameters differ by %.1e, moments by %.1e and %.1e", name, (double)dtheta, (double)dm, (double)dv);
  PetscCall(TrainAdamWDestroy(&adam));
  PetscCall(VecDestroy(&theta));
  PetscCall(CaseDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One step of AdamW on a given gradient: what the device has after it, without the network in between */
static PetscErrorCode TestAdamW(const Mat A[])
{
  const PetscInt           which[] = {0};
  const unsigned long long key[]   = {1};
  PetscReal                unused, d[3];
  GNNConfig                config;
  TrainAdamW               adam;
  Vec                      theta;
  Case                     c;

  PetscFunctionBeginUser;
  PetscCall(TestConfig(&config));
  PetscCall(CaseCreate(&config, 1.0, TRAIN_LOSS_SAI, 2, 1, 1, A, &c));
  c.adam.clip = 1e-3; /* far below the gradient's norm */
  PetscCall(GradientOf(&c, which, key, c.gradient, &unused));
  PetscCall(TrainAdamWStep(&c.adam, 0.1, c.gradient, c.theta));
  PetscCall(TrainDeviceStep(c.device, &c.adam, 0.1));
  PetscCall(VecDuplicate(c.theta, &theta));
  PetscCall(TrainAdamWCreate(theta, &adam));
  PetscCall(TrainDeviceGet(c.device, theta, &adam));
  PetscCall(VecDifference(theta, c.theta, &d[0]));
  PetscCall(VecDifference(adam.m, c.adam.m, &d[1]));
  PetscCall(VecDifference(adam.v, c.adam.v, &d[2]));
  Ok(d[0] < 1e-12 && d[1] < 1e-12 && d[2] < 1e-12, "AdamW with clipping: parameters and moments differ by %.1e, %.1e, %.1e", (double)d[0], (double)d[1], (double)d[2]);
  PetscCall(TrainAdamWDestroy(&adam));
  PetscCall(VecDestroy(&theta));
  PetscCall(CaseDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A gradient that is not finite is reported with its step, and neither that step nor those after it change anything */
static PetscErrorCode TestNotFinite(const Mat A[])
{
  const PetscInt           which[] = {0};
  const unsigned long long key[]   = {1};
  PetscReal                difference;
  GNNTrainStatus           status;
  GNNConfig                config;
  Vec                      theta;
  Case                     c;

  PetscFunctionBeginUser;
  PetscCall(TestConfig(&config));
  PetscCall(CaseCreate(&config, 1.0, TRAIN_LOSS_SAI, 2, 1, 1, A, &c));
  PetscCall(VecScale(c.theta, 1e20));
  PetscCall(TrainDeviceSet(c.device, c.theta, &c.adam));
  for (c.adam.step = 5; c.adam.step < 7; c.adam.step++) {
    PetscCall(TrainDeviceGradient(c.device, which, key));
    PetscCall(TrainDeviceStep(c.device, &c.adam, 1e-2));
  }
  PetscCall(TrainDeviceGetStatus(c.device, &status));
  PetscCall(VecDuplicate(c.theta, &theta));
  PetscCall(TrainDeviceGet(c.device, theta, &c.adam));
  PetscCall(VecDifference(theta, c.theta, &difference));
  Ok(status.failed == 5 && status.steps == 0 && difference == 0.0, "a gradient that is not finite stops the steps: reported at %d", status.failed);
  PetscCall(VecDestroy(&theta));
  PetscCall(CaseDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what is refused ---- */

static PetscErrorCode TestRefused(const char name[], const GNNConfig *config, TrainLoss loss, const char text[])
{
  GNNModel       m;
  PetscErrorCode error;

  PetscFunctionBeginUser;
  PetscCall(TestModelCreate(config, 1.0, 1, &m));
  Caught(error, TrainDeviceCheck(m, loss));
  PetscCall(OkMessage(error, text, "leave out -mat_type aijcusparse", name));
  PetscCall(GNNModelDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestRefusals(void)
{
  GNNConfig config;

  PetscFunctionBeginUser;
  PetscCall(TestConfig(&config));
  PetscCall(TestRefused("loss kaporin is refused", &config, TRAIN_LOSS_KAPORIN, "kaporin"));
  config.width = 40;
  PetscCall(TestRefused("width 40 is refused", &config, TRAIN_LOSS_SAI, "width 40"));
  PetscCall(TestConfig(&config));
  config.block_size = 3;
  PetscCall(TestRefused("block size 3 is refused", &config, TRAIN_LOSS_SAI, "block size 3"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  GNNConfig config;
  Mat       A[NMATRICES];
  int       failed;

  if (TestSkipped()) return 0;
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsSetValue(NULL, "-checkstack", "false"));
  PetscCall(TestInitialize(&argc, &argv, help));
  PetscCall(MatricesCreate(A));
  PetscCall(TestConfigs(A));
  PetscCall(TestBatch(A));
  PetscCall(TestConfig(&config));
  PetscCall(TestSteps("default form", &config, A));
  config.norm = GNN_NORM_LAYER;
  PetscCall(TestSteps("LayerNorm", &config, A));
  PetscCall(TestAdamW(A));
  PetscCall(TestNotFinite(A));
  PetscCall(TestRefusals());
  for (int k = 0; k < NMATRICES; k++) PetscCall(MatDestroy(&A[k]));
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
