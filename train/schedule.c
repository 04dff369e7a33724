/*
   What happens when in a training run: random numbers, order of the matrices, learning rate, the end.
*/
#include "trainer.h"
#include <petsctime.h>

/* Neighbouring numbers are spread over the keys */
unsigned long long TrainerKey(const Trainer *t, PetscInt number)
{
  return GNNHash(((unsigned long long)t->opt.seed << 40) + (unsigned long long)number + 0x9E3779B97F4A7C15ULL);
}

static PetscErrorCode TrainerSeed_Private(Trainer *t, PetscInt number)
{
  PetscFunctionBegin;
  PetscCall(PetscRandomSetSeed(t->random, (unsigned long)(TrainerKey(t, number) & 0x7fffffff)));
  PetscCall(PetscRandomSeed(t->random));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A random order (Fisher-Yates), which depends on the seed and the epoch only; even numbers are left to the probes */
static PetscErrorCode TrainerShuffle_Private(Trainer *t, PetscInt epoch)
{
  PetscFunctionBegin;
  PetscCall(TrainerSeed_Private(t, 2 * epoch + 1));
  for (PetscInt i = 0; i < t->nsamples; i++) t->order[i] = i;
  for (PetscInt i = t->nsamples - 1; i > 0; i--) {
    PetscReal u;
    PetscInt  j, swap = t->order[i];

    PetscCall(PetscRandomGetValueReal(t->random, &u));
    j           = PetscMin((PetscInt)(u * (i + 1)), i);
    t->order[i] = t->order[j];
    t->order[j] = swap;
  }
  t->epoch = epoch;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainerDraw(Trainer *t, PetscInt k, PetscInt *drawn, unsigned long long *key)
{
  PetscFunctionBegin;
  if (k / t->nsamples != t->epoch) PetscCall(TrainerShuffle_Private(t, k / t->nsamples));
  *drawn = t->order[k % t->nsamples];
  *key   = TrainerKey(t, 2 * k);
  PetscCall(TrainerSeed_Private(t, 2 * k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainerSeconds(Trainer *t, PetscReal *seconds)
{
  PetscLogDouble now;

  PetscFunctionBegin;
  PetscCall(PetscTime(&now));
  *seconds = (PetscReal)(now - t->start);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The clock is that of rank 0, so that every rank stops at the same step */
PetscErrorCode TrainerProgress(Trainer *t, PetscReal *progress)
{
  PetscReal seconds;

  PetscFunctionBegin;
  *progress = t->step < t->steps ? (PetscReal)t->step / t->steps : 1.0;
  if (t->opt.minutes > 0.0) {
    PetscCall(TrainerSeconds(t, &seconds));
    PetscCallMPI(MPI_Bcast(&seconds, 1, MPIU_REAL, 0, PETSC_COMM_WORLD));
    *progress = PetscMax(*progress, seconds / (60.0 * t->opt.minutes));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Linear warm-up, then cosine to lr_final, or exponential by whole epochs as the paper has it */
PetscReal TrainerLearningRate(const Trainer *t, PetscReal progress)
{
  const TrainOptions *o    = &t->opt;
  const PetscReal     warm = t->step < o->warmup ? (PetscReal)(t->step + 1) / o->warmup : 1.0;

  if (o->schedule == SCHEDULE_EXPONENTIAL) return o->lr * warm * PetscPowReal(o->decay, (PetscReal)(t->step * o->batch * t->size / t->nsamples));
  return o->lr * warm * (o->lr_final + (1.0 - o->lr_final) * 0.5 * (1.0 + PetscCosReal(PETSC_PI * PetscMin(progress, 1.0))));
}
