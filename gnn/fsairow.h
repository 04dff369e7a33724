/*
   One row of the classical factor (FSAI): the maths that host and device share. C99 and C++11 only; no PETSc, no allocation.

   The row L_i of L = G^T with the pattern J + {i}, J before i, that makes Kaporin's condition number of L As L^T least, As with a unit
   diagonal: with As = R R^T on J + {i}, i last, L_i^T = R^-T e_i. Then (L As L^T)_ii = 1, and As L_i^T is 0 on J.
*/
#pragma once

#include <math.h>
#include "math.h" /* GNN_FN */

#if !defined(GNN_INDEX) /* what columns are counted in: PetscInt on the host */
  #define GNN_INDEX int
#endif

#define GNN_FSAI_MAX    64    /* most entries of a row beside its diagonal */
#define GNN_FSAI_STAGES 2     /* of growth */
#define GNN_FSAI_PIVOT  1e-14 /* a pivot not above it: As on J + {i} is not positive definite in this arithmetic */
#define GNN_FSAI_MOST   1e5   /* sum of a row's |x_k| from which on rounding spoils it: 1e-6 of x^T As x then */
#define GNN_FSAI_SMALL  3.25  /* a row whose largest entry is below 1/this has a smaller threshold than tau, */
#define GNN_FSAI_WIDE   150.0 /* and one of three times as many entries half of it */
#define GNN_FSAI_LONG   64    /* times as long as row i: a row that is not walked while row i grows */
#define GNN_FSAI_LANES  8     /* rows of a column of the dense problem that are added up side by side */

/* As = diag(u) At diag(u): u of a row from its diagonal entry of At, and an entry off the diagonal. On both sides the same bits, so that a
   threshold falls the same way */
GNN_FN double GNNFsaiUnit(double at_ii)
{
  return 1.0 / sqrt(at_ii);
}

GNN_FN double GNNFsaiScaled(double ui, double at, double uj)
{
  return ui * at * uj;
}

/* ---- columns ---- */

/* How many times a row grows; with a threshold of 0 it has the lower triangle of A, and stays there */
GNN_FN int GNNFsaiStages(double tau)
{
  return tau > 0.0 ? GNN_FSAI_STAGES : 0;
}

/* What an entry must exceed to be kept: tau, but no more than a share of the largest entry it stands among. Without it, rows of many entries
   that are alike, and small for that reason (27-point stencils, trilinear hexahedra), would be left with their diagonal. And the longer the row of A,
   the dearer is an iteration beside the entry: what an entry saves goes by its square, so the threshold by a root */
GNN_FN double GNNFsaiThreshold(double tau, double largest, GNN_INDEX length)
{
  const double wide = tau * sqrt(GNN_FSAI_WIDE / (GNN_FSAI_WIDE + (double)length));

  return GNN_FSAI_SMALL * largest < 1.0 ? GNN_FSAI_SMALL * largest * wide : wide;
}

/* Are the neighbours of node k, which has so many, candidates for a row of so many? Not those of a node that is coupled to all others: all
   rows together cost no more than a multiple of A's entries */
GNN_FN int GNNFsaiWalks(GNN_INDEX length_k, GNN_INDEX length_i)
{
  return length_k / GNN_FSAI_LONG <= length_i;
}

/* Does column j with its score come before column l with its own? Of equal scores the lower column does, so that the order of insertion is no matter */
GNN_FN int GNNFsaiBetter(GNN_INDEX j, double score, GNN_INDEX l, double other)
{
  return score > other || (score == other && j < l);
}

/* Where column c stands in the ascending columns j[start .. end), or -1. Columns ascend by 1 or more, so that first and last bound the place: in a
   full row they are it */
GNN_FN GNN_INDEX GNNFsaiFind(const GNN_INDEX j[], GNN_INDEX start, GNN_INDEX end, GNN_INDEX c)
{
  GNN_INDEX before, behind, last; /* at most so many entries before c and behind it; a sum with a column could be too large for an offset */

  if (start >= end || c < j[start] || c > j[end - 1]) return -1;
  before = c - j[start];
  behind = j[end - 1] - c;
  last   = before < end - start ? start + before : end - 1;
  start  = behind < end - start ? end - 1 - behind : start;
  end    = last + 1;
  while (start < end) {
    const GNN_INDEX middle = start + (end - start) / 2;

    if (j[middle] == c) return middle;
    if (j[middle] < c) start = middle + 1;
    else end = middle;
  }
  return -1;
}

