"""A comparison as plain data, for JSON and for pandas: scores are fractions of 1, NaN if not defined.

It arranges what the comparison holds and computes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.comparison.effects import Effect
from bench.comparison.pairing import Pair
from bench.families import Metric
from bench.resample import Interval

if TYPE_CHECKING:
    from bench.comparison import Comparison


def as_dict(found: Comparison) -> dict[str, Any]:
    """Everything that the comparison holds, as JSON can hold it."""
    runs = [
        {
            "name": name,
            "id": run.record.id,
            "path": str(run.path),
            "value": float(found.scores[m]),
            "interval": interval_json(found.intervals[m], found.declared),
            "not_worse_than_best": bool(found.best[m]),
            "letters": found.letters[m],
            "ranks": found.ranks[m].tolist(),
            "rank_shares": found.rank_shares[m].tolist(),
            "settings": run.record.settings,
        }
        for m, (name, run) in enumerate(zip(found.names, found.runs, strict=True))
    ]
    plain = (
        "metric",
        "lower_is_better",
        "images",
        "clusters",
        "effective_clusters",
        "alpha",
        "correction",
        "swaps",
        "exact",
        "seed",
    )
    return {
        **{name: getattr(found, name) for name in plain},
        "unit": found.declared.unit,
        "runs": runs,
        "pairs": [_pair(found, pair) for pair in found.pairs],
        "notes": list(found.notes),
    }


def rows(comparison: Comparison) -> list[dict[str, Any]]:
    """A flat row per pair, and per class of a pair if classes were compared."""
    table = []
    for pair in comparison.pairs:
        names = {"first": comparison.names[pair.first], "second": comparison.names[pair.second]}
        effects = [("", pair.effect), *pair.classes.items()]
        for label, effect in effects:
            interval = effect.interval
            table.append(
                {
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
            )
    return table


def _pair(found: Comparison, pair: Pair) -> dict[str, Any]:
    wins = {"first": pair.wins.first, "second": pair.wins.second, "equal": pair.wins.equal} if pair.wins else None
    return {
        "first": found.names[pair.first],
        "second": found.names[pair.second],
        **_effect(found, pair.effect),
        "images_won": wins,
        "per_class": {
            label: {**_effect(found, effect), "share": pair.shares.get(label)} for label, effect in pair.classes.items()
        },
    }


def _effect(found: Comparison, effect: Effect) -> dict[str, Any]:
    return {
        "values": [effect.first, effect.second],
        "difference": effect.difference,
        "interval": interval_json(effect.interval),
        "p_value": effect.p_value,
        "corrected_p_value": effect.corrected,
        "significant": effect.differs(found.alpha),
        "detectable": effect.detectable,
    }


def interval_json(interval: Interval | None, metric: Metric | None = None) -> dict[str, Any] | None:
    """An interval, within the range of a metric if it is that of a score and not of a difference."""
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
