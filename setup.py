"""What pyproject.toml cannot say: the optional native kernels, and the packages: as found, and
`datasets/`.
"""

from pathlib import Path

from pybind11.setup_helpers import ParallelCompile, Pybind11Extension
from setuptools import find_packages, setup

NATIVE = Path("bench", "kernels", "native")

# Reading pybind11's headers is most of the work, once a source: two at a time halve the wait.
ParallelCompile("BENCH_BUILD_JOBS", default=2).install()

kernels = Pybind11Extension(
    "bench.kernels._native",
    sources=sorted(str(path) for path in NATIVE.glob("*.cpp")),
    depends=sorted(str(path) for path in NATIVE.glob("*.h")),
    cxx_std=17,
    # Products and sums are rounded one by one, as in NumPy, also where a processor could do both at
    # once.
    extra_compile_args=["-O3", "-ffp-contract=off", "-Wall", "-Wextra"],
    optional=True,
)

setup(
    packages=[*find_packages(include=["bench", "bench.*"]), "bench.datasets"],
    ext_modules=[kernels],
)
