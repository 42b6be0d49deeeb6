"""Models trained with several seeds, for the terminal and as JSON: verdict, means, standard errors.

It lays out what the comparison holds, and computes nothing.
"""

from __future__ import annotations

import math
from typing import Any

from bench.comparison.seeds import SeedComparison, SeedEffect, SeedPair
from bench.families import Metric
from bench.families.contract.metric import PERCENT
from bench.notices import many
from bench.render.comparison import FEW_RUNS, tabulated
from bench.render.prose import filled


def report(comparison: SeedComparison) -> str:
    """The whole report."""
    notes = [f"Note: {note}." for note in comparison.notes]
    images = many(comparison.images, "image")
    interval = comparison.models[0].mean.interval
    if interval is not None:
        units = images
        if comparison.clusters != comparison.images:
            units += f" in {many(comparison.clusters, 'cluster')}"
        level = f"{100 * interval.level:g} %"
        notes.insert(0, f"Intervals: {level}, {interval.method}, over {units} and the runs.")
    parts = [
        f"{comparison.title}: {images}",
        filled(verdict(comparison)),
        _table(comparison),
        filled(notes),
    ]
    return "\n\n".join(parts) + "\n"


def _table(comparison: SeedComparison) -> str:
    """A row for each model: mean over seeds, interval, both standard errors, and all scores."""
    declared = comparison.declared
    sign = 1 if comparison.lower_is_better else -1
    rows = []
    for model in sorted(comparison.models, key=lambda model: sign * model.mean.value):
        interval = model.mean.interval
        ends = declared.clipped(interval.ends) if interval else None
        row = [
            model.name,
            str(len(model.scores)),
            declared.number(model.mean.value),
            declared.ends(ends),
            _error(model.mean.image_error, declared),
            _error(model.mean.seed_error, declared),
            ", ".join(declared.number(float(score)) for score in model.scores),
        ]
        rows.append(row)
    headers = [
        "",
        "seeds",
        f"mean {comparison.title} {declared.unit}",
        f"{100 * (1 - comparison.alpha):g} % interval",
        "SE, images",
        "SE, seeds",
        "runs",
    ]
    align = ("left", "right", "right", "left", "right", "right", "left")
    return tabulated(headers, rows, align)


def verdict(comparison: SeedComparison) -> list[str]:
    """A sentence for each pair; with many models, only for the pairs of the best one."""
    models = comparison.models
    if len(models) == 1:
        model = models[0]
        runs = "a single run"
        if len(model.scores) > 1:
            runs = f"the mean of {len(model.scores)} runs"
        score = f"{_amount(comparison, model.mean.value)} {comparison.title}"
        return [f"{model.name} has {score}, {runs}; {_errors(model.mean, comparison.declared)}."]
    sign = 1 if comparison.lower_is_better else -1
    best = min(range(len(models)), key=lambda m: sign * models[m].mean.value)
    few = len(models) <= FEW_RUNS
    pairs = [pair for pair in comparison.pairs if few or best in (pair.first, pair.second)]
    return [_sentence(comparison, pair) for pair in pairs]


def _sentence(comparison: SeedComparison, pair: SeedPair) -> str:
    """The difference of two means, with its standard errors from images and from seeds."""
    names = (comparison.models[pair.first].name, comparison.models[pair.second].name)
    effect, metric, declared = pair.effect, comparison.title, comparison.declared
    if math.isnan(effect.value):
        return (
            f"{names[0]} and {names[1]} cannot be compared: {metric} is undefined for one of them."
        )
    # The sentence names the better model first, so the difference is shown as a positive number.
    turn = effect.value < 0
    better, worse = reversed(names) if turn != comparison.lower_is_better else names
    gap = f"{_amount(comparison, abs(effect.value))} {metric}"
    significant = False
    if effect.interval is not None:
        low, high = effect.interval.ends
        if turn:
            low, high = -high, -low
        gap += f" {declared.ends((low, high))}"
        significant = low > 0
    errors = _errors(effect, declared)
    if significant:
        return f"{better} beats {worse} by {gap} on the mean of their runs; {errors}."
    return (
        f"No significant difference between {' and '.join(names)}: {better} is ahead by "
        f"{gap}; {errors}."
    )


def _amount(comparison: SeedComparison, value: float) -> str:
    """A value in the unit of the metric; units other than percent are named."""
    text = comparison.declared.number(value)
    unit = comparison.declared.unit
    return text if unit == PERCENT else f"{text} {unit}"


def _errors(effect: SeedEffect, declared: Metric) -> str:
    images = _error(effect.image_error, declared)
    seeds = _error(effect.seed_error, declared)
    return f"standard error {images} from the images, {seeds} from the seeds"


def _error(error: float, declared: Metric) -> str:
    return "unknown" if math.isnan(error) else declared.number(error)


def seeds_json(comparison: SeedComparison) -> dict[str, Any]:
    """The whole comparison as JSON values."""
    names = [model.name for model in comparison.models]
    return {
        "verdict": verdict(comparison),
        "metric": comparison.metric,
        "lower_is_better": comparison.lower_is_better,
        "unit": comparison.declared.unit,
        "images": comparison.images,
        "clusters": comparison.clusters,
        "alpha": comparison.alpha,
        "models": [
            {
                "name": model.name,
                "runs": model.runs,
                "scores": model.scores.tolist(),
                **effect_json(model.mean),
            }
            for model in comparison.models
        ],
        "pairs": [
            {
                "first": names[pair.first],
                "second": names[pair.second],
                **effect_json(pair.effect),
            }
            for pair in comparison.pairs
        ],
        "seed": comparison.seed,
        "notes": list(comparison.notes),
    }


def effect_json(effect: SeedEffect) -> dict[str, Any]:
    """A mean, or a difference of two, with both standard errors; the writer turns NaN into null."""
    interval = effect.interval
    ends = None
    if interval is not None:
        ends = {
            "low": interval.low,
            "high": interval.high,
            "level": interval.level,
            "method": interval.method,
        }
    return {
        "value": effect.value,
        "image_error": effect.image_error,
        "seed_error": effect.seed_error,
        "interval": ends,
    }
