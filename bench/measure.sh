#!/usr/bin/env bash
# One measurement: measure.sh cpu|cuda NAME [options that gnnspai-bench takes in addition], or its matrices alone: measure.sh matrices NAME
#
# NAME is heat, poisson, synthetic, hyperelasticity, sizes, large, laplacian, iteration, numbering, ranks, regret, history, train or train-torch. The makefile and
# kernels/device-check.sh run it; it needs bash and the programs alone. From the environment, with defaults: bin, the programs; data, the
# matrices, made once; results, where NAME-cpu.json or NAME-cuda.json goes (make bench-tables takes it from there); commit; PYTHON; MPIEXEC.
set -euo pipefail
stop() { echo "measure.sh: $*" >&2; exit 1; }
[ $# -ge 2 ] || stop "cpu, cuda or matrices, and a measurement; its first lines say which"
where=$1 name=$2
shift 2
case $where in cpu | cuda | matrices) ;; *) stop "cpu, cuda or matrices, not '$where'" ;; esac
case $name in heat | poisson | synthetic | hyperelasticity | sizes | large | laplacian | iteration | numbering | ranks | regret | history | train | train-torch) ;; *) stop "no measurement '$name'" ;; esac
bin=${bin:-bin} data=${data:-build/bench-data} results=${results:-build/results}

# ---- matrices, of seeds that no model has seen ----

kind=${name%-torch}
[ "$kind" != history ] || kind=heat
generate() { "$bin/gnnspai-data" "$@" > "$data/$kind.log" 2>&1 || { cat "$data/$kind.log" >&2; return 1; }; }
of_rows() { for n in "$@"; do generate heat -data_n $n -data_seed 2000 -data_output "$data/${kind%s}_$(printf %07d $n)_%d.dat"; done; }
# What is there of PETSc's tutorials, and of the foreign matrices without them
collect() {
  tests/apps/apps.sh "$data/regret"
  if ${PYTHON:-python3} -c 'import scipy' 2> /dev/null; then ${PYTHON:-python3} bench/extra/foreign.py --no-petsc "$data/regret"
  else echo "The matrices of bench/extra/foreign.py are left out: ${PYTHON:-python3} has no scipy"; fi
}

matrices() {
  local n order family points
  case $kind in
  heat) generate heat -data_seed 2000 -data_count 3 -data_output "$data/heat_%d.dat" ;;
  poisson) generate poisson -data_seed 2000 -data_count 2 -data_output "$data/poisson_%d.dat" ;;
  synthetic) generate synthetic -data_seed 2000 -data_n 10240 -data_output "$data/synthetic_%d.dat" ;;
  hyperelasticity) generate hyperelasticity -data_seed 2000 -data_output "$data/hyperelasticity_%d.dat" ;;
  sizes) of_rows 6300 25000 100000 400000 ;;
  large) of_rows 1000000 ;;
  numbering)
    for n in 6300 25000 100000 400000 1000000; do
      for order in natural random; do
        for family in heat poisson; do generate $family -data_numbering $order -data_n $n -data_seed 2000 -data_output "$data/numbering_$(printf %07d $n)_${family}_${order}_%d.dat"; done
      done
    done
    ;;
  ranks)
    for order in natural random; do generate heat -data_n 8000 -data_numbering $order -data_seed 2000 -data_output "$data/ranks_1_heat_${order}_%d.dat"; done
    generate poisson -data_n 8000 -data_seed 2000 -data_output "$data/ranks_2_poisson_%d.dat"
    generate hyperelasticity -data_n 9000 -data_seed 2000 -data_output "$data/ranks_3_hyperelasticity_%d.dat"
    generate synthetic -data_n 10240 -data_seed 2000 -data_output "$data/ranks_4_synthetic_%d.dat"
    generate heat -data_n 400000 -data_seed 2000 -data_output "$data/ranks_5_heat_400000_%d.dat"
    ;;
  regret)
    mkdir -p "$data/regret"
    for order in natural random; do
      for family in heat poisson; do generate $family -data_numbering $order -data_seed 2000 -data_output "$data/regret/${family}_${order}_%d.dat"; done
    done
    generate hyperelasticity -data_seed 2000 -data_output "$data/regret/hyperelasticity_%d.dat"
    generate synthetic -data_seed 2000 -data_n 10240 -data_output "$data/regret/synthetic_%d.dat"
    for points in 5 7 27; do generate mix -data_kind $points-point -data_count 1 -data_n 40000 -data_seed 2000 -data_output "$data/regret/$points-point_%d.dat"; done
    collect
    ;;
  train) # one matrix of about 6k, 21k and 90k edges, and sixteen of 6k
    for n in 490 1573 6329; do generate heat -data_n $n -data_seed 1 -data_output "$data/step_$(printf %04d $n)_%d.dat"; done
    generate heat -data_n 490 -data_seed 1 -data_count 16 -data_output "$data/batch_%02d.dat"
    ;;
  esac
}

