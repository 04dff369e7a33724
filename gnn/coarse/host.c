/*
   The coarse space on the host. On several ranks each has its rows of P and all of A_c, and solves with that by itself: one sum over the ranks is
   all that an application exchanges, and with new values only A_c's parts and P's rows of the ghost columns travel.

   Q = (P U) (U A_c U)^-1 (P U)^T with the diagonal matrix U that gives A_c a unit diagonal. P U is stored in single precision, by rows, and
   read once a product; rows with as many entries stand together, since what a product costs is the branch at each row's end where it is not foreseen. A small A_c is not solved with but inverted: (U A_c U)^-1 = W^T W with the inverse W of its Cholesky factor. However
   W is rounded, to single precision as well, W^T W is symmetric and positive definite, which the rounded inverse might not be. A larger A_c
   is a sparse matrix, for the KSP.
*/
#include "coarse.h"

#define LANES    8                               /* sums of a dot product that are added up apart */
#define SMALLEST (100.0 * PETSC_MACHINE_EPSILON) /* pivot of a matrix with a unit diagonal */

struct _n_GNNCoarseHost {
  MPI_Comm  comm;     /* of several ranks, or MPI_COMM_NULL */
  GNNCSR    P0, P0T;  /* columns over all ranks; P0 also has the ghost columns' rows, behind the rank's own */
  GNNGhosts ghosts;   /* rows of P */
  PetscSF   sf;       /* of the ghost columns, NULL on one rank */
  PetscInt  n, m, nz; /* of P */
  PetscInt  longest;  /* row of P */
  PetscInt *first;    /* (longest + 2) of the rows with so many entries, owned */
  PetscInt *row;      /* (n) rows in that order, owned */
  PetscInt *j;        /* (nz) of P U, owned */
  float    *v;        /* (nz) owned */
  double   *r, *x;    /* (2, width), (width) coarse work */
  PetscInt  width;    /* of W's rows, m rounded up to LANES */
  float    *W;        /* (m, width) lower triangle, zeros beside it, owned; NULL where the KSP solves with A_c */
  /* the same work for columns, NULL before there were some; */
  void       *memory;  /* of them, owned */
  GNNColumns *columns; /* (3, width) */
};

static inline PetscInt RoundUp_Private(PetscInt n)
{
  return (n + LANES - 1) / LANES * LANES;
}

