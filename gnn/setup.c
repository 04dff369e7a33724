/*
   The set-up of the preconditioner.
*/
#include <petsc/private/petscimpl.h> /* PetscObjectStateGet() */
#include "setup.h"
#include "events.h"
#include "fsairows.h" /* GNNFsaiReach() */
#include "matrix.h"

#define AROUND 8.0 /* times the matrix's rows that all ranks may have together for it */

#define SOURCE_POINTER(name, source) &source,
const GNNSource *const GNNSources[] = {GNN_SOURCES(SOURCE_POINTER)};

/* Is it the network that writes G, or has it first? */
static PetscBool SetUpNeedsNetwork_Private(const GNNSetUp *s)
{
  return s->source == &GNNSourceNetwork ? PETSC_TRUE : PETSC_FALSE;
}

/* The matrix as AIJ; and what this rank makes G from, its diagonal block of that, or more. Borrowed */
static Mat SetUpGetMat_Private(const GNNSetUp *s, Mat A)
{
  return s->aij ? s->aij : A;
}

static PetscErrorCode SetUpGetLocalMat_Private(const GNNSetUp *s, Mat A, Mat *local)
{
  PetscFunctionBegin;
  if (s->around) *local = s->square[0];
  else PetscCall(MatGetDiagonalBlock(SetUpGetMat_Private(s, A), local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The classical G is never singular and needs no shift */
PetscReal GNNSetUpEpsilon(const GNNSetUp *s)
{
  if (s->epsilon != (PetscReal)PETSC_DEFAULT) return s->epsilon;
  if (s->source && !SetUpNeedsNetwork_Private(s)) return 0.0;
  return s->source && s->model ? s->model->config.epsilon : s->epsilon;
}

GNNSettings GNNSetUpSettings(const GNNSetUp *s)
{
  const PetscBool   given    = s->threshold != (PetscReal)PETSC_DEFAULT ? PETSC_TRUE : PETSC_FALSE;
  const GNNSettings settings = {.model = s->model, .filter = given ? s->threshold : GNN_NETWORK_FILTER, .threshold = given ? s->threshold : GNN_FSAI_THRESHOLD, .grow = PETSC_TRUE};

  return settings;
}

/* Of what the ranks make G from */
PetscReal GNNSetUpAsymmetry(const GNNSetUp *s)
{
  return s->asymmetry > PETSC_SQRT_MACHINE_EPSILON ? s->asymmetry : 0.0;
}

/* ---- matrix -> graph ---- */

static PetscErrorCode SetUpDestroyPattern_Private(GNNSetUp *s)
{
  PetscFunctionBegin;
  PetscCall(GNNChooserReset(&s->chooser, s->graph));
  PetscCall(GNNPlaceDestroy(&s->place));
  PetscCall(GNNFactorDestroy(&s->factor));
  PetscCall(GNNGraphDestroy(&s->graph));
  PetscCall(GNNHaloDestroy(&s->halo));
  if (s->square) PetscCall(MatDestroySubMatrices(1, &s->square));
  PetscCall(ISDestroy(&s->around));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What of the matrix and the features is not what it was at the last set-up */
static PetscErrorCode SetUpCompare_Private(GNNSetUp *s, Mat A)
{
  PetscObjectId    id;
  PetscObjectState nonzerostate, state, featurestate = 0;

  PetscFunctionBegin;
  PetscCall(PetscObjectGetId((PetscObject)A, &id));
  PetscCall(MatGetNonzeroState(A, &nonzerostate));
  PetscCall(PetscObjectStateGet((PetscObject)A, &state));
  if (s->features) PetscCall(PetscObjectStateGet((PetscObject)s->features, &featurestate));
  if (s->graph == NULL || id != s->id || nonzerostate != s->nonzerostate) s->stale |= GNN_STALE_PATTERN;
  if (state != s->state || featurestate != s->featurestate || s->aij) s->stale |= GNN_STALE_VALUES;
  s->id           = id;
  s->nonzerostate = nonzerostate;
  s->state        = state;
  s->featurestate = featurestate;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Who writes G. By itself the network does where a model or features for it are given, and on a device, where it is the cheapest; on the host
   that is the classical factor, for fewer iterations */
static PetscErrorCode SetUpSource_Private(GNNSetUp *s, Mat A)
{
  const GNNSource *before = s->source;
  PetscBool        device;
  Mat              local;

  PetscFunctionBegin;
  if (s->values != GNN_SOURCES_AUTO) s->source = GNNSources[s->values];
  else {
    PetscCall(MatGetDiagonalBlock(SetUpGetMat_Private(s, A), &local));
    PetscCall(GNNMatOnDevice(local, &device));
    s->source = device || !s->automatic || s->features ? &GNNSourceNetwork : &GNNSourceFsai;
  }
  if (s->source != before) s->stale |= GNN_STALE_PATTERN | GNN_STALE_SOURCE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With global scope, how far around a row of G are the rows of the matrix that it is made from? A network's node states come from their owners, layer by
   layer. 0 where the rank has all rows, or wants no others */
static PetscErrorCode SetUpSteps_Private(GNNSetUp *s, MPI_Comm comm, PetscInt *steps)
{
  const PetscBool classical = !SetUpNeedsNetwork_Private(s) || s->guard >= GNN_GUARD_FSAI ? PETSC_TRUE : PETSC_FALSE;
  PetscMPIInt     size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  *steps = classical ? GNNFsaiReach(GNNSetUpSettings(s).threshold) : 1;
  if (size == 1 || s->scope == GNN_SCOPE_LOCAL) *steps = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All ranks do the same where they work together */
static PetscErrorCode SetUpAgreeStale_Private(GNNSetUp *s, MPI_Comm comm)
{
  PetscFunctionBegin;
  if (s->steps) PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &s->stale, 1, MPIU_INT, MPI_BOR, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is it global scope? By itself, where much of the matrix is between ranks; not on devices, since the set-up would be on the host */
static PetscErrorCode SetUpScope_Private(GNNSetUp *s, Mat A)
{
  PetscReal all;
  PetscBool device, automatic = s->scope == GNN_SCOPE_AUTO ? PETSC_TRUE : PETSC_FALSE;
  Mat       local;

  PetscFunctionBegin;
  s->crossing = 0.0;
  if (s->steps == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GNNMatCrossing(A, &s->crossing, &all));
  PetscCall(MatGetDiagonalBlock(A, &local));
  PetscCall(GNNMatOnDevice(local, &device));
  if (automatic && (device || s->crossing <= GNN_MAT_TORN)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GNNMatAround(A, s->steps, automatic ? AROUND : PETSC_MAX_REAL, &s->around));
  if (s->around) PetscCall(GNNMatSquare(A, s->around, &s->square));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The graph's nodes that other ranks have */
static PetscErrorCode SetUpHalo_Private(GNNSetUp *s, Mat A)
{
  const PetscInt *rows;

  PetscFunctionBegin;
  if (s->around == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ISGetIndices(s->around, &rows));
  PetscCall(GNNHaloCreate(SetUpGetMat_Private(s, A), s->graph->b, s->graph->n, rows, &s->halo));
  PetscCall(ISRestoreIndices(s->around, &rows));
  PetscCall(GNNGraphSetHalo(s->graph, s->halo));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What depends on the nonzero pattern (and on the model's shape): once per pattern */
static PetscErrorCode SetUpPattern_Private(GNNSetUp *s, PetscObject pc, Mat A)
{
  const PetscBool network = SetUpNeedsNetwork_Private(s);
  const PetscInt *ia, *ja;
  PetscInt        n, bs;
  PetscBool       done;
  Mat             local;

  PetscFunctionBegin;
  PetscCall(SetUpDestroyPattern_Private(s));
  PetscCall(SetUpScope_Private(s, SetUpGetMat_Private(s, A)));
  PetscCall(SetUpGetLocalMat_Private(s, A, &local));
  PetscCall(MatGetBlockSize(A, &bs));
  PetscCall(MatGetRowIJ(local, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCheck(done, PETSC_COMM_SELF, PETSC_ERR_SUP, "MatGetRowIJ() failed for the local matrix");
  if (network) PetscCall(GNNNetworkModel(PetscObjectComm(pc), s->given, bs, n, ia, ja, &s->model, s->reason, sizeof(s->reason)));
  PetscCall(GNNGraphCreate(network ? s->model->config.block_size : 1, n, ia, ja, &s->graph));
  PetscCall(MatRestoreRowIJ(local, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCall(SetUpHalo_Private(s, A));
  PetscCall(GNNFactorCreate(s->graph, &s->factor));
  PetscCall(MatGetDiagonalBlock(SetUpGetMat_Private(s, A), &local));
  PetscCall(GNNPlaceCreate(local, network ? s->model : NULL, s->graph, s->factor, (GNNPrecision)s->precision, s->tf32, &s->place));
  PetscCall(GNNChooserRecall(&s->chooser, s->graph));
  if (network && s->reason[0] != '\0') PetscCall(PetscInfo(pc, "%s: model of block size 1\n", s->reason));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUpFeatures_Private(GNNSetUp *s)
{
  const PetscInt     nodes = s->graph->last - s->graph->first;
  const PetscScalar *array;
  PetscInt           size, nlocal;
  char               text[256];

  PetscFunctionBegin;
  PetscCall(VecGetBlockSize(s->features, &size));
  PetscCall(VecGetLocalSize(s->features, &nlocal));
  if (nlocal != size * nodes) {
    PetscCall(PetscSNPrintf(text, sizeof(text), "The node features have local size %" PetscInt_FMT ", expected %" PetscInt_FMT " %s times block size %" PetscInt_FMT, nlocal, nodes, s->graph->b > 1 ? "block rows" : "rows", size));
    PetscCall(GNNFailureSet(&s->failure, PC_FACTOR_OTHER, PETSC_TRUE, text));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecGetArrayRead(s->features, &array));
  PetscCall(GNNGraphSetUserFeatures(s->graph, size, array));
  PetscCall(VecRestoreArrayRead(s->features, &array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNSetUpGraph(GNNSetUp *s, PetscObject pc, Mat A)
{
  const MPI_Comm comm = PetscObjectComm(pc);
  PetscBool      network, changed;
  PetscInt       steps;

  PetscFunctionBegin;
  s->failure = (GNNFailure){PC_NOERROR, PETSC_FALSE, ""};
  PetscCall(MatDestroy(&s->G));
  PetscCall(SetUpCompare_Private(s, A));
  if (s->stale & GNN_STALE_PATTERN) PetscCall(GNNMatCheck(A));
  PetscCall(GNNMatConvert(A, &s->aij, &changed));
  if (changed) s->stale |= GNN_STALE_PATTERN;
  PetscCall(SetUpSource_Private(s, A));
  network = SetUpNeedsNetwork_Private(s);
  if (network && s->given == NULL && !s->automatic) PetscCall(GNNModelLoad(comm, s->model_name, &s->given));
  PetscCall(SetUpSteps_Private(s, comm, &steps));
  if (steps != s->steps) s->stale |= GNN_STALE_PATTERN;
  s->steps = steps;
  PetscCall(SetUpAgreeStale_Private(s, comm));
  if (s->stale & GNN_STALE_PATTERN) {
    s->stale |= GNN_STALE_VALUES | GNN_STALE_COARSE;
    s->told = PETSC_FALSE;
    PetscCall(PetscLogEventBegin(GNN_Graph, pc, 0, 0, 0));
    PetscCall(SetUpPattern_Private(s, pc, A));
    PetscCall(PetscLogEventEnd(GNN_Graph, pc, 0, 0, 0));
  } else if (s->around && (s->stale & GNN_STALE_VALUES)) PetscCall(GNNMatSquare(SetUpGetMat_Private(s, A), s->around, &s->square));
  if (network && s->features) PetscCall(SetUpFeatures_Private(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- choice ---- */

/* What all ranks say of the set-up so far */
static PetscErrorCode SetUpAgree_Private(GNNSetUp *s, PetscObject pc)
{
  PetscFunctionBegin;
  PetscCall(GNNFailureAgree(PetscObjectComm(pc), &s->failure, &s->asymmetry));
  PetscCheck(!s->failure.wrong, PetscObjectComm(pc), PETSC_ERR_ARG_WRONGSTATE, "%s", s->failure.text);
  if (s->failure.reason) PetscCall(PetscInfo(pc, "%s\n", s->failure.text));
  else if (!s->told && GNNSetUpAsymmetry(s) > 0.0) {
    PetscCall(PetscInfo(pc, GNN_UNSYMMETRIC "\n", (double)s->asymmetry));
    s->told = PETSC_TRUE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNSetUpChoice(GNNSetUp *s, PetscObject pc, Mat A)
{
  GNNChooser      *c      = &s->chooser;
  const GNNReport *report = &s->place->report;
  PetscReal        none   = 0.0;
  PetscMPIInt      size;
  PetscInt         first;
  Mat              local;

  PetscFunctionBegin;
  s->asymmetry = 0.0;
  if (s->halo) PetscCall(GNNFailureAgree(PetscObjectComm(pc), &s->failure, &none));
  if (s->failure.reason == PC_NOERROR) {
    PetscCallMPI(MPI_Comm_size(PetscObjectComm(pc), &size));
    c->alone     = size == 1 || s->halo ? PETSC_TRUE : PETSC_FALSE;
    c->source    = s->source;
    c->settings  = GNNSetUpSettings(s);
    c->policy    = (GNNGuardPolicy)s->guard;
    c->epsilon   = GNNSetUpEpsilon(s);
    c->precision = (GNNPrecision)s->precision;
    PetscCall(SetUpGetLocalMat_Private(s, A, &local));
    PetscCall(GNNChoose(c, s->place, local, s->stale));
    s->asymmetry = report->asymmetry;
    PetscCall(MatGetOwnershipRange(A, &first, NULL));
    PetscCall(GNNFailureReport(&s->failure, s->graph, report->status, first + report->row));
    if (report->status == GNN_GRAPH_OK) PetscCall(GNNChoiceInfo(pc, c, s->place));
  }
  PetscCall(SetUpAgree_Private(s, pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- coarse space ---- */

/* Is a coarse space that nobody asked for not worth its set-up, since CG needs few steps without it on every rank? */
static PetscErrorCode SetUpIsEasy_Private(GNNSetUp *s, PetscObject pc, PetscBool *easy)
{
  int all = s->aggregates == PETSC_DECIDE && (s->chooser.easy || s->place->report.coupled == 0) ? 1 : 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, PetscObjectComm(pc)));
  *easy = all ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* And the rows that MatZeroRows() set, beside which all else is symmetric */
PetscErrorCode GNNSetUpCoarse(GNNSetUp *s, PetscObject pc, Mat A)
{
  PetscBool easy;

  PetscFunctionBegin;
  A = SetUpGetMat_Private(s, A);
  PetscCall(GNNRowsDestroy(&s->rows));
  if (GNNSetUpAsymmetry(s) > 0.0) PetscCall(GNNRowsCreate(A, &s->rows));
  if (s->stale & GNN_STALE_COARSE) PetscCall(GNNCoarseDestroy(&s->coarse));
  if (s->aggregates == 0 || !(s->stale & (GNN_STALE_VALUES | GNN_STALE_COARSE))) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SetUpIsEasy_Private(s, pc, &easy));
  if (easy) {
    PetscCall(GNNCoarseDestroy(&s->coarse));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscLogEventBegin(GNN_Coarse, pc, 0, 0, 0));
  if (s->coarse == NULL) {
    PetscCall(GNNCoarseCreate(pc, A, s->aggregates, &s->coarse));
    s->coarse->whole = s->halo ? PETSC_TRUE : PETSC_FALSE;
  }
  PetscCall(GNNCoarseSetUp(s->coarse, A, s->chooser.kept));
  if (s->guard != GNN_GUARD_NONE) PetscCall(GNNCoarseJudge(s->coarse, GNNSetUpApplyFactor, s, s->place->ops->entries(s->place)));
  PetscCall(PetscLogEventEnd(GNN_Coarse, pc, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNSetUpReset(GNNSetUp *s)
{
  PetscFunctionBegin;
  s->failure   = (GNNFailure){PC_NOERROR, PETSC_FALSE, ""};
  s->asymmetry = 0.0;
  PetscCall(MatDestroy(&s->G));
  PetscCall(MatDestroy(&s->aij));
  PetscCall(GNNRowsDestroy(&s->rows));
  PetscCall(GNNCoarseDestroy(&s->coarse));
  PetscCall(SetUpDestroyPattern_Private(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNSetUpFetch(GNNSetUp *s, Mat A)
{
  Mat local;

  PetscFunctionBegin;
  PetscCall(SetUpGetLocalMat_Private(s, A, &local));
  PetscCall(s->place->ops->fetch(s->place, local));
  PetscFunctionReturn(PETSC_SUCCESS);
}
