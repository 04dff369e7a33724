/*
   The network on nodes and slots: rows and nonzeros of the matrix, or b x b blocks, which only what is read at first and written at last
   knows of. Each warp takes a tile of up to GNN_KERNEL_ROWS nodes. A layer passes over the tile's slots sixteen at a time (message,
   sum by row in CSR order, new edge state), then updates its nodes and their parts of the next layer's first linears. A block copies
   the stage's weights into shared memory and takes one tile after the other. A row of more than GNN_KERNEL_HUB slots is many warps': each
   leaves the sum over its part, and UpdateHubs adds them up.

   With TAPE, for training, the states of every layer and what the GELUs read are kept (GNNKernelTape). PLAIN is for networks without
   LayerNorm whose maps have one hidden layer, as the built-in ones: what the compiler knows of the shape saves half of the registers.

   Compiled once for each math and width, which the makefile names by GNN_TF32, GNN_TAPE and GNN_NB: in one file they would take minutes.
*/
#include "forward.cuh"
#include "stage.cuh"

/* From what the first GELU reads to the last hidden rows */
template <bool TF32, bool TAPE, bool PLAIN, int NB>
__device__ __forceinline__ void Hidden(const GNNKernelConfig &c, const Map &m, const Taped &tape, Rows<NB> &h)
{
  const float *w = m.body;

  if (TAPE) TapedStore(tape, 0, h);
  RowsGelu(h);
  for (int k = 1; !PLAIN && k < c.hidden; k++) {
    Rows<NB> y;

    RowsSet(y, w + 64 * NB * NB);
    MultiplyAdd<TF32>(y, h, w, 8 * NB);
    h = y;
    if (TAPE) TapedStore(tape, k, h);
    RowsGelu(h);
    w += GNNBodySize(8 * NB);
  }
}

/* ---- what node and edge maps read ---- */

/* Where entry (r, c) of slot p stands in the CSR of the matrix */
__device__ __forceinline__ int Place(const GNNKernelGraph &g, int p, int r, int c)
{
  const int b = g.b, i = g.brow[p];

  return b == 1 ? p : GNNBlockStart(b, g.bi[i], p) + r * GNNBlockStride(b, g.bi[i], g.bi[i + 1]) + c;
}

/* The kind of feature that number k of a row belongs to; k becomes its number within the feature */
__device__ __forceinline__ int FeatureKind(const GNNKernelFeatures &features, int *k)
{
  int kind = features.kind[0], first = 0;

  for (int f = 1; f < features.count; f++) {
    if (*k < features.first[f]) break;
    kind  = features.kind[f];
    first = features.first[f];
  }
  *k -= first;
  return kind;
}

/* Number k of slot p = (i, j): of the block At_ji row-major, which is 0 where it is not stored */
__device__ static float EdgeFeature(const GNNKernelGraph &g, const GNNKernelNet &net, int p, int k)
{
  const int kind = FeatureKind(net.config.edge, &k), q = g.rev[Place(g, p, k % g.b, k / g.b)];

  return GNNEdgeFeatureOf((GNNEdgeFeature)kind, g.bj[p] == g.brow[p], q >= 0 ? g.at[q] : 0.0);
}

__device__ static float NodeFeature(const GNNKernelGraph &g, const GNNKernelNet &net, int i, int k)
{
  const int kind = FeatureKind(net.config.node, &k);

  return kind == GNN_NODE_USER ? net.user[(size_t)i * net.config.user_size + k] : g.features[(i * g.b + k) * GNN_NODE_USER + kind];
}

/* Eight numbers from column first on of the features of edges (or nodes) a and b, -1 if there is none */
template <bool EDGE>
__device__ static void Features(const GNNKernelGraph &g, const GNNKernelNet &net, int a, int b, int first, Rows<1> &x)
{
  const int size = EDGE ? net.config.edge.size : net.config.node.size;

  for (int l = 0; l < 4; l++) {
    const int k = first + LaneColumn() + l % 2, at = l < 2 ? a : b;

    x.v[0][l] = 0.0f;
    if (at >= 0 && k < size) x.v[0][l] = EDGE ? EdgeFeature(g, net, at, k) : NodeFeature(g, net, at, k);
  }
}

