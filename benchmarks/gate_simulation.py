"""Checks the gate by simulation: verdicts of `bench check` on worse, equal and nearly equal models.

    python -m benchmarks.gate_simulation --metric mIoU PQ --samples 1000 --images 50 200 500

In a population of images one of two models is worse by a known amount. With a margin of that
amount, or a smaller one, the gate should let it pass in at most 5 % of samples; an unchanged model
should always pass. Cells are the shares that pass, are inconclusive, and fail.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

import numpy as np

from bench import gate
from bench.comparison import contrasts
from bench.comparison.comparability import Aligned
from bench.comparison.effects import interval_of, spread_of
from benchmarks.coverage import asked_of, draw, sampled, truths
from benchmarks.populations import MAKERS, SCENE, Array, Population, Tables

SHARES = {
    "as bad as the margin": 1.0,
    "worse by twice the margin": 0.5,
    "worse by half the margin": 2.0,
}
"""The margin as a fraction of the true loss of the worse model."""
PIXELS, UNCHANGED = "a few pixels off, margin .1 points", "unchanged, margin 0"
CASES = (*SHARES, PIXELS, UNCHANGED)


def flipped(tables: Tables, random: np.random.Generator) -> Tables:
    """The same predictions with one pixel changed in every fifth image, as on another CPU."""
    changed = {
        name: {key: column.copy() for key, column in table.items()}
        for name, table in tables.items()
    }
    pixels = changed["pixels"]
    images = random.permutation(np.unique(pixels["image"]))[: len(np.unique(pixels["image"])) // 5]
    for image in images:
        rows = np.flatnonzero(pixels["image"] == image)
        right = rows[pixels["truth"][rows] == pixels["predicted"][rows]]
        wrong = rows[pixels["truth"][rows] != pixels["predicted"][rows]]
        pairs = [(a, b) for a in right for b in wrong if pixels["truth"][a] == pixels["truth"][b]]
        if pairs:
            a, b = pairs[random.integers(len(pairs))]
            pixels["pixels"][a] -= 1
            pixels["pixels"][b] += 1
    return changed


def outcomes(
    population: Population, pair: tuple[Tables, Tables], clusters: Array, margins: list[float]
) -> list[str]:
    """The verdict on a candidate and a baseline, for each margin."""
    asked = asked_of(population)
    aligned = Aligned(pair, [str(n) for n in range(len(clusters))], clusters)
    spread = spread_of(asked, aligned, seed=1, by_class=False, method="default")
    values = np.array(
        [contrasts.plain(asked, run_tables, by_class=False)[0] for run_tables in pair]
    )
    interval = interval_of(spread, values[0] - values[1], 0, 1, column=0, alpha=gate.ALPHA)
    units = int(clusters.max()) + 1, len(clusters)
    return [
        gate.judge(
            (asked.metric, None), asked.declared, values, interval, margin=margin, units=units
        ).outcome
        for margin in margins
    ]


def simulate(
    population: Population, images: int, samples: int, *, scenes: bool
) -> dict[str, Counter[str]]:
    """Count the verdicts over samples of this many images."""
    true = truths(population)
    loss = true[0] - true[1]
    counts = {name: Counter[str]() for name in CASES}
    for n in range(samples):
        random = np.random.default_rng([images, scenes, n])
        chosen, clusters = draw(random, population, images, scenes=scenes)
        good, bad = (sampled(tables, chosen) for tables in (population.first, population.second))
        margins = [share * loss for share in SHARES.values()]
        for name, outcome in zip(
            SHARES, outcomes(population, (bad, good), clusters, margins), strict=True
        ):
            counts[name][outcome] += 1
        counts[UNCHANGED].update(outcomes(population, (good, good), clusters, [0.0]))
        if "pixels" in good:
            pair = flipped(good, random), good
            counts[PIXELS].update(outcomes(population, pair, clusters, [0.001]))
    return counts


def shares(counts: Counter[str]) -> str:
    """The fractions of samples that pass, are inconclusive, and fail; a dash without samples."""
    if not counts.total():
        return "-"
    fractions = (
        f"{counts[name] / counts.total():.3f}" for name in ("pass", "inconclusive", "fail")
    )
    return " / ".join(share.removeprefix("0") for share in fractions)


def main() -> None:
    """Print a Markdown row for each case."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--metric", nargs="+", choices=list(MAKERS), default=["mIoU", "PQ"])
    parser.add_argument("--images", nargs="+", type=int, default=[50, 200, 500])
    parser.add_argument("--samples", type=int, default=1000)
    options = parser.parse_args()
    print(f"| metric | images | drawn by | {' | '.join(CASES)} |")
    print(f"|{'---|' * (3 + len(CASES))}")
    for metric in options.metric:
        population = MAKERS[metric](1)
        true = truths(population)
        print(
            f"{metric}: the worse model loses {100 * (true[0] - true[1]):.2f} points",
            file=sys.stderr,
        )
        for images in options.images:
            for scenes in (False, True):
                begin = time.monotonic()
                counts = simulate(population, images, options.samples, scenes=scenes)
                how = f"scenes of {SCENE}" if scenes else "image"
                cells = [metric, str(images), how, *(shares(counts[name]) for name in CASES)]
                print(f"| {' | '.join(cells)} |", flush=True)
                print(f"{time.monotonic() - begin:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
