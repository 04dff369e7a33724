/*
   The PC type gnnspai: M^-1 = S (G G^T + eps I) S^T on each rank's diagonal block, G written by a graph neural network.

   PCSetUp: matrix -> graph -> choice (who writes G, and is it good?) -> coarse space: gnn/setup.c. What stands in G: gnn/start.h.
   PCApply: two products with G, no triangular solve: gnn/factor.c.
*/
#include <petsc/private/pcimpl.h> /*I "petscpc.h" I*/
#include "gnn/events.h"
#include "gnn/gone.h"
#include "gnn/matrix.h"
#include "gnn/register.h"
#include "gnn/setup.h"
#include "pcgnnspai.h" /*I "pcgnnspai.h" I*/

#define SOURCE_NAME(name, source) #name,

const char *const PCGNNSPAIPrecisions[]  = {"double", "single", "half", "PCGNNSPAIPrecision", "PC_GNNSPAI_", NULL};
const char *const PCGNNSPAIScopes[]      = {"local", "global", "auto", "PCGNNSPAIScope", "PC_GNNSPAI_SCOPE_", NULL};
const char *const PCGNNSPAIValuesTypes[] = {GNN_SOURCES(SOURCE_NAME) "auto", "PCGNNSPAIValues", "PC_GNNSPAI_VALUES_", NULL};
const char *const PCGNNSPAIGuards[]      = {"none", "jacobi", "fsai", "best", "PCGNNSPAIGuard", "PC_GNNSPAI_GUARD_", NULL};
const char *const PCGNNSPAIChoices[]     = {"network", "start", "jacobi", "fsai", "PCGNNSPAIChoice", "PC_GNNSPAI_CHOICE_", NULL};

const char *const GNNProcessorBuilt[] = {GNN_PROCESSOR_FEATURES(GNN_PROCESSOR_BUILT)};

static PetscBool  PCGNNSPAIPackageInitialized = PETSC_FALSE;
static PetscBool  cited                       = PETSC_FALSE;
static const char citation[]                  = "@inproceedings{gnnspai2025,\n"
                                                "  title     = {Learning Sparse Approximate Inverse Preconditioners for Conjugate Gradient Solvers on {GPUs}},\n"
                                                "  booktitle = {Advances in Neural Information Processing Systems},\n"
                                                "  year      = {2025},\n"
                                                "  note      = {arXiv:2510.27517}\n"
                                                "}\n";

/* A setting has changed, and with it that much of a set-up */
static void PCGNNSPAIChanged_Private(PC pc, PetscInt stale)
{
  pc->setupcalled = PETSC_FALSE;
  ((GNNSetUp *)pc->data)->stale |= stale;
}

/* ---- set-up ---- */

static PetscErrorCode PCGNNSPAIViewFactorFromOptions_Private(PC pc)
{
  GNNSetUp   *gnn = (GNNSetUp *)pc->data;
  PetscMPIInt size;
  PetscBool   view;
  Mat         G;

  PetscFunctionBegin;
  PetscCall(PetscOptionsHasName(((PetscObject)pc)->options, ((PetscObject)pc)->prefix, "-pc_gnnspai_view_factor", &view));
  if (!view) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)pc), &size));
  PetscCall(GNNSetUpFetch(gnn, pc->pmat));
  if (size > 1) PetscCall(GNNPlaceGetMatOverall(gnn->place, pc->pmat, &G)); /* one viewer for all */
  else PetscCall(GNNPlaceGetMat(gnn->place, &G));
  PetscCall(MatViewFromOptions(G, (PetscObject)pc, "-pc_gnnspai_view_factor"));
  PetscCall(MatDestroy(&G));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After an error, which every rank meets, the next call starts anew: setupcalled is set when this returns, and what is stale stays so until then */
