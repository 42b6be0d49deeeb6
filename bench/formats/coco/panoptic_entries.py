"""Which entry of a panoptic JSON belongs to which image: by image id for all images, or by another
name for all.

An entry has an `image_id` and the `file_name` of its map, and both must mean one image. It knows no
pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.errors import PredictionError, UnmatchedError
from bench.formats.finding import folders, image_ids
from bench.formats.finding.image_ids import Pictures
from bench.notices import Notice

if TYPE_CHECKING:
    from bench.formats.coco.json_files import Number, PanopticAnnotation, Wrong

Placed = Mapping["Number", "PanopticAnnotation"]
"""The entry of each image by its id in the truth."""


def check(
    entries: Sequence[PanopticAnnotation], pictures: Pictures, where: str, wrong: Wrong
) -> None:
    """Refuse two entries of one image or of one map, and entries whose id and file name name two
    images.

    Raises:
        DataError, PredictionError (as `wrong`): the first such entry.
    """
    numbers: dict[Any, str] = {}
    maps: dict[str, Any] = {}
    for index, entry in enumerate(entries):
        number, name = entry.image_id, entry.file_name
        if number in numbers:
            both = f"{numbers[number]} and {name}" if numbers[number] != name else name
            raise wrong(
                f"{where}: lists the image {number!r} twice ({both}); each image has one entry"
            )
        if name in maps:
            raise wrong(
                f"{where}: images {maps[name]!r} and {number!r} both have the map {name}; a "
                "map belongs to one image"
            )
        numbers[number], maps[name] = name, number
        named = pictures.named(name)
        if named and number in pictures.files and number not in named:
            raise wrong(f"{where}: {image_ids.contradiction(f'entry {index}', entry, pictures)}")


def place(
    entries: Sequence[PanopticAnnotation],
    pictures: Pictures,
    needed: Mapping[Number, str],
    where: str,
) -> tuple[Placed, tuple[Notice, ...]]:
    """Find the entry of every needed image (id -> sample id); entries of other images are left out.

    Raises:
        PredictionError: as `check`; images without an entry; ids that may mean two images.
    """
    check(entries, pictures, where, PredictionError)
    exact: Placed = {entry.image_id: entry for entry in entries}
    if needed.keys() <= exact.keys():
        return exact, ()
    fits = []
    for description, meant in _ways(pictures):
        by_number: dict[Number, PanopticAnnotation] = {}
        double = False
        for entry in entries:
            number = meant(entry)
            double = double or number in by_number
            if number is not None:
                by_number[number] = entry
        if not double and needed.keys() <= by_number.keys():
            fits.append((description, by_number))
    if not fits:
        raise UnmatchedError(f"{where}: {_missing(entries, exact, needed)}")
    description, placed = fits[0]
    for other, by_number in fits[1:]:
        different = next(
            (number for number in needed if by_number[number] is not placed[number]), None
        )
        if different is not None:
            raise PredictionError(
                f"{where}: the entry of {needed[different]} is {placed[different].file_name} by "
                f"{description}, and {by_number[different].file_name} by {other}; write the "
                "ids of the ground truth"
            )
    first = next(iter(needed))
    example = placed[first]
    message = (
        f"the panoptic predictions were found by {description}, for example the entry with "
        f"image_id {example.image_id!r} and file_name {example.file_name} for {needed[first]}"
    )
    return placed, (Notice("image-ids", message),)


def _ways(pictures: Pictures) -> list[tuple[str, Callable[[PanopticAnnotation], Number | None]]]:
    def by_number(way: image_ids.Way) -> Callable[[PanopticAnnotation], Number | None]:
        return lambda entry: way(entry.image_id)

    def by_file(entry: PanopticAnnotation) -> Number | None:
        named = pictures.named(entry.file_name)
        return next(iter(named)) if len(named) == 1 else None

    return [
        *((description, by_number(way)) for description, way in pictures.ways()),
        ("the file_name of each entry", by_file),
    ]


def _missing(
    entries: Sequence[PanopticAnnotation], exact: Placed, needed: Mapping[Number, str]
) -> str:
    missing = [name for number, name in needed.items() if number not in exact]
    text = (
        f"has no prediction for {len(missing)} of {len(needed)} images ({folders.first(missing)})"
    )
    number = next(number for number in needed if number not in exact)
    if not entries:
        return f"{text}; it has no entries"
    example = entries[0]
    more = (
        f"{len(entries)} entries exist, such as image_id {example.image_id!r} with file_name "
        f"{example.file_name}"
    )
    return f"{text}; image_id {number!r} is expected, and {more}"
