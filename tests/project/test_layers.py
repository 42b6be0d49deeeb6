"""The floors of docs/architecture.md: a module imports only from lower floors or from its own
room.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
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

METRICS_ALLOWED = {
    # The type of the setting that says over which classes means run; it is a literal of two words.
    ("bench.boards.board_file", "bench.metrics.semantic"),
    # Replacing scores by ranks once makes the resamples of every family cheaper.
    ("bench.comparison.contrasts", "bench.metrics.ranking"),
    # `--regions` and `--crops` are parsed before a family is chosen.
    ("bench.evaluation.region_options", "bench.metrics.regions"),
    ("bench.evaluation.fitting", "bench.metrics.regions"),
    ("bench.evaluation.settings", "bench.metrics.regions"),
    # `--iou-thresholds`, `--sizes` and `--max-detections` start from the defaults of COCO's
    # protocol.
    ("bench.evaluation.object_settings", "bench.metrics.protocols"),
    # The names of the checks of objects that the tables of counts hold.
    ("bench.scoring.object_notices", "bench.metrics.object_checks"),
}
"""The only modules outside of `families` that import a metric, with the module that they import."""

AMBIGUOUS = {"instance", "panoptic", "prompted", "boxes", "boundary", "pixels", "calibration"}
"""Names of families that are words of other things too: tasks, prompts, keys of cards, tables and
units.

They count as names of families only where the code beside them speaks of families or metrics.
"""

FAMILY_NAMES_ALLOWED = {
    # Guesses, before anything else is imported, whether the masks of a file will be needed.
    ("bench.cli.startup", "boxes"),
    # The layout `lvis` of a card, whose ground truth is partial.
    ("bench.evaluation.choosing", "lvis"),
    # The prefix of tables of counts whose left-out detections are not counted.
    ("bench.scoring.object_notices", "lvis"),
}
"""The only modules outside of `families` that look for a family by its name, with the name."""


def room_of(module: str) -> str:
    """The room of a dotted module name: `bench.metrics.semantic` is in `metrics`; "" is the door
    and `__main__`.
    """
    parts = module.split(".")
    name = parts[1] if len(parts) > 1 else ""
    return "" if name.startswith("__") else name


def imports_of(source: str, package: str) -> Iterator[str]:
    """Every module of `bench` that a source text imports, at its top or inside functions, as dotted
    names.
    """
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
                found.append(
                    f"{module} imports {target}, the door, which only cli and __main__ may import"
                )
        elif other not in FLOORS:
            found.append(f"{module} imports {target}, a room without a floor")
        elif FLOORS[other] >= FLOORS[room]:
            found.append(
                f"{module} (floor {FLOORS[room]}) imports {target} (floor {FLOORS[other]})"
            )
        elif other in SECRETS.get(room, ()):
            found.append(f"{module} imports {target}, which it must not know")
    return found


def metric_imports(source: str, module: str, package: str) -> list[str]:
    """The imports of metrics by a module that must ask a family instead, one sentence each."""
    if room_of(module) in ("families", "metrics"):
        return []
    imported = (target for target in imports_of(source, package) if room_of(target) == "metrics")
    return [
        f"{module} imports {target}, which only families may import"
        for target in imported
        if (module, target) not in METRICS_ALLOWED
    ]


@cache
def family_names() -> set[str]:
    """The names of the shipped families: those of their files."""
    return {path.stem for path in (ROOT / "bench" / "families").glob("*.py")} - {"__init__"}


def strings_of(node: ast.AST) -> list[str]:
    """The string that a node is, or the strings in the tuple, list or set that it is."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return [text for element in node.elts for text in strings_of(element)]
    return []


def lookups_of(source: str) -> Iterator[tuple[str, str]]:
    """Strings that a source text compares with, indexes by or has as keys, each with what is beside
    it.
    """
    for node in ast.walk(ast.parse(source)):
        beside: list[ast.AST]
        if isinstance(node, ast.Compare):
            beside = [node.left, *node.comparators]
        elif isinstance(node, ast.Subscript):
            beside = [node.value, node.slice]
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute | ast.Name)
            and node.args
        ):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            beside = (
                [node.func, node.args[0]]
                if name in ("get", "pop", "setdefault", "family", "startswith")
                else []
            )
        elif isinstance(node, ast.MatchValue):
            beside = [node.value]
        elif isinstance(node, ast.Dict):
            beside = [key for key in node.keys if key is not None]
        else:
            continue
        context = " ".join(ast.unparse(part) for part in beside if not strings_of(part))
        yield from ((text, context) for part in beside for text in strings_of(part))


