"""Find the one run record that a path stands for: its folder, or the only record below it."""

from __future__ import annotations

from pathlib import Path

from bench import runs
from bench.errors import RunError, UsageError
from bench.notices import few
from bench.runs import Run

_SHOWN_RECORDS = 4


def find_record(path: Path) -> Path:
    """The folder of the record at or below `path`.

    Raises:
        RunError: no record, or more than one.
    """
    if path.is_file() or (path / "run.json").is_file() or path.name.endswith(".partial"):
        return path
    folders = sorted(file.parent for file in path.rglob("run.json") if _is_complete(file.parent))
    if not folders:
        raise RunError(
            f"{path}: there is no run record here or below; bench run and bench eval write them"
        )
    if len(folders) > 1:
        names = few([str(folder) for folder in folders], _SHOWN_RECORDS)
        raise RunError(f"{path}: there are {len(folders)} run records below; name one: {names}")
    return folders[0]


def _is_complete(folder: Path) -> bool:
    return ".writing-" not in folder.name


def read_run(path: str | Path) -> Run:
    """Read a run record from its folder, its `run.json`, or a folder with exactly one record below.

    Raises:
        RunError: no record, more than one, or a damaged one.
    """
    if not isinstance(path, str | Path):
        raise UsageError(
            f"expected the path of a run record, got an object of type {type(path).__name__}"
        )
    return runs.read(find_record(Path(path).expanduser()))
