"""PETSc's binary files with 32-bit integers and double precision, read and written by PETSc's own PetscBinaryIO.py.

It lies beside this file (in the archive for a GPU), below PETSC_DIR, or where Debian puts it.
"""
import glob
import os
import sys

import numpy as np

sys.path += [os.path.join(os.environ.get("PETSC_DIR", "-"), "lib/petsc/bin"), *sorted(glob.glob("/usr/share/petsc/*/lib/petsc/bin"))]
try:
    import PetscBinaryIO
except ModuleNotFoundError as why:
    sys.exit(f"{why}: it is PETSc's, in lib/petsc/bin; set PETSC_DIR")

FORMAT = PetscBinaryIO.PetscBinaryIO(precision="double", indices="32bit", complexscalars=False)


class NotAMatrix(Exception):
    """What the file is instead"""


def read_first(path):
    """((rows, columns), (offsets, indices, values)) of a matrix, values of a vector"""
    with open(path, "rb") as f:
        try:
            kind = FORMAT.readObjectType(f)
            return FORMAT.readMatSparse(f) if kind == "Mat" else FORMAT.readVec(f)
        except (OSError, ValueError, PetscBinaryIO.DoneWithFile) as why:
            raise NotAMatrix(f"{path}: no sparse matrix or vector in 32-bit PETSc format ({why})")


def read_rows(path):
    """Row offsets, columns, values"""
    offsets, columns, values = read_first(path)[1]
    return offsets.astype(np.int64), columns.astype(np.int64), values.astype(float)


def read_vector(path):
    return read_first(path).astype(float)


def read_petsc(path):
    """The first matrix, for scipy"""
    import scipy.sparse as sp  # train_torch.py does without

    shape, (offsets, columns, values) = read_first(path)
    return sp.csr_matrix((values.astype(float), columns.astype(np.int32), offsets.astype(np.int32)), shape=shape)


def write_petsc(path, A):
    """A of scipy's; written aside and then renamed"""
    A = A.tocsr()
    A.sort_indices()
    with open(path + ".part", "wb") as f:
        FORMAT.writeMatSparse(f, (A.shape, (A.indptr, A.indices, A.data)))
    os.replace(path + ".part", path)
