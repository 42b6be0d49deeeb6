"""The only printer: progress bars, errors in one sentence, JSON objects, and exit codes.

Results go to standard output, everything else to standard error, so that output can be piped.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from bench.errors import BenchError, OwnCodeError
from bench.version import __version__

if TYPE_CHECKING:
    from rich.progress import TaskID

    from bench.prepare.fetch import Step

Report = Callable[[int, int], None]


def say(text: str) -> None:
    """Print a result."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """Print something beside the result."""
    sys.stderr.write(text + "\n")


def say_json(value: Any) -> None:
    """Print one JSON object; a number that is not defined is null."""
    import msgspec

    from bench.runs import nan_to_null

    # Not by the indent of json, which leaves its compiled encoder for one in Python: a tenth of scoring 500 images.
    text = json.dumps(nan_to_null(value), ensure_ascii=False, allow_nan=False)
    say(msgspec.json.format(text, indent=2))


@contextmanager
def progress(title: str, unit: str = "images", *, quiet: bool = False) -> Iterator[Report]:
    """Show a bar with speed and time left on standard error; where that is no terminal, a line every ten seconds."""
    if quiet:
        yield lambda _done, _total: None
    elif sys.stderr.isatty():
        with _bar(title, unit) as report:
            yield report
    else:
        yield _Lines(title, unit)


def prints_aside(*, wanted: bool) -> AbstractContextManager[object]:
    """If JSON is wanted, send what own code prints to standard error: standard output holds the JSON alone."""
    return redirect_stdout(sys.stderr) if wanted else nullcontext()


@contextmanager
def _bar(title: str, unit: str) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(title, total=None, speed="")
        first: list[int] = []

        def report(done: int, total: int) -> None:
            first.append(done) if not first else None
            elapsed = bars.tasks[0].elapsed or 0.0
            speed = f"{(done - first[0]) / elapsed:.1f} {unit}/s" if elapsed > 0.5 else ""
            bars.update(task, completed=done, total=total, speed=speed)

        yield report


@contextmanager
def steps(*, quiet: bool = False) -> Iterator[Callable[[Step], None]]:
    """Show one bar for every step of a preparation: downloads, checksums and unpacking, in bytes."""
    if quiet:
        yield lambda _step: None
        return
    if not sys.stderr.isatty():
        lines: dict[tuple[str, str], _Lines] = {}

        def tell(step: Step) -> None:
            line = lines.setdefault((step.stage, step.file), _Lines(f"{step.stage} {step.file}", "MB"))
            line(step.done // 1_000_000, (step.total or 0) // 1_000_000)

        yield tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[tuple[str, str], TaskID] = {}

        def show(step: Step) -> None:
            key = (step.stage, step.file)
            if key not in tasks:
                tasks[key] = bars.add_task(f"{step.stage} {step.file}", total=step.total)
            bars.update(tasks[key], completed=step.done, total=step.total)

        yield show


class _Lines:
    """Progress where there is no terminal: a line at most every ten seconds."""

    def __init__(self, title: str, unit: str) -> None:
        import time

        self._clock = time.monotonic
        self._title, self._unit = title, unit
        self._begin = self._last = self._clock()
        self._first: int | None = None

    def __call__(self, done: int, total: int) -> None:
        """Report that so many are done."""
        now = self._clock()
        if self._first is None:
            self._first = done  # counted before --resume: they say nothing about the speed
        if now - self._last >= 10:
            self._last = now
            fresh, elapsed = done - self._first, now - self._begin
            left = f", about {elapsed / fresh * (total - done):.0f} s left" if fresh and total > done else ""
            note(f"{self._title}: {done} of {total} {self._unit}, {elapsed:.0f} s{left}")


def fail(error: BaseException, *, as_json: bool) -> int:
    """Show an error in one sentence and return its exit code."""
    code = error.exit_code if isinstance(error, BenchError) else 4
    known = isinstance(error, BenchError) and code != 4
    message = str(error) if known else _defect(error)
    if isinstance(error, OwnCodeError) and error.__cause__ is not None and os.environ.get("BENCH_DEBUG"):
        import traceback

        note("".join(traceback.format_exception(error.__cause__)).rstrip())
    if as_json:
        say_json({"error": {"kind": type(error).__name__, "message": message, "exit_code": code}})
    note(f"error: {message}" if known else message)
    return code


def _defect(error: BaseException) -> str:
    """Say that this is our fault, keep the traceback in a file, and tell how to report it."""
    import tempfile
    import traceback

    text = "".join(traceback.format_exception(error))
    if os.environ.get("BENCH_DEBUG"):
        note(text)
    with tempfile.NamedTemporaryFile(
        "w", prefix="bench-defect-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write(f"bench {__version__}\n{' '.join(sys.argv)}\n\n{text}")
    return (
        f"defect: bench itself failed ({type(error).__name__}: {error}). This is not your fault; please report it "
        f"with the file {Path(file.name)}, which holds the details (BENCH_DEBUG=1 shows them here)."
    )


def interrupted(message: str) -> NoReturn:
    """End after Ctrl-C the way shells expect."""
    note(f"\n{message}")
    raise SystemExit(130)
