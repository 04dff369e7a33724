#!/usr/bin/env python3
"""The scaling study of share/doc/scaling.md, from the repository's top after `make lib`: standard library, mpicc and mpiexec.

    bench/scaling.py count      messages, bytes and sums on 1 to 8 ranks, as PETSc's -log_view counts them, beside the model's
    bench/scaling.py iterations of the default and without a coarse space, cubes of several sizes, on 1, 2, 4 ranks
    bench/scaling.py model      a weak-scaling model up to 10^9 unknowns; its assumptions are the constants below
"""
import csv
import math
import os
import subprocess
import sys
import tempfile

# What the model assumes of a machine: per rank (a core) and between ranks
MEMORY = 5e9  # bytes/s that a rank has when all ranks of a node run
LATENCY = 2e-6  # s, a message; a sum over p ranks costs 2 log2(p) of them
NETWORK = 1e9  # bytes/s that a rank has of its node's
NEIGHBOURS = 26  # of a cube that has edges and corners; their faces are what is counted in bytes
# and of a method: entries of A and of G in a row, bytes of an entry (value and column; G in single precision, read twice), vectors' bytes
A_ROW, G_ROW, A_ENTRY, G_ENTRY, VECTORS = 7, 9, 12, 16, 80

RANKS = (1, 2, 4, 8)
EVENTS = ("KSPSolve", "PCSetUp", "GNNSPAICoarseApply")


class Run:
    """One solve of tests/cli/app.c; numbers of an event are the largest of any rank, of messages and bytes those that it sends"""

    def __init__(self, program, ranks, sizes, options):
        with tempfile.TemporaryDirectory() as folder:
            log = os.path.join(folder, "log.csv")
            grid = [word for name, size in zip("mnl", sizes) for word in ("-" + name, str(size))]
            command = [os.environ.get("MPIEXEC", "mpiexec"), "-n", str(ranks), program, *grid, "-pc_type", "gnnspai", "-ksp_view", "-log_view", f":{log}:ascii_csv"]
            text = subprocess.run(command + options, env=environment(), stdout=subprocess.PIPE, universal_newlines=True, check=False).stdout
            self.events = {}
            with open(log, encoding="ascii") as file:
                for row in csv.reader(file):
                    if row[0] == "Main Stage" and row[1] in EVENTS:
                        here = (int(row[3]), float(row[5]) / 2, float(row[6]) / 2, float(row[7]))
                        self.events[row[1]] = tuple(map(max, self.events.get(row[1], here), here))
        words = text.split()
        self.iterations = int(words[words.index("after") + 1])
        self.gamg = "gamg" in words
        self.size = int(words[words.index("A_c") + 3].rstrip(",")) if "A_c" in words else 0


def environment():
    with open("tests/mpi.env", encoding="ascii") as file:
        settings = dict(line.strip().split("=", 1) for line in file if "=" in line)
    return {**os.environ, **settings, "PETSC_OPTIONS": f"-dll_append {os.path.abspath('lib/libgnnspai.so')}"}


def build(folder):
    """tests/cli/app.c, a program that knows nothing of gnnspai"""
    def flags(which):
        return subprocess.run(["pkg-config", which, "PETSc"], stdout=subprocess.PIPE, universal_newlines=True, check=True).stdout.split()

    program = os.path.join(folder, "app")
    rpath = ["-Wl,-rpath," + flag[2:] for flag in flags("--libs-only-L")]
    subprocess.run([os.environ.get("CC", "mpicc"), "-O2", "-o", program, *flags("--cflags"), "tests/cli/app.c", *flags("--libs"), *rpath, "-lm"], check=True)
    return program


def table(*rows):
    print("| " + " | ".join(rows[0]) + " |\n|" + "---|" * len(rows[0]))
    for row in rows[1:]:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print()


# ---- counted ----


