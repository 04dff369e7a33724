#!/usr/bin/env bash
# A small solve and a few training steps under valgrind: no invalid access, nothing uninitialised; PETSc's own check finds no leak. TAP.
# Leaks are PETSc's to count, since MPI's start leaks by itself. What runs under valgrind is compiled for any processor (bin/valgrind).
. tests/tap.sh
command -v valgrind > /dev/null || { echo "1..0 # SKIP valgrind is not installed"; exit 0; }

check() { # check NAME COMMAND...
  local name=$1
  shift
  run "$@"
  result $? "$name"
}

no_leak() { # no_leak COMMAND...: runs it with PETSc's allocation check, which lists what was not freed
  "$@" -malloc_debug -malloc_dump > "$work/dump" 2>&1 || { cat "$work/dump"; return 1; }
  ! grep '^\[ *0\] *[0-9.]* bytes' "$work/dump"
}

ldd bin/gnnspai-bench | grep -q libcublas && { echo "1..0 # SKIP valgrind takes minutes to read the CUDA libraries of this PETSc"; exit 0; }
supp=$(ls /usr/share/openmpi/openmpi-valgrind.supp 2> /dev/null)
memcheck="valgrind -q --error-exitcode=9 ${supp:+--suppressions=$supp}"
bin/gnnspai-data heat -data_n 64 -data_output "$work/a_%d.dat" > /dev/null 2>&1
solve="bin/gnnspai-bench -bench_matrices $work/a_0.dat -bench_pc gnnspai -bench_repeat 1"
train="bin/gnnspai-train -train_matrices $work/a_0.dat -gnn_width 8 -gnn_layers 1 -gnn_norm layer -train_steps 2 -train_validate_every 1 -train_output $work/m.safetensors"
check "solve: memory accesses" $memcheck ${solve/bin/bin\/valgrind}
check "solve with a coarse space: memory accesses" $memcheck ${solve/bin/bin\/valgrind} -gnnspai_pc_gnnspai_coarse 8
check "training: memory accesses" $memcheck ${train/bin/bin\/valgrind}
blocks=${train/$work\/a_0.dat/tests/reference/data/matrix_b.dat}
check "blocks of 3: memory accesses" $memcheck ${blocks/bin/bin\/valgrind} -train_validation tests/reference/data/matrix_b.dat -matload_block_size 3 -gnn_block_size 3
check "solve: no leak" no_leak $solve
check "solve with a coarse space: no leak" no_leak $solve -gnnspai_pc_gnnspai_coarse 8 -gnnspai_pc_gnnspai_coarse_pc_type mat
check "training: no leak" no_leak $train -train_loss kaporin -train_validation "$work/a_0.dat"
check "a Gmsh mesh: no leak" no_leak bin/gnnspai-data hyperelasticity -data_mesh tests/cube.msh -data_mesh_dirichlet 7 -data_output "$work/cube_%d.dat"
plan
