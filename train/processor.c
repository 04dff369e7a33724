/*
   In each program: before main(), which is compiled for the processor that built it, a sentence and exit status 1 on one that lacks something.
   The makefile compiles this file for any.
*/
#include "../gnn/register.h"

__attribute__((constructor)) static void CheckProcessor(void)
{
  const char *lacks = GNNProcessorLacks();

  if (lacks == NULL) return;
  fprintf(stderr, "%s\n", lacks);
  exit(1);
}
