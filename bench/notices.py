"""Notices: what a reader of scores should know, as a stable code, a sentence, and a severity.

Any room may make them; they are stored in the run record and shown around the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

Severity: TypeAlias = Literal["note", "warning"]
"""`warning`: the scores are probably wrong, printed above the table; notes are printed below it."""


class Notice(NamedTuple):
    """One notice; the message is a sentence without a full stop."""

    code: str
    message: str
    severity: Severity = "note"


def many(number: int, noun: str) -> str:
    """A number with its noun.

    >>> many(1, "image"), many(1200, "detection")
    ('1 image', '1200 detections')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def few(names: Sequence[str], most: int = 5) -> str:
    """The first names, and how many more there are, for a sentence.

    >>> few(["road", "car"]), few(["a", "b", "c", "d"], most=2)
    ('road, car', 'a, b and 2 more')
    """
    # "and 1 more" would not be shorter than the name itself.
    if len(names) <= most + 1:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"
