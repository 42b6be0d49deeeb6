"""From counts to the scores of a record, each with its interval: where metrics meet statistics.

It needs the counts and no images, so a stored record can be scored again under other scoring rules.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np

from bench import resample
from bench.classes import Classes
from bench.errors import OwnCodeError, RunError, UsageError
from bench.families import Family, Metric, families
from bench.families import family as load_family
from bench.families.contract.family import Scores
from bench.families.contract.rules import Rules, Source
from bench.notices import Notice
from bench.resample import Interval, Members
from bench.runs import Record, Run, Tables
from bench.samples import Array
from bench.scoring import sample_notices
from bench.scoring.intervals import LEVEL, Replicates, replicates_of
from bench.scoring.object_notices import object_notices


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores as a record stores them, how their intervals were computed, and notices.

    `metrics` are the declarations of the scores, by group and name.
    """

    groups: dict[str, dict[str, Any]]
    intervals: dict[str, Any]
    warnings: list[Notice]
    metrics: dict[str, dict[str, Metric]]

    def __repr__(self) -> str:
        """The number of scores in each group, and of notices."""
        counts = {
            name: sum(isinstance(entry, Mapping) and "value" in entry for entry in group.values())
            for name, group in self.groups.items()
        }
        groups = ", ".join(f"{name} ({count} scores)" for name, count in counts.items())
        return f"<Scored {groups}, {len(self.warnings)} notices>"


def rules_of(run: Run) -> Rules:
    """The rules under which a record was counted and scored.

    Raises:
        RunError: the rules are not valid, or name a family from outside that cannot be loaded.
    """
    where = run.path / "run.json"
    try:
        rules = msgspec.convert(run.record.protocol.get("rules"), Rules)
    except msgspec.ValidationError as error:
        problem = str(error).replace("`", "")
        raise RunError(f"{where}: protocol.rules: {problem}") from None
    for key in rules.families:
        try:
            load_family(key)
        except (UsageError, OwnCodeError) as error:
            raise RunError(
                f"{where}: its metrics come from {key}, which cannot be loaded: {error}"
            ) from None
    return rules


def rescore(run: Run, **changes: Any) -> Scored:
    """Score a record again from its counts, optionally with other rules, such as `classes_in`."""
    rules = msgspec.structs.replace(rules_of(run), **changes)
    return score(run.tables, run.record.classes, rules, source=source_of(run.record))


def source_of(record: Record) -> Source:
    """The source of the predictions of a record."""
    return Source(
        kind=record.model.get("kind", "model"),
        space=record.settings.get("label_space", "train-ids"),
        split=record.dataset.split,
    )


def with_interval(run: Run, interval: str) -> Run:
    """The run with its scores computed again, with intervals by another method."""
    scored, record = rescore(run, interval=interval), run.record
    protocol = {
        **record.protocol,
        "rules": {**record.protocol["rules"], "interval": interval},
        "intervals": scored.intervals,
    }
    record = msgspec.structs.replace(record, protocol=protocol, scores=scored.groups)
    return replace(run, record=record)


def score(
    tables: Tables, classes: Classes, rules: Rules, *, source: Source | None = None
) -> Scored:
    """Score all families of the rules, with 95 % intervals over the clusters of images.

    `source` is where the predictions came from; only notices depend on it.
    """
    _, clusters = np.unique(tables["images"]["cluster"], return_inverse=True)
    sizes = np.bincount(clusters)
    with_intervals = rules.interval != "none"
    notices = [
        *doubts(tables, classes, rules, source or Source()),
        *object_notices(tables, classes),
        *(sample_notices.of_size(sizes) if with_intervals else []),
    ]
    groups: dict[str, dict[str, Any]] = {}
    metrics: dict[str, dict[str, Metric]] = {}
    methods: dict[str, Any] = {}
    for family in families(rules.families):
        for metric in family.metrics_under(family.options(rules)):
            metrics.setdefault(family.group, {}).setdefault(metric.name, metric)
        entries, method = _group(family, tables, clusters, classes, rules)
        _merge(groups.setdefault(family.group, {}), entries)
        if method:
            methods.setdefault(family.group, method)
        for warning in family.warnings(tables, clusters, classes, family.options(rules)):
            notice = Notice(*warning)
            # This one is about intervals only, and there are none for a single cluster.
            if notice.code != "silent-classes" or (with_intervals and len(sizes) > 1):
                notices.append(notice)
    notices += sample_notices.no_detections(tables)
    intervals = {
        "level": LEVEL,
        "images": int(sizes.sum()),
        "clusters": len(sizes),
        "effective_clusters": resample.effective_clusters(sizes),
        "methods": methods,
    }
    # Families that share tables return the same notices.
    return Scored(groups, intervals, list(dict.fromkeys(notices)), metrics)


