/*
   What the files of the program gnnspai-train share: its options, its state, and the steps of a run.
   A run is a function of the options and the step: random numbers are drawn anew for each matrix (TrainerKey), so a checkpoint need not hold them.
*/
#pragma once

#include "device.h"

typedef enum {
  SCHEDULE_COSINE,
  SCHEDULE_EXPONENTIAL
} TrainSchedule;

typedef struct {
  char          matrices[PETSC_MAX_PATH_LEN], validation[PETSC_MAX_PATH_LEN], output[PETSC_MAX_PATH_LEN], log[PETSC_MAX_PATH_LEN], init[PETSC_MAX_PATH_LEN], checkpoint[PETSC_MAX_PATH_LEN], note[1024];
  GNNConfig     config;
  TrainLoss     loss;
  TrainSchedule schedule;
  PetscBool     device;           /* -mat_type aijcusparse */
  PetscBool     resume, skip_bad; /* inputs that cannot be used are left out */
  PetscInt      probes, batch, steps, epochs, warmup, validate_every, checkpoint_every, patience, seed;
  PetscReal     sai_weight, minutes, lr, lr_final, decay, betas[2], weight_decay, clip;
} TrainOptions;

typedef struct {
  TrainOptions        opt;
  PetscMPIInt         rank, size;
  GNNModel            model;
  GNNActs             acts;
  GNNNet              dnet;
  PetscInt            nsamples;
  TrainSample        *samples;
  PetscInt           *order, epoch; /* (nsamples) the order of the matrices in that epoch, the same on every rank */
  TrainValidation     validation;
  PetscBool           have_validation;
  PetscRandom         random;
  Vec                 theta, gradient, best; /* (nparams) */
  TrainAdamW          adam;
  TrainDevice         device; /* or NULL: training is on the host */
  PetscInt           *drawn;  /* (batch) matrices of a step on the device, and the keys of their probes */
  unsigned long long *key;
  PetscInt            steps;       /* of the whole run */
  PetscInt            step, first; /* steps done; at the start of this process */
  PetscReal           best_score;
  PetscInt            best_step, stale; /* validations since */
  PetscReal           loss_sum;         /* over the last loss_count steps, since the last validation */
  PetscInt            loss_count;
  PetscReal           lr;              /* of the last step */
  PetscLogDouble      start, stepping; /* when the run began, minus what earlier processes spent on it; seconds of this one in steps */
  int                 signal;          /* that ends the run, the same on every rank; 0: none */
  FILE               *log;
} Trainer;

PETSC_INTERN PetscErrorCode TrainOptionsGet(TrainOptions *); /* matrices empty only where -help asks for no more */

/* Inputs: matrices that match a glob, as samples or as Mats (the other NULL), and their names. One that cannot be used is named, and an
   error unless it may be skipped */
PETSC_INTERN PetscErrorCode TrainInputsLoad(const TrainOptions *, const GNNConfig *, const char[], PetscInt *, char ***, TrainSample **, Mat **);

/* Schedule: what happens when */
PETSC_INTERN unsigned long long TrainerKey(const Trainer *, PetscInt);                              /* of random numbers that depend on the run's seed and a number >= 0 */
PETSC_INTERN PetscErrorCode     TrainerDraw(Trainer *, PetscInt, PetscInt *, unsigned long long *); /* which matrix is drawn as number k since the start, and the key of its probes; seeds random, too */
PETSC_INTERN PetscErrorCode     TrainerSeconds(Trainer *, PetscReal *);                             /* since the start of the run */
PETSC_INTERN PetscErrorCode     TrainerProgress(Trainer *, PetscReal *);                            /* share of the run that is done, by steps or by the clock */
PETSC_INTERN PetscReal          TrainerLearningRate(const Trainer *, PetscReal);                    /* progress */

/* Checkpoints: all that a run needs to go on */
PETSC_INTERN PetscErrorCode TrainerWriteCheckpoint(Trainer *);
PETSC_INTERN PetscErrorCode TrainerReadCheckpoint(Trainer *);
