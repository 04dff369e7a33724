#!/usr/bin/env bash
# kernels/device-check.sh where there is no GPU, no make, no MPI, nothing but a shell: every step is reached, and says why it is skipped; what
# it does with tests that fail. With the programs of make device-archive, if they are there. TAP.
. tests/tap.sh

mkdir "$work/path"
for command in awk bash cat cut dirname env grep head mkdir mktemp rm sed tail tar tee timeout touch tr wc xz; do ln -s "$(command -v $command)" "$work/path"; done
printf '#!/bin/sh\necho "No devices were found"\n' > "$work/path/nvidia-smi"
chmod +x "$work/path/nvidia-smi"

# check FOLDER VARIABLES...: the check of the folder, from elsewhere; results lie in $work/out
check() {
  local folder=$1
  shift
  rm -rf "$work/out" "$work/elsewhere"
  mkdir "$work/elsewhere"
  (cd "$work/elsewhere" && timeout 900 env -i PATH="$work/path" CUDA_VISIBLE_DEVICES= OUT="$work/out" "$@" "$folder/kernels/device-check.sh") > "$log" 2>&1
}
steps="programs,t_device,t_devicefsai,t_devicecoarse,t_devicecg,t_devicetrain,t_cuda,copy,iteration,heat,poisson,synthetic,hyperelasticity,laplacian,ncu: layers and decoder,ncu: product,ncu: FSAI rows,t_cuda on 2 ranks,racecheck of t_device,racecheck of t_devicefsai,racecheck of t_devicecg,racecheck of t_devicetrain"
reached() { [ "$(sed 1d "$work/out/summary.txt" | cut -c8-33 | sed 's/ *$//' | paste -sd,)" = "$steps" ]; }
# verdict WORD NAME REASON: as the summary has it
verdict() { grep -q "^$1 *$2 *$3" "$work/out/summary.txt"; }
first() { head -n 1 "$work/out/summary.txt" | grep -q "$1"; }

# folder NAME: the scripts alone
folder() {
  mkdir -p "$work/$1"/{kernels,bench,bin/cuda}
  cp kernels/device-check.sh "$work/$1/kernels"
  cp bench/measure.sh "$work/$1/bench"
}
folder bare
check "$work/bare"
status=$?
[ $status -eq 0 ] && reached && first '0 right, 0 failed, 22 skipped' && [ "$(grep -c 'SKIP .* nvidia-smi names no GPU, and there are no programs' "$work/out/summary.txt")" -eq 22 ]
result $? "without programs: every step is skipped, with its reason"
[ "$(ls "$work/out" | paste -sd,)" = log.txt,summary.txt ] && [ -z "$(ls -A "$work/elsewhere")" ]
result $? "the results are where they are wanted, and nothing elsewhere"

# Programs that say what a test may say
folder fake
program() { printf '#!%s\n%s\n' "$BASH" "$2" > "$work/fake/bin/$1" && chmod +x "$work/fake/bin/$1"; }
program gnnspai-bench 'exit 0'
program cuda/t_device 'echo "ok 1 - this"; echo "not ok 2 - that"; echo 1..2; exit 1'
program cuda/t_devicefsai 'echo "ok 1 - this"; exec bash -c "kill -SEGV \$\$"'
program cuda/t_devicecoarse 'echo "ok 1 - this"; echo 1..1'
program cuda/t_devicecg 'echo "ok 1 - this"; echo 1..1'
program cuda/t_devicetrain 'echo "ok 1 - this"'
program cuda/t_cuda 'echo "ok 1 - this"; echo "ok 2 - that"; echo 1..2'
check "$work/fake"
status=$?
[ $status -eq 1 ] && first '4 right, 3 failed' && verdict FAILED t_device "1 of 2: not ok 2 - that" && verdict FAILED t_devicefsai "status 139" && verdict FAILED t_devicetrain "1 tests, and no end" &&
  verdict ok t_cuda "2 tests"
result $? "tests that fail, crash or stop early are told from those that pass, and the status is 1"
verdict SKIP "memcheck of t_device" "nvidia-smi names no GPU" && verdict SKIP "memcheck of t_devicetrain" && ! verdict SKIP "memcheck of t_cuda" && verdict SKIP heat "nvidia-smi names no GPU"
result $? "those that failed, and no others, go to memcheck"
grep -q '^== t_device: status 1' "$work/out/log.txt" && grep -q '^not ok 2 - that' "$work/out/log.txt"
result $? "the log has what they said"
check "$work/fake" BUDGET=59
verdict ok t_cuda && verdict SKIP programs "[0-9]* s are left, and it may take 60" && verdict SKIP "t_cuda on 2 ranks" "no mpiexec" && check "$work/fake" BUDGET=10 && verdict SKIP t_cuda "[0-9]* s are left, and it may take 45"
result $? "what does not fit into the budget is skipped" "$work/out/summary.txt"
program gnnspai-bench 'echo error while loading; exit 127'
check "$work/fake"
[ $? -eq 1 ] && verdict FAILED programs "status 127: error while loading" && verdict SKIP t_cuda "the programs do not start"
result $? "programs that do not start are one failure, the rest is skipped"

