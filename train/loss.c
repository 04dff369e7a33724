/*
   The stochastic SAI loss L = E_w ||(At M^-1 - I) w||^2/n, M^-1 = G G^T + eps I, w ~ N(0, I), and its gradient.
   arXiv 2510.27517; the scaling is the model's.
*/
#include "train.h"

const char *const TrainLosses[] = {"sai", "plain", "log-sai", "kaporin", "TrainLoss", "TRAIN_LOSS_", NULL};

static PetscErrorCode SampleCreateGraph_Private(const GNNConfig *config, Mat A, TrainSample *s)
{
  const PetscInt     b = config->block_size;
  const PetscScalar *a;
  const PetscInt    *ia, *ja;
  PetscInt           n, bs;
  PetscBool          done, full;
  GNNGraphStatus     status;
  char               text[320];

  PetscFunctionBegin;
  PetscCall(MatGetBlockSize(A, &bs));
  PetscCheck(bs % b == 0, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s: block size %" PetscInt_FMT ", but the model has %" PetscInt_FMT ". PETSc keeps a matrix's block size in FILE.info beside FILE; without that file give -matload_block_size %" PetscInt_FMT, s->name, bs, b, b);
  PetscCall(MatGetRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCheck(done, PETSC_COMM_SELF, PETSC_ERR_SUP, "%s: not an AIJ matrix", s->name);
  PetscCall(GNNGraphBlocksFull(b, n, ia, ja, &full));
  PetscCheck(full, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s: not all blocks of size %" PetscInt_FMT " are full; train with -gnn_block_size 1, or insert whole blocks, zeros too, by MatSetValuesBlocked()", s->name, b);
  PetscCall(GNNGraphCreate(b, n, ia, ja, &s->graph));
  PetscCall(MatRestoreRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCall(MatSeqAIJGetArrayRead(A, &a));
  PetscCall(GNNGraphSetValues(s->graph, config->scaling, a, &status));
  PetscCall(MatSeqAIJRestoreArrayRead(A, &a));
  PetscCall(GNNGraphExplain(s->graph, status, 0, text, sizeof(text)));
  PetscCheck(status == GNN_GRAPH_OK, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: %s", s->name, text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainSampleCreate(const GNNConfig *config, TrainLoss loss, Mat A, const char name[], TrainSample *s)
{
  PetscInt n, nz;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(s, sizeof(*s)));
  s->epsilon = config->epsilon;
  PetscCall(PetscStrallocpy(name, &s->name));
  PetscCall(SampleCreateGraph_Private(config, A, s));
  PetscCheck(s->graph->ncoupled > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: a diagonal matrix, nothing to learn from it", name);
  n  = s->graph->n;
  nz = s->graph->nz;
  PetscCall(PetscMalloc3(nz, &s->at, nz, &s->gt, nz, &s->dgt));
  PetscCall(PetscMalloc2(nz, &s->net, nz, &s->dnet));
  for (PetscInt p = 0; p < nz; p++) s->at[p] = s->graph->at[p] * (loss == TRAIN_LOSS_PLAIN ? s->graph->norm : 1.0);
  PetscCall(MatCreateSeqAIJWithArrays(PETSC_COMM_SELF, n, n, s->graph->i, s->graph->j, s->at, &s->At));
  PetscCall(MatCreateSeqAIJWithArrays(PETSC_COMM_SELF, n, n, s->graph->i, s->graph->j, s->gt, &s->Gt));
  PetscCall(MatCreateVecs(s->At, &s->w, &s->u));
  PetscCall(VecDuplicate(s->w, &s->z));
  PetscCall(VecDuplicate(s->w, &s->y));
  PetscCall(VecDuplicate(s->w, &s->q));
  PetscCall(VecDuplicate(s->w, &s->t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainSampleDestroy(TrainSample *s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(s->name));
  PetscCall(MatDestroy(&s->At));
  PetscCall(MatDestroy(&s->Gt));
  PetscCall(PetscFree3(s->at, s->gt, s->dgt));
  PetscCall(KSPDestroy(&s->solve));
  PetscCall(PetscFree2(s->net, s->dnet));
  PetscCall(VecDestroy(&s->w));
  PetscCall(VecDestroy(&s->u));
  PetscCall(VecDestroy(&s->z));
  PetscCall(VecDestroy(&s->y));
  PetscCall(VecDestroy(&s->q));
  PetscCall(VecDestroy(&s->t));
  PetscCall(GNNGraphDestroy(&s->graph));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Box-Muller */
PetscErrorCode TrainRandomNormal(PetscRandom random, PetscInt n, PetscScalar x[])
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < n; k += 2) {
    PetscReal u, v, radius;

    PetscCall(PetscRandomGetValueReal(random, &u));
    PetscCall(PetscRandomGetValueReal(random, &v));
    radius = PetscSqrtReal(-2.0 * PetscLogReal(1.0 - u)); /* u is in [0, 1) */
    x[k]   = radius * PetscCosReal(2.0 * PETSC_PI * v);
    if (k + 1 < n) x[k + 1] = radius * PetscSinReal(2.0 * PETSC_PI * v);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* w ~ N(0, I) on the coupled unknowns, 0 on the others */
static PetscErrorCode SampleProbe_Private(TrainSample *s, PetscRandom random)
{
  PetscScalar *w;

  PetscFunctionBegin;
  PetscCall(VecGetArrayWrite(s->w, &w));
  PetscCall(TrainRandomNormal(random, s->graph->n, w));
  for (PetscInt i = 0; i < s->graph->n; i++) {
    if (s->graph->decoupled[i]) w[i] = 0.0;
  }
  PetscCall(VecRestoreArrayWrite(s->w, &w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dx (slots) += x_j u_i in slot (i, j), which holds G_ji: the gradient of x^T G u */
static PetscErrorCode SampleAddOuter_Private(TrainSample *s, Vec x, Vec u, PetscScalar dx[])
{
  const PetscScalar *xa, *ua;
  const GNNGraph     g = s->graph;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(x, &xa));
  PetscCall(VecGetArrayRead(u, &ua));
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) dx[p] += xa[g->j[p]] * ua[i];
  }
  PetscCall(VecRestoreArrayRead(x, &xa));
  PetscCall(VecRestoreArrayRead(u, &ua));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SAI, one probe: loss += scale ||y||^2 with u = G^T w, z = G u + eps w, y = At z - w */
PetscErrorCode TrainSampleProbeLoss(TrainSample *s, PetscReal scale, PetscReal *loss)
{
  PetscReal norm;

  PetscFunctionBegin;
  PetscCall(MatMult(s->Gt, s->w, s->u));
  PetscCall(MatMultTranspose(s->Gt, s->u, s->z));
  PetscCall(VecAXPY(s->z, s->epsilon, s->w));
  PetscCall(MatMult(s->At, s->z, s->y));
  PetscCall(VecAXPY(s->y, -1.0, s->w));
  PetscCall(VecNorm(s->y, NORM_2, &norm));
  *loss += scale * norm * norm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After it: with q = 2 scale At^T y the gradient to z and t = G^T q, that to G is q u^T + w t^T */
static PetscErrorCode SampleSAIGradient_Private(TrainSample *s, PetscReal scale)
{
  PetscFunctionBegin;
  PetscCall(MatMultTranspose(s->At, s->y, s->q));
  PetscCall(VecScale(s->q, 2.0 * scale));
  PetscCall(MatMult(s->Gt, s->q, s->t));
  PetscCall(SampleAddOuter_Private(s, s->q, s->u, s->dgt));
  PetscCall(SampleAddOuter_Private(s, s->w, s->t, s->dgt));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = K x, K = G G^T + eps I */
static PetscErrorCode SampleMultK_Private(Mat K, Vec x, Vec y)
{
  TrainSample *s;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(K, &s));
  PetscCall(MatMult(s->Gt, x, s->u));
  PetscCall(MatMultTranspose(s->Gt, s->u, y));
  PetscCall(VecAXPY(y, s->epsilon, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At is the inverse that K approximates, hence CG with it as preconditioner takes few iterations */
static PetscErrorCode SampleCreateSolve_Private(TrainSample *s)
{
  Mat K;
  PC  pc;

  PetscFunctionBegin;
  PetscCall(MatCreateShell(PETSC_COMM_SELF, s->graph->n, s->graph->n, s->graph->n, s->graph->n, s, &K));
  PetscCall(MatShellSetOperation(K, MATOP_MULT, (void (*)(void))SampleMultK_Private));
  PetscCall(KSPCreate(PETSC_COMM_SELF, &s->solve));
  PetscCall(KSPSetOperators(s->solve, K, s->At));
  PetscCall(KSPSetType(s->solve, KSPCG));
  PetscCall(KSPSetTolerances(s->solve, 1e-3, 0.0, PETSC_DEFAULT, 100));
  PetscCall(KSPGetPC(s->solve, &pc));
  PetscCall(PCSetType(pc, PCMAT));
  PetscCall(MatDestroy(&K));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Kaporin's number in the form tr(At K)/n - log det(K)/n - 1, which also fixes the scale of K. Gradient to G: 2/n (At - K^-1) G, by
   probes 2/n (At w - K^-1 w)(G^T w)^T, whose noise vanishes as K nears At^-1 */
static PetscErrorCode SampleKaporinGradient_Private(TrainSample *s, PetscReal scale)
{
  PetscFunctionBegin;
  if (s->solve == NULL) PetscCall(SampleCreateSolve_Private(s));
  PetscCall(KSPSolve(s->solve, s->w, s->t)); /* overwrites u */
  PetscCall(MatMult(s->Gt, s->w, s->u));
  PetscCall(MatMult(s->At, s->w, s->q));
  PetscCall(VecAXPY(s->q, -1.0, s->t));
  PetscCall(VecScale(s->q, 2.0 * scale));
  PetscCall(SampleAddOuter_Private(s, s->q, s->u, s->dgt));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From the slots' gradient to the network's output (0 where the slot is not in the pattern) and to c */
static void SampleSlotGradient_Private(const GNNConfig *config, TrainSample *s, PetscReal factor, GNNNet dnet)
{
  const GNNGraph g     = s->graph;
  const GNNStart start = GNNConfigStart(config);

  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      const PetscInt out = GNNGraphOutput(g, i, p);
      double         by_c0, by_c1;

      s->dnet[out] = 0;
      if (g->keep[p] == 0 || !GNNPatternHas(start.lower, i, g->j[p])) continue;
      s->dnet[out] = (GNNReal)(factor * s->dgt[p]);
      GNNStartTerms(&start, p == g->diag[i], (double)PetscRealPart(g->at[g->rev[p]]), &by_c0, &by_c1);
      dnet->c[0] += (GNNReal)(factor * s->dgt[p] * by_c0);
      dnet->c[1] += (GNNReal)(factor * s->dgt[p] * by_c1);
    }
  }
}

PetscErrorCode TrainSampleProbeGradient(TrainSample *s, TrainLoss type, PetscReal scale)
{
  PetscFunctionBegin;
  if (type != TRAIN_LOSS_KAPORIN) PetscCall(SampleSAIGradient_Private(s, scale));
  else {
    if (s->sai_weight > 0.0) PetscCall(SampleSAIGradient_Private(s, s->sai_weight * scale));
    PetscCall(SampleKaporinGradient_Private(s, scale));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainSampleFactor(GNNModel model, GNNActs acts, TrainSample *s)
{
  const GNNGraph g = s->graph;
  PetscScalar   *gt;
  PetscInt       replaced;

  PetscFunctionBegin;
  PetscCall(GNNActsSetSizes(model, g->nodes, g->slots, acts));
  PetscCall(GNNForward(model, g, acts, s->net));
  PetscCall(MatSeqAIJGetArrayWrite(s->Gt, &gt));
  GNNSlots(model, g, s->net, 1.0, 1.0, gt, &replaced);
  PetscCall(MatSeqAIJRestoreArrayWrite(s->Gt, &gt));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainSampleBackward(GNNModel model, GNNActs acts, TrainSample *s, PetscReal factor, GNNNet dnet)
{
  PetscFunctionBegin;
  SampleSlotGradient_Private(&model->config, s, factor, dnet);
  PetscCall(GNNBackward(model, s->graph, acts, s->dnet, dnet));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainSampleLoss(GNNModel model, GNNActs acts, TrainLoss type, PetscInt probes, PetscRandom random, TrainSample *s, PetscReal *loss, GNNNet dnet)
{
  const GNNGraph  g     = s->graph;
  const PetscReal scale = 1.0 / ((PetscReal)probes * g->ncoupled);
  PetscReal       sai   = 0.0;

  PetscFunctionBegin;
  PetscCall(TrainSampleFactor(model, acts, s));
  PetscCall(PetscArrayzero(s->dgt, g->nz));
  for (PetscInt k = 0; k < probes; k++) {
    PetscCall(SampleProbe_Private(s, random));
    PetscCall(TrainSampleProbeLoss(s, scale, &sai));
    if (dnet) PetscCall(TrainSampleProbeGradient(s, type, scale));
  }
  *loss = type == TRAIN_LOSS_LOG_SAI || type == TRAIN_LOSS_KAPORIN ? PetscLogReal(sai) : sai;
  if (dnet) PetscCall(TrainSampleBackward(model, acts, s, type == TRAIN_LOSS_LOG_SAI ? 1.0 / sai : 1.0, dnet));
  PetscFunctionReturn(PETSC_SUCCESS);
}
