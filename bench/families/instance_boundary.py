"""Boundary AP: COCO's AP and AR by the smaller of mask IoU and boundary IoU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, final

from bench import metrics as arithmetic
from bench.families import shared
from bench.families.contract.family import Curve, Family, Scores
from bench.families.contract.metric import Metric
from bench.families.shared.coco_metrics import coco_metrics, renamed

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.classes import Classes
    from bench.notices import Notice
    from bench.samples import Array, Prediction, Sample, Table
    from bench.samples.columns import DetectionColumns, TruthColumns


class Options(NamedTuple):
    """Other settings than COCO's, and the width of boundaries as a fraction of the diagonal."""

    area_from: Literal["mask", "box"]
    boundary_ratio: float
    max_detections: tuple[int, ...] | None
    iou_thresholds: tuple[float, ...] | None
    area_ranges: tuple[tuple[str, float, float], ...] | None


@final
class InstanceBoundary(Family[Options]):
    """COCO's AP and AR by boundaries."""

    name = "instance_boundary"
    group = "instance_boundary"
    title = "instances, by boundaries"
    task = "instance"
    prefix = "boundary_"
    counted = "all"
    order = 70
    tables = ("boundary_detections", "boundary_truths")
    options_type = Options
    metrics = coco_metrics("by the smaller of mask IoU and boundary IoU", "boundary-iou-api")

    def suits(self, card: Card) -> bool:
        """Data sets with objects, except those whose images are annotated for some classes only."""
        return shared.objects.suits(card)

    def metrics_under(self, options: Options) -> tuple[Metric, ...]:
        """COCO's metrics, or those of other maximum detections, thresholds and area ranges."""
        return renamed(self.metrics, shared.objects.names_under(options))

    def count(
        self, card: Card, options: Options, sample: Sample, prediction: Prediction, *, position: int
    ) -> dict[str, Table]:
        """Match the objects of one image by their boundaries."""
        tables = self.count_columns(options, *shared.objects.columns_of(sample, prediction))
        return shared.objects.at_position(tables, position)

    def count_columns(
        self, options: Options, truth: TruthColumns, detections: DetectionColumns
    ) -> dict[str, Table]:
        """Match the objects of all images at once."""
        return arithmetic.instance.count(
            truth,
            detections,
            kinds=("boundary",),
            area_from=options.area_from,
            protocol=shared.objects.protocol_of(options),
            boundary_ratio=options.boundary_ratio,
        )

    def rules_of(self, classes: Classes, options: Options) -> dict[str, Any]:
        """Those of mask AP, with the width of boundaries."""
        return {
            "table": "boundary",
            "classes": list(classes.names),
            "protocol": "coco",
            "area_from": options.area_from,
            **shared.objects.changes(options),
            "boundary_ratio": options.boundary_ratio,
        }

    def truth_rows(self, tables: Mapping[str, Table]) -> Table:
        """True objects per image, class and size range."""
        return arithmetic.instance.truth_rows(tables, kind="boundary")

    def score(
        self, tables: Mapping[str, Table], weights: Array, classes: Classes, options: Options
    ) -> Scores:
        """Score N images under weights (B, N)."""
        return shared.objects.coco_scores(tables, weights, classes, options, kind="boundary")

    def score_only(
        self,
        tables: Mapping[str, Table],
        weights: Array,
        classes: Classes,
        options: Options,
        *,
        name: str,
    ) -> Scores:
        """The score of this name alone, to the bit as `score` has it."""
        return shared.objects.coco_scores(
            tables, weights, classes, options, kind="boundary", only=name
        )

    def curves(
        self, tables: Mapping[str, Table], classes: Classes, options: Options
    ) -> list[Curve]:
        """Precision at 101 recalls of every class and overlap."""
        return shared.objects.coco_curves(tables, classes, options, kind="boundary")

    def facts(
        self, tables: Mapping[str, Table], classes: Classes, options: Options
    ) -> dict[str, Any]:
        """How many classes the means run over, by which protocol, and how wide boundaries are."""
        return {
            **shared.objects.facts_of(tables["boundary_truths"], classes),
            **shared.objects.protocol_facts(options),
            "boundary_ratio": options.boundary_ratio,
        }

    def warnings(
        self, tables: Mapping[str, Table], clusters: Array, classes: Classes, options: Options
    ) -> list[Notice]:
        """What maximum detections leave out, and that the protocol is another than COCO's."""
        return shared.objects.notices_of(tables, "boundary_truths", len(clusters), options)


FAMILY = InstanceBoundary()
