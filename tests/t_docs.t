#!/usr/bin/env bash
# Options and documents agree: -help, the manual page in pcgnnspai.c, the README's table. TAP.
set -u
cd "$(dirname "$0")/.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
count=0

ok() { # ok STATUS TEXT [FILE]
  count=$((count + 1))
  [ "$1" = 0 ] && echo "ok $count - $2" || { echo "not ok $count - $2"; [ -z "${3:-}" ] || sed 's/^/# /' "$3"; }
}

options() { grep -o -- '-pc_gnnspai_[a-z_]*' "$1" | sort -u; }

bin/gnnspai-data heat -data_n 100 -data_output "$tmp/a_%d.dat" > /dev/null 2>&1
bin/gnnspai-bench -bench_matrices "$tmp/a_0.dat" -bench_pc gnnspai -bench_repeat 1 -help 2> /dev/null | sed 's/-gnnspai_pc_/-pc_/' > "$tmp/help"
options "$tmp/help" > "$tmp/from_help"
[ "$(wc -l < "$tmp/from_help")" -ge 5 ]
ok $? "-help lists the options" "$tmp/from_help"

sed -n '/^\/\*MC/,/^M\*\//p' pcgnnspai.c | grep -o -- '-pc_gnnspai_[a-z_]*' | sort -u > "$tmp/from_page"
diff "$tmp/from_help" "$tmp/from_page" > "$tmp/diff"
ok $? "the type's manual page lists the same" "$tmp/diff"

grep '^| `-pc_gnnspai_' README.md | grep -o -- '-pc_gnnspai_[a-z_]*' | sort -u > "$tmp/from_readme"
diff "$tmp/from_help" "$tmp/from_readme" > "$tmp/diff"
ok $? "the README's table lists the same" "$tmp/diff"

for f in $(grep -o 'PCGNNSPAI[A-Za-z]*(' pcgnnspai.h | tr -d '(' | sort -u); do
  grep -q "^  $f - " pcgnnspai.c || echo "$f"
done > "$tmp/missing"
[ ! -s "$tmp/missing" ]
ok $? "every public function has a manual page" "$tmp/missing"

for f in $(grep -o 'PCGNNSPAISet[A-Za-z]*(' pcgnnspai.h | tr -d '(' | grep -v SetNetwork); do
  grep -q "${f/Set/Get}(" pcgnnspai.h || echo "$f"
done > "$tmp/missing"
[ ! -s "$tmp/missing" ]
ok $? "every setter has a getter" "$tmp/missing"

for option in $(grep -oh -- '-\(train\|data\|gnn\|bench\)_[a-z_]*' README.md | sort -u); do
  grep -rqe "\"$option\"" train/*.c bench/*.c || echo "$option"
done | grep -v -e '_$' > "$tmp/missing"
[ ! -s "$tmp/missing" ]
ok $? "every option of the programs in the README exists" "$tmp/missing"

for model in share/gnnspai/*.safetensors; do
  [ -f "${model%.safetensors}.md" ] || echo "$model"
done > "$tmp/missing"
[ ! -s "$tmp/missing" ]
ok $? "every model has a card" "$tmp/missing"
echo "1..$count"
