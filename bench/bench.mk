# Measurements, on an otherwise idle machine: what gnnspai-bench writes goes to build/results, the tables are made of it.
#
# make bench: on the CPU. make bench-regret: what the default costs over the best, a quarter of an hour. make bench-numbering: sizes, numbered as a mesh
# and at random, ten minutes. make bench-ranks: scopes against the number of ranks, with petsc4py. make bench-cuda: on a GPU, where PETSc has CUDA
# (PETSC_DIR); it installs nothing, and needs no python3 to measure.
# `where` is cpu or cuda in the targets in between; bench/measure.sh has the preconditioners, sizes and matrices.

where          = cpu
results        = build/results
commit         = $(shell git describe --always --dirty 2>/dev/null)
PYTHON        ?= python3# for bench-train-torch, with torch and numpy; for bench-regret and bench-apps with scipy, pyamg and scikit-fem
bench_families = bench-heat bench-poisson bench-hyperelasticity bench-synthetic
bench_all      = $(bench_families) bench-sizes bench-large bench-laplacian
bench_cpu      = bench-regret bench-numbering bench-ranks
bench_gpu      = bench-iteration
ablations      = form features loss layers width probes epsilon rtol
.PHONY: bench bench-cuda bench-families bench-history bench-train bench-train-torch bench-tables bench-plots bench-smoother bench-apps $(bench_all) $(bench_cpu) $(bench_gpu) $(ablations:%=ablate-%)

bench: $(bench_all) $(bench_cpu) bench-history bench-train bench-tables
bench-families: $(bench_families)

bench-cuda: programs
	@bin/gnnspai-bench -bench_laplacian 4,4,4 -bench_pc jacobi -bench_repeat 1 -use_gpu_aware_mpi 0 -bench_mat_type aijcusparse -bench_vec_type cuda > build/cuda.log 2>&1 || \
	  { echo "make bench-cuda needs a GPU and a PETSc with CUDA (PETSC_DIR); the log is build/cuda.log"; exit 1; }
	$(MAKE) --no-print-directory -k where=cuda $(bench_all) $(bench_gpu)
	@command -v python3 > /dev/null || { echo "The tables need python3: make bench-tables where there is one"; exit 0; }; \
	$(MAKE) --no-print-directory bench-tables

# Residuals for the plot (bench-history), training steps, the same beside PyTorch
$(bench_all) $(bench_cpu) $(bench_gpu) bench-history bench-train bench-train-torch: bench-%: programs
	$(run_env) CC=$(CC) results='$(results)' commit='$(commit)' PYTHON='$(PYTHON)' MPIEXEC='$(MPIEXEC)' bench/measure.sh $(where) $*

# What lies in the folder `results` (build/device is kernels/device-check.sh's): JSON goes into bench/results/*.csv, one line per (matrix,
# preconditioner), and from there into all tables; ready tables, as bench-train makes, are copied
bench-tables:
	python3 bench/table.py --merge $(results)

# Residual against iteration, time against size: bench/results/*.svg, from build/results/heat-*.csv (bench-history) and the tables
bench-plots: setup-plot
	@mkdir -p build
	python3 bench/table.py --sizes $(where) > build/sizes.csv
	gnuplot -e "where='$(where)'; residuals='$(results)/heat-$(where).csv'" bench/plots.gp

# PETSc's tutorials with gnnspai as multigrid smoother; iterations, so that any machine will do
bench-smoother: lib
	$(run_env) CC=$(CC) bench/smoother.sh > build/smoother-cpu.md && cp build/smoother-cpu.md bench/results/smoother-cpu.md && cat bench/results/smoother-cpu.md

# What others wrote, on 1, 2 and 4 ranks, with Jacobi, ICC, GAMG and gnnspai
bench-apps: lib
	$(run_env) CC=$(CC) MPIEXEC='$(MPIEXEC)' PYTHON='$(PYTHON)' commit='$(commit)' bench/apps.sh > build/apps-cpu.md && cp build/apps-cpu.md bench/results/apps-cpu.md

# What a choice in form, loss or size is worth, a few minutes of CPU time each: bench/results/ablations-cpu.md
$(ablations:%=ablate-%): ablate-%: programs
	$(run_env) bench/ablate.sh $*
