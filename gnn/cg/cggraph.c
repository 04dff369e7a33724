/*
   The KSP type cggraph: KSPCG, of which the steps on a device are queued many at a time, gnn/cg/device.c. What a step found comes back later, and here
   it is gone through as KSPCG would have: history, monitors, convergence test, reasons. The scalars on the device ended the steps by the same
   rules, gnn/cgsteps.h.

   Where that cannot be it is KSPCG, from which it has all but its solve.
*/
#include <petsc/private/kspimpl.h> /*I "petscksp.h" I*/
#include "cg.h"
#include "../../pcgnnspai.h" /*I "pcgnnspai.h" I*/

#define CONTEXT "KSPCGGRAPH" /* by which it is attached: KSPCG has the KSP's own */

typedef struct {
  struct _KSPOps cg; /* KSPCG's operations */
  PetscErrorCode (*setradius)(KSP, PetscReal);
  PetscErrorCode (*settarget)(KSP, PetscReal);
  PetscErrorCode (*reduce)(KSP, PetscBool);
  PetscBool       bounded, targeted; /* is there a trust region; an objective's target? */
  const GNNCGOps *ops;               /* NULL: nobody does steps */
  GNNCGSteps      steps;             /* NULL before they are first done */
  const char     *plain;             /* why the last solve was KSPCG's, or NULL */
} KSP_CGGraph;

static PetscErrorCode KSPCGGraphGet_Private(KSP ksp, KSP_CGGraph **graph)
{
  PetscContainer container;
  void          *pointer;

  PetscFunctionBegin;
  *graph = NULL;
  PetscCall(PetscObjectQuery((PetscObject)ksp, CONTEXT, (PetscObject *)&container));
  PetscCheck(container, PetscObjectComm((PetscObject)ksp), PETSC_ERR_PLIB, "No KSP of type " KSPCGGRAPH);
  PetscCall(PetscContainerGetPointer(container, &pointer));
  *graph = (KSP_CGGraph *)pointer;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- may the steps be done without looking at them? ---- */

typedef void (*AnyFunction)(void);

#define IS(function, other) ((AnyFunction)(function) == (AnyFunction)(other))

#if PETSC_VERSION_GE(3, 20, 0)
static PetscBool Newer_Private(KSP ksp)
{
  return ksp->min_it > 0 || ksp->converged_neg_curve ? PETSC_TRUE : PETSC_FALSE;
}
#else
static PetscBool Newer_Private(PETSC_UNUSED KSP ksp)
{
  return PETSC_FALSE;
}
#endif

/* By what is asked of KSP */
static const char *Watched_Private(KSP ksp, const KSP_CGGraph *graph)
{
  const char *why = NULL;

  for (PetscInt k = 0; k < ksp->numbermonitors; k++) {
    if (!IS(ksp->monitor[k], KSPMonitorResidual)) why = "a monitor may look at the solution";
  }
  if (!IS(ksp->converged, KSPConvergedDefault) && !IS(ksp->converged, KSPConvergedSkip)) why = "the convergence test is the program's";
  if (ksp->chknorm >= 0 || ksp->lagnorm) why = "norms are left out";
  if (Newer_Private(ksp)) why = "a least number of iterations, or negative curvature, is wanted";
  if (ksp->calc_sings || ksp->calc_ritz) why = "eigenvalues are wanted";
  if (graph->bounded || graph->targeted) why = "there is a trust region, or a target";
  if (ksp->transpose_solve) why = "the transposed system is solved";
  if (ksp->reason) why = "the preconditioner failed";
  return why;
}

/* And by the system */
static PetscErrorCode Plain_Private(KSP ksp, const KSP_CGGraph *graph, const GNNCGSystem *s, const char **why)
{
  MatNullSpace null[2];
  Mat          P;
  PetscMPIInt  size;

  PetscFunctionBegin;
  *why = Watched_Private(ksp, graph);
  PetscCall(PCGetOperators(ksp->pc, NULL, &P));
  PetscCall(MatGetNullSpace(s->A, &null[0]));
  PetscCall(MatGetNullSpace(P, &null[1]));
  if (null[0] || null[1]) *why = "the matrix has a null space attached";
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)ksp), &size));
  if (size > 1) *why = "there are several ranks";
  else if (graph->ops == NULL) *why = "the matrix is not on a device";
  else if (*why == NULL) PetscCall(graph->ops->supports(s, why));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what KSPCG does before its first step ---- */

