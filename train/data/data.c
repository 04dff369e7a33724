#include "../../pcgnnspai.h"

static char help[] = "gnnspai-data " PCGNNSPAI_VERSION ": makes symmetric positive definite matrices to train and test on, and writes them as PETSc binary files.\n"
                     "The first argument is the kind of matrix; the options begin with -data_.\n"
                     "Examples:\n"
                     "  gnnspai-data heat -data_n 6300 -data_count 4 -data_output heat_%d.dat\n"
                     "  gnnspai-data patches -data_matrices 'heat_*.dat' -data_count 48 -data_output patch_%02d.dat\n\n";

#include "generate.h"

typedef struct {
  const char *name;
  PetscErrorCode (*generate)(void);
  const char *description;
} Generator;

static const Generator generators[] = {
  {"heat",            DataHeat,            "diffusion with a random coefficient on warped 3-D tetrahedra"  },
  {"patches",         DataPatches,         "small principal submatrices of given matrices"                 },
  {"poisson",         DataPoisson,         "Laplacian on a bumpy open pipe, or on 3-D tetrahedra"          },
  {"hyperelasticity", DataHyperelasticity, "a time step of a twisted, stretched or bent beam, 3 x 3 blocks"},
  {"synthetic",       DataSynthetic,       "M^T M of a sparse random M with rows of falling size"          },
  {"mix",             DataMix,             "small matrices of many kinds, for a model that meets any"      },
};
static const size_t ngenerators = PETSC_STATIC_ARRAY_LENGTH(generators);

static PetscErrorCode PrintGenerators(void)
{
  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "Kinds of matrices (gnnspai-data KIND -help lists the options of one):\n"));
  for (size_t g = 0; g < ngenerators; g++) PetscCall(PetscPrintf(PETSC_COMM_WORLD, "  %-15s %s\n", generators[g].name, generators[g].description));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The generator called name; an error that lists them all if there is none */
static PetscErrorCode FindGenerator(const char name[], const Generator **generator)
{
  char known[256] = "";

  PetscFunctionBeginUser;
  for (size_t g = 0; g < ngenerators; g++) {
    PetscBool same;

    PetscCall(PetscStrcmp(name, generators[g].name, &same));
    if (same) {
      *generator = &generators[g];
      PetscFunctionReturn(PETSC_SUCCESS);
    }
    PetscCall(PetscStrlcat(known, g ? ", " : "", sizeof(known)));
    PetscCall(PetscStrlcat(known, generators[g].name, sizeof(known)));
  }
  SETERRQ(PETSC_COMM_WORLD, PETSC_ERR_USER_INPUT, "The first argument must be the kind of matrix, one of: %s; got '%s'", known, name);
}

int main(int argc, char **argv)
{
  const Generator *generator = NULL;
  const char      *kind      = argc > 1 ? argv[1] : "";
  PetscMPIInt      size;
  PetscBool        wanthelp;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCheck(size == 1, PETSC_COMM_WORLD, PETSC_ERR_WRONG_MPI_SIZE, "gnnspai-data is sequential: run it on one rank, not on %d", size);
  PetscCall(PetscOptionsHasHelp(NULL, &wanthelp));
  if (wanthelp && (!*kind || *kind == '-')) PetscCall(PrintGenerators());
  else {
    PetscCall(FindGenerator(kind, &generator));
    PetscCall(generator->generate());
  }
  PetscCall(PetscFinalize());
  return 0;
}
