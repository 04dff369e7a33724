#!/usr/bin/env python3
"""Symmetric positive definite matrices of kinds that no model here is trained on, as PETSc binary files NAME.dat in a directory.

From pyamg's examples and gallery, of scikit-fem's elements, from PETSc's tutorials (compiled here, dumped by -ksp_view_mat) and data files, and from statistics,
optimisation and graphs. Each is tested for symmetry (made exact where only rounding is in the way) and for positive definiteness; what
fails is named and left out. Needs numpy and scipy; without pyamg, scikit-fem (pip install pyamg scikit-fem) or PETSc's examples their part is left out. Example:
    python3 bench/extra/foreign.py build/foreign
"""
import argparse
import glob
import os
import subprocess
import tempfile
from collections import namedtuple

import numpy as np
import scipy.sparse as sp
import scipy.sparse.csgraph as csgraph
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from petscfile import NotAMatrix, read_petsc, write_petsc

Entry = namedtuple("Entry", "name kind make")


class Skip(Exception):
    """Why a matrix is left out"""


class Missing:
    def __init__(self, package):
        self.package = package

    def __getattr__(self, name):
        raise Skip(f"{self.package} is not installed")


try:
    import pyamg
    from pyamg.gallery import fem
except ModuleNotFoundError:
    pyamg = fem = Missing("pyamg")
try:
    import skfem
    from skfem.models import elasticity, poisson
except ModuleNotFoundError:
    skfem = elasticity = poisson = Missing("scikit-fem")


# pyamg: examples and gallery


def example(name):
    return pyamg.gallery.load_example(name)["A"]


def rotated(n=120, epsilon=1e-3):
    stencil = pyamg.gallery.diffusion_stencil_2d(epsilon=epsilon, theta=np.pi / 6, type="FE")
    return pyamg.gallery.stencil_grid(stencil, (n, n))


def box27(n):
    stencil = -np.ones((3, 3, 3))
    stencil[1, 1, 1] = 26
    return pyamg.gallery.stencil_grid(stencil, (n, n, n))


def quadratic_triangles(n=40):
    """P2 elements with a coefficient that jumps 1:1000, Dirichlet at the left side by rows and columns"""
    x, triangles = pyamg.gallery.mesh.regular_triangle_mesh(n, n)
    mesh = fem.Mesh(x, triangles, degree=2)
    A, _ = fem.gradgradform(mesh, kappa=lambda x, y: 1.0 if (int(4 * x) + int(4 * y)) % 2 else 1e-3, degree=2)
    inside = mesh.X2 > 1e-12
    return A.tocsr()[inside][:, inside]


# scikit-fem: its elements and forms, as its examples 2, 11 and 15 put them together; one side or the boundary is held


def held(form, basis, dofs):
    return skfem.condense(form.assemble(basis), D=dofs.all(), expand=False)


def morley_plate():
    """Bending of a thin plate: the biharmonic operator, non-conforming"""

    def bending(u, v, _):
        return skfem.helpers.ddot(u.hess, v.hess)

    basis = skfem.Basis(skfem.MeshTri().refined(6), skfem.ElementTriMorley())
    return held(skfem.BilinearForm(bending), basis, basis.get_dofs())


def quadratic_tetrahedra():
    basis = skfem.Basis(skfem.MeshTet().refined(3), skfem.ElementTetP2())
    return held(poisson.laplace, basis, basis.get_dofs())


def elastic_cube():
    basis = skfem.Basis(skfem.MeshHex().refined(4), skfem.ElementVector(skfem.ElementHex1()))
    return held(elasticity.linear_elasticity(*elasticity.lame_parameters(1e3, 0.3)), basis, basis.get_dofs(lambda x: x[0] == 0.0))


# Graphs, statistics, optimisation


def power_law_graph(n=8000, links=3, shift=1e-3):
    """Laplacian of a preferential attachment graph: hubs of several hundred neighbours"""
    rng = np.random.default_rng(1)
    ends = list(range(links + 1))
    edges = [(i, j) for i in ends for j in ends if i < j]
    for i in range(links + 1, n):
        chosen = {ends[rng.integers(len(ends))] for _ in range(links)}
        edges += [(i, j) for j in chosen]
        ends += [i] * len(chosen) + list(chosen)
    i, j = np.array(edges).T
    W = sp.coo_matrix((np.ones(len(i)), (i, j)), shape=(n, n)).tocsr()
    return csgraph.laplacian(W + W.T) + shift * sp.identity(n)


