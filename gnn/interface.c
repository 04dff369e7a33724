/*
   The public functions of pcgnnspai.h: each checks its arguments and passes them to the method that the type composed; a PC of another type
   ignores a setter, and a getter is an error.
*/
#include <petsc/private/petscimpl.h>
#include "../pcgnnspai.h" /*I "pcgnnspai.h" I*/
#include "compat.h"
#include "register.h"

/* Values from 0 to the last one; a setter is called from C, where any number will compile */
#define CheckEnum(pc, value, last, type) PetscCheck((int)(value) >= 0 && (int)(value) <= (int)(last), PetscObjectComm((PetscObject)(pc)), PETSC_ERR_ARG_OUTOFRANGE, "%d is no value of " type, (int)(value))

/*@
  PCGNNSPAISetValues - Sets what writes the factor: the network, or the rows of the classical one

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc     - the preconditioner context
- values - `PC_GNNSPAI_VALUES_AUTO`, the default, `PC_GNNSPAI_VALUES_NETWORK` or `PC_GNNSPAI_VALUES_FSAI`

  Options Database Key:
. -pc_gnnspai_values (network|fsai|auto) - what writes G

  Level: intermediate

  Notes:
  `PC_GNNSPAI_VALUES_AUTO` takes the network on a device, where its set-up is the cheaper one, and wherever a model is named (`PCGNNSPAISetModel()`) or it is
  given features (`PCGNNSPAISetNodeFeatures()`); else, on the host, the classical factor. `PCView()` shows which.

  The classical factor (FSAI) is $L = G^T$, triangular, whose rows make the condition number of $L\tilde{A}L^T$ least in Kaporin's sense on their
  pattern: the lower triangle of A, or one that each row grows by itself, see `PCGNNSPAISetThreshold()`. It reads no model, and its
  $\epsilon$ is 0 unless `PCGNNSPAISetEpsilon()` says otherwise, since L is not singular.

  Row i uses columns before i, as the rows are numbered, and keeps at most 64 entries beside the diagonal, the largest. Where the matrix is not positive definite in the arithmetic, the row is
  Jacobi's; `PCView()` counts such rows.

.seealso: `PCGNNSPAI`, `PCGNNSPAIGetValues()`, `PCGNNSPAISetThreshold()`, `PCGNNSPAISetGuard()`
@*/
PetscErrorCode PCGNNSPAISetValues(PC pc, PCGNNSPAIValues values)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscValidLogicalCollectiveEnum(pc, values, 2);
  CheckEnum(pc, values, PC_GNNSPAI_VALUES_AUTO, "PCGNNSPAIValues");
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
  PCGNNSPAISetModel - Sets the trained network that writes the factor

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc   - the preconditioner context
- name - a safetensors file, or the name of a built-in model (`general`, `small`, `heat`, `poisson`, `synthetic`; for block size 3 `general3`, `hyperelasticity`)

  Options Database Key:
. -pc_gnnspai_model name - the model

  Level: beginner

  Notes:
  The file is read by one rank at the next `PCSetUp()`, and broadcast. A file that cannot be read is an error that names the
  file, the tensor and what was expected.

  Models are trained by `gnnspai-train` from matrices dumped by an application with `-ksp_view_mat binary:A.dat`.

  A model of block size b > 1 needs a matrix whose block size, see `MatSetBlockSize()`, is a multiple of b; where not all its b x b
  blocks are full, `small` is used instead, as `PCView()` says. A model of block size 1 takes any matrix. By default the block size of the
  matrix chooses: `small`, or for b > 1 the built-in model `generalb`, `general3` say, where there is one.

