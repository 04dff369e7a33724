#!/usr/bin/env bash
# The programs of tests/apps/table, unmodified, with the plugin and -pc_type gnnspai alone: they converge on one rank and on two, in about the iterations that
# the table says, and in no more than with Jacobi, whose number does not depend on the ranks. TAP.
. tests/tap.sh

# iterations NAME PC: of all its linear solves
iterations() {
  app_run "$1" "$work/$1" -@ksp_type cg -@pc_type "$2" -dll_append "$top/lib/libgnnspai.so" -@ksp_norm_type unpreconditioned -@ksp_rtol 1e-8 -@ksp_converged_reason > "$work/$2" 2>&1
  app_iterations "$work/$2"
}

# holds NAME ITERATIONS MOST JACOBI: numbers, and none is more than another PETSc or compiler explains
holds() {
  awk -v ours="$2" -v most="$3" -v jacobi="$4" 'BEGIN {exit !(ours + 0 > 0 && jacobi + 0 > 0 && ours <= most && ours <= 1.05 * jacobi + 2)}'
  result $? "$1: $2 iterations, Jacobi $4" "$work/gnnspai"
}

apps_find
for name in $(apps_names); do
  app_get "$name"
  if ! app_compile "$name" "$work/$name" > "$log"; then
    skip "$name" "$(grep -m 1 error "$log" | tr '#' ' ')"
    continue
  fi
  jacobi=$(iterations "$name" jacobi)
  holds "$name" "$(iterations "$name" gnnspai)" "$((${its%,*} * 6 / 5 + 3))" "$jacobi"
  [ "$most" -lt 2 ] || holds "$name on 2 ranks" "$(launch="$MPIEXEC -n 2" iterations "$name" gnnspai)" "$((${its#*,} * 6 / 5 + 3))" "$jacobi"
  rm -f "$work/$name"
done
plan
