"""A comparison for the terminal: the verdict in words, the scores, every pair, the classes.

It lays out what the comparison holds; it decides and computes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.comparison import Comparison
from bench.comparison.effects import Effect
from bench.comparison.pairing import Pair
from bench.families.contract.metric import PERCENT
from bench.notices import many
from bench.render.prose import filled
from bench.render.terminal import method_text
from bench.resample import Interval

CORRECTIONS = {"holm": "Holm", "bh": "Benjamini-Hochberg", "maxt": "max-T over the same swaps"}


def report(found: Comparison) -> str:
    """The whole report: verdict, table of scores, matrix of pairs, classes, notes."""
    dataset = found.runs[0].record.dataset
    parts = [
        f"{found.title} on {dataset.title} {dataset.split}: {many(found.images, 'image')}",
        filled(verdict(found)),
        scores_table(found),
        pairs_matrix(found) if len(found.names) > 2 else "",
        *(classes_table(found, pair) for pair in found.pairs if pair.classes),
        filled(notes(found)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def verdict(found: Comparison) -> list[str]:
    """What can be said, in sentences: the best first, then every pair of two or three runs."""
    lines = []
    if len(found.names) > 2 and np.isfinite(found.scores).any():
        best = order_of(found)[0]
        tied = [name for m, name in enumerate(found.names) if found.best[m] and m != best]
        others = f"{listed(tied)} cannot be told from it" if tied else "it beats all others"
        lines.append(f"{found.names[best]} has the {'lowest' if found.lower_is_better else 'highest'} score; {others}.")
    if len(found.names) <= 3:
        lines += [sentence(found, pair) for pair in found.pairs]
    return lines


def sentence(found: Comparison, pair: Pair) -> str:
    """The verdict on a pair, such as `a beats b by 3.10 mIoU [2.20, 4.00], p < .001.`."""
    effect, names = pair.effect, (found.names[pair.first], found.names[pair.second])
    if np.isnan(effect.difference):
        return f"{names[0]} and {names[1]} cannot be compared: {found.title} is not defined for both."
    turn = effect.difference < 0
    ahead, behind = reversed(names) if turn != found.lower_is_better else names
    gap = f"{_amount(found, effect.difference)} {found.title}{_ends(found, effect.interval, turn=turn)}"
    if effect.differs(found.alpha):
        return f"{ahead} beats {behind} by {gap}, {p_text(effect.corrected)}.{_wins(found, pair, turn)}"
    seen = ""
    if effect.detectable is not None and np.isfinite(effect.detectable):
        points = f"{found.declared.scale * effect.detectable:.2g} {found.declared.points}"
        unit = "images" if found.clusters == found.images else f"images in {found.clusters} clusters"
        seen = f"; with these {found.images} {unit} you can see {points}"
    tested = "no test is possible" if np.isnan(effect.corrected) else p_text(effect.corrected)
    return (
        f"No difference between {names[0]} and {names[1]} can be told: {ahead} is ahead by {gap}, {tested}"
        f"{seen}.{_wins(found, pair, turn)}"
    )


def order_of(found: Comparison) -> list[int]:
    """The runs from the best to the worst; those without a score come last."""
    merit = found.scores if not found.lower_is_better else -found.scores
    return [int(m) for m in np.argsort(-np.nan_to_num(merit, nan=-np.inf), kind="stable")]


def p_text(p: float) -> str:
    """A p-value for people.

    >>> p_text(0.0002), p_text(0.0312), p_text(0.43)
    ('p < .001', 'p = .031', 'p = .43')
    """
    if np.isnan(p):
        return "-"
    if p < 0.001:
        return "p < .001"
    return "p = " + (f"{p:.3f}" if p < 0.1 else f"{p:.2f}").removeprefix("0")


def scores_table(found: Comparison) -> str:
    """A row for each run, the best first."""
    order = order_of(found)
    level = f"{100 * (1 - found.alpha):g} % interval"
    headers, rows = ["", _with_unit(found), level], []
    if len(found.names) > 2:
        headers += ["rank", "tied"]
    different = _settings(found)
    for m in order:
        interval = found.intervals[m]
        ends = found.declared.clipped(interval.ends) if interval else None
        score = found.declared.number(float(found.scores[m]))
        row = [found.names[m], score, found.declared.ends(ends)]
        if len(found.names) > 2:
            low, high = found.ranks[m]
            row += [str(low) if low == high else f"{low}-{high}", found.letters[m]]
        rows.append([*row, different[m]])
    return tabulated([*headers, ""], rows, ("left", "right", "left", *("left",) * (len(headers) - 2)))


def pairs_matrix(found: Comparison) -> str:
    """Row minus column in points, with a star where it is more than chance."""
    order = order_of(found)
    cells = {}
    for pair in found.pairs:
        star = "*" if pair.effect.differs(found.alpha) else " "
        for sign, key in ((1, (pair.first, pair.second)), (-1, (pair.second, pair.first))):
            cells[key] = f"{found.declared.change(sign * pair.effect.difference)}{star}"
    rows = [[found.names[i], *(cells.get((i, j), "") for j in order)] for i in order]
    headers = [f"row minus column, * p <= {f'{found.alpha:g}'.removeprefix('0')}", *(found.names[j] for j in order)]
    return tabulated(headers, rows, ("left", *("right",) * len(order)))


def classes_table(found: Comparison, pair: Pair) -> str:
    """A row for each class that both runs have a score for, with its difference, the largest first."""
    names = found.names[pair.first], found.names[pair.second]
    rows, shares = [], pair.shares
    there = {label: effect for label, effect in pair.classes.items() if np.isfinite(effect.difference)}
    for label, effect in sorted(there.items(), key=lambda entry: -abs(entry[1].difference)):
        number, change = found.declared.number, found.declared.change
        values = [number(effect.first), number(effect.second), change(effect.difference)]
        share = [change(shares[label])] if shares else []
        star = "*" if effect.differs(found.alpha) else ""
        rows.append([label, *values, *share, _class_ends(found, effect), _p(effect), star])
    share = ["share"] if shares else []
    headers = ["class", *(f"{name} {found.declared.unit}" for name in names), "difference", *share, "interval", "p", ""]
    return tabulated(headers, rows, ("left", *("right",) * (3 + len(share)), "left", "left", "left"))


def notes(found: Comparison) -> list[str]:
    """What intervals and p-values rest on."""
    made = [pair.effect.interval for pair in found.pairs if pair.effect.interval]
    together = found.clusters != found.images
    worth = f"{found.clusters} clusters of images, worth {found.effective_clusters:.1f} of equal size"
    units = worth if together else many(found.images, "image")
    lines = []
    if made:
        how = method_text(made[0].method, *(each.degrees_of_freedom for each in made), of=found.title)
        lines.append(f"Intervals of paired differences: {100 * made[0].level:g} %, {how}, over {units}.")
    if found.swaps:
        how = f"all {2 * found.swaps:,}" if found.exact else f"{found.swaps:,}"
        what = "clusters of images" if together else "images"
        corrected = (
            f", corrected for {len(found.pairs)} pairs by {CORRECTIONS[found.correction]}"
            if len(found.pairs) > 1
            else ""
        )
        lines.append(f"p-values: {how} swaps of {what} between two runs{corrected}.".replace(",", " ", how.count(",")))
    if any(pair.classes for pair in found.pairs):
        by = CORRECTIONS[found.correction]
        lines.append(
            f"p-values of classes are corrected for all classes of a pair by {by}, and an interval is for its class "
            "alone: an interval without 0 beside a large p is no contradiction, and the p-value decides."
        )
    if any(pair.shares for pair in found.pairs):
        lines.append(f"share: the {found.declared.points} that a class adds to the difference in {found.title}.")
    return lines + [f"Note: {note}." for note in found.notes]


def _settings(found: Comparison) -> list[str]:
    """Per run, the settings in which the runs differ: shown, never a reason to refuse."""
    all_settings = [run.record.settings for run in found.runs]
    keys = dict.fromkeys(key for settings in all_settings for key in settings)
    different = [key for key in keys if any(s.get(key) != all_settings[0].get(key) for s in all_settings)]
    # What a run does not have is no setting of it: stored predictions have no device, networks no label space.
    return [
        ", ".join(f"{key} {settings[key]}" for key in different if settings.get(key) is not None)
        for settings in all_settings
    ]


def _wins(found: Comparison, pair: Pair, turn: bool) -> str:
    if pair.wins is None:
        return ""
    ahead, behind = (pair.wins.second, pair.wins.first) if turn else (pair.wins.first, pair.wins.second)
    name = found.names[pair.second if turn else pair.first]
    return f" {name} scores higher in {ahead} of {ahead + behind + pair.wins.equal} images, lower in {behind}."


def _class_ends(found: Comparison, effect: Effect) -> str:
    return found.declared.ends(None if effect.interval is None else effect.interval.ends)


def _amount(found: Comparison, difference: float) -> str:
    """The size of a difference: percent goes without saying, other units are named."""
    text = found.declared.number(abs(difference))
    return text if found.declared.unit == PERCENT else f"{text} {found.declared.unit}"


def _with_unit(found: Comparison) -> str:
    return f"{found.title} {found.declared.unit}"


def _ends(found: Comparison, interval: Interval | None, *, turn: bool) -> str:
    """The interval of a difference, the other way round if the runs are."""
    if interval is None:
        return ""
    low, high = interval.ends
    return f" {found.declared.ends((-high, -low) if turn else (low, high))}"


def _p(effect: Effect) -> str:
    return p_text(effect.corrected).removeprefix("p = ").removeprefix("p ")


def listed(names: Sequence[str]) -> str:
    """Names in a sentence.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def tabulated(headers: list[str], rows: list[list[str]], align: tuple[str, ...]) -> str:
    """Columns without lines; those beyond `align` stand left."""
    from tabulate import tabulate

    width = len(headers)
    return tabulate(
        rows, headers=headers, tablefmt="plain", colalign=(*align, *("left",) * width)[:width], disable_numparse=True
    )
