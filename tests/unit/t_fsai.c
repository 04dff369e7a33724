static char help[] = "The classical factor: rows against a plain dense computation, awkward rows, options, refresh.\n\n";

#include "../../gnn/graph.h"
#include "../../gnn/fsairows.h"
#include "../../gnn/fsairow.h" /* GNN_FSAI_MAX */
#include "../caught.h"
#include "../testpc.h"
#include "../testtext.h"

#define N 320 /* largest local size here */

/* A local block with a unit diagonal, dense */
typedef struct {
  PetscInt  n, nz, length[N];
  PetscReal as[N][N], s[N];
  PetscBool stored[N][N]; /* and both ends coupled */
  PetscBool decoupled[N];
} Dense;

static Dense     dense;
static PetscReal L[N][N]; /* the reference */

static PetscErrorCode DenseRead(Mat A)
{
  Mat block;

  PetscFunctionBeginUser;
  PetscCall(MatGetDiagonalBlock(A, &block));
  PetscCall(PetscMemzero(&dense, sizeof(dense)));
  PetscCall(MatGetSize(block, &dense.n, NULL));
  PetscCheck(dense.n <= N, PETSC_COMM_SELF, PETSC_ERR_SUP, "N is too small");
  for (PetscInt i = 0; i < dense.n; i++) {
    const PetscInt    *cols;
    const PetscScalar *vals;
    PetscInt           ncols;

    PetscCall(MatGetRow(block, i, &ncols, &cols, &vals));
    dense.nz += dense.length[i] = ncols;
    for (PetscInt k = 0; k < ncols; k++) {
      dense.as[i][cols[k]]     = PetscRealPart(vals[k]);
      dense.stored[i][cols[k]] = PETSC_TRUE;
    }
    PetscCall(MatRestoreRow(block, i, &ncols, &cols, &vals));
  }
  for (PetscInt i = 0; i < dense.n; i++) dense.s[i] = 1.0 / PetscSqrtReal(dense.as[i][i]);
  for (PetscInt i = 0; i < dense.n; i++) {
    PetscReal sum = 0.0;

    for (PetscInt j = 0; j < dense.n; j++) {
      dense.as[i][j] *= dense.s[i] * dense.s[j];
      if (j != i) sum += PetscAbsReal(dense.as[i][j]);
    }
    dense.decoupled[i] = sum <= 0.01 ? PETSC_TRUE : PETSC_FALSE; /* GNN_DECOUPLED */
  }
  for (PetscInt i = 0; i < dense.n; i++) {
    for (PetscInt j = 0; j < dense.n; j++) {
      if (dense.decoupled[i] || dense.decoupled[j]) dense.stored[i][j] = PETSC_FALSE;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the rows, by Gaussian elimination ---- */

/* x on the m columns J and d of row i, eliminating J from As on J + {i}, whose last pivot is psi; PETSC_FALSE if a pivot is not positive */
static PetscBool RowSolve(PetscInt i, PetscInt m, const PetscInt J[], PetscReal x[], PetscReal *d)
{
  static PetscReal T[N][N];

  for (PetscInt r = 0; r <= m; r++) {
    for (PetscInt c = 0; c <= m; c++) T[r][c] = dense.as[r < m ? J[r] : i][c < m ? J[c] : i];
  }
  for (PetscInt k = 0; k <= m; k++) {
    if (!(T[k][k] > GNN_FSAI_PIVOT)) return PETSC_FALSE;
    for (PetscInt r = k + 1; r <= m; r++) {
      const PetscReal l = T[r][k] / T[k][k];

      for (PetscInt c = k; c <= m; c++) T[r][c] -= l * T[k][c];
    }
  }
  for (PetscInt k = m - 1; k >= 0; k--) {
    x[k] = -T[k][m];
    for (PetscInt c = k + 1; c < m; c++) x[k] -= T[k][c] * x[c];
    x[k] /= T[k][k];
  }
  *d = 1.0 / PetscSqrtReal(T[m][m]);
  return PETSC_TRUE;
}

/* J = the columns j before i with a score above the threshold, the GNN_FSAI_MAX largest of them; scores below 0 are no candidates */
static PetscInt RowChoose(const PetscReal score[], PetscReal threshold, PetscInt J[])
{
  PetscInt m = 0;

  for (PetscInt j = 0; j < dense.n; j++) {
    PetscInt larger = 0;

    if (!(score[j] > threshold)) continue;
    for (PetscInt k = 0; k < dense.n; k++) larger += score[k] > score[j] || (score[k] == score[j] && k < j);
    if (larger < GNN_FSAI_MAX) J[m++] = j;
  }
  return m;
}

/* The threshold of row i among entries the largest of which is given */
static PetscReal RowThreshold(PetscInt i, PetscReal tau, PetscReal largest)
{
  return tau * PetscMin(1.0, GNN_FSAI_SMALL * largest) / PetscSqrtReal(1.0 + dense.length[i] / GNN_FSAI_WIDE);
}

/* |x_j| d in J, |gradient| d elsewhere, to which rows much longer than i's add nothing */
static void RowScores(PetscInt i, PetscInt m, const PetscInt J[], const PetscReal x[], PetscReal d, PetscReal score[])
{
  for (PetscInt j = 0; j < dense.n; j++) {
    PetscReal r = dense.as[j][i];

    score[j] = -1.0;
    if (dense.decoupled[j] || j >= i) continue;
    for (PetscInt k = 0; k < m; k++) r += dense.length[J[k]] / GNN_FSAI_LONG > dense.length[i] ? 0.0 : dense.as[j][J[k]] * x[k];
    score[j] = PetscAbsReal(r) * d;
    for (PetscInt k = 0; k < m; k++) {
      if (J[k] == j) score[j] = PetscAbsReal(x[k]) * d;
    }
  }
}

/* Row i of L; PETSC_FALSE if it is Jacobi's */
static PetscBool ReferenceRow(PetscInt i, PetscReal threshold)
{
  PetscInt  J[N], next[N], m, n;
  PetscReal score[N], x[N], d = 1.0, largest = 0.0, most;
  PetscBool solved;

  for (PetscInt j = 0; j < dense.n; j++) {
    if (j != i && dense.stored[i][j]) largest = PetscMax(largest, PetscAbsReal(dense.as[i][j]));
    L[i][j]  = 0.0;
    score[j] = dense.stored[i][j] && j < i ? PetscAbsReal(dense.as[i][j]) : -1.0;
  }
  m      = RowChoose(score, threshold == 0.0 ? -0.5 : RowThreshold(i, threshold, largest), J);
  solved = RowSolve(i, m, J, x, &d);
  for (int stage = 0; stage < GNNFsaiStages(threshold) && solved && m < GNN_FSAI_MAX; stage++) {
    RowScores(i, m, J, x, d, score);
    most = largest;
    for (PetscInt k = 0; k < m; k++) most = PetscMax(most, d * PetscAbsReal(x[k]));
    n = RowChoose(score, RowThreshold(i, threshold, most), next);
    if (n == 0) break;
    m = n;
    PetscCallAbort(PETSC_COMM_SELF, PetscArraycpy(J, next, n));
    solved = RowSolve(i, m, J, x, &d);
  }
  L[i][i] = solved ? d : 1.0;
  for (PetscInt k = 0; k < m && solved; k++) L[i][J[k]] = d * x[k];
  return solved;
}

/* The rows of coupled nodes; how many are Jacobi's: all where more than half are */
static PetscInt Reference(PetscReal threshold)
{
  PetscInt failed = 0, coupled = 0;

  for (PetscInt i = 0; i < dense.n; i++) {
    if (dense.decoupled[i]) {
      for (PetscInt j = 0; j < dense.n; j++) L[i][j] = 0.0;
    } else {
      coupled++;
      if (!ReferenceRow(i, threshold)) failed++;
    }
  }
  if (2 * failed <= coupled) return failed;
  for (PetscInt i = 0; i < dense.n; i++) {
    for (PetscInt j = 0; j < dense.n; j++) L[i][j] = i == j && !dense.decoupled[i] ? 1.0 : 0.0;
  }
  return coupled;
}

/* ---- the factor ---- */

static PetscErrorCode FsaiCreate(Mat A, PetscReal threshold, PC *pc)
{
  PetscFunctionBeginUser;
  PetscCall(PCCreate(PetscObjectComm((PetscObject)A), pc));
  PetscCall(TestPCSetPlain(*pc));
  PetscCall(PCGNNSPAISetValues(*pc, PC_GNNSPAI_VALUES_FSAI));
  PetscCall(PCGNNSPAISetGuard(*pc, PC_GNNSPAI_GUARD_NONE));
  PetscCall(PCGNNSPAISetThreshold(*pc, threshold));
  PetscCall(PCSetOperators(*pc, A, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Largest difference between the factor of pc and the reference; the factor's entries */
static PetscErrorCode Compare(PC pc, PetscReal *difference, PetscInt *entries)
{
  PetscReal row[N];
  Mat       G, Gt;

  PetscFunctionBeginUser;
  *difference = 0.0;
  *entries    = 0;
  PetscCall(PCSetUp(pc));
  PetscCall(PCGNNSPAIGetFactor(pc, &G));
  PetscCall(MatTranspose(G, MAT_INITIAL_MATRIX, &Gt));
  for (PetscInt i = 0; i < dense.n; i++) {
    const PetscInt    *cols;
    const PetscScalar *vals;
    PetscInt           ncols;

    for (PetscInt j = 0; j < dense.n; j++) row[j] = 0.0;
    PetscCall(MatGetRow(Gt, i, &ncols, &cols, &vals));
    *entries += ncols;
    for (PetscInt k = 0; k < ncols; k++) row[cols[k]] = PetscRealPart(vals[k]);
    PetscCall(MatRestoreRow(Gt, i, &ncols, &cols, &vals));
    for (PetscInt j = 0; j < dense.n; j++) *difference = PetscMax(*difference, PetscAbsReal(row[j] - L[i][j]));
  }
  PetscCall(MatDestroy(&Gt));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* M^-1 r against S L^T L S r, and 1/a_ii in decoupled rows; relative */
static PetscErrorCode CompareApplied(PC pc, PetscReal *difference)
{
  Mat                A;
  Vec                r, z;
  const PetscScalar *ra, *za;
  PetscReal          u[N], error = 0.0, norm = 0.0;

  PetscFunctionBeginUser;
  PetscCall(PCGetOperators(pc, NULL, &A));
  PetscCall(TestVecRandom(A, 1, &r));
  PetscCall(TestApplied(pc, &z));
  PetscCall(VecGetArrayRead(r, &ra));
  PetscCall(VecGetArrayRead(z, &za));
  for (PetscInt i = 0; i < dense.n; i++) {
    u[i] = 0.0;
    for (PetscInt j = 0; j < dense.n; j++) u[i] += L[i][j] * dense.s[j] * PetscRealPart(ra[j]);
  }
  for (PetscInt j = 0; j < dense.n; j++) {
    PetscReal x = dense.decoupled[j] ? dense.s[j] * PetscRealPart(ra[j]) : 0.0;

    for (PetscInt i = 0; i < dense.n; i++) x += L[i][j] * u[i];
    error = PetscMax(error, PetscAbsReal(dense.s[j] * x - PetscRealPart(za[j])));
    norm  = PetscMax(norm, PetscAbsScalar(za[j]));
  }
  *difference = dense.n ? error / norm : 0.0;
  PetscCall(VecRestoreArrayRead(r, &ra));
  PetscCall(VecRestoreArrayRead(z, &za));
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const PetscReal all[] = {0.0, 0.2, 0.1, 0.07, 0.01}; /* thresholds */

/* Every threshold against the reference: factor, product, count of Jacobi's rows */
static PetscErrorCode OkRows(Mat A, const char what[])
{
  PetscFunctionBeginUser;
  PetscCall(DenseRead(A));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(all); k++) {
    PetscInt  entries, failed = Reference(all[k]);
    PetscReal rows, applied, sum = failed;
    char      text[64];
    PC        pc;

    PetscCall(FsaiCreate(A, all[k], &pc));
    PetscCall(Compare(pc, &rows, &entries));
    PetscCall(CompareApplied(pc, &applied));
    Ok(rows < 1e-9 && applied < 1e-9, "%s, threshold %g: rows and product (%.0e, %.0e)", what, (double)all[k], (double)rows, (double)applied);
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)A)));
    if (sum > 0.0) {
      PetscCall(PetscSNPrintf(text, sizeof(text), "fsai: %.0f rows are Jacobi's", (double)sum));
      PetscCall(OkView(pc, text, what));
    }
    PetscCall(PCDestroy(&pc));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* By what defines them: (L As L^T)_ii = 1, and (As L_i)_j = 0 on the pattern, Kaporin's optimum */
static PetscErrorCode TestOptimal(Mat A)
{
  PetscReal diagonal = 0.0, pattern = 0.0;
  PetscInt  entries;
  PC        pc;
  Mat       G;

  PetscFunctionBeginUser;
  PetscCall(DenseRead(A));
  PetscCall(FsaiCreate(A, all[0], &pc));
  PetscCall(PCSetUp(pc));
  PetscCall(PCGNNSPAIGetFactor(pc, &G));
  for (PetscInt i = 0; i < dense.n; i++) {
    PetscScalar row[N], as[N];
    PetscReal   sum = 0.0;

    if (dense.decoupled[i]) continue;
    entries = 0;
    for (PetscInt j = 0; j < dense.n; j++) PetscCall(MatGetValue(G, j, i, &row[j]));
    for (PetscInt j = 0; j < dense.n; j++) {
      as[j] = 0.0;
      for (PetscInt k = 0; k < dense.n; k++) as[j] += dense.as[j][k] * row[k];
      sum += PetscRealPart(row[j] * as[j]);
      if (j < i && dense.stored[i][j]) pattern = PetscMax(pattern, PetscAbsScalar(as[j]));
      if ((j > i || !dense.stored[i][j]) && row[j] != 0.0) entries++;
    }
    diagonal = PetscMax(diagonal, PetscAbsReal(sum - 1.0));
    if (entries > 0) pattern = PETSC_MAX_REAL;
  }
  Ok(diagonal < 1e-12, "static: the diagonal of L As L^T is 1 (%.0e)", (double)diagonal);
  Ok(pattern < 1e-12, "static: As L^T is 0 on the strict pattern, and L has no other entry (%.0e)", (double)pattern);
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- awkward matrices ---- */

/* n x n on every rank: coupling w(i, j) for |i - j| <= reach, unit diagonal but for a factor; isolated nodes every fifth, if wanted */
static PetscErrorCode Band(PetscInt n, PetscInt reach, PetscReal w, PetscBool isolated, Mat *A)
{
  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, n, n, 2 * reach + 1, NULL, A));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(MatSetValue(*A, i, i, 1.0 + 0.1 * (i % 3), INSERT_VALUES));
    for (PetscInt j = PetscMax(0, i - reach); j < PetscMin(n, i + reach + 1); j++) {
      if (j == i || (isolated && (i % 5 == 0 || j % 5 == 0))) continue;
      PetscCall(MatSetValue(*A, i, j, w / (1.0 + ((i + j) % 7)) / PetscAbsInt(i - j), INSERT_VALUES));
    }
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The row and column of one node are full, more than a row may keep, with ties among the entries */
static PetscErrorCode Arrow(PetscInt n, PetscInt hub, Mat *A)
{
  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, n, n, 3, NULL, A));
  PetscCall(MatSetOption(*A, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  for (PetscInt i = 0; i < n; i++) PetscCall(MatSetValue(*A, i, i, i == hub ? 4.0 : 1.0, INSERT_VALUES));
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal w = 0.25 + 0.01 * ((7 * i) % 11);

    if (i == hub) continue;
    PetscCall(MatSetValue(*A, i, hub, -0.5 * w, INSERT_VALUES));
    PetscCall(MatSetValue(*A, hub, i, -0.5 * w, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OkRowsOf(Mat *A, const char what[])
{
  PetscFunctionBeginUser;
  PetscCall(OkRows(*A, what));
  PetscCall(MatDestroy(A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestAwkward(void)
{
  Mat A;

  PetscFunctionBeginUser;
  PetscCall(Band(0, 0, 0.0, PETSC_FALSE, &A));
  PetscCall(OkRowsOf(&A, "no row"));
  PetscCall(Band(1, 0, 0.0, PETSC_FALSE, &A));
  PetscCall(OkRowsOf(&A, "one row"));
  PetscCall(Band(30, 3, 0.4, PETSC_TRUE, &A));
  PetscCall(OkRowsOf(&A, "isolated nodes"));
  PetscCall(Band(100, 99, 0.05, PETSC_FALSE, &A));
  PetscCall(OkRowsOf(&A, "a dense matrix"));
  PetscCall(Arrow(150, 0, &A));
  PetscCall(OkRowsOf(&A, "a node in the pattern of all"));
  PetscCall(Arrow(300, 0, &A));
  PetscCall(OkRowsOf(&A, "a node that is coupled to all, whose row the others do not walk"));
  PetscCall(Arrow(150, 149, &A));
  PetscCall(OkRowsOf(&A, "a row longer than the cap"));
  PetscCall(Band(40, 2, 1.3, PETSC_FALSE, &A));
  PetscCall(OkRowsOf(&A, "indefinite"));
  PetscCall(TestMatCreateRandom(PETSC_COMM_WORLD, 90, 2, &A));
  PetscCall(TestMatDecouple(A, 7));
  PetscCall(OkRowsOf(&A, "decoupled rows"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- rows whose entries are all small ---- */

/* Iterations of CG to 1e-8 with the classical factor, or with Jacobi where the threshold is negative */
static PetscErrorCode Iterations(Mat A, PetscReal threshold, PetscInt *its)
{
  KSP ksp;
  PC  pc;
  Vec b, x;

  PetscFunctionBeginUser;
  PetscCall(TestVecRandom(A, 1, &b));
  PetscCall(VecDuplicate(b, &x));
  PetscCall(KSPCreate(PETSC_COMM_SELF, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetType(ksp, KSPCG));
  PetscCall(KSPSetTolerances(ksp, 1e-8, 0.0, PETSC_DEFAULT, 2000));
  if (threshold >= 0.0) {
    PetscCall(FsaiCreate(A, threshold, &pc));
    PetscCall(KSPSetPC(ksp, pc));
    PetscCall(PCDestroy(&pc));
  } else {
    PetscCall(KSPGetPC(ksp, &pc));
    PetscCall(PCSetType(pc, PCJACOBI));
  }
  PetscCall(KSPSolve(ksp, b, x));
  PetscCall(KSPGetIterationNumber(ksp, its));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The default threshold: as good as the whole lower triangle, and far better than the bare diagonal */
static PetscErrorCode OkSmall(Mat *A, const char what[])
{
  PetscInt grown, lower, jacobi;

  PetscFunctionBeginUser;
  PetscCall(Iterations(*A, 0.07, &grown));
  PetscCall(Iterations(*A, 0.0, &lower));
  PetscCall(Iterations(*A, -1.0, &jacobi));
  Ok(grown <= lower + 2 && 10 * grown <= 8 * jacobi, "%s: %d iterations, on the lower triangle %d, Jacobi %d", what, (int)grown, (int)lower, (int)jacobi);
  PetscCall(MatDestroy(A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestSmall(void)
{
  Mat A;

  PetscFunctionBeginUser;
  PetscCall(TestMatCreate27(4, 10.0, &A));
  PetscCall(OkRowsOf(&A, "27 points"));
  PetscCall(TestMatCreateHex(4, 1, 10.0, &A));
  PetscCall(OkRowsOf(&A, "hexahedra"));
  PetscCall(TestMatCreate27(14, 1.0, &A));
  PetscCall(OkSmall(&A, "27 points"));
  PetscCall(TestMatCreate27(14, 100.0, &A));
  PetscCall(OkSmall(&A, "27 points, variable coefficient"));
  PetscCall(TestMatCreateHex(14, 1, 1.0, &A));
  PetscCall(OkSmall(&A, "hexahedra"));
  PetscCall(TestMatCreateHex(14, 1, 100.0, &A));
  PetscCall(OkSmall(&A, "hexahedra, variable coefficient"));
  PetscCall(TestMatCreateHex(8, 3, 1.0, &A));
  PetscCall(OkSmall(&A, "hexahedra, elasticity"));
  PetscCall(TestMatCreateHex(8, 3, 100.0, &A));
  PetscCall(OkSmall(&A, "hexahedra, elasticity, variable stiffness"));
  PetscCall(Band(200, 199, 0.01, PETSC_FALSE, &A));
  PetscCall(OkRowsOf(&A, "a dense matrix of small entries"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- from one set-up to the next ---- */

/* A + shift diag(A): the larger, the fewer entries a grown row has */
static PetscErrorCode Dominant(Mat A, PetscReal shift, Mat *B)
{
  Vec d;

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, B));
  PetscCall(MatCreateVecs(A, &d, NULL));
  PetscCall(MatGetDiagonal(A, d));
  PetscCall(VecScale(d, 1.0 + shift));
  PetscCall(MatDiagonalSet(*B, d, INSERT_VALUES));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* New values in the same pattern of A: G's own pattern follows, in all precisions */
static PetscErrorCode TestRefresh(Mat A, PCGNNSPAIPrecision precision)
{
  const PetscReal threshold = 0.01, tolerances[] = {1e-9, 1e-5, 1e-3};
  PetscInt        few, many;
  PetscReal       rows, applied;
  Mat             B, hard;
  PC              pc;

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &hard));
  PetscCall(Dominant(A, 9.0, &B));
  PetscCall(FsaiCreate(B, threshold, &pc));
  PetscCall(PCGNNSPAISetPrecision(pc, precision));
  PetscCall(DenseRead(B));
  (void)Reference(threshold);
  PetscCall(Compare(pc, &rows, &few));
  Ok(rows < 1e-9 && few < dense.nz, "%s: few entries at first (%.0e)", PCGNNSPAIPrecisions[precision], (double)rows);
  PetscCall(MatCopy(hard, B, SAME_NONZERO_PATTERN));
  PetscCall(DenseRead(B));
  (void)Reference(threshold);
  PetscCall(Compare(pc, &rows, &many));
  PetscCall(CompareApplied(pc, &applied));
  Ok(rows < 1e-9 && many > dense.nz, "%s: more entries than A has after a refresh (%.0e)", PCGNNSPAIPrecisions[precision], (double)rows);
  Ok(applied < tolerances[precision], "%s: the product (%.0e)", PCGNNSPAIPrecisions[precision], (double)applied);
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&B));
  PetscCall(MatDestroy(&hard));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The factor of B's values, in columns that are kept or not, for the pattern of the graph */
static PetscErrorCode Fill(GNNGraph g, Mat B, PetscReal threshold, PetscBool grow, GNNFsai *fsai, GNNFactor f, PetscInt *failed)
{
  const PetscScalar *a;
  GNNGraphStatus     status;

  PetscFunctionBeginUser;
  PetscCall(MatSeqAIJGetArrayRead(B, &a));
  PetscCall(GNNGraphSetValues(g, GNN_SCALING_DIAGONAL, a, &status));
  PetscCall(MatSeqAIJRestoreArrayRead(B, &a));
  PetscCheck(status == GNN_GRAPH_OK, PETSC_COMM_SELF, PETSC_ERR_PLIB, "The matrix cannot be used");
  PetscCall(GNNFsaiFill(fsai, f, g, threshold, grow, failed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool SamePattern(GNNFactor x, GNNFactor y)
{
  if (memcmp(x->i, y->i, (size_t)(y->n + 1) * sizeof(*y->i)) != 0) return PETSC_FALSE;
  return memcmp(x->j, y->j, (size_t)y->i[y->n] * sizeof(*y->j)) == 0 ? PETSC_TRUE : PETSC_FALSE;
}

/* Largest difference to rows by elimination on the columns that the factor has, for the values that the dense matrix has */
static PetscReal KeptDifference(GNNFactor f)
{
  PetscReal difference = 0.0, x[N], d;

  for (PetscInt i = 0; i < f->n; i++) {
    const PetscInt m = f->i[i + 1] - f->i[i] - 1, *J = f->j + f->i[i];

    if (m < 0) continue;
    if (!RowSolve(i, m, J, x, &d)) return PETSC_INFINITY;
    x[m] = 1.0;
    for (PetscInt k = 0; k <= m; k++) difference = PetscMax(difference, PetscAbsReal(d * x[k] - PetscRealPart(f->v[f->i[i] + k])));
  }
  return difference;
}

/* Columns that are kept: the bits of growth for equal values; for others the same columns, which growth would not choose, and the rows' optimum in
   them. They are not kept for another threshold, or where another row is decoupled */
static PetscErrorCode TestKept(Mat local)
{
  const PetscReal threshold = 0.05;
  const PetscInt *ia, *ja;
  PetscInt        n, failed;
  PetscBool       done;
  GNNGraph        g;
  GNNFactor       grown, kept;
  GNNFsai         fsai = NULL, other = NULL;
  Mat             B;

  PetscFunctionBeginUser;
  PetscCall(Dominant(local, 0.5, &B));
  PetscCall(MatGetRowIJ(local, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCall(GNNGraphCreate(1, n, ia, ja, &g));
  PetscCall(MatRestoreRowIJ(local, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCall(GNNFactorCreate(g, &grown));
  PetscCall(GNNFactorCreate(g, &kept));
  PetscCall(Fill(g, local, threshold, PETSC_FALSE, &fsai, grown, &failed));
  PetscCall(Fill(g, local, threshold, PETSC_FALSE, &fsai, kept, &failed));
  Ok(failed == 0 && SamePattern(grown, kept) && memcmp(grown->v, kept->v, (size_t)grown->i[n] * sizeof(*grown->v)) == 0, "columns kept: the bits of growth for equal values");
  PetscCall(Fill(g, B, threshold, PETSC_FALSE, &fsai, kept, &failed));
  PetscCall(DenseRead(B));
  Ok(SamePattern(grown, kept) && KeptDifference(kept) < 1e-9, "columns kept: the same for other values (%.0e)", (double)KeptDifference(kept));
  PetscCall(Fill(g, B, threshold, PETSC_TRUE, &other, grown, &failed));
  Ok(!SamePattern(grown, kept), "columns kept: growth would choose others");
  PetscCall(Fill(g, B, 0.02, PETSC_TRUE, &other, grown, &failed));
  PetscCall(Fill(g, B, 0.02, PETSC_FALSE, &fsai, kept, &failed));
  Ok(SamePattern(grown, kept), "columns kept: not for another threshold");
  PetscCall(TestMatDecouple(B, 9));
  PetscCall(Fill(g, B, 0.02, PETSC_TRUE, &other, grown, &failed));
  PetscCall(Fill(g, B, 0.02, PETSC_FALSE, &fsai, kept, &failed));
  Ok(SamePattern(grown, kept), "columns kept: not where other rows are decoupled");
  PetscCall(GNNFsaiDestroy(&fsai));
  PetscCall(GNNFsaiDestroy(&other));
  PetscCall(GNNFactorDestroy(&grown));
  PetscCall(GNNFactorDestroy(&kept));
  PetscCall(GNNGraphDestroy(&g));
  PetscCall(MatDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- options ---- */

static PetscErrorCode OkSettings(PC pc, PCGNNSPAIValues values, PetscReal threshold, const char what[])
{
  PCGNNSPAIValues v;
  PetscReal       t;

  PetscFunctionBeginUser;
  PetscCall(PCGNNSPAIGetValues(pc, &v));
  PetscCall(PCGNNSPAIGetThreshold(pc, &t));
  Ok(v == values && t == threshold, "%s: the getters agree", what);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestOptions(Mat A)
{
  PetscReal      epsilon;
  PetscOptions   options;
  PetscErrorCode ierr;
  PC             pc;

  PetscFunctionBeginUser;
  PetscCall(PCCreate(PetscObjectComm((PetscObject)A), &pc));
  PetscCall(PCSetType(pc, PCGNNSPAI));
  PetscCall(OkSettings(pc, PC_GNNSPAI_VALUES_AUTO, (PetscReal)PETSC_DEFAULT, "defaults"));
  PetscCall(PCGNNSPAISetModel(pc, "/no/such/file"));
  PetscCall(PetscOptionsCreate(&options));
  PetscCall(PetscOptionsInsertString(options, "-pc_gnnspai_values fsai -pc_gnnspai_threshold 0.125"));
  PetscCall(PetscOptionsPush(options));
  PetscCall(PCSetFromOptions(pc));
  PetscCall(PetscOptionsPop());
  PetscCall(PetscOptionsDestroy(&options));
  PetscCall(OkSettings(pc, PC_GNNSPAI_VALUES_FSAI, 0.125, "options"));
  PetscCall(PCSetOperators(pc, A, A));
  Caught(ierr, PCSetUp(pc));
  Ok(ierr == PETSC_SUCCESS, "no model is read");
  PetscCall(PCGNNSPAIGetEpsilon(pc, &epsilon));
  Ok(epsilon == 0.0, "no shift");
  PetscCall(OkView(pc, "values: fsai, grown by a threshold of 0.125", "options"));
  PetscCall(PCGNNSPAISetThreshold(pc, 0.0));
  PetscCall(OkView(pc, "values: fsai on the lower triangle of A", "threshold 0"));
  Caught(ierr, PCGNNSPAISetThreshold(pc, -0.1));
  PetscCall(OkMessage(ierr, "-pc_gnnspai_threshold", "[0, 1)", "a threshold below 0 is refused"));
  Caught(ierr, PCGNNSPAISetThreshold(pc, 1.0));
  PetscCall(OkMessage(ierr, "-pc_gnnspai_threshold", "[0, 1)", "a threshold of 1 is refused"));
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Threshold by threshold, and from one kind of values to the other and back, a PC is what a new one is */
static PetscErrorCode TestChanges(Mat A)
{
  PetscReal rows;
  PetscInt  entries;
  GNNModel  model;
  Vec       network, z, again;
  PetscBool same;
  PC        pc, fresh;

  PetscFunctionBeginUser;
  PetscCall(DenseRead(A));
  PetscCall(TestModel(1, &model));
  PetscCall(TestPCCreate(A, model, PETSC_FALSE, &pc));
  PetscCall(TestApplied(pc, &network));
  PetscCall(PCGNNSPAISetValues(pc, PC_GNNSPAI_VALUES_FSAI));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(all); k++) {
    PetscCall(PCGNNSPAISetThreshold(pc, all[k]));
    (void)Reference(all[k]);
    PetscCall(Compare(pc, &rows, &entries));
    Ok(rows < 1e-9, "threshold %g takes effect", (double)all[k]);
  }
  PetscCall(TestApplied(pc, &z));
  PetscCall(FsaiCreate(A, all[PETSC_STATIC_ARRAY_LENGTH(all) - 1], &fresh));
  PetscCall(TestApplied(fresh, &again));
  PetscCall(VecEqual(z, again, &same));
  Ok(same, "two set-ups give the same bits");
  PetscCall(VecDestroy(&again));
  PetscCall(PCGNNSPAISetValues(pc, PC_GNNSPAI_VALUES_NETWORK));
  PetscCall(PCGNNSPAISetThreshold(pc, (PetscReal)PETSC_DEFAULT));
  PetscCall(VecDestroy(&z));
  PetscCall(TestApplied(pc, &z));
  PetscCall(VecEqual(z, network, &same));
  Ok(same, "back to the network");
  PetscCall(PCDestroy(&fresh));
  PetscCall(PCDestroy(&pc));
  PetscCall(VecDestroy(&network));
  PetscCall(VecDestroy(&z));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Mat A, local;
  int failed;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsSetValue(NULL, "-checkstack", "false"));
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PCGNNSPAIRegister());
  PetscCall(TestMatCreateRandom(PETSC_COMM_WORLD, 120, 1, &A));
  PetscCall(TestOptimal(A));
  PetscCall(OkRows(A, "random"));
  PetscCall(TestAwkward());
  PetscCall(TestSmall());
  PetscCall(TestRefresh(A, PC_GNNSPAI_DOUBLE));
  PetscCall(TestRefresh(A, PC_GNNSPAI_SINGLE));
  PetscCall(TestRefresh(A, PC_GNNSPAI_HALF));
  PetscCall(TestMatCreateRandom(PETSC_COMM_SELF, 120, 1, &local));
  PetscCall(TestKept(local));
  PetscCall(MatDestroy(&local));
  PetscCall(TestOptions(A));
  PetscCall(TestChanges(A));
  PetscCall(MatDestroy(&A));
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
