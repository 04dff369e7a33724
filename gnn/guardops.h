/*
   The guard's operations, on the host (guardhost.c) or on a device that has the graph's values (guarddevice.c). Arrays live where the
   operations are: slots (nz) of the graph, vectors (n), or K vectors side by side, (n, K), K = 1 or GUARD_PROBES. So do scalars, until they
   are read.
*/
#pragma once

#include "factor.h"
#include "steps.h"

#define GUARD_PROBES GNN_KERNEL_PROBES

typedef struct _GuardOps GuardOps;

/* Where the arrays live */
typedef struct {
  const GuardOps *ops;
  GNNGraph        g;
  GNNDevice       d; /* NULL on the host */
} GuardPlace;

struct _GuardOps {
  PetscErrorCode (*create)(GuardPlace, size_t, void *);                                                                                                            /* bytes, pointer to the array */
  PetscErrorCode (*destroy)(void *);                                                                                                                               /* pointer to the array */
  PetscErrorCode (*read)(GuardPlace, size_t, const void *, void *);                                                                                                /* bytes, from there, to the host */
  const PetscScalar *(*matrix)(GuardPlace);                                                                                                                        /* slots of At */
  PetscErrorCode (*probe)(GuardPlace, PetscInt, PetscScalar[]);                                                                                                    /* K probes: signs from a hash, 0 at decoupled unknowns */
  PetscErrorCode (*start)(GuardPlace, const GNNConfig *, PetscReal, PetscScalar[]);                                                                                /* slots of the start with At damped */
  PetscErrorCode (*strengths)(GuardPlace, PetscScalar[]);                                                                                                          /* slots of GNNStrength() of At off the diagonal */
  PetscErrorCode (*jacobi)(GuardPlace, const PetscScalar[], PetscScalar[]);                                                                                        /* z = D^-1 r, 0 at decoupled unknowns */
  PetscErrorCode (*multiply)(GuardPlace, PetscReal, PetscReal, const PetscScalar[], PetscInt, const PetscScalar[], PetscReal, const PetscScalar[], PetscScalar[]); /* a, b, m, K, x, beta, v: y = (a m + b m^T) x + beta v; v is not read if beta = 0, and may be y */
  PetscErrorCode (*dot)(GuardPlace, PetscInt, const PetscScalar[], const PetscScalar[], PetscReal *);
  PetscErrorCode (*axpby)(GuardPlace, PetscInt, PetscReal, const PetscScalar[], PetscReal, const PetscScalar[], PetscScalar[]);   /* a, x, b, v: y = a x + b v; v is not read if b = 0, and may be y */
  PetscErrorCode (*step)(GuardPlace, GNNStepsStage, PetscInt, const PetscScalar[], const PetscScalar[], GNNSteps *, PetscBool *); /* x, y: the stage with x^T y; have the steps ended, if that is known without waiting? */
  PetscErrorCode (*update)(GuardPlace, PetscInt, const double[2], const PetscScalar[], PetscScalar[]);                            /* c, x: y = c0 x + c1 y; y is not read if c1 = 0 */
  PetscErrorCode (*factor)(GuardPlace, GNNFactor, PetscReal, const PetscScalar[], PetscScalar[]);                                 /* eps, r: z = (G G^T + eps I) r, the factor as it stands; on a device the one that it has */
};

PETSC_INTERN const GuardOps GuardHost; /* the device's: GNNOpsGuard() */

#define GuardCreate(at, ...)    ((at).ops->create((at), __VA_ARGS__))
#define GuardDestroy(at, ...)   ((at).ops->destroy(__VA_ARGS__))
#define GuardRead(at, ...)      ((at).ops->read((at), __VA_ARGS__))
#define GuardMatrix(at)         ((at).ops->matrix((at)))
#define GuardProbe(at, ...)     ((at).ops->probe((at), __VA_ARGS__))
#define GuardStart(at, ...)     ((at).ops->start((at), __VA_ARGS__))
#define GuardStrengths(at, ...) ((at).ops->strengths((at), __VA_ARGS__))
#define GuardJacobi(at, ...)    ((at).ops->jacobi((at), __VA_ARGS__))
#define GuardMultiply(at, ...)  ((at).ops->multiply((at), __VA_ARGS__))
#define GuardDot(at, ...)       ((at).ops->dot((at), __VA_ARGS__))
#define GuardAXPBY(at, ...)     ((at).ops->axpby((at), __VA_ARGS__))
#define GuardStep(at, ...)      ((at).ops->step((at), __VA_ARGS__))
#define GuardUpdate(at, ...)    ((at).ops->update((at), __VA_ARGS__))
#define GuardFactor(at, ...)    ((at).ops->factor((at), __VA_ARGS__))
