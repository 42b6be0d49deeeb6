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
        Class(category.id, category.name, n, thing=bool(category.isthing))
        for n, category in enumerate(listed)
    )
    # Objects have no void pixels, so a category may have the id 255, and there may be more than 255
    # of them.
    objects = set(card.tasks) == {"instance"}
    void = tuple(
        value
        for value in card.classes.void
        if not (objects and value in {category.id for category in listed})
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
        {(category.id, category.name): category for category in categories}.values(),
        key=lambda category: category.id,
    )
    owners: dict[str, int] = {}
    for category in sorted(
        listed, key=lambda category: category.supercategory in (None, "", "none")
    ):
        owners.setdefault(category.name, category.id)
    taken = set(owners)
    return [
        category
        if owners[category.name] == category.id
        else Category(
            category.id, _free(f"{category.name} ({category.id})", taken), category.isthing
        )
        for category in listed
    ]


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "'"
    taken.add(name)
    return name


def check_annotations(
    annotations: Iterable[Annotation], listed: Iterable[Category], card: Card, path: Path
) -> None:
    """Refuse annotations of categories that the card does not have.

    Raises:
        DataError: the first such annotation; the message says whether the file lists its category.
    """
    train_ids = coco_json.train_ids(card)
    for index, entry in enumerate(annotations):
        if entry.category_id not in train_ids:
            problem = f"{path}: {named(entry, index)} has the category {entry.category_id}"
            listed_ids = sorted({category.id for category in listed})
            if entry.category_id not in listed_ids:
                few = ", ".join(map(str, listed_ids[:5])) + (", ..." if len(listed_ids) > 5 else "")
                raise DataError(
                    f"{problem}, which `categories` of the file does not list (it lists "
                    f"{few or 'none'})"
                )
            hint = 'a card of your own with classes_from = "truth" takes those of the file'
            raise DataError(
                f"{problem}; category {entry.category_id} is not a class of the card {card.name}; "
                f"{hint}"
            )


def check_results(results: Iterable[Result], card: Card, path: Path) -> None:
    """Refuse results of categories that the card does not have.

    Raises:
        PredictionError: the first such result.
    """
    train_ids, results = coco_json.train_ids(card), list(results)
    for index, entry in enumerate(results):
        if entry.category_id not in train_ids:
            ids = (
                f"it has {len(train_ids)}, with ids from {min(train_ids)} to {max(train_ids)}"
                if train_ids
                else "it has none"
            )
            raise PredictionError(
                f"{path}: {named(entry, index)}: category {entry.category_id} is not a class of "
                f"the card {card.name}"
                f" ({ids}){coco_json.places_hint((result.category_id for result in results), card)}"
            )


def named(entry: Entry, index: int) -> str:
    """What messages call an annotation or a result: its place in the file, and what else finds it.

    >>> named(Result(7, 1, 0.5), 3)
    'result 3 (image 7)'
    """
    if isinstance(entry, Result):
        return f"result {index} (image {entry.image_id})"
    number = getattr(entry, "id", None)
    id_text = "" if number is None else f"id {number}, "
    return f"annotation {index} ({id_text}image {entry.image_id})"
