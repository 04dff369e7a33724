/*
   The log events of the preconditioner.
*/
#include "compat.h"
#include "events.h"

PetscLogEvent GNN_Graph, GNN_Forward, GNN_Assemble, GNN_Fsai, GNN_Coarse, GNN_Apply, GNN_CoarseApply;

static const struct {
  const char    *name;
  PetscLogEvent *event;
} events[] = {
  {"GNNSPAIGraph",       &GNN_Graph      },
  {"GNNSPAIForward",     &GNN_Forward    },
  {"GNNSPAIAssemble",    &GNN_Assemble   },
  {"GNNSPAIFsai",        &GNN_Fsai       },
  {"GNNSPAICoarse",      &GNN_Coarse     },
  {"GNNSPAIApply",       &GNN_Apply      },
  {"GNNSPAICoarseApply", &GNN_CoarseApply},
};

PetscErrorCode GNNEventsRegister(PetscClassId classid)
{
  PetscFunctionBegin;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(events); k++) PetscCall(PetscLogEventRegister(events[k].name, classid, events[k].event));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void GNNEventsForget(void)
{
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(events); k++) *events[k].event = 0;
}
