"""The folder of a board: `board.toml`, `published.csv`, and the run records below `runs/`.

It reads and validates the files, and copies run records into the board.
`leaderboards/README.md` documents every key and column.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from bench import runs, toml_files
from bench.boards.published import Published, parse_published
from bench.cards import Card, load_card
from bench.errors import CardError, RunError, UsageError, did_you_mean
from bench.families import Metric, families, shipped
from bench.metrics.semantic import ClassesIn
from bench.runs import Run
from bench.runs.circumstances import COSTS
from bench.scoring import rules_of


class Seeds(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One [[seeds]] of `board.toml`: the rows that are training runs of one model."""

    name: str
    runs: tuple[str, ...]


class BoardFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The content of `board.toml`."""

    title: str
    dataset: str
    split: str
    metrics: tuple[str, ...]
    primary: str
    order: Literal["highest first", "lowest first"] | None = None
    classes_in: ClassesIn | None = None
    boundary_mode: Literal["gscnn", "present"] = "gscnn"
    titles: dict[str, str] = {}  # msgspec copies defaults
    details: tuple[str, ...] = ()
    cost: tuple[str, ...] = ()
    seeds: tuple[Seeds, ...] = ()
    digits: int = 1
    note: str = ""

    @property
    def sort_sign(self) -> int:
        """The factor that makes the best value of the primary metric the smallest, for sorting."""
        return 1 if self.order == "lowest first" else -1


@dataclass(frozen=True, eq=False)
class Board:
    """A board as stored: its settings, the published rows, and the run records by folder name.

    `declared` maps its metrics to their declarations, where a family has them.
    """

    path: Path
    file: BoardFile
    published: tuple[Published, ...]
    runs: dict[str, Run]
    declared: Mapping[str, Metric] = field(default_factory=dict)

    def __repr__(self) -> str:
        """The title and the number of rows of each kind."""
        rows = f"{len(self.runs)} runs and {len(self.published)} published rows"
        where = f"{self.file.dataset} {self.file.split}, {self.path}"
        return f"<Board {self.file.title}: {rows} of {where}>"


def read(folder: Path) -> Board:
    """Read a board with all its run records.

    Raises:
        UsageError: not a board, or a file that does not follow leaderboards/README.md.
        RunError: a run record that cannot be read.
    """
    path = folder / "board.toml"
    if not path.is_file():
        raise UsageError(
            f"{folder} is not a board: it has no board.toml; leaderboards/README.md describes "
            "the file"
        )
    file = _read_file(path)
    # A name that starts with a dot is a record that `add` has not finished copying.
    records = sorted(path.parent for path in (folder / "runs").glob("[!.]*/run.json"))
    by_folder = {record.name: runs.read(record) for record in records}
    declared = _declarations(by_folder.values(), file.metrics)
    if file.order is None:
        lower = file.primary in declared and declared[file.primary].lower_is_better
        file = msgspec.structs.replace(file, order="lowest first" if lower else "highest first")
    csv_path = folder / "published.csv"
    published: tuple[Published, ...] = ()
    if csv_path.is_file():
        columns = {"details": file.details, "cost": file.cost, "metrics": file.metrics}
        published = parse_published(
            _text(csv_path), where=str(csv_path), declared=declared, **columns
        )
    board = Board(folder, file, published, by_folder, declared)
    _require_seeds(board, path)
    return board


def _declarations(records: Iterable[Run], metrics: Sequence[str]) -> dict[str, Metric]:
    """The declarations of a board's metrics: by the families of its runs, else by shipped ones."""
    declared: dict[str, Metric] = {}
    for run in records:
        rules = rules_of(run)
        for family in families(run.record.tables):
            for metric in family.metrics_under(family.options(rules)):
                declared.setdefault(family.full_name(metric.name), metric)
    for family in shipped().values():
        for metric in family.metrics:
            declared.setdefault(family.full_name(metric.name), metric)
    scores = {name: name.partition(":")[0].partition("@")[0] for name in metrics}
    return {name: declared[score] for name, score in scores.items() if score in declared}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # spreadsheets write a byte order mark
    except UnicodeDecodeError:
        raise UsageError(
            f"{path} is not UTF-8; save it from the spreadsheet as 'CSV UTF-8'"
        ) from None


