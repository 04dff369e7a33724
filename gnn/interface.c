/*
   The public functions of pcgnnspai.h: each checks its arguments and passes them to the method that the type composed; a PC of another type
   ignores a setter, and a getter is an error.
*/
#include <petsc/private/petscimpl.h>
#include "../pcgnnspai.h" /*I "pcgnnspai.h" I*/
#include "compat.h"

/*@
  PCGNNSPAISetModel - Sets the trained network that writes the factor

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc   - the preconditioner context
- name - a safetensors file, or the name of a built-in model (`general`, `heat`, `poisson`, `synthetic`, `hyperelasticity`)

  Options Database Key:
. -pc_gnnspai_model name - the model

  Level: beginner

  Notes:
  The file is read by one rank at the next `PCSetUp()`, and broadcast. A file that cannot be read is an error that names the
  file, the tensor and what was expected.

  Models are trained by `gnnspai-train` from matrices dumped by an application with `-ksp_view_mat binary:A.dat`.

  A model of block size b > 1 needs a matrix whose block size, see `MatSetBlockSize()`, is a multiple of b; where not all its b x b
  blocks are full, `general` is used instead, as `PCView()` says. A model of block size 1 takes any matrix. By default the block size of the
  matrix chooses: `general`, or for b > 1 the built-in model `generalb`, `general3` say, where there is one.

.seealso: `PCGNNSPAI`, `PCGNNSPAIGetModel()`, `PCGNNSPAISetNetwork()`, `MatSetBlockSize()`
@*/
PetscErrorCode PCGNNSPAISetModel(PC pc, const char name[])
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(name, 2);
  PetscTryMethod(pc, "PCGNNSPAISetModel_C", (PC, const char[]), (pc, name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAIGetModel - Gets the name of the model

  Not Collective; No Fortran Support

  Input Parameter:
. pc - the preconditioner context

  Output Parameter:
. name - file or built-in name; `general` where none was set, whatever the block size then chooses; borrowed

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
  whichever lowers the energy norm of the error most in ten steps of CG. The choice shows in `PCView()`. Without it the coarse space is not
  checked either, see `PCGNNSPAISetCoarse()`.

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

/*@
  PCGNNSPAIGetGuardAlpha - Gets the share of the network's output that the guard let through on this rank

  Not Collective; No Fortran Support

  Input Parameter:
. pc - the preconditioner context, set up

  Output Parameter:
. alpha - 1, 1/2, 1/4, or 0 where the factor is the damped start, -1 where it is Jacobi's, -2 where it is the classical one

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

/*@
  PCGNNSPAISetValues - Sets what writes the factor: the network, or the rows of the classical one

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc     - the preconditioner context
- values - `PC_GNNSPAI_VALUES_NETWORK`, the default, or `PC_GNNSPAI_VALUES_FSAI`

  Options Database Key:
. -pc_gnnspai_values (network|fsai) - what writes G

  Level: intermediate

  Notes:
  The classical factor (FSAI) is $L = G^T$, triangular, whose rows make the condition number of $L\tilde{A}L^T$ least in Kaporin's sense on their
  pattern: the lower triangle of A, or one that each row grows by itself, see `PCGNNSPAISetThreshold()`. It reads no model, has no guard, and its
  $\epsilon$ is 0 unless `PCGNNSPAISetEpsilon()` says otherwise, since L is not singular.

  A row keeps at most 64 entries beside the diagonal, the largest. Where the matrix is not positive definite in the arithmetic, the row is
  Jacobi's; `PCView()` counts such rows.

.seealso: `PCGNNSPAI`, `PCGNNSPAIGetValues()`, `PCGNNSPAISetThreshold()`, `PCGNNSPAISetStages()`, `PCGNNSPAISetOrder()`
@*/
PetscErrorCode PCGNNSPAISetValues(PC pc, PCGNNSPAIValues values)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscValidLogicalCollectiveEnum(pc, values, 2);
  PetscTryMethod(pc, "PCGNNSPAISetValues_C", (PC, PCGNNSPAIValues), (pc, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAIGetValues - Gets what writes the factor

  Not Collective; No Fortran Support

  Input Parameter:
. pc - the preconditioner context

  Output Parameter:
. values - what writes the factor

  Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetValues()`
@*/
PetscErrorCode PCGNNSPAIGetValues(PC pc, PCGNNSPAIValues *values)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(values, 2);
  PetscUseMethod(pc, "PCGNNSPAIGetValues_C", (PC, PCGNNSPAIValues *), (pc, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAISetThreshold - Sets by which entries the rows of the classical factor grow

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc        - the preconditioner context
- threshold - the threshold, in [0, 1), by default 0.07; 0 for the static pattern of the lower triangle of A

  Options Database Key:
. -pc_gnnspai_threshold threshold - least entry that a row keeps

  Level: intermediate

  Note:
  Entries are measured in the matrix scaled to a unit diagonal and relative to the row's own diagonal entry. A larger threshold makes G
  sparser and its set-up cheaper. From 0.05 to 0.15 are sensible values. In a row whose largest entry off the diagonal
  is below 1/3 the threshold is multiplied by 3 times that entry: so rows of many entries that are all small, as those of 27-point
  stencils, keep the larger ones.

.seealso: `PCGNNSPAI`, `PCGNNSPAIGetThreshold()`, `PCGNNSPAISetValues()`, `PCGNNSPAISetStages()`
@*/
PetscErrorCode PCGNNSPAISetThreshold(PC pc, PetscReal threshold)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscValidLogicalCollectiveReal(pc, threshold, 2);
  PetscCheck(threshold >= 0.0 && threshold < 1.0, PetscObjectComm((PetscObject)pc), PETSC_ERR_ARG_OUTOFRANGE, "-pc_gnnspai_threshold %g must be in [0, 1)", (double)threshold);
  PetscTryMethod(pc, "PCGNNSPAISetThreshold_C", (PC, PetscReal), (pc, threshold));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAIGetThreshold - Gets the threshold of the classical factor

  Not Collective; No Fortran Support

  Input Parameter:
. pc - the preconditioner context

  Output Parameter:
. threshold - the threshold of the classical factor

  Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetThreshold()`
@*/
PetscErrorCode PCGNNSPAIGetThreshold(PC pc, PetscReal *threshold)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(threshold, 2);
  PetscUseMethod(pc, "PCGNNSPAIGetThreshold_C", (PC, PetscReal *), (pc, threshold));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAISetStages - Sets how many times a row of the classical factor grows

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc     - the preconditioner context
- stages - how many times, by default 2; of no effect where the threshold is 0

  Options Database Key:
. -pc_gnnspai_stages stages - number of stages

  Level: intermediate

  Note:
  Each stage solves for the row on its pattern, adds neighbours whose gradient is above the threshold and drops what is below it.
  With 0 stages the pattern is that of the scaled matrix's entries above the threshold.

.seealso: `PCGNNSPAI`, `PCGNNSPAIGetStages()`, `PCGNNSPAISetValues()`, `PCGNNSPAISetThreshold()`
@*/
PetscErrorCode PCGNNSPAISetStages(PC pc, PetscInt stages)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscValidLogicalCollectiveInt(pc, stages, 2);
  PetscCheck(stages >= 0, PetscObjectComm((PetscObject)pc), PETSC_ERR_ARG_OUTOFRANGE, "-pc_gnnspai_stages %" PetscInt_FMT " must not be negative", stages);
  PetscTryMethod(pc, "PCGNNSPAISetStages_C", (PC, PetscInt), (pc, stages));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAIGetStages - Gets how many times a row of the classical factor grows

  Not Collective; No Fortran Support

  Input Parameter:
. pc - the preconditioner context

  Output Parameter:
. stages - how many times a row of the classical factor grows

  Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetStages()`
@*/
PetscErrorCode PCGNNSPAIGetStages(PC pc, PetscInt *stages)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(stages, 2);
  PetscUseMethod(pc, "PCGNNSPAIGetStages_C", (PC, PetscInt *), (pc, stages));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAISetOrder - Sets in which order the classical factor takes the rows

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc    - the preconditioner context
- order - `PC_GNNSPAI_ORDER_NATURAL` or `PC_GNNSPAI_ORDER_ROWSUM`

  Options Database Key:
. -pc_gnnspai_order (natural|rowsum) - order of the rows

  Level: intermediate

  Note:
  Row i of the factor may use the columns that come before i. No vector is permuted.

.seealso: `PCGNNSPAI`, `PCGNNSPAIGetOrder()`, `PCGNNSPAISetValues()`
@*/
PetscErrorCode PCGNNSPAISetOrder(PC pc, PCGNNSPAIOrder order)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscValidLogicalCollectiveEnum(pc, order, 2);
  PetscTryMethod(pc, "PCGNNSPAISetOrder_C", (PC, PCGNNSPAIOrder), (pc, order));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAIGetOrder - Gets in which order the classical factor takes the rows

  Not Collective; No Fortran Support

  Input Parameter:
. pc - the preconditioner context

  Output Parameter:
. order - in which order the classical factor takes the rows

  Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetOrder()`
@*/
PetscErrorCode PCGNNSPAIGetOrder(PC pc, PCGNNSPAIOrder *order)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(order, 2);
  PetscUseMethod(pc, "PCGNNSPAIGetOrder_C", (PC, PCGNNSPAIOrder *), (pc, order));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAISetFallback - Sets what to do where the guard refuses the network's factor

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc       - the preconditioner context
- fallback - `PC_GNNSPAI_FALLBACK_FSAI`, the default, `PC_GNNSPAI_FALLBACK_JACOBI`, `PC_GNNSPAI_FALLBACK_BEST` or `PC_GNNSPAI_FALLBACK_ERROR`

  Options Database Key:
. -pc_gnnspai_fallback (error|fsai|jacobi|best) - what to do then

  Level: intermediate

  Notes:
  The guard, see `PCGNNSPAISetGuard()`, refuses the factor where a start that needs no network, or Jacobi, does better in ten steps of CG. Each
  rank has its own guard. `PC_GNNSPAI_FALLBACK_FSAI` computes the classical factor there (`PCGNNSPAISetThreshold()` and the like hold for it)
  and takes it if it does better still; also where the network does no better than that start, within 2 percent, or the guard takes a share of
  it only. `PC_GNNSPAI_FALLBACK_JACOBI` stays with that start or Jacobi. With `PC_GNNSPAI_FALLBACK_ERROR` the set-up
  fails, and `KSPSolve()` ends with `KSP_DIVERGED_PC_FAILED`. `PC_GNNSPAI_FALLBACK_BEST` computes the classical factor at every first choice and
  takes it wherever it does better, also than a network's factor that the guard accepts: fewer iterations for a dearer first set-up.

  `PCView()` shows what was used.

.seealso: `PCGNNSPAI`, `PCGNNSPAIGetFallback()`, `PCGNNSPAISetGuard()`, `PCGNNSPAISetValues()`
@*/
PetscErrorCode PCGNNSPAISetFallback(PC pc, PCGNNSPAIFallback fallback)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscValidLogicalCollectiveEnum(pc, fallback, 2);
  PetscTryMethod(pc, "PCGNNSPAISetFallback_C", (PC, PCGNNSPAIFallback), (pc, fallback));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAIGetFallback - Gets what is done where the guard refuses the network's factor

  Not Collective; No Fortran Support

  Input Parameter:
. pc - the preconditioner context

  Output Parameter:
. fallback - what is done where the guard refuses the network's factor

  Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetFallback()`
@*/
PetscErrorCode PCGNNSPAIGetFallback(PC pc, PCGNNSPAIFallback *fallback)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(fallback, 2);
  PetscUseMethod(pc, "PCGNNSPAIGetFallback_C", (PC, PCGNNSPAIFallback *), (pc, fallback));
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

  Rows that are all but decoupled, such as those that a penalty on the diagonal holds, take no aggregates. With the guard (`PCGNNSPAISetGuard()`) CG is run
  with Q and without it, side by side, for 10 to 100 steps on one probe, and Q is left out, as `PCView()` shows, where CG does better without it. The aggregates and that verdict
  are kept for new values in the same pattern until the couplings, the near-null space or its energy have become others.

.seealso: `PCGNNSPAI`, `PCGNNSPAIGetCoarse()`, `PCGNNSPAISetCoarseType()`, `PCGNNSPAISetCoarseSmooth()`, `MatSetNearNullSpace()`
@*/
PetscErrorCode PCGNNSPAISetCoarse(PC pc, PetscInt n)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscValidLogicalCollectiveInt(pc, n, 2);
  PetscCheck(n >= 0 || n == PETSC_DECIDE, PetscObjectComm((PetscObject)pc), PETSC_ERR_ARG_OUTOFRANGE, "-pc_gnnspai_coarse is %" PetscInt_FMT ": give a number of aggregates, 0 for no coarse space or -1 for one by the size", n);
  PetscTryMethod(pc, "PCGNNSPAISetCoarse_C", (PC, PetscInt), (pc, n));
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

/*@
  PCGNNSPAISetMath - Sets the arithmetic of the network's products on a device

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc   - the preconditioner context
- math - `PC_GNNSPAI_MATH_TF32`, the default, or `PC_GNNSPAI_MATH_FP32`

  Options Database Key:
. -pc_gnnspai_math (fp32|tf32) - the arithmetic

  Level: intermediate

  Note:
  TF32 takes the tensor cores: weights and states are rounded to 11 bits before they are multiplied, sums stay in single precision. The
  factor then differs from the one of FP32 by about a thousandth. On the host it is always FP32.

.seealso: `PCGNNSPAI`, `PCGNNSPAIGetMath()`
@*/
PetscErrorCode PCGNNSPAISetMath(PC pc, PCGNNSPAIMath math)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscValidLogicalCollectiveEnum(pc, math, 2);
  PetscTryMethod(pc, "PCGNNSPAISetMath_C", (PC, PCGNNSPAIMath), (pc, math));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAIGetMath - Gets the arithmetic of the network's products on a device

  Not Collective; No Fortran Support

  Input Parameter:
. pc - the preconditioner context

  Output Parameter:
. math - the arithmetic

  Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetMath()`
@*/
PetscErrorCode PCGNNSPAIGetMath(PC pc, PCGNNSPAIMath *math)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(math, 2);
  PetscUseMethod(pc, "PCGNNSPAIGetMath_C", (PC, PCGNNSPAIMath *), (pc, math));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAISetNodeFeatures - Gives the network numbers of the application's at each node, coordinates or coefficients, say

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc       - the preconditioner context
- features - vector of block size k, with k numbers for each of this rank's (block) rows, or `NULL`; a reference is taken

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

/*@
  PCGNNSPAIGetFactor - Gets the factor G of this rank's diagonal block

  Not Collective; No Fortran Support

  Input Parameter:
. pc - the preconditioner context, set up

  Output Parameter:
. G - the factor, a `MATSEQAIJ` on `PETSC_COMM_SELF`, or a `MATSEQAIJCUSPARSE` if the matrix is one, borrowed; valid until the next `PCSetUp()`

  Options Database Key:
. -pc_gnnspai_view_factor viewer - view G at every set-up

  Level: intermediate

  Note:
  G belongs to the scaled system: $M^{-1} = S(GG^T + \epsilon I)S^T$, with $S = D^{-1/2}$ where the model's scaling is diagonal; for a
  model of block size b > 1, $S_i = L_i^{-T}$ with the Cholesky factors of the diagonal blocks $D_i = L_i L_i^T$.
  Rows and columns of decoupled unknowns are empty; there $M^{-1}$ is $1/a_{ii}$, or $D_i^{-1}$ where a whole block is decoupled.

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
