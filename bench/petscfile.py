"""Matrices in PETSc's binary format with 32-bit integers."""
import os

import numpy as np
import scipy.sparse as sp

MAT_FILE_CLASSID = 1211216


class NotAMatrix(Exception):
    """What the file is instead"""


def read_petsc(path):
    """The first matrix of a binary file with 32-bit integers, of double or single precision"""
    with open(path, "rb") as f:
        words = f.read()
    head = np.frombuffer(words, ">i4", 4)
    if head[0] != MAT_FILE_CLASSID or head[3] < 0:
        raise NotAMatrix("no sparse matrix in 32-bit PETSc format")
    rows, cols, nnz = (int(k) for k in head[1:])
    count = np.frombuffer(words, ">i4", rows, 16)
    indices = np.frombuffer(words, ">i4", nnz, 16 + 4 * rows)
    data = np.frombuffer(words, ">f8", nnz, 16 + 4 * (rows + nnz))
    return sp.csr_matrix((data.astype(float), indices.astype(np.int32), np.concatenate([[0], np.cumsum(count)])), shape=(rows, cols))


def write_petsc(path, A):
    """PETSc's binary format with 32-bit integers, written aside and then renamed"""
    A = A.tocsr()
    A.sort_indices()
    with open(path + ".part", "wb") as f:
        np.array([MAT_FILE_CLASSID, *A.shape, A.nnz], ">i4").tofile(f)
        np.diff(A.indptr).astype(">i4").tofile(f)
        A.indices.astype(">i4").tofile(f)
        A.data.astype(">f8").tofile(f)
    os.replace(path + ".part", path)
