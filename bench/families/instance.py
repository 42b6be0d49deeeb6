"""Objects by their masks: COCO's AP and AR."""

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
    from bench.families.contract.rules import Source
    from bench.metrics import instance
    from bench.notices import Notice
    from bench.samples import Array, Prediction, Sample, Table
    from bench.samples.columns import DetectionColumns, TruthColumns


class Options(NamedTuple):
    """Other settings than COCO's, and the families that share these tables."""

    families: tuple[str, ...]
    area_from: Literal["mask", "box"]
    max_detections: tuple[int, ...] | None
    iou_thresholds: tuple[float, ...] | None
    area_ranges: tuple[tuple[str, float, float], ...] | None

    @property
    def kinds(self) -> tuple[instance.Kind, ...]:
        """By what objects are matched: boxes too where that family is counted."""
        return ("mask", "box") if "boxes" in self.families else ("mask",)


@final
class Instance(Family[Options]):
    """COCO's AP and AR by masks."""

    name = "instance"
    group = "instance"
    title = "instances, by masks"
    task = "instance"
    counted = "default"
    order = 50
    tables = ("mask_detections", "mask_truths")
    options_type = Options
    metrics = coco_metrics("by masks")

    def suits(self, card: Card) -> bool:
        """Data sets with objects, except those whose images are annotated for some classes only."""
        return shared.objects.suits(card)

    def metrics_under(self, options: Options) -> tuple[Metric, ...]:
        """COCO's metrics, or those of other maximum detections, thresholds and area ranges."""
        return renamed(self.metrics, shared.objects.names_under(options))

    def count(
        self, card: Card, options: Options, sample: Sample, prediction: Prediction, *, position: int
    ) -> dict[str, Table]:
        """Match the objects of one image, by boxes too if that family is counted."""
        tables = self.count_columns(options, *shared.objects.columns_of(sample, prediction))
        return shared.objects.at_position(tables, position)

    def count_columns(
        self, options: Options, truth: TruthColumns, detections: DetectionColumns
    ) -> dict[str, Table]:
        """Match the objects of all images at once, by boxes too if that family is counted."""
        return arithmetic.instance.count(
            truth,
            detections,
            kinds=options.kinds,
            area_from=options.area_from,
            protocol=shared.objects.protocol_of(options),
        )

    def rules_of(self, classes: Classes, options: Options) -> dict[str, Any]:
        """Classes and protocol."""
        return {
            "table": "mask",
            "classes": list(classes.names),
            "protocol": "coco",
            "area_from": options.area_from,
            **shared.objects.changes(options),
        }

    def truth_rows(self, tables: Mapping[str, Table]) -> Table:
        """True objects per image, class and size range."""
        return arithmetic.instance.truth_rows(tables, kind="mask")

    def score(
        self, tables: Mapping[str, Table], weights: Array, classes: Classes, options: Options
    ) -> Scores:
        """Score N images under weights (B, N)."""
        return shared.objects.coco_scores(tables, weights, classes, options, kind="mask")

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
        return shared.objects.coco_scores(tables, weights, classes, options, kind="mask", only=name)

    def curves(
        self, tables: Mapping[str, Table], classes: Classes, options: Options
    ) -> list[Curve]:
        """Precision at 101 recalls of every class and overlap."""
        return shared.objects.coco_curves(tables, classes, options, kind="mask")

    def facts(
        self, tables: Mapping[str, Table], classes: Classes, options: Options
    ) -> dict[str, Any]:
        """How many classes the means run over, and by which protocol."""
        return {
            **shared.objects.facts_of(tables["mask_truths"], classes),
            **shared.objects.protocol_facts(options),
        }

    def doubts(
        self, tables: Mapping[str, Table], classes: Classes, options: Options, source: Source
    ) -> list[Notice]:
        """Objects that are found as other classes, and classes that are never predicted."""
        from bench.families.doubts import object_doubts

        return object_doubts.of_objects(tables, "mask_detections", "mask_truths", classes, source)

    def warnings(
        self, tables: Mapping[str, Table], clusters: Array, classes: Classes, options: Options
    ) -> list[Notice]:
        """What maximum detections leave out, and that the protocol is another than COCO's."""
        return shared.objects.notices_of(tables, "mask_truths", len(clusters), options)


FAMILY = Instance()
