/*
   Model files: safetensors, which is an 8-byte little-endian length, a JSON header of that length, and the tensors' bytes.

   A file may come from anywhere: nothing in it is believed before it is checked, and every refusal names the file, the tensor or
   metadata key, and what was expected.
*/
#include "model.h"

#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>
#include <jansson.h>

#define GNN_FORMAT     "gnnspai-1"
#define GNN_METADATA   "__metadata__"
#define GNN_MAX_HEADER ((size_t)1 << 20)
#define GNN_MAX_FILE   ((size_t)64 << 20)

typedef char Text[128]; /* a small string for a message or a metadata value */

/* ---- metadata: one table for both directions ---- */

typedef enum {
  FIELD_INTEGER,
  FIELD_REAL,
  FIELD_ENUM,
  FIELD_LIST /* of enum values, comma-separated; user:k among them sets user_size */
} FieldKind;

typedef struct {
  const char        *key;
  FieldKind          kind;
  size_t             offset; /* of the value in GNNConfig */
  const char *const *names;  /* enum and list: the values' names */
  size_t             count;  /* list: offset in GNNConfig of the number of entries */
} Field;

static const Field fields[] = {{"block_size", FIELD_INTEGER, offsetof(GNNConfig, block_size), NULL, 0}, {"width", FIELD_INTEGER, offsetof(GNNConfig, width), NULL, 0}, {"layers", FIELD_INTEGER, offsetof(GNNConfig, layers), NULL, 0}, {"hidden_layers", FIELD_INTEGER, offsetof(GNNConfig, hidden_layers), NULL, 0}, {"norm", FIELD_ENUM, offsetof(GNNConfig, norm), GNNNorms, 0}, {"aggregation", FIELD_ENUM, offsetof(GNNConfig, aggregation), GNNAggregations, 0}, {"aggregation_scale", FIELD_REAL, offsetof(GNNConfig, aggregation_scale), NULL, 0}, {"scaling", FIELD_ENUM, offsetof(GNNConfig, scaling), GNNScalings, 0}, {"output", FIELD_ENUM, offsetof(GNNConfig, output), GNNOutputs, 0}, {"pattern", FIELD_ENUM, offsetof(GNNConfig, pattern), GNNPatterns, 0}, {"epsilon", FIELD_REAL, offsetof(GNNConfig, epsilon), NULL, 0}, {"edge_features", FIELD_LIST, offsetof(GNNConfig, edge_features), GNNEdgeFeatures, offsetof(GNNConfig, nedge_features)}, {"node_features", FIELD_LIST, offsetof(GNNConfig, node_features), GNNNodeFeatures, offsetof(GNNConfig, nnode_features)}};

#define FieldOf(type, config, offset) ((type *)((char *)(config) + (offset)))

/* Text from a file made fit for a message: short and printable; '|' goes because PETSc's own printing reads "[|" as a mark */
static const char *Shown(const char from[], Text to)
{
  size_t k = 0;

  for (; from[k] != '\0' && k < sizeof(Text) - 1; k++) to[k] = from[k] >= ' ' && from[k] < 127 && from[k] != '|' ? from[k] : '?';
  to[k] = '\0';
  return to;
}

/* The names of a list as PetscOptionsEnum() wants it: all but the last two */
static const char *ShownNames(const char *const names[], Text to)
{
  size_t used = 0;

  to[0] = '\0';
  for (PetscInt k = 0; names[k + 2] != NULL; k++) used += (size_t)snprintf(to + used, sizeof(Text) - used, "%s%s", k ? ", " : "", names[k]);
  return to;
}

/* Numbers are read and written by jansson: strict, and the same in every locale */
static json_t *NumberParse(const char text[])
{
  if (text[strspn(text, "0123456789+-.eE")] != '\0') return NULL;
  return json_loads(text, JSON_DECODE_ANY, NULL);
}

static PetscBool IntegerParse(const char text[], PetscInt *value)
{
  json_t         *number = strlen(text) <= 9 ? NumberParse(text) : NULL; /* 9 digits fit any PetscInt */
  const PetscBool valid  = json_is_integer(number) ? PETSC_TRUE : PETSC_FALSE;

  if (valid) *value = (PetscInt)json_integer_value(number);
  json_decref(number);
  return valid;
}

