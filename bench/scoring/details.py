"""Confusion matrices and precision-recall curves of a record, computed from its counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.errors import RunError
from bench.families import families
from bench.families.contract.family import NOTHING, OTHER, Confusion
from bench.runs import Run
from bench.scoring import rules_of

__all__ = ["NOTHING", "OTHER", "Confusion", "CurvePoint", "confusions", "curves"]


@dataclass(frozen=True)
class CurvePoint:
    """The highest precision at a recall or above it, and the score threshold that reaches it."""

    group: str
    name: str
    overlap: float
    recall: float
    precision: float
    score: float


def confusions(run: Run) -> list[Confusion]:
    """The confusion matrices of a record, over all its images.

    Raises:
        RunError: the record has none.
    """
    rules, classes = rules_of(run), run.record.classes
    matrices = [
        family.confusion(run.tables, classes, family.options(rules))
        for family in families(run.record.tables)
    ]
    existing = [matrix for matrix in matrices if matrix is not None]
    if not existing:
        raise RunError(
            f"{run.path} has no confusion matrix; semantic runs have one, "
            "and runs of objects with --metrics object_confusion (or all)"
        )
    return existing


def curves(run: Run) -> Iterator[CurvePoint]:
    """Precision at 101 recalls for every class with ground truth, every IoU and every family.

    Raises:
        RunError: the record has no detections from which curves can be computed.
    """
    with_curves = [f for f in families(run.record.tables) if "curves" in f.abilities]
    if not with_curves:
        raise RunError(f"{run.path} has no curves: it has no detections matched as COCO or LVIS do")
    rules, classes = rules_of(run), run.record.classes
    for family in with_curves:
        for curve in family.curves(run.tables, classes, family.options(rules)):
            points = zip(curve.recalls, curve.precisions, curve.scores, strict=True)
            for recall, precision, score in points:
                yield CurvePoint(family.group, curve.label, curve.overlap, recall, precision, score)
