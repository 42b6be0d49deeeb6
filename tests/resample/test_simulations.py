"""The simulations behind docs/statistics.md still run, and the document names them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["mIoU", "PQ"])
def test_simulated_samples_are_covered(repository: Path, metric: str) -> None:
    options = ["--images", "60", "--samples", "30", "--permutations", "199"]
    words = ["-m", "benchmarks.coverage", "--metric", metric, *options]
    found = subprocess.run(
        [sys.executable, *words], cwd=repository, capture_output=True, text=True, check=True
    )
    rows = [line.split("|")[1:-1] for line in found.stdout.splitlines()[2:]]
    assert [[metric, "60", "image"], [metric, "60", "scenes of 4"]] == [
        [cell.strip() for cell in row[:3]] for row in rows
    ]
    for row in rows:
        one, difference, test, interval = (float(cell) for cell in row[3:])
        assert min(one, difference) >= 0.7
        assert max(test, interval) <= 0.25


def test_the_document_says_which_command_made_its_table(repository: Path) -> None:
    assert "python -m benchmarks.coverage" in (repository / "docs" / "statistics.md").read_text(
        encoding="utf-8"
    )
