"""Maximum detections, IoU thresholds and area ranges that replace COCO's: read and checked.

They are text on the command line (`1,10,500`, `0.5:0.95:0.05`, `small=0:1024,large=1024:`), and
numbers, lists or dicts in Python. COCO's own values become None, so that equal jobs have equal ids.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from bench.errors import UsageError
from bench.evaluation.settings import flag
from bench.families import Family
from bench.families.contract.rules import Rules
from bench.metrics.protocols import ALL_SIZES, COCO_MAX_DETECTIONS, COCO_SIZES, COCO_THRESHOLDS

Ranges = tuple[tuple[str, float, float], ...]
SETTINGS = ("max_detections", "iou_thresholds", "area_ranges")
MAX_DETECTIONS_LIMIT = 65_535
MOST_THRESHOLDS, MOST_RANGES, MOST_PAIRS = 16, 7, 64
"""Limits of the match tables: thresholds, area ranges (without `all`), and pairs of both."""


def read(options: Mapping[str, Any]) -> dict[str, Any]:
    """The three settings as `Rules` hold them; None if not given or equal to COCO's own.

    Raises:
        UsageError: an invalid value.
    """
    readers = {
        "max_detections": _max_detections,
        "iou_thresholds": _thresholds,
        "area_ranges": _ranges,
    }
    settings: dict[str, Any] = dict.fromkeys(readers)
    for name, reader in readers.items():
        if options.get(name) is not None:
            settings[name] = reader(options[name])
    _require_room(settings, options)
    return settings


def require_use(
    options: Mapping[str, Any], settings: Mapping[str, Any], families: Sequence[Family[Any]]
) -> None:
    """Refuse a setting that no family uses, or that one cannot use; `settings` come from `read`.

    Raises:
        UsageError: there is such a setting.
    """
    used = frozenset().union(*(family.settings for family in families))
    for name in SETTINGS:
        if options.get(name) is not None and name not in used:
            reasons = (family.own_protocol for family in families if family.own_protocol)
            reason = next(reasons, "it only changes AP and AR of COCO")
            counted = ", ".join(family.key for family in families)
            raise UsageError(f"{flag(name)} has no effect on {counted}: {reason}; leave it out")
    if settings["iou_thresholds"]:
        rules = Rules(families=tuple(family.key for family in families), **settings)
        for family in families:
            problem = family.problem(family.options(rules))
            if problem:
                shown = _shown(options["iou_thresholds"])
                raise UsageError(f"--iou-thresholds {shown}: {problem}")


def _max_detections(value: Any) -> tuple[int, ...] | None:
    numbers = _numbers(
        "max_detections", value, "whole numbers separated by commas, such as 1,10,500"
    )
    values = tuple(int(number) for number in numbers if number.is_integer())
    if len(values) < len(numbers) or values[0] < 1 or values[-1] > MAX_DETECTIONS_LIMIT:
        raise _wrong(
            "max_detections",
            value,
            f"pass whole numbers from 1 to {MAX_DETECTIONS_LIMIT}, such as 1,10,500",
        )
    _require_rising("max_detections", value, values)
    return None if values == COCO_MAX_DETECTIONS else values


def _thresholds(value: Any) -> tuple[float, ...] | None:
    if isinstance(value, str) and ":" in value:
        values = _spaced(value)
    else:
        values = tuple(
            _numbers("iou_thresholds", value, "numbers separated by commas, such as 0.5,0.75")
        )
    for threshold in values:
        if not 0 < threshold <= 1:
            message = f"{threshold:g} is not an IoU threshold; pass numbers above 0 and up to 1"
            raise _wrong("iou_thresholds", value, message)
    _require_rising("iou_thresholds", value, values)
    if len(values) > MOST_THRESHOLDS:
        raise _wrong(
            "iou_thresholds",
            value,
            f"got {len(values)} thresholds; at most {MOST_THRESHOLDS} are supported",
        )
    # COCO's thresholds written by hand differ from its own in the last bit.
    is_default = len(values) == len(COCO_THRESHOLDS) and np.allclose(
        values, COCO_THRESHOLDS, rtol=0, atol=1e-9
    )
    return None if is_default else values


def _spaced(text: str) -> tuple[float, ...]:
    """The thresholds in `first:last:step`, `last` included, computed as in pycocotools.

    >>> _spaced("0.5:0.7:0.1")
    (0.5, 0.6, 0.7)
    """
    ends = text.split(":")
    numbers = [_number(end) for end in ends]
    if len(ends) != 3 or not all(math.isfinite(number) for number in numbers):
        raise _wrong(
            "iou_thresholds", text, "pass first:last:step, such as 0.5:0.95:0.05, or a list"
        )
    first, last, step = numbers
    if step <= 0 or last < first:
        swapped = (
            f"; did you mean {ends[0]}:{ends[2]}:{ends[1]}?" if 0 < last < first <= step else ""
        )
        order = "in first:last:step, step must be above 0 and last must not be below first"
        raise _wrong("iou_thresholds", text, f"{order}{swapped}")
    steps = (last - first) / step
    if steps > 1000 or abs(steps - round(steps)) > 1e-6:
        raise _wrong(
            "iou_thresholds", text, f"steps of {step:g} from {first:g} do not end at {last:g}"
        )
    return tuple(np.linspace(first, last, round(steps) + 1).tolist())


def _ranges(value: Any) -> Ranges | None:
    pairs = _named(value) if isinstance(value, str) else _listed(value)
    values = tuple((name, low, min(high, ALL_SIZES.high)) for name, low, high in pairs)
    for name, low, high in values:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
            raise _wrong(
                "area_ranges",
                value,
                f"the name {name!r} must be a letter, then letters, digits, - or _",
            )
        if name == ALL_SIZES.name:
            raise _wrong(
                "area_ranges", value, "the name 'all' is reserved for the range of all sizes"
            )
        if not 0 <= low < high:
            raise _wrong(
                "area_ranges",
                value,
                f"{name} from {low:g} to {high:g} is not a range: 0 <= low < high is required",
            )
    names = [name for name, _, _ in values]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise _wrong(
            "area_ranges", value, f"two ranges have the name {twice[0]!r}; pass unique names"
        )
    if not values or len(values) > MOST_RANGES:
        raise _wrong("area_ranges", value, f"got {len(values)} ranges; pass 1 to {MOST_RANGES}")
    is_default = values == tuple((size.name, size.low, size.high) for size in COCO_SIZES[1:])
    return None if is_default else values


def _named(text: str) -> list[tuple[str, float, float]]:
    """The ranges in `name=low:high,...`; an absent `high` leaves a range open."""
    values = []
    for word in text.split(","):
        name, equals, ends = word.strip().partition("=")
        low, colon, high = ends.partition(":")
        pair = _number(low), _number(high) if high.strip() else math.inf
        if not equals or not colon or any(math.isnan(end) for end in pair):
            raise _wrong(
                "area_ranges",
                text,
                f"{word.strip()!r} is not name=low:high, such as small=0:1024,large=9216:",
            )
        values.append((name.strip(), *pair))
    return values


def _listed(value: Any) -> list[tuple[str, float, float]]:
    """The ranges in a dict of name -> (low, high) or a list of (name, low, high); None is open."""
    try:
        rows = (
            [(name, *ends) for name, ends in value.items()]
            if isinstance(value, Mapping)
            else list(value)
        )
        values = [
            (str(name), float(low), math.inf if high is None else float(high))
            for name, low, high in rows
        ]
    except (TypeError, ValueError):
        raise _wrong(
            "area_ranges", value, 'pass a dict, such as {"small": (0, 1024), "large": (1024, None)}'
        ) from None
    if any(math.isnan(end) for _, *ends in values for end in ends):
        raise _wrong("area_ranges", value, "a bound is NaN; pass areas in pixels")
    return values


def _require_room(settings: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Refuse more pairs of a range and a threshold than the tables can hold."""
    thresholds = len(settings.get("iou_thresholds") or COCO_THRESHOLDS)
    ranges = 1 + len(settings.get("area_ranges") or COCO_SIZES[1:])
    if thresholds * ranges <= MOST_PAIRS:
        return
    names = [name for name in ("iou_thresholds", "area_ranges") if options.get(name) is not None]
    flags = " ".join(f"{flag(name)} {_shown(options[name])}" for name in names)
    raise UsageError(
        f"{flags}: {thresholds} thresholds times {ranges} area ranges (all included) make "
        f"{thresholds * ranges} pairs; at most {MOST_PAIRS} are supported"
    )


def _numbers(setting: str, value: Any, needed: str) -> list[float]:
    items: Iterable[Any] = [value]
    if isinstance(value, str):
        items = value.split(",")
    elif isinstance(value, Iterable):
        items = value
    values = [_number(item) for item in items]
    if not values or any(math.isnan(number) for number in values):
        raise _wrong(setting, value, f"pass {needed}")
    return values


def _number(value: Any) -> float:
    """The value as a number, NaN if it is not one."""
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return math.nan


def _require_rising(setting: str, value: Any, values: Sequence[float]) -> None:
    for first, second in pairwise(values):
        if second <= first:
            raise _wrong(setting, value, f"numbers must increase, got {second:g} after {first:g}")


def _wrong(setting: str, value: Any, message: str) -> UsageError:
    return UsageError(f"{flag(setting)} {_shown(value)}: {message}")


def _shown(value: Any) -> str:
    """A value as on the command line."""
    if isinstance(value, str):
        return value or "''"
    if isinstance(value, Mapping):
        return ",".join(
            f"{name}={':'.join(map(str, ends))}" if isinstance(ends, tuple | list) else str(name)
            for name, ends in value.items()
        )
    return ",".join(map(str, value)) if isinstance(value, Iterable) else str(value)
