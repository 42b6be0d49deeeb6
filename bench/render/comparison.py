"""A comparison for the terminal: the verdict in words, the scores, every pair, and the classes.

It lays out what the comparison holds, and computes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.comparison import Comparison
from bench.comparison.effects import Effect
from bench.comparison.pairing import Pair
from bench.families.contract.metric import PERCENT
from bench.notices import many
from bench.render.prose import filled, listed
from bench.render.terminal import clusters_text, method_text
from bench.resample import Interval

CORRECTIONS = {"holm": "Holm", "bh": "Benjamini-Hochberg", "maxt": "max-T over the permutations"}
FEW_RUNS = 3
"""Up to this many runs, the verdict has a sentence for every pair."""


def report(comparison: Comparison) -> str:
    """The whole report: verdict, scores, matrix of pairs, classes, and notes."""
    dataset = comparison.runs[0].record.dataset
    where = f"{dataset.title} {dataset.split}: {many(comparison.images, 'image')}"
    parts = [
        f"{comparison.title} on {where}",
        filled(verdict(comparison)),
        scores_table(comparison),
        pairs_matrix(comparison) if len(comparison.names) > 2 else "",
        *(classes_table(comparison, pair) for pair in comparison.pairs if pair.classes),
        filled(notes(comparison)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def verdict(comparison: Comparison) -> list[str]:
    """The result in sentences: the best of several runs, and every pair of two or three runs."""
    sentences = []
    if len(comparison.names) > 2 and np.isfinite(comparison.scores).any():
        sentences.append(_best(comparison))
    if len(comparison.names) <= FEW_RUNS:
        sentences += [sentence(comparison, pair) for pair in comparison.pairs]
    return sentences


def _best(comparison: Comparison) -> str:
    best = order_of(comparison)[0]
    tied = [name for m, name in enumerate(comparison.names) if comparison.best[m] and m != best]
    others = "it is significantly better than all others"
    if tied:
        verb = "does" if len(tied) == 1 else "do"
        others = f"{listed(tied)} {verb} not differ significantly from it"
    end = "lowest" if comparison.lower_is_better else "highest"
    return f"{comparison.names[best]} has the {end} score; {others}."


def sentence(comparison: Comparison, pair: Pair) -> str:
    """The verdict on a pair, such as `a beats b by 3.10 mIoU [2.20, 4.00], p < .001.`."""
    effect = pair.effect
    names = (comparison.names[pair.first], comparison.names[pair.second])
    metric = comparison.title
    if np.isnan(effect.difference):
        return (
            f"{names[0]} and {names[1]} cannot be compared: {metric} is undefined for one of them."
        )
    # The sentence names the better run first, so the difference is shown as a positive number.
    turn = effect.difference < 0
    better, worse = reversed(names) if turn != comparison.lower_is_better else names
    ends = _ends(comparison, effect.interval, turn=turn)
    gap = f"{_amount(comparison, effect.difference)} {metric} {ends}".rstrip()
    wins = _wins(comparison, pair, turn)
    if effect.differs(comparison.alpha):
        return f"{better} beats {worse} by {gap}, {p_text(effect.corrected)}.{wins}"
    tested = "no test possible" if np.isnan(effect.corrected) else p_text(effect.corrected)
    return (
        f"No significant difference between {names[0]} and {names[1]}: "
        f"{better} is ahead by {gap}, {tested}{_detectable(comparison, effect)}.{wins}"
    )


def _detectable(comparison: Comparison, effect: Effect) -> str:
    """The minimum detectable difference, to follow the p-value; "" if unknown."""
    if effect.detectable is None or not np.isfinite(effect.detectable):
        return ""
    images = many(comparison.images, "image")
    if comparison.clusters != comparison.images:
        images += f" in {many(comparison.clusters, 'cluster')}"
    declared = comparison.declared
    amount = f"{declared.scale * effect.detectable:.2g} {declared.points}"
    return f"; minimum detectable difference: {amount} (80 % power, {images})"


def _amount(comparison: Comparison, difference: float) -> str:
    """The size of a difference; units other than percent are named."""
    declared = comparison.declared
    text = declared.number(abs(difference))
    return text if declared.unit == PERCENT else f"{text} {declared.unit}"


def order_of(comparison: Comparison) -> list[int]:
    """The positions of the runs from the best to the worst; runs without a score come last."""
    merit = -comparison.scores if comparison.lower_is_better else comparison.scores
    return [int(m) for m in np.argsort(-np.nan_to_num(merit, nan=-np.inf), kind="stable")]


def p_text(p: float) -> str:
    """A p-value in text.

    >>> p_text(0.0002), p_text(0.0312), p_text(0.43)
    ('p < .001', 'p = .031', 'p = .43')
    """
    if np.isnan(p):
        return "-"
    if p < 0.001:
        return "p < .001"
    return "p = " + (f"{p:.3f}" if p < 0.1 else f"{p:.2f}").removeprefix("0")


def scores_table(comparison: Comparison) -> str:
    """A row for each run, the best first; ranks and letters for more than two runs."""
    several, declared = len(comparison.names) > 2, comparison.declared
    level = f"{100 * (1 - comparison.alpha):g} % interval"
    headers = ["", f"{comparison.title} {declared.unit}", level]
    headers += ["rank", "tied"] if several else []
    settings = _differing_settings(comparison)
    rows = []
    for m in order_of(comparison):
        interval = comparison.intervals[m]
        ends = declared.clipped(interval.ends) if interval else None
        score = declared.number(float(comparison.scores[m]))
        row = [comparison.names[m], score, declared.ends(ends)]
        if several:
            low, high = comparison.ranks[m]
            row += [str(low) if low == high else f"{low}-{high}", comparison.letters[m]]
        rows.append([*row, settings[m]])
    align = ("left", "right", "left", *("left",) * (len(headers) - 2))
    return tabulated([*headers, ""], rows, align)


def pairs_matrix(comparison: Comparison) -> str:
    """The difference of row and column, with a star if it is significant."""
    order, names = order_of(comparison), comparison.names
    cells = {}
    for pair in comparison.pairs:
        star = "*" if pair.effect.differs(comparison.alpha) else " "
        difference, change = pair.effect.difference, comparison.declared.change
        cells[pair.first, pair.second] = f"{change(difference)}{star}"
        cells[pair.second, pair.first] = f"{change(-difference)}{star}"
    rows = [[names[i], *(cells.get((i, j), "") for j in order)] for i in order]
    alpha = f"{comparison.alpha:g}".removeprefix("0")
    headers = [f"row minus column, * p <= {alpha}", *(names[j] for j in order)]
    return tabulated(headers, rows, ("left", *("right",) * len(order)))


def classes_table(comparison: Comparison, pair: Pair) -> str:
    """A row for each class that both runs have a score for, the largest difference first."""
    shares, declared = pair.shares, comparison.declared
    defined = [item for item in pair.classes.items() if np.isfinite(item[1].difference)]
    rows = []
    for label, effect in sorted(defined, key=lambda item: -abs(item[1].difference)):
        row = [label, declared.number(effect.first), declared.number(effect.second)]
        row.append(declared.change(effect.difference))
        row += [declared.change(shares[label])] if shares else []
        p_value = p_text(effect.corrected).removeprefix("p = ").removeprefix("p ")
        star = "*" if effect.differs(comparison.alpha) else ""
        rows.append([*row, _ends(comparison, effect.interval), p_value, star])
    names = [comparison.names[position] for position in (pair.first, pair.second)]
    columns = [f"{name} {declared.unit}" for name in names]
    share = ["share"] if shares else []
    headers = ["class", *columns, "difference", *share, "interval", "p", ""]
    numbers = ("right",) * (3 + len(share))
    return tabulated(headers, rows, ("left", *numbers, "left", "left", "left"))


def notes(comparison: Comparison) -> list[str]:
    """How intervals and p-values were obtained, and the notes of the comparison."""
    sentences = []
    intervals = [pair.effect.interval for pair in comparison.pairs if pair.effect.interval]
    if intervals:
        sentences.append(_on_intervals(comparison, intervals))
    if comparison.permutations:
        sentences.append(_on_p_values(comparison))
    if any(pair.classes for pair in comparison.pairs):
        sentences.append(
            "The p-values of classes are corrected for all classes of a pair "
            f"({CORRECTIONS[comparison.correction]}), their intervals are not: if an interval "
            "excludes 0 but the p-value is large, the p-value decides."
        )
    if any(pair.shares for pair in comparison.pairs):
        sentences.append(
            f"share: the {comparison.declared.points} that a class contributes to the "
            f"difference in {comparison.title}."
        )
    return sentences + [f"Note: {note}." for note in comparison.notes]


def _on_intervals(comparison: Comparison, intervals: Sequence[Interval]) -> str:
    first = intervals[0]
    freedoms = (interval.degrees_of_freedom for interval in intervals)
    method = method_text(first.method, *freedoms, of=comparison.title)
    units = clusters_text(comparison.images, comparison.clusters, comparison.effective_clusters)
    return f"Intervals of paired differences: {100 * first.level:g} %, {method}, over {units}."


def _on_p_values(comparison: Comparison) -> str:
    number = 2 * comparison.permutations if comparison.exact else comparison.permutations
    count = f"{number:,}".replace(",", " ")
    which = f"all {count}" if comparison.exact else count
    units = "images" if comparison.clusters == comparison.images else "clusters of images"
    corrected = ""
    if len(comparison.pairs) > 1:
        method = CORRECTIONS[comparison.correction]
        corrected = f", corrected for {len(comparison.pairs)} pairs by {method}"
    return f"p-values: {which} permutations of {units} between two runs{corrected}."


def _differing_settings(comparison: Comparison) -> list[str]:
    """For each run, the settings in which the runs differ."""
    all_settings: list[dict[str, Any]] = [run.record.settings for run in comparison.runs]
    keys = dict.fromkeys(key for settings in all_settings for key in settings)
    differing = [
        key
        for key in keys
        if any(settings.get(key) != all_settings[0].get(key) for settings in all_settings)
    ]
    texts = []
    for settings in all_settings:
        # A missing value is not shown: stored predictions have no device, networks no label space.
        present = [key for key in differing if settings.get(key) is not None]
        texts.append(", ".join(f"{key} {settings[key]}" for key in present))
    return texts


def _wins(comparison: Comparison, pair: Pair, turn: bool) -> str:
    """In how many images the run with the higher score is ahead; "" for scores of sets only."""
    if pair.wins is None:
        return ""
    wins, higher, lower = pair.wins, pair.wins.first, pair.wins.second
    if turn:
        higher, lower = lower, higher
    name = comparison.names[pair.second if turn else pair.first]
    images = wins.first + wins.second + wins.equal
    return f" {name} scores higher in {higher} of {images} images, lower in {lower}."


def _ends(comparison: Comparison, interval: Interval | None, *, turn: bool = False) -> str:
    """The interval of a difference; `turn` exchanges the two runs."""
    if interval is None:
        return ""
    low, high = interval.ends
    return comparison.declared.ends((-high, -low) if turn else (low, high))


def tabulated(headers: list[str], rows: list[list[str]], align: tuple[str, ...]) -> str:
    """A table without lines; columns beyond `align` are left-aligned."""
    from tabulate import tabulate

    columns = (*align, *("left",) * len(headers))[: len(headers)]
    return tabulate(
        rows, headers=headers, tablefmt="plain", colalign=columns, disable_numparse=True
    )
