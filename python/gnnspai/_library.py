"""Where the library and its programs are."""
import os
import pathlib
import shutil
import subprocess
import sys

NAME = "libgnnspai.so"  # PETSc derives the name of the function to call from it


def _pkg_config():
    try:
        answer = subprocess.run(["pkg-config", "--variable=libdir", "gnnspai"], capture_output=True, text=True)
    except OSError:
        return []
    return [pathlib.Path(answer.stdout.strip(), NAME)] if answer.returncode == 0 else []


def _places():
    """Inside this package (a wheel), where `make install-python` said, in the source tree, where pkg-config says."""
    here = pathlib.Path(__file__).resolve().parent
    yield here / "lib" / NAME
    if (here / "library.txt").is_file():
        yield pathlib.Path((here / "library.txt").read_text().strip())
    if (here.parents[1] / "pcgnnspai.h").is_file():
        yield here.parents[1] / "lib" / NAME
    yield from _pkg_config()


def library():
    """The path of libgnnspai.so: that in the environment variable GNNSPAI_LIBRARY, else the one that this package came with.

    For programs in other languages: PETSC_OPTIONS="-dll_append PATH"; `python -m gnnspai` prints these two words.
    """
    named = os.environ.get("GNNSPAI_LIBRARY")
    tried = [pathlib.Path(named)] if named else list(_places())
    if named and tried[0].name != NAME:
        raise ImportError(f"gnnspai: GNNSPAI_LIBRARY is {named}, expected the path of a {NAME}")
    for path in tried:
        if path.is_file():
            return str(path.absolute())
    raise ImportError(f"gnnspai: there is no {' and no '.join(map(str, tried)) or NAME}: build it (make lib), or name it by the environment variable GNNSPAI_LIBRARY")


def program(name):
    """The path of gnnspai-train or gnnspai-data: beside the library's folder, else in PATH."""
    beside = pathlib.Path(library()).parents[1] / "bin" / name
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"gnnspai: there is no {beside}, and no {name} in PATH")
    return found


def _execute(name):
    path = program(name)
    os.execv(path, [path, *sys.argv[1:]])


def run_train():
    _execute("gnnspai-train")


def run_data():
    _execute("gnnspai-data")
