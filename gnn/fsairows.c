/*
   Rows of the classical factor on the host, one after the other, each at the cost of its own entries, and with few branches that depend on them:
   what is not wanted goes where it is no harm.

   A grown row, t the threshold (GNNFsaiThreshold()): J = {j before i: |As_ij| > t}; then some times: solve for L_i on J + {i} (fsairow.h),
   gradient r = As L_i^T, new J = {j in J: |L_ij| > t} + {j not in J: |r_j| > t}, unless it is empty.
   A row that has as many columns as it may have does not grow.
*/
#include "fsairows.h"
#define GNN_INDEX PetscInt
#include "fsairow.h"

struct _n_GNNFsai {
  PetscScalar *as;   /* (nz) matrix with a unit diagonal on the kept slots; 0 elsewhere */
  PetscReal   *unit; /* (n) As = diag(unit) At diag(unit) */
  /* of the row at hand */
  unsigned char *number;    /* (n) 1 + which of the columns J + {i} it is, or 0; all are 0 between rows */
  PetscReal     *r;         /* (n) gradient, likewise */
  PetscInt      *candidate; /* columns that may come into J: entries of J's rows, some columns more than once, and then once; */
  PetscReal     *score;     /* what they are chosen by */
  /* the pattern of the last growth, if it may be kept */
  PetscBool kept;
  PetscReal threshold; /* by which it was grown */
  PetscInt *i, *j;     /* CSR, columns ascending */
  PetscInt  size;      /* of j */
};

/* The dense row problem: J, i behind it; GNNFsaiSolve(). The entry before a column of T belongs to nobody */
#define SIZE (GNN_FSAI_MAX + 2 * GNN_FSAI_LANES)
typedef struct {
  int      m;
  PetscInt J[GNN_FSAI_MAX + 1], next[GNN_FSAI_MAX];
  _Alignas(64) double memory[GNN_FSAI_LANES + (GNN_FSAI_MAX + 1) * SIZE], L[(GNN_FSAI_MAX + 1) * SIZE], x[SIZE];
} Row;

PetscInt GNNFsaiReach(PetscReal threshold)
{
  return 1 + GNNFsaiStages(threshold);
}

/* ---- columns ---- */

/* The worst of the first GNN_FSAI_MAX candidates */
static PetscInt CandidatesWorst_Private(GNNFsai w)
{
  PetscInt worst = 0;

  for (PetscInt l = 1; l < GNN_FSAI_MAX; l++) {
    if (GNNFsaiBetter(w->candidate[worst], w->score[worst], w->candidate[l], w->score[l])) worst = l;
  }
  return worst;
}

/* The GNN_FSAI_MAX best of more candidates come first */
static void CandidatesBest_Private(GNNFsai w, PetscInt count)
{
  PetscInt worst = CandidatesWorst_Private(w);

  for (PetscInt k = GNN_FSAI_MAX; k < count; k++) {
    if (!GNNFsaiBetter(w->candidate[k], w->score[k], w->candidate[worst], w->score[worst])) continue;
    w->candidate[worst] = w->candidate[k];
    w->score[worst]     = w->score[k];
    worst               = CandidatesWorst_Private(w);
  }
}

/* J = the candidates, ascending; was it that before? */
static inline PetscBool RowAdopt_Private(Row *row, GNNFsai w, PetscInt i, PetscInt count)
{
  const PetscInt *candidate = w->candidate;
  PetscInt        differs;

  if (count > GNN_FSAI_MAX) {
    CandidatesBest_Private(w, count);
    count = GNN_FSAI_MAX;
  }
  differs = row->m - count;
  for (int l = 0; l < GNN_FSAI_LANES; l++) w->candidate[count + l] = PETSC_MAX_INT;
  for (PetscInt k = 0; k < count; k++) {
    PetscInt place = 0;

    for (PetscInt first = 0; first < count; first += GNN_FSAI_LANES) {
      for (int l = 0; l < GNN_FSAI_LANES; l++) place += candidate[first + l] < candidate[k];
    }
    differs |= row->J[place] ^ candidate[k];
    row->next[place] = candidate[k];
  }
  for (PetscInt k = 0; k < count; k++) row->J[k] = row->next[k];
  row->J[count] = i;
  row->m        = (int)count;
  return differs == 0 ? PETSC_TRUE : PETSC_FALSE;
}

/* ---- matrix ---- */

