"""A board as data: CSV and JSON, in fractions of 1, with nothing where a score is not defined; it computes nothing."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict

from bench.boards.board_table import Table, records


def as_csv(table: Table) -> str:
    """A header and a row for each row of the board; columns as in the DataFrame of `bench.board`."""
    rows = records(table)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_json(table: Table) -> str:
    """One object: title, note, columns, rows, remarks."""
    columns = [asdict(column) for column in table.columns]
    found = {
        "title": table.title,
        "note": table.note,
        "columns": columns,
        "rows": records(table),
        "remarks": list(table.remarks),
    }
    return json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
