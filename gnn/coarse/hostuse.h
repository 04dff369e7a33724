/*
   The steps of Q with a NUMBER to each unknown: one, or those of some vectors side by side. host.c includes this for both; OF() makes the names.
*/

/* x = W^T (W r), each row of W read once */
static void OF(Inverse)(GNNCoarseHost h, const NUMBER r[], NUMBER x[])
{
  for (PetscInt k = 0; k < h->width; k++) x[k] = (NUMBER){0};
  for (PetscInt i = 0; i < h->m; i++) {
    const float *Wi         = h->W + i * h->width;
    NUMBER       sum[LANES] = {0}, y;

    for (PetscInt k = 0; k <= i; k += LANES) {
      for (PetscInt l = 0; l < LANES; l++) sum[l] += Wi[k + l] * r[k + l];
    }
    y = ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
    for (PetscInt k = 0; k <= i; k += LANES) {
      for (PetscInt l = 0; l < LANES; l++) x[k + l] += y * Wi[k + l];
    }
  }
}

/* rc = (P U)^T r; even and odd rows apart, so that neighbouring rows do not wait for each other's sums */
static void OF(Restrict)(GNNCoarseHost h, const NUMBER r[], NUMBER rc[])
{
  const PetscInt *j = h->j;
  const float    *v = h->v;

  for (PetscInt k = 0; k < 2 * h->width; k++) rc[k] = (NUMBER){0};
  for (PetscInt length = 1; length <= h->longest; length++) {
    for (PetscInt k = h->first[length]; k < h->first[length + 1]; k++, j += length, v += length) {
      const NUMBER ri  = r[h->row[k]];
      NUMBER      *sum = rc + (k & 1) * h->width;

      for (PetscInt l = 0; l < length; l++) sum[j[l]] += v[l] * ri;
    }
  }
  for (PetscInt k = 0; k < h->m; k++) rc[k] += rc[h->width + k];
}

/* z += P U x */
static void OF(Prolong)(GNNCoarseHost h, const NUMBER x[], NUMBER z[])
{
  const PetscInt *j = h->j;
  const float    *v = h->v;

  for (PetscInt length = 1; length <= h->longest; length++) {
    for (PetscInt k = h->first[length]; k < h->first[length + 1]; k++, j += length, v += length) {
      NUMBER sum = {0};

      for (PetscInt l = 0; l < length; l++) sum += v[l] * x[j[l]];
      z[h->row[k]] += sum;
    }
  }
}

#undef NUMBER
#undef OF
