"""Calibration of a model's confidence: expected and largest calibration error, over pixels by bins of confidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.cards import Card
from bench.classes import Classes
from bench.errors import PredictionError
from bench.families import Rules
from bench.metrics import calibration
from bench.samples import Array, LabelMap, Prediction, Sample, Table

GROUP = "calibration"
TABLES = ("calibration",)
METRICS = ("ECE", "MCE")


def suits(card: Card) -> bool:
    """Every data set with a class for every pixel."""
    return "semantic" in card.tasks


def count(card: Card, rules: Rules, sample: Sample, prediction: Prediction, position: int) -> dict[str, Table]:
    """Count the pixels of one image by predicted class and confidence.

    Raises:
        PredictionError: the prediction says only which class, not how sure of it.
    """
    if not isinstance(prediction, LabelMap) or prediction.confidence is None:
        raise PredictionError(
            f"{sample.id}: calibration needs how sure a model is of every pixel; "
            "bench run knows that, stored label maps do not"
        )
    truth = sample.truth.semantic()
    return calibration.count(truth, prediction, prediction.confidence, card.classes, image=position, where=sample.id)


def rules_of(classes: Classes, rules: Rules) -> dict[str, Any]:
    """Classes and bins."""
    return {"table": "calibration", "classes": list(classes.names), "bins": calibration.BINS}


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """The valid pixels of every image."""
    return calibration.truth_rows(tables)


def score(tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules) -> calibration.CalibrationScores:
    """Score N images under B rows of weights (B, N)."""
    return calibration.score(tables, weights, classes)


def leave_out(
    tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules
) -> calibration.CalibrationScores:
    """Score with each cluster left out."""
    return calibration.leave_out(tables, clusters, classes)


def facts(tables: Mapping[str, Table], classes: Classes, rules: Rules) -> dict[str, Any]:
    """How many bins."""
    return {"bins": calibration.BINS}


def warnings(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> list[tuple[str, str]]:
    """Nothing beside the scores."""
    return []
