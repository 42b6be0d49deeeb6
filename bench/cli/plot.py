"""`bench plot`: accuracy over cost, with intervals and the Pareto front."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from bench.cli import console
from bench.cli.options import JsonOption
from bench.cli.parser.declarations import OptionSet, argument, option


class PlotOptions(OptionSet):
    """What is plotted, and where the file goes."""

    paths: list[Path] = argument("RUN|BOARD", help="Run records, or the folder of one board.")
    output: Path = option(
        "--output", "-o", metavar="FILE", help="Image to write: .png, .svg or .pdf.", group="Output"
    )
    metric: str | None = option(
        "--metric",
        metavar="NAME",
        help="Metric; default: the board's, or mIoU, AP, PQ.",
        default=None,
        group="Axes",
    )
    cost: Literal["parameters", "GFLOPs", "latency", "images/s", "memory"] = option(
        "--cost", help="Cost on the horizontal axis.", default="parameters", group="Axes"
    )


def command(options: PlotOptions, output: JsonOption) -> int:
    """Plot accuracy over cost.

    Marks the models that no other model beats in both, and draws the interval of each score.

    Example:
        bench plot leaderboards/streets -o front.svg --cost GFLOPs
    """
    from bench import runs
    from bench.boards import board_file, fronts
    from bench.render import plot
    from bench.runs.finding import find_record

    paths = [path.expanduser() for path in options.paths]
    if len(paths) == 1 and (paths[0] / "board.toml").is_file():
        board = board_file.read(paths[0])
        front = fronts.of_board(board, metric=options.metric, cost=options.cost)
    else:
        records = [runs.read(find_record(path)) for path in paths]
        front = fronts.front(records, metric=options.metric, cost=options.cost)
    plot.write(front, options.output.expanduser())
    if output.as_json:
        console.say_json({**front.to_dict(), "file": str(options.output)})
        return 0
    best = ", ".join(point.name for point in front.points if point.on_front)
    for note in front.notes:
        console.note(f"note: {note}")
    number = f"{len(front.points)} run{'s' if len(front.points) > 1 else ''}"
    console.say(
        f"wrote {options.output}: {number}; on the front of {front.metric} and {front.cost}: {best}"
    )
    return 0
