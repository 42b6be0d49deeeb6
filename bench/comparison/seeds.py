"""Models trained from several seeds each: mean scores, their differences, and two kinds of noise told apart.

Another sample of images and another training are two sources of chance; runs of one model on the same images are no
larger sample of images, and are never counted as one.
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
STEP_RESAMPLES = 300
_SEED = re.compile(r"(?<=.)[-_. (]+seed[-_. =]?\d+\)?$")


@dataclass(frozen=True, eq=False)
class SeedEffect:
    """A mean over seeds, or the difference of two, and how far it may be off, and why.

    `image_error` is the standard error from the images alone, with these trainings; `seed_error` that from the
    trainings alone, on these images: NaN where no model has two. `interval` holds both.
    """

    value: float
    image_error: float
    seed_error: float
    interval: Interval | None


@dataclass(frozen=True, eq=False)
class SeedModel:
    """A model: the scores of its S runs, and of all (first) and each class behind the metric, the mean over them."""

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
    """What M models score on the mean of their runs, and what every pair of them differs by."""

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
        """Whether a smaller score is a better one."""
        return self.declared.lower_is_better

    def __repr__(self) -> str:
        """Every model with the mean of its trainings, in the metric's unit."""
        number = self.declared.number
        means = ", ".join(f"{model.name} {number(model.mean.value)}" for model in self.models)
        return f"<SeedComparison of {self.metric} on {self.images} images: {means}>"


@dataclass(frozen=True, eq=False)
class _Side:
    """The runs of a model that enter an effect: plain scores (S,), those of B resamples (B, S), and its sign."""

    sign: int
    plain: Array
    moved: Array


def model_of(name: str) -> str:
    """The model that a run of this name is a training of: an ending such as `-seed2` is left out.

    >>> model_of("deeplab-seed2"), model_of("deeplab (seed 3)"), model_of("deeplab"), model_of("seed4")
    ('deeplab', 'deeplab', 'deeplab', 'seed4')
    """
    return _SEED.sub("", name)


def by_model(compared: Iterable[Run]) -> dict[str, list[Run]]:
    """Group runs into models by their names."""
    found: dict[str, list[Run]] = {}
    for run in compared:
        found.setdefault(model_of(run.record.name), []).append(run)
    return found


def compare_seeds(
    models: Mapping[str, Sequence[Run]],
    *,
    metric: str | None = None,
    by_class: bool = False,
    alpha: float = 0.05,
    common_images: bool = False,
) -> SeedComparison:
    """Score models on the mean of their runs and compare all pairs, by a two-level bootstrap of images and seeds.

    Raises:
        RunError: runs that were counted under other rules or against another truth.
        UsageError: no model, or one without a run.
    """
    if not models or not all(models.values()):
        raise UsageError("each of the models needs at least one run")
    if not 0 < alpha < 1:
        raise UsageError(f"--alpha {alpha}: a probability between 0 and 1, such as .05")
    everything = [run for part in models.values() for run in part]
    names = [f"{run.record.name} ({run.record.id[:6]})" for run in everything]
    asked = contrasts.question(everything, metric)
    aligned = align(everything, names, asked.family, common_images=common_images)
    seed = seed_of(aligned.tables[0])
    generator, sizes = np.random.default_rng(seed), np.bincount(aligned.clusters)
    steps = contrasts.without_each(asked, aligned.tables[0], aligned.clusters, by_class=False) is None
    weights = resample.bootstrap_weights(aligned.clusters, STEP_RESAMPLES if steps else RESAMPLES, generator)
    plain = np.stack([contrasts.plain(asked, part, by_class=by_class) for part in aligned.tables])
    moved = np.stack([contrasts.weighted(asked, part, weights, by_class=by_class) for part in aligned.tables], axis=1)
    cuts = np.cumsum([0, *map(len, models.values())])

    def effect(*places: int, column: int = 0) -> SeedEffect:
        parts = [slice(cuts[m], cuts[m + 1]) for m in places]
        sides = [_Side(1 - 2 * n, plain[part, column], moved[:, part, column]) for n, part in enumerate(parts)]
        return _effect(sides, sizes, np.random.default_rng([seed % 2**32, *places]), alpha=alpha)

    labels = asked.classes.names if by_class and asked.per_class else ()
    return SeedComparison(
        metric=asked.metric,
        title=asked.title,
        declared=asked.declared,
        images=len(aligned.clusters),
        clusters=len(sizes),
        alpha=alpha,
        models=tuple(
            SeedModel(
                name,
                tuple(run.record.name for run in part),
                plain[cuts[m] : cuts[m + 1], 0],
                effect(m),
                {label: effect(m, column=1 + c) for c, label in enumerate(labels)},
            )
            for m, (name, part) in enumerate(models.items())
        ),
        pairs=tuple(SeedPair(i, j, effect(i, j)) for i, j in combinations(range(len(models)), 2)),
        seed=seed,
        notes=(*aligned.notes, *_notes(models)),
    )