def doubts(tables: Tables, classes: Classes, rules: Rules, source: Source) -> list[Notice]:
    """Signs that predictions were read in another way than meant, each once."""
    notices = [
        notice
        for family in families(rules.families)
        for notice in family.doubts(tables, classes, family.options(rules), source)
    ]
    return list(dict.fromkeys(notices))


class _Entries:
    """Makes the entries of one family, and notes how their intervals were computed."""

    def __init__(self, replicates: Replicates) -> None:
        self.replicates = replicates
        self.intervals: dict[str, Interval] = {}
        """The intervals of overall scores by name, and under "" the first of a class."""

    def entry(
        self,
        metric: Metric,
        value: float,
        pick: Callable[[Scores], Array],
        members: Members | None = None,
        name: str = "",
    ) -> dict[str, Any]:
        """A score as a record stores it; `pick` selects its values from all scores."""
        interval = self.replicates.interval(float(value), pick, members)
        ends = None
        if interval is not None:
            self.intervals.setdefault(name, interval)
            ends = list(metric.clipped(interval.ends))
        return {"value": float(value), "interval": ends, "level": LEVEL}


def _group(
    family: Family[Any], tables: Tables, clusters: Array, classes: Classes, rules: Rules
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The entries of one family, and the method of the intervals: that of the leading score.

    If the leading score has no interval, the method is that of the first score with one.
    """
    options, seed = family.options(rules), seed_of(tables)
    plain = family.score(tables, resample.ones(len(clusters)), classes, options)
    replicates = replicates_of(family, tables, clusters, classes, rules, seed=seed)
    entries = _Entries(replicates)
    group: dict[str, Any] = {}
    for name, values in plain.overall.items():
        metric, members = family.metric(name, options), replicates.members(name)
        group[name] = entries.entry(metric, values[0], _overall(name), members, name)
    group.update(family.facts(tables, classes, options))
    if classes.names:
        group["per_class"] = {
            label: {
                name: entries.entry(family.metric(name, options), values[0, c], _of_class(name, c))
                for name, values in plain.per_class.items()
            }
            for c, label in enumerate(classes.names)
        }
    if plain.categories:
        group["per_category"] = {
            label: {
                name: entries.entry(
                    family.metric(name, options), values[0, c], _of_category(name, c)
                )
                for name, values in plain.per_category.items()
            }
            for c, label in enumerate(plain.categories)
        }
    intervals = entries.intervals
    if not intervals:
        return group, {}
    name = next((name for name in intervals if name in family.leading), next(iter(intervals)))
    method: dict[str, Any] = {
        "method": intervals[name].method,
        "degrees_of_freedom": intervals[name].degrees_of_freedom,
        "score": name,
    }
    if replicates.drawn is not None:
        method |= {"resamples": len(replicates.drawn), "seed": seed}
    return group, method


def _overall(name: str) -> Callable[[Scores], Array]:
    """Select an overall score, (B,)."""
    return lambda scores: scores.overall[name]


def _of_class(name: str, column: int) -> Callable[[Scores], Array]:
    """Select the score of one class, (B,)."""
    return lambda scores: np.asarray(scores.per_class[name][:, column])


def _of_category(name: str, column: int) -> Callable[[Scores], Array]:
    """Select the score of one category, (B,)."""
    return lambda scores: np.asarray(scores.per_category[name][:, column])


def seed_of(tables: Tables) -> int:
    """The seed of resamples, from the image ids: runs on the same images share it."""
    text = "\n".join(str(image_id) for image_id in tables["images"]["id"])
    digest = hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def _merge(group: dict[str, Any], more: dict[str, Any]) -> None:
    """Add entries to a group; families that share a group add to the same classes."""
    for name, entry in more.items():
        if name.startswith("per_") and name in group:
            for label, scores in entry.items():
                group[name].setdefault(label, {}).update(scores)
        else:
            group[name] = entry


def per_image(run: Run) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
    """The scores of single images: overall (N,) and per class (N, C), both by name.

    Their mean is not the score of the set.

    Raises:
        RunError: the scores of the task are undefined for a single image, such as AP.
    """
    rules, classes = rules_of(run), run.record.classes
    images = len(run.tables["images"]["id"])
    for family in families(run.record.tables):
        scores = family.per_image(run.tables, images, classes, family.options(rules))
        if scores is not None:
            return scores
    raise RunError(f"{run.path}: its scores are defined for the set of images, not for one image")
