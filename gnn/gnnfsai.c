/*
   Rows of the classical factor on the host, one after the other, each at the cost of its own entries: the neighbours of a row are numbered
   in the order they are met, through an index array that is cleared by the list of those numbered.

   A grown row, tau the threshold: J = {j before i: |As_ij| > tau}; then some times: solve for x on J (gnnfsairow.h), d = psi^-1/2,
   gradient r_j = As_ji + sum_k As_jk x_k, new J = {j in J: |x_j| d > tau} + {j not in J: |r_j| d > tau}.
*/
#include "gnnfsai.h"
#define GNN_INDEX PetscInt
#include "gnnfsairow.h"

struct _n_GNNFsai {
  PetscScalar *as;   /* (nz) matrix with a unit diagonal on the kept slots; 0 elsewhere */
  PetscReal   *unit; /* (n) As = diag(unit) At diag(unit) */
  PetscInt    *rank; /* (n) place of a row in the order */
  /* the neighbours of the row at hand: all are -1, 0 between rows */
  PetscInt    *number; /* (n) of a node among the neighbours, or -1 */
  PetscInt    *node;   /* (n) of a number */
  PetscReal   *r;      /* (n) gradient by number */
  PetscInt     nnode;
  /* the dense row problem */
  GNNFsaiColumns J, next;
  double         T[GNN_FSAI_TRIANGLE(GNN_FSAI_MAX, 0)], b[GNN_FSAI_MAX], x[GNN_FSAI_MAX], d;
};

static PetscErrorCode FsaiCreate_Private(GNNGraph g, GNNFsai *fsai)
{
  GNNFsai w;

  PetscFunctionBegin;
  PetscCall(PetscNew(&w));
  PetscCall(PetscMalloc3(g->nz, &w->as, g->n, &w->unit, g->n, &w->rank));
  PetscCall(PetscMalloc3(g->n, &w->number, g->n, &w->node, g->n, &w->r));
  for (PetscInt i = 0; i < g->n; i++) w->number[i] = -1;
  *fsai = w;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNFsaiDestroy(GNNFsai *fsai)
{
  PetscFunctionBegin;
  if (*fsai == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree3((*fsai)->as, (*fsai)->unit, (*fsai)->rank));
  PetscCall(PetscFree3((*fsai)->number, (*fsai)->node, (*fsai)->r));
  PetscCall(PetscFree(*fsai));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void FsaiScale_Private(GNNFsai w, GNNGraph g)
{
  for (PetscInt i = 0; i < g->n; i++) w->unit[i] = g->decoupled[i] ? 0.0 : 1.0 / PetscSqrtReal(PetscRealPart(g->at[g->diag[i]]));
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) w->as[p] = p == g->diag[i] ? 1.0 : w->unit[i] * g->at[p] * w->unit[g->j[p]];
  }
}

static int FsaiRowKey_Private(GNNFsai w, GNNGraph g, PetscInt i)
{
  PetscReal sum = 0.0;

  for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) sum += PetscAbsScalar(w->as[p]);
  return GNNFsaiKey(sum);
}

/* By a counting sort of the row sums' classes; rows of one class stay in their order, so that rounding in the sums is no matter */
static void FsaiOrder_Private(GNNFsai w, GNNGraph g, PCGNNSPAIOrder order)
{
  PetscInt next[GNN_FSAI_KEYS + 1] = {0};

  for (PetscInt i = 0; i < g->n; i++) w->rank[i] = i;
  if (order == PC_GNNSPAI_ORDER_NATURAL) return;
  for (PetscInt i = 0; i < g->n; i++) {
    w->rank[i] = FsaiRowKey_Private(w, g, i);
    next[w->rank[i] + 1]++;
  }
  for (PetscInt k = 0; k < GNN_FSAI_KEYS; k++) next[k + 1] += next[k];
  for (PetscInt i = 0; i < g->n; i++) w->rank[i] = next[w->rank[i]]++;
}

/* May row i use slot p of some row: is its column before i, and coupled? */
static inline PetscBool FsaiBefore_Private(GNNFsai w, GNNGraph g, PetscInt i, PetscInt p)
{
  return g->keep[p] != 0 && w->rank[g->j[p]] < w->rank[i] ? PETSC_TRUE : PETSC_FALSE;
}

static inline PetscInt FsaiNumber_Private(GNNFsai w, PetscInt j)
{
  if (w->number[j] < 0) {
    w->r[w->nnode]    = 0.0;
    w->node[w->nnode] = j;
    w->number[j]      = w->nnode++;
  }
  return w->number[j];
}

static void FsaiForget_Private(GNNFsai w)
{
  while (w->nnode > 0) w->number[w->node[--w->nnode]] = -1;
}

/* J from the row of A: above the threshold, or all where that is 0 */
static void FsaiSeed_Private(GNNFsai w, GNNGraph g, PetscInt i, PetscReal threshold)
{
  w->J.m = 0;
  for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
    const PetscReal a = PetscAbsScalar(w->as[p]);

    if ((threshold == 0.0 || a > threshold) && FsaiBefore_Private(w, g, i, p)) GNNFsaiInsert(&w->J, g->j[p], a);
  }
  GNNFsaiSort(&w->J);
}

/* Row k of T = As_JJ, up to its diagonal: by one walk along the row of As, or, where that is long, by looking up each of J in it; so a
   node that is coupled to all others, and is in J of all, costs no more than the others */
