"""Objects by their boxes: COCO's AP and AR."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, final

from bench import metrics as arithmetic
from bench.families import shared
from bench.families.shared.coco_family import CocoFamily
from bench.families.shared.coco_metrics import coco_metrics

if TYPE_CHECKING:
    from bench.classes import Classes
    from bench.families.contract.rules import Source
    from bench.notices import Notice
    from bench.samples import Table
    from bench.samples.columns import DetectionColumns, TruthColumns


class Options(NamedTuple):
    """Other settings than COCO's, and the families that share these tables."""

    families: tuple[str, ...]
    max_detections: tuple[int, ...] | None
    iou_thresholds: tuple[float, ...] | None
    area_ranges: tuple[tuple[str, float, float], ...] | None


@final
class Boxes(CocoFamily[Options]):
    """COCO's AP and AR by boxes."""

    name = "boxes"
    group = "boxes"
    title = "instances, by boxes"
    prefix = "box_"
    counted = "default"
    order = 60
    needs_masks = False
    tables = ("box_detections", "box_truths")
    kind = "box"
    options_type = Options
    metrics = coco_metrics("by boxes")

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
        return arithmetic.instance.count(truth, detections, kinds=("box",), protocol=protocol)

    def rules_of(self, classes: Classes, options: Options) -> dict[str, Any]:
        """Classes and protocol."""
        return {
            "table": "box",
            "classes": list(classes.names),
            "protocol": "coco",
            **shared.objects.changes(options),
        }

    def doubts(
        self, tables: Mapping[str, Table], classes: Classes, options: Options, source: Source
    ) -> list[Notice]:
        """As for masks, unless the family `instance` reports them already."""
        from bench.families.doubts import object_doubts

        if self.counted_elsewhere(options):
            return []
        return object_doubts.of_objects(tables, "box_detections", "box_truths", classes, source)


FAMILY = Boxes()
