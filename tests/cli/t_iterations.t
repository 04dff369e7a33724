#!/usr/bin/env bash
# The built-in model on matrices it has not seen: iterations against Jacobi's and, where PETSc has hypre, ParaSails' on the same pattern; what filter,
# precision and a smaller model cost. TAP.
. tests/tap.sh

# at_most FACTOR PEER TEXT: iterations of gnnspai <= FACTOR x those of PEER, for both right-hand sides of every matrix in the log
at_most() {
  awk -v factor="$1" -v peer="$2" '$1 == peer {a = $2; b = $3} $1 == "gnnspai" {n++; if ($2 > factor * a || $3 > factor * b) bad++} END {exit !(n > 0 && !bad)}' "$log"
  result $? "$3"
}

# near PEER NAME TEXT: iterations of NAME are those of PEER, but for 2; or for 2 in 100, where rounding decides about thousands
near() {
  awk -v peer="$1" -v name="$2" 'function far(a, b) {return (a - b)^2 > 4 && (a - b)^2 > (0.02 * a)^2}
    $1 == peer {a = $2; b = $3} $1 == name {n++; if (far(a, $2) || far(b, $3)) bad++} END {exit !(n > 0 && !bad)}' "$log"
  result $? "$3"
}

# plain NAME SOURCE: the options of a preconditioner of that name, one factor without a coarse space
plain() {
  echo "-$1_pc_type gnnspai -$1_pc_gnnspai_values $2 -$1_pc_gnnspai_coarse 0"
}

# against PEER MATRICES OPTIONS...
against() {
  bin/gnnspai-bench -bench_repeat 1 -bench_pc "$1,gnnspai" -bench_matrices "$2" "${@:3}" > "$log" 2>&1
}

bin/gnnspai-data heat -data_seed 2000 -data_count 2 -data_numbering random -data_output "$work/grid_%d.dat" > "$log" 2>&1 && bin/gnnspai-data heat -data_seed 2100 -data_numbering random -data_flips 0.8 -data_output "$work/flip_%d.dat" >> "$log" 2>&1
result $? "matrices"

network="$(plain gnnspai network)"
whole="$network -gnnspai_pc_gnnspai_threshold 0"
grid="$work/grid_*.dat"
against jacobi "$grid" $whole
at_most 0.43 jacobi "heat on grids: at most 0.43 x Jacobi's iterations"
against jacobi "$work/flip_*.dat" $whole
at_most 0.35 jacobi "heat on irregular meshes: at most 0.35 x Jacobi's"
against whole "$grid" $network $(plain whole network) -whole_pc_gnnspai_threshold 0
at_most 1.1 whole "half of the entries, the large ones: at most 1.1 x the iterations"
against general "$grid" $whole $(plain general network) -general_pc_gnnspai_threshold 0 -general_pc_gnnspai_model general
at_most 1.03 general "the default model: at most 1.03 x those of one of fifteen times its size"
against double "$grid" $network $(plain double network) -double_pc_gnnspai_precision double
at_most 1.01 double "G in single precision: at most 1.01 x those in double"

for family in heat poisson hyperelasticity synthetic; do
  bin/gnnspai-data $family -data_n 1500 -data_seed 2200 -data_output "$work/${family}_%d.dat" > "$log" 2>&1
  for source in fsai network; do
    for coarse in 0 -1; do
      options="-pc_type gnnspai -pc_gnnspai_values $source -pc_gnnspai_coarse $coarse -pc_gnnspai_precision"
      against double "$work/${family}_*.dat" ${options//-pc/-gnnspai_pc} half ${options//-pc/-double_pc} double
      near double gnnspai "$family, $source, coarse $coarse: G in half precision, the iterations are those of double"
    done
  done
done

for precision in double half; do
  bin/gnnspai-bench -bench_repeat 1 -bench_pc gnnspai,other -bench_laplacian 16,16,16,22,22,22 -other_pc_type gnnspai -other_pc_gnnspai_precision $precision > "$log" 2>&1
  near gnnspai other "the default in $precision precision chooses what it does in single"
done

fsai="$(plain static fsai) -static_pc_gnnspai_threshold 0"
against static "$grid" $fsai $(plain gnnspai fsai)
at_most 0.95 static "the classical factor, grown: at most 0.95 x the static one's"

against jacobi "$grid" $network -gnnspai_pc_gnnspai_coarse 128
at_most 0.13 jacobi "with a coarse space of 128 aggregates: at most 0.13 x Jacobi's"

against parasails "$grid" $whole
if grep -q "parasails *skipped: this PETSc has no -pc_type hypre" "$log"; then
  skip "against ParaSails" "this PETSc has no hypre"
  skip "the classical factor against ParaSails" "this PETSc has no hypre"
else
  at_most 1.03 parasails "heat on grids: at most 1.03 x ParaSails' at level 0"
  bin/gnnspai-bench -bench_repeat 1 -bench_matrices "$grid" -bench_pc static,parasails $fsai > "$log" 2>&1
  near static parasails "the classical factor, static: ParaSails' at level 0, but for 2"
fi
plan
