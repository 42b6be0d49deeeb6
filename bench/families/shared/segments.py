"""What the two panoptic families share: counting one image, scoring, and notices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.cards import Card
from bench.classes import Classes
from bench.errors import PredictionError
from bench.families.contract.family import Scores
from bench.metrics import panoptic
from bench.metrics.panoptic import PanopticScores
from bench.metrics.semantic import ClassesIn
from bench.samples import Array, Prediction, Sample, Segments, Table

CLASSES_IN: ClassesIn = "union"
"""The default of `--classes-in`: that of panopticapi."""


def count(
    card: Card,
    sample: Sample,
    prediction: Prediction,
    position: int,
    *,
    boundary_ratio: float | None,
) -> dict[str, Table]:
    """Match the segments of one image, by boundaries of this width too unless it is None.

    Raises:
        PredictionError: another kind of prediction.
    """
    if not isinstance(prediction, Segments):
        kind = type(prediction).__name__
        raise PredictionError(
            f"{sample.id}: a panoptic evaluation needs a segment for every pixel, not {kind}"
        )
    truth = sample.truth.segments()
    return panoptic.count(
        truth,
        prediction,
        card.classes,
        image=position,
        where=sample.id,
        boundary_ratio=boundary_ratio,
    )


def rules_of(classes: Classes) -> dict[str, Any]:
    """Classes, which of them are things, and how segments match."""
    return {
        "table": "segments",
        "classes": list(classes.names),
        "things": [entry.name for entry in classes.scored if entry.thing],
        "match": "mask IoU > 0.5",
    }


def score(table: Table, weights: Array, classes: Classes, classes_in: ClassesIn | None) -> Scores:
    """Score N images under weights (B, N)."""
    scored = panoptic.score(table, weights, classes, classes_in=classes_in or CLASSES_IN)
    return scores_of(scored)


def leave_out(
    table: Table, clusters: Array, classes: Classes, classes_in: ClassesIn | None
) -> PanopticScores:
    """Score with each cluster left out."""
    return panoptic.leave_out(table, clusters, classes, classes_in=classes_in or CLASSES_IN)


def scores_of(scored: PanopticScores) -> Scores:
    """The scores in the form of the contract."""
    return Scores(scored.overall, scored.per_class, parts=scored.parts)


def facts_of(table: Table, classes: Classes, classes_in: ClassesIn | None) -> dict[str, Any]:
    """How many classes the means over these counts run over."""
    which = classes_in or CLASSES_IN
    scored = panoptic.scored_classes(table, classes, which)
    return {"classes": {"scored": int(scored.sum()), "of": len(classes), "in": which}}


def wrong_areas(tables: Mapping[str, Table]) -> list[tuple[str, str]]:
    """The notice on areas of the truth's JSON that its PNGs contradict; pixels are counted."""
    claims = tables.get("claimed_areas")  # records of earlier versions lack it
    if claims is None or not len(claims["image"]):
        return []
    columns = ("image", "segment", "claimed", "pixels")
    image, segment, claimed, pixels = (claims[name][0] for name in columns)
    images = len(np.unique(claims["image"]))
    many = f"{len(claims['image'])} segments in {images} images of the truth"
    name = tables["images"]["id"][image]
    first = f"first {name}, segment {segment}: area {claimed:g}, but {pixels} pixels"
    message = (
        f"{many} have an area in the JSON that is not their pixels ({first}); pixels were counted"
    )
    return [("json-areas", message)]
