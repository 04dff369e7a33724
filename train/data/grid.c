/*
   Matrices on box grids: one element matrix for all cells, times a coefficient per cell. Element matrices are (corners x components) squared, by
   rows, unknown = corner * components + component; corner a is at bit d of a along axis d. Each is symmetric to the last bit, and so is the sum.
*/
#include "generate.h"

#define MAX_STRETCH 0.4 /* logarithm of a side of the box, each way */

/* About n nodes, at least 3 an axis; the cells are cubes, half of the time stretched up to 4:1 */
PetscErrorCode GridCreate(PetscRandom random, PetscInt dim, PetscInt n, Grid *grid)
{
  const PetscReal root = PetscPowReal((PetscReal)n, 1. / dim);
  PetscInt        stretched;

  PetscFunctionBeginUser;
  grid->dim = dim;
  grid->n   = 1;
  PetscCall(DataRandomInt(random, 2, &stretched));
  for (int d = 0; d < 3; d++) {
    PetscReal s, h;

    PetscCall(DataRandomUniform(random, -MAX_STRETCH, MAX_STRETCH, &s));
    PetscCall(DataRandomUniform(random, 0, stretched ? PetscLogReal(4) : 0, &h));
    if (d < dim - 1) grid->m[d] = PetscMax(3, (PetscInt)(root * PetscExpReal(s) + 0.5));
    else grid->m[d] = d < dim ? PetscMax(3, (n + grid->n / 2) / grid->n) : 1;
    grid->h[d] = PetscExpReal(h);
    grid->n *= grid->m[d];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt GridCells(const Grid *grid)
{
  PetscInt n = 1;

  for (int d = 0; d < grid->dim; d++) n *= grid->m[d] - 1;
  return n;
}

void GridPoint(const Grid *grid, PetscInt cell, PetscReal x[3])
{
  for (int d = 0; d < 3; d++) {
    const PetscInt ncells = PetscMax(1, grid->m[d] - 1);

    x[d] = (cell % ncells + 0.5) / ncells;
    cell /= ncells;
  }
}

static void GridCorners(const Grid *grid, PetscInt cell, PetscInt node[GRID_MAX_CORNERS])
{
  PetscInt first = 0, stride[3], s = 1;

  for (int d = 0; d < grid->dim; d++) {
    stride[d] = s;
    first += s * (cell % (grid->m[d] - 1));
    cell /= grid->m[d] - 1;
    s *= grid->m[d];
  }
  for (int a = 0; a < 1 << grid->dim; a++) {
    node[a] = first;
    for (int d = 0; d < grid->dim; d++) node[a] += (a >> d & 1) * stride[d];
  }
}

/* w[mask] is the coupling of two nodes that differ by one along the axes in mask; they share 2^(dim - axes) cells inside the grid */
void GridStencil(const Grid *grid, const PetscReal w[8], PetscScalar *K)
{
  const int n = 1 << grid->dim;

  for (int a = 0; a < n; a++) {
    K[a * n + a] = 0;
    for (int b = 0; b < n; b++) {
      const int       mask = a ^ b, shared = 1 << (grid->dim - (mask & 1) - (mask >> 1 & 1) - (mask >> 2));
      const PetscReal k = w[mask] / shared;

      if (b == a) continue;
      K[a * n + b] = -k;
      K[a * n + a] += k;
    }
  }
}

/* The integral of d_k phi_a d_l phi_b over a cell, phi multilinear, 1 at the own corner; no derivative for an axis of -1. A product over the axes */
static PetscReal CellIntegral(const Grid *grid, int a, int k, int b, int l)
{
  PetscReal product = 1;

  for (int d = 0; d < grid->dim; d++) {
    const PetscReal h = grid->h[d], sa = a >> d & 1 ? 1 : -1, sb = b >> d & 1 ? 1 : -1;

    if (d == k && d == l) product *= sa * sb / h;
    else if (d == k) product *= sa / 2;
    else if (d == l) product *= sb / 2;
    else product *= sa == sb ? h / 3 : h / 6;
  }
  return product;
}

/* K_ab = integral of grad(phi_a) . D grad(phi_b) + mass phi_a phi_b */
void GridDiffusion(const Grid *grid, const PetscReal D[3][3], PetscReal mass, PetscScalar *K)
{
  const int n = 1 << grid->dim;

  for (int a = 0; a < n; a++) {
    for (int b = 0; b <= a; b++) {
      PetscReal sum = mass * CellIntegral(grid, a, -1, b, -1);

      for (int k = 0; k < grid->dim; k++) {
        for (int l = 0; l < grid->dim; l++) sum += D[k][l] * CellIntegral(grid, a, k, b, l);
      }
      K[a * n + b] = K[b * n + a] = sum;
    }
  }
}

/* K_(a,i)(b,j) = integral of lambda d_i phi_a d_j phi_b + mu (d_j phi_a d_i phi_b + delta_ij grad(phi_a) . grad(phi_b)) */
void GridElasticity(const Grid *grid, PetscReal lambda, PetscReal mu, PetscScalar *K)
{
  const int dim = (int)grid->dim, n = dim << dim;

  for (int p = 0; p < n; p++) {
    for (int q = 0; q <= p; q++) {
      const int a = p / dim, i = p % dim, b = q / dim, j = q % dim;
      PetscReal sum = lambda * CellIntegral(grid, a, i, b, j) + mu * CellIntegral(grid, a, j, b, i);

      for (int k = 0; k < dim && i == j; k++) sum += mu * CellIntegral(grid, a, k, b, k);
      K[p * n + q] = K[q * n + p] = sum;
    }
  }
}

/* The sum over the cells of coefficient[cell] K (NULL: 1); couplings that are zero in K are stored only if all are wanted */
PetscErrorCode GridAssemble(const Grid *grid, PetscInt components, PetscBool full, const PetscScalar *K, const PetscReal coefficient[], Mat *A)
{
  const PetscInt corners = 1 << grid->dim, n = corners * components;
  PetscInt       node[GRID_MAX_CORNERS], row[GRID_MAX_ELEMENT];
  PetscScalar    scaled[GRID_MAX_ELEMENT * GRID_MAX_ELEMENT];

  PetscFunctionBeginUser;
  PetscCall(DataMatCreate(grid->n * components, (grid->dim == 2 ? 9 : 27) * components, A));
  if (!full) PetscCall(MatSetOption(*A, MAT_IGNORE_ZERO_ENTRIES, PETSC_TRUE));
  for (PetscInt cell = 0; cell < GridCells(grid); cell++) {
    GridCorners(grid, cell, node);
    for (PetscInt p = 0; p < n; p++) row[p] = node[p / components] * components + p % components;
    for (PetscInt k = 0; k < n * n; k++) scaled[k] = (coefficient ? coefficient[cell] : 1) * K[k];
    PetscCall(MatSetValues(*A, n, row, n, row, scaled, ADD_VALUES));
  }
  PetscCall(DataMatAssemble(*A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Marks the unknowns on some sides of the box, at least one side: each other one with probability 1/4 */
PetscErrorCode GridSides(PetscRandom random, const Grid *grid, PetscInt components, PetscBool marked[])
{
  PetscInt first;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(marked, grid->n * components));
  PetscCall(DataRandomInt(random, 2 * grid->dim, &first));
  for (PetscInt side = 0, stride = 1; side < 2 * grid->dim; side++) {
    const PetscInt m = grid->m[side / 2];
    PetscReal      u;

    PetscCall(DataRandomUniform(random, 0, 1, &u));
    for (PetscInt p = 0; (side == first || u < 0.25) && p < grid->n * components; p++) {
      if (p / components / stride % m == (side % 2 ? m - 1 : 0)) marked[p] = PETSC_TRUE;
    }
    if (side % 2) stride *= m;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
