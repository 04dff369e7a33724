/*
   The product with a NUMBER to each unknown: one, or those of some vectors side by side. product.c includes this for both; OF() makes the names.
*/

GNN_BLOCK_TRANSPOSE_TIMES(NUMBER, OF(BlockTransposeTimes))
GNN_BLOCK_TIMES_ADD(NUMBER, OF(BlockTimesAdd))

/* x = S^T r */
static void OF(FactorScaleBefore)(GNNFactor f, const NUMBER r[], NUMBER x[])
{
  const PetscInt b = f->b;

  if (b == 1) {
    for (PetscInt i = 0; i < f->n; i++) x[i] = f->s[i] * r[i];
  } else {
    for (PetscInt i = 0; i < f->n; i += b) OF(BlockTransposeTimes)(b, f->s + i * b, r + i, x + i);
  }
}

/* z = S z + B r, B the shift */
static void OF(FactorScaleAfter)(GNNFactor f, const NUMBER r[], NUMBER z[])
{
  const PetscInt b = f->b;

  if (b == 1) {
    for (PetscInt i = 0; i < f->n; i++) z[i] = f->s[i] * z[i] + f->shift[i] * r[i];
  } else {
    for (PetscInt i = 0; i < f->n; i += b) OF(BlockTimesAdd)(b, f->s + i * b, f->shift + i * b, r + i, z + i);
  }
}

/* GNN_FACTOR_PRODUCT() for a row d v, of whole blocks. d^2 itself may be too small to be a number */
#define FACTOR_ROW(d, v, ja, first, last, x, z) \
  do { \
    NUMBER u_[GNN_FACTOR_BLOCK] = {0}, sum_; \
\
    for (int k_ = (first); k_ < (last); k_ += GNN_FACTOR_BLOCK) ENTRIES(l_) u_[l_] += (PetscScalar)(v)[k_ + l_] * (x)[(ja)[k_ + l_]]; \
    sum_ = (PetscScalar)(d) * ((PetscScalar)(d) * ((u_[0] + u_[1]) + (u_[2] + u_[3]))); \
    for (int k_ = (first); k_ < (last); k_ += GNN_FACTOR_BLOCK) ENTRIES(l_) z[(ja)[k_ + l_]] += (PetscScalar)(v)[k_ + l_] * sum_; \
  } while (0)

static void OF(FactorProductSingle)(GNNFactor f, const NUMBER x[], NUMBER z[])
{
  for (PetscInt i = 0; i < f->n; i++) {
    const int first = GNN_FACTOR_BLOCK * f->block[i], last = GNN_FACTOR_BLOCK * f->block[i + 1];

    FACTOR_ROW(1.0, f->vs, f->js, first, last, x, z);
  }
}

/* Rows up to the next wide one, which takes its columns from js. The base moves along: no sum of it and an offset is then left to each entry */
static void OF(FactorProductHalf)(GNNFactor f, const NUMBER x[], NUMBER z[])
{
  const int *js = f->js;
  PetscInt   i  = 0;

  for (PetscInt w = 0; w <= f->nwide; w++) {
    const PetscInt next = w < f->nwide ? f->wide[w] : f->n;
    const NUMBER  *from = x + FactorBase_Private(f, i);
    NUMBER        *to   = z + FactorBase_Private(f, i);

    for (; i < next; i++) {
      const int first = GNN_FACTOR_BLOCK * f->block[i], last = GNN_FACTOR_BLOCK * f->block[i + 1], step = i >= f->below;

      FACTOR_ROW(f->d[i], f->q, f->near, first, last, from, to);
      from += step;
      to += step;
    }
    if (i < f->n) {
      const int first = GNN_FACTOR_BLOCK * f->block[i], size = GNN_FACTOR_BLOCK * f->block[i + 1] - first;

      FACTOR_ROW(f->d[i], f->q + first, js, 0, size, x, z);
      js += size;
      i++;
    }
  }
}

/* z += G G^T x as it is stored */
static void OF(FactorProduct)(GNNFactor f, const NUMBER x[], NUMBER z[])
{
  if (f->precision == GNN_HALF) OF(FactorProductHalf)(f, x, z);
  else if (f->precision == GNN_SINGLE) OF(FactorProductSingle)(f, x, z);
  else GNN_FACTOR_PRODUCT(NUMBER, f->n, f->i, f->j, f->v, x, z)
}

/* z = M^-1 r; x (n) work */
static void OF(FactorApply)(GNNFactor f, const NUMBER r[], NUMBER x[], NUMBER z[])
{
  const NUMBER zero = {0};

  if (f->jacobi) {
    for (PetscInt i = 0; i < f->n; i++) z[i] = f->jacobi[i] * r[i];
  } else if (f->precision != GNN_DOUBLE && f->folded) {
    for (PetscInt i = 0; i < f->n; i++) z[i] = f->shift[i] * r[i];
    OF(FactorProduct)(f, r, z);
  } else {
    OF(FactorScaleBefore)(f, r, x);
    for (PetscInt i = 0; i < f->n; i++) z[i] = zero;
    OF(FactorProduct)(f, x, z);
    OF(FactorScaleAfter)(f, r, z);
  }
}

#undef FACTOR_ROW
#undef NUMBER
#undef OF
