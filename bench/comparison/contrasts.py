"""One question asked of several runs: a score, and how it moves when images are left out, repeated or swapped.

It joins families of metrics to weights over images; what follows from the numbers is told in `comparison/__init__.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench import resample
from bench.classes import Classes
from bench.errors import RunError, UsageError, did_you_mean
from bench.families import Family, Metric, families
from bench.families.contract.family import Scores
from bench.metrics.ranking import as_ranks
from bench.resample import Members
from bench.resample.permutation import Permutations
from bench.runs import Run, Tables
from bench.samples import Array, Table
from bench.scoring import rules_of

BYTES = 1 << 25
"""Memory of the weights of one block of rows."""


@dataclass(frozen=True, eq=False)
class Question:
    """A score of a family, of all classes or of one, and under which options it is made.

    `metric` is what was asked for, such as `box_AP` or `IoU:car`, `declared` what its family says of
    it; `per_class` names the score of each class that goes with it, if there is one.
    """

    metric: str
    declared: Metric
    family: Family[Any]
    options: Any
    classes: Classes
    name: str
    label: str | None
    per_class: str | None

    @property
    def title(self) -> str:
        """What the score is called in text, such as `IoU of car`; names with a prefix or region stay."""
        score = self.metric.partition(":")[0]
        title = self.declared.title if score == self.declared.name else score
        return title if self.label is None else f"{title} of {self.label}"

    @property
    def lower_is_better(self) -> bool:
        """Whether a smaller score is a better one."""
        return self.declared.lower_is_better

    def of(self, scores: Scores, *, by_class: bool) -> Array:
        """The score asked for, and those of the C classes behind it if wanted: (B, 1) or (B, 1 + C)."""
        if self.label is None:
            value = scores.overall[self.name]
        else:
            value = scores.per_class[self.name][:, self.classes.names.index(self.label)]
        if not by_class or self.per_class is None:
            return np.asarray(value[:, None])
        return np.concatenate([value[:, None], scores.per_class[self.per_class]], axis=1)


@dataclass(frozen=True, eq=False)
class Without:
    """Scores with each cluster left out, (K, 1 or 1 + C), and of a mean over classes these."""

    scores: Array
    members: Members | None


def question(compared: Sequence[Run], metric: str | None) -> Question:
    """Find the family that scores `metric`, such as `mIoU`, `mIoU@crop-200`, `IoU:car` or `box_AP`.

    Raises:
        RunError: no family is held by all runs.
        UsageError: none of those that are knows the metric.
    """
    record, rules = compared[0].record, rules_of(compared[0])
    classes = record.classes  # made anew at every look
    shared = [key for key in record.tables if all(key in run.record.tables for run in compared)]
    if not shared:
        kinds = "; ".join(f"{run.record.name}: {', '.join(run.record.tables)}" for run in compared)
        raise RunError(f"the runs hold no scores of the same kind to compare ({kinds})")
    images, known = len(compared[0].image_ids), dict[str, Question]()
    for each in families(shared):
        options = each.options(rules)
        scores = each.score(compared[0].tables, resample.ones(images), classes, options)
        for score in scores.overall:
            declared = each.metric(score, options)
            per_class = class_score(declared, score)
            if per_class not in scores.per_class:
                per_class = None
            name = each.full_name(score)
            known.setdefault(name, Question(name, declared, each, options, classes, score, None, per_class))
        for score in scores.per_class:
            declared = each.metric(score, options)
            for label in classes.names:
                name = f"{each.full_name(score)}:{label}"
                known.setdefault(name, Question(name, declared, each, options, classes, score, label, None))
        if metric in known:
            return known[metric]
        if metric is None and known:
            leading = (asked for asked in known.values() if asked.name in each.leading)
            return next(leading, next(iter(known.values())))
    word = str(metric)
    raise UsageError(f"--metric {word}: {did_you_mean(word, _like(word, known))}")


def _like(metric: str, known: Mapping[str, Question]) -> list[str]:
    """The names to choose from: those of single classes only where one was asked for."""
    return [name for name in known if (":" in name) == (":" in metric)]


def class_score(declared: Metric | None, score: str) -> str | None:
    """The score of a class that goes with an overall score, in the same region.

    >>> from bench.families import family
    >>> class_score(family("pixels").metrics[2], "mIoU@crop-200")
    'IoU@crop-200'
    """
    if declared is None or declared.per_class is None:
        return None
    _, at, region = score.partition("@")
    return declared.per_class + at + region


def plain(asked: Question, tables: Tables, *, by_class: bool) -> Array:
    """The scores of one run, (1 or 1 + C,)."""
    images = len(tables["images"]["id"])
    found = asked.family.score(tables, resample.ones(images), asked.classes, asked.options)
    return np.asarray(asked.of(found, by_class=by_class)[0])


def scores(asked: Question, tables: Tables, weights: Array) -> Scores:
    """Score rows of weights: only what was asked for, where the family can do so for less."""
    return asked.family.score_only(tables, weights, asked.classes, asked.options, name=asked.name)


def without_each(asked: Question, tables: Tables, clusters: Array, *, by_class: bool) -> Without | None:
    """The scores with each cluster left out; None where the jackknife fails (AP)."""
    found = asked.family.leave_out(tables, clusters, asked.classes, asked.options)
    if found is None:
        return None
    members = members_of(found, asked.name) if asked.label is None else None
    return Without(asked.of(found, by_class=by_class), members)


def members_of(found: Scores, name: str) -> Members | None:
    """The classes behind a mean, if its family tells how many clusters carry each."""
    made = found.parts.get(name)
    return None if made is None else Members(found.per_class[made[0]], made[1])


def weighted(asked: Question, tables: Tables, weights: Array, *, by_class: bool) -> Array:
    """The scores under B rows of weights (B, N), in blocks: (B, 1 or 1 + C)."""
    parts = [asked.of(scores(asked, tables, weights[rows]), by_class=by_class) for rows in _blocks(*weights.shape)]
    return np.concatenate(parts)


def swapped(
    asked: Question, pair: tuple[Tables, Tables], swaps: Permutations, clusters: Array, *, by_class: bool
) -> Array:
    """The differences of two runs that exchanged the clusters each of R swaps (R, K) says: (R, 1 or 1 + C)."""
    first, second = (dict(asked.family.settled(tables, asked.classes, asked.options)) for tables in pair)
    pair = first, second
    if not any("score" in pair[0][name] for name in asked.family.tables):
        # Counts add up: images that are swapped together are as good as one. Ranks of detections are by image.
        first, second = (_by_cluster(tables, asked.family.tables, clusters) for tables in pair)
        pair, clusters = (first, second), np.arange(swaps.exchanged.shape[1])
    both = stacked(pair, asked.family.tables)
    images, parts = len(clusters), []
    for rows in _blocks(len(swaps.exchanged), 4 * images):
        block = swaps.exchanged[rows][:, clusters]
        weights = np.empty((2, len(block), images, 2), dtype=np.int32)
        weights[0, :, :, 1] = weights[1, :, :, 0] = block
        weights[0, :, :, 0] = weights[1, :, :, 1] = ~block
        halves = asked.of(scores(asked, both, weights.reshape(-1, 2 * images)), by_class=by_class)
        parts.append(halves[: len(block)] - halves[len(block) :])
    return np.concatenate(parts)


def stacked(pair: tuple[Tables, Tables], names: Sequence[str]) -> Tables:
    """The tables of two runs as one over 2N images: image n of the first at 2n, of the second at 2n + 1.

    In this order a swap leaves the images in place, so that scores that tie are taken as they were. As runs need not
    share a scale of scores, these become ranks within run and class first.
    """
    both: Tables = {}
    for name in names:
        parts = [_ranked(tables[name]) for tables in pair]
        shifted = [{**part, "image": 2 * part["image"] + side} for side, part in enumerate(parts)]
        joined = {key: np.concatenate([part[key] for part in shifted]) for key in shifted[0]}
        order = np.argsort(joined["image"], kind="stable")
        both[name] = {key: column[order] for key, column in joined.items()}
    return both


def _by_cluster(tables: Tables, names: Sequence[str], clusters: Array) -> Tables:
    """The tables of a run with the rows of each cluster under its number, as if it were one image."""
    return {name: {**tables[name], "image": clusters[tables[name]["image"]]} for name in names}


def _ranked(table: Table) -> Table:
    return as_ranks(table) if {"class", "score"} <= set(table) else table


def _blocks(rows: int, columns: int) -> Iterator[slice]:
    step = max(1, BYTES // (8 * max(columns, 1)))
    yield from (slice(start, min(start + step, rows)) for start in range(0, max(rows, 1), step))