.seealso: `PCGNNSPAI`, `PCGNNSPAIGetModel()`, `PCGNNSPAISetNodeFeatures()`, `MatSetBlockSize()`
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
. name - file or built-in name; `small` where none was set, whatever the block size then chooses; borrowed

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
  PCGNNSPAISetEpsilon - Sets the shift of $M^{-1} = S(GG^T + \epsilon I)S^T$, which keeps it positive definite whatever the network says

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc      - the preconditioner context
- epsilon - the shift, in (0, 1], or `PETSC_DEFAULT` for the model's, with `PC_GNNSPAI_VALUES_FSAI` 0

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
  PCGNNSPAISetThreshold - Sets by which entries the rows of the classical factor grow, and which of the network's are kept

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc        - the preconditioner context
- threshold - the threshold, in [0, 1); 0 for the static pattern: the lower triangle of A for the classical factor, all of A for the network's;
              `PETSC_DEFAULT` for 0.07 with the classical factor and 0.05 with the network

  Options Database Key:
. -pc_gnnspai_threshold threshold - least entry that G keeps

  Level: intermediate

  Notes:
  A row of the classical factor begins with the entries of A above the threshold, and then grows twice: it is solved for on its pattern, takes in the neighbours whose
  gradient is above the threshold, and drops what is below it.

  Entries are measured in the matrix scaled to a unit diagonal and relative to the row's own diagonal entry. A larger threshold makes G
  sparser and its set-up cheaper. From 0.05 to 0.15 are sensible values. In a row whose largest entry off the diagonal
  is below 4/13 the threshold is multiplied by 13/4 times that entry: so rows of many entries that are all small, as those of 27-point
  stencils, keep the larger ones. In a row of length l of A it is divided by (1 + l/150)^(1/2).

  Of the network's factor, and of the start's, the entries are dropped that are at most the threshold times the smaller of their row's and column's diagonal
  entries, or 8 times the largest other entry there if that is less. $M^{-1}$ stays positive definite.

.seealso: `PCGNNSPAI`, `PCGNNSPAIGetThreshold()`, `PCGNNSPAISetValues()`
@*/
PetscErrorCode PCGNNSPAISetThreshold(PC pc, PetscReal threshold)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscValidLogicalCollectiveReal(pc, threshold, 2);
  PetscCheck(threshold == (PetscReal)PETSC_DEFAULT || (threshold >= 0.0 && threshold < 1.0), PetscObjectComm((PetscObject)pc), PETSC_ERR_ARG_OUTOFRANGE, "-pc_gnnspai_threshold %g must be in [0, 1)", (double)threshold);
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
  PCGNNSPAISetGuard - Sets what to go on with where the network's factor fails a trial

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc    - the preconditioner context
- guard - `PC_GNNSPAI_GUARD_FSAI`, the default, `PC_GNNSPAI_GUARD_NONE`, `PC_GNNSPAI_GUARD_JACOBI` or `PC_GNNSPAI_GUARD_BEST`

  Options Database Key:
. -pc_gnnspai_guard (none|jacobi|fsai|best) - what to go on with

  Level: intermediate

  Notes:
  With a guard, G is start + $\alpha$ (network - start) with that $\alpha$ in 1, 1/2, 1/4 which has the least loss
  $\|(\tilde A M^{-1} - I)w\|^2$ on four fixed probes w, or the start $\frac32 I - \frac t2 \tilde A$, t damping large eigenvalues, or Jacobi:
  whichever lowers the energy norm of the error most in ten steps of CG. Choices within 2 percent are alike: the network comes before the
  classical factor, that before the start, and Jacobi is last. Each rank has its own guard.

  That is `PC_GNNSPAI_GUARD_JACOBI`. `PC_GNNSPAI_GUARD_FSAI` computes the classical factor as well, see `PCGNNSPAISetThreshold()`, where the network
  loses, or does no better than the start, or a share of it only is taken, and takes that factor if it does better still. `PC_GNNSPAI_GUARD_BEST`
  computes it at every first choice, and takes it wherever it does better: fewer iterations for a dearer first set-up.

  Where the classical factor comes first (`PCGNNSPAISetValues()`), all but `PC_GNNSPAI_GUARD_NONE` mean the same: Jacobi takes its place if six steps of CG with
  Jacobi get further than as much work with the factor does, work being the bytes of an iteration.

  The choice is kept for new values in the same pattern as long as these are alike, and then the classical factor its pattern, of which only the values
  are computed again. It shows in `PCView()` and `PCGNNSPAIGetChoice()`.

  With `PC_GNNSPAI_GUARD_NONE` the coarse space is not tried either, see `PCGNNSPAISetCoarse()`.

