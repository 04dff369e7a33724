static char help[] = "The condition number of A M^-1 against the bound of the paper, on dense copies of small matrices.\n";

/*
   Of a small E = s A M^-1 - I the paper says kappa(A M^-1) <= 1 + 2 |E|_2. What holds: A M^-1 is similar to a symmetric positive definite matrix, so its
   eigenvalues l are positive, and |s l - 1| <= e, the spectral radius of E, e <= |E|_2. Hence, where e < 1,

     kappa <= (1 + e) / (1 - e) = 1 + 2 e + 2 e^2 / (1 - e),   where e <= 1/2:  kappa <= 1 + 4 e,

   and the same with |E|_2 for e. The best s is 2 / (l_min + l_max), and there the first <= is =, so that kappa > 1 + 2 e: the paper's bound is the first
   order of the one that holds. Without a shift |E|_2 > 1 on matrices of differential equations, since CG still has work to do, and no such bound says anything.
*/
#include "../../train/files.h"
#include "../../train/data/generate.h"
#include "../testpc.h"
#include <petscblaslapack.h>

#define MAX_N 300

/* What is measured of A M^-1 */
typedef struct {
  PetscReal low, high;   /* eigenvalues */
  PetscReal kappa, norm; /* high / low; |E|_2 with the best s */
  PetscReal skew;        /* of M^-1 */
} Spectrum;

