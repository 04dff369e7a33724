/*
   Graph of a matrix: pattern work once per nonzero pattern, value work at every set-up; one pass each, O(nonzeros).
*/
#include "gnngraph.h"

static PetscErrorCode GraphCheckRows_Private(GNNGraph g)
{
  PetscFunctionBegin;
  for (PetscInt i = 0; i < g->n; i++) {
    g->diag[i] = -1;
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      PetscCheck(p == g->i[i] || g->j[p] > g->j[p - 1], PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE, "Row %" PetscInt_FMT " of the local matrix has unsorted or repeated columns: assemble it with MatSetValues(), or sort and add up the entries before MatCreateSeqAIJWithArrays()", i);
      if (g->j[p] == i) g->diag[i] = p;
    }
    PetscCheck(g->diag[i] >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE, "Row %" PetscInt_FMT " of the local matrix has no stored diagonal: gnnspai needs an SPD matrix; insert every diagonal entry, also where it is 0 at first, for instance by MatShift(A, 0.0)", i);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Row i of the transposed pattern lists (j, slot) for ascending j, as row i of the pattern does, so that one merge finds the partners;
   next[j] walks row j while the rows i ascend */
static PetscErrorCode GraphReverse_Private(GNNGraph g)
{
  PetscInt *next;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(g->n, &next));
  PetscCall(PetscArraycpy(next, g->i, g->n));
  for (PetscInt p = 0; p < g->nz; p++) g->rev[p] = -1;
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      const PetscInt j = g->j[p];

      while (next[j] < g->i[j + 1] && g->j[next[j]] < i) next[j]++;
      if (next[j] < g->i[j + 1] && g->j[next[j]] == i) g->rev[p] = next[j];
    }
  }
  PetscCall(PetscFree(next));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNGraphCreate(PetscInt n, const PetscInt ia[], const PetscInt ja[], GNNGraph *graph)
{
  const PetscInt nz = n > 0 ? ia[n] : 0;
  GNNGraph       g;

  PetscFunctionBegin;
  PetscCall(PetscNew(&g));
  g->n  = n;
  g->nz = nz;
  PetscCall(PetscMalloc4(n + 1, &g->i, nz, &g->j, nz, &g->rev, n, &g->diag));
  PetscCall(PetscMalloc4(n, &g->s, nz, &g->at, n, &g->inverse, n, &g->decoupled));
  PetscCall(PetscMalloc2(nz, &g->keep, n, &g->degree));
  g->i[0] = 0;
  if (n > 0) PetscCall(PetscArraycpy(g->i, ia, n + 1));
  PetscCall(PetscArraycpy(g->j, ja, nz));
  *graph = g;
  PetscCall(GraphCheckRows_Private(g));
  PetscCall(GraphReverse_Private(g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNGraphDestroy(GNNGraph *graph)
{
  GNNGraph g = *graph;

  PetscFunctionBegin;
  if (g == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree4(g->i, g->j, g->rev, g->diag));
  PetscCall(PetscFree4(g->s, g->at, g->inverse, g->decoupled));
  PetscCall(PetscFree2(g->keep, g->degree));
  PetscCall(PetscFree(g->user));
  PetscCall(PetscFree(*graph));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which nodes are decoupled; a nonzero value at (i, j) without a stored (j, i) is an error */
static PetscErrorCode GraphDecouple_Private(GNNGraph g, const PetscScalar a[])
{
  PetscFunctionBegin;
  for (PetscInt i = 0; i < g->n; i++) g->decoupled[i] = PETSC_TRUE;
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      if (a[p] == 0.0 || g->j[p] == i) continue;
      PetscCheck(g->rev[p] >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "The nonzero pattern is not symmetric: the local matrix stores (%" PetscInt_FMT ", %" PetscInt_FMT ") but not (%" PetscInt_FMT ", %" PetscInt_FMT "). If boundary rows were set by MatZeroRows(), use MatZeroRowsColumns(), which keeps the matrix symmetric", i, g->j[p], g->j[p], i);
      if (a[g->rev[p]] == 0.0) continue; /* one-sided: a row that MatZeroRows() set in a kept pattern is solved as the others see it, alone */
      g->decoupled[i] = g->decoupled[g->j[p]] = PETSC_FALSE;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void GraphKeep_Private(GNNGraph g)
{
  g->ncoupled = 0;
  for (PetscInt i = 0; i < g->n; i++) {
    g->degree[i] = 0;
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      g->keep[p] = (!g->decoupled[i] && !g->decoupled[g->j[p]] && g->rev[p] >= 0) ? 1 : 0;
      g->degree[i] += g->keep[p];
    }
    if (!g->decoupled[i]) g->ncoupled++;
  }
}

/* mean: At = A/||A||, S = ||A||^-1/2; diagonal: At = D^-1/2 A D^-1/2, S = D^-1/2 */
static void GraphScale_Private(GNNGraph g, GNNScaling scaling, const PetscScalar a[])
{
  for (PetscInt i = 0; i < g->n; i++) {
    g->inverse[i] = 1.0 / a[g->diag[i]];
    g->s[i]       = 1.0 / PetscSqrtReal(scaling == GNN_SCALING_MEAN ? g->norm : PetscRealPart(a[g->diag[i]]));
  }
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) g->at[p] = g->keep[p] != 0 ? (g->s[i] * a[p]) * g->s[g->j[p]] : 0.0;
  }
}

PetscErrorCode GNNGraphSetValues(GNNGraph g, GNNScaling scaling, const PetscScalar a[], GNNGraphStatus *status)
{
  PetscReal sum = 0.0;

  PetscFunctionBegin;
  *status = GNN_GRAPH_NOT_FINITE;
  for (PetscInt p = 0; p < g->nz; p++) sum += PetscAbsScalar(a[p]) / (PetscReal)g->nz; /* divided first: a sum of large entries must not overflow */
  if (PetscIsInfOrNanReal(sum)) PetscFunctionReturn(PETSC_SUCCESS);
  *status = GNN_GRAPH_OK;
  g->norm = sum;
  for (PetscInt i = 0; i < g->n; i++) {
    const PetscReal d = PetscRealPart(a[g->diag[i]]);

    PetscCheck(d > 0.0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "Diagonal entry %" PetscInt_FMT " of the local matrix is %g: gnnspai needs a symmetric positive definite matrix, whose diagonal is positive; if A is negative definite, solve with -A", i, (double)d);
  }
  PetscCall(GraphDecouple_Private(g, a));
  GraphKeep_Private(g);
  GraphScale_Private(g, scaling, a);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNGraphSetUserFeatures(GNNGraph g, PetscInt size, const PetscScalar user[])
{
  PetscFunctionBegin;
  PetscCall(PetscFree(g->user));
  PetscCall(PetscMalloc1(g->n * size, &g->user));
  PetscCall(PetscArraycpy(g->user, user, g->n * size));
  g->user_size = size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One feature of node i, written to x; returns how many numbers it has */
static PetscInt GraphNodeFeature_Private(GNNGraph g, GNNNodeFeature feature, PetscInt i, GNNReal *x)
{
  PetscReal sum = 0.0;

  switch (feature) {
  case GNN_NODE_ROWABS:
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) sum += 0.25 * PetscAbsScalar(g->at[p]);
    break;
  case GNN_NODE_ROWSUM:
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) sum += PetscRealPart(g->at[p]);
    break;
  case GNN_NODE_DEGREE:
    sum = (PetscReal)g->degree[i] / 16.0;
    break;
  case GNN_NODE_MASK:
    sum = g->decoupled[i] ? 1.0 : 0.0;
    break;
  case GNN_NODE_USER:
    for (PetscInt k = 0; k < g->user_size; k++) x[k] = (GNNReal)PetscRealPart(g->user[i * g->user_size + k]);
    return g->user_size;
  }
  *x = (GNNReal)sum;
  return 1;
}

PetscErrorCode GNNGraphGetFeatures(GNNGraph g, const GNNConfig *c, GNNReal node[], GNNReal edge[])
{
  PetscFunctionBegin;
  PetscCheck(c->user_size == 0 || c->user_size == g->user_size, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE, "The model reads %" PetscInt_FMT " user features a node, %" PetscInt_FMT " were given: pass a Vec of that block size to PCGNNSPAISetNodeFeatures()", c->user_size, g->user_size);
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt f = 0; f < c->nnode_features; f++) node += GraphNodeFeature_Private(g, c->node_features[f], i, node);
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      for (PetscInt f = 0; f < c->nedge_features; f++) {
        if (c->edge_features[f] == GNN_EDGE_DIAGONAL) *edge++ = p == g->diag[i] ? 1 : 0;
        else *edge++ = (GNNReal)PetscRealPart(g->at[g->rev[p] >= 0 ? g->rev[p] : p]);
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