.seealso: `PCGNNSPAI`, `PCGNNSPAIGuard`, `PCGNNSPAIGetGuard()`, `PCGNNSPAIGetChoice()`, `PCGNNSPAISetValues()`, `PCGNNSPAISetThreshold()`
@*/
PetscErrorCode PCGNNSPAISetGuard(PC pc, PCGNNSPAIGuard guard)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscValidLogicalCollectiveEnum(pc, guard, 2);
  CheckEnum(pc, guard, PC_GNNSPAI_GUARD_BEST, "PCGNNSPAIGuard");
  PetscTryMethod(pc, "PCGNNSPAISetGuard_C", (PC, PCGNNSPAIGuard), (pc, guard));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAIGetGuard - Gets what to go on with where the network's factor fails a trial

  Not Collective; No Fortran Support

  Input Parameter:
. pc - the preconditioner context

  Output Parameter:
. guard - what to go on with

  Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAIGuard`, `PCGNNSPAISetGuard()`, `PCGNNSPAIGetChoice()`
@*/
PetscErrorCode PCGNNSPAIGetGuard(PC pc, PCGNNSPAIGuard *guard)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(guard, 2);
  PetscUseMethod(pc, "PCGNNSPAIGetGuard_C", (PC, PCGNNSPAIGuard *), (pc, guard));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAISetCoarse - Sets the number of aggregates of the coarse space

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc - the preconditioner context
- n  - aggregates wanted over all ranks; `PETSC_DECIDE`, the default, for a number by the size: none below 1500 coupled rows, else n^(2/3)/3 for
       n coupled (block) rows, or n/50 on the host where their graph is a plane one; 0 for no coarse space

  Options Database Key:
. -pc_gnnspai_coarse n - the number

  Level: intermediate

  Notes:
  The coarse space Q = $P A_c^{-1} P^T$, $A_c = P^T A P$, reaches across the whole matrix in one step, as the factor does not: with it the number
  of iterations grows little with the size of the matrix. $P_0$ has a column for each aggregate and each vector of the near-null space, which is the one given
  to `MatSetNearNullSpace()`, or else the constants, one per component of a block (`MatSetBlockSize()`);
  $P = (I - \omega D^{-1}A)P_0$ is smoothed by one damped Jacobi step. Q is added to the factor's part of $M^{-1}$. To multiply instead, use `PCCOMPOSITE` or
  `PCGAMG`: `-pc_type composite -pc_composite_type symmetric_multiplicative -pc_composite_pcs gamg,gnnspai`, `-pc_type gamg -mg_levels_pc_type gnnspai`.

  A `KSP` with prefix `pc_gnnspai_coarse_` solves with $A_c$: by default a Cholesky factorisation; up to 256 rows, and on a device of one rank always, the
  explicit inverse instead. Several ranks do that each for itself, unless the factor would be larger than the rank's part of the matrix: then `PCGAMG`
  does on all of them. `-pc_gnnspai_coarse_pc_type gamg` is another choice, and `mat`, on one rank, the inverse at any size. A Krylov method there makes
  the preconditioner vary: use `KSPFCG` outside.

  Rows that are all but decoupled, such as those that a penalty on the diagonal holds, take no aggregates. With a guard (`PCGNNSPAISetGuard()`) CG is run
  with Q and without it, side by side, for 4 to 10 steps on one probe, and Q is left out, as `PCView()` shows, where less work does without it. The
  aggregates and that verdict are kept for new values in the same pattern until the couplings, the near-null space or its energy have become others.

.seealso: `PCGNNSPAI`, `PCGNNSPAIGetCoarse()`, `PCGNNSPAISetGuard()`, `MatSetNearNullSpace()`
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
  PCGNNSPAISetPrecision - Sets in which precision G is stored for `PCApply()`

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc        - the preconditioner context
- precision - `PC_GNNSPAI_DOUBLE`, `PC_GNNSPAI_SINGLE` or `PC_GNNSPAI_HALF`

  Options Database Key:
. -pc_gnnspai_precision (double|single|half) - the precision

  Level: intermediate

  Note:
  Single precision takes a third off the bytes that the product reads of G, half precision two thirds: there a row is whole numbers of 16 bits times
  a scale, each off by at most a 65534th of the row's largest, and the numbers of columns are 16-bit offsets but in rows that reach too far for them.
  Arithmetic, the vectors and the scaling stay in `PetscScalar`. Half precision is for devices: on the host, where its numbers have to
  be converted, it is about as fast as single precision.

.seealso: `PCGNNSPAI`, `PCGNNSPAIPrecision`, `PCGNNSPAIGetPrecision()`
@*/
PetscErrorCode PCGNNSPAISetPrecision(PC pc, PCGNNSPAIPrecision precision)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscValidLogicalCollectiveEnum(pc, precision, 2);
  CheckEnum(pc, precision, PC_GNNSPAI_HALF, "PCGNNSPAIPrecision");
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
  PCGNNSPAISetScope - Sets what the factor G is made for on several ranks

  Logically Collective; No Fortran Support

  Input Parameters:
+ pc    - the preconditioner context
- scope - `PC_GNNSPAI_SCOPE_LOCAL`, `PC_GNNSPAI_SCOPE_GLOBAL` or `PC_GNNSPAI_SCOPE_AUTO`

  Options Database Key:
. -pc_gnnspai_scope (local|global|auto) - the scope

  Level: intermediate

  Notes:
  Global scope makes the same G and the same choice on any number of ranks, but for rounding, and the same coarse space as long as the matrix has at most 4 million entries and each rank can
  solve with all of A_c, hence takes the same number of iterations. Node states of the network come from the ranks that own the nodes, before each layer; for the classical factor, each rank gets the rows of
  the matrix that are up to three steps of its graph away from its own, by `MatCreateSubMatrices()` at each set-up. An application exchanges once before the product and once behind it,
  each time what a product with the matrix does, or more where rows of G reach further than those of the matrix.

  Local scope is cheaper, and enough where ranks own connected parts of a mesh: on tetrahedra in the mesh's order it takes up to a tenth more iterations. Where ranks have rows from
  everywhere it takes twice to six times as many. `PC_GNNSPAI_SCOPE_AUTO`, the default, looks at the share of the matrix's entries that are between ranks, and
  keeps to local scope where all ranks together would get more than eight times the matrix's rows, and on devices.

  The set-up for global scope is on the host, also for `MATMPIAIJCUSPARSE`, whose product is on the device. On one rank the scopes are the same.

.seealso: `PCGNNSPAI`, `PCGNNSPAIScope`, `PCGNNSPAIGetScope()`, `PCGNNSPAISetCoarse()`
@*/
PetscErrorCode PCGNNSPAISetScope(PC pc, PCGNNSPAIScope scope)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscValidLogicalCollectiveEnum(pc, scope, 2);
  CheckEnum(pc, scope, PC_GNNSPAI_SCOPE_AUTO, "PCGNNSPAIScope");
  PetscTryMethod(pc, "PCGNNSPAISetScope_C", (PC, PCGNNSPAIScope), (pc, scope));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAIGetScope - Gets what the factor G is made for on several ranks

  Not Collective; No Fortran Support

  Input Parameter:
. pc - the preconditioner context

  Output Parameter:
. scope - the scope

  Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetScope()`
