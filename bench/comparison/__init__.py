"""Compare run records: paired differences with intervals, and corrected p-values.

It needs the counts of the records, and neither images nor models. Images that were sampled together
form a cluster; the units of all statistics are clusters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import resample
from bench.comparison import contrasts, plain
from bench.comparison.comparability import Aligned, align
from bench.comparison.contrasts import MetricQuery
from bench.comparison.effects import Method, Spread, interval_of, spread_of
from bench.comparison.pairing import Pair, PairInputs, matrix, pairs_of
from bench.errors import UsageError
from bench.families import Metric
from bench.resample import Interval, effective_clusters, permutation, ties
from bench.resample.corrections import Correction
from bench.runs import Run
from bench.runs.finding import read_run
from bench.samples import Array
from bench.scoring import rules_of, seed_of
from bench.scoring.sample_notices import FEW_CLUSTERS

if TYPE_CHECKING:
    import pandas as pd

PERMUTATIONS = 10_000
SLOW_PERMUTATIONS = 1_000
"""Permutations of a score such as AP, for which each one is a pass over all detections."""
RANK_RESAMPLES = 300
_SHOWN_PAIRS = 10


@dataclass(frozen=True, eq=False)
class Comparison:
    """The scores of M runs, the differences of all pairs, and which of them are significant.

    Scores and differences are as stored: fractions of 1 for metrics in percent. `best` (M,) marks
    the runs that are not significantly worse than the best one; `ranks` (M, 2) are rank intervals.
    Both follow from the same corrected p-values as `letters`. `rank_shares` (M, M) is the fraction
    of resamples in which each run takes each rank.
    """

    metric: str
    title: str
    declared: Metric
    names: tuple[str, ...]
    runs: tuple[Run, ...]
    images: int
    clusters: int
    effective_clusters: float
    alpha: float
    correction: Correction
    permutations: int
    exact: bool
    seed: int
    scores: Array
    intervals: tuple[Interval | None, ...]
    pairs: tuple[Pair, ...]
    best: Array
    letters: tuple[str, ...]
    ranks: Array
    rank_shares: Array
    notes: tuple[str, ...]

    @property
    def lower_is_better(self) -> bool:
        """Whether a lower score is better."""
        return self.declared.lower_is_better

    def __repr__(self) -> str:
        """All scores and the first differences, in the unit of the metric."""
        lines = [f"Comparison of {self.metric} on {self.images} images"]
        width = max(len(name) for name in self.names)
        scores = self.scores.tolist()
        for name, score, interval in zip(self.names, scores, self.intervals, strict=True):
            ends = None if interval is None else self.declared.clipped(interval.ends)
            text = f"{self.declared.number(score)} {self.declared.ends(ends)}"
            lines.append(f"  {name:<{width}}  {text.rstrip()}")
        for pair in self.pairs[:_SHOWN_PAIRS]:
            effect = pair.effect
            ends = None if effect.interval is None else effect.interval.ends
            change = f"{self.declared.change(effect.difference)} {self.declared.ends(ends)}"
            names = f"{self.names[pair.first]} - {self.names[pair.second]}"
            lines.append(f"  {names}: {change.rstrip()}, p {effect.corrected:.3g}")
        if len(self.pairs) > _SHOWN_PAIRS:
            lines.append(f"  and {len(self.pairs) - _SHOWN_PAIRS} more pairs, in .pairs")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The whole comparison as plain data: `bench compare --json` without its `verdict`."""
        return plain.as_dict(self)

    def to_pandas(self) -> pd.DataFrame:
        """A row for each pair, and with `by_class` for each class: difference, interval,
        p-values.
        """
        from pandas import DataFrame

        return DataFrame(plain.rows(self))


