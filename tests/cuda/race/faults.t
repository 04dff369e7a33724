#!/usr/bin/env bash
# Does the emulated device find what it is for? Kernels with a fault each, faults.cu. TAP.
. tests/tap.sh
export EMULATE_SMALL=1 TSAN_OPTIONS=ignore_noninstrumented_modules=1:halt_on_error=1

# found PROGRAM FAULT TEXT
found() {
  (run bin/$1/faults "$2"; exit $?) 2> /dev/null
  [ $? -ne 0 ] && grep -q -e "$3" "$log"
  result $? "$2: $3"
}

for schedule in random shuffled descending; do
  EMULATE_SCHEDULE=$schedule run bin/emulated/faults nothing
  result $? "nothing is found where nothing is, $schedule"
done
run bin/race/faults nothing
result $? "nor by ThreadSanitizer"
for seed in 1 2 3 4; do
  export EMULATE_SEED=$seed # by which an array lies at the beginning or at the end of its pages
  found emulated "a write behind the end" "byte 256 of an array of 256 bytes\|behind an array of 256 bytes"
  found emulated "a write before the beginning" "byte -4 of an array of 256 bytes\|before an array of 256 bytes"
  found emulated "a write behind shared memory" "byte 256 of an array of 256 bytes\|behind an array of 256 bytes"
done
EMULATE_SEED=abc found emulated nothing "EMULATE_SEED is a number, not abc"
unset EMULATE_SEED
found emulated "a shuffle in a branch" "threads wait in vain: 16 at a shuffle in tests/cuda/race/faults.cu:[0-9]*; .* have returned"
found emulated "a shuffle in either branch" "threads that must come together are at a shuffle in .* and at a shuffle in"
found emulated "a barrier in half a block" "threads wait in vain: 32 at __syncthreads() in tests/cuda/race/faults.cu:[0-9]*; 32 have returned"
found emulated "a barrier in half a block" "EMULATE_SCHEDULE=random EMULATE_SEED=1 repeats it"
found emulated "a load that is not aligned" "a pointer that is not aligned"
found emulated "memory that nobody wrote" "no number"
found emulated "a launch without blocks" "a launch of 0 blocks"
found emulated "too much shared memory" "a launch with 49168 bytes of shared memory"
found race "a shuffle as a barrier" "data race tests/cuda/race/faults.cu:[0-9]* in OrderedByShuffle"
found race "blocks that write to one place" "data race tests/cuda/race/faults.cu:[0-9]* in BetweenBlocks"

plan
