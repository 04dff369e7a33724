/*
   What the generators of gnnspai-data share. A generator is a function without arguments, listed in data.c, that reads its
   options, makes matrices one by one, and hands each to DataWrite().
*/
#pragma once

#include <petscksp.h>
#include "../../gnn/compat.h"

/* Options that every generator has */
typedef struct {
  char        output[PETSC_MAX_PATH_LEN]; /* file name with one %d (or %03d, ...) for the number of the matrix */
  PetscInt    count;                      /* matrices to make */
  PetscInt    seed;
  PetscBool   check; /* verify each matrix, report iterations of CG with Jacobi */
  const char *note;  /* said of each matrix when it is written, or NULL */
} DataOptions;

/* Tetrahedra, positively oriented; owns the arrays */
typedef struct {
  PetscInt nv, nt;
  PetscReal (*x)[3];     /* (nv, 3) coordinates */
  PetscInt (*vertex)[4]; /* (nt, 4) */
  PetscInt *number;      /* (nv) of the points of a grid; NULL for a mesh of the user's */
  PetscBool flipped;     /* irregular, by TetMeshFlip() */
} TetMesh;

/* A mesh of the user's, or one of our own */
typedef struct {
  char      file[PETSC_MAX_PATH_LEN]; /* or "": our own */
  char      fixed[64];                /* which vertices of the user's are Dirichlet */
  PetscBool random;                   /* our own stays in the random order that it is made in */
} DataMeshOptions;

/* What is read of it */
typedef struct {
  PetscInt nv, nt;
  PetscReal (*x)[3]; /* (nv, 3) coordinates */
  PetscInt  *vertex; /* (nt, dim + 1) */
  PetscBool *fixed;  /* (nv) Dirichlet */
} DataMesh;

/* The generators */
PETSC_INTERN PetscErrorCode DataHeat(void);
PETSC_INTERN PetscErrorCode DataHyperelasticity(void);
PETSC_INTERN PetscErrorCode DataPatches(void);
PETSC_INTERN PetscErrorCode DataPoisson(void);
PETSC_INTERN PetscErrorCode DataSynthetic(void);
PETSC_INTERN PetscErrorCode DataMix(void);

/* Options and output */
PETSC_INTERN PetscErrorCode DataSetFromOptions(GNNOptionItems, DataOptions *);
PETSC_INTERN PetscErrorCode DataCheckOptions(const char[], const DataOptions *, PetscBool *);
PETSC_INTERN PetscErrorCode DataWrite(const DataOptions *, PetscInt, Mat);
PETSC_INTERN PetscErrorCode DataWriteFeatures(const DataOptions *, PetscInt, Vec); /* beside that matrix; NULL: there are none */

/* A sequential square matrix to add to, with room for some nonzeros per row */
PETSC_INTERN PetscErrorCode DataMatCreate(PetscInt n, PetscInt room, Mat *);
PETSC_INTERN PetscErrorCode DataMatAssemble(Mat);
PETSC_INTERN PetscErrorCode DataNumber(const DataMeshOptions *, PetscInt, const PetscInt[], Mat *, Vec); /* the order that is asked for; also of the vertices' features, or NULL */
PETSC_INTERN PetscErrorCode DataMatFix(Mat, const PetscBool[]);                                          /* identity rows and columns for the marked block rows, in the same pattern */

/* Random numbers: rander48, the same on every machine */
PETSC_INTERN PetscErrorCode DataRandomCreate(PetscInt, PetscRandom *);
PETSC_INTERN PetscErrorCode DataRandomUniform(PetscRandom, PetscReal low, PetscReal high, PetscReal *);
PETSC_INTERN PetscErrorCode DataRandomLogUniform(PetscRandom, PetscReal low, PetscReal high, PetscReal *);
PETSC_INTERN PetscErrorCode DataRandomNormal(PetscRandom, PetscReal *);
PETSC_INTERN PetscErrorCode DataRandomInt(PetscRandom, PetscInt, PetscInt *);
PETSC_INTERN PetscErrorCode DataRandomPermutation(PetscRandom, PetscInt, PetscInt[]);

