"""The message for a folder without the expected ground truth: what it holds, and where the data may
be.

The usual mistake is a folder one level too high or too low. It knows names and folders, not what
the files contain.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bench import cards
from bench.errors import DataError
from bench.formats.finding import folders

if TYPE_CHECKING:
    from bench.cards import Card

_TRIED = 50
"""How many folders inside the named one are tried."""


def nothing_found(card: Card, root: Path, looked: str, fits: Callable[[Path], bool]) -> DataError:
    """The error for truth that is not there; `looked` says what was looked for, `fits` whether a
    folder has it.
    """
    there = _elsewhere(root, fits)
    if there is not None:
        return DataError(f"{root}: {looked}; it is in {there}: use --data {there}")
    return DataError(f"{root}: {looked}, and {_held(root)}{_obtain(card)}")


def _elsewhere(root: Path, fits: Callable[[Path], bool]) -> Path | None:
    """The folder above, or one inside, that has what was looked for."""
    inside = [path for path in _sorted(root) if path.is_dir()][:_TRIED]
    above = [root.parent] if root.resolve().parent != root.resolve() else []
    return next((path for path in (*inside, *above) if fits(path)), None)


def _held(root: Path) -> str:
    names = [f"{path.name}/" if path.is_dir() else path.name for path in _sorted(root)]
    return f"it holds {folders.first(names)}" if names else "it is empty"


def _sorted(root: Path) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if not path.name.startswith("."))
    except OSError:
        return []


def _obtain(card: Card) -> str:
    """What the card says about getting the data; those that ship say more than fits a sentence."""
    if card.name in cards.names():
        return f"; bench prepare --dataset {card.name} --data DIR says what DIR holds"
    advice = " ".join(card.obtain.split()).rstrip(".")
    return f"; the card says: {advice}" if advice else ""
