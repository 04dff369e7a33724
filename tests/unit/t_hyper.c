static char help[] = "Hyperelasticity: the material's second derivatives, and the matrices of small beams.\n";

#include "../../train/data/generate.h"
#include "../tap.h"
#include <petscblaslapack.h>

#define MU     2.0
#define LAMBDA 5.0
#define N      480 /* unknowns of a beam: 10 x 4 x 4 vertices */

static const DataMeshOptions none = {.file = ""};

static PetscReal Energy(const PetscReal F[9])
{
  const PetscReal J   = F[0] * (F[4] * F[8] - F[5] * F[7]) - F[1] * (F[3] * F[8] - F[5] * F[6]) + F[2] * (F[3] * F[7] - F[4] * F[6]);
  PetscReal       sum = -3;

  for (int k = 0; k < 9; k++) sum += F[k] * F[k];
  return MU / 2 * sum - MU * PetscLogReal(J) + LAMBDA / 2 * PetscSqr(PetscLogReal(J));
}

/* (W(+h,+h) - W(+h,-h) - W(-h,+h) + W(-h,-h)) / 4h^2 */
static PetscReal SecondDifference(const PetscReal F[9], int p, int q, PetscReal h)
{
  PetscReal sum = 0;

  for (int s = 0; s < 4; s++) {
    PetscReal G[9];

    for (int k = 0; k < 9; k++) G[k] = F[k];
    G[p] += s & 1 ? -h : h;
    G[q] += s & 2 ? -h : h;
    sum += (s == 0 || s == 3 ? 1 : -1) * Energy(G);
  }
  return sum / (4 * h * h);
}

/* An expansion, a strong compression in one direction, and a random one */
static const PetscReal gradients[3][9] = {
  {1.1, 0,   0,    0,   1.2, 0,   0,    0,   1.3},
  {1,   0,   0,    0,   0.5, 0,   0,    0,   1.1},
  {1.3, 0.2, -0.1, 0.3, 0.9, 0.4, -0.2, 0.1, 1.1}
};

