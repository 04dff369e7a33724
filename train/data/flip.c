/*
   Irregular meshes from regular ones: random 2-to-3 flips. Two tetrahedra with the face abc in common and apexes d, e become the three
   around the new edge de, where their union is convex. Vertices get 6 to 40 neighbours instead of a grid's 14, and thin elements occur.
*/
#include "generate.h"

/* A face: its vertices ascending, the tetrahedron, the apex opposite */
typedef struct {
  PetscInt v[3], tet, apex;
} Face;

static int FaceCompare(const void *a, const void *b)
{
  const Face *f = (const Face *)a, *g = (const Face *)b;

  for (int k = 0; k < 3; k++) {
    if (f->v[k] != g->v[k]) return f->v[k] < g->v[k] ? -1 : 1;
  }
  return 0;
}

static void FaceSet(const PetscInt tet[4], PetscInt number, int opposite, Face *face)
{
  int n = 0;

  for (int k = 0; k < 4; k++) {
    if (k != opposite) face->v[n++] = tet[k];
  }
  for (int k = 0; k < 3; k++) { /* sort three numbers */
    const int      l    = k % 2;
    const PetscInt swap = face->v[l];

    if (swap > face->v[l + 1]) {
      face->v[l]     = face->v[l + 1];
      face->v[l + 1] = swap;
    }
  }
  face->tet  = number;
  face->apex = tet[opposite];
}

/* Six times the volume of a, b, c, d; positive if positively oriented */
static PetscReal Volume6(const TetMesh *mesh, const PetscInt v[4])
{
  PetscReal e[3][3];

  for (int k = 0; k < 3; k++) {
    for (int d = 0; d < 3; d++) e[k][d] = mesh->x[v[k + 1]][d] - mesh->x[v[0]][d];
  }
  return e[0][0] * (e[1][1] * e[2][2] - e[1][2] * e[2][1]) - e[0][1] * (e[1][0] * e[2][2] - e[1][2] * e[2][0]) + e[0][2] * (e[1][0] * e[2][1] - e[1][1] * e[2][0]);
}

/* The three tetrahedra around de; false unless each has the orientation and at least the share quality of the two's mean volume */
static PetscBool Flip(const TetMesh *mesh, const Face *f, const Face *g, PetscReal quality, PetscInt new[3][4])
{
  const PetscReal bound   = quality * 0.5 * (Volume6(mesh, mesh->vertex[f->tet]) + Volume6(mesh, mesh->vertex[g->tet]));
  PetscInt        abcd[4] = {f->v[0], f->v[1], f->v[2], f->apex};
  const int       b       = Volume6(mesh, abcd) > 0 ? 2 : 1; /* order of the face as seen from d */

  for (int k = 0; k < 3; k++) {
    new[k][0] = f->v[k];
    new[k][1] = f->v[(k + b) % 3];
    new[k][2] = f->apex;
    new[k][3] = g->apex;
    if (Volume6(mesh, new[k]) < bound) return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

/* All faces, each next to its twin if it has one: an interior face occurs twice, a boundary face once */
static PetscErrorCode SortedFaces(const TetMesh *mesh, Face **faces)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(4 * mesh->nt, faces));
  for (PetscInt t = 0; t < mesh->nt; t++) {
    for (int k = 0; k < 4; k++) FaceSet(mesh->vertex[t], t, k, &(*faces)[4 * t + k]);
  }
  qsort(*faces, (size_t)(4 * mesh->nt), sizeof(**faces), FaceCompare);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TetMeshBoundary(const TetMesh *mesh, PetscBool boundary[])
{
  Face *faces;

  PetscFunctionBeginUser;
  PetscCall(SortedFaces(mesh, &faces));
  for (PetscInt v = 0; v < mesh->nv; v++) boundary[v] = PETSC_FALSE;
  for (PetscInt k = 0; k < 4 * mesh->nt; k++) {
    if (k + 1 < 4 * mesh->nt && !FaceCompare(&faces[k], &faces[k + 1])) k++;
    else
      for (int c = 0; c < 3; c++) boundary[faces[k].v[c]] = PETSC_TRUE;
  }
  PetscCall(PetscFree(faces));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One pass over the interior faces: each is flipped with the given probability where it can be; a tetrahedron takes part once */
PetscErrorCode TetMeshFlip(PetscRandom random, PetscReal probability, PetscReal quality, TetMesh *mesh)
{
  const PetscInt nt = mesh->nt;
  Face          *faces;
  PetscBool     *used;
  PetscInt(*vertex)[4];

  PetscFunctionBeginUser;
  PetscCall(SortedFaces(mesh, &faces));
  PetscCall(PetscCalloc1(nt, &used));
  PetscCall(PetscMalloc1(nt + nt / 2, &vertex));
  PetscCall(PetscArraycpy((PetscInt *)vertex, (PetscInt *)mesh->vertex, 4 * nt));
  for (PetscInt k = 0; k + 1 < 4 * nt; k++) {
    const Face *f = &faces[k], *g = &faces[k + 1];
    PetscInt new[3][4];
    PetscReal u;

    if (FaceCompare(f, g) || used[f->tet] || used[g->tet]) continue;
    PetscCall(DataRandomUniform(random, 0, 1, &u));
    if (u >= probability || !Flip(mesh, f, g, quality, new)) continue;
    used[f->tet] = used[g->tet] = PETSC_TRUE;
    PetscCall(PetscArraycpy(vertex[f->tet], new[0], 4));
    PetscCall(PetscArraycpy(vertex[g->tet], new[1], 4));
    PetscCall(PetscArraycpy(vertex[mesh->nt++], new[2], 4));
  }
  PetscCall(PetscFree(mesh->vertex));
  mesh->vertex  = vertex;
  mesh->flipped = PETSC_TRUE;
  PetscCall(PetscFree(faces));
  PetscCall(PetscFree(used));
  PetscFunctionReturn(PETSC_SUCCESS);
}
