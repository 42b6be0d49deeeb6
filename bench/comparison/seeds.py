"""Models trained with several seeds: mean scores, their differences, and two sources of variation.

Other images and other training seeds would both change a score. Several runs of a model on the same
images are not a larger sample of images, and are never counted as one. The bootstrap therefore has
two levels: each resample draws images, the same for all runs, and then draws runs of each model.

    resample 1   images 4 1 1 7 ...    runs of deeplab: seed2 seed1    runs of fcn: seed3 seed3
    resample 2   images 2 9 4 4 ...    runs of deeplab: seed3 seed3    runs of fcn: seed1 seed2
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bench import resample
from bench.comparison import contrasts
from bench.comparison.comparability import align
from bench.errors import UsageError
from bench.families import Metric
from bench.resample import Interval, effective_clusters, student_quantile
from bench.runs import Run
from bench.samples import Array
from bench.scoring import seed_of

RESAMPLES = 2_000
SLOW_RESAMPLES = 300
"""Resamples of a score such as AP, for which each resample is a pass over all detections."""
MIN_FINITE = 0.94
"""The smallest fraction of resamples with a defined score for which there is an interval."""
_SEED = re.compile(r"(?<=.)[-_. (]+seed[-_. =]?\d+\)?$")


@dataclass(frozen=True, eq=False)
class SeedEffect:
    """A mean over seeds or a difference of two means, with its standard errors and interval.

    `image_error` is the standard error from the images alone, for these training runs; `seed_error`
    is that from the training seeds alone, for these images, and NaN if every model has a single
    run. `interval` covers both.
    """

    value: float
    image_error: float
    seed_error: float
    interval: Interval | None


@dataclass(frozen=True, eq=False)
class SeedModel:
    """A model: the scores (S,) of its S runs, their mean, and the mean of each class score."""

    name: str
    runs: tuple[str, ...]
    scores: Array
    mean: SeedEffect
    classes: dict[str, SeedEffect]


@dataclass(frozen=True, eq=False)
class SeedPair:
    """Two models by their positions: the difference of their means, first minus second."""

    first: int
    second: int
    effect: SeedEffect


@dataclass(frozen=True, eq=False)
class SeedComparison:
    """The mean scores of M models over their runs, and the difference of every pair."""

    metric: str
    title: str
    declared: Metric
    images: int
    clusters: int
    alpha: float
    models: tuple[SeedModel, ...]
    pairs: tuple[SeedPair, ...]
    seed: int
    notes: tuple[str, ...]

    @property
    def lower_is_better(self) -> bool:
        """Whether a lower score is better."""
        return self.declared.lower_is_better

    def __repr__(self) -> str:
        """Every model with its mean over seeds, in the unit of the metric."""
        number = self.declared.number
        means = ", ".join(f"{model.name} {number(model.mean.value)}" for model in self.models)
        return f"<SeedComparison of {self.metric} on {self.images} images: {means}>"


@dataclass(frozen=True, eq=False)
class _Side:
    """One model in an effect: its sign, scores of S runs (S,), and those in B resamples (B, S)."""

    sign: int
    plain: Array
    resampled: Array


def model_of(name: str) -> str:
    """The model that a run belongs to: its name without a suffix such as `-seed2`.

    >>> [model_of(name) for name in ("deeplab-seed2", "deeplab (seed 3)", "deeplab", "seed4")]
    ['deeplab', 'deeplab', 'deeplab', 'seed4']
    """
    return _SEED.sub("", name)


def by_model(compared: Iterable[Run]) -> dict[str, list[Run]]:
    """Group runs into models by their names."""
    groups: dict[str, list[Run]] = {}
    for run in compared:
        groups.setdefault(model_of(run.record.name), []).append(run)
    return groups


def compare_seeds(
    models: Mapping[str, Sequence[Run]],
    *,
    metric: str | None = None,
    by_class: bool = False,
    alpha: float = 0.05,
    common_images: bool = False,
) -> SeedComparison:
    """Compare models by the mean over their runs, with a two-level bootstrap of images and seeds.

    Raises:
        RunError: the runs have different rules or ground truth.
        UsageError: no model, a model without a run, or an unknown metric.
    """
    if not models or not all(models.values()):
        raise UsageError("every model needs at least one run")
    if not 0 < alpha < 1:
        raise UsageError(f"--alpha must be between 0 and 1, such as 0.05, got {alpha}")
    all_runs = [run for runs in models.values() for run in runs]
    names = [f"{run.record.name} ({run.record.id[:6]})" for run in all_runs]
    query = contrasts.find_metric(all_runs, metric)
    aligned = align(all_runs, names, query.family, common_images=common_images)
    clusters, seed = aligned.clusters, seed_of(aligned.tables[0])
    sizes = np.bincount(clusters)
    slow = contrasts.leave_one_out(query, aligned.tables[0], clusters, by_class=False) is None
    count = SLOW_RESAMPLES if slow else RESAMPLES
    weights = resample.bootstrap_weights(clusters, count, np.random.default_rng(seed))
    plain = np.stack([contrasts.plain(query, t, by_class=by_class) for t in aligned.tables])
    resampled = np.stack(
        [contrasts.weighted(query, t, weights, by_class=by_class) for t in aligned.tables], axis=1
    )
    # The runs of model m are starts[m]:starts[m + 1].
    starts = np.cumsum([0, *map(len, models.values())])

    def effect(*positions: int, column: int = 0) -> SeedEffect:
        """The mean of one model, or the first mean minus the second, of one column of scores."""
        sides = []
        for sign, m in zip((1, -1), positions, strict=False):
            runs = slice(starts[m], starts[m + 1])
            sides.append(_Side(sign, plain[runs, column], resampled[:, runs, column]))
        generator = np.random.default_rng([seed % 2**32, *positions])
        return _effect(sides, sizes, generator, alpha=alpha)

    labels = query.classes.names if by_class and query.per_class else ()
    seed_models = [
        SeedModel(
            name=name,
            runs=tuple(run.record.name for run in runs),
            scores=plain[starts[m] : starts[m + 1], 0],
            mean=effect(m),
            classes={label: effect(m, column=1 + c) for c, label in enumerate(labels)},
        )
        for m, (name, runs) in enumerate(models.items())
    ]
    pairs = [SeedPair(i, j, effect(i, j)) for i, j in combinations(range(len(models)), 2)]
    return SeedComparison(
        metric=query.metric,
        title=query.title,
        declared=query.declared,
        images=len(clusters),
        clusters=len(sizes),
        alpha=alpha,
        models=tuple(seed_models),
        pairs=tuple(pairs),
        seed=seed,
        notes=(*aligned.notes, *_notes(models)),
    )


def _effect(
    sides: Sequence[_Side], sizes: Array, generator: np.random.Generator, *, alpha: float
) -> SeedEffect:
    """The signed sum of the means of one or two models, with both sources of variation."""
    value = sum(side.sign * float(side.plain.mean()) for side in sides)
    by_images = np.sum([side.sign * side.resampled.mean(axis=1) for side in sides], axis=0)
    finite = by_images[np.isfinite(by_images)]
    image_error = math.nan
    if len(finite) > 1 and len(sizes) > 1:
        image_error = float(finite.std(ddof=1))
    # The trainings of two models are independent, so the variances of their means add up:
    #     seed_error^2 = s1^2 / S1 + s2^2 / S2    (s: standard deviation of S runs)
    # The images are shared, so their variance comes from the differences in each resample.
    variances = [_variance_of_mean(side.plain) for side in sides]
    finite_variances = [variance for variance in variances if math.isfinite(variance)]
    replicates = np.sum(
        [side.sign * _mean_of_drawn_seeds(side.resampled, generator) for side in sides], axis=0
    )
    units = [len(sizes), *(len(side.plain) for side in sides)]
    sources = list(zip([image_error**2, *variances], units, strict=True))
    return SeedEffect(
        value=value,
        image_error=image_error,
        seed_error=math.sqrt(sum(finite_variances)) if finite_variances else math.nan,
        interval=_interval(value, replicates, sources, sizes, alpha=alpha),
    )


def _variance_of_mean(scores: Array) -> float:
    return float(scores.var(ddof=1) / len(scores)) if len(scores) > 1 else math.nan


def _mean_of_drawn_seeds(resampled: Array, generator: np.random.Generator) -> Array:
    """The mean score (B,) of seeds drawn anew for each of B resamples of images, from (B, S).

    S - 1 of S seeds are drawn. The mean of S drawn from S has a variance that is too small by the
    factor (S - 1) / S, which matters for few seeds (Rao and Wu 1988).
    """
    resamples, seeds = resampled.shape
    chosen = generator.integers(0, seeds, (resamples, max(seeds - 1, 1)))
    return np.asarray(np.take_along_axis(resampled, chosen, axis=1).mean(axis=1))


def _interval(
    value: float,
    replicates: Array,
    sources: Sequence[tuple[float, int]],
    sizes: Array,
    *,
    alpha: float,
) -> Interval | None:
    """The interval from two-level resamples, with Satterthwaite's degrees of freedom.

    `sources` are the variance of each source of variation and the number of units behind it. The
    degrees of freedom of their sum are (sum v)^2 / sum(v^2 / (units - 1)).
    """
    finite = replicates[np.isfinite(replicates)]
    if len(sizes) < 2 or len(finite) < MIN_FINITE * len(replicates) or not math.isfinite(value):
        return None
    terms = [(variance, units - 1) for variance, units in sources if units > 1 and variance > 0]
    total = sum(variance for variance, _ in terms)
    freedom = float(len(sizes) - 1)
    if terms:
        freedom = total**2 / sum(variance**2 / degrees for variance, degrees in terms)
    error = float(finite.std(ddof=1))
    reach = student_quantile(1 - alpha / 2, freedom) * error
    method = f"two-level bootstrap of images and seeds, {len(replicates)} resamples, Student's t"
    return Interval(
        low=value - reach,
        high=value + reach,
        level=1 - alpha,
        standard_error=error,
        degrees_of_freedom=freedom,
        clusters=len(sizes),
        effective_clusters=effective_clusters(sizes),
        method=method,
    )


def _notes(models: Mapping[str, Sequence[Run]]) -> list[str]:
    return [
        (
            f"{name} has a single run: its variation between training seeds is unknown and not in "
            "the interval"
        )
        for name, runs in models.items()
        if len(runs) == 1
    ]
