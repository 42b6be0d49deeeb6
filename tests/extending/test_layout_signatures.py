"""A layout or a table format with another signature does not pass the type check."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RIGHT = """from collections.abc import Sequence
from pathlib import Path

from bench.cards import Card
from bench.classes import LabelSpace
from bench.formats import Ids, Layout, PredictionReader
from bench.samples import Sample


class Mine(Layout):
    def read_truth(self, card: Card, root: Path, split: str, *, ids: Ids = None) -> list[Sample]:
        return []

    def read_predictions(
        self, card: Card, path: Path, task: str, samples: Sequence[Sample], *, space: LabelSpace = "ids"
    ) -> PredictionReader:
        raise NotImplementedError


LAYOUT = Mine()
"""
FORMAT = """from bench.boards.board_table import Table
from bench.render.board import TableFormat


def render(table: Table) -> str:
    return table.title


FORMAT: TableFormat = render
"""
WRONG = {
    "parameter missing": ("split: str, *, ids: Ids = None", "split: str", "[override]"),
    "another result": (
        "-> list[Sample]:\n        return []",
        "-> int:\n        return 0",
        "[override]",
    ),
    "method missing": ("def read_truth", "def read_ground_truth", "[abstract]"),
    "another name": ("card: Card, root: Path", "root: Path, card: Card", "[override]"),
    "wrong declaration": (
        "class Mine(Layout):\n",
        "class Mine(Layout):\n    tasks = 3\n",
        "[assignment]",
    ),
}


@pytest.mark.slow
def test_a_wrong_signature_fails_the_type_check(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "right.py").write_text(RIGHT)
    for number, (old, new, _) in enumerate(WRONG.values()):
        assert old in RIGHT
        (tmp_path / f"wrong_{number}.py").write_text(RIGHT.replace(old, new))
    (tmp_path / "right_format.py").write_text(FORMAT)
    (tmp_path / "wrong_format.py").write_text(
        FORMAT.replace("(table: Table)", "(table: Table, width: int)")
    )
    files = sorted(str(path) for path in tmp_path.glob("*.py"))
    # With the settings of the repository mypy can use the cache that `make check` leaves behind.
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", *files]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert [] == [line for line in lines if "right" in line]
    for number, (*_, code) in enumerate(WRONG.values()):
        assert [line for line in lines if f"wrong_{number}.py" in line and code in line], (
            done.stdout
        )
    assert [line for line in lines if "wrong_format.py" in line and "[assignment]" in line], (
        done.stdout
    )
