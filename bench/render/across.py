"""Models ranked over several data sets, for the terminal and as JSON: verdict, ranks and scores.

It lays out what the ranking holds, and computes nothing.
"""

from __future__ import annotations

from typing import Any

from bench.comparison.across import Ranking
from bench.families.contract.metric import PERCENT
from bench.render.comparison import p_text, tabulated
from bench.render.prose import filled, listed


def report(ranking: Ranking) -> str:
    """The whole report."""
    parts = [
        _size(ranking),
        filled(verdict(ranking)),
        _table(ranking),
        filled([_method(ranking), *(f"Note: {note}." for note in ranking.notes)]),
    ]
    return "\n\n".join(parts) + "\n"


def _size(ranking: Ranking) -> str:
    return f"{len(ranking.models)} models on {len(ranking.datasets)} data sets"


def _table(ranking: Ranking) -> str:
    rows = []
    for m in _order(ranking):
        scores = zip(ranking.declared, ranking.scores[:, m], ranking.ranks[:, m], strict=True)
        cells = [f"{metric.number(float(score))} ({rank:g})" for metric, score, rank in scores]
        mean = f"{ranking.test.mean_ranks[m]:.2f}"
        rows.append([ranking.models[m], mean, ranking.letters[m], *cells])
    columns = zip(ranking.datasets, _titles(ranking), strict=True)
    headers = [f"{title} {dataset}" for dataset, title in columns]
    align = ("left", "right", "left", *("right",) * len(headers))
    return tabulated(["", "mean rank", "tied", *headers], rows, align)


def _titles(ranking: Ranking) -> list[str]:
    """The titles of the scores; units other than percent are named."""
    titles = []
    for title, metric in zip(ranking.titles, ranking.declared, strict=True):
        titles.append(title if metric.unit == PERCENT else f"{title} ({metric.unit})")
    return titles


def verdict(ranking: Ranking) -> list[str]:
    """Whether the models differ at all, and which do not differ from the best."""
    order, test = _order(ranking), ranking.test
    p_value = p_text(test.p_value)
    if test.p_value > test.alpha:
        sentences = [f"The ranks of the models do not differ significantly (Friedman, {p_value})."]
    else:
        sentences = [
            f"The ranks of the models differ significantly (Friedman, {p_value}).",
            _best(ranking, order),
        ]
    if ranking.smallest > test.alpha:
        sentences.append(
            f"With {_size(ranking)} the smallest possible p-value is {ranking.smallest:.2g}, "
            "so nothing can be significant."
        )
    return sentences


def _best(ranking: Ranking, order: list[int]) -> str:
    first = ranking.models[order[0]]
    tied = [ranking.models[m] for m in order[1:] if ranking.best[m]]
    others = "it is significantly better than all others"
    if tied:
        verb = "does" if len(tied) == 1 else "do"
        others = f"{listed(tied)} {verb} not differ significantly from it"
    mean_rank = ranking.test.mean_ranks[order[0]]
    return f"{first} has the best mean rank, {mean_rank:.2f}; {others}."


def _method(ranking: Ranking) -> str:
    distance = f"{ranking.test.critical_difference:.2f}"
    return (
        f"Two models differ significantly if their mean ranks are more than {distance} apart "
        f"(Nemenyi's critical difference, alpha {ranking.test.alpha:g}); models that share a "
        "letter do not. The rank on each data set is in brackets."
    )


def across_json(ranking: Ranking) -> dict[str, Any]:
    """The whole ranking as JSON values."""
    columns = zip(ranking.datasets, ranking.metrics, strict=True)
    return {
        "verdict": verdict(ranking),
        "datasets": [{"name": dataset, "metric": metric} for dataset, metric in columns],
        "models": [
            {
                "name": ranking.models[m],
                "mean_rank": float(ranking.test.mean_ranks[m]),
                "tied": ranking.letters[m],
                "best": bool(ranking.best[m]),
                "scores": ranking.scores[:, m].tolist(),
                "ranks": ranking.ranks[:, m].tolist(),
            }
            for m in _order(ranking)
        ],
        "statistic": ranking.test.statistic,
        "p_value": ranking.test.p_value,
        "smallest_p_value": ranking.smallest,
        "critical_difference": ranking.test.critical_difference,
        "alpha": ranking.test.alpha,
        "notes": list(ranking.notes),
    }


def _order(ranking: Ranking) -> list[int]:
    """The positions of the models by mean rank, then by name."""
    mean_ranks = ranking.test.mean_ranks
    models = range(len(ranking.models))
    return sorted(models, key=lambda m: (float(mean_ranks[m]), ranking.models[m]))