/* y = FF(features) */
template <bool TF32, bool TAPE, bool PLAIN, bool EDGE, int NB>
__device__ __forceinline__ void Encode(const GNNKernelGraph &g, const GNNKernelNet &net, const Map &m, int a, int b, Rows<NB> &y)
{
  const int in       = GNNPad(EDGE ? net.config.edge.size : net.config.node.size);
  float    *features = EDGE ? net.tape.edge : net.tape.node;
  Taped     tape     = {NULL, NULL, 0};
  Rows<NB>  h;

  RowsSet(h, m.bias);
  for (int first = 0; first < in; first += 8) {
    Rows<1> x;

    Features<EDGE>(g, net, a, b, first, x);
    if (TAPE) RowsStore(x, RowAt(features + first, a, in), RowAt(features + first, b, in));
    MultiplyAdd<TF32>(h, x, m.lift, in, first);
  }
  if (TAPE) tape = TapedRows<NB>(net.config, EDGE ? net.tape.pre.edge_enc : net.tape.pre.node_enc, EDGE ? net.tape.nz : net.tape.n, 0, a, b);
  Hidden<TF32, TAPE, PLAIN>(net.config, m, tape, h);
  RowsSet(y, m.projbias);
  MultiplyAdd<TF32>(y, h, m.proj, 8 * NB);
}

/* ---- nodes ---- */

/* Node parts of the first linears of the next layer, for nodes a and b with states x: nparts/2 as receiver, then as many as sender */
template <bool TF32, bool TAPE, bool PLAIN, int NB>
__device__ __forceinline__ void NodeParts(const GNNKernelNet &net, int next, const float *w, int nparts, const Rows<NB> &x, int a, int b)
{
  for (int q = 0; q < nparts; q++) {
    float   *part = q < nparts / 2 ? net.part_i : net.part_j[next % 2], *to = part + (q % (nparts / 2)) * 8 * NB;
    Rows<NB> y;

    RowsZero(y);
    MultiplyAdd<TF32>(y, x, w + q * 64 * NB * NB, 8 * NB);
    RowsStore(y, RowAt(to, a, 16 * NB), RowAt(to, b, 16 * NB));
  }
  if (!PLAIN && net.config.norm) {
    const Moments m  = RowsMoments(x);
    float        *to = NodeMoments<TAPE>(net, next);

    if (LaneColumn() == 0) {
      if (a >= 0) *(float2 *)RowAt(to, a, 2) = make_float2(m.sum[0], m.sumsq[0]);
      if (b >= 0) *(float2 *)RowAt(to, b, 2) = make_float2(m.sum[1], m.sumsq[1]);
    }
  }
}

template <bool TF32, bool TAPE, bool PLAIN, int NB>
__global__ static void __launch_bounds__(BLOCK) EncodeNodes(GNNKernelGraph g, GNNKernelNet net, int size)
{
  GNN_SHARED(float, shared);
  const int      hidden = PLAIN ? 1 : net.config.hidden, warps = gridDim.x * WARPS;
  const GNNShape shape = ShapeOf<NB>(net.config, hidden, g.b);
  const GNNStage at    = GNNStageEncode(&shape);
  const float   *w     = Stage(net.encode, size, shared);
  const Map      m     = MapAt<NB>(w + at.node, hidden, GNNPad(net.config.node.size), 8 * NB);
  float         *to    = NodeStates<TAPE, NB>(net, 0);

  for (int first = (blockIdx.x * WARPS + threadIdx.x / 32) * 16; first < g.nodes; first += warps * 16) {
    const int a = first + LaneRow() < g.nodes ? first + LaneRow() : -1, b = first + LaneRow() + 8 < g.nodes ? first + LaneRow() + 8 : -1;
    Rows<NB>  x;

    Encode<TF32, TAPE, PLAIN, false>(g, net, m, a, b, x);
    RowsStore(x, RowAt(to, a, 8 * NB), RowAt(to, b, 8 * NB));
    NodeParts<TF32, TAPE, PLAIN>(net, 0, w + at.parts, 4, x, a, b);
  }
}

