/*
   The host: the reference that the device is tested against.
*/
#include "events.h"
#include "forward.h"
#include "fsairows.h"
#include "inference.h"
#include "place.h"

struct _n_GNNHost {
  GNNInference inference; /* work of the network; NULL before it runs */
  GNNReal     *out;       /* (nz) its output, */
  PetscBool    current;   /* for the graph's values */
  GNNFsai      fsai;      /* work of the classical factor's rows */
  PetscScalar *w, *x, *y; /* (n) work of the loss */
};

/* ---- a set-up ---- */

static PetscErrorCode Values_Host(GNNPlace at, Mat A, GNNScaling scaling)
{
  const PetscScalar *a;

  PetscFunctionBegin;
  PetscCall(MatSeqAIJGetArrayRead(A, &a));
  PetscCall(GNNGraphSetValues(at->g, scaling, a, &at->report.status));
  PetscCall(MatSeqAIJRestoreArrayRead(A, &a));
  at->report.row       = at->g->row - at->g->first * at->g->b;
  at->report.coupled   = at->g->ncoupled;
  at->report.asymmetry = at->g->asymmetry;
  at->matrix           = at->g->at;
  at->host->current    = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Forward_Host(GNNPlace at, GNNModel m, PetscReal alpha, PetscReal damping)
{
  struct _n_GNNHost *h = at->host;

  PetscFunctionBegin;
  if (!h->current) {
    PetscCall(PetscLogEventBegin(GNN_Forward, 0, 0, 0, 0));
    if (h->inference == NULL) {
      PetscCall(GNNInferenceCreate(m, at->g, &h->inference));
      PetscCall(PetscMalloc1(at->g->nz, &h->out));
    }
    PetscCall(GNNInferenceRun(h->inference, m, at->g, h->out));
    PetscCall(PetscLogFlops(GNNForwardFlops(m, at->g->nodes, at->g->slots)));
    PetscCall(PetscLogEventEnd(GNN_Forward, 0, 0, 0, 0));
    h->current = PETSC_TRUE;
  }
  GNNSlots(m, at->g, h->out, alpha, damping, at->slots, &at->report.replaced);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Start_Host(GNNPlace at, const GNNConfig *config, PetscReal damping, PetscScalar start[])
{
  const GNNGraph g = at->g;
  GNNStart       s = GNNConfigStart(config);

  PetscFunctionBegin;
  s.damping = (double)damping;
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) start[p] = g->keep[p] != 0 && GNNPatternHas(s.lower, i, g->j[p]) ? GNNStartEntry(&s, p == g->diag[i], (double)PetscRealPart(g->at[g->rev[p]])) : 0.0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill_Host(GNNPlace at, GNNPattern pattern)
{
  PetscFunctionBegin;
  PetscCall(GNNFactorFill(at->f, at->g, pattern, at->filter, at->slots));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Diagonal_Host(GNNPlace at, PETSC_UNUSED GNNPattern pattern)
{
  PetscFunctionBegin;
  GNNFactorFillJacobi(at->f, at->g);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All rows are Jacobi's where most are spoiled */
static PetscErrorCode Fsai_Host(GNNPlace at, PetscReal threshold, PetscBool grow)
{
  PetscReal rows[2] = {0, at->g->ncoupled};

  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(GNN_Fsai, 0, 0, 0, 0));
  PetscCall(GNNFsaiFill(&at->host->fsai, at->f, at->g, threshold, grow, &at->report.failed));
  rows[0] = at->report.failed;
  PetscCall(GNNHaloSum(at->g->halo, 2, rows));
  if (GNNFsaiSpoiled((PetscInt)rows[0], (PetscInt)rows[1])) {
    GNNFactorFillJacobi(at->f, at->g);
    at->report.failed = at->g->ncoupled;
  }
  PetscCall(PetscLogEventEnd(GNN_Fsai, 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Loss_Host(GNNPlace, PetscReal);

static PetscErrorCode Finish_Host(GNNPlace at, PetscReal epsilon, PetscBool loss)
{
  PetscFunctionBegin;
  GNNFactorShift(at->f, at->g, epsilon);
  if (loss) PetscCall(Loss_Host(at, epsilon));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nothing waits to be read here */
static PetscErrorCode Report_Host(PETSC_UNUSED GNNPlace at)
{
  return PETSC_SUCCESS;
}

/* ---- the product ---- */

static PetscErrorCode Store_Host(GNNPlace at, GNNPrecision precision)
{
  PetscFunctionBegin;
  PetscCall(GNNHaloUse(at->g->halo, at->f->i, at->f->j));
  PetscCall(GNNFactorStore(at->f, precision));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two triangular S and a full shift: 4 b^2 a node */
static PetscLogDouble ApplyFlops_Private(GNNFactor f)
{
  return 4.0 * f->i[f->n] + 4.0 * f->b * f->n;
}

static PetscErrorCode Apply_Host(GNNPlace at, Vec r, Vec z)
{
  const GNNFactor    f = at->f;
  const PetscScalar *rarray;
  PetscScalar       *zarray;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(r, &rarray));
  PetscCall(VecGetArrayWrite(z, &zarray));
  GNNFactorApply(f, rarray, zarray);
  PetscCall(VecRestoreArrayRead(r, &rarray));
  PetscCall(VecRestoreArrayWrite(z, &zarray));
  PetscCall(PetscLogFlops(ApplyFlops_Private(f)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Columns_Host(GNNPlace at, PetscInt count, const GNNColumns r[], GNNColumns z[])
{
  PetscFunctionBegin;
  GNNFactorApplyColumns(at->f, r, z);
  PetscCall(PetscLogFlops(count * ApplyFlops_Private(at->f)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fetch_Host(PETSC_UNUSED GNNPlace at, PETSC_UNUSED Mat A)
{
  return PETSC_SUCCESS;
}

static PetscInt Entries_Host(GNNPlace at)
{
  return at->f->i[at->f->n];
}

/* ---- what the guard computes with ---- */

static PetscErrorCode Free_Host(void *array)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(*(void **)array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create_Host(PETSC_UNUSED GNNPlace at, size_t bytes, void *array)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc(bytes, (void **)array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Read_Host(PETSC_UNUSED GNNPlace at, size_t bytes, const void *from, void *to)
{
  PetscFunctionBegin;
  PetscCall(PetscMemcpy(to, from, bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Probe_Host(GNNPlace at, PetscInt K, PetscScalar W[])
{
  const GNNGraph g = at->g;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt k = 0; k < K; k++) W[i * K + k] = g->decoupled[i] || !GNNGraphIsOwn(g, i / g->b) ? 0.0 : GNNProbeSign((unsigned long long)((g->offset + i) * GNN_PROBES + k));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Strengths_Host(GNNPlace at, PetscScalar m[])
{
  const GNNGraph g = at->g;

  PetscFunctionBegin;
  for (PetscInt p = 0; p < g->nz; p++) m[p] = GNNStrength(PetscRealPart(g->at[p]));
  for (PetscInt i = 0; i < g->n; i++) m[g->diag[i]] = 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobi_Host(GNNPlace at, const PetscScalar r[], PetscScalar z[])
{
  const GNNGraph g = at->g;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < g->n; i++) z[i] = g->decoupled[i] ? 0.0 : r[i] / g->at[g->diag[i]];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* For a K that the compiler knows. Row i gathers m x, and scatters its share of m^T x */
static inline void HostMultiplyRows_Private(GNNGraph g, PetscReal plain, PetscReal transposed, const PetscScalar m[], PetscInt K, const PetscScalar x[], PetscScalar y[])
{
  for (PetscInt i = g->first * g->b; i < g->last * g->b; i++) {
    PetscScalar sum[GNN_PROBES] = {0};

    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      const PetscScalar *xj = x + g->j[p] * K;
      PetscScalar       *yj = y + g->j[p] * K;

      if (plain != 0.0) {
        for (PetscInt k = 0; k < K; k++) sum[k] += m[p] * xj[k];
      }
      if (transposed != 0.0) {
        for (PetscInt k = 0; k < K; k++) yj[k] += transposed * m[p] * x[i * K + k];
      }
    }
    for (PetscInt k = 0; plain != 0.0 && k < K; k++) y[i * K + k] += plain * sum[k];
  }
}

static PetscErrorCode Multiply_Host(GNNPlace at, PetscReal plain, PetscReal transposed, const PetscScalar m[], PetscInt K, const PetscScalar x[], PetscReal beta, const PetscScalar v[], PetscScalar y[])
{
  const GNNGraph g = at->g;

  PetscFunctionBegin;
  PetscCall(GNNHaloRead(g->halo, K, x, &x));
  for (PetscInt k = 0; k < g->n * K; k++) y[k] = beta == 0.0 ? 0.0 : beta * v[k];
  if (transposed == 0.0 && K == 1) HostMultiplyRows_Private(g, plain, 0.0, m, 1, x, y);
  else if (transposed == 0.0) HostMultiplyRows_Private(g, plain, 0.0, m, GNN_PROBES, x, y);
  else if (plain == 0.0 && K == 1) HostMultiplyRows_Private(g, 0.0, transposed, m, 1, x, y);
  else if (plain == 0.0) HostMultiplyRows_Private(g, 0.0, transposed, m, GNN_PROBES, x, y);
  else HostMultiplyRows_Private(g, plain, transposed, m, K, x, y);
  if (transposed != 0.0) PetscCall(GNNHaloAdd(g->halo, K, y));
  PetscCall(PetscLogFlops((plain != 0.0 && transposed != 0.0 ? 5.0 : 2.0) * K * g->nz));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscReal HostDot_Private(PetscInt size, const PetscScalar x[], const PetscScalar y[])
{
  PetscReal sum = 0.0;

  for (PetscInt k = 0; k < size; k++) sum += PetscRealPart(x[k] * y[k]);
  return sum;
}

static PetscErrorCode Dot_Host(GNNPlace at, PetscInt size, const PetscScalar x[], const PetscScalar y[], PetscReal *dot)
{
  PetscFunctionBegin;
  *dot = HostDot_Private(size, x, y);
  PetscCall(GNNHaloSum(at->g->halo, 1, dot));
  PetscCall(PetscLogFlops(2.0 * size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline void HostAXPBY_Private(PetscInt size, PetscReal a, const PetscScalar x[], PetscReal b, const PetscScalar v[], PetscScalar y[])
{
  for (PetscInt k = 0; k < size; k++) y[k] = a * x[k] + (b == 0.0 ? 0.0 : b * v[k]);
}

static PetscErrorCode AXPBY_Host(PETSC_UNUSED GNNPlace at, PetscInt size, PetscReal a, const PetscScalar x[], PetscReal b, const PetscScalar v[], PetscScalar y[])
{
  PetscFunctionBegin;
  HostAXPBY_Private(size, a, x, b, v, y);
  PetscCall(PetscLogFlops(b == 0.0 ? 1.0 * size : 3.0 * size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step_Host(GNNPlace at, GNNStepsStage stage, PetscInt size, const PetscScalar x[], const PetscScalar y[], GNNSteps *steps, PetscBool *ended)
{
  PetscReal dot;

  PetscFunctionBegin;
  PetscCall(Dot_Host(at, size, x, y, &dot));
  GNNStepsTake(steps, stage, dot);
  *ended = steps->ended ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Update_Host(PETSC_UNUSED GNNPlace at, PetscInt size, const double c[2], const PetscScalar x[], PetscScalar y[])
{
  PetscFunctionBegin;
  HostAXPBY_Private(size, c[0], x, c[1], y, y);
  PetscCall(PetscLogFlops(c[1] == 0.0 ? 1.0 * size : 3.0 * size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Factor_Host(GNNPlace at, PetscReal epsilon, const PetscScalar r[], PetscScalar z[])
{
  const GNNFactor f = at->f;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < f->n; i++) z[i] = epsilon * r[i];
  PetscCall(GNNHaloRead(at->g->halo, 1, r, &r));
  GNN_FACTOR_PRODUCT(PetscScalar, f->n, f->i, f->j, f->v, r, z)
  PetscCall(GNNHaloAdd(at->g->halo, 1, z));
  PetscCall(PetscLogFlops(4.0 * f->i[f->n] + f->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Loss_Host(GNNPlace at, PetscReal epsilon)
{
  struct _n_GNNHost *h = at->host;
  const PetscInt     n = at->g->n;

  PetscFunctionBegin;
  if (h->w == NULL) PetscCall(PetscMalloc3(n, &h->w, n, &h->x, n, &h->y));
  PetscCall(Probe_Host(at, 1, h->w));
  PetscCall(Factor_Host(at, epsilon, h->w, h->x));
  PetscCall(Multiply_Host(at, 1.0, 0.0, at->g->at, 1, h->x, -1.0, h->w, h->y));
  PetscCall(Dot_Host(at, n, h->y, h->y, &at->report.loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_Host(GNNPlace at)
{
  struct _n_GNNHost *h = at->host;

  PetscFunctionBegin;
  PetscCall(GNNInferenceDestroy(&h->inference));
  PetscCall(GNNFsaiDestroy(&h->fsai));
  PetscCall(PetscFree(h->out));
  PetscCall(PetscFree3(h->w, h->x, h->y));
  PetscCall(PetscFree(at->slots));
  PetscCall(PetscFree(at->host));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const GNNPlaceOps GNNHostOps = {
  .values    = Values_Host,
  .forward   = Forward_Host,
  .start     = Start_Host,
  .fill      = Fill_Host,
  .diagonal  = Diagonal_Host,
  .fsai      = Fsai_Host,
  .finish    = Finish_Host,
  .report    = Report_Host,
  .store     = Store_Host,
  .apply     = Apply_Host,
  .columns   = Columns_Host,
  .fetch     = Fetch_Host,
  .entries   = Entries_Host,
  .destroy   = Destroy_Host,
  .create    = Create_Host,
  .free      = Free_Host,
  .read      = Read_Host,
  .probe     = Probe_Host,
  .strengths = Strengths_Host,
  .jacobi    = Jacobi_Host,
  .multiply  = Multiply_Host,
  .dot       = Dot_Host,
  .axpby     = AXPBY_Host,
  .step      = Step_Host,
  .update    = Update_Host,
  .factor    = Factor_Host,
};

PetscErrorCode GNNHostCreate(GNNPlace at, PetscBool slots)
{
  PetscFunctionBegin;
  at->ops  = &GNNHostOps;
  at->made = at->applied = "host";
  PetscCall(PetscNew(&at->host));
  if (slots) PetscCall(PetscMalloc1(at->g->nz, &at->slots));
  PetscFunctionReturn(PETSC_SUCCESS);
}
