"""Objects by their masks: COCO's AP and AR."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.cards import Card
from bench.classes import Classes
from bench.errors import PredictionError
from bench.families import Rules
from bench.metrics import instance
from bench.samples import Array, Instances, Prediction, Sample, Table
from bench.samples.columns import DetectionColumns, TruthColumns

GROUP = "instance"
KIND = "mask"
TABLES = ("mask_detections", "mask_truths")
METRICS = (*instance.OVERALL,)


def suits(card: Card) -> bool:
    """Every data set with objects, but those whose images tell only some classes."""
    return "instance" in card.tasks and card.layout != "lvis"


def count(card: Card, rules: Rules, sample: Sample, prediction: Prediction, position: int) -> dict[str, Table]:
    """Match the objects of one image, by boxes too if that family is asked for."""
    kinds: tuple[instance.Kind, ...] = ("mask", "box") if "boxes" in rules.families else ("mask",)
    return count_kinds(rules, sample, prediction, position, kinds)


def count_kinds(
    rules: Rules, sample: Sample, prediction: Prediction, position: int, kinds: tuple[instance.Kind, ...]
) -> dict[str, Table]:
    """Match the objects of one image by masks, boxes or both.

    Raises:
        PredictionError: another kind of prediction.
    """
    truth, found = columns_of(sample, prediction)
    tables = instance.count(truth, found, kinds=kinds, area_from=rules.area_from)
    return {name: {**table, "image": np.full_like(table["image"], position)} for name, table in tables.items()}


def columns_of(sample: Sample, prediction: Prediction) -> tuple[TruthColumns, DetectionColumns]:
    """The objects of one image as columns.

    Raises:
        PredictionError: another kind of prediction, or masks of another size than the truth.
    """
    if not isinstance(prediction, Instances):
        kind = type(prediction).__name__
        raise PredictionError(f"{sample.id}: an instance evaluation needs detections with scores, not {kind}")
    truth = sample.truth.instances()
    if prediction.size != truth.size and len(prediction):
        (tall, wide), (height, width) = prediction.size, truth.size
        raise PredictionError(
            f"{sample.id}: the predicted masks are {tall}x{wide} pixels (height x width) but the truth is "
            f"{height}x{width}: predictions have the size of the truth"
        )
    return instance.columns([truth], [prediction])


def count_columns(rules: Rules, truth: TruthColumns, detections: DetectionColumns) -> dict[str, Table]:
    """Match the objects of all images at once, by boxes too if that family is asked for."""
    kinds: tuple[instance.Kind, ...] = ("mask", "box") if "boxes" in rules.families else ("mask",)
    return instance.count(truth, detections, kinds=kinds, area_from=rules.area_from)


def rules_of(classes: Classes, rules: Rules) -> dict[str, Any]:
    """Classes and protocol."""
    return {"table": KIND, "classes": list(classes.names), "protocol": "coco", "area_from": rules.area_from}


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """True objects per image, class and size range."""
    return instance.truth_rows(tables, kind=KIND)


def score(tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules) -> instance.InstanceScores:
    """Score N images under B rows of weights (B, N)."""
    return instance.score(tables, weights, classes, kind=KIND)


def score_only(
    tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules, name: str
) -> instance.InstanceScores:
    """The score of this name alone, to the bit as `score` has it."""
    return instance.score(tables, weights, classes, kind=KIND, only=name)


def leave_out(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> None:
    """None: AP is made of steps, which the delete-one jackknife fails; its interval comes from the bootstrap."""
    return


def facts(tables: Mapping[str, Table], classes: Classes, rules: Rules) -> dict[str, Any]:
    """How many classes the means run over."""
    return facts_of(tables["mask_truths"], classes)


def facts_of(truths: Table, classes: Classes) -> dict[str, Any]:
    """How many classes have an object to be found."""
    scored = int(np.count_nonzero(np.bincount(truths["class"][truths["objects"] > 0])))
    return {"classes": {"scored": scored, "of": len(classes), "in": "truth"}}


def warnings(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> list[tuple[str, str]]:
    """Nothing beside the scores."""
    return []
