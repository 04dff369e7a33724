/*
   poisson: the Laplacian with linear elements on the surface of a bumpy open pipe (triangles) or in a warped box (tetrahedra). A tenth of the
   boundary vertices is Dirichlet, as identity rows, so that explicit zeros stay in the pattern; elsewhere the boundary is natural. Or on the triangles or
   tetrahedra of a user's mesh, which says itself what is Dirichlet.
*/
#include "generate.h"

#define DIRICHLET    0.1 /* share of the boundary vertices */
#define NBUMPS       6
#define BUMPS        0.4 /* bound on the relative change of the radius */
#define LOW_JITTER   0.2 /* of the grid spacing, each way; a mesh has its own between the two */
#define HIGH_JITTER  0.35
#define MIN_AREA     0.02    /* of a triangle of the flat grid, in squares of the spacing */
#define LOW_STRETCH  (-0.25) /* logarithm of length / circumference */
#define HIGH_STRETCH 0.75
#define MIN_QUALITY  0.02 /* of a flipped tetrahedron, as a share of its volume before */

/* Owns all arrays */
typedef struct {
  PetscInt nv, nt;
  PetscReal (*x)[3];     /* (nv, 3) coordinates */
  PetscInt (*vertex)[3]; /* (nt, 3) */
  PetscInt  *number;     /* (nv) of the points of a grid; NULL for a mesh of the user's */
  PetscBool *boundary;   /* (nv), of a mesh of the user's: Dirichlet */
} TriMesh;

/* Radius 1 + sum_k a_k cos(m_k theta + w_k z + phase_k), m_k integer, sum_k |a_k| <= BUMPS */
typedef struct {
  PetscReal a[NBUMPS], w[NBUMPS], phase[NBUMPS];
  PetscInt  m[NBUMPS];
} Bumps;

