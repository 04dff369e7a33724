#!/usr/bin/env bash
# As t_story.t, with a Python program of another library: DOLFINx's elasticity demo, 3 x 3 blocks, dumps its matrices for some materials,
# gnnspai-train starts from the built-in model of block size 3, and the demo is solved with the result for other materials. TAP.
. tests/tap.sh

python=/usr/bin/python3
demo=/usr/share/dolfinx/demo-python/demo_elasticity.py
theirs=$($python -c 'import dolfinx; from petsc4py import PETSc; print(".".join(str(k) for k in PETSc.Sys.getVersion()))' 2> /dev/null)
[ -n "$theirs" ] && [ -f "$demo" ] || { echo "1..0 # SKIP DOLFINx or its demos are not installed (on Debian: python3-dolfinx-real, dolfinx-doc)"; exit 0; }
[ "$theirs" = "$(pkg-config --modversion PETSc)" ] || { echo "1..0 # SKIP DOLFINx has another PETSc, $theirs"; exit 0; }

# demo NU OPTIONS...: on a small mesh, with the solver of the options in place of the demo's own; it writes where it runs
export XDG_CACHE_HOME=$work/cache
demo() {
  local nu=$1
  shift
  sed -e "s/^ν = .*/ν = $nu/" -e 's/\[16, 16, 16\]/[12, 6, 6]/' -e '/^opts\["\(pc_type\|ksp_rtol\)"\]/d' "$demo" > "$work/demo.py"
  (cd "$work" && PETSC_OPTIONS="-ksp_rtol 1e-8 -ksp_norm_type unpreconditioned -ksp_converged_reason $*" $python demo.py)
}
seen=(0.05 0.25 0.45)
unseen=(0.15 0.35 0.47)
plugin=(-dll_append "$top/lib/libgnnspai.so" -pc_type gnnspai)

for nu in "${seen[@]}"; do
  run demo $nu -pc_type jacobi -ksp_view_mat "binary:$work/A_$nu.dat" && [ -s "$work/A_$nu.dat" ] && grep -q 'block_size 3' "$work/A_$nu.dat.info" || break
done
result $? "the demo dumps a matrix for each Poisson's ratio, its block size beside it"

run bin/gnnspai-train -gnn_block_size 3 -train_matrices "$work/A_*.dat" -train_validation "$work/A_*.dat" -train_init general3 -train_loss kaporin -train_steps 60 \
  -train_validate_every 20 -train_lr 2e-3 -train_output "$work/mine.safetensors"
result $? "training on them"

iterations() { # iterations OPTIONS...: one number a line, of the matrices that training has not seen
  for nu in "${unseen[@]}"; do
    demo "$nu" "$@" 2>&1 | tee -a "$log" | sed -n 's/.*converged due to CONVERGED_RTOL iterations //p'
  done
}
iterations -pc_type jacobi > "$work/jacobi"
network=("${plugin[@]}" -pc_gnnspai_values network -pc_gnnspai_coarse 0 -pc_gnnspai_threshold 0)
iterations "${network[@]}" > "$work/builtin"
iterations "${network[@]}" -pc_gnnspai_model "$work/mine.safetensors" > "$work/mine"
paste "$work/jacobi" "$work/builtin" "$work/mine" > "$work/table"
awk 'NF == 3 && $2 < 0.6 * $1 {good++} END {exit good != 3}' "$work/table"
result $? "the built-in model: on each of the others fewer than 0.6 times Jacobi's iterations" "$work/table"
awk 'NF == 3 && $3 <= $2 {good++} END {exit good != 3}' "$work/table"
result $? "trained: not more than with the built-in model" "$work/table"
sed 's/^/# jacobi, built-in, trained: /' "$work/table"
run demo 0.3 "${network[@]}" -ksp_view && grep -q 'general3' "$log" && grep -q 'guard: the network' "$log"
result $? "the demo's matrix has full blocks: the model is that of block size 3"
plan
