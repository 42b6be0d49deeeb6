"""Open a split of a data set by name: its card, its folder and its samples.

`streets` is drawn on first use. The layouts know what the files mean.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.cards import Card, load_card
from bench.errors import CardError, DataError, InputError, UsageError
from bench.formats import Ids, Layout, find, layout
from bench.formats.finding import lists
from bench.formats.finding.grouping import key_of
from bench.notices import Notice
from bench.samples import Sample

Progress = Callable[[int, int], None]

_DRAWN = "streets"
"""The data set that is drawn if no folder is given."""


@dataclass(frozen=True, eq=False)
class Data:
    """An opened split: the card, its folder, its samples in order, and notices about them."""

    card: Card
    root: Path
    split: str
    samples: Sequence[Sample]
    notices: tuple[Notice, ...] = ()

    def __repr__(self) -> str:
        """The split, the number of images, and the folder."""
        return f"<Data {self.card.title} {self.split}: {len(self.samples)} images, {self.root}>"


@dataclass(frozen=True, eq=False)
class Asked:
    """A split that is requested and not opened yet: its card, and which of its images.

    The ids are read only once, because a list may come from a pipe; `named` is what messages call
    it.
    """

    card: Card
    split: str
    ids: Ids
    limit: int | None
    named: str = ""


def open_data(
    dataset: str | Path = "streets",
    split: str | None = None,
    *,
    root: str | Path | None = None,
    layout_name: str | None = None,
    ids: str | Path | Sequence[str] | None = None,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Data:
    """Open a split of the data set with this name, or of the card at this path.

    `root` is the folder as downloaded; None takes the environment variable BENCH_DATA or, for
    `streets`, the cache. `ids` is "all", a file with one image id per line, or a list of ids;
    `limit` keeps only the first images.

    Raises:
        CardError, DataError, UsageError: what is missing or wrong, and where.
    """
    question = asked(dataset, split, layout_name=layout_name, ids=ids, limit=limit)
    return open_asked(question, root=root, progress=progress)


def open_asked(
    question: Asked, *, root: str | Path | None = None, progress: Progress | None = None
) -> Data:
    """Open a requested split; `root` is as in `open_data`.

    Raises:
        CardError, DataError, UsageError: what is missing or wrong, and where.
    """
    card, split, ids, limit = question.card, question.split, question.ids, question.limit
    folder = _root(card, split, root, progress)
    if card.classes_from == "truth":
        card = replace(card, classes=layout(card).read_classes(card, folder, split))
    samples = _samples(card, folder, question)
    if ids is None:
        _refuse_groups_unseen(card, samples)
    if limit is not None:
        samples = samples[:limit]
    if not samples:
        raise DataError(f"{folder}: the split {split!r} of {card.title} has no images")
    notices = () if ids is not None else _count_notices(card, split, len(samples), limit)
    return Data(card, folder, split, samples, notices)


def asked(
    dataset: str | Path,
    split: str | None = None,
    *,
    layout_name: str | None = None,
    ids: str | Path | Sequence[str] | None = None,
    limit: int | None = None,
) -> Asked:
    """The requested split, checked before any file of the data set is read.

    Raises:
        CardError, UsageError: what is wrong or unknown.
    """
    card = load_card(dataset)
    if layout_name is not None:
        if card.classes_from not in require_layout(layout_name).classes_from:
            origin = "card" if card.classes_from == "card" else "truth file"
            raise UsageError(
                f"--layout {layout_name} does not read {card.title}, whose classes stand in "
                f"its {origin}"
            )
        card = card.in_layout(layout_name)
    split = split or card.default_split
    card.split(split)
    chosen = chosen_ids(ids)
    if limit is not None and limit < 1:
        raise UsageError(f"--limit must be at least 1, got {limit}")
    return Asked(card, split, chosen, limit, f"--ids {ids}" if isinstance(ids, str | Path) else "")


def require_layout(name: str) -> Layout:
    """The layout that `--layout` names.

    Raises:
        UsageError: there is no such layout, or it cannot be loaded.
    """
    try:
        return find(name)
    except InputError as error:
        raise UsageError(f"--layout {name}: {error}") from error


def draws(card: Card, split: str, root: Path | None) -> bool:
    """Whether the split must be drawn first, which takes a while.

    Raises:
        DataError: the folder in BENCH_DATA does not exist.
    """
    if card.name != _DRAWN or _named_root(card, root) is not None:
        return False
    from bench.streets import dataset as streets

    return not streets.folder_of(card, split).is_dir()


def _count_notices(card: Card, split: str, count: int, limit: int | None) -> tuple[Notice, ...]:
    """A notice if a split has another number of images than its card says, and no part was
    requested.
    """
    listed = card.splits[split].images
    if listed is None or count == (listed if limit is None else min(limit, listed)):
        return ()
    if limit is not None and count > listed:
        return ()
    message = (
        f"{count} of {listed} images of the split {split!r} of {card.title} were found, so these "
        "are not the scores of the whole split; add the missing images, or choose a part with "
        "--ids or --limit"
        if count < listed
        else f"the split {split!r} of {card.title} has {count} images, and its card says {listed}; "
        f"check --data and --split, or correct splits.{split}.images in the card"
    )
    return (Notice("split-images", message, "warning"),)


def _refuse_groups_unseen(card: Card, samples: Sequence[Sample]) -> None:
    """Refuse `groups` that no image id shows.

    Each image would be its own cluster, and the intervals would be too narrow.
    """
    key = key_of(card.groups)
    if key == "none" or not samples or any(key in sample.groups for sample in samples):
        return
    form = (
        "a city is the first folder of an id"
        if key == "city"
        else "a sequence is what stands before the last _ or /"
    )
    raise CardError(
        f"{card.name}: groups = {card.groups!r}, but no image id (such as {samples[0].id!r}) shows "
        f"one: {form}; write groups = 'none', or rename the images"
    )


def _samples(card: Card, root: Path, question: Asked) -> list[Sample]:
    try:
        return layout(card).read_truth(card, root, question.split, ids=question.ids)
    except DataError as error:
        if question.ids is None or question.ids == "all" or not question.named:
            raise
        raise DataError(f"{question.named}: {error}") from None


def _root(card: Card, split: str, root: str | Path | None, progress: Progress | None) -> Path:
    named = _named_root(card, root)
    if named is not None:
        return _checked_root(card, *named)
    if card.name == _DRAWN:
        from bench.streets import (
            dataset as streets,
        )  # importing it takes a third of the start of a command

        return streets.cached(card, split, progress=progress)
    raise UsageError(
        f"the folder of {card.title} is not known: use --data FOLDER or set BENCH_DATA "
        f"(bench prepare --dataset {card.name} --data FOLDER downloads it or explains how to)"
    )


def _named_root(card: Card, root: str | Path | None) -> tuple[Path, str] | None:
    """The root in --data or BENCH_DATA, and what messages call it; None if neither is set.

    BENCH_DATA is the folder of one data set, or a folder of several; `streets` is drawn if it is
    not among them.

    Raises:
        DataError: the folder in BENCH_DATA does not exist.
    """
    if root is not None:
        return Path(root).expanduser(), f"--data {root}"
    variable = os.environ.get("BENCH_DATA", "")
    if not variable:
        return None
    base, named = Path(variable).expanduser(), f"BENCH_DATA={variable}"
    if not base.exists():
        raise DataError(
            f"{named}: there is no such folder; name the folder of the data sets, or unset "
            "BENCH_DATA"
        )
    if (base / card.name).is_dir():
        return base / card.name, named
    return None if card.name == _DRAWN else (base, named)


def _checked_root(card: Card, root: Path, named: str) -> Path:
    if not root.exists():
        raise DataError(f"{named}: there is no such folder or file")
    if root.is_file() and not layout(card).reads_one_file:
        raise DataError(
            f"{named}: this is a file; {card.title} comes as a folder (bench list "
            f"datasets){_file_hint(root)}"
        )
    if root.is_dir() and not any(root.iterdir()):
        fetch = f"bench prepare --dataset {card.name} --data {root}"
        raise DataError(
            f"{named}: this folder is empty; {fetch} downloads {card.title} or explains how to"
        )
    return root


def _file_hint(root: Path) -> str:
    """What the user can do with a file if a folder is needed."""
    suffix = root.suffix.lower()
    if suffix == ".json":
        return (
            "; --layout coco reads it as a truth JSON of COCO's form, and so does a card "
            "with layout = 'coco'"
        )
    return "; unpack it first" if suffix in (".zip", ".tar", ".gz", ".tgz") else ""


def chosen_ids(ids: str | Path | Sequence[str] | None) -> Ids:
    """The ids in --ids: "all", those in a file or a list, or None if it is not given.

    Raises:
        UsageError: no such file, an empty one, or an id that is listed twice.
    """
    if ids is None or ids == "all":
        return "all" if ids else None
    if not isinstance(ids, str | Path):
        return _names(ids, "the list of image ids")
    path = Path(ids).expanduser()
    try:
        names = lists.lines(path)
    except (OSError, UnicodeDecodeError):
        raise UsageError(
            f"--ids {ids}: this is neither 'all' nor a text file with one image id per line"
        ) from None
    return _names(names, f"--ids {ids}")


def _names(names: Sequence[str], where: str) -> list[str]:
    if not names:
        raise UsageError(f"{where}: it is empty; it needs one image id per line")
    if not all(isinstance(name, str) for name in names):
        raise UsageError(f"{where}: image ids are text, as the data set names its images")
    repeated = (
        sorted({name for name in names if names.count(name) > 1})
        if len(names) != len(set(names))
        else []
    )
    if repeated:
        raise UsageError(f"{where}: {repeated[0]!r} is listed twice; each image counts once")
    return list(names)
