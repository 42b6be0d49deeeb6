"""`bench board check`: whether a board's README.md is up to date."""

from __future__ import annotations

from bench.cli import console
from bench.cli.board import BoardOptions, open_board
from bench.cli.options import JsonOption


def command(options: BoardOptions, output: JsonOption) -> int:
    """Fail (exit code 1) if the board's README.md does not match its files, and say which rows
    differ.
    """
    from bench.render.board import markdown

    board, table = open_board(options.folder, quiet=output.as_json)
    path = board.path / "README.md"
    committed = path.read_text(encoding="utf-8") if path.is_file() else None
    findings = markdown.stale(table, committed)
    if output.as_json:
        console.say_json({"board": str(board.path), "stale": findings})
    elif findings:
        console.say("\n".join([f"{path} is stale:", *(f"  {finding}" for finding in findings)]))
        console.note(f"bench board render {options.folder} writes it again")
    else:
        console.say(f"{path} is up to date")
    return 1 if findings else 0
