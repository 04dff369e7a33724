/*
   The coarse space: Q = P A_c^-1 P^T with A_c = P^T A P and P from aggregates of the graph of A, beside the local part B:
   M^-1 = B + Q, symmetric positive definite if A and B are.
*/
#pragma once

#include "../columns.h"
#include "../model.h"
#include <petscksp.h>
#include <petscsf.h>

/* ---- aggregates of one rank, coarse/aggregate.c ---- */

/* Nodes are the block rows; edges join coupled nodes, both ways, no loops */
typedef struct _n_GNNNodes *GNNNodes;
struct _n_GNNNodes {
  PetscInt   n, ncoupled;
  PetscInt   width;   /* most nodes as many edges away from a first one */
  PetscInt  *i, *j;   /* CSR, owned */
  PetscReal *length;  /* of the edges, owned */
  PetscBool *coupled; /* (n) owned */
  PetscInt  *row;     /* (n) block row of each node, owned: neighbours have numbers near each other, whatever the rows' */
};

PETSC_INTERN PetscErrorCode GNNNodesCreate(Mat, PetscInt, const PetscScalar[], GNNNodes *); /* SeqAIJ, block size, which rows are coupled: 1, else 0 */
PETSC_INTERN PetscErrorCode GNNNodesDestroy(GNNNodes *);
PETSC_INTERN PetscErrorCode GNNNodesAggregate(GNNNodes, PetscInt, PetscInt[], PetscInt *); /* wanted number; aggregate of each block row, or -1 if it is not coupled; their number, at most one more than wanted */

/* ---- tentative prolongator, coarse/tentative.c ---- */

/* Entries of P_0 on this rank's rows; in each aggregate the columns are orthonormal and span the near-null space there */
typedef struct _n_GNNTentative *GNNTentative;
struct _n_GNNTentative {
  PetscInt     n, ncols;    /* entries, columns of this rank */
  PetscInt     first;       /* of its columns over all ranks */
  PetscInt    *rows, *cols; /* (n) local numbers, owned */
  PetscScalar *values;      /* (n) owned */
};

PETSC_INTERN PetscErrorCode GNNTentativeCreate(Mat, PetscInt b, const PetscScalar[], PetscInt naggregates, const PetscInt[], GNNTentative *); /* A, block size, coupled rows, aggregates, aggregate of each node */
PETSC_INTERN PetscErrorCode GNNTentativeDestroy(GNNTentative *);

/* ---- sparse matrices of the host, coarse/csr.c ---- */

typedef struct {
  PetscInt     n, m;  /* rows, columns */
  PetscInt    *i, *j; /* owned, unless said otherwise */
  PetscScalar *v;
} GNNCSR;

PETSC_INTERN PetscErrorCode GNNCSRCreate(PetscInt, PetscInt, PetscInt nz, GNNCSR *);
PETSC_INTERN PetscErrorCode GNNCSRDestroy(GNNCSR *);
PETSC_INTERN PetscErrorCode GNNCSRTranspose(const GNNCSR *, GNNCSR *);
PETSC_INTERN PetscErrorCode GNNCSRMultiply(const GNNCSR *, const PetscScalar[], const GNNCSR *, const GNNCSR *, GNNCSR *);

/* ---- the same where rows are spread over ranks, coarse/ranks.c ---- */

/* Rows of the ghost columns of A, of a matrix with as many rows as A has columns */
typedef struct {
  GNNCSR  rows; /* in the ghost columns' order */
  PetscSF sf;   /* of their entries */
} GNNGhosts;

PETSC_INTERN PetscErrorCode GNNCSRGetRows(Mat, GNNCSR *); /* of an AIJ matrix: this rank's rows, and behind its own columns the ghost columns; to read, and to give back */
PETSC_INTERN PetscErrorCode GNNCSRRestoreRows(Mat, GNNCSR *);
PETSC_INTERN PetscErrorCode GNNGhostsCreateSF(Mat, PetscSF *);                        /* from the rows' owners to the ghost columns */
PETSC_INTERN PetscErrorCode GNNGhostsCreate(PetscSF, const GNNCSR *own, GNNGhosts *); /* each rank's own rows */
PETSC_INTERN PetscErrorCode GNNGhostsUpdate(GNNGhosts *, const GNNCSR *own);          /* new values in the same pattern */
PETSC_INTERN PetscErrorCode GNNGhostsAppend(const GNNGhosts *, GNNCSR *own);          /* behind the own rows */
PETSC_INTERN PetscErrorCode GNNGhostsDestroy(GNNGhosts *);
PETSC_INTERN PetscErrorCode GNNCSRSum(MPI_Comm, GNNCSR *); /* over the ranks, on each of them the same */

