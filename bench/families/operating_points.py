"""Precision, recall and F1 of objects at a score threshold, and at the best threshold of each
class.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import TYPE_CHECKING, Any, NamedTuple, final

from bench import metrics as arithmetic
from bench.families import shared
from bench.families.contract.family import Scores
from bench.families.contract.metric import Metric, fraction
from bench.families.shared.object_family import ObjectFamily

if TYPE_CHECKING:
    from bench.classes import Classes
    from bench.metrics.ranking import Ranking
    from bench.notices import Notice
    from bench.samples import Array, Table
    from bench.samples.columns import DetectionColumns, TruthColumns


OVERLAP = 0.5
"""A detection matches an object from this overlap on."""
_MEANINGS = {
    "precision": "tp / (tp + fp) of detections",
    "recall": "tp / (tp + fn) of detections",
    "F1": "2 tp / (2 tp + fp + fn) of detections",
}


def _metrics() -> tuple[Metric, ...]:
    fixed = "mean over classes of {} above a score threshold (--shown-from), at IoU .50"
    best = "mean over classes of {} above the score threshold with the best F1 of each class"
    return tuple(
        fraction(
            prefix + name,
            prefix.replace("_", " ") + name,
            meaning=meaning.format(description),
            reference="-",
            per_class=prefix + name,
            leading=prefix + name == "F1",
        )
        for prefix, meaning in (("", fixed), ("best_", best))
        for name, description in _MEANINGS.items()
    )


class Options(NamedTuple):
    """The score threshold, the families that share these tables, and the maximum detections."""

    families: tuple[str, ...]
    shown_from: float
    max_detections: tuple[int, ...] | None
    iou_thresholds: tuple[float, ...] | None
    area_ranges: tuple[tuple[str, float, float], ...] | None


@final
class OperatingPoints(ObjectFamily[Options]):
    """Precision, recall and F1 at score thresholds."""

    name = "operating_points"
    group = "operating_points"
    title = "objects above a score threshold, and above the best threshold of each class"
    counted = "all"
    order = 130
    own_protocol = (
        "precision, recall and F1 are counted at an overlap of .50, for objects of all sizes"
    )
    tables = ("mask_detections", "mask_truths")
    options_type = Options
    metrics = _metrics()

    @property
    def settings(self) -> frozenset[str]:
        """Overlaps and area ranges change the tables that it shares, and none of its scores."""
        return super().settings - {"iou_thresholds", "area_ranges"}

    def problem(self, options: Options) -> str:
        """Thresholds without .50 leave nothing to count."""
        from bench.metrics.protocols import position_of

        if options.iou_thresholds and position_of(OVERLAP, options.iou_thresholds) is None:
            return (
                "precision, recall and F1 need an overlap of 0.5, which is not among these: "
                "add it, or choose other --metrics"
            )
        return ""

    def counted_elsewhere(self, options: Options) -> bool:
        """The family `instance` makes the same tables."""
        return "instance" in options.families

    def count_columns(
        self, options: Options, truth: TruthColumns, detections: DetectionColumns
    ) -> dict[str, Table]:
        """Match the objects of all images at once, unless `instance` does so already."""
        if self.counted_elsewhere(options):
            return {}
        protocol = shared.objects.protocol_of(options)
        return arithmetic.instance.count(truth, detections, kinds=("mask",), protocol=protocol)

    def rules_of(self, classes: Classes, options: Options) -> dict[str, Any]:
        """Classes, protocol, and the score threshold."""
        return {
            "table": "mask",
            "classes": list(classes.names),
            "protocol": "coco",
            "shown_from": options.shown_from,
            **shared.objects.changes(options),
        }

    def truth_rows(self, tables: Mapping[str, Table]) -> Table:
        """True objects per image, class and size range."""
        return arithmetic.instance.truth_rows(tables, kind="mask")

    def score(
        self, tables: Mapping[str, Table], weights: Array, classes: Classes, options: Options
    ) -> Scores:
        """Score N images under weights (B, N).

        The best thresholds are those of all images with weight 1.
        """
        if "shown" not in tables["mask_detections"]:
            tables = self.settled(tables, classes, options)
        ranking, threshold = self._ranking(tables, classes, options)
        above, best = (
            arithmetic.operating_points.of_shown(
                ranking, weights, ranking.detections[column], threshold=threshold
            )
            for column in ("shown", "best")
        )
        return Scores(
            {**above.overall, **{f"best_{name}": v for name, v in best.overall.items()}},
            {**above.per_class, **{f"best_{name}": v for name, v in best.per_class.items()}},
        )

    def settled(
        self, tables: Mapping[str, Table], classes: Classes, options: Options
    ) -> Mapping[str, Table]:
        """Add to the detections of a run whether they are above the asked and the best
        threshold.
        """
        detections = tables["mask_detections"]
        best = self.best_thresholds(tables, classes, options)
        above = {
            "shown": detections["score"] >= options.shown_from,
            "best": detections["score"] >= best[detections["class"]],
        }
        return {**tables, "mask_detections": {**detections, **above}}

    def best_thresholds(
        self, tables: Mapping[str, Table], classes: Classes, options: Options
    ) -> Array:
        """The score threshold of each class with the highest F1, (C,)."""
        ranking, threshold = self._ranking(tables, classes, options)
        return arithmetic.operating_points.best_scores(ranking, threshold=threshold)

    def _ranking(
        self, tables: Mapping[str, Table], classes: Classes, options: Options
    ) -> tuple[Ranking, int]:
        """The ranked tables, and the position of the overlap .5 among the IoU thresholds."""
        from bench.metrics.protocols import position_of

        protocol = shared.objects.protocol_of(options)
        threshold = position_of(OVERLAP, protocol.thresholds)
        return arithmetic.instance.ranking(tables, classes, protocol=protocol), threshold or 0

    def facts(
        self, tables: Mapping[str, Table], classes: Classes, options: Options
    ) -> dict[str, Any]:
        """How many classes the means run over, and at which score thresholds."""
        best = self.best_thresholds(tables, classes, options).tolist()
        thresholds = {
            label: None if isnan(value) else value
            for label, value in zip(classes.names, best, strict=True)
        }
        return {
            **shared.objects.facts_of(tables["mask_truths"], classes),
            "shown_from": options.shown_from,
            "best_scores": thresholds,
            "overlap": OVERLAP,
        }

    def warnings(
        self, tables: Mapping[str, Table], clusters: Array, classes: Classes, options: Options
    ) -> list[Notice]:
        """What maximum detections leave out, and that the protocol is another than COCO's."""
        return shared.objects.shared_notices(tables, options)


FAMILY = OperatingPoints()
