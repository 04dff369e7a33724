/*
   The trained models inside the library: the bytes of share/gnnspai/NAME.safetensors, so that nothing has to be found at run time.

   The makefile gives -DGNN_SHARE_DIR, writes the list GNN_BUILTINS(X) of what lies there, and makes this object depend on those files, which
   no compiler sees. GNU assembler syntax, ELF.
*/
#include "model.h"
#include "../build/builtins.h"

/* Global for link-time optimisation, which may put the assembler and the table in different units; hidden outside the library */
#define GNN_EMBED(name) \
  __asm__(".section .rodata\n" \
          ".balign 16\n" \
          ".global gnn_builtin_" #name "\n.hidden gnn_builtin_" #name "\n" \
          ".global gnn_builtin_" #name "_end\n.hidden gnn_builtin_" #name "_end\n" \
          "gnn_builtin_" #name ":\n" \
          ".incbin \"" GNN_SHARE_DIR "/" #name ".safetensors\"\n" \
          "gnn_builtin_" #name "_end:\n" \
          ".byte 0\n" \
          ".previous\n"); \
  extern const unsigned char gnn_builtin_##name[] __attribute__((visibility("hidden"))), gnn_builtin_##name##_end[] __attribute__((visibility("hidden")));
#define GNN_ENTRY(name) {#name, gnn_builtin_##name, gnn_builtin_##name##_end},
#define GNN_NAME(name)  " " #name
#define GNN_ITEM(name)  #name,

GNN_BUILTINS(GNN_EMBED)

static const struct {
  const char          *name;
  const unsigned char *start, *end;
} builtins[] = {GNN_BUILTINS(GNN_ENTRY)};

PETSC_EXTERN const char *const PCGNNSPAIModels[]; /* pcgnnspai.h */
const char *const              PCGNNSPAIModels[] = {GNN_BUILTINS(GNN_ITEM) NULL};

PetscErrorCode GNNBuiltinGet(const char name[], const unsigned char **bytes, size_t *length, const char **names)
{
  PetscFunctionBegin;
  *bytes  = NULL;
  *length = 0;
  *names  = &GNN_BUILTINS(GNN_NAME)[1];
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(builtins); k++) {
    PetscBool same;

    PetscCall(PetscStrcmp(builtins[k].name, name, &same));
    if (same) {
      *bytes  = builtins[k].start;
      *length = (size_t)(builtins[k].end - builtins[k].start);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* small for b = 1, which is cheap and no worse, else general2, general3, ... */
PetscErrorCode GNNBuiltinDefault(PetscInt b, const char **name)
{
  char wanted[32] = "small";

  PetscFunctionBegin;
  *name = NULL;
  if (b > 1) PetscCall(PetscSNPrintf(wanted, sizeof(wanted), "general%" PetscInt_FMT, b));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(builtins); k++) {
    PetscBool same;

    PetscCall(PetscStrcmp(builtins[k].name, wanted, &same));
    if (same) *name = builtins[k].name;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
