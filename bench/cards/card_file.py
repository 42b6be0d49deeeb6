"""The TOML file of a card: which keys exist and what types they have.

`card_checks.py` says what they may not contradict, and `honoured.py` what a layout can do with
them. Every key is described in `datasets/README.md`. This module knows neither folders nor images.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from bench.cards.card_sources import Source
from bench.errors import CardError, did_you_mean

TASKS = ("semantic", "instance", "panoptic")
CLASSES_FROM = ("card", "truth")
"""Where the classes may be listed."""
GROUPS = ("none", "sequence", "sequence-blocks", "city")
LARGEST = 65535
"""The largest value a label file can hold."""


class Split(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One split: how many images it has, for a check, and its word in paths, if that differs from
    its name.
    """

    images: int | None = None
    folder: str | None = None


class Crops(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Distance-based evaluation: how far the window shrinks towards the vanishing point, in pixels
    at 1024 rows.
    """

    factors: tuple[int, ...]


class Boundary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Width of a boundary as a fraction of the image diagonal."""

    ratio: float


class ClassEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A class as the file states it."""

    id: int
    name: str
    train_id: int | None = None
    category: str | None = None
    thing: bool = False
    color: tuple[int, int, int] | None = None


class CardFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of the file; the rest of the project works with `Card`."""

    name: str
    title: str
    layout: str
    tasks: tuple[str, ...]
    splits: dict[str, Split]
    licence: str = ""
    cite: str = ""
    obtain: str = ""
    classes: tuple[ClassEntry, ...] = ()
    classes_from: str = "card"
    default_split: str = "val"
    ignore: int = 255
    void: tuple[int, ...] = (255,)
    groups: str = "none"
    files: dict[str, str] = {}  # msgspec copies defaults
    values: dict[str, int] = {}
    colors: bool = False
    threshold: int | None = None
    aliases: dict[str, tuple[str, ...]] = {}
    crops: Crops | None = None
    boundary: Boundary | None = None
    sources: tuple[Source, ...] = ()


TABLES: dict[str, type[msgspec.Struct]] = {
    "": CardFile,
    "classes": ClassEntry,
    "splits": Split,
    "crops": Crops,
    "boundary": Boundary,
    "sources": Source,
}
"""What each table of the file may hold; the README is tested against it."""


@dataclass(frozen=True)
class Reading:
    """The readable part of a card: the file without its wrong keys, those keys, and every
    problem.
    """

    file: CardFile
    wrong: frozenset[str]
    problems: tuple[str, ...]


def decode(text: bytes) -> Reading:
    """Read the text of a card; keys that are unknown, missing or of a wrong type become problems.

    Raises:
        CardError: this is not valid TOML.
    """
    try:
        raw = tomllib.loads(text.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CardError(f"this is not valid TOML: {error}") from None
    try:
        return Reading(msgspec.convert(raw, CardFile), frozenset(), ())
    except msgspec.ValidationError:
        pass  # msgspec stops at the first problem; below, every key is checked
    problems: dict[str, list[str]] = {}
    for key, problem in _problems(raw):
        problems.setdefault(key, []).append(problem)
    readable = {key: value for key, value in raw.items() if key not in problems}
    file = msgspec.convert({**_PLACEHOLDERS, **readable}, CardFile)
    return Reading(
        file,
        frozenset(problems),
        tuple(problem for of_key in problems.values() for problem in of_key),
    )


_PLACEHOLDERS: dict[str, Any] = {"name": "", "title": "", "layout": "", "tasks": [], "splits": {}}
"""Stand-ins for required keys that are missing or wrong, so that the other keys can be checked as
well.
"""


def _problems(raw: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every key that is unknown, missing or of a wrong type, with a sentence about the problem."""
    for key, problem in _problems_of_table(raw, CardFile, ""):
        yield key, problem
    for key, struct in TABLES.items():
        value = raw.get(key)
        if not key or value is None:
            continue
        entries = _entries(key, value)
        if entries is None:
            kind = "a list of tables" if key in ("classes", "sources") else "a table"
            yield key, f"{key}: {kind} is expected, not {value!r}"
            continue
        for location, entry in entries:
            if not isinstance(entry, dict):
                yield key, f"{location}: a table is expected, not {entry!r}"
                continue
            for _, problem in _problems_of_table(entry, struct, location):
                yield key, problem


def _entries(key: str, value: Any) -> list[tuple[str, Any]] | None:
    """The tables below a key and what they are called in messages; None where there is something
    else.
    """
    if key in ("classes", "sources"):
        return (
            [(f"{key}[{index}]", entry) for index, entry in enumerate(value)]
            if isinstance(value, list)
            else None
        )
    if not isinstance(value, dict):
        return None
    return (
        [(f"{key}.{name}", entry) for name, entry in value.items()]
        if key == "splits"
        else [(key, value)]
    )


def _problems_of_table(
    table: dict[str, Any], struct: type[msgspec.Struct], location: str
) -> Iterator[tuple[str, str]]:
    types, within = _types(struct), f" in {location}" if location else ""
    for key in table:
        if key not in types:
            hint = below_a_table(key, location) if location else ""
            yield key, f"unknown key {key!r}{within}: {hint or did_you_mean(key, types)}"
    required = struct.__struct_fields__[
        : len(struct.__struct_fields__) - len(struct.__struct_defaults__)
    ]
    for key in required:
        if key not in table:
            yield key, f"the key {key!r} is missing{within}"
    for key, kind in types.items():
        if key not in table or (not location and key in TABLES):
            continue
        for where, value, needed in _parts(key, table[key], kind):
            try:
                msgspec.convert(value, needed)
            except msgspec.ValidationError as error:
                hint = below_a_table(where, key) if where != key else ""
                at = f"{location}.{key}".lstrip(".") + (f".{where}" if where != key else "")
                yield key, _in_words(str(error), at) + (f"; {hint}" if hint else "")


def _parts(key: str, value: Any, kind: Any) -> list[tuple[str, Any, Any]]:
    """A value, or the values of a table of free keys ([values], [files], [aliases]), each with its
    name and type.
    """
    if get_origin(kind) is dict and isinstance(value, dict):
        return [(name, entry, get_args(kind)[1]) for name, entry in value.items()]
    return [(key, value, kind)]


def below_a_table(key: str, table: str) -> str:
    """A hint about a key of the card itself that is written below the header of a table; "" for
    other keys.
    """
    if key not in CardFile.__struct_fields__:
        return ""
    return (
        f"it is below [{table}] and so belongs to that table; keys of the card itself must "
        "be above the first [table]"
    )


def _types(struct: type[msgspec.Struct]) -> dict[str, Any]:
    hints = get_type_hints(struct)
    return {key: hints[key] for key in struct.__struct_fields__}


def _in_words(problem: str, location: str) -> str:
    """Turn msgspec's message about a value into a sentence that names its location.

    >>> _in_words("Expected `int | null`, got `str`", "classes[3].train_id")
    'classes[3].train_id: expected int, got str'
    >>> _in_words("Expected `str`, got `int` - at `$[0]`", "tasks")
    'tasks[0]: expected str, got int'
    """
    statement, _, below = problem.partition(" - at `$")
    return f"{location}{below.strip('`')}: {statement[0].lower()}{statement[1:]}".replace(
        "`", ""
    ).replace(" | null", "")
