/*
   Set-up and product on the device. The pattern comes from the host, once; values, features, network, factor and product stay on
   the device, and one status is read back. Pointers to A's values and to vectors are device pointers, double precision.

   The network's part is for models of width at most 32; GNNDeviceSupports() (ops.h) tells. The classical factor's part, devicefsai.c,
   is made when it is first asked for. A factor that was made on the host can be uploaded instead.
*/
#pragma once

#include "fsai.h"

#define GNNCallKernel(...) \
  do { \
    const int error_ = (__VA_ARGS__); \
    PetscCheck(error_ == 0, PETSC_COMM_SELF, PETSC_ERR_GPU, "CUDA error %d: %s", error_, GNNKernelErrorString(error_)); \
  } while (0)

#define GNN_DEVICE_READ 512 /* most bytes that are read at once */

/* A sparse matrix and the memory of the device it lives in */
typedef struct {
  GNNKernelMat mat;
  void        *memory;
} GNNDeviceMat;

typedef struct {
  GNNDeviceMat gt, g; /* G^T S^T and S G, or where apart is true G^T and G */
  PetscBool    apart; /* is S multiplied by itself? */
} GNNDeviceFactor;

struct _n_GNNDevice {
  PetscBool        single;  /* the factors' values */
  GNNKernelGraph   graph;   /* its arrays are NULL until a set-up is wanted here */
  PetscInt         longest; /* of its rows */
  GNNKernelNet     net;
  GNNKernelFsai    fsai;                 /* likewise */
  GNNDeviceFactor  network, classical;   /* what is uploaded counts as classical */
  GNNDeviceFactor *product;              /* the one that the product takes */
  double          *slots;                /* (nz) G^T by slots */
  double          *shift;                /* (n/b, b, b) eps S S^T, the inverse of the diagonal block at decoupled unknowns */
  double          *u, *x;                /* (n) work of the product; x where S is apart */
  double          *w, *r, *z, *partials; /* the probe's */
  GNNKernelStatus *status;
  void            *read; /* page-locked, on the host: what is read passes through it */
  float           *user;
  void            *pieces;     /* the arrays of fsai that have the size of its room */
  void            *memory[64]; /* all other but the Mats' */
  PetscInt         nmemory;
};

PETSC_INTERN PetscErrorCode GNNDeviceCreate(GNNModel, GNNGraph, PetscBool, PetscBool, GNNStream, GNNDevice *); /* single precision storage? tf32? The model may be NULL, then not for GNNDeviceSetUp() */
PETSC_INTERN PetscErrorCode GNNDeviceSetUp(GNNDevice, GNNModel, GNNGraph, const double[], PetscReal, PetscReal, PetscReal, PetscBool, GNNStream, GNNKernelStatus *); /* values of A, eps, the guard's alpha and damping, with its probe? */
PETSC_INTERN PetscErrorCode GNNDeviceSetUpFsai(GNNDevice, GNNGraph, const double[], PetscReal, GNNScaling, PetscReal, PetscBool, GNNStream, GNNKernelStatus *);      /* values of A, threshold, eps, with the guard's probe? */
PETSC_INTERN PetscErrorCode GNNDeviceUpload(GNNDevice, GNNFactor, GNNStream);                                                                                        /* the host's factor instead */
PETSC_INTERN PetscErrorCode GNNDeviceGetSlots(GNNDevice, GNNGraph, PetscScalar[], GNNStream);                                                                        /* G^T (nz) on the host */
PETSC_INTERN PetscErrorCode GNNDeviceGetFsai(GNNDevice, GNNGraph, GNNFactor, GNNStream);                                                                             /* the classical factor's i, j, v on the host; its graph's values are there */
PETSC_INTERN PetscErrorCode GNNDeviceApply(GNNDevice, const double[], double[], GNNStream);                                                                          /* z = M^-1 r */

/* ---- between device.c, devicenet.c, devicefsai.c and guarddevice.c ---- */

PETSC_INTERN PetscErrorCode GNNDeviceTake(GNNDevice, size_t, void *);                                /* memory that the device owns: bytes, pointer to the array */
PETSC_INTERN PetscErrorCode GNNDevicePut(GNNDevice, const void *, size_t, GNNStream, void *);        /* the same, filled from the host */
PETSC_INTERN PetscErrorCode GNNDeviceCreateNet(GNNDevice, GNNModel, GNNGraph, PetscBool, GNNStream); /* tf32? */
PETSC_INTERN PetscErrorCode GNNDeviceUploadUserFeatures(GNNDevice, GNNGraph, GNNStream);
PETSC_INTERN PetscErrorCode GNNDeviceCreateGraph(GNNDevice, GNNGraph, GNNStream);                                /* where there is none */
PETSC_INTERN PetscErrorCode GNNDeviceCreateSlots(GNNDevice, GNNGraph, GNNPattern, GNNStream, GNNDeviceFactor *); /* the slots, and a factor of those of the pattern */
PETSC_INTERN PetscErrorCode GNNDeviceFillSlots(GNNDevice, GNNDeviceFactor *, GNNStream);                         /* its values from the slots */
PETSC_INTERN PetscErrorCode GNNDeviceFinish(GNNDevice, PetscReal, PetscBool, GNNStream);                         /* shift by eps; the probe's loss, if wanted, into the status */
PETSC_INTERN PetscErrorCode GNNDeviceReadStatus(GNNDevice, GNNStream, GNNKernelStatus *);
PETSC_INTERN PetscErrorCode GNNDeviceMatCreate(PetscInt, PetscInt, PetscBool, PetscBool, GNNDeviceMat *); /* rows, room for entries, single precision? with slots? Their arrays are not set; what was there is gone */
PETSC_INTERN PetscErrorCode GNNDeviceMatDestroy(GNNDeviceMat *);
PETSC_INTERN PetscErrorCode GNNDeviceRead(GNNDevice, size_t, const void *, void *, GNNStream); /* bytes, at most GNN_DEVICE_READ, of the device's, to the host */

/* ---- shared with training, train/device.c ---- */

/* Of a matrix (out, in) */
typedef enum {
  GNN_PACK_COLUMNS, /* what the kernels read in single precision */
  GNN_PACK_BLOCKS,  /* of 8 x 8: on the tensor cores */
  GNN_PACK_ROWS     /* backwards */
} GNNPackOrder;

PETSC_INTERN void   GNNDeviceConfig(const GNNConfig *, PetscBool, GNNKernelConfig *);                   /* tf32? */
PETSC_INTERN size_t GNNDevicePackSize(const GNNKernelConfig *, int);                                    /* numbers of the packed weights; outputs of the decoder */
PETSC_INTERN void   GNNDevicePack(const GNNKernelConfig *, GNNPackOrder, GNNNet, float *, size_t[]);    /* weights, zero before; where encode, the layers and decode begin */
PETSC_INTERN int    GNNDeviceNetTiles(PetscInt, const PetscInt[], PetscInt, PetscInt, GNNKernelTile[]); /* n, row offsets, most slots of a tile unless one row has more, of a row before it is cut; tiles, at most n + nz/that; how many */
