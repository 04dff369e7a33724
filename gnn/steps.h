/*
   A few steps of CG, preconditioned: their scalars, for the host and (as inline device functions) for CUDA, so that they stay where the
   vectors are. Each stage takes a dot product and leaves the coefficients of the update that follows it:

     z = M^-1 r    r^T z: GNN_STEPS_BEGIN at first, then GNN_STEPS_NEXT    p = direction[0] z + direction[1] p
     q = A p       p^T q: GNN_STEPS_LENGTH                                  r = residual[0] q + residual[1] r

   Steps that have ended stay as they are. C99 and C++11 only; no PETSc, no allocation.
*/
#pragma once

#include "math.h"

#define GNN_STEPS 10

typedef enum {
  GNN_STEPS_BEGIN,
  GNN_STEPS_NEXT,
  GNN_STEPS_LENGTH
} GNNStepsStage;

typedef struct {
  int    n;                          /* steps done: fewer than GNN_STEPS where the residual vanishes */
  int    ended, indefinite;          /* p^T A p <= 0 was met */
  double energy[GNN_STEPS + 1];      /* sum of a_k r_k^T z_k, by which the squared energy norm of the error has fallen after k steps */
  double next;                       /* about what one more step would add */
  double a[GNN_STEPS], b[GNN_STEPS]; /* coefficients */
  double rz, first;                  /* r^T z, now and at first */
  double direction[2], residual[2];
} GNNSteps;

GNN_FN void GNNStepsBegin(GNNSteps *s, double rz)
{
  s->n = s->indefinite = 0;
  s->energy[0] = s->next = 0.0;
  s->rz = s->first = rz;
  s->ended         = !(rz > 1e-20 * rz);
  s->direction[0]  = 1.0;
  s->direction[1]  = 0.0;
}

GNN_FN void GNNStepsNext(GNNSteps *s, double rz)
{
  const int k = s->n;

  if (s->ended) return;
  s->direction[1] = s->b[k] = rz / s->rz;
  s->next                   = s->a[k] * rz;
  s->rz                     = rz;
  s->n                      = k + 1;
  s->ended                  = s->n == GNN_STEPS || !(rz > 1e-20 * s->first);
}

/* p^T q is 0 but for rounding where only the null space of a singular matrix is left: what would follow is noise */
GNN_FN void GNNStepsLength(GNNSteps *s, double pq)
{
  const int k = s->n;

  s->residual[0] = 0.0;
  s->residual[1] = 1.0;
  if (s->ended) return;
  s->indefinite = s->ended = !(pq > (k ? 1e-12 * s->rz / s->a[0] : 0.0));
  if (s->ended) return;
  s->a[k]          = s->rz / pq;
  s->energy[k + 1] = s->energy[k] + s->a[k] * s->rz;
  s->residual[0]   = -s->a[k];
}

GNN_FN void GNNStepsTake(GNNSteps *s, GNNStepsStage stage, double dot)
{
  if (stage == GNN_STEPS_BEGIN) GNNStepsBegin(s, dot);
  else if (stage == GNN_STEPS_NEXT) GNNStepsNext(s, dot);
  else GNNStepsLength(s, dot);
}
