"""A run record as a table for the terminal: scores in percent with their intervals, and what they rest on.

It lays out what the record holds, group by group; it computes nothing.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import Any

from bench import scoring
from bench.notices import many
from bench.render.prose import filled, width
from bench.runs import Run, circumstances

TITLES = {
    "pixel_accuracy": "pixel accuracy",
    "mean_accuracy": "mean accuracy",
    "fwIoU": "frequency-weighted IoU",
    "mDice": "mean Dice",
    "boundary_IoU": "boundary IoU",
    "category_IoU": "category IoU",
    "category_iIoU": "category iIoU",
    "best_precision": "best precision",
    "best_recall": "best recall",
    "best_F1": "best F1",
    "class_accuracy": "class accuracy",
}
GROUPS = {
    "semantic": "semantic",
    "instance": "instances, by masks",
    "boxes": "instances, by boxes",
    "instance_boundary": "instances, by boundaries",
    "panoptic": "panoptic",
    "panoptic_boundary": "panoptic, by boundaries",
    "cityscapes_instance": "instances, as Cityscapes scores them",
    "lvis": "instances, as LVIS scores them",
    "lvis_boxes": "instances by boxes, as LVIS scores them",
    "voc_instance": "instances, as VOC scores them",
    "calibration": "calibration",
    "tide": "errors of detections: rise of AP50 if mended",
    "operating_points": "objects shown from a score on, and from the best score of each class on",
    "prompted": "objects that were pointed at",
    "object_confusion": "objects found, whatever their class",
}
FIRST = scoring.LEADING
"""The score that a group leads with; the first line says over how many classes its means run."""
DASH = "-"
INDENT = "  "
NO_BREAK = "\N{NO-BREAK SPACE}"
LEFT_RIGHT = ("left", "right", "left")


def run_table(run: Run) -> str:
    """The whole report of one run: heading, then per group the overall scores, regions and classes, and notes."""
    record = run.record
    where = f"{record.dataset.title} {record.dataset.split}"
    parts = [f"{record.name} on {where}: {many(record.dataset.images, 'image')}{_speed(run)}", _serious(run)]
    for name, group in record.scores.items():
        if len(record.scores) > 1:
            parts.append(f"{GROUPS.get(name, name)}:")
        parts += [_indent(part) for part in group_tables(group) if part]
    return "\n\n".join(part for part in (*parts, _notes(run)) if part) + "\n"


def group_tables(group: Mapping[str, Any]) -> list[str]:
    """The tables of one group: overall scores, scores in regions, scores per class and per category."""
    overall = {name: entry for name, entry in group.items() if _is_score(entry)}
    regions: dict[str, dict[str, Any]] = {}
    for name, entry in overall.items():
        score, _, region = name.partition("@")
        if region:
            regions.setdefault(region, {})[score] = entry
    plain = {name: entry for name, entry in overall.items() if "@" not in name}
    leading = sorted(plain, key=lambda name: name not in FIRST)
    over = [*_over(group), *[""] * len(leading)]
    rows = [
        [_title(name, group), percent(plain[name]), interval(plain[name]), words]
        for name, words in zip(leading, over, strict=False)
    ]
    return [
        _table(["", "%", "95 % interval", ""], rows, (*LEFT_RIGHT, "left")),
        _named_rows("prompts" if "prompts" in group else "region", regions, most=2),
        _named_rows("class", group.get("per_class", {})),
        _named_rows("category", group.get("per_category", {})),
    ]


def percent(entry: Mapping[str, Any]) -> str:
    """A score as percent with two digits, or a dash where it is not defined.

    >>> percent({"value": 0.61234}), percent({"value": None})
    ('61.23', '-')
    """
    value = entry["value"]
    return DASH if value is None or math.isnan(value) else f"{100 * value:.2f}"


def interval(entry: Mapping[str, Any]) -> str:
    """An interval as percent, or nothing where there is none.

    >>> interval({"interval": [0.5012, 0.62]}), interval({"interval": None})
    ('[50.12, 62.00]', '')
    """
    found = entry["interval"]
    return "" if found is None else f"[{100 * found[0]:.2f}, {100 * found[1]:.2f}]"


def _named_rows(head: str, rows: Mapping[str, Mapping[str, Any]], most: int = 6) -> str:
    """A row for each name with any score; the first score comes with its interval, regions are left out."""
    rows = {label: scores for label, scores in rows.items() if any(e["value"] is not None for e in scores.values())}
    if not rows:
        return ""
    names = [name for name in next(iter(rows.values())) if "@" not in name]
    names.sort(key=lambda name: name not in FIRST)
    names = names[:most]
    cells = [
        [label, percent(scores[names[0]]), interval(scores[names[0]]), *(percent(scores[name]) for name in names[1:])]
        for label, scores in rows.items()
    ]
    headers = [head, f"{_name(names[0])} %", "95 % interval", *(f"{_name(name)} %" for name in names[1:])]
    return _table(headers, cells, (*LEFT_RIGHT, *("right",) * (len(names) - 1)))


def _table(headers: list[str], rows: list[list[str]], align: tuple[str, ...]) -> str:
    """A table; where it is too wide for a terminal, headings take several lines."""
    from tabulate import tabulate

    table = tabulate(rows, headers=headers, tablefmt="plain", colalign=align, disable_numparse=True)
    if max(map(len, table.splitlines())) <= width() - len(INDENT):
        return table
    stacked = [_stacked(heading) if place > 2 else [heading] for place, heading in enumerate(headers)]
    deepest = max(map(len, stacked))
    lines = zip(*([""] * (deepest - len(lines)) + lines for lines in stacked), strict=True)
    return tabulate([*lines, *rows], tablefmt="plain", colalign=align, disable_numparse=True)


def _stacked(heading: str) -> list[str]:
    """A heading in lines as short as its longest word; the unit stays with the last one.

    >>> _stacked("boundary F at 0.00088 %")
    ['boundary', 'F at', '0.00088 %']
    """
    words = heading.removesuffix(" %").split()
    words[-1] += heading[len(heading.removesuffix(" %")) :].replace(" ", NO_BREAK)
    lines = textwrap.wrap(" ".join(words), max(map(len, words)), break_on_hyphens=False)
    return [line.replace(NO_BREAK, " ") for line in lines]


def _title(name: str, group: Mapping[str, Any]) -> str:
    """The name of a score for people: a boundary tolerance comes with its pixels where all images have one size."""
    if not name.startswith("boundary_F_"):
        return _name(name)
    pixels = list(group.get("boundary", {}).get("tolerances_in_pixels", {}).values())
    names = [entry for entry in group if entry.startswith("boundary_F_")]
    return _name(name) + (f" ({pixels[0][names.index(name)]} px)" if len(pixels) == 1 else "")


def _name(name: str) -> str:
    return TITLES.get(name, name.replace("boundary_F_", "boundary F at "))


def _is_score(entry: object) -> bool:
    return isinstance(entry, Mapping) and "value" in entry


def _over(group: Mapping[str, Any]) -> list[str]:
    """What stands beside the first scores: the classes of the means, and of AP how many detections count."""
    found, over = [], group.get("classes")
    if over is not None:
        where = {"truth": "in the truth", "union": "in truth or prediction", "all": "all, absent or not"}[over["in"]]
        found.append(f"over {over['scored']} of {over['of']} classes ({where})")
    if "max_detections" in group:
        found.append(f"at most {group['max_detections']} detections of a class in an image")
        found += ["not COCO's protocol"] if group["protocol"] != "COCO's" else []
    return found


def _speed(run: Run) -> str:
    speed = circumstances.speed(run.record)
    return f", {speed:.1f} images/s" if speed else ""


def _serious(run: Run) -> str:
    """What makes the scores doubtful, for the place above them."""
    return filled([f"Warning: {each.message}." for each in run.record.warnings if each.severity == "warning"])


def _notes(run: Run) -> str:
    used = run.record.protocol["intervals"]
    made: dict[str, list[str]] = {}
    for group, method in used["methods"].items():
        words = method_text(method["method"], method["degrees_of_freedom"], of=method.get("score", ""))
        made.setdefault(words, []).append(group)
    lines = []
    for how, groups in made.items():
        which = f" of {'; '.join(GROUPS.get(group, group) for group in groups)}" if len(made) > 1 else ""
        lines.append(f"Intervals{which}: {100 * used['level']:.0f} %, {how}, over {_units(used)}.")
    if run.record.model.get("kind") == "model":
        said = {"Inference": circumstances.inference_text(run.record), "Cost": circumstances.cost_sentence(run.record)}
        lines += [f"{head}: {text}." for head, text in said.items() if text]
    lines += [f"Note: {each.message}." for each in run.record.warnings if each.severity == "note"]
    return filled(lines)


def method_text(method: str, *freedoms: float, of: str = "") -> str:
    """How intervals were made, with degrees of freedom where the method has them, and the score that these belong to.

    >>> method_text("jackknife, Student's t", 12.31, of="mIoU"), method_text("BCa bootstrap of 2000 resamples", 12.31)
    ("jackknife, Student's t (12.3 for mIoU)", 'BCa bootstrap of 2000 resamples')
    >>> method_text("jackknife, Student's t", 12.31, 14.5)
    "jackknife, Student's t (12.3 to 14.5)"
    """
    ends = list(dict.fromkeys(f"{each:.1f}" for each in (min(freedoms), max(freedoms))))
    words = f"{' to '.join(ends)}{f' for {_name(of)}' if of else ''}"
    return f"{method} ({words})" if "Student" in method else method


def _units(used: Mapping[str, Any]) -> str:
    if used["clusters"] == used["images"]:
        return many(used["images"], "image")
    return f"{used['clusters']} clusters of images, worth {used['effective_clusters']:.1f} of equal size"


def _indent(text: str) -> str:
    return textwrap.indent(text, INDENT)
