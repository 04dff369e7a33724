#!/usr/bin/env bash
# gnnspai-train with -mat_type aijcusparse, on the emulated device: stopped and taken up again, two ranks, refusals; and what the host's program says. TAP.
. tests/tap.sh

bin/gnnspai-data heat -data_n 64 -data_count 3 -data_output "$work/a_%d.dat" > "$log" 2>&1
result $? "matrices to train on"

device="$top/bin/emulated/gnnspai-train"
train=(-gnn_width 8 -gnn_layers 1 -train_matrices "$work/a_*.dat" -train_lr 1e-2 -train_seed 3 -train_probes 4 -train_batch 2)
ondevice=("$device" "${train[@]}" -mat_type aijcusparse)
weights() { sed 's/"seconds":"[0-9]*"//' "$1" | md5sum; } # all of a model file but the time it took
steps() { cut -d , -f 1,3- "$1"; }                       # all of a log but the time
files() { echo -train_output "$1.safetensors" -train_log "$1.csv"; }

run "${ondevice[@]}" $(files "$work/whole") -train_steps 16 -train_validate_every 6 -train_validation "$work/a_0.dat" -train_schedule exponential
result $? "16 steps"
awk -F, 'NR == 2 {first = $3} END {exit !(NR == 4 && $3 < first - 0.02)}' "$work/whole.csv"
result $? "the loss falls" "$work/whole.csv"
for steps in 10 16; do
  run "${ondevice[@]}" $(files "$work/parts") -train_steps $steps -train_validate_every 6 -train_validation "$work/a_0.dat" -train_schedule exponential -train_checkpoint_every 5 $([ $steps = 10 ] || echo -train_resume)
  result $? "$steps steps in a run that goes on"
done
{ [ -s "$work/whole.safetensors" ] && diff <(weights "$work/whole.safetensors") <(weights "$work/parts.safetensors") && diff <(steps "$work/whole.csv") <(steps "$work/parts.csv"); } > "$log" 2>&1
result $? "the same model and log, bit for bit"

# interrupted: a run too long to end before the signal
run_until_signal() {
  "${ondevice[@]}" $(files "$work/cut") -train_steps 1000000 -train_validate_every 4 > "$log" 2>&1 &
  local pid=$!
  until grep -q '^step' "$log" || ! kill -0 $pid 2> /dev/null; do sleep 0.02; done
  kill -s INT $pid
  wait $pid
}
run_until_signal
[ $? -eq 130 ] && grep -q '^interrupted at step .* -train_resume' "$log" && [ -s "$work/cut.safetensors" ] && [ -s "$work/cut.safetensors.checkpoint" ]
result $? "^C leaves a model and a checkpoint"

# Each step's loss in the log: the probes of two ranks are those of one
losses() { paste -d , "$1" "$2" | awk -F, -v tol="$3" 'NR > 1 {d = $3 - $9; n++; if (d > tol || d < -tol) bad++} END {exit !(n > 2 && !bad)}'; }
run "${ondevice[@]}" $(files "$work/one") -train_steps 4 -train_validate_every 1
run ${MPIEXEC:-mpiexec} -n 2 "${ondevice[@]}" $(files "$work/two") -train_steps 4 -train_validate_every 1 -train_batch 1
losses "$work/one.csv" "$work/two.csv" 1e-5
result $? "two ranks with a matrix each, and one with two: the losses agree to rounding" "$work/two.csv"
run "$device" "${train[@]}" $(files "$work/host") -train_steps 4 -train_validate_every 1
losses "$work/one.csv" "$work/host.csv" 0.5 && ! losses "$work/one.csv" "$work/host.csv" 1e-5
result $? "those of the host are near, with other probes" "$work/host.csv"

run "${ondevice[@]}" $(files "$work/nan") -train_steps 20 -train_lr 1e30 -train_validate_every 10
[ $? -ne 0 ] && grep -q "not finite at step [1-9]" "$log"
result $? "a loss that is not finite ends the run and names the step"

refuses "loss kaporin" "kaporin is for the host: leave out -mat_type aijcusparse" "${ondevice[@]}" -train_output x.safetensors -train_loss kaporin
refuses "width 40" "this one has block size 1, width 40" "${ondevice[@]}" -train_output x.safetensors -gnn_width 40
refuses "blocks" "this one has block size 3, width 8" "${ondevice[@]}" -train_output x.safetensors -gnn_block_size 3
refuses "another type" "knows aij (on the host) and aijcusparse (on the device)" "${ondevice[@]}" -train_output x.safetensors -mat_type sbaij
if "$top/bin/gnnspai-train" -help | grep -q -- '-mat_type:\? <now aij : formerly aij>: Where to train'; then run true; else run false; fi
result $? "-help knows -mat_type"
if grep -q '#define PETSC_HAVE_CUDA 1' "$(pkg-config --variable=includedir PETSc)"/petscconf.h 2> /dev/null; then
  skip "without CUDA -mat_type aijcusparse is refused" "this PETSc has CUDA"
else
  refuses "without CUDA -mat_type aijcusparse is refused" "needs a PETSc with CUDA (make petsc-cuda), and gnnspai built for it: leave out" "$top/bin/gnnspai-train" "${train[@]}" -train_output x.safetensors -mat_type aijcusparse
fi
plan
