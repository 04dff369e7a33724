/*
   An entry of G^T, once, for the host and (as inline device functions) for CUDA: from the entry of At and the network's output,

     network = c0 by_c0 + c1 by_c1 + out       start = by_c0 + damping by_c1       G^T = alpha network + (1 - alpha) start

   where by_c0 and by_c1 are the derivatives to c0 and c1. Slot (i, j) holds G_ji, which takes At_ji.

   C99 and C++11 only; no PETSc, no allocation. GNN_INDEX is the type of rows and columns, which the including file defines.
*/
#pragma once

#include "math.h"

typedef struct {
  double alpha, damping; /* the network's share; of At in the start that has the rest */
  double c[2];           /* c0, c1 of the network's own start */
  int    residual;       /* else there is no start: by_c0 and by_c1 are 0 */
  int    lower;          /* pattern of G^T */
} GNNStart;

/* Is slot (i, j) in the pattern of G^T? */
GNN_FN int GNNPatternHas(int lower, GNN_INDEX i, GNN_INDEX j)
{
  return !(lower && j > i);
}

/* Derivatives to (c0, c1): of 3/2 c0 I - 1/2 c1 At, or where the pattern is lower of c0 I - c1 strict(At) */
GNN_FN void GNNStartTerms(const GNNStart *s, int diagonal, double at, double *by_c0, double *by_c1)
{
  const double c0 = s->lower ? 1.0 : 1.5, c1 = s->lower ? (diagonal ? 0.0 : -1.0) : -0.5;

  *by_c0 = s->residual && diagonal ? c0 : 0.0;
  *by_c1 = s->residual ? c1 * at : 0.0;
}

/* The start alone, damped */
GNN_FN double GNNStartEntry(const GNNStart *s, int diagonal, double at)
{
  double by_c0, by_c1;

  GNNStartTerms(s, diagonal, at, &by_c0, &by_c1);
  return by_c0 + s->damping * by_c1;
}

/* The network's own; an entry that is not finite becomes delta_ij and is counted */
GNN_FN double GNNNetworkEntry(const GNNStart *s, int diagonal, double at, double out, int *replaced)
{
  double by_c0, by_c1, g;

  GNNStartTerms(s, diagonal, at, &by_c0, &by_c1);
  g = s->c[0] * by_c0 + s->c[1] * by_c1 + out;
  if (fabs(g) < INFINITY) return g;
  (*replaced)++;
  return diagonal ? 1.0 : 0.0;
}

/* Both by their shares */
GNN_FN double GNNFactorEntry(const GNNStart *s, int diagonal, double at, double out, int *replaced)
{
  return s->alpha * GNNNetworkEntry(s, diagonal, at, out, replaced) + (1.0 - s->alpha) * GNNStartEntry(s, diagonal, at);
}

/* The filter of a row of G^T, from its diagonal entry and the largest beside it: what is not above drops. Beside small entries only, those of a 27-point
   stencil say, an entry counts as small by the largest one */
GNN_FN double GNNRowFilter(double tau, double diagonal, double largest)
{
  return tau * (fabs(diagonal) < 8.0 * fabs(largest) ? fabs(diagonal) : 8.0 * fabs(largest));
}

/* Does an entry stay, by the filters of its row and its column? */
GNN_FN int GNNEntryStays(double g, double row, double column)
{
  return fabs(g) > (row < column ? row : column);
}

/* G = D^-1/2, by which M^-1 is Jacobi's */
GNN_FN double GNNJacobiEntry(int diagonal, double at)
{
  return diagonal ? 1.0 / sqrt(at) : 0.0;
}