/* ---- the coarse space, coarse/coarse.c ---- */

#define GNN_COARSE_INVERSE 256  /* largest A_c that is inverted on the host */
#define GNN_COARSE_DENSE   4096 /* largest A_c that is factored as a dense matrix, on one rank with a device */

typedef struct _n_GNNCoarseHost   *GNNCoarseHost;   /* coarse/host.c */
typedef struct _n_GNNCoarseDevice *GNNCoarseDevice; /* coarse/device.c */

typedef struct _n_GNNCoarse *GNNCoarse;
struct _n_GNNCoarse {
  PetscObject      pc;         /* whose it is: prefix, options and communicator */
  PetscInt         wanted;     /* aggregates over all ranks, or PETSC_DECIDE */
  PetscBool        whole;      /* aggregates of the whole graph are wanted, if it is not too large: on the host the coarse space is then that of one rank */
  Mat              A;          /* AIJ, referenced */
  Vec              coupled;    /* which rows are: 1, else 0; NULL before there are aggregates */
  Vec              trace;      /* of the values that the aggregates were made from, coarse/rows.c */
  Vec              slow;       /* the near-null space's first vector, 0 at decoupled rows */
  MatNullSpace     nearnull;   /* that the aggregates were made for, referenced, or NULL */
  PetscObjectState nearstate;  /* and its vectors' states */
  PetscInt         aggregates; /* over all ranks */
  PetscInt         size;       /* of A_c; 0 where no row is coupled: then there is nothing below */
  PetscBool        plane;      /* is the graph? */
  PetscBool        repeated;   /* does each rank solve with all of A_c, for itself? */
  GNNCoarseHost    host;       /* P and A_c on the host; else NULL, and what is below up to Ac is there */
  Mat              P0, P;      /* tentative, and smoothed by one damped Jacobi step */
  Mat              padded;     /* P_0 with zeros where P has more entries */
  Mat              squares;    /* of P_0's entries, transposed */
  Mat              Ac;
  KSP              ksp;                       /* solves with A_c, on each rank for itself where host is there */
  Mat              dense;                     /* A_c on one rank, if ksp can use it dense, else NULL */
  Mat              inverse, factor, identity; /* of dense, if ksp's PC is PCMAT, else NULL */
  GNNCoarseDevice  product;                   /* P and inverse on a device as the kernels read them, or NULL: then PETSc's operations do */
  PetscBool        device;                    /* A's vectors are CUDA's */
  PetscReal        damping;                   /* of the Jacobi step, as long as the aggregates are kept */
  Vec              dinv, scale;               /* D^-1, D^-1/2 */
  Vec              ghost;                     /* what the other ranks have of scale, on the host */
  VecScatter       scatter;                   /* from the one to the other, NULL on one rank */
  Vec              shift;
  Vec              unit;         /* A_c is scaled by it from both sides, to a unit diagonal */
  Vec              rc, xc;       /* coarse work */
  Vec              x, t;         /* fine work */
  Vec              partials;     /* of sums on the device */
  PetscReal        low, lowthen; /* n^T A n / n^T D n of slow; the same when it was judged */
  PetscBool        judged;       /* is there a verdict to keep? */
  const char      *refused;      /* why Q is left out, or NULL */
};

#define GNN_COARSE_SINGULAR 1e-12 /* n^T A n / n^T D n of a null vector, by rounding */

typedef PetscErrorCode (*GNNCoarseLocalFn)(void *, Vec, Vec); /* z = B r, the local part by itself */

