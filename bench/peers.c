/*
   The preconditioners that gnnspai-bench knows by name: one line each.
*/
#include "bench.h"
#include <ctype.h>
#include "../pcgnnspai.h"
#include "../gnn/storage.h"

#define PARASAILS "-pc_type hypre -pc_hypre_type parasails -pc_hypre_parasails_nlevels 0 -pc_hypre_parasails_thresh 0 -pc_hypre_parasails_filter 0 -pc_hypre_parasails_sym SPD"

/* Options without the name's prefix; the smallest block size that makes sense. parasails is a classical sparse approximate inverse on the
   pattern of tril(A); fsai, tfsai: the classical factor, static or grown; gnnspai: no option. Eisenstat's SSOR is not here: its CG sees another residual, so that it would stop elsewhere */
static const struct {
  const char *name, *options;
  PetscInt    block_size;
} peers[] = {
  {"none",           "-pc_type none",                                                                         1},
  {"jacobi",         "-pc_type jacobi",                                                                       1},
  {"pbjacobi",       "-pc_type pbjacobi",                                                                     2},
  {"icc",            "-pc_type icc",                                                                          1},
  {"sor",            "-pc_type sor -pc_sor_symmetric",                                                        1},
  {"parasails",      PARASAILS,                                                                               1},
  {"boomeramg",      "-pc_type hypre -pc_hypre_type boomeramg",                                               1},
  {"gamg",           "-pc_type gamg",                                                                         1},
  {"fsai",           "-pc_type gnnspai -pc_gnnspai_values fsai -pc_gnnspai_threshold 0 -pc_gnnspai_coarse 0", 1},
  {"tfsai",          "-pc_type gnnspai -pc_gnnspai_values fsai -pc_gnnspai_coarse 0",                         1},
  {"tfsai+coarse",   "-pc_type gnnspai -pc_gnnspai_values fsai -pc_gnnspai_coarse -1",                        1},
  {"network",        "-pc_type gnnspai -pc_gnnspai_values network -pc_gnnspai_coarse 0",                      1},
  {"network+coarse", "-pc_type gnnspai -pc_gnnspai_values network -pc_gnnspai_coarse -1",                     1},
  {"small",          "-pc_type gnnspai -pc_gnnspai_model small -pc_gnnspai_coarse 0",                         1},
  {"gnnspai",        "-pc_type gnnspai",                                                                      1},
};

static int PeerFind(const char name[])
{
  for (int k = 0; k < (int)PETSC_STATIC_ARRAY_LENGTH(peers); k++) {
    if (!strcmp(name, peers[k].name)) return k;
  }
  return -1;
}

