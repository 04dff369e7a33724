#!/usr/bin/env bash
# Options, functions and documents agree: -help, the manual pages, share/doc, README. TAP.
. tests/tap.sh

documents=(README.md share/doc/*.md)
missing() { # missing NAME: nothing was found missing
  [ ! -s "$work/missing" ]
  result $? "$1" "$work/missing"
}
same() { # same NAME FILE FILE
  diff "$2" "$3" > "$work/diff"
  result $? "$1" "$work/diff"
}
options() { grep -oh -- '-pc_gnnspai_[a-z_]*' "$@" | sort -u; }

bin/gnnspai-data heat -data_n 100 -data_output "$work/a_%d.dat" > /dev/null 2>&1
bin/gnnspai-bench -bench_matrices "$work/a_0.dat" -bench_pc gnnspai -bench_repeat 1 -help 2> /dev/null | sed 's/-gnnspai_pc_/-pc_/' > "$work/help"
options "$work/help" | grep -v '_coarse_' > "$work/from_help" # the KSP that solves with A_c has PETSc's own
[ "$(wc -l < "$work/from_help")" -ge 5 ]
result $? "-help lists the options" "$work/from_help"

sed -n '/^\/\*MC/,/^M\*\//{s/^[+.-]  *//p}' pcgnnspai.c | options > "$work/from_page"
same "the type's manual page lists the same" "$work/from_help" "$work/from_page"

grep '^| `-pc_gnnspai_' share/doc/manual.md | options > "$work/from_manual"
same "the table in manual.md lists the same" "$work/from_help" "$work/from_manual"

options "${documents[@]}" | grep -v -e '_coarse_\(ksp\|pc\)_' -e '_$' | while read -r option; do
  grep -q -e "\"$option\"" pcgnnspai.c gnn/gone.c || echo "$option"
done > "$work/missing"
missing "what the documents name as options of the type are, or were, some"

for option in $(grep -oh -- '-\(train\|data\|gnn\|bench\)_[a-z_]*' "${documents[@]}" | sort -u); do
  grep -rqe "\"$option\"" --include=*.c train bench || echo "$option"
done | grep -v -e '_$' > "$work/missing"
missing "every option of the programs in the documents exists"

awk -v form=names -f share/doc/pages.awk pcgnnspai.c gnn/register.c gnn/interface.c pcgnnspai.h | sort > "$work/pages"
for f in PCGNNSPAI $(grep -o 'PCGNNSPAI[A-Za-z]*(' pcgnnspai.h | tr -d '(' | sort -u); do
  grep -qx "$f" "$work/pages" || echo "$f"
done > "$work/missing"
missing "the type and every public function have a manual page"

for f in $(grep -o 'PCGNNSPAISet[A-Za-z]*(' pcgnnspai.h | tr -d '('); do
  grep -q "${f/Set/Get}(" pcgnnspai.h || echo "$f"
done > "$work/missing"
missing "every setter has a getter"

cp share/doc/manual.md "$work/manual.md"
env -u MAKEFLAGS -u MAKELEVEL make -s manual man manual="$work/manual.md" > "$log" 2>&1 && diff share/doc/manual.md "$work/manual.md" > "$log"
result $? "manual.md is what the comments in the sources say: else make manual"

for f in $(cat "$work/pages"); do
  page=build/share/man/man3/$f.3
  [ -s "$page" ] || echo "$f: no page"
  grep -H -e '[`$]' -e '\\\(epsilon\|alpha\|frac\|tilde\)' "$page"
done > "$work/missing"
missing "each has a man page, without TeX in it"
if command -v groff > /dev/null; then
  groff -man -ww -Tutf8 build/share/man/man3/*.3 2>&1 > /dev/null | head > "$work/missing"
  missing "which groff takes without a warning"
else
  skip "groff" "there is none"
fi

[ "$(wc -l < README.md)" -le 120 ]
result $? "README has at most 120 lines"

# FILE#HEADING, from the file that links there
anchors() { sed -n 's/^##* //p' "$1" | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'; }
for f in "${documents[@]}" share/gnnspai/*.md bench/results/*.md; do
  for link in $(sed 's/`[^`]*`//g' "$f" | grep -o ']([^)]*)' | tr -d ']()' | grep -v '^http'); do
    target=$(dirname "$f")/${link%%#*}
    [ -e "$target" ] || echo "$f: $link"
    [[ $link != *#* ]] || anchors "$target" | grep -qx "${link#*#}" || echo "$f: $link"
  done
done > "$work/missing"
missing "links lead somewhere"

for model in share/gnnspai/*.safetensors; do
  [ -f "${model%.safetensors}.md" ] || echo "$model"
done > "$work/missing"
missing "every model has a card"
plan
