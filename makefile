# gnnspai: a learned preconditioner for PETSc.   make demo | test | lib | install prefix=DIR | uninstall prefix=DIR | train-heat | clean
#
# PETSC_DIR (and PETSC_ARCH) select a PETSc; without them the distribution's is used, and installed where it is missing.

OPTFLAGS ?= -O3 -march=native
prefix   ?= /usr/local
MPIEXEC  ?= mpiexec
SHELL     = /bin/bash

ifneq ($(PETSC_DIR),)
ifeq ($(wildcard $(PETSC_DIR)/$(PETSC_ARCH)/lib/pkgconfig/PETSc.pc),)
$(error No PETSc in PETSC_DIR=$(PETSC_DIR) PETSC_ARCH=$(PETSC_ARCH): no lib/pkgconfig/PETSc.pc there)
endif
export PKG_CONFIG_PATH := $(PETSC_DIR)/$(PETSC_ARCH)/lib/pkgconfig:$(PKG_CONFIG_PATH)
endif
comma    := ,
pkg       = $(shell PKG_CONFIG_PATH='$(PKG_CONFIG_PATH)' pkg-config $(1) 2>/dev/null)
petsc_lib:= $(call pkg,--libs PETSc)
petsc_pc := $(realpath $(call pkg,--variable=pcfiledir PETSc)/PETSc.pc)
petsc_inc:= $(call pkg,--cflags-only-I PETSc)
CC       := $(or $(call pkg,--variable=ccompiler PETSc),mpicc)
CPPFLAGS := $(call pkg,--cflags PETSc jansson) -DGNN_SHARE_DIR='"$(CURDIR)/share/gnnspai"'
CFLAGS    = -std=gnu11 -Wall -Wextra -fPIC -fvisibility=hidden $(OPTFLAGS)
lapack   := $(filter -L% %lapack %blas %lapack.a %blas.a -lmkl_%,$(call pkg,--static --libs PETSc))
LDLIBS   := $(petsc_lib) $(patsubst -L%,-Wl$(comma)-rpath$(comma)%,$(filter -L%,$(petsc_lib))) $(or $(call pkg,--libs jansson),-ljansson) -lm

