"""AP^r of SDS on PASCAL VOC, in its form of 2014 (.5 and vol) or of 2015 (.5 and .7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.cards import Card
from bench.classes import Classes
from bench.families import Rules
from bench.families import instance as family
from bench.metrics import voc_instance
from bench.metrics.average_precision import InstanceScores
from bench.samples import Array, Prediction, Sample, Table
from bench.samples.columns import DetectionColumns, TruthColumns

GROUP = "voc_instance"
TABLES = ("voc_detections", "voc_truths")
METRICS = tuple(dict.fromkeys(f"voc_{name}" for form in voc_instance.OVERALL.values() for name in form))
leave_out = family.leave_out
warnings = family.nothing_to_say


def suits(card: Card) -> bool:
    """Objects in the layout of VOC."""
    return "instance" in card.tasks and card.layout == "voc"


def count(card: Card, rules: Rules, sample: Sample, prediction: Prediction, position: int) -> dict[str, Table]:
    """Match the objects of one image."""
    tables = count_columns(rules, *family.columns_of(sample, prediction))
    return {name: {**table, "image": np.full_like(table["image"], position)} for name, table in tables.items()}


def count_columns(rules: Rules, truth: TruthColumns, detections: DetectionColumns) -> dict[str, Table]:
    """Match the objects of all images at once."""
    return voc_instance.count(truth, detections, form=rules.voc_form)


def rules_of(classes: Classes, rules: Rules) -> dict[str, Any]:
    """Classes and form."""
    return {"table": "voc", "classes": list(classes.names), "form": rules.voc_form}


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """True objects per image and class."""
    return voc_instance.truth_rows(tables)


def score(tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules) -> InstanceScores:
    """Score N images under B rows of weights (B, N)."""
    return voc_instance.score(tables, weights, classes, form=rules.voc_form)


def facts(tables: Mapping[str, Table], classes: Classes, rules: Rules) -> dict[str, Any]:
    """How many classes the means run over, and the form."""
    return {**family.facts_of(tables["voc_truths"], classes), "form": rules.voc_form}