PETSC_INTERN PetscErrorCode GNNCoarseCreate(PetscObject pc, Mat A, PetscInt wanted, GNNCoarse *); /* pc for prefix and communicator, A for its type */
PETSC_INTERN PetscErrorCode GNNCoarseSetUp(GNNCoarse, Mat A, PetscBool near);                     /* new values; aggregates are kept unless what they were made from has changed; are the couplings of the rank's block known not to have? */
PETSC_INTERN PetscErrorCode GNNCoarseAdd(GNNCoarse, Vec r, Vec z);                                /* z += Q r */
PETSC_INTERN PetscErrorCode GNNCoarseAddMat(GNNCoarse, Mat R, Mat Z);                             /* the same for the columns of dense matrices */
PETSC_INTERN PetscBool      GNNCoarseAddsColumns(GNNCoarse);                                      /* may it be, on the host of one rank, */
PETSC_INTERN PetscErrorCode GNNCoarseAddColumns(GNNCoarse, PetscInt count, const GNNColumns r[], GNNColumns z[]); /* for some of them side by side, of which so many are not the last one again? */
PETSC_INTERN PetscBool      GNNCoarseLaunches(GNNCoarse);                                                         /* does GNNCoarseAdd() nothing but launch kernels? */
PETSC_INTERN PetscErrorCode GNNCoarseView(GNNCoarse, PetscViewer);
PETSC_INTERN PetscErrorCode GNNCoarseDestroy(GNNCoarse *);

/* Shift of A_c, over the diagonal of P_0^T D P_0: more than rounding leaves of a singular A_c, less than any mode that matters. Where A is singular
   A_c^-1 would carry what rounding leaves in the null space of A, where nothing takes it away again */
static inline PetscReal GNNCoarseShift(GNNCoarse c)
{
  return c->low <= GNN_COARSE_SINGULAR ? 1e-6 : 1e-11;
}

/* ---- how many, and on which ranks, coarse/number.c ---- */

PETSC_INTERN PetscErrorCode GNNCoarseShare(GNNCoarse, GNNNodes, PetscBool whole, PetscInt *); /* aggregates of the rank's nodes; are they the whole graph's? */
PETSC_INTERN PetscErrorCode GNNCoarseRepeat(GNNCoarse);                                       /* for its size */

/* ---- on the host, coarse/host.c ---- */

PETSC_INTERN PetscErrorCode GNNCoarseHostCreate(GNNCoarse, GNNTentative);
PETSC_INTERN PetscErrorCode GNNCoarseHostDestroy(GNNCoarseHost *);
PETSC_INTERN PetscErrorCode GNNCoarseHostSetUp(GNNCoarse, PetscBool *); /* P and A_c, and its inverse or KSP; could it not be factored? */
PETSC_INTERN PetscErrorCode GNNCoarseHostAdd(GNNCoarse, Vec, Vec);      /* as GNNCoarseAdd() */
PETSC_INTERN PetscErrorCode GNNCoarseHostAddColumns(GNNCoarse, PetscInt, const GNNColumns[], GNNColumns[]);
PETSC_INTERN PetscErrorCode GNNCoarseHostBytes(GNNCoarse, PetscReal *); /* that Q reads on this rank */
PETSC_INTERN PetscBool      GNNCoarseHostInverts(GNNCoarseHost);        /* NULL does not */

/* ---- where the aggregates are those of the whole graph, coarse/whole.c ---- */

PETSC_INTERN PetscErrorCode GNNWholeWanted(GNNCoarse, PetscBool *);
PETSC_INTERN PetscErrorCode GNNWholeCreate(GNNCoarse, Mat *, Vec *);   /* on each rank all of A, with its near-null space, and of coupled; the caller's */
PETSC_INTERN PetscErrorCode GNNWholeRestrict(GNNCoarse, GNNTentative); /* of the whole matrix: to this rank's rows */

/* ---- what it is kept by, coarse/rows.c ---- */

PETSC_INTERN PetscErrorCode GNNCoarseScale(GNNCoarse);                                     /* D^-1 and D^-1/2 of the values of A */
PETSC_INTERN PetscErrorCode GNNCoarseCompare(GNNCoarse, Mat, PetscBool near, PetscBool *); /* A with the near-null space: must the aggregates be made anew? If so, coupled, trace and near-null space are new */
PETSC_INTERN PetscErrorCode GNNCoarseReset(GNNCoarse);                                     /* what is made from the aggregates, and them */

/* ---- its kernels, coarse/device.c; without CUDA no matrix is on a device ---- */

