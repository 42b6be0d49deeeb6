"""What each layout can do with the keys of a card: a key that would have no effect is a problem, never ignored.

The table in `datasets/README.md` says the same in words; `tests/cards/test_card_keys.py` goes through every key,
layout and task. This module knows neither folders nor images.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Protocol

from bench.cards.card_file import FILES

_BY_PAIRS = "use layout 'pairs' with a [files] table"
_PLACEHOLDERS = {
    ("pairs", "images"): {"id", "split"},
    ("pairs", "labels"): {"id", "split"},
    ("pairs", "instances"): {"id", "split"},
    ("pairs", "ignore"): {"id", "split"},
}
"""What patterns may hold in braces; all others take only {split}."""


class Keys(Protocol):
    """The keys of a card that depend on its layout and tasks; `CardFile` has them, and so does a `Card`."""

    @property
    def layout(self) -> str: ...  # noqa: D102 - the keys are described in datasets/README.md
    @property
    def tasks(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def splits(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def groups(self) -> str: ...  # noqa: D102
    @property
    def files(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def values(self) -> Mapping[Any, int]: ...  # noqa: D102
    @property
    def colors(self) -> bool: ...  # noqa: D102
    @property
    def threshold(self) -> int | None: ...  # noqa: D102
    @property
    def crops(self) -> Any: ...  # noqa: D102
    @property
    def boundary(self) -> Any: ...  # noqa: D102


def unhonoured(card: Keys, void: Collection[int] = (255,), *, ignore: int = 255) -> Iterator[str]:
    """Say of each key that has no effect in the card's layout and tasks what would be right."""
    yield from _tasks(card)
    yield from _things(card)
    yield from _coding(card)
    yield from _void(card, void, ignore)
    yield from _groups(card)
    yield from _scoring(card)
    yield from _files(card)
    yield from _masks(card)
    yield from _splits(card)


def _tasks(card: Keys) -> Iterator[str]:
    if card.layout == "lvis" and set(card.tasks) - {"instance"}:
        yield "tasks: layout 'lvis' holds objects only; say tasks = [\"instance\"]"
    objects = [task for task in card.tasks if task != "semantic"]
    if card.layout == "pairs" and objects and not _has_objects(card):
        yield (
            f"tasks: {' and '.join(objects)} in layout 'pairs' needs files.instances, a pattern of files with object "
            "numbers (0 for none)"
        )


def _things(card: Keys) -> Iterator[str]:
    """Objects of label files are those of countable classes; files of COCO's form list objects of any class."""
    entries = _entries(card)
    countable = any(entry.thing and entry.train_id is not None for entry in entries)
    if "instance" in card.tasks and card.layout in ("cityscapes", "pairs", "voc") and entries and not countable:
        yield "tasks: instance needs a class with thing = true; without one no object would count"


def _has_objects(card: Keys) -> bool:
    stuff = not any(entry.thing for entry in _entries(card))
    return "instances" in card.files or "*" in card.files.get("labels", "") or ("instance" not in card.tasks and stuff)


def _entries(card: Keys) -> Any:
    classes: Any = getattr(card, "classes", ())
    return getattr(classes, "entries", classes)


def _coding(card: Keys) -> Iterator[str]:
    """Keys that say what pixel values of label files mean."""
    why = {
        "cityscapes": f"which reads label ids from *_labelIds.png; {_BY_PAIRS}",
        "lvis": "which has no label files; leave it out",
        "coco": "" if "semantic" in card.tasks else "which has no label files without the task semantic; leave it out",
    }.get(card.layout, "")
    if card.colors and why:
        also = " (predictions in the colours of the classes are read without it)" if card.layout == "cityscapes" else ""
        yield f"colors = true has no effect in layout {card.layout!r}, {why}{also}"
    if card.values and why:
        yield f"[values] has no effect in layout {card.layout!r}, {why}"
    if card.threshold is not None and why:
        yield f"threshold has no effect in layout {card.layout!r}, {why}"
    for key, given in (("[values]", card.values), ("colors = true", card.colors)):
        if card.threshold is not None and given:
            yield f"{key} has no effect with threshold, which makes two classes of the values; keep one of the two"
    if card.values and card.colors:
        yield "[values] has no effect with colors = true, where colours stand for the classes; keep one of the two"


