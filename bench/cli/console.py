"""The only printer: results, notes, progress bars, JSON, and errors in one sentence with their exit
code.

Results go to standard output, everything else to standard error, so that output can be piped. Where
a stream cannot be written to, the exit code stays meaningful: 1 always means a regression, never a
broken pipe.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import (
    AbstractContextManager,
    contextmanager,
    nullcontext,
    redirect_stdout,
    suppress,
)
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from bench.errors import BenchError, OwnCodeError, UsageError
from bench.version import __version__

if TYPE_CHECKING:
    from rich.progress import TaskID

    from bench.prepare.fetch import Step

Report = Callable[[int, int], None]


def say(text: str) -> None:
    """Print a result.

    A reader that stops early (`bench check | head -1`) changes nothing: the command goes on, and
    its exit code says what it would have said without the pipe.

    Raises:
        UsageError: standard output is closed, or its disk is full.
    """
    _write(text + "\n")


def flush() -> None:
    """Hand over to the system what was printed.

    Raises:
        UsageError: as `say` does; errors of buffered output come up only here.
    """
    if sys.stdout is not None:
        _write("")


def note(text: str) -> None:
    """Print something beside the result; where standard error cannot be written to, nothing
    happens.
    """
    stream: TextIO | None = sys.stderr
    if stream is None:
        return
    try:
        stream.write(text + "\n")
        stream.flush()
    except OSError:
        discard(stream)


def discard(stream: TextIO) -> None:
    """Send what is left in the buffer of a broken stream nowhere.

    Python flushes its streams at exit; if that fails again, it prints "Exception ignored" and exits
    with 120, whatever the command returned.
    """
    with suppress(OSError, ValueError):
        descriptor = stream.fileno()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, descriptor)
        os.close(null)


def _write(text: str) -> None:
    stream: TextIO | None = sys.stdout
    if stream is None:
        raise UsageError("cannot write to standard output: it is closed")
    try:
        stream.write(text) if text else stream.flush()
    except BrokenPipeError:
        discard(stream)
    except OSError as error:
        discard(stream)
        raise UsageError(f"cannot write to standard output: {error.strerror}") from None


def say_json(value: Any) -> None:
    """Print one JSON object; an undefined number is null."""
    import msgspec

    from bench.runs import nan_to_null

    # json indents in Python, without its compiled encoder: that took a tenth of scoring 500 images.
    text = json.dumps(nan_to_null(value), ensure_ascii=False, allow_nan=False)
    say(msgspec.json.format(text, indent=2))


@contextmanager
def progress(title: str, unit: str = "images", *, quiet: bool = False) -> Iterator[Report]:
    """Show a bar with speed and time left on standard error, or a line every ten seconds without a
    terminal.
    """
    if quiet:
        yield lambda _done, _total: None
    elif sys.stderr.isatty():
        with _bar(title, unit) as report:
            yield report
    else:
        yield _Lines(title, unit)


def prints_to_stderr(*, as_json: bool) -> AbstractContextManager[object]:
    """With --json, send what the user's code prints to standard error: standard output holds the
    JSON alone.
    """
    return redirect_stdout(sys.stderr) if as_json else nullcontext()


@contextmanager
def _bar(title: str, unit: str) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

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
            if not first:
                first.append(done)  # those of --resume took no time of this run
            elapsed = bars.tasks[0].elapsed or 0.0
            speed = f"{(done - first[0]) / elapsed:.1f} {unit}/s" if elapsed > 0.5 else ""
            bars.update(task, completed=done, total=total, speed=speed)

        yield report


@contextmanager
def steps(*, quiet: bool = False) -> Iterator[Callable[[Step], None]]:
    """Show one bar for each step of a preparation: downloads, checksums and unpacking, in bytes."""
    if quiet:
        yield lambda _step: None
        return
    if not sys.stderr.isatty():
        lines: dict[tuple[str, str], _Lines] = {}

        def print_line(step: Step) -> None:
            line = lines.setdefault(
                (step.stage, step.file), _Lines(f"{step.stage} {step.file}", "MB")
            )
            line(step.done // 1_000_000, (step.total or 0) // 1_000_000)

        yield print_line
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

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
    """Progress without a terminal: a line at most every ten seconds."""

    def __init__(self, title: str, unit: str) -> None:
        import time

        self._clock = time.monotonic
        self._title, self._unit = title, unit
        self._begin = self._last = self._clock()
        self._first: int | None = None

    def __call__(self, done: int, total: int) -> None:
        """Report how many of how many are done."""
        now = self._clock()
        if self._first is None:
            self._first = done  # counted before --resume: they took no time of this run
        if now - self._last >= 10:
            self._last = now
            counted, elapsed = done - self._first, now - self._begin
            left = ""
            if counted and total > done:
                left = f", about {elapsed / counted * (total - done):.0f} s left"
            note(f"{self._title}: {done} of {total} {self._unit}, {elapsed:.0f} s{left}")


def fail(error: BaseException, *, as_json: bool) -> int:
    """Show an error in one sentence and return its exit code."""
    code = error.exit_code if isinstance(error, BenchError) else BenchError.exit_code
    is_ours = code == BenchError.exit_code
    message = _defect(error) if is_ours else str(error)
    if (
        isinstance(error, OwnCodeError)
        and error.__cause__ is not None
        and os.environ.get("BENCH_DEBUG")
    ):
        import traceback

        note("".join(traceback.format_exception(error.__cause__)).rstrip())
    if as_json:
        with suppress(UsageError):  # standard output is what failed
            say_json(
                {"error": {"kind": type(error).__name__, "message": message, "exit_code": code}}
            )
            flush()
    note(message if is_ours else f"error: {message}")
    return code


def _defect(error: BaseException) -> str:
    """Say that bench itself failed, keep the traceback in a file, and say how to report it."""
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
        f"defect: bench itself failed ({type(error).__name__}: {error}). This is not your fault; "
        f"please report it with the file {Path(file.name)}, which holds the details (BENCH_DEBUG=1 "
        "prints them here)."
    )


def interrupted(message: str) -> NoReturn:
    """Print a message after Ctrl-C and exit with the code that shells expect."""
    note(f"\n{message}")
    raise SystemExit(130)
