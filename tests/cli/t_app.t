#!/bin/bash
# The plugin in programs that were compiled without it: tests/cli/app.c, a tutorial of PETSc's, petsc4py; and as it is installed.
# Run from the top: prove tests/cli/t_app.t

. tests/tap.sh
lib=$top/lib/libgnnspai.so
shows() { grep -qF -e "$1" "$work/log"; }

# good NAME TEXT COMMAND...: succeeds and prints TEXT;  bad: fails and prints TEXT
good() {
  local name=$1 text=$2
  shift 2
  run "$@" && shows "$text"
  result $? "$name"
}
bad() {
  local name=$1 text=$2
  shift 2
  ! run "$@" && shows "$text"
  result $? "$name"
}

app=$work/app
plugin="-dll_append $lib -pc_type gnnspai"
converged="pc gnnspai: converged"

compile tests/cli/app.c "$app" PETSc
result $? "an application compiles without gnnspai"
good "it runs without gnnspai" "pc jacobi: converged" "$app" -pc_type jacobi
bad "it does not know gnnspai" "gnnspai" "$app" -pc_type gnnspai
good "-dll_append" "$converged" "$app" $plugin
PETSC_OPTIONS=$plugin good "-dll_append in PETSC_OPTIONS" "$converged" "$app"
good "-ksp_view" "type: gnnspai" "$app" $plugin -ksp_view
good "-pc_gnnspai_view_factor" "rows=930, cols=930" "$app" $plugin -pc_gnnspai_view_factor ::ascii_info
for scope in local global; do
  good "-pc_gnnspai_view_factor on two ranks, -pc_gnnspai_scope $scope" "rows=930, cols=930" $MPIEXEC -n 2 "$app" $plugin -pc_gnnspai_scope $scope -pc_gnnspai_view_factor ::ascii_info
done
good "-citations" "2510.27517" "$app" $plugin -citations

run "$app" $plugin -help
for option in values model epsilon threshold guard coarse precision scope view_factor; do
  shows "-pc_gnnspai_$option"
  result $? "-help lists -pc_gnnspai_$option"
done
grep -q 'pc_gnnspai_epsilon[: ].*the model.s' "$log" && grep -q 'pc_gnnspai_model[: ].*general.* heat.* small' "$log"
result $? "-help has epsilon's default in words, and the built-in models"
run "$app" $plugin -info
shows "guard: " && ! shows "alpha -"
result $? "-info says what the guard chose, in words"
run "$app" $plugin -log_view -pc_gnnspai_values network -pc_gnnspai_coarse 8
for event in Graph Forward Assemble Coarse Apply CoarseApply; do
  grep -Eq "^GNNSPAI$event +[1-9]" "$work/log"
  result $? "-log_view counts GNNSPAI$event"
done

run "$app" $plugin -pc_gnnspai_values fsai -log_view
grep -Eq '^GNNSPAIFsai +[1-9]' "$work/log" && ! grep -Eq '^GNNSPAIForward +[1-9]' "$work/log"
result $? "-pc_gnnspai_values fsai: -log_view counts GNNSPAIFsai and no network"

run "$app" $plugin -pc_gnnspai_epsilon 1e-3 -pc_gnnspai_epsilonn 1e-3 -options_left
shows "-pc_gnnspai_epsilonn" && ! grep -Eq -e '-pc_gnnspai_epsilon( |$)' <(sed -n '/unused\|not used/,$p' "$work/log")
result $? "a misspelt option is left over, the right one is not"
bad "a model that is not there" "cannot read model file haet" "$app" $plugin -pc_gnnspai_model haet
bad "epsilon of 0" "-pc_gnnspai_epsilon" "$app" $plugin -pc_gnnspai_epsilon 0
bad "an option that is gone" "-pc_gnnspai_guard <none,jacobi,fsai,best>" "$app" $plugin -pc_gnnspai_fallback jacobi
bad "a precision that does not exist" "-pc_gnnspai_precision" "$app" $plugin -pc_gnnspai_precision quarter

