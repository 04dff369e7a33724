/*
   Where a set-up and the product happen: on the host (host.c), or on the device that the matrix lies on (device.c). Chosen once per pattern;
   nothing outside these three files asks which it is.

   Arrays live where the place is: slots (nz) of the graph, vectors (n), or K vectors side by side, (n, K), K = 1 or GNN_PROBES. So do scalars,
   until they are read.
*/
#pragma once

#include "factor.h"
#include "steps.h"

#define GNN_PROBES 4

typedef struct _n_GNNPlace *GNNPlace;

/* What a set-up says of the matrix and the factor */
typedef struct {
  GNNGraphStatus status;    /* what is wrong with the matrix, */
  PetscInt       row;       /* in which row */
  PetscInt       coupled;   /* rows that are not solved for alone */
  PetscReal      asymmetry; /* as in the graph */
  PetscInt       replaced;  /* entries of G that were not finite */
  PetscInt       failed;    /* rows of the classical factor that are Jacobi's */
  PetscReal      loss;      /* ||(At M^-1 - I) w||^2 on one probe w, if that was wanted */
} GNNReport;

typedef struct {
  /* ---- a set-up, in this order ---- */
  PetscErrorCode (*values)(GNNPlace, Mat A, GNNScaling);                                  /* of the graph, from the local matrix */
  PetscErrorCode (*forward)(GNNPlace, GNNModel, PetscReal alpha, PetscReal damping);      /* slots = start + alpha (network - start) */
  PetscErrorCode (*start)(GNNPlace, const GNNConfig *, PetscReal damping, PetscScalar[]); /* slots of the start with At damped */
  PetscErrorCode (*fill)(GNNPlace, GNNPattern);                                           /* the factor from the slots, */
  PetscErrorCode (*diagonal)(GNNPlace, GNNPattern);                                       /* or Jacobi's, */
  PetscErrorCode (*fsai)(GNNPlace, PetscReal threshold, PetscBool grow);                  /* or the classical one; PETSC_FALSE: in the columns it has, if any */
  PetscErrorCode (*finish)(GNNPlace, PetscReal epsilon, PetscBool loss);                  /* shift; is the loss wanted? */
  PetscErrorCode (*report)(GNNPlace);                                                     /* what is known by now, into the report */

  /* ---- the product ---- */
  PetscErrorCode (*store)(GNNPlace, GNNPrecision); /* ready for it, stored in that */
  PetscErrorCode (*apply)(GNNPlace, Vec r, Vec z); /* z = M^-1 r, for all nodes of the graph */
  /* The same of the columns of dense matrices, or of some vectors side by side, of which so many are not the last one again; NULL: not here. Without either
     columns are done one by one */
  PetscErrorCode (*applymat)(GNNPlace, Mat R, Mat Z);
  PetscErrorCode (*columns)(GNNPlace, PetscInt count, const GNNColumns r[], GNNColumns z[]);
  PetscErrorCode (*fetch)(GNNPlace, Mat A); /* graph and factor to the host, for the local matrix */
  PetscInt (*entries)(GNNPlace);            /* of G */
  PetscErrorCode (*destroy)(GNNPlace);

  /* ---- what the guard computes with ---- */
  PetscErrorCode (*create)(GNNPlace, size_t bytes, void *array);
  PetscErrorCode (*free)(void *array); /* the pointer to it */
  PetscErrorCode (*read)(GNNPlace, size_t bytes, const void *from, void *to);
  PetscErrorCode (*probe)(GNNPlace, PetscInt K, PetscScalar W[]);             /* signs from a hash, 0 at decoupled unknowns */
  PetscErrorCode (*strengths)(GNNPlace, PetscScalar m[]);                     /* slots of GNNStrength() of At off the diagonal */
  PetscErrorCode (*jacobi)(GNNPlace, const PetscScalar r[], PetscScalar z[]); /* z = D^-1 r, 0 at decoupled unknowns */
  /* y = (a m + b m^T) x + beta v for slots m; v is not read if beta = 0, and may be y */
  PetscErrorCode (*multiply)(GNNPlace, PetscReal a, PetscReal b, const PetscScalar m[], PetscInt K, const PetscScalar x[], PetscReal beta, const PetscScalar v[], PetscScalar y[]);
  PetscErrorCode (*dot)(GNNPlace, PetscInt size, const PetscScalar x[], const PetscScalar y[], PetscReal *dot);
  PetscErrorCode (*axpby)(GNNPlace, PetscInt size, PetscReal a, const PetscScalar x[], PetscReal b, const PetscScalar v[], PetscScalar y[]); /* y = a x + b v; v is not read if b = 0, and may be y */
  /* The stage with x^T y; have the steps ended, if that is known without waiting? Then y = c0 x + c1 y; y is not read if c1 = 0 */
  PetscErrorCode (*step)(GNNPlace, GNNStepsStage, PetscInt size, const PetscScalar x[], const PetscScalar y[], GNNSteps *, PetscBool *ended);
  PetscErrorCode (*update)(GNNPlace, PetscInt size, const double c[2], const PetscScalar x[], PetscScalar y[]);
  PetscErrorCode (*factor)(GNNPlace, PetscReal epsilon, const PetscScalar r[], PetscScalar z[]); /* z = (G G^T + eps I) r, the factor as it stands; on a device with the shift that it has */
} GNNPlaceOps;

