#!/usr/bin/env bash
# The built-in model on matrices it has not seen: iterations against Jacobi's and, where PETSc has hypre, ParaSails' on the same pattern. TAP.
. tests/tap.sh

# at_most FACTOR PEER NAME TEXT: iterations of NAME <= FACTOR x those of PEER, for both right-hand sides of every matrix in the log
at_most() {
  awk -v factor="$1" -v peer="$2" -v name="$3" '$1 == peer {a = $2; b = $3} $1 == name {n++; if ($2 > factor * a || $3 > factor * b) bad++} END {exit !(n > 0 && !bad)}' "$log"
  result $? "$4"
}

bin/gnnspai-data heat -data_numbering random -data_seed 2000 -data_count 2 -data_output "$work/grid_%d.dat" > "$log" 2>&1 && bin/gnnspai-data heat -data_numbering random -data_seed 2100 -data_flips 0.8 -data_output "$work/flip_%d.dat" >> "$log" 2>&1
result $? "matrices"

bench="bin/gnnspai-bench -bench_repeat 1"
$bench -bench_matrices "$work/grid_*.dat" -bench_pc jacobi,network > "$log" 2>&1
at_most 0.42 jacobi network "heat on grids: at most 0.42 x Jacobi's iterations"
$bench -bench_matrices "$work/flip_*.dat" -bench_pc jacobi,network > "$log" 2>&1
at_most 0.35 jacobi network "heat on irregular meshes: at most 0.35 x Jacobi's"
$bench -bench_matrices "$work/grid_*.dat" -bench_pc jacobi,network -network_pc_gnnspai_precision single > "$log" 2>&1
at_most 0.42 jacobi network "G in single precision needs no more"

$bench -bench_matrices "$work/grid_*.dat" -bench_pc fsai,tfsai > "$log" 2>&1
at_most 0.95 fsai tfsai "the classical factor, grown: at most 0.95 x the static one's"

$bench -bench_matrices "$work/grid_*.dat" -bench_pc jacobi,network -network_pc_gnnspai_coarse 128 > "$log" 2>&1
at_most 0.13 jacobi network "with a coarse space of 128 aggregates: at most 0.13 x Jacobi's"

$bench -bench_matrices "$work/grid_*.dat" -bench_pc parasails,network > "$log" 2>&1
if grep -q "parasails *skipped: this PETSc has no -pc_type hypre" "$log"; then
  skip "against ParaSails" "this PETSc has no hypre"
  skip "the classical factor against ParaSails" "this PETSc has no hypre"
else
  at_most 1.03 parasails network "heat on grids: at most 1.03 x ParaSails' at level 0"
  $bench -bench_matrices "$work/grid_*.dat" -bench_pc fsai,parasails > "$log" 2>&1
  awk '$1 == "fsai" {a = $2; b = $3} $1 == "parasails" {n++; if ((a - $2)^2 > 4 || (b - $3)^2 > 4) bad++} END {exit !(n > 0 && !bad)}' "$log"
  result $? "the classical factor, static: ParaSails' at level 0, but for 2"
fi
plan
