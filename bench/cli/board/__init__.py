"""`bench board`: the commands for a leaderboard, which is a folder with a board.toml; a file for
each.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli import console
from bench.cli.parser.declarations import OptionSet, argument

if TYPE_CHECKING:
    from bench.boards.board_file import Board
    from bench.boards.board_table import Table

HELP = "Work with leaderboards, in which bold means statistically not worse than the best."
COMMANDS = ("show", "render", "check", "add")


class BoardOptions(OptionSet):
    """The board."""

    folder: Path = argument("FOLDER", help="A board: the folder that holds its board.toml.")


def open_board(folder: Path, *, quiet: bool) -> tuple[Board, Table]:
    """Read a board and rank its rows, which takes seconds if there are many."""
    from bench import boards
    from bench.boards import board_file

    board = board_file.read(folder.expanduser())
    with console.progress(
        f"ranking {board.path.name}", "steps", quiet=quiet or not board.runs
    ) as report:
        return board, boards.table(board, progress=report)