static PetscErrorCode TestHessian(void)
{
  PetscReal error = 0;

  PetscFunctionBeginUser;
  for (int m = 0; m < 3; m++) {
    PetscScalar H[81];

    NeoHookeanHessian((const PetscReal(*)[3])gradients[m], MU, LAMBDA, H);
    for (int p = 0; p < 9; p++) {
      for (int q = 0; q < 9; q++) error = PetscMax(error, PetscAbsReal(H[9 * p + q] - SecondDifference(gradients[m], p, q, 1e-3)));
    }
  }
  Ok(error < 2e-3, "second derivatives agree with differences of the energy, %.1e", (double)error);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Eigenvalues(PetscBLASInt n, PetscScalar A[], PetscReal lambda[])
{
  PetscScalar  work[8 * N];
  PetscBLASInt lwork = PETSC_STATIC_ARRAY_LENGTH(work), info;

  PetscFunctionBeginUser;
  PetscCallBLAS("LAPACKsyev", LAPACKsyev_("N", "L", &n, A, &n, lambda, work, &lwork, &info));
  PetscCheck(info == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "syev: info %d", (int)info);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The eigenvalues of the part of H that was kept are those of H, the negative ones zero */
static PetscErrorCode TestProjection(void)
{
  int       nnegative = 0;
  PetscReal error     = 0;

  PetscFunctionBeginUser;
  for (int m = 0; m < 3; m++) {
    PetscScalar H[81], P[81];
    PetscReal   lambda[9], kept[9];
    PetscBool   same;

    NeoHookeanHessian((const PetscReal(*)[3])gradients[m], MU, LAMBDA, H);
    PetscCall(PetscArraycpy(P, H, 81));
    PetscCall(ProjectSemidefinite(P));
    PetscCall(PetscMemcmp(P, H, sizeof(P), &same));
    PetscCall(Eigenvalues(9, H, lambda));
    PetscCall(Eigenvalues(9, P, kept));
    for (int k = 0; k < 9; k++) error = PetscMax(error, PetscAbsReal(kept[k] - PetscMax(lambda[k], 0)));
    if (lambda[0] < 0) nnegative++;
    else if (!same) error = PETSC_MAX_REAL;
  }
  Ok(nnegative == 1 && error < 1e-13, "projection: negative eigenvalues become zero, the others stay, %.1e", (double)error);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every row of a block row has the same columns, whole blocks */
static PetscErrorCode BlocksFull(Mat A, PetscBool *full)
{
  const PetscInt *ia, *ja;
  PetscInt        n;
  PetscBool       done;

  PetscFunctionBeginUser;
  *full = PETSC_TRUE;
  PetscCall(MatGetRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  for (PetscInt i = 0; i < n; i++) {
    const PetscInt first = ia[i - i % 3], length = ia[i + 1] - ia[i];

    if (length % 3 || length != ia[i - i % 3 + 1] - first) *full = PETSC_FALSE;
    for (PetscInt k = 0; k < length && *full; k++) {
      if (ja[ia[i] + k] != ja[first + k] || ja[ia[i] + k] != ja[first + k - k % 3] + k % 3) *full = PETSC_FALSE;
    }
  }
  PetscCall(MatRestoreRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows without an off-diagonal value, how many of them are identity rows, and whether they all still store their zeros */
static PetscErrorCode CountClamped(Mat A, PetscInt *nclamped, PetscInt *nidentity, PetscBool *zeros)
{
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(A, &n, NULL));
  *nclamped = *nidentity = 0;
  *zeros                 = PETSC_TRUE;
  for (PetscInt i = 0; i < n; i++) {
    PetscInt           nz;
    PetscReal          off = 0, diagonal = 0;
    const PetscInt    *cols;
    const PetscScalar *values;

    PetscCall(MatGetRow(A, i, &nz, &cols, &values));
    for (PetscInt k = 0; k < nz; k++) *(cols[k] == i ? &diagonal : &off) += PetscAbsScalar(values[k]);
    if (off == 0 && nz < 12) *zeros = PETSC_FALSE; /* a vertex and at least three neighbours */
    PetscCall(MatRestoreRow(A, i, &nz, &cols, &values));
    if (off > 0) continue;
    ++*nclamped;
    *nidentity += diagonal == 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = A t, t a translation of all vertices along axis d: the elastic part is 0 where no clamped vertex is near. Counts the vertices where y is mass times t. */
static PetscErrorCode CountTranslated(Mat A, int d, PetscInt *nfree)
{
  Vec                t, y;
  PetscInt           n;
  const PetscScalar *force;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(A, &t, &y));
  PetscCall(VecGetSize(t, &n));
  for (PetscInt v = 0; v < n; v += 3) PetscCall(VecSetValue(t, v + d, 1, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(t));
  PetscCall(VecAssemblyEnd(t));
  PetscCall(MatMult(A, t, y));
  PetscCall(VecGetArrayRead(y, &force));
  *nfree = 0;
  for (PetscInt v = 0; v < n; v += 3) {
    const PetscReal mass = force[v + d], others = PetscAbsScalar(force[v + (d + 1) % 3]) + PetscAbsScalar(force[v + (d + 2) % 3]);

    if (mass > 0.02 && mass < 0.4 && others < 1e-12) ++*nfree; /* density x CELL^3 = 0.24 inside, less at the surface */
  }
  PetscCall(VecRestoreArrayRead(y, &force));
  PetscCall(VecDestroy(&t));
  PetscCall(VecDestroy(&y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SmallestEigenvalue(Mat A, PetscReal *low)
{
  PetscInt     n;
  Mat          D;
  PetscScalar *array;
  PetscReal    lambda[N];

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(A, &n, NULL));
  PetscCheck(n == N, PETSC_COMM_SELF, PETSC_ERR_PLIB, "%" PetscInt_FMT " rows", n);
  PetscCall(MatConvert(A, MATSEQDENSE, MAT_INITIAL_MATRIX, &D));
  PetscCall(MatDenseGetArray(D, &array));
  PetscCall(Eigenvalues((PetscBLASInt)n, array, lambda));
  *low = lambda[0];
  PetscCall(MatDenseRestoreArray(D, &array));
  PetscCall(MatDestroy(&D));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestBeam(PetscInt kind, const char name[])
{
  Mat       A;
  PetscInt  n, nclamped = 0, nidentity = 0, nfree[3];
  PetscBool symmetric, full, zeros     = PETSC_FALSE;
  PetscReal low;

  PetscFunctionBeginUser;
  PetscCall(BeamMatrix(7, N, &none, kind, &A));
  PetscCall(MatGetSize(A, &n, NULL));
  PetscCall(MatIsSymmetric(A, 0, &symmetric));
  PetscCall(SmallestEigenvalue(A, &low));
  Ok(n == N && symmetric && low > 0.02, "%s: %" PetscInt_FMT " unknowns, symmetric to the last bit, least eigenvalue %.2g", name, n, (double)low);
  PetscCall(BlocksFull(A, &full));
  PetscCall(CountClamped(A, &nclamped, &nidentity, &zeros));
  Ok(full && nclamped == 96 && nidentity == 96 && zeros, "%s: full blocks, both ends identity rows that keep their pattern", name);
  for (int d = 0; d < 3; d++) PetscCall(CountTranslated(A, d, &nfree[d]));
  Ok(nfree[0] == 96 && nfree[1] == 96 && nfree[2] == 96, "%s: a translation costs no elastic energy away from the ends, %" PetscInt_FMT " vertices", name, nfree[0]);
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestStates(void)
{
  Mat       A[3], again;
  PetscBool equal, any = PETSC_FALSE;

  PetscFunctionBeginUser;
  for (PetscInt kind = 0; kind < 3; kind++) PetscCall(BeamMatrix(7, N, &none, kind, &A[kind]));
  for (PetscInt kind = 0; kind < 3; kind++) {
    PetscCall(MatEqual(A[kind], A[(kind + 1) % 3], &equal));
    if (equal) any = PETSC_TRUE;
  }
  PetscCall(BeamMatrix(7, N, &none, 0, &again));
  PetscCall(MatEqual(A[0], again, &equal));
  Ok(equal && !any, "a seed gives the same matrix again, another state another one");
  for (PetscInt kind = 0; kind < 3; kind++) PetscCall(MatDestroy(&A[kind]));
  PetscCall(MatDestroy(&again));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const char *const names[3] = {"twisted", "stretched", "bent"};
  int                      failed;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestHessian());
  PetscCall(TestProjection());
  for (PetscInt kind = 0; kind < 3; kind++) PetscCall(TestBeam(kind, names[kind]));
  PetscCall(TestStates());
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
