/*
   mix: small matrices of many kinds, for a model that is to meet any: one element matrix on a box grid, or the Laplacian of a random graph. Dirichlet
   unknowns (some sides of a grid) are eliminated or made identity rows, and half of the matrices get a random order of the unknowns.

   With blocks of size b: elasticity in b dimensions, and b fields on any scalar kind, A x K + I x C with small random K and C, the fields coupled by
   diffusion and reaction. Blocks are full, and whole nodes are ordered, eliminated or made identity rows.
*/
#include "generate.h"

#define MAX_BLOCK 8

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
  const PetscReal D[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};

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
  {.name = "5-point", .dim = 2, .components = 1, .element = Star, .coefficient = Noise},
  {.name = "7-point", .dim = 3, .components = 1, .element = Star, .coefficient = Noise},
  {.name = "9-point", .dim = 2, .components = 1, .element = Full, .coefficient = Noise},
  {.name = "27-point", .dim = 3, .components = 1, .element = Full, .coefficient = Noise},
  {.name = "anisotropic-2d", .dim = 2, .components = 1, .element = Anisotropic, .coefficient = Noise},
  {.name = "anisotropic-3d", .dim = 3, .components = 1, .element = Anisotropic, .coefficient = Noise},
  {.name = "jumps-2d", .dim = 2, .components = 1, .element = StarOrElement, .coefficient = Jumps},
  {.name = "jumps-3d", .dim = 3, .components = 1, .element = StarOrElement, .coefficient = Jumps},
  {.name = "geometric", .components = 1, .graph = GraphGeometric},
  {.name = "hubs", .components = 1, .graph = GraphHubs},
  {.name = "small-world", .components = 1, .graph = GraphSmallWorld},
  {.name = "mass-2d", .dim = 2, .components = 1, .element = Shifted, .coefficient = Noise},
  {.name = "mass-3d", .dim = 3, .components = 1, .element = Shifted, .coefficient = Noise},
  {.name = "biharmonic", .dim = 2, .components = 1, .element = Star, .coefficient = Noise, .square = PETSC_TRUE},
  {.name = "elasticity-2d", .dim = 2, .components = 2, .element = Elastic, .coefficient = Noise},
  {.name = "elasticity-3d", .dim = 3, .components = 3, .element = Elastic, .coefficient = Noise},
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

