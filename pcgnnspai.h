/*
   PCGNNSPAI: a learned sparse approximate inverse as a PETSc preconditioner type.
*/
#pragma once

#include <petscksp.h>

/* SUBMANSEC = PC */

/* The version, here and nowhere else; of the library that runs: PCGNNSPAIVersion */
#define PCGNNSPAI_VERSION "0.1.0"
PETSC_EXTERN const char PCGNNSPAIVersion[];

/* The name of the type, for PCSetType(); its manual page stands above PCCreate_GNNSPAI() */
#define PCGNNSPAI "gnnspai"

/* A KSP type, for KSPSetType(), that comes with it: KSPCG without waits for the GPU; its manual page stands above KSPCreate_CGGraph() in gnn/cg/cggraph.c */
#define KSPCGGRAPH "cggraph"

/*E
   PCGNNSPAIPrecision - in which precision the factor G is stored for `PCApply()`; arithmetic and vectors stay in `PetscScalar`

   Values:
+  `PC_GNNSPAI_DOUBLE` - `PetscScalar`
.  `PC_GNNSPAI_SINGLE` - 32-bit floating point, fewer bytes to move
-  `PC_GNNSPAI_HALF`   - 16-bit whole numbers with a scale for each row, and column numbers of 16 bits wherever they fit

   Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetPrecision()`
E*/
typedef enum {
  PC_GNNSPAI_DOUBLE,
  PC_GNNSPAI_SINGLE,
  PC_GNNSPAI_HALF
} PCGNNSPAIPrecision;
PETSC_EXTERN const char *const PCGNNSPAIPrecisions[];

/*E
   PCGNNSPAIScope - what the factor G is made for on several ranks

   Values:
+  `PC_GNNSPAI_SCOPE_LOCAL`  - each rank's diagonal block, by itself, as `PCBJACOBI` does it
.  `PC_GNNSPAI_SCOPE_GLOBAL` - the whole matrix: the same G on any number of ranks
-  `PC_GNNSPAI_SCOPE_AUTO`   - the whole matrix where more than a quarter of its entries is between ranks, and not on devices; else each rank's block

   Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetScope()`
E*/
typedef enum {
  PC_GNNSPAI_SCOPE_LOCAL,
  PC_GNNSPAI_SCOPE_GLOBAL,
  PC_GNNSPAI_SCOPE_AUTO
} PCGNNSPAIScope;
PETSC_EXTERN const char *const PCGNNSPAIScopes[];

/*E
   PCGNNSPAIValues - what writes the factor G

   Values:
+  `PC_GNNSPAI_VALUES_NETWORK` - the graph neural network
.  `PC_GNNSPAI_VALUES_FSAI`    - the rows of the classical factorised sparse approximate inverse; needs no model
-  `PC_GNNSPAI_VALUES_AUTO`    - the network on a device, or where a model is named; the classical factor on the host

   Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetValues()`
E*/
typedef enum {
  PC_GNNSPAI_VALUES_NETWORK,
  PC_GNNSPAI_VALUES_FSAI,
  PC_GNNSPAI_VALUES_AUTO
} PCGNNSPAIValues;
PETSC_EXTERN const char *const PCGNNSPAIValuesTypes[];

/*E
   PCGNNSPAIGuard - what to go on with where the network's factor fails a trial

   Values:
+  `PC_GNNSPAI_GUARD_NONE`   - it is not tried: the network's factor, whatever it is
.  `PC_GNNSPAI_GUARD_JACOBI` - a part of it, a start that needs no network, or Jacobi
.  `PC_GNNSPAI_GUARD_FSAI`   - one of these, or the classical factor if that is better
-  `PC_GNNSPAI_GUARD_BEST`   - the classical factor wherever it is better, also than a network's factor that passes

   Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAISetGuard()`, `PCGNNSPAIChoice`
E*/
typedef enum {
  PC_GNNSPAI_GUARD_NONE,
  PC_GNNSPAI_GUARD_JACOBI,
  PC_GNNSPAI_GUARD_FSAI,
  PC_GNNSPAI_GUARD_BEST
} PCGNNSPAIGuard;
PETSC_EXTERN const char *const PCGNNSPAIGuards[];

