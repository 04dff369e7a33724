#!/usr/bin/env python3
"""The tables: Markdown from bench/results/cpu.csv and cuda.csv (bench/records.py says what is in them).

    python3 bench/table.py                          writes bench/results/cpu.md, cuda.md, regret-cpu.md, and what stands in README.md between <!-- table:NAME --> and <!-- end -->
    python3 bench/table.py --check                  fails where that would change something
    python3 bench/table.py --merge FOLDER           puts what gnnspai-bench -bench_json wrote there (NAME-cpu.json, NAME-cuda.json) into the CSVs, matrix by
                                                    matrix and preconditioner by preconditioner, copies tables (NAME-cpu.md), then writes
    python3 bench/table.py --json any.json ...      prints the tables of these files
    python3 bench/table.py --sizes cpu              matrix,pc,n,seconds of set-up and one solve, for the plot

In each column the best is bold, and below a table stands where gnnspai is not the best.
"""
import glob
import math
import os
import re
import shutil
import statistics
import sys

import records

OURS = "gnnspai"
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def measured(matrix):
    return [r for r in matrix["results"] if "solves" in r]


def find(result, rhs, rtol, mode="default"):
    """The solve, or None where it is not there or did not converge"""
    for s in result["solves"]:
        if (s["rhs"], s["mode"]) == (rhs, mode) and abs(s["rtol"] / rtol - 1) < 1e-6 and s["converged"]:
            return s
    return None


def rtols(matrix):
    return sorted({s["rtol"] for r in measured(matrix) for s in r["solves"]}, reverse=True)


def has_modes(matrix):
    return any(s["mode"] != "default" for r in measured(matrix) for s in r["solves"])


# Numbers of one result, None where there is none


def iterations(rhs, rtol):
    return lambda r: (find(r, rhs, rtol) or {}).get("iterations")


def solve_ms(rhs, rtol, mode="default"):
    def number(r):
        s = find(r, rhs, rtol, mode)
        return s and s["solve_ms"]["median"]

    return number


def total_ms(start, k, rtol):
    """Set-up ("setup_ms") or refresh ("refresh_ms"), and k solves, the mean of the right-hand sides"""

    def number(r):
        solves = [find(r, rhs, rtol) for rhs in ("ones", "random") if any(s["rhs"] == rhs for s in r["solves"])]
        if not solves or None in solves:
            return None
        return r[start]["median"] + k * sum(s["solve_ms"]["median"] for s in solves) / len(solves)

    return number


def profile(name):
    return lambda r: (r.get("profile") or {}).get(name)


def per_iteration_us(rtol, mode="default"):
    def number(r):
        s = find(r, "random", rtol, mode) or find(r, "ones", rtol, mode)
        return 1e3 * s["solve_ms"]["median"] / s["iterations"] if s and s["iterations"] else None

    return number


def rate(r):
    """GB/s of PCApply()"""
    p = r.get("profile") or {}
    return p["apply_bytes"] / p["apply_ms"] * 1e-6 if p.get("apply_bytes") and p.get("apply_ms") else None


# How numbers are shown


def whole(x):
    return f"{x:.0f}"


def short(x):
    return f"{x:.0f}" if x >= 9.95 else f"{x:.1f}" if x >= 0.95 else f"{x:.2f}"


def rough(x):
    return f"{x:.1e}".replace("e+0", "e").replace("e+", "e") if x >= 1e4 else f"{x:.3g}"