def named_families(source: str, module: str) -> list[str]:
    """Where a module looks for a family by its name instead of asking it, one sentence each."""
    if room_of(module) in ("families", "metrics"):
        return []
    breached = []
    for text, context in lookups_of(source):
        if text not in family_names() or (module, text) in FAMILY_NAMES_ALLOWED:
            continue
        about_families = re.search(r"famil|metric|\bkey\b", context)
        if text not in AMBIGUOUS or about_families:
            breached.append(
                f"{module} looks for the family {text!r} by its name ({context or 'a table'})"
            )
    return breached


def modules() -> list[tuple[str, Path]]:
    """Dotted name and file of every module of the package, without the door."""
    found = []
    for path in sorted((ROOT / "bench").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if room_of(name):
            found.append((name, path))
    return found


@pytest.mark.parametrize(
    ("module", "path"), modules(), ids=lambda value: value if isinstance(value, str) else ""
)
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


@pytest.mark.parametrize(
    ("module", "path"), modules(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_only_families_know_metrics_and_no_module_names_a_family(module: str, path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    assert [] == metric_imports(source, module, package)
    assert [] == named_families(source, module)


@pytest.mark.parametrize(
    ("module", "source", "forbidden"),
    [
        ("bench.render.terminal", "from bench.metrics import semantic", 1),
        ("bench.render.terminal", "def f():\n    from bench.metrics.pixels import count", 1),
        ("bench.render.terminal", "from ..metrics import pixels", 1),
        ("bench.render.terminal", "from bench import metrics", 1),
        ("bench.families.pixels", "from bench.metrics import pixels", 0),
        ("bench.families.shared.objects", "from bench import metrics", 0),
        ("bench.metrics.semantic", "from bench.metrics.pixels import count", 0),
        ("bench.comparison.contrasts", "from bench.metrics.ranking import as_ranks", 0),
        ("bench.comparison.contrasts", "from bench.metrics.semantic import score", 1),
    ],
)
def test_imports_of_metrics_are_found(module: str, source: str, forbidden: int) -> None:
    assert forbidden == len(metric_imports(source, module, module.rpartition(".")[0]))


@pytest.mark.parametrize(
    ("module", "source", "forbidden"),
    [
        ("bench.comparison", "if name == 'tide':\n    pass", 1),
        ("bench.comparison", "found = name in ('lvis', 'lvis_boxes')", 2),
        ("bench.comparison", "found = 'tide' in rules.families", 1),
        ("bench.comparison", "PREFIXES = {'voc_instance': 'voc_'}", 1),
        ("bench.comparison", "prefix = PREFIXES['tide']", 1),
        ("bench.comparison", "prefix = PREFIXES.get('weighted', '')", 1),
        ("bench.comparison", "lead = family('pixels').leading", 1),
        ("bench.comparison", "match key:\n    case 'tide':\n        pass", 1),
        ("bench.comparison", "found = task == 'instance'", 0),
        ("bench.comparison", "found = family.key == 'instance'", 1),
        ("bench.comparison", "found = 'boxes' in rules.families", 1),
        ("bench.cli.startup", "masks = metrics != 'boxes'", 0),
        ("bench.cli.eval", "masks = metrics != 'boxes'", 1),
        ("bench.families.lvis", "found = name == 'lvis'", 0),
        ("bench.comparison", "text = 'the metrics of tide'", 0),
    ],
)
def test_names_of_families_are_found(module: str, source: str, forbidden: int) -> None:
    assert forbidden == len(named_families(source, module))


@pytest.mark.parametrize(("module", "target"), sorted(METRICS_ALLOWED))
def test_every_allowed_import_of_a_metric_is_in_use(module: str, target: str) -> None:
    path = ROOT / Path(*module.split(".")).with_suffix(".py")
    assert target in imports_of(path.read_text(encoding="utf-8"), module.rpartition(".")[0])


@pytest.mark.parametrize(("module", "name"), sorted(FAMILY_NAMES_ALLOWED))
def test_every_allowed_name_of_a_family_is_in_use(module: str, name: str) -> None:
    path = ROOT / Path(*module.split(".")).with_suffix(".py")
    assert name in {text for text, _ in lookups_of(path.read_text(encoding="utf-8"))}


def test_content_folders_are_no_packages() -> None:
    assert [] == [
        path for name in ("datasets", "leaderboards") for path in (ROOT / name).rglob("*.py")
    ]
