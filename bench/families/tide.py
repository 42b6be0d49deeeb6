"""What keeps detections from being right, and how much AP50 would rise if each kind of error were mended: TIDE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.cards import Card
from bench.classes import Classes
from bench.families import Rules
from bench.families import instance as family
from bench.metrics import tide
from bench.metrics.average_precision import InstanceScores
from bench.metrics.caps import LEFT_OUT
from bench.notices import Notice
from bench.samples import Array, Prediction, Sample, Table
from bench.samples.columns import DetectionColumns, TruthColumns

GROUP = "tide"
TABLES = ("tide_detections", "tide_truths")
METRICS = ("tide",)
suits = family.suits
leave_out = family.leave_out


def count(card: Card, rules: Rules, sample: Sample, prediction: Prediction, position: int) -> dict[str, Table]:
    """Sort the errors of one image."""
    tables = count_columns(rules, *family.columns_of(sample, prediction))
    return {name: {**table, "image": np.full_like(table["image"], position)} for name, table in tables.items()}


def count_columns(rules: Rules, truth: TruthColumns, detections: DetectionColumns) -> dict[str, Table]:
    """Sort the errors of all images at once."""
    return tide.count(truth, detections)


def rules_of(classes: Classes, rules: Rules) -> dict[str, Any]:
    """Classes and protocol."""
    return {"table": "tide", "classes": list(classes.names), "protocol": "tide"}


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """True objects per image and class."""
    return tide.truth_rows(tables)


def score(tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules) -> InstanceScores:
    """Score N images under B rows of weights (B, N)."""
    return tide.score(tables, weights, classes)


def facts(tables: Mapping[str, Table], classes: Classes, rules: Rules) -> dict[str, Any]:
    """How many detections err in each way."""
    return {"errors": tide.errors(tables)}


def warnings(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> list[Notice]:
    """How many detections are beyond TIDE's cap."""
    held, counted = f"{tide.DETECTIONS} detections", f"{tide.DETECTIONS} detections of an image"
    return family.left_out_notices(tables, f"tide_{LEFT_OUT}", held, counted)
