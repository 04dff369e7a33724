# Manual pages from the comments in the sources: make man; man_pages is what an installation takes. And the second half of manual.md: make manual

man_source = pcgnnspai.c gnn/register.c gnn/interface.c gnn/cg/cggraph.c pcgnnspai.h
man_folder = build/share/man/man3
man_pages := $(patsubst %,$(man_folder)/%.3,$(shell awk -v form=names -f share/doc/pages.awk $(man_source)))
manual     = share/doc/manual.md
.PHONY: man manual

man: $(man_pages)
$(man_pages): $(man_folder)/done ;
$(man_folder)/done: share/doc/pages.awk $(man_source)
	@mkdir -p $(@D) && rm -f $(@D)/*.3
	awk -v form=man -v folder=$(@D) -f share/doc/pages.awk $(man_source)
	@touch $@

# What stands above the line stays
manual:
	@mkdir -p build
	{ sed '/<!-- from the sources/q' share/doc/manual.md; echo; awk -v form=md -f share/doc/pages.awk $(man_source); } > build/manual.md && cp build/manual.md '$(manual)'
