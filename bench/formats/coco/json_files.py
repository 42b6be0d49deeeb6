"""The JSON files of COCO: what is in them, typed, and errors that name the file and the place in
it.

Unknown keys are ignored, as COCO files carry many; missing ones are named. Pixels are read in
`instances.py` and `panoptic.py`, and files are found in `files.py`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, get_origin

import msgspec

from bench import json_errors, masks, plain_json
from bench.errors import DataError, PredictionError
from bench.files import replaced
from bench.formats.coco.numbers import ReadNumber, ReadWhole, number, sized, whole
from bench.formats.finding import image_ids

if TYPE_CHECKING:
    from bench.cards import Card

Number: TypeAlias = image_ids.Number
Wrong: TypeAlias = type[DataError] | type[PredictionError]
T = TypeVar("T")


class ImageEntry(msgspec.Struct, gc=False):
    """One image of a truth file."""

    id: ReadNumber
    file_name: str
    height: ReadWhole
    width: ReadWhole

    def __post_init__(self) -> None:
        """Make whole numbers of floats, and refuse an image without a pixel or with more than masks
        can count.
        """
        height, width = self.height, self.width
        plain = type(self.id) is int and type(height) is int and type(width) is int
        # The quick way for what is usual, because files list thousands of images.
        if not (plain and height > 0 and width > 0 and height * width <= masks.MOST_PIXELS):
            self.id, self.height, self.width = sized(self.id, height, width)


class Category(msgspec.Struct, gc=False):
    """One class as the file names it; without a name it is called by its id."""

    id: ReadWhole
    name: str = ""
    isthing: int | bool = 1
    supercategory: Any = None

    def __post_init__(self) -> None:
        """Make a whole number of a float."""
        self.id = whole(self.id, "id")
        if abs(self.id) >= 1 << 31:
            raise ValueError(f"the id {self.id} is too large for a category")
        self.name = self.name or f"category {self.id}"


class RleEntry(msgspec.Struct, gc=False):
    """A run-length mask: a compressed string, or plain lengths."""

    size: tuple[int, int]
    counts: str | list[int]


Segmentation: TypeAlias = list[list[float]] | RleEntry | None


class Annotation(msgspec.Struct, gc=False):
    """One object of a truth file."""

    image_id: ReadNumber
    category_id: ReadWhole
    segmentation: Segmentation = None
    bbox: list[float] | None = None
    area: float | None = None
    iscrowd: int | float | bool | None = 0
    id: int | float | str | None = None

    def __post_init__(self) -> None:
        """Make whole numbers of floats."""
        self.image_id, self.category_id = (
            number(self.image_id, "image_id"),
            whole(self.category_id, "category_id"),
        )


class Result(msgspec.Struct, gc=False):
    """One detection of a results file."""

    image_id: ReadNumber
    category_id: ReadWhole
    score: float
    segmentation: Segmentation = None
    bbox: list[float] | None = None
    file_name: Any = None

    def __post_init__(self) -> None:
        """Make whole numbers of floats."""
        self.image_id, self.category_id = (
            number(self.image_id, "image_id"),
            whole(self.category_id, "category_id"),
        )


class SegmentEntry(msgspec.Struct, gc=False):
    """One segment of a panoptic map."""

    id: int
    category_id: int
    iscrowd: int | bool = 0
    area: float | None = None


class PanopticAnnotation(msgspec.Struct, gc=False):
    """The segments of one image."""

    image_id: Number
    file_name: str
    segments_info: list[SegmentEntry]


class InstanceFile(msgspec.Struct, gc=False):
    """A truth file of objects."""

    images: list[ImageEntry]
    annotations: list[Annotation]
    categories: list[Category]


class PanopticFile(msgspec.Struct, gc=False):
    """A truth file of segments."""

    images: list[ImageEntry]
    annotations: list[PanopticAnnotation]
    categories: list[Category]


class Categories(msgspec.Struct, gc=False):
    """The classes of a truth file."""

    categories: list[Category]


class PanopticResults(msgspec.Struct, gc=False):
    """A file of predicted segments."""

    annotations: list[PanopticAnnotation]


def load(path: Path, kind: type[T], wrong: Wrong = DataError) -> T:
    """Read a JSON file as this kind of file.

    Raises:
        DataError, PredictionError (as `wrong`): the file is missing, no JSON, or lacks a key; the
            place in it is named.
    """
    try:
        data = plain_json.read(path)
    except OSError as error:
        raise wrong(f"{path}: cannot be read ({error.strerror or error})") from None
    except plain_json.NotJsonError as error:
        raise wrong(f"{path}: {error}") from None
    try:
        return _decoded(data, kind)
    except msgspec.ValidationError as error:
        if plain_json.joined_lines(data) is not None and get_origin(kind) is not list:
            raise wrong(f"{path}: {json_errors.LINES}") from None
        swapped = json_errors.no_truth(data) if wrong is DataError else None
        if swapped is not None:
            raise wrong(f"{path}: {swapped}") from None
        problem = json_errors.misfit(str(error))
        if isinstance(error.__cause__, ValueError):  # a value of the right type that cannot be
            raise wrong(f"{path}: {json_errors.placed(str(error))}") from None
        if ".segmentation" in problem:
            problem += (
                "; a segmentation is a list of polygons, each x1, y1, x2, y2, ..., or has "
                "size and counts"
            )
        raise wrong(
            f"{path}: this is not the kind of COCO file that is expected here: {problem}"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise wrong(f"{path}: {json_errors.damage(data, str(error))}") from None


def _decoded(data: bytes, kind: type[T]) -> T:
    """Decode; JSON lines are a list where one is wanted."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError:
        joined = plain_json.joined_lines(data) if get_origin(kind) is list else None
        if joined is None:
            raise
        return msgspec.json.decode(joined, type=kind)


