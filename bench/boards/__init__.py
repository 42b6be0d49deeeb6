"""A board: run records and published rows in one table, with intervals, rank intervals and tied groups.

The table is a plain value, from which `render/` makes every format; this module knows no markup. What may be called
better is for `comparison/` to say. (The module is not called `board`, for that is the function at the door.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.boards import board_runs, board_seeds
from bench.boards.board_file import Board, BoardFile, Published, read
from bench.boards.board_runs import Measured, Standing
from bench.boards.board_seeds import Mean
from bench.boards.board_table import Column, Row, Score, Table, records
from bench.comparison import Comparison
from bench.errors import UsageError
from bench.notices import few, many
from bench.runs import circumstances

if TYPE_CHECKING:
    import pandas as pd


def board(folder: str | Path) -> pd.DataFrame:
    """Return the table of a board folder as a DataFrame: a row each, a column each, `<metric>:low` and `:high` beside.

    Scores are fractions of 1, NaN where not defined or not known. `reported` marks published rows, `apart` holds the
    reason of rows that cannot be compared; `rank:low` and `rank:high` are the rank interval.
    """
    from pandas import DataFrame

    if not isinstance(folder, str | Path):
        raise UsageError(f"a board is named by the path of its folder, not by {type(folder).__name__}")
    return DataFrame(records(table(read(Path(folder).expanduser()))))


def table(board: Board, *, progress: Callable[[int, int], None] | None = None) -> Table:
    """Rank the comparable runs, and lay out measured rows, published rows, and rows that stand apart.

    `progress` is told how many runs are scored and metrics compared, and of how many in all.
    """
    file = board.file
    total = len(board.runs) + len(file.metrics)

    def done(steps: int) -> None:
        if progress:
            progress(steps, total)

    scored = []
    for steps, run in enumerate(board.runs.values()):
        done(steps)
        scored.append(board_runs.measured(file, run))
    together, apart = board_runs.part(scored, file)
    found, compared = board_runs.standings(together, file, lambda steps: done(len(scored) + steps))
    columns = _columns(board, ranked=compared is not None)
    sign = -1 if file.order == "highest first" else 1
    rows = [
        *(_measured_row(one, columns, found, position, file) for position, one in enumerate(together)),
        *(_published_row(row, columns) for row in sorted(board.published, key=lambda row: _place(row, file, sign))),
    ]
    out = [replace(_measured_row(one, columns, {}, 0, file), reason=reason) for one, reason in apart]
    averaged = board_seeds.means(together, file)
    remarks = (*_remarks(together, compared, board), *_remarks_on_means(averaged))
    means = tuple(_mean_row(mean, columns, file) for mean in averaged)
    return Table(file.title, file.note.strip(), columns, tuple(rows), tuple(out), remarks, means)


def _place(row: Published, file: BoardFile, sign: int) -> tuple[bool, float]:
    figure = row.figures.get(file.primary)
    return figure is None, sign * figure.value if figure else 0.0


def _columns(board: Board, *, ranked: bool) -> tuple[Column, ...]:
    file = board.file
    columns = [Column("rank", "rank", "rank")] if ranked else []
    columns.append(Column("name", "method", "name"))
    columns += [Column(name, name, "text") for name in file.details]
    columns += [Column(name, file.titles.get(name, name.partition(":")[2] or name), "score") for name in file.metrics]
    columns += [Column("group", "group", "letters")] if ranked else []
    columns += [Column(name, circumstances.COSTS[name].title, "cost") for name in file.cost]
    columns += [Column("inference", "inference", "text")] if board.runs else []
    return (*columns, Column("source", "source", "text"))


def _measured_row(
    one: Measured, columns: Sequence[Column], found: Mapping[str, Standing], position: int, file: BoardFile
) -> Row:
    primary = found.get(file.primary)
    rank = primary.ranks[position] if primary else None
    words = {
        "rank": _rank(rank),
        "name": one.name,
        "group": primary.letters[position] if primary else "",
        "inference": circumstances.inference(one.run.record),
        "source": f"measured, {many(one.run.record.dataset.images, 'image')}",
        **{name: circumstances.shown(one.run.record, name) for name in file.cost},
    }
    scores = {metric: _score(one, metric, file.digits, found.get(metric), position) for metric in file.metrics}
    return Row(one.name, False, tuple(scores.get(each.key) or words.get(each.key, "") for each in columns), rank)


def _score(one: Measured, metric: str, digits: int, found: Standing | None, position: int) -> Score:
    value, interval = one.value(metric), one.entries[metric]["interval"]
    if value is None:
        return Score(None, digits)
    bold = found is not None and found.best[position]
    return Score(value, digits, (interval[0], interval[1]) if interval else None, bold)


def _rank(rank: tuple[int, int] | None) -> str:
    if rank is None:
        return ""
    return str(rank[0]) if rank[0] == rank[1] else f"{rank[0]}-{rank[1]}"


def _published_row(row: Published, columns: Sequence[Column]) -> Row:
    words = {"name": row.name, "source": f"reported: {row.source}", **row.details}

    def cell(column: Column) -> str | Score:
        if column.kind != "score":
            return words.get(column.key, "")
        figure = row.figures.get(column.key)
        return Score(figure.value, figure.digits) if figure else Score(None, 0)

    return Row(row.name, True, tuple(cell(column) for column in columns))


def _mean_row(mean: Mean, columns: Sequence[Column], file: BoardFile) -> Row:
    primary = mean.effects.get(file.primary)
    errors = (primary.image_error, primary.seed_error) if primary else ()
    noise = ", ".join(
        f"{'unknown' if np.isnan(error) else f'{100 * error:.2f}'} from {what}"
        for error, what in zip(errors, ("images", "seeds"), strict=False)
    )
    words = {"name": f"{mean.name} ({mean.runs} seeds)", "source": f"mean; standard error of {file.primary}: {noise}"}

    def cell(column: Column) -> str | Score:
        effect = mean.effects.get(column.key)
        if column.kind != "score":
            return words.get(column.key, "")
        if effect is None or np.isnan(effect.value):
            return Score(None, file.digits)
        ends = effect.interval.clipped() if effect.interval else None
        return Score(effect.value, file.digits, ends, errors=(effect.image_error, effect.seed_error))

    return Row(words["name"], False, tuple(cell(column) for column in columns))


def _remarks_on_means(means: Sequence[Mean]) -> list[str]:
    found = [
        f"Note: {', '.join(mean.left_out)} cannot be in the mean of {mean.name}." for mean in means if mean.left_out
    ]
    if means:
        found.append(
            "Means over seeds: the interval holds the noise of images and of trainings (two-level bootstrap); "
            "ranks, letters and bold are of single trainings."
        )
    return found


def _remarks_on_cost(together: Sequence[Measured], file: BoardFile) -> list[str]:
    """On which device speed and memory were measured; several are no fair race."""
    names = [name for name in file.cost if name not in circumstances.SAME_EVERYWHERE]
    timed = [one.run.record for one in together if one.run.record.timings.get("cost")]
    devices = circumstances.devices(timed)
    if not names or not devices:
        return []
    several = len({circumstances.device(record) for record in timed}) > 1
    race = "; figures of different devices are no fair race" if several else ""
    return [f"Measured on {' and '.join(devices)}: {', '.join(names)}{race}."]


def _remarks(together: Sequence[Measured], compared: Comparison | None, board: Board) -> tuple[str, ...]:
    remarks = []
    if together:
        used = together[0].scored.intervals
        methods = "; ".join(dict.fromkeys(method["method"] for method in used["methods"].values())) or "none possible"
        apart = used["clusters"] == used["images"]
        units = f"{many(used['clusters'], 'cluster')} of {many(used['images'], 'image')}"
        over = many(used["images"], "image") if apart else units
        remarks.append(f"Intervals: {100 * used['level']:g} %, {methods}, over {over}.")
    if compared is not None:
        how = (
            f"paired permutation tests of all pairs, {'Holm' if compared.correction == 'holm' else compared.correction}"
        )
        remarks += [
            f"Bold: not significantly worse than the best of its column ({how}, alpha {compared.alpha:g}).",
            (
                f"Rows that share a letter cannot be told apart by {board.file.primary}; "
                "a rank such as 1-2 spans what is left open."
            ),
            *(f"Note: {note}." for note in compared.notes),
        ]
    remarks += _remarks_on_cost(together, board.file)
    if board.published:
        remarks.append("Reported: as published; without counts there is no interval, no test and no bold.")
    return (*remarks, *_notices(together))


def _notices(together: Sequence[Measured]) -> list[str]:
    """The notices on the scores, with the names of their rows where these are not all."""
    rows: dict[str, list[str]] = {}
    for one in together:
        for each in one.scored.warnings:
            rows.setdefault(each.message, []).append(one.name)
    return [
        f"Note{'' if len(names) == len(together) else f' on {few(names)}'}: {message}."
        for message, names in rows.items()
    ]
