"""Fixtures for every test: real data beside the checkout, and both implementations of the kernels.

Tests import shared code plainly: `import small_runs` from `tests/support`,
`from oracles import panoptic` from `tests/oracles`. `pyproject.toml` puts both on the path.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).parents[1]

# Tests run side by side, and the threads of several torches would wait for each other; processes
# they start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Reports fit the terminal, and expected ones are written for this width.
os.environ["COLUMNS"] = "100"

# Shared CI machines stall: a slow example is no defect. Same examples every time: a failure must be
# repeatable.
settings.register_profile(
    "bench", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "few", settings.get_profile("bench"), max_examples=25
)  # where each example is slow
settings.load_profile("bench")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what is fast first."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


@pytest.fixture(autouse=True)
def _import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Own code adds its folder to `sys.path`: the next test must not import from there."""
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """A function from the name of a real data set to its folder; skips the test if it is absent."""

    def folder(name: str) -> Path:
        path = REPOSITORY.parent / "shared" / "data" / name
        if not path.exists():
            pytest.skip(f"real data {name!r} is not at hand")
        return path

    return folder


@pytest.fixture
def bench(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the command line in this process; returns exit code, standard output, standard error."""
    from bench import cli

    def run(*words: str | Path) -> tuple[int, str, str]:
        code = cli.main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture(params=["native", "reference"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test with the native and the reference kernels, which read files in different ways."""
    from bench import kernels
    from bench.kernels import reference

    form: str = request.param
    chosen = kernels.native() if form == "native" else reference
    if chosen is None:
        pytest.skip("the native kernels were not built")
    monkeypatch.setattr(kernels, "unfilter", chosen.unfilter)
    monkeypatch.setattr(kernels, "which", lambda: form)
    return form
