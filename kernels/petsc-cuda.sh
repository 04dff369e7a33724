#!/usr/bin/env bash
# A PETSc with CUDA and MPI in its own folder: petsc-cuda.sh FOLDER [ARCHITECTURES]
#
# From PETSc's source package on PyPI, which takes about 10 minutes of two cores; or from a ready wheel named by PETSC_WHEEL. MPI is the
# mpich wheel. What is there already is kept. FOLDER/env then holds what a shell must know.
set -euo pipefail
folder=${1:?usage: petsc-cuda.sh FOLDER [ARCHITECTURES]}
arch=${2:-80,90}
version=3.26.1
mpich=5.0.2

stop() { echo "$*" >&2; exit 1; }
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
nvcc=$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2> /dev/null) || stop "No nvcc: install the CUDA toolkit (12 or later) and put its bin folder into PATH"
command -v python3 > /dev/null || stop "No python3, which PETSc's configure is written in: install it (on Debian: apt-get install python3 python3-venv)"
python3 -c 'import venv, ensurepip' 2> /dev/null || stop "python3 cannot make virtual environments: install its venv module (on Debian: apt-get install python3-venv)"
cuda=${nvcc%/bin/nvcc}
venv=$folder/venv
export PATH=$venv/bin:$cuda/bin:$PATH

[ -x "$venv/bin/pip" ] || python3 -m venv "$venv"
[ -x "$venv/bin/mpicc" ] || pip install -q mpich==$mpich
if [ -n "${PETSC_WHEEL:-}" ]; then
  [ -e "$folder/env" ] || pip install -q "$PETSC_WHEEL"
  prefix=$(python -m petsc --prefix)
elif [ ! -e "$folder/petsc/lib/pkgconfig/PETSc.pc" ]; then
  prefix=$folder/petsc
  printf 'int main(void) { return 0; }\n' > "$folder/link.c"
  cc -o "$folder/link" "$folder/link.c" -llapack -lblas 2> /dev/null || stop "No LAPACK to link with: install it (on Debian: apt-get install liblapack-dev libblas-dev)"
  rm -f "$folder/link" "$folder/link.c"
  pip install -q -U setuptools wheel
  source=$folder/petsc-$version
  [ -d "$source" ] || { pip download -q --no-deps --no-binary petsc --no-build-isolation -d "$folder" petsc==$version && tar -x -C "$folder" -f "$source.tar.gz"; } || { rm -rf "$source"; stop "No source package of PETSc $version from PyPI, or it does not unpack"; }
  cd "$source"
  [ -e arch-cuda/lib/petsc/conf/petscvariables ] || python3 ./configure PETSC_ARCH=arch-cuda --prefix="$prefix" --with-debugging=0 --with-shared-libraries=1 \
    --with-cc=mpicc --with-cxx=mpicxx --with-fc=0 --with-sowing=0 --with-cuda=1 --with-cudac=nvcc --with-cuda-arch="$arch" \
    --with-x=0 --with-ssl=0 --with-hwloc=0 --with-c2html=0 --with-bison=0 --with-blaslapack-lib="-llapack -lblas" \
    COPTFLAGS=-O2 CXXOPTFLAGS=-O2 CUDAOPTFLAGS=-O2 > configure.out || stop "PETSc's configure failed: see $source/configure.log"
  make PETSC_DIR="$PWD" PETSC_ARCH=arch-cuda MAKE_NP="$(nproc)" MAKE_LOAD=99 all > make.out 2>&1 || stop "PETSc does not compile: see $source/make.out"
  make PETSC_DIR="$PWD" PETSC_ARCH=arch-cuda install > install.out 2>&1 || stop "see $source/install.out"
  rm -rf "$source" "$source.tar.gz"
else prefix=$folder/petsc
fi
{
  printf 'export PETSC_DIR=%s PETSC_ARCH= PATH=%s:%s:$PATH\n' "$prefix" "$venv/bin" "$cuda/bin"
  echo 'export PETSC_OPTIONS="-use_gpu_aware_mpi 0 ${PETSC_OPTIONS:-}" # this MPI knows nothing of GPUs, and without it PETSc stops'
} > "$folder/env"
echo "PETSc with CUDA is in $prefix. To use it:  . $folder/env"
