#!/usr/bin/env bash
# The built-in model on matrices it has not seen: iterations against Jacobi's and, where PETSc has hypre, ParaSails' on the same pattern. TAP.
. tests/tap.sh

# at_most FACTOR PEER TEXT: iterations of gnnspai <= FACTOR x those of PEER, for both right-hand sides of every matrix in the log
at_most() {
  awk -v factor="$1" -v peer="$2" '$1 == peer {a = $2; b = $3} $1 == "gnnspai" {n++; if ($2 > factor * a || $3 > factor * b) bad++} END {exit !(n > 0 && !bad)}' "$log"
  result $? "$3"
}

bin/gnnspai-data heat -data_numbering random -data_seed 2000 -data_count 2 -data_output "$work/grid_%d.dat" > "$log" 2>&1 && bin/gnnspai-data heat -data_numbering random -data_seed 2100 -data_flips 0.8 -data_output "$work/flip_%d.dat" >> "$log" 2>&1
result $? "matrices"

bench="bin/gnnspai-bench -bench_repeat 1"
$bench -bench_matrices "$work/grid_*.dat" -bench_pc jacobi,gnnspai > "$log" 2>&1
at_most 0.42 jacobi "heat on grids: at most 0.42 x Jacobi's iterations"
$bench -bench_matrices "$work/flip_*.dat" -bench_pc jacobi,gnnspai > "$log" 2>&1
at_most 0.35 jacobi "heat on irregular meshes: at most 0.35 x Jacobi's"
$bench -bench_matrices "$work/grid_*.dat" -bench_pc jacobi,gnnspai -gnnspai_pc_gnnspai_precision single > "$log" 2>&1
at_most 0.42 jacobi "G in single precision needs no more"

fsai="-static_pc_type gnnspai -static_pc_gnnspai_values fsai -static_pc_gnnspai_threshold 0"
$bench -bench_matrices "$work/grid_*.dat" -bench_pc static,gnnspai $fsai -gnnspai_pc_gnnspai_values fsai > "$log" 2>&1
at_most 0.95 static "the classical factor, grown: at most 0.95 x the static one's"

$bench -bench_matrices "$work/grid_*.dat" -bench_pc jacobi,gnnspai -gnnspai_pc_gnnspai_coarse 128 > "$log" 2>&1
at_most 0.13 jacobi "with a coarse space of 128 aggregates: at most 0.13 x Jacobi's"

$bench -bench_matrices "$work/grid_*.dat" -bench_pc parasails,gnnspai > "$log" 2>&1
if grep -q "parasails *skipped: this PETSc has no -pc_type hypre" "$log"; then
  skip "against ParaSails" "this PETSc has no hypre"
  skip "the classical factor against ParaSails" "this PETSc has no hypre"
else
  at_most 1.03 parasails "heat on grids: at most 1.03 x ParaSails' at level 0"
  $bench -bench_matrices "$work/grid_*.dat" -bench_pc static,parasails $fsai > "$log" 2>&1
  awk '$1 == "static" {a = $2; b = $3} $1 == "parasails" {n++; if ((a - $2)^2 > 4 || (b - $3)^2 > 4) bad++} END {exit !(n > 0 && !bad)}' "$log"
  result $? "the classical factor, static: ParaSails' at level 0, but for 2"
fi
plan
