/*
   Rows of the classical factor on the host, one after the other, each at the cost of its own entries: the neighbours of a row are numbered
   in the order they are met, through an index array that is cleared by the list of those numbered.

   A grown row, t the threshold (GNNFsaiThreshold()): J = {j before i: |As_ij| > t}; then some times: solve for L_i on J + {i} (fsairow.h),
   gradient r = As L_i^T, new J = {j in J: |L_ij| > t} + {j not in J: |r_j| > t}, unless it is empty.
   A row that has as many columns as it may have does not grow.
*/
#include "fsairows.h"
#define GNN_INDEX PetscInt
#include "fsairow.h"

/* Columns J of a row with what they were chosen by */
typedef struct {
  int      m, worst; /* of those inserted, where there are as many as may be */
  PetscInt j[GNN_FSAI_MAX];
  double   score[GNN_FSAI_MAX];
} Columns;

struct _n_GNNFsai {
  PetscScalar *as;   /* (nz) matrix with a unit diagonal on the kept slots; 0 elsewhere */
  PetscReal   *unit; /* (n) As = diag(unit) At diag(unit) */
  /* the neighbours of the row at hand: all are -1, 0 between rows */
  PetscInt  *number; /* (n) of a node among the neighbours, or -1 */
  PetscInt  *node;   /* (n) of a number */
  PetscReal *r;      /* (n) gradient by number */
  PetscInt   nnode;
  /* the dense row problem */
  Columns J, next;
  double  T[GNN_FSAI_TRIANGLE(GNN_FSAI_MAX + 1, 0)], x[GNN_FSAI_MAX + 1];
};

/* ---- columns ---- */

/* J keeps the GNN_FSAI_MAX best of the columns inserted */
static inline void ColumnsInsert_Private(Columns *J, PetscInt j, double score)
{
  int at = J->worst;

  if (J->m < GNN_FSAI_MAX) at = J->m++;
  else if (!GNNFsaiBetter(j, score, J->j[at], J->score[at])) return;
  J->j[at]     = j;
  J->score[at] = score;
  if (J->m < GNN_FSAI_MAX) return;
  J->worst = 0;
  for (int k = 1; k < J->m; k++) {
    if (GNNFsaiBetter(J->j[J->worst], J->score[J->worst], J->j[k], J->score[k])) J->worst = k;
  }
}

/* Columns ascending, by insertion; the scores are forgotten */
static inline void ColumnsSort_Private(Columns *J)
{
  for (int k = 1; k < J->m; k++) {
    const PetscInt j = J->j[k];
    int            l = k;

    for (; l > 0 && J->j[l - 1] > j; l--) J->j[l] = J->j[l - 1];
    J->j[l] = j;
  }
}

