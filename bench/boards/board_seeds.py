"""The means of a board over training seeds, with the variation from images and from seeds.

The means and their errors are computed by `bench/comparison/seeds.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.boards.board_file import BoardFile, Seeds
from bench.boards.board_runs import ALPHA, Measured, metrics_by_comparison
from bench.comparison.seeds import SeedEffect, compare_seeds
from bench.families import Metric


@dataclass(frozen=True, eq=False)
class SeedMean:
    """A model with the number of its runs, the mean of each metric over them, and excluded runs."""

    name: str
    runs: int
    effects: Mapping[str, SeedEffect]
    declared: Mapping[str, Metric]
    left_out: tuple[str, ...]


def means(comparable: Sequence[Measured], file: BoardFile) -> list[SeedMean]:
    """The mean of every [[seeds]] with at least two comparable runs, best first."""
    seed_means = []
    for seeds in file.seeds:
        runs = [run for run in comparable if run.name in seeds.runs]
        if len(runs) >= 2:
            seed_means.append(_mean(seeds, runs, file))
    return sorted(seed_means, key=lambda mean: file.sort_sign * _value(mean, file.primary))


def _mean(seeds: Seeds, runs: Sequence[Measured], file: BoardFile) -> SeedMean:
    effects: dict[str, SeedEffect] = {}
    declared: dict[str, Metric] = {}
    for compared, metrics in metrics_by_comparison(runs, file).items():
        if all(run.value(metric) is None for run in runs for metric in metrics):
            continue
        by_class = any(":" in metric for metric in metrics)
        trainings = {seeds.name: [run.run for run in runs]}
        comparison = compare_seeds(trainings, metric=compared, by_class=by_class, alpha=ALPHA)
        model = comparison.models[0]
        for metric in metrics:
            label = metric.partition(":")[2]
            effects[metric] = model.classes[label] if label else model.mean
            declared[metric] = comparison.declared
    names = [run.name for run in runs]
    left_out = tuple(name for name in seeds.runs if name not in names)
    return SeedMean(seeds.name, len(runs), effects, declared, left_out)


def _value(mean: SeedMean, metric: str) -> float:
    effect = mean.effects.get(metric)
    return float(np.nan_to_num(effect.value)) if effect else 0.0
