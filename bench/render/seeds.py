"""Models trained from several seeds, for the terminal and as JSON: the verdict in words, then both kinds of noise.

It lays out what the comparison holds and computes nothing.
"""

from __future__ import annotations

import math
from typing import Any

from bench.comparison.seeds import SeedComparison, SeedEffect, SeedPair
from bench.notices import many
from bench.render.comparison import tabulated, title
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
    return "\n\n".join([f"{title(found.metric)}: {many(found.images, 'image')}", verdicts, _table(found), notes]) + "\n"


def _table(found: SeedComparison) -> str:
    """A row for each model: the mean over its seeds, its interval, both standard errors, and every run's score."""
    sign = 1 if found.lower_is_better else -1
    rows = []
    for model in sorted(found.models, key=lambda model: sign * model.mean.value):
        ends = model.mean.interval.clipped() if model.mean.interval else None
        rows.append(
            [
                model.name,
                str(len(model.scores)),
                f"{100 * model.mean.value:.2f}",
                f"[{100 * ends[0]:.2f}, {100 * ends[1]:.2f}]" if ends else "",
                _points(model.mean.image_error),
                _points(model.mean.seed_error),
                ", ".join(f"{100 * score:.2f}" for score in model.scores),
            ]
        )
    level = f"{100 * (1 - found.alpha):g} % interval"
    headers = ["", "seeds", f"mean {title(found.metric)} %", level, "error, images", "error, seeds", "runs"]
    return tabulated(headers, rows, ("left", "right", "right", "left", "right", "right", "left"))


def verdict(found: SeedComparison) -> list[str]:
    """A sentence for each pair: of four models or more, the best against each other one."""
    if len(found.models) == 1:
        model = found.models[0]
        runs = "a single run" if len(model.scores) == 1 else f"the mean of {len(model.scores)} runs"
        return [f"{model.name} has {100 * model.mean.value:.2f} {title(found.metric)}, {runs}; {_noise(model.mean)}."]
    sign = 1 if found.lower_is_better else -1
    best = min(range(len(found.models)), key=lambda m: sign * found.models[m].mean.value)
    few = len(found.models) <= 3
    return [_sentence(found, pair) for pair in found.pairs if few or best in (pair.first, pair.second)]


def _sentence(found: SeedComparison, pair: SeedPair) -> str:
    """The difference of the means of a pair, and the standard errors from images and from seeds, in points."""
    names, effect = (found.models[pair.first].name, found.models[pair.second].name), pair.effect
    if math.isnan(effect.value):
        return f"{names[0]} and {names[1]} cannot be compared: {title(found.metric)} is not defined for both."
    turn = effect.value < 0
    ahead, behind = reversed(names) if turn != found.lower_is_better else names
    gap, real = f"{100 * abs(effect.value):.2f} {title(found.metric)}", False
    if effect.interval is not None:
        ends = (effect.interval.low, effect.interval.high)
        low, high = (-ends[1], -ends[0]) if turn else ends
        gap, real = f"{gap} [{100 * low:.2f}, {100 * high:.2f}]", low > 0
    if real:
        return f"{ahead} beats {behind} by {gap} on the mean of their runs; {_noise(effect)}."
    return f"No difference between {' and '.join(names)} can be told: {ahead} is ahead by {gap}; {_noise(effect)}."


def _noise(effect: SeedEffect) -> str:
    return f"standard error {_points(effect.image_error)} from the images, {_points(effect.seed_error)} from the seeds"


def _points(error: float) -> str:
    return "not known" if math.isnan(error) else f"{100 * error:.2f}"


def seeds_json(found: SeedComparison) -> dict[str, Any]:
    """Everything that the comparison holds, as JSON can hold it."""
    names = [model.name for model in found.models]
    return {
        "verdict": verdict(found),
        "metric": found.metric,
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
