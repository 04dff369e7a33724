/*
   One row of the classical factor (FSAI): the maths that host and device share. C99 and C++11 only; no PETSc, no allocation.

   The row L_i of L = G^T with the pattern J + {i}, J before i, that makes Kaporin's condition number of L As L^T least, As with a unit
   diagonal: x = -As_JJ^-1 As_Ji, psi = 1 + As_iJ x, L_i = psi^-1/2 (x, 1). Then (L As L^T)_ii = 1.
*/
#pragma once

#include <math.h>
#include "gnnmath.h" /* GNN_FN */

#if !defined(GNN_INDEX) /* what columns are counted in: PetscInt on the host */
  #define GNN_INDEX int
#endif

#define GNN_FSAI_MAX   64     /* most entries of a row beside its diagonal */
#define GNN_FSAI_PIVOT 1e-14  /* a pivot or psi not above it: As_JJ is not positive definite in this arithmetic */
#define GNN_FSAI_TRIANGLE(r, c) ((r) * ((r) + 1) / 2 + (c)) /* entry (r, c), c <= r, of a lower triangle stored by rows */

#define GNN_FSAI_KEYS 4096 /* classes of rows by their sums of |As_ij|, 1 and more, for the order of the rows */

GNN_FN int GNNFsaiKey(double sum)
{
  return sum > 1.0 ? (int)((1.0 - 1.0 / sum) * (GNN_FSAI_KEYS - 1)) : 0;
}

/* Columns J of a row with what they were chosen by */
typedef struct {
  int       m;
  GNN_INDEX j[GNN_FSAI_MAX];
  double    score[GNN_FSAI_MAX];
} GNNFsaiColumns;

/* Does column j with its score come before the k-th one? Of equal scores the lower column does, so that the order of insertion is no matter */
GNN_FN int GNNFsaiBetter(const GNNFsaiColumns *J, GNN_INDEX j, double score, int k)
{
  return score > J->score[k] || (score == J->score[k] && j < J->j[k]);
}

/* J keeps the GNN_FSAI_MAX best of the columns inserted */
GNN_FN void GNNFsaiInsert(GNNFsaiColumns *J, GNN_INDEX j, double score)
{
  int worst = 0;

  if (J->m < GNN_FSAI_MAX) worst = J->m++;
  else {
    for (int k = 1; k < J->m; k++) {
      if (GNNFsaiBetter(J, J->j[worst], J->score[worst], k)) worst = k;
    }
    if (!GNNFsaiBetter(J, j, score, worst)) return;
  }
  J->j[worst]     = j;
  J->score[worst] = score;
}

/* Columns ascending, by insertion; the scores are forgotten */
GNN_FN void GNNFsaiSort(GNNFsaiColumns *J)
{
  for (int k = 1; k < J->m; k++) {
    const GNN_INDEX j = J->j[k];
    int             l = k;

    for (; l > 0 && J->j[l - 1] > j; l--) J->j[l] = J->j[l - 1];
    J->j[l] = j;
  }
}

GNN_FN int GNNFsaiSame(const GNNFsaiColumns *a, const GNNFsaiColumns *b)
{
  if (a->m != b->m) return 0;
  for (int k = 0; k < a->m; k++) {
    if (a->j[k] != b->j[k]) return 0;
  }
  return 1;
}

/* Where column c stands in the ascending columns j[start .. end), or -1 */
GNN_FN GNN_INDEX GNNFsaiFind(const GNN_INDEX j[], GNN_INDEX start, GNN_INDEX end, GNN_INDEX c)
{
  while (start < end) {
    const GNN_INDEX middle = start + (end - start) / 2;

    if (j[middle] == c) return middle;
    if (j[middle] < c) start = middle + 1;
    else end = middle;
  }
  return -1;
}

/* T = R R^T in place, m x m; returns 0 if a pivot is not positive */
GNN_FN int GNNFsaiCholesky(int m, double T[])
{
  for (int r = 0; r < m; r++) {
    double *Tr = &T[GNN_FSAI_TRIANGLE(r, 0)];

    for (int c = 0; c <= r; c++) {
      const double *Tc  = &T[GNN_FSAI_TRIANGLE(c, 0)];
      double        sum = Tr[c];

      for (int k = 0; k < c; k++) sum -= Tr[k] * Tc[k];
      if (c < r) Tr[c] = sum / Tc[c];
      else {
        if (!(sum > GNN_FSAI_PIVOT)) return 0; /* a NaN as well */
        Tr[r] = sqrt(sum);
      }
    }
  }
  return 1;
}

/* x = -(R R^T)^-1 b */
GNN_FN void GNNFsaiSubstitute(int m, const double R[], const double b[], double x[])
{
  for (int r = 0; r < m; r++) {
    double sum = -b[r];

    for (int k = 0; k < r; k++) sum -= R[GNN_FSAI_TRIANGLE(r, k)] * x[k];
    x[r] = sum / R[GNN_FSAI_TRIANGLE(r, r)];
  }
  for (int r = m - 1; r >= 0; r--) {
    x[r] /= R[GNN_FSAI_TRIANGLE(r, r)];
    for (int k = 0; k < r; k++) x[k] -= R[GNN_FSAI_TRIANGLE(r, k)] * x[r];
  }
}

/* From T = As_JJ (overwritten) and b = As_Ji to x and d = psi^-1/2; returns 0, x and d undefined, where As on J + {i} is not positive definite */
GNN_FN int GNNFsaiSolve(int m, double T[], const double b[], double x[], double *d)
{
  double psi = 1.0;

  if (!GNNFsaiCholesky(m, T)) return 0;
  GNNFsaiSubstitute(m, T, b, x);
  for (int k = 0; k < m; k++) psi += b[k] * x[k];
  if (!(psi > GNN_FSAI_PIVOT)) return 0;
  *d = 1.0 / sqrt(psi);
  return 1;
}

/* Of GNNFsaiSolve(): m^3/3 + m^2/2 for the factor, 2 m^2 for the solves, 2 m for psi */
GNN_FN double GNNFsaiSolveFlops(int m)
{
  return m * (m * (m / 3.0 + 2.5) + 2.0);
}
