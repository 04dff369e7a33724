/*
   A model: its configuration, the one table of its parameter tensors, and the flat parameter array they live in.
*/
#include "model.h"

const char *const GNNScalings[]     = {"mean", "diagonal", "GNNScaling", "GNN_SCALING_", NULL};
const char *const GNNOutputs[]      = {"direct", "residual", "GNNOutput", "GNN_OUTPUT_", NULL};
const char *const GNNPatterns[]     = {"A", "lower", "GNNPattern", "GNN_PATTERN_", NULL};
const char *const GNNAggregations[] = {"sum", "mean", "GNNAggregation", "GNN_AGGREGATION_", NULL};
const char *const GNNNorms[]        = {"none", "layer", "GNNNorm", "GNN_NORM_", NULL};
const char *const GNNEdgeFeatures[] = {"value", "diagonal", "GNNEdgeFeature", "GNN_EDGE_", NULL};
const char *const GNNNodeFeatures[] = {"rowabs", "rowsum", "degree", "mask", "user", "GNNNodeFeature", "GNN_NODE_", NULL};

PetscErrorCode GNNConfigSetDefaults(GNNConfig *c)
{
  const GNNNodeFeature node[] = {GNN_NODE_ROWABS, GNN_NODE_ROWSUM, GNN_NODE_DEGREE};

  PetscFunctionBegin;
  PetscCall(PetscMemzero(c, sizeof(*c)));
  c->block_size        = 1;
  c->width             = 24;
  c->layers            = 4;
  c->hidden_layers     = 1;
  c->norm              = GNN_NORM_NONE;
  c->aggregation       = GNN_AGGREGATION_MEAN;
  c->aggregation_scale = 4.0;
  c->scaling           = GNN_SCALING_DIAGONAL;
  c->output            = GNN_OUTPUT_RESIDUAL;
  c->pattern           = GNN_PATTERN_A;
  c->epsilon           = 1e-4;
  c->nedge_features    = 2;
  c->edge_features[0]  = GNN_EDGE_VALUE;
  c->edge_features[1]  = GNN_EDGE_DIAGONAL;
  c->nnode_features    = PETSC_STATIC_ARRAY_LENGTH(node);
  PetscCall(PetscArraycpy(c->node_features, node, c->nnode_features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckTwice_Private(const char source[], const char key[], const int features[], PetscInt n)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < n; k++) {
    for (PetscInt l = 0; l < k; l++) PetscCheck(features[k] != features[l], PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s: a feature stands twice in %s", source, key);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckRange_Private(const char source[], const char key[], PetscInt value, PetscInt max)
{
  PetscFunctionBegin;
  PetscCheck(value >= 1 && value <= max, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s is %" PetscInt_FMT ", expected 1 to %" PetscInt_FMT, source, key, value, max);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNConfigCheck(const GNNConfig *c, const char source[])
{
  PetscFunctionBegin;
  PetscCall(CheckRange_Private(source, "block_size", c->block_size, GNN_MAX_BLOCK));
  PetscCall(CheckRange_Private(source, "width", c->width, GNN_MAX_WIDTH));
  PetscCall(CheckRange_Private(source, "layers", c->layers, GNN_MAX_LAYERS));
  PetscCall(CheckRange_Private(source, "hidden_layers", c->hidden_layers, GNN_MAX_HIDDEN));
  PetscCall(CheckRange_Private(source, "the number of edge_features", c->nedge_features, GNN_MAX_FEATURES));
  PetscCall(CheckRange_Private(source, "the number of node_features", c->nnode_features, GNN_MAX_FEATURES));
  PetscCall(CheckTwice_Private(source, "edge_features", (const int *)c->edge_features, c->nedge_features));
  PetscCall(CheckTwice_Private(source, "node_features", (const int *)c->node_features, c->nnode_features));
  PetscCall(CheckRange_Private(source, "the size of user:k, plus 1,", c->user_size + 1, GNN_MAX_USER + 1));
  PetscCheck(c->epsilon > 0 && c->epsilon <= 1, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: epsilon is %g, expected in (0, 1]", source, (double)c->epsilon);
  PetscCheck(c->aggregation_scale > 0 && c->aggregation_scale <= 1e3, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: aggregation_scale is %g, expected in (0, 1000]", source, (double)c->aggregation_scale);
  PetscCheck(c->output != GNN_OUTPUT_RESIDUAL || c->scaling == GNN_SCALING_DIAGONAL, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s: output residual needs scaling diagonal", source);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt GNNConfigEdgeSize(const GNNConfig *c)
{
  PetscInt size = 0;

  for (PetscInt f = 0; f < c->nedge_features; f++) size += GNNEdgeFeatureSize(c->edge_features[f], (int)c->block_size);
  return size;
}

PetscInt GNNConfigNodeSize(const GNNConfig *c)
{
  PetscInt size = 0;

  for (PetscInt f = 0; f < c->nnode_features; f++) size += GNNNodeFeatureSize(c->node_features[f], (int)c->block_size, (int)c->user_size);
  return size;
}

GNNShape GNNConfigShape(const GNNConfig *c)
{
  GNNShape s = {0};

  s.width    = (int)c->width;
  s.layers   = (int)c->layers;
  s.hidden   = (int)c->hidden_layers;
  s.node     = (int)GNNConfigNodeSize(c);
  s.edge     = (int)GNNConfigEdgeSize(c);
  s.out      = (int)(c->block_size * c->block_size);
  s.norm     = c->norm == GNN_NORM_LAYER;
  s.residual = c->output == GNN_OUTPUT_RESIDUAL;
  return s;
}

GNNStart GNNConfigStart(const GNNConfig *c)
{
  const GNNStart start = {
    .alpha = 1.0, .damping = 1.0, .c = {1.0, 1.0},
            .residual = c->output == GNN_OUTPUT_RESIDUAL, .lower = c->pattern == GNN_PATTERN_LOWER
  };

  return start;
}

/* rows = out, cols = in of a matrix; cols = 0 of a vector */
static PetscErrorCode ModelAddTensor_Private(GNNModel m, const char prefix[], const char name[], PetscInt offset, PetscInt rows, PetscInt cols)
{
  GNNTensor *t = m->tensors + m->ntensors++;

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(t->name, sizeof(t->name), "%s%s%s", prefix, prefix[0] ? "." : "", name));
  t->rows   = rows;
  t->cols   = cols;
  t->offset = offset;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* [LayerNorm(in)], Linear(in, d), (h-1) x Linear(d, d), Linear(d, out) */
static PetscErrorCode ModelAddMap_Private(GNNModel m, const GNNMap *map)
{
  const char *const names[] = {"node_enc", "edge_enc", "msg_mlp", "node_mlp", "edge_mlp", "edge_dec"}; /* of GNNMapKind */
  const GNNTheta    t       = GNNMapTheta(map);
  const PetscInt    d = map->width, in = map->nparts * map->in;
  char              prefix[32], name[32];

  PetscFunctionBegin;
  if (map->kind == GNN_MAP_MSG || map->kind == GNN_MAP_NODE || map->kind == GNN_MAP_EDGE) PetscCall(PetscSNPrintf(prefix, sizeof(prefix), "mp_layers.%d.%s", map->layer, names[map->kind]));
  else PetscCall(PetscStrncpy(prefix, names[map->kind], sizeof(prefix)));
  if (map->norm) {
    PetscCall(ModelAddTensor_Private(m, prefix, "pre_norm.weight", t.gamma, in, 0));
    PetscCall(ModelAddTensor_Private(m, prefix, "pre_norm.bias", t.beta, in, 0));
  }
  PetscCall(ModelAddTensor_Private(m, prefix, "lift.0.weight", t.lift, d, in));
  PetscCall(ModelAddTensor_Private(m, prefix, "lift.0.bias", t.bias, d, 0));
  for (int k = 0; k < map->hidden - 1; k++) {
    const PetscInt body = t.body + k * GNNBodySize(map->width);

    PetscCall(PetscSNPrintf(name, sizeof(name), "body.%d.0.weight", k));
    PetscCall(ModelAddTensor_Private(m, prefix, name, body, d, d));
    PetscCall(PetscSNPrintf(name, sizeof(name), "body.%d.0.bias", k));
    PetscCall(ModelAddTensor_Private(m, prefix, name, body + d * d, d, 0));
  }
  PetscCall(ModelAddTensor_Private(m, prefix, "proj.0.weight", t.proj, map->out, d));
  PetscCall(ModelAddTensor_Private(m, prefix, "proj.0.bias", t.projbias, map->out, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNModelCreate(const GNNConfig *config, GNNModel *model)
{
  const PetscInt per_map = 2 * config->hidden_layers + 4; /* at most this many tensors in one */
  GNNShape       shape;
  GNNModel       m;

  PetscFunctionBegin;
  PetscCall(GNNConfigCheck(config, "gnnspai model"));
  shape = GNNConfigShape(config);
  PetscCall(PetscNew(&m));
  m->refct  = 1;
  m->config = *config;
  PetscCall(GNNNetCreate(&shape, &m->net));
  PetscCall(PetscMalloc1(per_map * m->net->nff + 1, &m->tensors));
  for (PetscInt f = 0; f < m->net->nff; f++) PetscCall(ModelAddMap_Private(m, &m->net->ff[f].map));
  m->nparams = m->net->nparams;
  if (shape.residual) PetscCall(ModelAddTensor_Private(m, "", "c", m->nparams - 2, 2, 0));
  PetscCall(PetscCalloc1(m->nparams, &m->theta));
  *model = m;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNModelReference(GNNModel m)
{
  PetscFunctionBegin;
  m->refct++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNModelDestroy(GNNModel *model)
{
  GNNModel m = *model;

  PetscFunctionBegin;
  *model = NULL;
  if (m == NULL || --m->refct > 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GNNNetDestroy(&m->net));
  PetscCall(PetscFree(m->tensors));
  PetscCall(PetscFree(m->theta));
  PetscCall(PetscFree(m->name));
  PetscCall(PetscFree(m->provenance));
  PetscCall(PetscFree(m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNModelGetTensor(GNNModel m, const char name[], const GNNTensor **tensor)
{
  PetscFunctionBegin;
  *tensor = NULL;
  for (PetscInt t = 0; t < m->ntensors && *tensor == NULL; t++) {
    PetscBool same;

    PetscCall(PetscStrcmp(m->tensors[t].name, name, &same));
    if (same) *tensor = m->tensors + t;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Uniform in +-1/sqrt(fan_in) for a linear's weight and bias (PyTorch's default); a norm starts at (1, 0), c at (1, 1) */
PetscErrorCode GNNModelInitialize(GNNModel m, PetscRandom random)
{
  const PetscReal last = m->config.output == GNN_OUTPUT_RESIDUAL ? 0.1 : 1.0;
  PetscInt        cols = 1;

  PetscFunctionBegin;
  for (PetscInt t = 0; t < m->ntensors; t++) {
    const GNNTensor *tensor = m->tensors + t;
    const PetscInt   size   = tensor->rows * PetscMax(tensor->cols, 1);
    PetscBool        decoder, linear;
    char            *norm;

    PetscCall(PetscStrstr(tensor->name, "pre_norm", &norm));
    linear = norm == NULL && tensor->name[1] != '\0' ? PETSC_TRUE : PETSC_FALSE; /* all but the norms and "c" */
    PetscCall(PetscStrncmp(tensor->name, "edge_dec.proj", 13, &decoder));
    if (tensor->cols > 0) cols = tensor->cols; /* a bias follows its weight */
    for (PetscInt k = 0; k < size; k++) {
      PetscReal u;

      PetscCall(PetscRandomGetValueReal(random, &u));
      if (linear) m->theta[tensor->offset + k] = (GNNReal)((decoder ? last : 1.0) * (2.0 * u - 1.0) / PetscSqrtReal((PetscReal)cols));
      else m->theta[tensor->offset + k] = (norm != NULL && norm[9] == 'b') ? 0 : 1; /* pre_norm.bias, else pre_norm.weight or c */
    }
  }
  PetscCall(GNNModelPack(m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNModelPack(GNNModel m)
{
  PetscFunctionBegin;
  PetscCall(GNNNetPack(m->net, m->theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

GNNStart GNNModelStart(GNNModel m)
{
  GNNStart start = GNNConfigStart(&m->config);

  for (int k = 0; k < 2; k++) start.c[k] = (double)m->net->c[k];
  return start;
}

PetscErrorCode GNNModelGetHash(GNNModel m, char hash[17])
{
  const unsigned char *byte  = (const unsigned char *)m->theta;
  unsigned long long   value = 14695981039346656037ULL;

  PetscFunctionBegin;
  for (size_t k = 0; k < (size_t)m->nparams * sizeof(GNNReal); k++) value = (value ^ byte[k]) * 1099511628211ULL;
  PetscCall(PetscSNPrintf(hash, 17, "%016llx", value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNModelView(GNNModel m, PetscViewer viewer)
{
  const GNNConfig *c = &m->config;
  char             hash[17];

  PetscFunctionBegin;
  PetscCall(GNNModelGetHash(m, hash));
  PetscCall(PetscViewerASCIIPrintf(viewer, "model: %s (hash %s), %" PetscInt_FMT " parameters\n", m->name ? m->name : "unnamed", hash, m->nparams));
  PetscCall(PetscViewerASCIIPrintf(viewer, "block size %" PetscInt_FMT ", width %" PetscInt_FMT ", layers %" PetscInt_FMT ", hidden layers %" PetscInt_FMT ", norm %s, aggregation %s\n", c->block_size, c->width, c->layers, c->hidden_layers, GNNNorms[c->norm], GNNAggregations[c->aggregation]));
  PetscCall(PetscViewerASCIIPrintf(viewer, "scaling %s, output %s, pattern %s\n", GNNScalings[c->scaling], GNNOutputs[c->output], GNNPatterns[c->pattern]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
