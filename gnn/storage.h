/*
   How the numbers of G are stored for its product.

   In 16 bits row i of G^T is d_i times whole numbers q_i of at most GNN_HALF_MOST, d_i from the largest of the row: no number overflows, and each
   is off by at most d_i/2. Both products read the same q, G G^T = Q^T D^2 Q for the rows q_i of Q: d_i^2 is multiplied in once, between them.
*/
#pragma once

#include "math.h"

typedef enum {
  GNN_DOUBLE,
  GNN_SINGLE,
  GNN_HALF
} GNNPrecision; /* as PCGNNSPAIPrecision */

#define GNN_HALF_MOST   32767
#define GNN_HALF_REACH  0xFFFFu /* the largest offset */
#define GNN_HALF_SPREAD 16.0    /* of S in a row, up to which S is multiplied into 16 bits: the entries of the scaled G are then off by 2^-12 of the row's largest at most */

/* Bytes of an entry in the product, its column's number with it. In half precision it is 6, on a device 8, where columns are too far for 16 bits, which is
   not counted */
GNN_FN int GNNEntryBytes(GNNPrecision precision)
{
  return precision == GNN_DOUBLE ? 12 : precision == GNN_SINGLE ? 8 : 4;
}

/* d of a row whose largest number is that in magnitude */
GNN_FN double GNNHalfScale(double largest)
{
  return largest / GNN_HALF_MOST;
}

/* q = v/d */
GNN_FN short GNNHalfNumber(double v, double d)
{
  const double q = d > 0.0 ? rint(v / d) : 0.0;

  return (short)(q > GNN_HALF_MOST ? GNN_HALF_MOST : q < -GNN_HALF_MOST ? -GNN_HALF_MOST : q);
}

/* A number and the offset of its column from a base, which share a word */
GNN_FN unsigned GNNWord(int number, unsigned offset)
{
  return (unsigned)number << 16 | offset;
}

GNN_FN int GNNWordNumber(unsigned word)
{
  return (short)(word >> 16);
}

GNN_FN unsigned GNNWordOffset(unsigned word)
{
  return word & GNN_HALF_REACH;
}
