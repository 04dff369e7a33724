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

/* Why there is no other step */
typedef enum {
  GNN_CG_GOES_ON,
  GNN_CG_NORM,           /* it is small or large enough, or no number */
  GNN_CG_MOST,           /* as many steps as there may be */
  GNN_CG_ZERO,           /* z^T r is */
  GNN_CG_INDEFINITE_PC,  /* z^T r has changed its sign, */
  GNN_CG_INDEFINITE_MAT, /* or p^T A p, or is 0 */
  GNN_CG_NO_BETA,        /* z^T r is no number, */
  GNN_CG_NO_CURVATURE    /* or p^T A p */
} GNNCGEnd;

#define GNN_CG_NORMS 256 /* that are remembered, the one after step k at k modulo their number */

typedef struct {
  GNNCGNorm norm;
  GNNCGEnd  ended;
  double    least, largest;             /* it ends at a norm <= least, or >= largest */
  double    beta, betaold, dpi, dpiold; /* z^T r, p^T A p, and those before */
  double    a, b;
  int       most, step; /* steps, and how many are done */
} GNNCG;

GNN_FN int GNNCGIsNumber(double x)
{
  return x - x == 0.0;
}

/* Is there another step? If so, its b */
GNN_FN void GNNCGNext(GNNCG *cg)
{
  if (!GNNCGIsNumber(cg->beta)) cg->ended = GNN_CG_NO_BETA;
  else if (cg->step >= cg->most) cg->ended = GNN_CG_MOST;
  else if (cg->beta == 0.0) cg->ended = GNN_CG_ZERO;
  else if (cg->step > 0 && cg->beta * cg->betaold < 0.0) cg->ended = GNN_CG_INDEFINITE_PC;
  cg->b = cg->step > 0 ? cg->beta / cg->betaold : 0.0;
}

GNN_FN void GNNCGCurvature(GNNCG *cg, double dpi)
{
  cg->dpiold  = cg->dpi;
  cg->dpi     = dpi;
  cg->betaold = cg->beta;
  cg->a       = cg->beta / dpi;
  if (!GNNCGIsNumber(dpi)) cg->ended = GNN_CG_NO_CURVATURE;
  else if (dpi == 0.0 || (cg->step > 0 && (dpi < 0.0 ? cg->dpiold > 0.0 : cg->dpiold < 0.0))) cg->ended = GNN_CG_INDEFINITE_MAT;
}

/* square: of the norm, not read where that is the natural one, or none. Returns the norm */
GNN_FN double GNNCGFinish(GNNCG *cg, double beta, double square)
{
  const double dp = cg->norm == GNN_CG_NO_NORM ? 0.0 : sqrt(cg->norm == GNN_CG_NATURAL ? fabs(beta) : square);

  cg->beta = beta;
  cg->step++;
  if (cg->norm != GNN_CG_NO_NORM && (dp <= cg->least || dp >= cg->largest || !GNNCGIsNumber(dp))) cg->ended = GNN_CG_NORM;
  else GNNCGNext(cg);
  return dp;
}
