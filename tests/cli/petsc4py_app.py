"""A petsc4py program that knows nothing of gnnspai: 2-D Laplacian, everything else from the command line."""
import sys

import petsc4py

petsc4py.init(sys.argv)
from petsc4py import PETSc


def laplacian(n):
    A = PETSc.Mat().createAIJ((n * n, n * n), nnz=(5, 4))
    first, last = A.getOwnershipRange()
    for row in range(first, last):
        i, j = divmod(row, n)
        A[row, row] = 4.0
        if i > 0:
            A[row, row - n] = -1.0
        if i < n - 1:
            A[row, row + n] = -1.0
        if j > 0:
            A[row, row - 1] = -1.0
        if j < n - 1:
            A[row, row + 1] = -1.0
    A.assemble()
    return A


def main():
    A = laplacian(20)
    x, b = A.createVecs()
    b.set(1.0)
    ksp = PETSc.KSP().create()
    ksp.setType("cg")
    ksp.setTolerances(rtol=1e-8)
    ksp.setOperators(A)
    ksp.setFromOptions()
    ksp.solve(b, x)
    good = ksp.reason > 0 and (b - A * x).norm() < 1e-5 * b.norm()
    word = "converged" if good else "diverged"
    PETSc.Sys.Print(f"pc {ksp.pc.getType()}: {word} after {ksp.its} iterations")
    return 0 if good else 1


sys.exit(main())
