"""What a layout declares about cards: which keys it uses, and which combinations it cannot use.

Every layout of `bench/formats/` overrides these declarations in its own file. The checks of a card
ask them by the layout's name and know no layout themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, ClassVar, Protocol, cast

from bench.cards.card_file import TASKS


class CardKeys(Protocol):
    """The keys of a card that depend on its layout and tasks; `CardFile` and `Card` have them."""

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


class CardRules:
    """The part of a layout that cards are checked against; the defaults suit most layouts."""

    tasks: ClassVar[tuple[str, ...]] = TASKS
    """The tasks for which the layout has ground truth."""
    classes_from: ClassVar[tuple[str, ...]] = ("card",)
    """Where the classes may be listed: in the `card`, in the `truth` file, or in either."""
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Keys of [files] and the placeholders that each of them may hold."""
    required_files: ClassVar[tuple[str, ...]] = ()
    """Keys of [files] without which no image is found; each must hold {id}."""
    truth_files: ClassVar[tuple[str, ...]] = ()
    """Keys of [files] that say where the ground truth is; they tell splits apart by {split}."""
    objects_need_things: ClassVar[bool] = True
    """Whether objects count only in classes with `thing = true`; files of COCO's form list objects
    of any class."""
    void_in_object_files: ClassVar[bool] = False
    """Whether the card's `void` also applies to files of object numbers."""
    written_void: ClassVar[tuple[int, ...]] = ()
    """Values that mean void in every file that is written in this layout."""
    reads_one_file: ClassVar[bool] = False
    """Whether `--data` may be the ground-truth file itself instead of a folder."""

    def unused_keys(self, card: CardKeys) -> Mapping[str, str]:
        """Keys that have no effect in this layout, each with a relative clause: why, and what to
        do.

        Keys are `colors`, `values`, `threshold`, `void`, `groups` and `boundary`. A key that the
        card does not set is not reported.
        """
        del card
        return {}

    def problems(self, card: CardKeys) -> Iterator[str]:
        """What else this layout cannot do with a card, one sentence each."""
        del card
        yield from ()


def layout_names() -> tuple[str, ...]:
    """Names of the layouts that ship, sorted."""
    return cast("tuple[str, ...]", import_module("bench.formats").names())


def rules_of(layout: str) -> CardRules:
    """The rules of a layout by its name, or by `package.module:Name`.

    The layouts are on a higher floor than cards, so they are found by name, like any plug-in.

    Raises:
        UsageError: there is no such layout, or it is not a layout.
        OwnCodeError: importing a layout from outside raised an exception.
    """
    return cast("CardRules", import_module("bench.formats").find(layout))


def has_things(card: CardKeys) -> bool:
    """Whether a class of the card is countable."""
    return any(entry.thing for entry in class_entries(card))


def class_entries(card: CardKeys) -> Any:
    """The classes that a card lists; a `CardFile` holds them directly, a `Card` in a table."""
    classes: Any = getattr(card, "classes", ())
    return getattr(classes, "entries", classes)
