#!/usr/bin/env python3
"""A training step in PyTorch and in gnnspai-train: the same network, matrices, batch, probes and loss, timed one after the other.

    python3 bench/extra/train_torch.py --device cuda --table train-torch-cuda.md build/bench-data/step_0490_1.dat ...

Each argument is one case: a matrix, or a glob of matrices that all are in every batch. PyTorch's part is written as its users write such
networks: an edge list, torch.cat and index_add, AdamW (fused on CUDA), no .item() between steps. Before anything is timed its loss is compared
with that of tests/reference/data, which gnnspai's own tests are held to. With --compile MODE torch.compile(mode=MODE) is timed beside it.

Times are of chunks of steps, the device synchronised at a chunk's end only; the first chunk is warm-up. gnnspai-train's come from the seconds
in its log. Needs torch, numpy and PETSc's PetscBinaryIO; `make bench-train-torch where=cpu|cuda` runs it.
"""
import argparse
import csv
import glob
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time

import numpy as np
import torch
from torch import nn

from petscfile import read_rows, read_vector

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REFERENCE = os.path.join(ROOT, "tests", "reference", "data")
KAPPA, EPSILON = 4.0, 1e-4  # aggregation_scale and epsilon of gnnspai-train's network


# ---- files ----


def read_model(path):
    """Tensors and metadata of a safetensors file"""
    with open(path, "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        data = f.read()
    metadata = header.pop("__metadata__")
    return {k: torch.tensor(np.frombuffer(data[slice(*t["data_offsets"])], "<f4").reshape(t["shape"]).copy()) for k, t in header.items()}, metadata


# ---- network ----


class FF(nn.Module):
    def __init__(self, size_in, size_out, width, hidden):
        super().__init__()
        self.lift = nn.Sequential(nn.Linear(size_in, width), nn.GELU())
        self.body = nn.ModuleList(nn.Sequential(nn.Linear(width, width), nn.GELU()) for _ in range(hidden - 1))
        self.proj = nn.Sequential(nn.Linear(width, size_out))

    def forward(self, x):
        x = self.lift(x)
        for layer in self.body:
            x = layer(x)
        return self.proj(x)


class Layer(nn.Module):
    def __init__(self, d, hidden):
        super().__init__()
        self.msg_mlp = FF(3 * d, d, d, hidden)
        self.node_mlp = FF(d, d, d, hidden)
        self.edge_mlp = FF(3 * d, d, d, hidden)

    def forward(self, x, e, g):
        both = torch.cat([x[g["i"]], x[g["j"]], e], dim=1)
        total = torch.zeros_like(x).index_add(0, g["i"], self.msg_mlp(both))
        return x + self.node_mlp(g["kappa"] * total), e + self.edge_mlp(both)


class Network(nn.Module):
    """Block size 1, mean of the messages, residual output on the pattern of A: the default of gnnspai-train"""

    def __init__(self, width, layers, hidden):
        super().__init__()
        self.node_enc = FF(3, width, width, hidden)
        self.edge_enc = FF(2, width, width, hidden)
        self.mp_layers = nn.ModuleList(Layer(width, hidden) for _ in range(layers))
        self.edge_dec = FF(3 * width, 1, width, hidden)
        self.c = nn.Parameter(torch.ones(2))
        with torch.no_grad():
            self.edge_dec.proj[0].weight.mul_(0.1)
            self.edge_dec.proj[0].bias.mul_(0.1)

    def forward(self, g):
        """The values of G^T on the kept slots"""
        x, e = self.node_enc(g["nodes"]), self.edge_enc(g["edges"])
        for layer in self.mp_layers:
            x, e = layer(x, e, g)
        out = self.edge_dec(torch.cat([e, x[g["j"]], x[g["i"]]], dim=1))[:, 0]
        return out + 1.5 * self.c[0] * g["edges"][:, 1] - 0.5 * self.c[1] * g["at"]


def loss_per_matrix(gt, g, w, matrices, epsilon=EPSILON):
    """||At (G G^T + eps I) w - w||^2 of each matrix over its coupled rows and the probes w (n, k)"""
    i, j = g["i"], g["j"]
    u = torch.zeros_like(w).index_add(0, i, gt[:, None] * w[j])
    z = (epsilon * w).index_add(0, j, gt[:, None] * u[i])
    y = (-w).index_add(0, i, g["at"][:, None] * z[j])
    total = torch.zeros(matrices, dtype=w.dtype, device=w.device).index_add(0, g["member"], (y * y).sum(dim=1))
    return total / (w.shape[1] * g["coupled"])


# ---- matrices ----


def graph(path, kappa=KAPPA):
    """Kept slots of the matrix scaled by its diagonal, and the features"""
    offsets, j, a = read_rows(path)
    n = len(offsets) - 1
    i = np.repeat(np.arange(n), np.diff(offsets))
    diagonal = np.zeros(n)
    diagonal[i[i == j]] = a[i == j]
    position = {p: k for k, p in enumerate(zip(i.tolist(), j.tolist()))}
    reverse = np.array([position.get(p, -1) for p in zip(j.tolist(), i.tolist())])
    off = (a != 0) & (i != j) & (reverse >= 0) & (a[reverse] != 0)
    coupled = np.zeros(n, bool)
    coupled[i[off]] = True
    keep = coupled[i] & coupled[j] & (reverse >= 0)
    i, j, at = i[keep], j[keep], (a / np.sqrt(diagonal[i] * diagonal[j]))[keep]
    degree = np.bincount(i, minlength=n)
    nodes = np.stack([0.25 * np.bincount(i, np.abs(at), n), np.bincount(i, at, n), degree / 16], 1).clip(-8, 8)
    return {"n": n, "nonzeros": len(a), "i": i, "j": j, "at": at, "nodes": nodes, "edges": np.stack([at, i == j], 1),
            "kappa": (kappa / np.maximum(degree, 1))[:, None], "mask": coupled[:, None].astype(float), "coupled": np.array([coupled.sum()])}


def to_device(g, device, dtype):
    return {k: v if isinstance(v, int) else torch.as_tensor(v, device=device, dtype=torch.int64 if v.dtype.kind in "iu" and k != "coupled" else dtype) for k, v in g.items()}


def batch(graphs):
    """The disjoint sum"""
    first = np.concatenate([[0], np.cumsum([g["n"] for g in graphs])[:-1]]).tolist()
    all_of = lambda k: torch.cat([g[k] for g in graphs])
    b = {k: all_of(k) for k in ("at", "nodes", "edges", "kappa", "mask", "coupled")}
    b["i"], b["j"] = (torch.cat([g[k] + f for g, f in zip(graphs, first)]) for k in ("i", "j"))
    b["member"] = torch.cat([torch.full((g["n"],), k, device=g["i"].device) for k, g in enumerate(graphs)])
    return b


# ---- loss as gnnspai's ----


def check_loss():
    """The reference's loss on its probes, as gnnspai's tests have it"""
    weights, meta = read_model(os.path.join(REFERENCE, "default.safetensors"))
    network = Network(int(meta["width"]), int(meta["layers"]), int(meta["hidden_layers"])).double()
    network.load_state_dict({k: v.double() for k, v in weights.items()})
    g = batch([to_device(graph(os.path.join(REFERENCE, "matrix_a.dat"), float(meta["aggregation_scale"])), "cpu", torch.float64)])
    w = torch.tensor(read_vector(os.path.join(REFERENCE, "default.w")).reshape(-1, len(g["member"])).T)
    loss, expected = float(loss_per_matrix(network(g), g, w, 1, float(meta["epsilon"]))), float(read_vector(os.path.join(REFERENCE, "default.loss"))[0])
    print(f"loss {loss:.9g}, the reference's {expected:.9g}")
    assert abs(loss / expected - 1) < 1e-9, "PyTorch's loss is not gnnspai's"


# ---- timing ----


def spread(chunks):
    return {"median": statistics.median(chunks), "min": min(chunks), "max": max(chunks), "chunks": len(chunks)}


def time_torch(paths, o, mode):
    """Milliseconds per step of each chunk"""
    device = torch.device(o.device)
    graphs = [to_device(graph(p), device, torch.float32) for p in paths]
    network = Network(o.width, o.layers, o.hidden).to(device)
    optimiser = torch.optim.AdamW(network.parameters(), lr=6e-3, weight_decay=1e-4, **({"fused": True} if o.device == "cuda" else {}))

    def forward(b, w):
        losses = loss_per_matrix(network(b), b, w, len(graphs))
        return (losses.log() if o.loss == "log-sai" else losses).mean()

    if mode:
        forward = torch.compile(forward, mode=mode)
    total = torch.zeros((), device=device)

    def step():
        nonlocal total
        b = batch([graphs[k] for k in np.random.permutation(len(graphs))])
        w = b["mask"] * torch.randn(len(b["mask"]), o.probes, device=device)
        loss = forward(b, w)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        total += loss.detach()

    return [chunk_ms(step, o) for _ in range(o.chunks + 1)][1:]


def chunk_ms(step, o):
    start = time.perf_counter()
    for _ in range(o.steps):
        step()
    if o.device == "cuda":
        torch.cuda.synchronize()
    return 1e3 * (time.perf_counter() - start) / o.steps


def time_ours(pattern, count, o):
    with tempfile.TemporaryDirectory() as work:
        log = os.path.join(work, "log.csv")
        command = [o.program, "-train_matrices", pattern, "-train_batch", str(count), "-train_probes", str(o.probes), "-train_loss", o.loss, "-gnn_width", str(o.width), "-gnn_layers", str(o.layers),
                   "-gnn_hidden_layers", str(o.hidden), "-train_steps", str(o.steps * (o.chunks + 1)), "-train_validate_every", str(o.steps), "-train_log", log, "-train_output", os.path.join(work, "model.safetensors")]
        if o.device == "cuda":
            command += ["-mat_type", "aijcusparse", "-use_gpu_aware_mpi", "0"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with open(log) as f:
            seconds = [float(row["seconds"]) for row in csv.DictReader(f)]
    return [1e3 * (b - a) / o.steps for a, b in zip(seconds, seconds[1:])]


def time_case(pattern, o):
    paths = sorted(glob.glob(pattern))
    assert paths, f"no file matches {pattern}"
    graphs = [graph(p) for p in paths]
    case = {"matrices": pattern, "batch": len(paths), "rows": sum(g["n"] for g in graphs), "nonzeros": sum(g["nonzeros"] for g in graphs)}
    case["gnnspai"] = spread(time_ours(pattern, len(paths), o))
    case["torch"] = spread(time_torch(paths, o, None))
    if o.compile:
        try:
            case["torch_compile"] = spread(time_torch(paths, o, o.compile))
        except Exception as failure:  # whatever a compiler may raise: the rest of the table stands without it
            print(f"torch.compile failed: {failure}")
    best = min(case[k]["median"] for k in ("torch", "torch_compile") if k in case)
    case["ratio"] = best / case["gnnspai"]["median"]
    return case


# ---- report ----


def cell(times):
    return f"{times['median']:.3g} ({times['min']:.3g} to {times['max']:.3g})" if times else ""


def table(result):
    compiled = any("torch_compile" in c for c in result["cases"])
    lines = [f"Milliseconds per training step, median (least to largest) of {result['chunks']} chunks of {result['steps']} steps: width {result['width']}, {result['layers']} layers, {result['probes']} probes, loss {result['loss']}, single precision network.",
             f"{result['where']}, PyTorch {result['torch']}, commit {result['commit']}. The ratio is PyTorch's (the faster one's) to ours.", "",
             "| batch | rows | nonzeros | gnnspai | PyTorch |" + (f" torch.compile ({result['compile']}) |" if compiled else "") + " ratio |",
             "|---|---|---|---|---|---|" + ("---|" if compiled else "")]
    for c in result["cases"]:
        lines.append(f"| {c['batch']} | {c['rows']} | {c['nonzeros']} | {cell(c['gnnspai'])} | {cell(c['torch'])} |" + (f" {cell(c.get('torch_compile'))} |" if compiled else "") + f" {c['ratio']:.1f} |")
    return "\n".join(lines) + "\n"


def where(o):
    if o.device == "cuda":
        return f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"
    return f"{o.cpu or platform.processor() or platform.machine()}, {torch.get_num_threads()} thread(s)"


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("cases", nargs="*", help="a matrix, or a quoted glob of a batch's matrices")
    p.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    p.add_argument("--threads", type=int, default=1, help="PyTorch's, on the CPU; gnnspai-train runs on one core")
    p.add_argument("--program", default=os.path.join(ROOT, "bin", "gnnspai-train"))
    p.add_argument("--table", metavar="FILE", help="where the table goes, too")
    p.add_argument("--compile", help="time torch.compile with this mode, too: default, reduce-overhead")
    p.add_argument("--steps", type=int, default=20, help="per chunk")
    p.add_argument("--chunks", type=int, default=5)
    p.add_argument("--width", type=int, default=24)
    p.add_argument("--layers", type=int, default=4)
    p.add_argument("--hidden", type=int, default=1)
    p.add_argument("--probes", type=int, default=8)
    p.add_argument("--loss", choices=("sai", "log-sai"), default="log-sai")
    p.add_argument("--commit", default="")
    p.add_argument("--cpu", default="", help="the processor's name")
    return p.parse_args()


def main():
    o = options()
    torch.set_num_threads(o.threads)
    check_loss()
    if not o.cases:
        return
    result = {k: getattr(o, k) for k in ("steps", "chunks", "width", "layers", "hidden", "probes", "loss", "commit", "compile", "device")}
    result |= {"torch": torch.__version__, "where": where(o), "cases": [time_case(pattern, o) for pattern in o.cases]}
    print(table(result), end="")
    if o.table:
        with open(o.table, "w") as f:
            f.write(table(result))


main()