def _void(card: Keys, void: Collection[int], ignore: int) -> Iterator[str]:
    if set(void) <= {255, ignore}:
        return
    said = f"void = {sorted(void)} has no effect"
    if card.layout == "coco":
        yield f"{said} in layout 'coco', where pixels of no segment are void; leave it out"
    elif card.layout == "lvis":
        yield f"{said} in layout 'lvis', which has no label files; leave it out"
    elif card.threshold is not None:
        yield f"{said} with threshold, which gives every pixel a class; leave it out"
    elif card.colors and not (card.layout == "voc" and set(card.tasks) != {"semantic"}):
        yield f"{said} with colors = true; list void as a class with its color and without train_id"


def _groups(card: Keys) -> Iterator[str]:
    if card.layout == "lvis" and card.groups != "none":
        yield f"groups = {card.groups!r} has no effect in layout 'lvis', whose images have no order; leave it out"
    if card.layout == "voc" and card.groups == "city":
        yield "groups = 'city' has no effect in layout 'voc', whose images lie in one folder; say sequence or none"


def _scoring(card: Keys) -> Iterator[str]:
    if card.crops and "semantic" not in card.tasks:
        yield f"[crops] has no effect with tasks = {list(card.tasks)}: only the task semantic scores crops"
    if card.boundary and card.layout == "lvis":
        yield "[boundary] has no effect in layout 'lvis', for which no boundary metric is defined; leave it out"


def _files(card: Keys) -> Iterator[str]:
    for key, pattern in card.files.items():
        if key not in FILES.get(card.layout, ()):
            continue  # an unknown key is a problem of its own
        known = _PLACEHOLDERS.get((card.layout, key), {"split"})
        for word in re.findall(r"\{([^{}]*)\}", pattern):
            if word not in known:
                right = " and ".join(f"{{{each}}}" for each in sorted(known))
                yield f"files.{key}: {{{word}}} is not known there; use {right}"
    objects, segments = "instance" in card.tasks, set(card.tasks) - {"instance"}
    if card.layout == "pairs" and "instances" in card.files and not (objects or "panoptic" in card.tasks):
        yield "files.instances has no effect: tasks lists neither instance nor panoptic"
    if card.layout == "coco" and "instances" in card.files and not objects:
        yield "files.instances has no effect: tasks does not list instance"
    for key in ("panoptic", "panoptic_masks"):
        if card.layout == "coco" and key in card.files and not segments:
            yield f"files.{key} has no effect: tasks lists neither panoptic nor semantic"


def _masks(card: Keys) -> Iterator[str]:
    """What layout pairs can do with masks of where pixels count, and with files of one object each."""
    if card.layout != "pairs":
        return
    if "ignore" in card.files and set(card.tasks) != {"semantic"}:
        yield 'files.ignore is honoured in label maps only; say tasks = ["semantic"], or leave it out'
    if "ignore" in card.files and "{id}" not in card.files["ignore"]:
        yield "files.ignore has no {id}: it is a pattern of masks, one for every image"
    wild = [key for key in ("labels", "instances") if "*" in card.files.get(key, "")]
    for key, pattern in card.files.items():
        if "*" in pattern and (key not in wild or "*" in pattern.rpartition("/")[0]):
            yield f"files.{key}: * is allowed only in the last part of labels or instances, for one file an object"
    if "labels" in wild:
        yield from _objects_as_labels(card)


def _objects_as_labels(card: Keys) -> Iterator[str]:
    scored = [entry for entry in _entries(card) if entry.train_id is not None]
    things, stuff = sum(entry.thing for entry in scored), sum(not entry.thing for entry in scored)
    if things != 1 or stuff > 1 or (stuff == 0 and "semantic" in card.tasks):
        yield (
            "files.labels with * is one file an object, all of one class: list one class with thing = true and, for "
            "the task semantic, one without it for all other pixels"
        )
    given = {"[values]": card.values, "colors = true": card.colors, "threshold": card.threshold is not None}
    for key in [key for key, value in given.items() if value] + ["files.instances"] * ("instances" in card.files):
        yield f"{key} has no effect where files.labels holds one object a file (*); leave it out"


def _splits(card: Keys) -> Iterator[str]:
    truth = {"pairs": ("labels", "list"), "coco": ("instances", "panoptic")}.get(card.layout, ())
    patterns = [card.files[key] for key in truth if key in card.files]
    fixed = bool(patterns) and not any("{split}" in pattern for pattern in patterns)
    if fixed and len(card.splits) > 1:
        yield (
            f"splits: {', '.join(sorted(card.splits))} would hold the same images, because no pattern of the truth in "
            "[files] has {split}; put {split} where the paths differ, or keep one split"
        )
    if card.layout == "pairs" and not any("{split}" in pattern for pattern in card.files.values()):
        for name, split in card.splits.items():
            if split.folder is not None:
                yield f"splits.{name}.folder has no effect: no pattern in [files] has {{split}}"
