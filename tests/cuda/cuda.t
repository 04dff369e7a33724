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
for tool in memcheck racecheck; do
  for t in t_device t_devicefsai; do
    if [ -z "$sanitizer" ]; then
      skip "$t under $tool" "no compute-sanitizer"
      continue
    fi
    timeout 500 "$sanitizer" --tool $tool --error-exitcode 9 bin/cuda/$t > "$work/log" 2>&1
    result $? "$t under $tool"
  done
done
plan
