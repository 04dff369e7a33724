"""The wheel: what `make` builds, inside the package, for the PETSc at hand.

That is the one in PETSC_DIR (and PETSC_ARCH), else PyPI's package petsc where it is installed, else pkg-config's; where there is none, PyPI's
package is built first, as petsc4py does it. With PyPI's the library looks for PETSc beside its own package, and the wheel requires
the same version of petsc and petsc4py. OPTFLAGS as for make, but the default also serves older processors.
"""
import os
import pathlib
import platform
import shutil
import subprocess
import sysconfig

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = ("lib/libgnnspai.so", "bin/gnnspai-train", "bin/gnnspai-data")
SOURCES = ("makefile", "pcgnnspai.c", "pcgnnspai.h", "gnn", "kernels", "train", "bench", "tests", "packaging", "share")


def pypi_petsc():
    """The folder of PyPI's package petsc, in the interpreter's own packages or, in a build of its own, among those put there for it."""
    try:
        import petsc

        return pathlib.Path(petsc.__file__).parent
    except ImportError:
        there = pathlib.Path(sysconfig.get_path("purelib"), "petsc")
        return there if (there / "lib" / "libpetsc.so").exists() else None


def pkg_config(*words, folder=None):
    path = {"PKG_CONFIG_PATH": f"{folder}:{os.environ.get('PKG_CONFIG_PATH', '')}"} if folder else {}
    answer = subprocess.run(["pkg-config", *words], env={**os.environ, **path}, capture_output=True, text=True)
    return answer.stdout.strip() if answer.returncode == 0 else None


def petsc_dir():
    """PETSC_DIR for make, None for pkg-config's; and whether it is PyPI's package."""
    pypi = pypi_petsc()
    named = os.environ.get("PETSC_DIR")
    if named:
        return named, pypi is not None and pypi.resolve() == pathlib.Path(named).resolve()
    return (str(pypi), True) if pypi else (None, False)


def make_arguments(directory, is_pypi):
    portable = "-O3 -march=x86-64-v2" if platform.machine() == "x86_64" else "-O3"
    arguments = ["OPTFLAGS=" + os.environ.get("OPTFLAGS", portable)]
    if directory:
        arguments += ["PETSC_DIR=" + directory, "PETSC_ARCH=" + ("" if is_pypi else os.environ.get("PETSC_ARCH", ""))]
    if is_pypi:
        arguments += [r"rpath=-Wl,-rpath,\$$ORIGIN/../../petsc/lib"]
    return arguments


class BuildHook(BuildHookInterface):
    def dependencies(self):
        return [] if petsc_dir()[0] or pkg_config("--exists", "PETSc") is not None else ["petsc"]

    def build(self):
        """In a copy: the user's own build keeps its flags."""
        tree = pathlib.Path(self.root, "build", "trees", "wheel")
        tree.mkdir(parents=True, exist_ok=True)
        for name in SOURCES:
            source = pathlib.Path(self.root, name)
            if source.is_dir():
                shutil.rmtree(tree / name, ignore_errors=True)
                shutil.copytree(source, tree / name)
            else:
                shutil.copy2(source, tree / name)
        directory, is_pypi = petsc_dir()
        subprocess.run(["make", f"-j{os.cpu_count()}", *make_arguments(directory, is_pypi), *BUILT], cwd=tree, check=True)
        return tree, directory if is_pypi else None

    def initialize(self, version, build_data):
        if version == "editable":
            raise RuntimeError("gnnspai: to use a source tree in place: make lib programs, and its folder python in PYTHONPATH")
        if pkg_config("--exists", "jansson") is None:
            raise RuntimeError("gnnspai needs jansson and pkg-config (on Debian: apt-get install libjansson-dev pkg-config)")
        tree, pypi = self.build()
        for name in BUILT:
            build_data["force_include"][str(tree / name)] = "gnnspai/" + name
        build_data["pure_python"] = False
        build_data["tag"] = "py3-none-" + sysconfig.get_platform().replace("-", "_").replace(".", "_")
        if pypi:
            minor = ".".join(pkg_config("--modversion", "PETSc", folder=pathlib.Path(pypi, "lib", "pkgconfig")).split(".")[:2])
            build_data["dependencies"] = [f"petsc=={minor}.*", f"petsc4py=={minor}.*"]