/* Tetrahedral meshes and linear elements */
PETSC_INTERN PetscErrorCode TetMeshCreateBox(PetscRandom, PetscInt, TetMesh *);
PETSC_INTERN PetscErrorCode TetMeshCreateGrid(PetscRandom, const PetscInt[3], const PetscReal[3], const PetscReal[2], PetscReal, TetMesh *);
PETSC_INTERN PetscErrorCode TetMeshFlip(PetscRandom, PetscReal probability, PetscReal quality, TetMesh *); /* probability per face, least quality in (0, 1) */
PETSC_INTERN PetscErrorCode TetMeshBoundary(const TetMesh *, PetscBool[]);                                 /* per vertex */
PETSC_INTERN PetscErrorCode DataMeshSetFromOptions(GNNOptionItems, DataMeshOptions *);
PETSC_INTERN PetscErrorCode DataMeshRead(const DataMeshOptions *, PetscInt, DataMesh *);
PETSC_INTERN PetscErrorCode TetMeshRead(const DataMeshOptions *, TetMesh *, PetscBool **);
PETSC_INTERN void           TetMeshBounds(const TetMesh *, PetscReal low[3], PetscReal high[3]);
PETSC_INTERN PetscErrorCode TetMeshDestroy(TetMesh *);
PETSC_INTERN PetscReal      TetGradients(const TetMesh *, PetscInt, PetscReal[4][3]);
PETSC_INTERN PetscReal      TetStiffness(const TetMesh *, PetscInt, PetscScalar[4][4]);

/* Neo-Hookean material (Lame's mu, lambda): second derivatives of the energy in the deformation gradient, 9 x 9, and the semidefinite part of such a matrix */
PETSC_INTERN void           NeoHookeanHessian(const PetscReal[3][3], PetscReal mu, PetscReal lambda, PetscScalar[81]);
PETSC_INTERN PetscErrorCode ProjectSemidefinite(PetscScalar[81]);
PETSC_INTERN PetscErrorCode BeamMatrix(PetscInt seed, PetscInt n, const DataMeshOptions *, PetscInt kind, Mat *); /* seed, unknowns, mesh, state: 0 twisted, 1 stretched, 2 bent */

/* Boxes of equal cells in 2 or 3 dimensions; node i + m[0] (j + m[1] k), the sides of a cell h */
typedef struct {
  PetscInt  dim, m[3], n; /* nodes per axis (1 beyond dim) and in all */
  PetscReal h[3];
} Grid;

#define GRID_MAX_CORNERS 8
#define GRID_MAX_ELEMENT 24 /* rows of an element matrix: corners x components */

PETSC_INTERN PetscErrorCode GridCreate(PetscRandom, PetscInt dim, PetscInt n, Grid *);
PETSC_INTERN PetscInt       GridCells(const Grid *);
PETSC_INTERN void           GridPoint(const Grid *, PetscInt, PetscReal[3]); /* the middle of a cell, each coordinate in (0, 1) */
PETSC_INTERN void           GridStencil(const Grid *, const PetscReal[8], PetscScalar *);
PETSC_INTERN void           GridDiffusion(const Grid *, const PetscReal[3][3], PetscReal, PetscScalar *);
PETSC_INTERN void           GridElasticity(const Grid *, PetscReal lambda, PetscReal mu, PetscScalar *);
PETSC_INTERN PetscErrorCode GridAssemble(const Grid *, PetscInt, PetscBool, const PetscScalar *, const PetscReal[], Mat *);
PETSC_INTERN PetscErrorCode GridSides(PetscRandom, const Grid *, PetscInt, PetscBool[]);

/* Laplacians of random graphs of n nodes, of irregular degree, with a small random diagonal */
PETSC_INTERN PetscErrorCode GraphGeometric(PetscRandom, PetscInt, Mat *);
PETSC_INTERN PetscErrorCode GraphHubs(PetscRandom, PetscInt, Mat *);
PETSC_INTERN PetscErrorCode GraphSmallWorld(PetscRandom, PetscInt, Mat *);
