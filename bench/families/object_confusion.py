"""What detections are taken for, whatever their class: how many objects are found, and how many of
these rightly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, final

from bench import metrics as arithmetic
from bench.families import shared
from bench.families.contract.family import NOTHING, Confusion, Scores
from bench.families.contract.metric import fraction
from bench.families.shared.object_family import ObjectFamily

if TYPE_CHECKING:
    from bench.classes import Classes
    from bench.samples import Array, Table
    from bench.samples.columns import DetectionColumns, TruthColumns


class Options(NamedTuple):
    """The score threshold from which detections count."""

    shown_from: float


@final
class ObjectConfusion(ObjectFamily[Options]):
    """Which class detections have that overlap objects of each class."""

    name = "object_confusion"
    group = "object_confusion"
    title = "objects found, whatever their class"
    prefix = "object_"
    counted = "all"
    order = 140
    own_protocol = "the confusion of objects counts all detections, at an overlap of .50"
    tables = ("confused", "confused_truths")
    options_type = Options
    metrics = (
        fraction(
            "found",
            "found",
            meaning="fraction of a class's objects that any detection matches, whatever its class",
            reference="-",
            per_class="found",
            leading=True,
        ),
        fraction(
            "class_accuracy",
            "class accuracy",
            meaning="fraction of the objects found whose detection has the right class",
            reference="-",
            per_class="class_accuracy",
        ),
        fraction(
            "real",
            "real",
            meaning="fraction of a class's detections that match an object",
            reference="-",
            per_class="real",
        ),
    )

    def count_columns(
        self, options: Options, truth: TruthColumns, detections: DetectionColumns
    ) -> dict[str, Table]:
        """Match the objects of all images at once."""
        floor = arithmetic.object_confusion.OVERLAP
        overlaps = arithmetic.matching.mask_overlaps(truth, detections, floor=floor)
        return arithmetic.object_confusion.count(truth, detections, overlaps)

    def rules_of(self, classes: Classes, options: Options) -> dict[str, Any]:
        """Classes, overlap, and the score threshold."""
        return {
            "table": "confused",
            "classes": list(classes.names),
            "overlap": arithmetic.object_confusion.OVERLAP,
            "shown_from": options.shown_from,
        }

    def truth_rows(self, tables: Mapping[str, Table]) -> Table:
        """True objects per image and class."""
        return tables["confused_truths"]

    def score(
        self, tables: Mapping[str, Table], weights: Array, classes: Classes, options: Options
    ) -> Scores:
        """Score N images under weights (B, N)."""
        pair = tables["confused"], tables["confused_truths"]
        scored = arithmetic.object_confusion.score(
            *pair, weights, len(classes), score=options.shown_from
        )
        return Scores(scored.overall, scored.per_class)

    def settled(
        self, tables: Mapping[str, Table], classes: Classes, options: Options
    ) -> Mapping[str, Table]:
        """Add to the detections of a run whether they are above the score threshold."""
        confused = tables["confused"]
        shown = confused["score"] >= options.shown_from
        return {**tables, "confused": {**confused, "shown": shown}}

    def confusion(
        self, tables: Mapping[str, Table], classes: Classes, options: Options
    ) -> Confusion:
        """Objects by class and by the class of their detection; the last row and column is
        nothing.
        """
        import numpy as np

        pair, images = (tables["confused"], tables["confused_truths"]), len(tables["images"]["id"])
        matrix = arithmetic.object_confusion.matrix(
            *pair, np.ones(images), len(classes), score=options.shown_from
        )
        labels = (*classes.names, NOTHING)
        return Confusion("objects", labels, labels, matrix.astype(np.int64))

    def facts(
        self, tables: Mapping[str, Table], classes: Classes, options: Options
    ) -> dict[str, Any]:
        """How many classes the means run over, and from which score and overlap on."""
        return {
            **shared.objects.facts_of(tables["confused_truths"], classes),
            "shown_from": options.shown_from,
            "overlap": arithmetic.object_confusion.OVERLAP,
        }


FAMILY = ObjectConfusion()
