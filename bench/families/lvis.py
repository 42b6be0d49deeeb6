"""Objects of a long list of classes by their masks, as LVIS scores them: AP of rare, common and frequent classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.cards import Card
from bench.classes import Classes
from bench.families import Rules, Source
from bench.families import instance as family
from bench.families.doubts import object_doubts
from bench.metrics import lvis
from bench.metrics.average_precision import InstanceScores
from bench.metrics.caps import LEFT_OUT
from bench.notices import Notice, many
from bench.samples import Array, Prediction, Sample, Table
from bench.samples.columns import DetectionColumns, TruthColumns

GROUP = "lvis"
TABLES = ("lvis_detections", "lvis_truths")
METRICS = tuple(f"lvis_{name}" for name in lvis.OVERALL)
leave_out = family.leave_out


def suits(card: Card) -> bool:
    """Data sets in the layout of LVIS, whose images tell which classes they are marked for."""
    return card.layout == "lvis"


def count(card: Card, rules: Rules, sample: Sample, prediction: Prediction, position: int) -> dict[str, Table]:
    """Match the objects of one image."""
    tables = count_columns(rules, *family.columns_of(sample, prediction))
    return {name: {**table, "image": np.full_like(table["image"], position)} for name, table in tables.items()}


def count_columns(rules: Rules, truth: TruthColumns, detections: DetectionColumns) -> dict[str, Table]:
    """Match the objects of all images at once."""
    return lvis.count(truth, detections, *lists_of(truth), area_from=rules.area_from)


def lists_of(truth: TruthColumns) -> tuple[Array, Array]:
    """The classes that are absent, and those marked in part: pairs of image and class, (K, 2)."""
    none = np.zeros((0, 2), dtype=np.int64)
    return (none if truth.absent is None else truth.absent), (none if truth.partial is None else truth.partial)


def rules_of(classes: Classes, rules: Rules) -> dict[str, Any]:
    """Classes with their frequencies, and protocol."""
    return {
        "table": "lvis",
        "kind": "mask",
        "classes": list(classes.names),
        "frequencies": frequencies(classes),
        "protocol": "lvis",
        "area_from": rules.area_from,
    }


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """True objects per image, class and size range."""
    return lvis.truth_rows(tables)


def score(tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules) -> InstanceScores:
    """Score N images under B rows of weights (B, N)."""
    return lvis.score(tables, weights, classes, frequencies(classes))


def score_only(
    tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules, name: str
) -> InstanceScores:
    """The score of this name alone, to the bit as `score` has it."""
    return lvis.score(tables, weights, classes, frequencies(classes), only=name)


def frequencies(classes: Classes) -> list[str]:
    """r, c or f of each class; frequent where nothing is said."""
    return [entry.frequency or "f" for entry in classes.scored]


def facts(tables: Mapping[str, Table], classes: Classes, rules: Rules) -> dict[str, Any]:
    """How many classes the means run over."""
    return facts_of(tables["lvis_truths"], classes)


def facts_of(truths: Table, classes: Classes) -> dict[str, Any]:
    """How many classes have an object of any size to be found."""
    whole = truths["size"] == 0
    return family.facts_of({name: column[whole] for name, column in truths.items()}, classes)


def doubts(tables: Mapping[str, Table], classes: Classes, rules: Rules, source: Source) -> list[Notice]:
    """Objects that are found as other classes, and classes that are never predicted."""
    return object_doubts.of_objects(tables, "lvis_detections", "lvis_truths", classes, source)


def warnings(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> list[Notice]:
    """What LVIS's cap leaves out."""
    return notices_of(tables, "lvis_truths")


def notices_of(tables: Mapping[str, Table], truths: str) -> list[Notice]:
    """The notices on the 300 detections of an image that LVIS counts; `truths` names the table of true objects."""
    most, table = lvis.DETECTIONS, tables[truths]
    whole = table["size"] == 0
    crowded = int(np.count_nonzero(np.bincount(table["image"][whole], weights=table["objects"][whole]) > most))
    found = []
    if crowded:
        holds = "has" if crowded == 1 else "have"
        found.append(
            Notice(
                "more-objects-than-counted",
                f"{many(crowded, 'image')} {holds} more than {most} objects, and LVIS counts {most} detections of an "
                "image over all classes: no model can find them all",
            )
        )
    held, counted = f"{most} detections", f"{most} detections of an image"
    return found + family.left_out_notices(tables, f"lvis_{LEFT_OUT}", held, counted)
