#!/usr/bin/env python3
"""Writes data/: small matrices, random models and what reference.py makes of them. See README."""
import os

import numpy as np

import reference as ref

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
rng = np.random.default_rng(20251027)


# ---- matrices ------------------------------------------------------------------------------------------

def csr(dense, stored):
    """CSR of the stored entries of a dense matrix, explicit zeros included."""
    i, j = np.nonzero(stored)
    return np.concatenate([[0], np.cumsum(stored.sum(axis=1))]), j, dense[i, j]


def to_dense(A):
    ptr, col, val = A
    n = len(ptr) - 1
    M, stored = np.zeros((n, n)), np.zeros((n, n), bool)
    i = np.repeat(np.arange(n), np.diff(ptr))
    M[i, col], stored[i, col] = val, True
    return M, stored


def random_pattern(n, degree):
    P = np.triu(rng.random((n, n)) < degree / (n - 1), 1)
    P[np.arange(n - 1), np.arange(1, n)] |= rng.random(n - 1) < 0.5
    P |= P.T
    for i in np.flatnonzero(~P.any(axis=1)):
        P[i, i - 1] = P[i - 1, i] = True
    return P | np.eye(n, dtype=bool)


def random_spd(n, degree, b=1):
    """A block-sparse SPD matrix with rows of very different size; every block full."""
    stored = np.kron(random_pattern(n, degree), np.ones((b, b), bool))
    M = np.where(stored, rng.normal(size=stored.shape), 0)
    M = (M + M.T) / 2
    np.fill_diagonal(M, 0)
    np.fill_diagonal(M, np.abs(M).sum(axis=1) * rng.uniform(1.01, 1.6, n * b))
    s = 10 ** rng.uniform(-1, 1, n * b)
    M = s[:, None] * M * s
    assert np.linalg.eigvalsh(M).min() > 0
    return M, stored


def zero_rows_columns(M, rows, diagonal):
    """MatZeroRowsColumns: the zeros stay in the pattern."""
    M[rows, :] = M[:, rows] = 0
    M[rows, rows] = diagonal


def make_matrices():
    A = csr(*random_spd(40, 6))
    M, stored = random_spd(43, 6)
    zero_rows_columns(M, [0, 17, 42], [1, 1, 1])
    i, j = np.argwhere(~stored)[100]
    assert i not in (0, 17, 42) and j not in (0, 17, 42)
    stored[i, j] = True                                     # a zero without a stored (j,i), between coupled nodes
    D = csr(M, stored)
    M, stored = random_spd(15, 4, b=3)
    zero_rows_columns(M, [21, 22, 23], 1)                   # node 7 decoupled,
    zero_rows_columns(M, [13], 1)                           # and the middle component of node 4
    return {"matrix_a.dat": (A, 1), "matrix_d.dat": (D, 1), "matrix_b.dat": (csr(M, stored), 3)}


# ---- models --------------------------------------------------------------------------------------------

DEFAULT = dict(width=12, layers=2, hidden_layers=1, norm="none", aggregation="mean", aggregation_scale=4,
               scaling="diagonal", output="residual", pattern="A", epsilon=1e-4,
               edge_features="value,diagonal", node_features="rowabs,rowsum,degree")
CASES = [  # name, matrix, what differs from DEFAULT; a norm hides aggregation_scale, so it varies without one too
    ("default",         "matrix_a.dat", dict(width=24, layers=4, epsilon=0.05)),
    ("paper",           "matrix_a.dat", dict(norm="layer", aggregation="sum", scaling="mean", output="direct",
                                             edge_features="value", node_features="rowabs")),
    ("lower",           "matrix_a.dat", dict(pattern="lower")),
    ("lower_direct",    "matrix_a.dat", dict(pattern="lower", norm="layer", aggregation="sum", aggregation_scale=3,
                                             output="direct", layers=1)),
    ("hidden",          "matrix_a.dat", dict(hidden_layers=2, norm="layer", aggregation_scale=2.5)),
    ("user",            "matrix_a.dat", dict(width=9, layers=3, node_features="degree,user:3,rowsum", scaling="mean",
                                             output="direct", aggregation_scale=2.5)),
    ("decoupled",       "matrix_d.dat", dict(node_features="mask,rowabs,rowsum,degree")),
    ("decoupled_lower", "matrix_d.dat", dict(norm="layer", pattern="lower", aggregation="sum", epsilon=0.02)),
    ("decoupled_mean",  "matrix_d.dat", dict(hidden_layers=2, scaling="mean", output="direct", edge_features="diagonal,value",
                                             aggregation="sum", aggregation_scale=3)),
    ("block",           "matrix_b.dat", dict(node_features="rowabs,rowsum,degree,mask")),
    ("block_lower",     "matrix_b.dat", dict(pattern="lower", hidden_layers=2, norm="layer")),
    ("block_mean",      "matrix_b.dat", dict(scaling="mean", output="direct", aggregation="sum", norm="layer",
                                             edge_features="diagonal,value", node_features="degree,mask,rowsum,user:2")),
]
LOSS = {"default", "decoupled_lower", "block_mean"}
PROBES = 3


