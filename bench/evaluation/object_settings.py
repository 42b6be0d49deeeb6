"""Maximum detections, IoU thresholds and area ranges instead of COCO's: read, checked, in one form.

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
MOST_CAP = 65_535
MOST_THRESHOLDS, MOST_RANGES, MOST_PAIRS = 16, 7, 64
"""Limits of the match tables: thresholds, area ranges without that of all sizes, and their pairs."""


def read(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The three settings as `Rules` hold them; None if not given or equal to COCO's own.

    Raises:
        UsageError: an invalid value.
    """
    readers = {"max_detections": _caps, "iou_thresholds": _thresholds, "area_ranges": _ranges}
    found = {name: reader(asked[name]) if asked.get(name) is not None else None for name, reader in readers.items()}
    _require_room(found, asked)
    return found


def require_use(asked: Mapping[str, Any], found: Mapping[str, Any], families: Sequence[Family[Any]]) -> None:
    """Refuse a setting that none of the families uses, or that one of them cannot use; `found` is what `read` returned.

    Raises:
        UsageError: there is such a setting.
    """
    followed = frozenset().union(*(each.settings for each in families))
    for name in SETTINGS:
        if asked.get(name) is not None and name not in followed:
            reasons = (each.own_protocol for each in families if each.own_protocol)
            reason = next(reasons, "it is for AP and AR as COCO has them")
            counted = ", ".join(each.key for each in families)
            raise UsageError(f"{flag(name)} has no effect on {counted}: {reason}; leave it out")
    if found["iou_thresholds"]:
        rules = Rules(families=tuple(each.key for each in families), **found)
        for each in families:
            problem = each.problem(each.options(rules))
            if problem:
                shown = _shown(asked["iou_thresholds"])
                raise UsageError(f"--iou-thresholds {shown}: {problem}")


def _caps(given: Any) -> tuple[int, ...] | None:
    numbers = _numbers("max_detections", given, "whole numbers with commas between, such as 1,10,500")
    found = tuple(int(number) for number in numbers if number.is_integer())
    if len(found) < len(numbers) or found[0] < 1 or found[-1] > MOST_CAP:
        raise _wrong("max_detections", given, f"whole numbers from 1 to {MOST_CAP} are needed, such as 1,10,500")
    _require_rising("max_detections", given, found)
    return None if found == COCO_MAX_DETECTIONS else found


def _thresholds(given: Any) -> tuple[float, ...] | None:
    if isinstance(given, str) and ":" in given:
        found = _spaced(given)
    else:
        found = tuple(_numbers("iou_thresholds", given, "numbers with commas between, such as 0.5,0.75"))
    if not all(0 < each <= 1 for each in found):
        wrong = next(each for each in found if not 0 < each <= 1)
        raise _wrong("iou_thresholds", given, f"{wrong:g} is no overlap: numbers above 0 and up to 1 are needed")
    _require_rising("iou_thresholds", given, found)
    if len(found) > MOST_THRESHOLDS:
        raise _wrong("iou_thresholds", given, f"{len(found)} thresholds; at most {MOST_THRESHOLDS} are matched at once")
    # COCO's thresholds written by hand differ from its own in the last bit.
    own = len(found) == len(COCO_THRESHOLDS) and np.allclose(found, COCO_THRESHOLDS, rtol=0, atol=1e-9)
    return None if own else found


def _spaced(text: str) -> tuple[float, ...]:
    """The thresholds of `first:last:step`, made as pycocotools makes its own; `last` is one of them.

    >>> _spaced("0.5:0.7:0.1")
    (0.5, 0.6, 0.7)
    """
    words = text.split(":")
    numbers = [_number(word) for word in words]
    if len(words) != 3 or not all(math.isfinite(number) for number in numbers):
        raise _wrong("iou_thresholds", text, "first, last and step are needed, such as 0.5:0.95:0.05, or a list")
    first, last, step = numbers
    if step <= 0 or last < first:
        swapped = f"; did you mean {words[0]}:{words[2]}:{words[1]}?" if 0 < last < first <= step else ""
        order = "first, last and step are needed, with a step above 0 and last not below first"
        raise _wrong("iou_thresholds", text, f"{order}{swapped}")
    steps = (last - first) / step
    if steps > 1000 or abs(steps - round(steps)) > 1e-6:
        raise _wrong("iou_thresholds", text, f"steps of {step:g} from {first:g} do not end at {last:g}")
    return tuple(np.linspace(first, last, round(steps) + 1).tolist())


