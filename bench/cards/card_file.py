"""The TOML of a card as it stands: which keys exist, what types they have, and what they may not contradict.

`cards.py` finds the file and turns it into a `Card`; every key is told in `datasets/README.md`. This module knows
neither folders nor images.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable

import msgspec

from bench.cards.card_sources import Source, check_source, inside
from bench.errors import CardError, did_you_mean

TASKS = ("semantic", "instance", "panoptic")
LAYOUTS = ("cityscapes", "coco", "lvis", "pairs", "voc")
CLASSES_FROM = {"card": ("cityscapes", "coco", "pairs", "voc"), "truth": ("coco", "lvis")}
"""Where the classes stand, and the layouts that read them there."""
GROUPS = ("none", "sequence", "sequence-blocks", "city")
FILES = {
    "coco": ("images", "instances", "panoptic", "panoptic_masks"),
    "pairs": ("images", "labels", "instances", "list"),
}
"""The patterns that a layout takes; the other layouts know where their files lie."""
LARGEST = 65535
"""The largest value a label file can hold."""


class Split(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One split: how many images it has, for a check, and the word that stands for it in paths where it differs."""

    images: int | None = None
    folder: str | None = None


class Crops(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Distance-based evaluation: how far the window shrinks towards the vanishing point, in pixels at 1024 rows."""

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
    """The file as it stands; `Card` is what the project works with."""

    name: str
    title: str
    layout: str
    tasks: tuple[str, ...]
    splits: dict[str, Split]
    licence: str
    cite: str
    obtain: str
    classes: tuple[ClassEntry, ...] = ()
    classes_from: str = "card"
    default_split: str = "val"
    ignore: int = 255
    void: tuple[int, ...] = (255,)
    groups: str = "none"
    files: dict[str, str] = {}  # msgspec copies defaults
    values: dict[str, int] = {}
    colors: bool = False
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


def decode(text: bytes) -> CardFile:
    """Read the text of a card and check every key.

    Raises:
        CardError: no TOML, unknown or missing keys, wrong types, values that contradict each other; names the key.
    """
    try:
        raw = tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CardError(f"this is no TOML: {error}") from None
    try:
        file = msgspec.convert(raw, CardFile)
    except msgspec.ValidationError as error:
        raise CardError(_in_words(str(error))) from None
    for check in (_check_words, _check_classes, _check_aliases, _check_files):
        check(file)
    for name, split in file.splits.items():
        if split.images is not None and split.images < 1:
            raise CardError(f"splits.{name}.images = {split.images} is below 1; leave it out where it is not known")
    if file.crops and min(file.crops.factors, default=-1) < 0:
        raise CardError(f"crops.factors = {list(file.crops.factors)} must be one or more numbers from 0")
    if file.boundary and not 0 < file.boundary.ratio < 1:
        raise CardError(f"boundary.ratio = {file.boundary.ratio} is a fraction of the diagonal, between 0 and 1")
    for source in file.sources:
        check_source(source)
    return file


def _check_words(file: CardFile) -> None:
    _one_of(file.layout, LAYOUTS, key="layout")
    _one_of(file.groups, GROUPS, key="groups")
    _one_of(file.classes_from, CLASSES_FROM, key="classes_from")
    for task in file.tasks:
        _one_of(task, TASKS, key="tasks")
    for key in ("name", "title", "licence", "cite", "obtain", "tasks"):
        if not "".join(getattr(file, key)).strip():
            raise CardError(f"{key} is empty; datasets/README.md says what it holds")
    # The name becomes a folder of the run records.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", file.name):
        raise CardError(f"name = {file.name!r} may hold letters, digits, '.', '_' and '-', for it names a folder")
    if file.default_split not in file.splits:
        raise CardError(f"default_split = {file.default_split!r} is not among the splits {sorted(file.splits)}")


def _check_classes(file: CardFile) -> None:
    if file.layout not in CLASSES_FROM[file.classes_from]:
        raise CardError(f"classes_from = {file.classes_from!r} does not go with layout {file.layout!r}")
    if bool(file.classes) != (file.classes_from == "card"):
        raise CardError("classes: list them, or say classes_from = 'truth' (layouts coco and lvis), but not both")
    for entry in file.classes:
        if not -1 <= entry.id <= LARGEST:
            raise CardError(f"classes: id = {entry.id} of {entry.name} lies outside -1 .. {LARGEST}")
        if entry.id < 0 and entry.train_id is not None:
            raise CardError(f"classes: {entry.name} has id {entry.id}, which no file can hold, and so no train_id")
        if entry.color and not all(0 <= part <= 255 for part in entry.color):
            raise CardError(f"classes: color = {list(entry.color)} of {entry.name} lies outside 0 .. 255")
    if any(not 0 <= value <= LARGEST for value in file.void):
        raise CardError(f"void = {list(file.void)} must hold values from 0 to {LARGEST}")
    colors = [entry.color for entry in file.classes]
    for entry in file.classes if file.colors else ():
        if entry.color is None or colors.count(entry.color) > 1:
            raise CardError(f"colors = true, but {entry.name!r} has no color of its own; every class needs one")


def _check_aliases(file: CardFile) -> None:
    own = {entry.name for entry in file.classes}
    seen: dict[str, str] = {}
    for name, others in file.aliases.items():
        if name not in own:
            raise CardError(f"aliases: no class is called {name!r}: {did_you_mean(name, own)}")
        for other in others:
            if other in own or other in seen:
                raise CardError(f"aliases: {other!r} cannot stand for {name!r}, it means {seen.get(other, other)!r}")
            seen[other] = name


def _check_files(file: CardFile) -> None:
    if file.layout == "pairs":
        for key in ("images", "labels"):
            if "{id}" not in file.files.get(key, ""):
                raise CardError(f"files.{key} is missing or has no {{id}}: layout 'pairs' needs such a pattern")
    for key, pattern in file.files.items():
        if key not in FILES.get(file.layout, ()):
            hint = did_you_mean(key, FILES.get(file.layout, ()))
            raise CardError(f"unknown key {key!r} in files of layout {file.layout!r}: {hint}")
        inside(pattern, key=f"files.{key}")
    known = {entry.id for entry in file.classes} | set(file.void)
    for key, value in file.values.items():
        if not key.isdecimal() or int(key) > LARGEST:
            raise CardError(f"values: {key!r} is no pixel value; keys are whole numbers from 0 to {LARGEST}")
        if value not in known:
            raise CardError(f"values: {key} = {value}, which is neither the id of a class nor void")


def _one_of(value: str, known: Iterable[str], *, key: str) -> None:
    if value not in known:
        raise CardError(f"{key} = {value!r} is unknown: {did_you_mean(value, known)}")


def _in_words(problem: str) -> str:
    """Turn msgspec's message into one that names the key and, where it is a misspelling, the right one.

    >>> _in_words("Object contains unknown field `colour` - at `$.classes[3]`")
    "unknown key 'colour' in classes[3]: did you mean color?"
    >>> _in_words("Expected `int`, got `str` - at `$.classes[3].id`")
    'classes[3].id: expected int, got str'
    """
    what, _, path = problem.partition(" - at `$")
    path = path.strip("`.")
    place = f" in {path}" if path else ""
    if "unknown field" in what:
        unknown = what.split("`")[1]
        return f"unknown key {unknown!r}{place}: {did_you_mean(unknown, TABLES[path.split('[')[0]].__struct_fields__)}"
    if "missing required field" in what:
        return f"the key {what.split('`')[1]!r} is missing{place}"
    return f"{path}: {what[0].lower()}{what[1:]}".replace("`", "")
