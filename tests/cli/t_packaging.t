#!/usr/bin/env bash
# The version is one everywhere; what `make install` stages for a package; `make dist`. Each kind of package for real: make test-packaging. TAP.
. tests/tap.sh

version=$(sed -n 's/^#define PCGNNSPAI_VERSION "\(.*\)"/\1/p' pcgnnspai.h)
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]]
result $? "pcgnnspai.h has a version"
grep -qx "version: $version" CITATION.cff
result $? "CITATION.cff: the same" CITATION.cff
grep -q "version(\"$version\")" packaging/spack/packages/gnnspai/package.py
result $? "Spack's recipe: the same"
for program in gnnspai-train gnnspai-data; do
  run bin/$program -help intro
  grep -q "^$program $version: " "$log"
  result $? "$program -help intro"
done
compile tests/cli/app.c "$work/app" PETSc
run "$work/app" -dll_append "$top/lib/libgnnspai.so" -pc_type gnnspai -info && grep -q "PCGNNSPAIRegister(): gnnspai $version\$" "$log"
result $? "-info"

# Staged: all below DESTDIR, and what is installed names prefix and libdir only
stage=$work/stage
options=(-s --no-print-directory prefix=/opt/gnn libdir=/opt/gnn/lib64 python_site=/opt/gnn/python DESTDIR="$stage")
run make "${options[@]}" install-python
result $? "make install-python with DESTDIR and libdir"
(cd "$stage" && find . -type f | LC_ALL=C sort) > "$work/files"
for file in lib64/libgnnspai.so lib64/pkgconfig/gnnspai.pc bin/gnnspai-train bin/gnnspai-data include/pcgnnspai.h share/gnnspai/small.safetensors share/man/man3/PCGNNSPAI.3 share/man/man3/KSPCGGRAPH.3 python/gnnspai/__init__.py; do
  grep -qx "./opt/gnn/$file" "$work/files" || echo "no $file"
done > "$work/missing"
[ ! -s "$work/missing" ] && ! grep -v '^./opt/gnn/' "$work/files"
result $? "everything is there, and nothing elsewhere" "$work/missing"
! grep -rlF -e "$stage" -e "$top" --include='*.pc' --include='*.txt' --include='*.py' --include=folders --include=python "$stage" > "$work/missing"
result $? "no file names the place where it was made" "$work/missing"
export PKG_CONFIG_PATH=$stage/opt/gnn/lib64/pkgconfig:${PKG_CONFIG_PATH:-}
[ "$(pkg-config --modversion gnnspai)" = "$version" ] && pkg-config --libs gnnspai > "$log" && grep -q -e '-L/opt/gnn/lib64 ' "$log" && grep -q -e '-Wl,-rpath,/opt/gnn/lib64 ' "$log" && [ "$(pkg-config --variable=libdir gnnspai)" = /opt/gnn/lib64 ]
result $? "gnnspai.pc: the version, where the library is"
run make "${options[@]}" uninstall && [ -z "$(find "$stage" -type f 2> /dev/null)" ]
result $? "make uninstall"

if git ls-files --error-unmatch makefile > /dev/null 2>&1; then
  run make -s --no-print-directory dist archive="$work/gnnspai.tar.xz" && [ "$(tar tf "$work/gnnspai.tar.xz" | grep -v '/$' | sed "s|^gnnspai-$version/||" | sort)" = "$(git ls-tree -r --name-only HEAD | sort)" ]
  result $? "make dist: all that is committed"
else
  skip "make dist" "this is not a git repository"
fi
plan