static PetscErrorCode FsaiCreate_Private(GNNGraph g, GNNFsai *fsai)
{
  PetscInt longest = 0, most;
  GNNFsai  w;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < g->n; i++) longest = PetscMax(longest, g->i[i + 1] - g->i[i]);
  most = (longest > g->nz / (GNN_FSAI_MAX + 1) ? g->nz : (GNN_FSAI_MAX + 1) * longest) + GNN_FSAI_MAX + GNN_FSAI_LANES; /* with J before them */
  PetscCall(PetscNew(&w));
  PetscCall(PetscMalloc3(g->nz, &w->as, g->n, &w->unit, g->n + 1, &w->i));
  PetscCall(PetscCalloc2(g->n, &w->number, g->n, &w->r));
  PetscCall(PetscMalloc2(most, &w->candidate, most, &w->score));
  *fsai = w;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNFsaiDestroy(GNNFsai *fsai)
{
  PetscFunctionBegin;
  if (*fsai == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree3((*fsai)->as, (*fsai)->unit, (*fsai)->i));
  PetscCall(PetscFree2((*fsai)->number, (*fsai)->r));
  PetscCall(PetscFree2((*fsai)->candidate, (*fsai)->score));
  PetscCall(PetscFree((*fsai)->j));
  PetscCall(PetscFree(*fsai));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void FsaiScale_Private(GNNFsai w, GNNGraph g)
{
  for (PetscInt i = 0; i < g->n; i++) w->unit[i] = g->decoupled[i] ? 0.0 : GNNFsaiUnit(PetscRealPart(g->at[g->diag[i]]));
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) w->as[p] = GNNFsaiScaled(w->unit[i], PetscRealPart(g->at[p]), w->unit[g->j[p]]);
    w->as[g->diag[i]] = 1.0;
  }
}

/* Has the last growth left columns for this threshold, and for the rows that are coupled now? */
static PetscBool FsaiMayKeep_Private(GNNFsai w, GNNGraph g, PetscReal threshold)
{
  PetscInt changed = 0;

  if (!w->kept || w->threshold != threshold) return PETSC_FALSE;
  for (PetscInt i = g->first * g->b; i < g->last * g->b; i++) changed += g->decoupled[i] != (w->i[i + 1] == w->i[i]);
  return changed == 0 ? PETSC_TRUE : PETSC_FALSE;
}

/* The factor's pattern is one that may be kept */
static PetscErrorCode FsaiKeep_Private(GNNFsai w, GNNFactor f, PetscReal threshold)
{
  const PetscInt nz = f->i[f->n];

  PetscFunctionBegin;
  if (w->size < nz) {
    PetscCall(PetscFree(w->j));
    PetscCall(PetscMalloc1(nz, &w->j));
    w->size = nz;
  }
  PetscCall(PetscArraycpy(w->i, f->i, f->n + 1));
  PetscCall(PetscArraycpy(w->j, f->j, nz));
  w->threshold = threshold;
  w->kept      = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- one row ---- */

/* The largest |As_ij| off the diagonal, also behind i */
static inline PetscReal FsaiLargest_Private(GNNFsai w, GNNGraph g, PetscInt i)
{
  PetscReal largest = 0.0;

  for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
    const PetscReal a = p == g->diag[i] ? 0.0 : PetscAbsScalar(w->as[p]);

    largest = a > largest ? a : largest;
  }
  return largest;
}

/* J from the row of A: coupled columns before i, above the threshold, or all where that is 0 */
static inline void FsaiSeed_Private(GNNFsai w, GNNGraph g, PetscInt i, PetscReal threshold, Row *row)
{
  PetscInt count = 0;

  for (PetscInt p = g->i[i]; p < g->diag[i]; p++) {
    const PetscReal score = PetscAbsScalar(w->as[p]);

    w->candidate[count] = g->j[p];
    w->score[count]     = score;
    count += score > threshold || (threshold == 0.0 && g->keep[p] != 0);
  }
  (void)RowAdopt_Private(row, w, i, count);
}

/* Column k of T from its diagonal on: by one walk along the row of As, what is in no row of T going before the column; or, where that is long, by looking
   up each row in it, so that a node that is coupled to all others, and is in J of all, costs no more than the others */
