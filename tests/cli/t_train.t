#!/usr/bin/env bash
# gnnspai-train: learns on tiny matrices, is repeatable, keeps the best, refuses bad input. TAP.
. tests/tap.sh
train=bin/gnnspai-train

bin/gnnspai-data heat -data_n 200 -data_count 4 -data_output "$work/a_%d.dat" > "$log" 2>&1
bin/gnnspai-data heat -data_n 1000 -data_seed 50 -data_output "$work/v_%d.dat" >> "$log" 2>&1
result $? "matrices to train on" "$log"

small=(-gnn_width 8 -gnn_layers 2 -train_matrices "$work/a_*.dat" -train_steps 120 -train_validate_every 40 -train_lr 1e-2 -train_seed 3)
$train "${small[@]}" -train_validation "$work/v_*.dat" -train_output "$work/one.safetensors" -train_log "$work/one.csv" > "$log" 2>&1
result $? "a run of 120 steps" "$log"

awk -F, 'NR == 2 {first = $3} END {exit !(NR == 4 && $3 < first - 0.05)}' "$work/one.csv"
result $? "the loss falls, and the CSV log has a line per validation" "$work/one.csv"

awk -F, 'NR > 1 && $5 > 0 && $5 < 0.75 {good++} END {exit good != 3}' "$work/one.csv"
result $? "every validation needs fewer than 3/4 of Jacobi's iterations" "$work/one.csv"

ls "$work" | grep -q 'safetensors\.'
result $((! $?)) "no temporary file is left"

$train "${small[@]}" -train_validation "$work/v_*.dat" -train_output "$work/two.safetensors" > "$log" 2>&1
diff <(sed 's/"seconds":"[0-9]*"//' "$work/one.safetensors" | md5sum) <(sed 's/"seconds":"[0-9]*"//' "$work/two.safetensors" | md5sum) > "$work/diff"
result $? "the same seed on one rank gives the same model" "$work/diff"

bin/gnnspai-bench -bench_matrices "$work/v_50.dat" -bench_pc jacobi,gnnspai -bench_repeat 1 -gnnspai_pc_gnnspai_model "$work/one.safetensors" > "$log" 2>&1
awk '$1 == "jacobi" {j = $2} $1 == "gnnspai" {g = $2} END {exit !(g > 0 && g < 0.75 * j)}' "$log"
result $? "the file, loaded by the preconditioner, needs as few" "$log"

$train -train_matrices "$work/a_*.dat" -train_steps 20 -train_validate_every 20 -train_validation "$work/v_*.dat" -train_init "$work/one.safetensors" -train_loss kaporin -train_output "$work/tuned.safetensors" > "$log" 2>&1
result $? "fine-tuning from a model, loss kaporin" "$log"

${MPIEXEC:-mpiexec} -n 2 $train "${small[@]}" -train_output "$work/par.safetensors" > "$log" 2>&1
result $? "two ranks" "$log"

for variant in "-gnn_norm layer -gnn_scaling mean -gnn_output direct -gnn_aggregation sum -train_loss plain -train_schedule exponential" "-gnn_pattern lower -train_loss sai -gnn_hidden_layers 2"; do
  $train "${small[@]}" $variant -train_steps 5 -train_output "$work/variant.safetensors" > "$log" 2>&1
  result $? "variant $variant" "$log"
done

# 3 x 3 blocks; the block size comes from the option first, then from the .info of the patches
b3="-gnn_block_size 3 -gnn_width 8 -gnn_layers 2 -gnn_node_features rowabs,rowsum,mask -train_steps 60 -train_validate_every 20 -train_lr 1e-2"
bin/gnnspai-data patches -data_matrices tests/reference/data/matrix_b.dat -matload_block_size 3 -data_nodes_min 6 -data_nodes_max 10 -data_count 4 -data_output "$work/b_%d.dat" > "$log" 2>&1 &&
  $train $b3 -train_matrices "$work/b_*.dat" -train_validation "$work/b_0.dat" -train_output "$work/block.safetensors" -train_log "$work/block.csv" > "$log" 2>&1 &&
  awk -F, 'NR == 2 {first = $3} END {exit !(NR == 4 && $3 < first - 0.05)}' "$work/block.csv"
result $? "blocks of 3: patches, training, and the loss falls"
bin/gnnspai-bench -bench_matrices tests/reference/data/matrix_b.dat -matload_block_size 3 -bench_pc gnnspai -bench_repeat 1 -gnnspai_pc_gnnspai_model "$work/block.safetensors" -gnnspai_ksp_view > "$log" 2>&1
grep -q "block size 3, width 8" "$log"
result $? "the model is used for a matrix of that block size" "$log"

refused() { # refused PATTERN TEXT ARGUMENTS...
  local pattern=$1 text=$2
  shift 2
  "$@" > "$log" 2>&1
  [ $? != 0 ] && grep -q -- "$pattern" "$log"
  result $? "$text" "$log"
}
refused "-train_matrices 'GLOB'" "no matrices: the error says what to give" $train -train_output "$work/x.safetensors"
refused "No file matches" "a glob without files is named" $train -train_matrices "$work/none*.dat" -train_output "$work/x.safetensors"
refused "Cannot read a matrix from" "a truncated matrix is named" bash -c "head -c 1000 $work/a_0.dat > $work/a_0.dat.cut; exec $train -train_matrices $work/a_0.dat.cut -train_output $work/x.safetensors"
refused "needs -gnn_scaling mean" "plain loss with diagonal scaling" $train "${small[@]}" -train_loss plain -train_output "$work/x.safetensors"
refused "residual needs scaling diagonal" "residual output with mean scaling" $train "${small[@]}" -gnn_scaling mean -train_output "$work/x.safetensors"
refused "-matload_block_size 3" "a model of blocks, matrices without" $train "${small[@]}" -gnn_block_size 3 -train_output "$work/x.safetensors"
refused "not all blocks of size 2 are full" "blocks that are not full" $train "${small[@]}" -train_matrices "$work/a_0.dat" -matload_block_size 2 -gnn_block_size 2 -train_output "$work/x.safetensors"
refused "no/such/directory" "a directory that does not exist" $train "${small[@]}" -train_steps 1 -train_output "$work/no/such/directory/x.safetensors"
plan
