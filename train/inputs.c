/*
   The matrices that gnnspai-train is given: each is tried, and what cannot be used is named before anything else happens.
*/
#include "trainer.h"

#define MESSAGE_SIZE 512

/* Keeps the text of an error instead of printing it */
static PetscErrorCode KeepMessage(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code, PetscErrorType type, const char *text, void *message)
{
  (void)comm, (void)line, (void)function, (void)file;
  if (type == PETSC_ERROR_INITIAL) (void)snprintf((char *)message, MESSAGE_SIZE, "%s", text);
  return code;
}

/* A^T w = A w for a random w: At holds what is left of the matrix once rows set by MatZeroRows() are taken out */
static PetscErrorCode InputCheckSymmetry_Private(TrainSample *s, PetscRandom random)
{
  PetscReal norm, difference;

  PetscFunctionBegin;
  PetscCall(VecSetRandom(s->w, random));
  PetscCall(MatMult(s->At, s->w, s->z));
  PetscCall(MatMultTranspose(s->At, s->w, s->y));
  PetscCall(VecNorm(s->z, NORM_2, &norm));
  PetscCall(VecAXPY(s->y, -1.0, s->z));
  PetscCall(VecNorm(s->y, NORM_2, &difference));
  PetscCheck(difference <= 1e-8 * norm, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "The matrix is not symmetric: ||A w - A^T w|| is %.1e ||A w||", (double)(difference / norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a model with node features of the user's reads */
static PetscErrorCode InputLoadFeatures_Private(const GNNConfig *config, const char name[], Mat A, TrainSample *s)
{
  PetscInt           size;
  Vec                features;
  const PetscScalar *array;

  PetscFunctionBegin;
  if (config->user_size == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FilesLoadFeatures(name, A, &features));
  PetscCheck(features, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "The model reads %" PetscInt_FMT " numbers of the user's at each node, but there is no file %s" FILES_FEATURES ": write a vector of that block size there (gnnspai-data heat -data_features does)",
             config->user_size, name);
  PetscCall(VecGetBlockSize(features, &size));
  PetscCheck(size == config->user_size, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "The model reads %" PetscInt_FMT " numbers of the user's at each node, %s" FILES_FEATURES " has %" PetscInt_FMT, config->user_size, name, size);
  PetscCall(VecGetArrayRead(features, &array));
  PetscCall(GNNGraphSetUserFeatures(s->graph, size, array));
  PetscCall(VecRestoreArrayRead(features, &array));
  PetscCall(VecDestroy(&features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode InputTry_Private(const TrainOptions *o, const GNNConfig *config, const char name[], PetscRandom random, PetscInt *block_size, Mat *A, TrainSample *s)
{
  PetscInt bs;

  PetscFunctionBegin;
  PetscCall(FilesLoadMat(name, A));
  PetscCall(MatGetBlockSize(*A, &bs));
  PetscCheck(*block_size < 0 || bs == *block_size, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "Block size %" PetscInt_FMT ", but %" PetscInt_FMT " of the matrices before it (FILE.info says so; -matload_block_size overrides it)", bs, *block_size);
  PetscCall(TrainSampleCreate(config, o->loss, *A, name, s));
  PetscCall(InputLoadFeatures_Private(config, name, *A, s));
  PetscCall(InputCheckSymmetry_Private(s, random));
  s->sai_weight = o->sai_weight;
  *block_size   = bs;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whether the matrix can be used; if not, why is printed, and nothing is left of it */
static PetscErrorCode InputRead_Private(const TrainOptions *o, const GNNConfig *config, const char name[], PetscRandom random, PetscInt *block_size, Mat *A, TrainSample *s, PetscBool *good)
{
  char           message[MESSAGE_SIZE] = "";
  PetscErrorCode failed;

  PetscFunctionBegin;
  *A = NULL;
  PetscCall(PetscMemzero(s, sizeof(*s)));
  PetscCall(PetscPushErrorHandler(KeepMessage, message));
  failed = InputTry_Private(o, config, name, random, block_size, A, s);
  PetscCall(PetscPopErrorHandler());
  *good = failed ? PETSC_FALSE : PETSC_TRUE;
  if (*good) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "cannot use %s: %s\n", name, message));
  PetscCall(TrainSampleDestroy(s));
  PetscCall(MatDestroy(A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainInputsLoad(const TrainOptions *o, const GNNConfig *config, const char pattern[], PetscInt *n, char ***names, TrainSample **samples, Mat **mats)
{
  PetscInt    all, block_size = -1;
  PetscRandom random;

  PetscFunctionBegin;
  PetscCall(FilesGlob(pattern, &all, names));
  if (samples) PetscCall(PetscMalloc1(all, samples));
  if (mats) PetscCall(PetscMalloc1(all, mats));
  PetscCall(PetscRandomCreate(PETSC_COMM_SELF, &random));
  *n = 0;
  for (PetscInt k = 0; k < all; k++) {
    TrainSample s;
    Mat         A;
    PetscBool   good = PETSC_FALSE;

    PetscCall(InputRead_Private(o, config, (*names)[k], random, &block_size, &A, &s, &good));
    if (!good) {
      PetscCall(PetscFree((*names)[k]));
      continue;
    }
    (*names)[*n] = (*names)[k];
    if (samples) (*samples)[*n] = s;
    else PetscCall(TrainSampleDestroy(&s));
    if (mats) (*mats)[*n] = A;
    else PetscCall(MatDestroy(&A));
    (*n)++;
  }
  PetscCall(PetscRandomDestroy(&random));
  PetscCheck(*n == all || o->skip_bad, PETSC_COMM_WORLD, PETSC_ERR_USER_INPUT, "%" PetscInt_FMT " of the %" PetscInt_FMT " matrices that match '%s' cannot be used, as said above; take them away, or leave them out with -train_bad_inputs skip", all - *n, all, pattern);
  PetscCheck(*n > 0, PETSC_COMM_WORLD, PETSC_ERR_USER_INPUT, "None of the matrices that match '%s' can be used, as said above", pattern);
  PetscFunctionReturn(PETSC_SUCCESS);
}
