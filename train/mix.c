/*
   mix: small matrices of many kinds, for a model that is to meet any: one element matrix on a box grid, or the Laplacian of a random graph. Dirichlet
   unknowns (some sides of a grid) are eliminated or made identity rows, and half of the matrices get a random order of the unknowns.
*/
#include "generate.h"

typedef struct {
  const char *name;
  PetscInt    dim;        /* of the grid; 0: a graph */
  PetscInt    components; /* unknowns of a node */
  PetscErrorCode (*element)(PetscRandom, const Grid *, PetscScalar *);
  PetscErrorCode (*coefficient)(PetscRandom, const Grid *, PetscReal[]); /* of each cell */
  PetscErrorCode (*graph)(PetscRandom, PetscInt, Mat *);
  PetscBool square; /* (A + c I)^2 in place of A */
} Kind;

/* Half of the time constant, else exp(s N(0, 1)), s < 1 */
static PetscErrorCode Noise(PetscRandom random, const Grid *grid, PetscReal coefficient[])
{
  PetscReal s;

  PetscFunctionBeginUser;
  PetscCall(DataRandomUniform(random, -1, 1, &s));
  for (PetscInt c = 0; c < GridCells(grid); c++) {
    PetscReal normal;

    PetscCall(DataRandomNormal(random, &normal));
    coefficient[c] = s > 0 ? PetscExpReal(s * normal) : 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The cells of a random box or half space */
static PetscErrorCode Part(PetscRandom random, const Grid *grid, PetscReal value, PetscReal coefficient[])
{
  PetscInt  box;
  PetscReal centre[3], normal[3], half;

  PetscFunctionBeginUser;
  PetscCall(DataRandomInt(random, 2, &box));
  PetscCall(DataRandomUniform(random, 0.1, 0.4, &half));
  for (int d = 0; d < 3; d++) {
    PetscCall(DataRandomUniform(random, 0, 1, &centre[d]));
    PetscCall(DataRandomNormal(random, &normal[d]));
  }
  for (PetscInt c = 0; c < GridCells(grid); c++) {
    PetscReal x[3], distance = 0, height = 0;

    GridPoint(grid, c, x);
    for (int d = 0; d < grid->dim; d++) {
      distance = PetscMax(distance, PetscAbsReal(x[d] - centre[d]));
      height += normal[d] * (x[d] - centre[d]);
    }
    if (box ? distance < half : height > 0) coefficient[c] = value;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 1, then one to six parts over one another; contrast up to 1e4 */
static PetscErrorCode Jumps(PetscRandom random, const Grid *grid, PetscReal coefficient[])
{
  PetscInt count;

  PetscFunctionBeginUser;
  for (PetscInt c = 0; c < GridCells(grid); c++) coefficient[c] = 1;
  PetscCall(DataRandomInt(random, 6, &count));
  for (PetscInt k = 0; k <= count; k++) {
    PetscReal value;

    PetscCall(DataRandomLogUniform(random, 1e-2, 1e2, &value));
    PetscCall(Part(random, grid, value, coefficient));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 5 or 7 points: 1 / h^2 along each axis */
static PetscErrorCode Star(PetscRandom random, const Grid *grid, PetscScalar *K)
{
  PetscReal w[8] = {0};

  PetscFunctionBeginUser;
  (void)random;
  for (int d = 0; d < grid->dim; d++) w[1 << d] = 1 / PetscSqr(grid->h[d]);
  GridStencil(grid, w, K);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 9 or 27 points: all couplings equal half of the time, else each at random */
static PetscErrorCode Full(PetscRandom random, const Grid *grid, PetscScalar *K)
{
  PetscReal w[8];
  PetscInt  equal;

  PetscFunctionBeginUser;
  PetscCall(DataRandomInt(random, 2, &equal));
  for (int mask = 0; mask < 8; mask++) PetscCall(DataRandomUniform(random, equal ? 1 : 0.1, 1, &w[mask]));
  GridStencil(grid, w, K);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -laplace u + mass u with multilinear elements */
static PetscErrorCode Isotropic(const Grid *grid, PetscReal mass, PetscScalar *K)
{
  const PetscReal D[3][3] = {
    {1, 0, 0},
    {0, 1, 0},
    {0, 0, 1}
  };

  PetscFunctionBeginUser;
  GridDiffusion(grid, D, mass, K);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode StarOrElement(PetscRandom random, const Grid *grid, PetscScalar *K)
{
  PetscInt star;

  PetscFunctionBeginUser;
  PetscCall(DataRandomInt(random, 2, &star));
  if (star) PetscCall(Star(random, grid, K));
  else PetscCall(Isotropic(grid, 0, K));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From stiffness, nearly alone, to mass, nearly alone: a cell has a volume of 1 or a few */
static PetscErrorCode Shifted(PetscRandom random, const Grid *grid, PetscScalar *K)
{
  PetscReal mass;

  PetscFunctionBeginUser;
  PetscCall(DataRandomLogUniform(random, 1e-4, 1e3, &mass));
  PetscCall(Isotropic(grid, mass, K));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* D = across I + (along - across) v v^T, v a random direction: one axis is strong, or, in 3-D as often, one is weak */
static PetscErrorCode Anisotropic(PetscRandom random, const Grid *grid, PetscScalar *K)
{
  PetscInt  strong;
  PetscReal ratio, v[3] = {0}, D[3][3], norm = 0;

  PetscFunctionBeginUser;
  PetscCall(DataRandomInt(random, 2, &strong));
  PetscCall(DataRandomLogUniform(random, 1e-3, 1, &ratio));
  for (int d = 0; d < grid->dim; d++) {
    PetscCall(DataRandomNormal(random, &v[d]));
    norm += v[d] * v[d];
  }
  for (int k = 0; k < 3; k++) {
    for (int l = 0; l < 3; l++) D[k][l] = (k == l ? (strong ? ratio : 1) : 0) + (strong ? 1 - ratio : ratio - 1) * (v[k] * v[l] / norm);
  }
  GridDiffusion(grid, D, 0, K);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Young's modulus 1, Poisson's ratio up to 0.45 */
static PetscErrorCode Elastic(PetscRandom random, const Grid *grid, PetscScalar *K)
{
  PetscReal nu;

  PetscFunctionBeginUser;
  PetscCall(DataRandomUniform(random, 0, 0.45, &nu));
  GridElasticity(grid, nu / ((1 + nu) * (1 - 2 * nu)), 0.5 / (1 + nu), K);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const Kind kinds[] = {
  {.name = "5-point",        .dim = 2, .components = 1, .element = Star,          .coefficient = Noise                      },
  {.name = "7-point",        .dim = 3, .components = 1, .element = Star,          .coefficient = Noise                      },
  {.name = "9-point",        .dim = 2, .components = 1, .element = Full,          .coefficient = Noise                      },
  {.name = "27-point",       .dim = 3, .components = 1, .element = Full,          .coefficient = Noise                      },
  {.name = "anisotropic-2d", .dim = 2, .components = 1, .element = Anisotropic,   .coefficient = Noise                      },
  {.name = "anisotropic-3d", .dim = 3, .components = 1, .element = Anisotropic,   .coefficient = Noise                      },
  {.name = "jumps-2d",       .dim = 2, .components = 1, .element = StarOrElement, .coefficient = Jumps                      },
  {.name = "jumps-3d",       .dim = 3, .components = 1, .element = StarOrElement, .coefficient = Jumps                      },
  {.name = "geometric",      .graph = GraphGeometric                                                                        },
  {.name = "hubs",           .graph = GraphHubs                                                                             },
  {.name = "small-world",    .graph = GraphSmallWorld                                                                       },
  {.name = "mass-2d",        .dim = 2, .components = 1, .element = Shifted,       .coefficient = Noise                      },
  {.name = "mass-3d",        .dim = 3, .components = 1, .element = Shifted,       .coefficient = Noise                      },
  {.name = "biharmonic",     .dim = 2, .components = 1, .element = Star,          .coefficient = Noise, .square = PETSC_TRUE},
  {.name = "elasticity-2d",  .dim = 2, .components = 2, .element = Elastic,       .coefficient = Noise                      },
  {.name = "elasticity-3d",  .dim = 3, .components = 3, .element = Elastic,       .coefficient = Noise                      },
};
#define NKINDS ((PetscInt)PETSC_STATIC_ARRAY_LENGTH(kinds))

/* (A + c I)^2, c of the size of a small to large step: a Laplacian becomes 13-point */
static PetscErrorCode Square(PetscRandom random, Mat *A)
{
  PetscReal c;
  Mat       square;

  PetscFunctionBeginUser;
  PetscCall(DataRandomLogUniform(random, 1e-3, 1, &c));
  PetscCall(MatShift(*A, c));
  PetscCall(MatMatMult(*A, *A, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &square));
  PetscCall(MatDestroy(A));
  *A = square;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GridMatrix(const Kind *kind, PetscRandom random, PetscInt n, Mat *A, PetscBool **dirichlet)
{
  Grid        grid;
  PetscReal  *coefficient;
  PetscScalar K[GRID_MAX_ELEMENT * GRID_MAX_ELEMENT];

  PetscFunctionBeginUser;
  PetscCall(GridCreate(random, kind->dim, n / kind->components, &grid));
  PetscCall(PetscMalloc1(GridCells(&grid), &coefficient));
  PetscCall(kind->coefficient(random, &grid, coefficient));
  PetscCall(kind->element(random, &grid, K));
  PetscCall(GridAssemble(&grid, kind->components, K, coefficient, A));
  PetscCall(PetscFree(coefficient));
  if (kind->square) PetscCall(Square(random, A));
  PetscCall(PetscMalloc1(grid.n * kind->components, dirichlet));
  PetscCall(GridSides(random, &grid, kind->components, *dirichlet));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rows to keep, in an order of their own half of the time; Dirichlet rows are not kept, or turned into identity rows. dirichlet may be NULL */
static PetscErrorCode Finish(PetscRandom random, const PetscBool dirichlet[], Mat *A)
{
  PetscInt n, identity, shuffle, nkeep = 0, nfixed = 0, *order, *keep, *fixed;
  IS       is;
  Mat      kept;

  PetscFunctionBeginUser;
  PetscCall(DataRandomInt(random, 2, &identity));
  PetscCall(DataRandomInt(random, 2, &shuffle));
  PetscCall(MatGetSize(*A, &n, NULL));
  PetscCall(PetscMalloc3(n, &order, n, &keep, n, &fixed));
  PetscCall(DataRandomPermutation(random, n, order));
  for (PetscInt k = 0; k < n; k++) {
    const PetscInt row = shuffle ? order[k] : k;

    if (dirichlet && dirichlet[row]) fixed[nfixed++] = row;
    if (!dirichlet || !dirichlet[row] || identity) keep[nkeep++] = row;
  }
  if (identity) PetscCall(MatZeroRowsColumns(*A, nfixed, fixed, 1, NULL, NULL));
  PetscCall(ISCreateGeneral(PETSC_COMM_SELF, nkeep, keep, PETSC_COPY_VALUES, &is));
  PetscCall(MatCreateSubMatrix(*A, is, is, MAT_INITIAL_MATRIX, &kept));
  PetscCall(ISDestroy(&is));
  PetscCall(PetscFree3(order, keep, fixed));
  PetscCall(MatDestroy(A));
  *A = kept;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* kind < 0: a random one; note = the name of the one it is */
static PetscErrorCode MixMatrix(PetscInt kind, PetscInt n, PetscInt seed, const char **note, Mat *A)
{
  PetscRandom random;
  PetscInt    drawn;
  PetscBool  *dirichlet = NULL;

  PetscFunctionBeginUser;
  PetscCall(DataRandomCreate(seed, &random));
  PetscCall(DataRandomInt(random, NKINDS, &drawn));
  if (kind < 0) kind = drawn;
  *note = kinds[kind].name;
  if (kinds[kind].graph) PetscCall(kinds[kind].graph(random, n, A));
  else PetscCall(GridMatrix(&kinds[kind], random, n, A, &dirichlet));
  PetscCall(Finish(random, dirichlet, A));
  PetscCall(PetscFree(dirichlet));
  PetscCall(PetscRandomDestroy(&random));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DataMix(void)
{
  DataOptions opt  = {.count = 16};
  PetscInt    n    = 700, kind = 0;
  PetscBool   given, proceed;
  const char *names[NKINDS];

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < NKINDS; k++) names[k] = kinds[k].name;
  PetscOptionsBegin(PETSC_COMM_SELF, NULL, "gnnspai-data mix: matrices of many kinds; matrix k has seed -data_seed + k and is numbered by it", NULL);
  PetscCall(PetscOptionsRangeInt("-data_n", "Unknowns, about, before Dirichlet ones are eliminated", NULL, n, &n, NULL, 64, 1000000));
  PetscCall(PetscOptionsEList("-data_kind", "Make this kind, not a random one for each matrix", NULL, names, NKINDS, "random", &kind, &given));
  PetscCall(DataSetFromOptions(PetscOptionsObject, &opt));
  PetscOptionsEnd();
  PetscCall(DataCheckOptions("mix", &opt, &proceed));
  for (PetscInt seed = opt.seed; proceed && seed < opt.seed + opt.count; seed++) {
    Mat A;

    PetscCall(MixMatrix(given ? kind : -1, n, seed, &opt.note, &A));
    PetscCall(DataWrite(&opt, seed, A));
    PetscCall(MatDestroy(&A));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
