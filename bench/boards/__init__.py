"""A board: run records and published rows in one table, with intervals, rank intervals and ties.

The table is a plain value that `render/` turns into every format. This module knows no markup, and
leaves all statements about differences to the comparison. (The module cannot be called `board`,
because that is the public function `bench.board`.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.boards import board_runs, board_seeds, remarks, rows
from bench.boards.board_file import Board, read
from bench.boards.board_table import Table, records
from bench.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd


def board(folder: str | Path) -> pd.DataFrame:
    """Return the table of a board folder as a DataFrame, with `<metric>:low` and `<metric>:high`.

    Scores are fractions of 1; NaN means undefined or unknown. `reported` marks published rows, and
    `apart` holds the reason why a row cannot be compared. `rank:low` and `rank:high` are the rank
    interval.
    """
    from pandas import DataFrame

    if not isinstance(folder, str | Path):
        raise UsageError(
            f"expected the path of a board folder, got an object of type {type(folder).__name__}"
        )
    return DataFrame(records(table(read(Path(folder).expanduser()))))


def table(board: Board, *, progress: Callable[[int, int], None] | None = None) -> Table:
    """Rank the comparable runs, and lay out measured, published and incomparable rows.

    `progress(done, total)` counts scored runs and compared metrics.
    """
    file = board.file
    total = len(board.runs) + len(file.metrics)

    def report(done: int) -> None:
        if progress:
            progress(done, total)

    scored = []
    for done, run in enumerate(board.runs.values()):
        report(done)
        scored.append(board_runs.score_run(file, run))
    comparable, apart = board_runs.split_comparable(scored, file)
    standings, comparison = board_runs.rank_runs(
        comparable, file, lambda metrics: report(len(scored) + metrics)
    )
    columns = rows.columns_of(board, ranked=comparison is not None)
    measured = [
        rows.measured_row(run, columns, standings, position, file)
        for position, run in enumerate(comparable)
    ]
    published = [rows.published_row(row, columns) for row in rows.sorted_published(board)]
    means = board_seeds.means(comparable, file)
    return Table(
        title=file.title,
        note=file.note.strip(),
        columns=columns,
        rows=(*measured, *published),
        apart=tuple(
            replace(rows.measured_row(run, columns, {}, 0, file), reason=reason)
            for run, reason in apart
        ),
        remarks=remarks.remarks(comparable, comparison, means, board),
        means=tuple(rows.mean_row(mean, columns, file) for mean in means),
    )
