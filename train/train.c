#include "../pcgnnspai.h"

static char help[] = "gnnspai-train " PCGNNSPAI_VERSION ": trains the network of -pc_type gnnspai on matrices in PETSc's binary format.\n\
\n\
  gnnspai-train -train_matrices 'A*.dat' -train_output mine.safetensors\n\
  mpiexec -n 2 gnnspai-train -train_matrices 'train/*.dat' -train_validation 'valid/*.dat' -train_steps 4000 -train_output mine.safetensors\n\
\n\
Each rank draws matrices of its own, gradients are averaged over the ranks. With -mat_type aijcusparse the training is on the device.\n\n";

#include "trainer.h"
#include "../gnn/place.h" /* GNNMatToDevice() */
#include <petsctime.h>
#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t received; /* SIGINT or SIGTERM; 0: none */

static void Receive(int number)
{
  received = number;
}

/* The first one ends the run after the step it is in, the second one at once */
static PetscErrorCode CatchSignals(void)
{
  struct sigaction action = {.sa_handler = Receive, .sa_flags = SA_RESETHAND | SA_RESTART};

  PetscFunctionBeginUser;
  PetscCheck(sigaction(SIGINT, &action, NULL) == 0 && sigaction(SIGTERM, &action, NULL) == 0, PETSC_COMM_SELF, PETSC_ERR_SYS, "sigaction() failed");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrainerLoadSamples(Trainer *t)
{
  const TrainOptions *o = &t->opt;
  char              **names;
  PetscInt            rows = 0, nonzeros = 0, steps;

  PetscFunctionBeginUser;
  PetscCall(TrainInputsLoad(o, &t->model->config, o->matrices, &t->nsamples, &names, &t->samples, NULL));
  PetscCall(FilesDestroy(t->nsamples, &names)); /* a sample has its own */
  PetscCall(PetscMalloc1(t->nsamples, &t->order));
  t->epoch = -1;
  for (PetscInt k = 0; k < t->nsamples; k++) {
    rows += t->samples[k].graph->n;
    nonzeros += t->samples[k].graph->nz;
  }
  steps    = (PetscInt)PetscCeilReal((PetscReal)o->epochs * t->nsamples / (o->batch * t->size));
  t->steps = o->epochs > 0 ? PetscMin(o->steps, steps) : o->steps;
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%" PetscInt_FMT " training matrices, on average %" PetscInt_FMT " rows and %" PetscInt_FMT " nonzeros; %" PetscInt_FMT " parameters; at most %" PetscInt_FMT " steps, %.1f epochs\n", t->nsamples, rows / t->nsamples, nonzeros / t->nsamples,
                        t->model->nparams, t->steps, (double)((PetscReal)t->steps * o->batch * t->size / t->nsamples)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrainerLoadValidation(Trainer *t)
{
  char   **names;
  Mat     *A;
  PetscInt n;

  PetscFunctionBeginUser;
  t->best_score      = PETSC_MAX_REAL;
  t->have_validation = t->opt.validation[0] ? PETSC_TRUE : PETSC_FALSE;
  if (!t->have_validation) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TrainInputsLoad(&t->opt, &t->model->config, t->opt.validation, &n, &names, NULL, &A));
  PetscCall(TrainValidationCreate(n, names, A, &t->validation));
  for (PetscInt k = 0; t->opt.device && k < n; k++) PetscCall(GNNMatToDevice(&A[k]));
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
    PetscCall(GNNModelInitialize(t->model, t->random));
  }
  PetscCheck(t->opt.loss != TRAIN_LOSS_PLAIN || t->model->config.scaling == GNN_SCALING_MEAN, PETSC_COMM_WORLD, PETSC_ERR_ARG_INCOMP, "Loss plain needs -gnn_scaling mean");
  if (t->opt.device) PetscCall(TrainDeviceCheck(t->model, t->opt.loss));
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, t->model->nparams, &t->theta));
  PetscCall(VecDuplicate(t->theta, &t->gradient));
  PetscCall(VecDuplicate(t->theta, &t->best));
  PetscCall(VecGetArrayWrite(t->theta, &x));
  for (PetscInt k = 0; k < t->model->nparams; k++) x[k] = t->model->theta[k];
  PetscCall(VecRestoreArrayWrite(t->theta, &x));
  PetscCall(VecCopy(t->theta, t->best));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrainerCreateRandom(Trainer *t)
{
  PetscFunctionBeginUser;
  PetscCall(PetscRandomCreate(PETSC_COMM_SELF, &t->random));
  PetscCall(PetscRandomSetType(t->random, PETSCRANDER48)); /* the same numbers on every machine */
  PetscCall(PetscRandomSetSeed(t->random, (unsigned long)(2 * t->opt.seed + 1)));
  PetscCall(PetscRandomSeed(t->random));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrainerCreateAdamW(Trainer *t)
{
  PetscFunctionBeginUser;
  PetscCall(TrainAdamWCreate(t->theta, &t->adam));
  t->adam.beta1        = t->opt.betas[0];
  t->adam.beta2        = t->opt.betas[1];
  t->adam.weight_decay = t->opt.weight_decay;
  t->adam.clip         = t->opt.clip;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After the checkpoint was read: the parameters and moments go there, and come back by TrainerFetch() */
static PetscErrorCode TrainerCreateDevice(Trainer *t)
{
  const TrainDeviceOptions o = {t->opt.loss, t->opt.probes, t->opt.batch, t->opt.batch * t->size};

  PetscFunctionBeginUser;
  if (!t->opt.device) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TrainDeviceCreate(t->model, &o, t->nsamples, t->samples, &t->device));
  PetscCall(TrainDeviceSet(t->device, t->theta, &t->adam));
  PetscCall(TrainDeviceSetLoss(t->device, t->loss_sum));
  PetscCall(PetscMalloc2(o.batch, &t->drawn, o.batch, &t->key));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A run that goes on keeps the lines of its log from before the checkpoint, and adds to them */
static PetscErrorCode TrainerOpenLog(Trainer *t)
{
  char line[256];
  long keep = 0;

  PetscFunctionBeginUser;
  if (!t->opt.log[0] || t->rank != 0) PetscFunctionReturn(PETSC_SUCCESS);
  t->log = t->opt.resume ? fopen(t->opt.log, "r+") : NULL;
  if (t->log == NULL) t->log = fopen(t->opt.log, "w+");
  PetscCheck(t->log, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "Cannot write -train_log %s", t->opt.log);
  while (fgets(line, sizeof(line), t->log) && (line[0] == 's' || strtol(line, NULL, 10) < t->step)) keep = ftell(t->log);
  PetscCheck(ftruncate(fileno(t->log), keep) == 0 && fseek(t->log, keep, SEEK_SET) == 0, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "Cannot write -train_log %s", t->opt.log);
  if (keep == 0) fprintf(t->log, "step,seconds,loss,lr,to_jacobi,to_icc\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrainerCreate(Trainer *t)
{
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &t->rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &t->size));
  PetscCall(TrainerCreateRandom(t));
  PetscCall(TrainerCreateModel(t));
  PetscCall(GNNActsCreate(t->model, &t->acts));
  PetscCall(GNNNetCreate(&t->model->net->shape, &t->dnet));
  PetscCall(TrainerLoadSamples(t));
  PetscCall(TrainerLoadValidation(t));
  PetscCall(TrainerCreateAdamW(t));
  PetscCall(PetscTime(&t->start));
  if (t->opt.resume) {
    PetscCall(TrainerReadCheckpoint(t));
    PetscCall(TrainerSetParameters(t, t->theta));
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "going on from step %" PetscInt_FMT " of %s\n", t->step, t->opt.checkpoint));
  }
  PetscCall(TrainerCreateDevice(t));
  PetscCall(TrainerOpenLog(t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrainerDestroy(Trainer *t)
{
  PetscFunctionBeginUser;
  if (t->log) fclose(t->log);
  if (t->have_validation) PetscCall(TrainValidationDestroy(&t->validation));
  for (PetscInt k = 0; k < t->nsamples; k++) PetscCall(TrainSampleDestroy(&t->samples[k]));
  PetscCall(PetscFree(t->samples));
  PetscCall(PetscFree(t->order));
  PetscCall(PetscFree2(t->drawn, t->key));
  PetscCall(TrainDeviceDestroy(&t->device));
  PetscCall(TrainAdamWDestroy(&t->adam));
  PetscCall(VecDestroy(&t->theta));
  PetscCall(VecDestroy(&t->gradient));
  PetscCall(VecDestroy(&t->best));
  PetscCall(GNNNetDestroy(&t->dnet));
  PetscCall(GNNActsDestroy(&t->acts));
  PetscCall(GNNModelDestroy(&t->model));
  PetscCall(PetscRandomDestroy(&t->random));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define WAIT_EVERY 100 /* steps on the device before the host looks whether all is well */

static PetscErrorCode TrainerCheckStep(const Trainer *t, PetscInt step, PetscBool failed)
{
  PetscFunctionBeginUser;
  PetscCheck(!failed, PETSC_COMM_WORLD, PETSC_ERR_FP, "The loss is not finite at step %" PetscInt_FMT ": lower -train_lr; the best model so far, if there is one, is in %s", step, t->opt.output);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean loss and gradient over batch x ranks matrices; the draws are numbered through, whichever rank takes one */
static PetscErrorCode TrainerGradient(Trainer *t, PetscReal *loss)
{
  const PetscInt per_step = t->opt.batch * t->size;
  PetscReal      mine     = 0.0, local;
  PetscScalar   *g;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(t->dnet->data, t->dnet->size * sizeof(GNNReal)));
  t->dnet->c[0] = t->dnet->c[1] = 0;
  for (PetscInt k = t->rank; k < per_step; k += t->size) {
    unsigned long long key;
    PetscInt           drawn;

    PetscCall(TrainerDraw(t, t->step * per_step + k, &drawn, &key));
    PetscCall(TrainSampleLoss(t->model, t->acts, t->opt.loss, t->opt.probes, t->random, &t->samples[drawn], &local, t->dnet));
    mine += local / per_step;
  }
  PetscCall(VecGetArrayWrite(t->gradient, &g));
  PetscCall(GNNNetUnpackGradient(t->dnet, t->model->theta, g));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, g, (PetscMPIInt)t->model->nparams, MPIU_SCALAR, MPIU_SUM, PETSC_COMM_WORLD));
  PetscCall(VecRestoreArrayWrite(t->gradient, &g));
  PetscCall(VecScale(t->gradient, 1.0 / per_step));
  PetscCallMPI(MPI_Allreduce(&mine, loss, 1, MPIU_REAL, MPIU_SUM, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrainerStepHost(Trainer *t)
{
  PetscReal loss;

  PetscFunctionBeginUser;
  PetscCall(TrainerGradient(t, &loss));
  PetscCall(TrainerCheckStep(t, t->step, PetscIsInfOrNanReal(loss)));
  PetscCall(TrainAdamWStep(&t->adam, t->lr, t->gradient, t->theta));
  PetscCall(TrainerSetParameters(t, t->theta));
  t->loss_sum += loss;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same there; nothing is read back, on one rank */
static PetscErrorCode TrainerStepDevice(Trainer *t)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < t->opt.batch; k++) PetscCall(TrainerDraw(t, (t->step * t->opt.batch + k) * t->size + t->rank, &t->drawn[k], &t->key[k]));
  PetscCall(TrainDeviceGradient(t->device, t->drawn, t->key));
  PetscCall(TrainDeviceReduce(t->device, PETSC_COMM_WORLD));
  t->adam.step++;
  PetscCall(TrainDeviceStep(t->device, &t->adam, t->lr));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Waits for the steps that are under way, if training is on the device */
static PetscErrorCode TrainerWait(Trainer *t)
{
  GNNTrainStatus status;

  PetscFunctionBeginUser;
  if (!t->device) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TrainDeviceGetStatus(t->device, &status));
  PetscCall(TrainerCheckStep(t, status.failed - 1, status.failed ? PETSC_TRUE : PETSC_FALSE));
  t->loss_sum = (PetscReal)status.sum;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the rest of the program looks at: loss, parameters and moments */
static PetscErrorCode TrainerFetch(Trainer *t)
{
  PetscFunctionBeginUser;
  if (!t->device) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscTimeSubtract(&t->stepping));
  PetscCall(TrainerWait(t));
  PetscCall(PetscTimeAdd(&t->stepping));
  PetscCall(TrainDeviceGet(t->device, t->theta, &t->adam));
  PetscCall(TrainerSetParameters(t, t->theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrainerStep(Trainer *t, PetscReal progress)
{
  PetscFunctionBeginUser;
  PetscCall(PetscTimeSubtract(&t->stepping));
  t->lr = TrainerLearningRate(t, progress);
  if (t->device) PetscCall(TrainerStepDevice(t));
  else PetscCall(TrainerStepHost(t));
  t->loss_count++;
  t->step++;
  if (t->step % WAIT_EVERY == 0) PetscCall(TrainerWait(t));
  PetscCall(PetscTimeAdd(&t->stepping));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The model file, with its provenance */
static PetscErrorCode TrainerWriteModel(Trainer *t)
{
  const TrainOptions *o = &t->opt;
  char                text[2048];
  PetscReal           seconds;

  PetscFunctionBeginUser;
  PetscCall(TrainerSeconds(t, &seconds));
  PetscCall(PetscSNPrintf(text, sizeof(text), "{\"trainer\": \"gnnspai-train %s\", \"trained_on\": \"%s\", \"seed\": \"%" PetscInt_FMT "\", \"steps\": \"%" PetscInt_FMT "\", \"ranks\": \"%d\", \"seconds\": \"%.0f\", \"loss\": \"%s\", \"lr\": \"%g\", \"probes\": \"%" PetscInt_FMT "\"}", PCGNNSPAI_VERSION, o->note[0] ? o->note : o->matrices, o->seed, t->step, t->size, (double)seconds, TrainLosses[o->loss],
                          (double)o->lr, o->probes));
  PetscCall(PetscFree(t->model->provenance));
  PetscCall(PetscStrallocpy(text, &t->model->provenance));
  if (t->rank == 0) PetscCall(GNNModelSave(t->model, o->output));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Iterations on the validation matrices; the best parameters are kept, and written at once so that nothing is lost */
static PetscErrorCode TrainerValidate(Trainer *t, PetscReal *to_jacobi, PetscReal *to_icc)
{
  PetscFunctionBeginUser;
  *to_jacobi = *to_icc = 0.0;
  if (t->have_validation) {
    PetscCall(TrainValidationRun(&t->validation, t->model, to_jacobi, to_icc));
    t->stale++;
    if (*to_jacobi >= t->best_score) PetscFunctionReturn(PETSC_SUCCESS);
  }
  t->stale      = 0;
  t->best_score = *to_jacobi;
  t->best_step  = t->step; /* without validation matrices the last parameters are the best known */
  PetscCall(VecCopy(t->theta, t->best));
  PetscCall(TrainerWriteModel(t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrainerReport(Trainer *t, PetscReal progress, PetscReal to_jacobi, PetscReal to_icc)
{
  const PetscReal loss = t->loss_count > 0 ? t->loss_sum / t->loss_count : 0.0;
  PetscReal       seconds;

  PetscFunctionBeginUser;
  PetscCall(TrainerSeconds(t, &seconds));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "step %6" PetscInt_FMT "  loss %9.4f  lr %.2e", t->step, (double)loss, (double)t->lr));
  if (t->have_validation) PetscCall(PetscPrintf(PETSC_COMM_WORLD, "  iterations/Jacobi %.3f  /ICC %.3f%s", (double)to_jacobi, (double)to_icc, t->best_step == t->step ? " *" : "  "));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "  %.0f s, %.0f s left\n", (double)seconds, (double)(progress > 0.0 ? seconds * (1.0 - progress) / progress : 0.0)));
  if (t->log) {
    fprintf(t->log, "%ld,%.3f,%.6g,%.4g,%.4f,%.4f\n", (long)t->step, (double)seconds, (double)loss, (double)t->lr, (double)to_jacobi, (double)to_icc);
    fflush(t->log);
  }
  t->loss_sum   = 0.0;
  t->loss_count = 0;
  if (t->device) PetscCall(TrainDeviceSetLoss(t->device, 0.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Validations fall on multiples of validate_every, and on the end. One at step 0 only where training starts from a model: fine-tuning
   never ends worse than it began */
static PetscErrorCode TrainerValidateIfDue(Trainer *t, PetscReal progress)
{
  PetscReal to_jacobi, to_icc;

  PetscFunctionBeginUser;
  if (progress < 1.0 && (t->step % t->opt.validate_every != 0 || (t->step == 0 && !t->opt.init[0]))) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TrainerFetch(t));
  PetscCall(TrainerValidate(t, &to_jacobi, &to_icc));
  PetscCall(TrainerReport(t, progress, to_jacobi, to_icc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Written before the validation of the same step, which the run that goes on does again: so it is the same run, wherever it was cut */
static PetscErrorCode TrainerCheckpointIfDue(Trainer *t, PetscReal progress)
{
  const PetscInt every = t->opt.checkpoint_every;
  int            mine  = (int)received;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(&mine, &t->signal, 1, MPI_INT, MPI_MAX, PETSC_COMM_WORLD));
  if (!t->signal && (every == 0 || t->step == t->first || (t->step % every != 0 && progress < 1.0))) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TrainerFetch(t));
  PetscCall(TrainerWriteCheckpoint(t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrainerRun(Trainer *t)
{
  PetscReal progress;

  PetscFunctionBeginUser;
  for (;;) {
    PetscCall(TrainerProgress(t, &progress));
    PetscCall(TrainerCheckpointIfDue(t, progress));
    if (t->signal) break;
    PetscCall(TrainerValidateIfDue(t, progress));
    if (progress >= 1.0) break;
    if (t->opt.patience > 0 && t->stale >= t->opt.patience) {
      PetscCall(PetscPrintf(PETSC_COMM_WORLD, "no better in %" PetscInt_FMT " validations: stopped by -train_patience\n", t->stale));
      break;
    }
    PetscCall(TrainerStep(t, progress));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The checkpoint is written; a model file is there only if there was a validation */
static PetscErrorCode TrainerInterrupted(Trainer *t)
{
  PetscFunctionBeginUser;
  if (!t->have_validation || t->best_score == PETSC_MAX_REAL) {
    PetscCall(TrainerWriteModel(t));
    t->best_step = t->step;
  }
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "interrupted at step %" PetscInt_FMT "; wrote %s (step %" PetscInt_FMT ") and %s; to go on give the same options and -train_resume\n", t->step, t->opt.output, t->best_step, t->opt.checkpoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrainerSummary(Trainer *t)
{
  const PetscInt steps = t->step - t->first;
  PetscReal      to_jacobi, to_icc;

  PetscFunctionBeginUser;
  if (t->have_validation) {
    PetscCall(TrainerSetParameters(t, t->best));
    PetscCall(TrainValidationRun(&t->validation, t->model, &to_jacobi, &to_icc));
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "validation, iterations for two right-hand sides:\n%10s %10s %10s\n", "jacobi", "icc", "gnnspai"));
    for (PetscInt k = 0; k < t->validation.n; k++)
      PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%10" PetscInt_FMT " %10" PetscInt_FMT " %10" PetscInt_FMT "  %s\n", t->validation.jacobi[k], t->validation.icc[k], t->validation.gnn[k], t->validation.name[k]));
  }
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%" PetscInt_FMT " steps of %" PetscInt_FMT " matrices, %.4g ms each; wrote %s (step %" PetscInt_FMT ")\n", steps, t->opt.batch * t->size, (double)(1e3 * t->stepping / PetscMax(steps, 1)), t->opt.output, t->best_step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An interrupted run ends with 128 + the signal's number, as a shell has it */
int main(int argc, char **argv)
{
  Trainer t = {.signal = 0};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PCGNNSPAIRegister());
  PetscCall(TrainOptionsGet(&t.opt));
  if (t.opt.matrices[0]) { /* not with -help alone */
    PetscCall(CatchSignals());
    PetscCall(TrainerCreate(&t));
    PetscCall(TrainerRun(&t));
    if (t.signal) PetscCall(TrainerInterrupted(&t));
    else PetscCall(TrainerSummary(&t));
    PetscCall(TrainerDestroy(&t));
  }
  PetscCall(PetscFinalize());
  return t.signal ? 128 + t.signal : 0;
}
