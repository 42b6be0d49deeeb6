"""Boundary PQ: panoptic quality by the smaller of mask IoU and boundary IoU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.cards import Card
from bench.classes import Classes
from bench.families import Rules
from bench.families import panoptic as family
from bench.metrics import panoptic
from bench.samples import Array, Prediction, Sample, Table

GROUP = "panoptic_boundary"
TABLES = ("boundary_segments", "truth_segments")
METRICS = ("boundary_PQ",)
suits = family.suits
truth_rows = family.truth_rows


def count(card: Card, rules: Rules, sample: Sample, prediction: Prediction, position: int) -> dict[str, Table]:
    """Match segments and boundaries of one image, unless the family `panoptic` does so already."""
    if "panoptic" in rules.families:
        return {}
    tables = family.count_with(card, sample, prediction, position, boundary_ratio=rules.boundary_ratio)
    return {name: tables[name] for name in (*TABLES, "claimed_areas")}


def rules_of(classes: Classes, rules: Rules) -> dict[str, Any]:
    """Those of PQ, with the width of boundaries."""
    return {**family.rules_of(classes, rules), "table": "boundary_segments", "boundary_ratio": rules.boundary_ratio}


def score(tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules) -> panoptic.PanopticScores:
    """Score N images under B rows of weights (B, N)."""
    classes_in = rules.classes_in or family.CLASSES_IN
    return panoptic.score(tables["boundary_segments"], weights, classes, classes_in=classes_in)


def leave_out(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> panoptic.PanopticScores:
    """Score with each cluster left out."""
    classes_in = rules.classes_in or family.CLASSES_IN
    return panoptic.leave_out(tables["boundary_segments"], clusters, classes, classes_in=classes_in)


def facts(tables: Mapping[str, Table], classes: Classes, rules: Rules) -> dict[str, Any]:
    """How many classes the means run over, and how wide boundaries are."""
    return {**family.facts_of(tables["boundary_segments"], classes, rules), "boundary_ratio": rules.boundary_ratio}


def warnings(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> list[tuple[str, str]]:
    """Nothing beyond what PQ says where it is asked for; without it, areas of the truth that are not its pixels."""
    return [] if "panoptic" in rules.families else family.wrong_areas(tables)
