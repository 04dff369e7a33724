#!/usr/bin/env bash
# PETSc's tutorials, unmodified, with the plugin and -pc_type gnnspai alone: they converge, in no more iterations than with Jacobi. TAP.
. tests/tap.sh

# iterations NAME PC: of all its linear solves; "failed" if one did not converge
iterations() {
  app_run "$1" "$work/$1" -@ksp_type cg -@pc_type "$2" -dll_append "$top/lib/libgnnspai.so" -@ksp_norm_type unpreconditioned -@ksp_rtol 1e-8 -@ksp_converged_reason > "$work/$2" 2>&1
  awk '/Linear.* solve did not converge/ {bad = 1} /Linear.* solve converged/ {n += $NF} END {print bad || !n ? "failed" : n}' "$work/$2"
}

apps_find
for name in $(awk '!/^#/ {print $1}' tests/apps/table); do
  if [ -z "$sources" ]; then
    skip "$name" "PETSc's tutorials are not installed"
  elif ! app_compile "$name" "$work/$name" > "$log"; then
    skip "$name" "$(grep -m 1 'error' "$log" | tr '#' ' ')"
  else
    jacobi=$(iterations "$name" jacobi)
    ours=$(iterations "$name" gnnspai)
    awk -v ours="$ours" -v jacobi="$jacobi" 'BEGIN {exit !(ours + 0 > 0 && jacobi + 0 > 0 && ours <= 1.05 * jacobi + 2)}'
    result $? "$name: $ours iterations, Jacobi $jacobi" "$work/gnnspai"
    rm -f "$work/$name"
  fi
done
plan