/* ---- values ---- */

/* As on J + {i}, i last, is L D L^T with a unit diagonal of L, so that the row is L^-T e_i / sqrt(d_i): no root but one, no quotient but one a
   column. T has v = L D by columns, of GNN_FSAI_LANES rows or a multiple: what is added up for an entry comes by ascending column, each a
   product with l_ck = v_ck / d_k, on both sides, and all rows of a column at once */

/* Rows that a column of m + 1 takes, and one more at least, which is free */
GNN_FN int GNNFsaiPadded(int m)
{
  return (m + 1 + GNN_FSAI_LANES) / GNN_FSAI_LANES * GNN_FSAI_LANES;
}

GNN_FN void GNNFsaiClear(int size, double x[])
{
  for (int k = 0; k < size; k++) x[k] = 0.0;
}

/* y -= a x on rows from to size, and those before from that share its lanes */
GNN_FN void GNNFsaiMinus(int from, int size, double a, const double x[], double y[])
{
  for (int first = from / GNN_FSAI_LANES * GNN_FSAI_LANES; first < size; first += GNN_FSAI_LANES) {
    for (int r = first; r < first + GNN_FSAI_LANES; r++) y[r] -= a * x[r];
  }
}

/* From As in the columns of T, c <= r, to v there, and to l_rc, c < r, in the rows of L, 0 elsewhere; returns 0 if a pivot is not positive */
GNN_FN int GNNFsaiFactor(int m, int size, double T[], double L[])
{
  for (int r = 0; r <= m; r++) GNNFsaiClear(size, &L[r * size]);
  for (int k = 0; k <= m; k++) {
    const double *Tk = &T[k * size];
    double        inverse;

    if (!(Tk[k] > GNN_FSAI_PIVOT)) return 0; /* a NaN as well */
    inverse = 1.0 / Tk[k];
    for (int c = k + 1; c <= m; c++) {
      L[c * size + k] = Tk[c] * inverse;
      GNNFsaiMinus(c, size, L[c * size + k], Tk, &T[c * size]);
    }
  }
  return 1;
}

/* x = L^-T e_m / sqrt(d_m), the m + 1 entries of the row, its diagonal last */
GNN_FN void GNNFsaiSubstitute(int m, int size, double pivot, const double L[], double x[])
{
  const double scale = 1.0 / sqrt(pivot);

  for (int k = 0; k < size; k++) x[k] = k == m ? 1.0 : 0.0;
  for (int r = m; r > 0; r--) GNNFsaiMinus(0, (r + GNN_FSAI_LANES - 1) / GNN_FSAI_LANES * GNN_FSAI_LANES, x[r], &L[r * size], x);
  for (int k = 0; k < size; k++) x[k] *= scale;
}

/* Is the row what it should be? x^T As x = 1 is then a sum of terms that cancel, off by about epsilon (sum |x_k|)^2 */
GNN_FN int GNNFsaiSound(int m, const double x[])
{
  double sum = 0.0;

  for (int k = 0; k <= m; k++) sum += fabs(x[k]);
  return sum < GNN_FSAI_MOST; /* a NaN is not */
}

/* From As on J + {i}, m columns J, in T (overwritten) to the row; L is work. Returns 0, x undefined, where it is not positive definite, or
   rounding spoils it. All have columns of GNNFsaiPadded(m); where the compiler knows it, there are no loops along a column */
GNN_FN int GNNFsaiSolve(int m, int size, double T[], double L[], double x[])
{
  if (!GNNFsaiFactor(m, size, T, L)) return 0;
  GNNFsaiSubstitute(m, size, T[m * size + m], L, x);
  return GNNFsaiSound(m, x);
}

/* Of GNNFsaiSolve(): with n = m + 1, n^3/3 + n^2/2 for the factor, n^2 for the solve */
GNN_FN double GNNFsaiSolveFlops(int m)
{
  return (m + 1) * (m + 1) * ((m + 1) / 3.0 + 1.5);
}
