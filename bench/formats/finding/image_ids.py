"""Which image an entry of results means: by one kind of `image_id` for all entries, or not at all.

Entries usually have the ids of the truth. Some writers give the file name of the image, its stem,
or a number in it (ultralytics), or numbers as text. Such a way is taken only if it fits every entry
and no other way that fits contradicts it; then a note says so. This module looks at nothing else in
an entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeAlias

from bench.errors import PredictionError, UnmatchedError
from bench.images import IMAGE_SUFFIXES
from bench.notices import Notice

Number: TypeAlias = int | str
"""What COCO files call an image id: a number, in some files as text."""
Way: TypeAlias = Callable[[Any], Number | None]
"""From the `image_id` of an entry to the id of the image, None where there is no such image."""


SUFFIXES = frozenset({*IMAGE_SUFFIXES, ".webp", ".gif"})
"""What is cut off a name; other dots belong to it."""


class Entry(Protocol):
    """The keys of an entry that identify its image; some writers put the file name beside the
    id.
    """

    image_id: Any
    file_name: Any


@dataclass(frozen=True, eq=False)
class Pictures:
    """The images of a ground truth: `files` are their file names by id, "" for an image without
    one.
    """

    files: Mapping[Number, str]

    def ways(self) -> Iterator[tuple[str, Way]]:
        """Ways to identify images other than by id, each described; names that two images share are
        left out.
        """
        names = [(number, plain(name)) for number, name in self.files.items() if name]
        yield "their ids in another form", self._as_number
        yield "the file names of the images", _once((name, n) for n, name in names).get
        yield (
            "the file names of the images without folders",
            _once((_last(name), n) for n, name in names).get,
        )
        yield (
            "the file names of the images without suffix",
            _once((_stem(name), n) for n, name in names).get,
        )
        stems = [(_stem(_last(name)), n) for n, name in names]
        by_stem = _once(stems)
        yield (
            "the last parts of the file names of the images",
            lambda image_id: by_stem.get(_keys(image_id)[2]) if isinstance(image_id, str) else None,
        )
        # ultralytics writes a number where the stem is one, and text elsewhere.
        numbers = [(int(stem), n) for stem, n in stems if stem.isdecimal()]
        yield (
            "the file names of the images without folders and suffix",
            _once([*stems, *numbers]).get,
        )
        # As COCO conversions make numbers of names: 2007_000033 becomes 2007000033.
        digits = [(stem.replace("_", ""), n) for stem, n in stems]
        yield (
            "the numbers in the file names of the images",
            _once((int(d), n) for d, n in digits if d.isdecimal()).get,
        )

    def named(self, file_name: Any) -> set[Number]:
        """The images that may have this file name: by the whole name, else its last part, else
        without suffix.
        """
        if not isinstance(file_name, str):
            return set()
        whole, last, stem = _keys(file_name)
        names, lasts, stems = self._owners
        tried = ((names, whole), (lasts, last), (names, _stem(whole)), (lasts, stem), (stems, stem))
        return next((table[key] for table, key in tried if key in table), set())

    @cached_property
    def _owners(self) -> tuple[dict[str, set[Number]], ...]:
        tables: tuple[dict[str, set[Number]], ...] = ({}, {}, {})
        for number, name in self.files.items():
            for table, key in zip(tables, _keys(name), strict=True):
                if name:
                    table.setdefault(key, set()).add(number)
        return tables

    def _as_number(self, image_id: Any) -> Number | None:
        """1 for "1" and "0001", and "1" for 1."""
        if image_id in self.files:
            number: Number = image_id
            return number
        other = (
            int(image_id) if isinstance(image_id, str) and image_id.isdecimal() else str(image_id)
        )
        return other if other in self.files else None


def resolve(
    entries: Sequence[Entry], files: Mapping[Number, str], where: str
) -> tuple[Notice, ...]:
    """Give every entry the id that its image has in the truth, and return a note where entries had
    other ids.

    Raises:
        PredictionError: an image that the truth does not list, ids that may mean two images, or an
            entry whose `image_id` and `file_name` name two images.
    """
    pictures = Pictures(files)
    notices: tuple[Notice, ...] = ()
    used = {entry.image_id for entry in entries}
    if not used <= files.keys():
        description, meant = _meaning(pictures, used, entries, where)
        example = next(entry for entry in entries if entry.image_id not in files)
        message = (
            f"the results identify images by {description}, such as {example.image_id!r} for the "
            f"image with the id {meant(example)!r}"
        )
        notices = (Notice("image-ids", message),)
        for entry in entries:
            entry.image_id = meant(entry)
    check_names(entries, pictures, where)
    return notices


def check_names(entries: Iterable[Entry], pictures: Pictures, where: str) -> None:
    """Refuse an entry whose file name is that of another image.

    Raises:
        PredictionError: the first such entry.
    """
    for index, entry in enumerate(entries):
        if entry.file_name is not None:
            named = pictures.named(entry.file_name)
            if named and entry.image_id in pictures.files and entry.image_id not in named:
                raise PredictionError(
                    f"{where}: {contradiction(f'entry {index}', entry, pictures)}"
                )


def contradiction(subject: str, entry: Entry, pictures: Pictures) -> str:
    """Words for an entry whose id and file name name two images."""
    listed_name = pictures.files.get(entry.image_id, "")
    other = min(pictures.named(entry.file_name), key=str)
    return (
        f"{subject} has image_id {entry.image_id!r} but file_name {entry.file_name!r}: these name "
        f"two images ({entry.image_id!r} is {listed_name}, and {entry.file_name} has the id "
        f"{other!r})"
    )


def plain(name: str) -> str:
    """A name with "/" between folders, as it may have been written on Windows."""
    return name.replace("\\", "/")


def _meaning(
    pictures: Pictures, used: set[Any], entries: Sequence[Entry], where: str
) -> tuple[str, Callable[[Entry], Any]]:
    """The one way that fits all entries, with its description.

    Raises:
        PredictionError: none fits, or two fit and differ.
    """
    fits = [
        (description, way)
        for description, way in pictures.ways()
        if all(way(number) is not None for number in used)
    ]
    for description, way in fits[1:]:
        different = next((number for number in used if way(number) != fits[0][1](number)), None)
        if different is not None:
            raise PredictionError(
                f"{where}: the image_id {different!r} may mean two images: "
                f"{fits[0][1](different)!r} by {fits[0][0]}, {way(different)!r} by {description}; "
                "write the ids of the ground truth"
            )
    if fits:
        description, way = fits[0]
        return description, lambda entry: way(entry.image_id)
    named = [pictures.named(entry.file_name) for entry in entries]
    if named and all(len(numbers) == 1 for numbers in named):
        return "the file_name of each entry", lambda entry: next(
            iter(pictures.named(entry.file_name))
        )
    raise UnmatchedError(f"{where}: {_unknown(pictures, entries)}")


def _unknown(pictures: Pictures, entries: Sequence[Entry]) -> str:
    """Words for results of images that are not listed, with an id from both files and the likely
    cause.
    """
    strange = [
        (index, entry.image_id)
        for index, entry in enumerate(entries)
        if entry.image_id not in pictures.files
    ]
    index, unknown = strange[0]
    number, name = next(iter(pictures.files.items()))
    kind = "numbers" if isinstance(number, int) else "names"
    example = f"{number!r} ({name})" if name and name != number else f"{number!r}"
    text = f"result {index} is for image {unknown!r}, which the ground truth does not list"
    share = f"{len(strange)} of {len(entries)} results are for images that are not listed"
    return (
        f"{text}; {share}, and the ids of the ground truth are {kind} such as "
        f"{example}{_shifted(pictures, entries)}"
    )


def _shifted(pictures: Pictures, entries: Sequence[Entry]) -> str:
    """Words for ids that are all there once 1 is added or taken away."""
    used = {entry.image_id for entry in entries}
    if all(isinstance(number, int) for number in used):
        for step, sign, start in ((1, "+", 0), (-1, "-", 1)):
            if {number + step for number in used} <= pictures.files.keys():
                return (
                    f"; every one of them {sign} 1 is an id of the ground truth: the "
                    f"results may count images from {start}"
                )
    return ""


def _once(pairs: Iterable[tuple[Any, Number]]) -> dict[Any, Number]:
    """A table of the keys that belong to one image; those of two images are left out."""
    owners: dict[Any, Number] = {}
    shared = set()
    for key, number in pairs:
        if owners.setdefault(key, number) != number:
            shared.add(key)
    return {key: number for key, number in owners.items() if key not in shared}


def _keys(name: str) -> tuple[str, str, str]:
    """The whole name, its last part, and that without suffix."""
    whole = plain(name)
    last = _last(whole)
    return whole, last, _stem(last)


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _stem(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return stem if stem and dot + suffix.lower() in SUFFIXES else name
