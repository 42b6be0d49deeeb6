"""Cityscapes' own scores beside mIoU: IoU of categories, and iIoU, in which objects count alike whatever their size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.cards import Card
from bench.classes import Classes
from bench.errors import PredictionError, UsageError
from bench.families import Rules, Source
from bench.families import pixels as family
from bench.metrics import weighted
from bench.notices import Notice
from bench.samples import Array, LabelMap, Prediction, Sample, Table

GROUP = "semantic"
TABLES = ("pixels", "weighted")
METRICS = (*weighted.OVERALL,)


def suits(card: Card) -> bool:
    """Data sets with objects in the classes of Cityscapes."""
    try:
        weighted.average_sizes(card.classes)
    except UsageError:
        return False
    return {"semantic", "instance"} <= set(card.tasks) and bool(card.classes.things.any())


def count(card: Card, rules: Rules, sample: Sample, prediction: Prediction, position: int) -> dict[str, Table]:
    """Count the objects of one image, and its pixels unless the family `pixels` does so already."""
    if not isinstance(prediction, LabelMap):
        raise PredictionError(f"{sample.id}: iIoU needs a label map, not {type(prediction).__name__}")
    tables = {} if "pixels" in rules.families else family.count(card, rules, sample, prediction, position)
    sizes = weighted.average_sizes(card.classes)
    truth, segments = sample.truth.semantic(), sample.truth.segments()
    found = weighted.count(
        truth, segments, prediction, card.classes, sizes, prediction_ids=prediction.ids, image=position
    )
    return {**tables, **found}


def rules_of(classes: Classes, rules: Rules) -> dict[str, Any]:
    """Classes and their categories."""
    return {"table": "weighted", "classes": [[entry.name, entry.category] for entry in classes.scored]}


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """How many objects of each class every image has."""
    return weighted.truth_rows(tables)


def score(tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules) -> weighted.WeightedScores:
    """Score N images under B rows of weights (B, N)."""
    return weighted.score(tables, weights, classes, classes_in=rules.classes_in or family.CLASSES_IN)


def leave_out(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> weighted.WeightedScores:
    """Score with each cluster left out."""
    return weighted.leave_out(tables, clusters, classes, classes_in=rules.classes_in or family.CLASSES_IN)


def facts(tables: Mapping[str, Table], classes: Classes, rules: Rules) -> dict[str, Any]:
    """Nothing beside the scores."""
    return {}


def doubts(tables: Mapping[str, Table], classes: Classes, rules: Rules, source: Source) -> list[Notice]:
    """What the pixels say, unless the family `pixels` says so already."""
    return [] if "pixels" in rules.families else family.doubts(tables, classes, rules, source)


def warnings(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> list[tuple[str, str]]:
    """Nothing beyond what the pixels say."""
    return []
