"""The files of a board: `board.toml`, `published.csv`, and the run records below `runs/`.

It reads and checks what people write by hand, and takes in run records; what is in a table is the business of
`boards.py`. `leaderboards/README.md` tells every key and column.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from bench import runs
from bench.cards import Card, load_card
from bench.errors import CardError, RunError, UsageError, did_you_mean
from bench.metrics.semantic import ClassesIn
from bench.runs import Run
from bench.runs.circumstances import COSTS

FIRST_COLUMNS = ("name", "source")
"""What every row of published.csv begins with."""
_NUMBER = re.compile(r"\d{1,3}(\.\d+)?")
_COST = re.compile(r"\d+(\.\d+)?")


class Seeds(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One [[seeds]] of `board.toml`: the rows that are trainings of one model."""

    name: str
    runs: tuple[str, ...]


class BoardFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The content of `board.toml`."""

    title: str
    dataset: str
    split: str
    metrics: tuple[str, ...]
    primary: str
    order: Literal["highest first", "lowest first"] = "highest first"
    classes_in: ClassesIn | None = None
    boundary_mode: Literal["gscnn", "present"] = "gscnn"
    titles: dict[str, str] = {}  # msgspec copies defaults
    details: tuple[str, ...] = ()
    cost: tuple[str, ...] = ()
    seeds: tuple[Seeds, ...] = ()
    digits: int = 1
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """A published score: a fraction of 1, and how many digits of the percentage the source gives."""

    value: float
    digits: int


@dataclass(frozen=True)
class Published:
    """One row of published.csv."""

    name: str
    source: str
    details: dict[str, str]
    figures: dict[str, Figure]


@dataclass(frozen=True, eq=False)
class Board:
    """A board as it lies on disk: what it shows, the published rows, and the run records by folder name."""

    path: Path
    file: BoardFile
    published: tuple[Published, ...]
    runs: dict[str, Run]

    def __repr__(self) -> str:
        """The title, and how many rows of each kind."""
        rows = f"{len(self.runs)} runs and {len(self.published)} published rows"
        return f"<Board {self.file.title}: {rows} of {self.file.dataset} {self.file.split}, {self.path}>"


def read(folder: Path) -> Board:
    """Read a board with all its run records.

    Raises:
        UsageError: no board there, or a file of it that is not as leaderboards/README.md says; names file and key.
        RunError: a run record that cannot be read.
    """
    path = folder / "board.toml"
    if not path.is_file():
        raise UsageError(
            f"{folder} is no board: there is no board.toml in it; leaderboards/README.md says what it holds"
        )
    file = _read_file(path)
    table = folder / "published.csv"
    published = parse_published(_text(table), file, where=str(table)) if table.is_file() else ()
    found = sorted(record.parent for record in (folder / "runs").glob("[!.]*/run.json"))
    board = Board(folder, file, published, {record.name: runs.read(record) for record in found})
    _require_seeds(board, path)
    return board


def _text(table: Path) -> str:
    try:
        return table.read_text(encoding="utf-8-sig")  # spreadsheets write a byte order mark
    except UnicodeDecodeError:
        raise UsageError(f"{table}: the text is no UTF-8; spreadsheets write it as 'CSV UTF-8'") from None


def _require_seeds(board: Board, path: Path) -> None:
    """Make sure that every [[seeds]] names two rows or more, each of them once."""
    rows = [run.record.name for run in board.runs.values()]
    listed = [name for each in board.file.seeds for name in each.runs]
    for each in board.file.seeds:
        where = f"{path}: seeds of {each.name!r}"
        for name in each.runs:
            if name not in rows:
                raise UsageError(f"{where}: no row is called {name!r}: {did_you_mean(name, rows)}")
            if listed.count(name) > 1:
                raise UsageError(f"{where}: the row {name!r} is listed twice")
        if len(each.runs) < 2:
            raise UsageError(f'{where}: it takes two rows or more, such as runs = ["a", "a-seed2"]')


def _read_file(path: Path) -> BoardFile:
    try:
        file = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8-sig")), BoardFile)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: {_in_words(str(error))}") from None
    card = _card(file.dataset, path)
    file = msgspec.structs.replace(file, dataset=card.name, metrics=tuple(_expanded(file, card, path)))
    for key, names in {"primary": (file.primary,), "titles": tuple(file.titles)}.items():
        unknown = [name for name in names if name not in file.metrics]
        if unknown:
            raise UsageError(f"{path}: {key} names {unknown[0]!r}, no metric: {did_you_mean(unknown[0], file.metrics)}")
    unknown = [name for name in file.cost if name not in COSTS]
    if unknown:
        raise UsageError(f"{path}: cost: {unknown[0]!r}: {did_you_mean(unknown[0], COSTS)}")
    for key, names in {"metrics": file.metrics, "cost, with details,": (*file.cost, *file.details)}.items():
        repeated = [name for name in names if names.count(name) > 1]
        if repeated:
            raise UsageError(f"{path}: {key} lists {repeated[0]!r} twice")
    if not 0 <= file.digits <= 4:
        raise UsageError(f"{path}: digits = {file.digits} is outside 0 .. 4")
    return file


def _expanded(file: BoardFile, card: Card, path: Path) -> list[str]:
    """The metrics, with `IoU:*` written out as one for every class of the card."""
    found: list[str] = []
    for name in file.metrics:
        score, _, label = name.partition(":")
        if label and label != "*" and label not in card.classes.names:
            raise UsageError(f"{path}: metrics: {name!r}: {did_you_mean(label, card.classes.names)}")
        found += [f"{score}:{each}" for each in card.classes.names] if label == "*" else [name]
    return found


def _card(dataset: str, path: Path) -> Card:
    """The card that a board names: one that ships, or a path ending in .toml beside the board."""
    try:
        return load_card(path.parent / dataset if dataset.endswith(".toml") else dataset)
    except CardError as error:
        raise UsageError(f"{path}: {error}") from None


def _check_columns(header: Sequence[str], known: Sequence[str], where: str) -> None:
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        raise UsageError(f"{where}: commas separate the columns, and this file has semicolons or tabs")
    for column in header:
        if column not in known or header.count(column) > 1:
            raise UsageError(f"{where}: column {column!r} is unknown or there twice: {did_you_mean(column, known)}")
    missing = [column for column in FIRST_COLUMNS if column not in header]
    if missing:
        raise UsageError(f"{where}: the column {missing[0]!r} is missing; its columns are {', '.join(known)}")


def parse_published(text: str, file: BoardFile, *, where: str) -> tuple[Published, ...]:
    """Read published rows: columns `name`, `source`, the board's details, costs and metrics; scores in percent.

    Raises:
        UsageError: columns that do not belong, a score that is no percentage, a cost that is no number.
    """
    lines = list(csv.reader(io.StringIO(text)))
    header = lines[0] if lines else []
    known = (*FIRST_COLUMNS, *file.details, *file.cost, *file.metrics)
    _check_columns(header, known, where)
    rows = []
    for number, fields in enumerate(lines[1:], start=2):
        if not fields:
            continue
        if len(fields) != len(header):
            raise UsageError(f"{where}, line {number}: {len(fields)} fields under {len(header)} columns")
        row = dict(zip(header, fields, strict=True))
        if not row["name"] or not row["source"]:
            raise UsageError(f"{where}, line {number}: name and source say what is reported, and where")
        figures = {
            name: _figure(row[name], f"{where}, line {number}, column {name!r}")
            for name in file.metrics
            if row.get(name)
        }
        details = {name: row[name] for name in (*file.details, *file.cost) if row.get(name)}
        for name in file.cost:
            if not _COST.fullmatch(details.get(name, "0")):
                raise UsageError(
                    f"{where}, line {number}, column {name!r}: {details[name]!r} is no number such as 27.7"
                )
        rows.append(Published(row["name"], row["source"], details, figures))
    return tuple(rows)


def _figure(text: str, where: str) -> Figure:
    if not _NUMBER.fullmatch(text) or float(text) > 100:
        raise UsageError(f"{where}: {text!r} is no percentage between 0 and 100, such as 83.7")
    return Figure(float(text) / 100, len(text.partition(".")[2]))


def add(board: Board, run: Run) -> Path:
    """Copy the run record (not its predictions) into the board, under its name; returns the new folder.

    Raises:
        RunError: another data set or split, or a record that is there already, by its id or its name.
    """
    record, file = run.record, board.file
    if (record.dataset.name, record.dataset.split) != (file.dataset, file.split):
        where = f"{record.dataset.name} {record.dataset.split}"
        raise RunError(f"{run.path} is a run on {where}; the board {board.path} is of {file.dataset} {file.split}")
    for folder, other in board.runs.items():
        if other.record.id == record.id:
            raise RunError(f"{run.path} is on the board already, as runs/{folder} (the same id, {record.id})")
        if other.record.name == record.name:
            raise RunError(f"the board has a row {record.name!r} already, runs/{folder}: run again with another --name")
    name = re.sub(r"[^A-Za-z0-9._+-]+", "-", record.name).strip(".-") or record.id
    target = board.path / "runs" / name
    if target.exists():
        raise RunError(f"{target} exists already: run again with another --name")
    staging = target.with_name(f".{name}.adding")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    for part in ("run.json", "counts.npz"):
        shutil.copyfile(run.path / part, staging / part)
    staging.rename(target)
    return target


def _in_words(problem: str) -> str:
    """Turn msgspec's message into one that names the key and, where it is a misspelling, the right one.

    >>> _in_words("Object contains unknown field `metric`")
    "unknown key 'metric': did you mean metrics?"
    """
    what, _, path = problem.partition(" - at `$")
    where, known = ("", BoardFile) if not path.startswith(".seeds") else ("[[seeds]]: ", Seeds)
    if "unknown field" in what:
        unknown = what.split("`")[1]
        return f"{where}unknown key {unknown!r}: {did_you_mean(unknown, known.__struct_fields__)}"
    if "missing required field" in what:
        return f"{where}the key {what.split('`')[1]!r} is missing"
    return f"{path.strip('`.')}: {what[0].lower()}{what[1:]}".replace("`", "")