#if defined(GNN_CUDA) || defined(GNN_EMULATE)
PETSC_INTERN PetscErrorCode GNNCoarseOnDevice(Mat, PetscBool *);           /* with indices that the kernels can read? */
PETSC_INTERN PetscErrorCode GNNCoarseCouple(GNNCoarse, PetscReal total[]); /* sums and traces of A's rows into x and t; the totals of GNNCouplingCompare(), 0 without aggregates */
PETSC_INTERN PetscErrorCode GNNCoarseFillDense(GNNCoarse);                 /* dense = diag(unit) (A_c + diag(shift)) diag(unit) */
PETSC_INTERN PetscErrorCode GNNCoarseDeviceSetUp(GNNCoarse, PetscBool);    /* product, for P, unit and inverse, if they are there and the solver does no more than to multiply */
PETSC_INTERN PetscErrorCode GNNCoarseDeviceDestroy(GNNCoarseDevice *);
PETSC_INTERN PetscErrorCode GNNCoarseDeviceAdd(GNNCoarse, Vec, Vec);                 /* as GNNCoarseAdd(), with a product */
PETSC_INTERN PetscErrorCode GNNCoarseDeviceAddMat(GNNCoarse, Mat, Mat, PetscBool *); /* likewise, if the matrices are there: are they? */
PETSC_INTERN PetscReal      GNNCoarseDeviceBytes(GNNCoarseDevice);                   /* that Q reads */
PETSC_INTERN PetscBool      GNNCoarseDeviceSingle(GNNCoarseDevice);                  /* is the inverse in single precision? */
#else
static inline PetscErrorCode GNNCoarseOnDevice(PETSC_UNUSED Mat A, PetscBool *device)
{
  *device = PETSC_FALSE;
  return PETSC_SUCCESS;
}

static inline PetscErrorCode GNNCoarseCouple(PETSC_UNUSED GNNCoarse c, PETSC_UNUSED PetscReal total[])
{
  return PETSC_ERR_SUP;
}

static inline PetscErrorCode GNNCoarseFillDense(PETSC_UNUSED GNNCoarse c)
{
  return PETSC_ERR_SUP;
}

static inline PetscErrorCode GNNCoarseDeviceSetUp(PETSC_UNUSED GNNCoarse c, PETSC_UNUSED PetscBool inverts)
{
  return PETSC_SUCCESS;
}

static inline PetscErrorCode GNNCoarseDeviceDestroy(PETSC_UNUSED GNNCoarseDevice *product)
{
  return PETSC_SUCCESS;
}

static inline PetscErrorCode GNNCoarseDeviceAdd(PETSC_UNUSED GNNCoarse c, PETSC_UNUSED Vec r, PETSC_UNUSED Vec z)
{
  return PETSC_ERR_SUP;
}

static inline PetscErrorCode GNNCoarseDeviceAddMat(PETSC_UNUSED GNNCoarse c, PETSC_UNUSED Mat R, PETSC_UNUSED Mat Z, PETSC_UNUSED PetscBool *added)
{
  return PETSC_ERR_SUP;
}

static inline PetscReal GNNCoarseDeviceBytes(PETSC_UNUSED GNNCoarseDevice product)
{
  return 0.0;
}

static inline PetscBool GNNCoarseDeviceSingle(PETSC_UNUSED GNNCoarseDevice product)
{
  return PETSC_FALSE;
}
#endif

/* ---- its guard, coarse/guard.c ---- */

PETSC_INTERN PetscErrorCode GNNCoarseProbe(GNNCoarse, Vec);                                 /* signs by a hash, scaled by D^1/2; 0 at decoupled rows */
PETSC_INTERN PetscErrorCode GNNCoarseJudge(GNNCoarse, GNNCoarseLocalFn, void *, PetscReal); /* local part, its context and entries on this rank; refused, if CG does better without Q; nothing where there is a verdict */
PETSC_INTERN PetscErrorCode GNNCoarseReview(GNNCoarse);                                     /* new values: low; no verdict any more, if they are too different for it */

/* ---- its solver, coarse/solver.c ---- */

PETSC_INTERN PetscErrorCode GNNCoarseCreateKSP(PetscObject, const char[], MPI_Comm, KSP *); /* the PC that it works for, the prefix behind its own */

PETSC_INTERN PetscErrorCode GNNCoarseSolverCreate(GNNCoarse);                          /* once it is known where A_c is; nothing if there is one already */
PETSC_INTERN PetscErrorCode GNNCoarseSolverSetUp(GNNCoarse, PetscBool *);              /* for the values of A_c, shift and unit; does its factorisation fail on this rank? */
PETSC_INTERN PetscErrorCode GNNCoarseSolverInverts(GNNCoarse, PetscBool *);            /* is an A_c on the host of one rank to be inverted? */
PETSC_INTERN PetscErrorCode GNNCoarseSolverSetUpKSP(GNNCoarse, Mat, Mat, PetscBool *); /* takes A_c as it is */