def random_model(config, b):
    """A random model file's (tensors, metadata)."""
    meta = {"format": "gnnspai-1", "block_size": str(b)}
    meta.update((k, str(v)) for k, v in config.items())
    d, tensors = config["width"], {}

    def linear(name, nin, nout):
        tensors[name + ".weight"] = rng.normal(size=(nout, nin)) * np.sqrt(1.6 / nin)
        tensors[name + ".bias"] = 0.2 * rng.normal(size=nout)

    def ff(name, nin, nout, norm=False):
        if norm:
            tensors[name + ".pre_norm.weight"] = 1 + 0.2 * rng.normal(size=nin)
            tensors[name + ".pre_norm.bias"] = 0.2 * rng.normal(size=nin)
        linear(name + ".lift.0", nin, d)
        for k in range(config["hidden_layers"] - 1):
            linear(f"{name}.body.{k}.0", d, d)
        linear(name + ".proj.0", d, nout)

    size = {"value": b * b, "diagonal": 1, "rowabs": b, "rowsum": b, "degree": 1, "mask": b}
    size.update({f"user:{k}": k for k in range(1, 9)})
    norm = config["norm"] == "layer"
    ff("node_enc", sum(size[f] for f in config["node_features"].split(",")), d)
    ff("edge_enc", sum(size[f] for f in config["edge_features"].split(",")), d)
    for t in range(config["layers"]):
        ff(f"mp_layers.{t}.msg_mlp", 3 * d, d, norm)
        ff(f"mp_layers.{t}.node_mlp", d, d, norm)
        ff(f"mp_layers.{t}.edge_mlp", 3 * d, d, norm)
    ff("edge_dec", 3 * d, b * b)
    if config["output"] == "residual":
        tensors["c"] = np.array([1.1, 0.85])
    return {name: t.astype(np.float32) for name, t in tensors.items()}, meta


# ---- checks --------------------------------------------------------------------------------------------

def check(model, A, user, out):
    b, scaling = model.block_size, model.meta["scaling"]
    g = ref.graph(A, b, scaling)
    close = dict(rtol=1e-9, atol=1e-11)

    # 7A gives what A gives
    g7 = ref.graph((A[0], A[1], 7 * A[2]), b, scaling)
    np.testing.assert_allclose(model.forward(g7, user), out, **close)

    # permuting the nodes permutes the output
    perm = rng.permutation(g.n)
    p = (b * perm[:, None] + np.arange(b)).ravel()
    M, stored = to_dense(A)
    gp = ref.graph(csr(M[np.ix_(p, p)], stored[np.ix_(p, p)]), b, scaling)
    outp = model.forward(gp, None if user is None else user.reshape(g.n, -1)[perm])
    np.testing.assert_allclose(ref.dense(gp, outp), ref.dense(g, out)[np.ix_(p, p)], **close)
    if model.meta["pattern"] == "A":
        np.testing.assert_allclose(ref.dense(gp, model.factor(gp, outp)), ref.dense(g, model.factor(g, out))[np.ix_(p, p)], **close)

    # zero outside the kept slots
    G = model.factor(g, out)
    assert not out[~g.kept].any() and not G[~g.kept].any()

    # a zero network is the start
    if model.meta["output"] == "residual":
        zero = {n: 0 * t if n.startswith("edge_dec.proj") else t for n, t in model.tensors.items()}
        zero = ref.Model(dict(zero, c=np.ones(2)), model.meta)
        Gs = zero.factor(g, zero.forward(g, user))
        G = ref.dense(g, Gs.transpose(0, 2, 1)).T           # slot (i,j) holds G_ji
        c, At = ref.coupled_rows(g), ref.dense(g, g.At)
        eye = np.diag(c.astype(float))
        start = 1.5 * eye - 0.5 * At
        if model.meta["pattern"] == "lower":
            start = eye - np.triu(At - np.eye(len(At)), 1)
        np.testing.assert_allclose(G, start * c * c[:, None], rtol=0, atol=1e-12)


# ---- main ----------------------------------------------------------------------------------------------

def main():
    os.makedirs(DATA, exist_ok=True)
    for old in os.listdir(DATA):
        os.remove(os.path.join(DATA, old))
    path = lambda name: os.path.join(DATA, name)
    matrices = make_matrices()
    for file, (A, _) in matrices.items():
        ref.write_mat(path(file), A)
    index = []
    for name, file, changes in CASES:
        A, b = ref.read_mat(path(file)), matrices[file][1]
        config = dict(DEFAULT, **changes)
        g = ref.graph(A, b, config["scaling"])
        k = sum(int(f[5:]) for f in config["node_features"].split(",") if f.startswith("user:"))
        user = rng.normal(size=g.n * k) if k else None

        tensors, meta = random_model(config, b)
        out = ref.Model(tensors, meta).forward(g, user)[g.kept]
        tensors["edge_dec.proj.0.weight"] *= np.float32(0.4 / out.std())
        ref.write_safetensors(path(name + ".safetensors"), tensors, meta)
        model = ref.Model(*ref.read_safetensors(path(name + ".safetensors")))
        out = model.forward(g, user)
        check(model, A, user, out)
        gt = model.factor(g, out)
        ref.write_vec(path(name + ".out"), out)
        ref.write_vec(path(name + ".gt"), ref.csr_values(g, gt))
        if user is not None:
            ref.write_vec(path(name + ".user"), user)
        text = f"{name:16} {file} b={b} slots {len(g.i)} kept {g.kept.sum()} out mean {out[g.kept].mean():.2f} std {out[g.kept].std():.2f}"
        if name in LOSS:
            w = rng.normal(size=(PROBES, g.n * b)) * ref.coupled_rows(g)
            loss = ref.sai_loss(gt, g, float(meta["epsilon"]), w)
            ref.write_vec(path(name + ".w"), w)
            ref.write_vec(path(name + ".loss"), loss)
            text += f" loss {loss:.6f}"
        print(text)
        index.append(f"{name}.safetensors {file} {b}\n")
    with open(path("index.txt"), "w") as f:
        f.writelines(index)


if __name__ == "__main__":
    main()
