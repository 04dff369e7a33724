/*
   Files of matrices and of their node features, PETSc binary format.
*/
#include "files.h"
#include <glob.h>

PetscErrorCode FilesGlob(const char pattern[], PetscInt *n, char ***names)
{
  glob_t found;

  PetscFunctionBegin;
  PetscCheck(glob(pattern, 0, NULL, &found) == 0, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "No file matches '%s'; make matrices with gnnspai-data, or dump an application's with -ksp_view_mat binary:A.dat", pattern);
  *n = (PetscInt)found.gl_pathc;
  PetscCall(PetscMalloc1(*n, names));
  for (PetscInt k = 0; k < *n; k++) PetscCall(PetscStrallocpy(found.gl_pathv[k], &(*names)[k]));
  globfree(&found);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptionsRefuseUnknown(const char program[], const char prefix[])
{
  char   **names, **values;
  PetscInt n;

  PetscFunctionBegin;
  PetscCall(PetscOptionsLeftGet(NULL, &n, &names, &values));
  for (PetscInt i = 0; i < n; i++) {
    const PetscBool ours = strncmp(names[i], prefix, strlen(prefix)) == 0 ? PETSC_TRUE : PETSC_FALSE;

    PetscCheck(!ours, PETSC_COMM_WORLD, PETSC_ERR_USER_INPUT, "There is no option -%s; %s -help lists them", names[i], program);
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &n, &names, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptionsRefuseWords(int first)
{
  char    **args;
  int       n;
  PetscBool key, behind_key = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(PetscGetArgs(&n, &args));
  for (int k = first; k < n; k++) {
    PetscCall(PetscOptionsValidKey(args[k], &key));
    PetscCheck(key || behind_key, PETSC_COMM_WORLD, PETSC_ERR_USER_INPUT, "%s belongs to no option; a pattern of files needs quotes, as in 'A*.dat'", args[k]);
    behind_key = key;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FilesDestroy(PetscInt n, char ***names)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < n; k++) PetscCall(PetscFree((*names)[k]));
  PetscCall(PetscFree(*names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A matrix, or a vector where A is NULL */
static PetscErrorCode Read_Private(const char name[], PetscViewer *viewer, Mat *A, Vec *v)
{
  PetscFunctionBegin;
  PetscCall(PetscViewerBinaryOpen(PETSC_COMM_SELF, name, FILE_MODE_READ, viewer));
  if (A) {
    PetscCall(MatCreate(PETSC_COMM_SELF, A));
    PetscCall(MatSetType(*A, MATSEQAIJ));
    PetscCall(MatLoad(*A, *viewer));
  } else {
    PetscCall(VecCreate(PETSC_COMM_SELF, v));
    PetscCall(VecSetType(*v, VECSEQ));
    PetscCall(VecLoad(*v, *viewer));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define MESSAGE_SIZE 256

/* Keeps the text of an error instead of printing it */
static PetscErrorCode KeepMessage(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code, PetscErrorType type, const char *text, void *message)
{
  (void)comm, (void)line, (void)function, (void)file;
  if (type == PETSC_ERROR_INITIAL) (void)snprintf((char *)message, MESSAGE_SIZE, "%s", text);
  return code;
}

/* The same, PETSc's own message kept. FILE.info puts the block size into the options database, where it would also hold for the files that
   follow: what was there is put back */
static PetscErrorCode Try_Private(const char name[], const char option[], Mat *A, Vec *v, PetscBool *good, char message[])
{
  char           given[16];
  PetscBool      isgiven;
  PetscViewer    viewer = NULL;
  PetscErrorCode failed;

  PetscFunctionBegin;
  message[0] = '\0';
  PetscCall(PetscOptionsGetString(NULL, NULL, option, given, sizeof(given), &isgiven));
  PetscCall(PetscPushErrorHandler(KeepMessage, message));
  failed = Read_Private(name, &viewer, A, v);
  PetscCall(PetscPopErrorHandler());
  PetscCall(PetscViewerDestroy(&viewer));
  if (isgiven) PetscCall(PetscOptionsSetValue(NULL, option, given));
  else PetscCall(PetscOptionsClearValue(NULL, option));
  if (failed && A) PetscCall(MatDestroy(A));
  if (failed && v) PetscCall(VecDestroy(v));
  *good = failed ? PETSC_FALSE : PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Number k of big-endian integers of some size */
static int64_t Integer(const unsigned char bytes[], int size, int k)
{
  uint64_t value = 0;

  for (int byte = 0; byte < size; byte++) value = value << 8 | bytes[k * size + byte];
  return size == 4 ? (int64_t)(int32_t)(uint32_t)value : (int64_t)value;
}

/* What a file of a matrix begins with: class id, rows, columns, nonzeros; then come the lengths of the rows, the columns, the scalars */
typedef struct {
  int      size; /* bytes of an integer; 0: no matrix, or one that is compressed */
  int64_t  rows, cols, nonzeros;
  uint64_t length; /* of the file */
} Header;

static void HeaderRead(FILE *f, Header *h)
{
  unsigned char head[32] = {0};

  *h = (Header){0};
  if (fread(head, 1, sizeof(head), f) < 16 || fseek(f, 0, SEEK_END)) return;
  h->length = (uint64_t)ftell(f);
  for (int size = 4; size <= 8; size += 4) {
    if (Integer(head, size, 0) != MAT_FILE_CLASSID) continue;
    h->size     = size;
    h->rows     = Integer(head, size, 1);
    h->cols     = Integer(head, size, 2);
    h->nonzeros = Integer(head, size, 3);
  }
}

/* A file does not say what its numbers are: of a PETSc with other scalars it can be read as a matrix, of nonsense. But its length tells:
   a row length for each row, a column and a scalar for each nonzero */
static PetscErrorCode CheckNumbers_Private(const char name[], const Header *h)
{
  const char *const kinds[] = {"single precision", "double precision", "complex numbers"};

  PetscFunctionBegin;
  PetscCheck(h->size == (int)sizeof(PetscInt), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "The matrix in %s was written by a PETSc with %d-bit integers, this one has %d-bit integers: write it with one like this", name, 8 * h->size, 8 * (int)sizeof(PetscInt));
  for (int k = 0; k < 3 && h->nonzeros > 0; k++)
    PetscCheck(sizeof(PetscScalar) == (size_t)4 << k || h->length != (uint64_t)h->size * (uint64_t)(4 + h->rows + h->nonzeros) + ((uint64_t)4 << k) * (uint64_t)h->nonzeros, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "The matrix in %s has scalars in %s, this PETSc has %s: write it with one like this", name, kinds[k], kinds[sizeof(PetscScalar) / 8]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows, columns, nonzeros against the file's length; more may follow, as a right-hand side */
static PetscErrorCode CheckLengths_Private(const char name[], const Header *h)
{
  const double least = (double)h->size * (4.0 + (double)h->rows + (double)h->nonzeros) + (double)sizeof(PetscScalar) * (double)h->nonzeros;

  PetscFunctionBegin;
  PetscCheck(h->nonzeros != -1, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "Cannot read a matrix from %s: it is stored as a dense one; write it as MATAIJ", name);
  PetscCheck(h->rows >= 0 && h->cols >= 0 && h->nonzeros >= 0, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "Cannot read a matrix from %s: it begins with %lld rows, %lld columns, %lld nonzeros", name, (long long)h->rows, (long long)h->cols,
             (long long)h->nonzeros);
  PetscCheck((double)h->length >= least, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "Cannot read a matrix from %s: its %lld rows and %lld nonzeros need %.0f bytes, the file has %.0f: it was cut off", name, (long long)h->rows, (long long)h->nonzeros, least,
             (double)h->length);
  PetscCheck(h->rows == h->cols, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "The matrix in %s is not square: %lld x %lld", name, (long long)h->rows, (long long)h->cols);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The lengths of the rows, which follow the header: how many rows have a negative one, or more than there are columns; and their sum */
static void RowLengths(FILE *f, const Header *h, int64_t *bad, int64_t *sum)
{
  unsigned char bytes[8 * 1024];

  *bad = *sum = 0;
  if (fseek(f, 4L * h->size, SEEK_SET)) return;
  for (int64_t row = 0; row < h->rows;) {
    const int64_t n = PetscMin(1024, h->rows - row);

    if (fread(bytes, (size_t)h->size, (size_t)n, f) != (size_t)n) return;
    for (int k = 0; k < (int)n; k++) {
      const int64_t length = Integer(bytes, h->size, k);

      *bad += length < 0 || length > h->cols;
      *sum += length;
    }
    row += n;
  }
}

/* All that can be seen before PETSc reads the file */
static PetscErrorCode CheckFile_Private(const char name[])
{
  FILE   *f   = fopen(name, "rb");
  int64_t bad = 0, sum = 0;
  Header  h;

  PetscFunctionBegin;
  if (f == NULL) PetscFunctionReturn(PETSC_SUCCESS); /* said by who reads the matrix */
  HeaderRead(f, &h);
  if (h.size == (int)sizeof(PetscInt)) RowLengths(f, &h, &bad, &sum);
  fclose(f);
  if (h.size == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(CheckNumbers_Private(name, &h));
  PetscCall(CheckLengths_Private(name, &h));
  PetscCheck(bad == 0, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "Cannot read a matrix from %s: %lld of its rows have a negative length, or one above the %lld columns: columns are repeated, or the file is damaged", name, (long long)bad,
             (long long)h.cols);
  PetscCheck(sum == h.nonzeros, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "Cannot read a matrix from %s: its rows add up to %lld nonzeros, it begins with %lld", name, (long long)sum, (long long)h.nonzeros);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns in range first: a file that counts from 1 has them in order. MatLoad() takes columns as they stand */
static PetscErrorCode CheckColumns_Private(const char name[], Mat A)
{
  const PetscInt *i, *j;
  PetscInt        n, first, last;
  PetscBool       done;

  PetscFunctionBegin;
  PetscCall(MatGetRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &n, &i, &j, &done));
  first = n;
  last  = -1;
  for (PetscInt p = 0; n > 0 && p < i[n]; p++) {
    first = PetscMin(first, j[p]);
    last  = PetscMax(last, j[p]);
  }
  PetscCheck(first != 1 || last != n, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "The columns in %s run from 1 to %" PetscInt_FMT ": this file counts from 1, PETSc from 0", name, n);
  PetscCheck(last < n && (last < 0 || first >= 0), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "The columns in %s run from %" PetscInt_FMT " to %" PetscInt_FMT ", out of range: a matrix of %" PetscInt_FMT " has 0 to %" PetscInt_FMT, name, first, last, n, n - 1);
  for (PetscInt row = 0; row < n; row++) {
    for (PetscInt p = i[row] + 1; p < i[row + 1]; p++)
      PetscCheck(j[p] > j[p - 1], PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "Row %" PetscInt_FMT " in %s has %s columns (%" PetscInt_FMT " behind %" PetscInt_FMT "): sort them, and add up what is repeated, as MatSetValues() does", row, name, j[p] == j[p - 1] ? "repeated" : "unsorted", j[p], j[p - 1]);
  }
  PetscCall(MatRestoreRowIJ(A, 0, PETSC_FALSE, PETSC_FALSE, &n, &i, &j, &done));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FilesLoadMat(const char name[], Mat *A)
{
  char      message[MESSAGE_SIZE];
  PetscInt  rows, cols;
  PetscBool good;

  PetscFunctionBegin;
  *A = NULL;
  PetscCall(CheckFile_Private(name));
  PetscCall(Try_Private(name, "-matload_block_size", A, NULL, &good, message));
  PetscCheck(good, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "Cannot read a matrix from %s (%s); a PETSc program writes one with -ksp_view_mat binary:FILE", name, message);
  PetscCall(MatGetSize(*A, &rows, &cols));
  PetscCheck(rows == cols, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "The matrix in %s is not square: %" PetscInt_FMT " x %" PetscInt_FMT, name, rows, cols);
  PetscCall(CheckColumns_Private(name, *A));
  PetscCall(MatSetOption(*A, MAT_SPD, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FilesLoadFeatures(const char name[], Mat A, Vec *features)
{
  char      file[PETSC_MAX_PATH_LEN], message[MESSAGE_SIZE];
  PetscInt  rows, block_size, length, size;
  PetscBool good;

  PetscFunctionBegin;
  *features = NULL;
  PetscCall(PetscSNPrintf(file, sizeof(file), "%s" FILES_FEATURES, name));
  PetscCall(PetscTestFile(file, 'r', &good));
  if (!good) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Try_Private(file, "-vecload_block_size", NULL, features, &good, message));
  PetscCheck(good, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "Cannot read a vector from %s (%s); write one with VecView() and a binary viewer, its block size the numbers of a node", file, message);
  PetscCall(MatGetSize(A, &rows, NULL));
  PetscCall(MatGetBlockSize(A, &block_size));
  PetscCall(VecGetSize(*features, &length));
  PetscCall(VecGetBlockSize(*features, &size));
  PetscCheck(length == rows / block_size * size, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "The vector in %s has %" PetscInt_FMT " numbers, expected %" PetscInt_FMT ": its block size %" PetscInt_FMT " (FILE.info says so) times the %" PetscInt_FMT " nodes of the matrix", file, length, rows / block_size * size, size, rows / block_size);
  PetscFunctionReturn(PETSC_SUCCESS);
}
