#include <ctype.h>
#include <stdio.h>
#include "../files.h"
#include "generate.h"

PetscErrorCode DataRandomCreate(PetscInt seed, PetscRandom *random)
{
  PetscFunctionBeginUser;
  PetscCall(PetscRandomCreate(PETSC_COMM_SELF, random));
  PetscCall(PetscRandomSetType(*random, PETSCRANDER48));
  PetscCall(PetscRandomSetSeed(*random, (unsigned long)seed));
  PetscCall(PetscRandomSeed(*random));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Uniform in [low, high) */
PetscErrorCode DataRandomUniform(PetscRandom random, PetscReal low, PetscReal high, PetscReal *value)
{
  PetscFunctionBeginUser;
  PetscCall(PetscRandomGetValueReal(random, value));
  *value = low + (high - low) * *value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Its logarithm is uniform */
PetscErrorCode DataRandomLogUniform(PetscRandom random, PetscReal low, PetscReal high, PetscReal *value)
{
  PetscFunctionBeginUser;
  PetscCall(DataRandomUniform(random, PetscLogReal(low), PetscLogReal(high), value));
  *value = PetscExpReal(*value);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Box-Muller: sqrt(-2 log u) cos(2 pi v), u in (0, 1] */
PetscErrorCode DataRandomNormal(PetscRandom random, PetscReal *value)
{
  PetscReal u, v;

  PetscFunctionBeginUser;
  PetscCall(PetscRandomGetValueReal(random, &u));
  PetscCall(PetscRandomGetValueReal(random, &v));
  *value = PetscSqrtReal(-2 * PetscLogReal(1 - u)) * PetscCosReal(2 * PETSC_PI * v);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Uniform in 0, ..., n-1 */
PetscErrorCode DataRandomInt(PetscRandom random, PetscInt n, PetscInt *value)
{
  PetscReal u;

  PetscFunctionBeginUser;
  PetscCall(PetscRandomGetValueReal(random, &u));
  *value = PetscMin((PetscInt)(u * n), n - 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Fisher-Yates */
PetscErrorCode DataRandomPermutation(PetscRandom random, PetscInt n, PetscInt permutation[])
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < n; i++) {
    PetscInt j = 0;

    PetscCall(DataRandomInt(random, i + 1, &j));
    permutation[i] = permutation[j];
    permutation[j] = i;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Call between PetscOptionsBegin() and PetscOptionsEnd(), with the generator's defaults in opt */
PetscErrorCode DataSetFromOptions(GNNOptionItems PetscOptionsObject, DataOptions *opt)
{
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsBoundedInt("-data_count", "Number of matrices to make", NULL, opt->count, &opt->count, NULL, 1));
  PetscCall(PetscOptionsRangeInt("-data_seed", "Seed of the random numbers", NULL, opt->seed, &opt->seed, NULL, 0, 2000000000));
  PetscCall(PetscOptionsString("-data_output", "Files to write, with one %d (or %03d, ...) for the number", NULL, opt->output, opt->output, sizeof(opt->output), NULL));
  PetscCall(PetscOptionsBool("-data_check", "Check symmetry and definiteness, report CG+Jacobi iterations", NULL, opt->check, &opt->check, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Cuts an output pattern into head, digits of the number (0 for %d) and tail; ok = it has exactly one conversion, %d or %0Nd */
static PetscErrorCode ParsePattern(const char pattern[], int *head, int *digits, const char **tail, PetscBool *ok)
{
  char *percent;

  PetscFunctionBeginUser;
  *ok = PETSC_FALSE;
  PetscCall(PetscStrchr(pattern, '%', &percent));
  if (!percent) PetscFunctionReturn(PETSC_SUCCESS);
  *head   = (int)(percent - pattern);
  *digits = 0;
  *tail   = percent + 1;
  if ((*tail)[0] == '0' && isdigit((unsigned char)(*tail)[1])) {
    *digits = (*tail)[1] - '0';
    *tail += 2;
  }
  if (**tail != 'd') PetscFunctionReturn(PETSC_SUCCESS);
  (*tail)++;
  PetscCall(PetscStrchr(*tail, '%', &percent));
  *ok = percent ? PETSC_FALSE : PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Call after the options were read; proceed = PETSC_FALSE if only -help was asked for */
PetscErrorCode DataCheckOptions(const char generator[], const DataOptions *opt, PetscBool *proceed)
{
  int         head, digits;
  const char *tail;
  char        program[64];
  PetscBool   wanthelp, ok;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsHasHelp(NULL, &wanthelp));
  *proceed = wanthelp ? PETSC_FALSE : PETSC_TRUE;
  if (wanthelp) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSNPrintf(program, sizeof(program), "gnnspai-data %s", generator));
  PetscCall(OptionsRefuseWords(2));
  PetscCall(OptionsRefuseUnknown(program, "data_"));
  PetscCheck(*opt->output, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "Say where to write with -data_output, for instance -data_output %s_%%d.dat", generator);
  PetscCall(ParsePattern(opt->output, &head, &digits, &tail, &ok));
  PetscCheck(ok, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "-data_output %s must have exactly one %%d (or %%0Nd, N at most 9) and no other %%, for instance %s_%%d.dat", opt->output, generator);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OutputName(const DataOptions *opt, PetscInt number, size_t len, char name[])
{
  int         head = 0, digits = 0;
  const char *tail = "";
  PetscBool   ok;

  PetscFunctionBeginUser;
  PetscCall(ParsePattern(opt->output, &head, &digits, &tail, &ok));
  PetscCall(PetscSNPrintf(name, len, "%.*s%0*" PetscInt_FMT "%s", head, opt->output, digits, number, tail));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Rename(const char from[], const char to[])
{
  PetscFunctionBeginUser;
  PetscCheck(!rename(from, to), PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "Cannot rename %s to %s", from, to);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A reader never sees half a file. The format keeps a block size > 1 in FILE.info, and only there, so an old one must go. */
static PetscErrorCode WriteFile(PetscObject object, PetscInt bs, const char name[])
{
  char        part[PETSC_MAX_PATH_LEN], info[PETSC_MAX_PATH_LEN], partinfo[PETSC_MAX_PATH_LEN];
  PetscViewer viewer;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(part, sizeof(part), "%s.part", name));
  PetscCall(PetscSNPrintf(info, sizeof(info), "%s.info", name));
  PetscCall(PetscSNPrintf(partinfo, sizeof(partinfo), "%s.info", part));
  PetscCall(PetscViewerCreate(PETSC_COMM_SELF, &viewer));
  PetscCall(PetscViewerSetType(viewer, PETSCVIEWERBINARY));
  PetscCall(PetscViewerFileSetMode(viewer, FILE_MODE_WRITE));
  PetscCall(PetscViewerBinarySetSkipInfo(viewer, bs > 1 ? PETSC_FALSE : PETSC_TRUE));
  PetscCall(PetscViewerFileSetName(viewer, part));
  PetscCall(PetscObjectView(object, viewer));
  PetscCall(PetscViewerDestroy(&viewer));
  if (bs > 1) PetscCall(Rename(partinfo, info));
  else (void)remove(info);
  PetscCall(Rename(part, name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DataMatCreate(PetscInt n, PetscInt room, Mat *A)
{
  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, n, n, PetscMin(room, n), NULL, A));
  PetscCall(MatSetOption(*A, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DataMatAssemble(Mat A)
{
  PetscFunctionBeginUser;
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DataMatFix(Mat A, const PetscBool fixed[])
{
  PetscInt n, bs, *rows, nrows = 0;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(A, &n, NULL));
  PetscCall(MatGetBlockSize(A, &bs));
  PetscCall(PetscMalloc1(n, &rows));
  for (PetscInt i = 0; i < n; i++) {
    if (fixed[i / bs]) rows[nrows++] = i;
  }
  PetscCall(MatZeroRowsColumns(A, nrows, rows, 1, NULL, NULL));
  PetscCall(PetscFree(rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Point p of the grid is vertex number[p], at random; what belongs to it becomes block row p. The values stay as they were computed, to the last bit */
PetscErrorCode DataNumber(const DataMeshOptions *opt, PetscInt nv, const PetscInt number[], Mat *A, Vec features)
{
  PetscInt bs;
  IS       is;
  Mat      made = *A;

  PetscFunctionBeginUser;
  if (opt->random || !number) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatGetBlockSize(made, &bs));
  PetscCall(ISCreateBlock(PETSC_COMM_SELF, bs, nv, number, PETSC_USE_POINTER, &is));
  PetscCall(MatCreateSubMatrix(made, is, is, MAT_INITIAL_MATRIX, A));
  PetscCall(MatSetBlockSize(*A, bs));
  PetscCall(MatDestroy(&made));
  PetscCall(ISDestroy(&is));
  if (!features) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetBlockSize(features, &bs));
  PetscCall(ISCreateBlock(PETSC_COMM_SELF, bs, nv, number, PETSC_USE_POINTER, &is));
  PetscCall(VecPermute(features, is, PETSC_FALSE));
  PetscCall(ISDestroy(&is));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each row has its diagonal entry; the rows with no other nonzero value, such as Dirichlet rows, are counted */
static PetscErrorCode CheckRows(Mat A, const char name[], PetscInt *ndecoupled)
{
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(A, &n, NULL));
  *ndecoupled = 0;
  for (PetscInt i = 0; i < n; i++) {
    PetscInt           nz;
    PetscBool          diagonal = PETSC_FALSE, coupled = PETSC_FALSE;
    const PetscInt    *cols;
    const PetscScalar *values;

    PetscCall(MatGetRow(A, i, &nz, &cols, &values));
    for (PetscInt k = 0; k < nz; k++) {
      if (cols[k] == i) diagonal = PETSC_TRUE;
      else if (values[k] != 0) coupled = PETSC_TRUE;
    }
    if (!coupled) ++*ndecoupled;
    PetscCall(MatRestoreRow(A, i, &nz, &cols, &values));
    PetscCheck(diagonal, PETSC_COMM_SELF, PETSC_ERR_PLIB, "%s has no diagonal entry in row %" PetscInt_FMT, name, i);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Exact symmetry, and CG with Jacobi down to 1e-8 in the unpreconditioned norm, b = A 1: CG stops with an error where A is not positive definite */
static PetscErrorCode CheckMatrix(Mat A, const char name[], size_t len, char report[])
{
  KSP                ksp;
  PC                 pc;
  Vec                x, b;
  PetscInt           its, ndecoupled = 0;
  PetscReal          low, high;
  PetscBool          symmetric;
  KSPConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(MatIsSymmetric(A, 0, &symmetric));
  PetscCheck(symmetric, PETSC_COMM_SELF, PETSC_ERR_PLIB, "%s is not symmetric", name);
  PetscCall(CheckRows(A, name, &ndecoupled));
  PetscCall(MatCreateVecs(A, &x, &b));
  PetscCall(VecSet(x, 1));
  PetscCall(MatMult(A, x, b));
  PetscCall(KSPCreate(PETSC_COMM_SELF, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetType(ksp, KSPCG));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(KSPSetNormType(ksp, KSP_NORM_UNPRECONDITIONED));
  PetscCall(KSPSetTolerances(ksp, 1e-8, 0, PETSC_DEFAULT, 100000));
  PetscCall(KSPSetComputeSingularValues(ksp, PETSC_TRUE));
  PetscCall(KSPSolve(ksp, b, x));
  PetscCall(KSPGetConvergedReason(ksp, &reason));
  PetscCheck(reason > 0, PETSC_COMM_SELF, PETSC_ERR_NOT_CONVERGED, "%s: CG with Jacobi ended with %s", name, KSPConvergedReasons[reason]);
  PetscCall(KSPGetIterationNumber(ksp, &its));
  PetscCall(KSPComputeExtremeSingularValues(ksp, &high, &low));
  PetscCall(PetscSNPrintf(report, len, ", %" PetscInt_FMT " decoupled rows, symmetric, CG+Jacobi %" PetscInt_FMT " iterations, scaled eigenvalues %.2g to %.2f", ndecoupled, its, (double)low, (double)high));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Writes A as file number `number` and says so in one line; checks A first if asked to */
PetscErrorCode DataWriteFeatures(const DataOptions *opt, PetscInt number, Vec features)
{
  char     name[PETSC_MAX_PATH_LEN], file[PETSC_MAX_PATH_LEN];
  PetscInt bs;

  PetscFunctionBeginUser;
  PetscCall(OutputName(opt, number, sizeof(name), name));
  PetscCall(PetscSNPrintf(file, sizeof(file), "%s" FILES_FEATURES, name));
  if (features) {
    PetscCall(VecGetBlockSize(features, &bs));
    PetscCall(WriteFile((PetscObject)features, bs, file));
  } else {
    (void)remove(file);
    PetscCall(PetscSNPrintf(file, sizeof(file), "%s" FILES_FEATURES ".info", name));
    (void)remove(file);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DataWrite(const DataOptions *opt, PetscInt number, Mat A)
{
  char     name[PETSC_MAX_PATH_LEN], report[192] = "";
  PetscInt n, bs;
  MatInfo  info;

  PetscFunctionBeginUser;
  PetscCall(OutputName(opt, number, sizeof(name), name));
  PetscCall(MatGetSize(A, &n, NULL));
  PetscCall(MatGetInfo(A, MAT_LOCAL, &info));
  if (opt->check) PetscCall(CheckMatrix(A, name, sizeof(report), report));
  PetscCall(MatGetBlockSize(A, &bs));
  PetscCall(DataWriteFeatures(opt, number, NULL)); /* those of a file that is replaced */
  PetscCall(WriteFile((PetscObject)A, bs, name));
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "%s: %" PetscInt_FMT " unknowns, %.2f nonzeros per row%s%s%s\n", name, n, (double)(info.nz_used / n), opt->note ? ", " : "", opt->note ? opt->note : "", report));
  PetscFunctionReturn(PETSC_SUCCESS);
}
