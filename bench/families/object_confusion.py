"""Which class detections take objects for, whatever their own: how many are found, and how many of those rightly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.cards import Card
from bench.classes import Classes
from bench.families import Rules
from bench.families import instance as family
from bench.metrics import object_confusion
from bench.metrics.matching import mask_overlaps
from bench.metrics.object_confusion import ConfusionScores
from bench.samples import Array, Prediction, Sample, Table
from bench.samples.columns import DetectionColumns, TruthColumns

GROUP = "object_confusion"
TABLES = ("confused", "confused_truths")
METRICS = tuple(f"object_{name}" for name in object_confusion.NAMES)
suits = family.suits
leave_out = family.leave_out
warnings = family.nothing_to_say


def count(card: Card, rules: Rules, sample: Sample, prediction: Prediction, position: int) -> dict[str, Table]:
    """Match the objects of one image."""
    tables = count_columns(rules, *family.columns_of(sample, prediction))
    return {name: {**table, "image": np.full_like(table["image"], position)} for name, table in tables.items()}


def count_columns(rules: Rules, truth: TruthColumns, detections: DetectionColumns) -> dict[str, Table]:
    """Match the objects of all images at once."""
    overlaps = mask_overlaps(truth, detections, floor=object_confusion.OVERLAP)
    return object_confusion.count(truth, detections, overlaps)


def rules_of(classes: Classes, rules: Rules) -> dict[str, Any]:
    """Classes, overlap, and the score from which on detections are shown."""
    return {
        "table": "confused",
        "classes": list(classes.names),
        "overlap": object_confusion.OVERLAP,
        "shown_from": rules.shown_from,
    }


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """True objects per image and class."""
    return tables["confused_truths"]


def score(tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules) -> ConfusionScores:
    """Score N images under B rows of weights (B, N)."""
    pair = tables["confused"], tables["confused_truths"]
    return object_confusion.score(*pair, weights, len(classes), score=rules.shown_from)


def settled(tables: Mapping[str, Table], classes: Classes, rules: Rules) -> Mapping[str, Table]:
    """Add to the detections of a run whether they are shown."""
    confused = tables["confused"]
    return {**tables, "confused": {**confused, "shown": confused["score"] >= rules.shown_from}}


def facts(tables: Mapping[str, Table], classes: Classes, rules: Rules) -> dict[str, Any]:
    """How many classes the means run over, and from which score and overlap on."""
    counted = family.facts_of(tables["confused_truths"], classes)
    return {**counted, "shown_from": rules.shown_from, "overlap": object_confusion.OVERLAP}
