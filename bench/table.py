#!/usr/bin/env python3
"""Markdown table of the results that gnnspai-bench -bench_json wrote: python3 bench/table.py bench/results/heat-cpu.json ..."""
import json
import os
import sys

print("| matrix | preconditioner | iterations, b = A·1 / random | set-up ms | refresh ms | solve ms, b = A·1 / random |")
print("|---|---|---|---|---|---|")
for name in sys.argv[1:]:
    with open(name) as f:
        data = json.load(f)
    for matrix in data["matrices"]:
        label = f"{os.path.splitext(os.path.basename(matrix['matrix']))[0]}, n = {matrix['n']}"
        for r in matrix["results"]:
            its = " / ".join(str(k) for k in r["iterations"]) + ("" if r["converged"] else " (not converged)")
            solve = " / ".join(f"{s['median']:.0f}" for s in r["solve_ms"])
            print(f"| {label} | {r['pc']} | {its} | {r['setup_ms']['median']:.1f} | {r['refresh_ms']['median']:.1f} | {solve} |")
            label = ""
