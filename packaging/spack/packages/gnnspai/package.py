# SPDX-License-Identifier: BSD-2-Clause
import os

from spack.package import *

try:  # Spack >= 1.0
    from spack_repo.builtin.build_systems.cuda import CudaPackage
    from spack_repo.builtin.build_systems.makefile import MakefilePackage
except ImportError:
    pass


class Gnnspai(MakefilePackage, CudaPackage):
    """A learned preconditioner for PETSc, -pc_type gnnspai: a sparse approximate inverse whose entries a graph neural network writes,
    or a classical factor, and a coarse space, for symmetric positive definite matrices."""

    homepage = "https://arxiv.org/abs/2510.27517"
    manual_download = True  # the archive of `make dist`, in the working directory
    url = "file:///gnnspai-0.1.0.tar.xz"

    license("BSD-2-Clause")

    version("0.1.0")

    variant("python", default=False, description="import gnnspai, with petsc4py")

    depends_on("c", type="build")
    depends_on("cxx", type="build", when="+cuda")
    depends_on("gmake", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("jansson")
    depends_on("lapack")
    depends_on("mpi")
    depends_on("petsc@3.18: +mpi+shared+double~complex")
    depends_on("petsc@3.23: +cuda", when="+cuda")
    depends_on("petsc ~cuda", when="~cuda")
    extends("python", when="+python")
    depends_on("py-petsc4py", type=("build", "run"), when="+python")

    def url_for_version(self, version):
        return f"file://{join_path(os.getcwd(), f'gnnspai-{version}.tar.xz')}"

    def make_arguments(self):
        spec = self.spec
        arguments = [
            f"PETSC_DIR={spec['petsc'].prefix}",
            "PETSC_ARCH=",
            f"CC={spec['mpi'].mpicc}",
            "OPTFLAGS=-O3",  # Spack's wrappers name the processor
            f"prefix={self.prefix}",
        ]
        if "+python" in spec:
            arguments += [f"python={python.path}", f"python_site={python_platlib}"]
        if "+cuda" not in spec:
            return arguments + ["cuda="]
        flags = CudaPackage.cuda_flags(spec.variants["cuda_arch"].value)
        return arguments + [f"NVCC={spec['cuda'].prefix.bin.nvcc}", f"NVCCFLAGS=-O3 {' '.join(flags)}"]

    def build(self, spec, prefix):
        make(*self.make_arguments(), "lib", "bin/gnnspai-data", "bin/gnnspai-train", "man")

    def install(self, spec, prefix):
        make(*self.make_arguments(), "install-python" if "+python" in spec else "install")

    def setup_run_environment(self, env):
        env.set("GNNSPAI_LIBRARY", join_path(self.prefix.lib, "libgnnspai.so"))
