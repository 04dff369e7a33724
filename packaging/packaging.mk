# Installing, and making packages of it.
#
#   make install prefix=DIR            library, programs, header, models, man pages, pkg-config file     make uninstall prefix=DIR takes all of it away
#   make install-python prefix=DIR     the same, and `import gnnspai` for the interpreter `python`       python_site=DIR: where its packages lie
#   make dist                          build/gnnspai-VERSION.tar.xz of what is committed
#   make deb                           Debian packages of the same, in build/debian
#   make test-packaging                each kind of package once for real, where its tools are

version  := $(shell sed -n 's/^\#define PCGNNSPAI_VERSION "\(.*\)"/\1/p' pcgnnspai.h)
libdir    = $(prefix)/lib
python    = /usr/bin/python3
.PHONY: install install-python uninstall dist deb test-packaging

# ---- install; share/gnnspai/folders has those that were not there before, share/gnnspai/python where the package for Python is: uninstall takes them away again ----
root      = $(DESTDIR)$(prefix)
cards     = $(wildcard share/gnnspai/*.safetensors share/gnnspai/*.md)
installed = $(libdir)/libgnnspai.so $(libdir)/pkgconfig/gnnspai.pc $(addprefix $(prefix)/,include/pcgnnspai.h bin/gnnspai-data bin/gnnspai-train $(cards) share/gnnspai/folders share/gnnspai/python $(addprefix share/man/man3/,$(notdir $(man_pages))))
# $(call make_folders,FOLDERS), below DESTDIR
make_folders = new=$$(LC_ALL=C install -dv $(addprefix $(DESTDIR),$(1)) | sed "s|^install: creating directory '$(DESTDIR)\(.*\)'|\1|") && { test -z "$$new" || echo "$$new" >> $(root)/share/gnnspai/folders; }
install: lib bin/gnnspai-data bin/gnnspai-train man
	$(call make_folders,$(sort $(dir $(installed))))
	install -m 755 lib/libgnnspai.so $(DESTDIR)$(libdir)
	install -m 755 bin/gnnspai-data bin/gnnspai-train $(root)/bin
	install -m 644 pcgnnspai.h $(root)/include
	install -m 644 $(cards) $(root)/share/gnnspai
	$(if $(man_pages),install -m 644 $(man_pages) $(root)/share/man/man3)
	sed -e 's|@prefix@|$(prefix)|; s|@libdir@|$(patsubst $(prefix)/%,$${prefix}/%,$(libdir))|; s|@version@|$(version)|' \
	  -e 's|@petsc@|$(realpath $(call pkg,--variable=pcfiledir PETSc)/PETSc.pc)|' packaging/gnnspai.pc > $(DESTDIR)$(libdir)/pkgconfig/gnnspai.pc

# The interpreter's own folder where that is below prefix, else the one that it would have there
find_site = import sysconfig; own = sysconfig.get_path("purelib"); there = "$(prefix)"; print(own if own.startswith(there + "/") else sysconfig.get_path("purelib", "posix_prefix", {"base": there}))
python_site = $(or $(shell $(python) -c '$(find_site)'),$(error $(python) does not start: name another by python=))
install-python: package = $(python_site)/gnnspai
install-python: install
	$(call make_folders,$(python_site))
	install -d $(DESTDIR)$(package)
	install -m 644 python/gnnspai/*.py $(DESTDIR)$(package)
	echo '$(libdir)/libgnnspai.so' > $(DESTDIR)$(package)/library.txt
	echo '$(package)' > $(root)/share/gnnspai/python
	@test -n '$(DESTDIR)' || $(python) -c 'import sys; sys.exit("$(python_site)" not in sys.path)' || echo "$(python) does not look into $(python_site) by itself: PYTHONPATH=$(python_site)"

uninstall:
	folders=$$(tac $(root)/share/gnnspai/folders 2> /dev/null | sed 's|^|$(DESTDIR)|'); package=$$(cat $(root)/share/gnnspai/python 2> /dev/null); test -z "$$package" || rm -rf "$(DESTDIR)$$package"; \
	rm -f $(addprefix $(DESTDIR),$(installed)); test -z "$$folders" || rmdir --ignore-fail-on-non-empty $$folders

# ---- packages ----
archive   = build/gnnspai-$(version).tar.xz
dist:
	@git ls-files --error-unmatch makefile > /dev/null 2>&1 || { echo "make dist needs the git repository"; exit 1; }
	@git diff --quiet HEAD || echo "Not in the archive: what is not committed"
	@mkdir -p build
	git archive --prefix=gnnspai-$(version)/ HEAD | xz > $(archive)

deb: dist
	packaging/deb.sh $(archive) build/debian

test-packaging:
	packaging/check.sh
