#!/bin/sh
# run.sh COMMAND: Open MPI in a folder of its own. Programs that start at the same time share one otherwise, which one removes while another makes it
folder=$(mktemp -d "${TMPDIR:-/tmp}/ompi.XXXXXX") || exit 1
OMPI_MCA_orte_tmpdir_base=$folder "$@"
rc=$?
rm -rf "$folder"
exit $rc
