#!/usr/bin/env bash
# The main use, as README tells it: a program that is not ours (PETSc's tutorial ex49, 2-D elasticity of bricks) dumps its
# matrices, gnnspai-train trains on half of them, and the program solves the others with the model. TAP.
# The mesh is cut unevenly: for a symmetric load CG sees the symmetric vectors only, and a preconditioner that is not symmetric as well,
# as the built-in start is, loses that.
. tests/tap.sh

source=$(tutorial ex49)
[ -n "$source" ] || { echo "1..0 # SKIP PETSc's tutorials are not installed"; exit 0; }
compile "$source" "$work/ex49" PETSc
result $? "the program compiles"

# ex49 STIFFNESS OPTIONS...: the program's solver has the prefix elas_
ex49() {
  local stiffness=$1
  shift
  "$work/ex49" -no_view -mx 21 -my 13 -c_str 2 -brick_span 5 -brick_nu 0.3,0.2,0.25 -brick_E "1,$stiffness,10" -elas_ksp_type cg -elas_ksp_rtol 1e-8 -elas_ksp_norm_type unpreconditioned -elas_ksp_converged_reason "$@"
}
seen=(2 10 50 200)
unseen=(3 20 100 500)
plugin=(-dll_append "$top/lib/libgnnspai.so" -elas_pc_type gnnspai)

for stiffness in "${seen[@]}"; do
  ex49 $stiffness -elas_pc_type jacobi -elas_ksp_view_mat "binary:$work/A_$stiffness.dat" >> "$log" 2>&1 && [ -s "$work/A_$stiffness.dat" ] || break
done
result $? "it dumps a matrix with each stiffness"

run bin/gnnspai-train -train_matrices "$work/A_*.dat" -train_validation "$work/A_*.dat" -train_init general -train_loss kaporin -train_steps 200 \
  -train_validate_every 50 -train_lr 4e-3 -train_output "$work/mine.safetensors"
result $? "training on them"

iterations() { # iterations OPTIONS...: one number a line, of the matrices that training has not seen
  for stiffness in "${unseen[@]}"; do
    ex49 "$stiffness" "$@" 2>&1 | tee -a "$log" | sed -n 's/.*converged due to CONVERGED_RTOL iterations //p'
  done
}
iterations -elas_pc_type jacobi > "$work/jacobi"
iterations "${plugin[@]}" -elas_pc_gnnspai_values network -elas_pc_gnnspai_guard jacobi > "$work/builtin" # its network: by itself it takes the classical factor where that is better
iterations "${plugin[@]}" -elas_pc_gnnspai_model "$work/mine.safetensors" > "$work/mine"
paste "$work/jacobi" "$work/builtin" "$work/mine" > "$work/table"
awk 'NF == 3 && $3 < 0.75 * $1 {good++} END {exit good != 4}' "$work/table"
result $? "on each of the others fewer than 3/4 of Jacobi's iterations" "$work/table"
awk 'NF == 3 && $3 <= $2 {good++} END {exit good != 4}' "$work/table"
result $? "not more than with the built-in network" "$work/table"
sed 's/^/# jacobi, built-in network, trained: /' "$work/table"
plan
