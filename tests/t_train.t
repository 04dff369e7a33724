#!/usr/bin/env bash
# gnnspai-train: learns on tiny matrices, is repeatable, keeps the best, refuses bad input. TAP.
set -u
cd "$(dirname "$0")/.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
train=bin/gnnspai-train
count=0

ok() { # ok STATUS TEXT [LOG]
  count=$((count + 1))
  if [ "$1" = 0 ]; then echo "ok $count - $2"; else
    echo "not ok $count - $2"
    [ -z "${3:-}" ] || sed 's/^/# /' "$3" | head -n 20
  fi
}

bin/gnnspai-data heat -data_n 200 -data_count 4 -data_output "$tmp/a_%d.dat" > "$tmp/log" 2>&1
bin/gnnspai-data heat -data_n 1000 -data_seed 50 -data_output "$tmp/v_%d.dat" >> "$tmp/log" 2>&1
ok $? "matrices to train on" "$tmp/log"

small="-gnn_width 8 -gnn_layers 2 -train_matrices $tmp/a_*.dat -train_steps 120 -train_validate_every 40 -train_lr 1e-2 -train_seed 3"
$train $small -train_validation "$tmp/v_*.dat" -train_output "$tmp/one.safetensors" -train_log "$tmp/one.csv" > "$tmp/log" 2>&1
ok $? "a run of 120 steps" "$tmp/log"

awk -F, 'NR == 2 {first = $3} END {exit !(NR == 4 && $3 < first - 0.05)}' "$tmp/one.csv"
ok $? "the loss falls, and the CSV log has a line per validation" "$tmp/one.csv"

awk -F, 'NR > 1 && $5 > 0 && $5 < 0.75 {good++} END {exit good != 3}' "$tmp/one.csv"
ok $? "every validation needs fewer than 3/4 of Jacobi's iterations" "$tmp/one.csv"

ls "$tmp" | grep -q 'safetensors\.'
ok $((! $?)) "no temporary file is left"

$train $small -train_validation "$tmp/v_*.dat" -train_output "$tmp/two.safetensors" > "$tmp/log" 2>&1
diff <(sed 's/"seconds":"[0-9]*"//' "$tmp/one.safetensors" | md5sum) <(sed 's/"seconds":"[0-9]*"//' "$tmp/two.safetensors" | md5sum) > "$tmp/diff"
ok $? "the same seed on one rank gives the same model" "$tmp/diff"

bin/gnnspai-bench -bench_matrices "$tmp/v_50.dat" -bench_pc jacobi,gnnspai -bench_repeat 1 -gnnspai_pc_gnnspai_model "$tmp/one.safetensors" > "$tmp/log" 2>&1
awk '$1 == "jacobi" {j = $2} $1 == "gnnspai" {g = $2} END {exit !(g > 0 && g < 0.75 * j)}' "$tmp/log"
ok $? "the file, loaded by the preconditioner, needs as few" "$tmp/log"

$train -train_matrices "$tmp/a_*.dat" -train_steps 20 -train_validate_every 20 -train_validation "$tmp/v_*.dat" -train_init "$tmp/one.safetensors" -train_loss kaporin -train_output "$tmp/tuned.safetensors" > "$tmp/log" 2>&1
ok $? "fine-tuning from a model, loss kaporin" "$tmp/log"

${MPIEXEC:-mpiexec} -n 2 $train $small -train_output "$tmp/par.safetensors" > "$tmp/log" 2>&1
ok $? "two ranks" "$tmp/log"

for variant in "-gnn_norm layer -gnn_scaling mean -gnn_output direct -gnn_aggregation sum -train_loss plain -train_schedule exponential" "-gnn_pattern lower -train_loss sai -gnn_hidden_layers 2"; do
  $train $small $variant -train_steps 5 -train_output "$tmp/variant.safetensors" > "$tmp/log" 2>&1
  ok $? "variant $variant" "$tmp/log"
done

refused() { # refused PATTERN TEXT ARGUMENTS...
  local pattern=$1 text=$2
  shift 2
  "$@" > "$tmp/log" 2>&1
  [ $? != 0 ] && grep -q -- "$pattern" "$tmp/log"
  ok $? "$text" "$tmp/log"
}
refused "-train_matrices 'GLOB'" "no matrices: the error says what to give" $train -train_output "$tmp/x.safetensors"
refused "No file matches" "a glob without files is named" $train -train_matrices "$tmp/none*.dat" -train_output "$tmp/x.safetensors"
refused "Cannot read a matrix from" "a truncated matrix is named" bash -c "head -c 1000 $tmp/a_0.dat > $tmp/a_0.dat.cut; exec $train -train_matrices $tmp/a_0.dat.cut -train_output $tmp/x.safetensors"
refused "needs -gnn_scaling mean" "plain loss with diagonal scaling" $train $small -train_loss plain -train_output "$tmp/x.safetensors"
refused "residual needs scaling diagonal" "residual output with mean scaling" $train $small -gnn_scaling mean -train_output "$tmp/x.safetensors"
refused "no/such/directory" "a directory that does not exist" $train $small -train_steps 1 -train_output "$tmp/no/such/directory/x.safetensors"
echo "1..$count"
