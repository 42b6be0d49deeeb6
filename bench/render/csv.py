"""Scores as CSV, in fractions of 1 with an empty field where a score is not defined; it computes nothing.

The scores of single images are for looking at images: their mean is not the score of the set.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

from bench import scoring
from bench.errors import UsageError
from bench.runs import Run


def write_per_image(run: Run, path: Path) -> int:
    """Write a row for every image: id, cluster, overall scores, and IoU (or PQ) of every class; returns their number.

    Raises:
        UsageError: the file cannot be written.
        RunError: scores of single images make no sense for the task.
    """
    overall, per_class = scoring.per_image(run)
    names, images = run.record.classes.names, run.tables["images"]
    header = ["image", "cluster", *overall, *(f"{score}:{name}" for score in per_class for name in names)]
    rows = [
        [str(images["id"][n]), str(images["cluster"][n])]
        + [_field(values[n]) for values in overall.values()]
        + [_field(value) for values in per_class.values() for value in values[n]]
        for n in range(len(images["id"]))
    ]
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
    return len(rows)


def _field(value: float) -> str:
    return "" if math.isnan(value) else repr(float(value))
