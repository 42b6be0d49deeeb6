"""`bench show`: the scores of a run record, who is taken for whom, and single images or curves as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bench.cli import console
from bench.cli.options import AsJson
from bench.runs.finding import find_record

if TYPE_CHECKING:
    from bench.runs import Run


def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run record.")],
    *,
    by: Annotated[
        Literal["class", "confusion"],
        typer.Option("--by", help="Scores of every class, or what each class is taken for."),
    ] = "class",
    per_image: Annotated[
        Path | None, typer.Option("--per-image", metavar="FILE.csv", help="Write every image's own scores.")
    ] = None,
    curves: Annotated[
        Path | None,
        typer.Option("--curves", metavar="FILE.csv|.json", help="Write precision over recall of classes and overlaps."),
    ] = None,
    confusion: Annotated[
        Path | None,
        typer.Option("--confusion", metavar="FILE.csv|.json", help="Write the whole confusion matrix as counts."),
    ] = None,
    interval: Annotated[
        Literal["default", "percentile", "bca", "studentised", "none"] | None,
        typer.Option("--interval", help="Make the scores again from the counts, with intervals of this method."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Show the scores of a run record, or what its classes are taken for.

    Example:  bench show runs/streets-val/deeplab --by confusion
    """
    import msgspec

    from bench import runs
    from bench.render import terminal
    from bench.scoring import with_interval
    from bench.scoring.entries import require_entries

    found = runs.read(find_record(run.expanduser()))
    require_entries(found)
    if interval is not None:
        found = with_interval(found, interval)
    _write(found, per_image=per_image, curves=curves, confusion=confusion)
    if as_json:
        console.say_json({**msgspec.to_builtins(found.record), "path": str(found.path)})
    elif by == "confusion":
        from bench.render.confusion import confusion_table
        from bench.scoring import details

        console.say("\n".join(confusion_table(each) for each in details.confusions(found)))
    else:
        console.say(terminal.run_table(found))
    return 0


def _write(found: Run, *, per_image: Path | None, curves: Path | None, confusion: Path | None) -> None:
    from bench.render import csv

    for path, write, what in (
        (per_image, csv.write_per_image, "the scores of {} images"),
        (curves, csv.write_curves, "{} points of precision over recall"),
        (confusion, csv.write_confusion, "{} pairs of classes"),
    ):
        if path is not None:
            count = write(found, path.expanduser())
            console.note(f"wrote {what.format(count)} to {path}")
