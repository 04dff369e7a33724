"""What was measured: gnnspai-bench's JSON (its schema is in bench/report.c), and results/cpu.csv and cuda.csv, which keep of it what the tables show.

A line of the CSV is one preconditioner on one matrix:
    set                      the measurement, heat say: NAME in NAME-cpu.json
    matrix, n, nonzeros, block_size
    pc, options              options without their prefix
    not_run                  why, and then no more
    setup_*, refresh_*       milliseconds, _ms the median, _min and _max; as below
    total_K                  milliseconds for K systems, by the smallest rtol: a set-up, a solve each, a refresh before each but the first; empty if one
                             did not converge
    its_RHS_RTOL             iterations
    ms_RHS_RTOL[_MODE]       the solve's median, and min_, max_; empty if it did not converge. Every MODE runs the iterations of the default one
    condition                and the rest of JSON's "profile", empty where it is not known
    device, petsc, compiler, commit, mat_type, repeat, copy_GBps
"""
import csv
import json
import os
import re

RESULTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "results")
WHERE = ("cpu", "cuda")
PROFILE = ["condition", "kspsolve_ms", "pcapply_ms", "matmult_ms", "apply_ms", "apply_flops", "apply_bytes"]
SOURCE = ["device", "petsc", "compiler", "commit", "mat_type", "repeat", "copy_GBps"]
SYSTEMS = ["1", "10", "100"]
MODES = ["default", "graph", "natural", "single_reduction"]
PARTS = {"median": "ms", "min": "min", "max": "max"}
SOLVE = re.compile(r"(its|ms|min|max)_(ones|random)_([^_]+)(?:_(\w+))?$")


def load(path):
    with open(path) as f:
        return json.load(f)


def number(x):
    """Five digits, as gnnspai-bench writes"""
    return "" if x is None else str(x) if isinstance(x, int) else f"{x:.5g}"


# JSON -> lines


def solve_cells(s):
    key = f"{s['rhs']}_{s['rtol']:g}"
    mode = "" if s["mode"] == "default" else "_" + s["mode"]
    cells = {} if mode else {f"its_{key}": str(s["iterations"])}
    if s["converged"]:
        cells |= {f"{short}_{key}{mode}": number(s["solve_ms"][part]) for part, short in PARTS.items()}
    return cells


def line(group, data, matrix, result):
    cells = {"set": group, **{k: str(matrix[k]) for k in ("matrix", "n", "nonzeros", "block_size")}, "pc": result["pc"], "options": result["options"]}
    if "solves" in result:
        for name in ("setup", "refresh"):
            cells |= {f"{name}_{short}": number(result[name + "_ms"][part]) for part, short in PARTS.items()}
        cells |= {f"total_{k}": number(ms) for k, ms in result.get("total_ms", {}).items()}
        for s in result["solves"]:
            cells |= solve_cells(s)
        cells |= {k: number((result.get("profile") or {}).get(k)) for k in PROFILE}
    else:
        cells["not_run"] = result.get("failed") or result["skipped"]
    return cells | {k: data[k].strip() if isinstance(data[k], str) else number(data[k]) for k in SOURCE}


def merged(lines, group, data):
    """The lines, those of data's matrices and preconditioners instead of older ones; a matrix keeps its place, its preconditioners have data's order"""
    for matrix in data["matrices"]:
        new = [line(group, data, matrix, r) for r in matrix["results"]]
        names = {x["pc"] for x in new}
        mine = [k for k, x in enumerate(lines) if (x["set"], x["matrix"]) == (group, matrix["matrix"])]
        before = [k for k, x in enumerate(lines) if x["set"] <= group]
        place = mine[0] if mine else before[-1] + 1 if before else 0
        old = [lines[k] for k in mine if lines[k]["pc"] not in names]
        lines = lines[:place] + new + old + [x for k, x in enumerate(lines) if k >= place and k not in mine]
    return lines


# The CSV


def path_of(where):
    return os.path.join(RESULTS, where + ".csv")


def read(where):
    if not os.path.exists(path_of(where)):
        return []
    with open(path_of(where), newline="") as f:
        return [{k: v for k, v in x.items() if v} for x in csv.DictReader(f)]


def solve_order(name):
    part, rhs, rtol, mode = SOLVE.match(name).groups()
    return MODES.index(mode or "default"), -float(rtol), rhs, ["its", "ms", "min", "max"].index(part)


def write(where, lines):
    solves = sorted({k for x in lines for k in x if SOLVE.match(k)}, key=solve_order)
    times = [f"{name}_{short}" for name in ("setup", "refresh") for short in PARTS.values()]
    totals = [f"total_{k}" for k in SYSTEMS]
    names = ["set", "matrix", "n", "nonzeros", "block_size", "pc", "options", "not_run"] + times + totals + solves + PROFILE + SOURCE
    with open(path_of(where) + ".part", "w", newline="") as f:
        out = csv.DictWriter(f, names, restval="", lineterminator="\n")
        out.writeheader()
        out.writerows(lines)
    os.replace(path_of(where) + ".part", path_of(where))


def merge(paths):
    """Into the CSV of the kind that the file's name ends with"""
    for path in paths:
        match = re.match(r"(.+)-(cpu|cuda)\.json$", os.path.basename(path))
        if match:
            write(match[2], merged(read(match[2]), match[1], load(path)))


# Lines -> what JSON has


def result_of(x):
    if "not_run" in x:
        return {"pc": x["pc"], "options": x.get("options", ""), "skipped": x["not_run"]}
    solves = []
    for name in sorted(filter(SOLVE.match, x), key=solve_order):
        part, rhs, rtol, mode = SOLVE.match(name).groups()
        if part == "ms" or part == "its" and "ms" + name[3:] not in x:
            its = int(x[f"its_{rhs}_{rtol}"])
            solves.append({"rhs": rhs, "rtol": float(rtol), "mode": mode or "default", "iterations": its, "converged": part == "ms", "solve_ms": {"median": float(x[name])} if part == "ms" else None})
    times = {f"{name}_ms": {"median": float(x[name + "_ms"])} for name in ("setup", "refresh")}
    totals = {k: float(x["total_" + k]) for k in SYSTEMS if "total_" + k in x}
    return {"pc": x["pc"], "options": x.get("options", ""), **times, "total_ms": totals, "solves": solves, "profile": {k: float(x[k]) for k in PROFILE if k in x}}


def distinct(lines, name):
    return list(dict.fromkeys(x[name] for x in lines if x.get(name)))


def sets(where):
    """{set: what its JSON had}; what its lines do not agree on is listed"""
    lines, data = read(where), {}
    for group in distinct(lines, "set"):
        mine = [x for x in lines if x["set"] == group]
        copy = distinct(mine, "copy_GBps")
        data[group] = {k: ", ".join(distinct(mine, k)) for k in ("device", "petsc", "commit", "repeat")}
        data[group] |= {"copy_GBps": float(copy[-1]) if copy else None, "matrices": []}
        for name in distinct(mine, "matrix"):
            of = [x for x in mine if x["matrix"] == name]
            data[group]["matrices"].append({"matrix": name, **{k: int(of[0][k]) for k in ("n", "nonzeros", "block_size")}, "results": [result_of(x) for x in of]})
    return data
