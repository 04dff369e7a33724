#!/usr/bin/env python3
"""CG of NVIDIA Warp with its adaptive FSAI, Jacobi and nothing, on a GPU: the nearest to the paper's AINV that runs there.

The JSON is that of gnnspai-bench (bench/report.c), so that bench/table.py prints it beside the others. Warp's CG and matrix products are
its own: compare iterations with gnnspai-bench's, times only with care. Needs numpy, scipy and warp-lang >= 1.19. Example:
    python3 bench/extra/warp_fsai.py --json build/results/warp-cuda.json build/bench-data/heat_2000.dat
"""
import argparse
import json
import os
import platform
import statistics
import time

import numpy as np
import warp as wp
from warp.optim.linear import FSAI, cg, preconditioner
from warp.sparse import bsr_from_triplets, bsr_mv

from petscfile import read_petsc


def warp_matrix(A, device):
    A = A.tocoo()
    rows, cols = (wp.array(k.astype(np.int32), dtype=wp.int32, device=device) for k in (A.row, A.col))
    return bsr_from_triplets(*A.shape, rows, cols, wp.array(A.data, dtype=wp.float64, device=device))


def spread(seconds):
    ms = sorted(1e3 * t for t in seconds)
    return {"min": ms[0], "median": statistics.median(ms), "max": ms[-1], "runs": len(ms)}


def timed(run, repeat, device):
    """The last result, and times after a warm-up, which also compiles the kernels"""
    times = []
    for _ in range(repeat + 1):
        wp.synchronize_device(device)
        start = time.perf_counter()
        result = run()
        wp.synchronize_device(device)
        times.append(time.perf_counter() - start)
    return result, spread(times[1:])


def builders(row_size):
    """Name: how to make it, how to make it again for new values in the same pattern"""
    fsai = {"max_row_size": row_size, "reuse_pattern": True}
    return {
        "warp-none": (lambda A: None, lambda M, A: None),
        "warp-jacobi": (lambda A: preconditioner(A, "diag"), lambda M, A: preconditioner(A, "diag")),
        "warp-fsai": (lambda A: FSAI(A, **fsai), lambda M, A: M.update(A)),
    }


def solve(A, b, M, rhs, args):
    """check_every: on a GPU the device decides when to stop, in one graph"""
    x = wp.zeros_like(b)
    check_every = 0 if wp.get_device(args.device).is_cuda else 1
    state = cg(A, b, x, tol=args.rtol, atol=0.0, maxiter=args.max_it, M=M, check_every=check_every, run=False)

    def run():
        x.zero_()
        return state()

    (its, _, _), times = timed(run, args.repeat, args.device)
    its = int(its.numpy()[0]) if isinstance(its, wp.array) else int(its)
    r = wp.clone(b)
    bsr_mv(A, x, r, alpha=-1.0, beta=1.0)
    residual = float(np.linalg.norm(r.numpy()) / np.linalg.norm(b.numpy()))
    return {"rtol": args.rtol, "mode": "default", "rhs": rhs, "iterations": its, "converged": its < args.max_it, "residual": residual, "solve_ms": times}


def run_matrix(path, args):
    host = read_petsc(path)
    n = host.shape[0]
    A = warp_matrix(host, args.device)
    sides = {"ones": host @ np.ones(n), "random": np.random.default_rng(0).uniform(-1, 1, n)}
    sides = {name: wp.array(b, dtype=wp.float64, device=args.device) for name, b in sides.items()}
    results = []
    for name, (make, again) in builders(args.row_size).items():
        M, setup = timed(lambda: make(A), args.repeat, args.device)
        _, refresh = timed(lambda: again(M, A), args.repeat, args.device)
        solves = [solve(A, b, M, rhs, args) for rhs, b in sides.items()]
        results.append({"pc": name, "options": f"max_row_size {args.row_size}" if name == "warp-fsai" else "", "setup_ms": setup, "refresh_ms": refresh, "solves": solves})
        print(f"  {name:12} {solves[0]['iterations']:6} {solves[1]['iterations']:6} {setup['median']:9.2f} {refresh['median']:9.2f} {solves[0]['solve_ms']['median']:9.2f} {solves[1]['solve_ms']['median']:9.2f}   {solves[0]['residual']:.0e} {solves[1]['residual']:.0e}")
    return {"matrix": os.path.splitext(os.path.basename(path))[0], "n": n, "nonzeros": int(host.nnz), "block_size": 1, "results": results}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("matrices", nargs="+", help="PETSc binary files")
    parser.add_argument("--device", default="cuda", help="cuda, or cpu to try the script (default %(default)s)")
    parser.add_argument("--row-size", type=int, default=16, help="most entries in a row of the factor (default %(default)s)")
    parser.add_argument("--rtol", type=float, default=1e-8)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--max-it", type=int, default=20000)
    parser.add_argument("--json")
    args = parser.parse_args()
    wp.config.log_level = wp.LOG_WARNING
    if args.device.startswith("cuda") and not wp.is_cuda_available():
        parser.error("there is no GPU here; --device cpu tries the script")
    data = {"schema": 2, "device": wp.get_device(args.device).name, "system": platform.system(), "petsc": f"none; Warp {wp.config.version}", "compiler": "", "commit": "", "mat_type": "warp", "repeat": args.repeat, "seconds": 0.0, "copy_GBps": None, "matrices": []}
    for path in args.matrices:
        print(f"{path}: iterations for b = A 1 | random, set-up, refresh, solves in ms, true residuals")
        data["matrices"].append(run_matrix(path, args))
    if args.json:
        with open(args.json, "w") as f:
            json.dump(data, f, indent=1)
            f.write("\n")


main()
