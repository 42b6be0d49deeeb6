"""Scores of single images, curves and confusion matrices as CSV or JSON files; it computes nothing.

Scores are fractions of 1, and empty if undefined. The scores of single images are for inspecting
images: their mean is not the score of the set.
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
    """Write a row for each image: id, cluster, overall scores, class scores; return their number.

    Raises:
        UsageError: the file cannot be written.
        RunError: the scores of the task are undefined for a single image.
    """
    overall, per_class = scoring.per_image(run)
    class_names, images = run.record.classes.names, run.tables["images"]
    class_columns = [f"{score}:{name}" for score in per_class for name in class_names]
    rows: list[list[Any]] = [["image", "cluster", *overall, *class_columns]]
    for n in range(len(images["id"])):
        overall_values = [values[n] for values in overall.values()]
        class_values = [value for values in per_class.values() for value in values[n]]
        fields = [_field(value) for value in (*overall_values, *class_values)]
        rows.append([str(images["id"][n]), str(images["cluster"][n]), *fields])
    _write(path, rows)
    return len(rows) - 1


def write_confusion(run: Run, path: Path) -> int:
    """Write the confusion matrices, a row for each pair that occurs; return their number.

    Raises:
        UsageError: the file cannot be written.
        RunError: the record has neither pixels nor matched objects.
    """
    rows: list[list[Any]] = [["unit", "truth", "predicted", "count"]]
    for confusion in details.confusions(run):
        for row, column in zip(*confusion.counts.nonzero(), strict=True):
            names = confusion.truth[row], confusion.predicted[column]
            rows.append([confusion.unit, *names, int(confusion.counts[row, column])])
    _write(path, rows)
    return len(rows) - 1


def write_curves(run: Run, path: Path) -> int:
    """Write precision over recall, a row for each class, IoU and recall; return their number.

    Raises:
        UsageError: the file cannot be written.
        RunError: the record has no detections.
    """
    header = ["group", "class", "overlap", "recall", "precision", "score"]
    rows: list[list[Any]] = [list(astuple(point)) for point in details.curves(run)]
    _write(path, [header, *rows])
    return len(rows)


def _write(path: Path, rows: list[list[Any]]) -> None:
    """Write a header and rows as CSV or, for a .json file, as a list of objects."""
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
