"""A board for the terminal: a star replaces bold, and remarks are wrapped; it computes nothing."""

from __future__ import annotations

import re

from bench.boards.board_table import Row, Score, Table
from bench.render import cells
from bench.render.board import TableFormat
from bench.render.prose import filled


def render(table: Table) -> str:
    """Title, note, blocks of rows, reasons, and remarks."""
    from tabulate import tabulate

    blocks = cells.blocks(table)
    lines: list[list[str]] = []
    for title, rows in blocks:
        if len(blocks) > 1:
            names = [column.kind == "name" for column in table.columns]
            lines.append([f"{title}:" if is_name else "" for is_name in names])
        lines += [_cells(row) for row in rows]
    align = ["right" if column.kind in ("score", "cost") else "left" for column in table.columns]
    grid = tabulate(
        lines,
        headers=[column.title for column in table.columns],
        tablefmt="plain",
        colalign=align if lines else None,
        disable_numparse=True,
    )
    # The table marks scores by stars instead of bold, so the remarks say so.
    remarks = [
        re.sub(r"\bbold\b", "stars", remark.replace("Bold:", "Star:", 1))
        for remark in table.remarks
    ]
    notes = filled((*cells.reasons(table), *remarks))
    note = filled([table.note], later="")
    parts = [table.title, note, grid if lines else "No rows yet.", notes]
    return "\n\n".join(part for part in parts if part) + "\n"


def _cells(row: Row) -> list[str]:
    return [cell if isinstance(cell, str) else _score(cell) for cell in row.cells]


def _score(score: Score) -> str:
    star = "*" if score.bold else ""
    return f"{cells.number(score)}{star} {cells.interval(score)}".strip()


FORMAT: TableFormat = render
