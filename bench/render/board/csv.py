"""A board as CSV, in fractions of 1 and empty where a score is not defined; it computes nothing."""

from __future__ import annotations

import csv
import io

from bench.boards.board_table import Table, records
from bench.render.board import TableFormat


def render(table: Table) -> str:
    """A header and a row for each row of the board; columns as in the DataFrame of
    `bench.board`.
    """
    rows = records(table)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


FORMAT: TableFormat = render
