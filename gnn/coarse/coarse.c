/*
   The coarse space's operators, by PETSc's own products on matrices of A's type, so that they run where A lies.

   P_0 and omega with the aggregates; P = (I - omega D^-1 A) P_0, A_c = P^T A P and its inverse at every set-up. On one rank with a device
   nothing of the size of A or P comes to the host there: what is read back is the comparison's sums, two dot products, the inverse's error and its
   trace; P's pattern, once with the aggregates.
*/
#include "coarse.h"
#include "../matrix.h"
#include "../place.h"

PetscErrorCode GNNCoarseCreate(PetscObject pc, Mat A, PetscInt wanted, GNNCoarse *coarse)
{
  GNNCoarse c;
  VecType   type;
  char     *cuda;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  c->pc     = pc;
  c->wanted = wanted;
  PetscCall(MatGetVecType(A, &type));
  PetscCall(PetscStrstr(type, "cuda", &cuda));
  PetscCall(GNNMatOnDevice(A, &c->device));
  if (cuda) c->device = PETSC_TRUE;
  *coarse = c;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCoarseDestroy(GNNCoarse *c)
{
  PetscFunctionBegin;
  if (*c == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GNNCoarseReset(*c));
  PetscCall(VecDestroy(&(*c)->dinv));
  PetscCall(VecDestroy(&(*c)->scale));
  PetscCall(VecDestroy(&(*c)->ghost));
  PetscCall(VecDestroy(&(*c)->x));
  PetscCall(VecDestroy(&(*c)->t));
  PetscCall(VecDestroy(&(*c)->partials));
  PetscCall(VecScatterDestroy(&(*c)->scatter));
  PetscCall(MatDestroy(&(*c)->A));
  PetscCall(KSPDestroy(&(*c)->ksp));
  PetscCall(PetscFree(*c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of a sequential matrix, which rows of it are coupled, as many aggregates as wanted, or this rank's share of them; their number */
static PetscErrorCode AggregateMat_Private(GNNCoarse c, Mat A, Mat nearnull, const PetscScalar coupled[], PetscBool whole, PetscInt *n, GNNTentative *tentative)
{
  GNNNodes nodes;
  PetscInt b, share, *aggregate;

  PetscFunctionBegin;
  PetscCall(MatGetBlockSize(c->A, &b));
  PetscCall(GNNNodesCreate(A, b, coupled, &nodes));
  PetscCall(GNNCoarseShare(c, nodes, whole, &share));
  PetscCall(PetscMalloc1(nodes->n, &aggregate));
  PetscCall(GNNNodesAggregate(nodes, share, aggregate, n));
  PetscCall(GNNNodesDestroy(&nodes));
  PetscCall(GNNTentativeCreate(nearnull, b, coupled, *n, aggregate, tentative));
  PetscCall(PetscFree(aggregate));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Aggregates of the whole graph; *tentative stays NULL where A_c would be larger than each rank wants to have it */
static PetscErrorCode AggregateWhole_Private(GNNCoarse c, GNNTentative *tentative)
{
  const PetscScalar *coupled;
  GNNTentative       t;
  Mat                all;
  Vec                v;

  PetscFunctionBegin;
  PetscCall(GNNWholeCreate(c, &all, &v));
  PetscCall(VecGetArrayRead(v, &coupled));
  PetscCall(AggregateMat_Private(c, all, all, coupled, PETSC_TRUE, &c->aggregates, &t));
  PetscCall(VecRestoreArrayRead(v, &coupled));
  PetscCall(VecDestroy(&v));
  PetscCall(MatDestroy(&all));
  c->size = t->ncols;
  PetscCall(GNNCoarseRepeat(c));
  if (!c->repeated) PetscCall(GNNTentativeDestroy(&t));
  else {
    PetscCall(GNNWholeRestrict(c, t));
    *tentative = t;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Aggregate_Private(GNNCoarse c, Mat A, GNNTentative *tentative)
{
  const MPI_Comm     comm = PetscObjectComm((PetscObject)A);
  const PetscInt    *columns;
  const PetscScalar *coupled;
  Mat                diagonal, other;
  PetscInt           naggregates;
  PetscBool          whole;

  PetscFunctionBegin;
  PetscCall(GNNWholeWanted(c, &whole));
  if (!whole) c->whole = PETSC_FALSE;
  if (whole) PetscCall(AggregateWhole_Private(c, tentative));
  if (*tentative) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GNNMatBlocks(c->A, &diagonal, &other, &columns));
  PetscCall(VecGetArrayRead(c->coupled, &coupled));
  PetscCall(AggregateMat_Private(c, diagonal, A, coupled, PETSC_FALSE, &naggregates, tentative));
  PetscCall(VecRestoreArrayRead(c->coupled, &coupled));
  PetscCallMPI(MPI_Allreduce(&naggregates, &c->aggregates, 1, MPIU_INT, MPI_SUM, comm));
  PetscCallMPI(MPI_Allreduce(&(*tentative)->ncols, &c->size, 1, MPIU_INT, MPI_SUM, comm));
  PetscCallMPI(MPI_Scan(&(*tentative)->ncols, &(*tentative)->first, 1, MPIU_INT, MPI_SUM, comm));
  (*tentative)->first -= (*tentative)->ncols;
  PetscCall(GNNCoarseRepeat(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A matrix of A's type with that many local rows and columns, and n entries in them at local numbers */
static PetscErrorCode CreateMat_Private(GNNCoarse c, PetscInt nrows, PetscInt ncols, PetscInt n, const PetscInt rows[], const PetscInt cols[], const PetscScalar values[], Mat *M)
{
  MatType     type;
  PetscLayout rmap, cmap;
  PetscInt    row, col, *i, *j;

  PetscFunctionBegin;
  PetscCall(MatGetType(c->A, &type));
  PetscCall(MatCreate(PetscObjectComm((PetscObject)c->A), M));
  PetscCall(MatSetSizes(*M, nrows, ncols, PETSC_DETERMINE, PETSC_DETERMINE));
  PetscCall(MatSetType(*M, type));
  PetscCall(MatGetLayouts(*M, &rmap, &cmap));
  PetscCall(PetscLayoutSetUp(rmap));
  PetscCall(PetscLayoutSetUp(cmap));
  PetscCall(PetscLayoutGetRange(rmap, &row, NULL));
  PetscCall(PetscLayoutGetRange(cmap, &col, NULL));
  PetscCall(PetscMalloc2(n, &i, n, &j));
  for (PetscInt k = 0; k < n; k++) {
    i[k] = row + rows[k];
    j[k] = col + cols[k];
  }
  PetscCall(MatSetPreallocationCOO(*M, n, i, j));
  PetscCall(MatSetValuesCOO(*M, values, INSERT_VALUES));
  PetscCall(PetscFree2(i, j));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* P_0, the solver and the coarse vectors; where PETSc multiplies, P_0 and its squares of A's type: the values of t are squared */
static PetscErrorCode CreateTentative_Private(GNNCoarse c, GNNTentative t)
{
  PetscInt n;

  PetscFunctionBegin;
  if (!c->device && c->repeated) PetscCall(GNNCoarseHostCreate(c, t));
  PetscCall(GNNCoarseSolverCreate(c));
  if (c->host) {
    PetscCall(VecCreateSeqWithArray(PetscObjectComm((PetscObject)c->ksp), 1, c->size, NULL, &c->rc));
    PetscCall(VecCreateSeqWithArray(PetscObjectComm((PetscObject)c->ksp), 1, c->size, NULL, &c->xc));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(MatGetLocalSize(c->A, &n, NULL));
  PetscCall(CreateMat_Private(c, n, t->ncols, t->n, t->rows, t->cols, t->values, &c->P0));
  for (PetscInt k = 0; k < t->n; k++) t->values[k] *= t->values[k];
  PetscCall(CreateMat_Private(c, t->ncols, n, t->n, t->cols, t->rows, t->values, &c->squares));
  PetscCall(MatCreateVecs(c->P0, &c->rc, NULL));
  PetscCall(VecDuplicate(c->rc, &c->xc));
  PetscCall(VecDuplicate(c->rc, &c->shift));
  PetscCall(VecDuplicate(c->rc, &c->unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The largest eigenvalue of D^-1 A by a few steps of CG, and what they fall short of it: about a fifth on meshes and stencils of many kinds */
static PetscErrorCode Largest_Private(GNNCoarse c, PetscReal *largest)
{
  KSP       ksp;
  PC        jacobi;
  PetscReal least;

  PetscFunctionBegin;
  PetscCall(GNNCoarseCreateKSP(c->pc, "pc_gnnspai_coarse_estimate_", PetscObjectComm(c->pc), &ksp));
  PetscCall(KSPSetType(ksp, KSPCG));
  PetscCall(KSPGetPC(ksp, &jacobi));
  PetscCall(PCSetType(jacobi, PCJACOBI));
  PetscCall(KSPSetOperators(ksp, c->A, c->A));
  PetscCall(KSPSetNormType(ksp, KSP_NORM_NONE));
  PetscCall(KSPSetConvergenceTest(ksp, KSPConvergedSkip, NULL, NULL)); /* its end is no failure */
  PetscCall(KSPSetTolerances(ksp, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT, 3));
  PetscCall(KSPSetComputeSingularValues(ksp, PETSC_TRUE));
  PetscCall(KSPSetFromOptions(ksp));
  PetscCall(GNNCoarseProbe(c, c->t));
  PetscCall(KSPSolve(ksp, c->t, c->x));
  PetscCall(KSPComputeExtremeSingularValues(ksp, largest, &least));
  PetscCall(KSPDestroy(&ksp));
  *largest *= 1.2;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* omega = 1.8 over the largest eigenvalue of D^-1 A: 4/3, which smoothed aggregation takes, needs up to a fifth more iterations here. Kept with the
   aggregates, which are as long as D^-1 A is about the same */
static PetscErrorCode SetDamping_Private(GNNCoarse c)
{
  PetscReal largest;

  PetscFunctionBegin;
  PetscCall(Largest_Private(c, &largest));
  c->damping = 1.8 / largest;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* P_0 with the pattern of P. MatAXPY() with a subset goes row by row on the host; on a device it gives cuSPARSE row offsets that leave out P_0's
   empty rows where there are many, as if they were all, and takes a P of one column to the host */
static PetscErrorCode CreatePadded_Private(GNNCoarse c)
{
  PetscInt           first, end, n;
  const PetscInt    *columns;
  const PetscScalar *values;

  PetscFunctionBegin;
  PetscCall(MatMatMult(c->A, c->P0, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &c->padded)); /* some types have no MatDuplicate() */
  PetscCall(MatProductClear(c->padded));
  PetscCall(MatZeroEntries(c->padded));
  PetscCall(MatGetOwnershipRange(c->P0, &first, &end));
  for (PetscInt row = first; row < end; row++) {
    PetscCall(MatGetRow(c->P0, row, &n, &columns, &values));
    PetscCall(MatSetValues(c->padded, 1, &row, n, columns, values, INSERT_VALUES));
    PetscCall(MatRestoreRow(c->P0, row, &n, &columns, &values));
  }
  PetscCall(MatAssemblyBegin(c->padded, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(c->padded, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* P = (I - omega D^-1 A) P_0 */
static PetscErrorCode SetProlongator_Private(GNNCoarse c)
{
  PetscFunctionBegin;
  PetscCall(MatMatMult(c->A, c->P0, c->P ? MAT_REUSE_MATRIX : MAT_INITIAL_MATRIX, PETSC_DEFAULT, &c->P));
  if (c->padded == NULL) PetscCall(CreatePadded_Private(c));
  PetscCall(VecCopy(c->dinv, c->t));
  PetscCall(VecScale(c->t, -c->damping));
  PetscCall(MatDiagonalScale(c->P, c->t, NULL));
  PetscCall(MatAXPY(c->P, 1.0, c->padded, SAME_NONZERO_PATTERN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On A_c, which may be singular */
static PetscErrorCode SetShift_Private(GNNCoarse c)
{
  PetscFunctionBegin;
  PetscCall(VecCopy(c->dinv, c->t));
  PetscCall(VecReciprocal(c->t));
  PetscCall(MatMult(c->squares, c->t, c->shift));
  PetscCall(VecScale(c->shift, GNNCoarseShift(c)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What scales A_c with its shift to a unit diagonal: PETSc's least pivot is an absolute number */
static PetscErrorCode SetUnit_Private(GNNCoarse c)
{
  PetscFunctionBegin;
  PetscCall(MatGetDiagonal(c->Ac, c->unit));
  PetscCall(VecAXPY(c->unit, 1.0, c->shift));
  PetscCall(VecSqrtAbs(c->unit));
  PetscCall(VecReciprocal(c->unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* P, A_c and the solver by PETSc's products */
static PetscErrorCode SetMats_Private(GNNCoarse c, PetscBool *failed)
{
  PetscBool inverts;

  PetscFunctionBegin;
  PetscCall(SetProlongator_Private(c));
  if (c->device) PetscCall(MatSetOption(c->P, MAT_FORM_EXPLICIT_TRANSPOSE, PETSC_TRUE)); /* without it cuSPARSE's product adds in any order */
  PetscCall(MatPtAP(c->A, c->P, c->Ac ? MAT_REUSE_MATRIX : MAT_INITIAL_MATRIX, PETSC_DEFAULT, &c->Ac));
  PetscCall(SetShift_Private(c));
  PetscCall(SetUnit_Private(c));
  PetscCall(GNNCoarseSolverSetUp(c, failed));
  PetscCall(GNNCoarseSolverInverts(c, &inverts));
  if (!*failed) PetscCall(GNNCoarseDeviceSetUp(c, inverts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* P, A_c and the solver, for the values of A */
static PetscErrorCode SetValues_Private(GNNCoarse c)
{
  PetscBool failed = PETSC_FALSE;
  int       any;

  PetscFunctionBegin;
  if (c->damping == 0.0) PetscCall(SetDamping_Private(c));
  if (c->host) PetscCall(GNNCoarseHostSetUp(c, &failed));
  else PetscCall(SetMats_Private(c, &failed));
  any = failed ? 1 : 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, PetscObjectComm(c->pc)));
  c->refused = any ? "A_c could not be factored" : NULL;
  if (any) c->judged = PETSC_FALSE; /* of these values alone */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCoarseSetUp(GNNCoarse c, Mat A, PetscBool near)
{
  GNNTentative tentative = NULL;
  PetscBool    changed;

  PetscFunctionBegin;
  PetscCall(PetscObjectReference((PetscObject)A));
  PetscCall(MatDestroy(&c->A));
  c->A = A;
  PetscCall(GNNCoarseScale(c));
  PetscCall(GNNCoarseCompare(c, A, near, &changed));
  if (changed) {
    PetscCall(Aggregate_Private(c, A, &tentative));
    if (c->size > 0) PetscCall(CreateTentative_Private(c, tentative));
    PetscCall(GNNTentativeDestroy(&tentative));
  }
  if (c->size == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GNNCoarseReview(c));
  if (c->judged && c->refused) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SetValues_Private(c));
  PetscCall(PetscInfo(c->pc, "%" PetscInt_FMT " aggregates%s, A_c of size %" PetscInt_FMT ", damping %g\n", c->aggregates, changed ? "" : " (kept)", c->size, (double)c->damping));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of each rank's own solver the first one's */
static PetscErrorCode ViewSolver_Private(GNNCoarse c, PetscViewer viewer)
{
  PetscViewer own;

  PetscFunctionBegin;
  PetscCall(PetscViewerGetSubViewer(viewer, PetscObjectComm((PetscObject)c->ksp), &own));
  PetscCall(KSPView(c->ksp, own));
  PetscCall(PetscViewerRestoreSubViewer(viewer, PetscObjectComm((PetscObject)c->ksp), &own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCoarseView(GNNCoarse c, PetscViewer viewer)
{
  const PetscBool single = c->product ? GNNCoarseDeviceSingle(c->product) : GNNCoarseHostInverts(c->host), inverts = c->product || single ? PETSC_TRUE : PETSC_FALSE;
  const char     *prefix;

  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "coarse space: %" PetscInt_FMT " aggregates, A_c of size %" PetscInt_FMT "%s\n", c->aggregates, c->size, c->inverse || inverts ? ", inverted" : (c->dense ? ", dense" : "")));
  if (c->refused) PetscCall(PetscViewerASCIIPrintf(viewer, "coarse space refused, it is not applied: %s\n", c->refused));
  if (c->size == 0 || c->refused) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerASCIIPrintf(viewer, "prolongator smoothed with damping %.3g\n", (double)c->damping));
  if (!inverts) PetscCall(ViewSolver_Private(c, viewer));
  else {
    PetscCall(KSPGetOptionsPrefix(c->ksp, &prefix));
    PetscCall(PetscViewerASCIIPrintf(viewer, "solver with A_c (%s): its inverse, in %s precision\n", prefix, single ? "single" : "double"));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
