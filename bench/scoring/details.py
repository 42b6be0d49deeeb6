"""What the counts of a record hold beside its scores: confusions, and curves of precision over recall.

Like scores, both follow from the counts alone. What they look like is the renderers' business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.errors import RunError
from bench.families import families
from bench.families.contract.family import NOTHING, OTHER, Confusion
from bench.runs import Run
from bench.scoring import rules_of

__all__ = ["NOTHING", "OTHER", "Confusion", "Point", "confusions", "curves"]


@dataclass(frozen=True)
class Point:
    """Precision at a recall: the highest at this recall or a higher one, and the score threshold there."""

    group: str
    name: str
    overlap: float
    recall: float
    precision: float
    score: float


def confusions(run: Run) -> list[Confusion]:
    """The confusion matrices of a record, over all its images.

    Raises:
        RunError: it holds neither pixels nor matched objects.
    """
    rules, classes = rules_of(run), run.record.classes
    matrices = (each.confusion(run.tables, classes, each.options(rules)) for each in families(run.record.tables))
    found = [matrix for matrix in matrices if matrix is not None]
    if not found:
        raise RunError(
            f"{run.path}: it says of no pixel or object what it was taken for; semantic runs do, "
            "and those of objects with --metrics object_confusion (or all)"
        )
    return found


def curves(run: Run) -> Iterator[Point]:
    """Precision at 101 recalls of every class with truth and every overlap, for each way of matching in the record.

    Raises:
        RunError: it holds no detections that were matched so.
    """
    able = [each for each in families(run.record.tables) if "curves" in each.abilities]
    if not able:
        raise RunError(f"{run.path}: it holds no detections matched by the rules of COCO or LVIS, and so no curves")
    rules, classes = rules_of(run), run.record.classes
    for each in able:
        for curve in each.curves(run.tables, classes, each.options(rules)):
            values = zip(curve.recalls, curve.precisions, curve.scores, strict=True)
            for recall, precision, score in values:
                yield Point(each.group, curve.label, curve.overlap, recall, precision, score)
