"""`bench plot`: accuracy over cost, with intervals and the front of what is not beaten in both."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.cli import console
from bench.cli.options import AsJson


def plot(
    paths: Annotated[
        list[Path], typer.Argument(metavar="RUN... | BOARD", help="Run records, or the folder of one board.")
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="A .png, .svg or .pdf.")],
    metric: Annotated[
        str | None, typer.Option("--metric", metavar="NAME", help="Score; default: the board's, or mIoU, AP, PQ.")
    ] = None,
    cost: Annotated[
        Literal["parameters", "GFLOPs", "latency", "images/s", "memory"],
        typer.Option("--cost", help="What the horizontal axis is."),
    ] = "parameters",
    as_json: AsJson = False,
) -> int:
    """Plot accuracy over cost.

    Shows which models no other beats in both, with the interval of each score.

    Example:  bench plot leaderboards/streets -o front.svg --cost GFLOPs
    """
    import msgspec

    from bench import runs
    from bench.boards import board_file, fronts
    from bench.render import plot as picture
    from bench.runs.finding import find_record

    if len(paths) == 1 and (paths[0].expanduser() / "board.toml").is_file():
        found = fronts.of_board(board_file.read(paths[0].expanduser()), metric=metric, cost=cost)
    else:
        records = [runs.read(find_record(path.expanduser())) for path in paths]
        found = fronts.front(records, metric=metric, cost=cost)
    picture.write(found, output.expanduser())
    if as_json:
        console.say_json({**msgspec.to_builtins(found), "file": str(output)})
        return 0
    best = ", ".join(point.name for point in found.points if point.on_front)
    for note in found.notes:
        console.note(f"note: {note}")
    number = f"{len(found.points)} run{'s' if len(found.points) > 1 else ''}"
    console.say(f"wrote {output}: {number}; on the front of {found.metric} and {cost}: {best}")
    return 0
