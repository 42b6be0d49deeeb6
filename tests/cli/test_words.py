"""The quick way from words to a call: what it reads, typer reads alike; what it does not read is left to typer."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from bench.cli import words
from bench.cli.eval import evaluate

NEEDED = ["--predictions", "found", "--dataset", "voc2012"]
PLAIN = [
    NEEDED,
    ["-p", "found", "-d", "voc2012", "-s", "val"],
    [*NEEDED, "--json", "--resume"],
    [*NEEDED, "--limit", "12", "--interval", "none", "--classes-in", "union"],
    [*NEEDED, "--data", "a folder", "--out", "runs/x/", "--regions", "crops,trimap=3:5", "--metrics", "mIoU,IoU"],
    [],
    NEEDED[:2],
    ["found", "--dataset", "voc2012"],
    ["--truth", "masks", "found", "--classes", "a,b"],
    [*NEEDED, "stray"],
    [*NEEDED, "--task", "semantic", "--name", "ö", "--label-space", "train-ids"],
]
UNUSUAL = [
    [*NEEDED, "--help"],
    [*NEEDED, "--unknown", "1"],
    [*NEEDED, "--limit", "many"],
    [*NEEDED, "--limit", "-3"],
    [*NEEDED, "--limit"],
    [*NEEDED, "--limit=3"],
    [*NEEDED, "--interval", "wide"],
    [*NEEDED, *NEEDED],
    [*NEEDED, "--name", ""],
    [*NEEDED, "--", "--json"],
    [*NEEDED, "stray", "another"],
]


@pytest.mark.parametrize("given", PLAIN, ids=" ".join)
def test_plain_words_mean_what_typer_makes_of_them(given: list[str]) -> None:
    seen: list[dict[str, Any]] = []

    def command(**asked: Any) -> int:
        seen.append(asked)
        return 0

    hints = words.for_typer(evaluate).__annotations__
    command.__signature__ = inspect.signature(evaluate)  # type: ignore[attr-defined]
    command.__annotations__ = dict(hints)
    app = typer.Typer()
    app.command()(command)
    app(given, standalone_mode=False)
    defaults = {name: each.default for name, each in inspect.signature(evaluate).parameters.items()}
    quick = words.plain(_fresh(), given)
    assert quick is not None
    assert seen == [defaults | quick]
    assert {name: type(value) for name, value in seen[0].items() if name in quick} == {
        name: type(value) for name, value in quick.items()
    }


@pytest.mark.parametrize("given", UNUSUAL, ids=" ".join)
def test_unusual_words_are_left_to_typer(given: list[str]) -> None:
    assert words.plain(_fresh(), given) is None


def test_a_path_is_a_path() -> None:
    quick = words.plain(_fresh(), NEEDED)
    assert quick == {"predictions": Path("found"), "dataset": "voc2012"}


def _fresh() -> Any:
    """The command as it is declared, without what `for_typer` did to it."""
    import importlib.util

    spec = importlib.util.find_spec("bench.cli.eval")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.evaluate


def test_values_are_spoken_as_both_ways_read_them() -> None:
    def show(
        *,
        path: Annotated[Path, words.option("--path", "-p", help="P.")],
        limit: Annotated[int | None, words.option("--limit", "-l", help="N.")] = None,
        as_json: Annotated[bool, words.option("--json", help="J.")] = False,
        name: str = "",
    ) -> int:
        return 0

    values: dict[str, Any] = {"path": Path("found"), "limit": 12, "as_json": True, "name": "x"}
    said = words.spoken(show, values)
    assert ["--path", "found", "--limit", "12", "--json"] == said
    assert {key: value for key, value in values.items() if key != "name"} == words.plain(show, said)
    assert ["--path", "found"] == words.spoken(show, {"path": Path("found"), "limit": None, "as_json": False})
    assert said == words.spoken(words.for_typer(show), values)
