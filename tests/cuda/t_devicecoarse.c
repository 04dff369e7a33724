static char help[] = "The coarse space on the device: against the host's, its kernels against PETSc's operations, a refresh against one made anew, in the same bits, without copies of the matrix.\n\
Linked with the CUDA kernels it runs on a GPU; without a GPU it is linked with the same kernels compiled for tests/cuda/emulate.h.\n";

#include "../../gnn/coarse/coarse.h"
#include "../../gnn/matrix.h"
#include "testdevice.h"
#include "../testpc.h"
#include "../testtext.h"

#if defined(GNN_EMULATE)
  #define DEVICE_MAT    MATAIJ
  #define DEVICE_DENSE  MATDENSE
  #define Emulate(flag) (GNNDeviceEmulate = (flag))
  #define REPEATED      0.0
  #define MADE_ANEW     1e-12

long long EmulateCounted(const char *);
#else
  #define DEVICE_MAT    MATAIJCUSPARSE
  #define DEVICE_DENSE  MATDENSECUDA
  #define Emulate(flag) (void)(flag)
  #define REPEATED      1e-14 /* CUSPARSE_SPMV_CSR_ALG1, PETSc's default, does not promise the same bits */
  #define MADE_ANEW     1e-10
#endif

/* ---- against the host ---- */

/* A matrix with a coarse space: on the host, and on the device */
typedef struct {
  Mat       A;
  PC        pc; /* for its prefix */
  GNNCoarse c;
} Side;

