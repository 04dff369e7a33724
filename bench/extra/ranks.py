#!/usr/bin/env python3
"""Scopes of G against the number of ranks: iterations, and seconds of a set-up and of a solve (the least of some), for b = A 1 to 1e-8.

  mpiexec -n 2 ranks.py LIBRARY A.dat ...   one line a matrix and preconditioner: matrix, rows, preconditioner, ranks, iterations, set-up, solve
  ranks.py --table < LINES                  these as Markdown: a row a matrix and preconditioner, a column a number of ranks
"""

import os
import sys
import time

PCS = {
    "jacobi": "-pc_type jacobi",
    "local": "-pc_type gnnspai -pc_gnnspai_scope local -pc_gnnspai_coarse 0",
    "global": "-pc_type gnnspai -pc_gnnspai_scope global -pc_gnnspai_coarse 0",
    "local, coarse space": "-pc_type gnnspai -pc_gnnspai_scope local",
    "global, coarse space": "-pc_type gnnspai -pc_gnnspai_scope global",
    "the default": "-pc_type gnnspai",
}
REPEAT = 3


def load(PETSc, name):
    A = PETSc.Mat().create()
    A.setType("aij")
    A.load(PETSc.Viewer().createBinary(name, "r"))
    PETSc.Options().delValue("matload_block_size")  # from the .info file beside this one
    A.setOption(PETSc.Mat.Option.SPD, True)
    return A


def measure(PETSc, A, options):
    """Iterations, and the least times over the ranks' slowest"""
    PETSc.Options().insertString(options)
    x = A.createVecRight()
    x.set(1)
    b = A * x
    best = [float("inf")] * 2
    for _ in range(REPEAT):
        ksp = PETSc.KSP().create()
        ksp.setType("cg")
        ksp.setNormType(PETSc.KSP.NormType.UNPRECONDITIONED)
        ksp.setTolerances(rtol=1e-8, max_it=50000)
        ksp.setOperators(A)
        ksp.setFromOptions()
        clock = []
        for step in (lambda: None, ksp.setUp, lambda: ksp.solve(b, x)):
            step()
            PETSc.COMM_WORLD.barrier()
            clock.append(time.perf_counter())
        best = [min(best[k], clock[k + 1] - clock[k]) for k in range(2)]
        iterations = ksp.getIterationNumber() if ksp.getConvergedReason() > 0 else -1
        ksp.destroy()
    for name in options.split()[::2]:
        PETSc.Options().delValue(name)
    return [iterations] + best


def run(library, files):
    import petsc4py

    petsc4py.init([sys.argv[0], "-dll_append", library])
    from petsc4py import PETSc

    for name in files:
        A = load(PETSc, name)
        for pc, options in PCS.items():
            its, setup, solve = measure(PETSc, A, options)
            if PETSc.COMM_WORLD.rank == 0:
                matrix = os.path.splitext(os.path.basename(name))[0]
                print(matrix, A.size[0], pc, PETSc.COMM_WORLD.size, its, "%.4f" % setup, "%.4f" % solve, sep="\t", flush=True)


def table():
    cells, ranks = {}, []
    for line in sys.stdin:
        matrix, n, pc, size, its, setup, solve = line.rstrip("\n").split("\t")
        if size not in ranks:
            ranks.append(size)
        cells.setdefault((matrix, n, pc), {})[size] = "%s (%.0f + %.0f)" % (its, 1e3 * float(setup), 1e3 * float(solve))
    print("| matrix | n | preconditioner |" + "".join(" %s |" % size for size in ranks))
    print("|---|---|---|" + "---|" * len(ranks))
    for (matrix, n, pc), row in cells.items():
        print("| %s | %s | %s |" % (matrix, n, pc) + "".join(" %s |" % row.get(size, "-") for size in ranks))


if __name__ == "__main__":
    table() if sys.argv[1:] == ["--table"] else run(sys.argv[1], sys.argv[2:])
