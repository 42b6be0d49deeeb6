"""The rows of a board that are trainings of one model, taken together: means with the noise of images and of seeds.

What is a mean over seeds, and how far it may be off, is for `seeds.py` to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.boards.board_file import BoardFile
from bench.boards.board_runs import ALPHA, Measured, asked_of
from bench.comparison.seeds import SeedEffect, compare_seeds


@dataclass(frozen=True, eq=False)
class Mean:
    """A model: how many of its runs stand on the board, the mean of each metric over them, and who was left out."""

    name: str
    runs: int
    effects: Mapping[str, SeedEffect]
    left_out: tuple[str, ...]


def means(together: Sequence[Measured], file: BoardFile) -> list[Mean]:
    """The means of every [[seeds]] that has two comparable runs or more, best first by the primary metric."""
    found = []
    for each in file.seeds:
        runs = [one for one in together if one.name in each.runs]
        if len(runs) < 2:
            continue
        effects: dict[str, SeedEffect] = {}
        for mean, metrics in asked_of(runs, file).items():
            if all(one.value(metric) is None for one in runs for metric in metrics):
                continue
            by_class = any(":" in metric for metric in metrics)
            asked = {each.name: [one.run for one in runs]}
            model = compare_seeds(asked, metric=mean, by_class=by_class, alpha=ALPHA).models[0]
            labels = {metric: metric.partition(":")[2] for metric in metrics}
            effects |= {metric: model.classes[label] if label else model.mean for metric, label in labels.items()}
        names = [one.name for one in runs]
        found.append(Mean(each.name, len(runs), effects, tuple(name for name in each.runs if name not in names)))
    sign = -1 if file.order == "highest first" else 1
    return sorted(found, key=lambda mean: sign * _value(mean, file.primary))


def _value(mean: Mean, metric: str) -> float:
    effect = mean.effects.get(metric)
    return float(np.nan_to_num(effect.value)) if effect else 0.0
