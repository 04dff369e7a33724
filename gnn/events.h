/*
   Log events; 0, PETSc's dummy, before they are registered.
*/
#pragma once

#include <petscsys.h>

PETSC_INTERN PetscLogEvent GNN_Graph, GNN_Forward, GNN_Assemble, GNN_Fsai, GNN_Coarse, GNN_Apply, GNN_CoarseApply;

PETSC_INTERN PetscErrorCode GNNEventsRegister(PetscClassId); /* what they are logged under */
PETSC_INTERN void           GNNEventsForget(void);           /* PetscFinalize() forgets them, too */
