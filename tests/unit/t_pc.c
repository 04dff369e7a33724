static char help[] = "The preconditioner: its formula with random networks, and what decoupled rows are given.\n\n";

#include "../testpc.h"

/* ---- the formula ---- */

/* The diagonal of S, from its definition */
static PetscErrorCode Scaling(Mat A, GNNScaling scaling, Vec *s)
{
  Mat                block;
  const PetscScalar *a;
  MatInfo            info;
  PetscReal          sum = 0.0;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(A, s, NULL));
  PetscCall(MatGetDiagonal(A, *s));
  if (scaling == GNN_SCALING_MEAN) { /* a number of this rank's */
    PetscScalar *array;
    PetscInt     n;

    PetscCall(MatGetDiagonalBlock(A, &block));
    PetscCall(MatGetInfo(block, MAT_LOCAL, &info));
    PetscCall(MatSeqAIJGetArrayRead(block, &a));
    for (PetscInt p = 0; p < (PetscInt)info.nz_used; p++) sum += PetscAbsScalar(a[p]);
    PetscCall(MatSeqAIJRestoreArrayRead(block, &a));
    PetscCall(VecGetLocalSize(*s, &n));
    PetscCall(VecGetArrayWrite(*s, &array));
    for (PetscInt i = 0; i < n; i++) array[i] = sum / info.nz_used;
    PetscCall(VecRestoreArrayWrite(*s, &array));
  }
  PetscCall(VecSqrtAbs(*s));
  PetscCall(VecReciprocal(*s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z = S (G (G^T (S r)) + eps S r), by MatMult() with this rank's G */
static PetscErrorCode ByFormula(PC pc, Vec s, PetscReal epsilon, Vec r, Vec z)
{
  Mat                G;
  Vec                sr, in, middle, out;
  const PetscScalar *a;
  PetscScalar       *b;
  PetscInt           n;

  PetscFunctionBeginUser;
  PetscCall(PCGNNSPAIGetFactor(pc, &G));
  PetscCall(VecDuplicate(r, &sr));
  PetscCall(VecPointwiseMult(sr, s, r));
  PetscCall(VecGetLocalSize(sr, &n));
  PetscCall(VecGetArrayRead(sr, &a));
  PetscCall(VecGetArrayWrite(z, &b));
  PetscCall(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, n, a, &in));
  PetscCall(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, n, b, &out));
  PetscCall(VecDuplicate(in, &middle));
  PetscCall(MatMultTranspose(G, in, middle));
  PetscCall(MatMult(G, middle, out));
  PetscCall(VecDestroy(&in));
  PetscCall(VecDestroy(&middle));
  PetscCall(VecDestroy(&out));
  PetscCall(VecRestoreArrayRead(sr, &a));
  PetscCall(VecRestoreArrayWrite(z, &b));
  PetscCall(VecAXPY(z, epsilon, sr));
  PetscCall(VecPointwiseMult(z, z, s));
  PetscCall(VecDestroy(&sr));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  PetscReal symmetry;  /* |x^T M y - y^T M x| / (|x| |M y|), the largest */
  PetscReal positive;  /* x^T M x / (eps x^T S^2 x), the least */
  PetscReal formula;   /* M y against the formula with G, the largest difference over the tolerance */
  PetscReal transpose; /* M y against PCApplyTranspose() */
} Measures;

