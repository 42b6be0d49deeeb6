"""Exceptions of a person's own code, reported as theirs: what was raised and by which line, in one sentence.

This module knows neither models nor data sets.
"""

from __future__ import annotations

import site
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.errors import BenchError, OwnCodeError

_LONGEST = 300
_LIBRARIES = tuple(
    str(Path(folder).resolve())
    for folder in {
        *(sysconfig.get_paths().get(name, "") for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        *site.getsitepackages(),
        site.getusersitepackages(),
    }
    if folder
)
_BENCH = str(Path(__file__).resolve().parents[2])


@contextmanager
def theirs(name: str, when: str = "") -> Iterator[None]:
    """Code of a person runs within; `name` is what messages call it, `when` says how it came to run.

    Raises:
        OwnCodeError: it raised something that is no error of bench, or ended the program.
    """
    try:
        yield
    except BenchError:
        raise
    except (Exception, SystemExit) as error:
        raise OwnCodeError(sentence(error, name, when)) from error


def sentence(error: BaseException, name: str, when: str = "") -> str:
    """What was raised, where in the person's own files, and how to see all of it."""
    place = _place(error, name)
    circumstances = ", ".join(word for word in (place, when) if word)
    where = f" ({circumstances})" if circumstances else ""
    return (
        f"--model {name}: your code raised {type(error).__name__}{_message(error)}{where}; "
        "BENCH_DEBUG=1 shows the whole traceback"
    )


def _message(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f": {error.msg}"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ".join(lines)
    short = text if len(text) <= _LONGEST else f"{text[:_LONGEST].rstrip()} ..."
    return f": {short.rstrip('. ')}" if short else ""


def _place(error: BaseException, name: str) -> str:
    """File and line of the last frame in the person's own files; in those of libraries where there is none."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return f"{_shown(error.filename)}, line {error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_foreign(frame.filename)]
    package = name.partition(":")[0].partition(".")[0]
    choices = (
        [frame for frame in frames if not is_library(frame.filename)],
        [frame for frame in frames if package in Path(frame.filename).with_suffix("").parts],
        frames,
    )
    last = next((each[-1] for each in choices if each), None)
    if last is None:
        return ""
    inside = f", in {last.name}" if not last.name.startswith("<") else ""
    return f"{_shown(last.filename)}, line {last.lineno}{inside}"


def _is_foreign(filename: str) -> bool:
    return not filename.startswith("<frozen") and not _below(filename, (_BENCH,))


def is_library(filename: str) -> bool:
    """Whether a file belongs to Python or to an installed package, or is none at all."""
    return filename.startswith("<") or _below(filename, _LIBRARIES)


def _below(filename: str, folders: tuple[str, ...]) -> bool:
    path = Path(filename).resolve()
    return any(path.is_relative_to(folder) for folder in folders)


def _shown(filename: str) -> str:
    """The path as a person would type it from where they are."""
    path = Path(filename)
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


__all__ = ["is_library", "sentence", "theirs"]
