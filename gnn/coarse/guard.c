/*
   The coarse space's guard: Q is tried before it is used.

   CG with Q and CG without it run side by side for A x = b on one probe b, the same x for both, and E_k, by which the squared energy norm of
   the error has fallen after k steps, is the same quantity for both. What E_k will sum up to, the first error, is extrapolated from the run that
   tells it better; where neither does, both have most of it left, and the ratio of the rates hardly depends on it. The work of a solution is
   the bytes of a step over the rate at which the logarithm of the error falls: over all steps so far, and over the last RECENT, since Q may
   take at once what it can take, and then no more. The run ends once both say the same, after 4 steps by half, later by less.

   The verdict is kept with the aggregates, and until the near-null space's energy, hence the least eigenvalue, is another.
*/
#include "coarse.h"

#define STEPS  10
#define RECENT 2
#define DONE   1e-12 /* of the energy: nothing is left */
#define MOVED  1.5   /* factor of the near-null space's energy from which on a verdict is old */

typedef struct {
  GNNCoarse        c; /* NULL: without Q */
  GNNCoarseLocalFn local;
  void            *context;
  Vec              r, z, p, q;
  PetscReal        bytes; /* of a step */
  PetscReal        rz, start, energy[STEPS + 1];
  PetscBool        stopped, spoiled; /* nothing to gain any more; p^T A p or r^T M^-1 r is not positive, or not known for rounding */
} Run;

