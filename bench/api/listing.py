"""What there is: the shipped data sets, the models and the metrics, as plain rows."""

from __future__ import annotations

from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]


def list_datasets() -> list[Row]:
    """The shipped data sets, a dict each: name, title, tasks, number of classes, splits, layout.

    `splits` maps each split to its number of images, or None if the card does not know it.
    """
    from bench import cards

    return [
        {
            "name": card.name,
            "title": card.title,
            "tasks": list(card.tasks),
            "classes": len(card.classes) or None,
            "splits": {name: split.images for name, split in card.splits.items()},
            "layout": card.layout,
        }
        for card in map(cards.load_card, cards.names())
    ]


def list_models() -> list[Row]:
    """The models that `--model` and `bench.evaluate` take by name, a dict each: name, tasks,
    weights.
    """
    from bench import models

    return [dict(models.describe(name)) for name in models.names()]


def list_metrics() -> list[Row]:
    """All metrics, a dict each: name, task, unit, better, meaning and reference."""
    from bench.families import listed

    return listed()
