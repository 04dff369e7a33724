/*
   A user's own mesh: tetrahedra of a Gmsh file, read by DMPlex. The vertices keep the order of the file.
*/
#include "generate.h"
#include <petscdmplex.h>

#define ADVICE "gnnspai-data reads tetrahedra from Gmsh's .msh files, as 'gmsh -3 -o mesh.msh' writes them"

/* Call between PetscOptionsBegin() and PetscOptionsEnd() */
PetscErrorCode DataMeshSetFromOptions(GNNOptionItems PetscOptionsObject, DataMeshOptions *opt)
{
  PetscBool given;

  PetscFunctionBeginUser;
  *opt->file = '\0';
  PetscCall(PetscStrncpy(opt->fixed, "boundary", sizeof(opt->fixed)));
  PetscCall(PetscOptionsString("-data_mesh", "Gmsh file (.msh) of tetrahedra to use, instead of a mesh of -data_n unknowns", NULL, opt->file, opt->file, sizeof(opt->file), NULL));
  PetscCall(PetscOptionsString("-data_mesh_dirichlet", "Vertices of that mesh with identity rows: boundary, none, or the tag of a physical group", NULL, opt->fixed, opt->fixed, sizeof(opt->fixed), &given));
  PetscCheck(!given || *opt->file, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "-data_mesh_dirichlet is for a mesh that is given with -data_mesh");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Load(const char file[], DM *dm)
{
  PetscErrorCode failed;
  PetscBool      exists;

  PetscFunctionBeginUser;
  PetscCall(PetscTestFile(file, 'r', &exists));
  PetscCheck(exists, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "No readable file %s; %s", file, ADVICE);
  PetscCall(PetscOptionsSetValue(NULL, "-dm_plex_gmsh_highorder", "no")); /* the corners of curved elements will do */
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  failed = DMPlexCreateGmshFromFile(PETSC_COMM_SELF, file, PETSC_TRUE, dm);
  PetscCall(PetscPopErrorHandler());
  PetscCheck(!failed, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "Cannot read a mesh from %s; %s", file, ADVICE);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetCoordinates(DM dm, TetMesh *mesh)
{
  Vec                coordinates;
  PetscSection       section;
  PetscInt           start, end;
  const PetscScalar *array;

  PetscFunctionBeginUser;
  PetscCall(DMPlexGetDepthStratum(dm, 0, &start, &end));
  mesh->nv = end - start;
  PetscCall(PetscMalloc1(mesh->nv, &mesh->x));
  PetscCall(DMGetCoordinateSection(dm, &section));
  PetscCall(DMGetCoordinatesLocal(dm, &coordinates));
  PetscCall(VecGetArrayRead(coordinates, &array));
  for (PetscInt v = 0; v < mesh->nv; v++) {
    PetscInt offset;

    PetscCall(PetscSectionGetOffset(section, start + v, &offset));
    for (int d = 0; d < 3; d++) mesh->x[v][d] = array[offset + d];
  }
  PetscCall(VecRestoreArrayRead(coordinates, &array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The vertices of a point, at most max of them, numbered from 0 */
static PetscErrorCode GetVertices(DM dm, PetscInt point, PetscInt max, PetscInt vertex[], PetscInt *n)
{
  PetscInt start, end, size, *closure = NULL;

  PetscFunctionBeginUser;
  *n = 0;
  PetscCall(DMPlexGetDepthStratum(dm, 0, &start, &end));
  PetscCall(DMPlexGetTransitiveClosure(dm, point, PETSC_TRUE, &size, &closure));
  for (PetscInt k = 0; k < size && *n < max; k++) {
    if (closure[2 * k] >= start && closure[2 * k] < end) vertex[(*n)++] = closure[2 * k] - start;
  }
  PetscCall(DMPlexRestoreTransitiveClosure(dm, point, PETSC_TRUE, &size, &closure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetTets(DM dm, const char file[], TetMesh *mesh)
{
  PetscInt start, end;

  PetscFunctionBeginUser;
  PetscCall(DMPlexGetHeightStratum(dm, 0, &start, &end));
  mesh->nt = end - start;
  PetscCall(PetscMalloc1(mesh->nt, &mesh->vertex));
  for (PetscInt t = 0; t < mesh->nt; t++) {
    DMPolytopeType type;
    PetscInt       n;
    PetscReal      g[4][3], volume;

    PetscCall(DMPlexGetCellType(dm, start + t, &type));
    PetscCheck(type == DM_POLYTOPE_TETRAHEDRON, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has cells of another kind: %s; %s", file, DMPolytopeTypes[type], ADVICE);
    PetscCall(GetVertices(dm, start + t, 4, mesh->vertex[t], &n));
    volume = TetGradients(mesh, t, g);
    PetscCheck(volume != 0, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has a tetrahedron without volume, number %" PetscInt_FMT "; mesh it again", file, t + 1);
    if (volume < 0) {
      const PetscInt swap = mesh->vertex[t][2];

      mesh->vertex[t][2] = mesh->vertex[t][3];
      mesh->vertex[t][3] = swap;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Marks the vertices of all points of a label that have the value; adds their number of points to npoints */
static PetscErrorCode MarkStratum(DM dm, const char label[], PetscInt value, PetscBool marked[], PetscInt *npoints)
{
  IS              points;
  PetscInt        npts = 0, vertex[4], n;
  const PetscInt *point;

  PetscFunctionBeginUser;
  PetscCall(DMGetStratumIS(dm, label, value, &points));
  if (points == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ISGetLocalSize(points, &npts));
  PetscCall(ISGetIndices(points, &point));
  for (PetscInt p = 0; p < npts; p++) {
    PetscCall(GetVertices(dm, point[p], 4, vertex, &n));
    for (PetscInt k = 0; k < n; k++) marked[vertex[k]] = PETSC_TRUE;
  }
  PetscCall(ISRestoreIndices(points, &point));
  PetscCall(ISDestroy(&points));
  *npoints += npts;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The vertices that -data_mesh_dirichlet names */
static PetscErrorCode MarkFixed(DM dm, const DataMeshOptions *opt, const TetMesh *mesh, PetscBool fixed[])
{
  static const char *const labels[] = {"Face Sets", "Vertex Sets", "Cell Sets"};
  PetscInt                 tag, npoints = 0;
  PetscBool                boundary, none;
  PetscErrorCode           failed;

  PetscFunctionBeginUser;
  PetscCall(PetscStrcmp(opt->fixed, "boundary", &boundary));
  PetscCall(PetscStrcmp(opt->fixed, "none", &none));
  for (PetscInt v = 0; v < mesh->nv; v++) fixed[v] = PETSC_FALSE;
  if (boundary) PetscCall(TetMeshBoundary(mesh, fixed));
  if (boundary || none) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  failed = PetscOptionsStringToInt(opt->fixed, &tag);
  PetscCall(PetscPopErrorHandler());
  PetscCheck(!failed, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "-data_mesh_dirichlet takes boundary, none, or the number of a physical group, not '%s'", opt->fixed);
  for (size_t l = 0; l < PETSC_STATIC_ARRAY_LENGTH(labels); l++) PetscCall(MarkStratum(dm, labels[l], tag, fixed, &npoints));
  PetscCheck(npoints, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "Nothing in %s has the physical tag %" PetscInt_FMT "; the section $PhysicalNames lists those there are", opt->file, tag);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* fixed: (nv), owned by the caller */
PetscErrorCode TetMeshRead(const DataMeshOptions *opt, TetMesh *mesh, PetscBool **fixed)
{
  DM       dm;
  PetscInt dim, nfree = 0;

  PetscFunctionBeginUser;
  PetscCall(Load(opt->file, &dm));
  PetscCall(DMGetDimension(dm, &dim));
  PetscCheck(dim == 3, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "The mesh in %s has dimension %" PetscInt_FMT ", not 3; %s", opt->file, dim, ADVICE);
  mesh->flipped = PETSC_TRUE;
  PetscCall(GetCoordinates(dm, mesh));
  PetscCall(GetTets(dm, opt->file, mesh));
  PetscCall(PetscMalloc1(mesh->nv, fixed));
  PetscCall(MarkFixed(dm, opt, mesh, *fixed));
  for (PetscInt v = 0; v < mesh->nv; v++) nfree += !(*fixed)[v];
  PetscCheck(nfree, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "Every vertex of %s is a Dirichlet vertex; see -data_mesh_dirichlet", opt->file);
  PetscCall(DMDestroy(&dm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
