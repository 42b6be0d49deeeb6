"""What a reader of scores should know: a code that stays the same across versions, a sentence, and how serious it is.

Every room may find notices; they end in the run record, in the JSON and around the table.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Severity: TypeAlias = Literal["note", "warning"]
"""`warning`: the scores are probably not those that were meant; it is printed above the table, notes below it."""


class Notice(NamedTuple):
    """One thing to know; the message is a sentence without its full stop."""

    code: str
    message: str
    severity: Severity = "note"


def many(number: int, noun: str) -> str:
    """A number with its noun.

    >>> many(1, "image"), many(1200, "detection")
    ('1 image', '1200 detections')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
