/*
   The network backward, the adjoint of forwardwidth.cu: each warp takes sixteen edges or nodes. What was read from a node is added up in the
   node's own row: slot (i, j) read x_i and x_j, so that node i gathers its row's slots and their reverse ones, in CSR order. Slots that are not
   kept have gradient zero everywhere.

   Gradients of rows are kept; those of the weights are products of them, trainstep.cu.
*/
#include "stage.cuh"
#include "train.h"

/* x = the rows a and b of an array */
template <int NB>
__device__ __forceinline__ void LoadRows(Rows<NB> &x, float *array, int a, int b)
{
  RowsZero(x);
  RowsLoadAdd(x, RowAt(array, a, 8 * NB), RowAt(array, b, 8 * NB));
}

/* y += x W: W stored (out, in) */
template <int NB>
__device__ __forceinline__ void MultiplyBack(Rows<NB> &y, const Rows<NB> &x, const float *W)
{
  MultiplyAdd<false>(y, x, W, 8 * NB);
}

/* ---- maps ---- */

/* In the forward pass this was h = gelu(pre), so now dh becomes dpre */
template <int NB>
__device__ __forceinline__ void GeluBack(const Taped &tape, int k, Rows<NB> &dh)
{
  Rows<NB> pre;

  RowsZero(pre);
  RowsLoadAdd(pre, tape.a ? tape.a + k * tape.stride : NULL, tape.b ? tape.b + k * tape.stride : NULL);
#pragma unroll
  for (int n = 0; n < NB; n++) {
#pragma unroll
    for (int l = 0; l < 4; l++) {
      float dgelu;

      (void)GNNGelu(pre.v[n][l], &dgelu);
      dh.v[n][l] *= dgelu;
    }
  }
}

/* Adjoint of Hidden(): dh of the last hidden rows becomes the gradient of what the first GELU read; those further in are kept in adjoint */
template <int NB>
__device__ __forceinline__ void HiddenBack(const GNNKernelConfig &c, const Map &m, const Taped &tape, const Taped &adjoint, Rows<NB> &dh)
{
  for (int k = c.hidden - 1; k > 0; k--) {
    Rows<NB> dz = dh;

    GeluBack(tape, k, dz);
    TapedStore(adjoint, k, dz);
    RowsZero(dh);
    MultiplyBack(dh, dz, m.body + (k - 1) * GNNBodySize(8 * NB));
  }
  GeluBack(tape, 0, dh);
}

/* Adjoint of RowsNorm(): dpre becomes the gradient of W' v; that of the moments is returned, deviation and -mean go to norm */
template <int NB>
__device__ __forceinline__ Moments NormBack(const Map &map, const Moments &mom, float m, const Taped &tape, int a, int b, float *norm, Rows<NB> &dz)
{
  float     dot_r[2] = {0.0f, 0.0f}, dot_pre[2] = {0.0f, 0.0f};
  const int at[2] = {a, b};
  Rows<NB>  pre;
  Moments   d;

  RowsZero(pre);
  RowsLoadAdd(pre, tape.a, tape.b);
#pragma unroll
  for (int k = 0; k < NB; k++) {
#pragma unroll
    for (int l = 0; l < 4; l++) {
      const int column = 8 * k + LaneColumn() + l % 2;

      dot_r[l / 2] += dz.v[k][l] * map.rowsum[column];
      dot_pre[l / 2] += dz.v[k][l] * (pre.v[k][l] - map.bias[column]);
    }
  }
  for (int l = 0; l < 2; l++) {
    float mean;

    const float inv = GNNInverseDeviation(mom.sum[l], mom.sumsq[l], m, &mean);
    GNNNormGradient(mom.sum[l], mom.sumsq[l], m, GroupSum<4>(dot_r[l]), GroupSum<4>(dot_pre[l]), &d.sum[l], &d.sumsq[l]);
    if (at[l] >= 0 && LaneColumn() == 0) *(float2 *)RowAt(norm, at[l], 2) = make_float2(1.0f / inv, -mean);
    dot_r[l] = inv;
  }
  RowsScale(dz, dot_r[0], dot_r[1]);
  return d;
}

/* Adjoint of the moments: dx += dsum + 2 dsumsq x, over the numbers that are not padding */
template <int NB>
__device__ __forceinline__ void MomentsBack(const Moments &d, int width, const Rows<NB> &x, Rows<NB> &dx)
{
#pragma unroll
  for (int k = 0; k < NB; k++) {
#pragma unroll
    for (int l = 0; l < 4; l++) {
      if (8 * k + LaneColumn() + l % 2 < width) dx.v[k][l] += d.sum[l / 2] + 2.0f * d.sumsq[l / 2] * x.v[k][l];
    }
  }
}

