/*
   Options that there were, and what to use instead.
*/
#include "compat.h"
#include "gone.h"

static const struct {
  const char *option, *instead;
} gone[] = {
  {"-pc_gnnspai_fallback",      "-pc_gnnspai_guard <none,jacobi,fsai,best> says what to go on with where the network's factor is refused"                                                                                                },
  {"-pc_gnnspai_stages",        "a row of the classical factor grows twice; by how much says -pc_gnnspai_threshold"                                                                                                                      },
  {"-pc_gnnspai_order",         "the classical factor takes the rows as they are numbered; to take them otherwise, permute the matrix: MatGetOrdering(), MatPermute()"                                                                   },
  {"-pc_gnnspai_coarse_type",   "the coarse space is added to the factor; -pc_type composite -pc_composite_type symmetric_multiplicative -pc_composite_pcs gamg,gnnspai multiplies, and so does -pc_type gamg -mg_levels_pc_type gnnspai"},
  {"-pc_gnnspai_coarse_smooth", "the prolongator of the coarse space is always smoothed; without -pc_gnnspai_coarse there is none"                                                                                                       },
  {"-pc_gnnspai_math",          "the network's products are in TF32 on a device, and in single precision on the host, where a matrix of type aij is"                                                                                     },
};

PetscErrorCode GNNOptionsCheckGone(PetscObject pc, const char *const guards[])
{
  const char  *prefix;
  char         guard[64];
  PetscOptions options;
  PetscEnum    unused;
  PetscBool    set, known;

  PetscFunctionBegin;
  PetscCall(PetscObjectGetOptions(pc, &options));
  PetscCall(PetscObjectGetOptionsPrefix(pc, &prefix));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(gone); k++) {
    PetscCall(PetscOptionsHasName(options, prefix, gone[k].option, &set));
    PetscCheck(!set, PetscObjectComm(pc), PETSC_ERR_USER, "There is no option -%s%s any more: %s", prefix ? prefix : "", gone[k].option + 1, gone[k].instead);
  }
  PetscCall(PetscOptionsGetString(options, prefix, "-pc_gnnspai_guard", guard, sizeof(guard), &set));
  if (!set) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscEnumFind(guards, guard, &unused, &known)); /* without a value PETSc would take it for the first, none */
  PetscCheck(known && guard[0] != '\0', PetscObjectComm(pc), PETSC_ERR_USER, "-%spc_gnnspai_guard '%s' must be one of none, jacobi, fsai (the default), best; false is none now", prefix ? prefix : "", guard);
  PetscFunctionReturn(PETSC_SUCCESS);
}
