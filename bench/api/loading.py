"""What `bench` opens and reads for Python callers: data sets, cards, run records and boards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench import boards, cards, opening
from bench.api import arguments
from bench.argument_names import for_python
from bench.cards import Card
from bench.runs import Run, finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from bench.opening import Data, Progress


def open_data(
    dataset: str | Path = "streets",
    split: str | None = None,
    *,
    root: str | Path | None = None,
    layout: str | None = None,
    ids: str | Path | Sequence[str] | None = None,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Data:
    """Open a split of the data set with this name, or of the card at this path.

    Args:
        dataset: the name of a card, or a path ending in .toml.
        split: the split; None takes the card's default.
        root: the folder as downloaded; None takes the environment variable BENCH_DATA. `streets`
            needs neither: it is drawn on first use.
        layout: read the files in this layout instead of the card's.
        ids: which images: a list of ids, a file with one per line, or "all".
        limit: open the first images only, so many.
        progress: a function of images done and in all, called while `streets` is drawn.

    Returns:
        The card, the folder and the samples: image and ground truth, read when they are used.

    Raises:
        CardError, DataError, UsageError: what is missing or wrong, and where.
    """
    arguments.check(dataset=dataset, split=split, root=root, layout=layout, limit=limit)
    return _open_data(
        dataset, split, root=root, layout_name=layout, ids=ids, limit=limit, progress=progress
    )


def load_card(name: str | Path) -> Card:
    """Read the card with this name, or at this path if it ends in .toml.

    Raises:
        CardError: there is no such card, or something in it is wrong.
    """
    arguments.check(dataset=name)
    return _load_card(name)


def read_run(path: str | Path) -> Run:
    """Read a run record: `path` is its folder, its `run.json`, or a folder with one record below
    it.

    Raises:
        RunError: there is no record, there are several, or it is damaged.
    """
    return _read_run(path)


def board(folder: str | Path) -> pd.DataFrame:
    """The table of a board folder as a DataFrame, with `<metric>:low` and `<metric>:high` beside
    each score.

    Scores are fractions of 1, NaN if they are not defined or not known. `reported` marks published
    rows; `apart` holds the reason for rows that cannot be compared; `rank:low` and `rank:high` are
    the rank interval.

    Raises:
        RunError: there is no board, or something in it is wrong.
    """
    return _board(folder)


_open_data = for_python(opening.open_data, data="root")
_load_card = for_python(cards.load_card, dataset="name")
_read_run = for_python(finding.read_run)
_board = for_python(boards.board)
