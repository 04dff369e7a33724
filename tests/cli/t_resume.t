#!/usr/bin/env bash
# gnnspai-train stopped and taken up again, by -train_steps, by a signal, by the validation; the paper's preset; one and two ranks. TAP.
. tests/tap.sh

bin/gnnspai-data heat -data_n 150 -data_count 5 -data_output "$work/a_%d.dat" > "$log" 2>&1
bin/gnnspai-data heat -data_n 400 -data_seed 50 -data_output "$work/v_%d.dat" >> "$log" 2>&1
result $? "matrices to train on"

train=("$top/bin/gnnspai-train" -gnn_width 8 -gnn_layers 2 -train_matrices "$work/a_*.dat" -train_lr 1e-2 -train_seed 3)
validation=(-train_validation "$work/v_50.dat" -train_validate_every 4)
weights() { sed 's/"seconds":"[0-9]*"//' "$1" | md5sum; } # all of a model file but the time it took
steps() { cut -d , -f 1,3- "$1"; }                       # all of a log but the time
same() { # same NAME ONE TWO: two runs left the same model and the same log
  { [ -s "$2.safetensors" ] && diff <(weights "$2.safetensors") <(weights "$3.safetensors") && diff <(steps "$2.csv") <(steps "$3.csv"); } > "$log" 2>&1
  result $? "$1"
}
files() { echo -train_output "$1.safetensors" -train_log "$1.csv"; }

# 20 steps at once, and 10 + 10, which cuts the third epoch of validations and the interval of 4
recipe=(-train_schedule exponential "${validation[@]}")
run "${train[@]}" "${recipe[@]}" $(files "$work/whole") -train_steps 20
result $? "20 steps"
run "${train[@]}" "${recipe[@]}" $(files "$work/parts") -train_steps 10 -train_checkpoint_every 5
[ -f "$work/parts.safetensors.checkpoint" ] && grep -q '^10,' "$work/parts.csv" # a validation that is none of the whole run's
result $? "10 steps leave a checkpoint"
run "${train[@]}" "${recipe[@]}" $(files "$work/parts") -train_steps 20 -train_resume
result $? "10 more"
same "the same model and log, bit for bit" "$work/whole" "$work/parts"
run "${train[@]}" "${recipe[@]}" -train_output "$work/other.safetensors" -train_steps 20 -train_probes 7
! diff <(weights "$work/whole.safetensors") <(weights "$work/other.safetensors") > "$log"
result $? "other options give another model"

# interrupted NAME SIGNAL STATUS PROGRAM...: starts it, sends the signal when the first line of progress is there
interrupted() {
  local name=$1 signal=$2 status=$3 pid
  shift 3
  "$@" > "$log" 2>&1 &
  pid=$!
  until grep -q '^step' "$log" || ! kill -0 $pid 2> /dev/null; do sleep 0.02; done
  kill -s "$signal" $pid
  wait $pid
  [ $? -eq "$status" ] && grep -q '^interrupted at step .* -train_resume' "$log"
  result $? "$name"
}

# A run too long to end before the signal, cut twice, then ended 20 steps on: with an exponential schedule no step knows how many follow
recipe=(-train_schedule exponential "${validation[@]}" -train_validate_every 50)
endless=("${train[@]}" "${recipe[@]}" $(files "$work/cut") -train_steps 1000000)
interrupted "^C ends a run with status 130 and says how to go on" INT 130 "${endless[@]}"
[ -s "$work/cut.safetensors" ] && ! ls "$work"/*.tmp > "$log" 2>&1
result $? "it leaves a model, and no temporary file"
interrupted "SIGTERM ends the run that goes on, with status 143" TERM 143 "${endless[@]}" -train_resume
last=$(($(sed -n 's/^interrupted at step *\([0-9]*\);.*/\1/p' "$log") + 20))
run "${train[@]}" "${recipe[@]}" $(files "$work/cut") -train_steps $last -train_resume
result $? "the third run comes to the end"
run "${train[@]}" "${recipe[@]}" $(files "$work/long") -train_steps $last
result $? "as many steps at once"
same "what was cut twice is the same, bit for bit" "$work/long" "$work/cut"

resume=("${train[@]}" $(files "$work/parts") -train_steps 30 -train_resume)
refuses "no checkpoint" "Cannot read checkpoint" "${train[@]}" -train_output "$work/none.safetensors" -train_resume
refuses "another seed" "of a run with -train_seed 3: give" "${resume[@]}" -train_seed 4
refuses "other matrices" "of a run with 5 training matrices" "${resume[@]}" -train_matrices "$work/a_[0-3].dat"
refuses "another network" "a network of another form" "${resume[@]}" -gnn_aggregation sum
refuses "a model is no checkpoint" "is no checkpoint" "${resume[@]}" -train_checkpoint "$work/parts.safetensors"
head -c 3000 "$work/parts.safetensors.checkpoint" > "$work/short"
refuses "a checkpoint cut short" "is cut short" "${resume[@]}" -train_checkpoint "$work/short"

# With a learning rate of 0 no validation is better than the first
run "${train[@]}" "${validation[@]}" $(files "$work/stale") -train_lr 0 -train_patience 2 -train_steps 1000
[ $? -eq 0 ] && grep -q 'stopped by -train_patience' "$log" && [ "$(cut -d , -f 1 "$work/stale.csv" | tail -n 1)" = 12 ]
result $? "-train_patience 2 ends at the third validation"
run "${train[@]}" $(files "$work/epochs") -train_epochs 3 -train_batch 2
[ $? -eq 0 ] && [ "$(cut -d , -f 1 "$work/epochs.csv" | tail -n 1)" = 8 ]
result $? "3 epochs of 5 matrices, two a step, are 8 steps"

run "${train[@]}" $(files "$work/paper") -train_preset paper -train_epochs 2 -train_matrices "$work/a_[0-3].dat" -train_lr 1e-3 -train_validate_every 1
[ $? -eq 0 ] && [ "$(cut -d , -f 1,4 "$work/paper.csv" | tail -n 2 | tr '\n' ' ')" = "1,0.001 2,0.00099 " ] &&
  head -c 2000 "$work/paper.safetensors" | grep -a '"loss":"sai"' | grep -a '"norm":"layer","aggregation":"sum"' | grep -qa '"scaling":"mean","output":"direct"'
result $? "the paper's preset: its form, four matrices a step, learning rate x 0.99 every epoch"

# losses LOG OTHER TOLERANCE: no loss differs by more
losses() { paste -d , "$1" "$2" | awk -F, -v tol="$3" 'NR > 1 {d = $3 - $9; n++; if (d > tol || d < -tol) bad++} END {exit !(n > 2 && !bad)}'; }
run "${train[@]}" -train_validate_every 2 -train_steps 12 -train_batch 2 $(files "$work/one")
run ${MPIEXEC:-mpiexec} -n 2 "${train[@]}" -train_validate_every 2 -train_steps 12 $(files "$work/two")
losses "$work/one.csv" "$work/two.csv" 1e-4
result $? "two ranks with a matrix each, and one with two: the losses of 12 steps agree to rounding" "$work/two.csv"
run "${train[@]}" -train_validate_every 2 -train_steps 12 -train_batch 2 $(files "$work/seed") -train_seed 4
! losses "$work/one.csv" "$work/seed.csv" 1e-4
result $? "those of another seed do not"
plan