compile tests/cli/app.c "$work/linked" PETSc -DLINKED -I"$top" -L"$top/lib" -lgnnspai "-Wl,-rpath,$top/lib"
result $? "an application linked with the library compiles"
good "it runs" "$converged" "$work/linked" -pc_type gnnspai
good "linked and appended at once" "$converged" "$work/linked" $plugin
cp "$lib" "$work"
good "linked, and another copy appended" "$converged" "$work/linked" -dll_append "$work/libgnnspai.so" -pc_type gnnspai

version=$(pkg-config --modversion PETSc)
for tutorial in ex2 ex45; do
  source=$(tutorial $tutorial)
  for n in 1 2; do
    name="PETSc's tutorial $tutorial, $n ranks"
    if [ -z "$source" ]; then
      skip "$name" "the examples of PETSc $version are not installed"
    elif [ $n -eq 1 ] && ! compile "$source" "$work/$tutorial" PETSc; then
      result 1 "$name: compiles"
    else
      good "$name" "Linear solve converged" $MPIEXEC -n $n "$work/$tutorial" $plugin -ksp_type cg -ksp_max_it 50 -ksp_converged_reason # ex45's boundary rows are one-sided
    fi
  done
done

python=/usr/bin/python3
theirs=$($python -c 'from petsc4py import PETSc; print(".".join(str(k) for k in PETSc.Sys.getVersion()))' 2>/dev/null)
if [ -z "$theirs" ]; then
  skip "petsc4py" "$python cannot import petsc4py"
elif [ "$theirs" != "$version" ]; then
  skip "petsc4py" "petsc4py has PETSc $theirs, the library was built with $version"
else
  good "petsc4py" "$converged" $python tests/cli/petsc4py_app.py $plugin
fi

mkdir -p "$work/prefix/include" # which was there before
run make install prefix="$work/prefix"
result $? "make install"
grep -q '^/\* .*-pc_gnnspai_coarse)' "$work/prefix/include/pcgnnspai.h"
result $? "the installed header says what its functions do"
good "the installed gnnspai-data" "a_0.dat" "$work/prefix/bin/gnnspai-data" heat -data_n 64 -data_output "$work/a_%d.dat"
good "the installed gnnspai-train" "step 1" "$work/prefix/bin/gnnspai-train" -train_matrices "$work/a_0.dat" -gnn_width 8 -gnn_layers 1 -train_steps 1 -train_output "$work/m.safetensors"
export PKG_CONFIG_PATH=$work/prefix/lib/pkgconfig:$PKG_CONFIG_PATH
(cd "$work" && compile "$top/tests/cli/app.c" "$work/installed" gnnspai -DLINKED)
result $? "an application compiles with pkg-config gnnspai"
good "it runs" "$converged" "$work/installed" -pc_type gnnspai
good "the installed library, appended" "$converged" "$app" -dll_append "$work/prefix/lib/libgnnspai.so" -pc_type gnnspai
run ldd "$work/installed" && shows "$work/prefix/lib/libgnnspai.so"
result $? "it uses the installed library"

# Another PETSc.pc, first in pkg-config's path, is not taken
mkdir -p "$work/other"
printf 'Name: PETSc\nDescription: another\nVersion: 3.99\nLibs: -lanother\n' > "$work/other/PETSc.pc"
PKG_CONFIG_PATH=$work/other:$PKG_CONFIG_PATH run pkg-config --libs gnnspai && shows "$(pkg-config --libs-only-l PETSc)" && ! shows "-lanother"
result $? "gnnspai.pc requires the PETSc that the library was built with"
run make uninstall prefix="$work/prefix" && [ "$(cd "$work/prefix" && find . | paste -sd ' ')" = ". ./include" ]
result $? "make uninstall leaves what was there before, and nothing else"
echo "1..$count"
