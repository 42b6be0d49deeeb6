"""Exceptions of the user's own code, reported as theirs: what was raised, and by which line.

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

_LONGEST_MESSAGE = 300
_LIBRARIES = tuple(
    str(Path(folder).resolve())
    for folder in {
        *(
            sysconfig.get_paths().get(name, "")
            for name in ("stdlib", "platstdlib", "purelib", "platlib")
        ),
        *site.getsitepackages(),
        site.getusersitepackages(),
    }
    if folder
)
_BENCH = str(Path(__file__).resolve().parents[2])


@contextmanager
def reporting_errors(name: str, when: str = "") -> Iterator[None]:
    """Run the user's code.

    Args:
        name: what messages call the model.
        when: how the code came to run, for the message.

    Raises:
        OwnCodeError: it raised an exception that is not an error of bench, or ended the program.
    """
    try:
        yield
    except BenchError:
        raise
    except (Exception, SystemExit) as error:
        raise OwnCodeError(sentence(error, name, when)) from error


def sentence(error: BaseException, name: str, when: str = "") -> str:
    """What was raised, where in the user's files, and how to see all of it."""
    circumstances = [text for text in (_location(error, name), when) if text]
    where = f" ({', '.join(circumstances)})" if circumstances else ""
    return (
        f"--model {name}: your code raised {type(error).__name__}{_message(error)}{where}; "
        "BENCH_DEBUG=1 shows the whole traceback"
    )


def is_library(filename: str) -> bool:
    """Whether code belongs to Python or to an installed package, or is in no file."""
    return filename.startswith("<") or _is_below(filename, _LIBRARIES)


def _message(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f": {error.msg}"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ".join(lines)
    if len(text) > _LONGEST_MESSAGE:
        text = f"{text[:_LONGEST_MESSAGE].rstrip()} ..."
    return f": {text.rstrip('. ')}" if text else ""


def _location(error: BaseException, name: str) -> str:
    """File and line of the last frame in the user's files, else in their package, else anywhere.

    The last frame of all is often inside a library, which says nothing about the user's mistake.
    """
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return f"{_shown(error.filename)}, line {error.lineno}"
    all_frames = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in all_frames if _is_foreign(frame.filename)]
    package = name.partition(":")[0].partition(".")[0]
    own_frames = [frame for frame in frames if not is_library(frame.filename)]
    of_package = [
        frame for frame in frames if package in Path(frame.filename).with_suffix("").parts
    ]
    candidates = own_frames or of_package or frames
    if not candidates:
        return ""
    last = candidates[-1]
    inside = f", in {last.name}" if not last.name.startswith("<") else ""
    return f"{_shown(last.filename)}, line {last.lineno}{inside}"


def _is_foreign(filename: str) -> bool:
    return not filename.startswith("<frozen") and not _is_below(filename, (_BENCH,))


def _is_below(filename: str, folders: tuple[str, ...]) -> bool:
    path = Path(filename).resolve()
    return any(path.is_relative_to(folder) for folder in folders)


def _shown(filename: str) -> str:
    """The path relative to the working directory, if the file is below it."""
    path = Path(filename)
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)
