"""The text of a board's cells: percentages, intervals, and dashes where a score is not defined; for every format.

It formats values that it is given and knows no markup.
"""

from __future__ import annotations

from bench.boards.board_table import Row, Score, Table

UNDEFINED = "-"


def percent(score: Score) -> str:
    """A score as percent with its own number of digits, or a dash.

    >>> percent(Score(0.837, 1)), percent(Score(None, 1))
    ('83.7', '-')
    """
    return UNDEFINED if score.value is None else f"{100 * score.value:.{score.digits}f}"


def interval(score: Score) -> str:
    """The interval as percent, or nothing.

    >>> interval(Score(0.5, 1, (0.45, 0.551))), interval(Score(0.5, 1))
    ('[45.0, 55.1]', '')
    """
    if score.value is None or score.interval is None:
        return ""
    low, high = score.interval
    return f"[{100 * low:.{score.digits}f}, {100 * high:.{score.digits}f}]"


def blocks(table: Table) -> list[tuple[str, tuple[Row, ...]]]:
    """The rows in blocks with a heading each: ranked, means over seeds, reported, standing apart."""
    measured = tuple(row for row in table.rows if not row.reported)
    reported = tuple(row for row in table.rows if row.reported)
    found = [("Measured", measured), ("Means over seeds", table.means), ("Reported", reported)]
    found.append(("Not comparable with the rows above", table.apart))
    return [(title, rows) for title, rows in found if rows]


def reasons(table: Table) -> list[str]:
    """Why each row that stands apart does so."""
    return [f"{row.name}: {row.reason}." for row in table.apart]