static PetscErrorCode MeasureForms(PC pc, Vec s, Measures *m)
{
  Mat         A;
  Vec         x, y, mx, my;
  PetscScalar xmy, ymx, xmx;
  PetscReal   epsilon, normx, normy, sx;

  PetscFunctionBeginUser;
  PetscCall(PCGetOperators(pc, NULL, &A));
  PetscCall(TestVecRandom(A, 2, &x));
  PetscCall(TestVecRandom(A, 3, &y));
  PetscCall(VecDuplicate(x, &mx));
  PetscCall(VecDuplicate(x, &my));
  PetscCall(PCApply(pc, x, mx));
  PetscCall(PCApply(pc, y, my));
  PetscCall(VecDot(x, my, &xmy));
  PetscCall(VecDot(y, mx, &ymx));
  PetscCall(VecDot(x, mx, &xmx));
  PetscCall(VecNorm(x, NORM_2, &normx));
  PetscCall(VecNorm(my, NORM_2, &normy));
  PetscCall(VecPointwiseMult(mx, s, x));
  PetscCall(VecNorm(mx, NORM_2, &sx));
  PetscCall(PCGNNSPAIGetEpsilon(pc, &epsilon));
  m->symmetry = PetscMax(m->symmetry, PetscAbsScalar(xmy - ymx) / (normx * normy));
  m->positive = PetscMin(m->positive, PetscRealPart(xmx) / (epsilon * sx * sx));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&mx));
  PetscCall(VecDestroy(&my));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MeasureFormula(PC pc, Vec s, PetscReal tolerance, Measures *m)
{
  Mat             A;
  Vec             y, my, w;
  PetscReal       epsilon, error;
  PCGNNSPAIChoice kind;

  PetscFunctionBeginUser;
  PetscCall(PCGetOperators(pc, NULL, &A));
  PetscCall(TestVecRandom(A, 3, &y));
  PetscCall(VecDuplicate(y, &my));
  PetscCall(VecDuplicate(y, &w));
  PetscCall(PCApply(pc, y, my));
  PetscCall(PCApplyTranspose(pc, y, w));
  PetscCall(TestDifference(my, 1.0, w, &error));
  m->transpose = PetscMax(m->transpose, error);
  PetscCall(PCGNNSPAIGetEpsilon(pc, &epsilon));
  PetscCall(PCGNNSPAIGetChoice(pc, &kind, NULL));
  PetscCall(ByFormula(pc, s, kind == PC_GNNSPAI_CHOICE_JACOBI ? 0.0 : epsilon, y, w)); /* Jacobi needs no shift */
  PetscCall(TestDifference(my, 1.0, w, &error));
  m->formula = PetscMax(m->formula, error / tolerance);
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&my));
  PetscCall(VecDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  const char    *name;
  GNNScaling     scaling;
  GNNOutput      output;
  GNNPattern     pattern;
  GNNAggregation aggregation;
  GNNNorm        norm;
} Variant;

static const Variant variants[] = {
  {"residual",                  GNN_SCALING_DIAGONAL, GNN_OUTPUT_RESIDUAL, GNN_PATTERN_A,     GNN_AGGREGATION_MEAN, GNN_NORM_NONE },
  {"residual, sum, LayerNorm",  GNN_SCALING_DIAGONAL, GNN_OUTPUT_RESIDUAL, GNN_PATTERN_A,     GNN_AGGREGATION_SUM,  GNN_NORM_LAYER},
  {"residual, lower",           GNN_SCALING_DIAGONAL, GNN_OUTPUT_RESIDUAL, GNN_PATTERN_LOWER, GNN_AGGREGATION_MEAN, GNN_NORM_NONE },
  {"direct",                    GNN_SCALING_DIAGONAL, GNN_OUTPUT_DIRECT,   GNN_PATTERN_A,     GNN_AGGREGATION_MEAN, GNN_NORM_NONE },
  {"direct, mean norm (paper)", GNN_SCALING_MEAN,     GNN_OUTPUT_DIRECT,   GNN_PATTERN_A,     GNN_AGGREGATION_SUM,  GNN_NORM_LAYER},
  {"direct, mean norm, lower",  GNN_SCALING_MEAN,     GNN_OUTPUT_DIRECT,   GNN_PATTERN_LOWER, GNN_AGGREGATION_MEAN, GNN_NORM_NONE }
};

