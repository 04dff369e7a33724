/*
   For device-archive.sh: what the routines of LAPACK that PETSc calls need of Fortran's run-time library, instead of its 3 MB.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Assignment to a character variable of n: cut, or filled up with blanks */
static void Assign(size_t n, char *to, size_t m, const char *from)
{
  const size_t k = m < n ? m : n;

  memcpy(to, from, k);
  memset(to + k, ' ', n - k);
}

/* to = a // b */
void _gfortran_concat_string(size_t n, char *to, size_t na, const char *a, size_t nb, const char *b)
{
  Assign(n, to, na, a);
  if (na < n) Assign(n - na, to + na, nb, b);
}

size_t _gfortran_string_len_trim(size_t n, const char *s)
{
  while (n > 0 && s[n - 1] == ' ') n--;
  return n;
}

/* LAPACK's error handler */
void xerbla_(const char *name, const int *k, size_t n)
{
  fprintf(stderr, "LAPACK: argument %d of %.*s is wrong\n", *k, (int)n, name);
  exit(1);
}
