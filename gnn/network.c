/*
   G by the network, by what it adds to (the start), or by Jacobi: whichever the choice says. The network runs only where it has a share.
*/
#include "events.h"
#include "source.h"

static PetscErrorCode BlocksFull_Private(MPI_Comm comm, PetscInt b, PetscInt n, const PetscInt ia[], const PetscInt ja[], PetscBool *full)
{
  int all;

  PetscFunctionBegin;
  PetscCall(GNNGraphBlocksFull(b, n, ia, ja, full));
  all = *full ? 1 : 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, comm));
  *full = all ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Not loaded again where it is in use */
static PetscErrorCode UseBuiltin_Private(MPI_Comm comm, const char name[], GNNModel *model)
{
  PetscBool same = PETSC_FALSE;

  PetscFunctionBegin;
  if (*model) PetscCall(PetscStrcmp((*model)->name, name, &same));
  if (same) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GNNModelDestroy(model));
  PetscCall(GNNModelLoad(comm, name, model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNNetworkModel(MPI_Comm comm, GNNModel given, PetscInt bs, PetscInt n, const PetscInt ia[], const PetscInt ja[], GNNModel *model, char reason[], size_t size)
{
  const PetscInt b    = given ? given->config.block_size : bs;
  const char    *name = NULL;
  PetscBool      full = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCheck(bs % b == 0, comm, PETSC_ERR_ARG_INCOMP, "Model %s has block size %" PetscInt_FMT ", the matrix has block size %" PetscInt_FMT ": call MatSetBlockSize(A, %" PetscInt_FMT ") before the matrix is set up (-matload_block_size %" PetscInt_FMT " where it is read from a file), or use a model of block size 1, such as general",
             given->name ? given->name : "(in memory)", b, bs, b, b);
  reason[0] = '\0';
  if (given == NULL) PetscCall(GNNBuiltinDefault(b, &name));
  if (given == NULL && name == NULL) PetscCall(PetscSNPrintf(reason, size, "there is no built-in model of the matrix's block size %" PetscInt_FMT, b));
  else if (b > 1) {
    PetscCall(BlocksFull_Private(comm, b, n, ia, ja, &full));
    if (!full) PetscCall(PetscSNPrintf(reason, size, "not all blocks of size %" PetscInt_FMT " of the matrix are full", b));
  }
  if (reason[0] != '\0') PetscCall(GNNBuiltinDefault(1, &name));
  if (name) PetscCall(UseBuiltin_Private(comm, name, model));
  else {
    PetscCall(GNNModelReference(given));
    PetscCall(GNNModelDestroy(model));
    *model = given;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Write_Network(GNNPlace at, const GNNSettings *settings, const GNNChoice *choice)
{
  const GNNConfig *config = &settings->model->config;

  PetscFunctionBegin;
  if (choice->kind == GNN_CHOICE_NETWORK) PetscCall(at->ops->forward(at, settings->model, choice->alpha, choice->damping));
  else if (choice->kind == GNN_CHOICE_START) PetscCall(at->ops->start(at, config, choice->damping, at->slots));
  PetscCall(PetscLogEventBegin(GNN_Assemble, 0, 0, 0, 0));
  if (choice->kind == GNN_CHOICE_JACOBI) PetscCall(at->ops->diagonal(at, config->pattern));
  else PetscCall(at->ops->fill(at, config->pattern));
  PetscCall(PetscLogEventEnd(GNN_Assemble, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_Network(const GNNSettings *settings, PETSC_UNUSED const char use[], PetscViewer viewer)
{
  PetscFunctionBegin;
  PetscCall(GNNModelView(settings->model, viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const GNNSource GNNSourceNetwork = {"network", Write_Network, View_Network};
