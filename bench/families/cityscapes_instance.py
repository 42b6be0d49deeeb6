"""Instance AP as Cityscapes scores it, and of near objects where the data set has distances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.cards import Card
from bench.classes import Classes
from bench.errors import PredictionError
from bench.families import Rules
from bench.families import instance as family
from bench.metrics import cityscapes_instance
from bench.metrics.average_precision import InstanceScores
from bench.samples import Array, Instances, Prediction, Sample, Table

GROUP = "cityscapes_instance"
TABLES = ("cityscapes_detections", "cityscapes_truths")
METRICS = tuple(f"cityscapes_{name}" for name in (*cityscapes_instance.OVERALL, *cityscapes_instance.NEAR))
leave_out = family.leave_out
warnings = family.nothing_to_say


def suits(card: Card) -> bool:
    """Data sets in the layout of Cityscapes, whose truth says what is void and what is a group."""
    return {"instance", "panoptic"} <= set(card.tasks) and card.layout == "cityscapes"


def count(card: Card, rules: Rules, sample: Sample, prediction: Prediction, position: int) -> dict[str, Table]:
    """Match the objects of one image."""
    if not isinstance(prediction, Instances):
        kind = type(prediction).__name__
        raise PredictionError(f"{sample.id}: an instance evaluation needs detections with scores, not {kind}")
    distance = sample.read_depth() if sample.read_depth else None
    truth, void = sample.truth.segments_and_void()
    return cityscapes_instance.count(truth, prediction, card.classes, void=void, distance=distance, image=position)


def rules_of(classes: Classes, rules: Rules) -> dict[str, Any]:
    """Classes and protocol."""
    return {"table": "cityscapes", "classes": list(classes.names), "protocol": "cityscapes"}


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """True objects per image, class and reach."""
    return cityscapes_instance.truth_rows(tables)


def score(tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules) -> InstanceScores:
    """Score N images under B rows of weights (B, N); of near objects too where distances were known."""
    near = bool((tables["cityscapes_truths"]["size"] > 0).any())
    return cityscapes_instance.score(tables, weights, classes, near=near)


def facts(tables: Mapping[str, Table], classes: Classes, rules: Rules) -> dict[str, Any]:
    """How many classes the means run over."""
    truths = tables["cityscapes_truths"]
    whole = truths["size"] == 0
    return family.facts_of({name: column[whole] for name, column in truths.items()}, classes)
