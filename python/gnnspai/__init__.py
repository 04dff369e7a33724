"""gnnspai from petsc4py: the PETSc preconditioner type `gnnspai`, the KSP type `cggraph`, and models of your own.

    import gnnspai                   # before or after PETSc is initialised
    from petsc4py import PETSc
    ...
    ksp.pc.setType("gnnspai")

    model = gnnspai.train([A1, A2], train_steps=500)
    PETSc.Options()["pc_gnnspai_model"] = model
"""
import ctypes

from ._library import library
from ._register import register
from ._train import train

__all__ = ["library", "models", "register", "train"]


def _symbol(name):
    """The address of data that the library exports."""
    return ctypes.addressof(ctypes.c_char.in_dll(ctypes.CDLL(library()), name))


def models():
    """The names of the built-in models, for -pc_gnnspai_model, and for train(..., train_init=NAME)."""
    names = ctypes.cast(_symbol("PCGNNSPAIModels"), ctypes.POINTER(ctypes.c_char_p))
    found = []
    while names[len(found)] is not None:
        found.append(names[len(found)])
    return [name.decode() for name in found]


def __getattr__(name):
    if name == "__version__":
        return ctypes.string_at(_symbol("PCGNNSPAIVersion")).decode()
    raise AttributeError(f"module 'gnnspai' has no attribute '{name}'")


register()
