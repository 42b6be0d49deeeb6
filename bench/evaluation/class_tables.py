"""From what a Python caller passes as classes to a card: a card or its name, class names, or their
number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from bench.cards import Card, load_card
from bench.cards.card_file import GROUPS
from bench.classes import Class, Classes
from bench.errors import UsageError, did_you_mean

ClassesLike: TypeAlias = Card | Classes | str | Path | Sequence[str] | int
FORMS = "a card or its name, a bench.Classes, names of classes, or how many there are"
OWN = "own"
"""Name of the card that is made for the user's own classes."""
_LARGEST = 65535


def card_of(classes: Any, task: str, *, groups: Any = None) -> Card:
    """The card for the classes; `groups` replaces its rule of which images belong together.

    Raises:
        UsageError: no classes, repeated names, or an object of another type.
        CardError: there is no such card.
    """
    card = _card(classes, task)
    if groups is None:
        return card
    if groups not in GROUPS:
        hint = (
            did_you_mean(groups, GROUPS)
            if isinstance(groups, str)
            else f"it is one of {', '.join(GROUPS)}"
        )
        raise UsageError(f"groups={groups!r}: {hint}")
    return replace(card, groups=groups)


def _card(classes: Any, task: str) -> Card:
    if isinstance(classes, Card):
        card = classes
    elif isinstance(classes, str | Path):
        card = load_card(classes)
    else:
        table = (
            classes
            if isinstance(classes, Classes)
            else _classes(_names(classes), things=task == "instance")
        )
        card = Card(
            name=OWN, title="own data", layout="pairs", tasks=(task,), classes=table, splits={}
        )
    if not len(card.classes):
        where = "the table is empty"
        if card.classes_from == "truth":
            where = f"{card.title} has the classes of its truth file"
        raise UsageError(f"an evaluation needs classes, and {where}: pass the names of the classes")
    if task not in card.tasks:
        raise UsageError(
            f"{card.title} has no truth for the task {task!r} (its tasks: {', '.join(card.tasks)})"
        )
    return card


def _names(given: Any) -> list[str]:
    if isinstance(given, int) and not isinstance(given, bool):
        if not 0 < given <= _LARGEST:
            raise UsageError(f"the number of classes must be 1 to {_LARGEST}, got {given}")
        return [f"class {number}" for number in range(given)]
    if not isinstance(given, Sequence) or not all(isinstance(name, str) for name in given):
        raise UsageError(f"classes must be {FORMS}, got {_shown(given)}")
    names = list(given)
    if not names:
        raise UsageError(f"classes must be {FORMS}, got an empty list")
    twice = next((name for name, often in Counter(names).items() if often > 1), None)
    if twice is not None:
        raise UsageError(f"the class {twice!r} is listed twice; every class needs its own name")
    return names


def _classes(names: Sequence[str], *, things: bool) -> Classes:
    """The class table of names; in an instance evaluation all of them are things."""
    entries = tuple(Class(number, name, number, thing=things) for number, name in enumerate(names))
    ignore, void = (255, (255,)) if len(names) <= 255 else (_LARGEST, (_LARGEST,))
    return Classes(entries, ignore=ignore, void=void)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
