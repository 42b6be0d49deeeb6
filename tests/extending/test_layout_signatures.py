"""A layout whose methods have another signature does not pass the type check."""

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
WRONG = {
    "parameter missing": ("split: str, *, ids: Ids = None", "split: str", "[override]"),
    "another result": ("-> list[Sample]:\n        return []", "-> int:\n        return 0", "[override]"),
    "method missing": ("def read_truth", "def read_ground_truth", "[abstract]"),
    "another name": ("card: Card, root: Path", "root: Path, card: Card", "[override]"),
    "wrong declaration": ("class Mine(Layout):\n", "class Mine(Layout):\n    tasks = 3\n", "[assignment]"),
}


@pytest.mark.slow
def test_a_wrong_signature_fails_the_type_check(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "right.py").write_text(RIGHT)
    for number, (old, new, _) in enumerate(WRONG.values()):
        assert old in RIGHT
        (tmp_path / f"wrong_{number}.py").write_text(RIGHT.replace(old, new))
    files = sorted(str(path) for path in tmp_path.glob("*.py"))
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir"]
    done = subprocess.run(
        [*command, str(tmp_path / "cache"), *files], cwd=repository, capture_output=True, text=True, check=False
    )
    lines = done.stdout.splitlines()
    assert [] == [line for line in lines if "right.py" in line]
    for number, (*_, code) in enumerate(WRONG.values()):
        assert [line for line in lines if f"wrong_{number}.py" in line and code in line], done.stdout
