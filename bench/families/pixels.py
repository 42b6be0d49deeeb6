"""Pixels of a semantic evaluation, in the full image and in regions: accuracies, IoU, Dice and their means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bench.cards import Card
from bench.classes import Classes
from bench.errors import PredictionError
from bench.families import Rules
from bench.families.doubts import pixel_doubts
from bench.metrics import pixels, rates, semantic
from bench.metrics.regions import FULL, crop_name, named, regions_of
from bench.notices import few
from bench.samples import Array, LabelMap, Prediction, Sample, Table
from bench.samples.columns import LabelPairs

GROUP = "semantic"
TABLES = ("pixels",)
METRICS = (*semantic.OVERALL, *semantic.PER_CLASS)
doubts = pixel_doubts.doubts
CLASSES_IN: semantic.ClassesIn = "truth"
"""Which classes means run over where nobody says: their set must not depend on the model."""
MEANS = ("mean_accuracy", "mIoU", "mDice")
MOST_HELD = 0.25
"""A mean has no interval if more than this share of its classes are too rare to show how much they vary."""


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of every region, named as `mIoU@crop-200`; those of the full image have plain names."""

    overall: Mapping[str, Array]
    per_class: Mapping[str, Array]
    parts: Mapping[str, tuple[str, Array]] = field(default_factory=dict)


def suits(card: Card) -> bool:
    """Every data set with a class for every pixel."""
    return "semantic" in card.tasks


def count(card: Card, rules: Rules, sample: Sample, prediction: Prediction, position: int) -> dict[str, Table]:
    """Count the pixels of every pair of classes, in every region of the rules."""
    truth = sample.truth.semantic()
    if not isinstance(prediction, LabelMap):
        raise PredictionError(f"{sample.id}: a semantic evaluation needs a label map, not {type(prediction).__name__}")
    tables = pixels.count_all(truth, prediction, card.classes, image=position, where=sample.id)
    if rules.regions.regions.names == (FULL,):
        return tables
    depth = sample.read_depth() if rules.regions.depths and sample.read_depth else None
    areas = [area for _, area in regions_of(rules.regions, truth, ignore=card.classes.ignore, depth=depth)]
    regions = pixels.count_regions(truth, prediction, areas, card.classes, image=position, where=sample.id)
    return {**tables, "pixels": regions}


def counts_pairs(rules: Rules) -> bool:
    """Whether pairs of labels are enough: where pixels lie matters in regions only."""
    return rules.regions.regions.names == (FULL,)


def count_pairs(card: Card, pairs: LabelPairs, positions: Array) -> dict[str, Table]:
    """Count several images, whose `positions` in the data set are given."""
    return pixels.count_pairs(pairs, card.classes, positions)


def rules_of(classes: Classes, rules: Rules) -> dict[str, Any]:
    """Classes, regions, and what void means."""
    return {
        "table": "pixels",
        "classes": list(classes.names),
        "regions": list(rules.regions.regions.names),
        "void": "excluded in the truth",
    }


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """The pixels of every class per image and region."""
    return pixels.truth_rows(tables["pixels"])


def score(tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules) -> Scores:
    """Score every region."""
    return _regions(
        rules,
        lambda region: semantic.score(
            tables["pixels"], weights, classes, classes_in=rules.classes_in or CLASSES_IN, region=region
        ),
    )


def leave_out(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> Scores:
    """Score every region without each cluster; means most of whose classes keep their plain value are NaN."""

    def without(region: int) -> semantic.SemanticScores:
        found = semantic.leave_out(
            tables["pixels"], clusters, classes, classes_in=rules.classes_in or CLASSES_IN, region=region
        )
        if found.fixed.sum() <= MOST_HELD * found.scored.sum():
            return found
        silent = {name: np.full_like(found[name], np.nan) for name in MEANS}
        return replace(found, overall={**found.overall, **silent})

    return _regions(rules, without)


def facts(tables: Mapping[str, Table], classes: Classes, rules: Rules) -> dict[str, Any]:
    """How many classes the means run over."""
    scored = semantic.scored_classes(tables["pixels"], classes, rules.classes_in or CLASSES_IN)
    return {"classes": {"scored": int(scored.sum()), "of": len(classes), "in": rules.classes_in or CLASSES_IN}}


def warnings(tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> list[tuple[str, str]]:
    """Classes that few or no images carry."""
    counts = tables["pixels"]
    found = semantic.leave_out(counts, clusters, classes, classes_in=rules.classes_in or CLASSES_IN)
    rare = few([f"{name} ({n})" for name, n in pixels.rare_classes(counts, classes)])
    silent = few([name for name, fixed in zip(classes.names, found.fixed, strict=True) if fixed])
    absent = [name for name, there in zip(classes.names, found.scored, strict=True) if not there]
    lacking = f"{len(absent)} of {len(classes)} classes are not in the truth, and not in the means: {few(absent)}"
    unit = "images" if int(clusters.max(initial=-1)) + 1 == len(clusters) else "clusters"
    many = found.fixed.sum() > MOST_HELD * found.scored.sum()
    fate = "too many for an interval of the means" if many else "in the means they are taken to vary as the others do"
    possible = {
        "rare-classes": rare and f"classes carried by fewer than {pixels.RARE} images: {rare}",
        "silent-classes": silent and f"fewer than {rates.MIN_CARRIERS} {unit} carry {silent}: {fate}",
        "absent-classes": lacking if absent else "",
    }
    return [*[(code, message) for code, message in possible.items() if message], *_crops(counts, len(clusters), rules)]


def _crops(counts: Table, images: int, rules: Rules) -> list[tuple[str, str]]:
    """The note on crops that leave nothing of some or all images, which are too narrow for the factor."""
    nowhere, found = [], list[str]()
    for factor in rules.regions.cutting:
        name = crop_name(factor)
        lacking = images - len(np.unique(counts["image"][counts["region"] == rules.regions.regions.ids[name]]))
        if lacking == images:
            nowhere.append(name)
        elif lacking:
            found.append(f"{name} leaves nothing of {lacking} of {images} images and is scored on the others")
    if nowhere:
        found.append(f"{', '.join(nowhere)}: nothing is left of any image, so there is no score")
    return [("crops-left-out", f"some crops cut too much from these images: {'; '.join(found)}")] if found else []


def _regions(rules: Rules, scores_of: Any) -> Scores:
    overall: dict[str, Array] = {}
    per_class: dict[str, Array] = {}
    parts: dict[str, tuple[str, Array]] = {}
    for number, region in enumerate(rules.regions.regions.names):
        found = scores_of(number)
        overall.update({named(name, region): values for name, values in found.overall.items()})
        per_class.update({named(name, region): values for name, values in found.per_class.items()})
        made = found.parts.items()
        parts.update({named(mean, region): (named(name, region), carriers) for mean, (name, carriers) in made})
    return Scores(overall, per_class, parts)
