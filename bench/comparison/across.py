"""Several models on several data sets: the score of each on each, and what follows from their ranks.

Data sets are the sample here: which images lie in them, and how sure their scores are, is not used (Demsar 2006).
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
from bench.resample import ties
from bench.resample.friedman import RankTest, friedman
from bench.runs import Run
from bench.samples import Array

NAMED = 5
"""How many models a note names."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """M models on D data sets: scores (D, M) as fractions of 1, ranks (D, M) with 1 the best, and Friedman's test.

    `metrics` names the score of each data set; `letters` and `best` follow from Nemenyi's critical difference.
    `smallest` is the p-value of models that stand in the same order everywhere: none can be smaller.
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


def rank_across(compared: Sequence[Run], *, metric: str | None = None, alpha: float = 0.05) -> Ranking:
    """Rank models, told apart by their names, on every data set (and split) that the runs are of.

    Several runs of a model on one data set, such as trainings from other seeds, count by their mean.

    Raises:
        RunError: runs on one data set that were counted under other rules or against another truth.
        UsageError: fewer than two data sets, or than two models that have a score on all of them.
    """
    if not 0 < alpha < 1:
        raise UsageError(f"--alpha {alpha}: a probability between 0 and 1, such as .05")
    groups: dict[str, list[Run]] = {}
    for run in compared:
        groups.setdefault(f"{run.record.dataset.title} {run.record.dataset.split}", []).append(run)
    if len(groups) < 2:
        raise UsageError(
            f"--across ranks models over two data sets or more; all these runs are of {next(iter(groups))}"
        )
    found = [_scores_on(part, metric) for part in groups.values()]
    everyone = dict.fromkeys(name for _, scores in found for name in scores)
    models = [name for name in everyone if all(np.isfinite(scores.get(name, np.nan)) for _, scores in found)]
    if len(models) < 2:
        raise UsageError(
            f"--across needs two models or more with a score on each of {', '.join(groups)}; they are told apart by "
            f"--name, and {', '.join(models) or 'none'} is on all of them"
        )
    scores = np.array([[part[name] for name in models] for _, part in found])
    signs = [-1.0 if asked.lower_is_better else 1.0 for asked, _ in found]
    merit = np.array(signs)[:, None] * scores
    test = friedman(merit, alpha=alpha)
    differs, order = test.differs(), -test.mean_ranks
    left_out = [name for name in everyone if name not in models]
    metrics = tuple(asked.metric for asked, _ in found)
    return Ranking(
        datasets=tuple(groups),
        metrics=metrics,
        titles=tuple(asked.title for asked, _ in found),
        declared=tuple(asked.declared for asked, _ in found),
        models=tuple(models),
        scores=scores,
        ranks=test.ranks,
        test=test,
        smallest=friedman(np.tile(np.arange(len(models)), (len(groups), 1)), alpha=alpha).p_value,
        letters=tuple(ties.letters(order, differs)),
        best=ties.not_worse_than_the_best(order, differs),
        notes=tuple(_notes(groups, metrics, left_out)),
    )


def _scores_on(runs: Sequence[Run], metric: str | None) -> tuple[contrasts.Question, dict[str, float]]:
    """What is asked, and the score of each model on one data set."""
    asked = contrasts.question(runs, metric)
    aligned = align(runs, labels_of(runs), asked.family)
    pairs = zip(runs, aligned.tables, strict=True)
    of_run = {id(run): contrasts.plain(asked, part, by_class=False)[0] for run, part in pairs}
    scores = {name: float(np.mean([of_run[id(run)] for run in part])) for name, part in by_model(runs).items()}
    return asked, scores


def _notes(groups: Mapping[str, Sequence[Run]], metrics: Sequence[str], left_out: Sequence[str]) -> list[str]:
    """What a reader should know, in sentences without a full stop."""
    found = []
    if left_out:
        more = f" and {len(left_out) - NAMED} more" if len(left_out) > NAMED else ""
        found.append(f"left out, for they have no score on some data set: {', '.join(left_out[:NAMED])}{more}")
    if len(set(metrics)) > 1:
        each = ", ".join(f"{metric} on {name}" for name, metric in zip(groups, metrics, strict=True))
        found.append(f"ranks by different scores are taken together: {each}")
    means = [
        f"{len(part)} of {name} on {where}"
        for where, runs in groups.items()
        for name, part in by_model(runs).items()
        if len(part) > 1 and name not in left_out
    ]
    if means:
        found.append(f"several runs of a model on a data set count by their mean: {', '.join(means)}")
    return found
