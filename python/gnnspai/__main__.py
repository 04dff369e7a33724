"""python -m gnnspai: the options by which any program with PETSc gets the types."""
from ._library import library

print("-dll_append", library())