def _require_seeds(board: Board, path: Path) -> None:
    """Make sure that every [[seeds]] lists at least two rows, and no row is listed twice."""
    rows = [run.record.name for run in board.runs.values()]
    listed = [name for seeds in board.file.seeds for name in seeds.runs]
    for seeds in board.file.seeds:
        where = f"{path}: seeds of {seeds.name!r}"
        for name in seeds.runs:
            if name not in rows:
                raise UsageError(f"{where}: there is no row {name!r}: {did_you_mean(name, rows)}")
            if listed.count(name) > 1:
                raise UsageError(f"{where}: the row {name!r} is listed twice")
        if len(seeds.runs) < 2:
            raise UsageError(
                f'{where}: runs must list at least two rows, for example runs = ["a", "a-seed2"]'
            )


def _read_file(path: Path) -> BoardFile:
    file = toml_files.read(path, BoardFile, {"seeds": Seeds})
    card = _card(file.dataset, path)
    metrics = tuple(_expanded(file, card, path))
    file = msgspec.structs.replace(file, dataset=card.name, metrics=metrics)
    for problem in _problems(file):
        raise UsageError(f"{path}: {problem}")
    return file


def _problems(file: BoardFile) -> Iterator[str]:
    """What is wrong with the values of a file whose keys have the right types."""
    for key, names in {"primary": (file.primary,), "titles": tuple(file.titles)}.items():
        for name in names:
            if name not in file.metrics:
                hint = did_you_mean(name, file.metrics)
                yield f"{key} names {name!r}, which is not in metrics: {hint}"
    for name in file.cost:
        if name not in COSTS:
            yield f"cost: {name!r}: {did_you_mean(name, COSTS)}"
    columns = {"metrics": file.metrics, "cost and details": (*file.cost, *file.details)}
    for key, names in columns.items():
        for name in names:
            if names.count(name) > 1:
                yield f"{name!r} occurs twice in {key}"
    if not 0 <= file.digits <= 4:
        yield f"digits = {file.digits} is outside 0 to 4"


def _expanded(file: BoardFile, card: Card, path: Path) -> list[str]:
    """The metrics, with `IoU:*` replaced by one metric for every class of the card."""
    metrics: list[str] = []
    for name in file.metrics:
        score, _, label = name.partition(":")
        if label == "*":
            metrics += [f"{score}:{class_name}" for class_name in card.classes.names]
            continue
        if label and label not in card.classes.names:
            hint = did_you_mean(label, card.classes.names)
            raise UsageError(f"{path}: metrics: {name!r}: {hint}")
        metrics.append(name)
    return metrics


def _card(dataset: str, path: Path) -> Card:
    """The card that a board names: a shipped card, or a path ending in .toml beside the board."""
    try:
        return load_card(path.parent / dataset if dataset.endswith(".toml") else dataset)
    except CardError as error:
        raise UsageError(f"{path}: {error}") from None


def add(board: Board, run: Run) -> Path:
    """Copy a run record without its predictions into the board; return the new folder.

    Raises:
        RunError: another data set or split, or the board already has this id or name.
    """
    _require_new(board, run)
    record = run.record
    name = re.sub(r"[^A-Za-z0-9._+-]+", "-", record.name).strip(".-") or record.id
    target = board.path / "runs" / name
    if target.exists():
        raise RunError(f"{target} already exists: run again with another --name")
    # Copied under a hidden name and renamed, so that an interrupted copy never counts as a run.
    staging = target.with_name(f".{name}.adding")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    for file_name in ("run.json", "counts.npz"):
        shutil.copyfile(run.path / file_name, staging / file_name)
    staging.rename(target)
    return target


def _require_new(board: Board, run: Run) -> None:
    record, file = run.record, board.file
    if (record.dataset.name, record.dataset.split) != (file.dataset, file.split):
        raise RunError(
            f"{run.path} is a run on {record.dataset.name} {record.dataset.split}; "
            f"the board {board.path} is for {file.dataset} {file.split}"
        )
    for folder, other in board.runs.items():
        if other.record.id == record.id:
            raise RunError(
                f"{run.path} is already on the board as runs/{folder} (same id {record.id})"
            )
        if other.record.name == record.name:
            raise RunError(
                f"the board already has a row {record.name!r}, runs/{folder}: run again with "
                "another --name"
            )
