/*
   hyperelasticity: one implicit Euler step of a beam of neo-Hookean tetrahedra, A = M + dt^2 H with the lumped mass M and the Hessian H of the elastic
   energy in a twisted, stretched or bent state, made semidefinite element by element; the "hyperelasticity" problem of arXiv 2510.27517 with our own
   beams. Three unknowns a vertex, full 3 x 3 blocks; the vertices of both ends are clamped, as identity rows and columns in the same pattern. A mesh of
   the user's, in metres, is deformed as a beam along its first axis.
*/
#include "generate.h"
#include <petscblaslapack.h>

#define YOUNG       3e6
#define POISSON     0.4
#define DENSITY     1000.
#define TIME_STEP   0.01
#define CELL        (1. / 16) /* the side of a cell: a small beam is a piece of a large one */
#define ASPECT      4         /* length : width, about */
#define HIGH_JITTER 0.15      /* of the cell, each way; a beam has its own below */
#define MIN_J       0.2       /* least volume of a deformed element over its volume at rest */
#define NEARBY      15        /* vertices within one edge of a vertex of a Kuhn mesh, itself included */

/* |F|, and T = F^-T */
static PetscReal InverseTranspose(const PetscReal F[3][3], PetscReal T[3][3])
{
  PetscReal J = 0;

  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      const int i1 = (i + 1) % 3, i2 = (i + 2) % 3, j1 = (j + 1) % 3, j2 = (j + 2) % 3;

      T[i][j] = F[i1][j1] * F[i2][j2] - F[i1][j2] * F[i2][j1];
    }
  }
  for (int j = 0; j < 3; j++) J += F[0][j] * T[0][j];
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) T[i][j] /= J;
  }
  return J;
}

/*
   Energy mu/2 (F:F - 3) - mu log J + lambda/2 (log J)^2, J = |F| > 0. With T = F^-T its second derivatives are
   H_(ij)(kl) = mu delta_ik delta_jl + (mu - lambda log J) T_il T_kj + lambda T_ij T_kl, row 3 i + j, column 3 k + l.
*/
void NeoHookeanHessian(const PetscReal F[3][3], PetscReal mu, PetscReal lambda, PetscScalar H[81])
{
  PetscReal       T[3][3];
  const PetscReal factor = mu - lambda * PetscLogReal(InverseTranspose(F, T));

  for (int p = 0; p < 9; p++) {
    for (int q = 0; q <= p; q++) {
      const int i = p / 3, j = p % 3, k = q / 3, l = q % 3;

      H[9 * p + q] = H[9 * q + p] = mu * (p == q) + factor * T[i][l] * T[k][j] + lambda * T[i][j] * T[k][l];
    }
  }
}