static inline void FsaiGatherColumn_Private(GNNFsai w, GNNGraph g, const Row *row, int k, double T[])
{
  const PetscInt       i = row->J[row->m], start = g->diag[row->J[k]] + 1, end = g->i[row->J[k] + 1], *j = g->j;
  const unsigned char *number = w->number;
  const PetscScalar   *as     = w->as;

  T[k] = 1.0;
  if (end - start <= 8 * (row->m + 1)) {
    for (PetscInt p = start; p < end && j[p] <= i; p++) T[(int)number[j[p]] - 1] = PetscRealPart(as[p]);
  } else {
    for (int l = k + 1; l <= row->m; l++) {
      const PetscInt p = GNNFsaiFind(j, start, end, row->J[l]);

      if (p >= 0) T[l] = PetscRealPart(as[p]);
    }
  }
}

/* The row on J, columns being of that size; PETSC_FALSE if As on J + {i} is not positive definite */
static inline PetscBool FsaiSolveSize_Private(GNNFsai w, GNNGraph g, Row *row, int size)
{
  const int m = row->m;
  double   *T = row->memory + GNN_FSAI_LANES;

  for (int k = 0; k <= m; k++) GNNFsaiClear(size, &T[k * size]);
  for (int k = 0; k <= m; k++) w->number[row->J[k]] = (unsigned char)(k + 1);
  for (int k = 0; k <= m; k++) FsaiGatherColumn_Private(w, g, row, k, &T[k * size]);
  for (int k = 0; k <= m; k++) {
    w->number[row->J[k]] = 0;
    T[k * size - 1]      = 0.0;
  }
  return GNNFsaiSolve(m, size, T, row->L, row->x) ? PETSC_TRUE : PETSC_FALSE;
}

static PetscBool FsaiSolve_Private(GNNFsai w, GNNGraph g, Row *row)
{
  const int size = GNNFsaiPadded(row->m);

  if (size == GNN_FSAI_LANES) return FsaiSolveSize_Private(w, g, row, GNN_FSAI_LANES);
  if (size == 2 * GNN_FSAI_LANES) return FsaiSolveSize_Private(w, g, row, 2 * GNN_FSAI_LANES);
  return FsaiSolveSize_Private(w, g, row, size);
}

/* r = As L_i^T on the columns before i, which are candidates behind J, some more than once; As is 0 in slots that are not kept. How many they are then */
static inline PetscInt FsaiGradient_Private(GNNFsai w, GNNGraph g, PetscInt i, const Row *row, PetscLogDouble *flops)
{
  const PetscInt     length = g->i[i + 1] - g->i[i], *j = g->j;
  const PetscScalar *as   = w->as;
  PetscReal         *r    = w->r;
  PetscInt          *next = w->candidate + row->m, entries = 0;

  for (int k = 0; k <= row->m; k++) {
    const PetscInt start = g->i[row->J[k]], end = g->i[row->J[k] + 1];

    if (!GNNFsaiWalks(end - start, length)) continue;
    entries += end - start;
    for (PetscInt p = start; p < end && j[p] < i; p++) {
      r[j[p]] += row->x[k] * PetscRealPart(as[p]);
      *next++ = j[p];
    }
  }
  *flops += 2.0 * entries;
  return (PetscInt)(next - w->candidate);
}

/* The candidates that are above the threshold, each once; r is 0 again */
static inline PetscInt FsaiTake_Private(GNNFsai w, const Row *row, PetscInt candidates, PetscReal threshold)
{
  PetscInt  *candidate = w->candidate, count = 0;
  PetscReal *score = w->score, *r = w->r;

  for (int k = 0; k < row->m; k++) r[row->J[k]] = 0.0;
  for (PetscInt k = 0; k < candidates; k++) {
    const PetscInt  j = k < row->m ? row->J[k] : candidate[k];
    const PetscReal s = PetscAbsReal(k < row->m ? row->x[k] : r[j]);

    r[j]             = 0.0;
    candidate[count] = j;
    score[count]     = s;
    count += s > threshold;
  }
  return count;
}

/* J = columns of J and their neighbours that are above the threshold, for which L's entries count as well; PETSC_FALSE if it stays what it was */
static inline PetscBool FsaiGrow_Private(GNNFsai w, GNNGraph g, PetscInt i, PetscReal tau, PetscReal largest, Row *row, PetscLogDouble *flops)
{
  const PetscInt candidates = FsaiGradient_Private(w, g, i, row, flops);
  PetscInt       count;

  for (int k = 0; k < row->m; k++) largest = PetscMax(largest, PetscAbsReal(row->x[k]));
  count = FsaiTake_Private(w, row, candidates, GNNFsaiThreshold(tau, largest, g->i[i + 1] - g->i[i]));
  return count > 0 && !RowAdopt_Private(row, w, i, count) ? PETSC_TRUE : PETSC_FALSE;
}

