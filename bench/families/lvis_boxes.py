"""Objects of a long list of classes by their boxes, as LVIS scores them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, final

from bench import metrics as arithmetic
from bench.families import shared
from bench.families.shared.lvis_family import LvisFamily
from bench.families.shared.lvis_metrics import lvis_metrics

if TYPE_CHECKING:
    from bench.classes import Classes
    from bench.families.contract.rules import Source
    from bench.notices import Notice
    from bench.samples import Table
    from bench.samples.columns import DetectionColumns, TruthColumns


class Options(NamedTuple):
    """The families that are counted too."""

    families: tuple[str, ...]


@final
class LvisBoxes(LvisFamily[Options]):
    """AP and AR of LVIS by boxes."""

    name = "lvis_boxes"
    group = "lvis_boxes"
    title = "instances by boxes, as LVIS scores them"
    prefix = "lvis_box_"
    counted = "default"
    order = 100
    needs_masks = False
    tables = ("lvis_box_detections", "lvis_box_truths")
    kind = "box"
    options_type = Options
    metrics = lvis_metrics("by boxes")

    def count_columns(
        self, options: Options, truth: TruthColumns, detections: DetectionColumns
    ) -> dict[str, Table]:
        """Match the objects of all images at once."""
        absent = shared.lvis_objects.lists_of(truth)
        return arithmetic.lvis.count(truth, detections, *absent, kind=self.kind)

    def doubts(
        self, tables: Mapping[str, Table], classes: Classes, options: Options, source: Source
    ) -> list[Notice]:
        """As for masks, unless the family `lvis` reports them already."""
        if "lvis" in options.families:
            return []
        return super().doubts(tables, classes, options, source)


FAMILY = LvisBoxes()
