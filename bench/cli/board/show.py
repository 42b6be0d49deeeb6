"""`bench board show`: a board in one of the table formats."""

from __future__ import annotations

from pathlib import Path

from bench.cli import console
from bench.cli.board import BoardOptions, open_board
from bench.cli.options import JsonOption
from bench.cli.parser.declarations import OptionSet, option
from bench.errors import UsageError
from bench.render.board import FORMATS, render


class TableOptions(OptionSet):
    """How the table is written, and where."""

    form: str = option(
        "--format",
        "-f",
        help="Format of the table.",
        default="terminal",
        choices=FORMATS,
        group="Output",
    )
    out: Path | None = option(
        "--out",
        "-o",
        metavar="FILE",
        help="Write the table to a file instead of printing it.",
        default=None,
        group="Output",
    )


def command(board: BoardOptions, options: TableOptions, output: JsonOption) -> int:
    """Show a board: measured rows with intervals, ranks and tied groups, and published rows as
    reported.

    Example:
        bench board show leaderboards/streets --format latex --out table.tex
    """
    _, table = open_board(board.folder, quiet=output.as_json)
    text = render("json" if output.as_json else options.form, table)
    if options.out is None:
        console.say(text.rstrip("\n"))
        return 0
    try:
        options.out.expanduser().write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"cannot write {options.out}: {error.strerror}") from None
    console.note(f"wrote {options.out}")
    return 0
