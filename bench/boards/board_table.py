"""The table of a board as a plain value (columns, rows, remarks), and its rows as flat records.

All renderers start from it; `boards/__init__.py` fills it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bench.families.contract.metric import PERCENT


@dataclass(frozen=True)
class Score:
    """A score for a table: its value as stored, or None if undefined, and the decimals to show.

    `errors`, for a mean over seeds, are the standard errors from images and from seeds.
    """

    value: float | None
    digits: int
    interval: tuple[float, float] | None = None
    bold: bool = False
    errors: tuple[float, float] | None = None
    unit: str = PERCENT


@dataclass(frozen=True)
class Column:
    """A column: the key of its values, its title, the kind of its cells, and the unit of scores."""

    key: str
    title: str
    kind: Literal["rank", "name", "text", "score", "cost", "letters"]
    unit: str = ""


@dataclass(frozen=True)
class Row:
    """A row: one cell for each column, and the reason if the row cannot be compared."""

    name: str
    reported: bool
    cells: tuple[str | Score, ...]
    rank: tuple[int, int] | None = None
    reason: str = ""


@dataclass(frozen=True)
class Table:
    """The content of a rendered board: rows in order, rows that cannot be compared, and remarks.

    `means` holds a row for each model that was trained from several seeds.
    """

    title: str
    note: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    apart: tuple[Row, ...]
    remarks: tuple[str, ...]
    means: tuple[Row, ...] = ()


def records(table: Table) -> list[dict[str, Any]]:
    """The rows as flat records, for data frames, CSV and JSON."""
    return [_record(row, table) for row in (*table.rows, *table.means, *table.apart)]


def _record(row: Row, table: Table) -> dict[str, Any]:
    record: dict[str, Any] = {"name": row.name, "reported": row.reported, "apart": row.reason}
    for column, cell in zip(table.columns, row.cells, strict=True):
        if isinstance(cell, Score):
            record |= _score_fields(column.key, cell, with_errors=bool(table.means))
        elif column.kind == "cost":
            record[column.key] = float(cell) if cell else None
        elif column.kind == "rank":
            low, high = row.rank or (None, None)
            record |= {"rank:low": low, "rank:high": high}
        else:
            record[column.key] = cell
    return record


def _score_fields(key: str, score: Score, *, with_errors: bool) -> dict[str, Any]:
    low, high = score.interval or (None, None)
    fields = {
        key: score.value,
        f"{key}:low": low,
        f"{key}:high": high,
        f"{key}:bold": score.bold,
    }
    if with_errors:
        for name, error in zip(("image", "seed"), score.errors or (np.nan, np.nan), strict=True):
            fields[f"{key}:{name}_error"] = None if np.isnan(error) else error
    return fields
