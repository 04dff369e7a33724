/*
   Training on the device: memory, upload of the matrices, and the order of a step's launches.
*/
#include "deviceimpl.h"
#include "../gnn/place.h" /* GNNDeviceSupports() */

/* ---- what is supported ---- */

PetscErrorCode TrainDeviceCheck(GNNModel m, TrainLoss loss)
{
  const GNNConfig *c = &m->config;
  PetscBool        supports;

  PetscFunctionBegin;
  PetscCheck(GNNKernelDevices() > 0, PETSC_COMM_WORLD, PETSC_ERR_SUP_SYS, "There is no CUDA device here: leave out -mat_type aijcusparse to train on the host");
  PetscCheck(loss != TRAIN_LOSS_KAPORIN, PETSC_COMM_WORLD, PETSC_ERR_SUP, "Loss kaporin is for the host: leave out -mat_type aijcusparse");
  PetscCall(GNNDeviceSupports(m, &supports));
  PetscCheck(supports && c->block_size == 1 && c->user_size == 0, PETSC_COMM_WORLD, PETSC_ERR_SUP, "The device trains networks of block size 1 and width at most 32, without features of the user's; this one has block size %" PetscInt_FMT ", width %" PetscInt_FMT ", %" PetscInt_FMT " such features: leave out -mat_type aijcusparse", c->block_size, c->width, c->user_size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- matrices ---- */

/* Slots of a tile of the forward pass, which is one warp's: as few as give work to a few thousand warps, at most as many as in inference */
static PetscInt TileSlots_Private(const TrainDeviceOptions *o, PetscInt count, const TrainSample samples[])
{
  PetscReal slots = 0.0;

  for (PetscInt k = 0; k < count; k++) slots += (PetscReal)samples[k].graph->nz * o->batch / count;
  return slots < 5e4 ? 32 : slots < 2e5 ? 64 : 256;
}

/* Arrays of a graph of block size 1; more: row offsets beyond its rows */
static void GraphLayout_Private(size_t n, size_t more, size_t nz, GNNKernelGraph *graph, TrainBlock *block)
{
  graph->b        = 1;
  graph->i        = TrainBlockTake(block, n + more, sizeof(int));
  graph->j        = TrainBlockTake(block, nz, sizeof(int));
  graph->brow     = TrainBlockTake(block, nz, sizeof(int));
  graph->bi       = graph->i;
  graph->bj       = graph->j;
  graph->rev      = TrainBlockTake(block, nz, sizeof(int));
  graph->diag     = TrainBlockTake(block, n, sizeof(int));
  graph->s        = TrainBlockTake(block, n, sizeof(double));
  graph->at       = TrainBlockTake(block, nz, sizeof(double));
  graph->keep     = TrainBlockTake(block, nz, 1);
  graph->degree   = TrainBlockTake(block, n, sizeof(float));
  graph->features = TrainBlockTake(block, n, GNN_NODE_USER * sizeof(float));
}

/* The same layout on the host, where it is filled, and on the device */
static void MatricesLayout_Private(const GNNTrainMatrix *total, int count, GNNTrainMatrices *all, TrainBlock *block)
{
  const size_t n = (size_t)total->row, nz = (size_t)total->slot, tiles = (size_t)total->tile;

  all->count  = count;
  all->matrix = TrainBlockTake(block, count, sizeof(*all->matrix));
  all->tile   = TrainBlockTake(block, tiles, sizeof(*all->tile));
  GraphLayout_Private(n, count, nz, &all->graph, block);
}

/* Where each matrix begins; total: behind the last one */
static PetscErrorCode MatricesPlaces_Private(TrainLoss loss, PetscInt tile_slots, PetscInt count, const TrainSample samples[], GNNTrainMatrix matrix[], GNNTrainMatrix *total)
{
  PetscInt n = 0, nz = 0, tiles = 0;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < count; k++) {
    const GNNGraph g = samples[k].graph;
    GNNKernelTile *tile;

    PetscCall(PetscMalloc1(g->n, &tile));
    matrix[k] = (GNNTrainMatrix){(int)g->n, (int)g->nz, GNNDeviceNetTiles(g->n, g->i, tile_slots, PETSC_MPI_INT_MAX, tile), (int)g->ncoupled, (int)n, (int)nz, (int)tiles, loss == TRAIN_LOSS_PLAIN ? (double)g->norm : 1.0};
    PetscCall(PetscFree(tile));
    n += g->n;
    nz += g->nz;
    tiles += matrix[k].ntiles;
    PetscCheck(nz < PETSC_MPI_INT_MAX / 2, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "The training matrices have more than %" PetscInt_FMT " nonzeros, too many for the device's 32-bit offsets: leave out -mat_type aijcusparse, or some of them", nz);
  }
  *total = (GNNTrainMatrix){.row = (int)n, .slot = (int)nz, .tile = (int)tiles};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One matrix into the host's copy of the arrays */
static PetscErrorCode MatrixFill_Private(GNNGraph g, PetscInt tile_slots, int k, const GNNTrainMatrices *all)
{
  const GNNTrainMatrix *m            = &all->matrix[k];
  const GNNKernelGraph *to           = &all->graph;
  GNNConfig             all_features = {.block_size = 1, .nnode_features = GNN_NODE_USER}; /* of the matrix */
  int                  *i = (int *)to->i + m->row + k, *j = (int *)to->j + m->slot, *row = (int *)to->brow + m->slot, *rev = (int *)to->rev + m->slot, *diag = (int *)to->diag + m->row;
  GNNReal              *features, none;

  PetscFunctionBegin;
  for (int f = 0; f < GNN_NODE_USER; f++) all_features.node_features[f] = (GNNNodeFeature)f;
  PetscCall(PetscMalloc1(GNN_NODE_USER * g->n, &features));
  PetscCall(GNNGraphGetFeatures(g, &all_features, features, &none));
  for (PetscInt k = 0; k < GNN_NODE_USER * g->n; k++) to->features[m->row * GNN_NODE_USER + k] = (float)features[k];
  for (PetscInt r = 0; r < g->n; r++) {
    i[r]                   = (int)g->i[r];
    diag[r]                = (int)g->diag[r];
    to->s[m->row + r]      = g->decoupled[r] ? 0.0 : (double)PetscRealPart(g->s[r]);
    to->degree[m->row + r] = (float)g->degree[r];
    for (PetscInt p = g->i[r]; p < g->i[r + 1]; p++) {
      j[p]                  = (int)g->j[p];
      row[p]                = (int)r;
      rev[p]                = (int)g->rev[p];
      to->at[m->slot + p]   = (double)PetscRealPart(g->at[p]);
      to->keep[m->slot + p] = g->keep[p] != 0 ? 1 : 0;
    }
  }
  i[g->n] = (int)g->nz;
  (void)GNNDeviceNetTiles(g->n, g->i, tile_slots, PETSC_MPI_INT_MAX, (GNNKernelTile *)all->tile + m->tile);
  PetscCall(PetscFree(features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DeviceUploadMatrices_Private(TrainDevice d, const TrainDeviceOptions *o, PetscInt count, const TrainSample samples[])
{
  const PetscInt   tile_slots = TileSlots_Private(o, count, samples);
  GNNTrainMatrix   total      = {0};
  GNNTrainMatrices host;
  TrainBlock       block = {NULL, 0};

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(count, &d->matrix));
  PetscCall(MatricesPlaces_Private(o->loss, tile_slots, count, samples, d->matrix, &total));
  MatricesLayout_Private(&total, (int)count, &host, &block);
  PetscCall(PetscMalloc(block.size, &block.base));
  GNNCallKernel(GNNKernelMalloc(&d->memory[0], block.size));
  block.size = 0;
  MatricesLayout_Private(&total, (int)count, &host, &block);
  PetscCall(PetscArraycpy((GNNTrainMatrix *)host.matrix, d->matrix, count));
  for (PetscInt k = 0; k < count; k++) PetscCall(MatrixFill_Private(samples[k].graph, tile_slots, (int)k, &host));
  GNNCallKernel(GNNKernelToDevice(d->memory[0], block.base, block.size, d->stream));
  PetscCall(PetscFree(block.base));
  block = (TrainBlock){d->memory[0], 0};
  MatricesLayout_Private(&total, (int)count, &d->all, &block);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a batch ---- */

static int CompareDescending(const void *a, const void *b)
{
  const PetscInt x = *(const PetscInt *)a, y = *(const PetscInt *)b;

  return x < y ? 1 : x > y ? -1 : 0;
}

/* What the largest batch adds up to: all ranks together draw a matrix once in every order, of which a step may begin and end one */
static PetscInt LargestBatch_Private(const TrainDeviceOptions *o, PetscInt count, PetscInt size[])
{
  const PetscInt repeats = o->matrices / count + 2;
  PetscInt       sum     = 0;

  qsort(size, (size_t)count, sizeof(*size), CompareDescending);
  for (PetscInt k = 0; k < o->batch; k++) sum += size[k / repeats];
  return sum;
}

static PetscErrorCode DeviceRoom_Private(TrainDevice d, const TrainDeviceOptions *o, PetscInt *tiles)
{
  const PetscInt count = d->all.count;
  PetscInt      *size;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(count, &size));
  for (PetscInt k = 0; k < count; k++) size[k] = d->matrix[k].n;
  d->n = LargestBatch_Private(o, count, size);
  for (PetscInt k = 0; k < count; k++) size[k] = d->matrix[k].nz;
  d->nz = LargestBatch_Private(o, count, size);
  for (PetscInt k = 0; k < count; k++) size[k] = d->matrix[k].ntiles;
  *tiles     = LargestBatch_Private(o, count, size);
  d->members = o->batch;
  PetscCall(PetscFree(size));
  PetscCheck(d->nz < PETSC_MPI_INT_MAX / 2, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "A batch has up to %" PetscInt_FMT " nonzeros, too many for the device's 32-bit offsets: lower -train_batch", d->nz);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void BatchLayout_Private(TrainDevice d, PetscInt tiles, TrainBlock *block)
{
  const size_t   n = (size_t)d->n, nz = (size_t)d->nz, members = (size_t)d->members, vector = n * d->batch.probes;
  GNNTrainBatch *b = &d->batch;

  GraphLayout_Private(n, 1, nz, &b->graph, block);
  b->tile   = TrainBlockTake(block, tiles, sizeof(*b->tile));
  b->start  = TrainBlockTake(block, members + 1, sizeof(int));
  b->member = TrainBlockTake(block, n, sizeof(int));
  b->kappa  = TrainBlockTake(block, 2 * n, sizeof(float));
  b->factor = TrainBlockTake(block, members, sizeof(double));
  b->scale  = TrainBlockTake(block, members, sizeof(double));
  b->twice  = TrainBlockTake(block, members, sizeof(double));
  b->sai    = TrainBlockTake(block, members, sizeof(double));
  b->w      = TrainBlockTake(block, vector, sizeof(double));
  b->u      = TrainBlockTake(block, vector, sizeof(double));
  b->z      = TrainBlockTake(block, vector, sizeof(double));
  b->y      = TrainBlockTake(block, vector, sizeof(double));
  b->q      = TrainBlockTake(block, vector, sizeof(double));
  b->t      = TrainBlockTake(block, vector, sizeof(double));
  b->gt     = TrainBlockTake(block, nz, sizeof(double));
  b->dout   = TrainBlockTake(block, nz, sizeof(float));
  b->dc     = TrainBlockTake(block, 2 * GNN_KERNEL_PARTIALS, sizeof(double));
  d->status = TrainBlockTake(block, 1, sizeof(*d->status));
}

static void HiddenLayout_Private(const GNNKernelConfig *c, size_t n, size_t nz, GNNKernelHidden *hidden, TrainBlock *block)
{
  const size_t row = (size_t)c->width * c->hidden * sizeof(float), layers = (size_t)c->layers;

  hidden->node_enc = TrainBlockTake(block, n, row);
  hidden->edge_enc = TrainBlockTake(block, nz, row);
  hidden->edge_dec = TrainBlockTake(block, nz, row);
  hidden->node     = TrainBlockTake(block, layers * n, row);
  hidden->msg      = TrainBlockTake(block, layers * nz, row);
  hidden->edge     = TrainBlockTake(block, layers * nz, row);
}

/* States, tape, and their adjoints */
static void NetLayout_Private(TrainDevice d, TrainBlock *block)
{
  GNNKernelNet          *net  = &d->net;
  GNNKernelTape         *tape = &net->tape;
  GNNKernelAdjoint      *a    = &d->adjoint;
  const GNNKernelConfig *c    = &net->config;
  const size_t           n = (size_t)d->n, nz = (size_t)d->nz, layers = (size_t)c->layers, row = (size_t)c->width * sizeof(float), pair = 2 * sizeof(float);

  tape->n     = n;
  tape->nz    = nz;
  net->tile   = d->batch.tile;
  net->x      = TrainBlockTake(block, (layers + 1) * n, row);
  net->e      = TrainBlockTake(block, (layers + 1) * nz, row);
  net->part_i = TrainBlockTake(block, n, 2 * row);
  for (int l = 0; l < 2; l++) net->part_j[l] = TrainBlockTake(block, n, 2 * row);
  tape->node = TrainBlockTake(block, n, GNNPad(c->node.size) * sizeof(float));
  tape->edge = TrainBlockTake(block, nz, GNNPad(c->edge.size) * sizeof(float));
  tape->sum  = TrainBlockTake(block, layers * n, row);
  tape->agg  = TrainBlockTake(block, layers * n, row);
  HiddenLayout_Private(c, n, nz, &tape->pre, block);
  a->x      = TrainBlockTake(block, (layers + 1) * n, row);
  a->e      = TrainBlockTake(block, (layers + 1) * nz, row);
  a->part_i = TrainBlockTake(block, (layers + 1) * n, 2 * row);
  a->part_j = TrainBlockTake(block, (layers + 1) * n, 2 * row);
  a->sum    = TrainBlockTake(block, n, row);
  a->agg    = TrainBlockTake(block, layers * n, row);
  HiddenLayout_Private(c, n, nz, &a->pre, block);
  if (!c->norm) return;
  net->moments[0] = TrainBlockTake(block, (layers + 1) * n, pair);
  a->moments      = TrainBlockTake(block, nz, pair);
  a->node_moments = TrainBlockTake(block, n, pair);
  a->norm_node    = TrainBlockTake(block, layers * n, pair);
  a->norm_msg     = TrainBlockTake(block, layers * nz, pair);
  a->norm_edge    = TrainBlockTake(block, layers * nz, pair);
}

static PetscErrorCode DeviceCreateBatch_Private(TrainDevice d, const TrainDeviceOptions *o)
{
  TrainBlock block = {NULL, 0};
  PetscInt   tiles = 0;

  PetscFunctionBegin;
  PetscCall(DeviceRoom_Private(d, o, &tiles));
  for (int pass = 0; pass < 2; pass++) {
    BatchLayout_Private(d, tiles, &block);
    NetLayout_Private(d, &block);
    if (pass == 1) break;
    GNNCallKernel(GNNKernelMalloc(&d->memory[1], block.size));
    block = (TrainBlock){d->memory[1], 0};
  }
  GNNCallKernel(GNNKernelStatusClear(d->status, d->stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- create, destroy ---- */

static void DeviceStart_Private(GNNModel m, const TrainDeviceOptions *o, TrainDevice d)
{
  const GNNConfig *c = &m->config;

  d->start          = GNNConfigStart(c);
  d->loss.logarithm = o->loss == TRAIN_LOSS_LOG_SAI;
  d->loss.matrices  = (int)o->matrices;
  d->loss.epsilon   = (double)c->epsilon;
  d->batch.probes   = (int)o->probes;
  GNNDeviceConfig(c, PETSC_FALSE, &d->net.config);
}

PetscErrorCode TrainDeviceCreate(GNNModel m, const TrainDeviceOptions *o, PetscInt count, const TrainSample samples[], TrainDevice *device)
{
  TrainDevice d;

  PetscFunctionBegin;
  PetscCall(PetscNew(&d));
  *device = d;
  PetscCall(GNNDeviceStream(&d->stream));
  DeviceStart_Private(m, o, d);
  PetscCall(DeviceUploadMatrices_Private(d, o, count, samples));
  PetscCall(DeviceCreateBatch_Private(d, o));
  PetscCall(TrainDeviceCreateParameters(d, m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainDeviceDestroy(TrainDevice *device)
{
  TrainDevice d = *device;

  PetscFunctionBegin;
  if (d == NULL) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(d->memory); k++) {
    if (d->memory[k]) GNNCallKernel(GNNKernelFree(d->memory[k]));
  }
  if (d->host) GNNCallKernel(GNNKernelFreeHost(d->host));
  PetscCall(PetscFree(d->matrix));
  PetscCall(PetscFree(*device));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- to and from the host ---- */

static PetscErrorCode DevicePutVec_Private(TrainDevice d, Vec x, double *device)
{
  const PetscScalar *xa;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(x, &xa));
  GNNCallKernel(GNNKernelToDevice(device, xa, d->parameters.n * sizeof(double), d->stream));
  PetscCall(VecRestoreArrayRead(x, &xa));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DeviceGetVec_Private(TrainDevice d, const double *device, Vec x)
{
  PetscScalar *xa;

  PetscFunctionBegin;
  PetscCall(VecGetArrayWrite(x, &xa));
  GNNCallKernel(GNNKernelToHost(xa, device, d->parameters.n * sizeof(double), d->stream));
  PetscCall(VecRestoreArrayWrite(x, &xa));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainDeviceSet(TrainDevice d, Vec theta, const TrainAdamW *adam)
{
  PetscFunctionBegin;
  PetscCall(DevicePutVec_Private(d, theta, d->parameters.theta));
  PetscCall(DevicePutVec_Private(d, adam->m, d->parameters.m));
  PetscCall(DevicePutVec_Private(d, adam->v, d->parameters.v));
  GNNCallKernel(GNNTrainPack(d->parameters, d->stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainDeviceGet(TrainDevice d, Vec theta, TrainAdamW *adam)
{
  PetscFunctionBegin;
  PetscCall(DeviceGetVec_Private(d, d->parameters.theta, theta));
  PetscCall(DeviceGetVec_Private(d, d->parameters.m, adam->m));
  PetscCall(DeviceGetVec_Private(d, d->parameters.v, adam->v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainDeviceSetLoss(TrainDevice d, PetscReal sum)
{
  const GNNTrainStatus status = {.sum = (double)sum};

  PetscFunctionBegin;
  GNNCallKernel(GNNKernelToDevice(d->train, &status, sizeof(status), d->stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainDeviceGetStatus(TrainDevice d, GNNTrainStatus *status)
{
  PetscFunctionBegin;
  GNNCallKernel(GNNKernelToHost(status, d->train, sizeof(*status), d->stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainDeviceGetGradient(TrainDevice d, Vec gradient, PetscReal *loss)
{
  double value;

  PetscFunctionBegin;
  PetscCall(DeviceGetVec_Private(d, d->parameters.gradient, gradient));
  GNNCallKernel(GNNKernelToHost(&value, d->parameters.gradient + d->parameters.n, sizeof(double), d->stream));
  *loss = (PetscReal)value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainDeviceReduce(TrainDevice d, MPI_Comm comm)
{
  const int   size = d->parameters.n + 1;
  PetscMPIInt ranks;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  if (ranks == 1) PetscFunctionReturn(PETSC_SUCCESS);
  GNNCallKernel(GNNKernelToHost(d->host, d->parameters.gradient, size * sizeof(double), d->stream));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, d->host, size, MPI_DOUBLE, MPI_SUM, comm));
  GNNCallKernel(GNNKernelToDevice(d->parameters.gradient, d->host, size * sizeof(double), d->stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a step ---- */

/* The matrices drawn become one graph */
static PetscErrorCode DeviceDraw_Private(TrainDevice d, const PetscInt which[], const unsigned long long key[])
{
  GNNTrainMember at = {0};
  PetscInt       n = 0, nz = 0, tiles = 0;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < d->members; k++) {
    n += d->matrix[which[k]].n;
    nz += d->matrix[which[k]].nz;
    tiles += d->matrix[which[k]].ntiles;
  }
  PetscCheck(n <= d->n && nz <= d->nz, PETSC_COMM_SELF, PETSC_ERR_PLIB, "A batch of %" PetscInt_FMT " rows and %" PetscInt_FMT " nonzeros, room for %" PetscInt_FMT " and %" PetscInt_FMT, n, nz, d->n, d->nz);
  d->batch.count   = (int)d->members;
  d->batch.graph.n = d->batch.graph.nodes = (int)n;
  d->batch.graph.nz                       = (int)nz;
  d->net.ntiles                           = (int)tiles;
  for (PetscInt first = 0; first < d->members; first += GNN_TRAIN_MEMBERS) {
    GNNTrainMembers members = {(int)first, (int)PetscMin(GNN_TRAIN_MEMBERS, d->members - first), {{0}}};

    for (int k = 0; k < members.count; k++) {
      at.matrix         = (int)which[first + k];
      at.key            = key[first + k];
      members.member[k] = at;
      at.row += d->matrix[at.matrix].n;
      at.slot += d->matrix[at.matrix].nz;
      at.tile += d->matrix[at.matrix].ntiles;
    }
    GNNCallKernel(GNNTrainDraw(d->all, members, d->batch, d->net.config, d->stream));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainDeviceGradient(TrainDevice d, const PetscInt which[], const unsigned long long key[])
{
  PetscFunctionBegin;
  PetscCall(DeviceDraw_Private(d, which, key));
  GNNCallKernel(GNNTrainForward(d->batch, d->net, d->start, d->status, d->stream));
  GNNCallKernel(GNNTrainLoss(d->batch, d->loss, d->start, d->stream));
  GNNCallKernel(GNNTrainBackward(d->batch, d->net, d->adjoint, d->stream));
  GNNCallKernel(GNNTrainWeights(d->batch, d->products, d->stream));
  GNNCallKernel(GNNTrainGradient(d->batch, d->loss, d->products, d->parameters, d->stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainDeviceStep(TrainDevice d, const TrainAdamW *adam, PetscReal lr)
{
  const GNNTrainAdamWConfig c = {lr, adam->beta1, adam->beta2, 1.0 - PetscPowReal(adam->beta1, adam->step), 1.0 - PetscPowReal(adam->beta2, adam->step), adam->weight_decay, adam->clip, (int)adam->step};

  PetscFunctionBegin;
  GNNCallKernel(GNNTrainAdamW(d->parameters, c, d->train, d->stream));
  GNNCallKernel(GNNTrainPack(d->parameters, d->stream));
  PetscFunctionReturn(PETSC_SUCCESS);
}
