#!/usr/bin/env bash
# gnnspai-data: hyperelasticity. TAP.
. tests/tap.sh
data=$top/bin/gnnspai-data
cd "$work" || exit 1

run() { "$data" "$@" > "$log" 2>&1; }
refused() { refuses "$1" "$2" "$data" "${@:3}"; }

# all_lines EXPRESSION: true for every line of the log about a matrix, and there is one; n unknowns, nz nonzeros per row, and with -data_check
# decoupled rows, its iterations of CG with Jacobi
all_lines() {
  awk "/ unknowns, /{n = \$2; nz = \$4; its = \$(NF - 6); decoupled = 0
    for (k = 1; k < NF; k++) if (\$k == \"decoupled\") decoupled = \$(k - 1)
    lines++; if (!($1)) bad = 1} END{exit bad || !lines}" log
}

run -help && grep -q '^  hyperelasticity ' log
result $? "-help lists the kind"
run hyperelasticity -data_n 480 -data_count 3 -data_output beam_%d.dat -data_check && all_lines 'n == 480 && decoupled == 96 && nz > 30 && nz < 36 && its > 50 && its < 150'
result $? "small beams: symmetric and definite, both ends identity rows"
grep -q '_0.dat:.* twisted,' log && grep -q '_1.dat:.* stretched,' log && grep -q '_2.dat:.* bent,' log
result $? "the three states by turns"
run hyperelasticity -data_n 480 -data_kind bent -data_output bent_%d.dat && grep -q ' bent$' log && ! cmp -s bent_0.dat beam_0.dat
result $? "-data_kind chooses the state"
run hyperelasticity -data_n 480 -data_seed 1 -data_output again_%d.dat && cmp beam_1.dat again_1.dat > log 2>&1
result $? "the same seed gives the same bytes, whatever the first seed"
run hyperelasticity -data_output large_%d.dat && all_lines 'n == 56355 && nz > 41 && nz < 42'
result $? "64 x 16 x 16 cells by default: 56355 unknowns, 41 to 42 nonzeros per row"
grep -q 'matload_block_size 3' large_0.dat.info
result $? "the block size is written"
run patches -data_matrices beam_0.dat -data_count 2 -data_nodes_min 70 -data_nodes_max 70 -data_output cut_%d.dat -data_check && all_lines 'n == 210 && decoupled == 0' && grep -q 'matload_block_size 3' cut_0.dat.info
result $? "patches read the block size, cut whole vertices, and keep it"
refused "an unknown -data_kind is refused, the known ones named" "twisted stretched bent all" hyperelasticity -data_kind broken -data_output x_%d.dat
refused "a size below 135 is refused" "-data_n 99" hyperelasticity -data_n 99 -data_output x_%d.dat
plan
