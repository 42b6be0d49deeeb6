"""A board: run records and published rows in one table, with intervals, rank intervals and tied groups.

The table is a plain value, from which `render/` makes every format; this module knows no markup. What may be called
better is for `compare.py` to say. (The module is not called `board`, for that is the function at the door.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bench import board_runs
from bench.board_file import Board, BoardFile, Published, read
from bench.board_runs import Measured, Standing
from bench.compare import Comparison
from bench.runs import Run

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Score:
    """A score as a table shows it: a fraction of 1 (None: not defined), the digits of its percentage, its interval."""

    value: float | None
    digits: int
    interval: tuple[float, float] | None = None
    bold: bool = False


@dataclass(frozen=True)
class Column:
    """A column: the key of its values, the title a person reads, and what its cells are."""

    key: str
    title: str
    kind: Literal["rank", "name", "text", "score", "letters"]


@dataclass(frozen=True)
class Row:
    """A row: a cell for each column (text, or a `Score`), and why it stands apart, if it does."""

    name: str
    reported: bool
    cells: tuple[str | Score, ...]
    rank: tuple[int, int] | None = None
    reason: str = ""


@dataclass(frozen=True)
class Table:
    """All that a renderer writes: rows in order, rows that cannot be compared with them, and remarks in words."""

    title: str
    note: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    apart: tuple[Row, ...]
    remarks: tuple[str, ...]


def board(folder: str | Path) -> pd.DataFrame:
    """Return the table of a board folder as a DataFrame: a row each, a column each, `<metric>:low` and `:high` beside.

    Scores are fractions of 1, NaN where not defined or not known. `reported` marks published rows, `apart` holds the
    reason of rows that cannot be compared; `rank:low` and `rank:high` are the rank interval.
    """
    from pandas import DataFrame

    return DataFrame(records(table(read(Path(folder)))))


def records(table: Table) -> list[dict[str, Any]]:
    """The rows as flat records, for data frames, CSV and JSON."""
    found = []
    for row in (*table.rows, *table.apart):
        record: dict[str, Any] = {"name": row.name, "reported": row.reported, "apart": row.reason}
        for column, cell in zip(table.columns, row.cells, strict=True):
            if isinstance(cell, Score):
                low, high = cell.interval or (None, None)
                record |= {column.key: cell.value, f"{column.key}:low": low, f"{column.key}:high": high}
                record[f"{column.key}:bold"] = cell.bold
            elif column.kind == "rank":
                low, high = row.rank or (None, None)
                record |= {"rank:low": low, "rank:high": high}
            else:
                record[column.key] = cell
        found.append(record)
    return found


def table(board: Board) -> Table:
    """Rank the comparable runs, and lay out measured rows, published rows, and rows that stand apart."""
    file = board.file
    together, apart = board_runs.part([board_runs.measured(file, run) for run in board.runs.values()], file)
    found, compared = board_runs.standings(together, file)
    columns = _columns(board, ranked=compared is not None)
    sign = -1 if file.order == "highest first" else 1
    rows = [
        *(_measured_row(one, columns, found, position, file) for position, one in enumerate(together)),
        *(_published_row(row, columns) for row in sorted(board.published, key=lambda row: _place(row, file, sign))),
    ]
    out = [replace(_measured_row(one, columns, {}, 0, file), reason=reason) for one, reason in apart]
    remarks = _remarks(together, compared, board)
    return Table(file.title, file.note.strip(), columns, tuple(rows), tuple(out), remarks)


def _place(row: Published, file: BoardFile, sign: int) -> tuple[bool, float]:
    figure = row.figures.get(file.primary)
    return figure is None, sign * figure.value if figure else 0.0


def _columns(board: Board, *, ranked: bool) -> tuple[Column, ...]:
    file = board.file
    columns = [Column("rank", "rank", "rank")] if ranked else []
    columns.append(Column("name", "method", "name"))
    columns += [Column(name, name, "text") for name in file.details]
    columns += [Column(name, file.titles.get(name, name.partition(":")[2] or name), "score") for name in file.metrics]
    columns += [Column("group", "group", "letters")] if ranked else []
    columns += [Column("inference", "inference", "text")] if board.runs else []
    return (*columns, Column("source", "source", "text"))


def _measured_row(
    one: Measured, columns: Sequence[Column], found: Mapping[str, Standing], position: int, file: BoardFile
) -> Row:
    primary = found.get(file.primary)
    rank = primary.ranks[position] if primary else None
    words = {
        "rank": _rank(rank),
        "name": one.name,
        "group": primary.letters[position] if primary else "",
        "inference": _inference(one.run),
        "source": f"measured, {one.run.record.dataset.images} images",
    }
    scores = {metric: _score(one, metric, file.digits, found.get(metric), position) for metric in file.metrics}
    return Row(one.name, False, tuple(scores.get(each.key) or words.get(each.key, "") for each in columns), rank)


def _score(one: Measured, metric: str, digits: int, found: Standing | None, position: int) -> Score:
    value, interval = one.value(metric), one.entries[metric]["interval"]
    if value is None:
        return Score(None, digits)
    bold = found is not None and found.best[position]
    return Score(value, digits, (interval[0], interval[1]) if interval else None, bold)


def _rank(rank: tuple[int, int] | None) -> str:
    if rank is None:
        return ""
    return str(rank[0]) if rank[0] == rank[1] else f"{rank[0]}-{rank[1]}"


def _published_row(row: Published, columns: Sequence[Column]) -> Row:
    words = {"name": row.name, "source": f"reported: {row.source}", **row.details}

    def cell(column: Column) -> str | Score:
        if column.kind != "score":
            return words.get(column.key, "")
        figure = row.figures.get(column.key)
        return Score(figure.value, figure.digits) if figure else Score(None, 0)

    return Row(row.name, True, tuple(cell(column) for column in columns))


def _inference(run: Run) -> str:
    """The settings that change predictions, in words; they are shown and never a reason to refuse."""
    settings, model = run.record.settings, run.record.model
    size = settings.get("input_size")
    words = [
        f"input {size[0]} x {size[1]}" if size else "",
        "half precision" if settings.get("amp") else "",
        f"resized ({settings['resize']})" if settings.get("resize", "no") != "no" else "",
        "stored predictions" if model.get("kind") == "predictions" else "",
        "made from the truth" if model.get("kind") == "baseline" else "",
    ]
    return ", ".join(word for word in words if word) or "full size"


def _remarks(together: Sequence[Measured], compared: Comparison | None, board: Board) -> tuple[str, ...]:
    remarks = []
    if together:
        used = together[0].scored.intervals
        methods = "; ".join(dict.fromkeys(method["method"] for method in used["methods"].values())) or "none possible"
        units = "images" if used["clusters"] == used["images"] else f"clusters of {used['images']} images"
        remarks.append(f"Intervals: {100 * used['level']:g} %, {methods}, over {used['clusters']} {units}.")
    if compared is not None:
        how = (
            f"paired permutation tests of all pairs, {'Holm' if compared.correction == 'holm' else compared.correction}"
        )
        remarks += [
            f"Bold: not significantly worse than the best of its column ({how}, alpha {compared.alpha:g}).",
            (
                f"Rows that share a letter cannot be told apart by {board.file.primary}; "
                "a rank such as 1-2 spans what is left open."
            ),
            *(f"Note: {note}." for note in compared.notes),
        ]
    if board.published:
        remarks.append("Reported: as published; without counts there is no interval, no test and no bold.")
    warned = dict.fromkeys(message for one in together for _, message in one.scored.warnings)
    return (*remarks, *(f"Note: {message}." for message in warned))