/* agg_i = kappa_i (W sum_i + degree_i b), x_i += node_mlp(agg_i), and the parts of the next layer; sums (nrows, 8 NB) */
template <bool TF32, bool TAPE, bool PLAIN, int NB>
__device__ __forceinline__ void UpdateNodes(const GNNKernelGraph &g, const GNNKernelNet &net, int layer, const Map &msg, const Map &node, const float *parts, const float *sums, int first, int nrows)
{
  const int    ra = LaneRow(), rb = ra + 8, a = ra < nrows ? first + ra : -1, b = rb < nrows ? first + rb : -1;
  const float  da = a >= 0 ? g.degree[a] : 0.0f, db = b >= 0 ? g.degree[b] : 0.0f;
  const float  ka = GNNAggregationScale(net.config.mean, net.config.aggregation_scale, da), kb = GNNAggregationScale(net.config.mean, net.config.aggregation_scale, db);
  float       *from = NodeStates<TAPE, NB>(net, layer), *to = NodeStates<TAPE, NB>(net, layer + 1);
  const size_t at   = TAPE ? layer * net.tape.n * 8 * NB : 0;
  Taped        tape = {NULL, NULL, 0};
  Rows<NB>     x, y;

  RowsZero(x);
  RowsLoadAdd(x, a >= 0 ? sums + ra * 8 * NB : NULL, b >= 0 ? sums + rb * 8 * NB : NULL);
  RowsScale(x, ka, kb);
  if (TAPE) RowsStore(x, RowAt(net.tape.sum + at, a, 8 * NB), RowAt(net.tape.sum + at, b, 8 * NB));
  RowsSet(y, msg.projbias);
  RowsScale(y, ka * da, kb * db);
  MultiplyAdd<TF32>(y, x, msg.proj, 8 * NB); /* y = agg */
  if (TAPE) RowsStore(y, RowAt(net.tape.agg + at, a, 8 * NB), RowAt(net.tape.agg + at, b, 8 * NB));
  if (!PLAIN && net.config.norm) {
    const Moments m = RowsMoments(y);

    RowsZero(x);
    MultiplyAdd<TF32>(x, y, node.lift, 8 * NB);
    RowsNorm(x, m, (float)net.config.norm, node.rowsum, node.bias);
  } else {
    RowsSet(x, node.bias);
    MultiplyAdd<TF32>(x, y, node.lift, 8 * NB);
  }
  if (TAPE) tape = TapedRows<NB>(net.config, net.tape.pre.node, net.tape.n, layer, a, b);
  Hidden<TF32, TAPE, PLAIN>(net.config, node, tape, x);
  RowsSet(y, node.projbias);
  RowsLoadAdd(y, RowAt(from, a, 8 * NB), RowAt(from, b, 8 * NB));
  MultiplyAdd<TF32>(y, x, node.proj, 8 * NB); /* y = the new x */
  RowsStore(y, RowAt(to, a, 8 * NB), RowAt(to, b, 8 * NB));
  NodeParts<TF32, TAPE, PLAIN>(net, layer + 1, parts, layer + 1 < net.config.layers ? 4 : 2, y, a, b);
}

/* ---- edges ---- */

/* pre = first linear of [x_i, x_j, e_ij] for slots a and b; half = 0 or 1 picks the node parts; me the moments of e */
template <bool TF32, bool TAPE, int NB>
__device__ __forceinline__ void EdgeLift(const GNNKernelGraph &g, const GNNKernelNet &net, int layer, const Map &m, int half, int norm, int a, int b, const Rows<NB> &e, const Moments &me, Rows<NB> &pre)
{
  if (norm) RowsZero(pre);
  else RowsSet(pre, m.bias);
  RowsLoadAdd(pre, a >= 0 ? net.part_i + ((size_t)g.brow[a] * 2 + half) * 8 * NB : NULL, b >= 0 ? net.part_i + ((size_t)g.brow[b] * 2 + half) * 8 * NB : NULL);
  RowsLoadAdd(pre, a >= 0 ? net.part_j[layer % 2] + ((size_t)g.bj[a] * 2 + half) * 8 * NB : NULL, b >= 0 ? net.part_j[layer % 2] + ((size_t)g.bj[b] * 2 + half) * 8 * NB : NULL);
  MultiplyAdd<TF32>(pre, e, m.lift, 8 * NB);
  if (norm) {
    const Moments all = EdgeMoments(g, NodeMoments<TAPE>(net, layer), a, b, me);

    RowsNorm(pre, all, 3.0f * norm, m.rowsum, m.bias);
  }
}

/* sums += the rows h of slots p ... p + count - 1, count at most 16, by row and in this order; a lane adds up a column */
template <int NB>
__device__ __forceinline__ void SumByRow(const int *row, int count, int first, const float *h, float *sums)
{
  const int c = threadIdx.x % 32, has = c < 8 * NB, mine = c < count ? row[c] - first : 0;
  int       r   = Shuffle(mine, 0);
  float     sum = has ? sums[r * 8 * NB + c] : 0.0f;

  for (int k = 0; k < count; k++) {
    const int next = Shuffle(mine, k);

    if (!has) continue;
    if (next != r) {
      sums[r * 8 * NB + c] = sum;
      r                    = next;
      sum                  = sums[r * 8 * NB + c];
    }
    sum += h[k * 8 * NB + c];
  }
  if (has) sums[r * 8 * NB + c] = sum;
}

