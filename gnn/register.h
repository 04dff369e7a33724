/*
   What is asked before the type is registered: may this library run here? And what the library's own programs may ask of a PC, but no one else.

   GNN_PROCESSOR_FEATURES(X) lists what -march may have switched on, by the compiler's macro and by the name in __builtin_cpu_supports().
*/
#pragma once

#include <petscpc.h>

#define GNN_PROCESSOR_FEATURES(X) \
  X(__SSE3__, "sse3") \
  X(__SSSE3__, "ssse3") \
  X(__SSE4_1__, "sse4.1") \
  X(__SSE4_2__, "sse4.2") \
  X(__POPCNT__, "popcnt") \
  X(__AVX__, "avx") \
  X(__AVX2__, "avx2") \
  X(__FMA__, "fma") \
  X(__BMI__, "bmi") \
  X(__BMI2__, "bmi2") \
  X(__AVX512F__, "avx512f") \
  X(__AVX512CD__, "avx512cd") \
  X(__AVX512DQ__, "avx512dq") \
  X(__AVX512BW__, "avx512bw") \
  X(__AVX512VL__, "avx512vl") \
  X(__AVX512VBMI__, "avx512vbmi") \
  X(__AVX512IFMA__, "avx512ifma")

/* For each of them "1" where the library was compiled with it, else the macro's name; data only, from a file that is compiled as all others are */
PETSC_INTERN const char *const GNNProcessorBuilt[];

#define GNN_PROCESSOR_STRING(x)          #x
#define GNN_PROCESSOR_BUILT(macro, name) GNN_PROCESSOR_STRING(macro),

PETSC_INTERN const char    *GNNProcessorLacks(void);         /* a sentence on what this processor lacks, or NULL */
PETSC_INTERN PetscErrorCode PCGNNSPAIRegister_Private(void); /* pcgnnspai.c */

typedef struct _n_GNNModel *GNNModel; /* model.h */

/* A network that is in memory, of which a reference is taken; again after its parameters have changed, so that the next PCSetUp() does its work */
PETSC_INTERN PetscErrorCode PCGNNSPAISetNetwork_Private(PC, GNNModel);

/* Are the network's products on a device in TF32, as they are by default? Not where it is compared with the host */
PETSC_INTERN PetscErrorCode PCGNNSPAISetTF32_Private(PC, PetscBool);

/* Does PCApply() nothing but launch kernels of ours? Then it can be captured */
PETSC_INTERN PetscErrorCode PCGNNSPAICaptures_Private(PC, PetscBool *);
