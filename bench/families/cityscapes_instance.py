"""Instance AP as Cityscapes scores it, and of near objects where the data set has distances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, final

from bench import metrics as arithmetic
from bench.families import shared
from bench.families.contract.family import Family, NoOptions, Scores
from bench.families.shared.coco_metrics import precision_metric

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.classes import Classes
    from bench.samples import Array, Prediction, Sample, Table


@final
class CityscapesInstance(Family[NoOptions]):
    """AP by the rules of cityscapesScripts."""

    name = "cityscapes_instance"
    group = "cityscapes_instance"
    title = "instances, as Cityscapes scores them"
    task = "instance"
    prefix = "cityscapes_"
    counted = "default"
    order = 80
    needs = "objects in the layout cityscapes"
    needs_whole_truth = True
    own_protocol = "Cityscapes counts all detections, at overlaps from .50 to .95"
    tables = ("cityscapes_detections", "cityscapes_truths")
    options_type = NoOptions
    metrics = (
        precision_metric(
            "AP",
            "AP by the trapezoid rule; detections on void and groups are ignored",
            "cityscapesScripts",
        ),
        precision_metric("AP50", "the same AP at IoU .50", "cityscapesScripts"),
        precision_metric(
            "AP100m", "AP of objects within 100 m: an approximation from distances", "Cityscapes"
        ),
        precision_metric(
            "AP50m", "AP of objects within 50 m: an approximation from distances", "Cityscapes"
        ),
    )

    def suits(self, card: Card) -> bool:
        """Data sets in the layout of Cityscapes, whose ground truth marks void and groups."""
        return {"instance", "panoptic"} <= set(card.tasks) and card.layout == "cityscapes"

    def count(
        self,
        card: Card,
        options: NoOptions,
        sample: Sample,
        prediction: Prediction,
        *,
        position: int,
    ) -> dict[str, Table]:
        """Match the objects of one image."""
        from bench.errors import PredictionError
        from bench.samples import Instances

        if not isinstance(prediction, Instances):
            kind = type(prediction).__name__
            raise PredictionError(
                f"{sample.id}: an instance evaluation needs detections with scores, not {kind}"
            )
        distance = sample.read_depth() if sample.read_depth else None
        truth, void = sample.truth.segments_and_void()
        return arithmetic.cityscapes_instance.count(
            truth, prediction, card.classes, void=void, distance=distance, image=position
        )

    def rules_of(self, classes: Classes, options: NoOptions) -> dict[str, Any]:
        """Classes and protocol."""
        return {
            "table": "cityscapes",
            "classes": list(classes.names),
            "protocol": "cityscapes",
        }

    def truth_rows(self, tables: Mapping[str, Table]) -> Table:
        """True objects per image, class and reach."""
        return arithmetic.cityscapes_instance.truth_rows(tables)

    def score(
        self, tables: Mapping[str, Table], weights: Array, classes: Classes, options: NoOptions
    ) -> Scores:
        """Score N images under weights (B, N); of near objects too where distances were known."""
        near = bool((tables["cityscapes_truths"]["size"] > 0).any())
        return shared.objects.scores_of(
            arithmetic.cityscapes_instance.score(tables, weights, classes, near=near)
        )

    def facts(
        self, tables: Mapping[str, Table], classes: Classes, options: NoOptions
    ) -> dict[str, Any]:
        """How many classes the means run over."""
        return shared.objects.facts_of_all_sizes(tables["cityscapes_truths"], classes)


FAMILY = CityscapesInstance()
