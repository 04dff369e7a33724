/*
   Set-up and product on the device. The pattern comes from the host, once; values, features, network, factor and product stay on
   the device, and one status is read back. Pointers to A's values and to vectors are device pointers, double precision.

   The network's part is for models of width at most 32; GNNDeviceSupports() tells. It is made when it first runs, and so is the classical
   factor's, devicefsai.c. A factor that was made on the host can be uploaded instead.
*/
#pragma once

#include "fsairows.h"
#include "../kernels/kernels.h"

#define GNNCallKernel(...) \
  do { \
    const int error_ = (__VA_ARGS__); \
    PetscCheck(error_ == 0, PETSC_COMM_SELF, PETSC_ERR_GPU, "CUDA error %d: %s", error_, GNNKernelErrorString(error_)); \
  } while (0)

#define GNN_DEVICE_READ    512 /* most bytes that are read at once */
#define GNN_DEVICE_COLUMNS 16  /* most vectors that are multiplied at once */

/* A sparse matrix and the memory of the device it lives in */
typedef struct {
  GNNKernelMat mat;
  void        *memory;
} GNNDeviceMat;

typedef struct {
  GNNDeviceMat gt, g;  /* G^T S^T and S G, or where apart is true G^T and G */
  PetscBool    apart;  /* is S multiplied by itself? */
  PetscReal    filter; /* of the slots; 0: all are in it, and it has the same ones at every set-up */
} GNNDeviceFactor;

typedef struct _n_GNNDevice *GNNDevice;
struct _n_GNNDevice {
  GNNPrecision     precision; /* the factors' values */
  GNNKernelGraph   graph;     /* its arrays are NULL until a set-up is wanted here */
  PetscInt         longest;   /* of its rows */
  GNNKernelNet     net;
  GNNKernelFsai    fsai;                 /* likewise */
  PetscReal        grown;                /* threshold by which its rows have columns that may be kept, or -1 */
  GNNDeviceFactor  network, classical;   /* what is uploaded counts as classical */
  GNNDeviceFactor *product;              /* the one that the product takes */
  double          *slots;                /* (nz) G^T by slots */
  int             *place;                /* (nz + 1) of a filtered slot among the entries, and behind it work, GNNKernelSums(nz) */
  double          *shift;                /* (n/b, b, b) eps S S^T, the inverse of the diagonal block at decoupled unknowns */
  double          *u, *x;                /* (n) work of the product; x where S is apart */
  double          *us, *xs;              /* (n, GNN_DEVICE_COLUMNS) the same for several vectors, NULL before there were some */
  double          *w, *r, *z, *partials; /* the probe's */
  GNNKernelStatus *status;
  PetscBool        unread, told; /* is there something new in it; is what it says of A known? */
  PetscBool        jumps;        /* are there some in the diagonal of A, so that S is not multiplied into 16 bits? */
  GNNKernelStatus  last;         /* as it was read */
  Mat              A;            /* of the set-up, borrowed */
  GNNScaling       scaling;      /* its; */
  GNNPattern       pattern;      /* the network's factor's; */
  PetscReal        filter;       /* of it, likewise; */
  PetscBool        counted;      /* are its entries known, not only how many they may be? */
  PetscBool        diagonal;     /* or is that Jacobi's? */
  PetscReal        epsilon;      /* of the shift */
  PetscBool        fetched;      /* has the host the factor, too? */
  void            *read;         /* page-locked, on the host: what is read passes through it */
  float           *user;
  void            *pieces;     /* the arrays of fsai that have the size of its room */
  void            *memory[64]; /* all other but the Mats' */
  PetscInt         nmemory;
};

PETSC_INTERN PetscErrorCode GNNDeviceStream(GNNStream *); /* PETSc's, or the one that is captured */
PETSC_INTERN void           GNNDeviceCapture(GNNStream);  /* what is launched is to be kept on this one, GNNKernelCaptureBegin(); NULL: no longer */
PETSC_INTERN PetscErrorCode GNNDeviceTimeBegin(void);     /* as PetscLogGpuTimeBegin(), where nothing is captured */
PETSC_INTERN PetscErrorCode GNNDeviceTimeEnd(void);
PETSC_INTERN PetscErrorCode GNNVecsOnDevice(Vec, Vec, PetscBool *);
PETSC_INTERN PetscErrorCode GNNMatsOnDevice(Mat, Mat, PetscBool *); /* dense ones */
PETSC_INTERN PetscErrorCode GNNDeviceFree(void *array);             /* pointer to it, which becomes NULL */
PETSC_INTERN PetscErrorCode GNNDeviceCreate(GNNGraph, GNNPrecision, GNNDevice *);
PETSC_INTERN PetscErrorCode GNNDeviceDestroy(GNNDevice *);
PETSC_INTERN PetscErrorCode GNNDeviceReserveSlots(GNNDevice, GNNGraph);                                   /* of a network, and its features, which come with the values */
PETSC_INTERN PetscErrorCode GNNDeviceCreateGraph(GNNDevice, GNNGraph, GNNStream);                         /* where there is none */
PETSC_INTERN PetscErrorCode GNNDeviceCreateNet(GNNDevice, GNNModel, GNNGraph, PetscBool tf32, GNNStream); /* likewise */

