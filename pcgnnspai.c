/*
   The PC type gnnspai: M^-1 = S (G G^T + eps I) S^T on each rank's diagonal block, G written by a graph neural network.

   PCSetUp: local matrix -> graph (gnn/gnngraph.c) -> network (gnn/gnnforward.c) -> G and guard (gnn/gnnfactor.c); matrix -> coarse
   space, if one is wanted (gnn/gnncoarse.c); PCApply: two products with G, no triangular solve.
*/
#include <petsc/private/pcimpl.h> /*I "petscpc.h" I*/
#include "gnn/gnncoarse.h"
#include "gnn/gnnfactor.h"
#include "gnn/gnnforward.h"
#include "pcgnnspai.h" /*I "pcgnnspai.h" I*/

const char *const PCGNNSPAIPrecisions[] = {"double", "single", "PCGNNSPAIPrecision", "PC_GNNSPAI_", NULL};
const char *const PCGNNSPAICoarseTypes[] = {"additive", "balanced", "PCGNNSPAICoarseType", "PC_GNNSPAI_COARSE_", NULL};

PetscLogEvent GNN_Graph, GNN_Forward, GNN_Assemble, GNN_Coarse, GNN_Apply;

static PetscBool  PCGNNSPAIPackageInitialized = PETSC_FALSE;
static PetscBool  cited                       = PETSC_FALSE;
static const char citation[]                  = "@inproceedings{gnnspai2025,\n"
                                                "  title     = {Learning Sparse Approximate Inverse Preconditioners for Conjugate Gradient Solvers on {GPUs}},\n"
                                                "  booktitle = {Advances in Neural Information Processing Systems},\n"
                                                "  year      = {2025},\n"
                                                "  note      = {arXiv:2510.27517}\n"
                                                "}\n";

typedef struct {
  char              *model_name;
  PetscReal          epsilon; /* PETSC_DEFAULT: the model's */
  PetscBool          guard;
  PCGNNSPAIPrecision precision;
  Vec                features; /* user's node features, or NULL */
  GNNModel           model;    /* loaded at the first set-up, or given by PCGNNSPAISetNetwork() */
  Mat                local;    /* AIJ copy of the local block where that is of another type, else NULL */
  GNNGraph           graph;
  GNNActs            acts;
  GNNReal           *out;    /* (nz) the network's output */
  GNNFactor          factor;
  GNNCoarseOptions   coarse_options;
  GNNCoarse          coarse; /* NULL where no coarse space is wanted */
  Mat                G;      /* the factor as a Mat, made on demand for PCGNNSPAIGetFactor() */
} PC_GNNSPAI;

