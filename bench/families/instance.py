"""Objects by their masks: COCO's AP and AR."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, final

from bench import metrics as arithmetic
from bench.families import shared
from bench.families.shared.coco_family import CocoFamily
from bench.families.shared.coco_metrics import coco_metrics

if TYPE_CHECKING:
    from bench.classes import Classes
    from bench.families.contract.rules import Source
    from bench.metrics import instance
    from bench.notices import Notice
    from bench.samples import Table
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
class Instance(CocoFamily[Options]):
    """COCO's AP and AR by masks."""

    name = "instance"
    group = "instance"
    title = "instances, by masks"
    counted = "default"
    order = 50
    tables = ("mask_detections", "mask_truths")
    kind = "mask"
    options_type = Options
    metrics = coco_metrics("by masks")

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

    def doubts(
        self, tables: Mapping[str, Table], classes: Classes, options: Options, source: Source
    ) -> list[Notice]:
        """Objects that are found as other classes, and classes that are never predicted."""
        from bench.families.doubts import object_doubts

        return object_doubts.of_objects(tables, "mask_detections", "mask_truths", classes, source)


FAMILY = Instance()
