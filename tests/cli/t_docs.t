#!/usr/bin/env bash
# Options and documents agree: -help, the manual pages, the README table. TAP.
. tests/tap.sh

options() { grep -o -- '-pc_gnnspai_[a-z_]*' "$1" | sort -u; }

bin/gnnspai-data heat -data_n 100 -data_output "$work/a_%d.dat" > /dev/null 2>&1
bin/gnnspai-bench -bench_matrices "$work/a_0.dat" -bench_pc gnnspai -bench_repeat 1 -help 2> /dev/null | sed 's/-gnnspai_pc_/-pc_/' > "$work/help"
options "$work/help" > "$work/from_help"
[ "$(wc -l < "$work/from_help")" -ge 5 ]
result $? "-help lists the options" "$work/from_help"

sed -n '/^\/\*MC/,/^M\*\//p' pcgnnspai.c | grep -o -- '-pc_gnnspai_[a-z_]*' | sort -u > "$work/from_page"
diff "$work/from_help" "$work/from_page" > "$work/diff"
result $? "the type's manual page lists the same" "$work/diff"

grep '^| `-pc_gnnspai_' README.md | grep -o -- '-pc_gnnspai_[a-z_]*' | sort -u > "$work/from_readme"
diff "$work/from_help" "$work/from_readme" > "$work/diff"
result $? "the README's table lists the same" "$work/diff"

for f in $(grep -o 'PCGNNSPAI[A-Za-z]*(' pcgnnspai.h | tr -d '(' | sort -u); do
  grep -q "^  $f - " gnn/register.c gnn/interface.c || echo "$f"
done > "$work/missing"
[ ! -s "$work/missing" ]
result $? "every public function has a manual page" "$work/missing"

for f in $(grep -o 'PCGNNSPAISet[A-Za-z]*(' pcgnnspai.h | tr -d '('); do
  grep -q "${f/Set/Get}(" pcgnnspai.h || echo "$f"
done > "$work/missing"
[ ! -s "$work/missing" ]
result $? "every setter has a getter" "$work/missing"

for option in $(grep -oh -- '-\(train\|data\|gnn\|bench\)_[a-z_]*' README.md | sort -u); do
  grep -rqe "\"$option\"" train/*.c train/data/*.c bench/*.c || echo "$option"
done | grep -v -e '_$' > "$work/missing"
[ ! -s "$work/missing" ]
result $? "every option of the programs in the README exists" "$work/missing"

for model in share/gnnspai/*.safetensors; do
  [ -f "${model%.safetensors}.md" ] || echo "$model"
done > "$work/missing"
[ ! -s "$work/missing" ]
result $? "every model has a card" "$work/missing"
plan
