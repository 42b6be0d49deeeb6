"""A board as Markdown, for the README.md of its folder; it computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.boards.board_table import Column, Row, Score, Table
from bench.render import cells
from bench.render.board import TableFormat

NO_BREAK = "\N{NO-BREAK SPACE}"
FOOT = "*Made by `bench board render`; `bench board check` says whether it is up to date.*"


def render(table: Table) -> str:
    """The whole page: title, note, rows, means, remarks, and incomparable rows with reasons."""
    parts = [f"# {table.title}", table.note, _rows(table.columns, table.rows)]
    if table.means:
        parts += ["## Means over seeds", _rows(*_without_empty_columns(table.columns, table.means))]
    parts.append(_bullets(table.remarks))
    if table.apart:
        parts += ["## Not comparable with the rows above", _rows(table.columns, table.apart)]
        parts.append(_bullets(cells.reasons(table)))
    return "\n\n".join(part.strip() for part in [*parts, FOOT] if part.strip()) + "\n"


def _bullets(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def stale(table: Table, committed: str | None) -> list[str]:
    """List the differences between a committed page and the current one; empty if up to date."""
    fresh = render(table)
    if committed == fresh:
        return []
    if committed is None:
        return ["there is no README.md yet"]
    rows = (*table.rows, *table.means, *table.apart)
    names = {f"| {_escaped(row.name)} |": row.name for row in rows}

    def name_of(line: str) -> str:
        """The name of the row in this line; "" for other lines."""
        return next((name for cell, name in names.items() if cell in line), "")

    old, new = committed.splitlines(), fresh.splitlines()
    findings, changed = [], set()
    for line in new:
        if line in old:
            continue
        name = name_of(line)
        changed.add(name)
        findings.append(f"row {name}: now {line}" if name else f"missing: {line}")
    # The old line of a changed row is not reported a second time.
    findings += [
        f"no longer there: {line}"
        for line in old
        if line.strip() and line not in new and (not name_of(line) or name_of(line) not in changed)
    ]
    return findings or ["the lines are in another order"]


def _rows(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    if not rows:
        return "No rows yet."
    titles = [_escaped(column.title) for column in columns]
    marks = ["--:" if column.kind in ("score", "cost") else ":--" for column in columns]
    lines = [titles, marks, *([_cell(cell) for cell in row.cells] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _without_empty_columns(
    columns: Sequence[Column], rows: Sequence[Row]
) -> tuple[list[Column], list[Row]]:
    """Leave out the columns that are empty in all rows."""
    kept = [n for n in range(len(columns)) if any(row.cells[n] for row in rows)]
    short_rows = [replace(row, cells=tuple(row.cells[n] for n in kept)) for row in rows]
    return [columns[n] for n in kept], short_rows


def _cell(cell: str | Score) -> str:
    if isinstance(cell, str):
        return _escaped(cell)
    number = cells.number(cell)
    if cell.bold:
        number = f"**{number}**"
    # Browsers break narrow cells at spaces, so the interval has none that can break.
    return f"{number} {cells.interval(cell).replace(' ', NO_BREAK)}".strip()


def _escaped(text: str) -> str:
    for sign in ("\\", "|", "*", "_", "<", "[", "]", "`"):
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


FORMAT: TableFormat = render