static PetscErrorCode VariantConfig(const Variant *v, GNNConfig *config)
{
  PetscFunctionBeginUser;
  PetscCall(TestConfig(config));
  config->scaling     = v->scaling;
  config->output      = v->output;
  config->pattern     = v->pattern;
  config->aggregation = v->aggregation;
  config->norm        = v->norm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With and without guard, in all precisions; weights of 0: G = 0 and the shift is all there is; of 1e8: overflow in the network */
static PetscErrorCode TestVariant(const Variant *v, PetscReal factor, Mat A)
{
  const PetscReal tolerances[] = {1e-13, 1e-6, 1e-3}; /* by precision */
  GNNConfig       config;
  GNNModel        model;
  Vec             s;
  Measures        m = {0.0, PETSC_MAX_REAL, 0.0, 0.0};

  PetscFunctionBeginUser;
  PetscCall(VariantConfig(v, &config));
  PetscCall(TestModelCreate(&config, factor, 1, &model));
  PetscCall(Scaling(A, v->scaling, &s));
  for (int k = 0; k < 6; k++) {
    PC pc;

    PetscCall(TestPCCreate(A, model, k & 1 ? PETSC_TRUE : PETSC_FALSE, &pc));
    PetscCall(PCGNNSPAISetPrecision(pc, (PCGNNSPAIPrecision)(k / 2)));
    PetscCall(PCSetUp(pc));
    PetscCall(MeasureForms(pc, s, &m));
    PetscCall(MeasureFormula(pc, s, tolerances[k / 2], &m));
    PetscCall(PCDestroy(&pc));
  }
  Ok(m.symmetry <= 1e-12, "%s, weights x %g: symmetric, %.1e", v->name, (double)factor, (double)m.symmetry);
  Ok(m.positive >= 1 - 1e-10 && !PetscIsInfOrNanReal(m.positive), "%s, weights x %g: x^T M x is %.3g times eps x^T S^2 x", v->name, (double)factor, (double)m.positive);
  Ok(m.formula <= 1.0 && m.transpose == 0.0, "%s, weights x %g: M is its formula with G, %.2g of the tolerance", v->name, (double)factor, (double)m.formula);
  PetscCall(VecDestroy(&s));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A wild network is refused: Jacobi, or the start alone */
static PetscErrorCode TestGuard(const Variant *v, Mat A)
{
  GNNConfig       config;
  GNNModel        model;
  PC              pc;
  PetscReal       share;
  PCGNNSPAIChoice guarded, unguarded;

  PetscFunctionBeginUser;
  PetscCall(VariantConfig(v, &config));
  PetscCall(TestModelCreate(&config, 10.0, 1, &model));
  PetscCall(TestPCCreate(A, model, PETSC_TRUE, &pc));
  PetscCall(PCSetUp(pc));
  PetscCall(PCGNNSPAIGetChoice(pc, &guarded, NULL));
  PetscCall(PCGNNSPAISetGuard(pc, PC_GNNSPAI_GUARD_NONE));
  PetscCall(PCSetUp(pc));
  PetscCall(PCGNNSPAIGetChoice(pc, &unguarded, &share));
  Ok(guarded != PC_GNNSPAI_CHOICE_NETWORK && (guarded != PC_GNNSPAI_CHOICE_START || v->output == GNN_OUTPUT_RESIDUAL) && unguarded == PC_GNNSPAI_CHOICE_NETWORK && share == 1.0, "%s: the guard refuses a wild network, %s", v->name, PCGNNSPAIChoices[guarded]);
  PetscCall(PCDestroy(&pc));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestScaled(const Variant *v, Mat A)
{
  GNNConfig config;
  GNNModel  model;
  Mat       B;
  PC        pc;
  Vec       z, z7;
  PetscReal difference;

  PetscFunctionBeginUser;
  PetscCall(VariantConfig(v, &config));
  PetscCall(TestModelCreate(&config, 1.0, 1, &model));
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &B));
  PetscCall(TestPCCreate(B, model, PETSC_FALSE, &pc));
  PetscCall(TestApplied(pc, &z));
  PetscCall(MatScale(B, 7.0));
  PetscCall(TestApplied(pc, &z7));
  PetscCall(TestDifference(z, 7.0, z7, &difference));
  Ok(difference < 1e-6, "%s: 7 A gives M^-1 / 7, off by %.1e", v->name, (double)difference);
  PetscCall(VecDestroy(&z));
  PetscCall(VecDestroy(&z7));
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&B));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- decoupled rows: 0, 5, 10, ... below 5 NDECOUPLED, from TestMatDecouple() ---- */

#define NDECOUPLED 6

static PetscBool IsDecoupled(PetscInt i)
{
  return i % 5 == 0 && i < 5 * NDECOUPLED ? PETSC_TRUE : PETSC_FALSE;
}

