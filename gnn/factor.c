/*
   The factor: assembled from the network's output, applied by rows of G^T.
*/
#include "fsai.h"
#include "layout.h"

/* Room for size entries; the first kept stay */
PetscErrorCode GNNFactorReserve(GNNFactor f, PetscInt kept, PetscInt size)
{
  PetscInt    *j;
  PetscScalar *v;

  PetscFunctionBegin;
  if (size <= f->size) PetscFunctionReturn(PETSC_SUCCESS);
  f->size = PetscMax(size, f->size + f->size / 2);
  PetscCall(PetscMalloc2(f->size, &j, f->size, &v));
  PetscCall(PetscArraycpy(j, f->j, kept));
  PetscCall(PetscArraycpy(v, f->v, kept));
  PetscCall(PetscFree2(f->j, f->v));
  f->j = j;
  f->v = v;
  if (f->single) {
    PetscCall(PetscFree(f->vs));
    PetscCall(PetscMalloc1(f->size, &f->vs));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNFactorCreate(GNNGraph g, PetscBool single, GNNFactor *factor)
{
  GNNFactor f;

  PetscFunctionBegin;
  PetscCall(PetscNew(&f));
  f->b      = g->b;
  f->n      = g->n;
  f->single = single;
  f->loss   = -1.0;
  PetscCall(PetscMalloc4(g->n + 1, &f->i, g->n * g->b, &f->s, g->n * g->b, &f->shift, g->n, &f->work));
  PetscCall(GNNFactorReserve(f, 0, g->nz));
  *factor = f;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNFactorDestroy(GNNFactor *factor)
{
  PetscFunctionBegin;
  if (*factor == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GNNFsaiDestroy(&(*factor)->fsai));
  PetscCall(GNNGuardDestroy(&(*factor)->guard));
  PetscCall(PetscFree((*factor)->slots));
  PetscCall(PetscFree4((*factor)->i, (*factor)->s, (*factor)->shift, (*factor)->work));
  PetscCall(PetscFree2((*factor)->j, (*factor)->v));
  PetscCall(PetscFree((*factor)->vs));
  PetscCall(PetscFree(*factor));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNFactorSlots(GNNModel m, GNNGraph g, const GNNReal net[], PetscScalar gt[], PetscInt *replaced)
{
  const GNNConfig *config = &m->config;

  PetscFunctionBegin;
  *replaced = 0;
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      const PetscBool diagonal = p == g->diag[i] ? PETSC_TRUE : PETSC_FALSE;
      PetscScalar     by_c0, by_c1;

      gt[p] = 0.0;
      if (g->keep[p] == 0 || !GNNPatternHas(config->pattern, i, g->j[p])) continue;
      GNNFactorStartTerms(config->output, config->pattern, diagonal, g->at[g->rev[p]], &by_c0, &by_c1);
      gt[p] = m->net->c[0] * by_c0 + m->net->c[1] * by_c1 + net[GNNGraphOutput(g, i, p)];
      if (PetscIsInfOrNanScalar(gt[p])) {
        gt[p] = diagonal ? 1.0 : 0.0;
        (*replaced)++;
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows of G^T from its slots that are kept and in the pattern */
void GNNFactorFill(GNNFactor f, GNNGraph g, GNNPattern pattern, const PetscScalar gt[])
{
  PetscInt k = 0;

  for (PetscInt i = 0; i < g->n; i++) {
    f->i[i] = k;
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      if (g->keep[p] == 0 || !GNNPatternHas(pattern, i, g->j[p])) continue;
      f->j[k]   = g->j[p];
      f->v[k++] = gt[p];
    }
  }
  f->i[g->n] = k;
}

/* G = D^-1/2 of the scaled system: M^-1 is Jacobi's */
static void FactorFillJacobi_Private(GNNFactor f, GNNGraph g)
{
  PetscInt k = 0;

  for (PetscInt i = 0; i < g->n; i++) {
    f->i[i] = k;
    if (g->decoupled[i]) continue;
    f->j[k]   = i;
    f->v[k++] = 1.0 / PetscSqrtScalar(g->at[g->diag[i]]);
  }
  f->i[g->n] = k;
}

/* What M^-1 has beside S G G^T S^T. Decoupled rows couple to each other only, if at all: inside an isolated node */
static void FactorShift_Private(GNNFactor f, GNNGraph g, PetscReal epsilon)
{
  const PetscInt b = f->b;

  for (PetscInt i = 0; i < f->n / b; i++) {
    const PetscScalar *S = g->s + i * b * b, *inverse = g->inverse + i * b * b;

    for (PetscInt k = 0; k < b * b; k++) {
      const PetscInt  r = k / b, c = k % b;
      const PetscBool decoupled = g->decoupled[i * b + r] || g->decoupled[i * b + c] ? PETSC_TRUE : PETSC_FALSE;

      f->s[i * b * b + k]     = S[k];
      f->shift[i * b * b + k] = decoupled ? inverse[k] : GNNBlockShift(b, epsilon, S, r, c);
    }
  }
}

/* Scaling, shift and copy in single precision of a factor whose rows are there */
static void FactorFinish_Private(GNNFactor f, GNNGraph g, PetscReal epsilon)
{
  FactorShift_Private(f, g, f->alpha == GNN_GUARD_JACOBI ? 0.0 : epsilon);
  if (f->single) {
    for (PetscInt k = 0; k < f->i[f->n]; k++) f->vs[k] = (float)PetscRealPart(f->v[k]);
  }
}

PetscErrorCode GNNFactorAssembleFsai(GNNFactor f, GNNGraph g, PetscReal threshold, PetscReal epsilon)
{
  PetscFunctionBegin;
  PetscCall(GNNFsaiFill(f, g, threshold));
  if (GNNFsaiSpoiled(f->rows_failed, g->ncoupled)) {
    PetscCall(GNNFsaiFill(f, g, GNN_FSAI_NONE));
    f->rows_failed = g->ncoupled;
  }
  f->alpha = GNN_GUARD_FSAI;
  FactorFinish_Private(f, g, epsilon);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From alpha and the slots to a factor that is ready */
static void FactorUseSlots_Private(GNNFactor f, GNNModel m, GNNGraph g, PetscReal epsilon)
{
  if (f->alpha == GNN_GUARD_JACOBI) FactorFillJacobi_Private(f, g);
  else GNNFactorFill(f, g, m->config.pattern, f->slots);
  FactorFinish_Private(f, g, epsilon);
}

/* alpha by the guard, or 1, for the network's slots that are there */
static PetscErrorCode FactorChoose_Private(GNNFactor f, GNNModel m, GNNGraph g, PetscReal epsilon, PetscBool guard)
{
  PetscFunctionBegin;
  f->rows_failed = 0;
  f->alpha = f->damping = 1.0;
  if (guard) PetscCall(GNNGuardChoose(&f->guard, &m->config, g, NULL, f->slots, epsilon, &f->alpha, &f->damping));
  FactorUseSlots_Private(f, m, g, epsilon);
  if (guard) PetscCall(GNNGuardLoss(f->guard, f, epsilon, &f->loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FactorReserveSlots_Private(GNNFactor f, GNNGraph g)
{
  PetscFunctionBegin;
  if (f->slots == NULL) PetscCall(PetscMalloc1(g->nz, &f->slots));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNFactorAssemble(GNNFactor f, GNNModel m, GNNGraph g, const GNNReal net[], PetscReal epsilon, PetscBool guard)
{
  PetscFunctionBegin;
  PetscCall(FactorReserveSlots_Private(f, g));
  PetscCall(GNNFactorSlots(m, g, net, f->slots, &f->replaced));
  PetscCall(FactorChoose_Private(f, m, g, epsilon, guard));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNFactorFetch(GNNFactor f, GNNModel m, GNNGraph g, GNNDevice d, PetscReal epsilon)
{
  PetscFunctionBegin;
  if (f->alpha == GNN_GUARD_FSAI) {
    PetscCall(GNNOpsGetFsai(d, g, f));
    FactorFinish_Private(f, g, epsilon);
  } else {
    PetscCall(FactorReserveSlots_Private(f, g));
    PetscCall(GNNOpsGetSlots(d, g, f->slots));
    FactorUseSlots_Private(f, m, g, epsilon);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNFactorFallback(GNNFactor f, GNNModel m, GNNGraph g, PetscReal threshold, PetscReal epsilon)
{
  const PetscReal alpha = f->alpha;
  PetscBool       better;

  PetscFunctionBegin;
  PetscCall(GNNFactorAssembleFsai(f, g, threshold, epsilon));
  PetscCall(GNNGuardBetter(f->guard, f, epsilon, &better));
  if (!better) {
    f->alpha       = alpha;
    f->rows_failed = 0;
    FactorUseSlots_Private(f, m, g, epsilon);
  }
  PetscCall(GNNGuardLoss(f->guard, f, epsilon, &f->loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNFactorRefresh(GNNFactor f, GNNModel m, GNNGraph g, const GNNReal net[], PetscReal threshold, PetscReal epsilon, PetscBool *kept)
{
  PetscReal loss;

  PetscFunctionBegin;
  *kept = PETSC_FALSE;
  if (f->loss < 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  f->replaced = 0;
  if (f->alpha == GNN_GUARD_FSAI) PetscCall(GNNFactorAssembleFsai(f, g, threshold, epsilon));
  else {
    PetscCall(FactorReserveSlots_Private(f, g)); /* there are none where the choice is from before PCReset() */
    if (f->alpha > 0.0) PetscCall(GNNFactorSlots(m, g, net, f->slots, &f->replaced));
    if (f->alpha >= 0.0) PetscCall(GNNGuardRepeat(f->guard, &m->config, f->alpha, f->damping, f->slots));
    FactorUseSlots_Private(f, m, g, epsilon);
  }
  PetscCall(GNNGuardLoss(f->guard, f, epsilon, &loss));
  PetscCall(GNNGuardMayKeep(f, loss, kept));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x = S^T r */
static void FactorScaleBefore_Private(GNNFactor f, const PetscScalar r[], PetscScalar x[])
{
  const PetscInt b = f->b;

  if (b == 1) {
    for (PetscInt i = 0; i < f->n; i++) x[i] = f->s[i] * r[i];
  } else {
    for (PetscInt i = 0; i < f->n; i += b) GNNBlockTransposeTimes(b, f->s + i * b, r + i, x + i);
  }
}

/* z = S z + B r, B the shift */
static void FactorScaleAfter_Private(GNNFactor f, const PetscScalar r[], PetscScalar z[])
{
  const PetscInt b = f->b;

  if (b == 1) {
    for (PetscInt i = 0; i < f->n; i++) z[i] = f->s[i] * z[i] + f->shift[i] * r[i];
  } else {
    for (PetscInt i = 0; i < f->n; i += b) GNNBlockTimesAdd(b, f->s + i * b, f->shift + i * b, r + i, z + i);
  }
}

PetscErrorCode GNNFactorApply(GNNFactor f, const PetscScalar r[], PetscScalar z[])
{
  PetscScalar *x = f->work;

  PetscFunctionBegin;
  FactorScaleBefore_Private(f, r, x);
  PetscCall(PetscArrayzero(z, f->n));
  if (f->single) GNN_FACTOR_PRODUCT(float, f->n, f->i, f->j, f->vs, x, z)
  else GNN_FACTOR_PRODUCT(PetscScalar, f->n, f->i, f->j, f->v, x, z)
  FactorScaleAfter_Private(f, r, z);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNFactorApplyHalf(GNNFactor f, PetscBool left, const PetscScalar x[], PetscScalar y[])
{
  PetscScalar *w = f->work;

  PetscFunctionBegin;
  PetscCheck(f->b == 1, PETSC_COMM_SELF, PETSC_ERR_PLIB, "Blocks have a shift");
  for (PetscInt i = 0; i < f->n; i++) w[i] = left ? f->s[i] * x[i] : 0.0;
  for (PetscInt i = 0; i < f->n; i++) {
    if (left) y[i] = PetscSqrtScalar(f->shift[i]) * x[i];
    for (PetscInt k = f->i[i]; k < f->i[i + 1]; k++) {
      const PetscScalar v = f->single ? (PetscScalar)f->vs[k] : f->v[k];

      if (left) y[i] += v * w[f->j[k]];
      else w[f->j[k]] += v * x[i];
    }
  }
  for (PetscInt i = 0; i < f->n && !left; i++) y[i] = f->s[i] * w[i] + PetscSqrtScalar(f->shift[i]) * x[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}
