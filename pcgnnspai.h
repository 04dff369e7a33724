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

/*E
   PCGNNSPAICoarseType - how the coarse space is joined to the local part B; Q is the coarse space's inverse

   Values:
+  `PC_GNNSPAI_COARSE_ADDITIVE` - $B + Q$
-  `PC_GNNSPAI_COARSE_BALANCED` - $Q + (I - QA)B(I - AQ)$, two more products with A and one more coarse solve

   Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetCoarseType()`
E*/
typedef enum {
  PC_GNNSPAI_COARSE_ADDITIVE,
  PC_GNNSPAI_COARSE_BALANCED
} PCGNNSPAICoarseType;
PETSC_EXTERN const char *const PCGNNSPAICoarseTypes[];

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
PETSC_EXTERN PetscErrorCode PCGNNSPAISetCoarse(PC, PetscInt);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetCoarse(PC, PetscInt *);
PETSC_EXTERN PetscErrorCode PCGNNSPAISetCoarseType(PC, PCGNNSPAICoarseType);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetCoarseType(PC, PCGNNSPAICoarseType *);
PETSC_EXTERN PetscErrorCode PCGNNSPAISetCoarseSmooth(PC, PetscBool);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetCoarseSmooth(PC, PetscBool *);
PETSC_EXTERN PetscErrorCode PCGNNSPAISetNodeFeatures(PC, Vec);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetNodeFeatures(PC, Vec *);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetFactor(PC, Mat *);
