#!/bin/bash
# The tests of the preconditioner, and an application, on 1, 2 and 4 ranks. Run from the top: prove tests/cli/t_mpi.t

. tests/tap.sh

# A whole TAP report with its plan, no failure, exit status 0
for test in t_pc t_fsai t_fallback t_pcsetup t_pcuse t_block t_blockmodel t_fail t_twice t_coarse t_scope t_matapply; do
  for n in ${RANKS:-2 4}; do
    timeout 900 $MPIEXEC -n $n bin/$test >"$work/log" 2>&1 && grep -q '^1\.\.[1-9]' "$work/log" && ! grep -q '^not ok' "$work/log"
    result $? "$test on $n ranks"
  done
done

timeout 900 $MPIEXEC -n 10 bin/t_scope >"$work/log" 2>&1 && grep -q '^1\.\.[1-9]' "$work/log" && ! grep -q '^not ok' "$work/log"
result $? "t_scope on 10 ranks, more than global scope is taken on by itself for a matrix without locality"
timeout 900 $MPIEXEC -n 2 bin/t_emulated >"$work/log" 2>&1 && grep -q '^1\.\.[1-9]' "$work/log" && ! grep -q '^not ok' "$work/log"
result $? "t_emulated on 2 ranks"

rpath=$(pkg-config --libs-only-L PETSc | sed 's/-L\([^ ]*\)/-Wl,-rpath,\1/g')
$CC -o "$work/app" $(pkg-config --cflags PETSc) tests/cli/app.c $(pkg-config --libs PETSc) $rpath -lm >"$work/log" 2>&1
for n in 1 2 4; do
  timeout 120 $MPIEXEC -n $n "$work/app" -dll_append "$PWD/lib/libgnnspai.so" -pc_type gnnspai >>"$work/log" 2>&1 && grep -q 'pc gnnspai: converged' "$work/log"
  result $? "an application with -dll_append on $n ranks"
  : >"$work/log"
done

# An application of the coarse space, on four ranks: one sum over the ranks, and no other message
timeout 120 $MPIEXEC -n 4 "$work/app" -m 80 -n 80 -dll_append "$PWD/lib/libgnnspai.so" -pc_type gnnspai -log_view ":$work/log.csv:ascii_csv" >>"$work/log" 2>&1
awk -F, '/^Main Stage,GNNSPAICoarseApply,/ {n += $4; messages += $6; sums += $8; print} END {exit !(n > 0 && messages == 0 && sums == n)}' "$work/log.csv" >>"$work/log"
result $? "an application of the coarse space is one sum over four ranks"
echo "1..$count"
