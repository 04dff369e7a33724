/*
   gnnspai-bench: what its files share. bench.c reads the options and goes through the matrices, matrix.c makes them, peers.c knows the
   preconditioners, timing.c measures one of them on one matrix, regret.c compares them, report.c prints and writes JSON.
*/
#pragma once

#include <petscksp.h>
#include <jansson.h>
#include "../gnn/compat.h"

#define MAX_PC         32
#define MAX_RTOL       8
#define MAX_POINTS     24
#define MAX_REPEAT     101
#define BENCH_NSYSTEMS 3
#define RESIDUAL_SLACK 3.0 /* the true residual may miss rtol by so much: CG's own, which stops it, drifts from it by rounding */
#define MAX_SOLVE      (2 * (MAX_RTOL + MODE_COUNT))

/* How CG measures the residual. The last two stop after the iterations that the first needs for the smallest rtol */
typedef enum {
  MODE_DEFAULT,          /* unpreconditioned norm, stops at rtol */
  MODE_GRAPH,            /* the same by KSPCGGRAPH */
  MODE_NATURAL,          /* sqrt(r^T z), which CG has anyway: one reduction less */
  MODE_SINGLE_REDUCTION, /* the same with KSPCGUseSingleReduction() */
  MODE_COUNT
} BenchMode;
extern const char *const BenchModes[];

typedef enum {
  RHS_ONES,  /* b = A 1 */
  RHS_RANDOM /* uniform in (-1, 1), fixed seed; or, where FILE.rhs lies beside the matrix FILE, the vector there */
} BenchRhs;
extern const char *const BenchRhss[];

typedef struct {
  char      matrices[PETSC_MAX_PATH_LEN], json[PETSC_MAX_PATH_LEN], history[PETSC_MAX_PATH_LEN];
  char      commit[64], device[256], mat_type[64], vec_type[64];
  char     *pc[MAX_PC];
  PetscInt  npc, nlaplacian, laplacian[MAX_POINTS], nrtol, nmode, nrhs, repeat, max_it, columns;
  PetscReal rtol[MAX_RTOL], seconds;
  BenchMode mode[MODE_COUNT];
  BenchRhs  rhs[2];
  PetscBool profile;
} Options;

typedef struct {
  char      name[128];
  Mat       A;
  Vec       b[2]; /* by BenchRhs */
  PetscBool own_rhs;
  Vec       features; /* of the nodes, for models that read some; NULL where the file has none beside it */
  PetscInt  n, block_size;
  double    nonzeros;
} Problem;

typedef struct {
  PetscReal min, median, max; /* ms */
  PetscInt  runs;
} Spread;

typedef struct {
  PetscReal          rtol, residual; /* asked, and ||b - A x||/||b|| */
  BenchMode          mode;
  BenchRhs           rhs;
  PetscInt           its;
  KSPConvergedReason reason;    /* as KSP sees it */
  PetscBool          converged; /* and by the true residual */
  Spread             time;
} Solve;

/* From one more solve at the smallest rtol, outside the timed ones; -1: not known */
typedef struct {
  PetscReal lowest, highest;                    /* eigenvalues of M^-1 A, by Lanczos */
  PetscReal solve_ms, pc_ms, mult_ms;           /* PETSc's log: KSPSolve, PCApply and MatMult in it */
  PetscReal apply_ms, apply_flops, apply_bytes; /* one PCApply() */
  PetscReal columns_ms, columns_applies;        /* the shortest PCMatApply(), if that is wanted, and over the shortest PCApply() */
} Profile;

/* One preconditioner on one problem */
typedef struct {
  const char *name;
  char        why[256]; /* not empty: why it has no numbers */
  char        options[1024];
  PetscBool   failed; /* by an error, not skipped */
  Spread      setup, refresh;
  PetscInt    nsolve;
  Solve       solve[MAX_SOLVE];
  PetscReal   total[BENCH_NSYSTEMS]; /* ms; infinity: not solved */
  Profile     profile;
} Result;

/* The default beside the others, on one problem, for BenchSystems[] systems */
typedef struct {
  char        name[128];
  const char *fastest[BENCH_NSYSTEMS]; /* NULL: nobody solved it */
  PetscReal   least[BENCH_NSYSTEMS];   /* its total, ms */
  PetscReal   over[BENCH_NSYSTEMS];    /* the default's over that; infinity: it did not converge, NaN: it did not run, or nobody converged */
} Regret;

/* matrix.c */
PETSC_INTERN PetscErrorCode ProblemLoad(const Options *, const char[], Problem *);                    /* from a file */
PETSC_INTERN PetscErrorCode ProblemLaplacian(const Options *, PetscInt, const PetscInt[], Problem *); /* dimension, points */
PETSC_INTERN PetscErrorCode ProblemDestroy(Problem *);

/* peers.c */
PETSC_INTERN PetscErrorCode PeersAdd(const char[], PetscInt *, char *[]);                        /* a name, or with "all" the whole table, to an array of MAX_PC */
PETSC_INTERN PetscErrorCode PeerPrepare(const char name[], const Problem *, char why[], size_t); /* options into the database; why not, or "" */
PETSC_INTERN PetscErrorCode PeerCheckOptions(const char name[], char why[], size_t);             /* after KSPSetFromOptions(): an option nobody read, or "" */
PETSC_INTERN PetscErrorCode PeerGetOptions(const char name[], char options[], size_t);           /* as they stand in the database */
PETSC_INTERN PetscErrorCode PeerApplyBytes(PC, const Problem *, PetscReal *);                    /* that one application has to move; -1: not known */

/* timing.c */
PETSC_INTERN PetscErrorCode TimingBegin(void);                                              /* after PetscInitialize() */
PETSC_INTERN PetscErrorCode TimeResult(const Options *, const Problem *, FILE *, Result *); /* name -> the rest; an error ends up in why */
PETSC_INTERN PetscErrorCode TimeCopy(const Options *, const Problem *, PetscReal *);        /* GB/s of a long VecCopy(), read and written bytes */

PETSC_INTERN Spread SpreadOf(PetscReal[], PetscInt); /* sorts */

/* regret.c */
extern const PetscInt       BenchSystems[BENCH_NSYSTEMS];
PETSC_INTERN PetscReal      SystemsTime(const Result *, PetscReal solve, PetscInt systems); /* ms for so many systems: a set-up, refreshes between, solves */
PETSC_INTERN void           RegretOf(const Options *, const Problem *, Result[], Regret *); /* by the smallest rtol; sets the results' totals, too */
PETSC_INTERN PetscErrorCode PrintFastest(const Regret *);
PETSC_INTERN PetscErrorCode PrintRegrets(PetscInt, const Regret[]); /* and median and worst */

/* report.c */
PETSC_INTERN PetscErrorCode PrintProblem(const Problem *);
PETSC_INTERN PetscErrorCode PrintResult(const Result *);
PETSC_INTERN PetscErrorCode AddJSON(const Problem *, const Result[], PetscInt, const Regret *, json_t *);
PETSC_INTERN PetscErrorCode WriteJSON(const Options *, PetscReal, json_t *, PetscBool);
