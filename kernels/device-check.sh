#!/usr/bin/env bash
# On a machine with a GPU, without a network: a verdict on every kernel, then figures for the tables. device-check.sh [more]
#
# One step after the other, the most telling first, each under a limit of seconds; none hangs on another's success. What cannot run is
# skipped, with its reason, and so is what may not fit into the rest of BUDGET (420) seconds. With `more`, instead of all that: training, the
# same in PyTorch, the largest matrices. Ends with 1 if a step failed.
#
# Under OUT (build/device, build/device-more), at most eight files, each written as a step ends: summary.txt, the verdicts; log.txt, what
# was said; profile.csv, ncu's counters; NAME-cuda.json and train-*.md, for make bench-tables results=OUT.
#
# The programs: those of carry/gnnspai-device.tar.xz (make device-archive), if they suit the card; else this tree's, built for the card
# where make and PETSC_DIR are at hand. The archive holds this script, too, and runs without the tree.
set -uo pipefail
unset CDPATH
what=${1:-check}
case $what:$# in check:[01]) folder=device ;; more:1) folder=device-more ;; *) echo "usage: device-check.sh [more]" >&2 && exit 2 ;; esac
top=$(cd "$(dirname "$0")/.." && pwd)
case ${BUDGET:=420} in *[!0-9]*) echo "device-check.sh: BUDGET is a number of seconds, not '$BUDGET'" >&2 && exit 2 ;; esac
OUT=${OUT:-$top/build/$folder}
mkdir -p "$OUT" && OUT=$(cd "$OUT" && pwd) && cd "$top" || exit 2
export OUT

of_card() { nvidia-smi --query-gpu="$1" --format=csv,noheader 2> /dev/null | head -n 1; }
card=$(of_card compute_cap | sed -n 's/^\([0-9]*\)\.\([0-9]*\)$/\1\2/p') # 90; where it fails it prints sentences
suits() { [ -z "$card" ] || grep -q "sm_$card\$" "$1/arch"; }

archive=carry/gnnspai-device.tar.xz unpacked=build/device-archive/gnnspai-device
if [ -e $archive ]; then
  rm -rf build/device-archive && mkdir -p build/device-archive
  # tar needs xz, which a small system lacks
  tar -xJf $archive -C build/device-archive || python3 -c "import tarfile; tarfile.open('$archive').extractall('build/device-archive')"
  if [ $? -ne 0 ] || [ ! -x $unpacked/kernels/device-check.sh ]; then echo "device-check.sh: $archive is damaged, it is left out" >&2
  elif suits $unpacked; then exec $unpacked/kernels/device-check.sh "$@"; fi
fi

# CUDA's libraries may be the toolkit's or those of Python packages
libraries=$top/lib
for folder in /usr/local/cuda/lib64 $(python3 -c 'import site; print(*(s + "/nvidia/*/lib" for s in site.getsitepackages()))' 2> /dev/null); do
  [ ! -d "$folder" ] || libraries+=:$folder
done
export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export PATH=$top/bin:$PATH:/usr/local/cuda/bin
export PETSC_OPTIONS="-use_gpu_aware_mpi 0" # an MPI that knows of GPUs is not asked for
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
commit=$(cat commit 2> /dev/null || git describe --always --dirty 2> /dev/null || echo unknown)
export commit results=$OUT

# ---- steps and verdicts ----

work=$(mktemp -d) || exit 2
trap 'kill $(jobs -p) 2> /dev/null; rm -rf "$work"' EXIT
rm -f "$OUT"/{summary.txt,profile.csv} "$OUT"/{*-cuda.json*,train-*}
{ echo "gnnspai $commit" && grep -m 1 'model name' /proc/cpuinfo; nvidia-smi; } > "$OUT/log.txt" 2>&1
budget=$BUDGET
no_programs=   # why there are none
lines=() right=0 failed=0 skipped=0
gpu=${card:+$(of_card name,driver_version)}

# report STATUS NAME TEXT: a line of the summary, by status 0 right, 1 failed, 2 skipped, with the text's first; returns the status
report() {
  local words=(ok FAILED SKIP)
  case $1 in 0) right=$((right + 1)) ;; 1) failed=$((failed + 1)) ;; 2) skipped=$((skipped + 1)) ;; esac
  lines+=("$(printf '%-6s %-26s %s' "${words[$1]}" "$2" "${3%%$'\n'*}")")
  {
    echo "gnnspai $commit on ${gpu:-no GPU}: $right right, $failed failed, $skipped skipped; $SECONDS s"
    printf '%s\n' "${lines[@]}"
  } > "$OUT/summary.txt"
  echo "[$SECONDS s] ${lines[-1]}"
  return "$1"
}

