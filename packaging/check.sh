#!/usr/bin/env bash
# make test-packaging: each kind of package, made of the archive of what is committed, and used. Minutes; what has no tools here is skipped, with the reason. TAP.
. tests/tap.sh
version=$(sed -n 's/^#define PCGNNSPAI_VERSION "\(.*\)"/\1/p' pcgnnspai.h)
python=${PYTHON:-/usr/bin/python3}
archive=$top/build/gnnspai-$version.tar.xz

has() { command -v "$1" > /dev/null; }
unpack() { mkdir "$work/$1" && tar xf "$archive" -C "$work/$1" --strip-components 1; }
cat > "$work/use.py" << 'EOF'
import gnnspai
from petsc4py import PETSc

pc = PETSc.PC().create()
pc.setType("gnnspai")
print("types:", pc.getType(), gnnspai.library())
EOF
# uses NAME FOLDER COMMAND...: the type comes from a library below FOLDER
uses() {
  local name=$1 folder=$2
  shift 2
  run env -C "$work" "$@" use.py && grep -q "^types: gnnspai $folder/" "$log"
  result $? "$name"
}

run make -s --no-print-directory dist
result $? "make dist"

unpack tree
run make -j2 -C "$work/tree" lib programs && compile tests/cli/app.c "$work/app" PETSc && run "$work/app" -dll_append "$work/tree/lib/libgnnspai.so" -pc_type gnnspai
result $? "the archive builds by itself, and the library works"

# A wheel of the sdist that is made of the archive
if ! $python -c 'from petsc4py import PETSc' 2> /dev/null || ! $python -m venv --system-site-packages "$work/venv" > /dev/null 2>&1; then
  skip "wheel" "$python cannot import petsc4py, or has no venv"
elif ! "$work/venv/bin/pip" install -q build > "$log" 2>&1; then
  skip "wheel" "pip cannot install build"
else
  run "$work/venv/bin/python" -m build -o "$work/wheel" "$work/tree"
  result $? "sdist, and of it a wheel"
  run "$work/venv/bin/pip" install --no-deps --no-index "$work"/wheel/gnnspai-"$version"-py3-none-linux_*.whl
  result $? "it is tagged for the platform, and can be installed"
  uses "it works" "$work/venv" "$work/venv/bin/python"
  run "$work/venv/bin/gnnspai-train" -help intro && grep -q "^gnnspai-train $version" "$log"
  result $? "its programs start"
fi

if ! has dpkg-buildpackage || ! dpkg-checkbuilddeps packaging/debian/control 2> "$log"; then
  skip "Debian" "$(has dpkg-buildpackage && cat "$log" || echo 'there is no dpkg-buildpackage')"
else
  run packaging/deb.sh "$archive" "$work/debian"
  result $? "Debian's source and binary packages"
  for package in "$work"/debian/*.deb; do
    dpkg-deb -x "$package" "$work/root"
  done
  uses "they work" "$work/root" GNNSPAI_LIBRARY="$(ls "$work"/root/usr/lib/*/libgnnspai.so)" PYTHONPATH="$work/root/usr/lib/python3/dist-packages" $python
  [ -s "$work/root/usr/share/man/man3/PCGNNSPAI.3.gz" ] && ! readelf -d "$work"/root/usr/lib/*/libgnnspai.so | grep -q 'R.*PATH'
  result $? "with man pages, and no rpath"
fi

if ! has spack; then
  skip "Spack" "there is no spack"
else
  run env -C "$work/tree" spack -c "repos:[$work/tree/packaging/spack]" dev-build "gnnspai@$version"
  result $? "Spack"
fi
plan
