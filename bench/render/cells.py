"""The text of a board's cells, shared by all formats: percentages, intervals, and dashes.

It knows no markup.
"""

from __future__ import annotations

from bench.boards.board_table import Row, Score, Table
from bench.families.contract.metric import PERCENT

UNDEFINED = "-"


def number(score: Score) -> str:
    """A score in its unit with its number of decimal places; a dash if it is undefined.

    >>> number(Score(0.837, 1)), number(Score(2.5, 1, unit="px")), number(Score(None, 1))
    ('83.7', '2.5', '-')
    """
    return UNDEFINED if score.value is None else _text(score, score.value)


def interval(score: Score) -> str:
    """The interval in the unit of the score, or nothing.

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
    """The non-empty blocks of rows, each with its heading."""
    measured = tuple(row for row in table.rows if not row.reported)
    reported = tuple(row for row in table.rows if row.reported)
    all_blocks = [
        ("Measured", measured),
        ("Means over seeds", table.means),
        ("Reported", reported),
        ("Not comparable with the rows above", table.apart),
    ]
    return [(title, rows) for title, rows in all_blocks if rows]


def reasons(table: Table) -> list[str]:
    """Why each incomparable row cannot be compared."""
    return [f"{row.name}: {row.reason}." for row in table.apart]
