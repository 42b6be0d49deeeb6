"""Boundary AP: COCO's AP and AR by the smaller of mask IoU and boundary IoU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, final

from bench import metrics as arithmetic
from bench.families import shared
from bench.families.shared.coco_family import CocoFamily
from bench.families.shared.coco_metrics import coco_metrics

if TYPE_CHECKING:
    from bench.classes import Classes
    from bench.samples import Table
    from bench.samples.columns import DetectionColumns, TruthColumns


class Options(NamedTuple):
    """Other settings than COCO's, and the width of boundaries as a fraction of the diagonal."""

    area_from: Literal["mask", "box"]
    boundary_ratio: float
    max_detections: tuple[int, ...] | None
    iou_thresholds: tuple[float, ...] | None
    area_ranges: tuple[tuple[str, float, float], ...] | None


@final
class InstanceBoundary(CocoFamily[Options]):
    """COCO's AP and AR by boundaries."""

    name = "instance_boundary"
    group = "instance_boundary"
    title = "instances, by boundaries"
    prefix = "boundary_"
    counted = "all"
    order = 70
    tables = ("boundary_detections", "boundary_truths")
    kind = "boundary"
    options_type = Options
    metrics = coco_metrics("by the smaller of mask IoU and boundary IoU", "boundary-iou-api")

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

    def facts(
        self, tables: Mapping[str, Table], classes: Classes, options: Options
    ) -> dict[str, Any]:
        """How many classes the means run over, by which protocol, and how wide boundaries are."""
        return {
            **super().facts(tables, classes, options),
            "boundary_ratio": options.boundary_ratio,
        }


FAMILY = InstanceBoundary()
