/*
   A user's own mesh: the triangles or tetrahedra of a Gmsh file, read by DMPlex. The vertices keep the order of the file.
*/
#include "generate.h"
#include <petscdmplex.h>

#define ADVICE "gnnspai-data reads Gmsh's .msh files of tetrahedra ('gmsh -3 -o mesh.msh'), and of triangles for poisson -data_kind surface"

/* Call between PetscOptionsBegin() and PetscOptionsEnd() */
PetscErrorCode DataMeshSetFromOptions(GNNOptionItems PetscOptionsObject, DataMeshOptions *opt)
{
  static const char *const orders[] = {"natural", "random"};
  PetscInt                 order    = 0;
  PetscBool                given;

  PetscFunctionBeginUser;
  *opt->file = '\0';
  PetscCall(PetscStrncpy(opt->fixed, "boundary", sizeof(opt->fixed)));
  PetscCall(PetscOptionsString("-data_mesh", "Gmsh file (.msh) to use, instead of a mesh of -data_n unknowns", NULL, opt->file, opt->file, sizeof(opt->file), NULL));
  PetscCall(PetscOptionsString("-data_mesh_dirichlet", "Vertices of that mesh with identity rows: boundary, none, or the tag of a physical group", NULL, opt->fixed, opt->fixed, sizeof(opt->fixed), &given));
  PetscCheck(!given || *opt->file, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "-data_mesh_dirichlet is for a mesh that is given with -data_mesh");
  PetscCall(PetscOptionsEList("-data_numbering", "Vertices in the order of the grid that the mesh is made of, or at random; the same matrix otherwise", NULL, orders, 2, orders[order], &order, NULL));
  PetscCheck(!order || !*opt->file, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "-data_numbering random is not for a mesh that is given: its vertices stay as they are in the file");
  opt->random = order ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Load(const char file[], DM *dm)
{
  PetscErrorCode failed;
  PetscBool      exists;

  PetscFunctionBeginUser;
  PetscCall(PetscTestFile(file, 'r', &exists));
  PetscCheck(exists, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "No readable file %s; %s", file, ADVICE);
  PetscCall(PetscOptionsInsertString(NULL, "-dm_plex_gmsh_spacedim 3 -dm_plex_gmsh_highorder no")); /* the corners of curved elements will do */
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  failed = DMPlexCreateGmshFromFile(PETSC_COMM_SELF, file, PETSC_TRUE, dm);
  PetscCall(PetscPopErrorHandler());
  PetscCheck(!failed, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "Cannot read a mesh from %s; %s", file, ADVICE);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetCoordinates(DM dm, DataMesh *mesh)
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

/* The vertices of a point, numbered from 0 */
static PetscErrorCode GetVertices(DM dm, PetscInt point, PetscInt vertex[4], PetscInt *n)
{
  PetscInt start, end, size, *closure = NULL;

  PetscFunctionBeginUser;
  *n = 0;
  PetscCall(DMPlexGetDepthStratum(dm, 0, &start, &end));
  PetscCall(DMPlexGetTransitiveClosure(dm, point, PETSC_TRUE, &size, &closure));
  for (PetscInt k = 0; k < size; k++) {
    if (closure[2 * k] >= start && closure[2 * k] < end) vertex[(*n)++] = closure[2 * k] - start;
  }
  PetscCall(DMPlexRestoreTransitiveClosure(dm, point, PETSC_TRUE, &size, &closure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetCells(DM dm, const char file[], PetscInt dim, DataMesh *mesh)
{
  const DMPolytopeType wanted = dim == 3 ? DM_POLYTOPE_TETRAHEDRON : DM_POLYTOPE_TRIANGLE;
  PetscInt             start, end;

  PetscFunctionBeginUser;
  PetscCall(DMPlexGetHeightStratum(dm, 0, &start, &end));
  mesh->nt = end - start;
  PetscCall(PetscMalloc1(mesh->nt * (dim + 1), &mesh->vertex));
  for (PetscInt t = 0; t < mesh->nt; t++) {
    DMPolytopeType type;
    PetscInt       n;

    PetscCall(DMPlexGetCellType(dm, start + t, &type));
    PetscCheck(type == wanted, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has cells of another kind, %s instead of %s; %s", file, DMPolytopeTypes[type], DMPolytopeTypes[wanted], ADVICE);
    PetscCall(GetVertices(dm, start + t, &mesh->vertex[t * (dim + 1)], &n));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Marks the vertices of all points of a label that have the value; they must be simplices. Adds the number of these points to npoints. */
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
    PetscCall(GetVertices(dm, point[p], vertex, &n));
    for (PetscInt k = 0; k < n; k++) marked[vertex[k]] = PETSC_TRUE;
  }
  PetscCall(ISRestoreIndices(points, &point));
  PetscCall(ISDestroy(&points));
  *npoints += npts;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The sides that belong to one cell only */
static PetscErrorCode MarkBoundary(DM dm, PetscBool marked[])
{
  PetscInt npoints = 0;
  DMLabel  label;

  PetscFunctionBeginUser;
  PetscCall(DMCreateLabel(dm, "boundary"));
  PetscCall(DMGetLabel(dm, "boundary", &label));
  PetscCall(DMPlexMarkBoundaryFaces(dm, 1, label));
  PetscCall(MarkStratum(dm, "boundary", 1, marked, &npoints));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MarkPhysical(DM dm, const DataMeshOptions *opt, PetscBool marked[])
{
  static const char *const labels[] = {"Vertex Sets", "Edge Sets", "Face Sets", "Cell Sets"};
  PetscInt                 tag, npoints = 0;
  PetscErrorCode           failed;

  PetscFunctionBeginUser;
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  failed = PetscOptionsStringToInt(opt->fixed, &tag);
  PetscCall(PetscPopErrorHandler());
  PetscCheck(!failed, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "-data_mesh_dirichlet takes boundary, none, or the number of a physical group, not '%s'", opt->fixed);
  for (size_t l = 0; l < PETSC_STATIC_ARRAY_LENGTH(labels); l++) PetscCall(MarkStratum(dm, labels[l], tag, marked, &npoints));
  PetscCheck(npoints, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "Nothing in %s has the physical tag %" PetscInt_FMT "; the section $PhysicalNames lists those there are", opt->file, tag);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The vertices that -data_mesh_dirichlet names */
static PetscErrorCode GetFixed(DM dm, const DataMeshOptions *opt, DataMesh *mesh)
{
  PetscInt  nfree = 0;
  PetscBool boundary, none;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(mesh->nv, &mesh->fixed));
  PetscCall(PetscStrcmp(opt->fixed, "boundary", &boundary));
  PetscCall(PetscStrcmp(opt->fixed, "none", &none));
  if (boundary) PetscCall(MarkBoundary(dm, mesh->fixed));
  else if (!none) PetscCall(MarkPhysical(dm, opt, mesh->fixed));
  for (PetscInt v = 0; v < mesh->nv; v++) nfree += !mesh->fixed[v];
  PetscCheck(nfree, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "Every vertex of %s is a Dirichlet vertex; see -data_mesh_dirichlet", opt->file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Triangles or tetrahedra, by the dimension; the caller owns the arrays */
PetscErrorCode DataMeshRead(const DataMeshOptions *opt, PetscInt dim, DataMesh *mesh)
{
  DM       dm;
  PetscInt found;

  PetscFunctionBeginUser;
  PetscCall(Load(opt->file, &dm));
  PetscCall(DMGetDimension(dm, &found));
  PetscCheck(found == dim, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "The mesh in %s has dimension %" PetscInt_FMT ", not %" PetscInt_FMT "; %s", opt->file, found, dim, ADVICE);
  PetscCall(GetCoordinates(dm, mesh));
  PetscCall(GetCells(dm, opt->file, dim, mesh));
  PetscCall(GetFixed(dm, opt, mesh));
  PetscCall(DMDestroy(&dm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* fixed: (nv), owned by the caller */
PetscErrorCode TetMeshRead(const DataMeshOptions *opt, TetMesh *mesh, PetscBool **fixed)
{
  DataMesh read;

  PetscFunctionBeginUser;
  PetscCall(DataMeshRead(opt, 3, &read));
  *mesh  = (TetMesh){.nv = read.nv, .nt = read.nt, .x = read.x, .vertex = (PetscInt(*)[4])read.vertex, .flipped = PETSC_TRUE};
  *fixed = read.fixed;
  for (PetscInt t = 0; t < mesh->nt; t++) {
    PetscInt       *v = mesh->vertex[t];
    PetscReal       g[4][3];
    const PetscReal volume = TetGradients(mesh, t, g);

    PetscCheck(volume != 0, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has a tetrahedron without volume, number %" PetscInt_FMT "; mesh it again", opt->file, t + 1);
    if (volume < 0) {
      const PetscInt swap = v[2];

      v[2] = v[3];
      v[3] = swap;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
