"""Layouts in a folder: `layout.py` declares the layout, `data_set.py` reads and writes its files.

`bench list datasets` imports every `layout.py` to check the keys of the cards. It must not import
the readers of every layout too, so `FolderLayout` imports `data_set.py` when it is first used.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bench.formats import Ids, Layout, PredictionReader, Progress

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.classes import LabelSpace
    from bench.samples import Prediction, Sample


class DataSet(Protocol):
    """The functions of a module `data_set.py`; they do what the methods of `Layout` promise.

    A function with another signature fails the type check where the layout returns the module.
    """

    def read_truth(self, card: Card, root: Path, split: str, *, ids: Ids = None) -> list[Sample]:
        """See `Layout.read_truth`."""
        ...

    def read_predictions(
        self,
        card: Card,
        path: Path,
        task: str,
        samples: Sequence[Sample],
        *,
        space: LabelSpace = "ids",
    ) -> PredictionReader:
        """See `Layout.read_predictions`."""
        ...

    def write_truth(
        self,
        card: Card,
        root: Path,
        split: str,
        samples: Iterable[Sample],
        *,
        progress: Progress | None = None,
    ) -> None:
        """See `Layout.write_truth`."""
        ...

    def write_predictions(
        self, card: Card, path: Path, task: str, predictions: Iterable[tuple[Sample, Prediction]]
    ) -> None:
        """See `Layout.write_predictions`."""
        ...


class FolderLayout(Layout):
    """A layout whose reading and writing is done by a module `data_set.py` beside it."""

    @abstractmethod
    def data_set(self) -> DataSet:
        """Import and return the module that reads and writes the files."""

    def read_truth(self, card: Card, root: Path, split: str, *, ids: Ids = None) -> list[Sample]:
        """See `Layout.read_truth`."""
        return self.data_set().read_truth(card, root, split, ids=ids)

    def read_predictions(
        self,
        card: Card,
        path: Path,
        task: str,
        samples: Sequence[Sample],
        *,
        space: LabelSpace = "ids",
    ) -> PredictionReader:
        """See `Layout.read_predictions`."""
        return self.data_set().read_predictions(card, path, task, samples, space=space)

    def write_truth(
        self,
        card: Card,
        root: Path,
        split: str,
        samples: Iterable[Sample],
        *,
        progress: Progress | None = None,
    ) -> None:
        """See `Layout.write_truth`."""
        self.data_set().write_truth(card, root, split, samples, progress=progress)

    def write_predictions(
        self, card: Card, path: Path, task: str, predictions: Iterable[tuple[Sample, Prediction]]
    ) -> None:
        """See `Layout.write_predictions`."""
        self.data_set().write_predictions(card, path, task, predictions)
