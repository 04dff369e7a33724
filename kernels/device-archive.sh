#!/usr/bin/env bash
# The programs of this tree and what they need, but for CUDA and the C library, in one file: device-archive.sh FILE COMMIT NVCCFLAGS
#
# kernels/device-check.sh finds it as carry/gnnspai-device.tar.xz; or, unpacked anywhere, it is run by its own kernels/device-check.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
file=$1 commit=$2 flags=$3
stage=build/archive/gnnspai-device
rm -rf build/archive
mkdir -p $stage/{bin/cuda,lib,kernels,bench} "$(dirname "$file")"
echo "$commit" > $stage/commit
grep -o 'sm_[0-9]*' <<< "$flags" > $stage/arch
cp kernels/device-check.sh $stage/kernels
cp bench/{measure.sh,train_torch.py} $stage/bench
cp bin/gnnspai-{bench,data,train} $stage/bin
cp bin/cuda/t_* $stage/bin/cuda

# What runs the tests on two ranks; MPICH's needs a program beside it
mpi=$(dirname "$(command -v "${MPICC:-mpicc}")")
for program in mpiexec.hydra hydra_pmi_proxy; do
  [ ! -e "$mpi/$program" ] || cp "$mpi/$program" $stage/bin
done

# Libraries that any machine with a GPU has are not carried
theirs='/(ld-linux[^/]*|lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+|cu[a-zA-Z]*|nv[a-zA-Z]*))\.so'
ldd $stage/bin/{gnnspai-*,cuda/*} | awk '/not found/ {print "missing: " $1 > "/dev/stderr"; exit 1} $2 == "=>" {print $3}' | sort -u | grep -v -E "$theirs" | while read -r library; do
  cp -L "$library" $stage/lib
done

# Of LAPACK what is called, where its static library is at hand
static=$(cc -print-file-name=liblapack_pic.a)
if [ -e "$static" ] && [ -e $stage/lib/liblapack.so.3 ]; then
  symbols() { nm -D --format=posix "$@" | sed -n 's/^\([a-z0-9]*_\) .*/\1/p' | sort -u; }
  called=$(comm -12 <(symbols --undefined-only $stage/lib/libpetsc* $stage/bin/gnnspai-*) <(symbols --defined-only $stage/lib/liblapack.so.3))
  cc -O2 -fPIC -shared -Wl,-soname,liblapack.so.3 -Wl,-z,defs -o $stage/lib/liblapack.so.3 $(printf -- '-Wl,-u,%s ' $called) kernels/lapack.c "$static" $stage/lib/libblas.so.3 -lm
  ldd $stage/lib/* | grep -q libgfortran || rm -f $stage/lib/lib{gfortran,quadmath}.so.*
fi
strip --strip-unneeded $stage/bin/gnnspai-* $stage/bin/cuda/* $stage/lib/liblapack.so.3

# Programs with the same kernels compress to one: a dictionary for all, and no filter but for what CUDA's instructions are, 16 bytes long
tar -C build/archive --sort=name --owner=0 --group=0 -cf - gnnspai-device | xz -T1 --lzma2=preset=${preset:-6},dict=256MiB,pb=4,lc=0,lp=4 > "$file"
ls -l "$file" | awk '{printf "%s: %.1f MB\n", $NF, $5 / 1e6}'