static inline PetscBool ColumnsSame_Private(const Columns *a, const Columns *b)
{
  if (a->m != b->m) return PETSC_FALSE;
  for (int k = 0; k < a->m; k++) {
    if (a->j[k] != b->j[k]) return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

/* ---- matrix and order ---- */

static PetscErrorCode FsaiCreate_Private(GNNGraph g, GNNFsai *fsai)
{
  GNNFsai w;

  PetscFunctionBegin;
  PetscCall(PetscNew(&w));
  PetscCall(PetscMalloc2(g->nz, &w->as, g->n, &w->unit));
  PetscCall(PetscMalloc3(g->n, &w->number, g->n, &w->node, g->n, &w->r));
  for (PetscInt i = 0; i < g->n; i++) w->number[i] = -1;
  *fsai = w;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNFsaiDestroy(GNNFsai *fsai)
{
  PetscFunctionBegin;
  if (*fsai == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree2((*fsai)->as, (*fsai)->unit));
  PetscCall(PetscFree3((*fsai)->number, (*fsai)->node, (*fsai)->r));
  PetscCall(PetscFree(*fsai));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline void FsaiScale_Private(GNNFsai w, GNNGraph g)
{
  for (PetscInt i = 0; i < g->n; i++) w->unit[i] = g->decoupled[i] ? 0.0 : GNNFsaiUnit(PetscRealPart(g->at[g->diag[i]]));
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) w->as[p] = p == g->diag[i] ? 1.0 : GNNFsaiScaled(w->unit[i], PetscRealPart(g->at[p]), w->unit[g->j[p]]);
  }
}

/* ---- one row ---- */

static inline PetscInt FsaiNumber_Private(GNNFsai w, PetscInt j)
{
  if (w->number[j] < 0) {
    w->r[w->nnode]    = 0.0;
    w->node[w->nnode] = j;
    w->number[j]      = w->nnode++;
  }
  return w->number[j];
}

static inline void FsaiForget_Private(GNNFsai w)
{
  while (w->nnode > 0) w->number[w->node[--w->nnode]] = -1;
}

/* The largest |As_ij| off the diagonal, also behind i */
static inline PetscReal FsaiLargest_Private(GNNFsai w, GNNGraph g, PetscInt i)
{
  PetscReal largest = 0.0;

  for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
    if (p != g->diag[i]) largest = PetscMax(largest, PetscAbsScalar(w->as[p]));
  }
  return largest;
}

/* J from the row of A: coupled columns before i, above the threshold, or all where that is 0 */
static inline void FsaiSeed_Private(GNNFsai w, GNNGraph g, PetscInt i, PetscReal threshold)
{
  w->J.m = 0;
  for (PetscInt p = g->i[i]; p < g->diag[i]; p++) {
    const PetscReal a = PetscAbsScalar(w->as[p]);

    if (g->keep[p] && (threshold == 0.0 || a > threshold)) ColumnsInsert_Private(&w->J, g->j[p], a);
  }
  ColumnsSort_Private(&w->J);
}

/* Row k of T, up to its diagonal: by one walk along the row of As, or, where that is long, by looking up each column in it; so a node that
   is coupled to all others, and is in J of all, costs no more than the others */
static inline void FsaiGatherRow_Private(GNNFsai w, GNNGraph g, PetscInt k, double T[])
{
  const PetscInt start = g->i[w->node[k]], end = g->i[w->node[k] + 1];

  for (PetscInt l = 0; l <= k; l++) T[l] = 0.0;
  if (end - start <= 8 * (k + 1)) {
    for (PetscInt p = start; p < end; p++) {
      const PetscInt l = w->number[g->j[p]];

      if (l >= 0 && l <= k) T[l] = PetscRealPart(w->as[p]);
    }
  } else {
    for (PetscInt l = 0; l <= k; l++) {
      const PetscInt p = GNNFsaiFind(g->j, start, end, w->node[l]);

      if (p >= 0) T[l] = PetscRealPart(w->as[p]);
    }
  }
}

/* T = As on J + {i}; J gets the numbers 0, 1, ..., and i gets m */
static inline void FsaiGather_Private(GNNFsai w, GNNGraph g, PetscInt i)
{
  for (PetscInt k = 0; k < w->J.m; k++) (void)FsaiNumber_Private(w, w->J.j[k]);
  (void)FsaiNumber_Private(w, i);
  for (PetscInt k = 0; k <= w->J.m; k++) FsaiGatherRow_Private(w, g, k, &w->T[GNN_FSAI_TRIANGLE(k, 0)]);
}

/* r += factor times row k of As, on the columns before i; As is 0 in slots that are not kept */
static inline PetscInt FsaiAdd_Private(GNNFsai w, GNNGraph g, PetscInt i, PetscInt k, PetscReal factor)
{
  for (PetscInt p = g->i[k]; p < g->i[k + 1]; p++) {
    if (g->j[p] < i) w->r[FsaiNumber_Private(w, g->j[p])] += factor * PetscRealPart(w->as[p]);
  }
  return g->i[k + 1] - g->i[k];
}

/* next = columns of J and their neighbours that are above the threshold, for which L's entries count as well; number m is i itself */
static inline void FsaiGrow_Private(GNNFsai w, GNNGraph g, PetscInt i, PetscReal tau, PetscReal largest, PetscLogDouble *flops)
{
  const PetscInt m = w->J.m, length = g->i[i + 1] - g->i[i];
  PetscInt       entries = 0;
  PetscReal      threshold;

  for (PetscInt k = 0; k <= m; k++) {
    const PetscInt node = w->node[k];

    if (k < m) largest = PetscMax(largest, PetscAbsReal(w->x[k]));
    if (GNNFsaiWalks(g->i[node + 1] - g->i[node], length)) entries += FsaiAdd_Private(w, g, i, node, w->x[k]);
  }
  threshold = GNNFsaiThreshold(tau, largest);
  w->next.m = 0;
  for (PetscInt k = 0; k < w->nnode; k++) {
    const double score = fabs(k < m ? w->x[k] : w->r[k]);

    if (k != m && score > threshold) ColumnsInsert_Private(&w->next, w->node[k], score);
  }
  ColumnsSort_Private(&w->next);
  *flops += 2.0 * entries;
}

/* J and x of row i; PETSC_FALSE if As on J + {i} is not positive definite */
static inline PetscBool FsaiRow_Private(GNNFsai w, GNNGraph g, PetscInt i, PetscReal threshold, PetscLogDouble *flops)
{
  const PetscReal largest = FsaiLargest_Private(w, g, i);

  FsaiSeed_Private(w, g, i, GNNFsaiThreshold(threshold, largest));
  for (int stage = 0;; stage++) {
    PetscBool solved, last = stage == GNNFsaiStages(threshold) || w->J.m == GNN_FSAI_MAX ? PETSC_TRUE : PETSC_FALSE;

    FsaiGather_Private(w, g, i);
    solved = GNNFsaiSolve(w->J.m, w->T, w->x) ? PETSC_TRUE : PETSC_FALSE;
    *flops += GNNFsaiSolveFlops(w->J.m);
    if (solved && !last) {
      FsaiGrow_Private(w, g, i, threshold, largest, flops);
      if (w->next.m == 0 || ColumnsSame_Private(&w->J, &w->next)) last = PETSC_TRUE;
    }
    FsaiForget_Private(w);
    if (!solved || last) return solved;
    w->J = w->next;
  }
}

/* ---- the factor ---- */

/* L_i of As, hence L_i diag(unit) of At, behind the k entries there are, columns ascending; the number of entries then */
static inline PetscInt FsaiStore_Private(GNNFsai w, PetscInt i, PetscInt k, GNNFactor f)
{
  for (int l = 0; l < w->J.m; l++, k++) {
    f->j[k] = w->J.j[l];
    f->v[k] = w->x[l] * w->unit[f->j[k]];
  }
  f->j[k] = i;
  f->v[k] = w->x[w->J.m] * w->unit[i];
  return k + 1;
}

PetscErrorCode GNNFsaiFill(GNNFsai *fsai, GNNFactor f, GNNGraph g, PetscReal threshold, PetscInt *failed)
{
  PetscLogDouble flops = 4.0 * g->nz;
  PetscInt       k     = 0;
  GNNFsai        w;

  PetscFunctionBegin;
  if (*fsai == NULL) PetscCall(FsaiCreate_Private(g, fsai));
  w = *fsai;
  FsaiScale_Private(w, g);
  *failed = 0;
  for (PetscInt i = 0; i < g->n; i++) {
    f->i[i] = k;
    if (g->decoupled[i]) continue;
    PetscCall(GNNFactorReserve(f, k, k + GNN_FSAI_MAX + 1));
    if (!FsaiRow_Private(w, g, i, threshold, &flops)) { /* Jacobi's row */
      (*failed)++;
      w->J.m  = 0;
      w->x[0] = 1.0;
    }
    k = FsaiStore_Private(w, i, k, f);
  }
  f->i[g->n] = k;
  PetscCall(PetscLogFlops(flops));
  PetscFunctionReturn(PETSC_SUCCESS);
}
