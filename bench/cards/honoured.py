"""Keys of a card that would have no effect: each is a problem that names the key, never ignored.

What a layout can do with the keys it declares itself (`card_rules.py`); this file has the checks
for all layouts. The table in `datasets/README.md` has the same content, and
`tests/cards/test_card_keys.py` goes through every key, layout and task. This module knows neither
folders nor images.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from bench.cards.card_rules import CardKeys, CardRules, class_entries, rules_of


def unhonoured(
    card: CardKeys, void: Collection[int] = (255,), *, ignore: int = 255
) -> Iterator[str]:
    """Say of each key that has no effect in the card's layout and tasks what would be right.

    Raises:
        UsageError, OwnCodeError: the card's layout cannot be loaded.
    """
    rules = rules_of(card.layout)
    yield from _tasks(card, rules)
    yield from _unused(card, rules, void, ignore)
    yield from _coding(card)
    yield from _void(card, rules, void, ignore)
    yield from _crops(card)
    yield from _placeholders(card, rules)
    yield from _splits(card, rules)
    yield from rules.problems(card)


def _tasks(card: CardKeys, rules: CardRules) -> Iterator[str]:
    if set(card.tasks) - set(rules.tasks):
        listed = ", ".join(f'"{task}"' for task in rules.tasks)
        only = " and ".join(rules.tasks)
        yield (
            f"tasks: layout {card.layout!r} has ground truth for {only} only; set tasks = "
            f"[{listed}]"
        )
    entries = class_entries(card)
    countable = any(entry.thing and entry.train_id is not None for entry in entries)
    if "instance" in card.tasks and rules.objects_need_things and entries and not countable:
        yield "tasks: instance needs a class with thing = true; without one no object would count"


def _unused(card: CardKeys, rules: CardRules, void: Collection[int], ignore: int) -> Iterator[str]:
    """Keys that are set although the layout declares that they have no effect."""
    settings = {
        "colors": "colors = true" if card.colors else "",
        "values": "[values]" if card.values else "",
        "threshold": "threshold" if card.threshold is not None else "",
        "void": f"void = {sorted(void)}" if _has_own_void(void, ignore) else "",
        "groups": f"groups = {card.groups!r}" if card.groups != "none" else "",
        "boundary": "[boundary]" if card.boundary else "",
    }
    for key, reason in rules.unused_keys(card).items():
        if settings[key]:
            yield f"{settings[key]} has no effect in layout {card.layout!r}, {reason}"


def _coding(card: CardKeys) -> Iterator[str]:
    """Keys that say what pixel values mean exclude one another."""
    for key, value in (("[values]", card.values), ("colors = true", card.colors)):
        if card.threshold is not None and value:
            yield (
                f"{key} has no effect with threshold, which makes two classes of the values; "
                "keep one of the two"
            )
    if card.values and card.colors:
        yield (
            "[values] has no effect with colors = true, where colours stand for the classes; "
            "keep one of the two"
        )


def _has_own_void(void: Collection[int], ignore: int) -> bool:
    """Whether `void` holds more than the default: 255, or the value of ignored pixels in memory."""
    return not set(void) <= {255, ignore}


def _void(card: CardKeys, rules: CardRules, void: Collection[int], ignore: int) -> Iterator[str]:
    """Colours and thresholds leave no pixel value that could be void, except in object files."""
    if not _has_own_void(void, ignore) or "void" in rules.unused_keys(card):
        return
    has_object_files = rules.void_in_object_files and set(card.tasks) != {"semantic"}
    if card.threshold is not None:
        yield (
            f"void = {sorted(void)} has no effect with threshold, which gives every pixel a "
            "class; leave it out"
        )
    elif card.colors and not has_object_files:
        yield (
            f"void = {sorted(void)} has no effect with colors = true; list void as a class with "
            "its color and without train_id"
        )


def _crops(card: CardKeys) -> Iterator[str]:
    if card.crops and "semantic" not in card.tasks:
        yield (
            f"[crops] has no effect with tasks = {list(card.tasks)}: only the task semantic "
            "scores crops"
        )


def _placeholders(card: CardKeys, rules: CardRules) -> Iterator[str]:
    for key, pattern in card.files.items():
        allowed = rules.files.get(key, ())
        if not allowed:
            continue  # an unknown key is a problem of its own
        for word in re.findall(r"\{([^{}]*)\}", pattern):
            if word not in allowed:
                right = " and ".join(f"{{{placeholder}}}" for placeholder in sorted(allowed))
                yield f"files.{key}: {{{word}}} is not known there; use {right}"


def _splits(card: CardKeys, rules: CardRules) -> Iterator[str]:
    """Several splits need paths that differ, or all of them would hold the same images."""
    patterns = [card.files[key] for key in rules.truth_files if key in card.files]
    fixed = bool(patterns) and not any("{split}" in pattern for pattern in patterns)
    if fixed and len(card.splits) > 1:
        yield (
            f"splits: {', '.join(sorted(card.splits))} would hold the same images, because no "
            "pattern of the truth in [files] has {split}; put {split} where the paths differ, "
            "or keep one split"
        )
