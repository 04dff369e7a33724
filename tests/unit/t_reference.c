static char help[] = "The network against the outputs of an independent numpy implementation and of PyTorch (tests/reference), in float and, as\n\
t_reference_double, in double. Among PyTorch's models are some that it saved and some of gnnspai-train that it loaded.\n";

#include "../../gnn/inference.h"
#include "../../train/train.h"
#include "../tap.h"

static const char *directory;

static PetscErrorCode LoadVec(const char name[], const char suffix[], Vec *x)
{
  char        file[PETSC_MAX_PATH_LEN];
  PetscViewer viewer;
  PetscBool   exists;

  PetscFunctionBeginUser;
  *x = NULL;
  PetscCall(PetscSNPrintf(file, sizeof(file), "%s/%s.%s", directory, name, suffix));
  PetscCall(PetscTestFile(file, 'r', &exists));
  if (!exists) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerBinaryOpen(PETSC_COMM_SELF, file, FILE_MODE_READ, &viewer));
  PetscCall(VecCreate(PETSC_COMM_SELF, x));
  PetscCall(VecSetType(*x, VECSEQ));
  PetscCall(VecLoad(*x, viewer));
  PetscCall(PetscViewerDestroy(&viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Largest difference relative to the largest expected number; x is destroyed */
static PetscErrorCode Compare(const PetscScalar computed[], PetscInt n, Vec *x, PetscReal *error)
{
  const PetscScalar *expected;
  PetscReal          scale = 0.0;
  PetscInt           size;

  PetscFunctionBeginUser;
  PetscCall(VecGetSize(*x, &size));
  PetscCall(VecGetArrayRead(*x, &expected));
  *error = size == n ? 0.0 : PETSC_MAX_REAL;
  for (PetscInt k = 0; k < PetscMin(n, size); k++) {
    scale  = PetscMax(scale, PetscAbsScalar(expected[k]));
    *error = PetscMax(*error, PetscAbsScalar(expected[k] - computed[k]));
  }
  *error /= scale;
  PetscCall(VecRestoreArrayRead(*x, &expected));
  PetscCall(VecDestroy(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUserFeatures(const char name[], TrainSample *s)
{
  const PetscScalar *array;
  Vec                user;
  PetscInt           size;

  PetscFunctionBeginUser;
  PetscCall(LoadVec(name, "user", &user));
  if (user == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetSize(user, &size));
  PetscCall(VecGetArrayRead(user, &array));
  PetscCall(GNNGraphSetUserFeatures(s->graph, size / s->graph->nodes, array));
  PetscCall(VecRestoreArrayRead(user, &array));
  PetscCall(VecDestroy(&user));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The loss for the stored probes, which TrainSampleProbeLoss() reads from w */
static PetscErrorCode TestLoss(const char name[], TrainSample *s)
{
  const PetscReal    tol = sizeof(GNNReal) == 8 ? 1e-10 : 1e-4;
  const PetscScalar *probes;
  PetscReal          loss = 0.0, error;
  PetscScalar        value;
  Vec                w, expected;
  PetscInt           size, k;

  PetscFunctionBeginUser;
  PetscCall(LoadVec(name, "w", &w));
  if (w == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(LoadVec(name, "loss", &expected));
  PetscCall(VecGetSize(w, &size));
  k = size / s->graph->n;
  PetscCall(VecGetArrayRead(w, &probes));
  for (PetscInt probe = 0; probe < k; probe++) {
    PetscCall(VecPlaceArray(s->w, probes + probe * s->graph->n));
    PetscCall(TrainSampleProbeLoss(s, 1.0 / ((PetscReal)k * s->graph->ncoupled), &loss));
    PetscCall(VecResetArray(s->w));
  }
  PetscCall(VecRestoreArrayRead(w, &probes));
  value = loss;
  PetscCall(Compare(&value, 1, &expected, &error));
  Ok(error < tol, "%s: loss %.6g for stored probes, off by %.1e", name, (double)loss, (double)error);
  PetscCall(VecDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The files have no FILE.info: the block size comes from the options database */
static PetscErrorCode LoadMat(const char matrix[], PetscInt block_size, Mat *A)
{
  char file[PETSC_MAX_PATH_LEN], size[16];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(file, sizeof(file), "%s/%s", directory, matrix));
  PetscCall(PetscSNPrintf(size, sizeof(size), "%" PetscInt_FMT, block_size));
  PetscCall(PetscOptionsSetValue(NULL, "-matload_block_size", size));
  PetscCall(FilesLoadMat(file, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Inference, twice with the same work, against the forward pass that training differentiates: the same sums, in other vectors */
static PetscErrorCode TestInference(const char name[], GNNModel model, const TrainSample *s)
{
  GNNInference inference = NULL;
  GNNReal     *out;
  PetscReal    difference = 0.0, size = 0.0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(s->graph->nz, &out));
  PetscCall(GNNInferenceCreate(model, s->graph, &inference));
  for (int k = 0; k < 2; k++) {
    for (PetscInt p = 0; p < s->graph->nz; p++) out[p] = NAN;
    PetscCall(GNNInferenceRun(inference, model, s->graph, out));
  }
  for (PetscInt p = 0; p < s->graph->nz; p++) {
    difference = out[p] == out[p] ? PetscMax(difference, PetscAbsReal(out[p] - s->net[p])) : PETSC_MAX_REAL;
    size       = PetscMax(size, PetscAbsReal(s->net[p]));
  }
  Ok(difference <= (sizeof(GNNReal) == 8 ? 1e-13 : 2e-6) * size, "%s: inference off by %.1e of %.1e", name, (double)difference, (double)size);
  PetscCall(GNNInferenceDestroy(&inference));
  PetscCall(PetscFree(out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestCase(const char name[], const char matrix[], PetscInt block_size)
{
  const PetscReal tol = sizeof(GNNReal) == 8 ? 1e-12 : 2e-5;
  char            file[PETSC_MAX_PATH_LEN];
  GNNModel        model;
  GNNActs         acts;
  TrainSample     s;
  Mat             A;
  Vec             expected;
  PetscScalar    *gt;
  PetscReal       error;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(file, sizeof(file), "%s/%s.safetensors", directory, name));
  PetscCall(GNNModelLoad(PETSC_COMM_SELF, file, &model));
  PetscCall(LoadMat(matrix, block_size, &A));
  PetscCall(TrainSampleCreate(&model->config, TRAIN_LOSS_SAI, A, matrix, &s));
  PetscCall(SetUserFeatures(name, &s));
  PetscCall(GNNActsCreate(model, &acts));
  PetscCall(TrainSampleFactor(model, acts, &s));

  PetscCall(PetscMalloc1(s.graph->nz, &gt));
  for (PetscInt p = 0; p < s.graph->nz; p++) gt[p] = s.net[p];
  PetscCall(LoadVec(name, "out", &expected));
  PetscCall(Compare(gt, s.graph->nz, &expected, &error));
  Ok(error < tol, "%s: network's output off by %.1e", name, (double)error);
  PetscCall(TestInference(name, model, &s));
  PetscCall(LoadVec(name, "gt", &expected));
  PetscCall(Compare(s.gt, s.graph->nz, &expected, &error));
  Ok(error < tol, "%s: G^T off by %.1e", name, (double)error);
  PetscCall(TestLoss(name, &s));

  PetscCall(PetscFree(gt));
  PetscCall(GNNActsDestroy(&acts));
  PetscCall(TrainSampleDestroy(&s));
  PetscCall(GNNModelDestroy(&model));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestDirectory(const char name_of_directory[])
{
  FILE *index;
  char  path[PETSC_MAX_PATH_LEN], name[64], matrix[64];
  int   block_size;

  PetscFunctionBeginUser;
  directory = name_of_directory;
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/index.txt", directory));
  index = fopen(path, "r");
  PetscCheck(index, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "Run from the repository's root: cannot read %s", path);
  while (fscanf(index, "%63[^.].safetensors %63s %d ", name, matrix, &block_size) == 3) PetscCall(TestCase(name, matrix, block_size));
  fclose(index);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  int failed;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestDirectory("tests/reference/data"));
  PetscCall(TestDirectory("tests/reference/torch"));
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
