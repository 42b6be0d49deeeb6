"""The kernel tests once more, over kernels built with the address and undefined-behaviour
sanitizers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pybind11
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("sanitizers")]

SANITIZE = [
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=undefined",
    "-fno-omit-frame-pointer",
    "-g1",
]
COMPILE = ["-std=c++17", "-O1", "-fPIC", "-fvisibility=hidden"]

RUN = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("bench.kernels._native", {library!r})
module = importlib.util.module_from_spec(spec)
sys.modules["bench.kernels._native"] = module
spec.loader.exec_module(module)
from bench import kernels
assert kernels.native() is module
{program}
"""


def _runtime(compiler: str, name: str) -> str:
    """Path of a library of the compiler's; skips the test where it has none."""
    path = subprocess.run(
        [compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=True
    ).stdout.strip()
    if not Path(path).is_absolute():
        pytest.skip(f"{compiler} has no {name}")
    return path


def _compile(compiler: str, sources: list[Path], folder: Path) -> list[str]:
    """Compile every source; the headers of pybind11, most of the work, are read once."""
    header = folder / "precompiled.h"
    header.write_text(
        "#include <pybind11/numpy.h>\n#include <pybind11/pybind11.h>\n", encoding="utf-8"
    )
    include = [f"-I{pybind11.get_include()}", f"-I{sysconfig.get_path('include')}"]
    command = [compiler, *SANITIZE, *COMPILE, *include]
    subprocess.run([*command, "-x", "c++-header", str(header), "-o", f"{header}.gch"], check=True)

    def one(source: Path) -> str:
        to = str(folder / f"{source.stem}.o")
        subprocess.run([*command, "-include", str(header), "-c", str(source), "-o", to], check=True)
        return to

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, sources))


@pytest.fixture(scope="module")
def sanitized(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[str, str]]:
    """The sanitized extension and the environment in which Python can load it."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("there is no g++")
    # libstdc++ has to be there before the sanitizer looks for the function that throws.
    preload = " ".join(_runtime(compiler, name) for name in ("libasan.so", "libstdc++.so"))
    folder = tmp_path_factory.mktemp("sanitized")
    objects = _compile(
        compiler, sorted((repository / "bench" / "kernels" / "native").glob("*.cpp")), folder
    )
    library = folder / f"_native{sysconfig.get_config_var('EXT_SUFFIX')}"
    subprocess.run([compiler, *SANITIZE, "-shared", *objects, "-o", str(library)], check=True)
    environment = {
        **os.environ,
        "LD_PRELOAD": preload,
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        # else small buffers lie inside Python's own pools, where no overflow is seen
        "PYTHONMALLOC": "malloc",
        "OPENBLAS_NUM_THREADS": "1",
    }
    return str(library), environment


def run(sanitized: tuple[str, dict[str, str]], program: str) -> subprocess.CompletedProcess[str]:
    """Run a program that sees the sanitized kernels as `bench.kernels._native`."""
    library, environment = sanitized
    text = RUN.format(library=library, program=program)
    return subprocess.run(
        [sys.executable, "-c", text], env=environment, capture_output=True, text=True, check=False
    )


def test_kernels_are_clean(sanitized: tuple[str, dict[str, str]], repository: Path) -> None:
    tests = map(str, sorted((repository / "tests" / "kernels").glob("test_kernels*.py")))
    chosen = "not release and not environment"  # timing, and processes of their own
    arguments = [
        *tests,
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "--hypothesis-profile=few",
        "-k",
        chosen,
        "--rootdir",
        str(repository),
    ]
    done = run(sanitized, f"import pytest; sys.exit(pytest.main({arguments!r}))")
    assert 0 == done.returncode, done.stdout[-4000:] + done.stderr[-4000:]
    assert "Sanitizer" not in done.stderr


def test_an_overflow_is_noticed(sanitized: tuple[str, dict[str, str]]) -> None:
    """An array that lies about its size makes the kernel read past its buffer: the sanitizer must
    stop it.
    """
    program = (
        "import numpy as np\n"
        "from numpy.lib.stride_tricks import as_strided\n"
        "liar = as_strided(np.zeros(5000, np.uint8), (5064,), (1,))\n"
        "module.joint_histogram(liar, liar, 256, 256)"
    )
    done = run(sanitized, program)
    assert 0 != done.returncode
    assert "AddressSanitizer: heap-buffer-overflow" in done.stderr