/* The sums of a long row's part */
template <int NB>
__device__ __forceinline__ void StorePart(const GNNKernelNet &net, int part, const float *sums)
{
  const int c = threadIdx.x % 32;

  if (c < 8 * NB) net.partsum[(size_t)part * 8 * NB + c] = sums[c];
}

template <bool TF32, bool TAPE, bool PLAIN, int NB, bool FIRST>
__global__ static void __launch_bounds__(BLOCK) Layer(GNNKernelGraph g, GNNKernelNet net, int layer, int size)
{
  GNN_SHARED(float, shared);
  const GNNKernelConfig &c    = net.config;
  const int              norm = PLAIN ? 0 : c.norm, hidden = PLAIN ? 1 : c.hidden;
  const GNNShape         shape = ShapeOf<NB>(c, hidden, g.b);
  const GNNStage         at    = GNNStageLayer(&shape, FIRST ? 0 : layer);
  const float           *w     = Stage(net.layer[layer], size, shared + 2 * WARPS * 16 * 8 * NB);
  const Map              msg = MapAt<NB>(w + at.msg, hidden), edge = MapAt<NB>(w + at.edge, hidden), node = MapAt<NB>(w + at.node, hidden);
  const Map              enc = MapAt<NB>(w + (FIRST ? at.enc : 0), hidden, GNNPad(c.edge.size), 8 * NB); /* in the first layer */
  float                 *h = shared + (threadIdx.x / 32) * 2 * 16 * 8 * NB, *sums = h + 16 * 8 * NB;
  const int              ra   = LaneRow();
  Taped                  tape = {NULL, NULL, 0};

  for (int t = blockIdx.x * WARPS + threadIdx.x / 32; t < net.ntiles; t += gridDim.x * WARPS) {
    const GNNKernelTile &tile  = net.tile[t];
    const int            first = tile.first, end = tile.end;

    for (int k = threadIdx.x % 32; k < 16 * 8 * NB; k += 32) sums[k] = 0.0f;
    for (int p = tile.begin; p < end; p += 16) {
      const int a = p + ra < end ? p + ra : -1, b = p + ra + 8 < end ? p + ra + 8 : -1;
      float    *ea = RowAt(EdgeStates<TAPE, NB>(net, layer), a, 8 * NB), *eb = RowAt(EdgeStates<TAPE, NB>(net, layer), b, 8 * NB);
      Moments   me = {
          {0, 0},
          {0, 0}
      };
      Rows<NB> e, y;

      if (FIRST) {
        Encode<TF32, TAPE, PLAIN, true>(g, net, enc, a, b, e);
        if (TAPE) RowsStore(e, ea, eb);
      } else {
        RowsZero(e);
        RowsLoadAdd(e, ea, eb);
      }
      if (norm) me = RowsMoments(e);
      EdgeLift<TF32, TAPE>(g, net, layer, msg, 0, norm, a, b, e, me, y);
      if (TAPE) tape = TapedRows<NB>(c, net.tape.pre.msg, net.tape.nz, layer, a, b);
      Hidden<TF32, TAPE, PLAIN>(c, msg, tape, y);
      RowsScale(y, a >= 0 && g.keep[a] ? 1.0f : 0.0f, b >= 0 && g.keep[b] ? 1.0f : 0.0f);
      RowsStore(y, h + ra * 8 * NB, h + (ra + 8) * 8 * NB);
      __syncwarp();
      SumByRow<NB>(g.brow + p, end - p < 16 ? end - p : 16, first, h, sums);
      __syncwarp();
      EdgeLift<TF32, TAPE>(g, net, layer, edge, 1, norm, a, b, e, me, y);
      if (TAPE) tape = TapedRows<NB>(c, net.tape.pre.edge, net.tape.nz, layer, a, b);
      Hidden<TF32, TAPE, PLAIN>(c, edge, tape, y);
      RowsAdd(e, edge.projbias);
      MultiplyAdd<TF32>(e, y, edge.proj, 8 * NB);
      RowsStore(e, TAPE ? RowAt(EdgeStates<TAPE, NB>(net, layer + 1), a, 8 * NB) : ea, TAPE ? RowAt(EdgeStates<TAPE, NB>(net, layer + 1), b, 8 * NB) : eb);
    }
    __syncwarp(); /* the last part_i is read before it is written */
    if (TAPE || tile.last > first) UpdateNodes<TF32, TAPE, PLAIN, NB>(g, net, layer, msg, node, w + at.parts, sums, first, tile.last - first);
    else StorePart<NB>(net, t, sums);
    __syncwarp();
  }
}