# Set-up and product on the device, where PETSc has CUDA and what is called of it there, from 3.23 on; 'make cuda=' leaves them out
cuda     := $(if $(and $(call pkg,--atleast-version=3.23 PETSc && echo 1),$(shell grep -s 'define PETSC_HAVE_CUDA 1' $(patsubst -I%,%/petscconf.h,$(filter -I%,$(petsc_inc))))),1)
device_src= $(wildcard gnn/*device*.c gnn/coarse/*device*.c) gnn/ops.c
host_src  = pcgnnspai.c $(filter-out $(device_src),$(wildcard gnn/*.c gnn/coarse/*.c))
lib_src   = $(host_src) $(if $(cuda),$(device_src))
# forwardwidth.cu is compiled for each math and width, side by side: forward-TF32-TAPE-NB, the arguments of kernels/forward.cuh
kernels   = $(filter-out kernels/train% %/forwardwidth.cu,$(wildcard kernels/*.cu)) $(foreach nb,1 2 3 4,kernels/forward-false-false-$(nb).cu kernels/forward-true-false-$(nb).cu)
train_kernels = $(wildcard kernels/train*.cu) $(foreach nb,1 2 3 4,kernels/forward-false-true-$(nb).cu)
NVCC     ?= $(firstword $(shell command -v nvcc) $(wildcard /usr/local/cuda/bin/nvcc))
NVCCFLAGS?= -O3 -gencode arch=compute_80,code=sm_80 -gencode arch=compute_90,code=[sm_90,compute_90]
cuda_lib  = $(patsubst %/bin/nvcc,%/lib64,$(NVCC))
ifneq ($(cuda),)
CPPFLAGS += -DGNN_CUDA -I$(patsubst %/bin/nvcc,%/include,$(NVCC))
LDLIBS   += -L$(cuda_lib) -Wl,-rpath,$(cuda_lib) -lcudart -lstdc++
endif
host_obj  = $(host_src:%.c=build/%.o)
lib_obj   = $(lib_src:%.c=build/%.o) $(if $(cuda),$(kernels:%.cu=build/%.o))
data_obj  = $(addprefix build/train/,files.o data.o generate.o flip.o gmsh.o graph.o grid.o heat.o hyperelasticity.o mesh.o mix.o patches.o poisson.o synthetic.o)
train_obj = $(addprefix build/train/,files.o loss.o adamw.o validate.o)
device_obj= $(if $(cuda),build/train/device.o build/train/deviceparameters.o $(train_kernels:%.cu=build/%.o))
bench_obj = $(addprefix build/bench/,bench.o matrix.o peers.o report.o timing.o)
double    = bin/t_gradient bin/t_reference_double
# On the emulated device: slow, and the same on any PETSc
emulated_tests = bin/t_emulated bin/t_devicecoarse bin/t_devicefsai bin/t_device bin/t_devicetrain
race_tests= bin/race/t_devicefsai bin/race/t_device bin/race/t_devicetrain
tests     = $(filter-out bin/t_device%,$(patsubst tests/%.c,bin/%,$(wildcard tests/t_*.c))) bin/t_reference_double
shell_tests = $(filter-out tests/t_device%,$(wildcard tests/*.t))
# Those with numbers that hang on the processor
number_tests = bin/t_pc bin/t_fsai bin/t_fallback bin/t_pcsetup bin/t_pcuse bin/t_block bin/t_blockmodel bin/t_coarse bin/t_reference bin/t_kappa
cuda_tests= bin/cuda/t_device bin/cuda/t_devicecoarse bin/cuda/t_devicefsai bin/cuda/t_devicetrain bin/cuda/t_cuda
models    = heat poisson synthetic general hyperelasticity general3 small
programs  = bin/gnnspai-data bin/gnnspai-train bin/gnnspai-bench

.PHONY: all setup setup-test setup-plot lib programs demo run-demo test run-test test-race run-test-race race-barriers test-host test-numbers $(models:%=train-%) $(models:%=plot-%) cuda-programs test-cuda device-check device-archive petsc-cuda install uninstall clean FORCE
unexport CDPATH
.DELETE_ON_ERROR:
.SECONDARY:

all: lib programs

# ---- the two commands: install what is missing, then a second make, which finds it ----

demo: setup
	@$(MAKE) --no-print-directory run-demo

test: setup-test
	@$(MAKE) --no-print-directory run-test

packages = gcc libc6-dev pkg-config libpetsc-real-dev liblapack-dev libjansson-dev
# PETSc's tutorials lie in a package that carries its version
setup-test: packages += g++ perl valgrind qemu-user python3-petsc4py-real $$(apt-cache depends libpetsc-real-dev 2>/dev/null | sed -n 's/.*libpetsc-real\(3[.0-9]*\)-dev$$/libpetsc\1-dev-examples/p')
setup-plot: packages = gnuplot-nox python3
setup setup-test setup-plot:
ifeq ($(PETSC_DIR),)
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

$(programs): build/train/processor.o
bin/gnnspai-data bin/t_hyper bin/t_kappa: private LDLIBS += $(lapack)
bin/gnnspai-data: $(data_obj) build/libgnnspai.a
bin/t_hyper bin/t_kappa: $(filter-out %/data.o,$(data_obj))
bin/gnnspai-train: $(addprefix build/train/,train.o options.o inputs.o schedule.o checkpoint.o) $(train_obj) $(device_obj) build/libgnnspai.a
bin/gnnspai-bench: $(bench_obj) $(train_obj) build/libgnnspai.a
$(filter-out $(double),$(tests)): bin/%: build/tests/%.o $(train_obj) build/libgnnspai.a
bin/t_gradient: build/double/tests/t_gradient.o
bin/t_reference_double: build/double/tests/t_reference.o
$(double): $(patsubst %.c,build/double/%.o,train/files.c train/loss.c train/validate.c $(host_src))
# Everything that knows of the device, for emulated kernels
emulated  = $(patsubst %.c,build/emulated/%.o,$(host_src) $(device_src)) $(kernels:%.cu=build/emulated/%.o) build/emulated/tests/emulate.o
bin/t_device bin/t_devicecoarse bin/t_devicefsai: bin/%: build/emulated/tests/%.o $(emulated)
bin/t_emulated: build/emulated/tests/cuda/t_cuda.o $(emulated)
emulated_train = $(patsubst build/%,build/emulated/%,$(train_obj)) $(patsubst %,build/emulated/%.o,train/device train/deviceparameters $(train_kernels:%.cu=%))
# gnnspai-train on the emulated device, for tests/t_devicetrain.t
bin/emulated/gnnspai-train: $(addprefix build/emulated/train/,train.o options.o inputs.o schedule.o checkpoint.o) $(emulated_train) $(emulated)
bin/t_devicetrain: build/emulated/tests/t_devicetrain.o $(emulated_train) $(emulated)
$(emulated_tests) bin/emulated/gnnspai-train: private LDLIBS += -lstdc++
# Their threads as ThreadSanitizer's
race      = $(patsubst build/emulated/tests/emulate.o,build/race/tests/emulate.o,$(patsubst build/emulated/kernels/%,build/race/kernels/%,$(1)))
bin/race/t_device bin/race/t_devicefsai: bin/race/%: build/emulated/tests/%.o $(call race,$(emulated))
bin/race/t_devicetrain: build/emulated/tests/t_devicetrain.o $(call race,$(emulated_train) $(emulated))
bin/race/faults: build/race/tests/race/faults.o build/race/tests/emulate.o
$(race_tests) bin/race/faults: private LDLIBS += -fsanitize=thread -lstdc++
bin/emulated/faults: build/emulated/tests/race/faults.o build/emulated/tests/emulate.o
bin/emulated/faults: private LDLIBS += -lstdc++
bin/cuda/t_device bin/cuda/t_devicecoarse bin/cuda/t_devicefsai: bin/cuda/%: build/tests/%.o build/libgnnspai.a
bin/cuda/t_devicetrain: build/tests/t_devicetrain.o $(train_obj) $(device_obj) build/libgnnspai.a
bin/cuda/t_cuda: build/tests/cuda/t_cuda.o build/libgnnspai.a
# Under valgrind, which does not know every processor's instructions
valgrind_programs = bin/valgrind/gnnspai-bench bin/valgrind/gnnspai-train
valgrind_obj = $(patsubst build/%,build/valgrind/%,$(train_obj) $(host_obj))
bin/valgrind/gnnspai-bench: $(patsubst build/%,build/valgrind/%,$(bench_obj)) $(valgrind_obj)
bin/valgrind/gnnspai-train: $(addprefix build/valgrind/train/,train.o options.o inputs.o schedule.o checkpoint.o) $(valgrind_obj)
# With CUDA they find their libraries beside them first, so that device-archive can carry them
beside = $(if $(cuda),-Wl$(comma)-rpath$(comma)\$$ORIGIN/../lib:\$$ORIGIN/../../lib)
$(programs) $(tests) $(emulated_tests) $(cuda_tests) $(valgrind_programs) $(race_tests) bin/emulated/gnnspai-train bin/emulated/faults bin/race/faults:
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $^ $(beside) $(LDLIBS)

build/%.o: %.c build/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

build/valgrind/%.o: private override OPTFLAGS = -O1 -g
build/valgrind/%.o: %.c build/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# What asks whether the processor is the right one runs on any
%/gnn/register.o %/processor.o: private override OPTFLAGS = -O2

# The same network in double, for the derivative tests
build/double/%.o: %.c build/flags
	@mkdir -p $(@D)
	$(CC) -DGNN_USE_DOUBLE $(CPPFLAGS) -UGNN_CUDA $(CFLAGS) -MMD -MP -c -o $@ $<

# CUDA; the kernels' arithmetic is tested without a GPU, each thread emulated by a coroutine
kernel_deps = $(wildcard kernels/*.h kernels/*.cuh) $(addprefix gnn/,math.h block.h fsairow.h steps.h coupling.h) build/flags
forward_is = $(join -DGNN_TF32= -DGNN_TAPE= -DGNN_NB=,$(subst -, ,$*))
define compile_kernel
@mkdir -p $(@D)
@test -n "$(NVCC)" || { echo "PETSc has CUDA, but there is no nvcc: put the CUDA toolkit's bin folder into PATH, or build for the host alone with 'make cuda='"; exit 1; }
$(NVCC) $(NVCCFLAGS) -std=c++17 -Xcompiler -fPIC,-fvisibility=hidden $(1) -c -o $@ $<
endef
define emulate_kernel
@mkdir -p $(@D)
$(CXX) -std=c++17 -Wall -Wextra -Wno-unknown-pragmas -fPIC -O2 -fsanitize=alignment -fsanitize-undefined-trap-on-error -DGNN_EMULATE $(1) -x c++ -c -o $@ $<
endef
build/kernels/forward-%.o: kernels/forwardwidth.cu $(kernel_deps)
	$(call compile_kernel,$(forward_is))
build/kernels/%.o: kernels/%.cu $(kernel_deps)
	$(compile_kernel)
build/emulated/kernels/forward-%.o: kernels/forwardwidth.cu $(kernel_deps) tests/emulate.h
	$(call emulate_kernel,$(forward_is))
build/emulated/%.o: %.cu $(kernel_deps) tests/emulate.h
	$(emulate_kernel)
build/race/kernels/forward-%.o: kernels/forwardwidth.cu $(kernel_deps) tests/emulate.h
	$(call emulate_kernel,-O1 -g -fsanitize=thread $(forward_is))
build/race/%.o: %.cu $(kernel_deps) tests/emulate.h
	$(call emulate_kernel,-O1 -g -fsanitize=thread)
build/race/tests/emulate.o: race_flag = -DEMULATE_RACE
build/emulated/tests/emulate.o build/race/tests/emulate.o: tests/emulate.cc tests/emulate.h tests/emulaterace.h build/flags
	$(call emulate_kernel,$(race_flag))

build/emulated/%.o: %.c build/flags
	@mkdir -p $(@D)
	$(CC) -DGNN_EMULATE $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The models inside the library: all that lie in share/gnnspai; their names must be good for C. general is the default for block size 1,
# general2, general3, ... for others
builtins     = $(sort $(wildcard share/gnnspai/*.safetensors))
builtin_list = \#define GNN_BUILTINS(X) $(foreach m,$(builtins),X($(notdir $(m:.safetensors=))))
build/gnn/builtin.o build/double/gnn/builtin.o build/emulated/gnn/builtin.o build/valgrind/gnn/builtin.o: $(builtins) build/builtins.h
build/builtins.h: FORCE
	@mkdir -p build
	@echo '$(builtin_list)' | cmp -s - $@ || echo '$(builtin_list)' > $@

-include $(shell find build -name '*.d' 2>/dev/null)

# Another PETSc or other flags: everything is compiled again, if this PETSc will do
flags = $(CC) $(CPPFLAGS) $(CFLAGS) $(LDLIBS) $(NVCCFLAGS)
build/flags: FORCE
	@mkdir -p build
	@echo '$(flags)' | cmp -s - $@ || { $(CC) $(CPPFLAGS) -w -E -o /dev/null gnn/compat.h && echo '$(flags)' > $@; }

installed = lib/libgnnspai.so lib/pkgconfig/gnnspai.pc include/pcgnnspai.h bin/gnnspai-data bin/gnnspai-train $(patsubst %,share/gnnspai/%,$(notdir $(wildcard share/gnnspai/*.safetensors share/gnnspai/*.md)))
install: lib bin/gnnspai-data bin/gnnspai-train
	install -d $(DESTDIR)$(prefix)/lib/pkgconfig $(DESTDIR)$(prefix)/include $(DESTDIR)$(prefix)/bin $(DESTDIR)$(prefix)/share/gnnspai
	install -m 755 lib/libgnnspai.so $(DESTDIR)$(prefix)/lib
	install -m 755 bin/gnnspai-data bin/gnnspai-train $(DESTDIR)$(prefix)/bin
	install -m 644 pcgnnspai.h $(DESTDIR)$(prefix)/include
	install -m 644 share/gnnspai/*.safetensors share/gnnspai/*.md $(DESTDIR)$(prefix)/share/gnnspai
	printf 'prefix=%s\nName: gnnspai\nDescription: learned preconditioner for PETSc, -pc_type gnnspai\nVersion: 0.1\nRequires: %s\nCflags: -I$${prefix}/include\nLibs: -L$${prefix}/lib -Wl,-rpath,$${prefix}/lib -lgnnspai\n' '$(prefix)' '$(petsc_pc)' > $(DESTDIR)$(prefix)/lib/pkgconfig/gnnspai.pc

uninstall:
	rm -f $(addprefix $(DESTDIR)$(prefix)/,$(installed))
	rmdir --ignore-fail-on-non-empty $(DESTDIR)$(prefix)/share/gnnspai

clean:
	rm -rf build bin lib

# ---- run ----

# Open MPI refuses root and more ranks than cores unless told otherwise, and should not spin where ranks share cores. The last two: no daemon for
# a single rank, no look for networks, which are two thirds of the time that a small program takes
run_env := $(shell cat tests/mpi.env)

jobs     ?= 2
prove     = $(run_env) PETSC_OPTIONS= HARNESS_RULESFILE=tests/rules.yml prove --timer -j $(jobs) --exec '$(exec)'
host_deps = lib $(programs) $(tests) $(if $(cuda),,$(valgrind_programs))
run-test test-host test-numbers: export CC := $(CC)
run-test test-host test-numbers: export MPIEXEC := $(MPIEXEC)
run-test: $(host_deps) $(emulated_tests) bin/emulated/gnnspai-train
	$(prove) $(shell_tests) $(wildcard tests/t_device*.t) $(emulated_tests) $(tests)

# Accesses that nothing orders, in small cases, and whether faults that were planted are found
test-race: exec = setarch -R# or the addresses may be where the sanitizer wants to be
test-race:
	@mkdir -p build; if echo 'int main(void) { return 0; }' | $(CC) -x c -fsanitize=thread -o build/race-try - 2> /dev/null && $(exec) build/race-try 2> /dev/null; then $(MAKE) --no-print-directory run-test-race exec='$(exec)'; \
	else echo "SKIP: races in the kernels ($(CC) has no ThreadSanitizer, or it does not start here)"; fi
run-test-race: $(race_tests) bin/race/faults bin/emulated/faults
	EMULATE_SMALL=1 $(prove) $(race_tests) tests/race/faults.t

# Which barriers the tests would miss: some minutes
race-barriers: $(race_tests)
	$(run_env) setarch -R tests/race/barriers.sh

# Nothing of the emulated device
test-host: $(host_deps)
	$(prove) $(shell_tests) $(tests)

# What a processor's instructions, hence its rounding, could change
test-numbers: lib $(programs) $(number_tests)
	$(prove) tests/t_iterations.t $(number_tests)

# ---- on a machine with a GPU ----

cuda-programs: lib programs $(cuda_tests)
need_cuda = test -n "$(cuda)" || { echo "PETSc has no CUDA: name one that has by PETSC_DIR, or make one (make petsc-cuda)"; exit 1; }

# Skipped, with the reason, where there is no GPU; runs without prove too
test-cuda: export CC := $(CC)
test-cuda: export MPIEXEC := $(MPIEXEC)
test-cuda: $(if $(cuda),cuda-programs)
	@$(need_cuda)
	@if command -v prove > /dev/null; then $(run_env) prove --timer --exec '' $(cuda_tests) tests/cuda/cuda.t; \
	else failed=0; for t in $(cuda_tests) tests/cuda/cuda.t; do $(run_env) $$t > build/test.log 2>&1 || failed=1; \
	  grep -q '^1\.\.[0-9]' build/test.log || failed=1; grep '^not ok' build/test.log && failed=1; echo "$$t: $$(grep -c '^ok' build/test.log) passed $$(grep -o 'SKIP.*' build/test.log | head -n 1)"; done; exit $$failed; fi

# Verdicts and figures in ten minutes, without a network. device-archive: its programs for a machine that has CUDA's libraries but no PETSc
device-check:
	@kernels/device-check.sh

device-archive: OPTFLAGS  = -O3 -march=x86-64-v3
device-archive: NVCCFLAGS = -O3 -gencode arch=compute_90,code=sm_90
device-archive: $(if $(cuda),cuda-programs)
	@$(need_cuda)
	@MPICC='$(CC)' kernels/device-archive.sh carry/gnnspai-device.tar.xz '$(commit)' '$(NVCCFLAGS)'

# A PETSc with CUDA from PyPI's source package, or from the wheel named by PETSC_WHEEL, into petsc_cuda
petsc_cuda ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gnnspai/petsc-cuda
petsc-cuda:
	@kernels/petsc-cuda.sh '$(petsc_cuda)'

# 'family' is the model trained on the family, 'gnnspai' what -pc_type gnnspai does with no further option
demo_bench = $(run_env) bin/gnnspai-bench -bench_profile 0 -bench_pc jacobi,icc,tfsai,family,gnnspai -family_pc_type gnnspai -family_pc_gnnspai_model
run-demo: lib programs
	@mkdir -p build/demo
	@echo "Matrices that no model has seen; family: the model trained on matrices of the kind; gnnspai: what -pc_type gnnspai does by itself; tfsai: its classical factor"
	@bin/gnnspai-data heat -data_count 3 -data_seed 3000 -data_output build/demo/heat_%d.dat > /dev/null
	@bin/gnnspai-data poisson -data_count 2 -data_seed 3000 -data_output build/demo/poisson_%d.dat > /dev/null
	@bin/gnnspai-data hyperelasticity -data_n 8019 -data_seed 3000 -data_output build/demo/hyperelasticity_%d.dat > /dev/null
	@bin/gnnspai-data synthetic -data_n 10240 -data_seed 3000 -data_output build/demo/synthetic_%d.dat > /dev/null
	@$(demo_bench) heat -bench_matrices 'build/demo/heat_*.dat'
	@$(demo_bench) poisson -bench_matrices 'build/demo/poisson_*.dat'
	@$(demo_bench) hyperelasticity -bench_matrices 'build/demo/hyperelasticity_*.dat'
	@$(demo_bench) synthetic -bench_matrices 'build/demo/synthetic_*.dat' -bench_repeat 1

include bench/bench.mk
-include share/doc/man.mk

# ---- models ----
#
# make train-heat | train-poisson | train-synthetic | train-general | train-hyperelasticity | train-general3 | train-small makes share/gnnspai/NAME.safetensors
# from nothing, on two ranks.
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
	cd $(@D) && for f in ../train-heat/train_??[036].dat ../train-poisson/train_??[02468].dat ../train-synthetic/train_*.dat ../train-{heat,poisson,synthetic}/valid_100[01].dat; do \
	  family=$${f#../train-}; name=$${f##*/}; ln -sf $$f $${name%%_*}_$${family%%/*}$${name#*_}; done
	@touch $@
note_general   = parts of heat and poisson, synthetic, 240 matrices of other kinds
first_general  = -train_steps 8000 -train_lr 3e-3 -train_warmup 400 -train_validate_every 2000
second_general = -train_steps 1500 -train_lr 1e-3 -train_validate_every 500 -train_loss kaporin

# Whole small beams, which have ends, and patches of middle-sized ones; blocks of 3 x 3
build/train-hyperelasticity/done: | programs
	$(data) hyperelasticity -data_n 1350 -data_seed 0 -data_count 24 -data_output $(@D)/train_beam%d.dat
	$(data) hyperelasticity -data_n 2100 -data_seed 24 -data_count 24 -data_output $(@D)/train_beam%d.dat
	$(data) hyperelasticity -data_n 8019 -data_seed 48 -data_count 12 -data_output $(@D)/mesh_%d.dat
	$(data) patches -data_matrices '$(@D)/mesh_*.dat' -data_count 96 -data_output $(@D)/train_%03d.dat
	$(data) hyperelasticity -data_n 8019 -data_seed 1000 -data_count 3 -data_output $(@D)/valid_%d.dat
	@touch $@
note_hyperelasticity   = hyperelasticity, 48 small beams and 96 patches of 12 beams
first_hyperelasticity  = -gnn_block_size 3 -train_steps 5000 -train_lr 6e-3 -train_validate_every 1000
second_hyperelasticity = -train_steps 2000 -train_lr 2e-3 -train_validate_every 500 -train_loss kaporin

# All of hyperelasticity, elasticity on grids, and three coupled fields of other kinds
build/train-general3/done: build/train-hyperelasticity/done
	$(data) mix -data_block_size 3 -data_kind elasticity-3d -data_n 1500 -data_seed 0 -data_count 96 -data_output $(@D)/train_elastic%03d.dat
	$(data) mix -data_block_size 3 -data_n 1500 -data_seed 100 -data_count 144 -data_output $(@D)/train_mix%03d.dat
	$(data) mix -data_block_size 3 -data_kind elasticity-3d -data_n 6000 -data_seed 1000 -data_count 3 -data_output $(@D)/valid_elastic%d.dat
	$(data) mix -data_block_size 3 -data_n 6000 -data_seed 1003 -data_count 3 -data_output $(@D)/valid_mix%d.dat
	cd $(@D) && for f in ../train-hyperelasticity/train_*.dat ../train-hyperelasticity/valid_*.dat; do ln -sf $$f .; ln -sf $$f.info .; done
	@touch $@
note_general3   = hyperelasticity, 96 elastic grids, 144 matrices of three coupled fields
first_general3  = -gnn_block_size 3 -train_steps 7000 -train_lr 4e-3 -train_warmup 400 -train_validate_every 1750
second_general3 = -train_steps 1500 -train_lr 1e-3 -train_validate_every 500 -train_loss kaporin

# general with an eighth of the arithmetic
build/train-small/done: build/train-general/done
	@mkdir -p $(@D)
	cd $(@D) && ln -sf ../train-general/train_*.dat ../train-general/valid_*.dat .
	@touch $@
note_small   = $(note_general)
first_small  = -gnn_width 8 -train_steps 12000 -train_lr 6e-3 -train_warmup 400 -train_validate_every 2000
second_small = -train_steps 3000 -train_lr 2e-3 -train_validate_every 500 -train_loss kaporin

train_run = $(run_env) $(MPIEXEC) -n 2 bin/gnnspai-train -train_seed 0 -train_matrices '$(<D)/train_*.dat' -train_validation '$(<D)/valid_*.dat' -train_note '$(note_$*)'
$(models:%=train-%): train-%: build/train-%/done
	$(train_run) $(first_$*) -train_output $(<D)/first.safetensors -train_log $(<D)/first.csv
	$(train_run) $(second_$*) -train_init $(<D)/first.safetensors -train_output $(<D)/$*.safetensors -train_log $(<D)/second.csv
	cp $(<D)/$*.safetensors share/gnnspai/$*.safetensors
	(cat $(<D)/first.csv; tail -n +2 $(<D)/second.csv) > share/gnnspai/$*.csv

# Loss and iterations of a model's training
$(models:%=plot-%): plot-%: setup-plot
	@mkdir -p build/plot
	gnuplot -e "csv='share/gnnspai/$*.csv'; out='build/plot/$*.png'" train/curve.gp
	@echo build/plot/$*.png
