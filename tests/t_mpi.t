#!/bin/bash
# The tests of the preconditioner, and an application, on 1, 2 and 4 ranks. Run from the top: prove tests/t_mpi.t

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
unset PETSC_OPTIONS
[ -n "$PETSC_DIR" ] && export PKG_CONFIG_PATH=$PETSC_DIR/$PETSC_ARCH/lib/pkgconfig:$PKG_CONFIG_PATH
CC=${CC:-mpicc}
MPIEXEC=${MPIEXEC:-mpiexec}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
count=0

# result STATUS NAME: one TAP line; a failure shows the output
result() {
  count=$((count + 1))
  if [ "$1" -eq 0 ]; then
    echo "ok $count - $2"
  else
    echo "not ok $count - $2"
    grep -v '^ok ' "$work/log" | sed 's/^/# /' | head -40
  fi
}

# A whole TAP report with its plan, no failure, exit status 0
for test in t_pc t_pcsetup t_pcuse t_fail t_twice; do
  for n in 2 4; do
    timeout 120 $MPIEXEC -n $n bin/$test >"$work/log" 2>&1 && grep -q '^1\.\.[1-9]' "$work/log" && ! grep -q '^not ok' "$work/log"
    result $? "$test on $n ranks"
  done
done

rpath=$(pkg-config --libs-only-L PETSc | sed 's/-L\([^ ]*\)/-Wl,-rpath,\1/g')
$CC -o "$work/app" $(pkg-config --cflags PETSc) tests/app.c $(pkg-config --libs PETSc) $rpath -lm >"$work/log" 2>&1
for n in 1 2 4; do
  timeout 120 $MPIEXEC -n $n "$work/app" -dll_append "$PWD/lib/libgnnspai.so" -pc_type gnnspai >>"$work/log" 2>&1 && grep -q 'pc gnnspai: converged' "$work/log"
  result $? "an application with -dll_append on $n ranks"
  : >"$work/log"
done
echo "1..$count"
