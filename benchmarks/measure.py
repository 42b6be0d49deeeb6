"""Runs one whole process and measures it: wall time, CPU time, peak memory, and the numbers it
printed.

The last line of a process's output is a JSON object, which the job interprets.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class JobFailed(RuntimeError):
    """A process ended with an error; the message is the last line it wrote."""


@dataclass(frozen=True)
class Cost:
    """The cost of one process: seconds of wall time, seconds of CPU, peak resident MiB."""

    wall: float
    cpu: float
    memory: float


def keep_bytecode() -> None:
    """Let processes cache bytecode, as installed packages do, in a folder that is removed at
    exit.
    """
    folder = tempfile.mkdtemp(prefix="benchmarks-bytecode-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["PYTHONPYCACHEPREFIX"] = folder
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def run(command: list[str], folder: Path) -> tuple[Cost, Any]:
    """Run a command in `folder`, measured from its start to its end, and return its cost and its
    JSON.

    Raises:
        JobFailed: it ended with another exit code than 0, or wrote no JSON.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as problems:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=problems)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        problems.seek(0)
        text, trouble = out.read().decode(), problems.read().decode()
    if process.returncode != 0:
        raise JobFailed(
            (trouble.strip() or text.strip() or f"exit code {process.returncode}").splitlines()[-1]
        )
    cost = Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
    try:
        return cost, json.loads(text)
    except ValueError:
        return cost, json.loads(text.strip().splitlines()[-1])


def median(costs: list[Cost]) -> Cost:
    """The median of each figure, each on its own."""
    return Cost(
        *(
            statistics.median(column)
            for column in zip(*((c.wall, c.cpu, c.memory) for c in costs), strict=True)
        )
    )