/* ---- edges ---- */

/* Adjoint of EdgeLift() and what follows it, from dh of the last hidden rows; de of the state e is added to, the moments' returned */
template <int NB>
__device__ __forceinline__ Moments EdgeMapBack(const GNNKernelGraph &g, const GNNKernelNet &net, int layer, const Map &m, float *pre, float *dpre, float *norm, int a, int b, const Rows<NB> &e, Rows<NB> &dh, Rows<NB> &de)
{
  const GNNKernelConfig &c    = net.config;
  const Taped            tape = TapedRows<NB>(c, pre, net.tape.nz, layer, a, b), adjoint = TapedRows<NB>(c, dpre, net.tape.nz, layer, a, b);
  Moments                d = {
                   {0, 0},
                   {0, 0}
  };

  HiddenBack(c, m, tape, adjoint, dh);
  if (norm) {
    d = NormBack(m, EdgeMoments(g, NodeMoments<true>(net, layer), a, b, RowsMoments(e)), 3.0f * c.norm, tape, a, b, norm + layer * net.tape.nz * 2, dh);
    MomentsBack(d, c.norm, e, de);
  }
  TapedStore(adjoint, 0, dh);
  MultiplyBack(de, dh, m.lift);
  return d;
}

/* Adjoint of Encode(), from dy of its output */
template <int NB>
__device__ __forceinline__ void EncodeBack(const GNNKernelConfig &c, const Map &m, const Taped &tape, const Taped &adjoint, const Rows<NB> &dy)
{
  Rows<NB> dh;

  RowsZero(dh);
  MultiplyBack(dh, dy, m.proj);
  HiddenBack(c, m, tape, adjoint, dh);
  TapedStore(adjoint, 0, dh);
}

/* Adjoint of Decode(): sets e's of the last layer */
template <int NB>
__global__ static void __launch_bounds__(BLOCK) DecodeBack(GNNKernelGraph g, GNNKernelNet net, GNNKernelAdjoint d, const float *dout, int size)
{
  GNN_SHARED(float, shared);
  const float *w   = Stage(net.decode + d.transposed, size, shared);
  float       *to  = d.e + net.config.layers * net.tape.nz * 8 * NB;
  const Map    dec = MapAt<NB>(w, net.config.hidden, 8 * NB, GNNPad(1));

  for (int p = (blockIdx.x * WARPS + threadIdx.x / 32) * 16; p < g.nz; p += gridDim.x * WARPS * 16) {
    const int a = p + LaneRow() < g.nz ? p + LaneRow() : -1, b = p + LaneRow() + 8 < g.nz ? p + LaneRow() + 8 : -1;
    Rows<NB>  dh, de;

    RowsSet(dh, dec.proj); /* the only row that is not zero */
    RowsScale(dh, a >= 0 ? dout[a] : 0.0f, b >= 0 ? dout[b] : 0.0f);
    RowsZero(de);
    EdgeMapBack(g, net, 0, dec, net.tape.pre.edge_dec, d.pre.edge_dec, NULL, a, b, de, dh, de);
    RowsStore(de, RowAt(to, a, 8 * NB), RowAt(to, b, 8 * NB));
  }
}

