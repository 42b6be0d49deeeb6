"""Cards: find, read and check the TOML file that describes a data set.

A bare name is a card that ships with `bench`, a path that ends in .toml is the user's own; the
working directory is never searched. `datasets/README.md` describes the keys; this module never
looks at images.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from bench.cards.card_checks import problems_of
from bench.cards.card_file import Boundary, Crops, Split, decode
from bench.cards.card_rules import rules_of
from bench.cards.card_sources import Source
from bench.cards.honoured import unhonoured
from bench.classes import Class, Classes
from bench.errors import CardError, did_you_mean

_SHOWN = 30
"""How many problems of a card are listed."""


@dataclass(frozen=True)
class Card:
    """A data set: the meaning of its labels, the layout of its files, and what is computed on it by
    default.
    """

    name: str
    title: str
    layout: str
    tasks: tuple[str, ...]
    classes: Classes
    splits: dict[str, Split]
    classes_from: str = "card"
    default_split: str = "val"
    groups: str = "none"
    files: dict[str, str] = field(default_factory=dict)
    values: dict[int, int] = field(default_factory=dict)
    colors: bool = False
    threshold: int | None = None
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    crops: Crops | None = None
    boundary: Boundary | None = None
    sources: tuple[Source, ...] = ()
    licence: str = ""
    cite: str = ""
    obtain: str = ""
    digest: str = ""

    def __repr__(self) -> str:
        """The name, what it holds, and its splits."""
        splits = f", splits {', '.join(self.splits)}" if self.splits else ""
        return f"<Card {self.name}: {len(self.classes)} classes, {', '.join(self.tasks)}{splits}>"

    def split(self, name: str) -> Split:
        """The split of this name.

        Raises:
            CardError: the card has no such split.
        """
        if name not in self.splits:
            raise CardError(
                f"{self.title} has no split {name!r}: {did_you_mean(name, self.splits)}"
            )
        return self.splits[name]

    def in_layout(self, layout: str) -> Card:
        """The same classes and splits for files in another layout.

        Raises:
            CardError: that layout cannot do what the card asks for.
        """
        if layout == self.layout:
            return self
        rules, void = rules_of(layout), self.classes.void
        used = {*void, *(entry.id for entry in self.classes.entries)}
        void = (*(value for value in rules.written_void if value not in used), *void)
        other = replace(self, layout=layout, files={}, classes=replace(self.classes, void=void))
        problems = list(unhonoured(other, void, ignore=self.classes.ignore))
        if rules.required_files:
            problems.append(
                f"layout {layout!r} needs a [files] table, and cards of other layouts have none"
            )
        if problems:
            raise CardError(in_one_error(f"{self.name} in the layout {layout!r}", problems))
        return other


def folder() -> Path:
    """The folder of the cards that ship: beside the modules when installed, beside the package in a
    checkout.
    """
    package = Path(__file__).resolve().parents[1]
    return next(
        candidate
        for candidate in (package / "datasets", package.parent / "datasets")
        if candidate.is_dir()
    )


def names() -> list[str]:
    """Names of the cards that ship, sorted."""
    return sorted(path.stem for path in folder().glob("*.toml"))


def load_card(name: str | Path) -> Card:
    """Read the card with this name, or at this path if it ends in .toml.

    Raises:
        CardError: no such card, no TOML, unknown or missing keys, classes that contradict each
            other.
    """
    if str(name).endswith(".toml"):
        path = Path(name).expanduser()
        if not path.is_file():
            raise CardError(
                f"no card at {path}: --dataset takes the name of a shipped card or a path "
                "ending in .toml"
            )
    else:
        path = folder() / f"{name}.toml"
        if str(name) not in names():
            raise CardError(
                f"there is no data set {str(name)!r}: {did_you_mean(str(name), names())}; "
                "your own is a path that ends in .toml (datasets/README.md says how to write one)"
            )
    return parse_card(path.read_bytes(), where=str(path))


def parse_card(text: bytes, *, where: str) -> Card:
    """Check the text of a card and return it.

    Raises:
        CardError: as `load_card`; the message names the file, and every key that is wrong.
    """
    try:
        reading = decode(text)
    except CardError as error:
        raise CardError(f"{where}: {error}") from None
    problems = problems_of(reading)
    if problems:
        raise CardError(in_one_error(where, problems))
    file = reading.file
    classes = Classes(
        entries=tuple(Class(**msgspec.structs.asdict(entry)) for entry in file.classes),
        ignore=file.ignore,
        void=file.void,
    )
    plain = msgspec.structs.asdict(file)
    for key in ("classes", "ignore", "void", "values"):
        del plain[key]
    return Card(
        classes=classes,
        values={int(key): value for key, value in file.values.items()},
        digest=hashlib.blake2b(text, digest_size=16).hexdigest(),
        **plain,
    )


def in_one_error(where: str, problems: Sequence[str]) -> str:
    """All problems of a card in one message: a sentence, or a numbered line for each.

    >>> in_one_error("mine.toml", ["the key 'title' is missing"])
    "mine.toml: the key 'title' is missing"
    """
    if len(problems) == 1:
        return f"{where}: {problems[0]}"
    lines = [f"  {number}. {problem}" for number, problem in enumerate(problems[:_SHOWN], start=1)]
    more = len(problems) - _SHOWN
    return "\n".join(
        [
            f"{where}: {len(problems)} problems",
            *lines,
            *([f"  and {more} more"] if more > 0 else []),
        ]
    )


__all__ = [
    "Boundary",
    "Card",
    "Crops",
    "Source",
    "Split",
    "folder",
    "in_one_error",
    "load_card",
    "names",
    "parse_card",
]
