/*
   synthetic: A = M^T M + 1e-5 I of arXiv 2510.27517, M n x n with normal random entries of density 3e-4, its rows scaled from 1 down to 1e-5.
   At the paper's sizes M has 3 to 6 nonzeros per row on average, A 10 to 40.
*/
#include "generate.h"

#define SHIFT     1e-5
#define LOW_SCALE 1e-5
#define LOW_N     10240 /* the paper's sizes */
#define HIGH_N    20480

/* M by rows: the entries k of row i are rowstart[i] <= k < rowstart[i + 1], each column once; owns the arrays */
typedef struct {
  PetscInt   n, *rowstart, *column;
  PetscReal *value;
} SparseRows;

/* mean * n entries, each in a random row: the lengths follow the Poisson distribution, and some rows are empty */
static PetscErrorCode RandomLengths(PetscRandom random, PetscReal mean, SparseRows *M)
{
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(M->n + 1, &M->rowstart));
  for (PetscInt k = 0; k < (PetscInt)(mean * M->n); k++) {
    PetscInt i;

    PetscCall(DataRandomInt(random, M->n, &i));
    if (M->rowstart[i + 1] < M->n) M->rowstart[i + 1]++;
  }
  for (PetscInt i = 0; i < M->n; i++) M->rowstart[i + 1] += M->rowstart[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A column that is not among the given ones */
static PetscErrorCode NewColumn(PetscRandom random, PetscInt n, PetscInt ngiven, const PetscInt given[], PetscInt *column)
{
  PetscBool found;

  PetscFunctionBeginUser;
  do {
    PetscCall(DataRandomInt(random, n, column));
    found = PETSC_FALSE;
    for (PetscInt k = 0; k < ngiven; k++) {
      if (given[k] == *column) found = PETSC_TRUE;
    }
  } while (found);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Row i is scaled by the i-th of n numbers that fall linearly from 1 to LOW_SCALE */
static PetscErrorCode SparseRowsCreate(PetscRandom random, PetscInt n, PetscReal mean, SparseRows *M)
{
  PetscFunctionBeginUser;
  M->n = n;
  PetscCall(RandomLengths(random, mean, M));
  PetscCall(PetscMalloc2(M->rowstart[n], &M->column, M->rowstart[n], &M->value));
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal scale = 1 - (1 - LOW_SCALE) * i / (n - 1);

    for (PetscInt k = M->rowstart[i]; k < M->rowstart[i + 1]; k++) {
      PetscCall(NewColumn(random, n, k - M->rowstart[i], &M->column[M->rowstart[i]], &M->column[k]));
      PetscCall(DataRandomNormal(random, &M->value[k]));
      M->value[k] *= scale;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SparseRowsDestroy(SparseRows *M)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(M->rowstart));
  PetscCall(PetscFree2(M->column, M->value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Room for A: each row of M through column c brings row c of A at most the row's other columns */
static PetscErrorCode CreateProduct(const SparseRows *M, Mat *A)
{
  PetscInt *room;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(M->n, &room));
  for (PetscInt c = 0; c < M->n; c++) room[c] = 1;
  for (PetscInt i = 0; i < M->n; i++) {
    for (PetscInt k = M->rowstart[i]; k < M->rowstart[i + 1]; k++) room[M->column[k]] += M->rowstart[i + 1] - M->rowstart[i] - 1;
  }
  for (PetscInt c = 0; c < M->n; c++) room[c] = PetscMin(room[c], M->n);
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, M->n, M->n, 0, room, A));
  PetscCall(PetscFree(room));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A = sum_i m_i m_i^T + SHIFT I, m_i row i of M: a_cd and a_dc get the same terms in the same order */
static PetscErrorCode AssembleProduct(const SparseRows *M, Mat A)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < M->n; i++) {
    PetscCall(MatSetValue(A, i, i, SHIFT, ADD_VALUES));
    for (PetscInt k = M->rowstart[i]; k < M->rowstart[i + 1]; k++) {
      for (PetscInt l = M->rowstart[i]; l < M->rowstart[i + 1]; l++) PetscCall(MatSetValue(A, M->column[k], M->column[l], M->value[k] * M->value[l], ADD_VALUES));
    }
  }
  PetscCall(DataMatAssemble(A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* n = 0: of a random size. A small matrix has rows as long as those of a matrix of the paper's sizes: its density is higher, by drawn size / n */
static PetscErrorCode SyntheticMatrix(PetscInt n, PetscReal density, PetscInt seed, Mat *A)
{
  PetscRandom random;
  PetscInt    drawn;
  SparseRows  M;

  PetscFunctionBeginUser;
  PetscCall(DataRandomCreate(seed, &random));
  PetscCall(DataRandomInt(random, HIGH_N - LOW_N + 1, &drawn));
  drawn += LOW_N;
  PetscCall(SparseRowsCreate(random, n ? n : drawn, density * (n < LOW_N ? drawn : n), &M));
  PetscCall(CreateProduct(&M, A));
  PetscCall(AssembleProduct(&M, *A));
  PetscCall(SparseRowsDestroy(&M));
  PetscCall(PetscRandomDestroy(&random));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DataSynthetic(void)
{
  DataOptions opt     = {.count = 1};
  PetscInt    n       = 0;
  PetscReal   density = 3e-4;
  PetscBool   proceed;

  PetscFunctionBeginUser;
  PetscOptionsBegin(PETSC_COMM_SELF, NULL, "gnnspai-data synthetic: M^T M + 1e-5 I, M sparse and random; matrix k has seed -data_seed + k and is numbered by it", NULL);
  PetscCall(PetscOptionsInt("-data_n", "Unknowns, 64 or more; 0: random in 10240..20480", NULL, n, &n, NULL));
  PetscCheck(n == 0 || (n >= 64 && n <= 1000000), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "-data_n %" PetscInt_FMT " must be 0 or in [64, 1000000]", n);
  PetscCall(PetscOptionsReal("-data_density", "Density of M at n >= 10240; below, M keeps the nonzeros per row of a random n in 10240..20480", NULL, density, &density, NULL));
  PetscCheck(density > 0 && density <= 1e-2, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "-data_density %g must be in (0, 0.01]", (double)density);
  PetscCall(DataSetFromOptions(PetscOptionsObject, &opt));
  PetscOptionsEnd();
  PetscCall(DataCheckOptions("synthetic", &opt, &proceed));
  for (PetscInt seed = opt.seed; proceed && seed < opt.seed + opt.count; seed++) {
    Mat A;

    PetscCall(SyntheticMatrix(n, density, seed, &A));
    PetscCall(DataWrite(&opt, seed, A));
    PetscCall(MatDestroy(&A));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
