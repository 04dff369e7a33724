# gnnspai: a learned preconditioner for PETSc.   make demo | test | lib | install prefix=DIR | help
#
# PETSC_DIR (and PETSC_ARCH) select a PETSc; without them the distribution's is used, and installed if it is missing.

OPTFLAGS ?= -O3 -march=native
prefix   ?= /usr/local
SHELL     = /bin/bash

ifdef PETSC_DIR
export PKG_CONFIG_PATH := $(PETSC_DIR)/$(PETSC_ARCH)/lib/pkgconfig:$(PKG_CONFIG_PATH)
endif
pkg       = $(shell pkg-config $(1) PETSc 2>/dev/null)
CC        = $(or $(call pkg,--variable=ccompiler),mpicc)
MPIEXEC  ?= mpiexec
CPPFLAGS  = $(call pkg,--cflags) -DGNN_SHARE_DIR='"$(CURDIR)/share/gnnspai"'
CFLAGS    = -std=gnu11 -Wall -Wextra -fPIC -fvisibility=hidden $(OPTFLAGS)
libdirs   = $(patsubst -L%,%,$(filter -L%,$(call pkg,--libs)))
LDLIBS    = $(call pkg,--libs) $(addprefix -Wl$(comma)-rpath$(comma),$(libdirs)) -ljansson -lm
comma     = ,

lib_src   = pcgnnspai.c $(wildcard gnn/*.c)
models    = $(wildcard share/gnnspai/*.safetensors)
lib_obj   = $(lib_src:%.c=build/%.o)
data_obj  = $(addprefix build/train/,data.o generate.o heat.o patches.o)
train_obj = $(addprefix build/train/,train.o loss.o adamw.o validate.o)
tests     = $(patsubst tests/%.c,bin/%,$(wildcard tests/t_*.c))
programs  = bin/gnnspai-data bin/gnnspai-train bin/gnnspai-demo

.PHONY: help setup lib programs demo test train-heat install clean run-demo run-test FORCE
.DELETE_ON_ERROR:

help:
	@sed -n 's/^#  *//p' makefile | head -4; echo "targets: demo test lib programs train-heat install clean"

# ---- build ----

lib: lib/libgnnspai.so
programs: $(programs)

lib/libgnnspai.so: $(lib_obj)
	@mkdir -p $(@D)
	$(CC) -shared $(CFLAGS) -o $@ $^ $(LDLIBS)

# Programs and tests reach inside the library, whose inner functions are hidden in the .so
build/libgnnspai.a: $(lib_obj)
	@rm -f $@
	ar rcs $@ $^

bin/gnnspai-data: $(data_obj) build/libgnnspai.a
bin/gnnspai-train: $(train_obj) build/libgnnspai.a
bin/gnnspai-demo: build/bench/demo.o build/libgnnspai.a
$(filter-out bin/t_gradient,$(tests)): bin/%: build/tests/%.o $(filter-out build/train/train.o,$(train_obj)) build/libgnnspai.a
bin/t_gradient: $(patsubst %.c,build/double/%.o,tests/t_gradient.c train/loss.c $(lib_src))
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

build/gnn/gnnbuiltin.o build/double/gnn/gnnbuiltin.o: $(models)
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
