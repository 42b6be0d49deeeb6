"""Boundaries of semantic maps: Boundary IoU, and F-scores of contours at the tolerances of the paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.cards import Card
from bench.classes import Classes
from bench.errors import PredictionError
from bench.families import Rules
from bench.families.pixels import CLASSES_IN
from bench.metrics import boundary
from bench.samples import Array, LabelMap, Prediction, Sample, Table

GROUP = "semantic"
TABLES = ("bands", "sizes")
METRICS = boundary.names()


def suits(card: Card) -> bool:
    """Every data set with a class for every pixel."""
    return "semantic" in card.tasks


def count(card: Card, rules: Rules, sample: Sample, prediction: Prediction, position: int) -> dict[str, Table]:
    """Count the boundary pixels of one image, and note its size."""
    truth = sample.truth.semantic()
    if not isinstance(prediction, LabelMap) or prediction.size != truth.size:
        raise PredictionError(f"{sample.id}: boundaries need a label map of the size of the truth")
    height, width = truth.size
    row = {"image": position, "height": height, "width": width}
    size = {name: np.array([value], dtype=np.int32) for name, value in row.items()}
    bands = boundary.count(truth, prediction, card.classes, band_ratio=rules.boundary_ratio, image=position)
    return {**bands, "sizes": size}


def rules_of(classes: Classes, rules: Rules) -> dict[str, Any]:
    """Classes, the width of bands, and the tolerances."""
    return {
        "table": "bands",
        "classes": list(classes.names),
        "boundary_ratio": rules.boundary_ratio,
        "tolerances": list(boundary.TOLERANCES),
    }


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """The boundary pixels of the truth."""
    return boundary.truth_rows(tables)


def score(tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules) -> boundary.BoundaryScores:
    """Score N images under B rows of weights (B, N)."""
    classes_in = rules.classes_in or CLASSES_IN
    return boundary.score(tables, weights, classes, mode=rules.boundary_mode, classes_in=classes_in)


def leave_out(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> boundary.BoundaryScores:
    """Score with each cluster left out."""
    classes_in = rules.classes_in or CLASSES_IN
    return boundary.leave_out(tables, clusters, classes, mode=rules.boundary_mode, classes_in=classes_in)


def facts(tables: Mapping[str, Table], classes: Classes, rules: Rules) -> dict[str, Any]:
    """How wide boundaries are, in pixels of each image size there is."""
    shapes = sorted(
        {(int(h), int(w)) for h, w in zip(tables["sizes"]["height"], tables["sizes"]["width"], strict=True)}
    )
    pixels = {f"{h}x{w}": list(boundary.radii((h, w))) for h, w in shapes[:5]}
    return {"boundary": {"ratio": rules.boundary_ratio, "mode": rules.boundary_mode, "tolerances_in_pixels": pixels}}


def warnings(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> list[tuple[str, str]]:
    """Tolerances that are the same number of pixels."""
    same = sorted(
        {(radius, group) for shape in _shapes(tables["sizes"]) for radius, group in boundary.coinciding(shape)}
    )
    return [
        (
            "same-tolerance",
            f"the boundary tolerances {', '.join(f'{t:g}' for t in group)} are all {radius} pixels in some images",
        )
        for radius, group in same
    ]


def _shapes(sizes: Table) -> set[tuple[int, int]]:
    return set(zip(sizes["height"].tolist(), sizes["width"].tolist(), strict=True))
