"""Calibration of a model's confidence: expected and largest error, over pixels by bins."""

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
class Calibration(Family[NoOptions]):
    """Calibration errors of pixels."""

    name = "calibration"
    group = "calibration"
    title = "calibration"
    task = "semantic"
    order = 40
    needs_confidence = True
    tables = ("calibration",)
    options_type = NoOptions
    metrics = (
        fraction(
            "ECE",
            "ECE",
            meaning="mean over pixels of the gap between confidence and accuracy, in 15 bins",
            reference="Guo et al. 2017",
            better="lower",
            per_class="ECE",
        ),
        fraction(
            "MCE",
            "MCE",
            meaning="the largest of these gaps over bins",
            reference="Guo et al. 2017",
            better="lower",
        ),
    )

    def suits(self, card: Card) -> bool:
        """Every data set with a class for every pixel."""
        return "semantic" in card.tasks

    def count(
        self,
        card: Card,
        options: NoOptions,
        sample: Sample,
        prediction: Prediction,
        *,
        position: int,
    ) -> dict[str, Table]:
        """Count the pixels of one image by predicted class and confidence.

        Raises:
            PredictionError: the prediction holds classes without their confidence.
        """
        from bench.errors import PredictionError
        from bench.samples import LabelMap

        if not isinstance(prediction, LabelMap) or prediction.confidence is None:
            raise PredictionError(
                f"{sample.id}: calibration needs how sure a model is of every pixel; "
                "bench run knows that, stored label maps do not"
            )
        return arithmetic.calibration.count(
            sample.truth.semantic(),
            prediction,
            prediction.confidence,
            card.classes,
            image=position,
            where=sample.id,
        )

    def rules_of(self, classes: Classes, options: NoOptions) -> dict[str, Any]:
        """Classes and bins."""
        return {
            "table": "calibration",
            "classes": list(classes.names),
            "bins": arithmetic.calibration.BINS,
        }

    def truth_rows(self, tables: Mapping[str, Table]) -> Table:
        """The valid pixels of every image."""
        return arithmetic.calibration.truth_rows(tables)

    def score(
        self, tables: Mapping[str, Table], weights: Array, classes: Classes, options: NoOptions
    ) -> Scores:
        """Score N images under weights (B, N)."""
        scored = arithmetic.calibration.score(tables, weights, classes)
        return Scores(scored.overall, scored.per_class)

    def leave_out(
        self, tables: Mapping[str, Table], clusters: Array, classes: Classes, options: NoOptions
    ) -> Scores:
        """Score with each cluster left out."""
        scored = arithmetic.calibration.leave_out(tables, clusters, classes)
        return Scores(scored.overall, scored.per_class)

    def facts(
        self, tables: Mapping[str, Table], classes: Classes, options: NoOptions
    ) -> dict[str, Any]:
        """How many bins."""
        return {"bins": arithmetic.calibration.BINS}


FAMILY = Calibration()