@*/
PetscErrorCode PCGNNSPAIGetScope(PC pc, PCGNNSPAIScope *scope)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(scope, 2);
  PetscUseMethod(pc, "PCGNNSPAIGetScope_C", (PC, PCGNNSPAIScope *), (pc, scope));
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
  PCGNNSPAIGetChoice - Gets which factor is used on this rank, as the guard chose it

  Not Collective; No Fortran Support

  Input Parameter:
. pc - the preconditioner context, set up

  Output Parameters:
+ kind  - whose factor it is, or `NULL` if not wanted
- alpha - the network's share in it, 1, 1/2 or 1/4, 0 where the network has none; or `NULL` if not wanted

  Level: intermediate

  Note:
  Without a guard it is the network's, whole; with `PC_GNNSPAI_VALUES_FSAI` the classical factor.

.seealso: `PCGNNSPAI`, `PCGNNSPAIChoice`, `PCGNNSPAISetGuard()`, `PCGNNSPAISetValues()`, `PCGNNSPAIGetFactor()`
@*/
PetscErrorCode PCGNNSPAIGetChoice(PC pc, PCGNNSPAIChoice *kind, PetscReal *alpha)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  if (kind) PetscAssertPointer(kind, 2);
  if (alpha) PetscAssertPointer(alpha, 3);
  PetscUseMethod(pc, "PCGNNSPAIGetChoice_C", (PC, PCGNNSPAIChoice *, PetscReal *), (pc, kind, alpha));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  PCGNNSPAIGetFactor - Gets the factor G of this rank's diagonal block, or, with global scope on several ranks, of the whole matrix

  Not Collective; Collective with global scope on several ranks; No Fortran Support

  Input Parameter:
