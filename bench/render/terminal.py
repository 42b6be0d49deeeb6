"""A run record for the terminal: scores with intervals, and notes on how they were computed.

It lays out what the record holds, group by group, and computes nothing.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from bench import scoring
from bench.families.contract.metric import PERCENT
from bench.notices import many
from bench.render.prose import filled, width
from bench.runs import Run, circumstances
from bench.scoring.descriptions import GroupDescription, describe_groups
from bench.scoring.selecting import selected

INDENT = "  "
NO_BREAK = "\N{NO-BREAK SPACE}"
LEFT_RIGHT = ("left", "right", "left")
MAX_REGION_SCORES, MAX_SCORES = 2, 6
"""Maximum number of scores in a row: for a region, and for a class or category."""
CLASSES_IN = {
    "truth": "in the ground truth",
    "union": "in ground truth or predictions",
    "all": "all of them",
}
"""Which classes a mean runs over, by the rule `classes_in`."""


def run_table(run: Run, metrics: str = "default") -> str:
    """The whole report of a run: heading, warnings, the tables of each group, and notes.

    If `metrics` names metrics, as in `mIoU,IoU`, only these are shown.
    """
    record = run.record
    descriptions = describe_groups(record, scoring.rules_of(run))
    dataset = record.dataset
    where = f"{dataset.title} {dataset.split}"
    heading = f"{record.name} on {where}: {many(dataset.images, 'image')}{_speed(run)}"
    parts = [heading, _warnings(run)]
    names = selected(scoring.rules_of(run), metrics.split(","))
    shown = record.scores
    if names:
        shown = {name: _only(group, names[name]) for name, group in shown.items() if name in names}
    for name, group in shown.items():
        if len(shown) > 1:
            parts.append(f"{descriptions[name].title}:")
        tables = group_tables(group, descriptions[name])
        parts += [textwrap.indent(table, INDENT) for table in tables if table]
    parts.append(_notes(run, descriptions))
    return "\n\n".join(part for part in parts if part) + "\n"


def _only(group: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    """A group with the scores of these names; class scores only if no overall score has the
    name.
    """
    kept: dict[str, Any] = {}
    for key, entry in group.items():
        if key in ("per_class", "per_category"):
            kept[key] = {
                label: {
                    name: score
                    for name, score in scores.items()
                    if name in names and name not in group
                }
                for label, scores in entry.items()
            }
        elif not _is_score(entry) or key.partition("@")[0] in names:
            kept[key] = entry
    return kept


def group_tables(group: Mapping[str, Any], description: GroupDescription) -> list[str]:
    """The tables of one group: overall scores, and scores by region, class and category."""
    overall = {name: entry for name, entry in group.items() if _is_score(entry)}
    regions: dict[str, dict[str, Any]] = {}
    for name, entry in overall.items():
        score, _, region = name.partition("@")
        if region:
            regions.setdefault(region, {})[score] = entry
    region_title = "prompts" if "prompts" in group else "region"
    return [
        _overall_table(group, overall, description),
        _rows_table(region_title, regions, description, most=MAX_REGION_SCORES),
        _rows_table("class", group.get("per_class", {}), description),
        _rows_table("category", group.get("per_category", {}), description),
    ]


def _overall_table(
    group: Mapping[str, Any], overall: Mapping[str, Any], description: GroupDescription
) -> str:
    """A row for each overall score, the leading ones first."""
    plain = {name: entry for name, entry in overall.items() if "@" not in name}
    names = sorted(plain, key=lambda name: not description.metric(name).leading)
    units = {description.metric(name).unit for name in names}
    # A common unit is shown in the header; otherwise every value but percentages shows its own.
    unit = units.pop() if len(units) == 1 else PERCENT
    remarks = [*_remarks(group), *[""] * len(names)]
    rows = []
    for name, remark in zip(names, remarks, strict=False):
        metric, entry = description.metric(name), plain[name]
        suffix = "" if metric.unit == unit else f" {metric.unit}"
        value = metric.number(entry["value"]) + suffix
        title = description.titles.get(metric.name, metric.title)
        rows.append([title, value, metric.ends(entry["interval"]), remark])
    return _table(["", unit, "95 % interval", ""], rows, (*LEFT_RIGHT, "left")) if rows else ""


def _rows_table(
    header: str,
    rows: Mapping[str, Mapping[str, Any]],
    description: GroupDescription,
    most: int = MAX_SCORES,
) -> str:
    """A row for each region, class or category; only its first score has an interval."""
    defined = {
        label: scores
        for label, scores in rows.items()
        if any(entry["value"] is not None for entry in scores.values())
    }
    if not defined:
        return ""
    names = [name for name in next(iter(defined.values())) if "@" not in name]
    names.sort(key=lambda name: not description.metric(name).leading)
    names = names[:most]
    metrics = [description.metric(name) for name in names]
    cells = []
    for label, scores in defined.items():
        numbers = [
            metric.number(scores[name]["value"])
            for name, metric in zip(names, metrics, strict=True)
        ]
        ends = metrics[0].ends(scores[names[0]]["interval"])
        cells.append([label, numbers[0], ends, *numbers[1:]])
    titles = [f"{metric.title} {metric.unit}" for metric in metrics]
    headers = [header, titles[0], "95 % interval", *titles[1:]]
    return _table(headers, cells, (*LEFT_RIGHT, *("right",) * (len(names) - 1)))


def _table(headers: list[str], rows: list[list[str]], align: tuple[str, ...]) -> str:
    """A table; if it is too wide for the terminal, its headers are broken into lines."""
    from tabulate import tabulate

    table = tabulate(rows, headers=headers, tablefmt="plain", colalign=align, disable_numparse=True)
    if max(map(len, table.splitlines())) <= width() - len(INDENT):
        return table
    # The first three columns are the label, the first score and its interval.
    stacked = [
        _stacked(header) if column > 2 else [header] for column, header in enumerate(headers)
    ]
    height = max(map(len, stacked))
    lines = zip(*([""] * (height - len(lines)) + lines for lines in stacked), strict=True)
    return tabulate([*lines, *rows], tablefmt="plain", colalign=align, disable_numparse=True)


def _stacked(header: str) -> list[str]:
    """A header in lines as short as its longest word; the unit stays with the last word.

    >>> _stacked("boundary F at 0.00088 %"), _stacked("")
    (['boundary', 'F at', '0.00088 %'], [''])
    """
    if not header:
        return [""]
    title = header.removesuffix(" %")
    unit = header[len(title) :]
    words = title.split()
    words[-1] += unit.replace(" ", NO_BREAK)
    lines = textwrap.wrap(" ".join(words), max(map(len, words)), break_on_hyphens=False)
    return [line.replace(NO_BREAK, " ") for line in lines]


def _is_score(entry: object) -> bool:
    return isinstance(entry, Mapping) and "value" in entry


def _remarks(group: Mapping[str, Any]) -> list[str]:
    """Remarks beside the first scores: the classes of the means, the maximum of detections."""
    remarks = []
    classes = group.get("classes")
    if classes is not None:
        which = CLASSES_IN[classes["in"]]
        remarks.append(f"over {classes['scored']} of {classes['of']} classes ({which})")
    if "max_detections" in group:
        remarks.append(f"maximum detections: {group['max_detections']} per class and image")
        if group["protocol"] != "COCO's":
            remarks.append("not COCO's protocol")
    return remarks


def _speed(run: Run) -> str:
    speed = circumstances.speed(run.record)
    return f", {speed:.1f} images/s" if speed else ""


def _warnings(run: Run) -> str:
    """The serious notices, which stand above the scores."""
    serious = [notice for notice in run.record.warnings if notice.severity == "warning"]
    return filled([f"Warning: {notice.message}." for notice in serious])


def _notes(run: Run, descriptions: Mapping[str, GroupDescription]) -> str:
    """How intervals were computed, how the model was run, and the other notices."""
    record = run.record
    lines = _on_intervals(record.protocol["intervals"], descriptions)
    if record.model.get("kind") == "model":
        lines.append(f"Inference: {circumstances.inference_text(record)}.")
        if cost := circumstances.cost_sentence(record):
            lines.append(f"Cost: {cost}.")
    lines += [f"Note: {notice.message}." for notice in record.warnings if notice.severity == "note"]
    return filled(lines)


def _on_intervals(
    used: Mapping[str, Any], descriptions: Mapping[str, GroupDescription]
) -> list[str]:
    """A sentence for each method of intervals, naming its groups if there are several methods."""
    titles_by_method: dict[str, list[str]] = {}
    for group, method in used["methods"].items():
        score = method.get("score", "")
        of = descriptions[group].metric(score).title if score else ""
        text = method_text(method["method"], method["degrees_of_freedom"], of=of)
        titles_by_method.setdefault(text, []).append(descriptions[group].title)
    level = f"{100 * used['level']:.0f} %"
    units = clusters_text(used["images"], used["clusters"], used["effective_clusters"])
    sentences = []
    for text, titles in titles_by_method.items():
        which = f" of {'; '.join(titles)}" if len(titles_by_method) > 1 else ""
        sentences.append(f"Intervals{which}: {level}, {text}, over {units}.")
    return sentences


def method_text(method: str, *freedoms: float, of: str = "") -> str:
    """The method of an interval, with its degrees of freedom if it uses Student's t.

    `of` is the score that the degrees of freedom belong to.

    >>> method_text("jackknife, Student's t", 12.31, of="mIoU")
    "jackknife, Student's t (12.3 for mIoU)"
    >>> method_text("jackknife, Student's t", 12.31, 14.5)
    "jackknife, Student's t (12.3 to 14.5)"
    >>> method_text("BCa bootstrap of 2000 resamples", 12.31)
    'BCa bootstrap of 2000 resamples'
    """
    if "Student" not in method:
        return method
    ends = dict.fromkeys(f"{freedom:.1f}" for freedom in (min(freedoms), max(freedoms)))
    score = f" for {of}" if of else ""
    return f"{method} ({' to '.join(ends)}{score})"


def clusters_text(images: int, clusters: int, effective: float) -> str:
    """The units that intervals are computed over.

    >>> clusters_text(500, 500, 500.0), clusters_text(500, 50, 49.96)
    ('500 images', '50 clusters of images (effective number 50.0)')
    """
    if clusters == images:
        return many(images, "image")
    return f"{clusters} clusters of images (effective number {effective:.1f})"
