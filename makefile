# gnnspai: a learned preconditioner for PETSc.   make demo | test | lib | install prefix=DIR | train-heat | clean
#
# PETSC_DIR (and PETSC_ARCH) select a PETSc; without them the distribution's is used, and installed where it is missing.

OPTFLAGS ?= -O3 -march=native
prefix   ?= /usr/local
MPIEXEC  ?= mpiexec
SHELL     = /bin/bash

ifdef PETSC_DIR
export PKG_CONFIG_PATH := $(PETSC_DIR)/$(PETSC_ARCH)/lib/pkgconfig:$(PKG_CONFIG_PATH)
endif
comma    := ,
pkg       = $(shell PKG_CONFIG_PATH='$(PKG_CONFIG_PATH)' pkg-config $(1) 2>/dev/null)
petsc_lib:= $(call pkg,--libs PETSc)
CC       := $(or $(call pkg,--variable=ccompiler PETSc),mpicc)
CPPFLAGS := $(call pkg,--cflags PETSc jansson) -DGNN_SHARE_DIR='"$(CURDIR)/share/gnnspai"'
CFLAGS    = -std=gnu11 -Wall -Wextra -fPIC -fvisibility=hidden $(OPTFLAGS)
LDLIBS   := $(petsc_lib) $(patsubst -L%,-Wl$(comma)-rpath$(comma)%,$(filter -L%,$(petsc_lib))) $(or $(call pkg,--libs jansson),-ljansson) -lm