def count(program):
    """Slabs of 16 layers of 32 x 32 points on each rank: an inner rank has two neighbours, and with each a face of A; CG takes three sums, Q one"""
    rows = [("ranks", "coarse space", "A_c", "iterations", "an iteration: messages", "bytes", "sums", "model", "Q: messages", "sums", "a set-up: messages", "kB", "sums")]
    for name, options in (("none", ["-pc_gnnspai_coarse", "0"]), ("default", []), ("1500 aggregates", ["-pc_gnnspai_coarse", "1500", "-pc_gnnspai_guard", "none", "-pc_gnnspai_values", "fsai"])):
        for ranks in RANKS[1:]:
            run = Run(program, ranks, (16 * ranks, 32, 32), options)
            solve, setup = run.events["KSPSolve"], run.events["PCSetUp"]
            once, q = run.iterations, run.events["GNNSPAICoarseApply"]
            neighbours = min(ranks - 1, 2)
            exact = f"{neighbours}, {neighbours * 32 * 32 * 8}, {4 if run.size else 3}" if not run.gamg else "-"
            applied = (f"{q[1] / q[0]:.1f}", f"{q[3] / q[0]:.1f}") if q[0] and run.size else ("-", "-")
            rows.append((ranks, name, run.size, once, *(f"{number / once:.1f}" for number in solve[1:]), exact, *applied, f"{setup[1]:.0f}", f"{setup[2] / 1000:.0f}", f"{setup[3]:.0f}"))
    table(*rows)


def iterations(program):
    rows = [("points", "coarse space", *(f"{ranks} rank" + "s" * (ranks > 1) for ranks in RANKS[:3]))]
    for n in (20, 32, 48, 64):
        for name, options in (("none", ["-pc_gnnspai_coarse", "0"]), ("default", [])):
            runs = [Run(program, ranks, (n, n, n), options) for ranks in RANKS[:3]]
            rows.append((f"{n}³", name if not runs[0].size else f"{name}, {runs[0].size}", *(run.iterations for run in runs)))
    table(*rows)


# ---- modelled ----


def sums(ranks, length=1):
    """Seconds of a sum of so many numbers over the ranks"""
    return 2 * math.log2(ranks) * LATENCY + 2 * 8 * length / NETWORK if ranks > 1 else 0.0


def halo(local, width=1):
    """Seconds of an exchange of so many layers around a cube"""
    return NEIGHBOURS * LATENCY + 6 * width * local ** (2 / 3) * 8 / NETWORK


def repeated(size, entries):
    """As gnn/coarse/number.c has it: the entries of A_c's factor, and are they no more than the rank's of A?"""
    factor = size ** (5 / 3)
    return factor, size <= 256 or factor <= entries


def coarse(size, ranks, local):
    """Seconds of Q: P on each rank, and either a sum and a solve by itself, or GAMG with A_c and P's ghosts"""
    prolong = local * (3 * 8 + 4) / MEMORY * 2
    factor, by_itself = repeated(size, A_ROW * local)
    if by_itself:
        return prolong + sums(ranks, size) + 24 * factor / MEMORY, "each rank"
    levels = max(1, math.ceil(math.log(size, 20)))
    rows = max(1.0, size / ranks)
    return prolong + 2 * halo(local) + levels * 7 * halo(rows) + 1.5 * 7 * 27 * 12 * rows / MEMORY, "GAMG"


def model():
    """1e5 unknowns a rank, 7-point cubes; iterations as FIT has them, coarse spaces of N^(2/3)/3 aggregates"""
    local = 1e5
    rows = [("unknowns", "ranks", "A_c", "solved by", "ms an iteration: memory", "halo", "CG's sums", "Q", "two exchanges more of scope global", "iterations without Q", "s", "with Q", "s")]
    for exponent in range(5, 10):
        n, ranks = 10.0**exponent, 10.0 ** (exponent - 5)
        size = math.ceil(n ** (2 / 3) / 3)
        memory = local * (A_ROW * A_ENTRY + G_ROW * G_ENTRY + VECTORS) / MEMORY
        exchange, reduce, (q, by) = halo(local) if ranks > 1 else 0.0, 3 * sums(ranks), coarse(size, ranks, local)
        without, with_q = FIT[0] * n ** (1 / 3), FIT[1] * n ** (1 / 9)
        plain = memory + exchange + reduce
        rows.append((f"10^{exponent}", f"{ranks:.0f}", size, by, *(f"{1e3 * t:.2f}" for t in (memory, exchange, reduce, q, 2 * halo(local, 2) if ranks > 1 else 0.0)), f"{without:.0f}", f"{without * plain:.2f}", f"{with_q:.0f}", f"{with_q * (plain + q):.2f}"))
    table(*rows)


FIT = (1.35, 7.7)  # iterations over N^(1/3) without, over N^(1/9) with a coarse space, from `iterations`


def main():
    what = sys.argv[1] if len(sys.argv) == 2 else ""
    if what == "model":
        model()
    elif what in ("count", "iterations"):
        with tempfile.TemporaryDirectory(dir="build") as folder:
            {"count": count, "iterations": iterations}[what](build(folder))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