def resistor_network(n=100):
    """Grid of resistors with conductances log-uniform in [1e-3, 1e3], 1% of the nodes grounded through 1"""
    rng = np.random.default_rng(2)
    W = sp.triu(pyamg.gallery.poisson((n, n), format="csr"), 1).tocoo()
    W.data = 10.0 ** rng.uniform(-3, 3, W.nnz)
    return csgraph.laplacian((W + W.T).tocsr()) + sp.diags((rng.random(n * n) < 0.01).astype(float))


def wathen(nx=40, ny=40):
    """Mass matrix of 8-node serendipity elements with random densities (Wathen 1987)"""
    a = np.array([[6, -6, 2, -8], [-6, 32, -6, 20], [2, -6, 6, -6], [-8, 20, -6, 32]])
    b = np.array([[3, -8, 2, -6], [-8, 16, -8, 20], [2, -8, 3, -8], [-6, 20, -8, 16]])
    element = np.block([[a, b], [b.T, a]]) / 45
    rho = 100 * np.random.default_rng(3).random((ny, nx))
    j, i = np.meshgrid(np.arange(1, ny + 1), np.arange(1, nx + 1), indexing="ij")
    top, middle = 3 * j * nx + 2 * i + 2 * j, (3 * j - 1) * nx + 2 * j + i - 1
    bottom = (3 * j - 3) * nx + 2 * j + 2 * i - 3
    nodes = np.stack([top, top - 1, top - 2, middle, bottom, bottom + 1, bottom + 2, middle + 1], axis=-1).reshape(-1, 8) - 1
    values = rho.reshape(-1, 1, 1) * element
    return sp.coo_matrix((values.ravel(), (np.repeat(nodes, 8, axis=1).ravel(), np.tile(nodes, (1, 8)).ravel()))).tocsr()


def matern_precision(n=100, kappa=0.1):
    """(kappa^2 - Laplacian)^2 with random precisions between, the Gaussian Markov field of Lindgren, Rue and Lindstroem"""
    K = kappa**2 * sp.identity(n * n) + pyamg.gallery.poisson((n, n))
    q = np.random.default_rng(4).uniform(0.2, 5, n * n)
    return K.T @ sp.diags(q) @ K


def normal_equations(m=3000, n=9000):
    """A D A^T of an interior point step half-way: D log-uniform over 1e4"""
    rng = np.random.default_rng(5)
    A = sp.random(m, n, density=2.5 / m, random_state=rng, data_rvs=rng.standard_normal) + sp.eye(m, n)
    return A @ sp.diags(10.0 ** rng.uniform(-2, 2, n)) @ A.T


def kernel_covariance(n=6000, neighbours=25, nugget=1e-2):
    """Wendland's C2 function at random points of the plane, and a nugget"""
    x = np.random.default_rng(6).random((n, 2))
    radius = np.sqrt(neighbours / (np.pi * n))
    r = cKDTree(x).sparse_distance_matrix(cKDTree(x), radius, output_type="coo_matrix").tocsr()
    r.data = (1 - r.data / radius) ** 4 * (4 * r.data / radius + 1)
    r.setdiag(1 + nugget)
    return r


def random_signs(n=5000, degree=8, dominance=1.02):
    """Off-diagonal entries of both signs on a random graph, diagonal 1.02 times the row's sum of moduli"""
    rng = np.random.default_rng(7)
    B = sp.random(n, n, density=degree / 2 / n, random_state=rng, data_rvs=rng.standard_normal)
    B = sp.triu(B + B.T, 1)
    B = B + B.T
    return B + sp.diags(dominance * np.asarray(abs(B).sum(axis=1)).ravel() + 1e-3)


def lognormal_reservoir(n=(30, 30, 20), sigma=3):
    """Seven points, log-normal permeability that differs by 1e4 between the layers, thin cells; wells hold the pressure at two columns"""
    rng = np.random.default_rng(8)
    k = np.exp(sigma * rng.standard_normal(n)) * 10.0 ** rng.uniform(-2, 2, n[2])
    index = np.arange(k.size).reshape(n)
    A = sp.csr_matrix((k.size, k.size))
    for axis, area in enumerate((1, 1, 100)):
        i, j = np.delete(index, -1, axis).ravel(), np.delete(index, 0, axis).ravel()
        t = area * 2 / (1 / k.ravel()[i] + 1 / k.ravel()[j])
        A = A + sp.coo_matrix((t, (i, j)), shape=A.shape)
    well = np.zeros(n)
    well[0, 0], well[-1, -1] = k[0, 0], k[-1, -1]
    return csgraph.laplacian((A + A.T).tocsr()) + sp.diags(well.ravel())


