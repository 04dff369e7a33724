"""The network of DESIGN.md section 4 in plain numpy: float64 arithmetic on float32 weights.

Written from the text alone, to check gnn/ against. Slots are the stored (block) nonzeros in CSR order;
slot p = (i,j) holds block G_ji, row-major, so for b = 1 slot values are the values of G^T.
"""
import glob
import json
import math
import os
import sys
from types import SimpleNamespace

import numpy as np

# PETSc's own reader and writer of its binary files lies with PETSc: PETSC_DIR's, or where Debian puts it
sys.path += [os.path.join(os.environ.get("PETSC_DIR", "/usr"), "lib/petsc/bin"), *sorted(glob.glob("/usr/share/petsc/*/lib/petsc/bin"), reverse=True)]
from PetscBinaryIO import MatSparse, PetscBinaryIO, Vec

PETSC_BINARY = PetscBinaryIO(precision="double", indices="32bit", complexscalars=False)


# ---- files ---------------------------------------------------------------------------------------------

def read_safetensors(path):
    """Returns (tensors, metadata)."""
    with open(path, "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        data = f.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, t in header.items():
        assert t["dtype"] == "F32", f"{path}: {name} is {t['dtype']}, not F32"
        begin, end = t["data_offsets"]
        tensors[name] = np.frombuffer(data[begin:end], "<f4").reshape(t["shape"])
    return tensors, metadata


def write_safetensors(path, tensors, metadata):
    header, offset = {"__metadata__": metadata}, 0
    for name, t in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [offset, offset + 4 * t.size]}
        offset += 4 * t.size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        for t in tensors.values():
            f.write(np.ascontiguousarray(t, "<f4").tobytes())


def read_mat(path):
    """A square PETSc binary matrix as (row pointers, columns, values)."""
    ((m, n), (ptr, col, val)), = PETSC_BINARY.readBinaryFile(path)
    assert m == n, f"{path}: {m} rows, {n} columns"
    return ptr.astype(int), col.astype(int), val.astype(float)


def write_mat(path, A):
    n = len(A[0]) - 1
    PETSC_BINARY.writeBinaryFile(path, [MatSparse(((n, n), A))])


def write_vec(path, x):
    PETSC_BINARY.writeBinaryFile(path, [np.ravel(x).view(Vec)])


# ---- graph ---------------------------------------------------------------------------------------------

