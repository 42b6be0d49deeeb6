"""The ledger of conventions: every row has an id of its own and cites tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
LEDGER = TESTS.parent / "docs" / "conventions.md"
CITATION = re.compile(r"`(test_\w+\.py)::(test_\w+)`")


def rows(text: str) -> list[list[str]]:
    """Return the cells of every row of the ledger's tables."""
    lines = [
        line
        for line in text.splitlines()
        if line.startswith("| ") and not line.startswith("| id |")
    ]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def missing(text: str) -> list[str]:
    """Return what is cited and does not exist."""
    paths = {path.name: path for path in TESTS.glob("*/test_*.py")}
    tests: dict[str, set[str]] = {}
    for name in {name for name, _ in CITATION.findall(text)}:
        tree = (
            ast.parse(paths[name].read_text(encoding="utf-8"))
            if name in paths
            else ast.Module([], [])
        )
        tests[name] = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return [f"{name}::{test}" for name, test in CITATION.findall(text) if test not in tests[name]]


def test_file_names_are_unique() -> None:
    """A citation names a file without its folder."""
    names = [path.name for path in TESTS.glob("*/test_*.py")]
    assert sorted(set(names)) == sorted(names)


def test_every_cited_test_exists() -> None:
    assert [] == missing(LEDGER.read_text(encoding="utf-8"))


def test_citation_of_a_test_that_does_not_exist_is_found() -> None:
    text = (
        "`test_conventions.py::test_of_nothing` `test_nowhere.py::test_x` "
        "`test_conventions.py::missing`"
    )
    assert ["test_conventions.py::test_of_nothing", "test_nowhere.py::test_x"] == missing(text)


def test_every_row_has_five_cells_an_id_of_its_own_and_a_test() -> None:
    table = rows(LEDGER.read_text(encoding="utf-8"))
    assert len(table) > 0
    assert {5} == {len(row) for row in table}
    ids = [row[0] for row in table]
    assert sorted(set(ids)) == sorted(ids)
    assert [] == [row[0] for row in table if not CITATION.search(row[4])]
