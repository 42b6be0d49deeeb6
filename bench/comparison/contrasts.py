"""One score of several runs: as it is, without each cluster, in resamples, and under permutations.

It turns each of these into weights over images and asks the family for scores. What follows from
the scores is computed in `effects.py` and `pairing.py`.
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
"""Memory for the weights of one block of resamples."""


@dataclass(frozen=True, eq=False)
class MetricQuery:
    """A score of a family, for all classes or for one, and the options it is computed under.

    `metric` is its full name, such as `box_AP` or `IoU:car`; `declared` is the family's
    declaration. `per_class` names the class score that belongs to an overall score, such as IoU for
    mIoU.
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
        """The title in text, such as `IoU of car`; names with a prefix or region stay."""
        score = self.metric.partition(":")[0]
        title = self.declared.title if score == self.declared.name else score
        return title if self.label is None else f"{title} of {self.label}"

    @property
    def lower_is_better(self) -> bool:
        """Whether a lower score is better."""
        return self.declared.lower_is_better

    def select(self, scores: Scores, *, by_class: bool) -> Array:
        """The score, (B, 1), or with `by_class` also the scores of its C classes, (B, 1 + C)."""
        if self.label is None:
            values = scores.overall[self.name]
        else:
            values = scores.per_class[self.name][:, self.classes.names.index(self.label)]
        if not by_class or self.per_class is None:
            return np.asarray(values[:, None])
        return np.concatenate([values[:, None], scores.per_class[self.per_class]], axis=1)


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Scores without each of K clusters, (K, 1 or 1 + C), and the classes behind a mean score."""

    scores: Array
    members: Members | None


def find_metric(compared: Sequence[Run], metric: str | None) -> MetricQuery:
    """Find the family that scores `metric`, such as `mIoU`, `mIoU@crop-200`, `IoU:car` or `box_AP`.

    Without a metric, it is the leading one of the first family that all runs have.

    Raises:
        RunError: the runs have no family in common.
        UsageError: no common family scores the metric.
    """
    record, rules = compared[0].record, rules_of(compared[0])
    shared = [key for key in record.tables if all(key in run.record.tables for run in compared)]
    if not shared:
        kinds = [f"{run.record.name}: {', '.join(run.record.tables)}" for run in compared]
        raise RunError(f"the runs have no scores of the same kind to compare ({'; '.join(kinds)})")
    queries: dict[str, MetricQuery] = {}
    classes = record.classes
    for family in families(shared):
        for query in _queries_of(family, family.options(rules), classes, compared[0].tables):
            queries.setdefault(query.metric, query)  # of two equal names, the first family's counts
        if metric in queries:
            return queries[metric]
        if metric is None and queries:
            leading = [query for query in queries.values() if query.name in family.leading]
            return leading[0] if leading else next(iter(queries.values()))
    name = str(metric)
    # Names of single classes are suggested only to users who ask for a class.
    similar = [other for other in queries if (":" in other) == (":" in name)]
    raise UsageError(f"unknown metric {name!r}: {did_you_mean(name, similar)}")


def _queries_of(
    family: Family[Any], options: Any, classes: Classes, tables: Tables
) -> Iterator[MetricQuery]:
    """All scores that a family has in these tables: overall, in regions, and of every class."""
    images = len(tables["images"]["id"])
    scores = family.score(tables, resample.ones(images), classes, options)
    for score in scores.overall:
        declared = family.metric(score, options)
        per_class = class_score(declared, score)
        if per_class not in scores.per_class:
            per_class = None
        name = family.full_name(score)
        yield MetricQuery(name, declared, family, options, classes, score, None, per_class)
    for score in scores.per_class:
        declared = family.metric(score, options)
        for label in classes.names:
            name = f"{family.full_name(score)}:{label}"
            yield MetricQuery(name, declared, family, options, classes, score, label, None)


def class_score(declared: Metric | None, score: str) -> str | None:
    """The class score that belongs to an overall score, in the same region.

    >>> from bench.families import family
    >>> class_score(family("pixels").metrics[2], "mIoU@crop-200")
    'IoU@crop-200'
    """
    if declared is None or declared.per_class is None:
        return None
    _, at, region = score.partition("@")
    return declared.per_class + at + region


def plain(query: MetricQuery, tables: Tables, *, by_class: bool) -> Array:
    """The scores of one run, (1 or 1 + C,)."""
    weights = resample.ones(len(tables["images"]["id"]))
    scores = query.family.score(tables, weights, query.classes, query.options)
    return np.asarray(query.select(scores, by_class=by_class)[0])


def leave_one_out(
    query: MetricQuery, tables: Tables, clusters: Array, *, by_class: bool
) -> LeftOut | None:
    """The scores without each cluster; None if the jackknife is not valid for the score (AP)."""
    scores = query.family.leave_out(tables, clusters, query.classes, query.options)
    if scores is None:
        return None
    members = members_of(scores, query.name) if query.label is None else None
    return LeftOut(query.select(scores, by_class=by_class), members)


def members_of(scores: Scores, name: str) -> Members | None:
    """The classes behind a mean, if the family says how many clusters contain each."""
    source = scores.parts.get(name)
    return None if source is None else Members(scores.per_class[source[0]], source[1])


def weighted(query: MetricQuery, tables: Tables, weights: Array, *, by_class: bool) -> Array:
    """The scores under weights (B, N), computed in blocks: (B, 1 or 1 + C)."""
    parts = [
        query.select(_score(query, tables, weights[block]), by_class=by_class)
        for block in _blocks(*weights.shape)
    ]
    return np.concatenate(parts)


def _score(query: MetricQuery, tables: Tables, weights: Array) -> Scores:
    """Score weights (B, N); a family may compute the requested score only."""
    return query.family.score_only(tables, weights, query.classes, query.options, name=query.name)


def permuted(
    query: MetricQuery,
    pair: tuple[Tables, Tables],
    permutations: Permutations,
    clusters: Array,
    *,
    by_class: bool,
) -> Array:
    """The difference of two runs under each of R permutations, (R, 1 or 1 + C).

    A permutation exchanges the predictions of the two runs for some clusters. Instead of moving
    rows between tables, the tables of both runs are stacked into one over 2N images (see
    `stacked`), and every permutation becomes two rows of weights that select one half each:

        image            0     1     2        cluster 1 is exchanged
        of run           A B   A B   A B
        first half       1 0   0 1   1 0      A, B, A
        second half      0 1   1 0   0 1      B, A, B
    """
    family = query.family
    settled = [dict(family.settled(tables, query.classes, query.options)) for tables in pair]
    if not any("score" in settled[0][name] for name in family.tables):
        # Plain counts add up, so a cluster that is exchanged as a whole counts like one image.
        # Detections keep their images, because image order decides ties between them.
        settled = [_by_cluster(tables, family.tables, clusters) for tables in settled]
        clusters = np.arange(permutations.exchanged.shape[1])
    both = stacked((settled[0], settled[1]), family.tables)
    images, parts = len(clusters), []
    for block in _blocks(len(permutations.exchanged), 4 * images):
        exchanged = permutations.exchanged[block][:, clusters]
        # Axes: half, permutation, image, run.
        weights = np.empty((2, len(exchanged), images, 2), dtype=np.int32)
        weights[0, :, :, 1] = weights[1, :, :, 0] = exchanged
        weights[0, :, :, 0] = weights[1, :, :, 1] = ~exchanged
        scores = _score(query, both, weights.reshape(-1, 2 * images))
        halves = query.select(scores, by_class=by_class)
        parts.append(halves[: len(exchanged)] - halves[len(exchanged) :])
    return np.concatenate(parts)


def stacked(pair: tuple[Tables, Tables], names: Sequence[str]) -> Tables:
    """Stack the tables of two runs: image n is 2n for the first run and 2n + 1 for the second.

    Image order decides ties between equal scores. With this numbering, a permutation keeps the
    order of images, so ties are broken as in the single runs. Two models need not use the same
    scale of scores, so scores are replaced by ranks within run and class: only their order counts.
    """
    both: Tables = {}
    for name in names:
        ranked = [_with_ranks(tables[name]) for tables in pair]
        numbered = [
            {**table, "image": 2 * table["image"] + side} for side, table in enumerate(ranked)
        ]
        joined = {key: np.concatenate([table[key] for table in numbered]) for key in numbered[0]}
        order = np.argsort(joined["image"], kind="stable")
        both[name] = {key: column[order] for key, column in joined.items()}
    return both


def _by_cluster(tables: Mapping[str, Table], names: Sequence[str], clusters: Array) -> Tables:
    """The tables with the number of the cluster in place of that of the image."""
    return {name: {**tables[name], "image": clusters[tables[name]["image"]]} for name in names}


def _with_ranks(table: Table) -> Table:
    return as_ranks(table) if {"class", "score"} <= set(table) else table


def _blocks(rows: int, columns: int) -> Iterator[slice]:
    """Slices of rows, each of which takes at most `BYTES` of memory."""
    step = max(1, BYTES // (8 * max(columns, 1)))
    for start in range(0, max(rows, 1), step):
        yield slice(start, min(start + step, rows))
