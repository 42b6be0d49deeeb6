"""What is wrong with a JSON file, in words that name the place.

It knows the messages of the decoder, and neither files nor what is in them.
"""

from __future__ import annotations

import json
import math
from typing import Any


def misfit(problem: str) -> str:
    """Words for a value of another type than the file should have, from what the decoder says.

    >>> misfit("Object missing required field `score` - at `$[5]`")
    "the key 'score' is missing in [5]"
    """
    text, _, place = problem.partition(" - at ")
    if "missing required field" in text:
        text = f"the key {text.split('`')[1]!r} is missing"
    where = place.strip("`").removeprefix("$").lstrip(".")
    return text[0].lower() + text[1:] + (f" in {where}" if where else "")


def damage(data: bytes, problem: str) -> str:
    """Words for what makes data no JSON.

    >>> damage(b'[{"id": 7, "score": NaN}]', "JSON is malformed: invalid character (byte 20)")
    'holds NaN or Infinity in [0].score, which JSON does not know; values must be finite'
    >>> damage(b"", "Input data was truncated")
    'the file is empty'
    """
    if not data.strip():
        return "the file is empty"
    try:
        place = _not_finite(json.loads(data))
    except (ValueError, RecursionError):
        place = None
    if place is None:
        return f"this is no whole JSON file: {problem}"
    return f"holds NaN or Infinity in {place.lstrip('.')}, which JSON does not know; values must be finite"


def _not_finite(value: Any, place: str = "") -> str | None:
    """The place of the first number that is not finite, where there is one."""
    if isinstance(value, float):
        return None if math.isfinite(value) else place
    if isinstance(value, dict):
        inside = ((f"{place}.{key}", each) for key, each in value.items())
    elif isinstance(value, list):
        inside = ((f"{place}[{number}]", each) for number, each in enumerate(value))
    else:
        return None
    return next((found for where, each in inside if (found := _not_finite(each, where)) is not None), None)
