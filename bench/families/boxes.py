"""Objects by their boxes: COCO's AP and AR."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.cards import Card
from bench.classes import Classes
from bench.families import Rules, Source
from bench.families import instance as family
from bench.families.doubts import object_doubts
from bench.metrics import instance
from bench.notices import Notice
from bench.samples import Array, Prediction, Sample, Table
from bench.samples.columns import DetectionColumns, TruthColumns

GROUP = "boxes"
KIND = "box"
TABLES = ("box_detections", "box_truths")
METRICS = tuple(f"box_{name}" for name in instance.OVERALL)
suits = family.suits
leave_out = family.leave_out


def count(card: Card, rules: Rules, sample: Sample, prediction: Prediction, position: int) -> dict[str, Table]:
    """Match the objects of one image by boxes, unless the family `instance` does so already."""
    return {} if "instance" in rules.families else family.count_kinds(rules, sample, prediction, position, ("box",))


def count_columns(rules: Rules, truth: TruthColumns, detections: DetectionColumns) -> dict[str, Table]:
    """Match the objects of all images at once, unless the family `instance` does so already."""
    if "instance" in rules.families:
        return {}
    return instance.count(truth, detections, kinds=("box",), protocol=family.protocol_of(rules))


def rules_of(classes: Classes, rules: Rules) -> dict[str, Any]:
    """Classes and protocol."""
    return {"table": KIND, "classes": list(classes.names), "protocol": "coco", **family.changes(rules)}


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
    """How many classes the means run over, and by which protocol."""
    return {**family.facts_of(tables["box_truths"], classes), **family.protocol_facts(rules)}


def metrics_of(rules: Rules) -> tuple[str, ...]:
    """The names of the scores under these rules, such as box_AR500."""
    return tuple(f"box_{name}" for name in family.metrics_of(rules))


def doubts(tables: Mapping[str, Table], classes: Classes, rules: Rules, source: Source) -> list[Notice]:
    """As for masks, unless the family `instance` says so already."""
    if "instance" in rules.families:
        return []
    return object_doubts.of_objects(tables, "box_detections", "box_truths", classes, source)


def warnings(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> list[Notice]:
    """What maximum detections leave out, and that the protocol is another than COCO's."""
    return family.notices_of(tables, "box_truths", len(clusters), rules)