lib_src   = pcgnnspai.c $(wildcard gnn/*.c)
lib_obj   = $(lib_src:%.c=build/%.o)
data_obj  = $(addprefix build/train/,files.o data.o generate.o flip.o graph.o grid.o heat.o mix.o patches.o poisson.o synthetic.o)
train_obj = $(addprefix build/train/,files.o loss.o adamw.o validate.o)
double    = bin/t_gradient bin/t_reference_double
tests     = $(patsubst tests/%.c,bin/%,$(wildcard tests/t_*.c)) bin/t_reference_double
models    = heat poisson synthetic general
programs  = bin/gnnspai-data bin/gnnspai-train bin/gnnspai-bench

.PHONY: all setup setup-test lib programs demo run-demo bench bench-families bench-setup bench-train bench-smoother test run-test $(models:%=train-%) install clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: lib programs

# ---- the two commands: install what is missing, then a second make, which finds it ----

demo: setup
	@$(MAKE) --no-print-directory run-demo

test: setup-test
	@$(MAKE) --no-print-directory run-test

packages = gcc libc6-dev pkg-config libpetsc-real-dev libjansson-dev
# PETSc's tutorials lie in a package that carries its version
setup-test: packages += perl valgrind python3-petsc4py-real $$(apt-cache depends libpetsc-real-dev 2>/dev/null | sed -n 's/.*libpetsc-real\(3[.0-9]*\)-dev$$/libpetsc\1-dev-examples/p')
setup setup-test:
ifndef PETSC_DIR
	@sudo=$$(test $$(id -u) = 0 || echo sudo); \
	if ! command -v apt-get > /dev/null; then \
	  pkg-config --exists PETSc jansson && exit 0; \
	  echo "Install PETSc >= 3.18 (real scalars), jansson and pkg-config, or set PETSC_DIR"; exit 1; fi; \
	update() { echo "Reading the package lists ($$sudo apt-get update)"; $$sudo apt-get update -q > /dev/null; }; \
	apt-cache show libpetsc-real-dev > /dev/null 2>&1 || update || exit 1; \
	missing=$$(for p in $(packages); do dpkg -s $$p > /dev/null 2>&1 || echo $$p; done); \
	test -z "$$missing" && exit 0; \
	echo "Installing with $$sudo apt-get:" $$missing; \
	update && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing > build-setup.log 2>&1 \
	  || { tail -n 20 build-setup.log; echo "apt-get failed, see build-setup.log"; exit 1; }; rm -f build-setup.log
else
	@test -n "$(petsc_lib)" || { echo "No PETSc in PETSC_DIR=$(PETSC_DIR) PETSC_ARCH=$(PETSC_ARCH): no lib/pkgconfig/PETSc.pc there"; exit 1; }
	@pkg-config --exists jansson || { echo "jansson is missing (on Debian: apt-get install libjansson-dev)"; exit 1; }
endif

# ---- build ----

lib: lib/libgnnspai.so
programs: $(programs)

lib/libgnnspai.so: $(lib_obj)
	@mkdir -p $(@D)
	$(CC) -shared $(CFLAGS) -o $@ $^ $(LDLIBS)

# Programs and tests reach inside the library, whose inner functions are hidden in the .so
build/libgnnspai.a: $(lib_obj)
	@rm -f $@
	@ar rcs $@ $^

bin/gnnspai-data: $(data_obj) build/libgnnspai.a
bin/gnnspai-train: build/train/train.o $(train_obj) build/libgnnspai.a
bin/gnnspai-bench: build/bench/bench.o $(train_obj) build/libgnnspai.a
$(filter-out $(double),$(tests)): bin/%: build/tests/%.o $(train_obj) build/libgnnspai.a
bin/t_gradient: build/double/tests/t_gradient.o
bin/t_reference_double: build/double/tests/t_reference.o
$(double): $(patsubst %.c,build/double/%.o,train/files.c train/loss.c train/validate.c $(lib_src))
$(programs) $(tests):
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS)

build/%.o: %.c build/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The same network in double, for the derivative tests
build/double/%.o: %.c build/flags
	@mkdir -p $(@D)
	$(CC) -DGNN_USE_DOUBLE $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

build/gnn/gnnbuiltin.o build/double/gnn/gnnbuiltin.o: $(wildcard share/gnnspai/*.safetensors)
-include $(shell find build -name '*.d' 2>/dev/null)

# Another PETSc or other flags: everything is compiled again
build/flags: FORCE
	@mkdir -p build
	@echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDLIBS)' | cmp -s - $@ || echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDLIBS)' > $@

install: lib
	install -d $(DESTDIR)$(prefix)/lib/pkgconfig $(DESTDIR)$(prefix)/include $(DESTDIR)$(prefix)/share/gnnspai
	install -m 755 lib/libgnnspai.so $(DESTDIR)$(prefix)/lib
	install -m 644 pcgnnspai.h $(DESTDIR)$(prefix)/include
	install -m 644 share/gnnspai/*.safetensors share/gnnspai/*.md $(DESTDIR)$(prefix)/share/gnnspai
	printf 'prefix=%s\nName: gnnspai\nDescription: learned preconditioner for PETSc, -pc_type gnnspai\nVersion: 0.1\nRequires: PETSc\nCflags: -I$${prefix}/include\nLibs: -L$${prefix}/lib -Wl,-rpath,$${prefix}/lib -lgnnspai\n' '$(prefix)' > $(DESTDIR)$(prefix)/lib/pkgconfig/gnnspai.pc

clean:
	rm -rf build bin lib

# ---- run ----

# Open MPI refuses root and more ranks than cores unless told otherwise, and should not spin where ranks share cores
run_env = OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl_vader_single_copy_mechanism=none

run-test: export CC := $(CC)
run-test: export MPIEXEC := $(MPIEXEC)
run-test: lib $(programs) $(tests)
	$(run_env) prove --timer --exec '' $(tests) tests/*.t

# 'family' is the model trained on the family, 'gnnspai' what -pc_type gnnspai does with no further option
demo_bench = $(run_env) bin/gnnspai-bench -bench_pc jacobi,icc,family,gnnspai -family_pc_type gnnspai -family_pc_gnnspai_model
run-demo: lib programs
	@mkdir -p build/demo
	@echo "Matrices that no model has seen; family: the model trained on matrices of the kind; gnnspai: the built-in model"
	@bin/gnnspai-data heat -data_count 3 -data_seed 3000 -data_output build/demo/heat_%d.dat > /dev/null
	@bin/gnnspai-data poisson -data_count 2 -data_seed 3000 -data_output build/demo/poisson_%d.dat > /dev/null
	@bin/gnnspai-data synthetic -data_n 10240 -data_seed 3000 -data_output build/demo/synthetic_%d.dat > /dev/null
	@$(demo_bench) heat -bench_matrices 'build/demo/heat_*.dat'
	@$(demo_bench) poisson -bench_matrices 'build/demo/poisson_*.dat'
	@$(demo_bench) synthetic -bench_matrices 'build/demo/synthetic_*.dat' -bench_repeat 1

# ---- measurements: bench/results/*.json, on an otherwise idle machine ----

commit = $(shell git describe --always --dirty 2>/dev/null)
bench: bench-families bench-setup bench-train
bench-families: programs
	@mkdir -p build/bench-data
	bin/gnnspai-data heat -data_seed 2000 -data_count 3 -data_output build/bench-data/heat_%d.dat
	bin/gnnspai-data poisson -data_seed 2000 -data_count 2 -data_output build/bench-data/poisson_%d.dat
	bin/gnnspai-data synthetic -data_n 10240 -data_seed 2000 -data_output build/bench-data/synthetic_%d.dat
	$(family_bench) heat -bench_matrices 'build/bench-data/heat_*.dat' -bench_pc jacobi,icc,$(parasails)gamg,family,gnnspai -bench_json bench/results/heat-cpu.json
	$(family_bench) poisson -bench_matrices 'build/bench-data/poisson_*.dat' -bench_pc jacobi,icc,$(parasails)gamg,family,gnnspai -bench_json bench/results/poisson-cpu.json
	$(family_bench) synthetic -bench_matrices 'build/bench-data/synthetic_*.dat' -bench_pc jacobi,icc,$(parasails)family,gnnspai -bench_repeat 3 -bench_json bench/results/synthetic-cpu.json
	python3 bench/table.py bench/results/{heat,poisson,synthetic}-cpu.json
family_bench = $(run_env) bin/gnnspai-bench -bench_commit '$(commit)' -family_pc_type gnnspai -family_pc_gnnspai_model
parasails = $(if $(findstring hypre,$(shell grep -s HAVE_HYPRE $(call pkg,--variable=includedir PETSc)/petscconf.h | tr A-Z a-z)),parasails$(comma))

# Set-up against size; the solves are cut short
bench-setup: programs
	@mkdir -p build/bench-data
	for n in 6300 25000 100000 400000 1000000; do bin/gnnspai-data heat -data_n $$n -data_seed 2000 -data_output build/bench-data/size_$$(printf %07d $$n)_%d.dat; done
	$(run_env) bin/gnnspai-bench -bench_matrices 'build/bench-data/size_*.dat' -bench_pc jacobi,gnnspai -bench_max_it 1 -bench_repeat 3 -bench_commit '$(commit)' -bench_json bench/results/setup-cpu.json

# Milliseconds per training step: one matrix, 8 probes, one rank, about 6k, 21k and 90k edges
bench-train: programs
	@mkdir -p build/bench-data
	for n in 490 1573 6329; do bin/gnnspai-data heat -data_n $$n -data_seed 1 -data_output build/bench-data/step_$$(printf %04d $$n)_%d.dat; done
	for f in build/bench-data/step_*.dat; do echo $$f; $(run_env) bin/gnnspai-train -train_matrices $$f -train_steps 60 -train_validate_every 60 -train_output build/bench-data/step.safetensors | grep -E 'on average|ms each'; done | tee bench/results/train-cpu.txt

# PETSc's tutorials with gnnspai as multigrid smoother; iterations, so that any machine will do
bench-smoother: lib
	$(run_env) CC=$(CC) bench/smoother.sh > build/smoother-cpu.md && cp build/smoother-cpu.md bench/results/smoother-cpu.md && cat bench/results/smoother-cpu.md

# ---- models ----
#
# make train-heat | train-poisson | train-synthetic | train-general makes share/gnnspai/NAME.safetensors from nothing, on two ranks.
# Seeds below 1000 train, 1000 to 1999 validate, from 2000 on they are for tests and benchmarks. Loss log-sai first, then fine-tuning.

data = @mkdir -p $(@D) && bin/gnnspai-data

# A third on jittered grids, the others on meshes that flips made irregular; 12 patches of each
build/train-heat/done: | programs
	$(data) heat -data_seed 0 -data_count 12 -data_output $(@D)/mesh_%d.dat
	$(data) heat -data_seed 12 -data_count 8 -data_flips 0.2 -data_output $(@D)/mesh_%d.dat
	$(data) heat -data_seed 20 -data_count 8 -data_flips 0.6 -data_output $(@D)/mesh_%d.dat
	$(data) heat -data_seed 28 -data_count 8 -data_flips 1.5 -data_output $(@D)/mesh_%d.dat
	$(data) patches -data_matrices '$(@D)/mesh_*.dat' -data_count 432 -data_output $(@D)/train_%03d.dat
	$(data) heat -data_seed 1000 -data_output $(@D)/valid_%d.dat
	$(data) heat -data_seed 1001 -data_flips 0.4 -data_output $(@D)/valid_%d.dat
	$(data) heat -data_seed 1002 -data_flips 1.5 -data_output $(@D)/valid_%d.dat
	@touch $@
note_heat   = heat, 432 patches of 36 meshes
first_heat  = -train_steps 6000 -train_lr 8e-3 -train_validate_every 1000
second_heat = -train_steps 3000 -train_lr 3e-3 -train_validate_every 500 -train_loss kaporin

# Surfaces and volumes; 12 patches of each
build/train-poisson/done: | programs
	$(data) poisson -data_seed 0 -data_count 12 -data_output $(@D)/mesh_%d.dat
	$(data) poisson -data_kind volume -data_flips 1 -data_seed 12 -data_count 12 -data_output $(@D)/mesh_%d.dat
	$(data) patches -data_matrices '$(@D)/mesh_*.dat' -data_count 288 -data_output $(@D)/train_%03d.dat
	$(data) poisson -data_seed 1000 -data_count 2 -data_output $(@D)/valid_%d.dat
	$(data) poisson -data_kind volume -data_seed 1002 -data_output $(@D)/valid_%d.dat
	@touch $@
note_poisson   = poisson, 288 patches of 12 surfaces and 12 volumes
first_poisson  = -train_steps 5000 -train_lr 8e-3 -train_validate_every 1000
second_poisson = -train_steps 2500 -train_lr 3e-3 -train_validate_every 500 -train_loss kaporin

# Whole small matrices: a patch of so random a graph would be mostly boundary
build/train-synthetic/done: | programs
	$(data) synthetic -data_n 600 -data_seed 0 -data_count 128 -data_output $(@D)/train_%03d.dat
	$(data) synthetic -data_n 10240 -data_seed 1000 -data_output $(@D)/valid_%d.dat
	@touch $@
note_synthetic   = synthetic, 128 matrices of 600 rows
first_synthetic  = -train_steps 4000 -train_lr 5e-3 -train_validate_every 1000
second_synthetic = -train_steps 1000 -train_lr 2e-3 -train_validate_every 250 -train_loss kaporin

# A third of heat, half of poisson and synthetic, and 240 matrices of other kinds
build/train-general/done: build/train-heat/done build/train-poisson/done build/train-synthetic/done
	$(data) mix -data_seed 0 -data_count 240 -data_output $(@D)/train_mix%03d.dat
	$(data) mix -data_n 3000 -data_seed 1003 -data_count 6 -data_output $(@D)/valid_mix%d.dat
	cd $(@D) && for f in ../train-heat/train_??[036].dat ../train-poisson/train_??[02468].dat ../train-synthetic/train_*.dat ../train-*/valid_100[01].dat; do \
	  family=$${f#../train-}; name=$${f##*/}; ln -sf $$f $${name%%_*}_$${family%%/*}$${name#*_}; done
	@touch $@
note_general   = parts of heat and poisson, synthetic, 240 matrices of other kinds
first_general  = -train_steps 8000 -train_lr 3e-3 -train_warmup 400 -train_validate_every 2000
second_general = -train_steps 1500 -train_lr 1e-3 -train_validate_every 500 -train_loss kaporin

train_run = $(run_env) $(MPIEXEC) -n 2 bin/gnnspai-train -train_seed 0 -train_matrices '$(<D)/train_*.dat' -train_validation '$(<D)/valid_*.dat' -train_note '$(note_$*)'
$(models:%=train-%): train-%: build/train-%/done
	$(train_run) $(first_$*) -train_output $(<D)/first.safetensors -train_log $(<D)/first.csv
	$(train_run) $(second_$*) -train_init $(<D)/first.safetensors -train_output $(<D)/$*.safetensors -train_log $(<D)/second.csv
	cp $(<D)/$*.safetensors share/gnnspai/$*.safetensors
	(cat $(<D)/first.csv; tail -n +2 $(<D)/second.csv) > share/gnnspai/$*.csv