static PetscErrorCode Residual_Private(KSP ksp, const GNNCGSystem *s)
{
  PetscFunctionBegin;
  if (ksp->guess_zero) PetscCall(VecCopy(ksp->vec_rhs, s->r));
  else {
    PetscCall(KSP_MatMult(ksp, s->A, s->x, s->r));
    PetscCall(VecAYPX(s->r, -1.0, ksp->vec_rhs));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The norm, and z^T r if it comes with it */
static PetscErrorCode Norm_Private(KSP ksp, const GNNCGSystem *s, PetscReal *dp, PetscScalar *beta)
{
  PetscFunctionBegin;
  *dp = 0.0;
  if (ksp->normtype == KSP_NORM_PRECONDITIONED || ksp->normtype == KSP_NORM_NATURAL) PetscCall(KSP_PCApply(ksp, s->r, s->z));
  if (ksp->normtype == KSP_NORM_PRECONDITIONED) PetscCall(VecNorm(s->z, NORM_2, dp));
  else if (ksp->normtype == KSP_NORM_UNPRECONDITIONED) PetscCall(VecNorm(s->r, NORM_2, dp));
  else if (ksp->normtype == KSP_NORM_NATURAL) {
    PetscCall(VecTDot(s->z, s->r, beta));
    KSPCheckDot(ksp, *beta);
    *dp = PetscSqrtReal(PetscAbsScalar(*beta));
  }
  KSPCheckNorm(ksp, *dp);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Look_Private(KSP ksp, PetscInt it, PetscReal dp)
{
  PetscFunctionBegin;
  ksp->rnorm = dp;
  PetscCall(KSPLogResidualHistory(ksp, dp));
  PetscCall(KSPMonitor(ksp, it, dp));
  PetscCall((*ksp->converged)(ksp, it, dp, &ksp->reason, ksp->cnvP));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Start_Private(KSP ksp, const GNNCGSystem *s, PetscScalar *beta)
{
  PetscReal dp;

  PetscFunctionBegin;
  ksp->its = 0;
  PetscCall(Residual_Private(ksp, s));
  PetscCall(Norm_Private(ksp, s, &dp, beta));
  if (ksp->reason) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Look_Private(ksp, 0, dp));
  if (ksp->reason || ksp->normtype == KSP_NORM_NATURAL) PetscFunctionReturn(PETSC_SUCCESS);
  if (ksp->normtype != KSP_NORM_PRECONDITIONED) PetscCall(KSP_PCApply(ksp, s->r, s->z));
  PetscCall(VecTDot(s->z, s->r, beta));
  KSPCheckDot(ksp, *beta);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the steps need to know */
static GNNCG Scalars_Private(KSP ksp, PetscScalar beta)
{
  const PetscBool tests = IS(ksp->converged, KSPConvergedDefault) ? PETSC_TRUE : PETSC_FALSE;
  GNNCG           cg    = {.beta = PetscRealPart(beta), .most = (int)PetscMin(PetscMax(ksp->max_it, 1), PETSC_MPI_INT_MAX), .least = -1.0, .largest = PETSC_INFINITY};

  cg.norm = ksp->normtype == KSP_NORM_PRECONDITIONED ? GNN_CG_PRECONDITIONED : ksp->normtype == KSP_NORM_UNPRECONDITIONED ? GNN_CG_UNPRECONDITIONED : ksp->normtype == KSP_NORM_NATURAL ? GNN_CG_NATURAL : GNN_CG_NO_NORM;
  if (tests) cg.least = ksp->ttol;
  if (tests) cg.largest = ksp->divtol * ksp->rnorm0;
  GNNCGNext(&cg);
  return cg;
}

/* ---- what KSPCG does after a step ---- */

static PetscErrorCode Follow_Private(KSP ksp, PetscInt step, PetscReal dp)
{
  PetscFunctionBegin;
  ksp->its = step + 1;
  KSPCheckNorm(ksp, dp);
  PetscCall(Look_Private(ksp, step + 1, dp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Diverged_Private(KSP ksp, KSPConvergedReason reason, const char what[], PetscReal now, PetscReal before)
{
  PetscFunctionBegin;
  PetscCheck(!ksp->errorifnotconverged, PetscObjectComm((PetscObject)ksp), PETSC_ERR_NOT_CONVERGED, "Diverged due to indefinite %s: %g, before %g", what, (double)now, (double)before);
  PetscCall(PetscInfo(ksp, "diverging due to indefinite %s\n", what));
  ksp->reason = reason;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the norms gave no reason; the step that is not done counts where it was begun */
static PetscErrorCode End_Private(KSP ksp, const GNNCG *cg)
{
  PetscFunctionBegin;
  PetscCheck(cg->ended != GNN_CG_NORM, PetscObjectComm((PetscObject)ksp), PETSC_ERR_PLIB, "The steps ended after %d for no reason", cg->step);
  if (cg->ended == GNN_CG_NO_BETA) KSPCheckDot(ksp, cg->beta);
  if (cg->ended == GNN_CG_MOST) {
    ksp->reason = KSP_DIVERGED_ITS;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  ksp->its = cg->step + 1;
  if (cg->ended == GNN_CG_NO_CURVATURE) KSPCheckDot(ksp, cg->dpi);
  if (cg->ended == GNN_CG_ZERO) {
    PetscCall(PetscInfo(ksp, "converged due to beta = 0\n"));
    ksp->reason = KSP_CONVERGED_ATOL;
  } else if (cg->ended == GNN_CG_INDEFINITE_PC) PetscCall(Diverged_Private(ksp, KSP_DIVERGED_INDEFINITE_PC, "preconditioner", cg->beta, cg->betaold));
  else PetscCall(Diverged_Private(ksp, KSP_DIVERGED_INDEFINITE_MAT, "matrix", cg->dpi, cg->dpiold));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Steps until it has converged, if the norm goes on to fall as it has fallen so far */
static PetscInt Wanted_Private(KSP ksp, PetscInt done, const GNNCG *cg)
{
  const PetscReal fall = done > 0 && ksp->rnorm > 0.0 && ksp->rnorm0 > ksp->rnorm ? PetscLogReal(ksp->rnorm0 / ksp->rnorm) / done : 0.0;
  PetscReal       left = cg->most - done;

  if (cg->norm != GNN_CG_NO_NORM && cg->least >= 0.0) left = fall > 0.0 && cg->least > 0.0 ? PetscMin(left, PetscLogReal(ksp->rnorm / cg->least) / fall) : 1.0;
  return (PetscInt)PetscMax(1.0, PetscMin(left, GNN_CG_NORMS));
}

static PetscErrorCode Steps_Private(KSP ksp, KSP_CGGraph *graph, const GNNCGSystem *s, PetscScalar beta)
{
  GNNCG     cg   = Scalars_Private(ksp, beta);
  PetscInt  done = 0;
  PetscReal norm[GNN_CG_NORMS];

  PetscFunctionBegin;
  PetscCall(graph->ops->begin(&graph->steps, s, &cg));
  while (!ksp->reason) {
    PetscCall(graph->ops->run(graph->steps, Wanted_Private(ksp, done, &cg), &cg, norm));
    for (; !ksp->reason && done < cg.step; done++) PetscCall(Follow_Private(ksp, done, norm[done % GNN_CG_NORMS]));
    if (!ksp->reason && cg.ended) PetscCall(End_Private(ksp, &cg));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the type ---- */

static PetscErrorCode KSPSolve_CGGraph(KSP ksp)
{
  GNNCGSystem  s = {.pc = ksp->pc, .x = ksp->vec_sol, .r = ksp->work[0], .z = ksp->work[1], .p = ksp->work[2]};
  KSP_CGGraph *graph;
  PetscScalar  beta = 0.0;

  PetscFunctionBegin;
  PetscCall(KSPCGGraphGet_Private(ksp, &graph));
  PetscCall(PCGetOperators(ksp->pc, &s.A, NULL));
  PetscCall(Plain_Private(ksp, graph, &s, &graph->plain));
  if (graph->plain) {
    PetscCall(PetscInfo(ksp, "As plain CG: %s\n", graph->plain));
    PetscCall((*graph->cg.solve)(ksp));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Start_Private(ksp, &s, &beta));
  if (!ksp->reason) PetscCall(Steps_Private(ksp, graph, &s, beta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode KSPView_CGGraph(KSP ksp, PetscViewer viewer)
{
  KSP_CGGraph *graph;
  PetscBool    isascii;

  PetscFunctionBegin;
  PetscCall(KSPCGGraphGet_Private(ksp, &graph));
  if (graph->cg.view) PetscCall((*graph->cg.view)(ksp, viewer));
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &isascii));
  if (!isascii) PetscFunctionReturn(PETSC_SUCCESS);
  if (ksp->ops->solve != KSPSolve_CGGraph) PetscCall(PetscViewerASCIIPrintf(viewer, "  as plain CG: a variant of it was asked for\n"));
  else if (graph->plain) PetscCall(PetscViewerASCIIPrintf(viewer, "  as plain CG: %s\n", graph->plain));
  else if (graph->steps) PetscCall(graph->ops->view(graph->steps, viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode KSPReset_CGGraph(KSP ksp)
{
  KSP_CGGraph *graph;

  PetscFunctionBegin;
  PetscCall(KSPCGGraphGet_Private(ksp, &graph));
  if (graph->steps) PetscCall(graph->ops->destroy(&graph->steps));
  if (graph->cg.reset) PetscCall((*graph->cg.reset)(ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* KSPCG's settings that end its steps otherwise; older versions have not all */
static PetscErrorCode KSPCGSetRadius_CGGraph(KSP ksp, PetscReal radius)
{
  KSP_CGGraph *graph;

  PetscFunctionBegin;
  PetscCall(KSPCGGraphGet_Private(ksp, &graph));
  graph->bounded = radius != 0.0 ? PETSC_TRUE : PETSC_FALSE;
  PetscCall((*graph->setradius)(ksp, radius));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode KSPCGSetObjectiveTarget_CGGraph(KSP ksp, PetscReal target)
{
  KSP_CGGraph *graph;

  PetscFunctionBegin;
  PetscCall(KSPCGGraphGet_Private(ksp, &graph));
  graph->targeted = target < 0.0 ? PETSC_TRUE : PETSC_FALSE;
  PetscCall((*graph->settarget)(ksp, target));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* It swaps the solve */
static PetscErrorCode KSPCGUseSingleReduction_CGGraph(KSP ksp, PetscBool single)
{
  KSP_CGGraph *graph;

  PetscFunctionBegin;
  PetscCall(KSPCGGraphGet_Private(ksp, &graph));
  PetscCall((*graph->reduce)(ksp, single));
  if (!single) ksp->ops->solve = KSPSolve_CGGraph;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Wrap_Private(KSP ksp, KSP_CGGraph *graph)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectQueryFunction((PetscObject)ksp, "KSPCGSetRadius_C", &graph->setradius));
  PetscCall(PetscObjectQueryFunction((PetscObject)ksp, "KSPCGSetObjectiveTarget_C", &graph->settarget));
  PetscCall(PetscObjectQueryFunction((PetscObject)ksp, "KSPCGUseSingleReduction_C", &graph->reduce));
  if (graph->setradius) PetscCall(PetscObjectComposeFunction((PetscObject)ksp, "KSPCGSetRadius_C", KSPCGSetRadius_CGGraph));
  if (graph->reduce) PetscCall(PetscObjectComposeFunction((PetscObject)ksp, "KSPCGUseSingleReduction_C", KSPCGUseSingleReduction_CGGraph));
  if (graph->settarget) PetscCall(PetscObjectComposeFunction((PetscObject)ksp, "KSPCGSetObjectiveTarget_C", KSPCGSetObjectiveTarget_CGGraph));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode KSPDestroy_CGGraph(KSP ksp)
{
  PetscErrorCode (*destroy)(KSP);
  KSP_CGGraph *graph;

  PetscFunctionBegin;
  PetscCall(KSPCGGraphGet_Private(ksp, &graph));
  if (graph->steps) PetscCall(graph->ops->destroy(&graph->steps));
  destroy = graph->cg.destroy;
  PetscCall(PetscFree(graph));
  PetscCall(PetscObjectCompose((PetscObject)ksp, CONTEXT, NULL));
  PetscCall((*destroy)(ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KSPCGGraphSetOps_Private(KSP ksp, const GNNCGOps *ops)
{
  KSP_CGGraph *graph;

  PetscFunctionBegin;
  PetscCall(KSPCGGraphGet_Private(ksp, &graph));
  graph->ops = ops;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*MC
   KSPCGGRAPH - The preconditioned conjugate gradient method, `KSPCG`, without a wait for the GPU in each iteration

   Level: intermediate

   Notes:
   Options are those of `KSPCG`.

   `KSPCG` reads three numbers back to the host in each iteration, and launches each operation by itself: for some ten thousand unknowns an
   iteration is that, not arithmetic. Here the scalars stay on the device, products and sums are fused, and several iterations are captured as a CUDA graph that is
   launched as a whole. The norms come back together. Iterates, residual history, monitors, number of iterations and `KSPConvergedReason` are those of `KSPCG`, to
   rounding: a step beyond the one that converged changes nothing.

   It helps where matrix and vectors are small enough for the launches to matter, below about a million unknowns.

   It is plain `KSPCG`, and `KSPView()` says why, where the matrix or the vectors are not on a device, `MATSEQAIJCUSPARSE` and `VECSEQCUDA`; on several ranks; with a convergence
   test other than `KSPConvergedDefault()` and `KSPConvergedSkip()`, with a monitor other than `-ksp_monitor`, which may look at the solution; with a null space attached, eigenvalues, a
   trust region, a transposed system, a least number of iterations, the single reduction, norms that are left out. Every preconditioner can be used: with `PCJACOBI`, `PCNONE` and `PCGNNSPAI`, where its product is on the device, an iteration is in the graph; with others
   one number is read back in each iteration instead of three.

   In `-log_view` the iterations of a graph are part of the event `KSPSolve`, with their flops: they are no calls of `MatMult()` and `PCApply()`.

.seealso: [](ch_ksp), `KSPCG`, `KSPSetType()`, `KSPType`, `KSP`, `PCGNNSPAI`, `PCGNNSPAIRegister()`, `MATSEQAIJCUSPARSE`
M*/
PETSC_INTERN PetscErrorCode KSPCreate_CGGraph(KSP ksp)
{
  PetscErrorCode (*create)(KSP);
  PetscContainer container;
  KSP_CGGraph   *graph;

  PetscFunctionBegin;
  PetscCall(PetscFunctionListFind(KSPList, KSPCG, &create));
  PetscCheck(create, PetscObjectComm((PetscObject)ksp), PETSC_ERR_ARG_UNKNOWN_TYPE, "This PETSc has no " KSPCG ", of which " KSPCGGRAPH " is made");
  PetscCall((*create)(ksp));
  PetscCall(PetscNew(&graph));
  PetscCall(PetscContainerCreate(PETSC_COMM_SELF, &container));
  PetscCall(PetscContainerSetPointer(container, graph));
  PetscCall(PetscObjectCompose((PetscObject)ksp, CONTEXT, (PetscObject)container));
  PetscCall(PetscContainerDestroy(&container));
  graph->ops        = GNN_CG_OPS;
  graph->cg         = *ksp->ops;
  ksp->ops->solve   = KSPSolve_CGGraph;
  ksp->ops->view    = KSPView_CGGraph;
  ksp->ops->reset   = KSPReset_CGGraph;
  ksp->ops->destroy = KSPDestroy_CGGraph;
  PetscCall(Wrap_Private(ksp, graph));
  PetscFunctionReturn(PETSC_SUCCESS);
}
