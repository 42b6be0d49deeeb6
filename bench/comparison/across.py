"""Rank several models over several data sets, by their ranks on each (Demsar 2006).

The sample consists of the data sets: their images and the intervals of their scores are not used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.comparison import contrasts, labels_of
from bench.comparison.comparability import align
from bench.comparison.seeds import by_model
from bench.errors import UsageError
from bench.families import Metric
from bench.notices import few
from bench.resample import ties
from bench.resample.friedman import RankTest, friedman
from bench.runs import Run
from bench.samples import Array


@dataclass(frozen=True, eq=False)
class Ranking:
    """M models on D data sets: scores (D, M), ranks (D, M) with 1 the best, and Friedman's test.

    `metrics` names the score used on each data set. `letters` and `best` follow from Nemenyi's
    critical difference. `smallest` is the smallest p-value that so many models and data sets can
    give: that of models in the same order everywhere.
    """

    datasets: tuple[str, ...]
    metrics: tuple[str, ...]
    titles: tuple[str, ...]
    declared: tuple[Metric, ...]
    models: tuple[str, ...]
    scores: Array
    ranks: Array
    test: RankTest
    smallest: float
    letters: tuple[str, ...]
    best: Array
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _DatasetScores:
    """The score of each model on one data set."""

    query: contrasts.MetricQuery
    scores: dict[str, float]


def rank_across(
    compared: Sequence[Run], *, metric: str | None = None, alpha: float = 0.05
) -> Ranking:
    """Rank models on every data set and split of the runs; run names identify the models.

    Several runs of a model on one data set, such as training seeds, count by their mean.

    Raises:
        RunError: the runs on one data set have different rules or ground truth.
        UsageError: fewer than two data sets, or fewer than two models with a score on all of them.
    """
    if not 0 < alpha < 1:
        raise UsageError(f"--alpha must be between 0 and 1, such as 0.05, got {alpha}")
    groups: dict[str, list[Run]] = {}
    for run in compared:
        dataset = run.record.dataset
        groups.setdefault(f"{dataset.title} {dataset.split}", []).append(run)
    if len(groups) < 2:
        raise UsageError(
            "--across ranks models over at least two data sets; all these runs are on "
            f"{next(iter(groups))}"
        )
    by_dataset = [_scores_on(runs, metric) for runs in groups.values()]
    names = dict.fromkeys(name for dataset in by_dataset for name in dataset.scores)
    models = [
        name
        for name in names
        if all(np.isfinite(dataset.scores.get(name, np.nan)) for dataset in by_dataset)
    ]
    if len(models) < 2:
        raise UsageError(
            f"--across needs at least two models with a score on each of {', '.join(groups)}; run "
            f"names (--name) identify models, and these are on all: {', '.join(models) or 'none'}"
        )
    scores = np.array([[dataset.scores[name] for name in models] for dataset in by_dataset])
    queries = [dataset.query for dataset in by_dataset]
    signs = np.array([-1.0 if query.lower_is_better else 1.0 for query in queries])
    # With these signs a higher score is better for every metric, as `friedman` expects.
    test = friedman(signs[:, None] * scores, alpha=alpha)
    # No p-value is smaller than that of models that every data set ranks in the same order.
    same_order = np.tile(np.arange(len(models)), (len(groups), 1))
    differs, merit = test.differs(), -test.mean_ranks
    metrics = tuple(query.metric for query in queries)
    left_out = [name for name in names if name not in models]
    return Ranking(
        datasets=tuple(groups),
        metrics=metrics,
        titles=tuple(query.title for query in queries),
        declared=tuple(query.declared for query in queries),
        models=tuple(models),
        scores=scores,
        ranks=test.ranks,
        test=test,
        smallest=friedman(same_order, alpha=alpha).p_value,
        letters=tuple(ties.letters(merit, differs)),
        best=ties.not_worse_than_the_best(merit, differs),
        notes=tuple(_notes(groups, metrics, left_out)),
    )


def _scores_on(runs: Sequence[Run], metric: str | None) -> _DatasetScores:
    """The score of each model on the data set of these runs."""
    query = contrasts.find_metric(runs, metric)
    aligned = align(runs, labels_of(runs), query.family)
    score_by_run = {
        id(run): contrasts.plain(query, tables, by_class=False)[0]
        for run, tables in zip(runs, aligned.tables, strict=True)
    }
    scores = {
        name: float(np.mean([score_by_run[id(run)] for run in seeds]))
        for name, seeds in by_model(runs).items()
    }
    return _DatasetScores(query, scores)


def _notes(
    groups: Mapping[str, Sequence[Run]], metrics: Sequence[str], left_out: Sequence[str]
) -> list[str]:
    """Notes for the reader, each a sentence without a full stop."""
    notes = []
    if left_out:
        notes.append(f"left out because they lack a score on some data set: {few(left_out)}")
    if len(set(metrics)) > 1:
        used = [f"{metric} on {name}" for name, metric in zip(groups, metrics, strict=True)]
        notes.append(f"the ranks come from different metrics: {', '.join(used)}")
    means = [
        f"{len(seeds)} of {name} on {dataset}"
        for dataset, runs in groups.items()
        for name, seeds in by_model(runs).items()
        if len(seeds) > 1 and name not in left_out
    ]
    if means:
        notes.append(
            f"several runs of a model on a data set count by their mean: {', '.join(means)}"
        )
    return notes
