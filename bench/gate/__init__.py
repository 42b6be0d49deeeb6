"""The gate: decide whether a candidate run is worse than its baseline by more than a margin.

It compares one score, and on request the scores of guarded classes, and returns a verdict with the
numbers behind it. It reads no files and does not know the command line.

A check is a non-inferiority test with two one-sided 95 % bounds of the change (higher is better):

      -margin             0
    ----|------[====]-----|------   pass:          the lower bound is above -margin
    -[====]----|----------|------   fail:          the upper bound is below -margin
    ---[====|==]----------|------   inconclusive:  the margin lies between the bounds
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from bench.comparison import contrasts, labels_of
from bench.comparison.comparability import Aligned, align
from bench.comparison.contrasts import MetricQuery
from bench.comparison.effects import interval_of, spread_of
from bench.errors import RunError, UsageError, did_you_mean
from bench.families import Metric
from bench.gate.verdict import Finding as Finding
from bench.gate.verdict import Outcome as Outcome
from bench.gate.verdict import Verdict as Verdict
from bench.gate.verdict import worst as worst
from bench.resample import Interval, power, student_quantile
from bench.runs import Run
from bench.samples import Array
from bench.scoring import seed_of
from bench.scoring.sample_notices import FEW_CLUSTERS, FEW_IMAGES

ALPHA = 0.10
"""Two one-sided 95 % bounds are the two ends of a 90 % interval."""
FREEDOM_FRACTION = 0.5
"""Fraction of the effective degrees of freedom that the bounds use. With all of them, models that
are worse by exactly the margin pass in up to 8 % of samples of 50 images (docs/statistics.md)."""
TOLERANCE = 1e-12
"""Summing the same floats in another order changes a score by less than this."""


def check(
    candidate: Run,
    baseline: Run,
    *,
    metric: str,
    margin: float,
    guards: Mapping[str, float] | None = None,
    common_images: bool = False,
    as_shown: bool = False,
) -> Verdict:
    """Decide whether the candidate is worse than the baseline on a metric by more than the margin.

    Margins are in the unit in which the score is stored, a fraction of 1 for most metrics; with
    `as_shown`, in the unit in which it is shown, such as points. `guards` maps class names to their
    own margins, for the class score that belongs to the metric: IoU for mIoU, AP for AP, PQ for PQ.
    `common_images` restricts both runs to the images that they share.

    Raises:
        RunError: the runs have different rules or ground truth, or lack the score.
        UsageError: unknown metric, or a guard for a class or metric without class scores.
    """
    guards = guards or {}
    pair = (candidate, baseline)
    query = contrasts.find_metric(pair, metric)
    guard_columns = _guard_columns(query, guards)
    names = labels_of(pair)
    aligned = align(pair, names, query.family, common_images=common_images)
    by_class = bool(guards)
    plain = np.stack([contrasts.plain(query, run, by_class=by_class) for run in aligned.tables])
    seed = seed_of(aligned.tables[0])
    spread = spread_of(query, aligned, seed=seed, by_class=by_class, method="default")
    clusters, images = _units(aligned)
    scale = query.declared.scale if as_shown else 1.0
    findings = []
    for label, (column, allowed) in {None: (0, margin), **guard_columns}.items():
        values = plain[:, column]
        score_name, declared = query.metric, query.declared
        if label is not None:
            score_name = str(query.per_class)
            declared = query.family.metric(score_name, query.options)
        if np.isnan(values[1]):
            missing = metric if label is None else f"{score_name}:{label}"
            raise RunError(
                f"{names[1]} has no {missing} to check: the ground truth contains nothing that "
                "it scores"
            )
        interval = interval_of(spread, values[0] - values[1], 0, 1, column=column, alpha=ALPHA)
        finding = judge(
            (score_name, label),
            declared,
            values,
            interval,
            margin=allowed / scale,
            units=(clusters, images),
        )
        findings.append(finding)
    return Verdict(
        candidate=candidate.record.name,
        baseline=baseline.record.name,
        images=images,
        clusters=clusters,
        findings=tuple(findings),
        notes=_notes(aligned),
    )


def _guard_columns(
    query: MetricQuery, guards: Mapping[str, float]
) -> dict[str | None, tuple[int, float]]:
    """Map each guarded class to its column in the scores, and its margin."""
    if guards and (query.per_class is None or query.label is not None):
        raise UsageError(f"{query.metric} has no class scores, so it cannot guard classes")
    class_names = query.classes.names
    columns: dict[str | None, tuple[int, float]] = {}
    for label, margin in guards.items():
        if label not in class_names:
            raise UsageError(f"guarded class {label!r}: {did_you_mean(label, class_names)}")
        columns[label] = (1 + class_names.index(label), margin)  # column 0 is the overall score
    return columns


def judge(
    name: tuple[str, str | None],
    declared: Metric,
    values: Array,
    interval: Interval | None,
    *,
    margin: float,
    units: tuple[int, int],
) -> Finding:
    """Judge two values (candidate, baseline) by one-sided 95 % bounds of their difference.

    `units` are the numbers of clusters and of images. Without an interval, only an
    unchanged score passes.
    """
    sign = -1.0 if declared.lower_is_better else 1.0
    change = sign * float(values[0] - values[1])
    low = high = detectable = needed = math.nan
    if change == 0:
        low = high = 0.0
    elif interval is not None:
        error = interval.standard_error
        freedom = max(FREEDOM_FRACTION * interval.degrees_of_freedom, 1.0)
        # change +- t(0.95, freedom) x standard error: each end is a one-sided 95 % bound.
        reach = student_quantile(1 - ALPHA / 2, freedom) * error
        low, high = change - reach, change + reach
        detectable = power.detectable(error, freedom, alpha=ALPHA)
        needed = _images_needed(change + margin, error, freedom, units)
    return Finding(
        metric=name[0],
        declared=declared,
        label=name[1],
        candidate=float(values[0]),
        baseline=float(values[1]),
        change=change,
        low=low,
        high=high,
        margin=margin,
        outcome=_outcome(low, high, margin),
        detectable=detectable,
        needed=needed,
    )


def _outcome(low: float, high: float, margin: float) -> Outcome:
    # Without bounds (NaN) both comparisons are false, which leaves the check inconclusive.
    if low >= -margin - TOLERANCE:
        return "pass"
    return "fail" if high < -margin - TOLERANCE else "inconclusive"


def _images_needed(distance: float, error: float, freedom: float, units: tuple[int, int]) -> float:
    """Images that decide a change at this distance from the margin, with 80 % power.

    Power is computed in clusters; more images are assumed to come in clusters of the same mean
    size.
    """
    clusters, images = units
    effect = distance if abs(distance) > TOLERANCE else 0.0
    needed_clusters = power.units_needed(clusters, error, freedom, effect=effect, alpha=ALPHA)
    needed = needed_clusters * images / max(clusters, 1)
    return float(math.ceil(needed)) if math.isfinite(needed) else needed


def _units(aligned: Aligned) -> tuple[int, int]:
    """The numbers of clusters and of images."""
    return int(aligned.clusters.max(initial=-1)) + 1, len(aligned.clusters)


def _notes(aligned: Aligned) -> tuple[str, ...]:
    """Notes for the reader, each a sentence without a full stop."""
    notes = list(aligned.notes)
    clusters, images = _units(aligned)
    if clusters < 2:
        notes.append("all images belong to one cluster: only an unchanged score can pass")
    elif clusters < images and clusters < FEW_CLUSTERS:
        notes.append(f"only {clusters} clusters of images: the bounds may be too narrow")
    elif clusters == images and images < FEW_IMAGES:
        notes.append(f"only {images} images: the bounds may be too narrow")
    return tuple(notes)