def compare(
    *runs: Run | str | Path,
    metric: str | None = None,
    by_class: bool = False,
    alpha: float = 0.05,
    correction: Correction = "holm",
    common_images: bool = False,
    permutations: int | None = None,
    method: Method = "default",
) -> Comparison:
    """Compare two or more runs on one score, such as `mIoU`, `AP`, `mIoU@crop-200` or `IoU:car`.

    Runs are records, or paths: of a record, or of a folder with exactly one record below it. For
    each pair the result has the difference with an interval of level 1 - alpha, a p-value from
    permuting images (or clusters) between the two runs, and the minimum detectable difference at 80
    % power. P-values are corrected over all pairs, those of classes over all classes of their pair.

    Intervals come from the jackknife, for AP from the bootstrap, or on request from the
    `percentile`, `bca` or `studentised` bootstrap. `common_images` restricts the runs to the images
    that all have.

    Raises:
        RunError: the runs have different rules or ground truth.
        UsageError: fewer than two runs, or an unknown metric.
    """
    compared = [run if isinstance(run, Run) else read_run(run) for run in runs]
    if len(compared) < 2:
        raise UsageError(f"a comparison needs at least two runs, got {len(compared)}")
    if not isinstance(metric, str | None):
        raise UsageError(f"metric must be the name of one score, such as 'mIoU', got {metric!r}")
    if not 0 < alpha < 1:
        raise UsageError(f"--alpha must be between 0 and 1, such as 0.05, got {alpha}")
    names = labels_of(compared)
    query = contrasts.find_metric(compared, metric)
    aligned = align(compared, names, query.family, common_images=common_images)
    clusters, seed = aligned.clusters, seed_of(aligned.tables[0])
    units = int(clusters.max(initial=-1)) + 1
    observed = np.stack([contrasts.plain(query, t, by_class=by_class) for t in aligned.tables])
    spread = spread_of(query, aligned, seed=seed, by_class=by_class, method=method)
    slow = spread.resampled is not None
    count = permutations or (SLOW_PERMUTATIONS if slow else PERMUTATIONS)
    permuted = permutation.permutations(units, count, np.random.default_rng(seed))
    inputs = PairInputs(query, aligned, observed, spread, permuted, alpha, correction, by_class)
    pairs = pairs_of(inputs, compared)
    differs = matrix(pairs, len(compared), alpha)
    scores = observed[:, 0]
    sign = -1.0 if query.lower_is_better else 1.0
    merit = sign * scores
    sizes = np.bincount(clusters)
    return Comparison(
        metric=query.metric,
        title=query.title,
        declared=query.declared,
        names=tuple(names),
        runs=tuple(compared),
        images=len(clusters),
        clusters=units,
        effective_clusters=effective_clusters(sizes),
        alpha=alpha,
        correction=correction,
        permutations=len(permuted.exchanged) if units > 1 else 0,
        exact=permuted.exact,
        seed=seed,
        scores=scores,
        intervals=tuple(
            interval_of(spread, score, m, column=0, alpha=alpha) for m, score in enumerate(scores)
        ),
        pairs=tuple(pairs),
        best=ties.not_worse_than_the_best(merit, differs),
        letters=tuple(ties.letters(merit, differs)),
        ranks=ties.rank_intervals(merit, differs),
        rank_shares=_rank_shares(query, aligned, spread, seed, sign=sign),
        notes=(*aligned.notes, *_notes(compared, sizes, alpha)),
    )


def _rank_shares(
    query: MetricQuery, aligned: Aligned, spread: Spread, seed: int, *, sign: float
) -> Array:
    resampled = spread.resampled
    if resampled is None:
        resampled = resample_all(query, aligned, seed)
    return ties.rank_shares(sign * resampled[:, :, 0].T)


def resample_all(
    query: MetricQuery, aligned: Aligned, seed: int, count: int = RANK_RESAMPLES
) -> Array:
    """The scores of M runs in the same B resamples, (M, B, 1)."""
    generator = np.random.default_rng(seed)
    weights = resample.bootstrap_weights(aligned.clusters, count, generator)
    return np.stack(
        [contrasts.weighted(query, tables, weights, by_class=False) for tables in aligned.tables]
    )


def labels_of(compared: Sequence[Run]) -> list[str]:
    """The names of the runs in messages; runs of equal names also get their ids."""
    counts = Counter(run.record.name for run in compared)
    return [
        run.record.name
        if counts[run.record.name] == 1
        else f"{run.record.name} ({run.record.id[:6]})"
        for run in compared
    ]


def _notes(compared: Sequence[Run], sizes: Array, alpha: float) -> list[str]:
    """Notes for the reader, each a sentence without a full stop."""
    notes = []
    if len({str(run.record.protocol["rules"].get("classes_in")) for run in compared}) > 1:
        classes_in = rules_of(compared[0]).classes_in or "the default"
        notes.append(
            "the runs were scored over different sets of classes; here the setting of the first "
            f"run applies to all: {classes_in}"
        )
    if len({run.record.id for run in compared}) < len(compared):
        notes.append("a run is compared with itself")
    clusters, images = len(sizes), int(sizes.sum())
    units = "images" if clusters == images else "clusters of images"
    # The smallest p-value is that of one permutation among all, counting both signs.
    smallest = 2.0 ** (1 - clusters)
    if clusters < 2:
        notes.append("all images belong to one cluster: neither an interval nor a test is possible")
    elif smallest > alpha:
        notes.append(
            f"with {clusters} {units} the smallest possible p-value is {smallest:.2g}: nothing "
            "can be significant"
        )
    effective = effective_clusters(sizes)
    if 1 < clusters < images and effective < FEW_CLUSTERS:
        notes.append(
            f"only {clusters} clusters (effective number {effective:.1f}): the intervals may "
            "be too narrow"
        )
    return notes
