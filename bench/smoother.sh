#!/usr/bin/env bash
# gnnspai as a multigrid smoother in PETSc's own tutorials: linear iterations in all, a table in Markdown. From the top: bench/smoother.sh > FILE
top=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. tests/apps/apps.sh
apps_find
[ -n "$sources" ] || { echo "PETSc's tutorials are not installed" >&2; exit 1; }

# iterations PROGRAM OPTIONS...: summed over the linear solves, - if one fails
iterations() {
  "$work/$1" "${@:2}" -ksp_rtol 1e-8 -ksp_max_it 200 -ksp_converged_reason -dll_append "$top/lib/libgnnspai.so" > "$work/log" 2>&1
  awk '/Linear.* solve did not converge/ {bad = 1} /Linear.* solve converged/ {n += $NF} END {print bad || !n ? "-" : n}' "$work/log"
}

# row NAME OPTIONS...: a line of the table, of a tutorial in tests/apps/table
row() {
  local program=$1 source prefix options smoother
  [ -x "$work/$program" ] || app_compile "$program" "$work/$program" >&2 || exit 1
  app_get "$program"
  printf '| %s | `%s` |' "$source" "${*:2}"
  for smoother in "jacobi -mg_levels_ksp_max_it 2" "jacobi -mg_levels_ksp_max_it 6" "sor -mg_levels_ksp_max_it 2" "gnnspai -mg_levels_ksp_max_it 2"; do
    printf ' %s |' "$(iterations "$program" "${@:2}" -mg_levels_ksp_type chebyshev -mg_levels_pc_type $smoother)"
  done
  echo
}

cat <<END
# gnnspai as a multigrid smoother

Linear iterations in all, PETSc $(pkg-config --modversion PETSc), one rank, relative residual 1e-8 in KSP's own norm, Chebyshev smoothing with the given number of steps before and
after; the built-in model. A step with gnnspai is three sparse products, one with Jacobi is one: six Jacobi steps are the work of two with gnnspai. \`make bench-smoother\`.

| tutorial | options | jacobi, 2 | jacobi, 6 | sor, 2 | gnnspai, 2 |
|---|---|---|---|---|---|
END
row ex2 -m 150 -n 150 -ksp_type cg -pc_type gamg
row ex45 -da_refine 3 -ksp_type fgmres -pc_type mg
row ex45 -da_refine 3 -ksp_type fgmres -pc_type gamg
row ex50 -da_refine 5 -ksp_type cg -pc_type mg
row ex56 -ne 15 -alpha 1.e-3 -ksp_type cg -pc_type gamg -use_mat_nearnullspace
row snes_ex5 -da_refine 5 -ksp_type cg -pc_type mg
