# The tests, TAP, which prove runs: unit (programs on the host), cli (scripts: the programs, the plugin, the documents), cuda (the device; without a
# GPU its kernels with emulated threads, cuda/emulate.h), reference (independent implementations, in numpy and PyTorch).
#
#   make test          all of it, but on a GPU           make test-cuda     on a GPU
#   make test-race     races in the kernels              make race-barriers which barriers the tests would miss
#   make test-host     nothing of the emulated device    make test-numbers  what a processor's rounding could change

MPIEXEC  ?= mpiexec
# Open MPI refuses root and more ranks than cores unless told otherwise, and should not spin where ranks share cores. The last two: no daemon for
# a single rank, no look for networks, which are two thirds of the time that a small program takes
run_env  := $(shell cat tests/mpi.env)

tests     = $(patsubst tests/unit/%.c,bin/%,$(wildcard tests/unit/t_*.c)) bin/t_reference_double
double    = bin/t_gradient bin/t_reference_double
cli_tests = $(wildcard tests/cli/t_*.t tests/apps/t_*.t)
# Those with numbers that hang on the processor
number_tests = bin/t_pc bin/t_fsai bin/t_fallback bin/t_pcsetup bin/t_pcuse bin/t_block bin/t_blockmodel bin/t_coarse bin/t_reference bin/t_kappa
# On the emulated device: slow, and the same on any PETSc
device_tests   = $(patsubst tests/cuda/%.c,%,$(wildcard tests/cuda/t_device*.c))
emulated_tests = bin/t_emulated $(device_tests:%=bin/%)
race_tests     = bin/race/t_devicefsai bin/race/t_device bin/race/t_devicetrain bin/race/t_devicecg
cuda_tests     = $(device_tests:%=bin/cuda/%) bin/cuda/t_cuda

.PHONY: run-test test-race run-test-race race-barriers test-host test-numbers cuda-programs test-cuda

# ---- programs ----

$(filter-out $(double),$(tests)): bin/%: build/tests/unit/%.o build/libgnnspai.a
bin/t_hyper bin/t_kappa: private LDLIBS += $(lapack)

# The same network in double, for the derivative tests
bin/t_gradient: build/double/tests/unit/t_gradient.o
bin/t_reference_double: build/double/tests/unit/t_reference.o
$(double): $(patsubst %.c,build/double/%.o,$(call host,$(lib_src)) train/files.c train/loss.c train/validate.c)
build/double/%.o: private override CPPFLAGS += -DGNN_USE_DOUBLE -UGNN_CUDA
build/double/%.o: %.c build/flags
	@mkdir -p $(@D)
	$(compile)

# Under valgrind, which does not know every processor's instructions
valgrind_programs = bin/valgrind/gnnspai-bench bin/valgrind/gnnspai-train
bin/valgrind/gnnspai-bench: $(bench_src:%.c=build/valgrind/%.o)
bin/valgrind/gnnspai-train: build/valgrind/train/train.o
$(valgrind_programs): $(patsubst %.c,build/valgrind/%.o,$(call host,$(lib_src) $(filter-out train/train.c,$(train_src))))
build/valgrind/%.o: private override OPTFLAGS = -O1 -g
build/valgrind/%.o: %.c build/flags
	@mkdir -p $(@D)
	$(compile)

# On a GPU
$(cuda_tests): bin/cuda/%: build/tests/cuda/%.o build/libgnnspai.a
cuda-programs: lib programs $(cuda_tests)

# ---- the emulated device: everything that knows of it is compiled again, the kernels by the host's compiler ----

emulated       = $(patsubst %,build/emulated/%,$(lib_src:.c=.o) $(kernel) tests/cuda/emulate.o)
emulated_train = $(patsubst %,build/emulated/%,$(patsubst %.c,%.o,$(filter-out train/train.c,$(train_src))) $(train_kernel))
$(filter bin/t_device%,$(emulated_tests)): bin/%: build/emulated/tests/cuda/%.o $(emulated)
bin/t_emulated: build/emulated/tests/cuda/t_cuda.o $(emulated)
bin/t_devicetrain: $(emulated_train)
# For tests/cuda/t_devicetrain.t
bin/emulated/gnnspai-train: build/emulated/train/train.o $(emulated_train) $(emulated)
bin/emulated/faults: build/emulated/tests/cuda/race/faults.o build/emulated/tests/cuda/emulate.o
$(emulated_tests) bin/emulated/gnnspai-train bin/emulated/faults: private LDLIBS += -lstdc++

