"""What pyproject.toml cannot say: the optional native kernels, and the packages: as found, and `datasets/`."""

from pathlib import Path

from pybind11.setup_helpers import Pybind11Extension
from setuptools import find_packages, setup

NATIVE = Path("bench", "kernels", "native")

kernels = Pybind11Extension(
    "bench.kernels._native",
    sources=sorted(str(path) for path in NATIVE.glob("*.cpp")),
    depends=sorted(str(path) for path in NATIVE.glob("*.h")),
    cxx_std=17,
    extra_compile_args=["-O3", "-Wall", "-Wextra"],
    optional=True,
)

setup(
    packages=[*find_packages(include=["bench", "bench.*"]), "bench.datasets"],
    ext_modules=[kernels],
)