def _ranges(given: Any) -> Ranges | None:
    pairs = _named(given) if isinstance(given, str) else _listed(given)
    found = tuple((name, low, min(high, ALL_SIZES.high)) for name, low, high in pairs)
    for name, low, high in found:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
            raise _wrong("area_ranges", given, f"the name {name!r}: a letter, then letters, digits, - or _ are needed")
        if name == ALL_SIZES.name:
            raise _wrong("area_ranges", given, "the range of all sizes is always there: it needs no name")
        if not 0 <= low < high:
            raise _wrong(
                "area_ranges", given, f"{name} from {low:g} to {high:g} is no range: areas in pixels rise from 0 on"
            )
    names = [name for name, _, _ in found]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise _wrong("area_ranges", given, f"two ranges are called {twice[0]}: each needs a name of its own")
    if not found or len(found) > MOST_RANGES:
        raise _wrong("area_ranges", given, f"{len(found)} ranges; 1 to {MOST_RANGES} are needed")
    own = found == tuple((size.name, size.low, size.high) for size in COCO_SIZES[1:])
    return None if own else found


def _named(text: str) -> list[tuple[str, float, float]]:
    """The ranges of `name=low:high,...`; the last may be open."""
    found = []
    for word in text.split(","):
        name, equals, ends = word.strip().partition("=")
        low, colon, high = ends.partition(":")
        pair = _number(low), _number(high) if high.strip() else math.inf
        if not equals or not colon or any(math.isnan(each) for each in pair):
            raise _wrong("area_ranges", text, f"{word.strip()!r} is no name=low:high, such as small=0:1024,large=9216:")
        found.append((name.strip(), *pair))
    return found


def _listed(given: Any) -> list[tuple[str, float, float]]:
    """The ranges of a dict from names to ends, or of a list of (name, low, high); None or inf leaves a range open."""
    try:
        rows = [(name, *ends) for name, ends in given.items()] if isinstance(given, Mapping) else list(given)
        found = [(str(name), float(low), math.inf if high is None else float(high)) for name, low, high in rows]
    except (TypeError, ValueError):
        raise _wrong(
            "area_ranges", given, 'a dict is needed, such as {"small": (0, 1024), "large": (1024, None)}'
        ) from None
    if any(math.isnan(end) for _, *ends in found for end in ends):
        raise _wrong("area_ranges", given, "an end is NaN; areas are numbers of pixels")
    return found


def _require_room(found: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse more pairs of a range and a threshold than the tables hold."""
    thresholds = len(found.get("iou_thresholds") or COCO_THRESHOLDS)
    ranges = 1 + len(found.get("area_ranges") or COCO_SIZES[1:])
    if thresholds * ranges <= MOST_PAIRS:
        return
    names = [name for name in ("iou_thresholds", "area_ranges") if given.get(name) is not None]
    flags = " ".join(f"{flag(name)} {_shown(given[name])}" for name in names)
    raise UsageError(
        f"{flags}: {thresholds} thresholds times {ranges} ranges (with that of all sizes) are {thresholds * ranges}; "
        f"at most {MOST_PAIRS} are matched at once: take fewer of either"
    )


def _numbers(setting: str, given: Any, needed: str) -> list[float]:
    parts = given.split(",") if isinstance(given, str) else given if isinstance(given, Iterable) else [given]
    found = [_number(part) for part in parts]
    if not found or any(math.isnan(number) for number in found):
        raise _wrong(setting, given, f"{needed}, are needed")
    return found


def _number(value: Any) -> float:
    """The value as a number, NaN if it is not one."""
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return math.nan


def _require_rising(setting: str, given: Any, found: Sequence[float]) -> None:
    for first, second in pairwise(found):
        if second <= first:
            what = f"{first:g} comes twice" if second == first else f"{second:g} stands after {first:g}"
            raise _wrong(setting, given, f"{what}: the numbers rise, each once")


def _wrong(setting: str, given: Any, words: str) -> UsageError:
    return UsageError(f"{flag(setting)} {_shown(given)}: {words}")


def _shown(given: Any) -> str:
    """A value as on the command line."""
    if isinstance(given, str):
        return given or "''"
    if isinstance(given, Mapping):
        return ",".join(
            f"{name}={':'.join(map(str, ends))}" if isinstance(ends, tuple | list) else str(name)
            for name, ends in given.items()
        )
    return ",".join(map(str, given)) if isinstance(given, Iterable) else str(given)
