"""Cards: find, read and check the TOML file that describes a data set.

A bare name is a card that ships with `bench`, a path that ends in .toml is the user's own; the working directory is
never searched. What the keys mean is told in `datasets/README.md`; this module never looks at images.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from bench.classes import Class, Classes
from bench.errors import CardError, did_you_mean

TASKS = ("semantic", "instance", "panoptic")
LAYOUTS = ("cityscapes", "coco", "pairs", "voc")
GROUPS = ("none", "sequence", "sequence-blocks", "city")


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


class _ClassEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: int
    name: str
    train_id: int | None = None
    category: str | None = None
    thing: bool = False
    color: tuple[int, int, int] | None = None


class _CardFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file as it stands; `Card` is what the project works with."""

    name: str
    title: str
    layout: str
    tasks: tuple[str, ...]
    classes: tuple[_ClassEntry, ...]
    splits: dict[str, Split]
    licence: str
    cite: str
    obtain: str
    default_split: str = "val"
    ignore: int = 255
    void: tuple[int, ...] = (255,)
    groups: str = "none"
    files: dict[str, str] = {}  # noqa: RUF012 - msgspec copies it
    values: dict[str, int] = {}  # noqa: RUF012
    colors: bool = False
    aliases: dict[str, tuple[str, ...]] = {}  # noqa: RUF012
    crops: Crops | None = None
    boundary: Boundary | None = None


@dataclass(frozen=True)
class Card:
    """A data set: what its labels mean, how its files lie, and what is computed on it by default."""

    name: str
    title: str
    layout: str
    tasks: tuple[str, ...]
    classes: Classes
    splits: dict[str, Split]
    default_split: str = "val"
    groups: str = "none"
    files: dict[str, str] = field(default_factory=dict)
    values: dict[int, int] = field(default_factory=dict)
    colors: bool = False
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    crops: Crops | None = None
    boundary: Boundary | None = None
    licence: str = ""
    cite: str = ""
    obtain: str = ""
    digest: str = ""

    def split(self, name: str) -> Split:
        """The split of this name.

        Raises:
            CardError: the card has no such split.
        """
        if name not in self.splits:
            raise CardError(f"{self.title} has no split {name!r}: {did_you_mean(name, self.splits)}")
        return self.splits[name]


def folder() -> Path:
    """The folder of the cards that ship: beside the modules when installed, beside the package in a checkout."""
    installed = Path(str(files("bench"))) / "datasets"
    return installed if installed.is_dir() else Path(__file__).resolve().parents[1] / "datasets"


def names() -> list[str]:
    """Names of the cards that ship, sorted."""
    return sorted(path.stem for path in folder().glob("*.toml"))


def load_card(name: str | Path) -> Card:
    """Read the card with this name, or at this path if it ends in .toml.

    Raises:
        CardError: no such card, TOML that cannot be parsed, unknown or missing keys, classes that contradict each other.
    """
    if str(name).endswith(".toml"):
        path = Path(name).expanduser()
        if not path.is_file():
            raise CardError(f"no card at {path}: --dataset takes the name of a shipped card or the path of a .toml file")
    else:
        path = folder() / f"{name}.toml"
        if str(name) not in names():
            raise CardError(
                f"no data set is called {str(name)!r}: {did_you_mean(str(name), names())}; "
                "your own is a path that ends in .toml (datasets/README.md says how to write one)"
            )
    return parse_card(path.read_bytes(), where=str(path))


def parse_card(text: bytes, *, where: str) -> Card:
    """Check the text of a card and return it.

    Raises:
        CardError: as `load_card`; the message names the key and the file.
    """
    try:
        raw = tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CardError(f"{where}: this is no TOML: {error}") from None
    try:
        file = msgspec.convert(raw, _CardFile)
    except msgspec.ValidationError as error:
        raise CardError(f"{where}: {_in_words(str(error), raw)}") from None
    _one_of(file.layout, LAYOUTS, key="layout", where=where)
    _one_of(file.groups, GROUPS, key="groups", where=where)
    for task in file.tasks:
        _one_of(task, TASKS, key="tasks", where=where)
    if not file.tasks:
        raise CardError(f"{where}: tasks is empty; it lists at least one of {', '.join(TASKS)}")
    if file.default_split not in file.splits:
        raise CardError(f"{where}: default_split {file.default_split!r} is not among the splits {sorted(file.splits)}")
    return _card(file, where=where, digest=hashlib.blake2b(text, digest_size=16).hexdigest())


def _card(file: _CardFile, *, where: str, digest: str) -> Card:
    try:
        classes = Classes(
            entries=tuple(Class(**msgspec.structs.asdict(entry)) for entry in file.classes),
            ignore=file.ignore,
            void=file.void,
        )
    except CardError as error:
        raise CardError(f"{where}: {error}") from None
    plain = {
        key: value
        for key, value in msgspec.structs.asdict(file).items()
        if key not in {"classes", "ignore", "void", "values"}
    }
    return Card(classes=classes, values=_value_map(file.values, where=where), digest=digest, **plain)


def _value_map(values: dict[str, int], *, where: str) -> dict[int, int]:
    try:
        return {int(key): value for key, value in values.items()}
    except ValueError:
        raise CardError(f"{where}: the keys of [values] are pixel values, whole numbers, not {list(values)}") from None


def _one_of(value: str, known: Iterable[str], *, key: str, where: str) -> None:
    if value not in known:
        raise CardError(f"{where}: {key} = {value!r} is unknown: {did_you_mean(value, known)}")


def _in_words(problem: str, raw: dict[str, Any]) -> str:
    """Turn msgspec's message into one that names the key and, where it is a misspelling, the right one."""
    if "unknown field" in problem:
        unknown = problem.split("`")[1]
        known = _ClassEntry.__struct_fields__ if "classes" in problem else _CardFile.__struct_fields__
        return f"unknown key {unknown!r} ({did_you_mean(unknown, known)})"
    if "missing required field" in problem:
        return f"the key {problem.split('`')[1]!r} is missing{_at(problem)}"
    return problem[0].lower() + problem[1:]


def _at(problem: str) -> str:
    return f" in {problem.rsplit('`', 2)[1].removeprefix('$.')}" if " - at `" in problem else ""
