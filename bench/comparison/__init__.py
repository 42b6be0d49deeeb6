"""Run records -> paired differences with intervals and p-values, corrected for how many pairs were looked at.

It needs neither images nor models: the counts of the records are left out, repeated and swapped by image, or by cluster
of images that were sampled together.
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
from bench.comparison.contrasts import Question
from bench.comparison.effects import Method, Spread, interval_of, spread_of
from bench.comparison.pairing import Asks, Pair, matrix, pairs_of
from bench.errors import UsageError
from bench.families import Metric
from bench.resample import Interval, effective_clusters, permutation, ties
from bench.resample.corrections import Correction
from bench.runs import Run
from bench.runs.finding import read_run
from bench.samples import Array
from bench.scoring import FEW_CLUSTERS, rules_of, seed_of

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 10
"""Pairs that a comparison shows of itself."""
PERMUTATIONS = 10_000
STEP_PERMUTATIONS = 1_000
"""Permutations for scores made of steps, such as AP, each of which costs a pass over all detections."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """What M runs differ by, and which of it is more than chance; scores and differences are fractions of 1.

    `best` (M,) marks those that are not significantly worse than the best, `ranks` (M, 2) bounds every rank, both from
    the same corrected pairs as `letters`; `rank_shares` (M, M) says how often a run takes a rank in resamples.
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
    swaps: int
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
        """Whether a smaller score is a better one."""
        return self.declared.lower_is_better

    def __repr__(self) -> str:
        """Every run with its score, and the first pairs with their differences, in the metric's unit."""
        width = max(len(name) for name in self.names)
        lines = [f"Comparison of {self.metric} on {self.images} images"]
        for name, score, interval in zip(self.names, self.scores.tolist(), self.intervals, strict=True):
            ends = interval and f" {self.declared.ends(self.declared.clipped(interval.ends))}"
            lines.append(f"  {name:<{width}}  {self.declared.number(score)}{ends or ''}")
        for pair in self.pairs[:_SHOWN]:
            names = f"{self.names[pair.first]} - {self.names[pair.second]}"
            effect = pair.effect
            ends = effect.interval and f" {self.declared.ends(effect.interval.ends)}"
            change = self.declared.change(effect.difference)
            lines.append(f"  {names}: {change}{ends or ''}, p {effect.corrected:.3g}")
        if len(self.pairs) > _SHOWN:
            lines.append(f"  and {len(self.pairs) - _SHOWN} more pairs, in .pairs")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Everything that the comparison holds, as `bench compare --json` prints it, without its sentence."""
        return plain.as_dict(self)

    def to_pandas(self) -> pd.DataFrame:
        """A row per pair (and per class, with `by_class`): difference, interval, p-values."""
        from pandas import DataFrame

        return DataFrame(plain.rows(self))


def compare(
    *given: Run | str | Path,
    metric: str | None = None,
    by_class: bool = False,
    alpha: float = 0.05,
    correction: Correction = "holm",
    common_images: bool = False,
    permutations: int | None = None,
    method: Method = "default",
) -> Comparison:
    """Compare two or more runs on one score, such as `mIoU`, `AP`, `mIoU@crop-200` or `IoU:car`.

    Runs are records that were read, or the paths of their folders (or of a folder with one record below it).
    Each pair has its difference with an interval of level 1 - alpha, a p-value from swapping images (or clusters)
    between the two, and the smallest difference that so many images can show with 80 % power. `common_images` compares
    on the images that all runs have. Intervals leave out one cluster at a time, for AP they resample; `percentile` and
    `bca` are there on request. Corrected p-values are right for all pairs, those of classes for all classes of a pair.

    Raises:
        RunError: the runs were counted under other rules or against another truth.
        UsageError: fewer than two runs, or an unknown metric.
    """
    compared = [each if isinstance(each, Run) else read_run(each) for each in given]
    if len(compared) < 2:
        raise UsageError(f"a comparison needs two runs, not {len(compared)}")
    if not isinstance(metric, str | None):
        raise UsageError(f"metric={metric!r}: the name of one score is needed, such as 'mIoU'")
    if not 0 < alpha < 1:
        raise UsageError(f"--alpha {alpha}: a probability between 0 and 1, such as .05")
    names = labels_of(compared)
    asked = contrasts.question(compared, metric)
    aligned = align(compared, names, asked.family, common_images=common_images)
    clusters, seed = aligned.clusters, seed_of(aligned.tables[0])
    units = int(clusters.max(initial=-1)) + 1
    observed = np.stack([contrasts.plain(asked, tables, by_class=by_class) for tables in aligned.tables])
    spread = spread_of(asked, aligned, seed=seed, by_class=by_class, method=method)
    wanted = permutations or (PERMUTATIONS if spread.resampled is None else STEP_PERMUTATIONS)
    swaps = permutation.permutations(units, wanted, np.random.default_rng(seed))
    asks = Asks(asked, aligned, observed, spread, swaps, alpha, correction, by_class)
    pairs = pairs_of(asks, compared)
    differs = matrix(pairs, len(compared), alpha)
    sign = -1.0 if asked.lower_is_better else 1.0
    scores, merit = observed[:, 0], sign * observed[:, 0]
    return Comparison(
        metric=asked.metric,
        title=asked.title,
        declared=asked.declared,
        names=tuple(names),
        runs=tuple(compared),
        images=len(clusters),
        clusters=units,
        effective_clusters=effective_clusters(np.bincount(clusters)),
        alpha=alpha,
        correction=correction,
        swaps=len(swaps.exchanged) if units > 1 else 0,
        exact=swaps.exact,
        seed=seed,
        scores=scores,
        intervals=tuple(interval_of(spread, observed[m, 0], m, column=0, alpha=alpha) for m in range(len(compared))),
        pairs=tuple(pairs),
        best=ties.not_worse_than_the_best(merit, differs),
        letters=tuple(ties.letters(merit, differs)),
        ranks=ties.rank_intervals(merit, differs),
        rank_shares=_rank_shares(asked, aligned, spread, seed, sign=sign),
        notes=(*aligned.notes, *_notes(compared, np.bincount(clusters), alpha)),
    )


def _rank_shares(asked: Question, aligned: Aligned, spread: Spread, seed: int, *, sign: float) -> Array:
    rows = spread.resampled if spread.resampled is not None else resample_all(asked, aligned, seed)
    return ties.rank_shares(sign * rows[:, :, 0].T)


def resample_all(asked: Question, aligned: Aligned, seed: int, rows: int = 300) -> Array:
    """The score of M runs in the same B resamples, (M, B, 1)."""
    weights = resample.bootstrap_weights(aligned.clusters, rows, np.random.default_rng(seed))
    return np.stack([contrasts.weighted(asked, tables, weights, by_class=False) for tables in aligned.tables])


def labels_of(compared: Sequence[Run]) -> list[str]:
    """What to call the runs: by their names, and by id too where a name comes twice."""
    often = Counter(run.record.name for run in compared)
    return [
        run.record.name if often[run.record.name] == 1 else f"{run.record.name} ({run.record.id[:6]})"
        for run in compared
    ]


def _notes(compared: Sequence[Run], sizes: Array, alpha: float) -> list[str]:
    """What a reader of the comparison should know, in sentences without a full stop."""
    found = []
    if len({str(run.record.protocol["rules"].get("classes_in")) for run in compared}) > 1:
        which = rules_of(compared[0]).classes_in or "the default"
        found.append(f"the runs were scored over different sets of classes; here all means run over {which}")
    if len({run.record.id for run in compared}) < len(compared):
        found.append("a run is compared with itself")
    units, images, worth = len(sizes), int(sizes.sum()), effective_clusters(sizes)
    what = "images" if units == images else "clusters of images"
    if units < 2:
        found.append("all images belong to one cluster: neither an interval nor a test is possible")
    elif 2.0 ** (1 - units) > alpha:
        found.append(f"with {units} {what} no p-value is below {2.0 ** (1 - units):.2g}: nothing can be significant")
    if 1 < units < images and worth < FEW_CLUSTERS:
        found.append(f"{units} clusters, worth {worth:.1f} of equal size, are few: intervals are rather too narrow")
    return found
