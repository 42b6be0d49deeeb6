"""Files that are read and parsed while Python is still loading: begun by who knows them, taken by their reader.

NumPy alone takes a tenth of a second to load, on one core; compiled code reads the files of a small evaluation on
another in that time. So this module must load neither NumPy nor what does, and it knows nothing of what is in a file.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from bench import kernels, plain_json
from bench.kernels.threads import Begun

Parsed: TypeAlias = tuple[bytes, dict[str, Any]] | None
"""The bytes of a file, and the columns in it; None where there is no compiled reader or the file is not usual."""


class Parsing:
    """A file that a thread reads and a compiled reader takes apart; what goes wrong is told to who asks for it."""

    def __init__(self, path: Path, kernel: str, *, with_masks: bool) -> None:
        """Begin at once, with the reader of this name."""
        self.file = _state(path)
        self._begun = Begun(partial(_parse, path, kernel, with_masks))

    def result(self) -> Parsed:
        """Wait for the end, and make arrays of the columns, which takes NumPy; ask once."""
        parsed = self._begun.result()
        return None if parsed is None else (parsed[0], parsed[1]())


_begun: dict[tuple[Path, str, bool], Parsing] = {}


def begin(path: Path, kernel: str, *, with_masks: bool) -> None:
    """Begin to parse a file with the compiled reader of this name, for whoever takes it."""
    _begun[path, kernel, with_masks] = Parsing(path, kernel, with_masks=with_masks)


def is_begun(path: Path, kernel: str, *, with_masks: bool) -> bool:
    """Whether somebody began to parse the file so, and nobody has taken it."""
    return (path, kernel, with_masks) in _begun


def take(path: Path, kernel: str, *, with_masks: bool) -> Parsing:
    """The parsing of a file: the one that was begun, which is handed over once, or one that begins now."""
    begun = _begun.pop((path, kernel, with_masks), None)
    if begun is None or begun.file != _state(path):
        return Parsing(path, kernel, with_masks=with_masks)
    return begun


def _state(path: Path) -> tuple[int, ...] | None:
    """What changes when another file is put in its place; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _parse(path: Path, kernel: str, with_masks: bool) -> tuple[bytes, Callable[[], dict[str, Any]]] | None:
    compiled = kernels.native() if kernels.which() == "native" else None
    if compiled is None:
        return None
    try:
        data = plain_json.read(path)
    except (OSError, plain_json.NotJsonError):
        return None  # the slow way says what is wrong
    columns = getattr(compiled, kernel)(data, with_masks)
    return None if columns is None else (data, columns)