# lacks NEED...: what is missing of a GPU ("gpu") and of programs
lacks() {
  local need
  for need in "$@"; do
    if [ "$need" = gpu ]; then [ -n "$card" ] || echo "nvidia-smi names no GPU"; else command -v "$need" > /dev/null || echo "no $need"; fi
  done | head -n 1
}

# step NAME SECONDS NEEDS JUDGE COMMAND...: JUDGE prints the verdict's text and returns its status, from the command's status and output
step() {
  local name=$1 limit=$2 needs=$3 judge=$4 left=$((budget - SECONDS)) why=$no_programs status text
  shift 4
  output=$work/output
  [ -n "$why" ] || why=$(lacks $needs)
  [ -n "$why" ] || [ "$limit" -le $left ] || why="$left s are left, and it may take $limit"
  if [ -n "$why" ]; then report 2 "$name" "$why"; return; fi
  timeout -k 5 "$limit" "$@" > "$output" 2>&1 < /dev/null
  status=$?
  { echo "== $name: status $status: $*" && head -c 600000 "$output"; } >> "$OUT/log.txt" # which so stays below 16 MB
  text=$($judge $status)
  report $? "$name" "$text"
}

ended() { # ended STATUS: how a command that failed did
  case $1 in 124 | 137) echo "stopped, it took too long" ;; *) echo "status $1: $(grep -v '^ *$' "$output" | tail -n 1 | cut -c1-150)" ;; esac
  return 1
}

finishes() { if [ "$1" -eq 0 ]; then echo "done"; else ended "$1"; fi; }

passes() { # TAP
  local all wrong
  all=$(grep -c -E '^(not )?ok ' "$output") wrong=$(grep -c '^not ok ' "$output")
  if grep -q '^1\.\.0 # SKIP' "$output"; then sed -n 's/^1\.\.0 # SKIP //p' "$output"; return 2; fi
  if [ "$wrong" -gt 0 ]; then echo "$wrong of $all: $(grep -m 1 '^not ok ' "$output" | cut -c1-150)"; return 1; fi
  if [ "$1" -ne 0 ]; then ended "$1"; return; fi
  grep -q "^1\.\.$all\$" "$output" || { echo "$all tests, and no end"; return 1; }
  echo "$all tests"
}

copies() { # GB/s
  [ "$1" -eq 0 ] || { ended "$1"; return; }
  sed -n 's/.*"copy_GBps": \([0-9.]*\).*/a long copy moves \1 GB\/s/p' "$work/copy.json"
}

measures() { # iterations, and milliseconds of a solve, of gnnspai as it is
  [ "$1" -eq 0 ] || { grep -m 1 -o '[^ ].* failed: .*' "$output" | cut -c1-150 || ended "$1"; return 1; }
  awk '/: n = / {matrix = $1} $1 == "gnnspai" && !seen[matrix]++ {printf "%s %s, %s ms; ", matrix, $3, $7} END {print ""}' "$output"
}

# refuses PATTERN: the words of a tool that does not work on this machine, which says nothing of what it was to look at
refuses() { grep -m 1 -o -E "($1).*" "$output" | cut -c1-150; }

sanitizes() { # compute-sanitizer's own count
  if refuses 'Device not supported'; then return 2; fi
  grep -m 1 -o '[A-Z]* SUMMARY: .*' "$output" || { ended "$1"; return; }
  grep -q ' SUMMARY: 0 ' "$output"
}

profiles() {
  if refuses 'ERR_NVGPUCTRPERM|Failed to initialize the profiler'; then return 2; fi
  [ "$1" -eq 0 ] || { ended "$1"; return; }
  grep '^"' "$output" > "$work/lines" || { echo "no kernel was profiled"; return 1; }
  cat "$work/lines" >> "$OUT/profile.csv"
  echo "$(wc -l < "$work/lines") lines"
}

# ---- the steps ----

