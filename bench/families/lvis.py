"""Objects of a long list of classes by their masks, as LVIS scores them: AP of rare, common and
frequent classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, final

from bench import metrics as arithmetic
from bench.families import shared
from bench.families.shared.lvis_family import LvisFamily
from bench.families.shared.lvis_metrics import lvis_metrics

if TYPE_CHECKING:
    from bench.classes import Classes
    from bench.samples import Table
    from bench.samples.columns import DetectionColumns, TruthColumns


class Options(NamedTuple):
    """Whether the area of a detection is that of its mask or of its box."""

    area_from: Literal["mask", "box"]


@final
class Lvis(LvisFamily[Options]):
    """AP and AR of LVIS by masks."""

    name = "lvis"
    group = "lvis"
    title = "instances, as LVIS scores them"
    prefix = "lvis_"
    counted = "default"
    order = 90
    tables = ("lvis_detections", "lvis_truths")
    kind = "mask"
    options_type = Options
    metrics = lvis_metrics("by masks")

    def count_columns(
        self, options: Options, truth: TruthColumns, detections: DetectionColumns
    ) -> dict[str, Table]:
        """Match the objects of all images at once."""
        absent = shared.lvis_objects.lists_of(truth)
        return arithmetic.lvis.count(
            truth, detections, *absent, kind=self.kind, area_from=options.area_from
        )

    def rules_of(self, classes: Classes, options: Options) -> dict[str, Any]:
        """Classes with their frequencies, protocol, and how the area of a detection is measured."""
        return {**super().rules_of(classes, options), "area_from": options.area_from}


FAMILY = Lvis()