# PETSc: tutorials and data files


def petsc_folders(end):
    """end below PETSC_DIR or below where distributions put PETSc's examples"""
    home, system = os.environ.get("PETSC_DIR", "-"), "/usr/share/petsc/*/share/petsc"
    roots = [home, home + "/share/petsc/examples", system + "/examples", system]
    return [f for root in roots for f in glob.glob(os.path.join(root, end))]


def tutorial(program, arguments, prefix=""):
    """The matrix of the first solve; prefix is that of the program's KSP"""
    folders = petsc_folders("src/ksp/ksp/tutorials")
    if not folders:
        raise Skip("PETSc's tutorials are not installed (Debian: libpetsc3.xx-dev-examples)")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "PETSc"], capture_output=True, text=True).stdout.split()
    with tempfile.TemporaryDirectory() as folder:
        binary, dump = os.path.join(folder, program), os.path.join(folder, "A.dat")
        compiled = subprocess.run(["mpicc", "-w", "-o", binary, os.path.join(folders[0], program + ".c"), *flags, "-lm"], capture_output=True)
        if compiled.returncode:
            raise Skip("does not compile alone")
        solve = f"{arguments} -{prefix}ksp_view_mat binary:{dump} -{prefix}ksp_max_it 1 -{prefix}pc_type jacobi"
        subprocess.run([binary, *solve.split()], capture_output=True, timeout=120)
        if not os.path.exists(dump) or not os.path.getsize(dump):
            raise Skip("the program wrote no matrix")
        return read_petsc(dump)


def without_boundary(A):
    """The rows and columns with neighbours: Dirichlet rows that were set in the rows alone leave an unsymmetric matrix"""
    A.eliminate_zeros()
    inside = np.diff(A.indptr) > 1
    return A[inside][:, inside]


def data_file(name):
    found = petsc_folders("datafiles/matrices/" + name)
    if not found:
        raise Skip("PETSc's data files are not installed")
    return read_petsc(found[0])


TABLE = [
    Entry("airfoil", "pyamg example", lambda: example("airfoil")),
    Entry("bar", "pyamg example, 3-D elasticity", lambda: example("bar")),
    Entry("helmholtz_2D", "pyamg example", lambda: example("helmholtz_2D")),
    Entry("knot", "pyamg example, 3-D graph", lambda: example("knot")),
    Entry("local_disc_galerkin", "pyamg example", lambda: example("local_disc_galerkin_diffusion")),
    Entry("recirc_flow", "pyamg example", lambda: example("recirc_flow")),
    Entry("unit_cube", "pyamg example, P1", lambda: example("unit_cube")),
    Entry("unit_square", "pyamg example, P1", lambda: example("unit_square")),
    Entry("gauge", "gauge Laplacian", lambda: pyamg.gallery.gauge_laplacian(50, beta=0.1)),
    Entry("rotated", "anisotropy 1:1000 at 30 degrees", rotated),
    Entry("box27", "27 points", lambda: box27(20)),
    Entry("box27_large", "27 points", lambda: box27(46)),
    Entry("elasticity", "2-D elasticity, scalar", lambda: pyamg.gallery.linear_elasticity((60, 60))[0]),
    Entry("quadratic_triangles", "P2, jumps 1:1000", quadratic_triangles),
    Entry("morley_plate", "scikit-fem, thin plate", morley_plate),
    Entry("quadratic_tetrahedra", "scikit-fem, P2", quadratic_tetrahedra),
    Entry("elastic_cube", "scikit-fem, 3-D elasticity", elastic_cube),
    Entry("power_law_graph", "graph Laplacian with hubs", power_law_graph),
    Entry("resistor_network", "conductances over 1e6", resistor_network),
    Entry("wathen", "mass matrix", wathen),
    Entry("matern_precision", "Gaussian Markov field", matern_precision),
    Entry("normal_equations", "interior point", normal_equations),
    Entry("kernel_covariance", "compact radial functions", kernel_covariance),
    Entry("random_signs", "random graph, both signs", random_signs),
    Entry("lognormal_reservoir", "seven points, contrast 1e12", lognormal_reservoir),
    Entry("ex2", "PETSc, five points", lambda: tutorial("ex2", "-m 60 -n 60")),
    Entry("ex2_large", "PETSc, five points", lambda: tutorial("ex2", "-m 300 -n 300")),
    Entry("ex29", "PETSc, jump of conductivity", lambda: tutorial("ex29", "-da_refine 5 -rho 1000")),
    Entry("ex29_neumann", "PETSc, pure Neumann", lambda: tutorial("ex29", "-da_refine 4 -bc_type neumann")),
    Entry("ex32", "PETSc, pure Neumann", lambda: tutorial("ex32", "-da_refine 3")),
    Entry("ex45", "PETSc, seven points, identity rows", lambda: tutorial("ex45", "-da_grid_x 25 -da_grid_y 25 -da_grid_z 25")),
    Entry("ex45_inside", "PETSc, seven points, identity rows left out", lambda: without_boundary(tutorial("ex45", "-da_grid_x 25 -da_grid_y 25 -da_grid_z 25"))),
    Entry("ex46", "PETSc, five points", lambda: tutorial("ex46", "-da_grid_x 70 -da_grid_y 70")),
    Entry("ex49", "PETSc, elasticity, stiff sponge", lambda: tutorial("ex49", "-mx 40 -my 40 -no_view -c_str 3 -sponge_E1 1000 -sponge_t 1 -sponge_w 16", "elas_")),
    Entry("ex50", "PETSc, pure Neumann", lambda: tutorial("ex50", "-da_refine 4")),
    Entry("ex54", "PETSc, Q1, soft circle", lambda: tutorial("ex54", "-ne 79 -alpha 1e-3")),
    Entry("ex55", "PETSc, 2-D elasticity", lambda: tutorial("ex55", "-ne 39 -alpha 1e-3")),
    Entry("ex56", "PETSc, 3-D elasticity", lambda: tutorial("ex56", "-ne 9 -alpha 1e-3")),
    Entry("petsc_spd", "PETSc data file", lambda: data_file("spd-real-int32-float64")),
]


