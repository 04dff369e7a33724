/*
   PCGNNSPAI: a learned sparse approximate inverse as a PETSc preconditioner type.
*/
#pragma once

#include <petscksp.h>

/* SUBMANSEC = PC */

/*MC
   PCGNNSPAI - the name of the preconditioner type, for `PCSetType()`; see `PCGNNSPAIRegister()`
M*/
#define PCGNNSPAI "gnnspai"

/*E
   PCGNNSPAIPrecision - in which precision the factor G is stored for `PCApply()`; arithmetic and vectors stay in `PetscScalar`

   Values:
+  `PC_GNNSPAI_DOUBLE` - `PetscScalar`
-  `PC_GNNSPAI_SINGLE` - 32-bit floating point, fewer bytes to move

   Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetPrecision()`
E*/
typedef enum {
  PC_GNNSPAI_DOUBLE,
  PC_GNNSPAI_SINGLE
} PCGNNSPAIPrecision;
PETSC_EXTERN const char *const PCGNNSPAIPrecisions[];

/*S
   GNNModel - a trained network, as `gnnspai-train` makes it

   Level: developer

.seealso: `PCGNNSPAI`, `PCGNNSPAISetNetwork()`
S*/
typedef struct _n_GNNModel *GNNModel;

PETSC_EXTERN PetscErrorCode PCGNNSPAIRegister(void);
PETSC_EXTERN PetscErrorCode PCGNNSPAISetModel(PC, const char[]);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetModel(PC, const char *[]);
PETSC_EXTERN PetscErrorCode PCGNNSPAISetNetwork(PC, GNNModel);
PETSC_EXTERN PetscErrorCode PCGNNSPAISetEpsilon(PC, PetscReal);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetEpsilon(PC, PetscReal *);
PETSC_EXTERN PetscErrorCode PCGNNSPAISetGuard(PC, PetscBool);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetGuard(PC, PetscBool *);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetGuardAlpha(PC, PetscReal *);
PETSC_EXTERN PetscErrorCode PCGNNSPAISetPrecision(PC, PCGNNSPAIPrecision);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetPrecision(PC, PCGNNSPAIPrecision *);
PETSC_EXTERN PetscErrorCode PCGNNSPAISetNodeFeatures(PC, Vec);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetNodeFeatures(PC, Vec *);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetFactor(PC, Mat *);
