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
   PCGNNSPAIValues - what writes the factor G

   Values:
+  `PC_GNNSPAI_VALUES_NETWORK` - the graph neural network
-  `PC_GNNSPAI_VALUES_FSAI`    - the rows of the classical factorised sparse approximate inverse; needs no model

   Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetValues()`
E*/
typedef enum {
  PC_GNNSPAI_VALUES_NETWORK,
  PC_GNNSPAI_VALUES_FSAI
} PCGNNSPAIValues;
PETSC_EXTERN const char *const PCGNNSPAIValuesTypes[];

/*E
   PCGNNSPAIFallback - what to do where the guard refuses the network's factor, or whether another may be taken anyway

   Values:
+  `PC_GNNSPAI_FALLBACK_ERROR`  - the set-up fails
.  `PC_GNNSPAI_FALLBACK_FSAI`   - the classical factor, if it is better than what the guard has
.  `PC_GNNSPAI_FALLBACK_JACOBI` - what the guard has: a start that needs no network, or Jacobi
-  `PC_GNNSPAI_FALLBACK_BEST`   - the classical factor wherever it is better than what the guard has, the network's factor included

   Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetFallback()`
E*/
typedef enum {
  PC_GNNSPAI_FALLBACK_ERROR,
  PC_GNNSPAI_FALLBACK_FSAI,
  PC_GNNSPAI_FALLBACK_JACOBI,
  PC_GNNSPAI_FALLBACK_BEST
} PCGNNSPAIFallback;
PETSC_EXTERN const char *const PCGNNSPAIFallbacks[];

/*E
   PCGNNSPAIOrder - the order in which the classical factor takes the rows: row i may use columns that come before it

   Values:
+  `PC_GNNSPAI_ORDER_NATURAL` - as they are numbered
-  `PC_GNNSPAI_ORDER_ROWSUM`  - by ascending sum of absolute values, in the matrix scaled to a unit diagonal

   Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetOrder()`
E*/
typedef enum {
  PC_GNNSPAI_ORDER_NATURAL,
  PC_GNNSPAI_ORDER_ROWSUM
} PCGNNSPAIOrder;
PETSC_EXTERN const char *const PCGNNSPAIOrders[];

/*E
   PCGNNSPAIMath - arithmetic of the network's products on a device

   Values:
+  `PC_GNNSPAI_MATH_FP32` - single precision
-  `PC_GNNSPAI_MATH_TF32` - TF32 on the tensor cores, summed in single precision

   Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetMath()`
E*/
typedef enum {
  PC_GNNSPAI_MATH_FP32,
  PC_GNNSPAI_MATH_TF32
} PCGNNSPAIMath;
PETSC_EXTERN const char *const PCGNNSPAIMaths[];

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

/* The manual pages stand above the functions, in gnn/register.c and gnn/interface.c. All but the first are for a PC of type PCGNNSPAI; a
   setter does nothing to another one. What a setter changes takes effect at the next PCSetUp() */

/* Makes the type known, after PetscInitialize(); -dll_append libgnnspai.so does the same */
PETSC_EXTERN PetscErrorCode PCGNNSPAIRegister(void);

/* The trained network that writes the factor: a safetensors file, or the name of a built-in model (-pc_gnnspai_model) */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetModel(PC, const char[]);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetModel(PC, const char *[]);

/* The same from memory, as gnnspai-train has it */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetNetwork(PC, GNNModel);

/* epsilon in M^-1 = S (G G^T + epsilon I) S^T, in (0, 1]; PETSC_DEFAULT: the model's (-pc_gnnspai_epsilon) */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetEpsilon(PC, PetscReal);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetEpsilon(PC, PetscReal *);

/* Is the network's factor tried before it is used, and weakened where it fails? (-pc_gnnspai_guard) */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetGuard(PC, PetscBool);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetGuard(PC, PetscBool *);

/* What the guard chose on this rank: the network's share in (0, 1], 0 the damped start, -1 Jacobi, -2 the classical factor */
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetGuardAlpha(PC, PetscReal *);

/* Storage of G for PCApply() (-pc_gnnspai_precision) */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetPrecision(PC, PCGNNSPAIPrecision);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetPrecision(PC, PCGNNSPAIPrecision *);

/* Arithmetic of the network on a device (-pc_gnnspai_math) */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetMath(PC, PCGNNSPAIMath);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetMath(PC, PCGNNSPAIMath *);

/* Aggregates of the coarse space over all ranks; 0: no coarse space, -1: a number by the size (-pc_gnnspai_coarse) */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetCoarse(PC, PetscInt);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetCoarse(PC, PetscInt *);

/* How the coarse space is joined to the factor (-pc_gnnspai_coarse_type) */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetCoarseType(PC, PCGNNSPAICoarseType);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetCoarseType(PC, PCGNNSPAICoarseType *);

/* Is its prolongator smoothed? (-pc_gnnspai_coarse_smooth) */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetCoarseSmooth(PC, PetscBool);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetCoarseSmooth(PC, PetscBool *);

/* Numbers of each node for a model that was trained with them: a Vec of the matrix's row layout, its block size the numbers of a node */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetNodeFeatures(PC, Vec);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetNodeFeatures(PC, Vec *);

/* G of this rank's diagonal block, after PCSetUp(); the PC's own */
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetFactor(PC, Mat *);

/* What writes G: the network or the classical rows (-pc_gnnspai_values) */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetValues(PC, PCGNNSPAIValues);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetValues(PC, PCGNNSPAIValues *);

/* Classical rows: they grow by entries above it, 0: on the lower triangle of A (-pc_gnnspai_threshold) */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetThreshold(PC, PetscReal);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetThreshold(PC, PetscReal *);

/* Classical rows: how many times they grow (-pc_gnnspai_stages) */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetStages(PC, PetscInt);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetStages(PC, PetscInt *);

/* Classical rows: in which order (-pc_gnnspai_order) */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetOrder(PC, PCGNNSPAIOrder);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetOrder(PC, PCGNNSPAIOrder *);

/* What to do where the guard refuses the network's factor (-pc_gnnspai_fallback) */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetFallback(PC, PCGNNSPAIFallback);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetFallback(PC, PCGNNSPAIFallback *);