/* The symmetric 9 x 9 matrix H = sum lambda v v^T loses the terms with lambda < 0, and stays as it is to the last bit if there are none */
PetscErrorCode ProjectSemidefinite(PetscScalar H[81])
{
  PetscScalar  V[81], work[128];
  PetscReal    lambda[9]; /* ascending */
  PetscBLASInt n = 9, lwork = PETSC_STATIC_ARRAY_LENGTH(work), info;

  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(V, H, 81));
  PetscCallBLAS("LAPACKsyev", LAPACKsyev_("V", "L", &n, V, &n, lambda, work, &lwork, &info));
  PetscCheck(info == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "LAPACK's syev failed: info %d", (int)info);
  for (int m = 0; m < 9 && lambda[m] < 0; m++) {
    const PetscScalar *v = &V[9 * m];

    for (int p = 0; p < 9; p++) {
      for (int q = 0; q < 9; q++) H[9 * p + q] -= lambda[m] * (v[p] * v[q]);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The states of a bar along the first axis through 0. rate: strain / half its width; to: where x goes */
static void Twist(PetscReal strain, PetscReal rate, const PetscReal x[3], PetscReal to[3])
{
  const PetscReal c = PetscCosReal(rate * x[0]), s = PetscSinReal(rate * x[0]);

  (void)strain;
  to[0] = x[0];
  to[1] = c * x[1] - s * x[2];
  to[2] = s * x[1] + c * x[2];
}

static void Stretch(PetscReal strain, PetscReal rate, const PetscReal x[3], PetscReal to[3])
{
  const PetscReal width = PetscPowReal(1 + strain, -POISSON);

  (void)rate;
  to[0] = (1 + strain) * x[0];
  to[1] = width * x[1];
  to[2] = width * x[2];
}

/* The axis on a circle of radius 1 / rate */
static void Bend(PetscReal strain, PetscReal rate, const PetscReal x[3], PetscReal to[3])
{
  const PetscReal r = 1 / rate - x[1];

  (void)strain;
  to[0] = r * PetscSinReal(rate * x[0]);
  to[1] = 1 / rate - r * PetscCosReal(rate * x[0]);
  to[2] = x[2];
}

#define NSTATES 3
static const char *const kinds[NSTATES + 1] = {"twisted", "stretched", "bent", "all"};
static const struct {
  void (*apply)(PetscReal, PetscReal, const PetscReal[3], PetscReal[3]);
  PetscReal low, high; /* strain */
} states[NSTATES] = {
  {Twist,   0.2, 0.6 },
  {Stretch, 0.1, 0.6 },
  {Bend,    0.1, 0.35}
};

static PetscReal MinJ(const TetMesh *mesh, const TetMesh *moved)
{
  PetscReal low = PETSC_MAX_REAL;

  for (PetscInt t = 0; t < mesh->nt; t++) {
    PetscReal       g[4][3];
    const PetscReal volume = TetGradients(mesh, t, g);

    low = PetscMin(low, TetGradients(moved, t, g) / volume);
  }
  return low;
}

/* Moves the vertices x of a mesh, the strain weakened until no element is too small */
static PetscErrorCode Deform(PetscRandom random, PetscInt kind, const TetMesh *mesh, PetscReal (*x)[3])
{
  const TetMesh moved = {.nv = mesh->nv, .nt = mesh->nt, .x = x, .vertex = mesh->vertex};
  PetscReal     low[3], high[3], strain, angle;

  PetscFunctionBeginUser;
  TetMeshBounds(mesh, low, high);
  PetscCall(DataRandomUniform(random, states[kind].low, states[kind].high, &strain));
  PetscCall(DataRandomUniform(random, 0, 2 * PETSC_PI, &angle));
  for (;; strain *= 0.8) {
    const PetscReal rate = 4 * strain / (high[1] - low[1] + high[2] - low[2]), c = PetscCosReal(angle), s = PetscSinReal(angle);

    for (PetscInt v = 0; v < mesh->nv; v++) { /* about the axis through the middle, turned by the angle and back */
      PetscReal r[3], to[3];

      for (int d = 0; d < 3; d++) r[d] = mesh->x[v][d] - 0.5 * (low[d] + high[d]);
      states[kind].apply(strain, rate, (const PetscReal[3]){r[0], c * r[1] + s * r[2], c * r[2] - s * r[1]}, to);
      x[v][0] = to[0];
      x[v][1] = c * to[1] - s * to[2];
      x[v][2] = s * to[1] + c * to[2];
    }
    if (MinJ(mesh, &moved) >= MIN_J) break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* K_(a,i)(b,k) = dt^2 volume sum_jl g_a,j H_(ij)(kl) g_b,l plus the lumped mass; g_a the gradient of corner a's shape function at rest, F = sum_a x_a g_a^T */
static PetscErrorCode ElementMatrix(const TetMesh *mesh, PetscInt t, PetscReal (*x)[3], PetscScalar K[12][12])
{
  const PetscReal mu = YOUNG / (2 * (1 + POISSON)), lambda = YOUNG * POISSON / ((1 + POISSON) * (1 - 2 * POISSON));
  PetscReal       g[4][3], F[3][3];
  PetscScalar     H[81];
  const PetscReal volume = TetGradients(mesh, t, g), scale = TIME_STEP * TIME_STEP * volume;

  PetscFunctionBeginUser;
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      F[i][j] = 0;
      for (int a = 0; a < 4; a++) F[i][j] += x[mesh->vertex[t][a]][i] * g[a][j];
    }
  }
  NeoHookeanHessian((const PetscReal(*)[3])F, mu, lambda, H);
  PetscCall(ProjectSemidefinite(H));
  for (int p = 0; p < 12; p++) {
    for (int q = 0; q <= p; q++) {
      const int   a = p / 3, i = p % 3, b = q / 3, k = q % 3;
      PetscScalar sum = 0;

      for (int j = 0; j < 3; j++) {
        for (int l = 0; l < 3; l++) sum += g[a][j] * H[9 * (3 * i + j) + 3 * k + l] * g[b][l];
      }
      K[p][q] = K[q][p] = scale * sum;
    }
    K[p][p] += DENSITY * volume / 4;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a_ij and a_ji get the same terms in the same order, so A is symmetric to the last bit */
static PetscErrorCode Assemble(const TetMesh *mesh, PetscReal (*x)[3], Mat *A)
{
  PetscFunctionBeginUser;
  PetscCall(DataMatCreate(3 * mesh->nv, 3 * NEARBY, A));
  PetscCall(MatSetBlockSize(*A, 3));
  for (PetscInt t = 0; t < mesh->nt; t++) {
    PetscScalar K[12][12];

    PetscCall(ElementMatrix(mesh, t, x, K));
    PetscCall(MatSetValuesBlocked(*A, 4, mesh->vertex[t], 4, mesh->vertex[t], &K[0][0], ADD_VALUES));
  }
  PetscCall(DataMatAssemble(*A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* About n / 3 vertices: c x c cells across, ASPECT c^3 in all, (ASPECT c + 1)(c + 1)^2 vertices = about ASPECT (c + 3/4)^3, and the length for the rest */
static PetscErrorCode BeamCreate(PetscRandom random, PetscInt n, TetMesh *mesh, PetscBool **clamped)
{
  const PetscReal jitter[2] = {0, HIGH_JITTER}, h[3] = {CELL, CELL, CELL};
  const PetscInt  width = 1 + PetscMax(1, (PetscInt)(PetscPowReal(n / (3. * ASPECT), 1. / 3) - 0.25));
  const PetscInt  m[3]  = {(n + 3 * width * width / 2) / (3 * width * width), width, width};
  PetscReal       low[3], high[3];

  PetscFunctionBeginUser;
  PetscCall(TetMeshCreateGrid(random, m, h, jitter, 0, mesh));
  TetMeshBounds(mesh, low, high);
  PetscCall(PetscMalloc1(mesh->nv, clamped));
  for (PetscInt v = 0; v < mesh->nv; v++) (*clamped)[v] = (mesh->x[v][0] == low[0] || mesh->x[v][0] == high[0]) ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the user's mesh, or a beam of about n unknowns; kind: index of the state */
PetscErrorCode BeamMatrix(PetscInt seed, PetscInt n, const DataMeshOptions *file, PetscInt kind, Mat *A)
{
  PetscRandom random;
  TetMesh     mesh;
  PetscBool  *clamped;
  PetscReal(*x)[3];

  PetscFunctionBeginUser;
  PetscCall(DataRandomCreate(seed, &random));
  if (*file->file) PetscCall(TetMeshRead(file, &mesh, &clamped));
  else PetscCall(BeamCreate(random, n, &mesh, &clamped));
  PetscCall(PetscMalloc1(mesh.nv, &x));
  PetscCall(Deform(random, kind, &mesh, x));
  PetscCall(Assemble(&mesh, x, A));
  PetscCall(DataMatFix(*A, clamped));
  PetscCall(DataNumber(file, mesh.nv, mesh.number, A, NULL));
  PetscCall(PetscFree(clamped));
  PetscCall(PetscFree(x));
  PetscCall(TetMeshDestroy(&mesh));
  PetscCall(PetscRandomDestroy(&random));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DataHyperelasticity(void)
{
  DataOptions     opt = {.count = 1};
  DataMeshOptions mesh;
  PetscInt        n = 56355, given = NSTATES;
  PetscBool       proceed;

  PetscFunctionBeginUser;
  PetscOptionsBegin(PETSC_COMM_SELF, NULL, "gnnspai-data hyperelasticity: a deformed neo-Hookean beam, 3 unknowns a vertex; matrix k has seed -data_seed + k and is numbered by it", NULL);
  PetscCall(PetscOptionsRangeInt("-data_n", "Unknowns, about; 56355: 64 x 16 x 16 cells", NULL, n, &n, NULL, 135, 100000000));
  PetscCall(PetscOptionsEList("-data_kind", "State of the beam; all: by turns", NULL, kinds, NSTATES + 1, kinds[given], &given, NULL));
  PetscCall(DataMeshSetFromOptions(PetscOptionsObject, &mesh));
  PetscCall(DataSetFromOptions(PetscOptionsObject, &opt));
  PetscOptionsEnd();
  PetscCall(DataCheckOptions("hyperelasticity", &opt, &proceed));
  for (PetscInt seed = opt.seed; proceed && seed < opt.seed + opt.count; seed++) {
    const PetscInt kind = given == NSTATES ? seed % NSTATES : given;
    Mat            A;

    PetscCall(BeamMatrix(seed, n, &mesh, kind, &A));
    opt.note = kinds[kind];
    PetscCall(DataWrite(&opt, seed, A));
    PetscCall(MatDestroy(&A));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
