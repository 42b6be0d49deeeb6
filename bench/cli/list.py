"""`bench list`: the data sets, models and metrics that ship."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Literal

from bench.cli import console
from bench.cli.options import JsonOption
from bench.cli.parser.declarations import OptionSet, argument
from bench.render.prose import width

Row = dict[str, Any]
WIDTHS: Mapping[str, Mapping[str, int]] = {
    "datasets": {"title": 21, "tasks": 18, "splits": 19},
    "models": {"what": 34, "tasks": 9, "ships weights for": 9, "licence": 17},
    "metrics": {"meaning": 36, "reference": 20},
}
"""The widths at which columns are folded on a terminal of 100 columns."""
_SINGLE_WORDS = 10
"""Columns up to this width hold single words, and keep their width on a narrower terminal."""
_UNFOLDED = 60


class ListOptions(OptionSet):
    """What is listed."""

    kind: Literal["datasets", "models", "metrics"] = argument("WHAT", help="What to list.")


def command(options: ListOptions, output: JsonOption) -> int:
    """List data sets, models or metrics."""
    kind = options.kind
    rows = {"datasets": _datasets, "models": _models, "metrics": _metrics}[kind]()
    if output.as_json:
        console.say_json({kind: rows})
    elif kind == "metrics":
        for task, of_task in groupby(rows, key=lambda row: row["task"]):
            metrics = [
                {key: value for key, value in row.items() if key != "task"} for row in of_task
            ]
            console.say(f"{task}:\n\n{_table(metrics, WIDTHS[kind])}\n")
    else:
        console.say(_table(rows, WIDTHS[kind]))
    return 0


def _table(rows: Sequence[Row], widths: Mapping[str, int]) -> str:
    from tabulate import tabulate

    fitted = _fitted(widths)
    limits = [fitted.get(name, _UNFOLDED) for name in rows[0]]
    return tabulate(
        rows,
        headers="keys",
        tablefmt="plain",
        missingval="-",
        maxcolwidths=limits,
        maxheadercolwidths=limits,
        colalign=["right" if isinstance(value, int) else "left" for value in rows[0].values()],
    )


def _fitted(widths: Mapping[str, int]) -> dict[str, int]:
    """The widths for this terminal: what it has more or less than 100 columns is shared in
    proportion.
    """
    shared = sum(limit for limit in widths.values() if limit > _SINGLE_WORDS)
    more = width() - 100
    return {
        name: limit + more * limit // shared if limit > _SINGLE_WORDS else limit
        for name, limit in widths.items()
    }


def _datasets() -> list[Row]:
    from bench import cards

    loaded = [cards.load_card(name) for name in cards.names()]
    return [
        {
            "name": card.name,
            "title": card.title,
            "tasks": ", ".join(card.tasks),
            "classes": len(card.classes) or None,
            "splits": ", ".join(
                f"{name} {split.images}" if split.images else name
                for name, split in card.splits.items()
            ),
            "layout": card.layout,
        }
        for card in loaded
    ]


def _models() -> list[Row]:
    from bench import models

    return [dict(models.describe(name)) for name in models.names()]


def _metrics() -> list[Row]:
    from bench.families import listed

    return listed()
