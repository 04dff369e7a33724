static char help[] = "gnnspai-train: trains the network of -pc_type gnnspai on matrices in PETSc's binary format.\n\
\n\
  gnnspai-train -train_matrices 'A*.dat' -train_output mine.safetensors\n\
  mpiexec -n 2 gnnspai-train -train_matrices 'train/*.dat' -train_validation 'valid/*.dat' -train_steps 4000 -train_output mine.safetensors\n\
\n\
Each rank draws matrices of its own, gradients are averaged over the ranks.\n\n";

#include "train.h"
#include "../pcgnnspai.h"
#include <petsctime.h>

typedef enum {
  SCHEDULE_COSINE,
  SCHEDULE_EXPONENTIAL
} Schedule;
static const char *const Schedules[] = {"cosine", "exponential", "Schedule", "SCHEDULE_", NULL};

/* Options; the defaults are EVIDENCE-tested for a few minutes on a CPU */
typedef struct {
  char      matrices[PETSC_MAX_PATH_LEN], validation[PETSC_MAX_PATH_LEN], output[PETSC_MAX_PATH_LEN], log[PETSC_MAX_PATH_LEN], init[PETSC_MAX_PATH_LEN], note[1024];
  GNNConfig config;
  TrainLoss loss;
  Schedule  schedule;
  PetscInt  probes, batch, steps, warmup, validate_every, seed;
  PetscReal sai_weight, minutes, lr, lr_final, decay, beta1, beta2, weight_decay, clip;
} Options;

typedef struct {
  Options         opt;
  PetscMPIInt     rank, size;
  GNNModel        model;
  GNNActs         acts;
  GNNNet          dnet;
  PetscInt        nsamples;
  TrainSample    *samples;
  PetscInt       *order; /* (nsamples) this epoch's order, the same on every rank */
  TrainValidation validation;
  PetscBool       have_validation;
  PetscRandom     shuffle, probes; /* the same on every rank; own to the rank */
  Vec             theta, gradient, best; /* (nparams) */
  PetscReal       best_score;
  PetscInt        best_step;
  TrainAdamW      adam;
  PetscLogDouble  start, stepping; /* when the run began; seconds spent in steps */
  FILE           *log;
} Trainer;

