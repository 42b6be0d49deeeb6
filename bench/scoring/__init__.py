"""From counts to the scores of a record, each with its interval: the one place where metrics meet statistics.

It needs two small files and no image; a record that is read again is scored again here, by whatever classes are asked.
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
from bench.families import Family, Metric, families, family
from bench.families.contract.family import Scores
from bench.families.contract.metric import fraction
from bench.families.contract.rules import Rules, Source
from bench.notices import Notice
from bench.resample import Interval, Members
from bench.runs import Record, Run, Tables
from bench.samples import Array
from bench.scoring.intervals import LEVEL, moves_of
from bench.scoring.object_notices import object_notices

FEW_IMAGES = 60
"""Below this the interval of a single mIoU is too narrow under every method known (measured: see the statistics)."""
FEW_CLUSTERS = 20


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores as a record holds them, what the intervals rest on, and what a reader should know."""

    groups: dict[str, dict[str, Any]]
    intervals: dict[str, Any]
    warnings: list[Notice]

    def __repr__(self) -> str:
        """How many scores of which groups there are."""
        groups = ", ".join(
            f"{name} ({sum(isinstance(entry, Mapping) and 'value' in entry for entry in group.values())} scores)"
            for name, group in self.groups.items()
        )
        return f"<Scored {groups}, {len(self.warnings)} notices>"


def rules_of(run: Run) -> Rules:
    """The rules under which a record was counted and scored.

    Raises:
        RunError: they are not valid, or name a family from outside that cannot be loaded.
    """
    where = run.path / "run.json"
    try:
        rules = msgspec.convert(run.record.protocol.get("rules"), Rules)
    except msgspec.ValidationError as error:
        raise RunError(f"{where}: protocol.rules: {str(error).replace('`', '')}") from None
    for key in rules.families:
        try:
            family(key)
        except (UsageError, OwnCodeError) as error:
            raise RunError(f"{where}: its metrics come from {key}, which cannot be loaded: {error}") from None
    return rules


def rescore(run: Run, **changes: Any) -> Scored:
    """Score a record again from its counts: as it was, or with other rules of scoring, such as `classes_in`."""
    rules = msgspec.structs.replace(rules_of(run), **changes)
    return score(run.tables, run.record.classes, rules, source=source_of(run.record))


def source_of(record: Record) -> Source:
    """Where the predictions of a record came from."""
    return Source(
        kind=record.model.get("kind", "model"),
        space=record.settings.get("label_space", "train-ids"),
        split=record.dataset.split,
    )


def with_interval(run: Run, interval: str) -> Run:
    """The run with its scores made again from the counts, their intervals by another method of `Rules.interval`."""
    scored, record = rescore(run, interval=interval), run.record
    protocol = {
        **record.protocol,
        "rules": {**record.protocol["rules"], "interval": interval},
        "intervals": scored.intervals,
    }
    return replace(run, record=msgspec.structs.replace(record, protocol=protocol, scores=scored.groups))


def score(tables: Tables, classes: Classes, rules: Rules, *, source: Source | None = None) -> Scored:
    """Score all families of the rules, with 95 % intervals over the clusters of the images.

    `source` is where the predictions came from; only notices depend on it.
    """
    _, clusters = np.unique(tables["images"]["cluster"], return_inverse=True)
    sizes = np.bincount(clusters)
    groups: dict[str, dict[str, Any]] = {}
    methods: dict[str, Any] = {}
    warnings = [*doubts(tables, classes, rules, source or Source()), *object_notices(tables, classes)]
    warnings += _warnings_of_units(sizes) if rules.interval != "none" else []
    intervals_asked = rules.interval != "none" and len(sizes) > 1
    for each in families(rules.families):
        group, method = _group(each, tables, clusters, classes, rules)
        _merge(groups.setdefault(each.group, {}), group)
        if method:
            methods.setdefault(each.group, method)
        notices = [Notice(*found) for found in each.warnings(tables, clusters, classes, each.options(rules))]
        warnings += [notice for notice in notices if intervals_asked or notice.code != "silent-classes"]
    detected = [len(table["image"]) for name, table in tables.items() if name.endswith("_detections")]
    if detected and not any(detected):
        warnings.append(Notice("no-detections", "the predictions hold no object of a class that is scored"))
    intervals = {
        "level": LEVEL,
        "images": int(sizes.sum()),
        "clusters": len(sizes),
        "effective_clusters": resample.effective_clusters(sizes),
        "methods": methods,
    }
    return Scored(groups, intervals, list(dict.fromkeys(warnings)))  # families that share tables find the same


def doubts(tables: Tables, classes: Classes, rules: Rules, source: Source) -> list[Notice]:
    """What speaks against how the predictions were read, each once although several families may find it."""
    return list(
        dict.fromkeys(
            notice
            for each in families(rules.families)
            for notice in each.doubts(tables, classes, each.options(rules), source)
        )
    )


