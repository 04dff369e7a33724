#!/bin/bash
# The tests of the preconditioner, and an application, on 1, 2 and 4 ranks. Run from the top: prove tests/cli/t_mpi.t

. tests/tap.sh

# A whole TAP report with its plan, no failure, exit status 0
report() { # report RANKS PROGRAM
  timeout 900 $MPIEXEC -n $1 bin/$2 >"$work/log" 2>&1 && grep -q '^1\.\.[1-9]' "$work/log" && ! grep -q '^not ok' "$work/log"
  result $? "$2 on $1 ranks"
}
for test in t_pc t_fsai t_fallback t_pcsetup t_pcuse t_block t_blockmodel t_fail t_twice t_coarse t_scope t_matapply; do
  for n in ${RANKS:-2 4}; do report $n $test; done
done
# On more than eight each would need all rows of a matrix that is coupled all over
if [ -n "$RANKS" ]; then skip "t_scope on 10 ranks" "RANKS is $RANKS"; else report 10 t_scope; fi
if [ -x bin/t_emulated ]; then report 2 t_emulated; else skip "t_emulated on 2 ranks" "it is not built"; fi

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

# Elasticity, whose P has many entries: the coarse space is taken on several ranks as on one
. tests/apps/apps.sh
apps_find
if [ -z "$sources" ]; then
  skip "elasticity on 1 to 4 ranks" "PETSc's tutorials are not installed"
elif ! app_compile ex49 "$work/ex49" >"$log"; then
  skip "elasticity on 1 to 4 ranks" "$(grep -m 1 'error' "$log" | tr '#' ' ')"
else
  app_get ex49
  for n in 1 2 3 4; do
    timeout 120 $MPIEXEC -n $n "$work/ex49" $options -mx 70 -my 70 ${prefix}ksp_type cg ${prefix}ksp_rtol 1e-8 ${prefix}pc_type gnnspai ${prefix}ksp_converged_reason -dll_append "$PWD/lib/libgnnspai.so" >"$work/log" 2>&1
    awk '/solve converged/ {its = $NF} END {exit !(its > 0 && its <= 32)}' "$work/log" # 22 to 25; 364 on two without a coarse space
    result $? "elasticity on $n ranks: at most 32 iterations"
  done
fi
echo "1..$count"