# Tests


def symmetric(A):
    """A, made exactly symmetric where only rounding is in the way"""
    if np.iscomplexobj(A):
        raise Skip("complex")
    difference = abs(A - A.T).max()
    if difference > 1e-10 * abs(A).max():
        raise Skip(f"not symmetric: entries differ by {difference / abs(A).max():.0e} of the largest")
    return (A + A.T) / 2 if difference > 0 else A


def dominant(A):
    """Weakly diagonally dominant, and strictly so in a row of each component: definite without a factorisation"""
    d = A.diagonal()
    excess = 2 * d - np.asarray(abs(A).sum(axis=1)).ravel()
    _, component = csgraph.connected_components(A)
    return (d > 0).all() and (excess >= 0).all() and (np.bincount(component, excess > 1e-9 * d) > 0).all()


def check_definite(A):
    """The pivots of an LDL^T of D^-1/2 A D^-1/2 without row exchanges are positive, and none so small that A is singular to rounding"""
    d = A.diagonal()
    if (d <= 0).any():
        raise Skip("not positive definite: a diagonal entry <= 0")
    if dominant(A):
        return
    scale = sp.diags(1 / np.sqrt(d))
    lu = splu((scale @ A @ scale).tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    pivots = lu.U.diagonal()
    if abs(pivots).min() < 1e-12:
        raise Skip("singular to rounding: a pivot of 0")
    if (lu.perm_r != lu.perm_c).any() or pivots.min() < 0:
        raise Skip("not positive definite: a negative pivot")


def make(entry):
    A = sp.csr_matrix(entry.make())
    A.sum_duplicates()
    A = symmetric(A)
    check_definite(A)
    return A.tocsr()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", help="where the files go")
    parser.add_argument("--only", metavar="NAME", nargs="+", help="these matrices, not all")
    parser.add_argument("--no-petsc", action="store_true", help="without those of PETSc, which tests/apps has larger")
    args = parser.parse_args()
    os.makedirs(args.directory, exist_ok=True)
    for entry in TABLE:
        if args.only and entry.name not in args.only or args.no_petsc and entry.kind.startswith("PETSc"):
            continue
        try:
            A = make(entry)
        except (Skip, NotAMatrix) as why:
            print(f"{entry.name:22s} left out, {entry.kind}: {why}", flush=True)
            continue
        write_petsc(os.path.join(args.directory, entry.name + ".dat"), A)
        print(f"{entry.name:22s} n = {A.shape[0]:6d}  {A.nnz / A.shape[0]:5.1f} nonzeros/row  {entry.kind}", flush=True)


if __name__ == "__main__":
    main()