static PetscErrorCode PCSetUp_GNNSPAI(PC pc)
{
  GNNSetUp *gnn = (GNNSetUp *)pc->data;

  PetscFunctionBegin;
  pc->setupcalled = PETSC_FALSE;
  PetscCall(PetscCitationsRegister(citation, &cited));
  PetscCall(GNNSetUpGraph(gnn, (PetscObject)pc, pc->pmat));
  PetscCall(GNNSetUpChoice(gnn, (PetscObject)pc, pc->pmat));
  pc->failedreason = gnn->failure.reason;
  PetscCheck(!pc->failedreason || !pc->erroriffailure, PetscObjectComm((PetscObject)pc), PETSC_ERR_NOT_CONVERGED, "%s", gnn->failure.text);
  if (!pc->failedreason) PetscCall(GNNSetUpCoarse(gnn, (PetscObject)pc, pc->pmat));
  gnn->stale = pc->failedreason ? gnn->stale & GNN_STALE_COARSE : 0; /* the coarse space is still that of before */
  if (!pc->failedreason) PetscCall(PCGNNSPAIViewFactorFromOptions_Private(pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCReset_GNNSPAI(PC pc)
{
  PetscFunctionBegin;
  PetscCall(GNNSetUpReset((GNNSetUp *)pc->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- apply ---- */

static PetscErrorCode PCApply_GNNSPAI(PC pc, Vec r, Vec z)
{
  GNNSetUp *gnn = (GNNSetUp *)pc->data;
  Vec       t   = r;

  PetscFunctionBegin;
  if (pc->failedreason != PC_NOERROR) { /* KSP applies a failed preconditioner once, and looks for an infinity */
    PetscCall(VecSet(z, (PetscScalar)INFINITY));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscLogEventBegin(GNN_Apply, pc, r, z, 0));
  if (gnn->rows) PetscCall(GNNRowsBefore(gnn->rows, r, &t));
  PetscCall(GNNSetUpApply(gnn, t, z));
  if (gnn->rows) PetscCall(GNNRowsAfter(gnn->rows, z));
  PetscCall(PetscLogEventEnd(GNN_Apply, pc, r, z, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PCGNNSPAICaptures_Private(PC pc, PetscBool *captures)
{
  const GNNSetUp *gnn = (GNNSetUp *)pc->data;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCGNNSPAI, captures));
  if (*captures) *captures = pc->failedreason == PC_NOERROR && gnn->place->device && gnn->rows == NULL && (gnn->coarse == NULL || GNNCoarseLaunches(gnn->coarse)) ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCApplyTranspose_GNNSPAI(PC pc, Vec r, Vec z)
{
  GNNSetUp *gnn = (GNNSetUp *)pc->data;
  Vec       t;

  PetscFunctionBegin;
  if (gnn->rows == NULL || pc->failedreason != PC_NOERROR) {
    PetscCall(PCApply_GNNSPAI(pc, r, z));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscLogEventBegin(GNN_Apply, pc, r, z, 0));
  PetscCall(GNNRowsTransposeBefore(gnn->rows, r, &t));
  PetscCall(GNNSetUpApply(gnn, t, z));
  PetscCall(GNNRowsTransposeAfter(gnn->rows, r, z));
  PetscCall(PetscLogEventEnd(GNN_Apply, pc, r, z, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the same of the columns of dense matrices ---- */

static PetscErrorCode ApplyColumn_Private(void *pc, Vec r, Vec z)
{
  PetscFunctionBegin;
  PetscCall(PCApply_GNNSPAI((PC)pc, r, z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCMatApply_GNNSPAI(PC pc, Mat R, Mat Z)
{
  GNNSetUp *gnn = (GNNSetUp *)pc->data;

  PetscFunctionBegin;
  if (gnn->rows || pc->failedreason != PC_NOERROR) {
    PetscCall(GNNMatForColumns(R, Z, 0, ApplyColumn_Private, pc));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscLogEventBegin(GNN_Apply, pc, R, Z, 0));
  PetscCall(GNNSetUpApplyMat(gnn, R, Z));
  PetscCall(PetscLogEventEnd(GNN_Apply, pc, R, Z, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#if GNN_HAS_MATAPPLYTRANSPOSE
static PetscErrorCode ApplyColumnTranspose_Private(void *pc, Vec r, Vec z)
{
  PetscFunctionBegin;
  PetscCall(PCApplyTranspose_GNNSPAI((PC)pc, r, z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCMatApplyTranspose_GNNSPAI(PC pc, Mat R, Mat Z)
{
  PetscFunctionBegin;
  if (((GNNSetUp *)pc->data)->rows) PetscCall(GNNMatForColumns(R, Z, 0, ApplyColumnTranspose_Private, pc));
  else PetscCall(PCMatApply_GNNSPAI(pc, R, Z));
  PetscFunctionReturn(PETSC_SUCCESS);
}
#endif

/* ---- its halves ---- */

/* M^-1 = (S G)(S G)^T: y = (S G)^T x, the left half, or y = S G x; by the host's factor */
static PetscErrorCode PCGNNSPAIApplyHalf_Private(PC pc, PetscBool left, Vec x, Vec y)
{
  GNNSetUp          *gnn = (GNNSetUp *)pc->data;
  const PetscScalar *xarray;
  PetscScalar       *yarray;

  PetscFunctionBegin;
  PetscCheck(GNNSetUpEpsilon(gnn) == 0.0 && gnn->rows == NULL && (gnn->coarse == NULL || gnn->coarse->size == 0) && gnn->halo == NULL, PetscObjectComm((PetscObject)pc), PETSC_ERR_SUP, "gnnspai has two halves only where M^-1 is a product, of a symmetric matrix without shift and coarse space, within each rank: -pc_gnnspai_values fsai -pc_gnnspai_coarse 0 -pc_gnnspai_scope local makes it one, and -ksp_type cg needs no halves");
  if (pc->failedreason != PC_NOERROR) {
    PetscCall(VecSet(y, (PetscScalar)INFINITY));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(GNNSetUpFetch(gnn, pc->pmat));
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

/* ---- settings ---- */

/* A number with a default in words */
static PetscErrorCode OptionsReal_Private(GNNOptionItems PetscOptionsObject, const char option[], const char text[], const char man[], const char words[], PetscReal *value, PetscBool *set)
{
  char string[64];

  PetscFunctionBegin;
  if (*value == (PetscReal)PETSC_DEFAULT) PetscCall(PetscStrncpy(string, words, sizeof(string)));
  else PetscCall(PetscSNPrintf(string, sizeof(string), "%g", (double)*value));
  PetscCall(PetscOptionsString(option, text, man, string, string, sizeof(string), set));
  if (string[0] == '\0') *set = PETSC_FALSE;
  if (*set) PetscCall(PetscOptionsStringToReal(string, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCSetFromOptions_GNNSPAI(PC pc, GNNOptionItems PetscOptionsObject)
{
  GNNSetUp            *gnn       = (GNNSetUp *)pc->data;
  PCGNNSPAIValues      values    = gnn->values;
  PCGNNSPAIGuard       guard     = gnn->guard;
  PCGNNSPAIPrecision   precision = gnn->precision;
  PCGNNSPAIScope       scope     = gnn->scope;
  PetscInt             coarse    = gnn->aggregates;
  PetscReal            epsilon = gnn->epsilon, threshold = gnn->threshold;
  PetscBool            set;
  char                 model[PETSC_MAX_PATH_LEN], help[256];
  const char          *names;
  const unsigned char *bytes;
  size_t               length;

  PetscFunctionBegin;
  PetscCall(GNNOptionsCheckGone((PetscObject)pc, PCGNNSPAIGuards));
  PetscCall(GNNBuiltinGet("", &bytes, &length, &names));
  PetscCall(PetscSNPrintf(help, sizeof(help), "Model file (safetensors), or a built-in model: %s", names));
  PetscOptionsHeadBegin(PetscOptionsObject, "GNNSPAI options");
  PetscCall(PetscOptionsEnum("-pc_gnnspai_values", "What writes G", "PCGNNSPAISetValues", PCGNNSPAIValuesTypes, (PetscEnum)values, (PetscEnum *)&values, &set));
  if (set) PetscCall(PCGNNSPAISetValues(pc, values));
  PetscCall(OptionsReal_Private(PetscOptionsObject, "-pc_gnnspai_threshold", "Least entry that G keeps; 0: on the lower triangle of A with fsai, on all of A with the network", "PCGNNSPAISetThreshold", "0.07 with fsai, 0.05 with the network", &threshold, &set));
  if (set) PetscCall(PCGNNSPAISetThreshold(pc, threshold));
  PetscCall(PetscOptionsString("-pc_gnnspai_model", help, "PCGNNSPAISetModel", gnn->model_name, model, sizeof(model), &set));
  if (set) PetscCall(PCGNNSPAISetModel(pc, model));
  PetscCall(OptionsReal_Private(PetscOptionsObject, "-pc_gnnspai_epsilon", "Shift of G G^T, > 0", "PCGNNSPAISetEpsilon", "the model's, 0 with fsai", &epsilon, &set));
  if (set) PetscCall(PCGNNSPAISetEpsilon(pc, epsilon));
  PetscCall(PetscOptionsEnum("-pc_gnnspai_guard", "What may take the place of a factor that fails a trial; best: the classical one wherever it is better", "PCGNNSPAISetGuard", PCGNNSPAIGuards, (PetscEnum)guard, (PetscEnum *)&guard, &set));
  if (set) PetscCall(PCGNNSPAISetGuard(pc, guard));
  PetscCall(PetscOptionsEnum("-pc_gnnspai_precision", "Storage of G for PCApply()", "PCGNNSPAISetPrecision", PCGNNSPAIPrecisions, (PetscEnum)precision, (PetscEnum *)&precision, &set));
  if (set) PetscCall(PCGNNSPAISetPrecision(pc, precision));
  PetscCall(PetscOptionsInt("-pc_gnnspai_coarse", "Aggregates of the coarse space over all ranks; 0: no coarse space, -1: a number by the size", "PCGNNSPAISetCoarse", coarse, &coarse, &set));
  if (set) PetscCall(PCGNNSPAISetCoarse(pc, coarse));
  PetscCall(PetscOptionsEnum("-pc_gnnspai_scope", "What G is made for on several ranks: each rank's diagonal block, the whole matrix, or that where much of it is between ranks", "PCGNNSPAISetScope", PCGNNSPAIScopes, (PetscEnum)scope, (PetscEnum *)&scope, &set));
  if (set) PetscCall(PCGNNSPAISetScope(pc, scope));
  PetscCall(PetscOptionsViewer("-pc_gnnspai_view_factor", "View G at every set-up", "PCGNNSPAIGetFactor", NULL, NULL, NULL));
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCView_GNNSPAI(PC pc, PetscViewer viewer)
{
  GNNSetUp         *gnn   = (GNNSetUp *)pc->data;
  const PetscBool   ready = pc->setupcalled && pc->failedreason == PC_NOERROR ? PETSC_TRUE : PETSC_FALSE, network = gnn->source == &GNNSourceNetwork ? PETSC_TRUE : PETSC_FALSE;
  const GNNSettings settings = GNNSetUpSettings(gnn);
  PetscBool         isascii;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &isascii));
  if (!isascii) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerASCIIPushTab(viewer));
  if (gnn->source == NULL) PetscCall(PetscViewerASCIIPrintf(viewer, "values: %s, model: %s, not set up yet\n", PCGNNSPAIValuesTypes[gnn->values], gnn->model_name));
  else if (network && !gnn->model) PetscCall(PetscViewerASCIIPrintf(viewer, "model: %s, not loaded yet\n", gnn->model_name));
  else {
    PetscCall(gnn->source->view(&settings, "values", viewer));
    if (network && gnn->reason[0] != '\0') PetscCall(PetscViewerASCIIPrintf(viewer, "a model of block size 1, because %s\n", gnn->reason));
    PetscCall(
      PetscViewerASCIIPrintf(viewer, "epsilon = %g, G stored in %s precision, set-up on the %s, product on the %s\n", (double)GNNSetUpEpsilon(gnn), PCGNNSPAIPrecisions[gnn->precision], gnn->place ? gnn->place->made : "host", gnn->place ? gnn->place->applied : "host"));
  }
  if (ready && gnn->steps > 0) PetscCall(PetscViewerASCIIPrintf(viewer, "scope: %s, %.0f %% of the matrix's entries are between ranks\n", PCGNNSPAIScopes[gnn->around ? PC_GNNSPAI_SCOPE_GLOBAL : PC_GNNSPAI_SCOPE_LOCAL], 100.0 * (double)gnn->crossing));
  if (ready && gnn->place) PetscCall(GNNChooserView(&gnn->chooser, gnn->place, PetscObjectComm((PetscObject)pc), viewer));
  if (gnn->failure.text[0] != '\0') PetscCall(PetscViewerASCIIPrintf(viewer, "the set-up failed: %s\n", gnn->failure.text));
  else if (GNNSetUpAsymmetry(gnn) > 0.0) PetscCall(PetscViewerASCIIPrintf(viewer, GNN_UNSYMMETRIC "\n", (double)gnn->asymmetry));
  if (ready && gnn->coarse) PetscCall(GNNCoarseView(gnn->coarse, viewer));
  else if (ready && gnn->aggregates) PetscCall(PetscViewerASCIIPrintf(viewer, "coarse space: none, since CG needs few steps without it\n"));
  PetscCall(PetscViewerASCIIPopTab(viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The settings that are a number: name, type, member, and what a change makes stale */
#define SETTINGS(X) \
  X(Values, PCGNNSPAIValues, values, GNN_STALE_PATTERN | GNN_STALE_SOURCE) \
  X(Threshold, PetscReal, threshold, GNN_STALE_PATTERN | GNN_STALE_SOURCE) \
  X(Guard, PCGNNSPAIGuard, guard, GNN_STALE_CHOICE | GNN_STALE_COARSE) \
  X(Coarse, PetscInt, aggregates, GNN_STALE_COARSE) \
  X(Precision, PCGNNSPAIPrecision, precision, GNN_STALE_STORAGE) \
  X(Scope, PCGNNSPAIScope, scope, GNN_STALE_PATTERN | GNN_STALE_SOURCE) \
  X(TF32, PetscBool, tf32, GNN_STALE_PATTERN | GNN_STALE_SOURCE)

#define SETTING(Name, Type, member, stale) \
  static PetscErrorCode PCGNNSPAISet##Name##_GNNSPAI(PC pc, Type value) \
  { \
    GNNSetUp *gnn = (GNNSetUp *)pc->data; \
\
    PetscFunctionBegin; \
    if (value != gnn->member) PCGNNSPAIChanged_Private(pc, stale); \
    gnn->member = value; \
    PetscFunctionReturn(PETSC_SUCCESS); \
  } \
\
  static PetscErrorCode PCGNNSPAIGet##Name##_GNNSPAI(PC pc, Type *value) \
  { \
    PetscFunctionBegin; \
    *value = ((GNNSetUp *)pc->data)->member; \
    PetscFunctionReturn(PETSC_SUCCESS); \
  }

SETTINGS(SETTING)

static PetscErrorCode PCGNNSPAISetModel_GNNSPAI(PC pc, const char name[])
{
  GNNSetUp *gnn = (GNNSetUp *)pc->data;
  PetscBool same;

  PetscFunctionBegin;
  PetscCall(PetscStrcmp(name, gnn->model_name, &same));
  if (same && !gnn->automatic) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(gnn->model_name));
  PetscCall(PetscStrallocpy(name, &gnn->model_name));
  PetscCall(GNNModelDestroy(&gnn->given));
  gnn->automatic = PETSC_FALSE;
  PCGNNSPAIChanged_Private(pc, GNN_STALE_PATTERN | GNN_STALE_SOURCE);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIGetModel_GNNSPAI(PC pc, const char *name[])
{
  PetscFunctionBegin;
  *name = ((GNNSetUp *)pc->data)->model_name;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAISetNetwork_GNNSPAI(PC pc, GNNModel model)
{
  GNNSetUp *gnn = (GNNSetUp *)pc->data;

  PetscFunctionBegin;
  PetscCall(GNNModelReference(model));
  PetscCall(GNNModelDestroy(&gnn->given));
  gnn->given     = model;
  gnn->automatic = PETSC_FALSE;
  PetscCall(PetscFree(gnn->model_name));
  PetscCall(PetscStrallocpy("(in memory)", &gnn->model_name)); /* so that any PCGNNSPAISetModel() to come has an effect */
  PCGNNSPAIChanged_Private(pc, GNN_STALE_PATTERN | GNN_STALE_SOURCE);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAISetEpsilon_GNNSPAI(PC pc, PetscReal epsilon)
{
  GNNSetUp *gnn = (GNNSetUp *)pc->data;

  PetscFunctionBegin;
  PetscCheck(epsilon == (PetscReal)PETSC_DEFAULT || (epsilon > 0.0 && epsilon <= 1.0), PetscObjectComm((PetscObject)pc), PETSC_ERR_ARG_OUTOFRANGE, "-pc_gnnspai_epsilon %g must be in (0, 1]", (double)epsilon);
  if (epsilon != gnn->epsilon) PCGNNSPAIChanged_Private(pc, GNN_STALE_SHIFT);
  gnn->epsilon = epsilon;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIGetEpsilon_GNNSPAI(PC pc, PetscReal *epsilon)
{
  PetscFunctionBegin;
  *epsilon = GNNSetUpEpsilon((GNNSetUp *)pc->data);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIGetChoice_GNNSPAI(PC pc, PCGNNSPAIChoice *kind, PetscReal *alpha)
{
  GNNSetUp *gnn = (GNNSetUp *)pc->data;

  PetscFunctionBegin;
  PetscCheck(gnn->place && !gnn->stale && pc->failedreason == PC_NOERROR, PETSC_COMM_SELF, PETSC_ERR_ORDER, "Call PCSetUp() first%s%s", gnn->failure.text[0] ? "; the last one failed: " : "", gnn->failure.text);
  if (kind) *kind = (PCGNNSPAIChoice)gnn->chooser.choice.kind;
  if (alpha) *alpha = gnn->chooser.choice.alpha;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAISetNodeFeatures_GNNSPAI(PC pc, Vec features)
{
  GNNSetUp *gnn = (GNNSetUp *)pc->data;

  PetscFunctionBegin;
  PetscCall(PetscObjectReference((PetscObject)features));
  PetscCall(VecDestroy(&gnn->features));
  gnn->features = features;
  PCGNNSPAIChanged_Private(pc, GNN_STALE_PATTERN | GNN_STALE_SOURCE);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIGetNodeFeatures_GNNSPAI(PC pc, Vec *features)
{
  PetscFunctionBegin;
  *features = ((GNNSetUp *)pc->data)->features;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIGetFactor_GNNSPAI(PC pc, Mat *G)
{
  GNNSetUp *gnn = (GNNSetUp *)pc->data;

  PetscFunctionBegin;
  PetscCheck(gnn->place && !gnn->stale && pc->failedreason == PC_NOERROR, PETSC_COMM_SELF, PETSC_ERR_ORDER, "Call PCSetUp() first%s%s", gnn->failure.text[0] ? "; the last one failed: " : "", gnn->failure.text);
  PetscCall(GNNSetUpFetch(gnn, pc->pmat));
  if (gnn->G == NULL && gnn->halo) PetscCall(GNNPlaceGetMatOverall(gnn->place, pc->pmat, &gnn->G));
  if (gnn->G == NULL) PetscCall(GNNPlaceGetMat(gnn->place, &gnn->G));
  *G = gnn->G;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The methods behind the setters and getters */
static const struct {
  const char *name;
  void (*method)(void);
} methods[] = {
#define METHODS(Name, Type, member, stale) {"PCGNNSPAISet" #Name "_C", (void (*)(void))PCGNNSPAISet##Name##_GNNSPAI}, {"PCGNNSPAIGet" #Name "_C", (void (*)(void))PCGNNSPAIGet##Name##_GNNSPAI},
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
  GNNSetUp *gnn = (GNNSetUp *)pc->data;

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
     PCGNNSPAI - Factorised sparse approximate inverse, learned or classical, with a coarse space: $M^{-1} = S(GG^T + \epsilon I)S^T + Q$, where a graph
     neural network reads the matrix and writes the sparse factor G, or each row solves a small system for its part of it

   Options Database Keys:
+  -pc_gnnspai_values (network|fsai|auto)     - what writes G: the network, the rows of the classical factor, or (`auto`, the default) the network on a
                                                device or where a model is named, else the classical factor, see `PCGNNSPAISetValues()`
.  -pc_gnnspai_model name                     - a safetensors file or a built-in model; by default the one for the matrix's block size, see
                                                `PCGNNSPAISetModel()`
.  -pc_gnnspai_epsilon epsilon                - $\epsilon > 0$, by which $M^{-1}$ is positive definite whatever the network says; by default the
                                                model's, 0 of the classical factor, see `PCGNNSPAISetEpsilon()`
.  -pc_gnnspai_threshold threshold            - entries that G is made of: rows of the classical factor grow by those above it (default 0.07; 0: on the lower
                                                triangle of A), the network's keep those (default 0.05; 0: all), see `PCGNNSPAISetThreshold()`
.  -pc_gnnspai_guard (none|jacobi|fsai|best)  - try the factor in a few steps of CG: the classical one against Jacobi; the network's against a share of it, a
                                                start near Jacobi, Jacobi, and by default (`fsai`) the classical one where these are no good, with `best`
                                                always; `none`: no trial, see `PCGNNSPAISetGuard()`
.  -pc_gnnspai_coarse n                       - coarse space of n aggregates over all ranks; 0: none; -1 (default): a number by the size, see
                                                `PCGNNSPAISetCoarse()`
.  -pc_gnnspai_precision (double|single|half) - storage of G (default single); arithmetic and vectors stay double, see `PCGNNSPAISetPrecision()`
.  -pc_gnnspai_scope (local|global|auto)      - on several ranks, G is made for each rank's diagonal block, for the whole matrix, or (`auto`, the default) for
                                                that where more than a quarter of its entries is between ranks, see `PCGNNSPAISetScope()`
-  -pc_gnnspai_view_factor viewer             - view G at every set-up, on several ranks over all of them, see `PCGNNSPAIGetFactor()`

   Level: intermediate

   Notes:
   For symmetric positive definite matrices, real scalars. $M^{-1}$ is symmetric positive definite whatever the network says, so
   `KSPCG` may be used. A factor by itself needs between a third and a half of Jacobi's iterations on discretised partial differential equations; the
   coarse space, which is left out where CG does better without it, keeps their number from growing with the size of the matrix.

   The diagonal must be stored and positive; of an empty row it may be 0, and counts as 1, as with `PCJACOBI`. Unknowns with no coupling to others, as `MatZeroRowsColumns()` leaves them, are solved exactly.
   An entry (i, j) couples where (j, i) is stored, too, and is not 0, unless both are; where one is, as `MatZeroRows()` leaves it, it counts as 0 in
   the factor. Rows with nothing but their diagonal, whose columns are not empty, are solved for first: there $M^{-1}$ is not symmetric, but CG
   converges as if the columns had been eliminated, too, at one more product with the matrix a step, if the initial guess has the values of these rows
   (`KSPSetInitialGuessNonzero()`); with another one it may not converge. Where the matrix is not symmetric, `PCView()` and `-info` say so: `KSPCG` may not converge.

   A matrix that cannot be used (a diagonal entry that is missing or not positive, a NaN) is no error unless `KSPSetErrorIfNotConverged()` is set:
   `KSPSolve()` ends with `KSP_DIVERGED_PC_FAILED`, and `PCView()` and `-info` say why.

   New values in the same nonzero pattern cost no pattern work, and after `PCReset()` the guard's choice for the same pattern is tried first.
   `MATAIJ` matrices are used as they are, others are converted at every set-up; those without entries, as `MATSHELL`, are refused.

   `PCMatApply()`, which `KSPMatSolve()` calls where the solver takes all columns at once (`KSPPREONLY`, `KSPHPDDM`), reads G once for as many columns as the processor's
   vectors have numbers, 8 with AVX-512, on a device for 16.

   `PCApplySymmetricLeft()` and `PCApplySymmetricRight()`, which `KSPQCG` calls, need a $M^{-1}$ that is a product: `-pc_gnnspai_values fsai`, no coarse space.

   A model of block size b > 1 treats the b unknowns of a node together; see `PCGNNSPAISetModel()`.

   With `MATSEQAIJCUSPARSE` (and `MATMPIAIJCUSPARSE`) set-up and product run on the device. The network's products are in TF32 there, weights and states
   rounded to 11 bits before they are multiplied: G then differs from the host's by about a thousandth.

   Developer Notes:
   arXiv 2510.27517. Registered at run time: `-dll_append libgnnspai.so`, or `PCGNNSPAIRegister()`.

.seealso: [](ch_ksp), `PCCreate()`, `PCSetType()`, `PCType`, `PC`, `PCSPAI`, `PCJACOBI`, `PCICC`, `PCGNNSPAIRegister()`, `PCGNNSPAISetValues()`,
          `PCGNNSPAISetModel()`, `PCGNNSPAISetEpsilon()`, `PCGNNSPAISetThreshold()`, `PCGNNSPAISetGuard()`, `PCGNNSPAISetCoarse()`, `PCGNNSPAISetPrecision()`, `PCGNNSPAISetScope()`,
          `PCGNNSPAISetNodeFeatures()`, `PCGNNSPAIGetChoice()`, `PCGNNSPAIGetFactor()`
M*/
static PetscErrorCode PCCreate_GNNSPAI(PC pc)
{
  GNNSetUp *gnn;

  PetscFunctionBegin;
  PetscCall(PetscNew(&gnn));
  pc->data = (void *)gnn;
  PetscCall(PetscStrallocpy("small", &gnn->model_name));
  gnn->automatic               = PETSC_TRUE;
  gnn->threshold               = (PetscReal)PETSC_DEFAULT;
  gnn->epsilon                 = (PetscReal)PETSC_DEFAULT;
  gnn->values                  = PC_GNNSPAI_VALUES_AUTO;
  gnn->guard                   = PC_GNNSPAI_GUARD_FSAI;
  gnn->scope                   = PC_GNNSPAI_SCOPE_AUTO;
  gnn->aggregates              = PETSC_DECIDE;
  gnn->tf32                    = PETSC_TRUE;
  gnn->precision               = PC_GNNSPAI_SINGLE;
  pc->ops->apply               = PCApply_GNNSPAI;
  pc->ops->applytranspose      = PCApplyTranspose_GNNSPAI;
  pc->ops->matapply            = PCMatApply_GNNSPAI;
  pc->ops->applysymmetricleft  = PCApplySymmetricLeft_GNNSPAI;
  pc->ops->applysymmetricright = PCApplySymmetricRight_GNNSPAI;
  pc->ops->setup               = PCSetUp_GNNSPAI;
  pc->ops->reset               = PCReset_GNNSPAI;
  pc->ops->destroy             = PCDestroy_GNNSPAI;
  pc->ops->setfromoptions      = PCSetFromOptions_GNNSPAI;
  pc->ops->view                = PCView_GNNSPAI;
#if GNN_HAS_MATAPPLYTRANSPOSE
  pc->ops->matapplytranspose = PCMatApplyTranspose_GNNSPAI;
#endif
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(methods); k++) PetscCall(PetscObjectComposeFunction((PetscObject)pc, methods[k].name, methods[k].method));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCGNNSPAIFinalizePackage(void)
{
  PetscFunctionBegin;
  PCGNNSPAIPackageInitialized = PETSC_FALSE;
  cited                       = PETSC_FALSE;
  GNNEventsForget();
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
  PetscCall(GNNEventsRegister(PC_CLASSID));
  PetscCall(PetscRegisterFinalize(PCGNNSPAIFinalizePackage));
  PetscFunctionReturn(PETSC_SUCCESS);
}
