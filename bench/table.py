#!/usr/bin/env python3
"""Markdown from what gnnspai-bench -bench_json wrote (the schema is in bench/report.c).

    python3 bench/table.py bench/results/heat-cpu.json ...    all tables of these files
    python3 bench/table.py --write README.md                  fills in what stands between <!-- table:NAME --> and <!-- end -->
    python3 bench/table.py --check README.md                  fails where --write would change something
    python3 bench/table.py --csv bench/results/sizes-cpu.json ...    matrix,pc,n,seconds of set-up and one solve

In each column the best is bold, and below a table stands where gnnspai is not the best.
"""
import json
import os
import re
import sys

RESULTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "results")
OURS = "gnnspai"


def load(path):
    with open(path) as f:
        return json.load(f)


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
    titles = {"default": "2-norm of the residual", "natural": "natural norm", "single_reduction": "natural norm, single reduction"}
    columns = [Column(f"{title}, µs / iteration", short, per_iteration_us(rtol, mode)) for mode, title in titles.items()]
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
    lines = [f"{data['device']}; PETSc: {data['petsc'].strip()}; commit {data['commit']}; medians of up to {data['repeat']:.0f} runs.", ""]
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


# The README's tables by name: function of the files' data, None where these do not have the numbers


def families(*files):
    return sum((main_table(data["matrices"][0]) + [""] for data in files), [])[:-1]


def tolerances(data):
    return tolerance_table(data["matrices"][0]) if len(rtols(data["matrices"][0])) > 1 else None


def modes(*files):
    if not all(has_modes(data["matrices"][0]) for data in files):
        return None
    return sum((mode_table(data["matrices"][0]) + [""] for data in files), [])[:-1]


def sizes(*files):
    """Seconds of set-up and one solve, iterations in brackets; a row for each matrix"""
    matrices = [m for data in files for m in data["matrices"] if rtols(m)]
    if not matrices:
        return None
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


def setup(*files):
    """gnnspai's set-up against the size"""
    rows = [(m["n"], m["nonzeros"], r["setup_ms"]["median"]) for data in files for m in data["matrices"] for r in measured(m) if r["pc"] == OURS]
    n, nz, ms = zip(*rows)
    return [
        "| rows | " + " | ".join(f"{x:.0f}" for x in n) + " |",
        "|---" * (len(n) + 1) + "|",
        "| nonzeros | " + " | ".join(f"{1e-6 * x:.2f}M" for x in nz) + " |",
        "| seconds | " + " | ".join(f"{1e-3 * t:.2f}" for t in ms) + " |",
        "| µs per nonzero | " + " | ".join(f"{1e3 * t / x:.2f}" for t, x in zip(ms, nz)) + " |",
    ]


TABLES = {}
for where in ("cpu", "cuda"):
    TABLES[f"families-{where}"] = families, [f"{name}-{where}.json" for name in ("heat", "poisson", "hyperelasticity", "synthetic")]
    TABLES[f"tolerances-{where}"] = tolerances, [f"heat-{where}.json"]
    TABLES[f"modes-{where}"] = modes, [f"{name}-{where}.json" for name in ("heat", "poisson")]
    TABLES[f"sizes-{where}"] = sizes, [f"{name}-{where}.json" for name in ("sizes", "large", "laplacian")]
    TABLES[f"setup-{where}"] = setup, [f"{name}-{where}.json" for name in ("sizes", "large")]


def render(name):
    if name not in TABLES:
        sys.exit(f"No table is called {name}; there are: {', '.join(TABLES)}")
    function, files = TABLES[name]
    there = [path for path in (os.path.join(RESULTS, f) for f in files) if os.path.exists(path)]
    lines = function(*map(load, there)) if there else None
    return lines or [f"Not measured yet; it will be made from {', '.join(files)} in bench/results."]


def filled(text):
    def replace(match):
        return f"{match[1]}\n{chr(10).join(render(match[2]))}\n{match[3]}"

    return re.sub(r"(<!-- table:([a-z-]+) -->)\n.*?(<!-- end -->)", replace, text, flags=re.S)


def show(path):
    if "matrices" not in load(path):  # train_torch.py's, which has a table of its own
        return
    print(f"## {os.path.splitext(os.path.basename(path))[0]}\n")
    print("\n".join(all_tables(load(path))))


def csv(paths):
    print("matrix,pc,n,seconds")
    for m in (m for path in paths for m in load(path)["matrices"] if rtols(m)):
        for r in measured(m):
            ms = total_ms("setup_ms", 1, rtols(m)[-1])(r)
            if ms is not None:
                print(f"{m['matrix']},{r['pc']},{m['n']},{1e-3 * ms:.5g}")


def write(path):
    with open(path) as f:
        old = f.read()
    if filled(old) != old:
        with open(path, "w") as f:
            f.write(filled(old))


def check(path):
    with open(path) as f:
        old = f.read().splitlines()
    new = filled("\n".join(old)).splitlines()
    changed = [line for line in new if line not in old] or ["(lines are missing or out of order)"]
    if new != old:
        sys.exit(f"{path} is not what bench/results says: make readme-tables. The first new line:\n{changed[0]}")


def main(arguments):
    if arguments[:1] == ["--csv"]:
        csv(arguments[1:])
        return
    do = {"--write": write, "--check": check}.get(arguments[0] if arguments else "", show)
    for path in arguments[do is not show :]:
        do(path)


main(sys.argv[1:])
