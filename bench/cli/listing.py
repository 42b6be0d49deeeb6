"""`bench list`: which data sets, models and metrics there are."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from bench.cli import console
from bench.cli.options import AsJson


def list_(
    what: Annotated[Literal["datasets", "models", "metrics"], typer.Argument(help="What to list.")],
    *,
    as_json: AsJson = False,
) -> int:
    """List data sets, models or metrics."""
    rows = {"datasets": _datasets, "models": _models, "metrics": _metrics}[what]()
    if as_json:
        console.say_json({what: rows})
        return 0
    from tabulate import tabulate

    console.say(tabulate(rows, headers="keys", tablefmt="plain"))
    return 0


def _datasets() -> list[dict[str, Any]]:
    from bench import cards

    loaded = [cards.load_card(name) for name in cards.names()]
    return [
        {
            "name": card.name,
            "title": card.title,
            "tasks": ", ".join(card.tasks),
            "classes": len(card.classes),
            "splits": ", ".join(
                f"{name} {split.images}" if split.images else name for name, split in card.splits.items()
            ),
            "layout": card.layout,
        }
        for card in loaded
    ]


def _models() -> list[dict[str, Any]]:
    from bench import models

    return [models.describe(name) for name in models.names()]


def _metrics() -> list[dict[str, Any]]:
    from dataclasses import asdict

    from bench.metrics.catalogue import METRICS

    return [asdict(metric) for metric in METRICS]
