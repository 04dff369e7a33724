/*
   What the generators of gnnspai-data share. A generator is a function without arguments, listed in data.c, that reads its
   options, makes matrices one by one, and hands each to DataWrite().
*/
#pragma once

#include <petscksp.h>
#include "../gnn/gnncompat.h"

/* Options that every generator has */
typedef struct {
  char      output[PETSC_MAX_PATH_LEN]; /* file name with one %d (or %03d, ...) for the number of the matrix */
  PetscInt  count;                      /* matrices to make */
  PetscInt  seed;
  PetscBool check; /* verify each matrix, report iterations of CG with Jacobi */
} DataOptions;

/* Tetrahedra, positively oriented; owns both arrays */
typedef struct {
  PetscInt nv, nt;
  PetscReal (*x)[3];     /* (nv, 3) coordinates */
  PetscInt (*vertex)[4]; /* (nt, 4) */
} TetMesh;

/* The generators */
PETSC_INTERN PetscErrorCode DataHeat(void);
PETSC_INTERN PetscErrorCode DataPatches(void);

/* Options and output */
PETSC_INTERN PetscErrorCode DataSetFromOptions(GNNOptionItems, DataOptions *);
PETSC_INTERN PetscErrorCode DataCheckOptions(const char[], const DataOptions *, PetscBool *);
PETSC_INTERN PetscErrorCode DataWrite(const DataOptions *, PetscInt, Mat);

/* Random numbers: rander48, the same on every machine */
PETSC_INTERN PetscErrorCode DataRandomCreate(PetscInt, PetscRandom *);
PETSC_INTERN PetscErrorCode DataRandomUniform(PetscRandom, PetscReal, PetscReal, PetscReal *);
PETSC_INTERN PetscErrorCode DataRandomNormal(PetscRandom, PetscReal *);
PETSC_INTERN PetscErrorCode DataRandomInt(PetscRandom, PetscInt, PetscInt *);
PETSC_INTERN PetscErrorCode DataRandomPermutation(PetscRandom, PetscInt, PetscInt[]);

/* Tetrahedral meshes and linear elements */
PETSC_INTERN PetscErrorCode TetMeshCreateBox(PetscRandom, PetscInt, TetMesh *);
PETSC_INTERN PetscErrorCode TetMeshDestroy(TetMesh *);
PETSC_INTERN PetscReal      TetStiffness(const TetMesh *, PetscInt, PetscScalar[4][4]);
