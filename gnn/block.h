/*
   The formulas of b x b blocks, each once, for the host and (as inline device functions) for CUDA. Blocks are row-major, with rows of
   length b, or of the given length ld where they stand inside a matrix. With b = 1 a block is a number.

   C99 and C++11 only; no PETSc, no allocation. GNN_SCALAR and GNN_INDEX are the types of the matrix's values and offsets, which the
   including file defines.
*/
#pragma once

#include "math.h"

#define GNN_MAX_BLOCK 8

/* Where slot p stands in the CSR of a matrix of full blocks, if the slots of its block row are first to last - 1: its entry (r, c) is at
   GNNBlockStart() + r GNNBlockStride() + c */
GNN_FN GNN_INDEX GNNBlockStart(int b, GNN_INDEX first, GNN_INDEX p)
{
  return b * (b * first + p - first);
}

GNN_FN GNN_INDEX GNNBlockStride(int b, GNN_INDEX first, GNN_INDEX last)
{
  return b * (last - first);
}

/* D from a diagonal block of a matrix, with rows of length ld. A one-sided entry is 0: a row that MatZeroRows() set is solved as the others
   see it, alone */
GNN_FN void GNNBlockDiagonal(int b, const GNN_SCALAR *A, GNN_INDEX ld, GNN_SCALAR *D)
{
  for (int r = 0; r < b; r++) {
    for (int c = 0; c < b; c++) D[r * b + c] = A[c * ld + r] != 0.0 ? A[r * ld + c] : 0.0;
  }
}

/* Coupling of a pair of entries, in the matrix with a unit diagonal, from u = 1/sqrt(a_ii) of both rows. An unknown whose couplings have at most
   this sum counts as decoupled: a row held by a penalty is solved for alone, whatever the network would write there */
#define GNN_DECOUPLED 0.01
GNN_FN double GNNBlockCoupling(double aij, double aji, double ui, double uj)
{
  return aij != 0.0 && aji != 0.0 ? 0.5 * (fabs(aij) + fabs(aji)) * ui * uj : 0.0;
}

/* Unknown r of the block is coupled if bit r is set. The others stand for themselves in D; where one has nothing there it gets a 1, as PCJACOBI does it */
GNN_FN void GNNBlockDecouple(int b, GNN_SCALAR *D, int coupled)
{
  for (int r = 0; r < b; r++) {
    int empty = !(coupled >> r & 1);

    for (int c = 0; c < b; c++) {
      if ((coupled >> r ^ coupled >> c) & 1) D[r * b + c] = 0.0;
      if (D[r * b + c] != 0.0) empty = 0;
    }
    if (empty) D[r * b + r] = 1.0;
  }
}

/* How far a pair of entries is from equal, against the diagonal entries: no matter how the rows are scaled. One that is 0 counts as 1 */
GNN_FN double GNNBlockAsymmetry(double aij, double aji, double aii, double ajj)
{
  return fabs(aij - aji) / (sqrt(aii != 0.0 ? aii : 1.0) * sqrt(ajj != 0.0 ? ajj : 1.0));
}

/* S = L^-T, upper triangular, of D = L L^T, of which the lower triangle is read; 0 where D is not positive definite */
GNN_FN int GNNBlockScaling(int b, const GNN_SCALAR *D, GNN_SCALAR *S)
{
  GNN_SCALAR L[GNN_MAX_BLOCK * GNN_MAX_BLOCK]; /* with 1/l_rr on the diagonal */

  for (int r = 0; r < b; r++) {
    for (int c = 0; c <= r; c++) {
      GNN_SCALAR sum = D[r * b + c];

      for (int k = 0; k < c; k++) sum -= L[r * b + k] * L[c * b + k];
      if (c < r) L[r * b + c] = sum * L[c * b + c];
      else if (!(sum > 0.0)) return 0;
      else L[r * b + r] = 1.0 / sqrt(sum);
    }
  }
  for (int c = 0; c < b; c++) { /* row c of S is column c of L^-1 */
    for (int r = 0; r < c; r++) S[c * b + r] = 0.0;
    S[c * b + c] = L[c * b + c];
    for (int r = c + 1; r < b; r++) {
      GNN_SCALAR sum = 0.0;

      for (int k = c; k < r; k++) sum -= L[r * b + k] * S[c * b + k];
      S[c * b + r] = sum * L[r * b + r];
    }
  }
  return 1;
}

