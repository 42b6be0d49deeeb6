"""A board as Markdown, as it stands in the README.md of its folder; it computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.boards.board_table import Column, Row, Score, Table
from bench.render import cells
from bench.render.board import TableFormat

NO_BREAK = "\N{NO-BREAK SPACE}"
FOOT = "*Made by `bench board render`; `bench board check` says whether it is up to date.*"


def render(table: Table) -> str:
    """The whole page: title, note, the table, rows that stand apart with their reasons, and remarks."""
    remarks = "\n".join(f"- {remark}" for remark in table.remarks)
    parts = [f"# {table.title}", table.note, _rows(table.columns, table.rows), remarks]
    if table.means:
        parts[3:3] = ["## Means over seeds", _rows(*_filled(table.columns, table.means))]
    if table.apart:
        parts += ["## Not comparable with the rows above", _rows(table.columns, table.apart)]
        parts += ["\n".join(f"- {reason}" for reason in cells.reasons(table))]
    return "\n\n".join(part.strip() for part in [*parts, FOOT] if part.strip()) + "\n"


def stale(table: Table, committed: str | None) -> list[str]:
    """Say which rows of a committed page are not as they should be; nothing where the page is up to date."""
    fresh = render(table)
    if committed == fresh:
        return []
    if committed is None:
        return ["there is no README.md yet"]
    names = {f"| {_escaped(row.name)} |": row.name for row in (*table.rows, *table.means, *table.apart)}

    def name_of(line: str) -> str:
        return next((name for mark, name in names.items() if mark in line), "")

    old, new = committed.splitlines(), fresh.splitlines()
    missing = [line for line in new if line not in old]
    changed = {name_of(line) for line in missing} - {""}
    extra = [line for line in old if line not in new and line.strip() and name_of(line) not in changed]
    found = [f"row {name_of(line)}: now {line}" if name_of(line) else f"missing: {line}" for line in missing]
    return [*found, *(f"no longer there: {line}" for line in extra)] or ["its lines stand in another order"]


def _rows(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    if not rows:
        return "No rows yet."
    titles = [_escaped(column.title) for column in columns]
    marks = ["--:" if column.kind in ("score", "cost") else ":--" for column in columns]
    lines = [titles, marks, *([_cell(cell) for cell in row.cells] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _filled(columns: Sequence[Column], rows: Sequence[Row]) -> tuple[list[Column], list[Row]]:
    """The columns that say something of some row, and the rows without the others."""
    kept = [n for n in range(len(columns)) if any(row.cells[n] for row in rows)]
    return [columns[n] for n in kept], [replace(row, cells=tuple(row.cells[n] for n in kept)) for row in rows]


def _cell(cell: str | Score) -> str:
    if isinstance(cell, str):
        return _escaped(cell)
    # Browsers break narrow cells at spaces; an interval is read in one piece.
    number, interval = cells.number(cell), cells.interval(cell).replace(" ", NO_BREAK)
    return f"**{number}** {interval}".strip() if cell.bold else f"{number} {interval}".strip()


def _escaped(text: str) -> str:
    for sign in ("\\", "|", "*", "_", "<", "[", "]", "`"):
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


FORMAT: TableFormat = render
