"""A table format is one file: added to a copy of the package, the command line offers and uses
it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LINES = '''"""A board as one line for each row: its name and the number of its cells."""

from bench.boards.board_table import Table, records
from bench.render.board import TableFormat


def render(table: Table) -> str:
    """The lines."""
    return "".join(f"{row['name']}: {len(row)}\\n" for row in records(table))


FORMAT: TableFormat = render
'''


@pytest.fixture
def copied(repository: Path, tmp_path: Path) -> Path:
    """A folder with a copy of the package and its cards, and one more format."""
    unused = shutil.ignore_patterns("__pycache__", "native", "checkpoints", "*.so")
    shutil.copytree(repository / "bench", tmp_path / "bench", ignore=unused)
    shutil.copytree(repository / "datasets", tmp_path / "datasets")
    (tmp_path / "bench" / "render" / "board" / "lines.py").write_text(LINES)
    return tmp_path


def shown(folder: Path, board: Path, form: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "bench", "board", "show", str(board), "--format", form]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_command_line_writes_the_format(repository: Path, copied: Path, tmp_path: Path) -> None:
    # Without run records there is nothing to compute: the rows are the published ones.
    board = tmp_path / "board"
    board.mkdir()
    for name in ("board.toml", "published.csv"):
        shutil.copy(repository / "leaderboards" / "voc2012-val" / name, board / name)
    rows = (board / "published.csv").read_text().splitlines()[1:]
    done = shown(copied, board, "lines")
    assert 0 == done.returncode, done.stderr
    assert len(rows) == len(done.stdout.splitlines())
    assert 2 == shown(copied, board, "line").returncode
    assert "lines" in shown(copied, board, "line").stderr
