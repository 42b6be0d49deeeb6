"""Objects that a promptable model was pointed at: mean IoU after each number of prompts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.cards import Card
from bench.classes import Classes
from bench.errors import PredictionError
from bench.families import Rules
from bench.metrics import prompted
from bench.metrics.prompted import PromptedScores
from bench.samples import Array, Prediction, PromptedMasks, Sample, Table

GROUP = "prompted"
TABLES = ("prompted",)
METRICS = ("mIoU",)


def suits(card: Card) -> bool:
    """Every data set with objects."""
    return "instance" in card.tasks


def count(card: Card, rules: Rules, sample: Sample, prediction: Prediction, position: int) -> dict[str, Table]:
    """Count the objects of one image.

    Raises:
        PredictionError: another kind of prediction.
    """
    if not isinstance(prediction, PromptedMasks):
        kind = type(prediction).__name__
        raise PredictionError(f"{sample.id}: a prompted evaluation needs the masks that answer prompts, not {kind}")
    return {"prompted": prompted.count(sample.truth.instances(), prediction, image=position)}


def rules_of(classes: Classes, rules: Rules) -> dict[str, Any]:
    """Classes, and what is averaged."""
    return {"table": "prompted", "classes": list(classes.names), "mean": "over objects"}


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """Image and class of every object."""
    return prompted.truth_rows(tables["prompted"])


def score(tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules) -> PromptedScores:
    """Score N images under B rows of weights (B, N)."""
    return prompted.score(tables["prompted"], weights, len(classes))


def leave_out(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> PromptedScores:
    """Score with each cluster left out."""
    return prompted.leave_out(tables["prompted"], clusters, len(classes))


def facts(tables: Mapping[str, Table], classes: Classes, rules: Rules) -> dict[str, Any]:
    """How many objects were asked for, with up to how many prompts."""
    table = tables["prompted"]
    return {"objects": int((table["prompts"] == 1).sum()), "prompts": int(np.max(table["prompts"], initial=1))}


def warnings(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> list[tuple[str, str]]:
    """Where no object was asked for."""
    none = ("no-objects", "the truth of these images holds no object to be pointed at: there are no scores")
    return [] if len(tables["prompted"]["image"]) else [none]