mkdir -p "$data" "$results"
[ -e "$data/$kind" ] || { matrices && touch "$data/$kind"; }
[ "$where" != matrices ] || exit 0

# ---- what differs between CPU and GPU ----

modes="-bench_modes default,natural,single_reduction"
tolerances="-bench_rtol 1e-2,1e-4,1e-8"
case $where in
cpu)
  device=()
  families=all
  sizes=jacobi,icc,parasails,boomeramg,gamg,fsai,tfsai,small,gnnspai,network+coarse
  cubes=20,20,20,46,46,46,100,100,100
  few_modes=
  steps="-train_steps 60 -train_validate_every 60"
  torch=(--steps 5 --cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)")
  ;;
cuda) # without those on which a GPU would wait for the CPU
  device=(-use_gpu_aware_mpi 0 -bench_mat_type aijcusparse -bench_vec_type cuda -bench_device "$({ nvidia-smi --query-gpu=name --format=csv,noheader 2> /dev/null || true; } | head -n 1)")
  families=jacobi,pbjacobi,icc,gamg,fsai,tfsai,tfsai+coarse,small,gnnspai,network,network+coarse
  sizes=jacobi,icc,gamg,fsai,tfsai,small,gnnspai,network,network+coarse
  cubes=20,20,20,46,46,46,100,100,100,215,215,215
  modes="-bench_modes default,graph,natural,single_reduction"
  few_modes=$modes
  steps="-train_steps 2000 -train_validate_every 2000 -mat_type aijcusparse -use_gpu_aware_mpi 0"
  torch=(--steps 500 --compile reduce-overhead)
  ;;
esac
[ "$name" != synthetic ] || families=${families/gamg,/} # it would take minutes

# ---- measurements ----

# family: the model trained on matrices of the kind
bench() { "$bin/gnnspai-bench" -bench_commit "${commit:-}" "${device[@]}" "$@"; }
family() { bench -bench_matrices "$data/${name}_*.dat" -bench_pc "$families,family" -family_pc_type gnnspai -family_pc_gnnspai_coarse 0 -family_pc_gnnspai_model "$name" -bench_json "$results/$name-$where.json" "$@"; }
# One right-hand side, few runs, and few preconditioners for many rows
size() { bench -bench_pc "$@" -bench_rhs random -bench_repeat 3 -bench_seconds ${seconds:-2} -bench_profile 0 -bench_json "$results/$name-$where.json"; }

# Milliseconds per step: one matrix or all sixteen, 8 probes, one rank; on the CPU then two matrices on one rank and on two
step() { # step RANKS MATRICES OF A STEP, FILES
  local run=("$bin/gnnspai-train" $steps -train_output "$data/step.safetensors" -train_matrices "$3" -train_batch $(($2 / $1)))
  [ $1 = 1 ] || run=(${MPIEXEC:-mpiexec} -n $1 "${run[@]}")
  "${run[@]}" | awk -v ranks=$1 -v batch=$2 '/ on average / {for (k = 5; k < NF; k++) {if ($k == "rows") n = $(k - 1); if ($k ~ /^nonzeros/) nz = $(k - 1)}}
    / ms each/ {sub(/ ms each.*/, ""); ms = $NF} END {print "| " batch " | " ranks " | " n " | " nz " | " ms " |"}'
}
train() {
  local f
  printf 'Milliseconds per training step, 8 probes; rows and nonzeros: of a matrix, on average.%s\n\n' "${commit:+ Commit $commit.}"
  printf '| matrices a step | ranks | rows | nonzeros | ms |\n|---|---|---|---|---|\n'
  for f in "$data"/step_0490_1.dat "$data"/step_1573_1.dat "$data"/step_6329_1.dat; do step 1 1 "$f"; done
  step 1 16 "$data/batch_*.dat"
  [ "$where" = cuda ] || { step 1 2 "$data/step_1573_1.dat" && step 2 2 "$data/step_1573_1.dat"; }
}