/* D = D^-1 of a symmetric positive definite block, by Gauss and Jordan; exactly 1/d where a row has nothing but its diagonal d */
GNN_FN void GNNBlockInvert(int b, GNN_SCALAR *D)
{
  for (int k = 0; k < b; k++) {
    const GNN_SCALAR pivot = 1.0 / D[k * b + k];

    for (int r = 0; r < b; r++) {
      const GNN_SCALAR f = D[r * b + k] * pivot;

      if (r == k) continue;
      for (int c = 0; c < b; c++) D[r * b + c] -= c == k ? 0.0 : f * D[k * b + c];
      D[r * b + k] = -f;
    }
    for (int c = 0; c < b; c++) D[k * b + c] *= pivot;
    D[k * b + k] = pivot;
  }
}

/* Entry (r, c) of Si^T A Sj, Si and Sj upper triangular; A with rows of length ld */
GNN_FN GNN_SCALAR GNNBlockScaled(int b, const GNN_SCALAR *Si, const GNN_SCALAR *A, GNN_INDEX ld, const GNN_SCALAR *Sj, int r, int c)
{
  GNN_SCALAR sum = 0.0;

  for (int l = 0; l <= c; l++) {
    GNN_SCALAR t = Si[r] * A[l]; /* entry (r, l) of Si^T A */

    for (int k = 1; k <= r; k++) t += Si[k * b + r] * A[k * ld + l];
    sum += t * Sj[l * b + c];
  }
  return sum;
}

/* Entry c of g S^T, g a row of G^T, S upper triangular */
GNN_FN GNN_SCALAR GNNBlockFolded(int b, const GNN_SCALAR *g, const GNN_SCALAR *S, int c)
{
  GNN_SCALAR sum = g[c] * S[c * b + c];

  for (int k = c + 1; k < b; k++) sum += g[k] * S[c * b + k];
  return sum;
}

/* Entry (r, c) of epsilon S S^T */
GNN_FN GNN_SCALAR GNNBlockShift(int b, double epsilon, const GNN_SCALAR *S, int r, int c)
{
  GNN_SCALAR sum = 0.0;

  for (int k = r > c ? r : c; k < b; k++) sum += epsilon * S[r * b + k] * S[c * b + k];
  return sum;
}

/* x = S^T r, of the given type: that of a number, or of as many side by side as there are vectors */
#define GNN_BLOCK_TRANSPOSE_TIMES(Number, name) \
  GNN_FN void name(int b, const GNN_SCALAR *S, const Number *r, Number *x) \
  { \
    for (int c = 0; c < b; c++) { \
      x[c] = S[c] * r[0]; \
      for (int k = 1; k <= c; k++) x[c] += S[k * b + c] * r[k]; \
    } \
  }
GNN_BLOCK_TRANSPOSE_TIMES(GNN_SCALAR, GNNBlockTransposeTimes)

/* x = S^-T x, 0 where the row and column of S are 0 */
GNN_FN void GNNBlockTransposeSolve(int b, const GNN_SCALAR *S, GNN_SCALAR *x)
{
  for (int c = 0; c < b; c++) {
    for (int k = 0; k < c; k++) x[c] -= S[k * b + c] * x[k];
    x[c] = S[c * b + c] != 0.0 ? x[c] / S[c * b + c] : 0.0;
  }
}

/* x = S^-1 x, 0 where the row and column of S are 0 */
GNN_FN void GNNBlockSolve(int b, const GNN_SCALAR *S, GNN_SCALAR *x)
{
  for (int r = b - 1; r >= 0; r--) {
    for (int k = r + 1; k < b; k++) x[r] -= S[r * b + k] * x[k];
    x[r] = S[r * b + r] != 0.0 ? x[r] / S[r * b + r] : 0.0;
  }
}

/* z = S z + B r, S upper triangular; likewise */
#define GNN_BLOCK_TIMES_ADD(Number, name) \
  GNN_FN void name(int b, const GNN_SCALAR *S, const GNN_SCALAR *B, const Number *r, Number *z) \
  { \
    for (int i = 0; i < b; i++) { \
      Number sum = S[i * b + i] * z[i]; \
\
      for (int k = i + 1; k < b; k++) sum += S[i * b + k] * z[k]; \
      for (int k = 0; k < b; k++) sum += B[i * b + k] * r[k]; \
      z[i] = sum; \
    } \
  }
GNN_BLOCK_TIMES_ADD(GNN_SCALAR, GNNBlockTimesAdd)
