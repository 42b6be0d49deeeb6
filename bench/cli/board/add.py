"""`bench board add`: copy a run record into a board."""

from __future__ import annotations

from pathlib import Path

from bench.cli import console
from bench.cli.board import BoardOptions
from bench.cli.options import JsonOption
from bench.cli.parser.declarations import OptionSet, argument


class AddOptions(OptionSet):
    """What is added."""

    run: Path = argument(
        "RUN", help="A run record: its folder, or a folder with exactly one record below."
    )


def command(options: AddOptions, board_options: BoardOptions, output: JsonOption) -> int:
    """Check a run record and copy it, without predictions, into a board."""
    from bench import runs
    from bench.boards import board_file, board_runs
    from bench.runs.finding import find_record

    board = board_file.read(board_options.folder.expanduser())
    run = runs.read(find_record(options.run.expanduser()))
    target = board_file.add(board, run)
    rows = [board_runs.score_run(board.file, other) for other in (*board.runs.values(), run)]
    _, apart = board_runs.split_comparable(rows, board.file)
    reason = next((reason for row, reason in apart if row.name == run.record.name), "")
    if output.as_json:
        console.say_json({"board": str(board.path), "added": str(target), "apart": reason or None})
        return 0
    console.say(f"added {target}")
    if reason:
        console.say(f"it is listed apart from the other rows and not ranked: {reason}")
    console.note(f"bench board render {board_options.folder} writes the table")
    return 0
