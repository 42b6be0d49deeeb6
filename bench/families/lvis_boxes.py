"""Objects of a long list of classes by their boxes, as LVIS scores them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.cards import Card
from bench.classes import Classes
from bench.families import Rules, Source
from bench.families import instance as objects
from bench.families import lvis as family
from bench.families.doubts import object_doubts
from bench.metrics import lvis
from bench.metrics.average_precision import InstanceScores
from bench.notices import Notice
from bench.samples import Array, Prediction, Sample, Table
from bench.samples.columns import DetectionColumns, TruthColumns

GROUP = "lvis_boxes"
TABLES = ("lvis_box_detections", "lvis_box_truths")
METRICS = tuple(f"lvis_box_{name}" for name in lvis.OVERALL)
suits = family.suits
leave_out = family.leave_out


def count(card: Card, rules: Rules, sample: Sample, prediction: Prediction, position: int) -> dict[str, Table]:
    """Match the objects of one image."""
    tables = count_columns(rules, *objects.columns_of(sample, prediction))
    return {name: {**table, "image": np.full_like(table["image"], position)} for name, table in tables.items()}


def count_columns(rules: Rules, truth: TruthColumns, detections: DetectionColumns) -> dict[str, Table]:
    """Match the objects of all images at once."""
    return lvis.count(truth, detections, *family.lists_of(truth), kind="box")


def rules_of(classes: Classes, rules: Rules) -> dict[str, Any]:
    """Classes with their frequencies, and protocol."""
    names, frequencies = list(classes.names), family.frequencies(classes)
    return {"table": "lvis", "kind": "box", "classes": names, "frequencies": frequencies, "protocol": "lvis"}


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """True objects per image, class and size range."""
    return lvis.truth_rows(tables, kind="box")


def score(tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules) -> InstanceScores:
    """Score N images under B rows of weights (B, N)."""
    return lvis.score(tables, weights, classes, family.frequencies(classes), kind="box")


def score_only(
    tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules, name: str
) -> InstanceScores:
    """The score of this name alone, to the bit as `score` has it."""
    return lvis.score(tables, weights, classes, family.frequencies(classes), kind="box", only=name)


def facts(tables: Mapping[str, Table], classes: Classes, rules: Rules) -> dict[str, Any]:
    """How many classes the means run over."""
    return family.facts_of(tables["lvis_box_truths"], classes)


def doubts(tables: Mapping[str, Table], classes: Classes, rules: Rules, source: Source) -> list[Notice]:
    """As for masks, unless the family `lvis` says so already."""
    if "lvis" in rules.families:
        return []
    return object_doubts.of_objects(tables, "lvis_box_detections", "lvis_box_truths", classes, source)


def warnings(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> list[Notice]:
    """What LVIS's cap leaves out."""
    return family.notices_of(tables, "lvis_box_truths")
