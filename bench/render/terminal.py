"""A run record as a table for the terminal: scores in percent with their intervals, and what they rest on.

It lays out what the record holds; it computes nothing.
"""

from __future__ import annotations

import math
import textwrap
from typing import Any

from bench.runs import Run

OVERALL = {
    "mIoU": "mIoU",
    "pixel_accuracy": "pixel accuracy",
    "mean_accuracy": "mean accuracy",
    "fwIoU": "frequency-weighted IoU",
    "mDice": "mean Dice",
}
DASH = "-"


def run_table(run: Run) -> str:
    """The whole report of one run: heading, overall scores, scores per class, and notes."""
    from tabulate import tabulate

    record, group = run.record, run.record.scores["semantic"]
    over = group["classes"]
    heading = (
        f"{record.name} on {record.dataset.title} {record.dataset.split}: {record.dataset.images} images{_speed(run)}"
    )
    overall = [[title, percent(group[key]), interval(group[key]), _over(key, over)] for key, title in OVERALL.items()]
    per_class = [
        [name, percent(s["IoU"]), interval(s["IoU"]), percent(s["Dice"]), percent(s["accuracy"])]
        for name, s in group["per_class"].items()
    ]
    align = ("left", "right", "left", "left")
    first = tabulate(
        overall, headers=["", "%", "95 % interval", ""], tablefmt="plain", colalign=align, disable_numparse=True
    )
    second = tabulate(
        per_class,
        headers=["class", "IoU %", "95 % interval", "Dice %", "accuracy %"],
        tablefmt="plain",
        colalign=("left", "right", "left", "right", "right"),
        disable_numparse=True,
    )
    return "\n\n".join([heading, _indent(first), _indent(second), _notes(run)]) + "\n"


def percent(entry: dict[str, Any]) -> str:
    """A score as percent with two digits, or a dash where it is not defined.

    >>> percent({"value": 0.61234}), percent({"value": None})
    ('61.23', '-')
    """
    value = entry["value"]
    return DASH if value is None or math.isnan(value) else f"{100 * value:.2f}"


def interval(entry: dict[str, Any]) -> str:
    """An interval as percent, or nothing where there is none.

    >>> interval({"interval": [0.5012, 0.62]}), interval({"interval": None})
    ('[50.12, 62.00]', '')
    """
    found = entry["interval"]
    return "" if found is None else f"[{100 * found[0]:.2f}, {100 * found[1]:.2f}]"


def _over(key: str, over: dict[str, Any]) -> str:
    if not key.startswith("m"):
        return ""
    where = {"truth": "in the truth", "union": "in truth or prediction", "all": "all, absent or not"}[over["in"]]
    return f"over {over['scored']} of {over['of']} classes ({where})" if key == "mIoU" else ""


def _speed(run: Run) -> str:
    speed = run.record.timings.get("images_per_second")
    return f", {speed:.1f} images/s" if speed else ""


def _notes(run: Run) -> str:
    used = run.record.protocol["intervals"]
    lines = []
    for method in used["methods"].values():
        freedom = f"{method['degrees_of_freedom']:.1f}"
        lines.append(f"Intervals: {100 * used['level']:.0f} %, {method['method']} ({freedom}), over {_units(used)}.")
    lines += [f"Note: {warning.message}." for warning in run.record.warnings]
    return "\n".join(_wrap(line) for line in lines)


def _units(used: dict[str, Any]) -> str:
    if used["clusters"] == used["images"]:
        return f"{used['images']} images"
    return f"{used['clusters']} clusters of images, worth {used['effective_clusters']:.1f} of equal size"


def _wrap(text: str) -> str:
    return textwrap.fill(text, width=110, subsequent_indent="  ")


def _indent(text: str) -> str:
    return textwrap.indent(text, "  ")
