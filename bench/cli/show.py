"""`bench show`: the scores of a run record, its confusions, and single images or curves as
files.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bench.cli import console
from bench.cli.options import JsonOption
from bench.cli.parser.declarations import OptionSet, argument, option

if TYPE_CHECKING:
    from bench.runs import Run


class ShowOptions(OptionSet):
    """What is shown of a run, and what is written to files."""

    run: Path = argument("RUN", help="Folder of a run record.")
    by: Literal["class", "confusion"] = option(
        "--by",
        help="Show the scores of every class, or which classes are confused.",
        default="class",
        group="Output",
    )
    per_image: Path | None = option(
        "--per-image",
        metavar="FILE.csv",
        help="Write the scores of every image.",
        default=None,
        group="Output",
    )
    curves: Path | None = option(
        "--curves",
        metavar="FILE.csv|FILE.json",
        help="Write precision over recall for every class and IoU threshold.",
        default=None,
        group="Output",
    )
    confusion: Path | None = option(
        "--confusion",
        metavar="FILE.csv|FILE.json",
        help="Write the confusion matrix as counts.",
        default=None,
        group="Output",
    )
    interval: Literal["default", "percentile", "bca", "studentised", "none"] | None = option(
        "--interval",
        help="Compute the scores again from the counts, with intervals by this method.",
        default=None,
        group="Intervals",
    )


def command(options: ShowOptions, output: JsonOption) -> int:
    """Show the scores of a run record, or which of its classes are confused.

    Example:
        bench show runs/streets-val/deeplab --by confusion
    """
    import msgspec

    from bench import runs
    from bench.render import terminal
    from bench.runs.finding import find_record
    from bench.scoring import with_interval
    from bench.scoring.entries import require_entries

    run = runs.read(find_record(options.run.expanduser()))
    require_entries(run)
    if options.interval is not None:
        run = with_interval(run, options.interval)
    _write(run, options)
    if output.as_json:
        console.say_json({**msgspec.to_builtins(run.record), "path": str(run.path)})
    elif options.by == "confusion":
        from bench.render.confusion import confusion_table
        from bench.scoring import details

        console.say("\n".join(confusion_table(confusion) for confusion in details.confusions(run)))
    else:
        console.say(terminal.run_table(run))
    return 0


def _write(run: Run, options: ShowOptions) -> None:
    from bench.render import run_files

    for path, write, content in (
        (options.per_image, run_files.write_per_image, "the scores of {} images"),
        (options.curves, run_files.write_curves, "{} points of precision over recall"),
        (options.confusion, run_files.write_confusion, "{} pairs of classes"),
    ):
        if path is not None:
            count = write(run, path.expanduser())
            console.note(f"wrote {content.format(count)} to {path}")
