"""Output that cannot be written never changes what an exit code means: 1 is a regression, 4 a
defect of ours.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices of POSIX")
BENCH = [sys.executable, "-m", "bench"]
COMMANDS = [["list", "metrics"], ["--help"], ["eval", "--help"], ["list", "metrics", "--json"]]
FULL = Path("/dev/full")


def ended(words: list[str], unbuffered: bool, **streams: object) -> tuple[int, str]:
    """Exit code and standard error."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1" if unbuffered else ""}
    done = subprocess.run(
        [*BENCH, *words], env=environment, stderr=subprocess.PIPE, text=True, check=False, **streams
    )  # type: ignore[call-overload]
    return done.returncode, done.stderr


@pytest.mark.parametrize("unbuffered", [False, True], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_reader_that_stops_early_changes_nothing(words: list[str], unbuffered: bool) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert (0, "") == ended(words, unbuffered, stdout=writing)
    finally:
        os.close(writing)


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("unbuffered", [False, True], ids=["buffered", "unbuffered"])
def test_a_full_disk_is_one_sentence(unbuffered: bool) -> None:
    with FULL.open("w") as full:
        code, err = ended(["list", "metrics"], unbuffered, stdout=full)
        assert (2, "error: cannot write to standard output: No space left on device\n") == (
            code,
            err,
        )
        assert (2, err) == ended(["list", "metrics", "--json"], unbuffered, stdout=full)


def test_a_closed_output_is_one_sentence() -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" -m bench list metrics >&-', sys.executable],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (2, "error: cannot write to standard output: it is closed\n") == (
        done.returncode,
        done.stderr,
    )


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full", ">&- 2>&-", ">/dev/full 2>/dev/full"])
def test_an_error_that_cannot_be_printed_keeps_its_exit_code(closed: str) -> None:
    if "full" in closed and not FULL.exists():
        pytest.skip("there is no /dev/full")
    for words in ("frob", "list metrics --frob --json"):
        command = f'exec "$0" -m bench {words} {closed}'
        assert (
            2
            == subprocess.run(
                ["sh", "-c", command, sys.executable], check=False, capture_output=True
            ).returncode
        )
