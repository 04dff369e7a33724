# gnnspai: a learned preconditioner for PETSc.   make demo | test | lib | install prefix=DIR | uninstall prefix=DIR | train-heat | clean
# PETSC_DIR (and PETSC_ARCH) select a PETSc; without them the distribution's is used, and installed where it is missing.

OPTFLAGS ?= -O3 -march=native
prefix   ?= /usr/local
SHELL     = /bin/bash

ifneq ($(PETSC_DIR),)
$(if $(wildcard $(PETSC_DIR)/$(PETSC_ARCH)/lib/pkgconfig/PETSc.pc),,$(error No PETSc in PETSC_DIR=$(PETSC_DIR) PETSC_ARCH=$(PETSC_ARCH): no lib/pkgconfig/PETSc.pc there))
export PKG_CONFIG_PATH := $(PETSC_DIR)/$(PETSC_ARCH)/lib/pkgconfig:$(PKG_CONFIG_PATH)
endif
pkg       = $(shell PKG_CONFIG_PATH='$(PKG_CONFIG_PATH)' pkg-config $(1) 2>/dev/null)
petsc_lib:= $(call pkg,--libs PETSc)
lapack   := $(filter -L% %lapack %blas %lapack.a %blas.a -lmkl_%,$(call pkg,--static --libs PETSc))
CC       := $(or $(call pkg,--variable=ccompiler PETSc),mpicc)
CPPFLAGS := $(call pkg,--cflags PETSc jansson) -DGNN_SHARE_DIR='"$(CURDIR)/share/gnnspai"'
CFLAGS    = -std=gnu11 -Wall -Wextra -fPIC -fvisibility=hidden $(OPTFLAGS)
rpath     = $(foreach l,$(filter -L%,$(petsc_lib)),-Wl,-rpath,$(l:-L%=%))# where PETSc lies, for the dynamic linker
LDLIBS   := $(petsc_lib) $(rpath) $(or $(call pkg,--libs jansson),-ljansson) -lm

.PHONY: all lib programs demo run-demo test setup setup-test setup-plot man clean FORCE
unexport CDPATH
.DELETE_ON_ERROR:
.SECONDARY:
all: lib programs

# ---- the two commands: install what is missing, then a second make, which finds it ----
demo: setup
	@$(MAKE) --no-print-directory run-demo
test: setup-test
	@$(MAKE) --no-print-directory run-test

# PETSc's tutorials lie in a package that carries its version
packages  = gcc libc6-dev pkg-config libpetsc-real-dev liblapack-dev libjansson-dev $$(apt-cache depends libpetsc-real-dev 2>/dev/null | sed -n 's/.*libpetsc-real\(3[.0-9]*\)-dev$$/libpetsc\1-dev-examples/p')
setup-test: packages += g++ perl valgrind qemu-user python3-petsc4py-real
setup-plot: packages = gnuplot-nox python3
setup setup-test setup-plot:
ifneq ($(PETSC_DIR),)
	@pkg-config --exists jansson || { echo "jansson is missing (on Debian: apt-get install libjansson-dev)"; exit 1; }
else ifeq ($(shell command -v apt-get),)
	@pkg-config --exists PETSc jansson || { echo "Install PETSc >= 3.18 (real scalars), jansson and pkg-config, or set PETSC_DIR"; exit 1; }
else
	@sudo=$$(test $$(id -u) = 0 || echo sudo); \
	update() { echo "Reading the package lists ($$sudo apt-get update)"; $$sudo apt-get update -q > /dev/null; }; \
	apt-cache show libpetsc-real-dev > /dev/null 2>&1 || update || exit 1; \
	missing=$$(for p in $(packages); do dpkg -s $$p > /dev/null 2>&1 || echo $$p; done); \
	test -z "$$missing" && exit 0; \
	echo "Installing with $$sudo apt-get:" $$missing; \
	update && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing > build-setup.log 2>&1 \
	  || { tail -n 20 build-setup.log; echo "apt-get failed, see build-setup.log"; exit 1; }; rm -f build-setup.log
