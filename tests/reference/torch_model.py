#!/usr/bin/env python3
"""Writes torch/: models saved by PyTorch, models of gnnspai-train that PyTorch loads, and what a plain nn.Module computes with each.

The module is written from DESIGN.md sections 4 and 5 as a user would write it; graph, features and start come from reference.py.
Needs torch, safetensors, numpy and bin/gnnspai-train; run from the repository's root, `python3 tests/reference/torch_model.py`.
"""
import os
import subprocess

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

import reference as ref

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "torch")


class FF(nn.Module):
    def __init__(self, size_in, size_out, width, hidden, norm=False):
        super().__init__()
        self.pre_norm = nn.LayerNorm(size_in) if norm else nn.Identity()
        self.lift = nn.Sequential(nn.Linear(size_in, width), nn.GELU())
        self.body = nn.ModuleList(nn.Sequential(nn.Linear(width, width), nn.GELU()) for _ in range(hidden - 1))
        self.proj = nn.Sequential(nn.Linear(width, size_out))

    def forward(self, x):
        x = self.lift(self.pre_norm(x))
        for layer in self.body:
            x = layer(x)
        return self.proj(x)


class Layer(nn.Module):
    def __init__(self, d, hidden, norm):
        super().__init__()
        self.msg_mlp = FF(3 * d, d, d, hidden, norm)
        self.node_mlp = FF(d, d, d, hidden, norm)
        self.edge_mlp = FF(3 * d, d, d, hidden, norm)

    def forward(self, x, e, i, j, scale):
        both = torch.cat([x[i], x[j], e], dim=1)
        total = torch.zeros_like(x).index_add(0, i, self.msg_mlp(both))
        return x + self.node_mlp(scale * total), e + self.edge_mlp(both)


class Network(nn.Module):
    """From the metadata of a model file; forward takes the kept slots (i, j) and the features, and returns b*b numbers a slot."""

    def __init__(self, meta):
        super().__init__()
        b, d, hidden = (int(meta[k]) for k in ("block_size", "width", "hidden_layers"))
        size = {"value": b * b, "diagonal": 1, "rowabs": b, "rowsum": b, "degree": 1, "mask": b}
        self.meta = meta
        self.node_enc = FF(sum(size[f] for f in meta["node_features"].split(",")), d, d, hidden)
        self.edge_enc = FF(sum(size[f] for f in meta["edge_features"].split(",")), d, d, hidden)
        self.mp_layers = nn.ModuleList(Layer(d, hidden, meta["norm"] == "layer") for _ in range(int(meta["layers"])))
        self.edge_dec = FF(3 * d, b * b, d, hidden)
        if meta["output"] == "residual":
            self.c = nn.Parameter(torch.tensor([1.1, 0.9]))

    def forward(self, i, j, nodes, edges):
        scale = 1.0
        if self.meta["aggregation"] == "mean":
            scale = float(self.meta["aggregation_scale"]) / torch.bincount(i, minlength=len(nodes)).clamp(min=1).to(nodes.dtype)[:, None]
        x, e = self.node_enc(nodes), self.edge_enc(edges)
        for layer in self.mp_layers:
            x, e = layer(x, e, i, j, scale)
        return self.edge_dec(torch.cat([e, x[j], x[i]], dim=1))


# Whole metadata: what a user of PyTorch has to write beside the state dict
DEFAULT = {"format": "gnnspai-1", "block_size": "1", "width": "8", "layers": "2", "hidden_layers": "1", "norm": "none",
           "aggregation": "mean", "aggregation_scale": "4", "scaling": "diagonal", "output": "residual", "pattern": "A",
           "epsilon": "1e-4", "edge_features": "value,diagonal", "node_features": "rowabs,rowsum,degree"}
PAPER = dict(DEFAULT, norm="layer", aggregation="sum", scaling="mean", output="direct", hidden_layers="2", node_features="rowabs")
SAVED = [("torch", "matrix_a.dat", DEFAULT), ("torch_paper", "matrix_a.dat", PAPER),
         ("torch_block", "matrix_b.dat", dict(DEFAULT, block_size="3", node_features="rowabs,rowsum,degree,mask"))]
TRAINED = [("trained", "matrix_a.dat", 1, "-gnn_hidden_layers 2"),
           ("trained_block", "matrix_b.dat", 3, "-gnn_block_size 3 -matload_block_size 3 -gnn_norm layer -gnn_pattern lower")]


def path(name):
    return os.path.join(DATA, name)


def read(file):
    with safe_open(file, "pt") as f:
        return load_file(file), f.metadata()


def train(name, matrix, options):
    """A model as gnnspai-train writes it, after a few steps"""
    command = f"bin/gnnspai-train -train_matrices {HERE}/data/{matrix} -train_output {path(name)}.safetensors -gnn_width 8 -gnn_layers 2"
    subprocess.run(f"{command} -train_steps 20 -train_note {matrix} {options}".split(), check=True, stdout=subprocess.DEVNULL)


def compute(name, matrix):
    """Load the file into the module, strictly, and store what it computes in double precision"""
    state, meta = read(path(name + ".safetensors"))
    network = Network(meta)
    network.load_state_dict(state, strict=True)
    network.double()
    g = ref.graph(ref.read_mat(os.path.join(HERE, "data", matrix)), int(meta["block_size"]), meta["scaling"])
    i, j = torch.from_numpy(g.i[g.kept]), torch.from_numpy(g.j[g.kept])
    nodes = torch.from_numpy(ref.node_features(g, meta["node_features"]))
    edges = torch.from_numpy(ref.edge_features(g, meta["edge_features"]))
    out = np.zeros((len(g.i), g.b, g.b))
    with torch.no_grad():
        out[g.kept] = network(i, j, nodes, edges).numpy().reshape(-1, g.b, g.b)
    model = ref.Model({k: v.numpy() for k, v in state.items()}, meta)
    np.testing.assert_allclose(out, model.forward(g), rtol=1e-9, atol=1e-11)
    ref.write_vec(path(name + ".out"), out)
    ref.write_vec(path(name + ".gt"), ref.csr_values(g, model.factor(g, out)))
    return f"{name}.safetensors ../data/{matrix} {g.b}\n"


def main():
    os.makedirs(DATA, exist_ok=True)
    torch.manual_seed(20251027)
    for name, _, meta in SAVED:
        save_file(Network(meta).state_dict(), path(name + ".safetensors"), meta)
    for name, matrix, _, options in TRAINED:
        train(name, matrix, options)
    with open(path("index.txt"), "w") as f:
        f.writelines(compute(name, matrix) for name, matrix, *_ in SAVED + TRAINED)


if __name__ == "__main__":
    main()
