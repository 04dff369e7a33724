/*
   The seam between PETSc's objects and the device. Without CUDA no matrix is on a device, and nothing else here is ever called.
*/
#pragma once

#include "graph.h"
#include "../kernels/kernels.h"

typedef struct _n_GNNDevice *GNNDevice;
typedef struct _n_GNNFactor *GNNFactor;
typedef struct _n_GNNCoarse *GNNCoarse; /* coarse/coarse.h */

#if defined(GNN_CUDA) || defined(GNN_EMULATE)
  #if defined(GNN_EMULATE)
PETSC_INTERN PetscBool GNNOpsEmulate; /* are all matrices on the device? */
  #endif
PETSC_INTERN PetscErrorCode          GNNOpsStream(GNNStream *);                                                                                      /* PETSc's */
PETSC_INTERN PetscErrorCode          GNNOpsOnDevice(Mat, PetscBool *);                                                                               /* a sequential AIJCUSPARSE matrix, not bound to the CPU? */
PETSC_INTERN PetscErrorCode          GNNOpsToDevice(Mat *);                                                                                          /* a sequential AIJ matrix becomes one on the device */
PETSC_INTERN PetscErrorCode          GNNDeviceSupports(GNNModel, PetscBool *);                                                                       /* can the network run there? */
PETSC_INTERN PetscErrorCode          GNNOpsCreate(GNNModel, GNNGraph, PetscBool, PetscBool, GNNDevice *);                                            /* single precision storage? tf32? The model may be NULL, then not for GNNOpsSetUp() */
PETSC_INTERN PetscErrorCode          GNNOpsSetUp(GNNDevice, GNNModel, GNNGraph, Mat, PetscReal, PetscReal, PetscReal, PetscBool, GNNKernelStatus *); /* eps, the guard's alpha and damping, with its probe? */
PETSC_INTERN PetscErrorCode          GNNOpsSetUpFsai(GNNDevice, GNNGraph, Mat, PetscReal, GNNScaling, PetscReal, PetscBool, GNNKernelStatus *);      /* the classical factor: threshold, eps, with the guard's probe? */
PETSC_INTERN PetscErrorCode          GNNOpsGetSlots(GNNDevice, GNNGraph, PetscScalar[]);                                                             /* G^T (nz) on the host */
PETSC_INTERN PetscScalar            *GNNOpsSlots(GNNDevice);                                                                                         /* G^T (nz), there */
PETSC_INTERN const struct _GuardOps *GNNOpsGuard(void);                                                                                              /* guardops.h */
PETSC_INTERN PetscErrorCode          GNNOpsGetFsai(GNNDevice, GNNGraph, GNNFactor);                                                                  /* the classical factor's i, j, v on the host */
PETSC_INTERN PetscErrorCode          GNNOpsUpload(GNNDevice, GNNFactor);                                                                             /* a factor made on the host */
PETSC_INTERN PetscErrorCode          GNNOpsApply(GNNDevice, Vec, Vec);                                                                               /* z = M^-1 r */
PETSC_INTERN PetscInt                GNNDeviceEntries(GNNDevice);                                                                                    /* stored of G */
PETSC_INTERN PetscErrorCode          GNNDeviceDestroy(GNNDevice *);
PETSC_INTERN PetscErrorCode          GNNOpsHasRows(Mat, PetscBool *);      /* GNNOpsOnDevice(), with indices that the coarse space's kernels can read? */
PETSC_INTERN PetscErrorCode          GNNOpsCouple(GNNCoarse, PetscReal[]); /* sums and traces of A's rows into x and t; the totals of GNNCouplingCompare(), 0 without aggregates */
PETSC_INTERN PetscErrorCode          GNNOpsDense(GNNCoarse);               /* dense = diag(unit) (A_c + diag(shift)) diag(unit) */
#else
static inline PetscErrorCode GNNOpsOnDevice(PETSC_UNUSED Mat A, PetscBool *device)
{
  *device = PETSC_FALSE;
  return PETSC_SUCCESS;
}

static inline PetscErrorCode GNNOpsToDevice(PETSC_UNUSED Mat *A)
{
  return PETSC_ERR_SUP;
}

static inline PetscErrorCode GNNDeviceSupports(PETSC_UNUSED GNNModel m, PetscBool *supports)
{
  *supports = PETSC_FALSE;
  return PETSC_SUCCESS;
}

static inline PetscErrorCode GNNOpsCreate(PETSC_UNUSED GNNModel m, PETSC_UNUSED GNNGraph g, PETSC_UNUSED PetscBool single, PETSC_UNUSED PetscBool tf32, PETSC_UNUSED GNNDevice *d)
{
  return PETSC_ERR_SUP;
}

static inline PetscErrorCode GNNOpsSetUp(PETSC_UNUSED GNNDevice d, PETSC_UNUSED GNNModel m, PETSC_UNUSED GNNGraph g, PETSC_UNUSED Mat A, PETSC_UNUSED PetscReal epsilon, PETSC_UNUSED PetscReal alpha, PETSC_UNUSED PetscReal damping, PETSC_UNUSED PetscBool probe, PETSC_UNUSED GNNKernelStatus *status)
{
  return PETSC_ERR_SUP;
}

static inline PetscErrorCode GNNOpsGetSlots(PETSC_UNUSED GNNDevice d, PETSC_UNUSED GNNGraph g, PETSC_UNUSED PetscScalar gt[])
{
  return PETSC_ERR_SUP;
}

static inline PetscErrorCode GNNOpsSetUpFsai(PETSC_UNUSED GNNDevice d, PETSC_UNUSED GNNGraph g, PETSC_UNUSED Mat A, PETSC_UNUSED PetscReal threshold, PETSC_UNUSED GNNScaling scaling, PETSC_UNUSED PetscReal epsilon, PETSC_UNUSED PetscBool probe, PETSC_UNUSED GNNKernelStatus *status)
{
  return PETSC_ERR_SUP;
}

static inline PetscScalar *GNNOpsSlots(PETSC_UNUSED GNNDevice d)
{
  return NULL;
}

static inline const struct _GuardOps *GNNOpsGuard(void)
{
  return NULL;
}

static inline PetscErrorCode GNNOpsGetFsai(PETSC_UNUSED GNNDevice d, PETSC_UNUSED GNNGraph g, PETSC_UNUSED GNNFactor f)
{
  return PETSC_ERR_SUP;
}

static inline PetscErrorCode GNNOpsUpload(PETSC_UNUSED GNNDevice d, PETSC_UNUSED GNNFactor f)
{
  return PETSC_ERR_SUP;
}

static inline PetscInt GNNDeviceEntries(PETSC_UNUSED GNNDevice d)
{
  return 0;
}

static inline PetscErrorCode GNNOpsApply(PETSC_UNUSED GNNDevice d, PETSC_UNUSED Vec r, PETSC_UNUSED Vec z)
{
  return PETSC_ERR_SUP;
}

static inline PetscErrorCode GNNDeviceDestroy(PETSC_UNUSED GNNDevice *d)
{
  return PETSC_SUCCESS;
}

static inline PetscErrorCode GNNOpsHasRows(PETSC_UNUSED Mat A, PetscBool *has)
{
  *has = PETSC_FALSE;
  return PETSC_SUCCESS;
}

static inline PetscErrorCode GNNOpsCouple(PETSC_UNUSED GNNCoarse c, PETSC_UNUSED PetscReal total[])
{
  return PETSC_ERR_SUP;
}

static inline PetscErrorCode GNNOpsDense(PETSC_UNUSED GNNCoarse c)
{
  return PETSC_ERR_SUP;
}
#endif
