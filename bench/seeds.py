"""Two models trained from several seeds each: the difference of their means, and two kinds of noise told apart.

Another sample of images and another training are two sources of chance; runs of one model on the same images are no
larger sample of images, and are never counted as one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench import contrasts, resample
from bench.comparability import align
from bench.errors import UsageError
from bench.resample import Interval, effective_clusters, student_quantile
from bench.runs import Run
from bench.samples import Array
from bench.scoring import seed_of

RESAMPLES = 2_000
STEP_RESAMPLES = 300


@dataclass(frozen=True, eq=False)
class SeedComparison:
    """Two models: the mean score over their seeds, and how far the difference may be off, and why.

    `image_error` is the standard error from the images alone, with these trainings; `seed_error` that from the
    trainings alone, on these images: NaN where no model has two. `interval` holds both.
    """

    metric: str
    lower_is_better: bool
    names: tuple[str, str]
    scores: tuple[Array, Array]
    images: int
    difference: float
    image_error: float
    seed_error: float
    interval: Interval | None
    seed: int
    notes: tuple[str, ...]


def compare_seeds(
    first: Sequence[Run],
    second: Sequence[Run],
    *,
    metric: str | None = None,
    alpha: float = 0.05,
    common_images: bool = False,
) -> SeedComparison:
    """Compare the S runs of one model with the T runs of another, by a two-level bootstrap of images and seeds.

    Raises:
        RunError: runs that were counted under other rules or against another truth.
        UsageError: a model without a run.
    """
    if not first or not second:
        raise UsageError("each of the two models needs at least one run")
    everything = [*first, *second]
    names = [f"{run.record.name} ({run.record.id[:6]})" for run in everything]
    asked = contrasts.question(everything, metric)
    aligned = align(everything, names, asked.family, common_images=common_images)
    seed = seed_of(aligned.tables[0])
    generator = np.random.default_rng(seed)
    steps = contrasts.without_each(asked, aligned.tables[0], aligned.clusters, by_class=False) is None
    rows = STEP_RESAMPLES if steps else RESAMPLES
    weights = resample.bootstrap_weights(aligned.clusters, rows, generator)
    plain = np.array([contrasts.plain(asked, part, by_class=False)[0] for part in aligned.tables])
    moved = np.stack(
        [contrasts.weighted(asked, part, weights, by_class=False)[:, 0] for part in aligned.tables], axis=1
    )
    cut = len(first)
    sides = (slice(None, cut), slice(cut, None))
    difference = float(plain[:cut].mean() - plain[cut:].mean())
    image_error = float(np.nanstd(moved[:, :cut].mean(axis=1) - moved[:, cut:].mean(axis=1), ddof=1))
    variances = [_variance_of_mean(plain[side]) for side in sides]
    known = [value for value in variances if math.isfinite(value)]
    both = np.subtract(*(_drawn(moved[:, side], generator) for side in sides))
    sizes = np.bincount(aligned.clusters)
    sources = list(zip([image_error**2, *variances], [len(sizes), cut, len(second)], strict=True))
    return SeedComparison(
        metric=asked.metric,
        lower_is_better=asked.lower_is_better,
        names=(first[0].record.name, second[0].record.name),
        scores=(plain[:cut], plain[cut:]),
        images=len(aligned.clusters),
        difference=difference,
        image_error=image_error,
        seed_error=math.sqrt(sum(known)) if known else math.nan,
        interval=_interval(difference, both, sources, sizes, alpha=alpha),
        seed=seed,
        notes=(*aligned.notes, *_notes(first, second)),
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
    difference: float, replicates: Array, sources: Sequence[tuple[float, int]], sizes: Array, *, alpha: float
) -> Interval | None:
    """The interval from two-level resamples, with Satterthwaite's degrees of freedom.

    `sources` are the variances of the three kinds of noise, and over how many units each was seen.
    """
    known = replicates[np.isfinite(replicates)]
    if len(sizes) < 2 or len(known) < 0.94 * len(replicates) or not math.isfinite(difference):
        return None
    parts = [(variance, units - 1) for variance, units in sources if units > 1 and variance > 0]
    total = sum(v for v, _ in parts)
    freedom = total**2 / sum(v**2 / n for v, n in parts) if parts else float(len(sizes) - 1)
    error = float(known.std(ddof=1))
    reach = student_quantile(1 - alpha / 2, freedom) * error
    return Interval(
        low=difference - reach,
        high=difference + reach,
        level=1 - alpha,
        standard_error=error,
        degrees_of_freedom=freedom,
        clusters=len(sizes),
        effective_clusters=effective_clusters(sizes),
        method=f"two-level bootstrap of images and seeds, {len(replicates)} resamples, Student's t",
    )


def _notes(*models: Sequence[Run]) -> list[str]:
    return [
        f"{model[0].record.name} has a single run: the noise of its training is not known and not in the interval"
        for model in models
        if len(model) == 1
    ]
