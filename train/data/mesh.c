/*
   Meshes of tetrahedra: boxes of jittered and warped Kuhn tetrahedra, and what linear elements need of one.
*/
#include "generate.h"

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

/* g_a = grad(lambda_a); returns the volume */
PetscReal TetGradients(const TetMesh *mesh, PetscInt t, PetscReal g[4][3])
{
  const PetscReal volume = TetNormals(mesh, t, g);

  for (int a = 0; a < 4; a++) {
    for (int d = 0; d < 3; d++) g[a][d] /= 6 * volume;
  }
  return volume;
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
#define LOW_JITTER  0.3 /* of the grid spacing, each way; a box has its own between the two */
#define HIGH_JITTER 0.5
#define MIN_VOLUME  0.05 /* of a tetrahedron of the unwarped grid */
#define MAX_STRETCH 0.3  /* logarithm of a side of the box, each way */

/* The map x -> x + sum_k d_k sin(w_k . x + phase_k) with sum_k |d_k| |w_k| < 1 */
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

/* bound: of the norm of its gradient */
static PetscErrorCode WarpCreate(PetscRandom random, PetscReal bound, Warp *warp)
{
  PetscFunctionBeginUser;
  for (int k = 0; k < NWAVES; k++) {
    PetscReal w;

    PetscCall(DataRandomUniform(random, PETSC_PI, 3 * PETSC_PI, &w)); /* half a wave to one and a half across the box */
    PetscCall(RandomDirection(random, w, warp->w[k]));
    PetscCall(RandomDirection(random, bound / (NWAVES * w), warp->d[k]));
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

/* Grid points (by vertex number) and a displacement for the interior ones, up to s spacings each way */
static PetscErrorCode BoxPoints(PetscRandom random, PetscReal s, const PetscInt m[3], const PetscReal h[3], const PetscInt number[], PetscReal (*point)[3], PetscReal (*jitter)[3])
{
  PetscFunctionBeginUser;
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

/* m[0] m[1] m[2] vertices in random order: a grid of spacing h, jittered by up to s spacings, s uniform in range[], then warped as a whole, by a
   map whose gradient differs from 1 by bound <= WARP at most */
PetscErrorCode TetMeshCreateGrid(PetscRandom random, const PetscInt m[3], const PetscReal h[3], const PetscReal range[2], PetscReal bound, TetMesh *mesh)
{
  PetscReal s;
  PetscReal(*point)[3], (*jitter)[3];
  Warp warp;

  PetscFunctionBeginUser;
  mesh->nv = m[0] * m[1] * m[2];
  mesh->nt = 6 * (m[0] - 1) * (m[1] - 1) * (m[2] - 1);
  PetscCall(PetscMalloc1(mesh->nv, &mesh->x));
  PetscCall(PetscMalloc1(mesh->nt, &mesh->vertex));
  mesh->flipped = PETSC_FALSE;
  PetscCall(PetscMalloc1(mesh->nv, &mesh->number));
  PetscCall(PetscMalloc2(mesh->nv, &point, mesh->nv, &jitter));
  PetscCall(DataRandomPermutation(random, mesh->nv, mesh->number));
  BoxTets(m, mesh->number, mesh->vertex);
  PetscCall(DataRandomUniform(random, range[0], range[1], &s));
  PetscCall(BoxPoints(random, s, m, h, mesh->number, point, jitter));
  PetscCall(WarpCreate(random, bound, &warp));
  PlaceVertices(mesh, &warp, MIN_VOLUME * h[0] * h[1] * h[2] / 6, point, jitter);
  PetscCall(PetscFree2(point, jitter));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* About n vertices in random order: a box of volume 1 */
PetscErrorCode TetMeshCreateBox(PetscRandom random, PetscInt n, TetMesh *mesh)
{
  const PetscReal jitter[2] = {LOW_JITTER, HIGH_JITTER};
  PetscInt        m[3];
  PetscReal       h[3];

  PetscFunctionBeginUser;
  PetscCall(BoxSize(random, n, m, h));
  PetscCall(TetMeshCreateGrid(random, m, h, jitter, WARP, mesh));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The box around it */
void TetMeshBounds(const TetMesh *mesh, PetscReal low[3], PetscReal high[3])
{
  for (int d = 0; d < 3; d++) {
    low[d] = high[d] = mesh->x[0][d];
    for (PetscInt v = 1; v < mesh->nv; v++) {
      low[d]  = PetscMin(low[d], mesh->x[v][d]);
      high[d] = PetscMax(high[d], mesh->x[v][d]);
    }
  }
}

PetscErrorCode TetMeshDestroy(TetMesh *mesh)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(mesh->x));
  PetscCall(PetscFree(mesh->vertex));
  PetscCall(PetscFree(mesh->number));
  PetscFunctionReturn(PETSC_SUCCESS);
}
