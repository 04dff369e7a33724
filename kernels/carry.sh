#!/usr/bin/env bash
# What a machine with a GPU, a CUDA toolkit and no network needs beside this tree, in the folder carry: carry.sh WHEEL
#
# WHEEL is a wheel of a PETSc with CUDA (pip wheel petsc, see petsc-cuda.sh for the options). Taken from this machine: BLAS and LAPACK,
# jansson, pkg-config and make. About 35 MB. device-check.sh finds them there.
set -euo pipefail
cd "$(dirname "$0")/.."
wheel=${1:?usage: carry.sh WHEEL, a wheel of a PETSc with CUDA}
rm -rf carry
mkdir -p carry/bin carry/include carry/lib/pkgconfig
cp "$wheel" carry
python3 -m pip download -q --no-deps -d carry mpich==5.0.2
library() { ldconfig -p | sed -n "s/^[[:space:]]*$1 .* => //p" | head -n 1; }
for name in libblas.so.3 liblapack.so.3 libgfortran.so.5 libquadmath.so.0 libjansson.so.4 libpkgconf.so.3; do
  file=$(library $name)
  [ -z "$file" ] || cp -L "$file" carry/lib/$name
done
echo 'INPUT(libjansson.so.4)' > carry/lib/libjansson.so
echo 'INPUT(liblapack.so.3)' > carry/lib/liblapack.so
echo 'INPUT(libblas.so.3)' > carry/lib/libblas.so
cp "$(pkg-config --variable=includedir jansson)"/jansson*.h carry/include
printf 'Name: jansson\nDescription: jansson\nVersion: 2\nCflags: -I%s\nLibs: -L%s -ljansson\n' '${pcfiledir}/../../include' '${pcfiledir}/..' > carry/lib/pkgconfig/jansson.pc
cp -L "$(command -v pkg-config)" carry/bin/pkg-config
cp -L "$(command -v make)" carry/bin/make
du -sh carry
