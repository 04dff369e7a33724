/*
   Graph of a matrix: pattern work once per nonzero pattern, value work at every set-up; one pass each, O(nonzeros).
*/
#include "graph.h"

/* Is block row i, rows i b to i b + b - 1, made of full blocks? */
static PetscBool BlockRowIsFull_Private(PetscInt b, PetscInt i, const PetscInt ia[], const PetscInt ja[])
{
  const PetscInt *first = ja + ia[i * b], length = ia[i * b + 1] - ia[i * b];

  if (length % b) return PETSC_FALSE;
  for (PetscInt r = 0; r < b; r++) {
    const PetscInt *row = ja + ia[i * b + r];

    if (ia[i * b + r + 1] - ia[i * b + r] != length) return PETSC_FALSE;
    for (PetscInt k = 0; k < length; k++) {
      if (first[k - k % b] % b || row[k] != first[k - k % b] + k % b) return PETSC_FALSE;
    }
  }
  return PETSC_TRUE;
}

PetscErrorCode GNNGraphBlocksFull(PetscInt b, PetscInt n, const PetscInt ia[], const PetscInt ja[], PetscBool *full)
{
  PetscFunctionBegin;
  *full = n % b ? PETSC_FALSE : PETSC_TRUE;
  for (PetscInt i = 0; b > 1 && *full && i < n / b; i++) *full = BlockRowIsFull_Private(b, i, ia, ja);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the diagonal entries are, -1 where there is none; and whether the rows are sorted: the first that is at fault */
static GNNGraphStatus GraphCheckRows_Private(PetscInt n, const PetscInt ia[], const PetscInt ja[], PetscInt diag[], PetscInt *row)
{
  GNNGraphStatus status = GNN_GRAPH_OK;

  for (PetscInt i = 0; i < n; i++) {
    diag[i] = -1;
    for (PetscInt p = ia[i]; p < ia[i + 1]; p++) {
      if (p > ia[i] && ja[p] <= ja[p - 1]) {
        *row = i;
        return GNN_GRAPH_UNSORTED;
      }
      if (ja[p] == i) diag[i] = p;
    }
    if (diag[i] >= 0 || status != GNN_GRAPH_OK) continue;
    *row   = i;
    status = GNN_GRAPH_NO_DIAGONAL;
  }
  return status;
}

/* Row i of the transposed pattern lists (j, place) for ascending j, as row i of the pattern does, so that one merge finds the partners;
   next[j] walks row j while the rows i ascend */
static PetscErrorCode GraphReverseRows_Private(PetscInt n, const PetscInt ia[], const PetscInt ja[], PetscInt **reverse)
{
  PetscInt *next, *rev;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(ia[n], reverse));
  PetscCall(PetscMalloc1(n, &next));
  rev = *reverse;
  PetscCall(PetscArraycpy(next, ia, n));
  for (PetscInt p = 0; p < ia[n]; p++) rev[p] = -1;
  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt p = ia[i]; p < ia[i + 1]; p++) {
      const PetscInt j = ja[p];

      while (next[j] < ia[j + 1] && ja[next[j]] < i) next[j]++;
      if (next[j] < ia[j + 1] && ja[next[j]] == i) rev[p] = next[j];
    }
  }
  PetscCall(PetscFree(next));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GraphReverse_Private(GNNGraph g)
{
  PetscFunctionBegin;
  if (g->rev != NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GraphReverseRows_Private(g->n, g->i, g->j, &g->rev));
  g->brev = g->rev;
  if (g->b > 1) PetscCall(GraphReverseRows_Private(g->nodes, g->bi, g->bj, &g->brev));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Allocates what depends on the sizes; where b = 1 the blocks' arrays are the rows' */
static PetscErrorCode GraphAllocate_Private(GNNGraph g)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc3(g->n + 1, &g->i, g->nz, &g->j, g->n, &g->diag));
  PetscCall(PetscMalloc5(g->n * g->b, &g->s, g->nz, &g->at, g->n * g->b, &g->inverse, g->n, &g->decoupled, g->nz, &g->keep));
  PetscCall(PetscMalloc1(g->nodes, &g->degree));
  if (g->b > 1) {
    PetscCall(PetscMalloc3(g->nodes + 1, &g->bi, g->slots, &g->bj, g->nodes, &g->bdiag));
    PetscCall(PetscMalloc2(g->nodes, &g->isolated, g->slots, &g->bkeep));
  } else {
    g->bi       = g->i;
    g->bj       = g->j;
    g->bdiag    = g->diag;
    g->isolated = g->decoupled;
    g->bkeep    = g->keep;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNGraphCreate(PetscInt b, PetscInt n, const PetscInt ia[], const PetscInt ja[], GNNGraph *graph)
{
  const PetscInt nz = n > 0 ? ia[n] : 0;
  GNNGraph       g;

  PetscFunctionBegin;
  PetscCall(PetscNew(&g));
  g->b     = b;
  g->n     = n;
  g->nz    = nz;
  g->nodes = n / b;
  g->slots = nz / (b * b);
  g->last  = g->nodes;
  PetscCall(GraphAllocate_Private(g));
  g->i[0] = g->bi[0] = 0;
  if (n > 0) PetscCall(PetscArraycpy(g->i, ia, n + 1));
  PetscCall(PetscArraycpy(g->j, ja, nz));
  for (PetscInt i = 0; b > 1 && i < g->nodes; i++) {
    g->bi[i + 1] = ia[(i + 1) * b] / (b * b);
    for (PetscInt k = 0; k < g->bi[i + 1] - g->bi[i]; k++) g->bj[g->bi[i] + k] = ja[ia[i * b] + k * b] / b;
  }
  *graph     = g;
  g->pattern = GraphCheckRows_Private(n, g->i, g->j, g->diag, &g->row);
  if (b > 1 && g->pattern == GNN_GRAPH_OK) {
    PetscInt unused; /* full blocks: what holds for the rows holds for them */

    (void)GraphCheckRows_Private(g->nodes, g->bi, g->bj, g->bdiag, &unused);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNGraphSetHalo(GNNGraph g, GNNHalo halo)
{
  PetscFunctionBegin;
  g->halo = halo;
  PetscCall(GNNHaloGetRange(halo, &g->first, &g->last, &g->offset));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNGraphDestroy(GNNGraph *graph)
{
  GNNGraph g = *graph;

  PetscFunctionBegin;
  if (g == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  if (g->b > 1) {
    PetscCall(PetscFree3(g->bi, g->bj, g->bdiag));
    PetscCall(PetscFree(g->brev));
    PetscCall(PetscFree2(g->isolated, g->bkeep));
  }
  PetscCall(PetscFree3(g->i, g->j, g->diag));
  PetscCall(PetscFree(g->rev));
  PetscCall(PetscFree5(g->s, g->at, g->inverse, g->decoupled, g->keep));
  PetscCall(PetscFree(g->degree));
  PetscCall(PetscFree(g->user));
  PetscCall(PetscFree(*graph));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* a_ji for slot p = (i, j), 0 where it is not stored */
static inline PetscScalar GraphPartner_Private(GNNGraph g, const PetscScalar a[], PetscInt p)
{
  return g->rev[p] >= 0 ? a[g->rev[p]] : 0.0;
}

/* Is one of a_ij and a_ji zero, and the other not? It couples nothing: MatZeroRows() leaves such, and CG sees the symmetric part only */
static inline PetscBool GraphIsOneSided_Private(GNNGraph g, const PetscScalar a[], PetscInt p)
{
  return (a[p] != 0.0) != (GraphPartner_Private(g, a, p) != 0.0) ? PETSC_TRUE : PETSC_FALSE;
}

/* Which rows are decoupled, which slots have a partner that is like them (in keep, for now), and how far A is from symmetric */
static void GraphDecouple_Private(GNNGraph g, const PetscScalar a[])
{
  PetscScalar *u = g->s; /* for now */

  g->asymmetry = 0.0;
  for (PetscInt i = 0; i < g->n; i++) u[i] = 1.0 / PetscSqrtReal(a[g->diag[i]]);
  for (PetscInt i = 0; i < g->n; i++) {
    PetscReal sum = 0.0;

    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      const PetscInt    j       = g->j[p];
      const PetscScalar partner = GraphPartner_Private(g, a, p);

      g->keep[p] = g->rev[p] >= 0 && !GraphIsOneSided_Private(g, a, p) ? 1 : 0;
      if (j == i) continue;
      sum += GNNBlockCoupling(a[p], partner, u[i], u[j]);
      if (a[p] != partner) g->asymmetry = PetscMax(g->asymmetry, GNNBlockAsymmetry(a[p], partner, a[g->diag[i]], a[g->diag[j]]));
    }
    g->decoupled[i] = sum <= GNN_DECOUPLED ? PETSC_TRUE : PETSC_FALSE;
  }
}

/* b > 1: the nodes none of whose unknowns couples to another node; all their rows count as decoupled */
static PetscErrorCode GraphIsolate_Private(GNNGraph g, const PetscScalar a[])
{
  const PetscScalar *u = g->s; /* as before */

  PetscFunctionBegin;
  for (PetscInt i = 0; i < g->nodes; i++) g->isolated[i] = PETSC_TRUE;
  for (PetscInt row = 0; row < g->n; row++) {
    const PetscInt i = row / g->b;

    PetscReal sum = 0.0;

    for (PetscInt p = g->i[row]; !g->decoupled[row] && p < g->i[row + 1]; p++) {
      if (g->j[p] / g->b != i) sum += GNNBlockCoupling(a[p], GraphPartner_Private(g, a, p), u[row], u[g->j[p]]);
    }
    if (!(sum <= GNN_DECOUPLED)) g->isolated[i] = PETSC_FALSE;
  }
  PetscCall(GNNHaloShare(g->halo, sizeof(*g->isolated), g->isolated));
  for (PetscInt row = 0; row < g->n; row++) {
    if (g->isolated[row / g->b]) g->decoupled[row] = PETSC_TRUE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* b > 1: block p of node i couples where it has a pair of nonzeros, or nothing one-sided; keep has the latter, entry by entry */
static PetscBool GraphBlockCouples_Private(GNNGraph g, const PetscScalar a[], PetscInt i, PetscInt p)
{
  const PetscInt start = GNNGraphSlotStart(g, i, p), stride = GNNGraphSlotStride(g, i);
  PetscBool      couples = PETSC_TRUE;

  for (PetscInt k = 0; k < g->b * g->b; k++) {
    const PetscInt e = start + k / g->b * stride + k % g->b;

    if (g->keep[e] == 0) couples = PETSC_FALSE;
    else if (a[e] != 0.0) return PETSC_TRUE;
  }
  return couples;
}

/* Of the blocks, then b > 1 of their entries, the one-sided ones among them, too: where a block is kept, all of it is */
static void GraphKeep_Private(GNNGraph g, const PetscScalar a[])
{
  g->ncoupled = 0;
  for (PetscInt i = 0; i < g->nodes; i++) {
    g->degree[i] = 0;
    for (PetscInt p = g->bi[i]; p < g->bi[i + 1]; p++) {
      const PetscBool couples = g->b > 1 ? GraphBlockCouples_Private(g, a, i, p) : (g->keep[p] != 0 ? PETSC_TRUE : PETSC_FALSE);

      g->bkeep[p] = (couples && !g->isolated[i] && !g->isolated[g->bj[p]] && g->brev[p] >= 0) ? 1 : 0;
      g->degree[i] += g->bkeep[p];
    }
  }
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt p = g->i[i]; g->b > 1 && p < g->i[i + 1]; p++) g->keep[p] = (!g->decoupled[i] && !g->decoupled[g->j[p]] && g->bkeep[g->bi[i / g->b] + (p - g->i[i]) / g->b] != 0) ? 1 : 0;
    if (!g->decoupled[i] && GNNGraphIsOwn(g, i / g->b)) g->ncoupled++;
  }
}

/* Inverse and scaling of the diagonal blocks. mean: S = ||A||^-1/2 I; diagonal: S_i = L_i^-T, D_i = L_i L_i^T */
static GNNGraphStatus GraphScaleNodes_Private(GNNGraph g, GNNScaling scaling, const PetscScalar a[])
{
  const PetscInt b = g->b;

  for (PetscInt i = 0; i < g->nodes; i++) {
    PetscScalar *D = g->inverse + i * b * b, *S = g->s + i * b * b;
    int          coupled = 0;

    GNNBlockDiagonal(b, a + GNNGraphSlotStart(g, i, g->bdiag[i]), GNNGraphSlotStride(g, i), D);
    for (PetscInt r = 0; r < b; r++) coupled |= (g->decoupled[i * b + r] ? 0 : 1) << r;
    GNNBlockDecouple((int)b, D, coupled);
    g->row = i * b;
    if (!GNNBlockScaling(b, D, S) && GNNGraphIsOwn(g, i)) return GNN_GRAPH_BLOCK_NOT_POSITIVE;
    GNNBlockInvert(b, D);
    for (PetscInt k = 0; scaling == GNN_SCALING_MEAN && k < b * b; k++) S[k] = k % (b + 1) ? 0.0 : 1.0 / PetscSqrtReal(g->norm);
  }
  return GNN_GRAPH_OK;
}

/* At_ij = S_i^T A_ij S_j in the slots that are kept; a decoupled row counts as if its values off the diagonal were 0 on both sides, and so does
   a one-sided value */
static inline __attribute__((always_inline)) void GraphScaleSlots_Private(GNNGraph g, const PetscInt b, const PetscScalar a[])
{
  for (PetscInt i = 0; i < g->nodes; i++) {
    const PetscInt stride = GNNGraphSlotStride(g, i);

    for (PetscInt p = g->bi[i]; p < g->bi[i + 1]; p++) {
      const PetscInt start = b > 1 ? GNNGraphSlotStart(g, i, p) : p;
      PetscScalar    A[GNN_MAX_BLOCK * GNN_MAX_BLOCK];

      for (PetscInt r = 0; r < b; r++) {
        for (PetscInt c = 0; c < b; c++) {
          const PetscInt e = start + r * stride + c;

          A[r * b + c] = (g->keep[e] != 0 && (b == 1 || !GraphIsOneSided_Private(g, a, e))) || (e == g->diag[i * b + r] && g->bkeep[p] != 0) ? a[e] : 0.0;
        }
      }
      for (PetscInt r = 0; r < b; r++) {
        for (PetscInt c = 0; c < b; c++) g->at[start + r * stride + c] = GNNBlockScaled(b, g->s + i * b * b, A, b, g->s + g->bj[p] * b * b, r, c);
      }
    }
  }
}

/* Are all numbers finite? Then norm is their mean absolute value */
static GNNGraphStatus GraphSetNorm_Private(GNNGraph g, const PetscScalar a[])
{
  const PetscInt first = g->first * g->b, last = g->last * g->b;
  PetscReal      sum = 0.0, nz = (PetscReal)GNNGraphEntries(g);

  for (PetscInt p = g->i[first]; p < g->i[last]; p++) sum += PetscAbsScalar(a[p]) / nz; /* divided first: a sum of large entries must not overflow */
  g->norm = sum;
  if (!PetscIsInfOrNanReal(sum)) return GNN_GRAPH_OK;
  for (g->row = first; g->row < last - 1; g->row++) {
    for (PetscInt p = g->i[g->row]; p < g->i[g->row + 1]; p++) {
      if (PetscIsInfOrNanScalar(a[p])) return GNN_GRAPH_NOT_FINITE;
    }
  }
  return GNN_GRAPH_NOT_FINITE;
}

/* Is a diagonal entry negative, or, once it is known what couples, that of a coupled row 0? */
static GNNGraphStatus GraphCheckDiagonal_Private(GNNGraph g, const PetscScalar a[], PetscBool coupled)
{
  for (PetscInt i = g->first * g->b; i < g->last * g->b; i++) {
    g->row   = i;
    g->value = PetscRealPart(a[g->diag[i]]);
    if (g->value < 0.0 || (coupled && g->value == 0.0 && !g->decoupled[i])) return GNN_GRAPH_NOT_POSITIVE;
  }
  return GNN_GRAPH_OK;
}

/* What a matrix says that cannot be used is said by the rank that owns the row */
static GNNGraphStatus GraphCheck_Private(GNNGraph g, const PetscScalar a[])
{
  GNNGraphStatus status = g->pattern;

  if (status != GNN_GRAPH_OK && !GNNGraphIsOwn(g, g->row / g->b)) return GNN_GRAPH_ELSEWHERE;
  if (status == GNN_GRAPH_OK) status = GraphSetNorm_Private(g, a);
  if (status == GNN_GRAPH_OK) status = GraphCheckDiagonal_Private(g, a, PETSC_FALSE);
  return status;
}

/* No rank goes on where another one cannot; the norm is over all of them */
static PetscErrorCode GraphAgree_Private(GNNGraph g, PetscBool norm, GNNGraphStatus *status)
{
  const PetscReal nz     = (PetscReal)GNNGraphEntries(g);
  PetscReal       sum[3] = {*status != GNN_GRAPH_OK, nz, *status == GNN_GRAPH_OK && nz > 0.0 ? g->norm : 0.0};

  PetscFunctionBegin;
  if (g->halo == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GNNHaloSum(g->halo, 2, sum));
  if (*status == GNN_GRAPH_OK && sum[0] > 0.0) *status = GNN_GRAPH_ELSEWHERE;
  if (!norm) PetscFunctionReturn(PETSC_SUCCESS);
  sum[2] *= nz / PetscMax(sum[1], 1.0);
  PetscCall(GNNHaloSum(g->halo, 1, &sum[2]));
  g->norm = sum[2];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNGraphSetValues(GNNGraph g, GNNScaling scaling, const PetscScalar a[], GNNGraphStatus *status)
{
  PetscFunctionBegin;
  g->scaling = scaling;
  *status    = GraphCheck_Private(g, a);
  PetscCall(GraphAgree_Private(g, PETSC_TRUE, status));
  if (*status != GNN_GRAPH_OK) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GraphReverse_Private(g));
  GraphDecouple_Private(g, a);
  PetscCall(GNNHaloShare(g->halo, (size_t)g->b * sizeof(*g->decoupled), g->decoupled));
  if (g->b > 1) PetscCall(GraphIsolate_Private(g, a));
  GraphKeep_Private(g, a);
  *status = GraphCheckDiagonal_Private(g, a, PETSC_TRUE);
  if (*status == GNN_GRAPH_OK) *status = GraphScaleNodes_Private(g, scaling, a);
  PetscCall(GraphAgree_Private(g, PETSC_FALSE, status));
  if (*status != GNN_GRAPH_OK) PetscFunctionReturn(PETSC_SUCCESS);
  if (g->b == 1) GraphScaleSlots_Private(g, 1, a); /* the compiler drops the loops over a block */
  else GraphScaleSlots_Private(g, g->b, a);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNGraphExplain(GNNGraph g, GNNGraphStatus status, PetscInt row, char text[], size_t size)
{
  PetscFunctionBegin;
  text[0] = '\0';
  switch (status) {
  case GNN_GRAPH_NOT_FINITE:
    PetscCall(PetscSNPrintf(text, size, "Row %" PetscInt_FMT " of the matrix holds a NaN or an infinity", row));
    break;
  case GNN_GRAPH_NO_DIAGONAL:
    PetscCall(PetscSNPrintf(text, size, "Row %" PetscInt_FMT " of the matrix has no stored diagonal: gnnspai needs an SPD matrix; insert every diagonal entry, also where it is 0 at first, for instance by MatShift(A, 0.0)", row));
    break;
  case GNN_GRAPH_NOT_POSITIVE:
    PetscCall(PetscSNPrintf(text, size, "Diagonal entry %" PetscInt_FMT " of the matrix is %g: gnnspai needs an SPD matrix, whose diagonal is positive; if A is negative definite, solve with -A", row, (double)g->value));
    break;
  case GNN_GRAPH_BLOCK_NOT_POSITIVE:
    PetscCall(PetscSNPrintf(text, size, "The diagonal block of rows %" PetscInt_FMT " to %" PetscInt_FMT " of the matrix is not positive definite: gnnspai needs an SPD matrix", row, row + g->b - 1));
    break;
  case GNN_GRAPH_UNSORTED:
    PetscCall(PetscSNPrintf(text, size, "Row %" PetscInt_FMT " of the matrix has unsorted or repeated columns: assemble it with MatSetValues(), or sort and add up the entries before MatCreateSeqAIJWithArrays()", row));
    break;
  case GNN_GRAPH_OK:
  case GNN_GRAPH_ELSEWHERE:
    break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNGraphSetUserFeatures(GNNGraph g, PetscInt size, const PetscScalar user[])
{
  PetscFunctionBegin;
  PetscCall(PetscFree(g->user));
  PetscCall(PetscCalloc1(g->nodes * size, &g->user));
  PetscCall(PetscArraycpy(g->user + g->first * size, user, (g->last - g->first) * size));
  g->user_size = size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the features of a scalar row are made of */
static inline GNNRow GraphRow_Private(GNNGraph g, PetscInt row)
{
  GNNRow r = {.degree = (double)g->degree[row / g->b], .coupled = !g->decoupled[row], .mean = g->scaling == GNN_SCALING_MEAN};

  for (PetscInt p = g->i[row]; p < g->i[row + 1]; p++) GNNRowAdd(&r.sums, (double)PetscRealPart(g->at[p]));
  return r;
}

/* The features of node i, written to x; returns how many numbers they are */
static PetscInt GraphNodeFeatures_Private(GNNGraph g, const GNNConfig *c, PetscInt i, GNNReal x[])
{
  GNNRow   row[GNN_MAX_BLOCK];
  PetscInt n = 0;

  for (PetscInt r = 0; r < g->b; r++) row[r] = GraphRow_Private(g, i * g->b + r);
  for (PetscInt f = 0; f < c->nnode_features; f++) {
    const GNNNodeFeature feature = c->node_features[f];
    const PetscInt       size    = GNNNodeFeatureSize(feature, (int)g->b, (int)g->user_size);

    for (PetscInt k = 0; k < size; k++) x[n++] = feature == GNN_NODE_USER ? (GNNReal)PetscRealPart(g->user[i * size + k]) : GNNNodeFeatureOf(feature, &row[k]);
  }
  return n;
}

/* Number k of At_ji for slot p = (i, j), row-major; its own where (j, i) is not stored, which is 0 as well */
static inline double GraphSlotEntry_Private(GNNGraph g, const PetscInt b, PetscInt i, PetscInt p, PetscInt k)
{
  const PetscInt q = g->brev[p] >= 0 ? g->brev[p] : p, from = b > 1 && g->brev[p] >= 0 ? g->bj[p] : i;

  return (double)PetscRealPart(g->at[b > 1 ? GNNGraphSlotStart(g, from, q) + k / b * GNNGraphSlotStride(g, from) + k % b : q]);
}

/* For a b that the compiler knows */
static inline __attribute__((always_inline)) void GraphSlotFeatures_Private(GNNGraph g, const GNNConfig *c, const PetscInt b, PetscInt start, PetscInt count, const PetscInt row[], PetscInt stride, GNNReal x[])
{
  for (PetscInt f = 0; f < c->nedge_features; f++) {
    for (PetscInt k = 0; k < GNNEdgeFeatureSize(c->edge_features[f], (int)b); k++, x += stride) {
      for (PetscInt t = 0; t < count; t++) x[t] = GNNEdgeFeatureOf(c->edge_features[f], start + t == g->bdiag[row[t]], GraphSlotEntry_Private(g, b, row[t], start + t, k));
    }
  }
}

void GNNGraphSlotFeatures(GNNGraph g, const GNNConfig *c, PetscInt start, PetscInt count, const PetscInt row[], PetscInt stride, GNNReal x[])
{
  if (g->b == 1) GraphSlotFeatures_Private(g, c, 1, start, count, row, stride, x);
  else GraphSlotFeatures_Private(g, c, g->b, start, count, row, stride, x);
}

PetscErrorCode GNNGraphGetFeatures(GNNGraph g, const GNNConfig *c, GNNReal node[], GNNReal edge[])
{
  const PetscInt size = GNNConfigEdgeSize(c);

  PetscFunctionBegin;
  PetscCheck(c->user_size == 0 || c->user_size == g->user_size, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE, "The model reads %" PetscInt_FMT " user features a node, %" PetscInt_FMT " were given: pass a Vec of that block size to PCGNNSPAISetNodeFeatures()", c->user_size, g->user_size);
  for (PetscInt i = 0; i < g->nodes; i++) {
    node += GraphNodeFeatures_Private(g, c, i, node);
    for (PetscInt p = g->bi[i]; edge && p < g->bi[i + 1]; p++) GNNGraphSlotFeatures(g, c, p, 1, &i, 1, edge + p * size);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
