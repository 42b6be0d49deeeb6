"""Whether a job was evaluated before: with the same model and the same files nothing is left to do.

Files of the data set and of bench are compared by path, size and time.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from bench import kernels, plugins, runs
from bench.errors import RunError
from bench.evaluation.jobs import FromModel, Job
from bench.evaluation.recording import PACKAGES
from bench.runs import Run

MOST_FILES = 200_000
"""Above this number of files no digest is made: listing them takes longer than many evaluations."""
_OURS = (".py", ".so", ".pyd", ".safetensors", ".toml")


def answered(job: Job, out: Path) -> Run | None:
    """The record of the job below `out`, if nothing that decides its counts has changed since; else
    None.

    A job without `files` is always evaluated: the user's own code, for example, may depend on
    anything.
    """
    path = job.path(out)
    own_code = any(plugins.is_outside(key) for key in job.rules.families)
    if job.files is None or own_code or not (path / "run.json").is_file():
        return None
    try:
        run = runs.read(path)
    except RunError:
        return None
    record = run.record
    loaded = {
        name: sys.modules[module].__version__
        for name, module in PACKAGES.items()
        if module in sys.modules
    }
    then = record.environment.get("packages", {})
    same = (
        record.environment.get("files") == job.files
        and record.dataset.card_digest == job.card.digest
        and record.environment.get("kernels") == kernels.which()
        and all(then.get(name, version) == version for name, version in loaded.items())
    )
    return run if same and not _lacks(job, run) else None


def _lacks(job: Job, run: Run) -> bool:
    """Whether the job asks for predictions or latency, and the record is without them."""
    if job.save_predictions and not (run.path / "predictions").is_dir():
        return True
    wanted = isinstance(job.predictions, FromModel) and job.predictions.latency
    return wanted and not (run.record.timings.get("cost") or {}).get("latency")


def files_digest(root: Path, out: Path) -> str | None:
    """Digest of paths, sizes and times of bench's files and a data set's files, without records
    below `out`.

    If `root` is a file, its folder is taken. None if there are too many files.
    """
    state = hashlib.blake2b(digest_size=16)
    package = Path(__file__).parents[1]
    ours = [line for line in _listed(package, None) if line.partition("|")[0].endswith(_OURS)]
    theirs: list[str] = []
    for line in _listed(root if root.is_dir() else root.parent, out.resolve()):
        theirs.append(line)
        if len(theirs) > MOST_FILES:
            return None
    for line in (*sorted(ours), *sorted(theirs)):
        state.update(line.encode("utf-8", "surrogateescape"))
    return state.hexdigest()


def _listed(root: Path, excluded: Path | None) -> Iterator[str]:
    """A line for each file below a folder, without those below the folder `excluded`.

    A folder that several links lead to is entered once.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [str(root.resolve())]
    start = len(waiting[0])
    while waiting:
        folder = waiting.pop()
        try:
            status = Path(folder).stat()
            entries = list(os.scandir(folder))
        except OSError:
            continue  # whatever reads this folder will raise a better error
        if (status.st_dev, status.st_ino) in seen or folder == str(excluded):
            continue
        seen.add((status.st_dev, status.st_ino))
        for entry in entries:
            try:
                if entry.is_dir():
                    waiting.append(entry.path)
                    continue
                status = entry.stat()
            except OSError:
                continue
            yield f"{entry.path[start:]}|{status.st_size}|{status.st_mtime_ns}\n"