# A card in name, whose matrices are the processor's and small: what the real programs print is understood
folder rehearsal
rehearse() { printf '#!%s\n%s\n' "$BASH" "$2" > "$work/$1" && chmod +x "$work/$1"; }
rehearse path/nvidia-smi 'case $* in *compute_cap*) echo 9.0 ;; *) echo "NVIDIA rehearsal, 1.0" ;; esac'
rehearse path/ncu 'echo ==PROF== Connected; echo "\"ID\",\"Metric Value\""; echo "\"0\",\"1\""'
rehearse path/compute-sanitizer 'echo "========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)"'
rehearse rehearsal/bin/gnnspai-data "PATH=$PATH exec $top/bin/gnnspai-data \"\$@\" -data_n 300 -data_count 1"
rehearse rehearsal/bin/gnnspai-bench "set -- \"\${@/aijcusparse/aij}\" && set -- \"\${@/#cuda/standard}\" && set -- \"\${@/%46,100,100,100/4,5,5,5}\" && PATH=$PATH exec $top/bin/gnnspai-bench \"\${@/#18,18,18,37*/5,5,5,6,6,6}\" -bench_repeat 1"
for test in t_device t_devicefsai t_devicecoarse t_devicecg t_devicetrain t_cuda; do rehearse rehearsal/bin/cuda/$test 'echo "ok 1 - this"; echo 1..1'; done
check "$work/rehearsal"
status=$?
[ $status -eq 0 ] && reached && first 'on NVIDIA rehearsal, 1.0: 21 right, 0 failed, 1 skipped' && verdict ok copy "a long copy moves [0-9.]* GB/s" && verdict ok heat "heat_2000: [0-9]*, [0-9.]* ms; " &&
  verdict ok laplacian "laplacian_46x46x4: [0-9]*, [0-9.]* ms; laplacian_5x5x5: [0-9]*, [0-9.]* ms; " && verdict ok "ncu: product" "2 lines" && verdict ok "racecheck of t_device" "RACECHECK SUMMARY: 0 hazards"
result $? "a rehearsal without a card: every step says what it found" "$work/out/summary.txt"
[ "$(ls "$work/out" | paste -sd,)" = heat-cuda.json,hyperelasticity-cuda.json,iteration-cuda.json,laplacian-cuda.json,log.txt,poisson-cuda.json,profile.csv,summary.txt,synthetic-cuda.json ]
result $? "nine files"
rehearse path/ncu 'echo "==ERROR== ERR_NVGPUCTRPERM - The user does not have permission to access NVIDIA GPU Performance Counters"; exit 1'
rehearse path/compute-sanitizer 'case $* in *memcheck*) echo "========= Error: Device not supported"; exit 1 ;; *) echo "========= RACECHECK SUMMARY: 3 hazards displayed (3 errors, 0 warnings)" ;; esac'
rehearse rehearsal/bin/cuda/t_device 'echo "not ok 1 - this"; echo 1..1; exit 1'
rehearse rehearsal/bin/gnnspai-bench 'case $* in *-bench_json*) echo "A: n = 1, 1 nonzeros"; echo "  gamg           failed: out of memory"; exit 1 ;; esac'
check "$work/rehearsal"
[ $? -eq 1 ] && first '6 right, 12 failed, 5 skipped' && verdict FAILED heat "gamg *failed: out of memory" && verdict SKIP "ncu: product" "ERR_NVGPUCTRPERM" && verdict SKIP "memcheck of t_device" "Device not supported" &&
  verdict FAILED "racecheck of t_device" "RACECHECK SUMMARY: 3 hazards"
result $? "preconditioners that fail and hazards are failures, tools that refuse to work are not" "$work/out/summary.txt"
printf '#!/bin/sh\n' > "$work/path/nvidia-smi"

archive=carry/gnnspai-device.tar.xz
if [ ! $archive -nt bin/cuda/t_cuda ]; then
  skip "the archive" "there is none of these programs: make device-archive"
else
  mkdir "$work/unpacked" && tar -xJf $archive -C "$work/unpacked"
  check "$work/unpacked/gnnspai-device"
  status=$?
  [ $status -eq 0 ] && reached && first "1 right, 0 failed, 21 skipped" && verdict ok programs && verdict SKIP t_cuda "no CUDA device" && verdict SKIP "t_cuda on 2 ranks" "no CUDA device"
  result $? "the archive's programs start, on two ranks, too"
  folder tree && mkdir "$work/tree/carry" && cp $archive "$work/tree/carry" && check "$work/tree" && reached && verdict ok programs
  result $? "a tree finds the archive in carry"
fi
plan