/* Vectors of the near-null space: those attached to the matrix, else a constant for each component of a block */
static PetscErrorCode NearNullCount_Private(GNNCoarse c, PetscInt *count)
{
  PetscInt   nvecs    = 0;
  PetscBool  constant = PETSC_FALSE;
  const Vec *vecs;

  PetscFunctionBegin;
  if (c->nearnull) PetscCall(MatNullSpaceGetVecs(c->nearnull, &constant, &nvecs, &vecs));
  *count = nvecs + (constant ? 1 : 0);
  if (*count == 0) PetscCall(MatGetBlockSize(c->A, count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 1 at the k-th component of each block, else 0 */
static PetscErrorCode Component_Private(Mat A, PetscInt k, Vec v)
{
  PetscScalar *array;
  PetscInt     n, b;

  PetscFunctionBegin;
  PetscCall(MatGetBlockSize(A, &b));
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetArrayWrite(v, &array));
  for (PetscInt i = 0; i < n; i++) array[i] = i % b == k ? 1.0 : 0.0;
  PetscCall(VecRestoreArrayWrite(v, &array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NearNullVector_Private(GNNCoarse c, PetscInt k, Vec v)
{
  PetscInt   nvecs    = 0;
  PetscBool  constant = PETSC_FALSE;
  const Vec *vecs     = NULL;

  PetscFunctionBegin;
  if (c->nearnull) PetscCall(MatNullSpaceGetVecs(c->nearnull, &constant, &nvecs, &vecs));
  if (!constant && nvecs == 0) PetscCall(Component_Private(c->A, k, v));
  else if (constant && k == 0) PetscCall(VecSet(v, 1.0));
  else PetscCall(VecCopy(vecs[constant ? k - 1 : k], v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* n^T A n / n^T D n; works in x and t */
static PetscErrorCode Energy_Private(GNNCoarse c, Vec n, PetscReal *energy)
{
  const Vec   work[2] = {c->x, c->t};
  PetscScalar dots[2];

  PetscFunctionBegin;
  PetscCall(MatMult(c->A, n, c->x));
  PetscCall(VecPointwiseDivide(c->t, n, c->dinv));
  PetscCall(VecMDot(n, 2, work, dots));
  *energy = PetscRealPart(dots[1]) > 0.0 ? PetscRealPart(dots[0] / dots[1]) : 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The k-th of them and its energy; 0 at decoupled rows, unless it is in the null space with them: what is all but decoupled may belong to that */
static PetscErrorCode NearNull_Private(GNNCoarse c, PetscInt k, Vec v, PetscReal *energy)
{
  PetscFunctionBegin;
  PetscCall(NearNullVector_Private(c, k, v));
  PetscCall(Energy_Private(c, v, energy));
  if (*energy <= GNN_COARSE_SINGULAR) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecPointwiseMult(v, v, c->coupled));
  PetscCall(Energy_Private(c, v, energy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Takes from b what is in the null space, as far as the near-null space is one: a singular system has no other solution. Where its first vector,
   the constant or a translation, is not in it, none is looked for */
static PetscErrorCode Project_Private(GNNCoarse c, Vec b)
{
  PetscInt    count, kept = 0;
  PetscReal   energy = 0.0, norm;
  PetscScalar dot;
  Vec        *v;

  PetscFunctionBegin;
  if (c->low > GNN_COARSE_SINGULAR) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NearNullCount_Private(c, &count));
  PetscCall(VecDuplicateVecs(b, count, &v));
  for (PetscInt k = 0; k < count; k++) {
    PetscCall(NearNull_Private(c, k, v[kept], &energy));
    if (energy > GNN_COARSE_SINGULAR) continue;
    for (PetscInt l = 0; l < kept; l++) {
      PetscCall(VecDot(v[kept], v[l], &dot));
      PetscCall(VecAXPY(v[kept], -dot, v[l]));
    }
    PetscCall(VecNormalize(v[kept], &norm));
    if (norm == 0.0) continue;
    PetscCall(VecDot(b, v[kept], &dot));
    PetscCall(VecAXPY(b, -dot, v[kept]));
    kept++;
  }
  PetscCall(VecDestroyVecs(count, &v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- CG ---- */

/* z = M^-1 r and r^T z */
static PetscErrorCode Precondition_Private(Run *s, PetscReal *rz)
{
  PetscScalar dot;

  PetscFunctionBegin;
  PetscCall(s->local(s->context, s->r, s->z));
  if (s->c) PetscCall(GNNCoarseAdd(s->c, s->r, s->z));
  PetscCall(VecDot(s->r, s->z, &dot));
  *rz = PetscRealPart(dot);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* c: with Q, or NULL */
static PetscErrorCode RunCreate_Private(GNNCoarse c, GNNCoarseLocalFn local, void *context, PetscReal bytes, Vec b, Run *s)
{
  PetscFunctionBegin;
  *s = (Run){.c = c, .local = local, .context = context, .bytes = bytes};
  PetscCall(VecDuplicate(b, &s->r));
  PetscCall(VecDuplicate(b, &s->z));
  PetscCall(VecDuplicate(b, &s->p));
  PetscCall(VecDuplicate(b, &s->q));
  PetscCall(VecCopy(b, s->r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunDestroy_Private(Run *s)
{
  PetscFunctionBegin;
  PetscCall(VecDestroy(&s->r));
  PetscCall(VecDestroy(&s->z));
  PetscCall(VecDestroy(&s->p));
  PetscCall(VecDestroy(&s->q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Step k = 1, 2, ... */
static PetscErrorCode RunStep_Private(GNNCoarse c, Run *s, PetscInt k)
{
  const PetscReal before = s->rz;
  PetscScalar     pq, pdp;

  PetscFunctionBegin;
  s->energy[k] = s->energy[k - 1];
  if (s->stopped || s->spoiled) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Precondition_Private(s, &s->rz));
  if (k == 1) s->start = s->rz;
  s->stopped = s->rz <= 1e-24 * s->start && s->rz >= 0.0 ? PETSC_TRUE : PETSC_FALSE;
  if (s->stopped) PetscFunctionReturn(PETSC_SUCCESS);
  if (k == 1) PetscCall(VecCopy(s->z, s->p));
  else PetscCall(VecAYPX(s->p, s->rz / before, s->z));
  PetscCall(VecPointwiseDivide(s->q, s->p, c->dinv));
  PetscCall(VecDot(s->p, s->q, &pdp));
  PetscCall(MatMult(c->A, s->p, s->q));
  PetscCall(VecDot(s->p, s->q, &pq));
  s->spoiled = s->rz > 0.0 && PetscRealPart(pq) > GNN_COARSE_SINGULAR * PetscRealPart(pdp) ? PETSC_FALSE : PETSC_TRUE; /* a NaN as well */
  if (s->spoiled) PetscFunctionReturn(PETSC_SUCCESS);
  s->energy[k] += s->rz / PetscRealPart(pq) * s->rz;
  PetscCall(VecAXPY(s->r, -s->rz / pq, s->q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the verdict ---- */

/* The squared energy norm of the first error: what step k and those before sum up to by Aitken's extrapolation, far away where that does not settle */
static PetscReal Total_Private(const Run *s, PetscInt k)
{
  const PetscReal *e    = s->energy + k;
  const PetscReal  last = e[0] - e[-2], before = e[-2] - e[-4];

  if (s->stopped) return e[0];
  return before > last ? PetscMin(1e6 * e[0], e[0] + PetscSqr(last) / (before - last)) : 1e6 * e[0];
}

/* Of both: the less that either tells, unless the other has come further than that */
static PetscReal CommonTotal_Private(const Run *without, const Run *with, PetscInt k)
{
  const Run      *further = with->energy[k] > without->energy[k] ? with : without;
  const PetscReal least   = PetscMin(Total_Private(without, k), Total_Private(with, k));

  return least > further->energy[k] ? least : Total_Private(further, k);
}

/* The bytes of steps from k to l over the fall of the error's logarithm; 0 where nothing was left at k */
static PetscReal Work_Private(const Run *s, PetscInt k, PetscInt l, PetscReal total)
{
  const PetscReal before = PetscMax(1.0 - s->energy[k] / total, DONE), after = PetscMax(1.0 - s->energy[l] / total, DONE);

  if (before <= DONE) return 0.0;
  return s->bytes * (l - k) / PetscMax(PetscLogReal(before / after), DONE);
}

/* What k >= 4 steps tell: is Q worse, and is that so for good? */
static PetscBool Worse_Private(const Run *without, const Run *with, PetscInt k, PetscBool *sure)
{
  const PetscReal total = CommonTotal_Private(without, with, k);
  const PetscReal clear = 1.0 + 2.0 / k; /* factor of the work */
  PetscReal       all[2], recent[2];

  *sure = with->spoiled;
  if (with->spoiled || total == 0.0) return PETSC_TRUE;
  all[0]    = Work_Private(without, 0, k, total);
  all[1]    = Work_Private(with, 0, k, total);
  recent[0] = Work_Private(without, k - RECENT, k, total);
  recent[1] = Work_Private(with, k - RECENT, k, total);
  *sure     = (all[0] > clear * all[1] && recent[0] >= clear * recent[1]) || (all[1] > clear * all[0] && recent[1] >= clear * recent[0]) || without->stopped || with->stopped ? PETSC_TRUE : PETSC_FALSE;
  return all[1] > all[0] ? PETSC_TRUE : PETSC_FALSE;
}

/* What Q adds: P's and A_c's entries, read twice, over all ranks */
static PetscErrorCode BytesMats_Private(GNNCoarse c, PetscReal *bytes)
{
  MatInfo info;

  PetscFunctionBegin;
  PetscCall(MatGetInfo(c->P, MAT_GLOBAL_SUM, &info));
  *bytes = 24.0 * info.nz_used;
  PetscCall(MatGetInfo(c->Ac, MAT_GLOBAL_SUM, &info));
  *bytes += c->dense ? 16.0 * c->size * c->size : 24.0 * info.nz_used;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Bytes of a step over all ranks: A, the local part's entries once, as if in double precision, which is not to decide, and ten vectors; and with Q,
   whose A_c is read on every rank that has it */
static PetscErrorCode Bytes_Private(GNNCoarse c, PetscReal nzlocal, PetscReal *without, PetscReal *with)
{
  MatInfo   info;
  PetscInt  n;
  PetscReal here[2] = {nzlocal, 0.0};

  PetscFunctionBegin;
  if (c->host) PetscCall(GNNCoarseHostBytes(c, &here[1]));
  else if (c->product) here[1] = GNNCoarseDeviceBytes(c->product);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, here, 2, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)c->A)));
  if (!c->host && !c->product) PetscCall(BytesMats_Private(c, &here[1]));
  PetscCall(MatGetInfo(c->A, MAT_GLOBAL_SUM, &info));
  PetscCall(MatGetSize(c->A, &n, NULL));
  *without = 12.0 * (info.nz_used + here[0]) + 80.0 * n;
  *with    = *without + here[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Kept with the aggregates; NULL: taken */
static void Verdict_Private(GNNCoarse c, const char refused[])
{
  c->judged  = PETSC_TRUE;
  c->lowthen = c->low;
  c->refused = refused;
}

PetscErrorCode GNNCoarseJudge(GNNCoarse c, GNNCoarseLocalFn local, void *context, PetscReal nzlocal)
{
  PetscBool worse = PETSC_FALSE, sure = PETSC_FALSE;
  PetscInt  k;
  PetscReal bytes[2] = {0.0, 0.0};
  Run       without, with;
  Vec       b;

  PetscFunctionBegin;
  if (c->judged || c->refused || c->size == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Bytes_Private(c, nzlocal, &bytes[0], &bytes[1]));
  PetscCall(VecDuplicate(c->t, &b));
  PetscCall(GNNCoarseProbe(c, b));
  PetscCall(Project_Private(c, b));
  PetscCall(RunCreate_Private(NULL, local, context, bytes[0], b, &without));
  PetscCall(RunCreate_Private(c, local, context, bytes[1], b, &with));
  for (k = 1; k <= STEPS && !sure; k++) {
    PetscCall(RunStep_Private(c, &without, k));
    PetscCall(RunStep_Private(c, &with, k));
    if (k >= 4 || with.spoiled) worse = Worse_Private(&without, &with, PetscMax(k, 4), &sure);
  }
  Verdict_Private(c, worse ? "CG needs less work without it" : NULL);
  PetscCall(PetscInfo(c->pc, "%s after %" PetscInt_FMT " steps of CG with it and without, one costs %.2f times as much with it\n", worse ? "refused" : "taken", k - 1, (double)(bytes[1] / bytes[0])));
  PetscCall(RunDestroy_Private(&without));
  PetscCall(RunDestroy_Private(&with));
  PetscCall(VecDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNCoarseReview(GNNCoarse c)
{
  PetscReal ratio;

  PetscFunctionBegin;
  if (c->slow) PetscCall(Energy_Private(c, c->slow, &c->low));
  else {
    PetscCall(VecDuplicate(c->x, &c->slow));
    PetscCall(NearNull_Private(c, 0, c->slow, &c->low));
  }
  ratio = PetscMax(c->low, GNN_COARSE_SINGULAR) / PetscMax(c->lowthen, GNN_COARSE_SINGULAR);
  if (!c->judged || (ratio <= MOVED && MOVED * ratio >= 1.0)) PetscFunctionReturn(PETSC_SUCCESS);
  c->judged  = PETSC_FALSE;
  c->refused = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}