struct _n_GNNPlace {
  const GNNPlaceOps   *ops;
  GNNGraph             g; /* borrowed */
  GNNFactor            f; /* the host's, borrowed; on a device GNNPlaceOps.fetch() fills it */
  GNNReport            report;
  const PetscScalar   *matrix;         /* (nz) slots of At */
  PetscScalar         *slots;          /* (nz) G^T by slots, of network or start */
  PetscReal            filter;         /* of a factor that is filled from slots, GNNRowFilter(); 0: all stay */
  PetscBool            tf32;           /* the network's products on a device */
  const char          *made, *applied; /* where the factor is, for PCView() */
  struct _n_GNNHost   *host;           /* what each needs */
  struct _n_GNNDevice *device;
};

/* For a matrix that lies there, and the model that is to run, or NULL. A graph that reaches into other ranks' is set up on the host, the product may be on the device */
PETSC_INTERN PetscErrorCode GNNPlaceCreate(Mat local, GNNModel, GNNGraph, GNNFactor, GNNPrecision, PetscBool tf32, GNNPlace *); /* the precision: of the factor at first */
PETSC_INTERN PetscErrorCode GNNPlaceDestroy(GNNPlace *);
PETSC_INTERN PetscErrorCode GNNPlaceApply(GNNPlace, Vec r, Vec z);   /* z = M^-1 r, of the rank's rows alone, or collective where the graph reaches into other ranks' */
/* G of the factor that was fetched, of the scaled system, there; the caller's: the rank's block, or for the matrix A over all ranks, which is what the graph reaches, or blocks */
PETSC_INTERN PetscErrorCode GNNPlaceGetMat(GNNPlace, Mat *G);
PETSC_INTERN PetscErrorCode GNNPlaceGetMatOverall(GNNPlace, Mat A, Mat *G);

/* ---- between place.c, host.c and device.c ---- */

PETSC_INTERN const GNNPlaceOps GNNHostOps;
PETSC_INTERN PetscErrorCode    GNNHostCreate(GNNPlace, PetscBool slots); /* is a network to fill some? */

/* The device's part, which is left out where PETSc has no CUDA: then no matrix is on a device, and the others are never called */
#if defined(GNN_CUDA) || defined(GNN_EMULATE)
  #if defined(GNN_EMULATE)
PETSC_INTERN PetscBool GNNDeviceEmulate; /* are all matrices on the device? */
  #endif
PETSC_INTERN PetscErrorCode GNNMatOnDevice(Mat, PetscBool *);                                              /* a sequential AIJCUSPARSE matrix, not bound to the CPU? */
PETSC_INTERN PetscErrorCode GNNMatToDevice(Mat *);                                                         /* a sequential AIJ matrix becomes one on the device */
PETSC_INTERN PetscErrorCode GNNDeviceSupports(GNNModel, PetscBool *);                                      /* can the network run there? */
PETSC_INTERN PetscErrorCode GNNDeviceCreatePlace(GNNPlace, PetscBool product, GNNModel, GNNPrecision); /* is only the product done there, with the host's factor? */
#else
static inline PetscErrorCode GNNMatOnDevice(PETSC_UNUSED Mat A, PetscBool *device)
{
  *device = PETSC_FALSE;
  return PETSC_SUCCESS;
}

static inline PetscErrorCode GNNMatToDevice(PETSC_UNUSED Mat *A)
{
  return PETSC_ERR_SUP;
}

static inline PetscErrorCode GNNDeviceSupports(PETSC_UNUSED GNNModel m, PetscBool *supports)
{
  *supports = PETSC_FALSE;
  return PETSC_SUCCESS;
}

static inline PetscErrorCode GNNDeviceCreatePlace(PETSC_UNUSED GNNPlace at, PETSC_UNUSED PetscBool product, PETSC_UNUSED GNNModel m, PETSC_UNUSED GNNPrecision precision)
{
  return PETSC_ERR_SUP;
}
#endif
