"""From counts to the scores of a record, each with its interval: the one place where metrics meet statistics.

It needs two small files and no image; a record that is read again is scored again here, by whatever classes are asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bench import resample
from bench.classes import Classes
from bench.metrics import pixels, semantic
from bench.runs import Run, Tables
from bench.samples import Array, Table

LEVEL = 0.95
FEW_IMAGES = 60
"""Below this the interval of a single mIoU is too narrow under every method known (measured: see the statistics)."""

FEW_CLUSTERS = 20
MEANS = ("mean_accuracy", "mIoU", "mDice")
MOST_HELD = 0.25
"""A mean has no interval if more than this share of its classes would be held fixed: it would be too narrow."""


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores as a record holds them, what the intervals rest on, and what a reader should know."""

    groups: dict[str, dict[str, Any]]
    method: dict[str, Any]
    warnings: list[tuple[str, str]]


def rescore(run: Run, *, classes_in: semantic.ClassesIn | None = None) -> Scored:
    """Score a record again from its counts, as it was, or with means over other classes."""
    return score(run.tables, run.record.classes, classes_in=classes_in or run.record.protocol["classes_in"])


def score(tables: Tables, classes: Classes, *, classes_in: semantic.ClassesIn = "truth") -> Scored:
    """Score the `pixels` of a run, with 95 % intervals from the delete-one-cluster jackknife."""
    counts, images = tables["pixels"], len(tables["images"]["id"])
    _, clusters = np.unique(tables["images"]["cluster"], return_inverse=True)
    sizes = np.bincount(clusters)
    plain = semantic.score(counts, resample.ones(images), classes, classes_in=classes_in)
    without = semantic.leave_out(counts, clusters, classes, classes_in=classes_in)
    overall = {name: _entry(plain[name][0], without[name], sizes) for name in semantic.OVERALL}
    if without.held.sum() > MOST_HELD * plain.scored.sum():
        for name in MEANS:
            overall[name]["interval"] = None
    per_class = {
        label: {name: _entry(plain[name][0, c], without[name][:, c], sizes) for name in semantic.PER_CLASS}
        for c, label in enumerate(classes.names)
    }
    group = {
        **overall,
        "classes": {"scored": int(plain.scored.sum()), "of": len(classes), "in": classes_in},
        "per_class": per_class,
    }
    interval = resample.jackknife_interval(float(plain["mIoU"][0]), without["mIoU"], level=LEVEL, sizes=sizes)
    method = {
        "method": interval.method if interval else None,
        "level": LEVEL,
        "clusters": len(sizes),
        "effective_clusters": resample.effective_clusters(sizes),
        "images": images,
        "degrees_of_freedom": interval.degrees_of_freedom if interval else None,
    }
    return Scored(
        {"semantic": group}, method, _warnings(counts, classes, sizes, scored=plain.scored, held=without.held)
    )


def truth_rows(counts: Table) -> Table:
    """The truth's own rows of a `pixels` table: pixels of every class per image and region, whatever was predicted."""
    keys = np.stack([counts["image"], counts["region"], counts["truth"]]).astype(np.int64)
    unique, place = np.unique(keys, axis=1, return_inverse=True)
    pixels = np.bincount(place.ravel(), weights=counts["pixels"], minlength=unique.shape[1]).astype(np.int64)
    return {"image": unique[0], "region": unique[1], "truth": unique[2], "pixels": pixels}


def _entry(value: float, without: Array, sizes: Array) -> dict[str, Any]:
    interval = resample.jackknife_interval(float(value), without, level=LEVEL, sizes=sizes)
    return {"value": float(value), "interval": list(interval.clipped()) if interval else None, "level": LEVEL}


def _warnings(counts: Table, classes: Classes, sizes: Array, *, scored: Array, held: Array) -> list[tuple[str, str]]:
    """What a reader of the scores should know; `sizes` (K,) are images per cluster."""
    images, effective = int(sizes.sum()), resample.effective_clusters(sizes)
    rare = ", ".join(f"{name} ({n})" for name, n in pixels.rare_classes(counts, classes))
    silent = ", ".join(name for name, fixed in zip(classes.names, held, strict=True) if fixed)
    absent = ", ".join(name for name, there in zip(classes.names, scored, strict=True) if not there)
    unit = "images" if len(sizes) == images else "clusters"
    many = held.sum() > MOST_HELD * scored.sum()
    fate = "too many for an interval of the means" if many else "the intervals of the means hold them fixed"
    possible = {
        "rare-classes": rare and f"classes carried by fewer than {pixels.RARE} images: {rare}",
        "silent-classes": silent and f"fewer than {semantic.SILENT} {unit} carry {silent}: {fate}",
        "few-images": images < FEW_IMAGES
        and f"{images} images: below {FEW_IMAGES} the interval of an mIoU is narrower than it should be",
        "few-clusters": len(sizes) < images
        and effective < FEW_CLUSTERS
        and (
            f"{len(sizes)} clusters, worth {effective:.1f} of equal size: intervals are rough"
            if len(sizes) > 1
            else "all images belong to one cluster: there are no intervals"
        ),
        "absent-classes": absent and f"not in the means, for they are not in the truth: {absent}",
    }
    return [(code, message) for code, message in possible.items() if message]


def per_image(run: Run) -> semantic.SemanticScores:
    """Every image's own scores, rows in the order of the images; a mean over them is not the score of the set."""
    record = run.record
    images = len(run.tables["images"]["id"])
    return semantic.per_image(run.tables["pixels"], images, record.classes, classes_in=record.protocol["classes_in"])
