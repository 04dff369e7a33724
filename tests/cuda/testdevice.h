/*
   What the tests of the device share. Linked with the CUDA kernels they run on a GPU, else with the same kernels compiled for emulate.h.
*/
#pragma once

#include "../../gnn/device.h"
#include "../../gnn/place.h"
#include "../../pcgnnspai.h"

#if defined(GNN_EMULATE)
  #define WHERE "emulated"
#else
  #define WHERE "on the device"
#endif

/* Is there nothing to run on? Then that has been said */
static inline PetscBool TestSkipped(void)
{
  if (GNNKernelDevices() > 0) return PETSC_FALSE;
  printf("1..0 # SKIP no CUDA device\n");
  return PETSC_TRUE;
}

/* PETSc, with an MPI that may know nothing of GPUs, and gnnspai */
static inline PetscErrorCode TestInitialize(int *argc, char ***argv, const char help[])
{
  (void)setenv("PETSC_OPTIONS", "-use_gpu_aware_mpi 0", 1);
  PetscCall(PetscInitialize(argc, argv, NULL, help));
  return PCGNNSPAIRegister();
}

/* Are few and small cases wanted, in which every kernel runs: where each access is watched? */
static inline PetscBool TestSmall(void)
{
  return getenv("EMULATE_SMALL") ? PETSC_TRUE : PETSC_FALSE;
}

static const char *const TestPrecisions[] = {"double", "single", "half"};

/* By how much numbers that are stored so may change a result, relative to its largest; of a factor of the tests' random and awkward matrices */
static inline PetscReal TestRounding(GNNPrecision precision)
{
  const PetscReal rounding[] = {1e-13, 1e-6, 2e-4};

  return rounding[precision];
}

/* Both places of a matrix, which is copied to the device; the factors are filled where it is fetched. The precision is the device's only */
static inline PetscErrorCode TestPlacesCreate(Mat A, GNNModel m, GNNGraph g, GNNFactor host, GNNFactor fetched, GNNPrecision precision, PetscBool tf32, Mat *D, GNNPlace places[2])
{
  PetscFunctionBeginUser;
  PetscCall(GNNPlaceCreate(A, m, g, host, GNN_DOUBLE, PETSC_FALSE, &places[0]));
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, D));
  PetscCall(GNNMatToDevice(D));
#if defined(GNN_EMULATE)
  GNNDeviceEmulate = PETSC_TRUE;
#endif
  PetscCall(GNNPlaceCreate(*D, m, g, fetched, precision, tf32, &places[1]));
#if defined(GNN_EMULATE)
  GNNDeviceEmulate = PETSC_FALSE;
#endif
  PetscCheck(places[0]->device == NULL && places[1]->device != NULL, PETSC_COMM_SELF, PETSC_ERR_PLIB, "The places are not those that were wanted");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Largest difference, relative to the largest of y; infinite where x is not finite */
static inline PetscReal TestArrayDifference(PetscInt n, const PetscScalar x[], const PetscScalar y[])
{
  PetscReal diff = 0.0, size = 0.0;

  for (PetscInt k = 0; k < n; k++) {
    diff = PetscIsInfOrNanScalar(x[k]) ? PETSC_INFINITY : PetscMax(diff, PetscAbsScalar(x[k] - y[k]));
    size = PetscMax(size, PetscAbsScalar(y[k]));
  }
  return size > 0.0 ? diff / size : diff;
}

/* ||At (G G^T + eps I) w - w||^2 for the w of the device's probe, on the host: the rows of G^T in CSR */
static inline PetscErrorCode TestProbeLoss(GNNGraph g, const PetscInt ia[], const PetscInt ja[], const PetscScalar gt[], PetscReal epsilon, PetscReal *loss)
{
  PetscScalar *w, *z;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(g->n, &w, g->n, &z));
  for (PetscInt i = 0; i < g->n; i++) {
    w[i] = g->decoupled[i] ? 0.0 : GNNProbeSign((unsigned long long)i * GNN_KERNEL_PROBES);
    z[i] = epsilon * w[i];
  }
  GNN_FACTOR_PRODUCT(PetscScalar, g->n, ia, ja, gt, w, z)
  *loss = 0.0;
  for (PetscInt i = 0; i < g->n; i++) {
    PetscScalar y = -w[i];

    for (PetscInt p = g->i[i]; p < g->i[i + 1]; p++) y += g->at[p] * z[g->j[p]];
    *loss += PetscSqr(y);
  }
  PetscCall(PetscFree2(w, z));
  PetscFunctionReturn(PETSC_SUCCESS);
}
