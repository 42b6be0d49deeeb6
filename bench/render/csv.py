"""Scores as CSV, in fractions of 1 with an empty field where a score is not defined; it computes nothing.

The scores of single images are for looking at images: their mean is not the score of the set.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

from bench import scoring
from bench.errors import UsageError
from bench.metrics import semantic
from bench.runs import Run


def write_per_image(run: Run, path: Path) -> int:
    """Write a row for every image: id, cluster, the overall scores, and the IoU of every class; returns the rows.

    Raises:
        UsageError: the file cannot be written.
    """
    scores, names = scoring.per_image(run), run.record.classes.names
    header = ["image", "cluster", *semantic.OVERALL, *(f"IoU:{name}" for name in names)]
    images = run.tables["images"]
    rows = [
        [str(images["id"][n]), str(images["cluster"][n])]
        + [_field(scores[name][n]) for name in semantic.OVERALL]
        + [_field(value) for value in scores["IoU"][n]]
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
