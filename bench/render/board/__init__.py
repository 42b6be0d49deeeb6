"""A board as text: `bench board show --format csv` is csv.py in this folder; nothing is computed.

To add a format, add a file with a function `render(table) -> str` and
`FORMAT: TableFormat = render`, so that mypy checks the signature; there is no list of formats.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from bench.boards.board_table import Table

TableFormat: TypeAlias = "Callable[[Table], str]"
"""What every file of this folder declares as `FORMAT`: a board to its text."""

FORMATS = tuple(sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py")))
"""The names of all formats."""


def render(name: str, table: Table) -> str:
    """Write a board in the format of this name, which is one of `FORMATS`."""
    write: TableFormat = import_module(f"bench.render.board.{name}").FORMAT
    return write(table)
