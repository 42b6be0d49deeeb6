"""Two models trained from several seeds, for the terminal and as JSON: the verdict in words, then both kinds of noise.

It lays out what the comparison holds and computes nothing.
"""

from __future__ import annotations

import math
import textwrap
from typing import Any

from bench.render.comparison import title
from bench.seeds import SeedComparison

WIDTH = 110


def report(found: SeedComparison) -> str:
    """The whole report."""
    rows = [
        f"{name}: {len(scores)} runs, mean {100 * scores.mean():.2f} ({', '.join(f'{100 * s:.2f}' for s in scores)})"
        for name, scores in zip(found.names, found.scores, strict=True)
    ]
    lines = [f"Note: {note}." for note in found.notes]
    if found.interval is not None:
        freedom = f"{found.interval.degrees_of_freedom:.1f}"
        level = f"{100 * found.interval.level:g} %"
        lines = [f"Interval: {level}, {found.interval.method} ({freedom}), over {found.images} images.", *lines]
    parts = [verdict(found), "\n".join(rows), "\n".join(textwrap.fill(line, WIDTH) for line in lines)]
    return "\n\n".join([f"{title(found.metric)}: {found.images} images", *parts]) + "\n"


def verdict(found: SeedComparison) -> str:
    """The difference of the means, and the standard errors from images and from seeds, in points."""
    turn = found.difference < 0
    ahead, behind = reversed(found.names) if turn != found.lower_is_better else found.names
    gap, real = f"{100 * abs(found.difference):.2f} {title(found.metric)}", False
    if found.interval is not None:
        ends = (found.interval.low, found.interval.high)
        low, high = (-ends[1], -ends[0]) if turn else ends
        gap, real = f"{gap} [{100 * low:.2f}, {100 * high:.2f}]", low > 0
    trained = "not known" if math.isnan(found.seed_error) else f"{100 * found.seed_error:.2f}"
    noise = f"standard error {100 * found.image_error:.2f} from the images, {trained} from the seeds"
    if real:
        text = f"{ahead} beats {behind} by {gap} on the mean of their runs; {noise}."
    else:
        text = f"No difference between {' and '.join(found.names)} can be told: {ahead} is ahead by {gap}; {noise}."
    return textwrap.fill(text, WIDTH, subsequent_indent="  ")


def seeds_json(found: SeedComparison) -> dict[str, Any]:
    """Everything that the comparison holds, as JSON can hold it."""
    interval = found.interval
    models = [{"name": name, "scores": scores.tolist()} for name, scores in zip(found.names, found.scores, strict=True)]
    return {
        "verdict": " ".join(verdict(found).split()),
        "metric": found.metric,
        "images": found.images,
        "models": models,
        "difference": found.difference,
        "interval": None
        if interval is None
        else {"low": interval.low, "high": interval.high, "level": interval.level, "method": interval.method},
        "image_error": found.image_error,
        "seed_error": found.seed_error,
        "seed": found.seed,
        "notes": list(found.notes),
    }