# Scopes against the number of ranks; times say something up to as many as there are cores
ranks() {
  local n lines="$results/ranks-$where.txt"
  for n in 1 2 4 8; do ${MPIEXEC:-mpiexec} -n $n ${PYTHON:-python3} bench/extra/ranks.py lib/libgnnspai.so "$data"/ranks_*.dat; done > "$lines"
  printf 'Iterations, and in brackets milliseconds of a set-up and of a solve to 1e-8, the least of three, on %s cores.%s `make bench-ranks`.\n\n' "$(nproc)" "${commit:+ Commit $commit.}"
  ${PYTHON:-python3} bench/extra/ranks.py --table < "$lines"
}

case $name in
heat | poisson) family $modes $tolerances "$@" ;;
synthetic | hyperelasticity) family $few_modes -bench_seconds 0.3 "$@" ;;
sizes) size $sizes -bench_matrices "$data/size_*.dat" "$@" ;;
large) size jacobi,gamg,tfsai,small,gnnspai -bench_matrices "$data/large_*.dat" "$@" ;;
numbering) # large ones with few
  seconds=0.5 size jacobi,icc,gamg,tfsai+coarse,network+coarse,gnnspai -bench_matrices "$data/numbering_0[01]*.dat" "$@"
  name=numbering-large
  seconds=0.5 size gamg,tfsai+coarse,gnnspai -bench_matrices "$data/numbering_[01][04]00000_*.dat" "$@"
  ;;
regret) # one right-hand side, the program's own where there is one
  bench -bench_pc jacobi,icc,sor,gamg,boomeramg,tfsai,tfsai+coarse,network,network+coarse,gnnspai -bench_laplacian 20,20,20,46,46,46 -bench_matrices "$data/regret/*.dat" \
    -bench_rhs random -bench_repeat 3 -bench_seconds 0.3 -bench_profile 0 -bench_json "$results/regret-$where.json" "$@"
  ;;
ranks)
  ranks | tee "$results/ranks-$where.md.part"
  mv "$results/ranks-$where.md.part" "$results/ranks-$where.md"
  ;;
iteration) # of CG, with and without waits for the GPU
  size jacobi,icc,tfsai,tfsai+coarse,half,half+coarse,gnnspai $(for k in half half+coarse; do echo "-${k}_pc_type gnnspai -${k}_pc_gnnspai_values fsai -${k}_pc_gnnspai_precision half"; done) -half_pc_gnnspai_coarse 0 \
    -bench_laplacian 18,18,18,37,37,37,74,74,74,100,100,100 -bench_modes default,graph "$@"
  ;;
laplacian) size $sizes -bench_laplacian $cubes $few_modes "$@" ;;
history)
  bench -bench_matrices "$data/heat_2000.dat" -bench_pc "$families,family" -family_pc_type gnnspai -family_pc_gnnspai_coarse 0 -family_pc_gnnspai_model heat -bench_repeat 1 -bench_history "$results/heat-$where.csv.part" "$@" # residuals for the plot; no times in it
  mv "$results/heat-$where.csv.part" "$results/heat-$where.csv"
  ;;
train)
  train | tee "$results/train-$where.md.part"
  mv "$results/train-$where.md.part" "$results/train-$where.md"
  ;;
train-torch) # the same in PyTorch, beside ours in one run
  ${PYTHON:-python3} bench/extra/train_torch.py --device $where "${torch[@]}" --commit "${commit:-}" --table "$results/train-torch-$where.md" "$data"/step_0490_1.dat "$data"/step_1573_1.dat "$data"/step_6329_1.dat "$data/batch_*.dat"
  ;;
esac
