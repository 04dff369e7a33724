"""gnnspai-train, with matrices that are in memory."""
import glob
import os
import pathlib
import shlex
import subprocess
import tempfile

from ._library import program

# What a launcher tells its processes; a program that is started by one of them would take it for its own
LAUNCHERS = ("OMPI_COMM", "OMPI_UNIVERSE_", "OMPI_APP_", "OMPI_FILE_", "OMPI_MCA_ess", "OMPI_MCA_orte_", "OMPI_MCA_pmix", "PMIX_", "PMI_", "PRTE_", "HYDRA_")


def _petsc_mat(matrix):
    """A scipy sparse matrix, whose blocks are kept, as a Mat."""
    from petsc4py import PETSc

    csr = matrix.tocsr()
    csr.sort_indices()
    arrays = csr.indptr.astype(PETSc.IntType), csr.indices.astype(PETSc.IntType), csr.data.astype(PETSc.ScalarType)
    mat = PETSc.Mat().createAIJ(csr.shape, csr=arrays, comm=PETSc.COMM_SELF)
    if getattr(matrix, "format", None) == "bsr":
        mat.setBlockSizes(*matrix.blocksize)
    return mat


def _write(matrix, file):
    """A Mat or scipy's matrix in PETSc's binary format, its block size beside it; of a file that is there, and what is beside it, the names."""
    if isinstance(matrix, (str, os.PathLike)):
        there = os.path.abspath(matrix)
        if not os.path.isfile(there):
            raise FileNotFoundError(f"gnnspai.train: there is no matrix {there}")
        for end in ("", ".info", ".features", ".features.info"):
            if os.path.exists(there + end):
                os.symlink(there + end, file + end)
        return
    from petsc4py import PETSc

    mat = matrix if isinstance(matrix, PETSc.Mat) else _petsc_mat(matrix)
    if mat.comm.size > 1:
        raise ValueError("gnnspai.train: a matrix of several processes: write it by -ksp_view_mat binary:A.dat, and train on the file with one")
    viewer = PETSc.Viewer().createBinary(file, "w", comm=mat.comm)
    mat.view(viewer)
    viewer.destroy()


def _several(matrices):
    if isinstance(matrices, (str, os.PathLike)):
        return sorted(glob.glob(os.fspath(matrices))) or [matrices]
    several = [matrices] if hasattr(matrices, "tocsr") or hasattr(matrices, "getValuesCSR") else list(matrices)
    for matrix in several:
        if not (isinstance(matrix, (str, os.PathLike)) or hasattr(matrix, "tocsr") or hasattr(matrix, "getValuesCSR")):
            raise TypeError(f"gnnspai.train: a matrix is a petsc4py Mat, a scipy sparse matrix or a file's name, not {type(matrix).__name__}")
    if not several:
        raise ValueError("gnnspai.train: no matrices")
    return several


def _write_all(matrices, folder, name):
    """Returns the pattern that names the files."""
    for k, matrix in enumerate(_several(matrices)):
        _write(matrix, os.path.join(folder, f"{name}{k:06d}.dat"))
    return os.path.join(folder, name + "*.dat")


def _words(options):
    for key, value in options.items():
        if value is True or value is False:
            yield from (f"-{key}", str(value).lower())
        elif isinstance(value, (list, tuple)):
            yield from (f"-{key}", ",".join(map(str, value)))
        else:
            yield from (f"-{key}", str(value))


def _run(command):
    environment = {key: value for key, value in os.environ.items() if key != "PETSC_OPTIONS" and not key.startswith(LAUNCHERS)}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        said = done.stderr.split("[0]PETSC ERROR: See https:")[0]  # without how PETSc was configured
        raise RuntimeError(f"{os.path.basename(command[0])} failed with status {done.returncode}:\n{said}")


def train(matrices, output="mine.safetensors", validation=None, launcher=(), **options):
    """Trains a model on matrices with the program gnnspai-train, and returns the path of its file, for -pc_gnnspai_model.

    matrices, validation: petsc4py's Mats, scipy's sparse matrices, names of PETSc's binary files; several or one, or a pattern of names
    launcher:             for several processes, "mpiexec -n 2"
    output:               is written anew where it is there; in a program of several processes one of them calls this
    options:              the program's, by their names without the dash: train_steps=500, train_init="general", gnn_width=8
    """
    output = pathlib.Path(output).absolute()
    with tempfile.TemporaryDirectory(prefix="gnnspai-") as folder:
        files = ["-train_matrices", _write_all(matrices, folder, "A")]
        if validation is not None:
            files += ["-train_validation", _write_all(validation, folder, "V")]
        options = {"train_note": "matrices from Python", **options}
        _run([*(shlex.split(launcher) if isinstance(launcher, str) else launcher), program("gnnspai-train"), *files, "-train_output", str(output), *_words(options)])
    return str(output)