/* W = M^-1, column by column */
static PetscErrorCode Inverse(PC pc, PetscInt n, PetscScalar *W)
{
  Mat X, Y;

  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqDense(PETSC_COMM_SELF, n, n, NULL, &X));
  PetscCall(MatCreateSeqDense(PETSC_COMM_SELF, n, n, W, &Y));
  PetscCall(MatShift(X, 1));
  PetscCall(PCSetUp(pc));
  PetscCall(PCMatApply(pc, X, Y));
  PetscCall(MatDestroy(&X));
  PetscCall(MatDestroy(&Y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Eigenvalues of A W, both symmetric, W positive definite (LAPACK says if it is not); they are overwritten */
static PetscErrorCode Eigenvalues(PetscBLASInt n, PetscScalar *A, PetscScalar *W, PetscReal lambda[])
{
  static PetscScalar work[40 * MAX_N];
  PetscBLASInt       itype = 2, lwork = PETSC_STATIC_ARRAY_LENGTH(work), info;

  PetscFunctionBeginUser;
  PetscCallBLAS("LAPACKsygv", LAPACKsygv_(&itype, "N", "L", &n, A, &n, W, &n, lambda, work, &lwork, &info));
  PetscCheck(info == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "sygv: info %d of %d rows", (int)info, (int)n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Norm2(PetscBLASInt n, PetscScalar *E, PetscReal *norm)
{
  static PetscScalar work[40 * MAX_N];
  PetscScalar        none;
  PetscReal          sigma[MAX_N];
  PetscBLASInt       one = 1, lwork = PETSC_STATIC_ARRAY_LENGTH(work), info;

  PetscFunctionBeginUser;
  PetscCallBLAS("LAPACKgesvd", LAPACKgesvd_("N", "N", &n, &n, E, &n, sigma, &none, &one, &none, &one, work, &lwork, &info));
  PetscCheck(info == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "gesvd: info %d", (int)info);
  *norm = sigma[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscReal Skew(PetscInt n, const PetscScalar W[])
{
  PetscReal skew = 0, size = 0;

  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt j = 0; j < n; j++) {
      skew = PetscMax(skew, PetscAbsScalar(W[i + n * j] - W[j + n * i]));
      size = PetscMax(size, PetscAbsScalar(W[i + n * j]));
    }
  }
  return skew / size;
}

static PetscErrorCode Measure(Mat A, PCType type, Spectrum *s)
{
  static PetscScalar W[MAX_N * MAX_N];
  PetscScalar       *array;
  PetscReal          lambda[MAX_N];
  PetscInt           n;
  Mat                D, M, E;
  PC                 pc;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(A, &n, NULL));
  PetscCheck(n <= MAX_N, PETSC_COMM_SELF, PETSC_ERR_PLIB, "%" PetscInt_FMT " rows", n);
  PetscCall(PCCreate(PETSC_COMM_SELF, &pc));
  PetscCall(PCSetType(pc, type));
  PetscCall(PCGNNSPAISetGuard(pc, PC_GNNSPAI_GUARD_NONE)); /* Jacobi would do here */
  PetscCall(PCSetOperators(pc, A, A));
  PetscCall(Inverse(pc, n, W));
  s->skew = Skew(n, W);
  PetscCall(MatConvert(A, MATSEQDENSE, MAT_INITIAL_MATRIX, &D));
  PetscCall(MatCreateSeqDense(PETSC_COMM_SELF, n, n, W, &M));
  PetscCall(MatMatMult(D, M, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &E));
  PetscCall(MatDenseGetArray(D, &array));
  PetscCall(Eigenvalues((PetscBLASInt)n, array, W, lambda));
  PetscCall(MatDenseRestoreArray(D, &array));
  s->low   = lambda[0];
  s->high  = lambda[n - 1];
  s->kappa = s->high / s->low;
  PetscCall(MatScale(E, 2 / (s->low + s->high)));
  PetscCall(MatShift(E, -1));
  PetscCall(MatDenseGetArray(E, &array));
  PetscCall(Norm2((PetscBLASInt)n, array, &s->norm));
  PetscCall(MatDenseRestoreArray(E, &array));
  PetscCall(MatDestroy(&D));
  PetscCall(MatDestroy(&M));
  PetscCall(MatDestroy(&E));
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The generator's matrix with the given seed, about 200 rows */
static PetscErrorCode Generate(PetscErrorCode (*generator)(void), const char seed[], Mat *A)
{
  char pattern[PETSC_MAX_PATH_LEN], file[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(pattern, sizeof(pattern), "build/t_kappa_%%d.dat"));
  PetscCall(PetscSNPrintf(file, sizeof(file), "build/t_kappa_%s.dat", seed));
  PetscCall(PetscOptionsSetValue(NULL, "-data_n", "200"));
  PetscCall(PetscOptionsSetValue(NULL, "-data_seed", seed));
  PetscCall(PetscOptionsSetValue(NULL, "-data_output", pattern));
  PetscCall(generator());
  PetscCall(FilesLoadMat(file, A));
  (void)remove(file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A + shift diag(A) */
static PetscErrorCode AddDiagonal(Mat A, PetscReal shift)
{
  Vec d;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(A, &d, NULL));
  PetscCall(MatGetDiagonal(A, d));
  PetscCall(VecScale(d, shift));
  PetscCall(MatDiagonalSet(A, d, ADD_VALUES));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestOperator(const char name[], Mat A)
{
  Spectrum s, jacobi;

  PetscFunctionBeginUser;
  PetscCall(Measure(A, PCGNNSPAI, &s));
  PetscCall(Measure(A, PCJACOBI, &jacobi));
  Ok(s.skew < 1e-14 && s.low > 0, "%s: M^-1 is symmetric positive definite", name);
  Ok(s.kappa < jacobi.kappa / 4, "%s: less than a quarter of Jacobi's condition number (%.3g of %.3g)", name, (double)s.kappa, (double)jacobi.kappa);
  Ok(s.norm > 1, "%s: |E|_2 > 1, the bound says nothing", name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestBound(const char name[], PetscReal shift, Mat A)
{
  Spectrum  s;
  PetscReal e;

  PetscFunctionBeginUser;
  PetscCall(AddDiagonal(A, shift));
  PetscCall(Measure(A, PCGNNSPAI, &s));
  e = (s.high - s.low) / (s.high + s.low);
  Ok(e <= s.norm && s.norm < 0.5 && s.kappa <= (1 + s.norm) / (1 - s.norm) && s.kappa <= 1 + 4 * s.norm, "%s + %g diagonal: kappa = %.4f <= (1 + |E|_2) / (1 - |E|_2) <= 1 + 4 |E|_2, |E|_2 = %.4f", name, (double)shift, (double)s.kappa, (double)s.norm);
  Ok(s.kappa > 1 + 2 * e && s.kappa <= 1 + 2 * e + 4 * e * e, "%s + %g diagonal: kappa is 1 + 2 e to first order, and above it; e = %.4f", name, (double)shift, (double)e);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestFamily(const char name[], PetscErrorCode (*generator)(void))
{
  static const PetscReal shifts[] = {0.3, 1, 3};
  Mat                    A, shifted;

  PetscFunctionBeginUser;
  PetscCall(Generate(generator, "2000", &A));
  PetscCall(TestOperator(name, A));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(shifts); k++) {
    PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &shifted));
    PetscCall(TestBound(name, shifts[k], shifted));
    PetscCall(MatDestroy(&shifted));
  }
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  int failed;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PCGNNSPAIRegister());
  PetscCall(TestFamily("heat", DataHeat));
  PetscCall(TestFamily("poisson", DataPoisson));
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
