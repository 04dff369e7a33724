/*
   The PC type gnnspai: M^-1 = S (G G^T + eps I) S^T on each rank's diagonal block, G written by a graph neural network.

   PCSetUp: local matrix -> graph (gnn/graph.c) -> values of G by the network (gnn/forward.c) with its guard (gnn/guard.c), or by
   the classical factor's rows (gnn/fsai.c) -> factor (gnn/factor.c); matrix -> coarse space, if one is wanted (gnn/coarse/coarse.c);
   PCApply: two products with G, no triangular solve.
*/
#include <petsc/private/pcimpl.h> /*I "petscpc.h" I*/
#include "gnn/coarse/coarse.h"
#include "gnn/fsai.h"
#include "gnn/forward.h"
#include "gnn/matrix.h"
#include "gnn/zerorows.h"
#include "gnn/register.h"
#include "pcgnnspai.h" /*I "pcgnnspai.h" I*/

const char *const PCGNNSPAIPrecisions[]  = {"double", "single", "PCGNNSPAIPrecision", "PC_GNNSPAI_", NULL};
const char *const PCGNNSPAIValuesTypes[] = {"network", "fsai", "PCGNNSPAIValues", "PC_GNNSPAI_VALUES_", NULL};
const char *const PCGNNSPAIGuards[]      = {"none", "jacobi", "fsai", "best", "PCGNNSPAIGuard", "PC_GNNSPAI_GUARD_", NULL};
const char *const PCGNNSPAIChoices[]     = {"network", "start", "jacobi", "fsai", "PCGNNSPAIChoice", "PC_GNNSPAI_CHOICE_", NULL};

PetscLogEvent GNN_Graph, GNN_Forward, GNN_Assemble, GNN_Fsai, GNN_Coarse, GNN_Apply, GNN_CoarseApply;

const char *const GNNProcessorBuilt[] = {GNN_PROCESSOR_FEATURES(GNN_PROCESSOR_BUILT)};

static PetscBool  PCGNNSPAIPackageInitialized = PETSC_FALSE;
static PetscBool  cited                       = PETSC_FALSE;
static const char citation[]                  = "@inproceedings{gnnspai2025,\n"
                                                "  title     = {Learning Sparse Approximate Inverse Preconditioners for Conjugate Gradient Solvers on {GPUs}},\n"
                                                "  booktitle = {Advances in Neural Information Processing Systems},\n"
                                                "  year      = {2025},\n"
                                                "  note      = {arXiv:2510.27517}\n"
                                                "}\n";

#define WRONG_CALL ((PCFailedReason)1000) /* not the matrix's numbers or pattern, but how we were called: an error, on every rank */

/* The guard's choice for a pattern, kept over PCReset(); n < 0: none */
typedef struct {
  PetscInt           b, n, nz;
  unsigned long long hash; /* of the pattern */
  PetscReal          alpha, damping, loss;
} PCGNNSPAIVerdict;

typedef struct {
  PCGNNSPAIValues    values;
  PetscReal          threshold; /* of the classical factor */
  char              *model_name;
  PetscReal          epsilon; /* PETSC_DEFAULT: the model's; 0 of the classical factor */
  PCGNNSPAIGuard     guard;
  PCGNNSPAIPrecision precision;
  Vec                features;     /* user's node features, or NULL */
  PetscBool          automatic;    /* no model was asked for: the built-in one of the matrix's block size */
  GNNModel           given;        /* the model asked for: loaded at the first set-up, or given by PCGNNSPAISetNetwork(); else NULL */
  GNNModel           model;        /* the one in use, chosen for each new pattern */
  char               reason[128];  /* why it is one of block size 1, or empty */
  Mat                aij;          /* AIJ copy of the matrix where that is of another type, else NULL */
  char               failure[448]; /* why the last set-up failed, or empty; the same on every rank */
  PetscReal          asymmetry;    /* of the matrix, over all ranks' diagonal blocks */
  PetscBool          told;         /* -info has said that the matrix is not symmetric */
  PCGNNSPAIVerdict   verdict;
  GNNRows            rows; /* those that MatZeroRows() set, or NULL */
  GNNGraph           graph;
  GNNActs            acts;         /* NULL where the network runs on the device */
  GNNReal           *out;          /* (nz) the network's output */
  GNNFactor          factor;       /* with the set-up on the device, only what the guard chose; GNNFactorFetch() brings the rest */
  GNNDevice          device;       /* NULL where the product is the host's */
  PetscBool          device_setup; /* is G made on the device, too? If not, the host's is uploaded */
  PetscBool          tf32;         /* the network's products on the device */
  PetscBool          fetched;      /* the host has the factor that was made on the device */
  Mat                G;            /* the factor as a Mat, made on demand for PCGNNSPAIGetFactor() */
  PetscInt           aggregates;   /* wanted of the coarse space */
  GNNCoarse          coarse;       /* NULL where no coarse space is wanted */
} PC_GNNSPAI;

