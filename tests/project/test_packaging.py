"""Wheel, wheel from the sdist and editable install: each finds the cards, beside a package
`datasets` too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group(
        "packaging"
    ),  # one process: the wheel is built once, which takes minutes
    pytest.mark.skipif(
        find_spec("pip") is None, reason="installs are tried with pip, which is not here"
    ),
]

PROBE = """
import json, sys
from importlib.metadata import version
from importlib.util import find_spec
import bench
from bench import cards, kernels
others = find_spec("datasets")
print(json.dumps({
    "home": bench.__file__,
    "cards": cards.names(),
    "title": cards.load_card("streets").title,
    "versions": [bench.__version__, version("segbench")],
    "kernels": kernels.which(),
    "other": others.loader.get_source("datasets") if others and others.loader else None,
}))
"""

SOURCE = (
    "bench",
    "datasets",
    "pyproject.toml",
    "setup.py",
    "MANIFEST.in",
    "README.md",
    "LICENSE",
    "constraints.txt",
)
NO_COMPILER = {"CC": "false", "CXX": "false"}


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command and return what it printed; a failure shows all of it."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "BENCH_KERNELS")
    }
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def source(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a build reads, without anything that was built in place."""
    folder = tmp_path_factory.mktemp("source")
    for name in SOURCE:
        path = repository / name
        if path.is_dir():
            shutil.copytree(
                path, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
            )
        elif path.exists():
            shutil.copy(path, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the checkout, with the compiler where there is one."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", folder, cwd=source)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def sdist(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source distribution."""
    folder = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "build", "--no-isolation", "--sdist", "--outdir", folder, cwd=source)
    return next(folder.glob("*.tar.gz"))


@dataclass(frozen=True)
class Environment:
    """A bare virtual environment that sees the packages of this one, but not its segbench."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / ("Scripts" if os.name == "nt" else "bin") / "python"

    @property
    def packages(self) -> Path:
        """Where its packages lie."""
        words = (self.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
        return Path(run(*words, cwd=self.folder).strip())

    def install(self, *arguments: str | Path, **environment: str) -> None:
        """Install with pip, from local files only."""
        pip = (sys.executable, "-m", "pip", "--python", self.python, "--disable-pip-version-check")
        options = (
            "--no-deps",
            "--no-index",
            "--no-build-isolation",
            "--ignore-installed",
            "--quiet",
        )
        run(*pip, "install", *options, *arguments, cwd=self.folder, **environment)

    def probe(self) -> dict[str, Any]:
        """What `bench` says of itself there, with the environment's folder as working directory."""
        answer: dict[str, Any] = json.loads(run(self.python, "-c", PROBE, cwd=self.folder))
        return answer

    def add_other_datasets(self) -> None:
        """Install another distribution with a package called `datasets`."""
        package, information = self.packages / "datasets", self.packages / "datasets-9.9.dist-info"
        package.mkdir()
        information.mkdir()
        (package / "__init__.py").write_text("OTHER = True\n")
        (information / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: datasets\nVersion: 9.9\n"
        )
        (information / "RECORD").write_text(
            "datasets/__init__.py,,\ndatasets-9.9.dist-info/METADATA,,\n"
        )


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """A fresh environment; a line in a .pth file lets it see the dependencies that are installed
    here.
    """
    made = Environment(tmp_path / "environment")
    venv.create(made.folder, with_pip=False)
    seen = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (made.packages / "dependencies.pth").write_text("\n".join(seen) + "\n")
    return made


@pytest.mark.parametrize("other_first", [False, True], ids=["alone", "beside-datasets"])
@pytest.mark.parametrize("kind", ["wheel", "sdist", "editable"])
def test_every_install_finds_the_cards(
    kind: str,
    other_first: bool,
    environment: Environment,
    request: pytest.FixtureRequest,
    repository: Path,
) -> None:
    if other_first:
        environment.add_other_datasets()
    if kind == "editable":
        environment.install("--editable", request.getfixturevalue("source"), **NO_COMPILER)
    else:
        environment.install(request.getfixturevalue(kind), **NO_COMPILER)
    found = environment.probe()
    home = request.getfixturevalue("source") if kind == "editable" else environment.folder
    assert Path(found["home"]).is_relative_to(home.resolve())
    assert sorted(path.stem for path in (repository / "datasets").glob("*.toml")) == found["cards"]
    assert (
        tomllib.loads((repository / "datasets" / "streets.toml").read_text("utf-8"))["title"]
        == found["title"]
    )
    assert found["versions"][0] == found["versions"][1]
    assert ("OTHER = True\n" if other_first else None) == found["other"]


def test_an_install_without_a_compiler_works(environment: Environment, sdist: Path) -> None:
    environment.install(sdist, **NO_COMPILER)
    assert "reference" == environment.probe()["kernels"]


@pytest.mark.skipif(shutil.which("c++") is None, reason="there is no compiler")
def test_an_install_with_a_compiler_is_native(environment: Environment, wheel: Path) -> None:
    environment.install(wheel)
    assert "native" == environment.probe()["kernels"]


def test_the_command_is_installed(environment: Environment, wheel: Path) -> None:
    environment.install(wheel)
    said = run(environment.python.with_name("bench"), "--version", cwd=environment.folder)
    assert environment.probe()["versions"][0] in said


def test_wheel_holds_bench_and_nothing_else(wheel: Path, source: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {"bench"} == {name for name in tops if not name.endswith(".dist-info")}
    assert [] == [name for name in names if name.endswith((".cpp", ".h", "README.md"))]
    assert {"bench/py.typed", "bench/kernels/_native.pyi"} <= set(names)
    assert files(source, "bench", "*.py") == {name for name in names if name.endswith(".py")}
    cards = {f"bench/{name}" for name in files(source, "datasets", "*.toml")}
    assert cards == {name for name in names if name.endswith(".toml")}


def test_wheel_holds_the_reference_checkpoints(wheel: Path, source: Path) -> None:
    checkpoints = files(source, "bench/checkpoints", "*.safetensors") | files(
        source, "bench/checkpoints", "*.json"
    )
    assert checkpoints <= set(zipfile.ZipFile(wheel).namelist())


def test_sdist_holds_what_a_build_needs(sdist: Path, source: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert files(source, "bench/kernels/native", "*.*") <= names
    assert files(source, "datasets", "*.toml") | {"setup.py", "pyproject.toml", "LICENSE"} <= names


def files(source: Path, folder: str, pattern: str) -> set[str]:
    """Files below a folder of what was built, relative to its root, without what the build itself
    left there.
    """
    return {path.relative_to(source).as_posix() for path in (source / folder).rglob(pattern)}