. pc - the preconditioner context, set up

  Output Parameter:
. G - the factor, a `MATSEQAIJ` on `PETSC_COMM_SELF`, or a `MATMPIAIJ` with the layout of the matrix; a `MATSEQAIJCUSPARSE` or `MATMPIAIJCUSPARSE`
      if the matrix is one. Borrowed; valid until the next `PCSetUp()`

  Options Database Key:
. -pc_gnnspai_view_factor viewer - view G at every set-up; on several ranks it is one matrix over them, with local scope of blocks

  Level: intermediate

  Note:
  G belongs to the scaled system: $M^{-1} = S(GG^T + \epsilon I)S^T$, with $S = D^{-1/2}$ where the model's scaling is diagonal; for a
  model of block size b > 1, $S_i = L_i^{-T}$ with the Cholesky factors of the diagonal blocks $D_i = L_i L_i^T$.
  Rows and columns of decoupled unknowns are empty; there $M^{-1}$ is $1/a_{ii}$, or $D_i^{-1}$ where a whole block is decoupled.

.seealso: `PCGNNSPAI`, `PCGNNSPAIGetChoice()`, `PCGNNSPAISetEpsilon()`
@*/
PetscErrorCode PCGNNSPAIGetFactor(PC pc, Mat *G)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(G, 2);
  PetscUseMethod(pc, "PCGNNSPAIGetFactor_C", (PC, Mat *), (pc, G));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what the library's own programs and tests set, register.h ---- */

PetscErrorCode PCGNNSPAISetTF32_Private(PC pc, PetscBool tf32)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscTryMethod(pc, "PCGNNSPAISetTF32_C", (PC, PetscBool), (pc, tf32));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PCGNNSPAISetNetwork_Private(PC pc, GNNModel model)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(pc, PC_CLASSID, 1);
  PetscAssertPointer(model, 2);
  PetscTryMethod(pc, "PCGNNSPAISetNetwork_C", (PC, GNNModel), (pc, model));
  PetscFunctionReturn(PETSC_SUCCESS);
}
