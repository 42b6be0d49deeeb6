"""What families of label maps share: counting whole images, notices, confusions, single images."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.cards import Card
from bench.classes import Classes
from bench.errors import PredictionError
from bench.families.contract.family import OTHER, Confusion
from bench.metrics import pixels, semantic
from bench.samples import Array, LabelMap, Prediction, Sample, Table

CLASSES_IN: semantic.ClassesIn = "truth"
"""The default of `--classes-in`: the classes of a mean must not depend on the model."""


def label_map(sample: Sample, prediction: Prediction) -> LabelMap:
    """The prediction, if it is a label map.

    Raises:
        PredictionError: another kind of prediction.
    """
    if not isinstance(prediction, LabelMap):
        kind = type(prediction).__name__
        raise PredictionError(f"{sample.id}: a semantic evaluation needs a label map, not {kind}")
    return prediction


def count(card: Card, sample: Sample, prediction: LabelMap, position: int) -> dict[str, Table]:
    """Count the pixels of every pair of classes in the full image."""
    return pixels.count_all(
        sample.truth.semantic(), prediction, card.classes, image=position, where=sample.id
    )


def confusion(table: Table, classes: Classes) -> Confusion:
    """Pixels by class and predicted class; the last column is labels that are not scored."""
    names, matrix = classes.names, pixels.confusion(table, classes)
    if bool(matrix[:, len(names)].any()):
        return Confusion("pixels", names, (*names, OTHER), matrix.astype(np.int64))
    return Confusion("pixels", names, names, matrix[:, : len(names)].astype(np.int64))


def per_image(
    table: Table, images: int, classes: Classes, classes_in: semantic.ClassesIn | None
) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
    """The scores of every image, (N,) by name, and its IoU of every class, (N, C)."""
    scored = semantic.per_image(table, images, classes, classes_in=classes_in or CLASSES_IN)
    return scored.overall, {"IoU": scored.per_class["IoU"]}
