"""`bench.compare` and `bench.check`: which run is better, and whether one became worse than a
baseline.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from bench import comparison, gate
from bench.argument_names import for_python
from bench.comparison import Comparison
from bench.comparison.effects import Method
from bench.errors import UsageError
from bench.evaluation.result import Result
from bench.gate import Verdict
from bench.resample.corrections import Correction
from bench.runs import Run
from bench.runs.finding import read_run

RunLike: TypeAlias = Run | Result | str | Path
"""A run record, the result of `bench.evaluate`, or the path of a run record."""


@for_python
def compare(
    *runs: RunLike,
    metric: str | None = None,
    by_class: bool = False,
    alpha: float = 0.05,
    correction: Correction = "holm",
    common_images: bool = False,
    permutations: int | None = None,
    interval: Method = "default",
) -> Comparison:
    """Compare two or more runs on one metric: differences with intervals and p-values.

    Args:
        runs: run records, results of `bench.evaluate`, or paths: the folder of a record, or a
            folder with one record below it.
        metric: such as `mIoU`, `AP`, `PQ`, `mIoU@crop-200` or `IoU:car`; None takes the leading
            metric that the runs share.
        by_class: compare the score of every class too.
        alpha: the significance level; intervals have the level 1 - alpha.
        correction: of p-values for several pairs and classes: "holm", "bh" or "maxt".
        common_images: compare on the images that all runs have.
        permutations: how many permutations to draw; None takes 10000, or 1000 for AP.
        interval: "default", or a bootstrap's: "percentile", "bca" or "studentised".

    Returns:
        The comparison; `print` shows the scores and pairs, `to_pandas()` has a row per pair.

    Raises:
        RunError: the runs were counted by different rules or against different ground truth.
        UsageError: fewer than two runs, or an unknown metric.
    """
    return comparison.compare(
        *(_run(run) for run in runs),
        metric=metric,
        by_class=by_class,
        alpha=alpha,
        correction=correction,
        common_images=common_images,
        permutations=permutations,
        method=interval,
    )


@for_python
def check(
    candidate: RunLike,
    baseline: RunLike,
    *,
    metric: str,
    margin: float,
    guards: Mapping[str, float] | None = None,
    common_images: bool = False,
) -> Verdict:
    """Check whether a candidate became worse than a baseline by more than a margin, as
    `bench check` does.

    Args:
        candidate: a run record, a result of `bench.evaluate`, or the path of a run record.
        baseline: the same, of the run to hold it against.
        metric: such as `mIoU`, `AP` or `PQ`.
        margin: how much worse is still acceptable, as a fraction of 1: 0.01 is one point.
        guards: margins of single classes, such as `{"car": 0.02}`.
        common_images: judge by the images that both have.

    Returns:
        The verdict; its `outcome` is "pass", "fail" or "inconclusive".

    Raises:
        RunError: the runs cannot be compared, or have no such score.
        UsageError: an unknown metric or class.
    """
    return gate.check(
        _run(candidate),
        _run(baseline),
        metric=metric,
        margin=margin,
        guards=guards,
        common_images=common_images,
    )


def _run(value: RunLike) -> Run:
    if isinstance(value, Run):
        return value
    if isinstance(value, Result):
        if value.run is None:
            raise UsageError(
                "this result has no run record: use what Evaluator.save(out, name=...) returns"
            )
        return value.run
    return read_run(value)
