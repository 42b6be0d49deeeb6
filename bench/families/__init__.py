"""Families of metrics: what is counted in one pass, scored together, and shown as one group.

Every file of this folder is one family, and its name is what you type: `pixels` is
`bench/families/pixels.py`. `contract/` says what a family declares and implements, `shared/` is
what several of them use, `doubts/` looks for wrongly read predictions. Only families import
`bench.metrics`; everyone else asks a family what it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from bench import plugins
from bench.errors import UsageError, did_you_mean
from bench.families.contract.family import Family
from bench.families.contract.metric import Metric

__all__ = [
    "Family",
    "Metric",
    "families",
    "family",
    "listed",
    "need_confidence",
    "require_family",
    "shipped",
]


@cache
def names() -> tuple[str, ...]:
    """The names of the families of this folder: those of its files."""
    return tuple(module.name for module in iter_modules(__path__) if not module.ispkg)


@cache
def shipped() -> dict[str, Family[Any]]:
    """All families of this folder by name, in the order in which their groups are shown."""
    every = [family(name) for name in names()]
    return {family_.key: family_ for family_ in sorted(every, key=lambda family_: family_.order)}


@cache
def family(key: str) -> Family[Any]:
    """The family of this name, or of the class that `package.module:Name` names.

    Raises:
        UsageError: there is no such family, or the object is not one.
        OwnCodeError: importing a family from outside raised an exception.
    """
    if plugins.is_outside(key):
        return _from_outside(key)
    require_family(key)
    shipped_family = import_module(f"bench.families.{key}").FAMILY
    if not isinstance(shipped_family, Family):
        raise TypeError(f"bench/families/{key}.py: FAMILY is not a Family")
    return shipped_family


def _from_outside(key: str) -> Family[Any]:
    plugin = plugins.load(key)
    if not (isinstance(plugin, type) and issubclass(plugin, Family)):
        raise UsageError(f"{key} is not a class derived from bench.families.Family")
    lacking = sorted(plugin.__abstractmethods__)
    if lacking:
        raise UsageError(f"the class {key} does not define {' and '.join(lacking)}")
    return plugin(key)


def families(keys: Iterable[str]) -> list[Family[Any]]:
    """The families of these names, in the order in which they are shown."""
    return sorted((family(key) for key in keys), key=lambda family_: family_.order)


def listed() -> list[dict[str, Any]]:
    """All metrics of this folder by task, a dict each; a name that comes twice is the first
    family's.
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for family_ in shipped().values():
        for metric in family_.metrics:
            name = family_.full_name(metric.name)
            row = {
                "name": name,
                "task": family_.task,
                "unit": metric.unit,
                "better": metric.better,
                "meaning": metric.meaning,
                "reference": metric.reference,
            }
            rows.setdefault((family_.task, name), row)
    return list(rows.values())


def need_confidence(metrics_asked: Iterable[str]) -> bool:
    """Whether one of these metrics or families needs the confidence of every prediction."""
    wanted = set(metrics_asked)
    outside = [family(word) for word in wanted if plugins.is_outside(word)]
    if any(family_.needs_confidence for family_ in outside):
        return True
    return any(
        family_.needs_confidence
        and not wanted.isdisjoint(
            {family_.key, *(family_.full_name(metric.name) for metric in family_.metrics)}
        )
        for family_ in shipped().values()
    )


def require_family(key: str) -> None:
    """Refuse the name of a family that does not exist; nothing is loaded.

    Raises:
        UsageError: there is none of this name.
    """
    if not plugins.is_outside(key) and key not in names():
        raise UsageError(f"families: there is no family {key!r}: {did_you_mean(key, names())}")
