/*
   patches: breadth-first principal submatrices of given matrices, so SPD wherever those are. Nodes are (block) rows; a node is decoupled if its row
   has no off-diagonal nonzero value, and no patch starts there.
*/
#include "../files.h"
#include "generate.h"

/* A matrix to cut from; owns all but the name */
typedef struct {
  const char *name;
  Mat         A;
  Vec         features; /* of its nodes, or NULL */
  PetscInt    bs, nnodes;
  PetscInt   *coupled, ncoupled; /* the nodes that are not decoupled */
  PetscInt   *patch;             /* (nnodes) the last patch the node was in, or -1 */
} Source;

/* Lists the nodes that have an off-diagonal nonzero value */
static PetscErrorCode FindCoupled(Source *src)
{
  PetscFunctionBeginUser;
  src->ncoupled = 0;
  for (PetscInt i = 0; i < src->nnodes; i++) {
    PetscBool coupled = PETSC_FALSE;

    for (PetscInt row = i * src->bs; row < (i + 1) * src->bs; row++) {
      PetscInt           n;
      const PetscInt    *cols;
      const PetscScalar *values;

      PetscCall(MatGetRow(src->A, row, &n, &cols, &values));
      for (PetscInt c = 0; c < n; c++) {
        if (cols[c] / src->bs != i && values[c] != 0) coupled = PETSC_TRUE;
      }
      PetscCall(MatRestoreRow(src->A, row, &n, &cols, &values));
    }
    if (coupled) src->coupled[src->ncoupled++] = i;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SourceCreate(const char name[], PetscInt nodes_min, Source *src)
{
  PetscInt n;

  PetscFunctionBeginUser;
  src->name = name;
  PetscCall(FilesLoadMat(name, &src->A));
  PetscCall(FilesLoadFeatures(name, src->A, &src->features));
  PetscCall(MatGetSize(src->A, &n, NULL));
  PetscCall(MatGetBlockSize(src->A, &src->bs));
  src->nnodes = n / src->bs;
  PetscCall(PetscMalloc2(src->nnodes, &src->coupled, src->nnodes, &src->patch));
  for (PetscInt i = 0; i < src->nnodes; i++) src->patch[i] = -1;
  PetscCall(FindCoupled(src));
  PetscCheck(src->ncoupled >= nodes_min, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "The matrix in %s has only %" PetscInt_FMT " coupled nodes: lower -data_nodes_min (%" PetscInt_FMT ")", name, src->ncoupled, nodes_min);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SourceDestroy(Source *src)
{
  PetscFunctionBeginUser;
  PetscCall(MatDestroy(&src->A));
  PetscCall(VecDestroy(&src->features));
  PetscCall(PetscFree2(src->coupled, src->patch));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A coupled node that is not in the patch yet; there is one, because a patch has at most ncoupled nodes */
static PetscErrorCode AppendRandomNode(PetscRandom random, Source *src, PetscInt patch, PetscInt nodes[], PetscInt *n)
{
  PetscInt i;

  PetscFunctionBeginUser;
  do PetscCall(DataRandomInt(random, src->ncoupled, &i));
  while (src->patch[src->coupled[i]] == patch);
  nodes[(*n)++]               = src->coupled[i];
  src->patch[src->coupled[i]] = patch;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The neighbours of a node that are not in the patch yet, as far as there is room */
static PetscErrorCode AppendNeighbours(Source *src, PetscInt node, PetscInt patch, PetscInt size, PetscInt nodes[], PetscInt *n)
{
  PetscFunctionBeginUser;
  for (PetscInt row = node * src->bs; row < (node + 1) * src->bs; row++) {
    PetscInt           ncols;
    const PetscInt    *cols;
    const PetscScalar *values;

    PetscCall(MatGetRow(src->A, row, &ncols, &cols, &values));
    for (PetscInt c = 0; c < ncols && *n < size; c++) {
      const PetscInt j = cols[c] / src->bs;

      if (values[c] == 0 || src->patch[j] == patch) continue;
      nodes[(*n)++] = j;
      src->patch[j] = patch;
    }
    PetscCall(MatRestoreRow(src->A, row, &ncols, &cols, &values));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Breadth first from a random node, and from another one where a connected component is used up */
static PetscErrorCode GrowPatch(PetscRandom random, Source *src, PetscInt patch, PetscInt size, PetscInt nodes[])
{
  PetscInt n = 0, next = 0;

  PetscFunctionBeginUser;
  while (n < size) {
    if (next == n) PetscCall(AppendRandomNode(random, src, patch, nodes, &n));
    else PetscCall(AppendNeighbours(src, nodes[next++], patch, size, nodes, &n));
  }
  PetscCall(PetscSortInt(size, nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F is NULL where the matrix has no features */
static PetscErrorCode CutFeatures(Source *src, PetscInt n, const PetscInt nodes[], Vec *F)
{
  PetscInt bs;
  IS       numbers;
  Vec      part;

  PetscFunctionBeginUser;
  *F = NULL;
  if (src->features == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetBlockSize(src->features, &bs));
  PetscCall(ISCreateBlock(PETSC_COMM_SELF, bs, n, nodes, PETSC_COPY_VALUES, &numbers));
  PetscCall(VecGetSubVector(src->features, numbers, &part));
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, n * bs, F));
  PetscCall(VecSetBlockSize(*F, bs));
  PetscCall(VecCopy(part, *F));
  PetscCall(VecRestoreSubVector(src->features, numbers, &part));
  PetscCall(ISDestroy(&numbers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CutPatch(PetscRandom random, Source *src, PetscInt patch, PetscInt nodes_min, PetscInt nodes_max, Mat *P, Vec *F)
{
  PetscInt size, *nodes;
  IS       rows;

  PetscFunctionBeginUser;
  PetscCall(DataRandomInt(random, PetscMin(nodes_max, src->ncoupled) - nodes_min + 1, &size));
  size += nodes_min;
  PetscCall(PetscMalloc1(size, &nodes));
  PetscCall(GrowPatch(random, src, patch, size, nodes));
  PetscCall(CutFeatures(src, size, nodes, F));
  PetscCall(ISCreateBlock(PETSC_COMM_SELF, src->bs, size, nodes, PETSC_OWN_POINTER, &rows));
  PetscCall(MatCreateSubMatrix(src->A, rows, rows, MAT_INITIAL_MATRIX, P));
  PetscCall(MatSetBlockSize(*P, src->bs));
  PetscCall(ISDestroy(&rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Patch k comes from file k modulo the number of files, these in random order; each file is read once */
static PetscErrorCode CutPatches(const DataOptions *opt, PetscInt nfiles, char **files, PetscInt nodes_min, PetscInt nodes_max)
{
  PetscRandom random;
  PetscInt   *order;

  PetscFunctionBeginUser;
  PetscCall(DataRandomCreate(opt->seed, &random));
  PetscCall(PetscMalloc1(nfiles, &order));
  PetscCall(DataRandomPermutation(random, nfiles, order));
  for (PetscInt f = 0; f < PetscMin(nfiles, opt->count); f++) {
    Source src;

    PetscCall(SourceCreate(files[order[f]], nodes_min, &src));
    for (PetscInt patch = f; patch < opt->count; patch += nfiles) {
      Mat P;
      Vec F;

      PetscCall(CutPatch(random, &src, patch, nodes_min, nodes_max, &P, &F));
      PetscCall(DataWrite(opt, patch, P));
      PetscCall(DataWriteFeatures(opt, patch, F));
      PetscCall(MatDestroy(&P));
      PetscCall(VecDestroy(&F));
    }
    PetscCall(SourceDestroy(&src));
  }
  PetscCall(PetscFree(order));
  PetscCall(PetscRandomDestroy(&random));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DataPatches(void)
{
  DataOptions opt                          = {.count = 48};
  char        matrices[PETSC_MAX_PATH_LEN] = "";
  PetscInt    nodes_min = 450, nodes_max = 800, nfiles;
  PetscBool   proceed;
  char      **files;

  PetscFunctionBeginUser;
  PetscOptionsBegin(PETSC_COMM_SELF, NULL, "gnnspai-data patches: breadth-first principal submatrices", NULL);
  PetscCall(PetscOptionsString("-data_matrices", "PETSc binary files to cut from, as a (quoted) shell pattern", NULL, matrices, matrices, sizeof(matrices), NULL));
  PetscCall(PetscOptionsBoundedInt("-data_nodes_min", "Least nodes (block rows) of a patch", NULL, nodes_min, &nodes_min, NULL, 1));
  PetscCall(PetscOptionsBoundedInt("-data_nodes_max", "Most nodes of a patch", NULL, nodes_max, &nodes_max, NULL, 1));
  PetscCall(DataSetFromOptions(PetscOptionsObject, &opt));
  PetscOptionsEnd();
  PetscCall(DataCheckOptions("patches", &opt, &proceed));
  if (!proceed) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(nodes_min <= nodes_max, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "-data_nodes_min %" PetscInt_FMT " is more than -data_nodes_max %" PetscInt_FMT, nodes_min, nodes_max);
  PetscCheck(*matrices, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "Say which matrices to cut from with -data_matrices, for instance -data_matrices 'heat_*.dat'");
  PetscCall(FilesGlob(matrices, &nfiles, &files));
  PetscCall(CutPatches(&opt, nfiles, files, nodes_min, nodes_max));
  PetscCall(FilesDestroy(nfiles, &files));
  PetscFunctionReturn(PETSC_SUCCESS);
}
