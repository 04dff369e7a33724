#!/usr/bin/env bash
# What the preconditioner decides must not hang on the processor it is compiled for: the guard's choice, the entries of G, the aggregates; iterations may
# differ by rounding. Run from the top of a build:
#   tests/choices.sh matrices DIR     makes the matrices
#   tests/choices.sh DIR > FILE       one line per case
#   tests/choices.sh compare FILE...  are all as the first? Iterations: but for 1, or 5 %, as rounding moves the long runs
set -u
export $(cat tests/mpi.env)

make_matrices() {
  mkdir -p "$1"
  bin/gnnspai-data heat -data_n 1200 -data_seed 2000 -data_output "$1/heat_%d.dat"
  bin/gnnspai-data poisson -data_n 800 -data_seed 2000 -data_output "$1/poisson_%d.dat"
  bin/gnnspai-data synthetic -data_n 700 -data_seed 2000 -data_output "$1/synthetic_%d.dat"
  bin/gnnspai-data mix -data_n 600 -data_seed 2000 -data_count 4 -data_output "$1/mix_%d.dat"
  bin/gnnspai-data mix -data_n 64 -data_seed 2010 -data_count 2 -data_output "$1/small_%d.dat"
  bin/gnnspai-data mix -data_block_size 3 -data_n 600 -data_seed 2020 -data_count 2 -data_output "$1/blocks_%d.dat"
}

# one NAME OPTIONS...: NAME | what -ksp_view shows of the decisions | iterations for both right-hand sides
one() {
  local name=$1 log
  shift
  log=$(timeout 120 bin/gnnspai-bench -bench_pc gnnspai -bench_repeat 1 -bench_profile 0 -gnnspai_ksp_view "$@" 2>&1)
  printf '%s | %s | %s\n' "$name" "$(grep -E '^ *(guard:|nnz\(G\)|coarse)' <<< "$log" | sed 's/^ *//' | sort -u | paste -sd ';')" "$(awk '$1 == "gnnspai" {print $2, $3}' <<< "$log" | head -n 1)"
}

each() { # each NAME OPTIONS...
  local name=$1
  shift
  one "$name, default" "$@"
  one "$name, network" "$@" -gnnspai_pc_gnnspai_values network -gnnspai_pc_gnnspai_coarse 0
  one "$name, best" "$@" -gnnspai_pc_gnnspai_values network -gnnspai_pc_gnnspai_coarse 0 -gnnspai_pc_gnnspai_guard best
  one "$name, fsai, coarse" "$@" -gnnspai_pc_gnnspai_values fsai -gnnspai_pc_gnnspai_coarse 16
}

if [ "$1" = compare ]; then
  shift
  awk -F ' [|] ' 'function far(a, b) { return (a - b)^2 > 1 && (a - b)^2 > (0.05 * a)^2 }
    FNR == 1 { file++ }
    $2 == "" || $3 == "" { print "nothing decided: " $0; bad++ }
    file == 1 { choice[$1] = $2; its[$1] = $3; lines++; next }
    { n++; split(its[$1], a, " "); split($3, b, " ") }
    $2 != choice[$1] || far(a[1], b[1]) || far(a[2], b[2]) { print FILENAME ": " $0 "\n  first file: " choice[$1] " | " its[$1]; bad++ }
    END { print n " cases compared with " lines + 0 ", " bad + 0 " differ"; exit bad > 0 || lines == 0 || n != (file - 1) * lines }' "$@"
elif [ "$1" = matrices ]; then
  set -e
  make_matrices "$2" > /dev/null
else
  for m in "$1"/*.dat; do
    case $m in */blocks_*) each "$(basename "$m" .dat)" -bench_matrices "$m" -matload_block_size 3 ;; *) each "$(basename "$m" .dat)" -bench_matrices "$m" ;; esac
  done
  each "7-point Laplacian" -bench_laplacian 10,10,10
fi
