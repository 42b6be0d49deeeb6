"""The text of a board's cells: percentages, intervals, and dashes where a score is not defined; for every format.

It formats values that it is given and knows no markup.
"""

from __future__ import annotations

from bench.boards.board_table import Row, Score, Table
from bench.families.contract.metric import PERCENT

UNDEFINED = "-"


def number(score: Score) -> str:
    """A score in its unit with its own number of digits, or a dash.

    >>> number(Score(0.837, 1)), number(Score(2.5, 1, unit="px")), number(Score(None, 1))
    ('83.7', '2.5', '-')
    """
    return UNDEFINED if score.value is None else _text(score, score.value)


def interval(score: Score) -> str:
    """The interval in the score's unit, or nothing.

    >>> interval(Score(0.5, 1, (0.45, 0.551))), interval(Score(0.5, 1))
    ('[45.0, 55.1]', '')
    """
    if score.value is None or score.interval is None:
        return ""
    low, high = score.interval
    return f"[{_text(score, low)}, {_text(score, high)}]"


def _text(score: Score, value: float) -> str:
    scale = 100 if score.unit == PERCENT else 1
    return f"{scale * value:.{score.digits}f}"


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
