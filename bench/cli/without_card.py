"""`bench eval PREDICTIONS --truth MASKS`: compare two folders of label maps that have no card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.opening import Data


def refuse_others(named: Mapping[str, Any], label_space: str | None, task: str) -> None:
    """Refuse options of data sets together with --truth.

    Raises:
        UsageError: names the first such option.
    """
    for name, value in named.items():
        if value is not None:
            raise UsageError(
                f"--{name} and --truth cannot go together: --truth takes the place of a data set"
            )
    if label_space is not None:
        raise UsageError(
            f"--label-space {label_space} has no effect with --truth: the values are the classes"
        )
    if task not in ("auto", "semantic"):
        raise UsageError(
            f"--task {task}: two folders hold label maps (semantic); objects and segments need "
            "a card"
        )


def refuse_without_truth(named: Mapping[str, Any], dataset: str | None) -> None:
    """Refuse the options of --truth without it, and a missing data set.

    Raises:
        UsageError: names the first such option, or --dataset.
    """
    for name, value in named.items():
        if value is not None:
            raise UsageError(
                f"--{name} has no effect without --truth: the data set's card sets it; leave it out"
            )
    if dataset is None:
        raise UsageError(
            "--dataset/-d is missing: name a data set (bench list datasets) or your card, or give "
            "the folder of ground-truth label maps with --truth"
        )


def open_folders(
    truth: Path,
    predictions: Path,
    *,
    classes: str | None,
    ignore: str | None,
    ids: str | None,
    limit: int | None,
) -> Data:
    """Open ground-truth label maps as a data set; without `classes`, the values in both folders are
    the classes.

    Raises:
        UsageError, DataError, PredictionError: an option or a file is wrong.
    """
    from bench.errors import DataError, PredictionError
    from bench.formats.finding import folders
    from bench.formats.pairs import two_folders
    from bench.opening import Data, chosen_ids

    root, kind = truth.expanduser(), str(predictions).partition(":")[0]
    path = None if kind == "baseline" else predictions.expanduser()
    if path is not None and not path.exists():
        raise PredictionError(f"{path}: there is no such folder of predictions")
    names = two_folders.find(root)
    wanted = chosen_ids(ids)
    if wanted is not None and wanted != "all":
        unknown = sorted(set(wanted) - set(names))
        if unknown:
            raise DataError(
                f"--ids {ids}: {root} has no label map of {folders.first(unknown)}; it has one "
                f"of {names[0]}"
            )
        names = [name for name in names if name in set(wanted)]
    if limit is not None and limit < 1:
        raise UsageError(f"--limit must be at least 1, got {limit}")
    pair = two_folders.read(root, path, names[:limit], classes=classes, ignore=ignore)
    return Data(pair.card, root, two_folders.SPLIT, pair.samples, pair.notices)