/* What PCGNNSPAISetUpPattern_Private() made */
static PetscErrorCode PCGNNSPAIDestroyPattern_Private(PC_GNNSPAI *gnn)
{
  PetscFunctionBegin;
  PetscCall(GNNFactorDestroy(&gnn->factor));
  PetscCall(GNNActsDestroy(&gnn->acts));
  PetscCall(GNNGraphDestroy(&gnn->graph));
  PetscCall(PetscFree(gnn->out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCReset_GNNSPAI(PC pc)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  PetscCall(MatDestroy(&gnn->G));
  PetscCall(MatDestroy(&gnn->local));
  PetscCall(GNNCoarseDestroy(&gnn->coarse));
  PetscCall(PCGNNSPAIDestroyPattern_Private(gnn));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's diagonal block as a SeqAIJ matrix; borrowed */
static PetscErrorCode PCGNNSPAIGetLocalMat_Private(PC pc, Mat *local)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;
  PetscInt    rows, cols;
  PetscBool   isaij;
  Mat         block;

  PetscFunctionBegin;
  PetscCall(MatGetSize(pc->pmat, &rows, &cols));
  PetscCheck(rows == cols, PetscObjectComm((PetscObject)pc), PETSC_ERR_ARG_SIZ, "The matrix is %" PetscInt_FMT " x %" PetscInt_FMT ": gnnspai needs a square one", rows, cols);
  PetscCall(MatGetDiagonalBlock(pc->pmat, &block));
  PetscCall(PetscObjectBaseTypeCompare((PetscObject)block, MATSEQAIJ, &isaij));
  if (isaij) *local = block;
  else {
    PetscCall(MatConvert(block, MATSEQAIJ, gnn->local ? MAT_REUSE_MATRIX : MAT_INITIAL_MATRIX, &gnn->local));
    *local = gnn->local;
  }
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
  PetscCall(GNNGraphCreate(n, ia, ja, &gnn->graph));
  PetscCall(MatRestoreRowIJ(local, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCall(GNNActsCreate(gnn->model, PETSC_FALSE, &gnn->acts));
  PetscCall(GNNActsSetSizes(gnn->model, gnn->graph->n, gnn->graph->nz, gnn->acts));
  PetscCall(PetscMalloc1(gnn->graph->nz, &gnn->out));
  PetscCall(GNNFactorCreate(gnn->graph, gnn->precision == PC_GNNSPAI_SINGLE ? PETSC_TRUE : PETSC_FALSE, &gnn->factor));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAISetUpFeatures_Private(PC_GNNSPAI *gnn)
{
  const PetscScalar *array;
  PetscInt           size, nlocal;

  PetscFunctionBegin;
  if (gnn->features == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetBlockSize(gnn->features, &size));
  PetscCall(VecGetLocalSize(gnn->features, &nlocal));
  PetscCheck(nlocal == size * gnn->graph->n, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "The node features have local size %" PetscInt_FMT ", expected %" PetscInt_FMT " rows times block size %" PetscInt_FMT, nlocal, gnn->graph->n, size);
  PetscCall(VecGetArrayRead(gnn->features, &array));
  PetscCall(GNNGraphSetUserFeatures(gnn->graph, size, array));
  PetscCall(VecRestoreArrayRead(gnn->features, &array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAISetUpValues_Private(PC pc, Mat local, GNNGraphStatus *status)
{
  PC_GNNSPAI        *gnn = (PC_GNNSPAI *)pc->data;
  const PetscScalar *a;

  PetscFunctionBegin;
  PetscCall(MatSeqAIJGetArrayRead(local, &a));
  PetscCall(GNNGraphSetValues(gnn->graph, gnn->model->config.scaling, a, status));
  PetscCall(MatSeqAIJRestoreArrayRead(local, &a));
  PetscCall(PCGNNSPAISetUpFeatures_Private(gnn));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAILoadModel_Private(PC pc)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  if (gnn->model == NULL) PetscCall(GNNModelLoad(PetscObjectComm((PetscObject)pc), gnn->model_name, &gnn->model));
  PetscCheck(gnn->model->config.block_size == 1, PetscObjectComm((PetscObject)pc), PETSC_ERR_SUP, "Model %s has block size %" PetscInt_FMT ": only models of block size 1 can be used", gnn->model_name, gnn->model->config.block_size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscReal PCGNNSPAIEpsilon_Private(PC_GNNSPAI *gnn)
{
  return gnn->epsilon == (PetscReal)PETSC_DEFAULT ? gnn->model->config.epsilon : gnn->epsilon;
}

/* Is the nonzero pattern new, or a setting that the pattern work depends on? */
static PetscBool PCGNNSPAIIsFresh_Private(PC pc)
{
  return ((PC_GNNSPAI *)pc->data)->graph == NULL || !pc->setupcalled || pc->flag != SAME_NONZERO_PATTERN ? PETSC_TRUE : PETSC_FALSE;
}

/* Graph; its pattern part only where the pattern is new */
static PetscErrorCode PCGNNSPAISetUpGraph_Private(PC pc, PetscBool fresh, GNNGraphStatus *status)
{
  PC_GNNSPAI *gnn   = (PC_GNNSPAI *)pc->data;
  Mat         local = NULL;

  PetscFunctionBegin;
  if (fresh) PetscCall(MatDestroy(&gnn->local));
  PetscCall(PCGNNSPAIGetLocalMat_Private(pc, &local));
  PetscCall(PetscLogEventBegin(GNN_Graph, pc, 0, 0, 0));
  if (fresh) PetscCall(PCGNNSPAISetUpPattern_Private(pc, local));
  PetscCall(PCGNNSPAISetUpValues_Private(pc, local, status));
  PetscCall(PetscLogEventEnd(GNN_Graph, pc, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Network and factor */
static PetscErrorCode PCGNNSPAISetUpFactor_Private(PC pc)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(GNN_Forward, pc, 0, 0, 0));
  PetscCall(GNNForward(gnn->model, gnn->graph, gnn->acts, gnn->out));
  PetscCall(PetscLogFlops(GNNForwardFlops(gnn->model, gnn->graph->n, gnn->graph->nz)));
  PetscCall(PetscLogEventEnd(GNN_Forward, pc, 0, 0, 0));
  PetscCall(PetscLogEventBegin(GNN_Assemble, pc, 0, 0, 0));
  PetscCall(GNNFactorAssemble(gnn->factor, gnn->model, gnn->graph, gnn->out, PCGNNSPAIEpsilon_Private(gnn), gnn->guard));
  PetscCall(PetscLogEventEnd(GNN_Assemble, pc, 0, 0, 0));
  PetscCall(PetscInfo(pc, "guard: alpha %g, damping %g, entries replaced %" PetscInt_FMT "\n", (double)gnn->factor->alpha, (double)gnn->factor->damping, gnn->factor->replaced));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same failed reason on every rank: KSPSetUp() reads the local one only */
static PetscErrorCode PCGNNSPAIReduceFailedReason_Private(PC pc)
{
  int failed = (int)pc->failedreason;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, PetscObjectComm((PetscObject)pc)));
  pc->failedreason = (PCFailedReason)failed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAISetUpCoarse_Private(PC pc, PetscBool fresh)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  if (fresh) PetscCall(GNNCoarseDestroy(&gnn->coarse));
  if (gnn->coarse_options.wanted == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscLogEventBegin(GNN_Coarse, pc, 0, 0, 0));
  if (gnn->coarse == NULL) PetscCall(GNNCoarseCreate((PetscObject)pc, pc->pmat, &gnn->coarse_options, &gnn->coarse));
  PetscCall(GNNCoarseSetUp(gnn->coarse, pc->pmat, &pc->failedreason));
  PetscCall(PCGNNSPAIReduceFailedReason_Private(pc));
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

static PetscErrorCode PCSetUp_GNNSPAI(PC pc)
{
  PC_GNNSPAI     *gnn   = (PC_GNNSPAI *)pc->data;
  const PetscBool fresh = PCGNNSPAIIsFresh_Private(pc);
  GNNGraphStatus  status;

  PetscFunctionBegin;
  PetscCall(PetscCitationsRegister(citation, &cited));
  pc->failedreason = PC_NOERROR;
  PetscCall(MatDestroy(&gnn->G));
  PetscCall(PCGNNSPAILoadModel_Private(pc));
  PetscCall(PCGNNSPAISetUpGraph_Private(pc, fresh, &status));
  if (status == GNN_GRAPH_OK) PetscCall(PCGNNSPAISetUpFactor_Private(pc));
  else {
    pc->failedreason = PC_FACTOR_OTHER;
    PetscCall(PetscInfo(pc, "The matrix holds a NaN or an infinity\n"));
  }
  PetscCall(PCGNNSPAIReduceFailedReason_Private(pc));
  if (pc->failedreason == PC_NOERROR) PetscCall(PCGNNSPAISetUpCoarse_Private(pc, fresh));
  if (pc->failedreason == PC_NOERROR) PetscCall(PCGNNSPAIViewFactorFromOptions_Private(pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIApplyFactor_Private(PC_GNNSPAI *gnn, Vec r, Vec z)
{
  GNNFactor          f = gnn->factor;
  const PetscScalar *rarray;
  PetscScalar       *zarray;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(r, &rarray));
  PetscCall(VecGetArrayWrite(z, &zarray));
  PetscCall(GNNFactorApply(f, rarray, zarray));
  PetscCall(VecRestoreArrayRead(r, &rarray));
  PetscCall(VecRestoreArrayWrite(z, &zarray));
  PetscCall(PetscLogFlops(4.0 * f->i[f->n] + 4.0 * f->n));
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
  if (gnn->coarse) PetscCall(GNNCoarseBefore(gnn->coarse, r, &t));
  PetscCall(PCGNNSPAIApplyFactor_Private(gnn, t, z));
  if (gnn->coarse) PetscCall(GNNCoarseAfter(gnn->coarse, r, z));
  PetscCall(PetscLogEventEnd(GNN_Apply, pc, r, z, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCSetFromOptions_GNNSPAI(PC pc, GNNOptionItems PetscOptionsObject)
{
  PC_GNNSPAI         *gnn       = (PC_GNNSPAI *)pc->data;
  PCGNNSPAIPrecision  precision = gnn->precision;
  PCGNNSPAICoarseType type      = gnn->coarse_options.type;
  PetscInt            coarse    = gnn->coarse_options.wanted;
  PetscReal           epsilon   = gnn->epsilon;
  PetscBool           guard = gnn->guard, smooth = gnn->coarse_options.smooth, set;
  char                model[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  PetscOptionsHeadBegin(PetscOptionsObject, "GNNSPAI options");
  PetscCall(PetscOptionsString("-pc_gnnspai_model", "Model file (safetensors), or the name of a built-in model", "PCGNNSPAISetModel", gnn->model_name, model, sizeof(model), &set));
  if (set) PetscCall(PCGNNSPAISetModel(pc, model));
  PetscCall(PetscOptionsReal("-pc_gnnspai_epsilon", "Shift of G G^T, > 0; default: the model's", "PCGNNSPAISetEpsilon", epsilon, &epsilon, &set));
  if (set) PetscCall(PCGNNSPAISetEpsilon(pc, epsilon));
  PetscCall(PetscOptionsBool("-pc_gnnspai_guard", "Fall back towards Jacobi where the network's factor fails a probe", "PCGNNSPAISetGuard", guard, &guard, &set));
  if (set) PetscCall(PCGNNSPAISetGuard(pc, guard));
  PetscCall(PetscOptionsEnum("-pc_gnnspai_precision", "Storage of G for PCApply()", "PCGNNSPAISetPrecision", PCGNNSPAIPrecisions, (PetscEnum)precision, (PetscEnum *)&precision, &set));
  if (set) PetscCall(PCGNNSPAISetPrecision(pc, precision));
  PetscCall(PetscOptionsInt("-pc_gnnspai_coarse", "Aggregates of the coarse space over all ranks; 0: no coarse space, -1: a number by the size", "PCGNNSPAISetCoarse", coarse, &coarse, &set));
  if (set) PetscCall(PCGNNSPAISetCoarse(pc, coarse));
  PetscCall(PetscOptionsEnum("-pc_gnnspai_coarse_type", "How the coarse space is joined to the factor", "PCGNNSPAISetCoarseType", PCGNNSPAICoarseTypes, (PetscEnum)type, (PetscEnum *)&type, &set));
  if (set) PetscCall(PCGNNSPAISetCoarseType(pc, type));
  PetscCall(PetscOptionsBool("-pc_gnnspai_coarse_smooth", "Smooth the prolongator by one damped Jacobi step", "PCGNNSPAISetCoarseSmooth", smooth, &smooth, &set));
  if (set) PetscCall(PCGNNSPAISetCoarseSmooth(pc, smooth));
  PetscCall(PetscOptionsViewer("-pc_gnnspai_view_factor", "View G at every set-up", "PCGNNSPAIGetFactor", NULL, NULL, NULL));
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sums over the ranks: stored entries of G and A, replaced entries, decoupled rows; range of the guard's alpha */
static PetscErrorCode PCGNNSPAIViewFactor_Private(PC pc, PetscViewer viewer)
{
  PC_GNNSPAI *gnn     = (PC_GNNSPAI *)pc->data;
  PetscReal   mine[2] = {gnn->factor->alpha, -gnn->factor->alpha}, alpha[2], local[4], sum[4];

  PetscFunctionBegin;
  local[0] = gnn->factor->i[gnn->factor->n];
  local[1] = gnn->graph->nz;
  local[2] = gnn->factor->replaced;
  local[3] = gnn->graph->n - gnn->graph->ncoupled;
  if (gnn->graph->n == 0) mine[0] = mine[1] = PETSC_MAX_REAL; /* an empty rank chooses nothing */
  PetscCallMPI(MPI_Allreduce(local, sum, 4, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)pc)));
  PetscCallMPI(MPI_Allreduce(mine, alpha, 2, MPIU_REAL, MPIU_MIN, PetscObjectComm((PetscObject)pc)));
  PetscCall(PetscViewerASCIIPrintf(viewer, "nnz(G)/nnz(A) = %.3g (diagonal blocks), decoupled rows %.0f, entries replaced %.0f\n", (double)(sum[0] / PetscMax(sum[1], 1.0)), (double)sum[3], (double)sum[2]));
  if (!gnn->guard) PetscCall(PetscViewerASCIIPrintf(viewer, "guard: off\n"));
  else if (alpha[0] == GNN_GUARD_JACOBI && alpha[1] == -GNN_GUARD_JACOBI) PetscCall(PetscViewerASCIIPrintf(viewer, "guard: Jacobi on every rank, the network's factor failed the probe\n"));
  else if (alpha[0] == GNN_GUARD_JACOBI) PetscCall(PetscViewerASCIIPrintf(viewer, "guard: Jacobi on some ranks, alpha at most %g on the others\n", (double)-alpha[1]));
  else if (alpha[0] == -alpha[1]) PetscCall(PetscViewerASCIIPrintf(viewer, "guard: alpha = %g%s\n", (double)alpha[0], alpha[0] == 0.0 ? ", the damped start alone" : ""));
  else PetscCall(PetscViewerASCIIPrintf(viewer, "guard: alpha between %g and %g\n", (double)alpha[0], (double)-alpha[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCView_GNNSPAI(PC pc, PetscViewer viewer)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;
  PetscBool   isascii;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &isascii));
  if (!isascii) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerASCIIPushTab(viewer));
  if (gnn->model) {
    PetscCall(GNNModelView(gnn->model, viewer));
    PetscCall(PetscViewerASCIIPrintf(viewer, "epsilon = %g, G stored in %s precision, set-up on the host\n", (double)PCGNNSPAIEpsilon_Private(gnn), PCGNNSPAIPrecisions[gnn->precision]));
  } else PetscCall(PetscViewerASCIIPrintf(viewer, "model: %s, not loaded yet\n", gnn->model_name));
  if (pc->setupcalled && gnn->factor && pc->failedreason == PC_NOERROR) PetscCall(PCGNNSPAIViewFactor_Private(pc, viewer));
  if (pc->setupcalled && gnn->coarse) PetscCall(GNNCoarseView(gnn->coarse, viewer));
  PetscCall(PetscViewerASCIIPopTab(viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAISetModel - Sets the trained network that writes the factor

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc   - the preconditioner context
- name - a safetensors file, or the name of a built-in model (`general`, the default, `heat`, `poisson`, `synthetic`)

  Options Database Key:
. -pc_gnnspai_model name - the model

  Level: beginner

  Notes:
  The file is read by one rank at the next `PCSetUp()`, and broadcast. A file that cannot be read is an error that names the
  file, the tensor and what was expected.

  Models are trained by `gnnspai-train` from matrices dumped by an application with `-ksp_view_mat binary:A.dat`.

.seealso: `PCGNNSPAI`, `PCGNNSPAIGetModel()`, `PCGNNSPAISetNetwork()`
@*/
PetscErrorCode PCGNNSPAISetModel(PC pc, const char name[])
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(name, 2);
  PetscTryMethod(pc, "PCGNNSPAISetModel_C", (PC, const char[]), (pc, name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAISetModel_GNNSPAI(PC pc, const char name[])
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;
  PetscBool   same;

  PetscFunctionBegin;
  PetscCall(PetscStrcmp(name, gnn->model_name, &same));
  if (same) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(gnn->model_name));
  PetscCall(PetscStrallocpy(name, &gnn->model_name));
  PetscCall(GNNModelDestroy(&gnn->model));
  pc->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAIGetModel - Gets the name of the model

  Not Collective; No Fortran Support

  Input Parameter:
. pc - the preconditioner context

  Output Parameter:
. name - file or built-in name; borrowed

  Level: beginner

.seealso: `PCGNNSPAI`, `PCGNNSPAISetModel()`
@*/
PetscErrorCode PCGNNSPAIGetModel(PC pc, const char *name[])
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(name, 2);
  PetscUseMethod(pc, "PCGNNSPAIGetModel_C", (PC, const char *[]), (pc, name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIGetModel_GNNSPAI(PC pc, const char *name[])
{
  PetscFunctionBegin;
  *name = ((PC_GNNSPAI *)pc->data)->model_name;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAISetNetwork - Sets a network that is in memory, as the training driver does

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc    - the preconditioner context
- model - the network; a reference is taken

  Level: developer

  Note:
  Call it again after the parameters have changed, so that the next `PCSetUp()` does its work.

.seealso: `PCGNNSPAI`, `PCGNNSPAISetModel()`
@*/
PetscErrorCode PCGNNSPAISetNetwork(PC pc, GNNModel model)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(model, 2);
  PetscTryMethod(pc, "PCGNNSPAISetNetwork_C", (PC, GNNModel), (pc, model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAISetNetwork_GNNSPAI(PC pc, GNNModel model)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  PetscCall(GNNModelReference(model));
  PetscCall(GNNModelDestroy(&gnn->model));
  gnn->model = model;
  PetscCall(PetscFree(gnn->model_name));
  PetscCall(PetscStrallocpy("(in memory)", &gnn->model_name)); /* so that any PCGNNSPAISetModel() to come has an effect */
  pc->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAISetEpsilon - Sets the shift of $M^{-1} = S(GG^T + \epsilon I)S^T$, which keeps it positive definite whatever the network says

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc      - the preconditioner context
- epsilon - the shift, positive, or `PETSC_DEFAULT` for the model's

  Options Database Key:
. -pc_gnnspai_epsilon epsilon - the shift

  Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAIGetEpsilon()`
@*/
PetscErrorCode PCGNNSPAISetEpsilon(PC pc, PetscReal epsilon)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscValidLogicalCollectiveReal(pc, epsilon, 2);
  PetscTryMethod(pc, "PCGNNSPAISetEpsilon_C", (PC, PetscReal), (pc, epsilon));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAISetEpsilon_GNNSPAI(PC pc, PetscReal epsilon)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  PetscCheck(epsilon == (PetscReal)PETSC_DEFAULT || (epsilon > 0.0 && epsilon <= 1.0), PetscObjectComm((PetscObject)pc), PETSC_ERR_ARG_OUTOFRANGE, "-pc_gnnspai_epsilon %g must be in (0, 1]", (double)epsilon);
  if (epsilon != gnn->epsilon) pc->setupcalled = PETSC_FALSE;
  gnn->epsilon = epsilon;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAIGetEpsilon - Gets the shift

  Not Collective; No Fortran Support

  Input Parameter:
. pc - the preconditioner context

  Output Parameter:
. epsilon - the shift, `PETSC_DEFAULT` if it is the model's and no model is loaded yet

  Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetEpsilon()`
@*/
PetscErrorCode PCGNNSPAIGetEpsilon(PC pc, PetscReal *epsilon)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(epsilon, 2);
  PetscUseMethod(pc, "PCGNNSPAIGetEpsilon_C", (PC, PetscReal *), (pc, epsilon));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIGetEpsilon_GNNSPAI(PC pc, PetscReal *epsilon)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  *epsilon = gnn->model ? PCGNNSPAIEpsilon_Private(gnn) : gnn->epsilon;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAISetGuard - Sets whether the network's factor is checked, and weakened towards Jacobi where it fails

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc    - the preconditioner context
- guard - `PETSC_TRUE`, the default, to check

  Options Database Key:
. -pc_gnnspai_guard (true|false) - check

  Level: intermediate

  Note:
  With the guard, G is base + $\alpha$ (network - base) with that $\alpha$ in 1, 1/2, 1/4 which has the least loss
  $\|(\tilde A M^{-1} - I)w\|^2$ on four fixed probes w, or the base $\frac32 I - \frac t2 \tilde A$, t damping large eigenvalues, or Jacobi:
  whichever lowers the energy norm of the error most in ten steps of CG. The choice shows in `PCView()`.

.seealso: `PCGNNSPAI`, `PCGNNSPAIGetGuard()`, `PCGNNSPAIGetGuardAlpha()`
@*/
PetscErrorCode PCGNNSPAISetGuard(PC pc, PetscBool guard)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscValidLogicalCollectiveBool(pc, guard, 2);
  PetscTryMethod(pc, "PCGNNSPAISetGuard_C", (PC, PetscBool), (pc, guard));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAISetGuard_GNNSPAI(PC pc, PetscBool guard)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  if (guard != gnn->guard) pc->setupcalled = PETSC_FALSE;
  gnn->guard = guard;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAIGetGuard - Gets whether the network's factor is checked

  Not Collective; No Fortran Support

  Input Parameter:
. pc - the preconditioner context

  Output Parameter:
. guard - `PETSC_TRUE` if it is

  Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetGuard()`
@*/
PetscErrorCode PCGNNSPAIGetGuard(PC pc, PetscBool *guard)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(guard, 2);
  PetscUseMethod(pc, "PCGNNSPAIGetGuard_C", (PC, PetscBool *), (pc, guard));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIGetGuard_GNNSPAI(PC pc, PetscBool *guard)
{
  PetscFunctionBegin;
  *guard = ((PC_GNNSPAI *)pc->data)->guard;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAIGetGuardAlpha - Gets the share of the network's output that the guard let through on this rank

  Not Collective; No Fortran Support

  Input Parameter:
. pc - the preconditioner context, set up

  Output Parameter:
. alpha - 1, 1/2, 1/4, or 0 where the factor is the damped start, or -1 where it is Jacobi's

  Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetGuard()`
@*/
PetscErrorCode PCGNNSPAIGetGuardAlpha(PC pc, PetscReal *alpha)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(alpha, 2);
  PetscUseMethod(pc, "PCGNNSPAIGetGuardAlpha_C", (PC, PetscReal *), (pc, alpha));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIGetGuardAlpha_GNNSPAI(PC pc, PetscReal *alpha)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  PetscCheck(gnn->factor && pc->setupcalled, PetscObjectComm((PetscObject)pc), PETSC_ERR_ORDER, "Call PCSetUp() first");
  *alpha = gnn->factor->alpha;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAISetPrecision - Sets in which precision G is stored for `PCApply()`

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc        - the preconditioner context
- precision - `PC_GNNSPAI_DOUBLE` or `PC_GNNSPAI_SINGLE`

  Options Database Key:
. -pc_gnnspai_precision (double|single) - the precision

  Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAIGetPrecision()`
@*/
PetscErrorCode PCGNNSPAISetPrecision(PC pc, PCGNNSPAIPrecision precision)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscValidLogicalCollectiveEnum(pc, precision, 2);
  PetscTryMethod(pc, "PCGNNSPAISetPrecision_C", (PC, PCGNNSPAIPrecision), (pc, precision));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAISetPrecision_GNNSPAI(PC pc, PCGNNSPAIPrecision precision)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  if (precision != gnn->precision) pc->setupcalled = PETSC_FALSE;
  gnn->precision = precision;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAIGetPrecision - Gets in which precision G is stored

  Not Collective; No Fortran Support

  Input Parameter:
. pc - the preconditioner context

  Output Parameter:
. precision - the precision

  Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetPrecision()`
@*/
PetscErrorCode PCGNNSPAIGetPrecision(PC pc, PCGNNSPAIPrecision *precision)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(precision, 2);
  PetscUseMethod(pc, "PCGNNSPAIGetPrecision_C", (PC, PCGNNSPAIPrecision *), (pc, precision));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIGetPrecision_GNNSPAI(PC pc, PCGNNSPAIPrecision *precision)
{
  PetscFunctionBegin;
  *precision = ((PC_GNNSPAI *)pc->data)->precision;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAISetCoarse - Sets the number of aggregates of the coarse space

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc - the preconditioner context
- n  - aggregates wanted over all ranks; 0, the default, for no coarse space; `PETSC_DECIDE` for $n^{2/3}/3$ with n the coupled (block) rows

  Options Database Key:
. -pc_gnnspai_coarse n - the number

  Level: intermediate

  Notes:
  The coarse space Q = $P A_c^{-1} P^T$, $A_c = P^T A P$, reaches across the whole matrix in one step, as the factor does not: with it the number
  of iterations grows little with the size of the matrix. P has a column for each aggregate and each vector of the near-null space, which is the one given
  to `MatSetNearNullSpace()`, or else the constants, one per component of a block (`MatSetBlockSize()`).

  A `KSP` with prefix `pc_gnnspai_coarse_` solves with $A_c$: by default a Cholesky factorisation, dense on one rank up to 4096 rows, redundant on
  several ranks. `-pc_gnnspai_coarse_pc_type gamg` is another choice, and `mat`, on one rank, the explicit inverse. A Krylov method there makes the
  preconditioner vary: use `KSPFCG` outside.

.seealso: `PCGNNSPAI`, `PCGNNSPAIGetCoarse()`, `PCGNNSPAISetCoarseType()`, `PCGNNSPAISetCoarseSmooth()`, `MatSetNearNullSpace()`
@*/
PetscErrorCode PCGNNSPAISetCoarse(PC pc, PetscInt n)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscValidLogicalCollectiveInt(pc, n, 2);
  PetscTryMethod(pc, "PCGNNSPAISetCoarse_C", (PC, PetscInt), (pc, n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAISetCoarse_GNNSPAI(PC pc, PetscInt n)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  PetscCheck(n >= 0 || n == PETSC_DECIDE, PetscObjectComm((PetscObject)pc), PETSC_ERR_ARG_OUTOFRANGE, "-pc_gnnspai_coarse is %" PetscInt_FMT ": give a number of aggregates, 0 for no coarse space or -1 for one by the size", n);
  if (n != gnn->coarse_options.wanted) pc->setupcalled = PETSC_FALSE;
  gnn->coarse_options.wanted = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAIGetCoarse - Gets the number of aggregates that was asked for

  Not Collective; No Fortran Support

  Input Parameter:
. pc - the preconditioner context

  Output Parameter:
. n - the number, as given to `PCGNNSPAISetCoarse()`

  Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetCoarse()`
@*/
PetscErrorCode PCGNNSPAIGetCoarse(PC pc, PetscInt *n)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(n, 2);
  PetscUseMethod(pc, "PCGNNSPAIGetCoarse_C", (PC, PetscInt *), (pc, n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIGetCoarse_GNNSPAI(PC pc, PetscInt *n)
{
  PetscFunctionBegin;
  *n = ((PC_GNNSPAI *)pc->data)->coarse_options.wanted;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAISetCoarseType - Sets how the coarse space is joined to the factor

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc   - the preconditioner context
- type - `PC_GNNSPAI_COARSE_ADDITIVE` or `PC_GNNSPAI_COARSE_BALANCED`

  Options Database Key:
. -pc_gnnspai_coarse_type (additive|balanced) - the type

  Level: intermediate

  Note:
  Balanced needs fewer iterations, each with two more products with the matrix and one more coarse solve.

.seealso: `PCGNNSPAI`, `PCGNNSPAIGetCoarseType()`, `PCGNNSPAISetCoarse()`
@*/
PetscErrorCode PCGNNSPAISetCoarseType(PC pc, PCGNNSPAICoarseType type)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscValidLogicalCollectiveEnum(pc, type, 2);
  PetscTryMethod(pc, "PCGNNSPAISetCoarseType_C", (PC, PCGNNSPAICoarseType), (pc, type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAISetCoarseType_GNNSPAI(PC pc, PCGNNSPAICoarseType type)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  if (type != gnn->coarse_options.type) pc->setupcalled = PETSC_FALSE;
  gnn->coarse_options.type = type;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAIGetCoarseType - Gets how the coarse space is joined to the factor

  Not Collective; No Fortran Support

  Input Parameter:
. pc - the preconditioner context

  Output Parameter:
. type - the type

  Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetCoarseType()`
@*/
PetscErrorCode PCGNNSPAIGetCoarseType(PC pc, PCGNNSPAICoarseType *type)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(type, 2);
  PetscUseMethod(pc, "PCGNNSPAIGetCoarseType_C", (PC, PCGNNSPAICoarseType *), (pc, type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIGetCoarseType_GNNSPAI(PC pc, PCGNNSPAICoarseType *type)
{
  PetscFunctionBegin;
  *type = ((PC_GNNSPAI *)pc->data)->coarse_options.type;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAISetCoarseSmooth - Sets whether the prolongator of the coarse space is smoothed by one damped Jacobi step

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc     - the preconditioner context
- smooth - `PETSC_TRUE`, the default, to smooth it: $P = (I - \omega D^{-1}A)P_0$

  Options Database Key:
. -pc_gnnspai_coarse_smooth (true|false) - smooth it

  Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAIGetCoarseSmooth()`, `PCGNNSPAISetCoarse()`
@*/
PetscErrorCode PCGNNSPAISetCoarseSmooth(PC pc, PetscBool smooth)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscValidLogicalCollectiveBool(pc, smooth, 2);
  PetscTryMethod(pc, "PCGNNSPAISetCoarseSmooth_C", (PC, PetscBool), (pc, smooth));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAISetCoarseSmooth_GNNSPAI(PC pc, PetscBool smooth)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  if (smooth != gnn->coarse_options.smooth) pc->setupcalled = PETSC_FALSE;
  gnn->coarse_options.smooth = smooth;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAIGetCoarseSmooth - Gets whether the prolongator of the coarse space is smoothed

  Not Collective; No Fortran Support

  Input Parameter:
. pc - the preconditioner context

  Output Parameter:
. smooth - `PETSC_TRUE` if it is

  Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetCoarseSmooth()`
@*/
PetscErrorCode PCGNNSPAIGetCoarseSmooth(PC pc, PetscBool *smooth)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(smooth, 2);
  PetscUseMethod(pc, "PCGNNSPAIGetCoarseSmooth_C", (PC, PetscBool *), (pc, smooth));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIGetCoarseSmooth_GNNSPAI(PC pc, PetscBool *smooth)
{
  PetscFunctionBegin;
  *smooth = ((PC_GNNSPAI *)pc->data)->coarse_options.smooth;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAISetNodeFeatures - Gives the network numbers of the application's at each node, coordinates or coefficients, say

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc       - the preconditioner context
- features - vector with the row layout of the matrix and block size k, or `NULL`; a reference is taken

  Level: advanced

  Note:
  Only models whose `node_features` list `user:k` read them; the built-in models don't, so that they work in any program.

.seealso: `PCGNNSPAI`, `PCGNNSPAIGetNodeFeatures()`
@*/
PetscErrorCode PCGNNSPAISetNodeFeatures(PC pc, Vec features)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  if (features) PetscValidHeaderSpecific(features, VEC_CLASSID, 2);
  PetscTryMethod(pc, "PCGNNSPAISetNodeFeatures_C", (PC, Vec), (pc, features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAISetNodeFeatures_GNNSPAI(PC pc, Vec features)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  PetscCall(PetscObjectReference((PetscObject)features));
  PetscCall(VecDestroy(&gnn->features));
  gnn->features   = features;
  pc->setupcalled = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAIGetNodeFeatures - Gets the vector given to `PCGNNSPAISetNodeFeatures()`

  Not Collective; No Fortran Support

  Input Parameter:
. pc - the preconditioner context

  Output Parameter:
. features - the vector, borrowed, or `NULL`

  Level: advanced

.seealso: `PCGNNSPAI`, `PCGNNSPAISetNodeFeatures()`
@*/
PetscErrorCode PCGNNSPAIGetNodeFeatures(PC pc, Vec *features)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(features, 2);
  PetscUseMethod(pc, "PCGNNSPAIGetNodeFeatures_C", (PC, Vec *), (pc, features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIGetNodeFeatures_GNNSPAI(PC pc, Vec *features)
{
  PetscFunctionBegin;
  *features = ((PC_GNNSPAI *)pc->data)->features;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAIGetFactor - Gets the factor G of this rank's diagonal block

  Not Collective; No Fortran Support

  Input Parameter:
. pc - the preconditioner context, set up

  Output Parameter:
. G - the factor, a `MATSEQAIJ` on `PETSC_COMM_SELF`, borrowed; valid until the next `PCSetUp()`

  Options Database Key:
. -pc_gnnspai_view_factor viewer - view G at every set-up

  Level: intermediate

  Note:
  G belongs to the scaled system: $M^{-1} = S(GG^T + \epsilon I)S^T$, with $S = D^{-1/2}$ where the model's scaling is diagonal.
  Rows and columns of decoupled unknowns are empty; there $M^{-1}$ is $1/a_{ii}$.

.seealso: `PCGNNSPAI`
@*/
PetscErrorCode PCGNNSPAIGetFactor(PC pc, Mat *G)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(G, 2);
  PetscUseMethod(pc, "PCGNNSPAIGetFactor_C", (PC, Mat *), (pc, G));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIGetFactor_GNNSPAI(PC pc, Mat *G)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;
  GNNFactor   f   = gnn->factor;

  PetscFunctionBegin;
  PetscCheck(f && pc->failedreason == PC_NOERROR, PetscObjectComm((PetscObject)pc), PETSC_ERR_ORDER, "Call PCSetUp() first");
  if (gnn->G == NULL) {
    Mat Gt;

    PetscCall(MatCreateSeqAIJWithArrays(PETSC_COMM_SELF, f->n, f->n, f->i, f->j, f->v, &Gt));
    PetscCall(MatTranspose(Gt, MAT_INITIAL_MATRIX, &gnn->G));
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
  {"PCGNNSPAISetModel_C",        (void (*)(void))PCGNNSPAISetModel_GNNSPAI       },
  {"PCGNNSPAIGetModel_C",        (void (*)(void))PCGNNSPAIGetModel_GNNSPAI       },
  {"PCGNNSPAISetNetwork_C",      (void (*)(void))PCGNNSPAISetNetwork_GNNSPAI     },
  {"PCGNNSPAISetEpsilon_C",      (void (*)(void))PCGNNSPAISetEpsilon_GNNSPAI     },
  {"PCGNNSPAIGetEpsilon_C",      (void (*)(void))PCGNNSPAIGetEpsilon_GNNSPAI     },
  {"PCGNNSPAISetGuard_C",        (void (*)(void))PCGNNSPAISetGuard_GNNSPAI       },
  {"PCGNNSPAIGetGuard_C",        (void (*)(void))PCGNNSPAIGetGuard_GNNSPAI       },
  {"PCGNNSPAIGetGuardAlpha_C",   (void (*)(void))PCGNNSPAIGetGuardAlpha_GNNSPAI  },
  {"PCGNNSPAISetPrecision_C",    (void (*)(void))PCGNNSPAISetPrecision_GNNSPAI   },
  {"PCGNNSPAIGetPrecision_C",    (void (*)(void))PCGNNSPAIGetPrecision_GNNSPAI   },
  {"PCGNNSPAISetCoarse_C",       (void (*)(void))PCGNNSPAISetCoarse_GNNSPAI      },
  {"PCGNNSPAIGetCoarse_C",       (void (*)(void))PCGNNSPAIGetCoarse_GNNSPAI      },
  {"PCGNNSPAISetCoarseType_C",   (void (*)(void))PCGNNSPAISetCoarseType_GNNSPAI  },
  {"PCGNNSPAIGetCoarseType_C",   (void (*)(void))PCGNNSPAIGetCoarseType_GNNSPAI  },
  {"PCGNNSPAISetCoarseSmooth_C", (void (*)(void))PCGNNSPAISetCoarseSmooth_GNNSPAI},
  {"PCGNNSPAIGetCoarseSmooth_C", (void (*)(void))PCGNNSPAIGetCoarseSmooth_GNNSPAI},
  {"PCGNNSPAISetNodeFeatures_C", (void (*)(void))PCGNNSPAISetNodeFeatures_GNNSPAI},
  {"PCGNNSPAIGetNodeFeatures_C", (void (*)(void))PCGNNSPAIGetNodeFeatures_GNNSPAI},
  {"PCGNNSPAIGetFactor_C",       (void (*)(void))PCGNNSPAIGetFactor_GNNSPAI      },
};

static PetscErrorCode PCDestroy_GNNSPAI(PC pc)
{
  PC_GNNSPAI *gnn = (PC_GNNSPAI *)pc->data;

  PetscFunctionBegin;
  PetscCall(PCReset_GNNSPAI(pc));
  PetscCall(VecDestroy(&gnn->features));
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
+  -pc_gnnspai_model name                      - model file (safetensors) or built-in name, see `PCGNNSPAISetModel()`
.  -pc_gnnspai_epsilon epsilon                 - shift of $GG^T$, see `PCGNNSPAISetEpsilon()`
.  -pc_gnnspai_guard (true|false)              - check the factor and weaken it towards Jacobi where it fails, see `PCGNNSPAISetGuard()`
.  -pc_gnnspai_precision (double|single)       - storage of G for `PCApply()`, see `PCGNNSPAISetPrecision()`
.  -pc_gnnspai_coarse n                        - aggregates of the coarse space, 0 for none, -1 for a number by the size, see `PCGNNSPAISetCoarse()`
.  -pc_gnnspai_coarse_type (additive|balanced) - how the coarse space is joined to the factor, see `PCGNNSPAISetCoarseType()`
.  -pc_gnnspai_coarse_smooth (true|false)      - smooth the coarse space's prolongator, see `PCGNNSPAISetCoarseSmooth()`
-  -pc_gnnspai_view_factor viewer              - view G at every set-up, see `PCGNNSPAIGetFactor()`

   Level: intermediate

   Notes:
   For symmetric positive definite matrices, real scalars. $M^{-1}$ is symmetric positive definite whatever the network says, so
   `KSPCG` may be used; the factor has the pattern of the matrix (or its lower triangle, if the model says so), and the number of
   iterations is between a third and a half of Jacobi's on discretised partial differential equations.

   The pattern must be symmetric and the diagonal stored and positive. Unknowns with no coupling to others, as
   `MatZeroRowsColumns()` leaves them, are solved exactly.

   `PCGNNSPAISetCoarse()` adds a coarse space of aggregates over all ranks, without which the number of iterations grows with the size of the matrix.

   New values in the same nonzero pattern cost no pattern work. `MATAIJ` matrices are used as they are, others are converted.

   Developer Notes:
   arXiv 2510.27517. Registered at run time: `-dll_append libgnnspai.so`, or `PCGNNSPAIRegister()`.

.seealso: [](ch_ksp), `PCCreate()`, `PCSetType()`, `PCType`, `PC`, `PCSPAI`, `PCJACOBI`, `PCICC`, `PCGNNSPAIRegister()`, `PCGNNSPAISetModel()`, `PCGNNSPAISetGuard()`, `PCGNNSPAISetCoarse()`
M*/
static PetscErrorCode PCCreate_GNNSPAI(PC pc)
{
  PC_GNNSPAI *gnn;

  PetscFunctionBegin;
  PetscCall(PetscNew(&gnn));
  pc->data = (void *)gnn;
  PetscCall(PetscStrallocpy("general", &gnn->model_name));
  gnn->epsilon               = (PetscReal)PETSC_DEFAULT;
  gnn->guard                 = PETSC_TRUE;
  gnn->precision             = PC_GNNSPAI_DOUBLE;
  gnn->coarse_options.smooth = PETSC_TRUE;
  pc->ops->apply             = PCApply_GNNSPAI;
  pc->ops->applytranspose    = PCApply_GNNSPAI; /* M is symmetric */
  pc->ops->setup             = PCSetUp_GNNSPAI;
  pc->ops->reset             = PCReset_GNNSPAI;
  pc->ops->destroy           = PCDestroy_GNNSPAI;
  pc->ops->setfromoptions    = PCSetFromOptions_GNNSPAI;
  pc->ops->view              = PCView_GNNSPAI;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(methods); k++) PetscCall(PetscObjectComposeFunction((PetscObject)pc, methods[k].name, methods[k].method));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIFinalizePackage(void)
{
  PetscFunctionBegin;
  PCGNNSPAIPackageInitialized = PETSC_FALSE;
  cited                       = PETSC_FALSE;
  GNN_Graph = GNN_Forward = GNN_Assemble = GNN_Coarse = GNN_Apply = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAIRegister - Makes the preconditioner type `PCGNNSPAI` known, after `PetscInitialize()`

  Not Collective; No Fortran Support

  Level: beginner

  Note:
  A program that was never linked to this library gets the type by `-dll_append path/libgnnspai.so` instead. Both at once, and
  again after another `PetscInitialize()`, do no harm.

.seealso: `PCGNNSPAI`, `PCRegister()`, `PCSetType()`
@*/
PetscErrorCode PCGNNSPAIRegister(void)
{
  PetscFunctionBegin;
  if (PCGNNSPAIPackageInitialized) PetscFunctionReturn(PETSC_SUCCESS);
  PCGNNSPAIPackageInitialized = PETSC_TRUE;
  PetscCall(PCInitializePackage());
  PetscCall(PCRegister(PCGNNSPAI, PCCreate_GNNSPAI));
  PetscCall(PetscLogEventRegister("GNNSPAIGraph", PC_CLASSID, &GNN_Graph));
  PetscCall(PetscLogEventRegister("GNNSPAIForward", PC_CLASSID, &GNN_Forward));
  PetscCall(PetscLogEventRegister("GNNSPAIAssemble", PC_CLASSID, &GNN_Assemble));
  PetscCall(PetscLogEventRegister("GNNSPAICoarse", PC_CLASSID, &GNN_Coarse));
  PetscCall(PetscLogEventRegister("GNNSPAIApply", PC_CLASSID, &GNN_Apply));
  PetscCall(PetscRegisterFinalize(PCGNNSPAIFinalizePackage));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Called by -dll_append .../libgnnspai.so; the name is fixed by PETSc */
PETSC_EXTERN PetscErrorCode PetscDLLibraryRegister_gnnspai(void)
{
  PetscFunctionBegin;
  PetscCall(PCGNNSPAIRegister());
  PetscFunctionReturn(PETSC_SUCCESS);
}