/* A set-up, in this order */
PETSC_INTERN PetscErrorCode GNNDeviceValues(GNNDevice, const double a[], GNNScaling, GNNStream);
PETSC_INTERN PetscErrorCode GNNDeviceForward(GNNDevice, GNNModel, GNNGraph, PetscReal alpha, PetscReal damping, GNNStream); /* the slots, */
PETSC_INTERN PetscErrorCode GNNDeviceFill(GNNDevice, GNNGraph, GNNPattern, PetscReal filter, GNNStream);                    /* and the factor from them; */
PETSC_INTERN PetscErrorCode GNNDeviceFsaiRows(GNNDevice, GNNGraph, PetscReal threshold, PetscBool grow, GNNStream);         /* or the classical one's rows, which are counted, */
PETSC_INTERN PetscErrorCode GNNDeviceFsaiStore(GNNDevice, GNNGraph, unsigned long long entries, GNNStream);                 /* and the factor from them */
PETSC_INTERN PetscErrorCode GNNDeviceFinish(GNNDevice, PetscReal epsilon, PetscBool loss, GNNStream);                       /* the shift; the probe's loss, if wanted, into the status */
PETSC_INTERN PetscErrorCode GNNDeviceReadStatus(GNNDevice, GNNStream, GNNKernelStatus *);

PETSC_INTERN PetscErrorCode GNNDeviceUpload(GNNDevice, GNNFactor, GNNStream);                                                                      /* the host's factor instead */
PETSC_INTERN PetscErrorCode GNNDeviceStore(GNNDevice, GNNGraph, GNNPrecision, GNNStream);                                                          /* another precision */
PETSC_INTERN PetscErrorCode GNNDeviceGetFactor(GNNDevice, GNNGraph, GNNFactor, GNNStream);                                                         /* i, j, v on the host, whose graph has the values */
PETSC_INTERN PetscErrorCode GNNDeviceApply(GNNDevice, const double r[], double z[], GNNStream);                                                    /* z = M^-1 r */
PETSC_INTERN PetscErrorCode GNNDeviceApplyColumns(GNNDevice, PetscInt count, const double r[], PetscInt ldr, double z[], PetscInt ldz, GNNStream); /* the same of several */
PETSC_INTERN PetscInt       GNNDeviceEntries(GNNDevice);                                                                                           /* stored of G */

/* ---- devicegraph.c and devicefsai.c, for these ---- */

PETSC_INTERN PetscErrorCode GNNDeviceTake(GNNDevice, size_t bytes, void *array);                             /* memory that the device owns; pointer to the array */
PETSC_INTERN PetscErrorCode GNNDevicePut(GNNDevice, const void *from, size_t bytes, GNNStream, void *array); /* the same, filled from the host */
PETSC_INTERN PetscErrorCode GNNDeviceUploadUserFeatures(GNNDevice, GNNGraph, GNNStream);
PETSC_INTERN PetscErrorCode GNNDeviceCount(GNNDevice, GNNStream);                                                                                      /* the status counts from 0, unless what it says has not been read */
PETSC_INTERN PetscErrorCode GNNDeviceFillSlots(GNNDevice, GNNGraph, GNNPattern, PetscReal filter, const double slots[], GNNStream, GNNDeviceFactor *); /* made where there is none of the pattern */
PETSC_INTERN PetscErrorCode GNNDeviceTrim(GNNDevice, unsigned long long entries, GNNStream);                                                           /* the network's factor has so many entries, as the status says */
PETSC_INTERN PetscErrorCode GNNDeviceSetApart(GNNDevice, PetscBool, GNNDeviceFactor *);                                                                /* S apart, if so or in half precision for its sake */
PETSC_INTERN PetscErrorCode GNNDeviceGetFsai(GNNDevice, GNNFactor, GNNStream);
PETSC_INTERN PetscErrorCode GNNDeviceFactorCreate(PetscInt n, PetscInt room, GNNPrecision, PetscBool slots, GNNDeviceFactor *); /* with slots? The matrices' arrays are not set; what was there is gone */
PETSC_INTERN PetscErrorCode GNNDeviceRead(GNNDevice, size_t bytes, const void *from, void *to, GNNStream);                      /* at most GNN_DEVICE_READ, to the host */

/* ---- shared with the coarse space, coarse/device.c ---- */

PETSC_INTERN PetscErrorCode GNNDeviceMatCreate(PetscInt n, PetscInt room, GNNPrecision, PetscBool slots, PetscBool transposed, GNNDeviceMat *); /* a matrix of a factor, G^T if transposed */
PETSC_INTERN PetscErrorCode GNNDeviceMatDestroy(GNNDeviceMat *);
PETSC_INTERN PetscErrorCode GNNDevicePutMat(PetscInt n, const int i[], const int j[], GNNStream, GNNKernelMat *);                   /* n rows with that CSR; tiles and values are not set */
PETSC_INTERN void           GNNDeviceTranspose(PetscInt n, PetscInt m, const int i[], const int j[], int ti[], int tj[], int to[]); /* CSR of the transpose of n rows and m columns, and where each entry goes there */

/* ---- shared with training, train/device.c ---- */

PETSC_INTERN void GNNDeviceConfig(const GNNConfig *, PetscBool, GNNKernelConfig *); /* tf32? */
PETSC_INTERN void GNNDeviceSetWeights(const GNNShape *, const float packed[], GNNKernelNet *);
PETSC_INTERN int  GNNDeviceNetTiles(PetscInt n, const PetscInt[], PetscInt most, PetscInt longest, GNNKernelTile[]); /* n, row offsets, most slots of a tile unless one row has more, of a row before it is cut; tiles, at most n + nz/that; how many */
