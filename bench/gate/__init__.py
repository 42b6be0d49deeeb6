"""The gate: a candidate, a baseline and a margin -> a verdict with its numbers, for the score and for guarded classes.

A score passes when it is surely not worse by more than the margin, and fails when it surely is; in between nothing is
pretended. It knows neither files nor shells.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.comparison import contrasts, labels_of
from bench.comparison.comparability import Aligned, align
from bench.comparison.contrasts import Question
from bench.comparison.effects import interval_of, spread_of
from bench.errors import RunError, UsageError, did_you_mean
from bench.resample import Interval, power, student_quantile
from bench.runs import Run
from bench.samples import Array
from bench.scoring import FEW_CLUSTERS, FEW_IMAGES, seed_of

ALPHA = 0.10
"""Two one-sided 95 % bounds are the ends of a two-sided 90 % interval."""
CAUTION = 0.5
"""The share of the effective degrees of freedom that the bounds rest on: with all of them, models as bad as the margin
pass in up to 8 % of samples of 50 images (docs/statistics.md)."""
SAME = 1e-12
"""Sums of the same floats in another order are no difference."""

Outcome = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True)
class Finding:
    """What is known of one score, in fractions of 1; `label` is the class of a guard, else None.

    `change` is candidate minus baseline, turned so that less is worse; with 95 % confidence each it is not below `low`
    and not above `high`. `detectable` is how far from the margin a change must be to be settled with 80 % power,
    `needed` how many images settle one that stays as observed. NaN where not known, infinite where no number would do.
    """

    metric: str
    label: str | None
    candidate: float
    baseline: float
    change: float
    low: float
    high: float
    margin: float
    outcome: Outcome
    detectable: float
    needed: float

    @property
    def name(self) -> str:
        """The score, and the class if it is one's."""
        return self.metric if self.label is None else f"{self.metric}:{self.label}"


@dataclass(frozen=True)
class Verdict:
    """What follows for one score and the classes guarded with it, and on how many images it rests."""

    candidate: str
    baseline: str
    images: int
    clusters: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """The worst of the findings."""
        return worst(finding.outcome for finding in self.findings)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """A regression outweighs what is not settled, and that outweighs what passes.

    >>> worst(["pass", "inconclusive", "pass"])
    'inconclusive'
    """
    found = set(outcomes)
    return "fail" if "fail" in found else "inconclusive" if "inconclusive" in found else "pass"


def check(
    candidate: Run,
    baseline: Run,
    *,
    metric: str,
    margin: float,
    guards: Mapping[str, float] | None = None,
    common_images: bool = False,
) -> Verdict:
    """Say whether the candidate is worse than the baseline by more than a margin (a fraction of 1) on one score.

    `guards` are margins of single classes: of IoU with mIoU, of AP with AP, of PQ with PQ. `common_images` judges by
    the images that both have.

    Raises:
        RunError: the runs were counted under other rules, against another truth, or lack the score.
        UsageError: an unknown metric, or a guard of what has no score.
    """
    guards = guards or {}
    asked = contrasts.question((candidate, baseline), metric)
    columns = _columns(asked, guards)
    names = labels_of((candidate, baseline))
    aligned = align((candidate, baseline), names, asked.family, common_images=common_images)
    plain = np.stack([contrasts.plain(asked, tables, by_class=bool(guards)) for tables in aligned.tables])
    seed = seed_of(aligned.tables[0])
    spread = spread_of(asked, aligned, seed=seed, by_class=bool(guards), method="default")
    units, findings = (int(aligned.clusters.max(initial=-1)) + 1, len(aligned.clusters)), []
    for label, (column, allowed) in {None: (0, margin), **columns}.items():
        values = plain[:, column]
        if np.isnan(values[1]):
            what = metric if label is None else f"{asked.per_class}:{label}"
            raise RunError(f"{names[1]} has no {what}: nothing of it is in the truth, so that it cannot be checked")
        interval = interval_of(spread, values[0] - values[1], 0, 1, column=column, alpha=ALPHA)
        name = asked.metric if label is None else str(asked.per_class)
        findings.append(
            judge((name, label), values, interval, margin=allowed, units=units, lower=asked.lower_is_better)
        )
    called = candidate.record.name, baseline.record.name
    return Verdict(*called, images=units[1], clusters=units[0], findings=tuple(findings), notes=_notes(aligned))


def _columns(asked: Question, guards: Mapping[str, float]) -> dict[str | None, tuple[int, float]]:
    """Where the scores of the guarded classes stand, and their margins."""
    if guards and (asked.per_class is None or asked.label is not None):
        raise UsageError(f"{asked.metric} has no scores of classes, so that classes cannot be guarded with it")
    known, found = asked.classes.names, dict[str | None, tuple[int, float]]()
    for label, margin in guards.items():
        if label not in known:
            raise UsageError(f"there is no class {label!r} to guard: {did_you_mean(label, known)}")
        found[label] = (1 + known.index(label), margin)
    return found


def judge(
    name: tuple[str, str | None],
    values: Array,
    interval: Interval | None,
    *,
    margin: float,
    units: tuple[int, int],
    lower: bool = False,
) -> Finding:
    """Judge two values (candidate, baseline) by one-sided 95 % bounds of their difference.

    `units` are clusters and images; `lower` says that the score is an error. Without an interval only what did not
    change at all passes.
    """
    sign = -1.0 if lower else 1.0
    change = sign * float(values[0] - values[1])
    low = high = detectable = needed = math.nan
    if change == 0:
        low = high = 0.0
    elif interval is not None:
        error, freedom = interval.standard_error, max(CAUTION * interval.degrees_of_freedom, 1.0)
        reach = student_quantile(1 - ALPHA / 2, freedom) * error
        low, high = change - reach, change + reach
        detectable = power.detectable(error, freedom, alpha=ALPHA)
        gap = change + margin if abs(change + margin) > SAME else 0.0
        needed = power.units_needed(units[0], error, freedom, effect=gap, alpha=ALPHA) * units[1] / max(units[0], 1)
    outcome: Outcome = "pass" if low >= -margin - SAME else "fail" if high < -margin - SAME else "inconclusive"
    return Finding(
        metric=name[0],
        label=name[1],
        candidate=float(values[0]),
        baseline=float(values[1]),
        change=change,
        low=low,
        high=high,
        margin=margin,
        outcome=outcome,
        detectable=detectable,
        needed=float(math.ceil(needed)) if math.isfinite(needed) else needed,
    )


def _notes(aligned: Aligned) -> tuple[str, ...]:
    """What a reader should know, in sentences without a full stop."""
    found, units, images = list(aligned.notes), int(aligned.clusters.max(initial=-1)) + 1, len(aligned.clusters)
    if units < 2:
        found.append("all images belong to one cluster: only a score that did not change can pass")
    elif units < images and units < FEW_CLUSTERS:
        found.append(f"{units} clusters of images are few: bounds may be too narrow")
    elif units == images and images < FEW_IMAGES:
        found.append(f"{images} images are few: bounds may be too narrow")
    return tuple(found)
