/*
   Columns of a dense matrix side by side: what is done for a row is then done for all of them at once. A vector holds a number of each.
*/
#pragma once

#include "compat.h"
#include <petscmat.h>

/* As wide as the processor's vectors: the compiler keeps wider ones in memory. So many columns at least are worth it: to fill up eight costs as much as two and
   a half applications, to fill up four as much as one and a half */
#if defined(__AVX512F__)
  #define GNN_COLUMNS       8
  #define GNN_COLUMNS_LEAST 3
#elif defined(__AVX__)
  #define GNN_COLUMNS       4
  #define GNN_COLUMNS_LEAST 2
#else
  #define GNN_COLUMNS       2
  #define GNN_COLUMNS_LEAST 2
#endif
#define GNN_COLUMNS_ALIGNED 64 /* bytes, a line of the cache */

typedef PetscScalar GNNColumns __attribute__((vector_size(GNN_COLUMNS * sizeof(PetscScalar))));

/* Room for n, at the start of a line of the cache; what is to be freed */
static inline PetscErrorCode GNNColumnsCreate(PetscInt n, void **memory, GNNColumns **x)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc((size_t)n * sizeof(GNNColumns) + GNN_COLUMNS_ALIGNED, memory));
  *x = (GNNColumns *)((char *)*memory + GNN_COLUMNS_ALIGNED - (size_t)*memory % GNN_COLUMNS_ALIGNED);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where each column begins. Those that are missing are the last one again: what is put there is the same */
static inline void GNNColumnsSet(PetscInt count, PetscScalar *first, PetscInt ld, PetscScalar *x[])
{
  for (PetscInt c = 0; c < GNN_COLUMNS; c++) x[c] = first + (size_t)PetscMin(c, count - 1) * ld;
}

/* Their numbers in row i */
static inline GNNColumns GNNColumnsGet(PetscScalar *const x[], PetscInt i)
{
  GNNColumns v = {0};

#pragma GCC unroll 8
  for (int c = 0; c < GNN_COLUMNS; c++) v[c] = x[c][i];
  return v;
}

static inline void GNNColumnsPut(PetscScalar *const x[], PetscInt i, GNNColumns v)
{
#pragma GCC unroll 8
  for (int c = 0; c < GNN_COLUMNS; c++) x[c][i] = v[c];
}