/* After the layer, since until then all parts read part_i of their node */
template <bool TF32, bool PLAIN, int NB>
__global__ static void __launch_bounds__(BLOCK) UpdateHubs(GNNKernelGraph g, GNNKernelNet net, int layer, int size)
{
  GNN_SHARED(float, shared);
  const int      hidden = PLAIN ? 1 : net.config.hidden, hub = blockIdx.x * WARPS + threadIdx.x / 32, c = threadIdx.x % 32;
  const GNNShape shape = ShapeOf<NB>(net.config, hidden, g.b);
  const GNNStage at    = GNNStageLayer(&shape, layer);
  const float   *w     = Stage(net.layer[layer], size, shared + WARPS * 8 * NB);
  float         *sums = shared + (threadIdx.x / 32) * 8 * NB, sum = 0.0f;

  if (hub >= net.nhubs) return;
  for (int k = net.hub[hub]; k < net.hub[hub + 1] && c < 8 * NB; k++) sum += net.partsum[(size_t)k * 8 * NB + c];
  if (c < 8 * NB) sums[c] = sum;
  __syncwarp();
  UpdateNodes<TF32, false, PLAIN, NB>(g, net, layer, MapAt<NB>(w + at.msg, hidden), MapAt<NB>(w + at.node, hidden), w + at.parts, sums, net.tile[net.hub[hub]].first, 1);
}

/* ---- decoder ---- */

/* Number k of the output at slot p = (i, j), which holds the block G_ji row-major, becomes an entry of G^T */
__device__ __forceinline__ void WriteEntry(const GNNKernelGraph &g, const GNNStart &s, int p, int k, float out, double *gt, int *replaced)
{
  const int b = g.b, r = k % b, c = k / b, i = g.brow[p], j = g.bj[p], e = Place(g, p, r, c);
  const int row = i * b + r, col = j * b + c, keep = g.keep[p] && (b == 1 || (IsCoupled(g, b, i, r) && IsCoupled(g, b, j, c)));

  gt[e] = keep && GNNPatternHas(s.lower, row, col) ? GNNFactorEntry(&s, row == col, g.at[g.rev[e]], out, replaced) : 0.0;
}

template <bool TF32, bool TAPE, bool PLAIN, int NB>
__global__ static void __launch_bounds__(BLOCK) Decode(GNNKernelGraph g, GNNKernelNet net, GNNStart start, int size, double *gt, GNNKernelStatus *status)
{
  GNN_SHARED(float, shared);
  const float  *w    = Stage(net.decode, size, shared);
  const int     nout = g.b * g.b, slots = g.nz / nout, last = net.config.layers;
  const Map     dec  = MapAt<NB>(w, PLAIN ? 1 : net.config.hidden, 8 * NB, GNNPad(nout));
  const Moments none = {
    {0, 0},
    {0, 0}
  };
  float *from     = EdgeStates<TAPE, NB>(net, last);
  int    replaced = 0;
  Taped  tape     = {NULL, NULL, 0};

  for (int k = 0; TAPE && k < 2; k++) start.c[k] = net.tape.c[k];
  for (int p = (blockIdx.x * WARPS + threadIdx.x / 32) * 16; p < slots; p += gridDim.x * WARPS * 16) {
    const int a = p + LaneRow() < slots ? p + LaneRow() : -1, b = p + LaneRow() + 8 < slots ? p + LaneRow() + 8 : -1;
    Rows<NB>  e, y;

    RowsZero(e);
    RowsLoadAdd(e, RowAt(from, a, 8 * NB), RowAt(from, b, 8 * NB));
    EdgeLift<TF32, TAPE>(g, net, last, dec, 0, 0, a, b, e, none, y);
    if (TAPE) tape = TapedRows<NB>(net.config, net.tape.pre.edge_dec, net.tape.nz, 0, a, b);
    Hidden<TF32, TAPE, PLAIN>(net.config, dec, tape, y);
#pragma unroll 1
    for (int first = 0; first < nout; first += 8) {
      Rows<1> out;

      RowsSet(out, dec.projbias + first);
      MultiplyAdd<TF32>(out, y, dec.proj + first * 8 * NB, 8 * NB);
#pragma unroll 1
      for (int l = 0; l < 4; l++) {
        const int   slot = l < 2 ? a : b, k = first + LaneColumn() + l % 2;
        const float o = l < 2 ? (l ? out.v[0][1] : out.v[0][0]) : (l > 2 ? out.v[0][3] : out.v[0][2]); /* no index: it would put out into memory */

        if (slot >= 0 && k < nout) WriteEntry(g, start, slot, k, o, gt, &replaced);
      }
    }
  }
  if (replaced) AtomicAdd(&status->replaced, replaced);
}

