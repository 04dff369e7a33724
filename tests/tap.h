/*
   The tests' output: TAP, printed by rank 0 of PETSC_COMM_WORLD; use between PetscInitialize() and PetscFinalize().

   Ok(condition, format, ...)   one test, collective: passed if the condition is true on every rank
   Skip(reason, format, ...)    one test not run, and why
   return TapDone();            the plan; 0 if nothing failed
*/
#pragma once

#include <petscsys.h>
#include <stdarg.h>

#define Ok(condition, ...) TapReport((condition) ? 1 : 0, __FILE__, __LINE__, NULL, __VA_ARGS__)
#define Skip(reason, ...)  TapReport(1, __FILE__, __LINE__, reason, __VA_ARGS__)

static int tap_tests, tap_failures;

__attribute__((format(printf, 5, 6))) static inline int TapReport(int passed, const char file[], int line, const char reason[], const char format[], ...)
{
  int     rank, all;
  va_list args;

  (void)MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  (void)MPI_Allreduce(&passed, &all, 1, MPI_INT, MPI_MIN, PETSC_COMM_WORLD);
  tap_tests++;
  if (!all) tap_failures++;
  if (rank == 0) {
    printf("%sok %d - ", all ? "" : "not ", tap_tests);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    if (reason != NULL) printf(" # SKIP %s", reason);
    printf("\n");
    fflush(stdout);
  }
  if (!passed) fprintf(stderr, "# failed at %s:%d on rank %d\n", file, line, rank);
  return all;
}

static inline int TapDone(void)
{
  int rank;

  (void)MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  if (rank == 0) printf("1..%d\n", tap_tests);
  return tap_failures != 0;
}