class Column:
    """Title, format and one or two numbers of a result; low: the smallest is the best, high: the largest, "": it is no contest"""

    def __init__(self, title, form, *numbers, best="low"):
        self.title, self.form, self.numbers, self.best = title, form, numbers, best

    def winners(self, results):
        """For each number the indices of the best results; who solved nothing is not among them, however fast the set-up"""
        sets = []
        for number in self.numbers:
            values = [number(r) if any(s["converged"] for s in r["solves"]) else None for r in results]
            known = [v for v in values if v is not None]
            best = (max if self.best == "high" else min)(known) if known and self.best else None
            sets.append({k for k, v in enumerate(values) if v is not None and v == best})
        return sets

    def cells(self, results):
        wins = self.winners(results)
        texts = []
        for k, r in enumerate(results):
            parts = []
            for number, win in zip(self.numbers, wins):
                text = "-" if number(r) is None else self.form(number(r))
                parts.append(f"**{text}**" if k in win else text)
            texts.append(" / ".join(parts))
        return texts

    def lost_to(self, results):
        """Who is better than gnnspai, for each number of a cell; "" if nobody is"""
        ours = {k for k, r in enumerate(results) if r["pc"] == OURS}
        names = ["-" if win & ours or not win else ", ".join(results[k]["pc"] for k in sorted(win)) for win in self.winners(results)]
        return "" if set(names) == {"-"} else names[0] if len(set(names)) == 1 else " / ".join(names)


