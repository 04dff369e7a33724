/*
   What viewers print, for the tests.
*/
#pragma once

#include <petscpc.h>
#include "../gnn/compat.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>

/* The text that a viewer got, on rank 0; others see an empty one */
typedef struct {
  char       *text;
  size_t      length;
  FILE       *file;
  PetscViewer viewer;
} Text;

static inline PetscErrorCode TextOpen(Text *t)
{
  PetscFunctionBeginUser;
  t->file = open_memstream(&t->text, &t->length);
  PetscCheck(t->file != NULL, PETSC_COMM_SELF, PETSC_ERR_MEM, "open_memstream()");
  PetscCall(PetscViewerASCIIOpenWithFILE(PETSC_COMM_WORLD, t->file, &t->viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode TextClose(Text *t)
{
  PetscFunctionBeginUser;
  PetscCall(PetscViewerDestroy(&t->viewer));
  (void)fclose(t->file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode OkText(const Text *t, const char expected[], const char what[])
{
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!Ok(rank != 0 || strstr(t->text, expected) != NULL, "%s shows '%s'", what, expected)) PetscCall(PetscPrintf(PETSC_COMM_WORLD, "# in: %s\n", t->text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What PCView() shows after the set-up */
static inline PetscErrorCode OkView(PC pc, const char expected[], const char what[])
{
  Text text;

  PetscFunctionBeginUser;
  PetscCall(PCSetUp(pc));
  PetscCall(TextOpen(&text));
  PetscCall(PCView(pc, text.viewer));
  PetscCall(TextClose(&text));
  PetscCall(OkText(&text, expected, what));
  free(text.text);
  PetscFunctionReturn(PETSC_SUCCESS);
}
