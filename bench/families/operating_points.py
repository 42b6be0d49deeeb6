"""Objects that are shown from a score on: precision, recall and F1 there, and at the score that is best for a class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.cards import Card
from bench.classes import Classes
from bench.families import Rules
from bench.families import instance as family
from bench.metrics import instance, operating_points
from bench.metrics.operating_points import PointScores
from bench.metrics.protocols import place_of
from bench.metrics.ranking import Ranking
from bench.notices import Notice
from bench.samples import Array, Prediction, Sample, Table
from bench.samples.columns import DetectionColumns, TruthColumns

GROUP = "operating_points"
TABLES = family.TABLES
METRICS = (*operating_points.NAMES, *(f"best_{name}" for name in operating_points.NAMES))
suits = family.suits
truth_rows = family.truth_rows
leave_out = family.leave_out
OVERLAP = 0.5
"""From which overlap on a detection takes an object."""


def count(card: Card, rules: Rules, sample: Sample, prediction: Prediction, position: int) -> dict[str, Table]:
    """Match the objects of one image by masks, unless the family `instance` does so already."""
    return {} if "instance" in rules.families else family.count_kinds(rules, sample, prediction, position, ("mask",))


def count_columns(rules: Rules, truth: TruthColumns, detections: DetectionColumns) -> dict[str, Table]:
    """Match the objects of all images at once, unless the family `instance` does so already."""
    if "instance" in rules.families:
        return {}
    return instance.count(truth, detections, kinds=("mask",), protocol=family.protocol_of(rules))


def rules_of(classes: Classes, rules: Rules) -> dict[str, Any]:
    """Classes, protocol, and the score from which on detections are shown."""
    plain = {"table": "mask", "classes": list(classes.names), "protocol": "coco", "shown_from": rules.shown_from}
    return {**plain, **family.changes(rules)}


def score(tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules) -> PointScores:
    """Score N images under B rows of weights (B, N); the best scores are those of all images, each once."""
    known = tables if "shown" in tables["mask_detections"] else settled(tables, classes, rules)
    ranking, place = ranking_of(known, classes, rules)
    shown, best = (
        operating_points.of_shown(ranking, weights, ranking.detections[name], threshold=place)
        for name in ("shown", "best")
    )

    def both(plain: Mapping[str, Array], at_best: Mapping[str, Array]) -> dict[str, Array]:
        return {**plain, **{f"best_{name}": values for name, values in at_best.items()}}

    return PointScores(both(shown.overall, best.overall), both(shown.per_class, best.per_class))


def settled(tables: Mapping[str, Table], classes: Classes, rules: Rules) -> Mapping[str, Table]:
    """Add to the detections of a run whether they are shown: from the score asked for on, and from the best one on."""
    found = tables["mask_detections"]
    best = best_scores(tables, classes, rules)
    shown = {"shown": found["score"] >= rules.shown_from, "best": found["score"] >= best[found["class"]]}
    return {**tables, "mask_detections": {**found, **shown}}


def facts(tables: Mapping[str, Table], classes: Classes, rules: Rules) -> dict[str, Any]:
    """How many classes the means run over, and at which scores."""
    best = best_scores(tables, classes, rules)
    scores = {name: None if np.isnan(value) else float(value) for name, value in zip(classes.names, best, strict=True)}
    return {
        **family.facts_of(tables["mask_truths"], classes),
        "shown_from": rules.shown_from,
        "best_scores": scores,
        "overlap": OVERLAP,
    }


def ranking_of(tables: Mapping[str, Table], classes: Classes, rules: Rules) -> tuple[Ranking, int]:
    """The ranked tables, and where the overlap of .5 stands among the thresholds."""
    protocol = family.protocol_of(rules)
    place = place_of(OVERLAP, protocol.thresholds)
    return instance.ranking(tables, classes, protocol=protocol), 0 if place is None else place


def best_scores(tables: Mapping[str, Table], classes: Classes, rules: Rules) -> Array:
    """The score of each class from which on its F1 is highest, (C,)."""
    ranking, place = ranking_of(tables, classes, rules)
    return operating_points.best_scores(ranking, threshold=place)


def warnings(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> list[Notice]:
    """What maximum detections leave out, and that the protocol is another than COCO's."""
    return family.shared_notices(tables, rules)
