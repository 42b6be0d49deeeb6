"""The columns and rows of a board's table: measured runs, published rows and means over seeds.

It lays out scores and standings that others computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bench.boards.board_file import Board, BoardFile
from bench.boards.board_runs import Measured, Standing
from bench.boards.board_seeds import SeedMean
from bench.boards.board_table import Column, Row, Score
from bench.boards.published import Published
from bench.families.contract.metric import PERCENT
from bench.notices import many
from bench.runs import circumstances


def columns_of(board: Board, *, ranked: bool) -> tuple[Column, ...]:
    """The columns of a board; rank and group only where runs were compared."""
    file = board.file
    columns = [Column("rank", "rank", "rank")] if ranked else []
    columns.append(Column("name", "method", "name"))
    columns += [Column(name, name, "text") for name in file.details]
    columns += [_score_column(metric, board) for metric in file.metrics]
    columns += [Column("group", "group", "letters")] if ranked else []
    columns += [Column(name, circumstances.COSTS[name].title, "cost") for name in file.cost]
    columns += [Column("inference", "inference", "text")] if board.runs else []
    return (*columns, Column("source", "source", "text"))


def _score_column(metric: str, board: Board) -> Column:
    """The column of a metric; a unit other than percent is part of its title."""
    title = _title(metric, board.file)
    unit = board.declared[metric].unit if metric in board.declared else PERCENT
    return Column(metric, title if unit == PERCENT else f"{title} ({unit})", "score", unit)


def _title(metric: str, file: BoardFile) -> str:
    """The title that the board gives, else the class of `IoU:car`, else the metric itself."""
    label = metric.partition(":")[2]
    return file.titles.get(metric, label or metric)


def measured_row(
    run: Measured,
    columns: Sequence[Column],
    standings: Mapping[str, Standing],
    position: int,
    file: BoardFile,
) -> Row:
    """The row of a scored run; `position` is its index in the standings."""
    record = run.run.record
    primary = standings.get(file.primary)
    rank = primary.ranks[position] if primary else None
    texts = {
        "rank": _rank(rank),
        "name": run.name,
        "group": primary.letters[position] if primary else "",
        "inference": circumstances.inference_text(record),
        "source": f"measured, {many(record.dataset.images, 'image')}",
        **{name: circumstances.cost_text(record, name) for name in file.cost},
    }
    scores = {
        column.key: _score(run, column, file.digits, standings.get(column.key), position)
        for column in columns
        if column.kind == "score"
    }
    cells = tuple(scores.get(column.key) or texts.get(column.key, "") for column in columns)
    return Row(run.name, False, cells, rank)


def _score(
    run: Measured, column: Column, digits: int, standing: Standing | None, position: int
) -> Score:
    value = run.value(column.key)
    if value is None:
        return Score(None, digits)
    ends = run.entries[column.key]["interval"]
    bold = standing is not None and standing.best[position]
    interval = (ends[0], ends[1]) if ends else None
    return Score(value, digits, interval, bold, unit=column.unit)


def _rank(rank: tuple[int, int] | None) -> str:
    if rank is None:
        return ""
    low, high = rank
    return str(low) if low == high else f"{low}-{high}"


def sorted_published(board: Board) -> list[Published]:
    """The published rows, best first by the primary metric; rows without it come last."""
    primary = board.file.primary
    sign = board.file.sort_sign

    def key(row: Published) -> tuple[bool, float]:
        figure = row.figures.get(primary)
        return figure is None, sign * figure.value if figure else 0.0

    return sorted(board.published, key=key)


def published_row(row: Published, columns: Sequence[Column]) -> Row:
    """The row of a published result: no interval, no rank, never bold."""
    texts = {"name": row.name, "source": f"reported: {row.source}", **row.details}

    def cell(column: Column) -> str | Score:
        if column.kind != "score":
            return texts.get(column.key, "")
        figure = row.figures.get(column.key)
        return Score(figure.value, figure.digits, unit=column.unit) if figure else Score(None, 0)

    return Row(row.name, True, tuple(cell(column) for column in columns))


def mean_row(mean: SeedMean, columns: Sequence[Column], file: BoardFile) -> Row:
    """The row of a mean over seeds, with the standard errors from images and from seeds."""
    primary = mean.effects.get(file.primary)
    sources = {"images": primary.image_error, "seeds": primary.seed_error} if primary else {}
    noise = ", ".join(
        (
            f"{'unknown' if np.isnan(error) else mean.declared[file.primary].number(error)} from "
            f"{source}"
        )
        for source, error in sources.items()
    )
    name = f"{mean.name} ({mean.runs} seeds)"
    texts = {"name": name, "source": f"mean; standard error of {file.primary}: {noise}"}

    def cell(column: Column) -> str | Score:
        if column.kind != "score":
            return texts.get(column.key, "")
        effect = mean.effects.get(column.key)
        if effect is None or np.isnan(effect.value):
            return Score(None, file.digits)
        metric, errors = mean.declared[column.key], (effect.image_error, effect.seed_error)
        ends = metric.clipped(effect.interval.ends) if effect.interval else None
        return Score(effect.value, file.digits, ends, errors=errors, unit=column.unit)

    return Row(name, False, tuple(cell(column) for column in columns))
