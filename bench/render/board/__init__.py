"""A board as text: `bench board show --format csv` is `render` of csv.py in this folder; nothing is computed.

To add a format, add a file with a function `render(table) -> str`; there is no list of formats.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.boards.board_table import Table

FORMATS = tuple(sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py")))
"""The names of all formats."""


def render(name: str, table: Table) -> str:
    """Write a board in the format of this name, which is one of `FORMATS`."""
    text: str = import_module(f"bench.render.board.{name}").render(table)
    return text
