"""What the keys of a card may not contradict, whatever its layout; each check finds all the
problems it can.

`honoured.py` says what a layout can do with the keys. This module knows neither folders nor images.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from bench.cards import honoured
from bench.cards.card_file import (
    CLASSES_FROM,
    GROUPS,
    LARGEST,
    TASKS,
    CardFile,
    Reading,
    below_a_table,
)
from bench.cards.card_rules import CardRules, rules_of
from bench.cards.card_sources import problems_of_source, within
from bench.classes import Class, problems_of_classes
from bench.errors import InputError, did_you_mean


def problems_of(reading: Reading) -> list[str]:
    """Every problem of a card as a sentence; a check whose keys could not be read is skipped."""
    problems = list(reading.problems)
    for keys, check in _CHECKS:
        if reading.wrong.isdisjoint(keys):
            problems += check(reading.file)
    return problems


def _words(file: CardFile) -> Iterator[str]:
    for key in ("name", "title", "licence", "cite", "obtain"):
        value = getattr(file, key)
        if value and not value.strip():
            yield f"{key} is empty; datasets/README.md says what it holds"


def _name(file: CardFile) -> Iterator[str]:
    # The name becomes a folder of the run records.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", file.name):
        yield (
            f"name = {file.name!r} may hold letters, digits, '.', '_' and '-', because it "
            "names a folder"
        )


def _title(file: CardFile) -> Iterator[str]:
    if not file.title:
        yield "title is empty; datasets/README.md says what it holds"


def _layout(file: CardFile) -> Iterator[str]:
    try:
        rules_of(file.layout)
    except InputError as error:
        yield (
            f"layout = {file.layout!r} "
            f"{'is unknown' if ':' not in file.layout else 'cannot be loaded'}: {error}"
        )


def _tasks(file: CardFile) -> Iterator[str]:
    if not file.tasks:
        yield f"tasks is empty; it lists the tasks that have ground truth: {', '.join(TASKS)}"
    for task in file.tasks:
        yield from _one_of(task, TASKS, key="tasks")


def _groups(file: CardFile) -> Iterator[str]:
    yield from _one_of(file.groups, GROUPS, key="groups")


def _splits(file: CardFile) -> Iterator[str]:
    if file.default_split not in file.splits:
        yield (
            f"default_split = {file.default_split!r} is not among the splits {sorted(file.splits)}"
        )
    for name, split in file.splits.items():
        if split.images is not None and split.images < 1:
            yield (
                f"splits.{name}.images = {split.images} is below 1; leave it out where it is "
                "not known"
            )


def _place_of_classes(file: CardFile) -> Iterator[str]:
    if file.classes_from not in CLASSES_FROM:
        yield from _one_of(file.classes_from, CLASSES_FROM, key="classes_from")
    elif (rules := _rules(file)) is not None and file.classes_from not in rules.classes_from:
        right = "truth" if file.classes_from == "card" else "card"
        yield (
            f"classes_from = {file.classes_from!r} is not possible with layout {file.layout!r}, "
            f"which needs classes_from = {right!r}"
        )
    elif bool(file.classes) != (file.classes_from == "card"):
        yield (
            "classes: list them, or say classes_from = 'truth' where the layout allows it, "
            "but not both"
        )


def _classes(file: CardFile) -> Iterator[str]:
    for entry in file.classes:
        if not -1 <= entry.id <= LARGEST:
            yield f"classes: id = {entry.id} of {entry.name} is not in -1 to {LARGEST}"
        if entry.id < 0 and entry.train_id is not None:
            yield (
                f"classes: {entry.name} has id {entry.id}, which no file can hold, so it "
                "cannot have a train_id"
            )
        if entry.color and not all(0 <= channel <= 255 for channel in entry.color):
            yield f"classes: color = {list(entry.color)} of {entry.name} is not in 0 to 255"
    if any(not 0 <= value <= LARGEST for value in file.void):
        yield f"void = {list(file.void)} must hold values from 0 to {LARGEST}"
    entries = tuple(
        Class(id=each.id, name=each.name, train_id=each.train_id) for each in file.classes
    )
    yield from problems_of_classes(entries, file.ignore, file.void)


def _colors(file: CardFile) -> Iterator[str]:
    if not file.colors:
        return
    colors = [entry.color for entry in file.classes]
    lacking = [
        entry.name for entry in file.classes if entry.color is None or colors.count(entry.color) > 1
    ]
    if lacking:
        names = ", ".join(map(repr, lacking[:5])) + (
            f" and {len(lacking) - 5} more" if len(lacking) > 5 else ""
        )
        verb = "has" if len(lacking) == 1 else "have"
        yield f"colors = true needs a color of its own for every class; {names} {verb} none"


def _threshold(file: CardFile) -> Iterator[str]:
    if file.threshold is None:
        return
    if not 1 <= file.threshold <= LARGEST:
        yield (
            f"threshold = {file.threshold} is not in 1 to {LARGEST} (up to 255 for masks of 8 "
            "bits, above for 16 bits)"
        )
    if len(file.classes) != 2 or any(entry.train_id is None for entry in file.classes):
        yield (
            "threshold makes two classes of the values of a mask, so the card must list two: "
            "train_id 0 for values below it, and train_id 1 for the others"
        )


def _aliases(file: CardFile) -> Iterator[str]:
    class_names = {entry.name for entry in file.classes}
    if file.aliases and not class_names:
        yield "aliases has no effect, because the card lists no classes; leave it out"
        return
    seen: dict[str, str] = {}
    for name, others in file.aliases.items():
        if name not in class_names:
            yield f"aliases: there is no class {name!r}: {did_you_mean(name, class_names)}"
        for other in others:
            if other in class_names or other in seen:
                taken = seen.get(other, other)
                yield (
                    f"aliases: {other!r} cannot be another name of {name!r}: it already "
                    f"means {taken!r}"
                )
            seen[other] = name


def _files(file: CardFile) -> Iterator[str]:
    rules = _rules(file)
    for key in rules.required_files if rules else ():
        if "{id}" not in file.files.get(key, ""):
            yield (
                f"files.{key} is missing or has no {{id}}: layout {file.layout!r} needs such "
                "a pattern"
            )
    for key, pattern in file.files.items():
        if rules is not None and key not in rules.files:
            hint = below_a_table(key, "files") or did_you_mean(key, rules.files)
            yield f"unknown key {key!r} in files of layout {file.layout!r}: {hint}"
        yield from within(pattern, key=f"files.{key}")


def _values(file: CardFile) -> Iterator[str]:
    ids = {entry.id for entry in file.classes} | set(file.void)
    for key, value in file.values.items():
        if not key.isdecimal() or int(key) > LARGEST:
            hint = below_a_table(key, "values") or f"keys are whole numbers from 0 to {LARGEST}"
            yield f"values: {key!r} is not a pixel value; {hint}"
        if value not in ids:
            yield f"values: {key} = {value}, which is neither the id of a class nor void"


def _regions(file: CardFile) -> Iterator[str]:
    if file.crops and min(file.crops.factors, default=-1) < 0:
        yield f"crops.factors = {list(file.crops.factors)} must be one or more numbers, 0 or above"
    if file.boundary and not 0 < file.boundary.ratio < 1:
        yield (
            f"boundary.ratio = {file.boundary.ratio} is a fraction of the diagonal, between 0 and 1"
        )


def _sources(file: CardFile) -> Iterator[str]:
    for source in file.sources:
        yield from problems_of_source(source)


def _honoured(file: CardFile) -> Iterator[str]:
    if _rules(file) is not None and set(file.tasks) <= set(TASKS):
        yield from honoured.unhonoured(file, file.void, ignore=file.ignore)


def _rules(file: CardFile) -> CardRules | None:
    """What the card's layout declares; None where there is no such layout, which `_layout`
    reports.
    """
    try:
        return rules_of(file.layout)
    except InputError:
        return None


def _one_of(value: str, allowed: Iterable[str], *, key: str) -> Iterator[str]:
    if value not in allowed:
        yield f"{key} = {value!r} is unknown: {did_you_mean(value, allowed)}"


_CHECKS: tuple[tuple[tuple[str, ...], Callable[[CardFile], Iterable[str]]], ...] = (
    ((), _words),
    (("name",), _name),
    (("title",), _title),
    (("layout",), _layout),
    (("tasks",), _tasks),
    (("groups",), _groups),
    (("splits", "default_split"), _splits),
    (("layout", "classes", "classes_from"), _place_of_classes),
    (("classes", "ignore", "void"), _classes),
    (("classes", "colors"), _colors),
    (("classes", "threshold"), _threshold),
    (("classes", "aliases"), _aliases),
    (("layout", "files"), _files),
    (("classes", "void", "values"), _values),
    (("crops", "boundary"), _regions),
    (("sources",), _sources),
    (("layout", "tasks", "splits", "classes", "files", "values"), _honoured),
)
"""Each check with the keys that it looks at."""
