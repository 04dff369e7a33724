/*
   The state machine of a set-up.
*/
#include "choose.h"
#include "events.h"

#define DRIFT 0.1  /* change of the loss beyond which it chooses again */
#define EASY  3e-4 /* r^T D^-1 r after ten steps with Jacobi, over the first, from which on CG needs no more than about 40 */
#define QUICK 2e-4 /* the same with the classical factor, after fewer: */
#define FEW   8    /* about as many as it is tried for at first */

/* The shift goes with all but Jacobi, whose M^-1 is exact for what G leaves out; is the loss of the probe wanted? */
static PetscErrorCode Finish_Private(GNNChooser *c, GNNPlace at, PetscBool loss)
{
  PetscFunctionBegin;
  PetscCall(at->ops->finish(at, c->choice.kind == GNN_CHOICE_JACOBI ? 0.0 : c->epsilon, loss));
  PetscCall(at->ops->report(at));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The source of a choice. Jacobi is the one's that comes first */
static inline const GNNSource *SourceOf_Private(const GNNChooser *c)
{
  return c->choice.kind == GNN_CHOICE_FSAI ? &GNNSourceFsai : c->source;
}

/* Of network, start and Jacobi, from the network's slots, of which a share remains where the network is chosen */
static PetscErrorCode ChooseShare_Private(GNNChooser *c, GNNPlace at)
{
  const GNNConfig *config   = &c->settings.model->config;
  const PetscBool  residual = config->output == GNN_OUTPUT_RESIDUAL ? PETSC_TRUE : PETSC_FALSE;
  GNNChoice       *choice   = &c->choice;
  GNNTrial         M        = {.epsilon = c->epsilon};
  PetscBool        better, positive = PETSC_TRUE;
  PetscReal        alpha, largest;

  PetscFunctionBegin;
  PetscCall(GNNGuardCreate(at, &c->guard));
  PetscCall(GNNGuardBegin(c->guard, &largest));
  choice->damping = largest > 0.0 ? PetscMin(1.0, 2.4 / largest) : 1.0;
  choice->kind    = GNN_CHOICE_JACOBI;
  choice->alpha   = 0.0;
  PetscCall(GNNGuardShare(c->guard, config, choice->damping, c->epsilon, &alpha));
  if (residual) {
    M.slots = GNNGuardStart(c->guard);
    PetscCall(GNNGuardTry(c->guard, &M, PETSC_TRUE, &better));
    if (better) choice->kind = GNN_CHOICE_START;
    PetscCall(GNNGuardIsPositive(c->guard, at->slots, &positive));
  }
  if (alpha == 0.0 || !positive) PetscFunctionReturn(PETSC_SUCCESS);
  M.slots = at->slots;
  PetscCall(GNNGuardTry(c->guard, &M, PETSC_TRUE, &better));
  if (!better) PetscFunctionReturn(PETSC_SUCCESS);
  choice->kind  = GNN_CHOICE_NETWORK;
  choice->alpha = alpha;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is there anything to choose for: a coupled row, on a rank that chooses with this one? */
static PetscErrorCode IsCoupled_Private(GNNPlace at, PetscBool *coupled)
{
  PetscReal rows = at->report.coupled;

  PetscFunctionBegin;
  PetscCall(GNNHaloSum(at->g->halo, 1, &rows));
  *coupled = rows > 0.0 ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does the policy want the classical factor tried? A network of which only a share is taken, or that is no better than the start, has to be as
   good as that factor, too */
static PetscErrorCode WantsFsai_Private(const GNNChooser *c, GNNPlace at, PetscBool *wants)
{
  const PetscBool network = c->choice.kind == GNN_CHOICE_NETWORK ? PETSC_TRUE : PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(IsCoupled_Private(at, wants));
  if (c->policy < GNN_GUARD_FSAI) *wants = PETSC_FALSE;
  if (*wants) *wants = c->policy == GNN_GUARD_BEST || !network || c->choice.alpha < 1.0 || GNNGuardIsNarrow(c->guard) ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The classical factor comes after the network in the order, before start and Jacobi */
static PetscErrorCode TryFsai_Private(GNNChooser *c, GNNPlace at)
{
  const GNNTrial M = {.factor = PETSC_TRUE, .epsilon = c->epsilon};
  PetscBool      better;

  PetscFunctionBegin;
  PetscCall(at->ops->fsai(at, c->settings.threshold, c->settings.grow));
  PetscCall(PetscLogEventBegin(GNN_Assemble, 0, 0, 0, 0));
  PetscCall(at->ops->finish(at, c->epsilon, PETSC_FALSE));
  PetscCall(GNNGuardTry(c->guard, &M, c->choice.kind == GNN_CHOICE_NETWORK ? PETSC_FALSE : PETSC_TRUE, &better));
  PetscCall(PetscLogEventEnd(GNN_Assemble, 0, 0, 0, 0));
  if (better) c->choice = (GNNChoice){.kind = GNN_CHOICE_FSAI, .damping = c->choice.damping};
  else at->report.failed = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The network writes, the guard chooses, and what is chosen is made ready. The network's slots may be there already, from a choice that could not be kept */
static PetscErrorCode Anew_Private(GNNChooser *c, GNNPlace at, PetscBool written)
{
  const PetscBool guarded = c->policy != GNN_GUARD_NONE ? PETSC_TRUE : PETSC_FALSE;
  PetscBool       fsai    = PETSC_FALSE;

  PetscFunctionBegin;
  c->choice = (GNNChoice){.kind = GNN_CHOICE_NETWORK, .alpha = 1.0, .damping = 1.0};
  c->easy   = PETSC_FALSE;
  if (!written) PetscCall(at->ops->forward(at, c->settings.model, 1.0, 1.0));
  PetscCall(at->ops->report(at));
  if (at->report.status != GNN_GRAPH_OK) PetscFunctionReturn(PETSC_SUCCESS);
  if (guarded) {
    PetscCall(PetscLogEventBegin(GNN_Assemble, 0, 0, 0, 0));
    PetscCall(ChooseShare_Private(c, at));
    PetscCall(PetscLogEventEnd(GNN_Assemble, 0, 0, 0, 0));
    PetscCall(WantsFsai_Private(c, at, &fsai));
    if (fsai) PetscCall(TryFsai_Private(c, at));
  }
  PetscCall(PetscLogEventBegin(GNN_Assemble, 0, 0, 0, 0));
  if (c->choice.kind == GNN_CHOICE_NETWORK) PetscCall(at->ops->fill(at, c->settings.model->config.pattern));
  else if (c->choice.kind != GNN_CHOICE_FSAI) PetscCall(GNNSourceNetwork.write(at, &c->settings, &c->choice));
  PetscCall(Finish_Private(c, at, guarded));
  PetscCall(PetscLogEventEnd(GNN_Assemble, 0, 0, 0, 0));
  c->choice.loss = at->report.loss;
  c->made        = guarded && at->report.status == GNN_GRAPH_OK ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Bytes of an iteration of CG: the matrix, G twice, some vectors; over those without G. As if in single precision, the default: that is not to decide what is chosen */
static PetscErrorCode Work_Private(GNNPlace at, PetscReal *work)
{
  PetscReal bytes[2] = {GNNGraphEntries(at->g) * (PetscReal)(sizeof(PetscScalar) + sizeof(PetscInt)) + 14.0 * GNNGraphRows(at->g) * sizeof(PetscScalar), 2.0 * at->ops->entries(at) * GNNEntryBytes(GNN_SINGLE)};

  PetscFunctionBegin;
  PetscCall(GNNHaloSum(at->g->halo, 2, bytes));
  *work = 1.0 + bytes[1] / bytes[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Jacobi's steps come first: where they are few, nothing else pays. Few steps for one rank's block say nothing of the whole matrix */
static PetscErrorCode TryJacobi_Private(GNNChooser *c, GNNPlace at)
{
  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(GNN_Assemble, 0, 0, 0, 0));
  PetscCall(GNNGuardCreate(at, &c->guard));
  PetscCall(GNNGuardBegin(c->guard, NULL));
  PetscCall(PetscLogEventEnd(GNN_Assemble, 0, 0, 0, 0));
  c->easy = c->alone && GNNGuardFall(c->guard) <= EASY ? PETSC_TRUE : PETSC_FALSE;
  if (c->easy) c->choice.kind = GNN_CHOICE_JACOBI;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the classical factor, which is there, better than Jacobi? Else that takes its place */
static PetscErrorCode TryBesideJacobi_Private(GNNChooser *c, GNNPlace at)
{
  const GNNTrial M      = {.factor = PETSC_TRUE, .epsilon = c->epsilon};
  const PetscInt failed = at->report.failed; /* which tells why */
  PetscReal      work   = 1.0;
  PetscBool      pays;

  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(GNN_Assemble, 0, 0, 0, 0));
  PetscCall(at->ops->finish(at, c->epsilon, PETSC_FALSE));
  PetscCall(Work_Private(at, &work));
  PetscCall(GNNGuardPays(c->guard, &M, work, &pays));
  PetscCall(PetscLogEventEnd(GNN_Assemble, 0, 0, 0, 0));
  c->easy = c->alone && pays && GNNGuardFall(c->guard) <= QUICK ? PETSC_TRUE : PETSC_FALSE;
  if (pays) PetscFunctionReturn(PETSC_SUCCESS);
  c->choice.kind = GNN_CHOICE_JACOBI;
  PetscCall(c->source->write(at, &c->settings, &c->choice));
  at->report.failed = failed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The classical factor comes first. It need not be written again where only what comes behind it has changed */
static PetscErrorCode FsaiAnew_Private(GNNChooser *c, GNNPlace at, PetscInt stale)
{
  const PetscBool written = !(stale & (GNN_STALE_VALUES | GNN_STALE_SOURCE)) && c->choice.kind == GNN_CHOICE_FSAI ? PETSC_TRUE : PETSC_FALSE;
  PetscBool       guarded = PETSC_FALSE;

  PetscFunctionBegin;
  c->choice = (GNNChoice){.kind = GNN_CHOICE_FSAI, .damping = 1.0};
  c->easy   = PETSC_FALSE;
  if (c->policy != GNN_GUARD_NONE) PetscCall(at->ops->report(at));
  PetscCall(IsCoupled_Private(at, &guarded));
  if (c->policy == GNN_GUARD_NONE) guarded = PETSC_FALSE;
  if (guarded) PetscCall(TryJacobi_Private(c, at));
  if (!written || c->choice.kind == GNN_CHOICE_JACOBI) PetscCall(c->source->write(at, &c->settings, &c->choice));
  if (guarded && c->choice.kind == GNN_CHOICE_FSAI) PetscCall(TryBesideJacobi_Private(c, at));
  PetscCall(PetscLogEventBegin(GNN_Assemble, 0, 0, 0, 0));
  PetscCall(Finish_Private(c, at, PETSC_FALSE));
  PetscCall(PetscLogEventEnd(GNN_Assemble, 0, 0, 0, 0));
  c->made = guarded && at->report.status == GNN_GRAPH_OK ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Are the values near those that the choice was made for? */
static PetscErrorCode IsNear_Private(GNNChooser *c, GNNPlace at, PetscBool *near)
{
  PetscFunctionBegin;
  *near = PETSC_FALSE;
  if (!c->made) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscLogEventBegin(GNN_Assemble, 0, 0, 0, 0));
  PetscCall(GNNGuardCreate(at, &c->guard));
  PetscCall(GNNGuardIsNear(c->guard, near));
  PetscCall(PetscLogEventEnd(GNN_Assemble, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The choice of before with new values. The classical factor is the best one of its pattern whatever these are; a network has to show by its loss
   that it still is what it was. That may be a NaN */
static PetscErrorCode Keep_Private(GNNChooser *c, GNNPlace at)
{
  const PetscBool loss = c->choice.kind == GNN_CHOICE_FSAI || c->choice.kind == GNN_CHOICE_JACOBI ? PETSC_FALSE : PETSC_TRUE;

  PetscFunctionBegin;
  c->settings.grow = PETSC_FALSE;
  PetscCall(SourceOf_Private(c)->write(at, &c->settings, &c->choice));
  c->settings.grow = PETSC_TRUE;
  PetscCall(PetscLogEventBegin(GNN_Assemble, 0, 0, 0, 0));
  PetscCall(Finish_Private(c, at, loss));
  PetscCall(PetscLogEventEnd(GNN_Assemble, 0, 0, 0, 0));
  if (at->report.status == GNN_GRAPH_OK) c->kept = !loss || PetscAbsReal(at->report.loss - c->choice.loss) <= DRIFT * c->choice.loss ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* That CG needs few steps has to be seen again: couplings that are near do not say it, a small change of the diagonal makes a matrix hard. Where Jacobi
   no longer does, it is chosen anew; where the classical factor does not, a coarse space is wanted */
static PetscErrorCode StillEasy_Private(GNNChooser *c)
{
  const PetscBool jacobi = c->choice.kind == GNN_CHOICE_JACOBI ? PETSC_TRUE : PETSC_FALSE;
  const GNNTrial  M      = {.factor = jacobi ? PETSC_FALSE : PETSC_TRUE, .epsilon = c->epsilon};

  PetscFunctionBegin;
  if (!c->kept || !c->easy) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscLogEventBegin(GNN_Assemble, 0, 0, 0, 0));
  PetscCall(GNNGuardRun(c->guard, &M, jacobi ? GNN_STEPS : FEW));
  PetscCall(PetscLogEventEnd(GNN_Assemble, 0, 0, 0, 0));
  c->easy = GNNGuardFall(c->guard) <= (jacobi ? EASY : QUICK) ? PETSC_TRUE : PETSC_FALSE;
  if (jacobi) c->kept = c->easy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With a matrix that can be used */
static PetscErrorCode Choose_Private(GNNChooser *c, GNNPlace at, PetscInt stale)
{
  const PetscBool network = c->source == &GNNSourceNetwork ? PETSC_TRUE : PETSC_FALSE;
  PetscBool       near, whole = PETSC_FALSE; /* are the network's slots there? */

  PetscFunctionBegin;
  if (network || (stale & (GNN_STALE_VALUES | GNN_STALE_SOURCE))) at->report.replaced = at->report.failed = 0;
  PetscCall(IsNear_Private(c, at, &near));
  if (near) {
    PetscCall(Keep_Private(c, at));
    PetscCall(StillEasy_Private(c));
    whole = c->choice.kind == GNN_CHOICE_NETWORK && c->choice.alpha == 1.0 ? PETSC_TRUE : PETSC_FALSE;
  }
  if (c->kept || at->report.status != GNN_GRAPH_OK) PetscFunctionReturn(PETSC_SUCCESS);
  if (network) PetscCall(Anew_Private(c, at, whole));
  else PetscCall(FsaiAnew_Private(c, at, stale));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNChoose(GNNChooser *c, GNNPlace at, Mat local, PetscInt stale)
{
  const PetscInt chosen = GNN_STALE_SOURCE | GNN_STALE_CHOICE | GNN_STALE_SHIFT; /* a change of what a choice depends on but for the values */

  PetscFunctionBegin;
  c->kept    = PETSC_FALSE;
  at->filter = c->settings.filter;
  if (stale & chosen) c->made = PETSC_FALSE;
  if (stale & GNN_STALE_VALUES) {
    PetscCall(PetscLogEventBegin(GNN_Graph, 0, 0, 0, 0));
    PetscCall(at->ops->values(at, local, c->source == &GNNSourceNetwork ? c->settings.model->config.scaling : GNN_SCALING_DIAGONAL));
    PetscCall(PetscLogEventEnd(GNN_Graph, 0, 0, 0, 0));
  }
  if (at->report.status != GNN_GRAPH_OK) PetscFunctionReturn(PETSC_SUCCESS);
  if (stale & (GNN_STALE_VALUES | chosen)) PetscCall(Choose_Private(c, at, stale));
  if (at->report.status == GNN_GRAPH_OK) PetscCall(at->ops->store(at, c->precision));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* FNV-1a of the numbers of a pattern */
static unsigned long long HashPattern_Private(GNNGraph g)
{
  unsigned long long hash = 14695981039346656037ULL;

  hash = (hash ^ (unsigned long long)g->b) * 1099511628211ULL;
  for (PetscInt k = 0; k <= g->n; k++) hash = (hash ^ (unsigned long long)g->i[k]) * 1099511628211ULL;
  for (PetscInt k = 0; k < g->nz; k++) hash = (hash ^ (unsigned long long)g->j[k]) * 1099511628211ULL;
  return hash;
}

PetscErrorCode GNNChooserReset(GNNChooser *c, GNNGraph g)
{
  PetscFunctionBegin;
  PetscCall(GNNGuardDestroy(&c->guard));
  if (g && c->made) c->pattern = HashPattern_Private(g);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNChooserRecall(GNNChooser *c, GNNGraph g)
{
  PetscReal other = !c->made || c->pattern != HashPattern_Private(g);

  PetscFunctionBegin;
  PetscCall(GNNHaloSum(g->halo, 1, &other));
  if (other > 0.0) c->made = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
