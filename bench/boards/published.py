"""The file `published.csv` of a board: scores as published elsewhere, with their source."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.errors import UsageError, did_you_mean
from bench.families import Metric
from bench.families.contract.metric import PERCENT

REQUIRED_COLUMNS = ("name", "source")
_PERCENTAGE = re.compile(r"\d{1,3}(\.\d+)?")
_COST = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True)
class Figure:
    """A published score as records store it, and the decimal places of the published number."""

    value: float
    digits: int


@dataclass(frozen=True)
class Published:
    """One row of published.csv."""

    name: str
    source: str
    details: dict[str, str]
    figures: dict[str, Figure]


def parse_published(
    text: str,
    *,
    details: Sequence[str] = (),
    cost: Sequence[str] = (),
    metrics: Sequence[str] = (),
    where: str,
    declared: Mapping[str, Metric] | None = None,
) -> tuple[Published, ...]:
    """Read published rows: `name`, `source`, the board's details and costs, and scores.

    Scores are in percent, or in the unit that their metric is `declared` to have.

    Raises:
        UsageError: unknown or missing columns, a score that is not a percentage, or a cost that is
            not a number; the message names the line.
    """
    lines = list(csv.reader(io.StringIO(text)))
    header = lines[0] if lines else []
    _require_columns(header, (*REQUIRED_COLUMNS, *details, *cost, *metrics), where)
    rows = []
    for number, fields in enumerate(lines[1:], start=2):
        if not fields:
            continue
        line = f"{where}, line {number}"
        if len(fields) != len(header):
            raise UsageError(f"{line}: {len(fields)} fields, but the header has {len(header)}")
        row = dict(zip(header, fields, strict=True))
        if not row["name"] or not row["source"]:
            raise UsageError(f"{line}: name and source must not be empty")
        for name in cost:
            if not _COST.fullmatch(row.get(name) or "0"):
                raise UsageError(
                    f"{line}, column {name!r}: {row[name]!r} is not a number such as 27.7"
                )
        by_name = declared or {}
        figures = {
            name: _figure(row[name], by_name.get(name), f"{line}, column {name!r}")
            for name in metrics
            if row.get(name)
        }
        texts = {name: row[name] for name in (*details, *cost) if row.get(name)}
        rows.append(Published(row["name"], row["source"], texts, figures))
    return tuple(rows)


def _require_columns(header: Sequence[str], allowed: Sequence[str], where: str) -> None:
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        raise UsageError(f"{where}: separate the columns by commas, not by semicolons or tabs")
    for column in header:
        if column not in allowed:
            raise UsageError(f"{where}: unknown column {column!r}: {did_you_mean(column, allowed)}")
        if header.count(column) > 1:
            raise UsageError(f"{where}: the column {column!r} occurs twice")
    for column in REQUIRED_COLUMNS:
        if column not in header:
            raise UsageError(
                f"{where}: the column {column!r} is missing; allowed columns are "
                f"{', '.join(allowed)}"
            )


def _figure(text: str, metric: Metric | None, where: str) -> Figure:
    if metric is not None and metric.unit != PERCENT:
        if not _COST.fullmatch(text):
            raise UsageError(f"{where}: {text!r} is not a number of {metric.unit} such as 27.7")
        return Figure(float(text), len(text.partition(".")[2]))
    if not _PERCENTAGE.fullmatch(text) or float(text) > 100:
        raise UsageError(f"{where}: {text!r} is not a percentage between 0 and 100, such as 83.7")
    return Figure(float(text) / 100, len(text.partition(".")[2]))
