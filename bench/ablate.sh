#!/usr/bin/env bash
# What the network's form, the loss, its size and the probes are worth: short trainings on heat, equal but for what is named.
#   bench/ablate.sh form|features|loss|layers|width|probes|epsilon|rtol      writes its rows of bench/results/ablations-cpu.md anew
# The last parameters are used, without the guard, so that a bad network shows. STEPS and SEEDS ("0 1") set how long and how often.
set -euo pipefail
cd "$(dirname "$0")/.."
steps=${STEPS:-600}
seeds=${SEEDS:-0 1}
work=build/ablate
mkdir -p $work

if [ ! -e $work/done ]; then
  bin/gnnspai-data heat -data_numbering random -data_seed 0 -data_count 8 -data_features -data_output "$work/mesh_%d.dat" > $work/log
  bin/gnnspai-data patches -data_matrices "$work/mesh_*.dat" -data_count 96 -data_output "$work/train_%02d.dat" >> $work/log
  bin/gnnspai-data heat -data_numbering random -data_seed 2000 -data_count 2 -data_features -data_output "$work/test_%d.dat" >> $work/log
  touch $work/done
fi

# NAME: OPTIONS, a line each
paper="-gnn_norm layer -gnn_scaling mean -gnn_output direct -gnn_aggregation sum"
variants() {
  case $1 in
  form)
    echo "ours:"
    echo "ours, LayerNorm: -gnn_norm layer"
    echo "ours, sum instead of mean: -gnn_aggregation sum"
    echo "ours, direct output: -gnn_output direct"
    echo "ours, direct output, mean scaling: -gnn_output direct -gnn_scaling mean"
    echo "the paper's: $paper"
    echo "the paper's, without LayerNorm: $paper -gnn_norm none"
    ;;
  loss)
    for loss in log-sai sai kaporin; do echo "ours, $loss: -train_loss $loss"; done
    for loss in log-sai sai plain; do echo "the paper's form, $loss: $paper -train_loss $loss"; done
    ;;
  layers) for k in 1 2 4 6; do echo "L = $k: -gnn_layers $k"; done ;;
  width) for k in 8 16 24 32; do echo "d = $k: -gnn_width $k"; done ;;
  features)
    local user=user:4 ours=rowabs,rowsum,degree
    echo "ours:"
    echo "ours, with coordinates and diffusivity: -gnn_node_features $ours,$user"
    echo "ours, the paper's node features: -gnn_node_features mask,$user"
    echo "the paper's form, our node features: $paper"
    echo "the paper's form and node features: $paper -gnn_node_features mask,$user"
    ;;
  probes) for k in 1 2 8 16; do echo "k = $k: -train_probes $k"; done ;;
  epsilon) for e in 1e-6 1e-4 1e-2 1e-1; do echo "epsilon = $e: -gnn_epsilon $e"; done ;;
  rtol) for r in 1e-2 1e-4 1e-6 1e-8; do echo "ours, rtol $r: RTOL=$r"; done ;;
  *) echo "ablate.sh form|features|loss|layers|width|probes|epsilon|rtol" >&2; exit 1 ;;
  esac
}

# trained SEED OPTIONS...: the files' name of a training, done once for equal options
trained() {
  local run=$work/run_$(echo "$steps $*" | md5sum | cut -c1-16)
  if [ ! -e "$run.log" ]; then
    bin/gnnspai-train -train_matrices "$work/train_*.dat" -train_lr 5e-3 -train_steps $steps -train_validate_every $((steps / 4)) -train_output "$run.safetensors" -train_log "$run.csv" -train_seed "$@" > "$run.tmp"
    mv "$run.tmp" "$run.log"
  fi
  echo "$run"
}

# measure SEED [RTOL=r] OPTIONS...: parameters, loss, iterations of Jacobi's, of ours (sums over the test matrices and both right-hand sides), the larger
# condition number of the test matrices with Jacobi and with ours, by Lanczos
measure() {
  local seed=$1 rtol=1e-8 run
  shift
  if [[ ${1:-} == RTOL=* ]]; then rtol=${1#RTOL=}; shift; fi
  run=$(trained "$seed" "$@")
  bin/gnnspai-bench -bench_matrices "$work/test_*.dat" -bench_pc jacobi,network -bench_rtol $rtol -bench_repeat 1 -network_pc_gnnspai_model "$run.safetensors" -network_pc_gnnspai_guard none > "$work/bench.log"
  awk -v loss="$(tail -n 1 "$run.csv" | cut -d , -f 3)" '/ parameters/ {for (k = 1; k < NF; k++) if ($(k + 1) ~ /^parameters/) n = $k}
    function max(a, b) {return a > b ? a : b}
    $1 == "jacobi" {j += $2 + $3; cj = max(cj, $(NF - 1))} $1 == "network" {g += $2 + $3; cg = max(cg, $(NF - 1))} END {print n "," loss "," j "," g "," cj "," cg}' "$run.log" "$work/bench.log"
}

table=bench/results/ablations-cpu.md
rm -f $work/rows.part
variants "$1" | while IFS= read -r line; do
  for seed in $seeds; do
    row=$(measure "$seed" ${line#*:})
    echo "${line%%:*};$row" | tee -a $work/rows.part
  done
done
mv $work/rows.part $work/rows

# This ablation's rows, seeds side by side
rows() {
  awk -F'[;,]' -v what="$1, steps $steps" '
    function flush() {
      if (name != "") print "| " what " | " name " | " parameters " | " loss " | " its " | " ratio " | " cond " | " cratio " |"
    }
    {
      this = $0; sub(/;.*/, "", this)
      if (this != name) {flush(); name = this; parameters = $(NF - 5); loss = its = ratio = cond = cratio = sep = ""}
      loss = loss sep sprintf("%.3f", $(NF - 4)); its = its sep $(NF - 2); ratio = ratio sep sprintf("%.3f", $(NF - 2) / $(NF - 3))
      cond = cond sep sprintf("%.0f", $NF); cratio = cratio sep sprintf("%.3f", $NF / $(NF - 1)); sep = " / "
    }
    END {flush()}' $work/rows
}

{
  cat <<END
Short trainings on heat patches of 450 to 800 rows, equal but for what is named; \`make ablate-NAME\` (bench/ablate.sh) measures again.
Iterations: two matrices of about 6300 rows that training has not seen, b = A·1 and random, added up; without the guard; one number a seed.
Loss: of the training, over the last quarter of the steps; log-sai and kaporin report the logarithm of sai.
Condition: of the preconditioned matrix, by Lanczos, the larger of the two matrices, and over that with Jacobi.

| what | variant | parameters | loss | iterations | over Jacobi's | condition | over Jacobi's |
|---|---|---|---|---|---|---|---|
END
  { grep '^| [a-z]*, steps' $table | grep -v "^| $1,"; rows "$1"; } | LC_ALL=C sort -s -t, -k1,1 # the others' stay
} > $work/table
mv $work/table $table
