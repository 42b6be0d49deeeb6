"""Finding files by image id: split lists, folders of label files, and predictions stored one file
an image.

It knows names and folders, not what the files contain.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path, PurePosixPath

from bench.errors import DataError
from bench.formats import Ids
from bench.formats.finding import lists
from bench.formats.finding.image_ids import Pictures, plain
from bench.formats.finding.listing import listing_of
from bench.images import LABEL_SUFFIXES
from bench.samples import Sample

_SHOWN = 3


def chosen(
    samples: Sequence[Sample],
    ids: Ids,
    where: Path,
    also: Callable[[str], str | None] = lambda _: None,
) -> list[Sample]:
    """Keep the samples of these ids, in the order of the data set.

    Lines that are not ids are read as `lists.py` describes, else all of them as image ids or file
    names.

    Raises:
        DataError: ids that no sample has; `where` names the list or folder of the images.
    """
    if ids is None or ids == "all":
        return list(samples)
    existing = {sample.id for sample in samples}
    wanted = set(lists.ids_of(ids, existing.__contains__, also, where=str(where)))
    if not wanted <= existing:
        wanted = _by_picture(samples, ids, where) or wanted
    unknown = sorted(wanted - existing)
    if unknown:
        example = f"; an existing id is {samples[0].id}" if samples else ""
        problem = f"{len(unknown)} of the requested ids do not exist ({first(unknown)}){example}"
        raise DataError(f"{where}: {problem}")
    return [sample for sample in samples if sample.id in wanted]


def _by_picture(samples: Sequence[Sample], ids: Sequence[str], where: Path) -> set[str]:
    """The samples that the lines name by image ids or file names; empty if this does not fit every
    line.

    Raises:
        DataError: two such ways fit and differ, or two lines name one image.
    """
    names = {getattr(sample.origin, "number", sample.id): sample.id for sample in samples}
    pictures = Pictures({number: listing_of(samples).files.get(number, "") for number in names})
    fits = [
        numbers
        for _, way in pictures.ways()
        if None not in (numbers := [way(line) for line in ids])
    ]
    if any(numbers != fits[0] for numbers in fits):
        raise DataError(
            f"{where}: ids and file names contradict each other; write ids like {samples[0].id}"
        )
    if fits and len(set(fits[0])) < len(fits[0]):
        raise DataError(f"{where}: an image is listed twice; each image counts once")
    return {names[number] for number in fits[0] if number is not None} if fits else set()


def files_below(folder: Path, suffixes: Collection[str] = LABEL_SUFFIXES) -> dict[str, Path]:
    """Map the path below the folder, without suffix and with "/", to the file; sorted, hidden files
    left out.
    """
    files: dict[str, Path] = {}
    for directory, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        base = Path(directory)
        below = "" if base == folder else f"{base.relative_to(folder).as_posix()}/"
        for name in names:
            stem, _, suffix = name.rpartition(".")
            if not stem or name.startswith(".") or f".{suffix.lower()}" not in suffixes:
                continue
            # A PNG is the first choice where the same name has several suffixes.
            if below + stem not in files or suffix.lower() == "png":
                files[below + stem] = base / name
    return dict(sorted(files.items()))


def what_lies(folder: Path) -> str:
    """What a folder without label files holds instead, for a message.

    >>> what_lies(Path("/nowhere"))
    ', and this folder is empty'
    """
    kinds: dict[str, int] = {}
    for _, inner, names in os.walk(folder, followlinks=True):
        inner[:] = [name for name in inner if not name.startswith(".")]
        for name in names:
            if not name.startswith("."):
                suffix = PurePosixPath(name).suffix.lower() or "without suffix"
                kinds[suffix] = kinds.get(suffix, 0) + 1
    if not kinds:
        return ", and this folder is empty"
    listed = ", ".join(
        f"{kinds[kind]} {kind}" for kind in sorted(kinds, key=lambda kind: -kinds[kind])[:_SHOWN]
    )
    lossy = (
        "; JPEG compression changes labels: store PNGs" if {".jpg", ".jpeg"} & set(kinds) else ""
    )
    return f", and there is no label file in this folder, but {listed}{lossy}"


def first(names: Iterable[str]) -> str:
    """Write the first few names and how many follow.

    >>> first(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    names = list(names)
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def named_below(folder: Path, name: str) -> Path:
    """The file that another file names; written on Windows, it has backslashes between its
    folders.
    """
    literal = folder / name
    return literal if "\\" not in name or literal.exists() else folder / plain(name)


def inside(folder: Path, name: str) -> Path:
    """Join a relative path to a folder.

    Raises:
        DataError: the name is absolute or leads out of the folder.
    """
    components = PurePosixPath(name).parts
    if not components or PurePosixPath(name).is_absolute() or ".." in components:
        raise DataError(
            f"the image id {name!r} leads out of the folder {folder}; ids are names or "
            "relative paths"
        )
    return folder.joinpath(*components)


def write_list(path: Path, names: Sequence[str]) -> None:
    """Write a list, one line an image.

    Raises:
        DataError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from None