def _group(
    each: Family[Any], tables: Tables, clusters: Array, classes: Classes, rules: Rules
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The entries of one family, and how the interval of its leading score, or the first that has one, was made."""
    options = each.options(rules)
    plain = each.score(tables, resample.ones(len(clusters)), classes, options)
    seed = seed_of(tables)
    moves = moves_of(each, tables, clusters, classes, rules, seed=seed)
    made: dict[str, Interval] = {}

    def entry(
        declared: Metric,
        value: float,
        pick: Callable[[Scores], Array],
        members: Members | None = None,
        name: str = "",
    ) -> dict[str, Any]:
        interval = moves.interval(float(value), pick, members)
        if interval is not None:
            made.setdefault(name, interval)
        ends = None
        if interval is not None:
            ends = list(declared.clipped(interval.ends))
        return {"value": float(value), "interval": ends, "level": LEVEL}

    group: dict[str, Any] = {
        name: entry(each.metric(name, options), values[0], _overall(name), moves.members(name), name)
        for name, values in plain.overall.items()
    }
    group.update(each.facts(tables, classes, options))
    if classes.names:
        group["per_class"] = {
            label: {
                name: entry(each.metric(name, options), values[0, c], _of_class(name, c))
                for name, values in plain.per_class.items()
            }
            for c, label in enumerate(classes.names)
        }
    if plain.categories:
        group["per_category"] = {
            label: {
                name: entry(each.metric(name, options), values[0, c], _of_category(name, c))
                for name, values in plain.per_category.items()
            }
            for c, label in enumerate(plain.categories)
        }
    if not made:
        return group, {}
    score = next((name for name in made if name in each.leading), next(iter(made)))
    method: dict[str, Any] = {
        "method": made[score].method,
        "degrees_of_freedom": made[score].degrees_of_freedom,
        "score": score,
    }
    if moves.drawn is not None:
        method |= {"resamples": len(moves.drawn), "seed": seed}
    return group, method


def _overall(name: str) -> Callable[[Scores], Array]:
    """Picks an overall score, (B,)."""
    return lambda scores: scores.overall[name]


def _of_class(name: str, column: int) -> Callable[[Scores], Array]:
    """Picks the score of one class, (B,)."""
    return lambda scores: np.asarray(scores.per_class[name][:, column])


def _of_category(name: str, column: int) -> Callable[[Scores], Array]:
    """Picks the score of one category, (B,)."""
    return lambda scores: np.asarray(scores.per_category[name][:, column])


def seed_of(tables: Tables) -> int:
    """The seed of a run's resamples: a digest of its images, so that two runs on them draw the same."""
    text = "\n".join(str(name) for name in tables["images"]["id"])
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest(), "little")


def _merge(group: dict[str, Any], more: dict[str, Any]) -> None:
    """Add entries to a group; families that share it add to the same classes."""
    for name, entry in more.items():
        if name.startswith("per_") and name in group:
            for label, scores in entry.items():
                group[name].setdefault(label, {}).update(scores)
        else:
            group[name] = entry


def per_image(run: Run) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
    """Every image's own scores, (N,) by name and (N, C) by name; a mean over them is not the score of the set.

    Raises:
        RunError: a run of a task whose scores make no sense for one image, such as AP.
    """
    rules, classes = rules_of(run), run.record.classes
    for each in families(run.record.tables):
        images = len(run.tables["images"]["id"])
        found = each.per_image(run.tables, images, classes, each.options(rules))
        if found is not None:
            return found
    raise RunError(f"{run.path}: its scores are made of all images together; a single image has none")


@dataclass(frozen=True)
class Described:
    """What the families of a group say of it: its title, and its metrics by their names.

    `titles` are those of overall scores, which may depend on the images of the record.
    """

    title: str
    metrics: dict[str, Metric]
    titles: dict[str, str]

    def metric(self, name: str) -> Metric:
        """The metric of a score, whose name may end in a region; one that is not declared is a fraction."""
        plain = name.partition("@")[0]
        return self.metrics.get(plain) or fraction(plain, plain, meaning="-", reference="-")


def described(record: Record, rules: Rules) -> dict[str, Described]:
    """What the families of a record say of each group of its scores."""
    groups: dict[str, Described] = {}
    for each in families(record.tables):
        group = groups.setdefault(each.group, Described(each.title, {}, {}))
        facts = record.scores.get(each.group, {})
        for metric in each.metrics_under(each.options(rules)):
            group.metrics.setdefault(metric.name, metric)
            group.titles.setdefault(metric.name, each.title_in(metric, facts))
    return groups


def _warnings_of_units(sizes: Array) -> list[Notice]:
    images, effective = int(sizes.sum()), resample.effective_clusters(sizes)
    if len(sizes) == 1:
        what = "all images belong to one cluster" if images > 1 else "one image"
        return [Notice("one-cluster", f"{what}: there are no intervals")]
    found: list[tuple[str, str]] = []
    if images < FEW_IMAGES:
        found.append(("few-images", f"{images} images: below {FEW_IMAGES} intervals are narrower than they should be"))
    if len(sizes) < images and effective < FEW_CLUSTERS:
        worth = f"{len(sizes)} clusters, worth {effective:.1f} of equal size"
        found.append(("few-clusters", f"{worth}: intervals are rough"))
    return [Notice(*each) for each in found]
