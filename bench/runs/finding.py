"""From a path that a person gives to one run record: its folder, or a folder with exactly one record below it."""

from __future__ import annotations

from pathlib import Path

from bench import runs
from bench.errors import RunError, UsageError
from bench.notices import few
from bench.runs import Run

_NAMED = 4


def find_record(path: Path) -> Path:
    """The folder of the record at or below `path`.

    Raises:
        RunError: no record is there, or several.
    """
    if path.is_file() or (path / "run.json").is_file() or path.name.endswith(".partial"):
        return path
    found = sorted(file.parent for file in path.rglob("run.json") if ".writing-" not in file.parent.name)
    if not found:
        raise RunError(f"{path}: there is no run record here or below; bench run and bench eval write them")
    if len(found) > 1:
        names = few([str(each) for each in found], _NAMED)
        raise RunError(f"{path}: there are {len(found)} run records below; name one: {names}")
    return found[0]


def read_run(path: str | Path) -> Run:
    """Read a run record: `path` is its folder, its `run.json`, or a folder with exactly one record below it.

    Raises:
        RunError: no record is there, several, or a damaged one.
    """
    if not isinstance(path, str | Path):
        raise UsageError(f"a run record is named by the path of its folder, not by {type(path).__name__}")
    return runs.read(find_record(Path(path).expanduser()))
