/*
   heat: A = L + 1e-4 M, linear elements for -div(k grad u) on tetrahedra, natural boundary, M the lumped mass; the "heat" problem of
   arXiv 2510.27517 with our own meshes. k is a Gaussian random field, rescaled to [0.01, 1]. A mesh of the user's is scaled to volume 1, as our own are,
   and has Dirichlet vertices, as identity rows.
*/
#include "generate.h"

#define MASS        1e-4
#define LOW_K       0.01
#define NMODES      32   /* random Fourier features of the field */
#define MIN_QUALITY 0.02 /* of a flipped tetrahedron, as a share of its volume before */
#define NEARBY      15   /* vertices within one edge of a vertex of a Kuhn mesh, itself included; flips make it more for some */

/* Adds sqrt(2/NMODES) sum_m cos(w_m . x + phase_m), w_m ~ N(0, 1/length^2): about a Gaussian field of covariance exp(-r^2/(2 length^2)) */
static PetscErrorCode AddSmoothField(PetscRandom random, const TetMesh *mesh, PetscReal length, PetscReal k[])
{
  const PetscReal amplitude = PetscSqrtReal(2. / NMODES);

  PetscFunctionBeginUser;
  for (int m = 0; m < NMODES; m++) {
    PetscReal w[3], phase;

    for (int d = 0; d < 3; d++) {
      PetscCall(DataRandomNormal(random, &w[d]));
      w[d] /= length;
    }
    PetscCall(DataRandomUniform(random, 0, 2 * PETSC_PI, &phase));
    for (PetscInt v = 0; v < mesh->nv; v++) {
      const PetscReal *x = mesh->x[v];

      k[v] += amplitude * PetscCosReal(w[0] * x[0] + w[1] * x[1] + w[2] * x[2] + phase);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddNoise(PetscRandom random, PetscInt n, PetscReal weight, PetscReal k[])
{
  PetscFunctionBeginUser;
  for (PetscInt v = 0; v < n; v++) {
    PetscReal normal;

    PetscCall(DataRandomNormal(random, &normal));
    k[v] += weight * normal;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rescales linearly to [LOW_K, 1] */
static void Rescale(PetscInt n, PetscReal k[])
{
  PetscReal low = k[0], high = k[0];

  for (PetscInt v = 0; v < n; v++) {
    low  = PetscMin(low, k[v]);
    high = PetscMax(high, k[v]);
  }
  for (PetscInt v = 0; v < n; v++) k[v] = LOW_K + (1 - LOW_K) * (k[v] - low) / (high - low);
}

/* Diffusivity at the vertices; correlation length log-uniform between 1/10 and 1/2 of the domain, up to half as much noise as field */
static PetscErrorCode RandomDiffusivity(PetscRandom random, const TetMesh *mesh, PetscReal k[])
{
  PetscReal loglength, weight;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(k, mesh->nv));
  PetscCall(DataRandomUniform(random, PetscLogReal(0.1), PetscLogReal(0.5), &loglength));
  PetscCall(DataRandomUniform(random, 0, 0.5, &weight));
  PetscCall(AddSmoothField(random, mesh, PetscExpReal(loglength), k));
  PetscCall(AddNoise(random, mesh->nv, weight, k));
  Rescale(mesh->nv, k);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a_ij and a_ji get the same terms in the same order, so A is symmetric to the last bit */
static PetscErrorCode AssembleHeat(const TetMesh *mesh, const PetscReal k[], Mat *A)
{
  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, mesh->nv, mesh->nv, mesh->flipped ? 3 * NEARBY : NEARBY, NULL, A));
  PetscCall(MatSetOption(*A, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  for (PetscInt t = 0; t < mesh->nt; t++) {
    const PetscInt *v  = mesh->vertex[t];
    const PetscReal kt = (k[v[0]] + k[v[1]] + k[v[2]] + k[v[3]]) / 4;
    PetscScalar     K[4][4];
    const PetscReal volume = TetStiffness(mesh, t, K);

    for (int a = 0; a < 4; a++) {
      for (int b = 0; b < 4; b++) K[a][b] *= kt;
      K[a][a] += MASS * volume / 4;
    }
    PetscCall(MatSetValues(*A, 4, v, 4, v, &K[0][0], ADD_VALUES));
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void ScaleToVolume1(TetMesh *mesh)
{
  PetscReal volume = 0, g[4][3];

  for (PetscInt t = 0; t < mesh->nt; t++) volume += TetGradients(mesh, t, g);
  for (PetscInt v = 0; v < mesh->nv; v++) {
    for (int d = 0; d < 3; d++) mesh->x[v][d] /= PetscPowReal(volume, 1. / 3);
  }
}

/* What arXiv 2510.27517 gives the network beside the matrix: coordinates and diffusivity of each vertex */
static PetscErrorCode HeatFeatures(const TetMesh *mesh, const PetscReal k[], Vec *features)
{
  PetscScalar *array;

  PetscFunctionBeginUser;
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, 4 * mesh->nv, features));
  PetscCall(VecSetBlockSize(*features, 4));
  PetscCall(VecGetArrayWrite(*features, &array));
  for (PetscInt v = 0; v < mesh->nv; v++) {
    for (int d = 0; d < 3; d++) array[4 * v + d] = mesh->x[v][d];
    array[4 * v + 3] = k[v];
  }
  PetscCall(VecRestoreArrayWrite(*features, &array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On the user's mesh, or one of about n vertices; the features only if they are wanted */
static PetscErrorCode HeatMatrix(PetscInt n, const DataMeshOptions *file, PetscInt seed, PetscReal flips, Mat *A, PetscBool wanted, Vec *features)
{
  PetscRandom random;
  TetMesh     mesh;
  PetscReal  *k;
  PetscBool  *fixed = NULL;

  PetscFunctionBeginUser;
  PetscCall(DataRandomCreate(seed, &random));
  if (*file->file) {
    PetscCall(TetMeshRead(file, &mesh, &fixed));
    ScaleToVolume1(&mesh);
  } else {
    PetscCall(TetMeshCreateBox(random, n, &mesh));
    for (PetscReal left = flips; left > 0; left -= 1) PetscCall(TetMeshFlip(random, PetscMin(left, 1), MIN_QUALITY, &mesh));
  }
  PetscCall(PetscMalloc1(mesh.nv, &k));
  PetscCall(RandomDiffusivity(random, &mesh, k));
  PetscCall(AssembleHeat(&mesh, k, A));
  *features = NULL;
  if (wanted) PetscCall(HeatFeatures(&mesh, k, features));
  if (fixed) PetscCall(DataMatFix(*A, fixed));
  PetscCall(DataNumber(file, mesh.nv, mesh.number, A, *features));
  PetscCall(PetscFree(fixed));
  PetscCall(PetscFree(k));
  PetscCall(TetMeshDestroy(&mesh));
  PetscCall(PetscRandomDestroy(&random));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DataHeat(void)
{
  DataOptions     opt = {.count = 1};
  DataMeshOptions mesh;
  PetscInt        n     = 6300;
  PetscReal       flips = 0;
  PetscBool       proceed, wanted = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscOptionsBegin(PETSC_COMM_SELF, NULL, "gnnspai-data heat: diffusion on 3-D tetrahedra; matrix k has seed -data_seed + k and is numbered by it", NULL);
  PetscCall(PetscOptionsRangeInt("-data_n", "Unknowns, about", NULL, n, &n, NULL, 64, 100000000));
  PetscCall(PetscOptionsReal("-data_flips", "Passes of random flips that make the mesh irregular; a fraction: the probability of a face in the last pass", NULL, flips, &flips, NULL));
  PetscCall(PetscOptionsBool("-data_features", "Write coordinates and diffusivity of the vertices to FILE.features, for models that read user:4", NULL, wanted, &wanted, NULL));
  PetscCall(DataMeshSetFromOptions(PetscOptionsObject, &mesh));
  PetscCall(DataSetFromOptions(PetscOptionsObject, &opt));
  PetscOptionsEnd();
  PetscCall(DataCheckOptions("heat", &opt, &proceed));
  for (PetscInt seed = opt.seed; proceed && seed < opt.seed + opt.count; seed++) {
    Mat A;
    Vec features;

    PetscCall(HeatMatrix(n, &mesh, seed, flips, &A, wanted, &features));
    PetscCall(DataWrite(&opt, seed, A));
    PetscCall(DataWriteFeatures(&opt, seed, features));
    PetscCall(MatDestroy(&A));
    PetscCall(VecDestroy(&features));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
