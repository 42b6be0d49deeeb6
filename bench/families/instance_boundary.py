"""Boundary AP: COCO's AP and AR by the smaller of mask IoU and boundary IoU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.cards import Card
from bench.classes import Classes
from bench.families import Rules
from bench.families import instance as family
from bench.metrics import instance
from bench.notices import Notice
from bench.samples import Array, Prediction, Sample, Table
from bench.samples.columns import DetectionColumns, TruthColumns

GROUP = "instance_boundary"
KIND = "boundary"
TABLES = ("boundary_detections", "boundary_truths")
METRICS = tuple(f"boundary_{name}" for name in instance.OVERALL)
suits = family.suits
leave_out = family.leave_out


def count(card: Card, rules: Rules, sample: Sample, prediction: Prediction, position: int) -> dict[str, Table]:
    """Match the objects of one image by their boundaries."""
    tables = count_columns(rules, *family.columns_of(sample, prediction))
    return {name: {**table, "image": np.full_like(table["image"], position)} for name, table in tables.items()}


def count_columns(rules: Rules, truth: TruthColumns, detections: DetectionColumns) -> dict[str, Table]:
    """Match the objects of all images at once."""
    return instance.count(
        truth,
        detections,
        kinds=("boundary",),
        area_from=rules.area_from,
        protocol=family.protocol_of(rules),
        boundary_ratio=rules.boundary_ratio,
    )


def rules_of(classes: Classes, rules: Rules) -> dict[str, Any]:
    """Those of mask AP, with the width of boundaries."""
    return {**family.rules_of(classes, rules), "table": KIND, "boundary_ratio": rules.boundary_ratio}


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """True objects per image, class and size range."""
    return instance.truth_rows(tables, kind=KIND)


def score(tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules) -> instance.InstanceScores:
    """Score N images under B rows of weights (B, N)."""
    return instance.score(tables, weights, classes, kind=KIND, protocol=family.protocol_of(rules))


def score_only(
    tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules, name: str
) -> instance.InstanceScores:
    """The score of this name alone, to the bit as `score` has it."""
    return instance.score(tables, weights, classes, kind=KIND, protocol=family.protocol_of(rules), only=name)


def facts(tables: Mapping[str, Table], classes: Classes, rules: Rules) -> dict[str, Any]:
    """How many classes the means run over, by which protocol, and how wide boundaries are."""
    counted = {**family.facts_of(tables["boundary_truths"], classes), **family.protocol_facts(rules)}
    return {**counted, "boundary_ratio": rules.boundary_ratio}


def metrics_of(rules: Rules) -> tuple[str, ...]:
    """The names of the scores under these rules, such as boundary_AR500."""
    return tuple(f"boundary_{name}" for name in family.metrics_of(rules))


def warnings(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> list[Notice]:
    """What maximum detections leave out, and that the protocol is another than COCO's."""
    return family.notices_of(tables, "boundary_truths", len(clusters), rules)
