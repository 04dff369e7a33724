/*
   The coarse space's guard: Q is tried before it is used.

   CG with Q and CG without it run side by side for A x = b on one probe b, the same x for both, and E_k, by which the squared energy norm of
   the error has fallen after k steps, is the same quantity for both. With E the larger of the two by now, E - E_(k - DELAY) is about what
   is left of each one's error DELAY steps ago. The run ends once one has CLEAR times less left, which is after 10 to 30 steps where Q is
   worth it. If none is ahead like that, Q is taken where it saves a tenth of the steps: by how many the logarithm of what is left tells; its steps cost more.

   The verdict is kept with the aggregates, and until the near-null space's energy, hence the least eigenvalue, is another.
*/
#include "coarse.h"

#define STEPS 100
#define DELAY 5
#define CLEAR 16.0
#define GAIN  1.1
#define DONE  1e-12 /* of the energy: nothing is left */
#define MOVED 1.5   /* factor of the near-null space's energy from which on a verdict is old */

typedef struct {
  GNNCoarse        c; /* NULL: without Q */
  GNNCoarseLocalFn local;
  void            *context;
  Vec              r, z, p, q;
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

/* Takes from b what is in the null space, as far as the near-null space is one: a singular system has no other solution */
static PetscErrorCode Project_Private(GNNCoarse c, Vec b)
{
  PetscInt    count, kept = 0;
  PetscReal   energy = 0.0, norm;
  PetscScalar dot;
  Vec        *v;

  PetscFunctionBegin;
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
static PetscErrorCode RunCreate_Private(GNNCoarse c, GNNCoarseLocalFn local, void *context, Vec b, Run *s)
{
  PetscFunctionBegin;
  *s = (Run){.c = c, .local = local, .context = context};
  PetscCall(VecDuplicate(b, &s->r));
  PetscCall(VecDuplicate(b, &s->z));
  PetscCall(VecDuplicate(b, &s->p));
  PetscCall(VecDuplicate(b, &s->q));
  PetscCall(VecCopy(b, s->r));
  PetscCall(Precondition_Private(s, &s->rz));
  PetscCall(VecCopy(s->z, s->p));
  s->start   = s->rz;
  s->stopped = s->rz == 0.0 ? PETSC_TRUE : PETSC_FALSE;
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
  const PetscReal rz = s->rz;
  PetscScalar     pq, pdp;

  PetscFunctionBegin;
  s->energy[k] = s->energy[k - 1];
  if (s->stopped || s->spoiled) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecPointwiseDivide(s->q, s->p, c->dinv));
  PetscCall(VecDot(s->p, s->q, &pdp));
  PetscCall(MatMult(c->A, s->p, s->q));
  PetscCall(VecDot(s->p, s->q, &pq));
  s->spoiled = rz > 0.0 && PetscRealPart(pq) > GNN_COARSE_SINGULAR * PetscRealPart(pdp) ? PETSC_FALSE : PETSC_TRUE; /* a NaN as well */
  if (s->spoiled) PetscFunctionReturn(PETSC_SUCCESS);
  s->energy[k] += rz / PetscRealPart(pq) * rz;
  PetscCall(VecAXPY(s->r, -rz / pq, s->q));
  PetscCall(Precondition_Private(s, &s->rz));
  PetscCall(VecAYPX(s->p, s->rz / rz, s->z));
  s->stopped = s->rz <= 1e-24 * s->start && s->rz >= 0.0 ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What step k tells: is Q worse, and is that so for good? */
static PetscBool Worse_Private(const Run *without, const Run *with, PetscInt k, PetscBool *sure)
{
  const PetscReal all = PetscMax(without->energy[k], with->energy[k]);
  PetscReal       left[2];

  *sure = with->spoiled;
  if (with->spoiled) return PETSC_TRUE;
  if (k <= DELAY) return PETSC_TRUE;
  left[0] = PetscMax(all - without->energy[k - DELAY], DONE * all);
  left[1] = PetscMax(all - with->energy[k - DELAY], DONE * all);
  *sure   = left[0] >= CLEAR * left[1] || left[1] >= CLEAR * left[0] || PetscMin(left[0], left[1]) <= DONE * all ? PETSC_TRUE : PETSC_FALSE;
  return PetscLogReal(left[1] / all) > GAIN * PetscLogReal(left[0] / all) ? PETSC_TRUE : PETSC_FALSE;
}

PetscErrorCode GNNCoarseJudge(GNNCoarse c, GNNCoarseLocalFn local, void *context)
{
  PetscBool worse = PETSC_FALSE, sure = PETSC_FALSE;
  PetscInt  k;
  Run       without, with;
  Vec       b;

  PetscFunctionBegin;
  if (c->judged || c->refused || c->size == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(c->t, &b));
  PetscCall(GNNCoarseProbe(c, b));
  PetscCall(Project_Private(c, b));
  PetscCall(RunCreate_Private(NULL, local, context, b, &without));
  PetscCall(RunCreate_Private(c, local, context, b, &with));
  for (k = 1; k <= STEPS && !sure; k++) {
    PetscCall(RunStep_Private(c, &without, k));
    PetscCall(RunStep_Private(c, &with, k));
    worse = Worse_Private(&without, &with, k, &sure);
  }
  c->judged  = PETSC_TRUE;
  c->lowthen = c->low;
  c->refused = worse ? "CG needs fewer steps without it" : NULL;
  PetscCall(PetscInfo(c->ksp, "%s after %" PetscInt_FMT " steps of CG with it and without\n", worse ? "refused" : "taken", k - 1));
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
