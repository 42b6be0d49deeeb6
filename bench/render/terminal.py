"""A run record as a table for the terminal: scores in percent with their intervals, and what they rest on.

It lays out what the record holds, group by group; it computes nothing.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from bench import scoring
from bench.families import families
from bench.families.contract.metric import PERCENT
from bench.notices import many
from bench.render.prose import filled, width
from bench.runs import Run, circumstances
from bench.scoring import Described

INDENT = "  "
NO_BREAK = "\N{NO-BREAK SPACE}"
LEFT_RIGHT = ("left", "right", "left")


def run_table(run: Run, metrics: str = "default") -> str:
    """The whole report of one run: heading, then per group the overall scores, regions and classes, and notes.

    Where `metrics` names metrics, as in `mIoU,IoU`, these alone are shown.
    """
    record = run.record
    selected = _selected(run, {word.strip() for word in metrics.split(",")})
    groups = scoring.described(record, scoring.rules_of(run))
    where = f"{record.dataset.title} {record.dataset.split}"
    parts = [f"{record.name} on {where}: {many(record.dataset.images, 'image')}{_speed(run)}", _serious(run)]
    shown = record.scores
    if selected:
        shown = {name: _only(group, selected[name]) for name, group in shown.items() if name in selected}
    for name, group in shown.items():
        if len(shown) > 1:
            parts.append(f"{groups[name].title}:")
        parts += [_indent(part) for part in group_tables(group, groups[name]) if part]
    return "\n\n".join(part for part in (*parts, _notes(run, groups)) if part) + "\n"


def _selected(run: Run, words: set[str]) -> dict[str, set[str]]:
    """The names of the metrics in each group that are asked for; empty if a whole family is."""
    rules, selected, known = scoring.rules_of(run), dict[str, set[str]](), set[str]()
    for each in families(run.record.tables):
        for metric in each.metrics_under(each.options(rules)):
            name = each.full_name(metric.name)
            if name in words and name not in known:
                selected.setdefault(each.group, set()).add(metric.name)
                known.add(name)
    return selected if known == words else {}


def _only(group: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    """A group with the scores of these names; those of single classes where there is no mean of the name."""
    kept: dict[str, Any] = {}
    for key, entry in group.items():
        if key in ("per_class", "per_category"):
            kept[key] = {
                label: {name: score for name, score in scores.items() if name in names and name not in group}
                for label, scores in entry.items()
            }
        elif not _is_score(entry) or key.partition("@")[0] in names:
            kept[key] = entry
    return kept


def group_tables(group: Mapping[str, Any], described: Described) -> list[str]:
    """The tables of one group: overall scores, scores in regions, scores per class and per category."""
    overall = {name: entry for name, entry in group.items() if _is_score(entry)}
    regions: dict[str, dict[str, Any]] = {}
    for name, entry in overall.items():
        score, _, region = name.partition("@")
        if region:
            regions.setdefault(region, {})[score] = entry
    plain = {name: entry for name, entry in overall.items() if "@" not in name}
    leading = sorted(plain, key=lambda name: not described.metric(name).leading)
    over = [*_over(group), *[""] * len(leading)]
    units = {described.metric(name).unit for name in leading}
    # One unit stands in the heading; of several, each value has its own, except for percent.
    unit = units.pop() if len(units) == 1 else PERCENT
    rows = []
    for name, words in zip(leading, over, strict=False):
        metric, entry = described.metric(name), plain[name]
        named = "" if metric.unit == unit else f" {metric.unit}"
        value = metric.number(entry["value"]) + named
        title = described.titles.get(metric.name, metric.title)
        rows.append([title, value, metric.ends(entry["interval"]), words])
    regional = "prompts" if "prompts" in group else "region"
    return [
        _table(["", unit, "95 % interval", ""], rows, (*LEFT_RIGHT, "left")) if rows else "",
        _named_rows(regional, regions, described, most=2),
        _named_rows("class", group.get("per_class", {}), described),
        _named_rows("category", group.get("per_category", {}), described),
    ]


def _named_rows(head: str, rows: Mapping[str, Mapping[str, Any]], described: Described, most: int = 6) -> str:
    """A row for each name with any score; the first score comes with its interval, regions are left out."""
    rows = {label: scores for label, scores in rows.items() if any(e["value"] is not None for e in scores.values())}
    if not rows:
        return ""
    names = [name for name in next(iter(rows.values())) if "@" not in name]
    metrics = {name: described.metric(name) for name in names}
    names.sort(key=lambda name: not metrics[name].leading)
    first, *others = names[:most]
    cells = []
    for label, scores in rows.items():
        numbers = [metrics[name].number(scores[name]["value"]) for name in (first, *others)]
        ends = metrics[first].ends(scores[first]["interval"])
        cells.append([label, numbers[0], ends, *numbers[1:]])
    titles = [f"{metrics[name].title} {metrics[name].unit}" for name in (first, *others)]
    headers = [head, titles[0], "95 % interval", *titles[1:]]
    return _table(headers, cells, (*LEFT_RIGHT, *("right",) * len(others)))


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

    >>> _stacked("boundary F at 0.00088 %"), _stacked("")
    (['boundary', 'F at', '0.00088 %'], [''])
    """
    if not heading:
        return [""]
    words = heading.removesuffix(" %").split()
    words[-1] += heading[len(heading.removesuffix(" %")) :].replace(" ", NO_BREAK)
    lines = textwrap.wrap(" ".join(words), max(map(len, words)), break_on_hyphens=False)
    return [line.replace(NO_BREAK, " ") for line in lines]


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


def _notes(run: Run, groups: Mapping[str, Described]) -> str:
    used = run.record.protocol["intervals"]
    made: dict[str, list[str]] = {}
    for group, method in used["methods"].items():
        score = method.get("score", "")
        title = groups[group].metric(score).title if score else ""
        words = method_text(method["method"], method["degrees_of_freedom"], of=title)
        made.setdefault(words, []).append(groups[group].title)
    lines = []
    for how, titles in made.items():
        which = f" of {'; '.join(titles)}" if len(made) > 1 else ""
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
    words = f"{' to '.join(ends)}{f' for {of}' if of else ''}"
    return f"{method} ({words})" if "Student" in method else method


def _units(used: Mapping[str, Any]) -> str:
    if used["clusters"] == used["images"]:
        return many(used["images"], "image")
    return f"{used['clusters']} clusters of images, worth {used['effective_clusters']:.1f} of equal size"


def _indent(text: str) -> str:
    return textwrap.indent(text, INDENT)
