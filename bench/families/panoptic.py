"""Panoptic quality: PQ, SQ and RQ over all classes, things and stuff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.cards import Card
from bench.classes import Classes
from bench.errors import PredictionError
from bench.families import Rules, Source
from bench.families.doubts import object_doubts
from bench.metrics import panoptic
from bench.metrics.semantic import ClassesIn
from bench.notices import Notice
from bench.samples import Array, Prediction, Sample, Segments, Table
from bench.samples.columns import SegmentPairs

GROUP = "panoptic"
TABLES = ("segments", "truth_segments")
METRICS = (*panoptic.OVERALL,)
CLASSES_IN: ClassesIn = "union"
"""Which classes means run over where nobody says: those of panopticapi."""


def suits(card: Card) -> bool:
    """Every data set with a segment for every pixel."""
    return "panoptic" in card.tasks


def count(card: Card, rules: Rules, sample: Sample, prediction: Prediction, position: int) -> dict[str, Table]:
    """Match the segments of one image, and their boundaries in the same pass if that family is asked for."""
    ratio = rules.boundary_ratio if "panoptic_boundary" in rules.families else None
    return count_with(card, sample, prediction, position, boundary_ratio=ratio)


def count_with(
    card: Card, sample: Sample, prediction: Prediction, position: int, *, boundary_ratio: float | None
) -> dict[str, Table]:
    """Match the segments of one image.

    Raises:
        PredictionError: another kind of prediction.
    """
    if not isinstance(prediction, Segments):
        kind = type(prediction).__name__
        raise PredictionError(f"{sample.id}: a panoptic evaluation needs a segment for every pixel, not {kind}")
    truth = sample.truth.segments()
    return panoptic.count(
        truth, prediction, card.classes, image=position, where=sample.id, boundary_ratio=boundary_ratio
    )


def counts_pairs(rules: Rules) -> bool:
    """Whether pairs of segments are enough, which know nothing of boundaries."""
    return "panoptic_boundary" not in rules.families


def count_pairs(card: Card, pairs: SegmentPairs, positions: Array) -> dict[str, Table]:
    """Match the segments of several images, whose `positions` in the data set are given."""
    return panoptic.count_pairs(pairs, card.classes, positions)


def rules_of(classes: Classes, rules: Rules) -> dict[str, Any]:
    """Classes, which of them are things, and how segments match."""
    things = [entry.name for entry in classes.scored if entry.thing]
    return {"table": "segments", "classes": list(classes.names), "things": things, "match": "mask IoU > 0.5"}


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """Class, crowd and pixels of every true segment."""
    return panoptic.truth_rows(tables)


def score(tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules) -> panoptic.PanopticScores:
    """Score N images under B rows of weights (B, N)."""
    return panoptic.score(tables["segments"], weights, classes, classes_in=rules.classes_in or CLASSES_IN)


def leave_out(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> panoptic.PanopticScores:
    """Score with each cluster left out."""
    return panoptic.leave_out(tables["segments"], clusters, classes, classes_in=rules.classes_in or CLASSES_IN)


def facts(tables: Mapping[str, Table], classes: Classes, rules: Rules) -> dict[str, Any]:
    """How many classes the means run over."""
    return facts_of(tables["segments"], classes, rules)


def facts_of(counts: Table, classes: Classes, rules: Rules) -> dict[str, Any]:
    """How many classes the means over these counts run over."""
    classes_in = rules.classes_in or CLASSES_IN
    scored = panoptic.scored_classes(counts, classes, classes_in)
    return {"classes": {"scored": int(scored.sum()), "of": len(classes), "in": classes_in}}


def doubts(tables: Mapping[str, Table], classes: Classes, rules: Rules, source: Source) -> list[Notice]:
    """Segments that are found as other classes, and classes that are never predicted."""
    return object_doubts.of_segments(tables, classes, source)


def warnings(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> list[tuple[str, str]]:
    """Classes that too few clusters carry, and areas of the truth that are not its pixels."""
    held = leave_out(tables, clusters, classes, rules).fixed
    silent = ", ".join(name for name, fixed in zip(classes.names, held, strict=True) if fixed)
    few = ("silent-classes", f"too few images carry {silent}: in the means they are taken to vary as the others do")
    return [few] * bool(silent) + wrong_areas(tables)


def wrong_areas(tables: Mapping[str, Table]) -> list[tuple[str, str]]:
    """Areas that the truth's JSON claims and its PNGs contradict; the pixels are what is counted."""
    claims = tables.get("claimed_areas")  # records of earlier versions lack it
    if claims is None or not len(claims["image"]):
        return []
    image, segment, claimed, pixels = (claims[name][0] for name in ("image", "segment", "claimed", "pixels"))
    many = f"{len(claims['image'])} segments in {len(np.unique(claims['image']))} images of the truth"
    first = f"first {tables['images']['id'][image]}, segment {segment}: area {claimed:g}, but {pixels} pixels"
    return [("json-areas", f"{many} have an area in the JSON that is not their pixels ({first}); pixels were counted")]
