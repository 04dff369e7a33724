"""Makes the types known to petsc4py's PETSc, whether that is initialised or will be."""
import ctypes
import os
import re
import sys

from ._library import library


def _append(path):
    """PetscInitialize() takes libraries from the option -dll_append, of which the last one counts."""
    if any(c in path for c in ' ,"'):
        raise ImportError(f"gnnspai: PETSc cannot be told of a library whose path has a blank, comma or quote: {path}")
    options = os.environ.get("PETSC_OPTIONS", "")
    others = list(re.finditer(r"-dll_append\s+(\S+)", options))
    if not others:
        options = f"{options} -dll_append {path}".strip()
    elif path not in others[-1][1].split(","):
        options = options[: others[-1].end()] + "," + path + options[others[-1].end() :]
    os.environ["PETSC_OPTIONS"] = options


def _sentence(PETSc, ierr):
    """What the error said, to petsc4py's PETSc, which shows it only where a call of its own fails."""
    said = ctypes.c_char_p()
    ctypes.CDLL(PETSc.__file__).PetscErrorMessage(ierr, None, ctypes.byref(said))
    return (said.value or b"error code %d" % ierr).decode()


def _call(path, PETSc):
    try:
        ierr = ctypes.CDLL(path).PCGNNSPAIRegister()
    except OSError as error:
        version = ".".join(map(str, PETSc.Sys.getVersion()))
        raise ImportError(f"gnnspai: {path} does not load; was it built for another PETSc than petsc4py's, {version}? {error}") from None
    if ierr:
        raise ImportError(f"{path}: {_sentence(PETSc, ierr)}")


def register():
    """Makes the types known; `import gnnspai` has done so already.

    Before petsc4py's PETSc is initialised it is told by PETSC_OPTIONS. Where another -dll_append, on the command line, takes
    the place of that, or after another initialisation, call this again.
    """
    path = library()
    PETSc = sys.modules.get("petsc4py.PETSc")
    if PETSc is not None and PETSc.Sys.isInitialized():
        _call(path, PETSc)
    else:
        _append(path)
