"""AP^r of SDS on PASCAL VOC, in its form of 2014 (.5 and vol) or of 2015 (.5 and .7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, final

from bench import metrics as arithmetic
from bench.families import shared
from bench.families.contract.family import Scores
from bench.families.shared.coco_metrics import precision_metric
from bench.families.shared.object_family import ObjectFamily

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.classes import Classes
    from bench.samples import Array, Table
    from bench.samples.columns import DetectionColumns, TruthColumns


class Options(NamedTuple):
    """The form of AP^r."""

    voc_form: Literal["2014", "2015"]


@final
class VocInstance(ObjectFamily[Options]):
    """AP^r as SDS computes it."""

    name = "voc_instance"
    group = "voc_instance"
    title = "instances, as VOC scores them"
    prefix = "voc_"
    counted = "all"
    order = 110
    needs = "objects in the layout voc"
    own_protocol = "VOC counts all detections, at the overlaps of --voc-form"
    tables = ("voc_detections", "voc_truths")
    options_type = Options
    metrics = (
        precision_metric(
            "AP50",
            "AP^r of SDS at IoU .50; --voc-form 2014: area under the envelope of the curve",
            "Hariharan et al. 2014",
        ),
        precision_metric(
            "APvol", "--voc-form 2014: mean of AP^r at IoU .1 to .9", "Hariharan et al. 2014"
        ),
        precision_metric(
            "AP70",
            "--voc-form 2015: AP^r at IoU .70, without a second choice",
            "Hariharan et al. 2015",
        ),
    )

    def suits(self, card: Card) -> bool:
        """Objects in the layout of VOC."""
        return "instance" in card.tasks and card.layout == "voc"

    def count_columns(
        self, options: Options, truth: TruthColumns, detections: DetectionColumns
    ) -> dict[str, Table]:
        """Match the objects of all images at once."""
        return arithmetic.voc_instance.count(truth, detections, form=options.voc_form)

    def rules_of(self, classes: Classes, options: Options) -> dict[str, Any]:
        """Classes and form."""
        return {"table": "voc", "classes": list(classes.names), "form": options.voc_form}

    def truth_rows(self, tables: Mapping[str, Table]) -> Table:
        """True objects per image and class."""
        return arithmetic.voc_instance.truth_rows(tables)

    def score(
        self, tables: Mapping[str, Table], weights: Array, classes: Classes, options: Options
    ) -> Scores:
        """Score N images under weights (B, N)."""
        return shared.objects.scores_of(
            arithmetic.voc_instance.score(tables, weights, classes, form=options.voc_form)
        )

    def facts(
        self, tables: Mapping[str, Table], classes: Classes, options: Options
    ) -> dict[str, Any]:
        """How many classes the means run over, and the form."""
        return {
            **shared.objects.facts_of(tables["voc_truths"], classes),
            "form": options.voc_form,
        }


FAMILY = VocInstance()
