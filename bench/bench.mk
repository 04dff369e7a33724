# Measurements: bench/results, README's tables from them; on an otherwise idle machine
#
# make bench: on the CPU. make bench-cuda: on a GPU, where PETSc has CUDA (PETSC_DIR); it installs nothing, and needs no python3 to measure.
# `where` is cpu or cuda in the targets in between; bench/measure.sh has the preconditioners, sizes and matrices.

where      = cpu
PYTHON    ?= python3# for bench-train-torch, with torch and numpy
commit     = $(shell git describe --always --dirty 2>/dev/null)
bench_all  = bench-heat bench-poisson bench-synthetic bench-hyperelasticity bench-sizes bench-large bench-laplacian
.PHONY: bench bench-cuda bench-history bench-train bench-train-torch bench-smoother bench-plots readme-tables $(bench_all)

bench: $(bench_all) bench-history bench-train readme-tables

bench-cuda: programs
	@bin/gnnspai-bench -bench_laplacian 4,4,4 -bench_pc jacobi -bench_repeat 1 -use_gpu_aware_mpi 0 -bench_mat_type aijcusparse -bench_vec_type cuda > build/cuda.log 2>&1 || \
	  { echo "make bench-cuda needs a GPU and a PETSc with CUDA (PETSC_DIR); the log is build/cuda.log"; exit 1; }
	$(MAKE) --no-print-directory -k where=cuda $(bench_all)
	@command -v python3 > /dev/null || { echo "The tables need python3: make readme-tables where there is one"; exit 0; }; \
	$(MAKE) --no-print-directory readme-tables

# Residuals for the plot (bench-history), training steps, the same beside PyTorch
$(bench_all) bench-history bench-train bench-train-torch: bench-%: programs
	$(run_env) commit='$(commit)' PYTHON='$(PYTHON)' MPIEXEC='$(MPIEXEC)' bench/measure.sh $(where) $*

# README between its markers, and every table of every file
readme-tables:
	python3 bench/table.py --write README.md
	for where in cpu cuda; do files=$$(ls bench/results/*-$$where.json 2>/dev/null); test -z "$$files" || python3 bench/table.py $$files > bench/results/$$where.md; done

# Residual against iteration, time against size: bench/results/*.svg from the files there
bench-plots: setup-plot
	@mkdir -p build
	python3 bench/table.py --csv $(wildcard bench/results/sizes-$(where).json bench/results/large-$(where).json) > build/sizes.csv
	gnuplot -e "where='$(where)'" bench/plots.gp

# PETSc's tutorials with gnnspai as multigrid smoother; iterations, so that any machine will do
bench-smoother: lib
	$(run_env) CC=$(CC) bench/smoother.sh > build/smoother-cpu.md && cp build/smoother-cpu.md bench/results/smoother-cpu.md && cat bench/results/smoother-cpu.md

# Ablations, a few minutes of CPU time each: bench/results/ablations-cpu.md
ablations = form features loss layers width probes epsilon rtol
.PHONY: $(ablations:%=ablate-%)
$(ablations:%=ablate-%): ablate-%: programs
	$(run_env) bench/ablate.sh $*