static PetscErrorCode SideSetUp(Side *s, PetscBool device, Mat A)
{
  PetscFunctionBeginUser;
  if (s->A == NULL) {
    PetscCall(MatConvert(A, device ? DEVICE_MAT : MATAIJ, MAT_INITIAL_MATRIX, &s->A));
    PetscCall(PCCreate(PETSC_COMM_SELF, &s->pc));
  } else PetscCall(MatCopy(A, s->A, SAME_NONZERO_PATTERN));
  Emulate(device);
  if (s->c == NULL) PetscCall(GNNCoarseCreate((PetscObject)s->pc, s->A, 12, &s->c));
  PetscCall(GNNCoarseSetUp(s->c, s->A, PETSC_FALSE));
  Emulate(PETSC_FALSE);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SideDestroy(Side *s)
{
  PetscFunctionBeginUser;
  PetscCall(GNNCoarseDestroy(&s->c));
  PetscCall(PCDestroy(&s->pc));
  PetscCall(MatDestroy(&s->A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode VecsDiffer(Vec x, Vec y, PetscReal *difference)
{
  const PetscScalar *xarray, *yarray;
  PetscInt           n;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(x, &n));
  PetscCall(VecGetArrayRead(x, &xarray));
  PetscCall(VecGetArrayRead(y, &yarray));
  *difference = TestArrayDifference(n, xarray, yarray);
  PetscCall(VecRestoreArrayRead(x, &xarray));
  PetscCall(VecRestoreArrayRead(y, &yarray));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef enum {
  KERNELS, /* ours, where there are any for it */
  PETSC,   /* its operations */
  PASSED   /* ours, to which vectors of the host are passed */
} Way;

/* Q r, r random, of the matrix's vectors or of the host's */
static PetscErrorCode SideApply(const Side *s, Way way, unsigned long seed, Vec *r, Vec *z)
{
  const GNNCoarseDevice product = s->c->product;
  Vec                   host;
  PetscInt              n;

  PetscFunctionBeginUser;
  PetscCall(TestVecRandom(s->A, seed, r));
  if (way == PASSED) {
    PetscCall(VecGetLocalSize(*r, &n));
    PetscCall(VecCreateSeq(PETSC_COMM_SELF, n, &host));
    PetscCall(VecCopy(*r, host));
    PetscCall(VecDestroy(r));
    *r = host;
  }
  PetscCall(VecDuplicate(*r, z));
  PetscCall(VecSet(*z, 0.0));
  if (way == PETSC) s->c->product = NULL;
  Emulate(way == KERNELS);
  PetscCall(GNNCoarseAdd(s->c, *r, *z));
  Emulate(PETSC_FALSE);
  s->c->product = product;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x^T Q y = y^T Q x: more than single precision would do for numbers that are not the same ones */
static PetscErrorCode OkSymmetric(const Side *device, const char name[], const char what[])
{
  Vec         r[2], z[2];
  PetscScalar dot[2];
  PetscReal   norm[2];

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) PetscCall(SideApply(device, KERNELS, (unsigned long)(5 + k), &r[k], &z[k]));
  for (int k = 0; k < 2; k++) PetscCall(VecDot(r[1 - k], z[k], &dot[k]));
  PetscCall(VecNorm(r[0], NORM_2, &norm[0]));
  PetscCall(VecNorm(z[1], NORM_2, &norm[1]));
  Ok(PetscAbsScalar(dot[0] - dot[1]) <= 1e-14 * norm[0] * norm[1], "%s, %s: Q is symmetric, off by %.1e (%s)", name, what, (double)(PetscAbsScalar(dot[0] - dot[1]) / (norm[0] * norm[1])), WHERE);
  for (int k = 0; k < 2; k++) {
    PetscCall(VecDestroy(&r[k]));
    PetscCall(VecDestroy(&z[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddColumn(void *c, Vec r, Vec z)
{
  PetscFunctionBeginUser;
  PetscCall(GNNCoarseAdd((GNNCoarse)c, r, z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns, more than are multiplied at once, are those of single vectors, to the bit */
static PetscErrorCode OkColumns(const Side *device, const char name[], const char what[])
{
  Mat       R, Z[2];
  PetscBool same, unchanged;

  PetscFunctionBeginUser;
  PetscCall(TestDenseCreate(device->A, DEVICE_DENSE, GNN_DEVICE_COLUMNS + 1, &R));
  for (int k = 0; k < 2; k++) PetscCall(TestDenseCreate(device->A, DEVICE_DENSE, GNN_DEVICE_COLUMNS + 1, &Z[k]));
  Emulate(PETSC_TRUE);
  PetscCall(GNNCoarseAddMat(device->c, R, Z[0]));
  PetscCall(GNNMatForColumns(R, Z[1], 0, AddColumn, device->c));
  Emulate(PETSC_FALSE);
  PetscCall(MatEqual(Z[0], Z[1], &same));
  PetscCall(MatEqual(Z[0], R, &unchanged)); /* they were R's before */
  Ok(same && !unchanged, "%s, %s: columns are added as vectors are (%s)", name, what, WHERE);
  PetscCall(MatDestroy(&R));
  for (int k = 0; k < 2; k++) PetscCall(MatDestroy(&Z[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Q by our kernels is Q by PETSc's operations, and the host's, but for single precision; vectors of the host make no difference */
static PetscErrorCode OkApplied(const Side *host, const Side *device, const char name[], const char what[])
{
  const Way ways[] = {KERNELS, PASSED, PETSC};
  Vec       r, z[4];
  PetscReal passed = 0.0, petsc = 0.0, there = 0.0;

  PetscFunctionBeginUser;
  for (int k = 0; k < 4; k++) {
    PetscCall(SideApply(k < 3 ? device : host, k < 3 ? ways[k] : PETSC, 5, &r, &z[k]));
    PetscCall(VecDestroy(&r));
  }
  PetscCall(VecsDiffer(z[1], z[0], &passed));
  PetscCall(VecsDiffer(z[2], z[0], &petsc));
  PetscCall(VecsDiffer(z[3], z[0], &there));
  Ok(passed == 0.0 && petsc <= 1e-6 && there <= 1e-6, "%s, %s: Q differs from PETSc's by %.1e, from the host's by %.1e, with its vectors by %g", name, what, (double)petsc, (double)there, (double)passed);
  for (int k = 0; k < 4; k++) PetscCall(VecDestroy(&z[k]));
  PetscCall(OkSymmetric(device, name, what));
  PetscCall(OkColumns(device, name, what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same rows are coupled, by the same traces, and damping and Q are the same, but for single precision */
static PetscErrorCode OkSides(const Side *host, const Side *device, const char name[], const char what[])
{
  PetscReal coupled = 0.0, trace = 0.0;

  PetscFunctionBeginUser;
  PetscCall(VecsDiffer(device->c->coupled, host->c->coupled, &coupled));
  PetscCall(VecsDiffer(device->c->trace, host->c->trace, &trace));
  Ok(coupled == 0.0 && trace <= 1e-12, "%s, %s: coupled rows differ by %g, traces by %.1e (%s)", name, what, (double)coupled, (double)trace, WHERE);
  Ok(device->c->size == host->c->size && (host->c->size == 0 || (device->c->product && GNNCoarseDeviceSingle(device->c->product) && host->c->host)), "%s, %s: A_c of size %d", name, what, (int)device->c->size);
  if (host->c->size == 0 || device->c->size != host->c->size) PetscFunctionReturn(PETSC_SUCCESS);
  Ok(PetscAbsReal(device->c->damping / host->c->damping - 1.0) <= 1e-10, "%s, %s: damping %g", name, what, (double)device->c->damping);
  PetscCall(OkApplied(host, device, name, what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* First set-up; values for which the aggregates are kept, and for which they are not, whatever the place */
static PetscErrorCode TestSides(const char name[], Mat A)
{
  Side sides[2] = {{0}};
  Vec  d, coupled[2]; /* made with the aggregates */

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(A, &d, NULL));
  for (int k = 0; k < 2; k++) PetscCall(SideSetUp(&sides[k], k ? PETSC_TRUE : PETSC_FALSE, A));
  PetscCall(OkSides(&sides[0], &sides[1], name, "first set-up"));
  for (int change = 0; change < 2; change++) {
    PetscCall(MatGetDiagonal(A, d));
    PetscCall(VecScale(d, change ? 3.0 : 0.05));
    PetscCall(MatDiagonalSet(A, d, ADD_VALUES));
    for (int k = 0; k < 2; k++) {
      coupled[k] = sides[k].c->coupled;
      PetscCall(PetscObjectReference((PetscObject)coupled[k]));
      PetscCall(SideSetUp(&sides[k], k ? PETSC_TRUE : PETSC_FALSE, A));
      if (sides[k].c->size > 0) Ok((coupled[k] == sides[k].c->coupled) == !change, "%s, %s: the aggregates are %s", name, k ? WHERE : "on the host", change ? "made anew" : "kept");
      PetscCall(VecDestroy(&coupled[k]));
    }
    PetscCall(OkSides(&sides[0], &sides[1], name, change ? "other values" : "refreshed"));
  }
  for (int k = 0; k < 2; k++) PetscCall(SideDestroy(&sides[k]));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestArrow(const char name[], PetscInt n, PetscInt isolated)
{
  Mat A;

  PetscFunctionBeginUser;
  PetscCall(TestMatCreateArrow(n, isolated, &A));
  PetscCall(TestSides(name, A));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A row longer than a warp; rows with nothing but their diagonal, and so many that PETSc leaves them out of P_0; one row */
static PetscErrorCode TestAwkward(void)
{
  PetscFunctionBeginUser;
  PetscCall(TestArrow("arrow", 20, 5));
  PetscCall(TestArrow("long arrow", 100, 0));
  PetscCall(TestArrow("short arrow", 100, 80));
  PetscCall(TestArrow("one row", 1, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows of 27 points that sum up to shift, in so many pieces */
static PetscErrorCode CreatePieces(PetscInt pieces, PetscReal shift, Mat *A)
{
  Mat B, nest[4] = {NULL};
  Vec d;

  PetscFunctionBeginUser;
  PetscCall(TestMatCreate27(5, 1.0, &B));
  PetscCall(MatCreateVecs(B, &d, NULL));
  PetscCall(MatGetRowSum(B, d));
  PetscCall(VecScale(d, -1.0));
  PetscCall(VecShift(d, shift));
  PetscCall(MatDiagonalSet(B, d, ADD_VALUES));
  for (PetscInt k = 0; k < pieces; k++) nest[k * pieces + k] = B;
  PetscCall(MatCreateNest(PETSC_COMM_SELF, pieces, NULL, pieces, NULL, nest, A));
  PetscCall(MatConvert(*A, MATAIJ, MAT_INPLACE_MATRIX, A));
  PetscCall(MatSetOption(*A, MAT_SPD, PETSC_TRUE));
  PetscCall(VecDestroy(&d));
  PetscCall(MatDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All but singular, and back: the inverse's small eigenvalues would be lost to single precision beside a large one, but beside the largest */
static PetscErrorCode TestNearlySingular(PetscInt pieces)
{
  const PetscReal shifts[] = {1.0, 1e-7, 1.0};
  Side            sides[2] = {{0}};
  char            name[32];
  Mat             A;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(name, sizeof(name), "%d pieces", (int)pieces));
  for (int k = 0; k < 3; k++) {
    const char *what = k == 1 ? "all but singular" : "not singular";
    PetscBool   single;

    PetscCall(CreatePieces(pieces, shifts[k], &A));
    for (int l = 0; l < 2; l++) PetscCall(SideSetUp(&sides[l], l ? PETSC_TRUE : PETSC_FALSE, A));
    single = GNNCoarseDeviceSingle(sides[1].c->product);
    Ok(single == (k != 1 || pieces == 1), "%s, %s: the inverse in %s precision", name, what, single ? "single" : "double");
    PetscCall(OkApplied(&sides[0], &sides[1], name, what));
    PetscCall(MatDestroy(&A));
  }
  for (int k = 0; k < 2; k++) PetscCall(SideDestroy(&sides[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A solver that does more than to multiply with the inverse is asked, and from then on */
static PetscErrorCode TestSolver(Mat A)
{
  Side      device = {0};
  Vec       r, z[2];
  PetscReal differ = 0.0;

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    PetscCall(SideSetUp(&device, PETSC_TRUE, A));
    Ok((device.c->product != NULL) == !k, "%s: %s", k ? "CG with A_c" : "the inverse", device.c->product ? "our kernels" : "PETSc's operations");
    PetscCall(SideApply(&device, KERNELS, 5, &r, &z[k]));
    PetscCall(VecDestroy(&r));
    PetscCall(KSPSetType(device.c->ksp, KSPCG));
    PetscCall(KSPSetTolerances(device.c->ksp, 1e-10, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  }
  PetscCall(VecsDiffer(z[1], z[0], &differ));
  Ok(differ <= 1e-6, "they differ by %.1e", (double)differ);
  for (int k = 0; k < 2; k++) PetscCall(VecDestroy(&z[k]));
  PetscCall(SideDestroy(&device));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a refresh ---- */

static PetscErrorCode CreatePC(Mat A, PC *pc)
{
  PetscFunctionBeginUser;
  PetscCall(TestPCCreate(A, NULL, PETSC_FALSE, pc));
  PetscCall(PCGNNSPAISetValues(*pc, PC_GNNSPAI_VALUES_FSAI));
  PetscCall(PCGNNSPAISetCoarse(*pc, 12));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EventInfo(const char name[], PetscEventPerfInfo *info)
{
  PetscLogEvent event;

  PetscFunctionBeginUser;
  PetscCall(PetscLogEventGetId(name, &event));
  PetscCall(PetscLogEventGetPerfInfo(PETSC_DETERMINE, event, info));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* It runs no solver, and less than a vector passes between host and device: the matrix, scaled there, stays there */
static PetscErrorCode TestCopies(PC pc, Mat B)
{
  PetscEventPerfInfo before, after, solves[2];

  PetscFunctionBeginUser;
  PetscCall(EventInfo("KSPSolve", &solves[0]));
  PetscCall(EventInfo("GNNSPAICoarse", &before));
  PetscCall(MatScale(B, 4.0));
  PetscCall(PCSetUp(pc));
  PetscCall(EventInfo("GNNSPAICoarse", &after));
  PetscCall(EventInfo("KSPSolve", &solves[1]));
  Ok(after.count == before.count + 1 && solves[1].count == solves[0].count, "a refresh runs no solver: %d", solves[1].count - solves[0].count);
#if !defined(GNN_EMULATE)
  PetscInt             n;
  const PetscLogDouble from = after.GpuToCpuSize - before.GpuToCpuSize, to = after.CpuToGpuSize - before.CpuToGpuSize;

  PetscCall(MatGetSize(B, &n, NULL));
  Ok(PetscMax(from, to) < (PetscLogDouble)n * sizeof(PetscScalar), "a refresh copies %g bytes from the device in %g copies, %g to it in %g", from, after.GpuToCpuCount - before.GpuToCpuCount, to, after.CpuToGpuCount - before.CpuToGpuCount);
#endif
  PetscFunctionReturn(PETSC_SUCCESS);
}

#if defined(GNN_EMULATE)
/* Two launches for the factor, three for the coarse space, and no copy, wait or allocation: a graph could hold it */
static PetscErrorCode TestLaunches(PC pc, const char name[])
{
  const long long launches = EmulateCounted("launch"), all = EmulateCounted("");
  Vec             z;

  PetscFunctionBeginUser;
  PetscCall(TestApplied(pc, &z));
  Ok(EmulateCounted("launch") == launches + 5 && EmulateCounted("") == all + 5, "%s: an application is %lld launches and %lld other calls", name, EmulateCounted("launch") - launches, EmulateCounted("") - all - (EmulateCounted("launch") - launches));
  PetscCall(VecDestroy(&z));
  PetscFunctionReturn(PETSC_SUCCESS);
}
#else
static PetscErrorCode TestLaunches(PETSC_UNUSED PC pc, PETSC_UNUSED const char name[])
{
  return PETSC_SUCCESS;
}
#endif

/* M with 4 A, all whose numbers have the same bits but for their exponents: as made anew; and twice the same */
static PetscErrorCode TestRefresh(const char name[], Mat A)
{
  Mat       B;
  PC        pc, fresh;
  Vec       z[3];
  PetscReal difference[2];

  PetscFunctionBeginUser;
  PetscCall(MatConvert(A, DEVICE_MAT, MAT_INITIAL_MATRIX, &B));
  PetscCall(CreatePC(B, &pc));
  Emulate(PETSC_TRUE);
  PetscCall(PCSetUp(pc));
  PetscCall(OkView(pc, "its inverse, in single precision", name));
  PetscCall(TestCopies(pc, B));
  PetscCall(TestApplied(pc, &z[0]));
  PetscCall(TestLaunches(pc, name));
  PetscCall(MatScale(B, 2.0));
  PetscCall(MatScale(B, 0.5));
  PetscCall(TestApplied(pc, &z[1]));
  PetscCall(CreatePC(B, &fresh));
  PetscCall(TestApplied(fresh, &z[2]));
  Emulate(PETSC_FALSE);
  PetscCall(TestDifference(z[0], 1.0, z[1], &difference[0]));
  PetscCall(TestDifference(z[2], 1.0, z[0], &difference[1]));
  Ok(difference[0] <= REPEATED, "%s: two refreshes with the same values differ by %.1e", name, (double)difference[0]);
  Ok(difference[1] <= MADE_ANEW, "%s: a refresh differs from a coarse space made anew by %.1e", name, (double)difference[1]);
  for (int k = 0; k < 3; k++) PetscCall(VecDestroy(&z[k]));
  PetscCall(PCDestroy(&pc));
  PetscCall(PCDestroy(&fresh));
  PetscCall(MatDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#if !defined(GNN_EMULATE)
/* Not positive definite: a factorisation on the device that fails is noticed */
static PetscErrorCode TestIndefinite(Mat A)
{
  Mat B;
  PC  pc;
  Vec d;

  PetscFunctionBeginUser;
  PetscCall(MatConvert(A, MATAIJ, MAT_INITIAL_MATRIX, &B));
  PetscCall(MatCreateVecs(A, &d, NULL));
  PetscCall(MatGetDiagonal(A, d));
  PetscCall(VecScale(d, -0.9));
  PetscCall(MatDiagonalSet(B, d, ADD_VALUES));
  PetscCall(MatConvert(B, DEVICE_MAT, MAT_INPLACE_MATRIX, &B));
  PetscCall(CreatePC(B, &pc));
  PetscCall(OkView(pc, "A_c could not be factored", "an indefinite matrix"));
  PetscCall(PCDestroy(&pc));
  PetscCall(VecDestroy(&d));
  PetscCall(MatDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}
#endif

int main(int argc, char **argv)
{
  Mat A;
  int failed;

  if (TestSkipped()) return 0;
  PetscFunctionBeginUser;
  PetscCall(TestInitialize(&argc, &argv, help));
  PetscCall(PetscLogDefaultBegin());
  PetscCall(TestMatCreateRandom(PETSC_COMM_SELF, 240, 1, &A));
  PetscCall(TestRefresh("scalar", A));
#if !defined(GNN_EMULATE)
  PetscCall(TestIndefinite(A));
#endif
  for (PetscInt pieces = 1; pieces <= 2; pieces++) PetscCall(TestNearlySingular(pieces));
  PetscCall(TestMatDecouple(A, 6));
  PetscCall(TestSides("scalar", A));
  PetscCall(TestSolver(A));
  PetscCall(MatDestroy(&A));
  PetscCall(TestMatCreateBlocks(PETSC_COMM_SELF, MATAIJ, 3, 80, 1, &A));
  PetscCall(TestRefresh("blocks", A));
  PetscCall(TestSides("blocks", A));
  PetscCall(MatDestroy(&A));
  PetscCall(TestAwkward());
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