programs() {
  if [ -e makefile ] && [ -n "$card" ] && [ -n "${PETSC_DIR:-}" ] && command -v make > /dev/null; then
    # There is nothing without it, however long it takes
    step build 180 nvcc finishes make -j"$(nproc)" NVCCFLAGS="-O3 -lineinfo -gencode arch=compute_$card,code=sm_$card" cuda-programs
    [ $? -eq 0 ] || no_programs="not built"
  elif [ ! -x bin/cuda/t_cuda ]; then
    no_programs="no programs: carry has no archive for this card, and make or PETSC_DIR to build them is missing"
    [ -n "$card" ] || no_programs="nvidia-smi names no GPU, and there are no programs: carry has no archive"
  elif [ -e arch ] && ! suits .; then
    no_programs="the programs are for $(cat arch), the card is sm_$card"
  fi
  step programs 60 "" finishes bin/gnnspai-bench -bench_laplacian 4,4,4 -bench_pc jacobi -bench_repeat 1
  [ $? -ne 1 ] || no_programs="the programs do not start"
}

run_tests() {
  local test
  for test in t_device t_devicefsai t_devicecoarse t_devicecg t_devicetrain t_cuda; do
    step $test 45 "" passes bin/cuda/$test
    [ $? -ne 1 ] || wrong+=($test)
  done
}

# In the background, on the processor, while the GPU is tested
make_matrices() { for name in "$@"; do timeout 120 bench/measure.sh matrices $name > "$work/matrices.$name" 2>&1 & done; }

measure() { # measure NAME SECONDS OPTIONS...: the table goes to the terminal, too
  local name=$1 limit=$2
  shift 2
  step $name $limit gpu measures bench/measure.sh cuda $name "$@"
  [ $? -eq 2 ] || cut -c1-130 "$output"
}

# sanitizer TOOL TEST [EMULATE_SMALL=1]: few and small cases, in which every kernel runs
sanitizer() { step "$1 of $2" 60 "gpu compute-sanitizer" sanitizes env ${3:-} compute-sanitizer --tool $1 bin/cuda/$2; }

on_device="-bench_mat_type aijcusparse -bench_vec_type cuda"
profile() { # profile WHAT KERNELS LAUNCHES PC: counters of the first launches on a 7-point Laplacian
  local counters=gpu__time_duration.sum,dram__bytes.sum,launch__registers_per_thread,sm__warps_active.avg.pct_of_peak_sustained_active,dram__throughput.avg.pct_of_peak_sustained_elapsed
  step "ncu: $1" 30 "gpu ncu" profiles ncu --clock-control none --metrics $counters -k "regex:$2" -c "$3" --csv bin/gnnspai-bench $on_device -bench_laplacian 100,100,100 -bench_pc "$4" \
    -bench_rhs random -bench_repeat 1 -bench_max_it 3 -bench_profile 0
}

two_ranks() {
  local launcher
  launcher=$(command -v mpiexec.hydra || echo mpiexec)
  step "t_cuda on 2 ranks" 40 "$launcher" passes "$launcher" -n 2 bin/cuda/t_cuda
}

check() {
  local wrong=() test few="-bench_repeat 3 -bench_seconds 0.3 -bench_modes default,graph,single_reduction -bench_rtol 1e-8"
  if [ -z "$no_programs" ] && [ -n "$card" ]; then make_matrices heat poisson synthetic hyperelasticity; fi
  run_tests
  wait
  step copy 20 gpu copies bin/gnnspai-bench $on_device -bench_laplacian 46,46,46 -bench_pc jacobi -bench_repeat 3 -bench_json "$work/copy.json"
  measure iteration 60 -bench_rtol 1e-8
  measure heat 30 $few
  measure poisson 30 $few
  measure synthetic 80 $few
  measure hyperelasticity 40 $few
  measure laplacian 60 $few -bench_laplacian 46,46,46,100,100,100
  for test in ${wrong[@]+"${wrong[@]}"}; do sanitizer memcheck $test; done
  profile "layers and decoder" 'Layer|Decode' 5 gnnspai
  profile product '^Multiply$' 6 gnnspai
  profile "FSAI rows" '^Rows$' 4 tfsai
  two_ranks
  for test in t_device t_devicefsai t_devicecg t_devicetrain; do sanitizer racecheck $test EMULATE_SMALL=1; done
}

more() {
  step train 60 gpu finishes bench/measure.sh cuda train
  if ! python3 -c 'import torch, numpy' 2> /dev/null; then report 2 train-torch "no python3 with torch and numpy"
  else step train-torch 150 gpu finishes bench/measure.sh cuda train-torch; fi
  measure sizes 90
  measure laplacian 120 -bench_pc jacobi,fsai,tfsai,small,gnnspai # the others take minutes for ten million rows
}

programs
$what
echo "$failed failed, $skipped skipped; $OUT/summary.txt"
exit $((failed > 0))
