/*
   The number of aggregates, and whether each of several ranks has all of A_c.
*/
#include "coarse.h"
#include "../matrix.h"

#define LEAST 1500 /* coupled rows for which a number is chosen */

/* What graphs of several ranks have together */
typedef struct {
  PetscReal n;      /* coupled nodes */
  PetscReal width2; /* squares of the ranks' widths */
  PetscReal ghost2; /* squares of the ranks' numbers of ghost nodes */
  PetscReal ranks;
} Shape;

/* Is the graph plane? What is about equally far from a node are few then: no more than twice sqrt(2 n), where 3-D meshes have about n^2/3. A rank's part
   of a 3-D mesh may be plane, too, as a thin slab: then it has more ghost nodes than a strip of a plane mesh */
static PetscBool Plane_Private(const Shape *s)
{
  return s->width2 <= 8.0 * s->n && s->ghost2 <= 32.0 * s->ranks * s->n ? PETSC_TRUE : PETSC_FALSE;
}

/* The wanted number for nodes of b rows. None for a few, which are solved for before A_c is made. Else in space n^2/3 / 3, where more cost as
   many bytes in A_c's factor as they save; in the plane, where that fills little, 50 nodes each, on the host, where A_c is sparse */
static PetscReal Number_Private(GNNCoarse c, PetscReal n, PetscInt b)
{
  const PetscReal space = PetscCeilReal(PetscPowReal(n, 2.0 / 3.0) / 3.0);

  if (c->wanted != PETSC_DECIDE) return c->wanted;
  if (n * b < LEAST) return 0.0;
  return c->plane && !c->device ? PetscMax(space, PetscCeilReal(n / 50.0)) : space;
}

/* In proportion to the rank's coupled nodes, at least one if it has any and there are to be some */
PetscErrorCode GNNCoarseShare(GNNCoarse c, GNNNodes nodes, PetscBool whole, PetscInt *share)
{
  const MPI_Comm  comm = whole ? PETSC_COMM_SELF : PetscObjectComm((PetscObject)c->A);
  const PetscInt *columns;
  PetscReal       here = nodes->ncoupled, end = 0.0, number;
  PetscInt        ghosts = 0, b;
  Mat             diagonal, other;
  Shape           s;

  PetscFunctionBegin;
  PetscCall(MatGetBlockSize(c->A, &b));
  PetscCall(GNNMatBlocks(c->A, &diagonal, &other, &columns));
  if (other && !whole) PetscCall(MatGetLocalSize(other, NULL, &ghosts));
  s = (Shape){here, PetscSqr((PetscReal)nodes->width), PetscSqr((PetscReal)ghosts / b), 1.0};
  PetscCallMPI(MPI_Scan(&here, &end, 1, MPIU_REAL, MPIU_SUM, comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &s, 4, MPIU_REAL, MPIU_SUM, comm));
  c->plane = Plane_Private(&s);
  number   = Number_Private(c, s.n, b);
  *share   = 0;
  if (nodes->ncoupled == 0 || number == 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  *share = (PetscInt)(PetscFloorReal(number * end / s.n + 0.5) - PetscFloorReal(number * (end - here) / s.n + 0.5));
  *share = PetscMin(PetscMax(*share, 1), nodes->ncoupled);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where its inverse is small, or its factor, by the number of entries that it has with nested dissection, no larger than the rank's part of A: beyond that
   GAMG on all ranks was as fast on two and on four */
PetscErrorCode GNNCoarseRepeat(GNNCoarse c)
{
  const PetscReal n      = PetscMax(c->aggregates, 1), columns = c->size / n; /* of an aggregate, coupled with each other */
  const PetscReal factor = PetscSqr(columns) * (c->plane ? 4.0 * n * PetscLog2Real(n + 1.0) : PetscPowReal(n, 5.0 / 3.0));
  PetscMPIInt     ranks;
  MatInfo         info;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)c->A), &ranks));
  PetscCall(MatGetInfo(c->A, MAT_GLOBAL_SUM, &info));
  c->repeated = ranks == 1 || c->whole || c->size <= GNN_COARSE_INVERSE || ranks * factor <= info.nz_used ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
