"""A comparison as plain data, for JSON and pandas: values as stored, NaN where undefined.

It lays out what the comparison holds, and computes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.comparison.effects import Effect
from bench.comparison.pairing import Pair
from bench.families import Metric
from bench.resample import Interval

if TYPE_CHECKING:
    from bench.comparison import Comparison

_KEYS = (
    "metric",
    "lower_is_better",
    "images",
    "clusters",
    "effective_clusters",
    "alpha",
    "correction",
)


def as_dict(comparison: Comparison) -> dict[str, Any]:
    """The whole comparison as JSON values."""
    return {
        **{key: getattr(comparison, key) for key in _KEYS},
        "swaps": comparison.permutations,  # the key of earlier versions
        "exact": comparison.exact,
        "seed": comparison.seed,
        "unit": comparison.declared.unit,
        "runs": [_run(comparison, m) for m in range(len(comparison.runs))],
        "pairs": [_pair(comparison, pair) for pair in comparison.pairs],
        "notes": list(comparison.notes),
    }


def rows(comparison: Comparison) -> list[dict[str, Any]]:
    """A flat row for each pair, and for each class of a pair if classes were compared."""
    table = []
    for pair in comparison.pairs:
        names = {"first": comparison.names[pair.first], "second": comparison.names[pair.second]}
        for label, effect in [("", pair.effect), *pair.classes.items()]:
            interval = effect.interval
            row = {
                **names,
                "metric": comparison.metric,
                **({"class": label} if pair.classes else {}),
                "difference": effect.difference,
                "low": interval.low if interval else None,
                "high": interval.high if interval else None,
                "p_value": effect.p_value,
                "corrected_p_value": effect.corrected,
                "significant": effect.differs(comparison.alpha),
                "detectable": effect.detectable,
            }
            table.append(row)
    return table


def _run(comparison: Comparison, m: int) -> dict[str, Any]:
    run = comparison.runs[m]
    return {
        "name": comparison.names[m],
        "id": run.record.id,
        "path": str(run.path),
        "value": float(comparison.scores[m]),
        "interval": interval_json(comparison.intervals[m], comparison.declared),
        "not_worse_than_best": bool(comparison.best[m]),
        "letters": comparison.letters[m],
        "ranks": comparison.ranks[m].tolist(),
        "rank_shares": comparison.rank_shares[m].tolist(),
        "settings": run.record.settings,
    }


def _pair(comparison: Comparison, pair: Pair) -> dict[str, Any]:
    wins = None
    if pair.wins:
        wins = {key: getattr(pair.wins, key) for key in ("first", "second", "equal")}
    shares = pair.shares
    return {
        "first": comparison.names[pair.first],
        "second": comparison.names[pair.second],
        **_effect(comparison, pair.effect),
        "images_won": wins,
        "per_class": {
            label: {**_effect(comparison, effect), "share": shares.get(label)}
            for label, effect in pair.classes.items()
        },
    }


def _effect(comparison: Comparison, effect: Effect) -> dict[str, Any]:
    return {
        "values": [effect.first, effect.second],
        "difference": effect.difference,
        "interval": interval_json(effect.interval),
        "p_value": effect.p_value,
        "corrected_p_value": effect.corrected,
        "significant": effect.differs(comparison.alpha),
        "detectable": effect.detectable,
    }


def interval_json(interval: Interval | None, metric: Metric | None = None) -> dict[str, Any] | None:
    """An interval; with a metric, that of a score, which is clipped to the metric's bounds."""
    if interval is None:
        return None
    low, high = interval.ends if metric is None else metric.clipped(interval.ends)
    return {
        "low": low,
        "high": high,
        "level": interval.level,
        "standard_error": interval.standard_error,
        "degrees_of_freedom": interval.degrees_of_freedom,
        "method": interval.method,
    }
