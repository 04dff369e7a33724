#!/usr/bin/env bash
# gnnspai-bench, and what becomes of its JSON: CSV and tables. TAP.
. tests/tap.sh
bench="bin/gnnspai-bench -bench_repeat 1"
table="python3 bench/table.py"

has_python=$(command -v python3)
# python NAME EXPRESSION FILE: true for d, the JSON in FILE; r(pc): a result of its first matrix, s(pc, mode, rhs): the solves of one
python() {
  if [ -z "$has_python" ]; then
    skip "$1" "no python3"
    return
  fi
  run python3 - "$2" "$3" <<'END'
import json, sys
with open(sys.argv[2]) as f:
    d = json.load(f)
first = d["matrices"][0]
def r(pc):
    return next(x for x in first["results"] if x["pc"] == pc)
def s(pc, mode="default", rhs="ones"):
    return [x for x in r(pc)["solves"] if (x["mode"], x["rhs"]) == (mode, rhs)]
print(json.dumps(first, indent=1))
assert eval(sys.argv[1])
END
  result $? "$1"
}

shows() { # shows NAME TEXT...: the log has each
  local name=$1 text missing=0
  shift
  for text; do grep -qF -e "$text" "$log" || missing=1; done
  result $missing "$name"
}

compile tests/cli/app.c "$work/app" PETSc
run $bench -bench_laplacian 20,20 -bench_pc jacobi,icc
cp "$log" "$work/bench"
same=0
for pc in jacobi icc; do
  run "$work/app" -m 20 -n 20 -pc_type $pc -ksp_norm_type unpreconditioned
  its=$(awk -v pc=$pc '$1 == pc {print $2}' "$work/bench")
  grep -q "after ${its:-?} iterations" "$log" || same=1
done
result $same "iterations are those of a program of its own" "$work/bench"

json=$work/a.json
run $bench -bench_laplacian 12,12,12 -bench_pc none,jacobi,icc,mine,gnnspai,network,pbjacobi,other -mine_pc_type bjacobi -mine_sub_pc_type icc -other_pc_type nosuch -network_pc_gnnspai_threshold 0 -network_pc_gnnspai_precision double \
  -bench_rtol 1e-2,1e-4,1e-8 -bench_modes default,graph,natural,single_reduction -bench_json "$json" -bench_history "$work/a.csv" -bench_commit abc -bench_device D
result $? "tolerances, modes, preconditioners of one's own"
shows "what is missing is skipped and named" "pbjacobi       skipped: the block size is 1" "other          skipped: this PETSc has no -pc_type nosuch"
python "the JSON says where it comes from" 'd["schema"] == 2 and d["device"] == "D" and d["commit"] == "abc" and "3." in d["petsc"] and d["copy_GBps"] > 0 and first["n"] == 1728' "$json"
python "an entry for each tolerance, more iterations for smaller ones" '[x["rtol"] for x in s("jacobi")] == [1e-2, 1e-4, 1e-8] and s("jacobi")[0]["iterations"] < s("jacobi")[1]["iterations"] < s("jacobi")[2]["iterations"]' "$json"
python "true residuals are as small as asked" 'all(x["converged"] and x["residual"] <= 1.2 * x["rtol"] for p in ("none", "jacobi", "icc", "mine", "gnnspai") for x in r(p)["solves"])' "$json"
python "the other modes run the iterations of the default one" 'all([x["iterations"] for x in s(p, mode, rhs)] == [s(p, "default", rhs)[2]["iterations"]] for p in ("jacobi", "gnnspai") for mode in ("graph", "natural", "single_reduction") for rhs in ("ones", "random"))' "$json"
python "set-up, refresh and solves have a spread" 'all(x["min"] <= x["median"] <= x["max"] and x["runs"] == 1 for x in [r("icc")["setup_ms"], r("icc")["refresh_ms"], s("icc")[0]["solve_ms"]])' "$json"
python "options are noted without their prefix" 'r("mine")["options"].split() == "-pc_type bjacobi -sub_pc_type icc".split() and r("gnnspai")["options"] == "-pc_type gnnspai"' "$json"
python "flops and bytes of an application of Jacobi" 'r("jacobi")["profile"]["apply_flops"] == 1728 and r("jacobi")["profile"]["apply_bytes"] == 24 * 1728' "$json"
python "flops and bytes of gnnspai are those of G" '4 * first["nonzeros"] < r("network")["profile"]["apply_flops"] < 6 * first["nonzeros"] and 12 * first["nonzeros"] < r("network")["profile"]["apply_bytes"] < 12 * first["nonzeros"] + 101 * 1728' "$json"
python "PETSc's log splits the solve" '0 < p["pcapply_ms"] < p["kspsolve_ms"] and 0 < p["matmult_ms"] < p["kspsolve_ms"] if (p := r("icc")["profile"]) else False' "$json"
awk -F, 'NR == 1 {next} {last[$2] = $4; n[$2] = $3} END {exit !(last["jacobi"] < 1e-8 && last["gnnspai"] < 1e-8 && n["gnnspai"] < n["jacobi"])}' "$work/a.csv"
result $? "the history ends below the tolerance" "$work/a.csv"