/* J and x of row i; PETSC_FALSE if As on J + {i} is not positive definite */
static inline PetscBool FsaiRow_Private(GNNFsai w, GNNGraph g, PetscInt i, PetscReal threshold, Row *row, PetscLogDouble *flops)
{
  const PetscReal largest = threshold > 0.0 ? FsaiLargest_Private(w, g, i) : 0.0;

  row->m = -1;
  FsaiSeed_Private(w, g, i, GNNFsaiThreshold(threshold, largest, g->i[i + 1] - g->i[i]), row);
  for (int stage = 0;; stage++) {
    *flops += GNNFsaiSolveFlops(row->m);
    if (!FsaiSolve_Private(w, g, row)) return PETSC_FALSE;
    if (stage == GNNFsaiStages(threshold) || row->m == GNN_FSAI_MAX) return PETSC_TRUE;
    if (!FsaiGrow_Private(w, g, i, threshold, largest, row, flops)) return PETSC_TRUE;
  }
}

/* The same in the columns that it has */
static inline PetscBool FsaiKept_Private(GNNFsai w, GNNGraph g, PetscInt i, Row *row, PetscLogDouble *flops)
{
  row->m = (int)(w->i[i + 1] - w->i[i]) - 1;
  memcpy(row->J, w->j + w->i[i], (size_t)(row->m + 1) * sizeof(*row->J));
  *flops += GNNFsaiSolveFlops(row->m);
  return FsaiSolve_Private(w, g, row);
}

/* ---- the factor ---- */

/* L_i of As, hence L_i diag(unit) of At, behind the k entries there are, columns ascending; the number of entries then */
static inline PetscInt FsaiStore_Private(GNNFsai w, const Row *row, PetscInt k, GNNFactor f)
{
  for (int l = 0; l <= row->m; l++) {
    f->j[k + l] = row->J[l];
    f->v[k + l] = row->x[l] * w->unit[row->J[l]];
  }
  return k + row->m + 1;
}

static PetscErrorCode FsaiRows_Private(GNNFsai w, GNNFactor f, GNNGraph g, PetscReal threshold, PetscBool grow, PetscInt *failed)
{
  PetscLogDouble flops = 4.0 * g->nz;
  PetscInt       k     = 0;
  Row            row;

  PetscFunctionBegin;
  *failed = 0;
  PetscCall(PetscArrayzero(row.J, GNN_FSAI_MAX + 1));
  GNNFactorBegin(f, g);
  for (PetscInt i = g->first * g->b; i < g->last * g->b; i++) {
    f->i[i] = k;
    if (g->decoupled[i]) continue;
    PetscCall(GNNFactorReserve(f, k, k + GNN_FSAI_MAX + 1));
    if (!(grow ? FsaiRow_Private(w, g, i, threshold, &row, &flops) : FsaiKept_Private(w, g, i, &row, &flops))) { /* Jacobi's row */
      (*failed)++;
      row.m    = 0;
      row.J[0] = i;
      row.x[0] = 1.0;
    }
    k = FsaiStore_Private(w, &row, k, f);
  }
  GNNFactorEnd(f, g, k);
  PetscCall(PetscLogFlops(flops));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNFsaiFill(GNNFsai *fsai, GNNFactor f, GNNGraph g, PetscReal threshold, PetscBool grow, PetscInt *failed)
{
  GNNFsai w;

  PetscFunctionBegin;
  if (*fsai == NULL) PetscCall(FsaiCreate_Private(g, fsai));
  w = *fsai;
  if (!FsaiMayKeep_Private(w, g, threshold)) grow = PETSC_TRUE;
  FsaiScale_Private(w, g);
  if (grow) w->kept = PETSC_FALSE;
  PetscCall(FsaiRows_Private(w, f, g, threshold, grow, failed));
  if (grow && *failed == 0) PetscCall(FsaiKeep_Private(w, f, threshold));
  PetscFunctionReturn(PETSC_SUCCESS);
}
