"""The progress of an evaluation from Python: a function of the caller, or a line on standard
error.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.errors import UsageError
from bench.opening import Progress

_SECONDS = 0.2
"""Time between two updates of the line."""


@contextmanager
def follow(progress: Any, name: str | None) -> Iterator[Progress | None]:
    """Yield the function to call with images done and in all, or None.

    Raises:
        UsageError: `progress` is neither a function nor True, False or None.
    """
    if progress is None or progress is False:
        yield None
    elif progress is True:
        line = _Line(name or "evaluating")
        try:
            yield line
        finally:
            line.end()
    elif callable(progress):
        yield progress
    else:
        raise UsageError(
            f"progress must be True or a function of images done and in all, got {progress!r}"
        )


class _Line:
    """One line that is overwritten, in terminals and in notebooks."""

    def __init__(self, title: str) -> None:
        self._title, self._started, self._shown = title, time.monotonic(), 0.0

    def __call__(self, done: int, total: int) -> None:
        """Show how many images are done."""
        now = time.monotonic()
        if done < total and now - self._shown < _SECONDS:
            return
        self._shown = now
        seconds = now - self._started
        left = (
            f", {seconds * (total - done) / done:.0f} s left"
            if 0 < done < total
            else f", {seconds:.0f} s"
        )
        bar = ("#" * (20 * done // max(total, 1))).ljust(20, ".")
        sys.stderr.write(f"\r{self._title} [{bar}] {done} of {total} images{left}   ")
        sys.stderr.flush()

    def end(self) -> None:
        """Move to the next line."""
        if self._shown:
            sys.stderr.write("\n")
