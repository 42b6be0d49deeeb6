"""The table of a board as a plain value: columns, rows of text and scores, remarks; and its rows as flat records.

Every renderer starts from it; where its content comes from is the business of `boards.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np


@dataclass(frozen=True)
class Score:
    """A score as a table shows it: a fraction of 1 (None: not defined), the digits of its percentage, its interval.

    `errors` of a mean over seeds are the standard errors from the images and from the seeds.
    """

    value: float | None
    digits: int
    interval: tuple[float, float] | None = None
    bold: bool = False
    errors: tuple[float, float] | None = None


@dataclass(frozen=True)
class Column:
    """A column: the key of its values, the title a person reads, and what its cells are."""

    key: str
    title: str
    kind: Literal["rank", "name", "text", "score", "cost", "letters"]


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
    """All that a renderer writes: rows in order, rows that cannot be compared with them, and remarks in words.

    `means` are the models that were trained from several seeds: a row each, beside the rows of their runs.
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
    found = []
    for row in (*table.rows, *table.means, *table.apart):
        record: dict[str, Any] = {"name": row.name, "reported": row.reported, "apart": row.reason}
        for column, cell in zip(table.columns, row.cells, strict=True):
            if isinstance(cell, Score):
                low, high = cell.interval or (None, None)
                record |= {column.key: cell.value, f"{column.key}:low": low, f"{column.key}:high": high}
                record[f"{column.key}:bold"] = cell.bold
                if table.means:
                    images, seeds = (None if np.isnan(each) else each for each in cell.errors or (np.nan, np.nan))
                    record |= {f"{column.key}:image_error": images, f"{column.key}:seed_error": seeds}
            elif column.kind == "cost":
                record[column.key] = float(cell) if cell else None
            elif column.kind == "rank":
                low, high = row.rank or (None, None)
                record |= {"rank:low": low, "rank:high": high}
            else:
                record[column.key] = cell
        found.append(record)
    return found
