"""Residuals of conjugate gradients with Jacobi, GAMG and gnnspai on a diffusion problem whose coefficient jumps.

    python3 convergence.py [-n 120] [-o convergence.svg] [PETSc's options]

It writes a picture where matplotlib is installed, else a file of numbers and the line by which gnuplot draws it.
"""
import sys

import gnnspai
import petsc4py

petsc4py.init(sys.argv)
from petsc4py import PETSc

METHODS = ("jacobi", "gamg", "gnnspai")


def diffusion(n):
    """-div(k grad u) on n x n points, k = 1 or 100 in the squares of a chessboard, u = 0 outside."""

    def k(i, j):
        return 100.0 if (8 * i // n + 8 * j // n) % 2 else 1.0

    A = PETSc.Mat().createAIJ((n * n, n * n), nnz=(5, 4))
    for row in range(*A.getOwnershipRange()):
        i, j = divmod(row, n)
        diagonal = 0.0
        for p, q in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
            here, there = k(i, j), k(min(max(p, 0), n - 1), min(max(q, 0), n - 1))
            flow = 2.0 * here * there / (here + there)
            diagonal += flow
            if 0 <= p < n and 0 <= q < n:
                A[row, p * n + q] = -flow
        A[row, row] = diagonal
    A.assemble()
    return A


def residuals(A, method):
    """Relative norms of b - A x, one for each iteration."""
    x, b = A.createVecs()
    b.set(1.0)
    ksp = PETSc.KSP().create(A.comm)
    ksp.setOperators(A)
    ksp.setType("cg")
    ksp.setNormType(PETSc.KSP.NormType.UNPRECONDITIONED)
    ksp.setTolerances(rtol=1e-8)
    ksp.pc.setType(method)
    ksp.setFromOptions()
    ksp.setConvergenceHistory()
    ksp.solve(b, x)
    if ksp.reason <= 0:
        raise RuntimeError(f"{method}: no convergence, reason {ksp.reason}")
    history = ksp.getConvergenceHistory()
    return [norm / history[0] for norm in history]


def draw(curves, file):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    for method, curve in curves.items():
        pyplot.semilogy(curve, label=f"{method}, {len(curve) - 1} iterations")
    pyplot.xlabel("iteration")
    pyplot.ylabel("residual, relative")
    pyplot.legend()
    pyplot.savefig(file)
    print(f"wrote {file}")


def write(curves, file):
    """One block of lines a method, as gnuplot's `index` counts them."""
    data = file.rsplit(".", 1)[0] + ".dat"
    with open(data, "w") as out:
        for method, curve in curves.items():
            print(f'"{method}, {len(curve) - 1} iterations"', *(f"{i} {norm:.6e}" for i, norm in enumerate(curve)), sep="\n", end="\n\n\n", file=out)
    print(f"wrote {data} (matplotlib is not installed); to draw it:")
    print(f"gnuplot -e \"set terminal svg; set output '{file}'; set logscale y; plot for [i=0:{len(curves) - 1}] '{data}' index i with lines title columnheader\"")


def main():
    options = PETSc.Options()
    file = options.getString("o", "convergence.svg")
    A = diffusion(options.getInt("n", 120))
    curves = {method: residuals(A, method) for method in METHODS}
    for method, curve in curves.items():
        PETSc.Sys.Print(f"{method:8} {len(curve) - 1:4d} iterations")
    if A.comm.rank > 0:
        return
    try:
        draw(curves, file)
    except ImportError:
        write(curves, file)


main()
