/*
   The options of gnnspai-train.
*/
#include "trainer.h"

static const char *const Schedules[] = {"cosine", "exponential", "Schedule", "SCHEDULE_", NULL};
static const char *const BadInputs[] = {"refuse", "skip", "BadInputs", "", NULL};

typedef enum {
  PRESET_DEFAULT,
  PRESET_PAPER
} Preset;
static const char *const Presets[] = {"default", "paper", "Preset", "PRESET_", NULL};

/* The matrix's node features */
static PetscErrorCode FeatureNames_Private(size_t size, char names[])
{
  size_t used = 0;

  PetscFunctionBegin;
  for (int f = 0; f < GNN_NODE_USER; f++) {
    PetscCall(PetscSNPrintf(names + used, size - used, "%s%s", f ? "," : "", GNNNodeFeatures[f]));
    PetscCall(PetscStrlen(names, &used));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A name, or user:k */
static PetscErrorCode OptionsParseFeature_Private(const char text[], GNNNodeFeature *feature, PetscInt *user_size)
{
  char      names[128];
  PetscEnum value;
  PetscBool found, user;

  PetscFunctionBegin;
  PetscCall(PetscStrncmp(text, "user:", 5, &user));
  if (user) {
    PetscCall(PetscOptionsStringToInt(text + 5, user_size));
    PetscCheck(*user_size >= 1 && *user_size <= GNN_MAX_USER, PETSC_COMM_WORLD, PETSC_ERR_USER_INPUT, "-gnn_node_features: '%s', expected user:k with k from 1 to %d", text, GNN_MAX_USER);
    *feature = GNN_NODE_USER;
  } else {
    PetscCall(PetscEnumFind(GNNNodeFeatures, text, &value, &found));
    PetscCall(FeatureNames_Private(sizeof(names), names));
    PetscCheck(found && (GNNNodeFeature)value != GNN_NODE_USER, PETSC_COMM_WORLD, PETSC_ERR_ARG_UNKNOWN_TYPE, "-gnn_node_features: '%s' is not one of %s,user:k", text, names);
    *feature = (GNNNodeFeature)value;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ConfigSetFromOptions(GNNOptionItems PetscOptionsObject, GNNConfig *c)
{
  char     *names[GNN_MAX_FEATURES], known[128], help[256];
  PetscInt  n = GNN_MAX_FEATURES;
  PetscBool set;

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
  PetscCall(FeatureNames_Private(sizeof(known), known));
  PetscCall(PetscSNPrintf(help, sizeof(help), "Node features: %s are the matrix's, user:k reads k numbers from FILE.features", known));
  PetscCall(PetscOptionsStringArray("-gnn_node_features", help, NULL, names, &n, &set));
  if (set) {
    c->nnode_features = n;
    c->user_size      = 0;
    for (PetscInt f = 0; f < n; f++) {
      PetscCall(OptionsParseFeature_Private(names[f], &c->node_features[f], &c->user_size));
      PetscCall(PetscFree(names[f]));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tried for a few minutes on a CPU */
static PetscErrorCode OptionsSetDefaults_Private(TrainOptions *o)
{
  PetscFunctionBegin;
  PetscCall(PetscMemzero(o, sizeof(*o)));
  PetscCall(GNNConfigSetDefaults(&o->config));
  o->loss           = TRAIN_LOSS_LOG_SAI;
  o->probes         = 8;
  o->batch          = 1;
  o->steps          = 2000;
  o->warmup         = 50;
  o->validate_every = 200;
  o->lr             = 6e-3;
  o->lr_final       = 0.01;
  o->decay          = 0.99;
  o->betas[0]       = 0.9;
  o->betas[1]       = 0.999;
  o->weight_decay   = 1e-4;
  o->clip           = 1.0;
  o->sai_weight     = 1.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What arXiv 2510.27517 says of its network and training; ours stays where it is silent (probes, clipping, weight decay) */
static void OptionsSetPaper_Private(TrainOptions *o)
{
  o->config.norm        = GNN_NORM_LAYER;
  o->config.aggregation = GNN_AGGREGATION_SUM;
  o->config.scaling     = GNN_SCALING_MEAN;
  o->config.output      = GNN_OUTPUT_DIRECT;
  o->loss               = TRAIN_LOSS_SAI;
  o->batch              = 4;
  o->epochs             = 500;
  o->schedule           = SCHEDULE_EXPONENTIAL;
  o->decay              = 0.99;
  o->lr                 = 1e-3;
  o->warmup             = 0;
}

static PetscErrorCode OptionsFiles_Private(GNNOptionItems PetscOptionsObject, TrainOptions *o)
{
  const size_t size = PETSC_MAX_PATH_LEN;
  PetscEnum    bad  = (PetscEnum)0;

  PetscFunctionBegin;
  PetscCall(PetscOptionsString("-train_matrices", "Glob of training matrices (PETSc binary)", NULL, o->matrices, o->matrices, size, NULL));
  PetscCall(PetscOptionsString("-train_validation", "Glob of validation matrices; the best parameters are kept by CG iterations on them", NULL, o->validation, o->validation, size, NULL));
  PetscCall(PetscOptionsEnum("-train_bad_inputs", "Matrices that cannot be used: end, or leave them out", NULL, BadInputs, bad, &bad, NULL));
  PetscCall(PetscOptionsString("-train_output", "Model file to write (safetensors)", NULL, o->output, o->output, size, NULL));
  PetscCall(PetscOptionsString("-train_init", "Model to start from (fine-tuning): file or built-in name; the -gnn_ options are then the model's", NULL, o->init, o->init, size, NULL));
  PetscCall(PetscOptionsString("-train_log", "CSV file: step, seconds, loss, learning rate, validation", NULL, o->log, o->log, size, NULL));
  PetscCall(PetscOptionsString("-train_note", "Free text for the model file's trained_on", NULL, o->note, o->note, sizeof(o->note), NULL));
  o->skip_bad = bad == (PetscEnum)1 ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(PetscSNPrintf(o->checkpoint, size, "%s.checkpoint", o->output));
  PetscCall(PetscOptionsString("-train_checkpoint", "Checkpoint file; written when the run is interrupted (^C, SIGTERM)", NULL, o->checkpoint, o->checkpoint, size, NULL));
  PetscCall(PetscOptionsInt("-train_checkpoint_every", "Steps between checkpoints, and one at the end (0: only when interrupted)", NULL, o->checkpoint_every, &o->checkpoint_every, NULL));
  PetscCall(PetscOptionsBool("-train_resume", "Go on from the checkpoint; give the other options as before", NULL, o->resume, &o->resume, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PETSc's own way of saying where matrices live */
static PetscErrorCode OptionsWhere_Private(GNNOptionItems PetscOptionsObject, TrainOptions *o)
{
  const char *const types[]  = {MATAIJ, MATSEQAIJ, MATAIJCUSPARSE, MATSEQAIJCUSPARSE};
  char              type[64] = MATAIJ;
  PetscInt          which    = -1;

  PetscFunctionBegin;
  PetscCall(PetscOptionsString("-mat_type", "Where to train: aij on the host, aijcusparse on the device (block size 1, width at most 32, every loss but kaporin)", NULL, type, type, sizeof(type), NULL));
  for (PetscInt k = 0; k < (PetscInt)PETSC_STATIC_ARRAY_LENGTH(types); k++) {
    if (strcmp(type, types[k]) == 0) which = k;
  }
  PetscCheck(which >= 0, PETSC_COMM_WORLD, PETSC_ERR_ARG_UNKNOWN_TYPE, "-mat_type %s: gnnspai-train knows aij (on the host) and aijcusparse (on the device)", type);
  o->device = which >= 2 ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptionsLimits_Private(GNNOptionItems PetscOptionsObject, TrainOptions *o)
{
  PetscFunctionBegin;
  PetscCall(PetscOptionsInt("-train_steps", "Steps of the optimiser (with -train_epochs: no limit unless given)", NULL, o->steps, &o->steps, NULL));
  PetscCall(PetscOptionsInt("-train_epochs", "Stop after so many times through the matrices at the latest (0: no limit)", NULL, o->epochs, &o->epochs, NULL));
  PetscCall(PetscOptionsReal("-train_minutes", "Stop after so many minutes at the latest (0: no limit); the learning rate then follows the clock where that is ahead", NULL, o->minutes, &o->minutes, NULL));
  PetscCall(PetscOptionsInt("-train_validate_every", "Steps between validations", NULL, o->validate_every, &o->validate_every, NULL));
  PetscCall(PetscOptionsInt("-train_patience", "Stop after so many validations without a better one (0: never)", NULL, o->patience, &o->patience, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptionsOptimiser_Private(GNNOptionItems PetscOptionsObject, TrainOptions *o)
{
  PetscInt two = 2;

  PetscFunctionBegin;
  PetscCall(PetscOptionsEnum("-train_loss", "Loss", NULL, TrainLosses, (PetscEnum)o->loss, (PetscEnum *)&o->loss, NULL));
  PetscCall(PetscOptionsReal("-train_sai_weight", "Loss kaporin: weight of the SAI loss added to it, which keeps single large eigenvalues down", NULL, o->sai_weight, &o->sai_weight, NULL));
  PetscCall(PetscOptionsInt("-train_probes", "Random vectors per matrix and step", NULL, o->probes, &o->probes, NULL));
  PetscCall(PetscOptionsInt("-train_batch", "Matrices per step and rank", NULL, o->batch, &o->batch, NULL));
  PetscCall(PetscOptionsReal("-train_lr", "Largest learning rate", NULL, o->lr, &o->lr, NULL));
  PetscCall(PetscOptionsEnum("-train_schedule", "Decay of the learning rate", NULL, Schedules, (PetscEnum)o->schedule, (PetscEnum *)&o->schedule, NULL));
  PetscCall(PetscOptionsReal("-train_lr_final", "Cosine: last learning rate over the largest", NULL, o->lr_final, &o->lr_final, NULL));
  PetscCall(PetscOptionsReal("-train_decay", "Exponential: factor per epoch", NULL, o->decay, &o->decay, NULL));
  PetscCall(PetscOptionsInt("-train_warmup", "Steps of linear warm-up", NULL, o->warmup, &o->warmup, NULL));
  PetscCall(PetscOptionsRealArray("-train_betas", "AdamW's beta1,beta2", NULL, o->betas, &two, NULL));
  PetscCheck(two == 2 || two == 0, PETSC_COMM_WORLD, PETSC_ERR_USER_INPUT, "-train_betas takes two numbers");
  PetscCall(PetscOptionsReal("-train_weight_decay", "AdamW's weight decay", NULL, o->weight_decay, &o->weight_decay, NULL));
  PetscCall(PetscOptionsReal("-train_clip", "Largest norm of the gradient (0: off)", NULL, o->clip, &o->clip, NULL));
  PetscCall(PetscOptionsInt("-train_seed", "Seed of parameters, order and probes", NULL, o->seed, &o->seed, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptionsCheck_Private(const TrainOptions *o)
{
  PetscFunctionBegin;
  PetscCheck(o->matrices[0] && o->output[0], PETSC_COMM_WORLD, PETSC_ERR_USER_INPUT, "Give -train_matrices 'GLOB' and -train_output FILE.safetensors (see -help)");
  PetscCheck(o->probes > 0 && o->batch > 0 && o->validate_every > 0, PETSC_COMM_WORLD, PETSC_ERR_USER_INPUT, "-train_probes, -train_batch and -train_validate_every must be positive");
  PetscCheck(o->steps >= 0 && o->epochs >= 0 && o->checkpoint_every >= 0 && o->patience >= 0 && o->seed >= 0, PETSC_COMM_WORLD, PETSC_ERR_USER_INPUT, "-train_steps, -train_epochs, -train_checkpoint_every, -train_patience and -train_seed must not be negative");
  PetscCheck(o->patience == 0 || o->validation[0], PETSC_COMM_WORLD, PETSC_ERR_USER_INPUT, "-train_patience looks at the iterations on the matrices of -train_validation: give some");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainOptionsGet(TrainOptions *o)
{
  Preset    preset = PRESET_DEFAULT;
  PetscBool steps, help;

  PetscFunctionBegin;
  PetscCall(OptionsSetDefaults_Private(o));
  PetscOptionsBegin(PETSC_COMM_WORLD, NULL, "Training of gnnspai's network", NULL);
  PetscCall(PetscOptionsEnum("-train_preset", "Defaults of the options that follow: ours, or the form and the recipe of arXiv 2510.27517", NULL, Presets, (PetscEnum)preset, (PetscEnum *)&preset, NULL));
  if (preset == PRESET_PAPER) OptionsSetPaper_Private(o);
  PetscCall(OptionsFiles_Private(PetscOptionsObject, o));
  PetscCall(OptionsWhere_Private(PetscOptionsObject, o));
  PetscCall(OptionsLimits_Private(PetscOptionsObject, o));
  PetscCall(OptionsOptimiser_Private(PetscOptionsObject, o));
  PetscCall(ConfigSetFromOptions(PetscOptionsObject, &o->config));
  PetscOptionsEnd();
  PetscCall(PetscOptionsHasName(NULL, NULL, "-train_steps", &steps));
  if (!steps && o->epochs > 0) o->steps = PETSC_MAX_INT;
  PetscCall(PetscOptionsHasHelp(NULL, &help));
  if (help && !o->matrices[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(OptionsRefuseWords(1));
  PetscCall(OptionsRefuseUnknown("gnnspai-train", "train_"));
  PetscCall(OptionsRefuseUnknown("gnnspai-train", "gnn_"));
  PetscCall(OptionsCheck_Private(o));
  PetscFunctionReturn(PETSC_SUCCESS);
}
