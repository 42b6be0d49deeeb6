"""The option `regions`, such as `crops,trimap=3:5`: the regions of an image that are scored."""

from __future__ import annotations

from typing import Any

from bench.cards import Card
from bench.errors import UsageError, did_you_mean
from bench.metrics.regions import Plan

REGIONS: dict[str, tuple[float, ...]] = {
    "crops": (0, 100, 200, 300, 400),
    "rings": (100, 200, 300, 400),
    "bands": (4,),
    "depth": (0, 10, 25, 50, 100),
    "trimap": (1, 3, 5, 10),
}
"""The kinds of regions, and their default numbers."""
_LARGEST = 10000
"""The largest number of a region, in pixels or metres."""


def plan_for(card: Card, regions: str, *, crop0: Any = "full") -> Plan:
    """The regions in a text such as `crops,trimap=3:5`.

    Raises:
        UsageError: an unknown kind, or invalid numbers.
    """
    numbers_of: dict[str, tuple[float, ...]] = {}
    for word in map(str.strip, regions.split(",")):
        if not word:
            continue
        kind, _, text = word.partition("=")
        if kind not in REGIONS:
            raise UsageError(f"--regions {word}: {did_you_mean(kind, REGIONS)}")
        default = REGIONS[kind]
        if kind == "crops" and card.crops:
            default = card.crops.factors
        numbers_of[kind] = _numbers(word, text, whole=kind != "depth") if text else default
        if kind == "bands" and len(numbers_of[kind]) > 1:
            raise UsageError(f"--regions {word}: bands takes one number, such as bands=4")
    whole = {kind: tuple(int(number) for number in numbers) for kind, numbers in numbers_of.items()}
    return Plan(
        crops=whole.get("crops", ()),
        crop0=crop0,
        rings=whole.get("rings", ()),
        bands=whole["bands"][0] if "bands" in whole else 0,
        depths=numbers_of.get("depth", ()),
        trimaps=whole.get("trimap", ()),
    )


def _numbers(word: str, text: str, *, whole: bool) -> tuple[float, ...]:
    """The numbers in `text`; `word` is the whole item, for messages."""
    try:
        numbers = tuple(float(number) for number in text.split(":"))
    except ValueError:
        raise UsageError(
            f"--regions {word}: numbers must be separated by colons, such as trimap=3:5"
        ) from None
    if not all(
        abs(number) <= _LARGEST and (number.is_integer() or not whole) for number in numbers
    ):
        expected = "whole numbers" if whole else "numbers"
        raise UsageError(f"--regions {word}: only {expected} up to {_LARGEST} are valid")
    return numbers
