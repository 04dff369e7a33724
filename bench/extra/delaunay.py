#!/usr/bin/env python3
"""Heat matrices on Delaunay tetrahedra of random points, as PETSc binary files: a kind of mesh no model is trained on.

The problem is that of `gnnspai-data heat` (A = L + 1e-4 lumped mass, random diffusivity in [0.01, 1]); the mesh, with its slivers
and its wide spread of degrees, is not. Needs numpy and scipy. Example:
    python3 bench/extra/delaunay.py --n 6300 --seed 0 --output delaunay_%d.dat
"""
import argparse

import numpy as np
import scipy.sparse as sp
from scipy.spatial import Delaunay

from petscfile import write_petsc


def random_points(rng, n, shape):
    """n points in a box or ball of volume 1"""
    if shape == "box":
        return rng.random((n, 3))
    radius = (3 / (4 * np.pi)) ** (1 / 3)
    direction = rng.standard_normal((n, 3))
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    return radius * np.cbrt(rng.random(n))[:, None] * direction


def quality(x, tets):
    """Volume over the cube of the root mean square edge, 1 for the regular tetrahedron"""
    v = x[tets]
    a, b = np.triu_indices(4, 1)
    edge2 = ((v[:, a] - v[:, b]) ** 2).sum(axis=2).mean(axis=1)
    volume = np.abs(np.linalg.det(v[:, 1:] - v[:, :1])) / 6
    return volume / edge2**1.5 * 6 * np.sqrt(2)


def delaunay_mesh(x, least_quality=0.05):
    """Tetrahedra without the slivers on the hull, which are peeled off until none is left"""
    mesh = Delaunay(x)
    keep = np.ones(len(mesh.simplices), bool)
    sliver = quality(x, mesh.simplices) < least_quality
    while True:
        on_hull = ((mesh.neighbors < 0) | ~keep[mesh.neighbors]).any(axis=1)
        peel = keep & sliver & on_hull
        if not peel.any():
            break
        keep &= ~peel
    used, tets = np.unique(mesh.simplices[keep], return_inverse=True)
    return x[used], tets.reshape(-1, 4)


def diffusivity(rng, x, nmodes=32):
    """Gaussian field plus white noise at the vertices, rescaled to [0.01, 1]; see train/data/heat.c"""
    length, weight = np.exp(rng.uniform(np.log(0.1), np.log(0.5))), rng.uniform(0, 0.5)
    w, phase = rng.standard_normal((3, nmodes)) / length, rng.uniform(0, 2 * np.pi, nmodes)
    k = np.sqrt(2 / nmodes) * np.cos(x @ w + phase).sum(axis=1) + weight * rng.standard_normal(len(x))
    return 0.01 + 0.99 * (k - k.min()) / (k.max() - k.min())


def heat_matrix(x, tets, k, mass=1e-4):
    """L + mass * lumped mass by linear elements: K_ab = volume grad(lambda_a) . grad(lambda_b)"""
    edges = x[tets[:, 1:]] - x[tets[:, :1]]  # rows e_1, e_2, e_3
    volume = np.abs(np.linalg.det(edges)) / 6
    grad = np.linalg.inv(edges).transpose(0, 2, 1)  # rows grad(lambda_1), ..., since grad(lambda_a) . e_b = delta_ab
    grad = np.concatenate([-grad.sum(axis=1, keepdims=True), grad], axis=1)
    local = (k[tets].mean(axis=1) * volume)[:, None, None] * (grad @ grad.transpose(0, 2, 1))
    local += (mass / 4 * volume)[:, None, None] * np.eye(4)
    rows, cols = np.repeat(tets, 4, axis=1), np.tile(tets, (1, 4))
    A = sp.coo_matrix((local.ravel(), (rows.ravel(), cols.ravel())), shape=(len(x), len(x))).tocsr()
    return (A + A.T) / 2  # the sums behind a_ij and a_ji may round differently


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=6300, help="unknowns, about (default %(default)s)")
    parser.add_argument("--count", type=int, default=1, help="matrices to make, with seeds seed, seed+1, ... (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="first seed (default %(default)s)")
    parser.add_argument("--shape", choices=["ball", "box"], default="ball", help="(default %(default)s)")
    parser.add_argument("--output", required=True, help="file name with one %%d for the seed")
    args = parser.parse_args()
    try:
        args.output % 0
    except (TypeError, ValueError):
        parser.error(f"--output {args.output} must have exactly one %d, for instance delaunay_%d.dat")
    for seed in range(args.seed, args.seed + args.count):
        rng = np.random.default_rng(seed)
        x, tets = delaunay_mesh(random_points(rng, args.n, args.shape))
        A = heat_matrix(x, tets, diffusivity(rng, x))
        write_petsc(args.output % seed, A)
        print(f"{args.output % seed}: {A.shape[0]} unknowns, {A.nnz / A.shape[0]:.2f} nonzeros per row")


if __name__ == "__main__":
    main()
