#include <ctype.h>
#include <stdio.h>
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

/* A misspelt option would otherwise be ignored; all of the generator's options have been read by now */
static PetscErrorCode RefuseUnknownOptions(const char generator[])
{
  char   **names, **values;
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsLeftGet(NULL, &n, &names, &values));
  for (PetscInt i = 0; i < n; i++) {
    PetscBool ours;

    PetscCall(PetscStrncmp(names[i], "data_", 5, &ours));
    PetscCheck(!ours, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "%s has no option -%s; gnnspai-data %s -help lists them", generator, names[i], generator);
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &n, &names, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Call after the options were read; proceed = PETSC_FALSE if only -help was asked for */
PetscErrorCode DataCheckOptions(const char generator[], const DataOptions *opt, PetscBool *proceed)
{
  int         head, digits;
  const char *tail;
  PetscBool   wanthelp, ok;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsHasHelp(NULL, &wanthelp));
  *proceed = wanthelp ? PETSC_FALSE : PETSC_TRUE;
  if (wanthelp) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(RefuseUnknownOptions(generator));
  PetscCheck(*opt->output, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "Say where to write with -data_output, for instance -data_output %s_%%d.dat", generator);
  PetscCall(ParsePattern(opt->output, &head, &digits, &tail, &ok));
  PetscCheck(ok, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "-data_output %s must have exactly one %%d (or %%0Nd, N at most 9) and no other %%, for instance %s_%%d.dat", opt->output, generator);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OutputName(const DataOptions *opt, PetscInt number, size_t len, char name[])
{
  int         head, digits;
  const char *tail;
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
static PetscErrorCode WriteFile(Mat A, const char name[])
{
  char        part[PETSC_MAX_PATH_LEN], info[PETSC_MAX_PATH_LEN], partinfo[PETSC_MAX_PATH_LEN];
  PetscViewer viewer;
  PetscInt    bs;

  PetscFunctionBeginUser;
  PetscCall(MatGetBlockSize(A, &bs));
  PetscCall(PetscSNPrintf(part, sizeof(part), "%s.part", name));
  PetscCall(PetscSNPrintf(info, sizeof(info), "%s.info", name));
  PetscCall(PetscSNPrintf(partinfo, sizeof(partinfo), "%s.info", part));
  PetscCall(PetscViewerCreate(PETSC_COMM_SELF, &viewer));
  PetscCall(PetscViewerSetType(viewer, PETSCVIEWERBINARY));
  PetscCall(PetscViewerFileSetMode(viewer, FILE_MODE_WRITE));
  PetscCall(PetscViewerBinarySetSkipInfo(viewer, bs > 1 ? PETSC_FALSE : PETSC_TRUE));
  PetscCall(PetscViewerFileSetName(viewer, part));
  PetscCall(MatView(A, viewer));
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
PetscErrorCode DataWrite(const DataOptions *opt, PetscInt number, Mat A)
{
  char     name[PETSC_MAX_PATH_LEN], report[192] = "";
  PetscInt n;
  MatInfo  info;

  PetscFunctionBeginUser;
  PetscCall(OutputName(opt, number, sizeof(name), name));
  PetscCall(MatGetSize(A, &n, NULL));
  PetscCall(MatGetInfo(A, MAT_LOCAL, &info));
  if (opt->check) PetscCall(CheckMatrix(A, name, sizeof(report), report));
  PetscCall(WriteFile(A, name));
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "%s: %" PetscInt_FMT " unknowns, %.2f nonzeros per row%s%s%s\n", name, n, (double)(info.nz_used / n), opt->note ? ", " : "", opt->note ? opt->note : "", report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscReal Dot(const PetscReal a[3], const PetscReal b[3])
{
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static inline void Cross(const PetscReal a[3], const PetscReal b[3], PetscReal c[3])
{
  for (int d = 0; d < 3; d++) c[d] = a[(d + 1) % 3] * b[(d + 2) % 3] - a[(d + 2) % 3] * b[(d + 1) % 3];
}

/* Face normals n_a = 6 volume grad(lambda_a), lambda_a the barycentric coordinate of vertex a; returns the signed volume */
static PetscReal TetNormals(const TetMesh *mesh, PetscInt t, PetscReal n[4][3])
{
  const PetscReal *x0 = mesh->x[mesh->vertex[t][0]];
  PetscReal        e[3][3];

  for (int a = 0; a < 3; a++) {
    for (int d = 0; d < 3; d++) e[a][d] = mesh->x[mesh->vertex[t][a + 1]][d] - x0[d];
  }
  for (int a = 0; a < 3; a++) Cross(e[(a + 1) % 3], e[(a + 2) % 3], n[a + 1]);
  for (int d = 0; d < 3; d++) n[0][d] = -(n[1][d] + n[2][d] + n[3][d]);
  return Dot(e[0], n[1]) / 6;
}

/* K_ab = volume grad(lambda_a) . grad(lambda_b) = n_a . n_b / (36 volume), exactly symmetric; returns the volume */
PetscReal TetStiffness(const TetMesh *mesh, PetscInt t, PetscScalar K[4][4])
{
  PetscReal       n[4][3];
  const PetscReal volume = TetNormals(mesh, t, n);

  for (int a = 0; a < 4; a++) {
    for (int b = 0; b <= a; b++) K[a][b] = K[b][a] = Dot(n[a], n[b]) / (36 * volume);
  }
  return volume;
}

#define NWAVES      3
#define WARP        0.3 /* bound on the norm of the warp's gradient */
#define LOW_JITTER  0.3 /* of the grid spacing, each way; a mesh has its own between the two */
#define HIGH_JITTER 0.5
#define MIN_VOLUME  0.05 /* of a tetrahedron of the unwarped grid */
#define MAX_STRETCH 0.3  /* logarithm of a side of the box, each way */

/* The map x -> x + sum_k d_k sin(w_k . x + phase_k) with sum_k |d_k| |w_k| = WARP < 1 */
typedef struct {
  PetscReal w[NWAVES][3], d[NWAVES][3], phase[NWAVES];
} Warp;

static PetscErrorCode RandomDirection(PetscRandom random, PetscReal length, PetscReal v[3])
{
  PetscReal norm;

  PetscFunctionBeginUser;
  for (int d = 0; d < 3; d++) PetscCall(DataRandomNormal(random, &v[d]));
  norm = PetscSqrtReal(Dot(v, v));
  for (int d = 0; d < 3; d++) v[d] *= length / norm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WarpCreate(PetscRandom random, Warp *warp)
{
  PetscFunctionBeginUser;
  for (int k = 0; k < NWAVES; k++) {
    PetscReal w;

    PetscCall(DataRandomUniform(random, PETSC_PI, 3 * PETSC_PI, &w)); /* half a wave to one and a half across the box */
    PetscCall(RandomDirection(random, w, warp->w[k]));
    PetscCall(RandomDirection(random, WARP / (NWAVES * w), warp->d[k]));
    PetscCall(DataRandomUniform(random, 0, 2 * PETSC_PI, &warp->phase[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void WarpApply(const Warp *warp, const PetscReal x[3], PetscReal y[3])
{
  for (int d = 0; d < 3; d++) y[d] = x[d];
  for (int k = 0; k < NWAVES; k++) {
    const PetscReal s = PetscSinReal(Dot(warp->w[k], x) + warp->phase[k]);

    for (int d = 0; d < 3; d++) y[d] += s * warp->d[k][d];
  }
}

/* A box of volume 1 and m[0] m[1] m[2] = about n grid points, h apart */
static PetscErrorCode BoxSize(PetscRandom random, PetscInt n, PetscInt m[3], PetscReal h[3])
{
  const PetscReal root = PetscPowReal((PetscReal)n, 1. / 3);
  PetscReal       side[3], scale;

  PetscFunctionBeginUser;
  for (int d = 0; d < 3; d++) {
    PetscCall(DataRandomUniform(random, -MAX_STRETCH, MAX_STRETCH, &side[d]));
    side[d] = PetscExpReal(side[d]);
  }
  scale = PetscPowReal(side[0] * side[1] * side[2], -1. / 3);
  for (int d = 0; d < 3; d++) {
    side[d] *= scale;
    m[d] = (PetscInt)(side[d] * root + 0.5);
  }
  m[2] = (n + m[0] * m[1] / 2) / (m[0] * m[1]);
  for (int d = 0; d < 3; d++) h[d] = side[d] / (m[d] - 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Kuhn's tetrahedra of the cells: the six ways from corner 000 to corner 111 along the axes; grid point p is vertex number[p] */
static void BoxTets(const PetscInt m[3], const PetscInt number[], PetscInt (*vertex)[4])
{
  static const int way[6][3] = {
    {0, 1, 2},
    {0, 2, 1},
    {1, 2, 0},
    {1, 0, 2},
    {2, 0, 1},
    {2, 1, 0}
  };
  const PetscInt stride[3] = {1, m[0], m[0] * m[1]};

  for (PetscInt k = 0; k < m[2] - 1; k++) {
    for (PetscInt j = 0; j < m[1] - 1; j++) {
      for (PetscInt i = 0; i < m[0] - 1; i++) {
        for (int w = 0; w < 6; w++, vertex++) {
          PetscInt p = i + stride[1] * j + stride[2] * k;

          (*vertex)[0] = number[p];
          for (int a = 1; a < 4; a++) {
            p += stride[way[w][a - 1]];
            (*vertex)[w % 2 && a > 1 ? 5 - a : a] = number[p]; /* odd permutations of the axes: the last two swapped, for the orientation */
          }
        }
      }
    }
  }
}

/* Grid points (by vertex number) and a random displacement for the interior ones */
static PetscErrorCode BoxPoints(PetscRandom random, const PetscInt m[3], const PetscReal h[3], const PetscInt number[], PetscReal (*point)[3], PetscReal (*jitter)[3])
{
  PetscReal s;

  PetscFunctionBeginUser;
  PetscCall(DataRandomUniform(random, LOW_JITTER, HIGH_JITTER, &s));
  for (PetscInt p = 0; p < m[0] * m[1] * m[2]; p++) {
    const PetscInt ijk[3] = {p % m[0], p / m[0] % m[1], p / (m[0] * m[1])}, v = number[p];
    PetscBool      interior = PETSC_TRUE;

    for (int d = 0; d < 3; d++) {
      point[v][d] = ijk[d] * h[d];
      if (ijk[d] == 0 || ijk[d] == m[d] - 1) interior = PETSC_FALSE;
    }
    for (int d = 0; d < 3; d++) {
      if (interior) PetscCall(DataRandomUniform(random, -s * h[d], s * h[d], &jitter[v][d]));
      else jitter[v][d] = 0;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
   Moves the vertices to warp(point + jitter), the jitter halved around each tetrahedron that gets too small. This ends: on a grid without jitter the warp changes
   volumes by det(1 + E) with a Frobenius norm |E| <= sqrt(3) WARP (each column is a difference quotient), so by (1 - sqrt(3) WARP)^3 = 0.11 > MIN_VOLUME at least.
*/
static void PlaceVertices(TetMesh *mesh, const Warp *warp, PetscReal minvolume, PetscReal (*point)[3], PetscReal (*jitter)[3])
{
  PetscInt nsmall;

  do {
    nsmall = 0;
    for (PetscInt v = 0; v < mesh->nv; v++) {
      const PetscReal y[3] = {point[v][0] + jitter[v][0], point[v][1] + jitter[v][1], point[v][2] + jitter[v][2]};

      WarpApply(warp, y, mesh->x[v]);
    }
    for (PetscInt t = 0; t < mesh->nt; t++) {
      PetscReal n[4][3];

      if (TetNormals(mesh, t, n) >= minvolume) continue;
      nsmall++;
      for (int a = 0; a < 4; a++) {
        for (int d = 0; d < 3; d++) jitter[mesh->vertex[t][a]][d] /= 2;
      }
    }
  } while (nsmall);
}

/* About n vertices in random order: the grid of a box of volume 1, jittered, then warped as a whole */
PetscErrorCode TetMeshCreateBox(PetscRandom random, PetscInt n, TetMesh *mesh)
{
  PetscInt  m[3], *number;
  PetscReal h[3];
  PetscReal(*point)[3], (*jitter)[3];
  Warp warp;

  PetscFunctionBeginUser;
  PetscCall(BoxSize(random, n, m, h));
  mesh->nv = m[0] * m[1] * m[2];
  mesh->nt = 6 * (m[0] - 1) * (m[1] - 1) * (m[2] - 1);
  PetscCall(PetscMalloc1(mesh->nv, &mesh->x));
  PetscCall(PetscMalloc1(mesh->nt, &mesh->vertex));
  mesh->flipped = PETSC_FALSE;
  PetscCall(PetscMalloc3(mesh->nv, &number, mesh->nv, &point, mesh->nv, &jitter));
  PetscCall(DataRandomPermutation(random, mesh->nv, number));
  BoxTets(m, number, mesh->vertex);
  PetscCall(BoxPoints(random, m, h, number, point, jitter));
  PetscCall(WarpCreate(random, &warp));
  PlaceVertices(mesh, &warp, MIN_VOLUME * h[0] * h[1] * h[2] / 6, point, jitter);
  PetscCall(PetscFree3(number, point, jitter));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TetMeshDestroy(TetMesh *mesh)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(mesh->x));
  PetscCall(PetscFree(mesh->vertex));
  PetscFunctionReturn(PETSC_SUCCESS);
}