/* Adjoint of a layer's edges, from those of e behind it and of the sums: sets e's before it. In the first one edge_enc's, too */
template <int NB, bool FIRST>
__global__ static void __launch_bounds__(BLOCK) EdgesBack(GNNKernelGraph g, GNNKernelNet net, GNNKernelAdjoint d, int layer, int size)
{
  GNN_SHARED(float, shared);
  const GNNKernelConfig &c     = net.config;
  const GNNShape         shape = ShapeOf<NB>(c, c.hidden, 1);
  const GNNStage         at    = GNNStageLayer(&shape, FIRST ? 0 : layer);
  const float           *w     = Stage(net.layer[layer] + d.transposed, size, shared);
  const Map              msg = MapAt<NB>(w + at.msg, c.hidden), edge = MapAt<NB>(w + at.edge, c.hidden);
  const Map              enc  = MapAt<NB>(w + (FIRST ? at.enc : 0), c.hidden, GNNPad(c.edge.size), 8 * NB); /* in the first layer */
  const size_t           step = net.tape.nz * 8 * NB;
  float                 *from = d.e + (layer + 1) * step, *to = d.e + layer * step;

  for (int p = (blockIdx.x * WARPS + threadIdx.x / 32) * 16; p < g.nz; p += gridDim.x * WARPS * 16) {
    const int a = p + LaneRow() < g.nz ? p + LaneRow() : -1, b = p + LaneRow() + 8 < g.nz ? p + LaneRow() + 8 : -1;
    Rows<NB>  e, de, dh;
    Moments   de_moments, dm_moments;

    LoadRows(e, EdgeStates<true, NB>(net, layer), a, b);
    LoadRows(de, from, a, b);
    RowsZero(dh);
    MultiplyBack(dh, de, edge.proj);
    de_moments = EdgeMapBack(g, net, layer, edge, net.tape.pre.edge, d.pre.edge, d.norm_edge, a, b, e, dh, de);
    LoadRows(dh, d.sum, a >= 0 ? g.brow[a] : -1, b >= 0 ? g.brow[b] : -1);
    RowsScale(dh, a >= 0 && g.keep[a] ? 1.0f : 0.0f, b >= 0 && g.keep[b] ? 1.0f : 0.0f);
    dm_moments = EdgeMapBack(g, net, layer, msg, net.tape.pre.msg, d.pre.msg, d.norm_msg, a, b, e, dh, de);
    RowsStore(de, RowAt(to, a, 8 * NB), RowAt(to, b, 8 * NB));
    if (c.norm && LaneColumn() == 0) {
      if (a >= 0) *(float2 *)RowAt(d.moments, a, 2) = make_float2(de_moments.sum[0] + dm_moments.sum[0], de_moments.sumsq[0] + dm_moments.sumsq[0]);
      if (b >= 0) *(float2 *)RowAt(d.moments, b, 2) = make_float2(de_moments.sum[1] + dm_moments.sum[1], de_moments.sumsq[1] + dm_moments.sumsq[1]);
    }
    if (FIRST) EncodeBack(c, enc, TapedRows<NB>(c, net.tape.pre.edge_enc, net.tape.nz, 0, a, b), TapedRows<NB>(c, d.pre.edge_enc, net.tape.nz, 0, a, b), de);
  }
}

/* ---- nodes ---- */

#define GATHER_BLOCK 128

__device__ __forceinline__ void Add(float4 &s, const float4 &x)
{
  s.x += x.x;
  s.y += x.y;
  s.z += x.z;
  s.w += x.w;
}

/* Those of the edges' moments */
__device__ static void GatherMoments(const GNNKernelGraph &g, const float *moments, int i, float *to)
{
  float sum = 0.0f, sumsq = 0.0f;

#pragma unroll 4
  for (int p = g.i[i]; p < g.i[i + 1]; p++) {
    const float2 own = *(const float2 *)(moments + 2 * (size_t)p), rev = *(const float2 *)(moments + 2 * (size_t)(g.rev[p] >= 0 ? g.rev[p] : p));

    sum += own.x + rev.x;
    sumsq += own.y + rev.y;
  }
  *(float2 *)(to + 2 * (size_t)i) = make_float2(sum, sumsq);
}

/* What nodes get of the rows of edges: part_i of a node's own slots, where it received, part_j of the reverse ones, where it sent; each thread
   adds up four columns of a node. halves: one map's rows, or two side by side. Where there are moments a further thread of the node adds up these */
__global__ static void __launch_bounds__(GATHER_BLOCK) Gather(GNNKernelGraph g, const float *half0, const float *half1, int width, int halves, const float *moments, float *part_i, float *part_j, float *node_moments)
{
  const int    lanes = width / 4 * halves + (moments ? 1 : 0), quads = width / 4, k = blockIdx.x * GATHER_BLOCK + threadIdx.x, i = k / lanes, lane = k % lanes;
  const float *from = (lane < quads ? half0 : half1) + lane % quads * 4;
  float4       si = {0.0f, 0.0f, 0.0f, 0.0f}, sj = si;

  if (i >= g.n) return;
  if (lane == quads * halves) {
    GatherMoments(g, moments, i, node_moments);
    return;
  }
#pragma unroll 4
  for (int p = g.i[i]; p < g.i[i + 1]; p++) {
    const int rev = g.rev[p] >= 0 ? g.rev[p] : p; /* without a reverse slot all is zero */

    Add(si, *(const float4 *)(from + (size_t)p * width));
    Add(sj, *(const float4 *)(from + (size_t)rev * width));
  }
  *(float4 *)(part_i + ((size_t)i * 2 * width + lane * 4)) = si;
  *(float4 *)(part_j + ((size_t)i * 2 * width + lane * 4)) = sj;
}