/* P_0^T and P_0 of the rank's rows */
static PetscErrorCode SetTentative_Private(GNNCoarseHost h, GNNTentative t)
{
  PetscFunctionBegin;
  PetscCall(GNNCSRCreate(h->m, h->n, t->n, &h->P0T));
  PetscCall(PetscArrayzero(h->P0T.i, h->m + 1));
  for (PetscInt k = 0; k < t->n; k++) h->P0T.i[t->first + t->cols[k] + 1]++; /* they come column by column */
  for (PetscInt k = 0; k < h->m; k++) h->P0T.i[k + 1] += h->P0T.i[k];
  PetscCall(PetscArraycpy(h->P0T.j, t->rows, t->n));
  PetscCall(PetscArraycpy(h->P0T.v, t->values, t->n));
  PetscCall(GNNCSRTranspose(&h->P0T, &h->P0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCoarseHostCreate(GNNCoarse c, GNNTentative t)
{
  GNNCoarseHost h;
  GNNGhosts     ghosts;
  PetscMPIInt   size;

  PetscFunctionBegin;
  PetscCall(PetscNew(&h));
  c->host = h;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)c->A), &size));
  h->comm = size > 1 ? PetscObjectComm((PetscObject)c->A) : MPI_COMM_NULL;
  PetscCall(MatGetLocalSize(c->A, &h->n, NULL));
  h->m     = c->size;
  h->width = RoundUp_Private(h->m);
  PetscCall(PetscMalloc1(h->n, &h->row));
  PetscCall(PetscCalloc2(2 * h->width, &h->r, h->width, &h->x));
  PetscCall(SetTentative_Private(h, t));
  if (size == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GNNGhostsCreateSF(c->A, &h->sf));
  PetscCall(GNNGhostsCreate(h->sf, &h->P0, &ghosts));
  PetscCall(GNNGhostsAppend(&ghosts, &h->P0));
  PetscCall(GNNGhostsDestroy(&ghosts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCoarseHostDestroy(GNNCoarseHost *h)
{
  PetscFunctionBegin;
  if (*h == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GNNCSRDestroy(&(*h)->P0));
  PetscCall(GNNCSRDestroy(&(*h)->P0T));
  PetscCall(GNNGhostsDestroy(&(*h)->ghosts));
  PetscCall(PetscSFDestroy(&(*h)->sf));
  PetscCall(PetscFree((*h)->first));
  PetscCall(PetscFree((*h)->row));
  PetscCall(PetscFree((*h)->j));
  PetscCall(PetscFree((*h)->v));
  PetscCall(PetscFree2((*h)->r, (*h)->x));
  PetscCall(PetscFree((*h)->W));
  PetscCall(PetscFree((*h)->memory));
  PetscCall(PetscFree(*h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool GNNCoarseHostInverts(GNNCoarseHost h)
{
  return h && h->W ? PETSC_TRUE : PETSC_FALSE;
}

/* P once a product; W once, or the KSP's factor, or A_c, twice */
PetscErrorCode GNNCoarseHostBytes(GNNCoarse c, PetscReal *bytes)
{
  const GNNCoarseHost h = c->host;
  PC                  inner;
  PetscBool           cholesky;
  Mat                 M = c->Ac;
  MatInfo             info;

  PetscFunctionBegin;
  *bytes = 16.0 * h->nz + 8.0 * h->n;
  if (h->W) *bytes += 2.0 * h->m * h->m;
  else {
    PetscCall(KSPGetPC(c->ksp, &inner));
    PetscCall(PetscObjectTypeCompare((PetscObject)inner, PCCHOLESKY, &cholesky));
    if (cholesky) PetscCall(PCFactorGetMatrix(inner, &M));
    PetscCall(MatGetInfo(M, MAT_LOCAL, &info));
    *bytes += 24.0 * info.nz_used;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- A_c ---- */

/* P = (I - omega D^-1 A) P_0, with the ghost columns' rows behind the rank's own */
static PetscErrorCode Smooth_Private(GNNCoarse c, const GNNCSR *A, GNNCSR *P)
{
  const GNNCoarseHost h = c->host;
  const PetscScalar  *dinv;
  PetscScalar        *s;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(h->n, &s));
  PetscCall(VecGetArrayRead(c->dinv, &dinv));
  for (PetscInt i = 0; i < h->n; i++) s[i] = -c->damping * dinv[i];
  PetscCall(VecRestoreArrayRead(c->dinv, &dinv));
  PetscCall(GNNCSRMultiply(&h->P0, s, A, &h->P0, P));
  PetscCall(PetscFree(s));
  if (h->sf == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  if (h->ghosts.sf) PetscCall(GNNGhostsUpdate(&h->ghosts, P)); /* A's pattern stays, hence P's */
  else PetscCall(GNNGhostsCreate(h->sf, P, &h->ghosts));
  PetscCall(GNNGhostsAppend(&h->ghosts, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* P and A_c = P^T A P, its rows sorted */
static PetscErrorCode Products_Private(GNNCoarse c, GNNCSR *P, GNNCSR *Ac)
{
  const GNNCoarseHost h = c->host;
  GNNCSR              A, AP, PT, T;

  PetscFunctionBegin;
  PetscCall(GNNCSRGetRows(c->A, &A));
  PetscCall(Smooth_Private(c, &A, P));
  PetscCall(GNNCSRMultiply(NULL, NULL, &A, P, &AP));
  PetscCall(GNNCSRRestoreRows(c->A, &A));
  P->n = h->n;
  PetscCall(GNNCSRTranspose(P, &PT));
  PetscCall(GNNCSRMultiply(NULL, NULL, &PT, &AP, &T));
  PetscCall(GNNCSRDestroy(&AP));
  PetscCall(GNNCSRDestroy(&PT));
  if (h->sf) PetscCall(GNNCSRSum(h->comm, &T));
  PetscCall(GNNCSRTranspose(&T, Ac));
  PetscCall(GNNCSRDestroy(&T));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A_c with its shift, and then with a unit diagonal: GNNCoarseShift() of the diagonal of P_0^T D P_0; u work and result, U */
static PetscErrorCode Scale_Private(GNNCoarse c, GNNCSR *Ac, PetscReal u[])
{
  const GNNCSR      *P0T = &c->host->P0T;
  const PetscScalar *dinv;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(c->dinv, &dinv));
  for (PetscInt k = 0; k < Ac->n; k++) {
    u[k] = 0.0;
    for (PetscInt p = P0T->i[k]; p < P0T->i[k + 1]; p++) u[k] += PetscRealPart(P0T->v[p] * P0T->v[p] / dinv[P0T->j[p]]);
  }
  PetscCall(VecRestoreArrayRead(c->dinv, &dinv));
  if (c->host->sf) PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, u, (PetscMPIInt)Ac->n, MPIU_REAL, MPIU_SUM, c->host->comm));
  for (PetscInt k = 0; k < Ac->n; k++) {
    const PetscReal shift = GNNCoarseShift(c) * u[k];

    u[k] = 1.0;
    for (PetscInt p = Ac->i[k]; p < Ac->i[k + 1]; p++) {
      if (Ac->j[p] != k) continue;
      Ac->v[p] += shift;
      u[k] = 1.0 / PetscSqrtReal(PetscAbsScalar(Ac->v[p]));
    }
  }
  for (PetscInt k = 0; k < Ac->n; k++) {
    for (PetscInt p = Ac->i[k]; p < Ac->i[k + 1]; p++) Ac->v[p] *= u[k] * u[Ac->j[p]];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rows by their lengths */
static PetscErrorCode SortRows_Private(GNNCoarseHost h, const GNNCSR *P)
{
  PetscInt longest = 0;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < P->n; i++) longest = PetscMax(longest, P->i[i + 1] - P->i[i]);
  PetscCall(PetscFree(h->first));
  PetscCall(PetscCalloc1(longest + 2, &h->first));
  h->longest = longest;
  for (PetscInt i = 0; i < P->n; i++) h->first[P->i[i + 1] - P->i[i] + 1]++;
  for (PetscInt l = 0; l <= longest; l++) h->first[l + 1] += h->first[l];
  for (PetscInt i = 0; i < P->n; i++) h->row[h->first[P->i[i + 1] - P->i[i]]++] = i;
  for (PetscInt l = longest + 1; l > 0; l--) h->first[l] = h->first[l - 1];
  h->first[0] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* P U in single precision */
static PetscErrorCode Store_Private(GNNCoarseHost h, const GNNCSR *P, const PetscReal u[])
{
  const PetscInt nz = P->i[P->n];
  PetscInt       q  = 0;

  PetscFunctionBegin;
  PetscCall(SortRows_Private(h, P));
  if (nz != h->nz) {
    PetscCall(PetscFree(h->j));
    PetscCall(PetscFree(h->v));
    PetscCall(PetscMalloc1(nz, &h->j));
    PetscCall(PetscMalloc1(nz, &h->v));
    h->nz = nz;
  }
  for (PetscInt k = 0; k < P->n; k++) {
    for (PetscInt p = P->i[h->row[k]]; p < P->i[h->row[k] + 1]; p++, q++) {
      h->j[q] = P->j[p];
      h->v[q] = (float)(P->v[p] * u[P->j[p]]);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- its inverse ---- */

/* Sum of x_k y_k over k < n, and beyond up to LANES, where there are zeros */
static inline double Dot_Private(PetscInt n, const double x[], const double y[])
{
  double sum[LANES] = {0};

  for (PetscInt k = 0; k < n; k += LANES) {
    for (PetscInt l = 0; l < LANES; l++) sum[l] += x[k + l] * y[k + l];
  }
  return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

/* The Cholesky factor of the lower triangle, in its place, zeros above; PETSC_FALSE where a pivot is none */
static PetscBool Factor_Private(PetscInt m, PetscInt width, double L[])
{
  for (PetscInt i = 0; i < m; i++) {
    double *Li = L + i * width;

    for (PetscInt j = 0; j <= i; j++) {
      const double a = Li[j];

      Li[j] = 0.0; /* L_jj stands below it */
      Li[j] = a - Dot_Private(j, Li, i == j ? Li : L + j * width);
      if (j < i) Li[j] /= L[j * width + j];
    }
    if (!(Li[i] > SMALLEST)) return PETSC_FALSE;
    Li[i] = sqrt(Li[i]);
  }
  return PETSC_TRUE;
}

/* Its inverse, in its place, row by row: W_i = (e_i - sum_k<i L_ik W_k) / L_ii; row work */
static void InvertTriangle_Private(PetscInt m, PetscInt width, double L[], double row[])
{
  for (PetscInt i = 0; i < m; i++) {
    double *Li = L + i * width;

    for (PetscInt k = 0; k < width; k++) row[k] = 0.0;
    row[i] = 1.0;
    for (PetscInt k = 0; k < i; k++) {
      const double lik = Li[k], *Wk = L + k * width;

      if (lik == 0.0) continue;
      for (PetscInt l = 0; l < RoundUp_Private(k + 1); l++) row[l] -= lik * Wk[l];
    }
    for (PetscInt k = 0; k < width; k++) row[k] /= Li[i];
    for (PetscInt k = 0; k < width; k++) Li[k] = row[k];
  }
}

static PetscErrorCode Invert_Private(GNNCoarseHost h, const GNNCSR *Ac, PetscBool *failed)
{
  const PetscInt m = h->m, width = h->width;
  double        *L;

  PetscFunctionBegin;
  if (h->W == NULL) PetscCall(PetscMalloc1(m * width, &h->W));
  PetscCall(PetscCalloc1(m * width, &L));
  for (PetscInt i = 0; i < m; i++) {
    for (PetscInt p = Ac->i[i]; p < Ac->i[i + 1] && Ac->j[p] <= i; p++) L[i * width + Ac->j[p]] = PetscRealPart(Ac->v[p]);
  }
  *failed = Factor_Private(m, width, L) ? PETSC_FALSE : PETSC_TRUE;
  if (!*failed) InvertTriangle_Private(m, width, L, h->x);
  for (PetscInt k = 0; k < m * width && !*failed; k++) h->W[k] = (float)L[k];
  PetscCall(PetscFree(L));
  PetscCall(PetscLogFlops(2.0 / 3.0 * m * m * m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the KSP's matrix ---- */

/* Has Ac the pattern of the KSP's matrix? */
static PetscErrorCode SamePattern_Private(Mat M, const GNNCSR *Ac, PetscBool *same)
{
  const PetscInt *i, *j;
  PetscInt        n;
  PetscBool       done;

  PetscFunctionBegin;
  PetscCall(MatGetRowIJ(M, 0, PETSC_FALSE, PETSC_FALSE, &n, &i, &j, &done));
  PetscCall(PetscArraycmp(i, Ac->i, n + 1, same));
  if (*same) PetscCall(PetscArraycmp(j, Ac->j, i[n], same));
  PetscCall(MatRestoreRowIJ(M, 0, PETSC_FALSE, PETSC_FALSE, &n, &i, &j, &done));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A copy as c->Ac; in the pattern of before the KSP keeps its ordering and symbolic factor */
static PetscErrorCode CopyMat_Private(GNNCoarse c, const GNNCSR *Ac)
{
  PetscScalar *v;
  PetscBool    same = PETSC_FALSE;

  PetscFunctionBegin;
  if (c->Ac) PetscCall(SamePattern_Private(c->Ac, Ac, &same));
  if (!same) {
    PetscCall(MatDestroy(&c->Ac));
    PetscCall(MatCreate(PetscObjectComm((PetscObject)c->ksp), &c->Ac));
    PetscCall(MatSetSizes(c->Ac, Ac->n, Ac->n, Ac->n, Ac->n));
    PetscCall(MatSetType(c->Ac, MATSEQAIJ));
    PetscCall(MatSeqAIJSetPreallocationCSR(c->Ac, Ac->i, Ac->j, Ac->v));
    PetscCall(MatSetOption(c->Ac, MAT_SPD, PETSC_TRUE));
  }
  PetscCall(MatSeqAIJGetArray(c->Ac, &v));
  PetscCall(PetscArraycpy(v, Ac->v, Ac->i[Ac->n]));
  PetscCall(MatSeqAIJRestoreArray(c->Ac, &v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCoarseHostSetUp(GNNCoarse c, PetscBool *failed)
{
  const GNNCoarseHost h = c->host;
  GNNCSR              P, Ac;
  PetscReal          *u;
  PetscBool           invert;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(h->m, &u));
  PetscCall(Products_Private(c, &P, &Ac));
  PetscCall(Scale_Private(c, &Ac, u));
  PetscCall(Store_Private(h, &P, u));
  PetscCall(GNNCSRDestroy(&P));
  PetscCall(PetscFree(u));
  PetscCall(GNNCoarseSolverInverts(c, &invert));
  if (invert) PetscCall(Invert_Private(h, &Ac, failed));
  else {
    PetscCall(CopyMat_Private(c, &Ac));
    PetscCall(GNNCoarseSolverSetUpKSP(c, c->Ac, c->Ac, failed));
  }
  PetscCall(GNNCSRDestroy(&Ac));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- its use ---- */

#define NUMBER   PetscScalar
#define OF(name) name##One_Private
#include "hostuse.h"

#define NUMBER   GNNColumns
#define OF(name) name##Columns_Private
#include "hostuse.h"

/* xc = A_c^-1 rc by the KSP, from and to the work arrays */
static PetscErrorCode Solve_Private(GNNCoarse c)
{
  PetscFunctionBegin;
  PetscCall(VecPlaceArray(c->rc, c->host->r));
  PetscCall(VecPlaceArray(c->xc, c->host->x));
  PetscCall(KSPSolve(c->ksp, c->rc, c->xc));
  PetscCall(VecResetArray(c->rc));
  PetscCall(VecResetArray(c->xc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same for some columns */
static PetscErrorCode SolveColumns_Private(GNNCoarse c, PetscInt count, const GNNColumns r[], GNNColumns x[])
{
  const GNNCoarseHost h = c->host;

  PetscFunctionBegin;
  for (PetscInt column = 0; column < GNN_COLUMNS; column++) {
    for (PetscInt k = 0; k < h->m; k++) h->r[k] = r[k][column];
    if (column < count) PetscCall(Solve_Private(c));
    for (PetscInt k = 0; k < h->m; k++) x[k][column] = h->x[k];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscLogDouble Flops_Private(GNNCoarseHost h)
{
  return 4.0 * h->nz + (h->W ? 2.0 * h->m * h->m : 0.0);
}

PetscErrorCode GNNCoarseHostAdd(GNNCoarse c, Vec r, Vec z)
{
  const GNNCoarseHost h = c->host;
  const PetscScalar  *rarray;
  PetscScalar        *zarray;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(r, &rarray));
  RestrictOne_Private(h, rarray, h->r);
  PetscCall(VecRestoreArrayRead(r, &rarray));
  if (h->sf) PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, h->r, (PetscMPIInt)h->m, MPI_DOUBLE, MPI_SUM, h->comm));
  if (h->W) InverseOne_Private(h, h->r, h->x);
  else PetscCall(Solve_Private(c));
  PetscCall(VecGetArray(z, &zarray));
  ProlongOne_Private(h, h->x, zarray);
  PetscCall(VecRestoreArray(z, &zarray));
  PetscCall(PetscLogFlops(Flops_Private(h)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCoarseHostAddColumns(GNNCoarse c, PetscInt count, const GNNColumns r[], GNNColumns z[])
{
  const GNNCoarseHost h = c->host;
  GNNColumns         *rc, *xc;

  PetscFunctionBegin;
  if (h->columns == NULL) PetscCall(GNNColumnsCreate(3 * h->width, &h->memory, &h->columns));
  rc = h->columns;
  xc = rc + 2 * h->width;
  RestrictColumns_Private(h, r, rc);
  if (h->sf) PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, rc, (PetscMPIInt)(h->m * GNN_COLUMNS), MPI_DOUBLE, MPI_SUM, h->comm));
  if (h->W) InverseColumns_Private(h, rc, xc);
  else PetscCall(SolveColumns_Private(c, count, rc, xc));
  ProlongColumns_Private(h, xc, z);
  PetscCall(PetscLogFlops(count * Flops_Private(h)));
  PetscFunctionReturn(PETSC_SUCCESS);
}
