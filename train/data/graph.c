/*
   Laplacians of random graphs for the mix: irregular degrees, positive weights over up to two orders of magnitude.
*/
#include "generate.h"

/* A Laplacian to be: the weights of its edges are log-uniform in [1, spread], that of the matrix */
typedef struct {
  Mat         A;
  PetscRandom random;
  PetscReal   spread;
} Graph;

static PetscErrorCode GraphCreate(PetscRandom random, PetscInt n, Graph *graph)
{
  PetscFunctionBeginUser;
  graph->random = random;
  PetscCall(DataRandomLogUniform(random, 1, 1e2, &graph->spread));
  PetscCall(DataMatCreate(n, 30, &graph->A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddEdge(const Graph *graph, PetscInt i, PetscInt j)
{
  const PetscInt ij[2] = {i, j};
  PetscReal      w;

  PetscFunctionBeginUser;
  PetscCall(DataRandomLogUniform(graph->random, 1, graph->spread, &w));
  const PetscScalar K[4] = {w, -w, -w, w};
  PetscCall(MatSetValues(graph->A, 2, ij, 2, ij, K, ADD_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Adds a small random diagonal, which makes A definite */
static PetscErrorCode GraphFinish(const Graph *graph, PetscInt n, Mat *A)
{
  PetscReal c, d;

  PetscFunctionBeginUser;
  PetscCall(DataRandomLogUniform(graph->random, 1e-4, 1e-1, &c));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(DataRandomUniform(graph->random, 0.1 * c, c, &d));
    PetscCall(MatSetValue(graph->A, i, i, d, ADD_VALUES));
  }
  PetscCall(DataMatAssemble(graph->A));
  *A = graph->A;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Random points in a square or cube, denser towards one corner, joined up to a distance at which evenly spread ones would have 5 to 12 neighbours */
PetscErrorCode GraphGeometric(PetscRandom random, PetscInt n, Mat *A)
{
  Graph     graph;
  PetscInt  cube, ndegree;
  PetscReal power, radius2;
  PetscReal(*x)[3];

  PetscFunctionBeginUser;
  PetscCall(GraphCreate(random, n, &graph));
  PetscCall(DataRandomInt(random, 2, &cube));
  PetscCall(DataRandomInt(random, 8, &ndegree));
  PetscCall(DataRandomUniform(random, 1, 1.5, &power));
  radius2 = cube ? PetscPowReal((5 + ndegree) / (n * PETSC_PI * 4 / 3), 2. / 3) : (5 + ndegree) / (n * PETSC_PI);
  PetscCall(PetscCalloc1(n, &x));
  for (PetscInt i = 0; i < n; i++) {
    for (int d = 0; d < 2 + cube; d++) {
      PetscCall(DataRandomUniform(random, 0, 1, &x[i][d]));
      x[i][d] = PetscPowReal(x[i][d], power);
    }
    for (PetscInt j = 0; j < i; j++) {
      if (PetscSqr(x[i][0] - x[j][0]) + PetscSqr(x[i][1] - x[j][1]) + PetscSqr(x[i][2] - x[j][2]) < radius2) PetscCall(AddEdge(&graph, i, j));
    }
  }
  PetscCall(PetscFree(x));
  PetscCall(GraphFinish(&graph, n, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Preferential attachment: a new node joins 2 to 5 ends of edges, so that nodes with many edges get more of them; twice the same end adds up */
PetscErrorCode GraphHubs(PetscRandom random, PetscInt n, Mat *A)
{
  Graph    graph;
  PetscInt each, *end, nends = 0;

  PetscFunctionBeginUser;
  PetscCall(GraphCreate(random, n, &graph));
  PetscCall(DataRandomInt(random, 4, &each));
  each += 2;
  PetscCall(PetscMalloc1(2 * each * n, &end));
  for (PetscInt i = 1; i < n; i++) {
    const PetscInt nold = nends;

    for (PetscInt k = 0; k < each; k++) {
      PetscInt e = 0;

      if (nold) PetscCall(DataRandomInt(random, nold, &e));
      end[nends]     = nold ? end[e] : 0;
      end[nends + 1] = i;
      PetscCall(AddEdge(&graph, i, end[nends]));
      nends += 2;
    }
  }
  PetscCall(PetscFree(end));
  PetscCall(GraphFinish(&graph, n, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A ring whose nodes are joined to the next 2 to 5, some edges going anywhere instead */
PetscErrorCode GraphSmallWorld(PetscRandom random, PetscInt n, Mat *A)
{
  Graph     graph;
  PetscInt  reach, j;
  PetscReal rewired, u;

  PetscFunctionBeginUser;
  PetscCall(GraphCreate(random, n, &graph));
  PetscCall(DataRandomInt(random, 4, &reach));
  PetscCall(DataRandomLogUniform(random, 1e-2, 0.5, &rewired));
  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt k = 1; k <= reach + 2; k++) {
      PetscCall(DataRandomUniform(random, 0, 1, &u));
      PetscCall(DataRandomInt(random, n - 1, &j));
      PetscCall(AddEdge(&graph, i, (i + (u < rewired ? j + 1 : k)) % n));
    }
  }
  PetscCall(GraphFinish(&graph, n, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}
