"""What the counts of a record tell beside its scores: who is taken for whom, and curves of precision over recall.

Like scores, both follow from the counts alone. What they look like is the renderers' business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bench.errors import RunError
from bench.families import family
from bench.families import instance as objects
from bench.metrics import instance, lvis, object_confusion, pixels
from bench.metrics.protocols import COCO_RECALLS, Protocol
from bench.metrics.ranking import Curves
from bench.metrics.ranking import curves as curves_of
from bench.runs import Run
from bench.samples import Array
from bench.scoring import rules_of

OTHER, NOTHING = "not scored", "nothing"
"""What a pixel is taken for that is predicted as a label which is not scored; what an object is that is missed."""


@dataclass(frozen=True, eq=False)
class Confusion:
    """Pixels or objects by what they are (rows) and what they are taken for (columns).

    `counts` (rows, columns) int64; `unit` is pixels or objects. Of objects, the last row are detections of nothing and
    the last column objects that were missed.
    """

    unit: str
    truth: tuple[str, ...]
    predicted: tuple[str, ...]
    counts: Array


@dataclass(frozen=True)
class Point:
    """Precision at a recall: the highest at this recall or a higher one, and the score at which it is reached."""

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
    names, images = run.record.classes.names, len(run.tables["images"]["id"])
    found = []
    if "pixels" in run.tables:
        table = pixels.confusion(run.tables["pixels"], run.record.classes)
        others = bool(table[:, len(names)].any())
        counts = table if others else table[:, : len(names)]
        found.append(Confusion("pixels", names, (*names, OTHER) if others else names, counts.astype(np.int64)))
    if "confused" in run.tables:
        pair = run.tables["confused"], run.tables["confused_truths"]
        shown_from = rules_of(run).shown_from
        table = object_confusion.matrix(*pair, np.ones(images), len(names), score=shown_from)
        both = (*names, NOTHING)
        found.append(Confusion("objects", both, both, table.astype(np.int64)))
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
    ways = {name: curve for name, curve in _CURVES.items() if name in run.record.tables}
    if not ways:
        raise RunError(f"{run.path}: it holds no detections matched by the rules of COCO or LVIS, and so no curves")
    for name, curve in ways.items():
        found, protocol = curve(run), protocol_of(name, run)
        for k, label in enumerate(run.record.classes.names):
            for t, overlap in enumerate(protocol.thresholds):
                precision, scores = (part[t, :, k, 0, -1] for part in (found.precision, found.scores))
                if not np.isnan(precision[0]):
                    for place, recall in enumerate(COCO_RECALLS):
                        values = round(overlap, 10), recall, float(precision[place]), float(scores[place])
                        yield Point(family(name).GROUP, label, *values)


def protocol_of(name: str, run: Run) -> Protocol:
    """The protocol by which a family of the record counted."""
    return lvis.LVIS if name.startswith("lvis") else objects.protocol_of(rules_of(run))


def _of_kind(kind: str) -> Callable[[Run], Curves]:
    return lambda run: instance.curves(
        run.tables, run.record.classes, kind=kind, protocol=objects.protocol_of(rules_of(run))
    )


def _of_lvis(kind: instance.Kind) -> Callable[[Run], Curves]:
    return lambda run: curves_of(lvis.ranking(run.tables, run.record.classes, kind=kind))


_CURVES: Mapping[str, Callable[[Run], Curves]] = {
    "instance": _of_kind("mask"),
    "boxes": _of_kind("box"),
    "instance_boundary": _of_kind("boundary"),
    "lvis": _of_lvis("mask"),
    "lvis_boxes": _of_lvis("box"),
}