endif

# Matrices that no model has seen, and two of PETSc's tutorials, where they are installed
make_demo = bin/gnnspai-data $(1) -data_seed 3000 -data_count 1 -data_output build/demo/$(firstword $(1))_%d.dat > /dev/null
run-demo: lib programs
	@rm -rf build/demo && mkdir -p build/demo
	@$(call make_demo,heat) && $(call make_demo,poisson) && $(call make_demo,hyperelasticity -data_n 20000) && $(call make_demo,synthetic -data_n 6000)
	@$(run_env) CC=$(CC) tests/apps/apps.sh build/demo ex49 ex54
	@$(run_env) bin/gnnspai-bench -bench_matrices 'build/demo/*.dat' -bench_pc jacobi,icc,gamg,gnnspai -bench_rhs random -bench_profile 0 -bench_repeat 3 -bench_seconds 1

# ---- build: all sources that lie in the folders; kernels/cuda.mk has the kernels, and says which of the sources need CUDA ----
include kernels/cuda.mk
object    = $(patsubst %.c,build/%.o,$(if $(cuda),$(1),$(call host,$(1))))
lib_src   = pcgnnspai.c $(wildcard gnn/*.c gnn/coarse/*.c gnn/cg/*.c)
lib_obj   = $(call object,$(lib_src)) $(kernels)
data_src  = $(wildcard train/data/*.c)
train_src = $(filter-out train/processor.c,$(wildcard train/*.c))
bench_src = $(wildcard bench/*.c)
programs  = bin/gnnspai-data bin/gnnspai-train bin/gnnspai-bench

lib: lib/libgnnspai.so
lib/libgnnspai.so: $(lib_obj)
	@mkdir -p $(@D)
	$(CC) -shared $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Programs and tests reach inside the library, whose inner functions are hidden in the .so, and share all but each other's main(); q: names repeat
build/libgnnspai.a: $(lib_obj) $(call object,$(filter-out %/data.c %/train.c,$(data_src) $(train_src))) $(train_kernels)
	@rm -f $@
	@ar qcs $@ $^
programs: $(programs)
bin/gnnspai-data: private LDLIBS += $(lapack)
bin/gnnspai-data: build/train/data/data.o
bin/gnnspai-train: build/train/train.o
bin/gnnspai-bench: $(call object,$(bench_src))
$(programs): build/train/processor.o build/libgnnspai.a
bin/%:
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(beside) $(LDLIBS)

compile   = $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
build/%.o: %.c build/flags
	@mkdir -p $(@D)
	$(compile)
# What asks whether the processor is the right one runs on any
%/gnn/register.o %/processor.o: private override OPTFLAGS = -O2

# The models inside the library: all of share/gnnspai, by names good for C. general is the default for block size 1, general2, general3, ... for others
builtins  = $(sort $(wildcard share/gnnspai/*.safetensors))
embedded  = \#define GNN_BUILTINS(X) $(foreach m,$(builtins),X($(notdir $(m:.safetensors=))))
$(addsuffix /gnn/builtin.o,build build/double build/emulated build/valgrind): $(builtins) build/builtins.h
# $(call renew,TEXT,IF): files that change with their text. Another PETSc or other flags: everything is compiled again, if this PETSc will do
renew     = @mkdir -p build && { echo '$(1)' | cmp -s - $@ || { $(2) echo '$(1)' > $@; }; }
build/builtins.h: FORCE
	$(call renew,$(embedded))
build/flags: FORCE
	$(call renew,$(CC) $(CXX) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(LDLIBS) $(NVCCFLAGS),$(CC) $(CPPFLAGS) -w -E -o /dev/null gnn/compat.h &&)
# What the compilers say of headers; in build/trees lie whole copies (.ci/run)
build/%.d: ;
-include share/doc/man.mk $(shell find build -path build/trees -prune -o -name '*.d' -print 2>/dev/null)

clean:
	rm -rf build bin lib

include packaging/packaging.mk train/models.mk bench/bench.mk tests/tests.mk
