"""The categories of COCO files as classes: those that a truth file lists, and whether objects are
of a known one.

Names of a file need not differ; those of classes do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bench.classes import Class, Classes
from bench.errors import CardError, DataError, PredictionError
from bench.formats.coco import json_files as coco_json
from bench.formats.coco.json_files import Annotation, Categories, Category, Result

if TYPE_CHECKING:
    from bench.cards import Card


class Entry(Protocol):
    """What annotations and results have in common, in COCO's files and in those of LVIS."""

    @property
    def image_id(self) -> coco_json.Number:
        """The image it belongs to."""

    @property
    def bbox(self) -> Sequence[float] | None:
        """Its box, if it has one."""


def classes_of(path: Path, card: Card) -> Classes:
    """The classes of a truth file, by rising category; `ignore` and `void` are the card's where
    they leave room.

    Categories that share a name get their ids behind it, see `distinct`.

    Raises:
        DataError: no such file, a damaged one, no category, or two that share an id.
    """
    listed = distinct(coco_json.load(path, Categories).categories)
    if not listed:
        raise DataError(f"{path}: lists no categories, so there is nothing to score")
    entries = tuple(
        Class(each.id, each.name, n, thing=bool(each.isthing)) for n, each in enumerate(listed)
    )
    # Objects have no void pixels, so a category may have the id 255, and there may be more than 255
    # of them.
    objects = set(card.tasks) == {"instance"}
    void = tuple(
        value
        for value in card.classes.void
        if not (objects and value in {each.id for each in listed})
    )
    ignore = 65535 if objects and len(entries) > card.classes.ignore else card.classes.ignore
    try:
        return Classes(entries, ignore=ignore, void=void)
    except CardError as error:
        raise DataError(f"{path}: {error}") from None


def distinct(categories: Sequence[Category]) -> list[Category]:
    """Categories by rising id; of those that share a name, all but one get their id behind it.

    The name stays with a category that has a supercategory: Roboflow puts one in front that is the
    supercategory of all others and often has the name of one of them. A category that is listed
    twice counts once.

    >>> pair = [Category(0, "cat", supercategory="none"), Category(1, "cat", supercategory="cat")]
    >>> [each.name for each in distinct(pair)]
    ['cat (0)', 'cat']
    """
    listed = sorted(
        {(each.id, each.name): each for each in categories}.values(), key=lambda each: each.id
    )
    owners: dict[str, int] = {}
    for each in sorted(listed, key=lambda each: each.supercategory in (None, "", "none")):
        owners.setdefault(each.name, each.id)
    taken = set(owners)
    return [
        each
        if owners[each.name] == each.id
        else Category(each.id, _free(f"{each.name} ({each.id})", taken), each.isthing)
        for each in listed
    ]


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "'"
    taken.add(name)
    return name


def check_annotations(
    found: Iterable[Annotation], listed: Iterable[Category], card: Card, path: Path
) -> None:
    """Refuse annotations of categories that the card does not have.

    Raises:
        DataError: the first such annotation; the message says whether the file lists its category.
    """
    known = coco_json.train_ids(card)
    for place, entry in enumerate(found):
        if entry.category_id not in known:
            what = f"{path}: {named(entry, place)} has the category {entry.category_id}"
            own = sorted({each.id for each in listed})
            if entry.category_id not in own:
                few = ", ".join(map(str, own[:5])) + (", ..." if len(own) > 5 else "")
                raise DataError(
                    f"{what}, which `categories` of the file does not list (it lists "
                    f"{few or 'none'})"
                )
            hint = 'a card of your own with classes_from = "truth" takes those of the file'
            raise DataError(
                f"{what}; category {entry.category_id} is not a class of the card {card.name}; "
                f"{hint}"
            )


def check_results(found: Iterable[Result], card: Card, path: Path) -> None:
    """Refuse results of categories that the card does not have.

    Raises:
        PredictionError: the first such result.
    """
    known, found = coco_json.train_ids(card), list(found)
    for place, entry in enumerate(found):
        if entry.category_id not in known:
            ids = (
                f"it has {len(known)}, with ids from {min(known)} to {max(known)}"
                if known
                else "it has none"
            )
            raise PredictionError(
                f"{path}: {named(entry, place)}: category {entry.category_id} is not a class of "
                f"the card {card.name}"
                f" ({ids}){coco_json.places_hint((each.category_id for each in found), card)}"
            )


def named(entry: Entry, place: int) -> str:
    """What messages call an annotation or a result: its place in the file, and what else finds it.

    >>> named(Result(7, 1, 0.5), 3)
    'result 3 (image 7)'
    """
    if isinstance(entry, Result):
        return f"result {place} (image {entry.image_id})"
    own = getattr(entry, "id", None)
    known = "" if own is None else f"id {own}, "
    return f"annotation {place} ({known}image {entry.image_id})"
