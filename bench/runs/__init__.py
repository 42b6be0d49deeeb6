"""The run record: a folder with `run.json` and `counts.npz`.

A record says what was asked, of what, under which rules, and holds the counts from which every score follows. This
module knows neither how a run was made nor what a number means. `docs/formats.md` documents every key and column.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from bench.classes import Class, Classes
from bench.errors import RunError
from bench.kernels.threads import Begun
from bench.notices import Severity, many
from bench.samples import Array, Table

SCHEMA = 1
_AS_THEY_ARE = (str, int)
"""Of JSON's values those without parts; asking whether they are a Mapping takes ten times longer."""
Tables = dict[str, Table]
"""Table name -> columns. The table `images` lists the ids and clusters by position; all others hold counts."""


class Dataset(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which images: the card, the split, how many, and what was left out."""

    name: str
    title: str
    card_digest: str
    split: str
    images: int
    clusters: str
    classes: list[dict[str, Any]]
    ignore: int
    void: list[int]


class Digests(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What two runs must share to be compared on a family's tables: the rules of counting, and the truth.

    `rows` are the lengths of its tables.
    """

    rules: str
    truth: str
    rows: dict[str, int]


class Warned(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something a reader of the scores should know; `code` stays the same across versions."""

    code: str
    message: str
    severity: Severity = "note"


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The content of `run.json`."""

    schema: Literal[1] = 1
    bench: str
    id: str
    name: str
    created: str
    dataset: Dataset
    model: dict[str, Any]
    settings: dict[str, Any]
    protocol: dict[str, Any]
    environment: dict[str, Any]
    timings: dict[str, Any]
    warnings: list[Warned]
    tables: dict[str, Digests]
    scores: dict[str, dict[str, Any]]

    def __repr__(self) -> str:
        """The id, the name, and of what it is."""
        return f"<Record {self.id} {_title(self)}>"

    @property
    def classes(self) -> Classes:
        """The class table under which the counts were taken."""
        entries = tuple(msgspec.convert(entry, Class) for entry in self.dataset.classes)
        return Classes(entries=entries, ignore=self.dataset.ignore, void=tuple(self.dataset.void))


@dataclass(frozen=True, eq=False)
class Run:
    """A record with its counts, and where it lies."""

    record: Record
    tables: Tables
    path: Path = field(default_factory=Path)

    def __repr__(self) -> str:
        """The name, of what it is, its first scores in percent, and where it lies."""
        scores = ", ".join(f"{name} {100 * value:.2f}" for name, value in _first(self.record.scores))
        where = f", {self.path}" if self.path.parts else ""
        return f"<Run {_title(self.record)}: {scores or 'no score'}{where}>"

    @property
    def image_ids(self) -> list[str]:
        """Ids of the images, by position."""
        return [str(value) for value in self.tables["images"]["id"]]


def _title(record: Record) -> str:
    return f"{record.name} on {record.dataset.title} {record.dataset.split}, {many(record.dataset.images, 'image')}"


def _first(scores: Mapping[str, Mapping[str, Any]], most: int = 3) -> list[tuple[str, float]]:
    """The first scores of the first group that have a value."""
    group = next(iter(scores.values()), {})
    entries = [(name, entry.get("value")) for name, entry in group.items() if isinstance(entry, Mapping)]
    return [(name, value) for name, value in entries if isinstance(value, float)][:most]


def digest(value: Any) -> str:
    """Digest of anything JSON can hold, independent of the order of keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).hexdigest()


def truth_digest(ids: Sequence[str], truth: Table) -> str:
    """Digest of the ordered image ids and of the truth's own rows (columns of integers)."""
    state = hashlib.blake2b(json.dumps(list(ids), ensure_ascii=False).encode("utf-8"), digest_size=16)
    for name in sorted(truth):
        state.update(name.encode("utf-8"))
        state.update(np.ascontiguousarray(truth[name], dtype="<i8").tobytes())
    return state.hexdigest()


def concatenate(parts: Sequence[Table]) -> Table:
    """Join tables of equal columns and sort the rows by image; the order inside an image is kept."""
    if not parts:
        return {}
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(joined["image"], kind="stable")
    return {name: column[order] for name, column in joined.items()}


def write(run: Run) -> None:
    """Write the record into a temporary folder beside `run.path` and put it in place, replacing an older one."""
    with writing(run.path, run.tables) as finish:
        finish(run.record)


@contextmanager
def writing(path: Path, tables: Tables, *, overwrite: bool = True) -> Iterator[Callable[[Record], Run]]:
    """Write tables into a temporary folder beside `path`, in a thread, and yield what puts a record with them in place.

    An older record is replaced, without `overwrite` only where its counts are the same; where the record never comes,
    nothing is left. What is yielded gives the run as it was written: beside the older record where the two rest on
    different ground truth. It raises RunError where other counts are no such case.
    """
    staging = path.with_name(f"{path.name}.writing-{os.getpid()}")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    written = Begun(partial(write_tables, staging / "counts.npz", tables))

    def finish(record: Record) -> Run:
        written.result()
        target = path
        if not overwrite:
            from bench.runs import replacing

            target = replacing.place_for(path, staging / "counts.npz", tables, record)
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
        with suppress(Exception):  # it was raised by `finish`, or what was raised before it is what matters
            written.result()
        shutil.rmtree(staging, ignore_errors=True)


def to_json(record: Record) -> bytes:
    """The text of `run.json`: readable, with null where a number is not defined."""
    return msgspec.json.format(msgspec.json.encode(nan_to_null(msgspec.to_builtins(record))), indent=2) + b"\n"


def nan_to_null(value: Any) -> Any:
    """Replace numbers that are not defined by None, the only form that JSON has for them.

    >>> nan_to_null({"IoU": float("nan"), "tp": [1, 2.5]})
    {'IoU': None, 'tp': [1, 2.5]}
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, _AS_THEY_ARE):
        return value
    if isinstance(value, Mapping):
        return {key: nan_to_null(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [nan_to_null(entry) for entry in value]
    return value


def read(path: Path) -> Run:
    """Read a record: `path` is its folder, or its `run.json`.

    Raises:
        RunError: no record there, an unknown schema, keys or columns that do not belong, counts that do not match.
    """
    root = path.parent if path.name == "run.json" else path
    if not (root / "run.json").is_file():
        hint = "; it was interrupted: the same command with --resume finishes it" if _unfinished(root) else ""
        raise RunError(f"{root} is no run record: there is no run.json in it{hint}")
    record = _read_record(root / "run.json")
    tables = read_tables(root / "counts.npz")
    images = tables.get("images")
    if images is None or len(images["id"]) != record.dataset.images:
        raise RunError(f"{root}: counts.npz does not list the {record.dataset.images} images that run.json speaks of")
    for digests in record.tables.values():
        for name, rows in digests.rows.items():
            if name not in tables or len(tables[name]["image"]) != rows:
                raise RunError(f"{root}: counts.npz lacks rows of the table {name!r}; copy the record again")
    return Run(record, tables, root)


def _unfinished(root: Path) -> bool:
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


def write_tables(path: Path, tables: Tables) -> None:
    """Write tables as one compressed .npz, a member `<table>/<column>` each; the same tables make the same file."""
    # Level 1 takes a fifth of the time of NumPy's 6, which was as long as scoring half a million boxes.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for table, part in tables.items():
            for name, column in part.items():
                with archive.open(f"{table}/{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asanyarray(column), allow_pickle=False)


def read_tables(path: Path) -> Tables:
    """Read what `write_tables` wrote.

    Raises:
        RunError: the file is missing, truncated or something else.
    """
    tables: dict[str, dict[str, Array]] = {}
    try:
        # Opened here, because NumPy leaves the file open when it is no archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            for key in archive.files:
                table, _, name = key.partition("/")
                tables.setdefault(table, {})[name] = archive[key]
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RunError(f"{path} cannot be read: {str(error) or 'it is truncated'}") from None
    return dict(tables)


def partial_folder(path: Path) -> Path:
    """Where the journal of the run that will lie at `path` is kept until it is whole."""
    return path.with_name(f"{path.name}.partial")