/* What PCGNNSPAISetUpPattern_Private() made */
static PetscErrorCode PCGNNSPAIDestroyPattern_Private(PC_GNNSPAI *gnn)
{
  PetscFunctionBegin;
  PetscCall(GNNFactorDestroy(&gnn->factor));
  PetscCall(GNNDeviceDestroy(&gnn->device));
  PetscCall(GNNActsDestroy(&gnn->acts));
  PetscCall(GNNGraphDestroy(&gnn->graph));
  PetscCall(PetscFree(gnn->out));
  gnn->device_setup = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* FNV-1a of the numbers of a pattern */
static unsigned long long PCGNNSPAIHashPattern_Private(GNNGraph g)
{
  unsigned long long hash = 14695981039346656037ULL;

  for (PetscInt k = 0; k <= g->n; k++) hash = (hash ^ (unsigned long long)g->i[k]) * 1099511628211ULL;
  for (PetscInt k = 0; k < g->nz; k++) hash = (hash ^ (unsigned long long)g->j[k]) * 1099511628211ULL;
  return hash;
}

/* What the guard chose for the pattern at hand, if it did */
static void PCGNNSPAIRemember_Private(PC_GNNSPAI *gnn)
{
  GNNGraph  g = gnn->graph;
  GNNFactor f = gnn->factor;

  if (f == NULL || f->loss < 0.0) return;
  gnn->verdict = (PCGNNSPAIVerdict){g->b, g->n, g->nz, PCGNNSPAIHashPattern_Private(g), f->alpha, f->damping, f->loss};
}

/* The same as if there had been no PCReset(), if the pattern is the one of before */
static PetscErrorCode PCGNNSPAIRecall_Private(PC_GNNSPAI *gnn)
{
  const PCGNNSPAIVerdict v = gnn->verdict;
  GNNGraph               g = gnn->graph;
  GNNFactor              f = gnn->factor;

  PetscFunctionBegin;
  gnn->verdict.n = -1;
  if (v.n != g->n || v.nz != g->nz || v.b != g->b || v.hash != PCGNNSPAIHashPattern_Private(g)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GNNGuardCreate(&f->guard, g, gnn->device_setup ? gnn->device : NULL));
  f->alpha   = v.alpha;
  f->damping = v.damping;
  f->loss    = v.loss;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A setting has changed: the next set-up starts anew */
static void PCGNNSPAIChanged_Private(PC pc)
{
  pc->setupcalled                     = PETSC_FALSE;
  ((PC_GNNSPAI *)pc->data)->verdict.n = -1;
}

static PetscErrorCode PCReset_GNNSPAI(PC pc)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  PCGNNSPAIRemember_Private(gnn);
  gnn->failure[0] = '\0';
  gnn->asymmetry  = 0.0;
  PetscCall(MatDestroy(&gnn->G));
  PetscCall(MatDestroy(&gnn->aij));
  PetscCall(GNNRowsDestroy(&gnn->rows));
  PetscCall(GNNCoarseDestroy(&gnn->coarse));
  PetscCall(PCGNNSPAIDestroyPattern_Private(gnn));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- matrix ---- */

/* Errors if the matrix is none that any preconditioner of this kind could use: on every rank */
static PetscErrorCode PCGNNSPAICheckMat_Private(PC pc)
{
  PetscInt  rows, cols;
  PetscInt  here[2];
  int       all;
  PetscBool good;

  PetscFunctionBegin;
  PetscCall(MatGetSize(pc->pmat, &rows, &cols));
  PetscCheck(rows == cols, PetscObjectComm((PetscObject)pc), PETSC_ERR_ARG_SIZ, "The matrix is %" PetscInt_FMT " x %" PetscInt_FMT ": gnnspai needs a square one", rows, cols);
  PetscCall(MatGetLocalSize(pc->pmat, &here[0], &here[1]));
  all = here[0] == here[1] ? 1 : 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, PetscObjectComm((PetscObject)pc)));
  PetscCheck(all, PetscObjectComm((PetscObject)pc), PETSC_ERR_ARG_SIZ, "The ranks have other columns than rows of the matrix: gnnspai needs the same layout of both");
  PetscCall(GNNMatHasEntries(pc->pmat, &good));
  PetscCheck(good, PetscObjectComm((PetscObject)pc), PETSC_ERR_SUP, "gnnspai reads the entries of the matrix, and a matrix of type %s has none to read: give an assembled matrix to make the preconditioner from, KSPSetOperators(ksp, A, P)",
             ((PetscObject)pc->pmat)->type_name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The matrix as AIJ; borrowed */
static Mat PCGNNSPAIGetMat_Private(PC pc)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  return gnn->aij ? gnn->aij : pc->pmat;
}

/* This rank's diagonal block as a SeqAIJ matrix; borrowed */
static PetscErrorCode PCGNNSPAIGetLocalMat_Private(PC pc, Mat *local)
{
  PetscFunctionBegin;
  PetscCall(MatGetDiagonalBlock(PCGNNSPAIGetMat_Private(pc), local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what fails ---- */

/* On this rank; PCGNNSPAIAgree_Private() tells the others */
static PetscErrorCode PCGNNSPAIFail_Private(PC pc, PCFailedReason reason, const char text[])
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  pc->failedreason = reason;
  PetscCall(PetscStrncpy(gnn->failure, text, sizeof(gnn->failure)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same for a matrix that the graph's status says cannot be used */
static PetscErrorCode PCGNNSPAIFailIf_Private(PC pc, GNNGraphStatus status)
{
  static const PCFailedReason reasons[] = {
    [GNN_GRAPH_NOT_FINITE] = PC_FACTOR_OTHER, [GNN_GRAPH_NO_DIAGONAL] = PC_FACTOR_STRUCT_ZEROPIVOT, [GNN_GRAPH_NOT_POSITIVE] = PC_FACTOR_NUMERIC_ZEROPIVOT, [GNN_GRAPH_BLOCK_NOT_POSITIVE] = PC_FACTOR_NUMERIC_ZEROPIVOT,
    [GNN_GRAPH_UNSORTED] = WRONG_CALL,
  };
  PetscInt first;
  char     text[400];

  PetscFunctionBegin;
  if (status == GNN_GRAPH_OK) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatGetOwnershipRange(pc->pmat, &first, NULL));
  PetscCall(GNNGraphExplain(((PC_GNNSPAI *)pc->data)->graph, status, first, text, sizeof(text)));
  PetscCall(PCGNNSPAIFail_Private(pc, reasons[status], text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same failed reason on every rank, since KSPSetUp() reads the local one only, and the text of the least rank that failed; -info shows it
   once. Collective: no rank may go on to the next collective work where another has failed */
static PetscErrorCode PCGNNSPAIAgree_Private(PC pc)
{
  PC_GNNSPAI *gnn  = (PC_GNNSPAI *)pc->data;
  MPI_Comm    comm = PetscObjectComm((PetscObject)pc);
  PetscMPIInt rank, size, least;
  PetscReal   worst[3];
  PetscBool   wrong;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  worst[0] = (PetscReal)pc->failedreason;
  worst[1] = pc->failedreason ? (PetscReal)(size - rank) : 0.0;
  worst[2] = gnn->asymmetry;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, worst, 3, MPIU_REAL, MPIU_MAX, comm));
  wrong            = worst[0] == (PetscReal)WRONG_CALL ? PETSC_TRUE : PETSC_FALSE;
  pc->failedreason = wrong ? PC_FACTOR_OTHER : (PCFailedReason)worst[0];
  gnn->asymmetry   = worst[2];
  if (pc->failedreason == PC_NOERROR) PetscFunctionReturn(PETSC_SUCCESS);
  least = size - (PetscMPIInt)worst[1];
  PetscCallMPI(MPI_Bcast(gnn->failure, (PetscMPIInt)sizeof(gnn->failure), MPI_CHAR, least, comm));
  if (size > 1) {
    char text[sizeof(gnn->failure)];

    PetscCall(PetscStrncpy(text, gnn->failure, sizeof(text)));
    PetscCall(PetscSNPrintf(gnn->failure, sizeof(gnn->failure), "Rank %d: %s", least, text));
  }
  PetscCheck(!wrong, comm, PETSC_ERR_ARG_WRONGSTATE, "%s", gnn->failure);
  PetscCheck(!pc->erroriffailure, comm, PETSC_ERR_NOT_CONVERGED, "%s", gnn->failure);
  PetscCall(PetscInfo(pc, "%s\n", gnn->failure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the diagonal blocks only; 0 where what there is may be rounding */
static PetscReal PCGNNSPAIAsymmetry_Private(PC_GNNSPAI *gnn)
{
  return gnn->asymmetry > PETSC_SQRT_MACHINE_EPSILON ? gnn->asymmetry : 0.0;
}

#define UNSYMMETRIC "the matrix is not symmetric (relative difference %.2g): CG may not converge; use GMRES, BiCGStab or the like, or where rows were set by MatZeroRows(), MatZeroRowsColumns()"

static PetscErrorCode PCGNNSPAITellAsymmetry_Private(PC pc)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  if (gnn->told || PCGNNSPAIAsymmetry_Private(gnn) == 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscInfo(pc, UNSYMMETRIC "\n", (double)gnn->asymmetry));
  gnn->told = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- set-up ---- */

/* Are the b x b blocks full on every rank? */
static PetscErrorCode PCGNNSPAIBlocksFull_Private(PC pc, PetscInt b, PetscInt n, const PetscInt ia[], const PetscInt ja[], PetscBool *full)
{
  int all;

  PetscFunctionBegin;
  PetscCall(GNNGraphBlocksFull(b, n, ia, ja, full));
  all = *full ? 1 : 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, PetscObjectComm((PetscObject)pc)));
  *full = all ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIUseGiven_Private(PC_GNNSPAI *gnn)
{
  PetscFunctionBegin;
  PetscCall(GNNModelDestroy(&gnn->model));
  if (gnn->given) PetscCall(GNNModelReference(gnn->given));
  gnn->model = gnn->given;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Not loaded again where it is in use */
static PetscErrorCode PCGNNSPAIUseBuiltin_Private(PC pc, const char name[])
{
  PC_GNNSPAI *gnn  = (PC_GNNSPAI *)pc->data;
  PetscBool   same = PETSC_FALSE;

  PetscFunctionBegin;
  if (gnn->model && gnn->model != gnn->given) PetscCall(PetscStrcmp(gnn->model->name, name, &same));
  if (same) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GNNModelDestroy(&gnn->model));
  PetscCall(GNNModelLoad(PetscObjectComm((PetscObject)pc), name, &gnn->model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The model for a pattern: the one asked for, or the built-in one of the matrix's block size; that of block size 1 where there is none or
   not all blocks are full */
static PetscErrorCode PCGNNSPAIChooseModel_Private(PC pc, PetscInt n, const PetscInt ia[], const PetscInt ja[])
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;
  PetscInt    bs, b;
  PetscBool   full = PETSC_TRUE;
  const char *name = NULL;

  PetscFunctionBegin;
  PetscCall(MatGetBlockSize(pc->pmat, &bs));
  b = gnn->given ? gnn->given->config.block_size : bs;
  PetscCheck(bs % b == 0, PetscObjectComm((PetscObject)pc), PETSC_ERR_ARG_INCOMP, "Model %s has block size %" PetscInt_FMT ", the matrix has block size %" PetscInt_FMT ": call MatSetBlockSize(A, %" PetscInt_FMT ") before the matrix is set up (-matload_block_size %" PetscInt_FMT " where it is read from a file), or use a model of block size 1, such as general",
             gnn->model_name, b, bs, b, b);
  gnn->reason[0] = '\0';
  if (gnn->given == NULL) PetscCall(GNNBuiltinDefault(b, &name));
  if (gnn->given == NULL && name == NULL) PetscCall(PetscSNPrintf(gnn->reason, sizeof(gnn->reason), "there is no built-in model of the matrix's block size %" PetscInt_FMT, b));
  else if (b > 1) {
    PetscCall(PCGNNSPAIBlocksFull_Private(pc, b, n, ia, ja, &full));
    if (!full) PetscCall(PetscSNPrintf(gnn->reason, sizeof(gnn->reason), "not all blocks of size %" PetscInt_FMT " of the matrix are full", b));
  }
  if (gnn->reason[0] != '\0') {
    PetscCall(PetscInfo(pc, "%s: model of block size 1\n", gnn->reason));
    PetscCall(GNNBuiltinDefault(1, &name));
  }
  if (name != NULL) PetscCall(PCGNNSPAIUseBuiltin_Private(pc, name));
  else PetscCall(PCGNNSPAIUseGiven_Private(gnn));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAICreateDevice_Private(PC_GNNSPAI *gnn, Mat local)
{
  const PetscBool network = gnn->values == PC_GNNSPAI_VALUES_NETWORK ? PETSC_TRUE : PETSC_FALSE;
  PetscBool       ondevice;

  PetscFunctionBegin;
  gnn->device_setup = PETSC_FALSE;
  PetscCall(GNNOpsOnDevice(local, &ondevice));
  if (!ondevice) PetscFunctionReturn(PETSC_SUCCESS);
  if (network) PetscCall(GNNDeviceSupports(gnn->model, &gnn->device_setup));
  else gnn->device_setup = sizeof(PetscScalar) == sizeof(double) ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(GNNOpsCreate(network && gnn->device_setup ? gnn->model : NULL, gnn->graph, gnn->precision == PC_GNNSPAI_SINGLE ? PETSC_TRUE : PETSC_FALSE, gnn->tf32, &gnn->device));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What depends on the nonzero pattern (and on the model's shape): once per pattern */
static PetscErrorCode PCGNNSPAISetUpPattern_Private(PC pc, Mat local)
{
  PC_GNNSPAI     *gnn = (PC_GNNSPAI *)pc->data;
  const PetscInt *ia, *ja;
  PetscInt        n;
  PetscBool       done;

  PetscFunctionBegin;
  PetscCall(PCGNNSPAIDestroyPattern_Private(gnn));
  PetscCall(MatGetRowIJ(local, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCheck(done, PETSC_COMM_SELF, PETSC_ERR_SUP, "MatGetRowIJ() failed for the local matrix");
  if (gnn->values == PC_GNNSPAI_VALUES_NETWORK) PetscCall(PCGNNSPAIChooseModel_Private(pc, n, ia, ja));
  PetscCall(GNNGraphCreate(gnn->values == PC_GNNSPAI_VALUES_NETWORK ? gnn->model->config.block_size : 1, n, ia, ja, &gnn->graph));
  PetscCall(MatRestoreRowIJ(local, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  if (gnn->graph->pattern != GNN_GRAPH_OK) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PCGNNSPAICreateDevice_Private(gnn, local));
  if (gnn->values == PC_GNNSPAI_VALUES_NETWORK && !gnn->device_setup) {
    PetscCall(GNNActsCreate(gnn->model, PETSC_FALSE, &gnn->acts));
    PetscCall(GNNActsSetSizes(gnn->model, gnn->graph->nodes, gnn->graph->slots, gnn->acts));
    PetscCall(PetscMalloc1(gnn->graph->nz, &gnn->out));
  }
  PetscCall(GNNFactorCreate(gnn->graph, gnn->precision == PC_GNNSPAI_SINGLE ? PETSC_TRUE : PETSC_FALSE, &gnn->factor));
  PetscCall(PCGNNSPAIRecall_Private(gnn));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAISetUpFeatures_Private(PC pc)
{
  PC_GNNSPAI        *gnn = (PC_GNNSPAI *)pc->data;
  const PetscScalar *array;
  PetscInt           size, nlocal;
  char               text[256];

  PetscFunctionBegin;
  if (gnn->features == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetBlockSize(gnn->features, &size));
  PetscCall(VecGetLocalSize(gnn->features, &nlocal));
  if (nlocal != size * gnn->graph->nodes) {
    PetscCall(PetscSNPrintf(text, sizeof(text), "The node features have local size %" PetscInt_FMT ", expected %" PetscInt_FMT " %s times block size %" PetscInt_FMT, nlocal, gnn->graph->nodes, gnn->graph->b > 1 ? "block rows" : "rows", size));
    PetscCall(PCGNNSPAIFail_Private(pc, WRONG_CALL, text));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecGetArrayRead(gnn->features, &array));
  PetscCall(GNNGraphSetUserFeatures(gnn->graph, size, array));
  PetscCall(VecRestoreArrayRead(gnn->features, &array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAISetUpValues_Private(PC pc, Mat local, GNNGraphStatus *status)
{
  PC_GNNSPAI        *gnn     = (PC_GNNSPAI *)pc->data;
  const PetscBool    network = gnn->values == PC_GNNSPAI_VALUES_NETWORK ? PETSC_TRUE : PETSC_FALSE;
  const PetscScalar *a;

  PetscFunctionBegin;
  PetscCall(MatSeqAIJGetArrayRead(local, &a));
  PetscCall(GNNGraphSetValues(gnn->graph, network ? gnn->model->config.scaling : GNN_SCALING_DIAGONAL, a, status));
  PetscCall(MatSeqAIJRestoreArrayRead(local, &a));
  if (network) PetscCall(PCGNNSPAISetUpFeatures_Private(pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The classical G is never singular and needs no shift. PETSC_DEFAULT where it is not known yet */
static PetscReal PCGNNSPAIEpsilon_Private(PC_GNNSPAI *gnn)
{
  if (gnn->epsilon != (PetscReal)PETSC_DEFAULT) return gnn->epsilon;
  if (gnn->values == PC_GNNSPAI_VALUES_FSAI) return 0.0;
  return gnn->model ? gnn->model->config.epsilon : gnn->epsilon;
}

/* Is the nonzero pattern new, or a setting that the pattern work depends on? */
static PetscBool PCGNNSPAIIsFresh_Private(PC pc)
{
  return ((PC_GNNSPAI *)pc->data)->graph == NULL || !pc->setupcalled || pc->flag != SAME_NONZERO_PATTERN ? PETSC_TRUE : PETSC_FALSE;
}

/* Graph; its pattern part only where the pattern is new */
static PetscErrorCode PCGNNSPAISetUpGraph_Private(PC pc, PetscBool fresh)
{
  PC_GNNSPAI    *gnn    = (PC_GNNSPAI *)pc->data;
  GNNGraphStatus status = GNN_GRAPH_OK;
  Mat            local  = NULL;

  PetscFunctionBegin;
  PetscCall(PCGNNSPAIGetLocalMat_Private(pc, &local));
  PetscCall(PetscLogEventBegin(GNN_Graph, pc, 0, 0, 0));
  if (fresh) PetscCall(PCGNNSPAISetUpPattern_Private(pc, local));
  if (!gnn->device_setup) {
    PetscCall(PCGNNSPAISetUpValues_Private(pc, local, &status));
    gnn->asymmetry = gnn->graph->asymmetry;
    PetscCall(PCGNNSPAIFailIf_Private(pc, status));
  } else if (gnn->values == PC_GNNSPAI_VALUES_NETWORK) PetscCall(PCGNNSPAISetUpFeatures_Private(pc));
  PetscCall(PetscLogEventEnd(GNN_Graph, pc, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIForward_Private(PC pc)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(GNN_Forward, pc, 0, 0, 0));
  PetscCall(GNNForward(gnn->model, gnn->graph, gnn->acts, gnn->out));
  PetscCall(PetscLogFlops(GNNForwardFlops(gnn->model, gnn->graph->nodes, gnn->graph->slots)));
  PetscCall(PetscLogEventEnd(GNN_Forward, pc, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the device reports of a set-up; what is wrong with A is told by the host */
static PetscErrorCode PCGNNSPAIReport_Private(PC pc, Mat local, const GNNKernelStatus *report, GNNGraphStatus *status)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  *status        = GNN_GRAPH_OK;
  gnn->asymmetry = GNNKernelAsymmetry(report);
  if (report->flags & GNN_KERNEL_WRONG) {
    PetscCall(PCGNNSPAISetUpValues_Private(pc, local, status));
    if (*status == GNN_GRAPH_OK) { /* by a rounding the host finds nothing */
      *status         = GNN_GRAPH_BLOCK_NOT_POSITIVE;
      gnn->graph->row = report->row;
    }
  }
  gnn->factor->replaced    = report->replaced;
  gnn->factor->rows_failed = report->failed;
  gnn->graph->ncoupled     = gnn->graph->n - report->decoupled;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the network's factor tried before it is used? */
static PetscBool PCGNNSPAIGuarded_Private(PC_GNNSPAI *gnn)
{
  return gnn->guard != PC_GNNSPAI_GUARD_NONE ? PETSC_TRUE : PETSC_FALSE;
}

/* The classical factor on the device, and its loss on the guard's probe if that is wanted */
static PetscErrorCode PCGNNSPAIRunDeviceFsai_Private(PC pc, Mat local, PetscBool probe, PetscReal *loss, GNNGraphStatus *status)
{
  PC_GNNSPAI      *gnn     = (PC_GNNSPAI *)pc->data;
  const GNNScaling scaling = gnn->values == PC_GNNSPAI_VALUES_NETWORK ? gnn->model->config.scaling : GNN_SCALING_DIAGONAL;
  GNNKernelStatus  report;

  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(GNN_Fsai, pc, 0, 0, 0));
  PetscCall(GNNOpsSetUpFsai(gnn->device, gnn->graph, local, gnn->threshold, scaling, PCGNNSPAIEpsilon_Private(gnn), probe, &report));
  PetscCall(PetscLogEventEnd(GNN_Fsai, pc, 0, 0, 0));
  PetscCall(PCGNNSPAIReport_Private(pc, local, &report, status));
  *loss = report.loss;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The device's values by the guard's choice, and their loss on its probe */
static PetscErrorCode PCGNNSPAIRunDevice_Private(PC pc, Mat local, PetscReal alpha, PetscReal damping, PetscReal *loss, GNNGraphStatus *status)
{
  PC_GNNSPAI     *gnn = (PC_GNNSPAI *)pc->data;
  GNNKernelStatus report;

  PetscFunctionBegin;
  if (alpha == GNN_GUARD_FSAI) {
    PetscCall(PCGNNSPAIRunDeviceFsai_Private(pc, local, PCGNNSPAIGuarded_Private(gnn), loss, status));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscLogEventBegin(GNN_Forward, pc, 0, 0, 0));
  PetscCall(GNNOpsSetUp(gnn->device, gnn->model, gnn->graph, local, PCGNNSPAIEpsilon_Private(gnn), alpha, damping, PCGNNSPAIGuarded_Private(gnn), &report));
  PetscCall(PetscLogEventEnd(GNN_Forward, pc, 0, 0, 0));
  PetscCall(PCGNNSPAIReport_Private(pc, local, &report, status));
  *loss = report.loss;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* GNNFactorFallback(); another factor than the one of f->alpha may be ready then, if that is not the classical one */
static PetscErrorCode PCGNNSPAIFallbackOnDevice_Private(PC pc, Mat local, PetscReal *loss, GNNGraphStatus *status)
{
  PC_GNNSPAI     *gnn   = (PC_GNNSPAI *)pc->data;
  GNNFactor       f     = gnn->factor;
  const PetscReal alpha = f->alpha;
  PetscBool       better;

  PetscFunctionBegin;
  PetscCall(PCGNNSPAIRunDevice_Private(pc, local, GNN_GUARD_FSAI, f->damping, loss, status));
  PetscCall(GNNGuardBetter(f->guard, f, PCGNNSPAIEpsilon_Private(gnn), &better));
  f->alpha = better ? GNN_GUARD_FSAI : alpha;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the classical factor to be tried, too? A network that is no better than the start, or of which only a share is taken, has
   to be as good as that factor */
static PetscBool PCGNNSPAIWantsFallback_Private(PC_GNNSPAI *gnn)
{
  GNNFactor f = gnn->factor;
  PetscBool refused;

  if (gnn->guard < PC_GNNSPAI_GUARD_FSAI || gnn->graph->ncoupled == 0) return PETSC_FALSE;
  refused = f->alpha <= 0.0 || GNNGuardIsNarrow(f->guard, f->alpha) ? PETSC_TRUE : PETSC_FALSE;
  return gnn->guard == PC_GNNSPAI_GUARD_BEST || refused ? PETSC_TRUE : PETSC_FALSE;
}

/* The classical factor where it is wanted, and better than the guard's choice; the last three only with the set-up on the device */
static PetscErrorCode PCGNNSPAIFallback_Private(PC pc, Mat local, PetscReal *loss, GNNGraphStatus *status)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  if (!PCGNNSPAIWantsFallback_Private(gnn)) PetscFunctionReturn(PETSC_SUCCESS);
  if (gnn->device_setup) PetscCall(PCGNNSPAIFallbackOnDevice_Private(pc, local, loss, status));
  else PetscCall(GNNFactorFallback(gnn->factor, gnn->model, gnn->graph, gnn->threshold, PCGNNSPAIEpsilon_Private(gnn)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *const choices[] = {"the network's factor", "the damped start", "Jacobi", "the classical factor"};

/* Which of them an alpha stands for */
static PCGNNSPAIChoice PCGNNSPAIChoice_Private(PetscReal alpha)
{
  return alpha > 0.0 ? PC_GNNSPAI_CHOICE_NETWORK : (PCGNNSPAIChoice)((int)-alpha + 1);
}

static PetscErrorCode PCGNNSPAIInfoGuard_Private(PC pc, PetscBool kept)
{
  PC_GNNSPAI *gnn       = (PC_GNNSPAI *)pc->data;
  GNNFactor   f         = gnn->factor;
  char        share[64] = "";

  PetscFunctionBegin;
  if (f->alpha > 0.0 && f->alpha < 1.0) PetscCall(PetscSNPrintf(share, sizeof(share), ", a share of %g beside the start", (double)f->alpha));
  if (f->alpha >= 0.0 && f->alpha < 1.0 && f->damping < 1.0) PetscCall(PetscStrlcat(share, ", damped", sizeof(share)));
  PetscCall(PetscInfo(pc, "guard: %s%s, %s, entries replaced %" PetscInt_FMT "\n", choices[PCGNNSPAIChoice_Private(f->alpha)], share, !PCGNNSPAIGuarded_Private(gnn) ? "not checked" : (kept ? "kept from an earlier set-up" : "newly chosen"), f->replaced));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The guard's choice, and what it chose made ready */
static PetscErrorCode PCGNNSPAIChooseOnDevice_Private(PC pc, Mat local, PetscReal *loss, GNNGraphStatus *status)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;
  GNNFactor   f   = gnn->factor;
  PetscBool   tried;

  PetscFunctionBegin;
  if (f->alpha != 1.0) PetscCall(PCGNNSPAIRunDevice_Private(pc, local, 1.0, 1.0, loss, status)); /* the network's values */
  PetscCall(PetscLogEventBegin(GNN_Assemble, pc, 0, 0, 0));
  PetscCall(GNNGuardChoose(&f->guard, &gnn->model->config, gnn->graph, gnn->device, GNNOpsSlots(gnn->device), PCGNNSPAIEpsilon_Private(gnn), &f->alpha, &f->damping));
  PetscCall(PetscLogEventEnd(GNN_Assemble, pc, 0, 0, 0));
  tried = PCGNNSPAIWantsFallback_Private(gnn);
  PetscCall(PCGNNSPAIFallback_Private(pc, local, loss, status));
  if (f->alpha != GNN_GUARD_FSAI && (f->alpha != 1.0 || tried)) PetscCall(PCGNNSPAIRunDevice_Private(pc, local, f->alpha, f->damping, loss, status));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* As PCGNNSPAISetUpNetwork_Private(), on the device */
static PetscErrorCode PCGNNSPAISetUpNetworkOnDevice_Private(PC pc, GNNGraphStatus *status)
{
  PC_GNNSPAI     *gnn   = (PC_GNNSPAI *)pc->data;
  GNNFactor       f     = gnn->factor;
  const PetscBool first = f->loss < 0.0 ? PETSC_TRUE : PETSC_FALSE;
  PetscReal       loss  = 0.0;
  PetscBool       kept  = PETSC_FALSE;
  Mat             local;

  PetscFunctionBegin;
  PetscCall(PCGNNSPAIGetLocalMat_Private(pc, &local));
  if (first) f->alpha = f->damping = 1.0;
  PetscCall(PCGNNSPAIRunDevice_Private(pc, local, f->alpha, f->damping, &loss, status));
  if (!PCGNNSPAIGuarded_Private(gnn) || *status != GNN_GRAPH_OK) PetscFunctionReturn(PETSC_SUCCESS);
  if (!first) PetscCall(GNNGuardMayKeep(f, loss, &kept));
  if (kept) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PCGNNSPAIChooseOnDevice_Private(pc, local, &loss, status));
  PetscCall(PCGNNSPAIInfoGuard_Private(pc, PETSC_FALSE));
  f->loss = loss;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Network's values and factor. What the guard chose last is kept, if it may be; the network is then run only if it has a share in it */
static PetscErrorCode PCGNNSPAISetUpNetwork_Private(PC pc)
{
  PC_GNNSPAI     *gnn  = (PC_GNNSPAI *)pc->data;
  GNNFactor       f    = gnn->factor;
  const PetscBool used = f->loss < 0.0 || f->alpha > 0.0 ? PETSC_TRUE : PETSC_FALSE;
  PetscBool       kept;

  PetscFunctionBegin;
  if (used) PetscCall(PCGNNSPAIForward_Private(pc));
  PetscCall(PetscLogEventBegin(GNN_Assemble, pc, 0, 0, 0));
  PetscCall(GNNFactorRefresh(f, gnn->model, gnn->graph, gnn->out, gnn->threshold, PCGNNSPAIEpsilon_Private(gnn), &kept));
  PetscCall(PetscLogEventEnd(GNN_Assemble, pc, 0, 0, 0));
  if (!kept && !used) PetscCall(PCGNNSPAIForward_Private(pc));
  PetscCall(PetscLogEventBegin(GNN_Assemble, pc, 0, 0, 0));
  if (!kept) {
    PetscCall(GNNFactorAssemble(f, gnn->model, gnn->graph, gnn->out, PCGNNSPAIEpsilon_Private(gnn), PCGNNSPAIGuarded_Private(gnn)));
    PetscCall(PCGNNSPAIFallback_Private(pc, NULL, NULL, NULL));
  }
  PetscCall(PetscLogEventEnd(GNN_Assemble, pc, 0, 0, 0));
  PetscCall(PCGNNSPAIInfoGuard_Private(pc, kept));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The classical factor */
static PetscErrorCode PCGNNSPAISetUpFsai_Private(PC pc, GNNGraphStatus *status)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;
  GNNFactor   f   = gnn->factor;
  PetscReal   unused;
  Mat         local;

  PetscFunctionBegin;
  if (gnn->device_setup) {
    PetscCall(PCGNNSPAIGetLocalMat_Private(pc, &local));
    PetscCall(PCGNNSPAIRunDeviceFsai_Private(pc, local, PETSC_FALSE, &unused, status));
    f->alpha = GNN_GUARD_FSAI;
  } else PetscCall(GNNFactorAssembleFsai(f, gnn->graph, gnn->threshold, PCGNNSPAIEpsilon_Private(gnn)));
  PetscCall(PetscInfo(pc, "fsai: %" PetscInt_FMT " entries in %" PetscInt_FMT " rows, %" PetscInt_FMT " rows are Jacobi's\n", gnn->device_setup ? GNNDeviceEntries(gnn->device) : f->i[f->n], f->n, f->rows_failed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIApplyFactor_Private(void *, Vec, Vec);

static PetscErrorCode PCGNNSPAISetUpCoarse_Private(PC pc, PetscBool fresh)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;
  Mat         A   = PCGNNSPAIGetMat_Private(pc);

  PetscFunctionBegin;
  if (fresh) PetscCall(GNNCoarseDestroy(&gnn->coarse));
  if (gnn->aggregates == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscLogEventBegin(GNN_Coarse, pc, 0, 0, 0));
  if (gnn->coarse == NULL) PetscCall(GNNCoarseCreate((PetscObject)pc, A, gnn->aggregates, &gnn->coarse));
  PetscCall(GNNCoarseSetUp(gnn->coarse, A));
  if (PCGNNSPAIGuarded_Private(gnn)) PetscCall(GNNCoarseJudge(gnn->coarse, PCGNNSPAIApplyFactor_Private, gnn));
  PetscCall(PetscLogEventEnd(GNN_Coarse, pc, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIViewFactorFromOptions_Private(PC pc)
{
  PetscBool view;
  Mat       G;

  PetscFunctionBegin;
  PetscCall(PetscOptionsHasName(((PetscObject)pc)->options, ((PetscObject)pc)->prefix, "-pc_gnnspai_view_factor", &view));
  if (!view) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PCGNNSPAIGetFactor(pc, &G));
  PetscCall(MatViewFromOptions(G, (PetscObject)pc, "-pc_gnnspai_view_factor"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The factor, where the graph has values or the device will give it some */
static PetscErrorCode PCGNNSPAISetUpFactor_Private(PC pc)
{
  PC_GNNSPAI    *gnn    = (PC_GNNSPAI *)pc->data;
  GNNGraphStatus status = GNN_GRAPH_OK;

  PetscFunctionBegin;
  if (gnn->values == PC_GNNSPAI_VALUES_FSAI) PetscCall(PCGNNSPAISetUpFsai_Private(pc, &status));
  else if (gnn->device_setup) PetscCall(PCGNNSPAISetUpNetworkOnDevice_Private(pc, &status));
  else PetscCall(PCGNNSPAISetUpNetwork_Private(pc));
  PetscCall(PCGNNSPAIFailIf_Private(pc, status));
  if (gnn->device && !gnn->device_setup && pc->failedreason == PC_NOERROR) PetscCall(GNNOpsUpload(gnn->device, gnn->factor));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A matrix that cannot be used is no error: pc->failedreason says so on every rank, and the solve ends with KSP_DIVERGED_PC_FAILED, as with a
   factorization of PETSc's. After an error, which every rank meets, the next call starts anew: setupcalled is set when this returns */
static PetscErrorCode PCSetUp_GNNSPAI(PC pc)
{
  PC_GNNSPAI *gnn   = (PC_GNNSPAI *)pc->data;
  PetscBool   fresh = PCGNNSPAIIsFresh_Private(pc), changed;

  PetscFunctionBegin;
  pc->setupcalled = PETSC_FALSE;
  PetscCall(PetscCitationsRegister(citation, &cited));
  pc->failedreason = PC_NOERROR;
  gnn->failure[0]  = '\0';
  gnn->asymmetry   = 0.0;
  gnn->fetched     = PETSC_FALSE;
  PetscCall(MatDestroy(&gnn->G));
  if (fresh) PetscCall(PCGNNSPAICheckMat_Private(pc));
  if (gnn->values == PC_GNNSPAI_VALUES_NETWORK && gnn->given == NULL && gnn->automatic == PETSC_FALSE) PetscCall(GNNModelLoad(PetscObjectComm((PetscObject)pc), gnn->model_name, &gnn->given));
  PetscCall(GNNMatConvert(pc->pmat, &gnn->aij, &changed));
  if (changed) fresh = PETSC_TRUE;
  if (fresh) gnn->told = PETSC_FALSE;
  PetscCall(PCGNNSPAISetUpGraph_Private(pc, fresh));
  PetscCall(PCGNNSPAIAgree_Private(pc));
  if (pc->failedreason == PC_NOERROR) {
    PetscCall(PCGNNSPAISetUpFactor_Private(pc));
    PetscCall(PCGNNSPAIAgree_Private(pc));
  }
  if (pc->failedreason != PC_NOERROR) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PCGNNSPAITellAsymmetry_Private(pc));
  PetscCall(GNNRowsDestroy(&gnn->rows));
  if (PCGNNSPAIAsymmetry_Private(gnn) > 0.0) PetscCall(GNNRowsCreate(PCGNNSPAIGetMat_Private(pc), &gnn->rows));
  PetscCall(PCGNNSPAISetUpCoarse_Private(pc, fresh));
  if (pc->failedreason == PC_NOERROR) PetscCall(PCGNNSPAIViewFactorFromOptions_Private(pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The local part; of the PC_GNNSPAI */
static PetscErrorCode PCGNNSPAIApplyFactor_Private(void *context, Vec r, Vec z)
{
  PC_GNNSPAI        *gnn = (PC_GNNSPAI *)context;
  GNNFactor          f   = gnn->factor;
  const PetscScalar *rarray;
  PetscScalar       *zarray;

  PetscFunctionBegin;
  if (gnn->device) {
    PetscCall(GNNOpsApply(gnn->device, r, z));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecGetArrayRead(r, &rarray));
  PetscCall(VecGetArrayWrite(z, &zarray));
  PetscCall(GNNFactorApply(f, rarray, zarray));
  PetscCall(VecRestoreArrayRead(r, &rarray));
  PetscCall(VecRestoreArrayWrite(z, &zarray));
  PetscCall(PetscLogFlops(4.0 * f->i[f->n] + 4.0 * f->b * f->n)); /* two triangular S and a full shift: 4 b^2 a node */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z = M^-1 r, symmetric: factor and coarse space */
static PetscErrorCode PCGNNSPAIApplySymmetric_Private(PC pc, Vec r, Vec z)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  PetscCall(PCGNNSPAIApplyFactor_Private(gnn, r, z));
  if (gnn->coarse == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscLogEventBegin(GNN_CoarseApply, pc, r, z, 0));
  PetscCall(GNNCoarseAdd(gnn->coarse, r, z));
  PetscCall(PetscLogEventEnd(GNN_CoarseApply, pc, r, z, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCApply_GNNSPAI(PC pc, Vec r, Vec z)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;
  Vec         t   = r;

  PetscFunctionBegin;
  if (pc->failedreason != PC_NOERROR) { /* KSP applies a failed preconditioner once, and looks for an infinity */
    PetscCall(VecSet(z, (PetscScalar)INFINITY));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscLogEventBegin(GNN_Apply, pc, r, z, 0));
  if (gnn->rows) PetscCall(GNNRowsBefore(gnn->rows, r, &t));
  PetscCall(PCGNNSPAIApplySymmetric_Private(pc, t, z));
  if (gnn->rows) PetscCall(GNNRowsAfter(gnn->rows, z));
  PetscCall(PetscLogEventEnd(GNN_Apply, pc, r, z, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCApplyTranspose_GNNSPAI(PC pc, Vec r, Vec z)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;
  Vec         t;

  PetscFunctionBegin;
  if (gnn->rows == NULL || pc->failedreason != PC_NOERROR) {
    PetscCall(PCApply_GNNSPAI(pc, r, z));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscLogEventBegin(GNN_Apply, pc, r, z, 0));
  PetscCall(GNNRowsTransposeBefore(gnn->rows, r, &t));
  PetscCall(PCGNNSPAIApplySymmetric_Private(pc, t, z));
  PetscCall(GNNRowsTransposeAfter(gnn->rows, r, z));
  PetscCall(PetscLogEventEnd(GNN_Apply, pc, r, z, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With the set-up on the device the host has not seen the factor yet */
static PetscErrorCode PCGNNSPAIFetchFactor_Private(PC pc)
{
  PC_GNNSPAI    *gnn = (PC_GNNSPAI *)pc->data;
  GNNGraphStatus status;
  Mat            local;

  PetscFunctionBegin;
  if (!gnn->device_setup || gnn->fetched) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PCGNNSPAIGetLocalMat_Private(pc, &local));
  PetscCall(PCGNNSPAISetUpValues_Private(pc, local, &status));
  PetscCall(GNNFactorFetch(gnn->factor, gnn->model, gnn->graph, gnn->device, PCGNNSPAIEpsilon_Private(gnn)));
  gnn->fetched = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* M^-1 = (S G)(S G)^T: y = (S G)^T x, the left half, or y = S G x; by the host's factor */
static PetscErrorCode PCGNNSPAIApplyHalf_Private(PC pc, PetscBool left, Vec x, Vec y)
{
  PC_GNNSPAI        *gnn = (PC_GNNSPAI *)pc->data;
  const PetscScalar *xarray;
  PetscScalar       *yarray;

  PetscFunctionBegin;
  PetscCheck(PCGNNSPAIEpsilon_Private(gnn) == 0.0 && gnn->rows == NULL && (gnn->coarse == NULL || gnn->coarse->size == 0), PetscObjectComm((PetscObject)pc), PETSC_ERR_SUP, "gnnspai has two halves only where M^-1 is a product, of a symmetric matrix without shift and coarse space: -pc_gnnspai_values fsai -pc_gnnspai_coarse 0 makes it one, and -ksp_type cg needs no halves");
  if (pc->failedreason != PC_NOERROR) {
    PetscCall(VecSet(y, (PetscScalar)INFINITY));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PCGNNSPAIFetchFactor_Private(pc));
  PetscCall(VecGetArrayRead(x, &xarray));
  PetscCall(VecGetArrayWrite(y, &yarray));
  PetscCall(GNNFactorApplyHalf(gnn->factor, left, xarray, yarray));
  PetscCall(VecRestoreArrayRead(x, &xarray));
  PetscCall(VecRestoreArrayWrite(y, &yarray));
  PetscCall(PetscLogFlops(2.0 * gnn->factor->i[gnn->factor->n] + 2.0 * gnn->factor->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCApplySymmetricLeft_GNNSPAI(PC pc, Vec x, Vec y)
{
  PetscFunctionBegin;
  PetscCall(PCGNNSPAIApplyHalf_Private(pc, PETSC_TRUE, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCApplySymmetricRight_GNNSPAI(PC pc, Vec x, Vec y)
{
  PetscFunctionBegin;
  PetscCall(PCGNNSPAIApplyHalf_Private(pc, PETSC_FALSE, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Options that there were, and what to use instead */
static const struct {
  const char *option, *instead;
} gone[] = {
  {"-pc_gnnspai_fallback", "-pc_gnnspai_guard <none,jacobi,fsai,best> says what to go on with where the network's factor is refused"},
  {"-pc_gnnspai_stages", "a row of the classical factor grows twice; by how much says -pc_gnnspai_threshold"},
  {"-pc_gnnspai_order", "the classical factor takes the rows as they are numbered; to take them otherwise, permute the matrix: MatGetOrdering(), MatPermute()"},
  {"-pc_gnnspai_coarse_type", "the coarse space is added to the factor; -pc_type composite -pc_composite_type symmetric_multiplicative -pc_composite_pcs gamg,gnnspai multiplies, and so does -pc_type gamg -mg_levels_pc_type gnnspai"},
  {"-pc_gnnspai_coarse_smooth", "the prolongator of the coarse space is always smoothed; without -pc_gnnspai_coarse there is none"},
  {"-pc_gnnspai_math", "the network's products are in TF32 on a device, and in single precision on the host, where a matrix of type aij is"},
};

/* An error where the options still have one of them, or a guard from when it was a boolean: without a value it would be taken for the first, none */
static PetscErrorCode PCGNNSPAICheckGone_Private(PC pc)
{
  const char *prefix = ((PetscObject)pc)->prefix ? ((PetscObject)pc)->prefix : "";
  char        guard[64];
  PetscEnum   unused;
  PetscBool   set, known;

  PetscFunctionBegin;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(gone); k++) {
    PetscCall(PetscOptionsHasName(((PetscObject)pc)->options, ((PetscObject)pc)->prefix, gone[k].option, &set));
    PetscCheck(!set, PetscObjectComm((PetscObject)pc), PETSC_ERR_USER, "There is no option -%s%s any more: %s", prefix, gone[k].option + 1, gone[k].instead);
  }
  PetscCall(PetscOptionsGetString(((PetscObject)pc)->options, ((PetscObject)pc)->prefix, "-pc_gnnspai_guard", guard, sizeof(guard), &set));
  if (!set) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscEnumFind(PCGNNSPAIGuards, guard, &unused, &known));
  PetscCheck(known && guard[0] != '\0', PetscObjectComm((PetscObject)pc), PETSC_ERR_USER, "-%spc_gnnspai_guard '%s' must be one of none, jacobi, fsai (the default), best; false is none now", prefix, guard);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCSetFromOptions_GNNSPAI(PC pc, GNNOptionItems PetscOptionsObject)
{
  PC_GNNSPAI          *gnn       = (PC_GNNSPAI *)pc->data;
  PCGNNSPAIValues      values    = gnn->values;
  PCGNNSPAIGuard       guard     = gnn->guard;
  PCGNNSPAIPrecision   precision = gnn->precision;
  PetscInt             coarse    = gnn->aggregates;
  PetscReal            epsilon = gnn->epsilon, threshold = gnn->threshold;
  PetscBool            set;
  char                 model[PETSC_MAX_PATH_LEN], help[256], text[64] = "the model's, 0 with fsai";
  const char          *names;
  const unsigned char *bytes;
  size_t               length;

  PetscFunctionBegin;
  PetscCall(PCGNNSPAICheckGone_Private(pc));
  PetscCall(GNNBuiltinGet("", &bytes, &length, &names));
  PetscCall(PetscSNPrintf(help, sizeof(help), "Model file (safetensors), or a built-in model: %s", names));
  if (epsilon != (PetscReal)PETSC_DEFAULT) PetscCall(PetscSNPrintf(text, sizeof(text), "%g", (double)epsilon));
  PetscOptionsHeadBegin(PetscOptionsObject, "GNNSPAI options");
  PetscCall(PetscOptionsEnum("-pc_gnnspai_values", "What writes G", "PCGNNSPAISetValues", PCGNNSPAIValuesTypes, (PetscEnum)values, (PetscEnum *)&values, &set));
  if (set) PetscCall(PCGNNSPAISetValues(pc, values));
  PetscCall(PetscOptionsReal("-pc_gnnspai_threshold", "Classical factor: rows grow by entries above it; 0: on the lower triangle of A", "PCGNNSPAISetThreshold", threshold, &threshold, &set));
  if (set) PetscCall(PCGNNSPAISetThreshold(pc, threshold));
  PetscCall(PetscOptionsString("-pc_gnnspai_model", help, "PCGNNSPAISetModel", gnn->model_name, model, sizeof(model), &set));
  if (set) PetscCall(PCGNNSPAISetModel(pc, model));
  PetscCall(PetscOptionsString("-pc_gnnspai_epsilon", "Shift of G G^T, > 0", "PCGNNSPAISetEpsilon", text, text, sizeof(text), &set)); /* a string, so that the default is in words */
  if (set && text[0] != '\0') {
    PetscCall(PetscOptionsStringToReal(text, &epsilon));
    PetscCall(PCGNNSPAISetEpsilon(pc, epsilon));
  }
  PetscCall(PetscOptionsEnum("-pc_gnnspai_guard", "What to go on with where the network's factor fails a trial; best: the classical factor wherever it is better", "PCGNNSPAISetGuard", PCGNNSPAIGuards, (PetscEnum)guard, (PetscEnum *)&guard, &set));
  if (set) PetscCall(PCGNNSPAISetGuard(pc, guard));
  PetscCall(PetscOptionsEnum("-pc_gnnspai_precision", "Storage of G for PCApply()", "PCGNNSPAISetPrecision", PCGNNSPAIPrecisions, (PetscEnum)precision, (PetscEnum *)&precision, &set));
  if (set) PetscCall(PCGNNSPAISetPrecision(pc, precision));
  PetscCall(PetscOptionsInt("-pc_gnnspai_coarse", "Aggregates of the coarse space over all ranks; 0: no coarse space, -1: a number by the size", "PCGNNSPAISetCoarse", coarse, &coarse, &set));
  if (set) PetscCall(PCGNNSPAISetCoarse(pc, coarse));
  PetscCall(PetscOptionsViewer("-pc_gnnspai_view_factor", "View G at every set-up", "PCGNNSPAIGetFactor", NULL, NULL, NULL));
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How the classical factor is made, and what it is used for */
static PetscErrorCode PCGNNSPAIViewFsai_Private(PC_GNNSPAI *gnn, const char use[], PetscViewer viewer)
{
  PetscFunctionBegin;
  if (gnn->threshold == 0.0) PetscCall(PetscViewerASCIIPrintf(viewer, "%s: fsai on the lower triangle of A\n", use));
  else PetscCall(PetscViewerASCIIPrintf(viewer, "%s: fsai, grown by a threshold of %g\n", use, (double)gnn->threshold));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the guard chose on the ranks that had something to choose: how many there are of each, where they differ */
static PetscErrorCode PCGNNSPAIViewGuard_Private(PC pc, PetscViewer viewer)
{
  PC_GNNSPAI     *gnn      = (PC_GNNSPAI *)pc->data;
  const PetscReal alpha    = gnn->factor->alpha;
  const PetscBool blocks   = gnn->graph->b > 1 && gnn->model->config.scaling == GNN_SCALING_DIAGONAL ? PETSC_TRUE : PETSC_FALSE;
  PetscReal       count[4] = {0.0}, least[2] = {PETSC_MAX_REAL, PETSC_MAX_REAL}; /* least of alpha and of -alpha */
  char            text[256] = "guard: ", part[64];

  PetscFunctionBegin;
  if (gnn->graph->ncoupled > 0) {
    count[PCGNNSPAIChoice_Private(alpha)] = 1.0;
    least[0]                              = PetscMax(alpha, 0.0);
    least[1]                              = -least[0];
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, count, 4, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)pc)));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, least, 2, MPIU_REAL, MPIU_MIN, PetscObjectComm((PetscObject)pc)));
  for (PetscInt k = 0; k < 4; k++) {
    if (count[k] == 0.0) continue;
    PetscCall(PetscSNPrintf(part, sizeof(part), count[k] == count[0] + count[1] + count[2] + count[3] ? "%s, " : "%s on %.0f ranks, ", k == 2 && blocks ? "point-block Jacobi" : choices[k], (double)count[k]));
    PetscCall(PetscStrlcat(text, part, sizeof(text)));
  }
  if (least[0] == PETSC_MAX_REAL) PetscCall(PetscSNPrintf(part, sizeof(part), "nothing to choose"));
  else if (least[0] == -least[1]) PetscCall(PetscSNPrintf(part, sizeof(part), "alpha = %g", (double)least[0]));
  else PetscCall(PetscSNPrintf(part, sizeof(part), "alpha from %g to %g", (double)least[0], (double)-least[1]));
  PetscCall(PetscViewerASCIIPrintf(viewer, "%s%s\n", text, part));
  if (count[3] > 0.0) PetscCall(PCGNNSPAIViewFsai_Private(gnn, "fallback", viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sums over the ranks: stored entries of G and A, replaced entries, decoupled rows, rows that are Jacobi's; the guard's choice */
static PetscErrorCode PCGNNSPAIViewFactor_Private(PC pc, PetscViewer viewer)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;
  PetscReal   local[5], sum[5];

  PetscFunctionBegin;
  local[0] = gnn->device ? GNNDeviceEntries(gnn->device) : gnn->factor->i[gnn->factor->n];
  local[1] = gnn->graph->nz;
  local[2] = gnn->factor->replaced;
  local[3] = gnn->graph->n - gnn->graph->ncoupled;
  local[4] = gnn->factor->rows_failed;
  PetscCallMPI(MPI_Allreduce(local, sum, 5, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)pc)));
  PetscCall(PetscViewerASCIIPrintf(viewer, "nnz(G)/nnz(A) = %.3g (diagonal blocks), decoupled rows %.0f, entries replaced %.0f\n", (double)(sum[0] / PetscMax(sum[1], 1.0)), (double)sum[3], (double)sum[2]));
  if (sum[4] > 0.0) PetscCall(PetscViewerASCIIPrintf(viewer, "fsai: %.0f rows are Jacobi's, the matrix is not positive definite there\n", (double)sum[4]));
  if (gnn->values == PC_GNNSPAI_VALUES_FSAI) PetscFunctionReturn(PETSC_SUCCESS);
  if (!PCGNNSPAIGuarded_Private(gnn)) PetscCall(PetscViewerASCIIPrintf(viewer, "guard: off\n"));
  else PetscCall(PCGNNSPAIViewGuard_Private(pc, viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCView_GNNSPAI(PC pc, PetscViewer viewer)
{
  PC_GNNSPAI *gnn   = (PC_GNNSPAI *)pc->data;
  const char *where = gnn->device_setup ? "device" : "host";
  PetscBool   isascii;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &isascii));
  if (!isascii) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerASCIIPushTab(viewer));
  if (gnn->device_setup && gnn->values == PC_GNNSPAI_VALUES_NETWORK) where = gnn->tf32 ? "device in tf32" : "device in fp32";
  if (gnn->values == PC_GNNSPAI_VALUES_FSAI) PetscCall(PCGNNSPAIViewFsai_Private(gnn, "values", viewer));
  else if (gnn->model) {
    PetscCall(GNNModelView(gnn->model, viewer));
    if (gnn->reason[0] != '\0') PetscCall(PetscViewerASCIIPrintf(viewer, "a model of block size 1, because %s\n", gnn->reason));
  } else PetscCall(PetscViewerASCIIPrintf(viewer, "model: %s, not loaded yet\n", gnn->model_name));
  if (gnn->values == PC_GNNSPAI_VALUES_FSAI || gnn->model) {
    PetscCall(PetscViewerASCIIPrintf(viewer, "epsilon = %g, G stored in %s precision, set-up on the %s, product on the %s\n", (double)PCGNNSPAIEpsilon_Private(gnn), PCGNNSPAIPrecisions[gnn->precision], where, gnn->device ? "device" : "host"));
  }
  if (pc->setupcalled && gnn->factor && pc->failedreason == PC_NOERROR) PetscCall(PCGNNSPAIViewFactor_Private(pc, viewer));
  if (gnn->failure[0] != '\0') PetscCall(PetscViewerASCIIPrintf(viewer, "the set-up failed: %s\n", gnn->failure));
  else if (PCGNNSPAIAsymmetry_Private(gnn) > 0.0) PetscCall(PetscViewerASCIIPrintf(viewer, UNSYMMETRIC "\n", (double)gnn->asymmetry));
  if (pc->setupcalled && gnn->coarse && pc->failedreason == PC_NOERROR) PetscCall(GNNCoarseView(gnn->coarse, viewer));
  PetscCall(PetscViewerASCIIPopTab(viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The settings that are a number: name, type, member. A change makes the next set-up start anew */
#define SETTINGS(X) \
  X(Values, PCGNNSPAIValues, values) \
  X(Threshold, PetscReal, threshold) \
  X(Guard, PCGNNSPAIGuard, guard) \
  X(Coarse, PetscInt, aggregates) \
  X(Precision, PCGNNSPAIPrecision, precision) \
  X(TF32, PetscBool, tf32)

#define SETTING(Name, Type, member) \
  static PetscErrorCode PCGNNSPAISet##Name##_GNNSPAI(PC pc, Type value) \
  { \
    PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data; \
\
    PetscFunctionBegin; \
    if (value != gnn->member) PCGNNSPAIChanged_Private(pc); \
    gnn->member = value; \
    PetscFunctionReturn(PETSC_SUCCESS); \
  } \
\
  static PetscErrorCode PCGNNSPAIGet##Name##_GNNSPAI(PC pc, Type *value) \
  { \
    PetscFunctionBegin; \
    *value = ((PC_GNNSPAI *)pc->data)->member; \
    PetscFunctionReturn(PETSC_SUCCESS); \
  }

SETTINGS(SETTING)

static PetscErrorCode PCGNNSPAISetModel_GNNSPAI(PC pc, const char name[])
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;
  PetscBool   same;

  PetscFunctionBegin;
  PetscCall(PetscStrcmp(name, gnn->model_name, &same));
  if (same && !gnn->automatic) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(gnn->model_name));
  PetscCall(PetscStrallocpy(name, &gnn->model_name));
  PetscCall(GNNModelDestroy(&gnn->given));
  PetscCall(PCGNNSPAIUseGiven_Private(gnn));
  gnn->automatic = PETSC_FALSE;
  PCGNNSPAIChanged_Private(pc);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIGetModel_GNNSPAI(PC pc, const char *name[])
{
  PetscFunctionBegin;
  *name = ((PC_GNNSPAI *)pc->data)->model_name;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAISetNetwork_GNNSPAI(PC pc, GNNModel model)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  PetscCall(GNNModelReference(model));
  PetscCall(GNNModelDestroy(&gnn->given));
  gnn->given     = model;
  gnn->automatic = PETSC_FALSE;
  PetscCall(PCGNNSPAIUseGiven_Private(gnn));
  PetscCall(PetscFree(gnn->model_name));
  PetscCall(PetscStrallocpy("(in memory)", &gnn->model_name)); /* so that any PCGNNSPAISetModel() to come has an effect */
  PCGNNSPAIChanged_Private(pc);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAISetEpsilon_GNNSPAI(PC pc, PetscReal epsilon)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  PetscCheck(epsilon == (PetscReal)PETSC_DEFAULT || (epsilon > 0.0 && epsilon <= 1.0), PetscObjectComm((PetscObject)pc), PETSC_ERR_ARG_OUTOFRANGE, "-pc_gnnspai_epsilon %g must be in (0, 1]", (double)epsilon);
  if (epsilon != gnn->epsilon) PCGNNSPAIChanged_Private(pc);
  gnn->epsilon = epsilon;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIGetEpsilon_GNNSPAI(PC pc, PetscReal *epsilon)
{
  PetscFunctionBegin;
  *epsilon = PCGNNSPAIEpsilon_Private((PC_GNNSPAI *)pc->data);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIGetChoice_GNNSPAI(PC pc, PCGNNSPAIChoice *kind, PetscReal *alpha)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  PetscCheck(gnn->factor && pc->setupcalled && pc->failedreason == PC_NOERROR, PETSC_COMM_SELF, PETSC_ERR_ORDER, "Call PCSetUp() first%s%s", gnn->failure[0] ? "; the last one failed: " : "", gnn->failure);
  if (kind) *kind = PCGNNSPAIChoice_Private(gnn->factor->alpha);
  if (alpha) *alpha = PetscMax(gnn->factor->alpha, 0.0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAISetNodeFeatures_GNNSPAI(PC pc, Vec features)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  PetscCall(PetscObjectReference((PetscObject)features));
  PetscCall(VecDestroy(&gnn->features));
  gnn->features = features;
  PCGNNSPAIChanged_Private(pc);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIGetNodeFeatures_GNNSPAI(PC pc, Vec *features)
{
  PetscFunctionBegin;
  *features = ((PC_GNNSPAI *)pc->data)->features;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIGetFactor_GNNSPAI(PC pc, Mat *G)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;
  GNNFactor   f   = gnn->factor;

  PetscFunctionBegin;
  PetscCheck(f && pc->failedreason == PC_NOERROR, PETSC_COMM_SELF, PETSC_ERR_ORDER, "Call PCSetUp() first%s%s", gnn->failure[0] ? "; the last one failed: " : "", gnn->failure);
  if (gnn->G == NULL) {
    Mat Gt;

    PetscCall(PCGNNSPAIFetchFactor_Private(pc));
    PetscCall(MatCreateSeqAIJWithArrays(PETSC_COMM_SELF, f->n, f->n, f->i, f->j, f->v, &Gt));
    PetscCall(MatTranspose(Gt, MAT_INITIAL_MATRIX, &gnn->G));
    if (gnn->device) PetscCall(GNNOpsToDevice(&gnn->G));
    PetscCall(MatDestroy(&Gt));
  }
  *G = gnn->G;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The methods behind the setters and getters */
static const struct {
  const char *name;
  void (*method)(void);
} methods[] = {
#define METHODS(Name, Type, member) {"PCGNNSPAISet" #Name "_C", (void (*)(void))PCGNNSPAISet##Name##_GNNSPAI}, {"PCGNNSPAIGet" #Name "_C", (void (*)(void))PCGNNSPAIGet##Name##_GNNSPAI},
  SETTINGS(METHODS){"PCGNNSPAISetModel_C", (void (*)(void))PCGNNSPAISetModel_GNNSPAI},
  {"PCGNNSPAIGetModel_C", (void (*)(void))PCGNNSPAIGetModel_GNNSPAI},
  {"PCGNNSPAISetNetwork_C", (void (*)(void))PCGNNSPAISetNetwork_GNNSPAI},
  {"PCGNNSPAISetEpsilon_C", (void (*)(void))PCGNNSPAISetEpsilon_GNNSPAI},
  {"PCGNNSPAIGetEpsilon_C", (void (*)(void))PCGNNSPAIGetEpsilon_GNNSPAI},
  {"PCGNNSPAIGetChoice_C", (void (*)(void))PCGNNSPAIGetChoice_GNNSPAI},
  {"PCGNNSPAISetNodeFeatures_C", (void (*)(void))PCGNNSPAISetNodeFeatures_GNNSPAI},
  {"PCGNNSPAIGetNodeFeatures_C", (void (*)(void))PCGNNSPAIGetNodeFeatures_GNNSPAI},
  {"PCGNNSPAIGetFactor_C", (void (*)(void))PCGNNSPAIGetFactor_GNNSPAI},
};

static PetscErrorCode PCDestroy_GNNSPAI(PC pc)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  PetscCall(PCReset_GNNSPAI(pc));
  PetscCall(VecDestroy(&gnn->features));
  PetscCall(GNNModelDestroy(&gnn->given));
  PetscCall(GNNModelDestroy(&gnn->model));
  PetscCall(PetscFree(gnn->model_name));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(methods); k++) PetscCall(PetscObjectComposeFunction((PetscObject)pc, methods[k].name, NULL));
  PetscCall(PetscFree(pc->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*MC
     PCGNNSPAI - Learned sparse approximate inverse: $M^{-1} = S(GG^T + \epsilon I)S^T$ on each rank's diagonal block, where a graph
     neural network reads the matrix and writes the sparse factor G

   Options Database Keys:
+  -pc_gnnspai_values (network|fsai)         - what writes G: the network (default), or the rows of the classical factor, see `PCGNNSPAISetValues()`
.  -pc_gnnspai_model name                    - a safetensors file or a built-in model; by default the one for the matrix's block size, see
                                               `PCGNNSPAISetModel()`
.  -pc_gnnspai_epsilon epsilon               - $\epsilon > 0$, by which $M^{-1}$ is positive definite whatever the network says; by default the
                                               model's, see `PCGNNSPAISetEpsilon()`
.  -pc_gnnspai_threshold threshold           - classical factor: rows grow by entries above it (default 0.07); 0: on the lower triangle of A, see
                                               `PCGNNSPAISetThreshold()`
.  -pc_gnnspai_guard (none|jacobi|fsai|best) - try the network's factor on probes and in ten steps of CG, and go on with a share of it, a start near
                                               Jacobi or Jacobi where it is no good, by default (`fsai`) with the classical factor if that is better;
                                               `best`: with that wherever it is better; `none`: no trial, see `PCGNNSPAISetGuard()`
.  -pc_gnnspai_coarse n                      - coarse space of n aggregates over all ranks; 0: none (default); -1: $n^{2/3}/3$ for n rows, see
                                               `PCGNNSPAISetCoarse()`
.  -pc_gnnspai_precision (double|single)     - storage of G (default double); arithmetic and vectors stay double, see `PCGNNSPAISetPrecision()`
-  -pc_gnnspai_view_factor viewer            - view G at every set-up, see `PCGNNSPAIGetFactor()`

   Level: intermediate

   Notes:
   For symmetric positive definite matrices, real scalars. $M^{-1}$ is symmetric positive definite whatever the network says, so
   `KSPCG` may be used; the factor has the pattern of the matrix (or its lower triangle, if the model says so), and the number of
   iterations is between a third and a half of Jacobi's on discretised partial differential equations.

   The diagonal must be stored and positive; of an empty row it may be 0, and counts as 1, as with `PCJACOBI`. Unknowns with no coupling to others, as `MatZeroRowsColumns()` leaves them, are solved exactly.
   An entry (i, j) couples where (j, i) is stored, too, and is not 0, unless both are; where one is, as `MatZeroRows()` leaves it, it counts as 0 in
   the factor. Rows with nothing but their diagonal, whose columns are not empty, are solved for first: there $M^{-1}$ is not symmetric, but CG
   converges as if the columns had been eliminated, too, at one more product with the matrix a step. Where the matrix is not symmetric, `PCView()` and `-info` say so: `KSPCG` may not converge.

   A matrix that cannot be used (a diagonal entry that is missing or not positive, a NaN) is no error unless `KSPSetErrorIfNotConverged()` is set:
   `KSPSolve()` ends with `KSP_DIVERGED_PC_FAILED`, and `PCView()` and `-info` say why.

   `PCGNNSPAISetCoarse()` adds a coarse space of aggregates over all ranks, without which the number of iterations grows with the size of the matrix.

   New values in the same nonzero pattern cost no pattern work, and after `PCReset()` the guard's choice for the same pattern is tried first.
   `MATAIJ` matrices are used as they are, others are converted at every set-up; those without entries, as `MATSHELL`, are refused.

   `PCApplySymmetricLeft()` and `PCApplySymmetricRight()`, which `KSPQCG` calls, need a $M^{-1}$ that is a product: `-pc_gnnspai_values fsai`, no coarse space.

   A model of block size b > 1 treats the b unknowns of a node together; see `PCGNNSPAISetModel()`.

   With `MATSEQAIJCUSPARSE` (and `MATMPIAIJCUSPARSE`) set-up and product run on the device. The network's products are in TF32 there, weights and states
   rounded to 11 bits before they are multiplied: G then differs from the host's by about a thousandth.

   Developer Notes:
   arXiv 2510.27517. Registered at run time: `-dll_append libgnnspai.so`, or `PCGNNSPAIRegister()`.

.seealso: [](ch_ksp), `PCCreate()`, `PCSetType()`, `PCType`, `PC`, `PCSPAI`, `PCJACOBI`, `PCICC`, `PCGNNSPAIRegister()`, `PCGNNSPAISetValues()`,
          `PCGNNSPAISetModel()`, `PCGNNSPAISetEpsilon()`, `PCGNNSPAISetThreshold()`, `PCGNNSPAISetGuard()`, `PCGNNSPAISetCoarse()`, `PCGNNSPAISetPrecision()`,
          `PCGNNSPAISetNodeFeatures()`, `PCGNNSPAIGetChoice()`, `PCGNNSPAIGetFactor()`
M*/
static PetscErrorCode PCCreate_GNNSPAI(PC pc)
{
  PC_GNNSPAI *gnn;

  PetscFunctionBegin;
  PetscCall(PetscNew(&gnn));
  pc->data = (void *)gnn;
  PetscCall(PetscStrallocpy("general", &gnn->model_name));
  gnn->automatic               = PETSC_TRUE;
  gnn->threshold               = 0.07;
  gnn->epsilon                 = (PetscReal)PETSC_DEFAULT;
  gnn->guard                   = PC_GNNSPAI_GUARD_FSAI;
  gnn->verdict.n               = -1;
  gnn->tf32                    = PETSC_TRUE;
  gnn->precision               = PC_GNNSPAI_DOUBLE;
  pc->ops->apply               = PCApply_GNNSPAI;
  pc->ops->applytranspose      = PCApplyTranspose_GNNSPAI;
  pc->ops->applysymmetricleft  = PCApplySymmetricLeft_GNNSPAI;
  pc->ops->applysymmetricright = PCApplySymmetricRight_GNNSPAI;
  pc->ops->setup               = PCSetUp_GNNSPAI;
  pc->ops->reset               = PCReset_GNNSPAI;
  pc->ops->destroy             = PCDestroy_GNNSPAI;
  pc->ops->setfromoptions      = PCSetFromOptions_GNNSPAI;
  pc->ops->view                = PCView_GNNSPAI;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(methods); k++) PetscCall(PetscObjectComposeFunction((PetscObject)pc, methods[k].name, methods[k].method));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIFinalizePackage(void)
{
  PetscFunctionBegin;
  PCGNNSPAIPackageInitialized = PETSC_FALSE;
  cited                       = PETSC_FALSE;
  GNN_Graph = GNN_Forward = GNN_Assemble = GNN_Fsai = GNN_Coarse = GNN_Apply = GNN_CoarseApply = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PCGNNSPAIRegister(), once processor and PETSc are known to be the right ones */
PetscErrorCode PCGNNSPAIRegister_Private(void)
{
  PetscFunctionBegin;
  if (PCGNNSPAIPackageInitialized) PetscFunctionReturn(PETSC_SUCCESS);
  PCGNNSPAIPackageInitialized = PETSC_TRUE;
  PetscCall(PCInitializePackage());
  PetscCall(PCRegister(PCGNNSPAI, PCCreate_GNNSPAI));
  PetscCall(PetscLogEventRegister("GNNSPAIGraph", PC_CLASSID, &GNN_Graph));
  PetscCall(PetscLogEventRegister("GNNSPAIForward", PC_CLASSID, &GNN_Forward));
  PetscCall(PetscLogEventRegister("GNNSPAIAssemble", PC_CLASSID, &GNN_Assemble));
  PetscCall(PetscLogEventRegister("GNNSPAIFsai", PC_CLASSID, &GNN_Fsai));
  PetscCall(PetscLogEventRegister("GNNSPAICoarse", PC_CLASSID, &GNN_Coarse));
  PetscCall(PetscLogEventRegister("GNNSPAIApply", PC_CLASSID, &GNN_Apply));
  PetscCall(PetscLogEventRegister("GNNSPAICoarseApply", PC_CLASSID, &GNN_CoarseApply));
  PetscCall(PetscRegisterFinalize(PCGNNSPAIFinalizePackage));
  PetscFunctionReturn(PETSC_SUCCESS);
}
