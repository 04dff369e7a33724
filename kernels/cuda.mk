# CUDA: set-up and product on the device, where PETSc has CUDA and what is called of it there, from 3.23 on; `make cuda=` leaves them out.
# Then the targets for a machine with a GPU; its tests are in tests/tests.mk, its measurements in bench/bench.mk.

petsc_inc:= $(call pkg,--cflags-only-I PETSc)
cuda     := $(if $(and $(call pkg,--atleast-version=3.23 PETSc && echo 1),$(shell grep -s 'define PETSC_HAVE_CUDA 1' $(patsubst -I%,%/petscconf.h,$(filter -I%,$(petsc_inc))))),1)
NVCC     ?= $(firstword $(shell command -v nvcc) $(wildcard /usr/local/cuda/bin/nvcc))
NVCCFLAGS?= -O3 -gencode arch=compute_80,code=sm_80 -gencode arch=compute_90,code=[sm_90,compute_90]
ifneq ($(cuda),)
cuda_lib  = $(patsubst %/bin/nvcc,%/lib64,$(NVCC))
CPPFLAGS += -DGNN_CUDA -I$(patsubst %/bin/nvcc,%/include,$(NVCC))
LDLIBS   += -L$(cuda_lib) -Wl,-rpath,$(cuda_lib) -lcudart -lstdc++
# Programs find their libraries beside them first, so that device-archive can carry them
beside    = -Wl,-rpath,\$$ORIGIN/../lib:\$$ORIGIN/../../lib
endif

# The sources that need CUDA, a device* in any folder; $(call host,SOURCES) is without them
device    = gnn/device% gnn/coarse/device% gnn/cg/device% train/device%
host      = $(filter-out $(device),$(1))

# The kernels. forwardwidth.cu is compiled for each math and width, side by side: forward-TF32-TAPE-NB, the arguments of kernels/forward.cuh
width     = $(foreach nb,1 2 3 4,$(1:%=kernels/forward-%-$(nb).o))
kernel    = $(filter-out kernels/train%,$(patsubst %.cu,%.o,$(filter-out %/forwardwidth.cu,$(wildcard kernels/*.cu)))) $(call width,false-false true-false)
train_kernel = $(patsubst %.cu,%.o,$(wildcard kernels/train*.cu)) $(call width,false-true)
kernels   = $(if $(cuda),$(addprefix build/,$(kernel)))
train_kernels = $(if $(cuda),$(addprefix build/,$(train_kernel)))

forward_is = $(join -DGNN_TF32= -DGNN_TAPE= -DGNN_NB=,$(subst -, ,$*))
define compile_kernel
@mkdir -p $(@D)
@test -n "$(NVCC)" || { echo "PETSc has CUDA, but there is no nvcc: put the CUDA toolkit's bin folder into PATH, or build for the host alone with 'make cuda='"; exit 1; }
$(NVCC) $(NVCCFLAGS) -std=c++17 -Xcompiler -fPIC,-fvisibility=hidden -MMD -MP $(1) -c -o $@ $<
endef
build/kernels/forward-%.o: kernels/forwardwidth.cu build/flags
	$(call compile_kernel,$(forward_is))
build/kernels/%.o: kernels/%.cu build/flags
	$(compile_kernel)

# ---- on a machine with a GPU ----

.PHONY: device-check device-archive petsc-cuda
need_cuda = test -n "$(cuda)" || { echo "PETSc has no CUDA: name one that has by PETSC_DIR, or make one (make petsc-cuda)"; exit 1; }

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
