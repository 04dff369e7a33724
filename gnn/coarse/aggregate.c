/*
   Aggregates by farthest-first centres: each new centre is the node farthest from those there are, a node goes to the nearest centre.
   An edge is as long as its coupling is weak, so that aggregates stretch along strong couplings and stop at jumps of the coefficients.

   Nodes are numbered breadth first: where the rows' numbering is a bad one, each look at a neighbour would be a cache miss, and each block of
   nodes would have far and near ones.
*/
#include "coarse.h"

#define BLOCK 256 /* nodes whose largest distance is kept */

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

static PetscErrorCode NodesAllocate_Private(PetscInt n, PetscInt nz, GNNNodes *nodes)
{
  GNNNodes g;

  PetscFunctionBegin;
  PetscCall(PetscNew(&g));
  g->n = n;
  PetscCall(PetscMalloc5(n + 1, &g->i, nz, &g->j, nz, &g->length, n, &g->coupled, n, &g->row));
  *nodes = g;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNNodesDestroy(GNNNodes *g)
{
  PetscFunctionBegin;
  if (*g == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree5((*g)->i, (*g)->j, (*g)->length, (*g)->coupled, (*g)->row));
  PetscCall(PetscFree(*g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Breadth first, from the first node that no other one leads to: row[new number], and its inverse number; the width */
static void NodesOrder_Private(GNNNodes g, PetscInt number[])
{
  PetscInt count = 0, end = 0; /* of the level that next is in */

  g->width = 0;
  for (PetscInt i = 0; i < g->n; i++) number[i] = -1;
  for (PetscInt first = 0, next = 0; first < g->n; first++) {
    if (number[first] >= 0) continue;
    number[first]   = count;
    g->row[count++] = first;
    for (; next < count; next++) {
      if (next == end) {
        g->width = PetscMax(g->width, count - end);
        end      = count;
      }
      for (PetscInt p = g->i[g->row[next]]; p < g->i[g->row[next] + 1]; p++) {
        if (number[g->j[p]] >= 0) continue;
        number[g->j[p]] = count;
        g->row[count++] = g->j[p];
      }
    }
  }
}

/* From nodes with the block rows' numbers, which it uses up */
static PetscErrorCode NodesRenumber_Private(GNNNodes rows, GNNNodes *nodes)
{
  GNNNodes  g;
  PetscInt *number, nz = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(rows->n, &number));
  NodesOrder_Private(rows, number);
  PetscCall(NodesAllocate_Private(rows->n, rows->i[rows->n], &g));
  g->ncoupled = rows->ncoupled;
  g->width    = rows->width;
  for (PetscInt i = 0; i < g->n; i++) {
    const PetscInt row = rows->row[i];

    g->row[i]     = row;
    g->coupled[i] = rows->coupled[row];
    g->i[i]       = nz;
    for (PetscInt p = rows->i[row]; p < rows->i[row + 1]; p++) {
      g->j[nz]        = number[rows->j[p]];
      g->length[nz++] = rows->length[p];
    }
  }
  g->i[g->n] = nz;
  PetscCall(PetscFree(number));
  PetscCall(GNNNodesDestroy(&rows));
  *nodes = g;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNNodesCreate(Mat A, PetscInt b, const PetscScalar coupled[], GNNNodes *nodes)
{
  const PetscInt    *ia, *ja;
  const PetscScalar *a;
  PetscInt           rows, *edge;
  PetscReal         *trace;
  PetscBool          done;
  GNNNodes           g;

  PetscFunctionBegin;
  PetscCall(MatGetRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &rows, &ia, &ja, &done));
  PetscCheck(done, PETSC_COMM_SELF, PETSC_ERR_SUP, "MatGetRowIJ() failed for the local matrix");
  PetscCall(MatSeqAIJGetArrayRead(A, &a));
  PetscCall(NodesAllocate_Private(rows / b, rows > 0 ? ia[rows] : 0, &g));
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
  PetscCall(NodesRenumber_Private(g, nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Distances d and aggregates with one more centre: shortest paths by a queue (Bellman and Ford), only as far as nodes come nearer. What is nearer
   than the queue's first goes before it, so that fewer nodes come to it twice */
static void AddCentre_Private(GNNNodes g, PetscInt centre, PetscInt number, PetscReal d[], PetscInt aggregate[], PetscInt queue[], PetscBool queued[])
{
  PetscInt first = 0, count = 1;

  queue[0]          = centre;
  d[centre]         = 0.0;
  aggregate[centre] = number;
  while (count > 0) {
    const PetscInt i = queue[first];

    if (++first == g->n) first = 0;
    queued[i] = PETSC_FALSE;
    count--;
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      const PetscInt j = g->j[p];

      if (d[i] + g->length[p] >= d[j]) continue;
      d[j]         = d[i] + g->length[p];
      aggregate[j] = number;
      if (queued[j]) continue;
      queued[j] = PETSC_TRUE;
      if (count > 0 && d[j] < d[queue[first]]) {
        if (--first < 0) first = g->n - 1;
        queue[first] = j;
      } else queue[first + count < g->n ? first + count : first + count - g->n] = j;
      count++;
    }
  }
}

/* The farthest node, of those as far the first. Distances only fall, hence what is kept of a block is never too small: its node is the farthest of
   all once that number is right */
static PetscInt Farthest_Private(PetscInt n, const PetscReal d[], PetscReal most[])
{
  const PetscInt nblocks  = (n + BLOCK - 1) / BLOCK;
  PetscInt       farthest = 0;

  for (;;) {
    PetscInt  block = 0;
    PetscReal kept;

    for (PetscInt k = 1; k < nblocks; k++) {
      if (most[k] > most[block]) block = k;
    }
    kept     = most[block];
    farthest = block * BLOCK;
    for (PetscInt i = farthest + 1; i < PetscMin(n, (block + 1) * BLOCK); i++) {
      if (d[i] > d[farthest]) farthest = i;
    }
    most[block] = d[farthest];
    if (most[block] == kept) return farthest;
  }
}

PetscErrorCode GNNNodesAggregate(GNNNodes g, PetscInt wanted, PetscInt aggregate[], PetscInt *count)
{
  PetscReal *d, *most;
  PetscInt  *queue, *number;
  PetscBool *queued, rest = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(PetscMalloc5(g->n, &d, g->n / BLOCK + 1, &most, g->n, &queue, g->n, &queued, g->n, &number));
  for (PetscInt i = 0; i < g->n; i++) {
    d[i]      = g->coupled[i] ? PETSC_MAX_REAL : 0.0; /* no centre yet, or none ever */
    number[i] = -1;
    queued[i] = PETSC_FALSE;
  }
  for (PetscInt k = 0; k <= g->n / BLOCK; k++) most[k] = PETSC_MAX_REAL;
  for (*count = 0; *count < wanted && g->n > 0; (*count)++) {
    const PetscInt farthest = Farthest_Private(g->n, d, most);

    if (d[farthest] == 0.0) break; /* every node is a centre */
    AddCentre_Private(g, farthest, *count, d, number, queue, queued);
  }
  for (PetscInt i = 0; i < g->n; i++) { /* pieces of the graph that got no centre: together one more aggregate */
    if (wanted > 0 && g->coupled[i] && number[i] < 0) {
      number[i] = *count;
      rest      = PETSC_TRUE;
    }
    aggregate[g->row[i]] = number[i];
  }
  if (rest) (*count)++;
  PetscCall(PetscFree5(d, most, queue, queued, number));
  PetscFunctionReturn(PETSC_SUCCESS);
}