def is_panoptic(path: Path) -> bool:
    """Whether a truth file lists segments rather than objects; a file that cannot be read is
    refused by `load`.
    """
    try:
        return b'"segments_info"' in plain_json.read(path)
    except (OSError, plain_json.NotJsonError):
        return False


def check_categories(categories: Iterable[Category], card: Card, path: Path) -> None:
    """Refuse a truth file whose names contradict the card's.

    Raises:
        DataError: a category id that the card gives to another name.
    """
    if card.classes_from == "truth":
        return
    entries = {entry.id: entry.name for entry in card.classes.entries}
    for category in categories:
        name = entries.get(category.id, category.name)
        same = {word.lower() for word in (name, *card.aliases.get(name, ()))}
        if category.name.lower() not in same:
            raise DataError(
                f"{path}: category {category.id} is {category.name!r} there and {name!r} in the "
                f"card {card.name}; "
                "other categories need a card of their own (--dataset card.toml); "
                'with classes_from = "truth" it takes those of the file'
            )


def train_ids(card: Card) -> dict[int, int | None]:
    """Train id of every category id of the card; None for one that is not scored."""
    return {entry.id: entry.train_id for entry in card.classes.entries}


def places_hint(used: Iterable[int], card: Card) -> str:
    """A hint if the categories of predictions are 0 to C - 1 or 1 to C, but the ids of the card are
    not.
    """
    used_ids, classes = {*used}, len(card.classes)
    start = next((first for first in (0, 1) if used_ids <= {*range(first, classes + first)}), None)
    if start is None or not used_ids or used_ids <= {entry.id for entry in card.classes.scored}:
        return ""
    last, first = classes - 1 + start, card.classes.scored[0]
    return (
        f"; the categories lie in {start} to {last}: if they are positions in the list of classes, "
        f"write their ids instead, such as {first.id} for {first.name}"
    )


def check_used(used: Iterable[int], card: Card, path: Path) -> None:
    """Refuse segments of the truth of categories that the card does not have.

    Raises:
        DataError: the smallest such category.
    """
    unknown = sorted(set(used) - set(train_ids(card)))
    if unknown:
        hint = 'a card of your own with classes_from = "truth" takes those of the file'
        raise DataError(
            f"{path}: category {unknown[0]} is not a class of the card {card.name}; {hint}"
        )


def categories_of(card: Card) -> list[dict[str, Any]]:
    """The scored classes as COCO writes categories."""
    return [
        {"id": e.id, "name": e.name, "supercategory": e.category or e.name, "isthing": int(e.thing)}
        | ({"color": list(e.color)} if e.color else {})
        for e in card.classes.scored
    ]


def write(path: Path, content: Any, wrong: Wrong = DataError) -> None:
    """Write a JSON file, whole or not at all.

    Raises:
        DataError, PredictionError (as `wrong`): the file cannot be written.
    """
    try:
        with replaced(path) as temporary:
            temporary.write_text(json.dumps(content, allow_nan=False), encoding="utf-8")
    except OSError as error:
        raise wrong(f"{path}: cannot be written ({error.strerror or error})") from None


def once(read: Callable[[], T]) -> Callable[[], T]:
    """A function that calls `read` at its first call and then returns the same result, from any
    thread.
    """
    lock, kept = threading.Lock(), list[T]()

    def reader() -> T:
        with lock:
            if not kept:
                kept.append(read())
            return kept[0]

    return reader
