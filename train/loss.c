/*
   The stochastic SAI loss L = E_w ||(At M^-1 - I) w||^2/n, M^-1 = G G^T + eps I, w ~ N(0, I), and its gradient.
   arXiv 2510.27517; the scaling is the model's.
*/
#include "train.h"

const char *const TrainLosses[] = {"sai", "plain", "log-sai", "TrainLoss", "TRAIN_LOSS_", NULL};

PetscErrorCode TrainSampleCreate(const GNNConfig *config, TrainLoss loss, Mat A, const char name[], TrainSample *s)
{
  const PetscScalar *a;
  const PetscInt    *ia, *ja;
  PetscInt           n, nz;
  PetscBool          done;
  GNNGraphStatus     status;

  PetscFunctionBegin;
  PetscCheck(loss != TRAIN_LOSS_PLAIN || config->scaling == GNN_SCALING_MEAN, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "Loss plain needs -gnn_scaling mean");
  PetscCall(PetscMemzero(s, sizeof(*s)));
  PetscCall(PetscStrallocpy(name, &s->name));
  PetscCall(MatGetRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCheck(done, PETSC_COMM_SELF, PETSC_ERR_SUP, "%s: not an AIJ matrix", name);
  PetscCall(GNNGraphCreate(n, ia, ja, &s->graph));
  PetscCall(MatRestoreRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCall(MatSeqAIJGetArrayRead(A, &a));
  PetscCall(GNNGraphSetValues(s->graph, config->scaling, a, &status));
  PetscCall(MatSeqAIJRestoreArrayRead(A, &a));
  PetscCheck(status == GNN_GRAPH_OK, PETSC_COMM_SELF, PETSC_ERR_FP, "%s: the matrix holds a NaN or an infinity", name);
  PetscCheck(s->graph->ncoupled > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: a diagonal matrix, nothing to learn from it", name);
  n  = s->graph->n;
  nz = s->graph->nz;
  PetscCall(PetscMalloc5(nz, &s->at, nz, &s->gt, nz, &s->start, nz, &s->out, nz, &s->dgt));
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
  PetscCall(PetscFree5(s->at, s->gt, s->start, s->out, s->dgt));
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

/* dgt += the slots' share: with q the gradient to z and t = G^T q, slot (i, j), which holds G_ji, gets q_j u_i + t_i w_j */
static PetscErrorCode SampleAddGradient_Private(TrainSample *s)
{
  const PetscScalar *w, *u, *q, *t;
  const GNNGraph     g = s->graph;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(s->w, &w));
  PetscCall(VecGetArrayRead(s->u, &u));
  PetscCall(VecGetArrayRead(s->q, &q));
  PetscCall(VecGetArrayRead(s->t, &t));
  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) s->dgt[p] += q[g->j[p]] * u[i] + t[i] * w[g->j[p]];
  }
  PetscCall(VecRestoreArrayRead(s->w, &w));
  PetscCall(VecRestoreArrayRead(s->u, &u));
  PetscCall(VecRestoreArrayRead(s->q, &q));
  PetscCall(VecRestoreArrayRead(s->t, &t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One probe: loss += ||y||^2 scale with u = G^T w, z = G u + eps w, y = At z - w; gradient by q = 2 scale At^T y, t = G^T q */
static PetscErrorCode SampleProbeLoss_Private(TrainSample *s, PetscReal epsilon, PetscReal scale, PetscBool gradient, PetscReal *loss)
{
  PetscReal norm;

  PetscFunctionBegin;
  PetscCall(MatMult(s->Gt, s->w, s->u));
  PetscCall(MatMultTranspose(s->Gt, s->u, s->z));
  PetscCall(VecAXPY(s->z, epsilon, s->w));
  PetscCall(MatMult(s->At, s->z, s->y));
  PetscCall(VecAXPY(s->y, -1.0, s->w));
  PetscCall(VecNorm(s->y, NORM_2, &norm));
  *loss += scale * norm * norm;
  if (gradient) {
    PetscCall(MatMultTranspose(s->At, s->y, s->q));
    PetscCall(VecScale(s->q, 2.0 * scale));
    PetscCall(MatMult(s->Gt, s->q, s->t));
    PetscCall(SampleAddGradient_Private(s));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From the slots' gradient to the network's output (0 where the slot is not in the pattern) and to c */
static void SampleSlotGradient_Private(const GNNConfig *config, TrainSample *s, PetscReal factor, GNNNet dnet)
{
  const GNNGraph g = s->graph;

  for (PetscInt i = 0; i < g->n; i++) {
    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) {
      PetscScalar by_c0, by_c1;

      s->dnet[p] = 0;
      if (g->keep[p] == 0 || !GNNPatternHas(config->pattern, i, g->j[p])) continue;
      s->dnet[p] = (GNNReal)(factor * s->dgt[p]);
      GNNFactorStartTerms(config->output, config->pattern, p == g->diag[i] ? PETSC_TRUE : PETSC_FALSE, g->at[g->rev[p]], &by_c0, &by_c1);
      dnet->c[0] += (GNNReal)(factor * s->dgt[p] * by_c0);
      dnet->c[1] += (GNNReal)(factor * s->dgt[p] * by_c1);
    }
  }
}

PetscErrorCode TrainSampleLoss(GNNModel model, GNNActs acts, TrainLoss type, PetscInt probes, PetscRandom random, TrainSample *s, PetscReal *loss, GNNNet dnet)
{
  const GNNGraph  g        = s->graph;
  const PetscBool gradient = dnet != NULL ? PETSC_TRUE : PETSC_FALSE;
  PetscReal       sai      = 0.0;
  PetscScalar    *gt;
  PetscInt        replaced;

  PetscFunctionBegin;
  PetscCall(GNNActsSetSizes(model, g->n, g->nz, acts));
  PetscCall(GNNForward(model, g, acts, s->net));
  PetscCall(GNNFactorSlots(model, g, s->net, s->start, s->out, &replaced));
  PetscCall(MatSeqAIJGetArrayWrite(s->Gt, &gt));
  for (PetscInt p = 0; p < g->nz; p++) gt[p] = s->start[p] + s->out[p];
  PetscCall(MatSeqAIJRestoreArrayWrite(s->Gt, &gt));
  PetscCall(PetscArrayzero(s->dgt, g->nz));
  for (PetscInt k = 0; k < probes; k++) {
    PetscCall(SampleProbe_Private(s, random));
    PetscCall(SampleProbeLoss_Private(s, model->config.epsilon, 1.0 / ((PetscReal)probes * g->ncoupled), gradient, &sai));
  }
  *loss = type == TRAIN_LOSS_LOG_SAI ? PetscLogReal(sai) : sai;
  if (gradient) {
    SampleSlotGradient_Private(&model->config, s, type == TRAIN_LOSS_LOG_SAI ? 1.0 / sai : 1.0, dnet);
    PetscCall(GNNBackward(model, g, acts, s->dnet, dnet));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
