"""Prefetch: parse input files in threads while Python is still importing.

Importing NumPy takes a tenth of a second on one core; in that time compiled code can read the files
of a small evaluation on another core. The command line begins to parse a file as soon as it knows
the path (`begin`); the reader of the file takes the result later (`take`). Therefore this module
must not import NumPy. It does not know what is in a file.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from bench import kernels, plain_json
from bench.kernels.threads import Begun

Parsed: TypeAlias = tuple[bytes, dict[str, Any]] | None
"""The bytes of a file and its columns; None without a compiled reader, or if the file is
unusual.
"""


class Parsing:
    """A file that a thread reads and parses; `result` raises what went wrong."""

    def __init__(self, path: Path, kernel: str, *, with_masks: bool) -> None:
        """Start at once, with the compiled reader of this name."""
        self.file = _state(path)
        self._begun = Begun(partial(_parse, path, kernel, with_masks))

    def result(self) -> Parsed:
        """Wait for the thread and return the columns as arrays, which needs NumPy; call it once."""
        parsed = self._begun.result()
        return None if parsed is None else (parsed[0], parsed[1]())


_begun: dict[tuple[Path, str, bool], Parsing] = {}


def begin(path: Path, kernel: str, *, with_masks: bool) -> None:
    """Start to parse a file with the compiled reader of this name; `take` returns it."""
    _begun[path, kernel, with_masks] = Parsing(path, kernel, with_masks=with_masks)


def is_begun(path: Path, kernel: str, *, with_masks: bool) -> bool:
    """Whether the parsing of this file was started with these options and not taken yet."""
    return (path, kernel, with_masks) in _begun


def take(path: Path, kernel: str, *, with_masks: bool) -> Parsing:
    """The parsing of a file: the one that was started, which is returned once, or a new one.

    If the file was replaced in the meantime, it is parsed again.
    """
    parsing = _begun.pop((path, kernel, with_masks), None)
    if parsing is None or parsing.file != _state(path):
        return Parsing(path, kernel, with_masks=with_masks)
    return parsing


def _state(path: Path) -> tuple[int, ...] | None:
    """What changes when the file is replaced; None if there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _parse(
    path: Path, kernel: str, with_masks: bool
) -> tuple[bytes, Callable[[], dict[str, Any]]] | None:
    compiled = kernels.native() if kernels.which() == "native" else None
    if compiled is None:
        return None
    try:
        data = plain_json.read(path)
    except (OSError, plain_json.NotJsonError):
        return None  # the reader in Python raises an error that says what is wrong
    columns = getattr(compiled, kernel)(data, with_masks)
    return None if columns is None else (data, columns)
