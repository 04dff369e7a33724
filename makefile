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
programs  = bin/gnnspai-data bin/gnnspai-train bin/gnnspai-bench

.PHONY: all setup setup-test lib programs demo run-demo test run-test train-heat install clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: lib programs

# ---- the two commands: install what is missing, then a second make, which finds it ----

demo: setup
	@$(MAKE) --no-print-directory run-demo

test: setup-test
	@$(MAKE) --no-print-directory run-test

packages      = gcc libc6-dev pkg-config libpetsc-real-dev libjansson-dev
test_packages = perl valgrind python3-petsc4py-real $(shell apt-cache depends libpetsc-real-dev 2>/dev/null | sed -n 's/.*libpetsc-real\(3[.0-9]*\)-dev$$/libpetsc\1-dev-examples/p')

setup-test: packages += $(test_packages)
setup setup-test:
ifndef PETSC_DIR
	@missing=$$(for p in $(packages); do dpkg -s $$p > /dev/null 2>&1 || echo $$p; done); \
	test -z "$$missing" && exit 0; \
	command -v apt-get > /dev/null || { echo "Install PETSc >= 3.18 (real scalars), jansson and pkg-config, or set PETSC_DIR"; exit 1; }; \
	sudo=$$(test $$(id -u) = 0 || echo sudo); \
	echo "Installing with $$sudo apt-get:" $$missing; \
	$$sudo apt-get update -q > /dev/null && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing > build-setup.log 2>&1 \
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

run-demo: lib programs
	@mkdir -p build/demo
	@echo "heat, n = 6300, three matrices that the model has not seen:"
	@bin/gnnspai-data heat -data_count 3 -data_seed 3000 -data_output build/demo/heat_%d.dat > /dev/null
	@$(run_env) bin/gnnspai-bench -bench_matrices 'build/demo/heat_*.dat'

# ---- models ----

# Matrices of seeds 0-35 train, 1000-1002 validate: a third on jittered grids, the others on meshes that flips made irregular, and 12
# patches of each. Loss log-sai first, then kaporin; every option that shapes the result stands here
heat_data = build/train-heat
$(heat_data)/done: | programs
	@mkdir -p $(@D)
	bin/gnnspai-data heat -data_seed 0 -data_count 12 -data_output $(@D)/mesh_%d.dat
	bin/gnnspai-data heat -data_seed 12 -data_count 8 -data_flips 0.2 -data_output $(@D)/mesh_%d.dat
	bin/gnnspai-data heat -data_seed 20 -data_count 8 -data_flips 0.6 -data_output $(@D)/mesh_%d.dat
	bin/gnnspai-data heat -data_seed 28 -data_count 8 -data_flips 1.5 -data_output $(@D)/mesh_%d.dat
	bin/gnnspai-data patches -data_matrices '$(@D)/mesh_*.dat' -data_count 432 -data_output $(@D)/patch_%03d.dat
	bin/gnnspai-data heat -data_seed 1000 -data_output $(@D)/valid_%d.dat
	bin/gnnspai-data heat -data_seed 1001 -data_flips 0.4 -data_output $(@D)/valid_%d.dat
	bin/gnnspai-data heat -data_seed 1002 -data_flips 1.5 -data_output $(@D)/valid_%d.dat
	@touch $@

heat_run = $(run_env) $(MPIEXEC) -n 2 bin/gnnspai-train -train_seed 0 -train_matrices '$(heat_data)/patch_*.dat' -train_validation '$(heat_data)/valid_*.dat' -train_note 'heat, 432 patches of 36 meshes'
train-heat: $(heat_data)/done
	$(heat_run) -train_loss log-sai -train_steps 6000 -train_lr 8e-3 -train_validate_every 1000 -train_output $(heat_data)/first.safetensors -train_log $(heat_data)/first.csv
	$(heat_run) -train_init $(heat_data)/first.safetensors -train_loss kaporin -train_steps 3000 -train_lr 3e-3 -train_validate_every 500 -train_output $(heat_data)/heat.safetensors -train_log share/gnnspai/heat.csv
	cp $(heat_data)/heat.safetensors share/gnnspai/heat.safetensors
