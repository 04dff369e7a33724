static char help[] = "Matrices at the edge: dense rows, components, zeros, extreme scales, near singularity, indefiniteness, tiny sizes.\n\n";

#include "caught.h"
#include "testpc.h"
#include <fenv.h>

/* ---- matrices, entry by entry ---- */

typedef struct {
  Mat      A;
  PetscInt n;
} Builder;

/* Adds value at (i, j) and at its mirror */
static PetscErrorCode Add(Builder *b, PetscInt i, PetscInt j, PetscScalar value)
{
  PetscFunctionBeginUser;
  PetscCall(MatSetValue(b->A, i, j, value, ADD_VALUES));
  if (i != j) PetscCall(MatSetValue(b->A, j, i, value, ADD_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A conductance w between i and j: w (e_i - e_j)(e_i - e_j)^T */
static PetscErrorCode AddEdge(Builder *b, PetscInt i, PetscInt j, PetscReal w)
{
  PetscFunctionBeginUser;
  PetscCall(Add(b, i, j, -w));
  PetscCall(Add(b, i, i, w));
  PetscCall(Add(b, j, j, w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Start(PetscInt n, Builder *b)
{
  PetscFunctionBeginUser;
  b->n = n;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, n, n, 8, NULL, &b->A));
  PetscCall(MatSetOption(b->A, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Finish(Builder *b, PetscReal shift, Mat *A)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < b->n; i++) PetscCall(MatSetValue(b->A, i, i, shift, ADD_VALUES));
  PetscCall(MatAssemblyBegin(b->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(b->A, MAT_FINAL_ASSEMBLY));
  *A = b->A;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Five points on m x m, conductances 1 in the left half and contrast in the right one, plus shift times I */
static PetscErrorCode Grid(PetscInt m, PetscReal contrast, PetscReal shift, Mat *A)
{
  Builder b;

  PetscFunctionBeginUser;
  PetscCall(Start(m * m, &b));
  for (PetscInt k = 0; k < m * m; k++) {
    const PetscReal w = 2 * (k % m) < m ? 1.0 : contrast;

    if (k % m < m - 1) PetscCall(AddEdge(&b, k, k + 1, w));
    if (k / m < m - 1) PetscCall(AddEdge(&b, k, k + m, w));
  }
  PetscCall(Finish(&b, shift, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the comparison with Jacobi ---- */

typedef struct {
  PetscInt           its;
  KSPConvergedReason reason;
  PetscReal          error; /* of x in A's norm, relative */
} Outcome;

/* x^T A x, and y = A x */
static PetscErrorCode Energy(Mat A, Vec x, Vec y, PetscReal *energy)
{
  PetscScalar dot;

  PetscFunctionBeginUser;
  PetscCall(MatMult(A, x, y));
  PetscCall(VecDot(x, y, &dot));
  *energy = PetscRealPart(dot);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The solution is a random vector; the error's energy sees neither the scale of A nor that of its rows */
static PetscErrorCode Solve(Mat A, PCType type, KSPNormType norm, Outcome *o)
{
  KSP       ksp;
  PC        pc;
  Vec       b, x, exact;
  PetscReal before = 0.0, after = 0.0;

  PetscFunctionBeginUser;
  PetscCall(TestVecRandom(A, 5, &exact));
  PetscCall(MatCreateVecs(A, &x, &b));
  PetscCall(Energy(A, exact, b, &before));
  PetscCall(KSPCreate(PETSC_COMM_SELF, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetType(ksp, KSPCG));
  PetscCall(KSPSetNormType(ksp, norm));
  PetscCall(KSPSetTolerances(ksp, 1e-8, 0.0, PETSC_DEFAULT, 20000));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, type));
  PetscCall(PCSetFromOptions(pc));
  PetscCall(KSPSolve(ksp, b, x));
  PetscCall(KSPGetIterationNumber(ksp, &o->its));
  PetscCall(KSPGetConvergedReason(ksp, &o->reason));
  PetscCall(VecAXPY(x, -1.0, exact));
  PetscCall(Energy(A, x, b, &after));
  o->error = PetscSqrtReal(PetscMax(after, 0.0) / before);
  PetscCall(KSPDestroy(&ksp));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&exact));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Converges to the solution, in at most 1.05 times Jacobi's iterations and two. Takes the matrix */
static PetscErrorCode OkSolvedIn(KSPNormType norm, Mat A, const char what[])
{
  Outcome jacobi, ours;

  PetscFunctionBeginUser;
  PetscCall(Solve(A, PCJACOBI, norm, &jacobi));
  PetscCall(Solve(A, PCGNNSPAI, norm, &ours));
  Ok(jacobi.reason > 0 && ours.reason > 0 && ours.error <= 1e-5 && (PetscReal)ours.its <= 1.05 * (PetscReal)jacobi.its + 2.0, "%s: %" PetscInt_FMT " iterations, Jacobi %" PetscInt_FMT ", errors %.0e %.0e", what, ours.its, jacobi.its, (double)ours.error,
     (double)jacobi.error);
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OkSolved(Mat A, const char what[])
{
  PetscFunctionBeginUser;
  PetscCall(OkSolvedIn(KSP_NORM_UNPRECONDITIONED, A, what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- shapes ---- */

/* Arrow: rows 0, ..., heads - 1 are coupled to all others */
static PetscErrorCode TestArrow(PetscInt heads, PetscReal shift, const char what[])
{
  const PetscInt n = 2000;
  Builder        b;
  Mat            A;

  PetscFunctionBeginUser;
  PetscCall(Start(n, &b));
  for (PetscInt i = 0; i < heads; i++) {
    for (PetscInt j = i + 1; j < n; j++) PetscCall(AddEdge(&b, i, j, 1.0));
  }
  for (PetscInt i = heads; i + 1 < n; i++) PetscCall(AddEdge(&b, i, i + 1, 1.0));
  PetscCall(Finish(&b, shift, &A));
  PetscCall(OkSolved(A, what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two grids side by side without an edge between them, their scales 1 and scale */
static PetscErrorCode TestComponents(PetscReal scale, const char what[])
{
  const PetscInt m = 20;
  Builder        b;
  Mat            A;

  PetscFunctionBeginUser;
  PetscCall(Start(2 * m * m, &b));
  for (PetscInt k = 0; k < 2 * m * m; k++) {
    const PetscReal w = k < m * m ? 1.0 : scale;

    if (k % m < m - 1) PetscCall(AddEdge(&b, k, k + 1, w));
    if (k / m % m < m - 1) PetscCall(AddEdge(&b, k, k + m, w));
    PetscCall(Add(&b, k, k, 0.01 * w));
  }
  PetscCall(Finish(&b, 0.0, &A));
  PetscCall(OkSolved(A, what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Off-diagonal entries of one sign, or zeros, at distance 1 and 7; diagonal above their sum */
static PetscErrorCode TestBand(PetscInt n, PetscScalar value, PetscInt zeros, const char what[])
{
  Builder b;
  Mat     A;

  PetscFunctionBeginUser;
  PetscCall(Start(n, &b));
  for (PetscInt i = 0; i < n; i++) {
    if (i + 1 < n) PetscCall(Add(&b, i, i + 1, value));
    if (i + 7 < n) PetscCall(Add(&b, i, i + 7, value));
    for (PetscInt k = 0; k < zeros; k++) PetscCall(Add(&b, i, (i + 11 + 13 * k) % n, 0.0));
  }
  PetscCall(Finish(&b, 4.05 * PetscAbsScalar(value), &A));
  PetscCall(OkSolved(A, what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A grid whose nodes are all coupled to one more, by what the network writes, unguarded */
static PetscErrorCode TestHubAlone(PetscReal w)
{
  const PetscInt m = 70;
  Builder        b;
  Mat            A;
  Outcome        jacobi, ours;

  PetscFunctionBeginUser;
  PetscCall(Start(m * m + 1, &b));
  for (PetscInt k = 0; k < m * m; k++) {
    if (k % m < m - 1) PetscCall(AddEdge(&b, k, k + 1, 1.0));
    if (k / m < m - 1) PetscCall(AddEdge(&b, k, k + m, 1.0));
    PetscCall(AddEdge(&b, k, m * m, w));
  }
  PetscCall(Finish(&b, 0.01, &A));
  PetscCall(Solve(A, PCJACOBI, KSP_NORM_UNPRECONDITIONED, &jacobi));
  PetscCall(PetscOptionsSetValue(NULL, "-pc_gnnspai_guard", "none"));
  PetscCall(Solve(A, PCGNNSPAI, KSP_NORM_UNPRECONDITIONED, &ours));
  PetscCall(PetscOptionsClearValue(NULL, "-pc_gnnspai_guard"));
  Ok(ours.reason > 0 && 10 * ours.its <= 12 * jacobi.its, "a hub of weight %g, the network alone: %" PetscInt_FMT " iterations, Jacobi %" PetscInt_FMT, (double)w, ours.its, jacobi.its);
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Subnormal numbers take a hundred times as long as others on many processors */
static void TestGelu(void)
{
  float sum = 0.0f, unused;
  int   raised;

  feclearexcept(FE_ALL_EXCEPT);
  for (double x = 0.01; x < 1e8; x *= 1.01) sum += GNNGelu((float)x, &unused) / (float)x + GNNGelu((float)-x, &unused);
  raised = fetestexcept(FE_UNDERFLOW);
  Ok(sum > 0.0f && !raised, "GELU of large numbers does without subnormal ones (%g)", (double)sum);
}

/* A grid whose every node carries a chain that ends in a node of degree 1 */
static PetscErrorCode TestChains(void)
{
  const PetscInt m = 15, length = 4;
  Builder        b;
  Mat            A;

  PetscFunctionBeginUser;
  PetscCall(Start(m * m * (length + 1), &b));
  for (PetscInt k = 0; k < m * m; k++) {
    if (k % m < m - 1) PetscCall(AddEdge(&b, k, k + 1, 1.0));
    if (k / m < m - 1) PetscCall(AddEdge(&b, k, k + m, 1.0));
    for (PetscInt l = 0; l < length; l++) PetscCall(AddEdge(&b, k + l * m * m, k + (l + 1) * m * m, 1.0));
  }
  PetscCall(Finish(&b, 0.01, &A));
  PetscCall(OkSolved(A, "an M-matrix with chains that end in nodes of degree 1"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* I + scale v v^T with every entry stored, v from 1 to 2 */
static PetscErrorCode TestFull(PetscInt n, PetscReal scale)
{
  Builder b;
  Mat     A;
  char    what[64];

  PetscFunctionBeginUser;
  PetscCall(Start(n, &b));
  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt j = i; j < n; j++) PetscCall(Add(&b, i, j, scale * (1.0 + (PetscReal)i / n) * (1.0 + (PetscReal)j / n)));
  }
  PetscCall(Finish(&b, 1.0, &A));
  PetscCall(PetscSNPrintf(what, sizeof(what), "every entry stored, n = %" PetscInt_FMT, n));
  PetscCall(OkSolved(A, what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- values ---- */

/* The same matrix times a number: the same iterations */
static PetscErrorCode TestUniform(PetscReal scale)
{
  Mat     A;
  Outcome plain, ours;

  PetscFunctionBeginUser;
  PetscCall(Grid(20, 1.0, 0.01, &A));
  PetscCall(Solve(A, PCGNNSPAI, KSP_NORM_NATURAL, &plain));
  PetscCall(MatScale(A, scale));
  PetscCall(Solve(A, PCGNNSPAI, KSP_NORM_NATURAL, &ours));
  Ok(ours.reason > 0 && ours.error <= 1e-5 && PetscAbsInt(ours.its - plain.its) <= 1, "entries times %g: %" PetscInt_FMT " iterations, times 1 %" PetscInt_FMT "%s%s", (double)scale, ours.its, plain.its, ours.reason > 0 ? "" : ", ",
     ours.reason > 0 ? "" : KSPConvergedReasons[ours.reason]);
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* D A D with D from 10^-decades to 10^decades: judged in r^T M^-1 r, which does not see D */
static PetscErrorCode TestRows(PetscInt decades)
{
  Mat      A;
  Vec      d;
  PetscInt n;
  char     what[64];

  PetscFunctionBeginUser;
  PetscCall(Grid(20, 1.0, 0.01, &A));
  PetscCall(MatCreateVecs(A, &d, NULL));
  PetscCall(VecGetSize(d, &n));
  for (PetscInt i = 0; i < n; i++) PetscCall(VecSetValue(d, i, PetscPowReal(10.0, (PetscReal)decades * (2.0 * (PetscReal)(i * 37 % n) / (PetscReal)(n - 1) - 1.0)), INSERT_VALUES));
  PetscCall(VecAssemblyBegin(d));
  PetscCall(VecAssemblyEnd(d));
  PetscCall(MatDiagonalScale(A, d, d));
  PetscCall(VecDestroy(&d));
  PetscCall(PetscSNPrintf(what, sizeof(what), "D A D with D from 1e-%" PetscInt_FMT " to 1e%" PetscInt_FMT, decades, decades));
  PetscCall(OkSolvedIn(KSP_NORM_NATURAL, A, what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Diagonal 1, couplings -value around a ring: eigenvalues from 1 - 2 value to 1 + 2 value */
static PetscErrorCode TestIndefinite(PetscReal value)
{
  const PetscInt n = 400;
  Builder        b;
  Mat            A;
  Outcome        o;

  PetscFunctionBeginUser;
  PetscCall(Start(n, &b));
  for (PetscInt i = 0; i < n; i++) PetscCall(Add(&b, i, (i + 1) % n, -value));
  PetscCall(Finish(&b, 1.0, &A));
  PetscCall(Solve(A, PCGNNSPAI, KSP_NORM_UNPRECONDITIONED, &o));
  Ok(o.reason == KSP_DIVERGED_INDEFINITE_MAT, "indefinite, eigenvalues from %g to %g: %s after %" PetscInt_FMT " iterations", (double)(1 - 2 * value), (double)(1 + 2 * value), KSPConvergedReasons[o.reason], o.its);
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- an error that names the row ---- */

static PetscErrorCode TestDuplicate(void)
{
  PetscInt       i[] = {0, 2, 5, 7}, j[] = {0, 1, 0, 1, 1, 1, 2};
  PetscScalar    a[] = {4, -1, -1, 2, 2, 0, 4};
  Mat            A;
  PC             pc;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqAIJWithArrays(PETSC_COMM_SELF, 3, 3, i, j, a, &A));
  PetscCall(TestPCCreate(A, NULL, PETSC_TRUE, &pc));
  Caught(ierr, PCSetUp(pc));
  PetscCall(OkMessage(ierr, "Row 1", "unsorted or repeated columns", "duplicate entries: an error that names the row"));
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestShapes(void)
{
  PetscFunctionBeginUser;
  PetscCall(TestArrow(1, 0.1, "a row of 2000 nonzeros"));
  PetscCall(TestArrow(5, 1e-3, "five hubs of 2000 neighbours"));
  PetscCall(TestComponents(1.0, "two components"));
  PetscCall(TestComponents(1e8, "two components, the second 1e8 times the first"));
  PetscCall(TestBand(500, -1.0, 0, "couplings of -1"));
  PetscCall(TestBand(500, 1.0, 0, "couplings of +1"));
  PetscCall(TestBand(500, -1.0, 5, "ten explicit zeros in each row"));
  PetscCall(TestHubAlone(0.01));
  PetscCall(TestHubAlone(1.0));
  PetscCall(TestChains());
  for (PetscInt n = 1; n <= 3; n++) PetscCall(TestFull(n, 0.5));
  PetscCall(TestFull(60, 0.5));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestValues(void)
{
  const PetscReal scales[] = {1e-300, 1e-150, 1e150, 1e300};
  Mat             A;

  PetscFunctionBeginUser;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(scales); k++) PetscCall(TestUniform(scales[k]));
  PetscCall(TestRows(3));
  PetscCall(TestRows(100));
  PetscCall(Grid(30, 1.0, 1e-12, &A));
  PetscCall(OkSolved(A, "Neumann plus 1e-12"));
  PetscCall(Grid(30, 1e12, 1e-2, &A));
  PetscCall(OkSolved(A, "contrast 1e12"));
  PetscCall(TestIndefinite(0.6));
  PetscCall(TestIndefinite(3.0));
  PetscCall(TestDuplicate());
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  int failed;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsSetValue(NULL, "-checkstack", "false"));
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PCGNNSPAIRegister());
  TestGelu();
  PetscCall(TestShapes());
  PetscCall(TestValues());
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
