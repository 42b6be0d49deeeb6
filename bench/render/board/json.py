"""A board as JSON, in fractions of 1 and with null where a score is not defined; it computes
nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from bench.boards.board_table import Table, records
from bench.render.board import TableFormat


def render(table: Table) -> str:
    """One object: title, note, columns, rows, remarks."""
    board = {
        "title": table.title,
        "note": table.note,
        "columns": [asdict(column) for column in table.columns],
        "rows": records(table),
        "remarks": list(table.remarks),
    }
    return json.dumps(board, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


FORMAT: TableFormat = render