run $bench -bench_laplacian 12,12,12 -bench_pc jacobi,gnnspai -bench_columns 5 -bench_json "$work/columns.json"
grep -q 'gnnspai *PCMatApply() [0-9.]* ms, as long as [0-9.]* PCApply()' "$log"
result $? "so many columns at once are timed"
python "and told in the JSON" 'all(r(n)["profile"]["columns_ms"] > 0 and r(n)["profile"]["columns_applies"] > 0 for n in ("jacobi", "gnnspai"))' "$work/columns.json"

# What is printed: its its set-up refresh solve solve, and totals for 1, 10 and 100 systems
run $bench -bench_laplacian 12,12,12 -bench_pc jacobi,icc,gamg,gnnspai -bench_profile 0 -bench_json "$work/regret.json"
awk 'function off(x, y, by) {return (x - y > by || y - x > by)}
  $1 ~ /^(jacobi|icc|gamg|gnnspai)$/ {for (k = 1; k <= 100; k *= 10) {total[k, $1] = $(c = 7 + length(k)); n++; if (off($c, $4 + k * ($6 + $7) / 2 + (k - 1) * $5, 0.02 * k)) bad = 1}}
  /fastest for 1, 10, 100 systems: / {
    for (k = 1; k <= 100; k *= 10) {
      name = $(6 + length(k)); sub(/[,;]/, "", name); regret = $(11 + length(k)); sub(/,/, "", regret)
      for (key in total) if (index(key, k SUBSEP) == 1 && total[key] < total[k, name] - 0.02) bad = 1
      if (off(regret, total[k, "gnnspai"] / total[k, name], 0.006 + 0.02 * regret / total[k, name])) bad = 1
      lines++
    }
  }
  END {exit !(n == 12 && lines == 3 && !bad)}' "$log"
result $? "totals are a set-up, solves, refreshes between; the least has the fastest, and gnnspai's over it is told"
python "and so in the JSON" 'all(abs(x["total_ms"][str(k)] / (x["setup_ms"]["median"] + k * sum(y["solve_ms"]["median"] for y in x["solves"]) / 2 + (k - 1) * x["refresh_ms"]["median"]) - 1) < 1e-3 for x in first["results"] for k in (1, 10, 100)) and all(f["regret"] >= 1 and abs(f["regret"] * r(f["pc"])["total_ms"][k] / r("gnnspai")["total_ms"][k] - 1) < 1e-3 and r(f["pc"])["total_ms"][k] == min(x["total_ms"][k] for x in first["results"]) for k, f in first["fastest"].items()) and len(first["fastest"]) == 3' "$work/regret.json"
run $bench -bench_laplacian 12,12,12,5,5,5,6,6,6 -bench_pc gamg,gnnspai -bench_profile 0 -bench_max_it 15 -bench_json "$work/never.json"
grep -q 'gnnspai takes never, never, never times as long' "$log" && sed -n '/^The time that/,$p' "$log" > "$work/end" &&
  awk '/^  laplacian_[56]/ {a = (n++ && $2 < a) ? a : $2} /^  laplacian_12/ {never = $2} /^  median/ {m = $2} /^  worst/ {w = $2} END {exit !(n == 2 && m == a && w == "never" && never == "never")}' "$work/end"
result $? "a default that does not converge where another does; median and worst at the end"
python "it is null" 'first["fastest"]["10"] == {"pc": "gamg", "regret": None} and r("gnnspai")["total_ms"]["10"] is None' "$work/never.json"
run $bench -bench_laplacian 12,12,12 -bench_pc jacobi,gnnspai -bench_profile 0 -bench_max_it 2
shows "nobody converges" "nobody converged"