/* Entries (i, j >= i) or all (i, j) that are not 0 and couple two coupled rows, or are such a row's diagonal; start: global number of row 0 */
static PetscErrorCode CountEntries(Mat block, PetscInt start, GNNPattern pattern, PetscInt *count)
{
  PetscInt n;

  PetscFunctionBeginUser;
  *count = 0;
  PetscCall(MatGetLocalSize(block, &n, NULL));
  for (PetscInt i = 0; i < n; i++) {
    const PetscInt    *cols;
    const PetscScalar *a;
    PetscInt           ncols;

    PetscCall(MatGetRow(block, i, &ncols, &cols, &a));
    for (PetscInt k = 0; k < ncols; k++) *count += a[k] != 0.0 && !IsDecoupled(start + i) && (pattern == GNN_PATTERN_A || cols[k] >= i);
    PetscCall(MatRestoreRow(block, i, &ncols, &cols, &a));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* G has the entries of A's block between coupled rows; those of its upper triangle, if G^T is to be lower */
static PetscErrorCode TestPattern(GNNPattern pattern, Mat A)
{
  GNNConfig config;
  GNNModel  model;
  Mat       block, G, again;
  PC        pc;
  PetscInt  start, expected, found;
  MatInfo   info;

  PetscFunctionBeginUser;
  PetscCall(TestConfig(&config));
  config.pattern = pattern;
  PetscCall(TestModelCreate(&config, 1.0, 1, &model));
  PetscCall(TestPCCreate(A, model, PETSC_FALSE, &pc));
  PetscCall(PCGNNSPAISetThreshold(pc, 0.0)); /* no filter */
  PetscCall(PCSetUp(pc));
  PetscCall(PCGNNSPAIGetFactor(pc, &G));
  PetscCall(PCGNNSPAIGetFactor(pc, &again));
  PetscCall(MatGetInfo(G, MAT_LOCAL, &info));
  PetscCall(MatGetDiagonalBlock(A, &block));
  PetscCall(MatGetOwnershipRange(A, &start, NULL));
  PetscCall(CountEntries(block, start, pattern, &expected));
  PetscCall(CountEntries(G, start, pattern, &found)); /* in the same triangle and the same rows: none elsewhere */
  Ok(found == expected && (PetscInt)info.nz_used == expected && again == G, "pattern %s: G has its %d entries, all where A's are", GNNPatterns[pattern], (int)expected);
  PetscCall(PCDestroy(&pc));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Changes x in the decoupled rows */
static PetscErrorCode SetDecoupled(Vec x, PetscScalar value)
{
  PetscInt start, end;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(x, &start, &end));
  for (PetscInt i = start; i < end; i++) {
    if (IsDecoupled(i)) PetscCall(VecSetValue(x, i, value, INSERT_VALUES));
  }
  PetscCall(VecAssemblyBegin(x));
  PetscCall(VecAssemblyEnd(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A's decoupled rows with diagonal first + i, so that 1/a_ii is no round number */
static PetscErrorCode SetDecoupledDiagonal(Mat A, PetscScalar first)
{
  PetscInt start, end;

  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRange(A, &start, &end));
  for (PetscInt i = start; i < end; i++) {
    if (IsDecoupled(i)) PetscCall(MatSetValue(A, i, i, first + i, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows in which z is not what is expected: 1/a_ii in decoupled rows, and in coupled ones the other vector, NULL for 0 */
static PetscErrorCode CountWrong(Vec z, PetscScalar first, Vec other, PetscInt *wrong)
{
  const PetscScalar *a, *b = NULL;
  PetscInt           start, end;

  PetscFunctionBeginUser;
  *wrong = 0;
  PetscCall(VecGetOwnershipRange(z, &start, &end));
  PetscCall(VecGetArrayRead(z, &a));
  if (other != NULL) PetscCall(VecGetArrayRead(other, &b));
  for (PetscInt i = start; i < end; i++) {
    const PetscScalar coupled = b != NULL ? b[i - start] : 0.0;

    *wrong += a[i - start] != (IsDecoupled(i) ? 1.0 / (first + i) : coupled);
  }
  if (other != NULL) PetscCall(VecRestoreArrayRead(other, &b));
  PetscCall(VecRestoreArrayRead(z, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestDecoupled(const Variant *v, PetscBool guard, Mat A)
{
  const PetscScalar first[] = {3.0, 11.0};
  GNNConfig         config;
  GNNModel          model;
  Mat               B;
  PC                pc;
  Vec               r, zero, z, zrandom;
  PetscInt          wrong;

  PetscFunctionBeginUser;
  PetscCall(VariantConfig(v, &config));
  PetscCall(TestModelCreate(&config, 1.0, 1, &model));
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &B));
  PetscCall(TestPCCreate(B, model, guard, &pc));
  PetscCall(TestVecRandom(A, 4, &r));
  PetscCall(VecDuplicate(r, &zero));
  PetscCall(VecDuplicate(r, &z));
  PetscCall(VecDuplicate(r, &zrandom));
  PetscCall(VecZeroEntries(zero));
  PetscCall(SetDecoupled(zero, 1.0));
  for (int k = 0; k < 2; k++) {
    PetscCall(SetDecoupledDiagonal(B, first[k]));
    PetscCall(PCSetUp(pc));
    PetscCall(PCApply(pc, zero, z));
    PetscCall(CountWrong(z, first[k], NULL, &wrong));
    Ok(wrong == 0, "%s, guard %s: exactly 1/a_ii in decoupled rows and 0 in the others", v->name, PetscBools[guard]);
    if (k == 1 && v->scaling == GNN_SCALING_MEAN) continue; /* the mean depends on every entry */
    if (k == 0) PetscCall(PCApply(pc, r, zrandom));
    PetscCall(SetDecoupled(r, 1.0));
    PetscCall(PCApply(pc, r, z));
    PetscCall(CountWrong(z, first[k], zrandom, &wrong));
    Ok(wrong == 0, "%s, guard %s: coupled rows see nothing of the decoupled ones' %s", v->name, PetscBools[guard], k ? "diagonal" : "residual");
  }
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&zero));
  PetscCall(VecDestroy(&z));
  PetscCall(VecDestroy(&zrandom));
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&B));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The coupled part of this rank's block on its own: the same G */
static PetscErrorCode TestReduced(Mat A)
{
  GNNModel  model;
  Mat       block, small, G[2], inside;
  IS        coupled;
  PC        pc[2];
  PetscInt  start, end, n = 0, *rows;
  PetscReal difference;

  PetscFunctionBeginUser;
  PetscCall(TestModel(1, &model));
  PetscCall(MatGetDiagonalBlock(A, &block));
  PetscCall(MatGetOwnershipRange(A, &start, &end));
  PetscCall(PetscMalloc1(end - start, &rows));
  for (PetscInt i = start; i < end; i++) {
    if (!IsDecoupled(i)) rows[n++] = i - start;
  }
  PetscCall(ISCreateGeneral(PETSC_COMM_SELF, n, rows, PETSC_OWN_POINTER, &coupled));
  PetscCall(MatCreateSubMatrix(block, coupled, coupled, MAT_INITIAL_MATRIX, &small));
  PetscCall(TestPCCreate(A, model, PETSC_FALSE, &pc[0]));
  PetscCall(TestPCCreate(small, model, PETSC_FALSE, &pc[1]));
  for (int k = 0; k < 2; k++) {
    PetscCall(PCSetUp(pc[k]));
    PetscCall(PCGNNSPAIGetFactor(pc[k], &G[k]));
  }
  PetscCall(MatCreateSubMatrix(G[0], coupled, coupled, MAT_INITIAL_MATRIX, &inside));
  PetscCall(MatAXPY(inside, -1.0, G[1], SAME_NONZERO_PATTERN));
  PetscCall(MatNorm(inside, NORM_FROBENIUS, &difference));
  Ok(difference < 1e-6, "G between coupled rows is that of the matrix without the decoupled ones, %.1e", (double)difference);
  PetscCall(MatDestroy(&inside));
  PetscCall(MatDestroy(&small));
  PetscCall(ISDestroy(&coupled));
  for (int k = 0; k < 2; k++) PetscCall(PCDestroy(&pc[k]));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const PetscReal factors[] = {1.0, 0.0, 1e8};
  Mat             A, B;
  int             failed;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PCGNNSPAIRegister());
  PetscCall(TestMatCreateRandom(PETSC_COMM_WORLD, 240, 1, &A));
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &B));
  PetscCall(TestMatDecouple(B, NDECOUPLED));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(variants); k++) {
    for (size_t f = 0; f < PETSC_STATIC_ARRAY_LENGTH(factors); f++) PetscCall(TestVariant(variants + k, factors[f], A));
    PetscCall(TestGuard(variants + k, A));
    PetscCall(TestScaled(variants + k, A));
    PetscCall(TestDecoupled(variants + k, k % 2 ? PETSC_TRUE : PETSC_FALSE, B));
  }
  PetscCall(TestPattern(GNN_PATTERN_A, B));
  PetscCall(TestPattern(GNN_PATTERN_LOWER, B));
  PetscCall(TestReduced(B));
  PetscCall(MatDestroy(&A));
  PetscCall(MatDestroy(&B));
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
