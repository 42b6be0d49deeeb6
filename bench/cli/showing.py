"""`bench show`: the scores of a run record, and every image's own scores as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import console
from bench.cli.options import AsJson


def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run record.")],
    *,
    per_image: Annotated[
        Path | None, typer.Option("--per-image", metavar="FILE.csv", help="Write every image's own scores.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Show the scores of a run record."""
    import msgspec

    from bench import runs
    from bench.render import csv, terminal

    found = runs.read(run.expanduser())
    if per_image is not None:
        rows = csv.write_per_image(found, per_image.expanduser())
        console.note(f"wrote the scores of {rows} images to {per_image}")
    if as_json:
        console.say_json({**msgspec.to_builtins(found.record), "path": str(found.path)})
    else:
        console.say(terminal.run_table(found))
    return 0
