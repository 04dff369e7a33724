/*
   The scalars of the method of conjugate gradients with what ends it, as KSPCG has them, for steps that nobody watches: a step beyond the last one
   changes nothing. No PETSc, no allocation.

   A step: p = z + b p, w = A p, GNNCGCurvature() with p^T w, x += a p, r -= a w, z = M^-1 r, GNNCGFinish() with z^T r and the norm's square.
*/
#pragma once

#include "math.h"

/* Of what the norm is that ends it: ||z||, ||r||, (z^T r)^1/2 */
typedef enum {
  GNN_CG_PRECONDITIONED,
  GNN_CG_UNPRECONDITIONED,
  GNN_CG_NATURAL,
  GNN_CG_NO_NORM
} GNNCGNorm;

/* What a step found: p^T A p, and after it the norm and z^T r. NaN where there was none */
typedef struct {
  double dpi, dp, beta;
} GNNCGRecord;

#define GNN_CG_RECORDS 256 /* steps that are remembered, step k at k modulo their number */

typedef struct {
  GNNCGNorm norm;
  double    least, largest; /* it ends at a norm <= least, or >= largest */
  double    beta, betaold, dpi;
  double    a, b;
  int       most, step; /* steps, and how many are done */
  int       ended;
} GNNCG;

GNN_FN int GNNCGIsNumber(double x)
{
  return x - x == 0.0;
}

/* Is there another step? If so, its b */
GNN_FN void GNNCGNext(GNNCG *cg)
{
  const int indefinite = cg->step > 0 && cg->beta * cg->betaold < 0.0;

  if (cg->step >= cg->most || cg->beta == 0.0 || indefinite || !GNNCGIsNumber(cg->beta)) cg->ended = 1;
  cg->b = cg->step > 0 ? cg->beta / cg->betaold : 0.0;
}

GNN_FN void GNNCGCurvature(GNNCG *cg, double dpi, GNNCGRecord *record)
{
  const int changed = cg->step > 0 && (dpi < 0.0 ? cg->dpi > 0.0 : cg->dpi < 0.0); /* its sign */

  record->dpi = dpi;
  cg->dpi     = dpi;
  cg->betaold = cg->beta;
  cg->a       = cg->beta / dpi;
  if (dpi == 0.0 || changed || !GNNCGIsNumber(dpi)) cg->ended = 1;
}

/* square: of the norm, not read where that is the natural one, or none */
GNN_FN void GNNCGFinish(GNNCG *cg, double beta, double square, GNNCGRecord *record)
{
  record->beta = cg->beta = beta;
  record->dp              = cg->norm == GNN_CG_NO_NORM ? 0.0 : sqrt(cg->norm == GNN_CG_NATURAL ? fabs(beta) : square);
  cg->step++;
  if (cg->norm != GNN_CG_NO_NORM && (record->dp <= cg->least || record->dp >= cg->largest || !GNNCGIsNumber(record->dp))) cg->ended = 1;
  else GNNCGNext(cg);
}