/* b x b, row by row: R R^T/b + 0.1 I, entries of R normal */
static PetscErrorCode RandomDefinite(PetscRandom random, PetscInt b, PetscScalar K[])
{
  PetscReal R[MAX_BLOCK * MAX_BLOCK];

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < b * b; k++) PetscCall(DataRandomNormal(random, &R[k]));
  for (PetscInt r = 0; r < b; r++) {
    for (PetscInt c = 0; c <= r; c++) {
      PetscReal sum = r == c ? 0.1 : 0;

      for (PetscInt k = 0; k < b; k++) sum += R[r * b + k] * R[c * b + k] / b;
      K[r * b + c] = K[c * b + r] = sum;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A becomes A x K + I x C; C is of the size of the mean diagonal entry, or much smaller */
static PetscErrorCode CoupleFields(PetscRandom random, PetscInt b, Mat *A)
{
  PetscInt    n, row[MAX_BLOCK];
  PetscReal   reaction;
  PetscScalar K[MAX_BLOCK * MAX_BLOCK], C[MAX_BLOCK * MAX_BLOCK], trace;
  Mat         fields, product;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(*A, &n, NULL));
  PetscCall(MatGetTrace(*A, &trace));
  PetscCall(DataRandomLogUniform(random, 1e-4, 1, &reaction));
  PetscCall(RandomDefinite(random, b, K));
  PetscCall(RandomDefinite(random, b, C));
  for (PetscInt k = 0; k < b * b; k++) C[k] *= reaction * trace / n;
  for (PetscInt k = 0; k < b; k++) row[k] = k;
  PetscCall(DataMatCreate(b, b, &fields));
  PetscCall(MatSetValues(fields, b, row, b, row, K, INSERT_VALUES));
  PetscCall(DataMatAssemble(fields));
  PetscCall(MatSeqAIJKron(*A, fields, MAT_INITIAL_MATRIX, &product));
  PetscCall(MatDestroy(&fields));
  PetscCall(MatDestroy(A));
  *A = product;
  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt k = 0; k < b; k++) row[k] = i * b + k;
    PetscCall(MatSetValues(*A, b, row, b, row, C, ADD_VALUES));
  }
  PetscCall(DataMatAssemble(*A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* n nodes or so, blocks of the kind's unknowns full or not; dirichlet: of unknowns, before any coupling of fields */
static PetscErrorCode GridMatrix(const Kind *kind, PetscRandom random, PetscInt n, PetscBool full, Mat *A, PetscBool **dirichlet)
{
  Grid        grid;
  PetscReal  *coefficient;
  PetscScalar K[GRID_MAX_ELEMENT * GRID_MAX_ELEMENT];

  PetscFunctionBeginUser;
  PetscCall(GridCreate(random, kind->dim, n, &grid));
  PetscCall(PetscMalloc1(GridCells(&grid), &coefficient));
  PetscCall(kind->coefficient(random, &grid, coefficient));
  PetscCall(kind->element(random, &grid, K));
  PetscCall(GridAssemble(&grid, kind->components, full, K, coefficient, A));
  PetscCall(PetscFree(coefficient));
  if (kind->square) PetscCall(Square(random, A));
  PetscCall(PetscMalloc1(grid.n * kind->components, dirichlet));
  PetscCall(GridSides(random, &grid, kind->components, *dirichlet));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The block rows to keep, in an order of their own half of the time; Dirichlet ones are not kept, or turned into identity rows. Block row k is
   one if dirichlet[k stride] says so, dirichlet may be NULL */
static PetscErrorCode Finish(PetscRandom random, PetscInt b, const PetscBool dirichlet[], PetscInt stride, Mat *A)
{
  PetscInt   n, identity, shuffle, nkeep = 0, *order, *keep;
  PetscBool *fixed;
  IS         is;
  Mat        kept;

  PetscFunctionBeginUser;
  PetscCall(DataRandomInt(random, 2, &identity));
  PetscCall(DataRandomInt(random, 2, &shuffle));
  PetscCall(MatSetBlockSize(*A, b));
  PetscCall(MatGetSize(*A, &n, NULL));
  n /= b;
  PetscCall(PetscMalloc3(n, &order, n, &keep, n, &fixed));
  PetscCall(DataRandomPermutation(random, n, order));
  for (PetscInt k = 0; k < n; k++) fixed[k] = dirichlet && dirichlet[k * stride] ? PETSC_TRUE : PETSC_FALSE;
  for (PetscInt k = 0; k < n; k++) {
    const PetscInt row = shuffle ? order[k] : k;

    if (!fixed[row] || identity) keep[nkeep++] = row;
  }
  if (identity) PetscCall(DataMatFix(*A, fixed));
  PetscCall(ISCreateBlock(PETSC_COMM_SELF, b, nkeep, keep, PETSC_COPY_VALUES, &is));
  PetscCall(MatCreateSubMatrix(*A, is, is, MAT_INITIAL_MATRIX, &kept));
  PetscCall(MatSetBlockSize(kept, b));
  PetscCall(ISDestroy(&is));
  PetscCall(PetscFree3(order, keep, fixed));
  PetscCall(MatDestroy(A));
  *A = kept;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Can the kind have blocks of size b: are there as many unknowns at a node, or is there one, of which b fields are made? */
static PetscBool KindHasBlocks(const Kind *kind, PetscInt b)
{
  return b == 1 || kind->components == b || kind->components == 1 ? PETSC_TRUE : PETSC_FALSE;
}

/* kind < 0: a random one; note = the name of the one it is */
static PetscErrorCode MixMatrix(PetscInt kind, PetscInt n, PetscInt b, PetscInt seed, const char **note, Mat *A)
{
  PetscRandom random;
  PetscInt    drawn, components;
  PetscBool  *dirichlet = NULL;

  PetscFunctionBeginUser;
  PetscCall(DataRandomCreate(seed, &random));
  do PetscCall(DataRandomInt(random, NKINDS, &drawn));
  while (!KindHasBlocks(&kinds[drawn], b));
  if (kind < 0) kind = drawn;
  *note      = kinds[kind].name;
  components = PetscMax(kinds[kind].components, b); /* unknowns of a node in the end */
  if (kinds[kind].graph) PetscCall(kinds[kind].graph(random, n / components, A));
  else PetscCall(GridMatrix(&kinds[kind], random, n / components, b > 1 && kinds[kind].components == b ? PETSC_TRUE : PETSC_FALSE, A, &dirichlet));
  if (kinds[kind].components < components) PetscCall(CoupleFields(random, b, A));
  PetscCall(Finish(random, b, dirichlet, kinds[kind].components == b ? b : 1, A));
  PetscCall(PetscFree(dirichlet));
  PetscCall(PetscRandomDestroy(&random));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DataMix(void)
{
  DataOptions opt = {.count = 16};
  PetscInt    n = 700, b = 1, kind = 0;
  PetscBool   given, proceed;
  const char *names[NKINDS];

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < NKINDS; k++) names[k] = kinds[k].name;
  PetscOptionsBegin(PETSC_COMM_SELF, NULL, "gnnspai-data mix: matrices of many kinds; matrix k has seed -data_seed + k and is numbered by it", NULL);
  PetscCall(PetscOptionsRangeInt("-data_n", "Unknowns, about, before Dirichlet ones are eliminated", NULL, n, &n, NULL, 64, 1000000));
  PetscCall(PetscOptionsRangeInt("-data_block_size", "Unknowns at a node, in full blocks: elasticity in so many dimensions, or coupled fields", NULL, b, &b, NULL, 1, MAX_BLOCK));
  PetscCall(PetscOptionsEList("-data_kind", "Make this kind, not a random one for each matrix", NULL, names, NKINDS, "random", &kind, &given));
  PetscCall(DataSetFromOptions(PetscOptionsObject, &opt));
  PetscOptionsEnd();
  PetscCall(DataCheckOptions("mix", &opt, &proceed));
  PetscCheck(!given || KindHasBlocks(&kinds[kind], b), PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "-data_kind %s has %" PetscInt_FMT " unknowns at a node, not the %" PetscInt_FMT " of -data_block_size", kinds[kind].name, kinds[kind].components, b);
  for (PetscInt seed = opt.seed; proceed && seed < opt.seed + opt.count; seed++) {
    Mat A;

    PetscCall(MixMatrix(given ? kind : -1, n, b, seed, &opt.note, &A));
    PetscCall(DataWrite(&opt, seed, A));
    PetscCall(MatDestroy(&A));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