static PetscErrorCode ConfigSetFromOptions(GNNOptionItems PetscOptionsObject, GNNConfig *c)
{
  char        *names[GNN_MAX_FEATURES];
  PetscInt     n = GNN_MAX_FEATURES;
  PetscBool    set;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsInt("-gnn_block_size", "Size b of the blocks that are nodes' and edges' numbers; the training matrices need that block size and full blocks", NULL, c->block_size, &c->block_size, NULL));
  PetscCall(PetscOptionsInt("-gnn_width", "Numbers per node and edge state", NULL, c->width, &c->width, NULL));
  PetscCall(PetscOptionsInt("-gnn_layers", "Message-passing layers", NULL, c->layers, &c->layers, NULL));
  PetscCall(PetscOptionsInt("-gnn_hidden_layers", "Hidden layers of each map", NULL, c->hidden_layers, &c->hidden_layers, NULL));
  PetscCall(PetscOptionsEnum("-gnn_norm", "LayerNorm before the maps", NULL, GNNNorms, (PetscEnum)c->norm, (PetscEnum *)&c->norm, NULL));
  PetscCall(PetscOptionsEnum("-gnn_aggregation", "How messages are summed", NULL, GNNAggregations, (PetscEnum)c->aggregation, (PetscEnum *)&c->aggregation, NULL));
  PetscCall(PetscOptionsReal("-gnn_aggregation_scale", "Factor of the mean of messages", NULL, c->aggregation_scale, &c->aggregation_scale, NULL));
  PetscCall(PetscOptionsEnum("-gnn_scaling", "Scaling of the matrix", NULL, GNNScalings, (PetscEnum)c->scaling, (PetscEnum *)&c->scaling, NULL));
  PetscCall(PetscOptionsEnum("-gnn_output", "G from the output", NULL, GNNOutputs, (PetscEnum)c->output, (PetscEnum *)&c->output, NULL));
  PetscCall(PetscOptionsEnum("-gnn_pattern", "Pattern of G", NULL, GNNPatterns, (PetscEnum)c->pattern, (PetscEnum *)&c->pattern, NULL));
  PetscCall(PetscOptionsReal("-gnn_epsilon", "Shift of G G^T", NULL, c->epsilon, &c->epsilon, NULL));
  PetscCall(PetscOptionsStringArray("-gnn_node_features", "Matrix-derived node features: rowabs,rowsum,degree,mask", NULL, names, &n, &set));
  if (set) {
    c->nnode_features = n;
    for (PetscInt f = 0; f < n; f++) {
      PetscEnum value;
      PetscBool found;

      PetscCall(PetscEnumFind(GNNNodeFeatures, names[f], &value, &found));
      PetscCheck(found && (GNNNodeFeature)value != GNN_NODE_USER, PETSC_COMM_WORLD, PETSC_ERR_ARG_UNKNOWN_TYPE, "-gnn_node_features: '%s' is not one of rowabs, rowsum, degree, mask", names[f]);
      c->node_features[f] = (GNNNodeFeature)value;
      PetscCall(PetscFree(names[f]));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptionsGet(Options *o)
{
  PetscReal betas[2] = {0.9, 0.999};
  PetscInt  two      = 2;
  PetscBool have_matrices, have_output;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(o, sizeof(*o)));
  PetscCall(GNNConfigSetDefaults(&o->config));
  o->loss         = TRAIN_LOSS_LOG_SAI;
  o->probes       = 8;
  o->batch        = 1;
  o->steps        = 2000;
  o->warmup       = 50;
  o->validate_every = 200;
  o->lr           = 6e-3;
  o->lr_final     = 0.01;
  o->decay        = 0.99;
  o->weight_decay = 1e-4;
  o->clip         = 1.0;
  o->sai_weight   = 1.0;
  PetscOptionsBegin(PETSC_COMM_WORLD, NULL, "Training of gnnspai's network", NULL);
  PetscCall(PetscOptionsString("-train_matrices", "Glob of training matrices (PETSc binary)", NULL, o->matrices, o->matrices, sizeof(o->matrices), &have_matrices));
  PetscCall(PetscOptionsString("-train_validation", "Glob of validation matrices; the best checkpoint is kept by CG iterations on them", NULL, o->validation, o->validation, sizeof(o->validation), NULL));
  PetscCall(PetscOptionsString("-train_output", "Model file to write (safetensors)", NULL, o->output, o->output, sizeof(o->output), &have_output));
  PetscCall(PetscOptionsString("-train_init", "Model to start from (fine-tuning): file or built-in name; the -gnn_ options are then the model's", NULL, o->init, o->init, sizeof(o->init), NULL));
  PetscCall(PetscOptionsString("-train_log", "CSV file: step, seconds, loss, learning rate, validation", NULL, o->log, o->log, sizeof(o->log), NULL));
  PetscCall(PetscOptionsString("-train_note", "Free text for the model file's trained_on", NULL, o->note, o->note, sizeof(o->note), NULL));
  PetscCall(PetscOptionsEnum("-train_loss", "Loss", NULL, TrainLosses, (PetscEnum)o->loss, (PetscEnum *)&o->loss, NULL));
  PetscCall(PetscOptionsReal("-train_sai_weight", "Loss kaporin: weight of the SAI loss added to it, which keeps single large eigenvalues down", NULL, o->sai_weight, &o->sai_weight, NULL));
  PetscCall(PetscOptionsInt("-train_probes", "Random vectors per matrix and step", NULL, o->probes, &o->probes, NULL));
  PetscCall(PetscOptionsInt("-train_batch", "Matrices per step and rank", NULL, o->batch, &o->batch, NULL));
  PetscCall(PetscOptionsInt("-train_steps", "Steps of the optimiser", NULL, o->steps, &o->steps, NULL));
  PetscCall(PetscOptionsReal("-train_minutes", "Stop after so many minutes at the latest (0: no limit); the learning rate then follows the clock where that is ahead", NULL, o->minutes, &o->minutes, NULL));
  PetscCall(PetscOptionsReal("-train_lr", "Largest learning rate", NULL, o->lr, &o->lr, NULL));
  PetscCall(PetscOptionsEnum("-train_schedule", "Decay of the learning rate", NULL, Schedules, (PetscEnum)o->schedule, (PetscEnum *)&o->schedule, NULL));
  PetscCall(PetscOptionsReal("-train_lr_final", "Cosine: last learning rate over the largest", NULL, o->lr_final, &o->lr_final, NULL));
  PetscCall(PetscOptionsReal("-train_decay", "Exponential: factor per epoch", NULL, o->decay, &o->decay, NULL));
  PetscCall(PetscOptionsInt("-train_warmup", "Steps of linear warm-up", NULL, o->warmup, &o->warmup, NULL));
  PetscCall(PetscOptionsRealArray("-train_betas", "AdamW's beta1,beta2", NULL, betas, &two, NULL));
  PetscCall(PetscOptionsReal("-train_weight_decay", "AdamW's weight decay", NULL, o->weight_decay, &o->weight_decay, NULL));
  PetscCall(PetscOptionsReal("-train_clip", "Largest norm of the gradient (0: off)", NULL, o->clip, &o->clip, NULL));
  PetscCall(PetscOptionsInt("-train_validate_every", "Steps between validations", NULL, o->validate_every, &o->validate_every, NULL));
  PetscCall(PetscOptionsInt("-train_seed", "Seed of parameters, order and probes", NULL, o->seed, &o->seed, NULL));
  PetscCall(ConfigSetFromOptions(PetscOptionsObject, &o->config));
  PetscOptionsEnd();
  PetscCheck(have_matrices && have_output, PETSC_COMM_WORLD, PETSC_ERR_USER_INPUT, "Give -train_matrices 'GLOB' and -train_output FILE.safetensors (see -help)");
  PetscCheck(two == 2 || two == 0, PETSC_COMM_WORLD, PETSC_ERR_USER_INPUT, "-train_betas takes two numbers");
  PetscCheck(o->probes > 0 && o->batch > 0 && o->steps >= 0 && o->validate_every > 0, PETSC_COMM_WORLD, PETSC_ERR_USER_INPUT, "-train_probes, -train_batch and -train_validate_every must be positive, -train_steps not negative");
  o->beta1 = betas[0];
  o->beta2 = betas[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RandomCreate(PetscInt seed, PetscRandom *random)
{
  PetscFunctionBeginUser;
  PetscCall(PetscRandomCreate(PETSC_COMM_SELF, random));
  PetscCall(PetscRandomSetType(*random, PETSCRANDER48)); /* the same numbers on every machine */
  PetscCall(PetscRandomSetSeed(*random, (unsigned long)seed));
  PetscCall(PetscRandomSeed(*random));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrainerLoadSamples(Trainer *t)
{
  char   **names;
  PetscInt rows = 0, nonzeros = 0;

  PetscFunctionBeginUser;
  PetscCall(FilesGlob(t->opt.matrices, &t->nsamples, &names));
  PetscCall(PetscMalloc2(t->nsamples, &t->samples, t->nsamples, &t->order));
  for (PetscInt k = 0; k < t->nsamples; k++) {
    Mat A;

    PetscCall(FilesLoadMat(names[k], &A));
    PetscCall(TrainSampleCreate(&t->model->config, t->opt.loss, A, names[k], &t->samples[k]));
    t->samples[k].sai_weight = t->opt.sai_weight;
    PetscCall(MatDestroy(&A));
    t->order[k] = k;
    rows += t->samples[k].graph->n;
    nonzeros += t->samples[k].graph->nz;
  }
  PetscCall(FilesDestroy(t->nsamples, &names));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%" PetscInt_FMT " training matrices, on average %" PetscInt_FMT " rows and %" PetscInt_FMT " nonzeros; %" PetscInt_FMT " parameters\n", t->nsamples, rows / t->nsamples, nonzeros / t->nsamples, t->model->nparams));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Parameters from the vector to the network */
static PetscErrorCode TrainerSetParameters(Trainer *t, Vec theta)
{
  const PetscScalar *x;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(theta, &x));
  for (PetscInt k = 0; k < t->model->nparams; k++) t->model->theta[k] = (GNNReal)PetscRealPart(x[k]);
  PetscCall(VecRestoreArrayRead(theta, &x));
  PetscCall(GNNModelPack(t->model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrainerCreateModel(Trainer *t)
{
  PetscScalar *x;

  PetscFunctionBeginUser;
  if (t->opt.init[0]) PetscCall(GNNModelLoad(PETSC_COMM_WORLD, t->opt.init, &t->model));
  else {
    PetscCall(GNNModelCreate(&t->opt.config, &t->model));
    PetscCall(GNNModelInitialize(t->model, t->shuffle));
  }
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, t->model->nparams, &t->theta));
  PetscCall(VecDuplicate(t->theta, &t->gradient));
  PetscCall(VecDuplicate(t->theta, &t->best));
  PetscCall(VecGetArrayWrite(t->theta, &x));
  for (PetscInt k = 0; k < t->model->nparams; k++) x[k] = t->model->theta[k];
  PetscCall(VecRestoreArrayWrite(t->theta, &x));
  PetscCall(VecCopy(t->theta, t->best));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrainerCreate(Trainer *t)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(t, sizeof(*t)));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &t->rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &t->size));
  PetscCall(OptionsGet(&t->opt));
  PetscCall(RandomCreate(2 * t->opt.seed + 1, &t->shuffle));
  PetscCall(RandomCreate(2 * (t->opt.seed + 1) + 1000003 * (t->rank + 1), &t->probes));
  PetscCall(TrainerCreateModel(t));
  PetscCall(GNNActsCreate(t->model, PETSC_TRUE, &t->acts));
  PetscCall(GNNNetCreate(t->model, &t->dnet));
  PetscCall(TrainerLoadSamples(t));
  PetscCall(TrainAdamWCreate(t->theta, &t->adam));
  t->adam.beta1        = t->opt.beta1;
  t->adam.beta2        = t->opt.beta2;
  t->adam.weight_decay = t->opt.weight_decay;
  t->adam.clip         = t->opt.clip;
  t->best_score        = PETSC_MAX_REAL;
  t->have_validation   = t->opt.validation[0] ? PETSC_TRUE : PETSC_FALSE;
  if (t->have_validation) PetscCall(TrainValidationCreate(t->opt.validation, &t->validation));
  if (t->opt.log[0] && t->rank == 0) {
    t->log = fopen(t->opt.log, "w");
    PetscCheck(t->log, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "Cannot write -train_log %s", t->opt.log);
    fprintf(t->log, "step,seconds,loss,lr,to_jacobi,to_icc\n");
  }
  PetscCall(PetscTime(&t->start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrainerDestroy(Trainer *t)
{
  PetscFunctionBeginUser;
  if (t->log) fclose(t->log);
  if (t->have_validation) PetscCall(TrainValidationDestroy(&t->validation));
  for (PetscInt k = 0; k < t->nsamples; k++) PetscCall(TrainSampleDestroy(&t->samples[k]));
  PetscCall(PetscFree2(t->samples, t->order));
  PetscCall(TrainAdamWDestroy(&t->adam));
  PetscCall(VecDestroy(&t->theta));
  PetscCall(VecDestroy(&t->gradient));
  PetscCall(VecDestroy(&t->best));
  PetscCall(GNNNetDestroy(&t->dnet));
  PetscCall(GNNActsDestroy(&t->acts));
  PetscCall(GNNModelDestroy(&t->model));
  PetscCall(PetscRandomDestroy(&t->shuffle));
  PetscCall(PetscRandomDestroy(&t->probes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrainerSeconds(Trainer *t, PetscReal *seconds)
{
  PetscLogDouble now;

  PetscFunctionBeginUser;
  PetscCall(PetscTime(&now));
  *seconds = (PetscReal)(now - t->start);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Linear warm-up, then cosine to lr_final or exponential by epoch; progress in [0, 1] */
static PetscReal LearningRate(const Options *o, PetscInt step, PetscReal progress, PetscReal epochs)
{
  const PetscReal warm = step < o->warmup ? (PetscReal)(step + 1) / o->warmup : 1.0;

  if (o->schedule == SCHEDULE_EXPONENTIAL) return o->lr * warm * PetscPowReal(o->decay, epochs);
  return o->lr * warm * (o->lr_final + (1.0 - o->lr_final) * 0.5 * (1.0 + PetscCosReal(PETSC_PI * PetscMin(progress, 1.0))));
}

/* Which matrix is drawn as number k since the start: a new random order every epoch (Fisher-Yates, the same on every rank) */
static PetscErrorCode TrainerDraw(Trainer *t, PetscInt k, TrainSample **sample)
{
  PetscFunctionBeginUser;
  *sample = &t->samples[t->order[k % t->nsamples]];
  if ((k + 1) % t->nsamples) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = t->nsamples - 1; i > 0; i--) {
    PetscReal u;
    PetscInt  j, swap = t->order[i];

    PetscCall(PetscRandomGetValueReal(t->shuffle, &u));
    j           = PetscMin((PetscInt)(u * (i + 1)), i);
    t->order[i] = t->order[j];
    t->order[j] = swap;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean loss and gradient over batch x ranks matrices */
static PetscErrorCode TrainerGradient(Trainer *t, PetscInt step, PetscReal *loss)
{
  const PetscInt per_step = t->opt.batch * t->size;
  PetscReal      mine = 0.0, local;
  PetscScalar   *g;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(t->dnet->data, t->dnet->size * sizeof(GNNReal)));
  t->dnet->c[0] = t->dnet->c[1] = 0;
  for (PetscInt k = 0; k < per_step; k++) {
    TrainSample *sample;

    PetscCall(TrainerDraw(t, step * per_step + k, &sample));
    if (k % t->size != t->rank) continue;
    PetscCall(TrainSampleLoss(t->model, t->acts, t->opt.loss, t->opt.probes, t->probes, sample, &local, t->dnet));
    mine += local / per_step;
  }
  PetscCall(VecGetArrayWrite(t->gradient, &g));
  PetscCall(GNNNetUnpackGradient(t->model, t->dnet, g));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, g, (PetscMPIInt)t->model->nparams, MPIU_SCALAR, MPIU_SUM, PETSC_COMM_WORLD));
  PetscCall(VecRestoreArrayWrite(t->gradient, &g));
  PetscCall(VecScale(t->gradient, 1.0 / per_step));
  PetscCallMPI(MPI_Allreduce(&mine, loss, 1, MPIU_REAL, MPIU_SUM, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Provenance for the model file */
static PetscErrorCode TrainerProvenance(Trainer *t, PetscInt steps, PetscReal seconds)
{
  char text[2048];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(text, sizeof(text), "{\"trained_on\": \"%s\", \"seed\": \"%" PetscInt_FMT "\", \"steps\": \"%" PetscInt_FMT "\", \"ranks\": \"%d\", \"seconds\": \"%.0f\", \"loss\": \"%s\", \"lr\": \"%g\", \"probes\": \"%" PetscInt_FMT "\"}", t->opt.note[0] ? t->opt.note : t->opt.matrices, t->opt.seed, steps, t->size,
                          (double)seconds, TrainLosses[t->opt.loss], (double)t->opt.lr, t->opt.probes));
  PetscCall(PetscFree(t->model->provenance));
  PetscCall(PetscStrallocpy(text, &t->model->provenance));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Iterations on the validation matrices; the best parameters are kept, and written at once so that nothing is lost */
static PetscErrorCode TrainerValidate(Trainer *t, PetscInt step, PetscReal loss, PetscReal *to_jacobi, PetscReal *to_icc)
{
  PetscReal score = loss, seconds;

  PetscFunctionBeginUser;
  *to_jacobi = *to_icc = 0.0;
  if (t->have_validation) {
    PetscCall(TrainValidationRun(&t->validation, t->model, to_jacobi, to_icc));
    score = *to_jacobi;
  }
  if (t->have_validation && score >= t->best_score) PetscFunctionReturn(PETSC_SUCCESS);
  t->best_score = score; /* without validation matrices the last parameters are the best known */
  t->best_step  = step;
  PetscCall(VecCopy(t->theta, t->best));
  PetscCall(TrainerSeconds(t, &seconds));
  PetscCall(TrainerProvenance(t, step, seconds));
  if (t->rank == 0) PetscCall(GNNModelSave(t->model, t->opt.output));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrainerReport(Trainer *t, PetscInt step, PetscReal progress, PetscReal loss, PetscReal lr, PetscReal to_jacobi, PetscReal to_icc)
{
  PetscReal seconds;

  PetscFunctionBeginUser;
  PetscCall(TrainerSeconds(t, &seconds));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "step %6" PetscInt_FMT "  loss %9.4f  lr %.2e", step, (double)loss, (double)lr));
  if (t->have_validation) PetscCall(PetscPrintf(PETSC_COMM_WORLD, "  iterations/Jacobi %.3f  /ICC %.3f%s", (double)to_jacobi, (double)to_icc, t->best_step == step ? " *" : "  "));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "  %.0f s, %.0f s left\n", (double)seconds, (double)(progress > 0.0 ? seconds * (1.0 - progress) / progress : 0.0)));
  if (t->log) {
    fprintf(t->log, "%ld,%.3f,%.6g,%.4g,%.4f,%.4f\n", (long)step, (double)seconds, (double)loss, (double)lr, (double)to_jacobi, (double)to_icc);
    fflush(t->log);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Share of the run that is done, by steps or by the clock of rank 0, so that every rank stops at the same step */
static PetscErrorCode TrainerProgress(Trainer *t, PetscInt step, PetscReal *progress)
{
  PetscReal seconds;

  PetscFunctionBeginUser;
  *progress = t->opt.steps > 0 ? (PetscReal)step / t->opt.steps : 1.0;
  if (t->opt.minutes > 0.0) {
    PetscCall(TrainerSeconds(t, &seconds));
    PetscCallMPI(MPI_Bcast(&seconds, 1, MPIU_REAL, 0, PETSC_COMM_WORLD));
    *progress = PetscMax(*progress, seconds / (60.0 * t->opt.minutes));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrainerRun(Trainer *t)
{
  PetscReal progress = 0.0, mean = 0.0, loss, lr = 0.0, to_jacobi, to_icc;
  PetscInt  since    = 0;

  PetscFunctionBeginUser;
  for (PetscInt step = 0;; step++) {
    PetscCall(TrainerProgress(t, step, &progress));
    if (progress >= 1.0 || (step % t->opt.validate_every == 0 && (step > 0 || t->opt.init[0]))) { /* fine-tuning never ends worse than it began */
      PetscCall(TrainerValidate(t, step, since > 0 ? mean / since : 0.0, &to_jacobi, &to_icc));
      PetscCall(TrainerReport(t, step, progress, since > 0 ? mean / since : 0.0, lr, to_jacobi, to_icc));
      mean  = 0.0;
      since = 0;
    }
    if (progress >= 1.0) break;
    lr = LearningRate(&t->opt, step, progress, (PetscReal)(step * t->opt.batch * t->size) / t->nsamples);
    PetscCall(PetscTimeSubtract(&t->stepping));
    PetscCall(TrainerGradient(t, step, &loss));
    PetscCheck(!PetscIsInfOrNanReal(loss), PETSC_COMM_WORLD, PETSC_ERR_FP, "The loss is not finite at step %" PetscInt_FMT ": lower -train_lr; the best model so far is in %s", step, t->opt.output);
    PetscCall(TrainAdamWStep(&t->adam, lr, t->gradient, t->theta));
    PetscCall(TrainerSetParameters(t, t->theta));
    PetscCall(PetscTimeAdd(&t->stepping));
    mean += loss;
    since++;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrainerSummary(Trainer *t)
{
  PetscReal to_jacobi, to_icc;

  PetscFunctionBeginUser;
  if (t->have_validation) {
    PetscCall(TrainerSetParameters(t, t->best));
    PetscCall(TrainValidationRun(&t->validation, t->model, &to_jacobi, &to_icc));
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "validation, iterations for two right-hand sides:\n%10s %10s %10s\n", "jacobi", "icc", "gnnspai"));
    for (PetscInt k = 0; k < t->validation.n; k++) PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%10" PetscInt_FMT " %10" PetscInt_FMT " %10" PetscInt_FMT "  %s\n", t->validation.jacobi[k], t->validation.icc[k], t->validation.gnn[k], t->validation.name[k]));
  }
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%" PetscInt_FMT " steps of %" PetscInt_FMT " matrices, %.1f ms each; wrote %s (step %" PetscInt_FMT ")\n", t->adam.step, t->opt.batch * t->size, (double)(1e3 * t->stepping / PetscMax(t->adam.step, 1)), t->opt.output, t->best_step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Trainer t;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PCGNNSPAIRegister());
  PetscCall(TrainerCreate(&t));
  PetscCall(TrainerRun(&t));
  PetscCall(TrainerSummary(&t));
  PetscCall(TrainerDestroy(&t));
  PetscCall(PetscFinalize());
  return 0;
}