def blocks(A, b):
    """Scalar CSR (sorted columns) as slots: (i, j, values[slot, b, b]). Every stored block must be full."""
    ptr, col, val = A
    I, J, V = [], [], []
    for i in range((len(ptr) - 1) // b):
        begin, end = ptr[b * i], ptr[b * (i + 1)]
        c = col[begin:end].reshape(b, -1, b)
        assert (c == b * (c[:1, :, :1] // b) + np.arange(b)).all(), f"block row {i} has a block that is not full"
        I += [i] * c.shape[1]
        J += list(c[0, :, 0] // b)
        V.append(val[begin:end].reshape(b, -1, b).transpose(1, 0, 2))
    return np.array(I), np.array(J), np.concatenate(V)


def scaled(n, i, j, V, scaling):
    """The slots of At."""
    if scaling == "mean":                                   # At = A/||A||, over all stored scalars
        return V / np.abs(V).mean()
    assert scaling == "diagonal", scaling
    D = np.empty((n,) + V.shape[1:])
    D[i[i == j]] = V[i == j]
    Linv = np.linalg.inv(np.linalg.cholesky(D))             # At_ij = L_i^-1 A_ij L_j^-T; for b = 1, L_i = sqrt(a_ii)
    return Linv[i] @ V @ Linv[j].transpose(0, 2, 1)


def sum_rows(n, i, values):
    """Sums of the slots' values over each row, in slot order."""
    total = np.zeros((n,) + values.shape[1:])
    np.add.at(total, i, values)
    return total


def graph(A, b, scaling):
    """Slots (i,j), At by slot, reverse slots, and what is kept of them."""
    i, j, V = blocks(A, b)
    n = (len(A[0]) - 1) // b
    assert (np.bincount(i[i == j], minlength=n) == 1).all(), "a diagonal entry is missing"
    slot = {ij: p for p, ij in enumerate(zip(i, j))}
    reverse = np.array([slot.get((c, r), -1) for r, c in zip(i, j)])
    nonzero = (V != 0).any(axis=(1, 2))
    assert not (nonzero & (reverse < 0)).any(), "a_ij is stored without a_ji (see MatZeroRowsColumns)"

    off = nonzero & (i != j)                                # a node is decoupled where these leave it out
    coupled = np.zeros(n, bool)
    coupled[i[off]] = coupled[j[off]] = True
    kept = coupled[i] & coupled[j] & (reverse >= 0)

    W = np.abs(V)                                           # a component is decoupled by its scalar row and column
    W[i == j] *= 1 - np.eye(b)
    mask = sum_rows(n, i, W.sum(axis=2)) + sum_rows(n, j, W.sum(axis=1)) == 0
    return SimpleNamespace(n=n, b=b, i=i, j=j, reverse=reverse, kept=kept, coupled=coupled, mask=mask,
                           degree=np.bincount(i[kept], minlength=n), At=scaled(n, i, j, V, scaling), scaling=scaling)


def edge_features(g, names):
    """One row a kept slot."""
    k = g.kept
    feature = {"value": lambda: g.At[g.reverse[k]].reshape(-1, g.b * g.b),              # At_ji, row-major
               "diagonal": lambda: (g.i[k] == g.j[k]).astype(float)[:, None]}
    return np.hstack([feature[name]() for name in names.split(",")])


def node_features(g, names, user=None):
    """One row a node; sums run over kept slots."""
    i, At = g.i[g.kept], g.At[g.kept]
    bounded = lambda x: np.clip(x, -8, 8)                   # as a row coupled to all others must not spoil its neighbours
    bounded_sum = bounded if g.scaling == "diagonal" else lambda x: x
    feature = {"rowabs": lambda: bounded_sum(sum_rows(g.n, i, np.abs(At).sum(axis=2)) / 4),
               "rowsum": lambda: bounded_sum(sum_rows(g.n, i, At.sum(axis=2))),
               "degree": lambda: bounded(g.degree[:, None] / 16),
               "mask": lambda: g.mask.astype(float)}
    columns = []
    for name in names.split(","):
        kind, _, k = name.partition(":")
        columns.append(np.reshape(user, (g.n, int(k))) if kind == "user" else feature[name]())
    return np.hstack(columns)


# ---- network -------------------------------------------------------------------------------------------

erf = np.vectorize(math.erf, otypes=[float])


def gelu(x):
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


def layer_norm(x, weight, bias):
    y = x - x.mean(axis=1, keepdims=True)
    return y / np.sqrt((y * y).mean(axis=1, keepdims=True) + 1e-5) * weight + bias


class Model:
    def __init__(self, tensors, metadata):
        self.meta = metadata
        self.tensors = {name: np.asarray(t, float) for name, t in tensors.items()}
        assert metadata["format"] == "gnnspai-1"
        assert metadata["output"] == "direct" or metadata["scaling"] == "diagonal"
        self.block_size, self.layers, self.hidden = (int(metadata[k]) for k in ("block_size", "layers", "hidden_layers"))

    def linear(self, name, x):
        return x @ self.tensors[name + ".weight"].T + self.tensors[name + ".bias"]

    def ff(self, name, x):
        """Linear(in,d) -> GELU -> (h-1) x (Linear(d,d) -> GELU) -> Linear(d,out)."""
        x = gelu(self.linear(name + ".lift.0", x))
        for k in range(self.hidden - 1):
            x = gelu(self.linear(f"{name}.body.{k}.0", x))
        return self.linear(name + ".proj.0", x)

    def mlp(self, t, name, x):
        name = f"mp_layers.{t}.{name}"
        if self.meta["norm"] == "layer":
            x = layer_norm(x, self.tensors[name + ".pre_norm.weight"], self.tensors[name + ".pre_norm.bias"])
        return self.ff(name, x)

    def aggregate(self, g, m):
        total = sum_rows(g.n, g.i[g.kept], m)
        if self.meta["aggregation"] == "mean":
            total *= float(self.meta["aggregation_scale"]) / np.maximum(g.degree, 1)[:, None]
        return total

    def forward(self, g, user=None):
        """The network's output by slot, zero where a slot is not kept; `pattern` is factor()'s matter."""
        i, j = g.i[g.kept], g.j[g.kept]
        x = self.ff("node_enc", node_features(g, self.meta["node_features"], user))
        e = self.ff("edge_enc", edge_features(g, self.meta["edge_features"]))
        for t in range(self.layers):
            xxe = np.hstack([x[i], x[j], e])
            m = self.mlp(t, "msg_mlp", xxe)
            x = x + self.mlp(t, "node_mlp", self.aggregate(g, m))
            e = e + self.mlp(t, "edge_mlp", xxe)
        out = np.zeros((len(g.i), g.b, g.b))
        out[g.kept] = self.ff("edge_dec", np.hstack([e, x[j], x[i]])).reshape(-1, g.b, g.b)
        return out

    def factor(self, g, out):
        """G by slot: slot (i,j) holds G_ji = (start)_ji + out_ij, zero outside the pattern and where a component is decoupled."""
        G = out.copy()
        if self.meta["output"] == "residual":
            c0, c1 = self.tensors["c"]
            identity = (g.i == g.j)[:, None, None] * np.eye(g.b)
            At_ji = g.At[g.reverse]                         # slots without a reverse are not kept
            if self.meta["pattern"] == "A":
                G += 1.5 * c0 * identity - 0.5 * c1 * At_ji
            else:
                G += c0 * identity - c1 * At_ji * (g.i != g.j)[:, None, None]
        G[~g.kept] = 0
        G[g.mask[g.j][:, :, None] | g.mask[g.i][:, None, :]] = 0
        if self.meta["pattern"] == "lower":                 # G^T is lower triangular, scalar by scalar
            G[g.j > g.i] = 0
            G[g.i == g.j] = np.triu(G[g.i == g.j])
        return G


# ---- loss ----------------------------------------------------------------------------------------------

def dense(g, values):
    """The slots as a dense matrix."""
    M = np.zeros((g.n, g.n, g.b, g.b))
    M[g.i, g.j] = values
    return M.transpose(0, 2, 1, 3).reshape(g.n * g.b, g.n * g.b)


def csr_values(g, values):
    """The values of G^T (its block (i,j) is slot (i,j), transposed) in the order of the scalar CSR."""
    rows = [values[g.i == i].transpose(2, 0, 1).reshape(-1) for i in range(g.n)]
    return np.concatenate(rows)


def sai_loss(gt, g, eps, w):
    """Mean over the probes (rows of w) of |(At(GG'+eps I) - I)w|^2/n, n = coupled unknowns."""
    Gt, At = dense(g, gt.transpose(0, 2, 1)), dense(g, g.At)
    coupled = coupled_rows(g)
    w = np.reshape(w, (-1, len(coupled))).T * coupled[:, None]
    r = At @ (Gt.T @ (Gt @ w) + eps * w) - w
    return (r * r).sum() / coupled.sum() / w.shape[1]


def coupled_rows(g):
    """The scalar rows that take part."""
    return (g.coupled[:, None] & ~g.mask).ravel()