/* Adjoint of NodeParts(): dx += what came through the edges of the layer that read x, after Gather() */
template <int NB>
__device__ __forceinline__ void NodePartsBack(const GNNKernelNet &net, const GNNKernelAdjoint &d, int layer, const float *parts, int a, int b, Rows<NB> &dx)
{
  const GNNKernelConfig &c      = net.config;
  const int              halves = layer == c.layers ? 1 : 2, square = 64 * NB * NB;
  const size_t           at = layer * net.tape.n * 16 * NB;

  for (int q = 0; q < 2 * halves; q++) {
    float   *part = (q < halves ? d.part_i : d.part_j) + at + q % halves * 8 * NB;
    Rows<NB> dpart;

    RowsZero(dpart);
    RowsLoadAdd(dpart, RowAt(part, a, 16 * NB), RowAt(part, b, 16 * NB));
    MultiplyBack(dx, dpart, parts + q * square);
  }
  if (c.norm && layer < c.layers) {
    const float2  none = {0.0f, 0.0f}, ma = a >= 0 ? *(const float2 *)RowAt(d.node_moments, a, 2) : none, mb = b >= 0 ? *(const float2 *)RowAt(d.node_moments, b, 2) : none;
    const Moments m = {
      {ma.x, mb.x},
      {ma.y, mb.y}
    };
    Rows<NB> x;

    LoadRows(x, NodeStates<true, NB>(net, layer), a, b);
    MomentsBack(m, c.norm, x, dx);
  }
}

/* Adjoint of UpdateNodes(), from dx behind the layer: sets agg's, and that of the sums before kappa */
template <int NB>
__device__ __forceinline__ void UpdateNodesBack(const GNNKernelGraph &g, const GNNKernelNet &net, const GNNKernelAdjoint &d, int layer, const Map &msg, const Map &node, int a, int b, const Rows<NB> &dx)
{
  const GNNKernelConfig &c    = net.config;
  const Taped            tape = TapedRows<NB>(c, net.tape.pre.node, net.tape.n, layer, a, b), adjoint = TapedRows<NB>(c, d.pre.node, net.tape.n, layer, a, b);
  const size_t           at = layer * net.tape.n * 8 * NB;
  Rows<NB>               dh, dagg;

  RowsZero(dh);
  MultiplyBack(dh, dx, node.proj);
  HiddenBack(c, node, tape, adjoint, dh);
  RowsZero(dagg);
  if (c.norm) {
    Rows<NB> agg;

    LoadRows(agg, net.tape.agg + at, a, b);
    MomentsBack(NormBack(node, RowsMoments(agg), (float)c.norm, tape, a, b, d.norm_node + layer * net.tape.n * 2, dh), c.norm, agg, dagg);
  }
  TapedStore(adjoint, 0, dh);
  MultiplyBack(dagg, dh, node.lift);
  RowsStore(dagg, RowAt(d.agg + at, a, 8 * NB), RowAt(d.agg + at, b, 8 * NB));
  RowsZero(dh);
  MultiplyBack(dh, dagg, msg.proj);
  RowsScale(dh, GNNAggregationScale(c.mean, c.aggregation_scale, a >= 0 ? g.degree[a] : 0.0f), GNNAggregationScale(c.mean, c.aggregation_scale, b >= 0 ? g.degree[b] : 0.0f));
  RowsStore(dh, RowAt(d.sum, a, 8 * NB), RowAt(d.sum, b, 8 * NB));
}

/* Adjoints of all that nodes do between the edges of two layers: x's before the given layer, then through the node update behind the
   layer before it, or through node_enc */
template <int NB>
__global__ static void __launch_bounds__(BLOCK) NodesBack(GNNKernelGraph g, GNNKernelNet net, GNNKernelAdjoint d, int layer, int size)
{
  GNN_SHARED(float, shared);
  const GNNKernelConfig &c     = net.config;
  const GNNShape         shape = ShapeOf<NB>(c, c.hidden, 1);
  const GNNStage         at    = layer > 0 ? GNNStageLayer(&shape, layer - 1) : GNNStageEncode(&shape);
  const float           *w     = Stage((layer > 0 ? net.layer[layer - 1] : net.encode) + d.transposed, size, shared);
  const Map              msg = MapAt<NB>(w + at.msg, c.hidden), node = MapAt<NB>(w + at.node, c.hidden, layer > 0 ? 8 * NB : GNNPad(c.node.size), 8 * NB); /* msg behind a layer */
  const size_t           step = net.tape.n * 8 * NB;

  for (int first = (blockIdx.x * WARPS + threadIdx.x / 32) * 16; first < g.n; first += gridDim.x * WARPS * 16) {
    const int a = first + LaneRow() < g.n ? first + LaneRow() : -1, b = first + LaneRow() + 8 < g.n ? first + LaneRow() + 8 : -1;
    Rows<NB>  dx;

    RowsZero(dx);
    if (layer < c.layers) LoadRows(dx, d.x + (layer + 1) * step, a, b);
    NodePartsBack(net, d, layer, w + at.parts, a, b, dx);
    RowsStore(dx, RowAt(d.x + layer * step, a, 8 * NB), RowAt(d.x + layer * step, b, 8 * NB));
    if (layer > 0) UpdateNodesBack(g, net, d, layer - 1, msg, node, a, b, dx);
    else EncodeBack(c, node, TapedRows<NB>(c, net.tape.pre.node_enc, net.tape.n, 0, a, b), TapedRows<NB>(c, d.pre.node_enc, net.tape.n, 0, a, b), dx);
  }
}

