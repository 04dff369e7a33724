#!/usr/bin/env bash
# The library on another processor and in programs with another PETSc: it works, or says what is wrong. The build with a PETSc that will not do. TAP.
. tests/tap.sh
plugin="-dll_append $top/lib/libgnnspai.so -pc_type gnnspai"

# other NAME OTHER TEXT: an application whose PETSc is another one gets the sentence, and no more
other() {
  compile tests/cli/app.c "$work/other" PETSc -DOTHER="$2" tests/cli/otherpetsc.c && ! run "$work/other" $plugin && grep -q "gnnspai was built for PETSc.*this program runs PETSc $3" "$log"
  result $? "$1: said at registration"
}
version=$(pkg-config --modversion PETSc)
version=${version%.*}
other "another version" 1 "3.99"
other "integers of another size" 2 "$version with \(64\|32\)-bit integers"
other "complex scalars" 3 "$version with .* complex scalars of 64 bits"
other "single precision" 4 "$version with .* real scalars of 32 bits"
compile tests/cli/app.c "$work/early" PETSc -DLINKED -DEARLY -I"$top" -L"$top/lib" -lgnnspai "-Wl,-rpath,$top/lib" && ! run "$work/early" -pc_type gnnspai && grep -q 'not initialized' "$log"
result $? "a PETSc that is not initialized: said, too"

# works_or_says NAME COMMAND...: never an illegal instruction
works_or_says() {
  local name=$1 status
  shift
  run "$@"
  status=$?
  [ $status -eq 0 ] || { [ $status -lt 128 ] && grep -q 'built for another processor, this one lacks .* make OPTFLAGS' "$log"; }
  result $? "$name: $(grep -q 'this one lacks' "$log" && echo says || echo works)"
}
if ! command -v qemu-x86_64 > /dev/null; then
  skip "other processors" "qemu-user is not installed"
elif ldd bin/gnnspai-bench | grep -q libcublas; then
  skip "other processors" "this PETSc has CUDA, whose libraries take long to load there"
else
  compile tests/cli/app.c "$work/app" PETSc
  for cpu in qemu64 Nehalem Haswell; do # x86-64, -v2, -v3 in the compiler's names
    works_or_says "the plugin on $cpu" qemu-x86_64 -cpu $cpu "$work/app" $plugin -m 8 -n 8
  done
  works_or_says "gnnspai-data on qemu64" qemu-x86_64 -cpu qemu64 bin/gnnspai-data heat -data_n 64 -data_output "$work/a_%d.dat"
  bin/gnnspai-data heat -data_n 64 -data_output "$work/a_%d.dat" > /dev/null 2>&1
  works_or_says "gnnspai-train on qemu64" qemu-x86_64 -cpu qemu64 bin/gnnspai-train -train_matrices "$work/a_0.dat" -gnn_width 8 -gnn_layers 1 -train_steps 1 -train_output "$work/m.safetensors"
  works_or_says "gnnspai-bench on qemu64" qemu-x86_64 -cpu qemu64 bin/gnnspai-bench -bench_matrices "$work/a_0.dat" -bench_pc gnnspai -bench_repeat 1 -bench_profile 0
fi

! run make PETSC_DIR=/typo PETSC_ARCH= lib && grep -q 'No PETSc in PETSC_DIR=/typo' "$log"
result $? "make PETSC_DIR=/typo fails"

mkdir -p "$work/complex/lib/pkgconfig"
printf 'Name: PETSc\nDescription: complex\nVersion: %s.0\nCflags: %s -DPETSC_USE_COMPLEX\nLibs: %s\n' "$version" "$(pkg-config --cflags PETSc)" "$(pkg-config --libs PETSc)" > "$work/complex/lib/pkgconfig/PETSc.pc"
! run make -j 2 --no-print-directory PETSC_DIR="$work/complex" PETSC_ARCH= lib && [ "$(grep -c 'error:' "$log")" -eq 1 ] && grep -v '^make' "$log" | head -n 1 | grep -q '#error.*needs real scalars'
result $? "a complex PETSc: one #error, first"
plan
