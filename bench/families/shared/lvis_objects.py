"""What the two families of LVIS share: class frequencies, scores, curves and notices."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.classes import Classes
from bench.families.contract.family import Curve, Scores
from bench.families.shared import objects
from bench.metrics import instance, lvis
from bench.metrics.max_detections import LEFT_OUT
from bench.metrics.ranking import curves as curves_of
from bench.notices import Notice, many
from bench.samples import Array, Table
from bench.samples.columns import TruthColumns


def lists_of(truth: TruthColumns) -> tuple[Array, Array]:
    """The classes that are absent, and those annotated in part: pairs of image and class, (K,
    2).
    """
    none = np.zeros((0, 2), dtype=np.int64)
    absent = none if truth.absent is None else truth.absent
    partial = none if truth.partial is None else truth.partial
    return absent, partial


def frequencies(classes: Classes) -> list[str]:
    """r, c or f of each class; f (frequent) where the class table does not say."""
    return [entry.frequency or "f" for entry in classes.scored]


def scores(
    tables: Mapping[str, Table],
    weights: Array,
    classes: Classes,
    *,
    kind: instance.Kind,
    only: str | None = None,
) -> Scores:
    """AP and AR of N images under weights (B, N); with `only` that score alone, to the bit."""
    scored = lvis.score(tables, weights, classes, frequencies(classes), kind=kind, only=only)
    return objects.scores_of(scored)


def curves(tables: Mapping[str, Table], classes: Classes, *, kind: instance.Kind) -> list[Curve]:
    """Precision at 101 recalls of every class and overlap."""
    class_curves = curves_of(lvis.ranking(tables, classes, kind=kind))
    return objects.curves_of(class_curves, lvis.LVIS, classes)


def notices_of(tables: Mapping[str, Table], truths: str) -> list[Notice]:
    """The notices on the 300 detections of an image that LVIS counts; `truths` names the table."""
    most, table = lvis.DETECTIONS, tables[truths]
    whole = table["size"] == 0
    per_image = np.bincount(table["image"][whole], weights=table["objects"][whole])
    crowded = int(np.count_nonzero(per_image > most))
    notices = []
    if crowded:
        holds = "has" if crowded == 1 else "have"
        notices.append(
            Notice(
                "more-objects-than-counted",
                f"{many(crowded, 'image')} {holds} more than {most} objects, and LVIS counts "
                f"{most} detections of an image over all classes: no model can find them all",
            )
        )
    maximum, counted = f"{most} detections", f"{most} detections of an image"
    return notices + objects.left_out_notices(tables, f"lvis_{LEFT_OUT}", maximum, counted)
