"""`bench board render`: write a board's README.md."""

from __future__ import annotations

from bench.cli import console
from bench.cli.board import BoardOptions, open_board
from bench.cli.options import JsonOption
from bench.errors import UsageError


def command(options: BoardOptions, output: JsonOption) -> int:
    """Write the board's README.md."""
    from bench.render.board import markdown

    board, table = open_board(options.folder, quiet=output.as_json)
    path = board.path / "README.md"
    try:
        path.write_text(markdown.render(table), encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
    if output.as_json:
        console.say_json({"board": str(board.path), "wrote": str(path)})
    else:
        console.note(f"wrote {path}")
    return 0
