#!/usr/bin/env bash
# On a GPU: the tests on two ranks that share it, and on one under compute-sanitizer
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
if bin/cuda/t_cuda | grep -q '# SKIP no CUDA device'; then
  echo "1..0 # SKIP no CUDA device"
  exit 0
fi

timeout 300 ${MPIEXEC:-mpiexec} -n 2 bin/cuda/t_cuda -use_gpu_aware_mpi 0 > "$work/log" 2>&1 && grep -q '^1\.\.[1-9]' "$work/log" && ! grep -q '^not ok' "$work/log"
result $? "t_cuda on 2 ranks"
log=$work/log

sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2> /dev/null)
for test in t_device t_devicefsai t_devicetrain; do
  for tool in memcheck racecheck; do
    if [ -z "$sanitizer" ]; then
      skip "$test under $tool" "no compute-sanitizer"
      continue
    fi
    timeout 500 "$sanitizer" --tool $tool --error-exitcode 9 bin/cuda/$test > "$work/log" 2>&1
    result $? "$test under $tool"
  done
done

# gnnspai-train: cut in two it is the same run, and the loss falls
train=(bin/gnnspai-train -train_matrices "$work/a_*.dat" -train_batch 2 -train_seed 3 -train_validate_every 50 -train_validation "$work/a_0.dat" -train_schedule exponential -mat_type aijcusparse -use_gpu_aware_mpi 0)
weights() { sed 's/"seconds":"[0-9]*"//' "$1" | md5sum; } # all of a model file but the time it took
bin/gnnspai-data heat -data_n 400 -data_count 5 -data_output "$work/a_%d.dat" > "$log" 2>&1
run "${train[@]}" -train_steps 200 -train_output "$work/whole.safetensors" -train_log "$work/whole.csv"
result $? "gnnspai-train on the device"
awk -F, 'NR == 2 {first = $3} END {exit !(NR == 5 && $3 < first - 0.05)}' "$work/whole.csv"
result $? "the loss falls" "$work/whole.csv"
run "${train[@]}" -train_steps 90 -train_output "$work/parts.safetensors" -train_checkpoint_every 30 && run "${train[@]}" -train_steps 200 -train_output "$work/parts.safetensors" -train_resume &&
  [ "$(weights "$work/whole.safetensors")" = "$(weights "$work/parts.safetensors")" ]
result $? "90 steps and 110 more: the same model, bit for bit"
plan
