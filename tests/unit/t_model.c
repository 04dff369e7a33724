static char help[] = "Model files: what is saved is loaded, bit for bit, and what is not a model is refused with a message that helps.\n\n";

#include "../../gnn/model.h"
#include "../caught.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include <jansson.h>

/* A model file in memory, and its parts */
typedef struct {
  unsigned char *bytes;
  size_t         length;
  json_t        *header;
  unsigned char *data; /* points into bytes */
  size_t         size;
} Blob;

/* ---- files in memory ---- */

static PetscErrorCode BlobRead(const char file[], Blob *blob)
{
  FILE  *f = fopen(file, "rb");
  size_t n = 0;

  PetscFunctionBeginUser;
  PetscCheck(f != NULL && fseek(f, 0, SEEK_END) == 0, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s", file);
  blob->length = (size_t)ftell(f);
  rewind(f);
  PetscCall(PetscMalloc1(blob->length, &blob->bytes));
  PetscCheck(fread(blob->bytes, 1, blob->length, f) == blob->length && fclose(f) == 0, PETSC_COMM_SELF, PETSC_ERR_FILE_READ, "%s", file);
  for (int k = 7; k >= 0; k--) n = n << 8 | blob->bytes[k];
  blob->header = json_loadb((const char *)blob->bytes + 8, n, 0, NULL);
  blob->data   = blob->bytes + 8 + n;
  blob->size   = blob->length - 8 - n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BlobDestroy(Blob *blob)
{
  PetscFunctionBeginUser;
  json_decref(blob->header);
  PetscCall(PetscFree(blob->bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A header text, then size bytes of data, of which those after the first available are zero */
static PetscErrorCode BlobCompose(const char header[], const unsigned char data[], size_t available, size_t size, unsigned char **bytes, size_t *length)
{
  const size_t n = strlen(header);

  PetscFunctionBeginUser;
  *length = 8 + n + size;
  PetscCall(PetscCalloc1(*length, bytes));
  for (int k = 0; k < 8; k++) (*bytes)[k] = (unsigned char)((unsigned long long)n >> (8 * k));
  memcpy(*bytes + 8, header, n);
  memcpy(*bytes + 8 + n, data, PetscMin(available, size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Parses a copy that ends where an allocation ends, so that a checker sees any byte read beyond it */
static PetscErrorCode OkRefused(const unsigned char bytes[], size_t length, const char expected[], const char what[])
{
  unsigned char *copy = (unsigned char *)malloc(length + !length);
  GNNModel       model;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  memcpy(copy, bytes, length);
  Caught(ierr, GNNModelParse("bad.safetensors", copy, length, &model));
  free(copy);
  PetscCall(OkMessage(ierr, "bad.safetensors", expected, what));
  PetscCall(GNNModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OkRefusedHeader(const Blob *blob, const char header[], PetscInt extra, const char expected[], const char what[])
{
  unsigned char *bytes;
  size_t         length;

  PetscFunctionBeginUser;
  PetscCall(BlobCompose(header, blob->data, blob->size, (size_t)((PetscInt)blob->size + extra), &bytes, &length));
  PetscCall(OkRefused(bytes, length, expected, what));
  PetscCall(PetscFree(bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a model to save ---- */

static PetscErrorCode ModelCreate(PetscInt width, PetscInt layers, GNNModel *model)
{
  GNNConfig   config;
  PetscRandom random;

  PetscFunctionBeginUser;
  PetscCall(GNNConfigSetDefaults(&config));
  config.width  = width;
  config.layers = layers;
  PetscCall(PetscRandomCreate(PETSC_COMM_SELF, &random));
  PetscCall(PetscRandomSetFromOptions(random));
  PetscCall(GNNModelCreate(&config, model));
  PetscCall(GNNModelInitialize(*model, random));
  PetscCall(PetscRandomDestroy(&random));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The file keeps float, so the numbers of a GNN_USE_DOUBLE model are made floats first */
static PetscErrorCode ModelRound(GNNModel m)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < m->nparams; k++) m->theta[k] = (GNNReal)(float)m->theta[k];
  m->theta[0] = (GNNReal)-0.0;
  m->theta[1] = (GNNReal)1e-42f; /* subnormal */
  PetscCall(GNNModelPack(m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every metadata key other than its default, each kind of tensor */
static PetscErrorCode ModelCreateRich(const char provenance[], GNNModel *model)
{
  const GNNNodeFeature node[] = {GNN_NODE_USER, GNN_NODE_ROWSUM, GNN_NODE_ROWABS, GNN_NODE_DEGREE, GNN_NODE_MASK};
  GNNConfig            config;

  PetscFunctionBeginUser;
  PetscCall(GNNConfigSetDefaults(&config));
  config.block_size        = 3;
  config.width             = 9;
  config.layers            = 2;
  config.hidden_layers     = 2;
  config.norm              = GNN_NORM_LAYER;
  config.aggregation       = GNN_AGGREGATION_SUM;
  config.aggregation_scale = 1.0 / 3.0;
  config.epsilon           = 0.1;
  config.pattern           = GNN_PATTERN_LOWER;
  config.nedge_features    = 1;
  config.edge_features[1]  = (GNNEdgeFeature)0;
  config.nnode_features    = PETSC_STATIC_ARRAY_LENGTH(node);
  config.user_size         = 16;
  PetscCall(PetscArraycpy(config.node_features, node, config.nnode_features));
  PetscCall(GNNModelCreate(&config, model));
  PetscCall(PetscStrallocpy(provenance, &(*model)->provenance));
  for (PetscInt k = 0; k < (*model)->nparams; k++) (*model)->theta[k] = (GNNReal)(0.7 * k - 3);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Saves, loads, compares, and destroys the model */
static PetscErrorCode TestRoundTrip(GNNModel m, const char what[], const char directory[])
{
  char        file[PETSC_MAX_PATH_LEN];
  char        hash[17], hashback[17];
  struct stat info;
  GNNModel    back;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(file, sizeof(file), "%s/round.safetensors", directory));
  PetscCall(ModelRound(m));
  PetscCall(GNNModelSave(m, file));
  PetscCall(GNNModelLoad(PETSC_COMM_SELF, file, &back));
  Ok(m->nparams == back->nparams && memcmp(m->theta, back->theta, (size_t)m->nparams * sizeof(GNNReal)) == 0, "%s model: the same bits are loaded", what);
  PetscCall(GNNModelGetHash(m, hash));
  PetscCall(GNNModelGetHash(back, hashback));
  Ok(strcmp(hash, hashback) == 0 && strlen(hash) == 16, "%s model: the same hash", what);
  Ok(memcmp(&m->config, &back->config, sizeof(GNNConfig)) == 0, "%s model: the same configuration", what);
  if (m->provenance != NULL) Ok(back->provenance != NULL && strcmp(back->provenance, m->provenance) == 0, "%s model: the same provenance", what);
  else Ok(back->provenance == NULL, "%s model: no provenance", what);
  Ok(back->name != NULL && strcmp(back->name, file) == 0, "%s model: load sets the name", what);
  PetscCall(PetscStrlcat(file, ".tmp", sizeof(file)));
  Ok(stat(file, &info) != 0, "%s model: no temporary file is left", what);
  PetscCall(GNNModelDestroy(&m));
  PetscCall(GNNModelDestroy(&back));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestRoundTrips(const char directory[])
{
  GNNModel m;

  PetscFunctionBeginUser;
  PetscCall(ModelCreateRich("{\"trained_on\":\"heat, \\\"small\\\"\",\"seed\":\"7\",\"note\":\"\u00e9\"}", &m));
  PetscCall(TestRoundTrip(m, "rich", directory));
  PetscCall(ModelCreate(9, 2, &m));
  PetscCall(TestRoundTrip(m, "plain", directory));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- refusals ---- */

/* header[object][key] = value (JSON text), or header[object] = value if key is NULL; removed if value is NULL; extra bytes of data at the end */
typedef struct {
  const char *what, *object, *key, *value;
  PetscInt    extra;
  const char *expected; /* in the message */
} Edit;

#define META   "__metadata__"
#define WEIGHT "node_enc.lift.0.weight"
#define BIAS   "node_enc.lift.0.bias"

static const Edit edits[] = {
  {"truncated data",              NULL,    NULL,                NULL,                                                       -4, "tensor c"                                    },
  {"trailing bytes",              NULL,    NULL,                NULL,                                                       4,  "trailing bytes"                              },
  {"wrong shape",                 WEIGHT,  "shape",             "[3,4]",                                                    0,  WEIGHT " has shape [3,4], expected [4,3]"     },
  {"a vector for a matrix",       WEIGHT,  "shape",             "[12]",                                                     0,  "expected [4,3]"                              },
  {"a matrix for a vector",       BIAS,    "shape",             "[4,1]",                                                    0,  BIAS " has shape [4,1], expected [4]"         },
  {"a shape of huge numbers",     WEIGHT,  "shape",             "[4611686018427387904,4]",                                  0,  WEIGHT                                        },
  {"a shape of no numbers",       WEIGHT,  "shape",             "{\"a\":[\"b\"]}",                                          0,  WEIGHT                                        },
  {"wrong dtype",                 WEIGHT,  "dtype",             "\"F16\"",                                                  0,  WEIGHT " has dtype F16, expected F32"         },
  {"dtype is no string",          WEIGHT,  "dtype",             "32",                                                       0,  WEIGHT                                        },
  {"dtype is missing",            WEIGHT,  "dtype",             NULL,                                                       0,  WEIGHT                                        },
  {"an unknown key in an entry",  WEIGHT,  "stride",            "1",                                                        0,  WEIGHT                                        },
  {"an entry that is no object",  WEIGHT,  NULL,                "[1]",                                                      0,  WEIGHT                                        },
  {"three offsets",               WEIGHT,  "data_offsets",      "[0,48,48]",                                                0,  WEIGHT                                        },
  {"negative offset",             WEIGHT,  "data_offsets",      "[-48,0]",                                                  0,  WEIGHT                                        },
  {"offsets backwards",           WEIGHT,  "data_offsets",      "[48,0]",                                                   0,  WEIGHT                                        },
  {"offsets that overflow",       WEIGHT,  "data_offsets",      "[9223372036854775760,9223372036854775807]",                0,  WEIGHT                                        },
  {"offsets of a wrong size",     WEIGHT,  "data_offsets",      "[0,44]",                                                   0,  "expected 48 bytes"                           },
  {"overlapping offsets",         BIAS,    "data_offsets",      "[0,16]",                                                   0,  "overlap"                                     },
  {"a gap",                       "c",     "data_offsets",      "[1240,1248]",                                              4,  "gap"                                         },
  {"missing tensor",              BIAS,    NULL,                NULL,                                                       0,  BIAS " is missing"                            },
  {"unexpected tensor",           "extra", NULL,                "{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}", 0,  "tensor extra is unexpected"                  },
  {"no metadata",                 META,    NULL,                NULL,                                                       0,  "metadata"                                    },
  {"metadata not an object",      META,    NULL,                "[]",                                                       0,  "metadata"                                    },
  {"metadata value not a string", META,    "seed",              "7",                                                        0,  "seed"                                        },
  {"another format",              META,    "format",            "\"pt\"",                                                   0,  "expected gnnspai-1"                          },
  {"format missing",              META,    "format",            NULL,                                                       0,  "format"                                      },
  {"unknown norm",                META,    "norm",              "\"batch\"",                                                0,  "norm is 'batch', expected one of none, layer"},
  {"norm in other letters",       META,    "norm",              "\"None\"",                                                 0,  "norm"                                        },
  {"missing key",                 META,    "pattern",           NULL,                                                       0,  "pattern is missing"                          },
  {"non-numeric width",           META,    "width",             "\"4x\"",                                                   0,  "width is '4x'"                               },
  {"width with a space",          META,    "width",             "\" 4\"",                                                   0,  "width"                                       },
  {"width a real",                META,    "width",             "\"4.0\"",                                                  0,  "width"                                       },
  {"width empty",                 META,    "width",             "\"\"",                                                     0,  "width"                                       },
  {"width 0",                     META,    "width",             "\"0\"",                                                    0,  "width is 0"                                  },
  {"width 10000",                 META,    "width",             "\"10000\"",                                                0,  "width is 10000"                              },
  {"width 2^64",                  META,    "width",             "\"18446744073709551616\"",                                 0,  "width"                                       },
  {"another width",               META,    "width",             "\"5\"",                                                    0,  "expected [5,3]"                              },
  {"the largest configuration",   META,    "layers",            "\"32\"",                                                   0,  "mp_layers.1.msg_mlp.lift.0.weight is missing"},
  {"negative layers",             META,    "layers",            "\"-1\"",                                                   0,  "layers is -1"                                },
  {"epsilon nan",                 META,    "epsilon",           "\"nan\"",                                                  0,  "epsilon"                                     },
  {"epsilon too large a number",  META,    "epsilon",           "\"1e999\"",                                                0,  "epsilon"                                     },
  {"epsilon 0",                   META,    "epsilon",           "\"0\"",                                                    0,  "epsilon"                                     },
  {"epsilon with a comma",        META,    "epsilon",           "\"0,1\"",                                                  0,  "epsilon"                                     },
  {"aggregation_scale negative",  META,    "aggregation_scale", "\"-1\"",                                                   0,  "aggregation_scale"                           },
  {"residual with scaling mean",  META,    "scaling",           "\"mean\"",                                                 0,  "output residual needs scaling diagonal"      },
  {"no edge features",            META,    "edge_features",     "\"\"",                                                     0,  "edge_features"                               },
  {"a feature twice",             META,    "node_features",     "\"rowabs,rowabs,degree\"",                                 0,  "node_features has rowabs twice"              },
  {"user twice",                  META,    "node_features",     "\"user:1,user:2\"",                                        0,  "node_features has user twice"                },
  {"an empty feature",            META,    "node_features",     "\"rowabs,,degree\"",                                       0,  "node_features has ''"                        },
  {"unknown feature",             META,    "node_features",     "\"rowabs,rowsum,degrees\"",                                0,  "'degrees', expected some of rowabs"          },
  {"user without a size",         META,    "node_features",     "\"rowabs,user\"",                                          0,  "user:k"                                      },
  {"rowabs:1",                    META,    "node_features",     "\"rowabs:1\"",                                             0,  "'rowabs' with a size"                        },
  {"user:0",                      META,    "node_features",     "\"user:0\"",                                               0,  "user:0"                                      },
  {"user:17",                     META,    "node_features",     "\"user:17\"",                                              0,  "from 1 to 16"                                },
  {"user:x",                      META,    "node_features",     "\"user:x\"",                                               0,  "user:x"                                      },
  {"user for edges",              META,    "edge_features",     "\"user:1\"",                                               0,  "edge_features"                               }
};

static PetscErrorCode TestEdit(const Blob *blob, const Edit *edit)
{
  json_t *header = json_deep_copy(blob->header), *object = header;
  char   *text;

  PetscFunctionBeginUser;
  if (edit->key != NULL) object = json_object_get(header, edit->object);
  if (edit->value != NULL) json_object_set_new(object, edit->key ? edit->key : edit->object, json_loads(edit->value, JSON_DECODE_ANY, NULL));
  else if (edit->object != NULL) json_object_del(object, edit->key ? edit->key : edit->object);
  text = json_dumps(header, JSON_COMPACT);
  PetscCall(OkRefusedHeader(blob, text, edit->extra, edit->expected, edit->what));
  free(text);
  json_decref(header);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The header's length, and text that is no header; all edited in place */
static PetscErrorCode TestBadLengths(Blob *blob)
{
  unsigned char *b = blob->bytes, saved[9];

  PetscFunctionBeginUser;
  memcpy(saved, b, 9);
  PetscCall(OkRefused(b, 0, "0 bytes", "empty file"));
  PetscCall(OkRefused(b, 7, "7 bytes", "7 bytes"));
  PetscCall(OkRefused(b, 8, "truncated", "a length and no header"));
  PetscCall(OkRefused(b, 100, "truncated", "truncated header"));
  b[7] = 0x80;
  PetscCall(OkRefused(b, blob->length, "header of 92233720368547", "header of 2^63 bytes"));
  memset(b, 0xff, 8);
  PetscCall(OkRefused(b, blob->length, "header of 18446744073709551615", "header of 2^64 - 1 bytes"));
  memset(b, 0, 8);
  PetscCall(OkRefused(b, blob->length, "safetensors", "header of 0 bytes"));
  memcpy(b, saved, 8);
  b[8] = '[';
  PetscCall(OkRefused(b, blob->length, "'{'", "header that starts with another character"));
  b[8] = saved[8];
  b[0] -= 8;
  PetscCall(OkRefused(b, blob->length, "JSON", "header cut before its end"));
  memcpy(b, saved, 9);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestBadText(const Blob *blob)
{
  const size_t large = ((size_t)1 << 20) + 8;
  char        *text  = json_dumps(blob->header, JSON_COMPACT), *other;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(large + 1, &other));
  memset(other, ' ', large);
  other[large] = '\0';
  memcpy(other, text, strlen(text));
  PetscCall(OkRefusedHeader(blob, other, 0, "at most 1048576", "header of more than 1 MiB"));
  memset(other, '[', 1000000);
  memcpy(other, "{\"a\":", 5);
  other[1000000] = '\0';
  PetscCall(OkRefusedHeader(blob, other, 0, "JSON", "header nested a million deep"));
  PetscCall(PetscSNPrintf(other, large, "{\"c\":{},%s", text + 1));
  PetscCall(OkRefusedHeader(blob, other, 0, "duplicate", "duplicate tensor"));
  PetscCall(PetscSNPrintf(other, large, "{\"__metadata__\":{\"norm\":\"none\",\"norm\":\"none\"}}"));
  PetscCall(OkRefusedHeader(blob, other, 0, "duplicate", "duplicate metadata key"));
  PetscCall(PetscSNPrintf(other, large, "{\"\\u0000c\":{},%s", text + 1));
  PetscCall(OkRefusedHeader(blob, other, 0, "JSON", "a name with a zero byte"));
  (void)snprintf(other, large, "{\"[|\\u001b[2J%%s%%n%0300d\":{},%s", 0, text + 1); /* PetscSNPrintf() would take "[|" for its own */
  PetscCall(OkRefusedHeader(blob, other, 0, "tensor [??[2J%s%n000", "a name with control characters is shown cut and without them"));
  PetscCall(PetscFree(other));
  free(text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestNotFinite(Blob *blob)
{
  const struct {
    const char   *what;
    unsigned char high, next;
  } values[] = {
    {"NaN",  0x7f, 0xc0},
    {"Inf",  0x7f, 0x80},
    {"-Inf", 0xff, 0x80}
  };

  PetscFunctionBeginUser;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(values); k++) {
    unsigned char *last = blob->data + blob->size - 4, saved[4];

    memcpy(saved, last, 4);
    last[0] = last[1] = 0;
    last[2]           = values[k].next;
    last[3]           = values[k].high;
    PetscCall(OkRefused(blob->bytes, blob->length, "tensor c: number 1 is not finite", values[k].what));
    memcpy(last, saved, 4);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two vectors of one size change places in the data, and the header lists all names backwards: the model is the same */
static PetscErrorCode TestOtherOrder(GNNModel m, const Blob *blob)
{
  const char      *name[2] = {BIAS, "node_enc.proj.0.bias"};
  const GNNTensor *tensor[2];
  json_t          *header = json_object(), *offsets[2], *value;
  unsigned char   *bytes;
  char            *text;
  const char      *key;
  size_t           length;
  GNNModel         back;

  PetscFunctionBeginUser;
  json_object_foreach(blob->header, key, value)
  {
    json_t *later = header;

    header = json_object();
    json_object_set_new(header, key, json_deep_copy(value));
    json_object_update(header, later);
    json_decref(later);
  }
  for (int k = 0; k < 2; k++) {
    PetscCall(GNNModelGetTensor(m, name[k], &tensor[k]));
    offsets[k] = json_deep_copy(json_object_get(json_object_get(header, name[k]), "data_offsets"));
  }
  for (int k = 0; k < 2; k++) json_object_set_new(json_object_get(header, name[k]), "data_offsets", offsets[1 - k]);
  text = json_dumps(header, 0);
  PetscCall(BlobCompose(text, blob->data, blob->size, blob->size, &bytes, &length));
  for (int k = 0; k < 2; k++) memcpy(bytes + length - blob->size + 4 * tensor[k]->offset, blob->data + 4 * tensor[1 - k]->offset, 4 * (size_t)tensor[0]->rows);
  PetscCall(GNNModelParse("other order", bytes, length, &back));
  Ok(memcmp(m->theta, back->theta, (size_t)m->nparams * sizeof(GNNReal)) == 0, "tensors in another order in header and data: the same bits are loaded");
  PetscCall(GNNModelDestroy(&back));
  PetscCall(PetscFree(bytes));
  free(text);
  json_decref(header);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestFuzz(const Blob *blob)
{
  PetscRandom random;
  PetscInt    loaded = 0, refused = 0, silent = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscRandomCreate(PETSC_COMM_SELF, &random));
  PetscCall(PetscRandomSetFromOptions(random));
  for (PetscInt k = 0; k < 2000; k++) {
    PetscReal      where, what;
    size_t         length = blob->length;
    unsigned char *copy;
    GNNModel       model;
    PetscErrorCode ierr;

    PetscCall(PetscRandomGetValueReal(random, &where));
    PetscCall(PetscRandomGetValueReal(random, &what));
    if (k % 4 == 0) length = (size_t)(where * (PetscReal)length);
    else if (k % 4 < 3) where *= (PetscReal)(length - blob->size) / (PetscReal)length; /* most of them in the header */
    copy = (unsigned char *)malloc(length + !length);
    memcpy(copy, blob->bytes, length);
    if (k % 4 != 0) copy[(size_t)(where * (PetscReal)length)] = (unsigned char)(256 * what);
    Caught(ierr, GNNModelParse("fuzzed", copy, length, &model));
    if (ierr == PETSC_SUCCESS) loaded++;
    else refused++;
    if (ierr != PETSC_SUCCESS && strstr(message, "fuzzed") == NULL) silent++;
    PetscCall(GNNModelDestroy(&model));
    free(copy);
  }
  PetscCall(PetscRandomDestroy(&random));
  Ok(loaded > 0 && refused > 0 && silent == 0, "2000 damaged files: %d loaded, %d refused, each by name", (int)loaded, (int)refused);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- names ---- */

static PetscErrorCode OkLoadRefused(const char file[], const char expected[], const char what[])
{
  GNNModel       model;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  Caught(ierr, GNNModelLoad(PETSC_COMM_WORLD, file, &model));
  PetscCall(OkMessage(ierr, file, expected, what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestLoad(const char directory[])
{
  const char *builtin[] = {"general", "heat", "poisson", "synthetic"};
  char        file[PETSC_MAX_PATH_LEN];
  FILE       *f;
  GNNModel    model;

  PetscFunctionBeginUser;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(builtin); k++) {
    PetscCall(GNNModelLoad(PETSC_COMM_WORLD, builtin[k], &model));
    Ok(model->config.block_size == 1 && strcmp(model->name, builtin[k]) == 0, "built-in model %s", builtin[k]);
    PetscCall(GNNModelDestroy(&model));
  }
  PetscCall(PetscSNPrintf(file, sizeof(file), "%s/round.safetensors", directory));
  PetscCall(GNNModelLoad(PETSC_COMM_WORLD, file, &model));
  Ok(model->config.width == 9, "a file on all ranks");
  PetscCall(GNNModelDestroy(&model));
  PetscCall(PetscSNPrintf(file, sizeof(file), "%s/nothing", directory));
  PetscCall(OkLoadRefused(file, strerror(ENOENT), "no such file"));
  PetscCall(OkLoadRefused(file, "built-in models: general ", "no such file: the built-in models are named"));
  PetscCall(OkLoadRefused(directory, "not a regular file", "a directory"));
  PetscCall(PetscSNPrintf(file, sizeof(file), "%s/large", directory));
  f = fopen(file, "wb");
  PetscCheck(f != NULL && fclose(f) == 0 && truncate(file, (off_t)65 << 20) == 0, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s", file);
  PetscCall(OkLoadRefused(file, "64 MiB", "a file of 65 MiB"));
  PetscCheck(truncate(file, 0) == 0, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s", file);
  PetscCall(OkLoadRefused(file, "0 bytes", "an empty file"));
  PetscCall(OkLoadRefused("/dev/zero", "not a regular file", "a device"));
  PetscCall(OkLoadRefused("tests/unit/t_model.c", "safetensors", "not a model"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OkSaveRefused(GNNModel m, const char file[], const char expected[], const char what[])
{
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  Caught(ierr, GNNModelSave(m, file));
  PetscCall(OkMessage(ierr, file, expected, what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestSaveRefused(GNNModel m, const char directory[])
{
  char        file[PETSC_MAX_PATH_LEN], temporary[PETSC_MAX_PATH_LEN];
  struct stat info;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(file, sizeof(file), "%s/nowhere/model", directory));
  PetscCall(OkSaveRefused(m, file, strerror(ENOENT), "save into no directory"));
  PetscCall(OkSaveRefused(m, directory, "cannot write", "save over a directory"));
  PetscCall(PetscSNPrintf(temporary, sizeof(temporary), "%s.tmp", directory));
  Ok(stat(temporary, &info) != 0, "save over a directory: the temporary file is removed");
  PetscCall(PetscSNPrintf(file, sizeof(file), "%s/refused", directory));
  PetscCall(PetscStrallocpy("{\"steps\":12}", &m->provenance));
  PetscCall(OkSaveRefused(m, file, "steps", "save with a provenance that is no string"));
  PetscCall(PetscFree(m->provenance));
  PetscCall(PetscStrallocpy("trained on Monday", &m->provenance));
  PetscCall(OkSaveRefused(m, file, "provenance", "save with a provenance that is no JSON"));
  PetscCall(PetscFree(m->provenance));
  m->theta[m->nparams - 1] = (GNNReal)INFINITY;
  PetscCall(OkSaveRefused(m, file, "tensor c: number 1", "save with a number that is not finite"));
  Ok(stat(file, &info) != 0, "what is refused is not written");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestReference(const char path[])
{
  DIR           *directory = opendir(path);
  struct dirent *entry;
  PetscInt       count = 0;

  PetscFunctionBeginUser;
  while (directory != NULL && (entry = readdir(directory)) != NULL) {
    char           file[PETSC_MAX_PATH_LEN];
    const char    *dot = strrchr(entry->d_name, '.');
    GNNModel       model;
    PetscErrorCode ierr;

    if (dot == NULL || strcmp(dot, ".safetensors") != 0) continue;
    PetscCall(PetscSNPrintf(file, sizeof(file), "%s/%s", path, entry->d_name));
    Caught(ierr, GNNModelLoad(PETSC_COMM_SELF, file, &model));
    if (!Ok(ierr == PETSC_SUCCESS, "%s loads", file)) PetscCall(PetscPrintf(PETSC_COMM_WORLD, "# %s\n", message));
    PetscCall(GNNModelDestroy(&model));
    count++;
  }
  if (directory != NULL) closedir(directory);
  if (count == 0) Skip("no tests/reference/data", "models written by the reference implementation load");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- */

static PetscErrorCode TestRefusals(const char directory[])
{
  char     file[PETSC_MAX_PATH_LEN];
  GNNModel m;
  Blob     blob;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(file, sizeof(file), "%s/small.safetensors", directory));
  PetscCall(ModelCreate(4, 1, &m));
  PetscCall(GNNModelSave(m, file));
  PetscCall(BlobRead(file, &blob));
  Ok((blob.data - blob.bytes) % 8 == 0 && blob.size == 4 * (size_t)m->nparams, "data begins at a multiple of 8 bytes");
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(edits); k++) PetscCall(TestEdit(&blob, edits + k));
  PetscCall(TestBadLengths(&blob));
  PetscCall(TestBadText(&blob));
  PetscCall(TestNotFinite(&blob));
  PetscCall(ModelRound(m));
  PetscCall(GNNModelSave(m, file));
  PetscCall(BlobDestroy(&blob));
  PetscCall(BlobRead(file, &blob));
  PetscCall(TestOtherOrder(m, &blob));
  PetscCall(TestFuzz(&blob));
  PetscCall(TestSaveRefused(m, directory));
  PetscCall(BlobDestroy(&blob));
  PetscCall(GNNModelDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RemoveAll(const char directory[])
{
  const char *const names[] = {"round.safetensors", "small.safetensors", "large"};

  PetscFunctionBeginUser;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(names); k++) {
    char file[PETSC_MAX_PATH_LEN];

    PetscCall(PetscSNPrintf(file, sizeof(file), "%s/%s", directory, names[k]));
    (void)unlink(file);
  }
  Ok(rmdir(directory) == 0, "no other files were written");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- where weights stand ---- */

typedef struct {
  PetscInt size, wrong;
  char    *taken;
} Claims;

static void Claim(Claims *c, PetscInt at, PetscInt count)
{
  for (PetscInt k = at; k < at + count; k++) {
    if (k < 0 || k >= c->size || c->taken[k]++) c->wrong++;
  }
}

static PetscErrorCode OkClaims(Claims *c, const char name[], const char what[])
{
  PetscInt missing = 0;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < c->size; k++) missing += c->taken[k] == 0;
  Ok(c->wrong == 0 && missing == 0, "%s: every number of %s is one weight's, %d are not, %d are nobody's", name, what, (int)c->wrong, (int)missing);
  PetscCall(PetscFree(c->taken));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The packed numbers of a map, matrices entry by entry */
static void ClaimMap(Claims *c, const GNNMap *m, GNNPackOrder order)
{
  const GNNPacked p = GNNMapPacked(m);
  const int       d = GNNPad(m->width), in = GNNPad(m->in), out = GNNPad(m->out), body = GNNBodySize(d);

  for (int q = 0; q < m->nparts; q++) {
    for (int k = 0; k < d * in; k++) Claim(c, m->lift[q] + GNNPackedEntry(order, d, in, k / in, k % in), 1);
  }
  Claim(c, m->packed + p.bias, 2 * d);
  for (int l = 0; l < m->hidden - 1; l++) {
    for (int k = 0; k < d * d; k++) Claim(c, m->packed + p.body + l * body + GNNPackedEntry(order, d, d, k / d, k % d), 1);
    Claim(c, m->packed + p.body + l * body + d * d, d);
  }
  for (int k = 0; k < out * d; k++) Claim(c, m->packed + p.proj + GNNPackedEntry(order, m->group, d, k / d, k % d), 1);
  Claim(c, m->packed + p.projbias, out);
}

static PetscErrorCode TestPlacesOf(const char name[], const GNNConfig *config)
{
  const char *const orders[] = {"packed, columns", "packed, blocks", "packed, rows"};
  GNNModel          m;
  Claims            c = {0};

  PetscFunctionBeginUser;
  PetscCall(GNNModelCreate(config, &m));
  c.size = m->nparams;
  PetscCall(PetscCalloc1(c.size, &c.taken));
  for (PetscInt t = 0; t < m->ntensors; t++) Claim(&c, m->tensors[t].offset, m->tensors[t].rows * PetscMax(m->tensors[t].cols, 1));
  PetscCall(OkClaims(&c, name, "theta"));
  for (int order = 0; order < 3; order++) {
    c = (Claims){.size = GNNShapePacked(&m->net->shape)};
    PetscCall(PetscCalloc1(c.size, &c.taken));
    for (PetscInt f = 0; f < m->net->nff; f++) ClaimMap(&c, &m->net->ff[f].map, (GNNPackOrder)order);
    PetscCall(OkClaims(&c, name, orders[order]));
  }
  PetscCall(GNNModelDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestPlaces(void)
{
  GNNConfig config;

  PetscFunctionBeginUser;
  PetscCall(GNNConfigSetDefaults(&config));
  PetscCall(TestPlacesOf("default", &config));
  config.block_size    = 4;
  config.width         = 20;
  config.layers        = 1;
  config.hidden_layers = 3;
  config.norm          = GNN_NORM_LAYER;
  PetscCall(TestPlacesOf("blocks of 4, width 20, a layer of three, norm", &config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  char directory[] = "build/t_model-XXXXXX";
  int  failed;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsSetValue(NULL, "-checkstack", "false")); /* an error that is caught leaves its frames on a debugging PETSc's stack */
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCheck(mkdtemp(directory) != NULL, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s: %s", directory, strerror(errno)); /* one for each rank */
  PetscCall(TestRoundTrips(directory));
  PetscCall(TestRefusals(directory));
  PetscCall(TestLoad(directory));
  PetscCall(TestReference("tests/reference/data"));
  PetscCall(TestPlaces());
  PetscCall(RemoveAll(directory));
  failed = TapDone();
  PetscCall(PetscFinalize());
  return failed;
}