# With threads that ThreadSanitizer knows as such
race = $(patsubst build/emulated/tests/cuda/emulate.o,build/race/tests/cuda/emulate.o,$(patsubst build/emulated/kernels/%,build/race/kernels/%,$(1)))
$(race_tests): bin/race/%: build/emulated/tests/cuda/%.o $(call race,$(emulated))
bin/race/t_devicetrain: $(call race,$(emulated_train))
bin/race/faults: build/race/tests/cuda/race/faults.o build/race/tests/cuda/emulate.o
$(race_tests) bin/race/faults: private LDLIBS += -fsanitize=thread -lstdc++

build/emulated/%.o: private override CPPFLAGS += -DGNN_EMULATE
build/emulated/%.o: %.c build/flags
	@mkdir -p $(@D)
	$(compile)
define emulate
@mkdir -p $(@D)
$(CXX) -std=c++17 -Wall -Wextra -Wno-unknown-pragmas -fPIC -O2 -fsanitize=alignment -fsanitize-undefined-trap-on-error -include tests/cuda/emulate.h $(1) -MMD -MP -x c++ -c -o $@ $<
endef
race_flags = -O1 -g -fsanitize=thread
build/emulated/kernels/forward-%.o: kernels/forwardwidth.cu build/flags
	$(call emulate,$(forward_is))
build/race/kernels/forward-%.o: kernels/forwardwidth.cu build/flags
	$(call emulate,$(race_flags) $(forward_is))
build/emulated/%.o: %.cu build/flags
	$(emulate)
build/race/%.o: %.cu build/flags
	$(call emulate,$(race_flags))
build/emulated/%.o: %.cc build/flags
	$(emulate)
build/race/%.o: %.cc build/flags
	$(call emulate,-DEMULATE_RACE)

# ---- runs ----

jobs     ?= 2
prove     = $(run_env) PETSC_OPTIONS= HARNESS_RULESFILE=tests/rules.yml prove --timer -j $(jobs) --exec 'tests/run.sh $(exec)'
host_deps = lib man $(programs) $(tests) $(if $(cuda),,$(valgrind_programs))
run-test test-host test-numbers test-cuda: export CC := $(CC)
run-test test-host test-numbers test-cuda: export MPIEXEC := $(MPIEXEC)
run-test: $(host_deps) $(emulated_tests) bin/emulated/gnnspai-train
	$(prove) $(cli_tests) $(wildcard tests/cuda/t_*.t) $(emulated_tests) $(tests)

# Accesses that nothing orders, in small cases, and whether faults that were planted are found
test-race: exec = setarch -R# or the addresses may be where the sanitizer wants to be
test-race:
	@mkdir -p build; if echo 'int main(void) { return 0; }' | $(CC) -x c -fsanitize=thread -o build/race-try - 2> /dev/null && $(exec) build/race-try 2> /dev/null; then $(MAKE) --no-print-directory run-test-race exec='$(exec)'; \
	else echo "SKIP: races in the kernels ($(CC) has no ThreadSanitizer, or it does not start here)"; fi
run-test-race: $(race_tests) bin/race/faults bin/emulated/faults
	EMULATE_SMALL=1 $(prove) $(race_tests) tests/cuda/race/faults.t

# Some minutes
race-barriers: $(race_tests)
	$(run_env) setarch -R tests/cuda/race/barriers.sh

test-host: $(host_deps)
	$(prove) $(cli_tests) $(tests)

test-numbers: lib $(programs) $(number_tests)
	$(prove) tests/cli/t_iterations.t $(number_tests)

# Skipped, with the reason, where there is no GPU; runs without prove too
test-cuda: $(if $(cuda),cuda-programs)
	@$(need_cuda)
	@if command -v prove > /dev/null; then $(run_env) prove --timer --exec '' $(cuda_tests) tests/cuda/cuda.t; \
	else failed=0; for t in $(cuda_tests) tests/cuda/cuda.t; do $(run_env) $$t > build/test.log 2>&1 || failed=1; \
	  grep -q '^1\.\.[0-9]' build/test.log || failed=1; grep '^not ok' build/test.log && failed=1; echo "$$t: $$(grep -c '^ok' build/test.log) passed $$(grep -o 'SKIP.*' build/test.log | head -n 1)"; done; exit $$failed; fi
