"""What may be wrong with stored predictions although they can be read: files of no image, palettes
in another order.

Nothing here raises an error: it makes warnings from the names of the files and from one of the
files.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench import images
from bench.errors import DataError
from bench.formats.finding import folders

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.classes import LabelSpace

_NOTABLE = 0.01
"""The share of an image's pixels that must have the colour of another class; fewer may be
chance.
"""
Warned = tuple[str, str]
"""A code that stays the same, and a message."""


def warnings_of(
    card: Card,
    path: Path,
    task: str,
    used: Collection[Path],
    *,
    files: Sequence[Path],
    space: LabelSpace = "ids",
) -> list[Warned]:
    """What a reader of scores should know of the `files` at `path`; those in `used` are the
    predictions.
    """
    if not path.is_dir() or not used:
        return []
    of_objects = {file.suffix.lower() for file in used}
    suffixes = {"semantic": images.LABEL_SUFFIXES, "instance": of_objects, "panoptic": (".png",)}[
        task
    ]
    candidates = [
        file for file in files if file.suffix.lower() in suffixes and not _hidden(file, path)
    ]
    strays = [file for file in candidates if file not in used]
    warnings = []
    if strays:
        names = folders.first(file.name for file in strays)
        warnings.append(
            (
                "unused-files",
                f"{len(strays)} of {len(candidates)} files in {path} belong to no image ({names})",
            )
        )
    if (
        task == "semantic"
        and len(strays) < len(candidates)
        and not card.colors
        and card.threshold is None
    ):
        first = next(file for file in candidates if file in used)
        warnings += [*_palette(card, first, space), *_colors(first)]
    return warnings


def _hidden(file: Path, path: Path) -> bool:
    return any(name.startswith(".") for name in file.relative_to(path).parts)


def _colors(file: Path) -> list[Warned]:
    """Whether predictions are colours, which are read as the classes that the card gives these
    colours.
    """
    colored = False
    try:
        colored = images.is_color(file)
        if colored:
            # A file whose channels are all equal can be read as labels: it only looks like colour.
            images.read_labels(file)
    except DataError:
        message = (
            f"predictions such as {file.name} are colour images, read by the colours of "
            "the card's classes"
        )
        return [("colours-read", message)] if colored else []
    return []


def _palette(card: Card, file: Path, space: LabelSpace) -> list[Warned]:
    """Whether pixels of a palette PNG mostly have the colour of a class that is another one than
    their index says.

    Black and colours of no class say nothing: they fill the unused entries of many palettes.
    """
    try:
        colors = images.read_palette(file)
        used = np.bincount(images.read_labels(file).reshape(-1)) if colors is not None else None
    except DataError:
        return []  # the reader of the file reports what is wrong
    if colors is None or used is None:
        return []
    named = {
        entry.color: entry
        for entry in card.classes.entries
        if entry.color is not None and any(entry.color)
    }
    of_a_class = of_another_class = 0
    for index in np.flatnonzero(used[: len(colors)]).tolist():
        entry = named.get((int(colors[index][0]), int(colors[index][1]), int(colors[index][2])))
        meant = None if entry is None else entry.id if space == "ids" else entry.train_id
        of_a_class += int(used[index]) if meant is not None else 0
        of_another_class += int(used[index]) if meant is not None and meant != index else 0
    if 2 * of_another_class <= of_a_class or of_another_class < _NOTABLE * used.sum():
        return []
    message = (
        f"{file.name} is a palette PNG whose colours are those of {card.title} "
        "in another order; the indices were read as labels and the colours ignored"
    )
    return [("palette-order", message)]
