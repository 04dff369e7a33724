/*
   Options that there were.
*/
#pragma once

#include <petscsys.h>

/* An error if the PC's options still have one, or a guard from when that was a boolean; the names of the guards */
PETSC_INTERN PetscErrorCode GNNOptionsCheckGone(PetscObject pc, const char *const guards[]);