/* ---- launches ---- */

static void LaunchGather(const GNNKernelGraph &g, const GNNKernelNet &net, const GNNKernelAdjoint &d, int layer, GNNStream stream)
{
  const GNNKernelConfig *c    = &net.config;
  const int              last = layer == c->layers, halves = last ? 1 : 2;
  const float           *moments = c->norm && !last ? d.moments : NULL;
  const size_t           at = layer * net.tape.n * 2 * c->width, step = layer * c->hidden * net.tape.nz * c->width;

  GNN_LAUNCH(Gather, Blocks((long long)g.n * (c->width / 4 * halves + (moments ? 1 : 0)), GATHER_BLOCK), GATHER_BLOCK, 0, stream, g, last ? d.pre.edge_dec : d.pre.msg + step, last ? NULL : d.pre.edge + step, c->width, halves, moments, d.part_i + at, d.part_j + at, d.node_moments);
}

template <int NB>
static void LaunchNodes(GNNKernelGraph g, GNNKernelNet net, GNNKernelAdjoint d, int layer, GNNStream stream)
{
  const GNNKernelConfig *c      = &net.config;
  const GNNShape         shape  = GNNKernelShape(c, 1);
  const int              size   = GNNShapeStage(&shape, layer).enc; /* up to the parts' end */
  const int              shared = Shared((const void *)NodesBack<NB>, size);

  GNN_LAUNCH((NodesBack<NB>), Grid((const void *)NodesBack<NB>, shared, (g.n + 15) / 16), BLOCK, shared, stream, g, net, d, layer, size);
}

template <int NB>
static void LaunchEdges(GNNKernelGraph g, GNNKernelNet net, GNNKernelAdjoint d, int layer, GNNStream stream)
{
  const GNNShape shape  = GNNKernelShape(&net.config, 1);
  const GNNStage at     = GNNStageLayer(&shape, layer);
  const int      size   = layer == 0 ? at.end : at.node; /* msg_mlp and edge_mlp */
  const void    *kernel = layer == 0 ? (const void *)EdgesBack<NB, true> : (const void *)EdgesBack<NB, false>;
  const int      shared = Shared(kernel, size), grid = Grid(kernel, shared, (g.nz + 15) / 16);

  if (layer == 0) GNN_LAUNCH((EdgesBack<NB, true>), grid, BLOCK, shared, stream, g, net, d, layer, size);
  else GNN_LAUNCH((EdgesBack<NB, false>), grid, BLOCK, shared, stream, g, net, d, layer, size);
}

template <int NB>
static int Backward(GNNKernelGraph g, GNNKernelNet net, GNNKernelAdjoint d, const float *dout, GNNStream stream)
{
  const GNNShape shape  = GNNKernelShape(&net.config, 1);
  const int      size   = GNNStageDecode(&shape).end;
  const int      shared = Shared((const void *)DecodeBack<NB>, size);

  GNN_LAUNCH((DecodeBack<NB>), Grid((const void *)DecodeBack<NB>, shared, (g.nz + 15) / 16), BLOCK, shared, stream, g, net, d, dout, size);
  for (int t = net.config.layers; t >= 0; t--) {
    LaunchGather(g, net, d, t, stream);
    LaunchNodes<NB>(g, net, d, t, stream);
    if (t > 0) LaunchEdges<NB>(g, net, d, t - 1, stream);
  }
  return GPUError();
}

int GNNTrainBackward(GNNTrainBatch b, GNNKernelNet net, GNNKernelAdjoint d, GNNStream stream)
{
  switch (net.config.width) {
  case 8:
    return Backward<1>(b.graph, net, d, b.dout, stream);
  case 16:
    return Backward<2>(b.graph, net, d, b.dout, stream);
  case 24:
    return Backward<3>(b.graph, net, d, b.dout, stream);
  default:
    return Backward<4>(b.graph, net, d, b.dout, stream);
  }
}
