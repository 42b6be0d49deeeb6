"""The door: what `bench` offers is what it says, and each name leads somewhere."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import runpy
from pathlib import Path

import pytest

import bench

ROOT = Path(__file__).parents[2]


def test_all_is_sorted_and_equals_what_is_offered() -> None:
    assert sorted(bench.__all__) == bench.__all__
    assert sorted([*bench.__all__, "__version__"]) == dir(bench)


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(inspect.getsource(bench))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    imported = {
        alias.asname
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(bench.__all__) == imported


@pytest.mark.parametrize("name", bench.__all__)
def test_every_name_is_there_and_documented(name: str) -> None:
    assert inspect.getdoc(getattr(bench, name))


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(AttributeError, match="it offers BenchError"):
        _ = bench.frobnicate


def test_no_public_name_is_a_module_too() -> None:
    modules = {module.name for module in pkgutil.iter_modules(bench.__path__)}
    assert set() == modules & set(bench.__all__)


def test_the_api_reference_is_up_to_date() -> None:
    tool = runpy.run_path(str(ROOT / "tools" / "api_reference.py"))
    written = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert tool["page"]() == written, "run python tools/api_reference.py"
    assert all(f"`bench.{name}`" in written for name in bench.__all__)