static PetscBool RealParse(const char text[], PetscReal *value)
{
  json_t         *number = NumberParse(text);
  const PetscBool valid  = json_is_number(number) ? PETSC_TRUE : PETSC_FALSE;

  if (valid) *value = (PetscReal)json_number_value(number);
  json_decref(number);
  return valid;
}

static PetscBool EnumParse(const char text[], const char *const names[], PetscEnum *value)
{
  PetscInt k = 0;

  while (names[k + 2] != NULL && strcmp(names[k], text) != 0) k++;
  *value = (PetscEnum)k;
  return names[k + 2] != NULL ? PETSC_TRUE : PETSC_FALSE;
}

/* ---- from bytes to a model ---- */

#define FileCheck(cond, ...) PetscCheck(cond, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, __VA_ARGS__)

typedef struct {
  const char          *source;        /* file name, for the messages */
  const unsigned char *data;          /* what follows the header, not owned */
  PetscInt             size;          /* its length */
  json_t              *header;        /* owned */
  json_t              *metadata;      /* part of the header */
  PetscInt            *begin, *order; /* (ntensors), owned: where each tensor starts in data; tensors by that */
  GNNModel             model;         /* owned until handed out */
} Parser;

static PetscErrorCode ParseHeader_Private(Parser *p, const unsigned char *bytes, size_t length)
{
  unsigned long long size = 0;
  json_error_t       error;
  Text               text;

  PetscFunctionBegin;
  FileCheck(length <= GNN_MAX_FILE, "%s: %zu bytes, expected a safetensors file of at most %zu", p->source, length, GNN_MAX_FILE);
  FileCheck(length >= 8, "%s: %zu bytes, expected a safetensors file, which starts with the 8 bytes of its header's length", p->source, length);
  for (int k = 7; k >= 0; k--) size = size << 8 | bytes[k];
  FileCheck(size <= GNN_MAX_HEADER, "%s: header of %llu bytes, expected at most %zu; is this a safetensors file?", p->source, size, GNN_MAX_HEADER);
  FileCheck(size <= length - 8, "%s: the header is truncated: expected %llu bytes, the file has %zu", p->source, size, length - 8);
  FileCheck(size > 0 && bytes[8] == '{', "%s: the header does not start with '{'; is this a safetensors file?", p->source);
  p->header = json_loadb((const char *)bytes + 8, (size_t)size, JSON_REJECT_DUPLICATES, &error);
  FileCheck(p->header != NULL, "%s: byte %d of the header, expected a JSON object without duplicate keys: %s", p->source, error.position, Shown(error.text, text));
  p->data = bytes + 8 + size;
  p->size = (PetscInt)(length - 8 - (size_t)size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One entry of a list: a name, or user:k */
static PetscErrorCode ParseFeature_Private(Parser *p, const Field *field, char item[], PetscEnum *feature, PetscInt *user_size)
{
  const PetscBool node = field->names == GNNNodeFeatures ? PETSC_TRUE : PETSC_FALSE;
  char           *size = node ? strchr(item, ':') : NULL;
  Text            shown, names;

  PetscFunctionBegin;
  if (size != NULL) *size++ = '\0';
  FileCheck(EnumParse(item, field->names, feature), "%s: %s has '%s', expected some of %s", p->source, field->key, Shown(item, shown), ShownNames(field->names, names));
  if (size == NULL && !(node && *feature == (PetscEnum)GNN_NODE_USER)) PetscFunctionReturn(PETSC_SUCCESS);
  FileCheck(size != NULL && *feature == (PetscEnum)GNN_NODE_USER, "%s: %s has '%s' %s a size, expected names without one, and user:k", p->source, field->key, item, size != NULL ? "with" : "without");
  FileCheck(IntegerParse(size, user_size) && *user_size >= 1 && *user_size <= GNN_MAX_USER, "%s: %s has user:%s, expected user:k with k from 1 to %d", p->source, field->key, Shown(size, shown), GNN_MAX_USER);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ParseList_Private(Parser *p, const Field *field, const char text[], PetscEnum features[], PetscInt *count, PetscInt *user_size)
{
  PetscInt n = 0;

  PetscFunctionBegin;
  for (PetscBool more = PETSC_TRUE; more; n++) {
    const size_t length = strcspn(text, ",");
    Text         item;

    FileCheck(n < GNN_MAX_FEATURES, "%s: %s has too many entries, expected at most %d", p->source, field->key, GNN_MAX_FEATURES);
    PetscCall(PetscStrncpy(item, text, PetscMin(length + 1, sizeof(item)))); /* cut short it is no valid name */
    PetscCall(ParseFeature_Private(p, field, item, features + n, user_size));
    for (PetscInt k = 0; k < n; k++) FileCheck(features[k] != features[n], "%s: %s has %s twice, expected each at most once", p->source, field->key, field->names[features[n]]);
    more = text[length] == ',' ? PETSC_TRUE : PETSC_FALSE;
    text += length + 1;
  }
  *count = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ParseField_Private(Parser *p, const Field *field, GNNConfig *c)
{
  const char *text = json_string_value(json_object_get(p->metadata, field->key));
  Text        shown, names;

  PetscFunctionBegin;
  FileCheck(text != NULL, "%s: metadata key %s is missing", p->source, field->key);
  switch (field->kind) {
  case FIELD_INTEGER:
    FileCheck(IntegerParse(text, FieldOf(PetscInt, c, field->offset)), "%s: %s is '%s', expected an integer of at most 9 digits", p->source, field->key, Shown(text, shown));
    break;
  case FIELD_REAL:
    FileCheck(RealParse(text, FieldOf(PetscReal, c, field->offset)), "%s: %s is '%s', expected a number", p->source, field->key, Shown(text, shown));
    break;
  case FIELD_ENUM:
    FileCheck(EnumParse(text, field->names, FieldOf(PetscEnum, c, field->offset)), "%s: %s is '%s', expected one of %s", p->source, field->key, Shown(text, shown), ShownNames(field->names, names));
    break;
  case FIELD_LIST:
    PetscCall(ParseList_Private(p, field, text, FieldOf(PetscEnum, c, field->offset), FieldOf(PetscInt, c, field->count), &c->user_size));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ParseMetadata_Private(Parser *p, GNNConfig *c)
{
  const char *key, *format;
  json_t     *value;
  Text        text;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(c, sizeof(*c)));
  p->metadata = json_object_get(p->header, GNN_METADATA);
  FileCheck(json_is_object(p->metadata), "%s: no metadata, expected a gnnspai model with format " GNN_FORMAT, p->source);
  json_object_foreach(p->metadata, key, value) FileCheck(json_is_string(value), "%s: metadata key %s is not a string", p->source, Shown(key, text));
  format = json_string_value(json_object_get(p->metadata, "format"));
  FileCheck(format != NULL, "%s: metadata key format is missing, expected " GNN_FORMAT, p->source);
  FileCheck(strcmp(format, GNN_FORMAT) == 0, "%s: format is '%s', expected " GNN_FORMAT, p->source, Shown(format, text));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(fields); k++) PetscCall(ParseField_Private(p, fields + k, c));
  PetscCall(GNNConfigCheck(c, p->source));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is no field of ours is kept, to be written back. Takes the keys out of the header, which is not needed any more */
static PetscErrorCode ParseProvenance_Private(Parser *p)
{
  char *text;

  PetscFunctionBegin;
  (void)json_object_del(p->metadata, "format");
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(fields); k++) (void)json_object_del(p->metadata, fields[k].key);
  if (json_object_size(p->metadata) == 0) PetscFunctionReturn(PETSC_SUCCESS);
  text = json_dumps(p->metadata, JSON_COMPACT);
  PetscCheck(text != NULL, PETSC_COMM_SELF, PETSC_ERR_MEM, "jansson: json_dumps() failed");
  PetscCall(PetscStrallocpy(text, &p->model->provenance));
  free(text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscInt TensorBytes(const GNNTensor *tensor)
{
  return 4 * tensor->rows * PetscMax(tensor->cols, 1);
}

/* Two JSON lists of integers are the same if their compact texts are */
static PetscErrorCode ParseShape_Private(Parser *p, const GNNTensor *tensor, const json_t *shape)
{
  Text expected, text = {0}, shown;

  PetscFunctionBegin;
  if (tensor->cols > 0) PetscCall(PetscSNPrintf(expected, sizeof(expected), "[%" PetscInt_FMT ",%" PetscInt_FMT "]", tensor->rows, tensor->cols));
  else PetscCall(PetscSNPrintf(expected, sizeof(expected), "[%" PetscInt_FMT "]", tensor->rows));
  (void)json_dumpb(shape, text, sizeof(text) - 1, JSON_COMPACT | JSON_ENCODE_ANY);
  FileCheck(strcmp(text, expected) == 0, "%s: tensor %s has shape %s, expected %s", p->source, tensor->name, Shown(text, shown), expected);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ParseTensor_Private(Parser *p, const GNNTensor *tensor, PetscInt *where)
{
  json_t     *entry = json_object_get(p->header, tensor->name), *shape;
  const char *dtype;
  json_int_t  begin, end;
  Text        text;

  PetscFunctionBegin;
  FileCheck(entry != NULL, "%s: tensor %s is missing", p->source, tensor->name);
  FileCheck(json_unpack(entry, "{s:s,s:o,s:[II!]!}", "dtype", &dtype, "shape", &shape, "data_offsets", &begin, &end) == 0, "%s: tensor %s: malformed entry, expected dtype, shape and data_offsets [begin, end]", p->source, tensor->name);
  FileCheck(strcmp(dtype, "F32") == 0, "%s: tensor %s has dtype %s, expected F32", p->source, tensor->name, Shown(dtype, text));
  PetscCall(ParseShape_Private(p, tensor, shape));
  FileCheck(begin >= 0 && end >= begin && end - begin == TensorBytes(tensor) && end <= p->size, "%s: tensor %s has data_offsets [%lld, %lld], expected %" PetscInt_FMT " bytes within the %" PetscInt_FMT " that follow the header", p->source, tensor->name, (long long)begin, (long long)end, TensorBytes(tensor), p->size);
  *where = (PetscInt)begin;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ParseUnexpected_Private(Parser *p)
{
  const char *key;
  json_t     *value;
  Text        text;

  PetscFunctionBegin;
  if (json_object_size(p->header) == (size_t)p->model->ntensors + 1) PetscFunctionReturn(PETSC_SUCCESS); /* ours were all found, and the metadata */
  json_object_foreach(p->header, key, value)
  {
    const GNNTensor *tensor;

    PetscCall(GNNModelGetTensor(p->model, key, &tensor));
    FileCheck(tensor != NULL || strcmp(key, GNN_METADATA) == 0, "%s: tensor %s is unexpected: a model with this metadata has none of that name", p->source, Shown(key, text));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* In the order of their offsets the tensors follow one another, from the first byte to the last; the file may list them in any order */
static PetscErrorCode ParseLayout_Private(Parser *p)
{
  const GNNModel m   = p->model;
  PetscInt       end = 0;

  PetscFunctionBegin;
  for (PetscInt t = 0; t < m->ntensors; t++) p->order[t] = t;
  PetscCall(PetscSortIntWithArray(m->ntensors, p->begin, p->order));
  for (PetscInt t = 0; t < m->ntensors; t++) {
    const GNNTensor *tensor = m->tensors + p->order[t];

    FileCheck(p->begin[t] == end, "%s: tensor %s begins at byte %" PetscInt_FMT " of the data, expected %" PetscInt_FMT ": %s", p->source, tensor->name, p->begin[t], end, p->begin[t] < end ? "overlap" : "gap");
    end += TensorBytes(tensor);
  }
  FileCheck(p->size == end, "%s: %" PetscInt_FMT " bytes of data, expected %" PetscInt_FMT ": trailing bytes", p->source, p->size, end);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Little-endian float32; finite is asked of the bits, so that no compiler option can remove the question */
static PetscErrorCode ParseValues_Private(Parser *p, const GNNTensor *tensor, const unsigned char *byte, GNNReal *theta)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < TensorBytes(tensor) / 4; k++, byte += 4) {
    const uint32_t bits = (uint32_t)byte[0] | (uint32_t)byte[1] << 8 | (uint32_t)byte[2] << 16 | (uint32_t)byte[3] << 24;
    float          value;

    FileCheck((bits & 0x7f800000) != 0x7f800000, "%s: tensor %s: number %" PetscInt_FMT " is not finite", p->source, tensor->name, k);
    memcpy(&value, &bits, sizeof(value));
    theta[k] = value;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Parse_Private(Parser *p, const unsigned char *bytes, size_t length)
{
  GNNConfig config;
  GNNModel  m;

  PetscFunctionBegin;
  PetscCall(ParseHeader_Private(p, bytes, length));
  PetscCall(ParseMetadata_Private(p, &config));
  PetscCall(GNNModelCreate(&config, &p->model)); /* some 20 MB at the most, by the ranges of the configuration */
  m = p->model;
  PetscCall(PetscMalloc2(m->ntensors, &p->begin, m->ntensors, &p->order));
  for (PetscInt t = 0; t < m->ntensors; t++) PetscCall(ParseTensor_Private(p, m->tensors + t, p->begin + t));
  PetscCall(ParseUnexpected_Private(p));
  PetscCall(ParseLayout_Private(p));
  for (PetscInt t = 0; t < m->ntensors; t++) {
    const GNNTensor *tensor = m->tensors + p->order[t];

    PetscCall(ParseValues_Private(p, tensor, p->data + p->begin[t], m->theta + tensor->offset));
  }
  PetscCall(ParseProvenance_Private(p));
  PetscCall(PetscStrallocpy(p->source, &m->name));
  PetscCall(GNNModelPack(m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNModelParse(const char source[], const unsigned char *bytes, size_t length, GNNModel *model)
{
  Parser         parser = {.source = source};
  PetscErrorCode ierr;

  PetscFunctionBegin;
  *model = NULL;
  ierr   = Parse_Private(&parser, bytes, length);
  json_decref(parser.header);
  PetscCall(PetscFree2(parser.begin, parser.order));
  if (ierr != PETSC_SUCCESS) PetscCall(GNNModelDestroy(&parser.model));
  PetscCall(ierr);
  *model = parser.model;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- from a name to bytes ---- */

/* On one rank, so no error is raised here: length is -1 and reason says why */
static PetscErrorCode ReadFile_Private(const char name[], unsigned char **bytes, PetscMPIInt *length, Text reason)
{
  FILE       *f;
  struct stat info;
  PetscBool   found;

  PetscFunctionBegin;
  *length = -1;
  found   = stat(name, &info) == 0 ? PETSC_TRUE : PETSC_FALSE; /* first, because opening a pipe would wait */
  if (found && !S_ISREG(info.st_mode)) {
    PetscCall(PetscStrncpy(reason, "not a regular file", sizeof(Text)));
  } else if (found && info.st_size > (off_t)GNN_MAX_FILE) {
    PetscCall(PetscStrncpy(reason, "larger than 64 MiB", sizeof(Text)));
  } else if (found && (f = fopen(name, "rb")) != NULL) {
    PetscCall(PetscMalloc1((size_t)info.st_size + 1, bytes));
    if (fread(*bytes, 1, (size_t)info.st_size, f) == (size_t)info.st_size) *length = (PetscMPIInt)info.st_size;
    else PetscCall(PetscStrncpy(reason, ferror(f) ? strerror(errno) : "it ends early", sizeof(Text)));
    (void)fclose(f);
  } else PetscCall(PetscStrncpy(reason, strerror(errno), sizeof(Text)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rank 0 reads; all get the bytes, or all raise the same error */
static PetscErrorCode BroadcastFile_Private(MPI_Comm comm, const char name[], const char builtins[], unsigned char **bytes, PetscMPIInt *length)
{
  Text        reason = {0};
  PetscMPIInt rank;

  PetscFunctionBegin;
  *bytes = NULL;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) PetscCall(ReadFile_Private(name, bytes, length, reason));
  PetscCallMPI(MPI_Bcast(length, 1, MPI_INT, 0, comm));
  PetscCallMPI(MPI_Bcast(reason, (PetscMPIInt)sizeof(reason), MPI_CHAR, 0, comm));
  if (*length < 0) PetscCall(PetscFree(*bytes));
  PetscCheck(*length >= 0, comm, PETSC_ERR_FILE_OPEN, "cannot read model file %s: %s (built-in models: %s)", name, reason, builtins);
  if (rank != 0) PetscCall(PetscMalloc1((size_t)*length + 1, bytes));
  PetscCallMPI(MPI_Bcast(*bytes, *length, MPI_BYTE, 0, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNModelLoad(MPI_Comm comm, const char name[], GNNModel *model)
{
  const unsigned char *builtin;
  unsigned char       *bytes;
  const char          *names;
  size_t               size;
  PetscMPIInt          length;
  PetscErrorCode       ierr;

  PetscFunctionBegin;
  *model = NULL;
  PetscCall(GNNBuiltinGet(name, &builtin, &size, &names));
  if (builtin != NULL) {
    PetscCall(GNNModelParse(name, builtin, size, model));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(BroadcastFile_Private(comm, name, names, &bytes, &length));
  ierr = GNNModelParse(name, bytes, (size_t)length, model);
  PetscCall(PetscFree(bytes));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- from a model to a file ---- */

/* The shortest of three precisions that reads back as the same number */
static PetscErrorCode RealText_Private(PetscReal value, Text text)
{
  const size_t precision[] = {6, 15, 17};
  json_t      *number      = json_real((double)value); /* NULL if not finite */
  PetscBool    same        = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCheck(number != NULL, PETSC_COMM_SELF, PETSC_ERR_FP, "a metadata number is not finite");
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(precision) && !same; k++) {
    const size_t length = json_dumpb(number, text, sizeof(Text) - 1, JSON_ENCODE_ANY | JSON_REAL_PRECISION(precision[k]));
    PetscReal    back   = 0;

    text[length] = '\0'; /* some 25 characters at the most */
    same         = RealParse(text, &back) && back == value ? PETSC_TRUE : PETSC_FALSE;
  }
  json_decref(number);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ListText_Private(const GNNConfig *c, const Field *field, Text text)
{
  const PetscEnum *features = FieldOf(const PetscEnum, c, field->offset);
  size_t           used     = 0;

  PetscFunctionBegin;
  text[0] = '\0';
  for (PetscInt k = 0; k < *FieldOf(PetscInt, c, field->count); k++) {
    used += (size_t)snprintf(text + used, sizeof(Text) - used, "%s%s", k ? "," : "", field->names[features[k]]);
    if (field->names == GNNNodeFeatures && features[k] == (PetscEnum)GNN_NODE_USER) used += (size_t)snprintf(text + used, sizeof(Text) - used, ":%" PetscInt_FMT, c->user_size);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FieldText_Private(const GNNConfig *c, const Field *field, Text text)
{
  PetscFunctionBegin;
  switch (field->kind) {
  case FIELD_INTEGER:
    PetscCall(PetscSNPrintf(text, sizeof(Text), "%" PetscInt_FMT, *FieldOf(PetscInt, c, field->offset)));
    break;
  case FIELD_REAL:
    PetscCall(RealText_Private(*FieldOf(PetscReal, c, field->offset), text));
    break;
  case FIELD_ENUM:
    PetscCall(PetscStrncpy(text, field->names[*FieldOf(PetscEnum, c, field->offset)], sizeof(Text)));
    break;
  case FIELD_LIST:
    PetscCall(ListText_Private(c, field, text));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The provenance, with our own fields over it */
static PetscErrorCode BuildMetadata_Private(GNNModel m, const char file[], json_t *header)
{
  json_t     *metadata = m->provenance != NULL ? json_loads(m->provenance, JSON_REJECT_DUPLICATES, NULL) : json_object(), *value;
  const char *key;
  Text        text;

  PetscFunctionBegin;
  PetscCheck(json_object_set_new(header, GNN_METADATA, metadata) == 0 && json_is_object(metadata), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: the model's provenance is not a JSON object", file);
  json_object_foreach(metadata, key, value) PetscCheck(json_is_string(value), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: the model's provenance: %s is not a string", file, Shown(key, text));
  PetscCheck(json_object_set_new(metadata, "format", json_string(GNN_FORMAT)) == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "jansson: json_object_set_new() failed");
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(fields); k++) {
    PetscCall(FieldText_Private(&m->config, fields + k, text));
    PetscCheck(json_object_set_new(metadata, fields[k].key, json_string(text)) == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "jansson: json_object_set_new() failed");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BuildHeader_Private(GNNModel m, const char file[], json_t *header)
{
  PetscFunctionBegin;
  PetscCall(BuildMetadata_Private(m, file, header));
  for (PetscInt t = 0; t < m->ntensors; t++) {
    const GNNTensor *tensor = m->tensors + t;
    const json_int_t begin = 4 * tensor->offset, end = begin + TensorBytes(tensor);
    json_t          *shape = tensor->cols > 0 ? json_pack("[I,I]", (json_int_t)tensor->rows, (json_int_t)tensor->cols) : json_pack("[I]", (json_int_t)tensor->rows);
    json_t          *entry = json_pack("{s:s,s:o,s:[I,I]}", "dtype", "F32", "shape", shape, "data_offsets", begin, end);

    PetscCheck(json_object_set_new(header, tensor->name, entry) == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "jansson: json_object_set_new() failed");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BuildValues_Private(GNNModel m, const char file[], unsigned char *byte)
{
  PetscFunctionBegin;
  for (PetscInt t = 0; t < m->ntensors; t++) {
    const GNNTensor *tensor = m->tensors + t;

    for (PetscInt k = 0; k < TensorBytes(tensor) / 4; k++) {
      const float value = (float)m->theta[tensor->offset + k];
      uint32_t    bits;

      memcpy(&bits, &value, sizeof(bits));
      PetscCheck((bits & 0x7f800000) != 0x7f800000, PETSC_COMM_SELF, PETSC_ERR_FP, "%s: not written: tensor %s: number %" PetscInt_FMT " is not finite", file, tensor->name, k);
      for (int shift = 0; shift < 32; shift += 8) *byte++ = (unsigned char)(bits >> shift);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The whole file in memory; *bytes is the caller's to free, on error too */
static PetscErrorCode Build_Private(GNNModel m, const char file[], const char header[], unsigned char **bytes, size_t *length)
{
  const size_t used = strlen(header), size = (used + 7) / 8 * 8; /* padded with spaces: the data is aligned, as safetensors does */

  PetscFunctionBegin;
  PetscCheck(size <= GNN_MAX_HEADER, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: not written: header of %zu bytes, at most %zu can be read back; shorten the model's provenance", file, size, GNN_MAX_HEADER);
  *length = 8 + size + 4 * (size_t)m->nparams;
  PetscCall(PetscMalloc1(*length, bytes));
  for (int k = 0; k < 8; k++) (*bytes)[k] = (unsigned char)((unsigned long long)size >> (8 * k));
  memset(*bytes + 8, ' ', size);
  memcpy(*bytes + 8, header, used);
  PetscCall(BuildValues_Private(m, file, *bytes + 8 + size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Under a temporary name, then renamed: whoever reads the file sees the old one or the new one, whole */
static PetscErrorCode WriteFile_Private(const char file[], const unsigned char *bytes, size_t length)
{
  char  temporary[PETSC_MAX_PATH_LEN];
  FILE *f;
  int   code = 0;

  PetscFunctionBegin;
  PetscCheck(strlen(file) + 5 <= sizeof(temporary), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "cannot write %s: the name is too long", file);
  PetscCall(PetscSNPrintf(temporary, sizeof(temporary), "%s.tmp", file));
  f = fopen(temporary, "wb");
  PetscCheck(f != NULL, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "cannot write %s: cannot open %s: %s", file, temporary, strerror(errno));
  errno = 0;
  if (fwrite(bytes, 1, length, f) != length || fflush(f) != 0) code = errno != 0 ? errno : EIO;
  if (fclose(f) != 0 && code == 0) code = errno;
  if (code == 0 && rename(temporary, file) != 0) code = errno;
  if (code != 0) (void)remove(temporary);
  PetscCheck(code == 0, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "cannot write %s: %s", file, strerror(code));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GNNModelSave(GNNModel m, const char file[])
{
  json_t        *header = json_object();
  unsigned char *bytes  = NULL;
  char          *text   = NULL;
  size_t         length;
  PetscErrorCode ierr;

  PetscFunctionBegin;
  ierr = BuildHeader_Private(m, file, header);
  if (ierr == PETSC_SUCCESS) text = json_dumps(header, JSON_COMPACT);
  json_decref(header);
  PetscCall(ierr);
  PetscCheck(text != NULL, PETSC_COMM_SELF, PETSC_ERR_MEM, "jansson: json_dumps() failed");
  ierr = Build_Private(m, file, text, &bytes, &length);
  free(text);
  if (ierr == PETSC_SUCCESS) ierr = WriteFile_Private(file, bytes, length);
  PetscCall(PetscFree(bytes));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}