static void FsaiGatherRow_Private(GNNFsai w, GNNGraph g, PetscInt k, double T[])
{
  const PetscInt start = g->i[w->J.j[k]], end = g->i[w->J.j[k] + 1];

  for (PetscInt l = 0; l <= k; l++) T[l] = 0.0;
  if (end - start <= 8 * (k + 1)) {
    for (PetscInt p = start; p < end; p++) {
      const PetscInt l = w->number[g->j[p]];

      if (l >= 0 && l <= k) T[l] = PetscRealPart(w->as[p]);
    }
  } else {
    for (PetscInt l = 0; l <= k; l++) {
      const PetscInt p = GNNFsaiFind(g->j, start, end, w->J.j[l]);

      if (p >= 0) T[l] = PetscRealPart(w->as[p]);
    }
  }
}

/* T = As_JJ, b = As_Ji; the columns J get the numbers 0, 1, ... */
static void FsaiGather_Private(GNNFsai w, GNNGraph g, PetscInt i)
{
  for (PetscInt k = 0; k < w->J.m; k++) {
    (void)FsaiNumber_Private(w, w->J.j[k]);
    w->b[k] = 0.0;
  }
  for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
    if (w->number[g->j[p]] >= 0) w->b[w->number[g->j[p]]] = PetscRealPart(w->as[p]);
  }
  for (PetscInt k = 0; k < w->J.m; k++) FsaiGatherRow_Private(w, g, k, &w->T[GNN_FSAI_TRIANGLE(k, 0)]);
}

/* r += factor times row k of As, on the columns before i; As is 0 in slots that are not kept */
static PetscInt FsaiAdd_Private(GNNFsai w, GNNGraph g, PetscInt i, PetscInt k, PetscReal factor)
{
  const PetscInt rank = w->rank[i];

  for (PetscInt p = g->i[k]; p < g->i[k + 1]; p++) {
    if (w->rank[g->j[p]] < rank) w->r[FsaiNumber_Private(w, g->j[p])] += factor * PetscRealPart(w->as[p]);
  }
  return g->i[k + 1] - g->i[k];
}

/* next = columns of J and their neighbours that are above the threshold */
static void FsaiGrow_Private(GNNFsai w, GNNGraph g, PetscInt i, PetscReal threshold, PetscLogDouble *flops)
{
  PetscInt entries = FsaiAdd_Private(w, g, i, i, 1.0);

  for (PetscInt k = 0; k < w->J.m; k++) entries += FsaiAdd_Private(w, g, i, w->J.j[k], w->x[k]);
  w->next.m = 0;
  for (PetscInt k = 0; k < w->nnode; k++) {
    const double score = fabs(k < w->J.m ? w->x[k] : w->r[k]) * w->d;

    if (score > threshold) GNNFsaiInsert(&w->next, w->node[k], score);
  }
  GNNFsaiSort(&w->next);
  *flops += 2.0 * entries + w->nnode;
}

/* J, x and d of row i; PETSC_FALSE if As on J + {i} is not positive definite */
static PetscBool FsaiRow_Private(GNNFsai w, GNNGraph g, PetscInt i, const GNNFsaiOptions *options, PetscLogDouble *flops)
{
  const PetscInt stages = options->threshold > 0.0 ? options->stages : 0;

  FsaiSeed_Private(w, g, i, options->threshold);
  for (PetscInt stage = 0;; stage++) {
    PetscBool solved, last = stage == stages ? PETSC_TRUE : PETSC_FALSE;

    FsaiGather_Private(w, g, i);
    solved = GNNFsaiSolve(w->J.m, w->T, w->b, w->x, &w->d) ? PETSC_TRUE : PETSC_FALSE;
    *flops += GNNFsaiSolveFlops(w->J.m);
    if (solved && !last) {
      FsaiGrow_Private(w, g, i, options->threshold, flops);
      if (GNNFsaiSame(&w->J, &w->next)) last = PETSC_TRUE;
    }
    FsaiForget_Private(w);
    if (!solved || last) return solved;
    w->J = w->next;
  }
}

/* L_i = d (x, 1) of As, hence L_i diag(unit) of At, behind the k entries there are, columns ascending; the number of entries then */
static PetscInt FsaiStore_Private(GNNFsai w, PetscInt i, PetscInt k, GNNFactor f)
{
  PetscInt l = 0;

  for (; l < w->J.m && w->J.j[l] < i; l++, k++) {
    f->j[k] = w->J.j[l];
    f->v[k] = w->d * w->x[l] * w->unit[f->j[k]];
  }
  f->j[k]   = i;
  f->v[k++] = w->d * w->unit[i];
  for (; l < w->J.m; l++, k++) {
    f->j[k] = w->J.j[l];
    f->v[k] = w->d * w->x[l] * w->unit[f->j[k]];
  }
  return k;
}

PetscErrorCode GNNFsaiFill(GNNFactor f, GNNGraph g, const GNNFsaiOptions *options)
{
  PetscLogDouble flops = 4.0 * g->nz;
  PetscInt       k     = 0;
  GNNFsai        w;

  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(GNN_Fsai, 0, 0, 0, 0));
  if (f->fsai == NULL) PetscCall(FsaiCreate_Private(g, &f->fsai));
  w = f->fsai;
  FsaiScale_Private(w, g);
  FsaiOrder_Private(w, g, options->order);
  f->rows_failed = 0;
  for (PetscInt i = 0; i < g->n; i++) {
    f->i[i] = k;
    if (g->decoupled[i]) continue;
    PetscCall(GNNFactorReserve(f, k, k + GNN_FSAI_MAX + 1));
    if (!FsaiRow_Private(w, g, i, options, &flops)) { /* Jacobi's row */
      f->rows_failed++;
      w->J.m = 0;
      w->d   = 1.0;
    }
    k = FsaiStore_Private(w, i, k, f);
  }
  f->i[g->n] = k;
  PetscCall(PetscLogFlops(flops));
  PetscCall(PetscLogEventEnd(GNN_Fsai, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}