def _effect(sides: Sequence[_Side], sizes: Array, generator: np.random.Generator, *, alpha: float) -> SeedEffect:
    """The signed sum of the means of one or two models, with both kinds of noise."""
    value = sum(side.sign * float(side.plain.mean()) for side in sides)
    images = np.sum([side.sign * side.moved.mean(axis=1) for side in sides], axis=0)
    known = images[np.isfinite(images)]
    image_error = float(known.std(ddof=1)) if len(known) > 1 and len(sizes) > 1 else math.nan
    variances = [_variance_of_mean(side.plain) for side in sides]
    seeds = [variance for variance in variances if math.isfinite(variance)]
    both = np.sum([side.sign * _drawn(side.moved, generator) for side in sides], axis=0)
    units = [len(sizes), *(len(side.plain) for side in sides)]
    sources = list(zip([image_error**2, *variances], units, strict=True))
    return SeedEffect(
        value=value,
        image_error=image_error,
        seed_error=math.sqrt(sum(seeds)) if seeds else math.nan,
        interval=_interval(value, both, sources, sizes, alpha=alpha),
    )


def _variance_of_mean(scores: Array) -> float:
    return float(scores.var(ddof=1) / len(scores)) if len(scores) > 1 else math.nan


def _drawn(moved: Array, generator: np.random.Generator) -> Array:
    """Mean scores (B,) of seeds drawn anew for each resample of images, from (B, S).

    S - 1 of S are drawn: S would spread too little, by a factor that matters for few (Rao and Wu 1988).
    """
    rows, seeds = moved.shape
    chosen = generator.integers(0, seeds, (rows, max(seeds - 1, 1)))
    return np.asarray(np.take_along_axis(moved, chosen, axis=1).mean(axis=1))


def _interval(
    value: float, replicates: Array, sources: Sequence[tuple[float, int]], sizes: Array, *, alpha: float
) -> Interval | None:
    """The interval from two-level resamples, with Satterthwaite's degrees of freedom.

    `sources` are the variances of the kinds of noise, and over how many units each was seen.
    """
    known = replicates[np.isfinite(replicates)]
    if len(sizes) < 2 or len(known) < 0.94 * len(replicates) or not math.isfinite(value):
        return None
    parts = [(variance, units - 1) for variance, units in sources if units > 1 and variance > 0]
    total = sum(v for v, _ in parts)
    freedom = total**2 / sum(v**2 / n for v, n in parts) if parts else float(len(sizes) - 1)
    error = float(known.std(ddof=1))
    reach = student_quantile(1 - alpha / 2, freedom) * error
    return Interval(
        low=value - reach,
        high=value + reach,
        level=1 - alpha,
        standard_error=error,
        degrees_of_freedom=freedom,
        clusters=len(sizes),
        effective_clusters=effective_clusters(sizes),
        method=f"two-level bootstrap of images and seeds, {len(replicates)} resamples, Student's t",
    )


def _notes(models: Mapping[str, Sequence[Run]]) -> list[str]:
    return [
        f"{name} has a single run: the noise of its training is not known and not in the interval"
        for name, part in models.items()
        if len(part) == 1
    ]
