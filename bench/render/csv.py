"""Scores, curves and confusions as CSV or JSON, in fractions of 1, empty where not defined; it computes nothing.

The scores of single images are for looking at images: their mean is not the score of the set.
"""

from __future__ import annotations

import csv
import json
import math
from dataclasses import astuple
from pathlib import Path
from typing import Any

from bench import scoring
from bench.errors import UsageError
from bench.runs import Run
from bench.scoring import details


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
    _write(path, [header, *rows])
    return len(rows)


def write_confusion(run: Run, path: Path) -> int:
    """Write the confusion matrices in long form, a row for each pair that occurs; as JSON where the file ends so.

    Raises:
        UsageError: the file cannot be written.
        RunError: the record holds neither pixels nor matched objects.
    """
    header = ["unit", "truth", "predicted", "count"]
    rows: list[list[Any]] = [
        [found.unit, found.truth[row], found.predicted[column], int(found.counts[row, column])]
        for found in details.confusions(run)
        for row, column in zip(*found.counts.nonzero(), strict=True)
    ]
    _write(path, [header, *rows])
    return len(rows)


def write_curves(run: Run, path: Path) -> int:
    """Write precision over recall, a row for each class, overlap and recall; as JSON where the file ends so.

    Raises:
        UsageError: the file cannot be written.
        RunError: the record holds no detections.
    """
    header = ["group", "class", "overlap", "recall", "precision", "score"]
    rows = [list(astuple(point)) for point in details.curves(run)]
    _write(path, [header, *rows])
    return len(rows)


def _write(path: Path, rows: list[list[Any]]) -> None:
    """Write a header and rows as CSV, or as a JSON list of objects."""
    header, *values = rows
    try:
        if path.suffix == ".json":
            content = [dict(zip(header, row, strict=True)) for row in values]
            path.write_text(json.dumps(content, allow_nan=False) + "\n", encoding="utf-8")
            return
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


def _field(value: float) -> str:
    return "" if math.isnan(value) else repr(float(value))