static PetscErrorCode BumpsCreate(PetscRandom random, Bumps *bumps)
{
  PetscFunctionBeginUser;
  for (int k = 0; k < NBUMPS; k++) {
    PetscCall(DataRandomUniform(random, 0, BUMPS / NBUMPS, &bumps->a[k]));
    PetscCall(DataRandomUniform(random, 0, 3, &bumps->w[k])); /* up to three waves along a circumference's length */
    PetscCall(DataRandomUniform(random, 0, 2 * PETSC_PI, &bumps->phase[k]));
    PetscCall(DataRandomInt(random, 4, &bumps->m[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void PipePoint(const Bumps *bumps, PetscReal theta, PetscReal z, PetscReal x[3])
{
  PetscReal r = 1;

  for (int k = 0; k < NBUMPS; k++) r += bumps->a[k] * PetscCosReal(bumps->m[k] * theta + bumps->w[k] * z + bumps->phase[k]);
  x[0] = r * PetscCosReal(theta);
  x[1] = r * PetscSinReal(theta);
  x[2] = z;
}

/* Grid point i + m j, i around the pipe, j along it, is vertex number[i + m j]; the rings j = 0 and j = l - 1 are the boundary and stay plane */
static PetscErrorCode PipeVertices(PetscRandom random, PetscInt m, PetscInt l, const PetscInt number[], PetscReal (*jitter)[2], TriMesh *mesh)
{
  const PetscReal h = 2 * PETSC_PI / m;
  PetscReal       s;
  Bumps           bumps;

  PetscFunctionBeginUser;
  PetscCall(BumpsCreate(random, &bumps));
  PetscCall(DataRandomUniform(random, LOW_JITTER, HIGH_JITTER, &s));
  for (PetscInt j = 0; j < l; j++) {
    for (PetscInt i = 0; i < m; i++) {
      const PetscInt p = number[i + m * j];

      mesh->boundary[p] = (j == 0 || j == l - 1) ? PETSC_TRUE : PETSC_FALSE;
      PetscCall(DataRandomUniform(random, -s, s, &jitter[p][0]));
      PetscCall(DataRandomUniform(random, -s, s, &jitter[p][1]));
      if (mesh->boundary[p]) jitter[p][1] = 0;
      PipePoint(&bumps, h * (i + jitter[p][0]), h * (j + jitter[p][1]), mesh->x[p]);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The area of a triangle of corners of a jittered unit square, numbered around it; quad: their vertices */
static PetscReal FlatArea(const PetscInt corner[3], const PetscInt quad[4], PetscReal (*jitter)[2])
{
  PetscReal x[3], y[3];

  for (int k = 0; k < 3; k++) {
    x[k] = jitter[quad[corner[k]]][0] + (corner[k] == 1 || corner[k] == 2);
    y[k] = jitter[quad[corner[k]]][1] + (corner[k] == 2 || corner[k] == 3);
  }
  return 0.5 * ((x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0]));
}

/* Two triangles a quadrilateral, its diagonal chosen at random, but so that none gets too small or turns over */
static PetscErrorCode PipeTriangles(PetscRandom random, PetscInt m, PetscInt l, const PetscInt number[], PetscReal (*jitter)[2], TriMesh *mesh)
{
  static const PetscInt split[2][2][3] = {
    {{0, 1, 2}, {2, 3, 0}},
    {{1, 2, 3}, {3, 0, 1}}
  };
  PetscInt(*vertex)[3] = mesh->vertex;

  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < l - 1; j++) {
    for (PetscInt i = 0; i < m; i++, vertex += 2) {
      const PetscInt right = (i + 1) % m, quad[4] = {number[i + m * j], number[right + m * j], number[right + m * (j + 1)], number[i + m * (j + 1)]};
      PetscInt       first;

      PetscCall(DataRandomInt(random, 2, &first));
      if (PetscMin(FlatArea(split[first][0], quad, jitter), FlatArea(split[first][1], quad, jitter)) < MIN_AREA) first = 1 - first;
      for (int k = 0; k < 3; k++) {
        vertex[0][k] = quad[split[first][0][k]];
        vertex[1][k] = quad[split[first][1][k]];
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* About n vertices in random order */
static PetscErrorCode PipeCreate(PetscRandom random, PetscInt n, TriMesh *mesh)
{
  PetscInt  m, l;
  PetscReal stretch;
  PetscReal(*jitter)[2];

  PetscFunctionBeginUser;
  PetscCall(DataRandomUniform(random, LOW_STRETCH, HIGH_STRETCH, &stretch));
  m        = (PetscInt)(PetscSqrtReal(n * PetscExpReal(-stretch)) + 0.5);
  l        = (n + m / 2) / m;
  mesh->nv = m * l;
  mesh->nt = 2 * m * (l - 1);
  PetscCall(PetscMalloc1(mesh->nv, &mesh->x));
  PetscCall(PetscMalloc1(mesh->nt, &mesh->vertex));
  PetscCall(PetscMalloc1(mesh->nv, &mesh->boundary));
  PetscCall(PetscMalloc1(mesh->nv, &mesh->number));
  PetscCall(PetscMalloc1(mesh->nv, &jitter));
  PetscCall(DataRandomPermutation(random, mesh->nv, mesh->number));
  PetscCall(PipeVertices(random, m, l, mesh->number, jitter, mesh));
  PetscCall(PipeTriangles(random, m, l, mesh->number, jitter, mesh));
  PetscCall(PetscFree(jitter));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TriMeshDestroy(TriMesh *mesh)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(mesh->x));
  PetscCall(PetscFree(mesh->vertex));
  PetscCall(PetscFree(mesh->number));
  PetscCall(PetscFree(mesh->boundary));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscReal Dot(const PetscReal a[3], const PetscReal b[3])
{
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* e_a the edge opposite a; returns the area */
static PetscReal TriEdges(const TriMesh *mesh, PetscInt t, PetscReal e[3][3])
{
  for (int a = 0; a < 3; a++) {
    for (int d = 0; d < 3; d++) e[a][d] = mesh->x[mesh->vertex[t][(a + 2) % 3]][d] - mesh->x[mesh->vertex[t][(a + 1) % 3]][d];
  }
  return 0.5 * PetscSqrtReal(Dot(e[0], e[0]) * Dot(e[1], e[1]) - PetscSqr(Dot(e[0], e[1])));
}

/* K_ab = e_a . e_b / (4 area): off the diagonal -cot/2 of the angle at the third vertex */
static void TriStiffness(const TriMesh *mesh, PetscInt t, PetscScalar K[3][3])
{
  PetscReal       e[3][3];
  const PetscReal area = TriEdges(mesh, t, e);

  for (int a = 0; a < 3; a++) {
    for (int b = 0; b <= a; b++) K[a][b] = K[b][a] = Dot(e[a], e[b]) / (4 * area);
  }
}

/* Identity rows and columns for the Dirichlet vertices: all that are marked in the user's mesh, some of them (one at least) in our own, where they
   are the boundary. A is positive definite if the mesh is connected. */
static PetscErrorCode ApplyDirichlet(PetscRandom random, const DataMeshOptions *file, PetscInt nv, const PetscBool marked[], Mat A)
{
  PetscInt *order, *fixed, nmarked = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(nv, &order, nv, &fixed));
  PetscCall(DataRandomPermutation(random, nv, order));
  for (PetscInt k = 0; k < nv; k++) {
    if (marked[order[k]]) fixed[nmarked++] = order[k];
  }
  PetscCheck(nmarked, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "%s has no Dirichlet vertex, which leaves the Laplacian singular; name a physical group with -data_mesh_dirichlet", file->file);
  PetscCall(MatZeroRowsColumns(A, *file->file ? nmarked : PetscMax(1, (PetscInt)(DIRICHLET * nmarked)), fixed, 1, NULL, NULL));
  PetscCall(PetscFree2(order, fixed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TriMeshRead(const DataMeshOptions *file, TriMesh *mesh)
{
  DataMesh read;

  PetscFunctionBeginUser;
  PetscCall(DataMeshRead(file, 2, &read));
  *mesh = (TriMesh){.nv = read.nv, .nt = read.nt, .x = read.x, .vertex = (PetscInt(*)[3])read.vertex, .boundary = read.fixed};
  for (PetscInt t = 0; t < mesh->nt; t++) {
    PetscReal e[3][3];

    PetscCheck(TriEdges(mesh, t, e) > 0, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has a triangle without area, number %" PetscInt_FMT "; mesh it again", file->file, t + 1);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SurfaceMatrix(PetscRandom random, PetscInt n, const DataMeshOptions *file, PetscReal flips, Mat *A)
{
  TriMesh mesh;

  PetscFunctionBeginUser;
  (void)flips;
  if (*file->file) PetscCall(TriMeshRead(file, &mesh));
  else PetscCall(PipeCreate(random, n, &mesh));
  PetscCall(DataMatCreate(mesh.nv, 9, A)); /* 5 to 9: itself, four sides, at most four diagonals */
  for (PetscInt t = 0; t < mesh.nt; t++) {
    PetscScalar K[3][3];

    TriStiffness(&mesh, t, K);
    PetscCall(MatSetValues(*A, 3, mesh.vertex[t], 3, mesh.vertex[t], &K[0][0], ADD_VALUES));
  }
  PetscCall(DataMatAssemble(*A));
  PetscCall(ApplyDirichlet(random, file, mesh.nv, mesh.boundary, *A));
  PetscCall(DataNumber(file, mesh.nv, mesh.number, A, NULL));
  PetscCall(TriMeshDestroy(&mesh));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode VolumeMatrix(PetscRandom random, PetscInt n, const DataMeshOptions *file, PetscReal flips, Mat *A)
{
  TetMesh    mesh;
  PetscBool *boundary;

  PetscFunctionBeginUser;
  if (*file->file) PetscCall(TetMeshRead(file, &mesh, &boundary));
  else {
    PetscCall(TetMeshCreateBox(random, n, &mesh));
    for (PetscReal left = flips; left > 0; left -= 1) PetscCall(TetMeshFlip(random, PetscMin(left, 1), MIN_QUALITY, &mesh));
    PetscCall(PetscMalloc1(mesh.nv, &boundary));
    PetscCall(TetMeshBoundary(&mesh, boundary));
  }
  PetscCall(DataMatCreate(mesh.nv, 45, A)); /* 15 on a Kuhn mesh; flips make it more for some */
  for (PetscInt t = 0; t < mesh.nt; t++) {
    PetscScalar K[4][4];

    (void)TetStiffness(&mesh, t, K);
    PetscCall(MatSetValues(*A, 4, mesh.vertex[t], 4, mesh.vertex[t], &K[0][0], ADD_VALUES));
  }
  PetscCall(DataMatAssemble(*A));
  PetscCall(ApplyDirichlet(random, file, mesh.nv, boundary, *A));
  PetscCall(DataNumber(file, mesh.nv, mesh.number, A, NULL));
  PetscCall(PetscFree(boundary));
  PetscCall(TetMeshDestroy(&mesh));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DataPoisson(void)
{
  static const char *const kinds[]                                                                 = {"surface", "volume"};
  PetscErrorCode (*const make[])(PetscRandom, PetscInt, const DataMeshOptions *, PetscReal, Mat *) = {SurfaceMatrix, VolumeMatrix};
  DataOptions     opt                                                                              = {.count = 1};
  DataMeshOptions mesh;
  PetscInt        n = 6300, kind = 0;
  PetscReal       flips = 0.3;
  PetscBool       proceed;

  PetscFunctionBeginUser;
  PetscOptionsBegin(PETSC_COMM_SELF, NULL, "gnnspai-data poisson: Laplacian, some Dirichlet vertices; matrix k has seed -data_seed + k and is numbered by it", NULL);
  PetscCall(PetscOptionsRangeInt("-data_n", "Unknowns, about", NULL, n, &n, NULL, 64, 100000000));
  PetscCall(PetscOptionsEList("-data_kind", "Triangles of a bumpy open pipe, or tetrahedra", NULL, kinds, 2, kinds[kind], &kind, NULL));
  PetscCall(PetscOptionsReal("-data_flips", "Passes of random flips that make the tetrahedra irregular; a fraction: the probability of a face in the last pass", NULL, flips, &flips, NULL));
  PetscCall(DataMeshSetFromOptions(PetscOptionsObject, &mesh));
  PetscCall(DataSetFromOptions(PetscOptionsObject, &opt));
  PetscOptionsEnd();
  PetscCall(DataCheckOptions("poisson", &opt, &proceed));
  for (PetscInt seed = opt.seed; proceed && seed < opt.seed + opt.count; seed++) {
    PetscRandom random;
    Mat         A;

    PetscCall(DataRandomCreate(seed, &random));
    PetscCall(make[kind](random, n, &mesh, flips, &A));
    PetscCall(DataWrite(&opt, seed, A));
    PetscCall(MatDestroy(&A));
    PetscCall(PetscRandomDestroy(&random));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
