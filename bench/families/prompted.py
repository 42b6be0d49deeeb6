"""Masks that a promptable model returns for prompts: mean IoU after each number of prompts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, final

from bench import metrics as arithmetic
from bench.families.contract.family import Family, NoOptions, Scores
from bench.families.contract.metric import fraction

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.classes import Classes
    from bench.samples import Array, Prediction, Sample, Table


@final
class Prompted(Family[NoOptions]):
    """IoU of prompted masks."""

    name = "prompted"
    group = "prompted"
    title = "objects that were pointed at"
    task = "prompted"
    counted = "default"
    order = 170
    tables = ("prompted",)
    options_type = NoOptions
    metrics = (
        fraction(
            "mIoU",
            "mIoU",
            meaning="mean over objects of their IoU after the last prompt; "
            "mIoU@3 after three points, mIoU@1 after one point or a box",
            reference="Kirillov et al. 2023, RITM",
            per_class="IoU",
            leading=True,
        ),
        fraction(
            "IoU",
            "IoU",
            meaning="per class: mean over its objects of their IoU after the last prompt",
            reference="Kirillov et al. 2023, RITM",
            per_class="IoU",
        ),
    )

    def suits(self, card: Card) -> bool:
        """Every data set with objects."""
        return "instance" in card.tasks

    def count(
        self,
        card: Card,
        options: NoOptions,
        sample: Sample,
        prediction: Prediction,
        *,
        position: int,
    ) -> dict[str, Table]:
        """Count the objects of one image.

        Raises:
            PredictionError: another kind of prediction.
        """
        from bench.errors import PredictionError
        from bench.samples import PromptedMasks

        if not isinstance(prediction, PromptedMasks):
            kind = type(prediction).__name__
            raise PredictionError(
                f"{sample.id}: a prompted evaluation needs the masks that answer prompts, not "
                f"{kind}"
            )
        truth = sample.truth.instances()
        return {"prompted": arithmetic.prompted.count(truth, prediction, image=position)}

    def rules_of(self, classes: Classes, options: NoOptions) -> dict[str, Any]:
        """Classes, and what is averaged."""
        return {"table": "prompted", "classes": list(classes.names), "mean": "over objects"}

    def truth_rows(self, tables: Mapping[str, Table]) -> Table:
        """Image and class of every object."""
        return arithmetic.prompted.truth_rows(tables["prompted"])

    def score(
        self, tables: Mapping[str, Table], weights: Array, classes: Classes, options: NoOptions
    ) -> Scores:
        """Score N images under weights (B, N)."""
        scored = arithmetic.prompted.score(tables["prompted"], weights, len(classes))
        return Scores(scored.overall, scored.per_class)

    def leave_out(
        self, tables: Mapping[str, Table], clusters: Array, classes: Classes, options: NoOptions
    ) -> Scores:
        """Score with each cluster left out."""
        scored = arithmetic.prompted.leave_out(tables["prompted"], clusters, len(classes))
        return Scores(scored.overall, scored.per_class)

    def per_image(
        self, tables: Mapping[str, Table], images: int, classes: Classes, options: NoOptions
    ) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
        """The scores of every image, and its IoU of every class."""
        scored = arithmetic.prompted.per_image(tables["prompted"], images, len(classes))
        return scored.overall, {"IoU": scored.per_class["IoU"]}

    def facts(
        self, tables: Mapping[str, Table], classes: Classes, options: NoOptions
    ) -> dict[str, Any]:
        """How many objects were asked for, with up to how many prompts."""
        prompts = tables["prompted"]["prompts"]
        return {
            "objects": int((prompts == 1).sum()),
            "prompts": int(prompts.max(initial=1)),
        }

    def warnings(
        self, tables: Mapping[str, Table], clusters: Array, classes: Classes, options: NoOptions
    ) -> list[tuple[str, str]]:
        """Where no object was asked for."""
        if len(tables["prompted"]["image"]):
            return []
        message = "the truth of these images holds no object to be pointed at: there are no scores"
        return [("no-objects", message)]


FAMILY = Prompted()
