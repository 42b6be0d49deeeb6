"""Models trained from several seeds, for the terminal and as JSON: the verdict in words, then both kinds of noise.

It lays out what the comparison holds and computes nothing.
"""

from __future__ import annotations

import math
from typing import Any

from bench.comparison.seeds import SeedComparison, SeedEffect, SeedPair
from bench.families import Metric
from bench.families.contract.metric import PERCENT
from bench.notices import many
from bench.render.comparison import tabulated
from bench.render.prose import filled


def report(found: SeedComparison) -> str:
    """The whole report."""
    lines = [f"Note: {note}." for note in found.notes]
    interval = found.models[0].mean.interval
    if interval is not None:
        units = many(found.images, "image")
        units += f" in {found.clusters} clusters" if found.clusters != found.images else ""
        lines = [f"Intervals: {100 * interval.level:g} %, {interval.method}, over {units} and the runs.", *lines]
    verdicts = filled(verdict(found))
    notes = filled(lines)
    return "\n\n".join([f"{found.title}: {many(found.images, 'image')}", verdicts, _table(found), notes]) + "\n"


def _table(found: SeedComparison) -> str:
    """A row for each model: the mean over its seeds, its interval, both standard errors, and every run's score."""
    sign = 1 if found.lower_is_better else -1
    rows = []
    for model in sorted(found.models, key=lambda model: sign * model.mean.value):
        interval = model.mean.interval
        ends = found.declared.clipped(interval.ends) if interval else None
        rows.append(
            [
                model.name,
                str(len(model.scores)),
                found.declared.number(model.mean.value),
                found.declared.ends(ends),
                _points(model.mean.image_error, found.declared),
                _points(model.mean.seed_error, found.declared),
                ", ".join(found.declared.number(float(score)) for score in model.scores),
            ]
        )
    level = f"{100 * (1 - found.alpha):g} % interval"
    headers = ["", "seeds", f"mean {found.title} {found.declared.unit}", level, "error, images", "error, seeds", "runs"]
    return tabulated(headers, rows, ("left", "right", "right", "left", "right", "right", "left"))


def verdict(found: SeedComparison) -> list[str]:
    """A sentence for each pair: of four models or more, the best against each other one."""
    if len(found.models) == 1:
        model = found.models[0]
        runs = "a single run" if len(model.scores) == 1 else f"the mean of {len(model.scores)} runs"
        score = _amount(found, model.mean.value)
        noise = _noise(model.mean, found.declared)
        return [f"{model.name} has {score} {found.title}, {runs}; {noise}."]
    sign = 1 if found.lower_is_better else -1
    best = min(range(len(found.models)), key=lambda m: sign * found.models[m].mean.value)
    few = len(found.models) <= 3
    return [_sentence(found, pair) for pair in found.pairs if few or best in (pair.first, pair.second)]


def _sentence(found: SeedComparison, pair: SeedPair) -> str:
    """The difference of the means of a pair, and the standard errors from images and from seeds, in points."""
    names, effect = (found.models[pair.first].name, found.models[pair.second].name), pair.effect
    if math.isnan(effect.value):
        return f"{names[0]} and {names[1]} cannot be compared: {found.title} is not defined for both."
    turn = effect.value < 0
    ahead, behind = reversed(names) if turn != found.lower_is_better else names
    gap, real = f"{_amount(found, abs(effect.value))} {found.title}", False
    if effect.interval is not None:
        ends = effect.interval.ends
        low, high = (-ends[1], -ends[0]) if turn else ends
        gap, real = f"{gap} {found.declared.ends((low, high))}", low > 0
    if real:
        return f"{ahead} beats {behind} by {gap} on the mean of their runs; {_noise(effect, found.declared)}."
    noise = _noise(effect, found.declared)
    return f"No difference between {' and '.join(names)} can be told: {ahead} is ahead by {gap}; {noise}."


def _noise(effect: SeedEffect, metric: Metric) -> str:
    images, seeds = (_points(error, metric) for error in (effect.image_error, effect.seed_error))
    return f"standard error {images} from the images, {seeds} from the seeds"


def _points(error: float, metric: Metric) -> str:
    return "not known" if math.isnan(error) else metric.number(error)


def _amount(found: SeedComparison, value: float) -> str:
    """A value: percent goes without saying, other units are named."""
    text = found.declared.number(value)
    return text if found.declared.unit == PERCENT else f"{text} {found.declared.unit}"


def seeds_json(found: SeedComparison) -> dict[str, Any]:
    """Everything that the comparison holds, as JSON can hold it."""
    names = [model.name for model in found.models]
    return {
        "verdict": verdict(found),
        "metric": found.metric,
        "lower_is_better": found.lower_is_better,
        "unit": found.declared.unit,
        "images": found.images,
        "clusters": found.clusters,
        "alpha": found.alpha,
        "models": [
            {"name": model.name, "runs": model.runs, "scores": model.scores.tolist(), **effect_json(model.mean)}
            for model in found.models
        ],
        "pairs": [
            {"first": names[pair.first], "second": names[pair.second], **effect_json(pair.effect)}
            for pair in found.pairs
        ],
        "seed": found.seed,
        "notes": list(found.notes),
    }


def effect_json(effect: SeedEffect) -> dict[str, Any]:
    """A mean, or a difference of two, with both standard errors; NaN is for the writer to turn into null."""
    interval = effect.interval
    ends = None
    if interval is not None:
        ends = {"low": interval.low, "high": interval.high, "level": interval.level, "method": interval.method}
    return {
        "value": effect.value,
        "image_error": effect.image_error,
        "seed_error": effect.seed_error,
        "interval": ends,
    }