/*E
   PCGNNSPAIChoice - which factor the guard chose

   Values:
+  `PC_GNNSPAI_CHOICE_NETWORK` - the network's, or a part of it beside the start
.  `PC_GNNSPAI_CHOICE_START`   - the damped start, $\frac32 I - \frac t2 \tilde A$, that the network's output is added to
.  `PC_GNNSPAI_CHOICE_JACOBI`  - Jacobi's, point-block Jacobi's with a model of blocks
-  `PC_GNNSPAI_CHOICE_FSAI`    - the classical factor

   Level: intermediate

.seealso: `PCGNNSPAI`, `PCGNNSPAIGetChoice()`, `PCGNNSPAIGuard`
E*/
typedef enum {
  PC_GNNSPAI_CHOICE_NETWORK,
  PC_GNNSPAI_CHOICE_START,
  PC_GNNSPAI_CHOICE_JACOBI,
  PC_GNNSPAI_CHOICE_FSAI
} PCGNNSPAIChoice;
PETSC_EXTERN const char *const PCGNNSPAIChoices[];

/* The manual pages stand above the functions, in gnn/register.c and gnn/interface.c. All but the first are for a PC of type PCGNNSPAI; a
   setter does nothing to another one. What a setter changes takes effect at the next PCSetUp() */

/* Makes the type known, after PetscInitialize(); -dll_append libgnnspai.so does the same */
PETSC_EXTERN PetscErrorCode PCGNNSPAIRegister(void);

/* What writes G: the network or the classical rows (-pc_gnnspai_values) */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetValues(PC, PCGNNSPAIValues);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetValues(PC, PCGNNSPAIValues *);

/* The names of the built-in models, NULL after the last */
PETSC_EXTERN const char *const PCGNNSPAIModels[];

/* The trained network that writes the factor: a safetensors file, or the name of a built-in model (-pc_gnnspai_model) */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetModel(PC, const char[]);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetModel(PC, const char *[]);

/* epsilon in M^-1 = S (G G^T + epsilon I) S^T, in (0, 1]; PETSC_DEFAULT: the model's (-pc_gnnspai_epsilon) */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetEpsilon(PC, PetscReal);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetEpsilon(PC, PetscReal *);

/* Classical rows: they grow by entries above it, 0: on the lower triangle of A (-pc_gnnspai_threshold) */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetThreshold(PC, PetscReal);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetThreshold(PC, PetscReal *);

/* What to go on with where the network's factor fails a trial (-pc_gnnspai_guard) */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetGuard(PC, PCGNNSPAIGuard);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetGuard(PC, PCGNNSPAIGuard *);

/* Aggregates of the coarse space over all ranks; 0: no coarse space, -1: a number by the size (-pc_gnnspai_coarse) */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetCoarse(PC, PetscInt);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetCoarse(PC, PetscInt *);

/* Storage of G for PCApply() (-pc_gnnspai_precision) */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetPrecision(PC, PCGNNSPAIPrecision);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetPrecision(PC, PCGNNSPAIPrecision *);
PETSC_EXTERN PetscErrorCode PCGNNSPAISetScope(PC, PCGNNSPAIScope);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetScope(PC, PCGNNSPAIScope *);

/* Numbers of each node for a model that was trained with them: a Vec of the matrix's row layout, its block size the numbers of a node */
PETSC_EXTERN PetscErrorCode PCGNNSPAISetNodeFeatures(PC, Vec);
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetNodeFeatures(PC, Vec *);

/* After PCSetUp(): what the guard chose on this rank, and the network's share in it, from 0 to 1; either may be NULL */
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetChoice(PC, PCGNNSPAIChoice *, PetscReal *);

/* G of this rank's diagonal block, after PCSetUp(); the PC's own */
PETSC_EXTERN PetscErrorCode PCGNNSPAIGetFactor(PC, Mat *);