/* ---- launches ---- */

template <bool TF32, bool PLAIN, int NB>
static void LaunchHubs(GNNKernelGraph g, GNNKernelNet net, int t, int size, GNNStream stream)
{
  const int shared = Shared((const void *)UpdateHubs<TF32, PLAIN, NB>, WARPS * 8 * NB + size);

  GNN_LAUNCH((UpdateHubs<TF32, PLAIN, NB>), (net.nhubs + WARPS - 1) / WARPS, BLOCK, shared, stream, g, net, t, size);
}

template <bool TF32, bool TAPE, bool PLAIN, int NB>
static void LaunchLayer(GNNKernelGraph g, GNNKernelNet net, int t, GNNStream stream)
{
  const GNNShape shape  = GNNKernelShape(&net.config, g.b);
  const int      size   = GNNStageLayer(&shape, t).end;
  const void    *kernel = t == 0 ? (const void *)Layer<TF32, TAPE, PLAIN, NB, true> : (const void *)Layer<TF32, TAPE, PLAIN, NB, false>;
  const int      shared = Shared(kernel, GNN_KERNEL_LAYER_WORK(8 * NB) + size), grid = Grid(kernel, shared, net.ntiles);

  if (t == 0) GNN_LAUNCH((Layer<TF32, TAPE, PLAIN, NB, true>), grid, BLOCK, shared, stream, g, net, t, size);
  else GNN_LAUNCH((Layer<TF32, TAPE, PLAIN, NB, false>), grid, BLOCK, shared, stream, g, net, t, size);
  if constexpr (!TAPE) {
    if (net.nhubs) LaunchHubs<TF32, PLAIN, NB>(g, net, t, size, stream);
  }
}

template <bool TF32, bool TAPE, bool PLAIN, int NB>
static int Forward(GNNKernelGraph g, GNNKernelNet net, GNNStart start, double *gt, GNNKernelStatus *status, GNNStream stream)
{
  const GNNKernelConfig *c      = &net.config;
  const GNNShape         shape  = GNNKernelShape(c, g.b);
  const int              encode = GNNStageEncode(&shape).end, decode = GNNStageDecode(&shape).end;
  int                    shared = Shared((const void *)EncodeNodes<TF32, TAPE, PLAIN, NB>, encode);

  GNN_LAUNCH((EncodeNodes<TF32, TAPE, PLAIN, NB>), Grid((const void *)EncodeNodes<TF32, TAPE, PLAIN, NB>, shared, (g.nodes + 15) / 16), BLOCK, shared, stream, g, net, encode);
  for (int t = 0; t < c->layers; t++) LaunchLayer<TF32, TAPE, PLAIN, NB>(g, net, t, stream);
  shared = Shared((const void *)Decode<TF32, TAPE, PLAIN, NB>, decode);
  GNN_LAUNCH((Decode<TF32, TAPE, PLAIN, NB>), Grid((const void *)Decode<TF32, TAPE, PLAIN, NB>, shared, (g.nz / (g.b * g.b) + 15) / 16), BLOCK, shared, stream, g, net, start, decode, gt, status);
  return GPUError();
}

template <bool TF32, bool TAPE, int NB>
int ForwardOfShape(GNNKernelGraph g, GNNKernelNet net, GNNStart start, double *gt, GNNKernelStatus *status, GNNStream stream)
{
  return net.config.norm == 0 && net.config.hidden == 1 ? Forward<TF32, TAPE, true, NB>(g, net, start, gt, status, stream) : Forward<TF32, TAPE, false, NB>(g, net, start, gt, status, stream);
}

template int ForwardOfShape<GNN_TF32, GNN_TAPE, GNN_NB>(GNNKernelGraph, GNNKernelNet, GNNStart, double *, GNNKernelStatus *, GNNStream);
