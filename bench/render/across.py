"""Models ranked over several data sets, for the terminal and as JSON: the verdict in words, then ranks and scores.

It lays out what the ranking holds and computes nothing.
"""

from __future__ import annotations

from typing import Any

from bench.comparison.across import Ranking
from bench.families.contract.metric import PERCENT
from bench.render.comparison import listed, p_text, tabulated
from bench.render.prose import filled


def report(found: Ranking) -> str:
    """The whole report."""
    rows = [
        [
            found.models[m],
            f"{found.test.mean_ranks[m]:.2f}",
            found.letters[m],
            *(
                f"{metric.number(float(score))} ({rank:g})"
                for metric, score, rank in zip(found.declared, found.scores[:, m], found.ranks[:, m], strict=True)
            ),
        ]
        for m in _order(found)
    ]
    headers = [
        "",
        "mean rank",
        "tied",
        *(f"{title} {d}" for d, title in zip(found.datasets, _titles(found), strict=True)),
    ]
    grid = tabulated(headers, rows, ("left", "right", "left", *("right",) * len(found.datasets)))
    parts = [f"{len(found.models)} models on {len(found.datasets)} data sets", _fill(verdict(found)), grid]
    return "\n\n".join([*parts, _fill([*_method(found), *(f"Note: {note}." for note in found.notes)])]) + "\n"


def _titles(found: Ranking) -> list[str]:
    """The titles of the scores: percent goes without saying, other units are named."""
    pairs = zip(found.titles, found.declared, strict=True)
    return [title if m.unit == PERCENT else f"{title} {m.unit}" for title, m in pairs]


def verdict(found: Ranking) -> list[str]:
    """Whether the models differ at all, and who cannot be told from the first."""
    order, test = _order(found), found.test
    if test.p_value > test.alpha:
        lines = [f"The models cannot be told apart by their ranks (Friedman, {p_text(test.p_value)})."]
    else:
        lines = [f"The models differ in their ranks (Friedman, {p_text(test.p_value)})."]
        first, tied = found.models[order[0]], [found.models[m] for m in order[1:] if found.best[m]]
        mean = f"{first} has the best mean rank, {test.mean_ranks[order[0]]:.2f}"
        lines.append(f"{mean}; {f'{listed(tied)} cannot be told from it' if tied else 'it is ahead of all others'}.")
    if found.smallest > test.alpha:
        what = f"{len(found.models)} models on {len(found.datasets)} data sets"
        lines.append(f"With {what} no p-value is below {found.smallest:.2g}: nothing can be significant.")
    return lines


def _method(found: Ranking) -> list[str]:
    apart = f"{found.test.critical_difference:.2f}"
    return [
        (
            f"Two models differ where their mean ranks lie more than {apart} apart (Nemenyi's critical difference, "
            f"alpha {found.test.alpha:g}); those that share a letter do not. In brackets: the rank on each data set."
        )
    ]


def across_json(found: Ranking) -> dict[str, Any]:
    """Everything that the ranking holds, as JSON can hold it."""
    return {
        "verdict": verdict(found),
        "datasets": [{"name": d, "metric": m} for d, m in zip(found.datasets, found.metrics, strict=True)],
        "models": [
            {
                "name": found.models[m],
                "mean_rank": float(found.test.mean_ranks[m]),
                "tied": found.letters[m],
                "best": bool(found.best[m]),
                "scores": found.scores[:, m].tolist(),
                "ranks": found.ranks[:, m].tolist(),
            }
            for m in _order(found)
        ],
        "statistic": found.test.statistic,
        "p_value": found.test.p_value,
        "smallest_p_value": found.smallest,
        "critical_difference": found.test.critical_difference,
        "alpha": found.test.alpha,
        "notes": list(found.notes),
    }


def _order(found: Ranking) -> list[int]:
    return sorted(range(len(found.models)), key=lambda m: (float(found.test.mean_ranks[m]), found.models[m]))


def _fill(lines: list[str]) -> str:
    return filled(lines)
