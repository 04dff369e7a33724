#!/bin/bash
# gnnspai-data: poisson, synthetic and mix. Run from the top: prove tests/cli/t_data2.t

. tests/tap.sh
data=$top/bin/gnnspai-data
cd "$work" || exit 1

run() { "$data" "$@" > "$log" 2>&1; }
refused() { refuses "$1" "$2" "$data" "${@:3}"; }

# all_lines EXPRESSION: true for every line of the log about a matrix, and there is one; n unknowns, nz nonzeros per row, and with -data_check
# decoupled rows, its iterations of CG with Jacobi, the largest scaled eigenvalue high
all_lines() {
  awk "/ unknowns, /{n = \$2; nz = \$4; its = \$(NF - 6); high = \$NF; decoupled = 0
    for (k = 1; k < NF; k++) if (\$k == \"decoupled\") decoupled = \$(k - 1)
    lines++; if (!($1)) bad = 1} END{exit bad || !lines}" log
}

# repeats NAME KIND ARGS...: seed 1 gives the same bytes made alone or after seed 0, and others than seed 0
repeats() {
  name=$1 kind=$2
  shift 2
  run "$kind" "$@" -data_count 2 -data_output "two_${kind}_%d.dat" && run "$kind" "$@" -data_count 1 -data_seed 1 -data_output "one_${kind}_%d.dat" &&
    cmp "one_${kind}_1.dat" "two_${kind}_1.dat" >log 2>&1 && ! cmp -s "two_${kind}_0.dat" "two_${kind}_1.dat"
  result $? "$name: the same seed gives the same bytes, another seed others"
}

run -help && grep -q '^  poisson ' log && grep -q '^  synthetic ' log && grep -q '^  mix ' log
result $? "-help lists the kinds"

run poisson -data_n 700 -data_count 3 -data_output surface_%d.dat -data_check && all_lines 'n >= 650 && n <= 750 && nz > 6.5 && nz < 7 && its > 80 && its < 200 && high < 4'
result $? "poisson: a surface of about 7 nonzeros per row; symmetric and definite"
all_lines 'decoupled >= 3 && decoupled <= 8'
result $? "poisson: a tenth of the vertices of the pipe's two ends are identity rows"
run poisson -data_output surface_%d.dat -data_check && all_lines 'n >= 6200 && n <= 6400 && nz > 6.8 && nz < 7 && its > 300 && its < 520'
result $? "poisson: n = 6300, 300 to 520 iterations"
run poisson -data_kind volume -data_n 700 -data_count 3 -data_output volume_%d.dat -data_check && all_lines 'n >= 630 && n <= 770 && nz > 12 && nz < 16 && its > 50 && its < 150 && high < 6'
result $? "poisson volume: 12 to 16 nonzeros per row; symmetric and definite"
all_lines 'decoupled >= 0.03 * n && decoupled <= 0.07 * n'
result $? "poisson volume: a tenth of the boundary, itself about half of the vertices, are identity rows"
run poisson -data_kind volume -data_n 700 -data_flips 0 -data_output regular_%d.dat && ! cmp -s regular_0.dat volume_0.dat
result $? "poisson volume: -data_flips changes the mesh"
repeats "poisson" poisson -data_n 300
refused "poisson: an unknown -data_kind is refused, the known ones named" "surface volume" poisson -data_kind sphere -data_output x_%d.dat

run synthetic -data_n 700 -data_count 3 -data_output synthetic_%d.dat -data_check && all_lines 'n == 700 && nz > 9 && nz < 45 && high > 3'
result $? "synthetic: small matrices have as many nonzeros per row as large ones; symmetric and definite"
run synthetic -data_count 3 -data_output large_%d.dat && all_lines 'n >= 10240 && n <= 20480 && nz > 9 && nz < 45' && [ "$(awk '{print $2}' log | sort -u | wc -l)" -eq 3 ]
result $? "synthetic: random sizes in 10240..20480, 10 to 40 nonzeros per row"
run synthetic -data_n 10240 -data_output large_%d.dat && all_lines 'n == 10240 && nz > 10 && nz < 11'
result $? "synthetic: the density holds at the paper's sizes, 1 + (3e-4 n)^2 nonzeros per row"
repeats "synthetic" synthetic -data_n 300
refused "synthetic: a size below 64 is refused" "-data_n 5" synthetic -data_n 5 -data_output x_%d.dat

# Bounds of the nonzeros per row by kind
bad=0
while read -r kind low high; do
  run mix -data_kind "$kind" -data_count 4 -data_output mix_%d.dat -data_check && grep -q ", $kind," log && all_lines "n >= 340 && n <= 760 && nz >= $low && nz <= $high" || { bad=1; break; }
done <<END
5-point 4.5 5
7-point 5 7
9-point 8 9
27-point 16 27
anisotropic-2d 8 9
anisotropic-3d 16 27
jumps-2d 4.5 9
jumps-3d 5 27
geometric 4 30
hubs 4 12
small-world 4.5 11.1
mass-2d 8 9
mass-3d 16 27
biharmonic 11 13
elasticity-2d 14 18
elasticity-3d 40 81
END
result $bad "mix: each kind has its nonzeros per row; symmetric and definite"
run mix -data_count 48 -data_output mix_%d.dat -data_check && [ "$(grep -o 'row, [0-9a-z-]*' log | sort -u | wc -l)" -ge 12 ] && grep -q ', 0 decoupled rows' log && ! all_lines 'decoupled == 0'
result $? "mix: random kinds; Dirichlet rows are there or eliminated"
repeats "mix" mix -data_n 300
run mix -data_block_size 3 -data_n 1500 -data_count 24 -data_output block_%d.dat -data_check && all_lines 'n % 3 == 0 && n >= 750 && n <= 1700' && [ "$(cat block_*.dat.info | sort | uniq -c | xargs)" = "24 -matload_block_size 3" ]
result $? "mix with blocks: whole nodes, the block size beside each file; symmetric and definite"
run mix -data_block_size 3 -data_kind elasticity-3d -data_n 1500 -data_count 4 -data_output block_elastic_%d.dat && all_lines 'nz >= 50 && nz <= 81'
result $? "mix with blocks: elasticity"
"$top/bin/gnnspai-train" -gnn_block_size 3 -train_matrices 'block_*.dat' -train_steps 1 -train_output x.safetensors > log 2>&1 && grep -q '^28 training matrices' log
result $? "mix with blocks: all of them are full"
refused "mix: a kind with another number of unknowns at a node is refused" "has 2 unknowns at a node, not the 3" mix -data_kind elasticity-2d -data_block_size 3 -data_output x_%d.dat
refused "mix: an unknown -data_kind is refused, the known ones named" "5-point 7-point" mix -data_kind 6-point -data_output x_%d.dat
plan
