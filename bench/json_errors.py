"""What is wrong with a JSON file, as sentences that name the place.

It knows the messages of the decoder, and neither files nor what is in them.
"""

from __future__ import annotations

import json
import math
from typing import Any

from bench import plain_json

LINES = "this file has one object per line (JSON lines); expected a single JSON value"
_SHOWN = 5
_LOOK = 1 << 20


def misfit(problem: str) -> str:
    """The message for a value of another type than the file should have, from what the decoder
    says.

    >>> misfit("Object missing required field `score` - at `$[5]`")
    "the key 'score' is missing in [5]"
    """
    text, _, place = problem.partition(" - at ")
    if "missing required field" in text:
        text = f"the key {text.split('`')[1]!r} is missing"
    where = place.strip("`").removeprefix("$").lstrip(".")
    return text[0].lower() + text[1:] + (f" in {where}" if where else "")


def placed(problem: str) -> str:
    """The message for a value that cannot be, behind its place, from what the decoder says.

    >>> placed("the id 1.5 is not a whole number - at `$.images[0]`")
    'images[0]: the id 1.5 is not a whole number'
    """
    text, _, place = problem.partition(" - at ")
    where = place.strip("`").removeprefix("$").lstrip(".")
    return f"{where}: {text}" if where else text


def damage(data: bytes, problem: str) -> str:
    """The message for data that is not JSON.

    >>> damage(b'[{"id": 7, "score": NaN}]', "JSON is malformed: invalid character (byte 20)")
    'NaN or Infinity in [0].score is not valid JSON; values must be finite'
    >>> damage(b'[{"id": 7}, {"id', "Input data was truncated")
    'the file is truncated: the JSON ends after 16 bytes'
    """
    if not data.strip():
        return "the file is empty"
    if "truncated" in problem:
        return f"the file is truncated: the JSON ends after {len(data)} bytes"
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = data[error.start]
        return (
            f"the text is not UTF-8 (byte 0x{byte:02x} at position {error.start}); save the "
            "file as UTF-8"
        )
    return _no_json(text) or f"this is not a complete JSON file: {problem}"


def _no_json(text: str) -> str | None:
    """What is wrong with a complete text that is not JSON, for the common mistakes."""
    try:
        place = _not_finite(json.loads(text))
    except (ValueError, RecursionError):
        place = None
    if place is not None:
        return f"NaN or Infinity in {place.lstrip('.')} is not valid JSON; values must be finite"
    if text[:64].lstrip("[{ \r\n\t").startswith("'"):
        return (
            "strings are in single quotes, as Python prints them; JSON needs double quotes "
            "(json.dump writes them)"
        )
    return LINES if plain_json.joined_lines(text.encode()) is not None else None


def no_truth(data: bytes) -> str | None:
    """The message for results where ground truth should be; None where it is neither.

    >>> no_truth(b'[{"image_id": 1, "score": 0.5}]')[:27]
    'this is a list of results, '
    """
    needed = "ground truth is an object with images, annotations and categories (it goes to --data)"
    if data.lstrip()[:1] == b"[" and b'"image_id"' in data[:_LOOK]:
        return f"this is a list of results, but {needed}"
    if b'"segments_info"' in data[:_LOOK] and not (b'"images"' in data and b'"categories"' in data):
        return f"these are panoptic results (only annotations), but {needed}"
    return None


def no_results(data: bytes) -> str:
    """The message for a JSON object that holds no predictions.

    >>> truth = b'{"images": [], "annotations": [], "categories": []}'
    >>> no_results(truth)  # doctest: +NORMALIZE_WHITESPACE
    'this is ground truth (images, annotations, categories), not a list of results (image_id,
    category_id, score, ...)'
    >>> no_results(b'{"results": []}')[:63]
    'this JSON object has the keys results; results of objects are a'
    """
    try:
        keys = list(json.loads(data))
    except (ValueError, RecursionError) as error:
        cut = isinstance(error, json.JSONDecodeError) and error.pos >= len(data.rstrip()) - 1
        return damage(data, "Input data was truncated" if cut else str(error))
    if {"images", "annotations"} <= set(keys):
        return (
            "this is ground truth (images, annotations, categories), not a list of results "
            "(image_id, category_id, score, ...)"
        )
    more = ", ..." if len(keys) > _SHOWN else ""
    return (
        f"this JSON object has the keys {', '.join(keys[:_SHOWN]) or '(none)'}{more}; results of "
        "objects are a list ([{image_id, category_id, score, ...}]), panoptic results have "
        "annotations with segments_info"
    )


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
    return next(
        (found for where, each in inside if (found := _not_finite(each, where)) is not None), None
    )
