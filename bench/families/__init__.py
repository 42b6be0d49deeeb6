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
    return {each.key: each for each in sorted(every, key=lambda each: each.order)}


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
    found = import_module(f"bench.families.{key}").FAMILY
    if not isinstance(found, Family):
        raise TypeError(f"bench/families/{key}.py: FAMILY is not a Family")
    return found


def _from_outside(key: str) -> Family[Any]:
    found = plugins.load(key)
    if not (isinstance(found, type) and issubclass(found, Family)):
        raise UsageError(f"{key} is not a class derived from bench.families.Family")
    lacking = sorted(found.__abstractmethods__)
    if lacking:
        raise UsageError(f"the class {key} does not define {' and '.join(lacking)}")
    return found(key)


def families(keys: Iterable[str]) -> list[Family[Any]]:
    """The families of these names, in the order in which they are shown."""
    return sorted((family(key) for key in keys), key=lambda each: each.order)


def listed() -> list[dict[str, Any]]:
    """All metrics of this folder by task, a dict each; a name that comes twice is the first
    family's.
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for each in shipped().values():
        for metric in each.metrics:
            name = each.full_name(metric.name)
            row = {
                "name": name,
                "task": each.task,
                "unit": metric.unit,
                "better": metric.better,
                "meaning": metric.meaning,
                "reference": metric.reference,
            }
            rows.setdefault((each.task, name), row)
    return list(rows.values())


def need_confidence(words: Iterable[str]) -> bool:
    """Whether one of these metrics or families needs the confidence of every prediction."""
    wanted = set(words)
    outside = [family(word) for word in wanted if plugins.is_outside(word)]
    if any(each.needs_confidence for each in outside):
        return True
    return any(
        each.needs_confidence
        and not wanted.isdisjoint(
            {each.key, *(each.full_name(metric.name) for metric in each.metrics)}
        )
        for each in shipped().values()
    )


def require_family(key: str) -> None:
    """Refuse the name of a family that does not exist; nothing is loaded.

    Raises:
        UsageError: there is none of this name.
    """
    if not plugins.is_outside(key) and key not in names():
        raise UsageError(f"families: there is no family {key!r}: {did_you_mean(key, names())}")