# kappa = cot^2(pi/(2 (n + 1)))
run $bench -bench_laplacian 50 -bench_pc none -bench_rhs random -bench_json "$work/line.json"
python "Lanczos finds the condition number of the 1-D Laplacian" 'abs(r("none")["profile"]["condition"] / 1053.479 - 1) < 1e-3' "$work/line.json"
run $bench -bench_laplacian 3,3,3,4,4,4 -bench_pc jacobi -bench_profile 0 -bench_json "$work/two.json"
python "several grids; no profile" '[m["matrix"] for m in d["matrices"]] == ["laplacian_3x3x3", "laplacian_4x4x4"] and d["copy_GBps"] is None and set(r("jacobi")["profile"].values()) == {None}' "$work/two.json"

# A zero on the diagonal, its column still full: Jacobi takes 1 there, and CG's own residual is not the true one
perl -e '
  my @r = map { my $i = $_; [map { [$_, $_ == $i ? ($i == 5 ? 0 : 2.1) : -1] } grep { $_ >= 0 && $_ < 60 } $i - 1 .. $i + 1] } 0 .. 59;
  $_->[1] = 0 for @{$r[5]};
  my $nz = 0; $nz += @$_ for @r;
  print pack("l>*", 1211216, 60, 60, $nz, map { scalar @$_ } @r), pack("l>*", map { map { $_->[0] } @$_ } @r), pack("d>*", map { map { $_->[1] } @$_ } @r);
' > "$work/lying.dat"
run $bench -bench_matrices "$work/lying.dat" -bench_pc jacobi -bench_rhs random -bench_profile 0 -bench_max_it 5000 -bench_json "$work/lying.json"
grep -q '^  jacobi .*  not converged' "$log"
result $? "a true residual that misses the tolerance is no convergence"
python "and not in the JSON, whatever KSP says" 's("jacobi", rhs="random")[0]["converged"] is False and s("jacobi", rhs="random")[0]["reason"].startswith("CONVERGED") and s("jacobi", rhs="random")[0]["residual"] > 1e-6' "$work/lying.json"

# b = 3 e_7, which a diagonal matrix solves in one iteration, and random numbers do not
perl -e 'print pack("l>*", 1211216, 60, 60, 60, (1) x 60, 0 .. 59), pack("d>*", 1 .. 60)' > "$work/diagonal.dat"
perl -e 'print pack("l> l> d>*", 1211214, 60, map { $_ == 7 ? 3 : 0 } 0 .. 59)' > "$work/diagonal.dat.rhs"
run $bench -bench_matrices "$work/diagonal.dat" -bench_pc none -bench_profile 0 -bench_json "$work/own.json"
grep -q 'b = A 1 | b its own' "$log"
result $? "FILE.rhs is taken instead of random numbers"
python "and said to be" 'first["own_rhs"] is True and s("none", rhs="random")[0]["iterations"] == 1 < s("none")[0]["iterations"]' "$work/own.json"

cp "$work/lying.dat" "$work/half_a.dat"
echo "no matrix" > "$work/half_b.dat"
cp "$work/two.json" "$work/half.json"
run $bench -bench_matrices "$work/half_*.dat" -bench_pc jacobi -bench_profile 0 -bench_json "$work/half.json"
[ $? -ne 0 ] && cmp "$work/two.json" "$work/half.json" >> "$log" && grep -q '"half_a"' "$work/half.json.part" && [ ! -e "$work/two.json.part" ]
result $? "a run that ends half-way leaves the JSON of another, and its own in FILE.part"

refuses "words that belong to no option, as a pattern without quotes leaves them" "belongs to no option" "$top/bin/gnnspai-bench" -bench_matrices "$work"/half_*.dat -bench_pc jacobi
run "$top/bin/gnnspai-bench" -help
[ $? -eq 0 ] && grep -q -- '-bench_laplacian' "$log"
result $? "-help alone"
refuses "a JSON that cannot be written, before anything is measured" "Cannot write -bench_json $work/none/x.json" "$top/bin/gnnspai-bench" -bench_laplacian 9 -bench_pc jacobi -bench_json "$work/none/x.json"
! grep -q '^laplacian' "$log"
result $? "nothing was measured"
refuses "an unknown preconditioner" "no preconditioner called 'nosuch'" "$top/bin/gnnspai-bench" -bench_laplacian 9 -bench_pc nosuch
refuses "tolerances that do not fall" "must fall from one to the next" "$top/bin/gnnspai-bench" -bench_laplacian 9 -bench_rtol 1e-4,1e-2
refuses "a matrix type that cannot be had" "there is no GPU here" "$top/bin/gnnspai-bench" -bench_laplacian 9 -bench_mat_type nosuch
run $bench -bench_laplacian 9 -bench_pc gnnspai,jacobi -gnnspai_pc_gnnspai_model nosuch -bench_json "$work/failed.json"
[ $? -eq 1 ] && grep -q 'gnnspai *failed: .*nosuch' "$log" && grep -q '^  jacobi .* 1e-08$' "$log"
result $? "a preconditioner that fails is named, the others go on, and it ends with 1"
python "and it is in the JSON" '"nosuch" in r("gnnspai")["failed"] and "solves" in r("jacobi")' "$work/failed.json"