PetscErrorCode PeersAdd(const char name[], PetscInt *n, char *names[])
{
  const PetscBool all = !strcmp(name, "all") ? PETSC_TRUE : PETSC_FALSE;
  const int       add = all ? (int)PETSC_STATIC_ARRAY_LENGTH(peers) : 1;

  PetscFunctionBeginUser;
  PetscCheck(*n + add <= MAX_PC, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "-bench_pc: more than %d preconditioners", MAX_PC);
  for (int k = 0; k < add; k++) PetscCall(PetscStrallocpy(all ? peers[k].name : name, &names[(*n)++]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the word after words[k] its value? */
static PetscBool HasValue(int n, char *const words[], int k)
{
  return k + 1 < n && (words[k + 1][0] != '-' || !isalpha((unsigned char)words[k + 1][1])) ? PETSC_TRUE : PETSC_FALSE;
}

/* The ready options of a name; the user's own win */
static PetscErrorCode InsertOptions(const char name[], const char options[])
{
  int    n;
  char **words, key[PETSC_MAX_OPTION_NAME];

  PetscFunctionBeginUser;
  PetscCall(PetscStrToArray(options, ' ', &n, &words));
  for (int k = 0; k < n; k++) {
    const PetscBool has = HasValue(n, words, k);
    PetscBool       given;

    PetscCall(PetscSNPrintf(key, sizeof(key), "-%s_%s", name, words[k] + 1));
    PetscCall(PetscOptionsHasName(NULL, NULL, key, &given));
    if (!given) PetscCall(PetscOptionsSetValue(NULL, key, has ? words[k + 1] : NULL));
    if (has) k++;
  }
  PetscCall(PetscStrToArrayDestroy(n, words));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Takes out what InsertOptions() put in, so that PETSc does not complain of options that nobody read */
static PetscErrorCode ClearOptions(const char name[], const char options[])
{
  int    n;
  char **words, key[PETSC_MAX_OPTION_NAME];

  PetscFunctionBeginUser;
  PetscCall(PetscStrToArray(options, ' ', &n, &words));
  for (int k = 0; k < n; k++) {
    PetscCall(PetscSNPrintf(key, sizeof(key), "-%s_%s", name, words[k] + 1));
    PetscCall(PetscOptionsClearValue(NULL, key));
    if (HasValue(n, words, k)) k++;
  }
  PetscCall(PetscStrToArrayDestroy(n, words));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PeerPrepare(const char name[], const Problem *p, char why[], size_t size)
{
  const int k = PeerFind(name);
  char      key[PETSC_MAX_OPTION_NAME], type[64];
  PetscBool given;
  PetscErrorCode (*create)(PC) = NULL;

  PetscFunctionBeginUser;
  why[0] = '\0';
  PetscCall(PetscSNPrintf(key, sizeof(key), "-%s_pc_type", name));
  PetscCall(PetscOptionsHasName(NULL, NULL, key, &given));
  PetscCheck(k >= 0 || given, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "-bench_pc: no preconditioner called '%s'; give its options, -%s_pc_type ...", name, name);
  if (k >= 0) PetscCall(InsertOptions(name, peers[k].options));
  PetscCall(PetscOptionsGetString(NULL, NULL, key, type, sizeof(type), NULL));
  PetscCall(PetscFunctionListFind(PCList, type, &create));
  if (!create) PetscCall(PetscSNPrintf(why, size, "this PETSc has no -pc_type %s", type));
  else if (k >= 0 && p->block_size < peers[k].block_size) PetscCall(PetscSNPrintf(why, size, "the block size is %" PetscInt_FMT, p->block_size));
  if (k >= 0 && why[0]) PetscCall(ClearOptions(name, peers[k].options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PeerCheckOptions(const char name[], char why[], size_t size)
{
  const int n = PeerFind(name);
  int       count;
  char    **words, key[PETSC_MAX_OPTION_NAME];

  PetscFunctionBeginUser;
  why[0] = '\0';
  if (n < 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscStrToArray(peers[n].options, ' ', &count, &words));
  for (int k = 0; k < count && !why[0]; k++) {
    PetscBool used;

    PetscCall(PetscSNPrintf(key, sizeof(key), "%s_%s", name, words[k] + 1));
    PetscCall(PetscOptionsUsed(NULL, key, &used));
    if (!used) PetscCall(PetscSNPrintf(why, size, "%s is no option here", words[k]));
    if (HasValue(count, words, k)) k++;
  }
  PetscCall(PetscStrToArrayDestroy(count, words));
  if (why[0]) PetscCall(ClearOptions(name, peers[n].options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PeerGetOptions(const char name[], char options[], size_t size)
{
  int    n;
  size_t at = 0, length = strlen(name);
  char **words, *all;

  PetscFunctionBeginUser;
  options[0] = '\0';
  PetscCall(PetscOptionsGetAll(NULL, &all));
  PetscCall(PetscStrToArray(all, ' ', &n, &words));
  for (int k = 0; k < n; k++) {
    const PetscBool has = HasValue(n, words, k);

    if (words[k][0] == '-' && !strncmp(words[k] + 1, name, length) && words[k][1 + length] == '_') {
      at += (size_t)snprintf(options + at, size - at, "%s-%s%s%s", at ? " " : "", words[k] + length + 2, has ? " " : "", has ? words[k + 1] : "");
      PetscCheck(at < size, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "The options of '%s' are longer than %d characters", name, (int)size);
    }
    if (has) k++;
  }
  PetscCall(PetscStrToArrayDestroy(n, words));
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Nonzeros(Mat F, PetscReal *nz)
{
  MatInfo info;

  PetscFunctionBeginUser;
  PetscCall(MatGetInfo(F, MAT_LOCAL, &info));
  *nz = (PetscReal)info.nz_used;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* G G^T on the host reads each row of G once for both products; on a device these are two products. A coarse level is not counted: -1 */
static PetscErrorCode GNNSPAIBytes(PC pc, PetscReal n, PetscReal *bytes)
{
  PCGNNSPAIPrecision precision;
  PetscInt           coarse;
  PetscReal          nz = 0.0;
  PetscBool          device;
  Mat                G, A;

  PetscFunctionBeginUser;
  PetscCall(PCGNNSPAIGetCoarse(pc, &coarse));
  if (coarse) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PCGNNSPAIGetPrecision(pc, &precision));
  PetscCall(PCGNNSPAIGetFactor(pc, &G));
  PetscCall(Nonzeros(G, &nz));
  PetscCall(PCGetOperators(pc, NULL, &A));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)A, &device, MATSEQAIJCUSPARSE, MATSEQAIJKOKKOS, ""));
  *bytes = (device ? 2 : 1) * GNNEntryBytes((GNNPrecision)precision) * nz + ((device ? 56 : 100) + (precision == PC_GNNSPAI_HALF ? sizeof(double) : 0)) * n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Values of 8 and indices of 4 bytes. Matrix entries: icc reads its factor in both solves; a symmetric SOR sweep from zero reads each half
   of A once. Vectors: what the loops read and write */
PetscErrorCode PeerApplyBytes(PC pc, const Problem *p, PetscReal *bytes)
{
  const PetscReal n  = p->n;
  PetscReal       nz = 0.0;
  PCType          type;
  Mat             F;

  PetscFunctionBeginUser;
  *bytes = -1.0;
  PetscCall(PCGetType(pc, &type));
  if (!strcmp(type, PCNONE)) *bytes = 16 * n;
  else if (!strcmp(type, PCJACOBI)) *bytes = 24 * n;
  else if (!strcmp(type, PCPBJACOBI)) *bytes = (8 * p->block_size + 16) * n;
  else if (!strcmp(type, PCSOR)) *bytes = 12 * p->nonzeros + 64 * n;
  else if (!strcmp(type, PCICC)) {
    PetscCall(PCFactorGetMatrix(pc, &F));
    PetscCall(Nonzeros(F, &nz));
    *bytes = 24 * nz + 40 * n;
  } else if (!strcmp(type, PCGNNSPAI)) PetscCall(GNNSPAIBytes(pc, n, bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}
