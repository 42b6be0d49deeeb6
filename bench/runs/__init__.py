"""The run record: a folder with `run.json` and `counts.npz`, how it is written, and how it is read.

A record states what was evaluated and under which rules, and holds the counts from which every
score follows. This module does not know how a run was made or what a number means.
`docs/formats.md` documents every key and column.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from bench.errors import RunError
from bench.kernels.threads import Begun
from bench.runs.record import Dataset, Digests, Record, RecordedNotice, Run
from bench.runs.tables import (
    Tables,
    concatenate,
    digest,
    read_tables,
    truth_digest,
    write_tables,
)

__all__ = [
    "SCHEMA",
    "Dataset",
    "Digests",
    "Record",
    "RecordedNotice",
    "Run",
    "Tables",
    "concatenate",
    "digest",
    "nan_to_null",
    "partial_folder",
    "read",
    "read_tables",
    "to_json",
    "truth_digest",
    "write",
    "write_tables",
    "writing",
]

SCHEMA = 1
_UNCHANGED = (str, int)
"""JSON values without parts; testing for these first is ten times faster than for a Mapping."""


def write(run: Run) -> None:
    """Write a record to `run.path`, replacing an older one only once it is complete."""
    with writing(run.path, run.tables) as finish:
        finish(run.record)


@contextmanager
def writing(
    path: Path, tables: Tables, *, overwrite: bool = True
) -> Iterator[Callable[[Record], Run]]:
    """Start to write tables in a thread, and yield a function that adds the record and finishes.

    Everything is written to a folder beside `path` and renamed, so that `path` never holds half a
    record; if the yielded function is not called, nothing remains. An older record is replaced;
    without `overwrite`, only if its counts are equal. If the older record was counted against other
    ground truth, both are kept, and the new run says where it is.

    The yielded function raises RunError if the counts differ although the ground truth does not.
    """
    staging = path.with_name(f"{path.name}.writing-{os.getpid()}")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    # Compressing the counts takes long, so the caller computes scores meanwhile.
    written = Begun(partial(write_tables, staging / "counts.npz", tables))

    def finish(record: Record) -> Run:
        written.result()
        target = path
        if not overwrite:
            from bench.runs import replacing

            target = replacing.choose_folder(path, staging / "counts.npz", tables, record)
            record = msgspec.structs.replace(record, id=target.name)
        (staging / "run.json").write_bytes(to_json(record))
        predictions = partial_folder(path) / "predictions"
        if predictions.is_dir():
            predictions.rename(staging / "predictions")
        if target.exists():
            shutil.rmtree(target)
        staging.rename(target)
        shutil.rmtree(partial_folder(path), ignore_errors=True)
        return Run(record, tables, target)

    try:
        yield finish
    finally:
        # An error of the thread was raised by `finish`; otherwise an earlier error matters more.
        with suppress(Exception):
            written.result()
        shutil.rmtree(staging, ignore_errors=True)


def to_json(record: Record) -> bytes:
    """The text of `run.json`: indented, with null for undefined numbers."""
    content = nan_to_null(msgspec.to_builtins(record))
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def nan_to_null(value: Any) -> Any:
    """Replace undefined numbers by None, because JSON has no NaN.

    >>> nan_to_null({"IoU": float("nan"), "tp": [1, 2.5]})
    {'IoU': None, 'tp': [1, 2.5]}
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, _UNCHANGED):
        return value
    if isinstance(value, Mapping):
        return {key: nan_to_null(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [nan_to_null(item) for item in value]
    return value


def read(path: Path) -> Run:
    """Read a record; `path` is its folder, or its `run.json`.

    Raises:
        RunError: no record, an unknown schema, unknown keys, or counts that do not match.
    """
    root = path.parent if path.name == "run.json" else path
    if not (root / "run.json").is_file():
        hint = ""
        if _is_unfinished(root):
            hint = "; the run was interrupted: the same command with --resume finishes it"
        raise RunError(f"{root} is not a run record: it has no run.json{hint}")
    record = _read_record(root / "run.json")
    tables = read_tables(root / "counts.npz")
    images = tables.get("images")
    if images is None or len(images["id"]) != record.dataset.images:
        raise RunError(
            f"{root}: counts.npz does not list the {record.dataset.images} images of run.json"
        )
    for digests in record.tables.values():
        for name, rows in digests.rows.items():
            if name not in tables or len(tables[name]["image"]) != rows:
                raise RunError(
                    f"{root}: counts.npz lacks rows of the table {name!r}; copy the record again"
                )
    return Run(record, tables, root)


def _is_unfinished(root: Path) -> bool:
    return root.name.endswith(".partial") or partial_folder(root).is_dir()


def _read_record(path: Path) -> Record:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read as JSON: {error}") from None
    schema = raw.get("schema") if isinstance(raw, dict) else None
    if schema != SCHEMA:
        raise RunError(f"{path} has schema {schema!r}; this version of bench reads schema {SCHEMA}")
    try:
        return msgspec.convert(raw, Record)
    except msgspec.ValidationError as error:
        raise RunError(f"{path} is not a valid run record: {error}") from None


def partial_folder(path: Path) -> Path:
    """The folder of the journal of an unfinished run whose record will be at `path`."""
    return path.with_name(f"{path.name}.partial")
