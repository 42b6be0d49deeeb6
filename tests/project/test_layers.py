"""The floors of docs/architecture.md: a module imports only from lower floors or from its own room."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FLOORS = {
    "errors": 0,
    "notices": 0,
    "plain_json": 0,
    "json_errors": 1,
    "plugins": 1,
    "version": 0,
    "files": 0,
    "toml_files": 1,
    "argument_names": 1,
    "classes": 1,
    "samples": 1,
    "resample": 1,
    "kernels": 1,
    "prefetch": 2,
    "masks": 2,
    "images": 2,
    "cards": 2,
    "inputs": 2,
    "metrics": 3,
    "formats": 3,
    "models": 3,
    "prompting": 3,
    "runs": 3,
    "streets": 4,
    "families": 4,
    "baselines": 4,
    "scoring": 4,
    "comparison": 4,
    "prepare": 5,
    "opening": 5,
    "evaluation": 5,
    "gate": 6,
    "boards": 6,
    "api": 7,
    "render": 7,
    "cli": 8,
}

NEIGHBOURS = {
    ("classes", "kernels"),
    ("inputs", "masks"),
    ("scoring", "families"),
    ("comparison", "families"),
    ("comparison", "scoring"),
}
"""The only imports along a floor; docs/architecture.md gives the reasons."""

SECRETS = {
    "metrics": {"formats", "models", "resample", "runs"},
    "formats": {"models", "metrics"},
    "models": {"metrics", "formats"},
    "streets": {"metrics"},
    "baselines": {"models"},
    "prompting": {"models"},
    "comparison": {"models", "images"},
    "prepare": {"metrics"},
}
"""Rooms that a room must not import, although they are on a lower floor or on the same one."""


def room_of(module: str) -> str:
    """The room of a dotted module name: `bench.metrics.semantic` is in `metrics`; "" is the door and `__main__`."""
    parts = module.split(".")
    name = parts[1] if len(parts) > 1 else ""
    return "" if name.startswith("__") else name


def imports_of(source: str, package: str) -> Iterator[str]:
    """Every module of `bench` that a source text imports, at its top or inside functions, as dotted names."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "bench")
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            base = parents[: len(parents) - node.level + 1] if node.level else []
            target = ".".join([*base, *([node.module] if node.module else [])])
            if target == "bench":
                yield from (f"bench.{alias.name}" for alias in node.names)
            elif target.startswith("bench."):
                yield target


def breaches(source: str, module: str, package: str) -> list[str]:
    """The imports of a module that the floors forbid, one sentence each."""
    room = room_of(module)
    found = []
    for target in imports_of(source, package):
        other = room_of(target)
        if other == room or (room, other) in NEIGHBOURS:
            continue
        if other == "":
            if room != "cli":
                found.append(f"{module} imports {target}, the door, which only cli and __main__ may import")
        elif other not in FLOORS:
            found.append(f"{module} imports {target}, a room without a floor")
        elif FLOORS[other] >= FLOORS[room]:
            found.append(f"{module} (floor {FLOORS[room]}) imports {target} (floor {FLOORS[other]})")
        elif other in SECRETS.get(room, ()):
            found.append(f"{module} imports {target}, which it must not know")
    return found


def modules() -> list[tuple[str, Path]]:
    """Dotted name and file of every module of the package, without the door."""
    found = []
    for path in sorted((ROOT / "bench").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if room_of(name):
            found.append((name, path))
    return found


@pytest.mark.parametrize(("module", "path"), modules(), ids=lambda value: value if isinstance(value, str) else "")
def test_module_imports_only_from_lower_floors(module: str, path: Path) -> None:
    assert room_of(module) in FLOORS, f"{module} has no floor: docs/architecture.md lists the rooms"
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    assert [] == breaches(path.read_text(encoding="utf-8"), module, package)


@pytest.mark.parametrize(
    ("module", "source", "forbidden"),
    [
        ("bench.errors", "from bench import samples", 1),
        ("bench.metrics.semantic", "import bench.models.deeplab", 1),
        ("bench.metrics.semantic", "def f():\n    from bench.resample import draw", 1),
        ("bench.metrics.semantic", "from . import regions\nfrom ..kernels import unfilter", 0),
        ("bench.metrics.semantic", "from ..cli import main", 1),
        ("bench.comparison", "from bench.images import read", 1),
        ("bench.runs", "import numpy\nfrom bench.version import __version__", 0),
        ("bench.runs", "from bench import __version__", 1),
        ("bench.metrics.edges", "def f():\n    import bench", 1),
        ("bench.metrics.edges", "def f():\n    import bench as door", 1),
        ("bench.metrics.edges", "def f():\n    from .. import evaluate", 1),
        ("bench.cli.console", "def f():\n    import bench", 0),
        ("bench.runs", "from bench.attic import old", 1),
    ],
)
def test_breaches_are_found(module: str, source: str, forbidden: int) -> None:
    assert forbidden == len(breaches(source, module, module.rpartition(".")[0]))


def test_content_folders_are_no_packages() -> None:
    assert [] == [path for name in ("datasets", "leaderboards") for path in (ROOT / name).rglob("*.py")]
