"""Lists of images in common forms: ids, file names or paths, VOC's columns, DeepLab's and SegNet's
pairs.

A line that is an id is used unchanged; other readings are tried after that. The layout knows which
ids exist.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench.errors import DataError
from bench.formats.finding.image_ids import SUFFIXES, plain

PRESENCE = frozenset({"1", "-1", "0"})
"""The second column of VOC's Main lists: whether the class is in the image. The image belongs to
the list anyway.
"""
Known = Callable[[str], bool]
"""Whether an id is one of the data set."""


def lines(path: Path) -> list[str]:
    """The lines of a list without blanks around them, empty lines, comments (#) and the mark of its
    encoding.

    Raises:
        OSError, UnicodeDecodeError: the file cannot be read, or is not text.
    """
    data = path.read_bytes()
    wide = data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    stripped = (
        line.strip() for line in data.decode("utf-16" if wide else "utf-8-sig").splitlines()
    )
    return [line for line in stripped if line and not line.startswith("#")]


def read(path: Path, is_id: Known, also: Callable[[str], str | None] = lambda _: None) -> list[str]:
    """The ids that a list names, in its order; `also` makes an id of a path in a way of the
    layout's own.

    Raises:
        DataError: the list cannot be read, is empty, or names an image twice.
    """
    try:
        names = lines(path)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: the list of images cannot be read ({error})") from None
    if not names:
        raise DataError(f"{path}: the list of images is empty")
    return ids_of(names, is_id, also, where=str(path))


def ids_of(
    listed: Sequence[str],
    is_id: Known,
    also: Callable[[str], str | None] = lambda _: None,
    *,
    where: str,
) -> list[str]:
    """The ids that lines name; a line that fits no id gives what it most likely means.

    Raises:
        DataError: two lines name one image.
    """
    names: dict[str, str] = {}
    for line in listed:
        readings = list(_readings(line, also))
        name = next((reading for reading in readings if is_id(reading)), readings[-1])
        if name in names:
            spellings = "" if names[name] == line == name else f" ({names[name]!r} and {line!r})"
            raise DataError(f"{where}: {name!r} is listed twice{spellings}; each image counts once")
        names[name] = line
    return list(names)


def _readings(line: str, also: Callable[[str], str | None]) -> Iterator[str]:
    """What a line may mean: itself, then the first of its columns, a path, the name in it; the
    likeliest is last.
    """
    yield line
    text = plain(line)
    columns = text.replace(",", " ").split()
    if len(columns) > 1 and (
        (len(columns) == 2 and columns[1] in PRESENCE) or all(map(_is_path, columns))
    ):
        text = columns[0]
        yield text
    name_by_layout = also(text)
    if name_by_layout is not None:
        yield name_by_layout
        return
    if not _is_path(text):
        return
    name = text[: text.rindex(".")]
    folders = name.strip("/").split("/")
    # The longest end of the path first: an id may hold folders.
    yield from ("/".join(folders[start:]) for start in range(len(folders)))


def _is_path(word: str) -> bool:
    return Path(word).suffix.lower() in SUFFIXES and Path(word).stem != ""
