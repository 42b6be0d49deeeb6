"""Finding files by image id: split lists, folders of label files, and predictions stored one file an image.

It knows names and folders; what is inside the files is not its business.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path, PurePosixPath

from bench.errors import DataError
from bench.formats import Ids
from bench.images import LABEL_SUFFIXES
from bench.samples import Sample

_SHOWN = 3


def read_list(path: Path) -> list[str]:
    """Read a list, one line an image; blank lines are skipped, and spaces inside a line belong to it.

    Raises:
        DataError: the list cannot be read, is empty, or names an image twice.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: the list of images cannot be read ({error})") from None
    names = [line for line in lines if line]
    if not names:
        raise DataError(f"{path}: the list of images is empty")
    refuse_repeats(names, where=str(path))
    return names


def refuse_repeats(names: Sequence[str], *, where: str) -> None:
    """Refuse a list that names an image twice, because it would count twice.

    Raises:
        DataError: the first such name.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError(f"{where}: {name!r} is listed twice; each image counts once")
        seen.add(name)


def chosen(samples: Sequence[Sample], ids: Ids, where: Path) -> list[Sample]:
    """Keep the samples of these ids, in the order of the data set.

    Raises:
        DataError: ids that no sample has; `where` names the list or folder of the images.
    """
    if ids is None or ids == "all":
        return list(samples)
    unknown = sorted(set(ids) - {sample.id for sample in samples})
    if unknown:
        example = f"; an id there is {samples[0].id}" if samples else ""
        raise DataError(f"{where}: {len(unknown)} of the ids asked for are not there ({first(unknown)}){example}")
    return [sample for sample in samples if sample.id in set(ids)]


def files_below(folder: Path, suffixes: Collection[str] = LABEL_SUFFIXES) -> dict[str, Path]:
    """Map the path below the folder, without suffix and with "/", to the file; sorted, hidden files left out."""
    found: dict[str, Path] = {}
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        base = Path(place)
        below = "" if base == folder else f"{base.relative_to(folder).as_posix()}/"
        for name in names:
            stem, _, suffix = name.rpartition(".")
            if not stem or name.startswith(".") or f".{suffix.lower()}" not in suffixes:
                continue
            # A PNG is the first choice where the same name has several suffixes.
            if below + stem not in found or suffix.lower() == "png":
                found[below + stem] = base / name
    return dict(sorted(found.items()))


def what_lies(folder: Path) -> str:
    """Words for a folder without label files: what lies there instead.

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
    listed = ", ".join(f"{kinds[kind]} {kind}" for kind in sorted(kinds, key=lambda kind: -kinds[kind])[:_SHOWN])
    lossy = "; JPEGs change labels: store PNGs" if {".jpg", ".jpeg"} & set(kinds) else ""
    return f", and no label file lies there, but {listed}{lossy}"


def first(names: Iterable[str]) -> str:
    """Write the first few names and how many follow.

    >>> first(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    names = list(names)
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def named_below(folder: Path, name: str) -> Path:
    """The file that another file names; written on Windows, it has backslashes between its folders."""
    literal = folder / name
    return literal if "\\" not in name or literal.exists() else folder / name.replace("\\", "/")


def inside(folder: Path, name: str) -> Path:
    """Join a relative path to a folder.

    Raises:
        DataError: the name is absolute or leads out of the folder.
    """
    parts = PurePosixPath(name).parts
    if not parts or PurePosixPath(name).is_absolute() or ".." in parts:
        raise DataError(f"the image id {name!r} leads out of the folder {folder}; ids are names or relative paths")
    return folder.joinpath(*parts)


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