if [ -n "$has_python" ]; then
  run $table --json "$json"
  shows "tables: the best is bold, where gnnspai is not first is said" "| icc | **" "gnnspai is not first in: iterations, A·1 / random (" "Not run: pbjacobi (the block size is 1)"
  run $table --check
  result $? "README's table and bench/results/*.md are what bench/results/*.csv say: else make bench-tables"

  tree=$work/tree
  mkdir -p "$tree/bench" "$work/new"
  cp README.md "$tree" && cp -r bench/*.py bench/results "$tree/bench"
  table="python3 $tree/bench/table.py"
  sed -i '/<!-- table:/,/<!-- end/s/^\(| `gnnspai`.*[1-9]\)/\17/' "$tree/README.md"
  ! run $table --check && grep -q 'README.md is not .*make bench-tables' "$log" && run $table && cmp "$tree/README.md" README.md > "$log"
  result $? "a changed number is noticed, and put back"

  cp "$json" "$work/new/mine-cpu.json" && cp bench/results/train-cpu.md "$work/new/train-of-mine.md"
  run $table --merge "$work/new"
  section() { sed -n '/^## mine-cpu/,/^## [^m]/{/^## [^m]/!p}' "$tree/bench/results/cpu.md"; }
  section > "$work/merged.md" && $table --json "$work/new/mine-cpu.json" > "$work/direct.md" && diff "$work/merged.md" "$work/direct.md" > "$log" && [ -s "$work/merged.md" ] && [ -e "$tree/bench/results/train-of-mine.md" ]
  result $? "new JSON goes into the CSV, and comes out as the same tables"
  sed -n '/^mine,/!p' "$tree/bench/results/cpu.csv" | cut -d, -f1-8 | diff - <(cut -d, -f1-8 bench/results/cpu.csv) > "$log"
  result $? "the other lines stay"
  python3 - "$work/new/mine-cpu.json" <<'END'
import json, sys
with open(sys.argv[1]) as f:
    d = json.load(f)
first = d["matrices"][0]
first["results"] = [r for r in first["results"] if r["pc"] == "icc"]
first["results"][0]["setup_ms"]["median"] = 4321
d["commit"] = "later"
with open(sys.argv[1], "w") as f:
    json.dump(d, f)
END
  cut -d, -f2,6 "$tree/bench/results/cpu.csv" | sort > "$work/before"
  run $table --merge "$work/new"
  cut -d, -f2,6 "$tree/bench/results/cpu.csv" | sort | diff "$work/before" - > "$log" && grep -q '^| icc .* 4321 ' "$tree/bench/results/cpu.md" && grep -q 'commit later, abc' "$tree/bench/results/cpu.md"
  result $? "one preconditioner measured again replaces its line alone, and the table names both commits"

  cp "$work/regret.json" "$work/new/regret-cpu.json"
  run $table --merge "$work/new"
  python3 - "$work/regret.json" "$tree/bench/results/regret-cpu.md" > "$log" 2>&1 <<'END'
import json, sys
first = json.load(open(sys.argv[1]))["matrices"][0]
rows = [[c.strip() for c in line.strip("|\n ").split("|")] for line in open(sys.argv[2])]
row = next(r for r in rows if r[0] == first["matrix"])
print(first["fastest"], row)
assert row[2].split(", ") == [f["pc"] for f in first["fastest"].values()]
assert all(abs(float(x) / f["regret"] - 1) < 0.01 for x, f in zip(row[3:6], first["fastest"].values()))
ten = {r["pc"]: r["total_ms"]["10"] for r in first["results"]}
assert abs(float(row[6]) / (ten["jacobi"] / min(ten.values())) - 1) < 0.01
END
  result $? "the set regret has a page of its own, with what gnnspai-bench said"
  ! grep -q '^## regret' "$tree/bench/results/cpu.md" && run $table --check
  result $? "and is not on the other"

  run $table --sizes cpu
  [ "$(grep -c '^size_[0-9]*_2000,gnnspai,[0-9]*,[0-9.e-]*$' "$log")" -ge 2 ]
  result $? "sizes for the plot"
else
  skip "tables" "no python3"
fi
plan
