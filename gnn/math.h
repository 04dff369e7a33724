/*
   The network's scalar formulas, each once, for the host and (as inline device functions) for CUDA.

   GNNReal is float. Compiled with -DGNN_USE_DOUBLE everything is double, which the derivative tests use.
   C99 and C++11 only; no PETSc, no allocation.
*/
#pragma once

#include <math.h>

#if defined(__CUDACC__)
  #define GNN_FN static __host__ __device__ __forceinline__
#else
  #define GNN_FN static inline
#endif

#if defined(GNN_USE_DOUBLE)
typedef double GNNReal;
#else
typedef float GNNReal;
#endif

#define GNN_NORM_EPS ((GNNReal)1e-5) /* LayerNorm's eps */

/* The smaller of two nonnegative numbers, by their bits, whose order is the same: a float comparison would keep loops from being
   vectorised without -ffast-math. A NaN counts as large */
GNN_FN float GNNSmallerf(float a, float b)
{
  union
  {
    float f;
    int   i;
  } x, y;

  x.f = a;
  y.f = b;
  x.i = x.i < y.i ? x.i : y.i;
  return x.f;
}

/* e^-y for 0 <= y <= 87: -y = k ln2 + r with |r| <= ln2/2, e^r by its Taylor polynomial; relative error 2e-7. No branch, so that loops over
   it vectorise */
GNN_FN float GNNExpNegf(float y)
{
#if defined(__CUDA_ARCH__)
  return __expf(-y); /* one multiplication and ex2.approx: error below 2e-7 + 1e-7 y relative, which GELU's tail does not see */
#else
  union
  {
    float f;
    int   i;
  } two_k;
  const float magic = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer, which stands in the low mantissa bits */
  float       k, r, p;

  two_k.f = k = magic - y * 1.44269504f;
  two_k.i     = (two_k.i + (127 - 0x4B400000)) * (1 << 23);
  k -= magic;
  r = (-y - k * 0.693359375f) + k * 2.12194440e-4f; /* ln2 in two parts: k times the first is exact */
  p = 1.0f + r * (1.0f + r * (0.5f + r * (1.66666667e-1f + r * (4.16666667e-2f + r * (8.33333333e-3f + r * 1.38888889e-3f)))));
  return p * two_k.f;
#endif
}

/* GELU and its derivative: gelu(x) = x Phi(x), gelu'(x) = Phi(x) + x phi(x), Phi(x) = (1 + erf(x/sqrt 2))/2 */
#if defined(GNN_USE_DOUBLE)
GNN_FN GNNReal GNNGelu(GNNReal x, GNNReal *dgelu)
{
  const GNNReal Phi = 0.5 * (1.0 + erf(x * 0.70710678118654752440));

  *dgelu = Phi + x * 0.39894228040143267794 * exp(-0.5 * x * x);
  return x * Phi;
}
#else
/* Phi(-|x|) = e^-p(|x|)/2, p a polynomial without a constant term, which is fitted so that x Phi has an error of at most 1e-7, and 5e-7 in float: no
   division, and no branch, so that loops over it vectorise. Beyond 5.6 the tail is no longer seen beside 1/2, and of a Gaussian beyond 9 not even a
   normal number would be left: on many processors a subnormal one costs a hundred others */
GNN_FN GNNReal GNNGelu(GNNReal x, GNNReal *dgelu)
{
  const float y = GNNSmallerf(fabsf(x), 5.6f), z = GNNSmallerf(fabsf(x) * 0.70710678f, 9.0f);
  const float tail = 0.5f * GNNExpNegf(y * (0.797909449f + y * (0.318116335f + y * (3.68721488e-2f + y * (-5.50969299e-3f + y * (5.06746278e-4f - y * 2.00471686e-5f))))));
  const float Phi  = 0.5f + copysignf(0.5f - tail, x);

  *dgelu = Phi + x * 0.39894228f * GNNExpNegf(z * z);
  return x * Phi;
}
#endif

/* 1/sqrt(variance + eps) of m numbers with the given sum and sum of squares, and their mean */
GNN_FN GNNReal GNNInverseDeviation(GNNReal sum, GNNReal sumsq, GNNReal m, GNNReal *mean)
{
  GNNReal var;

  *mean = sum / m;
  var   = sumsq / m - *mean * *mean;
  return (GNNReal)1 / (GNNReal)sqrt((var > 0 ? var : 0) + GNN_NORM_EPS);
}

/* Derivatives of pre = inv (z - mean r) + b to the moments, with inv and mean as above; dot_r = dpre . r, dot_pre = dpre . (pre - b) */
GNN_FN void GNNNormGradient(GNNReal sum, GNNReal sumsq, GNNReal m, GNNReal dot_r, GNNReal dot_pre, GNNReal *dsum, GNNReal *dsumsq)
{
  GNNReal       mean;
  const GNNReal inv = GNNInverseDeviation(sum, sumsq, m, &mean), dmean = -inv * dot_r, dinv = dot_pre / inv; /* z - mean r = (pre - b)/inv */
  const GNNReal dvar = sumsq / m > mean * mean ? (GNNReal)-0.5 * inv * inv * inv * dinv : 0;

  *dsum   = (dmean - 2 * mean * dvar) / m;
  *dsumsq = dvar / m;
}

/* kappa_i of Agg_j m_ij = kappa_i sum_j m_ij */
GNN_FN GNNReal GNNAggregationScale(int mean, GNNReal scale, GNNReal degree)
{
  return mean && degree != 0 ? scale / degree : (GNNReal)1;
}

/* +1 or -1 by a hash of k: the probes of the guard */
GNN_FN double GNNProbeSign(unsigned long long k)
{
  unsigned long long h = (k + 1) * 0x9E3779B97F4A7C15ULL;

  h = (h ^ (h >> 31)) * 0xBF58476D1CE4E5B9ULL;
  return (h >> 40) & 1 ? 1.0 : -1.0;
}

/* A coupling of the scaled matrix by its order of magnitude: what choices depend on, and are kept by */
GNN_FN double GNNStrength(double a)
{
  return sqrt(sqrt(fabs(a)));
}

/* ---- training ---- */

/* The finaliser of splitmix64 */
GNN_FN unsigned long long GNNHash(unsigned long long z)
{
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

/* Numbers 2k and 2k + 1 of the key's sequence from N(0, 1), by Box and Muller */
GNN_FN void GNNRandomNormals(unsigned long long key, unsigned long long k, double x[2])
{
  const double u      = (double)(GNNHash(key + (2 * k + 1) * 0x9E3779B97F4A7C15ULL) >> 11) / 9007199254740992.0; /* in [0, 1) */
  const double v      = (double)(GNNHash(key + (2 * k + 2) * 0x9E3779B97F4A7C15ULL) >> 11) / 9007199254740992.0;
  const double radius = sqrt(-2.0 * log(1.0 - u)), angle = 6.283185307179586 * v;

  x[0] = radius * cos(angle);
  x[1] = radius * sin(angle);
}

/* AdamW (Loshchilov and Hutter, arXiv 1711.05101) for one parameter x with gradient g and moments m, v; correct = 1 - beta^step */
GNN_FN double GNNAdamW(double x, double g, double *m, double *v, double lr, double beta1, double beta2, double correct1, double correct2, double weight_decay)
{
  *m = beta1 * *m + (1.0 - beta1) * g;
  *v = beta2 * *v + (1.0 - beta2) * g * g;
  return x - lr * (*m / correct1 / (sqrt(*v / correct2) + 1e-8) + weight_decay * x);
}
