"""Checks the statistics by simulation: coverage of 95 % intervals and type-I error of 5 % tests, on
simulated models.

    python -m benchmarks.coverage --metric mIoU PQ --samples 500 --images 50 200 500
    python -m benchmarks.coverage --metric mIoU PQ --samples 400 --images 50 200 --methods

Samples are drawn from a population whose true scores are known, and each sample is analysed by the
code that compares run records.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, field, replace

import numpy as np

from bench.comparison import contrasts
from bench.comparison.comparability import Aligned
from bench.comparison.contrasts import MetricQuery
from bench.comparison.effects import Method, interval_of, spread_of
from bench.families import family
from bench.families.contract.rules import Rules
from bench.resample import permutation
from benchmarks.populations import CLASSES, MAKERS, SCENE, Array, Population, Tables

METHODS: tuple[Method, ...] = ("default", "percentile", "bca", "studentised")


@dataclass
class Tally:
    """Fractions of samples, collected by name."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        """Add one sample: 1, 0, or NaN without a result."""
        self.values.setdefault(name, []).append(value)

    def share(self, name: str) -> str:
        """The fraction of the samples with a result."""
        values = np.array(self.values.get(name, []))
        values = values[np.isfinite(values)]
        return f"{values.mean():.3f}".removeprefix("0") if len(values) else "-"


def draw(
    random: np.random.Generator, population: Population, images: int, *, scenes: bool
) -> tuple[Array, Array]:
    """Indices of the images of a sample, and their clusters in the analysis."""
    if not scenes:
        return random.integers(0, population.images, images), np.arange(images)
    first = random.integers(0, population.images // SCENE, -(-images // SCENE)) * SCENE
    chosen = (first[:, None] + np.arange(SCENE)).ravel()
    return chosen, np.arange(len(chosen)) // SCENE


def sampled(tables: Tables, chosen: Array) -> Tables:
    """The tables of the drawn images; images may be drawn more than once."""
    drawn: Tables = {"images": {"id": chosen.astype(str), "cluster": chosen.astype(str)}}
    for name, table in tables.items():
        starts, stops = (
            np.searchsorted(table["image"], chosen, side=side) for side in ("left", "right")
        )
        lengths = stops - starts
        rows = np.repeat(starts - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
        image = np.repeat(np.arange(len(chosen), dtype=np.int32), lengths)
        drawn[name] = {**{key: column[rows] for key, column in table.items()}, "image": image}
    return drawn


def asked_of(population: Population) -> MetricQuery:
    family_, metric = family(population.family), population.metric
    options = family_.options(Rules(families=(population.family,)))
    return MetricQuery(
        metric, family_.metric(metric, options), family_, options, CLASSES, metric, None, None
    )


def truths(population: Population) -> Array:
    """The scores of both models on the whole population."""
    everything = np.arange(population.images)
    parts = [sampled(tables, everything) for tables in (population.first, population.second)]
    return np.array(
        [contrasts.plain(asked_of(population), tables_, by_class=False)[0] for tables_ in parts]
    )


def analyse(
    tally: Tally, population: Population, sample: tuple[Array, Array], true: Array, seed: int
) -> None:
    """Add whether the intervals cover the true scores and the true difference."""
    asked, (chosen, clusters) = asked_of(population), sample
    tables = (sampled(population.first, chosen), sampled(population.second, chosen))
    aligned = Aligned(tables, [str(image) for image in chosen], clusters)
    spread = spread_of(asked, aligned, seed=seed, by_class=False, method="default")
    values = [contrasts.plain(asked, run_tables, by_class=False)[0] for run_tables in tables]
    for name, estimate, truth, runs in (
        ("coverage, one run", values[0], true[0], (0, None)),
        ("coverage, difference", values[0] - values[1], true[0] - true[1], (0, 1)),
    ):
        interval = interval_of(spread, estimate, *runs, column=0, alpha=0.05)
        tally.add(
            name, float("nan") if interval is None else interval.low <= truth <= interval.high
        )


def cover(
    tally: Tally, population: Population, sample: tuple[Array, Array], true: Array, seed: int
) -> None:
    """Add whether the intervals of every method cover a true score and difference."""
    asked, (chosen, clusters) = asked_of(population), sample
    tables = (sampled(population.first, chosen), sampled(population.second, chosen))
    aligned = Aligned(tables, [str(each) for each in chosen], clusters)
    method: Method = "percentile" if population.metric == "AP" else "studentised"
    spread = spread_of(asked, aligned, seed=seed, by_class=False, method=method)
    values = [contrasts.plain(asked, run_tables, by_class=False)[0] for run_tables in tables]
    for each in METHODS:
        made = replace(spread, method=each)
        for name, estimate, truth, runs in (
            ("one run", values[0], true[0], (0, None)),
            ("difference", values[0] - values[1], true[0] - true[1], (0, 1)),
        ):
            interval = interval_of(made, estimate, *runs, column=0, alpha=0.05)
            tally.add(
                f"{each}, {name}",
                float("nan") if interval is None else interval.low <= truth <= interval.high,
            )


def test(
    tally: Tally,
    population: Population,
    sample: tuple[Array, Array],
    true: Array,
    *,
    seed: int,
    permutations: int,
) -> None:
    """Add whether a test or an interval finds a difference between equal models."""
    asked, (chosen, clusters) = asked_of(population), sample
    tables = (sampled(population.first, chosen), sampled(population.second, chosen))
    rows = permutation.permutations(
        int(clusters.max()) + 1, permutations, np.random.default_rng(seed)
    )
    values = np.array(
        [contrasts.plain(asked, run_tables, by_class=False)[0] for run_tables in tables]
    )
    swapped = contrasts.permuted(asked, tables, rows, clusters, by_class=False)
    tally.add(
        "type I, permutation",
        permutation.p_values(values[:1] - values[1:], swapped, exact=rows.exact)[0] <= 0.05,
    )
    aligned = Aligned(tables, [str(image) for image in chosen], clusters)
    spread = spread_of(asked, aligned, seed=seed, by_class=False, method="default")
    interval = interval_of(spread, values[0] - values[1], 0, 1, column=0, alpha=0.05)
    if interval is not None:
        tally.add("type I, interval", not interval.low <= true[0] - true[1] <= interval.high)


def main() -> None:
    """Print a Markdown row for each case."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--metric", nargs="+", choices=list(MAKERS), default=["mIoU", "PQ"])
    parser.add_argument("--images", nargs="+", type=int, default=[50, 200, 500])
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--permutations", type=int, default=999)
    parser.add_argument(
        "--methods", action="store_true", help="the coverage of every method, and no tests"
    )
    options = parser.parse_args()
    names = [
        f"{method}, {compared}" for method in METHODS for compared in ("one run", "difference")
    ]
    if not options.methods:
        names = [
            "coverage, one run",
            "coverage, difference",
            "type I, permutation",
            "type I, interval",
        ]
    print(f"| metric | images | drawn by | {' | '.join(names)} |")
    print(f"|---|---|---|{'---|' * len(names)}")
    for metric in options.metric:
        unequal, equal = MAKERS[metric](1), MAKERS[metric](2, equal=True)
        true, null = truths(unequal), truths(equal)
        for images in options.images:
            for scenes in (False, True):
                tally, begin = Tally(), time.monotonic()
                for n in range(options.samples):
                    random = np.random.default_rng([images, scenes, n])
                    sample = draw(random, unequal, images, scenes=scenes)
                    if options.methods:
                        cover(tally, unequal, sample, true, n)
                        continue
                    analyse(tally, unequal, sample, true, n)
                    other = draw(random, equal, images, scenes=scenes)
                    test(tally, equal, other, null, seed=n, permutations=options.permutations)
                how = f"scenes of {SCENE}" if scenes else "image"
                print(
                    f"| {metric} | {images} | {how} | {' | '.join(map(tally.share, names))} |",
                    flush=True,
                )
                print(f"{time.monotonic() - begin:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
