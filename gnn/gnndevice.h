/*
   Set-up and product on the device. The pattern part is made on the host, once; values, features, network, factor and product stay on
   the device, and one status is read back. Pointers to A's values and to vectors are device pointers, double precision.

   The network's part is for models of block size 1 and width at most 32; GNNDeviceSupports() (gnnops.h) tells. A factor that was made on the host can be
   uploaded instead.
*/
#pragma once

#include "gnnfactor.h"

#define GNNCallKernel(...) \
  do { \
    const int error_ = (__VA_ARGS__); \
    PetscCheck(error_ == 0, PETSC_COMM_SELF, PETSC_ERR_GPU, "CUDA error %d: %s", error_, GNNKernelErrorString(error_)); \
  } while (0)

/* A sparse matrix and the memory of the device it lives in */
typedef struct {
  GNNKernelMat mat;
  void        *memory;
} GNNDeviceMat;

struct _n_GNNDevice {
  GNNKernelGraph   graph;
  GNNKernelNet     net;
  GNNKernelStart   start;
  GNNDeviceMat     gt, g;    /* G^T S and S G of the network */
  GNNDeviceMat     up_gt, up_g; /* of a factor made on the host */
  PetscBool        uploaded; /* which of the two the product takes */
  double          *slots;    /* (nz) G^T by slots */
  double          *shift;    /* (n) eps S^2, 1/a_ii at decoupled nodes */
  double          *u;        /* (n) work of the product */
  double          *w, *r, *z, *partials; /* the probe's */
  GNNKernelStatus *status, *read;        /* on the device; on the host */
  float           *user;
  void            *memory[32]; /* all but the Mats' */
  PetscInt         nmemory;
};

PETSC_INTERN PetscErrorCode GNNDeviceCreate(GNNModel, GNNGraph, PetscBool, PetscBool, GNNStream, GNNDevice *); /* single precision storage? tf32? Without a model (NULL) only for GNNDeviceUpload() */
PETSC_INTERN PetscErrorCode GNNDeviceSetUp(GNNDevice, GNNModel, GNNGraph, const double[], PetscReal, PetscReal, PetscReal, PetscBool, GNNStream, GNNKernelStatus *); /* values of A, eps, the guard's alpha and damping, with its probe? */
PETSC_INTERN PetscErrorCode GNNDeviceUpload(GNNDevice, GNNFactor, GNNStream);                             /* the host's factor, block size 1, instead of the network's */
PETSC_INTERN PetscErrorCode GNNDeviceGetSlots(GNNDevice, GNNGraph, PetscScalar[], GNNStream);             /* G^T (nz) on the host */
PETSC_INTERN PetscErrorCode GNNDeviceApply(GNNDevice, const double[], double[], GNNStream);               /* z = M^-1 r */

/* ---- shared with training, train/device.c ---- */

PETSC_INTERN void   GNNDeviceConfig(const GNNConfig *, PetscBool, GNNKernelConfig *);       /* tf32? */
PETSC_INTERN size_t GNNDevicePackSize(const GNNKernelConfig *);                             /* numbers of the packed weights */
PETSC_INTERN void   GNNDevicePack(const GNNKernelConfig *, GNNNet, float *, size_t[]);      /* weights, zero before; where encode, the layers and decode begin */
PETSC_INTERN int    GNNDeviceTiles(PetscInt, const int[], PetscInt, PetscInt, int[]);       /* n, row offsets, most rows, most entries, first rows of tiles (n + 1) */
