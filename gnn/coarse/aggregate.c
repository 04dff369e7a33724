/*
   Aggregates by farthest-first centres: each new centre is the node farthest from those there are, a node goes to the nearest centre.
   An edge is as long as its coupling is weak, so that aggregates stretch along strong couplings and stop at jumps of the coefficients.
*/
#include "coarse.h"

/* ||A_ij||_F^2 of the edges from node i, its coupled rows, written to length; edge[j] is the last edge to j that was made */
static void NodeEdges_Private(GNNNodes g, PetscInt b, PetscInt i, const PetscScalar coupled[], const PetscInt ia[], const PetscInt ja[], const PetscScalar a[], PetscInt edge[])
{
  PetscInt end = g->i[i];

  for (PetscInt r = i * b; r < (i + 1) * b; r++) {
    for (PetscInt p = ia[r]; p < ia[r + 1] && coupled[r]; p++) {
      const PetscInt j = ja[p] / b;

      if (j == i || a[p] == 0.0 || !coupled[ja[p]]) continue;
      if (edge[j] < g->i[i]) {
        edge[j]        = end;
        g->j[end]      = j;
        g->length[end] = 0.0;
        end++;
      }
      g->length[edge[j]] += PetscRealPart(a[p] * a[p]);
    }
  }
  g->i[i + 1] = end;
}

/* Length sqrt(tr A_ii tr A_jj) / ||A_ij||_F, the coupled rows': a component held by a penalty is not to make a node a far one; trace work */
static void NodesLengths_Private(GNNNodes g, PetscInt b, const PetscScalar coupled[], const PetscInt ia[], const PetscInt ja[], const PetscScalar a[], PetscReal trace[])
{
  for (PetscInt i = 0; i < g->n; i++) trace[i] = 0.0;
  for (PetscInt r = 0; r < g->n * b; r++) {
    for (PetscInt p = ia[r]; p < ia[r + 1]; p++) {
      if (ja[p] == r && coupled[r]) trace[r / b] += PetscAbsScalar(a[p]);
    }
  }
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) g->length[p] = PetscSqrtReal(trace[i] / g->length[p] * trace[g->j[p]]);
  }
}

PetscErrorCode GNNNodesCreate(Mat A, PetscInt b, const PetscScalar coupled[], GNNNodes *nodes)
{
  const PetscInt    *ia, *ja;
  const PetscScalar *a;
  PetscInt           rows, nz, *edge;
  PetscReal         *trace;
  PetscBool          done;
  GNNNodes           g;

  PetscFunctionBegin;
  PetscCall(MatGetRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &rows, &ia, &ja, &done));
  PetscCheck(done, PETSC_COMM_SELF, PETSC_ERR_SUP, "MatGetRowIJ() failed for the local matrix");
  PetscCall(MatSeqAIJGetArrayRead(A, &a));
  PetscCall(PetscNew(&g));
  g->n = rows / b;
  nz   = rows > 0 ? ia[rows] : 0;
  PetscCall(PetscMalloc4(g->n + 1, &g->i, nz, &g->j, nz, &g->length, g->n, &g->coupled));
  PetscCall(PetscMalloc2(g->n, &edge, g->n, &trace));
  for (PetscInt i = 0; i < g->n; i++) {
    edge[i]       = -1;
    g->coupled[i] = PETSC_FALSE;
    for (PetscInt r = i * b; r < (i + 1) * b; r++) g->coupled[i] = (PetscBool)(g->coupled[i] || coupled[r]);
    if (g->coupled[i]) g->ncoupled++;
  }
  g->i[0] = 0;
  for (PetscInt i = 0; i < g->n; i++) NodeEdges_Private(g, b, i, coupled, ia, ja, a, edge);
  NodesLengths_Private(g, b, coupled, ia, ja, a, trace);
  PetscCall(PetscFree2(edge, trace));
  PetscCall(MatSeqAIJRestoreArrayRead(A, &a));
  PetscCall(MatRestoreRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &rows, &ia, &ja, &done));
  *nodes = g;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNNodesDestroy(GNNNodes *g)
{
  PetscFunctionBegin;
  if (*g == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree4((*g)->i, (*g)->j, (*g)->length, (*g)->coupled));
  PetscCall(PetscFree(*g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Distances d and aggregates with one more centre: shortest paths by a queue (Bellman and Ford), only as far as nodes come nearer */
static void AddCentre_Private(GNNNodes g, PetscInt centre, PetscInt number, PetscReal d[], PetscInt aggregate[], PetscInt queue[], PetscBool queued[])
{
  PetscInt first = 0, count = 1;

  queue[0]          = centre;
  d[centre]         = 0.0;
  aggregate[centre] = number;
  while (count > 0) {
    const PetscInt i = queue[first];

    first     = (first + 1) % g->n;
    queued[i] = PETSC_FALSE;
    count--;
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      const PetscInt j = g->j[p];

      if (d[i] + g->length[p] >= d[j]) continue;
      d[j]         = d[i] + g->length[p];
      aggregate[j] = number;
      if (queued[j]) continue;
      queue[(first + count++) % g->n] = j;
      queued[j]                       = PETSC_TRUE;
    }
  }
}

PetscErrorCode GNNNodesAggregate(GNNNodes g, PetscInt wanted, PetscInt aggregate[], PetscInt *count)
{
  PetscReal *d;
  PetscInt  *queue;
  PetscBool *queued, rest = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(g->n, &d, g->n, &queue, g->n, &queued));
  for (PetscInt i = 0; i < g->n; i++) {
    d[i]         = g->coupled[i] ? PETSC_MAX_REAL : 0.0; /* no centre yet, or none ever */
    aggregate[i] = -1;
    queued[i]    = PETSC_FALSE;
  }
  for (*count = 0; *count < wanted; (*count)++) {
    PetscInt farthest = 0;

    for (PetscInt i = 1; i < g->n; i++) {
      if (d[i] > d[farthest]) farthest = i;
    }
    if (d[farthest] == 0.0) break; /* every node is a centre */
    AddCentre_Private(g, farthest, *count, d, aggregate, queue, queued);
  }
  for (PetscInt i = 0; i < g->n; i++) { /* pieces of the graph that got no centre: together one more aggregate */
    if (!g->coupled[i] || aggregate[i] >= 0) continue;
    aggregate[i] = *count;
    rest         = PETSC_TRUE;
  }
  if (rest) (*count)++;
  PetscCall(PetscFree3(d, queue, queued));
  PetscFunctionReturn(PETSC_SUCCESS);
}
