/*
   Nodes of other ranks: three star forests of PETSc's.
*/
#include "halo.h"

#define UNITS 12 /* sizes of a node's entries that a set-up has, and a few more */

/* Of n numbers side by side. A star forest knows its buffers by it, so that it has to last as long */
typedef struct {
  MPI_Datatype of, type;
  PetscMPIInt  n;
} Unit;

struct _n_GNNHalo {
  MPI_Comm     comm; /* borrowed */
  PetscInt     b, nodes, first, last, offset;
  PetscSF      all, others, used; /* from the own nodes to all, to those of other ranks, to the own ones and what the product reads */
  Unit         unit[UNITS];
  PetscInt     nunits;
  PetscInt    *number; /* (nodes) over all ranks */
  PetscBool   *reads;  /* (nodes) what the product reads */
  PetscScalar *work;   /* (size) of GNNHaloRead() */
  PetscInt     size;
  Vec          x, y;
};

/* To those leaves of all nodes that are chosen */
static PetscErrorCode HaloEmbed_Private(GNNHalo h, const PetscBool chosen[], PetscSF *sf)
{
  PetscInt *leaf, n = 0;

  PetscFunctionBegin;
  PetscCall(PetscSFDestroy(sf));
  PetscCall(PetscMalloc1(h->nodes, &leaf));
  for (PetscInt k = 0; k < h->nodes; k++) {
    if (chosen[k]) leaf[n++] = k;
  }
  PetscCall(PetscSFCreateEmbeddedLeafSF(h->all, n, leaf, sf));
  PetscCall(PetscSFSetUp(*sf));
  PetscCall(PetscFree(leaf));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the nodes are owned; which are others' */
static PetscErrorCode HaloConnect_Private(GNNHalo h, PetscInt own, const PetscInt rows[])
{
  PetscLayout layout;
  PetscInt   *node = h->number;

  PetscFunctionBegin;
  PetscCall(PetscLayoutCreateFromSizes(h->comm, own, PETSC_DETERMINE, 1, &layout));
  for (PetscInt k = 0; k < h->nodes; k++) {
    node[k] = rows[k * h->b] / h->b;
    if (node[k] < layout->rstart) h->first++;
    h->reads[k] = node[k] < layout->rstart || node[k] >= layout->rend ? PETSC_TRUE : PETSC_FALSE;
  }
  h->last   = h->first + own;
  h->offset = (layout->rstart - h->first) * h->b;
  PetscCall(PetscSFCreate(h->comm, &h->all));
  PetscCall(PetscSFSetGraphLayout(h->all, layout, h->nodes, NULL, PETSC_OWN_POINTER, node));
  PetscCall(HaloEmbed_Private(h, h->reads, &h->others));
  PetscCall(PetscLayoutDestroy(&layout));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNHaloCreate(Mat A, PetscInt b, PetscInt n, const PetscInt rows[], GNNHalo *halo)
{
  GNNHalo  h;
  VecType  type;
  PetscInt own;

  PetscFunctionBegin;
  PetscCall(PetscNew(&h));
  h->comm  = PetscObjectComm((PetscObject)A);
  h->b     = b;
  h->nodes = n / b;
  PetscCall(PetscMalloc2(h->nodes, &h->number, h->nodes, &h->reads));
  PetscCall(MatGetLocalSize(A, &own, NULL));
  PetscCall(HaloConnect_Private(h, own / b, rows));
  PetscCall(MatGetDiagonalBlock(A, &A));
  PetscCall(MatGetVecType(A, &type));
  PetscCall(VecCreate(PETSC_COMM_SELF, &h->x));
  PetscCall(VecSetSizes(h->x, n, n));
  PetscCall(VecSetType(h->x, type));
  PetscCall(VecDuplicate(h->x, &h->y));
  PetscCall(VecSet(h->x, 0.0)); /* what the product does not read stays 0 */
  *halo = h;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNHaloDestroy(GNNHalo *halo)
{
  GNNHalo h = *halo;

  PetscFunctionBegin;
  if (h == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSFDestroy(&h->all));
  PetscCall(PetscSFDestroy(&h->others));
  PetscCall(PetscSFDestroy(&h->used));
  for (PetscInt k = 0; k < h->nunits; k++) PetscCallMPI(MPI_Type_free(&h->unit[k].type));
  PetscCall(PetscFree2(h->number, h->reads));
  PetscCall(PetscFree(h->work));
  PetscCall(VecDestroy(&h->x));
  PetscCall(VecDestroy(&h->y));
  PetscCall(PetscFree(*halo));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNHaloGetRange(GNNHalo h, PetscInt *first, PetscInt *last, PetscInt *offset)
{
  PetscFunctionBegin;
  if (h == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  *first  = h->first;
  *last   = h->last;
  *offset = h->offset;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode HaloUnit_Private(GNNHalo h, PetscInt n, MPI_Datatype of, MPI_Datatype *type)
{
  PetscInt k = 0;

  PetscFunctionBegin;
  *type = of;
  if (n == 1) PetscFunctionReturn(PETSC_SUCCESS); /* whose sums PETSc knows */
  while (k < h->nunits && (h->unit[k].of != of || h->unit[k].n != n)) k++;
  if (k == h->nunits) {
    PetscCheck(k < UNITS, PETSC_COMM_SELF, PETSC_ERR_PLIB, "More than %d sizes", UNITS);
    h->unit[k].of = of;
    PetscCall(PetscMPIIntCast(n, &h->unit[k].n));
    PetscCallMPI(MPI_Type_contiguous(h->unit[k].n, of, &h->unit[k].type));
    PetscCallMPI(MPI_Type_commit(&h->unit[k].type));
    h->nunits++;
  }
  *type = h->unit[k].type;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNHaloNumber(GNNHalo h, PetscInt n, const PetscInt rows[], PetscInt numbers[])
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < n; k++) numbers[k] = h->number[rows[k] / h->b] * h->b + rows[k] % h->b;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a set-up ---- */

PetscErrorCode GNNHaloSum(GNNHalo h, PetscMPIInt n, PetscReal x[])
{
  PetscFunctionBegin;
  if (h) PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, x, n, MPIU_REAL, MPIU_SUM, h->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNHaloShare(GNNHalo h, size_t bytes, void *array)
{
  MPI_Datatype unit;

  PetscFunctionBegin;
  if (h == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(HaloUnit_Private(h, (PetscInt)bytes, MPI_BYTE, &unit));
  PetscCall(PetscSFBcastBegin(h->others, unit, (char *)array + (size_t)h->first * bytes, array, MPI_REPLACE));
  PetscCall(PetscSFBcastEnd(h->others, unit, (char *)array + (size_t)h->first * bytes, array, MPI_REPLACE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNHaloRead(GNNHalo h, PetscInt K, const PetscScalar x[], const PetscScalar *shared[])
{
  const PetscInt size = h ? h->nodes * h->b * K : 0;

  PetscFunctionBegin;
  *shared = x;
  if (h == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  if (size > h->size) {
    PetscCall(PetscFree(h->work));
    PetscCall(PetscMalloc1(size, &h->work));
    h->size = size;
  }
  PetscCall(PetscArraycpy(h->work, x, size));
  PetscCall(GNNHaloShare(h, (size_t)(h->b * K) * sizeof(PetscScalar), h->work));
  *shared = h->work;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNHaloAdd(GNNHalo h, PetscInt K, PetscScalar y[])
{
  const PetscInt unit = h ? h->b * K : 0;
  MPI_Datatype   type;

  PetscFunctionBegin;
  if (h == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(HaloUnit_Private(h, unit, MPIU_SCALAR, &type));
  PetscCall(PetscSFReduceBegin(h->others, type, y, y + h->first * unit, MPIU_SUM));
  PetscCall(PetscSFReduceEnd(h->others, type, y, y + h->first * unit, MPIU_SUM));
  PetscCall(PetscArrayzero(y, h->first * unit));
  PetscCall(PetscArrayzero(y + h->last * unit, (h->nodes - h->last) * unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the product ---- */

/* Messages are set up anew where a rank reads more than before */
PetscErrorCode GNNHaloUse(GNNHalo h, const PetscInt i[], const PetscInt j[])
{
  PetscReal more = 0.0;

  PetscFunctionBegin;
  if (h == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  if (h->used == NULL) {
    for (PetscInt k = 0; k < h->nodes; k++) h->reads[k] = k >= h->first && k < h->last ? PETSC_TRUE : PETSC_FALSE;
    more = 1.0;
  }
  for (PetscInt k = 0; k < i[h->nodes * h->b]; k++) {
    if (!h->reads[j[k] / h->b]) more = 1.0;
    h->reads[j[k] / h->b] = PETSC_TRUE;
  }
  PetscCall(GNNHaloSum(h, 1, &more));
  if (more > 0.0) PetscCall(HaloEmbed_Private(h, h->reads, &h->used));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNHaloBefore(GNNHalo h, Vec r, Vec *x, Vec *y)
{
  const PetscScalar *root;
  PetscScalar       *leaf;
  PetscMemType       from, to;
  MPI_Datatype       node;

  PetscFunctionBegin;
  PetscCall(HaloUnit_Private(h, h->b, MPIU_SCALAR, &node));
  PetscCall(VecGetArrayReadAndMemType(r, &root, &from));
  PetscCall(VecGetArrayAndMemType(h->x, &leaf, &to));
  PetscCall(PetscSFBcastWithMemTypeBegin(h->used, node, from, root, to, leaf, MPI_REPLACE));
  PetscCall(PetscSFBcastEnd(h->used, node, root, leaf, MPI_REPLACE));
  PetscCall(VecRestoreArrayAndMemType(h->x, &leaf));
  PetscCall(VecRestoreArrayReadAndMemType(r, &root));
  *x = h->x;
  *y = h->y;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNHaloAfter(GNNHalo h, Vec z)
{
  const PetscScalar *leaf;
  PetscScalar       *root;
  PetscMemType       from, to;
  MPI_Datatype       node;

  PetscFunctionBegin;
  PetscCall(HaloUnit_Private(h, h->b, MPIU_SCALAR, &node));
  PetscCall(VecSet(z, 0.0));
  PetscCall(VecGetArrayReadAndMemType(h->y, &leaf, &from));
  PetscCall(VecGetArrayAndMemType(z, &root, &to));
  PetscCall(PetscSFReduceWithMemTypeBegin(h->used, node, from, leaf, to, root, MPIU_SUM));
  PetscCall(PetscSFReduceEnd(h->used, node, leaf, root, MPIU_SUM));
  PetscCall(VecRestoreArrayAndMemType(z, &root));
  PetscCall(VecRestoreArrayReadAndMemType(h->y, &leaf));
  PetscFunctionReturn(PETSC_SUCCESS);
}
