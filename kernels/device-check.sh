#!/usr/bin/env bash
# On a machine with a GPU, without a network: build, CUDA tests, benchmarks, short table. device-check.sh [tests|bench]
#
# PETSc is the one of PETSC_DIR, or the wheel in the folder carry (see carry.sh). Nothing is installed outside build/.
set -uo pipefail
cd "$(dirname "$0")/.."
what=${1:-all}
top=$PWD
stop() { echo "device-check: $*" >&2; exit 1; }

if [ -z "${PETSC_DIR:-}" ]; then
  ls carry/petsc-*.whl > /dev/null 2>&1 || stop "set PETSC_DIR to a PETSc with CUDA, or make the folder carry (kernels/carry.sh) where there is a network"
  venv=$top/build/device-venv
  [ -x "$venv/bin/mpicc" ] || { python3 -m venv --without-pip "$venv" && python3 -m pip --python "$venv" install -q --no-index --no-deps carry/*.whl; } || stop "cannot install the wheels of carry"
  PETSC_DIR=$("$venv/bin/python" -m petsc --prefix) || stop "the wheel gives no PETSC_DIR"
  export PETSC_DIR PETSC_ARCH=
  export PATH=$venv/bin:$PATH
fi
nvcc=$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2> /dev/null) || stop "no nvcc"
export PATH=$PATH:${nvcc%/nvcc}:$top/carry/bin
export LD_LIBRARY_PATH=${nvcc%/bin/nvcc}/lib64:${LD_LIBRARY_PATH:-}:$top/carry/lib LIBRARY_PATH=${LIBRARY_PATH:-}:$top/carry/lib
export PKG_CONFIG_PATH=$top/carry/lib/pkgconfig:${PKG_CONFIG_PATH:-}
arch=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2> /dev/null | head -n 1 | tr -d .)
[ -z "$arch" ] || export NVCCFLAGS="-O3 -gencode arch=compute_$arch,code=sm_$arch"
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2> /dev/null || echo "device-check: no GPU, its tests will be skipped"

start=$SECONDS
mkdir -p build; make -j"$(nproc)" cuda-programs > build/device-check.log 2>&1 || { tail -n 30 build/device-check.log; stop "the build failed"; }
echo "built in $((SECONDS - start)) s"
failed=0
if [ "$what" != bench ]; then
  make test-cuda || failed=1
fi
if [ "$what" != tests ] && [ -n "$arch" ]; then
  make bench-cuda || failed=1
  make where=cuda bench-train || failed=1
  if python3 -c 'import torch, numpy' 2> /dev/null; then make where=cuda bench-train-torch || failed=1; fi
  command -v python3 > /dev/null && python3 bench/table.py bench/results/*-cuda.json
fi
exit $failed