def table(columns, results):
    lines = ["| preconditioner | " + " | ".join(c.title for c in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    cells = [c.cells(results) for c in columns]
    lines += ["| " + " | ".join([r["pc"]] + [c[k] for c in cells]) + " |" for k, r in enumerate(results)]
    lost = [(c.title, c.lost_to(results)) for c in columns]
    lost = "; ".join(f"{title} ({names})" for title, names in lost if names)
    if any(r["pc"] == OURS for r in results):
        lines += ["", f"{OURS} is not first in: {lost}." if lost else f"{OURS} is first in every column."]
    return lines


def heading(matrix):
    return f"{matrix['matrix']}, n = {matrix['n']}, {matrix['nonzeros']:.0f} nonzeros"


def main_columns(rtol):
    return [
        Column("iterations, A·1 / random", whole, iterations("ones", rtol), iterations("random", rtol)),
        Column("condition", rough, profile("condition")),
        Column("set-up ms", short, lambda r: r["setup_ms"]["median"]),
        Column("refresh ms", short, lambda r: r["refresh_ms"]["median"]),
        Column("solve ms, A·1 / random", short, solve_ms("ones", rtol), solve_ms("random", rtol)),
    ] + [Column(f"{k} solve{'s' * (k > 1)} + set-up / refresh ms", short, total_ms("setup_ms", k, rtol), total_ms("refresh_ms", k, rtol)) for k in (1, 10, 100)]


def main_table(matrix):
    return [f"**{heading(matrix)}**", ""] + table(main_columns(rtols(matrix)[-1]), measured(matrix))


def tolerance_table(matrix):
    columns = []
    for rtol in rtols(matrix):
        name = f"{rtol:.0e}".replace("e-0", "e-")
        columns.append(Column(f"{name}: iterations", whole, iterations("random", rtol)))
        columns.append(Column(f"{name}: 1 solve + set-up / refresh ms", short, total_ms("setup_ms", 1, rtol), total_ms("refresh_ms", 1, rtol)))
    return [f"**{heading(matrix)}, by tolerance**", ""] + table(columns, measured(matrix))


def mode_table(matrix):
    """Microseconds per iteration: the modes run the same iterations"""
    rtol = rtols(matrix)[-1]
    titles = {"default": "2-norm of the residual", "graph": "the same, cggraph", "natural": "natural norm", "single_reduction": "natural norm, single reduction"}
    modes = {s["mode"] for r in measured(matrix) for s in r["solves"]}
    columns = [Column(f"{title}, µs / iteration", short, per_iteration_us(rtol, mode)) for mode, title in titles.items() if mode in modes]
    return [f"**{heading(matrix)}, by norm**", ""] + table(columns, measured(matrix))


def apply_table(matrix, copy):
    columns = [
        Column("PCApply µs", short, lambda r: 1e3 * profile("apply_ms")(r) if profile("apply_ms")(r) else None),
        Column("flops / row", short, lambda r: profile("apply_flops")(r) / matrix["n"] if profile("apply_flops")(r) else None, best=""),
        Column("bytes / row", short, lambda r: profile("apply_bytes")(r) / matrix["n"] if profile("apply_bytes")(r) else None, best=""),
        Column("GB/s", short, rate, best="high"),
        Column("of one solve: PCApply ms", short, profile("pcapply_ms")),
        Column("MatMult ms", short, profile("matmult_ms"), best=""),
        Column("all ms", short, profile("kspsolve_ms")),
    ]
    note = f"; a long copy moves {copy:.1f} GB/s" if copy else ""
    return [f"**{heading(matrix)}, the application{note}**", ""] + table(columns, measured(matrix))


def all_tables(data):
    lines = [f"{data['device']}; PETSc: {data['petsc'].strip()}; commit {data['commit']}; medians of up to {data['repeat']} runs.", ""]
    for matrix in data["matrices"]:
        if not rtols(matrix):
            continue
        lines += main_table(matrix) + [""]
        if len(rtols(matrix)) > 1:
            lines += tolerance_table(matrix) + [""]
        if has_modes(matrix):
            lines += mode_table(matrix) + [""]
        if any(profile("apply_ms")(r) for r in measured(matrix)):
            lines += apply_table(matrix, data.get("copy_GBps")) + [""]
        missing = [f"{r['pc']} ({r.get('failed') or r['skipped']})" for r in matrix["results"] if "solves" not in r]
        if missing:
            lines += ["Not run: " + "; ".join(missing) + ".", ""]
    return lines


# Tables of several sets


def sizes(*sets):
    """Seconds of set-up and one solve, iterations in brackets; a row for each matrix"""
    matrices = [m for data in sets for m in data["matrices"] if rtols(m)]
    names = list(dict.fromkeys(r["pc"] for m in matrices for r in measured(m)))
    lines = ["| matrix | n | " + " | ".join(names) + " |", "|---" * (len(names) + 2) + "|"]
    lost = []
    for m in matrices:
        rtol = rtols(m)[-1]
        column = Column("", lambda ms: f"{1e-3 * ms:.3g}", total_ms("setup_ms", 1, rtol))
        cells = dict(zip((r["pc"] for r in measured(m)), column.cells(measured(m))))
        counts = {r["pc"]: iterations("random", rtol)(r) or iterations("ones", rtol)(r) for r in measured(m)}
        cells = [f"{cells[pc]} ({counts[pc]})" if counts.get(pc) is not None else "-" for pc in names]
        lines.append(f"| {m['matrix']} | {m['n']} | " + " | ".join(cells) + " |")
        if column.lost_to(measured(m)):
            lost.append(f"{m['matrix']} ({column.lost_to(measured(m))})")
    return lines + ["", f"{OURS} is not first on: {'; '.join(lost)}." if lost else f"{OURS} is first on every matrix."]


def setup(*sets):
    """gnnspai's set-up against the size"""
    rows = [(m["n"], m["nonzeros"], r["setup_ms"]["median"]) for data in sets for m in data["matrices"] for r in measured(m) if r["pc"] == OURS]
    n, nz, ms = zip(*rows)
    return [
        "| rows | " + " | ".join(f"{x:.0f}" for x in n) + " |",
        "|---" * (len(n) + 1) + "|",
        "| nonzeros | " + " | ".join(f"{1e-6 * x:.2f}M" for x in nz) + " |",
        "| seconds | " + " | ".join(f"{1e-3 * t:.2f}" for t in ms) + " |",
        "| µs per nonzero | " + " | ".join(f"{1e3 * t / x:.2f}" for t, x in zip(ms, nz)) + " |",
    ]


# README's preconditioners, by their names in the tables
OVERVIEW = ["jacobi", "icc", "sor", "boomeramg", "gamg", "gnnspai", "tfsai", "tfsai+coarse", "network", "network+coarse"]


def spelt(options):
    """"-pc_type T -pc_T_a b": `T`, `a b`"""
    words = re.split(" -(?=[a-z])", options)
    kind = next(w.split()[1] for w in words if w.lstrip("-").startswith("pc_type"))
    rest = [w.lstrip("-").removeprefix(f"pc_{kind}_") for w in words if not w.lstrip("-").startswith("pc_type")]
    return ", ".join(f"`{w}`" for w in [kind] + rest)


SHOWN = ["heat_natural", "poisson_natural", "hyperelasticity", "synthetic", "app_ex55"]


def overview(data):
    """Seconds of ten systems (set-up, nine refreshes, ten solves), iterations of one, for a few matrices of the set regret"""
    matrices = [m for name in SHOWN for m in data["matrices"] if m["matrix"].startswith(name)]
    columns, rows = [], {}
    for m in matrices:
        results = {r["pc"]: r for r in measured(m)}
        there = [pc for pc in OVERVIEW if pc in results]
        rows |= {pc: spelt(results[pc]["options"]) for pc in there}
        column = Column("", lambda ms: f"{1e-3 * ms:.3g}", lambda r: r["total_ms"].get("10"))
        times = dict(zip(there, column.cells([results[pc] for pc in there])))
        columns.append({pc: f"{times[pc]} ({results[pc]['solves'][0]['iterations']})" for pc in there})
    titles = [f"{m['matrix'].replace('app_', 'ksp ').split('_')[0]}, n = {m['n']}" for m in matrices]
    lines = ["| `-pc_type`, `-pc_TYPE_…` | " + " | ".join(titles) + " |", "|---" * (len(columns) + 1) + "|"]
    return lines + [f"| {rows[pc]} | " + " | ".join(c.get(pc, "-") for c in columns) + " |" for pc in OVERVIEW if pc in rows]


# Regret


def over(x):
    return "never" if math.isinf(x) else f"{x:.2f}"


class Regret:
    """One matrix: who is the fastest for so many systems, and how many times as long each takes. Nobody: the matrix has none"""

    def __init__(self, matrix, without=""):
        self.matrix, results = matrix, {r["pc"]: r for r in measured(matrix) if r["pc"] != without}
        totals = {pc: {k: r["total_ms"].get(k) or math.inf for k in records.SYSTEMS} for pc, r in results.items()}
        self.fastest = {k: min(totals, key=lambda pc: totals[pc][k]) for k in records.SYSTEMS}
        self.known = OURS in results and math.isfinite(totals[self.fastest["1"]]["1"])
        self.over = {pc: {k: t[k] / totals[self.fastest[k]][k] for k in records.SYSTEMS} for pc, t in totals.items()} if self.known else {}
        its = [next((s["iterations"] for s in results[pc]["solves"] if s["converged"]), None) if pc in results else None for pc in (OURS, "jacobi")]
        self.iterations = its[0] / its[1] if all(its) else None


def regret_page(where, data):
    """bench/results/regret-WHERE.md: the worst first"""
    regrets = sorted((r for r in map(Regret, data["matrices"]) if r.known), key=lambda r: -r.over[OURS]["10"])
    names = [pc for pc in dict.fromkeys(r["pc"] for m in data["matrices"] for r in measured(m)) if pc != OURS]
    others = [r for r in (Regret(m, "boomeramg") for m in data["matrices"]) if r.known]
    summary = [f"| {k} | " + " | ".join(over(f([r.over[OURS][k] for r in of])) for of in (regrets, others) for f in (statistics.median, max)) + " |" for k in records.SYSTEMS]
    worst = max((r for r in regrets if r.iterations), key=lambda r: r.iterations, default=None)
    lines = [
        "# Regret",
        "",
        f"How many times as long as the fastest `-pc_type gnnspai` takes by default, for 1, 10 and 100 systems with one pattern: a set-up, a solve each, a refresh before each but the",
        f"first. {len(regrets)} matrices; {data['device']}; PETSc: {data['petsc']}; commit {data['commit']}; medians of up to {data['repeat']} runs. `make bench-regret bench-tables`.",
        "",
        "| systems | median | worst | median without BoomerAMG | worst |",
        "|---|---|---|---|---|",
        *summary,
        "",
    ]
    lines += [f"Most iterations over Jacobi's: {worst.iterations:.2f} ({worst.matrix['matrix']}).", ""] if worst else []
    lines += ["The worst first; the last columns have the others, for 10 systems.", "", "| matrix | n | fastest for 1, 10, 100 | gnnspai: 1 | 10 | 100 | " + " | ".join(names) + " |", "|---" * (len(names) + 6) + "|"]
    for r in regrets:
        cells = [over(r.over[OURS][k]) for k in records.SYSTEMS] + [over(r.over[pc]["10"]) if pc in r.over else "-" for pc in names]
        lines.append(f"| {r.matrix['matrix']} | {r.matrix['n']} | {', '.join(r.fastest[k] for k in records.SYSTEMS)} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


TABLES = {"overview": (overview, ["regret"])}


def page(where):
    """bench/results/WHERE.md"""
    sets = records.sets(where)
    lines = [f"What gnnspai-bench measured ({where}); `make bench-tables` makes this page from {where}.csv, share/doc/measured.md says what it means.", ""]
    for title, table_of, names in (
        ("Seconds of a set-up and one solve (iterations), random right-hand side", sizes, ["sizes", "large", "numbering", "numbering-large", "laplacian"]),
        ("Set-up of gnnspai", setup, ["sizes", "large"]),
    ):
        there = [sets[name] for name in names if name in sets]
        lines += [f"## {title}", "", *table_of(*there), ""] if there else []
    for name, data in sets.items():
        if not name.startswith(("regret", "numbering")):  # these have tables of their own
            lines += [f"## {name}-{where}", ""] + all_tables(data)
    return "\n".join(lines).rstrip() + "\n"


def filled(text):
    def replace(match):
        name, where = match[2].rsplit("-", 1)
        if name not in TABLES or where not in records.WHERE:
            sys.exit(f"No table is called {match[2]}; there are: {', '.join(TABLES)}, each followed by -cpu or -cuda")
        table_of, names = TABLES[name]
        sets = records.sets(where)
        return "\n".join([match[1], *table_of(*(sets[n] for n in names)), match[3]])

    return re.sub(r"(<!-- table:([a-z-]+) -->)\n.*?(<!-- end -->)", replace, text, flags=re.S)


def pages():
    """File and what it should be"""
    for where in records.WHERE:
        if records.read(where):
            yield os.path.join(records.RESULTS, where + ".md"), page(where)
        if "regret" in records.sets(where):
            yield os.path.join(records.RESULTS, f"regret-{where}.md"), regret_page(where, records.sets(where)["regret"])
    path = os.path.join(TOP, "README.md")
    with open(path) as f:
        yield path, filled(f.read())


def read(path):
    if not os.path.exists(path):
        return ""
    with open(path) as f:
        return f.read()


def write():
    for path, text in pages():
        if text != read(path):
            with open(path, "w") as f:
                f.write(text)


def check():
    for path, text in pages():
        old, new = read(path).splitlines(), text.splitlines()
        changed = [line for line in new if line not in old] or ["(lines are missing or out of order)"]
        if new != old:
            sys.exit(f"{path} is not what bench/results/*.csv say: make bench-tables. The first new line:\n{changed[0]}")


def show(paths):
    for path in paths:
        print(f"## {os.path.splitext(os.path.basename(path))[0]}\n")
        print("\n".join(all_tables(records.load(path))))


def sizes_csv(where):
    sets = records.sets(where)
    print("matrix,pc,n,seconds")
    for m in (m for name in ("sizes", "large") if name in sets for m in sets[name]["matrices"] if rtols(m)):
        for r in measured(m):
            ms = total_ms("setup_ms", 1, rtols(m)[-1])(r)
            if ms is not None:
                print(f"{m['matrix']},{r['pc']},{m['n']},{1e-3 * ms:.5g}")


def main(arguments):
    word, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if word == "--json":
        show(rest)
    elif word == "--sizes" and len(rest) == 1:
        sizes_csv(rest[0])
    elif word == "--check" and not rest:
        check()
    elif word == "--merge" and len(rest) == 1:
        records.merge(sorted(glob.glob(os.path.join(rest[0], "*.json"))))
        for path in glob.glob(os.path.join(rest[0], "*-*.md")):
            shutil.copy(path, records.RESULTS)
        write()
    elif word:
        sys.exit(__doc__)
    else:
        write()


main(sys.argv[1:])
