/*
   Checkpoints of a training run: a PETSc binary file of integers and reals in fixed order, then the parameters, the best ones and both
   moments as Vecs in double. Random numbers depend on the seed and the step (TrainerKey), so these two are all there is of their state.
*/
#include "trainer.h"
#include <errno.h>

enum {
  VERSION  = 1211300001, /* no class id of PETSc's */
  NCONFIG  = 12 + 2 * GNN_MAX_FEATURES,
  NNUMBERS = 4,
  NREALS   = 3
};

typedef struct {
  PetscInt  what[3 + NCONFIG]; /* must be the same in the run that goes on */
  PetscInt  number[NNUMBERS];
  PetscReal real[NREALS];
} Header;

static void HeaderDescribe_Private(const Trainer *t, PetscInt what[])
{
  const GNNConfig *c         = &t->model->config;
  const PetscInt   shape[12] = {c->block_size, c->width, c->layers, c->hidden_layers, (PetscInt)c->norm, (PetscInt)c->aggregation, (PetscInt)c->scaling, (PetscInt)c->output, (PetscInt)c->pattern, c->nedge_features, c->nnode_features, c->user_size};

  *what++ = VERSION;
  *what++ = t->opt.seed;
  *what++ = t->nsamples;
  for (int k = 0; k < 12; k++) *what++ = shape[k];
  for (int k = 0; k < GNN_MAX_FEATURES; k++) {
    *what++ = k < c->nedge_features ? (PetscInt)c->edge_features[k] : -1;
    *what++ = k < c->nnode_features ? (PetscInt)c->node_features[k] : -1;
  }
}

static PetscErrorCode WriteFile_Private(Trainer *t, const char file[])
{
  const Vec vecs[] = {t->theta, t->best, t->adam.m, t->adam.v};
  Header    h      = {
            .number = {t->step, t->best_step, t->stale,    t->loss_count},
              .real = {t->best_score,       t->loss_sum,       0.0}
  };
  PetscViewer viewer;

  PetscFunctionBegin;
  HeaderDescribe_Private(t, h.what);
  PetscCall(TrainerSeconds(t, &h.real[2]));
  PetscCall(PetscViewerCreate(PETSC_COMM_SELF, &viewer));
  PetscCall(PetscViewerSetType(viewer, PETSCVIEWERBINARY));
  PetscCall(PetscViewerFileSetMode(viewer, FILE_MODE_WRITE));
  PetscCall(PetscViewerBinarySetSkipInfo(viewer, PETSC_TRUE));
  PetscCall(PetscViewerFileSetName(viewer, file));
  PetscCall(PetscViewerBinaryWrite(viewer, h.what, PETSC_STATIC_ARRAY_LENGTH(h.what), PETSC_INT));
  PetscCall(PetscViewerBinaryWrite(viewer, h.number, NNUMBERS, PETSC_INT));
  PetscCall(PetscViewerBinaryWrite(viewer, h.real, NREALS, PETSC_REAL));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(vecs); k++) PetscCall(VecView(vecs[k], viewer));
  PetscCall(PetscViewerDestroy(&viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rank 0 writes, to a temporary name: whoever reads the file sees the old one or the new one, whole */
PetscErrorCode TrainerWriteCheckpoint(Trainer *t)
{
  char temporary[PETSC_MAX_PATH_LEN + 4];

  PetscFunctionBegin;
  if (t->rank != 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSNPrintf(temporary, sizeof(temporary), "%s.tmp", t->opt.checkpoint));
  PetscCall(WriteFile_Private(t, temporary));
  PetscCheck(rename(temporary, t->opt.checkpoint) == 0, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "Cannot write checkpoint %s: %s", t->opt.checkpoint, strerror(errno));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadHeader_Private(PetscViewer viewer, Header *h)
{
  PetscFunctionBegin;
  PetscCall(PetscViewerBinaryRead(viewer, h->what, PETSC_STATIC_ARRAY_LENGTH(h->what), NULL, PETSC_INT));
  PetscCall(PetscViewerBinaryRead(viewer, h->number, NNUMBERS, NULL, PETSC_INT));
  PetscCall(PetscViewerBinaryRead(viewer, h->real, NREALS, NULL, PETSC_REAL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadVecs_Private(PetscViewer viewer, Trainer *t)
{
  const Vec vecs[] = {t->theta, t->best, t->adam.m, t->adam.v};

  PetscFunctionBegin;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(vecs); k++) PetscCall(VecLoad(vecs[k], viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode HeaderCheck_Private(const Trainer *t, const Header *h)
{
  const char *file = t->opt.checkpoint;
  PetscInt    what[3 + NCONFIG];

  PetscFunctionBegin;
  HeaderDescribe_Private(t, what);
  PetscCheck(h->what[1] == what[1], PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "%s is of a run with -train_seed %" PetscInt_FMT ": give the same", file, h->what[1]);
  PetscCheck(h->what[2] == what[2], PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "%s is of a run with %" PetscInt_FMT " training matrices, here are %" PetscInt_FMT ": give the same, or start from the model that it wrote with -train_init", file, h->what[2], what[2]);
  for (int k = 3; k < 3 + NCONFIG; k++) PetscCheck(h->what[k] == what[k], PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "%s is of a network of another form: give the -gnn_ options and -train_init of that run", file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A file that is none, or cut short, must not bring the reader's own message: it would not say which file nor what to do */
#define Quietly(failed, call) \
  do { \
    PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL)); \
    failed = call; \
    PetscCall(PetscPopErrorHandler()); \
  } while (0)

PetscErrorCode TrainerReadCheckpoint(Trainer *t)
{
  const char    *file = t->opt.checkpoint;
  Header         h    = {.what = {0}};
  PetscViewer    viewer;
  PetscBool      readable;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(PetscTestFile(file, 'r', &readable));
  PetscCheck(readable, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "Cannot read checkpoint %s: a run writes it when it is interrupted, or every so many steps with -train_checkpoint_every", file);
  PetscCall(PetscViewerBinaryOpen(PETSC_COMM_SELF, file, FILE_MODE_READ, &viewer));
  Quietly(failed, ReadHeader_Private(viewer, &h));
  PetscCheck(!failed && h.what[0] == VERSION, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s is no checkpoint of this version of gnnspai-train (PetscInt of the same size)", file);
  PetscCall(HeaderCheck_Private(t, &h));
  Quietly(failed, ReadVecs_Private(viewer, t));
  PetscCheck(!failed, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "Checkpoint %s is cut short", file);
  PetscCall(PetscViewerDestroy(&viewer));
  t->step = t->first = t->adam.step = h.number[0];
  t->best_step                      = h.number[1];
  t->stale                          = h.number[2];
  t->loss_count                     = h.number[3];
  t->best_score                     = h.real[0];
  t->loss_sum                       = h.real[1];
  t->start -= h.real[2];
  PetscFunctionReturn(PETSC_SUCCESS);
}
