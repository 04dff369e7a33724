#!/usr/bin/env bash
# The programs of this tree and what they need, but for CUDA and the C library, in one file: device-archive.sh FILE COMMIT NVCCFLAGS
#
# kernels/device-check.sh finds it as carry/gnnspai-device.tar.xz; or, unpacked anywhere, it is run by its own kernels/device-check.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
file=$1 commit=$2 flags=$3
stage=build/archive/gnnspai-device
rm -rf build/archive
mkdir -p $stage/{bin/cuda,lib,kernels,bench/extra,tests/reference/data} "$(dirname "$file")"
echo "$commit" > $stage/commit
grep -o 'sm_[0-9]*' <<< "$flags" > $stage/arch
cp kernels/device-check.sh $stage/kernels
cp bench/measure.sh $stage/bench
cp bench/extra/{train_torch,petscfile}.py "${PETSC_DIR:-$(pkg-config --variable=prefix PETSc)}/lib/petsc/bin/PetscBinaryIO.py" $stage/bench/extra
cp tests/reference/data/{matrix_a.dat,default.*} $stage/tests/reference/data # which train_torch.py compares with
cp bin/gnnspai-{bench,data,train} $stage/bin
cp bin/cuda/t_* $stage/bin/cuda

# What runs the tests on two ranks; MPICH's needs a program beside it
mpi=$(dirname "$(command -v "${MPICC:-mpicc}")")
for program in mpiexec.hydra hydra_pmi_proxy; do
  [ ! -e "$mpi/$program" ] || cp "$mpi/$program" $stage/bin
done

# Libraries that any machine with a GPU has are not carried
theirs='/(ld-linux[^/]*|lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+|cu[a-zA-Z]*|nv[a-zA-Z]*))\.so'
ours() { ldd $stage/bin/{gnnspai-*,cuda/*} | awk '$2 == "=>" {print $3 == "not" ? "missing:" $1 : $3}' | sort -u | grep -v -E "$theirs"; }
cp -L $(ours) $stage/lib

# Of LAPACK what is called, where its static library is at hand
static=$(cc -print-file-name=liblapack_pic.a)
if [ -e "$static" ] && [ -e $stage/lib/liblapack.so.3 ]; then
  symbols() { nm -D --format=posix "$@" | sed -n 's/^\([a-z0-9]*_\) .*/\1/p' | sort -u; }
  called=$(comm -12 <(symbols --undefined-only $stage/lib/libpetsc* $stage/bin/gnnspai-*) <(symbols --defined-only $stage/lib/liblapack.so.3))
  cc -O2 -fPIC -shared -Wl,-soname,liblapack.so.3 -Wl,-z,defs -o $stage/lib/liblapack.so.3 $(printf -- '-Wl,-u,%s ' $called) kernels/lapack.c "$static" $stage/lib/libblas.so.3 -lm
  ldd $stage/lib/* | grep -q libgfortran || rm -f $stage/lib/lib{gfortran,quadmath}.so.*
fi
left=$(LD_LIBRARY_PATH=$PWD/$stage/lib ours | grep -v "^$PWD/$stage/lib/" || true)
[ -z "$left" ] || { echo "The archive lacks" $left >&2; exit 1; }
strip --strip-unneeded $stage/bin/gnnspai-* $stage/bin/cuda/* $stage/lib/liblapack.so.3

# Programs with the same kernels compress to little more than one, with a dictionary for all: 15 MB, in a minute and a half; preset=0: larger, in seconds
tar -C build/archive --sort=name --owner=0 --group=0 -cf - gnnspai-device | xz -T1 --x86 --lzma2=preset=${preset:-6},dict=256MiB > "$file"
ls -l "$file" | awk '{printf "%s: %.1f MB\n", $NF, $5 / 1e6}'
