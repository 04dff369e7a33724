/*
   What the coarse space's aggregates are kept by, row by row, for the host and the device. As = D^-1/2 A D^-1/2; no PETSc, no allocation.
*/
#pragma once

#include "math.h"

#define GNN_COUPLED 0.2 /* sum of |As_ij| off the diagonal */

/* Adds |As_ij| to the sum of row i and to its trace; s_i and s_j are D^-1/2, j the column's global number */
GNN_FN void GNNCouplingAdd(double si, double a, double sj, unsigned long long j, double *sum, double *trace)
{
  const double as = fabs(si * a * sj);

  *sum += as;
  *trace += GNNProbeSign(j) * GNNStrength(as);
}

/* Is a row that was coupled so still, or one that was not? Near the bound it is: a small change of values is no reason for new aggregates */
GNN_FN int GNNCouplingStays(double was, double sum)
{
  return (sum > (was != 0.0 ? 0.5 : 2.0) * GNN_COUPLED) == (was != 0.0);
}

/* Adds a row to the squared distance of the traces, to their squared length, and to the number of rows that are no longer what they were */
GNN_FN void GNNCouplingCompare(double was, double before, double sum, double trace, double total[3])
{
  total[0] += (trace - before) * (trace - before);
  total[1] += trace * trace;
  total[2] += GNNCouplingStays(was, sum) ? 0.0 : 1.0;
}
