#!/usr/bin/env bash
# The programs of tests/apps/table with Jacobi, ICC, GAMG and gnnspai, on 1, 2 and 4 ranks: a table in Markdown. From the top: bench/apps.sh [NAME...] > FILE
#
# From the environment: ranks; timed, most ranks with times, as many as there are cores unless said; repeat, runs of these, of which the fastest counts; note and
# commit, for the table; PYTHON, with pyamg and scikit-fem. Progress goes to stderr.
top=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. tests/apps/apps.sh
apps_find
pcs=(jacobi icc gamg gnnspai)
timed=${timed:-$(nproc)}
repeat=${repeat:-3}

# Milliseconds in set-ups and solves: what PETSc's nested log has below the outermost PCSetUp, KSPSetUp or KSPSolve, in microseconds
solver_ms() { awk '/(^|;)(PCSetUp|PCSetUpOnBlocks|KSPSetUp|KSPSolve)(;| )/ {us += $NF} END {printf "%.1f", us / 1e3}' "$1"; }

# measure NAME RANKS PC: "iterations ms", "iterations -" where there are no times, "- -" where a solve fails
measure() {
  local name=$1 n=$2 type=$3 sub=() launch= its best=- runs=1
  [ "$n" = 1 ] || launch="${MPIEXEC:-mpiexec} -n $n"
  [ "$n$3" = 1icc ] || [ "$3" != icc ] || type=bjacobi sub=(-@sub_pc_type icc)
  [ "$n" -gt "$timed" ] || runs=$repeat
  for ((; runs > 0; runs--)); do
    rm -f "$work/flames"
    app_run "$name" "$work/$name" -@ksp_type cg -@pc_type "$type" "${sub[@]}" -@ksp_norm_type unpreconditioned -@ksp_rtol 1e-8 -@ksp_converged_reason -@ksp_view \
      -dll_append "$top/lib/libgnnspai.so" -log_view ":$work/flames:ascii_flamegraph" > "$work/log" 2>&1
    its=$(app_iterations "$work/log")
    [ "$its" != failed ] && [ -s "$work/flames" ] || { echo "- -"; return; }
    [ "$n" -gt "$timed" ] || best=$(echo "$best $(solver_ms "$work/flames")" | awk '{print $1 == "-" || $2 < $1 ? $2 : $1}')
  done
  echo "$its $best"
}

# rows NAME: a line for each number of ranks; the fastest in bold, and gnnspai's time over it
rows() {
  local name=$1 n pc line
  for n in ${ranks:-1 2 4}; do
    [ "$n" -le "$most" ] || continue
    line=
    for pc in "${pcs[@]}"; do line+=" $(measure "$name" "$n" "$pc")"; done
    echo "$name $n$line" >&2
    echo "$line" | awk -v name="$name" -v ranks="$n" -v size="$(sed -n 's/.* rows=\([0-9]*\), cols.*/\1/p' "$work/log" | sort -n | tail -n 1)" '{
      for (k = 2; k <= NF; k += 2) if ($k != "-" && (!best || $k < best)) best = $k
      printf "| %s | %s | %s |", name, size, ranks
      for (k = 1; k < NF; k += 2) printf " %s |", $(k + 1) == "-" ? $k : sprintf($(k + 1) == best ? "%s, **%.3g**" : "%s, %.3g", $k, $(k + 1))
      printf " %s |\n", $NF == "-" ? "" : sprintf("%.2f", $NF / best)}'
  done
}

cat <<END_OF_HEAD
# Programs that others wrote

What is in \`tests/apps/table\`, which has the sizes: PETSc's tutorials, demos of petsc4py and DOLFINx, matrices of pyamg and scikit-fem. CG to 1e-8 of the unpreconditioned norm, PETSc's
defaults for the others; on several ranks ICC is that of each rank's block. Iterations of all the program's solves, and the milliseconds in its set-ups and solves, refreshes included
(PETSc's log, the least of $repeat runs, on up to $timed ranks); in bold the fastest, last column: gnnspai's time over it. A dash: a solve failed. PETSc $(pkg-config --modversion PETSc).${note:+ $note}${commit:+ Commit $commit.}
\`make bench-apps\`.

| program | n | ranks | jacobi | icc | gamg | gnnspai | over the fastest |
|---|---|---|---|---|---|---|---|
END_OF_HEAD
for name in ${*:-$(apps_names)}; do
  app_get "$name"
  app_compile "$name" "$work/$name" > "$work/log" || { echo "$name left out: $(grep -m 1 error "$work/log")" >&2; continue; }
  rows "$name"
  rm -f "$work/$name"
done
