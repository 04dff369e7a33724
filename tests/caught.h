/*
   Errors that are expected: Caught(ierr, call) makes the call, keeps its error code in ierr and its text in message.

   Before PetscInitialize(), set -checkstack to false: an error that is caught leaves its frames on a debugging PETSc's stack.
*/
#pragma once

#include "../gnn/compat.h"
#include "tap.h"

static char message[4096]; /* of the last error */

static inline PetscErrorCode CaptureError(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code, PetscErrorType type, const char *text, void *context)
{
  (void)comm, (void)line, (void)function, (void)file, (void)context;
  if (type == PETSC_ERROR_INITIAL) (void)snprintf(message, sizeof(message), "%s", text);
  return code;
}

#define Caught(ierr, call) \
  do { \
    message[0] = '\0'; \
    PetscCall(PetscPushErrorHandler(CaptureError, NULL)); \
    ierr = call; \
    PetscCall(PetscPopErrorHandler()); \
  } while (0)

/* An error was raised, and its text has both words */
static inline PetscErrorCode OkMessage(PetscErrorCode ierr, const char name[], const char expected[], const char what[])
{
  PetscFunctionBeginUser;
  if (!Ok(ierr != PETSC_SUCCESS && strstr(message, name) != NULL && strstr(message, expected) != NULL, "%s", what)) PetscCall(PetscPrintf(PETSC_COMM_WORLD, "# expected an error with '%s' and '%s', message: %s\n", name, expected, message));
  PetscFunctionReturn(PETSC_SUCCESS);
}
